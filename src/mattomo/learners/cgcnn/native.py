"""The edges of a convolution by a small C++ kernel where that is possible, and by JAX elsewhere.

On a processor XLA spends most of a training step on the edges, in many small loops. The kernel
(``edge_kernel.cc``) does them in one; it is compiled by the system's C++ compiler on first use and kept in
the user's cache directory. It needs float32, a processor and 64 features; otherwise, or without a compiler,
`mattomo.learners.cgcnn.edge` computes the same. The environment variable ``MATTOMO_KERNEL``, read on first
use, chooses: ``auto`` (default) takes the kernel where possible, ``native`` makes it an error if it cannot
be had, ``jax`` never takes it.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import re
import shlex
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from importlib import metadata, resources
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from mattomo.errors import InputError
from mattomo.learners.cgcnn import edge
from mattomo.learners.cgcnn.edge import Edges, Pair

#: Features of a node, and Gaussians of a bond, that the kernel is written for.
FEATURES, NEAR = 64, 8
#: Functions of the kernel.
NAMES = ("mattomo_messages", "mattomo_forward", "mattomo_backward")
#: None of these lets the compiler reorder sums.
FLAGS = ("-O3", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=fast", "-fopenmp-simd")
#: Tuning for this processor, which not every compiler knows: the first set that compiles is taken.
TUNING = (("-march=native", "-mprefer-vector-width=512"), ("-march=native",), ("-mcpu=native",), ())

Weights = tuple[Array, Array, Array]
Statistics = tuple[Array, Array]
Origin = tuple[Array, Array]


class _Unavailable(Exception):
    """Why there is no kernel."""


@dataclass(frozen=True)
class _Kernel:
    """Whether the kernel is registered, and its compiler or else the reason."""

    ready: bool
    text: str


_lock = threading.Lock()
_kernel: _Kernel | None = None


def status() -> str:
    """Who computes the edges, e.g. ``native kernel (g++ 12.2.0)`` or ``pure JAX: no C++ compiler found``.

    Raises
    ------
    InputError
        If ``MATTOMO_KERNEL`` is none of its values, or ``native`` where that is impossible.
    """
    kernel = _get()
    return f"native kernel ({kernel.text})" if kernel.ready else f"pure JAX: {kernel.text}"


def usable(x: Array) -> bool:
    """Whether the kernel computes the edges of node features ``x``, shape (C, f)."""
    return x.dtype == jnp.float32 and x.shape[-1] == FEATURES and _get().ready


def normalised_messages(
    edges: Edges,
    length: Array,
    x: Array,
    weights: Weights,
    scale: Array,
    shift: Array,
    gaussians: tuple[float, ...],
    width: float,
    *,
    origin: Origin | None = None,
) -> tuple[Array, Statistics]:
    """Sum of gated messages into every node in training mode, and the statistics of z.

    Parameters
    ----------
    edges : Edges
    length : Array, shape (U,)
        Distinct bond lengths in Å.
    x : Array, shape (C, f)
        Features of the nodes.
    weights : tuple of Arrays, shapes (f, 2f), (f, 2f), (g, 2f)
        Of the centre, the neighbour and the bond's Gaussians; gate first, then core.
    scale, shift : Array, shape (2f,)
        Of the batch normalisation over all bonds of the batch.
    gaussians : tuple of float
        Their centres in Å, evenly spaced.
    width : float
        Their common width in Å; the kernel takes them for zero beyond four spacings.
    origin : tuple of Arrays, shapes (t, f) and (C,), optional
        A table and indices with ``x = table[indices]``: products are then computed once a row of the table.

    Returns
    -------
    message : Array, shape (C, f)
    statistics : two Arrays, shape (2f,)
        Mean and variance of z; no derivative flows through them.
    """
    if usable(x):
        return _trained(
            width, edges, length, _gaussians(gaussians), *_tables(x, weights, origin), scale, shift
        )
    a, b, c = _parts(length, x, weights, gaussians, width, origin)
    message, (mean, variance) = edge.normalised_messages(edges, a, b, c, _halves(scale), _halves(shift))
    return message, (jnp.concatenate(mean), jnp.concatenate(variance))


def messages(
    edges: Edges,
    length: Array,
    x: Array,
    weights: Weights,
    slope: Array,
    offset: Array,
    gaussians: tuple[float, ...],
    width: float,
    *,
    origin: Origin | None = None,
) -> Array:
    """Sum of gated messages into every node, given the affine map of an evaluation-mode normalisation.

    The kernel has no derivative of this one.

    Parameters
    ----------
    edges, length, x, weights, gaussians, width, origin
        As in `normalised_messages`.
    slope, offset : Array, shape (2f,)

    Returns
    -------
    Array, shape (C, f)
    """
    if not usable(x):
        a, b, c = _parts(length, x, weights, gaussians, width, origin)
        return edge.messages(edges, a, b, c, _halves(slope), _halves(offset))
    nodes, bond = _tables(x, weights, origin)
    message, *_ = _call(
        "mattomo_messages",
        [(len(x), FEATURES), *_near(length)],
        *(nodes, bond, slope, offset, length, _gaussians(gaussians), *edges),
        width=np.float32(width),
    )
    return message


def _parts(
    length: Array,
    x: Array,
    weights: Weights,
    gaussians: tuple[float, ...],
    width: float,
    origin: Origin | None,
) -> tuple[Pair, Pair, Pair]:
    """The parts of z as `edge` wants them."""
    centre, neighbour, (gate, core) = map(_halves, weights)
    bonds = edge.spread(length, gaussians, width)
    a, b = ((_times(x, gate, origin), _times(x, core, origin)) for gate, core in (centre, neighbour))
    return a, b, (bonds @ gate, bonds @ core)


def _times(x: Array, weights: Array, origin: Origin | None) -> Array:
    return x @ weights if origin is None else edge.take(origin[0] @ weights, origin[1])


def _halves(array: Array) -> Pair:
    half = array.shape[-1] // 2
    return array[..., :half], array[..., half:]


def _tables(x: Array, weights: Weights, origin: Origin | None) -> tuple[Array, Array]:
    """Parts of z from every node, as a centre and as a neighbour, shape (C, 4f), and the bonds' weights."""
    centre, neighbour, bond = weights
    return _times(x, jnp.concatenate([centre, neighbour], axis=1), origin), bond


