"""The exercises, and answers to them that are plausible and wrong.

exercise -> (checker, the solution's name, further arguments of the checker, slip -> wrong answer)
"""

import math

from checks import ch01

EXERCISES = {}


# Chapter 1, with an engine of its own (the chapter builds one in front of the reader)


class Value:
    clock = 0

    def __init__(self, data, *pairs):
        self.data, self.pairs = float(data), pairs
        self.born = Value.clock = Value.clock + 1

    def __add__(self, other):
        return Value(self.data + other.data, (self, lambda g: g), (other, lambda g: g))

    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data * other.data, (self, lambda g: g * other.data), (other, lambda g: g * self.data))


gradient = ch01.engine()


def by_hand(square=2.0, last=True, weigh=True):
    def answer(u, a, b, x, y, c, w1, w2):
        h = u * x
        price, buys = (w1 if weigh else 1) * square * (a * h - y), w2 * (1 / (1 + math.exp(-b * h)) - c)
        return (price * a + buys * b) * (x if last else 1), price * h, buys * h

    return answer


def tanh(slope, value=math.tanh):
    def answer(x):
        y = value(x.data)
        return Value(y, (x, lambda g: slope(g, y)))

    return answer


def x_plus_x(gradient, Value):
    x = Value(2.0)
    assert gradient(x + x, [x]) == [2.0]


def one_chain(gradient, Value):
    x = Value(2.0)
    assert gradient(x * 3.0, [x]) == [3.0]


def rejects_all(gradient, Value):
    x = Value(2.0)
    assert gradient(x * x, [x]) == [2.0]


EXERCISES |= {
    "1.1": (ch01.check_by_hand, "by_hand", (), {"square without its 2": by_hand(square=1), "stops at h": by_hand(last=False), "a weight forgotten": by_hand(weigh=False)}),
    "1.2": (
        ch01.check_tanh,
        "tanh",
        (Value, gradient),
        {"g forgotten": tanh(lambda g, y: 1 - y * y), "square forgotten": tanh(lambda g, y: g * (1 - y)), "sinh": tanh(lambda g, y: g, math.sinh), "a bare number": lambda x: math.tanh(x.data)},
    ),
    "1.3": (
        ch01.check_gradient_repaired,
        "gradient_to_repair",
        (Value,),
        {
            "as it was": ch01.engine(take=lambda waiting: waiting.pop(next(iter(waiting)))),
            "overwrites": ch01.engine(add=lambda old, share: share),
            "takes the last found": ch01.engine(take=lambda waiting: waiting.popitem()[1]),
        },
    ),
    "1.4": (ch01.check_law, "law", (Value,), {"x + x alone": x_plus_x, "a chain alone": one_chain, "a law that is wrong": rejects_all}),
}
