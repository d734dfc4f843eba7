"""Where gradients conflict and what steps did: every angle and every change, where it belongs."""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_hex
from pictures import (
    FIRST_COLOURS,
    LONG,
    NAN,
    ONES,
    a_history,
    a_report,
    clouds,
    colours,
    dots,
    gramians,
    line,
    panel,
    refuses,
    texts,
    title,
    titled,
    words,
)

import tinymtl as mtl
from tinymtl import plots

# Cosines


@pytest.mark.parametrize("tasks", ["ab", "abc", "abcdef"])
def test_cosines_draws_each_pair_once_with_its_own_numbers(tasks):
    history = a_history(tasks)
    figure = plots.cosines(history)
    pairs = list(combinations(range(len(tasks)), 2))
    assert len(figure.axes) == len(pairs)
    for s, t in pairs:
        ax = panel(figure, tasks[s], tasks[t])
        np.testing.assert_array_equal(
            ax.lines[-1].get_xydata().T, [history.cosine_steps, history.cosines[:, s, t]]
        )
        np.testing.assert_array_equal(ax.lines[0].get_ydata(), [0, 0])
        assert ax.get_ylim() == (-1, 1)
        assert "conflict" in words(ax.texts)


def test_conflict_is_counted_and_shaded_below_zero_only():
    history = a_history("ab", steps=12)
    history.cosines[:, 0, 1] = [0.5, -0.5, -0.25, NAN]
    ax = panel(plots.cosines(history), "a", "b")
    assert ax.get_title().endswith("conflict in 2 of 3")
    x, y = edge_of(ax.collections[0])
    assert y.min() == -0.5
    assert y.max() == 0
    half_way = 1.5  # between +0.5 at step 0 and −0.5 at step 3
    np.testing.assert_allclose(x.min(), half_way)
    assert np.isnan(ax.lines[-1].get_ydata()[3])


def edge_of(region):
    """x and y of the corners of a shaded region."""
    return np.concatenate([path.vertices for path in region.get_paths()]).T


def test_the_title_says_what_the_gradients_are_on():
    assert "on the shared parameters" in title(plots.cosines(a_history("ab")))
    assert "own copy of the trunk" in title(plots.cosines(a_history("ab", aligned_copies=True)))


def lowest(figure):
    return min(figure.axes, key=lambda ax: ax.get_position().y0)


@pytest.mark.parametrize("tasks", ["ab", "abcd"])
def test_what_the_steps_did_stands_below_the_angles_if_it_was_recorded(tasks):
    T = len(tasks)
    history = a_history(tasks, effects=True)
    history.effects[1:3, 0] = NAN, 0.0
    figure = plots.cosines(history)
    assert len(figure.axes) == T * (T - 1) // 2 + 1
    below = lowest(figure)
    lines = [one for one in below.lines if not one.get_label().startswith("_")]
    assert colours(lines) == FIRST_COLOURS[:T]
    assert "J·Δθ" in below.get_ylabel()
    for i, t in enumerate(tasks):
        change = history.effects[:, i]
        np.testing.assert_array_equal(lines[i].get_xydata().T, [history.cosine_steps, change])
        harmed = np.flatnonzero(change > 0)
        known = sum(~np.isnan(change))
        assert lines[i].get_label() == f"{t}: harm in {len(harmed)} of {known}"
        assert set(harmed) <= set(lines[i].get_markevery())
        _, y = edge_of(below.collections[i])
        np.testing.assert_allclose([y.min(), y.max()], [0, np.nanmax(change)], atol=1e-12)


def test_steps_that_harmed_nobody_are_unmarked_and_the_side_of_harm_is_seen():
    history = a_history("ab", effects=True)
    history.effects[:] = -1.0
    below = lowest(plots.cosines(history))
    assert below.get_ylim()[1] > 0.1
    assert [one.get_markevery() for one in below.lines[1:]] == [[], []]


