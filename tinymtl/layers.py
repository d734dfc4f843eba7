"""Layers: modules that compute, from a dense layer to a recurrent and a convolutional one.

Every layer that starts at random takes a `numpy.random.Generator`, and draws from it in the order
in which the layers are made. `dtype` is float64 or float32. A size that is no whole number of at
least 1 is a ValueError, another dtype a TypeError.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from . import checks
from .module import Module, Parameter
from .ops import affine, concatenate, embedding, stack, tanh
from .tensor import Tensor, as_tensor


class Dense(Module):
    """y = x W + b for x (..., D) -> (..., H), with W (D, H) and b (H,).

    W starts uniform in ±√(6 / (D + H)), which keeps the variance of values and gradients about the
    same from layer to layer (Glorot & Bengio 2010, eq. 16). b starts at 0. ValueError for inputs
    whose last size is not D.

    >>> layer = Dense(3, 2, np.random.default_rng(0))
    >>> layer
    Dense(3, 2)
    >>> layer(np.zeros((5, 3))).shape
    (5, 2)
    """

    def __init__(self, n_in: int, n_out: int, rng: np.random.Generator, dtype=np.float64):
        _check_sizes("Dense", n_in=n_in, n_out=n_out)
        self.W = Parameter(_glorot("Dense", n_in, n_out, rng, dtype))
        self.b = Parameter(np.zeros(n_out, dtype))

    def __call__(self, x):
        W = self.W.data
        x = _input("Dense", x, len(W), W.dtype)
        return affine(x, self.W, self.b)

    def _sizes(self):
        return "{}, {}".format(*self.W.shape)


class Embedding(Module):
    """Row ids[...] of a table (V, E): integers (...) -> (..., E).

    Entries start normal with variance `scale`²/E, so that a row has squared length `scale`² on
    average; scale=0 starts at 0. With `sparse` a step costs the same for any number of rows:
    optimisers change only rows that were looked up (with Adam this is a different algorithm, see
    there). IndexError for ids outside [0, V), TypeError for ids that are not integers.

    >>> table = Embedding(10, 4, np.random.default_rng(0))
    >>> table(np.array([[1, 1, 7]])).shape
    (1, 3, 4)
    """

    def __init__(
        self,
        n_rows: int,
        width: int,
        rng: np.random.Generator,
        scale: float = 1.0,
        sparse: bool = False,
        dtype=np.float64,
    ):
        _check_sizes("Embedding", n_rows=n_rows, width=width)
        deviation = checks.not_negative("Embedding", "scale", scale) / np.sqrt(width)
        checks.boolean("Embedding", "sparse", sparse)
        dtype = checks.float_type("Embedding", "dtype", dtype)
        table = checks.generator("Embedding", rng).standard_normal((n_rows, width)) * deviation
        self.table = Parameter(table.astype(dtype), sparse)

    def __call__(self, ids):
        return embedding(self.table, ids)

    def _sizes(self):
        V, E = self.table.shape
        is_sparse = self.table.touched is not None
        return f"{V}, {E}, sparse" if is_sparse else f"{V}, {E}"


class Sequential(Module):
    """Parts one after the other; a part is a module or a function such as `relu`.

    >>> from tinymtl import relu
    >>> rng = np.random.default_rng(0)
    >>> Sequential(Dense(8, 32, rng), relu, Dense(32, 1, rng))
    Sequential: 321 parameters
      parts
        0: Dense(8, 32)  288
        1: relu
        2: Dense(32, 1)   33
    """

    def __init__(self, *parts: Callable):
        for i, part in enumerate(parts):
            check_part("Sequential", f"parts[{i}]", part)
        self.parts = list(parts)

    def __call__(self, x):
        for part in self.parts:
            x = part(x)
        return x


class Dropout(Module):
    """In training, sets each entry to 0 with probability `rate`; in evaluation does nothing.

    The entries that are kept are divided by 1 − rate, so that the expected value is the input.
    ValueError for a rate outside [0, 1). Source: Srivastava et al. (2014), the inverted form.

    >>> drop = Dropout(0.5, np.random.default_rng(0))
    >>> drop(np.ones(4))
    Tensor([2., 0., 0., 0.])
    """

    def __init__(self, rate: float, rng: np.random.Generator):
        self.rate = checks.below_one("Dropout", "rate", rate)
        self.rng = checks.generator("Dropout", rng)

    def __call__(self, x):
        if not self.training or not self.rate:
            return x
        x = as_tensor("Dropout", "x", x)
        keep = self.rng.random(x.shape) >= self.rate
        return x * (keep / (1 - self.rate)).astype(x.dtype)

    def _sizes(self):
        return f"{self.rate:g}"


class RNN(Module):
    """Elman's recurrent network, for x (N, L, D) -> the states h of all steps (N, L, H).

        h_l = tanh(x_l W + h_{l−1} U + b),     h_{−1} = 0

    Back-propagation through time is nothing more than the chain rule over these L steps: every step
    uses U, so the gradient of U is a sum over steps.

    lengths (N,), in [1, L]: a sequence keeps its last state from its end on, so h[:, -1] is the
    last state for every length. W starts as in `Dense`. U starts as a random orthogonal matrix
    (Saxe et al. 2014), which neither shrinks nor stretches the state.
    Source: Elman (1990); Goodfellow et al. (2016), eq. 10.8 and 10.9.

    >>> rnn = RNN(3, 5, np.random.default_rng(0))
    >>> rnn(np.zeros((2, 7, 3))).shape  # 2 sequences of 7 steps
    (2, 7, 5)
    """

    def __init__(self, n_in: int, n_hidden: int, rng: np.random.Generator, dtype=np.float64):
        _check_sizes("RNN", n_in=n_in, n_hidden=n_hidden)
        self.W = Parameter(_glorot("RNN", n_in, n_hidden, rng, dtype))
        orthogonal, _ = np.linalg.qr(rng.standard_normal((n_hidden, n_hidden)))
        self.U = Parameter(orthogonal.astype(dtype))
        self.b = Parameter(np.zeros(n_hidden, dtype))

    def __call__(self, x, lengths=None):
        x = _sequences("RNN", x, self.W.shape[0], self.W.dtype)
        N, L, _ = x.shape
        goes_on = None if lengths is None else _goes_on(lengths, N, L, x.dtype)
        inputs = affine(x, self.W, self.b)  # (N, L, H): x_l W + b of all steps at once
        h = Tensor(np.zeros((N, self.U.shape[0]), x.dtype))
        states = []
        for step in range(L):
            new = tanh(inputs[:, step] + h @ self.U)
            h = new if goes_on is None else h + (new - h) * goes_on[:, step]
            states.append(h)
        return stack(states, 1)

    def _sizes(self):
        return "{}, {}".format(*self.W.shape)


class Conv1D(Module):
    """A dense layer over every window of `width` steps: x (N, L, D) -> (N, L', H).

        y_l = Σ_k x_{l+k} W_k + b

    This is the cross-correlation that the field calls convolution. padding="same" puts
    (width − 1)//2 zeros before each sequence and the rest of width − 1 zeros after it: L' = L.
    padding="valid" takes whole windows only: L' = L − width + 1. W (width · D, H) starts as in
    `Dense`. ValueError for another padding, a width below 1, and sequences that are too short.
    Source: Goodfellow et al. (2016), eq. 9.6.

    >>> layer = Conv1D(3, 5, 2, np.random.default_rng(0), padding="valid")
    >>> layer(np.zeros((2, 7, 3))).shape  # 6 whole windows of 2 steps
    (2, 6, 5)
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        width: int,
        rng: np.random.Generator,
        padding: str = "same",
        dtype=np.float64,
    ):
        _check_sizes("Conv1D", n_in=n_in, n_out=n_out, width=width)
        self.width = width
        self.padding = checks.choice("Conv1D", "padding", padding, ("same", "valid"))
        self.W = Parameter(_glorot("Conv1D", width * n_in, n_out, rng, dtype))
        self.b = Parameter(np.zeros(n_out, dtype))

    def __call__(self, x):
        D = self.W.shape[0] // self.width
        x = _sequences("Conv1D", x, D, self.W.dtype)
        N, L, _ = x.shape
        if self.padding == "same":
            n_before = (self.width - 1) // 2
            n_after = self.width - 1 - n_before
            before = Tensor(np.zeros((N, n_before, D), x.dtype))
            after = Tensor(np.zeros((N, n_after, D), x.dtype))
            x = concatenate([before, x, after], 1)
        n_windows = x.shape[1] - self.width + 1
        if n_windows < 1:
            raise ValueError(f"Conv1D: expected sequences of at least {self.width} steps, got {L}")
        steps = [x[:, k : k + n_windows] for k in range(self.width)]  # x_{l+k} for all l
        windows = concatenate(steps, 2)  # (N, L', width · D)
        return affine(windows, self.W, self.b)

    def _sizes(self):
        D = self.W.shape[0] // self.width
        H = self.W.shape[1]
        return f"{D}, {H}, width {self.width}, {self.padding}"


