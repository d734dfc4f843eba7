"""Small numerical methods that the weighting rules share: each solves one problem about T tasks.

    solve_nonnegative      min ½ uᵀA u − bᵀu,  u ≥ 0         a quadratic programme
    shortest_in_hull       min ‖Jᵀw‖,  w ≥ 0, Σw = 1         the shortest mean of the gradients
    solve_inverse_power    G w = w^(−1/α),  w > 0            Newton's method
    falling_root           f(x) = 0 for a falling f          false position

They see the gradients only through the Gramian G = J Jᵀ (T, T). The rules have checked it before.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def cosines_and_norms(G: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The cosines C (T, T) between the gradients, and their norms n (T,).

        n_t = ‖g_t‖ = √G_tt        C_st = G_st / (n_s n_t)

    C is the Gramian of the gradients in units of their own lengths, so its entries are of order 1.
    A task without a gradient has rows and columns of 0 in C, and the least of the other norms in n
    (1 if there is no other), so that one may divide by n.

    >>> C, n = cosines_and_norms(np.array([[4.0, 3.0], [3.0, 9.0]]))
    >>> C, n
    (array([[1. , 0.5],
           [0.5, 1. ]]), array([2., 3.]))
    """
    n = np.sqrt(np.maximum(np.diag(G), 0.0))
    positive = n > 0
    least = n[positive].min() if positive.any() else 1.0
    n = np.where(positive, n, least)
    C = np.clip(G / n[:, None] / n, -1.0, 1.0)
    return C * np.outer(positive, positive), n


