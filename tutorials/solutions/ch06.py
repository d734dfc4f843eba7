"""Solutions of chapter 6, conflict."""

import numpy as np


def harmed(G, w):
    return G @ w < 0


def largest_weight(G):
    return -G[1, 1] / G[0, 1]


def cosine(g1, g2, P):
    """The heads were in it. They add nothing to the inner product (each task has its own), but to both lengths."""
    g1, g2 = g1[:P], g2[:P]
    return g1 @ g2 / (np.linalg.norm(g1) * np.linalg.norm(g2))


def law(cosines):
    """Lengths do not matter, signs do, a gradient has the cosine 1 with itself, and one angle is known: that of (3, 0) and (−1, 1)."""
    assert np.isclose(
        cosines(np.array([[9.0, -3.0], [-3.0, 2.0]]))[0, 1], -np.sqrt(0.5)
    )
    J = np.random.default_rng(0).normal(size=(3, 4))
    rho = cosines(J @ J.T)
    scaled = np.array([100.0, 1.0, 0.01])[:, None] * J
    turned = np.array([-1.0, 1.0, 1.0])[:, None] * J
    assert np.allclose(np.diag(rho), 1)
    assert np.allclose(cosines(scaled @ scaled.T), rho)
    assert np.allclose(cosines(turned @ turned.T)[0, 1:], -rho[0, 1:])
