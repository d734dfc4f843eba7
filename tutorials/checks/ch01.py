"""Checkers for chapter 1, the chain rule with two losses."""

import math

import numpy as np

from . import Wrong, catches, exercise, numbers


@exercise("1.1")
def check_by_hand(by_hand):
    rng = np.random.default_rng(1)
    for _ in range(20):
        u, a, b, x, y = rng.normal(size=5)
        c = float(rng.integers(2))
        w1, w2 = rng.uniform(0.5, 2, 2)
        given = [u, a, b, x, y, c, w1, w2]

        price = w1 * 2 * (a * u * x - y)
        buys = w2 * (1 / (1 + math.exp(-b * u * x)) - c)
        expected = {
            "u": (price * a + buys * b) * x,
            "a": price * u * x,
            "b": buys * u * x,
        }
        answer = numbers(by_hand(*given), (3,), "(∂L/∂u, ∂L/∂a, ∂L/∂b)")
        got = dict(zip("uab", answer))

        # The heads come first: a slip is seen more clearly where one task is alone.
        for name in ("a", "b", "u"):
            if not math.isclose(got[name], expected[name], rel_tol=1e-9, abs_tol=1e-12):
                at = [round(float(number), 2) for number in given]
                raise Wrong(
                    f"∂L/∂{name} at u, a, b, x, y, c, w1, w2 = {at} "
                    f"should be {expected[name]:.6g}, got {got[name]:.6g}. "
                    + _slip(name, expected[name], got[name], x, w1, w2)
                )


def _slip(name, right, mine, x, w1, w2):
    if name == "u":
        if math.isclose(mine * x, right):
            return "That is ∂L/∂h: the last step from h to u multiplies by x."
        if math.isclose(2 * mine, right):
            return "Half of it: gradients that meet are added, not averaged."
    if name == "a":
        if math.isclose(2 * mine, right):
            return "Half of it: the derivative of a square is twice what is squared."
        if math.isclose(mine * w1, right):
            return "The weight of the task is missing."
    if name == "b" and math.isclose(mine * w2, right):
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
                f"tanh({number}) should be a Value that remembers x, "
                f"got {type(y).__name__}"
            )
        value = math.tanh(number)
        if not math.isclose(y.data, value, abs_tol=1e-12):
            raise Wrong(f"tanh({number}) should be {value:.6g}, got {y.data:.6g}")

        expected = 3 * (1 - value**2)
        got = gradient(y * 3.0, [x])[0]
        if not math.isclose(got, expected, abs_tol=1e-12):
            if math.isclose(3 * got, expected):
                slip = "The gradient from above, g, is not multiplied in."
            else:
                slip = (
                    "The value remembers x by a pair (x, a function of g): "
                    "does that function multiply g by 1 − tanh²?"
                )
            raise Wrong(
                f"the derivative of 3 tanh at {number} should be {expected:.6g}, "
                f"got {got:.6g}. {slip}"
            )


def _diamonds(Value):
    """Computations that use a value more than once: (what, loss, leaf, derivative)."""
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
            if "q" in what:
                slip = (
                    "Has a value passed its gradient on before the shares of all its "
                    "children had come, or twice?"
                )
            else:
                slip = "Two shares for one value are added."
            raise Wrong(
                f"the derivative of {what} with respect to p at p = 3 "
                f"should be {expected:g}, got {got:g}. {slip}"
            )
    if gradient(Value(1.0), [Value(2.0)])[0] != 0:
        raise Wrong("a value on which the loss does not depend should have gradient 0")


def youngest(waiting):
    return waiting.pop(max(waiting))


def first_found(waiting):
    return waiting.pop(next(iter(waiting)))


def added(old, share):
    return old + share


def overwritten(old, share):
    return share


def engine(take=youngest, add=added, keep_g=True):
    """The chapter's `gradient`, with three places to go wrong.

    take: which of the waiting values is next
    add: what is done with two shares for one value
    keep_g: whether the gradient from above is passed on
    """

    def gradient(loss, wrt):
        arrived = {loss.born: 1.0}
        waiting = {loss.born: loss}
        passed = {}
        while waiting:
            node = take(waiting)
            passed[node.born] = arrived[node.born]
            g = arrived[node.born] if keep_g else 1.0
            for parent, share in node.pairs:
                before = arrived.get(parent.born, 0.0)
                arrived[parent.born] = add(before, share(g))
                if parent.born not in passed:
                    waiting[parent.born] = parent
        return [passed.get(x.born, 0.0) for x in wrt]

    return gradient


@exercise("1.4", copies=False)
def check_law(law, Value):
    def of_gradient(gradient):
        return law(gradient, Value)

    wrong = {
        "shares that meet overwrite each other": engine(add=overwritten),
        "the first value that waits is taken, not the youngest": engine(
            take=first_found
        ),
        "the gradient from above is not multiplied in": engine(keep_g=False),
    }
    catches(of_gradient, engine(), wrong)
