"""Checkers for chapter 5, the weighted loss."""

import numpy as np

from . import Wrong, catches, exercise, expect


@exercise("5.1")
def check_weighted_minimum(weighted_minimum):
    rng = np.random.default_rng(0)
    for T in (2, 4, 1, 3):
        k = rng.uniform(0.5, 3, T)
        a = rng.normal(size=T)
        w = rng.uniform(0.1, 2, T)
        # The total is a parabola p₀ x² + p₁ x + p₂, least at −p₁ / (2 p₀).
        total = sum(np.poly1d([1, -a[t]]) ** 2 * (w[t] * k[t]) for t in range(T))
        # A wish a_t counts by weight times steepness. Parts of this may be forgotten.
        by_weight = (w * a).sum() / w.sum()
        by_steepness = (k * a).sum() / k.sum()
        undivided = (w * k * a).sum()
        known = {
            "That is the mean of the a_t by weight alone; a task with a steeper bowl "
            "pulls harder.": by_weight,
            "That is the mean of the a_t by steepness alone; where are the weights?": (
                by_steepness
            ),
            "That is the plain mean of the a_t, without weights and steepness.": (
                a.mean()
            ),
            "Divide by the sum of all w_t k_t.": undivided,
            "Divide by the sum of all w_t k_t, not by the number of tasks.": (
                undivided / T
            ),
            "Divide by the sum of all w_t k_t, not by that of the weights.": (
                undivided / w.sum()
            ),
            "Divide by the sum of all w_t k_t, not by that of the k_t.": (
                undivided / k.sum()
            ),
            "The sum of products is not the product of the sums.": (
                undivided / (w.sum() * k.sum())
            ),
            "The derivative of k (x − a)² has k once, not its square.": (
                (w * k**2 * a).sum() / (w * k**2).sum()
            ),
        }
        expect(
            weighted_minimum(k, a, w),
            total.deriv().roots[0],
            "x",
            given=f"for k = {k.round(2)}, a = {a.round(2)}, w = {w.round(2)}",
            known=known,
            hint="Where is the derivative Σ 2 w_t k_t (x − a_t) zero?",
        )


@exercise("5.2")
def check_weights_that_stay(weights_that_stay):
    rng = np.random.default_rng(0)
    for P in (2, 5, 1, 3):
        g2 = rng.normal(size=P)
        ratio = rng.uniform(0.2, 4)
        J = np.array([-ratio * g2, g2])
        expected = np.array([1 / (1 + ratio), ratio / (1 + ratio)])
        squares = np.array([1.0, ratio**2]) / (1 + ratio**2)
        known = {
            "The task with the longer gradient should have the smaller weight: w₁ g₁ "
            "and w₂ g₂ have to cancel.": expected[::-1],
            "These weights do not add up to 1.": np.array([1.0, ratio]),
            "The weights go with the lengths of the gradients, not with the squares.": (
                squares
            ),
            "Equal weights leave the longer gradient over.": np.array([0.5, 0.5]),
        }
        got = weights_that_stay(J)
        w = np.asarray(got, float) if np.shape(got) == (2,) else None
        hint = "Take the lengths of both sides of w₁ g₁ = −w₂ g₂."
        if w is not None and (w < 0).any():
            hint = "Weights are not negative: use lengths."
        elif w is not None and np.allclose(w @ J, 0) and w.any():
            hint = "The gradients cancel, but these weights do not add up to 1."
        given = f"for J = {J.round(3).tolist()}"
        expect(got, expected, "w", given=given, known=known, hint=hint)


