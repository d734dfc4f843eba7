"""Trained models against exact answers: what `fit` reaches from the package's own pieces is what the referees say.

The package trains Σ_t w_t · 1/n ‖ŷ_t − y_t‖² and penalties without ½. Times n/2 that is the referees' objective: a pull
of strength s is their λ = n s. A layer's bias is either a column of ones among the inputs of the referee, or 0 at the
optimum, because inputs and targets have mean 0.
"""

import math

import numpy as np
import pytest

import tinymtl as mtl
from tinymtl.closed_form import (
    best_strength,
    hard_sharing,
    one_unit_loss,
    pooled,
    pooling_helps,
    risk,
    soft_sharing,
    weight_decay,
)

TASKS = ["a", "b", "c"]


def itself(h):
    """The head of a task that has no head."""
    return h


def descend(model, inputs, targets, steps, η, momentum=0.0, weights=None):
    data = {t: (inputs[t], targets[t]) for t in model.tasks}
    return mtl.fit(
        model,
        data,
        dict.fromkeys(data, mtl.mse),
        optimizer=mtl.SGD(η, momentum),
        steps=steps,
        weights=weights,
        quiet=True,
    )


def assert_reaches(got, exact, tolerance):
    """‖got − exact‖ ≤ tolerance · ‖exact‖"""
    assert np.linalg.norm(got - exact) <= tolerance * np.linalg.norm(exact)


# Soft sharing and pooling


def own_inputs(rng, sizes, D=3):
    """Inputs and targets by task, and the same as the referee takes them: X_t with a column of ones, y_t flat."""
    inputs = {t: rng.standard_normal((n, D)) for t, n in zip(TASKS, sizes)}
    targets = {
        t: x @ rng.standard_normal((D, 1)) + rng.standard_normal((len(x), 1))
        for t, x in inputs.items()
    }
    return (
        inputs,
        targets,
        [np.hstack([x, np.ones((len(x), 1))]) for x in inputs.values()],
        [y[:, 0] for y in targets.values()],
    )


@pytest.mark.parametrize("pull, T", [("mean", 1), ("pairs", 3)])
@pytest.mark.parametrize("strength", [0.0, 0.02, 0.3, 5.0])
def test_soft_sharing_reaches_its_referee_at_n_times_the_strength_and_by_pairs_at_t_times_that(
    strength, pull, T
):
    rng, n = np.random.default_rng(1), 20
    inputs, targets, X, y = own_inputs(rng, [n] * 3)
    model = mtl.SoftSharing(
        mtl.Dense(3, 1, rng), dict.fromkeys(TASKS, itself), strength=strength, pull=pull
    )
    descend(model, inputs, targets, 600, 0.3 / (1 + T * strength), 0.8)
    assert_reaches(model.trunk_matrix(), soft_sharing(X, y, n * T * strength), 1e-6)


def test_unequal_sizes_and_weights_reach_the_referee_of_rescaled_data():
    # w_t/n_t ‖X_t θ_t − y_t‖² = ‖X′_t θ_t − y′_t‖² for X′_t = √(w_t/n_t) X_t, and both halves of the objective doubled: λ = s
    rng, sizes, w, strength = np.random.default_rng(2), [8, 20, 40], [0.5, 1.0, 2.0], 0.3
    inputs, targets, X, y = own_inputs(rng, sizes)
    model = mtl.SoftSharing(mtl.Dense(3, 1, rng), dict.fromkeys(TASKS, itself), strength=strength)
    descend(model, inputs, targets, 800, 0.1, 0.9, dict(zip(TASKS, w)))
    c = [math.sqrt(w_t / n) for w_t, n in zip(w, sizes)]
    exact = soft_sharing(
        [c_t * A for c_t, A in zip(c, X)], [c_t * b for c_t, b in zip(c, y)], strength
    )
    assert_reaches(model.trunk_matrix(), exact, 1e-6)


def test_one_trunk_reaches_pooling_and_a_strong_pull_comes_as_near_as_its_inverse():
    rng = np.random.default_rng(3)
    inputs, targets, X, y = own_inputs(rng, [20] * 3)
    trunk, heads, exact, gaps = mtl.Dense(3, 1, rng), dict.fromkeys(TASKS, itself), pooled(X, y), []
    hard = mtl.HardSharing(trunk, heads)
    descend(hard, inputs, targets, 300, 0.1, 0.5)
    assert_reaches(hard.theta, exact, 1e-9)
    for strength in (100.0, 1000.0):
        soft = mtl.SoftSharing(trunk, heads, strength=strength)
        descend(soft, inputs, targets, 1200, 1 / strength, 0.95)
        assert_reaches(soft.trunk_matrix(), soft_sharing(X, y, 20 * strength), 1e-6)
        gaps.append(np.linalg.norm(soft.trunk_matrix() - exact))
    assert gaps[0] / gaps[1] == pytest.approx(10, rel=0.1)


