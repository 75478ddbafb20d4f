"""The role of the data set: one study on the whole and on subsets of it, side by side, and transfer."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mattomo.errors import InputError
from mattomo.front import Study
from mattomo.information.transfer import transfer_table
from mattomo.materials.subset import rows_where
from mattomo.report.subsets import summarize_subsets, write_subsets
from mattomo.results import Results
from mattomo.study.plan import Plan, plan
from mattomo.study.prepare import prepare
from mattomo.study.run import Progress
from mattomo.study.transfer import part_splits, transfers
from mattomo.study.workers import default_workers, local_workers

WHOLE = "all"
_NAMED = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9 _+-]{0,39}?)\s*:\s*(.+)", re.DOTALL)


@dataclass(frozen=True)
class Part:
    """A subset: its name, and the condition its materials meet ("" for all)."""

    name: str
    condition: str

    @property
    def folder(self) -> str:
        """Its folder within that of the comparison."""
        return re.sub(r"[^A-Za-z0-9+-]+", "_", self.name)


def read_parts(texts: Sequence[str]) -> tuple[Part, ...]:
    """Subsets as ``name: condition``, or conditions that are their own name; the whole comes first.

    Raises
    ------
    InputError
        None, or two of one name.

    Examples
    --------
    >>> [part.name for part in read_parts(["oxides: elements has O", "n_elements == 2"])]
    ['all', 'oxides', 'n_elements == 2']
    """
    found = [Part(WHOLE, "")]
    for text in texts:
        match = _NAMED.fullmatch(text)
        found.append(Part(match[1], match[2]) if match else Part(text.strip(), text.strip()))
    if len(found) == 1:
        raise InputError("name at least one subset", hint='E.g. --subset "oxides: elements has O".')
    folders = [part.folder for part in found]
    for part in found:
        if folders.count(part.folder) > 1:
            raise InputError(
                "two subsets share this name",
                value=part.name,
                hint=f"Rename one; {WHOLE!r} is the whole table.",
            )
    return tuple(found)


class Subsets:
    """One study on the whole table and on subsets of it.

    Parameters
    ----------
    study : Study
        What is asked of each of them.
    subsets : sequence of str
        ``"name: condition"`` or a condition, see `mattomo.materials.subset`.

    Raises
    ------
    InputError
        A condition that cannot be read or that no material meets, or a subset with too few rows.

    Examples
    --------
    >>> import mattomo as mt
    >>> study = mt.Study("mp1000", targets=["band_gap"], properties=["density"], learners=["trees"])
    >>> both = Subsets(study, ["oxides: elements has O"])
    >>> {name: len(each.materials) for name, each in both.studies.items()}
    {'all': 1000, 'oxides': 440}
    """

    def __init__(self, study: Study, subsets: Sequence[str]) -> None:
        self.study = study
        self.parts = read_parts(subsets)
        self.studies: dict[str, Study] = {}
        for part in self.parts:
            try:
                self.studies[part.name] = study.restricted(part.condition) if part.condition else study
                self.studies[part.name].plan()
            except InputError as error:
                if not part.condition:
                    raise
                raise InputError(
                    f"subset {part.name!r}: {error.problem}",
                    file=error.file,
                    row=error.row,
                    column=error.column,
                    value=error.value,
                    hint=error.hint,
                ) from None

    def transfer_plan(self) -> tuple[Plan, dict[str, NDArray[np.bool_]]]:
        """The whole study with trees alone, and which of its rows each part has.

        Raises
        ------
        InputError
            A part has too few training or test rows in a split by formula.
        """
        config = msgspec.structs.replace(
            self.study.config,
            learners=("trees",),
            controls=(),
            swaps=0,
            rows="complete",
            train_fractions=(1.0,),
        )
        planned = plan(prepare(self.study.whole, config), config)
        materials = planned.prepared.materials
        whole = self.study.whole
        inside = {
            part.name: np.isin(materials.ids, whole.ids[rows_where(whole, part.condition)])
            if part.condition
            else np.ones(len(materials), dtype=bool)
            for part in self.parts
        }
        part_splits(planned, inside)
        return planned, inside

    def run(
        self,
        folder: str | os.PathLike[str],
        *,
        transfer: bool = True,
        workers: int | None = None,
        progress: Callable[[str, Progress], None] | None = None,
        tell: Callable[[int, int], None] | None = None,
    ) -> Compared:
        """Train what the folder lacks: a study a part, then trees across parts.

        Parameters
        ----------
        folder : path
            New, or of this comparison (which is then completed).
        transfer : bool
            Also train trees on each part and test them on the others.
        workers : int, optional
            Processes; one a core by default.
        progress : callable, optional
            Receives the name of the part and `mattomo.study.run.Progress`.
        tell : callable, optional
            Is told transfer units done and in all.
        """
        folder = Path(folder)
        across = self.transfer_plan() if transfer else None
        results = {}
        for part in self.parts:
            heard = None if progress is None else _named(progress, part.name)
            own = folder / part.folder
            results[part.name] = self.studies[part.name].run(own, workers=workers, progress=heard)
        table = pd.DataFrame()
        if across is not None:
            planned, inside = across
            n = default_workers() if workers is None else workers
            with nullcontext() if n == 1 else local_workers(n) as executor:
                sent = transfers(planned, inside, folder / "transfer", executor=executor, tell=tell)
                columns = {name: planned.prepared.columns[name] for name in planned.config.targets}
                table = transfer_table(sent, inside, columns)
        return Compared(self.parts, results, table, folder)


@dataclass(frozen=True)
class Compared:
    """What a study found on the whole and on its subsets.

    Attributes
    ----------
    parts : tuple of Part
    results : mapping of str to Results
        By part.
    transfer : DataFrame
        See `mattomo.information.transfer.transfer_table`; empty if not asked for.
    folder : path
    """

    parts: tuple[Part, ...]
    results: dict[str, Results]
    transfer: pd.DataFrame
    folder: Path

    def summary(self) -> dict[str, Any]:
        """Everything the report shows, as plain values (see `mattomo.report.subsets.summarize_subsets`)."""
        bits = {name: results.bits() for name, results in self.results.items()}
        floors = {name: results.floor() for name, results in self.results.items()}
        outcomes = {name: results.outcome for name, results in self.results.items()}
        conditions = {part.name: part.condition for part in self.parts}
        return summarize_subsets(conditions, outcomes, bits, floors, self.transfer)

    def report(self, folder: str | os.PathLike[str] | None = None) -> Path:
        """Write ``subsets.html``, ``subsets.md`` and the tables (CSV); returns the path of the page."""
        return write_subsets(self.summary(), self.folder / "report" if folder is None else Path(folder))

    def __repr__(self) -> str:
        return f"Compared({self.folder}: {', '.join(part.name for part in self.parts)})"


def _named(progress: Callable[[str, Progress], None], name: str) -> Callable[[Progress], None]:
    return lambda told: progress(name, told)
