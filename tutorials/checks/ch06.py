"""Checkers for chapter 6, conflict."""

import numpy as np

from . import catches, exercise, expect


def _gramian(rng, T):
    """The Gramian of T random gradients, the later ones longer."""
    J = rng.normal(size=(T, 3))
    J = J * np.arange(1, T + 1)[:, None] ** 2
    return J @ J.T


# Here every slip that we know gives an answer of its own.
_TELLS_SLIPS = (
    [[10, -3, 6, -2], [-3, 9, 0, -3], [6, 0, 8, -4], [-2, -3, -4, 3]],
    [2, 1, 1, 3],
)
# Steps that leave a loss exactly where it is, to first order: nobody rounds here.
_TIES = [
    ([[4, -2, 0], [-2, 5, -3], [0, -3, 9]], [1, 2, 1]),
    ([[9, -3], [-3, 2]], [2, 3]),
    ([[1, -1], [-1, 1]], [1, 1]),
]


def _in_pairs(G, w):
    """Which tasks are harmed in the step of one pair, if all others are left out."""
    T = len(w)
    pairs = [(s, t) for t in range(T) for s in range(T) if s != t]
    harmed = np.zeros(T, bool)
    for s, t in pairs:
        harmed[t] |= G[t, t] * w[t] + G[t, s] * w[s] < 0
    return harmed


@exercise("6.1")
def check_harmed(harmed):
    rng = np.random.default_rng(0)
    first = (_TELLS_SLIPS, *_TIES)
    cases = [(np.array(G, float), np.array(w, float)) for G, w in first]
    for T in (2, 3, 2, 3, 1, 5, 2, 3, 4, 2, 3, 4):
        cases.append((_gramian(rng, T), rng.uniform(0.2, 3, T)))

    for G, w in cases:
        T = len(w)
        slopes = np.array([sum(G[t, s] * w[s] for s in range(T)) for t in range(T)])
        known = {
            "A negative entry of G is a conflict, not yet harm.": (G < 0).any(1),
            "The weights are missing, or each meets its own row: the weight of task s "
            "belongs to column s of G.": G.sum(1) < 0,
            "A loss whose predicted change is 0 does not rise.": slopes <= 0,
            "The task's own gradient counts too: G_tt w_t is a part of the sum.": (
                slopes - np.diag(G) * w < 0
            ),
            "G has inner products, and these are cosines: lengths count.": (
                G / np.sqrt(np.outer(np.diag(G), np.diag(G))) @ w < 0
            ),
            "More than one task can be harmed, or none: look at each by itself.": (
                slopes == slopes.min()
            ),
            "All tasks act at once: add up before you compare with 0.": _in_pairs(G, w),
            "ΔL ≈ −η G w: harm is where it is positive.": slopes > 0,
        }
        expect(
            harmed(G, w),
            slopes < 0,
            "harmed",
            given=f"for G = {G.round(2).tolist()}, w = {w.round(2).tolist()}",
            known=known,
            hint="ΔL ≈ −η G w: harm is where it is positive.",
        )


@exercise("6.2")
def check_largest_weight(largest_weight):
    rng = np.random.default_rng(0)
    cases = [
        [[4.0, -3.0], [-3.0, 5.0]],
        [[100.0, -1.0], [-1.0, 0.1]],
        [[9.0, -3.0], [-3.0, 2.0]],
    ]
    for _ in range(4):
        g1, g2 = rng.normal(size=(2, 5))
        if g1 @ g2 > 0:
            g1 = -g1
        cases.append([[g1 @ g1, g1 @ g2], [g1 @ g2, g2 @ g2]])

    for case in cases:
        G = np.array(case)
        known = {
            "That is the boundary of task 1, as if its own weight were 1.": (
                -G[0, 1] / G[0, 0]
            ),
            "These are the lengths alone; the angle is missing.": (
                np.sqrt(G[1, 1] / G[0, 0])
            ),
            "This is one divided by the cosine; the lengths count too.": (
                -np.sqrt(G[0, 0] * G[1, 1]) / G[0, 1]
            ),
            "The condition for task 2 has the length of gradient 2, not of gradient "
            "1.": -G[0, 0] / G[0, 1],
        }
        expect(
            largest_weight(G),
            -G[1, 1] / G[0, 1],
            "w₁",
            given=f"for G = {G.round(2).tolist()}",
            known=known,
            hint="Look at the second row of G: where is (G w)₂ = 0?",
        )


