"""The laws of the exact answers.

They minimise what they say, and the risk is what a simulation finds.
"""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

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

seeds = st.integers(0, 2**32 - 1)
laws = settings(max_examples=25)
positive = st.floats(0.01, 100)


@st.composite
def linear_tasks(draw):
    """X_t (n_t, D) and y_t (n_t,) of T tasks, each with more examples than inputs."""
    rng = np.random.default_rng(draw(seeds))
    T = draw(st.integers(1, 4))
    D = draw(st.integers(1, 3))
    sizes = [draw(st.integers(D + 3, D + 8)) for _ in range(T)]
    X = [rng.standard_normal((n, D)) for n in sizes]
    y = [rng.standard_normal(n) for n in sizes]
    return X, y


def least_squares(X, Y):
    return np.linalg.lstsq(X, Y, rcond=None)[0]


def orthonormal_columns(rng, rows, columns):
    """Q (rows, columns) with Qᵀ Q = I."""
    return np.linalg.qr(rng.standard_normal((rows, columns)))[0]


# Soft sharing


def objective(Θ, X, y, λ):
    """½ Σ_t ‖X_t θ_t − y_t‖² + λ/2 Σ_t ‖θ_t − θ̄‖², as printed."""
    mean = sum(Θ) / len(Θ)
    total = 0.0
    for θ, X_t, y_t in zip(Θ, X, y):
        total += 0.5 * ((X_t @ θ - y_t) ** 2).sum() + 0.5 * λ * ((θ - mean) ** 2).sum()
    return total


@laws
@given(linear_tasks(), st.floats(0, 50))
def test_soft_sharing_is_where_the_gradient_of_its_objective_is_zero(tasks, λ):
    X, y = tasks
    h = 1e-3  # central differences of a quadratic have no error of their own
    Θ = soft_sharing(X, y, λ)
    for i in np.ndindex(Θ.shape):
        up = Θ.copy()
        up[i] += h
        down = Θ.copy()
        down[i] -= h
        slope = (objective(up, X, y, λ) - objective(down, X, y, λ)) / (2 * h)
        assert slope == pytest.approx(0, abs=1e-8)


@laws
@given(linear_tasks(), st.floats(0, 50), seeds)
def test_no_other_parameters_have_a_smaller_objective(tasks, λ, seed):
    X, y = tasks
    Θ = soft_sharing(X, y, λ)
    other = Θ + np.random.default_rng(seed).standard_normal(Θ.shape)
    assert objective(Θ, X, y, λ) < objective(other, X, y, λ)


@laws
@given(linear_tasks())
def test_strength_zero_is_least_squares_of_each_task_alone(tasks):
    X, y = tasks
    alone = [least_squares(X_t, y_t) for X_t, y_t in zip(X, y)]
    np.testing.assert_allclose(soft_sharing(X, y, 0.0), alone, rtol=1e-6, atol=1e-8)


