"""What the experiment found: the table, the findings in words, the pictures and the numbers behind them."""

from __future__ import annotations

import csv
from itertools import combinations, product
from pathlib import Path

import numpy as np

from .. import plots, weighting
from ..interaction import conflict_rate, harm_rate, transfer_gain
from .experiment import METRICS, RULES, make_rule

SHARED, BASELINES = ("soft", "hard"), ("most common", "nearest words")
ENOUGH = 5  # seeds, before a standard error is trusted with a finding


class Results:
    """values[fraction][arm] (seeds, metrics); what sharing gains is paired: the mean over seeds of arm − alone."""

    def __init__(self):
        self.runs, self.seeds = {}, []  # fraction -> list of results by arm, one for each seed

    def add(self, seed, fraction, results):
        self.runs.setdefault(fraction, []).append(results)
        self.seeds = [*self.seeds, *([] if seed in self.seeds else [seed])]

    def values(self, fraction, arm):
        return np.array([[run[arm]["metrics"][m] for m in METRICS] for run in self.runs[fraction]])

    def gains(self, fraction, arm, against="alone"):
        """metric -> (mean gain, its standard error)."""
        gain, error = transfer_gain(self.values(fraction, against), self.values(fraction, arm), higher_is_better=True)
        return {m: (float(d), float(e)) for m, d, e in zip(METRICS, gain, error)}

    def mean(self, fraction, arm, key):
        return float(np.mean([run[arm][key] for run in self.runs[fraction]]))

    def histories(self, fraction, arm):
        return [run[arm]["history"] for run in self.runs[fraction]]

    @property
    def rules(self):
        """The rules that hard sharing was also trained with."""
        return [rule for rule in RULES if rule in next(iter(self.runs.values()))[0]]


def sure(gain, error):
    return abs(gain) > plots.SURE * error


def table(results: Results, fraction: float) -> str:
    """A row for each metric: baselines, alone, and the gains of sharing ± their standard errors; under it the rules, against the plain sum."""
    runs = results.runs[fraction]
    trained = ("alone", *SHARED)
    lines = _rows(results, fraction, (*BASELINES, "alone"), SHARED, "alone")
    counts, seconds = [f"{runs[0][arm]['parameters']['total']:,}" for arm in trained], [f"{results.mean(fraction, arm, 'seconds'):.1f}" for arm in trained]
    lines += [_line(("parameters", "0", "0", *counts), 3), _line(("seconds to least held-out loss", "", "", *seconds), 3)]
    heading = f"Answers known for {100 * fraction:g} % of 700 products, {len(runs)} paired seeds. Tested on products whose answers, and households whose purchases, were not trained on."
    tables = [heading, "", *lines]
    if results.rules:
        tables += ["", "Hard sharing with its tuned plain sum, and what a rule for the weights changes:", *_rows(results, fraction, ("hard",), results.rules, "hard")]
        tables.append(_line(("seconds to least held-out loss", *(f"{results.mean(fraction, arm, 'seconds'):.1f}" for arm in ("hard", *results.rules))), 1))
    return "\n".join(tables)


def who_follows(rule: str) -> str:
    """Which arms the rule chose the weights of."""
    if weighting.needs_gramian(make_rule(rule, np.random.default_rng(0))):
        return f"Weights: {rule} for hard sharing. It needs a Gramian; alone and soft share no parameters and keep the tuned sum."
    return f"Weights: {rule} for all three arms."


def _rows(results, fraction, absolute, compared, against):
    """A line for each metric: the mean of some arms, and the differences of others from one of them, * where sure."""
    enough = len(results.runs[fraction]) >= ENOUGH
    values = {arm: results.values(fraction, arm).mean(0) for arm in absolute}
    gains = {arm: results.gains(fraction, arm, against) for arm in compared}
    lines = [_line(("", *absolute, *(f"{arm} − {against}" for arm in compared)), len(absolute))]
    for i, metric in enumerate(METRICS):
        cells = [f"{gain:+.3f} ± {error:.3f} {'*' if enough and sure(gain, error) else ' '}" for gain, error in (gains[arm][metric] for arm in compared)]
        lines.append(_line((metric, *(f"{mean[i]:.3f}" for mean in values.values()), *cells), len(absolute)))
    return lines


def _line(cells, narrow):
    return "  ".join([f"{cells[0]:30}", *(f"{cell:>{14 if i < narrow else 20}}" for i, cell in enumerate(cells[1:]))]).rstrip()


