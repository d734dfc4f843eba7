"""The losses, the total loss, and two penalties that are both called L2.

    L_total = Σ_t w_t · L_t

Each loss exists twice. The *composed* one is its definition, written with the engine's operations, and
the engine differentiates it. The *fused* one is what training uses: one operation whose derivative was
worked out on paper. The tests prove the two equal.

"Weighted" has three meanings, each with a denominator of its own:
  class weights    Σ_n c(y_n) ℓ_n / Σ_n c(y_n)     not offered here; make them a loss of your own
  example weights  Σ_n m_n ℓ_n / Σ_n m_n           `mask`, m_n 0 or 1: the mean over the labels present
  task weights     Σ_t w_t L_t                     `weighted_sum`: no denominator at all

Shapes must agree exactly: NumPy would turn (N,) against (N, 1) into (N, N) without a word.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from .ops import check_range, log_softmax, logsumexp
from .tensor import Tensor, node


def mse(prediction: Tensor, targets: np.ndarray, mask: np.ndarray | None = None) -> Tensor:
    """Mean squared error: minus the log-likelihood of a Gaussian with fixed variance, up to constants.

        L = 1/n Σ (ŷ − y)²            over the n entries present (all N·D without a mask)
        ∂L/∂ŷ = 2 (ŷ − y) / n         0 where the mask is False

    prediction ŷ, targets y and the boolean mask all have one shape, e.g. (N, 1). What stands at a missing
    target is never read, it may be NaN. No entry present: L = 0, without a gradient. ValueError or
    TypeError for shapes or types that differ and for zero examples. Source: Bishop (2006), eq. 3.12.

    >>> float(mse(Tensor([[1.0], [2.0]]), np.array([[1.0], [4.0]])))
    2.0
    """
    mask, n = _checked("mse", prediction, targets, mask)
    residual = prediction.data - targets
    if mask is not None:
        residual = _where(mask, residual)  # choose first, then square: NaN · 0 would be NaN
    r = residual.reshape(-1)
    return node(
        r.dot(r) / r.dtype.type(n), (prediction, lambda g: residual * (g * 2 / n).astype(r.dtype))
    )


def mse_composed(prediction: Tensor, targets: np.ndarray, mask: np.ndarray | None = None) -> Tensor:
    """The definition of `mse`: choose the entries present, subtract, square, average."""
    mask, n = _checked("mse", prediction, targets, mask)
    if mask is not None:
        prediction, targets = prediction[mask], targets[mask]
    return ((prediction - targets) ** 2).sum() / n


def cross_entropy(logits: Tensor, labels: np.ndarray, mask: np.ndarray | None = None) -> Tensor:
    """Cross-entropy from logits: minus the log-likelihood of a categorical distribution.

        L = 1/n Σ_i (log Σ_c exp z_ic − z_i,label(i))       over the n examples present
        ∂L/∂z_ic = (softmax(z_i)_c − [c = label(i)]) / n    rows sum to 0; 0 where the mask is False

    logits z (N, C); labels (N,) integers in [0, C); boolean mask (N,). What stands at a missing label is
    never read. No label present: L = 0, without a gradient. Nats. ValueError, TypeError or IndexError for
    shapes, types and labels that do not fit. Source: Bishop (2006), eq. 4.108 and 4.109.

    >>> round(float(cross_entropy(Tensor([[0.0, 0.0, 0.0]]), np.array([2]))), 4)  # uniform: log C
    1.0986
    """
    labels, mask, n = _checked_labels(logits, labels, mask)
    z = (
        logits.data.T.copy()
    )  # (C, N): NumPy reduces over few classes several times faster down columns
    z -= z.max(0)
    at = labels, np.arange(len(labels))
    slope = np.exp(z)
    total = slope.sum(0)
    each = np.log(total) - z[at]  # (N,)
    slope /= total * n
    slope[at] -= 1 / n  # (softmax − one-hot) / n
    if mask is not None:
        each, slope = _where(mask, each), _where(mask, slope)
    return node(each.sum() / z.dtype.type(n), (logits, lambda g: slope.T * g))


def cross_entropy_composed(
    logits: Tensor, labels: np.ndarray, mask: np.ndarray | None = None
) -> Tensor:
    """The definition of `cross_entropy`: the mean of minus the label's log-probability."""
    labels, mask, n = _checked_labels(logits, labels, mask)
    present = np.flatnonzero(np.ones(len(labels), bool) if mask is None else mask)
    return -log_softmax(logits)[present, labels[present]].sum() / n


