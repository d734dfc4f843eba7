"""Measurement beside theory: points with their errors, lines where the mathematics puts them."""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from pictures import (
    FIRST_COLOURS,
    NAN,
    ONES,
    colours,
    dots,
    draw_curves,
    line,
    points,
    refuses,
    texts,
    title,
    titled,
    two_losses,
)

import tinymtl as mtl
from tinymtl import plots

# Curves


def drawn_lines(ax):
    """Theory and what joins the points, without the mark."""
    solid = [one for one in ax.lines if one.get_linestyle() == "-"]
    return [one for one in solid if len(one.get_xdata()) in (3, 200)]


def test_curves_draws_points_with_their_errors_and_lines_of_theory_in_the_same_colour():
    figure = draw_curves(mark=(20, "n* = 20"), seeds=60)
    ax = figure.axes[0]
    (alone, first, bars), (shared, second, _) = points(ax)
    np.testing.assert_array_equal(alone[:2], [[1, 3], [10, 2]])
    np.testing.assert_array_equal(shared, [[1, 2], [10, 1], [100, 0.5]])
    np.testing.assert_allclose(bars[:2, :, 1], [[2.5, 3.5], [1.75, 2.25]])
    assert first.all()
    assert second.all()

    of_alone, joined, floor = drawn_lines(ax)
    np.testing.assert_array_equal(joined.get_xydata(), shared)
    assert joined.get_linewidth() < floor.get_linewidth()
    x, y = of_alone.get_xydata().T
    np.testing.assert_allclose(y, 3 / x)
    np.testing.assert_array_equal(floor.get_xydata(), [[1, 1], [10, 2], [100, 4]])
    assert x[0] == 1
    assert x[-1] == pytest.approx(100)
    assert to_hex(of_alone.get_color()) == to_hex(plots.ARM_COLOURS[0])
    assert to_hex(of_alone.get_color()) != to_hex(floor.get_color())

    assert ax.get_xscale() == ax.get_yscale() == "log"
    assert {"alone", "shared", "floor", "n* = 20"} <= set(texts(figure))
    assert "60 seeds" in figure.get_supxlabel()
    assert "theory" in figure.get_supxlabel()
    assert ax.get_xlabel() == "labels"
    assert ax.get_ylabel() == "error"
    assert title(figure) == "sharing wins"


def test_curves_of_tasks_have_the_colours_of_tasks_and_what_is_no_task_is_grey():
    ax = draw_curves(of_tasks=True, log="").axes[0]
    unmarked = [one for one in ax.lines if one.get_marker() in ("None", "")]
    lines = [one for one in unmarked if len(one.get_xdata()) in (3, 200)]
    assert colours(lines) == [*FIRST_COLOURS[:2], to_hex("0.5")]
    assert ax.get_xscale() == ax.get_yscale() == "linear"


def test_the_caption_of_curves_speaks_only_of_what_is_drawn():
    assert "theory" not in draw_curves(theory=None).get_supxlabel()
    assert "measured" not in draw_curves(measured={}).get_supxlabel()


def test_curves_draws_a_function_of_theory_finely_along_its_axis():
    x = fine_places(draw_curves(mark=(20, "n* = 20")))
    np.testing.assert_allclose(x[1:] / x[:-1], x[1] / x[0])
    x = fine_places(draw_curves(log="y"))
    np.testing.assert_allclose(np.diff(x), x[1] - x[0])


def fine_places(figure):
    lines = [one for one in figure.axes[0].lines if len(one.get_xdata()) == 200]
    return lines[0].get_xdata()


@pytest.mark.parametrize(
    "log, place, side",
    [("xy", 5, "left"), ("xy", 20, "right"), ("y", 20, "left"), ("y", 60, "right")],
)
def test_the_name_of_a_marked_place_stands_on_its_inner_side(log, place, side):
    ax = draw_curves(mark=(place, "here"), log=log).axes[0]
    (name,) = [one for one in ax.texts if one.get_text() == "here"]
    assert name.get_ha() == side


# The strength of soft sharing


def test_strength_curve_draws_measurement_theory_and_limits():
    λ = [0.1, 1, 10]
    error = [3.0, 1.5, NAN]
    bars = [0.5, 0.25, NAN]
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
    assert x.min() < 0.1
    assert x.max() > 10
    assert ax.get_xscale() == "log"
    assert set(line(ax, "alone (λ = 0)").get_ydata()) == {4.0}
    assert set(line(ax, "one network (λ → ∞)").get_ydata()) == {2.5}
    unnamed = [one for one in ax.lines if one.get_label().startswith("_")]
    (mark,) = [one for one in unnamed if one.get_linestyle() == ":"]
    assert set(mark.get_xdata()) == {2.0}

    assert "best by theory: λ* = 2" in texts(figure)
    assert "200 seeds" in figure.get_supxlabel()
    assert "± standard error" in figure.get_supxlabel()