@laws
@given(linear_tasks())
def test_a_very_strong_pull_is_pooling(tasks):
    X, y = tasks
    together = least_squares(np.vstack(X), np.hstack(y))
    np.testing.assert_allclose(pooled(X, y), together, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(soft_sharing(X, y, 1e10), [together] * len(X), rtol=1e-4, atol=1e-4)


@laws
@given(seeds, st.integers(1, 4), st.integers(1, 3), st.integers(4, 8), st.floats(0, 1e3))
def test_soft_sharing_shrinks_least_squares_solutions_to_their_mean(seed, T, D, n, λ):
    # When X_tᵀ X_t = n I:  θ̂_t = b̄ + s (b_t − b̄),  s = n/(n + λ)
    rng = np.random.default_rng(seed)
    X = [math.sqrt(n) * orthonormal_columns(rng, n, D) for _ in range(T)]
    y = [rng.standard_normal(n) for _ in range(T)]
    b = np.array([X_t.T @ y_t / n for X_t, y_t in zip(X, y)])
    mean = b.mean(0)
    s = n / (n + λ)
    np.testing.assert_allclose(soft_sharing(X, y, λ), mean + s * (b - mean), rtol=1e-8, atol=1e-10)


@laws
@given(linear_tasks(), st.floats(0, 50), st.randoms())
def test_permuting_the_tasks_permutes_the_solution(tasks, λ, random):
    X, y = tasks
    order = list(range(len(X)))
    random.shuffle(order)
    turned = soft_sharing([X[t] for t in order], [y[t] for t in order], λ)
    np.testing.assert_allclose(turned, soft_sharing(X, y, λ)[order], rtol=1e-8, atol=1e-10)


# Risk


@pytest.mark.parametrize("λ", [0.0, 2.0, 10.0, 1e9])
@pytest.mark.parametrize("T, spread", [(2, 0.3), (5, 0.05)])
def test_risk_is_what_a_simulation_finds(λ, T, spread):
    # One coordinate: b_t = m + δ_t + an error of variance σ²/n, the least-squares solution when
    # X_tᵀ X_t = n I.
    rng = np.random.default_rng(0)
    draws = 20_000
    n = 6
    noise = 1.5
    m = 0.7
    truth = m + math.sqrt(spread) * rng.standard_normal((draws, T))
    b = truth + math.sqrt(noise / n) * rng.standard_normal((draws, T))
    mean = b.mean(1, keepdims=True)
    s = n / (n + λ)
    estimate = mean + s * (b - mean)
    errors = ((estimate - truth) ** 2).mean(1)
    standard_error = errors.std() / math.sqrt(draws)
    assert abs(errors.mean() - risk(λ, n, T, noise, spread)) < 5 * standard_error


def test_risk_is_what_solving_simulated_tasks_finds():
    rng = np.random.default_rng(0)
    n = 8
    D = 4
    T = 3
    noise = 1.0
    spread = 0.4
    λ = 3.0
    errors = []
    for _ in range(500):
        truth = 2 + math.sqrt(spread) * rng.standard_normal((T, D))
        X = [math.sqrt(n) * orthonormal_columns(rng, n, D) for _ in range(T)]
        y = [X_t @ θ + math.sqrt(noise) * rng.standard_normal(n) for X_t, θ in zip(X, truth)]
        errors.append(((soft_sharing(X, y, λ) - truth) ** 2).mean())
    standard_error = np.std(errors) / math.sqrt(len(errors))
    assert abs(np.mean(errors) - risk(λ, n, T, noise, spread)) < 5 * standard_error


@laws
@given(positive, st.integers(2, 10), positive, positive)
def test_best_strength_has_the_least_risk_of_a_grid_around_it(n, T, noise, spread):
    best = best_strength(noise, spread)
    assert best == pytest.approx(noise / spread)
    least = risk(best, n, T, noise, spread)
    for λ in [0.0, *(best * np.geomspace(1e-3, 1e3, 101)), math.inf]:
        assert risk(λ, n, T, noise, spread) >= least * (1 - 1e-12)
    assert risk(2 * best, n, T, noise, spread) > least
    assert risk(best / 2, n, T, noise, spread) > least


def test_equal_truths_want_an_infinite_strength():
    assert best_strength(1.0, 0.0) == math.inf
    assert risk(math.inf, 4, 2, 1.0, 0.0) == 1 / 8


@settings(max_examples=200)
@given(positive, st.integers(2, 10), positive, positive)
def test_pooling_helps_exactly_when_its_risk_is_less_than_that_of_each_alone(n, T, noise, spread):
    assume(abs(spread - noise / n) > 1e-9 * spread)  # nearer than rounding, the two risks are equal
    risk_together = risk(math.inf, n, T, noise, spread)
    risk_alone = risk(0.0, n, T, noise, spread)
    assert pooling_helps(n, noise, spread) == (risk_together < risk_alone)


def test_pooling_does_not_help_at_the_boundary():
    assert not pooling_helps(n=4, noise=1.0, spread=0.25)
    assert risk(math.inf, 4, 3, 1.0, 0.25) == pytest.approx(risk(0.0, 4, 3, 1.0, 0.25))


@laws
@given(positive, st.integers(1, 10), positive, positive)
def test_risk_alone_is_noise_over_n_and_pooled_is_that_over_t_plus_the_spread(n, T, noise, spread):
    assert risk(0.0, n, T, noise, spread) == pytest.approx(noise / n)
    together = noise / (n * T) + (T - 1) / T * spread
    assert risk(math.inf, n, T, noise, spread) == pytest.approx(together)


def test_the_risk_of_an_array_of_strengths_is_that_of_each():
    λ = np.array([0.0, 1.0, 30.0])
    each = [risk(one, 5, 3, 1.0, 0.5) for one in λ.tolist()]
    np.testing.assert_array_equal(risk(λ, 5, 3, 1.0, 0.5), each)


# A trunk of a few units


@st.composite
def shared_inputs(draw, min_tasks=1):
    """X (N, D), Y (N, T) and weights (T,) of tasks that share their inputs."""
    rng = np.random.default_rng(draw(seeds))
    D = draw(st.integers(1, 4))
    T = draw(st.integers(min_tasks, 4))
    N = D + draw(st.integers(1, 8))
    X = rng.standard_normal((N, D))
    Y = rng.standard_normal((N, T))
    w = rng.uniform(0.1, 3, T)
    return X, Y, w


widths = st.integers(1, 5)


def shared_loss(X, Y, B, w):
    """½ Σ_t w_t ‖Y_t − X b_t‖², as printed."""
    return sum(0.5 * w[t] * ((Y[:, t] - X @ B[:, t]) ** 2).sum() for t in range(len(w)))


def alternating_least_squares(X, Y, width, w, rng, rounds=80):
    """A C after solving in turn for the heads C and for the trunk A, each exactly.

    The search starts from a random trunk.
    """
    D = X.shape[1]
    tasks = range(Y.shape[1])
    targets = np.hstack([math.sqrt(w[t]) * Y[:, t] for t in tasks])
    A = rng.standard_normal((D, width))
    for _ in range(rounds):
        A = np.linalg.qr(A)[0]  # the same features, of a size that does not drift
        C = least_squares(X @ A, Y)
        # X A c_t is linear in the D · k entries of A.
        rows = np.vstack([math.sqrt(w[t]) * np.kron(X, C[:, t]) for t in tasks])
        A = least_squares(rows, targets).reshape(D, -1)
    return A @ C


def weighted_singular_values(X, Y, w):
    return np.linalg.svd(X @ least_squares(X, Y) @ np.diag(np.sqrt(w)), compute_uv=False)


def is_unique(σ, width, gap):
    """Whether one B is clearly the best: σ_{k+1} is less than `gap` times σ_k, or there is none."""
    return width >= len(σ) or σ[width] < gap * σ[width - 1]


@settings(max_examples=15)
@given(shared_inputs(), st.integers(1, 3), seeds)
def test_hard_sharing_is_the_best_that_alternating_least_squares_finds(problem, width, seed):
    X, Y, w = problem
    rng = np.random.default_rng(seed)
    assume(is_unique(weighted_singular_values(X, Y, w), width, gap=0.8))  # else the search is slow
    found = [alternating_least_squares(X, Y, width, w, rng) for _ in range(2)]
    best = hard_sharing(X, Y, width, w)
    least = min(shared_loss(X, Y, B, w) for B in found)
    assert shared_loss(X, Y, best, w) == pytest.approx(least, rel=1e-9)

    def distance(B):
        return abs(B - best).max()

    closest = min(found, key=distance)
    np.testing.assert_allclose(best, closest, atol=1e-6 * (1 + abs(best).max()))


@laws
@given(shared_inputs(), widths)
def test_hard_sharing_is_the_printed_projection(problem, width):
    # B = B_ols S V_k V_kᵀ S⁻¹
    X, Y, w = problem
    B_ols = np.linalg.inv(X.T @ X) @ X.T @ Y
    S = np.diag(np.sqrt(w))
    V = np.linalg.svd(X @ B_ols @ S)[2].T[:, :width]
    B = B_ols @ S @ V @ V.T @ np.linalg.inv(S)
    np.testing.assert_allclose(hard_sharing(X, Y, width, w), B, rtol=1e-5, atol=1e-7)


@laws
@given(shared_inputs(), widths)
def test_a_narrow_trunk_loses_half_the_squares_of_the_singular_values_it_has_no_unit_for(
    problem, width
):
    X, Y, w = problem
    B = hard_sharing(X, Y, width, w)
    assert np.linalg.matrix_rank(B, tol=1e-9 * (1 + abs(B).max())) <= width
    excess = shared_loss(X, Y, B, w) - shared_loss(X, Y, least_squares(X, Y), w)
    σ = weighted_singular_values(X, Y, w)
    assert excess == pytest.approx((σ[width:] ** 2).sum() / 2, rel=1e-9, abs=1e-9)


@laws
@given(shared_inputs())
def test_a_trunk_as_wide_as_inputs_or_tasks_shares_nothing_whatever_the_weights(problem):
    X, Y, w = problem
    alone = least_squares(X, Y)
    for width in (min(X.shape[1], Y.shape[1]), 10):
        np.testing.assert_allclose(hard_sharing(X, Y, width, w), alone, rtol=1e-6, atol=1e-8)


def test_weights_decide_who_is_served_when_the_trunk_is_narrow():
    first = hard_sharing(np.eye(2), np.eye(2), 1, [2.0, 1.0])
    np.testing.assert_allclose(first, np.diag([1.0, 0.0]), atol=1e-12)
    second = hard_sharing(np.eye(2), np.eye(2), 1, [1.0, 2.0])
    np.testing.assert_allclose(second, np.diag([0.0, 1.0]), atol=1e-12)


@laws
@given(shared_inputs(), widths, seeds, st.randoms())
def test_hard_sharing_turns_with_inputs_and_tasks_and_not_with_examples_or_the_unit_of_weights(
    problem, width, seed, random
):
    X, Y, w = problem
    N, D = X.shape
    assume(is_unique(weighted_singular_values(X, Y, w), width, gap=0.99))
    B = hard_sharing(X, Y, width, w)

    def same(got, expected):
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-7)

    rng = np.random.default_rng(seed)
    Q = orthonormal_columns(rng, D, D)
    same(hard_sharing(X @ Q, Y, width, w), Q.T @ B)
    R = orthonormal_columns(rng, N, N)
    same(hard_sharing(R @ X, R @ Y, width, w), B)
    order = list(range(len(w)))
    random.shuffle(order)
    same(hard_sharing(X, Y[:, order], width, w[order]), B[:, order])
    same(hard_sharing(X, Y, width, 7 * w), B)
    same(hard_sharing(X, Y, width), hard_sharing(X, Y, width, [1] * len(w)))


