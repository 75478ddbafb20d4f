"""The check of a table before anything is trained: what is usable, and what could fool a user later."""

from mattomo.materials.check.checked import PARTS, TITLES, Checked, check_table
from mattomo.materials.check.conflicts import Conflict
from mattomo.materials.check.duplicates import Duplicates
from mattomo.materials.check.finding import Finding, Level
from mattomo.materials.check.properties import PropertySummary
from mattomo.materials.check.rows import Refusal
from mattomo.materials.check.stored import Agreement

__all__ = [
    "PARTS",
    "TITLES",
    "Agreement",
    "Checked",
    "Conflict",
    "Duplicates",
    "Finding",
    "Level",
    "PropertySummary",
    "Refusal",
    "check_table",
]
