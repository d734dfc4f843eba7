"""Solutions of chapter 5, the weighted loss."""

import numpy as np


def weighted_minimum(k, a, w):
    return (w * k * a).sum() / (w * k).sum()


def sampling(n, tau):
    p = np.asarray(n, float) ** (1 / tau)
    return p / p.sum()


def undo_units(units):
    """A squared error is multiplied by the square of the unit: divide by the square."""
    weights = {}
    for task, unit in units.items():
        weights[task] = 1.0 if unit is None else 1.0 / unit**2
    return weights


def law(step):
    """Weight on one task alone is plain descent on that task.

    All weights times c are the learning rate times c.
    """
    rng = np.random.default_rng(0)
    theta = rng.normal(size=4)
    J = rng.normal(size=(3, 4))
    for t, one_task in enumerate(np.eye(3)):
        assert np.allclose(step(theta, J, one_task, 0.1), theta - 0.1 * J[t])
    w = np.array([0.5, 1.0, 2.0])
    assert np.allclose(step(theta, J, 3 * w, 0.1), step(theta, J, w, 0.3)), "3 w is 3 η"
