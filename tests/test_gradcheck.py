"""What `check_gradient` accepts, and what it says about a derivative that is wrong."""

import numpy as np
import pytest

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
