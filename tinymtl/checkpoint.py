"""The file of a run: everything that `fit` needs to go on as if it had never stopped.

    the model's parameters after the last step, and the best ones of early stopping
    the optimiser's memory and its count of steps
    the examples still to come in the epoch of each task
    random generators: that of the batches, those that modules (dropout) hold as attributes, and
        those of the rule
    what the rule remembers in its attributes, its options included
    all records of the History

So a run that goes on from its file equals the run that was never stopped, to the bit on the same
machine. Not in the file is what the user's own losses, judges, callbacks and modules remember.

**Load only files of runs that are your own.** The file is a pickle, because a rule may remember
anything, and a pickle can make Python run any program when it is loaded. What is meant for others
is the model's own file (`Module.save`), which holds plain arrays.
"""

from __future__ import annotations

import pickle
import zlib
from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import partial
from os import PathLike

import numpy as np

from . import checks
from .batches import Batches
from .files import open_regular, write_whole
from .history import EarlyStop, Recorder
from .optim import Optimizer
from .sharing import Sharing

_KIND = "tinymtl run, version 1"


class Checkpoint:
    """Keeps what a step moves and no undo puts back, and writes it with all the rest to a file."""

    def __init__(
        self,
        path: str | PathLike | None,
        model: Sharing,
        optimizer: Optimizer,
        weights: Mapping[str, float] | Callable | None,
        batches: Batches,
        held_out: Mapping[str, tuple] | None,
        recorder: Recorder,
        early_stop: EarlyStop,
    ):
        """path: the file to write; None writes none. TypeError for a rule that no file can hold."""
        self.path = None if path is None else checks.path("fit", "checkpoint", path)
        self.model = model
        self.optimizer = optimizer
        self.weights = weights
        self.rule = _remembering(weights)
        self.batches = batches
        self.held_out = held_out or {}
        self.recorder = recorder
        self.early_stop = early_stop
        self.generators = _generators(model, batches.rng)
        self.moving = {}  # steps made → generators, batches and rule then: the last two, since the
        # last step may be taken back
        self.last = None  # the state with which the run ended
        if path is not None:
            # Now, and once: while a run lasts, tasks without data are frozen.
            self.belongs_to = self._signature()
            self._check_rule()

    def _check_rule(self):
        if hasattr(type(self.weights), "__slots__") and self.rule is None:
            raise TypeError(
                "fit: checkpoint: a rule must remember in ordinary attributes, but "
                f"{type(self.weights).__name__} has __slots__"
            )
        try:
            pickle.dumps(self._moving_now()["rule"])
        except Exception as error:  # what cannot be pickled says so in several ways
            raise TypeError(
                f"fit: checkpoint: what the rule remembers cannot be written: {error}"
            ) from error

    # Writing

    def remember(self):
        """Call this before each step."""
        if self.path is None:
            return
        k = self.recorder.steps_made
        before = self.moving.get(k - 1)
        self.moving = {k: self._moving_now()}
        if before is not None:
            self.moving[k - 1] = before

    def write(self):
        """Write the state after the last step that was made."""
        if self.path is not None:
            self._write(self._state())

    def write_last(self):
        """Write the state in which the run ends. A second call writes the same again."""
        if self.path is None:
            return
        if self.last is None:
            self.last = self._state()
        self._write(self.last)

    def _write(self, state):
        write_whole("fit: checkpoint", self.path, lambda file: pickle.dump(state, file))

    def _state(self):
        optimizer = self.optimizer
        k = self.recorder.steps_made
        memory = None
        if optimizer._of is self.model:
            memory = {name: getattr(optimizer, name).copy() for name in optimizer.memory}
        return {
            "kind": _KIND,
            "belongs to": self.belongs_to,
            "theta": self.model.theta.copy(),
            "memory": memory,
            "t": optimizer.t,
            # Nothing was noted only at the start and after the last step: it is as it was there.
            "moving": self.moving[k] if k in self.moving else self._moving_now(),
            "steps": list(self.recorder.steps),
            "interactions": self.recorder.interactions_made(),
            "evaluations": list(self.recorder.evaluations),
            "early stop": self.early_stop.state(),
        }

    def _moving_now(self):
        """One copy of all of it, so that what shares a generator goes on sharing it."""
        return deepcopy(
            {
                "generators": self.generators,
                "rule": _memory(self.rule),
                "to come": self.batches.to_come_by_task(),
            }
        )

    def _signature(self):
        """What the file has in common with a run that may go on from it: name -> value.

        All orders count, because θ, the optimiser's memory and the rows of a rule have one.
        """
        parameters = self.model.ordered_parameters()
        paths = {id(p): path for path, p in self.model.named_parameters().items()}
        signature = {"model": type(self.model).__name__}
        signature |= {
            f"parameter {i}": (paths[id(p)], p.shape, str(p.dtype), "frozen" * p.frozen)
            for i, p in enumerate(parameters)
        }
        return signature | {
            "number of parameters": len(parameters),
            "optimizer": type(self.optimizer).__name__,
            "weights": _name_of(self.weights),
            "training data": _described(self.batches.data),
            "held-out data": _described(self.held_out),
            "batch_size": list(self.batches.sizes.items()),
            "rng": None if self.batches.rng is None else _kind(self.batches.rng),
            "generators": [_kind(generator) for generator in self.generators],
            "early stopping": self.early_stop.patience is not None,
        }

    # Reading

    def read(self, path: str | PathLike, steps: int):
        """Put model, optimiser, generators, rule and records in the state that the file has.

        steps: of the whole run. All is checked before the first change.
        """
        state = _load(path)
        saved = state["belongs to"]
        for name, here in self._signature().items():
            if saved.get(name) != here:
                raise ValueError(
                    f"fit: resume: {path} is of another run: for {name} the file has "
                    f"{saved.get(name)}, and this call {here}"
                )
        steps_made = len(state["steps"])
        if steps < steps_made:
            raise ValueError(
                f"fit: steps must be at least the {steps_made} steps that the run to resume has "
                f"made, got {steps}"
            )
        checks.finite("fit", f"resume: the parameters in {path}", state["theta"])
        self.optimizer.go_on(self.model, state["memory"], state["t"])
        self.model.theta[:] = state["theta"]
        self.model.stepped()
        self.recorder.steps[:] = state["steps"]
        self.recorder.interactions[:] = state["interactions"]
        self.recorder.evaluations[:] = state["evaluations"]
        self.early_stop.set_state(state["early stop"])

        moving = state["moving"]
        self.batches.set_to_come(moving["to come"])
        in_use = {}  # id of a generator from the file -> the one in use
        for own, from_file in zip(self.generators, moving["generators"]):
            own.bit_generator.state = from_file.bit_generator.state
            in_use[id(from_file)] = own
        if self.rule is not None:
            # deepcopy takes what its memo names as copied already.
            vars(self.rule).update(deepcopy(moving["rule"], in_use))


