"""What the experiment found: the tables, the three claims with their evidence, the pictures and the numbers behind them."""

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
MAIN = {
    "recommend": "new purchases, AUC",
    "answer": "own brand, AUC",
    "dialogue": "true facts in replies",
}  # the measure that stands for a task


class Results:
    """runs[condition][seed][arm]; what sharing gains is paired: the mean over seeds of better minus alone, positive is better."""

    def __init__(self):
        self.runs = {}

    def add(self, seed: int, condition: Condition, results: dict):
        self.runs.setdefault(condition, {})[seed] = results

    def values(self, condition, arm):
        """(seeds, metrics)"""
        return np.array(
            [[run[arm]["metrics"][m] for m in METRICS] for run in self.runs[condition].values()]
        )

    def gains(self, condition, arm, against="alone", of=None):
        """metric -> (gain, its standard error) of an arm, against an arm of the same or another condition."""
        a, b = self.values(of or condition, against), self.values(condition, arm)
        gain, error = transfer_gain(
            np.where(HIGHER, a, -a), np.where(HIGHER, b, -b), higher_is_better=True
        )
        return {m: (float(d), float(e)) for m, d, e in zip(METRICS, gain, error)}

    def mean(self, condition, arm, key):
        return float(np.mean([run[arm][key] for run in self.runs[condition].values()]))

    def fractions(self):
        """The conditions with the three arms that differ from the last of them in the fraction of known answers alone."""
        plain = [c for c in self.runs if set(ARMS) <= set(c.arms)]
        last = max(
            (
                c
                for c in plain
                if replace(c, fraction=1.0, arms=()) == replace(plain[0], fraction=1.0, arms=())
            ),
            key=lambda c: c.fraction,
        )
        return sorted(
            (c for c in plain if replace(c, fraction=last.fraction, arms=last.arms) == last),
            key=lambda c: c.fraction,
        )

    def base(self, condition):
        """The condition whose arms a control, a pair of tasks or a rule is compared with."""
        if set(ARMS) <= set(condition.arms):
            return condition
        plain = replace(condition, control="", tasks=tuple(LOSSES), arms=())
        return next(
            c for c in self.runs if set(ARMS) <= set(c.arms) and replace(c, arms=()) == plain
        )

    def write(self, path: Path, comment: str = ""):
        with open(path, "w", newline="", encoding="utf-8") as file:
            file.write(comment and f"# {comment}\n")
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(
                [
                    *(f.name for f in fields(Condition)),
                    "seed",
                    "arm",
                    "parameters",
                    "seconds",
                    *METRICS,
                    *RATES,
                ]
            )
            for condition, runs in self.runs.items():
                plain = [
                    "+".join(x) if isinstance(x, tuple) else x for x in asdict(condition).values()
                ]
                for seed, run in runs.items():
                    for arm, r in run.items():
                        counts = (
                            [r["parameters"]["total"], f"{r['seconds']:.2f}"]
                            if "parameters" in r
                            else ["", ""]
                        )
                        found = [
                            *(r["metrics"][m] for m in METRICS),
                            *(r.get("rates", {}).get(name, np.nan) for name in RATES),
                        ]
                        writer.writerow(
                            [
                                *plain,
                                seed,
                                arm,
                                *counts,
                                *("" if np.isnan(x) else f"{x:.4f}" for x in found),
                            ]
                        )

    @classmethod
    def read(cls, path: Path) -> Results:
        results = cls()
        with open(path, newline="", encoding="utf-8") as file:
            for row in csv.DictReader(line for line in file if not line.startswith("#")):
                kinds = {f.name: type(f.default) for f in fields(Condition)}
                condition = Condition(
                    **{
                        name: tuple(filter(None, row[name].split("+")))
                        if kind is tuple
                        else kind(row[name])
                        for name, kind in kinds.items()
                    }
                )
                run = results.runs.setdefault(condition, {}).setdefault(int(row["seed"]), {})
                number = lambda name: float(row[name] or "nan")
                run[row["arm"]] = {
                    "metrics": {m: number(m) for m in METRICS},
                    "rates": {name: number(name) for name in RATES},
                }
                if row["parameters"]:
                    run[row["arm"]] |= {
                        "parameters": {"total": int(row["parameters"])},
                        "seconds": float(row["seconds"]),
                    }
        return results


def sure(gain, error):
    return abs(gain) > plots.SURE * error


