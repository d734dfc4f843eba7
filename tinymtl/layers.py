"""Layers: parts that hold parameters, and `Module`, which finds them and keeps them in one vector.

    θ = (all parameters, side by side)        `theta`, one contiguous array
    g = ∂L/∂θ                                 `grad`, its twin

Each layer's `W` is a view into `theta`, so an optimiser is a few vector lines, a task's gradient on the
shared part is a slice, and norms and inner products of gradients are those of vectors.

Letters: N examples, L steps of a sequence, D input features, H hidden units, V rows of a table, E their width.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from .ops import concatenate, dense, embedding, stack, tanh
from .tensor import Parameter, Tensor, now


class Module:
    """A part with parameters: its own, and those of the modules in its attributes, lists and dicts.

    Write one by assigning parts in `__init__` and computing in `__call__`:

    >>> class Twice(Module):
    ...     def __init__(self, rng): self.layer = Dense(3, 3, rng)
    ...     def __call__(self, x): return self.layer(self.layer(x))
    >>> Twice(np.random.default_rng(0)).theta.shape  # found once: 3 · 3 weights and 3 biases
    (12,)

    Copies and pickles own their parameters. All parameters must have one type, float32 or float64.
    """

    training = True  # switches Dropout
    _theta = _grad = None

    def __setattr__(self, name, value):
        old = self.__dict__.get(name)
        if isinstance(old, Parameter) and not isinstance(value, Parameter):
            old.data = (
                value.data if isinstance(value, Tensor) else value
            )  # keep the view, change what is in it
        elif isinstance(old, Parameter) and old.packed:
            raise ValueError(
                f"{name} lies in a model's theta and cannot be replaced; assign an array to change its values"
            )
        else:
            object.__setattr__(self, name, value)

    def __getstate__(self):
        return {
            name: value for name, value in self.__dict__.items() if name not in ("_theta", "_grad")
        }

    def named_parameters(self) -> dict[str, Parameter]:
        """Every parameter once, by its path, e.g. "trunk.0.W"."""
        found = [
            (name, leaf) for name, leaf in _walk(self, "", set()) if isinstance(leaf, Parameter)
        ]
        named = dict(found)
        if len(named) < len(found):
            raise ValueError(
                f"two parameters have one path, e.g. of heads named 1 and '1'; got {[name for name, _ in found]}"
            )
        return named

    def parameters(self) -> list[Parameter]:
        return list(self.named_parameters().values())

    def modules(self) -> list[Module]:
        """This module and every module below it, each once."""
        return [part for _, part in _walk(self, "", set()) if isinstance(part, Module)]

    def train(self, on: bool = True):
        """Switch this module and all below it to training or (False) to evaluation."""
        for module in self.modules():
            module.training = on

    def ordered_parameters(self) -> list[Parameter]:
        """The parameters in the order in which `theta` holds them."""
        return self.parameters()

    @property
    def theta(self) -> np.ndarray:
        """All parameters as one vector. The layers' arrays are views of it: writing here changes them.

        Call `stepped()` after writing, so that `backward` through an older graph is noticed.
        """
        self._pack()
        return self._theta

    @property
    def grad(self) -> np.ndarray:
        """The gradients that `backward` has added up, in the order of `theta`."""
        self._pack()
        return self._grad

    def zero_grad(self):
        """Set the gradient to 0 (of sparse tables only the rows that received one)."""
        grad = self.grad
        for at in self.touched():
            grad[at] = 0
        for _, table in self._sparse:
            table.touched.clear()

    def touched(self) -> list:
        """The places of `theta` that may have gradient: slices, and flat indices for rows of sparse tables."""
        self._pack()
        return self._runs + [
            _places(table.touched, start) for start, table in self._sparse if table.touched
        ]

    def touch_all(self):
        """Declare that all of `grad` was written, sparse tables included."""
        self._pack()
        for _, table in self._sparse:
            table.touched[:] = [slice(0, table.data.size)]

    def stepped(self):
        """Declare that `theta` was changed: `backward` through an older graph is an error from now on."""
        self._pack()
        time = now()
        for parameter in self._packed:
            parameter.changed = time

    def save(self, path: str | Path):
        """Write all parameters to an .npz file, atomically: the old file stays until the new one is whole."""
        path = Path(path)
        unfinished = path.with_name(path.name + ".tmp")
        try:
            with open(unfinished, "wb") as file:
                np.savez(file, **{name: p.data for name, p in self.named_parameters().items()})
            os.replace(unfinished, path)
        finally:
            unfinished.unlink(missing_ok=True)

    def load(self, path: str | Path):
        """Read what `save` wrote. ValueError, and nothing changed, unless every name, shape and type fits."""
        with open(path, "rb") as stream:
            try:
                with np.load(stream, allow_pickle=False) as file:
                    saved = {name: file[name] for name in file.files}
            except Exception as error:  # a damaged archive fails in a dozen ways
                raise ValueError(f"load: {path} is not a readable checkpoint: {error}") from error
        mine = {name: (p.shape, p.dtype) for name, p in self.named_parameters().items()}
        got = {name: (array.shape, array.dtype) for name, array in saved.items()}
        for name in mine | got:
            if mine.get(name) != got.get(name):
                raise ValueError(
                    f"load: {path} is of another model: {name} should be {mine.get(name)}, got {got.get(name)}"
                )
        for name, parameter in self.named_parameters().items():
            parameter.data = saved[name]

    def _pack(self):
        """Move all parameters into one vector, once; what the layers hold are views of it from then on."""
        if self._theta is not None:
            return
        packed = self.ordered_parameters()
        for name, p in self.named_parameters().items():
            if p.packed:
                raise ValueError(
                    f"{name} lies in another model's theta already; build this model from a copy"
                )
        if len({p.dtype for p in packed}) > 1:
            raise TypeError(
                f"all parameters of a model must have one type, got {sorted({str(p.dtype) for p in packed})}"
            )
        theta = np.concatenate([p.data.reshape(-1) for p in packed]) if packed else np.zeros(0)
        grad, start, runs, sparse = np.zeros_like(theta), 0, [slice(0, 0)], []
        for p in packed:
            end = start + p.data.size
            grad[start:end] = p.grad.reshape(-1)
            p._data, p.grad = theta[start:end].reshape(p.shape), grad[start:end].reshape(p.shape)
            p.packed = True
            if p.touched is not None:
                sparse.append((start, p))
            elif runs[-1].stop == start:
                runs[-1] = slice(runs[-1].start, end)
            else:
                runs.append(slice(start, end))
            start = end
        self._theta, self._grad, self._packed, self._sparse, self._runs = (
            theta,
            grad,
            packed,
            sparse,
            runs,
        )


class Dense(Module):
    """y = x W + b for x (..., D) -> (..., H).

    W is uniform in ±√(6 / (D + H)), which keeps the variance of values and gradients about the same from layer
    to layer (Glorot & Bengio 2010, eq. 16); b starts at 0. ValueError for inputs whose last size is not D.

    >>> Dense(3, 2, np.random.default_rng(0))(np.zeros((5, 3))).shape
    (5, 2)
    """

    def __init__(self, n_in: int, n_out: int, rng: np.random.Generator, dtype=np.float64):
        self.W = Parameter(_glorot(n_in, n_out, rng, dtype))
        self.b = Parameter(np.zeros(n_out, dtype))

    def __call__(self, x):
        x = _input("Dense", x, self.W, self.W.shape[0])
        return dense(x, self.W, self.b)


class Embedding(Module):
    """Row ids[...] of a table (V, E): integers (...) -> (..., E).

    Entries are normal with variance `scale`²/E, so a row has squared length `scale`² on average; scale=0 starts
    at 0. With `sparse` a step costs the same for any number of rows: optimisers change only rows that were
    looked up (with Adam a different algorithm, see there). IndexError for ids outside [0, V), TypeError for
    ids that are not integers.

    >>> Embedding(10, 4, np.random.default_rng(0))(np.array([[1, 1, 7]])).shape
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
        table = rng.standard_normal((n_rows, width)) * (scale / np.sqrt(width))
        self.table = Parameter(table.astype(dtype), sparse)

    def __call__(self, ids):
        return embedding(self.table, ids)


