"""Three ways to put several tasks on one kind of network.

    SingleTask    θ = [trunk 1 | ... | trunk T | head 1 | ... | head T]    nothing is shared
    SoftSharing   the same θ, and a pull between the trunks     Σ_t w_t L_t + λ Σ_t ‖θ_t − θ̄‖²
    HardSharing   θ = [trunk | head 1 | ... | head T]           Σ_t w_t L_t, one trunk in every L_t

Task t computes head_t(trunk(encoder_t(inputs))). A task without an encoder leads its inputs
straight into the trunk.

All three take the same parts and copy them. So models that are built from one trunk start equal,
and training one of them leaves the others as they are. A module that parts of several tasks hold,
such as one table of words for two encoders, belongs with the trunk: hard sharing keeps one of it,
and the other two make a copy for each task.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from copy import deepcopy

import numpy as np

from . import checks
from .layers import Dropout
from .losses import l2_penalty, pull_together
from .module import Module, Parameter
from .tensor import Tensor, gradient, jacobian


class Network(Module):
    """The parts of all tasks: which parameters are shared, and which are one task's own."""

    def __init__(
        self,
        trunk: Callable,
        heads: Mapping[str, Callable],
        encoders: Mapping[str, Callable] | None = None,
    ):
        self.encoders = dict(encoders or {})
        self.trunk = trunk
        self.heads = dict(heads)

    def shared_and_own(self) -> tuple[list[Parameter], dict[str, list[Parameter]]]:
        """The shared parameters, and task -> its own.

        Shared are the trunk's parameters and those that parts of at least two tasks hold.
        """
        of_trunk = _parameters(self.trunk)
        of_task = {}  # what the task's encoder and head hold
        users = Counter()  # parameter -> how many tasks hold it
        for task in self.heads:
            parts = [self.encoders.get(task), self.heads[task]]
            of_task[task] = _parameters(parts)
            users.update(of_task[task])
        of_several = [p for p, n in users.items() if n > 1]
        shared = list(dict.fromkeys(of_trunk + of_several))  # each once
        is_shared = set(shared)
        own = {t: [p for p in of_task[t] if p not in is_shared] for t in self.heads}
        return shared, own


class Sharing(Module):
    """What the three models have in common: tasks, checks, the penalty to zero, and counts.

    Each model adds what differs: `forward` (outputs by task), `trunk_parameters` (of a task),
    `trunk_jacobian`, and `ordered_parameters` (the order of θ).
    """

    tasks: list[str]
    P: int  # how many parameters are shared

    def __call__(self, inputs: Mapping[str, object]) -> dict[str, Tensor]:
        """Outputs by task for inputs by task; any of the model's tasks may be left out."""
        checks.known_tasks(type(self).__name__, "inputs", inputs, self.tasks)
        return self.forward(inputs)

    def penalty(self) -> Tensor:
        """What the model adds to the total loss.

        That is the pull to zero, and in soft sharing the pull together too.
        """
        if callable(self.l2):
            return self.l2(self)
        strengths = self.l2
        if not isinstance(strengths, Mapping):
            strengths = dict.fromkeys(self.tasks, self.l2 or 0.0)
        if not any(strengths.values()):
            return Tensor(np.zeros((), self.theta.dtype))
        matrices = {t: [p for p in self.task_parameters(t) if p.ndim > 1] for t in self.tasks}
        return l2_penalty(matrices, strengths)

    def task_parameters(self, task: str) -> list[Parameter]:
        """Every parameter that the task's output depends on, those of its trunk first."""
        return self.trunk_parameters(task) + self._own[task]

    def counts(self) -> dict:
        """Numbers of parameters: {"shared": n, "tasks": {task: its own}, "total": n}."""
        of_tasks = {}
        for task in self.tasks:
            not_shared = self._own[task] if self.P else self.task_parameters(task)
            of_tasks[task] = _size(not_shared)
        return {"shared": self.P, "tasks": of_tasks, "total": self.P + sum(of_tasks.values())}

    def _summary(self):
        shared = f"{self.P:,} of them shared" if self.P else "none of them shared"
        return f"{super()._summary()}, {shared}"

    def _copied(self, trunk, heads, encoders) -> Network:
        """A copy of all parts, made at once: a module that several parts hold stays one module."""
        where = type(self).__name__
        if not heads:
            raise ValueError(f"{where}: heads must name at least one task, got none")
        checks.known_tasks(where, "encoders", encoders or {}, heads)
        return deepcopy(Network(trunk, heads, encoders))

    def _check_l2(self, l2):
        where = type(self).__name__
        if isinstance(l2, Mapping):
            checks.same_tasks(where, "l2", l2, self.tasks)
            for task, strength in l2.items():
                checks.not_negative(where, f"l2[{task!r}]", strength)
        elif l2 is not None and not callable(l2):
            checks.not_negative(where, "l2", l2)
        return l2