def say(condition: Condition) -> str:
    """What is special about a condition."""
    parts = {
        "fraction": f"{100 * condition.fraction:g} % of the answers",
        "dialogue": f"{100 * condition.dialogue:g} % of the replies",
        "households": f"{100 * condition.households:g} % of the households",
        "tasks": " + ".join(condition.tasks),
        "trunk": f"{condition.trunk} trunk",
        "control": f"control: {condition.control}",
        "steps": f"{condition.steps} steps",
        "weights": condition.weights,
    }
    special = [
        text
        for name, text in parts.items()
        if getattr(condition, name) != getattr(Condition(), name)
    ]
    return ", ".join(special) or "all answers"


def table(results: Results, condition: Condition) -> str:
    """A row for each metric: baselines, alone, and the gains of sharing ± their standard errors; rules against hard sharing."""
    base = results.base(condition)
    first, seeds = next(iter(results.runs[condition].values())), len(results.runs[condition])
    lines, trained = (
        [
            f"With {say(condition)}, {seeds} paired seeds. Tested on products whose answers, and households whose purchases, were not trained on.",
            "",
        ],
        [*ARMS],
    )
    if base == condition:
        lines += _rows(results, condition, base, (*BASELINES, "alone"), SHARED, "alone")
        counts, seconds = (
            [f"{first[arm]['parameters']['total']:,}" for arm in trained],
            [f"{results.mean(condition, arm, 'seconds'):.1f}" for arm in trained],
        )
        lines += [
            _line((name, *("" for _ in BASELINES), *cells), 4)
            for name, cells in (("parameters", counts), ("seconds to least held-out loss", seconds))
        ]
    elif shared := [arm for arm in (*SHARED, *STRONGER) if arm in condition.arms]:
        lines += _rows(results, condition, base, ("alone",), shared, "alone")
    if rules := [rule for rule in RULES if rule in condition.arms]:
        lines += [
            f"Hard sharing with {_weights(condition)}, and what a rule for the weights gains over it:",
            *_rows(results, condition, base, ("hard",), rules, "hard"),
        ]
    return "\n".join(lines)


def who_follows(rule: str) -> str:
    """Which arms the rule chose the weights of."""
    if weighting.needs_gramian(make_rule(rule, np.random.default_rng(0))):
        return f"Weights: {rule} for hard sharing. It needs a Gramian; alone and soft share no parameters and keep the tuned sum."
    return f"Weights: {rule} for all three arms."


def _rows(results, condition, base, absolute, compared, against):
    """A line for each metric: the mean of some arms, and what others gain over one of them, * where sure."""
    enough = len(results.runs[condition]) >= ENOUGH
    values = {arm: results.values(base, arm).mean(0) for arm in absolute}
    gains = {arm: results.gains(condition, arm, against, of=base) for arm in compared}
    lines = [_line(("", *absolute, *(f"{arm} − {against}" for arm in compared)), len(absolute))]
    for i, metric in enumerate(METRICS):
        cells = [
            ""
            if np.isnan(gain)
            else f"{gain:+.3f} ± {error:.3f} {'*' if enough and sure(gain, error) else ' '}"
            for gain, error in (gains[arm][metric] for arm in compared)
        ]
        name = metric if HIGHER[i] else f"{metric} (fall)"
        lines.append(
            _line(
                (
                    name,
                    *("" if np.isnan(mean[i]) else f"{mean[i]:.3f}" for mean in values.values()),
                    *cells,
                ),
                len(absolute),
            )
        )
    return lines


def _weights(condition):
    return condition.weights or "its tuned plain sum"


def _line(cells, narrow):
    return "  ".join(
        [
            f"{cells[0]:30}",
            *(f"{cell:>{16 if i < narrow else 20}}" for i, cell in enumerate(cells[1:])),
        ]
    ).rstrip()


def findings(results: Results) -> str:
    """Three claims, each with what the standard errors carry for and against it; then conflict, harm, and what needed no network."""
    conditions = results.fractions()
    if (seeds := len(results.runs[conditions[-1]])) < ENOUGH:
        return f"{seeds} seeds are too few to conclude anything: findings are stated from {ENOUGH} seeds on."
    helps, hurts, unclear, simple = _sorted(results, conditions)
    less, most = conditions[0], conditions[-1]
    alone, hard = (
        next(iter(results.runs[most].values()))[arm]["parameters"]["total"]
        for arm in ("alone", "hard")
    )
    slow, fast = (results.mean(most, arm, "seconds") for arm in ("alone", "hard"))
    paragraphs = {
        f"Better generalisation? Sharing helps by more than {plots.SURE} standard errors (marked * above) in": helps,
        "It hurts by more than that in": hurts,
        "No clear difference from alone": unclear,
        "Fewer parameters? With one trunk": [
            f"{hard:,} against {alone:,} alone, {hard / alone - 1:+.0%}; soft sharing saves none",
            f"{fast:.1f} seconds to the least held-out loss, alone {slow:.1f}",
        ],
        "Better use of scarce data?": _scarce(results, less, most)
        if less != most
        else ["needs two fractions"],
        "Conflict in hard sharing, two gradients with a negative cosine": _rates(
            results, conditions, "conflict"
        ),
        "Harm in hard sharing, a task's loss raised by a step, to first order (plain: if it were gradient descent)": _rates(
            results, conditions, ("steps", "plain")
        ),
        "Better without a network": simple,
        f"Rules for the weights against hard sharing with {_weights(most)}": _rules(results),
    }
    return "\n".join(
        "\n".join([f"{title}:", *(f"  {line}" for line in lines or ["nowhere"])])
        for title, lines in paragraphs.items()
    )