def _gaussians(centres: tuple[float, ...]) -> Array:
    return jnp.asarray(centres, jnp.float32)


def _near(length: Array) -> list[Any]:
    """Shapes of the first Gaussian near each length, and of the values of those near it."""
    return [_struct((len(length),), jnp.int32), (len(length), NEAR)]


def _struct(shape: tuple[int, ...], dtype: Any) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(shape, dtype)  # type: ignore[no-untyped-call]


def _call(name: str, results: list[Any], *arguments: Array, **attributes: Any) -> Sequence[Array]:
    """Results of a function of the kernel; those given by a shape alone are float32."""
    shapes = [_struct(r, jnp.float32) if isinstance(r, tuple) else r for r in results]
    return jax.ffi.ffi_call(name, shapes, vmap_method="sequential")(*arguments, **attributes)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _trained(
    width: float,
    edges: Edges,
    length: Array,
    gaussians: Array,
    nodes: Array,
    bond: Array,
    scale: Array,
    shift: Array,
) -> tuple[Array, Statistics]:
    return _forward(width, edges, length, gaussians, nodes, bond, scale, shift)[0]


def _forward(
    width: float,
    edges: Edges,
    length: Array,
    gaussians: Array,
    nodes: Array,
    bond: Array,
    scale: Array,
    shift: Array,
) -> tuple[tuple[Array, Statistics], tuple[Any, ...]]:
    message, mean, variance, first, near = _call(
        "mattomo_forward",
        [(len(nodes), FEATURES), scale.shape, scale.shape, *_near(length)],
        *(nodes, bond, scale, shift, length, gaussians, *edges),
        width=np.float32(width),
    )
    return (message, (mean, variance)), (edges, nodes, bond, scale, shift, mean, variance, first, near)


def _backward(width: float, residual: tuple[Any, ...], cotangents: tuple[Array, Any]) -> tuple[Any, ...]:
    edges, nodes, bond, scale, *_ = residual
    *gradient, _ = _call(
        "mattomo_backward",
        # The last is scratch space, which XLA hands out faster than the system's allocator.
        [nodes.shape, bond.shape, scale.shape, scale.shape, (len(nodes), 8 * FEATURES)],
        *(cotangents[0], *residual[1:], *edges),
    )
    return None, None, None, *gradient


