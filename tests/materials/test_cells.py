"""Which columns are properties: dates and numbers of rows are not, unless the user says so."""

import numpy as np
import pytest

from mattomo.materials.readers.cells import Skipped, property_column
from mattomo.materials.readers.raw import RawColumn

N = 30


def column(name, values, kind=None):
    raw = (
        RawColumn("number", np.asarray(values))
        if isinstance(values, np.ndarray)
        else RawColumn("text", list(values))
    )
    return property_column(name, raw, kind, lambda i, value, problem: None)


@pytest.mark.parametrize(
    "cells",
    [
        ["2020-01-02", "2020-01-03", None] * 10,
        ["2020-01-02T10:11:12Z"] * N,
        ["1.2.2020", "13/12/2021"] * 15,
    ],
)
def test_dates_are_no_property(cells):
    with pytest.raises(Skipped, match="it holds dates"):
        column("when", cells)
    assert column("when", cells, "category").info.kind == "category"


def test_some_dates_among_words_are_classes():
    assert column("when", ["2020-01-02", "later"] * 15).info.kind == "category"


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("Unnamed: 0", np.arange(N)),
        ("rank", np.arange(N)[::-1] + 5),
        ("rank", [str(i) for i in range(1, N + 1)]),
        ("gaps", np.delete(np.arange(N + 2), [3, 9])),
        ("icsd_id", np.arange(N) ** 3 + 100),
        ("id", np.arange(N) ** 3),
    ],
)
def test_numbers_of_rows_are_no_property(name, values):
    with pytest.raises(Skipped, match="--scalars"):
        column(name, values)
    assert len(column(name, values, "scalar").values) == N


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("x", np.arange(N) + 0.5),
        ("x", np.arange(N) ** 2),
        ("x", np.repeat(np.arange(N // 2), 2)),
        ("x", np.arange(10)),
        ("site_index", np.arange(N) % 3),
        ("width", np.arange(N) ** 2),
        ("nsites", np.arange(N) + 1),
        ("missing", np.full(N, np.nan)),
    ],
)
def test_other_numbers_are(name, values):
    assert column(name, values).info.kind == "scalar"
