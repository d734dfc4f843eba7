"""Parameters, and the modules that hold them: all parameters of a model lie in one vector.

The papers write θ = (θ_sh, θ_1, ..., θ_T). A model here has that vector literally: `theta` is one
contiguous array and each layer's W is a view of a part of it. So an optimiser is a few lines on
vectors, a task's gradient on the shared part is a slice, and gradients of all layers can be sent to
another machine as one array, `grad`.

Read on in this order: `Parameter`, `Module` (finding the parameters, freezing them, packing them,
saving), and the helpers that walk through a module's parts.
"""

from __future__ import annotations

from collections.abc import Iterator
from os import PathLike

import numpy as np

from . import checks
from .files import (
    check_names,
    open_archive,
    open_regular,
    read_array,
    read_heads,
    write_arrays,
    write_whole,
)
from .tensor import Scatter, Tensor, add, floating_copy, now


class Parameter(Tensor):
    """A leaf that is trained: `backward` adds to its `grad`, an optimiser changes its `data`.

    Assigning to `data` copies the values into the array that is there, because a model keeps all
    its parameters side by side in one vector (see `Module.theta`). Only an assignment is noticed as
    a change: write `p.data = p.data * 2`, not `p.data[0] = 5`.

    Assigning to `grad` copies in the same way; None stands for 0. What does not fit is a ValueError
    (its shape) or a TypeError (its type, or a mask, which would be lost).

    With `sparse` a parameter also remembers which places received gradient, so that an optimiser
    can leave the others alone.

    A frozen parameter is a constant: it receives no gradient, and optimisers leave it alone.

    >>> p = Parameter([1.0, 2.0])
    >>> (p * p).sum().backward()
    >>> p.grad
    array([2., 4.])
    """

    __slots__ = ("_data", "_grad", "changed", "touched", "packed")

    def __init__(self, data, sparse=False):
        checks.boolean("Parameter", "sparse", sparse)
        self._data = floating_copy(data)
        self._grad = np.zeros_like(self._data)
        self.touched = [] if sparse else None  # flat indices or slices of places with gradient
        self.packed = False  # whether data and grad are views of a model's theta and grad
        self.pairs = []
        self.needs_grad = True
        self.born = self.changed = now()

    @property
    def data(self):
        return self._data

    @data.setter
    def data(self, values):
        self._data[...] = _fitting("data", values, self._data)
        self.changed = now()

    @property
    def grad(self):
        return self._grad

    @grad.setter
    def grad(self, values):
        # The array stays, because a model's `grad` holds it.
        if values is None:
            values = np.zeros_like(self._grad)
        values = _fitting("grad", values, self._grad)
        if self.frozen and values.any():
            raise ValueError("grad: a frozen parameter has no gradient; expected zeros or None")
        self._grad[...] = values
        if self.touched is not None and not self.frozen:
            self.touched[:] = [slice(0, self._grad.size)]

    def __reduce__(self):  # copies and pickles own their arrays, whatever vector this one lies in
        is_sparse = self.touched is not None
        attributes = {"needs_grad": self.needs_grad}  # a copy of a frozen parameter is frozen
        return Parameter, (np.array(self._data), is_sparse), (None, attributes)

    @property
    def frozen(self) -> bool:
        """Whether `freeze` has made this parameter a constant."""
        return not self.needs_grad

    def freeze(self):
        """Make this parameter a constant. The gradient that it has received is forgotten."""
        self.needs_grad = False
        self.grad[...] = 0
        if self.touched is not None:
            self.touched.clear()
        self.changed = now()  # an older graph would still lead a gradient here

    def unfreeze(self):
        """Let this parameter be trained again."""
        self.needs_grad = True

    def receive(self, share, into):
        """Add a share of the gradient to an array: to `grad`, or to one that stands for it."""
        add(share, into)
        if self.touched is not None:
            is_rows = isinstance(share, Scatter) and share.at_flat
            self.touched.append(share.at if is_rows else slice(0, self.grad.size))


def _fitting(name, values, like):
    """Values as an array of the shape and the type of `like`."""
    if isinstance(values, np.ma.MaskedArray):
        raise TypeError(f"{name}: expected an array without a mask, got MaskedArray")
    values = np.asarray(values)
    if values.shape != like.shape:
        raise ValueError(f"{name}: expected shape {like.shape}, got {values.shape}")
    if values.dtype != like.dtype:
        raise TypeError(f"{name}: expected {like.dtype}, got {values.dtype}")
    return values


