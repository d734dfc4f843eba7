"""What the pictures draw: the numbers handed in, where they belong, with their uncertainty, and readable."""

import os
import subprocess
import sys
from types import SimpleNamespace

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
EIGHT = [f"a task, number {i}" for i in range(8)]
LONG = ["recommendation", "department", "question answering", "own brand", "price", "category"]
GAINS = {
    "hard": {"brand, AUC": (0.10, 0.02), "price, R²": (-0.06, 0.01), "facts": (0.01, 0.02)},
    "soft": {"facts": (NAN, NAN), "price, R²": (-0.01, 0.01), "brand, AUC": (0.12, 0.01)},
}
CURVES = {
    "hard": ([0.05, 0.1, 1], [0.3, 0.1, NAN], [0.1, 0.1, NAN]),
    "soft": ([0.1, 1], [-0.2, 0.05], [0.05, 0.01]),
}
GAIN = np.array([[9.0, 0.1, -0.2], [0.003, 9.0, 0.04], [-0.05, NAN, 9.0]])
ERRORS = np.array([[9.0, 0.02, 0.01], [0.01, 9.0, 0.02], [0.01, NAN, 9.0]])


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def a_history(tasks=("a", "b"), steps=40, held_out=True, aligned_copies=False, effects=False):
    """Numbers in which every task, pair and step is another one."""
    history, rng = mtl.History(list(tasks), aligned_copies=aligned_copies), np.random.default_rng(0)
    T = len(tasks)
    history.penalty, history.cosine_steps = [0.0] * steps, list(range(0, steps, 3))
    history.cosines = np.stack(
        [np.corrcoef(rng.standard_normal((T, 4))).reshape(T, T) for _ in history.cosine_steps]
    )
    history.held_out_steps, history.best_step = ([10, 20, 30], 20) if held_out else ([], None)
    for i, t in enumerate(tasks):
        history.losses[t] = rng.uniform(0.5, 2, steps) + i
        history.held_out[t] = rng.uniform(1, 3, 3) + i if held_out else []
        history.weights[t] = rng.uniform(0.5, 2, steps)
    history.norms = rng.uniform(0.5, 2, (len(history.cosine_steps), T))
    history.effects = rng.normal(0, 1, history.norms.shape) if effects else np.empty(0)
    return history


def a_report(T=2, **changes):
    parts = np.random.default_rng(1).normal(0, 0.1, (4, T))
    numbers = dict(zip(("predicted", "taken", "happened", "with_heads"), parts)) | {
        "losses": 1.0 + np.arange(T),
        "norms": np.full(T, 0.25),
    }
    return SimpleNamespace(
        **{
            "tasks": LONG[:T],
            "cosines": np.eye(T) - 0.25,
            "weights": np.full(T, 2.0),
            "learning_rate": 0.1,
            **numbers,
        }
        | changes
    )


def two_losses(x):
    """Least at (1, 0) and at (−1, 0), at different rates in the two directions."""
    return np.stack(
        [((x - [1, 0]) ** 2 * [1, 3]).sum(-1), ((x + [1, 0]) ** 2 * [2, 1]).sum(-1)], -1
    )


def gramians(T, layers=3):
    jacobians = np.random.default_rng(2).standard_normal((layers, T, 4))
    return {f"layer {i}": (i + 1) * J @ J.T for i, J in enumerate(jacobians)}


def line(ax, label):
    (found,) = [one for one in ax.lines if one.get_label() == label]
    return found


def panel(figure, *names):
    """The one whose title begins with both."""
    (found,) = [
        ax for ax in figure.axes if ax.get_title().replace("\n", " ").startswith(" – ".join(names))
    ]
    return found


def titled(figure, words):
    """The panel with just this title."""
    (found,) = [ax for ax in figure.axes if ax.get_title() == words]
    return found


def dots(ax):
    return [
        np.ma.filled(one.get_offsets(), NAN)
        for one in ax.collections
        if isinstance(one, PathCollection)
    ]


def colours(lines):
    return [to_hex(one.get_color()) for one in lines]


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
        (
            np.ma.filled(d.get_offsets(), NAN),
            np.array([tuple(c) != white for c in d.get_facecolors()]),
            ends(b),
        )
        for d, b in zip(dots, bars, strict=True)
    ]


# ---------------------------------------------------------------- losses


def test_losses_draws_every_number_of_every_task():
    history = a_history("abc")
    ax = plots.losses(history).axes[0]
    for t in "abc":
        np.testing.assert_array_equal(
            line(ax, t).get_xydata().T, [np.arange(40), history.losses[t]]
        )
        np.testing.assert_array_equal(
            line(ax, f"{t}, held out").get_xydata().T, [[10, 20, 30], history.held_out[t]]
        )
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
    assert to_hex(line(ax, "c, held out").get_color()) == FIRST_COLOURS[
        2
    ] and "b, held out" not in [one.get_label() for one in ax.lines]


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
    (dotted,) = [
        one
        for one in figure.axes[0].lines
        if one.get_linestyle() == ":" and one.get_label().startswith("_")
    ]
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
    assert (
        np.diff(heights[order]) > 0.05 * 3.6 / figure.get_figheight()
    ).all() and 0 <= heights.min() <= heights.max() <= 1
    for t, i in zip(tasks, range(9)):
        assert to_hex(names[t].get_color()) == to_hex(line(figure.axes[0], t).get_color())
        np.testing.assert_allclose(
            names[t].xy[1],
            figure.axes[0]
            .transAxes.inverted()
            .transform(figure.axes[0].transData.transform((1, last[i])))[1],
        )
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
            np.testing.assert_array_equal(
                ax.lines[-1].get_xydata().T, [history.cosine_steps, history.cosines[:, s, t]]
            )
            np.testing.assert_array_equal(ax.lines[0].get_ydata(), [0, 0])
            assert ax.get_ylim() == (-1, 1) and "conflict" in [one.get_text() for one in ax.texts]


def test_conflict_is_counted_and_shaded_below_zero_only():
    history = a_history("ab", steps=12)
    history.cosines[:, 0, 1] = [0.5, -0.5, -0.25, NAN]
    ax = panel(plots.cosines(history), "a", "b")
    assert ax.get_title().endswith("conflict in 2 of 3")
    shaded = np.concatenate([path.vertices for path in ax.collections[0].get_paths()])
    assert shaded[:, 1].min() == -0.5 and shaded[:, 1].max() == 0
    np.testing.assert_allclose(
        shaded[:, 0].min(), 1.5
    )  # half way between +0.5 at step 0 and −0.5 at step 3
    assert np.isnan(ax.lines[-1].get_ydata()[3])


def test_the_title_says_what_the_gradients_are_on():
    assert "on the shared parameters" in title(plots.cosines(a_history("ab")))
    assert "own copy of the trunk" in title(plots.cosines(a_history("ab", aligned_copies=True)))


@pytest.mark.parametrize("tasks", ["ab", "abcd"])
def test_what_the_steps_did_stands_below_the_angles_if_it_was_recorded(tasks):
    history, pairs = a_history(tasks, effects=True), len(tasks) * (len(tasks) - 1) // 2
    history.effects[1:3, 0] = NAN, 0.0
    figure = plots.cosines(history)
    *panels, below = sorted(figure.axes, key=lambda ax: -ax.get_position().y0)
    lines = [one for one in below.lines if not one.get_label().startswith("_")]
    assert (
        len(panels) == pairs
        and colours(lines) == FIRST_COLOURS[: len(tasks)]
        and "J·Δθ" in below.get_ylabel()
    )
    for i, t in enumerate(tasks):
        y = history.effects[:, i]
        np.testing.assert_array_equal(lines[i].get_xydata().T, [history.cosine_steps, y])
        assert lines[i].get_label() == f"{t}: harm in {sum(y > 0)} of {sum(~np.isnan(y))}"
        assert set(np.flatnonzero(y > 0)) <= set(lines[i].get_markevery())
        shaded = np.concatenate([path.vertices for path in below.collections[i].get_paths()])
        np.testing.assert_allclose(
            [shaded[:, 1].min(), shaded[:, 1].max()], [0, np.nanmax(y)], atol=1e-12
        )


def test_steps_that_harmed_nobody_are_unmarked_and_the_side_of_harm_is_seen():
    history = a_history("ab", effects=True)
    history.effects[:] = -1.0
    below = min(plots.cosines(history).axes, key=lambda ax: ax.get_position().y0)
    assert below.get_ylim()[1] > 0.1 and [one.get_markevery() for one in below.lines[1:]] == [
        [],
        [],
    ]


# ---------------------------------------------------------------- harm


def of_gradients(J, w, effects=None):
    """A history whose recorded steps k had the gradients J[k] (T, P) and the weights w[k] (T,)."""
    history = a_history("abc"[: J.shape[1]], steps=3 * len(J))
    history.cosines, history.norms = (
        np.stack([np.corrcoef(np.c_[j, -j]) for j in J]),
        np.linalg.norm(J, axis=-1),
    )  # mean 0: cosines
    for i, t in enumerate(history.tasks):
        history.weights[t] = np.full(3 * len(J), 99.0)
        history.weights[t][::3] = w[:, i]
    history.effects = np.empty(0) if effects is None else effects
    return history


