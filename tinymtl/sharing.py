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

So a trained trunk serves new tasks in two lines. Frozen it stays as it is, and only the new head
is trained:

    model.trunk.freeze()
    new_model = HardSharing(model.trunk, {"new": Dense(32, 1, rng)})
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy

import numpy as np

from . import checks
from .layers import Dropout, check_part
from .losses import l2_penalty, pull_together
from .module import Module, Parameter
from .tensor import Tensor, jacobian, no_grad, node, views


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
    """What the three models have in common: checks, predictions, the penalty to zero, and counts.

    Each model adds what differs: `forward` (outputs by task), `trunk_parameters` (of a task),
    `trunk_jacobian`, and `ordered_parameters` (the order of θ).
    """

    tasks: list[str]
    P: int  # how many parameters are shared: the first P of θ, frozen ones too

    def __call__(self, inputs: Mapping[str, object]) -> dict[str, Tensor]:
        """Outputs by task for inputs by task; any of the model's tasks may be left out."""
        self._check_inputs(type(self).__name__, inputs)
        return self.forward(inputs)

    def predict(
        self, inputs: Mapping[str, np.ndarray | tuple], batch_size: int | None = None
    ) -> dict[str, np.ndarray]:
        """What the model says about inputs, as arrays: the outputs with dropout off.

            output of t = head_t(trunk(encoder_t(inputs of t)))

        inputs: task -> an array or a tuple of arrays, as for `fit`, of any of the model's tasks.
            Floating arrays are cast to the model's type.
        batch_size: how many examples to compute at a time, which bounds the memory needed. None
            means all. The outputs are the same up to rounding.

        Returns task -> array, row i for example i. A head without a last function such as `sigmoid`
        gives logits. ValueError or TypeError for unknown tasks and inputs that do not fit.

        >>> from tinymtl import Dense
        >>> rng = np.random.default_rng(0)
        >>> model = HardSharing(Dense(3, 4, rng), {"a": Dense(4, 1, rng), "b": Dense(4, 2, rng)})
        >>> model.predict({"b": np.zeros((5, 3))})["b"].shape
        (5, 2)
        """
        self._check_inputs("predict", inputs)
        inputs = _ready(inputs, self.theta.dtype)
        longest = max([1, *[_n_examples(x) for x in inputs.values()]])
        size = longest
        if batch_size is not None:
            size = checks.whole_number("predict", "batch_size", batch_size, 1)

        outputs = {task: [] for task in inputs}
        with evaluating(self):
            for start in range(0, longest, size):
                batch = _slices(inputs, start, start + size)
                with NamesTheTask("predict: inputs", batch, self.forward):
                    of_batch = self.forward(batch)
                for task, output in of_batch.items():
                    outputs[task].append(_rows(output, task, _n_examples(batch[task])))
        return {task: np.concatenate(rows) for task, rows in outputs.items()}

    def penalty(self) -> Tensor:
        """What the model adds to the total loss.

        That is the pull to zero, and in soft sharing the pull together too. Frozen parameters are
        left out of both.
        """
        if callable(self.l2):
            where = type(self).__name__
            of_user = checks.instance(where, "the result of l2", self.l2(self), Tensor)
            if of_user.data.shape != () or of_user.data.dtype != self.theta.dtype:
                raise TypeError(
                    f"{where}: the result of l2 must be a scalar of type {self.theta.dtype}, "
                    f"got {of_user.dtype} of shape {of_user.shape}"
                )
            return of_user
        if not self.l2:
            return _zero(self.theta.dtype)
        strengths = self.l2
        if not isinstance(strengths, Mapping):
            strengths = dict.fromkeys(self.tasks, self.l2)
        matrices = {}
        for task in self.tasks:
            parameters = self.task_parameters(task)
            matrices[task] = [p for p in parameters if p.ndim > 1 and not p.frozen]
        if not any(matrices.values()) or not any(strengths.values()):
            return _zero(self.theta.dtype)
        return l2_penalty(matrices, strengths)

    def task_parameters(self, task: str) -> list[Parameter]:
        """Every parameter that the task's output depends on, those of its trunk first."""
        checks.known_tasks("task_parameters", "task", [task], self._own)
        return self.trunk_parameters(task) + self._own[task]

    def counts(self) -> dict:
        """Numbers of parameters.

        Returns {"shared": n, "tasks": {task: its own}, "total": n, "trainable": n}, where trainable
        are those of the total that are not frozen.
        """
        of_tasks = {}
        for task in self.tasks:
            not_shared = self._own[task] if self.P else self.task_parameters(task)
            of_tasks[task] = _size(not_shared)
        return {
            "shared": self.P,
            "tasks": of_tasks,
            "total": self.P + sum(of_tasks.values()),
            "trainable": _size([p for p in self.ordered_parameters() if not p.frozen]),
        }

    def _summary(self):
        shared = f"{self.P:,} of them shared" if self.P else "none of them shared"
        return f"{super()._summary()}, {shared}"

    def _check_inputs(self, where, inputs):
        if not isinstance(inputs, (dict, Mapping)):
            got = type(inputs).__name__
            raise TypeError(
                f"{where}: inputs must be given by task, such as {{{self.tasks[0]!r}: inputs}}; "
                f"got {got}"
            )
        checks.known_tasks(where, "inputs", inputs, self.heads)

    def _copied(self, trunk, heads, encoders) -> Network:
        """A copy of all parts, made at once: a module that several parts hold stays one module."""
        where = type(self).__name__
        check_part(where, "trunk", trunk)
        for name, parts in (("heads", heads), ("encoders", encoders or {})):
            checks.mapping(where, name, parts)
            for task, part in parts.items():
                check_part(where, f"{name}[{task!r}]", part)
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
        elif callable(l2):
            checks.function(where, "l2", l2)
        elif l2 is not None:
            checks.not_negative(where, "l2", l2)
        return l2


