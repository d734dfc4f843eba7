"""Functions of tensors: each shows its forward line, and beside it the derivative.

All act entry by entry unless an `axis` is named. `g` is the gradient from above. An array in place
of a tensor is a constant. A number too small to be written is 0, and an error for no user.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from . import checks
from .tensor import Scatter, Tensor, as_tensor, node, underflow_is_0


@underflow_is_0
def exp(x: Tensor) -> Tensor:
    """eˣ; it is its own derivative.

    >>> exp(Tensor([0.0, -1000.0]))
    Tensor([1., 0.])
    """
    x = as_tensor("exp", "x", x)
    y = np.exp(x.data)
    return node(y, (x, lambda g: g * y))


def log(x: Tensor) -> Tensor:
    """Natural logarithm; derivative 1/x.

    >>> log(Tensor([1.0, 0.5])).data.round(4)
    array([ 0.    , -0.6931])
    """
    x = as_tensor("log", "x", x)
    a = x.data
    return node(np.log(a), (x, lambda g: g / a))


def sqrt(x: Tensor) -> Tensor:
    """√x; derivative 1/(2√x), which is infinite at 0.

    >>> sqrt(Tensor([4.0, 9.0]))
    Tensor([2., 3.])
    """
    x = as_tensor("sqrt", "x", x)
    y = np.sqrt(x.data)
    return node(y, (x, lambda g: g / (y + y)))


def relu(x: Tensor) -> Tensor:
    """max(x, 0); derivative 1 where x > 0, else 0 (at the kink too).

    >>> relu(Tensor([-1.0, 2.0]))
    Tensor([0., 2.])
    """
    x = as_tensor("relu", "x", x)
    y = np.maximum(x.data, 0)
    # Made once: a product with truth values would convert them anew in every pass.
    slope = (y > 0).astype(x.data.dtype)
    return node(y, (x, lambda g: g * slope))


def abs(x: Tensor) -> Tensor:
    """|x|; derivative −1 where x < 0, 1 where x > 0, and 0 at the kink x = 0.

    Python has an `abs` of its own, so call this one by the name of its module:

    >>> from tinymtl import ops
    >>> ops.abs(Tensor([-2.0, 3.0]))
    Tensor([2., 3.])
    """
    return as_tensor("abs", "x", x).__abs__()


def clip(x: Tensor, low: float, high: float) -> Tensor:
    """min(max(x, low), high); derivative 1 where low < x < high, else 0 (at both kinks too).

    The bounds are numbers, and infinity means no bound: clip(x, 0, math.inf) is relu(x). ValueError
    or TypeError for bounds that are no numbers, NaN, or in the wrong order.

    >>> clip(Tensor([-2.0, 0.5, 7.0]), -1, 1)
    Tensor([-1. ,  0.5,  1. ])
    """
    x = as_tensor("clip", "x", x)
    checks.number("clip", "low", low)
    checks.number("clip", "high", high)
    if not low <= high:
        raise ValueError(f"clip: low must be at most high, got {low} and {high}")
    a = x.data
    low = a.dtype.type(low)
    high = a.dtype.type(high)
    slope = ((low < a) & (a < high)).astype(a.dtype)
    return node(np.minimum(np.maximum(a, low), high), (x, lambda g: g * slope))


def where(condition: np.ndarray, a: Tensor | float, b: Tensor | float) -> Tensor:
    """a where the condition is True, else b; each gets g where it was chosen, and 0 elsewhere.

    The boolean array and both operands broadcast. One operand may be a constant, which is a number,
    or an array of the other's type. TypeError for another condition, for two constants, and for two
    types.

    Both operands are computed everywhere, and the gradient 0 of one that was not chosen is still
    sent on: 0 · ∞ is NaN. So choose first and compute then. This is a norm with the slope 0 at 0,
    where √ alone has the slope ∞:

    >>> def norm(x):
    ...     square = (x * x).sum()
    ...     is_positive = square.data > 0
    ...     root = sqrt(where(is_positive, square, 1.0))
    ...     return where(is_positive, root, 0.0)
    >>> norm(Tensor([3.0, 4.0])), norm(Tensor([0.0, 0.0]))
    (Tensor(5.), Tensor(0.))
    """
    checks.no_mask("where", "condition", condition)
    condition = np.array(condition)  # a copy: what the caller does to it later changes nothing
    if condition.dtype != bool:
        raise TypeError(f"where: condition must be boolean, got {condition.dtype}")
    like = a if isinstance(a, Tensor) else b
    if not isinstance(like, Tensor):
        got = f"{type(a).__name__} and {type(b).__name__}"
        raise TypeError(f"where: a or b must be a Tensor, got {got}")
    a = _constant_like(like, "where", "a", a)
    b = _constant_like(like, "where", "b", b)
    zero = like.data.dtype.type(0)
    return node(
        np.where(condition, a.data, b.data),
        (a, lambda g: np.where(condition, g, zero)),
        (b, lambda g: np.where(condition, zero, g)),
    )


def _constant_like(tensor, name_of_function, name, value):
    """A tensor as it is; a number or an array as a constant. All have the type of `tensor`."""
    dtype = tensor.data.dtype
    if isinstance(value, (int, float)):
        return Tensor(np.asarray(value, dtype))
    x = value if isinstance(value, Tensor) else Tensor(value)
    if x.data.dtype != dtype:
        raise TypeError(f"{name_of_function}: {name} must be {dtype}, got {x.dtype}")
    return x


def tanh(x: Tensor) -> Tensor:
    """Hyperbolic tangent; derivative 1 − tanh².

    >>> tanh(Tensor([0.0, 20.0]))
    Tensor([0., 1.])
    """
    x = as_tensor("tanh", "x", x)
    y = np.tanh(x.data)
    return node(y, (x, lambda g: g - g * y * y))


@underflow_is_0
def sigmoid(x: Tensor) -> Tensor:
    """σ(x) = 1/(1 + e⁻ˣ); derivative σ(1 − σ).

    With e = e^(−|x|) in [0, 1] nothing can overflow, and small results keep all their digits:

        σ(x) = 1/(1 + e) for x ≥ 0, e/(1 + e) for x < 0        σ(1 − σ) = e/(1 + e)²

    >>> sigmoid(Tensor([-1000.0, 0.0, 1000.0]))
    Tensor([0. , 0.5, 1. ])
    """
    x = as_tensor("sigmoid", "x", x)
    a = x.data
    e = np.exp(-np.abs(a))
    one = a.dtype.type(1)
    total = one + e
    y = np.maximum(e, a >= 0) / total  # max(e, 1) = 1, max(e, 0) = e
    return node(y, (x, lambda g: g * (e / (total * total))))


@underflow_is_0
def softplus(x: Tensor) -> Tensor:
    """log(1 + eˣ), a relu without a kink; derivative σ(x) = 1/(1 + e⁻ˣ).

    With e = e^(−|x|) in [0, 1] nothing can overflow, and small results keep all their digits:

        log(1 + eˣ) = max(x, 0) + log(1 + e)
        σ(x) = 1/(1 + e) for x ≥ 0, e/(1 + e) for x < 0

    >>> softplus(Tensor([-1000.0, 1000.0]))
    Tensor([   0., 1000.])
    """
    x = as_tensor("softplus", "x", x)
    a = x.data
    e = np.exp(-np.abs(a))
    one = a.dtype.type(1)
    slope = np.maximum(e, a >= 0) / (one + e)  # σ(x), as in `sigmoid`
    return node(np.maximum(a, 0) + np.log1p(e), (x, lambda g: g * slope))


@underflow_is_0
def logsumexp(x: Tensor, axis: int = -1) -> Tensor:
    """log Σ exp(x) along `axis`; derivative softmax(x), or 0 where every x is −∞.

    The maximum m is taken out first. This changes nothing on paper and keeps exp from overflowing:
    log Σ exp(x) = m + log Σ exp(x − m).

    >>> logsumexp(Tensor([-1000.0, 1000.0]))
    Tensor(1000.)
    """
    x, axis = _along("logsumexp", x, axis)
    m, e, total = _stable_exp(x.data, axis)
    is_none = total == 0
    divisor = np.where(is_none, total.dtype.type(1), total)
    softmax = e / divisor
    value = np.where(is_none, total.dtype.type(-np.inf), m + np.log(divisor))
    return node(value.squeeze(axis), (x, lambda g: np.expand_dims(g, axis) * softmax))


@underflow_is_0
def softmax(x: Tensor, axis: int = -1) -> Tensor:
    """p_i = exp(x_i) / Σ_j exp(x_j) along `axis`; the share of x is p · (g − Σ p g).

    Each p lies in [0, 1], and along the axis they sum to 1. The maximum is taken out first, as in
    `logsumexp`. For the logarithm use `log_softmax`: log(softmax(x)) is −∞ where p rounds to 0.

    >>> softmax(Tensor([1000.0, 1000.0]))
    Tensor([0.5, 0.5])
    """
    x, axis = _along("softmax", x, axis)
    _, e, total = _stable_exp(x.data, axis)
    p = e / total
    return node(p, (x, lambda g: p * (g - (g * p).sum(axis, keepdims=True))))


@underflow_is_0
def log_softmax(x: Tensor, axis: int = -1) -> Tensor:
    """x − log Σ exp(x) along `axis`; the share of x is g − softmax(x) · Σ g.

    >>> log_softmax(Tensor([-1000.0, 1000.0]))
    Tensor([-2000.,     0.])
    """
    x, axis = _along("log_softmax", x, axis)
    m, e, total = _stable_exp(x.data, axis)
    softmax = e / total
    value = x.data - m - np.log(total)
    return node(value, (x, lambda g: g - softmax * g.sum(axis, keepdims=True)))


def _along(where, x, axis):
    """x as a tensor with at least one entry along the axis, and the axis counted from 0."""
    x = as_tensor(where, "x", x)
    axis = checks.axis(where, "axis", axis, x.data.ndim)
    if not x.data.shape[axis]:
        raise ValueError(f"{where}: x must have an entry along axis {axis}, got shape {x.shape}")
    return x, axis


def _stable_exp(a, axis):
    """m = max(a), exp(a − m) and its sum along `axis`, which is kept. An infinite m counts as 0."""
    m = a.max(axis, keepdims=True)
    m = np.where(np.isinf(m), a.dtype.type(0), m)
    e = np.exp(a - m)
    return m, e, e.sum(axis, keepdims=True)


def concatenate(tensors: Sequence[Tensor], axis: int = 0) -> Tensor:
    """Join tensors along an axis that they have; each part's share is its slice of g.

    >>> concatenate([Tensor([1.0, 2.0]), Tensor([3.0])])
    Tensor([1., 2., 3.])
    """
    tensors = _of_one_type("concatenate", tensors)
    axis = checks.axis("concatenate", "axis", axis, tensors[0].data.ndim)
    data = _joined("concatenate", np.concatenate, tensors, axis)
    before = (slice(None),) * axis  # the axes before the one that is joined
    pairs = []
    start = 0
    for x in tensors:
        end = start + x.data.shape[axis]
        at = (*before, slice(start, end))
        pairs.append((x, lambda g, at=at: g[at]))
        start = end
    return node(data, *pairs)


def stack(tensors: Sequence[Tensor], axis: int = 0) -> Tensor:
    """Join tensors along a new axis; each part's share is its slice of g.

    >>> stack([Tensor([1.0, 2.0]), Tensor([3.0, 4.0])])
    Tensor([[1., 2.],
            [3., 4.]])
    """
    tensors = _of_one_type("stack", tensors)
    axis = checks.axis("stack", "axis", axis, tensors[0].data.ndim + 1)
    data = _joined("stack", np.stack, tensors, axis)
    pairs = []
    for i, x in enumerate(tensors):
        pairs.append((x, lambda g, i=i: g.take(i, axis)))
    return node(data, *pairs)


def _of_one_type(where, tensors):
    """A list of at least one tensor; all have one type."""
    checks.instance(where, "tensors", tensors, Sequence)
    if not tensors:
        raise ValueError(f"{where}: tensors must be one or more, got none")
    tensors = [as_tensor(where, "each of tensors", x) for x in tensors]
    if len({x.data.dtype for x in tensors}) > 1:
        got = [str(x.dtype) for x in tensors]
        raise TypeError(f"{where}: tensors must have one type, got {got}")
    return tensors


def _joined(where, join, tensors, axis):
    try:
        return join([x.data for x in tensors], axis)
    except ValueError:
        got = [x.shape for x in tensors]
        raise ValueError(f"{where}: tensors must fit beside each other, got shapes {got}") from None


def dense(x: Tensor, W: Tensor, b: Tensor) -> Tensor:
    """x W + b as one operation: (..., D), (D, H), (H,) -> (..., H).

    With X the (N, D) rows of x and G the (N, H) rows of g:

        ∂L/∂x = G Wᵀ        ∂L/∂W = Xᵀ G        ∂L/∂b = 1ᵀ G, the sum of the rows of G

    As a product with ones the sum of the rows is up to six times faster than `sum(0)`. For two
    matrices `dot` is `@`, and it starts sooner.

    >>> dense(Tensor([[1.0, 2.0]]), Tensor([[1.0], [10.0]]), Tensor([0.5]))
    Tensor([[21.5]])
    """
    x = as_tensor("dense", "x", x)
    W = as_tensor("dense", "W", W)
    b = as_tensor("dense", "b", b)
    if W.shape != (*x.shape[-1:], *b.shape) or W.ndim != 2:
        raise ValueError(
            "dense: x, W and b must have shapes (..., D), (D, H) and (H,), "
            f"got {x.shape}, {W.shape} and {b.shape}"
        )
    if not x.dtype == W.dtype == b.dtype:
        raise TypeError(
            f"dense: x, W and b must have one type, got {x.dtype}, {W.dtype} and {b.dtype}"
        )
    return affine(x, W, b)


@underflow_is_0
def affine(x: Tensor, W: Tensor, b: Tensor) -> Tensor:
    """`dense` for tensors that fit, as layers know of theirs.

    >>> affine(Tensor([[1.0, 2.0]]), Tensor([[1.0], [10.0]]), Tensor([0.5]))
    Tensor([[21.5]])
    """
    X = x.data
    weights = W.data
    if X.ndim != 2:  # the same for the matrix of all rows
        D, H = weights.shape
        return affine(x.reshape(-1, D), W, b).reshape(*X.shape[:-1], H)
    y = X.dot(weights)  # (N, H)
    y += b.data
    return node(
        y,
        (x, lambda g: g.dot(weights.T)),  # G Wᵀ
        (W, lambda g: X.T.dot(g)),  # Xᵀ G
        (b, _sum_of_rows),  # 1ᵀ G
    )


def _sum_of_rows(g):
    """1ᵀ G"""
    N = len(g)
    if N > LONGEST_CHAIN:
        half = N // 2
        return _sum_of_rows(g[:half]) + _sum_of_rows(g[half:])
    return _ones(N, g.dtype).dot(g)


# `dot` adds up one number after the other, and the longer the chain, the more it rounds. In float32
# a million numbers would cost two digits. So longer sums are cut in halves.
LONGEST_CHAIN = 2**14
_ones = lru_cache(8)(np.ones)  # every step asks for the same few lengths


def embedding(table: Tensor, ids: np.ndarray) -> Tensor:
    """Rows of a table (V, E) at integers (...): (..., E), the product of one-hot rows and table.

    The gradient is zero except in the rows that were looked up. A row that was looked up twice gets
    both shares.

    >>> table = Tensor([[0.0, 0.5], [1.0, 1.5]])
    >>> embedding(table, np.array([1, 0, 1]))
    Tensor([[1. , 1.5],
            [0. , 0.5],
            [1. , 1.5]])
    """
    table = as_tensor("embedding", "table", table)
    entries = table.data
    if entries.ndim != 2:
        raise ValueError(f"embedding: table must have shape (V, E), got {table.shape}")
    checks.no_mask("embedding", "ids", ids)
    V, E = entries.shape
    ids = checks.indices("embedding", "ids", np.asarray(ids), V)
    places = ids.reshape(-1, 1) * E + np.arange(E)  # (N, E), in the flattened table
    at = places.reshape(-1)
    rows = entries.take(ids, 0)
    return node(rows, (table, lambda g: Scatter(at, g.reshape(-1), at_flat=True)))