def findings(results: Results) -> str:
    """What the standard errors carry, for and against sharing, and what needed no network."""
    seeds = len(next(iter(results.runs.values())))
    if seeds < ENOUGH:
        return f"{seeds} seeds are too few to conclude anything: findings are stated from {ENOUGH} seeds on."
    helps, hurts, unclear, simple = {}, {}, {}, {}
    for metric, fraction, arm in product(METRICS, results.runs, SHARED):
        gain, error = results.gains(fraction, arm)[metric]
        where = f"{arm} at {100 * fraction:g} %"
        if sure(gain, error):
            (helps if gain > 0 else hurts).setdefault(metric, []).append(f"{where} {gain:+.3f} ± {error:.3f}")
        else:
            unclear.setdefault(metric, []).append(where)
        for base in BASELINES:
            gain, error = results.gains(fraction, base, against=arm)[metric]
            if sure(gain, error) and gain > 0:
                simple.setdefault(metric, []).append(f"{base} beats {where} by {gain:.3f} ± {error:.3f}")
    better, worse = [], []
    for fraction, rule in product(results.runs, results.rules):
        for metric, (gain, error) in results.gains(fraction, rule, against="hard").items():
            if sure(gain, error):
                (better if gain > 0 else worse).append(f"{rule} at {100 * fraction:g} %, {metric} {gain:+.3f} ± {error:.3f}")
    rules = {"Rules for the weights against the tuned plain sum of hard sharing": {"better": better or ["nowhere"], "worse": worse or ["nowhere"]}}
    last = list(results.runs.values())[-1][0]
    alone, soft, hard = (last[arm]["parameters"]["total"] for arm in ("alone", *SHARED))
    paragraphs = {
        "Conflict in hard sharing, two gradients with a negative cosine": {f"{100 * f:g} %": _conflict(results, f) for f in results.runs},
        "Harm in hard sharing, a task's loss raised by a step (to first order)": _harm(results),
        f"Transfer: sharing helps, by more than {plots.SURE} standard errors (marked * above)": helps,
        "Transfer: sharing hurts, by more than that": hurts,
        "Transfer: no clear difference from alone": unclear,
        "Better without a network": simple,
        **(rules if results.rules else {}),
        "Parameters": {"one trunk": [f"{hard:,} against {alone:,} alone, {hard / alone - 1:+.0%}"], "soft sharing": [f"{soft:,}, no saving"]},
    }
    lines = lambda found: [f"  {metric}: {', '.join(where)}" for metric, where in found.items()] or ["  nowhere"]
    return "\n".join("\n".join([f"{title}:", *lines(found)]) for title, found in paragraphs.items())


def _conflict(results, fraction):
    histories = results.histories(fraction, "hard")
    tasks, rates = histories[0].tasks, np.array([conflict_rate(history.cosines) for history in histories])
    mean = np.nanmean([np.nanmean(history.cosines, 0) for history in histories], 0)
    say = lambda s, t: f"{tasks[s]} and {tasks[t]} in {_percent(rates[:, s, t])} of the recorded steps, mean cosine {mean[s, t]:+.2f}"
    return [say(s, t) for s, t in combinations(range(len(tasks)), 2)]


def _harm(results):
    found = {}
    for fraction in results.runs:
        histories = results.histories(fraction, "hard")
        taken, plain = (np.array([harm_rate(rows) for rows in changes]) for changes in ([h.effects for h in histories], [h.predicted for h in histories]))
        for i, t in enumerate(histories[0].tasks):
            found[f"{t} at {100 * fraction:g} %"] = [f"by {_percent(taken[:, i])} of the steps taken; plain gradient descent would by {_percent(plain[:, i])}"]
    return found


def _percent(rates):
    return f"{100 * rates.mean():.0f} ± {100 * rates.std(ddof=1) / np.sqrt(len(rates)):.0f} %"


def write(results: Results, folder: Path) -> dict[Path, str]:
    """Write the pictures and, as CSV, every number; return the paths, each with what is to be seen there."""
    fractions = list(results.runs)
    seeds = len(results.runs[fractions[0]])
    pictures = {}
    if seeds >= ENOUGH:
        for fraction in fractions:
            figure = plots.gains({arm: results.gains(fraction, arm) for arm in SHARED}, seeds=seeds)
            figure.suptitle(f"What sharing gains when the answers of {100 * fraction:g} % of the products are known")
            pictures[f"gains-{100 * fraction:g}.png"] = figure, "transfer: bars that miss 0 are findings, left of it sharing hurts"
        if len(fractions) > 1:
            brand = {arm: [results.gains(f, arm)[METRICS[0]] for f in sorted(fractions)] for arm in SHARED}
            curves = {arm: (sorted(fractions), *map(list, zip(*pairs))) for arm, pairs in brand.items()}
            pictures["gain-by-fraction.png"] = plots.gain_by_fraction(curves, measure=METRICS[0], seeds=seeds), "whether the gain is larger when labels are scarce"
    run = results.runs[fractions[-1]][0]
    hard, tasks = run["hard"], run["hard"]["history"].tasks
    histories = {"plain sum": hard["history"]} | {rule: run[rule]["history"] for rule in results.rules}
    curves = plots.losses(hard["history"])
    curves.suptitle("One guide's losses: training (solid), held out (dashed).\nIn training, recommend also has to find the hidden half of a basket")
    pictures |= {
        "losses.png": (curves, "one guide's training: where the held-out loss turns up, it begins to memorise"),
        "cosines.png": (plots.cosines(hard["history"]), "conflict comes and goes, and what the steps did to each loss beside it"),
        "harm.png": (plots.harm(hard["history"]), "conflict is harm only beyond the curves, where one gradient outweighs the other"),
        "step.png": (plots.step(hard["step"]), "the last step taken apart: what was predicted of it, and what it did"),
        "layers.png": (plots.layers(hard["layers"], tasks), "in which layers the tasks agree and where they conflict"),
        "weights.png": (plots.weights(histories), "how each rule weighs the tasks over time; the plain sum does not change"),
    }
    for name, (figure, _) in pictures.items():
        plots.save(figure, folder / name)
    with open(folder / "results.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["fraction", "seed", "arm", *METRICS])
        for fraction, runs in results.runs.items():
            for seed, run in zip(results.seeds, runs):
                writer.writerows([fraction, seed, arm, *(f"{r['metrics'][m]:.6f}" for m in METRICS)] for arm, r in run.items())
    return {folder / name: seen for name, (_, seen) in pictures.items()} | {folder / "results.csv": "every number of the tables, by seed"}
