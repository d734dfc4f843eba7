"""The losses, the total loss, and two penalties that are both called L2.

    L_total = Σ_t w_t · L_t

Each loss exists twice. The *composed* one is its definition, written with the engine's operations,
and the engine differentiates it. The *fused* one is what training uses: one operation, whose
derivative was worked out on paper. The tests prove that the two are equal for finite numbers.

"Weighted" has three uses and two denominators: the weights of classes and of examples are divided
by their sum, those of tasks by nothing.

    class weights    Σ_n c(y_n) ℓ_n / Σ_n c(y_n)     `mask` too: m = c[labels]
    example weights  Σ_n m_n ℓ_n / Σ_n m_n           `mask`, m_n ≥ 0
    task weights     Σ_t w_t L_t                     `weighted_sum`: no denominator

A mask is one of two things. A boolean array is True where a label is present: m_n is 1 or 0, and
the loss is the mean over the labels present. A floating array, of the type of the prediction, holds
the weights m_n. It has the shape of a boolean mask, is finite and nowhere negative. Targets where
m_n = 0 are ignored and may be NaN. If Σ m_n = 0, L = 0 and no gradient flows.

Shapes must agree exactly: NumPy would turn (N,) against (N, 1) into (N, N) without a warning.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from . import checks
from .ops import LONGEST_CHAIN, log_softmax, logsumexp
from .tensor import Tensor, checked_tensors, node, underflow_is_0

# Losses


@underflow_is_0
def mse(prediction: Tensor, targets: np.ndarray, mask: np.ndarray | None = None) -> Tensor:
    """Mean squared error: minus the log-likelihood of a Gaussian with a fixed variance.

        L = 1/n Σ m (ŷ − y)²          n = Σ m over all entries (n = N·D without a mask)
        ∂L/∂ŷ = 2 m (ŷ − y) / n

    The prediction ŷ, the targets y and the mask m have one shape, for example (N, 1). m is True or
    False, or a weight ≥ 0; targets where it is 0 are ignored and may be NaN. If n = 0, L = 0 and no
    gradient flows. The log-likelihood is meant up to constants. ValueError or TypeError for shapes
    or types that differ, for weights that are negative or not finite, and for zero examples. Where
    the sum of the squares is too large for its type, L is infinite, and NumPy warns.
    Source: Bishop (2006), eq. 3.12.

    >>> float(mse(Tensor([[1.0], [2.0]]), np.array([[1.0], [4.0]])))
    2.0
    """
    n = _check_mse(prediction, targets, mask)
    a = prediction.data
    if mask is not None:  # choose first, then compute: NaN · 0 would be NaN
        a = _zero_unless(mask, a)
        targets = _zero_unless(mask, targets)
    residual = a - targets
    weighted = residual if mask is None else residual * mask
    r = residual.reshape(-1)
    value = _dot(weighted.reshape(-1), r) / r.dtype.type(n)  # 1/n Σ m (ŷ − y)²
    return node(value, (prediction, lambda g: weighted * (g * 2 / n).astype(r.dtype)))


def _dot(a, b):
    """Σ_i a_i b_i"""
    if len(a) > LONGEST_CHAIN:
        half = len(a) // 2
        return _dot(a[:half], b[:half]) + _dot(a[half:], b[half:])
    return a.dot(b)


@underflow_is_0
def mse_composed(prediction: Tensor, targets: np.ndarray, mask: np.ndarray | None = None) -> Tensor:
    """The definition of `mse`: choose the entries present, subtract, square, average."""
    n = _check_mse(prediction, targets, mask)
    if mask is None:
        return ((prediction - targets) ** 2).sum() / n
    present = mask > 0
    squares = (prediction[present] - targets[present]) ** 2
    return _times_weights(mask[present], squares).sum() / n


@underflow_is_0
def cross_entropy(logits: Tensor, labels: np.ndarray, mask: np.ndarray | None = None) -> Tensor:
    """Cross-entropy from logits: minus the log-likelihood of a categorical distribution.

        L = 1/n Σ_i m_i (log Σ_c exp z_ic − z_i,label(i))       n = Σ m (n = N without a mask)
        ∂L/∂z_ic = m_i (softmax(z_i)_c − [c = label(i)]) / n    rows sum to 0

    logits z (N, C); labels (N,), integers in [0, C); mask m (N,), True or False, or weights ≥ 0.
    Labels where m is 0 may be anything. If n = 0, L = 0 and no gradient flows. The unit is nats.

    Soft labels q (N, C) have the type of the logits. Each row is a distribution over the classes:
    its entries lie in [0, 1], and their sum is 1 up to 1e-6. One-hot rows are hard labels.

        L = −1/n Σ_i m_i Σ_c q_ic log softmax(z_i)_c
        ∂L/∂z_ic = m_i (softmax(z_i)_c − q_ic) / n

    ValueError, TypeError or IndexError for shapes, types, labels and weights that do not fit.
    Source: Bishop (2006), eq. 4.108 and 4.109; its targets t_nk are q.

    >>> uniform = cross_entropy(Tensor([[0.0, 0.0, 0.0]]), np.array([2]))
    >>> round(float(uniform), 4)  # log C
    1.0986
    """
    labels, n = _check_cross_entropy(logits, labels, mask)
    z = logits.data.T.copy()  # (C, N): NumPy reduces over few classes much faster down columns
    if mask is not None:
        z[:, mask == 0] = 0  # what has no label must be finite: NaN · 0 would be NaN
    z -= z.max(0)
    e = np.exp(z)  # (C, N)
    total = e.sum(0)  # (N,)
    slope = e
    slope /= total  # softmax
    if labels.ndim == 1:
        N = len(labels)
        at_label = labels * N + np.arange(N)  # (N,): flat places are faster than pairs of places
        each = np.log(total) - z.reshape(-1)[at_label]  # (N,): the loss of each example
        slope.reshape(-1)[at_label] -= 1  # softmax − one-hot
    else:
        q = labels.T  # (C, N)
        each = np.log(total) - (q * z).sum(0)  # (N,): log Σ exp z counts Σ_c q = 1 times
        slope -= q  # softmax − q
    if mask is not None:
        each *= mask
        slope *= mask
    value = each.sum() / z.dtype.type(n)
    return node(value, (logits, lambda g: slope.T * (g / n)))  # .T: back to (N, C)


@underflow_is_0
def cross_entropy_composed(
    logits: Tensor, labels: np.ndarray, mask: np.ndarray | None = None
) -> Tensor:
    """The definition of `cross_entropy`: the mean of minus the label's log-probability."""
    labels, n = _check_cross_entropy(logits, labels, mask)
    if labels.ndim == 1:
        log_probability = log_softmax(logits)[np.arange(len(labels)), labels]  # (N,)
    else:
        log_probability = (log_softmax(logits) * labels).sum(1)  # (N,)
    return -_sum_of_present(log_probability, mask) / n


