"""Draws figures/05_rolling.gif: the edge of a weighted sum rolls along two fronts.

    python tutorials/_rolling.py

All pairs of losses with the same weighted total lie on a straight line with the slope
−w₁/w₂. Where the total is least, such a line just touches the front. Both fronts are
those of chapter 5, and the point of touch is found by its definition: of all points of
the front it has the least total.
"""

from pathlib import Path

import numpy as np
from matplotlib.animation import PillowWriter
from matplotlib.figure import Figure  # without pyplot no window is opened
from tinymtl.plots import TASK_COLOURS

FILE = Path(__file__).parent / "figures" / "05_rolling.gif"
FRAMES_A_SECOND = 5
FIRST = 4  # frames for which the first picture stays
MOST = 0.88  # the weights of the price go from 1 − MOST to MOST and back
FRAMES_ONE_WAY = 17
EDGE = "black"
TOUCH = "#7B3FA0"


def convex_front(points=801):
    """Losses (K, 2) of two bowls ½ (x − a)ᵀ A (x − a) where their gradients cancel."""
    a = np.array([[-1.0, 0.0], [1.0, 0.6]])
    A = np.array([[1.0, 4.0], [2.5, 0.5]])  # the diagonals
    losses = []
    for share in np.linspace(0, 1, points):
        w = np.array([share, 1 - share])
        x = (w @ (A * a)) / (w @ A)
        losses.append((0.5 * A * (x - a) ** 2).sum(1))
    return np.array(losses)


def concave_front(points=801):
    """Losses (K, 2) 1 − exp(−‖x ∓ (1, 1)/√2‖²) between the two best points."""
    s = np.linspace(-1, 1, points)  # x = s · (1, 1)/√2
    return np.stack([1 - np.exp(-((s - 1) ** 2)), 1 - np.exp(-((s + 1) ** 2))], 1)


def touched(front, share):
    """The point of the front with the least total, for the weights share, 1 − share."""
    totals = front @ [share, 1 - share]
    return front[np.argmin(totals)]


def weights_of_price():
    """The weight of the price in each frame: up, down, and back to the start."""
    down = np.linspace(MOST, 1 - MOST, FRAMES_ONE_WAY)
    round_trip = np.concatenate([down, down[-2:0:-1]])
    start = np.argmin(np.abs(round_trip - 0.69))
    return np.roll(round_trip, -start)


def draw_front(ax, front, shares, k, title):
    """The front, the edge in frame k, and all points that it has touched so far."""
    ax.plot(*front.T, color="0.7", linewidth=4, solid_capstyle="round")
    before = np.array([touched(front, share) for share in shares[: k + 1]])
    ax.plot(*before.T, "o", color=TOUCH, markersize=7, alpha=0.35, markeredgewidth=0)

    x, y = touched(front, shares[k])
    slope = -shares[k] / (1 - shares[k])
    along = np.array([-10.0, 10.0])
    ax.plot(x + along, y + slope * along, color=EDGE, linewidth=2.2)
    ax.plot(x, y, "o", color=TOUCH, markersize=12, zorder=3)

    most = front.max(0)
    ax.set(xlim=(-0.06 * most[0], 1.1 * most[0]), xticks=[0])
    ax.set(ylim=(-0.06 * most[1], 1.1 * most[1]), yticks=[0])
    ax.set_xlabel("loss of the price", fontsize=12, color=TASK_COLOURS[0])
    ax.set_ylabel("loss of the purchase", fontsize=12, color=TASK_COLOURS[1])
    ax.set_title(title, fontsize=12, weight="bold")
    ax.spines[["top", "right"]].set_visible(False)


def draw(figure, fronts, shares, k):
    figure.clear()
    left, right = figure.subplots(1, 2)
    draw_front(left, fronts[0], shares, k, "convex: every point")
    draw_front(right, fronts[1], shares, k, "concave: only the ends")
    figure.subplots_adjust(left=0.07, right=0.98, top=0.91, bottom=0.22, wspace=0.2)
    text = (
        f"weight of the price {shares[k]:.2f}, of the purchase {1 - shares[k]:.2f}: "
        f"slope of the edge −{shares[k] / (1 - shares[k]):.1f}"
    )
    figure.text(0.5, 0.02, text, ha="center", fontsize=12)


def main():
    fronts = convex_front(), concave_front()
    shares = weights_of_price()
    figure = Figure(figsize=(6.6, 3.3), dpi=100, facecolor="white")
    writer = PillowWriter(fps=FRAMES_A_SECOND)
    with writer.saving(figure, FILE, dpi=100):
        for k in range(len(shares)):
            draw(figure, fronts, shares, k)
            for _ in range(FIRST if k == 0 else 1):
                writer.grab_frame()
    print(FILE)


if __name__ == "__main__":
    main()
