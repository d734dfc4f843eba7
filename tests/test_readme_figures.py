"""Every figure of the guide in the README stands in the committed results of `python -m tinymtl --full`."""

import re
from dataclasses import replace
from itertools import combinations, permutations
from pathlib import Path

import numpy as np
import pytest

from tinymtl import plots
from tinymtl.shop.experiment import LOSSES, METRICS, RULES, STRONGER, Condition, everything
from tinymtl.shop.report import Results, sure, write

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
RESULTS = Results.read(ROOT / "tutorials" / "shopping-guide.csv")
FEW, ALL = Condition(fraction=0.1), Condition()
SHORT = list(METRICS)[:6]


def number(x, digits=3, sign=""):
    return (
        f"{x:{sign}.{digits}f}".replace("-", "−").replace("0.", ".", 1)
        if abs(x) < 1
        else f"{x:{sign}.{digits}f}".replace("-", "−")
    )


def gain(pair):
    if np.isnan(pair[0]):
        return ""
    text = f"{number(pair[0], sign='+')} ± {number(pair[1])}"
    return f"**{text}**" if sure(*pair) else text


def mean(condition, arm, metric):
    value = RESULTS.values(condition, arm).mean(0)[list(METRICS).index(metric)]
    return "" if np.isnan(value) else number(value)


def row(name, *cells):
    return f"| {' | '.join([name, *cells])} |"


def main_rows():
    for metric in METRICS:
        cells = []
        for condition in (FEW, ALL):
            gains = [gain(RESULTS.gains(condition, arm)[metric]) for arm in ("soft", "hard")]
            cells += [mean(condition, "alone", metric), *gains]
        yield row(metric if METRICS[metric][1] else f"{metric}, fall", *cells)
    totals = [
        f"{next(iter(RESULTS.runs[ALL].values()))[arm]['parameters']['total']:,}"
        for arm in ("alone", "soft", "hard")
    ]
    yield row("parameters", *totals, *totals)


def baseline_rows():
    for metric in SHORT:
        yield row(
            metric,
            *(
                mean(ALL, arm, metric)
                for arm in (
                    "most common",
                    "nearest words",
                    "ridge regression",
                    "alone",
                    "soft",
                    "hard",
                )
            ),
        )


def control_rows():
    controls = [Condition(control=c, arms=("soft", "hard")) for c in ("own ids", "tables")]
    pairs = [Condition(tasks=p, arms=("hard",)) for p in combinations(LOSSES, 2)]
    for metric in SHORT:
        plain = [
            gain(RESULTS.gains(c, "hard")[metric])
            for c in (ALL, Condition(households=0.1), Condition(control="answers"))
        ]
        yield row(
            metric,
            *plain,
            *(gain(RESULTS.gains(c, "hard", of=ALL)[metric]) for c in (*controls, *pairs)),
        )


def decay_rows():
    for metric in SHORT:
        bases = ALL, FEW, Condition(households=0.1)
        yield row(
            metric,
            *(
                gain(
                    RESULTS.gains(replace(c, arms=tuple(STRONGER)), "alone, decayed", of=c)[metric]
                )
                for c in bases
            ),
        )


def variant_rows():
    for metric in SHORT:
        variants = (
            ALL,
            Condition(steps=600),
            Condition(trunk="recurrent"),
            Condition(trunk="convolutional"),
            Condition(dialogue=0.1),
        )
        yield row(metric, *(gain(RESULTS.gains(c, "hard")[metric]) for c in variants))


def fraction_rows():
    for metric in SHORT:
        yield row(
            metric,
            *(
                gain(RESULTS.gains(Condition(fraction=f), "hard")[metric])
                for f in (0.05, 0.1, 0.3, 1.0)
            ),
        )


def rule_rows():
    for metric in SHORT:
        yield row(
            metric,
            *(
                gain(RESULTS.gains(replace(c, arms=tuple(RULES)), rule, "hard", of=c)[metric])
                for c in (FEW, ALL)
                for rule in RULES
            ),
        )


