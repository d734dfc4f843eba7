"""Solutions of chapter 9, tasks that differ."""

import numpy as np


def multipliers(n, tau, w):
    powers = np.asarray(n, float) ** (1 / tau)
    p = powers / powers.sum()
    return w / p


def word_weights(present):
    s = present.sum(1, keepdims=True)  # (N, 1)
    lines = (s > 0).sum()
    return present / (lines * np.maximum(s, 1))


def loss_and_gradient(p, y, present):
    """False * NaN is NaN, and the mean is over the labels present."""
    residual = np.where(present, p - y, 0.0)
    count = max(present.sum(), 1)
    return (residual**2).sum() / count, 2 * residual / count


def gap_of_many(H, g, rate):
    before = np.zeros_like(g[0])  # the sum of the gradients of earlier tasks
    total = np.zeros_like(g[0])
    for H_t, g_t in zip(H, g):
        total += H_t @ before
        before += g_t
    return rate**2 * total


def law(mix):
    rng = np.random.default_rng(0)
    outputs = rng.normal(size=(4, 3, 2))

    one = rng.normal(size=(4, 1))
    assert np.allclose(mix(outputs[:, :1], one), outputs[:, 0])
    assert np.allclose(mix(outputs, np.full((4, 3), 7.0)), outputs.mean(1))

    # Each example has gates of its own.
    shares = rng.uniform(0.1, 1, (4, 3))
    shares /= shares.sum(1, keepdims=True)
    expected = np.stack([shares[n] @ outputs[n] for n in range(4)])
    assert np.allclose(mix(outputs, np.log(shares)), expected)
    levels = np.array([[3.0], [-2.0], [0.0], [1.0]])
    assert np.allclose(mix(outputs, np.log(shares) + levels), expected)