def binary_cross_entropy(
    logits: Tensor, labels: np.ndarray, mask: np.ndarray | None = None
) -> Tensor:
    """Cross-entropy of yes-or-no questions, from one logit each: P(yes) = σ(z) = 1/(1 + e⁻ᶻ).

        L = 1/n Σ (log(1 + eᶻ) − y z)       over the n entries present
        ∂L/∂z = (σ(z) − y) / n              0 where the mask is False

    logits z, labels y (False/True, 0/1, or a probability of yes in [0, 1]) and the boolean mask all have one
    shape. Equal to two-class `cross_entropy` with logits (0, z). No label present: L = 0, without a gradient.
    Nats. ValueError or TypeError for shapes, types and labels that do not fit. Source: Bishop (2006), eq. 4.90, 4.91.

    >>> round(float(binary_cross_entropy(Tensor([0.0]), np.array([1]))), 4)  # undecided: log 2
    0.6931
    """
    y, mask, n = _checked_yes_no(logits, labels, mask)
    z = logits.data
    one, e = (
        z.dtype.type(1),
        np.exp(-np.abs(z)),
    )  # e in (0, 1]: log(1 + eᶻ) = max(z, 0) + log(1 + e), and nothing can overflow
    each = np.maximum(z, 0) - y * z + np.log1p(e)
    slope = np.where(z < 0, e, one) / (one + e) - y  # σ(z) − y
    if mask is not None:
        each, slope = _where(mask, each), _where(mask, slope)
    return node(each.sum() / z.dtype.type(n), (logits, lambda g: slope * (g / n).astype(z.dtype)))


def binary_cross_entropy_composed(
    logits: Tensor, labels: np.ndarray, mask: np.ndarray | None = None
) -> Tensor:
    """The definition of `binary_cross_entropy`: two-class cross-entropy with the logits (0, z)."""
    y, mask, n = _checked_yes_no(logits, labels, mask)
    z, y = logits.reshape(-1, 1), y.reshape(-1)
    both = z * np.array([[0, 1]], z.dtype)  # (N, 2)
    each = logsumexp(both) - z[:, 0] * y
    return (each[mask.reshape(-1)] if mask is not None else each).sum() / n


def weighted_sum(
    losses: Mapping[str, Tensor], weights: Mapping[str, float] | None = None
) -> Tensor:
    """The total loss of multi-task learning.

        L_total = Σ_t w_t L_t           ∂L_total/∂L_t = w_t

    losses: scalar tensors by task name; weights: finite numbers by the same names (None: all 1). A weight
    of 0 takes its task out of the graph. ValueError for names that differ, for weights that are negative or not
    finite, and for losses that are not scalars. Source: Kendall et al. (2018), eq. 1.

    >>> L = {"price": Tensor(2.0), "buys": Tensor(0.5)}
    >>> float(weighted_sum(L, {"price": 0.1, "buys": 1.0}))
    0.7
    """
    weights = dict.fromkeys(losses, 1.0) if weights is None else weights
    check_names("weighted_sum", "weights", weights, losses)
    if not losses:
        raise ValueError("weighted_sum: losses must name at least one task, got none")
    for t, w in weights.items():
        if not 0 <= w < math.inf:
            raise ValueError(
                f"weighted_sum: weights[{t!r}] must be finite and not negative, got {w}"
            )
        _is_tensor("weighted_sum", f"losses[{t!r}]", losses[t])
        if losses[t].shape != ():
            raise ValueError(
                f"weighted_sum: losses[{t!r}] must be a scalar, got shape {losses[t].shape}"
            )
    return combine(losses, weights)


