"""Data by task: checked, in the model's type, and dealt out in minibatches.

    task -> (inputs, targets) or (inputs, targets, mask)

Tasks may differ in everything: their inputs, their kinds of targets, their numbers of examples, and
which of their labels are missing. Inputs are an array or a tuple of arrays, with the examples along
the first axis. A mask is True where the label is present, or holds weights of the examples.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from . import checks
from .sharing import has_label, take, to_type

# Checked, and in the model's type


def checked_data(where, name, data, model, losses):
    """The argument `name` of the function `where`, with its floating arrays in the model's type.

    Every fault is an error that names the function, the argument and the task.
    """
    checks.mapping(where, name, data)
    checks.known_tasks(where, name, data, model.tasks)
    if not data:
        raise ValueError(f"{where}: {name} must have at least one task of {model.tasks}, got none")
    _check_functions(where, losses, data)
    for task, entry in data.items():
        _check_entry(f"{where}: {name}[{task!r}]", entry)
    return _cast_data(f"{where}: {name}", data, model.theta.dtype)


def _check_functions(where, losses, data):
    """A function for every task that has data."""
    if not isinstance(losses, Mapping):
        got = type(losses).__name__
        raise TypeError(f"{where}: losses must be a dict of functions by task, got {got}")
    missing = [task for task in data if task not in losses]
    if missing:
        raise ValueError(f"{where}: losses must have a function for every task, missing {missing}")
    for task in data:
        if not callable(losses[task]):
            raise TypeError(
                f"{where}: losses[{task!r}] must be a function of (output, targets[, mask]), "
                f"such as tinymtl.mse; got {losses[task]!r}"
            )


def _check_entry(where, entry):
    """The data of one task: the right form, equal lengths, finite numbers wherever one is used."""
    if not isinstance(entry, tuple) or len(entry) not in (2, 3):
        got = type(entry).__name__
        if isinstance(entry, tuple):
            got = f"a tuple of {len(entry)}"
        raise ValueError(f"{where} must be (inputs, targets) or (inputs, targets, mask), got {got}")
    x, y, *mask = entry
    inputs = x if isinstance(x, tuple) else (x,)
    _check_examples(where, [*inputs, *mask], y)
    for array in inputs:
        if array.dtype.kind == "f":
            checks.finite(where, "inputs", array)
    if mask:
        _check_mask(where, mask[0], y)
    _check_targets(where, y, *mask)


def _check_examples(where, others, y):
    """All are arrays of as many examples as the targets y, at least one."""
    for array in (*others, y):
        _check_array(where, array)
    for array in others:
        if len(array) != len(y) or len(y) == 0:
            raise ValueError(
                f"{where}: all arrays must have the same number of examples, at least 1; "
                f"got {len(array)} and {len(y)}"
            )


def _check_array(where, array):
    """A NumPy array of examples, and none of the kinds that compute by rules of their own."""
    expected = f"{where} must hold arrays with examples along the first axis"
    got = type(array).__name__
    if isinstance(array, np.ma.MaskedArray):
        raise TypeError(
            f"{expected}, got {got}; give its data and a mask that is True where a label is "
            "present: (inputs, targets.data, ~numpy.ma.getmaskarray(targets))"
        )
    if isinstance(array, np.matrix):
        raise TypeError(f"{expected}, got {got}; use numpy.asarray")
    if hasattr(array, "to_numpy"):  # pandas, and tables like it
        raise TypeError(f"{expected}, got {got}; use .to_numpy()")
    if not isinstance(array, np.ndarray) or array.ndim == 0:
        raise TypeError(f"{expected}, got {got}")


def _check_mask(where, mask, y):
    """True where a label is present, or weights of the examples, 0 where none is present.

    A label that is a distribution over classes, a row of y, has one entry of the mask.
    """
    fits = mask.shape in (y.shape, y.shape[:1]) and mask.dtype.kind in "bf"
    if not fits or not (mask > 0).any():
        raise ValueError(
            f"{where}: mask must be boolean, or weights of a floating type, of shape {y.shape} "
            f"with at least one label present, got {mask.dtype} {mask.shape}"
        )
    if mask.dtype.kind == "f":
        checks.finite(where, "mask", mask)
        if (mask < 0).any():
            raise ValueError(f"{where}: mask must not be negative, got {mask[mask < 0][0]}")


def _check_targets(where, y, mask=None):
    """Masked targets are ignored and may be NaN."""
    if y.dtype.kind != "f":
        return
    present = y if mask is None else y[mask > 0]
    is_finite = np.isfinite(present)
    if not is_finite.all():
        raise ValueError(
            f"{where}: targets must be finite where no mask says they are missing, "
            f"got {present[~is_finite][0]}"
        )


def _cast_data(where, data, dtype):
    """Floating arrays in this type. Inputs that are one object for two tasks stay one object."""
    cast_inputs = {}  # id of the inputs → the inputs in this type
    result = {}
    for task, (x, y, *mask) in data.items():
        if id(x) not in cast_inputs:
            cast_inputs[id(x)] = to_type(x, dtype)
        cast_mask = [to_type(m, dtype) for m in mask]
        for before, after in zip(mask, cast_mask):
            _check_no_label_is_lost(f"{where}[{task!r}]", before, after)
        result[task] = (cast_inputs[id(x)], to_type(y, dtype), *cast_mask)
    return result


def _check_no_label_is_lost(where, mask, cast):
    """A weight that is not 0 stays so in the model's type."""
    lost = (mask > 0) & (cast == 0)
    if lost.any():
        least = mask[lost][0]
        raise ValueError(
            f"{where}: mask must hold weights that {cast.dtype} can tell from 0, got {least}"
        )


