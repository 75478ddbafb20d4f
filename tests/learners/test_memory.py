"""Models side by side on a card: the bytes of a step against XLA's own account, and how many are taken."""

import dataclasses
import types

import jax
import numpy as np
import pytest

import mattomo as mt
from mattomo.errors import InputError
from mattomo.learners.base import Split, Task, Unit
from mattomo.learners.cgcnn import CGCNN, native
from mattomo.learners.cgcnn import train as module
from mattomo.learners.cgcnn.batches import Shape, shape_for
from mattomo.learners.cgcnn.edge import TILE
from mattomo.learners.cgcnn.memory import UNKNOWN, lower_step, side_by_side, step_bytes, usable
from mattomo.projections.composition import composition_graphs
from mattomo.projections.structure import crystal_graphs

NETWORK = {"features": 64, "hidden": 128, "convolutions": 3}


def room(crystals, nodes, tiles, lengths):
    """Edges that are no multiple of a tile are walked as one, as on a card."""
    return Shape(crystals, nodes, tiles * TILE + 8, lengths)


def kept_by_xla(shape, chunk, models, **network):
    """Bytes of the compiled step beside its inputs and outputs; nothing is computed."""
    lowered = lower_step(shape, models, chunk=chunk, **network)
    return lowered.compile().memory_analysis().temp_size_in_bytes


CASES = [
    pytest.param(room(256, 3600, 72, 2400), 1, {}, id="structure", marks=pytest.mark.slow),
    pytest.param(room(256, 3600, 72, 2400), 3, {}, id="structure, three"),
    pytest.param(room(256, 1000, 6, 1), 2, {}, id="composition"),
    pytest.param(room(64, 900, 18, 600), 2, {}, id="small batches", marks=pytest.mark.slow),
    pytest.param(room(256, 7200, 72, 2400), 2, {}, id="many nodes", marks=pytest.mark.slow),
    pytest.param(room(256, 3600, 72, 9000), 2, {}, id="many lengths", marks=pytest.mark.slow),
    pytest.param(room(256, 3600, 144, 2400), 2, {}, id="many edges", marks=pytest.mark.slow),
    pytest.param(room(256, 3600, 72, 2400), 1, {"convolutions": 6}, id="deep", marks=pytest.mark.slow),
    pytest.param(room(256, 3600, 72, 2400), 1, {"features": 32}, id="narrow", marks=pytest.mark.slow),
    pytest.param(room(256, 3600, 72, 2400), 1, {"hidden": 1024}, id="wide head", marks=pytest.mark.slow),
]


@pytest.fixture
def without_kernel(monkeypatch):
    """A card computes the edges by JAX."""
    monkeypatch.setattr(native, "_kernel", native._Kernel(False, "chosen by a test"))
    jax.clear_caches()
    yield
    jax.clear_caches()


@pytest.mark.parametrize(("shape", "chunk", "changed"), CASES)
def test_the_bytes_of_a_step_are_those_xla_keeps_within_30_percent(without_kernel, shape, chunk, changed):
    network = {**NETWORK, **changed}
    foreseen = chunk * step_bytes(shape, **network)
    assert 1 / 1.3 < foreseen / kept_by_xla(shape, chunk, 2 * chunk, **network) < 1.3


@pytest.mark.parametrize(
    ("models", "free", "chunk"),
    [(14, 10.5, 7), (14, 14.0, 14), (14, 1e9, 14), (14, 13.9, 7), (14, 1.0, 1), (13, 12.0, 7), (15, 7.0, 5)],
)
def test_models_are_taken_in_few_even_rounds(models, free, chunk):
    assert side_by_side(models, 1.0, free) == chunk


