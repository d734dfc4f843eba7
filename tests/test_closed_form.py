"""The laws of the exact answers: they minimise what they say, and the risk is what a simulation finds."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tinymtl.closed_form import best_strength, pooled, pooling_helps, risk, soft_sharing

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
    return sum(0.5 * ((A @ θ - b) ** 2).sum() + 0.5 * λ * ((θ - mean) ** 2).sum() for θ, A, b in zip(Θ, X, y))


@laws
@given(linear_tasks(), st.floats(0, 50))
def test_soft_sharing_is_where_the_gradient_of_its_objective_is_zero(tasks, λ):
    (X, y), h = tasks, 1e-3  # central differences of a quadratic have no error of their own
    Θ = soft_sharing(X, y, λ)
    for i in np.ndindex(Θ.shape):
        up, down = Θ.copy(), Θ.copy()
        up[i] += h
        down[i] -= h
        assert (objective(up, X, y, λ) - objective(down, X, y, λ)) / (2 * h) == pytest.approx(0, abs=1e-8)


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
    assert abs(np.mean(each) - risk(λ, n, T, noise, spread)) < 5 * np.std(each) / math.sqrt(len(each))


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
    assert pooling_helps(n, noise, spread) == (risk(math.inf, n, T, noise, spread) < risk(0.0, n, T, noise, spread))


def test_pooling_does_not_help_at_the_boundary():
    assert not pooling_helps(n=4, noise=1.0, spread=0.25)
    assert risk(math.inf, 4, 3, 1.0, 0.25) == pytest.approx(risk(0.0, 4, 3, 1.0, 0.25))


@laws
@given(positive, st.integers(1, 10), positive, positive)
def test_risk_alone_is_noise_over_n_and_pooled_is_that_over_t_plus_the_spread(n, T, noise, spread):
    assert risk(0.0, n, T, noise, spread) == pytest.approx(noise / n)
    assert risk(math.inf, n, T, noise, spread) == pytest.approx(noise / (n * T) + (T - 1) / T * spread)


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
    with pytest.raises(ValueError, match=r"soft_sharing: X and y must be T arrays \(n_t, D\) and \(n_t,\), got"):
        soft_sharing(X, y, 1.0)


@pytest.mark.parametrize("strength", [-1.0, math.inf, math.nan])
def test_a_bad_strength_is_an_error(strength):
    with pytest.raises(ValueError, match="strength must be finite and not negative"):
        soft_sharing([np.eye(2)], [np.ones(2)], strength)


def test_a_minimiser_that_is_not_unique_is_an_error():
    with pytest.raises(np.linalg.LinAlgError):
        soft_sharing([np.zeros((3, 2))], [np.ones(3)], 0.0)
