"""Is the derivative of a function of tensors right? The question to ask of every new operation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from . import checks
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
    Σ_i cos(i) f_i is differentiated instead. h is `step`, or 1e-10 |x| where that is more, and
    ε = 2.2e-16 is the rounding of one number. AssertionError for the first entry that differs by
    more than

        tolerance · max(1, its size) + 4 ε Σ_i |cos(i) f_i| / h

    The message names the entry. The second term is what rounding may do to the differences. Where f
    is large, choose a larger step, else small derivatives are not seen behind it. TypeError or
    ValueError for arrays that are not finite numbers, for no array, and for a step or a tolerance
    that is not positive.

    >>> check_gradient(lambda x: x * x, np.array([1.0, -2.0]))
    """
    arrays = _checked(function, arrays, step, tolerance)

    def terms(*leaves):
        f = checks.instance("check_gradient", "the result of function", function(*leaves), Tensor)
        coefficients = np.cos(np.arange(f.data.size)).reshape(f.shape)
        return f * coefficients.astype(f.dtype)

    def scalar(*leaves):
        return terms(*leaves).sum()

    def value():
        return float(scalar(*[_leaf(array) for array in arrays]))

    leaves = [_leaf(array) for array in arrays]
    slopes = gradient(scalar(*leaves), leaves)
    size = float(np.abs(terms(*leaves).data).sum())
    rounding = 4 * np.finfo(np.float64).eps * size
    for i, (array, slope) in enumerate(zip(arrays, slopes)):
        for index in np.ndindex(array.shape):
            x = array[index]
            h = max(step, 1e-10 * abs(x))  # a smaller one would be lost in the rounding of x
            array[index] = x + h
            above = value()
            array[index] = x - h
            below = value()
            array[index] = x
            expected = (above - below) / ((x + h) - (x - h))
            error = abs(slope[index] - expected)
            allowed = tolerance * max(1.0, abs(expected)) + rounding / h
            if not (error <= allowed and np.isfinite(expected)):  # "not": NaN is an error too
                raise AssertionError(
                    f"argument {i} at index {index}: central differences expect {expected:.8g}, "
                    f"the chain rule gives {slope[index]:.8g}"
                )


def _checked(function, arrays, step, tolerance):
    """Copies of the arrays, in float64."""
    checks.function("check_gradient", "function", function)
    checks.positive("check_gradient", "step", step)
    checks.positive("check_gradient", "tolerance", tolerance)
    if not arrays:
        raise ValueError("check_gradient: arrays must be one or more, got none")
    copies = []
    for i, array in enumerate(arrays):
        numbers = checks.numbers("check_gradient", f"array {i}", array)
        copies.append(checks.finite("check_gradient", f"array {i}", numbers).copy())
    return copies


def _leaf(array):
    """A tensor whose gradient is wanted."""
    leaf = Tensor(array)
    leaf.needs_grad = True
    return leaf