def test_a_scale_that_hides_no_task_is_used_where_units_differ():
    history = a_history("abc", effects=True)
    history.effects[:, 0] *= 1e3
    figure = plots.cosines(history)
    below = lowest(figure)
    assert below.get_yscale() == "symlog"
    for drawn in [one for one in below.lines if one.get_label()[0] in "abc"]:
        x = drawn.get_xdata()
        ends = [(x[0], np.min(drawn.get_ydata())), (x[0], np.max(drawn.get_ydata()))]
        in_axes = below.transAxes.inverted().transform(below.transData.transform(ends))
        assert np.ptp(in_axes[:, 1]) > 0.15  # of the height of the panel
    alike = lowest(plots.cosines(a_history("abc", effects=True)))
    assert alike.get_yscale() == "linear"


def test_many_tasks_have_a_matrix_of_means_and_the_range_of_all_pairs():
    T = 8
    history = a_history([f"task {i}" for i in range(T)], effects=True)
    history.cosines[0, 0, 1] = history.cosines[0, 1, 0] = NAN
    history.cosines[:, 2, 3] = history.cosines[:, 3, 2] = NAN
    history.effects[0, 0] = NAN
    figure = plots.cosines(history)
    matrix, over_time, below = figure.axes[:3]

    expected = np.full((T, T), NAN)
    for s, t in combinations(range(T), 2):
        known = [M[s, t] for M in history.cosines if np.isfinite(M[s, t])]
        if known:
            expected[s, t] = expected[t, s] = sum(known) / len(known)
    drawn = np.ma.filled(matrix.images[0].get_array().astype(float), NAN)
    np.testing.assert_allclose(drawn, expected)

    middles = []
    for M in history.cosines:
        middles.append(np.nanmedian([M[s, t] for s, t in combinations(range(T), 2)]))
    np.testing.assert_allclose(line(over_time, "middle pair").get_ydata(), middles)
    of_pairs = history.cosines[:, *np.triu_indices(T, 1)]
    np.testing.assert_allclose(line(over_time, "extremes").get_ydata(), np.nanmax(of_pairs, 1))
    np.testing.assert_allclose(line(over_time, "_least").get_ydata(), np.nanmin(of_pairs, 1))
    counted = f"28 pairs: conflict in {(of_pairs < 0).sum()} of {np.isfinite(of_pairs).sum()}"
    assert over_time.get_legend().get_title().get_text().startswith(counted)

    parts = np.ma.filled(below.images[0].get_array().astype(float), NAN)
    largest = np.nanmax(np.abs(history.effects), 0)
    np.testing.assert_allclose(parts, (history.effects / largest).T)
    rows = words(below.get_yticklabels())
    harmed = (history.effects > 0).sum(0)
    known = np.isfinite(history.effects).sum(0)
    expected = [f"{t}: {n} of {k}" for t, n, k in zip(history.tasks, harmed, known)]
    assert rows == expected
    red, _, blue, _ = below.images[0].to_rgba(np.array([[1.0]]))[0, 0]
    assert red > blue  # harm


def test_layers_of_many_tasks_are_a_matrix_each():
    T = 7
    tasks = [f"task {i}" for i in range(T)]
    G = gramians(T)
    figure = plots.layers(G, tasks)
    for name, M in (G | {"whole": sum(G.values())}).items():
        ax = titled(figure, name)
        norms = np.sqrt(np.diag(M))
        cosines = M / np.outer(norms, norms)
        np.fill_diagonal(cosines, NAN)
        drawn = np.ma.filled(ax.images[0].get_array().astype(float), NAN)
        np.testing.assert_allclose(drawn, cosines)
        if ax.get_subplotspec().is_first_col():
            assert words(ax.get_yticklabels()) == tasks


