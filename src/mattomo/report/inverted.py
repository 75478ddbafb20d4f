"""The inverse direction as plain values, tables and one figure."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

from mattomo.atomic import write_bytes, write_text
from mattomo.information.inverse import Inverse
from mattomo.information.prediction import Prediction
from mattomo.information.question import PLACEBO
from mattomo.report.summarize import plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

UPPER = {
    "elements": "sum over the elements, as if independent: an upper bound of the entropy of the set",
    "composition": "elements one by one, then the formula class, then which element has which amount: an "
    "upper bound of the entropy of the reduced formula",
}
_INK, _LINE, _OTHER = "#1d2733", "#12446b", "#8fc0de"


@dataclass(frozen=True)
class Inverted:
    """What `mattomo.invert` found.

    Attributes
    ----------
    found : Inverse
        How the bits fall with the number of properties.
    prediction : Prediction or None
        The distribution for given values.
    units : mapping of str to str
    source : str
    """

    found: Inverse
    prediction: Prediction | None
    units: dict[str, str]
    source: str

    @property
    def curve(self) -> pd.DataFrame:
        """Bits against the number of properties; see `mattomo.information.inverse.Inverse`."""
        return self.found.curve

    @property
    def calibration(self) -> pd.DataFrame:
        """Predicted probabilities and what came true."""
        return self.found.calibration

    @property
    def sentence(self) -> str:
        """The answer, for people."""
        return sentence(self.found)

    def plain(self) -> dict[str, Any]:
        """Everything as JSON holds it."""
        found, told = self.found, self.prediction
        values: dict[str, Any] = plain(
            {
                "source": self.source,
                "to": found.to,
                "sentence": self.sentence,
                "bound": UPPER.get(found.to, "an upper bound of the entropy of the class"),
                "order": list(found.order),
                "how": found.how,
                "seeds": list(found.seeds),
                "rows": found.n_table,
                "rows_complete": found.n_complete,
                "rows_used": found.n,
                "formulas": found.n_formulas,
                "training_rows": found.n_train,
                "test_rows": found.n_test,
                "values": found.n_values,
                "curve": found.curve.to_dict("records"),
                "random": found.random.to_dict("records"),
                "calibration": found.calibration.to_dict("records"),
                "notices": list(found.notices),
                "prediction": None
                if told is None
                else {
                    "given": dict(told.given),
                    "bits": told.bits,
                    "prior_bits": told.prior_bits,
                    "rows": told.n,
                    "table": told.table.to_dict("records"),
                    "notices": list(told.notices),
                },
            }
        )
        return values

    def draw(self, ax: Axes | None = None) -> Axes:
        """The paper's corollary as a figure: bits left open against the number of properties.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            New if not given.
        """
        return draw(self.found, ax)

    def write(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write the tables (CSV) and the figure (SVG, PNG); returns their paths.

        ``curve.csv``, ``random.csv``, ``calibration.csv``, ``prediction.csv`` (if there is one),
        ``inverse.svg`` and ``inverse.png``.

        Parameters
        ----------
        folder : path
            Made if missing; each file appears whole or not at all.
        """
        folder = Path(folder)
        tables = {"curve": self.curve, "random": self.found.random, "calibration": self.calibration}
        if self.prediction is not None:
            tables["prediction"] = self.prediction.table
        paths = [
            write_text(folder / f"{name}.csv", table.to_csv(index=False, lineterminator="\n"))
            for name, table in tables.items()
        ]
        figure = cast("Figure", self.draw().figure)
        for kind in ("svg", "png"):
            buffer = io.BytesIO()
            metadata = {"Date": None} if kind == "svg" else None
            figure.savefig(buffer, format=kind, dpi=200, metadata=metadata)
            paths.append(write_bytes(folder / f"inverse.{kind}", buffer.getvalue()))
        return paths

    def __repr__(self) -> str:
        f = self.found
        return f"Inverted({f.to} from {', '.join(f.order)}: {f.n:,} rows, {len(f.seeds)} seeds)"

    def _repr_html_(self) -> str:
        """The sentence and the curve, for notebooks."""
        shown = self.curve[["k", "added", "bits", "low", "high", "found", "fall", "z"]]
        table = shown.to_html(index=False, float_format="{:.3f}".format, escape=True)
        return f"<p>{escape(repr(self))}</p><p>{escape(self.sentence)}</p>{table}"


def sentence(found: Inverse) -> str:
    """What the curve says, in words."""
    own = found.curve[found.curve["added"] != PLACEBO]
    start, end = float(own["bits"].iloc[0]), float(own["bits"].iloc[-1])
    m = len(found.order)
    fall = (
        f"{found.to}: {start:.2f} bits left open without any property, {end:.2f} with "
        f"{f'all {m}' if m > 1 else 'the one'}"
    )
    sure = found.falls["added"].tolist()
    if sure:
        fall += f"; each of these adds for certain (z > 3): {', '.join(sure)}"
    else:
        fall += "; no single step is certain (z > 3)"
    z = float(found.placebo["z"])
    return f"{fall}. {placebo_in_words(float(found.placebo['fall']), z)}"


def placebo_in_words(fall: float, z: float) -> str:
    """What the last step says, in which a column without information is added.

    Examples
    --------
    >>> placebo_in_words(0.01, 0.4)
    'A placebo changes nothing, as it must (+0.010 bits, z = 0.4).'
    """
    told = f"({fall:+.3f} bits, z = {z:.1f})"
    if z >= 3:
        return f"A placebo tells something, which it must not {told}: do not trust the steps above."
    if z <= -3:
        return f"A placebo costs something {told}: the price of a useless column, paid by each step above."
    return f"A placebo changes nothing, as it must {told}."


def draw(found: Inverse, ax: Axes | None = None) -> Axes:
    """Bits left open against the number of properties conditioned on, with placebo and random orders."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    if ax is None:
        figure = Figure(figsize=(7.2, 4.2), layout="constrained")
        FigureCanvasAgg(figure)
        ax = figure.add_subplot()
    own = found.curve[found.curve["added"] != PLACEBO]
    k, bits = own["k"].to_numpy(dtype=float), own["bits"].to_numpy(dtype=float)
    for number, (_, order) in enumerate(found.random.groupby("order")):
        x, y = [0.0, *order["k"]], [bits[0], *order["bits"]]
        ax.plot(x, y, color=_OTHER, lw=1, label="random orders, first seed" if number == 0 else None)
    spread = own[["low", "high"]].to_numpy(dtype=float)
    if np.isfinite(spread).all():
        ax.fill_between(k, spread[:, 0], spread[:, 1], color=_LINE, alpha=0.12, lw=0)
    ax.plot(k, bits, "o-", color=_LINE, label=f"{found.how} order, mean of {len(found.seeds)} seeds")
    last = found.placebo
    ax.plot([k[-1] + 1], [float(last["bits"])], "s", color="#d2604d", mfc="white", label="placebo added")
    ax.set_xticks([*k, k[-1] + 1], ["nothing", *found.order, PLACEBO], rotation=35, ha="right")
    ax.set_xlabel("properties conditioned on, added from left to right")
    ax.set_ylabel(f"bits left open of {found.to}")
    ax.tick_params(colors=_INK)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    ax.legend(frameon=False, fontsize="small")
    return ax
