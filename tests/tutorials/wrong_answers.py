"""The exercises, and answers to them that are plausible and wrong.

exercise -> (checker, the solution's name, further arguments of the checker, slip -> wrong answer)
"""

import math

import numpy as np
from checks import ch01, ch02, ch03, ch04, ch05, ch06, ch07, ch08, ch09, ch10

EXERCISES = {}


# Chapter 1

Value = ch01.Value


def by_hand(square=2.0, last=True, weigh=True, average=False, both=True, head="h"):
    """An answer with a slip for each argument that is not at its default."""

    def answer(u, a, b, x, y, c, w1, w2):
        if not weigh:
            w1 = 1.0
        if not both:
            c = 0.0
        h = u * x
        price = w1 * square * (a * h - y)
        buys = w2 * (1 / (1 + math.exp(-b * h)) - c)
        of_u = price * a + buys * b
        if last:
            of_u *= x
        if average:
            of_u /= 2
        at_head = h if head == "h" else x
        return of_u, price * at_head, buys * at_head

    return answer


def backwards(u, a, b, x, y, c, w1, w2):
    """(y − ŷ) for (ŷ − y)"""
    of_u, of_a, of_b = by_hand()(u, a, b, x, y, c, w1, w2)
    return of_u, -of_a, of_b


def for_the_example(u, a, b, x, y, c, w1, w2):
    return -22.54, -4.0, 0.73


def each_weight_on_the_other_task(u, a, b, x, y, c, w1, w2):
    return by_hand()(u, a, b, x, y, c, w2, w1)


def heads_first(*numbers):
    of_u, of_a, of_b = by_hand()(*numbers)
    return of_a, of_b, of_u


def slope_of_sigmoid_on_top(u, a, b, x, y, c, w1, w2):
    of_u, of_a, of_b = by_hand()(u, a, b, x, y, c, w1, w2)
    chance = 1 / (1 + math.exp(-b * u * x))
    return of_u, of_a, of_b * chance * (1 - chance)


def price_alone(u, a, b, x, y, c, w1, w2):
    _, of_a, of_b = by_hand()(u, a, b, x, y, c, w1, w2)
    return 2 * w1 * (a * u * x - y) * a * x, of_a, of_b


def without_parentheses(x):
    y = math.tanh(x.data)
    return Value(y, x, lambda g: g * (1 - y * y))


def a_number_for_the_function(x):
    y = math.tanh(x.data)
    return Value(y, (x, 1 - y * y))


def no_place_for_unused(loss, wrt):
    """The right walk, but it looks up a gradient that may not be there."""
    arrived = {loss.born: 1.0}
    waiting = {loss.born: loss}
    while waiting:
        node = waiting.pop(max(waiting))
        for parent, share in node.pairs:
            arrived[parent.born] = arrived.get(parent.born, 0.0) + share(arrived[node.born])
            waiting[parent.born] = parent
    return [arrived[x.born] for x in wrt]


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


def without_a_parent(gradient, Value):
    """The value that is used twice is made of nothing: no order is wrong."""
    x = Value(2.0)
    square = x * x
    assert gradient((x + square * x) * 5.0, [x]) == [5 * (1 + 3 * 4.0)]
    assert gradient((square * x + x) * 5.0, [x]) == [5 * (1 + 3 * 4.0)]


def long_way_first(gradient, Value):
    x = Value(2.0)
    q = x * x
    assert gradient((q * q + q) * 5.0, [x]) == [5 * (2 * 2.0 + 4 * 8.0)]


def short_way_first(gradient, Value):
    x = Value(2.0)
    q = x * x
    assert gradient((q + q * q) * 5.0, [x]) == [5 * (2 * 2.0 + 4 * 8.0)]


def says_so(gradient, Value):
    x = Value(2.0)
    return gradient(x * x, [x]) == [4.0]


EXERCISES |= {
    "1.1": (
        ch01.check_by_hand,
        "by_hand",
        (),
        {
            "square without its 2": by_hand(square=1),
            "stops at h": by_hand(last=False),
            "a weight forgotten": by_hand(weigh=False),
            "averaged": by_hand(average=True),
            "c forgotten": by_hand(both=False),
            "heads see x": by_hand(head="x"),
            "y − ŷ": backwards,
            "the example's numbers": for_the_example,
            "each weight on the other task": each_weight_on_the_other_task,
            "heads first": heads_first,
            "slope of σ on top": slope_of_sigmoid_on_top,
            "the price alone": price_alone,
            "one number": lambda *numbers: 1.0,
            "no return": lambda *numbers: None,
        },
    ),
    "1.2": (
        ch01.check_tanh,
        "tanh",
        (Value, ch01.gradient),
        {
            "g forgotten": tanh(lambda g, y: 1 - y * y),
            "square forgotten": tanh(lambda g, y: g * (1 - y)),
            "of x": lambda x: Value(math.tanh(x.data), (x, lambda g: g * (1 - x.data**2))),
            "plus": tanh(lambda g, y: g * (1 + y * y)),
            "sinh": tanh(lambda g, y: g, math.sinh),
            "a bare number": lambda x: math.tanh(x.data),
            "no pair": lambda x: Value(math.tanh(x.data)),
            "negative": tanh(lambda g, y: g * (y * y - 1)),
            "without parentheses": without_parentheses,
            "a number for the function": a_number_for_the_function,
        },
    ),
    "1.3": (
        ch01.check_gradient_repaired,
        "gradient_to_repair",
        (Value,),
        {
            "as it was": ch01.as_printed,
            "overwrites": ch01.engine(add=ch01.overwritten),
            "takes the last found": ch01.engine(take=lambda waiting: waiting.popitem()[1]),
            "passes shares on twice": ch01.passes_on_twice,
            "along all paths": ch01.along_all_paths,
            "no place for unused values": no_place_for_unused,
            "g forgotten": ch01.engine(keep_g=False),
        },
    ),
    "1.4": (
        ch01.check_law,
        "law",
        (Value,),
        {
            "x + x alone": x_plus_x,
            "a chain alone": one_chain,
            "a law that is wrong": rejects_all,
            "a shared value without a parent": without_a_parent,
            "the long way first": long_way_first,
            "the short way first": short_way_first,
            "returns": says_so,
        },
    ),
}


# Chapter 2


def scale(of_s=lambda x, g: (g * x).sum(0), of_b=lambda g: g.sum(0), of_x=lambda s, g: g * s):
    return lambda x, s, g: (of_s(x, g), of_b(g), of_x(s, g))


def largest_rate(numerator=2.0, bias=True, weigh=lambda w: w, factor=2.0, which=-1):
    def answer(X, w):
        if bias:
            X = np.column_stack([X, np.ones(len(X))])
        H = weigh(w) * factor / len(X) * X.T @ X
        return numerator / np.linalg.eigvalsh(H)[which]

    return answer


def fastest_rate(X, w):
    H = w * 2 / len(X) * (with_ones(X).T @ with_ones(X))
    return 2 / np.linalg.eigvalsh(H)[[0, -1]].sum()


def from_the_diagonal(X, w):
    H = w * 2 / len(X) * (with_ones(X).T @ with_ones(X))
    return 2 / np.diag(H).max()


def mean_over_entries(X, w):
    H = w * 2 / with_ones(X).size * (with_ones(X).T @ with_ones(X))
    return 2 / np.linalg.eigvalsh(H).max()


def with_ones(X):
    return np.column_stack([X, np.ones(len(X))])


def mean_over_inputs(X, w):
    return mean_over_entries(X, w) / len(X)


def two_layers(early=False, slope=True, sign=1.0):
    """One step with a slip: W2 moves too early, no slope of the relu, or uphill."""

    def answer(X, Y, W1, b1, W2, b2, rate):
        hidden = np.maximum(X @ W1 + b1, 0)
        G = sign * 2 / Y.size * (hidden @ W2 + b2 - Y)
        new_W2 = W2 - rate * hidden.T @ G
        at_hidden = G @ (new_W2 if early else W2).T
        if slope:
            at_hidden = at_hidden * (hidden > 0)
        new_W1 = W1 - rate * X.T @ at_hidden
        return new_W1, b1 - rate * at_hidden.sum(0), new_W2, b2 - rate * G.sum(0)

    return answer


def mean_over_examples(X, Y, *more):
    C = Y.shape[1]
    return two_layers(sign=C)(X, Y, *more)


def zero_at_the_goal(gradients):
    X = np.eye(3)
    W = np.ones((3, 2))
    b = np.ones(2)
    of_W, of_b = gradients(X, X @ W + b, W, b)
    assert not of_W.any() and not of_b.any()


def bias_is_sum_of_G(gradients):
    """Right for one output, but it tests the bias alone."""
    rng = np.random.default_rng(0)
    X, Y, W, b = (rng.normal(size=shape) for shape in ((5, 3), (5, 1), (3, 1), 1))
    _, of_b = gradients(X, Y, W, b)
    assert np.allclose(of_b, 2 / 5 * (X @ W + b - Y).sum(0))


def law_of_another_mean(gradients):
    rng = np.random.default_rng(0)
    X, Y, W, b = (rng.normal(size=shape) for shape in ((5, 3), (5, 2), (3, 2), 2))
    of_W, _ = gradients(X, Y, W, b)
    assert np.allclose(of_W, 2 / 5 * X.T @ (X @ W + b - Y))


def sum_of_the_biases(gradients):
    rng = np.random.default_rng(0)
    X, Y, W, b = (rng.normal(size=shape) for shape in ((5, 3), (5, 2), (3, 2), 2))
    of_W, of_b = gradients(X, Y, W, b)
    G = 2 / Y.size * (X @ W + b - Y)
    assert np.allclose(of_W, X.T @ G) and np.isclose(of_b.sum(), G.sum())


def sums_over_outputs(gradients):
    rng = np.random.default_rng(0)
    X, Y, W, b = (rng.normal(size=shape) for shape in ((5, 3), (5, 2), (3, 2), 2))
    of_W, of_b = gradients(X, Y, W, b)
    G = 2 / Y.size * (X @ W + b - Y)
    assert np.allclose(of_W.sum(1), (X.T @ G).sum(1)) and np.allclose(of_b, G.sum(0))