# A shared linear trunk


def orthogonal_inputs(rng, n, D):
    """X (n, D) with columns of mean 0 and Xᵀ X = n I."""
    X = rng.standard_normal((n, D))
    return math.sqrt(n) * np.linalg.qr(X - X.mean(0))[0]


def linear_network(rng, D, width, T, **l2):
    names = [f"task {t}" for t in range(T)]
    return mtl.HardSharing(
        mtl.Dense(D, width, rng), {t: mtl.Dense(width, 1, rng) for t in names}, **l2
    )


def product(model):
    """B = A C (D, T)."""
    return model.trunk.W.data @ np.hstack([model.heads[t].W.data for t in model.tasks])


def descend_together(model, X, Y, steps, η, momentum, weights=None):
    weights = None if weights is None else dict(zip(model.tasks, weights))
    return descend(
        model,
        dict.fromkeys(model.tasks, X),
        dict(zip(model.tasks, Y.T[:, :, None].copy())),
        steps,
        η,
        momentum,
        weights,
    )


@pytest.mark.parametrize("width", [1, 2, 3])
@pytest.mark.parametrize("weights", [None, [0.3, 2.0, 1.0, 0.6]])
def test_hard_sharing_reaches_reduced_rank_regression(width, weights):
    rng = np.random.default_rng(4)
    X = rng.standard_normal((40, 5))
    X -= X.mean(0)
    Y = X @ rng.standard_normal((5, 4)) + rng.standard_normal((40, 4))
    Y -= Y.mean(0)
    model = linear_network(rng, 5, width, 4)
    descend_together(model, X, Y, 1000, 0.01, 0.9, weights)
    assert_reaches(product(model), hard_sharing(X, Y, width, weights), 1e-5)


def test_weights_change_a_narrow_trunk_and_not_a_wide_one():
    rng = np.random.default_rng(5)
    X = orthogonal_inputs(rng, 20, 3)
    Y = X @ np.array([[1.0, 0.3], [0.0, 1.0], [1.0, 0.0]])
    change = {}
    for width in (1, 2):
        equal, other = linear_network(rng, 3, width, 2), linear_network(rng, 3, width, 2)
        descend_together(equal, X, Y, 600, 0.05, 0.9)
        descend_together(other, X, Y, 600, 0.05, 0.9, (0.5, 2.0))
        change[width] = np.linalg.norm(product(other) - product(equal)) / np.linalg.norm(
            product(equal)
        )
    assert change[2] < 1e-6
    assert change[1] > 0.3


def decay_each_once(strength):
    """λ Σ ‖W‖² over trunk and heads, a function for `l2`."""
    return lambda model: mtl.l2_penalty(
        {"all": [p for p in model.parameters() if p.ndim > 1]}, {"all": strength}
    )


@pytest.mark.parametrize("strength, rank", [(0.2, 3), (1.0, 2), (2.5, 1)])
@pytest.mark.parametrize(
    "l2, times", [(decay_each_once, 1), (lambda s: s, math.sqrt(3))], ids=["each once", "a number"]
)
def test_weight_decay_reaches_soft_thresholding_and_a_number_counts_the_trunk_once_for_each_task(
    strength, rank, l2, times
):
    # 1/n ‖Y − X A C‖² + s (a ‖A‖² + ‖C‖²), times ½, is ½ ‖B_ols − A C‖² + ½ s √a (‖A′‖² + ‖C′‖²) for the same product A′ C′
    rng, n, T = np.random.default_rng(7), 20, 3
    turn = lambda rows, columns: np.linalg.qr(rng.standard_normal((rows, columns)))[0]
    X, B_ols = orthogonal_inputs(rng, n, 4), turn(4, T) @ np.diag([4.0, 2.0, 0.6]) @ turn(T, T).T
    Y = X @ B_ols
    model = linear_network(rng, 4, 3, T, l2=l2(strength / times))
    descend_together(model, X, Y, 800, 0.03, 0.9)
    exact = weight_decay(B_ols, strength)
    assert np.linalg.matrix_rank(exact, tol=1e-9) == rank
    assert_reaches(product(model), exact, 1e-6)


