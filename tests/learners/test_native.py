"""The compiled kernel computes what the pure JAX edges compute, and steps aside where it cannot run."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mattomo.errors import InputError
from mattomo.learners.cgcnn import native
from mattomo.learners.cgcnn.edge import TILE, Edges
from mattomo.learners.cgcnn.model import GAUSSIAN_WIDTH, GAUSSIANS

F = native.FEATURES
BONDS = (GAUSSIANS, GAUSSIAN_WIDTH)
WITHOUT = native._Kernel(False, "for comparison")


@pytest.fixture
def kernel():
    if not native._get().ready:
        pytest.skip(native.status())


@pytest.fixture
def pure(monkeypatch):
    """A function's value by pure JAX."""

    def call(function, *arguments):
        with monkeypatch.context() as patch:
            patch.setattr(native, "_kernel", WITHOUT)
            return function(*arguments)

    return call


def problem(n_nodes, n_edges, n_lengths, *, padding=0, dtype=np.float32, seed=0):
    """Random edges (the last ``padding`` of them without weight) and everything else `train` wants."""
    rng = np.random.default_rng(seed)

    def normal(*shape):
        return jnp.asarray(rng.normal(size=shape), dtype)

    # Every fifth node is isolated.
    centre = np.sort(rng.integers(0, n_nodes, n_edges)) // 5 * 5
    weight = rng.integers(1, 4, n_edges) * rng.choice([1, 0.5], n_edges)
    total = weight * rng.integers(1, 4, n_nodes)[centre]
    if padding:
        centre[-padding:], weight[-padding:], total[-padding:] = n_nodes - 1, 0, 0
    edges = Edges(
        *(
            jnp.asarray(i, jnp.int32)
            for i in (centre, rng.integers(0, n_nodes, n_edges), rng.integers(0, n_lengths, n_edges))
        ),
        *(jnp.asarray(w, dtype) for w in (weight, total)),
    )
    length = jnp.asarray(rng.uniform(1, 8, n_lengths), dtype).at[0].set(8)
    weights = tuple(0.2 * normal(rows, 2 * F) for rows in (F, F, len(GAUSSIANS)))
    return edges, length, normal(n_nodes, F), weights, 1 + 0.1 * normal(2 * F), 0.1 * normal(2 * F)


def train(edges, length, x, weights, scale, shift):
    """Messages, statistics and gradients of a random projection of the messages."""
    direction = jnp.asarray(np.random.default_rng(1).normal(size=x.shape), x.dtype)

    def loss(*differentiable):
        message, statistics = native.normalised_messages(edges, length, *differentiable, *BONDS)
        return (message * direction).sum(), (message, statistics)

    gradient, values = jax.grad(loss, argnums=(0, 1, 2, 3), has_aux=True)(x, weights, scale, shift)
    return values, gradient


def evaluate(edges, length, x, weights, scale, shift):
    return native.messages(edges, length, x, weights, scale, shift, *BONDS)


def assert_close(found, expected, tolerance=1e-5):
    """Equal to ``tolerance`` of the largest entry of each array, or of all where one should be all zero."""
    found, expected = ([np.asarray(a) for a in jax.tree.leaves(tree)] for tree in (found, expected))
    largest = max(abs(b).max() for b in expected)
    for a, b in zip(found, expected, strict=True):
        assert a.shape == b.shape
        scale = abs(b).max()
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * (scale if scale > 1e-9 else largest))


@pytest.mark.parametrize(
    ("n_nodes", "n_edges", "n_lengths", "padding"),
    [(40, 700, 300, 0), (40, 2 * TILE, 1, 100), (3, 1, 1, 0), (300, 3000, 900, 17), (8, 8, 8, 8)],
    ids=["ragged", "one length", "one edge", "padded", "only padding"],
)
def test_kernel_agrees_with_float64(kernel, n_nodes, n_edges, n_lengths, padding):
    given = problem(n_nodes, n_edges, n_lengths, padding=padding)
    found = jax.jit(train)(*given), jax.jit(evaluate)(*given)
    with jax.enable_x64(True):
        exact = jax.tree.map(lambda a: jnp.asarray(a, jnp.float64) if a.dtype == np.float32 else a, given)
        expected = jax.jit(train)(*exact), jax.jit(evaluate)(*exact)
    assert found[1].dtype == jnp.float32
    assert expected[1].dtype == jnp.float64
    assert_close(found, expected)


def test_kernel_agrees_with_pure_float32(kernel, pure):
    given = problem(200, 4 * TILE, 500, padding=40)
    assert_close((train(*given), evaluate(*given)), pure(lambda: (train(*given), evaluate(*given))))


@pytest.mark.parametrize("wish", ["kernel", "pure"])
def test_nodes_taken_from_a_table(wish, request):
    edges, length, table, weights, scale, shift = problem(40, 700, 300)
    index = jnp.asarray(np.random.default_rng(0).integers(0, 7, len(table)))

    rest = (weights, scale, shift, *BONDS)

    def loss(table, indirectly):
        origin = (table, index) if indirectly else None
        message, _ = native.normalised_messages(edges, length, table[index], *rest, origin=origin)
        return (message**2).sum(), message

    def both():
        return [
            (
                jax.grad(loss, has_aux=True)(table, indirectly),
                native.messages(
                    edges, length, table[index], *rest, origin=(table, index) if indirectly else None
                ),
            )
            for indirectly in (True, False)
        ]

    fixture = request.getfixturevalue(wish)
    assert_close(*(fixture(both) if wish == "pure" else both()))


