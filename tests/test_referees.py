"""Trained models against exact answers: `fit` reaches what the referees say.

The package trains Σ_t w_t · 1/n ‖ŷ_t − y_t‖² and penalties without ½. Times n/2 that is the
referees' objective: a pull of strength s is their λ = n s. A layer's bias is either a column of
ones among the inputs of the referee, or 0 at the optimum, because inputs and targets have mean 0.
"""

import math
from functools import partial

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
    """Train the model by gradient descent on mean squared errors. Returns the history."""
    data = {task: (inputs[task], targets[task]) for task in model.tasks}
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


def orthonormal_columns(rng, rows, columns):
    """Q (rows, columns) with Qᵀ Q = I."""
    return np.linalg.qr(rng.standard_normal((rows, columns)))[0]


# Soft sharing and pooling


def own_inputs(rng, sizes, D=3):
    """Inputs (n_t, D) and targets (n_t, 1) by task."""
    inputs = {task: rng.standard_normal((n, D)) for task, n in zip(TASKS, sizes)}
    targets = {}
    for task, x in inputs.items():
        linear = x @ rng.standard_normal((D, 1))
        targets[task] = linear + rng.standard_normal((len(x), 1))
    return inputs, targets


def for_referee(inputs, targets):
    """The same as the referee takes them: X_t with a column of ones, and y_t flat."""
    X = [np.hstack([x, np.ones((len(x), 1))]) for x in inputs.values()]
    y = [column[:, 0] for column in targets.values()]
    return X, y


@pytest.mark.parametrize("pull, T", [("mean", 1), ("pairs", 3)])
@pytest.mark.parametrize("strength", [0.0, 0.02, 0.3, 5.0])
def test_soft_sharing_reaches_its_referee_at_n_times_the_strength_and_by_pairs_at_t_times_that(
    strength, pull, T
):
    rng = np.random.default_rng(1)
    n = 20
    inputs, targets = own_inputs(rng, [n] * 3)
    trunk = mtl.Dense(3, 1, rng)
    heads = dict.fromkeys(TASKS, itself)
    model = mtl.SoftSharing(trunk, heads, strength=strength, pull=pull)
    descend(model, inputs, targets, 300, 0.3 / (1 + T * strength), 0.8)
    X, y = for_referee(inputs, targets)
    assert_reaches(model.trunk_matrix(), soft_sharing(X, y, n * T * strength), 1e-6)


def test_unequal_sizes_and_weights_reach_the_referee_of_rescaled_data():
    # w_t/n_t ‖X_t θ_t − y_t‖² = ‖X′_t θ_t − y′_t‖² for X′_t = √(w_t/n_t) X_t and y′_t likewise.
    # With both halves of the objective doubled, λ = s.
    rng = np.random.default_rng(2)
    sizes = [8, 20, 40]
    w = [0.5, 1.0, 2.0]
    strength = 0.3
    inputs, targets = own_inputs(rng, sizes)
    model = mtl.SoftSharing(mtl.Dense(3, 1, rng), dict.fromkeys(TASKS, itself), strength=strength)
    descend(model, inputs, targets, 800, 0.1, 0.9, dict(zip(TASKS, w)))
    X, y = for_referee(inputs, targets)
    scales = [math.sqrt(w_t / n) for w_t, n in zip(w, sizes)]
    rescaled_X = [scale * X_t for scale, X_t in zip(scales, X)]
    rescaled_y = [scale * y_t for scale, y_t in zip(scales, y)]
    assert_reaches(model.trunk_matrix(), soft_sharing(rescaled_X, rescaled_y, strength), 1e-6)


def test_one_trunk_reaches_pooling_and_a_strong_pull_comes_as_near_as_its_inverse():
    rng = np.random.default_rng(3)
    inputs, targets = own_inputs(rng, [20] * 3)
    trunk = mtl.Dense(3, 1, rng)
    heads = dict.fromkeys(TASKS, itself)
    X, y = for_referee(inputs, targets)
    exact = pooled(X, y)
    hard = mtl.HardSharing(trunk, heads)
    descend(hard, inputs, targets, 300, 0.1, 0.5)
    assert_reaches(hard.theta, exact, 1e-9)
    gaps = []
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
    trunk = mtl.Dense(D, width, rng)
    heads = {f"task {t}": mtl.Dense(width, 1, rng) for t in range(T)}
    return mtl.HardSharing(trunk, heads, **l2)


