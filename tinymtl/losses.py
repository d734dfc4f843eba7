"""The losses, the total loss, and two penalties that are both called L2.

    L_total = Σ_t w_t · L_t

Each loss exists twice. The *composed* one is its definition, written with the engine's operations,
and the engine differentiates it. The *fused* one is what training uses: one operation, whose
derivative was worked out on paper. The tests prove that the two are equal.

"Weighted" has three meanings, and each has a denominator of its own:

    class weights    Σ_n c(y_n) ℓ_n / Σ_n c(y_n)     not offered here: write them as your own loss
    example weights  Σ_n m_n ℓ_n / Σ_n m_n           `mask`, m_n is 0 or 1: the mean of the labels
                                                     that are present
    task weights     Σ_t w_t L_t                     `weighted_sum`: no denominator at all

A mask is True where a label is present. Masked targets are ignored and may be NaN.

Shapes must agree exactly: NumPy would turn (N,) against (N, 1) into (N, N) without a warning.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from . import checks
from .ops import log_softmax, logsumexp
from .tensor import Tensor, node

# Losses


def mse(prediction: Tensor, targets: np.ndarray, mask: np.ndarray | None = None) -> Tensor:
    """Mean squared error: minus the log-likelihood of a Gaussian with a fixed variance.

        L = 1/n Σ (ŷ − y)²            over the n entries present (all N·D without a mask)
        ∂L/∂ŷ = 2 (ŷ − y) / n         0 where the mask is False

    The prediction ŷ, the targets y and the boolean mask have one shape, for example (N, 1). If no
    entry is present, L = 0 and no gradient flows. The log-likelihood is meant up to constants.
    ValueError or TypeError for shapes or types that differ and for zero examples.
    Source: Bishop (2006), eq. 3.12.

    >>> float(mse(Tensor([[1.0], [2.0]]), np.array([[1.0], [4.0]])))
    2.0
    """
    n = _check_mse(prediction, targets, mask)
    residual = prediction.data - targets
    if mask is not None:
        residual = _zero_unless(mask, residual)  # choose first, then square: NaN · 0 would be NaN
    r = residual.reshape(-1)
    value = r.dot(r) / r.dtype.type(n)
    return node(value, (prediction, lambda g: residual * (g * 2 / n).astype(r.dtype)))


def mse_composed(prediction: Tensor, targets: np.ndarray, mask: np.ndarray | None = None) -> Tensor:
    """The definition of `mse`: choose the entries present, subtract, square, average."""
    n = _check_mse(prediction, targets, mask)
    if mask is not None:
        prediction = prediction[mask]
        targets = targets[mask]
    return ((prediction - targets) ** 2).sum() / n


def cross_entropy(logits: Tensor, labels: np.ndarray, mask: np.ndarray | None = None) -> Tensor:
    """Cross-entropy from logits: minus the log-likelihood of a categorical distribution.

        L = 1/n Σ_i (log Σ_c exp z_ic − z_i,label(i))       over the n examples present
        ∂L/∂z_ic = (softmax(z_i)_c − [c = label(i)]) / n    rows sum to 0; 0 where mask is False

    logits z (N, C); labels (N,), integers in [0, C); boolean mask (N,). Masked labels may be any
    integers. If no label is present, L = 0 and no gradient flows. The unit is nats. ValueError,
    TypeError or IndexError for shapes, types and labels that do not fit.
    Source: Bishop (2006), eq. 4.108 and 4.109.

    >>> uniform = cross_entropy(Tensor([[0.0, 0.0, 0.0]]), np.array([2]))
    >>> round(float(uniform), 4)  # log C
    1.0986
    """
    labels, n = _check_cross_entropy(logits, labels, mask)
    z = logits.data.T.copy()  # (C, N): NumPy reduces over few classes much faster down columns
    z -= z.max(0)
    at_label = (labels, np.arange(len(labels)))
    e = np.exp(z)  # (C, N)
    total = e.sum(0)  # (N,)
    each = np.log(total) - z[at_label]  # (N,): the loss of each example
    slope = e
    slope /= total * n
    slope[at_label] -= 1 / n  # (softmax − one-hot) / n
    if mask is not None:
        each = _zero_unless(mask, each)
        slope = _zero_unless(mask, slope)
    value = each.sum() / z.dtype.type(n)
    return node(value, (logits, lambda g: slope.T * g))  # .T: back to (N, C)


def cross_entropy_composed(
    logits: Tensor, labels: np.ndarray, mask: np.ndarray | None = None
) -> Tensor:
    """The definition of `cross_entropy`: the mean of minus the label's log-probability."""
    labels, n = _check_cross_entropy(logits, labels, mask)
    present = np.arange(len(labels)) if mask is None else np.flatnonzero(mask)
    log_probability = log_softmax(logits)[present, labels[present]]
    return -log_probability.sum() / n