class Sequential(Module):
    """Parts one after the other; a part is a module or a function such as `relu`."""

    def __init__(self, *parts: Callable):
        self.parts = list(parts)

    def __call__(self, x):
        for part in self.parts:
            x = part(x)
        return x


class Dropout(Module):
    """In training, each entry is 0 with probability `rate`, else divided by 1 − rate; in evaluation nothing happens.

    So the expected value is the input. Source: Srivastava et al. (2014), the inverted form. ValueError for a
    rate outside [0, 1).
    """

    def __init__(self, rate: float, rng: np.random.Generator):
        if not 0 <= rate < 1:
            raise ValueError(f"Dropout: rate must be in [0, 1), got {rate}")
        self.rate, self.rng = rate, rng

    def __call__(self, x):
        if not self.training or not self.rate:
            return x
        x = x if isinstance(x, Tensor) else Tensor(x)
        keep = self.rng.random(x.shape) >= self.rate
        return x * (keep / (1 - self.rate)).astype(x.dtype)


class RNN(Module):
    """Elman's recurrent network: h_l = tanh(x_l W + h_{l−1} U + b), h_{-1} = 0, for x (N, L, D) -> all h (N, L, H).

    Back-propagation through time is nothing more than the chain rule over these L steps: U is used in each, so
    its gradient is a sum over steps. `lengths` (N,) in [1, L]: from its end on a sequence keeps its last state, so
    `h[:, -1]` is the last state for every length. W as in `Dense`, U a random orthogonal matrix (Saxe et al. 2014),
    which neither shrinks nor stretches the state. Source: Elman (1990); Goodfellow et al. (2016), eq. 10.8 and 10.9.
    """

    def __init__(self, n_in: int, n_hidden: int, rng: np.random.Generator, dtype=np.float64):
        self.W = Parameter(_glorot(n_in, n_hidden, rng, dtype))
        self.U = Parameter(np.linalg.qr(rng.standard_normal((n_hidden, n_hidden)))[0].astype(dtype))
        self.b = Parameter(np.zeros(n_hidden, dtype))

    def __call__(self, x, lengths=None):
        x = _sequence("RNN", x, self.W)
        N, L, _ = x.shape
        going = _going(lengths, N, L, x.dtype)
        driven = dense(x, self.W, self.b)  # (N, L, H): the part of every step that needs no state
        h, states = Tensor(np.zeros((N, self.U.shape[0]), x.dtype)), []
        for l in range(L):
            new = tanh(driven[:, l] + h @ self.U)
            h = new if going is None else h + (new - h) * going[:, l]
            states.append(h)
        return stack(states, 1)


