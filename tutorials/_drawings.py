"""Drawings that chapters need and the package does not."""

import matplotlib.pyplot as plt
import numpy as np
from tinymtl.plots import TASK_COLOURS


def graph(places, values, arrows, title):
    """A computation as boxes and arrows: what each box holds, and what gradient each arrow carries back.

    places: name -> (x, y); values: name -> number; arrows: (from, to, task or None, gradient, a number or a text), drawn in the colour of the task.
    """
    figure, ax = plt.subplots(
        figsize=(6.4, 3.4), layout="constrained", facecolor="white"
    )
    centre = np.mean(list(places.values()), 0)
    for start, end, task, g in arrows:
        colour = "black" if task is None else TASK_COLOURS[task]
        (x0, y0), (x1, y1) = places[start], places[end]
        ax.annotate(
            "",
            (x1, y1),
            (x0, y0),
            arrowprops={
                "arrowstyle": "-|>",
                "color": colour,
                "linewidth": 1.8,
                "shrinkA": 20,
                "shrinkB": 20,
            },
        )
        middle, across = np.array([x0 + x1, y0 + y1]) / 2, np.array([y0 - y1, x1 - x0])
        out = (
            across
            * (1 if across @ (middle - centre + [0, 1e-9]) > 0 else -1)
            / np.hypot(*across)
        )  # numbers stand on the outer side
        ax.annotate(
            (g if isinstance(g, str) else f"{g:.3g}").replace("-", "−"),
            middle,
            18 * out * [1, 0.6],
            textcoords="offset points",
            color=colour,
            ha="center",
            va="center",
            weight="bold",
        )
    for name, (x, y) in places.items():
        ax.text(
            x,
            y,
            f"{name}\n{values[name]:.3g}",
            ha="center",
            va="center",
            fontsize=10,
            bbox={"boxstyle": "round", "facecolor": "0.95", "edgecolor": "0.4"},
        )
    xs, ys = zip(*places.values())
    ax.set(xlim=(min(xs) - 0.5, max(xs) + 0.5), ylim=(min(ys) - 0.4, max(ys) + 0.4))
    ax.axis("off")
    figure.suptitle(title, fontsize=11)
    return figure