def binary_cross_entropy(
    logits: Tensor, labels: np.ndarray, mask: np.ndarray | None = None
) -> Tensor:
    """Cross-entropy of yes-or-no questions, from one logit each: P(yes) = σ(z) = 1/(1 + e⁻ᶻ).

        L = 1/n Σ (log(1 + eᶻ) − y z)       over the n entries present
        ∂L/∂z = (σ(z) − y) / n              0 where the mask is False

    The logits z, the labels y and the boolean mask have one shape. A label is False or True, 0 or
    1, or a probability of yes in [0, 1]. The loss is equal to two-class `cross_entropy` with logits
    (0, z). If no label is present, L = 0 and no gradient flows. The unit is nats. ValueError or
    TypeError for shapes, types and labels that do not fit. Source: Bishop (2006), eq. 4.90, 4.91.

    >>> undecided = binary_cross_entropy(Tensor([0.0]), np.array([1]))
    >>> round(float(undecided), 4)  # log 2
    0.6931
    """
    y, n = _check_binary_cross_entropy(logits, labels, mask)
    z = logits.data
    one = z.dtype.type(1)
    # With e in (0, 1], log(1 + eᶻ) = max(z, 0) + log(1 + e), and nothing can overflow.
    e = np.exp(-np.abs(z))
    each = np.maximum(z, 0) - y * z + np.log1p(e)
    probability = np.where(z < 0, e, one) / (one + e)  # σ(z)
    slope = probability - y
    if mask is not None:
        each = _zero_unless(mask, each)
        slope = _zero_unless(mask, slope)
    value = each.sum() / z.dtype.type(n)
    return node(value, (logits, lambda g: slope * (g / n).astype(z.dtype)))


def binary_cross_entropy_composed(
    logits: Tensor, labels: np.ndarray, mask: np.ndarray | None = None
) -> Tensor:
    """The definition of `binary_cross_entropy`: two-class cross-entropy with the logits (0, z)."""
    y, n = _check_binary_cross_entropy(logits, labels, mask)
    y = y.reshape(-1)  # (N,)
    z = logits.reshape(-1, 1)  # (N, 1)
    both_logits = z * np.array([[0, 1]], z.dtype)  # (N, 2)
    each = logsumexp(both_logits) - z[:, 0] * y  # (N,)
    if mask is not None:
        each = each[mask.reshape(-1)]
    return each.sum() / n


# The total loss


def weighted_sum(
    losses: Mapping[str, Tensor], weights: Mapping[str, float] | None = None
) -> Tensor:
    """The total loss of multi-task learning.

        L_total = Σ_t w_t L_t           ∂L_total/∂L_t = w_t

    losses: scalar tensors by task name. weights: finite numbers by the same names (None: all 1). A
    weight of 0 takes its task out of the graph. ValueError for names that differ, for weights that
    are negative or not finite, and for losses that are not scalars.
    Source: Kendall et al. (2018), eq. 1.

    >>> L = {"price": Tensor(2.0), "buys": Tensor(0.5)}
    >>> float(weighted_sum(L, {"price": 0.1, "buys": 1.0}))
    0.7
    """
    if not losses:
        raise ValueError("weighted_sum: losses must name at least one task, got none")
    if weights is None:
        weights = dict.fromkeys(losses, 1.0)
    checks.same_tasks("weighted_sum", "weights", weights, losses)
    for task, loss in losses.items():
        checks.not_negative("weighted_sum", f"weights[{task!r}]", weights[task])
        checks.instance("weighted_sum", f"losses[{task!r}]", loss, Tensor)
        if loss.shape != ():
            raise ValueError(
                f"weighted_sum: losses[{task!r}] must be a scalar, got shape {loss.shape}"
            )
    return combine(losses, weights)