@laws
@given(shared_inputs(min_tasks=2), seeds)
def test_one_task_of_overwhelming_weight_gets_the_unit_and_the_others_the_best_of_its_feature(
    problem, seed
):
    X, Y, w = problem
    alone = least_squares(X, Y)
    h = X @ alone[:, 0]
    assume(np.linalg.norm(h) > 0.3)
    expected = np.outer(alone[:, 0], h @ Y / (h @ h))
    overwhelming = [1e9, *w[1:]]
    np.testing.assert_allclose(hard_sharing(X, Y, 1, overwhelming), expected, rtol=1e-4, atol=1e-4)
    only = [1.0] + [0.0] * (len(w) - 1)
    np.testing.assert_allclose(hard_sharing(X, Y, 1, only), expected, rtol=1e-6, atol=1e-8)


@laws
@given(shared_inputs(min_tasks=2), widths)
def test_a_task_of_weight_zero_asks_for_nothing_and_gets_a_head_on_the_features_of_the_others(
    problem, width
):
    X, Y, w = problem
    others = hard_sharing(X, Y[:, 1:], width, w[1:])
    B = hard_sharing(X, Y, width, [0.0, *w[1:]])
    np.testing.assert_allclose(B[:, 1:], others, rtol=1e-6, atol=1e-8)
    rank = np.linalg.matrix_rank(others, tol=1e-9)
    features = np.linalg.svd(X @ others, full_matrices=False)[0][:, :rank]  # orthonormal
    np.testing.assert_allclose(X @ B[:, 0], features @ features.T @ Y[:, 0], rtol=1e-5, atol=1e-7)