def test_strength_curve_speaks_only_of_what_it_was_given():
    said = " ".join(texts(plots.strength_curve([1], [2], [0])))
    for not_given in ("theory", "λ =", "∞", "seeds"):
        assert not_given not in said


def best_by_theory(best):
    def theory(λ):
        return mtl.closed_form.risk(λ, 4, 2, 1.0, 1.0)

    return plots.strength_curve([0.1, 1], [2, 1], [0.1, 0.1], theory=theory, best=best)


def test_a_best_strength_beyond_the_points_is_shown_and_one_that_is_a_limit_is_not_marked():
    figure = best_by_theory(1e4)
    _, high = figure.axes[0].get_xlim()
    assert high > 1e4
    assert any("λ* = 1e+04" in text for text in texts(figure))
    for limit in (0.0, np.inf):
        assert not any("λ*" in text for text in texts(best_by_theory(limit)))


# Two losses of two parameters


def test_pareto_draws_a_weight_in_one_colour_in_both_spaces():
    parameters, losses = np.random.default_rng(0).uniform(0, 1, (2, 4, 2))
    w = [0, 0.5, 0.75, 1]
    front = np.array([[0, 2], [0.5, 0.5], [2, 0]])
    figure = plots.pareto(parameters, losses, w, tasks=("price", "brand"), front=front)
    left, right, _ = figure.axes
    for ax, expected in ((left, parameters), (right, losses)):
        np.testing.assert_array_equal(dots(ax), [expected])
        cloud = ax.collections[0]
        shown = [to_hex(one) for one in cloud.to_rgba(cloud.get_array())]
        assert shown[0] == FIRST_COLOURS[1]
        assert shown[-1] == FIRST_COLOURS[0]
        assert len(set(shown)) == 4
    np.testing.assert_array_equal(line(right, "exact front (theory)").get_xydata(), front)
    assert right.get_xlabel() == "loss of price"
    assert right.get_ylabel() == "loss of brand"
    assert "weight of price" in texts(figure)


def test_without_a_front_pareto_does_not_speak_of_theory():
    figure = plots.pareto(np.eye(2), np.eye(2), [0, 1], tasks=["price", "brand"])
    assert not any("theory" in text for text in texts(figure))


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
        ax = titled(figure, rule)
        several = path.reshape(-1, *path.shape[-2:])
        drawn = [one.get_xydata() for one in ax.lines if one.get_label() == "_path"]
        np.testing.assert_array_equal(drawn, several)
        np.testing.assert_array_equal(line(ax, "start").get_xydata(), several[:, 0])
        np.testing.assert_array_equal(line(ax, "end").get_xydata(), several[:, -1])
        np.testing.assert_array_equal(line(ax, "Pareto set").get_xydata(), pareto_set)
        assert ax.get_xlim() == (-2, 2)
        assert ax.get_ylim() == (-1, 2)
        marks = [line(ax, f"minimum of {t}") for t in ("price", "brand")]
        assert colours(marks) == FIRST_COLOURS[:2]
        assert [float(one.get_xdata()[0]) for one in marks] == [1, -1]


def test_contours_are_of_the_mean_of_the_two_losses():
    ax = plots.trajectories(two_losses, {"sum": [[0, 0], [1, 1]]}, extent=(-2, 2, -1, 2)).axes[0]
    contours = ax.collections[0]
    for level, path in zip(contours.levels, contours.get_paths(), strict=True):
        np.testing.assert_allclose(two_losses(path.vertices).mean(-1), level, atol=0.01)
    assert sum(len(path.vertices) > 2 for path in contours.get_paths()) > 5


# Refusals


def a_path(extent=(0, 1, 0, 1), path=((0, 0), (1, 1)), landscape=two_losses, **options):
    return plots.trajectories(landscape, {"sum": path}, extent=extent, **options)


