"""Where the tasks' gradients conflict, and what steps did to each loss.

A conflict is an angle: the cosine of two gradients is negative. Harm is what one step did: it
raised a task's loss. A conflict need not do harm, and only the gains of a whole training (`gains`)
say whether sharing helped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from .. import checks, interaction
from ..history import History
from . import look
from .look import SHADE, TASK_COLOURS

MOST_WITH_NUMBERS = 12  # tasks of which a matrix has room for numbers

# Over training: the angles


@look.on_paper
def cosines(history: History, *, figure=None):
    """The cosine between the gradients of each two tasks over training; conflict is below 0.

    history: of `fit(..., cosines_every=n)`, with cosines (K, T, T) at cosine_steps (K,). There is a
    panel for each pair of up to 6 tasks. Of more tasks there is a matrix of the cosines' means over
    the steps, and below it the middle pair, the middle half of the pairs and the extremes in each
    step. The title says whether the gradients are on shared parameters, or each task's on its own
    copy of the trunk.
    If there are effects (K, T), in each loss's own units, one more panel shows what the step really
    taken did to each loss, to first order. Harm is above 0 there, and counted. Where the losses'
    units differ much its scale is logarithmic away from 0. For more than 6 tasks, harm is red.
    NaN (a task without a gradient) leaves a gap. A conflict is not yet harm, and a cosine near 0
    does not mean that nothing is transferred: show gains beside it.
    figure: where to draw, a matplotlib Figure or SubFigure; None makes a new one.
    TypeError for anything but a History, ValueError for fewer than 2 tasks or no cosines.

    >>> import tinymtl as mtl
    >>> rng = np.random.default_rng(0)
    >>> data, _ = mtl.datasets.related_tasks(rng, relatedness=0.5)
    >>> model = mtl.HardSharing(mtl.Dense(8, 4, rng), {t: mtl.Dense(4, 1, rng) for t in data})
    >>> history = mtl.fit(
    ...     model, data, dict.fromkeys(data, mtl.mse), optimizer=mtl.SGD(0.01), steps=20,
    ...     cosines_every=2,
    ... )
    >>> figure = cosines(history)
    """
    _check_cosines("cosines", history)
    steps = np.asarray(history.cosine_steps)  # (K,)
    ρ = np.asarray(history.cosines, float)  # (K, T, T)
    effects = np.asarray(history.effects, float)  # (K, T), or empty
    T = len(history.tasks)
    names = look.names(history.tasks, 24 if T <= look.MANY else 16)

    place = "on the shared parameters"
    if history.aligned_copies:
        place = "each task's on its own copy of the trunk"
    title = f"Do the tasks' gradients conflict? Cosine between them,\n{place}"
    below = 2.1 + 0.1 * T if len(effects) else 0
    if T <= look.MANY:
        pairs = list(combinations(range(T), 2))
        figure, panels, wide = look.make_panels("cosines", figure, title, len(pairs), below=below)
        for ax, (s, t) in zip(panels, pairs):
            _draw_cosines(ax, steps, ρ[:, s, t], look.pair_name(names[s], names[t]))
        if wide is not None:
            _draw_effects(wide, steps, effects, names)
    else:
        matrix_height = 2.5 + 0.12 * T  # with the names below it
        heights = [matrix_height, 1.8, below] if below else [matrix_height, 1.8]
        figure, axes = look.make_axes(
            "cosines",
            figure,
            title,
            len(heights),
            height=1 + sum(heights),
            height_ratios=heights,
        )
        _draw_means_of_cosines(axes[0], ρ, names)
        _draw_range_of_pairs(axes[1], steps, ρ)
        if below:
            _draw_effects_of_many(axes[2], steps, effects, names)
    look.common_xlabel(figure, "steps made")
    return figure


def _check_cosines(where, history):
    checks.instance(where, "history", history, History)
    if len(history.tasks) < 2:
        raise ValueError(f"{where}: history must have at least 2 tasks, got {history.tasks}")
    if not len(history.cosine_steps):
        raise ValueError(
            f"{where}: history must hold cosines, got none; fit(..., cosines_every=10) records them"
        )


def _draw_cosines(ax, steps, ρ, names):
    """The cosine of one pair, shaded where it is a conflict."""
    ax.axhspan(-1, 0, color=SHADE)
    ax.axhline(0, color="0.4", linewidth=0.8)
    ax.fill_between(steps, ρ, 0, where=ρ < 0, interpolate=True, color="0.5", linewidth=0)
    ax.plot(steps, ρ, color="black", linewidth=1, marker=".", markevery=look.lone_points(ρ))
    look.note(ax, 0.03, 0.03, "conflict")
    conflicts = (ρ < 0).sum()
    known = np.isfinite(ρ).sum()
    ax.set_title(f"{names}\nconflict in {conflicts} of {known}", fontsize=9)
    ax.set(xlim=(-0.5, steps[-1] + 0.5), ylim=(-1, 1))
    ax.locator_params(axis="x", integer=True, nbins=6, min_n_ticks=1)
    if ax.get_subplotspec().is_first_col():
        ax.set_ylabel("cosine")


def _draw_means_of_cosines(ax, ρ, names):
    """The mean over the steps of each pair's cosine, where it is known."""
    T = len(names)
    is_known = np.isfinite(ρ)
    how_often = is_known.sum(0)  # (T, T)
    total = np.where(is_known, ρ, 0).sum(0)
    mean = np.where(how_often > 0, total / np.maximum(how_often, 1), np.nan)
    mean[np.diag_indices(T)] = np.nan
    image = look.draw_matrix(ax, mean, names, numbers=T <= MOST_WITH_NUMBERS)
    ax.set_yticks(range(T), names, fontsize=9 if T <= look.MANY else 7)
    words = "mean over the steps (red: conflict)"
    bar = look.colour_bar(image, ax, words, location="top", shrink=0.6, aspect=30)
    bar.ax.set_xlim(-1, 1)


