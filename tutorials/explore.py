"""Four pictures with sliders: move a slider and see at once what a formula says.

    python tutorials/explore.py              all four, one after the other
    python tutorials/explore.py weight       what a weight buys, and what no weight buys
    python tutorials/explore.py harm         when conflict is harm, and when it is not
    python tutorials/explore.py strength     from training alone to one model for all
    python tutorials/explore.py crossing     up to how many labels sharing pays

Nothing is trained here. Each picture is worked out from a formula of the course while
the slider moves. The next window opens when you close the one before.

Sliders need a screen. Without one, the script moves the sliders itself and writes what
can be seen as a GIF, one for each scene.
"""

import argparse
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass

import _show  # before matplotlib: it says so if MPLBACKEND is wrong

# isort: split
import matplotlib.pyplot as plt
import numpy as np
import tinymtl as mtl
from matplotlib.animation import PillowWriter
from matplotlib.figure import Figure  # made without pyplot, it opens no window
from matplotlib.widgets import Slider
from tinymtl.plots import ARM_COLOURS, TASK_COLOURS

SIZE = (7.2, 4.5)  # of a picture, in inches
FRAMES_A_SECOND = 5
FRAMES_A_WAY = 6  # of a GIF, from one stop of its tour to the next
FRAMES_AT_START = 7  # for so many the first picture stays
BLUE, ORANGE = TASK_COLOURS[:2]  # task 1 and task 2
HARM = ("#CFE3F1", "#F8DFCC")  # pale blue and pale orange


# What all scenes have in common


@dataclass
class Knob:
    """What a slider is for, and from where to where it goes."""

    name: str
    least: float
    most: float
    step: float
    start: float
    words: Callable[[float], str]  # the text beside the slider


class Scene:
    """A picture with sliders below it.

    A scene has a title, knobs, and a tour: the values of the knobs that its GIF visits.
    `draw` draws it once. `move` is given the values of the knobs, and moves what
    depends on them.
    """

    title: str
    knobs: tuple[Knob, ...]
    tour: tuple[tuple[float, ...], ...]

    def __init__(self, figure):
        self.figure = figure
        figure.set_facecolor("white")
        figure.text(0.02, 0.945, self.title, fontsize=13, weight="bold")
        self.verdict = figure.text(0.02, 0.89, "", fontsize=11)
        self.draw()
        self.sliders = []
        for i, knob in enumerate(self.knobs):
            self.sliders.append(self._slider(i, knob))
        self._refresh()

    def set(self, *values):
        """Put every slider where its value says."""
        for slider, value in zip(self.sliders, values):
            slider.set_val(value)

    def panels(self, *widths):
        """Axes side by side, between the title and the sliders."""
        lowest = 0.17 + 0.055 * len(self.knobs)
        place = {"left": 0.09, "right": 0.97, "bottom": lowest, "top": 0.83}
        place |= {"wspace": 0.33, "width_ratios": widths}
        axes = self.figure.subplots(1, len(widths), gridspec_kw=place)
        for ax in axes:
            ax.spines[["top", "right"]].set_visible(False)
            ax.tick_params(labelsize=9)
        return axes

    def _slider(self, i, knob):
        height = 0.02 + 0.055 * (len(self.knobs) - 1 - i)
        ax = self.figure.add_axes([0.27, height, 0.4, 0.04])
        look = {"color": "0.45", "initcolor": "none"}
        values = {"valinit": knob.start, "valstep": knob.step}
        slider = Slider(ax, knob.name, knob.least, knob.most, **values, **look)
        slider.valtext.set_x(1.05)
        slider.on_changed(self._refresh)
        return slider

    def _refresh(self, _=None):
        values = [float(slider.val) for slider in self.sliders]
        for slider, knob, value in zip(self.sliders, self.knobs, values):
            slider.valtext.set_text(knob.words(value))
        self.move(*values)


def two_digits(value):
    return f"{value:.2f}"


# Scene 1: a weight, and the point of the front to which it leads (chapter 5)

WISHES = np.array([[-1.0, 0.0], [1.0, 0.6]])  # where each task's loss is 0
CURVATURES = np.array([[1.0, 4.0], [2.5, 0.5]])  # how much it minds other places


