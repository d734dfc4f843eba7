"""Checkers for chapter 6, conflict."""

import numpy as np

from . import Wrong, catches, exercise, numbers


def _gramian(seed, T):
    """The Gramian of T random gradients, the later ones longer."""
    J = np.random.default_rng(seed).normal(size=(T, 3))
    J = J * np.arange(1, T + 1)[:, None] ** 2
    return J @ J.T


@exercise("6.1")
def check_harmed(harmed):
    for seed in range(30):
        T = 2 + seed % 2
        G = _gramian(seed, T)
        w = np.random.default_rng(seed).uniform(0.2, 3, T)
        expected = [bool(sum(G[t, s] * w[s] for s in range(T)) < 0) for t in range(T)]
        got = np.asarray(harmed(G, w))
        if got.shape != (T,) or got.dtype != bool:
            raise Wrong(f"expected {T} truth values, one for each task; got {got}")
        if got.tolist() != expected:
            if got.tolist() == (G < 0).any(1).tolist():
                slip = "A negative entry of G is a conflict, not yet harm."
            else:
                slip = "ΔL ≈ −η G w: harm is where it is positive."
            raise Wrong(
                f"for G = {G.round(2).tolist()}, w = {w.round(2)} "
                f"expected {expected}, got {got.tolist()}. {slip}"
            )


@exercise("6.2")
def check_largest_weight(largest_weight):
    cases = [
        [[9.0, -3.0], [-3.0, 2.0]],
        [[1.0, -0.5], [-0.5, 4.0]],
        [[100.0, -1.0], [-1.0, 0.1]],
    ]
    for case in cases:
        G = np.array(case)
        w1 = float(numbers(largest_weight(G), (), "w₁"))
        # The change of task 2's loss is −η times this: below 0 it is harmed.
        of_task_2 = G[1, 0] * w1 + G[1, 1]
        if not np.isclose(of_task_2, 0, atol=1e-9 * G[1, 1]):
            if np.isclose(w1, -G[0, 1] / G[0, 0]):
                slip = "That is the boundary of task 1."
            else:
                slip = "Look at the second row of G."
            raise Wrong(
                f"for G = {G.tolist()} got w₁ = {w1:.4g}, "
                f"but there (G w)₂ is {of_task_2:.4g} and should be 0. {slip}"
            )


@exercise("6.3")
def check_cosine(cosine):
    rng = np.random.default_rng(0)
    for P in (3, 6, 1):
        # [trunk | head 1 | head 2]: a task has no gradient on the other's head.
        g1 = np.zeros(P + 4)
        g2 = np.zeros(P + 4)
        g1[: P + 2] = rng.normal(size=P + 2)
        g2[:P] = rng.normal(size=P)
        g2[P + 2 :] = rng.normal(size=2)

        unit1 = g1[:P] / np.sqrt((g1[:P] ** 2).sum())
        unit2 = g2[:P] / np.sqrt((g2[:P] ** 2).sum())
        expected = float(np.dot(unit1, unit2))
        got = float(numbers(cosine(g1, g2, P), (), "ρ"))
        if not np.isclose(got, expected):
            whole = g1 @ g2 / np.linalg.norm(g1) / np.linalg.norm(g2)
            if np.isclose(got, whole):
                slip = (
                    "The heads are still in the lengths: each task has a head of its "
                    "own, which adds to its length and nothing to the inner product."
                )
            else:
                slip = "Inner product and both lengths are of the first P entries."
            raise Wrong(
                f"with P = {P} of {P + 4} entries expected {expected:.5g}, "
                f"got {got:.5g}. {slip}"
            )


def _lengths(G):
    """The product of the lengths of gradients s and t, for all s and t."""
    norms = np.sqrt(np.diag(G))
    return np.outer(norms, norms)  # (T, T)


def _right(G):
    return G / _lengths(G)


def _root_forgotten(G):
    return G / np.outer(np.diag(G), np.diag(G))


def _one_length(G):
    return G / np.sqrt(np.diag(G))[:, None]


def _squares_with_sign(G):
    return G * np.abs(G) / _lengths(G) ** 2


def _absolute(G):
    return np.abs(G) / _lengths(G)


def _centred(G):
    centred = G - G.mean(0) - G.mean(1)[:, None] + G.mean()
    return centred / _lengths(G)


@exercise("6.4")
def check_law(law):
    wrong = {
        "the root is forgotten": _root_forgotten,
        "divided by one length only": _one_length,
        "squares with their sign": _squares_with_sign,
        "absolute values": _absolute,
        "centred like a correlation": _centred,
    }
    catches(law, _right, wrong)
