"""The common look of all pictures: colours, figures, axes, lines, points, names, legends and notes.

matplotlib is loaded when the first picture is made, not when tinymtl is imported. So each function
that needs it imports it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

# Colours and lines

# The palette of Okabe & Ito (2008), which colour-blind readers can tell apart.
TASK_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
# An arm of an experiment is no task, so it must not have a task's colour.
ARM_COLOURS = ("#222222", "#7B3FA0", "#8A6D0B", "#6C757D")
MARKERS = ("o", "s", "D", "^", "v", "P", "X", "*")
DASHES = ("--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)))
SHADE = "0.94"  # the background on the side of conflict or harm

# Black on white with two spines, whatever style the user has set.
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


def task_colour(i: int) -> str:
    """The colour of the task at place i."""
    return TASK_COLOURS[i % len(TASK_COLOURS)]


def style(i: int, palette: Sequence[str], **changes) -> dict:
    """Colour, marker and dashes of line i, with changes."""
    look = {
        "color": palette[i % len(palette)],
        "marker": MARKERS[i % len(MARKERS)],
        "linestyle": DASHES[i % len(DASHES)],
    }
    return look | changes


def colour_map(*names: str):
    """A colour map that passes through these colours."""
    from matplotlib.colors import LinearSegmentedColormap

    # As a list: matplotlib 3.8 takes a tuple of two for one colour and its opacity.
    return LinearSegmentedColormap.from_list("", list(names))


# Figures and axes


def make_axes(where: str, figure, title: str, rows=1, columns=1, *, height=3.6, **options):
    """A figure with a title, and its axes.

    where: the public function that was called, for the error. figure: the Figure or SubFigure to
    draw into, or None for a new one of this height in inches. options: those of `Figure.subplots`.
    TypeError for anything else as figure.
    """
    import matplotlib.pyplot as plt
    from matplotlib.figure import FigureBase

    if figure is not None and not isinstance(figure, FigureBase):
        got = type(figure).__name__
        raise TypeError(f"{where}: figure must be a matplotlib Figure or SubFigure, got {got}")
    with plt.rc_context(PAPER):
        if figure is None:
            figure = plt.figure(figsize=(6.4, height), layout="constrained")
        else:
            _prepare(figure)
        axes = figure.subplots(rows, columns, **options)
        figure.suptitle(title, wrap=True)
    for ax in np.ravel(axes):
        ax.tick_params(colors="black")
    return figure, axes


def _prepare(figure):
    """Make a given figure white, and make room for titles and legends unless its user does."""
    figure.set_facecolor("white")
    if figure.get_layout_engine() is None:
        whole = figure.figure  # of a SubFigure, the Figure that it is part of
        whole.set_layout_engine("constrained")


def make_panels(where: str, figure, title: str, n: int, *, row=1.6, below=0.0, extra=0.0):
    """A figure with n panels on common axes, at most three in a row.

    row: the least height of a row, below: the height of one wide panel below them (0 for none),
    extra: more height, for a legend; all in inches. Returns the figure, the n panels, and the wide
    panel or None.
    """
    columns = 2 if n == 4 else min(3, n)
    rows = math.ceil(n / columns)
    heights = [max(2.2 / rows, row)] * rows
    if below:
        heights.append(below)
    figure, axes = make_axes(
        where,
        figure,
        title,
        len(heights),
        columns,
        height=1 + sum(heights) + extra,
        squeeze=False,
        height_ratios=heights,
    )
    panels = axes.flat[:n]
    wide = axes[-1, 0] if below else None
    for ax in axes.flat[n:]:
        if ax is not wide:
            ax.remove()
    for i, ax in enumerate(panels):
        if i > 0:
            ax.sharex(panels[0])
            ax.sharey(panels[0])
        is_lowest_of_its_column = i + columns >= n
        is_first_of_its_row = i % columns == 0
        ax.tick_params(labelbottom=is_lowest_of_its_column, labelleft=is_first_of_its_row)
    if below:
        whole_row = wide.get_gridspec()[-1, :]
        wide.set_subplotspec(whole_row)
    return figure, panels, wide


def save(figure, path):
    """Write a figure to a file and close it."""
    import matplotlib.pyplot as plt

    figure.savefig(path, dpi=120)
    plt.close(figure)


def set_log(ax, axis: str, least: float, most: float):
    """Make axis "x" or "y" logarithmic, with more and plainer numbers than 10ⁿ where they fit."""
    if axis == "x":
        ax.set_xscale("log")
        numbers = ax.xaxis
    else:
        ax.set_yscale("log")
        numbers = ax.yaxis
    if most < 1000 * least:
        numbers.get_major_locator().set_params(subs=(1, 2, 5))
        numbers.set(major_formatter="{x:g}", minor_formatter="")


# Points


def lone_points(y: np.ndarray) -> list[int]:
    """Places of points without a neighbour. No line shows them, so they need a mark."""
    known = np.pad(np.isfinite(y), 1)
    has_left = known[:-2]
    has_right = known[2:]
    return np.flatnonzero(known[1:-1] & ~has_left & ~has_right).tolist()


def draw_points(ax, x, y, look: Mapping, filled: Sequence[bool], **bars):
    """Points with error bars xerr or yerr; hollow where `filled` is False."""
    colour = look["color"]
    faces = [colour if is_filled else "white" for is_filled in filled]
    ax.errorbar(x, y, **bars, fmt="none", ecolor=colour, linewidth=1.3, capsize=2)
    ax.scatter(x, y, s=36, marker=look["marker"], facecolors=faces, edgecolors=colour, zorder=3)


def check_measured(where: str, name: str, mean, error) -> tuple[np.ndarray, np.ndarray]:
    """Means and their standard errors as arrays. A mean of NaN was not measured."""
    mean = np.asarray(mean, float)
    error = np.asarray(error, float)
    is_good = np.isfinite(mean) & np.isfinite(error) & (error >= 0)
    is_wrong = ~np.isnan(mean) & ~is_good
    if is_wrong.any():
        got = f"{mean[is_wrong][0]} ± {error[is_wrong][0]}"
        raise ValueError(
            f"{where}: {name} must be finite, with standard errors of at least 0, got {got}"
        )
    return mean, error


# Names, legends and notes


def label_ends(ax, lines: Mapping[str, tuple], palette: Sequence[str]):
    """Write each line's name beside its end, and join the two.

    lines: name -> (x, y). Names that would overlap are pushed apart.
    """
    ax.set(xlim=ax.get_xlim(), ylim=ax.get_ylim())  # fixed: the ends are places in this view
    ends = _ends_of_lines(ax, lines, palette)
    inches = ax.figure.bbox.height / ax.figure.dpi
    line_of_text = 17 / (72 * inches)  # 17 points, in heights of the figure
    heights = _push_apart(np.array([end[1] for end, *_ in ends]), line_of_text)
    for height, (end, name, colour) in zip(heights, ends):
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


def _ends_of_lines(ax, lines, palette):
    """[(end in the unit square of the axes, name, colour)], the lowest end first."""
    to_axes = ax.transData + ax.transAxes.inverted()
    ends = []
    for i, (name, (x, y)) in enumerate(lines.items()):
        colour = palette[i % len(palette)]
        known = np.flatnonzero(np.isfinite(y))
        if len(known):
            last = known[-1]
            end = tuple(to_axes.transform((x[last], y[last])))
            ends.append((end, name, colour))
        else:
            ends.append(((1.05, 0), f"{name}: no value", colour))
    return sorted(ends, key=lambda one: (one[0][1], *one))


def _push_apart(wanted, distance):
    """Heights in [0, 1] near the rising `wanted`, at least `distance` apart."""
    room = distance * np.arange(len(wanted))
    apart = np.maximum.accumulate(wanted - room) + room
    pushed_up = (apart - wanted).mean()
    return np.clip(apart - pushed_up, room, 1 - room[::-1])


def mark_place(ax, x: float, text: str, *, left: bool):
    """A dotted line at x, with its name above the axes, on the line's left or right."""
    side = "right" if left else "left"
    ax.axvline(x, color="0.4", linestyle=":")
    ax.annotate(
        text, (x, 1.01), xycoords=("data", "axes fraction"), ha=side, fontsize=9, color="0.3"
    )


