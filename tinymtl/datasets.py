"""Made-up tasks whose relation is known, because a knob sets it."""

from __future__ import annotations

import numpy as np


def related_tasks(
    rng: np.random.Generator,
    relatedness: float,
    n_train: int = 100,
    n_test: int = 1024,
    n_features: int = 8,
    noise: float = 0.1,
    scale: float = 1.0,
) -> tuple[dict, dict]:
    """Two regression tasks "a" and "b", each with examples of its own, and cos(w_a, w_b) = `relatedness`.

        w_a = c u₁,     w_b = c (p u₁ + √(1 − p²) u₂),     u₁, u₂ orthonormal, p the relatedness
        y_k = w_kᵀ x + Σ_j sin(α_j w_kᵀ x + β_j) + ε,      x ~ N(0, I),  ε ~ N(0, noise²)

    with α = (1, ½), β = (0, 1) and c = `scale`. p = 1 makes the tasks equal but for noise, so that sharing doubles
    the data; p = 0 makes them unrelated. Returns (train, test), each {"a": (X, y), "b": (X, y)}, X (N, D), y (N, 1),
    N = `n_train` or `n_test` for each task. ValueError for a relatedness outside [−1, 1] or sizes that are too small.
    Source: Ma et al. (2018), section 3.2, with c on both terms of w_b.

    >>> train, test = related_tasks(np.random.default_rng(0), relatedness=0.9)
    >>> train["a"][0].shape, train["b"][1].shape, train["a"][0] is train["b"][0]
    ((100, 8), (100, 1), False)
    """
    if not -1 <= relatedness <= 1:
        raise ValueError(f"related_tasks: relatedness must be in [-1, 1], got {relatedness}")
    for name, value, least in (
        ("n_train", n_train, 1),
        ("n_test", n_test, 1),
        ("n_features", n_features, 2),
    ):
        if value < least:
            raise ValueError(f"related_tasks: {name} must be at least {least}, got {value}")
    u = np.linalg.qr(rng.standard_normal((n_features, 2)))[0].T  # two orthonormal rows
    w = {"a": scale * u[0], "b": scale * (relatedness * u[0] + np.sqrt(1 - relatedness**2) * u[1])}

    def sample(n):
        inputs = {task: rng.standard_normal((n, n_features)) for task in w}
        return {task: (X, _targets(X @ w[task], noise, rng)) for task, X in inputs.items()}

    return sample(n_train), sample(n_test)


def _targets(linear, noise, rng):
    waves = sum(np.sin(α * linear + β) for α, β in ((1, 0), (0.5, 1)))
    return (linear + waves + noise * rng.standard_normal(len(linear)))[:, None]
