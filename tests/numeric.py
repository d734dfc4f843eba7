"""The independent oracles: numerical derivatives, and the printed formulas transcribed literally.

Nothing here knows the package. Formulas are plain loops over entries, in the order in which the
symbols are printed, without a trick of speed or stability: what they lack in those they have in being
evidently right. All of them accept complex numbers, so that `complex_step` can differentiate them.
"""

import itertools

import numpy as np

# Numerical derivatives of Σ g · f(x₁, x₂, ...), one array for each x_i.


def complex_step(f, *arrays, g):
    """Im Σ g · f(x + ih) / h: exact to rounding, since nothing is subtracted. f must be analytic."""
    return _entry_by_entry(
        lambda xs, i, at: np.sum(g * f(*_shifted(xs, i, at, 1e-30j))).imag / 1e-30, arrays
    )


def central_differences(f, *arrays, g, step=1e-6):
    """(f(x + h) − f(x − h)) / 2h, for what is not analytic; right to about 1e-9 away from kinks."""
    above = lambda xs, i, at, h: np.sum(g * f(*_shifted(xs, i, at, h)))
    return _entry_by_entry(
        lambda xs, i, at: (above(xs, i, at, step) - above(xs, i, at, -step)) / (2 * step), arrays
    )


def _entry_by_entry(derivative, arrays):
    slopes = [np.zeros(np.shape(x)) for x in arrays]
    for i, slope in enumerate(slopes):
        for at in np.ndindex(slope.shape):
            slope[at] = derivative(arrays, i, at)
    return slopes


def _shifted(arrays, i, at, h):
    moved = [np.array(x, np.result_type(x, h)) if k == i else x for k, x in enumerate(arrays)]
    moved[i][at] += h
    return moved


def assert_close(got, expected, tolerance=1e-9):
    """Equal shapes, and |got − expected| ≤ tolerance · max(1, |expected|) in every entry."""
    assert np.shape(got) == np.shape(expected)
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)


# Functions of arrays, as printed.


def sigmoid(x):
    """1 / (1 + e⁻ˣ)"""
    return 1 / (1 + np.exp(-x))


def logsumexp(x, axis=-1):
    """log Σ exp(x)"""
    return np.log(np.exp(x).sum(axis))


def log_softmax(x, axis=-1):
    """log (exp(x) / Σ exp(x))"""
    return np.log(np.exp(x) / np.exp(x).sum(axis, keepdims=True))


def dense(x, W, b):
    """y_h = Σ_d x_d W_dh + b_h for each row x"""
    y = np.zeros((*x.shape[:-1], W.shape[1]), np.result_type(x, W, b))
    for at in np.ndindex(y.shape):
        *row, h = at
        y[at] = sum(x[(*row, d)] * W[d, h] for d in range(W.shape[0])) + b[h]
    return y


def one_hot(ids, V):
    """(..., V): 1 at the id, 0 elsewhere"""
    return (np.asarray(ids)[..., None] == np.arange(V)).astype(float)


# The losses, as printed: a mean over the entries present, 0 where there are none.


def mse(prediction, targets, mask=None):
    """1/n Σ (ŷ − y)²"""
    return _mean([(prediction[at] - targets[at]) ** 2 for at in _present(targets, mask)])


def cross_entropy(logits, labels, mask=None):
    """1/n Σ_i −log(exp z_i,label(i) / Σ_c exp z_ic)"""
    C = logits.shape[1]
    return _mean(
        [
            -np.log(np.exp(logits[i, labels[i]]) / sum(np.exp(logits[i, c]) for c in range(C)))
            for (i,) in _present(labels, mask)
        ]
    )


def binary_cross_entropy(logits, labels, mask=None):
    """1/n Σ −(y log p + (1 − y) log(1 − p)), where p = 1/(1 + e⁻ᶻ) and so 1 − p = 1/(1 + eᶻ)"""
    return _mean(
        [
            -(
                labels[at] * np.log(1 / (1 + np.exp(-logits[at])))
                + (1 - labels[at]) * np.log(1 / (1 + np.exp(logits[at])))
            )
            for at in _present(labels, mask)
        ]
    )


