"""Draws figures/idea.gif: two tasks pull at one trunk, and what each step does to both.

    python tutorials/_idea.py

The trunk has two parameters here, so that a plane shows all of it. Each task's loss is
a bowl over the plane. A step goes along the weighted sum of the two pulls,

    step = −η Jᵀ w,        ΔL ≈ −η G w,        G = J Jᵀ,

and the second formula predicts what the step does to each loss. Nothing is made up: the
gradients and the predictions are those of the package.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tinymtl as mtl
from matplotlib.animation import PillowWriter
from matplotlib.figure import Figure  # without pyplot no window is opened
from tinymtl.interaction import gramian, predicted_change
from tinymtl.plots import TASK_COLOURS

FILE = Path(__file__).parent / "figures" / "idea.gif"
COLOURS = TASK_COLOURS[:2]
CENTRES = np.array([[-1.7, 0.6], [1.4, 0.7]])  # where each task's loss is 0
CURVATURES = np.array([[0.7, 0.3], [0.5, 0.9]])  # of each bowl, along both parameters
START = np.array([1.9, -2.0])
WEIGHTS = np.array([0.7, 0.3])
RATE = 0.4  # η
STEPS = 13
FRAMES_A_SECOND = 3
FIRST, LAST = 6, 5  # frames for which the first and the last picture stay
LONGER = 1.6  # all arrows are drawn longer than the step, by this factor
RINGS = (0.05, 0.3, 0.8, 1.6, 2.7, 4.1)  # losses at which a ring is drawn
NAMES = ("task 1", "task 2")


def losses(θ):
    """Both tasks' losses: ½ Σ_p curvature_p (θ_p − centre_p)²."""
    result = []
    for centre, curvature in zip(CENTRES, CURVATURES):
        distance = θ - centre
        result.append(0.5 * (curvature * distance * distance).sum())
    return result


@dataclass
class State:
    """The trunk before a step, and what the step is going to do."""

    θ: np.ndarray  # (2,)
    L: np.ndarray  # (T,)
    pulls: np.ndarray  # (T, 2): −η g_t, as far as each task alone would go
    step: np.ndarray  # (2,): −η Jᵀ w
    predicted: np.ndarray  # (T,): −η G w


def descend():
    """Gradient descent on the weighted sum: the states before and after each step."""
    θ = mtl.Parameter(START)
    states = []
    for _ in range(STEPS + 1):
        L = losses(θ)
        J = mtl.jacobian(L, [θ])  # (T, 2)
        step = -RATE * J.T @ WEIGHTS
        predicted = predicted_change(gramian(J), WEIGHTS, RATE)
        values = np.array([float(loss.data) for loss in L])
        states.append(State(θ.data.copy(), values, -RATE * J, step, predicted))
        θ.data = θ.data + step
    return states


def draw_plane(ax, states, k):
    """The rings of both losses, the way to step k, and there the pulls and the step."""
    for centre, curvature, colour, name in zip(CENTRES, CURVATURES, COLOURS, NAMES):
        draw_bowl(ax, centre, curvature, colour, f"best for {name}")
    way = np.array([state.θ for state in states])  # (STEPS + 1, 2)
    ax.plot(*way.T, color="0.6", linewidth=1, linestyle=":")
    ax.plot(*way[: k + 1].T, color="black", linewidth=1.2, marker="o", markersize=3.5)
    now = states[k]
    for pull, colour in zip(now.pulls, COLOURS):
        draw_arrow(ax, now.θ, pull, colour)
    draw_arrow(ax, now.θ, now.step, "black")
    ax.plot(*now.θ, color="black", marker="o", markersize=8)
    if k == 0:
        label_arrows(ax, now)
    ax.set(xlim=(-2.7, 3.7), ylim=(-2.9, 2.1), xticks=[], yticks=[], aspect="equal")
    ax.set_xlabel("shared parameter 1", fontsize=10)
    ax.set_ylabel("shared parameter 2", fontsize=10)


def draw_bowl(ax, centre, curvature, colour, text):
    x, y = np.meshgrid(np.linspace(-2.8, 3.8, 133), np.linspace(-3, 2.2, 105))
    L = curvature[0] * (x - centre[0]) ** 2 + curvature[1] * (y - centre[1]) ** 2
    ax.contour(x, y, 0.5 * L, levels=RINGS, colors=colour, linewidths=0.8, alpha=0.35)
    ax.plot(*centre, marker="+", markersize=9, markeredgewidth=2, color=colour)
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1}
    place = {"ha": "center", "va": "center", "bbox": box}
    ax.text(centre[0], centre[1] + 0.4, text, color=colour, fontsize=10, **place)


