"""Write docs/reproduction.md, its tables and figures, from the folders of finished studies.

    python page.py --trees trees --cgcnn cgcnn --formula trees-formula --cell cgcnn-cell --to ../../docs
    python page.py --oxides nomad2018 --to ../../docs       # docs/oxides.md
    python page.py --to ../../docs                          # both again, from what was kept of the studies

Every number of a page comes from tables that are computed from the folders given and kept beside it, in
``reproduction``; of a study that is not given the kept ones are used, and a study never given is named as
missing. Run it again after a rerun. Studies and their commands are in the study files beside this script.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pandas as pd
import tables
import verdicts
from cost import cost, seconds_of_a_step
from keeping import beside, keep, sizes_beside, write
from kept import Kept, kept, read
from short import in_short
from tables import PAPER, REPRESENTATIONS, harmed, marked, overlap, published

import mattomo as mt
from mattomo.atomic import write_text
from mattomo.report.numbers import count, percent, share

LEARNERS = {"trees": "Gradient-boosted trees", "cgcnn": "CGCNN"}
#: Studies that a page shows for themselves, and those that are compared with one of them.
STUDIES = {"trees": "trees.toml", "cgcnn": "cgcnn.toml", "oxides": "nomad2018.toml: a page of its own"}
COMPARED = {"formula": ("trees", "trees-formula.toml"), "cell": ("cgcnn", "cgcnn-cell.toml")}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    for name, file in STUDIES.items():
        parser.add_argument(f"--{name}", metavar="FOLDER", help=f"folder of {file}")
    for name, (other, file) in COMPARED.items():
        parser.add_argument(f"--{name}", metavar="FOLDER", help=f"folder of {file}; needs --{other}")
    parser.add_argument(
        "--baseline",
        type=seconds_of_a_step,
        metavar="COMPOSITION,STRUCTURE",
        help="seconds of a model's step of 256 crystals by benchmarks/engine.py, the plain one",
    )
    parser.add_argument("--to", required=True, type=Path, help="folder of the documentation")
    asked = parser.parse_args(arguments)
    for name, (other, _) in COMPARED.items():
        if getattr(asked, name) and not getattr(asked, other):
            parser.error(f"--{name} is compared with --{other}: give both")
    folder = asked.to / "reproduction"
    folder.mkdir(parents=True, exist_ok=True)
    given = {name: mt.Results(at) for name in (*STUDIES, *COMPARED) if (at := getattr(asked, name))}
    for name in STUDIES.keys() & given.keys():
        keep(given[name], folder, name)
    for name in COMPARED.keys() & given.keys():
        both = given[COMPARED[name][0]], given[name]
        write(beside(*both), folder / f"{name}-beside.csv")
        if name == "cell":
            write(sizes_beside(*both), folder / "cell-sizes.csv")
    if asked.baseline:
        write_text(folder / "baseline.json", json.dumps(asked.baseline) + "\n")
    written = pages(folder)
    if not written:
        parser.error("give --trees, --cgcnn or --oxides")
    for name, text in written.items():
        write_text(asked.to / name, text)
        print(f"wrote {asked.to / name} ({len(text.splitlines())} lines)")


def pages(folder: Path) -> dict[str, str]:
    """The pages, by the name of their file, of what is kept in a folder."""
    found = {}
    if study := kept(folder, "oxides"):
        found["oxides.md"] = oxides(study)
    if learned := {name: study for name in LEARNERS if (study := kept(folder, name))}:
        found["reproduction.md"] = reproduction(learned, folder)
    return found


def reproduction(studies: dict[str, Kept], folder: Path) -> str:
    """The page of the paper's studies."""
    named = labelled(studies)
    baseline = folder / "baseline.json"
    formula, *cell = (
        read(file) if (file := folder / f"{name}.csv").exists() else None
        for name in ("formula-beside", "cell-beside", "cell-sizes")
    )
    of_cell = None if cell[0] is None else (cell[0], cell[1])
    sections = [
        differences(studies),
        in_short(named, formula, of_cell),
        cost(named, json.loads(baseline.read_text()) if baseline.exists() else None),
        baseline_errors(named),
        heatmaps(studies),
        table1(studies),
        frequencies(studies),
        quoted(named),
        one_to_one(studies),
        asymmetry(studies),
        better_statistics(studies),
        formula_split(formula),
        cell_graph(of_cell),
    ]
    return "\n\n".join(section.strip() for section in sections) + "\n"


def labelled(studies: dict[str, Kept]) -> dict[str, Kept]:
    """The same, by the name of the learner as the page has it."""
    return {LEARNERS[name]: results for name, results in studies.items()}