def note(ax, x: float, y: float, text: str, **options):
    """Words at a place in the unit square of the axes."""
    look = {"transform": ax.transAxes, "fontsize": 9, "style": "italic", "color": "0.3"}
    ax.text(x, y, text, **look | options)


def pair_name(s: str, t: str) -> str:
    """The names of two tasks, on two lines if they are long."""
    if len(s + t) < 22:
        return f"{s} – {t}"
    return f"{s} –\n{t}"


def legend_right(figure, ax):
    """One legend for all panels, at the right of the figure."""
    handles, words = ax.get_legend_handles_labels()
    figure.legend(
        handles,
        words,
        loc="outside right center",
        frameon=False,
        fontsize=9,
        labelcolor="black",
    )


def legend_above(ax, *, ncols=2, **options):
    """A legend above the axes."""
    legend = ax.legend(
        loc="lower center",
        bbox_to_anchor=(0.5, 1),
        ncols=ncols,
        frameon=False,
        fontsize=9,
        labelcolor="black",
        title_fontsize=9,
        **options,
    )
    legend.get_title().set_color("black")


def colour_bar(dots, ax, label: str):
    """The scale of the dots' colours, at the right of one or several axes."""
    bar = dots.figure.colorbar(dots, ax=ax)
    bar.set_label(label, color="black")
    bar.ax.tick_params(colors="black")
    bar.ax.set_facecolor("white")


def common_xlabel(figure, text: str):
    """The name of the x axis of all panels."""
    figure.supxlabel(text, fontsize=10, color="black")


def common_ylabel(figure, text: str):
    """The name of the y axis of all panels."""
    figure.supylabel(text, fontsize=10, color="black")


def caption(figure, text: str, seeds: int | None = None):
    """What one must know to read the picture, below it; before it, how many seeds there were."""
    if seeds:
        text = f"{seeds} seeds; {text}"
    figure.supxlabel(text, fontsize=9, color="0.3", wrap=True)
