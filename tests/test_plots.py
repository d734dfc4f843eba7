"""What the pictures draw: the numbers handed in, where they belong, with their uncertainty, and readable."""

import os
import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_hex, to_rgba

import tinymtl as mtl
from tinymtl import plots

NAN = float("nan")
SETTINGS = dict(plt.rcParams)  # before any picture
FIRST_COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7"]
LONG = ["recommendation", "department", "question answering", "own brand", "price", "category"]
GAINS = {
    "hard": {"brand, AUC": (0.10, 0.02), "price, R²": (-0.06, 0.01), "facts": (0.01, 0.02)},
    "soft": {"facts": (NAN, NAN), "price, R²": (-0.01, 0.01), "brand, AUC": (0.12, 0.01)},
}
CURVES = {"hard": ([0.05, 0.1, 1], [0.3, 0.1, NAN], [0.1, 0.1, NAN]), "soft": ([0.1, 1], [-0.2, 0.05], [0.05, 0.01])}
GAIN = np.array([[9.0, 0.1, -0.2], [0.003, 9.0, 0.04], [-0.05, NAN, 9.0]])
ERRORS = np.array([[9.0, 0.02, 0.01], [0.01, 9.0, 0.02], [0.01, NAN, 9.0]])


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def a_history(tasks=("a", "b"), steps=40, held_out=True, aligned_copies=False):
    """Numbers in which every task, pair and step is another one."""
    history, rng = mtl.History(list(tasks), aligned_copies=aligned_copies), np.random.default_rng(0)
    T = len(tasks)
    history.penalty, history.cosine_steps = [0.0] * steps, list(range(0, steps, 3))
    history.cosines = np.stack([np.corrcoef(rng.standard_normal((T, 4))).reshape(T, T) for _ in history.cosine_steps])
    history.held_out_steps, history.best_step = ([10, 20, 30], 20) if held_out else ([], None)
    for i, t in enumerate(tasks):
        history.losses[t] = rng.uniform(0.5, 2, steps) + i
        history.held_out[t] = rng.uniform(1, 3, 3) + i if held_out else []
    return history


def line(ax, label):
    (found,) = [one for one in ax.lines if one.get_label() == label]
    return found


def panel(figure, *names):
    """The one whose title names both."""
    (found,) = [ax for ax in figure.axes if ax.get_title().rsplit("\n", 1)[0].replace("\n", " ") == " – ".join(names)]
    return found


def title(figure):
    return figure.get_suptitle()


def texts(figure):
    return [one.get_text() for one in figure.findobj(plt.Text)]


def ends(bars):
    return np.array([bar if len(bar) == 2 else np.full((2, 2), NAN) for bar in bars.get_segments()])


def points(ax):
    """For each arm: places (n, 2), whether filled (n,), ends of the bars (n, 2, 2)."""
    dots = [one for one in ax.collections if isinstance(one, PathCollection)]
    bars = [one for one in ax.collections if isinstance(one, LineCollection)]
    white = to_rgba("white")
    return [
        (np.ma.filled(d.get_offsets(), NAN), np.array([tuple(c) != white for c in d.get_facecolors()]), ends(b))
        for d, b in zip(dots, bars, strict=True)
    ]


# ---------------------------------------------------------------- losses


def test_losses_draws_every_number_of_every_task():
    history = a_history("abc")
    ax = plots.losses(history).axes[0]
    for t in "abc":
        np.testing.assert_array_equal(line(ax, t).get_xydata().T, [np.arange(40), history.losses[t]])
        np.testing.assert_array_equal(line(ax, f"{t}, held out").get_xydata().T, [[10, 20, 30], history.held_out[t]])
        assert line(ax, t).get_linestyle() == "-" != line(ax, f"{t}, held out").get_linestyle()
    assert ax.get_xlabel() == "steps made" and "units" in ax.get_ylabel()


def test_a_task_has_the_colour_of_its_place_and_marker_and_dashes_differ():
    ax = plots.losses(a_history("abcd")).axes[0]
    for name in ("", ", held out"):
        assert [to_hex(line(ax, t + name).get_color()) for t in "abcd"] == FIRST_COLOURS
    assert len({line(ax, t + ", held out").get_marker() for t in "abcd"}) == 4
    assert len({line(ax, t + ", held out").get_linestyle() for t in "abc"}) == 3


