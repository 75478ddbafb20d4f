"""A selection of properties in words and tables."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from mattomo.atomic import write_text
from mattomo.information.losses import Loss
from mattomo.information.selection import Plan, Selection
from mattomo.materials.registry import PropertyInfo
from mattomo.report.numbers import bits, listed, percent, plural, quantity
from mattomo.study.controls import PREFIX
from mattomo.study.problem import NOTHING

#: A kept property of which the base tells this share gains convenience rather than information.
DETERMINED = 0.9
#: A rise of the error that is told although no bits are lost.
_WORSE = 1.05
#: Swaps and purchases named in words.
_NAMED = 6
#: Fewest splits whose interval is quoted rather than the materials' standard error.
_SPLITS = 3


def announcement(plan: Plan, seeds: int, workers: int, duration: str) -> str:
    """What a selection will train, before it starts."""
    parts = [f"{plan.elimination:,} for the elimination ({plan.elimination // seeds} a split)"]
    parts += [f"{plan.stability:,} for each split by itself"] if plan.stability else []
    parts += [f"{plan.swaps:,} for swaps"] if plan.swaps else []
    parts += [f"{plan.purchases:,} for each property alone"] if plan.purchases else []
    return (
        f"at most {plan.models:,} models: {listed(parts)}; before them {plan.conditionals:,} fits of trees. "
        f"About {duration} on {plural(workers, 'worker')} (rough); stored ones are not trained again"
    )


def words(
    found: Selection, properties: Mapping[str, PropertyInfo], relations: Sequence[Mapping[str, Any]] = ()
) -> list[str]:
    """The answer in sentences, the shortest one first.

    Parameters
    ----------
    found : Selection
    properties : mapping of str to PropertyInfo
        Labels and units of the target and the properties.
    relations : sequence of mapping
        Of the study: an identity that gives the target away is named.
    """
    label = {name: info.label for name, info in properties.items()}
    unit = properties[found.target].unit
    sentences = [_answer(found, label), _measured(found, unit)]
    there = [label[name] for name in found.selected if found.costs.get(name, 1.0) == 0]
    if there:
        sentences.append(f"Known already, and not put to the test: {listed(there)}.")
    dropped = [label[name] for name in found.properties if name not in found.selected]
    if dropped:
        sentences.append(f"Not needed beside them: {listed(dropped)}.")
    sentences.append(_controls(found))
    if found.swaps:
        sentences.append(_swaps(found, label))
    easy = [name for name in found.selected if found.determined[name] >= DETERMINED]
    if easy:
        told = listed([f"{label[name]} ({found.determined[name]:.0%})" for name in easy])
        sentences.append(
            f"{found.base.capitalize()} tells most of {told} already: some of the gain may be convenience, "
            "because the learner is spared finding it, rather than information of its own."
        )
    for relation in relations:
        if relation["target"] == found.target and set(relation["sources"]) & set(found.properties):
            sentences.append(f"Beware of an identity: {relation['sentence']}.")
    if found.split_sets:
        sentences.append(_steadiness(found, label))
    if len(found.sets) > 1:
        best = found.sets[0]
        told = f"{bits(best.bits)} bits about {label[found.target]} for {bits(best.redundant_bits)}"
        sentences.append(
            f"Of the {len(found.sets)} equally good sets, {_set(best.added, label)} repeats itself least: "
            f"{told} redundant ones."
        )
    if found.purchases:
        sentences += _purchases(found, label)
    return sentences


def _base(found: Selection) -> str:
    return "the properties alone" if found.base == NOTHING else found.base


def _set(added: Sequence[str], label: Mapping[str, str]) -> str:
    return " + ".join(label[name] for name in added) or "nothing"


def _answer(found: Selection, label: Mapping[str, str]) -> str:
    names = [label[name] for name in found.selected]
    if not names:
        total = _range(found.gain_all, len(found.seeds))
        count, target = len(found.properties), label[found.target]
        if found.base == NOTHING:
            return f"None of the {count} properties is seen to tell {target}: all together {total}."
        return f"{found.base} alone suffices for {target}: all {count} properties together add {total} to it."
    if found.base != NOTHING:
        names = [found.base, *names]
    hold = "holds" if len(names) == 1 else "hold"
    told = f"{len(found.properties)} properties hold about {label[found.target]}"
    if found.loss.bits > found.rule.tolerance:
        beyond = "" if found.base == NOTHING else f" beyond {found.base}"
        lost = f"{bits(found.loss.bits)} of the {bits(found.gain_all.bits)} bits that the {told}{beyond}"
        return f"{' + '.join(names)} {hold} all but {lost}."
    text = f"{' + '.join(names)} {hold} all that the {told}, within {found.rule.tolerance:g} bits"
    if found.loss.bits < -found.rule.tolerance and found.loss.bits < -2 * found.loss.se:
        text += f"; without the others {found.learner} even makes {bits(-found.loss.bits)} bits more of them"
    return text + "."


def interval(loss: Loss, splits: int) -> tuple[float, float]:
    """The 95 % interval to quote: over the splits, or with few of them over materials."""
    if splits >= _SPLITS and math.isfinite(loss.low):
        return loss.low, loss.high
    return loss.bits - 2 * loss.se, loss.bits + 2 * loss.se


def _range(loss: Loss, splits: int) -> str:
    low, high = interval(loss, splits)
    return f"{bits(loss.bits, 3)} bits (95 % {bits(low, 3)} to {bits(high, 3)})"


def _measured(found: Selection, unit: str) -> str:
    n = len(found.seeds)
    beyond = "to a constant guess" if found.base == NOTHING else f"to {found.base}"
    text = (
        f"On the test rows of {plural(n, 'split')} the selected lose {_range(found.loss, n)} of the "
        f"{_range(found.gain_all, n)} that all add {beyond}; error "
        f"{quantity(found.mae)}{' ' + unit if unit else ''} with them, {quantity(found.mae_all)} with all, "
        f"{quantity(found.mae_base)} with none."
    )
    high = interval(found.loss, n)[1]
    if found.loss.bits <= found.rule.tolerance < high:
        text += f" These rows do not exclude a loss of {bits(high)} bits."
    seen = max((2 * step.total.se for step in found.path.steps if step.dropped), default=0.0)
    if found.loss.bits > found.rule.tolerance and seen > found.rule.tolerance:
        text += f" A loss below {bits(seen)} bits could not be told from none; more rows or splits would."
    if found.mae > _WORSE * found.mae_all and found.loss.bits <= max(found.rule.tolerance, 2 * found.loss.se):
        text += (
            f" The error is {percent(found.mae / found.mae_all - 1)} % all the same: bits weigh the whole "
            "distribution, the mean error its far values."
        )
    return text


def _controls(found: Selection) -> str:
    names = [name.removeprefix(PREFIX) for name in found.controls]
    kept = [name.removeprefix(PREFIX) for name in found.kept_controls]
    if not kept:
        verb = "was" if len(names) == 1 else "were"
        return f"Controls: {listed(names)} {verb} dropped, as a column without information must be."
    text = f"Controls: {listed(kept)} {'was' if len(kept) == 1 else 'were'} kept though without information: "
    if PREFIX + "placebo" in found.kept_controls:
        return text + "on these rows chance passes for information, and the set may be too large."
    return (
        text
        + f"{found.learner} has not learned all that {found.base} holds, so what is kept may be convenience."
    )


def _swaps(found: Selection, label: Mapping[str, str]) -> str:
    equal = [swap for swap in found.swaps if swap.equal]
    if not equal:
        return "No selected property can be given for a dropped one without a loss."
    named = [f"{label[swap.taken]} for {label[swap.given]}" for swap in equal[:_NAMED]]
    more = f" and {len(equal) - _NAMED} more" if len(equal) > _NAMED else ""
    return f"Equally good as far as these rows can tell: {'; '.join(named)}{more}."


def _steadiness(found: Selection, label: Mapping[str, str]) -> str:
    n = len(found.split_sets)
    counts = {name: sum(name in each for each in found.split_sets) for name in found.properties}
    often = sorted((name for name in counts if counts[name]), key=lambda name: -counts[name])
    text = f"Each of the {n} splits by itself selects "
    text += listed([f"{label[name]} ({counts[name]} of {n})" for name in often]) if often else "nothing"
    if math.isfinite(found.stability):
        text += f"; stability {found.stability:.2f} (1: always the same set, 0: chance)"
    return text + "."


def _purchases(found: Selection, label: Mapping[str, str]) -> list[str]:
    owned = [label[name] for name in found.properties if found.costs.get(name, 1.0) == 0]
    beside = f" beside {_base(found)}{' and ' + listed(owned) if owned else ''}"
    seen = [each for each in found.purchases if each.seen]
    if not seen:
        sentences = [f"No single property is seen to tell anything{beside}: the sets below may all the same."]
    else:
        best = seen[0]
        sentences = [
            f"Measure {label[best.name]} next: it adds {bits(best.bits)} bits (± {bits(2 * best.se)}) for "
            f"{best.cost:g}{beside}, {bits(best.per_cost, 3)} bits for a unit of cost"
            + (
                "; then "
                + listed([f"{label[e.name]} ({bits(e.per_cost, 3)})" for e in seen[1:_NAMED]])
                + ", each by itself."
                if len(seen) > 1
                else "."
            )
        ]
    steps = [
        f"{_set(e.added, label)} ({bits(e.bits)} bits for {e.cost:g})" for e in found.frontier if e.added
    ]
    if steps:
        sentences.append(f"Best sets met, by cost: {'; '.join(steps[:_NAMED])}.")
    return sentences


def tables(found: Selection) -> dict[str, pd.DataFrame]:
    """The numbers of a selection, by name of a CSV file; losses are in bits."""

    def losses(prefix: str, loss: Loss) -> dict[str, float]:
        return {f"{prefix}{key}": value for key, value in vars(loss).items()}

    made = {
        "steps": pd.DataFrame(
            [
                {
                    "property": step.property,
                    "dropped": step.dropped,
                    "again": step.again,
                    "importance": step.importance,
                    **losses("loss_", step.loss),
                    **losses("total_", step.total),
                    "left": " + ".join(step.left),
                }
                for step in found.path.steps
            ]
        ),
        "swaps": pd.DataFrame(
            [
                {"given": s.given, "taken": s.taken, "equal": s.equal}
                | losses("loss_", s.loss)
                | losses("total_", s.total)
                | losses("test_", s.test)
                for s in found.swaps
            ]
        ),
        "splits": pd.DataFrame(
            [
                {"seed": seed, "selected": " + ".join(each)}
                for seed, each in zip(found.seeds, found.split_sets, strict=False)
            ]
        ),
        "sets": pd.DataFrame([_record(each) for each in found.sets]),
        "purchases": pd.DataFrame(
            [vars(each) | {"per_cost": each.per_cost, "seen": each.seen} for each in found.purchases]
        ),
        "frontier": pd.DataFrame([_record(each) for each in found.frontier]),
    }
    return {name: table for name, table in made.items() if len(table)}


def _record(each: Any) -> dict[str, Any]:
    return {
        "set": " + ".join(each.added),
        "bits": each.bits,
        "redundant_bits": each.redundant_bits,
        "per_redundant_bit": each.per_redundant_bit,
        "cost": each.cost,
    }


def write_selection(found: Selection, sentences: Sequence[str], folder: Path) -> Path:
    """``selection.json`` and one CSV a table; returns the folder."""
    document = {"words": list(sentences), **found.plain()}
    write_text(folder / "selection.json", json.dumps(document, indent=2, ensure_ascii=False))
    made = tables(found)
    for name in ("steps", "swaps", "splits", "sets", "purchases", "frontier"):
        if name in made:
            write_text(folder / f"{name}.csv", made[name].to_csv(index=False))
        else:
            # Of an earlier answer.
            (folder / f"{name}.csv").unlink(missing_ok=True)
    return folder