def _draw_range_of_pairs(ax, steps, ρ):
    """In each step the cosine of the middle pair, of the middle half of the pairs, the extremes."""
    above = np.triu_indices(ρ.shape[1], k=1)
    of_pairs = ρ[:, *above]  # (K, pairs)
    least, low, middle, high, most = _quartiles(of_pairs).T  # each (K,)
    ax.axhspan(-1, 0, color=SHADE)
    ax.axhline(0, color="0.4", linewidth=0.8)
    ax.fill_between(steps, low, high, color="0.7", linewidth=0, label="middle half of the pairs")
    line = {"color": "black", "marker": ".", "markevery": look.lone_points(middle)}
    ax.plot(steps, middle, **line, linewidth=1.2, label="middle pair")
    ax.plot(steps, most, **line, linewidth=0.6, linestyle=":", label="extremes")
    ax.plot(steps, least, **line, linewidth=0.6, linestyle=":", label="_least")
    look.note(ax, 0.01, 0.03, "conflict")
    conflicts = (of_pairs < 0).sum()
    known = np.isfinite(of_pairs).sum()
    look.legend_above(
        ax, ncols=3, title=f"{of_pairs.shape[1]} pairs: conflict in {conflicts} of {known} cosines"
    )
    ax.set(xlim=(-0.5, steps[-1] + 0.5), ylim=(-1, 1), ylabel="cosine")
    ax.locator_params(axis="x", integer=True, nbins=6, min_n_ticks=1)


def _quartiles(values):
    """Least, quartiles and most (K, 5) of each row (K, n); NaN where nothing is known."""
    five = np.full((len(values), 5), np.nan)
    for k, row in enumerate(values):
        known = row[np.isfinite(row)]
        if len(known):
            five[k] = np.quantile(known, [0, 0.25, 0.5, 0.75, 1])
    return five


