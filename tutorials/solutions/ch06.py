"""Solutions of chapter 6, conflict."""

import numpy as np


def harmed(G, w):
    """ΔL ≈ −η G w is positive where G w is negative."""
    return G @ w < 0


def largest_weight(G):
    """(G w)₂ = G₂₁ w₁ + G₂₂ is 0 there."""
    return -G[1, 1] / G[0, 1]


def cosine(g1, g2, P):
    """The heads were in it.

    They add nothing to the inner product (each task has its own), but to both lengths.
    """
    g1 = g1[:P]
    g2 = g2[:P]
    return g1 @ g2 / (np.linalg.norm(g1) * np.linalg.norm(g2))


def law(cosines):
    """Lengths do not matter, signs do, and tasks may change places.

    A gradient has the cosine 1 with itself, and one more angle is known: that of (3, 0)
    and (−1, 1).
    """
    known = np.array([[9.0, -3.0], [-3.0, 2.0]])
    assert np.isclose(cosines(known)[0, 1], -np.sqrt(0.5))

    J = np.random.default_rng(0).normal(size=(3, 4))
    rho = cosines(J @ J.T)
    assert np.allclose(np.diag(rho), 1)

    scaled = np.array([100.0, 1.0, 0.01])[:, None] * J
    assert np.allclose(cosines(scaled @ scaled.T), rho), "lengths do not matter"

    turned = np.array([-1.0, 1.0, 1.0])[:, None] * J
    assert np.allclose(cosines(turned @ turned.T)[0, 1:], -rho[0, 1:]), "signs do"

    for order in ([1, 2, 0], [2, 1, 0]):
        moved = cosines(J[order] @ J[order].T)
        assert np.allclose(moved, rho[order][:, order]), "tasks change places"
