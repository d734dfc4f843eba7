"""What the experiment found: tables, three claims with their evidence, pictures, all numbers."""

from __future__ import annotations

import csv
from dataclasses import asdict, fields, replace
from itertools import permutations
from pathlib import Path

import numpy as np

from .. import plots, weighting
from ..interaction import transfer_gain
from .experiment import (
    ARMS,
    BASELINES,
    LOSSES,
    METRICS,
    RATES,
    RULES,
    SHARED,
    STRONGER,
    Condition,
    Split,
    make_parts,
    make_rule,
)

ENOUGH = 5  # seeds, before a standard error is trusted with a finding
HIGHER = np.array([higher for _, higher in METRICS.values()])
MAIN = {  # the measure that stands for a task
    "recommend": "new purchases, AUC",
    "answer": "own brand, AUC",
    "dialogue": "true facts in replies",
}


class Results:
    """What every arm of every run measured: runs[condition][seed][arm].

    What sharing gains is paired: the mean over seeds of better minus alone. Positive is better.
    """

    def __init__(self):
        self.runs = {}

    def add(self, seed: int, condition: Condition, results: dict):
        self.runs.setdefault(condition, {})[seed] = results

    def first(self, condition: Condition) -> dict:
        """The run of the first seed: arm -> what it measured."""
        return next(iter(self.runs[condition].values()))

    def values(self, condition, arm):
        """What an arm measured: (seeds, metrics)."""
        runs = [run[arm]["metrics"] for run in self.runs[condition].values()]
        return np.array([[metrics[name] for name in METRICS] for metrics in runs])

    def gains(self, condition, arm, against="alone", of=None):
        """metric -> (gain of an arm, its standard error).

        The gain is against an arm of the same condition, or of the condition `of`.
        """
        reference = self.values(of or condition, against)
        compared = self.values(condition, arm)
        gain, error = transfer_gain(
            np.where(HIGHER, reference, -reference),
            np.where(HIGHER, compared, -compared),
            higher_is_better=True,
        )
        return {m: (float(d), float(e)) for m, d, e in zip(METRICS, gain, error)}

    def mean(self, condition, arm, key):
        return float(np.mean([run[arm][key] for run in self.runs[condition].values()]))

    def fractions(self):
        """The conditions with the three arms that differ only in the fraction of known answers."""
        plain = [condition for condition in self.runs if _has_all_arms(condition)]

        def apart_from_fraction(condition):
            return replace(condition, fraction=1.0, arms=())

        first = apart_from_fraction(plain[0])
        alike = [condition for condition in plain if apart_from_fraction(condition) == first]
        return sorted(alike, key=lambda condition: condition.fraction)

    def base(self, condition):
        """The condition whose arms a control, a pair of tasks or a rule is compared with."""
        if _has_all_arms(condition):
            return condition
        wanted = replace(condition, control="", tasks=tuple(LOSSES), arms=())
        candidates = [candidate for candidate in self.runs if _has_all_arms(candidate)]
        return next(c for c in candidates if replace(c, arms=()) == wanted)

    def write(self, path: Path, comment: str = ""):
        """Write every number as CSV: a row for each arm of each run."""
        with open(path, "w", newline="", encoding="utf-8") as file:
            if comment:
                file.write(f"# {comment}\n")
            writer = csv.writer(file, lineterminator="\n")
            columns = [field.name for field in fields(Condition)]
            columns += ["seed", "arm", "parameters", "seconds", *METRICS, *RATES]
            writer.writerow(columns)
            for condition, runs in self.runs.items():
                of_condition = _condition_cells(condition)
                for seed, run in runs.items():
                    for arm, measured in run.items():
                        writer.writerow([*of_condition, seed, arm, *_measured_cells(measured)])

    @classmethod
    def read(cls, path: Path) -> Results:
        """What `write` wrote."""
        results = cls()
        with open(path, newline="", encoding="utf-8") as file:
            for row in csv.DictReader(line for line in file if not line.startswith("#")):
                by_seed = results.runs.setdefault(_condition_of(row), {})
                run = by_seed.setdefault(int(row["seed"]), {})
                run[row["arm"]] = _measured_of(row)
        return results


def _has_all_arms(condition):
    return set(ARMS) <= set(condition.arms)


