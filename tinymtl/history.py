"""What a training run records, how it takes a step back, and when it stops early.

History      what `fit` returns: arrays over the steps
Recorder     writes down what happens, and makes a History of it
LiveHistory  what a callback sees: the History of a run that is under way
Undo         the parameters, and the optimiser's memory, before the last step
EarlyStop    the best parameters on held-out data so far
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from os import PathLike
from typing import NamedTuple

import numpy as np

from . import checks
from .interaction import cosines, gramian, predicted_change
from .optim import Optimizer
from .sharing import Sharing


def _nothing() -> np.ndarray:
    return np.zeros(0)


@dataclass(repr=False)
class History:
    """What happened in training; a row for each step that was made.

    A step that was taken back, because it diverged or was not finished, has no row. `tasks` are the
    tasks with training data.

    Why the run ended:
        stopped: one word.
            finished       all steps were made
            patience       the held-out data was evaluated often enough without a new best
            callback       the callback returned True
            interrupted    Ctrl-C
            refused        the rule found no weights, e.g. where no direction is good for all tasks
            diverged       a loss, the penalty or a parameter became not finite
            failed         a loss, a rule, an optimiser or a callback raised an error
        reason: a sentence.
    Where the run ended in an exception (diverged, failed), this History is its attribute `history`.

    Of every step:
        losses[t] (steps,): the raw loss of task t before the step, NaN where a batch had no label.
        weights[t] (steps,): its weight, 0 where a batch had no label. (The weights of a rule of
            the Gramian are for the shared parameters alone: see `weight_own` of `fit`.)
        penalty (steps,): what the model's penalty added to the total.
        seconds (steps,): time spent in training steps so far.
        epochs[t]: how often the data of task t was gone through in total.

    At `cosine_steps` (K,), of the tasks' gradients on the shared parameters, or, if
    `aligned_copies`, of each task's gradient on its own copy of the trunk:
        cosines (K, T, T): the cosine of the angle between two tasks' gradients.
        norms (K, T): their lengths.

    At the same steps, what the step of the shared parameters does to each loss, to first order.
    Above 0 is harm. Both are empty if nothing is shared.
        predicted (K, T): −η G w, if the step is plain gradient descent.
        effects (K, T): J Δθ of the step really taken.

    At `held_out_steps` (M,), the numbers of steps made:
        held_out[t] (M,): the loss of task t on the held-out data.
        best_step: the one of these with the least total, or the least value of `judge`.

    >>> import tinymtl as mtl
    >>> rng = np.random.default_rng(0)
    >>> data, _ = mtl.datasets.related_tasks(rng, relatedness=0.5)
    >>> heads = {"a": mtl.Dense(4, 1, rng), "b": mtl.Dense(4, 1, rng)}
    >>> model = mtl.HardSharing(mtl.Sequential(mtl.Dense(8, 4, rng), mtl.tanh), heads)
    >>> losses = {"a": mtl.mse, "b": mtl.mse}
    >>> history = mtl.fit(model, data, losses, optimizer=mtl.SGD(0.01), steps=20)
    >>> history.stopped, history.losses["a"].shape
    ('finished', (20,))
    """

    tasks: list[str]
    aligned_copies: bool = False
    stopped: str = "finished"
    reason: str = ""
    losses: dict = field(default_factory=dict)
    weights: dict = field(default_factory=dict)
    penalty: np.ndarray = field(default_factory=_nothing)
    seconds: np.ndarray = field(default_factory=_nothing)
    epochs: dict = field(default_factory=dict)
    cosine_steps: np.ndarray = field(default_factory=_nothing)
    cosines: np.ndarray = field(default_factory=_nothing)
    norms: np.ndarray = field(default_factory=_nothing)
    predicted: np.ndarray = field(default_factory=_nothing)
    effects: np.ndarray = field(default_factory=_nothing)
    held_out_steps: np.ndarray = field(default_factory=_nothing)
    held_out: dict = field(default_factory=dict)
    best_step: int | None = None

    def __post_init__(self):
        for by_task in (self.losses, self.weights, self.held_out):
            for task in self.tasks:
                by_task.setdefault(task, _nothing())

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended the run."""
        return self.stopped == "interrupted"

    @property
    def weighted(self) -> dict:
        """w_t L_t by task and step."""
        return {t: self.weights[t] * self.losses[t] for t in self.tasks}

    @property
    def total(self) -> np.ndarray:
        """Σ_t w_t L_t by step, over the tasks with labels, without the penalty."""
        return np.nansum(list(self.weighted.values()), axis=0)

    def __repr__(self):
        """One line: the number of steps, and the last loss of every task.

        >>> History(["a"], losses={"a": np.array([2.0, 0.5])}, penalty=np.zeros(2))
        History(2 steps; a 0.5 at the end)
        """
        steps = len(self.penalty)
        heading = "1 step" if steps == 1 else f"{steps} steps"
        if self.stopped != "finished":
            heading += f", {_ENDINGS.get(self.stopped, self.stopped)}"
        if steps == 0:
            return f"History({heading})"
        return f"History({'; '.join([heading, *self._last_losses(steps)])})"

    def _last_losses(self, steps) -> list[str]:
        """Phrases: the losses at the end together, then one for each task without a label there."""
        at_the_end = []
        others = []
        for task in self.tasks:
            labelled = np.flatnonzero(~np.isnan(self.losses[task]))
            if not len(labelled):
                others.append(f"{task} never had a label")
                continue
            last = labelled[-1]
            loss = f"{task} {self.losses[task][last]:.3g}"
            if last == steps - 1:
                at_the_end.append(loss)
            else:
                others.append(f"{loss} at step {last}, its last with a label")
        if at_the_end:
            return [f"{', '.join(at_the_end)} at the end", *others]
        return others

    def to_csv(self, path: str | PathLike):
        """Write a table for a spreadsheet: the names of the columns, then a row for each step.

            step, loss of each task, weight of each task, penalty, seconds, held-out of each task

        All of a row belongs to the parameters after `step` steps: the losses before the next step,
        and the held-out losses. A held-out loss after the last step has a row of its own. Cells
        without a number are empty: losses of a batch without a label, and held-out losses of steps
        that were not evaluated. Numbers are written in full, so that reading them gives the same.

        >>> import tempfile
        >>> history = History(
        ...     ["a"],
        ...     losses={"a": np.array([2.0, 0.5])},
        ...     weights={"a": np.ones(2)},
        ...     penalty=np.zeros(2),
        ...     seconds=np.array([0.25, 0.5]),
        ... )
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     history.to_csv(f"{folder}/run.csv")
        ...     with open(f"{folder}/run.csv") as file:
        ...         print(file.read().strip())
        step,loss a,weight a,penalty,seconds
        0,2.0,1.0,0.0,0.25
        1,0.5,1.0,0.0,0.5
        """
        path = checks.path("to_csv", "path", path)
        evaluated = [task for task, losses in self.held_out.items() if len(losses)]
        names = ["step"]
        names += [f"loss {task}" for task in self.tasks]
        names += [f"weight {task}" for task in self.tasks]
        names += ["penalty", "seconds"]
        names += [f"held-out {task}" for task in evaluated]

        steps_made = len(self.penalty)
        evaluation_at = {int(step): i for i, step in enumerate(self.held_out_steps)}
        with open(path, "w", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, names, restval="")
            table.writeheader()
            for k in range(max([steps_made, *(step + 1 for step in evaluation_at)])):
                row = {"step": k}
                if k < steps_made:
                    row |= self._row_of_step(k)
                if k in evaluation_at:
                    i = evaluation_at[k]
                    row |= {f"held-out {t}": float(self.held_out[t][i]) for t in evaluated}
                table.writerow(row)

    def _row_of_step(self, k):
        """The cells of step k by the names of their columns."""
        row = {"penalty": float(self.penalty[k]), "seconds": float(self.seconds[k])}
        for task in self.tasks:
            loss = float(self.losses[task][k])
            row[f"loss {task}"] = "" if math.isnan(loss) else loss
            row[f"weight {task}"] = float(self.weights[task][k])
        return row