def rate_rows():
    """The ranges over tasks: conflict of pairs, harm by task."""
    for kind, question, names in (
        (
            "conflict",
            "do the gradients of two tasks point apart, cosine < 0?",
            [f"conflict of {s} and {t}" for s, t in combinations(LOSSES, 2)],
        ),
        (
            "harm",
            "did a step raise a task's loss, to first order J Δθ > 0?",
            [f"steps that harm {t}" for t in LOSSES],
        ),
    ):
        cells = []
        for condition in (FEW, ALL):
            rates = {
                name.split(" ", 2 if kind == "conflict" else 3)[-1]: 100
                * np.array([run["hard"]["rates"][name] for run in RESULTS.runs[condition].values()])
                for name in names
            }
            cells.append(
                "; ".join(
                    f"{name} {x.mean():.0f} ± {x.std(ddof=1) / np.sqrt(len(x)):.0f} %"
                    for name, x in rates.items()
                )
            )
        yield row(kind, question, *cells)


TABLES = {
    "rates": rate_rows,
    "main": main_rows,
    "baselines": baseline_rows,
    "controls": control_rows,
    "decay": decay_rows,
    "variants": variant_rows,
    "fractions": fraction_rows,
    "rules": rule_rows,
}


@pytest.mark.parametrize(
    "name, line", [(name, line) for name, rows in TABLES.items() for line in rows()]
)
def test_every_row_of_the_tables_is_what_the_committed_results_say(name, line):
    assert line in README.splitlines()


def test_the_figures_in_the_prose_are_those_of_the_committed_results():
    few, some = (
        mean(FEW, "hard", "own brand, AUC"),
        mean(Condition(fraction=0.3), "alone", "own brand, AUC"),
    )
    assert (
        f"Hard sharing at 10 % ({few}) knows own brands at least as well as training alone at 30 % ({some})"
        in README
        and few >= some
    )
    long = [
        mean(Condition(steps=600), "alone", m)
        for m in ("true facts in replies", "category, accuracy")
    ]
    assert (
        f"After twice the steps alone itself states {long[0]} of the facts and names {long[1]} of the categories"
        in README
    )
    alone, hard = (
        next(iter(RESULTS.runs[ALL].values()))[arm]["parameters"]["total"]
        for arm in ("alone", "hard")
    )
    assert hard < alone / 2  # "less than half"
    once, twice = (
        RESULTS.gains(c, "hard")["category, accuracy"][0] for c in (ALL, Condition(steps=600))
    )
    assert 0.25 < twice / once < 0.42  # "a third of it is left"


def test_the_pictures_of_the_committed_results_hold_the_numbers_of_the_tables(
    tmp_path, monkeypatch
):
    drawn = {"transfer_matrix": [], "gains": []}
    for name, calls in drawn.items():
        draw = getattr(plots, name)
        monkeypatch.setattr(
            plots,
            name,
            lambda *numbers, draw=draw, calls=calls, **more: (
                calls.append(numbers) or draw(*numbers, **more)
            ),
        )
    write(RESULTS, tmp_path)
    ((gains, errors, tasks),) = drawn["transfer_matrix"]
    measures = dict(zip(LOSSES, ("new purchases, AUC", "own brand, AUC", "true facts in replies")))
    for s, t in permutations(range(3), 2):
        pair = Condition(
            tasks=tuple(task for task in LOSSES if task in (tasks[s], tasks[t])), arms=("hard",)
        )
        assert (gains[s, t], errors[s, t]) == RESULTS.gains(pair, "hard", of=ALL)[
            measures[tasks[t]]
        ]
    (bars,) = drawn["gains"][-1]
    for name, control in (
        ("hard, own ids shuffled", "own ids"),
        ("hard, tables shuffled", "tables"),
    ):
        expected = RESULTS.gains(Condition(control=control, arms=("soft", "hard")), "hard", of=ALL)
        assert bars[name] == {m: expected[m] for m in SHORT}
    assert bars["soft"]["own brand, AUC"] == RESULTS.gains(ALL, "soft")["own brand, AUC"]


def test_the_committed_results_are_those_of_the_full_experiment_with_ten_seeds_and_say_what_made_them():
    assert set(RESULTS.runs) == set(everything()) and {
        len(runs) for runs in RESULTS.runs.values()
    } == {10}
    command = (
        (ROOT / "tutorials" / "shopping-guide.csv").read_text(encoding="utf-8").splitlines()[0]
    )
    assert re.fullmatch(r"# python -m tinymtl --full.*: \d+ seconds on two cores", command)
