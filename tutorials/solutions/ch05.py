"""Solutions of chapter 5, the weighted loss."""

import numpy as np


def weighted_minimum(k, a, w):
    """Each wish a_t counts by weight times steepness, w_t k_t."""
    return (w * k * a).sum() / (w * k).sum()


def weights_that_stay(J):
    """w₁ ‖g₁‖ = w₂ ‖g₂‖, so each weight goes with the length of the other gradient."""
    of_other = np.linalg.norm(J, axis=1)[::-1]
    return of_other / of_other.sum()


def undo_units(units):
    """A squared error is multiplied by the square of the unit: divide by the square."""
    weights = {}
    for task, unit in units.items():
        weights[task] = 1.0 if unit is None else 1.0 / unit**2
    return weights


def law(step):
    """One task alone is plain descent; three times w is three times η; changes add up.

    Only the last part finds a step that gives all active tasks one and the same weight.
    For this u and v must give their weights to different tasks.
    """
    rng = np.random.default_rng(0)
    theta = rng.normal(size=4)
    J = rng.normal(size=(3, 4))

    for t, one_task in enumerate(np.eye(3)):
        assert np.allclose(step(theta, J, one_task, 0.1), theta - 0.1 * J[t])

    u = np.array([0.5, 0.0, 2.0])
    v = np.array([0.0, 1.0, 0.0])
    assert np.allclose(step(theta, J, 3 * u, 0.1), step(theta, J, u, 0.3)), "3 w is 3 η"

    change_u = step(theta, J, u, 0.1) - theta
    change_v = step(theta, J, v, 0.1) - theta
    change_both = step(theta, J, u + v, 0.1) - theta
    assert np.allclose(change_both, change_u + change_v), "changes add up"
