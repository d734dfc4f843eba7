"""The file of a run: everything that `fit` needs to go on as if it had never stopped.

    the model's parameters after the last step, and the best ones of early stopping
    the optimiser's memory and its count of steps
    the examples still to come in the epoch of each task
    all random generators: that of the batches, and those of dropout and of the rule
    what a rule remembers
    all records of the History

So a run that goes on from its file equals the run that was never stopped, to the bit on the same
machine.

**Load only files of runs that are your own.** The file is a pickle, because a rule may remember
anything, and a pickle can make Python run any program when it is loaded. What is meant for others
is the model's own file (`Module.save`), which holds plain arrays.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import numpy as np

from .batches import Batches
from .files import write_whole
from .history import EarlyStop, Recorder
from .optim import Optimizer
from .sharing import Sharing

_KIND = "tinymtl run, version 1"


class Checkpoint:
    """Keeps what a step moves and no undo puts back, and writes it with all the rest to a file."""

    def __init__(
        self,
        path: str | Path | None,
        model: Sharing,
        optimizer: Optimizer,
        rule: Callable | None,
        batches: Batches,
        recorder: Recorder,
        early_stop: EarlyStop,
    ):
        """path: the file to write; None writes none. TypeError for a rule that no file can hold."""
        self.path = path
        self.model = model
        self.optimizer = optimizer
        self.rule = _remembering(rule)
        self.batches = batches
        self.recorder = recorder
        self.early_stop = early_stop
        self.generators = _generators(model, batches.rng)
        self.moving = {}  # steps made → generators, batches and rule as they were then
        self.last = None  # the state with which the run ended
        if path is not None:
            self._check_rule()

    def _check_rule(self):
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
        if before is not None:  # needed if the last step is taken back
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
        write_whole(self.path, lambda file: pickle.dump(state, file))

    def _state(self):
        optimizer = self.optimizer
        k = self.recorder.steps_made
        memory = None
        if optimizer._of is self.model:
            memory = {name: getattr(optimizer, name).copy() for name in optimizer.memory}
        return {
            "kind": _KIND,
            "belongs to": self._signature(),
            "theta": self.model.theta.copy(),
            "memory": memory,
            "t": optimizer.t,
            "moving": self.moving[k] if k in self.moving else self._moving_now(),
            "steps": list(self.recorder.steps),
            "interactions": [r for r in self.recorder.interactions if r.step < k],
            "evaluations": list(self.recorder.evaluations),
            "early stop": self.early_stop.state(),
        }

    def _moving_now(self):
        """One copy of all of it, so that what shares a generator goes on sharing it."""
        return deepcopy(
            {
                "generators": self.generators,
                "rule": {} if self.rule is None else vars(self.rule),
                "to come": self.batches.to_come_by_task(),
            }
        )

    def _signature(self):
        """What the file has in common with a run that may go on from it: name -> value."""
        parameters = self.model.named_parameters()
        return {
            "model": type(self.model).__name__,
            "parameters": {name: (p.shape, str(p.dtype)) for name, p in parameters.items()},
            "optimizer": type(self.optimizer).__name__,
            "rule": None if self.rule is None else type(self.rule).__name__,
            "examples": {task: len(y) for task, (_, y, *_) in self.batches.data.items()},
            "batch_size": self.batches.sizes,
            "number of generators": len(self.generators),
        }

    # Reading

    def read(self, path: str | Path):
        """Put model, optimiser, generators, rule and records in the state that the file has."""
        state = _load(path)
        for name, expected in self._signature().items():
            got = state["belongs to"][name]
            if got != expected:
                raise ValueError(
                    f"fit: resume: {path} is of another run: its {name} must be {expected}, "
                    f"got {got}"
                )
        self.model.theta[:] = state["theta"]
        self.model.stepped()
        self.optimizer.go_on(self.model, state["memory"], state["t"])
        self.recorder.steps[:] = state["steps"]
        self.recorder.interactions[:] = state["interactions"]
        self.recorder.evaluations[:] = state["evaluations"]
        self.early_stop.set_state(state["early stop"])

        moving = state["moving"]
        self.batches.set_to_come(moving["to come"])
        own_for_saved = {}  # id of a generator from the file -> the one in use
        for own, saved in zip(self.generators, moving["generators"]):
            own.bit_generator.state = saved.bit_generator.state
            own_for_saved[id(saved)] = own
        if self.rule is not None:
            # deepcopy takes what its memo names as copied already.
            vars(self.rule).update(deepcopy(moving["rule"], own_for_saved))


def _load(path):
    with open(path, "rb") as file:
        try:
            state = pickle.load(file)
            is_run = state["kind"] == _KIND
        except Exception as error:  # a damaged file fails in a dozen ways
            raise ValueError(f"fit: resume: {path} is not a readable run: {error}") from error
    if not is_run:
        raise ValueError(f"fit: resume: {path} must be a {_KIND}, got {state['kind']!r}")
    return state


def _remembering(rule):
    """The object whose attributes are what the rule remembers; None if it has none."""
    owner = getattr(rule, "__self__", rule)  # of a method
    return owner if hasattr(owner, "__dict__") else None


def _generators(model, rng):
    """Every generator once: that of the batches, then those that modules hold."""
    found = [] if rng is None else [rng]
    for module in model.modules():
        found += [v for v in vars(module).values() if isinstance(v, np.random.Generator)]
    return list({id(generator): generator for generator in found}.values())