def bowl_losses(w):
    """Both losses where w L₁ + (1 − w) L₂ is least, for two bowls: (2,).

    L_t = ½ Σ_p curvature_p (x_p − wish_p)²,  so x is a weighted mean of the wishes.
    """
    weight = np.array([[w], [1 - w]]) * CURVATURES  # (T, 2)
    x = (weight * WISHES).sum(0) / weight.sum(0)
    return 0.5 * (CURVATURES * (x - WISHES) ** 2).sum(1)


def crater_losses(s):
    """L₁ = 1 − exp(−(s − 1)²) and L₂ = 1 − exp(−(s + 1)²), a concave front: (2,).

    Source: Fonseca and Fleming (1995); s goes from −1 to 1.
    """
    return 1 - np.exp(-((s - np.array([1, -1])) ** 2))


def crater_minimum(w, side):
    """The s at which w L₁ + (1 − w) L₂ of the craters is least, on one side of 0.

    The derivative is 0 where (1 + s)/(1 − s) = e^{4s} w/(1 − w). The logarithm of both
    sides, halved, is artanh s = 2 s + ½ log(w/(1 − w)). Put an s into the right side,
    get a better s, and do so again: sixty times are more than enough.
    """
    s = side
    for _ in range(60):
        s = math.tanh(2 * s + 0.5 * math.log(w / (1 - w)))
    return s


def crater_minima(w):
    """The losses at the least weighted sum: (1, 2), or (2, 2) where two are equal."""
    if math.isclose(w, 0.5):
        sides = [+1.0, -1.0]
    else:
        sides = [math.copysign(1.0, w - 0.5)]
    return np.array([crater_losses(crater_minimum(w, side)) for side in sides])


class Weight(Scene):
    """A straight edge lies against a front from below, and touches it at one point."""

    title = "The weighted sum is least where the tilted edge touches"
    knobs = (Knob("weight w₁ of task 1", 0.05, 0.95, 0.01, 0.7, two_digits),)
    tour = ((0.7,), (0.95,), (0.5,), (0.05,), (0.7,))

    def draw(self):
        all_weights = np.linspace(0, 1, 301)
        convex = np.array([bowl_losses(w) for w in all_weights])
        concave = np.array([crater_losses(s) for s in np.linspace(-1, 1, 301)])
        last = crater_minimum(0.5, +1.0)  # with w = ½ the edge rests on both ends
        end = np.array([crater_losses(s) for s in np.linspace(last, 1, 40)])

        left, right = self.panels(1, 1)
        left.plot(*convex.T, color="0.55", linewidth=4)
        right.plot(*concave.T, color="0.55", linewidth=1.5, linestyle=":")
        right.plot(*end.T, color="0.55", linewidth=4)
        right.plot(*end[:, ::-1].T, color="0.55", linewidth=4)
        left.text(1.1, 2.6, "convex front:\nsome weight leads\nto every point")
        right.text(0.52, 0.9, "concave front:\nno weight leads\nbetween its ends")
        self.edges = []
        self.points = []
        for ax, (most_1, most_2) in ((left, (3, 5.5)), (right, (1.1, 1.1))):
            self.edges += ax.plot([], [], color="black", linewidth=1.3)
            self.points += ax.plot([], [], "o", color="black", markersize=9)
            ax.set(xlim=(-0.04 * most_1, most_1), ylim=(-0.04 * most_2, most_2))
            ax.set_xlabel("loss of task 1", color=BLUE)
            ax.set_ylabel("loss of task 2", color=ORANGE)

    def move(self, w):
        price = w / (1 - w)
        rest = 1 - round(w, 2)  # so that the two numbers shown add up to 1
        self.verdict.set_text(
            f"Weights {w:.2f} and {rest:.2f}: one unit of loss 1 is worth {price:.2f} "
            "units of loss 2."
        )
        touched = (bowl_losses(w)[None], crater_minima(w))
        for edge, point, losses in zip(self.edges, self.points, touched):
            total = losses[0] @ [w, 1 - w]  # on the edge, w L₁ + (1 − w) L₂ is this
            edge.set_data([0, total / w], [total / (1 - w), 0])
            point.set_data(*losses.T)


# Scene 2: two gradients, and what a step along their sum does (chapter 6)

RATE = 0.04  # η
WEIGHTS = np.array([0.5, 0.5])


def goals(length_1, length_2, angle):
    """Where each loss is 0, seen from x = 0: (T, 2). The angle is in degrees."""
    half = math.radians(angle) / 2
    left = [-math.sin(half), math.cos(half)]
    right = [math.sin(half), math.cos(half)]
    return np.array([[length_1], [length_2]]) * [left, right]


