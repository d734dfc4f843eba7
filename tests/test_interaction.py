"""The laws of the Gramian and of the angles in it."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinymtl.interaction import cosines, gramian

seeds = st.integers(0, 2**32 - 1)
laws = settings(max_examples=30)


@st.composite
def jacobians(draw):
    """J (T, P) with rows of very different lengths."""
    rng = np.random.default_rng(draw(seeds))
    T, P = draw(st.integers(1, 5)), draw(st.integers(1, 6))
    return rng.standard_normal((T, P)) * 10 ** rng.uniform(-3, 3, (T, 1))


@laws
@given(jacobians())
def test_gramian_holds_all_inner_products_of_the_rows(J):
    T, P = J.shape
    expected = [[sum(J[s, p] * J[t, p] for p in range(P)) for t in range(T)] for s in range(T)]
    np.testing.assert_allclose(gramian(J), expected, rtol=1e-12, atol=1e-15 * abs(J).max() ** 2)


@laws
@given(jacobians())
def test_gramian_is_symmetric_and_never_negative_along_any_weights(J):
    G = gramian(J)
    np.testing.assert_array_equal(G, G.T)
    assert np.linalg.eigvalsh(G).min() >= -1e-12 * np.trace(G)


@laws
@given(jacobians())
def test_cosine_is_the_inner_product_over_both_norms(J):
    ρ, norms = cosines(gramian(J)), [math.sqrt(sum(x * x for x in row)) for row in J]
    for s, t in np.ndindex(ρ.shape):
        assert ρ[s, t] == pytest.approx(sum(J[s] * J[t]) / (norms[s] * norms[t]), rel=1e-9, abs=1e-12)


@laws
@given(jacobians(), seeds)
def test_cosines_do_not_change_when_gradients_are_made_longer(J, seed):
    lengths = np.random.default_rng(seed).uniform(0.01, 100, (len(J), 1))
    np.testing.assert_allclose(cosines(gramian(lengths * J)), cosines(gramian(J)), atol=1e-12)


def test_cosine_of_parallel_opposite_and_orthogonal_gradients():
    ρ = cosines(gramian(np.array([[3.0, 4.0], [6.0, 8.0], [-3.0, -4.0], [4.0, -3.0]])))
    np.testing.assert_allclose(ρ, [[1, 1, -1, 0], [1, 1, -1, 0], [-1, -1, 1, 0], [0, 0, 0, 1]], atol=1e-15)


def test_a_task_without_gradient_has_no_angle_to_any_other():
    ρ = cosines(gramian(np.array([[1.0, 0.0], [0.0, 0.0], [1.0, 1.0]])))
    assert np.isnan(ρ[1]).all()
    assert np.isnan(ρ[:, 1]).all()
    np.testing.assert_allclose(ρ[np.ix_([0, 2], [0, 2])], [[1, math.sqrt(0.5)], [math.sqrt(0.5), 1]])


def test_gramian_and_cosines_are_float64_and_leave_their_arguments_alone():
    J = np.array([[3.0, 4.0], [1.0, 0.0]], np.float32)
    G = gramian(J)
    before = G.copy()
    assert G.dtype == cosines(G).dtype == np.float64
    np.testing.assert_array_equal(G, before)
    np.testing.assert_array_equal(J, [[3, 4], [1, 0]])


def test_a_gramian_of_no_tasks_or_no_shared_parameters_is_empty_or_zero():
    assert gramian(np.zeros((0, 3))).shape == cosines(np.zeros((0, 0))).shape == (0, 0)
    np.testing.assert_array_equal(gramian(np.zeros((2, 0))), np.zeros((2, 2)))


@pytest.mark.parametrize("shape", [(3,), (2, 3, 4), ()])
def test_a_jacobian_of_another_shape_is_an_error(shape):
    with pytest.raises(ValueError, match=r"jacobian must have shape \(T, P\), got"):
        gramian(np.zeros(shape))


@pytest.mark.parametrize("shape", [(3,), (2, 3), (1, 2, 2)])
def test_a_gramian_that_is_not_square_is_an_error(shape):
    with pytest.raises(ValueError, match=r"gramian must have shape \(T, T\), got"):
        cosines(np.zeros(shape))