class Module:
    """Holds its own parameters, and those of the modules in its attributes, lists and dicts.

    Attributes whose names begin with _ are private notes and no parts. Write a module by assigning
    its parts in `__init__` and computing in `__call__`:

    >>> from tinymtl import Dense
    >>> class Twice(Module):
    ...     def __init__(self, rng):
    ...         self.layer = Dense(3, 3, rng)
    ...     def __call__(self, x):
    ...         return self.layer(self.layer(x))
    >>> twice = Twice(np.random.default_rng(0))
    >>> twice.theta.shape  # the layer is found once: 3 · 3 weights and 3 biases
    (12,)
    >>> twice
    Twice: 12 parameters
      layer: Dense(3, 3)  12

    Copies and pickles own their parameters. All parameters must have one type, float32 or float64.
    """

    training = True  # switches Dropout
    _theta = _grad = None

    def __setattr__(self, name, value):
        old = self.__dict__.get(name)
        if not isinstance(old, Parameter):
            object.__setattr__(self, name, value)
        elif not isinstance(value, Parameter):
            # The view stays, and what is in it changes.
            old.data = value.data if isinstance(value, Tensor) else value
        elif not old.packed:
            object.__setattr__(self, name, value)
        else:
            raise ValueError(
                f"{name} lies in a model's theta and cannot be replaced; "
                "assign an array to change its values"
            )

    def __getstate__(self):
        """What copies and pickles take: the vectors are left out, a copy packs its own."""
        return {name: value for name, value in vars(self).items() if name not in _VECTORS}

    def __repr__(self):
        lines = _described(self)
        if len(lines) == 1:
            (_, head, _) = lines[0]
            return head
        (_, head, _), *below = lines
        return "\n".join([f"{head}: {self._summary()}", *_aligned(below)])

    def _sizes(self) -> str:
        """What stands in brackets behind the name of a layer when it is printed."""
        return ""

    def _summary(self) -> str:
        """What stands behind the name of a module with parts when it is printed."""
        parameters = self.parameters()
        n = sum(p.data.size for p in parameters)
        n_frozen = sum(p.data.size for p in parameters if p.frozen)
        frozen = f", {n_frozen:,} of them frozen" if n_frozen else ""
        return f"{n:,} parameters{frozen}"

    # Finding parts and parameters.

    def named_parameters(self) -> dict[str, Parameter]:
        """Every parameter once, by its path, e.g. "trunk.0.W"."""
        found = [(path, part) for path, part in _walk(self) if isinstance(part, Parameter)]
        named = dict(found)
        if len(named) < len(found):
            paths = [path for path, _ in found]
            raise ValueError(
                f"two parameters have one path, e.g. of heads named 1 and '1'; got {paths}"
            )
        return named

    def parameters(self) -> list[Parameter]:
        """Every parameter once, in the order in which modules and attributes were assigned."""
        return list(self.named_parameters().values())

    def ordered_parameters(self) -> list[Parameter]:
        """The parameters in the order in which `theta` holds them."""
        return self.parameters()

    def modules(self) -> list[Module]:
        """This module and every module below it, each once."""
        return [part for _, part in _walk(self) if isinstance(part, Module)]

    def train(self, on: bool = True):
        """Switch this module and all below it to training or (False) to evaluation."""
        checks.boolean("train", "on", on)
        for module in self.modules():
            module.training = on

    def freeze(self):
        """Freeze every parameter of this module and of all below it: training leaves them alone.

        A frozen parameter receives no gradient, no optimiser moves it, and penalties leave it out.
        It keeps its places in `theta`, so files and copies hold it as before; copies are frozen
        too. Losses must be computed again after this. Dropout is no parameter: it stays on.

        >>> from tinymtl import Dense
        >>> layer = Dense(2, 1, np.random.default_rng(0))
        >>> layer.freeze()
        >>> layer
        Dense(2, 1), frozen
        """
        for parameter in self.parameters():
            parameter.freeze()

    def unfreeze(self):
        """Let every parameter of this module and of all below it be trained again.

        Their gradient starts at 0. An optimiser's memory of them is what it was at `freeze`.
        """
        for parameter in self.parameters():
            parameter.unfreeze()

    # One vector.

    @property
    def theta(self) -> np.ndarray:
        """All parameters as one vector. The layers' arrays are views of it: writing changes them.

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
        """The places of `theta` that may have gradient; frozen parameters have none.

        A slice for each run of ordinary parameters, and for each sparse table that received
        gradient one array of flat indices (or a slice, if all of the table was touched).
        """
        self._pack()
        trainable = [p.needs_grad for p in self._packed]
        if trainable != self._trainable:  # something was frozen or unfrozen since the last call
            self._trainable = trainable
            self._runs = _runs(self._packed)
        of_tables = [
            _places(table.touched, start) for start, table in self._sparse if table.touched
        ]
        return self._runs + of_tables

    def touch_all(self):
        """Declare that all of `grad` was written, sparse tables included."""
        self._pack()
        for _, table in self._sparse:
            if not table.frozen:
                table.touched[:] = [slice(0, table.data.size)]

    def stepped(self):
        """Declare that `theta` was changed: `backward` through an older graph is now an error."""
        self._pack()
        time = now()
        for parameter in self._packed:
            parameter.changed = time

    def _pack(self):
        """Move all parameters into one vector, once; from then on the layers hold views of it."""
        if self._theta is not None:
            return
        parameters = self.ordered_parameters()
        self._check_packable(parameters)
        if parameters:
            theta = np.concatenate([p.data.reshape(-1) for p in parameters])
        else:
            theta = np.zeros(0)
        grad = np.zeros_like(theta)
        sparse = []  # (where it starts in theta, the table)
        start = 0
        for p in parameters:
            end = start + p.data.size
            grad[start:end] = p.grad.reshape(-1)
            p._data = theta[start:end].reshape(p.shape)
            p._grad = grad[start:end].reshape(p.shape)
            p.packed = True
            if p.touched is not None:
                sparse.append((start, p))
            start = end
        self._theta = theta
        self._grad = grad
        self._packed = parameters
        self._sparse = sparse
        self._trainable = None  # which parameters were so when `touched` last looked

    def check_packed(self, where: str):
        """ValueError for a parameter that came after `theta` was made, which no step would move."""
        self._pack()
        in_theta = {id(p) for p in self._packed}
        for name, p in self.named_parameters().items():
            if id(p) not in in_theta:
                raise ValueError(
                    f"{where}: model must have all its parts before theta is made, which the first "
                    f"use of theta, grad or an optimiser does; {name} came later and would not move"
                )

    def _check_packable(self, parameters):
        for name, p in self.named_parameters().items():
            if p.packed:
                raise ValueError(
                    f"{name} lies in another model's theta already; build this model from a copy"
                )
        types = sorted({str(p.dtype) for p in parameters})
        if len(types) > 1:
            raise TypeError(f"all parameters of a model must have one type, got {types}")

    # Files.

    def save(self, path: str | PathLike):
        """Write all parameters to an .npz file, which `np.load` opens too.

        The old file stays until the new one is whole, whatever stops the writing. ValueError for a
        path that leads to no regular file, and for names that no file can hold.
        """
        arrays = {name: p.data for name, p in self.named_parameters().items()}
        check_names("save", arrays)
        write_whole("save", path, lambda file: write_arrays(file, arrays))

    def load(self, path: str | PathLike, strict: bool = True) -> dict[str, str]:
        """Read what `save` wrote.

        Unless every name, shape and type fits, this is a ValueError, and nothing is changed. With
        strict=False it reads what fits, and leaves all else as it is. It returns each name that was
        left out, of the model or of the file, with what was expected and what the file has.

        Names, shapes, types and sizes are compared before any number is unpacked, so a file that
        somebody else has made takes no more memory than the model has. It cannot run anything.

        >>> import tempfile
        >>> from tinymtl import Dense, Sequential
        >>> rng = np.random.default_rng(0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Sequential(Dense(3, 4, rng), Dense(4, 1, rng)).save(f"{folder}/model")
        ...     longer = Sequential(Dense(3, 4, rng), Dense(4, 1, rng), Dense(1, 1, rng))
        ...     list(longer.load(f"{folder}/model", strict=False))
        ['parts.2.W', 'parts.2.b']
        """
        checks.boolean("load", "strict", strict)
        parameters = self.named_parameters()
        with open_regular("load", "path", path) as file:
            arrays, misfits = _read_what_fits(file, path, parameters, strict)
        for name, array in arrays.items():
            parameters[name].data = array
        return misfits


_VECTORS = ("_theta", "_grad")


def _read_what_fits(file, path, parameters, strict):
    """name -> array of what model and file have in common, and the misfits, which strict refuses"""
    try:
        with open_archive(file) as archive:
            heads = read_heads(archive)
            misfits = _misfits(parameters, heads)
            fitting = [name for name in parameters if name not in misfits]
            if strict and misfits:
                fitting = []
            arrays = {name: read_array(archive, heads[name]) for name in fitting}
    except Exception as error:  # a damaged archive fails in a dozen ways
        raise ValueError(f"load: {path} is not a readable checkpoint: {error}") from error
    if strict and misfits:
        name, fault = next(iter(misfits.items()))
        raise ValueError(f"load: {path} is of another model: {name} {fault}")
    return arrays, misfits


def _misfits(parameters, saved):
    """Name -> what is wrong, of everything that the model and the file do not have in common."""
    misfits = {}
    for name in parameters | saved:
        expected = _kind(parameters.get(name))
        got = _kind(saved.get(name))
        if expected != got:
            misfits[name] = f"should be {expected}, got {got}"
    return misfits


def _kind(array):
    return "nothing" if array is None else f"{array.dtype} {array.shape}"


def _runs(parameters):
    """Slices of the vector that holds these parameters, one for each run of such as are trained.

    Sparse tables are left out: only those of their places that were looked up are written.
    """
    runs = []
    start = 0
    for p in parameters:
        end = start + p.data.size
        if p.touched is None and not p.frozen:
            if runs and runs[-1].stop == start:
                runs[-1] = slice(runs[-1].start, end)
            else:
                runs.append(slice(start, end))
        start = end
    return runs


def _places(touched, start):
    """All places that a sparse table touched, as one index.

    One index, so that an optimiser updates a row once.
    """
    for at in touched:
        if isinstance(at, slice):  # the whole table
            return slice(start, start + at.stop)
    return np.concatenate(touched) + start


# Walking through a module


def _walk(part, path="", seen=None) -> Iterator[tuple[str, Module | Parameter]]:
    """Every module and parameter below `part` once, with its path, in order of assignment."""
    seen = set() if seen is None else seen
    if isinstance(part, (Module, Parameter)):
        if id(part) in seen:
            return
        seen.add(id(part))
        yield path, part
    for name, child in _children(part):
        yield from _walk(child, f"{path}.{name}".lstrip("."), seen)


def _children(part):
    """(name, child) of what a module, a list, a tuple or a dict holds."""
    if isinstance(part, Module):
        return [(name, child) for name, child in vars(part).items() if name[0] != "_"]
    if isinstance(part, dict):
        return part.items()
    if isinstance(part, (list, tuple)):
        return enumerate(part)
    return ()


# Printing a module


def _described(part, name="", depth=0, seen=None):
    """Lines (depth, text, number of parameters or None) about a part and what is below it."""
    seen = set() if seen is None else seen
    label = f"{name}: " if name else ""
    if isinstance(part, (Module, Parameter)):
        if id(part) in seen:
            return [(depth, f"{label}{type(part).__name__}, the same as above", None)]
        seen.add(id(part))
    if isinstance(part, Parameter):
        text = f"{label}Parameter {part.shape}{_frozen([part])}"
        return [(depth, text, part.data.size)]
    if not isinstance(part, (Module, list, tuple, dict)):
        if callable(part) and not isinstance(part, type):
            return [(depth, label + getattr(part, "__name__", type(part).__name__), None)]
        return []
    below = []
    for child_name, child in _children(part):
        below += _described(child, str(child_name), depth + 1, seen)
    if not isinstance(part, Module):
        return [(depth, name, None), *below] if below else []
    head = f"{label}{type(part).__name__}"
    if part._sizes():  # a layer says its sizes, and they tell what is in it
        head += f"({part._sizes()}){_frozen(part.parameters())}"
        below = []
    n = sum(p.data.size for p in part.parameters()) if not below else None
    return [(depth, head, n or None), *below]


def _frozen(parameters):
    """What stands behind the name of a layer with these parameters, if some of them are frozen."""
    if not any(p.frozen for p in parameters):
        return ""
    return ", frozen" if all(p.frozen for p in parameters) else ", partly frozen"


def _aligned(lines):
    """Text of each line, indented by its depth, with the numbers in one column at the right."""
    texts = ["  " * depth + text for depth, text, _ in lines]
    width = max(len(text) for text in texts)
    numbers = ["" if n is None else f"{n:,}" for _, _, n in lines]
    wide = max(len(number) for number in numbers)
    return [f"{t:<{width}}  {n:>{wide}}".rstrip() for t, n in zip(texts, numbers)]
