"""What a training run records, how it takes a step back, and when it stops early.

History      what `fit` returns: arrays over the steps
Recorder     writes down what happens, and makes a History of it in the end
Undo         the parameters before the last step
EarlyStop    the best parameters on held-out data so far
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from .interaction import cosines, gramian, predicted_change
from .sharing import Sharing


def _nothing() -> np.ndarray:
    return np.zeros(0)


@dataclass(repr=False)
class History:
    """What happened in training; a row for each step that was made.

    Of every step:
        losses[t] (steps,): the raw loss of task t before the step, NaN where a batch had no label.
        weights[t] (steps,): its weight, 0 where a batch had no label.
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
        best_step: the one of these with the least total.

    interrupted: whether Ctrl-C ended the run.
    """

    tasks: list[str]
    aligned_copies: bool = False
    interrupted: bool = False
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
        if self.interrupted:
            heading += ", interrupted"
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

    def __init__(self, model: Sharing):
        self.tasks = list(model.tasks)
        self.P = model.P
        self.steps = []
        self.interactions = []
        self.evaluations = []

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

    def evaluation(self, steps_made, losses):
        """losses: task -> number, on the held-out data after so many steps."""
        self.evaluations.append(_EvaluationRecord(steps_made, losses))

    def last_losses(self) -> dict[str, float]:
        """The losses in the last step made, NaN for tasks without labels."""
        losses = self.steps[-1].losses
        return {task: losses.get(task, math.nan) for task in self.tasks}

    def history(self, epochs: dict, best_step: int | None, interrupted: bool) -> History:
        """All that was recorded of the steps that were made."""
        steps = self.steps
        interactions = [record for record in self.interactions if record.step < self.steps_made]
        of_shared = interactions if self.P else []
        evaluations = self.evaluations
        evaluated = evaluations[0].losses if evaluations else {}
        return History(
            tasks=self.tasks,
            aligned_copies=self.P == 0,
            interrupted=interrupted,
            losses=_by_task(self.tasks, [record.losses for record in steps], absent=math.nan),
            weights=_by_task(self.tasks, [record.weights for record in steps], absent=0.0),
            penalty=np.array([record.penalty for record in steps]),
            seconds=np.cumsum([record.seconds for record in steps]),
            epochs=epochs,
            cosine_steps=np.array([record.step for record in interactions]),
            cosines=np.array([record.cosines for record in interactions]),
            norms=np.array([record.norms for record in interactions]),
            predicted=np.array([record.predicted for record in of_shared]),
            effects=np.array([record.effects for record in of_shared]),
            held_out_steps=np.array([record.steps_made for record in evaluations]),
            held_out=_by_task(evaluated, [record.losses for record in evaluations]),
            best_step=best_step,
        )


def _by_task(tasks, rows, absent=math.nan):
    """A mapping by task for each row → for each task an array over the rows."""
    return {task: np.array([row.get(task, absent) for row in rows], np.float64) for task in tasks}


class Undo:
    """The parameters as they were before the last step, in the places that this step moves.

    These places are all of θ, but of sparse tables only the rows that were looked up.
    """

    def __init__(self, model: Sharing):
        self.model = model
        self.saved = (-1, [])  # (step, [(place of θ, the numbers there before the step)])

    def remember(self, step: int):
        """Call this between the gradient of a step and the step itself."""
        θ = self.model.theta
        before = [(at, θ[at].copy()) for at in self.model.touched()]
        self.saved = (step, before)  # one assignment: Ctrl-C cannot come between its parts

    def is_finite(self) -> bool:
        """Whether the last step led to finite numbers."""
        _, before = self.saved
        return all(np.isfinite(self.model.theta[at]).all() for at, _ in before)

    def put_back(self):
        """Take the last step back."""
        _, before = self.saved
        for at, numbers in before:
            self.model.theta[at] = numbers
        self.model.stepped()

    def put_back_unfinished(self, steps_made: int):
        """After Ctrl-C: take the last step back if it does not count as made."""
        step, _ = self.saved
        if step >= steps_made:
            self.put_back()


class _Best(NamedTuple):
    total: float
    step: int | None
    theta: np.ndarray | None


class EarlyStop:
    """The step with the least total on held-out data, and whether it is time to stop.

    The total is Σ_t w_t L_t over the tasks with held-out data. With `patience` it is time to stop
    after so many evaluations without a new least total, and the parameters of the best step are
    kept. Without patience it is never time.
    """

    def __init__(self, model: Sharing, weights: Mapping[str, float], patience: int | None):
        self.model = model
        self.weights = weights
        self.patience = patience
        self.best = _Best(math.inf, None, None)
        self.since_best = 0  # evaluations

    def judge(self, step: int, losses: Mapping[str, float]):
        """Compare the losses on held-out data after so many steps with the best so far."""
        total = sum(self.weights[task] * loss for task, loss in losses.items())
        self.since_best += 1
        if total < self.best.total:
            θ = None if self.patience is None else self.model.theta.copy()
            self.best = _Best(total, step, θ)
            self.since_best = 0

    @property
    def is_time_to_stop(self) -> bool:
        return self.patience is not None and self.since_best >= self.patience

    def put_back_best(self):
        """The parameters of the best step, if they were kept."""
        if self.best.theta is not None:
            self.model.theta[:] = self.best.theta
            self.model.stepped()
