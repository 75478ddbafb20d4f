"""From predictions across subsets to errors and bits: who trained where predicts whom, and how well."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mattomo.information.bits import density_score
from mattomo.information.density import find_atoms
from mattomo.information.inference import nadeau_bengio
from mattomo.materials.table import Column
from mattomo.study.transfer import Sent

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

COLUMNS = (
    "representation", "target", "train", "test", "added", "n_seeds", "n_train", "n_test", "mae0", "mae1",
    "change", "bits", "bits_low", "bits_high", "lost_bits",
)  # fmt: skip


def transfer_table(
    sent: Iterable[Sent], parts: Mapping[str, Flags], columns: Mapping[str, Column]
) -> pd.DataFrame:
    """Errors and usable bits of models trained on one part and tested on another.

    Parameters
    ----------
    sent : iterable of Sent
        All parts, from `mattomo.study.transfer.transfers`.
    parts : mapping of str to ndarray of bool, shape (n,)
    columns : mapping of str to Column
        Targets, of the n materials.

    Returns
    -------
    DataFrame
        One row a representation, target, part trained on, part tested on and added property (``""`` for the
        baseline): n_seeds, mean n_train and n_test, mae0 and mae1 (without and with the property, in the
        target's unit), change (mae1 / mae0 - 1, mean over seeds), bits with a 95 % Nadeau-Bengio interval
        (density bits, the densities fitted on the validation rows of the part trained on), and for the
        baseline lost_bits: how many bits a row it says less than one trained on the part tested on.
    """
    atoms = {name: find_atoms(columns[name].values) for name in {*columns}}
    seeds: list[dict[str, Any]] = []
    baselines: dict[tuple[str, str, int, str], Floats] = {}
    for s in sent:
        true = columns[s.target].values.astype(np.float64)
        val, test = true[s.split.validation], true[s.split.test]
        scores = [
            density_score(v, val, t, test, atoms=atoms[s.target], key=(s.target,)).rows
            for v, t in zip(s.validation, s.test, strict=True)
        ]
        baselines[s.representation, s.target, s.seed, s.part] = scores[0]
        errors = np.abs(s.test - test)
        for name, inside in parts.items():
            rows = inside[s.split.test]
            common = {
                "representation": s.representation,
                "target": s.target,
                "train": s.part,
                "test": name,
                "seed": s.seed,
                "n_train": len(s.split.train),
                "n_test": int(rows.sum()),
                "mae0": float(errors[0, rows].mean()),
            }
            seeds.append(common | {"added": "", "score": rows})
            for k, added in enumerate(s.added, start=1):
                gained = float((scores[k] - scores[0])[rows].mean())
                own = {"added": added, "mae1": float(errors[k, rows].mean()), "bits": gained}
                seeds.append(common | own)
    for record in seeds:
        rows = record.pop("score", None)
        if rows is not None:
            key = (record["representation"], record["target"], record["seed"])
            home, away = baselines[*key, record["test"]], baselines[*key, record["train"]]
            record["lost_bits"] = float((home - away)[rows].mean())
    return _over_seeds(seeds)


def _over_seeds(records: list[dict[str, Any]]) -> pd.DataFrame:
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for record in records:
        key = tuple(record[name] for name in COLUMNS[:5])
        groups.setdefault(key, []).append(record)
    table = []
    for key, each in groups.items():
        frame = pd.DataFrame(each)
        row: dict[str, Any] = dict(zip(COLUMNS[:5], key, strict=True)) | {"n_seeds": len(frame)}
        for name in ("n_train", "n_test", "mae0"):
            row[name] = float(frame[name].mean())
        if row["added"]:
            interval = nadeau_bengio(frame["bits"], row["n_train"], row["n_test"])
            row["mae1"] = float(frame["mae1"].mean())
            with np.errstate(divide="ignore", invalid="ignore"):
                row["change"] = float((frame["mae1"] / frame["mae0"] - 1).mean())
            row |= {"bits": interval.mean, "bits_low": interval.low, "bits_high": interval.high}
        else:
            row["lost_bits"] = float(frame["lost_bits"].mean())
        table.append({name: row.get(name, math.nan) for name in COLUMNS})
    return pd.DataFrame(table, columns=list(COLUMNS))
