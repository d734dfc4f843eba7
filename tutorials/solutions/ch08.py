"""Solutions of chapter 8, soft sharing."""

import numpy as np


def two_penalties(Θ):
    D = Θ - Θ.mean(0)
    return ((Θ**2).sum(), 2 * Θ), ((D**2).sum(), 2 * D)


def best_strength(noise, spread, n, T, data, pull):
    strength = noise / spread  # sums of squares, pull to the mean
    if data == "mean":
        strength /= n
    if pull == "pairs":
        strength /= T
    return strength


def pairs_gradient(Θ, strength):
    """s went over earlier tasks only, so each pair pulled one of its two tasks. They still met: all moved to the first, which stood still."""
    gradient = np.zeros_like(Θ)
    for t in range(len(Θ)):
        for s in range(len(Θ)):
            gradient[t] += 2 * strength * (Θ[t] - Θ[s])
    return gradient


def law(penalty):
    """Known for two tasks, the same from wherever one looks, and unchanged by the order of the tasks."""
    assert np.isclose(penalty(np.array([[1.0], [3.0]])), 2)
    assert np.isclose(penalty(np.array([[1.0], [3.0], [8.0]])), 9 + 1 + 16)
    Θ = np.random.default_rng(0).normal(size=(3, 4))
    assert np.isclose(penalty(Θ + 100), penalty(Θ)) and np.isclose(penalty(Θ[::-1]), penalty(Θ))
    assert np.isclose(penalty(3 * Θ), 9 * penalty(Θ))