def _present(labels, mask):
    return [at for at in np.ndindex(labels.shape) if mask is None or mask[at]]


def _mean(terms):
    return sum(terms) / len(terms) if terms else 0.0


# The total loss and the penalties, as printed.


def weighted_sum(losses, weights):
    """Σ_t w_t L_t"""
    return sum(weights[t] * losses[t] for t in losses)


def l2_penalty(matrices, strengths):
    """Σ_i Σ_j λ_i ‖W_ij‖²"""
    return sum(strengths[i] * squared_norm(W) for i in matrices for W in matrices[i])


def pull_to_mean(rows, strength=1.0):
    """λ Σ_t ‖θ_t − θ̄‖², where θ̄ = 1/T Σ_t θ_t"""
    middle = sum(rows) / len(rows)
    return strength * sum(squared_norm(row - middle) for row in rows)


def pull_by_pairs(rows, strength=1.0):
    """λ Σ_{s<t} ‖θ_s − θ_t‖²"""
    return strength * sum(squared_norm(a - b) for a, b in itertools.combinations(rows, 2))


def squared_norm(x):
    """‖x‖² = Σ x_i²"""
    return sum(x[at] ** 2 for at in np.ndindex(np.shape(x)))


# The weighting rules, as printed: vectors in R^P, no Gramian. Where the best of a polyhedron is sought, every face is tried.


def nonnegative_minimum(A, b):
    """min ½ uᵀAu − bᵀu over u ≥ 0: the least of all the points where some entries are 0 and the slope along the others is 0"""
    least = 0.0
    for face in _faces(len(b)):
        v = np.linalg.lstsq(A[np.ix_(face, face)], b[face], rcond=None)[0]
        if (v >= -1e-12).all():
            least = min(least, v @ A[np.ix_(face, face)] @ v / 2 - b[face] @ v)
    return least


def shortest_in_hull(J):
    """The shortest Σ w_t g_t with w ≥ 0, Σ w = 1: of all faces, the foot of 0 on the plane through it, if it lies in the face"""
    feet = []
    for first, *others in _faces(len(J)):
        edges = J[others] - J[first]
        w = np.linalg.lstsq(edges.T, -J[first], rcond=None)[0] if others else np.zeros(0)
        if (w >= -1e-9).all() and w.sum() <= 1 + 1e-9:
            feet.append(J[first] + w @ edges)
    return min(feet, key=np.linalg.norm)


def nearest_without_harm(J, g):
    """The x nearest to g with g_t · x ≥ 0 for all t: g, or g without its part in the span of some of the g_t"""
    best = np.zeros_like(g)
    for face in [[], *_faces(len(J))]:
        x = g - np.linalg.lstsq(J[face], J[face] @ g, rcond=None)[0] if face else g
        if (
            J @ x >= -1e-9 * np.linalg.norm(g) * np.linalg.norm(J, axis=1)
        ).all() and np.linalg.norm(g - x) < np.linalg.norm(g - best):
            best = x
    return best


def gradient_surgery(J, orders):
    """PCGrad's d: g_t loses its part along each g_s it conflicts with, met in the order orders[t]"""
    p = [g.copy() for g in J]
    for t, order in enumerate(orders):
        for s in order:
            if s != t and p[t] @ J[s] < 0:
                p[t] = p[t] - (p[t] @ J[s]) / (J[s] @ J[s]) * J[s]
    return sum(p)


def simplex_grid(T, steps):
    """All w ≥ 0 with Σ w = 1 whose entries are multiples of 1/steps"""
    return (
        np.array([w for w in itertools.product(range(steps + 1), repeat=T) if sum(w) == steps])
        / steps
    )


def _faces(T):
    return [
        list(face) for size in range(1, T + 1) for face in itertools.combinations(range(T), size)
    ]
