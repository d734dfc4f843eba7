"""What the report says is what the numbers carry, no more."""

import math
from dataclasses import replace

import numpy as np
import pytest

from tinymtl.shop.experiment import BASELINES, LOSSES, METRICS, RATES, RULES, Condition, everything
from tinymtl.shop.report import HIGHER, Results, findings, say, sure, table, who_follows

COUNTS = {"shared": 0, "tasks": {}, "total": 1000}
SCARCE, ALL = Condition(fraction=0.1), Condition()
METRIC = "own brand, AUC"


def rates(i):
    """One step of ten in conflict, i + 1 of ten that harmed dialogue."""
    return dict.fromkeys(RATES, 0.0) | {
        "conflict of recommend and answer": 0.1,
        "steps that harm dialogue": (i + 1) / 10,
    }


def results(gain, seeds=6, spread=0.01, baseline=0.0, rules=None, condition=SCARCE, into=None):
    """Made-up runs: both shared arms are better than alone by `gain` on average, ± spread from seed to seed; rules than hard by `rules`."""
    made = into or Results()
    better = dict(zip(METRICS, np.where(HIGHER, 1, -1)))
    for i in range(seeds):
        sign = 1 if i % 2 else -1
        alone = {m: 0.5 + 0.1 * i for m in METRICS}
        run = {arm: {"metrics": {m: baseline * better[m] for m in METRICS}} for arm in BASELINES}
        run["alone"] = {"metrics": alone, "parameters": COUNTS, "seconds": 1.0}
        for arm in ("soft", "hard"):
            metrics = {m: value + better[m] * (gain + sign * spread) for m, value in alone.items()}
            run[arm] = {
                "metrics": metrics,
                "parameters": COUNTS | {"total": 600},
                "seconds": 2.0,
                "rates": rates(i),
            }
        for rule in RULES if rules is not None else ():
            run[rule] = {
                "metrics": {
                    m: value + better[m] * (rules + sign * spread)
                    for m, value in run["hard"]["metrics"].items()
                },
                "seconds": 3.0,
            }
        made.add(
            i,
            replace(
                condition, arms=("alone", "soft", "hard", *(RULES if rules is not None else ()))
            ),
            run,
        )
    return made


def test_a_gain_is_the_paired_mean_and_its_standard_error():
    gain, error = results(0.2).gains(SCARCE, "hard")[METRIC]
    differences = [0.19, 0.21] * 3
    assert gain == pytest.approx(np.mean(differences))
    assert error == pytest.approx(np.sqrt(sum((d - 0.2) ** 2 for d in differences) / 5 / 6))


def test_less_than_three_standard_errors_are_no_finding():
    assert sure(0.31, 0.1) and sure(-0.31, 0.1) and not sure(0.29, 0.1) and not sure(-0.29, 0.1)


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
    assert results(0.2).gains(SCARCE, "hard")["perplexity of facts"] == pytest.approx(
        results(0.2).gains(SCARCE, "hard")[METRIC]
    )


def test_the_table_marks_what_is_sure_and_only_that():
    rows = {line.split("  ")[0].strip(): line for line in table(results(0.2), SCARCE).splitlines()}
    assert (
        "+0.200 ± 0.004 *" in rows[METRIC]
        and "+0.200 ± 0.004 *" in rows["perplexity of facts (fall)"]
    )
    assert "*" not in table(results(0.001), SCARCE)
    assert rows["parameters"].split() == ["parameters", "1,000", "600", "600"]


def control(made, gain, name="own ids"):
    """A condition of which only hard sharing was run, `gain` better than alone in the plain condition."""
    for seed, run in list(made.runs[ALL].items()):
        values = {
            m: v + (gain if up else -gain)
            for (m, v), up in zip(run["alone"]["metrics"].items(), HIGHER)
        }
        made.add(seed, Condition(control=name, arms=("hard",)), {"hard": {"metrics": values}})
    return made


def test_a_control_is_compared_with_alone_in_the_condition_that_it_controls():
    made = control(results(0.5, condition=ALL), 0.125)
    text = table(made, Condition(control="own ids", arms=("hard",)))
    assert (
        text.startswith("With control: own ids")
        and "+0.125 ± 0.000 *" in text
        and "0.500" not in text.split("alone", 1)[1].split("±")[0]
    )
    assert "control: own ids" not in findings(made) and made.fractions() == [ALL]


