"""Data by task: checked, in the model's type, and dealt out in minibatches.

    task -> (inputs, targets) or (inputs, targets, mask)

Tasks may differ in everything: inputs, kinds of targets, numbers of examples, which labels are missing. Inputs are an array
or a tuple of arrays, examples along the first axis.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .losses import check_names


def checked_data(where, model, data, losses):
    """The data with floating arrays in the model's type, or an error that says what is wrong with it."""
    if unknown := [t for t in data if t not in model.tasks]:
        raise ValueError(f"{where}: data must be of the tasks {model.tasks}, got {unknown}")
    if not data:
        raise ValueError(f"{where}: data must have at least one task of {model.tasks}, got none")
    if missing := [t for t in data if t not in losses]:
        raise ValueError(f"{where}: losses must have a function for every task, missing {missing}")
    cast, dtype = (
        {},
        model.theta.dtype,
    )  # by identity: inputs that are one array for two tasks stay one array
    return {
        t: _checked_task(f"{where}: data[{t!r}]", entry, dtype, cast) for t, entry in data.items()
    }


def _checked_task(where, entry, dtype, cast):
    if not isinstance(entry, tuple) or len(entry) not in (2, 3):
        raise ValueError(
            f"{where} must be (inputs, targets) or (inputs, targets, mask), got {type(entry).__name__}"
        )
    x, y, *mask = entry
    parts = x if isinstance(x, tuple) else (x,)
    for array in (*parts, y, *mask):
        if not isinstance(array, np.ndarray) or not array.ndim:
            raise TypeError(
                f"{where} must hold arrays with examples along the first axis, got {type(array).__name__}"
            )
    for array in (*parts, *mask):
        if len(array) != len(y) or not len(y):
            raise ValueError(
                f"{where}: all arrays must have the same number of examples, at least 1; got {len(array)} and {len(y)}"
            )
    for array in parts:
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ValueError(f"{where}: inputs must be finite, got {array[~np.isfinite(array)][0]}")
    if mask and (mask[0].dtype != bool or mask[0].shape != y.shape or not mask[0].any()):
        raise ValueError(
            f"{where}: mask must be boolean of shape {y.shape} with at least one label present, got {mask[0].dtype} {mask[0].shape}"
        )
    present = y[mask[0]] if mask else y
    if y.dtype.kind == "f" and not np.isfinite(present).all():
        raise ValueError(
            f"{where}: targets must be finite where no mask says they are missing, got {present[~np.isfinite(present)][0]}"
        )
    if id(x) not in cast:
        cast[id(x)] = tuple(_cast(a, dtype) for a in x) if isinstance(x, tuple) else _cast(x, dtype)
    return (cast[id(x)], _cast(y, dtype), *mask)


def _cast(array, dtype):
    return array.astype(dtype, copy=False) if array.dtype.kind == "f" else array


def _take(x, at):
    return tuple(a[at] for a in x) if isinstance(x, tuple) else x[at]


def batch_sizes(batch_size, data):
    """Examples a step for each task: never more than there are."""
    sizes = batch_size if isinstance(batch_size, Mapping) else dict.fromkeys(data, batch_size)
    check_names("fit", "batch_size", sizes, data)
    for size in sizes.values():
        if size is not None:
            whole_number("batch_size", size, 1)
    return {t: min(len(y), sizes[t] or len(y)) for t, (_, y, *_) in data.items()}


def whole_number(name, value, least):
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ValueError(f"fit: {name} must be a whole number, at least {least}; got {value!r}")


class Batches:
    """Endless minibatches of each task; tasks with the very same inputs draw one index and make one slice."""

    def __init__(self, data, sizes, rng):
        self.data, self.sizes, self.rng = data, sizes, rng
        if rng is None and any(
            size < len(y) for size, (_, y, *_) in zip(sizes.values(), data.values())
        ):
            raise ValueError("fit: minibatches are drawn at random, so batch_size needs a rng")
        self.streams = {}  # (id of the inputs, size) -> shuffled examples still to come

    def next(self):
        drawn, batch = {}, {}
        for t, (x, *y) in self.data.items():
            N, size = len(y[0]), self.sizes[t]
            if size < N:
                key = id(x), size
                if key not in drawn:
                    at = self.draw(key, N, size)
                    drawn[key] = at, _take(x, at)
                at, x = drawn[key]
                y = [a[at] for a in y]
            if len(y) < 2 or y[1].any():  # labels in this batch
                batch[t] = (x, *y)
        return batch

    def draw(self, key, N, size):
        left = self.streams.get(key, np.zeros(0, np.intp))
        if len(left) < size:
            left = np.concatenate([left, self.rng.permutation(N)])
        self.streams[key] = left[size:]
        return left[:size]

    def epochs(self, steps):
        return {t: steps * self.sizes[t] / len(y) for t, (_, y, *_) in self.data.items()}
