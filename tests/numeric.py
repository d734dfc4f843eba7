"""The independent oracles: numerical derivatives, and the printed formulas transcribed literally.

Nothing here knows the package. Formulas are plain loops over entries, in the order in which the
symbols are printed. They use no trick of speed or stability, so that one sees that they are right.
All of them accept complex numbers, so that `complex_step` can differentiate them.
"""

import itertools

import numpy as np

# Numerical derivatives of Σ g · f(x₁, x₂, ...), one array for each x_i.


def complex_step(f, *arrays, g):
    """Im Σ g · f(x + ih) / h: exact to rounding, because nothing is subtracted.

    f must be analytic.
    """
    h = 1e-30

    def slope(i, at):
        return np.sum(g * f(*_shifted(arrays, i, at, h * 1j))).imag / h

    return _entry_by_entry(slope, arrays)


def central_differences(f, *arrays, g, step=1e-6):
    """(f(x + h) − f(x − h)) / 2h, for what is not analytic; right to about 1e-9 away from kinks."""

    def value(i, at, h):
        return np.sum(g * f(*_shifted(arrays, i, at, h)))

    def slope(i, at):
        return (value(i, at, step) - value(i, at, -step)) / (2 * step)

    return _entry_by_entry(slope, arrays)


def _entry_by_entry(slope, arrays):
    """One array of slopes for each of the arrays: slope(i, at) at the place `at` of array i."""
    slopes = [np.zeros(np.shape(x)) for x in arrays]
    for i, of_array in enumerate(slopes):
        for at in np.ndindex(of_array.shape):
            of_array[at] = slope(i, at)
    return slopes


def _shifted(arrays, i, at, h):
    """The arrays, with h added to one entry of a copy of array i."""
    moved = list(arrays)
    moved[i] = np.array(arrays[i], np.result_type(arrays[i], h))
    moved[i][at] += h
    return moved


def assert_close(got, expected, tolerance=1e-9):
    """Equal shapes, and |got − expected| ≤ tolerance · (1 + |expected|) in every entry."""
    assert np.shape(got) == np.shape(expected)
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)


# Functions of arrays, as printed.


def sigmoid(x):
    """1 / (1 + e⁻ˣ)"""
    return 1 / (1 + np.exp(-x))


def softplus(x):
    """log(1 + eˣ)"""
    return np.log(1 + np.exp(x))


def softmax(x, axis=-1):
    """exp(x_i) / Σ_j exp(x_j)"""
    return np.exp(x) / np.exp(x).sum(axis, keepdims=True)


def logsumexp(x, axis=-1):
    """log Σ exp(x)"""
    return np.log(np.exp(x).sum(axis))


def log_softmax(x, axis=-1):
    """log (exp(x) / Σ exp(x))"""
    return np.log(np.exp(x) / np.exp(x).sum(axis, keepdims=True))


def dense(x, W, b):
    """y_h = Σ_d x_d W_dh + b_h for each row x"""
    y = np.zeros((*x.shape[:-1], W.shape[1]), np.result_type(x, W, b))
    for *row, h in np.ndindex(y.shape):
        y[(*row, h)] = sum(x[(*row, d)] * W[d, h] for d in range(W.shape[0])) + b[h]
    return y


def one_hot(ids, V):
    """(..., V): 1 at the id, 0 elsewhere"""
    return (np.asarray(ids)[..., None] == np.arange(V)).astype(float)


# The losses, as printed: Σ m ℓ / Σ m over the entries present, 0 where there are none. m is the
# mask: True counts as 1.


def mse(prediction, targets, mask=None):
    """Σ m (ŷ − y)² / Σ m"""
    terms = [(prediction[at] - targets[at]) ** 2 for at in _present(targets, mask)]
    return _mean(terms, mask)


def cross_entropy(logits, labels, mask=None):
    """Σ_i −m_i log(exp z_i,label(i) / Σ_c exp z_ic) / Σ m"""
    C = logits.shape[1]
    terms = []
    for (i,) in _present(labels, mask):
        total = sum(np.exp(logits[i, c]) for c in range(C))
        terms.append(-np.log(np.exp(logits[i, labels[i]]) / total))
    return _mean(terms, mask)


