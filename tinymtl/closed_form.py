"""Exact answers for linear multi-task learning: the referees that training has to reach.

Conventions of this file: task t has inputs X_t (n_t, D) and targets y_t (n_t,). The data term is
*half the sum* of squared errors, and the pull carries λ/2:

    ½ Σ_t ‖X_t θ_t − y_t‖² + λ/2 Σ_t ‖θ_t − θ̄‖²

The package trains *means* of squares, and a pull without ½. With n examples in each task, its
strength s and this file's λ have the same minimisers when λ = n s.

Tasks that share a linear trunk have one X (N, D) and targets Y (N, T). Their solution is B = A C,
for the trunk A (D, k) and the heads C (k, T). Their outputs depend on A and C only through B, a
matrix of rank at most k.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from . import checks

# Soft sharing: each task near the mean


def soft_sharing(X: Sequence[np.ndarray], y: Sequence[np.ndarray], strength: float) -> np.ndarray:
    """The exact minimiser of soft sharing with linear models.

        Θ = argmin ½ Σ_t ‖X_t θ_t − y_t‖² + λ/2 Σ_t ‖θ_t − θ̄‖²

    Where the gradient is 0, the stacked θ of all tasks solves one linear system:

        [blockdiag(X_tᵀ X_t) + λ (I − 11ᵀ/T) ⊗ I] θ = (X_tᵀ y_t)

    λ = 0 solves each task alone; λ → ∞ solves all as one.

    X: T arrays (n_t, D); y: T arrays (n_t,); strength: λ ≥ 0. Returns Θ (T, D), a row for each
    task. ValueError for shapes that do not fit or a bad strength, LinAlgError where the minimiser
    is not unique. Source: Evgeniou & Pontil (2004), in this file's convention.

    The mean of 1 and 3 is 2, and each task goes halfway:

    >>> soft_sharing([np.eye(1), np.eye(1)], [np.array([1.0]), np.array([3.0])], 1.0).ravel()
    array([1.5, 2.5])
    """
    X, y = _checked_tasks("soft_sharing", X, y)
    λ = checks.not_negative("soft_sharing", "strength", strength)
    T = len(X)
    D = X[0].shape[1]
    deviation = np.eye(T) - 1 / T  # I − 11ᵀ/T: from θ_t to θ_t − θ̄, (T, T)
    A = λ * np.kron(deviation, np.eye(D))  # (T·D, T·D)
    for t in range(T):
        own = slice(t * D, (t + 1) * D)
        A[own, own] += X[t].T @ X[t]
    b = np.concatenate([X_t.T @ y_t for X_t, y_t in zip(X, y)])  # (T·D,)
    return np.linalg.solve(A, b).reshape(T, D)


def pooled(X: Sequence[np.ndarray], y: Sequence[np.ndarray]) -> np.ndarray:
    """Least squares on all tasks' data as if it were one task.

        θ = argmin Σ_t ‖X_t θ − y_t‖²

    This is the limit λ → ∞ of `soft_sharing`.

    X: T arrays (n_t, D); y: T arrays (n_t,). Returns θ (D,). ValueError for shapes that do not fit.

    >>> pooled([np.eye(1), np.eye(1)], [np.array([1.0]), np.array([3.0])])
    array([2.])
    """
    X, y = _checked_tasks("pooled", X, y)
    all_X = np.concatenate(list(X))  # (Σ n_t, D)
    all_y = np.concatenate(list(y))  # (Σ n_t,)
    return _least_squares(all_X, all_y)


# When sharing helps


def risk(
    strength: float | np.ndarray, n: float, T: int, noise: float, spread: float
) -> float | np.ndarray:
    """The expected squared error of one coordinate of θ̂_t, over noise and over tasks.

    Each task's truth is θ_t = m + δ_t, and its inputs have X_tᵀ X_t = n I. A target has noise of
    variance σ², a coordinate of δ_t has variance τ². Then the minimiser of `soft_sharing` shrinks
    the T least-squares solutions b_t to their mean, θ̂_t = b̄ + s (b_t − b̄), and

        R(λ) = σ²/(nT) + (T − 1)/T · [s² σ²/n + (1 − s)² τ²],     s = n/(n + λ)

    strength: λ, a number, or an array for as many risks; math.inf is pooling, s = 0. n: examples of
    each task; T: tasks; noise: σ²; spread: τ². ValueError for negative numbers, n = 0 or T = 0.
    Source: bias and variance of the shrunk estimate, worked out in this convention.

    Alone, the risk is σ²/n:

    >>> risk(0.0, n=4, T=2, noise=1.0, spread=1.0)
    0.25
    """
    λ = checks.numbers("risk", "strength", strength)
    if not (λ >= 0).all():  # infinity has a meaning
        raise ValueError(f"risk: strength must not be negative, got {strength}")
    n = checks.positive("risk", "n", n)
    checks.whole_number("risk", "T", T, 1)
    noise = checks.not_negative("risk", "noise", noise)
    spread = checks.not_negative("risk", "spread", spread)
    if λ.ndim == 0:
        λ = float(λ)
    s = n / (n + λ)
    with np.errstate(under="ignore"):
        variance = s**2 * noise / n
        squared_bias = (1 - s) ** 2 * spread
    return noise / (n * T) + (T - 1) / T * (variance + squared_bias)


def best_strength(noise: float, spread: float) -> float:
    """The strength λ* at which `risk` is least, whatever n and T are.

        λ* = σ²/τ²

    With *mean* squared errors it is σ²/(n τ²) for `SoftSharing(pull="mean")`, and σ²/(n T τ²) for
    pull="pairs".

    noise: σ²; spread: τ², where 0 gives math.inf. ValueError for negative variances.

    >>> best_strength(noise=1.0, spread=0.5)
    2.0
    """
    noise = checks.not_negative("best_strength", "noise", noise)
    spread = checks.not_negative("best_strength", "spread", spread)
    return noise / spread if spread else math.inf


def pooling_helps(n: float, noise: float, spread: float) -> bool:
    """Whether one model for two or more tasks has less risk than a model for each.

        pooling helps  ⟺  τ² < σ²/n

    n: examples of each task; noise: σ²; spread: τ². ValueError for n ≤ 0 or negative variances.

    >>> pooling_helps(n=10, noise=1.0, spread=0.05), pooling_helps(n=100, noise=1.0, spread=0.05)
    (True, False)
    """
    n = checks.positive("pooling_helps", "n", n)
    noise = checks.not_negative("pooling_helps", "noise", noise)
    spread = checks.not_negative("pooling_helps", "spread", spread)
    return spread < noise / n


# Hard sharing: a trunk of a few units


def hard_sharing(
    X: np.ndarray, Y: np.ndarray, width: int, weights: Sequence[float] | None = None
) -> np.ndarray:
    """The exact minimiser of hard sharing with a linear trunk of k units: reduced-rank regression.

        B = argmin ½ Σ_t w_t ‖Y_t − X b_t‖²     over B = A C of rank at most k

    With S = diag √w, with B_ols the least squares of each task alone, and with the singular value
    decomposition X B_ols S = Σ_j σ_j u_j v_jᵀ,

        B = B_ols S V_k V_kᵀ S⁻¹,     loss = its value at B_ols + ½ Σ_{j>k} σ_j²

    k ≥ min(D, T) is no sharing: B = B_ols for any positive weights. A task of weight 0 does not ask
    for features. Its head is least squares on the features X A = U_k that the others ask for, as
    all heads are. Where X does not have full rank, B has the least norm among the minimisers.

    X: (N, D); Y: (N, T); width: k; weights: w (T,), None for all 1. Returns B (D, T). ValueError
    for shapes, a width or weights that do not fit.
    Source: Izenman (1975); the theorem of Eckart & Young (1936); for width and weights Wu, Zhang &
    Ré (2020).

    One unit finds what the two tasks have in common:

    >>> hard_sharing(np.eye(2), np.array([[3.0, 1.0], [1.0, 3.0]]), width=1).round(12)
    array([[2., 2.],
           [2., 2.]])
    """
    X = checks.finite("hard_sharing", "X", checks.floats("hard_sharing", "X", X, "N", "D"))
    Y = checks.floats("hard_sharing", "Y", Y, len(X), "T")
    checks.finite("hard_sharing", "Y", Y)
    width = checks.whole_number("hard_sharing", "width", width, 1)
    N, T = Y.shape
    if weights is None:
        weights = np.ones(T)
    root_w = np.sqrt(_checked_weights("hard_sharing", weights, T))  # the diagonal of S, (T,)

    B_ols = _least_squares(X, Y)  # (D, T)
    U, σ, Vt = np.linalg.svd(X @ B_ols * root_w, full_matrices=False)
    rounding = σ[0] * max(N, T) * np.finfo(σ.dtype).eps
    rank = (σ > rounding).sum()  # beyond the rank only rounding is left
    k = min(width, rank)

    # A C = B_ols S V_k Σ_k⁻¹ U_kᵀ Y is the printed B, without its S⁻¹: a weight may be 0.
    A = B_ols * root_w @ Vt[:k].T / σ[:k]  # X A = U_k, (D, k)
    C = U[:, :k].T @ Y  # (k, T)
    return A @ C


def weight_decay(B_ols: np.ndarray, strength: float) -> np.ndarray:
    """The exact minimiser of a linear trunk and linear heads with weight decay on both.

        B = A C,     A, C = argmin ½ ‖Y − X A C‖² + λ/2 (‖A‖² + ‖C‖²)

    when Xᵀ X = I and the width is at least min(D, T). Of all A and C with A C = B, the smallest
    ½ (‖A‖² + ‖C‖²) is Σ_j σ_j(B), the trace norm. So decay *does* couple tasks with one trunk, and
    every singular value of B_ols = Σ_j σ_j u_j v_jᵀ shrinks:

        B = Σ_j max(σ_j − λ, 0) u_j v_jᵀ

    When Xᵀ X = n I, it is λ/n that is subtracted. In the package's means of n squares, with
    Xᵀ X = n I, that is s for s (‖A‖² + ‖C‖²), and s √T for `HardSharing(l2=s)`, which counts A once
    for each task.

    B_ols: (D, T), the least squares of each task alone; strength: λ ≥ 0. Returns B (D, T).
    ValueError for a bad strength or shape.
    Source: Srebro, Rennie & Jaakkola (2005); Cai, Candès & Shen (2010), theorem 2.1.

    The singular values 4 and 2 become 2 and 0:

    >>> weight_decay(np.array([[3.0, 1.0], [1.0, 3.0]]), 2.0).round(12)
    array([[1., 1.],
           [1., 1.]])
    """
    B_ols = checks.floats("weight_decay", "B_ols", B_ols, "D", "T")
    checks.finite("weight_decay", "B_ols", B_ols)
    λ = checks.not_negative("weight_decay", "strength", strength)
    U, σ, Vt = np.linalg.svd(B_ols, full_matrices=False)
    return U * np.maximum(σ - λ, 0) @ Vt  # (D, T)


def one_unit_loss(angle: float, weights: Sequence[float] = (0.5, 0.5)) -> float:
    """The least loss of two tasks that share one feature h, for targets at an angle φ.

        min Σ_t w_t ‖y_t − c_t h‖²     over h and the heads c_t, for targets y_t of length 1

    There is no ½: this is the package's total loss for targets of mean square 1. The feature keeps
    the larger eigenvalue of the Gram matrix of the √w_t y_t, and the smaller one is lost:

        ½ [w₁ + w₂ − √((w₁ − w₂)² + 4 w₁ w₂ cos²φ)]        = ½ (1 − |cos φ|) for w = (½, ½)

    At φ = 90° that is min(w₁, w₂): the larger weight takes all. Two units lose nothing.

    angle: φ in radians; weights: w (2,). ValueError for an angle that is not finite, or bad
    weights.
    Source: `hard_sharing` of width 1 and two tasks, where twice its loss is this.

    >>> round(one_unit_loss(math.pi / 3), 12)
    0.25
    >>> round(one_unit_loss(math.pi / 2, weights=(0.7, 0.3)), 12)
    0.3
    """
    checks.finite_number("one_unit_loss", "angle", angle)
    w1, w2 = _checked_weights("one_unit_loss", weights, 2).tolist()
    root_product = math.sqrt(w1) * math.sqrt(w2)
    root = math.hypot(w1 - w2, 2 * root_product * math.cos(angle))
    # (w₁ + w₂)² − root² = 4 w₁ w₂ sin²φ. Divided by w₁ + w₂ + root it leaves the difference, of
    # which w₁ + w₂ − root would lose all digits at small angles.
    part = 2 * root_product * math.sin(angle)
    return part / (w1 + w2 + root) * part / 2


# What the answers have in common


def _least_squares(X, Y):
    return np.linalg.lstsq(X, Y, rcond=None)[0]


def _checked_tasks(where, X, y):
    """X and y as T finite arrays (n_t, D) and (n_t,) in float64."""
    X = _arrays(where, "X", X)
    y = _arrays(where, "y", y)
    if not _tasks_fit(X, y):
        X_shapes = [X_t.shape for X_t in X]
        y_shapes = [y_t.shape for y_t in y]
        raise ValueError(
            f"{where}: X and y must be T arrays (n_t, D) and (n_t,), got {X_shapes} and {y_shapes}"
        )
    return X, y


def _arrays(where, name, values):
    if not isinstance(values, (list, tuple, np.ndarray)):
        got = type(values).__name__
        raise TypeError(f"{where}: {name} must be a list of arrays, one for each task, got {got}")
    arrays = [checks.numbers(where, f"{name}[{t}]", array) for t, array in enumerate(values)]
    return [checks.finite(where, f"{name}[{t}]", array) for t, array in enumerate(arrays)]


def _tasks_fit(X, y):
    if len(X) == 0 or len(X) != len(y):
        return False
    for X_t, y_t in zip(X, y):
        if X_t.ndim != 2 or X_t.shape[1:] != X[0].shape[1:]:
            return False
        if y_t.shape != X_t.shape[:1]:
            return False
    return True


def _checked_weights(where, weights, T):
    """w (T,): one weight for each task, at least one of them positive."""
    w = checks.numbers(where, "weights", weights)
    in_range = np.isfinite(w) & (w >= 0)
    if w.shape != (T,) or not in_range.all() or not w.any():
        raise ValueError(
            f"{where}: weights must be {T} finite numbers, none negative and not all 0, "
            f"got {weights}"
        )
    return w
