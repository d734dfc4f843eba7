"""Exact answers for linear multi-task learning: the referees that training has to reach.

Conventions of this file: task t has inputs X_t (n_t, D) and targets y_t (n_t,); the data term is *half the sum* of
squared errors and the pull carries λ/2,

    ½ Σ_t ‖X_t θ_t − y_t‖² + λ/2 Σ_t ‖θ_t − θ̄‖²

The package trains *means* of squares and a pull without ½: with n examples in each task, its strength s
and this file's λ have the same minimisers when λ = n s.

Tasks that share a linear trunk have one X (N, D), targets Y (N, T), and B = A C for the trunk A (D, k) and the heads
C (k, T). What they reach depends on A and C only through B, a matrix of rank at most k.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np


def soft_sharing(X: Sequence[np.ndarray], y: Sequence[np.ndarray], strength: float) -> np.ndarray:
    """The minimiser Θ (T, D) of ½ Σ_t ‖X_t θ_t − y_t‖² + λ/2 Σ_t ‖θ_t − θ̄‖².

    Setting the gradient to 0 gives one linear system for all tasks stacked,

        [blockdiag(X_tᵀ X_t) + λ (I − 11ᵀ/T) ⊗ I] θ = (X_tᵀ y_t)

    λ = 0 solves each task alone; λ → ∞ solves all as one. ValueError for shapes that do not fit, LinAlgError where
    the minimiser is not unique. Source: Evgeniou & Pontil (2004), in this file's convention.

    >>> soft_sharing([np.eye(1), np.eye(1)], [np.array([1.0]), np.array([3.0])], 1.0).ravel()  # mean 2, halfway
    array([1.5, 2.5])
    """
    T = _check_tasks("soft_sharing", X, y)
    if not 0 <= strength < math.inf:
        raise ValueError(f"soft_sharing: strength must be finite and not negative, got {strength}")
    D = X[0].shape[1]
    pull = np.kron(np.eye(T) - 1 / T, np.eye(D))  # (T·D, T·D)
    A = strength * pull
    for t in range(T):
        A[t * D : (t + 1) * D, t * D : (t + 1) * D] += X[t].T @ X[t]
    b = np.concatenate([A_t.T @ y_t for A_t, y_t in zip(X, y)])
    return np.linalg.solve(A, b).reshape(T, D)


def pooled(X: Sequence[np.ndarray], y: Sequence[np.ndarray]) -> np.ndarray:
    """θ (D,): least squares on all tasks' data as if it were one task, the limit λ → ∞ of `soft_sharing`.

    >>> pooled([np.eye(1), np.eye(1)], [np.array([1.0]), np.array([3.0])])
    array([2.])
    """
    _check_tasks("pooled", X, y)
    return np.linalg.lstsq(np.concatenate(list(X)), np.concatenate(list(y)), rcond=None)[0]


def risk(strength, n: float, T: int, noise: float, spread: float):
    """Expected squared error of one coordinate of θ̂_t, over noise and over tasks, when X_tᵀ X_t = n I.

    Each task's truth is θ_t = m + δ_t. `noise` is the variance σ² of a target, `spread` the variance τ² of a
    coordinate of δ_t. The minimiser shrinks the T least-squares solutions b_t to their mean, θ̂_t = b̄ + s (b_t − b̄),

        R(λ) = σ²/(nT) + (T − 1)/T · [s² σ²/n + (1 − s)² τ²],     s = n/(n + λ)

    strength λ: a number, or an array for as many risks; math.inf is pooling, s = 0. Source: bias and variance of the shrunk estimate, worked out in this convention.

    >>> risk(0.0, n=4, T=2, noise=1.0, spread=1.0)  # alone: σ²/n
    0.25
    """
    for name, value in (("strength", strength), ("noise", noise), ("spread", spread)):
        if not np.all(np.asarray(value) >= 0):
            raise ValueError(f"risk: {name} must not be negative, got {value}")
    if n <= 0 or T < 1:
        raise ValueError(f"risk: n and T must be positive, got {n} and {T}")
    s = n / (n + strength)
    return noise / (n * T) + (T - 1) / T * (s**2 * noise / n + (1 - s) ** 2 * spread)


def best_strength(noise: float, spread: float) -> float:
    """λ* = σ²/τ², where `risk` is least, whatever n and T. With *mean* squared errors it is σ²/(n τ²) for
    `SoftSharing(pull="mean")`, and σ²/(n T τ²) for pull="pairs".

    >>> best_strength(noise=1.0, spread=0.5)
    2.0
    """
    if not (noise >= 0 and spread >= 0):
        raise ValueError(
            f"best_strength: noise and spread are variances, not negative; got {noise} and {spread}"
        )
    return noise / spread if spread else math.inf


def pooling_helps(n: float, noise: float, spread: float) -> bool:
    """Whether one model for all of two or more tasks has less risk than one for each: exactly when τ² < σ²/n.

    >>> pooling_helps(n=10, noise=1.0, spread=0.05), pooling_helps(n=100, noise=1.0, spread=0.05)
    (True, False)
    """
    if not (n > 0 and noise >= 0 and spread >= 0):
        raise ValueError(
            f"pooling_helps: expected n > 0 and variances that are not negative, got n {n}, noise {noise}, spread {spread}"
        )
    return spread < noise / n


def hard_sharing(
    X: np.ndarray, Y: np.ndarray, width: int, weights: Sequence[float] | None = None
) -> np.ndarray:
    """B = A C (D, T) that minimises ½ Σ_t w_t ‖Y_t − X A c_t‖² for a trunk A of k = `width` units: reduced-rank regression.

    With S = diag √w, B_ols the least squares of each task alone, and X B_ols S = Σ_j σ_j u_j v_jᵀ (its SVD),

        B = B_ols S V_k V_kᵀ S⁻¹,     loss = its value at B_ols + ½ Σ_{j>k} σ_j²

    k ≥ min(D, T) is no sharing: B = B_ols for any positive weights. A task of weight 0 does not ask for
    features; its head is least squares on the features X A = U_k that the others ask for, as all heads are. Where X has
    not full rank, B has the least norm among the minimisers. X (N, D), Y (N, T), weights (T,), None for all 1.
    ValueError for shapes, a width or weights that do not fit.
    Source: Izenman (1975); the theorem of Eckart & Young (1936); for width and weights Wu, Zhang & Ré (2020).

    >>> hard_sharing(np.eye(2), np.array([[3.0, 1.0], [1.0, 3.0]]), width=1).round(12)  # what the two have in common
    array([[2., 2.],
           [2., 2.]])
    """
    w = _check_shared(X, Y, width, weights)
    B_ols = np.linalg.lstsq(X, Y, rcond=None)[0]
    U, σ, Vt = np.linalg.svd(X @ B_ols * np.sqrt(w), full_matrices=False)
    k = min(
        width, (σ > σ[0] * max(X.shape[0], len(w)) * np.finfo(σ.dtype).eps).sum()
    )  # beyond its rank only rounding is left
    A = B_ols * np.sqrt(w) @ Vt[:k].T / σ[:k]  # (D, k)
    return A @ (U[:, :k].T @ Y)  # V_kᵀ S⁻¹ without dividing by √w, which may be 0


def weight_decay(B_ols: np.ndarray, strength: float) -> np.ndarray:
    """B = A C (D, T) that minimises ½ ‖Y − X A C‖² + λ/2 (‖A‖² + ‖C‖²) when Xᵀ X = I and the width is at least min(D, T).

    Of all A C = B the smallest ½ (‖A‖² + ‖C‖²) is Σ_j σ_j(B), the trace norm; so decay *does* couple tasks with one trunk,
    and every singular value of B_ols = Σ_j σ_j u_j v_jᵀ (D, T) shrinks,

        B = Σ_j max(σ_j − λ, 0) u_j v_jᵀ

    When Xᵀ X = n I it is λ/n that is subtracted. In the package's means of n squares, with Xᵀ X = n I, that is s for
    s (‖A‖² + ‖C‖²), and s √T for `HardSharing(l2=s)`, which counts A once for each task. ValueError for a bad strength or shape.
    Source: Srebro, Rennie & Jaakkola (2005); Cai, Candès & Shen (2010), theorem 2.1.

    >>> weight_decay(np.array([[3.0, 1.0], [1.0, 3.0]]), 2.0).round(12)  # singular values 4 and 2 become 2 and 0
    array([[1., 1.],
           [1., 1.]])
    """
    if np.ndim(B_ols) != 2:
        raise ValueError(f"weight_decay: B_ols must be (D, T), got {np.shape(B_ols)}")
    if not 0 <= strength < math.inf:
        raise ValueError(f"weight_decay: strength must be finite and not negative, got {strength}")
    U, σ, Vt = np.linalg.svd(B_ols, full_matrices=False)
    return U * np.maximum(σ - strength, 0) @ Vt


def one_unit_loss(angle: float, weights: Sequence[float] = (0.5, 0.5)) -> float:
    """Least Σ_t w_t ‖y_t − c_t h‖² over one shared feature h and two heads c_t, for targets y_t of length 1 at an angle φ.

    Without ½: the package's total loss for targets of mean square 1. The feature keeps the larger eigenvalue of the
    Gram matrix of the √w_t y_t, and the smaller one is lost,

        ½ [w₁ + w₂ − √((w₁ − w₂)² + 4 w₁ w₂ cos²φ)]        = ½ (1 − |cos φ|) for w = (½, ½)

    At φ = 90° that is min(w₁, w₂): the larger weight takes all. Two units lose nothing. φ in radians. ValueError for an
    angle that is not finite, or bad weights. Source: `hard_sharing` of width 1 and two tasks, where twice its loss is this.

    >>> round(one_unit_loss(math.pi / 3), 12), round(one_unit_loss(math.pi / 2, weights=(0.7, 0.3)), 12)
    (0.25, 0.3)
    """
    if not math.isfinite(angle):
        raise ValueError(f"one_unit_loss: angle must be finite, in radians, got {angle}")
    w1, w2 = _check_weights("one_unit_loss", weights, 2)
    return float(w1 + w2 - math.hypot(w1 - w2, 2 * math.sqrt(w1 * w2) * math.cos(angle))) / 2


def _check_shared(X, Y, width, weights):
    """The weights (T,), if X (N, D), Y (N, T), width and weights fit together."""
    if np.ndim(X) != 2 or np.ndim(Y) != 2 or len(X) != len(Y) or 0 in (*X.shape, *Y.shape):
        raise ValueError(
            f"hard_sharing: X and Y must be (N, D) and (N, T), got {np.shape(X)} and {np.shape(Y)}"
        )
    if isinstance(width, bool) or not isinstance(width, (int, np.integer)) or width < 1:
        raise ValueError(f"hard_sharing: width must be a whole number, at least 1; got {width!r}")
    return _check_weights(
        "hard_sharing", np.ones(Y.shape[1]) if weights is None else weights, Y.shape[1]
    )


def _check_weights(where, weights, T):
    w = np.asarray(weights, float)
    if w.shape != (T,) or not (np.isfinite(w) & (w >= 0)).all() or not w.any():
        raise ValueError(
            f"{where}: weights must be {T} finite numbers, none negative and not all 0, got {weights}"
        )
    return w


def _check_tasks(where, X, y):
    """The number of tasks, if X and y are T arrays (n_t, D) and (n_t,)."""
    T = len(X)
    if (
        not T
        or len(y) != T
        or any(
            A.ndim != 2 or A.shape[1] != X[0].shape[1] or b.shape != A.shape[:1]
            for A, b in zip(X, y)
        )
    ):
        raise ValueError(
            f"{where}: X and y must be T arrays (n_t, D) and (n_t,), got {[A.shape for A in X]} and {[b.shape for b in y]}"
        )
    return T
