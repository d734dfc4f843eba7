"""Checkers for chapter 8, soft sharing."""

from itertools import combinations

import numpy as np

from . import Wrong, catches, exercise, numbers


def _by_trying(f, Θ, step=1e-6):
    """The gradient of f at Θ by central differences."""
    gradient = np.zeros_like(Θ)
    for at in np.ndindex(Θ.shape):
        up = Θ.copy()
        down = Θ.copy()
        up[at] += step
        down[at] -= step
        gradient[at] = (f(up) - f(down)) / (2 * step)
    return gradient


def _zero(Θ):
    return sum(float(x) ** 2 for x in Θ.reshape(-1))


def _pairs(Θ):
    return sum(((s - t) ** 2).sum() for s, t in combinations(Θ, 2))


def _together(Θ):
    """The sum over pairs divided by T: another way to the same number."""
    return _pairs(Θ) / len(Θ)


@exercise("8.1")
def check_two_penalties(two_penalties):
    rng = np.random.default_rng(0)
    for T in (1, 4, 2):
        Θ = rng.normal(size=(T, 3)) + 2
        answer = two_penalties(Θ)
        if not _is_two_pairs(answer):
            raise Wrong(
                "two pairs are expected, "
                f"((R_zero, gradient), (R_together, gradient)); got {answer}"
            )
        of_zero, of_together = answer
        _check_penalty("R_zero", _zero, Θ, *of_zero)
        _check_penalty("R_together", _together, Θ, *of_together)


def _is_two_pairs(answer):
    if not isinstance(answer, tuple) or len(answer) != 2:
        return False
    return all(isinstance(pair, tuple) and len(pair) == 2 for pair in answer)


def _check_penalty(name, f, Θ, value, gradient):
    """`Wrong` unless `value` is f(Θ) and `gradient` its gradient."""
    T = len(Θ)
    value = float(numbers(value, (), name))
    got = numbers(gradient, Θ.shape, f"the gradient of {name}")
    if not np.isclose(value, f(Θ)):
        if np.isclose(value * T, f(Θ)):
            slip = "A sum over tasks, not a mean."
        elif name == "R_together":
            slip = "For R_together take the mean over tasks, axis 0."
        else:
            slip = "Σ of all squares."
        raise Wrong(
            f"{name} of {T} tasks should be {f(Θ):.5g}, got {value:.5g}. {slip}"
        )

    expected = _by_trying(f, Θ)
    if np.allclose(got, expected, atol=1e-6):
        return
    if np.allclose(2 * got, expected, atol=1e-6):
        slip = "The 2 of the square is missing."
    elif name == "R_together" and np.allclose(got, (1 - 1 / T) * expected, atol=1e-6):
        slip = (
            "You differentiated θ_t − θ̄ to 1 − 1/T; but θ_t is in every other task's "
            "deviation too, and together those parts cancel."
        )
    else:
        slip = "2 Θ and 2 (Θ − Θ̄), each of shape (T, D)."
    raise Wrong(
        f"the gradient of {name} of {T} tasks should begin with "
        f"{expected.flat[0]:.5g}, got {got.flat[0]:.5g}. {slip}"
    )


@exercise("8.2")
def check_best_strength(best_strength):
    cases = [(1.0, 0.05, 20, 4), (4.0, 0.5, 10, 2), (0.3, 2.0, 50, 7)]
    conventions = [
        ("mean", "mean"),
        ("mean", "pairs"),
        ("sum", "mean"),
        ("sum", "pairs"),
    ]
    for noise, spread, n, T in cases:
        for data, pull in conventions:
            expected = noise / spread
            if data == "mean":
                expected /= n
            if pull == "pairs":
                expected /= T
            answer = best_strength(noise, spread, n, T, data, pull)
            got = float(numbers(answer, (), "λ"))
            if not np.isclose(got, expected):
                raise Wrong(
                    f"σ² = {noise}, τ² = {spread}, n = {n}, T = {T}, {data} of losses, "
                    f"pull by {pull}: expected {expected:.5g}, got {got:.5g}. "
                    + _slip_of_strength(got, expected, n, pull)
                )


def _slip_of_strength(got, expected, n, pull):
    if pull == "pairs":
        return (
            "The pull by pairs is T times the pull to the mean, "
            "so its λ is T times smaller."
        )
    if np.isclose(got * n, expected) or np.isclose(got, expected * n):
        return "A sum of losses is n times the mean, so its λ is n times larger."
    return (
        "Begin with sums and the pull to the mean, σ²/τ²; "
        "then ask what a factor on one of the two terms does to λ."
    )


@exercise("8.3")
def check_pairs_gradient(pairs_gradient):
    strength = 0.7

    def penalty(Θ):
        return strength * _pairs(Θ)

    for T in (2, 4):
        Θ = np.random.default_rng(T).normal(size=(T, 3))
        expected = _by_trying(penalty, Θ)
        got = numbers(pairs_gradient(Θ, strength), Θ.shape, "the gradient")
        if not np.allclose(got, expected, atol=1e-6):
            if not got[0].any():
                slip = (
                    "The first task is not pulled at all: "
                    "each pair pulls both of its tasks."
                )
            else:
                slip = "The gradient on θ_t is 2 λ Σ_s (θ_t − θ_s) over all other s."
            raise Wrong(
                f"with {T} tasks the gradient on the first should begin with "
                f"{expected[0, 0]:.5g}, got {got[0, 0]:.5g}. {slip}"
            )


def _right(Θ):
    return 2 * (len(Θ) * Θ - Θ.sum(0))


def _half(Θ):
    return _right(Θ) / 2


def _apart(Θ):
    return -_right(Θ)


def _later_alone(Θ):
    gradient = np.zeros_like(Θ)
    for t in range(len(Θ)):
        for s in range(t):
            gradient[t] += 2 * (Θ[t] - Θ[s])
    return gradient


def _to_zero(Θ):
    return 2 * Θ


def _to_the_first(Θ):
    return 2 * len(Θ) * (Θ - Θ[0])


def _to_the_mean(Θ):
    return 2 * (Θ - Θ.mean(0))


def _of_two_tasks(Θ):
    return 4 * (Θ - Θ.mean(0))


@exercise("8.4")
def check_law(law):
    wrong = {
        "each pair pulls only the later of its tasks": _later_alone,
        "a pull to zero": _to_zero,
        "a pull to the first task": _to_the_first,
        "a pull to the mean, not by pairs": _to_the_mean,
        "right for two tasks only": _of_two_tasks,
        "the 2 of the square is forgotten": _half,
        "the tasks are pushed apart": _apart,
    }
    catches(law, _right, wrong)
