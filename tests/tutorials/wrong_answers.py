"""The exercises, and answers to them that are plausible and wrong.

exercise -> (checker, the solution's name, further arguments of the checker, slip -> wrong answer)
"""

import math

import numpy as np
from checks import ch01, ch04, ch05, ch06, ch08

EXERCISES = {}


# Chapter 1, with an engine of its own (the chapter builds one in front of the reader)


class Value:
    clock = 0

    def __init__(self, data, *pairs):
        self.data = float(data)
        self.pairs = pairs
        Value.clock += 1
        self.born = Value.clock

    def __add__(self, other):
        return Value(self.data + other.data, (self, lambda g: g), (other, lambda g: g))

    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return Value(
            self.data * other.data,
            (self, lambda g: g * other.data),
            (other, lambda g: g * self.data),
        )


gradient = ch01.engine()


def by_hand(square=2.0, last=True, weigh=True, average=False, both=True):
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
        return of_u, price * h, buys * h

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
            "one number": lambda *numbers: 1.0,
        },
    ),
    "1.2": (
        ch01.check_tanh,
        "tanh",
        (Value, gradient),
        {
            "g forgotten": tanh(lambda g, y: 1 - y * y),
            "square forgotten": tanh(lambda g, y: g * (1 - y)),
            "sinh": tanh(lambda g, y: g, math.sinh),
            "a bare number": lambda x: math.tanh(x.data),
        },
    ),
    "1.3": (
        ch01.check_gradient_repaired,
        "gradient_to_repair",
        (Value,),
        {
            "as it was": ch01.engine(take=ch01.first_found),
            "overwrites": ch01.engine(add=ch01.overwritten),
            "takes the last found": ch01.engine(take=lambda waiting: waiting.popitem()[1]),
        },
    ),
    "1.4": (
        ch01.check_law,
        "law",
        (Value,),
        {"x + x alone": x_plus_x, "a chain alone": one_chain, "a law that is wrong": rejects_all},
    ),
}


# Chapter 4


def counts(trunks, biases=True):
    def answer(D, H, outputs):
        P = D * H + H * H
        p = sum(H * C for C in outputs)
        if biases:
            P += 2 * H
            p += sum(outputs)
        return trunks(len(outputs)) * P + p, P + p

    return answer


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


def slip_of_4(**changed):
    return lambda *arguments: ch04.by_rows(*arguments, **changed)


def linear_in_w(trunk_gradient):
    A, heads, X, targets, w = ch04.problem(0)
    once = trunk_gradient(A, heads, X, targets, w)
    twice = trunk_gradient(A, heads, X, targets, {t: 2 * value for t, value in w.items()})
    assert np.allclose(twice, 2 * once)


def has_the_shape(trunk_gradient):
    A, *rest = ch04.problem(0)
    assert trunk_gradient(A, *rest).shape == A.shape


EXERCISES |= {
    "4.1": (
        ch04.check_counts,
        "counts",
        (),
        {
            "no biases": counts(lambda T: T, False),
            "no answer": lambda *sizes: None,
            "one trunk alone too": counts(lambda T: 1),
        },
    ),
    "4.2": (
        ch04.check_gain_of_pooling,
        "gain_of_pooling",
        (),
        {
            "τ² for 2 τ²": gain_of_pooling(lambda n1, n2: n1 / (n1 + n2), 1),
            "an equal mean": gain_of_pooling(lambda n1, n2: 0.5, 2),
            "no bias": gain_of_pooling(lambda n1, n2: n1 / (n1 + n2), 0),
        },
    ),
    "4.3": (
        ch04.check_trunk_gradient,
        "trunk_gradient",
        (),
        {
            "as it was": slip_of_4(tasks=ch04.last_alone),
            "a mean over tasks": slip_of_4(weigh=ch04.over_tasks),
            "no weights": slip_of_4(weigh=ch04.all_one),
            "no 2": slip_of_4(factor=1.0),
            "transposed": lambda *arguments: ch04.by_rows(*arguments).T,
        },
    ),
    "4.4": (
        ch04.check_law,
        "law",
        (),
        {"linearity alone": linear_in_w, "the shape alone": has_the_shape},
    ),
}


# Chapter 5


def scale_alone(step):
    theta = np.ones(2)
    J = np.array([[1.0, 2.0], [3.0, 5.0]])
    w = np.array([0.5, 2.0])
    assert np.allclose(step(theta, J, 3 * w, 0.1), step(theta, J, w, 0.3))


def one_task_alone(step):
    theta = np.ones(2)
    J = np.array([[1.0, 2.0]])
    assert np.allclose(step(theta, J, np.ones(1), 0.1), theta - 0.1 * J[0])


def minimum_in_place(k, a, w):
    k.fill(1.0)
    return (w * a).sum() / w.sum()


def to_the_power_of_tau(n, tau):
    p = n ** min(tau, 9)
    return p / p.sum()


EXERCISES |= {
    "5.1": (
        ch05.check_weighted_minimum,
        "weighted_minimum",
        (),
        {
            "the curvature forgotten": lambda k, a, w: (w * a).sum() / w.sum(),
            "in place": minimum_in_place,
            "a plain mean": lambda k, a, w: a.mean(),
            "not divided": lambda k, a, w: (w * k * a).sum(),
        },
    ),
    "5.2": (
        ch05.check_sampling,
        "sampling",
        (),
        {
            "n^τ": to_the_power_of_tau,
            "not normalised": lambda n, tau: n ** (1 / tau),
            "proportional always": lambda n, tau: n / n.sum(),
        },
    ),
    "5.3": (
        ch05.check_undo_units,
        "undo_units",
        (),
        {
            "as it was": lambda units: {t: 1.0 if u is None else 1 / u for t, u in units.items()},
            "upside down": lambda units: {t: 1.0 if u is None else u**2 for t, u in units.items()},
            "half": lambda units: {t: 0.5 for t in units},
        },
    ),
    "5.4": (
        ch05.check_law,
        "law",
        (),
        {"scale alone": scale_alone, "one task alone": one_task_alone},
    ),
}


