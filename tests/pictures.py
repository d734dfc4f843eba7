"""What the tests of pictures draw, and how they read what was drawn."""

from functools import partial
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_hex, to_rgba

import tinymtl as mtl
from tinymtl import plots

NAN = float("nan")
ONES = [[1, 1], [1, 1]]
FIRST_COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7"]
LONG = ["recommendation", "department", "question answering", "own brand", "price", "category"]

# To draw

GAINS = {
    "hard": {"brand, AUC": (0.10, 0.02), "price, R²": (-0.06, 0.01), "facts": (0.01, 0.02)},
    "soft": {"facts": (NAN, NAN), "price, R²": (-0.01, 0.01), "brand, AUC": (0.12, 0.01)},
}
GAIN_CURVES = {
    "hard": ([0.05, 0.1, 1], [0.3, 0.1, NAN], [0.1, 0.1, NAN]),
    "soft": ([0.1, 1], [-0.2, 0.05], [0.05, 0.01]),
}
GAIN = np.array([[9.0, 0.1, -0.2], [0.003, 9.0, 0.04], [-0.05, NAN, 9.0]])
ERRORS = np.array([[9.0, 0.02, 0.01], [0.01, 9.0, 0.02], [0.01, NAN, 9.0]])
CURVES = {
    "x": [1, 10, 100],
    "measured": {
        "alone": ([3.0, 2.0, NAN], [0.5, 0.25, NAN]),
        "shared": ([2.0, 1.0, 0.5], [0.1, 0.1, 0.1]),
    },
    "theory": {"alone": lambda x: 3 / x, "floor": [1.0, 2.0, 4.0]},
    "xlabel": "labels",
    "ylabel": "error",
    "title": "sharing wins",
}


def a_history(tasks=("a", "b"), steps=40, held_out=True, aligned_copies=False, effects=False):
    """Numbers in which every task, pair and step is another one."""
    history = mtl.History(list(tasks), aligned_copies=aligned_copies)
    rng = np.random.default_rng(0)
    T = len(tasks)
    history.penalty = [0.0] * steps
    history.cosine_steps = list(range(0, steps, 3))
    history.cosines = np.stack(
        [np.corrcoef(rng.standard_normal((T, 4))).reshape(T, T) for _ in history.cosine_steps]
    )
    if held_out:
        history.held_out_steps = [10, 20, 30]
        history.best_step = 20
    else:
        history.held_out_steps = []
        history.best_step = None
    for i, t in enumerate(tasks):
        history.losses[t] = rng.uniform(0.5, 2, steps) + i
        history.held_out[t] = rng.uniform(1, 3, 3) + i if held_out else []
        history.weights[t] = rng.uniform(0.5, 2, steps)
    history.norms = rng.uniform(0.5, 2, (len(history.cosine_steps), T))
    history.effects = rng.normal(0, 1, history.norms.shape) if effects else np.empty(0)
    return history


def a_report(T=2, **changes):
    """One step taken apart, for T tasks."""
    predicted, taken, happened, with_heads = np.random.default_rng(1).normal(0, 0.1, (4, T))
    report = {
        "tasks": LONG[:T],
        "learning_rate": 0.1,
        "losses": 1.0 + np.arange(T),
        "norms": np.full(T, 0.25),
        "cosines": np.eye(T) - 0.25,
        "weights": np.full(T, 2.0),
        "predicted": predicted,
        "taken": taken,
        "happened": happened,
        "with_heads": with_heads,
    }
    return SimpleNamespace(**report | changes)


def two_losses(x):
    """Least at (1, 0) and at (−1, 0), at different rates in the two directions."""
    first = ((x - [1, 0]) ** 2 * [1, 3]).sum(-1)
    second = ((x + [1, 0]) ** 2 * [2, 1]).sum(-1)
    return np.stack([first, second], -1)


def gramians(T, layers=3):
    """Those of a few layers, each longer than the one before."""
    jacobians = np.random.default_rng(2).standard_normal((layers, T, 4))
    return {f"layer {i}": (i + 1) * J @ J.T for i, J in enumerate(jacobians)}