def test_colours_stay_with_their_tasks_where_one_was_not_held_out():
    history = a_history("abc")
    history.held_out["b"] = []
    ax = plots.losses(history).axes[0]
    assert to_hex(line(ax, "c, held out").get_color()) == FIRST_COLOURS[2] and "b, held out" not in [one.get_label() for one in ax.lines]


def test_nine_tasks_differ_in_colour_or_marker():
    tasks = [f"task {i}" for i in range(9)]
    ax = plots.losses(a_history(tasks)).axes[0]
    assert len({(line(ax, t).get_color(), line(ax, t).get_marker()) for t in tasks}) == 9


def test_a_step_without_a_loss_leaves_a_gap_and_a_lone_step_a_mark():
    history = a_history("a", steps=6, held_out=False)
    history.losses["a"] = [1.0, 2.0, NAN, 3.0, NAN, 4.0]
    drawn = line(plots.losses(history).axes[0], "a")
    np.testing.assert_array_equal(drawn.get_ydata(), history.losses["a"])
    assert drawn.get_markevery() == [3, 5] and drawn.get_marker() != "None"


def test_a_task_without_any_loss_is_named():
    history = a_history("ab", held_out=False)
    history.losses["a"] = [NAN] * 40
    assert "a: no value" in texts(plots.losses(history))


@pytest.mark.parametrize("least, scale", [(0.1, "log"), (0.0, "linear"), (-1.0, "linear")])
@pytest.mark.parametrize("record", ["losses", "held_out"])
def test_the_scale_is_logarithmic_if_all_losses_are_positive(record, least, scale):
    history = a_history("ab")
    getattr(history, record)["b"][1] = least
    assert plots.losses(history).axes[0].get_yscale() == scale


def test_the_best_step_is_marked():
    figure = plots.losses(a_history("ab"))
    (dotted,) = [one for one in figure.axes[0].lines if one.get_linestyle() == ":" and one.get_label().startswith("_")]
    assert set(dotted.get_xdata()) == {20} and "least held-out total: step 20" in texts(figure)
    assert "held out" in title(figure)


def test_without_held_out_data_nothing_speaks_of_it():
    assert not any("held" in text for text in texts(plots.losses(a_history("ab", held_out=False))))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0, 100), min_size=1, max_size=9))
def test_names_stand_at_their_lines_in_the_order_of_the_ends_and_never_overlap(last):
    tasks = [f"task {i}" for i in range(len(last))]
    history = a_history(tasks, steps=2, held_out=False)
    history.losses = {t: np.array([-1.0, end]) for t, end in zip(tasks, last)}
    figure = plots.losses(history)
    names = {one.get_text(): one for one in figure.axes[0].texts}
    assert set(names) == set(tasks)
    heights = np.array([names[t].get_position()[1] for t in tasks])
    order = np.argsort(heights)
    assert (np.diff(np.array(last)[order]) > -1e-6).all()
    assert (np.diff(heights[order]) > 0.05 * 3.6 / figure.get_figheight()).all() and 0 <= heights.min() <= heights.max() <= 1
    for t, i in zip(tasks, range(9)):
        assert to_hex(names[t].get_color()) == to_hex(line(figure.axes[0], t).get_color())
        np.testing.assert_allclose(names[t].xy[1], figure.axes[0].transAxes.inverted().transform(figure.axes[0].transData.transform((1, last[i])))[1])
    plt.close(figure)


# ---------------------------------------------------------------- cosines


@pytest.mark.parametrize("tasks", ["ab", "abc", "abcdef"])
def test_cosines_draws_each_pair_once_with_its_own_numbers(tasks):
    history = a_history(tasks)
    figure, T = plots.cosines(history), len(tasks)
    assert len(figure.axes) == T * (T - 1) // 2
    for s in range(T):
        for t in range(s + 1, T):
            ax = panel(figure, tasks[s], tasks[t])
            np.testing.assert_array_equal(ax.lines[-1].get_xydata().T, [history.cosine_steps, history.cosines[:, s, t]])
            np.testing.assert_array_equal(ax.lines[0].get_ydata(), [0, 0])
            assert ax.get_ylim() == (-1, 1) and "conflict" in [one.get_text() for one in ax.texts]


