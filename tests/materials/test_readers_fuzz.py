"""Whatever a file holds, reading it ends in a table that accounts for every row, or in an InputError."""

import copy
import gzip
import io
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mattomo.errors import InputError
from mattomo.materials import read

CUBE = [[4.0, 0.0, 0.0], [0.0, 4.0, 0.0], [0.0, 0.0, 4.0]]
PLACES = [[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]]


def _pymatgen(*symbols: str) -> dict[str, Any]:
    sites = [
        {"species": [{"element": symbol, "occu": 1}], "abc": place, "label": symbol}
        for symbol, place in zip(symbols, PLACES, strict=True)
    ]
    return {"@class": "Structure", "lattice": {"matrix": CUBE, "a": 4.0}, "sites": sites}


def _jarvis(i: int) -> dict[str, Any]:
    atoms = {"lattice_mat": CUBE, "coords": PLACES, "elements": ["Cs", "Cl"], "cartesian": bool(i % 2)}
    return {"jid": f"JVASP-{i}", "formula": "CsCl", "atoms": atoms, "ehull": 0.1, "slme": "na", "spg": "221"}


def _optimade(i: int) -> dict[str, Any]:
    attributes = {
        "chemical_formula_reduced": "ClCs",
        "lattice_vectors": CUBE,
        "cartesian_site_positions": [[0, 0, 0], [2, 2, 2]],
        "species": [{"name": s, "chemical_symbols": [s], "concentration": [1]} for s in ("Cs", "Cl")],
        "species_at_sites": ["Cs", "Cl"],
        "dimension_types": [1, 1, 1],
        "_x_gap": 1.5 * i,
    }
    return {"id": f"e{i}", "type": "structures", "attributes": attributes}


def _mp(i: int) -> dict[str, Any]:
    return {
        "material_id": f"mp-{i}",
        "formula_pretty": "CsCl",
        "structure": _pymatgen("Cs", "Cl"),
        "symmetry": {"number": 221, "symbol": "Pm-3m", "crystal_system": "Cubic"},
        "energy_above_hull": 0.1 * i,
        "bulk_modulus": {"vrh": 17.0},
        "is_metal": False,
    }


FRAME = pd.DataFrame(
    {
        "material_id": ["a", "b", "c"],
        "formula": ["FeO", "NiO", "CoO"],
        "x": [1.5, None, 3],
        "kind": list("uvu"),
    }
)
DOCUMENTS: dict[str, Any] = {
    "records": json.loads(FRAME.to_json(orient="records")),
    "split": json.loads(FRAME.to_json(orient="split")),
    "columns": json.loads(FRAME.to_json(orient="columns")),
    "index": json.loads(FRAME.to_json(orient="index")),
    "lists": FRAME.to_dict("list"),
    "matbench": {
        "index": [0, 1, 2],
        "columns": ["structure", "e_form"],
        "data": [[_pymatgen("Cs", "Cl"), 1.0], [_pymatgen("Na", "Cl"), 2.0], [None, 3.0]],
    },
    "compositions": {"columns": ["composition", "y"], "data": [[{"Fe": 2.0, "O": 3.0}, 1], [{"Na": 1}, 2]]},
    "materials project": {"data": [_mp(1), _mp(2)]},
    "jarvis": [_jarvis(1), _jarvis(2)],
    "optimade": {"data": [_optimade(1), _optimade(2)], "meta": {"more_data_available": True}},
}
ODD: list[Any] = [
    None,
    True,
    0,
    -1,
    0.5,
    1e308,
    10**30,
    10**400,
    float("nan"),
    float("inf"),
    "",
    "na",
    "Xx",
    "1,5",
]
ODD += ["Fe", "\ud800", "a\0b", "x" * 1500, [], {}, [[]], [None], {"a": 1}, {"": 2}, [1, "2", [3]], CUBE]
ODD += [
    {"sites": [1]},
    {"lattice_mat": CUBE},
    {"species_at_sites": ["a"]},
    _pymatgen("Cs", "Cl"),
    "structures",
    "DEEP",  # stands for a deep list
]

bounded = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def account(path: Path, data: bytes, rows: int | None = None) -> None:
    """Read; every one of ``rows`` is used or left out, and all of it can be shown and stored."""
    path.write_bytes(data)
    try:
        materials, quarantine = read(path)
    except InputError as error:
        str(error).encode()
        return
    left_out = [entry.row for entry in quarantine.left_out]
    seen = sorted([*materials.rows.tolist(), *left_out])
    assert seen == list(range(1, (rows or len(seen)) + 1))
    assert len(set(materials.ids.tolist())) == len(materials) > 0
    assert all(entry.reason and 1 <= entry.row <= len(seen) for entry in quarantine)
    quarantine.write_csv(path.with_suffix(".quarantine"))
    "".join(materials.notices).encode()
    materials.fingerprint()


