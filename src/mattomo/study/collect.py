"""Reading a study folder back."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np
import pandas as pd

from mattomo.materials.registry import PropertyInfo
from mattomo.study.controls import PREFIX
from mattomo.study.outcome import Held, Outcome, Rows
from mattomo.study.store import Store


def collect(folder: str | os.PathLike[str]) -> Outcome:
    """Everything a study folder holds, finished or not.

    Raises
    ------
    InputError
        There is no study in the folder, or it is of a newer format.
    """
    store = Store(folder)
    study = store.description()
    store.refuse_newer()
    config = study["config"]
    records = store.records(study["units"])
    models = pd.DataFrame(
        [
            {
                "learner": record["learner"],
                "representation": record["representation"],
                "target": record["target"],
                "added": model["added"],
                "seed": record["seed"],
                "pair": record.get("pair", ""),
                "mae": np.nan if model["mae"] is None else model["mae"],
                "val_mae": np.nan if model["val_mae"] is None else model["val_mae"],
                "best_epoch": model["best_epoch"],
                "seconds": record["seconds"] / len(record["models"]),
                "n_test": record["n_test"],
                "n_train": record["n_train"],
                "fraction": record.get("fraction", 1.0),
            }
            for record in records
            for model in record["models"]
        ],
        columns=[
            "learner", "representation", "target", "added", "seed", "pair", "mae", "val_mae", "best_epoch",
            "seconds", "n_test", "n_train", "fraction",
        ],
    )  # fmt: skip
    whole = models[models["fraction"] == 1].drop(columns=["fraction", "n_train"])
    is_control = whole["added"].str.startswith(PREFIX).to_numpy(dtype=bool)
    rows = (
        pd.DataFrame(
            [{k: r[k] for k in ("representation", "seed", "n_train", "n_val", "n_test")} for r in records],
            columns=["representation", "seed", "n_train", "n_val", "n_test"],
        )
        .sort_values(["n_test", "n_train"], ascending=False, kind="stable")
        .drop_duplicates(["representation", "seed"])
        .sort_index()
        .reset_index(drop=True)
    )
    return Outcome(
        errors=whole[~is_control].reset_index(drop=True),
        control_errors=whole[is_control | ((whole["added"] == "") & (whole["pair"] == ""))].reset_index(
            drop=True
        ),
        learning=models.reset_index(drop=True) if (models["fraction"] < 1).any() else models.iloc[:0],
        rows=rows,
        properties=tuple(PropertyInfo(**info) for info in study["properties"]),
        targets=tuple(config["targets"]),
        added=tuple(config["properties"]),
        seeds=tuple(config["seeds"]),
        representations=tuple(config["representations"]),
        config=config,
        data=study["data"],
        notices=tuple(study["notices"]),
        environment={k: v for r in records for k, v in r["environment"].items()}
        or {"mattomo": study["mattomo"]},
        units_planned=len(study["units"]),
        units_done=len(records),
        wall_seconds=float(sum(r["seconds"] for r in records)),
        memory=max((r.get("memory", 0.0) for r in records), default=0.0),
    )


def curves(folder: str | os.PathLike[str]) -> pd.DataFrame:
    """Learning curves of all finished units trained on all training rows.

    Returns
    -------
    DataFrame
        epoch, added, val_mae, train_loss, learner, representation, target, seed, pair; may be empty.
    """
    store = Store(folder)
    names = ("learner", "representation", "target", "seed")
    found = [
        store.curves(record["id"]).assign(
            **{name: record[name] for name in names}, pair=record.get("pair", "")
        )
        for record in store.records(store.description()["units"])
        if record.get("fraction", 1.0) == 1
    ]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame()


def held_out(folder: str | os.PathLike[str], **where: object) -> Iterator[Held]:
    """What each finished unit said of its validation and test rows, unit by unit.

    ``where`` chooses units by what their records say, such as ``target="band_gap"``.

    Raises
    ------
    InputError
        There is no study in the folder, it is of a newer format, or its table of materials is missing.
    """
    store = Store(folder)
    study = store.description()
    place = pd.Index(store.materials().ids)
    for record in store.records(study["units"]):
        if any(record.get(name) != value for name, value in where.items()):
            continue
        table = store.predictions(record["id"])
        validation, test = (table[table["part"] == part] for part in ("validation", "test"))
        added = tuple(model["added"] for model in record["models"] if model["added"])
        columns = ["baseline", *(f"with {name}" for name in added)]
        yield Held(
            learner=record["learner"],
            representation=record["representation"],
            target=record["target"],
            seed=record["seed"],
            pair=record.get("pair", ""),
            fraction=record.get("fraction", 1.0),
            n_train=record["n_train"],
            added=added,
            materials=place.get_indexer(pd.Index(test["id"])).astype(np.int64),
            true_validation=validation["true"].to_numpy(np.float64),
            true_test=test["true"].to_numpy(np.float64),
            validation=validation[columns].to_numpy(np.float64).T,
            test=test[columns].to_numpy(np.float64).T,
            swapped=store.swapped(record["id"]),
        )


def cell_rows(held: Held, added: str, rows: Rows) -> pd.DataFrame:
    """What a unit says of its test rows without an added property and with it, one row a material."""
    return pd.DataFrame(
        {
            "learner": held.learner,
            "representation": held.representation,
            "target": held.target,
            "added": added,
            "seed": held.seed,
            "id": rows.ids[held.materials],
            "formula": rows.formulas[held.materials],
            "true": held.true_test,
            "predicted0": held.test[0],
            "predicted1": held.test[held.added.index(added) + 1],
        }
    )


def caps(folder: str | os.PathLike[str]) -> dict[tuple[str, str], float]:
    """By (representation, added): conditional entropy of a category at most, in bits, the mean over seeds."""
    store = Store(folder)
    found: dict[tuple[str, str], list[float]] = {}
    for planned in store.description().get("conditionals", []):
        if store.state(planned, "conditionals") == "done":
            representation, entropies = store.entropies(planned)
            for name, bits in entropies.items():
                found.setdefault((representation, name), []).append(bits)
    return {key: float(np.mean(values)) for key, values in found.items()}
