"""Checkers for chapter 7, negative transfer and rules for the weights."""

import numpy as np
from tinymtl import weighting

from . import Wrong, catches, exercise, expect


@exercise("7.1")
def check_settled(settled_weights):
    cases = [([4.0, 0.5], [True, False])]
    for seed in range(8):
        rng = np.random.default_rng(seed)
        T = 1 + seed % 3
        L = np.exp(rng.normal(size=T)).round(3)
        cases.append((L.tolist(), (rng.uniform(size=T) < 0.5).tolist()))
    for losses, regression in cases:
        L = np.array(losses)
        is_regression = np.array(regression)
        answer = settled_weights(L, is_regression)
        if not isinstance(answer, (tuple, list)) or len(answer) != 2:
            raise Wrong("two things are wanted: the weights (T,) and the objective")
        given = f"for L = {losses}, regression = {regression}"
        variance = np.where(is_regression, L, 2 * L)
        factor = np.where(is_regression, 0.5, 1.0)
        expect(
            answer[0],
            1 / (2 * L),
            "the weights",
            given=given,
            known={
                "That is σ², not yet the weight.": variance,
                "That is 1/σ²; what stands before L in each line?": 1 / variance,
                "A classification settles at another σ² than a regression.": factor / L,
            },
            hint="ℓ′(s) = 0 gives eˢ; the weight is what stands before L.",
        )
        of_lines = 0.5 * np.log(variance)
        expect(
            answer[1],
            (0.5 + of_lines).sum(),
            "the objective",
            given=given,
            known={
                "That is Σ w L alone; each task also has ½ s.": 0.5 * len(L),
                "That is Σ ½ s alone; each task also has w L.": of_lines.sum(),
                "It counts s whole; both lines have ½ s.": (0.5 + 2 * of_lines).sum(),
                "That is log L for all; a classification has another σ².": (
                    0.5 + 0.5 * np.log(L)
                ).sum(),
                "That is the mean over tasks; the objective is the sum.": (
                    0.5 + of_lines
                ).mean(),
            },
            hint="Put the s that you found back into each line, and add up.",
        )


def _finite(answer):
    """Whether all numbers are finite; True for what is no array of numbers."""
    try:
        return answer is None or np.isfinite(np.asarray(answer, float)).all()
    except (TypeError, ValueError):
        return True


@exercise("7.2")
def check_which_sum(which_sum):
    cases = [[[2.0, 0.0], [-6.0, 0.0]], [[0.0, 0.0], [1.0, -2.0]]]
    cases += [[[3.0, 4.0], [0.0, 0.0]], [[0.0, 2.0], [0.0, -3.0]]]
    for seed in range(8):
        rng = np.random.default_rng(seed)
        g = rng.normal(size=1 + seed % 4).round(2) + 0.005
        cases.append([g.tolist(), (-g * np.round(rng.uniform(0.2, 5), 1)).tolist()])
    for case in cases:
        J = np.array(case)
        lengths = np.sqrt((J**2).sum(1))
        squares = lengths**2
        answer = which_sum(J)
        given = f"for J = {J.round(3).tolist()}"
        if not _finite(answer):
            raise Wrong(
                f"{given}: not finite. One gradient may be 0: divide by the sum of "
                "both lengths, and not by one of them."
            )
        expect(
            answer,
            lengths[::-1] / lengths.sum(),
            "w",
            given=given,
            known={
                "The two are swapped. Is w₁ g₁ + w₂ g₂ = 0 with them?": (
                    lengths / lengths.sum()
                ),
                "Those are squares of lengths; w₁ ‖g₁‖ = w₂ ‖g₂‖ has none.": (
                    squares[::-1] / squares.sum()
                ),
                "The ratio is right, but they should add up to 1.": lengths[::-1],
                "The ratio is right, but the larger is 1: they should add up to 1.": (
                    lengths[::-1] / lengths.max()
                ),
                "A weight is not negative; the gradients have the signs already.": (
                    lengths[::-1] / lengths.sum() * np.array([-1.0, 1.0])
                ),
                "Equal weights end here only if the gradients are equally long.": [
                    0.5,
                    0.5,
                ],
            },
            hint="Check it: w₁ g₁ + w₂ g₂ should be 0, and w₁ + w₂ should be 1.",
        )


@exercise("7.3")
def check_learned(learned_weights):
    for losses in ([4.0, 2.0], [4.0, 0.25], [0.01], [0.05, 0.6, 3.0]):
        L = np.array(losses)
        expect(
            learned_weights(L),
            1 / (2 * L),
            "the weights",
            given=f"for L = {losses}",
            known={
                "Small losses still cannot get more than ½: what holds s up?": (
                    np.minimum(1 / (2 * L), 0.5)
                ),
                "No weight moved from ½: s must change in each step.": (
                    np.full(len(L), 0.5)
                ),
                "That is 1/L. Only the line that is wrong needs to go.": 1 / L,
                "That is σ². The weight is ½ e⁻ˢ.": L,
            },
            hint="They should settle at 1/(2L) for every L, above 1 and below.",
            rtol=1e-3,
        )


def _inverse_losses(losses, gramian=None):
    return 1 / np.asarray(losses)


def _inverse_norms(losses, gramian):
    return 1 / np.sqrt(np.diag(gramian))


def _norms_of_the_first_only(losses, gramian):
    w = np.ones(len(losses))
    w[0] = 1 / np.sqrt(gramian[0, 0])
    return w


def _norms_of_the_last_only(losses, gramian):
    w = np.ones(len(losses))
    w[-1] = 1 / np.sqrt(gramian[-1, -1])
    return w


def _inverse_squares(losses, gramian):
    return 1 / np.diag(gramian)


def _root_of_norms(losses, gramian):
    return np.diag(gramian) ** -0.25


def _losses_and_norms(losses, gramian):
    return 1 / np.asarray(losses) / np.sqrt(np.diag(gramian))


def _only_small_units(losses, gramian):
    return 1 / np.sqrt(np.maximum(np.diag(gramian), 1.0))


def _only_large_units(losses, gramian):
    return 1 / np.sqrt(np.minimum(np.diag(gramian), 1.0))


@exercise("7.4")
def check_law(law):
    right = [
        weighting.nash_mtl,
        weighting.conflict_free,
        _inverse_losses,
        _inverse_norms,
    ]
    wrong = {
        "it does not normalise at all (a plain sum)": weighting.equal,
        "the shortest vector (MGDA)": weighting.mgda,
        "projected, but not normalised (UPGrad)": weighting.upgrad,
        "divided by squares of lengths": _inverse_squares,
        "divided by roots of lengths": _root_of_norms,
        "divided by the loss and by the length": _losses_and_norms,
        "normalised for the first task only": _norms_of_the_first_only,
        "normalised for the last task only": _norms_of_the_last_only,
        "normalised only where gradients are longer than 1": _only_small_units,
        "normalised only where gradients are shorter than 1": _only_large_units,
    }
    catches(law, right, wrong)
