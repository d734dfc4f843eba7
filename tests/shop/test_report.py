"""What the report says is what the numbers carry, no more."""

import numpy as np
import pytest

from tinymtl import History
from tinymtl.shop.experiment import METRICS, RULES
from tinymtl.shop.report import Results, findings, sure, table, who_follows

COUNTS = {"shared": 0, "tasks": {}, "total": 1000}


def a_history(i):
    """Ten steps: one in conflict, in which i + 1 steps raised the second loss, and plain gradient descent none."""
    history, effects = History(["recommend", "answer"]), -np.ones((10, 2))
    effects[: i + 1, 1] = 1
    history.cosines = np.array([[[1, ρ], [ρ, 1]] for ρ in [-0.5] + 9 * [0.5]])
    history.effects, history.predicted = effects, -np.ones((10, 2))
    return history


def results(gain, seeds=6, spread=0.01, baseline=0.0, rules=None):
    """Made-up runs: both shared arms differ from alone by `gain` on average, ± spread from seed to seed; rules from hard by `rules`."""
    made = Results()
    for i in range(seeds):
        sign = 1 if i % 2 else -1
        alone = {m: 0.5 + 0.1 * i for m in METRICS}
        run = {arm: {"metrics": dict.fromkeys(METRICS, baseline)} for arm in ("most common", "nearest words")}
        run["alone"] = {"metrics": alone, "parameters": COUNTS, "seconds": 1.0}
        for arm in ("soft", "hard"):
            metrics = {m: value + gain + sign * spread for m, value in alone.items()}
            run[arm] = {"metrics": metrics, "parameters": COUNTS | {"total": 600}, "seconds": 2.0, "history": a_history(i)}
        for rule in RULES if rules is not None else ():
            run[rule] = {"metrics": {m: value + rules + sign * spread for m, value in run["hard"]["metrics"].items()}, "seconds": 3.0}
        made.add(i, 0.1, run)
    return made


def test_a_gain_is_the_paired_mean_and_its_standard_error():
    gain, error = results(0.2).gains(0.1, "hard")[METRICS[0]]
    differences = [0.19, 0.21] * 3
    assert gain == pytest.approx(np.mean(differences))
    assert error == pytest.approx(np.sqrt(sum((d - 0.2) ** 2 for d in differences) / 5 / 6))


def test_less_than_three_standard_errors_are_no_finding():
    assert sure(0.31, 0.1) and sure(-0.31, 0.1) and not sure(0.29, 0.1) and not sure(-0.29, 0.1)


@pytest.mark.parametrize("gain, paragraph", [(0.2, "Transfer: sharing helps"), (-0.2, "Transfer: sharing hurts"), (0.001, "Transfer: no clear difference")])
def test_each_gain_stands_in_the_paragraph_that_its_standard_error_allows(gain, paragraph):
    text = findings(results(gain))
    title = None
    for line in text.splitlines():
        if not line.startswith(" "):
            title = line
        elif METRICS[0] in line:
            assert title.startswith(paragraph)
    assert METRICS[0] in text


def test_a_baseline_that_beats_the_network_is_named():
    assert "nearest words beats hard at 10 % by" in findings(results(0.1, baseline=5.0))
    assert "beats" not in findings(results(0.1))


def test_too_few_seeds_conclude_nothing():
    assert findings(results(0.2, seeds=4)).startswith("4 seeds are too few")
    assert "*" not in table(results(0.2, seeds=4), 0.1)


def test_the_table_marks_what_is_sure_and_only_that():
    rows = {line.split("  ")[0].strip(): line for line in table(results(0.2), 0.1).splitlines()}
    assert "+0.200 ± 0.004 *" in rows[METRICS[0]]
    assert "*" not in table(results(0.001), 0.1)
    assert rows["parameters"].split() == ["parameters", "0", "0", "1,000", "600", "600"]


def test_conflict_harm_and_transfer_are_three_findings():
    text = findings(results(0.2))
    assert "Conflict in hard sharing, two gradients with a negative cosine:\n  10 %: recommend and answer in 10 ± 0 % of the recorded steps, mean cosine +0.40" in text
    error = 10 * np.sqrt(sum((k - 3.5) ** 2 for k in range(1, 7)) / 5 / 6)  # 1 to 6 steps of 10
    assert f"  answer at 10 %: by 35 ± {error:.0f} % of the steps taken; plain gradient descent would by 0 ± 0 %" in text
    assert "  recommend at 10 %: by 0 ± 0 % of the steps taken" in text
    assert [line.split(":")[0] for line in text.splitlines() if line.startswith("Transfer")] == 3 * ["Transfer"]


@pytest.mark.parametrize("rules, side, other", [(0.2, "better", "worse"), (-0.2, "worse", "better")])
def test_rules_are_compared_with_the_plain_sum_of_hard_sharing(rules, side, other):
    made = results(0.5, rules=rules)
    assert f"{rules:+.3f} ± 0.004 *" in table(made, 0.1).split("what a rule for the weights changes")[1]
    text = findings(made)
    assert f"  {side}: Uncertainty at 10 %, {METRICS[0]} {rules:+.3f} ± 0.004" in text and f"  {other}: nowhere" in text


def test_without_rules_nothing_speaks_of_them():
    assert "rule" not in table(results(0.2), 0.1) and "Rules" not in findings(results(0.2))


def test_a_rule_says_which_arms_follow_it():
    assert "mgda for hard sharing" in who_follows("mgda") and "PCGrad for hard sharing" in who_follows("PCGrad")
    assert "Random for all three arms" in who_follows("Random") and "geometric for all three arms" in who_follows("geometric")