@pytest.mark.parametrize("pair, places", [(None, [0, 1]), (("c", "a"), [2, 0])])
def test_the_harm_diagram_counts_the_plain_steps_that_raise_a_loss(pair, places):
    rng = np.random.default_rng(4)
    J, w = rng.standard_normal((60, 3, 3)) * [[1], [3], [0.7]], rng.uniform(0.2, 4, (60, 3))
    figure = plots.harm(of_gradients(J, w), pair)
    g, v = J[:, places], w[:, places]
    change = [[-one @ (a * s + b * t) for one in (s, t)] for (s, t), (a, b) in zip(g, v)]
    conflict = np.sum(g[:, 0] * g[:, 1], -1) < 0
    harmful = np.max(change, 1) > 0
    assert (
        title(figure)
        == f"Conflict in {conflict.sum()} of 60 steps; a plain step would do harm in {harmful.sum()}"
    )
    assert 0 < harmful.sum() < conflict.sum()
    norms = np.linalg.norm(g, axis=-1)
    ratio = v[:, 0] * norms[:, 0] / (v[:, 1] * norms[:, 1])
    np.testing.assert_allclose(
        dots(figure.axes[0])[0],
        np.transpose([ratio, np.sum(g[:, 0] * g[:, 1], -1) / norms.prod(-1)]),
    )
    assert "for the two alone: the step taken also served 1 more" in figure.get_supxlabel()
    assert "alone" not in plots.harm(a_history("ab")).get_supxlabel()


def test_the_boundaries_of_harm_are_minus_r_and_minus_one_over_r():
    figure = plots.harm(a_history("abc"), ("c", "a"))
    ax = figure.axes[0]
    s, t = line(ax, "_c"), line(ax, "_a")
    assert colours([s, t]) == [FIRST_COLOURS[2], FIRST_COLOURS[0]]
    np.testing.assert_allclose(s.get_ydata(), -s.get_xdata())
    np.testing.assert_allclose(t.get_ydata(), -1 / t.get_xdata())
    edge = ax.get_xlim()[1]
    np.testing.assert_allclose(
        [s.get_xdata().min(), s.get_xdata().max(), t.get_xdata().min(), t.get_xdata().max()],
        [1 / edge, 1, 1, edge],
    )
    regions = {
        to_hex(one.get_facecolor()[0]): one.get_paths()[0]
        for one in ax.collections
        if not isinstance(one, PathCollection)
    }
    inside = [
        [
            regions[colour].contains_point(at)
            for at in ((0.5, -0.6), (0.5, -0.4), (2, -0.6), (2, -0.4))
        ]
        for colour in colours([s, t])
    ]
    assert inside == [[True, False, False, False], [False, False, True, False]]
    assert {"no conflict", "conflict without harm", "step harms\nc", "step harms\na"} <= set(
        texts(figure)
    )
    assert "of c ÷" in ax.get_xlabel() and ax.get_xscale() == "log"


def test_steps_taken_that_raised_a_loss_are_crosses_and_late_ones_are_dark():
    J, w = np.random.default_rng(4).standard_normal((4, 3, 3)), np.ones((4, 3))
    history = of_gradients(J, w, np.array([[-1, -1, 1], [1, -1, -1], [-1, 0, NAN], [-1, 0.1, -1]]))
    ax = plots.harm(history).axes[0]
    circles, crosses = (one for one in ax.collections if isinstance(one, PathCollection))
    ρ = history.cosines[:, 0, 1]
    np.testing.assert_allclose(circles.get_offsets()[:, 1], ρ[[0, 2]])
    np.testing.assert_allclose(crosses.get_offsets()[:, 1], ρ[[1, 3]])
    np.testing.assert_array_equal([*circles.get_array(), *crosses.get_array()], [0, 6, 3, 9])
    assert (
        circles.to_rgba([0])[0, 0] > 0.8
        and circles.to_rgba([9])[0, 0] < 0.2
        and len(circles.get_paths()[0]) != len(crosses.get_paths()[0])
    )
    assert [one.get_text() for one in ax.get_legend().get_texts()] == [
        "conflict without harm",
        "step taken raised no loss: 2",
        "it raised one: 2",
    ]


def test_without_effects_no_point_says_what_the_step_taken_did():
    figure = plots.harm(a_history("ab"))
    assert len(dots(figure.axes[0])) == 1 and len(dots(figure.axes[0])[0]) == 14
    assert "steps recorded: 14" in texts(figure) and not any(
        "taken" in words for words in texts(figure)
    )


def test_a_task_of_weight_0_stands_at_the_edge_and_what_has_no_angle_is_left_out():
    history = a_history("ab", steps=9)
    history.weights["a"][0], history.norms[1, 0], history.cosines[:, 0, 1] = (
        0.0,
        NAN,
        [-0.5, -0.5, 0.5],
    )
    figure = plots.harm(history)
    places, ax = dots(figure.axes[0])[0], figure.axes[0]
    a, b = (history.weights[t][6] * norm for t, norm in zip("ab", history.norms[2]))
    np.testing.assert_allclose(places, [[ax.get_xlim()[0], -0.5], [a / b, 0.5]])
    assert title(figure) == "Conflict in 1 of 2 steps; a plain step would do harm in 1"


# ---------------------------------------------------------------- weights


def test_weights_draws_each_rule_in_its_panel_on_one_scale():
    histories = {"equal": a_history("abc"), "rule": a_history("abc", steps=20)}
    histories["rule"].losses["b"][3] = NAN
    figure = plots.weights(histories)
    for rule, history in histories.items():
        ax = titled(figure, rule)
        for t in "abc":
            np.testing.assert_array_equal(
                line(ax, t).get_ydata(),
                np.where(np.isnan(history.losses[t]), NAN, history.weights[t]),
            )
        assert (
            colours(line(ax, t) for t in "abc") == FIRST_COLOURS[:3]
            and ax.get_ylim() == figure.axes[0].get_ylim()
        )
    assert np.isnan(line(titled(figure, "rule"), "b").get_ydata()[3])
    assert {"a", "b", "c", "steps made"} <= set(
        texts(figure)
    ) and "raw (linear scale)" in figure.get_supylabel()


@pytest.mark.parametrize(
    "least, scale",
    [(0.5, "linear"), (0.19, "log"), (0.21, "linear"), (0.0, "linear"), (-1.0, "linear")],
)
def test_the_scale_of_weights_is_logarithmic_beyond_a_factor_ten(least, scale):
    histories = {"one": a_history("ab"), "two": a_history("ab")}
    histories["two"].weights["a"][5], histories["one"].weights["b"][5] = least, 2.0
    figure = plots.weights(histories)
    assert [ax.get_yscale() for ax in figure.axes] == [
        scale,
        scale,
    ] and scale in figure.get_supylabel()


# ---------------------------------------------------------------- step


@pytest.mark.parametrize("T", [1, 2, 4])
def test_step_draws_theory_and_fact_of_each_task_and_the_cosines(T):
    report = a_report(T)
    report.taken[0], report.cosines[0, -1] = NAN, NAN
    figure = plots.step(report)
    ax, matrix = figure.axes
    for bars, name in zip(
        ax.containers, ("predicted", "taken", "happened", "with_heads"), strict=True
    ):
        np.testing.assert_array_equal([bar.get_width() for bar in bars], getattr(report, name))
        assert [to_hex(bar.get_edgecolor()) for bar in bars] == FIRST_COLOURS[:T] and all(
            bar.get_x() == 0 for bar in bars
        )
        assert [round(bar.get_y() + bar.get_height() / 2) for bar in bars] == list(range(T))
    assert [one.get_text() for one in ax.get_yticklabels()] == [
        f"{t}\nL {i + 1}, ‖g‖ 0.25, w 2" for i, t in enumerate(report.tasks)
    ]
    np.testing.assert_array_equal(np.ma.filled(matrix.images[0].get_array(), NAN), report.cosines)
    assert {one.get_position(): one.get_text() for one in matrix.texts} == {
        (t, s): "0.75" if s == t else "−0.25"
        for s in range(T)
        for t in range(T)
        if (s, t) != (0, T - 1)
    }
    assert ax.get_ylim()[0] > ax.get_ylim()[1] and "harm" in texts(figure)


def test_the_side_of_harm_is_shaded_from_zero_also_if_there_is_none():
    for values in ([-1.0, -2.0], [3.0, -1.0], [NAN, NAN], [0.0, 0.0]):
        ax = plots.step(
            a_report(predicted=values, taken=values, happened=values, with_heads=values)
        ).axes[0]
        (shade,) = [one for one in ax.patches if to_hex(one.get_facecolor()) == "#f0f0f0"]
        assert (
            shade.get_extents().x0 == ax.transData.transform((0, 0))[0]
            and ax.get_xlim()[1] > np.nanmax([0, *values])
            and ax.get_xlim()[0] < 0
        )


# ---------------------------------------------------------------- pareto, trajectories


def test_pareto_draws_a_weight_in_one_colour_in_both_spaces():
    parameters, losses, w, front = (
        *np.random.default_rng(0).uniform(0, 1, (2, 4, 2)),
        [0, 0.5, 0.75, 1],
        np.array([[0, 2], [0.5, 0.5], [2, 0]]),
    )
    figure = plots.pareto(parameters, losses, w, tasks=("price", "brand"), front=front)
    left, right, _ = figure.axes
    for ax, expected in ((left, parameters), (right, losses)):
        np.testing.assert_array_equal(dots(ax), [expected])
        shown = [to_hex(one) for one in ax.collections[0].to_rgba(ax.collections[0].get_array())]
        assert (
            shown[0] == FIRST_COLOURS[1] and shown[-1] == FIRST_COLOURS[0] and len(set(shown)) == 4
        )
    np.testing.assert_array_equal(line(right, "exact front (theory)").get_xydata(), front)
    assert (right.get_xlabel(), right.get_ylabel()) == (
        "loss of price",
        "loss of brand",
    ) and "weight of price" in texts(figure)
    assert not any(
        "theory" in words
        for words in texts(plots.pareto(parameters, losses, w, tasks=["price", "brand"]))
    )


