"""The engine: arrays that remember how they were made, and the chain rule over that memory.

Every operation makes a new `Tensor`. For each parent it writes down how a gradient that arrives
from above becomes this parent's share of it. For y = x₁ · x₂ and any loss L,

    ∂L/∂x₁ = ∂L/∂y · x₂        ∂L/∂x₂ = ∂L/∂y · x₁

so the pair stored for x₁ is (x₁, g -> g · x₂). In this file and everywhere else `g` is the gradient
that arrives from above, ∂L/∂y for the result y, and it has the shape of y.

Read on in this order: `Tensor` (the operations), `node` (how a result remembers), `chain_rule` (the
only place that walks the graph), and what is made of it: `backward`, `gradient` and `jacobian`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from copy import deepcopy
from functools import wraps
from heapq import heappop, heappush

import numpy as np

from . import checks

# The clock: every tensor has a place in time, and parents are older than their children.
now = itertools.count(1).__next__
# Whether results remember how they were made.
_recording = ContextVar("recording", default=True)


@contextmanager
def no_grad():
    """Inside `with no_grad():` results do not remember how they were made (this thread only).

    >>> from tinymtl import Parameter
    >>> x = Parameter(3.0)
    >>> with no_grad():
    ...     y = x * x
    >>> y.needs_grad
    False
    """
    token = _recording.set(False)
    try:
        yield
    finally:
        _recording.reset(token)


def underflow_is_0(function):
    """The function, where a number too small to be written becomes 0 for every user.

    This is what NumPy does unless a user has asked it to raise an error. Then the function, which
    must leave nothing changed behind, is called once more. So usually it costs nothing.
    """

    @wraps(function)
    def calm(*arguments, **options):
        try:
            return function(*arguments, **options)
        except FloatingPointError:
            with np.errstate(under="ignore"):
                return function(*arguments, **options)

    return calm


class Tensor:
    """An array in a computation: `data`, and how it was made.

    Arrays are float32 or float64 and keep their type; Python numbers and lists become float64. The
    array is copied and is read-only, as is every result: nobody can overwrite a value that a
    gradient will need. Tensors are not compared with == or <, which would not say what is compared:
    the numbers, or the places in the graph. Compare `.data`.

    >>> from tinymtl import Parameter
    >>> x = Parameter([1.0, 2.0])
    >>> y = (x * x).sum()
    >>> y
    Tensor(5.)
    >>> y.backward()
    >>> x.grad
    array([2., 4.])
    """

    __slots__ = ("data", "pairs", "born", "needs_grad", "__weakref__")
    grad = None  # only a Parameter collects a gradient
    changed = 0  # only a Parameter changes after it was made
    __array_ufunc__ = None  # array * tensor asks the tensor, instead of looping over it

    def __init__(self, data):
        self.data = floating_copy(data)
        self.data.flags.writeable = False
        self.pairs = []  # (parent, g -> the parent's share), for each parent that needs a gradient
        self.needs_grad = False  # a constant; True for a parameter and for all that is made from it
        self.born = now()

    @property
    def shape(self):
        return self.data.shape

    @property
    def ndim(self):
        return self.data.ndim

    @property
    def dtype(self):
        return self.data.dtype

    def __repr__(self):
        start = f"{type(self).__name__}("
        end = "" if self.dtype == np.float64 else f", {self.dtype}"
        if self.data.size > 100:
            end += f", shape {self.shape}"
        values = np.array2string(
            self.data, separator=", ", prefix=start, threshold=100, edgeitems=2
        )
        return f"{start}{values}{end})"

    def __reduce__(self):
        if self.pairs:
            raise TypeError(
                "a result that remembers how it was made cannot be copied or pickled; "
                "use Tensor(result.data)"
            )
        return Tensor, (np.array(self.data),)

    def __bool__(self):
        return bool(self.data)

    def __float__(self):
        return self.item()

    def __format__(self, how):
        return format(self.item(), how) if how else str(self)

    def item(self) -> float:
        """The value as a Python number, if it is one number."""
        if self.data.ndim:
            raise TypeError(f"item: expected one number, of shape (), got shape {self.shape}")
        return self.data.item()

    def __len__(self):
        if not self.data.ndim:
            raise TypeError("a Tensor of shape () has no length and no parts; use float(x) or x")
        return len(self.data)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def _compare(self, other):
        raise TypeError("a Tensor is not compared by itself, compare its numbers: use .data")

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _compare
    __hash__ = object.__hash__  # as a key, a tensor stands for itself

    def __array__(self, dtype=None, copy=None):
        raise TypeError(
            "a Tensor does not turn into an array by itself, that would lose its gradient: "
            "use .data"
        )

    # Arithmetic. A share may have the broadcast shape: `chain_rule` sums it back to the parent's.

    def __add__(self, other):
        other = _operand(other, self)
        return node(self.data + other.data, (self, lambda g: g), (other, lambda g: g))

    def __sub__(self, other):
        other = _operand(other, self)
        return node(self.data - other.data, (self, lambda g: g), (other, lambda g: -g))

    @underflow_is_0
    def __mul__(self, other):
        other = _operand(other, self)
        a = self.data
        b = other.data
        return node(a * b, (self, lambda g: g * b), (other, lambda g: g * a))

    @underflow_is_0
    def __truediv__(self, other):
        other = _operand(other, self)
        a = self.data
        b = other.data
        y = a / b
        return node(y, (self, lambda g: g / b), (other, lambda g: -g / b * y))  # −g a / b²

    def __neg__(self):
        return node(-self.data, (self, lambda g: -g))

    def __abs__(self):
        """|x|; derivative −1 where x < 0, 1 where x > 0, and 0 at the kink x = 0."""
        a = self.data
        slope = np.sign(a)
        return node(np.abs(a), (self, lambda g: g * slope))

    @underflow_is_0
    def __pow__(self, exponent):
        """xᶜ for a number c; the derivative is c · xᶜ⁻¹."""
        is_number = isinstance(exponent, _NUMBERS)
        if not is_number or isinstance(exponent, bool):
            raise TypeError(f"power: exponent must be a number, got {type(exponent).__name__}")
        x = self.data
        c = x.dtype.type(exponent)
        if exponent == 0:  # x⁰ = 1 has the slope 0 at x = 0 too, where 0 · x⁻¹ would be NaN
            return node(x**c, (self, lambda g: np.zeros_like(g)))
        one = x.dtype.type(1)
        return node(x**c, (self, lambda g: g * (c * x ** (c - one))))

    def __radd__(self, other):
        return self + other

    def __rmul__(self, other):
        return self * other

    def __rsub__(self, other):
        return _operand(other, self) - self

    def __rtruediv__(self, other):
        return _operand(other, self) / self

    @underflow_is_0
    def __matmul__(self, other):
        """Matrix product over the last two axes; leading axes broadcast.

        A vector is a row on the left and a column on the right.
        """
        other = _operand(other, self)
        if not _can_multiply(self.shape, other.shape):
            raise ValueError(
                f"matmul: inner sizes must agree, got shapes {self.shape} and {other.shape}"
            )
        if other.ndim == 1:
            return (self @ other.reshape(-1, 1))[..., 0]
        if self.ndim == 1:
            return (self.reshape(1, -1) @ other)[..., 0, :]
        A = self.data  # (..., N, K)
        B = other.data  # (..., K, M)
        # If A is one row, Aᵀ g is an outer product, which `multiply` makes faster in a batch.
        times = np.multiply if A.shape[-2] == 1 else np.matmul
        return node(
            A @ B,  # (..., N, M)
            (self, lambda g: g @ B.swapaxes(-1, -2)),  # g Bᵀ
            (other, lambda g: times(A.swapaxes(-1, -2), g)),  # Aᵀ g
        )

    def __rmatmul__(self, other):
        return _operand(other, self) @ self

    # Reductions.

    def sum(self, axis=None, keepdims=False):
        """Sum over all entries, or along axes; each entry's derivative is 1."""
        _check_reduction("sum", self, axis, keepdims)
        shape = self.shape
        total = self.data.sum(axis, keepdims=keepdims)
        return node(total, (self, lambda g: _spread(g, axis, keepdims, shape)))

    def mean(self, axis=None, keepdims=False):
        """The sum divided by the number n of entries in it; each entry's derivative is 1/n."""
        _check_reduction("mean", self, axis, keepdims)
        total = self.sum(axis, keepdims)
        if not self.data.size:
            raise ValueError(f"mean: expected at least one entry, got shape {self.shape}")
        return total * (total.data.size / self.data.size)

    def max(self, axis=None, keepdims=False):
        """Maximum; the gradient is split equally among entries that are equally large."""
        _check_reduction("max", self, axis, keepdims)
        x = self.data
        shape = self.shape
        if not x.size:
            raise ValueError(f"max: expected at least one entry, got shape {shape}")
        largest = x.max(axis, keepdims=True)
        is_largest = (x == largest).astype(x.dtype)
        split = is_largest / is_largest.sum(axis, keepdims=True)
        return node(
            x.max(axis, keepdims=keepdims),
            (self, lambda g: _spread(g, axis, keepdims, shape) * split),
        )

    # Shapes.

    def reshape(self, *shape):
        """The same entries in another shape."""
        old = self.shape
        try:
            view = self.data.reshape(*shape)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"reshape: shape must be whole numbers that hold the {self.data.size} entries of "
                f"{old}, got {shape}"
            ) from error
        return self._rearranged(view, lambda g: g.reshape(old))

    def transpose(self, *axes):
        """The axes in another order; without arguments in reverse order."""
        if axes and isinstance(axes[0], tuple):
            axes = axes[0]
        if not axes:
            axes = tuple(reversed(range(self.ndim)))
        places = [checks.axis("transpose", "axes", axis, self.ndim) for axis in axes]
        if sorted(places) != list(range(self.ndim)):
            raise ValueError(f"transpose: axes must be all {self.ndim} axes, each once; got {axes}")
        back = np.argsort(places)
        return self._rearranged(self.data.transpose(axes), lambda g: g.transpose(back))

    @property
    def T(self):
        return self.transpose()

    def __getitem__(self, index):
        """Entries at an index. An entry that is taken twice gets both shares."""
        basic = _is_basic(index)
        at = index if basic else deepcopy(index)
        return self._rearranged(self.data[index], lambda g: Scatter(at, g, basic))

    def _rearranged(self, view, share):
        # A parameter's array moves with every optimiser step; a result must not move with it.
        is_parameter = self.grad is not None
        return node(view.copy() if is_parameter else view, (self, share))

    def backward(self, g=None, into=None):
        """Add ∂self/∂p to `p.grad` of every parameter p below (for a seed g: ∂(Σ g · self)/∂p).

        into: parameter -> the array that takes its gradient, in place of `p.grad`.
        """
        into = {} if into is None else checks.instance("backward", "into", into, dict)
        for parameter, array in into.items():
            checks.same_shape("backward", "into", array, parameter.shape)
            if array.dtype != parameter.dtype:
                raise TypeError(f"backward: into must be of {parameter.dtype}, got {array.dtype}")
        if not self.needs_grad:
            raise RuntimeError(
                "backward: this result depends on no parameter "
                "(it is made of constants, or was made inside no_grad)"
            )
        # All shares are computed before the first is added: an error changes nothing.
        shares = _all_shares(self, g)
        for parameter, share in shares:
            parameter.receive(share, into.get(parameter, parameter.grad))


