"""What the pages keep of a study folder: computed once, which takes minutes for a large study."""

from __future__ import annotations

import json
import shutil
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from kept import MISSING, Kept, Property, Told
from tables import REPRESENTATIONS, hits, pairs, per_cell

import mattomo as mt
from mattomo import information
from mattomo.atomic import write_text
from mattomo.study.plan import plan
from mattomo.study.reopen import reopen

#: Digits of a kept number, beyond what any page shows.
DIGITS = 6
#: Pairs of each representation whose asymmetry is kept.
PAIRS = 6


def keep(results: mt.Results, folder: Path, name: str) -> None:
    """Write tables, figures and facts of a study into a folder, their names begun by ``name``."""
    tables = {
        "gains": results.gains(),
        "bits": results.bits(),
        "controls": results.controls(),
        "asymmetry": asymmetric(results),
    }
    for what, table in tables.items():
        write(table, folder / f"{name}-{what}.csv")
    outcome = results.outcome
    told = {field.name: getattr(outcome, field.name) for field in fields(Told)}
    told["properties"] = [
        {field.name: getattr(info, field.name) for field in fields(Property)} for info in outcome.properties
    ]
    facts = {
        "outcome": told,
        "models": len(results.errors),
        "cost": spent(results),
        "residuals": residuals(results),
        "checked": [
            f"{warning['title']}: {item['column'] + ': ' if item['column'] else ''}{item['text']}"
            for warning in (results.summary()["check"] or {}).get("warnings", [])
            for item in warning["items"]
        ],
        "relations": [each["sentence"] for each in results.relations()],
    }
    assert facts.keys() | {"_tables"} == {field.name for field in fields(Kept)}
    write_text(folder / f"{name}-study.json", json.dumps(facts, indent=1, ensure_ascii=False) + "\n")
    written = results.report(results.folder / "report")
    for figure in sorted((written.parent / "figures").glob("heatmap_*.svg")):
        representation = figure.stem.rpartition("_")[2]
        shutil.copyfile(figure, folder / f"heatmap_{name}_{representation}.svg")


def write(table: pd.DataFrame, file: Path) -> None:
    """A table as `kept.read` reads it."""
    write_text(file, table.to_csv(index=False, float_format=f"%.{DIGITS}g", na_rep=MISSING))


def spent(results: mt.Results) -> dict[str, Any]:
    """What a study folder tells of its cost.

    Returns
    -------
    dict
        models, controls included; crystals, those of the steps of all models, by representation (zero but for
        the network); planned_seconds, of one processor, and planned_memory, bytes of a worker, both by
        `mattomo plan` (None where the study's table is not at hand).
    """
    done = [json.loads(path.read_text()) for path in sorted(results.folder.glob("units/*/record.json"))]
    epochs = results.outcome.config["epochs"] if "cgcnn" in results.outcome.config["learners"] else 0
    crystals = dict.fromkeys(results.outcome.representations, 0)
    for r in done:
        crystals[r["representation"]] += len(r["models"]) * epochs * r["n_train"]
    found: dict[str, Any] = {"models": sum(len(r["models"]) for r in done), "crystals": crystals}
    try:
        opened = reopen(results.folder)
    except mt.InputError:
        return found | {"planned_seconds": None, "planned_memory": None}
    study = plan(opened.prepared, opened.config)
    return found | {"planned_seconds": study.seconds(1), "planned_memory": study.memory()}