EXERCISES |= {
    "2.1": (
        ch02.check_scale,
        "scale",
        (),
        {
            "bias averaged": scale(of_b=lambda g: g.mean(0)),
            "gain averaged": scale(of_s=lambda x, g: (g * x).mean(0)),
            "gain without x": scale(of_s=lambda x, g: g.sum(0)),
            "added too early": scale(of_s=lambda x, g: g.sum(0) * x.sum(0)),
            "not summed": scale(of_s=lambda x, g: g * x),
            "x without s": scale(of_x=lambda s, g: g),
            "negative": scale(of_b=lambda g: -g.sum(0)),
            "gain and bias swapped": lambda x, s, g: (g.sum(0), (g * x).sum(0), g * s),
            "one array": lambda x, s, g: g * s,
        },
    ),
    "2.2": (
        ch02.check_largest_rate,
        "largest_rate",
        (),
        {
            "no bias": largest_rate(bias=False),
            "weight forgotten": largest_rate(weigh=lambda w: 1.0),
            "weight turned round": largest_rate(weigh=lambda w: 1 / w),
            "no 2/N": lambda X, w: largest_rate(factor=2.0)(X, w) * 2 / len(X),
            "half": largest_rate(numerator=1.0),
            "no 2 of the square": largest_rate(factor=1.0),
            "smallest eigenvalue": largest_rate(which=0),
            "the fastest": fastest_rate,
            "the diagonal": from_the_diagonal,
            "a mean over entries": mean_over_entries,
            "a mean over inputs": mean_over_inputs,
        },
    ),
    "2.3": (
        ch02.check_step,
        "step",
        (),
        {
            "as it was": two_layers(early=True),
            "no slope": two_layers(slope=False),
            "uphill": two_layers(sign=-1.0),
            "a mean over examples alone": mean_over_examples,
            "nothing moves": lambda X, Y, W1, b1, W2, b2, rate: (W1, b1, W2, b2),
            "three parts": lambda X, Y, W1, b1, W2, b2, rate: (W1, b1, W2),
        },
    ),
    "2.4": (
        ch02.check_law,
        "law",
        (),
        {
            "zero at the goal alone": zero_at_the_goal,
            "the bias of one output alone": bias_is_sum_of_G,
            "a mean over examples only": law_of_another_mean,
            "a shape alone": lambda gradients: None,
            "the sum of the biases": sum_of_the_biases,
            "sums over outputs": sums_over_outputs,
        },
    ),
}


# Chapter 3


def rows_that_move(changed):
    """The right rows, but for the rules in `changed`: rule -> (now, before) -> rows."""

    def answer(rule, now, before):
        if rule in changed:
            return changed[rule](now, before)
        if rule == "decay":
            return [True] * len(now)
        if rule in ("momentum", "Adam"):
            return (now | before).tolist()
        return now

    return answer


def now_alone(now, before):
    return now


def all_rows(now, before):
    return np.ones_like(now)


def class_weighted(denominator=lambda m, c: m.sum(), by_column=False, stable=True, sign=1.0):
    def answer(z, labels, class_weights):
        y = np.eye(z.shape[1])[labels]
        if stable:
            shifted = z - z.max(1, keepdims=True)
            log_p = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
        else:
            with np.errstate(all="ignore"):
                log_p = np.log(np.exp(z) / np.exp(z).sum(1, keepdims=True))
        m = class_weights[labels]
        n = denominator(m, class_weights)
        slope = sign * (np.exp(log_p) - y)
        weights = class_weights if by_column else m[:, None]
        with np.errstate(invalid="ignore"):
            return -(m[:, None] * y * log_p).sum() / n, weights * slope / n

    return answer


def without_class_weights(z, labels, class_weights):
    return class_weighted()(z, labels, np.ones_like(class_weights))


def clipped(z, labels, class_weights):
    y = np.eye(z.shape[1])[labels]
    exponentials = np.exp(z - z.max(1, keepdims=True))
    p = np.clip(exponentials / exponentials.sum(1, keepdims=True), 1e-15, 1)
    m = class_weights[labels]
    return -(m * np.log((y * p).sum(1))).sum() / m.sum(), m[:, None] * (p - y) / m.sum()


def weights_of_y_alone(z, labels, class_weights):
    loss, _ = class_weighted()(z, labels, class_weights)
    y = np.eye(z.shape[1])[labels]
    exponentials = np.exp(z - z.max(1, keepdims=True))
    p = exponentials / exponentials.sum(1, keepdims=True)
    m = class_weights[labels]
    return loss, (p - m[:, None] * y) / m.sum()


def first_of_a_basket(ids, G, V):
    g = np.zeros((V, G.shape[2]))
    for basket, of_basket in zip(ids, G):
        products, places = np.unique(basket, return_index=True)
        g[products] += of_basket[places]
    return g


def by_baskets(ids, G, V):
    g = np.zeros((V, G.shape[2]))
    for basket, of_basket in zip(ids, G):
        g[basket] += of_basket
    return g


def all_at_once(ids, G, V):
    g = np.zeros((V, G.shape[2]))
    g[ids.ravel()] += G.reshape(-1, G.shape[2])
    return g


def scattered(scale):
    def answer(ids, G, V):
        g = np.zeros((V, G.shape[2]))
        np.add.at(g, ids, G)
        return g * scale(ids, V)

    return answer


def rows_sum_to_zero(cross_entropy):
    z = np.random.default_rng(0).normal(size=(4, 3))
    _, G = cross_entropy(z, np.array([0, 1, 2, 0]))
    assert np.allclose(G.sum(1), 0)


