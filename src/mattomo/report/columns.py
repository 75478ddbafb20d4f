"""Columns and units of the tables of a report, for the README beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_COMMON = {
    "learner": "who predicted",
    "representation": "what the baseline knew: composition, structure, or the name of a table",
    "target": "the property that was predicted",
    "added": "the property that was added; control:... is a control",
    "control": "whether a control was added (in controls: which)",
    "diagonal": "whether the target itself was added, a positive control",
    "seed": "number of the split and of the initial weights",
    "n_seeds": "seeds with both models",
    "n_materials": "different materials tested",
    "unit": "unit of the target, and of all errors in the row",
    "mae0": "mean absolute test error of the baseline (unit)",
    "mae1": "the same with the property added (unit)",
    "reason": "why the numbers are undefined, else empty",
    "low": "lower end of the 95 % interval",
    "high": "upper end of the 95 % interval",
    "paired_minmax": "the error falls in every seed",
    "separated": "the worst augmented model beats the best baseline",
    "paired_minmax_two_sided": "the error falls in every seed, or rises in every seed",
}

TABLES: dict[str, tuple[str, dict[str, str]]] = {
    "gains": (
        "One row a cell: relative change of the test error, a fraction (-0.05: it fell by 5 %).",
        {
            "mae0_mean": "mean of mae0 over the seeds (unit)",
            "mae1_mean": "mean of mae1 over the seeds (unit)",
            "mean": "mean change MAE1/MAE0 - 1 over the seeds (fraction)",
            "min": "smallest change (fraction)",
            "max": "largest change (fraction)",
        },
    ),
    "errors": ("One row a cell and seed.", {"change": "mae1/mae0 - 1 (fraction)"}),
    "table1": (
        "What lowers the error of each target, by rule.",
        {
            "criterion": "the rule: paired_minmax, separated, or swap (swap test, q < 0.05)",
            "structure": "properties that help the structure",
            "composition": "properties that help the composition",
            "structure_only": "properties that help composition but show no usable gain on structure",
        },
    ),
    "agreement": (
        "Cells that several learners measured.",
        {
            "criterion": "the rule",
            "marked": "learners that mark the cell",
            "unmarked": "learners that do not",
            "low": "smallest mean change of the error (fraction)",
            "high": "largest mean change of the error (fraction)",
            "robust": "all learners mark it",
            "disagree": "only some do",
        },
    ),
    "mae": (
        "Test error of the baselines.",
        {
            "mean": "mean over the seeds (unit)",
            "min": "smallest (unit)",
            "max": "largest (unit)",
            "n_test_min": "fewest test rows of a seed",
            "n_test_max": "most test rows of a seed",
        },
    ),
    "bits": (
        "One row a cell or control: usable bits and the conditional swap test.",
        {
            "laplace_bits": "mean of log2(mae0 / mae1) over the seeds (bits)",
            "bits": "mean gain of the log density of the test rows, over the seeds (bits)",
            "bits_low": "lower end of the 95 % interval over the seeds, widened for their overlap (bits)",
            "bits_high": "upper end (bits)",
            "bits_se": "standard error over materials, clustered by formula (bits)",
            "cap": "what an added category holds at most beyond the representation (bits)",
            "overstated": "bits exceed the cap",
            "swap_rise": "mean rise of the absolute error when the property is replaced by placebos "
            "drawn from the representation (unit)",
            "swap_p": "one-sided p of the swap test (movement towards the truth), clustered by formula",
            "swap_q": "Benjamini-Hochberg q over all cells that are neither controls nor diagonal",
            "deterministic": "algebra: the target is a function of the property and of what the "
            "representation holds; held: the representation alone determines it; derived: the composition "
            "determines the property; else empty",
            "swap_reason": "why there is no swap test, else empty",
        },
    ),
    "decomposition": (
        "One row a cell: what representation (R) and added property (A) tell, in usable bits.",
        {},
    ),
    "nested": ("One row a target: R is the composition, A the structure, in usable bits.", {}),
    "controls": (
        "Columns of known worth.",
        {
            "n": "cells with a defined gain",
            "mae_change": "mean change of the error (fraction)",
            "bits": "mean over cells and seeds (bits)",
            "expected_bits": "known bits; of a planted column at most",
            "paired_minmax": "share of cells where the error falls in every seed",
            "separated": "share of cells where the worst augmented model beats the best baseline",
            "paired_minmax_two_sided": "share of cells where the error falls, or rises, in every seed",
            "swap": "share of tested cells with p < 0.05",
            "n_swap": "cells with a swap test",
            "expected_share": "share that paired_minmax marks by chance, for independent seeds",
            "reading": "the row in a sentence",
        },
    ),
    "symmetry": (
        "One row a pair of targets: information is symmetric, gains need not be.",
        {
            "first": "a target",
            "second": "another",
            "second_for_first": "bits of the second, added, about the first",
            "first_for_second": "the reverse (bits)",
            "mean": "second_for_first - first_for_second (bits)",
            "asymmetric": "the interval of the difference excludes zero",
        },
    ),
    "floor": (
        "One row a target: the least error of any model of the composition, from polymorphs.",
        {
            "name": "the target",
            "table": "least mean absolute error on these rows (unit)",
            "floor": "the same for further materials (unit)",
            "pairs": "from pairs of polymorphs (unit)",
            "within": "floor of the rows that share a formula (unit)",
            "spread": "mean absolute error of knowing nothing (unit)",
            "n": "rows",
            "n_formulas": "formulas",
            "n_repeated": "formulas with several rows",
            "n_repeated_rows": "rows of those",
            "enough": "enough repeated formulas to say",
            "sentence": "the row in a sentence",
        },
    ),
    "where": (
        "One row a cell and group of at least five tested materials; a material that several seeds tested "
        "counts once.",
        {
            "kind": "elements, crystal_systems, or polymorphs (materials of the same formula in the study)",
            "name": "the element, the crystal system, or how many polymorphs",
            "n": "tested materials in the group",
            "mae0": "their mean absolute error with the baseline (unit)",
            "change": "how it changes with the property added: below zero, the property helps (unit)",
            "se": "standard error of the change over the materials (unit)",
            "clear": "the change is more than twice its standard error from zero; by chance 1 in 20 is",
        },
    ),
    "materials": (
        "Materials that each added property helps and hurts most.",
        {
            "end": "helped or hurt",
            "id": "the material",
            "formula": "its reduced formula",
            "mae0": "absolute error of the baseline, mean over the seeds that tested it (unit)",
            "mae1": "the same with the property added (unit)",
            "change": "mae1 - mae0 (unit)",
            "n_seeds": "seeds that tested it",
        },
    ),
    "learning": (
        "One row a cell: how the gain changes with the number of training rows.",
        {
            "smallest": "fewest training rows",
            "largest": "most training rows",
            "bits_smallest": "bits at the fewest rows",
            "bits_largest": "bits at the most rows",
            "low_largest": "lower end of its 95 % interval (bits)",
            "high_largest": "upper end (bits)",
            "slope": "bits per doubling of the training rows",
            "slope_low": "lower end of its 95 % interval",
            "slope_high": "upper end",
            "word": "convenience, information or undecided",
            "sentence": "the row in a sentence",
        },
    ),
}
"""By table: what a row is, and its columns beside the common ones."""

_PARTS = {
    "I_R": "information of R about the target (bits)",
    "I_A": "information of A about the target (bits)",
    "I_RA": "information of both (bits)",
    "gain": "I_RA - I_R, what A adds to R (bits)",
    "redundant": "told by either (bits; the reported point)",
    "unique_R": "told by R alone (bits; the reported point)",
    "unique_A": "told by A alone (bits; the reported point)",
    "synergy": "told only by both together (bits; the reported point)",
}
_REST = {
    "rows": "test rows of all seeds",
    "clusters": "different formulas",
    "pooled": "share of rows whose class of A was pooled",
    "slope": "change of the target with the prediction of R",
    "undertrained": "why the baseline looks undertrained, else empty",
}
_ENDS = {
    "low": "lower end of the 95 % interval",
    "high": "upper end of the 95 % interval",
    "min": "least value that the data allow",
    "max": "greatest value that the data allow",
}


def meaning(table: str, column: str) -> str:
    """What a column of a table holds.

    Raises
    ------
    KeyError
        Nobody wrote it down.
    """
    own = TABLES[table][1]
    if table in ("decomposition", "nested"):
        part, _, end = column.rpartition("_")
        own = _PARTS | _REST
        if column not in own and column.startswith("raw_"):
            return "before corrections and cuts at zero (bits)"
        if column not in own and part in _PARTS:
            return f"{part}: {_ENDS[end]} (bits)"
    return own[column] if column in own else _COMMON[column]


def readme(tables: Mapping[str, Sequence[str]]) -> str:
    """The README of a folder of tables.

    Parameters
    ----------
    tables : mapping of str to sequence of str
        Columns by table.
    """
    parts = [
        "# Tables of the report",
        "",
        "Bits are usable bits: what this learner, with so many training rows, gains from a property. "
        "They are no mutual information. `summary.json` holds everything the page shows.",
    ]
    for name, names in tables.items():
        parts += ["", f"## {name}.csv", "", TABLES[name][0], "", "| Column | Meaning |", "|---|---|"]
        parts += [f"| `{column}` | {meaning(name, column)} |" for column in names]
    return "\n".join(parts) + "\n"
