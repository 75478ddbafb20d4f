import dataclasses

import numpy as np
import pytest

import mattomo as mt
from mattomo.materials import Column
from mattomo.study.config import study_config
from mattomo.study.prepare import prepare


def config(**choices):
    return study_config(
        {"data": "t", "targets": ("band_gap",), "properties": ("density", "spacegroup_number"), **choices}
    )


def changed(materials, name, values, missing=None):
    old = materials.columns[name]
    missing = np.zeros(len(materials), dtype=bool) if missing is None else missing
    column = Column(old.info, np.asarray(values), missing)
    return dataclasses.replace(materials, columns={**materials.columns, name: column})


def test_rows_in_are_rows_used_plus_rows_left_out(small):
    missing = np.zeros(len(small), dtype=bool)
    missing[[3, 50]] = True
    values = small.columns["band_gap"].values.copy()
    values[missing] = np.nan
    prepared = prepare(changed(small, "band_gap", values, missing), config())
    assert len(prepared.materials) + len(prepared.left_out) == len(small)
    assert {row.id for row in prepared.left_out} == {small.ids[3], small.ids[50]}
    for row in prepared.left_out:
        assert (row.stage, row.column) == ("study", "band_gap")
        assert row.file == "mp1000.parquet"
        assert row.row in (small.rows[3], small.rows[50])
        assert row.hint
    assert prepared.notices[0].startswith("2 of 120 rows lack")


def test_order_of_the_table_does_not_matter(small):
    shuffled = small.take(np.random.default_rng(0).permutation(len(small)))
    a, b = prepare(small, config()), prepare(shuffled, config())
    assert np.array_equal(a.materials.ids, b.materials.ids)
    assert np.array_equal(a.splits[1].test, b.splits[1].test)


def test_missing_target_is_an_error_with_the_nearest_names(small):
    with pytest.raises(mt.InputError, match=r"mp1000\.parquet, column 'bandgap'.*Did you mean.*band_gap"):
        prepare(small, config(targets=("bandgap",)))


def test_categorical_target(small):
    with pytest.raises(mt.InputError, match=r"mp1000\.parquet, column 'crystal_system'.*number"):
        prepare(small, config(targets=("crystal_system",)))


def test_constant_target_names_its_value(small):
    table = changed(small, "band_gap", np.full(len(small), 1.5))
    with pytest.raises(mt.InputError, match=r"column 'band_gap', value 1\.5: this target has one value"):
        prepare(table, config())


def test_target_constant_on_training_rows_only(small):
    split = prepare(small, config()).splits[0]
    ids = prepare(small, config()).materials.ids
    values = np.where(np.isin(small.ids, ids[split.train]), 0.0, np.arange(len(small)))
    with pytest.raises(mt.InputError, match="constant on the training rows of seed 0"):
        prepare(changed(small, "band_gap", values), config(seeds=(0,)))


def test_no_complete_row_says_what_lacks(small):
    nothing = np.full(len(small), np.nan)
    with pytest.raises(mt.InputError, match=r"'density'.*no row has all.*first thing missing on 120 rows"):
        prepare(changed(small, "density", nothing, np.ones(len(small), dtype=bool)), config())


def test_category_seen_only_in_held_out_rows_is_named(small):
    first = prepare(small, config(seeds=(0,)))
    chosen = first.splits[0].test[0]
    levels = np.array(["1"] * len(small))
    table = changed(
        small, "spacegroup_number", np.where(small.ids == first.materials.ids[chosen], "99", levels)
    )
    notices = prepare(table, config(seeds=(0,))).notices
    (notice,) = [text for text in notices if "level" in text]
    row = int(first.materials.rows[chosen])
    for word in ("mp1000.parquet", f"row {row}", "'spacegroup_number'", "'99'", "1 (seed 0)", "unknown"):
        assert word in notice


def test_extensive_target_and_constant_property_are_noticed(small):
    table = changed(small, "density", np.ones(len(small)))
    notices = prepare(table, config(targets=("volume",))).notices
    assert any("extensive targets (volume)" in text for text in notices)
    assert any("density has one value" in text for text in notices)


def test_rows_without_structure_matter_only_to_structure(small):
    offsets = small.structures.offsets.copy()
    first = offsets[1]
    structures = dataclasses.replace(
        small.structures,
        offsets=np.concatenate([[0], offsets[1:] - first]),
        Z=small.structures.Z[first:],
        frac_coords=small.structures.frac_coords[first:],
    )
    table = dataclasses.replace(small, structures=structures)
    assert len(prepare(table, config(representations=("composition",))).materials) == 120
    prepared = prepare(table, config())
    assert len(prepared.materials) == 119
    assert [row.column for row in prepared.left_out] == ["structure"]


def test_names_of_the_paper_find_derived_columns(small):
    prepared = prepare(small, config(properties=("is_hubbard", "oxide_type")))
    assert prepared.columns["is_hubbard"].info.name == "is_hubbard_derived"