def differences_alone(cross_entropy):
    """The gradient is that of the loss; so it is for a sum, and for other logarithms."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=(4, 3))
    step = 1e-4 * rng.normal(size=(4, 3))
    labels = np.array([0, 1, 2, 0])
    change = cross_entropy(z + step, labels)[0] - cross_entropy(z - step, labels)[0]
    assert np.isclose(change / 2, (cross_entropy(z, labels)[1] * step).sum(), rtol=1e-6)


def loss_alone(cross_entropy):
    labels = np.array([0, 1])
    for level in (0.0, 1e4, -1e4):
        loss, _ = cross_entropy(np.array([[0.0, 1e4], [level, level]]), labels)
        assert np.isclose(loss, (1e4 + np.log(2)) / 2)


def sum_is_right(cross_entropy):
    loss, _ = cross_entropy(np.zeros((4, 3)), np.array([0, 1, 2, 0]))
    assert np.isclose(loss, 4 * np.log(3))


def as_many_classes_as_examples(cross_entropy):
    labels = np.array([0, 1, 2])
    for size in (1.0, 1e4):
        z = size * np.random.default_rng(0).normal(size=(3, 3))
        log_p = ch03.log_softmax(z)
        loss, G = cross_entropy(z, labels)
        assert np.isclose(loss, -np.trace(log_p) / 3)
        assert np.allclose(G, (np.exp(log_p) - np.eye(3)) / 3)


EXERCISES |= {
    "3.1": (
        ch03.check_rows_that_move,
        "rows_that_move",
        (),
        {
            "momentum forgets": rows_that_move({"momentum": now_alone}),
            "Adam moves all": rows_that_move({"Adam": all_rows}),
            "and for or": rows_that_move({"Adam": lambda now, before: now & before}),
            "decay asks for a gradient": rows_that_move({"decay": now_alone}),
            "lazy Adam is not lazy": rows_that_move(
                {"lazy Adam": lambda now, before: now | before}
            ),
            "turned round": rows_that_move({"plain": lambda now, before: ~now}),
            "numbers of rows": rows_that_move({"plain": lambda now, before: np.flatnonzero(now)}),
        },
    ),
    "3.2": (
        ch03.check_class_weighted,
        "class_weighted",
        (),
        {
            "divided by N": class_weighted(lambda m, c: len(m)),
            "divided by the sum over classes": class_weighted(lambda m, c: c.sum()),
            "a sum": class_weighted(lambda m, c: 1.0),
            "no weights": without_class_weights,
            "by column": class_weighted(by_column=True),
            "overflows": class_weighted(stable=False),
            "y − p": class_weighted(sign=-1.0),
            "clipped": clipped,
            "weights of y alone": weights_of_y_alone,
            "the loss alone": lambda z, labels, c: class_weighted()(z, labels, c)[0],
        },
    ),
    "3.3": (
        ch03.check_table_gradient,
        "table_gradient",
        (),
        {
            "as it was": by_baskets,
            "all at once": all_at_once,
            "a mean over baskets": scattered(lambda ids, V: 1 / len(ids)),
            "a mean over the basket": scattered(lambda ids, V: 1 / ids.shape[1]),
            "the first of a basket": first_of_a_basket,
            "a mean over look-ups": scattered(
                lambda ids, V: 1 / np.maximum(np.bincount(ids.ravel(), minlength=V), 1)[:, None]
            ),
            "uphill": scattered(lambda ids, V: -1.0),
        },
    ),
    "3.4": (
        ch03.check_law,
        "law",
        (),
        {
            "rows sum to 0 alone": rows_sum_to_zero,
            "differences alone": differences_alone,
            "the loss alone": loss_alone,
            "a law of the sum": sum_is_right,
            "as many classes as examples": as_many_classes_as_examples,
        },
    ),
}


# Chapter 4


def counts(of_alone, of_hard=lambda T: 1, biases=True):
    """The counts with so many trunks alone and in hard sharing, for T tasks."""

    def answer(D, H, outputs):
        P = D * H + H * H
        p = sum(H * C for C in outputs)
        if biases:
            P += 2 * H
            p += sum(outputs)
        T = len(outputs)
        return of_alone(T) * P + p, of_hard(T) * P + p

    return answer


def heads_from_D(D, H, outputs):
    P = D * H + H + H * H + H
    p = sum(D * C + C for C in outputs)
    return len(outputs) * P + p, P + p


def counts_with(of_trunk, of_heads, heads_alone=lambda T: 1):
    """The counts with functions of the sizes that count a trunk and all heads."""

    def answer(D, H, outputs):
        P = of_trunk(D, H)
        p = of_heads(H, outputs)
        T = len(outputs)
        return T * P + heads_alone(T) * p, P + p

    return answer


def whole_trunk(D, H):
    return D * H + H + H * H + H


def all_heads(H, outputs):
    return sum(H * C + C for C in outputs)


def gain_of_parts(noise, share):
    """The gain with the noise of the pooled weights and the factor of the bias 2 τ².

    noise: function of (n1, n2, σ²); share: function of the other branch's share of the labels
    """

    def answer(n1, n2, σ2, τ2):
        N = n1 + n2
        gain1 = σ2 / n1 - noise(n1, n2, σ2) - share(n2 / N) * 2 * τ2
        gain2 = σ2 / n2 - noise(n1, n2, σ2) - share(n1 / N) * 2 * τ2
        return gain1, gain2

    return answer


def of_all_labels(n1, n2, σ2):
    return σ2 / (n1 + n2)


def relative_gain(n1, n2, σ2, τ2):
    gain1, gain2 = gain_of_pooling(by_labels, 2)(n1, n2, σ2, τ2)
    return gain1 / (σ2 / n1), gain2 / (σ2 / n2)


def gain_of_pooling(a, spread):
    """The gain if pooling gives branch 1 the weight a(n1, n2) and Var(β₁ − β₂) = spread · τ²."""

    def answer(n1, n2, noise, τ2):
        a1 = a(n1, n2)
        a2 = 1 - a1
        pooled = a1**2 * noise / n1 + a2**2 * noise / n2
        gain1 = noise / n1 - pooled - spread * a2**2 * τ2
        gain2 = noise / n2 - pooled - spread * a1**2 * τ2
        return gain1, gain2

    return answer


def by_labels(n1, n2):
    return n1 / (n1 + n2)


def error_of_pooling(n1, n2, noise, τ2):
    gain1, gain2 = gain_of_pooling(by_labels, 2)(n1, n2, noise, τ2)
    return noise / n1 - gain1, noise / n2 - gain2


def exchanged_biases(n1, n2, noise, τ2):
    N = n1 + n2
    pooled1 = noise / N + (n1 / N) ** 2 * 2 * τ2
    pooled2 = noise / N + (n2 / N) ** 2 * 2 * τ2
    return noise / n1 - pooled1, noise / n2 - pooled2


def bias_not_squared(n1, n2, noise, τ2):
    N = n1 + n2
    pooled1 = noise / N + n2 / N * 2 * τ2
    pooled2 = noise / N + n1 / N * 2 * τ2
    return noise / n1 - pooled1, noise / n2 - pooled2


def negative_trunk_gradient(*given):
    return -ch04.by_rows(*given)


def linear_in_w(trunk_gradient):
    A, heads, X, targets, w = ch04.problem(0)
    once = trunk_gradient(A, heads, X, targets, w)
    twice = trunk_gradient(A, heads, X, targets, {t: 2 * value for t, value in w.items()})
    assert np.allclose(twice, 2 * once)


def has_the_shape(trunk_gradient):
    A, *rest = ch04.problem(0)
    assert trunk_gradient(A, *rest).shape == A.shape


def sum_of_tasks(trunk_gradient):
    """The gradient of all tasks is the sum of the gradients of each alone."""
    A, heads, X, targets, w = ch04.problem(0)
    parts = [trunk_gradient(A, {t: heads[t]}, X, {t: targets[t]}, {t: w[t]}) for t in heads]
    assert np.allclose(trunk_gradient(A, heads, X, targets, w), sum(parts))


def in_one_direction(T, entry=None):
    """Central differences with T tasks: along a random direction, or of one entry."""

    def law(trunk_gradient):
        A, heads, X, targets, w = ch04.problem(1, T)

        def loss(A):
            return sum(w[t] * ((X @ A @ heads[t] - targets[t]) ** 2).mean() for t in heads)

        S = 1e-4 * np.random.default_rng(0).normal(size=A.shape)
        if entry is not None:
            S = np.zeros(A.shape)
            S[entry] = 1e-4
        change = (loss(A + S) - loss(A - S)) / 2
        gradient = trunk_gradient(A, heads, X, targets, w)
        assert np.isclose((gradient * S).sum(), change, rtol=1e-5, atol=0)

    return law


def with_weights(value, N=7):
    """The formula itself, with all weights equal to value (None: random), N examples."""

    def law(trunk_gradient):
        A, heads, X, targets, w = ch04.problem(2)
        targets = {t: y[:N] for t, y in targets.items()}
        if value is not None:
            w = dict.fromkeys(w, value)
        given = A, heads, X[:N], targets, w
        assert np.allclose(trunk_gradient(*given), ch04.in_one_product(*given))

    return law


def to_the_last_bit(trunk_gradient):
    given = ch04.problem(0)
    assert (trunk_gradient(*given) == ch04.by_rows(*given)).all()


EXERCISES |= {
    "4.1": (
        ch04.check_counts,
        "counts",
        (),
        {
            "no biases": counts(lambda T: T, biases=False),
            "no answer": lambda *sizes: None,
            "one trunk alone too": counts(lambda T: 1),
            "many trunks in hard sharing": counts(lambda T: T, lambda T: T),
            "swapped": lambda *sizes: counts(lambda T: T)(*sizes)[::-1],
            "three numbers": lambda *sizes: (1, 2, 3),
            "no heads": lambda D, H, outputs: counts(lambda T: T)(D, H, [0] * len(outputs)),
            "heads from D": heads_from_D,
            "second layer from D": counts_with(lambda D, H: 2 * (D * H + H), all_heads),
            "second layer without biases": counts_with(lambda D, H: D * H + H + H * H, all_heads),
            "one bias a layer": counts_with(
                lambda D, H: D * H + H * H + 2, lambda H, outputs: H * sum(outputs) + len(outputs)
            ),
            "one bias a head": counts_with(
                whole_trunk, lambda H, outputs: H * sum(outputs) + len(outputs)
            ),
            "one head": counts_with(whole_trunk, lambda H, outputs: H * outputs[0] + outputs[0]),
            "all heads for each": counts_with(whole_trunk, all_heads, lambda T: T),
        },
    ),
    "4.2": (
        ch04.check_gain_of_pooling,
        "gain_of_pooling",
        (),
        {
            "τ² for 2 τ²": gain_of_pooling(by_labels, 1),
            "an equal mean": gain_of_pooling(lambda n1, n2: 0.5, 2),
            "no bias": gain_of_pooling(by_labels, 0),
            "the error itself": error_of_pooling,
            "exchanged biases": exchanged_biases,
            "bias not squared": bias_not_squared,
            "negative": lambda *given: -np.array(gain_of_pooling(by_labels, 2)(*given)),
            "relative": relative_gain,
            "noise added up": gain_of_parts(lambda n1, n2, σ2: σ2 / n1 + σ2 / n2, lambda a: a**2),
            "noise not squared": gain_of_parts(
                lambda n1, n2, σ2: 2 * σ2 / (n1 + n2), lambda a: a**2
            ),
            "no share": gain_of_parts(of_all_labels, lambda a: 1.0),
            "the bias of equal branches": gain_of_parts(of_all_labels, lambda a: 0.25),
            "bias helps": gain_of_parts(of_all_labels, lambda a: -(a**2)),
        },
    ),
    "4.3": (
        ch04.check_trunk_gradient,
        "trunk_gradient",
        (),
        {
            "as it was": ch04.slip(tasks=ch04.last_alone),
            "returns in the loop": ch04.slip(tasks=ch04.first_alone),
            "a mean over tasks": ch04.slip(weigh=ch04.over_tasks),
            "no weights": ch04.slip(weigh=ch04.all_one),
            "weights of sum 1": ch04.slip(weigh=ch04.of_sum_one),
            "no 2": ch04.slip(factor=1.0),
            "negative": negative_trunk_gradient,
            "transposed": lambda *arguments: ch04.by_rows(*arguments).T,
            "another head": ch04.heads_in_another_order,
            "a sum over examples": ch04.sum_over_examples,
            "weights squared": ch04.slip(weigh=ch04.squared),
            "the last weight for all": ch04.slip(weigh=ch04.of_the_last),
            "starts at A": lambda A, *rest: A + ch04.by_rows(A, *rest),
            "not added up": lambda *given: [ch04.by_rows(*given), ch04.by_rows(*given)],
        },
    ),
    "4.4": (
        ch04.check_law,
        "law",
        (),
        {
            "equal weights": with_weights(1.0),
            "one example": with_weights(None, N=1),
            "asserts nothing": lambda trunk_gradient: None,
            "linearity alone": linear_in_w,
            "the shape alone": has_the_shape,
            "the sum of tasks": sum_of_tasks,
            "one task": in_one_direction(1),
            "two tasks": in_one_direction(2),
            "one entry": in_one_direction(3, entry=(0, 0)),
            "to the last bit": to_the_last_bit,
        },
    ),
}


# Chapter 5


def of_other(power):
    """Weights by a power of the length of the other gradient."""

    def answer(J):
        lengths = np.linalg.norm(J, axis=1)[::-1] ** power
        return lengths / lengths.sum()

    return answer


def lengths_of_others(J):
    return np.linalg.norm(J, axis=1)[::-1]


def minimum_in_place(k, a, w):
    k.fill(1.0)
    return (w * a).sum() / w.sum()


def by_unit(weight, without=1.0):
    """Weights that are a function of the unit."""
    return lambda units: {t: without if u is None else weight(u) for t, u in units.items()}


def undo_units_of_sum_one(units):
    weights = by_unit(lambda u: 1 / u**2)(units)
    return {t: weight / sum(weights.values()) for t, weight in weights.items()}


def a_problem():
    theta = np.array([0.3, -1.0])
    J = np.array([[1.0, 2.0], [3.0, 5.0], [-1.0, 0.5]])
    return theta, J


def scale_alone(step):
    theta, J = a_problem()
    w = np.array([0.5, 2.0, 1.0])
    assert np.allclose(step(theta, J, 3 * w, 0.1), step(theta, J, w, 0.3))


def one_task_alone(step):
    theta, J = a_problem()
    assert np.allclose(step(theta, J[:1], np.ones(1), 0.1), theta - 0.1 * J[0])


def scale_and_single_tasks(step):
    """As good as it looks: it does not find one task's weight used for all."""
    scale_alone(step)
    theta, J = a_problem()
    for t, one_task in enumerate(np.eye(3)):
        assert np.allclose(step(theta, J, one_task, 0.1), theta - 0.1 * J[t])


def the_example_alone(step):
    theta, J = a_problem()
    w = np.array([0.5, 2.0])
    assert np.allclose(step(theta, J[:2], w, 0.1), [-0.35, -2.1])


def the_formula(tasks=3, w=(0.3, 2.0, 0.9), start=1.0, rate=0.3):
    def law(step):
        theta, J = a_problem()
        weights = np.array(w[:tasks])
        expected = start * theta - rate * weights @ J[:tasks]
        assert np.allclose(step(start * theta, J[:tasks], weights, rate), expected)

    return law


