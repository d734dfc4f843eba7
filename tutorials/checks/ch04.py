"""Checkers for chapter 4, hard sharing."""

import numpy as np
import tinymtl as mtl

from . import Wrong, catches, exercise, numbers


def _counts(D, H, outputs, biases=(1, 1)):
    """(alone, hard), with the biases of trunk and heads or (0) without."""
    trunk = D * H + H * H + biases[0] * 2 * H
    heads = sum(H * C + biases[1] * C for C in outputs)
    return len(outputs) * trunk + heads, trunk + heads


@exercise("4.1")
def check_counts(counts):
    for D, H, outputs in ((6, 16, [1, 3]), (10, 4, [2]), (3, 5, [1, 1, 7])):
        rng = np.random.default_rng(0)
        trunk = mtl.Sequential(
            mtl.Dense(D, H, rng), mtl.relu, mtl.Dense(H, H, rng), mtl.relu
        )
        heads = {f"task {t}": mtl.Dense(H, C, rng) for t, C in enumerate(outputs)}
        expected = tuple(
            kind(trunk, heads).counts()["total"]
            for kind in (mtl.SingleTask, mtl.HardSharing)
        )
        got = tuple(numbers(counts(D, H, outputs), (2,), "(alone, hard)").tolist())
        if got != expected:
            forgotten = got in [
                _counts(D, H, outputs, biases) for biases in ((0, 0), (0, 1), (1, 0))
            ]
            slip = (
                "Every dense layer has biases too, one for each output."
                if forgotten
                else "Alone: a trunk of two layers for each task. Hard: one such trunk. Both: every head once."
            )
            raise Wrong(
                f"for D = {D}, H = {H}, outputs = {outputs} expected (alone, hard) = {expected}, got ({got[0]:g}, {got[1]:g}). {slip}"
            )


@exercise("4.2")
def check_gain_of_pooling(gain_of_pooling):
    for n1, n2, noise, spread in (
        (10, 10, 1.0, 0.05),
        (10, 100, 1.0, 0.05),
        (50, 20, 2.0, 0.1),
        (5, 1000, 1.0, 0.2),
    ):
        expected = _gain(n1, n2, noise, spread)
        got = numbers(
            gain_of_pooling(n1, n2, noise, spread),
            (2,),
            "(gain of branch 1, gain of branch 2)",
        )
        for branch, right, mine in zip((1, 2), expected, got, strict=True):
            if not np.isclose(mine, right, rtol=1e-9, atol=0):
                slip = (
                    "β₁ − β₂ is the difference of two independent parts: its variance is 2 τ²."
                    if np.isclose(mine, _gain(n1, n2, noise, spread / 2)[branch - 1])
                    else "Pooled, the error of branch 1 is the noise σ²/(n₁ + n₂) plus the bias (n₂/(n₁ + n₂))² Var(β₁ − β₂)."
                )
                raise Wrong(
                    f"n₁ = {n1}, n₂ = {n2}, σ² = {noise}, τ² = {spread}: branch {branch} should gain {right:.5g}, got {mine:.5g}. {slip}"
                )


def _gain(n1, n2, noise, spread):
    """From the variances of b₁, b₂ and β₁ − β₂, for the weights a₁, a₂ that pooling gives them."""
    a1, a2 = n1 / (n1 + n2), n2 / (n1 + n2)
    pooled_noise = a1**2 * noise / n1 + a2**2 * noise / n2
    return (
        noise / n1 - pooled_noise - a2**2 * 2 * spread,
        noise / n2 - pooled_noise - a1**2 * 2 * spread,
    )


def problem(seed, T=3):
    rng = np.random.default_rng(seed)
    A, X = rng.normal(size=(4, 2)), rng.normal(size=(7, 4))
    names = [f"task {t}" for t in range(T)]
    heads, targets = ({t: rng.normal(size=size) for t in names} for size in (2, 7))
    return A, heads, X, targets, dict(zip(names, rng.uniform(0.5, 2, T)))


def by_rows(
    A, heads, X, targets, w, *, factor=2.0, tasks=slice(None), weigh=lambda w, T: w
):
    """The gradient one example and one task at a time, with places to go wrong."""
    total = np.zeros_like(A)
    for t in list(heads)[tasks]:
        for x, y in zip(X, targets[t]):
            total += (
                weigh(w[t], len(heads))
                * factor
                * (x @ A @ heads[t] - y)
                * np.outer(x, heads[t])
                / len(X)
            )
    return total


@exercise("4.3")
def check_trunk_gradient(trunk_gradient):
    for T in (1, 3):
        A, heads, X, targets, w = problem(T, T)
        expected = by_rows(A, heads, X, targets, w)
        got = numbers(
            trunk_gradient(A, heads, X, targets, w), expected.shape, "the gradient"
        )
        if not np.allclose(got, expected):
            last = np.allclose(
                got, by_rows(A, heads, X, targets, w, tasks=slice(-1, None))
            )
            slips = {
                "That is the gradient of the last task alone: the others were overwritten.": last,
                "Half of it: the 2 of the square is missing.": np.allclose(
                    2 * got, expected
                ),
                "A sum over tasks, not a mean.": np.allclose(T * got, expected),
                "The weights are missing.": np.allclose(
                    got, by_rows(A, heads, X, targets, w, weigh=lambda w, T: 1.0)
                ),
            }
            slip = next(
                (text for text, found in slips.items() if found),
                "The trunk receives the weighted sum over tasks of each one's gradient.",
            )
            raise Wrong(
                f"with {T} tasks entry (0, 0) should be {expected[0, 0]:.5g}, got {got[0, 0]:.5g}. {slip}"
            )


@exercise("4.4")
def check_law(law):
    slip = lambda **changed: lambda *arguments: by_rows(*arguments, **changed)
    catches(
        law,
        by_rows,
        {
            "uphill for downhill": slip(factor=-2.0),
            "only the last task counts": slip(tasks=slice(-1, None)),
            "the mean over tasks instead of the sum": slip(weigh=lambda w, T: w / T),
            "the weights are forgotten": slip(weigh=lambda w, T: 1.0),
            "the 2 of the square is forgotten": slip(factor=1.0),
        },
    )
