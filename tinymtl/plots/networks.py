"""What a network looks like: where its parameters are, and which points it puts together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from .. import checks, interaction
from ..module import Parameter
from ..sharing import HardSharing, Sharing, SoftSharing
from . import look
from .look import MARKERS, TASK_COLOURS

# The network as boxes

ENCODER, TRUNK, HEAD = 0, 1, 2  # the columns of the picture


class _Place(NamedTuple):
    """Where a box stands, in inches; y grows downwards."""

    left: float
    middle: float
    width: float
    height: float


@look.on_paper
def network(model: Sharing, *, figure=None):
    """The network as it is built: a row for each task, a line in its boxes for each module.

    model: HardSharing, whose one trunk leads to every head, or SoftSharing or SingleTask with a
    trunk for each task. A dashed line is the pull between trunks. Numbers are those of
    `model.counts()`, percents are of the total. An encoder without parameters is not drawn. A
    module that several tasks hold is part of the trunk.
    figure: where to draw, a matplotlib Figure or SubFigure; None makes a new one.
    TypeError for any other model.
    """
    if not isinstance(model, (HardSharing, SoftSharing)):
        got = type(model).__name__
        raise TypeError(f"network: model must be HardSharing, SoftSharing or SingleTask, got {got}")
    boxes = _boxes(model)
    places, height = _lay_out(boxes, model.tasks)

    figure, ax = look.make_axes("network", figure, _title(model), height=height + 0.5)
    ax.set(xlim=(0, 6.4), ylim=(height, 0))
    ax.axis("off")
    for i, task in enumerate(model.tasks):
        _draw_arrows(ax, task, look.task_colour(i), places)
        if i > 0 and getattr(model, "strength", 0):
            above = places[TRUNK, model.tasks[i - 1]]
            _draw_pull(ax, above, places[TRUNK, task], model.strength)
    total = model.counts()["total"]
    names = dict(zip(model.tasks, look.names(model.tasks, 18)))
    for (column, task), modules in boxes.items():
        name, colour = _name_and_colour(column, task, names)
        _draw_box(ax, places[column, task], colour, is_trunk=column == TRUNK)
        _write_in_box(ax, places[column, task], name, modules, total)
    return figure


def _boxes(model):
    """(column, task; None for a trunk of all) -> {module: number of parameters}."""
    names = {id(p): name for name, p in model.named_parameters().items()}
    kinds = _kinds_of_modules(model)
    has_one_trunk = isinstance(model, HardSharing)
    boxes = {}
    for task in model.tasks:
        trunk = model.trunk_parameters(task)
        own = model.task_parameters(task)[len(trunk) :]  # those of the trunk come first
        encoder = [p for p in own if names[id(p)].startswith("encoders.")]
        head = [p for p in own if not names[id(p)].startswith("encoders.")]
        if has_one_trunk:
            boxes[TRUNK, None] = _count_by_module(trunk, "trunk.", names, kinds)
        else:
            boxes[TRUNK, task] = _count_by_module(trunk, f"trunks.{task}.", names, kinds)
        boxes[HEAD, task] = _count_by_module(head, f"heads.{task}.", names, kinds)
        if encoder:
            boxes[ENCODER, task] = _count_by_module(encoder, f"encoders.{task}.", names, kinds)
    return boxes


def _kinds_of_modules(model):
    """id of a parameter -> name of the class of the module that holds it."""
    kinds = {}
    for module in model.modules():
        for value in vars(module).values():
            if isinstance(value, Parameter):
                kinds[id(value)] = type(module).__name__
    return kinds


def _count_by_module(parameters, place, names, kinds):
    """{"path: Kind": number of parameters}, with paths seen from their place in the model."""
    counts = {}
    for p in parameters:
        # Soft sharing copies for every task what any two hold, also where the task does not use it.
        name = names.get(id(p), "unused copy.")
        path, _, _ = name.removeprefix(place).rpartition(".")
        kind = kinds.get(id(p))
        module = ": ".join(word for word in (path, kind) if word)
        counts[module] = counts.get(module, 0) + p.data.size
    return counts


def _lay_out(boxes, tasks):
    """(column, task) -> its place, and the height of all rows, in inches."""
    has_encoders = any(column == ENCODER for column, _ in boxes)
    if has_encoders:
        width, lefts = 1.8, (0.1, 2.3, 4.5)
    else:
        width, lefts = 2.6, (0, 0.1, 3.7)
    heights = {box: 0.44 + 0.16 * len(modules) for box, modules in boxes.items()}
    rows = _row_heights(heights, tasks)
    middles = dict(zip(tasks, rows.cumsum() - rows / 2))
    middles[None] = rows.sum() / 2  # a trunk of all
    places = {}
    for (column, task), height in heights.items():
        places[column, task] = _Place(lefts[column], middles[task], width, height)
    return places, rows.sum()


def _row_heights(heights, tasks):
    """Room for the highest box of each task, and together for the one trunk."""
    rows = []
    for task in tasks:
        highest = max(height for (_, of), height in heights.items() if of == task)
        rows.append(0.3 + highest)
    rows = np.array(rows)
    trunk_of_all = heights.get((TRUNK, None), 0) + 0.3
    return rows + max(0, trunk_of_all - rows.sum()) / len(tasks)


def _title(model):
    """How many parameters there are, and what is or would be saved by one trunk."""
    T = len(model.tasks)
    total = model.counts()["total"]
    of_trunk = sum(p.data.size for p in model.trunk_parameters(model.tasks[0]))
    share = of_trunk / max(1, total)
    if T == 1:
        finding = "all of one task"
    elif isinstance(model, HardSharing):
        everyone = "both" if T == 2 else f"the {T}"
        finding = f"{100 * share:.0f} % of them shared by {everyone} tasks"
    else:
        saved = 100 * (T - 1) * share
        finding = f"none shared: one trunk for all would save {saved:.0f} %"
    return f"{total:,} parameters, {finding}"


def _draw_arrows(ax, task, colour, places):
    """From the task's encoder through its trunk to its head."""
    route = [(ENCODER, task), (TRUNK, task), (TRUNK, None), (HEAD, task)]
    stations = [places[box] for box in route if box in places]
    arrow = {
        "arrowstyle": "-|>",
        "color": colour,
        "linewidth": 1.5,
        "shrinkA": 0,
        "shrinkB": 0,
    }
    for start, end in zip(stations, stations[1:]):
        right_edge = (start.left + start.width, start.middle)
        left_edge = (end.left, end.middle)
        ax.annotate("", left_edge, right_edge, arrowprops=arrow)


