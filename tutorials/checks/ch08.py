"""Checkers for chapter 8, soft sharing."""

from itertools import combinations

import numpy as np

from . import Wrong, catches, exercise, expect


def _by_trying(f, Θ, step=1e-4):
    """The gradient of f at Θ by central differences, which are exact for squares."""
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


# 8.1


@exercise("8.1")
def check_two_penalties(two_penalties):
    rng = np.random.default_rng(0)
    for T in (4, 1, 2):
        Θ = rng.normal(size=(T, 3)) + 2
        of_zero, of_together = _two_pairs(two_penalties(Θ))
        given = f"for {T} task{'s' if T > 1 else ''} of 3 parameters"
        _check_penalty("R_zero", _zero, Θ, *of_zero, given)
        _check_penalty("R_together", _together, Θ, *of_together, given)


def _two_pairs(answer):
    """((value, gradient), (value, gradient)) from tuples, lists or arrays of two."""
    try:
        of_zero, of_together = answer
        value, gradient = of_zero
        value_together, gradient_together = of_together
    except (TypeError, ValueError):
        raise Wrong(
            "two pairs are expected, ((R_zero, its gradient), (R_together, its "
            f"gradient)); got {_in_short(answer)}"
        ) from None
    return (value, gradient), (value_together, gradient_together)


def _in_short(answer):
    if answer is None:
        return "nothing: is the return missing?"
    if isinstance(answer, (tuple, list)):
        return f"a {type(answer).__name__} of {len(answer)}"
    return f"a {type(answer).__name__}"


def _check_penalty(name, f, Θ, value, gradient, given):
    """`Wrong` unless `value` is f(Θ) and `gradient` its gradient."""
    T = len(Θ)
    to_other_mean = Θ - Θ.mean(1, keepdims=True)
    values = {"It is a sum over tasks, not a mean.": f(Θ) / T}
    gradients = {}
    if T > 1:
        gradients["It is a sum over tasks, not a mean."] = _by_trying(f, Θ) / T
    if name == "R_together":
        values["The mean is over tasks, axis 0."] = _zero(to_other_mean)
        values["The mean is over tasks alone, axis 0."] = _zero(Θ - Θ.mean())
        values["That is the sum over pairs; (8.2) is to the mean."] = _pairs(Θ)
        values["That is the pull to zero."] = _zero(Θ)
        of_own_part = (1 - 1 / T) * _by_trying(f, Θ)
        gradients[
            "You differentiated θ_t − θ̄ to 1 − 1/T. But θ_t is in every other task's "
            "deviation too, and all these parts together cancel."
        ] = of_own_part
    expect(
        value,
        f(Θ),
        name,
        given=given,
        known=values,
        hint="It is a sum of squares over all tasks and all coordinates.",
    )
    expect(
        gradient,
        _by_trying(f, Θ),
        f"the gradient of {name}",
        given=given,
        known=gradients,
        hint="Differentiate the sum of squares by one entry of Θ.",
        atol=1e-6,
    )


# 8.2


@exercise("8.2")
def check_best_strength(best_strength):
    # In no convention is λ* near 1: there it would look like its reciprocal.
    cases = [(4.0, 0.5, 10, 4), (1.3, 0.07, 23, 5), (0.3, 2.0, 50, 7)]
    conventions = [
        ("sum", "mean"),
        ("mean", "mean"),
        ("sum", "pairs"),
        ("mean", "pairs"),
    ]
    for noise, spread, n, T in cases:
        for data, pull in conventions:
            by_n = n if data == "mean" else 1
            by_T = T if pull == "pairs" else 1
            expected = noise / spread / by_n / by_T
            expect(
                best_strength(noise, spread, n, T, data, pull),
                expected,
                "λ*",
                given=f"σ² = {noise}, τ² = {spread}, n = {n}, T = {T}, "
                f'data "{data}", pull "{pull}"',
                known=_slips_of_strength(noise, spread, n, T, expected, by_n, by_T),
                hint="Begin with the convention of (8.5). Then ask which of the two "
                "terms another convention multiplies, and by what.",
            )