class Scatter:
    """A gradient that is zero except at an index. Where the index repeats, the values add up.

    basic: the index has only numbers and slices, and so cannot repeat. at_flat: it counts places in
    the flattened array.
    """

    __slots__ = ("at", "values", "basic", "at_flat")

    def __init__(self, at, values, basic=False, at_flat=False):
        self.at = at
        self.values = values
        self.basic = basic
        self.at_flat = at_flat

    def add_to(self, array):
        if self.at_flat:  # a flat index makes np.add.at several times faster than an index of rows
            np.add.at(array.reshape(-1), self.at, self.values)
        elif self.basic:
            array[self.at] += self.values
        else:
            np.add.at(array, self.at, self.values)


def node(data: np.ndarray, *pairs: tuple[Tensor, Callable]) -> Tensor:
    """The result of an operation of your own: its value, and for each parent its share of g.

    For y = f(x₁, x₂, ...) and any loss L, with g = ∂L/∂y, a pair says how x_i gets its share:

        (x_i, g -> ∂L/∂x_i)        ∂L/∂x_i = Σ over the entries of y: g · ∂y/∂x_i

    data: the value of f, an array or a number; it takes the type of the first parent. An array is
    copied only if it is a parameter's own; it becomes read-only. Each parent is a Tensor. The
    function gets an array of the shape of y and returns an array: compute with x.data, not with x.
    A share has the shape of its parent, or one that the parent broadcasts to; then it is summed
    back. The function may hold arrays, but never y itself: without such circles a graph is freed
    the moment nobody holds its last tensor. Is the share right? `check_gradient` tells.

    TypeError for a parent that is no Tensor, and, when a gradient is asked for, for a share that is
    no array. ValueError then for a share whose shape does not fit.

    >>> from tinymtl import Parameter
    >>> def cube(x):
    ...     return node(x.data**3, (x, lambda g: g * 3 * x.data**2))
    >>> x = Parameter([1.0, 2.0])
    >>> gradient(cube(x).sum(), x)
    array([ 3., 12.])
    """
    y = Tensor.__new__(Tensor)
    try:
        # NumPy 1 makes float64 of a float32 scalar and a number: the parents' type is put back.
        dtype = pairs[0][0].data.dtype if pairs else None
        kept = []
        if _recording.get():
            for pair in pairs:
                if pair[0].needs_grad:
                    kept.append(pair)
    except AttributeError:
        kinds = [type(parent).__name__ for parent, _ in pairs]
        got = ", ".join(kinds)
        raise TypeError(f"node: pairs must begin with a Tensor each, got {got}") from None
    data = np.asarray(data, dtype)
    if pairs and (data is pairs[0][0].data or data.base is not None):
        data = _apart(data, pairs)
    y.data = data
    data.setflags(write=False)
    y.pairs = kept
    y.needs_grad = bool(kept)
    y.born = now()
    return y