def asymmetric(results: mt.Results) -> pd.DataFrame:
    """The pairs of targets whose changes of the error differ most, beside the residual in bits.

    Returns
    -------
    DataFrame
        representation, first, second; second_for_first and first_for_second, the changes of the error; mean,
        low and high of the residual. The first `PAIRS` of each representation.
    """
    change = results.gains().set_index(["representation", "target", "added"])["mean"]
    found = results.symmetry()
    for column, target, added in (
        ("second_for_first", "first", "second"), ("first_for_second", "second", "first"),
    ):  # fmt: skip
        cells = zip(found["representation"], found[target], found[added], strict=True)
        found = found.assign(**{column: [change.get(cell, np.nan) for cell in cells]})
    found["apart"] = (found["second_for_first"] - found["first_for_second"]).abs()
    most = [
        found[found["representation"] == name]
        .sort_values("apart", ascending=False, kind="stable")
        .head(PAIRS)
        for name in REPRESENTATIONS
    ]
    columns = ["representation", "first", "second", "second_for_first", "first_for_second"]
    return pd.concat(most)[[*columns, "mean", "low", "high"]]


def residuals(results: mt.Results) -> dict[str, Any]:
    """How many symmetry residuals exclude zero, of the pairs that are not deterministic.

    Returns
    -------
    dict
        pairs, with an interval; beyond, those whose interval excludes zero; and where there are pairs, mean,
        first, second and representation of the largest.
    """
    fixed = {
        (name, frozenset((c["target"], c["added"])))
        for name in REPRESENTATIONS
        for _, c in pairs(results, name).iterrows()
        if c["deterministic"]
    }
    found = results.symmetry().dropna(subset=["low", "high"])
    known = [
        (r["representation"], frozenset((r["first"], r["second"]))) in fixed for _, r in found.iterrows()
    ]
    found = found[~np.array(known, dtype=bool)]
    counted: dict[str, Any] = {
        "pairs": len(found), "beyond": int(((found["low"] > 0) | (found["high"] < 0)).sum()),
    }  # fmt: skip
    if len(found):
        largest = found.loc[found["mean"].abs().idxmax()]
        counted |= {"mean": float(f"{largest['mean']:.{DIGITS}g}")}
        counted |= {each: largest[each] for each in ("first", "second", "representation")}
    return counted


def same_seeds(random: mt.Results, other: mt.Results) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Gains of both over the seeds of the second, which may have fewer: more are a stricter criterion."""
    errors = random.errors
    mine = errors[errors["seed"].isin(other.outcome.config["seeds"])]
    return information.gains(mine), other.gains()


def beside(random: mt.Results, other: mt.Results) -> pd.DataFrame:
    """Errors and marks of two studies of the same targets, on the seeds of the second.

    Returns
    -------
    DataFrame
        representation, target, n_seeds; mae_random and mae_other without added property; marks_random,
        marks_other and marks_both, cells off the diagonal marked in every seed.
    """
    a, b = same_seeds(random, other)
    rows = []
    for name in REPRESENTATIONS:
        own, theirs = hits(a)[name], hits(b)[name]
        for target in other.outcome.targets:
            here = [g[(g["representation"] == name) & (g["target"] == target)]["mae0_mean"] for g in (a, b)]
            if min(map(len, here)):
                marks = [sum(t == target for t, _ in cells) for cells in (own, theirs, own & theirs)]
                rows.append(
                    [name, target, len(other.outcome.config["seeds"]), *(e.iloc[0] for e in here), *marks]
                )
    columns = ["representation", "target", "n_seeds", "mae_random", "mae_other"]
    return pd.DataFrame(rows, columns=[*columns, "marks_random", "marks_other", "marks_both"])


def sizes_beside(random: mt.Results, other: mt.Results) -> pd.DataFrame:
    """Changes of the error in the cells whose target and property both count per cell, on composition.

    Returns
    -------
    DataFrame
        target, added; random and other, the mean changes on the seeds of the second.
    """
    a, b = (
        gains[gains["representation"] == "composition"].set_index(["target", "added"])["mean"]
        for gains in same_seeds(random, other)
    )
    large = per_cell(other)
    cells = [c for c in b.index.intersection(a.index) if c[0] != c[1] and large.issuperset(c)]
    return pd.DataFrame([(*c, a[c], b[c]) for c in cells], columns=["target", "added", "random", "other"])