def check_part(where, name, part):
    """A module or a function. `Tensor` is one, it makes a tensor of an array."""
    if part is not Tensor:
        checks.function(where, name, part)


def _check_sizes(where, **sizes):
    for name, size in sizes.items():
        checks.whole_number(where, name, size, least=1)


def _glorot(where, n_in, n_out, rng, dtype):
    dtype = checks.float_type(where, "dtype", dtype)
    limit = np.sqrt(6 / (n_in + n_out))
    return checks.generator(where, rng).uniform(-limit, limit, (n_in, n_out)).astype(dtype)


def _input(where, x, n_in, dtype):
    """x as a tensor of the layer's type whose last size is n_in."""
    x = as_tensor(where, "x", x)
    a = x.data
    if not a.ndim or a.shape[-1] != n_in:
        raise ValueError(f"{where}: x must have shape (..., {n_in}), got {x.shape}")
    if a.dtype != dtype:
        raise TypeError(f"{where}: x must be {dtype} like the layer, got {x.dtype}")
    return x


def _sequences(where, x, n_in, dtype):
    """x as a tensor (N, L, D) of the layer's type with D = n_in and at least one step."""
    x = _input(where, x, n_in, dtype)
    if x.ndim != 3 or not x.shape[1]:
        raise ValueError(f"{where}: x must have shape (N, L, {n_in}) with L ≥ 1, got {x.shape}")
    return x


def _goes_on(lengths, N, L, dtype):
    """(N, L, 1): 1 while a sequence goes on, 0 after its end."""
    lengths = np.asarray(lengths)
    are_integers = lengths.shape == (N,) and lengths.dtype.kind in "iu"
    if not are_integers or ((lengths < 1) | (lengths > L)).any():
        raise ValueError(f"RNN: lengths must be {N} integers in [1, {L}], got {lengths}")
    goes_on = np.arange(L) < lengths[:, None]  # (N, L)
    return goes_on[:, :, None].astype(dtype)
