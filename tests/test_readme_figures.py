"""Every figure of the guide in the README stands in the results of `python -m tinymtl --full`."""

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
FEW = Condition(fraction=0.1)
ALL = Condition()
FEW_HOUSEHOLDS = Condition(households=0.1)
SHORT = list(METRICS)[:6]

# Numbers as the README writes them


def number(x, digits=3, sign=""):
    """A proper minus, and no 0 before the point."""
    text = f"{x:{sign}.{digits}f}".replace("-", "−")
    return text.replace("0.", ".", 1) if abs(x) < 1 else text


def gain(metric, condition, arm, against="alone", of=None):
    """What an arm gains in a metric, ± its standard error; in bold if it is sure."""
    value, error = RESULTS.gains(condition, arm, against, of=of)[metric]
    if np.isnan(value):
        return ""
    text = f"{number(value, sign='+')} ± {number(error)}"
    return f"**{text}**" if sure(value, error) else text


def mean(condition, arm, metric):
    column = list(METRICS).index(metric)
    value = RESULTS.values(condition, arm).mean(0)[column]
    return "" if np.isnan(value) else number(value)


def parameters(arm):
    first = next(iter(RESULTS.runs[ALL].values()))
    return first[arm]["parameters"]["total"]


def percent(name, condition):
    """How often one of RATES happened in hard sharing."""
    runs = RESULTS.runs[condition].values()
    percents = 100 * np.array([run["hard"]["rates"][name] for run in runs])
    error = percents.std(ddof=1) / np.sqrt(len(percents))
    return f"{percents.mean():.0f} ± {error:.0f} %"


def row(name, *cells):
    return f"| {' | '.join([name, *cells])} |"


# The rows of its tables


def main_rows():
    for metric in METRICS:
        cells = []
        for condition in (FEW, ALL):
            cells.append(mean(condition, "alone", metric))
            cells += [gain(metric, condition, arm) for arm in ("soft", "hard")]
        _, is_higher_better = METRICS[metric]
        yield row(metric if is_higher_better else f"{metric}, fall", *cells)
    totals = [f"{parameters(arm):,}" for arm in ("alone", "soft", "hard")]
    yield row("parameters", *totals, *totals)


def baseline_rows():
    arms = ["most common", "nearest words", "ridge regression", "alone", "soft", "hard"]
    for metric in SHORT:
        yield row(metric, *(mean(ALL, arm, metric) for arm in arms))


def control_rows():
    plain = [ALL, FEW_HOUSEHOLDS, Condition(control="answers")]
    compared_with_all = [
        Condition(control="own ids", arms=("soft", "hard")),
        Condition(control="tables", arms=("soft", "hard")),
        *(Condition(tasks=pair, arms=("hard",)) for pair in combinations(LOSSES, 2)),
    ]
    for metric in SHORT:
        cells = [gain(metric, condition, "hard") for condition in plain]
        cells += [gain(metric, condition, "hard", of=ALL) for condition in compared_with_all]
        yield row(metric, *cells)


def decay_rows():
    for metric in SHORT:
        cells = []
        for base in (ALL, FEW, FEW_HOUSEHOLDS):
            decayed = replace(base, arms=tuple(STRONGER))
            cells.append(gain(metric, decayed, "alone, decayed", of=base))
        yield row(metric, *cells)


def variant_rows():
    variants = [
        ALL,
        Condition(steps=600),
        Condition(trunk="recurrent"),
        Condition(trunk="convolutional"),
        Condition(dialogue=0.1),
    ]
    for metric in SHORT:
        yield row(metric, *(gain(metric, condition, "hard") for condition in variants))


def fraction_rows():
    conditions = [Condition(fraction=fraction) for fraction in (0.05, 0.1, 0.3, 1.0)]
    for metric in SHORT:
        yield row(metric, *(gain(metric, condition, "hard") for condition in conditions))


def rule_rows():
    for metric in SHORT:
        cells = []
        for base in (FEW, ALL):
            with_rules = replace(base, arms=tuple(RULES))
            cells += [gain(metric, with_rules, rule, "hard", of=base) for rule in RULES]
        yield row(metric, *cells)