# Minibatches


class Batches:
    """Endless minibatches of every task, each epoch of a task in a new random order.

    data: what `checked_data` returns. batch_size: examples in a step, one number or task -> number;
    None, or more than a task has, means all of its examples. rng draws the orders.

    Tasks with the very same inputs and the same batch size get the same examples: one index is
    drawn and one slice is made for them, so that a shared trunk sees these inputs once.
    """

    def __init__(self, data, batch_size, rng):
        self.data = data
        self.sizes = _batch_sizes(batch_size, data)
        self.rng = rng
        self.to_come = {}  # stream (id of inputs, size) → shuffled examples still to come
        if rng is not None:
            checks.generator("fit", rng)
        elif any(self.is_cut(task) for task in data):
            raise ValueError("fit: minibatches are drawn at random, so batch_size needs a rng")

    def is_cut(self, task):
        """Whether a batch of the task is less than all of its data."""
        _, y, *_ = self.data[task]
        return self.sizes[task] < len(y)

    def next(self):
        """The next batch: task -> (inputs, targets[, mask]), only of tasks with a label in it."""
        drawn = {}
        batch = {}
        for task in self.data:
            entry = self.minibatch(task, drawn) if self.is_cut(task) else self.data[task]
            if has_label(*entry):
                batch[task] = entry
        return batch

    def minibatch(self, task, drawn):
        """The task's next examples. drawn: stream → (index, inputs), what this step drew so far."""
        x, *labels = self.data[task]
        stream = self.stream(task)
        if stream not in drawn:
            at = self.next_examples(stream, len(labels[0]))
            drawn[stream] = (at, take(x, at))
        at, inputs = drawn[stream]
        return (inputs, *[array[at] for array in labels])

    def next_examples(self, stream, N):
        """An index of the stream's next examples out of N; shuffles again where they run out."""
        _, size = stream
        to_come = self.to_come.get(stream, np.zeros(0, np.intp))
        if len(to_come) < size:
            to_come = np.concatenate([to_come, self.rng.permutation(N)])
        self.to_come[stream] = to_come[size:]
        return to_come[:size]

    def to_come_by_task(self):
        """The examples still to come in the epoch of each task that is cut in minibatches."""
        streams = {task: self.stream(task) for task in self.data}
        return {t: self.to_come[s] for t, s in streams.items() if s in self.to_come}

    def set_to_come(self, by_task):
        """Go on where `to_come_by_task` was."""
        self.to_come = {self.stream(task): at for task, at in by_task.items()}

    def stream(self, task):
        """Tasks with the very same inputs and the same batch size get the same examples."""
        x, *_ = self.data[task]
        return id(x), self.sizes[task]

    def epochs(self, steps):
        """How often so many steps go through the data of each task: task -> number."""
        return {task: steps * self.sizes[task] / len(y) for task, (_, y, *_) in self.data.items()}


def _batch_sizes(batch_size, data):
    """Examples in a step for each task, never more than the task has."""
    if isinstance(batch_size, Mapping):
        checks.same_tasks("fit", "batch_size", batch_size, data)
        wanted = batch_size
    else:
        wanted = dict.fromkeys(data, batch_size)
    sizes = {}
    for task, (_, y, *_) in data.items():
        sizes[task] = len(y)
        if wanted[task] is not None:
            size = checks.whole_number("fit", "batch_size", wanted[task], 1)
            sizes[task] = min(size, len(y))
    return sizes