def test_trajectories_draws_every_path_from_its_start_to_its_end():
    paths = {
        "sum": np.random.default_rng(0).uniform(-1, 1, (3, 5, 2)),
        "rule": np.array([[0.0, 0.5], [1.0, 1.5]]),
    }
    pareto_set = np.array([[-1, 0], [1, 0]])
    figure = plots.trajectories(
        two_losses,
        paths,
        extent=(-2, 2, -1, 2),
        tasks=("price", "brand"),
        minima=[[1, 0], [-1, 0]],
        pareto_set=pareto_set,
    )
    for rule, path in paths.items():
        ax, path = titled(figure, rule), path.reshape(-1, *path.shape[-2:])
        np.testing.assert_array_equal(
            [one.get_xydata() for one in ax.lines if one.get_label() == "_path"], path
        )
        np.testing.assert_array_equal(line(ax, "start").get_xydata(), path[:, 0])
        np.testing.assert_array_equal(line(ax, "end").get_xydata(), path[:, -1])
        np.testing.assert_array_equal(line(ax, "Pareto set").get_xydata(), pareto_set)
        assert (*ax.get_xlim(), *ax.get_ylim()) == (-2, 2, -1, 2)
        marks = [line(ax, f"minimum of {t}") for t in ("price", "brand")]
        assert colours(marks) == FIRST_COLOURS[:2] and [
            float(one.get_xdata()[0]) for one in marks
        ] == [1, -1]


def test_contours_are_of_the_mean_of_the_two_losses():
    ax = plots.trajectories(two_losses, {"sum": [[0, 0], [1, 1]]}, extent=(-2, 2, -1, 2)).axes[0]
    contours = ax.collections[0]
    for level, path in zip(contours.levels, contours.get_paths(), strict=True):
        np.testing.assert_allclose(two_losses(path.vertices).mean(-1), level, atol=0.01)
    assert sum(len(path.vertices) > 2 for path in contours.get_paths()) > 5


# ---------------------------------------------------------------- curves


def draw_curves(**changed):
    arguments = {
        "x": [1, 10, 100],
        "measured": {
            "alone": ([3.0, 2.0, NAN], [0.5, 0.25, NAN]),
            "shared": ([2.0, 1.0, 0.5], [0.1, 0.1, 0.1]),
        },
        "theory": {"alone": lambda x: 3 / x, "floor": [1.0, 2.0, 4.0]},
        "xlabel": "labels",
        "ylabel": "error",
        "title": "sharing wins",
    }
    return plots.curves(**arguments | changed)


def test_curves_draws_points_with_their_errors_and_lines_of_theory_in_the_same_colour():
    figure = draw_curves(mark=(20, "n* = 20"), seeds=60)
    ax = figure.axes[0]
    (alone, first, bars), (shared, second, _) = points(ax)
    np.testing.assert_array_equal(alone[:2], [[1, 3], [10, 2]])
    np.testing.assert_array_equal(shared, [[1, 2], [10, 1], [100, 0.5]])
    np.testing.assert_allclose(bars[:2, :, 1], [[2.5, 3.5], [1.75, 2.25]])
    of_alone, joined, floor = (
        one for one in ax.lines if len(one.get_xdata()) in (3, 200) and one.get_linestyle() == "-"
    )
    np.testing.assert_array_equal(joined.get_xydata(), shared)
    assert joined.get_linewidth() < floor.get_linewidth()
    x, y = of_alone.get_xydata().T
    np.testing.assert_allclose(y, 3 / x)
    np.testing.assert_array_equal(floor.get_xydata(), [[1, 1], [10, 2], [100, 4]])
    assert (x[0], x[-1]) == (1, pytest.approx(100)) and ax.get_xscale() == ax.get_yscale() == "log"
    assert (
        len({to_hex(one) for one in (of_alone.get_color(), plots.ARM_COLOURS[0])})
        == 1
        != to_hex(floor.get_color())
    )
    assert (
        {"alone", "shared", "floor", "n* = 20"} <= set(texts(figure))
        and "60 seeds" in figure.get_supxlabel()
        and "theory" in figure.get_supxlabel()
    )
    assert (ax.get_xlabel(), ax.get_ylabel(), figure.get_suptitle()) == (
        "labels",
        "error",
        "sharing wins",
    )


def test_curves_of_tasks_have_the_colours_of_tasks_and_what_is_no_task_is_grey():
    ax = draw_curves(of_tasks=True, log="").axes[0]
    assert [
        to_hex(one.get_color())
        for one in ax.lines
        if len(one.get_xdata()) in (3, 200) and one.get_marker() in ("None", "")
    ] == [*FIRST_COLOURS[:2], to_hex("0.5")]
    assert ax.get_xscale() == ax.get_yscale() == "linear"
    assert "theory" not in draw_curves(theory=None).get_supxlabel()
    assert "measured" not in draw_curves(measured={}).get_supxlabel()


def test_curves_draws_a_function_of_theory_finely_and_marks_a_place_on_its_inner_side():
    ax = draw_curves(mark=(20, "n* = 20")).axes[0]
    finely = lambda ax: next(one.get_xdata() for one in ax.lines if len(one.get_xdata()) == 200)
    x = finely(ax)
    np.testing.assert_allclose(x[1:] / x[:-1], x[1] / x[0])
    x = finely(draw_curves(log="y").axes[0])
    np.testing.assert_allclose(np.diff(x), x[1] - x[0])
    side = lambda at, log: next(
        one
        for one in draw_curves(mark=(at, "here"), log=log).axes[0].texts
        if one.get_text() == "here"
    ).get_ha()
    assert [side(at, "xy") for at in (5, 20)] == ["left", "right"] and [
        side(at, "y") for at in (20, 60)
    ] == ["left", "right"]


# ---------------------------------------------------------------- strength_curve


def test_strength_curve_draws_measurement_theory_and_limits():
    λ, error, bars = [0.1, 1, 10], [3.0, 1.5, NAN], [0.5, 0.25, NAN]
    figure = plots.strength_curve(
        λ, error, bars, theory=lambda x: 1 / x, best=2.0, alone=4.0, together=2.5, seeds=200
    )
    ax = figure.axes[0]
    ((places, _, ends_of_bars),) = points(ax)
    np.testing.assert_array_equal(places[:2], np.transpose([λ, error])[:2])
    assert np.isnan(places[2]).all()
    np.testing.assert_allclose(ends_of_bars[:2, :, 1], [[2.5, 3.5], [1.25, 1.75]])
    x, y = line(ax, "theory").get_xydata().T
    np.testing.assert_allclose(y, 1 / x)
    assert x.min() < 0.1 and x.max() > 10 and ax.get_xscale() == "log"
    assert set(line(ax, "alone (λ = 0)").get_ydata()) == {4.0} and set(
        line(ax, "one network (λ → ∞)").get_ydata()
    ) == {2.5}
    assert [
        set(one.get_xdata())
        for one in ax.lines
        if one.get_linestyle() == ":" and one.get_label().startswith("_")
    ] == [{2.0}]
    assert (
        "best by theory: λ* = 2" in texts(figure)
        and "200 seeds" in figure.get_supxlabel()
        and "± standard error" in figure.get_supxlabel()
    )


def test_strength_curve_speaks_only_of_what_it_was_given():
    figure = plots.strength_curve([1], [2], [0])
    assert not [
        words
        for words in texts(figure)
        if any(one in words for one in ("theory", "λ =", "∞", "seeds"))
    ]


# ---------------------------------------------------------------- layers, direction_and_length


@pytest.mark.parametrize("T", [2, 4])
def test_layers_draws_cosines_whose_weighted_sum_is_the_cosine_of_the_whole(T):
    G = gramians(T)
    figure = plots.layers(G, LONG[:T])
    assert len(figure.axes) == T * (T - 1) // 2
    for s in range(T):
        for t in range(s + 1, T):
            ax = panel(figure, LONG[s], LONG[t])
            assert [one.get_text() for one in ax.get_yticklabels()] == [
                *G,
                "whole",
            ] * ax.get_subplotspec().is_first_col()
            assert ax.get_ylim()[0] > ax.get_ylim()[1]
            x, y = dots(ax)[0].T
            np.testing.assert_array_equal(y, range(4))
            whole = sum(G.values())
            np.testing.assert_allclose(
                x, [M[s, t] / np.sqrt(M[s, s] * M[t, t]) for M in (*G.values(), whole)]
            )
            weight = np.sqrt([M[s, s] * M[t, t] / (whole[s, s] * whole[t, t]) for M in G.values()])
            np.testing.assert_allclose(weight @ x[:-1], x[-1])
            sizes = ax.collections[0].get_sizes()
            np.testing.assert_allclose(sizes[:-1] / sizes[-1], weight)
            assert [one.get_text() for one in ax.texts] == [f"{100 * w:.0f}%" for w in weight]


def test_a_layer_without_a_gradient_of_one_task_has_no_dot():
    ax = plots.layers(
        {"one": np.diag([1.0, 0.0]), "two": [[1.0, -0.5], [-0.5, 1.0]]}, list("ab")
    ).axes[0]
    np.testing.assert_allclose(dots(ax)[0][:, 0], [NAN, -0.5, -0.5 / np.sqrt(2)])
    assert [one.get_text() for one in ax.texts] == ["71%"]


