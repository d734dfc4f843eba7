"""The common look: names at the ends of lines, logarithmic axes, marks, and what is measured."""

import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_hex
from pictures import FIRST_COLOURS, GAINS, NAN, a_history, clouds, line, refuses

from tinymtl import plots
from tinymtl.plots import look

# Colours


def test_a_task_has_the_colour_of_its_place_and_marker_and_dashes_differ():
    ax = plots.losses(a_history("abcd")).axes[0]
    for name in ("", ", held out"):
        assert [to_hex(line(ax, t + name).get_color()) for t in "abcd"] == FIRST_COLOURS
    assert len({line(ax, t + ", held out").get_marker() for t in "abcd"}) == 4
    assert len({line(ax, t + ", held out").get_linestyle() for t in "abc"}) == 3


def test_nine_tasks_differ_in_colour_or_marker():
    tasks = [f"task {i}" for i in range(9)]
    ax = plots.losses(a_history(tasks)).axes[0]
    assert len({(line(ax, t).get_color(), line(ax, t).get_marker()) for t in tasks}) == 9


def test_an_arm_has_no_colour_of_a_task():
    ax = plots.gains(GAINS).axes[0]
    drawn = {to_hex(cloud.get_edgecolor()[0]) for cloud in clouds(ax)}
    assert not drawn & set(FIRST_COLOURS)


# Names at the ends of lines


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0, 100), min_size=1, max_size=9))
def test_names_stand_at_their_lines_in_the_order_of_the_ends_and_never_overlap(last):
    tasks = [f"task {i}" for i in range(len(last))]
    history = a_history(tasks, steps=2, held_out=False)
    history.losses = {t: np.array([-1.0, end]) for t, end in zip(tasks, last)}
    figure = plots.losses(history)
    (ax,) = figure.axes
    names = {one.get_text(): one for one in ax.texts}
    assert set(names) == set(tasks)

    heights = np.array([names[t].get_position()[1] for t in tasks])
    order = np.argsort(heights)
    assert (np.diff(np.array(last)[order]) > -1e-6).all()
    assert (np.diff(heights[order]) > 0.05 * 3.6 / figure.get_figheight()).all()
    assert 0 <= heights.min() <= heights.max() <= 1

    for t, end in zip(tasks, last):
        assert to_hex(names[t].get_color()) == to_hex(line(ax, t).get_color())
        in_pixels = ax.transData.transform((1, end))
        _, height = ax.transAxes.inverted().transform(in_pixels)
        np.testing.assert_allclose(names[t].xy[1], height)
    plt.close(figure)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9), st.floats(0, 0.1))
def test_names_are_pushed_no_farther_apart_than_they_need(wanted, distance):
    wanted = np.sort(wanted)
    heights = look._push_apart(wanted, distance)
    assert (np.diff(heights) >= distance - 1e-12).all()
    if (np.diff(wanted) >= distance).all():
        room = distance * np.arange(len(wanted))
        np.testing.assert_allclose(heights, np.clip(wanted, room, 1 - room[::-1]), atol=1e-12)


# Points


@given(st.lists(st.sampled_from([0.0, 1.0, NAN]), max_size=12))
def test_a_lone_point_is_one_between_gaps(y):
    known = np.isfinite([NAN, *y, NAN])
    lone = [i for i in range(len(y)) if known[i + 1] and not known[i] and not known[i + 2]]
    assert look.lone_points(np.array(y)) == lone


# Weight


def test_importing_the_package_does_not_load_matplotlib():
    code = (
        f"import sys; sys.path[:] = {sys.path!r}; import tinymtl; tinymtl.plots.losses; "
        "sys.exit('matplotlib' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


# Refusals


@pytest.mark.parametrize("mean, error", [(np.inf, 1), (1, np.inf), (1, NAN), (1, -1)])
def test_what_is_measured_is_finite_with_an_error_that_is_not_negative(mean, error):
    def call():
        look.check_measured("curves", "x", [1, mean, 2], [0, error, 0])

    message = rf"curves: x must be finite, with standard errors .*, got {mean}.* ± {error}"
    refuses(call, ValueError, message)