def _apart(data, pairs):
    """The value of a node, copied if it is a parameter's own array: this must stay writable."""
    is_own = [x.grad is not None and np.may_share_memory(data, x.data) for x, _ in pairs]
    return data.copy() if any(is_own) else data


def chain_rule(loss, g, wrt=None):
    """Walk from `loss` down to where gradients are wanted; yield (x, a share of ∂loss/∂x).

    For a tensor x and its children y, the results that were made from it, the chain rule says

        ∂L/∂x = Σ_y (∂L/∂y) · (∂y/∂x)

    So y may pass its gradient on only when all children of y have added their shares to it. Taking
    the youngest tensor first ensures this, because children are younger than their parents.
    Gradients on the way live in `arrived`, never on the tensors, so any number of walks over one
    graph are independent of each other.

    g: the gradient that the walk starts with, of the shape of the loss. wrt: the tensors that are
    wanted; None: every parameter below. A leaf is yielded once for each use: add the shares.
    """
    wanted = None if wrt is None else set(wrt)
    # A tensor that is older than all that are wanted cannot depend on any of them.
    oldest_wanted = min((x.born for x in wanted), default=0) if wanted is not None else 0
    arrived = {loss: [g]}
    waiting = [(-loss.born, loss)]  # a heap: the youngest comes out first
    while waiting:
        _, y = heappop(waiting)
        g = _sum(arrived.pop(y), y.data)
        is_wanted = y.grad is not None if wanted is None else y in wanted
        if is_wanted:
            yield y, g
        for x, share_of in y.pairs:
            if x.changed > y.born:
                raise RuntimeError(
                    "a parameter was changed after it was used; compute the loss again"
                )
            is_leaf = not x.pairs
            if wanted is not None and (x.born < oldest_wanted or is_leaf and x not in wanted):
                continue
            share = share_of(g)
            if type(share) is not np.ndarray or share.shape != x.data.shape:
                share = _fitted(share, x.data.shape)
            if is_leaf:
                yield x, share
            elif x in arrived:
                arrived[x].append(share)
            else:
                arrived[x] = [share]
                heappush(waiting, (-x.born, x))