def test_scarce_data_is_judged_by_the_difference_of_paired_gains():
    made = results(0.5, condition=ALL, into=results(0.5))
    assert (
        "own brand, AUC: hard sharing's gain at 10 % is not clearly another than at 100 %, by +0.000 ± 0.000"
        in findings(made)
    )
    made = results(0.2, condition=ALL, into=results(0.5))
    assert (
        "own brand, AUC: hard sharing's gain at 10 % is larger than at 100 %, by +0.300 ± 0.000; there it has 1.250, alone at 100 % 0.750"
        in findings(made)
    )
    made = results(0.5, condition=ALL, into=results(0.2))
    assert "is smaller than at 100 %, by -0.300" in findings(made)


def test_what_is_written_is_read_again(tmp_path):
    made = control(results(0.5, condition=ALL, into=results(0.25)), 0.125)
    made.add(
        0,
        Condition(tasks=("recommend", "answer"), arms=("hard",)),
        {"hard": {"metrics": dict.fromkeys(METRICS, math.nan)}},
    )
    made.write(tmp_path / "results.csv", "made by hand")
    again = Results.read(tmp_path / "results.csv")
    assert list(again.runs) == list(made.runs) and all(
        list(again.runs[c]) == list(made.runs[c]) for c in made.runs
    )
    for c in made.runs:
        if c.tasks == tuple(LOSSES):
            assert table(again, c) == table(made, c)
    assert (tmp_path / "results.csv").read_text(encoding="utf-8").startswith("# made by hand\n")


def test_a_condition_says_what_is_special_about_it():
    assert (
        say(ALL) == "all answers" and len({say(c) for c in everything()}) >= len(everything()) - 5
    )  # rules and decay have the conditions they are compared in
    assert say(Condition(fraction=0.05, trunk="recurrent")) == "5 % of the answers, recurrent trunk"


def test_conflict_harm_and_transfer_are_three_findings():
    text = findings(results(0.2))
    assert "\n  conflict of recommend and answer: 10 ± 0 % at 10 %\n" in text
    error = 10 * np.sqrt(sum((k - 3.5) ** 2 for k in range(1, 7)) / 5 / 6)  # 1 to 6 steps of 10
    assert (
        f"\n  steps that harm dialogue: 35 ± {error:.0f} % at 10 %\n" in text
        and "\n  plain steps that harm dialogue: 0 ± 0 % at 10 %\n" in text
    )
    titles = [line for line in text.splitlines() if not line.startswith(" ")]
    assert [
        any(line.startswith(word) for line in titles)
        for word in ("Conflict", "Harm", "Better generalisation?")
    ] == [True] * 3


@pytest.mark.parametrize(
    "rules, side, other", [(0.2, "better", "worse"), (-0.2, "worse", "better")]
)
def test_rules_are_compared_with_the_plain_sum_of_hard_sharing(rules, side, other):
    made = results(0.5, rules=rules)
    condition = next(iter(made.runs))
    assert (
        f"{rules:+.3f} ± 0.004 *"
        in table(made, condition).split("what a rule for the weights gains over it")[1]
    )
    text = findings(made)
    assert (
        f"  {side}: Uncertainty at 10 %, {METRIC} {rules:+.3f} ± 0.004" in text
        and f"  {other}: nowhere" in text
    )


def test_a_chosen_rule_is_not_called_the_plain_sum():
    made = results(0.2, rules=0.1, condition=replace(SCARCE, weights="mgda"))
    assert "Hard sharing with mgda, and" in table(
        made, next(iter(made.runs))
    ) and "plain sum" not in findings(made)


def test_without_rules_nothing_speaks_of_them():
    assert "rule" not in table(results(0.2), SCARCE) and "not tried: --rules" in findings(
        results(0.2)
    )


def test_a_rule_says_which_arms_follow_it():
    assert "mgda for hard sharing" in who_follows(
        "mgda"
    ) and "PCGrad for hard sharing" in who_follows("PCGrad")
    assert "Random for all three arms" in who_follows(
        "Random"
    ) and "geometric for all three arms" in who_follows("geometric")
