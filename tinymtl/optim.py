"""Optimisers: what is done with the gradient. Each is its textbook formula on the vector θ of a model.

`at` runs over the places of θ that may have gradient: all of it as one slice, except that of tables made with
`sparse=True` only the rows that were looked up. An index may name a place twice: it is computed from
the old value both times and assigned the same new value twice.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from copy import deepcopy

import numpy as np

from .layers import Module


class Optimizer:
    """Keeps one array like θ for each name in `memory`; `step` asks `update` to change θ in place.

    The learning rate is a number, or a function of the progress in [0, 1) (the fraction of steps already made).
    An optimiser belongs to the first model it steps; another model is a ValueError.
    """

    memory = ()
    _of = None

    def __init__(self, learning_rate: float | Callable[[float], float]):
        if not callable(learning_rate) and not 0 <= learning_rate < np.inf:
            raise ValueError(f"learning_rate must be finite and not negative, got {learning_rate}")
        self.learning_rate, self.t = learning_rate, 0

    def step(self, model: Module, progress: float = 0.0):
        """One step of the model's θ along its `grad`."""
        θ, g = model.theta, model.grad
        if self._of is None:
            self._of = θ
            for name in self.memory:
                setattr(self, name, np.zeros_like(θ))
        if self._of is not θ:
            raise ValueError(
                f"{type(self).__name__}: this optimiser has the memory of another model; make one for each"
            )
        η = self.rate(progress)
        self.t += 1
        for at in model.touched():
            self.update(θ, g, at, η)
        model.stepped()

    def rate(self, progress: float) -> float:
        """The learning rate at this progress."""
        η = self.learning_rate(progress) if callable(self.learning_rate) else self.learning_rate
        if not 0 <= η < np.inf:
            raise ValueError(
                f"{type(self).__name__}: learning_rate({progress}) must be finite and not negative, got {η}"
            )
        return η

    def copy_for(self, model: Module) -> Optimizer:
        """This optimiser as it stands, for a copy of its model: it goes on as this one would."""
        copy = deepcopy(self)
        copy._of = None if self._of is None else model.theta
        return copy


class SGD(Optimizer):
    """Gradient descent with momentum.

        v ← μ v + g
        θ ← θ − η v

    μ = 0 is plain gradient descent, θ ← θ − η g. On rows of sparse tables v rests while nobody looks the row up, so
    there momentum is lazy; without momentum sparse and dense are the same. Source: Polyak (1964); Goodfellow et al. (2016), section 8.3.2.
    """

    def __init__(self, learning_rate, momentum: float = 0.0):
        super().__init__(learning_rate)
        if not 0 <= momentum < 1:
            raise ValueError(f"SGD: momentum must be in [0, 1), got {momentum}")
        self.momentum = momentum
        self.memory = ("v",) if momentum else ()

    def update(self, θ, g, at, η):
        v = g[at]
        if self.momentum:
            self.v[at] = v = self.momentum * self.v[at] + v
        θ[at] -= η * v


class Adam(Optimizer):
    """Steps scaled by running moments of the gradient.

        m ← β₁ m + (1 − β₁) g              m̂ = m / (1 − β₁ᵗ)
        v ← β₂ v + (1 − β₂) g²             v̂ = v / (1 − β₂ᵗ)
        θ ← θ − η m̂ / (√v̂ + ε)

    Multiplying the loss by a constant changes almost nothing: m̂/√v̂ has no units. On rows of sparse tables
    this is *lazy* Adam: m and v of a row rest while nobody looks it up, where dense Adam lets them decay
    and still moves the row. Source: Kingma & Ba (2015), algorithm 1.
    """

    memory = ("m", "v")

    def __init__(
        self, learning_rate=1e-3, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8
    ):
        super().__init__(learning_rate)
        for name, β in (("beta1", beta1), ("beta2", beta2)):
            if not 0 <= β < 1:
                raise ValueError(f"Adam: {name} must be in [0, 1), got {β}")
        if not epsilon >= 0:
            raise ValueError(f"Adam: epsilon must not be negative, got {epsilon}")
        self.beta1, self.beta2, self.epsilon = beta1, beta2, epsilon

    def update(self, θ, g, at, η):
        β1, β2, t = self.beta1, self.beta2, self.t
        g, m, v = g[at], self.m[at], self.v[at]  # views of a slice, copies of single places
        s = (
            1 - β1
        ) * g  # the one array made here; each further one costs as much as its arithmetic
        m *= β1
        m += s
        np.multiply(g, g, out=s)
        s *= 1 - β2
        v *= β2
        v += s
        self.m[at], self.v[at] = m, v
        c = math.sqrt(1 - β2**t)
        np.sqrt(v, out=s)
        s += self.epsilon * c
        np.divide(m, s, out=s)
        s *= η * c / (1 - β1**t)
        θ[at] -= s
