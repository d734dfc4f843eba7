"""Joint training: every step sees a batch of every task and moves all parameters once.

What `fit` does in a step is a few lines that a reader can write in its place:

    outputs = model({t: x for t, (x, *_) in batch.items()})
    L = {t: losses[t](outputs[t], *y) for t, (_, *y) in batch.items()}  # y: targets[, mask]
    total = weighted_sum(L, weights) + model.penalty()
    model.zero_grad()
    total.backward()
    optimizer.step(model, k / steps)

The first two lines are `task_losses`. Where a rule chooses the weights from the Gramian of the
tasks' gradients on the P shared parameters, the weights are for these gradients alone. Each task's
own parameters take the gradient of their own task, which is what they have in the plain sum:

    J = model.trunk_jacobian(L)  # (T, P)
    w = rule(np.array([float(loss) for loss in L.values()]), gramian(J))  # (T,)
    model.zero_grad()
    weighted_sum(L, dict.fromkeys(L, 1.0)).backward()
    model.grad[: model.P] = w @ J
    model.penalty().backward()  # if the model has one
    optimizer.step(model, k / steps)

The step that `fit` makes, with all its checks, stands in `step`. Here is the run around it: why it
may end, and what is left then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from os import PathLike

import numpy as np

from . import checks
from .batches import Batches, checked_data
from .checkpoint import Checkpoint
from .history import EarlyStop, History, LiveHistory, Recorder, Undo
from .optim import Optimizer, checked_optimizer
from .progress import Progress
from .rules import Refused, weighing
from .sharing import NamesTheTask, Sharing, evaluating, task_losses
from .step import Diverged, Step, check_last_step
from .tensor import Tensor


def fit(
    model: Sharing,
    data: Mapping[str, tuple],
    losses: Mapping[str, Callable],
    *,
    optimizer: Optimizer,
    steps: int,
    weights: Mapping[str, float] | Callable | None = None,
    weight_own: bool | None = None,
    batch_size: int | Mapping[str, int] | None = None,
    rng: np.random.Generator | None = None,
    cosines_every: int | None = None,
    held_out: Mapping[str, tuple] | None = None,
    evaluate_every: int = 10,
    evaluation_batch_size: int | None = None,
    patience: int | None = None,
    judge: Callable[[dict[str, float]], float] | None = None,
    callback: Callable[[LiveHistory], bool | None] | None = None,
    checkpoint: str | PathLike | None = None,
    checkpoint_every: int | None = None,
    resume: str | PathLike | None = None,
    all_reduce: Callable[[np.ndarray], object] | None = None,
    quiet: bool = False,
) -> History:
    """Train all tasks jointly: `steps` times one step along the gradient of Σ_t w_t L_t + penalty.

    data: task -> (inputs, targets) or (inputs, targets, mask). Inputs are an array or a tuple of
        arrays, with the examples along the first axis. The mask is True where a label is present;
        masked targets are ignored and may be NaN. A floating mask holds weights of the examples.
        Tasks of the model without data rest: their own parameters, and an optimiser's memory of
        them, stay as they are, and no penalty pulls them. Shared parameters move.
    losses: task -> function (output, targets[, mask]) -> scalar tensor.

    optimizer: changes the parameters. It is told k / steps in step k, so that its learning rate can
        follow a schedule.
    steps: the number of steps.

    weights: None (all 1), task -> number, or a rule (losses (T,), gramian (T, T)) -> weights (T,).
        A rule whose second argument has the default None costs one backward pass. Any other rule
        costs T rows of the Jacobian. Weights are held constant in the step. Tasks without a label
        in a batch are left out before a rule is asked. A rule that refuses is asked once more
        without the tasks that have no gradient on the shared parameters, because no direction
        changes their losses; they get the weight 1. A rule that has an attribute `tasks` finds the
        names of the rows there. One that has a method `check_tasks` is told the names of all tasks
        of the model before the first step.
    weight_own: whether the weights count for each task's own parameters (its head and encoder) too.
        None means: yes, unless a rule asks for the Gramian. Fixed weights and rules of the losses
        mean the objective Σ_t w_t L_t, and the step is its gradient, heads included. There False is
        an error. A rule of the Gramian chooses a direction for the shared parameters and knows
        nothing of the others, so they take the gradient of their own task, unweighted. Otherwise a
        head that starts at 0, whose task has no gradient on the trunk yet, may get the weight 0 for
        ever. True weights them all the same. Papers and their codes disagree: MGDA (Sener & Koltun,
        2018) has unweighted heads in its algorithm 2 and weighted ones in its code, CAGrad (Liu et
        al., 2021) leaves them unweighted, Nash-MTL (Navon et al., 2022) weights them.

    batch_size: examples in a step, one number or task -> number; None means all. A batch is the
        next examples in shuffled order. So a short data set is gone through more often, which is
        oversampling; `History.epochs` counts. Tasks with the very same inputs and batch size get
        the same examples.
    rng: draws the minibatches; needed only if there are any.

    cosines_every: record the cosines between the tasks' gradients every so many steps.
    held_out: data like `data`, of some tasks or all. It is evaluated every `evaluate_every` steps
        and after the last one.
    evaluation_batch_size: examples of the held-out data that pass the model at once, as in
        `evaluate`; None means all.
    patience: stop after so many evaluations without a new best on the held-out data, and put the
        best parameters back. The start is evaluated too, so the result is never worse than it. The
        optimiser's memory stays that of the last step.
    judge: task -> held-out loss is turned into a number, and the least number is best. None means
        Σ_t w_t L_t over the tasks that are trained (w_t = 1 under a rule). Any other measure can be
        computed in it: judge=lambda L: -evaluate(model, held_out, measures)["a"].

    callback: is called after each step, and after the evaluation if there was one, with a History
        that grows with the run (`LiveHistory`). If it returns True, the run ends.
    checkpoint: a file that receives the state of the run at its start, every `checkpoint_every`
        steps, and when it ends, however it ends. If the process is killed, the file is that of the
        last time. (What the rule remembers is copied in every step then.)
    resume: such a file, from which the run goes on. Give all other arguments as before: the same
        data, new objects of the same kinds, `steps` as the number of all steps. Parameters, the
        optimiser's memory, generators, what the rule remembers, and the records are those of the
        file. So the result equals that of a run that never stopped, to the bit on the same machine.
        More steps than before are allowed, but a schedule of the learning rate is then another one.
        A rule's memory must be in its attributes; a function that holds it elsewhere forgets.
        **Load only your own files**: this one is a pickle, and a stranger's could run any program.

    all_reduce: changes an array in place to its mean over workers. It is called on the losses, then
        on the gradients: on `grad`, or, under a rule of the Gramian, on J and on the tasks' own
        part of `grad`. Sparse tables are sent and moved as a whole then, because each worker looks
        up other rows. So every worker must have the same shape, and equally many labels of a task.
    quiet: show no progress, which otherwise is one line on standard error where that is a terminal
        or a notebook.

    Dropout is on in training, and off afterwards: `fit` leaves the model in evaluation mode.

    However the run ends, the model has its last good parameters (with patience: the best), and the
    optimiser's memory and count of steps are those of the last step that was made. `stopped` and
    `reason` of the History say why it ended. Ctrl-C returns what was learned so far. So does a rule
    that refuses with a ValueError, for some rules succeed in this way: no direction is left that is
    good for all tasks. (In step 0, where nothing was learned yet, this is an error.)

    A loss that is not finite is a FloatingPointError that names task and step. Arguments that do
    not fit are a ValueError or a TypeError. An exception that ends a run, one of a loss, a rule or
    a callback too, has the History so far as its attribute `history`.

    >>> import tinymtl as mtl
    >>> rng = np.random.default_rng(0)
    >>> data, _ = mtl.datasets.related_tasks(rng, relatedness=0.5)
    >>> heads = {"a": mtl.Dense(4, 1, rng), "b": mtl.Dense(4, 1, rng)}
    >>> model = mtl.HardSharing(mtl.Sequential(mtl.Dense(8, 4, rng), mtl.tanh), heads)
    >>> losses = {"a": mtl.mse, "b": mtl.mse}
    >>> history = fit(model, data, losses, optimizer=mtl.Adam(0.01), steps=100)
    >>> bool(history.losses["a"][-1] < history.losses["a"][0])
    True
    """
    checks.instance("fit", "model", model, Sharing)
    data = checked_data("fit", "data", data, model, losses)
    if held_out is not None:
        held_out = checked_data("fit", "held_out", held_out, model, losses)
    checks.whole_number("fit", "steps", steps)
    checks.whole_number("fit", "evaluate_every", evaluate_every, 1)
    _check_counts(
        cosines_every=cosines_every,
        evaluation_batch_size=evaluation_batch_size,
        patience=patience,
        checkpoint_every=checkpoint_every,
    )
    checks.boolean("fit", "quiet", quiet)
    if checkpoint_every is not None and checkpoint is None:
        raise ValueError("fit: checkpoint_every needs a checkpoint, the file to write")
    _check_functions(judge=judge, callback=callback, all_reduce=all_reduce)
    checked_optimizer("fit", optimizer)
    _check_finite(model)
    batches = Batches(data, batch_size, rng)
    weigh = weighing("fit", weights, weight_own, model, data)
    judge = _judging(judge, weigh, held_out, patience)

    undo = Undo(model, optimizer)
    recorder = Recorder(model, [task for task in model.tasks if task in data])
    early_stop = EarlyStop(model, judge, patience)
    progress = Progress(steps, quiet)
    step = Step(
        model, batches, losses, weigh, optimizer, steps, cosines_every, all_reduce, undo, recorder
    )
    held_out_losses = _HeldOut(
        model, held_out, losses, steps, evaluate_every, evaluation_batch_size, recorder, early_stop
    )
    saved = Checkpoint(
        checkpoint, model, optimizer, weights, batches, held_out, recorder, early_stop
    )
    run = _Run(model, data, batches, undo, recorder, early_stop, progress, saved)
    if resume is not None:
        saved.read(resume, steps)

    try:
        run.open()
        # NumPy need not warn: our own checks find numbers that are not finite, and say whose.
        with np.errstate(all="ignore"):
            stopped, reason = _train(step, held_out_losses, run, steps, callback, checkpoint_every)
        return run.close(stopped, reason)
    except KeyboardInterrupt:
        return run.close("interrupted", f"Ctrl-C came after {recorder.steps_made} steps.")
    except Refused as refusal:
        reason = f"{refusal} (at step {recorder.steps_made})"
        if recorder.steps_made:
            return run.close("refused", reason)
        run.close_after(refusal, "refused", reason)
        raise
    except BaseException as error:
        stopped = "diverged" if isinstance(error, Diverged) else "failed"
        run.close_after(error, stopped, f"{type(error).__name__}: {error}")
        raise


def evaluate(
    model: Sharing,
    data: Mapping[str, tuple],
    losses: Mapping[str, Callable],
    *,
    batch_size: int | None = None,
) -> dict[str, float]:
    """Each task's loss on all of its data, with dropout off: task -> number.

    data: task -> (inputs, targets) or (inputs, targets, mask), as in `fit`. Tasks of the model may
        be left out.
    losses: task -> function (output, targets[, mask]) -> number. Any such function will do, not
        only a loss.
    batch_size: examples that pass the model at once; None means all. The outputs are put together,
        and the function is called once on all of them. So any measure is right, a mean over labels
        or not; only memory and rounding differ. The outputs must have the examples along the first
        axis.

    >>> import tinymtl as mtl
    >>> rng = np.random.default_rng(0)
    >>> data, _ = mtl.datasets.related_tasks(rng, relatedness=0.5)
    >>> heads = {"a": mtl.Dense(4, 1, rng), "b": mtl.Dense(4, 1, rng)}
    >>> model = mtl.HardSharing(mtl.Sequential(mtl.Dense(8, 4, rng), mtl.tanh), heads)
    >>> losses = {"a": mtl.mse, "b": mtl.mse}
    >>> sorted(evaluate(model, data, losses))
    ['a', 'b']
    """
    checks.instance("evaluate", "model", model, Sharing)
    data = checked_data("evaluate", "data", data, model, losses)
    if batch_size is not None:
        checks.whole_number("evaluate", "batch_size", batch_size, 1)
    return losses_on("evaluate: data", model, data, losses, batch_size)


def losses_on(where, model, data, losses, batch_size=None):
    """As `evaluate`; `where` names function and argument for errors."""

    def at_once(data):
        return task_losses(model, data, losses)

    with evaluating(model), NamesTheTask(where, data, at_once):
        if batch_size is None:
            values = at_once(data)
        else:
            outputs = model.predict({task: x for task, (x, *_) in data.items()}, batch_size)
            values = {}
            for task, (_, *targets) in data.items():
                values[task] = losses[task](Tensor(outputs[task]), *targets)
    return {task: _number(f"{where}[{task!r}]", value) for task, value in values.items()}


def _number(where, value):
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        got = getattr(value, "shape", type(value).__name__)
        raise TypeError(f"{where}: the loss must be a number, got {got}") from error


# What a run does with its steps


def _train(step, held_out, run, steps, callback, checkpoint_every):
    """All steps, or as many as are wanted. Returns why it ended: a word and a sentence."""
    history = LiveHistory(run.history)
    recorder = run.recorder
    early_stop = run.early_stop
    held_out.evaluate_start()
    held_out.evaluate_if_due()  # if the run was stopped between a step and its evaluation
    run.checkpoint.write()  # so that a faulty path shows now, and not in the end
    while recorder.steps_made < steps and not early_stop.is_time_to_stop:
        k = recorder.steps_made
        run.checkpoint.remember()
        step(k)
        run.progress.show(recorder)
        held_out.evaluate_if_due()
        if checkpoint_every is not None and (k + 1) % checkpoint_every == 0:
            run.checkpoint.write()
        if callback is not None and _says_stop(callback(history)):
            return "callback", f"The callback returned True after {k + 1} steps."
    if early_stop.is_time_to_stop:
        return "patience", (
            f"The last {early_stop.patience} evaluations of the held-out data brought no "
            f"new best; the parameters are those after {early_stop.best.step} steps."
        )
    _check_parameters(step.model, run.undo, recorder)
    return "finished", f"All {steps} steps were made."


def _says_stop(answer):
    if answer is None:
        return False
    if not isinstance(answer, (bool, np.bool_)):
        raise TypeError(f"fit: callback must return True, False or None, got {answer!r}")
    return bool(answer)


@dataclass
class _HeldOut:
    """The held-out data: evaluated when it is due, recorded, and compared with the best so far."""

    model: Sharing
    data: Mapping[str, tuple] | None
    losses: Mapping[str, Callable]
    steps: int
    every: int
    batch_size: int | None
    recorder: Recorder
    early_stop: EarlyStop

    def evaluate_start(self):
        """The start is a candidate for the best parameters, if these are put back."""
        is_done = self.recorder.steps_made or self.recorder.evaluations
        if self.early_stop.patience is not None and not is_done:
            self.evaluate()

    def evaluate_if_due(self):
        """Once after the last step, and every so many steps."""
        steps_made = self.recorder.steps_made
        evaluations = self.recorder.evaluations
        is_done = evaluations and evaluations[-1].steps_made == steps_made
        if self.data is None or steps_made == 0 or is_done:
            return
        if steps_made % self.every == 0 or steps_made == self.steps:
            self.evaluate()

    def evaluate(self):
        steps_made = self.recorder.steps_made
        where = "fit: held_out"
        losses = losses_on(where, self.model, self.data, self.losses, self.batch_size)
        value = self.early_stop.value(losses)  # first: a judge may fail, or Ctrl-C come in it
        self.recorder.evaluation(steps_made, losses)
        self.early_stop.compare(steps_made, value)


@dataclass
class _Run:
    """The state in which a run leaves the model, whatever ended it.

    Tasks without data are frozen while it lasts.
    """

    model: Sharing
    data: Mapping[str, tuple]
    batches: Batches
    undo: Undo
    recorder: Recorder
    early_stop: EarlyStop
    progress: Progress
    checkpoint: Checkpoint

    def __post_init__(self):
        of_trained = [p for t in self.data for p in self.model.task_parameters(t)]
        is_trained = {id(p) for p in of_trained}
        others = [p for p in self.model.ordered_parameters() if id(p) not in is_trained]
        self.resting = [p for p in others if not p.frozen]

    def open(self):
        _keep_freed_memory()
        self.model.train()
        for parameter in self.resting:
            parameter.freeze()

    def close(self, stopped, reason):
        """Whole steps and evaluation mode; doing it twice is the same as doing it once."""
        self.progress.close()
        self.undo.put_back_unfinished(self.recorder.steps_made)
        self.early_stop.take_back(self.recorder.steps_made)
        try:
            # Before the best parameters are put back: the run goes on from the last ones.
            self.checkpoint.write_last()
        finally:
            self.early_stop.put_back_best()
            for parameter in self.resting:
                parameter.unfreeze()
            self.model.train(False)
        return self.history(stopped, reason)

    def close_after(self, error, stopped, reason):
        """As `close`, after an error: this one is told, also if the file cannot be written."""
        try:
            error.history = self.close(stopped, reason)
        except OSError as of_file:
            error.add_note(f"fit: the checkpoint could not be written: {of_file}")
            error.history = self.history(stopped, reason)

    def history(self, stopped="running", reason=""):
        """All that was recorded so far."""
        epochs = self.batches.epochs(self.recorder.steps_made)
        return self.recorder.history(epochs, self.early_stop.best.step, stopped, reason)


# Checks of the arguments


def _check_functions(**functions):
    for name, function in functions.items():
        if function is not None and not callable(function):
            raise TypeError(f"fit: {name} must be a function or None, got {function!r}")


def _check_finite(model):
    """The parameters with which a run starts."""
    if np.isfinite(model.theta).all():
        return
    for name, parameter in model.named_parameters().items():
        checks.finite("fit", f"the model's {name}", parameter.data)


def _check_counts(**counts):
    """Whole numbers of at least 1, or None."""
    for name, count in counts.items():
        if count is not None:
            checks.whole_number("fit", name, count, 1)


def _keep_freed_memory():
    """Make a step up to 2 × faster on Linux, by freeing one large array.

    Otherwise the allocator of Linux gives every large array back to the system, and each new one
    costs page faults. Freeing a still larger one raises the size from which it does so.
    """
    np.empty(1 << 21)


def _judging(judge, weigh, held_out, patience):
    """The argument `judge` of `fit` as a function of the held-out losses."""
    if held_out is None:
        if patience is not None:
            raise ValueError("fit: patience needs held_out data to judge by")
        if judge is not None:
            raise ValueError("fit: judge needs held_out data to judge")
    if judge is not None:
        return judge
    if patience is not None and not weigh.on_held_out.keys() & held_out.keys():
        raise ValueError(
            f"fit: patience needs held_out data of the tasks {list(weigh.on_held_out)} or a judge, "
            f"got {list(held_out)}"
        )

    def weighted_total(losses):
        return sum(w * losses[task] for task, w in weigh.on_held_out.items() if task in losses)

    return weighted_total


def _check_parameters(model, undo, recorder):
    """After the last step, which has no later loss that would tell."""
    check_last_step(undo, recorder)
    if not np.isfinite(model.theta).all():
        raise Diverged(
            "fit: a parameter became not finite, "
            "in rows of a sparse table that later steps did not look up"
        )
