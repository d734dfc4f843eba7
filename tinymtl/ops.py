"""Functions of tensors: each shows its forward line, and beside it the derivative.

All act entry by entry unless an `axis` is named. `g` is the gradient from above.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from . import checks
from .tensor import Scatter, Tensor, node


def exp(x: Tensor) -> Tensor:
    """eˣ; it is its own derivative."""
    y = np.exp(x.data)
    return node(y, (x, lambda g: g * y))


def log(x: Tensor) -> Tensor:
    """Natural logarithm; derivative 1/x."""
    a = x.data
    return node(np.log(a), (x, lambda g: g / a))


def sqrt(x: Tensor) -> Tensor:
    """√x; derivative 1/(2√x), which is infinite at 0."""
    y = np.sqrt(x.data)
    return node(y, (x, lambda g: g / (y + y)))


def relu(x: Tensor) -> Tensor:
    """max(x, 0); derivative 1 where x > 0, else 0 (at the kink too)."""
    y = np.maximum(x.data, 0)
    # Made once: a product with truth values would convert them anew in every pass.
    slope = (y > 0).astype(x.data.dtype)
    return node(y, (x, lambda g: g * slope))


def tanh(x: Tensor) -> Tensor:
    """Hyperbolic tangent; derivative 1 − tanh²."""
    y = np.tanh(x.data)
    return node(y, (x, lambda g: g - g * y * y))


def sigmoid(x: Tensor) -> Tensor:
    """σ(x) = 1/(1 + e⁻ˣ); derivative σ(1 − σ).

    The code computes ½ + ½ tanh(x/2), which is the same on paper and cannot overflow.
    """
    half = x.data.dtype.type(0.5)
    y = half + half * np.tanh(half * x.data)
    return node(y, (x, lambda g: g * (y - y * y)))


def logsumexp(x: Tensor, axis: int = -1) -> Tensor:
    """log Σ exp(x) along `axis`; derivative softmax(x).

    The maximum m is taken out first. This changes nothing on paper and keeps exp from overflowing:
    log Σ exp(x) = m + log Σ exp(x − m).
    """
    m, e, total = _stable_exp(x.data, axis)
    softmax = e / total
    value = (m + np.log(total)).squeeze(axis)
    return node(value, (x, lambda g: np.expand_dims(g, axis) * softmax))


def log_softmax(x: Tensor, axis: int = -1) -> Tensor:
    """x − log Σ exp(x) along `axis`; the share of x is g − softmax(x) · Σ g."""
    m, e, total = _stable_exp(x.data, axis)
    softmax = e / total
    value = x.data - m - np.log(total)
    return node(value, (x, lambda g: g - softmax * g.sum(axis, keepdims=True)))


def _stable_exp(a, axis):
    """m = max(a), exp(a − m) and its sum, along `axis`, which is kept."""
    m = a.max(axis, keepdims=True)
    e = np.exp(a - m)
    return m, e, e.sum(axis, keepdims=True)


def concatenate(tensors: Sequence[Tensor], axis: int = 0) -> Tensor:
    """Join tensors along an axis that they have; each part's share is its slice of g."""
    data = np.concatenate(_of_one_type("concatenate", tensors), axis)
    before = (slice(None),) * (axis % data.ndim)  # the axes before the one that is joined
    pairs = []
    start = 0
    for x in tensors:
        end = start + x.shape[axis]
        at = (*before, slice(start, end))
        pairs.append((x, lambda g, at=at: g[at]))
        start = end
    return node(data, *pairs)


def stack(tensors: Sequence[Tensor], axis: int = 0) -> Tensor:
    """Join tensors along a new axis; each part's share is its slice of g."""
    data = np.stack(_of_one_type("stack", tensors), axis)
    axis %= data.ndim
    pairs = []
    for i, x in enumerate(tensors):
        pairs.append((x, lambda g, i=i: g.take(i, axis)))
    return node(data, *pairs)


def _of_one_type(where, tensors):
    """The arrays of tensors that all have one type."""
    if len({x.data.dtype for x in tensors}) > 1:
        got = [str(x.dtype) for x in tensors]
        raise TypeError(f"{where}: tensors must have one type, got {got}")
    return [x.data for x in tensors]


def dense(x: Tensor, W: Tensor, b: Tensor) -> Tensor:
    """x W + b as one operation: (..., D), (D, H), (H,) -> (..., H).

    With X the (N, D) rows of x and G the (N, H) rows of g:

        ∂L/∂x = G Wᵀ        ∂L/∂W = Xᵀ G        ∂L/∂b = 1ᵀ G, the sum of the rows of G

    As a product with ones the sum of the rows is up to six times faster than `sum(0)`. For two
    matrices `dot` is `@`, and it starts sooner.
    """
    shape = x.data.shape
    weights = W.data
    D, H = weights.shape
    X = x.data.reshape(-1, D)  # (N, D)
    y = X.dot(weights)  # (N, H)
    y += b.data
    if len(shape) != 2:
        y = y.reshape(*shape[:-1], H)
    ones = _ones(len(X), weights.dtype)  # (N,)
    return node(
        y,
        (x, lambda g: g.reshape(-1, H).dot(weights.T).reshape(shape)),  # G Wᵀ
        (W, lambda g: X.T.dot(g.reshape(-1, H))),  # Xᵀ G
        (b, lambda g: ones.dot(g.reshape(-1, H))),  # 1ᵀ G
    )


_ones = lru_cache(8)(np.ones)  # every step asks for the same few lengths


def embedding(table: Tensor, ids: np.ndarray) -> Tensor:
    """Rows of a table (V, E) at integers (...): (..., E), the product of one-hot rows and table.

    The gradient is zero except in the rows that were looked up. A row that was looked up twice gets
    both shares.
    """
    V, E = table.shape
    ids = checks.indices("embedding", "ids", np.asarray(ids), V)
    places = ids.reshape(-1, 1) * E + np.arange(E)  # (N, E), in the flattened table
    at = places.reshape(-1)
    rows = table.data.take(ids, 0)
    return node(rows, (table, lambda g: Scatter(at, g.reshape(-1), at_flat=True)))