def _condition_cells(condition):
    """The fields of a condition, where a tuple becomes a+b+c."""
    cells = []
    for value in asdict(condition).values():
        cells.append("+".join(value) if isinstance(value, tuple) else value)
    return cells


def _condition_of(row):
    values = {}
    for field in fields(Condition):
        text = row[field.name]
        kind = type(field.default)
        if kind is tuple:
            values[field.name] = tuple(name for name in text.split("+") if name)
        else:
            values[field.name] = kind(text)
    return Condition(**values)


def _measured_cells(measured):
    """The parameters, the seconds, the metrics and the rates of an arm; "" for what it lacks."""
    cells = ["", ""]
    if "parameters" in measured:
        cells = [measured["parameters"]["total"], f"{measured['seconds']:.2f}"]
    rates = measured.get("rates", {})
    values = [measured["metrics"][name] for name in METRICS]
    values += [rates.get(name, np.nan) for name in RATES]
    cells += ["" if np.isnan(value) else f"{value:.4f}" for value in values]
    return cells


def _measured_of(row):
    def number(name):
        return float(row[name] or "nan")

    measured = {
        "metrics": {name: number(name) for name in METRICS},
        "rates": {name: number(name) for name in RATES},
    }
    if row["parameters"]:
        measured["parameters"] = {"total": int(row["parameters"])}
        measured["seconds"] = float(row["seconds"])
    return measured


def sure(gain, error):
    """Whether a gain misses 0 by more than the standard errors that a finding needs."""
    return abs(gain) > plots.SURE * error


def say(condition: Condition) -> str:
    """What is special about a condition."""
    texts = {
        "fraction": f"{_percent(condition)} of the answers",
        "dialogue": f"{100 * condition.dialogue:g} % of the replies",
        "households": f"{100 * condition.households:g} % of the households",
        "tasks": " + ".join(condition.tasks),
        "trunk": f"{condition.trunk} trunk",
        "control": f"control: {condition.control}",
        "steps": f"{condition.steps} steps",
        "weights": condition.weights,
    }
    usual = Condition()
    special = []
    for name, text in texts.items():
        if getattr(condition, name) != getattr(usual, name):
            special.append(text)
    return ", ".join(special) or "all answers"


def _percent(condition):
    """The fraction of the answers that a condition knows."""
    return f"{100 * condition.fraction:g} %"


def _signed(gain, error):
    return f"{gain:+.3f} ± {error:.3f}"


def _weights(condition):
    return condition.weights or "its tuned plain sum"


# Tables


def table(results: Results, condition: Condition) -> str:
    """A row for each metric: baselines, alone, and the gains of sharing ± their standard errors.

    Rules are compared with hard sharing.
    """
    base = results.base(condition)
    seeds = len(results.runs[condition])
    lines = [
        f"With {say(condition)}, {seeds} paired seeds. Tested on products whose answers, "
        "and households whose purchases, were not trained on.",
        "",
    ]
    shared = [arm for arm in (*SHARED, *STRONGER) if arm in condition.arms]
    if base == condition:
        lines += _metric_rows(results, condition, base, (*BASELINES, "alone"), SHARED, "alone")
        lines += _cost_rows(results, condition)
    elif shared:
        lines += _metric_rows(results, condition, base, ("alone",), shared, "alone")
    rules = [rule for rule in RULES if rule in condition.arms]
    if rules:
        lines.append(
            f"Hard sharing with {_weights(condition)}, "
            "and what a rule for the weights gains over it:"
        )
        lines += _metric_rows(results, condition, base, ("hard",), rules, "hard")
    return "\n".join(lines)


def who_follows(rule: str) -> str:
    """Which arms the rule chose the weights of."""
    if weighting.needs_gramian(make_rule(rule, np.random.default_rng(0))):
        return (
            f"Weights: {rule} for hard sharing. It needs a Gramian; alone and soft share "
            "no parameters and keep the tuned sum."
        )
    return f"Weights: {rule} for all three arms."


def _metric_rows(results, condition, base, absolute, compared, against):
    """A line for each metric: the mean of some arms, and what others gain over one of them.

    A gain that is sure has a *.
    """
    enough = len(results.runs[condition]) >= ENOUGH
    means = [results.values(base, arm).mean(0) for arm in absolute]
    gains = [results.gains(condition, arm, against, of=base) for arm in compared]
    titles = [f"{arm} − {against}" for arm in compared]
    lines = [_line("", absolute, titles)]
    for i, metric in enumerate(METRICS):
        name = metric if HIGHER[i] else f"{metric} (fall)"
        mean_cells = ["" if np.isnan(mean[i]) else f"{mean[i]:.3f}" for mean in means]
        gain_cells = [_gain_cell(*gain[metric], enough) for gain in gains]
        lines.append(_line(name, mean_cells, gain_cells))
    return lines


