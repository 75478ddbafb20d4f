"""How a study was made, in paragraphs ready for a methods section, and what to cite."""

from __future__ import annotations

from typing import Any

from mattomo.information import CRITERIA
from mattomo.report.numbers import count, listed, plural, printable, share


def _split_in_words(config: dict[str, Any]) -> str:
    split = str(config.get("split", "random"))
    if split == "formula":
        return "at random with all materials of a formula together"
    if split.startswith("column:"):
        return f"by the column {printable(split.removeprefix('column:'))} of the table"
    return "at random"


def _learners_in_words(summary: dict[str, Any]) -> list[str]:
    """One sentence a learner with what determines its training."""
    config = summary["config"]
    said = []
    if "cgcnn" in summary["learners"] and "epochs" in config:
        falls = ", ".join(str(m) for m in config["milestones"] if m < config["epochs"])
        said.append(
            "cgcnn: a crystal graph convolutional network (Xie & Grossman 2018) of three convolutions; the "
            "composition is a complete graph over the atoms of the "
            f"{'reduced formula' if config['basis'] == 'reduced' else 'cell'}, the structure a graph of the "
            f"{config['neighbours']} nearest neighbours within {config['radius']:g} Å; the added property "
            "enters beside the pooled crystal vector, standardised or one-hot by the training rows. "
            f"{config['epochs']} epochs of stochastic gradient descent on the squared error, batches of at "
            f"most {config['batch_size']}, learning rate {config['learning_rate']:g}"
            + (f" times {config['decay']:g} after epoch {falls}" if falls else "")
            + f", momentum {config['momentum']:g}."
        )
    if "trees" in summary["learners"]:
        said.append(
            "trees: gradient-boosted trees (LightGBM, squared error, early stopping on the validation rows) "
            "on amount-weighted statistics of element properties and, for the structure, invariant geometry; "
            "added categories are native."
        )
    return said


def methods(summary: dict[str, Any]) -> list[str]:
    """Paragraphs for a methods section."""
    splits = summary["splits"]
    paragraphs = []
    if splits:
        sizes = splits[0]
        total = sum(sizes[name] or 0 for name in ("n_train", "n_val", "n_test")) or 1
        parts = [
            f"{count(sizes[key])} {name} ({share((sizes[key] or 0) / total, 0)})"
            for key, name in (("n_train", "training"), ("n_val", "validation"), ("n_test", "test"))
        ]
        paragraphs.append(
            f"For each of {plural(len(summary['seeds']), 'seed')} the materials were split "
            f"{_split_in_words(summary['config'])}, for example into {listed(parts)} rows. "
            "For each target a baseline model was trained on "
            f"{listed(summary['representations'])} alone ({listed(summary['learners']) or 'no learner'}), "
            "and one further model for each added property. All models of a seed share the split, "
            "and the epoch of lowest validation error was kept. In all, "
            f"{plural(summary['status']['models'], 'model')}."
        )
    paragraphs += _learners_in_words(summary)
    paragraphs.append(
        "The change of a cell is MAE1/MAE0 − 1 on the test rows, paired within a seed: MAE0 of the baseline, "
        "MAE1 of the augmented model. Shown are the mean and the distances to the largest and the smallest "
        "change over the seeds. A cell is marked if "
        f"{CRITERIA['paired_minmax']}; the stricter rule “separated” asks that "
        f"{CRITERIA['separated']}. The diagonal, where the target itself is added, is a positive control and "
        "counts nowhere."
    )
    paragraphs.append(
        "What is measured is usable gain, for these learners and this amount of data. A complete structure "
        "determines every computed property, so a gain on structure says that a learner could not extract "
        "it from so many examples, not that the structure lacks it. “No usable gain detected” does not mean "
        "that a property carries no information. The strongest of several properties is picked, so expect "
        "its gain to shrink when measured again."
    )
    return paragraphs


def citations(summary: dict[str, Any]) -> list[str]:
    """What to cite."""
    cited = [
        "R. Ortega-Ochoa, A. Aspuru-Guzik, T. Vegge, T. Buonassisi, A tomographic interpretation of "
        "structure-property relations for materials discovery, arXiv:2501.18163 (2025).",
        "T. Xie, J. C. Grossman, Crystal graph convolutional neural networks for an accurate and "
        "interpretable prediction of material properties, Phys. Rev. Lett. 120, 145301 (2018).",
    ]
    if "mp1000" in str(summary["data"].get("source", "")):
        cited.append(
            "Data: the Materials Project (A. Jain et al., APL Materials 1, 011002, 2013), used under "
            "CC BY 4.0."
        )
    return cited