def _sorted(results, conditions):
    """The metrics that gain, lose, or neither, and those in which a baseline wins."""
    found = [], [], [], []
    for metric in METRICS:
        texts = {0: [], 1: [], 2: [], 3: []}
        for condition in conditions:
            for arm in SHARED:
                gain, error = results.gains(condition, arm)[metric]
                kind = 2 if not sure(gain, error) else 0 if gain > 0 else 1
                texts[kind].append(
                    f"{arm} at {100 * condition.fraction:g} %"
                    + (f" {gain:+.3f} ± {error:.3f}" if kind < 2 else "")
                )
                for base in BASELINES:
                    gain, error = results.gains(condition, base, against=arm)[metric]
                    if gain > 0 and sure(gain, error):
                        texts[3].append(
                            f"{base} beats {arm} at {100 * condition.fraction:g} % by {gain:.3f} ± {error:.3f}"
                        )
        for lines, where in zip(found, texts.values()):
            lines += [f"{metric}: {', '.join(where)}"] if where else []
    return found


def _scarce(results, less, most):
    """Whether sharing gains more where less is known, and whether it replaces labels."""
    lines = []
    for task, metric in MAIN.items():
        i = list(METRICS).index(metric)
        gained = [
            np.where(HIGHER[i], 1, -1)
            * (results.values(c, "hard") - results.values(c, "alone"))[:, i]
            for c in (less, most)
        ]
        gain, error = transfer_gain(gained[1], gained[0], higher_is_better=True)
        verdict = (
            "larger"
            if gain > 0 and sure(gain, error)
            else "smaller"
            if sure(gain, error)
            else "not clearly another"
        )
        few, many = (
            results.values(less, "hard")[:, i].mean(),
            results.values(most, "alone")[:, i].mean(),
        )
        lines.append(
            f"{metric}: hard sharing's gain at {100 * less.fraction:g} % is {verdict} than at {100 * most.fraction:g} %, by {gain:+.3f} ± {error:.3f}; there it has {few:.3f}, alone at {100 * most.fraction:g} % {many:.3f}"
        )
    return lines


def _rates(results, conditions, kind):
    """For each rate of a kind: how often it happened in hard sharing, in each condition."""
    lines = []
    for name in (name for name in RATES if name.startswith(kind)):
        values = {
            c: 100 * np.array([run["hard"]["rates"][name] for run in results.runs[c].values()])
            for c in conditions
        }
        where = [
            f"{x.mean():.0f} ± {x.std(ddof=1) / np.sqrt(len(x)):.0f} % at {100 * c.fraction:g} %"
            for c, x in values.items()
        ]
        lines.append(f"{name}: {', '.join(where)}")
    return lines


def _rules(results):
    lines = {"better": [], "worse": []}
    for condition in results.runs:
        for rule in (r for r in RULES if r in condition.arms):
            for metric, (gain, error) in results.gains(
                condition, rule, "hard", of=results.base(condition)
            ).items():
                if sure(gain, error):
                    lines["better" if gain > 0 else "worse"].append(
                        f"{rule} at {100 * condition.fraction:g} %, {metric} {gain:+.3f} ± {error:.3f}"
                    )
    return (
        [f"{side}: {', '.join(where) or 'nowhere'}" for side, where in lines.items()]
        if any(set(RULES) & set(c.arms) for c in results.runs)
        else ["not tried: --rules"]
    )


