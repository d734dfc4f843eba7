"""Is the derivative of a function of tensors right? The question to ask of every new operation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .tensor import Tensor, gradient


def check_gradient(
    function: Callable[..., Tensor],
    *arrays: np.ndarray,
    step: float = 1e-6,
    tolerance: float = 1e-6,
):
    """Compare the chain rule with central differences, entry by entry.

        ∂f/∂x ≈ (f(x + h) − f(x − h)) / 2h

    function: maps a tensor for each of the float64 `arrays` to a tensor f. If f is not a scalar,
    Σ_i cos(i) f_i is differentiated instead. AssertionError for the first entry that differs by
    more than tolerance · max(1, its size); the message names the entry.

    >>> check_gradient(lambda x: x * x, np.array([1.0, -2.0]))
    """
    arrays = [np.array(array, np.float64) for array in arrays]

    def scalar(*leaves):
        f = function(*leaves)
        coefficients = np.cos(np.arange(f.data.size)).reshape(f.shape)
        return (f * coefficients).sum()

    def value():
        return float(scalar(*[_leaf(array) for array in arrays]))

    leaves = [_leaf(array) for array in arrays]
    slopes = gradient(scalar(*leaves), leaves)
    for i, (array, slope) in enumerate(zip(arrays, slopes)):
        for index in np.ndindex(array.shape):
            x = array[index]
            array[index] = x + step
            above = value()
            array[index] = x - step
            below = value()
            array[index] = x
            expected = (above - below) / (2 * step)
            error = abs(slope[index] - expected)
            if not error <= tolerance * max(1.0, abs(expected)):  # "not": NaN is an error too
                raise AssertionError(
                    f"argument {i} at index {index}: central differences expect {expected:.8g}, "
                    f"the chain rule gives {slope[index]:.8g}"
                )


def _leaf(array):
    """A tensor whose gradient is wanted."""
    leaf = Tensor(array)
    leaf.needs_grad = True
    return leaf