def differences(studies: dict[str, Kept]) -> str:
    lines = [
        "# The paper, reproduced",
        "Written by `examples/reproduction/page.py` from stored results; its study files and commands are in "
        "`examples/reproduction/`.",
        "## What differs from the paper",
        f"The paper trained {count(PAPER['trainings'])} models of {PAPER['epochs']} epochs on "
        f"{count(PAPER['materials'])} materials of a 2020 snapshot of the Materials Project, which is not "
        "public. Here are labels of 2018 and 2019 joined from public tables, and fewer materials:",
    ]
    rows = []
    for name, results in studies.items():
        config, data = results.outcome.config, results.outcome.data
        rows.append(
            [
                LEARNERS[name], count(data["n_used"]), str(config["epochs"]) if name == "cgcnn" else "–",
                str(len(config["seeds"])), f"{results.outcome.units_done} of {results.outcome.units_planned}",
                count(results.models),
            ]
        )  # fmt: skip
    lines.append(tables.markdown(["learner", "materials", "epochs", "seeds", "units done", "models"], rows))
    lines.append(
        "Magnetisation is per cell with an arbitrary sign; the composition graph has the atoms of the "
        "reduced formula (the paper's has all sites of the cell, see the last section); the trees "
        "read descriptors, not graphs. A mark here and none there can be a difference of learner, data, size "
        "or epochs; only where both learners agree against the paper is it worth an argument."
    )
    missing = [f"{label} (`{name}.toml`)" for name, label in LEARNERS.items() if name not in studies]
    if missing:
        lines.append(f"Not run here: {', '.join(missing)}.")
    return "\n\n".join(lines)


def baseline_errors(named: dict[str, Kept]) -> str:
    head = "## Errors without any added property\n\nTest MAE, mean over the seeds."
    return f"{head}\n\n{tables.baselines(named)}"


def heatmaps(studies: dict[str, Kept]) -> str:
    lines = [
        "## Figures 4 and 5",
        "Change of the test error by one added property (rows) for a target (columns), percent: mean, and "
        "the distances to the largest and smallest of the seeds.",
    ]
    for name in studies:
        for number, representation in (("4", "structure"), ("5", "composition")):
            title = f"Figure {number}, {LEARNERS[name]}, {representation}"
            lines.append(f"![{title}](reproduction/heatmap_{name}_{representation}.svg)")
    rises, helped = [], []
    for name, results in studies.items():
        red, raised, _ = harmed(results)
        rises.append(f"{LEARNERS[name]}: the mean rises in {red} cells, in {raised} of them in every seed.")
        more, cells, composition, structure, diagonal = tables.helped_more(results)
        helped.append(
            f"{LEARNERS[name]}: they do in {more} of {cells} cells off the diagonal; on average the error "
            f"changes by {percent(composition)} % on composition and {percent(structure)} % on structure. On "
            f"the diagonal, where the target itself is added, it changes by {percent(diagonal)} %."
        )
    lines += [
        f"The paper says that no rise of the error is significant. {' '.join(rises)} A useless column costs "
        "a learner something; the controls below say how much.",
        "The paper says that properties help the composition more than the structure. " + " ".join(helped),
    ]
    return "\n\n".join(lines)


def table1(studies: dict[str, Kept]) -> str:
    names = ", ".join(f"{k}: {name.replace('_', ' ')}" for name, k in tables.NUMBER.items())
    lines = [
        "## Table 1",
        f"Properties whose addition lowers the error in every seed. {names}. Overlap is Jaccard's: cells "
        "that both mark among those that either marks; chance is that of random cells of the same number.",
    ]
    for name, results in studies.items():
        lines += [f"### {LEARNERS[name]}", tables.table1(results)]
    if len(studies) == 2:
        a, b = (marked(results) for results in studies.values())
        shares = ", ".join(f"{overlap(a[name], b[name]):.2f} ({name})" for name in REPRESENTATIONS)
        lines.append(f"The two learners here overlap by {shares}.")
        theirs = published()
        rows = [
            [name, str(len(a[name] & b[name])), str(len(a[name] & b[name] & theirs[name])),
             str(len(theirs[name] - a[name] - b[name]))]
            for name in REPRESENTATIONS
        ]  # fmt: skip
        header = ["representation", "marked by both here", "and by the paper", "by the paper alone"]
        lines.append(tables.markdown(header, rows))
    return "\n\n".join(lines)


def frequencies(studies: dict[str, Kept]) -> str:
    lines = [
        "## What structure holds and composition does not",
        "What helps the composition but not the structure. The paper names, in order, "
        + ", ".join(name.replace("_", " ") for name in PAPER["most_frequent"])
        + ".",
    ]
    for name, results in studies.items():
        lines += [
            f"### {LEARNERS[name]}",
            "By target, the last column of Table 1:",
            tables.third_column(results),
            "By property, the number of targets:",
            tables.frequency(results),
        ]
    return "\n\n".join(lines)


def quoted(named: dict[str, Kept]) -> str:
    head = "## The three quoted cells\n\nPercent; in brackets the extremes of the seeds."
    return f"{head}\n\n{tables.quoted(named)}"


def one_to_one(studies: dict[str, Kept]) -> str:
    # A subset has fewer polymorphs than the table it was taken from.
    data = max((results.outcome.data for results in studies.values()), key=lambda data: data["n_rows"])
    return (
        "## One formula, one material\n\n"
        f"{share(data['one_to_one_share'], 2)} of {count(data['n_rows'])} readable materials have a formula "
        f"of their own (paper: {share(PAPER['one_to_one_share'], 2)} of {count(PAPER['materials'])})."
    )