@underflow_is_0
def _all_shares(loss, g):
    return list(chain_rule(loss, _seed("backward", loss, g)))


@underflow_is_0
def gradient(loss, wrt, g=None):
    """∂loss/∂x for a tensor x, or a list of them for a list: new arrays; no `.grad` is touched.

    The loss is a scalar, or it has a seed gradient g of its own shape. A tensor that the loss does
    not depend on has gradient 0. ValueError for a constant in wrt and for a seed that does not fit.

    >>> from tinymtl import Parameter
    >>> x = Parameter(3.0)
    >>> gradient(x * x, x)
    array(6.)
    """
    if isinstance(wrt, Tensor):
        return gradient(loss, [wrt], g)[0]
    checks.instance("gradient", "loss", loss, Tensor)
    wrt = checked_tensors("gradient", "wrt", wrt)
    for i, x in enumerate(wrt):
        if not x.needs_grad:
            raise ValueError(
                f"gradient: wrt[{i}] is a constant; "
                "expected a Parameter or a result that depends on one"
            )
    into = {x: np.zeros(x.shape, x.dtype) for x in wrt}
    add_gradient(loss, _seed("gradient", loss, g), into)
    return [into[x] for x in wrt]


@underflow_is_0
def jacobian(losses: Sequence[Tensor], wrt: Sequence[Tensor]) -> np.ndarray:
    """J (T, P): row t is the gradient of losses[t] on all P entries of `wrt`, side by side.

    The T scalar losses may share any part of their graph; it is walked once for each. The columns
    of a frozen parameter are 0. ValueError for a loss that is not a scalar, for another constant,
    and for a tensor that is named twice. TypeError for tensors of two types.

    >>> from tinymtl import Parameter
    >>> x = Parameter([1.0, 2.0])
    >>> jacobian([x.sum(), (x * x).sum()], [x])
    array([[1., 1.],
           [2., 4.]])
    """
    losses = checked_tensors("jacobian", "losses", losses)
    wrt = checked_tensors("jacobian", "wrt", wrt)
    if len(set(wrt)) < len(wrt):
        raise ValueError("jacobian: wrt names a tensor twice; expected each once")
    if len({x.data.dtype for x in wrt}) > 1:
        got = [str(x.dtype) for x in wrt]
        raise TypeError(f"jacobian: wrt must be tensors of one type, got {got}")
    for i, x in enumerate(wrt):
        if not x.needs_grad and x.grad is None:
            raise ValueError(
                f"jacobian: wrt[{i}] is a constant; "
                "expected a Parameter or a result that depends on one"
            )
    P = sum(x.data.size for x in wrt)
    J = np.zeros((len(losses), P), wrt[0].dtype if P else np.float64)
    for loss, into in zip(losses, views(J, wrt)):
        add_gradient(loss, _seed("jacobian", loss), into)
    return J