def draw_pulls(ax):
    """Three arrows and their names. `move` says where to."""
    style = {"angles": "xy", "scale_units": "xy", "scale": 1, "width": 0.022}
    colours = [BLUE, ORANGE, "black"]
    arrows = ax.quiver(*np.zeros((4, 3)), color=colours, **style)
    names = []
    for name, colour in zip(("1", "2", "step"), colours):
        place = {"ha": "center", "va": "center", "weight": "bold"}
        names.append(ax.text(0, 0, name, color=colour, **place))
    ax.set(xlim=(-2.3, 2.3), ylim=(-0.5, 2.5), aspect="equal")
    ax.set_title("pulls, and their mean", fontsize=10)
    ax.axis("off")
    return arrows, names


def draw_harm_diagram(ax):
    """Harm to task 1 where the cosine is below −r, to task 2 where it is below −1/r."""
    r = np.geomspace(0.25, 4, 200)
    ax.fill_between(r, -1, -r, where=r <= 1, color=HARM[0], linewidth=0)
    ax.fill_between(r, -1, -1 / r, where=r >= 1, color=HARM[1], linewidth=0)
    ax.plot(r, -np.minimum(r, 1 / r), color="black", linewidth=1)
    ax.axhline(0, color="0.4", linewidth=0.8)
    ax.text(0.26, -0.98, "harm to\ntask 1", color=BLUE, fontsize=9)
    ax.text(3.9, -0.98, "harm to\ntask 2", color=ORANGE, ha="right", fontsize=9)
    ax.text(1, -0.25, "conflict, no harm", ha="center", va="center", fontsize=9)
    ax.text(1, 0.5, "no conflict", ha="center", va="center", fontsize=9)
    ax.set(xscale="log", xlim=(0.25, 4), ylim=(-1.05, 1.05), yticks=[-1, 0, 1])
    ax.set_xticks([0.25, 0.5, 1, 2, 4], ["¼", "½", "1", "2", "4"])
    ax.minorticks_off()
    ax.set_xlabel("r: length 1 ÷ length 2", fontsize=9, labelpad=1)
    ax.set_ylabel("cosine of the angle", fontsize=9, labelpad=-4)


def draw_changes(ax):
    """A bar for each task, for what happens, and a mark for what was predicted."""
    bars = ax.bar([1, 2], [0, 0], color=[BLUE, ORANGE], width=0.6)
    style = {"color": "black", "markersize": 22, "markeredgewidth": 2}
    (marks,) = ax.plot([], [], "_", **style)
    ax.axhline(0, color="black", linewidth=0.8)
    ax.set(xlim=(0.5, 2.5), ylim=(-21, 14))
    ax.set_xticks([1, 2], ["task 1", "task 2"])
    ax.set_title("change of loss, %", fontsize=10)
    ax.set_xlabel("marks: predicted,\n−η G w", fontsize=9)
    return bars, marks


def verdict_on(cosine, predicted):
    """What a small step does, in words."""
    if predicted.max() > 1e-12:
        words = f"conflict, and a small step harms task {predicted.argmax() + 1}."
    elif predicted.max() > -1e-12:
        words = "conflict, just on the boundary of harm."
    elif cosine < -1e-12:
        words = "conflict, and yet a small step helps both tasks."
    else:
        words = "no conflict. A small step helps both tasks."
    return f"Cosine {cosine:.2f}: {words}".replace("-", "−")


def degrees(value):
    return f"{value:.0f}°"