def _nodes(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) in a document."""
    found: list[tuple[Any, Any]] = []
    inner = [value]
    while inner:
        holder = inner.pop()
        items = list(holder.items()) if isinstance(holder, dict) else list(enumerate(holder))
        for key, child in items:
            found.append((holder, key))
            if isinstance(child, dict | list):
                inner.append(child)
    return found


@st.composite
def changed_documents(draw: st.DrawFn, names: tuple[str, ...] = tuple(DOCUMENTS)) -> bytes:
    document = copy.deepcopy(DOCUMENTS[draw(st.sampled_from(names))])
    for _ in range(draw(st.integers(1, 4))):
        nodes = _nodes(document)
        if not nodes:
            break
        holder, key = nodes[draw(st.integers(0, len(nodes) - 1))]
        action = draw(st.sampled_from(["replace", "delete", "double"]))
        if action == "replace":
            holder[key] = copy.deepcopy(draw(st.sampled_from(ODD)))
        elif action == "delete":
            del holder[key]
        elif isinstance(holder, list):
            holder.append(copy.deepcopy(holder[key]))
        else:
            holder[f"{key}2"] = copy.deepcopy(holder[key])
    text = json.dumps(document)
    if isinstance(document, list) and draw(st.booleans()):
        text = "\n".join(map(json.dumps, document))
    if draw(st.booleans()):  # keys given twice
        text = text.replace('"formula": ', '"formula": 1, "formula": ', 1)
    depth = draw(st.sampled_from([3, 200, 400, 700, 900, 950]))
    return text.replace('"DEEP"', "[" * depth + "]" * depth).encode()


@given(changed_documents())
@bounded
@pytest.mark.parametrize("packed", [False, True])
def test_changed_documents(tmp_path: Path, packed: bool, data: bytes) -> None:
    account(tmp_path / "t.json", gzip.compress(data, 1) if packed else data)


def _written(write: Callable[[io.BytesIO], Any]) -> bytes:
    buffer = io.BytesIO()
    write(buffer)
    return buffer.getvalue()


def _samples() -> dict[str, bytes]:
    samples = {name: json.dumps(document).encode() for name, document in DOCUMENTS.items()}
    samples["lines"] = FRAME.to_json(orient="records", lines=True).encode()
    samples["csv"] = FRAME.to_csv().encode()
    samples["tsv"] = FRAME.to_csv(sep="\t").encode()
    samples["csv.gz"] = gzip.compress(samples["csv"])
    samples["parquet"] = _written(FRAME.to_parquet)
    samples["feather"] = _written(FRAME.to_feather)
    return samples


def _workbook() -> bytes:
    pytest.importorskip("openpyxl")
    return _written(lambda buffer: FRAME.to_excel(buffer, index=False, engine="openpyxl"))


SAMPLES = _samples()
FLIPS = st.lists(st.tuples(st.integers(0, 2**31), st.integers(0, 255)), max_size=4)


def damaged(data: bytes, flips: list[tuple[int, int]], end: int | None) -> bytes:
    """Some bytes replaced, and the end cut off."""
    changed = bytearray(data)
    for place, value in flips:
        changed[place % len(changed)] = value
    return bytes(changed if end is None else changed[: end % (len(changed) + 1)])


@given(st.sampled_from(sorted(SAMPLES)), FLIPS, st.none() | st.integers(0, 2**31))
@settings(bounded, max_examples=200)
def test_damaged_files(tmp_path: Path, name: str, flips: list[tuple[int, int]], end: int | None) -> None:
    account(tmp_path / "t", damaged(SAMPLES[name], flips, end))


@given(FLIPS, st.none() | st.integers(0, 2**31))
@bounded
def test_damaged_workbooks(tmp_path: Path, flips: list[tuple[int, int]], end: int | None) -> None:
    account(tmp_path / "t", damaged(_workbook(), flips, end))


@given(
    st.sampled_from(
        [b"", b"{", b"[", b"PAR1", b"ARROW1\0\0", b"PK\x03\x04xl/", b"\x1f\x8b\x08\0", b"formula,x\n"]
    ),
    st.binary(max_size=200),
)
@settings(bounded, max_examples=100)
def test_any_bytes(tmp_path: Path, magic: bytes, rest: bytes) -> None:
    account(tmp_path / "t", magic + rest)


JSON_TEXT = st.recursive(
    st.sampled_from(ODD[:18]) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "formula",
                    "structure",
                    "data",
                    "columns",
                    "index",
                    "attributes",
                    "type",
                    "id",
                    "atoms",
                    "x",
                    "",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(JSON_TEXT)
@settings(bounded, max_examples=100)
def test_any_json(tmp_path: Path, value: Any) -> None:
    account(tmp_path / "t.json", json.dumps(value).encode(), len(value) if isinstance(value, list) else None)
    records = [value, {"formula": "FeO"}, value]
    account(tmp_path / "t.json", "\n".join(map(json.dumps, records)).encode(), 3)


@given(st.binary(max_size=60), st.integers(-15, 15))
@bounded
def test_any_deflate_stream_behind_a_gzip_header(tmp_path: Path, data: bytes, cut: int) -> None:
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    packed = packer.compress(b"formula,x\nFeO,1\n" + data) + packer.flush()
    account(tmp_path / "t.csv.gz", packed[:cut] if cut else packed)