class Conv1D(Module):
    """A dense layer over every window of `width` steps: x (N, L, D) -> (N, L', H).

    y_l = Σ_k x_{l+k} W_k + b, the cross-correlation that the field calls convolution. padding="same": zeros before
    ((width−1)//2) and after, L' = L; "valid": only whole windows, L' = L − width + 1. W (width · D, H) as in `Dense`.
    Source: Goodfellow et al. (2016), eq. 9.6.
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
        if padding not in ("same", "valid"):
            raise ValueError(f"Conv1D: padding must be 'same' or 'valid', got {padding!r}")
        if width < 1:
            raise ValueError(f"Conv1D: width must be at least 1, got {width}")
        self.W = Parameter(_glorot(width * n_in, n_out, rng, dtype))
        self.b = Parameter(np.zeros(n_out, dtype))
        self.width, self.padding = width, padding

    def __call__(self, x):
        x = _sequence("Conv1D", x, self.W, self.width)
        N, L, D = x.shape
        if self.padding == "same":
            before = (self.width - 1) // 2
            zeros = lambda n: Tensor(np.zeros((N, n, D), x.dtype))
            x = concatenate([zeros(before), x, zeros(self.width - 1 - before)], 1)
        n_windows = x.shape[1] - self.width + 1
        if n_windows < 1:
            raise ValueError(f"Conv1D: expected sequences of at least {self.width} steps, got {L}")
        return dense(
            concatenate([x[:, k : k + n_windows] for k in range(self.width)], 2), self.W, self.b
        )


def _walk(part, path, seen) -> Iterator[tuple[str, Module | Parameter]]:
    """Every module and parameter below `part` once, with its path, in order of assignment."""
    if isinstance(part, (Module, Parameter)):
        if id(part) in seen:
            return
        seen.add(id(part))
        yield path, part
    inside = part.__dict__ if isinstance(part, Module) else part
    pairs = (
        inside.items()
        if isinstance(inside, dict)
        else enumerate(inside)
        if isinstance(inside, (list, tuple))
        else ()
    )
    for name, child in pairs:
        if not (
            isinstance(part, Module) and name.startswith("_")
        ):  # a module's private notes are not parts
            yield from _walk(child, f"{path}.{name}".lstrip("."), seen)


def _places(touched, start):
    """All places that a sparse table touched as one index: several would update a row several times."""
    whole = [at for at in touched if isinstance(at, slice)]
    return slice(start, start + whole[0].stop) if whole else np.concatenate(touched) + start


def _glorot(n_in, n_out, rng, dtype):
    limit = np.sqrt(6 / (n_in + n_out))
    return rng.uniform(-limit, limit, (n_in, n_out)).astype(dtype)


def _input(where, x, W, n_in):
    """x as a tensor of W's type whose last size is n_in."""
    x = x if isinstance(x, Tensor) else Tensor(x)
    a = x.data
    if not a.ndim or a.shape[-1] != n_in:
        raise ValueError(f"{where}: x must have shape (..., {n_in}), got {x.shape}")
    if a.dtype != W.data.dtype:
        raise TypeError(f"{where}: x must be {W.dtype} like the layer, got {x.dtype}")
    return x


def _sequence(where, x, W, width=1):
    x = _input(where, x, W, W.shape[0] // width)
    if x.ndim != 3 or not x.shape[1]:
        raise ValueError(
            f"{where}: x must have shape (N, L, {W.shape[0] // width}) with L ≥ 1, got {x.shape}"
        )
    return x


def _going(lengths, N, L, dtype):
    """(N, L, 1): 1 while a sequence goes on, 0 after its end."""
    if lengths is None:
        return None
    lengths = np.asarray(lengths)
    if (
        lengths.shape != (N,)
        or lengths.dtype.kind not in "iu"
        or not ((1 <= lengths) & (lengths <= L)).all()
    ):
        raise ValueError(f"RNN: lengths must be {N} integers in [1, {L}], got {lengths}")
    return (np.arange(L) < lengths[:, None])[:, :, None].astype(dtype)
