"""The front page: its examples run and print what it shows, its figures are true."""

import contextlib
import io
import os
import re
from pathlib import Path

import numpy as np
import pytest

import tinymtl as mtl
from tinymtl.shop.experiment import METRICS
from tinymtl.shop.results import Results
from tinymtl.shop.split import Condition

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
TEXT = re.findall(r"```text\n(.*?)```", README, re.DOTALL)


@pytest.fixture(scope="module")
def twenty_lines(tmp_path_factory):
    folder = tmp_path_factory.mktemp("readme")
    before = os.getcwd()
    os.chdir(folder)  # they write a picture
    printed = io.StringIO()
    try:
        names = {}
        with contextlib.redirect_stdout(printed):
            exec(PYTHON[0], names)
    finally:
        os.chdir(before)
    assert (folder / "cosines.png").stat().st_size > 1000
    names["printed"] = printed.getvalue()
    return names


@pytest.fixture
def names(twenty_lines):
    """What the twenty lines define, and under `printed` what they print."""
    return dict(twenty_lines)


def numbers(text):
    return np.array(re.findall(r"\d\.\d{3}", text), float)


def test_the_twenty_lines_print_what_the_page_shows(names):
    got = names["printed"]
    assert re.sub(r"\d", "0", got) == re.sub(r"\d", "0", TEXT[0])
    # Another linear algebra rounds otherwise, and 300 steps make more of it.
    np.testing.assert_allclose(numbers(got), numbers(TEXT[0]), atol=0.02)


def test_the_arms_of_the_twenty_lines_start_equal_and_see_the_same_batches(names):
    first = {
        name: mtl.evaluate(model, names["train"], names["losses"])
        for name, model in {
            "alone": mtl.SingleTask(names["trunk"], names["heads"]),
            "soft": mtl.SoftSharing(names["trunk"], names["heads"], strength=0.1),
            "hard": mtl.HardSharing(names["trunk"], names["heads"]),
        }.items()
    }
    assert first["alone"] == first["soft"] == first["hard"]
    assert PYTHON[0].count("rng=np.random.default_rng(1)") == 1


def test_the_step_written_out_is_that_of_fit(names):
    model = mtl.HardSharing(names["trunk"], names["heads"])
    fitted = mtl.HardSharing(names["trunk"], names["heads"])
    weights = {"a": 1.0, "b": 0.5}
    batch = names["train"]
    losses = names["losses"]
    steps = 3

    def schedule(progress):
        return 0.1 * (1 - progress)

    mtl.fit(fitted, batch, losses, weights=weights, optimizer=mtl.SGD(schedule), steps=steps)
    here = names | {"model": model, "batch": batch, "weights": weights, "steps": steps}
    here["optimizer"] = mtl.SGD(schedule)
    for k in range(steps):
        exec(PYTHON[1], here | {"k": k})
    np.testing.assert_array_equal(model.theta, fitted.theta)


def test_the_rule_of_ones_own_trains_and_gives_every_task_the_same_weighted_norm(names):
    exec(PYTHON[2], names)
    model = mtl.HardSharing(names["trunk"], names["heads"])
    history = mtl.fit(
        model,
        names["train"],
        names["losses"],
        weights=names["inverse_norm"],
        optimizer=mtl.SGD(0.1),
        steps=2,
        cosines_every=1,
    )
    weights = np.stack([history.weights[t] for t in history.tasks], 1)
    weighted_norms = weights * history.norms
    np.testing.assert_allclose(weighted_norms[:, 0], weighted_norms[:, 1])


def written(x, sign=""):
    """As the page writes numbers: a proper minus, and no 0 before the point."""
    return re.sub(r"\b0\.", ".", f"{x:{sign}.3f}").replace("-", "−")


def test_the_table_of_findings_is_that_of_the_results():
    results = Results.read(ROOT / "tutorials" / "shopping-guide.csv")
    alone = dict(zip(METRICS, results.values(Condition(), "alone").mean(0)))
    gains = {arm: results.gains(Condition(), arm) for arm in ("soft", "hard")}
    rows = re.findall(r"^\| (.*?, .*?) \| (\..*?) \| (.*?) \| (.*?) \|$", README, re.MULTILINE)
    assert len(rows) == 4
    for measure, *cells in rows:
        expected = [written(alone[measure])]
        for arm in ("soft", "hard"):
            gain, error = gains[arm][measure]
            expected.append(f"{written(gain, '+')} ± {written(error)}")
        assert cells == expected


def test_the_parameters_that_hard_sharing_saves_are_those_of_the_results():
    results = Results.read(ROOT / "tutorials" / "shopping-guide.csv")
    run = next(iter(results.runs[Condition()].values()))
    total = {arm: run[arm]["parameters"]["total"] for arm in ("alone", "hard")}
    saved = 1 - total["hard"] / total["alone"]
    assert f"has {100 * saved:.0f} % fewer parameters" in README


def test_every_link_leads_to_a_file():
    prose = re.sub(r"```.*?```", "", README, flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)#]+)\)|src=\"([^\"]+)\"", prose)
    assert len(targets) > 20
    for target in targets:
        path = "".join(target)
        if not path.startswith("http"):
            assert (ROOT / path).exists(), path


def test_the_source_is_listed_in_reading_order():
    order = re.search(r"Read in this order: ([^.]*)\.", " ".join(mtl.__doc__.split()))[1]
    floors = README.partition("## The source")[2].partition("The application")[0]
    listed = re.findall(r"\[(\w+)\]\(tinymtl/", floors)
    assert listed == order.split(", ")


def test_the_page_counts_the_rules():
    assert len(mtl.weighting.__all__) == 16
    assert README.count("sixteen") == 2


def test_the_page_is_short():
    prose = re.sub(r"```.*?```", "", README, flags=re.DOTALL)
    prose = re.sub(r"^\|.*$", "", prose, flags=re.MULTILINE)
    prose = re.sub(r"!\[.*?\]|\]\([^)]*\)", "", prose)
    assert len(prose.split()) <= 660
