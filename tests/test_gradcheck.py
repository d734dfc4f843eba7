"""What `check_gradient` accepts, and what it says about a derivative that is wrong."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymtl as mtl
from tinymtl.ops import dense
from tinymtl.tensor import node


def square_with_slopes(slopes):
    """x², whose derivative is `slopes` · x: wrong where a slope is not 2."""
    return lambda x: node(x.data**2, (x, lambda g: g * x.data * slopes))


def test_check_gradient_accepts_what_is_right():
    x = np.ones((2, 3))
    W = np.full((3, 2), 0.5)
    b = np.array([0.1, -0.2])
    mtl.check_gradient(lambda x, W, b: mtl.relu(dense(x, W, b)), x, W, b)


def test_check_gradient_leaves_its_arrays_as_they_were():
    x = np.array([1.0, 2.0])
    mtl.check_gradient(lambda x: x * x, x)
    assert np.array_equal(x, [1, 2])


def test_check_gradient_moves_one_entry_at_a_time_by_the_step_or_a_part_of_a_large_entry():
    x = np.array([[0.5, -0.5, 1e-9], [1e8, -1e8, 0.0]])
    step = 1e-4
    seen = []

    def noting(x):
        seen.append(x.data.copy())
        return 3.0 * x

    mtl.check_gradient(noting, x, step=step)
    moved = [at for at in seen if (at != x).any()]
    assert len(moved) == 2 * x.size
    for index, above, below in zip(np.ndindex(x.shape), moved[::2], moved[1::2]):
        h = max(step, 1e-10 * abs(x[index]))
        for at, change in ((above, h), (below, -h)):
            assert at[index] - x[index] == pytest.approx(change, rel=1e-5)
            at[index] = x[index]
            assert np.array_equal(at, x)


# How much is too much


def is_accepted(slope, error, x, start=0.0, **options):
    """start + slope · x, for which the chain rule is given the first slope wrong by `error`."""
    errors = np.zeros(x.shape)
    errors.flat[0] = error

    def line(x):
        return node(start + slope * x.data, (x, lambda g: g * (slope + errors)))

    try:
        mtl.check_gradient(line, x, **options)
    except AssertionError:
        return False
    return True


@given(st.floats(-20, 20), st.floats(1e-4, 1e-2), st.integers(1, 4))
def test_an_error_is_too_large_above_the_tolerance_times_the_slope_or_times_one(slope, tol, n):
    allowed = tol * max(1.0, abs(slope))
    x = np.ones(n)
    assert is_accepted(slope, 0.95 * allowed, x, tolerance=tol)
    assert not is_accepted(slope, 1.05 * allowed, x, tolerance=tol)


def test_an_error_of_just_the_tolerance_is_accepted():
    exact = {"step": 2.0**-10, "tolerance": 2.0**-20}  # without any rounding
    assert is_accepted(1.0, 2.0**-20, np.zeros(1), **exact)
    assert not is_accepted(1.0, math.nextafter(2.0**-20, 1.0) + 2.0**-50, np.zeros(1), **exact)


@given(st.integers(10, 30), st.integers(-12, -6))
def test_behind_a_large_value_errors_up_to_its_rounding_are_not_seen(size, step):
    step = 2.0**step
    size = 2.0**size
    allowed = 4 * 2.0**-52 * size / step
    options = {"start": size, "step": step, "tolerance": 1e-30}
    assert is_accepted(1.0, 0.95 * allowed, np.zeros(1), **options)
    assert not is_accepted(1.0, 1.05 * allowed, np.zeros(1), **options)


# What it says


def test_check_gradient_names_the_first_index_that_is_wrong():
    wrong = square_with_slopes(np.array([[2.0, 2.0, 1.0], [0.0, 2.0, 2.0]]))
    with pytest.raises(AssertionError, match=r"argument 0 at index \(0, 2\)"):
        mtl.check_gradient(wrong, np.full((2, 3), 3.0))


def test_check_gradient_names_the_argument_that_is_wrong():
    wrong = square_with_slopes(np.array([-2.0]))
    words = r"argument 1 at index \(0,\): .* expect .*, the chain rule gives"
    with pytest.raises(AssertionError, match=words):
        mtl.check_gradient(lambda a, b: a * wrong(b), np.array([1.0]), np.array([2.0]))


def test_check_gradient_sees_a_gradient_that_is_nan():
    wrong = square_with_slopes(np.array([np.nan]))
    with pytest.raises(AssertionError):
        mtl.check_gradient(wrong, np.array([1.0]))