def combine(losses: Mapping[str, Tensor], weights: Mapping[str, float]) -> Tensor:
    """Σ_t w_t L_t for any signs of the weights: one node, whose share for L_t is w_t g."""
    terms = [(L, float(weights[t])) for t, L in losses.items() if weights[t]]
    total = sum([w * float(L.data) for L, w in terms])
    dtype = next(iter(losses.values())).data.dtype
    return node(
        np.asarray(total, dtype), *[(L, lambda g, w=w: g * dtype.type(w)) for L, w in terms]
    )


def l2_penalty(matrices: Mapping[str, Sequence[Tensor]], strengths: Mapping[str, float]) -> Tensor:
    """The pull to zero, weight decay with one coefficient for each task.

        R = Σ_i Σ_j λ_i ‖W_ij‖²        ∂R/∂W_ij = 2 λ_i W_ij

    matrices: for task i its weight matrices W_i1, W_i2, ...; strengths λ_i ≥ 0 by the same names. A matrix
    that several tasks list, as in hard sharing, is pulled once for each, with Σ_i λ_i in all. This penalty couples
    no two tasks: it makes weights small, not similar (see `l2_distance`).
    ValueError for names or strengths that do not fit. Source: Goodfellow et al. (2016), section 7.1.1, without its ½.

    >>> float(l2_penalty({"a": [Tensor([[3.0]])], "b": [Tensor([[1.0], [1.0]])]}, {"a": 0.5, "b": 2.0}))
    8.5
    """
    check_names("l2_penalty", "strengths", strengths, matrices)
    total, pairs = 0.0, []
    for task, Ws in matrices.items():
        λ = finite_not_negative("l2_penalty", f"strengths[{task!r}]", strengths[task])
        for W in Ws:
            w = W.data.reshape(-1)
            total = total + W.dtype.type(λ) * w.dot(w)
            pairs.append((W, lambda g, W=W.data, c=W.dtype.type(2 * λ): W * (g * c)))
    return node(total, *pairs)


def l2_distance(
    copies: Sequence[Sequence[Tensor]], strength: float = 1.0, pull: str = "mean"
) -> Tensor:
    """The pull together of soft sharing. θ_t is task t's copy of the parameters, θ̄ = 1/T Σ_t θ_t.

        pull="mean":    R = λ Σ_t ‖θ_t − θ̄‖²                                   ∂R/∂θ_t = 2 λ (θ_t − θ̄)
        pull="pairs":   R = λ Σ_{s<t} ‖θ_s − θ_t‖² = λ T Σ_t ‖θ_t − θ̄‖²        ∂R/∂θ_t = 2 λ T (θ_t − θ̄)

    That θ̄ depends on θ_t changes nothing: its part of the gradient is −2λ/T Σ_s (θ_s − θ̄) = 0.
    copies: T lists of tensors with the same shapes in the same order. 0 exactly at equality; its gradient sums to 0 over the tasks, so it does not move their mean.
    ValueError for copies that do not align, or another pull. Source: Evgeniou & Pontil (2004); Duong et al. (2015).

    >>> float(l2_distance([[Tensor([1.0])], [Tensor([3.0])]]))
    2.0
    """
    shapes = [[x.shape for x in copy] for copy in copies]
    if not shapes or any(s != shapes[0] for s in shapes):
        raise ValueError(
            f"l2_distance: copies must be aligned lists of tensors, got shapes {shapes}"
        )
    if pull not in ("mean", "pairs"):
        raise ValueError(f"l2_distance: pull must be 'mean' or 'pairs', got {pull!r}")
    λ = finite_not_negative("l2_distance", "strength", strength) * (
        len(copies) if pull == "pairs" else 1
    )
    Θ = np.stack([np.concatenate([x.data.reshape(-1) for x in copy]) for copy in copies])  # (T, P)
    return pull_together(Θ, copies, λ)