def test_conflict_is_counted_and_shaded_below_zero_only():
    history = a_history("ab", steps=12)
    history.cosines[:, 0, 1] = [0.5, -0.5, -0.25, NAN]
    ax = panel(plots.cosines(history), "a", "b")
    assert ax.get_title().endswith("conflict in 2 of 3")
    shaded = np.concatenate([path.vertices for path in ax.collections[0].get_paths()])
    assert shaded[:, 1].min() == -0.5 and shaded[:, 1].max() == 0
    np.testing.assert_allclose(shaded[:, 0].min(), 1.5)  # half way between +0.5 at step 0 and −0.5 at step 3
    assert np.isnan(ax.lines[-1].get_ydata()[3])


def test_the_title_says_what_the_gradients_are_on():
    assert "on the shared parameters" in title(plots.cosines(a_history("ab")))
    assert "own copy of the trunk" in title(plots.cosines(a_history("ab", aligned_copies=True)))


# ---------------------------------------------------------------- gains


def test_gains_draws_each_pair_in_the_row_of_its_measure_with_three_standard_errors():
    figure = plots.gains(GAINS, seeds=10)
    ax = figure.axes[0]
    rows = [one.get_text() for one in ax.get_yticklabels()]
    assert rows == ["brand, AUC", "price, R²", "facts"] and ax.get_ylim()[0] > ax.get_ylim()[1]  # the first on top
    for arm, (places, _, bars) in zip(GAINS.values(), points(ax), strict=True):
        for row, measure in enumerate(rows):
            gain, error = arm[measure]
            np.testing.assert_equal(places[row, 0], gain)
            np.testing.assert_allclose(bars[row, :, 0], [gain - 3 * error, gain + 3 * error])
            assert np.isnan(gain) or abs(places[row, 1] - row) < 0.5 and set(bars[row, :, 1]) == {places[row, 1]}
    assert [list(filled) for _, filled, _ in points(ax)] == [[True, True, False], [True, False, False]]


def test_gains_says_what_is_seen():
    figure = plots.gains(GAINS, seeds=10)
    ax = figure.axes[0]
    assert [one.get_text() for one in ax.get_legend().get_texts()] == ["hard: better in 1 of 3, worse in 1", "soft: better in 1 of 2, worse in 0"]
    assert "positive is better" in ax.get_xlabel() and set(ax.lines[0].get_xdata()) == {0} and ax.texts[0].get_text() == " alone"
    assert "3 standard errors" in figure.get_supxlabel() and "10 seeds" in figure.get_supxlabel()
    assert "seeds" not in plots.gains(GAINS).get_supxlabel()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.floats(-1, 1), st.floats(0, 1)), min_size=1, max_size=5), st.booleans())
def test_a_point_is_hollow_exactly_if_its_bar_reaches_zero(pairs, by_fraction):
    if by_fraction:
        curve = np.arange(1, len(pairs) + 1) / len(pairs), *zip(*pairs)
        figure, axis = plots.gain_by_fraction({"hard": curve}, measure="R²"), 1
    else:
        figure, axis = plots.gains({"hard": {f"measure {i}": pair for i, pair in enumerate(pairs)}}), 0
    ((_, filled, bars),) = points(figure.axes[0])
    reaches = (bars[..., axis].min(1) <= 0) & (bars[..., axis].max(1) >= 0)
    np.testing.assert_array_equal(filled, ~reaches)
    plt.close(figure)


def test_an_arm_has_no_colour_of_a_task():
    ax = plots.gains(GAINS).axes[0]
    assert not {to_hex(one.get_edgecolor()[0]) for one in ax.collections if isinstance(one, PathCollection)} & set(FIRST_COLOURS)


def test_gain_by_fraction_draws_one_arm_at_its_percents():
    fractions, gain, error = [0.05, 0.1, 1], [0.5, 0.1, -0.4], [0.1, 0.1, 0.1]
    figure = plots.gain_by_fraction({"hard": (fractions, gain, error)}, measure="brand, AUC", seeds=5)
    ax = figure.axes[0]
    ((places, filled, bars),) = points(ax)
    np.testing.assert_allclose(places, np.transpose([[5, 10, 100], gain]))
    np.testing.assert_allclose(line(ax, "hard").get_xydata(), places)
    np.testing.assert_allclose(bars[:, :, 1], np.transpose([np.subtract(gain, 0.3), np.add(gain, 0.3)]), atol=1e-12)
    assert list(filled) == [True, False, True]
    assert ax.get_xscale() == "log" and "%" in ax.get_xlabel() and [one.get_text() for one in ax.get_xticklabels()] == ["5", "10", "100"]
    assert "positive is better" in ax.get_ylabel() and set(ax.lines[0].get_ydata()) == {0} and " alone" in texts(figure)
    assert "brand, AUC" in title(figure) and "5 seeds" in figure.get_supxlabel() and "hard" in texts(figure)


