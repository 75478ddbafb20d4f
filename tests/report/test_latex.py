"""Tables for papers."""

import re
from dataclasses import replace

from mattomo.report import summarize
from mattomo.report.information import ranked
from mattomo.report.latex import cells_latex, escaped, table1_latex


def test_names_cannot_break_out(outcome):
    info = replace(outcome.properties[0], label="100 % of $x_1$ \\input{evil} & more")
    text = table1_latex(
        summarize(replace(outcome, properties=(info, *outcome.properties[1:]))), "paired_minmax"
    )
    assert "\\input" not in text
    assert r"100 \% of \$x\_1\$ \textbackslash{}input\{evil\} \& more" in text
    rows = [line for line in text.splitlines() if line.endswith(r" \\")]
    assert {len(re.findall(r"(?<!\\)&", row)) for row in rows} == {4}
    assert len(rows) == 1 + 9


def test_every_ascii_sign_is_safe():
    shown = escaped("".join(map(chr, range(33, 127))))
    bare = re.sub(r"\\(text\w+\{\}|[&%$#_{}])", "", shown)
    assert not set(bare) & set('\\&%$#_{}~^<>|"')


def test_cells_in_the_order_of_their_bits(outcome, make_study):
    made, analysis, *_ = make_study(outcome)
    summary = summarize(made, analysis)
    lines = [line for line in cells_latex(summary).splitlines() if line.endswith(r"\\")][1:]
    assert len(lines) == len(ranked(summary["cells"])) > 0
    values = [float(line.split("&")[3].replace("$-$", "-")) for line in lines]
    assert values == sorted(values, reverse=True)
