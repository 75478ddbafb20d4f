import gzip
import os
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mattomo.errors import InputError
from mattomo.materials import read
from mattomo.materials.readers.cgcnn_folder import looks_like_cgcnn_folder
from mattomo.materials.readers.folder import looks_like_folder, looks_like_structure_file


def cif(element: str, name: str = "x", x: str = "0") -> str:
    return (
        f"data_{name}\n_cell_length_a 4\n_cell_length_b 4\n_cell_length_c 4\n_cell_angle_alpha 90\n"
        "_cell_angle_beta 90\n_cell_angle_gamma 90\n_symmetry_space_group_name_H-M 'P m -3 m'\nloop_\n"
        "_atom_site_label\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n"
        f"{element} {x} 0 0\n"
    )


POSCAR = "title\n1.0\n4 0 0\n0 4 0\n0 0 4\nCs Cl\n1 1\nDirect\n0 0 0\n.5 .5 .5\n"


def fill(folder: Path, files: dict[str, str | bytes]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def test_cgcnn_folder(tmp_path):
    fill(
        tmp_path,
        {
            "id_prop.csv": "1,0.5\r\n2,1.5\r\n7,2\r\n3,x\r\n4,5,6\r\n",
            "atom_init.json": "{}",
            **{f"{i}.cif": cif(element) for i, element in enumerate(["Po", "Fe", "Ni", "Cu", "W"], 1)},
        },
    )
    assert looks_like_cgcnn_folder(tmp_path, b"")
    materials, quarantine = read(tmp_path)
    assert materials.ids.tolist() == ["1", "2", "3"]
    assert materials.compositions.formulas.tolist() == ["Po", "Fe", "Ni"]
    assert materials.structures.present.all()
    np.testing.assert_array_equal(materials.column("property_1").values, [0.5, 1.5, np.nan])
    entries = {(entry.id, entry.stage, Path(entry.file).name, entry.row): entry for entry in quarantine}
    assert set(entries) == {
        ("7", "formula", "id_prop.csv", 3),
        ("3", "property", "id_prop.csv", 4),
        ("", "formula", "id_prop.csv", 5),
        ("4", "id", "4.cif", 6),
        ("5", "id", "5.cif", 7),
    }
    # every line and every file without a line is used or left out
    assert len(materials) + len(quarantine.left_out) == 5 + 2
    assert "no structure file for '7'" in entries["7", "formula", "id_prop.csv", 3].reason
    assert any("atom_init.json is not used" in notice for notice in materials.notices)


@pytest.mark.parametrize(
    ("lines", "names"),
    [
        ("a,1,2\nb,3,4\n", ["property_1", "property_2"]),
        ("name,gap,kind\na,1,2\nb,3,4\n", ["gap", "kind"]),
        ("a,x,y\nb,w,z\n", ["property_1", "property_2"]),
        ("\ufeffa,1,2\n\nb,3,4\n\n", ["property_1", "property_2"]),
    ],
)
def test_cgcnn_header_only_where_there_is_one(tmp_path, lines, names):
    fill(tmp_path, {"id_prop.csv": lines, "a.cif": cif("Fe"), "b.cif": cif("Ni")})
    materials, quarantine = read(tmp_path)
    assert materials.ids.tolist() == ["a", "b"]
    assert list(materials.columns) == names
    assert len(quarantine) == 0


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ("", "empty"),
        ("a,gap\n", "no rows|none of the"),
        ('"a,1\n', "malformed CSV"),
        ("zz,1\n", "no cell matches a structure file, such as 'a.cif'"),
    ],
)
def test_cgcnn_refuses(tmp_path, lines, reason):
    fill(tmp_path, {"id_prop.csv": lines, "b.cif": cif("Fe"), "a.cif": cif("Fe")})
    if lines.startswith("a,gap"):
        lines = "x,gap\n"
        (tmp_path / "id_prop.csv").write_text(lines)
    with pytest.raises(InputError, match=reason):
        read(tmp_path)


