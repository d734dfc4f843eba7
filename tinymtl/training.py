"""Joint training: every step sees a batch of every task and moves all parameters once.

What `fit` does in a step is a few lines that a reader can write in its place:

    outputs = model({t: x for t, (x, *_) in batch.items()})
    L = {t: losses[t](outputs[t], *y) for t, (_, *y) in batch.items()}  # y: targets[, mask]
    total = weighted_sum(L, weights) + model.penalty()
    model.zero_grad()
    total.backward()
    optimizer.step(model, k / steps)

The first two lines are `task_losses`. The rest of this file is about weights that a rule chooses,
and about what can go wrong.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from . import checks
from .batches import Batches, checked_data
from .history import EarlyStop, History, Recorder, Undo
from .interaction import gramian
from .losses import combine
from .optim import Optimizer
from .sharing import Sharing, task_losses
from .tensor import Tensor, jacobian, no_grad
from .weighting import needs_gramian


def fit(
    model: Sharing,
    data: Mapping[str, tuple],
    losses: Mapping[str, Callable],
    *,
    optimizer: Optimizer,
    steps: int,
    weights: Mapping[str, float] | Callable | None = None,
    batch_size: int | Mapping[str, int] | None = None,
    rng: np.random.Generator | None = None,
    cosines_every: int | None = None,
    held_out: Mapping[str, tuple] | None = None,
    evaluate_every: int = 10,
    patience: int | None = None,
    all_reduce: Callable[[np.ndarray], object] | None = None,
    quiet: bool = False,
) -> History:
    """Train all tasks jointly: `steps` times one step along the gradient of Σ_t w_t L_t + penalty.

    data: task -> (inputs, targets) or (inputs, targets, mask). Inputs are an array or a tuple of
        arrays, with the examples along the first axis. The mask is True where a label is present;
        masked targets are ignored and may be NaN.
    losses: task -> function (output, targets[, mask]) -> scalar tensor.

    optimizer: changes the parameters. It is told k / steps in step k, so that its learning rate can
        follow a schedule.
    steps: the number of steps.

    weights: None (all 1), task -> number, or a rule (losses (T,), gramian (T, T)) -> weights (T,).
        A rule whose second argument has the default None costs one backward pass. Any other rule
        costs T rows of the Jacobian. Weights are held constant in the step, and they count for the
        heads too: the step is literally the gradient of Σ_t w_t L_t. (The literature is divided;
        some leave heads unweighted.) Tasks without a label in a batch are left out before a rule is
        asked. A rule that has an attribute `tasks` finds the names of the rows there.

    batch_size: examples in a step, one number or task -> number; None means all. A batch is the
        next examples in shuffled order. So a short data set is gone through more often, which is
        oversampling; `History.epochs` counts. Tasks with the very same inputs and batch size get
        the same examples.
    rng: draws the minibatches; needed only if there are any.

    cosines_every: record the cosines between the tasks' gradients every so many steps.
    held_out: data like `data`, of some tasks or all. It is evaluated every `evaluate_every` steps
        and after the last one.
    patience: stop after so many evaluations without a new least Σ_t w_t L_t on the held-out data
        (w_t = 1 under a rule), and put the best parameters back.

    all_reduce: changes an array in place to its mean over workers. It is called on the losses, then
        on the gradients.
    quiet: show no progress, which otherwise is one line on standard error where that is a terminal.

    Dropout is on in training. Ctrl-C returns what was learned so far.

    A loss that is not finite is a FloatingPointError that names task and step. The last good
    parameters are put back then, but not the optimiser's memory: make a new optimiser. Arguments
    that do not fit are a ValueError or a TypeError.
    """
    data = checked_data("fit", "data", data, model, losses)
    checks.same_tasks("fit", "data", data, model.tasks)
    if held_out is not None:
        held_out = checked_data("fit", "held_out", held_out, model, losses)
    _check_numbers(steps, cosines_every, evaluate_every, patience)
    if patience is not None and held_out is None:
        raise ValueError("fit: patience needs held_out data to judge by")
    batches = Batches(data, batch_size, rng)
    weigh = _weighing(weights, model)

    undo = Undo(model)
    recorder = Recorder(model)
    early_stop = EarlyStop(model, weigh.on_held_out, patience)
    progress = _Progress(steps, quiet)
    step = _Step(
        model, batches, losses, weigh, optimizer, steps, cosines_every, all_reduce, undo, recorder
    )

    interrupted = False
    _keep_freed_memory()
    model.train()
    try:
        # NumPy need not warn: our own checks find numbers that are not finite, and say whose.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            for k in range(steps):
                step(k)
                progress.show(recorder)
                is_due = (k + 1) % evaluate_every == 0 or k + 1 == steps
                if held_out is not None and is_due:
                    held_out_losses = _evaluate(model, held_out, losses)
                    recorder.evaluation(k + 1, held_out_losses)
                    early_stop.judge(k + 1, held_out_losses)
                    if early_stop.is_time_to_stop:
                        break
            _check_parameters(model, undo, recorder.steps_made)
    except KeyboardInterrupt:
        undo.put_back_unfinished(recorder.steps_made)
        interrupted = True
    finally:
        progress.close()

    early_stop.put_back_best()
    epochs = batches.epochs(recorder.steps_made)
    return recorder.history(epochs, early_stop.best.step, interrupted)


def evaluate(
    model: Sharing, data: Mapping[str, tuple], losses: Mapping[str, Callable]
) -> dict[str, float]:
    """Each task's loss on all of its data, with dropout off: task -> number.

    data: task -> (inputs, targets) or (inputs, targets, mask), as in `fit`. Tasks of the model may
        be left out.
    losses: task -> function (output, targets[, mask]) -> number. Any such function will do, not
        only a loss.
    """
    data = checked_data("evaluate", "data", data, model, losses)
    return _evaluate(model, data, losses)


def _evaluate(model, data, losses):
    modes = [(module, module.training) for module in model.modules()]
    model.train(False)
    try:
        with no_grad():
            return {t: float(loss) for t, loss in task_losses(model, data, losses).items()}
    finally:
        for module, training in modes:
            module.training = training


def _check_numbers(steps, cosines_every, evaluate_every, patience):
    checks.whole_number("fit", "steps", steps)
    checks.whole_number("fit", "evaluate_every", evaluate_every, 1)
    if cosines_every is not None:
        checks.whole_number("fit", "cosines_every", cosines_every, 1)
    if patience is not None:
        checks.whole_number("fit", "patience", patience, 1)


def _keep_freed_memory():
    """Make a step up to 2 × faster on Linux, by freeing one large array.

    Otherwise the allocator of Linux gives every large array back to the system, and each new one
    costs page faults. Freeing a still larger one raises the size from which it does so.
    """
    np.empty(1 << 21)


# The step


@dataclass
class _Step:
    """One step of training: losses → weights → gradient → optimiser → record.

    J holds the gradients on the shared parameters, or, where nothing is shared, on aligned copies.
    It is computed only if a rule needs it, or if the step is watched: its cosines are recorded.
    """

    model: Sharing
    batches: Batches
    losses: Mapping[str, Callable]
    weigh: _FixedWeights | _WeightsOfRule
    optimizer: Optimizer
    steps: int
    cosines_every: int | None
    all_reduce: Callable | None
    undo: Undo
    recorder: Recorder

    def __call__(self, k):
        """Step k, counted from 0."""
        started = time.perf_counter()
        model = self.model
        progress = k / self.steps
        watched = self.cosines_every is not None and k % self.cosines_every == 0

        L = task_losses(model, self.batches.next(), self.losses)  # task -> scalar tensor
        values = self.checked_values(L, k)  # (T,)
        penalty = model.penalty()
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

    def checked_values(self, L, k):
        """The losses as numbers (T,), each the mean over all workers, if all of them are finite."""
        if k == 0:
            _check_losses(L, self.model)
        values = np.array([float(loss) for loss in L.values()])
        self.to_mean_over_workers(values)
        if len(L) < len(self.model.tasks):  # a task without labels has no loss that would tell
            _check_last_step(self.undo, k)
        for task, value in zip(L, values):
            if not math.isfinite(value):
                self.undo.put_back()
                raise FloatingPointError(
                    f"fit: the loss of task {task!r} became {value} at step {k}; "
                    "the last good parameters are put back"
                )
        return values

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
        """`model.grad` = Jᵀ w + ∇penalty, for a rule of the Gramian.

        Row t of this J is the gradient of L_t on all of θ, 0 in the places of other tasks' heads.
        Returns w, and the columns of J that belong to the shared parameters, (T, P).
        """
        model = self.model
        J = jacobian(list(L.values()), model.ordered_parameters())  # (T, |θ|)
        self.to_mean_over_workers(J)
        J_shared = J[:, : model.P]  # (T, P)
        w = self.weigh(list(L), values, gramian(J_shared))

        model.zero_grad()
        model.grad[:] = np.array(list(w.values()), J.dtype) @ J  # Jᵀ w, (|θ|,)
        model.touch_all()
        if penalty.needs_grad:
            penalty.backward()
        return w, J_shared

    def to_mean_over_workers(self, array):
        if self.all_reduce is not None:
            self.all_reduce(array)


# The weights


def _weighing(weights, model):
    """The argument `weights` of `fit`, whatever its form, as a function of a step's losses."""
    if isinstance(weights, type):
        raise TypeError(
            "fit: weights must be None, numbers by task, or a rule, "
            f"such as {weights.__name__}(...); got {weights!r}"
        )
    if weights is None:
        return _FixedWeights(dict.fromkeys(model.tasks, 1.0))
    if callable(weights):
        return _WeightsOfRule(weights, model)
    if isinstance(weights, Mapping):
        checks.same_tasks("fit", "weights", weights, model.tasks)
        for task, w in weights.items():
            checks.not_negative("fit", f"weights[{task!r}]", w)
        return _FixedWeights(weights)
    raise TypeError(f"fit: weights must be None, numbers by task, or a rule; got {weights!r}")


