"""What the experiment found: a verdict, tables, three claims with their evidence, pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import starmap
from pathlib import Path
from textwrap import fill

import numpy as np

from .. import plots
from ..interaction import ENOUGH_SEEDS, chance_of_mark, kind_of, sure
from ..rules import needs_gramian
from .baselines import BASELINES
from .experiment import (
    ARMS,
    METRICS,
    RATES,
    RULES,
    SHARED,
    STRONGER,
    make_parts,
    make_rule,
)
from .results import Results
from .split import Condition, Split

MAIN = {  # the measure that stands for a task
    "recommend": "new purchases, AUC",
    "answer": "own brand, AUC",
    "dialogue": "true facts in replies",
}
FACTS = MAIN["dialogue"]

# Words: one name for one thing, in text, tables and pictures

CONTROLS = {
    "own ids": "own vectors shuffled",
    "tables": "words shuffled too",
    "answers": "random answers",
}
OTHER_NAMES_OF_ARMS = {"alone, decayed": "alone with hard's decay"}
# What the verdict calls a measure. Perplexity is left out: it counts all words of a reply, and most
# of them are no facts. The true facts in replies stand for that task.
PREDICTED = {
    "own brand, AUC": "own brand",
    "log price, R²": "price",
    "department, accuracy": "department",
    "category, accuracy": "category",
    "new purchases, AUC": "new purchases",
}


WIDTH = 100  # characters of a line that is no table
STICKY = "\N{NO-BREAK SPACE}"


def say(condition: Condition) -> str:
    """What is special about a condition."""
    usual = Condition()
    texts = {
        "fraction": f"{percent(condition.fraction)} of the answers",
        "dialogue": f"replies known of {percent(condition.dialogue)}",
        "households": f"{percent(condition.households)} of the households",
        "tasks": " + ".join(condition.tasks),
        "trunk": f"{condition.trunk} trunk",
        "control": CONTROLS.get(condition.control),
        "steps": count(condition.steps, "step"),
        "weights": f"weights by {condition.weights}",
    }
    if condition.steps == 2 * usual.steps:
        texts["steps"] = "twice the steps"
    special = []
    for name, text in texts.items():
        if getattr(condition, name) != getattr(usual, name):
            special.append(text)
    return ", ".join(special) or "as it is"


def name_of_arm(arm: str) -> str:
    return OTHER_NAMES_OF_ARMS.get(arm, arm)


def percent(fraction: float) -> str:
    return f"{100 * fraction:g} %"


def count(n: int, thing: str) -> str:
    """So many things: "1 seed", "2 seeds"."""
    return f"{n} {thing}" if n == 1 else f"{n} {thing}s"


def listed(things: list[str]) -> str:
    """A list in words: "a, b and c"."""
    *others, last = things
    return f"{', '.join(others)} and {last}" if others else last


def with_error(gain: float, error: float) -> str:
    """A gain ± its standard error, which one seed does not have."""
    return f"{gain:+.3f} ± {error:.3f}" if np.isfinite(error) else f"{gain:+.3f}"


def _at(condition):
    return f"at {percent(condition.fraction)}"


def _weights(condition):
    return condition.weights or "its tuned plain sum"


# All that is printed


def text(results: Results) -> str:
    """The verdict, how to read the tables, the tables, and what they say for and against."""
    parts = [verdict(results)]
    rules = dict.fromkeys(condition.weights for condition in results.runs if condition.weights)
    parts += [who_follows(rule) for rule in rules]
    parts.append(how_to_read(results))
    parts += [table(results, condition) for condition in results.runs]
    parts.append(findings(results))
    return "\n\n".join(part for part in parts if part)


def verdict(results: Results) -> str:
    """Where sharing one trunk helped, where it hurt, where neither, and what needs no network."""
    conditions = results.fractions()
    seeds = results.seeds(conditions[-1])
    if seeds < ENOUGH_SEEDS:
        verb = "is" if seeds == 1 else "are"
        return (
            f"No verdict: {count(seeds, 'seed')} {verb} too few to tell a gain from chance.\n"
            f"From {ENOUGH_SEEDS} seeds on this says where sharing helped and where it hurt."
        )
    found = {"better": {}, "worse": {}, "neither": {}}  # kind -> measure -> conditions
    for metric in (*PREDICTED, FACTS):
        for condition in conditions:
            kind = kind_of(*results.gains(condition, "hard")[metric])
            found[kind].setdefault(metric, []).append(condition)
    sentences = [
        f"In short ({seeds} seeds; answers known of {_percents(conditions)} of the products):",
        _sentence("  Sharing one trunk helped", found["better"], conditions, "better", "more"),
        _sentence("  It hurt", found["worse"], conditions, "worse", "fewer"),
        _sentence_of_no_difference(found["neither"], conditions),
        _sentence_without_network(results, conditions),
    ]
    return "\n".join(_wrapped(sentence) for sentence in sentences)


def _sentence(start, found, conditions, predicts, states):
    """Of what the guide predicts, and states in its replies, when it shares one trunk."""
    if not found:
        return f"{start} nowhere."
    text = f"{start}."
    predicted = {metric: where for metric, where in found.items() if metric in PREDICTED}
    if predicted:
        text += f" The guide predicts {predicts}{_in_what(predicted, conditions)}."
    if FACTS in found:
        text += f" Its replies state {states} true facts{_at_some(found[FACTS], conditions)}."
    return text


def _sentence_of_no_difference(found, conditions):
    if not found:
        return "  It made a clear difference to every measure."
    return f"  It made no clear difference{_in_what(found, conditions)}."


def _sentence_without_network(results, conditions):
    """Which guesses without a network are better than one trunk, and in what."""
    text = ""
    for baseline in BASELINES:
        found = {}  # measure -> conditions
        for metric in (*PREDICTED, FACTS):
            for condition in conditions:
                gain = results.gains(condition, baseline, against="hard")[metric]
                if kind_of(*gain) == "better":
                    found.setdefault(metric, []).append(condition)
        if found:
            text += f" {baseline} beats one trunk{_in_what(found, conditions)}."
    return f"  Without a network:{text or ' no guess beats one trunk.'}"


def _in_what(found, conditions):
    """The measures by where it is so: ": own brand and price; at 100 %: category".

    found: measure -> conditions. What is so at all fractions comes first.
    """
    groups = {"": []}  # where -> names of measures
    for metric, where in found.items():
        name = PREDICTED.get(metric, "facts in replies")
        groups.setdefault(_at_some(where, conditions), []).append(name)
    parts = [f"{where}: {listed(names)}" for where, names in groups.items() if names]
    return ";".join(parts)


def _at_some(where, conditions):
    """The fractions at which something is so, if it is not so at all of them."""
    if len(where) == len(conditions):
        return ""
    return f" at {_percents(where)}"


def _percents(conditions):
    return listed([percent(condition.fraction) for condition in conditions])


def _wrapped(line):
    """The line, broken where it is too long, but never between a number and its sign."""
    indent = " " * (len(line) - len(line.lstrip()))
    for sign in ("±", "%"):
        line = line.replace(f" {sign}", f"{STICKY}{sign}")
    line = line.replace("± ", f"±{STICKY}")
    broken = fill(
        line, WIDTH, subsequent_indent=f"{indent}  ", break_long_words=False, break_on_hyphens=False
    )
    return broken.replace(STICKY, " ")


def who_follows(rule: str) -> str:
    """Which arms the rule chose the weights of."""
    if needs_gramian(make_rule(rule, np.random.default_rng(0))):
        return (
            f"Weights: {rule} for hard sharing. It needs a Gramian; alone and soft share\n"
            "no parameters and keep the tuned sum."
        )
    return f"Weights: {rule} for all three arms."


# Tables

STEPS = "steps to least held-out loss"
TERMS = {
    "alone": "a network for each task; nothing is shared",
    "soft": "a network for each task, whose trunks are pulled towards each other",
    "hard": "one trunk that all tasks share, and a head for each",
    "over alone": "what sharing gains; positive is better, also where better is a fall",
    "10 % of the answers": "answers and replies are known of 10 % of the 700 products to train on",
    "new purchases": "what a household buys in weeks 41 to 53 and had not bought in weeks 1 to 40",
    "true facts in replies": "the share of a product's four facts that a generated reply has right",
    "AUC": "how often a yes is ranked above a no: 1 is always, 0.5 is chance",
    "R²": "the share of the prices' variance that is explained: 1 is all of it, 0 is none",
    "accuracy": "the share of right answers",
    "perplexity": "among how many words the guide is in doubt: 1 is no doubt",
    "most common, nearest words, ridge regression": "guesses without a network",
    "parameters": "how many numbers an arm learns, in all its networks",
    STEPS: (
        "training steps until the losses are least on held-out data, "
        "which are products and households for validation, neither trained nor tested on"
    ),
}


def how_to_read(results: Results) -> str:
    """A line for each term of the tables."""
    seeds = max(results.seeds(condition) for condition in results.runs)
    plus_minus = (
        f"the standard error of a gain over the seeds; * marks more than {plots.SURE} of them. "
        f"With {seeds} seeds, one of some {1 / chance_of_mark(max(seeds, 2)):.0f} gains that are "
        "really 0 has a mark by chance (Student's t)"
    )
    if seeds < ENOUGH_SEEDS:
        plus_minus = "the standard error of a gain over the seeds"
    if seeds == 1:
        plus_minus = "missing: one seed has no standard error"
    lines = [
        "How to read the tables. All is tested on products whose answers, and on households",
        "whose purchases, were not trained on.",
    ]
    terms = TERMS | {"±": plus_minus}
    if all(results.mean(condition, "alone", "steps") is None for condition in results.fractions()):
        del terms[STEPS]  # their row is missing, too
    for term, meaning in terms.items():
        line = f"  {term:11} {meaning}" if len(term) < 12 else f"  {term}: {meaning}"
        lines.append(_wrapped(line))
    return "\n".join(lines)


def table(results: Results, condition: Condition) -> str:
    """A row for each metric: baselines, alone, and the gains of sharing ± their standard errors.

    Rules are compared with hard sharing.
    """
    base = results.base(condition)
    lines = [_heading(condition, results.seeds(condition))]
    shared = [arm for arm in (*SHARED, *STRONGER) if arm in condition.arms]
    if base == condition:
        lines += _metric_rows(results, condition, base, (*BASELINES, "alone"), SHARED, "alone")
        lines += _cost_rows(results, condition)
    elif shared:
        lines += _metric_rows(results, condition, base, ("alone",), shared, "alone")
    rules = [rule for rule in RULES if rule in condition.arms]
    if rules:
        if len(lines) > 1:
            lines.append("")
        lines += [
            f"Hard sharing with {_weights(condition)}, "
            "and what a rule for the weights gains over it:",
        ]
        lines += _metric_rows(results, condition, base, ("hard",), rules, "hard")
    return "\n".join(lines)


def _heading(condition, seeds):
    words = say(condition)
    if condition.fraction == Condition.fraction:
        known = f"{percent(condition.fraction)} of the answers"
        words = known if words == "as it is" else f"{known}, {words}"
    return f"{words} ({count(seeds, 'seed')})"


def _metric_rows(results, condition, base, absolute, compared, against):
    """A line for each metric: the mean of some arms, and what others gain over one of them.

    A gain that is sure has a *.
    """
    enough = results.seeds(condition) >= ENOUGH_SEEDS
    means = [results.values(base, arm).mean(0) for arm in absolute]
    gains = [results.gains(condition, arm, against, of=base) for arm in compared]
    lines = _title_rows(absolute, [name_of_arm(arm) for arm in compared], against)
    for i, metric in enumerate(METRICS):
        mean_cells = ["" if np.isnan(mean[i]) else f"{mean[i]:.3f}" for mean in means]
        gain_cells = [_gain_cell(*gain[metric], enough) for gain in gains]
        lines.append(_line(metric, mean_cells, gain_cells))
    return lines


def _title_rows(absolute, compared, against):
    """The heads of the columns, of two lines: most / common, hard / over alone."""
    tops = []
    bottoms = []
    for arm in absolute:
        top, _, bottom = arm.rpartition(" ")
        tops.append(top)
        bottoms.append(bottom)
    over = [f"over {against}  " for _ in compared]
    return [_line("", tops, [f"{arm}  " for arm in compared]), _line("", bottoms, over)]


def _gain_cell(gain, error, enough):
    if np.isnan(gain):
        return ""
    mark = "*" if enough and sure(gain, error) else " "
    return f"{with_error(gain, error)} {mark}"


def _cost_rows(results, condition):
    """Parameters and steps of the three arms, below the columns of the gains."""
    first = results.first(condition)
    parameters = [f"{first[arm]['parameters']['total']:,}" for arm in ARMS]
    rows = {"parameters": parameters}
    steps = [results.mean(condition, arm, "steps") for arm in ARMS]
    if None not in steps:
        rows[STEPS] = [f"{mean:.0f}" for mean in steps]
    no_baselines = ["" for _ in BASELINES]
    lines = []
    for name, (alone, *shared) in rows.items():
        lines.append(_line(name, [*no_baselines, alone], [f"{cell}  " for cell in shared]))
    return lines


def _line(name, narrow, wide):
    """A line of a table: a name, cells of 10 characters, then cells of 18."""
    cells = [f"{name:28}"]
    cells += [f"{cell:>10}" for cell in narrow]
    cells += [f"{cell:>18}" for cell in wide]
    return " ".join(cells).rstrip()


# Findings


def findings(results: Results) -> str:
    """Three claims, each with what the standard errors carry for and against it.

    Conflict, harm, and what needed no network follow. "" for too few seeds.
    """
    conditions = results.fractions()
    less = conditions[0]
    most = conditions[-1]
    if results.seeds(most) < ENOUGH_SEEDS:
        return ""
    gains = _gains_by_kind(results, conditions)
    paragraphs = [
        (
            "Better generalisation? Sharing helps by more than "
            f"{plots.SURE} standard errors (marked * above) in",
            gains.get("better"),
        ),
        ("It hurts by more than that in", gains.get("worse")),
        ("No clear difference from alone", gains.get("neither")),
        ("Fewer parameters? With one trunk", _costs(results, most)),
        ("Better use of scarce data?", _scarce(results, less, most)),
        (
            "Conflict in hard sharing, two gradients with a negative cosine, in % of the steps",
            _rates(results, conditions, "conflict"),
        ),
        (
            "Harm in hard sharing, a step that raised a task's loss to first order, in % of the "
            "steps (plain: a step of gradient descent)",
            _rates(results, conditions, ("steps", "plain")),
        ),
        ("Better without a network", gains.get("no network")),
        (
            f"Rules for the weights against hard sharing with {_weights(most)}",
            _rules(results),
        ),
    ]
    lines = []
    for title, evidence in paragraphs:
        lines.append(title if title.endswith("?") else f"{title}:")
        lines += [f"  {line}" for line in evidence or ["nowhere"]]
    lines = [_wrapped(line) for line in lines]
    return "\n".join(lines)


def _gains_by_kind(results, conditions):
    """kind -> a line for each metric with the places where it is so."""
    lines = {}
    for metric in METRICS:
        for kind, where in _places(results, conditions, metric).items():
            lines.setdefault(kind, []).append(f"{metric}: {_unbroken(where)}")
    return lines


def _places(results, conditions, metric):
    """kind -> where a shared arm is better or worse than alone, or neither, or beaten by a guess.

    A kind that is nowhere is left out.
    """
    found = {}
    for condition in conditions:
        gains = {arm: results.gains(condition, arm)[metric] for arm in SHARED}
        for arm, (gain, error) in gains.items():
            where = f"{arm} {_at(condition)}"
            kind = kind_of(gain, error)
            said = where if kind == "neither" else f"{where} {with_error(gain, error)}"
            found.setdefault(kind, []).append(said)
            for baseline in BASELINES:
                gain, error = results.gains(condition, baseline, against=arm)[metric]
                if kind_of(gain, error) == "better":
                    said = f"{baseline} beats {where} by {gain:.3f} ± {error:.3f}"
                    found.setdefault("no network", []).append(said)
    return found


def _unbroken(items):
    """The items with commas between them; a line may end only after a comma."""
    return ", ".join(item.replace(" ", STICKY) for item in items)


def _costs(results, condition):
    """Parameters and steps of hard sharing against alone."""
    first = results.first(condition)
    alone = first["alone"]["parameters"]["total"]
    hard = first["hard"]["parameters"]["total"]
    lines = [
        f"{hard:,} parameters, {alone:,} alone: {hard / alone - 1:+.0%}; soft sharing saves none"
    ]
    slow = results.mean(condition, "alone", "steps")
    fast = results.mean(condition, "hard", "steps")
    if slow is not None:
        lines.append(f"the least held-out loss after {fast:.0f} steps, alone after {slow:.0f}")
    return lines


def _scarce(results, less, most):
    """Whether sharing gains more where less is known, and whether it replaces labels."""
    if less == most:
        return ["cannot tell: this needs two fractions"]
    growths = {metric: results.growth(less, most, metric) for metric in MAIN.values()}
    lines = [_answer_of_scarce(growths)]
    for metric in MAIN.values():
        column = list(METRICS).index(metric)
        growth, error = growths[metric]
        difference = with_error(growth, error)
        says = {
            "better": f"more {_at(less)} than {_at(most)}, by {difference}",
            "worse": f"less {_at(less)} than {_at(most)}, by {difference}",
            "neither": f"about as much {_at(less)} as {_at(most)} (difference {difference})",
        }[kind_of(growth, error)]
        few = results.values(less, "hard")[:, column].mean()
        many = results.values(most, "alone")[:, column].mean()
        lines.append(
            f"{metric}: hard sharing gains {says}; "
            f"it has {few:.3f} {_at(less)}, alone has {many:.3f} {_at(most)}"
        )
    return lines


def _answer_of_scarce(growths):
    """Yes, no or cannot tell, from the growth of each gain and its standard error."""
    found = {"better": [], "worse": [], "neither": []}
    for metric, growth in growths.items():
        found[kind_of(*growth)].append(metric)
    more = listed(found["better"]) if found["better"] else ""
    less = listed(found["worse"]) if found["worse"] else ""
    if more and less:
        return f"cannot tell: sharing gains more where less is known in {more}, but less in {less}"
    if more:
        return f"yes: sharing gains more where less is known in {more}, and nowhere less"
    if less:
        return f"no: sharing gains less where less is known in {less}, and nowhere more"
    return "cannot tell: the gains of sharing do not clearly differ"


def _rates(results, conditions, start):
    """A line for each rate whose name starts so: how often it happened in hard sharing."""
    lines = []
    for name in RATES:
        if not name.startswith(start):
            continue
        where = []
        for condition in conditions:
            mean, error = results.rate(condition, name)
            where.append(f"{mean:.0f} ± {error:.0f} % {_at(condition)}")
        lines.append(f"{name}: {_unbroken(where)}")
    return lines


def _rules(results):
    """Where a rule for the weights is better than the weights of hard sharing, and where worse."""
    if not any(set(RULES) & set(condition.arms) for condition in results.runs):
        return ["not tried: --rules"]
    found = {"better": [], "worse": [], "neither": []}
    for condition in results.runs:
        for rule in [rule for rule in RULES if rule in condition.arms]:
            gains = results.gains(condition, rule, "hard", of=results.base(condition))
            for metric, (gain, error) in gains.items():
                said = f"{rule} {_at(condition)}, {metric} {with_error(gain, error)}"
                found[kind_of(gain, error)].append(said)
    return [f"{kind}: {_unbroken(found[kind]) or 'nowhere'}" for kind in ("better", "worse")]


# Files and pictures


def write(
    results: Results, folder: Path, comment: str = "", in_order: Callable = starmap
) -> dict[Path, str]:
    """Write every number as CSV, the text, and the pictures.

    in_order draws the pictures: in this process, or in others (see `experiment.processes`).
    Returns the paths, each with what is to be seen there.
    """
    written = {}
    # The numbers come first: all else can be made from them.
    results.write(folder / "results.csv", comment)
    written[folder / "results.csv"] = "every number of the tables, by seed"
    (folder / "report.txt").write_text(text(results) + "\n", encoding="utf-8")
    written[folder / "report.txt"] = "the text above"
    jobs = [(draw, folder / name) for name, draw in pictures(results).items()]
    for (_, path), seen in zip(jobs, in_order(_draw_and_save, jobs)):
        written[path] = seen
    return written


def _draw_and_save(draw, path):
    figure, seen = draw()
    plots.save(figure, path)
    return seen


def pictures(results: Results) -> dict[str, Callable]:
    """File name -> the function that draws it and returns (figure, what is to be seen there)."""
    conditions = results.fractions()
    most = conditions[-1]
    seeds = results.seeds(most)
    drawn = {}
    if seeds >= ENOUGH_SEEDS:
        for condition in conditions:
            name = f"gains-{100 * condition.fraction:g}.png"
            drawn[name] = partial(_picture_of_gains, results, condition)
        if len(conditions) > 1:
            drawn["gain-by-fraction.png"] = partial(_picture_of_fractions, results, conditions)
        if results.pairs(most):
            drawn["transfer.png"] = partial(_picture_of_transfer, results, most)
    drawn["network.png"] = partial(_picture_of_network, most)
    seed, run = next(iter(results.runs[most].items()))
    if "history" in run["hard"]:
        drawn |= _pictures_of_training(seed, run, most)
    return drawn


def _picture_of_gains(results, condition):
    """Bars for soft and hard sharing, and for controls of hard sharing that shuffle the tables."""
    controls = results.controls(condition)
    bars = {}
    for arm in SHARED:
        name = f"{arm}, {say(Condition())}" if controls else arm
        bars[name] = _between_0_and_1(results.gains(condition, arm))
    for control, shuffled in controls.items():
        gains = results.gains(shuffled, "hard", of=condition)
        bars[f"hard, {CONTROLS[control]}"] = _between_0_and_1(gains)
    figure = plots.gains(bars, seeds=results.seeds(condition))
    figure.suptitle(
        f"What sharing gains when the answers of {percent(condition.fraction)} "
        "of the products are known"
    )
    return figure, "right of 0 sharing helps, left of it sharing hurts; hollow is no finding"


def _between_0_and_1(gains):
    """The measures whose gains fit one axis: all but perplexity."""
    return {metric: pair for metric, pair in gains.items() if METRICS[metric][1]}


def _picture_of_fractions(results, conditions):
    metric = MAIN["answer"]
    fractions = [condition.fraction for condition in conditions]
    curves = {}
    for arm in SHARED:
        pairs = [results.gains(condition, arm)[metric] for condition in conditions]
        gains = [gain for gain, _ in pairs]
        errors = [error for _, error in pairs]
        curves[arm] = (fractions, gains, errors)
    figure = plots.gain_by_fraction(curves, measure=metric, seeds=results.seeds(conditions[-1]))
    return figure, f"whether the gain in {PREDICTED[metric]} is larger when labels are scarce"


def _picture_of_transfer(results, most):
    """What each measure gains from each other task, two tasks at a time, and from all three."""
    arms = {}
    for tasks, condition in results.pairs(most).items():
        arms[" + ".join(tasks)] = results.gains(condition, "hard", of=most)
    arms["all three"] = results.gains(most, "hard")
    bars = {}
    for arm, gains in arms.items():
        bars[arm] = {
            f"{METRICS[metric][0]}: {metric}": pair
            for metric, pair in _between_0_and_1(gains).items()
        }
    figure = plots.gains(bars, seeds=results.seeds(most))
    figure.suptitle(
        "Which tasks help which measure?\n"
        "Hard sharing of two tasks, or of all three, beside each task alone"
    )
    return figure, "which task helps or hurts which measure, two tasks at a time"


def _picture_of_network(condition):
    split = Split(np.random.default_rng(0), condition)
    model = ARMS["hard"](*make_parts(split, np.random.default_rng(0), condition))
    return plots.network(model), "the network of hard sharing, and where its parameters are"


def _pictures_of_training(seed, run, condition):
    """The pictures of one seed's training, which was looked at closely."""
    hard = run["hard"]
    history = hard["history"]
    drawn = {
        "losses.png": partial(_picture_of_losses, history, seed, condition),
        "cosines.png": partial(_picture_of_cosines, history),
        "step.png": partial(_picture_of_step, hard["step"]),
        "layers.png": partial(_picture_of_layers, hard["layers"], list(condition.tasks)),
        "embedding.png": partial(_picture_of_features, run["alone"]["features"], hard["features"]),
    }
    histories = {condition.weights or "plain sum": history}
    histories |= {rule: run[rule]["history"] for rule in RULES if rule in run}
    if condition.weights or len(histories) > 1:
        drawn["weights.png"] = partial(_picture_of_weights, histories)
    return drawn


