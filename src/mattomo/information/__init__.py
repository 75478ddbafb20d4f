"""What an added property tells about a target: pure functions of arrays and tables, never of files."""

from mattomo.information.agreement import agreement
from mattomo.information.gain import (
    CRITERIA,
    Criterion,
    chance_all_below,
    contrasts,
    frequency,
    gains,
    mae_changes,
    structure_already_holds,
)

__all__ = [
    "CRITERIA",
    "Criterion",
    "agreement",
    "chance_all_below",
    "contrasts",
    "frequency",
    "gains",
    "mae_changes",
    "structure_already_holds",
]
