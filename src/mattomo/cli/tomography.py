"""``mattomo tomography``: which properties single out a material, and which materials fit known values."""

from __future__ import annotations

import math
from typing import Annotated, Any

import numpy as np
import typer
from rich.markup import escape
from rich.table import Table

from mattomo.cli.table import (
    Data,
    FormulaColumn,
    IdColumn,
    StructureColumn,
    WhereCondition,
    tell_left_out,
)
from mattomo.cli.terminal import output, print_json
from mattomo.errors import InputError
from mattomo.front import read_data
from mattomo.information.candidates import compatible
from mattomo.information.identification import N_READINGS, NOTHING, Identification, identification
from mattomo.materials import Materials
from mattomo.report.summarize import plain as plain_values

_SHOWN = 20


def tomography(
    data: Data,
    known: Annotated[
        str | None, typer.Option(help="Values of a material, e.g. band_gap=1.1,density=2.3: which can it be?")
    ] = None,
    resolution: Annotated[
        list[str] | None,
        typer.Option(help="Width within which two values cannot be told apart, e.g. band_gap=0.2 (repeat)."),
    ] = None,
    properties: Annotated[
        str | None, typer.Option(help="Properties to identify materials by, comma-separated.")
    ] = None,
    readings: Annotated[int, typer.Option(help="Simulated readings.", min=10)] = N_READINGS,
    seed: Annotated[int, typer.Option(help="Of the simulated readings.")] = 0,
    id: IdColumn = None,
    formula: FormulaColumn = None,
    structure: StructureColumn = None,
    where: WhereCondition = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Say how many properties, read at finite resolution, single out one material of a table.

    With --known, list the materials that fit the values instead. Trains nothing.
    """
    if known is not None and properties is not None:
        raise InputError(
            "--known and --properties exclude each other", hint="The known values name their properties."
        )
    values = None if known is None else assignments("--known", known)
    widths: dict[str, float] = {}
    for item in resolution or []:
        for name, text in assignments("--resolution", item).items():
            widths[name] = _width(name, text)
    materials, refused = read_data(data, where=where, id=id, formula=formula, structure=structure)
    if values is None:
        names = [name.strip() for name in properties.split(",")] if properties else None
        found = identification(materials, names, widths, n_readings=readings, seed=seed)
        plain = plain_identification(found, materials)
    else:
        plain = plain_compatible(materials, values, widths)
    if json:
        print_json(plain)
        return
    (_show_curve if values is None else _show_compatible)(plain)
    tell_left_out(refused)


def plain_identification(found: Identification, materials: Materials) -> dict[str, Any]:
    """What `identification` found, as plain values."""
    units = {name: materials.column(name).info.unit for name in found.greedy.names}
    curve, bits = found.greedy, found.random_bits
    found_values: dict[str, Any] = plain_values(
        {
            "source": materials.source,
            "rows": len(materials),
            "rows_used": found.n,
            "bits_of_a_row": math.log2(found.n),
            "readings": found.n_readings,
            "resolutions": dict(found.widths),
            "resolutions_assumed": list(found.assumed),
            "curve": [
                {
                    "added": name,
                    "unit": units[name],
                    "resolution": found.widths.get(name),
                    "bits": float(curve.bits[k]),
                    "standard_error": curve.standard_error[k],
                    "share_unique": float(curve.share_unique[k]),
                    "top1": float(curve.top1[k]),
                    "collision_bits": curve.collision_bits[k],
                    "random_bits": {
                        "mean": float(bits[:, k].mean()),
                        "min": float(bits[:, k].min()),
                        "max": float(bits[:, k].max()),
                    },
                }
                for k, name in enumerate(curve.names)
            ],
            "shadows": [
                {**vars(shadow), "added_collision": shadow.added_collision} for shadow in found.shadows
            ],
            "enough": list(found.enough),
            "nothing": NOTHING,
            "growth": [
                {"rows": int(size), "share_unique": share, "bits": held}
                for size, share, held in zip(
                    found.growth.sizes, found.growth.share_unique, found.growth.bits, strict=True
                )
            ],
        }
    )
    return found_values


def plain_compatible(materials: Materials, known: dict[str, str], widths: dict[str, float]) -> dict[str, Any]:
    """Materials that fit known values, as plain values."""
    table = compatible(materials, known, widths)
    chance = table["probability"].to_numpy()
    open_bits = float(-(chance * np.log2(chance)).sum()) if len(chance) else None
    return {
        "source": materials.source,
        "rows": len(materials),
        "known": known,
        "compatible": len(table),
        "open_bits": open_bits,
        "materials": table.to_dict("records"),
    }


def assignments(option: str, text: str) -> dict[str, str]:
    """The pairs of ``name=value,name=value``."""
    pairs: dict[str, str] = {}
    for item in text.split(","):
        name, equal, value = (part.strip() for part in item.partition("="))
        if not (name and equal and value):
            raise InputError(
                "give name=value, separated by commas", column=option, value=item, hint="E.g. band_gap=1.1."
            )
        if name in pairs:
            raise InputError("this name is given twice", column=option, value=name, hint="Give it once.")
        pairs[name] = value
    return pairs


def _width(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(
            "a resolution must be a number", column=name, value=text, hint="E.g. --resolution band_gap=0.2."
        ) from None


def _show_curve(plain: dict[str, Any]) -> None:
    output.print(
        f"[bold]{escape(plain['source'])}[/]: {plain['rows_used']:,} of {plain['rows']:,} materials have all "
        f"{len(plain['curve'])} properties; to name one takes {plain['bits_of_a_row']:.3f} bits",
        soft_wrap=True,
    )
    table = Table(box=None, padding=(0, 1, 0, 0))
    for name in ("added in turn", "told apart by"):
        table.add_column(name)
    for name in ("bits", "random", "unique", "named", "collision"):
        table.add_column(name, justify="right")
    for row in plain["curve"]:
        width = row["resolution"]
        apart = "class" if width is None else f"{width:g} {row['unit']}"
        collision = "none" if row["collision_bits"] is None else f"{row['collision_bits']:.2f}"
        table.add_row(
            escape(row["added"]),
            escape(apart),
            f"{row['bits']:.3f}",
            f"{row['random_bits']['mean']:.2f}",
            f"{row['share_unique']:.1%}",
            f"{row['top1']:.1%}",
            collision,
        )
    output.print(table)
    enough = ", ".join(plain["enough"])
    output.print(f"\nenough, to within {plain['nothing']} bits: {escape(enough)}")
    shadows = [shadow["name"] for shadow in plain["shadows"] if shadow["reducible"]]
    if shadows:
        spared = "any one of them" if len(shadows) == len(plain["curve"]) else ", ".join(shadows)
        output.print(f"can be spared where all the others are known: {escape(spared)}")
    now = next(row for row in plain["growth"] if row["rows"] == plain["rows_used"])
    later = [row for row in plain["growth"] if row["rows"] > plain["rows_used"]]
    if later and later[-1]["share_unique"] is not None:
        output.print(
            f"unique with all of them: {now['share_unique']:.1%}; among {later[-1]['rows']:,} sampled alike, "
            f"{later[-1]['share_unique']:.1%} (extrapolated)"
        )
    if plain["resolutions_assumed"]:
        names = ", ".join(plain["resolutions_assumed"])
        output.print(f"[yellow]note:[/] the resolution is a guess for {escape(names)}: give --resolution")


def _show_compatible(plain: dict[str, Any]) -> None:
    n = plain["compatible"]
    known = ", ".join(f"{name} = {value}" for name, value in plain["known"].items())
    output.print(
        f"[bold]{escape(plain['source'])}[/]: {n:,} of {plain['rows']:,} materials fit {escape(known)}",
        soft_wrap=True,
    )
    if n == 0:
        output.print("None is within the resolutions: widen them with --resolution, or know less.")
        return
    output.print(f"{plain['open_bits']:.2f} bits are left open, as by {2 ** plain['open_bits']:.1f} alike")
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("id", "formula"):
        table.add_column(name, overflow="ellipsis", max_width=24, no_wrap=True)
    table.add_column("probability", justify="right")
    names = list(plain["known"])
    for name in names:
        table.add_column(escape(name), justify="right")
    for row in plain["materials"][:_SHOWN]:
        cells = [f"{row[name]:.5g}" if isinstance(row[name], float) else str(row[name]) for name in names]
        table.add_row(
            escape(row["id"]), escape(row["formula"]), f"{row['probability']:.1%}", *map(escape, cells)
        )
    output.print(table)
    if n > _SHOWN:
        output.print(f"... and {n - _SHOWN:,} more: see --json")