def test_direction_and_length_are_those_of_the_step():
    J = np.random.default_rng(5).standard_normal((3, 6))
    rules = {"sum": [1, 1, 1], "other": [0.2, 3.0, 0.1]}
    figure = plots.direction_and_length(J @ J.T, rules, LONG[:3])
    left, right = figure.axes
    for row, w in enumerate(rules.values()):
        d = sum(one * g for one, g in zip(w, J))
        for t, g in enumerate(J):
            np.testing.assert_allclose(
                line(left, LONG[t]).get_xydata()[row],
                [d @ g / (np.linalg.norm(d) * np.linalg.norm(g)), row],
            )
        np.testing.assert_allclose(
            line(right, "length").get_xydata()[row], [np.linalg.norm(d), row]
        )
    assert (
        colours(line(left, t) for t in LONG[:3]) == FIRST_COLOURS[:3]
        and right.get_xscale() == "log"
    )
    assert [one.get_text() for one in left.get_yticklabels()] == list(rules) and set(
        LONG[:3]
    ) <= set(texts(figure))


def test_a_rule_that_makes_no_step_says_so_and_a_task_without_a_gradient_has_no_point():
    g = np.array([0.1, 0.3])
    J = np.stack([g, -3 * g, 0 * g])
    figure = plots.direction_and_length(
        J @ J.T, {"sum": [1, 1, 1], "balanced": [3, 1, 1], "none": [0, 0, 0]}, list("abc")
    )
    left, right = figure.axes
    np.testing.assert_allclose(
        [line(left, t).get_xdata() for t in "abc"], [[-1, NAN, NAN], [1, NAN, NAN], [NAN] * 3]
    )
    assert {one.get_position()[1]: one.get_text() for one in left.texts} == {
        1: "d = 0: no step",
        2: "d = 0: no step",
    }
    assert list(np.isnan(line(right, "length").get_xdata())) == [False, True, True]
    plots.direction_and_length(np.ones((1, 1)), {"none": [0]}, "a")  # nothing to draw


# ---------------------------------------------------------------- gains


def test_gains_draws_each_pair_in_the_row_of_its_measure_with_three_standard_errors():
    figure = plots.gains(GAINS, seeds=10)
    ax = figure.axes[0]
    rows = [one.get_text() for one in ax.get_yticklabels()]
    assert (
        rows == ["brand, AUC", "price, R²", "facts"] and ax.get_ylim()[0] > ax.get_ylim()[1]
    )  # the first on top
    for arm, (places, _, bars) in zip(GAINS.values(), points(ax), strict=True):
        for row, measure in enumerate(rows):
            gain, error = arm[measure]
            np.testing.assert_equal(places[row, 0], gain)
            np.testing.assert_allclose(bars[row, :, 0], [gain - 3 * error, gain + 3 * error])
            assert (
                np.isnan(gain)
                or abs(places[row, 1] - row) < 0.5
                and set(bars[row, :, 1]) == {places[row, 1]}
            )
    assert [list(filled) for _, filled, _ in points(ax)] == [
        [True, True, False],
        [True, False, False],
    ]


def test_gains_says_what_is_seen():
    figure = plots.gains(GAINS, seeds=10)
    ax = figure.axes[0]
    assert [one.get_text() for one in ax.get_legend().get_texts()] == [
        "hard: better in 1 of 3, worse in 1",
        "soft: better in 1 of 2, worse in 0",
    ]
    assert (
        "positive is better" in ax.get_xlabel()
        and set(ax.lines[0].get_xdata()) == {0}
        and ax.texts[0].get_text() == " alone"
    )
    assert "3 standard errors" in figure.get_supxlabel() and "10 seeds" in figure.get_supxlabel()
    assert "seeds" not in plots.gains(GAINS).get_supxlabel()


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.floats(-1, 1), st.floats(0, 1)), min_size=1, max_size=5), st.booleans()
)
def test_a_point_is_hollow_exactly_if_its_bar_reaches_zero(pairs, by_fraction):
    if by_fraction:
        curve = np.arange(1, len(pairs) + 1) / len(pairs), *zip(*pairs)
        figure, axis = plots.gain_by_fraction({"hard": curve}, measure="R²"), 1
    else:
        figure, axis = (
            plots.gains({"hard": {f"measure {i}": pair for i, pair in enumerate(pairs)}}),
            0,
        )
    ((_, filled, bars),) = points(figure.axes[0])
    reaches = (bars[..., axis].min(1) <= 0) & (bars[..., axis].max(1) >= 0)
    np.testing.assert_array_equal(filled, ~reaches)
    plt.close(figure)


def test_an_arm_has_no_colour_of_a_task():
    ax = plots.gains(GAINS).axes[0]
    assert not {
        to_hex(one.get_edgecolor()[0]) for one in ax.collections if isinstance(one, PathCollection)
    } & set(FIRST_COLOURS)


def test_gain_by_fraction_draws_one_arm_at_its_percents():
    fractions, gain, error = [0.05, 0.1, 1], [0.5, 0.1, -0.4], [0.1, 0.1, 0.1]
    figure = plots.gain_by_fraction(
        {"hard": (fractions, gain, error)}, measure="brand, AUC", seeds=5
    )
    ax = figure.axes[0]
    ((places, filled, bars),) = points(ax)
    np.testing.assert_allclose(places, np.transpose([[5, 10, 100], gain]))
    np.testing.assert_allclose(line(ax, "hard").get_xydata(), places)
    np.testing.assert_allclose(
        bars[:, :, 1], np.transpose([np.subtract(gain, 0.3), np.add(gain, 0.3)]), atol=1e-12
    )
    assert list(filled) == [True, False, True]
    assert (
        ax.get_xscale() == "log"
        and "%" in ax.get_xlabel()
        and [one.get_text() for one in ax.get_xticklabels()] == ["5", "10", "100"]
    )
    assert (
        "positive is better" in ax.get_ylabel()
        and set(ax.lines[0].get_ydata()) == {0}
        and " alone" in texts(figure)
    )
    assert (
        "brand, AUC" in title(figure)
        and "5 seeds" in figure.get_supxlabel()
        and "hard" in texts(figure)
    )


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
        (1, 0): "+0.100\n± 0.020",
        (2, 0): "−0.200\n± 0.010",
        (0, 1): "+0.003\n± 0.010",
        (2, 1): "+0.040\n± 0.020",
        (0, 2): "−0.050\n± 0.010",
    }
    assert {at for at, one in cells.items() if one.get_color() != "black"} == {(0, 1), (2, 1)}
    assert (
        [one.get_text() for one in ax.get_xticklabels()]
        == [one.get_text() for one in ax.get_yticklabels()]
        == list("abc")
    )
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first row on top
    assert "helps" in ax.get_ylabel() and "is helped" in ax.get_xlabel()
    assert all(
        words in figure.get_supxlabel()
        for words in ("positive is better", "blue better", "standard error", "7 seeds")
    )


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


@pytest.mark.parametrize(
    "scale, text",
    [(1e-8, "+1e-08"), (1e3, "+1000"), (1e8, "+1e+08"), (1.0, "+1.00"), (0.0, "+0.00")],
)
def test_transfer_matrix_writes_tiny_and_large_numbers(scale, text):
    figure = plots.transfer_matrix(scale * np.ones((2, 2)), scale * np.ones((2, 2)), ["a", "b"])
    assert figure.axes[0].texts[0].get_text().split("\n")[0].replace("−", "-") == text


# ---------------------------------------------------------------- network


class TwoParts(mtl.Module):
    def __init__(self, first, second):
        self.first, self.second = first, second

    def __call__(self, x):
        return self.second(self.first(x))


def a_model(sharing=mtl.HardSharing, tasks=("a", "b"), encoders=(), **options):
    """Parts of which every one has another number of parameters."""
    rng = np.random.default_rng(0)
    trunk = TwoParts(mtl.Embedding(500, 8, rng), mtl.Dense(8, 5, rng))
    heads = {
        t: TwoParts(mtl.Dense(5, 2 + i, rng), mtl.Dense(2 + i, 1, rng)) for i, t in enumerate(tasks)
    }
    return sharing(
        trunk, heads, {t: mtl.Dense(7, 10 + i, rng) for i, t in enumerate(encoders)}, **options
    )


def boxes(figure):
    """(left, colour) -> its lines, {words at the left: number at the right}, from the top down."""
    ax, found = figure.axes[0], {}
    written = [one for one in ax.texts if not isinstance(one, plt.Annotation)]
    for patch in ax.patches:
        (x0, x1), (y0, y1) = (sorted(edge) for edge in patch.get_bbox().get_points().T)
        lines = {}
        for one in sorted(
            written, key=lambda one: (one.get_position()[1], one.get_ha() == "right")
        ):
            x, y = one.get_position()
            if x0 <= x <= x1 and y0 <= y <= y1:
                lines.setdefault(round(y, 6), []).append(one.get_text())
        found[round(x0, 2), to_hex(patch.get_edgecolor())] = dict(lines.values())
    return found


def arrows(figure):
    """(colour, from, to), with ends (x, y)."""
    pointing = [one for one in figure.axes[0].texts if isinstance(one, plt.Annotation)]
    return [(to_hex(one.arrow_patch.get_edgecolor()), one.xyann, one.xy) for one in pointing]


def number(text):
    return int(text.replace(",", ""))


