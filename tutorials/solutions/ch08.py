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
    """A small step in Θ changes the penalty by its inner product with the gradient.

    Half of the difference between the two sides of Θ is exact for squares.
    """

    def penalty(Θ):
        total = 0.0
        for t in range(len(Θ)):
            for s in range(t):
                total += ((Θ[s] - Θ[t]) ** 2).sum()
        return total

    rng = np.random.default_rng(0)
    for shape in ((2, 1), (3, 2), (5, 4)):
        Θ = rng.normal(size=shape)
        step = 1e-3 * rng.normal(size=shape)
        change = (penalty(Θ + step) - penalty(Θ - step)) / 2
        assert np.isclose((gradient(Θ) * step).sum(), change, rtol=1e-6, atol=0)
