"""What the mathematics says, beside what was measured.

Curves of any kind, the strength of soft sharing, and two losses of two parameters: the exact front,
and the paths of rules over a landscape.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from .. import checks
from . import look
from .look import ARM_COLOURS, DASHES, TASK_COLOURS

# Curves


@look.on_paper
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
    figure=None,
):
    """Measurement against theory: points ± standard error, and thick lines of the same colour.

    x (K,), in order. measured: name -> (mean (K,), standard error (K,)), NaN where nothing was
    measured. theory: name -> values (K,), or a function of an array of x.
    Names are written at the end of the lines. log: the axes that are logarithmic. mark: a place on
    the x axis and its name. of_tasks: the measured names are tasks, and have their colours.
    seeds: how many the means are of.
    figure: where to draw, a matplotlib Figure or SubFigure; None makes a new one.
    ValueError for other shapes, x that does not rise, standard errors not finite or below 0, a
    logarithmic axis with a value that is not positive, or nothing to draw.
    """
    x = checks.floats("curves", "x", x, "K")
    theory = theory or {}
    names = list(dict.fromkeys([*measured, *theory]))
    _check_axes(x, names, log)
    points = _measured_points(x, measured)
    lines = _theory_lines(x, theory, is_log="x" in log)
    ends = _lines_with_names(x, names, points, lines)
    least, most = _least_and_most(ends, points, is_log="y" in log)
    colours = _colours_of_names(names, measured, of_tasks)

    figure, ax = look.make_axes("curves", figure, title, height=look.room_for_ends(len(names)))
    for i, name in enumerate(names):
        if name in points:
            mean, error = points[name]
            every = np.ones(len(x), bool)
            look.draw_points(ax, x, mean, look.style(i, colours), every, yerr=error)
        if name in lines:
            ax.plot(*lines[name], color=colours[i], linewidth=1.4)
        else:  # a thin line joins the points
            ax.plot(*ends[name], color=colours[i], linewidth=0.8, alpha=0.6)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    if "x" in log:
        look.set_log(ax, "x", x[0], x[-1])
    if "y" in log:
        look.set_log(ax, "y", least, most)
    if mark is not None:
        place, text = mark
        middle = _middle(x, is_log="x" in log)
        look.mark_place(ax, place, text, left=place > middle)
    look.label_ends(ax, look.by_name(ends, 32), colours)
    look.caption(figure, _words_below(points, lines), seeds)
    return figure


def _check_axes(x, names, log):
    if not names or log not in ("", "x", "y", "xy"):
        raise ValueError(
            "curves: expected at least one name in measured or theory, "
            f"and log '', 'x', 'y' or 'xy'; got {names} and {log!r}"
        )
    rises = np.isfinite(x).all() and (np.diff(x) > 0).all()
    if "x" in log and not (rises and x[0] > 0):
        raise ValueError(
            f"curves: x must be finite and rise, and be positive on a logarithmic axis; got {x}"
        )
    if not rises:
        raise ValueError(f"curves: x must be finite and rise; got {x}")


def _measured_points(x, measured):
    """name -> (mean (K,), standard error (K,))."""
    points = {}
    for name, pair in measured.items():
        argument = f"measured[{name!r}]"
        mean, error = checks.floats("curves", argument, pair, 2, len(x))
        points[name] = look.check_measured("curves", argument, mean, error)
    return points


def _theory_lines(x, theory, *, is_log):
    """name -> (x, y) of a line; a function is drawn at 200 places."""
    between = np.geomspace if is_log else np.linspace
    fine = between(x[0], x[-1], 200)
    lines = {}
    for name, line in theory.items():
        at, y = (fine, line(fine)) if callable(line) else (x, line)
        lines[name] = at, checks.floats("curves", f"theory[{name!r}]", y, len(at))
    return lines


def _lines_with_names(x, names, points, lines):
    """name -> (x, y) of the line with the name at its end: theory's, else the measured one."""
    ends = {}
    for name in names:
        if name in lines:
            ends[name] = lines[name]
        else:
            mean, _ = points[name]
            ends[name] = x, mean
    return ends