_trained.defvjp(_forward, _backward)


def _get() -> _Kernel:
    """The kernel, compiled and registered on the first call."""
    global _kernel
    with _lock:
        if _kernel is None:
            wish = os.environ.get("MATTOMO_KERNEL", "auto")
            if wish not in ("auto", "native", "jax"):
                raise InputError("MATTOMO_KERNEL is not one of auto, native and jax", value=wish)
            try:
                _kernel = _Kernel(True, _register(wish))
            except _Unavailable as reason:
                if wish == "native":
                    hint = "Set MATTOMO_KERNEL=auto to go without it."
                    raise InputError(f"no native kernel: {reason}", hint=hint) from None
                _kernel = _Kernel(False, str(reason))
        return _kernel


def _register(wish: str) -> str:
    """Compile, load and register the kernel; the name and version of its compiler."""
    if wish == "jax":
        raise _Unavailable("chosen by MATTOMO_KERNEL")
    if jax.default_backend() != "cpu":
        raise _Unavailable(f"the backend is {jax.default_backend()}")
    compiler = _compiler()
    version = _output([*compiler, "--version"])
    path = _compiled(compiler, version)
    try:
        library = ctypes.CDLL(str(path))
        for name in NAMES:
            function = jax.ffi.pycapsule(getattr(library, name))  # type: ignore[no-untyped-call]
            jax.ffi.register_ffi_target(name, function, platform="cpu")
    except (OSError, AttributeError) as error:
        raise _Unavailable(f"{path} cannot be loaded: {error}") from None
    number = re.search(r"\d+(\.\d+)+", version)
    return f"{Path(compiler[0]).name} {number[0] if number else ''}".strip()


def _compiler() -> list[str]:
    chosen = os.environ.get("CXX")
    for command in [chosen] if chosen else ["c++", "g++", "clang++"]:
        words = shlex.split(command)
        if words and shutil.which(words[0]):
            return words
    raise _Unavailable(f"no C++ compiler {chosen!r}" if chosen else "no C++ compiler found")


def _output(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    except subprocess.CalledProcessError as error:
        lines = error.stderr.strip().splitlines() or [f"exit status {error.returncode}"]
        line = next((line for line in lines if "error" in line), lines[0])
        raise _Unavailable(f"{command[0]} failed: {line}") from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _Unavailable(f"{command[0]} failed: {error}") from None
    return done.stdout


def _compiled(compiler: list[str], version: str) -> Path:
    """The compiled kernel in the user's cache directory, made if it is not there."""
    source = resources.files(__package__).joinpath("edge_kernel.cc").read_bytes()
    key = repr((compiler, version, metadata.version("jaxlib"), FLAGS, TUNING, _processor())).encode()
    name = f"edge_kernel-{hashlib.sha256(source + key).hexdigest()[:16]}.so"
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    path = root / "mattomo" / name
    if path.exists():
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Made under a name of its own: other processes never see half a file, and the last one wins.
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            made = Path(folder) / name
            made.with_suffix(".cc").write_bytes(source)
            _compile(compiler, made.with_suffix(".cc"), made)
            made.replace(path)
    except OSError as error:
        raise _Unavailable(f"the cache directory {path.parent} cannot be used: {error}") from None
    return path


def _compile(compiler: list[str], source: Path, target: Path) -> None:
    base = [*compiler, "-std=c++17", "-shared", "-fPIC", *FLAGS, f"-I{jax.ffi.include_dir()}"]
    for tuning in TUNING:
        try:
            _output([*base, *tuning, "-o", str(target), str(source)])
            return
        except _Unavailable:
            if tuning == TUNING[-1]:
                raise


def _processor() -> str:
    """What identifies this processor's instructions: a home directory may be shared by several kinds."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    wanted = ("vendor_id", "cpu family", "model", "flags", "Features", "CPU")
    return "\n".join(dict.fromkeys(line for line in lines if line.startswith(wanted) and "MHz" not in line))