def _gain_cell(gain, error, enough):
    if np.isnan(gain):
        return ""
    mark = "*" if enough and sure(gain, error) else " "
    return f"{_signed(gain, error)} {mark}"


def _cost_rows(results, condition):
    """Parameters and seconds of the three arms, below the columns of the gains."""
    first = results.first(condition)
    parameters = [f"{first[arm]['parameters']['total']:,}" for arm in ARMS]
    seconds = [f"{results.mean(condition, arm, 'seconds'):.1f}" for arm in ARMS]
    no_baselines = ["" for _ in BASELINES]
    return [
        _line("parameters", [*no_baselines, parameters[0]], parameters[1:]),
        _line("seconds to least held-out loss", [*no_baselines, seconds[0]], seconds[1:]),
    ]


def _line(name, narrow, wide):
    """A line of a table: a name, cells of 16 characters, then cells of 20."""
    cells = [f"{name:30}"]
    cells += [f"{cell:>16}" for cell in narrow]
    cells += [f"{cell:>20}" for cell in wide]
    return "  ".join(cells).rstrip()


# Findings


def findings(results: Results) -> str:
    """Three claims, each with what the standard errors carry for and against it.

    Conflict, harm, and what needed no network follow.
    """
    conditions = results.fractions()
    less = conditions[0]
    most = conditions[-1]
    seeds = len(results.runs[most])
    if seeds < ENOUGH:
        return (
            f"{seeds} seeds are too few to conclude anything: "
            f"findings are stated from {ENOUGH} seeds on."
        )
    helps, hurts, unclear, no_network = _gains_by_kind(results, conditions)
    paragraphs = [
        (
            "Better generalisation? Sharing helps by more than "
            f"{plots.SURE} standard errors (marked * above) in",
            helps,
        ),
        ("It hurts by more than that in", hurts),
        ("No clear difference from alone", unclear),
        ("Fewer parameters? With one trunk", _costs(results, most)),
        ("Better use of scarce data?", _scarce(results, less, most)),
        (
            "Conflict in hard sharing, two gradients with a negative cosine",
            _rates(results, conditions, "conflict"),
        ),
        (
            "Harm in hard sharing, a task's loss raised by a step, to first order "
            "(plain: if it were gradient descent)",
            _rates(results, conditions, ("steps", "plain")),
        ),
        ("Better without a network", no_network),
        (
            f"Rules for the weights against hard sharing with {_weights(most)}",
            _rules(results),
        ),
    ]
    lines = []
    for title, evidence in paragraphs:
        lines.append(f"{title}:")
        lines += [f"  {line}" for line in evidence or ["nowhere"]]
    return "\n".join(lines)


def _gains_by_kind(results, conditions):
    """A line for each metric: where it gains, where it loses, where neither, where a baseline wins.

    Returns these four lists of lines.
    """
    helps, hurts, unclear, no_network = [], [], [], []
    for metric in METRICS:
        better, worse, neither, beaten = [], [], [], []
        for condition in conditions:
            for arm in SHARED:
                where = f"{arm} at {_percent(condition)}"
                gain, error = results.gains(condition, arm)[metric]
                if not sure(gain, error):
                    neither.append(where)
                elif gain > 0:
                    better.append(f"{where} {_signed(gain, error)}")
                else:
                    worse.append(f"{where} {_signed(gain, error)}")
                for baseline in BASELINES:
                    gain, error = results.gains(condition, baseline, against=arm)[metric]
                    if gain > 0 and sure(gain, error):
                        beaten.append(f"{baseline} beats {where} by {gain:.3f} ± {error:.3f}")
        _add_line(helps, metric, better)
        _add_line(hurts, metric, worse)
        _add_line(unclear, metric, neither)
        _add_line(no_network, metric, beaten)
    return helps, hurts, unclear, no_network


def _add_line(lines, metric, where):
    if where:
        lines.append(f"{metric}: {', '.join(where)}")


