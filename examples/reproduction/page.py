"""Write docs/reproduction.md, its tables and figures, from the folders of finished studies.

    python page.py --trees trees --cgcnn cgcnn --formula trees-formula --cell cgcnn-cell --to ../../docs
    python page.py --oxides nomad2018 --to ../../docs       # docs/oxides.md

Every number of the page comes from the folders given; a study that is not given is named as missing. Run it
again after a rerun. Studies and their commands are in the study files beside this script.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import tables
import verdicts
from cost import cost, seconds_of_a_step
from short import in_short
from tables import PAPER, REPRESENTATIONS, harmed, marked, overlap, published

import mattomo as mt
from mattomo.report.numbers import count, percent, share

LEARNERS = {"trees": "Gradient-boosted trees", "cgcnn": "CGCNN"}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--trees", help="folder of trees.toml")
    parser.add_argument("--cgcnn", help="folder of cgcnn.toml")
    parser.add_argument("--formula", help="folder of trees-formula.toml")
    parser.add_argument("--cell", help="folder of cgcnn-cell.toml")
    parser.add_argument("--oxides", help="folder of nomad2018.toml: a page of its own")
    parser.add_argument(
        "--baseline",
        type=seconds_of_a_step,
        metavar="COMPOSITION,STRUCTURE",
        help="seconds of a model's step of 256 crystals by benchmarks/engine.py, the plain one",
    )
    parser.add_argument("--to", required=True, type=Path, help="folder of the documentation")
    asked = parser.parse_args(arguments)
    given = {"trees": asked.trees, "cgcnn": asked.cgcnn, "formula": asked.formula, "cell": asked.cell}
    studies = {name: mt.Results(folder) for name, folder in given.items() if folder}
    main_studies: dict[str, mt.Results] = {
        name: studies[name] for name in ("trees", "cgcnn") if name in studies
    }
    if not main_studies and not asked.oxides:
        parser.error("give --trees, --cgcnn or --oxides")
    kept = asked.to / "reproduction"
    kept.mkdir(parents=True, exist_ok=True)
    if asked.oxides:
        results = mt.Results(asked.oxides)
        save(results, kept, "trees", "oxides")
        (asked.to / "oxides.md").write_text(oxides(results))
        print(f"wrote {asked.to / 'oxides.md'}")
    if not main_studies:
        return
    for name, results in main_studies.items():
        save(results, kept, name)
    sections: list[Callable[[], str]] = [
        lambda: differences(main_studies),
        lambda: in_short(labelled(main_studies), studies.get("formula") if asked.trees else None),
        lambda: cost(labelled(main_studies), asked.baseline),
        lambda: baseline_errors(main_studies),
        lambda: heatmaps(main_studies),
        lambda: table1(main_studies),
        lambda: frequencies(main_studies),
        lambda: quoted(main_studies),
        lambda: one_to_one(main_studies),
        lambda: asymmetry(main_studies),
        lambda: better_statistics(main_studies),
        lambda: formula_split(studies),
        lambda: cell_graph(studies),
    ]
    text = "\n\n".join(section().strip() for section in sections) + "\n"
    (asked.to / "reproduction.md").write_text(text)
    print(f"wrote {asked.to / 'reproduction.md'} ({len(text.splitlines())} lines)")


def labelled(studies: dict[str, mt.Results]) -> dict[str, mt.Results]:
    """The same, by the name of the learner as the page has it."""
    return {LEARNERS[name]: results for name, results in studies.items()}


def save(results: mt.Results, folder: Path, name: str, prefix: str = "") -> None:
    """Small result tables and the two heatmaps, their names begun by ``prefix`` or the learner."""
    start = prefix or name
    for what, table in (
        ("gains", results.gains()),
        ("bits", results.bits()),
        ("controls", results.controls()),
    ):
        rounded = table.copy()
        floats = rounded.select_dtypes("float").columns
        rounded[floats] = rounded[floats].map(lambda v: float(f"{v:.5g}") if pd.notna(v) else v)
        rounded.to_csv(folder / f"{start}-{what}.csv", index=False)
    written = results.report(results.folder / "report")
    for representation in REPRESENTATIONS:
        figure = written.parent / "figures" / f"heatmap_{name}_{representation}.svg"
        if figure.exists():
            shutil.copyfile(figure, folder / f"heatmap_{start}_{representation}.svg")


def differences(studies: dict[str, mt.Results]) -> str:
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
                count(len(results.errors)),
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


def baseline_errors(studies: dict[str, mt.Results]) -> str:
    return "## Errors without any added property\n\nTest MAE, mean over the seeds.\n\n" + tables.baselines(
        labelled(studies)
    )


def heatmaps(studies: dict[str, mt.Results]) -> str:
    lines = [
        "## Figures 4 and 5",
        "Change of the test error by one added property (rows) for a target (columns), percent: mean, and "
        "the distances to the largest and smallest of the seeds.",
    ]
    for name in studies:
        for number, representation in (("4", "structure"), ("5", "composition")):
            title = f"Figure {number}, {LEARNERS[name]}, {representation}"
            lines.append(f"![{title}](reproduction/heatmap_{name}_{representation}.svg)")
    for name, results in studies.items():
        red, raised, _ = harmed(results)
        lines.append(
            f"The paper says that no rise of the error is significant. {LEARNERS[name]}: the mean rises in "
            f"{red} cells, in {raised} of them in every seed. A useless column costs a learner something; "
            "the controls below say how much."
        )
        more, cells, composition, structure, diagonal = tables.helped_more(results)
        lines.append(
            f"The paper says that properties help the composition more than the structure. "
            f"{LEARNERS[name]}: they do in {more} of {cells} cells off the diagonal; on average the error "
            f"changes by {percent(composition)} % on composition and {percent(structure)} % on structure. On "
            f"the diagonal, where the target itself is added, it changes by {percent(diagonal)} %."
        )
    return "\n\n".join(lines)


def table1(studies: dict[str, mt.Results]) -> str:
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


def frequencies(studies: dict[str, mt.Results]) -> str:
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


def quoted(studies: dict[str, mt.Results]) -> str:
    return "## The three quoted cells\n\nPercent; in brackets the extremes of the seeds.\n\n" + tables.quoted(
        labelled(studies)
    )


def one_to_one(studies: dict[str, mt.Results]) -> str:
    lines = ["## One formula, one material"]
    for name, results in studies.items():
        data = results.outcome.data
        lines.append(
            f"{LEARNERS[name]}: {share(data['one_to_one_share'], 2)} of {count(data['n_rows'])} readable "
            f"materials have a formula of their own (paper: {share(PAPER['one_to_one_share'], 2)} of "
            f"{count(PAPER['materials'])})."
        )
    return "\n\n".join(lines)


def asymmetry(studies: dict[str, mt.Results]) -> str:
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


def better_statistics(studies: dict[str, mt.Results]) -> str:
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
    found = next(iter(studies.values())).relations()
    if found:
        lines.append("Columns that are functions of others:")
        lines.append("\n".join(f"- {each['sentence']}" for each in found))
    return "\n\n".join(lines)


def formula_split(studies: dict[str, mt.Results]) -> str:
    head = "## Random against formula-grouped splits"
    if "formula" not in studies or "trees" not in studies:
        return f"{head}\n\nNot run here."
    lines = [
        head,
        "With random splits polymorphs of a test material may be in the training rows. Trees, the same grid, "
        f"the same {len(studies['formula'].outcome.config['seeds'])} seeds:",
        tables.splits(studies["trees"], studies["formula"]),
    ]
    return "\n\n".join(lines)


def cell_graph(studies: dict[str, mt.Results]) -> str:
    head = "## Composition of the reduced formula against all sites of the cell"
    if "cell" not in studies or "cgcnn" not in studies:
        return f"{head}\n\nNot run here."
    errors, changes = tables.cell_graphs(studies["cgcnn"], studies["cell"])
    lines = [
        head,
        "The paper's composition graph joins all sites of the cell, and so tells how many there are. "
        "Baseline errors of the network, the same seeds:",
        errors,
    ]
    if changes:
        lines += [
            "What that does to the properties that tell the size of the cell, for targets that grow with it: "
            "change of the error, percent.",
            changes,
        ]
    return "\n\n".join(lines)


def oxides(results: mt.Results) -> str:
    """The page of the second domain."""
    data, config = results.outcome.data, results.outcome.config
    lines = [
        "# A second domain: transparent conductors",
        "Written by `python page.py --oxides nomad2018 --to ../../docs` in `examples/reproduction/`, after "
        "`mattomo run nomad2018.toml --out nomad2018`.",
        f"{count(data['n_used'])} oxides (Al, Ga, In)2O3 of the NOMAD 2018 challenge, trees, "
        f"{len(config['seeds'])} random splits, {count(len(results.errors))} models. Their compositions "
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
    found = [
        f"- {warning['title']}: {item['column'] + ': ' if item['column'] else ''}{item['text']}"
        for warning in (results.summary()["check"] or {}).get("warnings", [])
        for item in warning["items"]
    ]
    if found:
        lines += ["## What the check of the table says", "\n".join(found)]
    return "\n\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
