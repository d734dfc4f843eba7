"""The common look: names at the ends of lines, logarithmic axes, marks, and what is measured."""

import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.cbook import is_math_text
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


# Names

SOME_NAMES = st.lists(st.text() | st.integers(0, 3) | st.just("_a$b$"), min_size=1, max_size=6)


@given(SOME_NAMES, st.integers(6, 30))
def test_names_are_short_lines_and_each_is_another_one(given_names, most):
    names = look.names(given_names, most)
    assert len(set(names)) == len(names) == len(given_names)
    for name in names:
        assert name
        assert name.isprintable()
        assert len(name.removeprefix(" ").replace(r"\$", "$")) <= most


@given(SOME_NAMES)
def test_matplotlib_shows_all_signs_of_a_name(given_names):
    for name in look.names(given_names):
        assert not name.startswith("_")
        assert not is_math_text(name)


@pytest.mark.parametrize("name", ["price", "own brand, AUC", "τιμή", "a_b", "R² of U+"])
def test_a_usual_name_stays_as_it_is(name):
    assert look.names([name]) == [name]


def test_long_names_lose_their_middle_and_equal_ones_get_numbers():
    assert look.names(["a long name of a task", "b"], 9) == ["a lo…task", "b"]
    assert look.names([1, "1"]) == ["1: 1", "2: 1"]
    assert look.names(["abcd 1 efgh", "abcd 2 efgh"], 9) == ["1: ab…gh", "2: ab…gh"]


def test_a_letter_that_no_font_has_is_written_by_its_number():
    with plt.rc_context({"font.family": ["DejaVu Sans"]}):
        assert look.names(["价 of tea"]) == ["U+4EF7 of tea"]


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


def test_names_stay_beside_the_axes_also_where_there_is_no_room_for_all():
    history = a_history([f"task {i}" for i in range(40)], held_out=False)
    (ax,) = plots.losses(history, figure=plt.figure(figsize=(6.4, 3))).axes
    heights = [one.get_position()[1] for one in ax.texts]
    assert 0 <= min(heights) < max(heights) <= 1
    assert len(set(heights)) == 40


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
