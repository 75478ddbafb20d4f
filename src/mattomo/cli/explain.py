"""``mattomo explain``: one cell of a study in words and numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from mattomo.cli.terminal import output, print_json
from mattomo.report.numbers import bits, bits_range, percent, probability, quantity, signed
from mattomo.report.views import part_ranges
from mattomo.results import Results

_NAMES = {
    "I_R": "the representation alone",
    "I_A": "the added property alone",
    "I_RA": "both",
    "gain": "both less the representation (the gain)",
    "unique_R": "only the representation",
    "redundant": "either",
    "unique_A": "only the added property",
    "synergy": "only both together",
}
_GROUPS = {
    "element": "elements",
    "crystal system": "crystal_systems",
    "number of materials of the same formula": "polymorphs",
}
_ENDS = 6
"""Elements listed at each end."""


def explain(
    study: Annotated[Path, typer.Argument(help="A study folder.")],
    target: Annotated[str, typer.Option("--target", "-t", help="The target property.")],
    property: Annotated[str, typer.Option("--property", "-p", help="The added property.")],
    representation: Annotated[
        str | None, typer.Option(help="composition, structure, or a table of your own; the first by default.")
    ] = None,
    learner: Annotated[str | None, typer.Option(help="The first by default.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Say what an added property tells of a target, for whom, and beside which controls. Trains nothing."""
    found = Results(study).explain(target, property, representation=representation, learner=learner)
    if json:
        print_json(found)
        return
    _show(found)


def _show(found: dict[str, Any]) -> None:
    cell = found["cell"]
    output.print(Text(found["question"], "bold"))
    for sentence in found["words"]:
        output.print(Text(sentence))
    table = _table("seed", "MAE without", "MAE with", "change / %")
    for seed in cell["seeds"]:
        numbers = (quantity(seed["mae0"]), quantity(seed["mae1"]), percent(seed["change"]))
        table.add_row(str(seed["seed"]), *numbers)
    output.print(Text("\nseed by seed", "bold"), table)
    parts = part_ranges(cell)
    if parts:
        table = _table("told by", "bits", "left open", "95 % interval")
        for name, value, open_to, interval in parts:
            table.add_row(_NAMES[name], value, open_to or "–", interval)
        output.print(Text("\nwhat each tells of the target", "bold"), table)
    if found["controls"]:
        table = _table("control", "bits", "95 % interval", "swap p")
        for row in found["controls"]:
            interval = bits_range(row["bits_low"], row["bits_high"])
            table.add_row(Text(row["name"]), bits(row["bits"]), interval, probability(row["swap_p"]))
        output.print(Text("\ncontrols of the same target", "bold"), table)
    unit = f" / {found['unit']}" if found["unit"] else ""
    for title, key in (("most helped", "helped"), ("most hurt", "hurt")):
        if found[key]:
            table = _table("material", "formula", f"error without{unit}", "with", "change", "seeds", text=2)
            for row in found[key]:
                said = (quantity(row["mae0"]), quantity(row["mae1"]), signed(row["change"]))
                table.add_row(Text(row["id"]), Text(row["formula"]), *said, str(row["n_seeds"]))
            output.print(Text(f"\n{title} of {found['n_materials']:,} tested materials", "bold"), table)
    for title, key in _GROUPS.items():
        rows = found[key]
        if rows:
            named = [
                f"{row['name']} {signed(row['change'])}{'*' if row['clear'] else ''} ({row['n']:,})"
                for row in rows
            ]
            ends = [named] if len(named) <= 2 * _ENDS else [named[:_ENDS], named[-_ENDS:]]
            output.print(Text(f"\nby {title}: change of the error{unit} (materials)", "bold"))
            output.print(Text(" … ".join(map(", ".join, ends))))
    if any(found[key] for key in _GROUPS.values()):
        output.print(Text("* more than two standard errors from zero; by chance 1 in 20 is", "dim"))


def _table(*names: str, text: int = 1) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for place, name in enumerate(names):
        table.add_column(Text(name), justify="left" if place < text else "right", overflow="ellipsis")
    return table