@laws
@given(shared_inputs(), widths, seeds)
def test_inputs_without_full_rank_give_the_same_outputs_from_the_least_parameters(
    problem, width, seed
):
    X, Y, w = problem
    D = X.shape[1]
    wide = orthonormal_columns(np.random.default_rng(seed), D + 2, D)
    B = hard_sharing(X @ wide.T, Y, width, w)
    np.testing.assert_allclose(B, wide @ hard_sharing(X, Y, width, w), rtol=1e-5, atol=1e-7)


def test_targets_that_the_inputs_do_not_explain_give_zero():
    X = np.eye(3)[:, :2]
    Y = np.eye(3)[:, 2:]
    np.testing.assert_array_equal(hard_sharing(X, Y, 1), np.zeros((2, 1)))


def test_a_narrow_trunk_estimates_tasks_of_one_direction_better_than_each_alone():
    rng = np.random.default_rng(0)
    gains = []
    for _ in range(40):
        truth = np.outer(rng.standard_normal(5), rng.standard_normal(6))  # (D, T) of rank 1
        X = rng.standard_normal((15, 5))
        Y = X @ truth + rng.standard_normal((15, 6))
        alone = ((least_squares(X, Y) - truth) ** 2).mean()
        shared = ((hard_sharing(X, Y, 1) - truth) ** 2).mean()
        gains.append(alone - shared)
    assert np.mean(gains) > 3 * np.std(gains) / math.sqrt(len(gains))