def _draw_effects(ax, steps, effects, tasks):
    """What the steps really taken did to each loss, marked and shaded where it was harm."""
    ax.axhline(0, color="0.4", linewidth=0.8)
    for i, (task, change) in enumerate(zip(tasks, effects.T)):
        _draw_effect(ax, i, task, steps, change)
    ax.set(xlim=(-0.5, steps[-1] + 0.5), ylabel="J·Δθ, units of the loss")
    ax.locator_params(axis="x", integer=True, min_n_ticks=1)
    straight = _straight_part(effects)
    if straight:
        ax.set_yscale("symlog", linthresh=straight)
        ax.set_ylabel(f"J·Δθ, units of the loss\n(log scale beyond ±{straight:g})")
    low, high = ax.get_ylim()
    top = max(high, -0.15 * low)  # the side of harm is seen even if nobody was harmed
    ax.set_ylim(low, top)
    ax.axhspan(0, ax.get_ylim()[1], color=SHADE, zorder=0)
    look.note(ax, 0.99, 0.97, "harm", ha="right", va="top")
    longest = max(len(line.get_label()) for line in ax.lines)
    ncols = 2 if longest < 35 else 1  # that fit side by side
    title = "What the step taken did to each loss, to first order"
    look.legend_above(ax, ncols=ncols, title=title)


def _draw_effects_of_many(ax, steps, effects, names):
    """A row of colours for each task: red where the step taken did harm."""
    T = len(names)
    sizes = np.max(np.abs(effects), axis=0, where=np.isfinite(effects), initial=0)  # (T,)
    in_parts = effects.T / np.where(sizes > 0, sizes, 1)[:, None]  # (T, K)
    half = (steps[1] - steps[0]) / 2 if len(steps) > 1 else 0.5
    ax.imshow(
        in_parts,
        cmap="RdBu_r",
        vmin=-1.6,
        vmax=1.6,
        aspect="auto",
        interpolation="none",
        extent=(steps[0] - half, steps[-1] + half, T - 0.5, -0.5),
    )
    harmed = (effects > 0).sum(0)
    known = np.isfinite(effects).sum(0)
    rows = [f"{name}: {n} of {k}" for name, n, k in zip(names, harmed, known)]
    ax.set_yticks(range(T), rows, fontsize=7)
    ax.locator_params(axis="x", integer=True, min_n_ticks=1)
    ax.set_title(
        "What the step taken did to each loss, to first order\n"
        "(red: harm, as a part of the task's largest effect; how often beside the name)",
        fontsize=9,
        loc="right",
    )


def _straight_part(effects):
    """Up to which size the scale of effects is linear; None if one linear scale shows all tasks.

    One linear scale hides a task whose largest effect is ten times smaller than another's.
    """
    sizes = np.max(np.abs(effects), axis=0, where=np.isfinite(effects), initial=0)  # (T,)
    sizes = sizes[sizes > 0]
    if not len(sizes) or sizes.max() <= 10 * sizes.min():
        return None
    at_least = sizes.max() / 1e4  # at most four powers of ten
    return 10.0 ** np.floor(np.log10(max(sizes.min() / 2, at_least)))


def _draw_effect(ax, i, task, steps, change):
    is_harm = change > 0
    marked = {*np.flatnonzero(is_harm).tolist(), *look.lone_points(change)}
    ax.plot(
        steps,
        change,
        **look.style(i, TASK_COLOURS, linestyle="-"),
        markersize=4,
        markevery=sorted(marked),
        linewidth=1,
        label=f"{task}: harm in {is_harm.sum()} of {np.isfinite(change).sum()}",
    )
    ax.fill_between(
        steps,
        change,
        0,
        where=is_harm,
        interpolate=True,
        color=look.task_colour(i),
        alpha=0.25,
        linewidth=0,
    )


# Over training: which conflicts do harm


