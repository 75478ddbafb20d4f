from pathlib import Path

import numpy as np
import pytest

from mattomo.errors import InputError
from mattomo.materials import Materials, load, one_to_one_share, read
from mattomo.materials.table import ranges


@pytest.fixture(scope="module")
def example() -> Materials:
    return load("mp1000")


def test_example(example: Materials) -> None:
    assert len(example) == 1000
    assert example.structures.present.all()
    assert one_to_one_share(example) == (981, 0.981)
    assert int(example.column("energy_per_atom").missing.sum()) == 152
    oxide = example.column("oxide_type_derived")
    assert "None" in oxide.values
    assert not oxide.missing.any()
    assert example.column("spacegroup_number").values[0] == "221"
    assert example.column("is_metal").values[0] == "False"
    assert any("'source'" in notice for notice in example.notices)
    assert not {"lattice", "species", "frac_coords", "formula", "material_id"} & set(example.columns)


def test_compositions_agree_with_structures(example: Materials) -> None:
    c, s = example.compositions, example.structures
    for i in range(0, len(example), 97):
        counts = np.bincount(s.Z[s.offsets[i] : s.offsets[i + 1]])
        Z = c.Z[c.offsets[i] : c.offsets[i + 1]]
        amounts = c.amounts[c.offsets[i] : c.offsets[i + 1]]
        assert Z.tolist() == counts.nonzero()[0].tolist()
        assert len(set((counts[Z] / amounts).tolist())) == 1


def test_nsites_and_volume_agree_with_structures(example: Materials) -> None:
    nsites = example.column("nsites").values
    np.testing.assert_array_equal(np.diff(example.structures.offsets), nsites)
    volume = example.column("volume").values
    np.testing.assert_allclose(abs(np.linalg.det(example.structures.lattice)), volume, rtol=1e-6)


def test_take(example: Materials) -> None:
    some = example.take(np.array([5, 2]))
    assert some.ids.tolist() == example.ids[[5, 2]].tolist()
    assert some.notices == example.notices
    sites = slice(example.structures.offsets[5], example.structures.offsets[6])
    np.testing.assert_array_equal(
        some.structures.Z[: some.structures.offsets[1]], example.structures.Z[sites]
    )
    assert some.fingerprint() != example.fingerprint()
    assert example.take(np.arange(1000)).fingerprint() == example.fingerprint()
    assert len(example.take(np.array([], dtype=np.int64))) == 0
    assert one_to_one_share(example.take(np.array([], dtype=np.int64))) == (0, 0.0)


def test_ranges() -> None:
    assert ranges(np.array([5, 0]), np.array([2, 3])).tolist() == [5, 6, 0, 1, 2]


def test_unknown_names(example: Materials) -> None:
    with pytest.raises(InputError, match="Did you mean: density"):
        example.column("densty")
    with pytest.raises(InputError, match="There are: mp1000"):
        load("mp99")


def test_html_is_escaped(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id,formula,<b>x</b>,y\n<script>,Fe2O3,1,a\nb,FeO,,b\n")
    html = read(path)[0]._repr_html_()
    assert "<script>" not in html
    assert "<b>" not in html
    assert "&lt;script&gt;" in html
    assert html.count("<tr>") == 3