def _costs(results, condition):
    """Parameters and seconds of hard sharing against alone."""
    first = results.first(condition)
    alone = first["alone"]["parameters"]["total"]
    hard = first["hard"]["parameters"]["total"]
    slow = results.mean(condition, "alone", "seconds")
    fast = results.mean(condition, "hard", "seconds")
    return [
        f"{hard:,} against {alone:,} alone, {hard / alone - 1:+.0%}; soft sharing saves none",
        f"{fast:.1f} seconds to the least held-out loss, alone {slow:.1f}",
    ]


def _scarce(results, less, most):
    """Whether sharing gains more where less is known, and whether it replaces labels."""
    if less == most:
        return ["needs two fractions"]

    def gained(condition, column):
        """What hard sharing gains over alone, for each seed."""
        gains = results.values(condition, "hard") - results.values(condition, "alone")
        return np.where(HIGHER[column], 1, -1) * gains[:, column]

    lines = []
    for metric in MAIN.values():
        column = list(METRICS).index(metric)
        gain, error = transfer_gain(
            gained(most, column), gained(less, column), higher_is_better=True
        )
        if not sure(gain, error):
            verdict = "not clearly another"
        elif gain > 0:
            verdict = "larger"
        else:
            verdict = "smaller"
        few = results.values(less, "hard")[:, column].mean()
        many = results.values(most, "alone")[:, column].mean()
        lines.append(
            f"{metric}: hard sharing's gain at {_percent(less)} is {verdict} "
            f"than at {_percent(most)}, by {_signed(gain, error)}; "
            f"there it has {few:.3f}, alone at {_percent(most)} {many:.3f}"
        )
    return lines


def _rates(results, conditions, start):
    """A line for each rate whose name starts so: how often it happened in hard sharing."""
    lines = []
    for name in RATES:
        if not name.startswith(start):
            continue
        where = []
        for condition in conditions:
            runs = results.runs[condition].values()
            percents = 100 * np.array([run["hard"]["rates"][name] for run in runs])
            error = percents.std(ddof=1) / np.sqrt(len(percents))
            where.append(f"{percents.mean():.0f} ± {error:.0f} % at {_percent(condition)}")
        lines.append(f"{name}: {', '.join(where)}")
    return lines


def _rules(results):
    """Where a rule for the weights is better than the weights of hard sharing, and where worse."""
    if not any(set(RULES) & set(condition.arms) for condition in results.runs):
        return ["not tried: --rules"]
    better = []
    worse = []
    for condition in results.runs:
        for rule in [rule for rule in RULES if rule in condition.arms]:
            base = results.base(condition)
            gains = results.gains(condition, rule, "hard", of=base)
            for metric, (gain, error) in gains.items():
                if sure(gain, error):
                    text = f"{rule} at {_percent(condition)}, {metric} {_signed(gain, error)}"
                    (better if gain > 0 else worse).append(text)
    return [
        f"better: {', '.join(better) or 'nowhere'}",
        f"worse: {', '.join(worse) or 'nowhere'}",
    ]


# Pictures


def write(results: Results, folder: Path, comment: str = "") -> dict[Path, str]:
    """Write the pictures and, as CSV, every number.

    Returns the paths, each with what is to be seen there.
    """
    conditions = results.fractions()
    most = conditions[-1]
    pictures = {}  # file name -> (figure, what is to be seen there)
    seeds = len(results.runs[most])
    if seeds >= ENOUGH:
        for condition in conditions:
            name = f"gains-{100 * condition.fraction:g}.png"
            pictures[name] = _picture_of_gains(results, condition, seeds)
        if len(conditions) > 1:
            pictures["gain-by-fraction.png"] = _picture_of_fractions(results, conditions, seeds)
        pairs = _pairs_of_tasks(results, most)
        if pairs:
            pictures["transfer.png"] = _picture_of_transfer(results, most, pairs, seeds)
    pictures["network.png"] = _picture_of_network(most)
    run = results.first(most)
    if "history" in run["hard"]:
        pictures |= _pictures_of_training(run, most)

    written = {}
    for name, (figure, seen) in pictures.items():
        plots.save(figure, folder / name)
        written[folder / name] = seen
    results.write(folder / "results.csv", comment)
    written[folder / "results.csv"] = "every number of the tables, by seed"
    return written


