"""What a study folder holds, and everything that is computed from it."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import nullcontext, suppress
from dataclasses import replace
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mattomo.choice import Choice, choose
from mattomo.errors import InputError
from mattomo.information import Criterion, agreement, frequency, gains, structure_already_holds
from mattomo.information.analysis import Analysis, analyse
from mattomo.information.decomposition import decompose_columns
from mattomo.information.pairwise import mutual_information_matrix
from mattomo.information.parts import Decomposition
from mattomo.information.scores import score_all
from mattomo.information.selection import Selection
from mattomo.materials import Materials, Quarantine
from mattomo.materials.check import check_table
from mattomo.materials.registry import nearest
from mattomo.materials.table import Column
from mattomo.report import Summary, summarize, write_report
from mattomo.report.checked import report_section
from mattomo.report.closeup import MOST, Closeups, closeups, systems_of, with_curves
from mattomo.report.explained import explain
from mattomo.report.information import KEY, MISSING_ANALYSIS, bits_table
from mattomo.study.collect import caps, cell_rows, collect, curves, held_out
from mattomo.study.outcome import Outcome, Rows
from mattomo.study.run import RunReport
from mattomo.study.store import Store
from mattomo.study.workers import default_workers, local_workers

#: Models times materials above which the analysis is spread over processes.
_LARGE = 5_000_000


class Results:
    """What a study folder holds, finished or not.

    Parameters
    ----------
    folder : path
    run : RunReport, optional
        What the run that made it did.
    table : tuple of Materials and Quarantine, optional
        What was read: the report then shows the check of it.

    Raises
    ------
    InputError
        There is no study in the folder.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        run: RunReport | None = None,
        table: tuple[Materials, Quarantine] | None = None,
    ) -> None:
        self.folder = Path(folder)
        self.run = run
        self._table = table
        self.outcome: Outcome = collect(folder)

    @property
    def errors(self) -> pd.DataFrame:
        """One row a model; ``mae`` is its test error in the unit of the target."""
        return self.outcome.errors

    def curves(self) -> pd.DataFrame:
        """Validation error and training loss of every epoch (of trees: every tree) of every model.

        See `mattomo.study.collect.curves` for the columns.
        """
        return curves(self.folder)

    def gains(self) -> pd.DataFrame:
        """One row a cell: relative change of the test MAE over the paired seeds, and its significance.

        See `mattomo.information.gains` for the columns.
        """
        return gains(self.errors)

    @cached_property
    def _rows(self) -> Rows:
        return Store(self.folder).materials()

    @cached_property
    def analysis(self) -> Analysis:
        """Everything computed from the held-out predictions: seconds for a thousand materials.

        Raises
        ------
        InputError
            The folder lacks the study's table of materials (it is of mattomo 0.1).
        """
        return self._judged[0]

    @cached_property
    def _judged(self) -> tuple[Analysis, Closeups]:
        rows = self._rows
        large = len(self.outcome.errors) * len(rows.ids) > _LARGE
        with local_workers(default_workers()) if large else nullcontext() as executor:
            scored = score_all(held_out(self.folder), rows, executor)
        cells = self.errors.loc[self.errors["added"] != "", list(KEY)].drop_duplicates()
        close = closeups(scored, rows, systems_of(rows)) if len(cells) <= MOST else Closeups()
        return analyse(self.outcome, scored, rows, caps(self.folder)), close

    def bits(self) -> pd.DataFrame:
        """One row a cell: usable bits with their interval, cap, and the conditional swap test.

        See `mattomo.information.analysis.cells` for the columns; besides, ``deterministic``: ``"algebra"``
        where the target is a function of the added property and what the representation holds, ``"held"``
        where the representation alone determines it, so that a gain is the learner's shortfall, ``"derived"``
        where the composition determines the added property, so that a gain is convenience; else "".
        """
        return bits_table(self.analysis, self.relations())

    def decomposition(self) -> pd.DataFrame:
        """What representation and added property tell about each target, apart and together (bits).

        See `mattomo.information.parts.Decomposition.record` for the columns.
        """
        return self.analysis.decomposition

    def decompose(self, target: str, first: str, second: str) -> Decomposition:
        """What two properties tell about a third, from the columns of the study alone, without any model.

        Parameters
        ----------
        target, first, second : str
            Targets or added properties of the study.

        Raises
        ------
        InputError
            No such column in the study.
        """
        rows = self._rows
        columns = []
        for name in (target, first, second):
            if name not in rows.columns:
                known = list(rows.columns)
                raise InputError("no such column in the study", column=name, hint=nearest(name, known))
            columns.append(rows.columns[name])
        return decompose_columns(columns[0], columns[1], columns[2], rows.formulas)

    def mutual_information(self) -> pd.DataFrame:
        """Mutual information of all pairs of the study's columns, in bits, beside what chance would show.

        See `mattomo.information.pairwise.mutual_information_matrix` for the columns.
        """
        rows = self._rows
        columns = {
            info.name: Column(info, rows.columns[info.name], _missing(rows.columns[info.name]))
            for info in self.outcome.properties
        }
        return mutual_information_matrix(columns)

    def controls(self) -> pd.DataFrame:
        """What the criteria say of placebo, derived and planted columns, whose worth is known.

        See `mattomo.information.controls.calibration` for the columns.
        """
        return self.analysis.controls

    def symmetry(self) -> pd.DataFrame:
        """Bits of A for p less bits of p for A, for all pairs of targets.

        See `mattomo.information.symmetry.symmetry_residuals` for the columns.
        """
        return self.analysis.symmetry

    def floor(self) -> pd.DataFrame:
        """Least error of any model of the composition, for each target, from the spread of polymorphs.

        See `mattomo.information.floor.Floor` for the columns.
        """
        return self.analysis.floor

    def learning(self) -> pd.DataFrame:
        """Learning curve of each gain; empty unless the study has ``train_fractions`` below 1.

        See `mattomo.information.convenience.gain_curves` for the columns.
        """
        return self.analysis.learning

    def seed_bits(self) -> pd.DataFrame:
        """Bits of every cell, seed and share of the training rows: what `learning` and `bits` sum up.

        See `mattomo.information.analysis.seed_bits` for the columns.
        """
        return self.analysis.seeds

    def predictions(
        self, target: str, added: str, *, representation: str | None = None, learner: str | None = None
    ) -> pd.DataFrame:
        """What the models of one cell said of their test rows, without the added property and with it.

        Parameters
        ----------
        target, added : str
        representation, learner : str, optional
            The first that has the cell.

        Returns
        -------
        DataFrame
            learner, representation, target, added, seed, id, formula, true, predicted0 (the baseline's),
            predicted1 (with the added property; all in the target's unit); one row a test row and seed, of
            models trained on all training rows.

        Raises
        ------
        InputError
            There is no such cell (yet), or the folder lacks the study's table of materials.
        """
        where = self._known(target, added, representation, learner)
        rows = self._rows
        found: list[pd.DataFrame] = []
        first: tuple[str, str] | None = None
        for held in held_out(self.folder, **where):
            if held.fraction == 1 and added in held.added:
                first = first or (held.learner, held.representation)
                if (held.learner, held.representation) == first:
                    found.append(cell_rows(held, added, rows))
        if not found:
            raise InputError(
                "no model of this cell is trained yet", file=str(self.folder), value=f"{added} for {target}"
            )
        return pd.concat(found, ignore_index=True)

    def relations(self) -> list[dict[str, Any]]:
        """Columns of the study that are functions of other columns, as plain values."""
        return Store(self.folder).relations()

    def table1(self, criterion: Criterion = "paired_minmax") -> pd.DataFrame:
        """The paper's Table 1: what helps each representation, and what structure already holds."""
        return structure_already_holds(self.gains(), criterion)

    def agreement(self, criterion: Criterion = "paired_minmax") -> pd.DataFrame:
        """Cells that several learners measured: robust if all mark them, disputed if only some do."""
        return agreement(self.gains(), criterion)

    def frequency(self, criterion: Criterion = "paired_minmax") -> pd.DataFrame:
        """How often each property helps composition but not structure."""
        return frequency(self.table1(criterion))

    def summary(self) -> Summary:
        """Everything the report shows, as plain values.

        A folder without the study's table of materials (of mattomo 0.1) gives the errors alone, and says so.
        """
        return self._summary

    @cached_property
    def _summary(self) -> Summary:
        outcome, analysis, close = self.outcome, None, None
        try:
            analysis, close = self._judged
        except InputError:
            outcome = replace(outcome, notices=(MISSING_ANALYSIS, *outcome.notices))
        if close is not None and close.cells:
            close = with_curves(close, self.curves())
        return summarize(outcome, analysis, self.relations(), self._checked(), close)

    def _checked(self) -> dict[str, Any] | None:
        """What `mattomo check` says of the study's table: kept from the run, or None."""
        store = Store(self.folder)
        found = store.checked()
        if found is None and self._table is not None:
            checked = check_table(*self._table)
            found = report_section(checked, [each["sentence"] for each in self.relations()])
            with suppress(OSError):  # a disk too full for it costs no results
                store.write_checked(found)
        return found

    def report(self, folder: str | os.PathLike[str] | None = None) -> Path:
        """Write the report (HTML, figures, tables); returns the path of the page.

        Parameters
        ----------
        folder : path, optional
            ``report`` in the study folder by default.
        """
        return write_report(self.summary(), self.folder / "report" if folder is None else Path(folder))

    def explain(
        self, target: str, added: str, *, representation: str | None = None, learner: str | None = None
    ) -> dict[str, Any]:
        """One cell in words and numbers: what the added property tells, of which materials.

        See `mattomo.report.explained.explain` for the keys.

        Parameters
        ----------
        target, added : str
        representation, learner : str, optional
            The first that has the cell.

        Raises
        ------
        InputError
            There is no such cell (yet), or the folder lacks the study's table of materials.
        """
        self._known(target, added, representation, learner)
        rows = self._rows
        _ = self.analysis  # says why there is none
        summary = self.summary()
        found = [
            cell
            for cell in summary["cells"]
            if (cell["target"], cell["added"]) == (target, added)
            and representation in (None, cell["representation"])
            and learner in (None, cell["learner"])
        ]
        if not found:
            raise InputError(
                "no model of this cell is trained yet", file=str(self.folder), value=f"{added} for {target}"
            )
        cell = found[0]
        where = {"learner": cell["learner"], "representation": cell["representation"], "target": target}
        if cell["closeup"] is None:
            # Of a large study no cell is kept close up: it would take too much room.
            units = [held for held in held_out(self.folder, **where) if held.fraction == 1]
            close = closeups(score_all(units, rows), rows, systems_of(rows))
            cell = cell | {"closeup": close.cells.get(tuple(cell[name] for name in KEY))}
            summary = summary | {"closeups": close.groups}
        return explain(summary, cell)

    def _known(
        self, target: str, added: str, representation: str | None, learner: str | None
    ) -> dict[str, object]:
        """Records to read for a cell, once all of its names are known to the study."""
        outcome = self.outcome
        for what, name, known in (
            ("target", target, outcome.targets),
            ("added property", added, outcome.added),
            ("representation", representation, outcome.representations),
            ("learner", learner, tuple(dict.fromkeys(self.errors["learner"]))),
        ):
            if name is not None and name not in known:
                hint = nearest(name, list(known))
                raise InputError(
                    f"the study has no such {what}", file=str(self.folder), value=name, hint=hint
                )
        where = {"target": target, "representation": representation, "learner": learner}
        return {name: value for name, value in where.items() if value is not None}

    def choice(self, target: str, **choices: Any) -> Choice:
        """The choice that `select` answers, to see beforehand what it trains; takes what `select` takes."""
        table = None if self._table is None or choices.get("data") else self._table[0]
        return choose(self.folder, target, materials=table, **choices)

    def select(
        self,
        target: str,
        *,
        workers: int | None = None,
        executor: Executor | None = None,
        progress: Callable[[int], None] | None = None,
        **choices: Any,
    ) -> Selection:
        """The smallest set of properties that tells as much of a target as all of them; trains models.

        They are stored in the study folder, and so is the answer, in words and tables.

        Parameters
        ----------
        target : str
        workers : int, optional
            Local processes; one a core by default.
        executor : concurrent.futures.Executor, optional
            Where to train instead.
        progress : callable, optional
            Told the number of models known so far.
        **choices
            ``base`` (a representation of the study or ``"none"``), ``learner`` (``"trees"``, ``"cgcnn"`` or a
            learner), ``properties`` (to choose from), ``costs`` (by property), ``tolerance`` (bits that may
            be lost), ``alternatives`` and ``steadiness`` (look for equally good swaps; select on each split
            by itself: both True), ``data`` (where the study's table lies now).

        Raises
        ------
        InputError
            Something the study does not have, a negative cost, too few rows, or data that has changed.
        """
        return self.choice(target, **choices).run(workers, progress, executor)[0]

    def __repr__(self) -> str:
        o = self.outcome
        return f"Results({self.folder}: {o.units_done} of {o.units_planned} units, {len(o.errors)} models)"

    def _repr_html_(self) -> str:
        """The cells by what they gain, best first, for notebooks; at most 20."""
        head = f"<p>{escape(repr(self))}</p>"
        if self.errors.empty:
            return f"{head}<p>Nothing is trained yet.</p>"
        gained = self.gains().sort_values("mean", kind="stable")
        columns = ["learner", "representation", "target", "added", "mean", "min", "max", "paired_minmax"]
        table = gained[columns].head(20).to_html(index=False, float_format="{:+.1%}".format, escape=True)
        more = len(gained) - 20
        return head + table + (f"<p>… and {more:,} more: gains()</p>" if more > 0 else "")


def _missing(values: NDArray[Any]) -> NDArray[np.bool_]:
    missing: NDArray[np.bool_] = values == "" if values.dtype.kind == "U" else np.isnan(values)
    return missing