@look.on_paper
def harm(history: History, pair: tuple[str, str] | None = None, *, figure=None):
    """The harm diagram of two tasks s, t: their cosine over the ratio of their weighted lengths.

        ρ = cos(g_s, g_t)        r = w_s ‖g_s‖ / (w_t ‖g_t‖)

    There is a point for each recorded step. A plain step −η (w_s g_s + w_t g_t) raises L_s, to
    first order, if ρ < −r, and L_t if ρ < −1/r. So a conflict (ρ < 0) between the two boundaries
    harms nobody. Harm needs unequal weighted lengths as well: at r = 1 both boundaries are at −1.
    A cross marks where the step really taken raised at least one of the two losses
    (`history.effects`): momentum, Adam and other tasks move it across the boundaries. Early steps
    are light, late ones dark.
    history: of `fit(..., cosines_every=n)`, with shared parameters. pair: two tasks, None for the
    first two.
    figure: where to draw, a matplotlib Figure or SubFigure; None makes a new one.
    TypeError for anything but a History. ValueError for unknown tasks, no cosines, or copies of
    which nothing is shared.

    >>> import tinymtl as mtl
    >>> rng = np.random.default_rng(0)
    >>> data, _ = mtl.datasets.related_tasks(rng, relatedness=0.5)
    >>> model = mtl.HardSharing(mtl.Dense(8, 4, rng), {t: mtl.Dense(4, 1, rng) for t in data})
    >>> history = mtl.fit(
    ...     model, data, dict.fromkeys(data, mtl.mse), optimizer=mtl.SGD(0.01), steps=20,
    ...     cosines_every=2,
    ... )
    >>> figure = harm(history)
    """
    _check_cosines("harm", history)
    pair = _check_pair(history, pair)
    places = [history.tasks.index(name) for name in pair]
    ρ, ratio = _cosine_and_ratio(history, places)
    with np.errstate(divide="ignore", invalid="ignore"):
        known = np.isfinite(ρ) & (ratio >= 0)
        harmful = known & ((ρ < -ratio) | (ρ < -1 / ratio))
    edge = _edge_of_ratios(ratio[known])

    conflicts = (ρ[known] < 0).sum()
    title = (
        f"Conflict in {conflicts} of {known.sum()} steps; "
        f"a plain step would do harm in {harmful.sum()}"
    )
    figure, ax = look.make_axes("harm", figure, title, height=4.4)
    names = look.names(history.tasks, 18)
    _draw_regions(ax, edge, [names[place] for place in places], places)
    inside = np.clip(ratio, 1 / edge, edge)
    _draw_steps(ax, history.cosine_steps, inside, ρ, _kinds_of_steps(history, places, known))
    look.legend_above(ax, ncols=3, columnspacing=1, handletextpad=0.4)
    beyond = (known & ((ratio < 1 / edge) | (ratio > edge))).sum()
    look.caption(figure, _words_below(beyond, len(history.tasks) - 2))
    return figure


def _check_pair(history, pair):
    pair = tuple(history.tasks[:2] if pair is None else pair)
    are_two = len(pair) == 2 and len(set(pair)) == 2
    if not are_two or not set(pair) <= set(history.tasks):
        raise ValueError(f"harm: pair must be two of the tasks {history.tasks}, got {pair}")
    if history.aligned_copies:
        raise ValueError(
            "harm: history must be of shared parameters, got copies of which each task moves its "
            "own: no step can harm another task"
        )
    return pair


def _cosine_and_ratio(history, places):
    """ρ (K,) and r (K,) of two tasks at the recorded steps."""
    s, t = places
    steps = np.asarray(history.cosine_steps)
    ρ = np.asarray(history.cosines, float)[:, s, t]
    norms = np.asarray(history.norms, float)
    lengths = []  # w ‖g‖ of s and of t
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for i in (s, t):
            w = np.asarray(history.weights[history.tasks[i]], float)[steps]
            lengths.append(w * norms[:, i])
        return ρ, np.divide(*lengths)


def _edge_of_ratios(ratio):
    """The largest ratio that the picture shows; the least is its inverse."""
    finite = ratio[(ratio > 0) & (ratio < np.inf)]
    farthest = np.max(np.maximum(finite, 1 / finite), initial=0)
    return np.clip(1.3 * farthest, 3, 100)


def _draw_regions(ax, edge, names, places):
    """The two boundaries, and between them conflict without harm."""
    s, t = names
    r = np.geomspace(1 / edge, 1, 101)  # where s is the weaker
    ax.fill_between(
        [1 / edge, edge], -1, 0, color="0.9", linewidth=0, label="conflict without harm"
    )
    _draw_region(ax, s, look.task_colour(places[0]), r, -r, "left")
    _draw_region(ax, t, look.task_colour(places[1]), 1 / r, -r, "right")  # the mirror image
    ax.axhline(0, color="0.4", linewidth=0.8)
    look.note(ax, 0.5, 0.97, "no conflict", ha="center", va="top")
    ax.set(
        ylim=(-1, 1),
        xlabel=_words_of_ratio(s, t),
        ylabel="cosine ρ of the two gradients",
    )
    look.set_log(ax, "x", 1 / edge, edge)
    ax.set_xlim(1 / edge, edge)


