"""The files and the command of "Check a formula of your own" work as they are written there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numeric
import pytest
import strategies

ROOT = Path(__file__).parents[2]
SCRIPT = (ROOT / "tutorials" / "own_formula.py").read_text(encoding="utf-8")
HUBER = re.search(r"^# %%\n(import numpy.*?)\n# %% ", SCRIPT, re.MULTILINE | re.DOTALL)[1]
COMMAND = "PYTHONPATH=~/tinymtl/tests ~/tinymtl/.venv/bin/python -m pytest test_huber.py"
NAMES = [
    "value_is_that_of_the_printed_formula",
    "gradient_is_that_of_trying_and_of_the_definition",
    "limit_is_half_the_squared_error",
    "scale_of_the_loss_is_the_square_of_the_unit",
    "bound_of_the_value_and_of_the_slope",
    "inputs_of_two_shapes_are_refused[huber]",
    "inputs_of_two_shapes_are_refused[huber_composed]",
]


def fenced(language):
    """The first block of this language in the page's prose."""
    block = re.search(rf"^# ```{language}\n(.*?)^# ```$", SCRIPT, re.MULTILINE | re.DOTALL)
    return re.sub(r"^# ?", "", block[1], flags=re.MULTILINE)


def run_laws(folder, huber, *options):
    """What pytest says, in the reader's folder, with nothing set but what the page sets."""
    (folder / "huber.py").write_text(huber, encoding="utf-8")
    (folder / "test_huber.py").write_text(fenced("python"), encoding="utf-8")
    # The reader has the package installed; here it may come from PYTHONPATH.
    places = [str(ROOT / "tests"), str(ROOT)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "test_huber.py", *options],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(places), "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    return done.stdout


def test_the_command_is_the_one_that_is_tested():
    assert fenced("bash").strip() == COMMAND


def test_the_six_laws_hold_for_the_loss_of_the_page(tmp_path):
    assert "7 passed" in run_laws(tmp_path, HUBER, "--hypothesis-seed=1")


@pytest.mark.parametrize(
    "right, wrong, fails",
    [
        ("slope = small / residual.size", "slope = -small / residual.size", [1]),
        ("(small * (residual - small / 2)).mean()", "(residual * residual / 2).mean()", [0, 4]),
        ("(residual - small / 2)).mean()", "(residual - small / 2)).sum()", [0, 2, 4]),
        ("if targets.shape != prediction.shape:", "if False:", [5, 6]),
    ],
)
def test_a_planted_slip_is_seen_by_its_laws(tmp_path, right, wrong, fails):
    assert right in HUBER
    said = run_laws(tmp_path, HUBER.replace(right, wrong, 1), "-q", "--hypothesis-seed=0")
    words = said.split()
    failed = [i for i, name in enumerate(NAMES) if f"test_huber.py::test_{name}" in words]
    assert failed == fails


def test_the_parts_that_the_page_lists_exist():
    for module, name in ((strategies, "some"), (numeric, "numeric")):
        listed = re.findall(rf"`{name}\.(\w+)", SCRIPT)
        assert len(listed) > 3
        assert all(callable(getattr(module, part)) for part in listed)
