"""One step of joint training: losses → weights → gradient → optimiser → record.

Diverged    what is raised where a number is not finite
Step        makes the step, and checks on the way all that it depends on
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from .batches import Batches
from .history import Recorder, Undo
from .interaction import gramian
from .losses import combine
from .optim import Optimizer
from .rules import FixedWeights, WeightsOfRule
from .sharing import NamesTheTask, Sharing, task_losses
from .tensor import Tensor


class Diverged(FloatingPointError):
    """What `fit` raises where a loss, the penalty or a parameter is not finite."""


# The step


@dataclass
class Step:
    """One step of training: losses → weights → gradient → optimiser → record.

    J holds the gradients on the shared parameters, or, where nothing is shared, on aligned copies.
    It is computed only if a rule needs it, or if the step is watched: its cosines are recorded.
    """

    model: Sharing
    batches: Batches
    losses: Mapping[str, Callable]
    weigh: FixedWeights | WeightsOfRule
    optimizer: Optimizer
    steps: int
    cosines_every: int | None
    all_reduce: Callable | None
    undo: Undo
    recorder: Recorder

    def __post_init__(self):
        self.checked = set()  # tasks whose losses were seen once
        self.first = None  # the first step of this run

    def __call__(self, k):
        """Step k, counted from 0."""
        started = time.perf_counter()
        if self.first is None:
            self.first = k
        model = self.model
        progress = k / self.steps
        watched = self.cosines_every is not None and k % self.cosines_every == 0

        batch = self.batches.next()
        with NamesTheTask("fit: data", batch, self.losses_of):
            L = self.losses_of(batch)  # task -> scalar tensor
        values = self.checked_values(L, k)  # (T,)
        penalty = self.checked_penalty(k)
        if self.weigh.needs_gramian:
            w, J = self.gradient_from_jacobian(L, values, penalty)
        else:
            w, J = self.gradient_in_one_pass(L, values, penalty, watched)

        θ_before = model.theta[: model.P].copy() if watched else None
        self.undo.remember(k)
        self.optimizer.step(model, progress)

        if watched:
            Δθ = model.theta[: model.P] - θ_before  # (P,)
            η = self.optimizer.rate(progress)
            self.recorder.interaction(k, list(L), J, list(w.values()), Δθ, η)
        seconds = time.perf_counter() - started
        self.recorder.step(dict(zip(L, values.tolist())), w, float(penalty), seconds)

    def losses_of(self, batch):
        return task_losses(self.model, batch, self.losses)

    def checked_values(self, L, k):
        """The losses as numbers (T,), each the mean over all workers, if all of them are finite."""
        if len(self.checked) < len(self.batches.data):
            new = {task: loss for task, loss in L.items() if task not in self.checked}
            _check_losses(new, self.model)
            self.checked |= new.keys()
        values = np.array([float(loss) for loss in L.values()])
        self.to_mean_over_workers(values)
        if len(L) < len(self.batches.data):  # a task without labels has no loss that would tell
            check_last_step(self.undo, self.recorder)
        for task, value in zip(L, values):
            if not math.isfinite(value):
                self.diverged(f"the loss of task {task!r}", value, k)
        return values

    def checked_penalty(self, k):
        """The penalty as a scalar tensor, if it is finite."""
        if k == self.first:
            _check_penalty(self.model)
        penalty = self.model.penalty()
        if not math.isfinite(float(penalty)):
            self.diverged("the penalty", float(penalty), k)
        return penalty

    def diverged(self, what, value, k):
        """The step before this one led to parameters that are no good."""
        if k == self.first:
            raise Diverged(
                f"fit: {what} is {value} at step {k}, before this run changed the parameters"
            )
        self.recorder.take_back()
        raise Diverged(
            f"fit: {what} became {value} at step {k}; the last good parameters are put back"
        )

    def gradient_in_one_pass(self, L, values, penalty, watched):
        """`model.grad` = ∇(Σ_t w_t L_t + penalty), for weights that need no Gramian.

        Returns w, and in a watched step J (T, P), for which every task costs one pass more.
        """
        model = self.model
        J = None
        if watched:
            J = model.trunk_jacobian(L)
            self.to_mean_over_workers(J)
        w = self.weigh(list(L), values)

        model.zero_grad()
        total = combine(L, w) + penalty if L else penalty
        if total.needs_grad:  # not so if no task has a label, or every weight is 0
            total.backward()
        if self.all_reduce is not None:
            self.all_reduce(model.grad)
            model.touch_all()  # other workers looked up other rows of sparse tables
        return w, J

    def gradient_from_jacobian(self, L, values, penalty):
        """`model.grad` = [Jᵀ w | ∇ of each task's own parameters] + ∇penalty, for a rule of G.

        Returns w and J (T, P).
        """
        model = self.model
        model.zero_grad()
        J = model.backward_by_task(L)  # and own parameters have their gradient in model.grad
        if self.all_reduce is not None:
            self.all_reduce(J)
            self.all_reduce(model.grad[model.P :])
            model.touch_all()

        # Elsewhere J is 0: in frozen parameters, and in rows of sparse tables not looked up. They
        # are left out, because a table may be so large that all of J Jᵀ would cost much more.
        places = _places_between(0, model.P, model.touched())
        columns = [J[:, at] for at in places]
        G = sum((gramian(block) for block in columns), np.zeros((len(L), len(L))))
        w = self.weigh(list(L), values, G)  # task -> weight
        weights = np.array(list(w.values()))  # (T,)
        for at, block in zip(places, columns):
            model.grad[at] = weights @ block.astype(np.float64, copy=False)
        if self.weigh.weight_own:
            self.weight_own_gradients(w)
        if penalty.needs_grad:
            penalty.backward()
        return w, J

    def weight_own_gradients(self, w):
        """Multiply the gradient of each task's own parameters by the task's weight."""
        grad = self.model.grad
        touched = self.model.touched()
        for task, w_t in w.items():
            for at in _places_between(*self.model.own_range(task), touched):
                grad[at] = w_t * grad[at].astype(np.float64)

    def to_mean_over_workers(self, array):
        if self.all_reduce is not None:
            self.all_reduce(array)


def _places_between(start, stop, places):
    """Those of these places of θ that lie in [start, stop), each once."""
    inside = []
    for at in places:
        if isinstance(at, slice):
            first = max(at.start, start)
            past = min(at.stop, stop)
            if first < past:
                inside.append(slice(first, past))
        else:
            inside.append(np.unique(at[(start <= at) & (at < stop)]))
    return inside


# Checks of what training depends on


def _check_losses(L, model):
    """Every loss is a scalar tensor. It depends on parameters, and only on those in θ."""
    of_model = {id(parameter) for parameter in model.ordered_parameters()}
    seen = set()
    for task, loss in L.items():
        what = f"the loss of task {task!r}"
        _check_scalar(what, loss)
        if not loss.needs_grad:
            raise ValueError(
                f"fit: {what} depends on no parameter that is trained (are all frozen?), "
                "so nothing can be learned from it"
            )
        _check_in_theta(what, loss, of_model, seen)


def _check_penalty(model):
    """A penalty of the user's own is checked like a loss.

    It may be a constant if it is 0, or if it is that of frozen parameters.
    """
    if not callable(model.l2):
        return
    penalty = model.l2(model)
    _check_scalar("the penalty l2", penalty)
    some_are_frozen = any(parameter.frozen for parameter in model.parameters())
    if not penalty.needs_grad and float(penalty) != 0 and not some_are_frozen:
        raise ValueError("fit: the penalty l2 depends on no parameter, so it has no effect")
    of_model = {id(parameter) for parameter in model.ordered_parameters()}
    _check_in_theta("the penalty l2", penalty, of_model, set())


def _check_scalar(what, value):
    if not isinstance(value, Tensor) or value.shape != ():
        got = getattr(value, "shape", type(value).__name__)
        raise TypeError(f"fit: {what} must be a scalar Tensor, got {got}")


def _check_in_theta(what, value, of_model, seen):
    for parameter in _parameters_below(value, seen):
        if id(parameter) not in of_model:
            raise ValueError(
                f"fit: {what} uses a parameter that is not in the model's "
                "theta; expected all parameters in modules that the model was built from"
            )


def _parameters_below(loss, seen):
    """The parameters in the loss's graph. What was seen below another loss is not walked again."""
    waiting = [loss]
    while waiting:
        for parent, _ in waiting.pop().pairs:
            if id(parent) in seen:
                continue
            seen.add(id(parent))
            waiting.append(parent)
            if parent.grad is not None:
                yield parent


def check_last_step(undo, recorder):
    """The last step that was made led to finite parameters."""
    if not undo.is_finite():
        recorder.take_back()
        raise Diverged(
            f"fit: a parameter became not finite at step {recorder.steps_made}; "
            "the last good parameters are put back"
        )