def _words_of_ratio(s, t):
    """The name of the x axis, on two lines if the tasks' names are long."""
    between = " " if len(s) + len(t) < 36 else "\n"
    return f"‖w g‖ of {s}{between}÷ ‖w g‖ of {t} (log scale)"


def _draw_region(ax, name, colour, ratio, boundary, side):
    """Where a plain step raises the loss of one task: below its boundary."""
    ax.fill_between(ratio, -1, boundary, color="white", linewidth=0)
    ax.fill_between(ratio, -1, boundary, color=colour, alpha=0.2, linewidth=0)
    ax.plot(ratio, boundary, color=colour, linewidth=1.5, label=f"_{name}")
    x = 0.02 if side == "left" else 0.98
    upright = {"weight": "bold", "style": "normal"}  # in italics fonts have fewer letters
    look.note(ax, x, 0.02, f"step harms\n{name}", ha=side, color=colour, **upright)


def _kinds_of_steps(history, places, known):
    """What the legend says of a kind of step -> which of the K recorded steps are of it."""
    effects = np.asarray(history.effects, float)
    if not len(effects):
        return {"steps recorded": known}
    raised = (effects[:, places] > 0).any(1)
    return {"step taken raised no loss": known & ~raised, "it raised one": known & raised}


def _draw_steps(ax, steps, ratio, ρ, kinds):
    """Circles for the first kind of steps, crosses for the second; late ones are dark."""
    steps = np.asarray(steps)
    markers = ("o", "X")
    sizes = (30, 60)
    for i, (label, which) in enumerate(kinds.items()):
        dots = ax.scatter(
            ratio[which],
            ρ[which],
            c=steps[which],
            marker=markers[i],
            s=sizes[i],
            cmap=look.colour_map("0.9", "black"),
            vmin=0,
            vmax=max(1, steps[-1]),
            edgecolors="black",
            linewidths=0.6,
            zorder=4,
            clip_on=False,
            label=f"{label}: {which.sum()}",
        )
    look.colour_bar(dots, ax, "step (late is dark)")


def _words_below(beyond, others):
    """The caption: of how many points and of how many other tasks the picture does not speak."""
    words = "left the first task has the shorter gradient, right the second: a plain step of\n"
    words += "these two raises the loss of the shorter if the conflict is large (first order)"
    if beyond:
        words += f"; {beyond} points lie beyond the edge"
    if others:
        words += f";\nfor the two alone: the step taken also served {others} more"
    return words


# Layer by layer

CONFLICT_TO_AGREEMENT = ("#B2182B", "0.92", "0.2")  # the colours of dots, from −CLEAR_COSINE on
CLEAR_COSINE = 0.5  # from here on a dot has its full colour


@look.on_paper
def layers(gramians: Mapping[str, np.ndarray], tasks: Sequence[str], *, figure=None):
    """Where in the network do gradients conflict? The cosine of each two tasks in each layer.

    gramians: layer -> Gramian (T, T) of the gradients on its parameters, drawn from top to bottom;
    their sum is the whole, which has the last row. tasks: T names.
    A layer's weight is √(share of ‖g_s‖² × share of ‖g_t‖²). It is written beside the dot, and is
    the dot's area. The cosine of the whole is the sum of the layers' cosines times their weights.
    The farther from 0 a cosine is, the redder (conflict) or darker (agreement) is its dot; near 0
    it is pale. A layer without a gradient has no dot.
    Of more than 6 tasks there is a matrix of the cosines for each layer, without the weights.
    figure: where to draw, a matplotlib Figure or SubFigure; None makes a new one.
    ValueError for no layer, other shapes, fewer than 2 names, a name twice.

    >>> gramians = {
    ...     "embedding": np.array([[1.0, -0.5], [-0.5, 1.0]]),
    ...     "dense": np.array([[4.0, 1.0], [1.0, 1.0]]),
    ... }
    >>> figure = layers(gramians, ["price", "buys"])
    """
    tasks = checks.distinct_names("layers", "tasks", tasks, 2)
    T = len(tasks)
    parts = {
        name: look.where_finite(checks.floats("layers", f"gramians[{name!r}]", G, T, T))
        for name, G in gramians.items()
    }
    if not parts:
        raise ValueError(f"layers: gramians must have at least one layer, got {gramians}")
    G = np.stack([*parts.values(), sum(parts.values())])  # (layers + 1, T, T)
    ρ = np.stack([interaction.cosines(of_layer) for of_layer in G])  # (layers + 1, T, T)
    share = _share_of_whole(G)  # (layers + 1, T)
    is_many = T > look.MANY
    names = look.names(tasks, 14 if is_many else 18)
    rows = look.names([*parts, "whole"], 18)

    title = "In which layers do the gradients conflict?"
    if is_many:
        return _draw_layers_of_many(figure, title, ρ, names, rows)
    pairs = list(combinations(range(T), 2))
    row = 0.7 + 0.25 * len(G)
    figure, panels, _ = look.make_panels("layers", figure, title, len(pairs), row=row)
    for ax, (s, t) in zip(panels, pairs):
        weight = np.sqrt(share[:, s] * share[:, t])
        _draw_layers(ax, ρ[:, s, t], weight)
        ax.set_title(look.pair_name(names[s], names[t]), fontsize=9)
        ax.set_yticks(range(len(G)), rows)
    look.caption(
        figure,
        "cosine (left of 0: conflict); area and number: the layer's weight in the whole,\n"
        "√(share of ‖g_s‖² × share of ‖g_t‖²)",
    )
    return figure