def add_gradient(loss, g, into):
    """Add ∂loss/∂x to the array into[x], for every tensor x that is a key of `into`."""
    for x, share in chain_rule(loss, g, into):
        add(share, into[x])


def views(J, tensors):
    """For each row of J: tensor -> its part of the row, in its shape. Adding to it adds to J."""
    T = len(J)
    columns = {}  # tensor -> its part of all rows, (T, *shape)
    start = 0
    for x in tensors:
        end = start + x.data.size
        columns[x] = J[:, start:end].reshape(T, *x.data.shape)
        start = end
    # With ... the part of one number is a view too.
    return [{x: part[t, ...] for x, part in columns.items()} for t in range(T)]


def as_tensor(where, name, x):
    """A tensor as it is; an array or a number as a constant. `where` and `name` are for errors."""
    if isinstance(x, Tensor):
        return x
    checks.no_mask(where, name, x)
    try:
        return Tensor(x)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{where}: {name} must be floating numbers in an array, {error}") from error


def floating_copy(data):
    """A copy of `data` as an array of type float32 or float64."""
    if isinstance(data, Tensor):
        data = data.data
    if isinstance(data, np.ma.MaskedArray):
        raise TypeError("data: expected an array without a mask, got MaskedArray")
    try:
        array = np.array(data, order="C")  # flat indices count on the order
    except ValueError as error:
        raise ValueError(f"data: expected numbers that fill an array, {error}") from error
    has_no_type = not isinstance(data, (np.ndarray, np.generic))
    if has_no_type and array.dtype.kind in "iub":
        array = array.astype(np.float64)  # Python numbers carry no type that could be lost
    if array.dtype.char not in "fd":
        expected = "float32 or float64" if array.dtype.kind == "f" else "a floating type"
        raise TypeError(f"data: expected {expected}, got {array.dtype}")
    return array