SHARED = to_hex("0.3")
SHARINGS = {
    "hard": (mtl.HardSharing, {}),
    "soft": (mtl.SoftSharing, {"strength": 0.25}),
    "alone": (mtl.SingleTask, {}),
}


@pytest.mark.parametrize("arm", SHARINGS)
@pytest.mark.parametrize("tasks, encoders", [("a", ""), ("ab", "b"), (LONG, LONG[::2])])
def test_numbers_in_the_boxes_are_those_of_the_model_and_add_up(arm, tasks, encoders):
    sharing, options = SHARINGS[arm]
    model = a_model(sharing, tasks, encoders, **options)
    counts, total, by_task = (
        model.counts(),
        0,
        dict.fromkeys([*FIRST_COLOURS, "#e69f00", "#56b4e9"], 0),
    )
    for (_, colour), lines in boxes(plots.network(model)).items():
        title_line, whole, *modules = lines.items()
        n, share = number(whole[1]), float(whole[0].removesuffix(" % of all"))
        assert n == sum(number(k) for _, k in modules) and title_line[1] == ""
        assert abs(share - 100 * n / counts["total"]) <= 0.05 + 1e-9
        by_task[colour], total = by_task.get(colour, 0) + n, total + n
    assert total == counts["total"]
    assert by_task.pop(SHARED, 0) == counts["shared"]
    assert list(by_task.values())[: len(tasks)] == list(counts["tasks"].values())


def test_a_box_has_a_line_for_each_module_with_its_name_kind_and_number():
    drawn = boxes(plots.network(a_model(encoders="b")))
    trunk = {
        "shared trunk": "",
        "97.2 % of all": "4,045",
        "first: Embedding": "4,000",
        "second: Dense": "45",
    }
    assert drawn[2.3, SHARED] == trunk
    assert drawn[0.1, FIRST_COLOURS[1]] == {"encoder": "", "1.9 % of all": "80", "Dense": "80"}
    assert drawn[4.5, FIRST_COLOURS[0]] == {
        "a": "",
        "0.4 % of all": "15",
        "first: Dense": "12",
        "second: Dense": "3",
    }
    assert (
        list(drawn[4.5, FIRST_COLOURS[1]]) == ["b", "0.5 % of all", "first: Dense", "second: Dense"]
        and len(drawn) == 4
    )


def test_from_one_trunk_an_arrow_leads_to_every_head_in_the_colour_of_its_task():
    figure = plots.network(a_model(tasks=LONG, encoders=LONG[:1]))
    (first, *to_heads), drawn = arrows(figure), figure.axes[0].patches
    assert [colour for colour, *_ in to_heads] == [*FIRST_COLOURS, "#e69f00", "#56b4e9"]
    assert len({start for _, start, _ in to_heads}) == 1 and len({end for *_, end in to_heads}) == 6
    edges = {to_hex(one.get_edgecolor()): one.get_bbox() for one in drawn if one.get_x() > 4}
    for colour, _, (x, y) in to_heads:
        np.testing.assert_allclose(
            [x, y], [edges[colour].x0, np.mean([edges[colour].y0, edges[colour].y1])]
        )
    assert first[0] == FIRST_COLOURS[0] and first[1][0] < first[2][0] < to_heads[0][1][0]


@pytest.mark.parametrize("arm", ["soft", "alone"])
def test_copies_of_the_trunk_lead_to_their_own_head_and_only_a_pull_joins_them(arm):
    sharing, options = SHARINGS[arm]
    figure = plots.network(a_model(sharing, "abc", **options))
    assert [colour for colour, *_ in arrows(figure)] == FIRST_COLOURS[:3]
    assert all(start[1] == end[1] for _, start, end in arrows(figure))
    pulls = figure.axes[0].lines
    assert texts(figure).count("pull λ = 0.25") == len(pulls) == (2 if arm == "soft" else 0)
    assert [one.get_linestyle() for one in pulls] == ["--"] * len(pulls) and (
        "λ" in "".join(texts(figure))
    ) == bool(pulls)
    trunks = [one.get_bbox() for one in figure.axes[0].patches if one.get_x() < 1]
    for one, above, below in zip(pulls, trunks, trunks[1:]):
        np.testing.assert_allclose(one.get_ydata(), [above.y1, below.y0])


def test_the_title_says_what_is_shared_or_what_one_trunk_would_save():
    assert title(plots.network(a_model())) == "4,082 parameters, 99 % of them shared by both tasks"
    assert (
        title(plots.network(a_model(tasks="abc")))
        == "4,111 parameters, 98 % of them shared by the 3 tasks"
    )
    assert (
        title(plots.network(a_model(mtl.SingleTask)))
        == "8,127 parameters, none shared: one trunk for all would save 50 %"
    )
    assert title(plots.network(a_model(tasks="a"))) == "4,060 parameters, all of one task"
    assert "shared trunk" not in texts(plots.network(a_model(tasks="a")))


def test_a_module_that_heads_share_is_in_the_trunk_and_functions_have_no_parameters():
    rng = np.random.default_rng(0)
    common = mtl.Dense(3, 3, rng)
    heads = {t: TwoParts(common, mtl.Dense(3, 1, rng)) for t in "ab"} | {"c": mtl.tanh}
    shared = boxes(plots.network(mtl.HardSharing(mtl.tanh, heads)))
    assert shared[0.1, SHARED] == {
        "shared trunk": "",
        "60.0 % of all": "12",
        "heads.a.first: Dense": "12",
    }
    assert shared[3.7, FIRST_COLOURS[2]] == {"c": "", "0.0 % of all": "0"}
    alone = boxes(plots.network(mtl.SingleTask(mtl.tanh, heads)))
    assert (
        "heads.b.first: Dense" in alone[0.1, FIRST_COLOURS[1]]
        and "unused copy" in alone[0.1, FIRST_COLOURS[2]]
    )
    assert title(
        plots.network(mtl.HardSharing(mtl.tanh, {"a": mtl.tanh, "b": mtl.tanh}))
    ).startswith("0 parameters, 0 %")


# ---------------------------------------------------------------- embedding


def purity_by_hand(vectors, labels):
    """Point by point, each pair in words: the nearest others, of which each has an equal part of the vote."""
    n, purity, chance = len(vectors), 0.0, 0.0
    for i in range(n):
        far = {
            j: sum((a - b) ** 2 for a, b in zip(vectors[i], vectors[j])) for j in range(n) if j != i
        }
        nearest = [j for j in far if far[j] == min(far.values())]
        purity += sum(labels[j] == labels[i] for j in nearest) / len(nearest) / n
        chance += sum(labels[j] == labels[i] for j in far) / (n - 1) / n
    return purity, chance


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(-3, 3), st.integers(-3, 3), st.sampled_from(["tea", "jam", "soap"])),
        min_size=2,
        max_size=12,
    )
)
def test_purity_is_that_of_a_double_loop_over_all_pairs(rows):
    vectors, labels = [row[:2] for row in rows], [row[2] for row in rows]
    np.testing.assert_allclose(
        plots.neighbour_purity(vectors, labels), purity_by_hand(vectors, labels)
    )


def test_purity_of_labels_without_meaning_is_near_chance_and_of_clusters_1():
    rng = np.random.default_rng(0)
    labels = rng.choice(4, 800, p=[0.6, 0.2, 0.1, 0.1])
    purity, chance = plots.neighbour_purity(rng.standard_normal((800, 5)), labels)
    assert (
        abs(purity - chance) < 4 * np.sqrt(chance * (1 - chance) / 800)
        and abs(chance - 0.42) < 0.05
    )
    assert (
        plots.neighbour_purity(np.eye(4)[labels] + 0.01 * rng.standard_normal((800, 4)), labels)[0]
        == 1
    )


@pytest.mark.parametrize("place", [0.0, 0.1, 1e6 / 3])
def test_of_identical_points_purity_is_exactly_chance(place):
    purity, chance = plots.neighbour_purity(np.full((6, 3), place), list("aaabbc"))
    np.testing.assert_allclose([purity, chance], 8 / 30)
    figure = plots.embedding({"one": np.full((6, 3), place)}, list("aaabbc"))
    np.testing.assert_allclose(np.concatenate(dots(figure.axes[0])), 0, atol=1e-6)


def test_purity_counts_equal_points_as_near_whatever_they_are_far_from():
    vectors = np.array([[1 / 3, 1e8], [1 / 3, 1e8], [1 / 3, 1e8 + 1], [0, 0]])
    assert plots.neighbour_purity(vectors, list("aabb")) == (0.5, 1 / 3)


def in_plane(vectors):
    """The coordinates along the two main directions of the covariance, in root mean squares of the distance, and their part."""
    centred = vectors - vectors.mean(0)
    values, directions = np.linalg.eigh(centred.T @ centred / len(centred))
    return centred @ directions[:, :-3:-1] / np.sqrt(values.sum()), values[
        :-3:-1
    ].sum() / values.sum()


def test_embedding_draws_the_two_principal_components_with_purity_and_chance():
    rng = np.random.default_rng(0)
    before, after = (
        rng.standard_normal((30, 4)) * [3, 2, 1, 0.1] + 5,
        rng.standard_normal((30, 7)) * np.arange(1, 8),
    )
    labels = np.repeat(["tea", "jam", "soap"], 10)
    figure = plots.embedding({"before": before, "after": after}, labels)
    for ax, (name, vectors) in zip(figure.axes, {"before": before, "after": after}.items()):
        places, part = in_plane(vectors)
        drawn = np.concatenate(
            [dots(ax)[i] for i in (2, 0, 1)]
        )  # equally frequent labels are in the order of the alphabet
        np.testing.assert_allclose(np.abs(drawn), np.abs(places), atol=1e-12)
        purity, chance = purity_by_hand(vectors, labels)
        assert (
            ax.get_title() == f"{name}\npurity {100 * purity:.1f} %\n(chance {100 * chance:.1f} %)"
        )
        assert ax.get_xlabel() == f"{100 * part:.0f} % of the variance" and ax.get_aspect() == 1


