"""What happened in training: the losses, and the weights that a rule gave them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .. import checks
from ..history import History
from . import look
from .look import TASK_COLOURS


@look.on_paper
def losses(history: History, *, figure=None):
    """Each task's loss over the steps made: in training solid, on held-out data dashed with marks.

    history: what `fit` returns. Losses are in each task's own units, on a log scale if all are
    positive. A batch without a label (NaN) leaves a gap. A dotted line marks `history.best_step`.
    figure: where to draw, a matplotlib Figure or SubFigure; None makes a new one.
    TypeError for anything but a History, ValueError for a history without a step.

    >>> import tinymtl as mtl
    >>> rng = np.random.default_rng(0)
    >>> data, _ = mtl.datasets.related_tasks(rng, relatedness=0.5)
    >>> model = mtl.HardSharing(mtl.Dense(8, 4, rng), {t: mtl.Dense(4, 1, rng) for t in data})
    >>> history = mtl.fit(
    ...     model, data, dict.fromkeys(data, mtl.mse), optimizer=mtl.SGD(0.01), steps=20
    ... )
    >>> figure = losses(history)
    """
    checks.instance("losses", "history", history, History)
    steps_made = len(history.penalty)
    if not steps_made:
        raise ValueError("losses: history must have at least 1 step, got 0")
    training = _training_losses(history)
    held_out = _held_out_losses(history)

    title = "Training loss of each task"
    if held_out:
        title = "Loss of each task: training (solid), held out (dashed)"
    figure, ax = look.make_axes("losses", figure, title, height=look.room_for_ends(len(training)))

    names = look.names(training)
    ends = {}
    for i, (name, task) in enumerate(zip(names, training)):
        _draw_training_loss(ax, i, name, training[task], is_pale=task in held_out)
        if task in held_out:
            _draw_held_out_loss(ax, i, name, held_out[task])
        ends[name] = held_out.get(task, training[task])
    _set_log_if_positive(ax, [*training.values(), *held_out.values()])
    if history.best_step is not None:
        text = f"least held-out total: step {history.best_step}"
        look.mark_place(ax, history.best_step, text, left=history.best_step > steps_made / 2)

    ax.set(xlabel="steps made", ylabel="loss, in the task's own units")
    ax.locator_params(axis="x", integer=True)
    look.label_ends(ax, ends, TASK_COLOURS)
    return figure


def _training_losses(history):
    """task -> (steps, losses)."""
    return {
        task: (np.arange(len(values)), np.asarray(values, float))
        for task, values in history.losses.items()
    }


def _held_out_losses(history):
    """task -> (steps, losses), of the tasks that have any."""
    curves = {}
    for task, values in history.held_out.items():
        if len(values):
            steps = np.asarray(history.held_out_steps[: len(values)])
            curves[task] = steps, np.asarray(values, float)
    return curves


def _draw_training_loss(ax, i, name, curve, *, is_pale):
    steps, values = curve
    ax.plot(
        steps,
        values,
        **look.style(i, TASK_COLOURS, linestyle="-"),
        markersize=6,
        markeredgecolor="white",
        markevery=look.lone_points(values),
        linewidth=1,
        alpha=0.4 if is_pale else 1,
        label=name,
    )


def _draw_held_out_loss(ax, i, name, curve):
    steps, values = curve
    ax.plot(
        steps,
        values,
        **look.style(i, TASK_COLOURS),
        markersize=6,
        markeredgecolor="white",
        markevery=max(1, len(steps) // 12),
        linewidth=1.8,
        label=f"{name}, held out",
    )


def _set_log_if_positive(ax, curves):
    values = np.concatenate([values[np.isfinite(values)] for _, values in curves])
    if len(values) and values.min() > 0:
        look.set_log(ax, "y", values.min(), values.max())


@look.on_paper
def weights(histories: Mapping[str, History], *, figure=None):
    """What weights each rule gave over training: a panel for each rule, a line for each task.

    histories: rule -> what `fit` returned under it, all of the same tasks. The weights are raw: for
    plain steps a rule whose weights are all larger also takes longer steps. All panels have one
    scale, which is logarithmic if all weights are positive and span more than a factor 10. Steps
    without a label of a task leave a gap.
    figure: where to draw, a matplotlib Figure or SubFigure; None makes a new one.
    TypeError for anything but histories. ValueError for no history, one without a step, or tasks
    that differ.

    >>> import tinymtl as mtl
    >>> rng = np.random.default_rng(0)
    >>> data, _ = mtl.datasets.related_tasks(rng, relatedness=0.5)
    >>> model = mtl.HardSharing(mtl.Dense(8, 4, rng), {t: mtl.Dense(4, 1, rng) for t in data})
    >>> history = mtl.fit(
    ...     model, data, dict.fromkeys(data, mtl.mse), optimizer=mtl.SGD(0.01), steps=20,
    ...     weights=mtl.weighting.mgda,
    ... )
    >>> figure = weights({"MGDA": history})
    """
    tasks = _common_tasks(histories)
    names = look.names(tasks)
    curves = {rule: _used_weights(history, tasks) for rule, history in histories.items()}
    curves = look.by_name(curves, 16)

    title = "The weights that each rule gave the tasks"
    figure, panels, _ = look.make_panels(
        "weights", figure, title, len(curves), least=look.room_for_legend(len(tasks))
    )
    for ax, (rule, of_tasks) in zip(panels, curves.items()):
        for i, (name, values) in enumerate(zip(names, of_tasks)):
            ax.plot(
                values,
                **look.style(i, TASK_COLOURS, linestyle="-"),
                linewidth=1.2,
                markersize=5,
                markevery=max(1, len(values) // 6),
                label=name,
            )
        ax.set_title(rule, fontsize=9)
        ax.locator_params(axis="x", integer=True, nbins=4, min_n_ticks=1)

    scale = _set_log_if_wide(panels[0], curves)
    look.legend_right(figure, panels[0])
    look.common_ylabel(figure, f"weight, raw ({scale} scale)")
    look.common_xlabel(figure, "steps made")
    return figure


def _common_tasks(histories):
    """The tasks that all histories are of."""
    for rule, history in histories.items():
        checks.instance("weights", f"histories[{rule!r}]", history, History)
    tasks_and_steps = {
        rule: (history.tasks, len(history.penalty)) for rule, history in histories.items()
    }
    tasks, _ = next(iter(tasks_and_steps.values()), ([], 0))
    are_alike = all(of == tasks and steps > 0 for of, steps in tasks_and_steps.values())
    if not tasks or not are_alike:
        raise ValueError(
            "weights: histories must be of the same tasks and of at least 1 step, "
            f"got {tasks_and_steps}"
        )
    return tasks


def _used_weights(history, tasks):
    """For each task its weight in each step, NaN where the batch had no label of the task."""
    used = []
    for task in tasks:
        has_no_loss = np.isnan(np.asarray(history.losses[task], float))
        used.append(np.where(has_no_loss, np.nan, history.weights[task]))
    return used


def _set_log_if_wide(ax, curves):
    """Make y logarithmic if all weights are positive and span a factor 10; the scale's name."""
    every = np.concatenate([values for of_tasks in curves.values() for values in of_tasks])
    known = every[np.isfinite(every)]
    if len(known) and 0 < 10 * known.min() < known.max():
        look.set_log(ax, "y", known.min(), known.max())
        return "log"
    return "linear"
