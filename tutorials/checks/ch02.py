"""Checkers for chapter 2, a dense layer and the squared error."""

import numpy as np

from . import Wrong, catches, exercise, expect


@exercise("2.1")
def check_scale(scale):
    for N, D in ((4, 2), (3, 3), (1, 5)):
        rng = np.random.default_rng(10 * N + D)
        x = rng.normal(size=(N, D))
        s = rng.normal(size=D)
        g = rng.normal(size=(N, D))
        of_s = np.zeros(D)
        of_b = np.zeros(D)
        for n in range(N):
            of_s += g[n] * x[n]
            of_b += g[n]
        given = f"with N = {N}, D = {D}"
        answer = several(scale(x, s, g), 3, "(∂L/∂s, ∂L/∂b, ∂L/∂x)")
        mean = "Each example uses it once, and uses are added: a sum, not a mean."
        expect(
            answer[1],
            of_b,
            "∂L/∂b",
            given,
            known={mean: of_b / N, "That is ∂L/∂s.": of_s},
            hint="b is added to each row: which share of g does each row send?",
        )
        expect(
            answer[0],
            of_s,
            "∂L/∂s",
            given,
            known={
                mean: of_s / N,
                "That is ∂L/∂b. The gain is multiplied by x: its share is g · x.": of_b,
                "The shares of all examples are added before they meet x: "
                "multiply in each row first, then add.": of_b * x.sum(0),
            },
            hint="s is multiplied by x in each row: what does row n send to it?",
        )
        expect(
            answer[2],
            g * s,
            "∂L/∂x",
            given,
            known={"x is multiplied by s on the way forward, and g by s back.": g},
            hint="Each entry of x is used once, and is multiplied by its gain.",
        )


def several(answer, number, what):
    """The parts of an answer, or `Wrong`."""
    if answer is None:
        raise Wrong(f"{what} expected, got nothing: is the return missing?")
    if not isinstance(answer, (tuple, list)) or len(answer) != number:
        raise Wrong(f"{what} expected, {number} arrays in this order")
    return answer


@exercise("2.2")
def check_largest_rate(largest_rate):
    for seed in range(6):
        rng = np.random.default_rng(seed)
        N = 5 + 3 * seed
        size = np.array([0.3, 1.0, 3.0])[: 1 + (seed + 2) % 3]
        X = rng.normal(rng.normal(), 1, (N, len(size))) * size
        w = float(rng.uniform(0.2, 3))
        expected = border(X, w)
        with_bias = np.column_stack([X, np.ones(N)])
        singular = np.linalg.svd(with_bias, compute_uv=False)
        largest = singular[0] ** 2
        smallest = singular[-1] ** 2
        known = {
            "The weight of the loss multiplies the curvature.": expected * w,
            "A weighted loss is steeper, so the rate must be smaller.": expected * w**2,
            "The bias is missing: it belongs to an input that is always 1.": border(
                X, w, bias=False
            ),
            "H is 2/N XᵀX: its 2/N is missing.": 2 / (w * largest),
            "H is 2/N XᵀX: the 2 of the square is missing.": 2 * expected,
            "H is 2/N XᵀX: the mean's 1/N is missing.": expected / N,
            "That is the smallest eigenvalue; the steepest direction fails first.": (
                N / (w * smallest)
            ),
            "That is 1/λ_max, where the steepest part is gone in one step; "
            "the factor 1 − ηλ may go down to −1.": expected / 2,
            "Eigenvalues of XᵀX are the squares of the singular values of X.": (
                N / (w * singular[0])
            ),
            "Eigenvalues of XᵀX are the squares of the singular values of X, "
            "and H has the factor 2/N and the weight.": 2 / singular[0],
            "That is the rate that settles fastest, 2/(λ_max + λ_min); "
            "the border is farther out.": N / (w * (largest + smallest)),
            "That is λ_max itself: the border is 2 divided by it.": 2 / expected,
            "The mean is over the N examples: divide by N, not by the number of "
            "inputs.": expected * with_bias.shape[1] / N,
            "The mean is over the N examples: divide by the number of rows, not of "
            "all entries of X.": expected * with_bias.shape[1],
            "In XᵀX no mean is subtracted: it is not the covariance.": (
                N / (w * np.linalg.norm(X - X.mean(0), 2) ** 2)
            ),
            "The largest entry on the diagonal of H is not its largest eigenvalue.": (
                N / (w * (with_bias**2).sum(0).max())
            ),
            "w multiplies the loss, not the inputs: w X would give w².": expected / w,
            "The trace is the sum of all eigenvalues; only the largest counts.": (
                N / (w * (singular**2).sum())
            ),
            "The bias and the weight are both missing.": border(X, 1.0, bias=False),
        }
        expect(
            largest_rate(X, w),
            expected,
            "the rate",
            f"for X of shape {X.shape} and w = {w:.2f}",
            known,
            "It is 2 divided by the largest eigenvalue of the curvature of the loss.",
        )


def border(X, w, bias=True):
    """2/λ_max from the singular values of the inputs."""
    N = len(X)
    if bias:
        X = np.column_stack([X, np.ones(N)])
    return N / (w * np.linalg.norm(X, 2) ** 2)


