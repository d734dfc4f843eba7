"""Two small tasks, their models, and optimisers that watch or disturb: shared by several tests."""

import numpy as np

import tinymtl as mtl

LOSSES = {"a": mtl.mse, "b": mtl.mse}


def soft_sharing(*parts, **more):
    return mtl.SoftSharing(*parts, strength=0.1, **more)


SHARINGS = {"alone": mtl.SingleTask, "soft": soft_sharing, "hard": mtl.HardSharing}


# Models and data


def network(kind="hard", seed=0, dtype=np.float64, **more):
    """Two tasks with two outputs each on a trunk of 3 inputs and 4 features."""
    rng = np.random.default_rng(seed)
    trunk = mtl.Sequential(mtl.Dense(3, 4, rng, dtype), mtl.tanh)
    heads = {t: mtl.Dense(4, 2, rng, dtype) for t in "ab"}
    return SHARINGS[kind](trunk, heads, **more)


def examples(N=8, seed=1, N_b=None):
    """Inputs (N, 3) and targets (N, 2) for each task."""
    rng = np.random.default_rng(seed)
    sizes = {"a": N, "b": N_b or N}
    return {t: (rng.standard_normal((n, 3)), rng.standard_normal((n, 2))) for t, n in sizes.items()}


def half_labelled(N=8):
    """The same, but task b has labels for the first half only."""
    data = examples(N)
    x, y = data["b"]
    mask = np.repeat(np.arange(N) < N // 2, 2).reshape(N, 2)
    data["b"] = x, np.where(mask, y, np.nan), mask
    return data


def words(sparse, l2=0.01):
    """Two tasks on one table of words."""
    rng = np.random.default_rng(0)
    trunk = mtl.Sequential(mtl.Embedding(6, 3, rng, sparse=sparse), mtl.Dense(3, 2, rng), mtl.tanh)
    return mtl.HardSharing(trunk, {t: mtl.Dense(2, 2, rng) for t in "ab"}, l2=l2)


def word_examples(N):
    rng = np.random.default_rng(1)
    return {t: (rng.integers(0, 6, N), rng.standard_normal((N, 2))) for t in "ab"}


# What is seen of a batch


def numbered(data):
    """Data whose targets carry the example's number in front, and losses that note it.

    Returns the data, the losses, and the notes: task -> the numbers in each batch.
    """
    with_numbers = {}
    losses = {}
    seen = {t: [] for t in data}
    for t, (x, y, *mask) in data.items():
        numbers = np.arange(len(y))[:, None]
        masks = [np.hstack([m[:, :1], m]) for m in mask]
        with_numbers[t] = (x, np.hstack([numbers, y]), *masks)
        losses[t] = noting_mse(seen[t])
    return with_numbers, losses, seen


def noting_mse(seen):
    def loss(output, y, *mask):
        seen.append(y[:, 0].astype(int))
        return mtl.mse(output, y[:, 1:], *[m[:, 1:] for m in mask])

    return loss


# Optimisers


class Path(mtl.SGD):
    """SGD that notes θ before every step, and the progress it was told."""

    def __init__(self, learning_rate=0.1):
        super().__init__(learning_rate)
        self.thetas = []
        self.progress = []

    def step(self, model, progress=0.0):
        self.thetas.append(model.theta.copy())
        self.progress.append(progress)
        super().step(model, progress)


class Interrupted(mtl.SGD):
    """Ctrl-C arrives when half of the numbers of one step are written."""

    def __init__(self, learning_rate, at_step):
        super().__init__(learning_rate)
        self.at_step = at_step

    def update(self, θ, g, at, η):
        super().update(θ, g, at, η)
        if self.t == self.at_step:
            θ[at] = np.where(np.arange(len(θ[at])) % 2, 77.0, θ[at])
            raise KeyboardInterrupt


# Derivatives


def numeric_jacobian(model, data, places, h=1e-6):
    """Row t: central differences of task t's loss in the places of θ given for it."""
    θ = model.theta
    rows = []
    for t, (x, *y) in data.items():
        row = []
        for i in np.arange(θ.size)[places[t]]:
            old = θ[i]
            θ[i] = old + h
            above = float(mtl.mse(model({t: x})[t], *y))
            θ[i] = old - h
            below = float(mtl.mse(model({t: x})[t], *y))
            θ[i] = old
            row.append((above - below) / (2 * h))
        rows.append(row)
    return np.array(rows)
