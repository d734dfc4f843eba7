"""Checkers for chapter 1, the chain rule with two losses."""

import math

import numpy as np

from . import Wrong, catches, exercise, numbers


@exercise("1.1")
def check_by_hand(by_hand):
    rng = np.random.default_rng(1)
    for _ in range(20):
        u, a, b, x, y, c, w1, w2 = given = [
            *rng.normal(size=5),
            float(rng.integers(2)),
            *rng.uniform(0.5, 2, 2),
        ]
        price, buys = (
            w1 * 2 * (a * u * x - y),
            w2 * (1 / (1 + math.exp(-b * u * x)) - c),
        )
        expected = (price * a + buys * b) * x, price * u * x, buys * u * x
        got = numbers(by_hand(*given), (3,), "(∂L/∂u, ∂L/∂a, ∂L/∂b)")
        for name in (
            "abu"
        ):  # the heads first: a slip is seen more clearly where one task is alone
            right, mine = expected["uab".index(name)], got["uab".index(name)]
            if not math.isclose(mine, right, rel_tol=1e-9, abs_tol=1e-12):
                raise Wrong(
                    f"∂L/∂{name} at u, a, b, x, y, c, w1, w2 = {[round(float(n), 2) for n in given]} should be {right:.6g}, got {mine:.6g}. {_slip(name, right, mine, x, w1, w2)}"
                )


def _slip(name, right, mine, x, w1, w2):
    if name == "u" and math.isclose(mine * x, right):
        return "That is ∂L/∂h: the last step from h to u multiplies by x."
    if name == "u" and math.isclose(2 * mine, right):
        return "Half of it: gradients that meet are added, not averaged."
    if name == "a" and math.isclose(2 * mine, right):
        return "Half of it: the derivative of a square is twice what is squared."
    if (
        name == "a"
        and math.isclose(mine * w1, right)
        or name == "b"
        and math.isclose(mine * w2, right)
    ):
        return "The weight of the task is missing."
    return (
        "Go along each path from L back, multiply on the way, and add where paths meet."
    )


@exercise("1.2", copies=False)
def check_tanh(tanh, Value, gradient):
    for number in (-1.5, 0.0, 0.3, 2.0):
        x = Value(number)
        y = tanh(x)
        if not isinstance(y, Value):
            raise Wrong(
                f"tanh({number}) should be a Value that remembers x, got {type(y).__name__}"
            )
        if not math.isclose(y.data, math.tanh(number), abs_tol=1e-12):
            raise Wrong(
                f"tanh({number}) should be {math.tanh(number):.6g}, got {y.data:.6g}"
            )
        expected, got = 3 * (1 - math.tanh(number) ** 2), gradient(y * 3.0, [x])[0]
        if not math.isclose(got, expected, abs_tol=1e-12):
            slip = (
                "The gradient from above, g, is not multiplied in."
                if math.isclose(3 * got, expected)
                else "The value remembers x by a pair (x, a function of g): does that function multiply g by 1 − tanh²?"
            )
            raise Wrong(
                f"the derivative of 3 tanh at {number} should be {expected:.6g}, got {got:.6g}. {slip}"
            )


def _diamonds(Value):
    """(what, loss, leaf, derivative) of computations in which a value is used more than once."""
    p = Value(3.0)
    yield "p · 2", p * 2.0, p, 2.0
    yield "p · p", p * p, p, 6.0
    q = p + p
    yield "q = p + p; q + q", q + q, p, 4.0
    r = q * q
    yield "q = p + p; r = q · q; r + q", r + q, p, 26.0
    yield "q = p + p; r = q · q; q + r", q + r, p, 26.0
    v = r * q
    yield "q = p + p; r = q · q; v = r · q; q + v", q + v, p, 218.0


@exercise("1.3", copies=False)
def check_gradient_repaired(gradient, Value):
    for what, loss, leaf, expected in _diamonds(Value):
        got = gradient(loss, [leaf])[0]
        if got != expected:
            slip = (
                "Has a value passed its gradient on before the shares of all its children had come, or twice?"
                if "q" in what
                else "Two shares for one value are added."
            )
            raise Wrong(
                f"the derivative of {what} with respect to p at p = 3 should be {expected:g}, got {got:g}. {slip}"
            )
    if gradient(Value(1.0), [Value(2.0)])[0] != 0:
        raise Wrong("a value on which the loss does not depend should have gradient 0")


def engine(
    take=lambda waiting: waiting.pop(max(waiting)),
    add=lambda old, share: old + share,
    keep_g=True,
):
    """The chapter's `gradient` with three places to go wrong: which value is next, what is done with two shares, whether g is passed on."""

    def gradient(loss, wrt):
        arrived, waiting, passed = {loss.born: 1.0}, {loss.born: loss}, {}
        while waiting:
            node = take(waiting)
            g = passed[node.born] = arrived[node.born]
            for parent, share in node.pairs:
                arrived[parent.born] = add(
                    arrived.get(parent.born, 0.0), share(g if keep_g else 1.0)
                )
                if parent.born not in passed:
                    waiting[parent.born] = parent
        return [passed.get(x.born, 0.0) for x in wrt]

    return gradient


@exercise("1.4", copies=False)
def check_law(law, Value):
    catches(
        lambda gradient: law(gradient, Value),
        engine(),
        {
            "shares that meet overwrite each other": engine(
                add=lambda old, share: share
            ),
            "the first value that waits is taken, not the youngest": engine(
                take=lambda waiting: waiting.pop(next(iter(waiting)))
            ),
            "the gradient from above is not multiplied in": engine(keep_g=False),
        },
    )
