"""How good answers are, in numbers that people know: accuracy, AUC, R².

A measure has the form of a loss, (outputs, targets[, mask]) → number, so that `evaluate` takes it
in place of one:

    mtl.evaluate(model, data, {"buys": mtl.measures.auc, "price": mtl.measures.r_squared})

But higher is better here, and nothing can be learned from a measure: it has no gradient.
"""

from __future__ import annotations

import math

import numpy as np

from . import checks
from .tensor import Tensor


def accuracy(
    outputs: Tensor | np.ndarray, labels: np.ndarray, mask: np.ndarray | None = None
) -> float:
    """The share of the labels that are answered right.

        accuracy = 1/n Σ [ŷ = y]        over the n labels present

    The outputs have one of three forms:

        numbers (..., C) for labels (...)        logits of C classes. ŷ is the class with the
                                                 largest, and the first of several; y is in [0, C)
        floating numbers in the shape of labels  logits of yes or no. ŷ is yes where z > 0; y is
                                                 False or True, 0 or 1
        integers or booleans in that shape       the answers ŷ themselves

    mask: boolean, in the shape of labels; masked labels are ignored and may be NaN. Without a label
    the accuracy is NaN. ValueError, TypeError or IndexError for shapes, types and labels that do
    not fit. Source: Bishop (2006), section 1.5.1 (its complement, the misclassification rate).

    >>> accuracy(np.array([[2.0, 1.0], [0.0, 3.0], [1.0, 0.0]]), np.array([0, 1, 1]))
    0.6666666666666666
    >>> accuracy(np.array([-0.5, 2.0]), np.array([False, True]))
    1.0
    """
    where = "accuracy"
    outputs = _numbers(where, "outputs", outputs)
    labels = _numbers(where, "labels", labels)
    of_classes = outputs.ndim == labels.ndim + 1
    shape = outputs.shape[:-1] if of_classes else outputs.shape
    checks.same_shape(where, "labels", labels, shape)
    present = _present(where, mask, shape)
    y = labels[present]  # (n,)
    z = outputs[present]  # (n, C) or (n,)
    if not len(y):
        return math.nan
    if of_classes:
        answers = _not_nan(where, "outputs", z).argmax(1)
        y = checks.indices(where, "labels", y, outputs.shape[-1])
    elif outputs.dtype.kind == "f":
        answers = _not_nan(where, "outputs", z) > 0
        y = _yes_or_no(where, y)
    else:
        answers = z
    return float((answers == y).mean())


def auc(outputs: Tensor | np.ndarray, labels: np.ndarray, mask: np.ndarray | None = None) -> float:
    """The area under the ROC curve: how often a random yes has a higher score than a random no.

        AUC = 1/(p n) Σ_{i: yes} Σ_{j: no} ([s_i > s_j] + ½ [s_i = s_j])

    There are p labels yes and n labels no. 1 is a perfect order, and ½ is what guessing gives. Only
    the order of the scores counts: logits and probabilities have the same AUC. It is computed from
    ranks, which is the Mann-Whitney statistic, in O((p + n) log(p + n)).

    outputs: scores or logits, in the shape of labels. labels: False or True, 0 or 1. mask: boolean,
    in that shape; masked labels are ignored and may be NaN. If all labels are of one kind the AUC
    is NaN. ValueError or TypeError for shapes, types and labels that do not fit.
    Source: Hanley & McNeil (1982).

    >>> auc(np.array([0.9, 0.8, 0.3, 0.3]), np.array([1, 0, 1, 0]))  # 2 of 4 pairs, and a tie
    0.625
    """
    scores, labels = _present_pairs("auc", outputs, "labels", labels, mask)
    is_yes = _yes_or_no("auc", labels)
    p = int(is_yes.sum())
    n = len(is_yes) - p
    if not p or not n:
        return math.nan
    _, position, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = counts.cumsum() - (counts - 1) / 2  # from 1 on; equal scores share their mean rank
    rank = ranks[position]  # (p + n,)
    # A yes at rank r is above r − 1 others. 1 + ... + p of all these ranks come from the yes alone.
    pairs_in_order = rank[is_yes].sum() - p * (p + 1) / 2
    return float(pairs_in_order / (p * n))


def r_squared(
    outputs: Tensor | np.ndarray, targets: np.ndarray, mask: np.ndarray | None = None
) -> float:
    """The coefficient of determination: the share of the targets' variance that is explained.

        R² = 1 − Σ (y − ŷ)² / Σ (y − ȳ)²        over the n targets present, with their mean ȳ

    1 is perfect, 0 is no better than to answer ȳ always, and below 0 is worse than that.

    outputs: ŷ, in the shape of targets; all entries are one sample. mask: boolean, in that shape;
    masked targets are ignored and may be NaN. If all targets are equal there is no variance to
    explain, and R² is NaN. ValueError or TypeError for shapes and types that do not fit.
    Source: Draper & Smith (1998), section 1.3.

    >>> r_squared(np.array([1.0, 2.0, 3.0, 3.0]), np.array([1.0, 2.0, 3.0, 6.0]))  # 1 − 9/14
    0.3571428571428571
    """
    prediction, y = _present_pairs("r_squared", outputs, "targets", targets, mask)
    if not len(y):
        return math.nan
    prediction = checks.finite("r_squared", "outputs", prediction).astype(np.float64)
    y = _not_nan("r_squared", "targets", y).astype(np.float64)
    checks.finite("r_squared", "targets", y)
    if (y == y[0]).all():
        return math.nan
    # In units of about the largest target, squares stay numbers. A power of 2 rounds nothing.
    _, exponent = np.frexp(np.abs(y).max())
    with np.errstate(under="ignore", over="ignore"):  # answers far out have R² = −∞
        prediction = np.ldexp(prediction, -exponent)
        y = np.ldexp(y, -exponent)
        unexplained = ((y - prediction) ** 2).sum()
        total = ((y - y.mean()) ** 2).sum()
    return float(1 - unexplained / total)


def _present_pairs(where, outputs, name, labels, mask):
    """Outputs (n,) and labels (n,) of one shape: the n of which the label is present."""
    outputs = _numbers(where, "outputs", outputs)
    labels = _numbers(where, name, labels)
    checks.same_shape(where, name, labels, outputs.shape)
    present = _present(where, mask, labels.shape)
    return _not_nan(where, "outputs", outputs[present]), labels[present]


def _numbers(where, name, value):
    """The array of a tensor, or of what can be made one."""
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(
            f"{where}: {name} must be an array without a mask of its own, got MaskedArray; "
            "the argument mask says which labels are present"
        )
    try:
        array = value.data if isinstance(value, Tensor) else np.asarray(value)
    except ValueError as error:
        raise TypeError(f"{where}: {name} must be numbers in an array: {error}") from error
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{where}: {name} must be numbers, got {array.dtype}")
    return array


def _present(where, mask, shape):
    """The mask; True everywhere if there is none."""
    if mask is None:
        return np.ones(shape, dtype=bool)
    checks.same_shape(where, "mask", mask, shape)
    if mask.dtype != bool:
        raise TypeError(f"{where}: mask must be boolean, got {mask.dtype}")
    return mask


def _not_nan(where, name, array):
    if np.isnan(array).any():
        raise ValueError(f"{where}: {name} must not be NaN where a label is present")
    return array


def _yes_or_no(where, labels):
    """Labels (n,) False or True, 0 or 1, as booleans."""
    is_yes = labels == 1
    is_wrong = ~is_yes & (labels != 0)
    if is_wrong.any():
        raise ValueError(f"{where}: labels must be 0 or 1, got {labels[is_wrong][0]}")
    return is_yes
