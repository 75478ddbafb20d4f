"""``mattomo identity``: how much of a material its composition and structure hold, and polymorph floors."""

from __future__ import annotations

import math
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from mattomo.cli.table import Data, FormulaColumn, IdColumn, StructureColumn, tell_left_out
from mattomo.cli.terminal import output, print_json
from mattomo.errors import InputError
from mattomo.front import read_data
from mattomo.information.floor import LEAST_REPEATED, polymorph_floors
from mattomo.information.identity import REPRESENTATIONS, identity, refines, representation_labels
from mattomo.information.isometry import TOLERANCE
from mattomo.materials import Materials
from mattomo.report.summarize import plain as plain_values


def identity_command(
    data: Data,
    id: IdColumn = None,
    formula: FormulaColumn = None,
    structure: StructureColumn = None,
    tolerance: Annotated[
        float, typer.Option(help="Largest difference of mean distances of matching structures, in Å.")
    ] = TOLERANCE,
    json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Say how many bits of a material's identity each representation holds, and how far polymorphs differ.

    Trains nothing.
    """
    if not tolerance > 0:
        raise InputError("the tolerance must be positive", value=tolerance, hint="0.01 Å is usual.")
    materials, refused = read_data(data, id=id, formula=formula, structure=structure)
    found = plain_identity(materials, tolerance)
    if json:
        print_json(found)
        return
    _show(found)
    tell_left_out(refused)


def plain_identity(materials: Materials, tolerance: float = TOLERANCE) -> dict[str, Any]:
    """I(R;M) of each representation and the floor of each scalar, as plain values."""
    labels = representation_labels(materials, tolerance=tolerance)
    kept = next(iter(labels.values())) >= 0
    labels = {name: label[kept] for name, label in labels.items()}
    n = int(kept.sum())
    found_values: dict[str, Any] = plain_values(
        {
            "source": materials.source,
            "rows": len(materials),
            "rows_compared": n,
            "bits_of_a_row": math.log2(n),
            "tolerance": tolerance,
            "representations": [
                {
                    "name": name,
                    "alike": REPRESENTATIONS[name],
                    **vars(identity(label)),
                    "refines": [other for other in labels if other != name and refines(label, labels[other])],
                }
                for name, label in labels.items()
            ],
            "floors": [
                {
                    **vars(floor),
                    "enough": floor.enough,
                    "sentence": floor.sentence,
                }
                for floor in polymorph_floors(materials)
            ],
        }
    )
    return found_values


def _show(found: dict[str, Any]) -> None:
    output.print(
        f"[bold]{escape(found['source'])}[/]: {found['rows_compared']:,} of {found['rows']:,} materials "
        f"compared; to name one takes {found['bits_of_a_row']:.3f} bits",
        soft_wrap=True,
    )
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("representation")
    for name in ("holds", "left open", "unique", "to choose from"):
        table.add_column(name, justify="right")
    for r in found["representations"]:
        table.add_row(
            escape(r["name"]),
            f"{r['bits']:.3f}",
            f"{r['conditional_bits']:.3f}",
            f"{r['share_unique']:.2%}",
            f"{r['perplexity']:.3f}",
        )
    output.print(table)
    floors = found["floors"]
    if not floors:
        return
    output.print("\nerror that no model of the composition alone can fall below")
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("property", "unit"):
        table.add_column(name)
    for name in ("on these rows", "on further", "of nothing"):
        table.add_column(name, justify="right")
    for f in floors:
        if f["enough"]:
            share = f["floor"] / f["spread"] if f["spread"] else 0.0
            table.add_row(
                escape(f["name"]), escape(f["unit"]), f"{f['table']:.3g}", f"{f['floor']:.3g}", f"{share:.1%}"
            )
    if table.row_count:
        output.print(table)
    for_few = [f for f in floors if not f["enough"]]
    if for_few:
        most = max(f["n_repeated"] for f in for_few)
        names = ", ".join(f["name"] for f in for_few)
        output.print(
            f"{escape(names)}: only {most} formulas repeat at most ({LEAST_REPEATED} are needed): your data "
            "cannot tell"
        )
