"""What the experiment found: the table, the findings in words, the pictures and the numbers behind them."""

from __future__ import annotations

import csv
from itertools import product
from pathlib import Path

import numpy as np

from .. import plots
from .experiment import METRICS

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
        difference = self.values(fraction, arm) - self.values(fraction, against)
        n = len(difference)
        error = difference.std(0, ddof=1) / np.sqrt(n) if n > 1 else np.full(len(METRICS), np.inf)
        return {m: (float(d), float(e)) for m, d, e in zip(METRICS, difference.mean(0), error)}

    def mean(self, fraction, arm, key):
        return float(np.mean([run[arm][key] for run in self.runs[fraction]]))


def sure(gain, error):
    return abs(gain) > plots.SURE * error


def table(results: Results, fraction: float) -> str:
    """A row for each metric: baselines, alone, and the gains of sharing ± their standard errors."""
    runs = results.runs[fraction]
    enough = len(runs) >= ENOUGH
    arms = {arm: results.values(fraction, arm).mean(0) for arm in (*BASELINES, "alone")}
    gains = {arm: results.gains(fraction, arm) for arm in SHARED}
    rows = [("", *arms, *(f"{arm} − alone" for arm in SHARED))]
    for i, metric in enumerate(METRICS):
        cells = [f"{gains[arm][metric][0]:+.3f} ± {gains[arm][metric][1]:.3f} {'*' if enough and sure(*gains[arm][metric]) else ' '}" for arm in SHARED]
        rows.append((metric, *(f"{values[i]:.3f}" for values in arms.values()), *cells))
    trained = ("alone", *SHARED)
    counts, seconds = [f"{runs[0][arm]['parameters']['total']:,}" for arm in trained], [f"{results.mean(fraction, arm, 'seconds'):.1f}" for arm in trained]
    rows += [("parameters", "0", "0", *counts), ("seconds to least held-out loss", "", "", *seconds)]
    lines = ["  ".join([f"{row[0]:30}", *(f"{cell:>{14 if i < 3 else 18}}" for i, cell in enumerate(row[1:]))]).rstrip() for row in rows]
    heading = f"Answers known for {100 * fraction:g} % of 700 products, {len(runs)} paired seeds. Tested on products whose answers, and households whose purchases, were not trained on."
    return "\n".join([heading, "", *lines])


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
    last = list(results.runs.values())[-1][0]
    alone, soft, hard = (last[arm]["parameters"]["total"] for arm in ("alone", *SHARED))
    paragraphs = {
        f"Sharing helps, by more than {plots.SURE} standard errors (marked * above)": helps,
        "Sharing hurts, by more than that": hurts,
        "No clear difference from alone": unclear,
        "Better without a network": simple,
        "Parameters": {"one trunk": [f"{hard:,} against {alone:,} alone, {hard / alone - 1:+.0%}"], "soft sharing": [f"{soft:,}, no saving"]},
    }
    lines = lambda found: [f"  {metric}: {', '.join(where)}" for metric, where in found.items()] or ["  nowhere"]
    return "\n".join("\n".join([f"{title}:", *lines(found)]) for title, found in paragraphs.items())


def write(results: Results, folder: Path) -> list[Path]:
    """Write the pictures and, as CSV, every number; return the paths."""
    fractions = list(results.runs)
    seeds = len(results.runs[fractions[0]])
    pictures = {}
    if seeds >= ENOUGH:
        for fraction in fractions:
            figure = plots.gains({arm: results.gains(fraction, arm) for arm in SHARED}, seeds=seeds)
            figure.suptitle(f"What sharing gains when the answers of {100 * fraction:g} % of the products are known")
            pictures[f"gains-{100 * fraction:g}.png"] = figure
        if len(fractions) > 1:
            brand = {arm: [results.gains(f, arm)[METRICS[0]] for f in sorted(fractions)] for arm in SHARED}
            curves = {arm: (sorted(fractions), *map(list, zip(*pairs))) for arm, pairs in brand.items()}
            pictures["gain-by-fraction.png"] = plots.gain_by_fraction(curves, measure=METRICS[0], seeds=seeds)
    history = results.runs[fractions[-1]][0]["hard"]["history"]
    pictures |= {"losses.png": plots.losses(history), "cosines.png": plots.cosines(history)}
    pictures["losses.png"].suptitle("One guide's losses: training (solid), held out (dashed).\nIn training, recommend also has to find the hidden half of a basket")
    for name, figure in pictures.items():
        plots.save(figure, folder / name)
    with open(folder / "results.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["fraction", "seed", "arm", *METRICS])
        for fraction, runs in results.runs.items():
            for seed, run in zip(results.seeds, runs):
                writer.writerows([fraction, seed, arm, *(f"{r['metrics'][m]:.6f}" for m in METRICS)] for arm, r in run.items())
    return [folder / name for name in (*pictures, "results.csv")]