def test_the_seven_most_frequent_labels_have_colours_and_the_others_are_grey():
    labels = np.repeat(np.arange(9), [2, 9, 3, 8, 4, 7, 5, 6, 1])
    figure = plots.embedding({"one": np.random.default_rng(0).standard_normal((45, 3))}, labels)
    drawn = [one for one in figure.axes[0].collections if isinstance(one, PathCollection)]
    wanted = [
        ("2 others (3)", 3),
        *((f"{k} ({n})", n) for k, n in zip([1, 3, 5, 7, 6, 4, 2], range(9, 2, -1))),
    ]
    assert [(one.get_label(), len(one.get_offsets())) for one in drawn] == wanted
    assert [to_hex(one.get_facecolor()[0]) for one in drawn] == [
        "#cccccc",
        *(to_hex(colour) for colour in plots.TASK_COLOURS),
    ]
    assert [one.get_text() for one in figure.legends[0].get_texts()] == [
        label for label, _ in wanted
    ]
    assert not any(
        "others" in text for text in texts(plots.embedding({"one": np.eye(7)}, np.arange(7)))
    )


def test_vectors_of_one_number_are_drawn_on_a_line():
    ax = plots.embedding({"one": [[1.0], [2.0], [6.0]]}, list("aab")).axes[0]
    np.testing.assert_allclose(np.concatenate(dots(ax))[:, 1], 0, atol=1e-12)
    assert ax.get_xlabel().startswith("100 %")


def test_a_best_strength_beyond_the_points_is_shown_and_one_that_is_a_limit_is_not_marked():
    draw = lambda best: plots.strength_curve(
        [0.1, 1],
        [2, 1],
        [0.1, 0.1],
        theory=lambda λ: mtl.closed_form.risk(λ, 4, 2, 1.0, 1.0),
        best=best,
    )
    low, high = draw(1e4).axes[0].get_xlim()
    assert high > 1e4 and any("λ* = 1e+04" in text for text in texts(draw(1e4)))
    for best in (0.0, np.inf):
        assert not any("λ*" in text for text in texts(draw(best)))


def test_points_beyond_the_edge_of_the_harm_diagram_are_counted():
    history = a_history("ab")
    history.effects, history.norms, history.weights = (
        [],
        np.ones((14, 2)),
        {"a": np.zeros(40), "b": np.ones(40)},
    )
    assert "14 points lie beyond the edge" in plots.harm(history).get_supxlabel()


# ---------------------------------------------------------------- all of them


def deep():
    """One trunk of more layers than there is to say of the heads, under names that do not fit."""
    rng, layer = np.random.default_rng(0), mtl.Dense
    trunk = TwoParts(
        mtl.Sequential(*(layer(3, 3, rng) for _ in range(12))),
        {t: layer(99, 999, rng) for t in (60 * "long ", 4 * "CAPITAL Letters ")},
    )
    return mtl.HardSharing(
        trunk,
        {4 * "CAPITAL Letters ": layer(3, 1, rng), 60 * "long ": layer(3, 1, rng)},
        {4 * "CAPITAL Letters ": layer(2, 3, rng)},
    )