class HardSharing(Sharing):
    """One trunk, and a head for each task.

    With features h = trunk(x) and L_total = Σ_t w_t L_t(head_t(h)) the trunk gets the gradient

        ∂L_total/∂θ_sh = Σ_t w_t ∂L_t/∂θ_sh = Jᵀ w

    and head t gets w_t ∂L_t/∂θ_t. (Where a rule chooses w from the gradients on the trunk, training
    leaves the heads unweighted: see `fit`.)

    trunk, heads[task] and encoders[task] are modules or functions. l2, the pull to zero on all
    matrices (`l2_penalty`), is a number λ for every task, a dict of λ_t, or a function
    model -> loss; a shared matrix counts once for every task. Tasks that are given the very same
    inputs pass the trunk once. Source: Caruana (1993, 1997).

    >>> from tinymtl import Dense
    >>> rng = np.random.default_rng(0)
    >>> model = HardSharing(Dense(8, 32, rng), {"a": Dense(32, 1, rng), "b": Dense(32, 3, rng)})
    >>> model.counts()
    {'shared': 288, 'tasks': {'a': 33, 'b': 99}, 'total': 420, 'trainable': 420}
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
        """(T, P): row t is the gradient of task t's loss on the shared parameters.

        The columns of frozen parameters are 0, so G = J Jᵀ is that of the trainable ones.
        """
        checks.mapping("trunk_jacobian", "losses", losses)
        return jacobian(list(losses.values()), self._shared)

    def own_range(self, task):
        """(start, stop) of the places in θ of the task's own parameters."""
        start = self.P
        for other in self.tasks[: self.tasks.index(task)]:
            start += _size(self._own[other])
        return start, start + _size(self._own[task])

    def backward_by_task(self, losses):
        """`backward` of every loss: own parameters receive in `grad`, shared ones in a row of J.

        Returns J (T, P), as `trunk_jacobian` does.
        """
        J = np.zeros((len(losses), self.P), self.theta.dtype)
        for loss, into in zip(losses.values(), views(J, self._shared)):
            loss.backward(into=into)
        return J

    def ordered_parameters(self):
        """[shared | own of task 1 | ... | own of task T]."""
        return self._shared + [p for task in self.tasks for p in self._own[task]]


