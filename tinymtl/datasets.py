"""Made-up tasks whose relation is known, because a knob sets it."""

from __future__ import annotations

import numpy as np

from . import checks


def related_tasks(
    rng: np.random.Generator,
    relatedness: float,
    n_train: int = 100,
    n_test: int = 1024,
    n_features: int = 8,
    noise: float = 0.1,
    scale: float = 1.0,
) -> tuple[dict, dict]:
    """Two regression tasks "a" and "b", each with examples of its own.

        w_a = c u₁,     w_b = c (p u₁ + √(1 − p²) u₂),     u₁ and u₂ orthonormal
        y_k = w_kᵀ x + Σ_j sin(α_j w_kᵀ x + β_j) + ε,      x ~ N(0, I),  ε ~ N(0, noise²)

    with α = (1, ½) and β = (0, 1). So cos(w_a, w_b) = p. p = 1 makes the tasks equal but for noise,
    so that sharing doubles the data; p = 0 makes them unrelated.

    relatedness: p in [−1, 1]; n_train, n_test: examples of each task; n_features: D, at least 2;
    scale: c. Returns (train, test), each {"a": (X, y), "b": (X, y)}, X (N, D) and y (N, 1), where N
    is n_train or n_test. ValueError for a relatedness outside [−1, 1], sizes that are too small, a
    negative noise, or what is not finite.
    Source: Ma et al. (2018), section 3.2, with c on both terms of w_b.

    >>> train, test = related_tasks(np.random.default_rng(0), relatedness=0.9)
    >>> train["a"][0].shape, train["b"][1].shape, train["a"][0] is train["b"][0]
    ((100, 8), (100, 1), False)
    """
    checks.generator("related_tasks", rng)
    p = checks.between("related_tasks", "relatedness", relatedness, -1, 1)
    checks.whole_number("related_tasks", "n_train", n_train, 1)
    checks.whole_number("related_tasks", "n_test", n_test, 1)
    checks.whole_number("related_tasks", "n_features", n_features, 2)
    checks.not_negative("related_tasks", "noise", noise)
    checks.finite_number("related_tasks", "scale", scale)

    u1, u2 = np.linalg.qr(rng.standard_normal((n_features, 2)))[0].T  # each (D,)
    direction_b = p * u1 + np.sqrt(1 - p**2) * u2  # of length 1, (D,)
    w = {"a": scale * u1, "b": scale * direction_b}
    train = _examples(rng, w, n_train, noise)
    test = _examples(rng, w, n_test, noise)
    return train, test


def _examples(rng, w, N, noise):
    """N examples of each task: its inputs (N, D) and targets (N, 1)."""
    inputs = {task: rng.standard_normal((N, len(w_task))) for task, w_task in w.items()}
    targets = {task: _targets(rng, X @ w[task], noise) for task, X in inputs.items()}
    return {task: (inputs[task], targets[task]) for task in w}


def _targets(rng, z, noise):
    """z + sin(z) + sin(½ z + 1) + ε for z = wᵀx (N,), as a column (N, 1)."""
    waves = np.sin(z) + np.sin(0.5 * z + 1)
    y = z + waves + noise * rng.standard_normal(len(z))
    return y[:, None]