def _least_and_most(ends, points, *, is_log):
    """The range of all values that are drawn."""
    of_lines = [y for _, y in ends.values()]
    of_points = [mean for mean, _ in points.values()]
    values = np.concatenate(of_lines + of_points)
    values = values[np.isfinite(values)]
    if len(values) and not (is_log and values.min() <= 0):
        return values.min(), values.max()
    wanted = "values that are positive, for a logarithmic axis" if is_log else "values"
    raise ValueError(f"curves: expected {wanted}; the least is {min(values, default=None)}")


def _colours_of_names(names, measured, of_tasks):
    """Those of arms; or those of tasks, and grey for what is no task."""
    if not of_tasks:
        return [ARM_COLOURS[i % len(ARM_COLOURS)] for i in range(len(names))]
    return [look.task_colour(i) if name in measured else "0.5" for i, name in enumerate(names)]


def _middle(x, *, is_log):
    """The middle of the x axis."""
    if is_log:
        return np.sqrt(x[0] * x[-1])
    return (x[0] + x[-1]) / 2


def _words_below(points, lines):
    words = []
    if points:
        words.append("points: measured, ± standard error")
    if lines:
        words.append("thick lines: theory")
    return "; ".join(words)


# The strength of soft sharing


@look.on_paper
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
    figure=None,
):
    """Test error of soft sharing over its strength λ: points ± standard error, a line for theory.

    strengths, errors, standard_errors (K,): λ > 0, and mean test error over seeds in the units of
    that error. An error of NaN was not measured. theory: λ -> error, of an array.
    best: the λ that theory says is best, marked unless it is 0 or ∞. alone, together: the error in
    the limits λ = 0 and λ → ∞, as horizontal lines. seeds: how many.
    figure: where to draw, a matplotlib Figure or SubFigure; None makes a new one.
    ValueError for lengths that differ, λ that is not positive, standard errors not finite or
    below 0.
    """
    λ = checks.floats("strength_curve", "strengths", strengths, "K")
    if not ((λ > 0) & (λ < np.inf)).all():
        raise ValueError(f"strength_curve: strengths must be positive and finite, got {strengths}")
    error = checks.floats("strength_curve", "errors", errors, len(λ))
    bars = checks.floats("strength_curve", "standard_errors", standard_errors, len(λ))
    look.check_measured("strength_curve", "errors", error, bars)
    is_inside = best is not None and 0 < best < np.inf  # at 0 and ∞ it is one of the limits
    x = _fine_strengths([*λ, best] if is_inside else λ)
    lines = _lines_of_theory(x, theory, alone, together)

    title = "Between alone and one network: test error over the strength of sharing"
    figure, ax = look.make_axes("strength_curve", figure, title)
    for i, (name, line) in enumerate(lines.items()):
        dashes = "-" if name == "theory" else DASHES[i]
        shape = look.style(i, ARM_COLOURS, marker="", linestyle=dashes)
        ax.plot(*line, **shape, linewidth=1.4, label=name)
    every = np.ones(len(λ), bool)
    look.draw_points(ax, λ, error, {"color": "black", "marker": "o"}, every, yerr=bars)
    ax.set(xscale="log", xlim=(x[0], x[-1]), xlabel="strength λ (log scale)", ylabel="test error")
    if is_inside:
        middle = _middle(x, is_log=True)
        look.mark_place(ax, best, f"best by theory: λ* = {best:.3g}", left=best > middle)
    if lines:
        look.label_ends(ax, lines, ARM_COLOURS)
    look.caption(figure, "points: measured, ± standard error", seeds)
    return figure


def _fine_strengths(strengths):
    """200 strengths from a little below the least to a little above the largest."""
    return np.geomspace(np.min(strengths) / 1.3, np.max(strengths) * 1.3, 200)


