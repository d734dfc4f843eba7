"""Functions of tensors: each one line of forward, and beside it the derivative.

All act entry by entry unless an `axis` is named. `g` is the gradient from above.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from .tensor import Scatter, Tensor, node


def exp(x: Tensor) -> Tensor:
    """eˣ; its own derivative."""
    y = np.exp(x.data)
    return node(y, (x, lambda g: g * y))


def log(x: Tensor) -> Tensor:
    """Natural logarithm; derivative 1/x."""
    a = x.data
    return node(np.log(a), (x, lambda g: g / a))


def sqrt(x: Tensor) -> Tensor:
    """√x; derivative 1/(2√x), infinite at 0."""
    y = np.sqrt(x.data)
    return node(y, (x, lambda g: g / (y + y)))


def relu(x: Tensor) -> Tensor:
    """max(x, 0); derivative 1 where x > 0, else 0 (at the kink too)."""
    y = np.maximum(x.data, 0)
    slope = (y > 0).astype(
        x.data.dtype
    )  # made once: a product with truth values casts them anew in every pass
    return node(y, (x, lambda g: g * slope))


def tanh(x: Tensor) -> Tensor:
    """Hyperbolic tangent; derivative 1 − tanh²."""
    y = np.tanh(x.data)
    return node(y, (x, lambda g: g - g * y * y))


def sigmoid(x: Tensor) -> Tensor:
    """σ(x) = 1/(1 + e⁻ˣ); derivative σ(1 − σ). Written with tanh, which cannot overflow."""
    half = x.data.dtype.type(0.5)
    y = half + half * np.tanh(half * x.data)
    return node(y, (x, lambda g: g * (y - y * y)))


def logsumexp(x: Tensor, axis: int = -1) -> Tensor:
    """log Σ exp(x) along `axis`; derivative softmax(x).

    The maximum is taken out first, which changes nothing on paper and keeps exp from overflowing:
    log Σ exp(x) = m + log Σ exp(x − m).
    """
    m, e, total = _stable_exp(x.data, axis)
    p = e / total
    value = (m + np.log(total)).squeeze(axis)
    return node(value, (x, lambda g: np.expand_dims(g, axis) * p))


def log_softmax(x: Tensor, axis: int = -1) -> Tensor:
    """x − log Σ exp(x) along `axis`; derivative g − softmax(x) · Σ g."""
    m, e, total = _stable_exp(x.data, axis)
    p = e / total
    return node(x.data - m - np.log(total), (x, lambda g: g - p * g.sum(axis, keepdims=True)))


def _stable_exp(a, axis):
    """m = max(a), exp(a − m) and its sum along `axis`, which is kept."""
    m = a.max(axis, keepdims=True)
    e = np.exp(a - m)
    return m, e, e.sum(axis, keepdims=True)


def concatenate(tensors: Sequence[Tensor], axis: int = 0) -> Tensor:
    """Join along an axis that is there; each part's share is its slice of g."""
    data = np.concatenate(_of_one_type("concatenate", tensors), axis)
    axis, start, pairs = axis % data.ndim, 0, []
    for t in tensors:
        at = (slice(None),) * axis + (slice(start, start := start + t.shape[axis]),)
        pairs.append((t, lambda g, at=at: g[at]))
    return node(data, *pairs)


def stack(tensors: Sequence[Tensor], axis: int = 0) -> Tensor:
    """Join along a new axis; each part's share is its slice of g."""
    data = np.stack(_of_one_type("stack", tensors), axis)
    axis %= data.ndim
    return node(data, *[(t, lambda g, i=i: g.take(i, axis)) for i, t in enumerate(tensors)])


def _of_one_type(where, tensors):
    if len({t.data.dtype for t in tensors}) > 1:
        raise TypeError(
            f"{where}: tensors must have one type, got {[str(t.dtype) for t in tensors]}"
        )
    return [t.data for t in tensors]


def dense(x: Tensor, W: Tensor, b: Tensor) -> Tensor:
    """x W + b as one operation: (..., D), (D, H), (H,) -> (..., H).

    With X the (N, D) rows of x and G those of g:  ∂x = G Wᵀ,  ∂W = Xᵀ G,  ∂b = Gᵀ 1, the sum of the rows
    (as a product it is up to six times faster than `sum(0)`). For two matrices `dot` is `@` that starts sooner.
    """
    M, shape = W.data, x.data.shape
    D, H = M.shape
    X = x.data.reshape(-1, D)  # (N, D)
    y = X.dot(M)  # (N, H)
    y += b.data
    return node(
        y if len(shape) == 2 else y.reshape(*shape[:-1], H),
        (x, lambda g: g.reshape(-1, H).dot(M.T).reshape(shape)),  # (N, D)
        (W, lambda g: X.T.dot(g.reshape(-1, H))),  # (D, H)
        (b, lambda g: _ones(len(X), M.dtype).dot(g.reshape(-1, H))),  # (H,)
    )


_ones = lru_cache(8)(np.ones)  # every step asks for the same few lengths


def embedding(table: Tensor, ids: np.ndarray) -> Tensor:
    """Rows of a table: (V, E) and integers (...) -> (..., E), the product of one-hot rows with the table.

    The gradient is zero except in the rows looked up, and a row looked up twice gets both shares.
    """
    (V, E), ids = table.shape, np.asarray(ids)
    if ids.dtype.kind not in "iu":
        raise TypeError(f"embedding: ids must be integers, got {ids.dtype}")
    ids = check_range("embedding", "ids", ids, V)
    at = (ids.reshape(-1, 1) * E + np.arange(E)).reshape(-1)  # the places in the flat table
    return node(
        table.data.take(ids, 0), (table, lambda g: Scatter(at, g.reshape(-1), at_flat=True))
    )


def check_range(where: str, name: str, ids: np.ndarray, stop: int) -> np.ndarray:
    """A copy of integers as indices; IndexError unless all are in [0, stop). Read as unsigned, a negative one is huge: one test."""
    at = ids.astype(np.intp)
    if at.size and np.maximum.reduce(at.view(np.uintp), axis=None) >= stop:
        position = int(np.flatnonzero((ids < 0) | (ids >= stop))[0])
        raise IndexError(
            f"{where}: {name} must be in [0, {stop}), got {ids.flat[position]} at position {position}"
        )
    return at
