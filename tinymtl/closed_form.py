"""Exact answers for linear multi-task learning: the referees that training has to reach.

Conventions of this file: task t has inputs X_t (n_t, D) and targets y_t (n_t,); the data term is *half the sum* of
squared errors and the pull carries λ/2,

    ½ Σ_t ‖X_t θ_t − y_t‖² + λ/2 Σ_t ‖θ_t − θ̄‖²

The package trains *means* of squares and a pull without ½: with n examples in each task, its strength s
and this file's λ have the same minimisers when λ = n s.
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


def risk(strength: float, n: float, T: int, noise: float, spread: float) -> float:
    """Expected squared error of one coordinate of θ̂_t, over noise and over tasks, when X_tᵀ X_t = n I.

    Each task's truth is θ_t = m + δ_t. `noise` is the variance σ² of a target, `spread` the variance τ² of a
    coordinate of δ_t. The minimiser shrinks the T least-squares solutions b_t to their mean, θ̂_t = b̄ + s (b_t − b̄),

        R(λ) = σ²/(nT) + (T − 1)/T · [s² σ²/n + (1 − s)² τ²],     s = n/(n + λ)

    λ = math.inf is pooling, s = 0. Source: bias and variance of the shrunk estimate, worked out in this convention.

    >>> risk(0.0, n=4, T=2, noise=1.0, spread=1.0)  # alone: σ²/n
    0.25
    """
    for name, value in (("strength", strength), ("noise", noise), ("spread", spread)):
        if not value >= 0:
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
        raise ValueError(f"best_strength: noise and spread are variances, not negative; got {noise} and {spread}")
    return noise / spread if spread else math.inf


def pooling_helps(n: float, noise: float, spread: float) -> bool:
    """Whether one model for all of two or more tasks has less risk than one for each: exactly when τ² < σ²/n.

    >>> pooling_helps(n=10, noise=1.0, spread=0.05), pooling_helps(n=100, noise=1.0, spread=0.05)
    (True, False)
    """
    if not (n > 0 and noise >= 0 and spread >= 0):
        raise ValueError(f"pooling_helps: expected n > 0 and variances that are not negative, got n {n}, noise {noise}, spread {spread}")
    return spread < noise / n


def _check_tasks(where, X, y):
    """The number of tasks, if X and y are T arrays (n_t, D) and (n_t,)."""
    T = len(X)
    if not T or len(y) != T or any(A.ndim != 2 or A.shape[1] != X[0].shape[1] or b.shape != A.shape[:1] for A, b in zip(X, y)):
        raise ValueError(f"{where}: X and y must be T arrays (n_t, D) and (n_t,), got {[A.shape for A in X]} and {[b.shape for b in y]}")
    return T