@pytest.mark.parametrize("weights", [(0.5, 0.5), (0.7, 0.3)])
@pytest.mark.parametrize("degrees", [0, 30, 60, 120, 90])
def test_two_tasks_on_one_unit_reach_its_least_loss_and_on_two_units_none(degrees, weights):
    rng, φ = np.random.default_rng(8), math.radians(degrees)
    X = orthogonal_inputs(rng, 6, 2)
    Y = X @ np.array([[1.0, math.cos(φ)], [0.0, math.sin(φ)]])  # columns of mean square 1
    for width, least in ((1, one_unit_loss(φ, weights)), (2, 0.0)):
        history = descend_together(linear_network(rng, 2, width, 2), X, Y, 600, 0.1, 0.9, weights)
        assert history.total[-1] == pytest.approx(least, rel=1e-9, abs=1e-9)


def test_at_a_right_angle_one_unit_learns_the_task_of_larger_weight_and_nothing_of_the_other():
    rng = np.random.default_rng(9)
    X = orthogonal_inputs(rng, 6, 2)
    history = descend_together(linear_network(rng, 2, 1, 2), X, X, 600, 0.1, 0.9, (0.4, 0.6))
    assert history.losses["task 0"][-1] == pytest.approx(1, abs=1e-6)
    assert history.losses["task 1"][-1] == pytest.approx(0, abs=1e-6)


# When sharing helps, measured on examples that training did not see

SEEDS, NOISE, N, D = (
    50,
    1.0,
    12,
    6,
)  # variance of a target's noise; examples of a task; parameters of a task, its bias among them


def related_problem(seed, spread, T=4):
    """Training and test data of T tasks whose true parameters vary by `spread` around common ones; [X, 1]ᵀ [X, 1] = N I."""
    rng, train, test = np.random.default_rng(seed), {}, {}
    common = rng.standard_normal(D)
    for t in range(T):
        truth = common + math.sqrt(spread) * rng.standard_normal(D)
        X, new = orthogonal_inputs(rng, N, D - 1), rng.standard_normal((200, D - 1))
        train[f"task {t}"] = (
            X,
            (X @ truth[1:] + truth[0] + math.sqrt(NOISE) * rng.standard_normal(N))[:, None],
        )
        test[f"task {t}"] = new, (new @ truth[1:] + truth[0])[:, None]
    return rng, train, test


def error_on_new(seed, spread, build, η, steps):
    """Mean error on new examples without noise after training; each parameter adds its squared error to it."""
    rng, train, test = related_problem(seed, spread)
    model = build(mtl.Dense(D - 1, 1, rng), dict.fromkeys(train, itself))
    losses = dict.fromkeys(train, mtl.mse)
    mtl.fit(model, train, losses, optimizer=mtl.SGD(η), steps=steps, quiet=True)
    return np.mean(list(mtl.evaluate(model, test, losses).values()))


def standard_errors(gains):
    """How many standard errors the mean of paired differences lies above 0."""
    return np.mean(gains) / (np.std(gains, ddof=1) / math.sqrt(len(gains)))


@pytest.mark.parametrize("side", [0.3, 0.6, 1.6, 3.0])
def test_pooling_beats_each_task_alone_on_the_side_that_the_formula_says(side):
    # On these inputs a step of η = ½ (pooled: ½ over the number of tasks) lands on the minimum.
    spread = side * NOISE / N
    alone = np.array(
        [error_on_new(seed, spread, mtl.SingleTask, 1 / 2, 2) for seed in range(SEEDS)]
    )
    together = np.array(
        [error_on_new(seed, spread, mtl.HardSharing, 1 / 8, 2) for seed in range(SEEDS)]
    )
    gain = alone - together
    assert standard_errors(gain if pooling_helps(N, NOISE, spread) else -gain) > 3
    for measured, λ in ((alone, 0.0), (together, math.inf)):
        expected = D * risk(λ, N, 4, NOISE, spread)
        assert abs(standard_errors(measured - expected)) < 4


def test_a_sweep_of_strengths_has_its_least_error_within_a_factor_three_of_the_best():
    spread = NOISE / N
    best = best_strength(NOISE, spread) / N  # in the package's convention
    errors = {}
    for factor in (1 / 9, 1 / 3, 1, 3, 9):
        s = factor * best
        soft = lambda trunk, heads: mtl.SoftSharing(trunk, heads, strength=s)
        errors[factor] = np.array(
            [error_on_new(seed, spread, soft, 1 / (2 + s), 30) for seed in range(SEEDS)]
        )
    assert 1 / 3 <= min(errors, key=lambda factor: errors[factor].mean()) <= 3
    for far in (1 / 9, 9):
        assert standard_errors(errors[far] - errors[1]) > 3