def _draw_layers_of_many(figure, title, ρ, names, rows):
    """A matrix (T, T) for each layer and one for the whole."""
    T = len(names)
    row = max(1.8, 0.085 * T)
    figure, panels, _ = look.make_panels("layers", figure, title, len(ρ), row=row, extra=1)
    for ax, of_layer, name in zip(panels, ρ, rows):
        between_two = np.where(np.eye(T, dtype=bool), np.nan, of_layer)
        image = look.draw_matrix(ax, between_two, [], numbers=False)
        ax.set_title(name, fontsize=9)
        ax.set_yticks(range(T), names, fontsize=min(7, 65 * row / T))
    bar = look.colour_bar(image, list(panels), "cosine", location="top", shrink=0.5, aspect=30)
    bar.ax.set_xlim(-1, 1)
    look.caption(figure, "red: conflict; columns are the tasks in the order of the rows")
    return figure


def _share_of_whole(G):
    """‖g_t‖² of each layer, as a share of that of the whole (the last); NaN if that is 0."""
    square = np.einsum("ltt->lt", G)
    whole = square[-1]
    return square / np.where(whole > 0, whole, np.nan)


def _draw_layers(ax, ρ, weight):
    """One pair: a dot for each layer and, below a line, one for the whole."""
    rows = np.arange(len(ρ))
    _shade_left(ax)
    ax.axhline(len(ρ) - 1.5, color="0.7", linewidth=0.8)
    ax.scatter(
        ρ,
        rows,
        s=150 * np.nan_to_num(weight),
        c=ρ,
        cmap=look.colour_map(*CONFLICT_TO_AGREEMENT),
        vmin=-CLEAR_COSINE,
        vmax=CLEAR_COSINE,
        edgecolors="0.4",
        linewidths=0.6,
        zorder=3,
        clip_on=False,
    )
    for row in np.flatnonzero(np.isfinite(ρ[:-1])):
        _write_weight(ax, ρ[row], row, weight[row])
    ax.set(xlim=(-1, 1), ylim=(len(ρ) - 0.5, -0.5))


def _shade_left(ax):
    """Shade the side of conflict or harm of a panel of cosines."""
    ax.axvspan(-1, 0, color=SHADE)
    ax.axvline(0, color="0.4", linewidth=0.8)


def _write_weight(ax, x, row, weight):
    """The weight, on that side of the dot which has more room."""
    offset, side = ((9, 0), "left") if x < 0 else ((-9, 0), "right")
    ax.annotate(
        f"{weight:.0%}",
        (x, row),
        xytext=offset,
        textcoords="offset points",
        ha=side,
        va="center",
        fontsize=7,
        color="0.3",
    )


# One step

# Four ways to say what a step did, from theory to fact: words for the legend, and look of the bars.
PARTS_OF_STEP = {
    "predicted": ("predicted: −η G w", {"color": "white"}),
    "taken": ("first order of the step taken: J·Δθ", {"alpha": 0.35}),
    "happened": ("happened, heads at rest", {}),
    "with_heads": ("happened, heads moved too", {"color": "white", "hatch": "////"}),
}


