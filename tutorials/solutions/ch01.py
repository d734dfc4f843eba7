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
        # The youngest waits for nobody.
        node = max(waiting, key=lambda value: value.born)
        waiting.remove(node)
        g = arrived[node.born]
        for parent, share in node.pairs:
            arrived[parent.born] = arrived.get(parent.born, 0.0) + share(g)
            if parent not in waiting:
                waiting.append(parent)
    return [arrived.get(x.born, 0.0) for x in wrt]


def law(gradient, Value):
    """From x to the loss lead two ways of different length, with a factor on top."""
    x = Value(2.0)
    square = x * x
    loss = (x + square * x) * 5.0
    assert gradient(loss, [x]) == [5 * (1 + 3 * 4.0)], (
        "5 (x + x³) has the derivative 5 (1 + 3 x²)"
    )
