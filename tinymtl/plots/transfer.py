"""What was gained by training together, beside training alone.

A gain is a mean over seeds with a standard error. It is a finding if it is farther from 0 than
`SURE` standard errors. In every picture what is no finding is hollow or grey.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .. import checks
from ..interaction import SURE, sure
from . import look
from .look import ARM_COLOURS

GAIN = "gain over alone (positive is better)"
MOST_WITH_NUMBERS = 10  # tasks of which a matrix has room for numbers
BARS = f"bars: {SURE} standard errors either way; hollow: they reach 0, not a finding"


# By measure


@look.on_paper
def gains(
    gains: Mapping[str, Mapping[str, tuple[float, float]]], *, seeds: int | None = None, figure=None
):
    """What each arm gains over training alone: a row for each measure, with error bars.

    gains: arm -> measure -> (gain, its standard error) in the measure's own units, e.g.
    {"hard": {"brand, AUC": (0.101, 0.017)}}; the same measures for every arm. Bars are 3 standard
    errors either way. A gain of NaN was not measured. seeds: how many, for the caption.
    figure: where to draw, a matplotlib Figure or SubFigure; None makes a new one.
    ValueError for no arm or measure, measures that differ, anything but pairs, standard errors not
    finite or below 0.
    """
    measures, arms = _gains_by_arm(gains)

    title = "Does training together beat training alone?"
    height = 1.7 + len(measures) * (0.15 + 0.2 * len(arms))
    figure, ax = look.make_axes("gains", figure, title, height=height)
    ax.axvline(0, color="0.4", linewidth=1)
    for i, (arm, (gain, error)) in enumerate(look.by_name(arms, 40).items()):
        beside = (i - (len(arms) - 1) / 2) * 0.7 / len(arms)
        _draw_arm(ax, i, arm, gain, error, np.arange(len(measures)) + beside)
    ax.set_yticks(range(len(measures)), look.names(measures, 34))
    ax.set(ylim=(len(measures) - 0.2, -0.5), xlabel=GAIN)
    ax.text(0, len(measures) - 0.2, " alone", va="bottom", fontsize=9, color="0.3")
    look.legend_above(ax, ncols=1, at_right=True)
    look.caption(figure, BARS, seeds)
    return figure


def _gains_by_arm(gains):
    """The measures, and arm -> (gains, standard errors), each in the order of the measures."""
    measures = list(next(iter(gains.values()), ()))
    if not measures:
        raise ValueError(f"gains: gains must have at least one arm with one measure, got {gains}")
    arms = {}
    for arm, pairs in gains.items():
        has_all = set(pairs) == set(measures)
        if not has_all or any(np.shape(pairs[m]) != (2,) for m in measures):
            raise ValueError(
                f"gains: gains[{arm!r}] must have a pair (gain, standard error) "
                f"for each of {measures}, got {pairs}"
            )
        gain, error = zip(*(pairs[m] for m in measures))
        arms[arm] = look.check_measured("gains", f"gains[{arm!r}]", gain, error)
    return measures, arms


def _draw_arm(ax, i, arm, gain, error, rows):
    """The points of one arm; its name in the legend counts what was found."""
    found = sure(gain, error)
    better = (gain[found] > 0).sum()
    worse = (gain[found] < 0).sum()
    measured = np.isfinite(gain).sum()
    label = f"{arm}: better in {better} of {measured}, worse in {worse}"
    ax.plot([], [], **look.style(i, ARM_COLOURS, linestyle=""), label=label)
    look.draw_points(ax, gain, rows, look.style(i, ARM_COLOURS), found, xerr=SURE * error)


# By the share of labels


@look.on_paper
def gain_by_fraction(
    gains: Mapping[str, tuple], *, measure: str, seeds: int | None = None, figure=None
):
    """What each arm gains over training alone on the same share of the labels, over that share.

    gains: arm -> (fractions, gains, standard errors), of one length. Fractions increase in (0, 1];
    gains and standard errors are in the units of the measure. measure: its name, for the title.
    Bars, NaN and seeds as in `gains`.
    figure: where to draw, a matplotlib Figure or SubFigure; None makes a new one.
    ValueError for no arm, other fractions, lengths that differ, standard errors not finite or
    below 0.
    """
    if not gains:
        raise ValueError(f"gain_by_fraction: gains must have at least one arm, got {gains}")
    arms = {arm: _gain_curve(f"gains[{arm!r}]", curve) for arm, curve in gains.items()}
    percents = np.unique(np.concatenate([percent for percent, *_ in arms.values()]))
    span = max(2, percents[-1] / percents[0])

    (measure,) = look.names([measure], 80)
    title = f"{measure}: gain by share of labels"
    height = look.room_for_ends(len(arms))
    figure, ax = look.make_axes("gain_by_fraction", figure, title, height=height)
    ax.axhline(0, color="0.4", linewidth=1)
    ends = {}
    for i, (arm, (percent, gain, error)) in enumerate(look.by_name(arms).items()):
        # Bars of several arms stand side by side.
        x = percent * span ** (0.015 * (i - (len(arms) - 1) / 2))
        found = sure(gain, error)
        ax.plot(x, gain, **look.style(i, ARM_COLOURS, marker=""), linewidth=1.3, label=arm)
        look.draw_points(ax, x, gain, look.style(i, ARM_COLOURS), found, yerr=SURE * error)
        ends[arm] = x, gain
    _set_percents(ax, percents, span)
    ax.set_ylabel(GAIN)
    look.label_ends(ax, ends, ARM_COLOURS)
    look.caption(figure, BARS, seeds)
    return figure


def _gain_curve(name, curve):
    """Percents, gains and standard errors of one arm."""
    shapes = [np.shape(part) for part in curve]
    length = np.size(curve[0])
    if length == 0 or shapes != [(length,)] * 3:
        raise ValueError(
            f"gain_by_fraction: {name} must be (fractions, gains, standard errors) "
            f"of one length, at least 1; got shapes {shapes}"
        )
    fractions, gain, error = curve
    percent = 100 * np.asarray(fractions, float)
    rises = (np.diff(percent) > 0).all()
    if not rises or not 0 < percent[0] <= percent[-1] <= 100:
        raise ValueError(
            f"gain_by_fraction: {name} must have increasing fractions in (0, 1], got {fractions}"
        )
    return percent, *look.check_measured("gain_by_fraction", name, gain, error)


def _set_percents(ax, percents, span):
    """The x axis, logarithmic, with a number at each percent that has room for one."""
    left = percents[0] / span**0.13
    right = percents[-1] * span**0.06
    ax.set(xscale="log", xlim=(left, right), xlabel="labels kept, % (log scale)")
    numbers = []
    for percent, following in zip(percents, [*percents[1:], np.inf]):
        has_room = following > percent * span**0.05
        numbers.append(f"{percent:.3g}" if has_room else "")
    ax.set_xticks(percents, numbers)
    ax.set_xticks([], minor=True)
    ax.text(left, 0, " alone", va="bottom", fontsize=9, color="0.3")


# By pair of tasks


@look.on_paper
def transfer_matrix(
    gain: np.ndarray,
    errors: np.ndarray,
    tasks: Sequence[str],
    *,
    seeds: int | None = None,
    figure=None,
):
    """Which task helps which: row s, column t is what t gains when it is trained together with s.

    gain, errors (T, T): the gain over alone of the column's task on its own held-out measure, and
    its standard error, both in the units of that measure. The diagonal is ignored. A gain of NaN
    was not measured. tasks: T names. seeds: how many, for the caption. For more than 10 tasks the
    numbers are left out, and colours stand alone.
    figure: where to draw, a matplotlib Figure or SubFigure; None makes a new one.
    ValueError for other shapes, fewer than 2 names, a name twice, standard errors not finite or
    below 0.

    >>> gain = np.array([[0.0, 0.1], [-0.05, 0.0]])
    >>> errors = np.array([[0.0, 0.02], [0.03, 0.0]])
    >>> figure = transfer_matrix(gain, errors, ["price", "buys"], seeds=10)
    """
    tasks = checks.distinct_names("transfer_matrix", "tasks", tasks, 2)
    T = len(tasks)
    if not np.shape(gain) == np.shape(errors) == (T, T):
        raise ValueError(
            f"transfer_matrix: gain and errors must have shape ({T}, {T}) for tasks {tasks}, "
            f"got {np.shape(gain)}, {np.shape(errors)}"
        )
    is_diagonal = np.eye(T, dtype=bool)
    between_two = np.where(is_diagonal, np.nan, gain)
    gain, error = look.check_measured("transfer_matrix", "gain", between_two, errors)
    found = sure(gain, error)

    title = "What does a task gain when another is trained with it?"
    height = 1.8 + 0.5 * min(T, MOST_WITH_NUMBERS) + 0.12 * max(0, T - MOST_WITH_NUMBERS)
    figure, ax = look.make_axes("transfer_matrix", figure, title, height=height)
    most = np.max(np.abs(gain), where=np.isfinite(gain), initial=0) or 1.0
    cells = ax.imshow(
        gain,
        cmap="RdBu",
        vmin=-1.6 * most,
        vmax=1.6 * most,
        alpha=np.where(found, 1, 0.3),
        aspect="auto",
    )
    if T <= MOST_WITH_NUMBERS:
        _write_gains(ax, gain, error, found, _number_format(most))
    else:
        look.colour_bar(cells, ax, GAIN)
    _rule_off_cells(ax, T)
    _name_rows_and_columns(ax, look.names(tasks))
    words = f"{GAIN}: blue better, red worse"
    if T <= MOST_WITH_NUMBERS:
        words += "; ± standard error"
    look.caption(
        figure,
        f"{words}\ngrey: within {SURE} standard errors of 0, not a finding",
        seeds,
    )
    return figure


def _number_format(most):
    """Three digits of the largest number, as a format."""
    if 1e-3 <= most < 1e5:
        magnitude = int(np.floor(np.log10(most)))
        return f".{max(0, 2 - magnitude)}f"
    return ".2g"


def _write_gains(ax, gain, error, found, number):
    size = 9 if len(gain) < 8 else 7
    for s, t in np.argwhere(np.isfinite(gain)):
        text = f"{gain[s, t]:+{number}}\n± {error[s, t]:{number}}".replace("-", "−")
        colour = "black" if found[s, t] else "0.4"
        ax.text(t, s, text, ha="center", va="center", fontsize=size, color=colour)


def _rule_off_cells(ax, T):
    between = np.arange(T - 1) + 0.5
    ax.hlines(between, -0.5, T - 0.5, color="0.8", linewidth=0.8)
    ax.vlines(between, -0.5, T - 0.5, color="0.8", linewidth=0.8)


def _name_rows_and_columns(ax, tasks):
    T = len(tasks)
    turn = {}
    if T > MOST_WITH_NUMBERS:
        turn = {"rotation": 90, "fontsize": 7}
    elif T * max(len(task) for task in tasks) > 45:  # letters that fit side by side
        turn = {"rotation": 25, "ha": "right", "rotation_mode": "anchor"}
    ax.set_xticks(range(T), tasks, **turn)
    ax.set_yticks(range(T), tasks, fontsize=turn.get("fontsize", 10))
    ax.set(xlabel="task that is helped", ylabel="task that helps")