_ENDINGS = {"patience": "stopped early", "callback": "stopped by the callback"}


class _StepRecord(NamedTuple):
    losses: Mapping[str, float]  # of the tasks with labels
    weights: Mapping[str, float]  # of the same tasks
    penalty: float
    seconds: float  # that this step took


class _InteractionRecord(NamedTuple):
    step: int
    cosines: np.ndarray  # (T, T)
    norms: np.ndarray  # (T,)
    predicted: np.ndarray  # (T,)
    effects: np.ndarray  # (T,)


class _EvaluationRecord(NamedTuple):
    steps_made: int
    losses: Mapping[str, float]  # of the tasks with held-out data


class Recorder:
    """Writes down what happens in a run, with one method for each kind of record.

    A record is one append, so that Ctrl-C cannot leave half of one. A step counts as made from the
    moment in which `step` has recorded it: that comes last.
    """

    def __init__(self, model: Sharing, tasks: list[str]):
        """tasks: those with training data."""
        T = len(tasks)
        self.tasks = list(tasks)
        self.P = model.P
        self.steps = []
        self.interactions = []
        self.evaluations = []
        self._of_steps = _Table(self._row_of_step, (2 * T + 2,))
        self._of_interactions = _Table(self._row_of_interaction, (T + 3, T))

    @property
    def steps_made(self) -> int:
        return len(self.steps)

    def step(self, losses, weights, penalty, seconds):
        """losses, weights: task -> number, of the tasks with labels."""
        self.steps.append(_StepRecord(losses, weights, penalty, seconds))

    def interaction(self, step, tasks, J, w, Δθ, η):
        """How the tasks with labels act on each other at this step; NaN for the others.

        J (rows of tasks, P): gradients on the shared parameters, or on aligned copies. w: their
        weights. Δθ (P,): what the step did to the shared parameters. η: the learning rate.
        """
        T = len(self.tasks)
        at = [self.tasks.index(task) for task in tasks]
        G = gramian(J)
        ρ = np.full((T, T), np.nan)
        norms, predicted, effects = np.full((3, T), np.nan)
        ρ[np.ix_(at, at)] = cosines(G)
        norms[at] = np.sqrt(np.diag(G))
        if self.P:
            predicted[at] = predicted_change(G, w, η)
            effects[at] = J.astype(np.float64) @ Δθ
        self.interactions.append(_InteractionRecord(step, ρ, norms, predicted, effects))

    def interactions_made(self) -> list:
        """Those of the steps that were made: they are recorded before the step is."""
        return [record for record in self.interactions if record.step < self.steps_made]

    def take_back(self):
        """The last step does not count as made, nor what was seen of it and after it."""
        made = self.steps_made - 1
        self.evaluations = [record for record in self.evaluations if record.steps_made <= made]
        self.steps.pop()

    def evaluation(self, steps_made, losses):
        """losses: task -> number, on the held-out data after so many steps."""
        self.evaluations.append(_EvaluationRecord(steps_made, losses))

    def last_losses(self) -> dict[str, float]:
        """The losses in the last step made, NaN for tasks without labels."""
        losses = self.steps[-1].losses
        return {task: losses.get(task, math.nan) for task in self.tasks}

    def history(
        self, epochs: dict, best_step: int | None, stopped: str = "finished", reason: str = ""
    ) -> History:
        """All that was recorded of the steps that were made."""
        T = len(self.tasks)
        rows = self._of_steps.of(self.steps)  # (steps, 2 T + 2)
        interactions = self.interactions_made()
        effects = self._of_interactions.of(interactions)  # (K, T + 3, T)
        of_shared = effects if self.P else effects[:0]
        evaluations = self.evaluations
        evaluated = evaluations[0].losses if evaluations else {}
        return History(
            tasks=list(self.tasks),
            aligned_copies=self.P == 0,
            stopped=stopped,
            reason=reason,
            losses={task: rows[:, i].copy() for i, task in enumerate(self.tasks)},
            weights={task: rows[:, T + i].copy() for i, task in enumerate(self.tasks)},
            penalty=rows[:, -2].copy(),
            seconds=np.cumsum(rows[:, -1]),
            epochs=epochs,
            cosine_steps=np.array([record.step for record in interactions]),
            cosines=effects[:, :T].copy(),
            norms=effects[:, T].copy(),
            predicted=of_shared[:, T + 1].copy(),
            effects=of_shared[:, T + 2].copy(),
            held_out_steps=np.array([record.steps_made for record in evaluations]),
            held_out=_by_task(evaluated, [record.losses for record in evaluations]),
            best_step=best_step,
        )

    def _row_of_step(self, record):
        losses = [record.losses.get(task, math.nan) for task in self.tasks]
        weights = [record.weights.get(task, 0.0) for task in self.tasks]
        return [*losses, *weights, record.penalty, record.seconds]

    def _row_of_interaction(self, record):
        return [*record.cosines, record.norms, record.predicted, record.effects]