def _lines_of_theory(x, theory, alone, together):
    """name -> (x, y), of what is known."""
    lines = {}
    if theory is not None:
        lines["theory"] = x, np.broadcast_to(np.asarray(theory(x), float), x.shape)
    if alone is not None:
        lines["alone (λ = 0)"] = x, np.full(len(x), alone)
    if together is not None:
        lines["one network (λ → ∞)"] = x, np.full(len(x), together)
    return lines


# Two losses of two parameters


@look.on_paper
def pareto(
    parameters: np.ndarray,
    losses: np.ndarray,
    weights: Sequence[float],
    *,
    tasks: Sequence[str],
    front: np.ndarray | None = None,
    figure=None,
):
    """A sweep of the weight of the first of two tasks: the parameters found, and the losses there.

    parameters (K, 2) and losses (K, 2), in each loss's own units, were found with weights (K,) of
    the first task. A point has one colour in both panels, from the second task's to the first's.
    tasks: two names. front (M, 2): losses of the exact front in order, drawn as a line; a point off
    it was not trained to the end.
    figure: where to draw, a matplotlib Figure or SubFigure; None makes a new one.
    ValueError for other shapes, no point, or anything but two names.
    """
    first, second = look.names(_two_names("pareto", tasks))
    w = look.where_finite(checks.floats("pareto", "weights", weights, "K"))
    parameters = checks.floats("pareto", "parameters", parameters, len(w), 2)
    losses = checks.floats("pareto", "losses", losses, len(w), 2)
    if front is not None:
        front = checks.floats("pareto", "front", front, "M", 2)

    title = f"From all weight on {second} to all on {first}"
    figure, axes = look.make_axes("pareto", figure, title, 1, 2, height=3.4)
    left, right = axes
    if front is not None:
        right.plot(*front.T, color="0.4", linewidth=1.5, label="exact front (theory)")
    _draw_sweep(left, parameters, w)
    left.set_title("where each weight leads", fontsize=9)
    left.set(xlabel="parameter 1", ylabel="parameter 2")
    dots = _draw_sweep(right, losses, w)
    right.set_title("what it costs: lower left is better", fontsize=9)
    right.set(xlabel=f"loss of {first}", ylabel=f"loss of {second}")
    right.legend(frameon=False, fontsize=9, labelcolor="black")
    look.colour_bar(dots, axes, f"weight of {first}")
    return figure


def _two_names(where, tasks):
    names = [tasks] if isinstance(tasks, str) else list(tasks)
    if len(names) != 2 or names[0] == names[1]:
        raise ValueError(f"{where}: tasks must be 2 names, each once; got {names}")
    return names


def _draw_sweep(ax, points, w):
    """Points (K, 2), joined in order, in the colours of their weights; the dots."""
    ax.plot(*points.T, color="0.7", linewidth=0.8, linestyle=":")
    dots = ax.scatter(
        *points.T,
        c=w,
        cmap=look.colour_map(TASK_COLOURS[1], "0.9", TASK_COLOURS[0]),
        vmin=0,
        vmax=max(1, w.max()),
        s=30,
        edgecolors="black",
        linewidths=0.4,
        zorder=3,
        label="measured",
    )
    ax.locator_params(nbins=4)
    return dots


