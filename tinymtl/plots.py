"""The pictures: what was learned, where gradients conflict, what steps did, what was gained over training alone.

Each picture is a function that returns a matplotlib Figure, which `plt.show()` shows; `save` writes and closes one. `figure.suptitle("...")` puts your
finding in place of the title. A task has the same colour and marker in every picture, by its place among the tasks. A gain
within `SURE` = 3 standard errors of 0 is hollow or grey: not a finding. matplotlib is loaded with the first picture.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations

import numpy as np

from . import interaction
from .sharing import HardSharing, Sharing, SoftSharing
from .tensor import Parameter
from .training import History

TASK_COLOURS = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#000000",
)  # Okabe & Ito (2008)
ARM_COLOURS = (
    "#222222",
    "#7B3FA0",
    "#8A6D0B",
    "#6C757D",
)  # an arm is no task: it must not have a task's colour
MARKERS, DASHES = "osD^vPX*", ("--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)))
SURE = (
    3  # standard errors: of 20 comparisons over a few seeds each, one or two would pass 2 by chance
)
GAIN, BARS = (
    "gain over alone (positive is better)",
    f"bars: {SURE} standard errors either way; hollow: they reach 0, not a finding",
)
PARTS = {
    "predicted": ("predicted: −η G w", {"color": "white"}),
    "taken": ("first order of the step taken: J·Δθ", {"alpha": 0.35}),
    "happened": ("happened, heads at rest", {}),
    "with_heads": ("happened, heads moved too", {"color": "white", "hatch": "////"}),
}
PAPER = {
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "axes.edgecolor": "0.4",
    "axes.labelcolor": "black",
    "text.color": "black",
    "font.size": 10,
    "figure.titlesize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def losses(history: History):
    """Each task's loss over the steps made: in training solid, on held-out data dashed with marks.

    history: what `fit` returns. Losses are in each task's own units, on a log scale if all are positive. A batch
    without a label (NaN) leaves a gap. A dotted line marks `history.best_step`.
    TypeError for anything but a History, ValueError for one without a step.
    """
    _check_history("losses", history)
    if not len(history.penalty):
        raise ValueError("losses: history must have at least 1 step, got 0")
    raw = {t: (np.arange(len(y)), np.asarray(y, float)) for t, y in history.losses.items()}
    held_out = {
        t: (np.asarray(history.held_out_steps[: len(y)]), np.asarray(y, float))
        for t, y in history.held_out.items()
        if len(y)
    }
    title = (
        "Loss of each task: training (solid), held out (dashed)"
        if held_out
        else "Training loss of each task"
    )
    figure, ax = _axes(title, height=max(3.6, 1.2 + 0.2 * len(raw)))
    for i, (t, (x, y)) in enumerate(raw.items()):
        style = _style(i, TASK_COLOURS) | {"markersize": 6, "markeredgecolor": "white"}
        ax.plot(
            x,
            y,
            **style | {"linestyle": "-"},
            linewidth=1,
            alpha=0.4 if t in held_out else 1,
            markevery=_lone(y),
            label=t,
        )
        if t in held_out:
            ax.plot(
                *held_out[t],
                **style,
                linewidth=1.8,
                markevery=max(1, len(held_out[t][0]) // 12),
                label=f"{t}, held out",
            )
    values = np.concatenate([y[np.isfinite(y)] for _, y in (*raw.values(), *held_out.values())])
    if len(values) and values.min() > 0:
        _log(ax, "y", values.min(), values.max())
    if history.best_step is not None:
        _mark(
            ax,
            history.best_step,
            f"least held-out total: step {history.best_step}",
            left=history.best_step > len(history.penalty) / 2,
        )
    ax.set(xlabel="steps made", ylabel="loss, in the task's own units")
    ax.locator_params(axis="x", integer=True)
    _label_ends(ax, raw | held_out, TASK_COLOURS)
    return figure


def cosines(history: History):
    """The cosine between the gradients of each two tasks over training, conflict below 0; below it, what the steps did.

    history: of `fit(..., cosines_every=n)`, with cosines (K, T, T) at cosine_steps (K,): a panel for each pair. The title
    says whether the gradients are on shared parameters, or each task's on its own copy of the trunk. If there are
    effects (K, T), in each loss's own units: a panel with what the step really taken did to each loss, to first order,
    harm above 0 and counted. NaN (a task without a gradient) leaves a gap. A conflict is not yet harm, nor a cosine
    near 0 the lack of transfer: show gains beside it.
    TypeError for anything but a History, ValueError for fewer than 2 tasks or no cosines.
    """
    _check_cosines("cosines", history)
    where = (
        "each task's on its own copy of the trunk"
        if history.aligned_copies
        else "on the shared parameters"
    )
    steps, pairs = (
        np.asarray(history.cosine_steps),
        list(combinations(range(len(history.tasks)), 2)),
    )
    effects = np.asarray(history.effects, float)
    title = f"Do the tasks' gradients conflict? Cosine between them,\n{where}"
    figure, panels, below = _panels(
        title, len(pairs), below=(2.1 + 0.1 * len(history.tasks)) * bool(len(effects))
    )
    for ax, (s, t) in zip(panels, pairs):
        ρ, names = np.asarray(history.cosines, float)[:, s, t], (history.tasks[s], history.tasks[t])
        ax.axhspan(-1, 0, color="0.94")
        ax.axhline(0, color="0.4", linewidth=0.8)
        ax.fill_between(steps, ρ, 0, where=ρ < 0, interpolate=True, color="0.5", linewidth=0)
        ax.plot(steps, ρ, color="black", linewidth=1, marker=".", markevery=_lone(ρ))
        _note(ax, 0.03, 0.03, "conflict")
        ax.set_title(
            f"{_pair(*names)}\nconflict in {(ρ < 0).sum()} of {np.isfinite(ρ).sum()}", fontsize=9
        )
        ax.set(xlim=(-0.5, steps[-1] + 0.5), ylim=(-1, 1))
        ax.locator_params(axis="x", integer=True, nbins=6, min_n_ticks=1)
        if ax.get_subplotspec().is_first_col():
            ax.set_ylabel("cosine")
    if below:
        _effects(below, steps, effects, history.tasks)
    figure.supxlabel("steps made", fontsize=10, color="black")
    return figure


def _effects(ax, steps, effects, tasks):
    """First-order change of each task's loss by the steps really taken, marked and shaded where a step harmed the task."""
    ax.axhline(0, color="0.4", linewidth=0.8)
    for i, (t, y) in enumerate(zip(tasks, effects.T)):
        style = _style(i, TASK_COLOURS) | {
            "linestyle": "-",
            "markersize": 4,
            "markevery": sorted({*np.flatnonzero(y > 0).tolist(), *_lone(y)}),
        }
        ax.plot(
            steps,
            y,
            **style,
            linewidth=1,
            label=f"{t}: harm in {(y > 0).sum()} of {np.isfinite(y).sum()}",
        )
        ax.fill_between(
            steps,
            y,
            0,
            where=y > 0,
            interpolate=True,
            color=style["color"],
            alpha=0.25,
            linewidth=0,
        )
    ax.set(xlim=(-0.5, steps[-1] + 0.5), ylabel="J·Δθ, units of the loss")
    ax.locator_params(axis="x", integer=True, min_n_ticks=1)
    low, high = ax.get_ylim()
    ax.set_ylim(low, max(high, -0.15 * low))  # the side of harm is seen also if nobody was harmed
    ax.axhspan(0, ax.get_ylim()[1], color="0.94", zorder=0)
    _note(ax, 0.99, 0.97, "harm", ha="right", va="top")
    _legend_above(ax, title="What the step taken did to each loss, to first order")