class _Table:
    """Records as rows of numbers. Each record is made a row once, however often one asks."""

    def __init__(self, row: Callable, shape: tuple):
        """row: record -> numbers of this shape."""
        self.row = row
        self.shape = shape
        self.rows = np.zeros((0, *shape))

    def of(self, records: list) -> np.ndarray:
        """The rows of all records. Since the last call, records were added or taken off the end."""
        n = min(len(self.rows), len(records))
        new = [self.row(record) for record in records[n:]]
        if new:
            self.rows = np.concatenate([self.rows[:n], np.array(new, np.float64)])
        else:
            self.rows = self.rows[:n]
        return self.rows


def _by_task(tasks, rows):
    """A mapping by task for each row → for each task an array over the rows."""
    return {task: np.array([row[task] for row in rows], np.float64) for task in tasks}


class LiveHistory:
    """The History of a run that is under way, as a callback of `fit` sees it.

    It has the attributes of a History, and they grow with the run. `stopped` is "running". They are
    copies that are made when they are asked for.
    """

    def __init__(self, history_now: Callable[[], History]):
        self._history_now = history_now

    def __getattr__(self, name):
        return getattr(self._history_now(), name)

    def __repr__(self):
        return repr(self._history_now())


class Undo:
    """What the last step changed, as it was before: parameters, and the optimiser's memory.

    The places are those that this step moves: all of θ, but of sparse tables only the rows that
    were looked up.
    """

    def __init__(self, model: Sharing, optimizer: Optimizer):
        self.model = model
        self.optimizer = optimizer
        self.saved = (-1, optimizer._of, optimizer.t, [])
        self._room = {}  # where copies go; it is used again in every step, which is faster

    def remember(self, step: int):
        """Call this between the gradient of a step and the step itself."""
        optimizer = self.optimizer
        arrays = [self.model.theta]
        if optimizer._of is self.model:  # not so before its first step: no memory yet
            arrays += [getattr(optimizer, name) for name in optimizer.memory]
        before = []
        for at in self.model.touched():
            for i, array in enumerate(arrays):
                before.append((array, at, self._copy(i, array, at)))
        # One assignment: Ctrl-C cannot come between its parts.
        self.saved = (step, optimizer._of, optimizer.t, before)

    def _copy(self, i, array, at):
        if not isinstance(at, slice):
            return array[at]  # an index makes a copy
        key = (i, at.start)
        numbers = array[at]
        if key not in self._room or self._room[key].shape != numbers.shape:
            self._room[key] = np.empty_like(numbers)
        np.copyto(self._room[key], numbers)
        return self._room[key]

    def is_finite(self) -> bool:
        """Whether the last step led to finite parameters."""
        θ = self.model.theta
        *_, before = self.saved
        return all(np.isfinite(θ[at]).all() for array, at, _ in before if array is θ)

    def put_back(self):
        """Take the last step back."""
        _, of, t, before = self.saved
        for array, at, numbers in before:
            array[at] = numbers
        self.optimizer._of = of  # None before its first step, which then makes the memory anew
        self.optimizer.t = t
        self.model.stepped()

    def put_back_unfinished(self, steps_made: int):
        """Take the last step back if it does not count as made."""
        step, *_ = self.saved
        if step >= steps_made:
            self.put_back()