@exercise("6.3")
def check_cosine(cosine):
    rng = np.random.default_rng(0)
    for P in (3, 6, 1, 4):
        # [trunk | head 1 | head 2]: a task has no gradient on the other's head.
        g1 = np.zeros(P + 4)
        g2 = np.zeros(P + 4)
        g1[: P + 2] = rng.normal(size=P + 2)
        g2[:P] = rng.normal(size=P)
        g2[P + 2 :] = rng.normal(size=2)

        inner = np.dot(g1[:P], g2[:P])
        short1 = np.sqrt((g1[:P] ** 2).sum())
        short2 = np.sqrt((g2[:P] ** 2).sum())
        long1 = np.sqrt((g1**2).sum())
        long2 = np.sqrt((g2**2).sum())
        expected = inner / (short1 * short2)
        known = {
            "The heads are still in the lengths: each task has its own head, which "
            "adds to its length and nothing to the inner product.": (
                inner / (long1 * long2)
            ),
            "The head of task 2 is still in the length of one gradient.": (
                inner / (short1 * long2)
            ),
            "The head of task 1 is still in the length of one gradient.": (
                inner / (long1 * short2)
            ),
            "This is the inner product. Divide by both lengths.": inner,
            "Keep the sign of the inner product: it tells conflict.": abs(expected),
        }
        expect(
            cosine(g1, g2, P),
            expected,
            "ρ",
            given=f"with P = {P} of {P + 4} entries",
            known=known,
            hint="Inner product and both lengths are of the first P entries.",
        )


# Cosines, right and wrong


def _of_arrays(cosines):
    """The same function, which takes lists as well."""
    return lambda G: cosines(np.array(G, float))


def _lengths(G):
    """The product of the lengths of gradients s and t, for all s and t."""
    norms = np.sqrt(np.diag(G))
    return np.outer(norms, norms)  # (T, T)


def _right(G):
    return G / _lengths(G)


def _right_pair_by_pair(G):
    T = len(G)
    rho = np.ones((T, T))
    for s in range(T):
        for t in range(T):
            rho[s, t] = G[s, t] / np.sqrt(G[s, s]) / np.sqrt(G[t, t])
    return rho


def _root_forgotten(G):
    return G / np.outer(np.diag(G), np.diag(G))


def _one_length(G):
    return G / np.sqrt(np.diag(G))[:, None]


def _own_square(G):
    return G / np.diag(G)[:, None]


def _squares_with_sign(G):
    return G * np.abs(G) / _lengths(G) ** 2


def _absolute(G):
    return np.abs(G) / _lengths(G)


def _negative(G):
    return -G / _lengths(G)


def _centred(G):
    centred = G - G.mean(0) - G.mean(1)[:, None] + G.mean()
    return centred / _lengths(G)


def _two_tasks_alone(G):
    """Every pair gets the cosine of the first two tasks."""
    rho = _right(G)
    if len(G) > 2:
        rho[:] = rho[0, 1]
        np.fill_diagonal(rho, 1)
    return rho


def _last_pair_lost(G):
    rho = _right(G)
    if len(G) > 2:
        rho[-1, -2] = rho[-2, -1] = 0
    return rho


@exercise("6.4")
def check_law(law):
    wrong = {
        "the root is forgotten": _root_forgotten,
        "divided by one length only": _one_length,
        "divided by the square of one length": _own_square,
        "the negative": _negative,
        "squares with their sign": _squares_with_sign,
        "absolute values": _absolute,
        "centred like a correlation": _centred,
        "right for two tasks only": _two_tasks_alone,
        "the last two of three tasks are forgotten": _last_pair_lost,
    }
    right = [_of_arrays(_right), _of_arrays(_right_pair_by_pair)]
    catches(law, right, {slip: _of_arrays(cosines) for slip, cosines in wrong.items()})