class Harm(Scene):
    """Task t's loss is ½ ‖x − a_t‖². At x = 0 it pulls to a_t, so g_t = −a_t."""

    title = "Conflict is an angle; harm needs unequal weighted lengths as well"
    knobs = (
        Knob("length of gradient 1", 0.5, 2.0, 0.05, 1.8, two_digits),
        Knob("length of gradient 2", 0.5, 2.0, 0.05, 0.6, two_digits),
        Knob("angle between them", 0.0, 180.0, 5.0, 130.0, degrees),
    )
    tour = (
        (1.8, 0.6, 130),
        (1.8, 0.6, 60),
        (1.1, 1.1, 150),
        (0.6, 1.4, 150),
        (1.8, 0.6, 130),
    )

    def draw(self):
        left, middle, right = self.panels(1.45, 1.2, 0.75)
        self.arrows, self.names = draw_pulls(left)
        draw_harm_diagram(middle)
        (self.point,) = middle.plot([], [], "o", color="black", markersize=9)
        self.bars, self.marks = draw_changes(right)

    def move(self, length_1, length_2, angle):
        a = goals(length_1, length_2, angle)  # (T, 2)
        G = mtl.interaction.gramian(-a)
        predicted = mtl.interaction.predicted_change(G, WEIGHTS, RATE)
        along = WEIGHTS @ a  # −Jᵀw: the step is η times this
        before = 0.5 * (a**2).sum(1)  # both losses at x = 0, (T,)
        after = 0.5 * ((RATE * along - a) ** 2).sum(1)
        for bar, change in zip(self.bars, after / before - 1):
            bar.set_height(100 * change)
        self.marks.set_data([1, 2], 100 * predicted / before)

        ends = np.array([*a, along])
        self.arrows.set_UVC(*ends.T)
        for name, end in zip(self.names, ends):
            beyond = 0.35 * end / max(math.hypot(*end), 1e-9)
            name.set_position(end + beyond)
        cosine = mtl.interaction.cosines(G)[0, 1]
        self.point.set_data([length_1 / length_2], [cosine])
        self.verdict.set_text(verdict_on(cosine, predicted))


# Scene 3: the strength of the pull, from alone to pooled (chapter 8)

NOISE = 1.0  # σ², the variance of a label's noise
LABELS = 20  # n, of each task
TASKS = 5  # T
rng = np.random.default_rng(0)
OWN = rng.normal(size=TASKS)  # of each task's truth, before it is scaled by τ
LABEL_NOISE = math.sqrt(NOISE) * rng.normal(size=(TASKS, LABELS))
ONES = [np.ones((LABELS, 1))] * TASKS  # every task estimates one number, its mean


def strength_of(pull):
    """λ with pull = λ/(1 + λ): from 0 at pull 0, training alone, to ∞ at pull 1."""
    return pull / (1 - pull) if pull < 1 else math.inf


def estimates(strength, truth):
    """What soft sharing finds for each task: (T,). In sums, its strength is n λ."""
    y = list(truth[:, None] + LABEL_NOISE)
    if strength == math.inf:
        return np.full(TASKS, mtl.closed_form.pooled(ONES, y))
    return mtl.closed_form.soft_sharing(ONES, y, LABELS * strength)[:, 0]


def expected_error(pull, spread):
    λ = LABELS * strength_of(pull)  # in sums
    return mtl.closed_form.risk(λ, LABELS, TASKS, NOISE, spread)


def best_pull(spread):
    λ = mtl.closed_form.best_strength(NOISE, spread) / LABELS  # in means
    return λ / (1 + λ)


def strength_in_words(pull):
    if pull == 0:
        return "λ = 0: alone"
    if pull == 1:
        return "λ = ∞: pooled"
    return f"λ = {strength_of(pull):.2f}"


def draw_tasks(ax):
    """The mean of all tasks; and a hollow dot, a dot and a bar for each task."""
    rows = np.arange(TASKS, 0, -1)
    zeros = np.zeros(TASKS)
    colours = TASK_COLOURS[:TASKS]
    hollow = {"facecolors": "white", "edgecolors": colours, "s": 80, "zorder": 3}
    mean = ax.axvline(0, color="0.6", linewidth=0.8)
    alone = ax.scatter(zeros, rows, **hollow)
    pulled = ax.scatter(zeros, rows, color=colours, s=35, zorder=3)
    truth = ax.scatter(zeros, rows, marker="|", s=350, color=colours)
    ax.set(xlim=(-0.65, 0.65), ylim=(0.4, TASKS + 0.6))
    ax.set_yticks(rows, [f"task {t + 1}" for t in range(TASKS)])
    ax.set_xlabel("parameter   (|: truth, ○: alone, ●: pulled)")
    return mean, alone, pulled, truth


def place_dots(dots, x):
    """Move a dot of each task sideways, to x (T,)."""
    rows = dots.get_offsets()[:, 1]
    dots.set_offsets(np.stack([x, rows], 1))