def _slips_of_strength(noise, spread, n, T, expected, by_n, by_T):
    """Sentence -> the λ that this slip gives."""
    ratio = noise / spread
    known = {
        "That is s*, the fraction kept; λ* is 1/s* − 1 in (8.5).": (
            spread / (spread + noise / n)
        ),
        "σ² and τ² are exchanged: noisy labels ask for a stronger pull.": (
            expected / ratio**2
        ),
        "Those are standard deviations; the formula has variances.": (
            expected / np.sqrt(ratio)
        ),
    }
    if by_n > 1:
        known["Here the loss is a mean over n, so n belongs into the formula."] = (
            expected * n
        )
        known["n is on the wrong side: a mean is n times smaller than a sum."] = (
            expected * n**2
        )
    else:
        known["Here the loss is a sum over n, not a mean as in (8.5)."] = expected / n
        known["A sum is n times the mean, and (8.5) divides by n once already."] = (
            expected * n
        )
    if by_T > 1:
        known["The pull by pairs is not that to the mean: by what factor?"] = (
            expected * T
        )
        known[
            "There are T(T − 1)/2 pairs, but their pull is only T times as large."
        ] = expected * 2 / (T - 1)
        known["T tasks, not T − 1: the pull by pairs is T times that to the mean."] = (
            expected * T / (T - 1)
        )
        known["T is on the wrong side: which of the two pulls is larger?"] = (
            expected * T**2
        )
    else:
        known["T belongs to the pull by pairs alone."] = expected / T
    return known


# 8.3


@exercise("8.3")
def check_pairs_gradient(pairs_gradient):
    for T, strength in ((4, 1.3), (2, 0.7), (5, 0.2)):
        Θ = np.random.default_rng(T).normal(size=(T, 3))
        expected = strength * _right(Θ)
        known = {
            "Each pair pulls only the later of its two tasks.": (
                strength * _later_alone(Θ)
            ),
            "Each pair pulls only the earlier of its two tasks.": (
                strength * (_right(Θ) - _later_alone(Θ))
            ),
            "The strength λ is missing.": _right(Θ),
            "The other task of a pair gets the opposite sign.": (
                strength * (2 * _later_alone(Θ) - _right(Θ))
            ),
        }
        if T > 2:
            known["That is the pull to the mean, (8.2); by pairs it is larger."] = (
                strength * _to_the_mean(Θ)
            )
        expect(
            pairs_gradient(Θ, strength),
            expected,
            "the gradient",
            given=f"with {T} tasks and λ = {strength}",
            known=known,
            hint="Write the penalty for two tasks, and differentiate it by each.",
        )


# 8.4: gradients that are right, and with a slip


def _right(Θ):
    return 2 * (len(Θ) * Θ - Θ.sum(0))


def _right_by_loops(Θ):
    gradient = np.zeros_like(Θ)
    for t in range(len(Θ)):
        for s in range(len(Θ)):
            gradient[t] += 2 * (Θ[t] - Θ[s])
    return gradient


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


def _of_three_tasks(Θ):
    return 2 * min(len(Θ), 3) * (Θ - Θ.mean(0))


def _neighbours(Θ):
    gradient = np.zeros_like(Θ)
    for t in range(1, len(Θ)):
        gradient[t] += 2 * (Θ[t] - Θ[t - 1])
        gradient[t - 1] -= 2 * (Θ[t] - Θ[t - 1])
    return gradient


def _one_column(Θ):
    gradient = _right(Θ)
    gradient[:, 1:] = 0
    return gradient


def _of_length_one(Θ):
    """Of distances, not of their squares."""
    gradient = np.zeros_like(Θ)
    for t in range(len(Θ)):
        for s in range(len(Θ)):
            distance = np.linalg.norm(Θ[t] - Θ[s])
            if distance > 0:
                gradient[t] += (Θ[t] - Θ[s]) / distance
    return gradient


def _mean_over_all(Θ):
    return 2 * len(Θ) * (Θ - Θ.mean())


@exercise("8.4")
def check_law(law):
    wrong = {
        "each pair pulls only the later of its tasks": _later_alone,
        "the tasks are pushed apart": _apart,
        "the 2 of the square is forgotten": _half,
        "a pull to zero": _to_zero,
        "a pull to the first task": _to_the_first,
        "a pull to the mean, not by pairs": _to_the_mean,
        "the gradient of distances, not of their squares": _of_length_one,
        "right for two tasks only": _of_two_tasks,
        "only tasks with neighbouring numbers are pairs (try three)": _neighbours,
        "right for two and three tasks only": _of_three_tasks,
        "only the first column gets a gradient (look at all)": _one_column,
        "one mean over tasks and coordinates (try several columns)": _mean_over_all,
    }
    catches(law, [_right, _right_by_loops], wrong)
