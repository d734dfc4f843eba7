"""How tasks meet: what their gradients, a step, and training together do to one another.

J (T, P) has one row per task, the gradient of its loss on the P shared parameters. All that a rule
for balancing tasks needs to know of it, and all that a small step of them along −Jᵀw does to every loss, is in

    G = J Jᵀ (T, T)            ΔL ≈ −η G w

Three things are told apart here. None of them is another's measure:
  conflict   an angle: two gradients have a negative cosine                    cosines, conflict_rate
  harm       what one step did: it raised a task's loss                        predicted_change, harm_rate, step_report
  transfer   what training together changed on held-out data, over seeds      transfer_gain, delta_m
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass

import numpy as np

from .layers import Embedding
from .losses import check_names, combine
from .optim import Optimizer
from .sharing import Sharing
from .tensor import jacobian

# Conflict: an angle


def gramian(jacobian: np.ndarray) -> np.ndarray:
    """G = J Jᵀ: (T, P) -> (T, T), in float64; G_st = g_s · g_t.

    >>> gramian(np.array([[3.0, 4.0], [1.0, 0.0]]))
    array([[25.,  3.],
           [ 3.,  1.]])
    """
    J = np.asarray(jacobian, np.float64)
    if J.ndim != 2:
        raise ValueError(f"gramian: jacobian must have shape (T, P), got {J.shape}")
    return J @ J.T


def cosines(gramian: np.ndarray) -> np.ndarray:
    """ρ_st = G_st / √(G_ss G_tt): (T, T) -> (T, T), the cosine of the angle between each two tasks' gradients.

    Negative: the two conflict. NaN where a task has no gradient, and so no angle.

    >>> cosines(np.array([[25.0, 3.0], [3.0, 1.0]]))
    array([[1. , 0.6],
           [0.6, 1. ]])
    """
    G = _square("cosines", gramian)
    norms = np.sqrt(np.where(np.diag(G) > 0, np.diag(G), np.nan))
    return G / norms[:, None] / norms


def magnitude_similarity(gramian: np.ndarray) -> np.ndarray:
    """Φ_st = 2 ‖g_s‖ ‖g_t‖ / (‖g_s‖² + ‖g_t‖²): (T, T) -> (T, T), 1 for gradients of one length, near 0 for very different ones.

    NaN where both gradients are 0. Source: Yu et al. (2020), definition 2.

    >>> magnitude_similarity(np.array([[9.0, -3.0], [-3.0, 1.0]]))
    array([[1. , 0.6],
           [0.6, 1. ]])
    """
    squares = np.diag(_square("magnitude_similarity", gramian))
    both = squares[:, None] + squares
    return 2 * np.sqrt(np.outer(squares, squares)) / np.where(both > 0, both, np.nan)


def conflict_rate(cosines: np.ndarray) -> np.ndarray:
    """The share of the K recorded steps in which two tasks conflicted, ρ < 0: (K, T, T) -> (T, T). NaN cosines do not count.

    >>> conflict_rate(np.array([[[1.0, 0.5], [0.5, 1.0]], [[1.0, -0.1], [-0.1, 1.0]]]))
    array([[0. , 0.5],
           [0.5, 0. ]])
    """
    return _share("conflict_rate: cosines must have shape (K, T, T)", cosines, 3, lambda ρ: ρ < 0)


# Harm: what a step does to a loss


def predicted_change(gramian: np.ndarray, weights: np.ndarray, learning_rate: float) -> np.ndarray:
    """ΔL ≈ −η G w (T,): to first order, what a step of plain gradient descent on the shared parameters does to each task's loss.

    An optimiser that scales entries, such as Adam, takes another step Δθ: then ΔL ≈ J Δθ (`step_report` shows both).

    >>> predicted_change(np.array([[9.0, -3.0], [-3.0, 2.0]]), np.array([1.0, 1.0]), 0.1)  # the second task is harmed
    array([-0.6,  0.1])
    """
    G, w = _square("predicted_change", gramian), np.asarray(weights, np.float64)
    if w.shape != G.shape[:1]:
        raise ValueError(f"predicted_change: weights must have shape {G.shape[:1]}, got {w.shape}")
    return -learning_rate * G @ w


def harm_rate(changes: np.ndarray) -> np.ndarray:
    """The share of the K recorded steps that harmed each task, ΔL > 0: (K, T) -> (T,). NaN changes do not count.

    `History.predicted` gives it for plain gradient descent to first order, `History.effects` for the steps really taken.

    >>> harm_rate(np.array([[-0.1, 0.2], [-0.2, -0.1]]))
    array([0. , 0.5])
    """
    return _share(
        "harm_rate: changes must have shape (K, T)", changes, 2, lambda change: change > 0
    )


@dataclass
class StepReport:
    """One step taken apart. `print` it for a table, `plots.step` draws it. Everything is by task, in the order of `tasks`.

    losses, norms ‖g_t‖ on the shared parameters, cosines (T, T), weights. Then what the step of the *shared* parameters does to
    the loss: predicted −η G w, for plain gradient descent; taken J Δθ, to first order, with the Δθ of the optimiser (and of the penalty);
    happened, L(θ + Δθ) − L(θ). with_heads: the same with every parameter moved.
    """

    tasks: list[str]
    learning_rate: float
    losses: np.ndarray
    norms: np.ndarray
    cosines: np.ndarray
    weights: np.ndarray
    predicted: np.ndarray
    taken: np.ndarray
    happened: np.ndarray
    with_heads: np.ndarray

    def __str__(self):
        columns = {
            "loss": self.losses,
            "|g|": self.norms,
            "w": self.weights,
            "-lr G w": self.predicted,
            "J dθ": self.taken,
            "happened": self.happened,
            "with heads": self.with_heads,
        }
        columns = {"cos " + t: ρ for t, ρ in zip(self.tasks, self.cosines.T)} | columns
        width, wide = max(map(len, self.tasks)), max(11, *map(len, columns))
        lines = [" " * width + "".join(f"  {name:>{wide}}" for name in columns)]
        for i, t in enumerate(self.tasks):
            lines.append(
                f"{t:{width}}" + "".join(f"  {values[i]:{wide}.4g}" for values in columns.values())
            )
        return "\n".join(lines)


def step_report(
    model: Sharing,
    batch: Mapping[str, tuple],
    losses: Mapping[str, Callable],
    optimizer: Optimizer,
    weights: Mapping[str, float] | Callable | None = None,
    progress: float = 0.0,
) -> StepReport:
    """Take the next training step apart, without taking it: model, optimiser and rule are left as they are.

    batch: task -> (inputs, targets[, mask]) in the model's type, every task with a label; losses, optimizer and weights as for `fit` (of a function
    that holds a rule with memory, that memory does move); progress: the fraction of the steps already made. Everything is in evaluation mode, dropout
    off, so that a loss changes because of the step alone. ValueError for a model that shares nothing, or tasks that do not fit.

    For plain SGD and no penalty `taken` equals `predicted`, and `happened` differs from it by a term that shrinks with η².
    """
    model, L, J, P = _opened("step_report", model, batch, losses)
    optimizer, values = optimizer.copy_for(model), _values(L)
    G, η = gramian(J[:, :P]), optimizer.rate(progress)
    if callable(weights):
        rule = deepcopy(weights)
        if hasattr(rule, "tasks"):
            rule.tasks = list(L)
        w = np.asarray(rule(values, G), np.float64)
    else:
        check_names(
            "step_report",
            "weights",
            weights or dict.fromkeys(model.tasks),
            dict.fromkeys(model.tasks),
        )
        w = np.array([1.0 if weights is None else weights[t] for t in L])
    if w.shape != (len(L),) or not np.isfinite(w).all():
        raise ValueError(f"step_report: weights must be {len(L)} finite numbers, got {w}")
    model.zero_grad()
    if (total := combine(L, dict(zip(L, w))) + model.penalty()).needs_grad:
        total.backward()
    before = model.theta.copy()
    optimizer.step(model, progress)
    Δθ = model.theta - before
    with_heads = _values(_losses(model, batch, losses)) - values
    model.theta[P:] = before[P:]
    happened = _values(_losses(model, batch, losses)) - values
    return StepReport(
        list(L),
        η,
        values,
        np.sqrt(np.diag(G)),
        cosines(G),
        w,
        predicted_change(G, w, η),
        J[:, :P].astype(np.float64) @ Δθ[:P],
        happened,
        with_heads,
    )


def lookahead_affinity(
    model: Sharing, batch: Mapping[str, tuple], losses: Mapping[str, Callable], learning_rate: float
) -> np.ndarray:
    """Z (T, T): the relative fall of task j's loss after a step of the shared parameters for task i alone; negative is harm.

        Z_ij = 1 − L_j(θ − η ∇_sh L_i) / L_j(θ)            Z/η → g_i · g_j / L_j as η → 0

    Dropout is off. ValueError for a model that shares nothing and for losses that are not positive. Source: Fifty et al. (2021).
    """
    model, L, J, P = _opened("lookahead_affinity", model, batch, losses)
    values, before = _values(L), model.theta[:P].copy()
    if not (values > 0).all():
        raise ValueError(
            f"lookahead_affinity: losses must be positive to have a relative fall, got {dict(zip(L, values.tolist()))}"
        )
    Z = np.empty((len(L), len(L)))
    for i, g in enumerate(J[:, :P]):
        model.theta[:P] = before - g.dtype.type(learning_rate) * g
        Z[i] = 1 - _values(_losses(model, batch, losses)) / values
    return Z


# Where they meet


def layer_gramians(
    model: Sharing, batch: Mapping[str, tuple], losses: Mapping[str, Callable]
) -> dict[str, np.ndarray]:
    """The Gramian (T, T) of each shared layer, by its path, e.g. "trunk.parts.0"; their sum is that of all shared parameters.

    Dropout is off. ValueError for a model that shares nothing.
    """
    G = {}
    for name, block in _blocks("layer_gramians", model, batch, losses):
        layer = name.rpartition(".")[0] or name
        G[layer] = G.get(layer, 0.0) + gramian(block)
    return G


def row_norms(
    model: Sharing, batch: Mapping[str, tuple], losses: Mapping[str, Callable]
) -> dict[str, np.ndarray]:
    """For each shared embedding table, by its path, the length (T, V) of every task's gradient on every row.

    Tasks meet in the rows that more than one of them touches, (norms > 0).sum(0) > 1; elsewhere in the table they cannot help or
    harm each other. Dropout is off. ValueError for a model that shares nothing.
    """
    tables = {id(part.table) for part in model.modules() if isinstance(part, Embedding)}
    names = [name for name, p in model.named_parameters().items() if id(p) in tables]
    blocks = dict(_blocks("row_norms", model, batch, losses))
    return {
        name: np.linalg.norm(
            blocks[name].reshape(len(blocks[name]), *model.named_parameters()[name].shape), axis=2
        )
        for name in names
        if name in blocks
    }


# Transfer: what training together changed on held-out data


def transfer_gain(alone: np.ndarray, together: np.ndarray, *, higher_is_better: bool = False):
    """What training together gains over training alone, and its standard error: (n, ...) and (n, ...) -> (...) and (...).

        gain = mean over the n seeds of  alone − together  (losses; together − alone where higher is better)
        standard error = standard deviation of these n differences / √n

    Positive is better. Entry i of both must come from the same seed, i.e. the same data and starts: the differences are paired.
    One seed has an infinite standard error. ValueError for other shapes.

    >>> transfer_gain(np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.0, 1.0, 3.0, 4.0]))[0]
    0.5
    """
    alone, together = np.asarray(alone, np.float64), np.asarray(together, np.float64)
    if alone.shape != together.shape or not alone.ndim or not len(alone):
        raise ValueError(
            f"transfer_gain: alone and together must have one shape (n, ...), a row for each seed; got {alone.shape} and {together.shape}"
        )
    difference = together - alone if higher_is_better else alone - together
    n = len(difference)
    error = (
        difference.std(0, ddof=1) / np.sqrt(n) if n > 1 else np.full(difference.shape[1:], np.inf)
    )
    gain = difference.mean(0)
    return (gain, error) if gain.ndim else (float(gain), float(error))


def delta_m(alone: np.ndarray, together: np.ndarray, higher_is_better=False) -> float:
    """Δm: the mean over tasks of the relative gain over training alone. **Positive is better here**; some papers turn the sign.

        Δm = 1/T Σ_t (−1)^{l_t} (M_t − A_t) / |A_t|,     l_t = 1 where lower is better

    alone A (T,), together M (T,): one measure of each task, never 0 when alone; higher_is_better: one bool or T of them.
    Source: Maninis et al. (2019); sign and symbols as in Vandenhende et al. (2022).

    >>> delta_m(np.array([2.0, 0.5]), np.array([1.0, 0.6]), [False, True])  # half the loss, a fifth more accuracy
    0.35
    """
    A, M, up = (
        np.asarray(alone, np.float64),
        np.asarray(together, np.float64),
        np.asarray(higher_is_better),
    )
    if (
        A.shape != M.shape
        or A.ndim != 1
        or not len(A)
        or up.shape not in ((), A.shape)
        or up.dtype != bool
    ):
        raise ValueError(
            f"delta_m: expected alone and together (T,) and a bool or T of them, got shapes {A.shape}, {M.shape} and {up.shape} of {up.dtype}"
        )
    if not (A != 0).all():
        raise ValueError(
            f"delta_m: alone must not be 0, a relative gain has no meaning there; got {A}"
        )
    return float((np.where(up, 1, -1) * (M - A) / np.abs(A)).mean())


def _square(where, gramian):
    G = np.asarray(gramian, np.float64)
    if G.ndim != 2 or G.shape[0] != G.shape[1]:
        raise ValueError(f"{where}: gramian must have shape (T, T), got {G.shape}")
    return G


def _share(expected, values, ndim, happened):
    """How often it happened, along the first axis, of the times when the value is known."""
    values = np.asarray(values, np.float64)
    if values.ndim != ndim:
        raise ValueError(f"{expected}, got {values.shape}")
    known = (~np.isnan(values)).sum(0)
    return happened(values).sum(0) / np.where(known > 0, known, np.nan)


def _opened(where, model, batch, losses):
    """A copy of the model with dropout off, its losses on the batch, their Jacobian on all of θ, and P."""
    if not model.P:
        raise ValueError(
            f"{where}: model must share parameters, got {type(model).__name__} with P = 0"
        )
    if not batch or not set(batch) <= set(model.tasks) & set(losses):
        raise ValueError(
            f"{where}: batch must be of the tasks {model.tasks} with losses for {list(losses)}, got {list(batch)}"
        )
    if without := [t for t, (_, _, *mask) in batch.items() if mask and not mask[0].any()]:
        raise ValueError(f"{where}: batch must have a label of every task, got none of {without}")
    model = deepcopy(model)
    model.train(False)
    L = _losses(model, batch, losses)
    return model, L, jacobian(list(L.values()), model.ordered_parameters()), model.P


def _losses(model, batch, losses):
    outputs = model({t: x for t, (x, *_) in batch.items()})
    return {t: losses[t](outputs[t], *y) for t, (_, *y) in batch.items()}


def _values(L):
    return np.array([float(loss) for loss in L.values()])


def _blocks(where, model, batch, losses):
    """(name, the columns (T, size) of J) for every shared parameter."""
    model, _, J, P = _opened(where, model, batch, losses)
    names = {id(p): name for name, p in model.named_parameters().items()}
    start = 0
    for p in model.ordered_parameters():
        if start < P:
            yield names[id(p)], J[:, start : start + p.data.size]
        start += p.data.size
