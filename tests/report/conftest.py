"""Made-up studies of the paper's size: plausible numbers, no training."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from mattomo.materials.registry import PropertyInfo
from mattomo.study.outcome import Outcome

from .studied import studied

PROPERTIES = (
    PropertyInfo("band_gap", "Band gap", "eV", extensive=False),
    PropertyInfo("density", "Density", "g/cm³", extensive=False),
    PropertyInfo("e_above_hull", "Energy above hull", "eV/atom", extensive=False),
    PropertyInfo("energy", "Energy", "eV", extensive=True),
    PropertyInfo("energy_per_atom", "Energy per atom", "eV/atom", extensive=False),
    PropertyInfo("formation_energy_per_atom", "Formation energy per atom", "eV/atom", extensive=False),
    PropertyInfo("nsites", "Number of sites", "", extensive=True),
    PropertyInfo("total_magnetization", "Total magnetization", "μB", extensive=True),
    PropertyInfo("volume", "Volume", "Å³", extensive=True),
    PropertyInfo("is_hubbard", "Hubbard U used", "", "category"),
    PropertyInfo("oxide_type", "Oxide type", "", "category"),
    PropertyInfo("crystal_system", "Crystal system", "", "category"),
    PropertyInfo("spacegroup_number", "Space group number", "", "category"),
)
_BASELINES = {
    "band_gap": 0.42, "density": 0.31, "e_above_hull": 0.083, "energy": 18.4, "energy_per_atom": 0.21,
    "formation_energy_per_atom": 0.092, "nsites": 9.7, "total_magnetization": 2.9, "volume": 143.0,
}  # fmt: skip


def made_up(
    properties: tuple[PropertyInfo, ...] = PROPERTIES,
    n_targets: int = 9,
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4),
    representations: tuple[str, ...] = ("composition", "structure"),
    learner: str = "cgcnn",
) -> Outcome:
    """An outcome with random but plausible errors; the same arguments give the same numbers."""
    rng = np.random.default_rng(7)
    names = [info.name for info in properties]
    targets = tuple(names[:n_targets])
    true_gain = {(p, a): -float(rng.gamma(1.0, 0.06)) * (rng.random() < 0.45) for p in targets for a in names}
    rows = []
    for representation in representations:
        scale = 0.72 if representation == "structure" else 1.0
        for p in targets:
            for seed in seeds:
                base = _BASELINES.get(p, 1.0) * scale * (1 + 0.04 * rng.standard_normal())
                rows.append((learner, representation, p, "", seed, base))
                for a in names:
                    effect = true_gain[p, a] * (0.3 if representation == "structure" else 1.0)
                    mean = -0.93 if a == p else effect + 0.008
                    rows.append(
                        (
                            learner,
                            representation,
                            p,
                            a,
                            seed,
                            base * (1 + mean + 0.012 * rng.standard_normal()),
                        )
                    )
    errors = pd.DataFrame(rows, columns=["learner", "representation", "target", "added", "seed", "mae"])
    errors = errors.assign(pair="", val_mae=errors["mae"] * 0.98, best_epoch=412, seconds=8.5, n_test=200)
    splits = [(r, seed, 600, 200, 200) for r in representations for seed in seeds]
    units = len(representations) * len(seeds)
    return Outcome(
        errors=errors,
        control_errors=errors.iloc[:0],
        learning=errors.iloc[:0],
        rows=pd.DataFrame(splits, columns=["representation", "seed", "n_train", "n_val", "n_test"]),
        properties=properties,
        targets=targets,
        added=tuple(names),
        seeds=seeds,
        representations=representations,
        config={"learner": {"name": learner, "epochs": 500}, "split": [0.6, 0.2, 0.2]},
        data={
            "source": "mp1000", "n_rows": 1000, "n_used": 1000, "n_quarantined": 7, "n_formulas": 951,
            "one_to_one": 912, "one_to_one_share": 0.912, "fingerprint": "9f2c4d81aa03",
        },
        notices=("Energy, Volume and Number of sites grow with the cell; the learner pools by the mean.",),
        environment={"python": "3.11.9", "numpy": "2.4.6", "jax": "0.10.2", "mattomo": "0.1.0",
                     "device": "cpu", "n_workers": "8"},
        units_planned=units,
        units_done=units,
        wall_seconds=4210.5,
        memory=612e6,
    )  # fmt: skip


@pytest.fixture(scope="session")
def outcome() -> Outcome:
    return made_up()


@pytest.fixture(scope="session")
def make_outcome() -> Callable[..., Outcome]:
    return made_up


@pytest.fixture(scope="session")
def make_study() -> Callable[..., object]:
    return studied
