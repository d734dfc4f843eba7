"""Checkers for chapter 5, the weighted loss."""

import numpy as np

from . import Wrong, catches, exercise, numbers


@exercise("5.1")
def check_weighted_minimum(weighted_minimum):
    rng = np.random.default_rng(0)
    for T in (1, 2, 4):
        k, a, w = rng.uniform(0.5, 3, T), rng.normal(size=T), rng.uniform(0.1, 2, T)
        x = float(numbers(weighted_minimum(k, a, w), (), f"x, also with {T} tasks,"))
        total = lambda x: (w * k * (x - a) ** 2).sum()
        expected = np.roots(
            np.polyder(
                sum(
                    wt * kt * np.poly1d([1, -2 * at, at * at])
                    for kt, at, wt in zip(k, a, w)
                )
            )
        )[0]
        if not np.isclose(x, expected, atol=1e-9):
            slip = (
                "That is the mean of the a_t by weight alone; a task with a steeper bowl pulls harder."
                if np.isclose(x, (w * a).sum() / w.sum())
                else "Set the derivative Σ 2 w_t k_t (x − a_t) to 0."
            )
            raise Wrong(
                f"for k = {k.round(2)}, a = {a.round(2)}, w = {w.round(2)} expected {expected:.5g} with total {total(expected):.5g}, got {x:.5g} with {total(x):.5g}. {slip}"
            )


@exercise("5.2")
def check_sampling(sampling):
    for n, tau, expected in (
        ((900, 100), 1, (0.9, 0.1)),
        ((900, 100), 2, (0.75, 0.25)),
        ((8, 1, 1), 3, (0.5, 0.25, 0.25)),
        ((500, 20), 1e9, (0.5, 0.5)),
    ):
        p = numbers(sampling(np.array(n), tau), (len(n),), "p")
        if not np.allclose(p, expected, atol=1e-6):
            turned = np.array(n, float) ** (tau if tau < 100 else 1)
            slip = (
                "That is n^τ: τ is in the denominator of the exponent."
                if np.allclose(p, turned / turned.sum())
                else "Raise n to the power 1/τ, then divide by the sum."
            )
            raise Wrong(
                f"for n = {n}, τ = {tau:g} expected {expected}, got {p}. {slip}"
            )


@exercise("5.3")
def check_undo_units(undo_units):
    rng = np.random.default_rng(0)
    residual = rng.normal(size=(5, 1))  # of a price in dollars
    for unit in (1.0, 100.0, 0.5):
        w = undo_units({"price": unit, "buys": None})
        if not isinstance(w, dict) or w.keys() != {"price", "buys"}:
            raise Wrong(
                f"a weight for each of the tasks price and buys is asked for, got {w}"
            )
        if w["buys"] != 1:
            raise Wrong(
                f"cross-entropy has no unit: its weight should be 1, got {w['buys']}"
            )
        in_dollars, got = (
            (residual**2).mean(),
            w["price"] * ((unit * residual) ** 2).mean(),
        )
        if not np.isclose(got, in_dollars):
            slip = (
                "The residual has the unit; its square has the unit's square."
                if np.isclose(got, unit * in_dollars)
                else "w · unit² should be 1."
            )
            raise Wrong(
                f"with a unit of {unit:g} the weighted loss should stay {in_dollars:.5g}, got {got:.5g}. {slip}"
            )


@exercise("5.4")
def check_law(law):
    catches(
        law,
        lambda theta, J, w, rate: theta - rate * w @ J,
        {
            "weights are normalised to a sum of 1": lambda theta, J, w, rate: (
                theta - rate * (w / w.sum() if w.sum() else w) @ J
            ),
            "weights are squared": lambda theta, J, w, rate: theta - rate * (w * w) @ J,
            "weights go to the wrong tasks": lambda theta, J, w, rate: (
                theta - rate * w[::-1] @ J
            ),
            "the mean over tasks instead of the sum": lambda theta, J, w, rate: (
                theta - rate * w @ J / len(w)
            ),
            "the step goes uphill": lambda theta, J, w, rate: theta + rate * w @ J,
        },
    )