def test_bars_of_several_arms_stand_side_by_side_near_their_percents():
    (hard, _, bars), (soft, _, _) = points(plots.gain_by_fraction(CURVES, measure="AUC").axes[0])
    np.testing.assert_array_equal(hard[:, 1], CURVES["hard"][1])
    np.testing.assert_array_equal(soft[:, 1], CURVES["soft"][1])
    assert hard[1, 0] < 10 < soft[0, 0]
    np.testing.assert_allclose(hard[:, 0], [5, 10, NAN], rtol=0.05)
    np.testing.assert_allclose(soft[:, 0], [10, 100], rtol=0.05)
    np.testing.assert_allclose(bars[:2, :, 0], hard[:2, :1] * [1, 1])


# ---------------------------------------------------------------- transfer_matrix


def test_transfer_matrix_writes_gain_and_error_with_the_task_that_helps_in_rows():
    figure = plots.transfer_matrix(GAIN, ERRORS, list("abc"), seeds=7)
    ax = figure.axes[0]
    cells = {one.get_position(): one for one in ax.texts}  # (column, row)
    assert {at: one.get_text() for at, one in cells.items()} == {
        (1, 0): "+0.100\n± 0.020", (2, 0): "−0.200\n± 0.010", (0, 1): "+0.003\n± 0.010", (2, 1): "+0.040\n± 0.020", (0, 2): "−0.050\n± 0.010",
    }  # fmt: skip
    assert {at for at, one in cells.items() if one.get_color() != "black"} == {(0, 1), (2, 1)}
    assert [one.get_text() for one in ax.get_xticklabels()] == [one.get_text() for one in ax.get_yticklabels()] == list("abc")
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first row on top
    assert "helps" in ax.get_ylabel() and "is helped" in ax.get_xlabel()
    assert all(words in figure.get_supxlabel() for words in ("positive is better", "blue better", "standard error", "7 seeds"))


def test_transfer_matrix_colours_better_blue_worse_red_and_findings_strongly():
    image = plots.transfer_matrix(GAIN, ERRORS, list("abc")).axes[0].images[0]
    shown = image.get_array()
    off = ~np.eye(3, dtype=bool)
    assert np.ma.getmaskarray(shown)[np.eye(3, dtype=bool) | np.isnan(GAIN)].all()
    np.testing.assert_array_equal(np.ma.filled(shown, NAN)[off], GAIN[off])
    assert image.norm.vmin == -image.norm.vmax and image.norm.vmax >= 0.2
    better, worse = image.to_rgba(np.array([0.2, -0.2]))[:, :3]
    assert better[2] > better[0] and worse[0] > worse[2]
    assert image.get_alpha()[0, 1] == image.get_alpha()[0, 2] == 1 and image.get_alpha()[1, 0] < 0.5


@pytest.mark.parametrize("scale, text", [(1e-8, "+1e-08"), (1e3, "+1000"), (1e8, "+1e+08"), (1.0, "+1.00"), (0.0, "+0.00")])
def test_transfer_matrix_writes_tiny_and_large_numbers(scale, text):
    figure = plots.transfer_matrix(scale * np.ones((2, 2)), scale * np.ones((2, 2)), ["a", "b"])
    assert figure.axes[0].texts[0].get_text().split("\n")[0].replace("−", "-") == text


# ---------------------------------------------------------------- all of them

