"""Three ways to put several tasks on one kind of network.

    SingleTask    θ = [trunk 1 | ... | trunk T | head 1 | ... | head T]    nothing is shared
    SoftSharing   the same θ, and a pull between the trunks                 Σ_t w_t L_t + λ Σ_t ‖θ_t − θ̄‖²
    HardSharing   θ = [trunk | head 1 | ... | head T]                       Σ_t w_t L_t, one trunk in every L_t

All take the same parts and copy them, so models built from one trunk start equal, and training one leaves
the others as they are. Task t computes head_t(trunk(encoder_t(inputs))); a task without an encoder leads its inputs
straight into the trunk. A module that parts of several tasks hold, such as one table of words for two
encoders, belongs with the trunk: shared here, copied for each task there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy

import numpy as np

from .layers import Dropout, Module
from .losses import check_names, finite_not_negative, l2_penalty, pull_together
from .tensor import Parameter, Tensor, gradient, jacobian


class Network(Module):
    """The parts of all tasks, which parameters are shared, and which are one task's own."""

    def __init__(
        self,
        trunk: Callable,
        heads: Mapping[str, Callable],
        encoders: Mapping[str, Callable] | None = None,
    ):
        encoders = dict(encoders or {})
        if not heads:
            raise ValueError("heads must name at least one task, got none")
        if unknown := encoders.keys() - heads.keys():
            raise ValueError(f"encoders must be of the tasks {list(heads)}, got {sorted(unknown)}")
        self.encoders, self.trunk, self.heads = encoders, trunk, dict(heads)

    def task_parts(self, task):
        return [self.encoders.get(task), self.heads[task]]

    def shared(self) -> list[Parameter]:
        """The trunk's parameters, and those that parts of at least two tasks hold."""
        of_trunk = _parameters(self.trunk)
        uses = [p for task in self.heads for p in _parameters(self.task_parts(task))]
        return _once(of_trunk + [p for p in uses if sum(q is p for q in uses) > 1])

    def own(self, task) -> list[Parameter]:
        shared = {id(p) for p in self.shared()}
        return [p for p in _parameters(self.task_parts(task)) if id(p) not in shared]


class Sharing(Module):
    """What the three models have in common: the tasks' names, checks, penalty to zero, parameter counts."""

    tasks: list[str]

    def __call__(self, inputs: Mapping[str, object]) -> dict[str, Tensor]:
        """Outputs by task for inputs by task; any of the model's tasks may be left out."""
        if unknown := inputs.keys() - set(self.tasks):
            raise ValueError(
                f"{type(self).__name__}: inputs must be of the tasks {self.tasks}, got {sorted(unknown)}"
            )
        return self.forward(inputs)

    def penalty(self) -> Tensor:
        """What the model adds to the total loss: the pull to zero, and in soft sharing the pull together."""
        if callable(self.l2):
            return self.l2(self)
        strengths = (
            self.l2 if isinstance(self.l2, Mapping) else dict.fromkeys(self.tasks, self.l2 or 0.0)
        )
        if not any(strengths.values()):
            return Tensor(np.zeros((), self.theta.dtype))
        matrices = {t: [p for p in self.task_parameters(t) if p.ndim > 1] for t in self.tasks}
        return l2_penalty(matrices, strengths)

    def task_parameters(self, task: str) -> list[Parameter]:
        """Every parameter that the task's output depends on, those that it shares first."""
        return self.trunk_parameters(task) + self._own[task]

    def counts(self) -> dict:
        """Numbers of parameters: {"shared": n, "tasks": {task: of it alone}, "total": n}."""
        size = lambda parameters: sum(p.data.size for p in parameters)
        tasks = {
            t: size(self._own[t]) + (0 if self.P else size(self.trunk_parameters(t)))
            for t in self.tasks
        }
        return {"shared": self.P, "tasks": tasks, "total": self.P + sum(tasks.values())}

    def _check_l2(self, l2):
        values = (
            l2.values() if isinstance(l2, Mapping) else [] if l2 is None or callable(l2) else [l2]
        )
        if isinstance(l2, Mapping):
            check_names(type(self).__name__, "l2", l2, dict.fromkeys(self.tasks))
        for value in values:
            finite_not_negative(type(self).__name__, "l2", value)
        return l2


class HardSharing(Sharing):
    """One trunk, a head per task.

    With features h = trunk(x), L_total = Σ_t w_t L_t(head_t(h)) gives the trunk the gradient

        ∂L_total/∂θ_sh = Σ_t w_t ∂L_t/∂θ_sh = Jᵀ w

    and head t w_t ∂L_t/∂θ_t. trunk, heads[task] and encoders[task] are modules or functions. l2, the pull to zero on all
    matrices (`l2_penalty`), is a number λ for every task, a dict λ_t, or a function model -> loss; a shared matrix
    counts for every task. Tasks given the very same inputs pass the trunk once. Source: Caruana (1993, 1997).

    >>> from tinymtl import Dense
    >>> rng = np.random.default_rng(0)
    >>> model = HardSharing(Dense(8, 32, rng), {"a": Dense(32, 1, rng), "b": Dense(32, 3, rng)})
    >>> model.counts()
    {'shared': 288, 'tasks': {'a': 33, 'b': 99}, 'total': 420}
    """

    def __init__(self, trunk, heads, encoders=None, *, l2=None):
        parts = deepcopy(Network(trunk, heads, encoders))
        self.trunk, self.heads, self.encoders = parts.trunk, parts.heads, parts.encoders
        self.tasks = list(parts.heads)
        self._own = {t: parts.own(t) for t in self.tasks}
        self._shared = parts.shared()
        self.P = sum(p.data.size for p in self._shared)
        self.l2 = self._check_l2(l2)

    def forward(self, inputs):
        features, outputs = {}, {}
        for t, x in inputs.items():
            encoder = self.encoders.get(t)
            key = id(x), id(encoder)
            if key not in features:
                features[key] = self.trunk(encoder(x) if encoder else x)
            outputs[t] = self.heads[t](features[key])
        return outputs

    def trunk_parameters(self, task):
        return self._shared

    def trunk_jacobian(self, losses):
        """(T, P): row t is the gradient of task t's loss on the shared parameters."""
        return jacobian(list(losses.values()), self._shared)

    def ordered_parameters(self):
        return self._shared + [p for t in self.tasks for p in self._own[t]]


