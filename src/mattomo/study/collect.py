"""Reading a study folder back."""

from __future__ import annotations

import os

import numpy as np
import pandas as pd

from mattomo.materials.registry import PropertyInfo
from mattomo.study.outcome import Outcome
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
    config = study["config"]
    records = store.records(study["units"])
    errors = pd.DataFrame(
        [
            {
                "learner": record["learner"],
                "representation": record["representation"],
                "target": record["target"],
                "added": model["added"],
                "seed": record["seed"],
                "mae": np.nan if model["mae"] is None else model["mae"],
                "val_mae": np.nan if model["val_mae"] is None else model["val_mae"],
                "best_epoch": model["best_epoch"],
                "seconds": record["seconds"] / len(record["models"]),
            }
            for record in records
            for model in record["models"]
        ],
        columns=[
            "learner", "representation", "target", "added", "seed", "mae", "val_mae", "best_epoch", "seconds",
        ],
    )  # fmt: skip
    rows = pd.DataFrame(
        [{k: r[k] for k in ("representation", "seed", "n_train", "n_val", "n_test")} for r in records],
        columns=["representation", "seed", "n_train", "n_val", "n_test"],
    ).drop_duplicates(ignore_index=True)
    curves = [
        store.curves(r["id"]).assign(**{k: r[k] for k in ("learner", "representation", "target", "seed")})
        for r in records
    ]
    return Outcome(
        errors=errors,
        rows=rows,
        curves=pd.concat(curves, ignore_index=True) if curves else pd.DataFrame(),
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
    )