@underflow_is_0
def binary_cross_entropy(
    logits: Tensor, labels: np.ndarray, mask: np.ndarray | None = None
) -> Tensor:
    """Cross-entropy of yes-or-no questions, from one logit each: P(yes) = σ(z) = 1/(1 + e⁻ᶻ).

        L = 1/n Σ m (log(1 + eᶻ) − y z)       n = Σ m over all entries (without a mask: m = 1)
        ∂L/∂z = m (σ(z) − y) / n

    The logits z, the labels y and the mask m have one shape. A label is False or True, 0 or 1, or a
    probability of yes in [0, 1]. m is True or False, or a weight ≥ 0; labels where it is 0 are
    ignored and may be NaN. The loss is equal to two-class `cross_entropy` with logits (0, z). If
    n = 0, L = 0 and no gradient flows. The unit is nats. ValueError or TypeError for shapes, types,
    labels and weights that do not fit. Source: Bishop (2006), eq. 4.90, 4.91.

    >>> undecided = binary_cross_entropy(Tensor([0.0]), np.array([1]))
    >>> round(float(undecided), 4)  # log 2
    0.6931
    """
    y, n = _check_binary_cross_entropy(logits, labels, mask)
    z = logits.data
    if mask is not None:
        z = _zero_unless(mask, z)  # what has no label must be finite: NaN · 0 would be NaN
    one = z.dtype.type(1)
    # With e in (0, 1], log(1 + eᶻ) = max(z, 0) + log(1 + e), and nothing can overflow.
    e = np.exp(-np.abs(z))
    each = np.maximum(z, 0) - y * z + np.log1p(e)
    probability = np.maximum(e, z >= 0) / (one + e)  # σ(z), as in `sigmoid`
    slope = probability - y
    if mask is not None:
        each *= mask
        slope *= mask
    value = each.sum() / z.dtype.type(n)
    return node(value, (logits, lambda g: slope * (g / n).astype(z.dtype)))


