"""Checkers for chapter 8, soft sharing."""

from itertools import combinations

import numpy as np

from . import Wrong, catches, exercise


def _differences(f, Θ, step=1e-6):
    gradient = np.zeros_like(Θ)
    for at in np.ndindex(Θ.shape):
        up, down = Θ.copy(), Θ.copy()
        up[at], down[at] = Θ[at] + step, Θ[at] - step
        gradient[at] = (f(up) - f(down)) / (2 * step)
    return gradient


def _zero(Θ):
    return sum(float(x) ** 2 for x in Θ.reshape(-1))


def _together(Θ):
    """By pairs, over T: another way to the same number."""
    return sum(((Θ[s] - Θ[t]) ** 2).sum() for s, t in combinations(range(len(Θ)), 2)) / len(Θ)


@exercise("8.1")
def check_two_penalties(two_penalties):
    rng = np.random.default_rng(0)
    for T in (1, 2, 4):
        Θ = rng.normal(size=(T, 3)) + 2
        for name, f, (value, gradient) in zip(("R_zero", "R_together"), (_zero, _together), two_penalties(Θ.copy()), strict=True):
            if not np.isclose(value, f(Θ)):
                slip = "A sum over tasks, not a mean." if np.isclose(value * T, f(Θ)) else "For R_together take the mean over tasks, axis 0." if name == "R_together" else "Σ of all squares."
                raise Wrong(f"{name} of {T} tasks should be {f(Θ):.5g}, got {float(value):.5g}. {slip}")
            expected, got = _differences(f, Θ), np.asarray(gradient, float)
            if got.shape != expected.shape or not np.allclose(got, expected, atol=1e-6):
                slip = "The 2 of the square is missing." if got.shape == expected.shape and np.allclose(2 * got, expected, atol=1e-6) else "2 Θ and 2 (Θ − Θ̄), each of shape (T, D)."
                raise Wrong(f"the gradient of {name} of {T} tasks should begin with {expected.flat[0]:.5g}, got {np.ravel(got)[0]:.5g} in shape {got.shape}. {slip}")


@exercise("8.2")
def check_best_strength(best_strength):
    for noise, spread, n, T in ((1.0, 0.05, 20, 4), (4.0, 0.5, 10, 2), (0.3, 2.0, 50, 7)):
        for data in ("mean", "sum"):
            for pull in ("mean", "pairs"):
                expected = noise / spread / (n if data == "mean" else 1) / (T if pull == "pairs" else 1)
                got = float(best_strength(noise, spread, n, T, data, pull))
                if not np.isclose(got, expected):
                    slip = "The pull by pairs is T times the pull to the mean, so its λ is T times smaller." if pull == "pairs" and np.isclose(got, expected * T) else "A sum of losses is n times the mean, so its λ is n times larger."
                    raise Wrong(f"σ² = {noise}, τ² = {spread}, n = {n}, T = {T}, {data} of losses, pull by {pull}: expected {expected:.5g}, got {got:.5g}. {slip}")


@exercise("8.3")
def check_pairs_gradient(pairs_gradient):
    for T in (2, 4):
        Θ = np.random.default_rng(T).normal(size=(T, 3))
        expected, got = _differences(lambda Θ: 0.7 * len(Θ) * _together(Θ), Θ), np.asarray(pairs_gradient(Θ.copy(), 0.7), float)
        if got.shape != expected.shape or not np.allclose(got, expected, atol=1e-6):
            slip = "The first task is not pulled at all: each pair pulls both of its tasks." if not np.any(got[:1]) else "The gradient on θ_t is 2 λ Σ_s (θ_t − θ_s) over all other s."
            raise Wrong(f"with {T} tasks the gradient on the first should begin with {expected[0, 0]:.5g}, got {got.flat[0]:.5g}. {slip}")


@exercise("8.4")
def check_law(law):
    catches(
        law,
        _together,
        {
            "a pull to zero": _zero,
            "a pull to the first task": lambda Θ: ((Θ - Θ[0]) ** 2).sum(),
            "the square is forgotten": lambda Θ: np.sqrt(((Θ - Θ.mean(0)) ** 2).sum(1)).sum(),
            "the mean over tasks instead of the sum": lambda Θ: ((Θ - Θ.mean(0)) ** 2).sum() / len(Θ),
            "pairs instead of the mean": lambda Θ: len(Θ) * _together(Θ),
        },
    )
