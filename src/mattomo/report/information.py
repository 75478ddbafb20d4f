"""The analysis of the held-out predictions as plain values beside the cells of the summary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import pandas as pd

from mattomo.information.analysis import Analysis
from mattomo.information.controls import planted_bits
from mattomo.information.gain import CELL
from mattomo.information.relations import deterministic
from mattomo.study.controls import PLANTED_SNR, PREFIX

KEY = tuple(CELL)

SWAP = "swap"
"""Name of the rule that marks a cell by the conditional swap test."""

SWAP_LEVEL = 0.05

RULES: dict[str, str] = {
    SWAP: f"the error falls on average, and the conditional swap test gives q < {SWAP_LEVEL:g}"
}
"""Rules that need the analysis, beside those of `mattomo.information.CRITERIA`."""

MISSING_ANALYSIS = (
    "Bits, swap tests, decompositions and floors are not shown: the folder lacks the study's table of "
    "materials (it is of mattomo 0.1). Run the study again into the same folder: finished units are kept."
)

# Columns of the table of bits that the cells of the summary have already.
_KNOWN = {*KEY, "control", "diagonal", "n_seeds", "mae0", "mae1"}


def bits_table(analysis: Analysis, relations: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """`Analysis.bits` with the column ``deterministic`` ("algebra", "held" or "")."""
    return analysis.bits.assign(deterministic=deterministic(analysis.bits, relations))


def marked(bits: pd.DataFrame) -> set[tuple[str, ...]]:
    """Cells that the swap test marks: q < `SWAP_LEVEL`, neither a control nor on the diagonal."""
    judged = bits[~bits["control"].astype(bool) & ~bits["diagonal"].astype(bool)]
    found = judged[judged["swap_q"] < SWAP_LEVEL]
    return set(zip(*(found[name] for name in KEY), strict=True))


def by_cell(table: pd.DataFrame) -> dict[tuple[str, ...], dict[str, Any]]:
    """Records of a table by learner, representation, target and added property, without what cells hold."""
    kept = [name for name in table.columns if name not in _KNOWN]
    keys = zip(*(table[name] for name in KEY), strict=True)
    return dict(zip(keys, cast(list[dict[str, Any]], table[kept].to_dict("records")), strict=True))


def attach(cells: list[dict[str, Any]], analysis: Analysis | None, bits: pd.DataFrame | None) -> None:
    """Give every cell ``information``, ``parts`` and ``swap``: bits and tests, decomposition, mark.

    Without an analysis, and where it does not know a cell, the first two are None and the third is False.
    """
    known: dict[tuple[str, ...], dict[str, Any]] = {}
    parts: dict[tuple[str, ...], dict[str, Any]] = {}
    hits: set[tuple[str, ...]] = set()
    if analysis is not None and bits is not None:
        known, hits = by_cell(bits), marked(bits)
        if len(analysis.decomposition):
            parts = by_cell(analysis.decomposition)
    for cell in cells:
        key = tuple(cell[name] for name in KEY)
        cell["information"] = known.get(key)
        cell["parts"] = parts.get(key)
        cell[SWAP] = key in hits and cell["mean"] is not None and bool(cell["mean"] < 0)


def sections(
    analysis: Analysis | None, bits: pd.DataFrame | None, relations: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """What the analysis says beside the cells.

    Returns
    -------
    dict
        ``controls`` (records of `mattomo.information.controls.calibration`), ``control_cells`` (bits of each
        control and target), ``planted_bits`` (most bits that a planted column tells), ``symmetry``,
        ``floor``, ``learning``, ``nested`` (records of the tables of `Analysis`), ``relations``; lists are
        empty without an analysis.
    """
    found: dict[str, Any] = {
        name: [] for name in ("controls", "control_cells", "symmetry", "floor", "learning", "nested")
    }
    found |= {"planted_bits": planted_bits(PLANTED_SNR), "relations": [dict(each) for each in relations]}
    if analysis is None or bits is None:
        return found
    for name in ("controls", "symmetry", "floor", "learning", "nested"):
        found[name] = getattr(analysis, name).to_dict("records")
    found["control_cells"] = bits[bits["control"].to_numpy(bool)].to_dict("records")
    return found


def control_name(name: str) -> str:
    """A control without the prefix that keeps its name apart from columns.

    >>> control_name("control:placebo")
    'placebo'
    """
    return name.removeprefix(PREFIX)


def strength(cell: Mapping[str, Any]) -> float:
    """Usable bits of a cell, minus infinity where they are undefined."""
    bits = (cell["information"] or {}).get("bits")
    return -np.inf if bits is None else float(bits)


def ranked(cells: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Cells that count as found, strongest first: marked by the swap test and not deterministic."""
    found = [
        cell
        for cell in cells
        if cell[SWAP] and not cell["diagonal"] and not (cell["information"] or {}).get("deterministic")
    ]
    return sorted(found, key=strength, reverse=True)