PICTURES = {
    "losses, 1 task": lambda: plots.losses(a_history(LONG[:1])),
    "losses, 6 tasks": lambda: plots.losses(a_history(LONG)),
    "losses, 1 step": lambda: plots.losses(a_history(LONG[:2], steps=1, held_out=False)),
    "cosines, 2 tasks": lambda: plots.cosines(a_history(LONG[:2])),
    "cosines, 6 tasks": lambda: plots.cosines(a_history(LONG)),
    "cosines, 1 step": lambda: plots.cosines(a_history(LONG[:3], steps=1)),
    "cosines and effects, 2 tasks": lambda: plots.cosines(a_history(LONG[:2], effects=True)),
    "cosines and effects, 5 tasks": lambda: plots.cosines(a_history(LONG[:5], effects=True)),
    "cosines and effects, 1 step": lambda: plots.cosines(
        a_history(LONG[:2], steps=1, effects=True)
    ),
    "harm, 2 tasks": lambda: plots.harm(a_history(LONG[:2], effects=True)),
    "harm, 3 tasks": lambda: plots.harm(a_history(LONG[:3], effects=True), (LONG[2], LONG[0])),
    "harm, 1 step": lambda: plots.harm(a_history(LONG[:2], steps=1)),
    "weights, 1 rule": lambda: plots.weights({"equal": a_history(LONG)}),
    "weights, 5 rules": lambda: plots.weights(
        {f"rule {i}": a_history(LONG[:2], steps=1 + i) for i in range(5)}
    ),
    "step, 1 task": lambda: plots.step(a_report(1)),
    "step, 3 tasks": lambda: plots.step(a_report(3)),
    "step, 8 tasks": lambda: plots.step(a_report(8, tasks=EIGHT)),
    "pareto": lambda: plots.pareto(np.eye(2), np.eye(2), [0, 1], tasks=LONG[:2], front=np.eye(2)),
    "pareto, 1 point": lambda: plots.pareto([[0, 1]], [[1, 2]], [0.5], tasks=LONG[:2]),
    "trajectories, 1 rule": lambda: plots.trajectories(
        two_losses, {"sum": [[0, 0]]}, extent=(-2, 2, -2, 2)
    ),
    "trajectories, 5 rules": lambda: plots.trajectories(
        two_losses,
        {f"rule {i}": np.eye(2) for i in range(5)},
        extent=(-2, 2, -2, 2),
        tasks=LONG[:2],
        minima=np.eye(2),
        pareto_set=np.eye(2),
    ),
    "curves": draw_curves,
    "strength_curve": lambda: plots.strength_curve(
        [0.1, 1], [3, 2], [0.1, 0.2], theory=lambda x: x, best=0.2, alone=3, together=3, seeds=9
    ),
    "layers, 2 tasks": lambda: plots.layers(gramians(2), LONG[:2]),
    "layers, 6 tasks": lambda: plots.layers(gramians(6, layers=5), LONG),
    "direction_and_length": lambda: plots.direction_and_length(
        np.eye(3), {"sum": [1, 1, 1], "minimum norm": [0, 0, 1]}, LONG[:3]
    ),
    "direction_and_length, 8 tasks": lambda: plots.direction_and_length(
        np.eye(8), {"none": np.zeros(8)}, EIGHT
    ),
    "gains": lambda: plots.gains(GAINS, seeds=10),
    "gain_by_fraction": lambda: plots.gain_by_fraction(CURVES, measure="brand, AUC"),
    "transfer_matrix, 3 tasks": lambda: plots.transfer_matrix(GAIN, ERRORS, LONG[:3]),
    "transfer_matrix, 6 tasks": lambda: plots.transfer_matrix(
        np.tile(GAIN, (2, 2)), np.tile(ERRORS, (2, 2)), LONG
    ),
    "network, 1 task": lambda: plots.network(a_model(tasks=LONG[:1])),
    "network, 6 tasks": lambda: plots.network(a_model(tasks=LONG, encoders=LONG)),
    "network, 8 tasks": lambda: plots.network(
        a_model(
            mtl.SoftSharing, [f"{t} {i * t}" for i, t in enumerate(EIGHT)], EIGHT[:0], strength=1e-3
        )
    ),
    "network, deep": lambda: plots.network(deep()),
    "embedding, 2 points": lambda: plots.embedding({"before": np.eye(2)}, ["tea", "jam"]),
    "embedding, 2 sets": lambda: plots.embedding(
        {"before": np.eye(9), "after": np.ones((9, 1))}, [f"{i} {LONG[2]}" for i in range(9)]
    ),
    "embedding, 5 sets": lambda: plots.embedding({t: np.eye(9) for t in LONG[:5]}, np.arange(9)),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_white_640_wide_with_nothing_cut_off(name):
    figure = PICTURES[name]()
    figure.canvas.draw()
    assert figure.get_figwidth() == 6.4 and figure.dpi == 100
    assert to_hex(figure.get_facecolor()) == "#ffffff" and all(
        to_hex(ax.get_facecolor()) == "#ffffff" for ax in figure.axes
    )
    box = figure.get_tightbbox()  # inches
    assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= 6.4 and box.y1 <= figure.get_figheight()
    written = [
        plt.Text.get_window_extent(one)
        for ax in figure.axes
        for one in (*ax.texts, ax.title)
        if one.get_text()
    ]
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
        for picture in PICTURES.values():
            figure = picture()
            figure.canvas.draw()
            assert {to_hex(one.get_facecolor()) for one in (figure, *figure.axes)} == {"#ffffff"}
            assert not [
                one.get_text()
                for one in figure.findobj(plt.Text)
                if one.get_text() and to_hex(one.get_color()) == "#ffffff"
            ]
            plt.close(figure)


def test_arguments_are_left_as_they_are():
    gain, errors, fractions = GAIN.copy(), ERRORS.copy(), np.array([0.1, 1.0])
    plots.transfer_matrix(gain, errors, list("abc"))
    plots.gain_by_fraction(
        {"hard": (fractions, fractions, fractions), "soft": (fractions, fractions, fractions)},
        measure="AUC",
    )
    np.testing.assert_array_equal(gain, GAIN)
    np.testing.assert_array_equal(errors, ERRORS)
    np.testing.assert_array_equal(fractions, [0.1, 1.0])


@pytest.mark.parametrize(
    "sharing, where", [(mtl.HardSharing, "shared parameters"), (mtl.SingleTask, "own copy")]
)
def test_what_fit_returns_can_be_drawn(sharing, where):
    rng = np.random.default_rng(0)
    train, test = mtl.datasets.related_tasks(rng, relatedness=0.9, n_train=16, n_test=16)
    model = sharing(
        mtl.Sequential(mtl.Dense(8, 4, rng), mtl.tanh), {t: mtl.Dense(4, 1, rng) for t in train}
    )
    history = mtl.fit(
        model,
        train,
        dict.fromkeys(train, mtl.mse),
        optimizer=mtl.SGD(0.01),
        steps=6,
        cosines_every=2,
        held_out=test,
        evaluate_every=3,
    )
    ax = plots.losses(history).axes[0]
    np.testing.assert_array_equal(line(ax, "b").get_ydata(), history.losses["b"])
    np.testing.assert_array_equal(line(ax, "b, held out").get_xdata(), [3, 6])
    figure = plots.cosines(history)
    np.testing.assert_array_equal(panel(figure, "a", "b").lines[-1].get_xdata(), [0, 2, 4])
    assert where in title(figure)


def test_under_plain_gradient_descent_the_steps_that_did_harm_are_those_in_the_regions():
    rng = np.random.default_rng(3)
    data, _ = mtl.datasets.related_tasks(rng, relatedness=-0.9, n_train=32, n_test=1)
    losses = dict.fromkeys(data, mtl.mse)
    model = mtl.HardSharing(
        mtl.Sequential(mtl.Dense(8, 4, rng), mtl.tanh), {t: mtl.Dense(4, 1, rng) for t in data}
    )
    history = mtl.fit(
        model,
        data,
        losses,
        optimizer=mtl.SGD(0.02),
        steps=60,
        cosines_every=1,
        weights={"a": 5.0, "b": 0.1},
        quiet=True,
    )
    figure = plots.harm(history)
    neither, raised = (len(one) for one in dots(figure.axes[0]))
    assert (
        title(figure).endswith(f"of 60 steps; a plain step would do harm in {raised}")
        and raised
        and neither
    )
    plots.weights({"fixed": history})
    plots.step(mtl.interaction.step_report(model, data, losses, mtl.SGD(0.05)))
    plots.layers(mtl.interaction.layer_gramians(model, data, losses), model.tasks)


def no_cosines():
    history = a_history("ab")
    history.cosine_steps, history.cosines = [], []
    return history


def a_path(extent=(0, 1, 0, 1), path=((0, 0), (1, 1)), landscape=two_losses, **options):
    return plots.trajectories(landscape, {"sum": path}, extent=extent, **options)


ONES = [[1, 1], [1, 1]]
WRONG = [
    (lambda: plots.harm("history"), TypeError, r"harm: history must be a History.*got str"),
    (
        lambda: plots.harm(a_history("a")),
        ValueError,
        r"harm: history must have at least 2 tasks, got \['a'\]",
    ),
    (lambda: plots.harm(no_cosines()), ValueError, r"harm: history must hold cosines, got none"),
    (
        lambda: plots.harm(a_history("ab", aligned_copies=True)),
        ValueError,
        r"harm: history must be of shared parameters, got copies",
    ),
    (
        lambda: plots.harm(a_history("ab"), ("a", "z")),
        ValueError,
        r"harm: pair must be two of the tasks \['a', 'b'\], got \('a', 'z'\)",
    ),
    (lambda: plots.harm(a_history("ab"), "aa"), ValueError, r"pair must be two .*got \('a', 'a'\)"),
    (
        lambda: plots.harm(a_history("abc"), "abc"),
        ValueError,
        r"pair must be two .*got \('a', 'b', 'c'\)",
    ),
    (
        lambda: plots.weights({}),
        ValueError,
        r"weights: histories must be of the same tasks.*got \{\}",
    ),
    (
        lambda: plots.weights({"equal": {"a": [1]}}),
        TypeError,
        r"weights: histories\['equal'\]: history must be a History.*got dict",
    ),
    (
        lambda: plots.weights({"one": a_history("ab"), "two": a_history("ac")}),
        ValueError,
        r"got \{'one': \(\['a', 'b'\], 40\), 'two'",
    ),
    (
        lambda: plots.weights({"one": mtl.History(["a"])}),
        ValueError,
        r"at least 1 step, got \{'one': \(\['a'\], 0\)\}",
    ),
    (
        lambda: plots.step(a_report(tasks=[])),
        ValueError,
        r"step: tasks must be at least 1 names, each once; got \[\]",
    ),
    (
        lambda: plots.step(a_report(happened=[1.0])),
        ValueError,
        r"step: happened must have shape \(2\), got \(1,\)",
    ),
    (
        lambda: plots.step(a_report(cosines=[1.0, 0.0])),
        ValueError,
        r"step: cosines must have shape \(2, 2\), got \(2,\)",
    ),
    (
        lambda: plots.pareto(ONES, ONES, [0, 1], tasks="abc"),
        ValueError,
        r"pareto: tasks must be 2 names, each once; got \['abc'\]",
    ),
    (
        lambda: plots.pareto(ONES, ONES, [0, 1], tasks=list("abc")),
        ValueError,
        r"must be 2 names.*got \['a', 'b', 'c'\]",
    ),
    (
        lambda: plots.pareto(ONES, ONES, [], tasks=list("ab")),
        ValueError,
        r"pareto: weights must have shape \(K\), got \(0,\)",
    ),
    (
        lambda: plots.pareto(ONES, [[1, 1]], [0, 1], tasks=list("ab")),
        ValueError,
        r"pareto: losses must have shape \(2, 2\), got \(1, 2\)",
    ),
    (
        lambda: plots.pareto(ONES, ONES, [0, 1], tasks=list("ab"), front=[1, 2]),
        ValueError,
        r"pareto: front must have shape \(M, 2\), got \(2,\)",
    ),
    (
        lambda: plots.trajectories(two_losses, {}, extent=(0, 1, 0, 1)),
        ValueError,
        r"trajectories: paths must have at least one rule, got \{\}",
    ),
    (
        lambda: a_path(extent=(0, 1)),
        ValueError,
        r"trajectories: extent must have shape \(4\), got \(2,\)",
    ),
    (
        lambda: a_path(path=[0, 1]),
        ValueError,
        r"trajectories: paths\['sum'\] must have shape \(n, K, 2\), got \(2,\)",
    ),
    (
        lambda: a_path(landscape=lambda x: x[..., 0]),
        ValueError,
        r"landscape of \(121, 121, 2\) must have shape \(121, 121, 2\), got \(121, 121\)",
    ),
    (
        lambda: a_path(minima=[0, 1]),
        ValueError,
        r"trajectories: minima must have shape \(2, 2\), got \(2,\)",
    ),
    (
        lambda: a_path(pareto_set=[0, 1]),
        ValueError,
        r"trajectories: pareto_set must have shape \(M, 2\), got \(2,\)",
    ),
    (lambda: a_path(tasks=["a"]), ValueError, r"trajectories: tasks must be 2 names"),
    (
        lambda: draw_curves(x=[1, 2]),
        ValueError,
        r"curves: measured\['alone'\] must have shape \(2, 2\), got \(2, 3\)",
    ),
    (lambda: draw_curves(x=[1, 1, 2]), ValueError, "curves: x must be finite and rise"),
    (lambda: draw_curves(x=[1, 2, np.inf]), ValueError, "curves: x must be finite and rise"),
    (lambda: draw_curves(log="z"), ValueError, "log '', 'x', 'y' or 'xy'; got .* and 'z'"),
    (
        lambda: draw_curves(theory={"a": lambda x: x[:3]}),
        ValueError,
        r"curves: theory\['a'\] must have shape \(200\), got \(3,\)",
    ),
    (
        lambda: draw_curves(measured={"a": ([1, 0, 1], [1, 1, 1])}),
        ValueError,
        "positive, for a logarithmic axis; the least is 0.0",
    ),
    (
        lambda: draw_curves(measured={"a": ([NAN] * 3, [1, 1, 1])}, theory={}),
        ValueError,
        "expected values.*the least is None",
    ),
    (
        lambda: draw_curves(x=[1, 3, 2]),
        ValueError,
        r"rise, and be positive on a logarithmic axis; got \[1. 3. 2.\]",
    ),
    (
        lambda: draw_curves(x=[0, 1, 2]),
        ValueError,
        r"be positive on a logarithmic axis; got \[0. 1. 2.\]",
    ),
    (
        lambda: draw_curves(measured={}, theory={}),
        ValueError,
        r"at least one name in measured or theory.*; got \[\]",
    ),
    (
        lambda: draw_curves(measured={"a": ([1, 1, 1], [1, -1, 1])}),
        ValueError,
        "standard errors of at least 0, got 1.0 ± -1.0",
    ),
    (
        lambda: plots.strength_curve([], [], []),
        ValueError,
        r"strength_curve: strengths must have shape \(K\), got \(0,\)",
    ),
    (
        lambda: plots.strength_curve([0, 1], [1, 1], [1, 1]),
        ValueError,
        r"positive and finite, got \[0, 1\]",
    ),
    (
        lambda: plots.strength_curve([NAN], [1], [1]),
        ValueError,
        r"positive and finite, got \[nan\]",
    ),
    (
        lambda: plots.strength_curve([1, 2], [1], [1, 1]),
        ValueError,
        r"strength_curve: errors must have shape \(2\), got \(1,\)",
    ),
    (
        lambda: plots.strength_curve([1, 2], [1, 1], [1]),
        ValueError,
        r"strength_curve: standard_errors must have shape \(2\), got \(1,\)",
    ),
    (
        lambda: plots.strength_curve([1], [1], [-1]),
        ValueError,
        r"strength_curve: errors must have .*standard errors of at least 0, got 1.0 ± -1.0",
    ),
    (
        lambda: plots.layers({}, list("ab")),
        ValueError,
        r"layers: gramians must have at least one layer, got \{\}",
    ),
    (
        lambda: plots.layers({"one": ONES}, ["a"]),
        ValueError,
        r"layers: tasks must be at least 2 names",
    ),
    (
        lambda: plots.layers({"one": ONES}, list("abc")),
        ValueError,
        r"layers: gramians\['one'\] must have shape \(3, 3\), got \(2, 2\)",
    ),
    (
        lambda: plots.direction_and_length(ONES, {}, list("ab")),
        ValueError,
        r"direction_and_length: weights must have at least one rule, got \{\}",
    ),
    (
        lambda: plots.direction_and_length([1, 1], {"sum": [1, 1]}, list("ab")),
        ValueError,
        r"gramian must have shape \(2, 2\), got \(2,\)",
    ),
    (
        lambda: plots.direction_and_length(ONES, {"sum": [1]}, list("ab")),
        ValueError,
        r"weights\['sum'\] must have shape \(2\), got \(1,\)",
    ),
    (lambda: plots.losses({"a": [1.0]}), TypeError, r"losses: history must be a History.*got dict"),
    (
        lambda: plots.losses(mtl.History(["a"])),
        ValueError,
        r"losses: history must have at least 1 step, got 0",
    ),
    (lambda: plots.cosines([0.5]), TypeError, r"cosines: history must be a History.*got list"),
    (lambda: plots.cosines(a_history("a")), ValueError, r"at least 2 tasks, got \['a'\]"),
    (
        lambda: plots.cosines(no_cosines()),
        ValueError,
        r"got none; fit\(\.\.\., cosines_every=10\) records them",
    ),
    (lambda: plots.gains({}), ValueError, r"gains: gains must have at least one arm.*got \{\}"),
    (lambda: plots.gains({"hard": {}}), ValueError, r"with one measure, got \{'hard': \{\}\}"),
    (
        lambda: plots.gains({"hard": {"R²": (1, 1)}, "soft": {"R2": (1, 1)}}),
        ValueError,
        r"gains\['soft'\] must have .*\['R²'\], got \{'R2'",
    ),
    (
        lambda: plots.gains({"hard": {"R²": 0.1}}),
        ValueError,
        r"must have a pair \(gain, standard error\).*got \{'R²': 0.1\}",
    ),
    (lambda: plots.gains({"hard": {"R²": (0.1, 0.2, 0.3)}}), ValueError, r"must have a pair"),
    (
        lambda: plots.gains({"hard": {"R²": (0.1, -0.2)}}),
        ValueError,
        r"standard errors of at least 0, got 0.1 ± -0.2",
    ),
    (lambda: plots.gains({"hard": {"R²": (0.1, NAN)}}), ValueError, r"got 0.1 ± nan"),
    (
        lambda: plots.gains({"hard": {"R²": (float("inf"), 1)}}),
        ValueError,
        r"finite gains.*got inf ± 1.0",
    ),
    (lambda: plots.gain_by_fraction({}, measure="R²"), ValueError, r"at least one arm, got \{\}"),
    (
        lambda: plots.gain_by_fraction({"hard": ([0.1], [1])}, measure="R²"),
        ValueError,
        r"gains\['hard'\] must be \(fractions, gains, standard errors\)",
    ),
    (
        lambda: plots.gain_by_fraction({"hard": ([0.1, 1], [1], [1])}, measure="R²"),
        ValueError,
        r"of one length.*\[\(2,\), \(1,\), \(1,\)\]",
    ),
    (
        lambda: plots.gain_by_fraction({"hard": ([], [], [])}, measure="R²"),
        ValueError,
        r"at least 1; got shapes",
    ),
    (
        lambda: plots.gain_by_fraction({"hard": (0.1, 1, 1)}, measure="R²"),
        ValueError,
        r"got shapes \[\(\), \(\), \(\)\]",
    ),
    (
        lambda: plots.gain_by_fraction({"hard": ([5, 10], [1, 1], [1, 1])}, measure="R²"),
        ValueError,
        r"increasing fractions in \(0, 1\], got \[5, 10\]",
    ),
    (
        lambda: plots.gain_by_fraction({"hard": ([0, 1], [1, 1], [1, 1])}, measure="R²"),
        ValueError,
        r"fractions in \(0, 1\]",
    ),
    (
        lambda: plots.gain_by_fraction({"hard": ([0.5, 0.5], [1, 1], [1, 1])}, measure="R²"),
        ValueError,
        r"increasing",
    ),
    (
        lambda: plots.gain_by_fraction({"hard": ([0.1, NAN, 1], [1] * 3, [1] * 3)}, measure="R²"),
        ValueError,
        r"increasing",
    ),
    (
        lambda: plots.gain_by_fraction({"hard": ([0.5], [1], [-1])}, measure="R²"),
        ValueError,
        r"gains\['hard'\] must have finite.*got 1.0 ± -1.0",
    ),
    (
        lambda: plots.transfer_matrix([[1]], [[1]], ["a"]),
        ValueError,
        r"at least 2 names, each once; got \['a'\]",
    ),
    (
        lambda: plots.transfer_matrix(ONES, ONES, "ab"),
        ValueError,
        r"at least 2 names, each once; got \['ab'\]",
    ),
    (
        lambda: plots.transfer_matrix(ONES, ONES, ["a", "a"]),
        ValueError,
        r"each once; got \['a', 'a'\]",
    ),
    (
        lambda: plots.transfer_matrix(ONES, ONES, ["a", "b", "c"]),
        ValueError,
        r"shape \(3, 3\) for tasks \['a', 'b', 'c'\], got \(2, 2\), \(2, 2\)",
    ),
    (lambda: plots.transfer_matrix(ONES, [1, 1], ["a", "b"]), ValueError, r"got \(2, 2\), \(2,\)"),
    (
        lambda: plots.network("model"),
        TypeError,
        r"network: model must be HardSharing, SoftSharing or SingleTask, got str",
    ),
    (
        lambda: plots.network(mtl.Dense(2, 1, np.random.default_rng(0))),
        TypeError,
        r"network: model must be .*got Dense",
    ),
    (
        lambda: plots.embedding({}, list("ab")),
        ValueError,
        r"embedding: vectors must have at least one name, got \{\}",
    ),
    (
        lambda: plots.embedding({"one": ONES, "two": [[1]]}, list("ab")),
        ValueError,
        r"embedding: vectors\['two'\] must have shape \(2, E\), got \(1, 1\)",
    ),
    (
        lambda: plots.embedding({"one": [1, 2]}, list("ab")),
        ValueError,
        r"vectors\['one'\] must have shape \(2, E\), got \(2,\)",
    ),
    (
        lambda: plots.embedding({"one": [[], []]}, list("ab")),
        ValueError,
        r"must have shape \(2, E\), got \(2, 0\)",
    ),
    (
        lambda: plots.embedding({"one": [[1]]}, ["a"]),
        ValueError,
        r"embedding: labels must be of at least 2 points, got shape \(1,\)",
    ),
    (
        lambda: plots.embedding({"one": ONES}, "ab"),
        ValueError,
        r"embedding: labels must be of at least 2 points, got shape \(\)",
    ),
    (
        lambda: plots.embedding({"one": [[1], [NAN]]}, list("ab")),
        ValueError,
        r"embedding: vectors\['one'\] must be finite, got nan",
    ),
    (
        lambda: plots.neighbour_purity([[1]], ["a"]),
        ValueError,
        r"neighbour_purity: labels must be of at least 2 points, got shape \(1,\)",
    ),
    (
        lambda: plots.neighbour_purity(ONES, [["a", "b"]]),
        ValueError,
        r"neighbour_purity: labels must be .*got shape \(1, 2\)",
    ),
    (
        lambda: plots.neighbour_purity(ONES, list("abc")),
        ValueError,
        r"neighbour_purity: vectors must have shape \(3, E\), got \(2, 2\)",
    ),
    (
        lambda: plots.neighbour_purity([[1], [np.inf]], list("ab")),
        ValueError,
        r"neighbour_purity: vectors must be finite, got inf",
    ),
    (
        lambda: plots.transfer_matrix(ONES, [[1, -1], [1, 1]], ["a", "b"]),
        ValueError,
        r"transfer_matrix: gain .*at least 0, got 1.0 ± -1.0",
    ),
]


@pytest.mark.parametrize("call, kind, message", WRONG)
def test_wrong_arguments_are_named_before_anything_is_drawn(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
    assert not plt.get_fignums()


def test_importing_the_package_does_not_load_matplotlib():
    code = "import sys, tinymtl; tinymtl.plots.losses; sys.exit('matplotlib' in sys.modules)"
    assert (
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        ).returncode
        == 0
    )
