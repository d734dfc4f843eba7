"""Draws figures/01_walk.gif: a walk of the chain rule in the right and the wrong order.

    python tutorials/_walk.py

The computation is q = p + p, r = q · q, L = q + r. Both walks start at L and differ in
which of the waiting values is taken next. All numbers are those of the walks.
"""

from dataclasses import dataclass
from pathlib import Path

from matplotlib.animation import PillowWriter
from matplotlib.figure import Figure  # without pyplot no window is opened

from checks.ch01 import Value

FILE = Path(__file__).parent / "figures" / "01_walk.gif"
FRAMES_A_SECOND = 2
FIRST, EACH = 7, 5  # frames for which the first picture and each other one stays
PLACES = {"L": (3, 0), "r": (2, 1), "q": (1, 0), "p": (0, 0)}
VIOLET = "#7B3FA0"  # gradients
TITLES = {"right": "Right: the youngest first", "wrong": "Wrong: the first found"}


@dataclass
class State:
    """A walk after a step."""

    taken: str | None  # the value that has just passed its gradient on
    shares: list  # (parent, share) of this step
    waiting: list  # names
    arrived: dict  # name -> gradient so far
    done: list  # names of the values that have passed their gradients on


def computation():
    """name -> value, from p = 3"""
    p = Value(3.0)
    q = p + p
    r = q * q
    return {"p": p, "q": q, "r": r, "L": q + r}


def walk(order):
    """The states of a walk from L. order: "right" or "wrong"."""
    values = computation()
    names = {value.born: name for name, value in values.items()}
    arrived = {"L": 1.0}
    waiting = ["L"]
    done = []
    states = [State(None, [], list(waiting), dict(arrived), [])]
    while waiting:
        taken = waiting[0]
        if order == "right":
            taken = max(waiting, key=lambda name: values[name].born)
        waiting.remove(taken)
        done.append(taken)
        shares = []
        for parent, share in values[taken].pairs:
            name = names[parent.born]
            shares.append((name, share(arrived[taken])))
            arrived[name] = arrived.get(name, 0.0) + shares[-1][1]
            if name not in waiting and name not in done:
                waiting.append(name)
        states.append(State(taken, shares, list(waiting), dict(arrived), list(done)))
    return states


def draw_values(ax, state):
    """The graph: what waits is dashed, what has passed its gradient on is grey."""
    for child, parent, bend in (
        ("L", "q", 0.0),
        ("L", "r", 0.0),
        ("r", "q", 0.12),
        ("r", "q", -0.12),
        ("q", "p", 0.25),
        ("q", "p", -0.25),
    ):
        active = child == state.taken
        style = {
            "arrowstyle": "-|>",
            "color": VIOLET if active else "0.75",
            "linewidth": 2.6 if active else 1.2,
            "connectionstyle": f"arc3,rad={bend}",
            "shrinkA": 19,
            "shrinkB": 19,
            "mutation_scale": 14,
        }
        ax.annotate("", PLACES[parent], PLACES[child], arrowprops=style)
    for name, (x, y) in PLACES.items():
        face = "white"
        if name in state.done:
            face = "0.85"
        if name == state.taken:
            face = "#E3D5EC"
        box = {"boxstyle": "circle,pad=0.45", "facecolor": face, "edgecolor": "0.2"}
        box |= {"linewidth": 1.4, "linestyle": "--" if name in state.waiting else "-"}
        style = {"ha": "center", "va": "center"}
        ax.text(x, y, name, fontsize=15, weight="bold", bbox=box, **style)
        if name in state.arrived:
            text = f"{state.arrived[name]:g}"
            below = y - 0.47
            ax.text(x, below, text, color=VIOLET, fontsize=14, weight="bold", **style)


def words_of_step(state):
    """What happened in this step, in words."""
    if state.taken is None:
        return "the walk starts: ∂L/∂L = 1"
    if not state.shares:
        return "p has no parents: the end"
    if len({name for name, _ in state.shares}) == 1:
        (name, share), *_ = state.shares
        words = f"{state.taken} passes on {share:g} and {share:g} to {name}"
        return words + (": too late" if name in state.done else "")
    shares = " and ".join(f"{share:g} to {name}" for name, share in state.shares)
    return f"{state.taken} passes on {shares}"


def draw_walk(ax, order, state, step, is_summary):
    """One half of the picture."""
    colour = "#006B4F" if order == "right" else "#A61C00"
    ax.set_title(TITLES[order], fontsize=14, weight="bold", color=colour)
    draw_values(ax, state)
    ax.set(xlim=(-0.5, 3.5), ylim=(-2.2, 1.45))
    ax.axis("off")
    style = {"fontsize": 11, "ha": "left", "va": "center"}
    if is_summary:
        result = f"∂L/∂p = {state.arrived['p']:g}"
        ax.text(
            -0.4, -1.05, result, color=colour, weight="bold", **style | {"fontsize": 16}
        )
        why = "q waits until both\nshares have come: 1 + 12"
        if order == "wrong":
            why = "q passed on its first share\nbefore the other one, 12, came"
        ax.text(-0.4, -1.72, why, **style)
        return
    waiting = ", ".join(state.waiting) or "nobody"
    arrived = ", ".join(f"{name}: {g:g}" for name, g in state.arrived.items())
    head = f"step {step}: " if step else ""
    ax.text(-0.4, -0.95, head + words_of_step(state), color=VIOLET, **style)
    ax.text(-0.4, -1.4, f"waiting   {waiting}", **style)
    ax.text(-0.4, -1.85, f"arrived   {arrived}", **style)


def draw(figure, walks, step, is_summary=False):
    """Both walks after a step; the summary shows them at their ends."""
    figure.clear()
    axes = figure.subplots(1, 2)
    for ax, (order, states) in zip(axes, walks.items()):
        draw_walk(ax, order, states[step], step, is_summary)
    figure.subplots_adjust(0.01, 0.02, 0.99, 0.84, 0.04)
    title = "q = p + p,  r = q · q,  L = q + r:   a gradient walks back from L to p = 3"
    figure.suptitle(title, fontsize=11, y=0.985)


def main():
    walks = {order: walk(order) for order in TITLES}
    figure = Figure(figsize=(7.4, 3.7), dpi=100, facecolor="white")
    writer = PillowWriter(fps=FRAMES_A_SECOND)
    with writer.saving(figure, FILE, dpi=100):
        draw(figure, walks, -1, is_summary=True)
        for _ in range(FIRST):
            writer.grab_frame()
        for step in range(len(walks["right"])):
            draw(figure, walks, step)
            for _ in range(EACH):
                writer.grab_frame()
    print(FILE)


if __name__ == "__main__":
    main()
