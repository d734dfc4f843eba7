"""Solutions of chapter 4, hard sharing."""

import numpy as np


def counts(D, H, outputs):
    P = (D * H + H) + (H * H + H)
    p = sum(H * C + C for C in outputs)
    return len(outputs) * P + p, P + p


def gain_of_pooling(n1, n2, noise, spread):
    """Pooled, branch 1 has the noise σ²/(n₁ + n₂) and misses by n₂/(n₁ + n₂) (β₁ − β₂).

    The variance of β₁ − β₂ is 2 τ². Both gains have the sign of
    σ² (n₁ + n₂) − 2 τ² n₁ n₂: pooling pays for both branches or for neither, though the
    poor one gains, and loses, much more.
    """
    N = n1 + n2
    pooled1 = noise / N + (n2 / N) ** 2 * 2 * spread
    pooled2 = noise / N + (n1 / N) ** 2 * 2 * spread
    return noise / n1 - pooled1, noise / n2 - pooled2


def trunk_gradient(A, heads, X, targets, w):
    """`total` was assigned anew for each task: only the last one trained the trunk."""
    total = np.zeros_like(A)
    for t, c in heads.items():
        residual = X @ A @ c - targets[t]  # (N,)
        total += w[t] * X.T @ np.outer(residual, c) * 2 / len(X)
    return total


def law(trunk_gradient):
    """A small step in A changes the loss by its inner product with the gradient.

    Half of loss(A + S) − loss(A − S) has no error of second order, and this loss, of
    degree 2 in A, has no term of third order: the two sides are equal up to rounding.
    """
    rng = np.random.default_rng(0)
    for T, N in ((1, 5), (2, 3), (4, 6)):
        A = rng.normal(size=(3, 2))
        X = rng.normal(size=(N, 3))
        heads = {t: rng.normal(size=2) for t in range(T)}
        targets = {t: rng.normal(size=N) for t in range(T)}
        w = {t: rng.uniform(0.2, 3) for t in range(T)}

        def loss(A):
            residuals = {t: X @ A @ heads[t] - targets[t] for t in heads}
            return sum(w[t] * (residuals[t] ** 2).mean() for t in heads)

        step = 1e-3 * rng.normal(size=A.shape)
        change = (loss(A + step) - loss(A - step)) / 2
        predicted = (trunk_gradient(A, heads, X, targets, w) * step).sum()
        assert np.isclose(predicted, change, rtol=1e-6, atol=0)