# Decay of trunk and heads


def decayed_loss(X, Y, A, C, λ):
    """½ ‖Y − X A C‖² + λ/2 (‖A‖² + ‖C‖²), as printed."""
    return 0.5 * ((Y - X @ A @ C) ** 2).sum() + 0.5 * λ * ((A**2).sum() + (C**2).sum())


@st.composite
def orthonormal_inputs(draw):
    """X (N, D) with Xᵀ X = I, and Y (N, T)."""
    rng = np.random.default_rng(draw(seeds))
    D = draw(st.integers(1, 4))
    T = draw(st.integers(1, 4))
    N = D + draw(st.integers(0, 5))
    X = orthonormal_columns(rng, N, D)
    Y = 2 * rng.standard_normal((N, T))
    return X, Y


@pytest.mark.parametrize("n", [1, 9])
@pytest.mark.parametrize("λ, rank", [(0.5, 3), (2.0, 2), (4.0, 1)])
def test_weight_decay_is_where_gradient_descent_on_trunk_and_heads_ends(n, λ, rank):
    # Xᵀ X = n I, where λ/n is subtracted. λ and the singular values 5, 3, 1 of B_ols are given for
    # n = 1.
    rng = np.random.default_rng(0)
    X = math.sqrt(n) * orthonormal_columns(rng, 7, 4)
    U = orthonormal_columns(rng, 4, 3)
    V = orthonormal_columns(rng, 3, 3)
    B_ols = U @ np.diag([5.0, 3.0, 1.0]) @ V.T
    Y = X @ B_ols
    A = rng.standard_normal((4, 5))
    C = rng.standard_normal((5, 3))
    η = 0.05 / n
    for _ in range(1500):
        residual = X @ A @ C - Y
        slope_A = X.T @ residual @ C.T + n * λ * A
        slope_C = A.T @ X.T @ residual + n * λ * C
        A = A - η * slope_A
        C = C - η * slope_C
    B = weight_decay(B_ols, n * λ / n)
    np.testing.assert_allclose(A @ C, B, atol=1e-9)
    assert np.linalg.matrix_rank(B, tol=1e-9) == rank


