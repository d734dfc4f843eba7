"""Runs of the experiment whose gains are known, because they are made up."""

from dataclasses import replace

from tinymtl.shop.baselines import BASELINES
from tinymtl.shop.experiment import METRICS, RATES, RULES
from tinymtl.shop.results import HIGHER, Results
from tinymtl.shop.split import Condition

COUNTS = {"shared": 0, "tasks": {}, "total": 1000}
SCARCE = Condition(fraction=0.1)
ALL = Condition()
METRIC = "own brand, AUC"


def rates(i):
    """One step of ten in conflict, i + 1 of ten that harmed dialogue."""
    return dict.fromkeys(RATES, 0.0) | {
        "conflict of recommend and answer": 0.1,
        "steps that harm dialogue": (i + 1) / 10,
    }


def results(gain, seeds=6, spread=0.01, baseline=0.0, rules=None, condition=SCARCE, into=None):
    """Made-up runs.

    Both shared arms are better than alone by `gain` on average, ± spread from seed to seed. Rules
    are better than hard by `rules`.
    """
    made = into or Results()
    tried = () if rules is None else tuple(RULES)
    condition = replace(condition, arms=("alone", "soft", "hard", *tried))
    for i in range(seeds):
        noise = spread if i % 2 else -spread
        alone = {metric: 0.5 + 0.1 * i for metric in METRICS}
        shared = better_by(gain + noise, alone)
        run = {}
        for arm in BASELINES:
            run[arm] = {"metrics": better_by(baseline, dict.fromkeys(METRICS, 0.0))}
        run["alone"] = {"metrics": alone, "parameters": COUNTS, "seconds": 1.0}
        for arm in ("soft", "hard"):
            run[arm] = {
                "metrics": shared,
                "parameters": COUNTS | {"total": 600},
                "seconds": 2.0,
                "rates": rates(i),
            }
        for rule in tried:
            run[rule] = {"metrics": better_by(rules + noise, shared), "seconds": 3.0}
        made.add(i, condition, run)
    return made


def better_by(gain, metrics):
    """Each metric better by `gain`: higher, or lower where lower is better."""
    values = {}
    for (metric, value), is_higher_better in zip(metrics.items(), HIGHER):
        values[metric] = value + gain if is_higher_better else value - gain
    return values


def control(made, gain, name="own ids"):
    """Add a condition of which only hard sharing was run.

    It is `gain` better than alone in the plain condition.
    """
    condition = Condition(control=name, arms=("hard",))
    for seed, run in list(made.runs[ALL].items()):
        values = better_by(gain, run["alone"]["metrics"])
        made.add(seed, condition, {"hard": {"metrics": values}})
    return made