def _operand(x, like):
    """`x` as a tensor of the type of `like`: numbers take that type, arrays must have it."""
    if not isinstance(x, Tensor):
        if isinstance(x, _NUMBERS):
            x = np.asarray(x, like.data.dtype)
        x = as_tensor("arithmetic", "an operand", x)
    if x.data.dtype != like.data.dtype:
        raise TypeError(f"operands must have one type, got {like.data.dtype} and {x.data.dtype}")
    return x


_NUMBERS = (int, float, np.integer, np.floating)


def checked_tensors(where, name, tensors):
    """A list of tensors."""
    checks.instance(where, name, tensors, Sequence)
    for i, x in enumerate(tensors):
        if not isinstance(x, Tensor):  # asked first, since to write the name takes longer
            checks.instance(where, f"{name}[{i}]", x, Tensor)
    return tensors


def _check_reduction(where, x, axis, keepdims):
    """axis is None, an axis of x, or a tuple of them."""
    checks.boolean(where, "keepdims", keepdims)
    if axis is None:
        return
    for one in axis if isinstance(axis, tuple) else (axis,):
        checks.axis(where, "axis", one, x.data.ndim)


def _can_multiply(a, b):
    """Whether a matrix product of arrays with these shapes exists."""
    if not a or not b:
        return False
    inner = b[0] if len(b) == 1 else b[-2]
    return a[-1] == inner


def _seed(where, loss, g=None):
    """∂loss/∂loss, with which the walk starts: 1 for a scalar, in the loss's own type."""
    shape = loss.data.shape
    if g is None:
        if loss.data.size != 1:
            raise ValueError(f"{where}: a loss of shape {shape} needs a seed g of that shape")
        return np.ones_like(loss.data)[()]  # a NumPy scalar, not an array, if the shape is ()
    g = checks.numbers(where, "g", g).astype(loss.data.dtype)
    if g.shape != shape:
        raise ValueError(f"{where}: g must have the shape of the loss {shape}, got {g.shape}")
    return g


def add(share, into):
    """Add a share of a gradient to an array."""
    if isinstance(share, Scatter):
        share.add_to(into)
    else:
        into += share


def _sum(shares, like):
    """The shares of one tensor added up. A share is never changed: another tensor may hold it."""
    if len(shares) == 1 and not isinstance(shares[0], Scatter):
        return shares[0]
    total = np.zeros(like.shape, like.dtype)
    for share in shares:
        add(share, total)
    return total


def _fitted(share, shape):
    """A share in the shape of the parent that it is for."""
    if isinstance(share, Scatter):
        return share
    if not isinstance(share, (np.ndarray, np.generic)):
        raise TypeError(
            "node: the share of a parent must be an array, "
            f"got {type(share).__name__}; compute it from g and x.data"
        )
    return share if share.shape == shape else _unbroadcast(share, shape)


def _unbroadcast(share, shape):
    """Sum over the axes along which an array of `shape` was repeated: each copy sends its share."""
    added = share.ndim - len(shape)  # axes in front that broadcasting has added
    behind = share.shape[max(added, 0) :]
    if added < 0 or any(m not in (1, n) for m, n in zip(shape, behind)):
        raise ValueError(
            f"node: the share of a parent of shape {shape} must have that shape, "
            f"or one that it broadcasts to, got {share.shape}"
        )
    if added:
        share = share.sum(tuple(range(added)))
    repeated = tuple(i for i, n in enumerate(shape) if n == 1 and share.shape[i] != 1)
    if repeated:
        share = share.sum(repeated, keepdims=True)
    return share


def _spread(g, axis, keepdims, shape):
    """The gradient of a reduction, repeated over the entries that were reduced."""
    if axis is not None and not keepdims:
        g = np.expand_dims(g, axis)
    return np.broadcast_to(g, shape)


def _is_basic(index):
    """Numbers, slices, None and ... only. True and False are none of them: they are masks."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(_is_basic_part(part) for part in parts)


def _is_basic_part(part):
    if part is None or part is Ellipsis:
        return True
    return isinstance(part, (int, slice)) and not isinstance(part, bool)
