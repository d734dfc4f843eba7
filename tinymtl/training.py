"""Joint training: every step sees a batch of every task and moves all parameters once.

What `fit` does in a step is a few lines that a reader can write in its place:

    outputs = model({t: x for t, (x, *_) in batch.items()})
    L = {t: losses[t](outputs[t], *y) for t, (_, *y) in batch.items()}      # y: targets, or targets and mask
    total = weighted_sum(L, weights) + model.penalty()
    model.zero_grad(); total.backward(); optimizer.step(model)
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from .batches import Batches, batch_sizes, checked_data, whole_number
from .interaction import cosines, gramian, predicted_change
from .losses import check_names, combine, finite_not_negative
from .optim import Optimizer
from .sharing import Sharing
from .tensor import Tensor, jacobian, no_grad
from .weighting import needs_gramian


@dataclass
class History:
    """What happened in training; a row for each step that was made.

    losses[t] (steps,) raw, NaN where a batch had no label of t; weights[t] (steps,); penalty (steps,);
    seconds (steps,) spent in training steps so far; epochs[t], how often the task's data was gone through.
    At `cosine_steps` (K,): cosines (K, T, T) between the tasks' gradients and their norms (K, T) on the shared
    parameters, or, if `aligned_copies`, each task's on its own copy of the trunk. There too what the step of the shared parameters
    does to each loss to first order: predicted (K, T), −η G w of plain gradient descent, and effects (K, T), J Δθ of
    the step really taken; above 0 is harm; none if nothing is shared.
    At `held_out_steps` (M,), the number of steps made: held_out[t] (M,); best_step is the one with the least total.
    """

    tasks: list[str]
    aligned_copies: bool = False
    interrupted: bool = False
    losses: dict = field(default_factory=dict)
    weights: dict = field(default_factory=dict)
    penalty: np.ndarray | list = field(default_factory=list)
    seconds: np.ndarray | list = field(default_factory=list)
    epochs: dict = field(default_factory=dict)
    cosine_steps: np.ndarray | list = field(default_factory=list)
    cosines: np.ndarray | list = field(default_factory=list)
    norms: np.ndarray | list = field(default_factory=list)
    predicted: np.ndarray | list = field(default_factory=list)
    effects: np.ndarray | list = field(default_factory=list)
    held_out_steps: np.ndarray | list = field(default_factory=list)
    held_out: dict = field(default_factory=dict)
    best_step: int | None = None

    def __post_init__(self):
        for record in (self.losses, self.weights, self.held_out):
            record.update((t, []) for t in self.tasks)

    @property
    def weighted(self) -> dict:
        """w_t L_t by task and step."""
        return {t: self.weights[t] * self.losses[t] for t in self.tasks}

    @property
    def total(self) -> np.ndarray:
        """Σ_t w_t L_t by step, over the tasks with labels, without the penalty."""
        return np.nansum(list(self.weighted.values()), axis=0)

    def _as_arrays(self):
        for name in (
            "penalty",
            "seconds",
            "cosine_steps",
            "cosines",
            "norms",
            "predicted",
            "effects",
            "held_out_steps",
        ):
            setattr(self, name, np.array(getattr(self, name)))
        for record in (self.losses, self.weights, self.held_out):
            record.update({t: np.array(values) for t, values in record.items()})
        return self


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

    data: task -> (inputs, targets) or (inputs, targets, mask); inputs are an array or a tuple of arrays, examples
    first. losses: task -> function (output, targets[, mask]) -> scalar tensor. Tasks with the very same inputs and
    batch size get the same examples. A batch is the next `batch_size` examples in shuffled order (None: all): a short data
    set is gone through more often, which is oversampling; `History.epochs` counts.

    weights: None (all 1), task -> number, or a rule (losses (T,), gramian (T, T)) -> weights (T,); one whose
    second argument defaults to None costs one backward pass, any other T rows of the Jacobian. Weights are held constant in
    the step and count for heads too: the step is literally the gradient of Σ_t w_t L_t. (The literature is divided;
    some leave heads unweighted.) Tasks without a label in a batch are left out before a rule is asked; a rule that has
    an attribute `tasks` finds the names of the rows there.

    held_out is evaluated every `evaluate_every` steps; with `patience`, training stops after that many evaluations
    without a new least Σ w_t L_t (w_t = 1 under a rule) and the best parameters are put back. all_reduce changes an array in place to
    its mean over workers: the losses, then the gradients. Ctrl-C returns what was learned so far. A loss that
    is not finite is a FloatingPointError that names task and step, and the last good parameters are put back (not the
    optimiser's memory: make a new one). Dropout is on.
    """
    data = checked_data("fit", model, data, losses)
    check_names("fit", "data", data, dict.fromkeys(model.tasks))
    held_out = None if held_out is None else checked_data("fit", model, held_out, losses)
    batches = Batches(data, batch_sizes(batch_size, data), rng)
    weighing = _Weighing(weights, model)
    whole_number("steps", steps, 0)
    whole_number("evaluate_every", evaluate_every, 1)
    for name, value in (("cosines_every", cosines_every), ("patience", patience)):
        if value is not None:
            whole_number(name, value, 1)
    if patience is not None and held_out is None:
        raise ValueError("fit: patience needs held_out data to judge by")
    history = History(list(model.tasks), aligned_copies=not model.P)
    run = _Run(
        model,
        losses,
        weighing,
        optimizer,
        all_reduce or (lambda array: None),
        all_reduce is not None,
        history,
    )
    stop = _EarlyStop(model, held_out, losses, weighing.fixed, patience, history)
    np.empty(
        1 << 21
    )  # freed at once: raises the size up to which Linux's allocator keeps memory instead of returning it
    show = _Progress(steps, quiet)
    model.train()
    try:
        with np.errstate(
            over="ignore", invalid="ignore", divide="ignore"
        ):  # what comes of it is checked and named
            for k in range(steps):
                started = time.perf_counter()
                run.step(
                    batches.next(), k, steps, cosines_every is not None and k % cosines_every == 0
                )
                history.seconds.append(
                    (history.seconds[-1] if k else 0.0) + time.perf_counter() - started
                )
                show(history)
                if (
                    held_out is not None
                    and ((k + 1) % evaluate_every == 0 or k + 1 == steps)
                    and stop(k + 1)
                ):
                    break
            run.check_finite(len(history.seconds))
            if not np.isfinite(model.theta).all():
                raise FloatingPointError(
                    "fit: a parameter became not finite, in rows of a sparse table that later steps did not look up"
                )
    except KeyboardInterrupt:
        run.finish_undo()
        history.interrupted = True
    finally:
        show.close()
    if patience is not None:
        stop.put_back()
    history.epochs = batches.epochs(len(history.seconds))
    return history._as_arrays()


