"""The common look of all pictures: colours, figures, axes, lines, points, names, legends and notes.

matplotlib is loaded when the first picture is made, not when tinymtl is imported. So each function
that needs it imports it.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from .. import checks

# Colours and lines

# The palette of Okabe & Ito (2008), which colour-blind readers can tell apart.
TASK_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
# An arm of an experiment is no task, so it must not have a task's colour.
ARM_COLOURS = ("#222222", "#7B3FA0", "#8A6D0B", "#6C757D")
MARKERS = ("o", "s", "D", "^", "v", "P", "X", "*")
DASHES = ("--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)))
SHADE = "0.94"  # the background on the side of conflict or harm

# What differs from matplotlib's default style: smaller titles, two grey spines.
PAPER = {
    "axes.edgecolor": "0.4",
    "figure.titlesize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
# matplotlib makes ticks late, when the user's style holds again. So they are told all that shows.
TICKS = {"colors": "black", "labelsize": 10, "direction": "out", "length": 3.5, "width": 0.8}
# A user's fonts stay, since names may need them.
FONTS = ("family", "sans-serif", "serif", "monospace", "cursive", "fantasy")


def task_colour(i: int) -> str:
    """The colour of the task at place i."""
    return TASK_COLOURS[i % len(TASK_COLOURS)]


# With more tasks than this a picture shows all pairs in a matrix, instead of a panel for each.
MANY = 6


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


def on_paper(picture: Callable) -> Callable:
    """A picture that is black on white, without a grid, whatever style its user has set.

    The user's fonts are kept, and all settings are as before when the picture is drawn.
    """

    @functools.wraps(picture)
    def draw(*args, **options):
        import matplotlib.pyplot as plt

        if options.get("figure") is None:
            # This makes pyplot choose its backend, if it has none. In a notebook that changes
            # settings, for the whole session. The context below would take them back.
            plt.draw_if_interactive()
        fonts = {f"font.{kind}": plt.rcParams[f"font.{kind}"] for kind in FONTS}
        with plt.style.context(["default", PAPER | fonts]):
            return picture(*args, **options)

    return draw


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
    if figure is None:
        figure = plt.figure(figsize=(6.4, height), layout="constrained")
    else:
        _prepare(figure)
    whole = figure.figure  # of a SubFigure, the Figure that it is part of
    whole._ipython_display_ = functools.partial(_show_once, whole)
    axes = figure.subplots(rows, columns, **options)
    figure.suptitle(title, wrap=True)
    for ax in np.ravel(axes):
        ax.tick_params(**TICKS)
    return figure, axes


def _show_once(figure):
    """What a notebook calls before it shows a figure as the value of a cell.

    At the end of a cell a notebook shows all figures that are open in pyplot. The value of the cell
    would be among them and be seen twice, so it is closed.
    """
    import matplotlib.pyplot as plt

    if "inline" in plt.get_backend():
        plt.close(figure)
    raise NotImplementedError  # so the notebook shows the figure in its usual way


def _prepare(figure):
    """Make a given figure white, and make room for titles and legends unless its user does."""
    figure.set_facecolor("white")
    if figure.get_layout_engine() is None:
        figure.figure.set_layout_engine("constrained")


def make_panels(
    where: str, figure, title: str, n: int, *, row=1.6, below=0.0, extra=0.0, least=0.0
):
    """A figure with n panels on common axes, at most three in a row.

    row: the least height of a row, below: the height of one wide panel below them (0 for none),
    extra: more height, for a legend, least: the least height of the figure; all in inches. Returns
    the figure, the n panels, and the wide panel or None.
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
        height=max(1 + sum(heights) + extra, least),
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


def room_for_ends(n: int) -> float:
    """The height of a figure with n names at the ends of lines, in inches."""
    return max(3.6, 1.2 + 0.24 * n)


def room_for_legend(n: int) -> float:
    """The least height of a figure with a legend of n names at its right, in inches."""
    return 0.6 + 0.2 * n


def save(figure, path):
    """Write a figure to a file and close it.

    The file is black on white, whatever style is set. TypeError for a SubFigure, because only the
    whole Figure can be written and closed, and for anything else.

    >>> import tinymtl as mtl
    >>> figure = mtl.plots.gains({"hard": {"brand, AUC": (0.101, 0.017)}})
    >>> mtl.plots.save(figure, "gains.png")  # doctest: +SKIP
    """
    import matplotlib.pyplot as plt
    from matplotlib.figure import Figure, SubFigure

    if isinstance(figure, SubFigure):
        raise TypeError(
            "save: figure must be a matplotlib Figure, got SubFigure; "
            "save(subfigure.figure, path) writes the whole that it is part of"
        )
    checks.instance("save", "figure", figure, Figure)
    figure.savefig(path, dpi=120, facecolor="auto", edgecolor="auto")  # those of the figure
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


def where_finite(values: np.ndarray) -> np.ndarray:
    """Infinite values cannot be drawn. They become NaN, which is left out."""
    return np.where(np.isfinite(values), values, np.nan)


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


