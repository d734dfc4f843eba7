"""The solvers that the weighting rules share: each answer meets the condition that makes it right.

The gradients are drawn as rows of J; the solvers see them through the Gramian alone.
"""

import itertools

import numeric
import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from tinymtl import solvers

seeds = st.integers(0, 2**32 - 1)
laws = settings(max_examples=30)


@st.composite
def jacobians(draw, max_tasks=6):
    """Gaussian gradients of various lengths, or small integers.

    Among the small integers, parallel, opposite and orthogonal gradients are frequent.
    """
    T = draw(st.integers(1, max_tasks))
    P = draw(st.integers(1, 6))
    rng = np.random.default_rng(draw(seeds))
    if draw(st.booleans()):
        return rng.standard_normal((T, P)) * 10 ** rng.uniform(-0.5, 0.5, (T, 1))
    J = rng.integers(-2, 3, (T, P)).astype(float)
    J[~J.any(1), 0] = 1.0
    return J


@st.composite
def positive_definite_gramians(draw, max_tasks=6, spread=0.5):
    """Of linearly independent gradients, with lengths from 10^−spread to 10^spread."""
    T = draw(st.integers(1, max_tasks))
    P = T + draw(st.integers(0, 2))
    rng = np.random.default_rng(draw(seeds))
    directions = rng.standard_normal((T, P))
    assume(np.linalg.cond(directions) < 100)
    J = directions * 10 ** rng.uniform(-spread, spread, (T, 1))
    return J @ J.T


# Cosines and norms


@laws
@given(jacobians())
def test_gramian_is_cosines_times_norms(J):
    C, n = solvers.cosines_and_norms(J @ J.T)
    numeric.assert_close(n, np.linalg.norm(J, axis=1))
    numeric.assert_close(np.diag(C), np.ones(len(J)))
    numeric.assert_close(C * np.outer(n, n), J @ J.T)


def test_a_task_without_a_gradient_has_cosines_of_0_and_the_least_norm():
    C, n = solvers.cosines_and_norms(np.diag([9.0, 0.0, 4.0]))
    assert C.tolist() == np.diag([1.0, 0.0, 1.0]).tolist()
    assert n.tolist() == [3.0, 2.0, 2.0]


def test_without_any_gradient_the_norms_are_one():
    C, n = solvers.cosines_and_norms(np.zeros((2, 2)))
    assert not C.any()
    assert n.tolist() == [1.0, 1.0]


# Units


powers = st.integers(-1000, 1023)


@laws
@given(powers, powers)
@example(-1000, 1020)
def test_in_middle_units_nothing_is_rounded_and_many_squares_add_up(a, b):
    G = np.diag(np.ldexp(1.0, [a, b]))
    new, unit = solvers.in_middle_units(G)
    np.testing.assert_array_equal(new * unit * unit, G)
    assert 2.0**20 * new.max() < np.inf


@given(st.integers(-900, 900), st.integers(0, 60))
def test_in_middle_units_the_longest_is_as_much_above_one_as_the_shortest_is_below(middle, apart):
    squares = np.ldexp(1.0, [middle - apart, middle, middle + apart])
    new, _ = solvers.in_middle_units(np.diag(squares))
    assert 2.0**-4 <= new.max() * np.diag(new).min() <= 2.0**4


# The quadratic programme


@st.composite
def quadratics(draw, max_tasks):
    """A = J Jᵀ + 11ᵀ with rows of J of length 1, and b in its range."""
    J = draw(jacobians(max_tasks))
    J = J / np.linalg.norm(J, axis=1, keepdims=True)
    x = np.random.default_rng(draw(seeds)).standard_normal(J.shape[1])
    return J @ J.T + 1.0, J @ x + draw(st.floats(-1, 1))


@laws
@given(quadratics(6))
def test_no_face_holds_a_lower_point_than_solve_nonnegative(problem):
    A, b = problem
    u = solvers.solve_nonnegative(A, b)
    assert (u >= 0).all()
    height = u @ A @ u / 2 - b @ u
    assert height == pytest.approx(numeric.nonnegative_minimum(A, b), abs=1e-8)


@laws
@given(quadratics(10))
def test_where_solve_nonnegative_ends_no_slope_leads_down(problem):
    A, b = problem
    u = solvers.solve_nonnegative(A, b)
    slope = A @ u - b
    assert (u >= 0).all()
    assert slope.min() > -1e-7
    assert np.abs(slope[u > 1e-9]).max(initial=0) < 1e-7


@laws
@given(quadratics(6))
def test_solve_nonnegative_leaves_its_arguments_alone(problem):
    A, b = problem
    before = A.copy(), b.copy()
    solvers.solve_nonnegative(A, b)
    np.testing.assert_array_equal(A, before[0])
    np.testing.assert_array_equal(b, before[1])


# The shortest vector in the hull


@laws
@given(jacobians())
def test_the_shortest_vector_in_the_hull_is_the_shortest_of_all_faces(J):
    w = solvers.shortest_in_hull(J @ J.T)
    size = np.abs(J).max()
    np.testing.assert_allclose(J.T @ w, numeric.shortest_in_hull(J), atol=1e-6 * size)


@laws
@given(jacobians(max_tasks=10))
def test_the_shortest_vector_in_the_hull_has_a_projection_on_each_gradient_of_its_own_length(J):
    w = solvers.shortest_in_hull(J @ J.T)
    d = J.T @ w
    assert (w >= 0).all()
    assert w.sum() == pytest.approx(1)
    assert (J @ d >= d @ d - 1e-7 * np.abs(J).max() ** 2).all()