@look.on_paper
def step(report: interaction.StepReport, *, figure=None):
    """One step taken apart: what it did to each task's loss, from theory to fact.

    report: of `interaction.step_report`, with numbers (T,) and cosines (T, T). A row for each task
    has four bars, in the loss's own units: what the Gramian predicts of a plain step, the first
    order of the step that the optimiser really took, the change that happened when the shared
    parameters alone moved, and the change when heads moved too. Harm is to the right of 0. NaN and
    infinity are left out. Where the first two bars differ it is the optimiser (or the penalty),
    where the next two differ it is curvature. Beside them are the cosines of the gradients, named
    and with numbers for up to 12 tasks.
    figure: where to draw, a matplotlib Figure or SubFigure; None makes a new one.
    ValueError for no task, a task twice, or other shapes.

    >>> import tinymtl as mtl
    >>> rng = np.random.default_rng(0)
    >>> data, _ = mtl.datasets.related_tasks(rng, relatedness=0.5)
    >>> model = mtl.HardSharing(mtl.Dense(8, 4, rng), {t: mtl.Dense(4, 1, rng) for t in data})
    >>> report = mtl.interaction.step_report(
    ...     model, data, dict.fromkeys(data, mtl.mse), mtl.Adam(0.01)
    ... )
    >>> figure = step(report)
    """
    tasks = checks.distinct_names("step", "tasks", report.tasks, 1)
    T = len(tasks)
    numbers = {
        name: look.where_finite(checks.floats("step", name, getattr(report, name), T))
        for name in ("losses", "norms", "weights", *PARTS_OF_STEP)
    }
    ρ = look.where_finite(checks.floats("step", "cosines", report.cosines, T, T))

    names = look.names(tasks)
    longest = max(len(name) for name in names)
    height = 2.9 + 0.65 * T + 0.06 * max(0, longest - 10)  # columns have their names below
    title = "What did one step do to each task?"
    figure, (left, right) = look.make_axes(
        "step", figure, title, 1, 2, height=height, sharey=True, width_ratios=(3, 2)
    )
    _draw_changes(left, numbers, T)
    left.set_yticks(range(T), _names_with_numbers(names, numbers), fontsize=9)
    left.set_ylim(T - 0.5, -0.5)
    has_room = T <= MOST_WITH_NUMBERS
    look.draw_matrix(right, ρ, names if has_room else [], numbers=has_room)
    right.set_title("cosine of the gradients\n(red: conflict)", fontsize=9)
    look.caption(
        figure,
        "From predicted to taken: the optimiser's own steps, and penalties.\n"
        "From taken to happened: curvature.",
    )
    return figure


def _draw_changes(ax, numbers, T):
    """The four bars of each task, and the side of harm."""
    colours = [look.task_colour(i) for i in range(T)]
    for j, (name, (label, look_of_part)) in enumerate(PARTS_OF_STEP.items()):
        rows = np.arange(T) + 0.2 * (j - 1.5)
        in_colour = {"color": colours, "edgecolor": colours} | look_of_part
        in_grey = {"color": "0.4", "edgecolor": "0.4"} | look_of_part
        ax.barh(rows, numbers[name], 0.16, **in_colour)
        ax.scatter([], [], marker="s", s=60, label=label, **in_grey)  # for the legend alone

    changes = [0, *np.ravel([numbers[name] for name in PARTS_OF_STEP])]
    low = np.nanmin(changes)
    high = np.nanmax(changes)
    room = (high - low or 1) / 10
    ax.axvspan(0, high + 2 * room, color=SHADE, zorder=0)
    ax.axvline(0, color="0.4", linewidth=1)
    look.note(ax, 0.99, 0.01, "harm", ha="right")
    ax.set(xlim=(low - room, high + 2 * room), xlabel="change of the loss")
    ax.ticklabel_format(axis="x", scilimits=(-2, 3), useMathText=True)
    ax.locator_params(axis="x", nbins=5)
    look.legend_above(ax, ncols=1)