def _picture_of_losses(history, seed, condition):
    """The losses of one training, without those that cannot be compared with held-out data."""
    best = history.best_step
    if best == history.held_out_steps[-1]:
        end = f"The held-out total is least at the last step, {best}: it has not turned up"
    else:
        end = f"After step {best} the held-out total gets no better: from there it memorises"
    compared = dict(history.losses)
    if "recommend" in compared:
        compared["recommend"] = np.full(len(history.penalty), np.nan)
    figure = plots.losses(replace(history, losses=compared))
    figure.suptitle(
        f"Hard sharing, seed {seed}, {percent(condition.fraction)} of the answers:\n"
        "training (solid), held out (dashed)"
    )
    caption = f"{end}."
    if "recommend" in compared:
        caption += (
            "\nrecommend has no training line: in training it also has to find the hidden half of"
            "\na basket, so that its loss there is another one than on held-out data."
        )
    plots.look.caption(figure, caption)
    return figure, f"one guide's training. {end}"


def _picture_of_weights(histories):
    seen = "how the tasks are weighed over time; a plain sum does not change"
    return plots.weights(histories), seen


def _picture_of_cosines(history):
    """The cosines of gradients, and how often recorded steps had a conflict or did harm."""
    cosines = np.asarray(history.cosines, float)  # (K, T, T)
    pairs = np.triu_indices(len(history.tasks), k=1)
    has_conflict = (cosines[:, *pairs] < 0).any(1)  # (K,)
    does_harm = (np.asarray(history.effects, float) > 0).any(1)  # (K,)
    seen = (
        f"of {len(cosines)} recorded steps {has_conflict.sum()} had gradients in conflict, "
        f"and {does_harm.sum()} raised a loss"
    )
    return plots.cosines(history), seen


def _picture_of_step(step):
    figure = plots.step(step)
    figure.suptitle(
        f"One more step taken apart: plain gradient descent, η = {step.learning_rate:g}\n"
        "(evaluation: no dropout, no hidden half of a basket)"
    )
    plots.look.caption(
        figure,
        "From predicted to taken: weight decay is added. From taken to happened: curvature.\n"
        "A task whose gradient ‖g‖ on the trunk is short changes little: its bars are short, too.",
    )
    return figure, "one more step taken apart: what was predicted of it, and what it did"


def _picture_of_layers(layers, tasks):
    figure = plots.layers(layers, tasks)
    figure.suptitle(
        "In which layers do the gradients conflict?\n"
        "(evaluation: no dropout, no hidden half of a basket)"
    )
    return figure, "in which layers the tasks agree and where they conflict"


def _picture_of_features(alone, hard):
    by_trunk, departments = alone
    shared, _ = hard
    two_alone = {name: by_trunk[name] for name in ("alone, recommend", "alone, answer")}
    figure = plots.embedding(two_alone | shared, departments)
    figure.suptitle("Features of new products: do those of one department lie together?")
    return figure, "new products as one task's trunk sees them, and as the trunk of all three does"