def combine(losses: Mapping[str, Tensor], weights: Mapping[str, float]) -> Tensor:
    """Σ_t w_t L_t for weights of any sign: one node, whose share for L_t is w_t g."""
    dtype = next(iter(losses.values())).data.dtype
    total = 0.0
    pairs = []
    for task, loss in losses.items():
        w = float(weights[task])
        if w:
            total += w * float(loss.data)
            pairs.append((loss, lambda g, w=dtype.type(w): g * w))
    return node(np.asarray(total, dtype), *pairs)


# Two penalties


def l2_penalty(matrices: Mapping[str, Sequence[Tensor]], strengths: Mapping[str, float]) -> Tensor:
    """The pull to zero: weight decay with one coefficient for each task.

        R = Σ_i Σ_j λ_i ‖W_ij‖²        ∂R/∂W_ij = 2 λ_i W_ij

    matrices: for task i its weight matrices W_i1, W_i2, ...; strengths: λ_i ≥ 0 by the same names.
    A matrix that several tasks list, as in hard sharing, is pulled once for each of them, with
    Σ_i λ_i in all. This penalty does not couple tasks: it makes weights small, not similar (see
    `l2_distance`). ValueError for names or strengths that do not fit.
    Source: Goodfellow et al. (2016), section 7.1.1, without its ½.

    >>> matrices = {"a": [Tensor([[3.0]])], "b": [Tensor([[1.0], [1.0]])]}
    >>> float(l2_penalty(matrices, {"a": 0.5, "b": 2.0}))
    8.5
    """
    checks.same_tasks("l2_penalty", "strengths", strengths, matrices)
    total = 0.0
    pairs = []
    for task, Ws in matrices.items():
        λ = checks.not_negative("l2_penalty", f"strengths[{task!r}]", strengths[task])
        for W in Ws:
            values = W.data
            flat = values.reshape(-1)
            total = total + W.dtype.type(λ) * flat.dot(flat)
            two_λ = W.dtype.type(2 * λ)
            pairs.append((W, lambda g, W=values, two_λ=two_λ: W * (g * two_λ)))
    return node(total, *pairs)


def l2_distance(
    copies: Sequence[Sequence[Tensor]], strength: float = 1.0, pull: str = "mean"
) -> Tensor:
    """The pull together of soft sharing. θ_t is task t's copy of the parameters, θ̄ = 1/T Σ_t θ_t.

        pull="mean":     R = λ Σ_t ‖θ_t − θ̄‖²                  ∂R/∂θ_t = 2 λ (θ_t − θ̄)
        pull="pairs":    R = λ Σ_{s<t} ‖θ_s − θ_t‖²            ∂R/∂θ_t = 2 λ T (θ_t − θ̄)
                           = λ T Σ_t ‖θ_t − θ̄‖²

    θ̄ depends on θ_t too, but that adds nothing to the gradient: −2λ/T Σ_s (θ_s − θ̄) = 0.
    R is 0 exactly if all copies are equal. Its gradient sums to 0 over the tasks, so the pull does
    not move the mean.

    copies: T lists of tensors with the same shapes in the same order. ValueError for copies that do
    not align, a bad strength, or another pull.
    Source: Evgeniou & Pontil (2004); Duong et al. (2015).

    >>> float(l2_distance([[Tensor([1.0])], [Tensor([3.0])]]))
    2.0
    """
    λ = checks.not_negative("l2_distance", "strength", strength)
    checks.choice("l2_distance", "pull", pull, ("mean", "pairs"))
    shapes = [[x.shape for x in copy] for copy in copies]
    if not shapes or any(other != shapes[0] for other in shapes):
        raise ValueError(
            f"l2_distance: copies must be aligned lists of tensors, got shapes {shapes}"
        )
    if pull == "pairs":
        λ *= len(copies)
    rows = [np.concatenate([x.data.reshape(-1) for x in copy]) for copy in copies]
    return pull_together(np.stack(rows), copies, λ)