def test_structures_alone(tmp_path):
    fill(
        tmp_path,
        {
            "a.cif": cif("Fe"),
            "sub/a.cif": cif("Ni"),
            "b.vasp": POSCAR,
            "run1/POSCAR": POSCAR,
            "run1/CONTCAR": POSCAR.replace("Cs", "Rb"),
            "POSCAR_mp-1": POSCAR,
            "c.cif": cif("K", "one") + cif("Na", "two"),
            "bad.cif": "data_x\n_cell_length_a\n",
            "latin.cif": ("# \xc5ngstr\xf6m\n" + cif("Cu")).encode("latin-1"),
            "wide.cif": cif("Ag").encode("utf-16"),
            "packed.cif.gz": gzip.compress(cif("Au").encode()),
            "notes.txt": "x",
            ".hidden.cif": cif("Fe"),
        },
    )
    materials, quarantine = read(tmp_path)
    found = dict(zip(materials.ids.tolist(), materials.compositions.formulas.tolist(), strict=True))
    assert found == {
        "a": "Fe", "sub/a": "Ni", "b": "ClCs", "run1": "ClRb", "mp-1": "ClCs", "c/one": "K", "c/two": "Na",
        "latin": "Cu", "wide": "Ag", "packed": "Au",
    }  # fmt: skip
    assert [(entry.id, Path(entry.file).name, entry.stage) for entry in quarantine] == [
        ("bad", "bad.cif", "formula")
    ]
    assert "malformed CIF" in quarantine.rows[0].reason
    assert any(".txt (1)" in notice for notice in materials.notices)
    assert looks_like_folder(tmp_path, b"")


def test_a_table_beside(tmp_path):
    fill(
        tmp_path,
        {
            "table.csv": "band_gap,material_id,formula\n1,mp-1,Fe\n2,mp-2,\n3,mp-3,NiO\n4,mp-4,Cu\n",
            "structures/mp-1.cif": cif("Fe"),
            "structures/mp-2.cif": cif("Ni"),
            "structures/mp-4.cif": cif("Cu", x="?"),
            "structures/mp-33.cif": cif("Co"),
        },
    )
    materials, quarantine = read(tmp_path)
    assert materials.ids.tolist() == ["mp-1", "mp-2", "mp-3", "mp-4"]
    assert materials.structures.present.tolist() == [True, True, False, False]
    assert materials.column("band_gap").values.tolist() == [1, 2, 3, 4]
    by_id = {entry.id: entry for entry in quarantine}
    assert by_id["mp-3"].stage == "structure"
    assert "mp-33" in by_id["mp-3"].hint
    assert by_id["mp-4"].file == f"{tmp_path}/structures/mp-4.cif"
    assert "no number" in by_id["mp-4"].reason
    assert by_id["mp-33"].stage == "id"
    assert "mp-3" in by_id["mp-33"].hint
    assert by_id["mp-33"].row == 5


def test_a_column_with_file_names(tmp_path):
    files = {"table.csv": "id,file,x\nA,s/1.cif,5\nB,2.cif,6\n", "s/1.cif": cif("Fe"), "s/2.cif": cif("Ni")}
    fill(tmp_path, files)
    for options in ({}, {"structure": "file"}):
        materials, quarantine = read(tmp_path, **options)
        assert materials.ids.tolist() == ["A", "B"]
        assert materials.compositions.formulas.tolist() == ["Fe", "Ni"]
        assert len(quarantine) == 0


def test_ambiguous_files_are_said(tmp_path):
    fill(tmp_path, {"t.csv": "id,x\na,1\nb,2\n", "a.cif": cif("Fe"), "a.vasp": POSCAR, "b.cif": cif("Ni")})
    materials, quarantine = read(tmp_path)
    assert materials.ids.tolist() == ["b"]
    assert "several structure files: a.cif, a.vasp" in quarantine.rows[0].reason


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"a.csv": "x\n", "b.csv": "x\n", "c.cif": ""}, "several tables: a.csv, b.csv"),
        ({"a.txt": "x"}, "no structure file"),
        ({"a.cif": "nonsense"}, "none of the 1 rows"),
        ({"t.csv": "id,x\nq,1\n", "a.cif": cif("Fe")}, "no cell matches"),
        ({"t.csv": "", "a.cif": cif("Fe")}, "empty"),
        ({"t.csv": ";\na,1\n", "a.cif": cif("Fe")}, "no column with a name"),
    ],
)
def test_refuses(tmp_path, files, reason):
    with pytest.raises(InputError, match=reason):
        read(fill(tmp_path, files))


