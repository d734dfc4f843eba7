"""The laws of the exact answers: they minimise what they say, and the risk is what a simulation finds."""

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
    T, D = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    sizes = [draw(st.integers(D + 3, D + 8)) for _ in range(T)]
    return [rng.standard_normal((n, D)) for n in sizes], [rng.standard_normal(n) for n in sizes]


def objective(Θ, X, y, λ):
    """½ Σ_t ‖X_t θ_t − y_t‖² + λ/2 Σ_t ‖θ_t − θ̄‖², as printed."""
    mean = sum(Θ) / len(Θ)
    return sum(
        0.5 * ((A @ θ - b) ** 2).sum() + 0.5 * λ * ((θ - mean) ** 2).sum()
        for θ, A, b in zip(Θ, X, y)
    )


@laws
@given(linear_tasks(), st.floats(0, 50))
def test_soft_sharing_is_where_the_gradient_of_its_objective_is_zero(tasks, λ):
    (X, y), h = tasks, 1e-3  # central differences of a quadratic have no error of their own
    Θ = soft_sharing(X, y, λ)
    for i in np.ndindex(Θ.shape):
        up, down = Θ.copy(), Θ.copy()
        up[i] += h
        down[i] -= h
        assert (objective(up, X, y, λ) - objective(down, X, y, λ)) / (2 * h) == pytest.approx(
            0, abs=1e-8
        )


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
    alone = [np.linalg.lstsq(A, b, rcond=None)[0] for A, b in zip(X, y)]
    np.testing.assert_allclose(soft_sharing(X, y, 0.0), alone, rtol=1e-6, atol=1e-8)