PICTURES = {
    "losses, 1 task": lambda: plots.losses(a_history(LONG[:1])),
    "losses, 6 tasks": lambda: plots.losses(a_history(LONG)),
    "losses, 1 step": lambda: plots.losses(a_history(LONG[:2], steps=1, held_out=False)),
    "cosines, 2 tasks": lambda: plots.cosines(a_history(LONG[:2])),
    "cosines, 6 tasks": lambda: plots.cosines(a_history(LONG)),
    "cosines, 1 step": lambda: plots.cosines(a_history(LONG[:3], steps=1)),
    "gains": lambda: plots.gains(GAINS, seeds=10),
    "gain_by_fraction": lambda: plots.gain_by_fraction(CURVES, measure="brand, AUC"),
    "transfer_matrix, 3 tasks": lambda: plots.transfer_matrix(GAIN, ERRORS, LONG[:3]),
    "transfer_matrix, 6 tasks": lambda: plots.transfer_matrix(np.tile(GAIN, (2, 2)), np.tile(ERRORS, (2, 2)), LONG),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_white_640_wide_with_nothing_cut_off(name):
    figure = PICTURES[name]()
    figure.canvas.draw()
    assert figure.get_figwidth() == 6.4 and figure.dpi == 100
    assert to_hex(figure.get_facecolor()) == "#ffffff" and all(to_hex(ax.get_facecolor()) == "#ffffff" for ax in figure.axes)
    box = figure.get_tightbbox()  # inches
    assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= 6.4 and box.y1 <= figure.get_figheight()
    written = [plt.Text.get_window_extent(one) for ax in figure.axes for one in (*ax.texts, ax.title) if one.get_text()]
    assert not any(one.overlaps(other) for i, one in enumerate(written) for other in written[:i])
    assert title(figure)


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_for_pyplot_to_show_and_leaves_settings_alone(name, monkeypatch):
    def never(*args, **options):
        raise AssertionError("a picture must not show or save itself")

    monkeypatch.setattr(plt, "show", never)
    monkeypatch.setattr(plt.Figure, "savefig", never)
    figure = PICTURES[name]()
    assert dict(plt.rcParams) == SETTINGS
    assert plt.get_fignums() == [figure.number]


def test_a_picture_is_black_on_white_also_in_a_dark_style():
    with plt.style.context("dark_background"):
        for name in ("losses, 1 task", "cosines, 2 tasks", "gains", "gain_by_fraction", "transfer_matrix, 3 tasks"):
            figure = PICTURES[name]()
            figure.canvas.draw()
            assert to_hex(figure.get_facecolor()) == "#ffffff"
            assert not [one.get_text() for one in figure.findobj(plt.Text) if one.get_text() and to_hex(one.get_color()) == "#ffffff"]


def test_arguments_are_left_as_they_are():
    gain, errors, fractions = GAIN.copy(), ERRORS.copy(), np.array([0.1, 1.0])
    plots.transfer_matrix(gain, errors, list("abc"))
    plots.gain_by_fraction({"hard": (fractions, fractions, fractions), "soft": (fractions, fractions, fractions)}, measure="AUC")
    np.testing.assert_array_equal(gain, GAIN)
    np.testing.assert_array_equal(errors, ERRORS)
    np.testing.assert_array_equal(fractions, [0.1, 1.0])


@pytest.mark.parametrize("sharing, where", [(mtl.HardSharing, "shared parameters"), (mtl.SingleTask, "own copy")])
def test_what_fit_returns_can_be_drawn(sharing, where):
    rng = np.random.default_rng(0)
    train, test = mtl.datasets.related_tasks(rng, relatedness=0.9, n_train=16, n_test=16)
    model = sharing(mtl.Sequential(mtl.Dense(8, 4, rng), mtl.tanh), {t: mtl.Dense(4, 1, rng) for t in train})
    history = mtl.fit(
        model, train, dict.fromkeys(train, mtl.mse), optimizer=mtl.SGD(0.01), steps=6, cosines_every=2, held_out=test, evaluate_every=3
    )
    ax = plots.losses(history).axes[0]
    np.testing.assert_array_equal(line(ax, "b").get_ydata(), history.losses["b"])
    np.testing.assert_array_equal(line(ax, "b, held out").get_xdata(), [3, 6])
    figure = plots.cosines(history)
    np.testing.assert_array_equal(panel(figure, "a", "b").lines[-1].get_xdata(), [0, 2, 4])
    assert where in title(figure)


def no_cosines():
    history = a_history("ab")
    history.cosine_steps, history.cosines = [], []
    return history


ONES = [[1, 1], [1, 1]]
WRONG = [
    (lambda: plots.losses({"a": [1.0]}), TypeError, r"losses: history must be a History.*got dict"),
    (lambda: plots.losses(mtl.History(["a"])), ValueError, r"losses: history must have at least 1 step, got 0"),
    (lambda: plots.cosines([0.5]), TypeError, r"cosines: history must be a History.*got list"),
    (lambda: plots.cosines(a_history("a")), ValueError, r"at least 2 tasks, got \['a'\]"),
    (lambda: plots.cosines(no_cosines()), ValueError, r"got none; fit\(\.\.\., cosines_every=10\) records them"),
    (lambda: plots.gains({}), ValueError, r"gains: gains must have at least one arm.*got \{\}"),
    (lambda: plots.gains({"hard": {}}), ValueError, r"with one measure, got \{'hard': \{\}\}"),
    (lambda: plots.gains({"hard": {"R²": (1, 1)}, "soft": {"R2": (1, 1)}}), ValueError, r"gains\['soft'\] must have .*\['R²'\], got \{'R2'"),
    (lambda: plots.gains({"hard": {"R²": 0.1}}), ValueError, r"must have a pair \(gain, standard error\).*got \{'R²': 0.1\}"),
    (lambda: plots.gains({"hard": {"R²": (0.1, 0.2, 0.3)}}), ValueError, r"must have a pair"),
    (lambda: plots.gains({"hard": {"R²": (0.1, -0.2)}}), ValueError, r"standard errors of at least 0, got 0.1 ± -0.2"),
    (lambda: plots.gains({"hard": {"R²": (0.1, NAN)}}), ValueError, r"got 0.1 ± nan"),
    (lambda: plots.gains({"hard": {"R²": (float("inf"), 1)}}), ValueError, r"finite gains.*got inf ± 1.0"),
    (lambda: plots.gain_by_fraction({}, measure="R²"), ValueError, r"at least one arm, got \{\}"),
    (lambda: plots.gain_by_fraction({"hard": ([0.1], [1])}, measure="R²"), ValueError, r"gains\['hard'\] must be \(fractions, gains, standard errors\)"),
    (lambda: plots.gain_by_fraction({"hard": ([0.1, 1], [1], [1])}, measure="R²"), ValueError, r"of one length.*\[\(2,\), \(1,\), \(1,\)\]"),
    (lambda: plots.gain_by_fraction({"hard": ([], [], [])}, measure="R²"), ValueError, r"at least 1; got shapes"),
    (lambda: plots.gain_by_fraction({"hard": (0.1, 1, 1)}, measure="R²"), ValueError, r"got shapes \[\(\), \(\), \(\)\]"),
    (lambda: plots.gain_by_fraction({"hard": ([5, 10], [1, 1], [1, 1])}, measure="R²"), ValueError, r"increasing fractions in \(0, 1\], got \[5, 10\]"),
    (lambda: plots.gain_by_fraction({"hard": ([0, 1], [1, 1], [1, 1])}, measure="R²"), ValueError, r"fractions in \(0, 1\]"),
    (lambda: plots.gain_by_fraction({"hard": ([0.5, 0.5], [1, 1], [1, 1])}, measure="R²"), ValueError, r"increasing"),
    (lambda: plots.gain_by_fraction({"hard": ([0.1, NAN, 1], [1] * 3, [1] * 3)}, measure="R²"), ValueError, r"increasing"),
    (lambda: plots.gain_by_fraction({"hard": ([0.5], [1], [-1])}, measure="R²"), ValueError, r"gains\['hard'\] must have finite.*got 1.0 ± -1.0"),
    (lambda: plots.transfer_matrix([[1]], [[1]], ["a"]), ValueError, r"at least 2 names, each once; got \['a'\]"),
    (lambda: plots.transfer_matrix(ONES, ONES, "ab"), ValueError, r"at least 2 names, each once; got \['ab'\]"),
    (lambda: plots.transfer_matrix(ONES, ONES, ["a", "a"]), ValueError, r"each once; got \['a', 'a'\]"),
    (lambda: plots.transfer_matrix(ONES, ONES, ["a", "b", "c"]), ValueError, r"shape \(3, 3\) for tasks \['a', 'b', 'c'\], got \(2, 2\), \(2, 2\)"),
    (lambda: plots.transfer_matrix(ONES, [1, 1], ["a", "b"]), ValueError, r"got \(2, 2\), \(2,\)"),
    (lambda: plots.transfer_matrix(ONES, [[1, -1], [1, 1]], ["a", "b"]), ValueError, r"transfer_matrix: gain .*at least 0, got 1.0 ± -1.0"),
]


@pytest.mark.parametrize("call, kind, message", WRONG)
def test_wrong_arguments_are_named_before_anything_is_drawn(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
    assert not plt.get_fignums()


def test_importing_the_package_does_not_load_matplotlib():
    code = "import sys, tinymtl; tinymtl.plots.losses; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}).returncode == 0