@underflow_is_0
def binary_cross_entropy_composed(
    logits: Tensor, labels: np.ndarray, mask: np.ndarray | None = None
) -> Tensor:
    """The definition of `binary_cross_entropy`: two-class cross-entropy with the logits (0, z)."""
    y, n = _check_binary_cross_entropy(logits, labels, mask)
    y = y.reshape(-1)  # (N,)
    z = logits.reshape(-1, 1)  # (N, 1)
    both_logits = z * np.array([[0, 1]], z.dtype)  # (N, 2)
    each = logsumexp(both_logits) - z[:, 0] * y  # (N,)
    mask = None if mask is None else mask.reshape(-1)
    return _sum_of_present(each, mask) / n


# Masks and example weights


def _zero_unless(mask, a):
    """`a` where the mask is not 0, else 0 of the type of `a` (NumPy 1 would make it float64)."""
    return np.where(mask, a, a.dtype.type(0))


def _sum_of_present(each, mask):
    """Σ m ℓ over a tensor of losses (N,). What is not present is not even multiplied."""
    if mask is None:
        return each.sum()
    present = mask > 0
    return _times_weights(mask[present], each[present]).sum()


def _times_weights(m, losses):
    """m · ℓ for a tensor of losses that are present: weights that are True are 1."""
    return losses if m.dtype == bool else losses * m


# The total loss


def weighted_sum(
    losses: Mapping[str, Tensor], weights: Mapping[str, float] | None = None
) -> Tensor:
    """The total loss of multi-task learning.

        L_total = Σ_t w_t L_t           ∂L_total/∂L_t = w_t

    losses: scalar tensors by task name. weights: finite numbers by the same names (None: all 1). A
    weight of 0 takes its task out of the graph. ValueError for names that differ, for weights that
    are negative or not finite, and for losses that are not scalars. TypeError for two types.
    Source: Kendall et al. (2018), eq. 1.

    >>> L = {"price": Tensor(2.0), "buys": Tensor(0.5)}
    >>> float(weighted_sum(L, {"price": 0.1, "buys": 1.0}))
    0.7
    """
    checks.mapping("weighted_sum", "losses", losses)
    if not losses:
        raise ValueError("weighted_sum: losses must name at least one task, got none")
    if weights is None:
        weights = dict.fromkeys(losses, 1.0)
    checks.same_tasks("weighted_sum", "weights", weights, losses)
    for task, loss in losses.items():
        w = weights[task]
        # The name of an argument is written only where it is wrong: to write it takes longest.
        if type(w) is not float or not 0 <= w < math.inf:
            checks.not_negative("weighted_sum", f"weights[{task!r}]", w)
        if not isinstance(loss, Tensor):
            checks.instance("weighted_sum", f"losses[{task!r}]", loss, Tensor)
        if loss.data.shape != ():
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
        if loss.data.dtype != dtype:  # a float64 number may be too large for float32
            raise TypeError(
                f"weighted_sum: losses[{task!r}] must be {dtype} like the others, got {loss.dtype}"
            )
        w = float(weights[task])
        if w:
            total += w * float(loss.data)
            pairs.append((loss, lambda g, w=dtype.type(w): g * w))
    return node(np.asarray(total, dtype), *pairs)


# Two penalties


@underflow_is_0
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
    checks.mapping("l2_penalty", "matrices", matrices)
    checks.same_tasks("l2_penalty", "strengths", strengths, matrices)
    for task, Ws in matrices.items():
        checked_tensors("l2_penalty", f"matrices[{task!r}]", Ws)
    _check_one_type("l2_penalty", "matrices", [W for Ws in matrices.values() for W in Ws])
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
    checks.instance("l2_distance", "copies", copies, Sequence)
    for i, copy in enumerate(copies):
        checked_tensors("l2_distance", f"copies[{i}]", copy)
    _check_one_type("l2_distance", "copies", [x for copy in copies for x in copy])
    shapes = [[x.shape for x in copy] for copy in copies]
    if not shapes or not shapes[0] or any(other != shapes[0] for other in shapes):
        raise ValueError(
            f"l2_distance: copies must be aligned lists of tensors, got shapes {shapes}"
        )
    if pull == "pairs":
        λ *= len(copies)
    rows = [np.concatenate([x.data.reshape(-1) for x in copy]) for copy in copies]
    return pull_together(np.stack(rows), copies, λ)