def rate_rows():
    """The ranges over tasks: conflict of pairs, harm by task."""
    pairs = [f"{s} and {t}" for s, t in combinations(LOSSES, 2)]
    conflicts = {pair: f"conflict of {pair}" for pair in pairs}
    yield row(
        "conflict",
        "do the gradients of two tasks point apart, cosine < 0?",
        rate_cell(conflicts, FEW),
        rate_cell(conflicts, ALL),
    )
    harms = {task: f"steps that harm {task}" for task in LOSSES}
    yield row(
        "harm",
        "did a step raise a task's loss, to first order J Δθ > 0?",
        rate_cell(harms, FEW),
        rate_cell(harms, ALL),
    )


def rate_cell(rates, condition):
    """rates: what the README calls a rate -> its name in RATES."""
    return "; ".join(f"{short} {percent(name, condition)}" for short, name in rates.items())


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


LINES = [(name, line) for name, rows in TABLES.items() for line in rows()]


@pytest.mark.parametrize("name, line", LINES)
def test_every_row_of_the_tables_is_what_the_committed_results_say(name, line):
    assert line in README.splitlines()


def test_the_figures_in_the_prose_are_those_of_the_committed_results():
    few = mean(FEW, "hard", "own brand, AUC")
    some = mean(Condition(fraction=0.3), "alone", "own brand, AUC")
    assert few >= some
    assert (
        f"Hard sharing at 10 % ({few}) knows own brands at least as well as "
        f"training alone at 30 % ({some})" in README
    )
    longer = Condition(steps=600)
    facts = mean(longer, "alone", "true facts in replies")
    categories = mean(longer, "alone", "category, accuracy")
    assert (
        f"After twice the steps alone itself states {facts} of the facts and "
        f"names {categories} of the categories" in README
    )
    assert parameters("hard") < parameters("alone") / 2  # "less than half"
    once, _ = RESULTS.gains(ALL, "hard")["category, accuracy"]
    twice, _ = RESULTS.gains(longer, "hard")["category, accuracy"]
    assert 0.25 < twice / once < 0.42  # "a third of it is left"


def recorded(monkeypatch, name):
    """The numbers that each later call of a picture is given."""
    calls = []
    draw = getattr(plots, name)

    def draw_and_record(*numbers, **options):
        calls.append(numbers)
        return draw(*numbers, **options)

    monkeypatch.setattr(plots, name, draw_and_record)
    return calls


def test_the_pictures_of_the_committed_results_hold_the_numbers_of_the_tables(
    tmp_path, monkeypatch
):
    matrices = recorded(monkeypatch, "transfer_matrix")
    bar_charts = recorded(monkeypatch, "gains")
    write(RESULTS, tmp_path)

    ((gains, errors, tasks),) = matrices
    measures = {
        "recommend": "new purchases, AUC",
        "answer": "own brand, AUC",
        "dialogue": "true facts in replies",
    }
    for s, t in permutations(range(3), 2):
        both = tuple(task for task in LOSSES if task in (tasks[s], tasks[t]))
        of_pair = RESULTS.gains(Condition(tasks=both, arms=("hard",)), "hard", of=ALL)
        assert (gains[s, t], errors[s, t]) == of_pair[measures[tasks[t]]]

    (bars,) = bar_charts[-1]
    for control in ("own ids", "tables"):
        condition = Condition(control=control, arms=("soft", "hard"))
        expected = RESULTS.gains(condition, "hard", of=ALL)
        assert bars[f"hard, {control} shuffled"] == {metric: expected[metric] for metric in SHORT}
    assert bars["soft"]["own brand, AUC"] == RESULTS.gains(ALL, "soft")["own brand, AUC"]


def test_the_committed_results_are_the_full_experiment_with_ten_seeds_and_say_what_made_them():
    assert set(RESULTS.runs) == set(everything())
    assert {len(runs) for runs in RESULTS.runs.values()} == {10}
    text = (ROOT / "tutorials" / "shopping-guide.csv").read_text(encoding="utf-8")
    command = text.splitlines()[0]
    assert re.fullmatch(r"# python -m tinymtl --full.*: \d+ seconds on two cores", command)