class Strength(Scene):
    """Left: five tasks, pulled to their mean. Right: the expected error, a valley."""

    title = "The best strength lies between training alone and one model for all"
    knobs = (
        Knob("strength of the pull", 0.0, 1.0, 0.01, 0.5, strength_in_words),
        Knob("difference of tasks τ²", 0.005, 0.1, 0.005, 0.05, "{:.3f}".format),
    )
    tour = ((0.5, 0.05), (0.0, 0.05), (1.0, 0.05), (1.0, 0.01), (0.5, 0.05))

    def draw(self):
        left, right = self.panels(1, 1.15)
        self.mean, self.alone, self.pulled, self.truth = draw_tasks(left)
        (self.valley,) = right.plot([], [], color="black", linewidth=2)
        self.best = right.axvline(0, color=ARM_COLOURS[1], linestyle=":")
        self.best_name = right.text(0, 0.099, "best", color=ARM_COLOURS[1], ha="center")
        (self.point,) = right.plot([], [], "o", color="black", markersize=9)
        right.set(xlim=(-0.03, 1.03), ylim=(0, 0.098), xlabel="strength λ")
        names = ["0\nalone", "⅓", "1", "3", "∞\npooled"]
        right.set_xticks([0, 0.25, 0.5, 0.75, 1], names)
        right.set_ylabel("expected squared error")

    def move(self, pull, spread):
        truth = math.sqrt(spread) * OWN
        place_dots(self.truth, truth)
        place_dots(self.alone, estimates(0.0, truth))
        place_dots(self.pulled, estimates(strength_of(pull), truth))
        mean = estimates(math.inf, truth)[0]
        self.mean.set_xdata([mean, mean])

        pulls = np.linspace(0, 1, 101)
        errors = [expected_error(each, spread) for each in pulls]
        here = expected_error(pull, spread)
        best = best_pull(spread)
        self.valley.set_data(pulls, errors)
        self.point.set_data([pull], [here])
        self.best.set_xdata([best, best])
        self.best_name.set_x(best)
        self.verdict.set_text(
            f"Error: {here:.3f} here, {expected_error(best, spread):.3f} at best, "
            f"{errors[0]:.3f} alone, {errors[-1]:.3f} pooled."
        )


# Scene 4: labels and relatedness, and who wins (chapter 4)

BRANCHES = 3  # T


def labels_of(exponent):
    return round(10**exponent)


def labels_in_words(exponent):
    return f"n = {labels_of(exponent)}"


def difference_in_words(exponent):
    """τ², and how two tasks' truths correlate if their common part varies by 1."""
    spread = 10**exponent
    return f"{spread:.3f} (correlation {1 / (1 + spread):.3f})"


def risk_alone(n, spread):
    return mtl.closed_form.risk(0.0, n, BRANCHES, NOISE, spread)


def risk_pooled(n, spread):
    return mtl.closed_form.risk(math.inf, n, BRANCHES, NOISE, spread)


def outcome(n, spread):
    if math.isclose(spread, NOISE / n):
        return "both are equal"
    if mtl.closed_form.pooling_helps(n, NOISE, spread):
        return "pooling wins"
    return "alone wins"


def errors_in_words(pooled, alone):
    """Both errors, with as many digits as it takes to tell them apart."""
    if math.isclose(pooled, alone):
        return f"error {pooled:#.2g}."
    for digits in range(2, 17):
        texts = f"{pooled:#.{digits}g}", f"{alone:#.{digits}g}"
        if texts[0] != texts[1]:
            break
    return f"error {texts[0]} pooled, {texts[1]} alone."


def labels_at_crossing(spread):
    n = round(NOISE / spread)
    return f"{n} label" if n == 1 else f"{n} labels"


def draw_map(ax):
    """Who wins: pooling below the line τ² = σ²/n, training alone above it."""
    n = np.array([4, 1000])
    ax.fill_between(n, 0.001, NOISE / n, color="#E9DDF0", linewidth=0)
    ax.plot(n, NOISE / n, color="black", linewidth=1)
    ax.text(5, 0.003, "pooling wins", color=ARM_COLOURS[1], fontsize=11)
    ax.text(60, 0.3, "alone wins", color=ARM_COLOURS[0], fontsize=11)
    on_line = {"rotation": -38, "rotation_mode": "anchor"}
    ax.text(45, 0.0285, "τ² = σ²/n", **on_line)
    ax.set(xlabel="labels of each task", ylabel="difference of tasks τ²")


