"""Optimisers: what is done with the gradient. Each is its textbook formula on a model's vector θ.

In `update`, `at` is one of the places of θ that may have gradient, and g the gradient there. `at`
is a slice of θ, or, for a table made with `sparse=True`, an index of the rows that were looked up.
An index may name a place twice: then the new value is computed from the old one both times, and
assigned twice.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from copy import deepcopy

import numpy as np

from . import checks
from .module import Module


class Optimizer:
    """Keeps one array like θ for each name in `memory`; `step` asks `update` to change θ in place.

    The learning rate is a number, or a function of the progress in [0, 1), which is the fraction of
    steps already made. An optimiser belongs to the first model it steps; another model is a
    ValueError.

    clip_norm: if the gradient g is longer than this, it is scaled down before anything else is done
    with it, so that one steep place does not throw θ far away:

        g ← g · min(1, clip_norm / ‖g‖)

    ‖g‖ is the Euclidean norm over all of θ, heads and penalty included. `model.grad` stays as it
    is. In sparse tables only rows that were looked up have gradient, and each counts once. A
    gradient that is not finite is not scaled. Source: Pascanu et al. (2013), algorithm 1.
    """

    memory = ()
    _of = None  # the model that this optimiser belongs to

    def __init__(
        self, learning_rate: float | Callable[[float], float], clip_norm: float | None = None
    ):
        where = type(self).__name__
        if not callable(learning_rate):
            checks.not_negative(where, "learning_rate", learning_rate)
        if clip_norm is not None:
            checks.positive(where, "clip_norm", clip_norm)
        self.learning_rate = learning_rate
        self.clip_norm = clip_norm
        self.t = 0  # steps made

    def __repr__(self):
        shown = "a schedule" if callable(self.learning_rate) else f"{self.learning_rate:g}"
        clip = "" if self.clip_norm is None else f", clip_norm={self.clip_norm:g}"
        return f"{type(self).__name__}({shown}{self._options()}{clip}), {self.t} steps made"

    def _options(self) -> str:
        """What stands behind the learning rate when the optimiser is printed."""
        return ""

    def step(self, model: Module, progress: float | None = None):
        """One step of the model's θ along its `grad`.

        progress: the fraction k / steps of steps already made. A learning rate that is a function
        needs it; ValueError without it, since such a schedule would stand at its start for ever.

        ValueError too for a part that the model was given after its θ was made: nothing would train
        it. It is looked for in the steps 1, 2, 4, 8, and so on.
        """
        if not isinstance(model, Module):  # asked first, since to write the name takes longer
            checks.instance(f"{type(self).__name__}.step", "model", model, Module)
        η = self.rate(progress)
        if _is_power_of_2(self.t + 1):  # to look at every part takes as long as a step
            model.check_packed(f"{type(self).__name__}.step")
        θ = model.theta
        if self._of is None:
            for name in self.memory:
                setattr(self, name, np.zeros_like(θ))
            self._of = model  # last: Ctrl-C before it leaves an optimiser that starts again
        if self._of is not model:
            raise ValueError(
                f"{type(self).__name__}: this optimiser has the memory of another model; "
                "make one for each"
            )
        self.t += 1
        grad = model.grad
        places = model.touched()
        with np.errstate(under="ignore"):  # memory of a gradient that is over fades to 0
            scale = self._scale(grad, places)
            for at in places:
                g = grad[at]  # a view of a slice, a copy of single places
                if scale < 1:
                    g = g * scale
                self.update(θ, g, at, η)
        model.stepped()

    def _scale(self, grad, places) -> float:
        """min(1, clip_norm / ‖g‖)"""
        if self.clip_norm is None:
            return 1.0
        norm = _norm([grad[_each_once(at)] for at in places])
        if not self.clip_norm < norm < math.inf:  # so a norm that is NaN scales nothing either
            return 1.0
        return self.clip_norm / norm

    def rate(self, progress: float | None) -> float:
        """The learning rate at this progress."""
        where = type(self).__name__
        if progress is not None:
            checks.between(where, "progress", progress, 0, 1)
        if not callable(self.learning_rate):
            return self.learning_rate
        if progress is None:
            raise ValueError(
                f"{where}: learning_rate is a function of the progress, so step must be told it: "
                "step(model, k / steps) in step k"
            )
        return checks.not_negative(
            where, f"learning_rate({progress})", self.learning_rate(progress)
        )

    def copy_for(self, model: Module) -> Optimizer:
        """This optimiser as it stands, for a copy of its model: it goes on as this one would."""
        # deepcopy takes what its memo names as copied already.
        own = {} if self._of is None else {id(self._of): model}
        return deepcopy(self, own)

    def go_on(self, model: Module, memory: dict[str, np.ndarray] | None, t: int):
        """Take up this memory of the model after t steps; None before the first one."""
        if self._of not in (None, model):
            raise ValueError(
                f"{type(self).__name__}: this optimiser has the memory of another model; "
                "make one for each"
            )
        for name, array in (memory or {}).items():
            setattr(self, name, array.copy())
        self._of = None if memory is None else model
        self.t = t


def checked_optimizer(where: str, optimizer: Optimizer) -> Optimizer:
    """One that is made: Adam(1e-3), and not Adam. `where` names the function for the error."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{where}: optimizer must be one such as Adam(1e-3), got {optimizer!r}")
    return optimizer


def _is_power_of_2(n):
    return n & (n - 1) == 0


def _each_once(at):
    """An index of the same places without repeats; a slice has none."""
    return at if isinstance(at, slice) else np.unique(at)