# Newton's method


@laws
@given(positive_definite_gramians(), st.sampled_from([0.5, 1.0, 2.0, 5.0, 20.0]))
def test_gain_is_the_inverse_power_of_weight(G, alpha):
    assert_gain_is_the_inverse_power(G, alpha)


@laws
@given(positive_definite_gramians(spread=3.0), st.sampled_from([0.5, 1.0, 2.0]))
def test_gain_is_the_inverse_power_of_weight_for_very_different_lengths(G, alpha):
    assert_gain_is_the_inverse_power(G, alpha)


def assert_gain_is_the_inverse_power(G, alpha):
    w = solvers.solve_inverse_power(G, alpha)
    assert (w > 0).all()
    off = G @ w - [x ** (-1 / alpha) for x in w]
    assert (np.abs(off) <= 1e-8 * (np.abs(G) @ w)).all()  # the size of what G w adds up


@laws
@given(positive_definite_gramians(), st.sampled_from([0.5, 1.0, 2.0, 5.0]), st.floats(0.1, 10.0))
def test_longer_gradients_scale_the_solution_of_the_inverse_power(G, alpha, c):
    """c G w′ = w′^(−1/α) has w′ = c^(−α/(1 + α)) w."""
    w = solvers.solve_inverse_power(G, alpha)
    scaled = solvers.solve_inverse_power(c * G, alpha)
    np.testing.assert_allclose(scaled, c ** (-alpha / (1 + alpha)) * w, rtol=1e-6)


@laws
@given(
    positive_definite_gramians(max_tasks=4),
    positive_definite_gramians(max_tasks=2),
    st.sampled_from([0.5, 1.0, 2.0, 5.0]),
)
def test_tasks_orthogonal_to_each_other_do_not_change_the_solution_of_either(G, other, alpha):
    T = len(G)
    both = np.zeros((T + len(other), T + len(other)))
    both[:T, :T] = G
    both[T:, T:] = other
    w = solvers.solve_inverse_power(both, alpha)
    np.testing.assert_allclose(w[:T], solvers.solve_inverse_power(G, alpha), rtol=1e-6)
    np.testing.assert_allclose(w[T:], solvers.solve_inverse_power(other, alpha), rtol=1e-6)


@pytest.mark.parametrize("alpha", [0.1, 0.5, 1.0, 2.0, 20.0])
def test_no_inverse_power_is_found_for_opposite_gradients(alpha):
    J = np.array([[1.0, 2.0], [-2.0, -4.0]])
    assert solvers.solve_inverse_power(J @ J.T, alpha) is None


def test_no_inverse_power_is_found_where_the_equations_become_singular():
    J = np.outer([2.7653, -2.6513, -0.1076, 11.1578, -1.8208, 0.1053, -2.4855], [0.6, 0.8])
    assert solvers.solve_inverse_power(J @ J.T, 0.1) is None


# The root search


@st.composite
def falling_functions(draw):
    """A falling function that may be called 5,000 times, its only root, and two ends around it."""
    root = draw(st.floats(-3, 3))
    slope = draw(st.floats(0.1, 10))
    kind = draw(st.sampled_from(["line", "cubic", "exponential", "arctan", "bent"]))

    calls = itertools.count(1)

    def f(x):
        assert next(calls) < 5000, "the search takes too many steps"
        z = x - root
        if kind == "line":
            return -slope * z
        if kind == "cubic":
            return -slope * z - z**3
        if kind == "exponential":
            return 1 - np.exp(slope * z)
        if kind == "arctan":
            return -np.arctan(slope * z)
        return -z if z < 0 else -slope * z

    low = root - draw(st.floats(0.01, 10))
    high = root + draw(st.floats(0.01, 10))
    return f, root, low, high


@laws
@given(falling_functions())
def test_falling_root_finds_the_known_root(problem):
    f, root, low, high = problem
    assert solvers.falling_root(f, low, high) == pytest.approx(root, abs=1e-9)


@laws
@given(falling_functions(), st.floats(1e-6, 0.1))
def test_falling_root_is_as_near_to_0_as_the_tolerance_asks(problem, tolerance):
    f, root, low, high = problem
    assume(abs(root) > 0.1)
    x = solvers.falling_root(f, low, high, tolerance)
    assert low <= x <= high
    assert abs(f(x)) <= tolerance * abs(x)


@laws
@given(falling_functions())
def test_falling_root_takes_few_evaluations(problem):
    """Plain false position, in which one end may stay, would never end for steep exponentials."""
    f, root, low, high = problem
    assume(abs(root) > 0.1)
    seen = []

    def counted(x):
        seen.append(x)
        return f(x)

    solvers.falling_root(counted, low, high, tolerance=1e-12)
    assert len(seen) < 300


def test_a_function_that_is_0_at_the_low_end_has_its_root_there():
    assert solvers.falling_root(lambda x: 2.0 - x, 2.0, 5.0) == 2.0


def test_a_function_that_is_0_at_the_high_end_has_its_root_there():
    assert solvers.falling_root(lambda x: 5.0 - x, 2.0, 5.0) == 5.0


def test_a_function_without_a_positive_start_has_its_root_at_the_low_end():
    assert solvers.falling_root(lambda x: -1.0 - x, 2.0, 5.0) == 2.0


def test_a_function_that_does_not_fall_is_refused():
    with pytest.raises(ValueError, match=r"^falling_root: f must fall .*got f\(0.0\) = 1.0"):
        solvers.falling_root(lambda x: 1.0 + x, 0.0, 5.0)
