"""What the report says is what the numbers carry, no more."""

import math
from dataclasses import replace

import numpy as np
import pytest

from tinymtl.shop.experiment import BASELINES, LOSSES, METRICS, RATES, RULES, Condition, everything
from tinymtl.shop.report import HIGHER, Results, findings, say, sure, table, who_follows

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


def test_a_gain_is_the_paired_mean_and_its_standard_error():
    gain, error = results(0.2).gains(SCARCE, "hard")[METRIC]
    differences = [0.19, 0.21] * 3
    assert gain == pytest.approx(np.mean(differences))
    assert error == pytest.approx(np.sqrt(sum((d - 0.2) ** 2 for d in differences) / 5 / 6))


def test_less_than_three_standard_errors_are_no_finding():
    assert sure(0.31, 0.1)
    assert sure(-0.31, 0.1)
    assert not sure(0.29, 0.1)
    assert not sure(-0.29, 0.1)


@pytest.mark.parametrize(
    "gain, paragraph",
    [
        (0.2, "Better generalisation? Sharing helps"),
        (-0.2, "It hurts"),
        (0.001, "No clear difference"),
    ],
)
def test_each_gain_stands_in_the_paragraph_that_its_standard_error_allows(gain, paragraph):
    text = findings(results(gain))
    title = None
    for line in text.splitlines():
        if not line.startswith(" "):
            title = line
        elif METRIC in line and not title.startswith("Better use"):
            assert title.startswith(paragraph)
    assert METRIC in text


def test_a_baseline_that_beats_the_network_is_named():
    assert "nearest words beats hard at 10 % by" in findings(results(0.1, baseline=5.0))
    assert "beats" not in findings(results(0.1, baseline=-5.0))


def test_too_few_seeds_conclude_nothing():
    assert findings(results(0.2, seeds=4)).startswith("4 seeds are too few")
    assert "*" not in table(results(0.2, seeds=4), SCARCE)


def test_a_fall_of_a_perplexity_is_a_gain():
    gains = results(0.2).gains(SCARCE, "hard")
    assert gains["perplexity of facts"] == pytest.approx(gains[METRIC])


def test_the_table_marks_what_is_sure_and_only_that():
    lines = table(results(0.2), SCARCE).splitlines()
    rows = {line.split("  ")[0].strip(): line for line in lines}
    assert "+0.200 ± 0.004 *" in rows[METRIC]
    assert "+0.200 ± 0.004 *" in rows["perplexity of facts (fall)"]
    assert "*" not in table(results(0.001), SCARCE)
    assert rows["parameters"].split() == ["parameters", "1,000", "600", "600"]


def control(made, gain, name="own ids"):
    """Add a condition of which only hard sharing was run.

    It is `gain` better than alone in the plain condition.
    """
    condition = Condition(control=name, arms=("hard",))
    for seed, run in list(made.runs[ALL].items()):
        values = better_by(gain, run["alone"]["metrics"])
        made.add(seed, condition, {"hard": {"metrics": values}})
    return made


def test_a_control_is_compared_with_alone_in_the_condition_that_it_controls():
    made = control(results(0.5, condition=ALL), 0.125)
    text = table(made, Condition(control="own ids", arms=("hard",)))
    assert text.startswith("With control: own ids")
    assert "+0.125 ± 0.000 *" in text
    assert "0.500" not in text.split("alone", 1)[1].split("±")[0]
    assert "control: own ids" not in findings(made)
    assert made.fractions() == [ALL]


def test_scarce_data_is_judged_by_the_difference_of_paired_gains():
    start = "own brand, AUC: hard sharing's gain at 10 % is"
    same = findings(results(0.5, condition=ALL, into=results(0.5)))
    assert f"{start} not clearly another than at 100 %, by +0.000 ± 0.000" in same
    larger = findings(results(0.2, condition=ALL, into=results(0.5)))
    assert (
        f"{start} larger than at 100 %, by +0.300 ± 0.000; "
        "there it has 1.250, alone at 100 % 0.750" in larger
    )
    smaller = findings(results(0.5, condition=ALL, into=results(0.2)))
    assert "is smaller than at 100 %, by -0.300" in smaller


def test_what_is_written_is_read_again(tmp_path):
    made = control(results(0.5, condition=ALL, into=results(0.25)), 0.125)
    pair = Condition(tasks=("recommend", "answer"), arms=("hard",))
    made.add(0, pair, {"hard": {"metrics": dict.fromkeys(METRICS, math.nan)}})
    made.write(tmp_path / "results.csv", "made by hand")
    again = Results.read(tmp_path / "results.csv")
    assert list(again.runs) == list(made.runs)
    for condition in made.runs:
        assert list(again.runs[condition]) == list(made.runs[condition])
        if condition.tasks == tuple(LOSSES):
            assert table(again, condition) == table(made, condition)
    assert (tmp_path / "results.csv").read_text(encoding="utf-8").startswith("# made by hand\n")


def test_a_condition_says_what_is_special_about_it():
    assert say(ALL) == "all answers"
    assert say(Condition(fraction=0.05, trunk="recurrent")) == "5 % of the answers, recurrent trunk"
    conditions = everything()
    # Five conditions, of rules and of decay, say the same as those they are compared with.
    assert len({say(condition) for condition in conditions}) >= len(conditions) - 5


def test_conflict_harm_and_transfer_are_three_findings():
    text = findings(results(0.2))
    assert "\n  conflict of recommend and answer: 10 ± 0 % at 10 %\n" in text
    error = 10 * np.sqrt(sum((k - 3.5) ** 2 for k in range(1, 7)) / 5 / 6)  # 1 to 6 steps of 10
    assert f"\n  steps that harm dialogue: 35 ± {error:.0f} % at 10 %\n" in text
    assert "\n  plain steps that harm dialogue: 0 ± 0 % at 10 %\n" in text
    titles = [line for line in text.splitlines() if not line.startswith(" ")]
    for word in ("Conflict", "Harm", "Better generalisation?"):
        assert any(title.startswith(word) for title in titles)


SIDES = [(0.2, "better", "worse"), (-0.2, "worse", "better")]


@pytest.mark.parametrize("rules, side, other", SIDES)
def test_rules_are_compared_with_the_plain_sum_of_hard_sharing(rules, side, other):
    made = results(0.5, rules=rules)
    (condition,) = made.runs
    _, below = table(made, condition).split("what a rule for the weights gains over it")
    assert f"{rules:+.3f} ± 0.004 *" in below
    text = findings(made)
    assert f"  {side}: Uncertainty at 10 %, {METRIC} {rules:+.3f} ± 0.004" in text
    assert f"  {other}: nowhere" in text


def test_a_chosen_rule_is_not_called_the_plain_sum():
    made = results(0.2, rules=0.1, condition=replace(SCARCE, weights="mgda"))
    (condition,) = made.runs
    assert "Hard sharing with mgda, and" in table(made, condition)
    assert "plain sum" not in findings(made)


def test_without_rules_nothing_speaks_of_them():
    assert "rule" not in table(results(0.2), SCARCE)
    assert "not tried: --rules" in findings(results(0.2))


def test_a_rule_says_which_arms_follow_it():
    for rule in ("mgda", "PCGrad"):
        assert f"{rule} for hard sharing" in who_follows(rule)
    for rule in ("Random", "geometric"):
        assert f"{rule} for all three arms" in who_follows(rule)
