"""The benchmark's problem, and its training step written by hand in NumPy.

There is no engine here, there are no layers and no checks.

Two tables of V rows -> features (N, 2 E) -> trunk of dense layers with relu -> a head per task,
equal weights, Adam. All parameters lie in one vector, [tables | trunk | heads], as in a tinymtl
model, so vectors compare entry by entry.

`Plain` is what one writes down from the formulas, with care: gradients go straight into one vector,
rows are added up on a flat index, Adam works in place. `Tuned` is as fast as we could make it
without a buffer of its own. `Preallocated` writes everything into arrays that it made once.
What tuning found:

    table.take(ids, 0)          instead of table[ids]
    ones.dot(g)                 instead of g.sum(0)
    a.dot(b)                    instead of a @ b, which takes longer to start
    (h > 0).astype(float)       instead of h > 0, which every product would cast again
    np.add.at on a flat index   instead of an index of rows, np.bincount, or sorting
    logits as (C, N)            instead of (N, C): NumPy reduces over a long last axis faster
                                than over a short one
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Problem(NamedTuple):
    """heads: (task, outputs) pairs; one output means squared error, more mean that many classes."""

    heads: tuple = (("score", 1), ("kind", 8), ("buys", 2))
    trunk: tuple = (32, 64, 32)  # sizes of the layers, the features first
    rows: int = 500  # of each of the two tables
    width: int = 16  # E

    def batch(self, N: int, rng: np.random.Generator) -> tuple:
        """(ids of both tables, targets by task)."""
        users = rng.integers(self.rows, size=N)
        items = rng.integers(self.rows, size=N)
        targets = {}
        for task, C in self.heads:
            if C == 1:
                targets[task] = rng.standard_normal((N, 1))
            else:
                targets[task] = rng.integers(C, size=N)
        return (users, items), targets

    def views(self, vector: np.ndarray) -> tuple:
        """Both tables as one array (2 V, E), and the [(W, b), ...] of the trunk and of the heads.

        All are views of a vector like θ, or of a row of the Jacobian, which ends before the heads.
        """
        trunk_sizes = list(zip(self.trunk, self.trunk[1:]))
        head_sizes = [(self.trunk[-1], C) for _, C in self.heads]
        start = 2 * self.rows * self.width
        tables = vector[:start].reshape(-1, self.width)
        layers = []
        for D, H in trunk_sizes + head_sizes:
            middle = start + D * H
            end = middle + H
            if end <= len(vector):
                layers.append((vector[start:middle].reshape(D, H), vector[middle:end]))
            start = end
        return tables, layers[: len(trunk_sizes)], layers[len(trunk_sizes) :]

    @property
    def P(self) -> int:
        """The number of shared parameters."""
        in_tables = 2 * self.rows * self.width
        return in_tables + sum((D + 1) * H for D, H in zip(self.trunk, self.trunk[1:]))


class Plain:
    """The step as one writes it with NumPy, formula by formula."""

    def __init__(self, problem: Problem, θ: np.ndarray, N: int, η: float = 1e-3):
        self.problem = problem
        self.η = η
        self.t = 0
        self.θ = θ.copy()
        self.grad = np.zeros_like(θ)
        self.m = np.zeros_like(θ)
        self.v = np.zeros_like(θ)
        self.tables, self.trunk, self.heads = problem.views(self.θ)
        self.own = problem.views(self.grad)

    def step(self, batch) -> float:
        L = self.forward(*batch)
        self.backward()
        self.adam()
        return sum(L)

    def forward(self, ids, targets) -> list[float]:
        users, items = ids
        self.rows = users, items + self.problem.rows
        h = np.concatenate([self.tables.take(rows, 0) for rows in self.rows], 1)  # (N, 2 E)
        self.h = [h]
        for W, b in self.trunk:
            h = np.maximum(h @ W + b, 0)
            self.h.append(h)
        L = []
        self.g = []
        for (W, b), y in zip(self.heads, targets.values()):
            z = h @ W + b  # (N, C)
            loss, g = self.squared_error(z, y) if len(b) == 1 else self.cross_entropy(z, y)
            L.append(loss)
            self.g.append(g)
        return L

    def squared_error(self, prediction, y):
        residual = prediction - y
        loss = float((residual * residual).mean())
        return loss, 2 / len(y) * residual

    def cross_entropy(self, z, y):
        z = z - z.max(1, keepdims=True)
        e = np.exp(z)
        examples = np.arange(len(y))
        total = e.sum(1, keepdims=True)
        g = e / total
        g[examples, y] -= 1
        loss = float((np.log(total[:, 0]) - z[examples, y]).mean())
        return loss, g / len(y)

    def backward(self):
        tables, trunk, heads = self.own
        g = 0
        for (W, _), (gW, gb), gz in zip(self.heads, heads, self.g):
            gW[...] = self.h[-1].T @ gz
            gb[...] = gz.sum(0)
            g = g + gz @ W.T
        self.down_the_trunk(g, tables, trunk)

    def down_the_trunk(self, g, tables, trunk):
        """From g (N, H) on the features to the gradients of trunk and tables."""
        for i in reversed(range(len(self.trunk))):
            g = g * (self.h[i + 1] > 0)
            gW, gb = trunk[i]
            gW[...] = self.h[i].T @ g
            gb[...] = g.sum(0)
            W, _ = self.trunk[i]
            g = g @ W.T
        E = self.problem.width
        tables[...] = 0
        for k, rows in enumerate(self.rows):
            at = (rows[:, None] * E + np.arange(E)).reshape(-1)
            np.add.at(tables.reshape(-1), at, g[:, k * E : (k + 1) * E].reshape(-1))

    def adam(self, β1=0.9, β2=0.999, ε=1e-8):
        g, m, v = self.grad, self.m, self.v
        self.t += 1
        m *= β1
        m += (1 - β1) * g
        v *= β2
        v += (1 - β2) * (g * g)
        self.θ -= self.η / (1 - β1**self.t) * m / (np.sqrt(v / (1 - β2**self.t)) + ε)

    def jacobian(self) -> np.ndarray:
        """(T, P) after `forward`: one pass down the trunk per task."""
        J = np.zeros((len(self.heads), self.problem.P))
        for row, (W, _), gz in zip(J, self.heads, self.g):
            tables, trunk, _ = self.problem.views(row)
            self.down_the_trunk(gz @ W.T, tables, trunk)
        return J


class Tuned(Plain):
    """The same arithmetic, with each line the fastest of the forms that were tried."""

    def __init__(self, problem: Problem, θ: np.ndarray, N: int, η: float = 1e-3):
        super().__init__(problem, θ, N, η)
        self.scratch = np.empty_like(θ)
        # Where in θ each entry of the tables lies.
        self.places = np.arange(self.tables.size).reshape(self.tables.shape)
        self.ones = np.ones(N)
        self.examples = np.arange(N)

    def forward(self, ids, targets) -> list[float]:
        """The losses; keeps the activations and the gradients on the heads' outputs."""
        users, items = ids
        rows = np.empty((len(users), 2), np.intp)
        rows[:, 0] = users
        np.add(items, self.problem.rows, out=rows[:, 1])
        self.at = self.places.take(rows, 0)  # (N, 2, E)
        h = self.tables.take(rows, 0).reshape(len(users), -1)  # (N, 2 E)
        self.h = [h]
        self.slope = []
        for W, b in self.trunk:
            h = h.dot(W)
            h += b
            np.maximum(h, 0, out=h)
            self.h.append(h)
            self.slope.append((h > 0).astype(float))
        L = []
        self.g = []
        for (W, b), y in zip(self.heads, targets.values()):
            z = W.T.dot(h.T)  # (C, N)
            z += b[:, None]
            loss, g = self.squared_error(z, y) if len(b) == 1 else self.cross_entropy(z, y)
            L.append(loss)
            self.g.append(g)
        return L

    def squared_error(self, z, y):
        z -= y.T
        loss = float(z[0].dot(z[0])) / len(y)
        z *= 2 / len(y)
        return loss, z

    def cross_entropy(self, z, y):
        z -= z.max(0)
        label = z[y, self.examples]
        np.exp(z, out=z)
        total = z.sum(0)
        loss = float((np.log(total) - label).dot(self.ones)) / len(y)
        total *= len(y)
        z /= total
        z[y, self.examples] -= 1 / len(y)
        return loss, z

    def backward(self):
        tables, trunk, heads = self.own
        g = 0
        for (W, _), (gW, gb), gz in zip(self.heads, heads, self.g):
            np.dot(self.h[-1].T, gz.T, out=gW)
            np.dot(gz, self.ones, out=gb)
            if len(gz) == 1:  # a matrix product over one entry is slow
                g += gz.T * W.T
            else:
                g += gz.T.dot(W.T)
        self.down_the_trunk(g, tables, trunk)

    def down_the_trunk(self, g, tables, trunk):
        """From g (N, H) on the features to the gradients of trunk and tables; g is used up."""
        for i in reversed(range(len(self.trunk))):
            g *= self.slope[i]
            gW, gb = trunk[i]
            np.dot(self.h[i].T, g, out=gW)
            np.dot(self.ones, g, out=gb)
            W, _ = self.trunk[i]
            g = g.dot(W.T)
        tables.fill(0)
        np.add.at(tables.reshape(-1), self.at.reshape(-1), g.reshape(-1))

    def adam(self, β1=0.9, β2=0.999, ε=1e-8):
        """Both corrections are numbers, so they go into η and ε.

        Source: Kingma & Ba 2015, end of section 2.
        """
        g, m, v, s = self.grad, self.m, self.v, self.scratch
        self.t += 1
        correction = (1 - β2**self.t) ** 0.5
        m *= β1
        m += np.multiply(g, 1 - β1, out=s)
        v *= β2
        np.multiply(g, g, out=s)
        s *= 1 - β2
        v += s
        np.sqrt(v, out=s)
        s += ε * correction
        np.divide(m, s, out=s)
        s *= self.η * correction / (1 - β1**self.t)
        self.θ -= s

    def jacobian(self) -> np.ndarray:
        """(T, P) after `forward`: one pass down the trunk per task."""
        J = np.zeros((len(self.heads), self.problem.P))
        for row, (W, _), gz in zip(J, self.heads, self.g):
            tables, trunk, _ = self.problem.views(row)
            self.down_the_trunk(gz.T.dot(W.T), tables, trunk)
        return J