class SoftSharing(Sharing):
    """A network per task, and a pull between their trunks.

        pull="mean":    penalty = λ Σ_t ‖θ_t − θ̄‖²              gradient 2 λ (θ_t − θ̄)
        pull="pairs":   penalty = λ Σ_{s<t} ‖θ_s − θ_t‖²        gradient 2 λ T (θ_t − θ̄)

    where θ_t is the trunk of task t (with its copies of modules that several tasks hold) and θ̄ the mean trunk.
    λ = `strength` = 0 is single-task training. λ → ∞ has minimisers with one common trunk; gradient steps of size η
    diverge once η λ > 1 ("pairs": η λ T > 1). Parts and l2 as in `HardSharing`. Source: Evgeniou & Pontil (2004);
    Duong et al. (2015).
    """

    def __init__(
        self, trunk, heads, encoders=None, *, strength: float, pull: str = "mean", l2=None
    ):
        if pull not in ("mean", "pairs"):
            raise ValueError(f"SoftSharing: pull must be 'mean' or 'pairs', got {pull!r}")
        self.strength, self.pull = (
            finite_not_negative(type(self).__name__, "strength", strength),
            pull,
        )
        parts = deepcopy(Network(trunk, heads, encoders))
        self.tasks = list(parts.heads)
        same_rng = {id(m.rng): m.rng for m in parts.modules() if isinstance(m, Dropout)}
        copies = {t: deepcopy(parts, dict(same_rng)) for t in self.tasks}
        self.trunks = {t: copies[t].trunk for t in self.tasks}
        self.heads = {t: copies[t].heads[t] for t in self.tasks}
        self.encoders = {t: copies[t].encoders[t] for t in self.tasks if t in parts.encoders}
        self._own = {t: copies[t].own(t) for t in self.tasks}
        self._trunk_parameters = {t: copies[t].shared() for t in self.tasks}
        self.P, self.l2 = 0, self._check_l2(l2)

    def forward(self, inputs):
        encoded = {t: self.encoders[t](x) if t in self.encoders else x for t, x in inputs.items()}
        return {t: self.heads[t](self.trunks[t](x)) for t, x in encoded.items()}

    def penalty(self):
        to_zero = super().penalty()
        λ = self.strength * (len(self.tasks) if self.pull == "pairs" else 1)
        return (
            to_zero + pull_together(self.trunk_matrix(), list(self._trunk_parameters.values()), λ)
            if λ
            else to_zero
        )

    def trunk_matrix(self) -> np.ndarray:
        """Θ (T, P), a view of `theta`: row t holds the trunk of task t."""
        n = sum(p.data.size for p in self.trunk_parameters(self.tasks[0]))
        return self.theta[: len(self.tasks) * n].reshape(len(self.tasks), n)

    def trunk_parameters(self, task):
        return self._trunk_parameters[task]

    def trunk_jacobian(self, losses):
        """(T, P): row t is the gradient of task t's loss on its own trunk, aligned entry by entry."""
        J = np.zeros((len(losses), self.trunk_matrix().shape[1]), self.theta.dtype)
        for row, (t, loss) in zip(J, losses.items()):
            np.concatenate(
                [g.reshape(-1) for g in gradient(loss, self.trunk_parameters(t))], out=row
            )
        return J

    def ordered_parameters(self):
        return [p for t in self.tasks for p in self._trunk_parameters[t]] + [
            p for t in self.tasks for p in self._own[t]
        ]


class SingleTask(SoftSharing):
    """A network per task and nothing between them: soft sharing of strength 0, the arm to compare with."""

    def __init__(self, trunk, heads, encoders=None, *, l2=None):
        super().__init__(trunk, heads, encoders, strength=0.0, l2=l2)


def task_losses(
    model: Sharing, batch: Mapping[str, tuple], losses: Mapping[str, Callable]
) -> dict[str, Tensor]:
    """The model's loss on each task of a batch: L_t = losses[t](output of t, *targets of t).

    batch: task -> (inputs, targets) or (inputs, targets, mask); what comes after the inputs is
    handed to the task's loss as it is.
    """
    outputs = model({t: x for t, (x, *_) in batch.items()})
    return {t: losses[t](outputs[t], *targets) for t, (_, *targets) in batch.items()}


def _parameters(part) -> list[Parameter]:
    """The parameters of a module, a list of them, or a function (none)."""
    holder = Module()
    holder.part = part
    return holder.parameters()


def _once(parameters):
    return list({id(p): p for p in parameters}.values())