class HardSharing(Sharing):
    """One trunk, and a head for each task.

    With features h = trunk(x) and L_total = Σ_t w_t L_t(head_t(h)) the trunk gets the gradient

        ∂L_total/∂θ_sh = Σ_t w_t ∂L_t/∂θ_sh = Jᵀ w

    and head t gets w_t ∂L_t/∂θ_t.

    trunk, heads[task] and encoders[task] are modules or functions. l2, the pull to zero on all
    matrices (`l2_penalty`), is a number λ for every task, a dict of λ_t, or a function
    model -> loss; a shared matrix counts once for every task. Tasks that are given the very same
    inputs pass the trunk once. Source: Caruana (1993, 1997).

    >>> from tinymtl import Dense
    >>> rng = np.random.default_rng(0)
    >>> model = HardSharing(Dense(8, 32, rng), {"a": Dense(32, 1, rng), "b": Dense(32, 3, rng)})
    >>> model.counts()
    {'shared': 288, 'tasks': {'a': 33, 'b': 99}, 'total': 420}
    >>> model
    HardSharing: 420 parameters, 288 of them shared
      trunk: Dense(8, 32)  288
      heads
        a: Dense(32, 1)     33
        b: Dense(32, 3)     99
    """

    def __init__(self, trunk, heads, encoders=None, *, l2=None):
        parts = self._copied(trunk, heads, encoders)
        self.encoders = parts.encoders
        self.trunk = parts.trunk
        self.heads = parts.heads
        self.tasks = list(parts.heads)
        self._shared, self._own = parts.shared_and_own()
        self.P = _size(self._shared)
        self.l2 = self._check_l2(l2)

    def forward(self, inputs):
        features = {}  # by the inputs and the encoder: equal ones pass the trunk once
        outputs = {}
        for task, x in inputs.items():
            encoder = self.encoders.get(task)
            key = (id(x), id(encoder))
            if key not in features:
                encoded = x if encoder is None else encoder(x)
                features[key] = self.trunk(encoded)
            outputs[task] = self.heads[task](features[key])
        return outputs

    def trunk_parameters(self, task):
        return self._shared

    def trunk_jacobian(self, losses):
        """(T, P): row t is the gradient of task t's loss on the shared parameters."""
        return jacobian(list(losses.values()), self._shared)

    def ordered_parameters(self):
        """[shared | own of task 1 | ... | own of task T]."""
        return self._shared + [p for task in self.tasks for p in self._own[task]]


class SoftSharing(Sharing):
    """A network for each task, and a pull between their trunks.

        pull="mean":    penalty = λ Σ_t ‖θ_t − θ̄‖²              gradient 2 λ (θ_t − θ̄)
        pull="pairs":   penalty = λ Σ_{s<t} ‖θ_s − θ_t‖²        gradient 2 λ T (θ_t − θ̄)

    θ_t is the trunk of task t, with its copies of modules that several tasks hold, and θ̄ is the
    mean trunk. λ = `strength` = 0 is single-task training. As λ → ∞ the best trunks become equal,
    but gradient steps of size η diverge once η λ > 1 ("pairs": η λ T > 1). The parts and l2 are as
    in `HardSharing`. Source: Evgeniou & Pontil (2004); Duong et al. (2015).
    """

    P = 0

    def __init__(
        self, trunk, heads, encoders=None, *, strength: float, pull: str = "mean", l2=None
    ):
        self.strength = checks.not_negative(type(self).__name__, "strength", strength)
        self.pull = checks.choice("SoftSharing", "pull", pull, ("mean", "pairs"))
        parts = self._copied(trunk, heads, encoders)
        self.encoders = {}
        self.trunks = {}
        self.heads = {}
        self._own = {}
        self._trunk_parameters = {}
        self.tasks = list(parts.heads)
        for task in self.tasks:
            copy = _copy_with_the_same_generators(parts)
            if task in copy.encoders:
                self.encoders[task] = copy.encoders[task]
            self.trunks[task] = copy.trunk
            self.heads[task] = copy.heads[task]
            shared, own = copy.shared_and_own()
            self._trunk_parameters[task] = shared
            self._own[task] = own[task]
        self.l2 = self._check_l2(l2)

    def forward(self, inputs):
        outputs = {}
        for task, x in inputs.items():
            encoded = self.encoders[task](x) if task in self.encoders else x
            outputs[task] = self.heads[task](self.trunks[task](encoded))
        return outputs

    def penalty(self):
        to_zero = super().penalty()
        if not self.strength:
            return to_zero
        n_tasks = len(self.tasks)
        λ = self.strength * n_tasks if self.pull == "pairs" else self.strength
        copies = list(self._trunk_parameters.values())
        return to_zero + pull_together(self.trunk_matrix(), copies, λ)

    def trunk_matrix(self) -> np.ndarray:
        """Θ (T, P_trunk), a view of `theta`: row t holds the trunk of task t."""
        n = _size(self.trunk_parameters(self.tasks[0]))
        n_tasks = len(self.tasks)
        return self.theta[: n_tasks * n].reshape(n_tasks, n)

    def trunk_parameters(self, task):
        return self._trunk_parameters[task]

    def trunk_jacobian(self, losses):
        """(T, P_trunk): row t is the gradient of task t's loss on its own trunk.

        The columns are aligned: column i is the same entry of every trunk.
        """
        J = np.zeros((len(losses), self.trunk_matrix().shape[1]), self.theta.dtype)
        for row, (task, loss) in zip(J, losses.items()):
            start = 0
            for slope in gradient(loss, self.trunk_parameters(task)):
                end = start + slope.size
                row[start:end] = slope.reshape(-1)
                start = end
        return J

    def ordered_parameters(self):
        """[trunk of task 1 | ... | trunk of task T | own of task 1 | ... | own of task T]."""
        of_trunks = [p for task in self.tasks for p in self._trunk_parameters[task]]
        of_heads = [p for task in self.tasks for p in self._own[task]]
        return of_trunks + of_heads


class SingleTask(SoftSharing):
    """A network for each task and nothing between them: soft sharing of strength 0.

    This is the arm that the other two are compared with.
    """

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
    """The parameters of a module, of a list of them, or of a function (none)."""
    holder = Module()
    holder.part = part
    return holder.parameters()


def _size(parameters) -> int:
    return sum(p.data.size for p in parameters)


def _copy_with_the_same_generators(parts):
    """A copy whose Dropout layers draw from the generators of the original."""
    generators = {id(m.rng): m.rng for m in parts.modules() if isinstance(m, Dropout)}
    return deepcopy(parts, generators)  # deepcopy takes what its memo names as copied already
