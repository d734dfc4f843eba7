"""What happened in training: every loss and every weight, where it belongs."""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from pictures import FIRST_COLOURS, NAN, a_history, colours, line, refuses, texts, title, titled

import tinymtl as mtl
from tinymtl import plots

# Losses


def test_losses_draws_every_number_of_every_task():
    history = a_history("abc")
    ax = plots.losses(history).axes[0]
    for t in "abc":
        training = line(ax, t)
        held_out = line(ax, f"{t}, held out")
        np.testing.assert_array_equal(training.get_xydata().T, [np.arange(40), history.losses[t]])
        np.testing.assert_array_equal(held_out.get_xydata().T, [[10, 20, 30], history.held_out[t]])
        assert training.get_linestyle() == "-" != held_out.get_linestyle()
    assert ax.get_xlabel() == "steps made"
    assert "units" in ax.get_ylabel()


def test_colours_stay_with_their_tasks_where_one_was_not_held_out():
    history = a_history("abc")
    history.held_out["b"] = []
    ax = plots.losses(history).axes[0]
    assert to_hex(line(ax, "c, held out").get_color()) == FIRST_COLOURS[2]
    assert "b, held out" not in [one.get_label() for one in ax.lines]


def test_a_step_without_a_loss_leaves_a_gap_and_a_lone_step_a_mark():
    history = a_history("a", steps=6, held_out=False)
    history.losses["a"] = [1.0, 2.0, NAN, 3.0, NAN, 4.0]
    drawn = line(plots.losses(history).axes[0], "a")
    np.testing.assert_array_equal(drawn.get_ydata(), history.losses["a"])
    assert drawn.get_markevery() == [3, 5]
    assert drawn.get_marker() != "None"


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
    unnamed = [one for one in figure.axes[0].lines if one.get_label().startswith("_")]
    (dotted,) = [one for one in unnamed if one.get_linestyle() == ":"]
    assert set(dotted.get_xdata()) == {20}
    assert "least held-out total: step 20" in texts(figure)
    assert "held out" in title(figure)


def test_without_held_out_data_nothing_speaks_of_it():
    figure = plots.losses(a_history("ab", held_out=False))
    assert not any("held" in text for text in texts(figure))


# Weights


def test_weights_draws_each_rule_in_its_panel_on_one_scale():
    histories = {"equal": a_history("abc"), "rule": a_history("abc", steps=20)}
    histories["rule"].losses["b"][3] = NAN
    figure = plots.weights(histories)
    for rule, history in histories.items():
        ax = titled(figure, rule)
        for t in "abc":
            has_no_loss = np.isnan(history.losses[t])
            np.testing.assert_array_equal(
                line(ax, t).get_ydata(), np.where(has_no_loss, NAN, history.weights[t])
            )
        assert colours(line(ax, t) for t in "abc") == FIRST_COLOURS[:3]
        assert ax.get_ylim() == figure.axes[0].get_ylim()
    assert np.isnan(line(titled(figure, "rule"), "b").get_ydata()[3])
    assert {"a", "b", "c", "steps made"} <= set(texts(figure))
    assert "raw (linear scale)" in figure.get_supylabel()


@pytest.mark.parametrize(
    "least, scale",
    [(0.5, "linear"), (0.19, "log"), (0.21, "linear"), (0.0, "linear"), (-1.0, "linear")],
)
def test_the_scale_of_weights_is_logarithmic_beyond_a_factor_ten(least, scale):
    histories = {"one": a_history("ab"), "two": a_history("ab")}
    histories["two"].weights["a"][5] = least
    histories["one"].weights["b"][5] = 2.0
    figure = plots.weights(histories)
    assert [ax.get_yscale() for ax in figure.axes] == [scale, scale]
    assert scale in figure.get_supylabel()


# Refusals

REFUSED = [
    (
        lambda: plots.losses({"a": [1.0]}),
        TypeError,
        r"losses: history must be a History, got dict",
    ),
    (
        lambda: plots.losses(mtl.History(["a"])),
        ValueError,
        r"losses: history must have at least 1 step, got 0",
    ),
    (
        lambda: plots.weights({}),
        ValueError,
        r"weights: histories must be of the same tasks.*got \{\}",
    ),
    (
        lambda: plots.weights({"equal": {"a": [1]}}),
        TypeError,
        r"weights: histories\['equal'\] must be a History, got dict",
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
]


@pytest.mark.parametrize("call, kind, message", REFUSED)
def test_wrong_arguments_are_named_before_anything_is_drawn(call, kind, message):
    refuses(call, kind, message)
