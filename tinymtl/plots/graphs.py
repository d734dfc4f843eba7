"""What a loss was computed from: its graph, with the value and the gradient at every step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from .. import checks, tensor
from ..tensor import Tensor
from . import look

MOST = 60  # values that can still be read in one picture
WIDTH = 6.4  # inches, as of every picture
HEIGHT = 0.54  # of a box
ROW = 0.92  # from one row to the next
BEND = 0.22  # the room that an arrow takes where it passes a row
VIOLET = look.ARM_COLOURS[1]  # gradients; no task has this colour

SYMBOLS = {
    "__add__": "+",
    "__sub__": "−",
    "__mul__": "×",
    "__truediv__": "÷",
    "__neg__": "−",
    "__pow__": "power",
    "__matmul__": "@",
    "__getitem__": "[ ]",
    "affine": "dense",
    "combine": "weighted sum",
    "pull_together": "l2_distance",
}


@look.on_paper
def graph(loss: Tensor, names: Mapping[str, Tensor] | None = None, *, figure=None):
    """The graph of a loss: a box for every value, with its gradient ∂loss/∂value.

    Values are computed from the top down, gradients go from the bottom up. In a box stand its
    name and how it was made, its value, and its gradient. Where a number gets several shares of
    the gradient, one through each arrow that leaves its box, their sum is written out. An array
    with more than 3 entries is shown by its shape and its norm √Σx².

    loss: a scalar Tensor that depends on a Parameter. Constants get no gradient, so they are not
    drawn. A number of an engine of your own will do too, if it has `data`, `born` (parents are
    older than their children) and `pairs` (parent, function from g to its share).
    names: name -> value, for any of the values.
    figure: where to draw, a matplotlib Figure or SubFigure; None makes a new one.
    TypeError for anything else as a loss. ValueError for a loss that is no scalar or depends on no
    parameter, for a graph of more than 60 values, and for names of values that are not in it.
    """
    values = _values(loss)
    gradients = _gradients(loss, values)
    names = _names({} if names is None else names, values)
    words = _words(values, gradients, names)

    longest = max(len(line) for lines in words.values() for line in lines)
    width = min(max(0.75, 0.16 + 0.07 * longest), 1.9)
    rows, routes = _rows(values, width)
    middles = _lay_out(rows, routes, width)
    height = ROW * len(rows) - (ROW - HEIGHT) + 0.1

    title = f"How the loss changes with each of the {len(values) - 1} values it was computed from"
    if len(values) == 1:
        title = "A loss that was not computed from anything"
    figure, ax = look.make_axes("graph", figure, title, height=height + 0.8)
    ax.set(xlim=(0, WIDTH), ylim=(height, 0))
    ax.axis("off")
    for points in _paths(rows, routes, middles, width):
        _draw_arrow(ax, points)
    for i, row in enumerate(rows):
        for item in row:
            if item in words:
                place = (middles[item], _top(i))
                _draw_box(ax, place, width, words[item], is_loss=item == id(loss))
    look.caption(figure, "in a box: how it was made, its value, and in violet ∂loss/∂value")
    return figure


# The values and their gradients


def _values(loss):
    """All values that the loss was computed from and the loss, the oldest first."""
    _check_value(loss)
    found = {id(loss): loss}
    waiting = [loss]
    while waiting:
        for parent, _ in waiting.pop().pairs:
            if id(parent) not in found:
                found[id(parent)] = parent
                waiting.append(parent)
    if len(found) > MOST:
        raise ValueError(
            f"graph: at most {MOST} values can be drawn, but this loss was computed from "
            f"{len(found)}; draw a smaller network, or fewer examples or steps"
        )
    return sorted(found.values(), key=lambda value: value.born)


def _check_value(loss):
    if isinstance(loss, Tensor):
        if loss.data.shape != ():
            raise ValueError(f"graph: loss must be a scalar, got shape {loss.data.shape}")
        if not loss.needs_grad:
            raise ValueError(
                "graph: loss must depend on a Parameter; this one is made of constants, "
                "or was made inside no_grad"
            )
    elif not all(hasattr(loss, name) for name in ("data", "born", "pairs")):
        raise TypeError(
            "graph: loss must be a Tensor, or a number with data, born and pairs, "
            f"got {type(loss).__name__}"
        )


def _gradients(loss, values):
    """id of a value -> ∂loss/∂value"""
    with np.errstate(all="ignore"):  # a loss that diverged has a picture too
        if isinstance(loss, Tensor):
            found = tensor.gradient(loss, values)
            return {id(value): g for value, g in zip(values, found)}
        arrived = dict.fromkeys(map(id, values), 0.0)
        arrived[id(loss)] = 1.0
        for value in reversed(values):  # children before their parents
            for parent, share in value.pairs:
                arrived[id(parent)] += share(arrived[id(value)])
    return arrived


def _shares(values, gradients):
    """id of a number -> the shares of its gradient, one from each number it was used for.

    There is no entry for a value that is an array, or is used for one.
    """
    shares = {id(value): [] for value in values}
    for value in values:
        for parent, share in value.pairs:
            if np.ndim(value.data) or np.ndim(parent.data):
                shares.pop(id(parent), None)
            elif id(parent) in shares:
                with np.errstate(all="ignore"):
                    shares[id(parent)].append(float(share(gradients[id(value)])))
    return shares


# What is written


def _names(names, values):
    """id of a value -> its name as the picture shows it"""
    checks.instance("graph", "names", names, Mapping)
    inside = {id(value) for value in values}
    for name, value in names.items():
        if id(value) not in inside:
            raise ValueError(
                f"graph: names[{name!r}] is not in the graph of the loss; "
                "it is a constant, or the loss was not computed from it"
            )
    return dict(zip(map(id, names.values()), look.names(names, 14)))


def _words(values, gradients, names):
    """id of a value -> the three lines of its box"""
    shares = _shares(values, gradients)
    words = {}
    for value in values:
        key = id(value)
        gradient = _number(gradients[key])
        parts = shares.get(key, [])
        if 2 <= len(parts) <= 3:
            gradient = f"{_sum(parts)} = {gradient}"
        words[key] = (_title(value, names.get(key)), _number(value.data), gradient)
    return words


def _title(value, name):
    """The name and the operation, as far as they are known."""
    made_by = look.shorten(_operation(value), 14 if name else 20)
    if name and made_by:
        return f"{name}: {made_by}"
    if name or made_by:
        return name or made_by
    return "parameter" if isinstance(value, Tensor) else "number"


def _operation(value):
    """The function that made a value. The pairs know it: their functions were defined in it."""
    if not value.pairs:
        return ""
    _, share = value.pairs[0]
    outer, _, _ = getattr(share, "__qualname__", "").rpartition(".<locals>")
    name = outer.rpartition(".")[-1]
    if not name.isidentifier():
        return "a function"
    return SYMBOLS.get(name, name.strip("_"))


def _number(x):
    """A number, up to three in brackets, or the shape and the norm."""
    x = np.asarray(x, float)
    if x.ndim == 0:
        text = f"{x:.3g}"
    elif x.ndim == 1 and x.size <= 3:
        text = f"[{', '.join(f'{entry:.3g}' for entry in x)}]"
    else:
        with np.errstate(all="ignore"):
            text = f"{x.shape}, norm {np.sqrt((x * x).sum()):.3g}"
    return text.replace("-", "−")


def _sum(parts):
    """−12 + 0.731"""
    first, *others = parts
    text = _number(first)
    for part in others:
        sign = "−" if part < 0 else "+"
        text += f" {sign} {_number(abs(part))}"
    return text


# Where everything stands


class _Bend(NamedTuple):
    """Where an arrow passes a row."""

    arrow: int
    row: int


def _rows(values, width):
    """Rows of items from the top down, and for each arrow the items it passes.

    An item is the id of a value or a bend of an arrow. A value stands below all its parents.
    """
    fit = max(1, int(0.8 * WIDTH / (width + 0.1)))  # the rest of the row is for bends
    rows = []
    for layer in _layers(values):
        for start in range(0, len(layer), fit):
            rows.append(layer[start : start + fit])
    row_of = {item: y for y, row in enumerate(rows) for item in row}

    routes = []
    for value in values:
        for parent, _ in value.pairs:
            top = row_of[id(parent)]
            bottom = row_of[id(value)]
            bends = [_Bend(len(routes), y) for y in range(top + 1, bottom)]
            for bend in bends:
                rows[bend.row].append(bend)
            routes.append([id(parent), *bends, id(value)])
    return rows, routes


def _layers(values):
    """The ids of the values by their depth; those at the start stand right above their first use.

    A value is one layer below the lowest of its parents.
    """
    depth = {}
    for value in values:
        depths = [depth[id(parent)] for parent, _ in value.pairs]
        depth[id(value)] = 1 + max(depths, default=-1)
    first_use = {}
    for value in values:
        for parent, _ in value.pairs:
            here = depth[id(value)]
            first_use[id(parent)] = min(here, first_use.get(id(parent), here))
    for value in values:
        if not value.pairs and id(value) in first_use:
            depth[id(value)] = first_use[id(value)] - 1
    layers = [[] for _ in range(1 + max(depth.values()))]
    for value in values:
        layers[depth[id(value)]].append(id(value))
    return layers


def _lay_out(rows, routes, width):
    """item -> the x of its middle, in inches: near the items that its arrows lead to."""
    neighbours = {item: [] for row in rows for item in row}
    for route in routes:
        for above, below in zip(route, route[1:]):
            neighbours[above].append(below)
            neighbours[below].append(above)
    middles = dict.fromkeys(neighbours, WIDTH / 2)
    for row in rows:
        _place(row, np.linspace(0, WIDTH, len(row) + 2)[1:-1], middles, width)
    for sweep in range(24):
        downwards = sweep % 2 == 0
        for row in rows if downwards else reversed(rows):
            wanted = [np.mean([middles[one] for one in neighbours[item] or [item]]) for item in row]
            _place(row, np.array(wanted), middles, width)
    return middles


def _place(row, wanted, middles, width):
    """Put the items of a row side by side, as near to the x they want as there is room."""
    order = np.argsort(wanted, kind="stable")
    wanted = wanted[order]
    sizes = _sizes([row[i] for i in order], width)
    room = sizes.cumsum() - sizes / 2  # where the middles are, packed from the left
    apart = np.maximum.accumulate(wanted - room) + room
    pushed = (apart - wanted).mean()
    right = WIDTH - sizes.sum()
    x = np.clip(apart - pushed, room, room + max(0, right))
    for i, middle in zip(order, x):
        middles[row[i]] = middle
    row[:] = [row[i] for i in order]


def _sizes(row, width):
    """The room that each item takes; bends share what the boxes leave."""
    is_bend = np.array([isinstance(item, _Bend) for item in row])
    boxes = (width + 0.1) * (~is_bend).sum()
    bend = min(BEND, (WIDTH - boxes) / max(1, is_bend.sum()))
    return np.where(is_bend, bend, width + 0.1)


def _top(i):
    """The upper edge of row i, in inches; y grows downwards."""
    return 0.05 + ROW * i


def _paths(rows, routes, middles, width):
    """For each arrow the points that it passes, [(x, y)]. Those of one box lie side by side."""
    row_of = {item: i for i, row in enumerate(rows) for item in row}
    leaving = {}
    arriving = {}
    for k, (start, *_, end) in enumerate(routes):
        leaving.setdefault(start, []).append(k)
        arriving.setdefault(end, []).append(k)
    starts = _side_by_side(leaving, {k: middles[route[1]] for k, route in enumerate(routes)})
    ends = _side_by_side(arriving, {k: middles[route[-2]] for k, route in enumerate(routes)})
    paths = []
    for k, (start, *bends, end) in enumerate(routes):
        points = [(middles[start] + width * starts[k], _top(row_of[start]) + HEIGHT)]
        for bend in bends:
            top = _top(row_of[bend])
            points += [(middles[bend], top), (middles[bend], top + HEIGHT)]
        points.append((middles[end] + width * ends[k], _top(row_of[end])))
        paths.append(points)
    return paths


def _side_by_side(arrows_of, x_of):
    """arrow -> its place on the edge of its box, from −½ to ½, in the order of x_of."""
    places = {}
    for arrows in arrows_of.values():
        for i, k in enumerate(sorted(arrows, key=lambda k: x_of[k])):
            places[k] = (i + 1) / (len(arrows) + 1) - 0.5
    return places


# Drawing


def _draw_box(ax, place, width, lines, *, is_loss):
    middle, top = place
    ax.barh(
        top + HEIGHT / 2,
        width,
        HEIGHT,
        left=middle - width / 2,
        color="0.9" if is_loss else "white",
        edgecolor="0.3",
        linewidth=1.0,
        zorder=2,
    )
    shades = ("0.3", "black", VIOLET)
    weights = ("normal", "bold", "bold")
    for i, (line, shade, weight) in enumerate(zip(lines, shades, weights)):
        y = top + HEIGHT * (i + 0.6) / 3.2
        style = {"ha": "center", "va": "center", "fontsize": 8, "zorder": 3}
        ax.text(middle, y, line, color=shade, weight=weight, **style)


def _draw_arrow(ax, points):
    """A smooth line through the points, from the top down, with its tip at the last."""
    t = np.linspace(0, 1, 13)
    xs = []
    ys = []
    for (x0, y0), (x1, y1) in zip(points, points[1:]):
        xs.append(x0 + (x1 - x0) * (3 - 2 * t) * t * t)  # upright at both ends
        ys.append(y0 + (y1 - y0) * t)
    ax.plot(np.concatenate(xs), np.concatenate(ys), color="0.55", linewidth=1, zorder=1)
    x, y = points[-1]
    tip = {"arrowstyle": "-|>", "color": "0.55", "linewidth": 1, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", (x, y), (x, y - 0.08), arrowprops=tip | {"mutation_scale": 9})