REFUSED_CURVES = [
    (
        {"x": [1, 2]},
        r"curves: measured\['alone'\] must have shape \(2, 2\), got \(2, 3\)",
    ),
    ({"x": [1, 1, 2]}, "curves: x must be finite and rise"),
    ({"x": [1, 2, np.inf]}, "curves: x must be finite and rise"),
    ({"x": [1, 3, 2]}, r"rise, and be positive on a logarithmic axis; got \[1. 3. 2.\]"),
    ({"x": [0, 1, 2]}, r"be positive on a logarithmic axis; got \[0. 1. 2.\]"),
    ({"x": [2, 1, 0], "log": ""}, r"curves: x must be finite and rise; got \[2. 1. 0.\]"),
    ({"log": "z"}, "log '', 'x', 'y' or 'xy'; got .* and 'z'"),
    (
        {"theory": {"a": lambda x: x[:3]}},
        r"curves: theory\['a'\] must have shape \(200\), got \(3,\)",
    ),
    (
        {"measured": {"a": ([1, 0, 1], [1, 1, 1])}},
        "positive, for a logarithmic axis; the least is 0.0",
    ),
    (
        {"measured": {"a": ([NAN] * 3, [1, 1, 1])}, "theory": {}},
        "expected values.*the least is None",
    ),
    ({"measured": {}, "theory": {}}, r"at least one name in measured or theory.*; got \[\]"),
    (
        {"measured": {"a": ([1, 1, 1], [1, -1, 1])}},
        r"curves: measured\['a'\] must be finite, .*errors of at least 0, got 1.0 ± -1.0",
    ),
]


@pytest.mark.parametrize("arguments, message", REFUSED_CURVES)
def test_wrong_curves_are_named_before_anything_is_drawn(arguments, message):
    refuses(lambda: draw_curves(**arguments), ValueError, message)


REFUSED = [
    (
        lambda: plots.strength_curve([], [], []),
        r"strength_curve: strengths must have shape \(K\), got \(0,\)",
    ),
    (
        lambda: plots.strength_curve([0, 1], [1, 1], [1, 1]),
        r"positive and finite, got \[0, 1\]",
    ),
    (
        lambda: plots.strength_curve([NAN], [1], [1]),
        r"positive and finite, got \[nan\]",
    ),
    (
        lambda: plots.strength_curve([1, 2], [1], [1, 1]),
        r"strength_curve: errors must have shape \(2\), got \(1,\)",
    ),
    (
        lambda: plots.strength_curve([1, 2], [1, 1], [1]),
        r"strength_curve: standard_errors must have shape \(2\), got \(1,\)",
    ),
    (
        lambda: plots.strength_curve([1], [1], [-1]),
        r"strength_curve: errors must be .*standard errors of at least 0, got 1.0 ± -1.0",
    ),
    (
        lambda: plots.pareto(ONES, ONES, [0, 1], tasks="abc"),
        r"pareto: tasks must be 2 names, each once; got \['abc'\]",
    ),
    (
        lambda: plots.pareto(ONES, ONES, [0, 1], tasks=list("abc")),
        r"must be 2 names.*got \['a', 'b', 'c'\]",
    ),
    (
        lambda: plots.pareto(ONES, ONES, [0, 1], tasks=list("aa")),
        r"must be 2 names, each once; got \['a', 'a'\]",
    ),
    (
        lambda: plots.pareto(ONES, ONES, [], tasks=list("ab")),
        r"pareto: weights must have shape \(K\), got \(0,\)",
    ),
    (
        lambda: plots.pareto(ONES, [[1, 1]], [0, 1], tasks=list("ab")),
        r"pareto: losses must have shape \(2, 2\), got \(1, 2\)",
    ),
    (
        lambda: plots.pareto(ONES, ONES, [0, 1], tasks=list("ab"), front=[1, 2]),
        r"pareto: front must have shape \(M, 2\), got \(2,\)",
    ),
    (
        lambda: plots.trajectories(two_losses, {}, extent=(0, 1, 0, 1)),
        r"trajectories: paths must have at least one rule, got \{\}",
    ),
    (
        lambda: a_path(extent=(0, 1)),
        r"trajectories: extent must have shape \(4\), got \(2,\)",
    ),
    (
        lambda: a_path(path=[0, 1]),
        r"trajectories: paths\['sum'\] must have shape \(n, K, 2\), got \(2,\)",
    ),
    (
        lambda: a_path(landscape=lambda x: x[..., 0]),
        r"landscape of \(121, 121, 2\) must have shape \(121, 121, 2\), got \(121, 121\)",
    ),
    (
        lambda: a_path(minima=[0, 1]),
        r"trajectories: minima must have shape \(2, 2\), got \(2,\)",
    ),
    (
        lambda: a_path(pareto_set=[0, 1]),
        r"trajectories: pareto_set must have shape \(M, 2\), got \(2,\)",
    ),
    (lambda: a_path(tasks=["a"]), r"trajectories: tasks must be 2 names"),
]


@pytest.mark.parametrize("call, message", REFUSED)
def test_wrong_arguments_are_named_before_anything_is_drawn(call, message):
    refuses(call, ValueError, message)
