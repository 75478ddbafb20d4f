"""The parts of a decomposition and the core that computes them from discrete labels.

What the parts mean, and what of them is identified, is in `mattomo.information.decomposition`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mattomo.information import discrete
from mattomo.information.broja import least_information
from mattomo.information.discrete import Codes, Floats
from mattomo.keyed import generator
from mattomo.threads import one_thread

LEAST_ROWS = 40
_BLOCKS = 1_000  # clusters are gathered into at most this many blocks for the bootstrap
_LEAST_CLUSTERS = 10  # for a bootstrap
_TAIL = 0.025  # on either side of an interval


@dataclass(frozen=True)
class Part:
    """One quantity in bits.

    Attributes
    ----------
    point : float
    bounds : tuple of float
        Lowest and highest value that the three informations allow, however large the sample; both are the
        point for identified quantities.
    interval : tuple of float
        95 % interval of the bounds over resampled clusters: sampling and bounds together. NaN without
        resampling or with fewer than 10 clusters.
    """

    point: float
    bounds: tuple[float, float]
    interval: tuple[float, float]


@dataclass(frozen=True)
class Decomposition:
    """What R and A tell about p, in usable bits.

    Attributes
    ----------
    I_R, I_A, I_RA : Part
        Information about the target, corrected for its bias, not below zero, I_RA not below the other two.
    gain : Part
        U_A + S = I_RA - I_R, the headline: what A adds to R. Identified.
    redundant, unique_R, unique_A, synergy : Part
        Only bounded; the point is the end with the most unique and the least redundant information.
    raw : mapping of str to float
        I_R, I_A, I_RA and gain after the correction and before any clipping, and ``plugin_R``, ``plugin_A``,
        ``plugin_RA`` before the correction.
    rows, clusters : int
    levels : tuple of int
        How many of the target, of R, of A and of both.
    pooled : float
        Share of the rows in the class "other" of A.
    gap : float
        Proven error of the solver, bits.
    slope : float
        Of the target on the baseline's prediction; NaN where there is none.
    undertrained : str
        Why R looks undertrained, or ``""``. An undertrained R inflates U_A: A then adds what a better learner
        would have found in R.
    reason : str
        Why everything is NaN, or ``""``.
    """

    I_R: Part
    I_A: Part
    I_RA: Part
    gain: Part
    redundant: Part
    unique_R: Part
    unique_A: Part
    synergy: Part
    raw: Mapping[str, float]
    rows: int
    clusters: int
    levels: tuple[int, int, int, int] = (0, 0, 0, 0)
    pooled: float = 0.0
    gap: float = 0.0
    slope: float = float("nan")
    undertrained: str = ""
    reason: str = ""

    def record(self) -> dict[str, float | int | str]:
        """Everything as one flat row: ``gain``, ``gain_low`` and so on for the interval, ``redundant_min``
        and ``redundant_max`` for the bounds of what is only bounded."""
        row: dict[str, float | int | str] = {}
        for name in PARTS:
            part: Part = getattr(self, name)
            row |= {name: part.point, f"{name}_low": part.interval[0], f"{name}_high": part.interval[1]}
            if name in BOUNDED:
                row |= {f"{name}_min": part.bounds[0], f"{name}_max": part.bounds[1]}
        row |= {f"raw_{name}": value for name, value in self.raw.items()}
        row |= {"rows": self.rows, "clusters": self.clusters, "pooled": self.pooled, "slope": self.slope}
        return row | {"undertrained": self.undertrained, "reason": self.reason}


BOUNDED = ("redundant", "unique_R", "unique_A", "synergy")
PARTS = ("I_R", "I_A", "I_RA", "gain", *BOUNDED)


def decompose_joint(
    target: NDArray[Any],
    R: NDArray[Any],
    A: NDArray[Any],
    RA: NDArray[Any] | None,
    clusters: NDArray[Any],
    *,
    n_boot: int = 200,
    seed: int = 0,
) -> Decomposition:
    """The core of all decompositions: discrete labels in, parts out.

    Each information is the plug-in estimate less its bias. The bias is the greater of two estimates: that of
    Miller and Madow, and that of the cluster bootstrap (mean of the replicates less the estimate), which
    knows that rows of one cluster repeat each other. Then I_R and I_A are cut at zero and I_RA is at least
    their maximum. The redundancy that the solver finds rests on biased tables: its share of min(I_R, I_A) is
    kept and applied to the corrected minimum.

    The bootstrap resamples clusters (beyond 1,000 of them, random groups of clusters) and repeats the three
    informations and everything that follows from them by formula; the share of min(I_R, I_A) that the solver
    finds redundant keeps its value. Replicates are centred on the estimate, which removes their own bias.

    Parameters
    ----------
    target, R, A : ndarray, shape (n,)
        Labels, at most a few dozen distinct ones each.
    RA : ndarray, shape (n,), or None
        Labels of what both tell together, such as the groups of a joint model's predictions; ``None`` takes
        all pairs of R and A.
    clusters : ndarray, shape (n,)
        Which rows belong together.
    n_boot : int
        Resamples; 0 for no intervals (and the correction of Miller and Madow alone).
    seed : int
        Of the resampling.

    Returns
    -------
    Decomposition
        All NaN, with a reason, for fewer than 40 rows or a target with one label.

    Raises
    ------
    ValueError
        Arrays of different lengths.
    """
    same_length(*(np.asarray(v) for v in (target, R, A, clusters) if v is not None))
    t, r, a = (discrete.without_holes(v) for v in (target, R, A))
    both = discrete.without_holes(r * (int(a.max(initial=0)) + 1) + a if RA is None else RA)
    same_length(t, both)
    if len(t) < LEAST_ROWS:
        return undefined(f"{len(t)} rows, fewer than {LEAST_ROWS}", clusters)
    if t.max() == 0:
        return undefined("the target takes one value", clusters)
    tables = [discrete.counts(t, source) for source in (r, a, both)]
    plugin = np.array([discrete.information(table) for table in tables])
    bias = np.array([discrete.miller_madow(table) for table in tables])
    owner = discrete.without_holes(clusters)
    n_clusters = int(owner.max()) + 1
    replicates = np.empty((0, 3))
    if n_boot > 1 and n_clusters >= _LEAST_CLUSTERS:
        replicates = _resampled(t, (r, a, both), owner, n_boot, seed)
        bias = np.maximum(bias, replicates.mean(0) - plugin)
    raw = plugin - bias
    union = least_information(tables[0], tables[1])
    cap = min(plugin[0], plugin[1])
    share = float(np.clip((plugin[0] + plugin[1] - union.bits) / cap, 0.0, 1.0)) if cap > 0 else 1.0
    points = _bounds(raw[None], share)
    sampled = _bounds(replicates - replicates.mean(0) + raw, share) if len(replicates) else None
    part = {}
    for name, (low, high, at) in points.items():
        interval = (float("nan"), float("nan"))
        if sampled is not None:
            ends = (np.quantile(sampled[name][0], _TAIL), np.quantile(sampled[name][1], 1 - _TAIL))
            interval = (float(ends[0]), float(ends[1]))
        part[name] = Part(float(at[0]), (float(low[0]), float(high[0])), interval)
    names = ("R", "A", "RA")
    return _gathered(
        part,
        raw={f"I_{name}": float(v) for name, v in zip(names, raw, strict=True)}
        | {"gain": float(raw[2] - raw[0])}
        | {f"plugin_{name}": float(v) for name, v in zip(names, plugin, strict=True)},
        rows=len(t),
        clusters=n_clusters,
        levels=(len(tables[0]), tables[0].shape[1], tables[1].shape[1], tables[2].shape[1]),
        gap=union.gap,
    )


def _resampled(target: Codes, sources: tuple[Codes, ...], owner: Codes, n_boot: int, seed: int) -> Floats:
    """Plug-in information of each source in each bootstrap sample of clusters, shape (n_boot, sources)."""
    n = int(owner.max()) + 1
    random = generator("decomposition", "bootstrap", seed, n, n_boot)
    blocks = min(n, _BLOCKS)
    block = (random.permutation(n) % blocks)[owner] if n > blocks else owner
    drawn = random.integers(blocks, size=(n_boot, blocks)) + blocks * np.arange(n_boot)[:, None]
    weights = np.bincount(drawn.ravel(), minlength=n_boot * blocks).reshape(n_boot, blocks).astype(float)
    k = int(target.max()) + 1
    informations = []
    for source in sources:
        levels = int(source.max()) + 1
        cells = k * levels
        cell = (block * k + target) * levels + source
        by_block = np.bincount(cell, minlength=blocks * cells).reshape(blocks, cells).astype(float)
        with one_thread():
            sums = weights @ by_block
        informations.append(discrete.informations(sums.reshape(n_boot, k, levels)))
    return np.column_stack(informations)


def _bounds(raw: Floats, share: float) -> dict[str, tuple[Floats, Floats, Floats]]:
    """Lowest value, highest value and point of every quantity, from raw (I_R, I_A, I_RA), shape (m, 3)."""
    I_R, I_A = np.maximum(raw[:, 0], 0.0), np.maximum(raw[:, 1], 0.0)
    I_RA = np.maximum(raw[:, 2], np.maximum(I_R, I_A))
    most = np.minimum(I_R, I_A)
    least = np.clip(np.maximum(share * most, I_R + I_A - I_RA), 0.0, most)
    both_alone = I_RA - I_R - I_A
    synergy = (np.maximum(both_alone + least, 0.0), np.maximum(both_alone + most, 0.0))
    return {
        "I_R": (I_R, I_R, I_R),
        "I_A": (I_A, I_A, I_A),
        "I_RA": (I_RA, I_RA, I_RA),
        "gain": (I_RA - I_R, I_RA - I_R, I_RA - I_R),
        "redundant": (least, most, least),
        "unique_R": (I_R - most, I_R - least, I_R - least),
        "unique_A": (I_A - most, I_A - least, I_A - least),
        "synergy": (*synergy, synergy[0]),
    }


def same_length(*arrays: NDArray[Any]) -> None:
    """Raise ValueError unless all are columns of one length."""
    shapes = [array.shape for array in arrays]
    if len(set(shapes)) > 1 or len(shapes[0]) != 1:
        raise ValueError(f"all columns must be one-dimensional and of one length, got shapes {shapes}")


def undefined(reason: str, clusters: NDArray[Any]) -> Decomposition:
    """The decomposition that there is not."""
    nan = float("nan")
    names = ("I_R", "I_A", "I_RA", "gain", "plugin_R", "plugin_A", "plugin_RA")
    return _gathered(
        dict.fromkeys(PARTS, Part(nan, (nan, nan), (nan, nan))),
        raw=dict.fromkeys(names, nan),
        rows=len(clusters),
        clusters=len(set(np.asarray(clusters).tolist())),
        gap=nan,
        reason=reason,
    )


def _gathered(
    part: Mapping[str, Part],
    raw: Mapping[str, float],
    rows: int,
    clusters: int,
    gap: float,
    levels: tuple[int, int, int, int] = (0, 0, 0, 0),
    reason: str = "",
) -> Decomposition:
    return Decomposition(
        I_R=part["I_R"],
        I_A=part["I_A"],
        I_RA=part["I_RA"],
        gain=part["gain"],
        redundant=part["redundant"],
        unique_R=part["unique_R"],
        unique_A=part["unique_A"],
        synergy=part["synergy"],
        raw=raw,
        rows=rows,
        clusters=clusters,
        levels=levels,
        gap=gap,
        reason=reason,
    )
