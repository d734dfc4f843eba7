"""The pictures: what was learned, where gradients conflict, what was gained over training alone.

Each function returns a matplotlib Figure that `plt.show()` shows; `save` writes and closes one. `figure.suptitle("...")` puts your
finding in place of the title. A task has the same colour and marker in every picture, by its place among the tasks. A gain
within `SURE` = 3 standard errors of 0 is hollow or grey: not a finding. matplotlib is loaded with the first picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from .training import History

TASK_COLOURS = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"  # Okabe & Ito (2008)
ARM_COLOURS = "#222222", "#7B3FA0", "#8A6D0B", "#6C757D"  # an arm is no task: it must not have a task's colour
MARKERS, DASHES = "osD^vPX*", ("--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)))
SURE = 3  # standard errors: of 20 comparisons over a few seeds each, one or two would pass 2 by chance
GAIN, BARS = "gain over alone (positive is better)", f"bars: {SURE} standard errors either way; hollow: they reach 0, not a finding"
PAPER = {"figure.facecolor": "white", "axes.facecolor": "white", "axes.edgecolor": "0.4", "axes.labelcolor": "black", "text.color": "black",
         "font.size": 10, "figure.titlesize": 11, "axes.spines.top": False, "axes.spines.right": False}  # fmt: skip


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
    held_out = {t: (np.asarray(history.held_out_steps[: len(y)]), np.asarray(y, float)) for t, y in history.held_out.items() if len(y)}
    title = "Loss of each task: training (solid), held out (dashed)" if held_out else "Training loss of each task"
    figure, ax = _axes(title, height=max(3.6, 1.2 + 0.2 * len(raw)))
    for i, (t, (x, y)) in enumerate(raw.items()):
        style = _style(i, TASK_COLOURS) | {"markersize": 6, "markeredgecolor": "white"}
        ax.plot(x, y, **style | {"linestyle": "-"}, linewidth=1, alpha=0.4 if t in held_out else 1, markevery=_lone(y), label=t)
        if t in held_out:
            ax.plot(*held_out[t], **style, linewidth=1.8, markevery=max(1, len(held_out[t][0]) // 12), label=f"{t}, held out")
    values = np.concatenate([y[np.isfinite(y)] for _, y in (*raw.values(), *held_out.values())])
    if len(values) and values.min() > 0:
        ax.set_yscale("log")
        if values.max() < 1000 * values.min():  # more and plainer numbers than powers of ten
            ax.yaxis.get_major_locator().set_params(subs=(1, 2, 5))
            ax.yaxis.set(major_formatter="{x:g}", minor_formatter="")
    if history.best_step is not None:
        ax.axvline(history.best_step, color="0.4", linestyle=":")
        ax.annotate(f"least held-out total: step {history.best_step}", (history.best_step, 1.01), xycoords=("data", "axes fraction"),
                    ha="right" if history.best_step > len(history.penalty) / 2 else "left", fontsize=9, color="0.3")  # fmt: skip
    ax.set(xlabel="steps made", ylabel="loss, in the task's own units")
    ax.locator_params(axis="x", integer=True)
    _label_ends(ax, raw | held_out, TASK_COLOURS)
    return figure


def cosines(history: History):
    """The cosine between the gradients of each two tasks over training: a panel for each pair, conflict below 0.

    history: of `fit(..., cosines_every=n)`, with cosines (K, T, T) at cosine_steps (K,). The title says whether the
    gradients are on shared parameters, or each task's on its own copy of the trunk. NaN (a task without a gradient)
    leaves a gap. A conflict is not yet harm, nor a cosine near 0 the lack of transfer: show gains beside it.
    TypeError for anything but a History, ValueError for fewer than 2 tasks or no cosines.
    """
    _check_history("cosines", history)
    if len(history.tasks) < 2:
        raise ValueError(f"cosines: history must have at least 2 tasks, got {history.tasks}")
    if not len(history.cosine_steps):
        raise ValueError("cosines: history must hold cosines, got none; fit(..., cosines_every=10) records them")
    where = "each task's on its own copy of the trunk" if history.aligned_copies else "on the shared parameters"
    steps, pairs = np.asarray(history.cosine_steps), list(combinations(range(len(history.tasks)), 2))
    columns = min(3, len(pairs))
    rows = -(-len(pairs) // columns)
    title = f"Do the tasks' gradients conflict? Cosine between them,\n{where}"
    figure, axes = _axes(title, rows, columns, height=1 + max(2.2, 1.6 * rows), sharex=True, sharey=True, squeeze=False)
    for ax, (s, t) in zip(axes.flat, pairs):
        ρ, names = np.asarray(history.cosines, float)[:, s, t], (history.tasks[s], history.tasks[t])
        ax.axhspan(-1, 0, color="0.94")
        ax.axhline(0, color="0.4", linewidth=0.8)
        ax.fill_between(steps, ρ, 0, where=ρ < 0, interpolate=True, color="0.5", linewidth=0)
        ax.plot(steps, ρ, color="black", linewidth=1, marker=".", markevery=_lone(ρ))
        ax.text(0.03, 0.03, "conflict", transform=ax.transAxes, fontsize=9, style="italic", color="0.3")
        dash = " – " if len("".join(names)) < 22 else " –\n"
        ax.set_title(f"{dash.join(names)}\nconflict in {(ρ < 0).sum()} of {np.isfinite(ρ).sum()}", fontsize=9)
        ax.set(xlim=(-0.5, steps[-1] + 0.5), ylim=(-1, 1))
        ax.locator_params(axis="x", integer=True, nbins=6, min_n_ticks=1)
    for ax in axes.flat[len(pairs) :]:
        ax.remove()
    figure.supxlabel("steps made", fontsize=10, color="black")
    figure.supylabel("cosine", fontsize=10, color="black")
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
            raise ValueError(f"gains: gains[{arm!r}] must have a pair (gain, standard error) for each of {measures}, got {pairs}")
        arms[arm] = _checked(f"gains: gains[{arm!r}]", *zip(*(pairs[m] for m in measures)))
    figure, ax = _axes("Does training together beat training alone?", height=1.7 + len(measures) * (0.15 + 0.2 * len(arms)))
    ax.axvline(0, color="0.4", linewidth=1)
    for i, (arm, (gain, error, found)) in enumerate(arms.items()):
        counts = f"better in {(gain[found] > 0).sum()} of {np.isfinite(gain).sum()}, worse in {(gain[found] < 0).sum()}"
        ax.plot([], [], **_style(i, ARM_COLOURS) | {"linestyle": ""}, label=f"{arm}: {counts}")
        rows = np.arange(len(measures)) + (i - (len(arms) - 1) / 2) * 0.7 / len(arms)
        _points(ax, gain, rows, _style(i, ARM_COLOURS), found, xerr=SURE * error)
    ax.set_yticks(range(len(measures)), measures)
    ax.set(ylim=(len(measures) - 0.2, -0.5), xlabel=GAIN)
    ax.text(0, len(measures) - 0.2, " alone", va="bottom", fontsize=9, color="0.3")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), frameon=False, fontsize=9, labelcolor="black")
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
            raise ValueError(f"{where} must be (fractions, gains, standard errors) of one length, at least 1; got shapes {shapes}")
        x = 100 * np.asarray(curve[0], float)
        if not 0 < x[0] <= x[-1] <= 100 or not (np.diff(x) > 0).all():
            raise ValueError(f"{where} must have increasing fractions in (0, 1], got {curve[0]}")
        arms[arm] = x, *_checked(where, *curve[1:])
    percents = np.unique(np.concatenate([x for x, *_ in arms.values()]))
    width = max(2, percents[-1] / percents[0])
    figure, ax = _axes(f"{measure}: gain by share of labels")
    ax.axhline(0, color="0.4", linewidth=1)
    for i, (arm, (x, gain, error, found)) in enumerate(arms.items()):
        x *= width ** (0.015 * (i - (len(arms) - 1) / 2))  # so that the arms' bars stand side by side
        ax.plot(x, gain, **_style(i, ARM_COLOURS) | {"marker": ""}, linewidth=1.3, label=arm)
        _points(ax, x, gain, _style(i, ARM_COLOURS), found, yerr=SURE * error)
    ax.set(xscale="log", xlim=(percents[0] / width**0.13, percents[-1] * width**0.06), xlabel="labels kept, % (log scale)", ylabel=GAIN)
    ax.set_xticks(percents, [f"{p:.3g}" if q > p * width**0.05 else "" for p, q in zip(percents, [*percents[1:], np.inf])])
    ax.set_xticks([], minor=True)
    ax.text(percents[0] / width**0.13, 0, " alone", va="bottom", fontsize=9, color="0.3")
    _label_ends(ax, {arm: (x, gain) for arm, (x, gain, *_) in arms.items()}, ARM_COLOURS)
    _caption(figure, BARS, seeds)
    return figure


def transfer_matrix(gain: np.ndarray, errors: np.ndarray, tasks: Sequence[str], *, seeds: int | None = None):
    """Which task helps which: row s, column t is what task t gains over alone when it is trained together with task s.

    gain, errors (T, T): gain of the column's task on its own held-out measure, and its standard error, both in the
    units of that measure. The diagonal is not looked at; a gain of NaN was not measured. tasks: T names. seeds: how many.
    ValueError for other shapes, fewer than 2 names, a name twice, standard errors not finite or below 0.
    """
    tasks = [tasks] if isinstance(tasks, str) else list(tasks)
    T = len(tasks)
    if T < 2 or len(set(tasks)) < T:
        raise ValueError(f"transfer_matrix: tasks must be at least 2 names, each once; got {tasks}")
    if not np.shape(gain) == np.shape(errors) == (T, T):
        raise ValueError(f"transfer_matrix: gain and errors must have shape ({T}, {T}) for tasks {tasks}, got {np.shape(gain)}, {np.shape(errors)}")
    gain, error, found = _checked("transfer_matrix: gain", np.where(np.eye(T, dtype=bool), np.nan, gain), errors)
    most = np.max(np.abs(gain), where=np.isfinite(gain), initial=0) or 1.0
    digits = f".{max(0, 2 - int(np.floor(np.log10(most))))}f" if 1e-3 <= most < 1e5 else ".2g"
    figure, ax = _axes("What does a task gain when another is trained with it?", height=1.8 + 0.5 * T)
    ax.imshow(gain, cmap="RdBu", vmin=-1.6 * most, vmax=1.6 * most, alpha=np.where(found, 1, 0.3), aspect="auto")
    for s, t in np.argwhere(np.isfinite(gain)):
        text = f"{gain[s, t]:+{digits}}\n± {error[s, t]:{digits}}".replace("-", "−")
        ax.text(t, s, text, ha="center", va="center", fontsize=9 if T < 8 else 7, color="black" if found[s, t] else "0.4")
    for lines in (ax.hlines, ax.vlines):
        lines(np.arange(T - 1) + 0.5, -0.5, T - 0.5, color="0.8", linewidth=0.8)
    turn = {"rotation": 25, "ha": "right", "rotation_mode": "anchor"} if T * max(map(len, tasks)) > 45 else {}
    ax.set_xticks(range(T), tasks, **turn)
    ax.set_yticks(range(T), tasks)
    ax.set(xlabel="task that is helped", ylabel="task that helps")
    _caption(figure, f"{GAIN}: blue better, red worse; ± standard error\ngrey: within {SURE} standard errors of 0, not a finding", seeds)
    return figure


def save(figure, path):
    """Write a figure to a file and close it."""
    import matplotlib.pyplot as plt

    figure.savefig(path, dpi=120)
    plt.close(figure)


def _check_history(where, history):
    if not isinstance(history, History):
        raise TypeError(f"{where}: history must be a History, as fit returns, got {type(history).__name__}")


def _checked(where, gain, error):
    """gain, error, and where they are a finding: |gain| > 3 standard errors."""
    gain, error = np.asarray(gain, float), np.asarray(error, float)
    wrong = ~np.isnan(gain) & ~(np.isfinite(gain) & np.isfinite(error) & (error >= 0))
    if wrong.any():
        raise ValueError(f"{where} must have finite gains and standard errors of at least 0, got {gain[wrong][0]} ± {error[wrong][0]}")
    return gain, error, np.abs(gain) > SURE * error


def _axes(title, rows=1, columns=1, height=3.6, **options):
    import matplotlib.pyplot as plt

    with plt.rc_context(PAPER):
        figure, axes = plt.subplots(rows, columns, figsize=(6.4, height), layout="constrained", **options)
        figure.suptitle(title)
    for ax in figure.axes:
        ax.tick_params(colors="black")
    return figure, axes


def _style(i, colours):
    return {"color": colours[i % len(colours)], "marker": MARKERS[i % len(MARKERS)], "linestyle": DASHES[i % len(DASHES)]}


def _lone(y):
    """Places of points without a neighbour, which need a mark because no line shows them."""
    known = np.pad(np.isfinite(y), 1)
    return np.flatnonzero(known[1:-1] & ~known[:-2] & ~known[2:]).tolist()


def _points(ax, x, y, style, found, **bars):
    """Points with error bars, hollow where nothing was found."""
    ax.errorbar(x, y, **bars, fmt="none", ecolor=style["color"], linewidth=1.3, capsize=2)
    faces = [style["color"] if one else "white" for one in found]
    ax.scatter(x, y, s=36, marker=style["marker"], facecolors=faces, edgecolors=style["color"], zorder=3)


def _label_ends(ax, lines, colours):
    """Each line's name beside its end, pushed apart where names would overlap, and joined to the end."""
    ax.set(xlim=ax.get_xlim(), ylim=ax.get_ylim())
    ends, to_axes = [], ax.transData + ax.transAxes.inverted()
    for i, (name, (x, y)) in enumerate(lines.items()):
        known = np.flatnonzero(np.isfinite(y))
        end = tuple(to_axes.transform((x[known[-1]], y[known[-1]]))) if len(known) else (1.05, 0)
        ends.append((end[1], end, name if len(known) else f"{name}: no value", _style(i, colours)["color"]))
    ends.sort()
    room = 17 / (72 * ax.figure.get_figheight()) * np.arange(len(ends))  # a line of text each, in heights of the axes
    wanted = np.array([height for height, *_ in ends])
    apart = np.maximum.accumulate(wanted - room) + room
    for height, (_, end, name, colour) in zip(np.clip(apart - (apart - wanted).mean(), room, 1 - room[::-1]), ends):
        join = {"arrowstyle": "-", "color": colour, "linewidth": 0.8, "relpos": (0, 0.5), "shrinkA": 1, "shrinkB": 3}
        ax.annotate(name, end, (1.05, height), xycoords="axes fraction", va="center", fontsize=9, color=colour, arrowprops=join)


def _caption(figure, text, seeds):
    figure.supxlabel((f"{seeds} seeds; " if seeds else "") + text, fontsize=9, color="0.3")