def draw_arrow(ax, start, change, colour):
    style = {"arrowstyle": "-|>", "color": colour, "linewidth": 2.4, "shrinkA": 0}
    style |= {"shrinkB": 0, "mutation_scale": 15}
    ax.annotate("", start + LONGER * change, start, arrowprops=style)


def label_arrows(ax, state):
    """What the three arrows at the start are, in words."""
    ends = state.θ + LONGER * np.array([*state.pulls, state.step])
    labels = (
        ("task 1\npulls here", COLOURS[0], "right", (-0.1, -0.1)),
        ("task 2\npulls here", COLOURS[1], "left", (0.15, -0.1)),
        ("the step: their\nweighted sum", "black", "right", (0.1, 0.4)),
    )
    for end, (text, colour, side, away) in zip(ends, labels):
        style = {"ha": side, "va": "center", "fontsize": 11, "weight": "bold"}
        ax.text(*(end + away), text, color=colour, **style)


def draw_losses(ax, states, k):
    """Both losses: faint over all steps, strong to step k; a rise is marked as harm."""
    L = np.array([state.L for state in states])  # (STEPS + 1, T)
    for t, (name, colour) in enumerate(zip(NAMES, COLOURS)):
        ax.plot(L[:, t], color=colour, linewidth=1, linestyle=":")
        ax.plot(L[: k + 1, t], color=colour, linewidth=2.2, marker="o", markersize=4)
        ax.text(STEPS + 0.4, L[-1, t], name, color=colour, va="center", fontsize=11)
    rises = np.argwhere(np.diff(L, axis=0) > 0)  # rows: (step, task)
    first, last = rises[0, 0], rises[-1, 0] + 1
    # Only task 2 is ever harmed here, and without a pause, so that one band is enough.
    assert set(rises[:, 1]) == {1} and len(rises) == last - first
    harmed = range(first, last + 1)
    ax.plot(harmed, L[first : last + 1, 1], color=COLOURS[1], linewidth=9, alpha=0.3)
    text = "harm: a step\nraises task 2's loss"
    style = {"color": COLOURS[1], "weight": "bold", "fontsize": 11}
    ax.text(first + 0.5, L[-1, 1] + 0.4, text, **style)
    ax.set(
        xlim=(-0.5, STEPS + 3), ylim=(0, 1.1 * L.max()), xticks=range(0, STEPS + 1, 3)
    )
    ax.set_xlabel("steps made", fontsize=10)
    ax.set_ylabel("loss", fontsize=10)
    ax.spines[["top", "right"]].set_visible(False)


def write_changes(figure, states, k):
    """The formula, and what it said of the last step beside what happened."""
    figure.text(0.03, 0.1, "ΔL ≈ −η G w", fontsize=17, weight="bold")
    figure.text(0.03, 0.035, "tells beforehand what a step does to each task")
    step = max(k, 1)  # the first picture shows what the first step is going to do
    figure.text(0.59, 0.135, f"step {step}", weight="bold")
    figure.text(0.86, 0.135, "predicted", ha="right")
    figure.text(0.98, 0.135, "happened", ha="right")
    happened = states[step].L - states[step - 1].L
    for t, (name, colour) in enumerate(zip(NAMES, COLOURS)):
        height = 0.08 - 0.05 * t
        figure.text(0.59, height, f"{name}: ΔL", color=colour)
        for x, change in ((0.86, states[step - 1].predicted[t]), (0.98, happened[t])):
            text = f"{change:+.2f}".replace("-", "−")
            if k > 0 or x < 0.9:
                figure.text(x, height, text, color=colour, ha="right")


def draw(figure, states, k):
    """The picture after k steps."""
    figure.clear()
    draw_plane(figure.add_axes([0.045, 0.25, 0.475, 0.65]), states, k)
    draw_losses(figure.add_axes([0.59, 0.3, 0.4, 0.6]), states, k)
    write_changes(figure, states, k)
    figure.text(0.03, 0.935, "Two tasks share one trunk", fontsize=13, weight="bold")
    title = "What each step does"
    figure.text(0.57, 0.935, title, fontsize=13, weight="bold")


def main():
    states = descend()
    figure = Figure(figsize=(7, 4), dpi=100, facecolor="white")
    writer = PillowWriter(fps=FRAMES_A_SECOND)
    with writer.saving(figure, FILE, dpi=100):
        for k in range(STEPS + 1):
            draw(figure, states, k)
            frames = {0: FIRST, STEPS: LAST}.get(k, 1)
            for _ in range(frames):
                writer.grab_frame()
    print(FILE)


if __name__ == "__main__":
    main()