def _draw_pull(ax, above, below, strength):
    """A dashed line between two trunks."""
    x = above.left + above.width / 2
    top = above.middle + above.height * 0.5
    bottom = below.middle - below.height * 0.5
    ax.plot([x, x], [top, bottom], color="black", linestyle="--", linewidth=1.2)
    text = f"pull λ = {strength:g}"
    ax.text(x + 0.1, (top + bottom) / 2, text, va="center", fontsize=8, color="black")


def _name_and_colour(column, task, names):
    """The title of a box and the colour of its edge. names: task -> as a picture shows it."""
    if task is None:
        name = "shared trunk" if len(names) > 1 else "trunk"
        return name, "0.3"
    colour = look.task_colour(list(names).index(task))
    if column == ENCODER:
        return "encoder", colour
    if column == TRUNK:
        return "trunk", colour
    return names[task], colour


def _draw_box(ax, place, colour, *, is_trunk):
    ax.barh(
        place.middle,
        place.width,
        place.height,
        left=place.left,
        color="0.95" if is_trunk else "white",
        edgecolor=colour,
        linewidth=1.5,
    )


def _write_in_box(ax, place, name, modules, total):
    """Lines with words at the left and a number at the right; the first two are stressed."""
    n = sum(modules.values())
    percent = 100 * n / max(1, total)
    lines = [(name, ""), (f"{percent:.1f} % of all", f"{n:,}")]
    for module, count in modules.items():
        lines.append((module, f"{count:,}"))

    x = place.left + 0.08
    width = place.width - 0.16
    top = place.middle - place.height / 2 + 0.14
    for i, (words, number) in enumerate(lines):
        is_title = i == 0
        if not is_title:
            (words,) = look.names([words], _letters_that_fit(width, number))
        shade = "black" if i < 2 else "0.3"
        weight = "bold" if is_title else "normal"
        line = {"y": top + 0.16 * i, "va": "center", "fontsize": 8, "color": shade}
        ax.text(x=x, s=words, weight=weight, **line)
        ax.text(x=x + width, s=number, ha="right", **line)


def _letters_that_fit(width, number):
    """How many letters have room beside a number in so many inches."""
    return int(14.5 * width) - len(number)


# Points


class _Group(NamedTuple):
    """Points of one label, or of all that are rare."""

    label: str
    points: np.ndarray  # (n,) of True and False
    look: dict


