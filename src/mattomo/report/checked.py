"""The check of a table as plain values ready to be shown: in the terminal, and as a part of the page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from mattomo.materials.check import TITLES, Checked, Finding, PropertySummary, Refusal
from mattomo.report.numbers import count, plural, printable, quantity, share

EXAMPLES = 5
"""Identifiers named with a finding."""

_GROUPS = 3
_MEMBERS = 4
_LARGEST = 5
_STAGES = {
    "formula": "rows without a usable formula",
    "id": "identifiers twice",
    "structure": "structures that cannot be used (the row stays, without it)",
    "property": "values that cannot be used (the row stays, the value is missing)",
    "study": "rows that lack what a study needs",
}


def report_section(checked: Checked, relations: Sequence[str] = ()) -> dict[str, Any]:
    """What a check found, written out.

    Parameters
    ----------
    checked : Checked
    relations : sequence of str, optional
        Sentences on columns that follow from others.

    Returns
    -------
    dict
        ``lead`` (sentences); ``warnings`` and ``notes``, each a list of ``{title, items, advice}`` with items
        ``{column, text, examples, more}``; ``refused``, a list of ``{title, items}`` with items ``{column,
        reason, count, examples, more, hint}``; ``properties``, a list of ``{name, label, unit, kind, present,
        distinct, values}``; ``relations`` and ``notices`` (sentences). Everything but ``more`` and the
        lists is text in one line.
    """
    return {
        "lead": _lead(checked),
        "warnings": _grouped(checked.warnings),
        "notes": _grouped(checked.notes),
        "refused": _refused(checked.refusals),
        "properties": [_property(each) for each in checked.properties],
        "relations": [printable(each) for each in relations],
        "notices": [printable(each) for each in checked.notices],
    }


def _lead(checked: Checked) -> list[str]:
    f = checked.formulas
    structures = (
        "all with structure"
        if checked.with_structure == checked.rows_used
        else f"{count(checked.with_structure)} with structure"
    )
    twice = checked.identifiers_twice
    because = f" ({count(twice)} because their identifier is there twice)" if twice else ""
    sentences = [
        f"{count(checked.rows_read)} rows read, {count(checked.rows_used)} used, "
        f"{count(checked.rows_left_out)} left out{because}; {structures}.",
    ]
    shared = f"{plural(f.distinct, 'formula')}".replace("formulas", "different formulas")
    largest = ", ".join(f"{formula} ({count(n)})" for formula, n in f.largest[:_LARGEST])
    most = f"; most rows: {largest}" if largest else ""
    alone = (
        f"{share(f.one_to_one_share, 2)} of the materials ({count(f.one_to_one)}) share theirs with no other"
    )
    sentences.append(f"{shared}: {alone}{most}.")
    if checked.common_properties:
        sentences.append(
            f"Rows with all of the properties that at least half of the rows have "
            f"({count(checked.common_properties)}): {count(checked.complete_rows)}."
        )
    if checked.duplicates.not_compared:
        sentences.append(
            f"{count(checked.duplicates.not_compared)} materials were not compared in the search for "
            "duplicates, to keep the check short."
        )
    agreed = [each.column for each in checked.agreements if each.agree == each.compared]
    if agreed:
        sentences.append(f"As in the structures and formulas: {', '.join(agreed)}.")
    return [printable(sentence) for sentence in sentences]


def _grouped(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Findings of one kind and one advice together."""
    groups: dict[tuple[str, str], list[Finding]] = {}
    for each in findings:
        groups.setdefault((each.code, each.advice), []).append(each)
    return [
        {"title": TITLES[code], "advice": printable(advice), "items": [_item(each) for each in members]}
        for (code, advice), members in groups.items()
    ]


def _item(finding: Finding) -> dict[str, Any]:
    named: Sequence[str] = finding.ids
    shown = EXAMPLES
    if finding.groups:
        shown = _GROUPS
        named = [
            " = ".join(group[:_MEMBERS]) + (" = …" if len(group) > _MEMBERS else "")
            for group in finding.groups
        ]
    return {
        "column": printable(finding.column),
        "text": printable(finding.text),
        "examples": [printable(each) for each in named[:shown]],
        "more": max(0, len(named) - shown),
    }


def _refused(refusals: Iterable[Refusal]) -> list[dict[str, Any]]:
    stages: dict[str, list[dict[str, Any]]] = {}
    for each in refusals:
        stages.setdefault(each.stage, []).append(
            {
                "column": printable(each.column),
                "reason": printable(_reason(each)),
                "count": count(each.count),
                "examples": [printable(id) for id in each.examples],
                "more": each.count - len(each.examples),
                "hint": printable(each.hint),
            }
        )
    return [{"title": _STAGES[stage], "items": stages[stage]} for stage in _STAGES if stage in stages]


def _reason(refusal: Refusal) -> str:
    """The reason with some of the values, unless it names them itself."""
    reason = refusal.reason if refusal.alike else f"{refusal.reason}, and the like"
    values = [value for value in refusal.values if value and value not in refusal.reason]
    return f"{reason}: {', '.join(map(repr, values))}" if values and refusal.alike else reason


def _property(p: PropertySummary) -> dict[str, Any]:
    if p.present == 0:
        values = ""
    elif p.lowest is not None:
        values = " … ".join(quantity(each) for each in (p.lowest, p.median, p.highest))
    else:
        values = f"{p.most_common[:24]} {share(p.most_common_share)}"
    return {
        "name": printable(p.name),
        "label": printable(p.label),
        "unit": printable(p.unit),
        "kind": "provenance" if p.provenance else p.kind,
        # 100 % only where no value is missing
        "present": "> 99.9 %" if 0.9995 <= p.coverage < 1 else share(p.coverage),
        "distinct": count(p.distinct),
        "values": printable(values),
    }