def evaluate(
    model: Sharing, data: Mapping[str, tuple], losses: Mapping[str, Callable]
) -> dict[str, float]:
    """Each task's loss on all of its data, with dropout off: task -> (inputs, targets[, mask]) to task -> number.

    Any function (output, targets[, mask]) -> number will do as a loss. Tasks of the model may be left out.
    """
    return _evaluate(model, checked_data("evaluate", model, data, losses), losses)


def _evaluate(model, data, losses):
    modes = [(module, module.training) for module in model.modules()]
    model.train(False)
    try:
        with no_grad():
            outputs = model({t: x for t, (x, *_) in data.items()})
            return {t: float(losses[t](outputs[t], *y)) for t, (_, *y) in data.items()}
    finally:
        for module, training in modes:
            module.training = training


class _Run:
    """The state of a training run that a step needs, and the step."""

    def __init__(self, model, losses, weighing, optimizer, all_reduce, reduces, history):
        self.model, self.losses, self.weighing, self.optimizer = model, losses, weighing, optimizer
        self.all_reduce, self.reduces, self.history = all_reduce, reduces, history
        self.undo = []  # (places of theta, what stood there before the step under way or the last one made)
        self.under_way, self.made = (
            False,
            0,
        )  # whether parameters are being moved; steps made in full

    def step(self, batch, k, steps, record_cosines):
        model = self.model
        outputs = model({t: x for t, (x, *_) in batch.items()})
        L = {t: self.losses[t](outputs[t], *y) for t, (_, *y) in batch.items()}
        if k == 0:
            _check_losses_of(L, model)
        values = np.array([float(loss) for loss in L.values()])  # (T,)
        self.all_reduce(values)
        self.check_losses(L, values, k)
        penalty = model.penalty()
        model.zero_grad()
        if self.weighing.needs_gramian:
            J = jacobian(
                list(L.values()), model.ordered_parameters()
            )  # (T, |θ|): columns of other tasks' heads are 0
            self.all_reduce(J)
            trunk = J[:, : model.P]
            w = self.weighing(list(L), values, gramian(trunk))
            model.grad[:] = np.array(list(w.values()), J.dtype) @ J
            model.touch_all()
            if penalty.needs_grad:
                penalty.backward()
        else:
            if record_cosines:
                trunk = model.trunk_jacobian(L)
                self.all_reduce(trunk)
            w = self.weighing(list(L), values, None)
            total = combine(L, w) + penalty if L else penalty
            if total.needs_grad:  # not so if no task has a label, or every weight is 0
                total.backward()
            if self.reduces:
                self.all_reduce(model.grad)
                model.touch_all()
        self.undo = [(at, model.theta[at].copy()) for at in model.touched()]
        before = model.theta[: model.P].copy() if record_cosines else None
        self.under_way = True
        self.optimizer.step(model, k / steps)
        self.record(L, values, w, penalty)
        if record_cosines:
            self.record_interaction(
                k,
                list(L),
                trunk,
                list(w.values()),
                model.theta[: model.P] - before,
                self.optimizer.rate(k / steps),
            )
        self.under_way, self.made = False, k + 1

    def record(self, L, values, w, penalty):
        raw = dict(zip(L, values))
        for t in self.model.tasks:
            self.history.losses[t].append(float(raw.get(t, math.nan)))
            self.history.weights[t].append(float(w.get(t, 0.0)))
        self.history.penalty.append(float(penalty))

    def record_interaction(self, k, names, trunk, w, Δθ, η):
        history, T = self.history, len(self.model.tasks)
        G, at = gramian(trunk), [self.model.tasks.index(t) for t in names]
        ρ, rows = np.full((T, T), np.nan), np.full((3, T), np.nan)
        ρ[np.ix_(at, at)], rows[0, at] = cosines(G), np.sqrt(np.diag(G))
        history.cosine_steps.append(k)
        history.cosines.append(ρ)
        history.norms.append(rows[0])
        if self.model.P:
            rows[1, at], rows[2, at] = predicted_change(G, w, η), trunk.astype(np.float64) @ Δθ
            history.predicted.append(rows[1])
            history.effects.append(rows[2])

    def check_losses(self, L, values, k):
        if len(L) < len(self.model.tasks):  # a task without labels has no loss that would tell
            self.check_finite(k)
        for t, value in zip(L, values):
            if not math.isfinite(value):
                self.put_back()
                raise FloatingPointError(
                    f"fit: the loss of task {t!r} became {value} at step {k}; the last good parameters are put back"
                )

    def check_finite(self, k):
        """The last step has no later loss that would tell."""
        if not all(np.isfinite(self.model.theta[at]).all() for at, _ in self.undo):
            self.put_back()
            raise FloatingPointError(
                f"fit: a parameter became not finite at step {k - 1}; the last good parameters are put back"
            )

    def put_back(self):
        for at, values in self.undo:
            self.model.theta[at] = values
        self.model.stepped()

    def finish_undo(self):
        """After Ctrl-C: a parameter step under way is taken back, and no record keeps more rows than another."""
        if self.under_way:
            self.put_back()
        history, made = self.history, self.made
        history.seconds.extend(
            history.seconds[-1:] * (made - len(history.seconds))
            or [0.0] * (made - len(history.seconds))
        )
        for rows in (
            history.penalty,
            history.seconds,
            *history.losses.values(),
            *history.weights.values(),
        ):
            del rows[made:]
        kept = sum(step < made for step in history.cosine_steps)
        for rows in (
            history.cosine_steps,
            history.cosines,
            history.norms,
            history.predicted,
            history.effects,
        ):
            del rows[kept:]


