"""The whole check of a table: pure functions of it, gathered into plain values."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mattomo.materials.check.copies import copies
from mattomo.materials.check.distributions import constants, distributions
from mattomo.materials.check.duplicates import Duplicates, duplicates
from mattomo.materials.check.finding import Finding
from mattomo.materials.check.levels import coded, levels, named_provenance
from mattomo.materials.check.plausible import implausible
from mattomo.materials.check.properties import PropertySummary, complete_rows, summaries
from mattomo.materials.check.repeated import repeated
from mattomo.materials.check.rows import Refusal, refusals
from mattomo.materials.check.stored import Agreement, stored_against_own
from mattomo.materials.check.symmetry import space_groups
from mattomo.materials.polymorphs import Formulas, formulas
from mattomo.materials.quarantine import Quarantine, QuarantinedRow
from mattomo.materials.table import Materials

PARTS = ("rows", "properties", "values", "stored against own", "space groups", "duplicates")
"""Parts of a check, in order; the names given to ``tell``."""

TITLES: dict[str, str] = {
    "unit": "another unit",
    "per_atom_or_cell": "per atom or per cell",
    "stand_in": "stand-ins for missing values",
    "stored_differs": "not that of the structure",
    "space_group_differs": "not the space group of the structure",
    "absurd": "values that cannot be right",
    "implausible": "implausible values",
    "conflicting_labels": "equal materials with different labels",
    "leak": "test rows seen in training",
    "duplicates": "materials that are there twice",
    "repeated_formulas": "formulas that are there several times",
    "copy": "columns that are copies",
    "constant": "columns that say nothing",
    "empty": "columns without values",
    "many_levels": "categories that name the rows",
    "zero_inflated": "many zeros",
    "one_value": "mostly one value",
    "noise_around_zero": "noise around zero",
    "extreme": "extreme values",
    "heavy_tails": "heavy tails",
    "nearly_constant": "columns that say hardly anything",
    "coded": "numbers that may be classes",
    "rare_levels": "classes of one row",
    "provenance": "provenance",
}
"""What each kind of finding is about, most serious first: wrong values, then what spoils a study."""


@dataclass(frozen=True)
class Checked:
    """What a check of a table found.

    Attributes
    ----------
    source : str
    rows_read, rows_used, rows_left_out : int
        Read = used + left out.
    identifiers_twice : int
        Rows left out because an earlier row has their identifier.
    cells_refused : int
        Structures and values that cannot be used, on rows that can.
    with_structure : int
        Materials.
    sites : int
        Of all structures.
    common_properties : int
        Properties that at least half of the materials have, provenance aside.
    complete_rows : int
        Materials that have all of those.
    formulas : Formulas
    properties : tuple of PropertySummary
    agreements : tuple of Agreement
        Stored properties compared with those of the structure.
    duplicates : Duplicates
    findings : tuple of Finding
        Warnings first, most serious first.
    refusals : tuple of Refusal
        The quarantine by reason, most frequent first.
    notices : tuple of str
        What was decided while reading.
    quarantine : tuple of QuarantinedRow
    """

    source: str
    rows_read: int
    rows_used: int
    rows_left_out: int
    identifiers_twice: int
    cells_refused: int
    with_structure: int
    sites: int
    common_properties: int
    complete_rows: int
    formulas: Formulas
    properties: tuple[PropertySummary, ...]
    agreements: tuple[Agreement, ...]
    duplicates: Duplicates
    findings: tuple[Finding, ...]
    refusals: tuple[Refusal, ...]
    notices: tuple[str, ...]
    quarantine: tuple[QuarantinedRow, ...]

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """The findings that are warnings."""
        return tuple(each for each in self.findings if each.level == "warning")

    @property
    def notes(self) -> tuple[Finding, ...]:
        """The findings that are notes."""
        return tuple(each for each in self.findings if each.level == "note")

    def plain(self) -> dict[str, Any]:
        """All of it as values that JSON knows; a number that is not finite becomes None."""
        return {name: _plain(value) for name, value in asdict(self).items()}


def check_table(
    materials: Materials, quarantine: Quarantine, tell: Callable[[str], None] | None = None
) -> Checked:
    """Say what of a table is usable, why the rest is not, and what could fool a user later.

    Parameters
    ----------
    materials : Materials
    quarantine : Quarantine
        What the reader could not use.
    tell : callable, optional
        Called with the name of each part (see ``PARTS``) when it begins.

    Returns
    -------
    Checked

    Examples
    --------
    >>> import mattomo as mt
    >>> from mattomo.materials import Quarantine
    >>> check_table(mt.load("mp1000"), Quarantine()).rows_used
    1000
    """
    say = tell or (lambda part: None)
    with np.errstate(all="ignore"):  # absurd values overflow; they are what a check must survive
        say("rows")
        refused = refusals(quarantine)
        shared = formulas(materials)
        say("properties")
        properties = summaries(materials)
        common, complete = complete_rows(materials)
        say("values")
        findings = constants(properties) + distributions(materials) + implausible(materials)
        findings += copies(materials) + levels(materials) + coded(materials) + named_provenance(materials)
        say("stored against own")
        agreements, found = stored_against_own(materials)
        findings += found
        say("space groups")
        groups, found = space_groups(materials)
        agreements += groups
        findings += found
        say("duplicates")
        twice, found = duplicates(materials)
        findings += found + repeated(materials)
    left_out = quarantine.left_out
    return Checked(
        source=materials.source,
        rows_read=len(materials) + len(left_out),
        rows_used=len(materials),
        rows_left_out=len(left_out),
        identifiers_twice=sum(row.stage == "id" for row in left_out),
        cells_refused=len(quarantine) - len(left_out),
        with_structure=int(materials.structures.present.sum()),
        sites=len(materials.structures.Z),
        common_properties=common,
        complete_rows=complete,
        formulas=shared,
        properties=properties,
        agreements=tuple(agreements),
        duplicates=twice,
        findings=tuple(sorted(_without_repeats(findings), key=_weight)),
        refusals=refused,
        notices=materials.notices,
        quarantine=quarantine.rows,
    )


def _without_repeats(findings: list[Finding]) -> list[Finding]:
    """Leave out what another finding already says of the same materials or of the same classes."""
    implausible: defaultdict[str, set[str]] = defaultdict(set)
    for each in findings:
        if each.code == "implausible":
            implausible[each.column] |= set(each.ids)
    copied = {each.column for each in findings if each.code == "copy"}
    kept = []
    for each in findings:
        far = each.code in ("absurd", "extreme", "heavy_tails")
        said = far and 2 * len(implausible.get(each.column, set()).intersection(each.ids)) >= each.count
        if not said and not (each.level == "note" and each.column in copied):
            kept.append(each)
    return kept


def _weight(finding: Finding) -> tuple[bool, int]:
    return finding.level != "warning", list(TITLES).index(finding.code)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