def pull_together(Θ: np.ndarray, copies: Sequence[Sequence[Tensor]], λ: float) -> Tensor:
    """λ Σ_t ‖θ_t − θ̄‖² where row t of Θ (T, P) holds the entries of copies[t], in order."""
    D = Θ - Θ[0]  # taking the first row out makes D exactly 0 if all rows are equal
    D -= D.mean(0)  # (T, P): row t is θ_t − θ̄
    d = D.reshape(-1)
    value = Θ.dtype.type(λ) * d.dot(d)
    two_λ = Θ.dtype.type(2 * λ)
    pairs = []
    for row, copy in zip(D, copies):
        start = 0
        for x in copy:
            end = start + x.data.size
            part = row[start:end].reshape(x.shape)
            pairs.append((x, lambda g, part=part: part * (g * two_λ)))
            start = end
    return node(value, *pairs)


# What the losses ask of their arguments. All return n, the number of labels present.


def _check_mse(prediction, targets, mask):
    _check_like("mse", "targets", targets, "prediction", prediction)
    return _labels_present("mse", mask, prediction.shape)


def _check_cross_entropy(logits, labels, mask):
    """The labels as indices, 0 where the mask is False, and n."""
    where = "cross_entropy"
    checks.instance(where, "logits", logits, Tensor)
    if logits.ndim != 2:
        raise ValueError(f"{where}: logits must have shape (N, C), got {logits.shape}")
    N, C = logits.shape
    checks.same_shape(where, "labels", labels, (N,))
    n = _labels_present(where, mask, (N,))
    if labels.dtype.kind not in "iu":
        raise TypeError(f"{where}: labels must be integers, got {labels.dtype}")
    if mask is not None:
        labels = np.where(mask, labels, 0)
    return checks.indices(where, "labels", labels, C), n


def _check_binary_cross_entropy(logits, labels, mask):
    """The labels as numbers of the type of the logits, 0 where the mask is False, and n."""
    where = "binary_cross_entropy"
    if isinstance(labels, np.ndarray) and labels.dtype.kind in "bui":
        checks.instance(where, "logits", logits, Tensor)
        labels = labels.astype(logits.dtype)
    _check_like(where, "labels", labels, "logits", logits)
    n = _labels_present(where, mask, logits.shape)
    if mask is not None:
        labels = _zero_unless(mask, labels)
    is_probability = (labels >= 0) & (labels <= 1)
    if not is_probability.all():
        position = np.flatnonzero(~is_probability)[0]
        got = labels.flat[position]
        raise ValueError(f"{where}: labels must be in [0, 1], got {got} at position {position}")
    return labels, n


def _check_like(where, name, array, tensor_name, tensor):
    """An array with the shape and the type of a tensor."""
    checks.instance(where, tensor_name, tensor, Tensor)
    checks.same_shape(where, name, array, tensor.shape)
    if array.dtype != tensor.data.dtype:
        raise TypeError(
            f"{where}: {name} must be {tensor.dtype} like the {tensor_name}, got {array.dtype}"
        )


def _labels_present(where, mask, shape):
    """How many labels the mask leaves; 1 if it leaves none, so that 0 / n is 0."""
    n = math.prod(shape)
    if not n:
        raise ValueError(f"{where}: expected at least one example, got shape {shape}")
    if mask is None:
        return n
    checks.same_shape(where, "mask", mask, shape)
    if mask.dtype != bool:
        raise TypeError(f"{where}: mask must be boolean, got {mask.dtype}")
    return max(int(mask.sum()), 1)


def _zero_unless(mask, a):
    """`a` where the mask is True, else 0 of the type of `a` (NumPy 1 would make it float64)."""
    return np.where(mask, a, a.dtype.type(0))