def _check_losses_of(L, model):
    """Every loss is a scalar tensor that depends on parameters, and on no parameter outside the model's θ."""
    mine, seen = {id(p) for p in model.ordered_parameters()}, set()
    for t, loss in L.items():
        if not isinstance(loss, Tensor) or loss.shape != ():
            raise TypeError(
                f"fit: the loss of task {t!r} must be a scalar Tensor, got {getattr(loss, 'shape', type(loss).__name__)}"
            )
        if not loss.needs_grad:
            raise ValueError(
                f"fit: the loss of task {t!r} depends on no parameter, so nothing can be learned from it"
            )
        waiting = [loss]
        while waiting:
            for parent, _ in waiting.pop().pairs:
                if parent.grad is not None and id(parent) not in mine:
                    raise ValueError(
                        f"fit: the loss of task {t!r} uses a parameter that is not in the model's theta; expected all parameters in modules that the model was built from"
                    )
                if parent.born not in seen:
                    seen.add(parent.born)
                    waiting.append(parent)


class _Weighing:
    """The argument `weights` of fit, whatever its form: names, losses, Gramian -> task -> weight."""

    def __init__(self, weights, model):
        if isinstance(weights, type) or not (
            weights is None or callable(weights) or isinstance(weights, Mapping)
        ):
            hint = f", such as {weights.__name__}(...)" if isinstance(weights, type) else ""
            raise TypeError(
                f"fit: weights must be None, numbers by task, or a rule{hint}; got {weights!r}"
            )
        self.rule = weights if callable(weights) else None
        self.fixed = dict.fromkeys(model.tasks, 1.0) if weights is None or self.rule else weights
        self.needs_gramian = bool(self.rule) and needs_gramian(weights)
        if self.rule:
            if self.needs_gramian and not model.P:
                raise ValueError(
                    f"fit: this rule needs a Gramian, but {type(model).__name__} shares no parameters (P = 0)"
                )
        else:
            check_names("fit", "weights", self.fixed, dict.fromkeys(model.tasks))
            for t, w in self.fixed.items():
                finite_not_negative("fit", f"weights[{t!r}]", w)

    def __call__(self, names, losses, gramian):
        if self.rule is None:
            return {t: self.fixed[t] for t in names}
        if not names:
            return {}
        if hasattr(self.rule, "tasks"):
            self.rule.tasks = names
        try:
            w = np.asarray(
                self.rule(losses.copy(), *([gramian] if self.needs_gramian else [])), np.float64
            )
        except ValueError as error:
            raise ValueError(
                f"fit: the rule for the weights of {names} refused: {error}"
            ) from error
        if w.shape != (len(names),) or not np.isfinite(w).all():
            raise ValueError(
                f"fit: weights must be {len(names)} finite numbers, one for each of {names}; the rule gave {w}"
            )
        return dict(zip(names, w.tolist()))