class _Best(NamedTuple):
    value: float
    step: int | None
    theta: np.ndarray | None


class EarlyStop:
    """The step with the least value on held-out data, and whether it is time to stop.

    The value is what `judge` makes of the losses by task. With `patience` it is time to stop after
    so many evaluations without a new least value, and the parameters of the best step are kept.
    Without patience it is never time.
    """

    def __init__(self, model: Sharing, judge: Callable[[dict], float], patience: int | None):
        self.model = model
        self.judge = judge
        self.patience = patience
        self.best = _Best(math.inf, None, None)
        self.since_best = 0  # evaluations
        self.compared = None  # after how many steps the last comparison was made
        self.before = (self.best, 0)  # best and since_best before it

    def value(self, losses: Mapping[str, float]) -> float:
        """What the judge makes of the losses on held-out data."""
        return checks.number("fit", "what judge returns", self.judge(dict(losses)))

    def compare(self, step: int, value: float):
        """Compare the value after so many steps with the best so far."""
        self.before = (self.best, self.since_best)
        self.compared = step
        self.since_best += 1
        if math.isnan(value):
            value = math.inf
        if self.best.step is None or value < self.best.value:  # the start is always kept
            θ = None if self.patience is None else self.model.theta.copy()
            self.best = _Best(value, step, θ)
            self.since_best = 0

    @property
    def is_time_to_stop(self) -> bool:
        return self.patience is not None and self.since_best >= self.patience

    def take_back(self, steps_made: int):
        """Forget a comparison after a step that does not count as made."""
        if self.compared is not None and self.compared > steps_made:
            self.best, self.since_best = self.before
            self.compared = None

    def state(self) -> dict:
        """What is remembered; `set_state` puts it back."""
        names = ("best", "since_best", "compared", "before")
        return {name: getattr(self, name) for name in names}

    def set_state(self, state: dict):
        vars(self).update(state)

    def put_back_best(self):
        """Put back the best parameters, if they were kept."""
        if self.best.theta is not None:
            self.model.theta[:] = self.best.theta
            self.model.stepped()
