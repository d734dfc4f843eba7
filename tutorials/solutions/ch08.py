"""Solutions of chapter 8, soft sharing."""

import numpy as np


def two_penalties(Θ):
    D = Θ - Θ.mean(0)
    zero = ((Θ**2).sum(), 2 * Θ)
    together = ((D**2).sum(), 2 * D)
    return zero, together


def best_strength(noise, spread, n, T, data, pull):
    strength = noise / spread  # sums of squares, pull to the mean
    if data == "mean":
        strength /= n
    if pull == "pairs":
        strength /= T
    return strength


def pairs_gradient(Θ, strength):
    """s went over earlier tasks only, so each pair pulled one of its two tasks.

    They still met: all moved to the first, which stood still.
    """
    gradient = np.zeros_like(Θ)
    for t in range(len(Θ)):
        for s in range(len(Θ)):
            gradient[t] += 2 * strength * (Θ[t] - Θ[s])
    return gradient


def law(gradient):
    """What pulls one task pulls the others the other way.

    Two cases can be done in the head.
    """
    Θ = np.random.default_rng(0).normal(size=(3, 4))
    assert np.allclose(gradient(Θ).sum(0), 0), "the pulls sum to 0"
    assert np.allclose(gradient(np.array([[1.0], [3.0]])), [[-4], [4]])
    assert np.allclose(gradient(np.array([[1.0], [3.0], [8.0]])), [[-18], [-6], [24]])
