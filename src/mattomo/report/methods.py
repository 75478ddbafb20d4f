"""How a study was made, in paragraphs ready for a methods section, and what to cite."""

from __future__ import annotations

from typing import Any

from mattomo.information import CRITERIA
from mattomo.report import sentences
from mattomo.report.information import SWAP_LEVEL, control_name
from mattomo.report.numbers import count, listed, plural, printable, share

_OF_THE_ANALYSIS = [
    "E. Candès, Y. Fan, L. Janson, J. Lv, Panning for gold: ‘model-X’ knockoffs for high dimensional "
    "controlled variable selection, J. R. Stat. Soc. B 80, 551 (2018).",
    "W. Tansey, V. Veitch, H. Zhang, R. Rabadan, D. M. Blei, The holdout randomization test for feature "
    "selection in black box models, J. Comput. Graph. Stat. 31, 151 (2022).",
    "R. D. Shah, J. Peters, The hardness of conditional independence testing and the generalised covariance "
    "measure, Ann. Stat. 48, 1514 (2020).",
    "Y. Xu, S. Zhao, J. Song, R. Stewart, S. Ermon, A theory of usable information under computational "
    "constraints, ICLR (2020).",
    "C. Nadeau, Y. Bengio, Inference for the generalization error, Mach. Learn. 52, 239 (2003).",
    "Y. Benjamini, Y. Hochberg, Controlling the false discovery rate, J. R. Stat. Soc. B 57, 289 (1995).",
    "P. L. Williams, R. D. Beer, Nonnegative decomposition of multivariate information, arXiv:1004.2515 "
    "(2010).",
    "N. Bertschinger, J. Rauh, E. Olbrich, J. Jost, N. Ay, Quantifying unique information, Entropy 16, 2161 "
    "(2014).",
]


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


def _analysis_in_words(summary: dict[str, Any]) -> list[str]:
    """How bits, tests, decompositions and controls were computed."""
    paragraphs = [
        "Usable bits (Xu et al. 2020) are the mean over the test rows of log2 q1 − log2 q0, where q0 "
        "and q1 are densities of the target given the prediction of the baseline and of the augmented model, "
        "both fitted on the validation rows. Given are the mean over the seeds and its 95 % "
        "interval, widened for the overlap of the splits (Nadeau & Bengio 2003).",
        "Significance is that of the conditional swap test (Candès et al. 2018, Tansey et al. 2022): on the "
        "test rows the added property is replaced by draws from what the representation says of it, without "
        "retraining. How far the prediction moves with the property, in the direction in which the baseline "
        "errs, is tested by a one-sided t clustered by formula (compare Shah & Peters 2020). "
        "q values (Benjamini & Hochberg 1995) are over all cells but controls and the diagonal; "
        f"a cell counts as found if q < {SWAP_LEVEL:g} and the error falls on average.",
        "The decomposition into redundant, unique and synergistic information (Williams & Beer 2010) takes "
        "target, predictions and added property in bins of equal mass; the redundancy lies between that of "
        "Bertschinger et al. (2014), which is the reported point, and the smaller of the two informations.",
    ]
    if summary["analysis"]["controls"]:
        names = [control_name(row["control"]) for row in summary["analysis"]["controls"]]
        paragraphs.append(
            f"Controls ({listed(list(dict.fromkeys(names)))}) were added to every target like "
            "the properties. "
            "A placebo is a shuffled property, a derived column is computed from the representation, and a "
            "planted column is the target with noise, of at most "
            f"{summary['analysis']['planted_bits']:g} bits."
        )
    marked = [c for c in summary["cells"] if c["information"] and c["information"]["deterministic"]]
    if marked:
        paragraphs.append(
            "Pairs settled by a relation between the columns were found beforehand; they are marked as "
            "deterministic and not ranked."
        )
    return paragraphs


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
            f"{listed(sentences.models(summary))}."
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
    if summary["analysed"]:
        paragraphs += _analysis_in_words(summary)
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
    if summary["analysed"]:
        cited += _OF_THE_ANALYSIS
    if "mp1000" in str(summary["data"].get("source", "")):
        cited.append(
            "Data: the Materials Project (A. Jain et al., APL Materials 1, 011002, 2013), used under "
            "CC BY 4.0."
        )
    return cited
