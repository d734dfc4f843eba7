"""Optimisers: what is done with the gradient. Each is its textbook formula on a model's vector θ.

In `update`, `at` is one of the places of θ that may have gradient. It is a slice of θ, or, for a
table made with `sparse=True`, an index of the rows that were looked up. An index may name a place
twice: then the new value is computed from the old one both times, and assigned twice.
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
    """

    memory = ()
    _of = None  # θ of the model that this optimiser belongs to

    def __init__(self, learning_rate: float | Callable[[float], float]):
        if not callable(learning_rate):
            checks.not_negative(type(self).__name__, "learning_rate", learning_rate)
        self.learning_rate = learning_rate
        self.t = 0  # steps made

    def __repr__(self):
        shown = "a schedule" if callable(self.learning_rate) else f"{self.learning_rate:g}"
        return f"{type(self).__name__}({shown}{self._options()}), {self.t} steps made"

    def _options(self) -> str:
        """What stands behind the learning rate when the optimiser is printed."""
        return ""

    def step(self, model: Module, progress: float = 0.0):
        """One step of the model's θ along its `grad`."""
        θ = model.theta
        if self._of is None:
            self._of = θ
            for name in self.memory:
                setattr(self, name, np.zeros_like(θ))
        if self._of is not θ:
            raise ValueError(
                f"{type(self).__name__}: this optimiser has the memory of another model; "
                "make one for each"
            )
        η = self.rate(progress)
        self.t += 1
        for at in model.touched():
            self.update(θ, model.grad, at, η)
        model.stepped()

    def rate(self, progress: float) -> float:
        """The learning rate at this progress."""
        if not callable(self.learning_rate):
            return self.learning_rate
        where = type(self).__name__
        return checks.not_negative(
            where, f"learning_rate({progress})", self.learning_rate(progress)
        )

    def copy_for(self, model: Module) -> Optimizer:
        """This optimiser as it stands, for a copy of its model: it goes on as this one would."""
        copy = deepcopy(self)
        copy._of = None if self._of is None else model.theta
        return copy


class SGD(Optimizer):
    """Gradient descent with momentum.

        v ← μ v + g
        θ ← θ − η v

    μ = 0 is plain gradient descent, θ ← θ − η g. In sparse tables the v of a row rests while nobody
    looks the row up, so momentum is lazy there; without momentum sparse and dense are the same.
    Source: Polyak (1964); Goodfellow et al. (2016), section 8.3.2.
    """

    def __init__(self, learning_rate, momentum: float = 0.0):
        super().__init__(learning_rate)
        self.momentum = checks.below_one("SGD", "momentum", momentum)
        self.memory = ("v",) if momentum else ()

    def _options(self):
        return f", momentum={self.momentum:g}" if self.momentum else ""

    def update(self, θ, g, at, η):
        v = g[at]
        if self.momentum:
            v = self.momentum * self.v[at] + v
            self.v[at] = v
        θ[at] -= η * v


class Adam(Optimizer):
    """Steps scaled by running moments of the gradient.

        m ← β₁ m + (1 − β₁) g              m̂ = m / (1 − β₁ᵗ)
        v ← β₂ v + (1 − β₂) g²             v̂ = v / (1 − β₂ᵗ)
        θ ← θ − η m̂ / (√v̂ + ε)

    Multiplying the loss by a constant changes almost nothing, because m̂/√v̂ has no units. In sparse
    tables this is *lazy* Adam: the m and v of a row rest while nobody looks the row up, where dense
    Adam lets them decay and still moves the row. Source: Kingma & Ba (2015), algorithm 1.
    """

    memory = ("m", "v")

    def __init__(
        self,
        learning_rate=1e-3,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
    ):
        super().__init__(learning_rate)
        self.beta1 = checks.below_one("Adam", "beta1", beta1)
        self.beta2 = checks.below_one("Adam", "beta2", beta2)
        self.epsilon = checks.not_negative("Adam", "epsilon", epsilon)

    def _options(self):
        return f", beta1={self.beta1:g}, beta2={self.beta2:g}, epsilon={self.epsilon:g}"

    def update(self, θ, g, at, η):
        # In place: a step makes one new array, since each one costs as much as its arithmetic.
        # √v̂ + ε = (√v + ε c) / c with c = √(1 − β₂ᵗ), so v̂ needs no array of its own.
        β1, β2, ε, t = self.beta1, self.beta2, self.epsilon, self.t
        c = math.sqrt(1 - β2**t)
        g, m, v = g[at], self.m[at], self.v[at]  # views of a slice, copies of single places

        new = (1 - β1) * g  # (1 − β₁) g
        m *= β1  #             β₁ m
        m += new  #            β₁ m + (1 − β₁) g

        np.multiply(g, g, out=new)  # g²
        new *= 1 - β2  #              (1 − β₂) g²
        v *= β2  #                    β₂ v
        v += new  #                   β₂ v + (1 − β₂) g²

        np.sqrt(v, out=new)  #          √v
        new += ε * c  #                 √v + ε c = (√v̂ + ε) c
        np.divide(m, new, out=new)  #   m / ((√v̂ + ε) c)
        new *= η * c / (1 - β1**t)  #   η m̂ / (√v̂ + ε)

        self.m[at], self.v[at] = m, v
        θ[at] -= new
