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


def write_laws(folder, huber, module="huber"):
    """A loss as a module of this name, and the laws of the page for it."""
    (folder / f"{module}.py").write_text(huber, encoding="utf-8")
    laws = fenced("python")
    assert "from huber import" in laws
    laws = laws.replace("from huber import", f"from {module} import")
    (folder / f"test_{module}.py").write_text(laws, encoding="utf-8")


def run_laws(folder, *arguments):
    """What pytest says, in the reader's folder, with the variables that the page sets."""
    # The reader has the package installed; here it may come from PYTHONPATH.
    places = [str(ROOT / "tests"), str(ROOT)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(places), "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    return done.stdout


# No law fails because the machine is busy.
NO_DEADLINE = """
from hypothesis import settings

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
"""
# Of a slip only which laws fail is asked, so no small input is looked for.
FEW_EXAMPLES = """
from hypothesis import Phase, settings

settings.register_profile("few", deadline=None, max_examples=30, phases=[Phase.generate])
settings.load_profile("few")
"""


def test_the_command_is_the_one_that_is_tested():
    assert fenced("bash").strip() == COMMAND


def test_the_six_laws_hold_for_the_loss_of_the_page(tmp_path):
    (tmp_path / "conftest.py").write_text(NO_DEADLINE, encoding="utf-8")
    write_laws(tmp_path, HUBER)
    assert "7 passed" in run_laws(tmp_path, "test_huber.py", "--hypothesis-seed=1")


SLIPS = [  # what is right, what stands there instead, and which of NAMES fail
    ("slope = small / residual.size", "slope = -small / residual.size", [1]),
    ("(small * (residual - small / 2)).mean()", "(residual * residual / 2).mean()", [0, 4]),
    ("(residual - small / 2)).mean()", "(residual - small / 2)).sum()", [0, 2, 4]),
    ("if targets.shape != prediction.shape:", "if False:", [5, 6]),
]


@pytest.fixture(scope="module")
def said_of_slips(tmp_path_factory):
    """What pytest says of huber_0.py, huber_1.py and so on, each of which has a slip."""
    folder = tmp_path_factory.mktemp("slips")
    (folder / "conftest.py").write_text(FEW_EXAMPLES, encoding="utf-8")
    for i, (right, wrong, _) in enumerate(SLIPS):
        assert right in HUBER
        write_laws(folder, HUBER.replace(right, wrong, 1), f"huber_{i}")
    return run_laws(folder, "-q", "--hypothesis-seed=0").split()


@pytest.mark.parametrize("slip", range(len(SLIPS)))
def test_a_planted_slip_is_seen_by_its_laws(said_of_slips, slip):
    *_, fails = SLIPS[slip]
    file = f"test_huber_{slip}.py"
    failed = [i for i, name in enumerate(NAMES) if f"{file}::test_{name}" in said_of_slips]
    assert failed == fails


def test_the_parts_that_the_page_lists_exist():
    for module, name in ((strategies, "some"), (numeric, "numeric")):
        listed = re.findall(rf"`{name}\.(\w+)", SCRIPT)
        assert len(listed) > 3
        assert all(callable(getattr(module, part)) for part in listed)
