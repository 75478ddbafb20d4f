"""Controls: what a study marks where the answer is known.

Three added columns are made for every target. *placebo* is a shuffled property (no information); *derived* is
computed from R (none beyond R); *planted* is the target plus noise of a known size. Where a study adds
properties inside the atoms, *atoms* is a placebo there. Their rows stand beside the claims, as the claims'
calibration.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from mattomo.information.gain import CHANGES, CRITERIA, chance_all_below
from mattomo.study.controls import ATOMS, PREFIX
from mattomo.study.controls import CONTROLS as NAMES

#: Names of the added columns of the controls; `ATOMS` joins them where properties are added inside the atoms.
CONTROLS = tuple(PREFIX + name for name in NAMES)

# Chance that a cell of no use improves in every seed is quoted for independent seeds and for this correlation
# of their changes (materials recur between splits).
_CORRELATION = 1 / 3
# At the planted signal a test that misses more than this share of cells has little power elsewhere.
_POWER = 0.8
_LEVEL = 0.05


def planted_bits(snr: float) -> float:
    """Information of a target plus Gaussian noise about a Gaussian target: log2(1 + snr) / 2.

    Parameters
    ----------
    snr : float
        Variance of the target over variance of the noise.

    Returns
    -------
    float
        Bits with R unknown. An upper reference for Gaussian targets: given an R that leaves the share v of
        the target's variance, log2(1 + v snr) / 2 remain.

    Examples
    --------
    >>> planted_bits(3.0)
    1.0
    """
    if not snr >= 0:
        raise ValueError(f"a signal-to-noise ratio is not negative, got {snr}")
    return 0.5 * math.log2(1 + snr)


def calibration(
    gains: pd.DataFrame,
    bits: pd.DataFrame,
    swaps: pd.DataFrame | None = None,
    *,
    planted_snr: float = math.nan,
    by: Sequence[str] = (),
) -> pd.DataFrame:
    """What the criteria say of the controls.

    Parameters
    ----------
    gains : DataFrame
        From `mattomo.information.gains`; rows whose ``added`` is no control are ignored.
    bits : DataFrame
        learner, representation, target, added, seed, bits.
    swaps : DataFrame, optional
        learner, representation, target, added, p of the swap test.
    planted_snr : float
        Variance of the target over that of the noise added to it; NaN if not known.
    by : sequence of str
        Further columns to group by, of learner, representation, target.

    Returns
    -------
    DataFrame
        One row for each control (and group), in the order of `CONTROLS`, then `ATOMS`:

        - control, n: cells with a defined gain;
        - n_seeds: most seeds of a cell;
        - mae_change: mean relative change of the error (a fraction);
        - bits: mean over cells and seeds with a value; expected_bits: known bits (planted: `planted_bits`,
          an upper reference);
        - one column a criterion: share of cells that it marks; swap: share with p < 0.05 among n_swap
          tested cells (NaN if none);
        - expected_share: share that ``paired_minmax`` would mark by chance for independent seeds (NaN for
          planted, whose expected share is 1 where the noise is small);
        - reading: the row in a sentence.
    """
    keys = list(by)
    columns = [
        "control", *keys, "n", "n_seeds", "mae_change", "bits", "expected_bits", *CRITERIA, *CHANGES,
        "swap", "n_swap", "expected_share", "reading",
    ]  # fmt: skip
    controls = (*CONTROLS, ATOMS)
    found = gains.loc[gains["added"].isin(controls), keys].drop_duplicates()
    named = [dict(zip(keys, values, strict=True)) for values in found.itertuples(index=False)]
    groups = named if keys else [{}]
    records: list[dict[str, Any]] = []
    for control in controls:
        for group in groups:
            cells = _of(gains, control, group)
            if len(cells):
                record = _record(control, cells, _of(bits, control, group), planted_snr)
                tested = None if swaps is None else _of(swaps, control, group)["p"].dropna()
                record["n_swap"] = 0 if tested is None else len(tested)
                record["swap"] = (
                    float((tested < _LEVEL).mean()) if tested is not None and len(tested) else math.nan
                )
                records.append({**record, **group, "reading": _reading(record)})
    return pd.DataFrame(records, columns=columns)


def _of(table: pd.DataFrame, control: str, group: Mapping[Any, object]) -> pd.DataFrame:
    chosen = table["added"] == control
    for key, value in group.items():
        chosen &= table[key] == value
    return table[chosen]


def _record(control: str, cells: pd.DataFrame, bits: pd.DataFrame, planted_snr: float) -> dict[str, Any]:
    defined = cells[cells["reason"] == ""]
    n, seeds = len(defined), int(defined["n_seeds"].max()) if len(defined) else 0
    planted = control == PREFIX + "planted"
    known = math.nan if math.isnan(planted_snr) else planted_bits(planted_snr)
    shares = {name: float(defined[name].mean()) if n else math.nan for name in (*CRITERIA, *CHANGES)}
    return {
        "control": control,
        "n": n,
        "n_seeds": seeds,
        "mae_change": float(defined["mean"].mean()) if n else math.nan,
        "bits": float(bits["bits"].mean()),
        "expected_bits": known if planted else 0.0,
        **shares,
        "expected_share": math.nan if planted or seeds < 2 else chance_all_below(seeds),
    }


def _reading(record: Mapping[str, Any]) -> str:
    """The row in a sentence, its verdict by the swap test where there is one, else by the criterion."""
    name = str(record["control"]).removeprefix(PREFIX)
    n, seeds, tested, bits = record["n"], record["n_seeds"], record["n_swap"], record["bits"]
    if not n:
        return f"No {name} cell has a defined gain."
    text = f"{name}: {record['mae_change']:+.1%} of error"
    if not math.isnan(bits):
        text += f" and {bits:+.3f} bits"
    text += " on average"
    if not math.isnan(record["expected_bits"]) and name == "planted":
        text += f" (at most about {record['expected_bits']:.2f} bits are there)"
    if seeds > 1:
        text += f"; the error falls in every seed in {record['paired_minmax']:.0%} of {n} cells"
    if seeds > 1 and name != "planted":
        text += f" (chance: {chance_all_below(seeds):.0%} to {chance_all_below(seeds, _CORRELATION):.0%})"
    if tested:
        text += f"; the swap test marks {record['swap']:.0%} of {tested}"
    if seeds < 2 and not tested:
        return f"{text}; one seed marks nothing."
    return f"{text}. {_verdict(name, record)}"


def _verdict(name: str, record: Mapping[str, Any]) -> str:
    if record["n_swap"]:
        share, allowed, trials = record["swap"], _LEVEL, record["n_swap"]
    else:
        share, allowed = record["paired_minmax"], chance_all_below(record["n_seeds"], _CORRELATION)
        trials = record["n"]
    if name == "planted":
        return "Signals of this size are found." if share >= _POWER else "Signals of this size are missed."
    # Two standard errors above what chance allows.
    if share <= allowed + 2 * math.sqrt(allowed * (1 - allowed) / trials):
        return "As expected of no information."
    if name == "derived":
        return "Marks of what the representation already holds: gains may be convenience."
    return "More than chance: other marks are inflated too."