@exercise("5.3")
def check_undo_units(undo_units):
    cases = [
        {"price": 100.0, "buys": None},
        {"price": 1.0, "buys": None},
        {"buys": None, "weight": 1000.0, "price": 0.5},
        {"department": None, "delivery days": 1 / 7, "rating": None},
        {"length": 2.54},
    ]
    for units in cases:
        w = undo_units(units)
        if not isinstance(w, dict) or w.keys() != units.keys():
            raise Wrong(
                f"for units = {units} expected a weight for each of the tasks "
                f"{list(units)}, got {w}"
            )
        of_sum_one = _of_sum_one(units)
        for task, unit in units.items():
            if unit is None:
                what = f"the weight of {task!r}, which has no unit,"
                hint = "A cross-entropy needs no weight here."
                expected = 1.0
                known = {"Weights need not add up to 1.": of_sum_one[task]}
            else:
                what = f"the weight of {task!r}"
                hint = "The weight times the square of the unit should be 1."
                expected = 1 / unit**2
                known = {
                    "The residual has the unit; its square has the unit's square.": (
                        1 / unit
                    ),
                    "The weight has to undo the unit, not to apply it again.": unit**2,
                    "A larger unit makes the loss larger, so divide.": unit,
                    "In this unit the loss is not what it was in dollars.": 1.0,
                    "Weights need not add up to 1.": of_sum_one[task],
                }
            given = f"for units = {units}"
            expect(w[task], expected, what, given=given, known=known, hint=hint)


def _of_sum_one(units):
    """The right weights, divided by their sum."""
    w = {t: 1.0 if unit is None else 1 / unit**2 for t, unit in units.items()}
    total = sum(w.values())
    return {t: weight / total for t, weight in w.items()}


# Steps, right and wrong


def _of_arrays(step):
    """The same step, which takes lists as well."""

    def tested(theta, J, w, rate):
        theta, J, w = (np.array(given, float) for given in (theta, J, w))
        return step(theta, J, w, rate)

    return tested


def _right(theta, J, w, rate):
    return theta - rate * w @ J


def _right_task_by_task(theta, J, w, rate):
    new = np.array(theta, float)
    for weight, gradient in zip(w, J):
        new -= rate * weight * gradient
    return new


def _normalised(theta, J, w, rate):
    total = w.sum()
    return _right(theta, J, w / total if total else w, rate)


def _squared(theta, J, w, rate):
    return _right(theta, J, w * w, rate)


def _to_wrong_tasks(theta, J, w, rate):
    return _right(theta, J, w[::-1], rate)


def _averaged(theta, J, w, rate):
    return _right(theta, J, w / len(w), rate)


def _uphill(theta, J, w, rate):
    return _right(theta, J, w, -rate)


def _first_weight_for_all(theta, J, w, rate):
    """All tasks with a weight get that of the first of them."""
    active = w != 0
    first = w[active][0] if active.any() else 0.0
    return _right(theta, J, first * active, rate)


def _largest_weight_for_all(theta, J, w, rate):
    largest = w[np.argmax(np.abs(w))]
    return _right(theta, J, largest * (w != 0), rate)


def _largest_task_alone(theta, J, w, rate):
    largest = np.abs(w) == np.abs(w).max()
    return _right(theta, J, w * largest, rate)


def _two_tasks_alone(theta, J, w, rate):
    return _right(theta, J[:2], w[:2], rate)


def _start_forgotten(theta, J, w, rate):
    return -rate * w @ J


def _rate_forgotten(theta, J, w, rate):
    return _right(theta, J, w, 0.1)


@exercise("5.4")
def check_law(law):
    wrong = {
        "the step goes uphill": _uphill,
        "the start is forgotten": _start_forgotten,
        "weights are normalised to a sum of 1": _normalised,
        "weights are squared": _squared,
        "weights go to the wrong tasks": _to_wrong_tasks,
        "the mean over tasks instead of the sum": _averaged,
        "tasks beyond the second are left out": _two_tasks_alone,
        "the learning rate is always 0.1": _rate_forgotten,
        "all tasks with a weight get the weight of the first of them": (
            _first_weight_for_all
        ),
        "all tasks with a weight get the largest weight": _largest_weight_for_all,
        "only the task with the largest weight counts": _largest_task_alone,
    }
    right = [_of_arrays(_right), _of_arrays(_right_task_by_task)]
    catches(law, right, {slip: _of_arrays(step) for slip, step in wrong.items()})
