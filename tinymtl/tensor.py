"""The engine: arrays that remember how they were made, and the chain rule over that memory.

Every operation makes a new `Tensor` and writes down, for each parent, how a gradient that arrives
from above becomes this parent's share of it. For y = x₁ · x₂ and any loss L,

    ∂L/∂x₁ = ∂L/∂y · x₂        ∂L/∂x₂ = ∂L/∂y · x₁

so the pair stored for x₁ is (x₁, g -> g · x₂). In this file and everywhere else `g` is the gradient
that arrives from above, ∂L/∂(this result), and it has the shape of the result.

Read on in this order: `Tensor` (the operations), `Parameter` (a leaf that is trained), `chain_rule`
(the only place that walks the graph), and what is made of it: `backward`, `gradient`, `jacobian`.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from copy import deepcopy
from heapq import heappop, heappush

import numpy as np

now = itertools.count(
    1
).__next__  # the clock: every tensor has a place in time, and parents are older than their children
_recording = ContextVar("recording", default=True)  # whether results remember how they were made


@contextmanager
def no_grad():
    """Inside `with no_grad():` results do not remember how they were made (this thread only)."""
    token = _recording.set(False)
    try:
        yield
    finally:
        _recording.reset(token)


class Tensor:
    """An array in a computation: `data`, and how it was made.

    Floating arrays keep their type; Python numbers and lists become float64. The array is copied and
    is read-only, as is every result: a value that a gradient will still need cannot be overwritten.

    >>> x = Parameter([1.0, 2.0])
    >>> (x * x).sum().backward()
    >>> x.grad
    array([2., 4.])
    """

    __slots__ = ("data", "pairs", "born", "needs_grad", "__weakref__")
    grad = None  # only a Parameter collects a gradient
    changed = 0  # only a Parameter changes after it was made
    __array_ufunc__ = None  # array * tensor asks the tensor, instead of looping over it

    def __init__(self, data):
        self.data = _floating(data)
        self.data.flags.writeable = False
        self.pairs = []  # (parent, g -> the parent's share), for each parent that needs a gradient
        self.needs_grad = (
            False  # a constant; True for a parameter and for all that is made from one
        )
        self.born = now()

    shape = property(lambda self: self.data.shape)
    ndim = property(lambda self: self.data.ndim)
    dtype = property(lambda self: self.data.dtype)

    def __repr__(self):
        return f"{type(self).__name__}({self.data})"

    def __reduce__(self):
        if self.pairs:
            raise TypeError(
                "a result that remembers how it was made cannot be copied or pickled; use Tensor(result.data)"
            )
        return Tensor, (np.array(self.data),)

    def __bool__(self):
        return bool(self.data)

    def __float__(self):
        return float(self.data)

    def __array__(self, dtype=None, copy=None):
        raise TypeError(
            "a Tensor does not turn into an array by itself, that would lose its gradient: use .data"
        )

    # Arithmetic. Shares may have the broadcast shape: chain_rule sums them back to the parent's.

    def __add__(self, other):
        other = _operand(other, self)
        return node(self.data + other.data, (self, lambda g: g), (other, lambda g: g))

    def __sub__(self, other):
        other = _operand(other, self)
        return node(self.data - other.data, (self, lambda g: g), (other, lambda g: -g))

    def __mul__(self, other):
        other = _operand(other, self)
        a, b = self.data, other.data
        return node(a * b, (self, lambda g: g * b), (other, lambda g: g * a))

    def __truediv__(self, other):
        other = _operand(other, self)
        a, b = self.data, other.data
        return node(a / b, (self, lambda g: g / b), (other, lambda g: -g * a / (b * b)))

    def __neg__(self):
        return node(-self.data, (self, lambda g: -g))

    def __pow__(self, exponent):
        """x ** c for a number c; the derivative is c · x^(c−1)."""
        if isinstance(exponent, bool) or not isinstance(
            exponent, (int, float, np.integer, np.floating)
        ):
            raise TypeError(f"power: exponent must be a number, got {type(exponent).__name__}")
        x, c = self.data, self.data.dtype.type(exponent)
        slope = lambda: (
            c * x ** (c - x.dtype.type(1)) if exponent else np.zeros_like(x)
        )  # 0 · x^(−1) is 0, also at 0
        return node(x**c, (self, lambda g: g * slope()))

    def __radd__(self, other):
        return self + other

    def __rmul__(self, other):
        return self * other

    def __rsub__(self, other):
        return _operand(other, self) - self

    def __rtruediv__(self, other):
        return _operand(other, self) / self

    def __matmul__(self, other):
        """Matrix product over the last two axes; leading axes broadcast; a vector is a row on the left, a column on the right."""
        other = _operand(other, self)
        if (
            not self.ndim
            or not other.ndim
            or self.shape[-1] != other.shape[-2 if other.ndim > 1 else 0]
        ):
            raise ValueError(
                f"matmul: inner sizes must agree, got shapes {self.shape} and {other.shape}"
            )
        if other.ndim == 1:
            return (self @ other.reshape(-1, 1))[..., 0]
        if self.ndim == 1:
            return (self.reshape(1, -1) @ other)[..., 0, :]
        A, B = self.data, other.data  # (..., N, K), (..., K, M)
        return node(
            A @ B,
            (self, lambda g: g @ B.swapaxes(-1, -2)),
            (other, lambda g: A.swapaxes(-1, -2) @ g),
        )

    def __rmatmul__(self, other):
        return _operand(other, self) @ self

    # Reductions.

    def sum(self, axis=None, keepdims=False):
        shape = self.shape
        return node(
            self.data.sum(axis, keepdims=keepdims),
            (self, lambda g: _spread(g, axis, keepdims, shape)),
        )

    def mean(self, axis=None, keepdims=False):
        total = self.sum(axis, keepdims)
        if not self.data.size:
            raise ValueError(f"mean: expected at least one entry, got shape {self.shape}")
        return total * (total.data.size / self.data.size)

    def max(self, axis=None, keepdims=False):
        """Maximum; where several entries are the largest, the gradient is split equally among them."""
        x, shape = self.data, self.shape
        largest = x.max(axis, keepdims=True)
        hit = (x == largest).astype(x.dtype)
        split = hit / hit.sum(axis, keepdims=True)
        return node(
            x.max(axis, keepdims=keepdims),
            (self, lambda g: _spread(g, axis, keepdims, shape) * split),
        )

    # Shapes.

    def reshape(self, *shape):
        old = self.shape
        return self._rearranged(self.data.reshape(*shape), lambda g: g.reshape(old))

    def transpose(self, *axes):
        axes = (
            axes[0]
            if axes and isinstance(axes[0], tuple)
            else axes or tuple(reversed(range(self.ndim)))
        )
        back = np.argsort([a % self.ndim for a in axes])
        return self._rearranged(self.data.transpose(axes), lambda g: g.transpose(back))

    T = property(transpose)

    def __getitem__(self, index):
        basic = _is_basic(index)
        at = index if basic else deepcopy(index)
        return self._rearranged(self.data[index], lambda g: Scatter(at, g, basic))

    def _rearranged(self, view, share):
        # A parameter's array moves with every optimiser step; a result must not move with it.
        return node(view.copy() if self.grad is not None else view, (self, share))

    def backward(self, g=None):
        """Add ∂self/∂p (for a seed g: Σ g · ∂self/∂p) to `p.grad` of every parameter p below."""
        if not self.needs_grad:
            raise RuntimeError(
                "backward: this result depends on no parameter (made of constants, or inside no_grad)"
            )
        for parameter, share in list(
            chain_rule(self, g)
        ):  # all shares first: an error changes nothing
            parameter.receive(share)


class Parameter(Tensor):
    """A leaf that is trained: `backward` adds its gradient to `grad`, an optimiser changes `data` in place.

    Assigning to `data` copies into the array that is there, since a model keeps all its parameters
    side by side in one vector (see `Module.theta`). Only an assignment is noticed as a change: write `p.data = p.data * 2`,
    not `p.data[0] = 5`. With `sparse` it also notes which places received
    gradient, so that an optimiser can leave the others alone.
    """

    __slots__ = ("_data", "grad", "changed", "touched", "packed")

    def __init__(self, data, sparse=False):
        self._data = _floating(data)
        self.grad = np.zeros_like(self._data)
        self.touched = [] if sparse else None  # flat indices or slices of the places with gradient
        self.packed = False  # whether data and grad are views of a model's theta and grad
        self.pairs, self.needs_grad = [], True
        self.born = self.changed = now()

    @property
    def data(self):
        return self._data

    @data.setter
    def data(self, values):
        values = np.asarray(values)
        if values.shape != self._data.shape:
            raise ValueError(f"data: expected shape {self._data.shape}, got {values.shape}")
        if values.dtype != self._data.dtype:
            raise TypeError(f"data: expected {self._data.dtype}, got {values.dtype}")
        self._data[...] = values
        self.changed = now()

    def __reduce__(self):  # copies and pickles own their arrays, whatever vector this one lies in
        return Parameter, (np.array(self._data), self.touched is not None)

    def receive(self, share):
        _add(share, self.grad)
        if self.touched is not None:
            flat = isinstance(share, Scatter) and share.at_flat
            self.touched.append(share.at if flat else slice(0, self.grad.size))


class Scatter:
    """A gradient that is zero except at an index. Where the index repeats, the values add up.

    `basic`: an index of numbers and slices, which cannot repeat. `at_flat`: places in the flattened array.
    """

    __slots__ = ("at", "values", "basic", "at_flat")

    def __init__(self, at, values, basic=False, at_flat=False):
        self.at, self.values, self.basic, self.at_flat = at, values, basic, at_flat

    def add_to(self, array):
        if self.at_flat:  # a flat index makes np.add.at several times faster than an index of rows
            np.add.at(array.reshape(-1), self.at, self.values)
        elif self.basic:
            array[self.at] += self.values
        else:
            np.add.at(array, self.at, self.values)


def node(data, *pairs):
    """The result of an operation: `data`, and for each parent the pair (parent, g -> its share).

    The functions may hold arrays but never the result itself: without such circles a graph is freed
    the moment nobody holds its last tensor.
    """
    out = Tensor.__new__(Tensor)
    dtype = (
        pairs[0][0].data.dtype if pairs else None
    )  # NumPy 1 makes float64 of a float32 scalar and a number
    out.data = data = np.asarray(data, dtype)
    data.setflags(write=False)
    out.pairs = [pair for pair in pairs if pair[0].needs_grad] if _recording.get() else []
    out.needs_grad = bool(out.pairs)
    out.born = now()
    return out


def chain_rule(loss, g=None, wrt=None):
    """Walk from `loss` down to where gradients are wanted; yield (tensor, share of its gradient).

    For a node y with parents x_i the chain rule says ∂L/∂x_i = Σ over the children y of x_i of
    (∂L/∂y)·(∂y/∂x_i): a node may pass its gradient on only when all its children have spoken.
    Taking the latest-born node first ensures this, because children are younger than parents.
    Gradients on the way live in `arrived`, never on the nodes, so any number of walks over one graph
    are independent of each other.

    Without `wrt` every parameter below is wanted. Leaves get a share for each use, the caller adds.
    """
    wanted = None if wrt is None else {tensor.born for tensor in wrt}
    oldest = (
        min(wanted, default=0) if wrt is not None else 0
    )  # what is older cannot depend on anything wanted
    arrived = {loss.born: [_seed(loss, g)]}
    waiting = [(-loss.born, loss)]
    while waiting:
        child = heappop(waiting)[1]
        shares = arrived.pop(child.born)
        g = (
            shares[0]
            if len(shares) == 1 and not isinstance(shares[0], Scatter)
            else _sum(shares, child.data)
        )
        is_wanted = child.grad is not None if wanted is None else child.born in wanted
        if is_wanted:
            yield child, g
        for parent, share_of in child.pairs:
            if parent.changed > child.born:
                raise RuntimeError(
                    "backward: a parameter was changed after this loss was computed; compute the loss again"
                )
            born, is_leaf = parent.born, not parent.pairs
            if wanted is not None and (born < oldest or is_leaf and born not in wanted):
                continue
            share = share_of(g)
            if not isinstance(share, Scatter) and share.shape != parent.data.shape:
                share = _unbroadcast(share, parent.data.shape)
            if is_leaf:
                yield parent, share
            elif born in arrived:
                arrived[born].append(share)
            else:
                arrived[born] = [share]
                heappush(waiting, (-born, parent))


def gradient(loss, wrt, g=None):
    """∂loss/∂x for a tensor x, or a list of them for a list: new arrays; no `.grad` is touched.

    `loss` is a scalar, or has a seed gradient `g` of its own shape. A tensor that the loss does not
    depend on has gradient 0.

    >>> x = Parameter(3.0)
    >>> gradient(x * x, x)
    array(6.)
    """
    if isinstance(wrt, Tensor):
        return gradient(loss, [wrt], g)[0]
    for i, tensor in enumerate(wrt):
        if not tensor.needs_grad:
            raise ValueError(
                f"gradient: wrt[{i}] is a constant; expected a Parameter or a result that depends on one"
            )
    into = {tensor.born: np.zeros(tensor.shape, tensor.dtype) for tensor in wrt}
    for tensor, share in chain_rule(loss, g, wrt):
        _add(share, into[tensor.born])
    return [into[tensor.born] for tensor in wrt]


def jacobian(losses: Sequence[Tensor], wrt: Sequence[Tensor]) -> np.ndarray:
    """J (T, P): row t is the gradient of losses[t] with respect to all P entries of `wrt`, side by side.

    The T scalar losses may share any part of their graph; it is walked once for each. ValueError for a tensor named twice.
    """
    if len({tensor.born for tensor in wrt}) < len(wrt):
        raise ValueError("jacobian: wrt names a tensor twice; expected each once")
    ends = np.cumsum([tensor.data.size for tensor in wrt])
    P = int(ends[-1]) if len(ends) else 0
    J = np.zeros((len(losses), P), wrt[0].dtype if P else np.float64)
    for row, loss in zip(J, losses):
        into = {x.born: row[end - x.data.size : end].reshape(x.shape) for x, end in zip(wrt, ends)}
        for tensor, share in chain_rule(loss, None, wrt):
            _add(share, into[tensor.born])
    return J


def check_gradient(function, *arrays, step=1e-6, tolerance=1e-6):
    """Compare the chain rule with central differences (f(x + h) − f(x − h)) / 2h, entry by entry.

    `function` maps one Parameter for each of the float64 `arrays` to a Tensor; a result that is not
    a scalar is contracted with fixed numbers first. The first entry that differs by more than
    `tolerance` × max(1, its size) is an AssertionError that names it.

    >>> check_gradient(lambda x: x * x, np.array([1.0, -2.0]))
    """

    def value(*leaves):
        out = function(*leaves)
        return (out * np.cos(np.arange(out.data.size)).reshape(out.shape)).sum()

    leaves = [Parameter(np.asarray(a, np.float64)) for a in arrays]
    for i, (leaf, got) in enumerate(zip(leaves, gradient(value(*leaves), leaves))):
        for index in np.ndindex(leaf.shape):
            x = leaf.data[index]
            leaf.data[index] = x + step
            above = float(value(*leaves))
            leaf.data[index] = x - step
            expected = (above - float(value(*leaves))) / (2 * step)
            leaf.data[index] = x
            if not abs(got[index] - expected) <= tolerance * max(1.0, abs(expected)):
                raise AssertionError(
                    f"argument {i} at index {index}: central differences expect {expected:.8g}, the chain rule gives {got[index]:.8g}"
                )


def _floating(data):
    """A copy of `data` with a floating type; the copy is the tensor's own."""
    array = np.array(
        data.data if isinstance(data, Tensor) else data, order="C"
    )  # flat indices count on the order
    if array.dtype.kind in "iub" and not isinstance(data, (np.ndarray, np.generic)):
        array = array.astype(np.float64)  # Python numbers carry no type that could be lost
    if array.dtype.kind != "f":
        raise TypeError(f"data: expected a floating type, got {array.dtype}")
    return array