def _picture_of_gains(results, condition, seeds):
    """Bars for soft and hard sharing, and for controls of hard sharing that shuffle the tables."""
    gains = {arm: results.gains(condition, arm) for arm in SHARED}
    for other in results.runs:
        is_control = replace(other, control="", arms=condition.arms) == condition
        if is_control and other.control in ("own ids", "tables"):
            name = f"hard, {other.control} shuffled"
            gains[name] = results.gains(other, "hard", of=condition)
    bars = {arm: _higher_is_better(by_metric) for arm, by_metric in gains.items()}
    figure = plots.gains(bars, seeds=seeds)
    figure.suptitle(
        f"What sharing gains when the answers of {_percent(condition)} of the products are known"
    )
    return figure, "transfer: bars that miss 0 are findings, left of it sharing hurts"


def _higher_is_better(by_metric):
    """The metrics of which higher is better."""
    return {metric: pair for metric, pair in by_metric.items() if METRICS[metric][1]}


def _picture_of_fractions(results, conditions, seeds):
    metric = MAIN["answer"]
    fractions = [condition.fraction for condition in conditions]
    curves = {}
    for arm in SHARED:
        pairs = [results.gains(condition, arm)[metric] for condition in conditions]
        gains = [gain for gain, _ in pairs]
        errors = [error for _, error in pairs]
        curves[arm] = (fractions, gains, errors)
    figure = plots.gain_by_fraction(curves, measure=metric, seeds=seeds)
    return figure, "whether the gain is larger when labels are scarce"


def _pairs_of_tasks(results, most):
    """tasks -> the condition that trains these two alone and is like `most` otherwise."""
    pairs = {}
    for condition in results.runs:
        is_alike = replace(condition, tasks=most.tasks, arms=most.arms) == most
        if len(condition.tasks) == 2 and is_alike:
            pairs[condition.tasks] = condition
    return pairs


def _picture_of_transfer(results, most, pairs, seeds):
    """What each task gains from each other, two at a time."""
    tasks = list(LOSSES)
    gains = np.full((len(tasks), len(tasks)), np.nan)
    errors = gains.copy()
    for s, t in permutations(range(len(tasks)), 2):
        both = tuple(task for task in tasks if task in (tasks[s], tasks[t]))
        by_metric = results.gains(pairs[both], "hard", of=most)
        gains[s, t], errors[s, t] = by_metric[MAIN[tasks[t]]]
    figure = plots.transfer_matrix(gains, errors, tasks, seeds=seeds)
    return figure, "which task helps which, two at a time"


def _picture_of_network(condition):
    split = Split(np.random.default_rng(0), condition)
    model = ARMS["hard"](*make_parts(split, np.random.default_rng(0), condition))
    return plots.network(model), "the network of hard sharing, and where its parameters are"


def _pictures_of_training(run, condition):
    """The pictures of one seed's training, which was looked at closely."""
    hard = run["hard"]
    history = hard["history"]
    tasks = list(condition.tasks)
    pictures = {
        "losses.png": _picture_of_losses(history),
        "cosines.png": (
            plots.cosines(history),
            "conflict comes and goes, and what the steps did to each loss below it",
        ),
        "harm.png": (
            plots.harm(history, tuple(tasks[:2])),
            "conflict is harm only beyond the curves, where one gradient outweighs the other",
        ),
        "step.png": _picture_of_step(hard["step"]),
        "layers.png": _picture_of_layers(hard["layers"], tasks),
        "embedding.png": _picture_of_features(run["alone"]["features"], hard["features"]),
    }
    histories = {condition.weights or "plain sum": history}
    histories |= {rule: run[rule]["history"] for rule in RULES if rule in run}
    if condition.weights or len(histories) > 1:
        pictures["weights.png"] = (
            plots.weights(histories),
            "how the tasks are weighed over time; a plain sum does not change",
        )
    return pictures


def _picture_of_losses(history):
    figure = plots.losses(history)
    figure.suptitle(
        "One guide's losses: training (solid), held out (dashed).\n"
        "In training, recommend also has to find the hidden half of a basket"
    )
    return figure, "one guide's training: where the held-out loss turns up, it begins to memorise"


def _picture_of_step(step):
    figure = plots.step(step)
    figure.suptitle(
        "One more step taken apart\n(evaluation: no dropout, no hidden half of a basket)"
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