class SoftSharing(Sharing):
    """A network for each task, and a pull between their trunks.

        pull="mean":    penalty = λ Σ_t ‖θ_t − θ̄‖²              gradient 2 λ (θ_t − θ̄)
        pull="pairs":   penalty = λ Σ_{s<t} ‖θ_s − θ_t‖²        gradient 2 λ T (θ_t − θ̄)

    θ_t is the trunk of task t, with its copies of modules that several tasks hold, and θ̄ is the
    mean trunk. λ = `strength` = 0 is single-task training. As λ → ∞ the best trunks become equal,
    but gradient steps of size η diverge once η λ > 1 ("pairs": η λ T > 1). A frozen trunk pulls the
    others, and rests itself. The parts and l2 are as in `HardSharing`.
    Source: Evgeniou & Pontil (2004); Duong et al. (2015).

    >>> from tinymtl import Dense
    >>> rng = np.random.default_rng(0)
    >>> heads = {"a": Dense(32, 1, rng), "b": Dense(32, 3, rng)}
    >>> model = SoftSharing(Dense(8, 32, rng), heads, strength=0.1)
    >>> float(model.penalty())  # the trunks start equal
    0.0
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
        shared, own = parts.shared_and_own()
        generators = _generators(parts)
        for task in self.tasks:
            # Only what this task needs, in one copy, so that what is one module stays one.
            of_task = (parts.trunk, parts.heads[task], parts.encoders.get(task), shared, own[task])
            # deepcopy takes what its memo names as copied already: all copies of a Dropout layer
            # draw from one generator.
            trunk, head, encoder, trunk_parameters, own_parameters = deepcopy(
                of_task, dict(generators)
            )
            self.trunks[task] = trunk
            self.heads[task] = head
            if encoder is not None:
                self.encoders[task] = encoder
            self._trunk_parameters[task] = trunk_parameters
            self._own[task] = own_parameters
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
        return to_zero + pull_together(*self._pulled(), λ)

    def _pulled(self):
        """Θ and the lists of the trunks' parameters, without what is frozen in every trunk."""
        Θ = self.trunk_matrix()
        copies = list(self._trunk_parameters.values())
        columns = []
        kept = []  # positions in a trunk's list of parameters
        end = 0
        for i, of_tasks in enumerate(zip(*copies)):
            start, end = end, end + of_tasks[0].data.size
            if not all(p.frozen for p in of_tasks):
                columns.append(Θ[:, start:end])
                kept.append(i)
        if len(kept) == len(copies[0]):
            return Θ, copies
        none = Θ[:, :0]
        return np.hstack([none, *columns]), [[copy[i] for i in kept] for copy in copies]

    def trunk_matrix(self) -> np.ndarray:
        """Θ (T, P_trunk), a view of `theta`: row t holds the trunk of task t."""
        n = _size(self.trunk_parameters(self.tasks[0]))
        n_tasks = len(self.tasks)
        return self.theta[: n_tasks * n].reshape(n_tasks, n)

    def trunk_parameters(self, task):
        return self._trunk_parameters[task]

    def trunk_jacobian(self, losses):
        """(T, P_trunk): row t is the gradient of task t's loss on its own trunk.

        The columns are aligned: column i is the same entry of every trunk. Where a trunk is frozen
        its row is 0.
        """
        checks.mapping("trunk_jacobian", "losses", losses)
        J = np.zeros((len(losses), self.trunk_matrix().shape[1]), self.theta.dtype)
        for row, (task, loss) in zip(J, losses.items()):
            row[:] = jacobian([loss], self.trunk_parameters(task))[0]
        return J

    def ordered_parameters(self):
        """[trunk of task 1 | ... | trunk of task T | own of task 1 | ... | own of task T]."""
        of_trunks = [p for task in self.tasks for p in self._trunk_parameters[task]]
        of_heads = [p for task in self.tasks for p in self._own[task]]
        return of_trunks + of_heads