def _operand(x, like):
    """`x` as a tensor of the type of `like`: numbers take that type, arrays must have it."""
    if not isinstance(x, Tensor):
        x = Tensor(np.asarray(x, like.data.dtype) if isinstance(x, (int, float)) else x)
    if x.data.dtype != like.data.dtype:
        raise TypeError(f"operands must have one type, got {like.data.dtype} and {x.data.dtype}")
    return x


def _seed(loss, g):
    """The gradient of a scalar loss with respect to itself is 1, in the loss's own type."""
    if g is None:
        if loss.data.size != 1:
            raise ValueError(
                f"backward: a loss of shape {loss.shape} needs a seed gradient g of that shape"
            )
        return np.ones_like(loss.data)
    g = np.asarray(g, loss.data.dtype)
    if g.shape != loss.data.shape:
        raise ValueError(
            f"backward: seed g must have the shape of the loss {loss.shape}, got {g.shape}"
        )
    return g


def _add(share, into):
    if isinstance(share, Scatter):
        share.add_to(into)
    else:
        into += share


def _sum(shares, like):
    """Shares of one node added up. A share is never changed: it may belong to another node too."""
    total = np.zeros(like.shape, like.dtype)
    for share in shares:
        _add(share, total)
    return total


def _unbroadcast(share, shape):
    """Sum over the axes along which an array of `shape` was repeated: each copy sends its share."""
    extra = tuple(range(share.ndim - len(shape)))
    share = share.sum(extra) if extra else share
    repeated = tuple(i for i, n in enumerate(shape) if n == 1 and share.shape[i] != 1)
    return share.sum(repeated, keepdims=True) if repeated else share


def _spread(g, axis, keepdims, shape):
    """The gradient of a reduction, repeated over the entries that were reduced."""
    if axis is not None and not keepdims:
        g = np.expand_dims(g, axis)
    return np.broadcast_to(g, shape)


def _is_basic(index):
    """Numbers, slices, None and ... only. True and False do not count: NumPy takes them for masks."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(
        p is None or p is Ellipsis or isinstance(p, (int, slice)) and not isinstance(p, bool)
        for p in parts
    )