def harm(history: History, pair: tuple[str, str] | None = None):
    """The harm diagram of two tasks s, t: cosine ρ over r = w_s‖g_s‖ / (w_t‖g_t‖), a point for each recorded step.

    A plain step −η(w_s g_s + w_t g_t) raises L_s, to first order, if ρ < −r, and L_t if ρ < −1/r; so a conflict (ρ < 0)
    between the two boundaries harms nobody. A cross marks where the step really taken raised at least one of the two
    losses (`history.effects`): momentum, Adam and other tasks move it across the boundaries. Early steps are light, late ones dark.
    history: of `fit(..., cosines_every=n)`, with shared parameters. pair: two tasks, None for the first two.
    TypeError for anything but a History, ValueError for unknown tasks, no cosines, or copies of which nothing is shared.
    """
    _check_cosines("harm", history)
    pair = tuple(history.tasks[:2] if pair is None else pair)
    if len(set(pair)) != 2 or len(pair) != 2 or not set(pair) <= set(history.tasks):
        raise ValueError(f"harm: pair must be two of the tasks {history.tasks}, got {pair}")
    if history.aligned_copies:
        raise ValueError(
            "harm: history must be of shared parameters, got copies of which each task moves its own: no step can harm another task"
        )
    steps, (s, t) = np.asarray(history.cosine_steps), (history.tasks.index(name) for name in pair)
    ρ = np.asarray(history.cosines, float)[:, s, t]
    w = np.stack([np.asarray(history.weights[name], float)[steps] for name in pair])
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.divide(*(w * np.asarray(history.norms, float)[:, [s, t]].T))
        known = np.isfinite(ρ) & (ratio >= 0)
        harmful = known & ((ρ < -ratio) | (ρ < -1 / ratio))
    title = f"Conflict in {(ρ[known] < 0).sum()} of {known.sum()} steps; a plain step would do harm in {harmful.sum()}"
    figure, ax = _axes(title, height=4.4)
    finite = ratio[known & (ratio > 0) & (ratio < np.inf)]
    edge = np.clip(1.3 * np.max(np.maximum(finite, 1 / finite), initial=0), 3, 100)
    _harm_regions(ax, edge, pair, (s, t))
    effects, marks = np.asarray(history.effects, float), {"steps recorded": known}
    if len(effects):
        raised = (effects[:, [s, t]] > 0).any(1)
        marks = {"step taken raised no loss": known & ~raised, "it raised one": known & raised}
    late = {
        "cmap": _colours("0.9", "black"),
        "vmin": 0,
        "vmax": max(1, steps[-1]),
        "edgecolors": "black",
        "linewidths": 0.6,
        "zorder": 4,
    }
    for (label, at), marker, size in zip(marks.items(), "oX", (30, 60)):
        x = np.clip(ratio[at], 1 / edge, edge)
        dots = ax.scatter(
            x,
            ρ[at],
            c=steps[at],
            marker=marker,
            s=size,
            **late,
            clip_on=False,
            label=f"{label}: {at.sum()}",
        )
    _colourbar(dots, ax, "step (late is dark)")
    _legend_above(ax, ncols=3, columnspacing=1, handletextpad=0.4)
    others = (
        f";\nfor the two alone: the step taken also served {len(history.tasks) - 2} more"
        if len(history.tasks) > 2
        else ""
    )
    beyond = (known & ((ratio < 1 / edge) | (ratio > edge))).sum()
    clipped = f"; {beyond} points lie beyond the edge" if beyond else ""
    _caption(figure, f"regions: first order of a plain step of these two tasks{clipped}{others}")
    return figure


def _harm_regions(ax, edge, names, places):
    r = np.geomspace(
        1 / edge, 1, 101
    )  # where s is the weaker: its boundary is ρ = −r; that of t is the mirror image
    ax.fill_between(
        [1 / edge, edge], -1, 0, color="0.9", linewidth=0, label="conflict without harm"
    )
    for name, i, x, side in zip(names, places, (r, 1 / r), ("left", "right")):
        colour = TASK_COLOURS[i % len(TASK_COLOURS)]
        ax.fill_between(x, -1, -r, color="white", linewidth=0)
        ax.fill_between(x, -1, -r, color=colour, alpha=0.2, linewidth=0)
        ax.plot(x, -r, color=colour, linewidth=1.5, label=f"_{name}")
        _note(
            ax,
            0.02 if side == "left" else 0.98,
            0.02,
            f"step harms\n{name}",
            ha=side,
            color=colour,
            weight="bold",
        )
    ax.axhline(0, color="0.4", linewidth=0.8)
    _note(ax, 0.5, 0.97, "no conflict", ha="center", va="top")
    ax.set(
        ylim=(-1, 1),
        xlabel="‖w g‖ of {} ÷ ‖w g‖ of {} (log scale)".format(*names),
        ylabel="cosine ρ of the two gradients",
    )
    _log(ax, "x", 1 / edge, edge)
    ax.set_xlim(1 / edge, edge)