def in_middle_units(G: np.ndarray) -> tuple[np.ndarray, float]:
    """The Gramian of the gradients in another unit, and this unit.

    In it products of two lengths do not leave the range of numbers.

    The longest gradient is as much above 1 as the shortest one is below, about. The unit is a power
    of 2, so nothing is rounded: the old Gramian is unit² times the new one.

    >>> in_middle_units(np.diag([2.0**14, 2.0**10]))
    (array([[4.  , 0.  ],
           [0.  , 0.25]]), 64.0)
    """
    squares = np.diag(G)
    squares = squares[squares > 0]
    if not len(squares):
        return G, 1.0
    _, low = np.frexp(squares.min())
    _, high = np.frexp(squares.max())
    k = max(int(low + high) // 4, (int(high) - 1000) // 2)
    return np.ldexp(G, -2 * k), 2.0**k


# A quadratic programme


def solve_nonnegative(A: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The u ≥ 0 at which a convex quadratic function is least.

        min ½ uᵀA u − bᵀu,   u ≥ 0

    A (T, T) has no negative eigenvalue, b (T,) is in its range, and the entries of A should be of
    order 1. The result u (T,) is optimal exactly if the slope s = A u − b is 0 where u_t > 0, and
    s_t ≥ 0 where u_t = 0.

    The method is that of active sets, and ends after finitely many steps. All u_t are fixed at 0
    at first. The one along which the function falls fastest is freed, and the least height that
    the free ones can reach together is solved for.

    Source: Lawson & Hanson (1974), chapter 23.

    >>> solve_nonnegative(np.eye(2), np.array([3.0, -1.0]))
    array([3., 0.])
    """
    T = len(b)
    u = np.zeros(T)
    height = 0.0  # of the function at u
    free = np.zeros(T, bool)
    tried = np.zeros(T, bool)  # freed from here, without getting lower
    while True:
        descent = b - A @ u
        descent[free | tried] = 0.0
        new = descent.argmax()
        if descent[new] <= 0:
            return u
        wanted = free.copy()
        wanted[new] = True
        lower_u, lower_free = _least_on_face(A, b, u, wanted)
        lower = (A @ lower_u / 2 - b) @ lower_u
        if lower < height - 1e-15 * abs(height):
            u, free, height = lower_u, lower_free, lower
            tried[:] = False
        else:
            tried[new] = True  # its slope was nothing but rounding


def _least_on_face(A, b, u, free):
    """Descends from u while only `free` entries may differ from 0.

    Returns the u at which it ends, and what is still free there.

    An entry that reaches 0 on the way to the least height is fixed there, and the way begins anew.
    """
    u = u.copy()
    free = free.copy()
    while True:
        at = free.nonzero()[0]
        face = A[at[:, None], at]
        # A face with two equal gradients is singular. A little on its diagonal lets them share.
        target = np.linalg.solve(face + 1e-14 * np.eye(len(at)), b[at])
        if (target > 0).all():
            u[:] = 0.0
            u[at] = target
            return u, free
        start = u[at]
        blocked = target <= 0
        # The part of the way to its target at which an entry reaches 0.
        part = np.full(len(at), np.inf)
        part[blocked] = start[blocked] / (start - target)[blocked]
        first = part.argmin()
        u[at] += part[first] * (target - start)
        u[at[first]] = 0.0
        free[at[first]] = False


def shortest_in_hull(G: np.ndarray) -> np.ndarray:
    """The weights of the shortest vector in the convex hull of the gradients.

        min ‖Jᵀw‖² = wᵀG w,   w ≥ 0, Σw = 1

    w (T,) is optimal exactly if d = Jᵀw has g_t · d ≥ ‖d‖² for every task.

    The direction of d is also that of the shortest x with J x ≥ 1. As a quadratic programme,
    x = Jᵀu with min ½ uᵀ(G + 11ᵀ)u − 1ᵀu, u ≥ 0, and w = u/Σu. It is solved with the gradients in
    units of their own lengths, where J x ≥ 1 reads u_t · x ≥ 1/‖g_t‖.

    >>> shortest_in_hull(np.diag([1.0, 3.0]))
    array([0.75, 0.25])
    """
    C, n = cosines_and_norms(G)
    one = n.min() / n  # the 1 of J x ≥ 1 in these units, up to a factor
    one /= np.linalg.norm(one)
    v = solve_nonnegative(C + np.outer(one, one), one) / n
    return v / v.sum()


# Equations


def solve_inverse_power(G: np.ndarray, alpha: float) -> np.ndarray | None:
    """The weights w > 0 under which every task's gain is a negative power of its weight.

        G w = w^(−1/α)

    (G w)_t = g_t · d is what task t gains along d = Jᵀw. The solution is the w at which the
    strictly convex ½ wᵀG w − Σ_t φ(w_t), φ′(w) = w^(−1/α), is least, so there is at most one. There
    is none where some Σ_t v_t g_t with v ≥ 0, v ≠ 0, is 0. The result is None if none is found.

    The method is Newton's, on two equations for w and the gains r, which hold only at the
    end:

        G w − r = 0        log r + 1/α log w = 0

    Each step is cut so that w and r stay positive. (For α = 1 the second equation is w_t r_t = 1.)
    The unit of each w_t is ‖g_t‖^(−2/(1 + 1/α)), with which w = 1 is the solution for orthogonal
    gradients.

    Source: the primal-dual method of Boyd & Vandenberghe (2004), section 11.7, where α = 1.

    >>> solve_inverse_power(np.diag([8.0, 1.0]), alpha=2.0)  # 8 w = w^(−1/2)
    array([0.25, 1.  ])
    """
    p = 1 / alpha
    with np.errstate(all="ignore"):  # without a solution the numbers leave their range
        unit = np.diag(G) ** (-1 / (1 + p))
        A = unit[:, None] * G * unit
        log_κ = (1 - p) * np.log(unit)  # in these units: A w = r, r = κ w^(−p)
        w = np.ones(len(G))
        r = np.exp(log_κ)
        for _ in range(500):
            off = A @ w - r
            log_off = np.log(r) - log_κ + p * np.log(w)
            gains_are_r = (np.abs(off) <= 1e-12 * (np.abs(A) @ w)).all()
            r_is_the_power = (np.abs(log_off) <= 1e-10).all()
            if gains_are_r and r_is_the_power:
                return unit * w
            H = A + np.diag(p * r / w)  # positive definite
            if not np.isfinite(H).all() or not w.max() < 1e7:
                return None
            try:
                Δw = np.linalg.solve(H + np.diag(1e-15 * np.diag(H)), -off - r * log_off)
            except np.linalg.LinAlgError:  # singular to rounding: w grows without end
                return None
            Δr = -r * (log_off + p * Δw / w)
            fastest_fall = max((-Δw / w).max(), (-Δr / r).max(), 1e-9)
            step = min(1.0, 0.99 / fastest_fall)
            w = w + step * Δw
            r = r + step * Δr
    return None


def falling_root(
    f: Callable[[float], float], low: float, high: float, tolerance: float = 0.0
) -> float:
    """Where a falling function changes its sign.

        f(x) = 0,   low ≤ x ≤ high,   for f(low) > 0 > f(high)

    f is positive before its root and negative after it, as every falling function is. The search
    ends where |f(x)| ≤ tolerance · |x|, or where no number is left between the ends. If
    f(low) ≤ 0, the answer is `low`. If f(high) is still positive, by rounding, the answer is where
    the line through both ends crosses 0. ValueError if f(high) is not below f(low).

    The method is false position: the line through both ends crosses 0 at x, and x replaces the end
    whose sign f(x) has. In the Illinois variant, f counts half at an end that has stayed twice in
    a row. Without this, one end may stay for ever, and the search is slow.

    Source: Dowell & Jarratt (1971).

    >>> round(falling_root(lambda x: 2 - x * x, 0.0, 2.0), 6)
    1.414214
    """
    f_low = f(low)
    if f_low <= 0:
        return low
    f_high = f(high)
    if not f_high < f_low:
        raise ValueError(
            f"falling_root: f must fall from low to high, got f({low}) = {f_low} and "
            f"f({high}) = {f_high}"
        )
    if f_high >= 0:
        return _crossing(low, f_low, high, f_high)
    moved = None  # the end that the last step moved
    while True:
        x = _crossing(low, f_low, high, f_high)
        if not low < x < high:
            x = (low + high) / 2  # rounding has put it on an end
        f_x = f(x)
        if abs(f_x) <= tolerance * abs(x) or not low < x < high:
            return x
        if f_x > 0:
            if moved == "low":
                f_high = f_high / 2
            low, f_low, moved = x, f_x, "low"
        else:
            if moved == "high":
                f_low = f_low / 2
            high, f_high, moved = x, f_x, "high"


def _crossing(low, f_low, high, f_high):
    """Where the line through (low, f_low) and (high, f_high) crosses 0."""
    return (low * f_high - high * f_low) / (f_high - f_low)
