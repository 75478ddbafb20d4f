"""What a study stores, as tables of a Parquet file, and back."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mattomo.learners.base import Split, Task, Trained
from mattomo.learners.conditional import Conditional
from mattomo.materials.table import Column, Materials
from mattomo.study.outcome import Rows

_META = b"mattomo"
_PROPERTY = "property "


def column_name(task: Task) -> str:
    """Column of a task's predictions."""
    return f"with {task.name}" if task.added else "baseline"


def materials(chosen: Materials, columns: Mapping[str, Column]) -> bytes:
    """id, formula, and ``property NAME`` for each target and added property, of all rows of a study."""
    table = {"id": chosen.ids, "formula": chosen.compositions.formulas}
    return _parquet(pd.DataFrame(table | {_PROPERTY + name: c.values for name, c in columns.items()}))


def read_materials(path: Path) -> Rows:
    """What `materials` wrote."""
    table = pd.read_parquet(path)
    columns = [name for name in table.columns if name.startswith(_PROPERTY)]
    return Rows(
        ids=table["id"].to_numpy(dtype=np.str_),
        formulas=table["formula"].to_numpy(dtype=np.str_),
        columns={
            name.removeprefix(_PROPERTY): table[name].to_numpy(
                dtype=np.float64 if pd.api.types.is_numeric_dtype(table[name]) else np.str_
            )
            for name in columns
        },
    )


def predictions(
    materials: Materials, target: Column, split: Split, tasks: Sequence[Task], trained: Trained
) -> bytes:
    """id, part, true value, and one column of predictions a task, of all validation and test rows."""
    rows = np.concatenate([split.validation, split.test])
    predicted = np.concatenate([trained.validation, trained.test], axis=1)
    return _parquet(
        pd.DataFrame(
            {
                "id": materials.ids[rows],
                "part": ["validation"] * len(split.validation) + ["test"] * len(split.test),
                "true": target.values[rows].astype(np.float64),
                **dict(zip(map(column_name, tasks), predicted, strict=True)),
            }
        )
    )


def curves(tasks: Sequence[Task], trained: Trained) -> bytes:
    """epoch, added, validation error and training loss."""
    epochs, k = trained.validation_mae.shape
    return _parquet(
        pd.DataFrame(
            {
                "epoch": np.repeat(np.arange(1, epochs + 1), k),
                "added": np.tile([task.name for task in tasks], epochs),
                "val_mae": trained.validation_mae.ravel(),
                "train_loss": trained.train_loss.ravel(),
            }
        )
    )


def swapped(ids: NDArray[np.str_], tasks: Sequence[Task], trained: Trained) -> bytes:
    """For each property and test row a list of predictions under the placebos; last the rows' ids."""
    arrays = [
        pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(p.T).ravel()), len(p))
        for p in trained.swapped.values()
    ]
    names = [
        name if len(tasks[k].added) == 1 else f"{name} of {tasks[k].name}" for k, name in trained.swapped
    ]
    buffer = io.BytesIO()
    table = pa.Table.from_arrays([*arrays, pa.array(ids.tolist())], [*names, "id"])
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def read_swapped(path: Path) -> dict[str, NDArray[np.float32]]:
    """By name of the added property: predictions of shape (n, n_test)."""
    table = pq.read_table(path)
    return {name: _lists(table.column(k)).T for k, name in enumerate(table.column_names[:-1])}


def conditionals(
    ids: NDArray[np.str_], found: Mapping[str, Conditional]
) -> tuple[bytes, dict[str, dict[str, Any]]]:
    """A table of predictions or probabilities on the test rows, and what else a conditional holds."""
    arrays: list[Any] = []
    rest: dict[str, dict[str, Any]] = {}
    for name, c in found.items():
        if c.probabilities is None:
            arrays.append(pa.array(c.predicted))
            rest[name] = {"kind": "scalar", "scale": c.scale}
        else:
            assert c.levels is not None
            flat = pa.array(np.ascontiguousarray(c.probabilities).ravel())
            arrays.append(pa.FixedSizeListArray.from_arrays(flat, c.probabilities.shape[1]))
            bits = c.cross_entropy if np.isfinite(c.cross_entropy) else None
            rest[name] = {"kind": "category", "levels": c.levels.tolist(), "cross_entropy": bits}
    buffer = io.BytesIO()
    table = pa.Table.from_arrays([*arrays, pa.array(ids.tolist())], [*found, "id"])
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue(), rest


def read_conditionals(path: Path, rest: Mapping[str, dict[str, Any]]) -> dict[str, Conditional]:
    """What `conditionals` wrote."""
    return conditionals_of(pq.read_table(path), rest)


def conditionals_of(table: pa.Table, rest: Mapping[str, dict[str, Any]]) -> dict[str, Conditional]:
    """Conditionals of a table that `conditionals` made, and of what else they hold."""
    found = {}
    for k, (name, about) in enumerate(rest.items()):
        if about["kind"] == "scalar":
            predicted = table.column(k).to_numpy().astype(np.float64)
            found[name] = Conditional(predicted=predicted, scale=float(about["scale"]))
        else:
            bits = about["cross_entropy"]
            found[name] = Conditional(
                levels=np.array(about["levels"], dtype=np.str_),
                probabilities=_lists(table.column(k)),
                cross_entropy=float("nan") if bits is None else float(bits),
            )
    return found


def _lists(column: pa.ChunkedArray) -> NDArray[np.float32]:
    """Lists of equal length as an array, shape (n, length)."""
    array = column.combine_chunks()
    values: NDArray[np.float32] = array.flatten().to_numpy(zero_copy_only=False)
    return values.reshape(len(array), -1)


def sealed(table: pa.Table, about: Mapping[str, Any]) -> bytes:
    """A Parquet file that says what it holds and carries the checksums of its pages."""
    buffer = io.BytesIO()
    marked = table.replace_schema_metadata({_META: json.dumps(about).encode()})
    pq.write_table(marked, buffer, compression="zstd", write_page_checksum=True)
    return buffer.getvalue()


def read_sealed(path: Path) -> tuple[pa.Table, dict[str, Any]] | None:
    """What `sealed` made, and what is said of it; None if it is missing or damaged."""
    try:
        table = pq.read_table(path, page_checksum_verification=True)
        about: dict[str, Any] = json.loads(table.schema.metadata[_META])
        return table, about
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException):
        return None


def _parquet(table: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    return buffer.getvalue()
