"""What could not be used, grouped by reason."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mattomo.materials.quarantine import Quarantine, QuarantinedRow

_EXAMPLES = 4
_VALUES = 3
#: What differs between rows with one reason: quoted values, formulas and numbers.
_VARIABLE = re.compile(r"'[^']*'|\"[^\"]*\"|\([^)]*\)|\b(?:[A-Z][a-z]?[0-9.]*)+\b|[-+]?\b[0-9][0-9.,]*\b")


@dataclass(frozen=True)
class Refusal:
    """Rows or cells refused for one reason.

    Attributes
    ----------
    stage : str
        See `mattomo.materials.QuarantinedRow`.
    column : str
    reason, hint : str
        Those of the first.
    alike : bool
        Whether all have that very reason; else they differ in a value, a formula or a number.
    count : int
    values : tuple of str
        The first different values refused; none for structures, whose text says nothing.
    examples : tuple of str
        The first identifiers with their rows.
    """

    stage: str
    column: str
    reason: str
    hint: str
    alike: bool
    count: int
    values: tuple[str, ...]
    examples: tuple[str, ...]


def refusals(quarantine: Quarantine) -> tuple[Refusal, ...]:
    """Everything in the quarantine grouped by stage, column and reason, largest group first.

    Reasons that differ only in quoted values, formulas and numbers are one reason.

    Parameters
    ----------
    quarantine : Quarantine

    Returns
    -------
    tuple of Refusal
    """
    groups: dict[tuple[str, str, str], list[QuarantinedRow]] = {}
    for row in quarantine:
        groups.setdefault((row.stage, row.column, _VARIABLE.sub("…", row.reason)), []).append(row)
    found = [
        Refusal(
            stage=stage,
            column=column,
            reason=rows[0].reason,
            hint=rows[0].hint,
            alike=all(row.reason == rows[0].reason for row in rows),
            count=len(rows),
            values=() if stage == "structure" else tuple(dict.fromkeys(row.value for row in rows))[:_VALUES],
            examples=tuple(f"{row.id} [row {row.row}]".lstrip() for row in rows[:_EXAMPLES]),
        )
        for (stage, column, _), rows in groups.items()
    ]
    return tuple(sorted(found, key=lambda each: -each.count))
