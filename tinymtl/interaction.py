"""How tasks meet: the Gramian of their gradients, and the angles in it.

J (T, P) has one row per task, the gradient of its loss on the P shared parameters. All that a rule
for balancing tasks needs to know of it, and all that a small step of them along −Jᵀw does to every loss, is in

    G = J Jᵀ (T, T)            ΔL ≈ −η G w
"""

from __future__ import annotations

import numpy as np


def gramian(jacobian: np.ndarray) -> np.ndarray:
    """G = J Jᵀ: (T, P) -> (T, T), in float64; G_st = g_s · g_t.

    >>> gramian(np.array([[3.0, 4.0], [1.0, 0.0]]))
    array([[25.,  3.],
           [ 3.,  1.]])
    """
    J = np.asarray(jacobian, np.float64)
    if J.ndim != 2:
        raise ValueError(f"gramian: jacobian must have shape (T, P), got {J.shape}")
    return J @ J.T


def cosines(gramian: np.ndarray) -> np.ndarray:
    """ρ_st = G_st / √(G_ss G_tt): (T, T) -> (T, T), the cosine of the angle between each two tasks' gradients.

    Negative: the two conflict. NaN where a task has no gradient, and so no angle.

    >>> cosines(np.array([[25.0, 3.0], [3.0, 1.0]]))
    array([[1. , 0.6],
           [0.6, 1. ]])
    """
    G = np.asarray(gramian, np.float64)
    if G.ndim != 2 or G.shape[0] != G.shape[1]:
        raise ValueError(f"cosines: gramian must have shape (T, T), got {G.shape}")
    norms = np.sqrt(np.where(np.diag(G) > 0, np.diag(G), np.nan))
    return G / norms[:, None] / norms