class Preallocated(Tuned):
    """The same with every array made once, for one batch size."""

    def __init__(self, problem: Problem, θ: np.ndarray, N: int, η: float = 1e-3):
        super().__init__(problem, θ, N, η)
        E = problem.width
        sizes = problem.trunk
        self.rows = np.empty((N, 2), np.intp)
        self.at = np.empty((N, 2, E), np.intp)
        self.h = [np.empty((N, H)) for H in sizes]
        self.down = [np.empty((N, H)) for H in sizes]
        # np.maximum of two arrays is faster than of an array and a number.
        self.zeros = [np.zeros((N, H)) for H in sizes[1:]]
        self.passed = [np.empty((N, H), bool) for H in sizes[1:]]
        self.slope = [np.empty((N, H)) for H in sizes[1:]]
        self.part = np.empty((N, sizes[-1]))
        self.z = [np.empty((C, N)) for _, C in problem.heads]
        self.g = [np.empty((C, N)) for _, C in problem.heads]
        self.most = np.empty(N)
        self.total = np.empty(N)
        self.label = np.empty(N)
        self.place = np.empty(N, np.intp)
        self.WT = [W.T for W, _ in self.trunk]
        self.head_views = [(W.T, b[:, None]) for W, b in self.heads]
        self.J = np.empty((len(self.heads), problem.P))
        self.row_views = [problem.views(row) for row in self.J]

    def forward(self, ids, targets):
        users, items = ids
        self.rows[:, 0] = users
        np.add(items, self.problem.rows, out=self.rows[:, 1])
        self.places.take(self.rows, 0, self.at, "clip")  # "raise" would buffer
        h = self.h[0]
        self.tables.take(self.rows, 0, h.reshape(self.at.shape), "clip")
        buffers = zip(self.h[1:], self.zeros, self.passed, self.slope)
        for (W, b), (out, zeros, passed, slope) in zip(self.trunk, buffers):
            np.dot(h, W, out)
            out += b
            h = np.maximum(out, zeros, out=out)
            slope[...] = np.greater(h, zeros, passed)
        L = []
        for (WT, b), z, g, y in zip(self.head_views, self.z, self.g, targets.values()):
            np.dot(WT, h.T, z)
            z += b
            loss = self.squared_error if len(z) == 1 else self.cross_entropy
            L.append(loss(z, y, g))
        return L

    def squared_error(self, z, y, g):
        z -= y.T
        np.multiply(z, 2 / len(y), g)
        return float(z[0].dot(z[0])) / len(y)

    def cross_entropy(self, z, y, g):
        N = len(y)
        z -= np.maximum.reduce(z, 0, None, self.most)
        place = np.multiply(y, N, self.place)
        place += self.examples  # of the flat (C, N)
        z.take(place, None, self.label, "clip")
        np.exp(z, g)
        total = np.add.reduce(g, 0, None, self.total)
        np.log(total, self.most)
        self.most -= self.label
        total *= N
        g /= total
        g.reshape(-1)[place] -= 1 / N
        return float(self.most.dot(self.ones)) / N

    def backward(self):
        tables, trunk, heads = self.own
        hT = self.h[-1].T
        g = self.down[-1]
        for i, (gW, gb) in enumerate(heads):
            gz = self.g[i]
            WT, _ = self.head_views[i]
            np.dot(hT, gz.T, gW)
            np.dot(gz, self.ones, gb)
            if i == 0:
                np.dot(gz.T, WT, g)
            else:
                g += np.dot(gz.T, WT, self.part)
        self.down_the_trunk(g, tables, trunk)

    def down_the_trunk(self, g, tables, trunk):
        for i in range(len(trunk) - 1, -1, -1):
            g *= self.slope[i]
            gW, gb = trunk[i]
            np.dot(self.ones, g, gb)
            np.dot(self.h[i].T, g, gW)
            g = np.dot(g, self.WT[i], self.down[i])
        tables.fill(0)
        np.add.at(tables.reshape(-1), self.at.reshape(-1), g.reshape(-1))

    def jacobian(self):
        for (tables, trunk, _), (WT, _), gz in zip(self.row_views, self.head_views, self.g):
            self.down_the_trunk(np.dot(gz.T, WT, self.down[-1]), tables, trunk)
        return self.J