@underflow_is_0
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


# What losses and penalties ask of their arguments.


def _check_one_type(where, name, tensors):
    """The tensors have one type."""
    types = {x.data.dtype for x in tensors}
    if len(types) > 1:
        got = sorted(str(dtype) for dtype in types)
        raise TypeError(f"{where}: {name} must be tensors of one type, got {got}")


# The checks of losses return the denominator n.


def _check_mse(prediction, targets, mask):
    _check_like("mse", "targets", targets, "prediction", prediction)
    return _denominator("mse", mask, prediction.shape, prediction.data.dtype)


def _check_cross_entropy(logits, labels, mask):
    """The labels as indices or distributions, harmless where the mask is 0, and n."""
    where = "cross_entropy"
    checks.instance(where, "logits", logits, Tensor)
    z = logits.data
    if z.ndim != 2 or not z.shape[1]:
        raise ValueError(f"{where}: logits must have shape (N, C), C ≥ 1, got {logits.shape}")
    N, C = z.shape
    is_soft = isinstance(labels, np.ndarray) and labels.ndim == 2 and labels.dtype.kind == "f"
    if is_soft:
        _check_like(where, "labels", labels, "logits", logits)
    else:
        checks.same_shape(where, "labels", labels, (N,))
    n = _denominator(where, mask, (N,), z.dtype)
    if is_soft:
        return _distributions(where, labels, mask), n
    if labels.dtype.kind not in "iu":
        raise TypeError(
            f"{where}: labels must be integers (N,), or {logits.dtype} distributions (N, C); "
            f"got {labels.dtype}"
        )
    if mask is not None:
        labels = np.where(mask, labels, 0)
    return checks.indices(where, "labels", labels, C), n


def _distributions(where, labels, mask):
    """Soft labels (N, C), uniform where the mask is 0, if each row is a distribution."""
    if mask is not None:
        uniform = labels.dtype.type(1 / labels.shape[1])
        labels = np.where(mask[:, None], labels, uniform)
    in_range = ((labels >= 0) & (labels <= 1)).all(1)  # (N,)
    total = labels.sum(1, dtype=np.float64)  # (N,)
    is_distribution = in_range & (np.abs(total - 1) <= 1e-6)
    if not is_distribution.all():
        position = np.flatnonzero(~is_distribution)[0]
        raise ValueError(
            f"{where}: labels must be rows of probabilities in [0, 1] that sum to 1; "
            f"got {labels[position]} with the sum {total[position]:g} at row {position}"
        )
    return labels


def _check_binary_cross_entropy(logits, labels, mask):
    """The labels as numbers of the type of the logits, finite also where the mask is 0, and n."""
    where = "binary_cross_entropy"
    kind = labels.dtype.kind if isinstance(labels, np.ndarray) else ""
    if kind in ("b", "u", "i"):
        checks.instance(where, "logits", logits, Tensor)
        labels = labels.astype(logits.dtype)
    _check_like(where, "labels", labels, "logits", logits)
    n = _denominator(where, mask, logits.shape, logits.data.dtype)
    if kind == "b":  # nothing to look for: False and True are 0 and 1
        return labels, n
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


def _denominator(where, mask, shape, dtype):
    """n = Σ m, the number of labels present or the sum of weights; 1 for 0, so that 0 / n is 0."""
    size = math.prod(shape)
    if not size:
        raise ValueError(f"{where}: expected at least one example, got shape {shape}")
    if mask is None:
        return size
    checks.same_shape(where, "mask", mask, shape)
    if mask.dtype == bool:
        return max(int(np.count_nonzero(mask)), 1)
    if mask.dtype != dtype:
        raise TypeError(
            f"{where}: mask must be boolean, or weights of type {dtype}; got {mask.dtype}"
        )
    is_weight = (mask >= 0) & (mask < np.inf)
    if not is_weight.all():
        position = np.flatnonzero(~is_weight)[0]
        raise ValueError(
            f"{where}: weights in mask must be finite and not negative, "
            f"got {mask.flat[position]} at position {position}"
        )
    with np.errstate(over="ignore"):
        n = float(mask.sum())
    if n and not np.finfo(dtype).tiny <= n < math.inf:
        raise ValueError(
            f"{where}: weights in mask must add up to 0 or to a normal number of type {dtype}, "
            f"got {n}"
        )
    return n or 1.0