@laws
@given(linear_tasks())
def test_a_very_strong_pull_is_pooling(tasks):
    X, y = tasks
    together = np.linalg.lstsq(np.vstack(X), np.hstack(y), rcond=None)[0]
    np.testing.assert_allclose(pooled(X, y), together, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(soft_sharing(X, y, 1e10), [together] * len(X), rtol=1e-4, atol=1e-4)


@laws
@given(seeds, st.integers(1, 4), st.integers(1, 3), st.integers(4, 8), st.floats(0, 1e3))
def test_soft_sharing_shrinks_least_squares_solutions_to_their_mean(seed, T, D, n, λ):
    # When X_tᵀ X_t = n I:  θ̂_t = b̄ + s (b_t − b̄),  s = n/(n + λ)
    rng = np.random.default_rng(seed)
    X = [math.sqrt(n) * np.linalg.qr(rng.standard_normal((n, D)))[0] for _ in range(T)]
    y = [rng.standard_normal(n) for _ in range(T)]
    b = np.array([A.T @ t / n for A, t in zip(X, y)])
    mean, s = b.mean(0), n / (n + λ)
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
    # One coordinate: b_t = m + δ_t + error of variance σ²/n, the least-squares solution when X_tᵀ X_t = n I.
    rng, draws, n, noise, m = np.random.default_rng(0), 20_000, 6, 1.5, 0.7
    truth = m + math.sqrt(spread) * rng.standard_normal((draws, T))
    b = truth + math.sqrt(noise / n) * rng.standard_normal((draws, T))
    mean, s = b.mean(1, keepdims=True), n / (n + λ)
    each = ((mean + s * (b - mean) - truth) ** 2).mean(1)
    standard_error = each.std() / math.sqrt(draws)
    assert abs(each.mean() - risk(λ, n, T, noise, spread)) < 5 * standard_error


def test_risk_is_what_solving_simulated_tasks_finds():
    rng, n, T, noise, spread, λ, D = np.random.default_rng(0), 8, 3, 1.0, 0.4, 3.0, 4
    each = []
    for _ in range(500):
        truth = 2 + math.sqrt(spread) * rng.standard_normal((T, D))
        X = [math.sqrt(n) * np.linalg.qr(rng.standard_normal((n, D)))[0] for _ in range(T)]
        y = [A @ θ + math.sqrt(noise) * rng.standard_normal(n) for A, θ in zip(X, truth)]
        each.append(((soft_sharing(X, y, λ) - truth) ** 2).mean())
    assert abs(np.mean(each) - risk(λ, n, T, noise, spread)) < 5 * np.std(each) / math.sqrt(
        len(each)
    )


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
    assert pooling_helps(n, noise, spread) == (
        risk(math.inf, n, T, noise, spread) < risk(0.0, n, T, noise, spread)
    )


def test_pooling_does_not_help_at_the_boundary():
    assert not pooling_helps(n=4, noise=1.0, spread=0.25)
    assert risk(math.inf, 4, 3, 1.0, 0.25) == pytest.approx(risk(0.0, 4, 3, 1.0, 0.25))


@laws
@given(positive, st.integers(1, 10), positive, positive)
def test_risk_alone_is_noise_over_n_and_pooled_is_that_over_t_plus_the_spread(n, T, noise, spread):
    assert risk(0.0, n, T, noise, spread) == pytest.approx(noise / n)
    assert risk(math.inf, n, T, noise, spread) == pytest.approx(
        noise / (n * T) + (T - 1) / T * spread
    )


# A trunk of a few units


@st.composite
def shared_inputs(draw, min_tasks=1):
    """X (N, D), Y (N, T) and weights (T,) of tasks that share their inputs."""
    rng = np.random.default_rng(draw(seeds))
    D, T = draw(st.integers(1, 4)), draw(st.integers(min_tasks, 4))
    N = D + draw(st.integers(1, 8))
    return rng.standard_normal((N, D)), rng.standard_normal((N, T)), rng.uniform(0.1, 3, T)


widths = st.integers(1, 5)


def shared_loss(X, Y, B, w):
    """½ Σ_t w_t ‖Y_t − X b_t‖², as printed."""
    return sum(0.5 * w[t] * ((Y[:, t] - X @ B[:, t]) ** 2).sum() for t in range(len(w)))


def alternating_least_squares(X, Y, width, w, rng, rounds=80):
    """A C after solving in turn for the heads C and for the trunk A, each exactly, from a random trunk."""
    (D, T), A = (X.shape[1], Y.shape[1]), rng.standard_normal((X.shape[1], width))
    for _ in range(rounds):
        A = np.linalg.qr(A)[0]  # the same features, of a size that does not drift
        C = np.linalg.lstsq(X @ A, Y, rcond=None)[0]
        rows = np.vstack(
            [math.sqrt(w[t]) * np.kron(X, C[:, t]) for t in range(T)]
        )  # X A c_t is linear in A's D · k entries
        A = np.linalg.lstsq(
            rows, np.hstack([math.sqrt(w[t]) * Y[:, t] for t in range(T)]), rcond=None
        )[0].reshape(D, -1)
    return A @ C


def weighted_singular_values(X, Y, w):
    return np.linalg.svd(
        X @ np.linalg.lstsq(X, Y, rcond=None)[0] @ np.diag(np.sqrt(w)), compute_uv=False
    )


@settings(max_examples=15)
@given(shared_inputs(), st.integers(1, 3), seeds)
def test_hard_sharing_is_the_best_that_alternating_least_squares_finds(problem, width, seed):
    (X, Y, w), rng = problem, np.random.default_rng(seed)
    σ = weighted_singular_values(X, Y, w)
    assume(width >= len(σ) or σ[width] < 0.8 * σ[width - 1])  # else the search is slow
    found = [alternating_least_squares(X, Y, width, w, rng) for _ in range(2)]
    best, least = hard_sharing(X, Y, width, w), min(shared_loss(X, Y, B, w) for B in found)
    assert shared_loss(X, Y, best, w) == pytest.approx(least, rel=1e-9)
    closest = min(found, key=lambda B: abs(B - best).max())
    np.testing.assert_allclose(best, closest, atol=1e-6 * (1 + abs(best).max()))


@laws
@given(shared_inputs(), widths)
def test_hard_sharing_is_the_printed_projection(problem, width):
    # B = B_ols S V_k V_kᵀ S⁻¹
    X, Y, w = problem
    B_ols, S = np.linalg.inv(X.T @ X) @ X.T @ Y, np.diag(np.sqrt(w))
    V = np.linalg.svd(X @ B_ols @ S)[2].T[:, :width]
    np.testing.assert_allclose(
        hard_sharing(X, Y, width, w), B_ols @ S @ V @ V.T @ np.linalg.inv(S), rtol=1e-5, atol=1e-7
    )


@laws
@given(shared_inputs(), widths)
def test_a_narrow_trunk_loses_half_the_squares_of_the_singular_values_it_has_no_unit_for(
    problem, width
):
    X, Y, w = problem
    B = hard_sharing(X, Y, width, w)
    assert np.linalg.matrix_rank(B, tol=1e-9 * (1 + abs(B).max())) <= width
    excess = shared_loss(X, Y, B, w) - shared_loss(X, Y, np.linalg.lstsq(X, Y, rcond=None)[0], w)
    assert excess == pytest.approx(
        sum(σ**2 for σ in weighted_singular_values(X, Y, w)[width:]) / 2, rel=1e-9, abs=1e-9
    )


@laws
@given(shared_inputs())
def test_a_trunk_as_wide_as_inputs_or_tasks_shares_nothing_whatever_the_weights(problem):
    X, Y, w = problem
    alone = np.linalg.lstsq(X, Y, rcond=None)[0]
    for width in (min(X.shape[1], Y.shape[1]), 10):
        np.testing.assert_allclose(hard_sharing(X, Y, width, w), alone, rtol=1e-6, atol=1e-8)


def test_weights_decide_who_is_served_when_the_trunk_is_narrow():
    Y = np.diag([1.0, 1.0])
    np.testing.assert_allclose(
        hard_sharing(np.eye(2), Y, 1, [2.0, 1.0]), np.diag([1.0, 0.0]), atol=1e-12
    )
    np.testing.assert_allclose(
        hard_sharing(np.eye(2), Y, 1, [1.0, 2.0]), np.diag([0.0, 1.0]), atol=1e-12
    )


@laws
@given(shared_inputs(), widths, seeds, st.randoms())
def test_hard_sharing_turns_with_inputs_and_tasks_and_not_with_examples_or_the_unit_of_weights(
    problem, width, seed, random
):
    (X, Y, w), rng = problem, np.random.default_rng(seed)
    σ = weighted_singular_values(X, Y, w)
    assume(width >= len(σ) or σ[width] < 0.99 * σ[width - 1])  # equal ones leave a choice
    B, (N, D), order = hard_sharing(X, Y, width, w), X.shape, list(range(len(w)))
    Q, R = (np.linalg.qr(rng.standard_normal((n, n)))[0] for n in (D, N))
    random.shuffle(order)
    same = lambda got, expected: np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-7)
    same(hard_sharing(X @ Q, Y, width, w), Q.T @ B)
    same(hard_sharing(R @ X, R @ Y, width, w), B)
    same(hard_sharing(X, Y, width, 7 * w), B)
    same(hard_sharing(X, Y[:, order], width, w[order]), B[:, order])
    same(hard_sharing(X, Y, width), hard_sharing(X, Y, width, [1] * len(w)))