def _norm(parts) -> float:
    """The Euclidean norm of all parts together.

    The largest entry is taken out first: squares of large entries would overflow, and those of
    small ones vanish.
    """
    largest = max((float(np.abs(part).max(initial=0)) for part in parts), default=0.0)
    if largest == 0 or not math.isfinite(largest):
        return largest
    squares = 0.0
    for part in parts:
        ratio = part / largest
        squares += float(ratio.dot(ratio))
    return largest * math.sqrt(squares)


class SGD(Optimizer):
    """Gradient descent with momentum.

        v ← μ v + g
        θ ← θ − η v

    μ = 0 is plain gradient descent, θ ← θ − η g. In sparse tables the v of a row rests while nobody
    looks the row up, so momentum is lazy there; without momentum sparse and dense are the same.
    Source: Polyak (1964); Goodfellow et al. (2016), section 8.3.2.

    >>> from tinymtl import Dense
    >>> model = Dense(1, 1, np.random.default_rng(0))
    >>> before = model.b.data.copy()
    >>> model(np.array([[1.0]])).sum().backward()  # the slope of b is 1
    >>> SGD(0.1).step(model)
    >>> model.b.data - before
    array([-0.1])
    """

    def __init__(self, learning_rate, momentum: float = 0.0, *, clip_norm: float | None = None):
        super().__init__(learning_rate, clip_norm)
        self.momentum = checks.below_one("SGD", "momentum", momentum)
        self.memory = ("v",) if momentum else ()

    def _options(self):
        return f", momentum={self.momentum:g}" if self.momentum else ""

    def update(self, θ, g, at, η):
        if self.momentum:
            g = self.momentum * self.v[at] + g  # μ v + g
            self.v[at] = g
        θ[at] -= η * g


class Adam(Optimizer):
    """Steps scaled by running moments of the gradient.

        m ← β₁ m + (1 − β₁) g              m̂ = m / (1 − β₁ᵗ)
        v ← β₂ v + (1 − β₂) g²             v̂ = v / (1 − β₂ᵗ)
        θ ← θ − η m̂ / (√v̂ + ε) − η · decay · θ

    Multiplying the loss by a constant changes almost nothing, because m̂/√v̂ has no units. In sparse
    tables this is *lazy* Adam: the m and v of a row rest while nobody looks the row up, where dense
    Adam lets them decay and still moves the row. Source: Kingma & Ba (2015), algorithm 1.

    decay: with more than 0 this is AdamW. Each step takes the fraction η · decay from every
    parameter, biases and all tasks' heads included (in a sparse table only from rows looked up).
    The penalty `l2` is another thing under Adam: its gradient 2λθ goes through m and v and is
    divided by √v̂, so where gradients are large it pulls less; the decay is decoupled from m and v
    and pulls every parameter by the same fraction. (Under plain SGD both are one, with
    decay = 2λ.) Source: Loshchilov & Hutter (2019), algorithm 2, with α inside the schedule η.

    The first step has the size of the learning rate, whatever the size of the gradient:

    >>> from tinymtl import Dense
    >>> model = Dense(1, 1, np.random.default_rng(0))
    >>> (1000 * model(np.array([[1.0]]))).sum().backward()
    >>> Adam(0.1).step(model)
    >>> model.b.data.round(6)
    array([-0.1])
    """

    memory = ("m", "v")

    def __init__(
        self,
        learning_rate=1e-3,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        *,
        decay: float = 0.0,
        clip_norm: float | None = None,
    ):
        super().__init__(learning_rate, clip_norm)
        self.beta1 = checks.below_one("Adam", "beta1", beta1)
        self.beta2 = checks.below_one("Adam", "beta2", beta2)
        self.epsilon = checks.not_negative("Adam", "epsilon", epsilon)
        self.decay = checks.not_negative("Adam", "decay", decay)

    def _options(self):
        decay = f", decay={self.decay:g}" if self.decay else ""
        return f", beta1={self.beta1:g}, beta2={self.beta2:g}, epsilon={self.epsilon:g}{decay}"

    def update(self, θ, g, at, η):
        # In place: a step makes one new array, since each one costs as much as its arithmetic.
        # √v̂ + ε = (√v + ε c) / c with c = √(1 − β₂ᵗ), so v̂ needs no array of its own.
        β1, β2, ε, t = self.beta1, self.beta2, self.epsilon, self.t
        c = math.sqrt(1 - β2**t)
        m, v = self.m[at], self.v[at]  # views of a slice, copies of single places

        new = (1 - β1) * g  # (1 − β₁) g
        m *= β1  #             β₁ m
        m += new  #            β₁ m + (1 − β₁) g

        np.multiply(g, g, out=new)  # g²
        new *= 1 - β2  #              (1 − β₂) g²
        v *= β2  #                    β₂ v
        v += new  #                   β₂ v + (1 − β₂) g²

        np.sqrt(v, out=new)  #          √v
        new += ε * c  #                 √v + ε c = (√v̂ + ε) c
        if θ.dtype.type(ε * c) > 0:
            np.divide(m, new, out=new)  # m / ((√v̂ + ε) c)
        else:  # 0/0 stands for no gradient so far, and makes no step
            np.divide(m, new, out=new, where=new > 0)
        new *= η * c / (1 - β1**t)  #   η m̂ / (√v̂ + ε)
        if self.decay:
            new += (η * self.decay) * θ[at]  # η · decay · θ, which m and v do not see

        self.m[at], self.v[at] = m, v
        θ[at] -= new
