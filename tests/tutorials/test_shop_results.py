"""The page of the guide's results: what it says, it prints; what it prints, the results hold."""

import re
from pathlib import Path

import pytest

from tinymtl.interaction import sure
from tinymtl.shop.experiment import METRICS, everything
from tinymtl.shop.results import Results
from tinymtl.shop.split import Condition

TUTORIALS = Path(__file__).parents[2] / "tutorials"
CSV = TUTORIALS / "shopping-guide.csv"
PAGE = (TUTORIALS / "shop_results.md").read_text(encoding="utf-8")
PRINTED = re.findall(r"^```text\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
PROSE = re.sub(r"^```.*?^```$", "", PAGE, flags=re.MULTILINE | re.DOTALL)
RESULTS = Results.read(CSV)


def number(x, sign=""):
    return re.sub(r"\b0\.", ".", f"{x:{sign}.3f}")


def test_every_figure_in_the_prose_is_printed_by_a_cell():
    figures = re.findall(r"(?<![\w.])\.\d{3}", PROSE)
    assert len(figures) > 20
    for figure in figures:
        assert any(figure in text for text in PRINTED), f"no cell prints {figure}"


def test_the_page_prints_as_many_differences_as_it_says():
    n = int(re.search(r"more than (\d+) differences", PROSE)[1])
    printed = re.findall(r"[+-]\.\d{3} ± \.\d{3}", "".join(PRINTED))
    assert n < len(printed) < 1.25 * n


@pytest.mark.parametrize("fraction", [1.0, 0.1])
@pytest.mark.parametrize("measure", METRICS)
def test_the_main_table_of_the_page_is_that_of_the_report(measure, fraction):
    condition = Condition(fraction=fraction)
    alone = RESULTS.values(condition, "alone").mean(0)[list(METRICS).index(measure)]
    cells = [number(alone)]
    for arm in ("soft", "hard"):
        gain, error = RESULTS.gains(condition, arm)[measure]
        star = " *" if sure(gain, error) else ""
        cells.append(f"{number(gain, '+')} ± {number(error)}{star}")
    line = " ".join([measure, *cells])
    assert line in [" ".join(text.split()) for text in "".join(PRINTED).splitlines()]


def test_the_results_are_those_of_the_full_experiment_with_ten_seeds():
    assert set(RESULTS.runs) == set(everything())
    assert {len(runs) for runs in RESULTS.runs.values()} == {10}


def test_the_results_say_which_command_made_them():
    command, *_ = CSV.read_text(encoding="utf-8").splitlines()
    assert re.fullmatch(
        r"# python -m tinymtl --full.*: \d+ seconds (on two cores|in 2 processes)", command
    )
