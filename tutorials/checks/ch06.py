"""Checkers for chapter 6, conflict."""

import numpy as np

from . import Wrong, catches, exercise, numbers


def _gramians(seed, T):
    J = (
        np.random.default_rng(seed).normal(size=(T, 3))
        * np.arange(1, T + 1)[:, None] ** 2
    )
    return J @ J.T


@exercise("6.1")
def check_harmed(harmed):
    for seed in range(30):
        T = 2 + seed % 2
        G, w = _gramians(seed, T), np.random.default_rng(seed).uniform(0.2, 3, T)
        expected, got = (
            [bool(sum(G[t, s] * w[s] for s in range(T)) < 0) for t in range(T)],
            np.asarray(harmed(G, w)),
        )
        if got.shape != (T,) or got.dtype != bool:
            raise Wrong(f"expected {T} truth values, one for each task; got {got}")
        if got.tolist() != expected:
            slip = (
                "A negative entry of G is a conflict, not yet harm."
                if got.tolist() == (G < 0).any(1).tolist()
                else "ΔL ≈ −η G w: harm is where it is positive."
            )
            raise Wrong(
                f"for G = {G.round(2).tolist()}, w = {w.round(2)} expected {expected}, got {got.tolist()}. {slip}"
            )


@exercise("6.2")
def check_largest_weight(largest_weight):
    for G in (
        [[9.0, -3.0], [-3.0, 2.0]],
        [[1.0, -0.5], [-0.5, 4.0]],
        [[100.0, -1.0], [-1.0, 0.1]],
    ):
        G = np.array(G)
        w1 = float(numbers(largest_weight(G), (), "w₁"))
        change = lambda w1: (
            G[1, 0] * w1 + G[1, 1]
        )  # of task 2, times −η: below 0 is harm
        if not np.isclose(change(w1), 0, atol=1e-9 * G[1, 1]):
            slip = (
                "That is the boundary of task 1."
                if np.isclose(w1, -G[0, 1] / G[0, 0])
                else "Look at the second row of G."
            )
            raise Wrong(
                f"for G = {G.tolist()} got w₁ = {w1:.4g}, but there (G w)₂ is {change(w1):.4g} and should be 0. {slip}"
            )


@exercise("6.3")
def check_cosine(cosine):
    rng = np.random.default_rng(0)
    for P in (3, 6, 1):
        g1, g2 = np.zeros(P + 4), np.zeros(P + 4)
        g1[: P + 2], g2[:P], g2[P + 2 :] = (
            rng.normal(size=P + 2),
            rng.normal(size=P),
            rng.normal(size=2),
        )
        expected = float(
            np.dot(
                g1[:P] / np.sqrt((g1[:P] ** 2).sum()),
                g2[:P] / np.sqrt((g2[:P] ** 2).sum()),
            )
        )
        got = float(numbers(cosine(g1, g2, P), (), "ρ"))
        if not np.isclose(got, expected):
            whole = g1 @ g2 / np.linalg.norm(g1) / np.linalg.norm(g2)
            slip = (
                "The heads are still in the lengths: each task has a head of its own, which adds to its length and nothing to the inner product."
                if np.isclose(got, whole)
                else "Inner product and both lengths are of the first P entries."
            )
            raise Wrong(
                f"with P = {P} of {P + 4} entries expected {expected:.5g}, got {got:.5g}. {slip}"
            )


@exercise("6.4")
def check_law(law):
    norms = lambda G: np.sqrt(np.diag(G))
    centred = lambda G: G - G.mean(0) - G.mean(1)[:, None] + G.mean()
    catches(
        law,
        lambda G: G / np.outer(norms(G), norms(G)),
        {
            "the root is forgotten": lambda G: G / np.outer(np.diag(G), np.diag(G)),
            "divided by one length only": lambda G: G / norms(G)[:, None],
            "squares with their sign": lambda G: (
                G * np.abs(G) / np.outer(norms(G), norms(G)) ** 2
            ),
            "absolute values": lambda G: np.abs(G) / np.outer(norms(G), norms(G)),
            "centred like a correlation": lambda G: (
                centred(G) / np.outer(norms(G), norms(G))
            ),
        },
    )
