"""The two-task landscape of chapter 7, and the walks of five rules over it.

    python tutorials/_landscape.py --walk    all walks anew, into landscape.csv

The walks take about half an hour, so their points are kept in landscape.csv. The
chapter reads them from there, walks the first steps itself, and compares.

Source of the landscape, the starts and the optimiser: Liu, Liu, Jin, Stone & Liu
(2021), "Conflict-averse gradient descent for multi-task learning". Navon et al. (2022)
use it as well.
"""

import csv
import sys
from pathlib import Path

import numpy as np
import tinymtl as mtl
from tinymtl import ops

FILE = Path(__file__).parent / "landscape.csv"
STARTS = np.array([[-8.5, 7.5], [-8.5, -5.0], [9.0, 9.0]])
MINIMA = np.array([[7.0, -8.4345], [-7.0, -8.4345]])  # of each task's loss
RATE = 1e-3
STEPS = 100_000
EVERY = 500  # one point is kept of so many steps
LEAST = 5e-6  # ℓ: what a logarithm is taken of is at least so large


def losses(x):
    """Both tasks' losses at the points x (..., 2), a Tensor or an array: two Tensors.

    Above x₂ = 0 each loss has a narrow valley where a is 0. Below it each is a bowl.
    """
    x = x if isinstance(x, mtl.Tensor) else mtl.Tensor(x)
    x1 = x[..., 0]
    x2 = x[..., 1]
    above = ops.relu(ops.tanh(x2 / 2))  # c₁
    below = ops.relu(ops.tanh(-x2 / 2))  # c₂
    a = [
        (-x1 - 7) / 2 - ops.tanh(-x2),
        (-x1 + 3) / 2 + ops.tanh(-x2) + 2,
    ]
    far = [-x1 + 7, -x1 - 7]
    L = []
    for a_i, far_i in zip(a, far):
        valley = ops.log(ops.clip(ops.abs(a_i), LEAST, np.inf)) + 6
        bowl = (far_i**2 + 0.1 * (-x2 - 8) ** 2) / 10 - 20
        L.append(above * valley + below * bowl)
    return L


def surface(x):
    """Both losses (..., 2) at the points x (..., 2), as arrays."""
    with mtl.no_grad():
        return np.stack([L.data for L in losses(x)], -1)


class Points(mtl.Module):
    """A model with nothing but points of the plane, one for each start."""

    def __init__(self, x):
        self.x = mtl.Parameter(x)


def rules():
    """name -> rule."""
    return {
        "plain sum": mtl.weighting.equal,
        "MGDA": mtl.weighting.mgda,
        "PCGrad": mtl.weighting.PCGrad(np.random.default_rng(0)),
        "CAGrad": mtl.weighting.cagrad,
        "Nash-MTL": mtl.weighting.nash_mtl,
    }


def walk(rule, steps):
    """The points (steps + 1, 3, 2) that Adam visits along d = Jᵀ w from the starts.

    A rule that refuses, because no direction is good for both tasks, stays there.
    """
    points = Points(STARTS)
    adam = mtl.Adam(RATE)
    visited = [STARTS.copy()]
    is_over = np.zeros(len(STARTS), bool)
    for _ in range(steps):
        before = points.x.data.copy()
        L = losses(points.x)
        # A point's losses depend on this point alone: one row of J holds all of them.
        J = mtl.jacobian([L_t.sum() for L_t in L], [points.x]).reshape(2, -1, 2)
        d = np.zeros_like(before)
        for i in np.flatnonzero(~is_over):
            J_i = J[:, i]
            try:
                w = rule(np.array([L_t.data[i] for L_t in L]), J_i @ J_i.T)
            except ValueError:
                is_over[i] = True
                continue
            d[i] = w @ J_i
        points.zero_grad()
        points.x.grad[...] = d
        adam.step(points)
        points.x.data[is_over] = before[is_over]
        visited.append(points.x.data.copy())
    return np.array(visited)


def read():
    """rule -> (starts, K, 2), the points of the file, one of every EVERY steps."""
    with open(FILE, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    paths = {}
    for row in rows:
        of_rule = paths.setdefault(row["rule"], [[] for _ in STARTS])
        of_rule[int(row["start"])].append((float(row["x1"]), float(row["x2"])))
    return {rule: np.array(of_rule) for rule, of_rule in paths.items()}


def write():
    with open(FILE, "w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("rule", "start", "step", "x1", "x2"))
        for name, rule in rules().items():
            visited = walk(rule, STEPS)[::EVERY]  # (K, 3, 2)
            for start in range(len(STARTS)):
                for k, (x1, x2) in enumerate(visited[:, start]):
                    table.writerow((name, start, k * EVERY, f"{x1:.4f}", f"{x2:.4f}"))
    print(FILE)


if __name__ == "__main__":
    if sys.argv[1:] != ["--walk"]:
        sys.exit(__doc__)
    write()