def half_a_step(step):
    theta, J = a_problem()
    w = np.ones(3)
    assert np.allclose(step(theta, J, w, 0.1), theta - 0.05 * w @ J)


EXERCISES |= {
    "5.1": (
        ch05.check_weighted_minimum,
        "weighted_minimum",
        (),
        {
            "the curvature forgotten": lambda k, a, w: (w * a).sum() / w.sum(),
            "the weights forgotten": lambda k, a, w: (k * a).sum() / k.sum(),
            "in place": minimum_in_place,
            "a plain mean": lambda k, a, w: a.mean(),
            "not divided": lambda k, a, w: (w * k * a).sum(),
            "divided by T": lambda k, a, w: (w * k * a).mean(),
            "the sign": lambda k, a, w: -(w * k * a).sum() / (w * k).sum(),
            "two tasks alone": lambda k, a, w: (w * k * a)[:2].sum() / (w * k)[:2].sum(),
            "one for each task": lambda k, a, w: w * k * a / (w * k),
            "divided by the weights": lambda k, a, w: (w * k * a).sum() / w.sum(),
            "divided by the steepness": lambda k, a, w: (w * k * a).sum() / k.sum(),
            "product of sums": lambda k, a, w: (w * k * a).sum() / (w.sum() * k.sum()),
            "k squared": lambda k, a, w: np.average(a, weights=w * k**2),
            "k divides": lambda k, a, w: np.average(a, weights=w / k),
            "on a grid": lambda k, a, w: min(
                np.linspace(-3, 3, 601), key=lambda x: (w * k * (x - a) ** 2).sum()
            ),
        },
    ),
    "5.2": (
        ch05.check_weights_that_stay,
        "weights_that_stay",
        (),
        {
            "swapped": of_other(-1),
            "equal": lambda J: [0.5, 0.5],
            "squares": of_other(2),
            "not added up to 1": lengths_of_others,
            "the ratio alone": lambda J: np.linalg.norm(J[1]) / np.linalg.norm(J[0]),
            "with signs": lambda J: np.array([J[1, 0], J[0, 0]]) / (J[0, 0] + J[1, 0]),
            "of length 1": lambda J: lengths_of_others(J) / np.linalg.norm(J),
            "roots": of_other(0.5),
            "second weight 1": lambda J: np.array(
                [lengths_of_others(J)[0] / np.linalg.norm(J[0]), 1]
            ),
            "a column": lambda J: of_other(1)(J)[:, None],
            "one negative": lambda J: of_other(1)(J) * [1, -1],
            "zeros": lambda J: np.zeros(2),
        },
    ),
    "5.3": (
        ch05.check_undo_units,
        "undo_units",
        (),
        {
            "as it was": by_unit(lambda u: 1 / u),
            "upside down": by_unit(lambda u: u**2),
            "half": by_unit(lambda u: 1 / u**2, 0.5),
            "a root": by_unit(lambda u: u**-0.5),
            "the example alone": lambda units: {"price": 1 / units["price"] ** 2, "buys": 1.0},
            "cents alone": by_unit(lambda u: 1e-4 if u == 100 else 1.0),
            "no classification": lambda units: {t: 1 / u**2 for t, u in units.items() if u},
            "of sum 1": undo_units_of_sum_one,
            "half a root": by_unit(lambda u: 1 / (2 * u)),
            "None stays": by_unit(lambda u: 1 / u**2, without=None),
            "large units alone": by_unit(lambda u: 1 / u**2 if u > 1 else 1.0),
            "a list": lambda units: [1.0 if u is None else 1 / u**2 for u in units.values()],
        },
    ),
    "5.4": (
        ch05.check_law,
        "law",
        (),
        {
            "scale alone": scale_alone,
            "one task alone": one_task_alone,
            "scale and single tasks": scale_and_single_tasks,
            "the example alone": the_example_alone,
            "a law that is wrong": half_a_step,
            "the formula with two tasks": the_formula(tasks=2),
            "the formula with equal weights": the_formula(w=(1.0, 1.0, 1.0)),
            "the formula with weights of sum 1": the_formula(w=(0.2, 0.5, 0.3)),
            "the formula from 0": the_formula(start=0.0),
            "the formula with a rate of 0.1": the_formula(rate=0.1),
        },
    ),
}


# Chapter 6


def of_length_one(cosines):
    assert np.allclose(np.diag(cosines(np.diag([4.0, 9.0]))), 1)


def within_one(cosines):
    J = np.random.default_rng(0).normal(size=(3, 4))
    assert np.abs(cosines(J @ J.T)).max() < 1.01


def the_known_angle_alone(cosines):
    ρ = np.sqrt(0.5)
    assert np.allclose(cosines(np.array([[9.0, -3.0], [-3.0, 2.0]])), [[1, -ρ], [-ρ, 1]])


def scale_and_sign(cosines):
    """As good as it looks: squares with their sign pass."""
    J = np.random.default_rng(0).normal(size=(3, 4))
    ρ = cosines(J @ J.T)
    assert np.allclose(np.diag(ρ), 1)
    scaled = np.array([[100.0], [1.0], [-1.0]]) * J
    sign = np.array([1, 1, -1])
    assert np.allclose(cosines(scaled @ scaled.T), ρ * np.outer(sign, sign))


def same_as_by_angles(angles):
    """Right for gradients of length 2 in the plane, and for these angles."""

    def law(cosines):
        a = np.array(angles)
        J = 2 * np.stack([np.cos(a), np.sin(a)], 1)
        assert np.allclose(cosines(J @ J.T), np.cos(a[:, None] - a))

    return law


def same_signs(cosines):
    J = np.random.default_rng(0).normal(size=(3, 4))
    assert (np.sign(cosines(J @ J.T)) == np.sign(J @ J.T)).all()


def same_first_row(cosines):
    J = np.random.default_rng(0).normal(size=(3, 4))
    unit = J / np.linalg.norm(J, axis=1)[:, None]
    assert np.allclose(cosines(J @ J.T)[0], (unit @ unit.T)[0])


def larger_than_the_truth(cosines):
    assert cosines(np.array([[9.0, -3.0], [-3.0, 2.0]]))[0, 1] < -0.8


EXERCISES |= {
    "6.1": (
        ch06.check_harmed,
        "harmed",
        (),
        {
            "conflict for harm": lambda G, w: (G < 0).any(1),
            "the wrong sign": lambda G, w: G @ w > 0,
            "no weights": lambda G, w: G.sum(1) < 0,
            "a tie is harm": lambda G, w: G @ w <= 0,
            "two tasks alone": lambda G, w: [
                G[0, 0] * w[0] + G[0, 1] * w[1] < 0,
                G[1, 0] * w[0] + G[1, 1] * w[1] < 0,
            ],
            "the changes": lambda G, w: -G @ w,
            "which tasks": lambda G, w: np.flatnonzero(G @ w < 0),
            "any task": lambda G, w: (G @ w < 0).any(),
            "off the diagonal": lambda G, w: (G - np.diag(np.diag(G))) @ w < 0,
            "cosines": lambda G, w: G / np.sqrt(np.outer(np.diag(G), np.diag(G))) @ w < 0,
            "its own weight": lambda G, w: (G * w[:, None]).sum(1) < 0,
            "the worst alone": lambda G, w: G @ w == (G @ w).min(),
            "the total": lambda G, w: w @ G @ w < 0,
            "in pairs": lambda G, w: [
                any(G[t, t] * w[t] + G[t, s] * w[s] < 0 for s in range(len(w)) if s != t)
                for t in range(len(w))
            ],
        },
    ),
    "6.2": (
        ch06.check_largest_weight,
        "largest_weight",
        (),
        {
            "of the other task": lambda G: -G[0, 1] / G[0, 0],
            "by lengths alone": lambda G: np.sqrt(G[1, 1] / G[0, 0]),
            "the sign": lambda G: G[1, 1] / G[0, 1],
            "upside down": lambda G: -G[0, 1] / G[1, 1],
            "half": lambda G: -G[1, 1] / G[0, 1] / 2,
            "the example alone": lambda G: 2 / 3,
            "by the cosine alone": lambda G: -np.sqrt(G[0, 0] * G[1, 1]) / G[0, 1],
            "of gradient 1": lambda G: -G[0, 0] / G[0, 1],
            "less 1": lambda G: -G[1, 1] / G[0, 1] - 1,
            "a root": lambda G: np.sqrt(-G[1, 1] / G[0, 1]),
            "both weights": lambda G: (-G[1, 1] / G[0, 1], 1.0),
        },
    ),
    "6.3": (
        ch06.check_cosine,
        "cosine",
        (),
        {
            "as it was": lambda g1, g2, P: g1 @ g2 / np.linalg.norm(g1) / np.linalg.norm(g2),
            "the heads alone": lambda g1, g2, P: (
                g1[P:] @ g2[P:] / np.linalg.norm(g1) / np.linalg.norm(g2)
            ),
            "squares of lengths": lambda g1, g2, P: g1[:P] @ g2[:P] / (g1[:P] @ g1[:P]),
            "the inner product alone": lambda g1, g2, P: g1[:P] @ g2[:P],
            "one length cut": lambda g1, g2, P: (
                g1 @ g2 / np.linalg.norm(g1[:P]) / np.linalg.norm(g2)
            ),
            "without a sign": lambda g1, g2, P: (
                abs(g1[:P] @ g2[:P]) / np.linalg.norm(g1[:P]) / np.linalg.norm(g2[:P])
            ),
            "a mean": lambda g1, g2, P: g1[:P] @ g2[:P] / P,
            "P + 1": lambda g1, g2, P: (
                g1 @ g2 / np.linalg.norm(g1[: P + 1]) / np.linalg.norm(g2[: P + 1])
            ),
            "multiplied by a length": lambda g1, g2, P: (
                g1 @ g2 / np.linalg.norm(g1[:P]) * np.linalg.norm(g2[:P])
            ),
            "three entries": lambda g1, g2, P: (
                g1[:3] @ g2[:3] / np.linalg.norm(g1[:3]) / np.linalg.norm(g2[:3])
            ),
        },
    ),
    "6.4": (
        ch06.check_law,
        "law",
        (),
        {
            "the diagonal alone": of_length_one,
            "a bound alone": within_one,
            "the known angle alone": the_known_angle_alone,
            "scale and sign": scale_and_sign,
            "a law that is wrong": larger_than_the_truth,
            "equal lengths": same_as_by_angles([0.0, 1.0, 2.5]),
            "signs alone": same_signs,
            "the first row alone": same_first_row,
        },
    ),
}


