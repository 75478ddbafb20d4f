"""Values inside the atoms: what learners make of them, and that other models do not notice."""

import dataclasses

import numpy as np
import pytest
from sklearn.linear_model import Ridge

import mattomo as mt
from mattomo.learners import sklearn
from mattomo.learners.base import Task
from mattomo.learners.cgcnn import CGCNN
from mattomo.learners.cgcnn.initial import initial
from mattomo.learners.trees import Trees
from mattomo.materials import AtomColumn, PropertyInfo
from mattomo.projections.descriptors import beside
from mattomo.study.checkpoint import FileCheckpoint

LEARNER = CGCNN(epochs=3, batch_size=16, milestones=(2,))
FIELDS = ("validation", "test", "best_epoch", "validation_mae", "train_loss")
NAMES = ("density", "spin", "radius")


@pytest.fixture(scope="module")
def table():
    materials = mt.load("mp1000")
    materials = materials.take(np.flatnonzero(materials.structures.sites <= 8)[:60])
    values = np.random.default_rng(0).normal(size=len(materials.structures.Z))
    spin = AtomColumn(PropertyInfo("spin", "spin", atoms="site"), values)
    return dataclasses.replace(materials, atoms={"spin": spin})


def unit_of(table, properties, learner="cgcnn", representation="structure"):
    atoms = {"spin": "site", "radius": "element:covalent_radius"}
    study = mt.Study(
        table,
        targets=["band_gap"],
        properties=list(properties),
        atoms={name: source for name, source in atoms.items() if name in properties},
        representations=[representation],
        learners=[learner],
        seeds=1,
        controls=[],
        swaps=0,
    )
    plan = study.plan()
    return plan.unit(plan.units[0])


@pytest.fixture(scope="module")
def unit(table):
    return unit_of(table, NAMES)


@pytest.fixture(scope="module")
def trained(unit):
    return LEARNER.train(unit)


def test_other_models_give_the_same_numbers_bit_for_bit(table, unit, trained):
    """Baseline and pooled property, alone and beside models with values inside the atoms."""
    assert [unit.in_atoms(task) for task in unit.tasks] == [(), (), ("spin",), ("radius",)]
    alone = LEARNER.train(unit_of(table, ["density"]))
    for field in FIELDS:
        here = getattr(trained, field)
        here = here[:, :2] if field in ("validation_mae", "train_loss") else here[:2]
        assert here.tobytes() == getattr(alone, field).tobytes(), field


@pytest.mark.parametrize("order", [(3, 2, 1, 0), (2, 0, 3, 1)])
def test_the_order_of_the_tasks_does_not_matter(unit, trained, order):
    tasks = tuple(unit.tasks[k] for k in order)
    again = LEARNER.train(dataclasses.replace(unit, tasks=tasks))
    for field in FIELDS:
        axis = 1 if field in ("validation_mae", "train_loss") else 0
        expected = np.take(getattr(trained, field), order, axis=axis)
        assert np.array_equal(getattr(again, field), expected), field


def test_values_inside_the_atoms_are_used(trained):
    distinct = {trained.test[k].tobytes() for k in range(4)}
    assert len(distinct) == 4
    assert np.isfinite(trained.test).all()


def test_a_constant_inside_the_atoms_adds_nothing(table, unit, trained):
    """Its standardised value is 0: the baseline but for the rounding of another program."""
    graphs = dict(unit.atom_graphs)
    base = unit.base
    graphs["radius",] = dataclasses.replace(base, values=np.full((len(base.Z), 1), 3.0))
    constant = dataclasses.replace(unit, atom_graphs=graphs, tasks=(unit.tasks[0], unit.tasks[3]))
    both = dataclasses.replace(LEARNER, epochs=1).train(constant)
    np.testing.assert_allclose(both.test[1], both.test[0], rtol=2e-4, atol=2e-4)


def test_a_property_beside_and_one_inside_at_once(unit):
    tasks = (unit.tasks[0], Task("band_gap", ("density", "spin")), Task("band_gap", ("spin", "density")))
    trained = LEARNER.train(dataclasses.replace(unit, tasks=tasks))
    np.testing.assert_array_equal(trained.test[1], trained.test[2])
    assert not np.array_equal(trained.test[0], trained.test[1])


def test_training_goes_on_from_a_checkpoint_bit_for_bit(unit, trained, tmp_path):
    path = tmp_path / "unit.npz"

    def stop(share):
        if share > 0.6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        LEARNER.train(unit, stop, checkpoint=FileCheckpoint(path, every=0))
    assert path.exists()
    shares = []
    resumed = LEARNER.train(unit, shares.append, checkpoint=FileCheckpoint(path, every=0))
    assert len(shares) == 1
    for field in FIELDS:
        assert getattr(resumed, field).tobytes() == getattr(trained, field).tobytes(), field


def test_the_trunk_starts_the_same_with_and_without_values():
    plain, _ = initial(("p", "structure", 0), [])
    told, _ = initial(("p", "structure", 0), [], atoms=["spin", "charge"])
    other, _ = initial(("p", "structure", 0), [], atoms=["charge"])
    weights = told.pop("atoms")
    assert weights.shape == (2, 64)
    np.testing.assert_array_equal(weights[1], other["atoms"][0])
    assert abs(weights).max() <= 92**-0.5
    assert told.keys() == plain.keys()
    np.testing.assert_array_equal(told["embed"]["w"], plain["embed"]["w"])
    np.testing.assert_array_equal(told["out"]["w"], plain["out"]["w"])


@pytest.mark.parametrize("learner", [Trees(), sklearn(Ridge())], ids=["trees", "ridge"])
@pytest.mark.parametrize("representation", ["composition", "structure"])
def test_learners_of_tables_get_the_statistics_as_columns(table, learner, representation):
    unit = unit_of(table, NAMES, "trees", representation)
    trained = learner.train(unit)
    for k, name in ((2, "spin"), (3, "radius")):
        columns = beside([unit.base, unit.atom_tables[name]])
        expected = learner.train(dataclasses.replace(unit, base=columns, tasks=(unit.tasks[0],)))
        np.testing.assert_allclose(trained.test[k], expected.test[0], rtol=1e-12)
    assert not np.array_equal(trained.test[2], trained.test[0])


def test_placebos_of_properties_beside_the_atoms_find_their_columns(table):
    """A task that adds a property of the atoms first: the placebo replaces the other's column alone."""

    @dataclasses.dataclass
    class Same:
        values: np.ndarray

        def draws(self):
            return np.tile(self.values, (2, 1))

    for name in ("trees", "cgcnn"):
        unit = unit_of(table, NAMES, name)
        itself = Same(unit.columns["density"].values[unit.split.test])
        tasks = (Task("band_gap", ("spin", "density")),)
        unit = dataclasses.replace(unit, tasks=tasks, placebos={"density": itself})
        trained = (Trees() if name == "trees" else LEARNER).train(unit)
        np.testing.assert_allclose(
            trained.swapped[0, "density"], np.tile(trained.test, (2, 1)), rtol=1e-5, atol=1e-5
        )