def _load(path):
    with open_regular("fit", "resume", path) as file:
        if file.read(2) == b"PK":
            raise ValueError(
                f"fit: resume: {path} is no file of a run. It looks like one that a model's save "
                "wrote, which model.load reads"
            )
        file.seek(0)
        try:
            state = pickle.load(file)
            is_run = state["kind"] == _KIND
        except Exception as error:  # a damaged file fails in a dozen ways
            raise ValueError(f"fit: resume: {path} is not a readable run: {error}") from error
    if not is_run:
        raise ValueError(f"fit: resume: {path} must be a {_KIND}, got {state['kind']!r}")
    return state


def _remembering(weights):
    """The object whose attributes are what a rule remembers; None if nothing is remembered."""
    rule = weights
    while isinstance(rule, partial):
        rule = rule.func
    rule = getattr(rule, "__self__", rule)  # of a method
    if not callable(rule) or isinstance(rule, type):
        return None
    if hasattr(rule, "__dict__"):
        return rule
    return None


def _name_of(weights):
    """What tells rules apart, and numbers by task."""
    if weights is None:
        return None
    if isinstance(weights, Mapping):
        return sorted((task, float(w)) for task, w in weights.items())
    if isinstance(weights, partial):
        return (_name_of(weights.func), str(weights.keywords))
    return getattr(weights, "__qualname__", type(weights).__name__)


def _described(data):
    """Of each task: its length, which task has the very same inputs, and a sum of all numbers."""
    described = []
    first_with = {}  # id of inputs -> the first task that has them
    for task, (x, *labels) in data.items():
        first = first_with.setdefault(id(x), task)
        checksum = 0
        for array in [*(x if isinstance(x, tuple) else (x,)), *labels]:
            checksum = zlib.crc32(np.ascontiguousarray(array).tobytes(), checksum)
        described.append((task, len(labels[0]), f"inputs of {first}", f"checksum {checksum}"))
    return described


def _kind(generator):
    return type(generator.bit_generator).__name__


def _memory(rule):
    """Name -> what the rule remembers under it. The note of a decorator is no memory."""
    attributes = {} if rule is None else vars(rule)
    return {name: value for name, value in attributes.items() if name != "__wrapped__"}


def _generators(model, rng):
    """Every generator once: that of the batches, then those that modules hold."""
    found = [] if rng is None else [rng]
    for module in model.modules():
        found += [v for v in vars(module).values() if isinstance(v, np.random.Generator)]
    return list({id(generator): generator for generator in found}.values())
