"""What the report says is what the numbers carry, no more."""

import numpy as np
import pytest

from tinymtl.shop.experiment import METRICS
from tinymtl.shop.report import Results, findings, sure, table

COUNTS = {"shared": 0, "tasks": {}, "total": 1000}


def results(gain, seeds=6, spread=0.01, baseline=0.0):
    """Made-up runs: both shared arms differ from alone by `gain` on average, ± spread from seed to seed."""
    made = Results()
    for i in range(seeds):
        sign = 1 if i % 2 else -1
        alone = {m: 0.5 + 0.1 * i for m in METRICS}
        run = {arm: {"metrics": dict.fromkeys(METRICS, baseline)} for arm in ("most common", "nearest words")}
        run["alone"] = {"metrics": alone, "parameters": COUNTS, "seconds": 1.0}
        for arm in ("soft", "hard"):
            metrics = {m: value + gain + sign * spread for m, value in alone.items()}
            run[arm] = {"metrics": metrics, "parameters": COUNTS | {"total": 600}, "seconds": 2.0}
        made.add(i, 0.1, run)
    return made


def test_a_gain_is_the_paired_mean_and_its_standard_error():
    gain, error = results(0.2).gains(0.1, "hard")[METRICS[0]]
    differences = [0.19, 0.21] * 3
    assert gain == pytest.approx(np.mean(differences))
    assert error == pytest.approx(np.sqrt(sum((d - 0.2) ** 2 for d in differences) / 5 / 6))


def test_less_than_three_standard_errors_are_no_finding():
    assert sure(0.31, 0.1) and sure(-0.31, 0.1) and not sure(0.29, 0.1) and not sure(-0.29, 0.1)


@pytest.mark.parametrize("gain, paragraph", [(0.2, "Sharing helps"), (-0.2, "Sharing hurts"), (0.001, "No clear difference")])
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
