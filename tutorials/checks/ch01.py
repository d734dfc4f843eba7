"""Checkers for chapter 1, the chain rule with two losses.

The engine stands here too, as the chapter builds it.
"""

import math

import numpy as np

from . import Wrong, catches, close, exercise, expect, first_difference, numbers

# The chapter's engine


class Value:
    """A number that remembers how it was made.

    pairs: (parent, function from g to the parent's share of it)
    """

    clock = 0

    def __init__(self, data, *pairs):
        self.data = float(data)
        self.pairs = pairs
        Value.clock += 1
        self.born = Value.clock  # its place in time: younger than its parents

    def __add__(self, other):
        other = value(other)
        return Value(self.data + other.data, (self, lambda g: g), (other, lambda g: g))

    def __mul__(self, other):
        other = value(other)
        return Value(
            self.data * other.data,
            (self, lambda g: g * other.data),
            (other, lambda g: g * self.data),
        )

    def __sub__(self, other):
        other = value(other)
        return Value(self.data - other.data, (self, lambda g: g), (other, lambda g: -g))

    def __pow__(self, n):
        return Value(self.data**n, (self, lambda g: g * n * self.data ** (n - 1)))

    __radd__ = __add__
    __rmul__ = __mul__


def value(x):
    return x if isinstance(x, Value) else Value(x)


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


gradient = engine()

# Walks with a slip


def as_printed(loss, wrt):
    """The walk of exercise 1.3: in the order in which values were found."""
    arrived = {loss.born: 1.0}
    waiting = [loss]
    for node in waiting:
        g = arrived[node.born]
        for parent, share in node.pairs:
            arrived[parent.born] = arrived.get(parent.born, 0.0) + share(g)
            if parent not in waiting:
                waiting.append(parent)
    return [arrived.get(x.born, 0.0) for x in wrt]


def passes_on_twice(loss, wrt):
    """All that has arrived is passed on again whenever one more share comes."""
    arrived = {loss.born: 1.0}
    waiting = [loss]
    while waiting:
        node = waiting.pop(0)
        g = arrived[node.born]
        for parent, share in node.pairs:
            arrived[parent.born] = arrived.get(parent.born, 0.0) + share(g)
            waiting.append(parent)
    return [arrived.get(x.born, 0.0) for x in wrt]


def along_all_paths(loss, wrt):
    """Right, but a value is visited once for each path: 2ⁿ visits for n doublings."""
    arrived = {}

    def pass_on(node, g):
        arrived[node.born] = arrived.get(node.born, 0.0) + g
        for parent, share in node.pairs:
            pass_on(parent, share(g))

    pass_on(loss, 1.0)
    return [arrived.get(x.born, 0.0) for x in wrt]


# Exercise 1.1


@exercise("1.1")
def check_by_hand(by_hand):
    rng = np.random.default_rng(1)
    for _ in range(20):
        u, a, b, x, y = rng.normal(size=5)
        c = float(rng.integers(2))
        w1, w2 = rng.uniform(0.5, 2, 2)
        given = [u, a, b, x, y, c, w1, w2]

        h = u * x
        price = 2 * (a * h - y)
        buys = 1 / (1 + math.exp(-b * h)) - c
        right = _by_hand(price, buys, a, b, h, x, w1, w2)
        got = numbers(by_hand(*given), (3,), "(∂L/∂u, ∂L/∂a, ∂L/∂b)")
        at = ", ".join(f"{float(number):.2f}" for number in given)
        if not close(got, right).all() and close(np.sort(got), np.sort(right)).all():
            raise Wrong(
                f"at u, a, b, x, y, c, w1, w2 = {at}: these are the right numbers in "
                "another order. Return the gradient of u, then of a, then of b"
            )
        known = _slips_by_hand(price, buys, c, u, a, b, h, x, w1, w2)
        # The heads come first: a slip is seen more clearly where one task is alone.
        for i, name in ((1, "a"), (2, "b"), (0, "u")):
            expect(
                got[i],
                right[i],
                f"∂L/∂{name}",
                given=f"at u, a, b, x, y, c, w1, w2 = {at}",
                known={slip: answer[i] for slip, answer in known.items()},
                hint="Go along each path from L back, multiply on the way, "
                "and add where paths meet.",
            )


def _by_hand(price, buys, a, b, h, x, w1, w2):
    """(∂L/∂u, ∂L/∂a, ∂L/∂b)"""
    return (w1 * price * a + w2 * buys * b) * x, w1 * price * h, w2 * buys * h


def _slips_by_hand(price, buys, c, u, a, b, h, x, w1, w2):
    """What slip gives which three numbers."""
    of_u, of_a, of_b = _by_hand(price, buys, a, b, h, x, w1, w2)
    no_weights = _by_hand(price, buys, a, b, h, x, 1, 1)
    swapped_weights = _by_hand(price, buys, a, b, h, x, w2, w1)
    σ = buys + c
    no_two = _by_hand(price / 2, buys, a, b, h, x, w1, w2)
    return {
        "The weight of the task is missing.": no_weights,
        "Each task has the weight of the other one.": swapped_weights,
        "The derivative of a square is twice what is squared.": no_two,
        "That is ∂L/∂h: the last step from h to u multiplies by x.": (
            of_u / x,
            np.nan,
            np.nan,
        ),
        "The path through the purchase is missing.": (
            w1 * price * a * x,
            np.nan,
            np.nan,
        ),
        "The path through the price is missing.": (
            w2 * buys * b * x,
            np.nan,
            np.nan,
        ),
        "On the way from an answer back to h its head multiplies.": (
            (w1 * price + w2 * buys) * x,
            np.nan,
            np.nan,
        ),
        "h = u x: its derivative with respect to u is x, not u.": (
            of_u / x * u,
            np.nan,
            np.nan,
        ),
        "Half of it: gradients that meet are added, not averaged.": (
            of_u / 2,
            np.nan,
            np.nan,
        ),
        "The step from the answer to this head multiplies by h, not by x.": (
            np.nan,
            of_a / h * x,
            of_b / h * x,
        ),
        "Is the true answer c subtracted from σ(z)?": (
            np.nan,
            np.nan,
            w2 * σ * h,
        ),
        "σ(z) is 1/(1 + e^(−z)): the sign of z is wrong there.": (
            np.nan,
            np.nan,
            w2 * (1 - σ - c) * h,
        ),
        "The derivative of log(1 + e^z) is σ(z), not z.": (
            np.nan,
            np.nan,
            w2 * (b * h - c) * h,
        ),
        "σ(z) − c is already ∂L₂/∂z: no slope of σ comes on top.": (
            np.nan,
            np.nan,
            of_b * σ * (1 - σ),
        ),
    }