class _FixedWeights:
    """The same number for a task in every step."""

    needs_gramian = False

    def __init__(self, weights):
        self.weights = weights
        self.on_held_out = weights  # of the total that early stopping judges by

    def __call__(self, tasks, losses, gramian=None):
        return {task: float(self.weights[task]) for task in tasks}


class _WeightsOfRule:
    """What a rule says in each step about the tasks with labels in the batch."""

    def __init__(self, rule, model):
        self.rule = rule
        self.needs_gramian = needs_gramian(rule)
        self.on_held_out = dict.fromkeys(model.tasks, 1.0)
        if self.needs_gramian and model.P == 0:
            raise ValueError(
                f"fit: this rule needs a Gramian, but {type(model).__name__} "
                "shares no parameters (P = 0)"
            )

    def __call__(self, tasks, losses, gramian=None):
        """tasks: names; losses (T,), gramian (T, T) in their order. Returns task -> weight."""
        if not tasks:
            return {}
        if hasattr(self.rule, "tasks"):
            self.rule.tasks = tasks
        losses = losses.copy()  # a rule that writes into them must not change the record
        try:
            w = self.rule(losses, gramian) if self.needs_gramian else self.rule(losses)
            w = np.asarray(w, np.float64)
        except ValueError as error:
            raise ValueError(
                f"fit: the rule for the weights of {tasks} refused: {error}"
            ) from error
        if w.shape != (len(tasks),) or not np.isfinite(w).all():
            raise ValueError(
                f"fit: weights must be {len(tasks)} finite numbers, one for each of {tasks}; "
                f"the rule gave {w}"
            )
        return dict(zip(tasks, w.tolist()))