class Crossing(Scene):
    """Left: both errors over the labels. Right: who wins, at each pair of values."""

    title = "Pooling beats training alone while τ² < σ²/n"
    knobs = (
        Knob("labels of each task", 0.6, 3.0, 0.02, 1.3, labels_in_words),
        Knob("difference of tasks τ²", -3.0, 0.0, 0.02, -1.6, difference_in_words),
    )
    tour = ((1.3, -1.6), (2.6, -1.6), (2.6, -2.8), (1.3, -2.8), (1.3, -1.6))

    def draw(self):
        left, right = self.panels(1, 1)
        self.n = np.geomspace(4, 1000, 121)
        left.plot(self.n, [risk_alone(n, 0.0) for n in self.n], color=ARM_COLOURS[0])
        (self.pooled,) = left.plot([], [], color=ARM_COLOURS[1], linewidth=2)
        self.crossing = left.axvline(1, color="0.5", linestyle=":")
        colours = list(ARM_COLOURS[:2])  # a tuple of two is a colour and its opacity
        self.dots = left.scatter([1, 1], [1, 1], color=colours, s=60, zorder=3)
        left.text(5, 0.0028, "— alone", color=ARM_COLOURS[0])
        left.text(5, 0.0015, "— pooled", color=ARM_COLOURS[1])
        left.set(xlabel="labels of each task", ylabel="expected squared error")

        draw_map(right)
        (self.point,) = right.plot([], [], "o", color="black", markersize=9)
        for ax in (left, right):
            ax.set(xscale="log", yscale="log", xlim=(4, 1000), ylim=(0.001, 1))
            ax.set_xticks([10, 100, 1000], ["10", "100", "1000"])
            ax.set_yticks([0.001, 0.01, 0.1, 1], ["0.001", "0.01", "0.1", "1"])

    def move(self, n_exponent, spread_exponent):
        n = labels_of(n_exponent)
        spread = 10**spread_exponent
        errors = [risk_pooled(each, spread) for each in self.n]
        self.pooled.set_data(self.n, errors)
        alone = risk_alone(n, spread)
        pooled = risk_pooled(n, spread)
        self.dots.set_offsets([[n, alone], [n, pooled]])
        self.crossing.set_xdata([NOISE / spread, NOISE / spread])
        self.point.set_data([n], [spread])
        self.verdict.set_text(
            f"At {n} labels {outcome(n, spread)}: {errors_in_words(pooled, alone)} "
            f"Crossing: {labels_at_crossing(spread)}."
        )


# Windows, or GIFs where none can open

SCENES = {"weight": Weight, "harm": Harm, "strength": Strength, "crossing": Crossing}

NO_WINDOW = """\
No window can open here. Sliders need a screen, and a window toolkit: Tk, which comes
with most Pythons, or Qt (pip install PyQt6). If the variable MPLBACKEND is set, unset
it. Instead of a window, the same pictures, moving by themselves:"""


def tour_of(scene):
    """The values of the knobs in each frame: straight ways from stop to stop."""
    stops = np.array(scene.tour, float)
    frames = [stops[0]] * FRAMES_AT_START
    for start, end in zip(stops, stops[1:]):
        for part in np.linspace(0, 1, FRAMES_A_WAY + 1)[1:]:
            frames.append(start + part * (end - start))
    return frames


def write_gif(name):
    """Move the sliders of a scene along its tour, and write what can be seen."""
    figure = Figure(figsize=SIZE)
    scene = SCENES[name](figure)
    path = _show.folder / f"explore_{name}.gif"
    writer = PillowWriter(fps=FRAMES_A_SECOND)
    with _show.writing(path), writer.saving(figure, path, dpi=100):
        for values in tour_of(scene):
            scene.set(*values)
            writer.grab_frame()
    return path


def can_open_windows():
    """Whether matplotlib has a window toolkit here, and a screen for it."""
    try:
        figure = plt.figure()
    except Exception:  # a toolkit that does not work here fails in ways of its own
        return False
    toolkit = figure.canvas.required_interactive_framework  # None: it writes files only
    plt.close(figure)
    return toolkit is not None


def open_window(name):
    """Show a scene until its window is closed."""
    scene = SCENES[name](plt.figure(name, figsize=SIZE))
    plt.show(block=True)
    plt.close(scene.figure)


def main(arguments=None):
    """Returns the exit code."""
    try:
        show_scenes(arguments)
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    return 0


def show_scenes(arguments):
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("scene", nargs="?", choices=SCENES, help="all four if left out")
    chosen = parser.parse_args(arguments).scene
    names = [chosen] if chosen else list(SCENES)
    if can_open_windows():
        for name in names:
            open_window(name)
    else:
        print(NO_WINDOW)
        for name in names:
            print(write_gif(name))


if __name__ == "__main__":
    sys.exit(main())