# Exercise 1.2


@exercise("1.2", copies=False)
def check_tanh(tanh, Value, gradient):
    rng = np.random.default_rng(2)
    for number in (0.3, -1.5, 2.0, 0.0, *rng.normal(size=5)):
        x = Value(number)
        y = tanh(x)
        if not isinstance(y, Value):
            raise Wrong(
                f"tanh({number}) should be a Value that remembers x, "
                f"got {type(y).__name__}"
            )
        _pairs_are_pairs(y, Value)
        value = math.tanh(number)
        at = f"at x = {number:.3g}"
        expect(y.data, value, "tanh(x).data", at)
        expect(
            gradient(y * 3.0, [x])[0],
            3 * (1 - value**2),
            "the derivative of 3 tanh(x)",
            at,
            known={
                "The gradient from above, g, is not multiplied in.": 1 - value**2,
                "It is 1 − tanh², with the square.": 3 * (1 - value),
                "In 1 − tanh², tanh of x is squared, not x itself.": 3
                * (1 - number**2),
                "The Value does not remember x: give it a pair (x, function).": 0.0,
            },
            hint="The value remembers x by a pair (x, a function of g): "
            "does that function multiply g by 1 − tanh²?",
        )


def _pairs_are_pairs(y, Value):
    """`Wrong` if what follows the number is not (parent, function), each a tuple."""
    for pair in y.pairs:
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise Wrong(
                "Value(number, pair): x and its function stand in one pair of "
                f"parentheses, (x, function), got {type(pair).__name__} alone"
            )
        parent, function = pair
        if not isinstance(parent, Value):
            raise Wrong(
                "the first of a pair should be the Value x, "
                f"got {type(parent).__name__}"
            )
        if not callable(function):
            raise Wrong(
                "the second of a pair should be a function of g, "
                f"got {type(function).__name__}: its derivative is multiplied by a g "
                "that comes later"
            )


# Exercise 1.3


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


class _Visited(Exception):
    """A walk visits values too often."""


def _long_chain(Value, most):
    """n doublings of 1, whose walk may pass at most `most` shares on."""
    shares = 0

    def share(g):
        nonlocal shares
        shares += 1
        if shares > most:
            raise _Visited
        return g

    p = Value(1.0)
    q = p
    for _ in range(40):
        q = Value(2 * q.data, (q, share), (q, share))
    return q, p


@exercise("1.3", copies=False)
def check_gradient_repaired(gradient, Value):
    for what, loss, leaf, expected in _diamonds(Value):
        got = numbers(gradient(loss, [leaf]), (1,), "the list of gradients")[0]
        difference = first_difference(got, expected, "the derivative by p")
        if difference is not None:
            hint = "Two shares for one value are added."
            if "q" in what:
                hint = (
                    "Has a value passed its gradient on before the shares of all its "
                    "children had come, or has it passed one share on twice?"
                )
            raise Wrong(f"for {what}, with p = 3: {difference}. {hint}")
    try:
        unused = gradient(Value(1.0), [Value(2.0)])
    except KeyError:
        raise Wrong(
            "a value on which the loss does not depend has received no share, so it is "
            "not in `arrived`; its gradient should be 0"
        ) from None
    if numbers(unused, (1,), "the list of gradients")[0] != 0:
        raise Wrong("a value on which the loss does not depend should have gradient 0")
    # Every value passes two shares on, once. Along all paths there are 2⁴⁰.
    loss, leaf = _long_chain(Value, most=10_000)
    try:
        got = numbers(gradient(loss, [leaf]), (1,), "the list of gradients")[0]
    except _Visited:
        raise Wrong(
            "the gradients are right, but for 40 doublings q = q + q the walk does not "
            "come to its end: it goes along every path, and there are 2^40 of them. "
            "Let each value pass its gradient on once, when all its shares have come"
        ) from None
    expect(got, 2.0**40, "the derivative by p", "for 40 doublings of p")


# Exercise 1.4


@exercise("1.4", copies=False)
def check_law(law, Value):
    def of_gradient(gradient):
        return law(gradient, Value)

    wrong = {
        "shares that meet overwrite each other (= in place of +=)": engine(
            add=overwritten
        ),
        "the gradient from above is not multiplied in": engine(keep_g=False),
        "the first value that waits is taken, not the youngest": engine(
            take=first_found
        ),
        "the walk that is printed in exercise 1.3": as_printed,
        "a value passes a share on twice": passes_on_twice,
        "the last value that was found is taken, not the youngest": engine(
            take=lambda waiting: waiting.popitem()[1]
        ),
    }
    catches(of_gradient, [engine(), along_all_paths], wrong)