def pictures_of(tasks, fill=None):
    """name -> a call that draws it, of every picture that names tasks; its numbers can be filled.

    Where tasks are few enough they also are the names of arms, rules, layers and measures.
    """
    T = len(tasks)
    few = list(tasks[:5])

    def numbers(array):
        array = np.asarray(array, float)
        return array if fill is None else np.full_like(array, fill)

    history = a_history(tasks, effects=True)
    for record in (history.losses, history.held_out, history.weights):
        for task in tasks:
            record[task] = numbers(record[task])
    for record in ("cosines", "norms", "effects"):
        setattr(history, record, numbers(getattr(history, record)))
    report = a_report(T, tasks=list(tasks))
    for key, value in vars(report).items():
        if key not in ("tasks", "learning_rate"):
            setattr(report, key, numbers(value))
    G = numbers(sum(gramians(T).values()))
    rng = np.random.default_rng(3)
    gain = numbers(rng.normal(size=(T, T)))
    error = np.full((T, T), 0.2)
    rules = {task: numbers(rng.random(T)) for task in few}
    points = {task: rng.standard_normal((3 * T, 2)) for task in few}
    curve = ([0.1, 1], numbers([0.1, 0.2]), [0.01, 0.01])

    calls = {
        "losses": partial(plots.losses, history),
        "weights": partial(plots.weights, dict.fromkeys(few, history)),
        "step": partial(plots.step, report),
        "direction_and_length": partial(plots.direction_and_length, G, rules, tasks),
        "gains": partial(
            plots.gains,
            {arm: {task: (g, 0.2) for task, g in zip(tasks, gain[0])} for arm in few},
        ),
        "gain_by_fraction": partial(
            plots.gain_by_fraction, dict.fromkeys(tasks, curve), measure=str(tasks[0])
        ),
        "network, hard": partial(plots.network, a_model(tasks=tasks, encoders=tasks)),
        "network, soft": partial(plots.network, a_model(mtl.SoftSharing, tasks, strength=0.1)),
        "graph": partial(plots.graph, *a_sum(tasks, numbers(rng.random(T)))),
        "embedding": partial(plots.embedding, points, [few[i % len(few)] for i in range(3 * T)]),
    }
    if T > 1:
        two = tasks[:2]
        plane = numbers(np.eye(2))
        calls |= {
            "cosines": partial(plots.cosines, history),
            "harm": partial(plots.harm, history),
            "layers": partial(plots.layers, dict.fromkeys(few, G), tasks),
            "transfer_matrix": partial(plots.transfer_matrix, gain, error, tasks),
            "pareto": partial(plots.pareto, plane, plane, numbers([0, 1]), tasks=two, front=plane),
            "trajectories": partial(
                plots.trajectories,
                two_losses,
                dict.fromkeys(few, plane),
                extent=(-2, 2, -2, 2),
                tasks=two,
                minima=plane,
                pareto_set=plane,
            ),
        }
    return calls


def a_sum(names, numbers):
    """The sum of one parameter for each name: (the sum, name -> parameter)"""
    leaves = {name: mtl.Parameter(x) for name, x in zip(names, numbers)}
    weights = dict.fromkeys(leaves, 1.0)
    return mtl.weighted_sum(leaves, weights), leaves


def draw_curves(**changed):
    return plots.curves(**CURVES | changed)


class TwoParts(mtl.Module):
    def __init__(self, first, second):
        self.first = first
        self.second = second

    def __call__(self, x):
        return self.second(self.first(x))


def a_model(sharing=mtl.HardSharing, tasks=("a", "b"), encoders=(), **options):
    """Parts of which every one has another number of parameters."""
    rng = np.random.default_rng(0)
    trunk = TwoParts(mtl.Embedding(500, 8, rng), mtl.Dense(8, 5, rng))
    heads = {
        t: TwoParts(mtl.Dense(5, 2 + i, rng), mtl.Dense(2 + i, 1, rng)) for i, t in enumerate(tasks)
    }
    encoders = {t: mtl.Dense(7, 10 + i, rng) for i, t in enumerate(encoders)}
    return sharing(trunk, heads, encoders, **options)


# To read


def line(ax, label):
    (found,) = [one for one in ax.lines if one.get_label() == label]
    return found


def panel(figure, *names):
    """The one whose title begins with both."""
    wanted = " – ".join(names)
    titles = [ax.get_title().replace("\n", " ") for ax in figure.axes]
    (found,) = [ax for ax, words in zip(figure.axes, titles) if words.startswith(wanted)]
    return found


def titled(figure, words):
    """The panel with just this title."""
    (found,) = [ax for ax in figure.axes if ax.get_title() == words]
    return found


def clouds(ax):
    """What `scatter` drew."""
    return [one for one in ax.collections if isinstance(one, PathCollection)]


def dots(ax):
    """The places (n, 2) of each cloud of points."""
    return [np.ma.filled(cloud.get_offsets(), NAN) for cloud in clouds(ax)]


def colours(lines):
    return [to_hex(one.get_color()) for one in lines]


def title(figure):
    return figure.get_suptitle()


def words(artists):
    return [one.get_text() for one in artists]


def texts(figure):
    return words(figure.findobj(plt.Text))


def points(ax):
    """For each arm: places (n, 2), whether filled (n,), ends of the bars (n, 2, 2)."""
    bars = [one for one in ax.collections if isinstance(one, LineCollection)]
    white = to_rgba("white")
    arms = []
    for places, cloud, bar in zip(dots(ax), clouds(ax), bars, strict=True):
        filled = np.array([tuple(face) != white for face in cloud.get_facecolors()])
        arms.append((places, filled, ends_of_bars(bar)))
    return arms


def ends_of_bars(bars):
    """(n, 2, 2), NaN for a point without a bar."""
    none = np.full((2, 2), NAN)
    return np.array([bar if len(bar) == 2 else none for bar in bars.get_segments()])


def refuses(call, kind, message):
    """A call with wrong arguments names them before anything is drawn."""
    with pytest.raises(kind, match=message):
        call()
    assert not plt.get_fignums()