def product(model):
    """B = A C (D, T)."""
    A = model.trunk.W.data  # (D, k)
    C = np.hstack([model.heads[task].W.data for task in model.tasks])  # (k, T)
    return A @ C


def descend_together(model, X, Y, steps, η, momentum, weights=None):
    """Train tasks that share their inputs: task t has column t of Y."""
    inputs = dict.fromkeys(model.tasks, X)
    columns = Y.T[:, :, None].copy()  # (T, N, 1)
    targets = dict(zip(model.tasks, columns))
    if weights is not None:
        weights = dict(zip(model.tasks, weights))
    return descend(model, inputs, targets, steps, η, momentum, weights)


@pytest.mark.parametrize("width", [1, 2, 3])
@pytest.mark.parametrize("weights", [None, [0.3, 2.0, 1.0, 0.6]])
def test_hard_sharing_reaches_reduced_rank_regression(width, weights):
    rng = np.random.default_rng(4)
    X = rng.standard_normal((40, 5))
    X -= X.mean(0)
    Y = X @ rng.standard_normal((5, 4)) + rng.standard_normal((40, 4))
    Y -= Y.mean(0)
    model = linear_network(rng, 5, width, 4)
    descend_together(model, X, Y, 500, 0.01, 0.9, weights)
    assert_reaches(product(model), hard_sharing(X, Y, width, weights), 1e-5)


def test_weights_change_a_narrow_trunk_and_not_a_wide_one():
    rng = np.random.default_rng(5)
    X = orthogonal_inputs(rng, 20, 3)
    Y = X @ np.array([[1.0, 0.3], [0.0, 1.0], [1.0, 0.0]])
    change = {}
    for width in (1, 2):
        equal = linear_network(rng, 3, width, 2)
        other = linear_network(rng, 3, width, 2)
        descend_together(equal, X, Y, 600, 0.05, 0.9)
        descend_together(other, X, Y, 600, 0.05, 0.9, (0.5, 2.0))
        B = product(equal)
        change[width] = np.linalg.norm(product(other) - B) / np.linalg.norm(B)
    assert change[2] < 1e-6
    assert change[1] > 0.3


def every_matrix_once(strength):
    """λ Σ ‖W‖² over trunk and heads, a function for `l2`."""

    def penalty(model):
        matrices = [p for p in model.parameters() if p.ndim > 1]
        return mtl.l2_penalty({"all": matrices}, {"all": strength})

    return penalty


def a_number(strength):
    """The same number for `l2` of every task: the trunk counts once for each of them."""
    return strength


@pytest.mark.parametrize("strength, rank", [(0.2, 3), (1.0, 2), (2.5, 1)])
@pytest.mark.parametrize("l2, times", [(every_matrix_once, 1), (a_number, math.sqrt(3))])
def test_weight_decay_reaches_soft_thresholding_and_a_number_counts_the_trunk_once_for_each_task(
    strength, rank, l2, times
):
    # 1/n ‖Y − X A C‖² + s (a ‖A‖² + ‖C‖²), times ½, is ½ ‖B_ols − A C‖² + ½ s √a (‖A′‖² + ‖C′‖²)
    # for the same product A′ C′.
    rng = np.random.default_rng(7)
    X = orthogonal_inputs(rng, 20, 4)
    U = orthonormal_columns(rng, 4, 3)
    V = orthonormal_columns(rng, 3, 3)
    B_ols = U @ np.diag([4.0, 2.0, 0.6]) @ V.T
    Y = X @ B_ols
    model = linear_network(rng, 4, 3, 3, l2=l2(strength / times))
    descend_together(model, X, Y, 400, 0.03, 0.9)
    exact = weight_decay(B_ols, strength)
    assert np.linalg.matrix_rank(exact, tol=1e-9) == rank
    assert_reaches(product(model), exact, 1e-6)


@pytest.mark.parametrize("weights", [(0.5, 0.5), (0.7, 0.3)])
@pytest.mark.parametrize("degrees", [0, 30, 60, 120, 90])
def test_two_tasks_on_one_unit_reach_its_least_loss_and_on_two_units_none(degrees, weights):
    rng = np.random.default_rng(8)
    φ = math.radians(degrees)
    X = orthogonal_inputs(rng, 6, 2)
    Y = X @ np.array([[1.0, math.cos(φ)], [0.0, math.sin(φ)]])  # columns of mean square 1
    for width, least in ((1, one_unit_loss(φ, weights)), (2, 0.0)):
        model = linear_network(rng, 2, width, 2)
        history = descend_together(model, X, Y, 600, 0.1, 0.9, weights)
        assert history.total[-1] == pytest.approx(least, rel=1e-9, abs=1e-9)


