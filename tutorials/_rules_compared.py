"""Chapter 7's comparison of a tuned plain sum with eight rules, over 20 seeds.

    python tutorials/_rules_compared.py --compare    all runs, into rules_compared.csv

This takes about five minutes, so the results are kept in rules_compared.csv.

Two regressions share a trunk of three units. The loss of task "a" comes in a unit in
which it is a hundred times as large, as a squared error in other units would. Every arm
is tried with the same four learning rates, and each run keeps the parameters that were
best on validation data. Then the rate, and the weight of the plain sum, are chosen on
validation data as well. Test data is looked at last.
"""

import csv
import sys
from pathlib import Path

import numpy as np
import tinymtl as mtl

FILE = Path(__file__).parent / "rules_compared.csv"
SEEDS = 20
STEPS = 400
RATES = (0.01, 0.03, 0.1, 0.3)
WEIGHTS = (1.0, 0.1, 0.03, 0.01, 0.003, 0.001)  # of task "a" in the plain sum
UNIT = 100.0  # how much larger its loss is


def in_another_unit(output, target):
    return UNIT * mtl.mse(output, target)


LOSSES = {"a": in_another_unit, "b": mtl.mse}
MEASURES = {"a": mtl.mse, "b": mtl.mse}


def judge(losses):
    """What is called best: the least mean of the two losses in their own units."""
    return (losses["a"] / UNIT + losses["b"]) / 2


def rules(rng):
    """name -> rule, new ones for each run, because some remember."""
    return {
        "Random": mtl.weighting.Random(rng),
        "Uncertainty": mtl.weighting.Uncertainty(("a", "b"), learning_rate=0.05),
        "geometric": mtl.weighting.geometric,
        "PCGrad": mtl.weighting.PCGrad(rng),
        "mgda": mtl.weighting.mgda,
        "cagrad": mtl.weighting.cagrad,
        "imtl_g": mtl.weighting.imtl_g,
        "nash_mtl": mtl.weighting.nash_mtl,
    }


def run(seed, rate, weights):
    """(validation, test): the means over tasks, for one run."""
    rng = np.random.default_rng(seed)
    train, rest = mtl.datasets.related_tasks(rng, relatedness=0.5, n_test=1200)
    validation = {t: (X[:200], y[:200]) for t, (X, y) in rest.items()}
    test = {t: (X[200:], y[200:]) for t, (X, y) in rest.items()}
    trunk = mtl.Sequential(mtl.Dense(8, 3, rng), mtl.tanh)
    heads = {t: mtl.Dense(3, 1, rng) for t in train}
    model = mtl.HardSharing(trunk, heads)
    mtl.fit(
        model,
        train,
        LOSSES,
        optimizer=mtl.Adam(rate),
        steps=STEPS,
        weights=weights,
        held_out=validation,
        evaluate_every=20,
        patience=STEPS,
        judge=judge,
        quiet=True,
    )
    found = [mtl.evaluate(model, data, MEASURES) for data in (validation, test)]
    return [(losses["a"] + losses["b"]) / 2 for losses in found]


def compare():
    with open(FILE, "w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("arm", "weight", "rate", "seed", "validation", "test"))
        for seed in range(SEEDS):
            for rate in RATES:
                for weight in WEIGHTS:
                    found = run(seed, rate, {"a": weight, "b": 1.0})
                    row = [f"{number:.5g}" for number in found]
                    table.writerow(("plain sum", weight, rate, seed, *row))
                for name, rule in rules(np.random.default_rng(1000 + seed)).items():
                    found = run(seed, rate, rule)
                    row = [f"{number:.5g}" for number in found]
                    table.writerow((name, "", rate, seed, *row))
            file.flush()
    print(FILE)


def read():
    """(arm, weight) -> (validation, test), each (rates, seeds)."""
    with open(FILE, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    results = {}
    for row in rows:
        arm = row["arm"], float(row["weight"] or 1)
        nothing = np.full((len(RATES), SEEDS), np.nan)
        validation, test = results.setdefault(arm, (nothing, nothing.copy()))
        place = RATES.index(float(row["rate"])), int(row["seed"])
        validation[place] = float(row["validation"])
        test[place] = float(row["test"])
    return results


def chosen(arms):
    """Test losses (seeds,) of the arm and rate that are best on validation data.

    arms: a list of (validation, test), each (rates, seeds). One choice for all seeds.
    """
    validation = np.concatenate([validation for validation, _ in arms])
    test = np.concatenate([test for _, test in arms])
    return test[validation.mean(1).argmin()]


if __name__ == "__main__":
    if sys.argv[1:] != ["--compare"]:
        sys.exit(__doc__)
    compare()