@look.on_paper
def embedding(vectors: Mapping[str, np.ndarray], labels: Sequence, *, figure=None):
    """Which points lie together, before and after sharing: two principal components of each set.

    vectors: name -> (n, E), such as features of the same n products in each arm. labels (n,): the 7
    most frequent have a colour.
    Each panel has axes of its own, in root mean squares of the distance from the mean; only who is
    near whom can be compared. Its title has `interaction.neighbour_purity`, which looks at all E
    dimensions.
    figure: where to draw, a matplotlib Figure or SubFigure; None makes a new one.
    ValueError for no vectors, fewer than 2 labels, other shapes, NaN or infinity.

    >>> rng = np.random.default_rng(0)
    >>> vectors = {"alone": rng.normal(size=(6, 4)), "hard": rng.normal(size=(6, 4))}
    >>> figure = embedding(vectors, ["tea", "tea", "tea", "jam", "jam", "jam"])
    """
    if not vectors:
        raise ValueError(f"embedding: vectors must have at least one name, got {vectors}")
    labels = _check_labels(labels)
    sets = {name: _check_vectors(name, V, len(labels)) for name, V in vectors.items()}
    planes = {name: _principal_plane(V) for name, V in sets.items()}
    groups = _groups(labels)
    legend_columns = _columns_of_legend(groups)
    legend_rows = math.ceil(len(groups) / legend_columns)

    figure, panels, _ = look.make_panels(
        "embedding",
        figure,
        "Do points of one label lie together?",
        len(sets),
        row=(3.9, 3.5, 2.6)[min(len(sets), 3) - 1],
        extra=0.2 * legend_rows,
    )
    shown = look.names(sets, 18)
    for ax, name, V, (plane, part) in zip(panels, shown, sets.values(), planes.values()):
        purity, chance = interaction.neighbour_purity(V, labels)
        _draw_groups(ax, plane, groups)
        ax.set_title(
            f"{name}\npurity {100 * purity:.1f} %\n(chance {100 * chance:.1f} %)", fontsize=9
        )
        ax.set_xlabel(f"{100 * part:.0f} % of the variance", fontsize=9)
        ax.set_aspect("equal")
    _set_reach(panels[0], [plane for plane, _ in planes.values()])
    _draw_legend(figure, panels[0], legend_columns)
    return figure


def _check_labels(labels):
    labels = np.asarray(labels)
    if labels.ndim != 1 or len(labels) < 2:
        raise ValueError(
            f"embedding: labels must be of at least 2 points, got shape {labels.shape}"
        )
    if labels.dtype == object:  # what need not have an order, such as None beside words
        labels = labels.astype(str)
    return labels


def _check_vectors(name, vectors, n):
    argument = f"vectors[{name!r}]"
    V = checks.floats("embedding", argument, vectors, n, "E")
    return checks.finite("embedding", argument, V)


def _principal_plane(V):
    """Coordinates (n, 2) along two principal components, and the part of the variance there.

    The unit is the root mean square of the distance from the mean.
    """
    V = V - V[0]  # equal points become exactly 0
    V = np.c_[V, np.zeros(len(V))]  # there are two components also if E = 1
    U, S, _ = np.linalg.svd(V - V.mean(0), full_matrices=False)
    variance = (S**2).sum() or 1.0
    plane = (U * S)[:, :2] * np.sqrt(len(V) / variance)
    part = (S[:2] ** 2).sum() / variance
    return plane, part


def _groups(labels):
    """Rare labels as one grey group, if there are any, then the frequent ones in colour."""
    kinds, counts = np.unique(labels, return_counts=True)
    by_count = np.argsort(-counts, kind="stable")
    frequent = kinds[by_count][: len(TASK_COLOURS)]
    groups = []
    rare = ~np.isin(labels, frequent)
    if rare.any():
        label = f"{len(kinds) - len(frequent)} others ({rare.sum()})"
        groups.append(_Group(label, rare, {"s": 7, "color": "0.8"}))
    names = look.names(frequent)
    for kind, name, colour, marker in zip(frequent, names, TASK_COLOURS, MARKERS):
        of_kind = labels == kind
        shape = {"s": 14, "color": colour, "marker": marker, "alpha": 0.8}
        groups.append(_Group(f"{name} ({of_kind.sum()})", of_kind, shape))
    return groups


def _draw_groups(ax, plane, groups):
    for label, points, shape in groups:
        ax.scatter(*plane[points].T, **shape, linewidths=0, label=label)


def _set_reach(ax, planes):
    """One square view for all panels, which share their axes."""
    reach = 1.1 * max(0.1, *(np.abs(plane).max() for plane in planes))
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach))


def _columns_of_legend(groups):
    longest = max(len(group.label) for group in groups)
    that_fit = 80 // (5 + longest)
    return max(1, min(4, that_fit))


def _draw_legend(figure, ax, columns):
    """Below all panels: first how to read them, then the labels."""
    handles, words = ax.get_legend_handles_labels()
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
    legend.set_title(
        "axes: two principal components, in root mean squares of the distance from the mean\n"
        "purity: share of points with the label of their nearest neighbour in all dimensions",
        {"size": 9},
    )
    legend.get_title().set(color="0.3", ha="center")