# Chapter 7


def settled(weights, objective):
    """An answer to 7.1, from (L, variance) to both parts."""

    def answer(L, regression):
        variance = np.where(regression, L, 2 * L)
        return weights(L, variance), objective(L, variance)

    return answer


def weights_right(L, variance):
    return 1 / (2 * L)


def objective_right(L, variance):
    return (0.5 + 0.5 * np.log(variance)).sum()


def by_lengths(power, order, norm=True):
    """An answer to 7.2."""

    def answer(J):
        lengths = np.linalg.norm(J, axis=1)[::order] ** power
        return lengths / lengths.sum() if norm else lengths

    return answer


def inverse_lengths(J):
    with np.errstate(all="ignore"):
        w = 1 / np.linalg.norm(J, axis=1)
        return w / w.sum()


def learns(least=-np.inf, steps=2000, value=lambda s: 0.5 * np.exp(-s)):
    """An answer to 7.3."""

    def answer(L):
        s = np.zeros(len(L))
        for _ in range(steps):
            s = np.maximum(s - 0.1 * (0.5 - 0.5 * np.exp(-s) * np.array(L)), least)
        return value(s)

    return answer


def unit_law(c, tasks=(0, 1), of_weights=False, losses_too=True):
    """A law for 7.4 that multiplies the loss of each of these tasks by c."""

    def law(rule):
        L = np.array([2.0, 0.5])
        J = np.array([[3.0, 0.0, 1.0], [-1.0, 1.0, 0.5]])

        def direction(factors):
            scaled = factors[:, None] * J
            w = rule(factors * L if losses_too else L, scaled @ scaled.T)
            d = w if of_weights else w @ scaled
            return d / np.linalg.norm(d)

        for t in tasks:
            factors = np.ones(2)
            factors[t] = c
            assert np.allclose(direction(factors), direction(np.ones(2)))

    return law


def gains_at_least_0(rule):
    J = np.array([[3.0, 0.0], [-1.0, 1.0]])
    assert (J @ (rule(np.ones(2), J @ J.T) @ J) > 0).all()


EXERCISES |= {
    "7.1": (
        ch07.check_settled,
        "settled_weights",
        (),
        {
            "the variance": settled(lambda L, v: v, objective_right),
            "1/σ²": settled(lambda L, v: 1 / v, objective_right),
            "one variance for both kinds": settled(lambda L, v: v / (2 * L) / L, objective_right),
            "no logarithm": settled(weights_right, lambda L, v: 0.5 * len(L)),
            "the logarithm alone": settled(weights_right, lambda L, v: 0.5 * np.log(v).sum()),
            "log L for all": settled(weights_right, lambda L, v: (0.5 + 0.5 * np.log(L)).sum()),
            "the mean": settled(weights_right, lambda L, v: (0.5 + 0.5 * np.log(v)).mean()),
            "weights alone": lambda L, regression: 1 / (2 * L),
        },
    ),
    "7.2": (
        ch07.check_which_sum,
        "which_sum",
        (),
        {
            "swapped": by_lengths(1, 1),
            "squares": by_lengths(2, -1),
            "not normalised": by_lengths(1, -1, norm=False),
            "equal": lambda J: (0.5, 0.5),
            "one number": lambda J: 0.5,
            "first column": lambda J: np.abs(J[::-1, 0]) / max(np.abs(J[:, 0]).sum(), 1e-9),
            "one is 0": inverse_lengths,
            "negative": lambda J: by_lengths(1, -1)(J) * (-1, 1),
            "the larger is 1": lambda J: by_lengths(1, -1)(J) / by_lengths(1, -1)(J).max(),
        },
    ),
    "7.3": (
        ch07.check_learned,
        "learned_weights",
        (),
        {
            "as it was": learns(least=0.0),
            "another bound": learns(least=-1.0),
            "no step": learns(steps=0),
            "too few steps": learns(steps=20),
            "a classification": learns(value=lambda s: np.exp(-s)),
            "the variance": learns(value=np.exp),
        },
    ),
    "7.4": (
        ch07.check_law,
        "law",
        (),
        {
            "the first task alone": unit_law(100.0, tasks=(0,)),
            "larger units alone": unit_law(100.0),
            "weights instead of directions": unit_law(100.0, of_weights=True),
            "losses left as they were": unit_law(100.0, losses_too=False),
            "another property": gains_at_least_0,
            "asserts nothing": lambda rule: None,
        },
    ),
}


# Chapter 8


def penalties(of_zero, of_together):
    return lambda Θ: (of_zero(Θ), of_together(Θ - Θ.mean(0)))


def square(x):
    return (x**2).sum(), 2 * x


def by_all_pairs(Θ):
    value, gradient = square(Θ - Θ.mean(0))
    return square(Θ), (len(Θ) * value, len(Θ) * gradient)


def best_strength(power_of_n=1, power_of_T=1, everywhere=False):
    """σ²/τ² divided by these powers of n and T, in their conventions or in all."""

    def answer(noise, spread, n, T, data, pull):
        strength = noise / spread
        if data == "mean" or everywhere:
            strength /= float(n) ** power_of_n
        if pull == "pairs" or everywhere:
            strength /= float(T) ** power_of_T
        return strength

    return answer


def inverted(noise, spread, n, T, data, pull):
    return best_strength()(spread, noise, n, T, data, pull)


def sum_times_n(noise, spread, n, T, data, pull):
    return noise / spread * (n if data == "sum" else 1) / (T if pull == "pairs" else 1)


def by_number_of_pairs(noise, spread, n, T, data, pull):
    if pull == "pairs":
        return best_strength()(noise, spread, n, T * (T - 1) / 2, data, pull)
    return best_strength()(noise, spread, n, T, data, pull)


def upside_down(*given):
    return 1 / best_strength()(*given)


def of_deviations(noise, spread, *rest):
    return best_strength()(noise**0.5, spread**0.5, *rest)


def sum_alone(gradient):
    assert np.allclose(gradient(np.random.default_rng(0).normal(size=(3, 2))).sum(0), 0)


def two_tasks_alone(gradient):
    assert np.allclose(gradient(np.array([[1.0], [3.0]])), [[-4], [4]])


def sum_and_two_examples(gradient):
    sum_alone(gradient)
    two_tasks_alone(gradient)
    assert np.allclose(gradient(np.array([[1.0], [3.0], [8.0]])), [[-18], [-6], [24]])


def shifted_alone(gradient):
    Θ = np.random.default_rng(0).normal(size=(4, 2))
    assert np.allclose(gradient(Θ + 5), gradient(Θ))


def to_the_last_bit_of_8(gradient):
    Θ = np.random.default_rng(0).normal(size=(5, 4))
    assert (gradient(Θ) == 2 * (len(Θ) * Θ - Θ.sum(0))).all()


def on_one_side(gradient):
    def penalty(Θ):
        return len(Θ) * ((Θ - Θ.mean(0)) ** 2).sum()

    rng = np.random.default_rng(0)
    Θ = rng.normal(size=(3, 2))
    step = 1e-3 * rng.normal(size=(3, 2))
    change = penalty(Θ + step) - penalty(Θ)
    assert np.isclose((gradient(Θ) * step).sum(), change, atol=0)


def half_pairs(Θ, strength):
    gradient = np.zeros_like(Θ)
    for t in range(len(Θ)):
        for s in range(t):
            gradient[t] += 2 * strength * (Θ[t] - Θ[s])
    return gradient


def all_pairs(Θ, strength):
    return 2 * strength * (len(Θ) * Θ - Θ.sum(0))


EXERCISES |= {
    "8.1": (
        ch08.check_two_penalties,
        "two_penalties",
        (),
        {
            "gradient without its 2": penalties(square, lambda D: ((D**2).sum(), D)),
            "1 − 1/T": penalties(square, lambda D: ((D**2).sum(), 2 * (1 - 1 / len(D)) * D)),
            "a mean over tasks": penalties(
                square, lambda D: ((D**2).sum() / len(D), 2 * D / len(D))
            ),
            "the mean over coordinates": lambda Θ: (
                square(Θ),
                square(Θ - Θ.mean(1, keepdims=True)),
            ),
            "by pairs": by_all_pairs,
            "uphill for downhill": penalties(square, lambda D: ((D**2).sum(), -2 * D)),
            "zero for together": lambda Θ: (square(Θ), square(Θ)),
            "values alone": lambda Θ: ((Θ**2).sum(), ((Θ - Θ.mean(0)) ** 2).sum()),
            "no answer": lambda Θ: None,
        },
    ),
    "8.2": (
        ch08.check_best_strength,
        "best_strength",
        (),
        {
            "n forgotten": best_strength(power_of_n=0),
            "n turned round": best_strength(power_of_n=-1),
            "T forgotten": best_strength(power_of_T=0),
            "T turned round": best_strength(power_of_T=-1),
            "always a mean": lambda noise, spread, n, T, data, pull: best_strength()(
                noise, spread, n, T, "mean", pull
            ),
            "always pairs": lambda noise, spread, n, T, data, pull: best_strength()(
                noise, spread, n, T, data, "pairs"
            ),
            "n and T everywhere": best_strength(everywhere=True),
            "inverted": inverted,
            "upside down": upside_down,
            "the number of pairs": by_number_of_pairs,
            "standard deviations": of_deviations,
            "s*": lambda noise, spread, n, *rest: spread / (spread + noise / n),
            "T − 1": lambda noise, spread, n, T, data, pull: best_strength()(
                noise, spread, n, T - 1, data, pull
            ),
            "sum times n": sum_times_n,
        },
    ),
    "8.3": (
        ch08.check_pairs_gradient,
        "pairs_gradient",
        (),
        {
            "as it was": half_pairs,
            "the earlier alone": lambda Θ, strength: (
                all_pairs(Θ, strength) - half_pairs(Θ, strength)
            ),
            "to the mean": lambda Θ, strength: 2 * strength * (Θ - Θ.mean(0)),
            "no 2": lambda Θ, strength: all_pairs(Θ, strength) / 2,
            "each pair twice": lambda Θ, strength: 2 * all_pairs(Θ, strength),
            "negative": lambda Θ, strength: -all_pairs(Θ, strength),
            "no strength": lambda Θ, strength: all_pairs(Θ, 1.0),
            "same sign": lambda Θ, strength: 2 * half_pairs(Θ, strength) - all_pairs(Θ, strength),
        },
    ),
    "8.4": (
        ch08.check_law,
        "law",
        (),
        {
            "the sum alone": sum_alone,
            "two tasks alone": two_tasks_alone,
            "the sum and two examples": sum_and_two_examples,
            "a shift alone": shifted_alone,
            "to the last bit": to_the_last_bit_of_8,
            "on one side": on_one_side,
        },
    ),
}