class SingleTask(SoftSharing):
    """A network for each task and nothing between them: soft sharing of strength 0.

    This is the arm that the other two are compared with.

    >>> from tinymtl import Dense
    >>> rng = np.random.default_rng(0)
    >>> heads = {"a": Dense(32, 1, rng), "b": Dense(32, 3, rng)}
    >>> SingleTask(Dense(8, 32, rng), heads).counts()  # two trunks of 288
    {'shared': 0, 'tasks': {'a': 321, 'b': 387}, 'total': 708, 'trainable': 708}
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


def has_label(inputs, targets, mask=None) -> bool:
    """Whether data (inputs, targets[, mask]) of a task hold a label."""
    return mask is None or mask.any()


@contextmanager
def evaluating(model: Module) -> Iterator[None]:
    """Inside `with evaluating(model):` dropout is off and no graph is recorded.

    Afterwards every module trains or evaluates as it did before, also after an error.
    """
    modes = [(module, module.training) for module in model.modules()]
    try:
        model.train(False)
        with no_grad():
            yield
    finally:
        for module, training in modes:
            module.training = training


class NamesTheTask:
    """What a function of a batch says about data that does not fit, with the task in front.

        with NamesTheTask("fit: data", batch, function):
            function(batch)

    Only after an error, the tasks are tried one by one: the first that fails is named.
    """

    kinds = (ValueError, TypeError, IndexError)

    def __init__(self, where: str, batch: Mapping[str, object], function: Callable):
        self.where = where
        self.batch = batch
        self.function = function

    def __enter__(self):
        pass

    def __exit__(self, kind, error, traceback):
        if kind not in self.kinds:
            return
        for task in self.batch:
            again = self.error_of(task)
            if type(again) is type(error):
                raise kind(f"{self.where}[{task!r}]: {again}") from error

    def error_of(self, task):
        try:
            with no_grad():
                self.function({task: self.batch[task]})
        except Exception as error:
            return error
        return None


# Inputs and outputs of `predict`


def _ready(inputs, dtype):
    """The inputs checked, and cast to dtype. One object of several tasks stays one object."""
    cast = {}  # id of the inputs -> the inputs in this type
    for task, x in inputs.items():
        if id(x) not in cast:
            arrays = x if isinstance(x, tuple) else (x,)
            _check_arrays(f"inputs[{task!r}]", arrays)
            cast[id(x)] = to_type(x, dtype)
    return {task: cast[id(x)] for task, x in inputs.items()}


def _check_arrays(name, arrays):
    """All are arrays of equally many examples, and their numbers are finite."""
    for array in arrays:
        # Other subclasses, such as masked arrays, compute by rules of their own.
        if type(array) not in (np.ndarray, np.memmap) or array.ndim == 0:
            hint = "; use its .to_numpy()" if hasattr(array, "to_numpy") else ""
            got = type(array).__name__
            raise TypeError(
                f"predict: {name} must hold arrays with examples along the first axis, "
                f"got {got}{hint}"
            )
        if array.dtype.kind == "f":
            checks.finite("predict", name, array)
    lengths = [len(array) for array in arrays]
    if len(set(lengths)) != 1:
        raise ValueError(
            f"predict: {name} must hold arrays of the same number of examples, got {lengths}"
        )


def to_type(x, dtype):
    """An array, or a tuple of arrays, with the floating ones of this type."""
    if isinstance(x, tuple):
        return tuple(to_type(array, dtype) for array in x)
    if x.dtype.kind == "f":
        with np.errstate(under="ignore"):  # a number too small for float32 is 0 there
            return x.astype(dtype, copy=False)
    return x


def take(x, at):
    """The examples `at` of inputs, which are an array or a tuple of arrays."""
    if isinstance(x, tuple):
        return tuple(array[at] for array in x)
    return x[at]


def _n_examples(x):
    return len(x[0]) if isinstance(x, tuple) else len(x)


def _slices(inputs, start, end):
    """Examples start to end of every task; a task that has no more is left out.

    One object of several tasks stays one object, so that it passes a shared trunk once.
    """
    cut = {}
    for x in inputs.values():
        if id(x) not in cut:
            cut[id(x)] = take(x, slice(start, end))
    goes_on = [task for task, x in inputs.items() if start == 0 or start < _n_examples(x)]
    return {task: cut[id(inputs[task])] for task in goes_on}


def _rows(output, task, n):
    """A task's output as an array with a row for each of n examples."""
    array = output.data if isinstance(output, Tensor) else np.asarray(output)
    if array.ndim == 0 or len(array) != n:
        raise ValueError(
            f"predict: the output of task {task!r} must have a row for each of {n} examples, "
            f"got shape {array.shape}"
        )
    return array


# Parameters and generators of parts


def _parameters(part) -> list[Parameter]:
    """The parameters of a module, of a list of them, or of a function (none)."""
    holder = Module()
    holder.part = part
    return holder.parameters()


def _zero(dtype) -> Tensor:
    """The constant 0 of this type."""
    return node(np.zeros((), dtype))


def _size(parameters) -> int:
    return sum(p.data.size for p in parameters)


def _generators(parts) -> dict:
    """The generators of all Dropout layers, by their id."""
    return {id(m.rng): m.rng for m in parts.modules() if isinstance(m, Dropout)}