@laws
@given(orthonormal_inputs(), st.floats(0, 5), seeds)
def test_no_other_trunk_and_heads_have_a_smaller_decayed_loss(problem, λ, seed):
    X, Y = problem
    U, σ, Vt = np.linalg.svd(weight_decay(X.T @ Y, λ), full_matrices=False)
    # Balanced: ‖A‖² = ‖C‖² = Σ σ_j.
    A = U * np.sqrt(σ)
    C = np.sqrt(σ)[:, None] * Vt
    least = decayed_loss(X, Y, A, C, λ)
    rng = np.random.default_rng(seed)
    for size in (1e-3, 0.1, 1.0):
        other_A = A + size * rng.standard_normal(A.shape)
        other_C = C + size * rng.standard_normal(C.shape)
        assert decayed_loss(X, Y, other_A, other_C, λ) >= least - 1e-12 * (1 + least)


@laws
@given(orthonormal_inputs(), st.floats(0, 5))
def test_the_residual_of_weight_decay_is_a_slope_of_the_trace_norm(problem, λ):
    # B_ols − B = λ G where no singular value of G is above 1, and <G, B> = Σ_j σ_j(B). The two
    # together are optimality.
    X, Y = problem
    B_ols = X.T @ Y
    B = weight_decay(B_ols, λ)
    residual = B_ols - B
    assert np.linalg.norm(residual, 2) <= λ * (1 + 1e-9) + 1e-9
    trace_norm = np.linalg.norm(B, "nuc")
    assert (residual * B).sum() == pytest.approx(λ * trace_norm, rel=1e-9, abs=1e-9)


def test_no_decay_is_least_squares_and_one_above_the_largest_singular_value_is_zero():
    B_ols = np.random.default_rng(0).standard_normal((4, 3))
    largest = np.linalg.norm(B_ols, 2)
    np.testing.assert_allclose(weight_decay(B_ols, 0.0), B_ols, rtol=1e-12, atol=1e-12)
    assert abs(weight_decay(B_ols, 0.999 * largest)).max() > 0
    np.testing.assert_array_equal(weight_decay(B_ols, 1.001 * largest), np.zeros((4, 3)))


def test_decay_of_one_half_alone_is_no_decay():
    rng = np.random.default_rng(0)
    X = orthonormal_columns(rng, 6, 3)
    C = rng.standard_normal((3, 3))
    A = np.linalg.inv(C.T)
    Y = X @ A @ C
    for c in (1.0, 1e3, 1e6):  # the same product from a trunk of any size
        error = ((Y - X @ (A / c) @ (c * C)) ** 2).sum()
        decay = ((A / c) ** 2).sum()
        assert 0.5 * error + 0.5 * decay == pytest.approx((A**2).sum() / 2 / c**2)


# One unit for two tasks

angles = st.floats(-math.pi, math.pi)
pairs = st.tuples(st.floats(0.01, 5), st.floats(0.01, 5))


