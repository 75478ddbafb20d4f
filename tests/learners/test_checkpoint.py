"""A unit that goes on from a checkpoint ends with the numbers of one that was never interrupted."""

import dataclasses

import numpy as np
import pytest

import mattomo as mt
from mattomo.learners.cgcnn import CGCNN
from mattomo.study.checkpoint import FileCheckpoint, discard


@pytest.fixture(scope="module")
def unit():
    choices = {"targets": ["band_gap"], "properties": ["density"], "representations": ["composition"]}
    study = mt.Study(
        mt.load("mp1000").take(np.arange(60)),
        seeds=1,
        epochs=4,
        batch_size=32,
        controls=[],
        swaps=0,
        **choices,
    )
    plan = study.plan()
    return plan.unit(plan.units[0])


LEARNER = CGCNN(epochs=4, batch_size=32, milestones=(2,))


@pytest.fixture(scope="module")
def whole(unit):
    return LEARNER.train(unit)


def interrupted(unit, path, epoch):
    def stop(share):
        if share == epoch / 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        LEARNER.train(unit, stop, checkpoint=FileCheckpoint(path, every=0))


def assert_same_bytes(a, b):
    for field in ("validation", "test", "best_epoch", "validation_mae", "train_loss"):
        assert getattr(a, field).tobytes() == getattr(b, field).tobytes(), field


@pytest.mark.parametrize("epoch", [1, 3])
def test_resumed_training_is_the_same_bit_for_bit(unit, whole, tmp_path, epoch):
    path = tmp_path / "unit.npz"
    interrupted(unit, path, epoch)
    shares = []
    resumed = LEARNER.train(unit, shares.append, checkpoint=FileCheckpoint(path, every=0))
    assert shares == [k / 4 for k in range(epoch + 1, 5)]
    assert_same_bytes(resumed, whole)


def test_the_state_is_saved_when_due(unit, tmp_path):
    path = tmp_path / "unit.npz"
    LEARNER.train(unit, checkpoint=FileCheckpoint(path))
    assert not path.exists()


@pytest.mark.parametrize("damage", ["flip", "truncate", "empty"])
def test_a_damaged_checkpoint_is_ignored_with_a_message(tmp_path, damage):
    path = tmp_path / "unit.npz"
    FileCheckpoint(path).save({"a": np.arange(100.0)})
    content = bytearray(path.read_bytes())
    if damage == "flip":
        content[len(content) // 2] ^= 1
    path.write_bytes({"flip": content, "truncate": content[:50], "empty": b""}[damage])
    heard = []
    assert FileCheckpoint(path, tell=heard.append).load() is None
    assert heard == ["its checkpoint is damaged (checksum): training from the start"]


def test_arrays_come_back_as_they_were_and_no_part_is_left(tmp_path):
    path = tmp_path / "unit.npz"
    saved = FileCheckpoint(path)
    assert saved.load() is None
    arrays = {"leaf 0": np.float32([[np.nan, -0.0], [1e-45, np.inf]]), "n": np.int64([3])}
    saved.save(arrays)
    saved.save(arrays)
    assert [p.name for p in tmp_path.iterdir()] == ["unit.npz"]
    for name, values in FileCheckpoint(path).load().items():
        assert values.dtype == arrays[name].dtype
        assert values.tobytes() == arrays[name].tobytes()
    discard(path)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_full_or_out_of_sight_means_no_checkpoints(tmp_path, monkeypatch):
    unseen = FileCheckpoint(tmp_path / "elsewhere" / "unit.npz", every=0)
    assert not unseen.due()
    unseen.save({"a": np.zeros(3)})
    assert list(tmp_path.iterdir()) == []
    heard = []
    full = FileCheckpoint(tmp_path / "unit.npz", every=0, tell=heard.append)
    assert full.due()

    def fail(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(tmp_path), "write_bytes", fail)
    full.save({"a": np.zeros(3)})
    assert heard == ["no checkpoints: No space left on device"]
    assert not full.due()


@pytest.mark.parametrize("chunk", [2, 3])
def test_models_side_by_side_give_the_same_numbers(unit, whole, chunk):
    """To 1e-5: more models at a time may add in another order."""
    trained = dataclasses.replace(LEARNER, chunk=chunk).train(unit)
    np.testing.assert_allclose(trained.test, whole.test, rtol=1e-5)
    np.testing.assert_array_equal(trained.best_epoch, whole.best_epoch)
