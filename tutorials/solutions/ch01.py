"""Solutions of chapter 1, the chain rule with two losses."""

import math


def by_hand(u, a, b, x, y, c, w1, w2):
    h = u * x
    price = w1 * 2 * (a * h - y)  # ∂L/∂ŷ
    buys = w2 * (1 / (1 + math.exp(-b * h)) - c)  # ∂L/∂z
    return (price * a + buys * b) * x, price * h, buys * h


def tanh(x):
    Value = type(x)
    y = math.tanh(x.data)
    return Value(y, (x, lambda g: g * (1 - y * y)))


def gradient_to_repair(loss, wrt):
    """The list was gone through in the order in which values were *found*.

    In q + r with r = q · q, q comes before r, and passes on a gradient that lacks r's
    share.
    """
    arrived = {loss.born: 1.0}
    waiting = [loss]
    while waiting:
        # All shares of the youngest have come.
        node = max(waiting, key=lambda value: value.born)
        waiting.remove(node)
        g = arrived[node.born]
        for parent, share in node.pairs:
            arrived[parent.born] = arrived.get(parent.born, 0.0) + share(g)
            if parent not in waiting:
                waiting.append(parent)
    return [arrived.get(x.born, 0.0) for x in wrt]


def law(gradient, Value):
    """The shared value q has a parent, and two ways of unequal length to the loss.

    One loss has the short way first, the other has it last. Both have a factor on top.
    """
    x = Value(2.0)
    q = x * x
    long_way = q * q
    derivative = 5 * (2 * x.data + 4 * x.data**3)  # of 5 (x² + x⁴)
    short_first = (q + long_way) * 5.0
    short_last = (long_way + q) * 5.0
    assert gradient(short_first, [x]) == [derivative]
    assert gradient(short_last, [x]) == [derivative]