@laws
@given(shared_inputs(min_tasks=2), seeds)
def test_one_task_of_overwhelming_weight_gets_the_unit_and_the_others_the_best_of_its_feature(
    problem, seed
):
    X, Y, w = problem
    alone = np.linalg.lstsq(X, Y, rcond=None)[0]
    h = X @ alone[:, 0]
    assume(np.linalg.norm(h) > 0.3)
    expected = np.outer(alone[:, 0], [h @ Y[:, t] / (h @ h) for t in range(len(w))])
    w[0] = 1e9
    np.testing.assert_allclose(hard_sharing(X, Y, 1, w), expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(
        hard_sharing(X, Y, 1, [1.0] + [0.0] * (len(w) - 1)), expected, rtol=1e-6, atol=1e-8
    )


@laws
@given(shared_inputs(min_tasks=2), widths)
def test_a_task_of_weight_zero_asks_for_nothing_and_gets_a_head_on_the_features_of_the_others(
    problem, width
):
    X, Y, w = problem
    others = hard_sharing(X, Y[:, 1:], width, w[1:])
    B = hard_sharing(X, Y, width, [0.0, *w[1:]])
    np.testing.assert_allclose(B[:, 1:], others, rtol=1e-6, atol=1e-8)
    features = np.linalg.svd(X @ others, full_matrices=False)[0][
        :, : np.linalg.matrix_rank(others, tol=1e-9)
    ]
    np.testing.assert_allclose(X @ B[:, 0], features @ features.T @ Y[:, 0], rtol=1e-5, atol=1e-7)


@laws
@given(shared_inputs(), widths, seeds)
def test_inputs_without_full_rank_give_the_same_outputs_from_the_least_parameters(
    problem, width, seed
):
    X, Y, w = problem
    wide = np.linalg.qr(np.random.default_rng(seed).standard_normal((X.shape[1] + 2, X.shape[1])))[
        0
    ]  # orthonormal columns
    np.testing.assert_allclose(
        hard_sharing(X @ wide.T, Y, width, w),
        wide @ hard_sharing(X, Y, width, w),
        rtol=1e-5,
        atol=1e-7,
    )


def test_targets_that_the_inputs_do_not_explain_give_zero():
    np.testing.assert_array_equal(
        hard_sharing(np.eye(3)[:, :2], np.eye(3)[:, 2:], 1), np.zeros((2, 1))
    )


def test_a_narrow_trunk_estimates_tasks_of_one_direction_better_than_each_alone():
    gains, rng = [], np.random.default_rng(0)
    for _ in range(40):
        truth, X = (
            np.outer(rng.standard_normal(5), rng.standard_normal(6)),
            rng.standard_normal((15, 5)),
        )
        Y = X @ truth + rng.standard_normal((15, 6))
        alone, shared = (
            (B - truth) ** 2 for B in (np.linalg.lstsq(X, Y, rcond=None)[0], hard_sharing(X, Y, 1))
        )
        gains.append(alone.mean() - shared.mean())
    assert np.mean(gains) > 3 * np.std(gains) / math.sqrt(len(gains))


# Decay of trunk and heads


def decayed_loss(X, Y, A, C, λ):
    """½ ‖Y − X A C‖² + λ/2 (‖A‖² + ‖C‖²), as printed."""
    return 0.5 * ((Y - X @ A @ C) ** 2).sum() + 0.5 * λ * ((A**2).sum() + (C**2).sum())


@st.composite
def orthonormal_inputs(draw):
    """X (N, D) with Xᵀ X = I, and Y (N, T)."""
    rng = np.random.default_rng(draw(seeds))
    D, T, more = draw(st.integers(1, 4)), draw(st.integers(1, 4)), draw(st.integers(0, 5))
    return np.linalg.qr(rng.standard_normal((D + more, D)))[0], 2 * rng.standard_normal(
        (D + more, T)
    )


@pytest.mark.parametrize("n", [1, 9])
@pytest.mark.parametrize("λ, rank", [(0.5, 3), (2.0, 2), (4.0, 1)])
def test_weight_decay_is_where_gradient_descent_on_trunk_and_heads_ends(n, λ, rank):
    # Xᵀ X = n I, where λ/n is subtracted: λ and the singular values 5, 3, 1 of B_ols are given for n = 1.
    rng = np.random.default_rng(0)
    turn = lambda rows, columns: np.linalg.qr(rng.standard_normal((rows, columns)))[0]
    X, B_ols = math.sqrt(n) * turn(7, 4), turn(4, 3) @ np.diag([5.0, 3.0, 1.0]) @ turn(3, 3).T
    Y, A, C = X @ B_ols, rng.standard_normal((4, 5)), rng.standard_normal((5, 3))
    for _ in range(1500):
        R = X @ A @ C - Y
        A, C = (
            A - 0.05 / n * (X.T @ R @ C.T + n * λ * A),
            C - 0.05 / n * (A.T @ X.T @ R + n * λ * C),
        )
    B = weight_decay(B_ols, n * λ / n)
    np.testing.assert_allclose(A @ C, B, atol=1e-9)
    assert np.linalg.matrix_rank(B, tol=1e-9) == rank


@laws
@given(orthonormal_inputs(), st.floats(0, 5), seeds)
def test_no_other_trunk_and_heads_have_a_smaller_decayed_loss(problem, λ, seed):
    (X, Y), rng = problem, np.random.default_rng(seed)
    U, σ, Vt = np.linalg.svd(weight_decay(X.T @ Y, λ), full_matrices=False)
    A, C = U * np.sqrt(σ), np.sqrt(σ)[:, None] * Vt  # balanced: ‖A‖² = ‖C‖² = Σ σ_j
    least = decayed_loss(X, Y, A, C, λ)
    for size in (1e-3, 0.1, 1.0):
        noise = lambda M: size * rng.standard_normal(M.shape)
        assert decayed_loss(X, Y, A + noise(A), C + noise(C), λ) >= least - 1e-12 * (1 + least)


@laws
@given(orthonormal_inputs(), st.floats(0, 5))
def test_the_residual_of_weight_decay_is_a_slope_of_the_trace_norm(problem, λ):
    # B_ols − B = λ G where no singular value of G is above 1, and <G, B> = Σ_j σ_j(B): the two together are optimality.
    X, Y = problem
    B_ols = X.T @ Y
    B = weight_decay(B_ols, λ)
    assert np.linalg.norm(B_ols - B, 2) <= λ * (1 + 1e-9) + 1e-9
    assert ((B_ols - B) * B).sum() == pytest.approx(
        λ * np.linalg.norm(B, "nuc"), rel=1e-9, abs=1e-9
    )


def test_no_decay_is_least_squares_and_one_above_the_largest_singular_value_is_zero():
    B_ols = np.random.default_rng(0).standard_normal((4, 3))
    largest = np.linalg.norm(B_ols, 2)
    np.testing.assert_allclose(weight_decay(B_ols, 0.0), B_ols, rtol=1e-12, atol=1e-12)
    assert abs(weight_decay(B_ols, 0.999 * largest)).max() > 0
    np.testing.assert_array_equal(weight_decay(B_ols, 1.001 * largest), np.zeros((4, 3)))


def test_decay_of_one_half_alone_is_no_decay():
    rng = np.random.default_rng(0)
    X, C = np.linalg.qr(rng.standard_normal((6, 3)))[0], rng.standard_normal((3, 3))
    A = np.linalg.inv(C.T)
    Y = X @ A @ C
    for c in (1.0, 1e3, 1e6):  # the same product from a trunk of any size
        assert 0.5 * ((Y - X @ (A / c) @ (c * C)) ** 2).sum() + 0.5 * (
            (A / c) ** 2
        ).sum() == pytest.approx((A**2).sum() / 2 / c**2)


# One unit for two tasks

angles = st.floats(-math.pi, math.pi)
pairs = st.tuples(st.floats(0.01, 5), st.floats(0.01, 5))


@laws
@given(angles, pairs)
def test_one_unit_loss_is_the_least_of_a_fine_grid_of_directions(φ, w):
    # A feature in direction α of the targets' plane leaves Σ_t w_t (1 − cos²(α − φ_t)). Its second derivative is at most
    # 2 Σ w_t, so a grid of step h, whose nearest point is h/2 away, lies at most Σ w_t h²/4 above the minimum.
    h = math.pi / 2000
    on_grid = min(
        w[0] * (1 - math.cos(i * h) ** 2) + w[1] * (1 - math.cos(i * h - φ) ** 2)
        for i in range(2000)
    )
    assert -1e-12 <= on_grid - one_unit_loss(φ, w) <= sum(w) * h**2 / 4 + 1e-12


@laws
@given(angles, pairs, seeds)
def test_one_unit_loss_is_twice_the_loss_of_hard_sharing_with_one_unit_and_none_with_two(
    φ, w, seed
):
    Q = np.linalg.qr(np.random.default_rng(seed).standard_normal((5, 2)))[0]
    Y = Q @ np.array([[1.0, math.cos(φ)], [0.0, math.sin(φ)]])
    assert one_unit_loss(φ, w) == pytest.approx(
        2 * shared_loss(np.eye(5), Y, hard_sharing(np.eye(5), Y, 1, w), w), abs=1e-12
    )
    assert shared_loss(np.eye(5), Y, hard_sharing(np.eye(5), Y, 2, w), w) == pytest.approx(
        0, abs=1e-12
    )


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


def test_the_risk_of_an_array_of_strengths_is_that_of_each():
    λ = np.array([0.0, 1.0, 30.0])
    np.testing.assert_array_equal(
        risk(λ, 5, 3, 1.0, 0.5), [risk(one, 5, 3, 1.0, 0.5) for one in λ.tolist()]
    )


# Errors


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
    with pytest.raises(
        ValueError, match=r"soft_sharing: X and y must be T arrays \(n_t, D\) and \(n_t,\), got"
    ):
        soft_sharing(X, y, 1.0)


@pytest.mark.parametrize("strength", [-1.0, math.inf, math.nan])
def test_a_bad_strength_is_an_error(strength):
    with pytest.raises(ValueError, match="strength must be finite and not negative"):
        soft_sharing([np.eye(2)], [np.ones(2)], strength)


def test_a_minimiser_that_is_not_unique_is_an_error():
    with pytest.raises(np.linalg.LinAlgError):
        soft_sharing([np.zeros((3, 2))], [np.ones(3)], 0.0)


@pytest.mark.parametrize(
    "X, Y",
    [
        (np.eye(2), np.ones(2)),
        (np.ones(2), np.eye(2)),
        (np.eye(2), np.eye(3)),
        (np.ones((0, 2)), np.ones((0, 1))),
    ],
)
def test_inputs_and_targets_of_hard_sharing_that_do_not_fit_are_an_error(X, Y):
    with pytest.raises(
        ValueError, match=r"hard_sharing: X and Y must be \(N, D\) and \(N, T\), got \("
    ):
        hard_sharing(X, Y, 1)


@pytest.mark.parametrize("width", [0, -1, 1.0, True, None])
def test_a_width_that_is_not_a_number_of_units_is_an_error(width):
    with pytest.raises(
        ValueError, match="hard_sharing: width must be a whole number, at least 1; got"
    ):
        hard_sharing(np.eye(2), np.eye(2), width)


@pytest.mark.parametrize(
    "weights", [[1.0], [1.0, -1.0], [0.0, 0.0], [1.0, math.inf], [math.nan, 1.0], [[1.0, 1.0]]]
)
def test_bad_weights_are_an_error(weights):
    with pytest.raises(
        ValueError,
        match="hard_sharing: weights must be 2 finite numbers, none negative and not all 0, got",
    ):
        hard_sharing(np.eye(2), np.eye(2), 1, weights)
    with pytest.raises(ValueError, match="one_unit_loss: weights must be 2 finite numbers"):
        one_unit_loss(1.0, weights)


@pytest.mark.parametrize("angle", [math.inf, math.nan])
def test_an_angle_that_is_not_finite_is_an_error(angle):
    with pytest.raises(ValueError, match="one_unit_loss: angle must be finite, in radians, got"):
        one_unit_loss(angle)


@pytest.mark.parametrize("strength", [-1.0, math.inf, math.nan])
def test_a_bad_strength_of_decay_is_an_error(strength):
    with pytest.raises(
        ValueError, match="weight_decay: strength must be finite and not negative, got"
    ):
        weight_decay(np.eye(2), strength)


def test_decay_of_anything_but_a_matrix_is_an_error():
    with pytest.raises(ValueError, match=r"weight_decay: B_ols must be \(D, T\), got \(3,\)"):
        weight_decay(np.ones(3), 1.0)