class _EarlyStop:
    """Evaluates the held-out data; keeps the best parameters where training may stop early."""

    def __init__(self, model, held_out, losses, weights, patience, history):
        self.model, self.held_out, self.losses, self.weights = model, held_out, losses, weights
        self.patience, self.history = patience, history
        self.least, self.best, self.since = math.inf, None, 0

    def __call__(self, step):
        """Evaluate after `step` steps; True if it is time to stop."""
        values = _evaluate(self.model, self.held_out, self.losses)
        self.history.held_out_steps.append(step)
        for t, value in values.items():
            self.history.held_out[t].append(value)
        total = sum(self.weights[t] * value for t, value in values.items())
        self.since += 1
        if total < self.least:
            self.least, self.since, self.history.best_step = total, 0, step
            self.best = self.model.theta.copy() if self.patience is not None else None
        return self.patience is not None and self.since >= self.patience

    def put_back(self):
        if self.best is not None:
            self.model.theta[:] = self.best
            self.model.stepped()


class _Progress:
    """One line on standard error, where that is a terminal: the step and the losses."""

    def __init__(self, steps, quiet):
        self.steps, self.shown = steps, 0.0
        self.on = not quiet and sys.stderr is not None and sys.stderr.isatty()

    def __call__(self, history):
        if self.on and time.perf_counter() - self.shown > 0.2:
            self.shown = time.perf_counter()
            losses = "  ".join(f"{t} {values[-1]:.4g}" for t, values in history.losses.items())
            print(
                f"\r\x1b[Kstep {len(history.seconds)}/{self.steps}  {losses}"[:160],
                end="",
                file=sys.stderr,
                flush=True,
            )

    def close(self):
        if self.on and self.shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