def write(results: Results, folder: Path, comment: str = "") -> dict[Path, str]:
    """Write the pictures and, as CSV, every number; return the paths, each with what is to be seen there."""
    conditions = results.fractions()
    most, seeds = conditions[-1], len(results.runs[conditions[-1]])
    run = next(iter(results.runs[most].values()))
    hard, pictures = run["hard"], {}
    if seeds >= ENOUGH:
        for condition in conditions:
            controls = {
                f"hard, {c.control} shuffled": results.gains(c, "hard", of=condition)
                for c in results.runs
                if replace(c, control="", arms=condition.arms) == condition
                and c.control in ("own ids", "tables")
            }
            bars = {arm: results.gains(condition, arm) for arm in SHARED} | controls
            figure = plots.gains(
                {
                    arm: {m: pair for m, pair in gains.items() if METRICS[m][1]}
                    for arm, gains in bars.items()
                },
                seeds=seeds,
            )
            figure.suptitle(
                f"What sharing gains when the answers of {100 * condition.fraction:g} % of the products are known"
            )
            pictures[f"gains-{100 * condition.fraction:g}.png"] = (
                figure,
                "transfer: bars that miss 0 are findings, left of it sharing hurts",
            )
        if len(conditions) > 1:
            metric = MAIN["answer"]
            curves = {
                arm: (
                    [c.fraction for c in conditions],
                    *map(list, zip(*(results.gains(c, arm)[metric] for c in conditions))),
                )
                for arm in SHARED
            }
            pictures["gain-by-fraction.png"] = (
                plots.gain_by_fraction(curves, measure=metric, seeds=seeds),
                "whether the gain is larger when labels are scarce",
            )
        if pairs := {
            c.tasks: c
            for c in results.runs
            if len(c.tasks) == 2 and replace(c, tasks=most.tasks, arms=most.arms) == most
        }:
            gains = {
                (s, t): results.gains(
                    pairs[tuple(x for x in LOSSES if x in (s, t))], "hard", of=most
                )[MAIN[t]]
                for s, t in permutations(LOSSES, 2)
            }
            matrix = np.array(
                [[gains.get((s, t), (np.nan, np.nan)) for t in LOSSES] for s in LOSSES]
            )
            pictures["transfer.png"] = (
                plots.transfer_matrix(matrix[..., 0], matrix[..., 1], list(LOSSES), seeds=seeds),
                "which task helps which, two at a time",
            )
    model = ARMS["hard"](
        *make_parts(Split(np.random.default_rng(0), most), np.random.default_rng(0), most)
    )
    pictures["network.png"] = (
        plots.network(model),
        "the network of hard sharing, and where its parameters are",
    )
    if "history" in hard:
        pictures |= _of_training(run, most)
    for name, (figure, _) in pictures.items():
        plots.save(figure, folder / name)
    results.write(folder / "results.csv", comment)
    return {folder / name: seen for name, (_, seen) in pictures.items()} | {
        folder / "results.csv": "every number of the tables, by seed"
    }


def _of_training(run, condition):
    hard, tasks = run["hard"], list(condition.tasks)
    histories = {condition.weights or "plain sum": hard["history"]} | {
        rule: run[rule]["history"] for rule in RULES if rule in run
    }
    curves = plots.losses(hard["history"])
    curves.suptitle(
        "One guide's losses: training (solid), held out (dashed).\nIn training, recommend also has to find the hidden half of a basket"
    )
    step, layers = plots.step(hard["step"]), plots.layers(hard["layers"], tasks)
    step.suptitle("One more step taken apart\n(evaluation: no dropout, no hidden half of a basket)")
    layers.suptitle(
        "In which layers do the gradients conflict?\n(evaluation: no dropout, no hidden half of a basket)"
    )
    (alone, departments), (shared, _) = run["alone"]["features"], hard["features"]
    embedding = plots.embedding(
        {name: alone[name] for name in ("alone, recommend", "alone, answer")} | shared, departments
    )
    embedding.suptitle("Features of new products: do those of one department lie together?")
    pictures = {
        "losses.png": (
            curves,
            "one guide's training: where the held-out loss turns up, it begins to memorise",
        ),
        "cosines.png": (
            plots.cosines(hard["history"]),
            "conflict comes and goes, and what the steps did to each loss below it",
        ),
        "harm.png": (
            plots.harm(hard["history"], tuple(tasks[:2])),
            "conflict is harm only beyond the curves, where one gradient outweighs the other",
        ),
        "step.png": (step, "one more step taken apart: what was predicted of it, and what it did"),
        "layers.png": (layers, "in which layers the tasks agree and where they conflict"),
        "embedding.png": (
            embedding,
            "new products as one task's trunk sees them, and as the trunk of all three does",
        ),
    }
    if condition.weights or len(histories) > 1:
        pictures["weights.png"] = (
            plots.weights(histories),
            "how the tasks are weighed over time; a plain sum does not change",
        )
    return pictures