@laws
@given(angles, pairs)
def test_one_unit_loss_is_the_least_of_a_fine_grid_of_directions(φ, w):
    # A feature in direction α of the targets' plane leaves Σ_t w_t (1 − cos²(α − φ_t)). Its second
    # derivative is at most 2 Σ w_t. So a grid of step h, whose nearest point is h/2 away, lies at
    # most Σ w_t h²/4 above the minimum.
    def left(α):
        return w[0] * (1 - math.cos(α) ** 2) + w[1] * (1 - math.cos(α - φ) ** 2)

    h = math.pi / 2000
    on_grid = min(left(i * h) for i in range(2000))
    assert -1e-12 <= on_grid - one_unit_loss(φ, w) <= sum(w) * h**2 / 4 + 1e-12


@laws
@given(angles, pairs, seeds)
def test_one_unit_loss_is_twice_the_loss_of_hard_sharing_with_one_unit_and_none_with_two(
    φ, w, seed
):
    Q = orthonormal_columns(np.random.default_rng(seed), 5, 2)
    X = np.eye(5)
    Y = Q @ np.array([[1.0, math.cos(φ)], [0.0, math.sin(φ)]])
    one_unit = shared_loss(X, Y, hard_sharing(X, Y, 1, w), w)
    assert one_unit_loss(φ, w) == pytest.approx(2 * one_unit, abs=1e-12)
    two_units = shared_loss(X, Y, hard_sharing(X, Y, 2, w), w)
    assert two_units == pytest.approx(0, abs=1e-12)


@laws
@given(angles)
def test_equal_weights_lose_half_of_one_minus_the_cosine(φ):
    assert one_unit_loss(φ) == pytest.approx((1 - abs(math.cos(φ))) / 2, abs=1e-12)


@laws
@given(pairs)
def test_at_a_right_angle_the_larger_weight_takes_all_and_at_none_nobody_loses(w):
    assert one_unit_loss(math.pi / 2, w) == pytest.approx(min(w))
    assert one_unit_loss(0.0, w) == pytest.approx(0, abs=1e-12)
    assert one_unit_loss(math.pi, w) == pytest.approx(0, abs=1e-12)


@laws
@given(angles, pairs, st.floats(0.1, 10))
def test_one_unit_loss_scales_with_the_weights_and_takes_tasks_in_either_order_and_sign(φ, w, c):
    loss = one_unit_loss(φ, w)
    for same in (one_unit_loss(φ, w[::-1]), one_unit_loss(-φ, w), one_unit_loss(φ + math.pi, w)):
        assert same == pytest.approx(loss, abs=1e-12)
    assert one_unit_loss(φ, (c * w[0], c * w[1])) == pytest.approx(c * loss, abs=1e-11)


# Refusals


@pytest.mark.parametrize(
    "X, y",
    [
        ([], []),
        ([np.eye(2)], []),
        ([np.eye(2)], [np.ones(3)]),
        ([np.eye(2)], [np.ones((2, 1))]),
        ([np.ones(2)], [np.ones(2)]),
        ([np.eye(2), np.eye(3)], [np.ones(2), np.ones(3)]),
    ],
)
def test_shapes_that_do_not_fit_are_an_error(X, y):
    message = r"X and y must be T arrays \(n_t, D\) and \(n_t,\), got"
    with pytest.raises(ValueError, match=f"^soft_sharing: {message}"):
        soft_sharing(X, y, 1.0)
    with pytest.raises(ValueError, match=f"^pooled: {message}"):
        pooled(X, y)


@pytest.mark.parametrize("strength", [-1.0, math.inf, math.nan])
def test_a_bad_strength_is_an_error(strength):
    message = "strength must be finite and not negative, got"
    with pytest.raises(ValueError, match=f"^soft_sharing: {message}"):
        soft_sharing([np.eye(2)], [np.ones(2)], strength)
    with pytest.raises(ValueError, match=f"^weight_decay: {message}"):
        weight_decay(np.eye(2), strength)