@look.on_paper
def trajectories(
    landscape: Callable,
    paths: Mapping[str, np.ndarray],
    *,
    extent: tuple[float, float, float, float],
    tasks: Sequence[str] = ("task 1", "task 2"),
    minima: np.ndarray | None = None,
    pareto_set: np.ndarray | None = None,
    figure=None,
):
    """Where each rule leads over a landscape of two losses: a panel for each rule, with its paths.

    landscape: parameters (..., 2) -> losses (..., 2); contours are of their mean. paths: rule ->
    (K, 2) or (n, K, 2), n paths from their start (hollow) to their end (star). extent:
    (x0, x1, y0, y1) of the parameters drawn. minima (2, 2): where each task's loss is least.
    pareto_set (M, 2): the points at which no loss can fall without the other rising.
    figure: where to draw, a matplotlib Figure or SubFigure; None makes a new one.
    ValueError for no rule, or other shapes.

    >>> def landscape(θ):  # two bowls, around (-1, 0) and (1, 0)
    ...     return ((θ[..., None, :] - [[-1.0, 0.0], [1.0, 0.0]]) ** 2).sum(-1)
    >>> path = np.linspace([0.5, 1.5], [0.0, 0.0], 20)
    >>> figure = trajectories(landscape, {"plain sum": path}, extent=(-2, 2, -2, 2))
    """
    tasks = look.names(_two_names("trajectories", tasks), 12)
    extent = checks.floats("trajectories", "extent", extent, 4)
    paths = {rule: _paths_of_rule(rule, path) for rule, path in paths.items()}
    if not paths:
        raise ValueError(f"trajectories: paths must have at least one rule, got {paths}")
    contours = _mean_loss(landscape, extent)
    best = None
    if pareto_set is not None:
        best = checks.floats("trajectories", "pareto_set", pareto_set, "M", 2)
    least = ()
    if minima is not None:
        least = checks.floats("trajectories", "minima", minima, 2, 2)

    title = "Where does each rule lead? From hollow to star"
    row = 4.2 if len(paths) == 1 else 2.4
    if len(paths) == 3 or len(paths) > 4:  # three panels side by side
        row = 1.7
    figure, panels, _ = look.make_panels("trajectories", figure, title, len(paths), row=row)
    x0, x1, y0, y1 = extent
    for ax, (rule, of_rule) in zip(panels, look.by_name(paths, 16).items()):
        ax.contour(*contours, 15, colors="0.8", linewidths=0.7, zorder=1)
        if best is not None:
            ax.plot(*best.T, color=ARM_COLOURS[1], alpha=0.4, linewidth=5, label="Pareto set")
        for task, (x, y), colour in zip(tasks, least, TASK_COLOURS):
            label = f"minimum of {task}"
            ax.plot(x, y, "P", color=colour, markersize=8, linestyle="", label=label)
        _draw_paths(ax, of_rule)
        ax.set(xlim=(x0, x1), ylim=(y0, y1), aspect="equal")
        ax.set_title(rule, fontsize=9)
    look.legend_right(figure, panels[0])
    look.caption(figure, "contours: mean of the two losses; axes: the two shared parameters")
    return figure


def _paths_of_rule(rule, path):
    """One path (K, 2) or several (n, K, 2), as several."""
    several = [path] if np.ndim(path) == 2 else path
    return checks.floats("trajectories", f"paths[{rule!r}]", several, "n", "K", 2)


def _mean_loss(landscape, extent):
    """x, y and the mean of the two losses there, each on a grid (121, 121)."""
    x0, x1, y0, y1 = extent
    x, y = np.meshgrid(np.linspace(x0, x1, 121), np.linspace(y0, y1, 121))
    losses = landscape(np.stack([x, y], -1))
    name = "landscape of (121, 121, 2)"
    return x, y, checks.floats("trajectories", name, losses, 121, 121, 2).mean(-1)


def _draw_paths(ax, paths):
    """Paths (n, K, 2), from hollow starts to stars."""
    for x, y in paths.swapaxes(1, 2):  # (n, 2, K)
        ax.plot(x, y, color="black", linewidth=1.1, label="_path")  # "_": not in the legend
    x_start, y_start = paths[:, 0].T
    x_end, y_end = paths[:, -1].T
    hollow = {"color": "black", "markerfacecolor": "white", "markersize": 6}
    ax.plot(x_start, y_start, "o", **hollow, label="start")
    ax.plot(x_end, y_end, "*", color="black", markersize=9, label="end")