# Chapter 9


def multipliers(root=True, normalise=True, weigh=True, scale=1.0):
    """The right multipliers, but for what is not at its default."""

    def answer(n, tau, w):
        exponent = 1 / tau if root else min(tau, 9)
        p = n.astype(float) ** exponent
        if normalise:
            p = p / p.sum()
        return scale * (w if weigh else 1.0) / p

    return answer


def normalised_multipliers(n, tau, w):
    v = multipliers()(n, tau, w)
    return v / v.sum()


def counted_twice(n, tau, w):
    p = n ** (1 / tau)
    return w * p / p.sum()


def word_weights(lines=None, words=None):
    """Weights 1/(lines · words), with the slip that these functions make."""

    def answer(present):
        s = present.sum(1, keepdims=True)
        of_lines = (s > 0).sum() if lines is None else lines(present)
        of_words = np.maximum(s, 1) if words is None else words(present)
        return present / (of_lines * of_words)

    return answer


def unguarded(present):
    s = present.sum(1, keepdims=True)
    with np.errstate(all="ignore"):
        return present / s / (s > 0).sum()


def filling_too(present):
    s = present.sum(1, keepdims=True)
    return (s > 0) / ((s > 0).sum() * np.maximum(s, 1)) * np.ones(present.shape)


def missing_labels(p, y, present):
    residual = present * (p - y)
    return (residual**2).mean(), 2 * residual / len(y)


def missing_labels_chosen(divide, missing=lambda p: 0 * p, factor=2.0):
    """NaN is cured; the denominator, the missing label or the factor has a slip."""

    def answer(p, y, present):
        residual = np.where(present, p - y, missing(p))
        n = divide(present)
        return (residual**2).sum() / n, factor * residual / n

    return answer


def gradient_of_the_present(p, y, present):
    residual = (p - y)[present]
    n = max(len(residual), 1)
    return (residual**2).sum() / n, 2 * residual / n


def no_guard(p, y, present):
    with np.errstate(all="ignore"):
        return missing_labels_chosen(divide=np.sum)(p, y, present)


def squares_chosen(p, y, present):
    n = max(present.sum(), 1)
    return np.where(present, (p - y) ** 2, 0).sum() / n, 2 * present * (p - y) / n


def gap_of_many(counts, power=2, factor=1.0):
    """η^power Σ H_t g_s over the pairs (t, s) that count."""

    def answer(H, g, rate):
        total = np.zeros(g.shape[1])
        for t in range(len(g)):
            for s in range(len(g)):
                if counts(t, s):
                    total += H[t] @ g[s]
        return factor * rate**power * total

    return answer


def whole_gap(H, g, rate):
    θ = np.zeros(g.shape[1])
    for H_t, g_t in zip(H, g):
        θ = θ - rate * (g_t + H_t @ θ)
    return θ + rate * g.sum(0)


def earlier(t, s):
    return s < t


def one_expert(mix):
    outputs = np.ones((3, 1, 2))
    assert np.allclose(mix(outputs, np.array([[1.0], [0.0], [-2.0]])), 1)


def equal_scores(mix):
    outputs = np.random.default_rng(0).normal(size=(3, 4, 2))
    assert np.allclose(mix(outputs, np.zeros((3, 4))), outputs.mean(1))


def one_example(mix):
    outputs = np.array([[[1.0], [5.0]]])
    assert np.allclose(mix(outputs, np.log([[1.0, 3.0]])), 4)
    assert np.allclose(mix(outputs, np.log([[1.0, 3.0]]) + 2), 4)


def law_of_the_best(mix):
    outputs = np.array([[[1.0], [5.0]]])
    assert np.allclose(mix(outputs, np.array([[0.0, 1.0]])), 5)


EXERCISES |= {
    "9.1": (
        ch09.check_multipliers,
        "multipliers",
        (),
        {
            "n^τ": multipliers(root=False),
            "shares that do not sum to 1": multipliers(normalise=False),
            "no weights": multipliers(weigh=False),
            "twice": multipliers(scale=2.0),
            "normalised": normalised_multipliers,
            "counted twice": counted_twice,
            "the shares": lambda n, tau, w: n ** (1 / tau) / (n ** (1 / tau)).sum(),
            "turned round": lambda n, tau, w: 1 / multipliers()(n, tau, w),
        },
    ),
    "9.2": (
        ch09.check_word_weights,
        "word_weights",
        (),
        {
            "token mean": lambda present: present / present.sum(),
            "empty lines counted": word_weights(lines=len),
            "not divided by lines": word_weights(lines=lambda present: 1),
            "length of the rows": word_weights(words=lambda present: present.shape[1]),
            "columns": lambda present: word_weights()(present.T).T,
            "divided by 0": unguarded,
            "the filling weighs": filling_too,
            "a number a line": lambda present: word_weights()(present).sum(1),
        },
    ),
    "9.3": (
        ch09.check_loss_and_gradient,
        "loss_and_gradient",
        (),
        {
            "as it was": missing_labels,
            "NaN alone": missing_labels_chosen(divide=len),
            "a sum": missing_labels_chosen(divide=lambda present: 1),
            "divided by 0": no_guard,
            "a label of 0": missing_labels_chosen(divide=len, missing=lambda p: p),
            "gradient is half": missing_labels_chosen(
                divide=lambda present: max(present.sum(), 1), factor=1.0
            ),
            "squares chosen": squares_chosen,
            "shorter": gradient_of_the_present,
            "the loss alone": lambda p, y, present: missing_labels_chosen(divide=len)(
                p, y, present
            )[0],
        },
    ),
    "9.4": (
        ch09.check_gap,
        "gap_of_many",
        (),
        {
            "neighbours": gap_of_many(lambda t, s: s == t - 1),
            "all pairs": gap_of_many(lambda t, s: s != t),
            "the other order": gap_of_many(lambda t, s: s > t),
            "its own too": gap_of_many(lambda t, s: s <= t),
            "η": gap_of_many(earlier, power=1),
            "no η": gap_of_many(earlier, power=0),
            "negative": gap_of_many(earlier, factor=-1.0),
            "the whole gap": whole_gap,
            "its own alone": gap_of_many(lambda t, s: s == t),
            "half": gap_of_many(earlier, factor=0.5),
        },
    ),
    "9.5": (
        ch09.check_law,
        "law",
        (),
        {
            "one expert alone": one_expert,
            "equal scores alone": equal_scores,
            "one example alone": one_example,
            "the best expert": law_of_the_best,
            "returns": lambda mix: True,
        },
    ),
}


# Chapter 10


def parts(mean=lambda x, s, Z: s @ Z, divide=np.sqrt, sign=1.0):
    """An answer with a slip for each argument that is not at its default."""

    def answer(x, s, Z, W, a):
        bought = Z[x == 1]
        return sign * (bought - mean(x, s, Z)) @ W @ a / divide(len(bought))

    return answer


def entropy(q, log=np.log2):
    return -(q * log(np.where(q > 0, q, 1))).sum(-1)


def best_of(told, log=np.log2, pick=np.argmax, first=0):
    """The best question by told(p, q, H), where H is the entropy with this logarithm."""

    def H(q):
        return entropy(q, log)

    def answer(p, questions):
        values = [told(p, q, H) for q in questions]
        return int(pick(values)) + first, values[int(pick(values))]

    return answer


def told_rightly(p, q, H):
    return H(p @ q) - p @ H(q)


def nan_at_zero(p, questions):
    def H(q):
        with np.errstate(divide="ignore", invalid="ignore"):
            return -(q * np.log2(q)).sum(-1)

    values = [H(p @ q) - p @ H(q) for q in questions]
    return int(np.argmax(values)), values[int(np.argmax(values))]


def gain_of(chooses="validation", reports="test", error=None, sign=1.0):
    def answer(alone, shared):
        rows = np.arange(len(alone["test"]))
        found = [arm[reports][rows, arm[chooses].argmin(1)] for arm in (alone, shared)]
        difference = sign * (found[0] - found[1])
        if error is not None:
            return difference.mean(), error(*found)
        return difference.mean(), difference.std(ddof=1) / np.sqrt(len(rows))

    return answer


def unpaired(alone, shared):
    return np.sqrt((alone.var(ddof=1) + shared.var(ddof=1)) / len(alone))


def last_epoch(alone, shared):
    difference = alone["test"][:, -1] - shared["test"][:, -1]
    return difference.mean(), difference.std(ddof=1) / np.sqrt(len(difference))


def split_of(customers=50, rows=4, seed=0):
    rng = np.random.default_rng(seed)
    return rng.permutation(np.repeat(np.arange(customers), rows)), rng


def no_row_twice(split):
    customers, rng = split_of()
    rows = np.concatenate([np.asarray(part) for part in split(customers, rng)])
    assert np.array_equal(np.sort(rows), np.arange(len(customers)))


def no_customer_twice(split):
    customers, rng = split_of()
    parts = [set(customers[np.asarray(part, int)]) for part in split(customers, rng)]
    assert not parts[0] & parts[1] and not parts[0] & parts[2] and not parts[1] & parts[2]


def test_apart_from_training(split):
    no_row_twice(split)
    customers, rng = split_of()
    training, _, test = (np.asarray(part, int) for part in split(customers, rng))
    assert not set(customers[training]) & set(customers[test]) and len(test)


def one_seed_alone(split):
    no_row_twice(split)
    no_customer_twice(split)
    customers, rng = split_of()
    assert all(len(part) for part in split(customers, rng))


def rejects_a_split_that_is_right(split):
    customers, rng = split_of()
    assert len(split(customers, rng)[0]) == 0.6 * len(customers) + 1