def test_a_minimiser_that_is_not_unique_is_an_error():
    with pytest.raises(np.linalg.LinAlgError):
        soft_sharing([np.zeros((3, 2))], [np.ones(3)], 0.0)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"strength": -1.0}, "strength must not be negative, got -1.0"),
        ({"strength": np.array([1.0, -2.0])}, "strength must not be negative, got"),
        ({"noise": -1.0}, "noise must be finite and not negative, got -1.0"),
        ({"spread": math.nan}, "spread must be finite and not negative, got nan"),
        ({"n": 0}, "n must be finite and positive, got 0"),
        ({"T": 0}, "T must be a whole number, at least 1; got 0"),
    ],
)
def test_a_bad_argument_of_risk_is_an_error(change, message):
    arguments = {"strength": 1.0, "n": 4, "T": 2, "noise": 1.0, "spread": 1.0, **change}
    with pytest.raises(ValueError, match=f"^risk: {message}"):
        risk(**arguments)


@pytest.mark.parametrize("variance", [-1.0, math.nan])
def test_a_variance_that_is_negative_or_unknown_is_an_error(variance):
    kind = "must be finite and not negative, got"
    with pytest.raises(ValueError, match=f"^best_strength: noise {kind}"):
        best_strength(variance, 1.0)
    with pytest.raises(ValueError, match=f"^best_strength: spread {kind}"):
        best_strength(1.0, variance)
    with pytest.raises(ValueError, match=f"^pooling_helps: noise {kind}"):
        pooling_helps(4, variance, 1.0)
    with pytest.raises(ValueError, match=f"^pooling_helps: spread {kind}"):
        pooling_helps(4, 1.0, variance)


def test_pooling_of_no_examples_is_an_error():
    with pytest.raises(ValueError, match="^pooling_helps: n must be finite and positive, got 0"):
        pooling_helps(0, 1.0, 1.0)


@pytest.mark.parametrize(
    "X, Y, message",
    [
        (np.eye(2), np.ones(2), r"Y must have shape \(2, T\), got \(2,\)"),
        (np.ones(2), np.eye(2), r"X must have shape \(N, D\), got \(2,\)"),
        (np.eye(2), np.eye(3), r"Y must have shape \(2, T\), got \(3, 3\)"),
        (np.ones((0, 2)), np.ones((0, 1)), r"X must have shape \(N, D\), got \(0, 2\)"),
    ],
)
def test_inputs_and_targets_of_hard_sharing_that_do_not_fit_are_an_error(X, Y, message):
    with pytest.raises(ValueError, match=f"hard_sharing: {message}"):
        hard_sharing(X, Y, 1)


@pytest.mark.parametrize("width", [0, -1, 1.0, True, None])
def test_a_width_that_is_not_a_number_of_units_is_an_error(width):
    message = "hard_sharing: width must be a whole number, at least 1; got"
    with pytest.raises(ValueError, match=message):
        hard_sharing(np.eye(2), np.eye(2), width)


@pytest.mark.parametrize(
    "weights", [[1.0], [1.0, -1.0], [0.0, 0.0], [1.0, math.inf], [math.nan, 1.0], [[1.0, 1.0]]]
)
def test_bad_weights_are_an_error(weights):
    message = "weights must be 2 finite numbers, none negative and not all 0, got"
    with pytest.raises(ValueError, match=f"hard_sharing: {message}"):
        hard_sharing(np.eye(2), np.eye(2), 1, weights)
    with pytest.raises(ValueError, match=f"one_unit_loss: {message}"):
        one_unit_loss(1.0, weights)


@pytest.mark.parametrize("angle", [math.inf, math.nan])
def test_an_angle_that_is_not_finite_is_an_error(angle):
    with pytest.raises(ValueError, match="one_unit_loss: angle must be finite, got"):
        one_unit_loss(angle)


def test_decay_of_anything_but_a_matrix_is_an_error():
    message = r"weight_decay: B_ols must have shape \(D, T\), got \(3,\)"
    with pytest.raises(ValueError, match=message):
        weight_decay(np.ones(3), 1.0)
