"""Checkers for chapter 8, soft sharing."""

from itertools import combinations

import numpy as np

from . import Wrong, catches, exercise, numbers


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
    return sum(
        ((Θ[s] - Θ[t]) ** 2).sum() for s, t in combinations(range(len(Θ)), 2)
    ) / len(Θ)


@exercise("8.1")
def check_two_penalties(two_penalties):
    rng = np.random.default_rng(0)
    for T in (1, 4, 2):
        Θ = rng.normal(size=(T, 3)) + 2
        answer = two_penalties(Θ)
        if not isinstance(answer, tuple) or [
            len(pair) for pair in answer if isinstance(pair, tuple)
        ] != [2, 2]:
            raise Wrong(
                f"two pairs are asked for, ((R_zero, gradient), (R_together, gradient)); got {answer}"
            )
        for name, f, (value, gradient) in zip(
            ("R_zero", "R_together"), (_zero, _together), answer
        ):
            value, got = (
                numbers(value, (), name),
                numbers(gradient, Θ.shape, f"the gradient of {name}"),
            )
            if not np.isclose(value, f(Θ)):
                slip = (
                    "A sum over tasks, not a mean."
                    if np.isclose(value * T, f(Θ))
                    else "For R_together take the mean over tasks, axis 0."
                    if name == "R_together"
                    else "Σ of all squares."
                )
                raise Wrong(
                    f"{name} of {T} tasks should be {f(Θ):.5g}, got {float(value):.5g}. {slip}"
                )
            expected = _differences(f, Θ)
            if not np.allclose(got, expected, atol=1e-6):
                close = lambda factor: np.allclose(factor * got, expected, atol=1e-6)
                slip = "2 Θ and 2 (Θ − Θ̄), each of shape (T, D)."
                if close(2):
                    slip = "The 2 of the square is missing."
                elif name == "R_together" and T > 1 and close(T / (T - 1)):
                    slip = "You differentiated θ_t − θ̄ to 1 − 1/T; but θ_t is in every other task's deviation too, and together those parts cancel."
                raise Wrong(
                    f"the gradient of {name} of {T} tasks should begin with {expected.flat[0]:.5g}, got {got.flat[0]:.5g}. {slip}"
                )


@exercise("8.2")
def check_best_strength(best_strength):
    for noise, spread, n, T in (
        (1.0, 0.05, 20, 4),
        (4.0, 0.5, 10, 2),
        (0.3, 2.0, 50, 7),
    ):
        for data in ("mean", "sum"):
            for pull in ("mean", "pairs"):
                expected = (
                    noise
                    / spread
                    / (n if data == "mean" else 1)
                    / (T if pull == "pairs" else 1)
                )
                got = float(
                    numbers(best_strength(noise, spread, n, T, data, pull), (), "λ")
                )
                if not np.isclose(got, expected):
                    slip = "Begin with sums and the pull to the mean, σ²/τ²; then ask what a factor on one of the two terms does to λ."
                    if pull == "pairs":
                        slip = "The pull by pairs is T times the pull to the mean, so its λ is T times smaller."
                    elif np.isclose(got * n, expected) or np.isclose(got, expected * n):
                        slip = "A sum of losses is n times the mean, so its λ is n times larger."
                    raise Wrong(
                        f"σ² = {noise}, τ² = {spread}, n = {n}, T = {T}, {data} of losses, pull by {pull}: expected {expected:.5g}, got {got:.5g}. {slip}"
                    )


@exercise("8.3")
def check_pairs_gradient(pairs_gradient):
    for T in (2, 4):
        Θ = np.random.default_rng(T).normal(size=(T, 3))
        expected, got = (
            _differences(lambda Θ: 0.7 * len(Θ) * _together(Θ), Θ),
            numbers(pairs_gradient(Θ, 0.7), Θ.shape, "the gradient"),
        )
        if not np.allclose(got, expected, atol=1e-6):
            slip = (
                "The first task is not pulled at all: each pair pulls both of its tasks."
                if not np.any(got[:1])
                else "The gradient on θ_t is 2 λ Σ_s (θ_t − θ_s) over all other s."
            )
            raise Wrong(
                f"with {T} tasks the gradient on the first should begin with {expected[0, 0]:.5g}, got {got.flat[0]:.5g}. {slip}"
            )


@exercise("8.4")
def check_law(law):
    right = lambda Θ: 2 * (len(Θ) * Θ - Θ.sum(0))
    earlier = lambda Θ: np.array(
        [
            2 * sum((Θ[t] - Θ[s] for s in range(t)), np.zeros_like(Θ[t]))
            for t in range(len(Θ))
        ]
    )
    catches(
        law,
        right,
        {
            "each pair pulls only the later of its tasks": earlier,
            "a pull to zero": lambda Θ: 2 * Θ,
            "a pull to the first task": lambda Θ: 2 * len(Θ) * (Θ - Θ[0]),
            "a pull to the mean, not by pairs": lambda Θ: 2 * (Θ - Θ.mean(0)),
            "right for two tasks only": lambda Θ: 4 * (Θ - Θ.mean(0)),
            "the 2 of the square is forgotten": lambda Θ: right(Θ) / 2,
            "the tasks are pushed apart": lambda Θ: -right(Θ),
        },
    )