def asymmetry(studies: dict[str, Kept]) -> str:
    lines = [
        "## Asymmetry",
        "The paper reads information off the asymmetry of its heatmaps. Information given the representation "
        "is symmetric; what remains of the asymmetry in bits (the residual) is the learner, the noise and "
        "the number of rows. The pairs whose changes of the error differ most:",
    ]
    for name, results in studies.items():
        for representation in REPRESENTATIONS:
            lines += [
                f"### {LEARNERS[name]}, {representation}",
                tables.asymmetry(results, representation),
            ]
    return "\n\n".join(lines)


def better_statistics(studies: dict[str, Kept]) -> str:
    lines = [
        "## What better statistics change",
        "*Every seed* is the paper's criterion as its caption has it, *separated* its stricter reading; the "
        "swap test asks whether the model reads something of the property itself, q is over all cells. "
        "*Deterministic*: the target is a function of the property and what the representation holds "
        "(algebra), or of the representation alone (held).",
    ]
    named = labelled(studies)
    lines += [
        "The cells of the paper's Table 1, and what is found of them here. *Both per cell*: target and "
        "property count per cell and so tell its size, which a composition does not hold.",
        verdicts.papers_cells(named),
    ]
    lines += [
        f"What these runs can decide. *At most {verdicts.NONE} bits*: the 95 % interval ends below that, "
        "which may be more than nothing. *Tells something*: it may be more, the swap test marks the cell, "
        "and the interval lies above zero. For the rest the runs are too small.",
        verdicts.decided(named),
        "Cells that all learners here decide alike and against the paper: it lists them, and none here finds "
        f"every seed better or more than {verdicts.NONE} bits; or it does not, and all here find that the "
        "property tells something. Change of the error, bits (95 %).",
        verdicts.disagreements(named),
        "The cells that each learner marks in every seed, by what stands behind them; the others are none of "
        "these.",
        verdicts.kinds(named),
    ]
    for name, results in studies.items():
        lines += [f"### {LEARNERS[name]}", tables.survivors(results), "Controls:", tables.controls(results)]
        for representation in REPRESENTATIONS:
            lines += [f"Strongest cells, {representation}:", tables.strongest(results, representation)]
    found = next(iter(studies.values())).relations
    if found:
        lines.append("Columns that are functions of others:")
        lines.append("\n".join(f"- {each}" for each in found))
    return "\n\n".join(lines)


def formula_split(found: pd.DataFrame | None) -> str:
    head = "## Random against formula-grouped splits"
    if found is None:
        return f"{head}\n\nNot run here."
    lines = [
        head,
        "With random splits polymorphs of a test material may be in the training rows. Trees, the same grid, "
        f"the same {found['n_seeds'].max()} seeds:",
        tables.splits(found),
    ]
    return "\n\n".join(lines)


def cell_graph(found: tuple[pd.DataFrame, pd.DataFrame] | None) -> str:
    head = "## Composition of the reduced formula against all sites of the cell"
    if found is None:
        return f"{head}\n\nNot run here."
    errors, changes = found
    lines = [
        head,
        "The paper's composition graph joins all sites of the cell, and so tells how many there are. "
        "Baseline errors of the network, the same seeds:",
        tables.cell_errors(errors),
    ]
    if len(changes):
        lines += [
            "What that does to the properties that tell the size of the cell, for targets that grow with it: "
            "change of the error, percent.",
            tables.cell_changes(changes),
        ]
    return "\n\n".join(lines)


def oxides(results: Kept) -> str:
    """The page of the second domain."""
    data, config = results.outcome.data, results.outcome.config
    lines = [
        "# A second domain: transparent conductors",
        "Written by `python page.py --oxides nomad2018 --to ../../docs` in `examples/reproduction/`, after "
        "`mattomo run nomad2018.toml --out nomad2018`.",
        f"{count(data['n_used'])} oxides (Al, Ga, In)2O3 of the NOMAD 2018 challenge, trees, "
        f"{len(config['seeds'])} random splits, {count(results.models)} models. Their compositions "
        "differ in two numbers, the shares of aluminium and gallium; what else there is lies in the lattice.",
        "## Errors without any added property",
        tables.baselines({"trees": results}),
        "## What each property adds",
    ]
    for representation in REPRESENTATIONS:
        title = f"Change of the error, {representation}, percent"
        lines.append(f"![{title}](reproduction/heatmap_oxides_{representation}.svg)")
    lines += ["## What the criteria mark", tables.survivors(results), "Controls:", tables.controls(results)]
    for representation in REPRESENTATIONS:
        lines += [f"Strongest cells, {representation}:", tables.strongest(results, representation)]
    if results.checked:
        lines += ["## What the check of the table says", "\n".join(f"- {each}" for each in results.checked)]
    return "\n\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
