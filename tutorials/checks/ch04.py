"""Checkers for chapter 4, hard sharing."""

import numpy as np
import tinymtl as mtl

from . import Wrong, catches, exercise, numbers


@exercise("4.1")
def check_counts(counts):
    for D, H, outputs in ((6, 16, [1, 3]), (10, 4, [2]), (3, 5, [1, 1, 7])):
        expected = _counted(D, H, outputs)
        got = tuple(numbers(counts(D, H, outputs), (2,), "(alone, hard)").tolist())
        if got != expected:
            without_biases = [
                _counts(D, H, outputs, of_trunk, of_heads)
                for of_trunk, of_heads in ((0, 0), (0, 1), (1, 0))
            ]
            if got in without_biases:
                slip = "Every dense layer has biases too, one for each output."
            else:
                slip = (
                    "Alone: a trunk of two layers for each task. Hard: one such trunk. "
                    "Both: every head once."
                )
            raise Wrong(
                f"for D = {D}, H = {H}, outputs = {outputs} "
                f"expected (alone, hard) = {expected}, "
                f"got ({got[0]:g}, {got[1]:g}). {slip}"
            )


def _counted(D, H, outputs):
    """(alone, hard) by the package's own models."""
    rng = np.random.default_rng(0)
    layers = [mtl.Dense(D, H, rng), mtl.relu, mtl.Dense(H, H, rng), mtl.relu]
    trunk = mtl.Sequential(*layers)
    heads = {f"task {t}": mtl.Dense(H, C, rng) for t, C in enumerate(outputs)}
    alone = mtl.SingleTask(trunk, heads)
    hard = mtl.HardSharing(trunk, heads)
    return alone.counts()["total"], hard.counts()["total"]


def _counts(D, H, outputs, of_trunk, of_heads):
    """(alone, hard), with the biases of trunk and heads (1) or without them (0)."""
    trunk = D * H + H * H + of_trunk * 2 * H
    heads = sum(H * C + of_heads * C for C in outputs)
    return len(outputs) * trunk + heads, trunk + heads


@exercise("4.2")
def check_gain_of_pooling(gain_of_pooling):
    cases = [
        (10, 10, 1.0, 0.05),
        (10, 100, 1.0, 0.05),
        (50, 20, 2.0, 0.1),
        (5, 1000, 1.0, 0.2),
    ]
    for n1, n2, noise, spread in cases:
        expected = _gain(n1, n2, noise, spread)
        half_spread = _gain(n1, n2, noise, spread / 2)
        answer = gain_of_pooling(n1, n2, noise, spread)
        got = numbers(answer, (2,), "(gain of branch 1, gain of branch 2)")
        for i in (0, 1):
            if np.isclose(got[i], expected[i], rtol=1e-9, atol=0):
                continue
            if np.isclose(got[i], half_spread[i]):
                slip = (
                    "β₁ − β₂ is the difference of two independent parts: "
                    "its variance is 2 τ²."
                )
            else:
                slip = (
                    "Pooled, the error of branch 1 is the noise σ²/(n₁ + n₂) "
                    "plus the bias (n₂/(n₁ + n₂))² Var(β₁ − β₂)."
                )
            raise Wrong(
                f"n₁ = {n1}, n₂ = {n2}, σ² = {noise}, τ² = {spread}: "
                f"branch {i + 1} should gain {expected[i]:.5g}, got {got[i]:.5g}. "
                f"{slip}"
            )


def _gain(n1, n2, noise, spread):
    """The gains from the variances of b₁, b₂ and β₁ − β₂.

    a₁ and a₂ are the weights that pooling gives to b₁ and b₂.
    """
    a1 = n1 / (n1 + n2)
    a2 = n2 / (n1 + n2)
    pooled_noise = a1**2 * noise / n1 + a2**2 * noise / n2
    gain1 = noise / n1 - pooled_noise - a2**2 * 2 * spread
    gain2 = noise / n2 - pooled_noise - a1**2 * 2 * spread
    return gain1, gain2


def problem(seed, T=3):
    """Random (A, heads, X, targets, w) of T tasks."""
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(4, 2))
    X = rng.normal(size=(7, 4))
    names = [f"task {t}" for t in range(T)]
    heads = {t: rng.normal(size=2) for t in names}
    targets = {t: rng.normal(size=7) for t in names}
    w = dict(zip(names, rng.uniform(0.5, 2, T)))
    return A, heads, X, targets, w


def as_given(w, T):
    return w


def over_tasks(w, T):
    return w / T


def all_one(w, T):
    return 1.0


def by_rows(A, heads, X, targets, w, *, factor=2.0, tasks=slice(None), weigh=as_given):
    """The gradient, one example and one task at a time, with places to go wrong.

    factor: what the derivative of the square begins with
    tasks: which tasks count
    weigh: (weight of a task, number of tasks) -> its factor
    """
    total = np.zeros_like(A)
    for t in list(heads)[tasks]:
        weight = weigh(w[t], len(heads))
        for x, y in zip(X, targets[t]):
            residual = x @ A @ heads[t] - y
            total += weight * factor * residual * np.outer(x, heads[t]) / len(X)
    return total


last_alone = slice(-1, None)


@exercise("4.3")
def check_trunk_gradient(trunk_gradient):
    for T in (1, 3):
        given = problem(T, T)
        expected = by_rows(*given)
        got = numbers(trunk_gradient(*given), expected.shape, "the gradient")
        if not np.allclose(got, expected):
            raise Wrong(
                f"with {T} tasks entry (0, 0) should be {expected[0, 0]:.5g}, "
                f"got {got[0, 0]:.5g}. {_slip_of_trunk(got, expected, given, T)}"
            )


def _slip_of_trunk(got, expected, given, T):
    if np.allclose(got, by_rows(*given, tasks=last_alone)):
        return (
            "That is the gradient of the last task alone: the others were overwritten."
        )
    if np.allclose(2 * got, expected):
        return "Half of it: the 2 of the square is missing."
    if np.allclose(T * got, expected):
        return "A sum over tasks, not a mean."
    if np.allclose(got, by_rows(*given, weigh=all_one)):
        return "The weights are missing."
    return "The trunk receives the weighted sum over tasks of each one's gradient."


@exercise("4.4")
def check_law(law):
    def slip(**changed):
        def wrong(*given):
            return by_rows(*given, **changed)

        return wrong

    wrong = {
        "uphill for downhill": slip(factor=-2.0),
        "only the last task counts": slip(tasks=last_alone),
        "the mean over tasks instead of the sum": slip(weigh=over_tasks),
        "the weights are forgotten": slip(weigh=all_one),
        "the 2 of the square is forgotten": slip(factor=1.0),
    }
    catches(law, by_rows, wrong)
