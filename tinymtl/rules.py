"""How a rule is asked for weights, and what else the argument `weights` may be.

    weights (T,) = rule(losses (T,), gramian (T, T))

The rules themselves stand in `weighting`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping

import numpy as np

from . import checks


class Refused(ValueError):
    """What a rule that refuses to give weights becomes in `fit`."""


def needs_gramian(rule: Callable) -> bool:
    """Whether a rule (losses, gramian) -> weights has to be told the Gramian.

    It has, unless its second argument has the default None.

    >>> from tinymtl import weighting
    >>> needs_gramian(weighting.equal), needs_gramian(weighting.mgda)
    (False, True)
    """
    checks.function("needs_gramian", "rule", rule)
    arguments = list(inspect.signature(rule).parameters.values())
    return len(arguments) < 2 or arguments[1].default is not None


def weighing(where, weights, weight_own, model, tasks):
    """The arguments of `fit` about weights, whatever their form, as a function of losses.

    where: the function that was called, for errors. tasks: those that weights are needed for.
    """
    if isinstance(weights, type):
        raise TypeError(
            f"{where}: weights must be None, numbers by task, or a rule, "
            f"such as {weights.__name__}(...); got {weights!r}"
        )
    if callable(weights):
        _check_rule(where, weights)
    weight_own = _own_are_weighted(where, weight_own, weights)
    if weights is None:
        return FixedWeights(dict.fromkeys(tasks, 1.0))
    if callable(weights):
        return WeightsOfRule(where, weights, weight_own, model, tasks)
    if isinstance(weights, Mapping):
        checks.same_tasks(where, "weights", weights, tasks)
        for task, w in weights.items():
            checks.not_negative(where, f"weights[{task!r}]", w)
        return FixedWeights(weights)
    raise TypeError(f"{where}: weights must be None, numbers by task, or a rule; got {weights!r}")


class FixedWeights:
    """The same number for a task in every step."""

    needs_gramian = False
    weight_own = True

    def __init__(self, weights):
        self.weights = weights
        self.on_held_out = weights  # of the total that early stopping judges by

    def __call__(self, tasks, losses, gramian=None):
        return {task: float(self.weights[task]) for task in tasks}


class WeightsOfRule:
    """What a rule says in each step about the tasks with labels in the batch."""

    def __init__(self, where, rule, weight_own, model, tasks):
        self.where = where
        self.rule = rule
        self.weight_own = weight_own
        self.needs_gramian = needs_gramian(rule)
        self.on_held_out = dict.fromkeys(tasks, 1.0)
        if self.needs_gramian:
            _check_has_gramian(where, model)
        if hasattr(rule, "check_tasks"):
            rule.check_tasks(model.tasks)

    def __call__(self, tasks, losses, gramian=None):
        """tasks: names; losses (T,), gramian (T, T) in their order. Returns task -> weight."""
        if not tasks:
            return {}
        try:
            w = self.ask_with_names(tasks, losses, gramian)
        except np.linalg.LinAlgError:
            raise  # a ValueError too, but of a rule that failed and not of one that refused
        except ValueError as error:
            at = self.with_gradient(tasks, gramian)
            if not 0 < len(at) < len(tasks):
                raise Refused(
                    f"{self.where}: the rule for the weights of {tasks} refused: {error}"
                ) from error
            # No direction changes the losses of the others: the weights are a matter of these.
            of_these = self([tasks[i] for i in at], losses[at], gramian[np.ix_(at, at)])
            return dict.fromkeys(tasks, 1.0) | of_these
        return dict(zip(tasks, _checked_weights(self.where, w, tasks)))

    def ask_with_names(self, tasks, losses, gramian):
        if hasattr(self.rule, "tasks"):
            self.rule.tasks = tasks
        losses = losses.copy()  # a rule that writes into them must not change the record
        if self.needs_gramian:
            return self.rule(losses, gramian)
        return self.rule(losses)

    def with_gradient(self, tasks, gramian):
        """The places of the tasks with a gradient on the shared parameters."""
        if not self.needs_gramian:
            return range(len(tasks))
        return np.flatnonzero(np.diag(gramian) > 0)


def _check_has_gramian(where, model):
    """There are gradients on shared parameters."""
    if model.P == 0:
        raise ValueError(
            f"{where}: this rule needs a Gramian, but {type(model).__name__} "
            "shares no parameters (P = 0)"
        )
    if all(p.frozen for p in model.trunk_parameters(model.tasks[0])):
        raise ValueError(
            f"{where}: this rule needs a Gramian, but all shared parameters are frozen, "
            "so no task has a gradient on them"
        )


def _checked_weights(where, weights, tasks):
    """What a rule gave, as a list of finite numbers, one for each task."""
    expected = f"{where}: weights must be {len(tasks)} finite numbers, one for each of {tasks}"
    try:
        w = checks.numbers(where, "weights", weights)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{expected}; the rule gave {weights!r}") from error
    if w.shape != (len(tasks),) or not np.isfinite(w).all():
        raise ValueError(f"{expected}; the rule gave {w}")
    return w.tolist()


def _check_rule(where, rule):
    """A rule can be called with two arguments."""
    try:
        arguments = inspect.signature(rule)
    except ValueError:  # some functions written in C do not tell
        return
    try:
        arguments.bind("losses", "gramian")
    except TypeError as error:
        name = getattr(rule, "__name__", type(rule).__name__)
        raise TypeError(
            f"{where}: weights must be a rule of two arguments, (losses, gramian), or, if the "
            f"losses are enough, (losses, gramian=None); got {name}{arguments}"
        ) from error


def _own_are_weighted(where, weight_own, weights) -> bool:
    """The argument `weight_own` of `fit`: whether weights count for own parameters, heads, too."""
    if weight_own is not None and not isinstance(weight_own, (bool, np.bool_)):
        raise TypeError(f"{where}: weight_own must be True, False or None, got {weight_own!r}")
    if callable(weights) and needs_gramian(weights):
        return bool(weight_own)
    if weight_own is not None and not weight_own:
        raise ValueError(
            f"{where}: weight_own=False needs weights by a rule of the Gramian, got {weights!r}; "
            "otherwise the step is the gradient of the sum of w_t L_t, own parameters included"
        )
    return True