@exercise("2.3")
def check_step(step):
    for N, D, H, C in ((6, 3, 4, 2), (5, 2, 3, 1)):
        rng = np.random.default_rng(N)
        X = rng.normal(size=(N, D))
        Y = rng.normal(size=(N, C))
        W1 = rng.normal(size=(D, H))
        b1 = rng.normal(size=H)
        W2 = rng.normal(size=(H, C))
        b2 = rng.normal(size=C)
        parameters = [W1, b1, W2, b2]
        rate = 0.1
        expected = after_step(X, Y, *parameters, rate)
        with_new = after_step(X, Y, *parameters, rate, new_weights=True)
        no_relu = after_step(X, Y, *parameters, rate, relu=False)
        answer = several(step(X, Y, *parameters, rate), 4, "(W1, b1, W2, b2)")
        for i, name in enumerate(("W1", "b1", "W2", "b2")):
            old = parameters[i]
            known = {
                "Half a step: the 2 of the square is missing.": (old + expected[i]) / 2,
                "The gradient that goes back used the W2 after its step: all "
                "gradients belong to the point where the forward pass was.": with_new[
                    i
                ],
                "The slope of the ReLU is missing on the way back: it is 0 where a "
                "hidden unit is 0.": no_relu[i],
                "The mean is over all N · C entries, not over the N examples.": (
                    old + C * (expected[i] - old)
                ),
                "The step goes uphill.": 2 * old - expected[i],
                "It has not moved.": old,
                "That is the gradient and not the parameter after the step.": (
                    (old - expected[i]) / rate
                ),
            }
            if name in ("b1", "b2"):
                mean = "Each example uses the bias once: a sum over them, not a mean."
                known[mean] = old + (expected[i] - old) / N
            expect(
                answer[i],
                expected[i],
                f"{name} after the step",
                f"with N = {N}, D = {D}, {H} hidden units, C = {C}",
                known,
                "Compute all gradients at the old parameters first, and take all "
                "steps then. On the way back a ReLU multiplies by 1 or by 0.",
            )


def after_step(X, Y, W1, b1, W2, b2, rate, new_weights=False, relu=True):
    """The parameters after a step, one example at a time, with places to go wrong."""
    of_W1, of_b1, of_W2, of_b2 = (np.zeros_like(p) for p in (W1, b1, W2, b2))
    hidden = [np.maximum(x @ W1 + b1, 0) for x in X]
    slopes = []
    for h, y in zip(hidden, Y):
        g = 2 / Y.size * (h @ W2 + b2 - y)
        slopes.append(g)
        of_W2 += np.outer(h, g)
        of_b2 += g
    back = W2 - rate * of_W2 if new_weights else W2
    for x, h, g in zip(X, hidden, slopes):
        at_hidden = back @ g
        if relu:
            at_hidden = np.where(h > 0, at_hidden, 0.0)
        of_W1 += np.outer(x, at_hidden)
        of_b1 += at_hidden
    moves = ((W1, of_W1), (b1, of_b1), (W2, of_W2), (b2, of_b2))
    return [old - rate * gradient for old, gradient in moves]


def right(X, Y, W, b):
    G = 2 / Y.size * (X @ W + b - Y)
    return X.T @ G, G.sum(0)


def right_by_rows(X, Y, W, b):
    of_W = np.zeros_like(W)
    of_b = np.zeros_like(b)
    for x, y in zip(X, Y):
        g = 2 / Y.size * (x @ W + b - y)
        of_W += np.outer(x, g)
        of_b += g
    return of_W, of_b


def _times(of_W, of_b=None):
    """The right gradients times a factor each, which may depend on N and C."""

    def gradients(X, Y, W, b):
        N, C = Y.shape
        right_W, right_b = right(X, Y, W, b)
        factor_W = of_W(N, C)
        factor_b = factor_W if of_b is None else of_b(N, C)
        return right_W * factor_W, right_b * factor_b

    return gradients


def _bias_not_in_prediction(X, Y, W, b):
    return right(X, Y, W, np.zeros_like(b))


def _bias_of_first_output(X, Y, W, b):
    of_W, of_b = right(X, Y, W, b)
    return of_W, np.full_like(of_b, of_b[0])


def _outputs_in_another_order(X, Y, W, b):
    of_W, of_b = right(X, Y, W, b)
    return of_W, of_b[::-1]


def _columns_in_another_order(X, Y, W, b):
    of_W, of_b = right(X, Y, W, b)
    return of_W[:, ::-1], of_b


def _last_example(X, Y, W, b):
    of_W, of_b = right(X[-1:], Y[-1:], W, b)
    return of_W / len(X), of_b / len(X)


@exercise("2.4")
def check_law(law):
    wrong = {
        "uphill for downhill": _times(lambda N, C: -1.0),
        "the 2 of the square is forgotten": _times(lambda N, C: 0.5),
        "divided by N, not by N · C": _times(lambda N, C: C),
        "divided by C, not by N · C": _times(lambda N, C: N),
        "the bias has the mean over examples, not the sum": _times(
            lambda N, C: 1.0, lambda N, C: 1 / N
        ),
        "the bias does not learn": _times(lambda N, C: 1.0, lambda N, C: 0.0),
        "the bias is forgotten in the prediction": _bias_not_in_prediction,
        "all biases have the gradient of the first": _bias_of_first_output,
        "only the last example counts": _last_example,
        "the biases have each other's gradients": _outputs_in_another_order,
        "the columns of W have each other's gradients": _columns_in_another_order,
    }
    catches(law, [right, right_by_rows], wrong)