def test_missing_folder(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read(tmp_path / "none")
    with pytest.raises(InputError, match="no such column"):
        read(fill(tmp_path, {"t.csv": "id,x\na,1\n", "a.cif": cif("Fe")}), structure="fil")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_links_and_pipes_are_not_followed(tmp_path):
    outside = fill(tmp_path / "outside", {"secret.cif": cif("Au")})
    folder = fill(tmp_path / "data", {"a.cif": cif("Fe")})
    os.mkfifo(folder / "pipe.cif")
    (folder / "inside.cif").symlink_to(folder / "a.cif")
    (folder / "out.cif").symlink_to(outside / "secret.cif")
    (folder / "up").symlink_to(outside)
    (folder / "loop").symlink_to(folder)
    (folder / "broken.cif").symlink_to(folder / "nowhere")
    (folder / "null.cif").symlink_to("/dev/zero")
    start = time.monotonic()
    materials, quarantine = read(folder)
    assert time.monotonic() - start < 10
    assert materials.ids.tolist() == ["a", "inside"]
    reasons = {entry.id: entry.reason for entry in quarantine}
    assert set(reasons) == {"pipe", "out", "broken", "null"}
    assert "no regular file" in reasons["pipe"]
    assert "link out of the folder" in reasons["out"]
    with pytest.raises(InputError, match="no regular file"):
        read(folder / "pipe.cif")


def test_a_table_that_is_a_link_out_of_the_folder_is_not_read(tmp_path):
    outside = fill(tmp_path / "outside", {"id_prop.csv": "a,1\n", "t.csv": "id,secret\na,1\n"})
    folder = fill(tmp_path / "data", {"a.cif": cif("Fe")})
    (folder / "t.csv").symlink_to(outside / "t.csv")
    assert list(read(folder)[0].columns) == []
    (folder / "id_prop.csv").symlink_to(outside / "id_prop.csv")
    with pytest.raises(InputError, match=r"id_prop.csv is not read: a link out of the folder"):
        read(folder)


def test_names_that_are_no_text(tmp_path):
    path = os.fsencode(tmp_path) + b"/caf\xe9.cif"
    try:
        with open(path, "wb") as file:
            file.write(cif("Fe").encode())
    except OSError:
        pytest.skip("the file system takes UTF-8 names only")
    fill(tmp_path, {"../x.cif": cif("Ni"), "a\nb.cif": cif("Cu")})
    materials, _ = read(tmp_path)
    assert materials.ids.tolist() == ["a\nb", "caf?"]
    assert len(materials.fingerprint()) == 64


def test_large_files_are_refused(tmp_path):
    fill(
        tmp_path,
        {"a.cif": cif("Fe"), "bomb.cif.gz": gzip.compress(b" " * 70_000_000), "b.cif.gz": b"\x1f\x8bx"},
    )
    _, quarantine = read(tmp_path)
    assert [entry.reason.split(": ")[-1] for entry in quarantine] == [
        "the gzip data breaks off",
        "unpacked, the file is larger than 61 MiB",
    ]


def test_one_structure_file(tmp_path):
    fill(
        tmp_path, {"two.cif": cif("K", "one") + cif("Na", "two"), "POSCAR": POSCAR, "one.cif": cif("Fe", "q")}
    )
    materials, quarantine = read(tmp_path / "two.cif")
    assert materials.ids.tolist() == ["one", "two"]
    assert len(quarantine) == 0
    assert read(tmp_path / "POSCAR")[0].compositions.formulas.tolist() == ["ClCs"]
    assert read(tmp_path / "one.cif")[0].ids.tolist() == ["one"]
    with pytest.raises(InputError, match="cannot be read"):
        read(tmp_path / "none.cif")


@pytest.mark.parametrize(
    ("name", "head", "expected"),
    [
        ("a.cif", b"", True), ("a.CIF.gz", b"\x1f\x8b", True), ("POSCAR", b"", True), ("x.vasp", b"", True),
        ("x.txt", b"\xef\xbb\xbf\ndata_x\n_cell_length_a 1", True),
        ("x", b"#\\#CIF_1.1\ndata_x\n_cell_length_a 1\n", True),
        ("s.json", b'{"lattice": [], "species"', False), ("x", b"# by hand\ndata_x\nloop_\n", True),
        ("t.csv", b"data_id,x\n1,2\n", False), ("t", b"data_id\n1\n", False),
        ("POSCAR.csv", b"a,b", False), ("t.csv", b"id,formula\n", False), ("POSCARS.csv", b"a,b", False),
    ],
)  # fmt: skip
def test_looks_like_structure_file(name, head, expected):
    assert looks_like_structure_file(Path(name), head) is expected


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a.cif", "b.cif", "c.vasp", "id_prop.csv", "POSCAR", "d.json", "t.parquet"]),
            st.binary(max_size=60) | st.sampled_from([cif("Fe").encode(), POSCAR.encode(), b"a,1\nb,2\n"]),
        ),
        max_size=4,
    )
)  # fmt: skip
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_folder_is_read_or_refused(tmp_path, files):
    folder = tmp_path / "data"
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    fill(folder, dict(files))
    try:
        materials, quarantine = read(folder)
    except InputError:
        return
    structures = sum(1 for name in dict(files) if not name.endswith((".csv", ".parquet")))
    assert 0 < len(materials) <= max(structures, 2)
    rows = sorted([*materials.rows.tolist(), *(entry.row for entry in quarantine.left_out)])
    assert rows == list(range(1, len(rows) + 1))