EXERCISES |= {
    "10.1": (
        ch10.check_parts,
        "parts_of_score",
        (),
        {
            "not centred": parts(mean=lambda x, s, Z: 0),
            "plain mean": parts(mean=lambda x, s, Z: Z.mean(0)),
            "mean of the basket": parts(mean=lambda x, s, Z: Z[x == 1].mean(0)),
            "no root": parts(divide=float),
            "not divided": parts(divide=lambda n: 1),
            "n means each": parts(mean=lambda x, s, Z: (x == 1).sum() * s @ Z),
            "the negative": parts(sign=-1.0),
            "one number": lambda x, s, Z, W, a: parts()(x, s, Z, W, a).sum(),
            "the root of all": lambda x, s, Z, W, a: (Z[x == 1] - s @ Z) @ W @ a / np.sqrt(len(x)),
            "all products": lambda x, s, Z, W, a: (Z - s @ Z) @ W @ a / np.sqrt(x.sum()),
            "the other way round": lambda *given: parts()(*given)[::-1],
        },
    ),
    "10.2": (
        ch10.check_information,
        "best_of",
        (),
        {
            "nats": best_of(told_rightly, log=np.log),
            "entropy alone": best_of(lambda p, q, H: H(p @ q)),
            "rows not weighted": best_of(lambda p, q, H: H(p @ q) - H(q).mean()),
            "rows summed": best_of(lambda p, q, H: H(p @ q) - H(q).sum()),
            "at most": best_of(lambda p, q, H: np.log2(q.shape[1]) - p @ H(q)),
            "all alike": best_of(lambda p, q, H: H(q.mean(0)) - H(q).mean()),
            "least": best_of(told_rightly, pick=np.argmin),
            "from 1": best_of(told_rightly, first=1),
            "nan": nan_at_zero,
            "the number alone": lambda p, questions: best_of(told_rightly)(p, questions)[0],
            "swapped": lambda p, questions: best_of(told_rightly)(p, questions)[::-1],
        },
    ),
    "10.3": (
        ch10.check_gain,
        "gain",
        (),
        {
            "as it was": gain_of(chooses="test", error=unpaired),
            "still unpaired": gain_of(error=unpaired),
            "still peeking": gain_of(chooses="test"),
            "validation loss": gain_of(reports="validation"),
            "the last epoch": last_epoch,
            "the sign": gain_of(sign=-1.0),
            "no root of S": gain_of(error=lambda a, b: (a - b).std(ddof=1)),
            "divided by S": gain_of(error=lambda a, b: (a - b).std(ddof=1) / len(a)),
            "ddof 0": gain_of(error=lambda a, b: (a - b).std() / np.sqrt(len(a))),
            "the gain alone": lambda alone, shared: gain_of()(alone, shared)[0],
            "the error first": lambda alone, shared: gain_of()(alone, shared)[::-1],
            "one epoch for both": lambda alone, shared: gain_of()(
                alone, shared | {"validation": alone["validation"]}
            ),
            "a mean over epochs": lambda alone, shared: (
                (alone["test"] - shared["test"]).mean(),
                (alone["test"] - shared["test"]).mean(1).std(ddof=1) / np.sqrt(len(alone["test"])),
            ),
        },
    ),
    "10.4": (
        ch10.check_law,
        "law",
        (),
        {
            "rows alone": no_row_twice,
            "customers alone": no_customer_twice,
            "test and training alone": test_apart_from_training,
            "one seed alone": one_seed_alone,
            "a law that is wrong": rejects_a_split_that_is_right,
        },
    ),
}


# What the learner is told: a part of the message