def weights(histories: Mapping[str, History]):
    """What weights each rule gave over training: a panel for each rule, a line for each task, one scale for all.

    histories: rule -> what `fit` returned under it, all of the same tasks. The weights are raw: for plain steps a rule
    whose weights are all larger also takes longer steps. The scale is logarithmic if all are positive and span
    more than a factor 10. Steps without a label of a task leave a gap.
    TypeError for anything but histories, ValueError for none, one without a step, or tasks that differ.
    """
    for rule, history in histories.items():
        _check_history(f"weights: histories[{rule!r}]", history)
    kinds = {rule: (history.tasks, len(history.penalty)) for rule, history in histories.items()}
    tasks = next(iter(kinds.values()), ((), 0))[0]
    if not tasks or any(names != tasks or not steps for names, steps in kinds.values()):
        raise ValueError(
            f"weights: histories must be of the same tasks and of at least 1 step, got {kinds}"
        )
    figure, panels, _ = _panels("The weights that each rule gave the tasks", len(histories))
    values = []
    for ax, (rule, history) in zip(panels, histories.items()):
        for i, t in enumerate(tasks):
            y = np.where(np.isnan(np.asarray(history.losses[t], float)), np.nan, history.weights[t])
            ax.plot(
                y,
                **_style(i, TASK_COLOURS) | {"linestyle": "-"},
                linewidth=1.2,
                markersize=5,
                markevery=max(1, len(y) // 6),
                label=t,
            )
            values.append(y[np.isfinite(y)])
        ax.set_title(rule, fontsize=9)
        ax.locator_params(axis="x", integer=True, nbins=4, min_n_ticks=1)
    values = np.concatenate(values)
    scale = "log" if len(values) and 0 < 10 * values.min() < values.max() else "linear"
    if scale == "log":
        _log(panels[0], "y", values.min(), values.max())
    _legend(figure, panels[0])
    figure.supylabel(f"weight, raw ({scale} scale)", fontsize=10, color="black")
    figure.supxlabel("steps made", fontsize=10, color="black")
    return figure


def step(report: interaction.StepReport):
    """One step taken apart: what it did to each task's loss, in four ways from theory to fact, beside the cosines.

    report: of `interaction.step_report`, with numbers (T,) and cosines (T, T). A row for each task: what the Gramian predicts of
    a plain step, the first order of the step that the optimiser really took, the change that happened when the shared
    parameters alone moved, and when heads moved too; in the loss's own units, harm to the right of 0. NaN is left out.
    Where the first two differ it is the optimiser (or the penalty), the next two: curvature.
    ValueError for no task, a task twice, or other shapes.
    """
    tasks = _names("step", report.tasks, 1)
    T = len(tasks)
    L, norms, w, *parts = (
        _shaped(f"step: {name}", getattr(report, name), T)
        for name in ("losses", "norms", "weights", *PARTS)
    )
    ρ = _shaped("step: cosines", report.cosines, T, T)
    figure, (ax, matrix) = _axes(
        "What did one step do to each task?",
        1,
        2,
        height=2.5 + 0.65 * T,
        sharey=True,
        width_ratios=(3, 2),
    )
    colours = [TASK_COLOURS[i % len(TASK_COLOURS)] for i in range(T)]
    for j, (values, (label, look)) in enumerate(zip(parts, PARTS.values())):
        ax.barh(
            np.arange(T) + 0.2 * (j - 1.5),
            values,
            0.16,
            **{"color": colours, "edgecolor": colours} | look,
        )
        ax.scatter(
            [], [], marker="s", s=60, **{"color": "0.4", "edgecolor": "0.4"} | look, label=label
        )
    low, high = (most([0, *np.ravel(parts)]) for most in (np.nanmin, np.nanmax))
    room = (high - low or 1) / 10
    ax.axvspan(0, high + 2 * room, color="0.94", zorder=0)
    ax.axvline(0, color="0.4", linewidth=1)
    _note(ax, 0.99, 0.01, "harm", ha="right")
    ax.set_yticks(
        range(T),
        [f"{t}\nL {a:.3g}, ‖g‖ {b:.2g}, w {c:.2g}" for t, a, b, c in zip(tasks, L, norms, w)],
        fontsize=9,
    )
    ax.set(xlim=(low - room, high + 2 * room), ylim=(T - 0.5, -0.5), xlabel="change of the loss")
    ax.ticklabel_format(axis="x", scilimits=(-2, 3), useMathText=True)
    ax.locator_params(axis="x", nbins=5)
    _legend_above(ax, ncols=1)
    matrix.imshow(ρ, cmap="RdBu", vmin=-1.6, vmax=1.6, aspect="auto")
    digits, size = (2, 9) if T < 5 else (1, 7)
    for s, t in np.argwhere(np.isfinite(ρ)):
        text = f"{ρ[s, t].round(digits) + 0:.{digits}f}".replace("-", "−")
        matrix.text(t, s, text, ha="center", va="center", fontsize=size, color="black")
    matrix.set_xticks(range(T), tasks, rotation=90, fontsize=9)
    matrix.set_title("cosine of the gradients\n(red: conflict)", fontsize=9)
    return figure


def pareto(
    parameters: np.ndarray,
    losses: np.ndarray,
    weights: Sequence[float],
    *,
    tasks: Sequence[str],
    front: np.ndarray | None = None,
):
    """A sweep of the weight of the first of two tasks: the parameters found, and the two losses there.

    parameters (K, 2) and losses (K, 2), in each loss's own units, were found with weights (K,) of the first task; a point
    has one colour in both panels, from the second task's to the first's. tasks: two names.
    front (M, 2): losses of the exact front in order, drawn as a line; a point off it was not trained to the end.
    ValueError for other shapes, no point, or anything but two names.
    """
    tasks = _names("pareto", tasks, 2, 2)
    w = _shaped("pareto: weights", weights, "K")
    clouds = [
        _shaped(f"pareto: {name}", value, len(w), 2)
        for name, value in (("parameters", parameters), ("losses", losses))
    ]
    line = () if front is None else _shaped("pareto: front", front, "M", 2).T
    shades = {
        "cmap": _colours(TASK_COLOURS[1], "0.9", TASK_COLOURS[0]),
        "vmin": 0,
        "vmax": max(1, w.max()),
    }
    figure, axes = _axes(f"From all weight on {tasks[1]} to all on {tasks[0]}", 1, 2, height=3.4)
    axes[1].plot(*line, color="0.4", linewidth=1.5, label="exact front (theory)")
    words = (
        ("where each weight leads", "parameter {}", 1, 2),
        ("what it costs: lower left is better", "loss of {}", *tasks),
    )
    for ax, points, (title, label, x, y) in zip(axes, clouds, words):
        ax.plot(*points.T, color="0.7", linewidth=0.8, linestyle=":")
        dots = ax.scatter(
            *points.T,
            c=w,
            **shades,
            s=30,
            edgecolors="black",
            linewidths=0.4,
            zorder=3,
            label="measured",
        )
        ax.set_title(title, fontsize=9)
        ax.set(xlabel=label.format(x), ylabel=label.format(y))
        ax.locator_params(nbins=4)
    axes[1].legend(frameon=False, fontsize=9, labelcolor="black")
    _colourbar(dots, axes, f"weight of {tasks[0]}")
    return figure


def trajectories(
    landscape: Callable,
    paths: Mapping[str, np.ndarray],
    *,
    extent: tuple[float, float, float, float],
    tasks: Sequence[str] = ("task 1", "task 2"),
    minima: np.ndarray | None = None,
    pareto_set: np.ndarray | None = None,
):
    """Where each rule leads over a landscape of two losses: a panel for each rule, a path for each start.

    landscape: parameters (..., 2) -> losses (..., 2); contours of their mean. paths: rule -> (K, 2) or (n, K, 2), n paths
    from their start (hollow) to their end (star). extent: (x0, x1, y0, y1) of the parameters drawn. minima (2, 2): where
    each task's loss is least. pareto_set (M, 2): the points at which no loss can fall without the other rising.
    ValueError for no rule, or other shapes.
    """
    tasks = _names("trajectories", tasks, 2, 2)
    x0, x1, y0, y1 = _shaped("trajectories: extent", extent, 4)
    paths = {
        r: _shaped(
            f"trajectories: paths[{r!r}]", [path] if np.ndim(path) == 2 else path, "n", "K", 2
        )
        for r, path in paths.items()
    }
    if not paths:
        raise ValueError(f"trajectories: paths must have at least one rule, got {paths}")
    grid = np.stack(np.meshgrid(np.linspace(x0, x1, 121), np.linspace(y0, y1, 121)), -1)
    height = _shaped("trajectories: landscape of (121, 121, 2)", landscape(grid), 121, 121, 2).mean(
        -1
    )
    best = () if pareto_set is None else _shaped("trajectories: pareto_set", pareto_set, "M", 2).T
    least = () if minima is None else _shaped("trajectories: minima", minima, 2, 2)
    figure, panels, _ = _panels(
        "Where does each rule lead? From hollow to star",
        len(paths),
        row=4.2 if len(paths) == 1 else 2,
    )
    for ax, (rule, path) in zip(panels, paths.items()):
        ax.contour(grid[..., 0], grid[..., 1], height, 15, colors="0.8", linewidths=0.7, zorder=1)
        ax.plot(*best, color=ARM_COLOURS[1], alpha=0.4, linewidth=5, label="Pareto set")
        for t, (x, y), colour in zip(tasks, least, TASK_COLOURS):
            ax.plot(x, y, "P", color=colour, markersize=8, linestyle="", label=f"minimum of {t}")
        for one in path:
            ax.plot(*one.T, color="black", linewidth=1.1, label="_path")
        ax.plot(
            *path[:, 0].T, "o", color="black", markerfacecolor="white", markersize=6, label="start"
        )
        ax.plot(*path[:, -1].T, "*", color="black", markersize=9, label="end")
        ax.set(xlim=(x0, x1), ylim=(y0, y1), aspect="equal")
        ax.set_title(rule, fontsize=9)
    _legend(figure, panels[0])
    _caption(figure, "contours: mean of the two losses; axes: the two shared parameters")
    return figure


def curves(
    x: Sequence[float],
    measured: Mapping[str, tuple],
    theory: Mapping[str, object] | None = None,
    *,
    xlabel: str,
    ylabel: str,
    title: str,
    log: str = "xy",
    mark: tuple[float, str] | None = None,
    of_tasks: bool = False,
    seeds: int | None = None,
):
    """Measurement against theory: points for what happened ± standard error, a thick line of the same colour for what the mathematics says.

    x (K,), in order. measured: name -> (mean (K,), standard error (K,)), NaN where nothing was measured. theory: name -> values (K,), or a function of an
    array of x. Names are written at the end of the lines. log: the axes that are logarithmic. mark: a place on the x axis and
    its name. of_tasks: the measured names are tasks, and have their colours. seeds: how many the means are of.
    ValueError for other shapes, x that does not rise, standard errors not finite or below 0, a logarithmic axis with a value that is not positive, or nothing to draw.
    """
    x, theory, names = (
        _shaped("curves: x", x, "K"),
        theory or {},
        list(dict.fromkeys([*measured, *(theory or {})])),
    )
    if not names or log not in ("", "x", "y", "xy"):
        raise ValueError(
            f"curves: expected at least one name in measured or theory, and log '', 'x', 'y' or 'xy'; got {names} and {log!r}"
        )
    if not (np.isfinite(x).all() and (np.diff(x) > 0).all() and ("x" not in log or x[0] > 0)):
        raise ValueError(
            f"curves: x must be finite and rise{', and be positive on a logarithmic axis' if 'x' in log else ''}; got {x}"
        )
    points, lines = _measured_and_theory(
        x,
        np.geomspace(x[0], x[-1], 200) if "x" in log else np.linspace(x[0], x[-1], 200),
        measured,
        theory,
    )
    ends = {name: lines.get(name, (x, points.get(name, x)[0])) for name in names}
    heights = np.concatenate(
        [y[np.isfinite(y)] for _, y in (*ends.values(), *((x, y) for y, _ in points.values()))]
    )
    if not len(heights) or "y" in log and not heights.min() > 0:
        raise ValueError(
            f"curves: expected values{' that are positive, for a logarithmic axis' if 'y' in log else ''}; the least is {min(heights, default=None)}"
        )
    palettes = [
        ARM_COLOURS if not of_tasks else TASK_COLOURS if name in measured else ("0.5",)
        for name in names
    ]
    colours = [palette[i % len(palette)] for i, palette in enumerate(palettes)]
    figure, ax = _axes(title)
    for i, name in enumerate(names):
        if name in points:
            _points(
                ax,
                x,
                points[name][0],
                _style(i, colours),
                np.ones(len(x), bool),
                yerr=points[name][1],
            )
        if name in lines:
            ax.plot(*lines[name], color=colours[i], linewidth=1.4)
        else:
            ax.plot(
                x, points[name][0], color=colours[i], linewidth=0.8, alpha=0.6
            )  # joins the points
    ax.set(xlabel=xlabel, ylabel=ylabel)
    if "x" in log:
        _log(ax, "x", x[0], x[-1])
    if "y" in log:
        _log(ax, "y", heights.min(), heights.max())
    if mark is not None:
        _mark(
            ax,
            *mark,
            left=(mark[0] > np.sqrt(x[0] * x[-1])) if "x" in log else mark[0] > (x[0] + x[-1]) / 2,
        )
    _label_ends(ax, ends, colours)
    _caption(
        figure,
        "; ".join(
            ["points: measured, ± standard error"] * bool(points)
            + ["thick lines: theory"] * bool(lines)
        ),
        seeds,
    )
    return figure


def _measured_and_theory(x, fine, measured, theory):
    """Of `curves`: name -> (mean (K,), standard error (K,)), and name -> (x, y) of a line."""
    points, lines = {}, {}
    for name, pair in measured.items():
        mean, error = _shaped(f"curves: measured[{name!r}]", pair, 2, len(x))
        if (
            wrong := ~np.isnan(mean) & ~(np.isfinite(mean) & np.isfinite(error) & (error >= 0))
        ).any():
            raise ValueError(
                f"curves: measured[{name!r}] must be finite, with standard errors of at least 0, got {mean[wrong][0]} ± {error[wrong][0]}"
            )
        points[name] = mean, error
    for name, line in theory.items():
        at = fine if callable(line) else x
        lines[name] = (
            at,
            _shaped(f"curves: theory[{name!r}]", line(at) if callable(line) else line, len(at)),
        )
    return points, lines


def strength_curve(
    strengths: Sequence[float],
    errors: Sequence[float],
    standard_errors: Sequence[float],
    *,
    theory: Callable | None = None,
    best: float | None = None,
    alone: float | None = None,
    together: float | None = None,
    seeds: int | None = None,
):
    """Test error of soft sharing over its strength λ: points measured ± standard error, a line for what theory says.

    strengths, errors, standard_errors (K,): λ > 0, and mean test error over seeds in the units of that error.
    theory: λ -> error, of an array. best: the λ that theory says is best, marked unless it is 0 or ∞. alone, together: the error in the limits λ = 0
    and λ → ∞, as horizontal lines. seeds: how many. An error of NaN was not measured.
    ValueError for lengths that differ, λ that is not positive, standard errors not finite or below 0.
    """
    λ = _shaped("strength_curve: strengths", strengths, "K")
    if not ((λ > 0) & (λ < np.inf)).all():
        raise ValueError(f"strength_curve: strengths must be positive and finite, got {strengths}")
    pairs = (
        _shaped(f"strength_curve: {name}", value, len(λ))
        for name, value in (("errors", errors), ("standard_errors", standard_errors))
    )
    error, bars, _ = _checked("strength_curve: errors", *pairs)
    figure, ax = _axes("Between alone and one network: test error over the strength of sharing")
    shown = best is not None and 0 < best < np.inf  # at 0 and ∞ it is one of the limits
    ends = np.array([*λ, *([best] if shown else [])])
    x, lines = np.geomspace(ends.min() / 1.3, ends.max() * 1.3, 200), {}
    if theory is not None:
        lines["theory"] = x, np.broadcast_to(np.asarray(theory(x), float), x.shape)
    lines |= {
        name: (x, np.full(200, y))
        for name, y in (("alone (λ = 0)", alone), ("one network (λ → ∞)", together))
        if y is not None
    }
    for i, (name, (_, y)) in enumerate(lines.items()):
        ax.plot(
            x,
            y,
            **_style(i, ARM_COLOURS)
            | {"marker": "", "linestyle": "-" if name == "theory" else DASHES[i]},
            linewidth=1.4,
            label=name,
        )
    _points(ax, λ, error, {"color": "black", "marker": "o"}, np.ones(len(λ), bool), yerr=bars)
    ax.set(xscale="log", xlim=(x[0], x[-1]), xlabel="strength λ (log scale)", ylabel="test error")
    if shown:
        _mark(ax, best, f"best by theory: λ* = {best:.3g}", left=best > np.sqrt(x[0] * x[-1]))
    if lines:
        _label_ends(ax, lines, ARM_COLOURS)
    _caption(figure, "points: measured, ± standard error", seeds)
    return figure


def layers(gramians: Mapping[str, np.ndarray], tasks: Sequence[str]):
    """Where in the network do gradients conflict? The cosine of each two tasks for each layer, and for the whole.

    gramians: layer -> Gramian (T, T) of the gradients on its parameters, drawn from top to bottom; their sum is the whole.
    A layer's weight is √(share of ‖g_s‖² × share of ‖g_t‖²), written beside the dot and its area: the cosine of the whole
    is the sum of the layers' cosines times their weights. A layer without a gradient has no dot. tasks: T names.
    ValueError for no layer, other shapes, fewer than 2 names, a name twice.
    """
    tasks = _names("layers", tasks, 2)
    parts = {
        name: _shaped(f"layers: gramians[{name!r}]", G, len(tasks), len(tasks))
        for name, G in gramians.items()
    }
    if not parts:
        raise ValueError(f"layers: gramians must have at least one layer, got {gramians}")
    G = np.stack([*parts.values(), sum(parts.values())])  # (layers + 1, T, T)
    ρ, rows, pairs = (
        np.stack([interaction.cosines(one) for one in G]),
        np.arange(len(G)),
        list(combinations(range(len(tasks)), 2)),
    )
    square = np.einsum("ltt->lt", G)
    share = square / np.where(square[-1] > 0, square[-1], np.nan)
    figure, panels, _ = _panels(
        "In which layers do the gradients conflict?", len(pairs), row=0.7 + 0.25 * len(G)
    )
    for ax, (s, t) in zip(panels, pairs):
        weight = np.sqrt(share[:, s] * share[:, t])
        ax.axvspan(-1, 0, color="0.94")
        ax.axvline(0, color="0.4", linewidth=0.8)
        ax.axhline(len(G) - 1.5, color="0.7", linewidth=0.8)
        ax.scatter(
            ρ[:, s, t],
            rows,
            s=150 * np.nan_to_num(weight),
            color=np.where(ρ[:, s, t] < 0, "#B2182B", "0.3"),
            zorder=3,
            clip_on=False,
        )
        for y, (x, part) in enumerate(zip(ρ[:-1, s, t], weight)):
            if np.isfinite(x):
                side = (
                    {"xytext": (9, 0), "ha": "left"}
                    if x < 0
                    else {"xytext": (-9, 0), "ha": "right"}
                )
                ax.annotate(
                    f"{part:.0%}",
                    (x, y),
                    **side,
                    textcoords="offset points",
                    va="center",
                    fontsize=7,
                    color="0.3",
                )
        ax.set_title(_pair(tasks[s], tasks[t]), fontsize=9)
        ax.set(xlim=(-1, 1), ylim=(len(G) - 0.5, -0.5))
        ax.set_yticks(rows, [*parts, "whole"])
    _caption(
        figure, "cosine (left of 0: conflict); area and number: the layer's weight in the whole"
    )
    return figure


def direction_and_length(
    gramian: np.ndarray, weights: Mapping[str, Sequence[float]], tasks: Sequence[str]
):
    """The step that each rule makes of the same gradients: its angle to each of them, and its length.

    gramian (T, T); weights: rule -> (T,), a row each. With d = Jᵀw: cos(d, g_t) = (G w)_t / (‖d‖ ‖g_t‖), where left of 0 the
    step −η d harms task t, and ‖d‖ = √(wᵀ G w), on a log scale. A rule with d = 0 makes no step, which is written; a
    task without a gradient has no point. tasks: T names.
    ValueError for no rule, other shapes, no name or a name twice.
    """
    tasks = _names("direction_and_length", tasks, 1)
    G = _shaped("direction_and_length: gramian", gramian, len(tasks), len(tasks))
    rules = {
        rule: _shaped(f"direction_and_length: weights[{rule!r}]", w, len(tasks))
        for rule, w in weights.items()
    }
    if not rules:
        raise ValueError(
            f"direction_and_length: weights must have at least one rule, got {weights}"
        )
    W, norms = np.stack(list(rules.values())), np.sqrt(np.diag(G))  # (R, T), (T,)
    length = np.sqrt(np.maximum(np.einsum("rs,st,rt->r", W, G, W), 0))
    length[length <= 1e-7 * np.abs(W) @ norms] = np.nan  # d = 0 but for rounding
    with np.errstate(divide="ignore", invalid="ignore"):
        cosine = W @ G / length[:, None] / norms
    figure, (ax, right) = _axes(
        "Which way does each rule go, and how far?",
        1,
        2,
        height=1.6 + 0.35 * len(rules),
        sharey=True,
    )
    ax.axvspan(-1, 0, color="0.94")
    ax.axvline(0, color="0.4", linewidth=0.8)
    for i, t in enumerate(tasks):
        ax.plot(
            cosine[:, i],
            range(len(rules)),
            **_style(i, TASK_COLOURS) | {"linestyle": ""},
            label=t,
            zorder=3,
            clip_on=False,
        )
    known = length[np.isfinite(length)]
    if len(known):
        _log(right, "x", known.min() / 1.5, known.max() * 1.5)
        right.set_xlim(known.min() / 1.5, known.max() * 1.5)
    right.plot(length, range(len(rules)), "s", color="black", label="length")
    for row in np.flatnonzero(np.isnan(length)):
        ax.text(0, row, "d = 0: no step", ha="center", va="center", fontsize=9, color="0.3")
    ax.set_yticks(range(len(rules)), list(rules))
    ax.set(xlim=(-1, 1), ylim=(len(rules) - 0.5, -0.5))
    ax.set_title("direction: cos(d, g)\n(left of 0: harm)", fontsize=9)
    right.set_title("length ‖d‖\n(log scale)", fontsize=9)
    _legend(figure, ax)
    return figure


def gains(gains: Mapping[str, Mapping[str, tuple[float, float]]], *, seeds: int | None = None):
    """What each arm gains over training alone: a row for each measure, bars of 3 standard errors either way.

    gains: arm -> measure -> (gain, its standard error) in the measure's own units, the same measures for every arm,
    e.g. {"hard": {"brand, AUC": (0.101, 0.017)}}; a gain of NaN was not measured. seeds: how many, for the caption.
    ValueError for no arm or measure, measures that differ, anything but pairs, standard errors not finite or below 0.
    """
    measures = list(next(iter(gains.values()), ()))
    if not measures:
        raise ValueError(f"gains: gains must have at least one arm with one measure, got {gains}")
    arms = {}
    for arm, pairs in gains.items():
        if set(pairs) != set(measures) or any(np.shape(pairs[m]) != (2,) for m in measures):
            raise ValueError(
                f"gains: gains[{arm!r}] must have a pair (gain, standard error) for each of {measures}, got {pairs}"
            )
        arms[arm] = _checked(f"gains: gains[{arm!r}]", *zip(*(pairs[m] for m in measures)))
    figure, ax = _axes(
        "Does training together beat training alone?",
        height=1.7 + len(measures) * (0.15 + 0.2 * len(arms)),
    )
    ax.axvline(0, color="0.4", linewidth=1)
    for i, (arm, (gain, error, found)) in enumerate(arms.items()):
        counts = f"better in {(gain[found] > 0).sum()} of {np.isfinite(gain).sum()}, worse in {(gain[found] < 0).sum()}"
        ax.plot([], [], **_style(i, ARM_COLOURS) | {"linestyle": ""}, label=f"{arm}: {counts}")
        rows = np.arange(len(measures)) + (i - (len(arms) - 1) / 2) * 0.7 / len(arms)
        _points(ax, gain, rows, _style(i, ARM_COLOURS), found, xerr=SURE * error)
    ax.set_yticks(range(len(measures)), measures)
    ax.set(ylim=(len(measures) - 0.2, -0.5), xlabel=GAIN)
    ax.text(0, len(measures) - 0.2, " alone", va="bottom", fontsize=9, color="0.3")
    _legend_above(ax, ncols=1)
    _caption(figure, BARS, seeds)
    return figure


def gain_by_fraction(gains: Mapping[str, tuple], *, measure: str, seeds: int | None = None):
    """What each arm gains over training alone on the same share of the labels, over that share; bars as in `gains`.

    gains: arm -> (fractions, gains, standard errors), of one length; fractions increase in (0, 1], the others are in
    the units of the measure. measure: its name, for the title. NaN, seeds and standard errors as in `gains`.
    ValueError for no arm, other fractions, lengths that differ, standard errors not finite or below 0.
    """
    if not gains:
        raise ValueError(f"gain_by_fraction: gains must have at least one arm, got {gains}")
    arms = {}
    for arm, curve in gains.items():
        where, shapes = f"gain_by_fraction: gains[{arm!r}]", [np.shape(part) for part in curve]
        if shapes != 3 * [(np.size(curve[0]),)] or not np.size(curve[0]):
            raise ValueError(
                f"{where} must be (fractions, gains, standard errors) of one length, at least 1; got shapes {shapes}"
            )
        x = 100 * np.asarray(curve[0], float)
        if not 0 < x[0] <= x[-1] <= 100 or not (np.diff(x) > 0).all():
            raise ValueError(f"{where} must have increasing fractions in (0, 1], got {curve[0]}")
        arms[arm] = x, *_checked(where, *curve[1:])
    percents = np.unique(np.concatenate([x for x, *_ in arms.values()]))
    width = max(2, percents[-1] / percents[0])
    figure, ax = _axes(f"{measure}: gain by share of labels")
    ax.axhline(0, color="0.4", linewidth=1)
    for i, (arm, (x, gain, error, found)) in enumerate(arms.items()):
        x *= width ** (
            0.015 * (i - (len(arms) - 1) / 2)
        )  # so that the arms' bars stand side by side
        ax.plot(x, gain, **_style(i, ARM_COLOURS) | {"marker": ""}, linewidth=1.3, label=arm)
        _points(ax, x, gain, _style(i, ARM_COLOURS), found, yerr=SURE * error)
    ax.set(
        xscale="log",
        xlim=(percents[0] / width**0.13, percents[-1] * width**0.06),
        xlabel="labels kept, % (log scale)",
        ylabel=GAIN,
    )
    ax.set_xticks(
        percents,
        [
            f"{p:.3g}" if q > p * width**0.05 else ""
            for p, q in zip(percents, [*percents[1:], np.inf])
        ],
    )
    ax.set_xticks([], minor=True)
    ax.text(percents[0] / width**0.13, 0, " alone", va="bottom", fontsize=9, color="0.3")
    _label_ends(ax, {arm: (x, gain) for arm, (x, gain, *_) in arms.items()}, ARM_COLOURS)
    _caption(figure, BARS, seeds)
    return figure


def transfer_matrix(
    gain: np.ndarray, errors: np.ndarray, tasks: Sequence[str], *, seeds: int | None = None
):
    """Which task helps which: row s, column t is what task t gains over alone when it is trained together with task s.

    gain, errors (T, T): gain of the column's task on its own held-out measure, and its standard error, both in the
    units of that measure. The diagonal is not looked at; a gain of NaN was not measured. tasks: T names. seeds: how many.
    ValueError for other shapes, fewer than 2 names, a name twice, standard errors not finite or below 0.
    """
    tasks = _names("transfer_matrix", tasks, 2)
    T = len(tasks)
    if not np.shape(gain) == np.shape(errors) == (T, T):
        raise ValueError(
            f"transfer_matrix: gain and errors must have shape ({T}, {T}) for tasks {tasks}, got {np.shape(gain)}, {np.shape(errors)}"
        )
    gain, error, found = _checked(
        "transfer_matrix: gain", np.where(np.eye(T, dtype=bool), np.nan, gain), errors
    )
    most = np.max(np.abs(gain), where=np.isfinite(gain), initial=0) or 1.0
    digits = f".{max(0, 2 - int(np.floor(np.log10(most))))}f" if 1e-3 <= most < 1e5 else ".2g"
    figure, ax = _axes(
        "What does a task gain when another is trained with it?", height=1.8 + 0.5 * T
    )
    ax.imshow(
        gain,
        cmap="RdBu",
        vmin=-1.6 * most,
        vmax=1.6 * most,
        alpha=np.where(found, 1, 0.3),
        aspect="auto",
    )
    for s, t in np.argwhere(np.isfinite(gain)):
        text = f"{gain[s, t]:+{digits}}\n± {error[s, t]:{digits}}".replace("-", "−")
        ax.text(
            t,
            s,
            text,
            ha="center",
            va="center",
            fontsize=9 if T < 8 else 7,
            color="black" if found[s, t] else "0.4",
        )
    for lines in (ax.hlines, ax.vlines):
        lines(np.arange(T - 1) + 0.5, -0.5, T - 0.5, color="0.8", linewidth=0.8)
    turn = (
        {"rotation": 25, "ha": "right", "rotation_mode": "anchor"}
        if T * max(map(len, tasks)) > 45
        else {}
    )
    ax.set_xticks(range(T), tasks, **turn)
    ax.set_yticks(range(T), tasks)
    ax.set(xlabel="task that is helped", ylabel="task that helps")
    _caption(
        figure,
        f"{GAIN}: blue better, red worse; ± standard error\ngrey: within {SURE} standard errors of 0, not a finding",
        seeds,
    )
    return figure


def network(model: Sharing):
    """The network as it is built: a row for each task, in each box a line for each module with parameters.

    model: HardSharing, whose one trunk leads to every head, or SoftSharing or SingleTask, a trunk for each task; a dashed
    line is the pull between trunks. Numbers are those of `model.counts()`, percents are of the total. An encoder
    without parameters is not drawn; a module that several tasks hold is part of the trunk.
    TypeError for any other model.
    """
    if not isinstance(model, (HardSharing, SoftSharing)):
        raise TypeError(
            f"network: model must be HardSharing, SoftSharing or SingleTask, got {type(model).__name__}"
        )
    boxes, tasks, total = _boxes(model), model.tasks, model.counts()["total"]
    part = sum(p.data.size for p in model.trunk_parameters(tasks[0])) / max(1, total)
    saves = f"none shared: one trunk for all would save {100 * (len(tasks) - 1) * part:.0f} %"
    finding = (
        saves
        if (1, tasks[0]) in boxes
        else f"{100 * part:.0f} % of them shared by {'both' if len(tasks) == 2 else f'the {len(tasks)}'} tasks"
    )
    width, left = (
        (1.8, (0.1, 2.3, 4.5)) if any(not column for column, _ in boxes) else (2.6, (0, 0.1, 3.7))
    )  # inches, as all lengths here
    tall = {box: 0.44 + 0.16 * len(modules) for box, modules in boxes.items()}
    rows = np.array(
        [0.3 + max(height for (_, of), height in tall.items() if of == t) for t in tasks]
    )
    rows += max(0, tall.get((1, None), 0) + 0.3 - rows.sum()) / len(
        tasks
    )  # one trunk may need more room than all heads
    middle = dict(zip([*tasks, None], [*(rows.cumsum() - rows / 2), rows.sum() / 2]))
    figure, ax = _axes(
        f"{total:,} parameters, {finding if len(tasks) > 1 else 'all of one task'}",
        height=rows.sum() + 0.5,
    )
    ax.set(xlim=(0, 6.4), ylim=(rows.sum(), 0))
    ax.axis("off")
    for i, t in enumerate(tasks):
        route = [box for box in ((0, t), (1, t), (1, None), (2, t)) if box in boxes]
        for (a, start), (b, end) in zip(route, route[1:]):
            arrow = {
                "arrowstyle": "-|>",
                "color": TASK_COLOURS[i % len(TASK_COLOURS)],
                "linewidth": 1.5,
                "shrinkA": 0,
                "shrinkB": 0,
            }
            ax.annotate(
                "", (left[b], middle[end]), (left[a] + width, middle[start]), arrowprops=arrow
            )
        if i and getattr(model, "strength", 0):
            x, ends = (
                left[1] + width / 2,
                [middle[s] + tall[1, s] * side for s, side in ((tasks[i - 1], 0.5), (t, -0.5))],
            )
            ax.plot([x, x], ends, color="black", linestyle="--", linewidth=1.2)
            ax.text(
                x + 0.1,
                sum(ends) / 2,
                f"pull λ = {model.strength:g}",
                va="center",
                fontsize=8,
                color="black",
            )
    for (column, t), modules in boxes.items():
        everyone = "shared trunk" if len(tasks) > 1 else "trunk"
        colour, name = (
            ("0.3", everyone)
            if t is None
            else (
                TASK_COLOURS[tasks.index(t) % len(TASK_COLOURS)],
                ("encoder", "trunk", str(t))[column],
            )
        )
        y, height = middle[t], tall[column, t]
        ax.barh(
            y,
            width,
            height,
            left=left[column],
            color="0.95" if column == 1 else "white",
            edgecolor=colour,
            linewidth=1.5,
        )
        n = sum(modules.values())
        lines = (
            (name, ""),
            (f"{100 * n / max(1, total):.1f} % of all", f"{n:,}"),
            *((module, f"{k:,}") for module, k in modules.items()),
        )
        _lines(ax, left[column] + 0.08, y - height / 2 + 0.14, width - 0.16, lines)
    return figure


def _lines(ax, x, y, width, lines):
    """Lines of words at the left and a number at the right, the first two stressed; what is too long loses its middle."""
    for i, (words, number) in enumerate(lines):
        room = (
            int(14.5 * width) - len(number) - 5 * (not i)
        )  # letters, of which bold ones are wider
        words = words if len(words) <= room else f"{words[: room // 2]}…{words[1 - room // 2 :]}"
        look = {
            "y": y + 0.16 * i,
            "va": "center",
            "fontsize": 8,
            "color": "black" if i < 2 else "0.3",
        }
        ax.text(x=x, s=words, weight="normal" if i else "bold", **look)
        ax.text(x=x + width, s=number, ha="right", **look)


def _boxes(model):
    """(column, task, or None for a trunk of all) -> {module: number of parameters}; columns: encoders, trunks, heads."""
    names = {id(p): name for name, p in model.named_parameters().items()}
    kinds = {
        id(p): type(m).__name__
        for m in model.modules()
        for p in vars(m).values()
        if isinstance(p, Parameter)
    }
    one, boxes = isinstance(model, HardSharing), {}
    for t in model.tasks:
        trunk = {id(p) for p in model.trunk_parameters(t)}
        boxes |= {(1, None if one else t): {}, (2, t): {}}
        for p in model.task_parameters(t):
            name = names.get(
                id(p), "unused copy."
            )  # soft sharing copies for every task what any two hold
            column = 1 if id(p) in trunk else 0 if name.startswith("encoders.") else 2
            path = name.removeprefix(
                (f"encoders.{t}.", "trunk." if one else f"trunks.{t}.", f"heads.{t}.")[column]
            ).rpartition(".")[0]
            module = ": ".join(filter(None, (path, kinds.get(id(p)))))
            modules = boxes.setdefault((column, None if one and column == 1 else t), {})
            modules[module] = modules.get(module, 0) + p.data.size
    return boxes


def embedding(vectors: Mapping[str, np.ndarray], labels: Sequence):
    """Which points lie together, before and after sharing: two principal components of each set of vectors, coloured by label.

    vectors: name -> (n, E), such as features of the same n products in each arm. labels (n,): the 7 most frequent in colour.
    Each panel has axes of its own, in root mean squares of the distance from the mean; only who is near whom can be
    compared. Its title has `neighbour_purity`, which looks at all E dimensions.
    ValueError for no vectors, fewer than 2 labels, other shapes, NaN or infinity.
    """
    if not vectors:
        raise ValueError(f"embedding: vectors must have at least one name, got {vectors}")
    sets = {
        name: _labelled(f"embedding: vectors[{name!r}]", V, labels) for name, V in vectors.items()
    }
    purity = {name: neighbour_purity(*one) for name, one in sets.items()}
    kinds, counts = np.unique(np.asarray(labels), return_counts=True)
    frequent = kinds[np.argsort(-counts, kind="stable")][: len(TASK_COLOURS)]
    figure, panels, _ = _panels(
        "Do points of one label lie together?",
        len(sets),
        row=(3.9, 3.5, 2.6)[min(len(sets), 3) - 1],
    )
    reach = 0.1
    for ax, (name, (V, of)) in zip(panels, sets.items()):
        V = np.c_[
            V - V[0], np.zeros(len(V))
        ]  # equal points become exactly 0; two components also if E = 1
        U, S, _ = np.linalg.svd(V - V.mean(0), full_matrices=False)
        variance = (S**2).sum() or 1.0
        xy, rest = (U * S)[:, :2] * np.sqrt(len(V) / variance), ~np.isin(of, frequent)
        if rest.any():
            ax.scatter(
                *xy[rest].T,
                s=7,
                color="0.8",
                linewidths=0,
                label=f"{len(kinds) - len(frequent)} others ({rest.sum()})",
            )
        for kind, colour, marker in zip(frequent, TASK_COLOURS, MARKERS):
            ax.scatter(
                *xy[of == kind].T,
                s=14,
                color=colour,
                marker=marker,
                linewidths=0,
                alpha=0.8,
                label=f"{kind} ({(of == kind).sum()})",
            )
        ax.set_title(
            "{}\npurity {:.1f} %\n(chance {:.1f} %)".format(
                name, *(100 * share for share in purity[name])
            ),
            fontsize=9,
        )
        ax.set_xlabel(f"{100 * (S[:2] ** 2).sum() / variance:.0f} % of the variance", fontsize=9)
        ax.set_aspect("equal")
        reach = max(reach, np.abs(xy).max())
    panels[0].set(
        xlim=(-1.1 * reach, 1.1 * reach), ylim=(-1.1 * reach, 1.1 * reach)
    )  # of all panels
    handles, words = panels[0].get_legend_handles_labels()
    columns = max(1, min(4, 80 // (5 + max(map(len, words)))))
    figure.set_figheight(figure.get_figheight() + 0.2 * -(-len(words) // columns))
    axes = "axes: two principal components, in root mean squares of the distance from the mean"
    caption = f"{axes}\npurity: share of points with the label of their nearest neighbour in all dimensions"
    legend = figure.legend(
        handles,
        words,
        loc="outside lower center",
        ncols=columns,
        frameon=False,
        fontsize=8,
        labelcolor="black",
        markerscale=1.4,
    )
    legend.set_title(caption, {"size": 9})
    legend.get_title().set(color="0.3", ha="center")
    return figure


def neighbour_purity(vectors: np.ndarray, labels: Sequence) -> tuple[float, float]:
    """The share of points whose nearest neighbour has their label, and the share if any other point were as near.

        purity = mean_i [l_i = l_j(i)],   j(i) = argmin_{j ≠ i} ‖v_i − v_j‖        chance = mean_i (n(l_i) − 1) / (n − 1)

    vectors (n, E), labels (n,), n ≥ 2; n(l) points have label l. Of several nearest neighbours each counts alike.
    ValueError for other shapes, NaN or infinity.

    >>> neighbour_purity([[0.0], [1.0], [5.0], [7.0]], ["tea", "tea", "tea", "jam"])
    (0.5, 0.5)
    """
    V, labels = _labelled("neighbour_purity: vectors", vectors, labels)
    n, same, alike = len(V), labels[:, None] == labels, []
    for i, v in enumerate(V):  # not as v·v − 2 v·u + u·u, whose rounding would part equal points
        distance = ((V - v) ** 2).sum(1)
        distance[i] = np.inf
        alike.append(same[i, distance == distance.min()].mean())
    return float(np.mean(alike)), float((same.sum() - n) / (n * (n - 1)))


def _labelled(name, vectors, labels):
    labels = np.asarray(labels)
    if labels.ndim != 1 or len(labels) < 2:
        raise ValueError(
            f"{name.split(':')[0]}: labels must be of at least 2 points, got shape {labels.shape}"
        )
    vectors = _shaped(name, vectors, len(labels), "E")
    if not np.isfinite(vectors).all():
        raise ValueError(f"{name} must be finite, got {vectors[~np.isfinite(vectors)][0]}")
    return vectors, labels


def save(figure, path):
    """Write a figure to a file and close it."""
    import matplotlib.pyplot as plt

    figure.savefig(path, dpi=120)
    plt.close(figure)


def _check_history(where, history):
    if not isinstance(history, History):
        raise TypeError(
            f"{where}: history must be a History, as fit returns, got {type(history).__name__}"
        )


def _check_cosines(where, history):
    _check_history(where, history)
    if len(history.tasks) < 2:
        raise ValueError(f"{where}: history must have at least 2 tasks, got {history.tasks}")
    if not len(history.cosine_steps):
        raise ValueError(
            f"{where}: history must hold cosines, got none; fit(..., cosines_every=10) records them"
        )


def _names(where, tasks, least, most=np.inf):
    tasks = [tasks] if isinstance(tasks, str) else list(tasks)
    if not least <= len(tasks) <= most or len(set(tasks)) < len(tasks):
        raise ValueError(
            f"{where}: tasks must be {'' if least == most else 'at least '}{least} names, each once; got {tasks}"
        )
    return tasks


def _shaped(name, value, *shape):
    """value as floats of this shape; a letter in it stands for any length of at least 1."""
    array = np.asarray(value, float)
    if array.ndim != len(shape) or any(
        n < 1 or n != m and not isinstance(m, str) for n, m in zip(array.shape, shape)
    ):
        raise ValueError(
            f"{name} must have shape ({', '.join(map(str, shape))}), got {array.shape}"
        )
    return array


def _checked(where, gain, error):
    """gain, error, and where they are a finding: |gain| > 3 standard errors."""
    gain, error = np.asarray(gain, float), np.asarray(error, float)
    wrong = ~np.isnan(gain) & ~(np.isfinite(gain) & np.isfinite(error) & (error >= 0))
    if wrong.any():
        raise ValueError(
            f"{where} must have finite gains and standard errors of at least 0, got {gain[wrong][0]} ± {error[wrong][0]}"
        )
    return gain, error, np.abs(gain) > SURE * error


def _axes(title, rows=1, columns=1, height=3.6, **options):
    import matplotlib.pyplot as plt

    with plt.rc_context(PAPER):
        figure, axes = plt.subplots(
            rows, columns, figsize=(6.4, height), layout="constrained", **options
        )
        figure.suptitle(title)
    for ax in figure.axes:
        ax.tick_params(colors="black")
    return figure, axes


def _panels(title, n, row=1.6, below=0):
    """A figure with n panels on common axes, at most three to a row, each row so high; and one of the whole width below."""
    columns = 2 if n == 4 else min(3, n)
    rows = -(-n // columns)
    high = [max(2.2 / rows, row)] * rows + [below] * bool(below)
    figure, axes = _axes(
        title, len(high), columns, height=1 + sum(high), squeeze=False, height_ratios=high
    )
    panels, wide = axes.flat[:n], axes[-1, 0] if below else None
    for ax in {*axes.flat} - {*panels, wide}:
        ax.remove()
    for i, ax in enumerate(panels):
        if i:
            ax.sharex(panels[0])
            ax.sharey(panels[0])
        ax.tick_params(labelbottom=i + columns >= n, labelleft=i % columns == 0)
    if below:
        wide.set_subplotspec(wide.get_gridspec()[-1, :])
    return figure, panels, wide


def _log(ax, axis, least, most):
    """A logarithmic axis, with more and plainer numbers than powers of ten where they fit."""
    ax.set(**{f"{axis}scale": "log"})
    if most < 1000 * least:
        line = getattr(ax, f"{axis}axis")
        line.get_major_locator().set_params(subs=(1, 2, 5))
        line.set(major_formatter="{x:g}", minor_formatter="")


def _mark(ax, x, text, left):
    """A dotted line at x, named above the axes, on its left or right."""
    ax.axvline(x, color="0.4", linestyle=":")
    ax.annotate(
        text,
        (x, 1.01),
        xycoords=("data", "axes fraction"),
        ha="right" if left else "left",
        fontsize=9,
        color="0.3",
    )


def _note(ax, x, y, text, **options):
    ax.text(
        x,
        y,
        text,
        **{"transform": ax.transAxes, "fontsize": 9, "style": "italic", "color": "0.3"} | options,
    )


def _pair(s, t):
    return f"{s} – {t}" if len(s + t) < 22 else f"{s} –\n{t}"


def _legend(figure, ax):
    """One legend for all panels, at the right."""
    figure.legend(
        *ax.get_legend_handles_labels(),
        loc="outside right center",
        frameon=False,
        fontsize=9,
        labelcolor="black",
    )


def _legend_above(ax, ncols=2, **options):
    ax.legend(
        loc="lower center",
        bbox_to_anchor=(0.5, 1),
        ncols=ncols,
        frameon=False,
        fontsize=9,
        labelcolor="black",
        title_fontsize=9,
        **options,
    )
    ax.get_legend().get_title().set_color("black")


def _colourbar(dots, ax, label):
    bar = dots.figure.colorbar(dots, ax=ax)
    bar.set_label(label, color="black")
    bar.ax.tick_params(colors="black")
    bar.ax.set_facecolor("white")


def _colours(*names):
    """A colour map that passes through them."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("", names)


def _style(i, colours):
    return {
        "color": colours[i % len(colours)],
        "marker": MARKERS[i % len(MARKERS)],
        "linestyle": DASHES[i % len(DASHES)],
    }


def _lone(y):
    """Places of points without a neighbour, which need a mark because no line shows them."""
    known = np.pad(np.isfinite(y), 1)
    return np.flatnonzero(known[1:-1] & ~known[:-2] & ~known[2:]).tolist()


def _points(ax, x, y, style, found, **bars):
    """Points with error bars, hollow where nothing was found."""
    ax.errorbar(x, y, **bars, fmt="none", ecolor=style["color"], linewidth=1.3, capsize=2)
    faces = [style["color"] if one else "white" for one in found]
    ax.scatter(
        x, y, s=36, marker=style["marker"], facecolors=faces, edgecolors=style["color"], zorder=3
    )


def _label_ends(ax, lines, colours):
    """Each line's name beside its end, pushed apart where names would overlap, and joined to the end."""
    ax.set(xlim=ax.get_xlim(), ylim=ax.get_ylim())
    ends, to_axes = [], ax.transData + ax.transAxes.inverted()
    for i, (name, (x, y)) in enumerate(lines.items()):
        known = np.flatnonzero(np.isfinite(y))
        end = tuple(to_axes.transform((x[known[-1]], y[known[-1]]))) if len(known) else (1.05, 0)
        ends.append(
            (end[1], end, name if len(known) else f"{name}: no value", _style(i, colours)["color"])
        )
    ends.sort()
    room = (
        17 / (72 * ax.figure.get_figheight()) * np.arange(len(ends))
    )  # a line of text each, in heights of the axes
    wanted = np.array([height for height, *_ in ends])
    apart = np.maximum.accumulate(wanted - room) + room
    for height, (_, end, name, colour) in zip(
        np.clip(apart - (apart - wanted).mean(), room, 1 - room[::-1]), ends
    ):
        join = {
            "arrowstyle": "-",
            "color": colour,
            "linewidth": 0.8,
            "relpos": (0, 0.5),
            "shrinkA": 1,
            "shrinkB": 3,
        }
        ax.annotate(
            name,
            end,
            (1.05, height),
            xycoords="axes fraction",
            va="center",
            fontsize=9,
            color=colour,
            arrowprops=join,
        )


def _caption(figure, text, seeds=None):
    figure.supxlabel((f"{seeds} seeds; " if seeds else "") + text, fontsize=9, color="0.3")