def soft_cross_entropy(logits, labels, mask=None):
    """Σ_i m_i Σ_c −q_ic log(exp z_ic / Σ_k exp z_ik) / Σ m"""
    C = logits.shape[1]
    terms = []
    for (i,) in _present(labels[:, 0], mask):
        total = sum(np.exp(logits[i, c]) for c in range(C))
        terms.append(sum(-labels[i, c] * np.log(np.exp(logits[i, c]) / total) for c in range(C)))
    return _mean(terms, mask)


def binary_cross_entropy(logits, labels, mask=None):
    """Σ −m (y log p + (1 − y) log(1 − p)) / Σ m, where p = 1/(1 + e⁻ᶻ) and so 1 − p = 1/(1 + eᶻ)"""
    terms = []
    for at in _present(labels, mask):
        y = labels[at]
        log_p = np.log(1 / (1 + np.exp(-logits[at])))
        log_1_minus_p = np.log(1 / (1 + np.exp(logits[at])))
        terms.append(-(y * log_p + (1 - y) * log_1_minus_p))
    return _mean(terms, mask)


def _present(labels, mask):
    """The places of the labels that are not missing."""
    return [at for at in np.ndindex(labels.shape) if mask is None or mask[at]]


def _mean(terms, mask):
    """Σ m ℓ / Σ m, where `terms` are the ℓ of the places that are present, in their order."""
    if mask is None:
        return sum(terms) / len(terms)
    weights = [float(mask[at]) for at in _present(mask, mask)]
    if not weights:
        return 0.0
    return sum(m * loss for m, loss in zip(weights, terms)) / sum(weights)


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


# The weighting rules, as printed: vectors in R^P, no Gramian. To find the best point of a
# polyhedron, every face is tried.


def nonnegative_minimum(A, b):
    """min ½ uᵀAu − bᵀu over u ≥ 0

    It is the least value at the points where some entries are 0 and the slope along the others
    is 0.
    """
    least = 0.0
    for face in _faces(len(b)):
        A_face = A[np.ix_(face, face)]
        b_face = b[face]
        v = np.linalg.lstsq(A_face, b_face, rcond=None)[0]
        if (v >= -1e-12).all():
            least = min(least, v @ A_face @ v / 2 - b_face @ v)
    return least


def shortest_in_hull(J):
    """The shortest Σ w_t g_t with w ≥ 0, Σ w = 1

    For every face it takes the point of the face's plane that is nearest to 0, if it lies in the
    face. The shortest of these points is the answer.
    """
    feet = []
    for first, *others in _faces(len(J)):
        edges = J[others] - J[first]
        if others:
            w = np.linalg.lstsq(edges.T, -J[first], rcond=None)[0]
        else:
            w = np.zeros(0)
        if (w >= -1e-9).all() and w.sum() <= 1 + 1e-9:
            feet.append(J[first] + w @ edges)
    return min(feet, key=np.linalg.norm)


def nearest_without_harm(J, g):
    """The x nearest to g with g_t · x ≥ 0 for all t

    It is g itself, or g without its part in the span of some of the g_t.
    """
    candidates = [g]
    for face in _faces(len(J)):
        candidates.append(g - np.linalg.lstsq(J[face], J[face] @ g, rcond=None)[0])
    rounding = 1e-9 * np.linalg.norm(g) * np.linalg.norm(J, axis=1)  # (T,)
    best = np.zeros_like(g)
    for x in candidates:
        harms_none = (J @ x >= -rounding).all()
        if harms_none and np.linalg.norm(g - x) < np.linalg.norm(g - best):
            best = x
    return best


def gradient_surgery(J, orders):
    """PCGrad's d: g_t loses its part along each g_s that it conflicts with

    It meets the other gradients in the order orders[t].
    """
    p = [g.copy() for g in J]
    for t, order in enumerate(orders):
        for s in order:
            if s != t and p[t] @ J[s] < 0:
                p[t] = p[t] - (p[t] @ J[s]) / (J[s] @ J[s]) * J[s]
    return sum(p)


def simplex_grid(T, steps):
    """All w ≥ 0 with Σ w = 1 whose entries are multiples of 1/steps"""
    multiples = itertools.product(range(steps + 1), repeat=T)
    return np.array([w for w in multiples if sum(w) == steps]) / steps


def _faces(T):
    """All subsets of 0, ..., T − 1 but the empty one, small ones first."""
    faces = []
    for size in range(1, T + 1):
        faces += [list(face) for face in itertools.combinations(range(T), size)]
    return faces
