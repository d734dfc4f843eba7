"""Drawings that chapters need and the package does not have."""

import matplotlib.pyplot as plt
import numpy as np
from tinymtl.plots import TASK_COLOURS


def graph(places, values, arrows, title):
    """Draw a computation as boxes and arrows.

    Each box shows a value. Each arrow shows the gradient that it carries back.

    places: name -> (x, y)
    values: name -> number
    arrows: (from, to, task or None, gradient); the gradient is a number or a text, and
        the arrow has the colour of the task
    """
    figure, ax = plt.subplots(
        figsize=(6.4, 3.4), layout="constrained", facecolor="white"
    )
    centre = np.mean(list(places.values()), 0)
    for start, end, task, gradient in arrows:
        colour = "black" if task is None else TASK_COLOURS[task]
        draw_arrow(ax, places[start], places[end], colour)
        label_arrow(ax, places[start], places[end], centre, gradient, colour)
    for name, place in places.items():
        draw_box(ax, place, f"{name}\n{values[name]:.3g}")
    xs, ys = zip(*places.values())
    ax.set(xlim=(min(xs) - 0.5, max(xs) + 0.5), ylim=(min(ys) - 0.4, max(ys) + 0.4))
    ax.axis("off")
    figure.suptitle(title, fontsize=11)
    return figure


def draw_arrow(ax, start, end, colour):
    style = {
        "arrowstyle": "-|>",
        "color": colour,
        "linewidth": 1.8,
        "shrinkA": 20,
        "shrinkB": 20,
    }
    ax.annotate("", end, start, arrowprops=style)


def label_arrow(ax, start, end, centre, gradient, colour):
    """Write the gradient beside the arrow, on the side away from `centre`."""
    text = gradient if isinstance(gradient, str) else f"{gradient:.3g}"
    start = np.array(start)
    end = np.array(end)
    middle = (start + end) / 2
    along = end - start
    outward = np.array([-along[1], along[0]]) / np.hypot(*along)
    # The small number sends the label of an arrow through the centre upwards.
    if outward @ (middle - centre + [0, 1e-9]) <= 0:
        outward = -outward
    ax.annotate(
        text.replace("-", "−"),
        middle,
        18 * outward * [1, 0.6],
        textcoords="offset points",
        color=colour,
        ha="center",
        va="center",
        weight="bold",
    )


def draw_box(ax, place, text):
    x, y = place
    ax.text(
        x,
        y,
        text,
        ha="center",
        va="center",
        fontsize=10,
        bbox={"boxstyle": "round", "facecolor": "0.95", "edgecolor": "0.4"},
    )