def test_every_choice_fits_and_takes_as_few_rounds_as_possible():
    for models in range(1, 40):
        for fit in range(1, 45):
            chunk = side_by_side(models, 3.0, 3.0 * fit + 2.9)
            rounds = -(-models // chunk)
            assert 1 <= chunk <= min(fit, models)
            assert rounds == -(-models // min(fit, models))
            assert rounds * chunk - models < rounds  # even


def test_a_step_that_does_not_fit_is_not_taken():
    assert side_by_side(14, 1.0, 0.99) == side_by_side(14, 1.0, 0.0) == 0


def device(**stats):
    return types.SimpleNamespace(memory_stats=lambda: stats or None)


def test_what_a_device_has_free():
    full = usable(device(bytes_limit=80e9, bytes_in_use=0))
    assert 0.5 * 80e9 < full < 80e9
    assert usable(device(bytes_limit=80e9, bytes_in_use=40e9)) == pytest.approx(full / 2)
    assert usable(device(bytes_limit=80e9, bytes_in_use=1e9), 9e9) == pytest.approx(full / 10)
    assert usable(device(bytes_limit=80e9, bytes_in_use=0), 800e9) == full
    assert usable(device(bytes_limit=8e9, bytes_in_use=9e9)) == 0


def test_a_device_that_tells_nothing_has_little():
    assert usable(device()) == pytest.approx(usable(device(bytes_limit=UNKNOWN, bytes_in_use=0)))
    assert usable(device(), 1e9) < 1e9


@pytest.fixture(scope="module")
def unit():
    materials = mt.load("mp1000").take(np.arange(60))
    columns = {name: materials.columns[name] for name in ("band_gap", "density", "volume")}
    tasks = (Task("band_gap"), *(Task("band_gap", (name,)) for name in ("density", "volume")))
    split = Split(np.arange(40), np.arange(40, 50), np.arange(50, 60))
    return Unit("composition", composition_graphs(materials), columns, split, 0, tasks)


LEARNER = CGCNN(epochs=2, batch_size=16)


@pytest.fixture
def card(monkeypatch):
    """What this machine would be with a card of some bytes; returns the chunks that were taken."""
    taken = []

    def of(free):
        monkeypatch.setattr(module.jax, "default_backend", lambda: "card")
        monkeypatch.setattr(module, "usable", lambda device, most: min(free, most or free))
        step = module.Group.learn

        def learn(group, *given):
            taken.append(group.chunk)
            monkeypatch.setattr(module.jax, "default_backend", lambda: "cpu")
            return step(group, *given)

        monkeypatch.setattr(module.Group, "learn", learn)
        return taken

    return of


def of_a_step(unit, batch_size=16):
    learner = dataclasses.replace(LEARNER, batch_size=batch_size)
    sizes = np.diff(unit.base.edge_offsets)
    epochs = [batch for epoch in range(learner.epochs) for batch in learner._batches(unit, sizes, epoch)]
    return step_bytes(shape_for(unit.base, epochs), **NETWORK)


@pytest.mark.parametrize(("room_for", "chunk"), [(1.5, 1), (2.5, 2)])
def test_a_card_takes_what_it_has_room_for_and_the_numbers_stay(unit, card, room_for, chunk):
    alone = LEARNER.train(unit)
    taken = card(room_for * of_a_step(unit))
    found = LEARNER.train(unit)
    assert set(taken) == {chunk}
    np.testing.assert_allclose(found.test, alone.test, rtol=1e-5)
    np.testing.assert_allclose(found.validation_mae, alone.validation_mae, rtol=1e-5)


def test_a_limit_of_memory_holds_on_a_card(unit, card):
    taken = card(1e12)
    dataclasses.replace(LEARNER, memory=2.5 * of_a_step(unit)).train(unit)
    assert set(taken) == {2}


@pytest.fixture(scope="module")
def crystals(unit):
    return dataclasses.replace(
        unit,
        base=crystal_graphs(mt.load("mp1000").take(np.arange(60)).structures),
        representation="structure",
    )


@pytest.mark.parametrize(("share", "fits"), [(0.9, 8), (0.65, 4)])
def test_too_small_a_card_is_an_error_that_names_a_batch_size(crystals, card, share, fits):
    free = share * of_a_step(crystals)
    card(free)
    with pytest.raises(InputError, match=r"'batch_size', value 16: .* GB") as caught:
        LEARNER.train(crystals)
    assert f"batch_size = {fits} fits" in caught.value.hint
    assert of_a_step(crystals, fits) <= free


def test_a_hopeless_card_is_an_error_too(crystals, card):
    card(10.0)
    with pytest.raises(InputError, match="single crystals"):
        LEARNER.train(crystals)


def test_neither_chunk_nor_memory_is_part_of_what_determines_results():
    assert dataclasses.replace(LEARNER, chunk=3, memory=1e9).settings() == LEARNER.settings()
    assert not {"chunk", "memory"} & set(LEARNER.settings())