def names(given: Iterable, most: int = 24) -> list[str]:
    """Names as a picture shows them: one line of at most `most` letters, each another one.

    given: names of any type. Long ones lose their middle; if two become equal, all get numbers.
    matplotlib shows the result as it is: no sign of it means mathematics, and none hides it.
    """
    given = [_readable(name) for name in given]
    short = [shorten(name, most) for name in given]
    if len(set(short)) < len(short):
        short = [f"{i}: {shorten(name, most - 4)}" for i, name in enumerate(given, 1)]
    return [_plain(name) for name in short]


def by_name(values: Mapping, most: int = 24) -> dict[str, object]:
    """The values under the names that a picture shows; see `names`."""
    return dict(zip(names(values, most), values.values()))


def shorten(words: str, most: int) -> str:
    """Words of more than `most` letters lose their middle."""
    if len(words) <= most:
        return words
    most = max(3, most)
    half = most // 2
    return f"{words[:half]}…{words[half + 1 - most :]}"


def _readable(name):
    """One line, in which a letter that no font has is written by its number."""
    line = " ".join(str(name).split()) or "(no name)"
    if line.isascii() and line.isprintable():
        return line
    fonts = _fonts()
    return "".join(c if _is_drawn(c, fonts) else f"U+{ord(c):04X}" for c in line)


def _is_drawn(letter, fonts):
    """Whether there is a picture of the letter, normal and bold."""
    if not letter.isprintable():
        return False
    return all(any(font.get_char_index(ord(letter)) for font in of_weight) for of_weight in fonts)


def _fonts():
    """The fonts in which names are written: normal ones, then bold ones."""
    from matplotlib import rcParams

    families = []
    for family in rcParams["font.family"]:
        families += rcParams.get(f"font.{family}", [family])
    return [_fonts_of_weight(families, weight) for weight in ("normal", "bold")]


def _fonts_of_weight(families, weight):
    """Those that are installed; if none is, the one that matplotlib takes instead."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    paths = []
    for family in families:
        try:
            wanted = FontProperties(family=family, weight=weight)
            paths.append(findfont(wanted, fallback_to_default=False))
        except ValueError:  # not installed
            continue
    if not paths:
        paths = [findfont(FontProperties(weight=weight))]
    return [get_font(path) for path in paths]


def _plain(name):
    """A name of which matplotlib takes no sign for mathematics, or for a wish to be hidden."""
    shown = name.replace("$", r"\$")
    return f" {shown}" if shown.startswith("_") else shown


def label_ends(ax, lines: Mapping[str, tuple], palette: Sequence[str]):
    """Write each line's name beside its end, and join the two.

    lines: name -> (x, y). Names that would overlap are pushed apart.
    """
    ax.set(xlim=ax.get_xlim(), ylim=ax.get_ylim())  # fixed: the ends are places in this view
    ends = _ends_of_lines(ax, lines, palette)
    inches = ax.figure.bbox.height / ax.figure.dpi
    line_of_text = 17 / (72 * inches)  # 17 points, in heights of the figure
    distance = min(line_of_text, 1 / len(ends))  # where there is no room names overlap
    heights = _push_apart(np.array([end[1] for end, *_ in ends]), distance)
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
    if len(s) + len(t) < 22:
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


def legend_above(ax, *, ncols=2, at_right=False, **options):
    """A legend above the axes: in their middle, or at their right end, if it may be wider."""
    legend = ax.legend(
        loc="lower right" if at_right else "lower center",
        bbox_to_anchor=(1, 1) if at_right else (0.5, 1),
        ncols=ncols,
        frameon=False,
        fontsize=9,
        labelcolor="black",
        title_fontsize=9,
        **options,
    )
    legend.get_title().set_color("black")


def draw_matrix(ax, values: np.ndarray, given: Sequence[str], *, numbers: bool):
    """A matrix (T, T) of cosines, red below 0 and blue above; its image.

    given: the names of the columns, as `names` returns them; the rows are the same.
    """
    T = len(values)
    image = ax.imshow(values, cmap="RdBu", vmin=-1.6, vmax=1.6, aspect="auto")
    if numbers:
        digits, size = (2, 9) if T < 5 else (1, 7)
        for s, t in np.argwhere(np.isfinite(values)):
            rounded = values[s, t].round(digits) + 0  # + 0 makes −0.0 a plain 0.0
            text = f"{rounded:.{digits}f}".replace("-", "−")
            ax.text(t, s, text, ha="center", va="center", fontsize=size, color="black")
    ax.set_xticks(range(len(given)), given, rotation=90, fontsize=9 if T <= MANY else 7)
    return image


def colour_bar(dots, ax, label: str, **options):
    """The scale of the dots' colours, at the right of one or several axes."""
    bar = dots.figure.colorbar(dots, ax=ax, **options)
    bar.set_label(label, color="black")
    bar.ax.tick_params(**TICKS)
    bar.ax.set_facecolor("white")
    return bar


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
