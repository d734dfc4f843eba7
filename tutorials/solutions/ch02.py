"""Solutions of chapter 2, a dense layer and the squared error."""

import numpy as np


def scale(x, s, g):
    """s and b were repeated over the examples, so their shares are summed over them."""
    of_s = (g * x).sum(0)  # (D,)
    of_b = g.sum(0)  # (D,)
    return of_s, of_b, g * s


def largest_rate(X, w):
    N = len(X)
    with_bias = np.column_stack([X, np.ones(N)])  # the bias is the weight of a 1
    H = w * 2 / N * with_bias.T @ with_bias
    return 2 / np.linalg.eigvalsh(H).max()


def step(X, Y, W1, b1, W2, b2, rate):
    """W2 had taken its step before it passed the gradient back to the first layer."""
    hidden = np.maximum(X @ W1 + b1, 0)  # (N, units)
    G = 2 / Y.size * (hidden @ W2 + b2 - Y)  # (N, C)
    at_hidden = (G @ W2.T) * (hidden > 0)  # (N, units): with the old W2
    W2 = W2 - rate * hidden.T @ G
    b2 = b2 - rate * G.sum(0)
    W1 = W1 - rate * X.T @ at_hidden
    b1 = b1 - rate * at_hidden.sum(0)
    return W1, b1, W2, b2


def law(gradients):
    """A small step changes the loss by its inner product with the gradient."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(5, 3))
    Y = rng.normal(size=(5, 2))
    W = rng.normal(size=(3, 2))
    b = rng.normal(size=2)

    def loss(W, b):
        return ((X @ W + b - Y) ** 2).mean()

    of_W, of_b = gradients(X, Y, W, b)
    step = 1e-4 * rng.normal(size=(3, 2))
    change = (loss(W + step, b) - loss(W - step, b)) / 2
    assert np.isclose((of_W * step).sum(), change, rtol=1e-6, atol=0)
    step = 1e-4 * rng.normal(size=2)
    change = (loss(W, b + step) - loss(W, b - step)) / 2
    assert np.isclose((of_b * step).sum(), change, rtol=1e-6, atol=0)