def test_at_a_right_angle_one_unit_learns_the_task_of_larger_weight_and_nothing_of_the_other():
    rng = np.random.default_rng(9)
    X = orthogonal_inputs(rng, 6, 2)
    history = descend_together(linear_network(rng, 2, 1, 2), X, X, 600, 0.1, 0.9, (0.4, 0.6))
    assert history.losses["task 0"][-1] == pytest.approx(1, abs=1e-6)
    assert history.losses["task 1"][-1] == pytest.approx(0, abs=1e-6)


# When sharing helps, measured on examples that training did not see

SEEDS = 50
NOISE = 1.0  # variance of a target's noise
N = 12  # examples of a task
D = 6  # parameters of a task, its bias among them
T = 4


def related_problem(seed, spread):
    """Training and test data of T tasks whose true parameters vary by `spread` around common ones.

    The training inputs have [X, 1]ᵀ [X, 1] = N I. The test targets have no noise.
    """
    rng = np.random.default_rng(seed)
    train = {}
    test = {}
    common = rng.standard_normal(D)
    for t in range(T):
        truth = common + math.sqrt(spread) * rng.standard_normal(D)
        bias, w = truth[0], truth[1:]
        X = orthogonal_inputs(rng, N, D - 1)
        new = rng.standard_normal((200, D - 1))
        y = X @ w + bias + math.sqrt(NOISE) * rng.standard_normal(N)
        train[f"task {t}"] = X, y[:, None]
        test[f"task {t}"] = new, (new @ w + bias)[:, None]
    return rng, train, test


def error_on_new(seed, spread, build, η, steps):
    """Mean error on new examples without noise after training.

    Each parameter adds its squared error to it.
    """
    rng, train, test = related_problem(seed, spread)
    model = build(mtl.Dense(D - 1, 1, rng), dict.fromkeys(train, itself))
    losses = dict.fromkeys(train, mtl.mse)
    mtl.fit(model, train, losses, optimizer=mtl.SGD(η), steps=steps, quiet=True)
    return np.mean(list(mtl.evaluate(model, test, losses).values()))


def errors_on_new(spread, build, η, steps):
    """`error_on_new` for every seed."""
    return np.array([error_on_new(seed, spread, build, η, steps) for seed in range(SEEDS)])


def standard_errors(gains):
    """How many standard errors the mean of paired differences lies above 0."""
    return np.mean(gains) / (np.std(gains, ddof=1) / math.sqrt(len(gains)))


@pytest.mark.parametrize("side", [0.3, 0.6, 1.6, 3.0])
def test_pooling_beats_each_task_alone_on_the_side_that_the_formula_says(side):
    # On these inputs a step of η = ½ (pooled: ½ over the number of tasks) lands on the minimum.
    spread = side * NOISE / N
    alone = errors_on_new(spread, mtl.SingleTask, 1 / 2, 2)
    together = errors_on_new(spread, mtl.HardSharing, 1 / 8, 2)
    gain = alone - together
    if pooling_helps(N, NOISE, spread):
        assert standard_errors(gain) > 3
    else:
        assert standard_errors(-gain) > 3
    for measured, λ in ((alone, 0.0), (together, math.inf)):
        expected = D * risk(λ, N, T, NOISE, spread)
        assert abs(standard_errors(measured - expected)) < 4


def test_a_sweep_of_strengths_has_its_least_error_within_a_factor_three_of_the_best():
    spread = NOISE / N
    best = best_strength(NOISE, spread) / N  # in the package's convention
    errors = {}
    for factor in (1 / 9, 1 / 3, 1, 3, 9):
        strength = factor * best
        soft_sharing_at = partial(mtl.SoftSharing, strength=strength)
        # A step leaves the part s / (2 + s) of the way to the minimum. A thousandth may be left.
        steps = math.ceil(math.log(1e-3) / math.log(strength / (2 + strength)))
        errors[factor] = errors_on_new(spread, soft_sharing_at, 1 / (2 + strength), steps)
    mean_errors = {factor: values.mean() for factor, values in errors.items()}
    assert 1 / 3 <= min(mean_errors, key=mean_errors.get) <= 3
    for far in (1 / 9, 9):
        assert standard_errors(errors[far] - errors[1]) > 3