def pull_together(Θ: np.ndarray, copies: Sequence[Sequence[Tensor]], λ: float) -> Tensor:
    """λ Σ_t ‖θ_t − θ̄‖² where row t of Θ (T, P) holds the entries of copies[t], in order."""
    D = Θ - Θ[0]
    D -= D.mean(0)  # Θ − Θ̄; taking Θ[0] out first makes it exactly 0 at equality
    d, c = D.reshape(-1), Θ.dtype.type(2 * λ)
    pairs = []
    for row, copy in zip(D, copies):
        start = 0
        for x in copy:
            part = row[start : (start := start + x.data.size)].reshape(x.shape)
            pairs.append((x, lambda g, part=part: part * (g * c)))
    return node(Θ.dtype.type(λ) * d.dot(d), *pairs)


def check_names(where: str, name: str, got: Mapping, expected: Mapping):
    """ValueError unless both mappings have the same task names."""
    if got.keys() != expected.keys():
        missing, unknown = (
            [t for t in expected if t not in got],
            [t for t in got if t not in expected],
        )
        raise ValueError(
            f"{where}: {name} must name the tasks {list(expected)}; missing {missing}, unknown {unknown}"
        )


def finite_not_negative(where, name, λ):
    if not 0 <= λ < math.inf:
        raise ValueError(f"{where}: {name} must be finite and not negative, got {λ}")
    return float(λ)


def _checked(where, prediction, targets, mask, names=("prediction", "targets")):
    """Targets against predictions: one shape and type, at least one example. Returns (mask, n present, at least 1)."""
    _is_tensor(where, names[0], prediction)
    _same_shape(where, names[1], targets, prediction.shape)
    if targets.dtype != prediction.data.dtype:
        raise TypeError(
            f"{where}: {names[1]} must be {prediction.dtype} like the {names[0]}, got {targets.dtype}"
        )
    return _present(where, mask, prediction.shape)


def _is_tensor(where, name, x):
    if not isinstance(x, Tensor):
        raise TypeError(f"{where}: {name} must be a Tensor, got {type(x).__name__}")


def _checked_labels(logits, labels, mask):
    _is_tensor("cross_entropy", "logits", logits)
    if logits.ndim != 2:
        raise ValueError(f"cross_entropy: logits must have shape (N, C), got {logits.shape}")
    _same_shape("cross_entropy", "labels", labels, logits.shape[:1])
    if labels.dtype.kind not in "iu":
        raise TypeError(f"cross_entropy: labels must be integers, got {labels.dtype}")
    mask, n = _present("cross_entropy", mask, labels.shape)
    labels = labels if mask is None else np.where(mask, labels, 0)
    return check_range("cross_entropy", "labels", labels, logits.shape[1]), mask, n


def _checked_yes_no(logits, labels, mask):
    where = "binary_cross_entropy"
    _is_tensor(where, "logits", logits)
    _same_shape(where, "labels", labels, logits.shape)
    if labels.dtype.kind in "bui":
        labels = labels.astype(logits.dtype)
    mask, n = _checked(where, logits, labels, mask, ("logits", "labels"))
    labels = labels if mask is None else _where(mask, labels)
    inside = (labels >= 0) & (labels <= 1)
    if not inside.all():
        raise ValueError(
            f"{where}: labels must be in [0, 1], got {labels[~inside][0]} at position {np.flatnonzero(~inside)[0]}"
        )
    return labels, mask, n


def _where(mask, a):
    """`a` where the mask is True, else 0 of its own type (NumPy 1 would take a bare 0 for a float64 beside a scalar)."""
    return np.where(mask, a, a.dtype.type(0))


def _same_shape(where, name, array, shape):
    if not isinstance(array, np.ndarray):
        raise TypeError(f"{where}: {name} must be an array, got {type(array).__name__}")
    if array.shape != shape:
        raise ValueError(f"{where}: {name} must have shape {shape}, got {array.shape}")


def _present(where, mask, shape):
    """The mask, and how many labels it leaves; 1 where there are none, so that 0 / n is 0."""
    n = math.prod(shape)
    if not n:
        raise ValueError(f"{where}: expected at least one example, got shape {shape}")
    if mask is None:
        return None, n
    _same_shape(where, "mask", mask, shape)
    if mask.dtype != bool:
        raise TypeError(f"{where}: mask must be boolean, got {mask.dtype}")
    return mask, max(int(mask.sum()), 1)