def _names_with_numbers(names, numbers):
    """Each task's name; on a second line its loss, gradient norm and weight."""
    rows = zip(names, numbers["losses"], numbers["norms"], numbers["weights"])
    return [f"{t}\nL {loss:.3g}, ‖g‖ {norm:.2g}, w {w:.2g}" for t, loss, norm, w in rows]


# One step under several rules


@look.on_paper
def direction_and_length(
    gramian: np.ndarray,
    weights: Mapping[str, Sequence[float]],
    tasks: Sequence[str],
    *,
    figure=None,
):
    """The step that each rule makes of the same gradients: its angle to each of them, its length.

        d = Jᵀ w        cos(d, g_t) = (G w)_t / (‖d‖ ‖g_t‖)        ‖d‖ = √(wᵀ G w)

    gramian (T, T); weights: rule -> (T,), a row for each rule; tasks: T names. Left of 0 the step
    −η d harms task t. Lengths are on a log scale. Of a rule with d = 0 it is written that it makes
    no step. A task without a gradient has no point.
    figure: where to draw, a matplotlib Figure or SubFigure; None makes a new one.
    ValueError for no rule, other shapes, no name or a name twice.

    >>> gramian = np.array([[9.0, -3.0], [-3.0, 2.0]])
    >>> weights = {"plain sum": [1.0, 1.0], "MGDA": [0.294, 0.706]}
    >>> figure = direction_and_length(gramian, weights, ["price", "buys"])
    """
    where = "direction_and_length"
    tasks = checks.distinct_names(where, "tasks", tasks, 1)
    T = len(tasks)
    G = look.where_finite(checks.floats(where, "gramian", gramian, T, T))
    rules = {
        rule: look.where_finite(checks.floats(where, f"weights[{rule!r}]", w, T))
        for rule, w in weights.items()
    }
    if not rules:
        raise ValueError(f"{where}: weights must have at least one rule, got {weights}")
    cosine, length, is_still = _cosines_and_lengths(G, np.stack(list(rules.values())))

    height = max(1.6 + 0.35 * len(rules), look.room_for_legend(T))
    title = "Which way does each rule go, and how far?"
    figure, (left, right) = look.make_axes(where, figure, title, 1, 2, height=height, sharey=True)
    _draw_directions(left, cosine, look.names(tasks))
    _draw_lengths(right, length)
    for row in np.flatnonzero(np.isnan(length)):
        said = "d = 0: no step" if is_still[row] else "d is not known"
        left.text(0, row, said, ha="center", va="center", fontsize=9, color="0.3")
    left.set_yticks(range(len(rules)), look.names(rules))
    left.set_ylim(len(rules) - 0.5, -0.5)
    look.legend_right(figure, left)
    return figure


def _cosines_and_lengths(G, W):
    """cos(d, g_t) (R, T), ‖d‖ (R,) and whether d = 0 (R,), for the weights W (R, T) of R rules.

    Cosines and ‖d‖ are NaN where d = 0, and where they are too large for a number.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        norms = np.sqrt(np.diag(G))  # (T,)
        length = np.sqrt(np.maximum(np.einsum("rs,st,rt->r", W, G, W), 0))  # (R,)
        is_still = length <= 1e-7 * np.abs(W) @ norms  # d = 0 but for rounding
        length = np.where(is_still, np.nan, look.where_finite(length))
        cosine = W @ G / length[:, None] / norms
    return cosine, length, is_still


def _draw_directions(ax, cosine, tasks):
    _shade_left(ax)
    for i, task in enumerate(tasks):
        ax.plot(
            cosine[:, i],
            range(len(cosine)),
            **look.style(i, TASK_COLOURS, linestyle=""),
            label=task,
            zorder=3,
            clip_on=False,
        )
    ax.set_xlim(-1, 1)
    ax.set_title("direction: cos(d, g)\n(left of 0: harm)", fontsize=9)


def _draw_lengths(ax, length):
    known = length[np.isfinite(length)]
    if len(known):
        least = known.min() / 1.5
        most = known.max() * 1.5
        look.set_log(ax, "x", least, most)
        ax.set_xlim(least, most)
    ax.plot(length, range(len(length)), "s", color="black", label="length")
    ax.set_title("length ‖d‖\n(log scale)", fontsize=9)
