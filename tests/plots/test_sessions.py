"""Pictures in sessions of all kinds: notebooks, scripts with the strictest flags, no display."""

import os
import pickle
import subprocess
import sys

import matplotlib
import matplotlib.pyplot as plt
import pytest
from pictures import GAINS

from tinymtl import plots

# Like the backend of notebooks: loading it changes the settings of the session.
BACKEND = """
import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg as FigureCanvas
matplotlib.interactive(True)
matplotlib.rcParams["figure.dpi"] = 123
"""
GAINS_OF_ARM = "{'hard': {'price': (0.1, 0.01)}}"


def run(code, folder, *flags, **environment):
    """What a fresh Python prints. It has no display and no home unless the environment says so."""
    path = os.pathsep.join([str(folder), *sys.path])
    command = [sys.executable, *flags, "-c", code]
    done = subprocess.run(
        command,
        cwd=folder,
        env={"PYTHONPATH": path, "PATH": os.defpath} | environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_the_first_picture_leaves_what_the_backend_of_a_notebook_has_set(tmp_path):
    (tmp_path / "of_notebook.py").write_text(BACKEND)
    code = f"""
import tinymtl
tinymtl.plots.gains({GAINS_OF_ARM})
import matplotlib.pyplot as plt
plt.figure()
print(plt.isinteractive(), plt.rcParams["figure.dpi"], len(plt.get_fignums()))
"""
    assert run(code, tmp_path, MPLBACKEND="module://of_notebook") == ["True", "123.0", "2"]


def ask_as_a_notebook_does(figure):
    """A notebook asks the value of a cell to show itself; refusal means: show it as usual."""
    with pytest.raises(NotImplementedError):
        figure._ipython_display_()


def is_open(figure):
    return plt.fignum_exists(figure.number)


@pytest.mark.parametrize("backend", ["inline", "module://matplotlib_inline.backend_inline"])
def test_the_value_of_a_cell_is_not_shown_again_at_the_end_of_the_cell(monkeypatch, backend):
    other = plots.gains(GAINS)
    value = plots.gains(GAINS)
    monkeypatch.setattr(plt, "get_backend", lambda: backend)
    ask_as_a_notebook_does(value)
    assert not is_open(value)
    assert is_open(other)  # so the end of the cell shows it


def test_a_given_figure_that_is_the_value_of_a_cell_is_not_shown_again(monkeypatch):
    whole = plt.figure()
    left, _ = whole.subfigures(1, 2)
    plots.gains(GAINS, figure=left)
    monkeypatch.setattr(plt, "get_backend", lambda: "inline")
    ask_as_a_notebook_does(whole)
    assert not plt.get_fignums()


def test_elsewhere_the_value_of_a_line_stays_open():
    figure = plots.gains(GAINS)
    assert matplotlib.get_backend().lower() == "agg"
    ask_as_a_notebook_does(figure)
    assert is_open(figure)


def test_a_picture_can_be_pickled():
    figure = plots.gains(GAINS)
    again = pickle.loads(pickle.dumps(figure))
    assert again.get_suptitle() == figure.get_suptitle()
    ask_as_a_notebook_does(again)


def test_pictures_need_no_display_no_home_and_no_docstrings_and_give_no_warning(tmp_path):
    code = f"""
import tinymtl
figure = tinymtl.plots.gains({GAINS_OF_ARM})
tinymtl.plots.save(figure, "gains.png")
import matplotlib
print(matplotlib.get_backend().lower())
"""
    assert run(code, tmp_path, "-OO", "-W", "error") == ["agg"]
    assert (tmp_path / "gains.png").stat().st_size > 1000