# Chapter 6


def of_length_one(cosines):
    assert np.allclose(np.diag(cosines(np.diag([4.0, 9.0]))), 1)


def within_one(cosines):
    J = np.random.default_rng(0).normal(size=(3, 4))
    assert np.abs(cosines(J @ J.T)).max() < 1.01


EXERCISES |= {
    "6.1": (
        ch06.check_harmed,
        "harmed",
        (),
        {
            "conflict for harm": lambda G, w: (G < 0).any(1),
            "the wrong sign": lambda G, w: G @ w > 0,
            "no weights": lambda G, w: G.sum(1) < 0,
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
            "squares of lengths": lambda g1, g2, P: g1 @ g2 / (g1[:P] @ g1[:P]) / (g2[:P] @ g2[:P]),
        },
    ),
    "6.4": (
        ch06.check_law,
        "law",
        (),
        {"the diagonal alone": of_length_one, "a bound alone": within_one},
    ),
}


# Chapter 8


def penalties(of_zero, of_together):
    return lambda Θ: (of_zero(Θ), of_together(Θ - Θ.mean(0)))


def square(x):
    return (x**2).sum(), 2 * x


def best_strength(power_of_n=1, power_of_T=1):
    def answer(noise, spread, n, T, data, pull):
        strength = noise / spread
        if data == "mean":
            strength /= float(n) ** power_of_n
        if pull == "pairs":
            strength /= float(T) ** power_of_T
        return strength

    return answer


def sum_alone(gradient):
    assert np.allclose(gradient(np.random.default_rng(0).normal(size=(3, 2))).sum(0), 0)


def two_tasks_alone(gradient):
    assert np.allclose(gradient(np.array([[1.0], [3.0]])), [[-4], [4]])


def half_pairs(Θ, strength):
    gradient = np.zeros_like(Θ)
    for t in range(len(Θ)):
        for s in range(t):
            gradient[t] += 2 * strength * (Θ[t] - Θ[s])
    return gradient


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
        },
    ),
    "8.3": (
        ch08.check_pairs_gradient,
        "pairs_gradient",
        (),
        {
            "as it was": half_pairs,
            "to the mean": lambda Θ, strength: 2 * strength * (Θ - Θ.mean(0)),
            "no 2": lambda Θ, strength: strength * len(Θ) * (Θ - Θ.mean(0)),
        },
    ),
    "8.4": (
        ch08.check_law,
        "law",
        (),
        {"the sum alone": sum_alone, "two tasks alone": two_tasks_alone},
    ),
}


# What the learner is told: a part of the message

HINTS = {
    "1.1": {
        "square without its 2": "twice what is squared",
        "stops at h": "last step from h to u",
        "a weight forgotten": "weight of the task is missing",
        "averaged": "added, not averaged",
        "c forgotten": "∂L/∂b",
        "one number": "shape (3,)",
    },
    "1.2": {
        "g forgotten": "g, is not multiplied in",
        "sinh": "should be -0.905148",
        "a bare number": "should be a Value",
    },
    "1.3": {
        "as it was": "before the shares of all its children",
        "overwrites": "Two shares for one value are added",
    },
    "1.4": {
        "x + x alone": "not the youngest",
        "a chain alone": "overwrite each other",
        "a law that is wrong": "at: assert gradient(x * x, [x]) == [2.0]",
    },
    "4.1": {
        "no biases": "has biases too",
        "one trunk alone too": "a trunk of two layers for each task",
        "no answer": "is the return missing?",
    },
    "4.2": {"τ² for 2 τ²": "its variance is 2 τ²", "no bias": "plus the bias"},
    "4.3": {
        "as it was": "last task alone",
        "a mean over tasks": "not a mean",
        "no weights": "weights are missing",
        "no 2": "2 of the square",
        "transposed": "shape (4, 2), got shape (2, 4)",
    },
    "4.4": {"linearity alone": "uphill"},
    "5.1": {
        "the curvature forgotten": "by weight alone",
        "in place": "by weight alone",
        "not divided": "Set the derivative",
    },
    "5.2": {"n^τ": "denominator of the exponent", "not normalised": "divide by the sum"},
    "5.3": {"as it was": "the unit's square", "half": "cross-entropy has no unit"},
    "5.4": {"scale alone": "wrong tasks", "one task alone": "normalised"},
    "6.1": {"conflict for harm": "not yet harm", "the wrong sign": "where it is positive"},
    "6.2": {"of the other task": "boundary of task 1", "the sign": "second row of G"},
    "6.3": {"as it was": "still in the lengths", "squares of lengths": "the first P entries"},
    "6.4": {"the diagonal alone": "squares with their sign"},
    "8.1": {
        "gradient without its 2": "2 of the square",
        "1 − 1/T": "together those parts cancel",
        "a mean over tasks": "not a mean",
        "the mean over coordinates": "axis 0",
    },
    "8.2": {
        "n forgotten": "λ is n times larger",
        "n turned round": "Begin with sums",
        "T forgotten": "λ is T times smaller",
    },
    "8.3": {"as it was": "not pulled at all", "no 2": "over all other s"},
    "8.4": {"the sum alone": "not by pairs", "two tasks alone": "right for two tasks only"},
}