def test_large_values_do_not_overflow(kernel):
    edges, length, x, weights, scale, shift = problem(40, 500, 50)
    message = evaluate(edges, length, 1e4 * x, weights, scale, shift)
    assert np.isfinite(message).all()
    values, gradient = train(edges, length, x, weights, 1e4 * scale, shift)
    assert all(np.isfinite(a).all() for a in jax.tree.leaves((values, gradient)))


def test_not_a_number_is_passed_on(kernel):
    edges, length, x, weights, scale, shift = problem(40, 500, 50)
    assert np.isnan(
        evaluate(edges, length, x.at[edges.centre[0], 3].set(np.nan), weights, scale, shift)
    ).any()


def test_odd_lengths_stay_in_bounds(kernel):
    edges, _, x, weights, scale, shift = problem(40, 500, 5)
    odd = jnp.asarray([0, 0.05, 30, 1e30, np.nan], jnp.float32)
    found = evaluate(edges, odd, x, weights, scale, shift)
    assert np.isnan(found).any()
    far = edges._replace(bond=edges.bond % 4)
    with_zeros = weights[0], weights[1], weights[2].at[1:].set(0)
    found = evaluate(far, odd, x, with_zeros, scale, shift)
    assert np.isfinite(found).all()


def test_runs_are_identical(kernel):
    given = problem(300, 3000, 900)
    step = jax.jit(train)
    first = step(*given)
    jax.tree.map(np.testing.assert_array_equal, first, step(*given))
    with ThreadPoolExecutor(4) as pool:
        for other in pool.map(lambda _: jax.block_until_ready(step(*given)), range(8)):
            jax.tree.map(np.testing.assert_array_equal, first, other)


def test_models_one_after_the_other(kernel):
    edges, length, x, weights, scale, shift = problem(40, 700, 300)
    xs = jnp.stack([x, 2 * x, x - 1])

    def one(x):
        return train(edges, length, x, weights, scale, shift)

    alone = jax.tree.map(lambda *leaves: jnp.stack(leaves), *map(jax.jit(one), xs))
    jax.tree.map(np.testing.assert_array_equal, jax.jit(lambda xs: jax.lax.map(one, xs))(xs), alone)
    assert_close(jax.jit(jax.vmap(one))(xs), alone, 1e-6)


def test_pure_jax_for_other_types_and_widths():
    assert not native.usable(jnp.zeros((3, F), jnp.bfloat16))
    assert not native.usable(jnp.zeros((3, F // 2), jnp.float32))


def start(monkeypatch, **environment):
    """Status of a fresh start in ``environment``."""
    monkeypatch.setattr(native, "_kernel", None)
    for name, value in environment.items():
        monkeypatch.setenv(name, str(value))
    return native.status()


def test_choice_of_pure_jax(monkeypatch):
    assert start(monkeypatch, MATTOMO_KERNEL="jax") == "pure JAX: chosen by MATTOMO_KERNEL"
    assert not native.usable(jnp.zeros((3, F), jnp.float32))


def test_unknown_choice(monkeypatch):
    with pytest.raises(InputError, match="not one of auto, native and jax"):
        start(monkeypatch, MATTOMO_KERNEL="cuda")


def test_no_compiler(monkeypatch, tmp_path):
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.delenv("MATTOMO_KERNEL", raising=False)
    assert start(monkeypatch, PATH=tmp_path) == "pure JAX: no C++ compiler found"
    assert start(monkeypatch, CXX="no-such-compiler") == "pure JAX: no C++ compiler 'no-such-compiler'"
    with pytest.raises(InputError, match=r"no native kernel.*MATTOMO_KERNEL=auto"):
        start(monkeypatch, MATTOMO_KERNEL="native")


@pytest.mark.skipif(os.name != "posix", reason="the fake compiler is a shell script")
def test_failing_compiler(monkeypatch, tmp_path):
    fake = tmp_path / "c++"
    fake.write_text('#!/bin/sh\n[ "$1" = --version ] && exit\necho "fatal error: no headers" >&2\nexit 1\n')
    fake.chmod(0o755)
    found = start(monkeypatch, MATTOMO_KERNEL="auto", CXX=fake, XDG_CACHE_HOME=tmp_path / "cache")
    assert found == f"pure JAX: {fake} failed: fatal error: no headers"
    assert not list((tmp_path / "cache/mattomo").iterdir())


@pytest.mark.skipif(os.name != "posix", reason="permissions of a folder")
def test_unusable_cache(monkeypatch, tmp_path, kernel):
    (tmp_path / "file").write_text("")
    found = start(monkeypatch, MATTOMO_KERNEL="auto", XDG_CACHE_HOME=tmp_path / "file")
    assert found.startswith("pure JAX: the cache directory")


def test_processes_compile_side_by_side(kernel, tmp_path):
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path), "MATTOMO_KERNEL": "native"}
    command = [sys.executable, "-c", "from mattomo.learners.cgcnn import native; print(native.status())"]
    running = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    assert {process.communicate()[0].strip() for process in running} == {native.status()}
    assert [path.suffix for path in (tmp_path / "mattomo").iterdir()] == [".so"]