HINTS = {
    "1.1": {
        "square without its 2": "twice what is squared",
        "stops at h": "last step from h to u",
        "a weight forgotten": "weight of the task is missing",
        "averaged": "added, not averaged",
        "c forgotten": "Is the true answer c subtracted",
        "heads see x": "multiplies by h, not by x",
        "y − ŷ": "It is the negative",
        "the example's numbers": "∂L/∂a should be",
        "each weight on the other task": "weight of the other one",
        "heads first": "right numbers in another order",
        "slope of σ on top": "no slope of σ comes on top",
        "the price alone": "path through the purchase is missing",
        "one number": "shape (3,)",
        "no return": "is the return missing?",
    },
    "1.2": {
        "g forgotten": "g, is not multiplied in",
        "square forgotten": "with the square",
        "of x": "not x itself",
        "plus": "multiply g by 1 − tanh²?",
        "sinh": "tanh(x).data should be 0.2913, got 0.3045",
        "a bare number": "should be a Value",
        "no pair": "give it a pair",
        "without parentheses": "one pair of parentheses",
        "a number for the function": "should be a function of g",
        "negative": "It is the negative",
    },
    "1.3": {
        "as it was": "before the shares of all its children",
        "overwrites": "Two shares for one value are added",
        "takes the last found": "before the shares of all its children",
        "passes shares on twice": "has it passed one share on twice",
        "along all paths": "goes along every path",
        "no place for unused values": "its gradient should be 0",
        "g forgotten": "the derivative by p should be 4, got 2",
    },
    "1.4": {
        "x + x alone": "the gradient from above is not multiplied in",
        "a chain alone": "overwrite each other",
        "a law that is wrong": "at: assert gradient(x * x, [x]) == [2.0]",
        "a shared value without a parent": "the walk that is printed in exercise 1.3",
        "the long way first": "not the youngest",
        "the short way first": "the last value that was found",
        "returns": "asserts and returns nothing",
    },
    "2.1": {
        "bias averaged": "a sum, not a mean",
        "gain averaged": "a sum, not a mean",
        "gain without x": "That is ∂L/∂b",
        "added too early": "multiply in each row first",
        "not summed": "∂L/∂s should have shape (2,), got shape (4, 2)",
        "x without s": "g by s back",
        "negative": "the negative",
        "gain and bias swapped": "That is ∂L/∂s",
        "one array": "3 arrays in this order",
    },
    "2.2": {
        "no bias": "The bias is missing",
        "weight forgotten": "multiplies the curvature",
        "weight turned round": "the rate must be smaller",
        "no 2/N": "its 2/N is missing",
        "half": "may go down to −1",
        "no 2 of the square": "the 2 of the square",
        "smallest eigenvalue": "the steepest direction fails first",
        "the fastest": "settles fastest",
        "the diagonal": "not its largest eigenvalue",
        "a mean over entries": "not of all entries of X",
        "a mean over inputs": "not by the number of inputs",
    },
    "2.3": {
        "as it was": "used the W2 after its step",
        "no slope": "slope of the ReLU",
        "uphill": "goes uphill",
        "a mean over examples alone": "over all N · C entries",
        "nothing moves": "has not moved",
        "three parts": "4 arrays in this order",
    },
    "2.4": {
        "zero at the goal alone": "uphill for downhill",
        "the bias of one output alone": "divided by N, not by N · C",
        "a mean over examples only": "rejects code that is right",
        "a shape alone": "uphill for downhill",
        "the sum of the biases": "the biases have each other's gradients",
        "sums over outputs": "the columns of W have each other's gradients",
    },
    "3.1": {
        "momentum forgets": "rows looked up before go on",
        "Adam moves all": "nothing to remember",
        "and for or": "Either of the two is enough",
        "decay asks for a gradient": "does not ask for a gradient",
        "lazy Adam is not lazy": "Rows that are not looked up now rest",
        "turned round": "exactly the other way round",
        "numbers of rows": "shape (6,)",
    },
    "3.2": {
        "divided by N": "Divided by N",
        "divided by the sum over classes": "Divided by the sum over classes",
        "a sum": "A mean is asked for",
        "no weights": "The class weights are missing",
        "by column": "multiply rows, by the label",
        "overflows": "not finite",
        "y − p": "the negative",
        "clipped": "kept from 0 by a small number",
        "weights of y alone": "not y alone",
        "the loss alone": "two things in this order",
    },
    "3.3": {
        "as it was": "twice in one basket",
        "all at once": "Only the last look-up",
        "a mean over baskets": "mean over baskets",
        "a mean over the basket": "not the mean over the basket",
        "the first of a basket": "only the first was kept",
        "a mean over look-ups": "mean over the look-ups",
        "uphill": "the negative",
    },
    "3.4": {
        "rows sum to 0 alone": "large logits overflow",
        "differences alone": "large logits overflow",
        "the loss alone": "the gradient is that of the sum",
        "a law of the sum": "rejects code that is right",
        "as many classes as examples": "divided by the number of classes",
    },
    "4.1": {
        "no biases": "has biases too",
        "one trunk alone too": "Alone has a trunk for each task",
        "many trunks in hard sharing": "Hard sharing has one trunk",
        "no answer": "is the return missing?",
        "swapped": "The two are swapped",
        "three numbers": "shape (2,), got shape (3,)",
        "no heads": "heads are missing",
        "heads from D": "where the trunk ends",
        "second layer from D": "gets H numbers, not D",
        "second layer without biases": "also in the second layer",
        "one bias a layer": "not one in all",
        "one bias a head": "A head has one bias for each",
        "one head": "you counted the first alone",
        "all heads for each": "its own head, not all heads",
    },
    "4.2": {
        "τ² for 2 τ²": "its variance is larger than τ²",
        "an equal mean": "all labels count alike",
        "no bias": "The bias is missing",
        "the error itself": "the gain is the error alone minus it",
        "exchanged biases": "who pulls whom?",
        "bias not squared": "a_t counts once, in the bias",
        "negative": "negative of what it should be",
        "relative": "relative to the error alone",
        "noise added up": "a_t² is missing",
        "noise not squared": "a_t counts once, in the noise",
        "no share": "the share is missing",
        "the bias of equal branches": "bias of (4.5)",
        "bias helps": "it lowers the gain",
    },
    "4.3": {
        "as it was": "last task alone",
        "returns in the loop": "first task alone",
        "a mean over tasks": "not averaged",
        "no weights": "weights are missing",
        "weights of sum 1": "need not sum to 1",
        "no 2": "half of what it should be",
        "negative": "negative of what it should be",
        "transposed": "is it transposed?",
        "another head": "what a second one should add",
        "a sum over examples": "a mean over the N examples",
        "weights squared": "Each weight counts once",
        "the last weight for all": "inside the loop",
        "starts at A": "start at 0",
        "not added up": "got shape (2, 4, 2)",
    },
    "4.4": {
        "equal weights": "the weights are forgotten",
        "one example": "a sum over the examples",
        "asserts nothing": "uphill",
        "linearity alone": "uphill",
        "the shape alone": "uphill",
        "the sum of tasks": "uphill",
        "one task": "only the last task counts",
        "two tasks": "from the third task on",
        "one entry": "only the first column of A",
        "to the last bit": "rejects code that is right",
    },
    "5.1": {
        "the curvature forgotten": "by weight alone",
        "the weights forgotten": "where are the weights",
        "in place": "by weight alone",
        "a plain mean": "the plain mean",
        "not divided": "Divide by the sum",
        "divided by T": "not by the number of tasks",
        "the sign": "the negative",
        "two tasks alone": "Where is the derivative",
        "one for each task": "should be one number",
        "divided by the weights": "not by that of the weights",
        "divided by the steepness": "not by that of the k_t",
        "product of sums": "not the product of the sums",
        "k squared": "k once",
        "k divides": "Where is the derivative",
        "on a grid": "Where is the derivative",
    },
    "5.2": {
        "swapped": "should have the smaller weight",
        "equal": "longer gradient over",
        "squares": "not with the squares",
        "not added up to 1": "do not add up to 1",
        "the ratio alone": "should have shape (2,)",
        "with signs": "Weights are not negative",
        "of length 1": "do not add up to 1",
        "roots": "Take the lengths of both sides",
        "second weight 1": "do not add up to 1",
        "a column": "should have shape (2,)",
        "one negative": "Weights are not negative",
        "zeros": "Take the lengths of both sides",
    },
    "5.3": {
        "of sum 1": "need not add up to 1",
        "half a root": "The weight times the square",
        "None stays": "has no unit",
        "large units alone": "is not what it was",
        "a list": "a weight for each of the tasks",
        "as it was": "the unit's square",
        "upside down": "not to apply it again",
        "half": "has no unit",
        "a root": "should be 1",
        "the example alone": "a weight for each of the tasks",
        "cents alone": "is not what it was",
        "no classification": "a weight for each of the tasks",
    },
    "5.4": {
        "scale alone": "uphill",
        "one task alone": "normalised",
        "scale and single tasks": "weight of the first of them",
        "the example alone": "beyond the second",
        "a law that is wrong": "rejects code that is right, at: assert np.allclose",
        "the formula with two tasks": "beyond the second",
        "the formula with equal weights": "squared",
        "the formula with weights of sum 1": "normalised",
        "the formula from 0": "start is forgotten",
        "the formula with a rate of 0.1": "always 0.1",
    },
    "6.1": {
        "conflict for harm": "not yet harm",
        "the wrong sign": "where it is positive",
        "no weights": "weights are missing",
        "a tie is harm": "does not rise",
        "two tasks alone": "should have shape (4,)",
        "the changes": "True or False",
        "which tasks": "should have shape",
        "any task": "should have shape",
        "off the diagonal": "own gradient counts too",
        "cosines": "lengths count",
        "its own weight": "belongs to column s",
        "the worst alone": "look at each by itself",
        "the total": "should have shape",
        "in pairs": "All tasks act at once",
    },
    "6.2": {
        "by the cosine alone": "the lengths count too",
        "of gradient 1": "not of gradient 1",
        "less 1": "second row of G",
        "a root": "second row of G",
        "both weights": "should be one number",
        "of the other task": "boundary of task 1",
        "by lengths alone": "angle is missing",
        "the sign": "the negative",
        "upside down": "upside down",
        "half": "half",
        "the example alone": "second row of G",
    },
    "6.3": {
        "as it was": "still in the lengths",
        "the heads alone": "the first P entries",
        "squares of lengths": "the first P entries",
        "the inner product alone": "Divide by both lengths",
        "one length cut": "still in the length of one",
        "without a sign": "the sign",
        "a mean": "the first P entries",
        "P + 1": "the first P entries",
        "multiplied by a length": "the first P entries",
        "three entries": "with P = 6 of 10 entries",
    },
    "6.4": {
        "the diagonal alone": "square of one length",
        "a bound alone": "accepts code with a slip",
        "the known angle alone": "right for two tasks only",
        "scale and sign": "squares with their sign",
        "a law that is wrong": "rejects code that is right, at: assert cosines",
        "equal lengths": "square of one length",
        "signs alone": "the root is forgotten",
        "the first row alone": "last two of three tasks",
    },
    "7.1": {
        "the variance": "That is σ², not yet the weight",
        "1/σ²": "what stands before L",
        "one variance for both kinds": "settles at another σ²",
        "no logarithm": "each task also has ½ s",
        "the logarithm alone": "each task also has w L",
        "log L for all": "a classification has another σ²",
        "the mean": "the mean over tasks",
        "weights alone": "two things are wanted",
    },
    "7.2": {
        "swapped": "The two are swapped",
        "squares": "squares of lengths",
        "not normalised": "add up to 1",
        "equal": "equally long",
        "one number": "shape (2,)",
        "first column": "w₁ g₁ + w₂ g₂",
        "one is 0": "One gradient may be 0",
        "negative": "not negative",
        "the larger is 1": "the larger is 1",
    },
    "7.3": {
        "as it was": "what holds s up",
        "another bound": "above 1 and below",
        "no step": "No weight moved",
        "too few steps": "above 1 and below",
        "a classification": "That is 1/L",
        "the variance": "That is σ²",
    },
    "7.4": {
        "the first task alone": "the first task only",
        "larger units alone": "longer than 1",
        "weights instead of directions": "rejects code that is right",
        "losses left as they were": "rejects code that is right",
        "another property": "rejects code that is right",
        "asserts nothing": "accepts code with a slip",
    },
    "8.1": {
        "gradient without its 2": "half of what it should be",
        "1 − 1/T": "all these parts together cancel",
        "a mean over tasks": "not a mean",
        "the mean over coordinates": "axis 0",
        "by pairs": "the sum over pairs",
        "uphill for downhill": "negative of what it should be",
        "zero for together": "the pull to zero",
        "values alone": "two pairs are expected",
        "no answer": "is the return missing?",
    },
    "8.2": {
        "n forgotten": "n belongs into the formula",
        "n turned round": "n is on the wrong side",
        "T forgotten": "by what factor?",
        "T turned round": "which of the two pulls is larger?",
        "always a mean": "not a mean as in (8.5)",
        "always pairs": "T belongs to the pull by pairs alone",
        "inverted": "exchanged",
        "standard deviations": "the formula has variances",
        "the number of pairs": "only T times as large",
        "s*": "the fraction kept",
        "T − 1": "not T − 1",
        "sum times n": "once already",
    },
    "8.3": {
        "as it was": "only the later",
        "the earlier alone": "only the earlier",
        "to the mean": "pull to the mean",
        "no 2": "half of what it should be",
        "each pair twice": "twice what it should be",
        "negative": "negative of what it should be",
        "no strength": "λ is missing",
        "same sign": "opposite sign",
    },
    "8.4": {
        "the sum alone": "pushed apart",
        "two tasks alone": "right for two tasks only",
        "the sum and two examples": "right for two and three tasks only",
        "a shift alone": "only the later",
        "to the last bit": "rejects code that is right",
        "on one side": "rejects code that is right",
    },
    "9.1": {
        "n^τ": "τ is in the denominator",
        "shares that do not sum to 1": "p must sum to 1",
        "no weights": "weights w are missing",
        "twice": "twice what it should be",
        "normalised": "Do not divide by the sum",
        "counted twice": "counts the shares twice",
        "the shares": "That is p, the shares",
        "turned round": "p divided by w",
    },
    "9.2": {
        "token mean": "token mean",
        "empty lines counted": "does not count in N",
        "not divided by lines": "should sum to 1",
        "length of the rows": "not by its length",
        "columns": "the wrong axis",
        "divided by 0": "divides by 0",
        "the filling weighs": "its weight is 0",
        "a number a line": "shape (2, 4)",
    },
    "9.3": {
        "as it was": "False * NaN is NaN",
        "NaN alone": "divide by the labels present",
        "a sum": "not a sum",
        "divided by 0": "Without a label",
        "a label of 0": "not a label of 0",
        "gradient is half": "half of what it should be",
        "squares chosen": "the gradient is not finite",
        "shorter": "with 0 where a label is missing",
        "the loss alone": "two things",
    },
    "9.4": {
        "neighbours": "Only the task just before",
        "all pairs": "only the later task",
        "the other order": "the other order",
        "its own too": "not s ≤ t",
        "η": "comes squared",
        "no η": "η² is missing",
        "the whole gap": "the part with η² alone",
        "its own alone": "own gradient",
        "negative": "negative of what",
        "half": "half of what",
    },
    "9.5": {
        "one expert alone": "accepts code with a slip",
        "equal scores alone": "accepts code with a slip",
        "one example alone": "accepts code with a slip",
        "the best expert": "rejects code that is right",
        "returns": "returns nothing",
    },
}

HINTS |= {
    "10.1": {
        "not centred": "z̄ are not subtracted",
        "plain mean": "weight it with s",
        "mean of the basket": "take that of all purchases",
        "no root": "divided by n, not by its root",
        "not divided": "division by √n is missing",
        "n means each": "each gets z̄ once",
        "the negative": "the negative of what it should be",
        "one number": "should have shape (2,)",
        "the root of all": "not all products",
        "the other way round": "swapped",
    },
    "10.2": {
        "nats": "in nats",
        "entropy alone": "tells less than another",
        "least": "tells least",
        "from 1": "counted from 0",
        "nan": "0 log 0",
        "the number alone": "expected two numbers",
        "at most": "the most that an answer can tell",
        "swapped": "the number of the question comes first",
    },
    "10.3": {
        "as it was": "chosen on the test set",
        "still unpaired": "difference of each seed first",
        "still peeking": "chosen on the test set",
        "validation loss": "report the test loss",
        "the last epoch": "last epoch",
        "the sign": "The sign is wrong",
        "no root of S": "divide by √S",
        "divided by S": "root of S",
        "ddof 0": "ddof=1",
        "the gain alone": "expected two numbers",
        "the error first": "The gain comes first",
        "one epoch for both": "this one is alone's",
        "a mean over epochs": "mean over epochs",
    },
    "10.4": {
        "rows alone": "it cuts rows",
        "customers alone": "a row is lost",
        "test and training alone": "training and validation have customers in common",
        "one seed alone": "same for every seed",
        "a law that is wrong": "rejects code that is right",
    },
}
