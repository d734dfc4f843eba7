"""Gains are paired by seed, and what is written is read again."""

import math

import numpy as np
import pytest
from made_up_results import ALL, METRIC, SCARCE, control, results

from tinymtl.interaction import kind_of, sure
from tinymtl.shop.experiment import LOSSES, METRICS
from tinymtl.shop.report import table
from tinymtl.shop.results import Results
from tinymtl.shop.split import Condition


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
    kinds = {0.31: "better", -0.31: "worse", 0.29: "neither", -0.29: "neither", math.nan: "neither"}
    for gain, kind in kinds.items():
        assert kind_of(gain, 0.1) == kind


def test_a_fall_of_a_perplexity_is_a_gain():
    gains = results(0.2).gains(SCARCE, "hard")
    assert gains["perplexity of facts"] == pytest.approx(gains[METRIC])


def test_growth_is_the_paired_difference_of_two_gains():
    made = results(0.5, condition=ALL, into=results(0.2, spread=0.03))
    growth, error = made.growth(SCARCE, ALL, METRIC)
    differences = [-0.3 - 0.02, -0.3 + 0.02] * 3
    assert growth == pytest.approx(np.mean(differences))
    assert error == pytest.approx(np.sqrt(sum((d + 0.3) ** 2 for d in differences) / 5 / 6))
    fall, error_of_fall = made.growth(SCARCE, ALL, "perplexity of facts")
    assert (fall, error_of_fall) == pytest.approx((growth, error))


def test_a_rate_is_a_percentage_with_its_standard_error():
    mean, error = results(0.2).rate(SCARCE, "steps that harm dialogue")  # 10, 20, ..., 60 %
    assert mean == pytest.approx(35)
    assert error == pytest.approx(10 * np.sqrt(sum((k - 3.5) ** 2 for k in range(1, 7)) / 5 / 6))


def test_a_mean_is_over_the_seeds_and_none_if_a_seed_does_not_know():
    made = results(0.2)
    assert made.mean(SCARCE, "hard", "seconds") == 2.0
    assert made.mean(SCARCE, "hard", "steps") is None
    for seed, run in made.runs[SCARCE].items():
        run["hard"]["steps"] = 100 + 20 * seed
    assert made.mean(SCARCE, "hard", "steps") == 150


def test_controls_and_pairs_of_tasks_are_found_beside_what_they_are_compared_with():
    made = control(results(0.5, condition=ALL, into=results(0.2)), 0.125)
    made = control(made, 0.25, "tables")
    both = ("recommend", "answer")
    pair = Condition(tasks=both, arms=("hard",))
    made.add(0, pair, {"hard": {"metrics": dict.fromkeys(METRICS, 0.5)}})
    controls = made.controls(ALL)
    assert {name: condition.control for name, condition in controls.items()} == {
        "own ids": "own ids",
        "tables": "tables",
    }
    assert made.pairs(ALL) == {both: pair}
    for condition in (pair, *controls.values()):
        assert made.base(condition) == ALL
    assert made.controls(SCARCE) == made.pairs(SCARCE) == {}
    assert made.fractions() == [SCARCE, ALL]


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
