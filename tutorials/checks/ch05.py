"""Checkers for chapter 5, the weighted loss."""

import numpy as np

from . import Wrong, catches, exercise, numbers


@exercise("5.1")
def check_weighted_minimum(weighted_minimum):
    rng = np.random.default_rng(0)
    for T in (1, 2, 4):
        k = rng.uniform(0.5, 3, T)
        a = rng.normal(size=T)
        w = rng.uniform(0.1, 2, T)
        x = float(numbers(weighted_minimum(k, a, w), (), f"x, also with {T} tasks,"))
        total = sum(np.poly1d([1, -a[t]]) ** 2 * (w[t] * k[t]) for t in range(T))
        expected = total.deriv().roots[0]
        if not np.isclose(x, expected, atol=1e-9):
            if np.isclose(x, (w * a).sum() / w.sum()):
                slip = (
                    "That is the mean of the a_t by weight alone; "
                    "a task with a steeper bowl pulls harder."
                )
            else:
                slip = "Set the derivative Σ 2 w_t k_t (x − a_t) to 0."
            raise Wrong(
                f"for k = {k.round(2)}, a = {a.round(2)}, w = {w.round(2)} "
                f"expected {expected:.5g} with total {total(expected):.5g}, "
                f"got {x:.5g} with {total(x):.5g}. {slip}"
            )


@exercise("5.2")
def check_sampling(sampling):
    cases = [
        ((900, 100), 1, (0.9, 0.1)),
        ((900, 100), 2, (0.75, 0.25)),
        ((8, 1, 1), 3, (0.5, 0.25, 0.25)),
        ((500, 20), 1e9, (0.5, 0.5)),
    ]
    for n, tau, expected in cases:
        p = numbers(sampling(np.array(n), tau), (len(n),), "p")
        if not np.allclose(p, expected, atol=1e-6):
            # n to the power of a very large τ is infinite.
            turned = np.array(n, float) ** (tau if tau < 100 else 1)
            if np.allclose(p, turned / turned.sum()):
                slip = "That is n^τ: τ is in the denominator of the exponent."
            else:
                slip = "Raise n to the power 1/τ, then divide by the sum."
            raise Wrong(
                f"for n = {n}, τ = {tau:g} expected {expected}, got {p}. {slip}"
            )


@exercise("5.3")
def check_undo_units(undo_units):
    rng = np.random.default_rng(0)
    residual = rng.normal(size=(5, 1))  # of a price in dollars
    in_dollars = (residual**2).mean()
    for unit in (1.0, 100.0, 0.5):
        w = undo_units({"price": unit, "buys": None})
        if not isinstance(w, dict) or w.keys() != {"price", "buys"}:
            raise Wrong(
                f"a weight for each of the tasks price and buys is expected, got {w}"
            )
        if w["buys"] != 1:
            raise Wrong(
                f"cross-entropy has no unit: its weight should be 1, got {w['buys']}"
            )
        got = w["price"] * ((unit * residual) ** 2).mean()
        if not np.isclose(got, in_dollars):
            if np.isclose(got, unit * in_dollars):
                slip = "The residual has the unit; its square has the unit's square."
            else:
                slip = "w · unit² should be 1."
            raise Wrong(
                f"with a unit of {unit:g} the weighted loss should stay "
                f"{in_dollars:.5g}, got {got:.5g}. {slip}"
            )


def _right(theta, J, w, rate):
    return theta - rate * w @ J


def _normalised(theta, J, w, rate):
    total = w.sum()
    return _right(theta, J, w / total if total else w, rate)


def _squared(theta, J, w, rate):
    return _right(theta, J, w * w, rate)


def _to_wrong_tasks(theta, J, w, rate):
    return _right(theta, J, w[::-1], rate)


def _averaged(theta, J, w, rate):
    return _right(theta, J, w / len(w), rate)


def _uphill(theta, J, w, rate):
    return _right(theta, J, w, -rate)


@exercise("5.4")
def check_law(law):
    wrong = {
        "weights are normalised to a sum of 1": _normalised,
        "weights are squared": _squared,
        "weights go to the wrong tasks": _to_wrong_tasks,
        "the mean over tasks instead of the sum": _averaged,
        "the step goes uphill": _uphill,
    }
    catches(law, _right, wrong)