@pytest.mark.parametrize(
    "sharing, where", [(mtl.HardSharing, "shared parameters"), (mtl.SingleTask, "own copy")]
)
def test_what_fit_returns_can_be_drawn(sharing, where):
    rng = np.random.default_rng(0)
    train, test = mtl.datasets.related_tasks(rng, relatedness=0.9, n_train=16, n_test=16)
    trunk = mtl.Sequential(mtl.Dense(8, 4, rng), mtl.tanh)
    history = mtl.fit(
        sharing(trunk, {t: mtl.Dense(4, 1, rng) for t in train}),
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


# Harm


def of_gradients(J, w, effects=None):
    """A history whose recorded steps k had the gradients J[k] (T, P) and the weights w[k] (T,)."""
    K, T, _ = J.shape
    history = a_history("abc"[:T], steps=3 * K)
    # corrcoef subtracts means; beside their negatives the gradients have mean 0.
    history.cosines = np.stack([np.corrcoef(np.c_[j, -j]) for j in J])
    history.norms = np.linalg.norm(J, axis=-1)
    for i, t in enumerate(history.tasks):
        history.weights[t] = np.full(3 * K, 99.0)
        history.weights[t][::3] = w[:, i]
    history.effects = np.empty(0) if effects is None else effects
    return history


@pytest.mark.parametrize("pair, places", [(None, [0, 1]), (("c", "a"), [2, 0])])
def test_the_harm_diagram_counts_the_plain_steps_that_raise_a_loss(pair, places):
    rng = np.random.default_rng(4)
    J = rng.standard_normal((60, 3, 3)) * [[1], [3], [0.7]]
    w = rng.uniform(0.2, 4, (60, 3))
    figure = plots.harm(of_gradients(J, w), pair)

    conflicts = 0
    harmful = 0
    expected = []
    for (g_s, g_t), (w_s, w_t) in zip(J[:, places], w[:, places]):
        step = -(w_s * g_s + w_t * g_t)
        conflicts += g_s @ g_t < 0
        harmful += g_s @ step > 0 or g_t @ step > 0
        norm_s = np.linalg.norm(g_s)
        norm_t = np.linalg.norm(g_t)
        expected.append((w_s * norm_s / (w_t * norm_t), g_s @ g_t / (norm_s * norm_t)))

    assert title(figure) == (
        f"Conflict in {conflicts} of 60 steps; a plain step would do harm in {harmful}"
    )
    assert 0 < harmful < conflicts
    np.testing.assert_allclose(dots(figure.axes[0])[0], expected)
    assert "for the two alone: the step taken also served 1 more" in figure.get_supxlabel()
    assert "alone" not in plots.harm(a_history("ab")).get_supxlabel()


def test_the_boundaries_of_harm_are_minus_r_and_minus_one_over_r():
    figure = plots.harm(a_history("abc"), ("c", "a"))
    ax = figure.axes[0]
    s = line(ax, "_c")
    t = line(ax, "_a")
    assert colours([s, t]) == [FIRST_COLOURS[2], FIRST_COLOURS[0]]
    np.testing.assert_allclose(s.get_ydata(), -s.get_xdata())
    np.testing.assert_allclose(t.get_ydata(), -1 / t.get_xdata())
    edge = ax.get_xlim()[1]
    np.testing.assert_allclose([s.get_xdata().min(), s.get_xdata().max()], [1 / edge, 1])
    np.testing.assert_allclose([t.get_xdata().min(), t.get_xdata().max()], [1, edge])

    regions = [one for one in ax.collections if one not in clouds(ax)]
    paths = {to_hex(one.get_facecolor()[0]): one.get_paths()[0] for one in regions}
    places = [(0.5, -0.6), (0.5, -0.4), (2, -0.6), (2, -0.4)]
    of_s, of_t = (paths[colour] for colour in colours([s, t]))
    assert [of_s.contains_point(at) for at in places] == [True, False, False, False]
    assert [of_t.contains_point(at) for at in places] == [False, False, True, False]

    said = {"no conflict", "conflict without harm", "step harms\nc", "step harms\na"}
    assert said <= set(texts(figure))
    assert "of c ÷" in ax.get_xlabel()
    assert ax.get_xscale() == "log"


def test_steps_taken_that_raised_a_loss_are_crosses_and_late_ones_are_dark():
    J = np.random.default_rng(4).standard_normal((4, 3, 3))
    effects = np.array([[-1, -1, 1], [1, -1, -1], [-1, 0, NAN], [-1, 0.1, -1]])
    history = of_gradients(J, np.ones((4, 3)), effects)
    ax = plots.harm(history).axes[0]
    circles, crosses = clouds(ax)
    ρ = history.cosines[:, 0, 1]
    np.testing.assert_allclose(circles.get_offsets()[:, 1], ρ[[0, 2]])
    np.testing.assert_allclose(crosses.get_offsets()[:, 1], ρ[[1, 3]])
    np.testing.assert_array_equal([*circles.get_array(), *crosses.get_array()], [0, 6, 3, 9])
    early, late = circles.to_rgba([0, 9])
    assert early[0] > 0.8
    assert late[0] < 0.2
    assert len(circles.get_paths()[0]) != len(crosses.get_paths()[0])
    assert words(ax.get_legend().get_texts()) == [
        "conflict without harm",
        "step taken raised no loss: 2",
        "it raised one: 2",
    ]


def test_without_effects_no_point_says_what_the_step_taken_did():
    figure = plots.harm(a_history("ab"))
    (drawn,) = dots(figure.axes[0])
    assert len(drawn) == 14
    assert "steps recorded: 14" in texts(figure)
    assert not any("taken" in text for text in texts(figure))


def test_a_task_of_weight_0_stands_at_the_edge_and_what_has_no_angle_is_left_out():
    history = a_history("ab", steps=9)
    history.weights["a"][0] = 0.0
    history.norms[1, 0] = NAN
    history.cosines[:, 0, 1] = [-0.5, -0.5, 0.5]
    figure = plots.harm(history)
    ax = figure.axes[0]
    a, b = (history.weights[t][6] * norm for t, norm in zip("ab", history.norms[2]))
    np.testing.assert_allclose(dots(ax)[0], [[ax.get_xlim()[0], -0.5], [a / b, 0.5]])
    assert title(figure) == "Conflict in 1 of 2 steps; a plain step would do harm in 1"


def test_points_beyond_the_edge_of_the_harm_diagram_are_counted():
    history = a_history("ab")
    history.effects = []
    history.norms = np.ones((14, 2))
    history.weights = {"a": np.zeros(40), "b": np.ones(40)}
    assert "14 points lie beyond the edge" in plots.harm(history).get_supxlabel()


def test_under_plain_gradient_descent_the_steps_that_did_harm_are_those_in_the_regions():
    rng = np.random.default_rng(3)
    data, _ = mtl.datasets.related_tasks(rng, relatedness=-0.9, n_train=32, n_test=1)
    losses = dict.fromkeys(data, mtl.mse)
    trunk = mtl.Sequential(mtl.Dense(8, 4, rng), mtl.tanh)
    model = mtl.HardSharing(trunk, {t: mtl.Dense(4, 1, rng) for t in data})
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
    assert title(figure).endswith(f"of 60 steps; a plain step would do harm in {raised}")
    assert raised
    assert neither
    # The other pictures of this run can be drawn, too.
    plots.weights({"fixed": history})
    plots.step(mtl.interaction.step_report(model, data, losses, mtl.SGD(0.05)))
    plots.layers(mtl.interaction.layer_gramians(model, data, losses), model.tasks)


# Layers


@pytest.mark.parametrize("T", [2, 4])
def test_layers_draws_cosines_whose_weighted_sum_is_the_cosine_of_the_whole(T):
    G = gramians(T)
    whole = sum(G.values())
    figure = plots.layers(G, LONG[:T])
    pairs = list(combinations(range(T), 2))
    assert len(figure.axes) == len(pairs)
    for s, t in pairs:
        ax = panel(figure, LONG[s], LONG[t])
        names = [*G, "whole"] if ax.get_subplotspec().is_first_col() else []
        assert words(ax.get_yticklabels()) == names
        assert ax.get_ylim()[0] > ax.get_ylim()[1]
        x, y = dots(ax)[0].T
        np.testing.assert_array_equal(y, range(4))
        cosines = [M[s, t] / np.sqrt(M[s, s] * M[t, t]) for M in (*G.values(), whole)]
        np.testing.assert_allclose(x, cosines)
        weight = np.sqrt([M[s, s] * M[t, t] / (whole[s, s] * whole[t, t]) for M in G.values()])
        np.testing.assert_allclose(weight @ x[:-1], x[-1])
        sizes = ax.collections[0].get_sizes()
        np.testing.assert_allclose(sizes[:-1] / sizes[-1], weight)
        assert words(ax.texts) == [f"{100 * w:.0f}%" for w in weight]


def test_layers_says_how_the_weight_of_a_layer_is_computed():
    figure = plots.layers(gramians(2), LONG[:2])
    assert "√(share of ‖g_s‖² × share of ‖g_t‖²)" in figure.get_supxlabel()


def test_a_layer_without_a_gradient_of_one_task_has_no_dot():
    G = {"one": np.diag([1.0, 0.0]), "two": [[1.0, -0.5], [-0.5, 1.0]]}
    ax = plots.layers(G, list("ab")).axes[0]
    np.testing.assert_allclose(dots(ax)[0][:, 0], [NAN, -0.5, -0.5 / np.sqrt(2)])
    assert words(ax.texts) == ["71%"]


def colours_of_layers(cosines):
    """Red, green and blue of the dot of each cosine, (n, 3)."""
    G = {f"layer {ρ}": [[1.0, ρ], [ρ, 1.0]] for ρ in cosines}
    figure = plots.layers(G, list("ab"))
    cloud = clouds(figure.axes[0])[0]
    cloud.update_scalarmappable()
    return cloud.get_facecolors()[: len(cosines), :3]


def test_a_cosine_near_0_is_pale_and_the_colour_grows_with_its_size():
    conflicts = colours_of_layers([-0.01, -0.2, -0.5, -0.9])
    redness = conflicts[:, 0] - conflicts[:, 1]
    assert redness[0] < 0.05
    assert redness[0] < redness[1] < redness[2] == redness[3]
    agreements = colours_of_layers([0.01, 0.2, 0.5, 0.9])
    assert np.ptp(agreements, axis=1).max() < 0.01  # greys
    darkness = 1 - agreements[:, 0]
    assert darkness[0] < 0.12
    assert darkness[0] < darkness[1] < darkness[2] == darkness[3]
    almost_0 = colours_of_layers([-0.01, 0.01])
    np.testing.assert_allclose(almost_0[0], almost_0[1], atol=0.04)


# Step


@pytest.mark.parametrize("T", [1, 2, 4])
def test_step_draws_theory_and_fact_of_each_task_and_the_cosines(T):
    report = a_report(T)
    report.taken[0] = NAN
    report.cosines[0, -1] = NAN
    figure = plots.step(report)
    ax, matrix = figure.axes
    parts = ("predicted", "taken", "happened", "with_heads")
    for bars, name in zip(ax.containers, parts, strict=True):
        np.testing.assert_array_equal([bar.get_width() for bar in bars], getattr(report, name))
        assert [to_hex(bar.get_edgecolor()) for bar in bars] == FIRST_COLOURS[:T]
        assert all(bar.get_x() == 0 for bar in bars)
        middles = [bar.get_y() + bar.get_height() / 2 for bar in bars]
        assert [round(middle) for middle in middles] == list(range(T))
    assert words(ax.get_yticklabels()) == [
        f"{t}\nL {i + 1}, ‖g‖ 0.25, w 2" for i, t in enumerate(report.tasks)
    ]
    np.testing.assert_array_equal(np.ma.filled(matrix.images[0].get_array(), NAN), report.cosines)
    expected = {(t, s): "0.75" if s == t else "−0.25" for s in range(T) for t in range(T)}
    del expected[T - 1, 0]  # NaN
    assert {one.get_position(): one.get_text() for one in matrix.texts} == expected
    assert ax.get_ylim()[0] > ax.get_ylim()[1]
    assert "harm" in texts(figure)


@pytest.mark.parametrize("values", [[-1.0, -2.0], [3.0, -1.0], [NAN, NAN], [0.0, 0.0]])
def test_the_side_of_harm_is_shaded_from_zero_also_if_there_is_none(values):
    report = a_report(predicted=values, taken=values, happened=values, with_heads=values)
    ax = plots.step(report).axes[0]
    (shade,) = [one for one in ax.patches if to_hex(one.get_facecolor()) == "#f0f0f0"]
    assert shade.get_extents().x0 == ax.transData.transform((0, 0))[0]
    low, high = ax.get_xlim()
    assert low < 0
    assert high > np.nanmax([0, *values])


# Direction and length


def test_direction_and_length_are_those_of_the_step():
    J = np.random.default_rng(5).standard_normal((3, 6))
    rules = {"sum": [1, 1, 1], "other": [0.2, 3.0, 0.1]}
    figure = plots.direction_and_length(J @ J.T, rules, LONG[:3])
    left, right = figure.axes
    for row, w in enumerate(rules.values()):
        d = sum(w_t * g for w_t, g in zip(w, J))
        length = np.linalg.norm(d)
        for t, g in enumerate(J):
            cosine = d @ g / (length * np.linalg.norm(g))
            np.testing.assert_allclose(line(left, LONG[t]).get_xydata()[row], [cosine, row])
        np.testing.assert_allclose(line(right, "length").get_xydata()[row], [length, row])
    assert colours(line(left, t) for t in LONG[:3]) == FIRST_COLOURS[:3]
    assert right.get_xscale() == "log"
    assert words(left.get_yticklabels()) == list(rules)
    assert set(LONG[:3]) <= set(texts(figure))


def test_a_rule_that_makes_no_step_says_so_and_a_task_without_a_gradient_has_no_point():
    g = np.array([0.1, 0.3])
    J = np.stack([g, -3 * g, 0 * g])
    rules = {"sum": [1, 1, 1], "balanced": [3, 1, 1], "none": [0, 0, 0]}
    figure = plots.direction_and_length(J @ J.T, rules, list("abc"))
    left, right = figure.axes
    np.testing.assert_allclose(
        [line(left, t).get_xdata() for t in "abc"], [[-1, NAN, NAN], [1, NAN, NAN], [NAN] * 3]
    )
    said = {one.get_position()[1]: one.get_text() for one in left.texts}
    assert said == {1: "d = 0: no step", 2: "d = 0: no step"}
    assert list(np.isnan(line(right, "length").get_xdata())) == [False, True, True]


def test_a_step_that_is_not_known_is_not_called_no_step():
    G = [[1.0, NAN], [NAN, 1.0]]
    figure = plots.direction_and_length(G, {"sum": [1, 1], "inf": [np.inf, 1]}, list("ab"))
    said = [one.get_text() for one in figure.axes[0].texts]
    assert said == ["d is not known", "d is not known"]


def test_where_no_rule_makes_a_step_the_picture_is_drawn_all_the_same():
    figure = plots.direction_and_length(np.ones((1, 1)), {"none": [0]}, "a")
    assert "d = 0: no step" in texts(figure)


# Refusals


def no_cosines():
    history = a_history("ab")
    history.cosine_steps = []
    history.cosines = []
    return history


REFUSED = [
    (lambda: plots.cosines([0.5]), TypeError, r"cosines: history must be a History, got list"),
    (lambda: plots.cosines(a_history("a")), ValueError, r"at least 2 tasks, got \['a'\]"),
    (
        lambda: plots.cosines(no_cosines()),
        ValueError,
        r"got none; fit\(\.\.\., cosines_every=10\) records them",
    ),
    (lambda: plots.harm("history"), TypeError, r"harm: history must be a History, got str"),
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
    (
        lambda: plots.harm(a_history("ab"), "aa"),
        ValueError,
        r"pair must be two .*got \('a', 'a'\)",
    ),
    (
        lambda: plots.harm(a_history("abc"), "abc"),
        ValueError,
        r"pair must be two .*got \('a', 'b', 'c'\)",
    ),
    (
        lambda: plots.layers({}, list("ab")),
        ValueError,
        r"layers: gramians must have at least one layer, got \{\}",
    ),
    (
        lambda: plots.layers({"one": ONES}, ["a"]),
        ValueError,
        r"layers: tasks must be 2 or more names",
    ),
    (
        lambda: plots.layers({"one": ONES}, list("abc")),
        ValueError,
        r"layers: gramians\['one'\] must have shape \(3, 3\), got \(2, 2\)",
    ),
    (
        lambda: plots.step(a_report(tasks=[])),
        ValueError,
        r"step: tasks must be 1 or more names, each once; got \[\]",
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
]


@pytest.mark.parametrize("call, kind, message", REFUSED)
def test_wrong_arguments_are_named_before_anything_is_drawn(call, kind, message):
    refuses(call, kind, message)