# Checks of what training depends on


def _check_losses(L, model):
    """Every loss is a scalar tensor. It depends on parameters, and only on those in θ."""
    of_model = {id(parameter) for parameter in model.ordered_parameters()}
    seen = set()
    for task, loss in L.items():
        if not isinstance(loss, Tensor) or loss.shape != ():
            got = getattr(loss, "shape", type(loss).__name__)
            raise TypeError(f"fit: the loss of task {task!r} must be a scalar Tensor, got {got}")
        if not loss.needs_grad:
            raise ValueError(
                f"fit: the loss of task {task!r} depends on no parameter, "
                "so nothing can be learned from it"
            )
        for parameter in _parameters_below(loss, seen):
            if id(parameter) not in of_model:
                raise ValueError(
                    f"fit: the loss of task {task!r} uses a parameter that is not in the model's "
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


def _check_last_step(undo, k):
    """Before step k: the step before it led to finite parameters."""
    if not undo.is_finite():
        undo.put_back()
        raise FloatingPointError(
            f"fit: a parameter became not finite at step {k - 1}; "
            "the last good parameters are put back"
        )


def _check_parameters(model, undo, steps_made):
    """After the last step, which has no later loss that would tell."""
    _check_last_step(undo, steps_made)
    if not np.isfinite(model.theta).all():
        raise FloatingPointError(
            "fit: a parameter became not finite, "
            "in rows of a sparse table that later steps did not look up"
        )


class _Progress:
    """One line on standard error, where that is a terminal: the step and the losses."""

    def __init__(self, steps, quiet):
        self.steps = steps
        self.is_on = not quiet and sys.stderr is not None and sys.stderr.isatty()
        self.shown_at = None  # seconds

    def show(self, recorder):
        if not self.is_on:
            return
        now = time.perf_counter()
        if self.shown_at is not None and now - self.shown_at < 0.2:
            return
        self.shown_at = now
        losses = "  ".join(f"{t} {loss:.4g}" for t, loss in recorder.last_losses().items())
        self.write(f"step {recorder.steps_made}/{self.steps}  {losses}"[:150])

    def close(self):
        if self.shown_at is not None:
            self.write("")

    def write(self, line):
        """In place of the line before: back to its start, and wipe it."""
        print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)
