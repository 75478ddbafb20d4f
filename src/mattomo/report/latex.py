"""Table 1 and the strongest cells as LaTeX tabulars that need no package."""

from __future__ import annotations

from typing import Any

from mattomo.report.information import SWAP_LEVEL, ranked
from mattomo.report.numbers import MINUS, bits, listed, percent, printable, probability
from mattomo.report.summarize import Summary

_SPECIAL = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{",
    "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}", '"': "''",
}  # fmt: skip


def escaped(text: Any) -> str:
    """Text that LaTeX sets as it stands.

    >>> escaped("a_b & 5 %")
    'a\\\\_b \\\\& 5 \\\\%'
    """
    return "".join(_SPECIAL.get(c, c) for c in str(text))


def table1_latex(summary: Summary, criterion: str) -> str:
    """The paper's Table 1 under one rule as a LaTeX tabular.

    Parameters
    ----------
    summary : dict
        From `summarize`.
    criterion : str
        A key of ``summary["criteria"]``.
    """
    labels = {name: escaped(info["label"]) for name, info in summary["properties"].items()}
    lines = [
        f"% Rule: {' '.join(summary['criteria'][criterion].split())}",
        r"\begin{tabular}{llp{0.2\linewidth}p{0.25\linewidth}p{0.25\linewidth}}",
        r"\hline",
        r"Learner & Target & Structure & Composition & In structure but not composition \\",
        r"\hline",
    ]
    for row in summary["table1"][criterion]["rows"]:
        lists = [
            ", ".join(labels[name] for name in row[key]) or "--"
            for key in ("structure", "composition", "structure_only")
        ]
        lines.append(" & ".join([escaped(row["learner"]), labels[row["target"]], *lists]) + r" \\")
    return "\n".join([*lines, r"\hline", r"\end{tabular}", ""])


def cells_latex(summary: Summary, most: int = 20) -> str:
    """The strongest cells, by usable bits, as a LaTeX tabular; of an analysed study.

    Parameters
    ----------
    summary : dict
        From `summarize`, with an analysis.
    most : int
        Rows at most.
    """
    labels = {name: escaped(info["label"]) for name, info in summary["properties"].items()}
    lines = [
        f"% Usable bits with {printable(listed(summary['learners']))}; swap test, q below {SWAP_LEVEL:g}",
        r"\begin{tabular}{lllrrrr}",
        r"\hline",
        r"Target & Added & To & Bits & 95\,\% interval & Error / \% & $q$ \\",
        r"\hline",
    ]
    for cell in ranked(summary["cells"])[:most]:
        found = cell["information"]
        numbers = [
            bits(found["bits"]),
            f"{bits(found['bits_low'])} to {bits(found['bits_high'])}",
            percent(cell["mean"]),
            probability(found["swap_q"]),
        ]
        set_numbers = [text.replace(MINUS, "$-$").replace("< ", "$<$ ") for text in numbers]
        first = [labels[cell["target"]], labels[cell["added"]], escaped(cell["representation"])]
        lines.append(" & ".join([*first, *set_numbers]) + r" \\")
    return "\n".join([*lines, r"\hline", r"\end{tabular}", ""])
