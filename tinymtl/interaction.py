"""How tasks meet: what their gradients, a step, and training together do to one another.

J (T, P) has one row per task, the gradient of its loss on the P shared parameters. Its Gramian G
holds all that a rule for balancing tasks needs to know of J, and all that a small step along −Jᵀw
does to every loss:

    G = J Jᵀ (T, T)            ΔL ≈ −η G w

Three things are told apart here. None of them measures another:

    conflict   an angle: two gradients have a negative cosine
               cosines, conflict_rate
    harm       an effect of one step: it raised a task's loss
               predicted_change, harm_rate, step_report
    transfer   an effect of training together, on held-out data and over seeds
               transfer_gain, delta_m; mean_and_error

A gain is a finding if it is `sure`, and `chance_of_mark` is how often chance makes one.

Then `layer_gramians` and `row_norms` show in which parameters tasks meet, and `neighbour_purity`
shows which points lie together in the features that they share.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass

import numpy as np

from . import checks
from .layers import Embedding
from .losses import combine
from .module import Parameter
from .optim import Optimizer
from .rules import weighing
from .sharing import Sharing, has_label, task_losses
from .tensor import Tensor

# Conflict: an angle


def gramian(jacobian: np.ndarray) -> np.ndarray:
    """The Gramian of a Jacobian: all inner products of two tasks' gradients.

        G = J Jᵀ,     G_st = g_s · g_t

    jacobian: J (T, P). Returns G (T, T) in float64. ValueError for another shape.

    >>> gramian(np.array([[3.0, 4.0], [1.0, 0.0]]))
    array([[25.,  3.],
           [ 3.,  1.]])
    """
    J = _with_axes("gramian", "jacobian", jacobian, "T, P")
    with np.errstate(under="ignore"):  # a product below 1e-308 counts as 0
        return J @ J.T  # (T, T)


def cosines(gramian: np.ndarray) -> np.ndarray:
    """The cosine of the angle between each two tasks' gradients.

        ρ_st = G_st / √(G_ss G_tt)

    Where it is negative, the two tasks conflict.

    gramian: G (T, T). Returns ρ (T, T), NaN where a task has no gradient and so no angle.
    ValueError for a matrix that is not square, or cannot hold inner products.

    >>> cosines(np.array([[25.0, 3.0], [3.0, 1.0]]))
    array([[1. , 0.6],
           [0.6, 1. ]])
    """
    G = _products("cosines", gramian)
    squares = np.diag(G)  # ‖g_t‖², (T,)
    norms = np.sqrt(np.where(squares > 0, squares, np.nan))  # (T,)
    with np.errstate(under="ignore"):
        return G / norms[:, None] / norms  # (T, T)


def magnitude_similarity(gramian: np.ndarray) -> np.ndarray:
    """How similar in length each two tasks' gradients are.

        Φ_st = 2 ‖g_s‖ ‖g_t‖ / (‖g_s‖² + ‖g_t‖²)

    It is 1 for gradients of one length, and near 0 for very different ones.

    gramian: G (T, T). Returns Φ (T, T), NaN where both gradients are 0. ValueError for a Gramian
    that is not square. Source: Yu et al. (2020), definition 2.

    >>> magnitude_similarity(np.array([[9.0, -3.0], [-3.0, 1.0]]))
    array([[1. , 0.6],
           [0.6, 1. ]])
    """
    G = _products("magnitude_similarity", gramian)
    norms = np.sqrt(np.diag(G))  # ‖g_t‖, (T,)
    longer = np.maximum(norms[:, None], norms)  # of each two, (T, T)
    shorter = np.minimum(norms[:, None], norms)
    with np.errstate(under="ignore"):
        ratio = shorter / np.where(longer > 0, longer, np.nan)
        return 2 * ratio / (1 + ratio**2)  # (T, T)


def conflict_rate(cosines: np.ndarray) -> np.ndarray:
    """The share of the K recorded steps in which two tasks conflicted, ρ < 0.

    cosines: (K, T, T), such as `History.cosines`. Returns (T, T). NaN cosines do not count.
    ValueError for another shape, and for numbers outside [−1, 1].

    >>> conflict_rate(np.array([[[1.0, 0.5], [0.5, 1.0]], [[1.0, -0.1], [-0.1, 1.0]]]))
    array([[0. , 0.5],
           [0.5, 0. ]])
    """
    ρ = _with_axes("conflict_rate", "cosines", cosines, "K, T, T")
    outside = np.abs(ρ) > 1.000001
    if outside.any():
        raise ValueError(f"conflict_rate: cosines must be in [-1, 1], got {ρ[outside][0]}")
    return _rate(ρ < 0, known=~np.isnan(ρ))


# Harm: an effect of one step


def predicted_change(gramian: np.ndarray, weights: np.ndarray, learning_rate: float) -> np.ndarray:
    """What a step of plain gradient descent does to each task's loss, to first order.

        ΔL ≈ −η G w

    The step moves the shared parameters only. An optimiser that scales entries, such as Adam, takes
    another step Δθ. Then ΔL ≈ J Δθ, and `step_report` shows both.

    gramian: G (T, T); weights: w (T,); learning_rate: η. Returns ΔL (T,) in each loss's own units.
    ValueError for shapes that do not fit, and for weights that are not finite.

    Here the second task is harmed:

    >>> predicted_change(np.array([[9.0, -3.0], [-3.0, 2.0]]), np.array([1.0, 1.0]), 0.1)
    array([-0.6,  0.1])
    """
    G = checks.square("predicted_change", "gramian", gramian)
    w = checks.numbers("predicted_change", "weights", weights)
    checks.same_shape("predicted_change", "weights", w, G.shape[:1])
    checks.finite("predicted_change", "weights", w)
    η = checks.not_negative("predicted_change", "learning_rate", learning_rate)
    with np.errstate(under="ignore"):
        return -η * G @ w  # (T,)


def harm_rate(changes: np.ndarray) -> np.ndarray:
    """The share of the K recorded steps that harmed each task, ΔL > 0.

    changes: (K, T). `History.predicted` gives the rate for plain gradient descent to first order,
    `History.effects` the rate for the steps that were really taken. Returns (T,). NaN changes do
    not count. ValueError for another shape.

    >>> harm_rate(np.array([[-0.1, 0.2], [-0.2, -0.1]]))
    array([0. , 0.5])
    """
    ΔL = _with_axes("harm_rate", "changes", changes, "K, T")
    return _rate(ΔL > 0, known=~np.isnan(ΔL))


@dataclass
class StepReport:
    """One step taken apart. `print` shows it as a table, `plots.step` draws it.

    All arrays are by task, in the order of `tasks`:

        losses       L_t before the step (T,)
        norms        ‖g_t‖ on the shared parameters (T,)
        cosines      between the gradients on the shared parameters (T, T)
        weights      w (T,)

    Then what the step does to each loss (T,), if it moves the *shared* parameters only:

        predicted    −η G w, for plain gradient descent
        taken        J Δθ, to first order, with the step Δθ that optimiser and penalty really take
        happened     L(θ + Δθ) − L(θ)

    and if it moves all parameters:

        with_heads   L(θ + Δθ) − L(θ)

    >>> import tinymtl as mtl
    >>> rng = np.random.default_rng(0)
    >>> data, _ = mtl.datasets.related_tasks(rng, relatedness=0.5)
    >>> heads = {"a": mtl.Dense(4, 1, rng), "b": mtl.Dense(4, 1, rng)}
    >>> model = mtl.HardSharing(mtl.Sequential(mtl.Dense(8, 4, rng), mtl.tanh), heads)
    >>> losses = {"a": mtl.mse, "b": mtl.mse}
    >>> report = step_report(model, data, losses, mtl.SGD(0.01))
    >>> report.tasks, report.happened.shape
    (['a', 'b'], (2,))
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
        columns = {f"cos {task}": ρ for task, ρ in zip(self.tasks, self.cosines.T)}
        columns["loss"] = self.losses
        columns["|g|"] = self.norms
        columns["w"] = self.weights
        columns["-lr G w"] = self.predicted
        columns["J dθ"] = self.taken
        columns["happened"] = self.happened
        columns["with heads"] = self.with_heads

        task_width = max(len(task) for task in self.tasks)
        width = max(11, *(len(name) for name in columns))
        heading = " " * task_width + "".join(f"  {name:>{width}}" for name in columns)
        rows = [heading]
        for i, task in enumerate(self.tasks):
            numbers = "".join(f"  {column[i]:{width}.4g}" for column in columns.values())
            rows.append(f"{task:{task_width}}{numbers}")
        return "\n".join(rows)


def step_report(
    model: Sharing,
    batch: Mapping[str, tuple],
    losses: Mapping[str, Callable],
    optimizer: Optimizer,
    weights: Mapping[str, float] | Callable | None = None,
    progress: float | None = None,
    weight_own: bool | None = None,
) -> StepReport:
    """Take the next training step apart, without taking it.

    Model, optimiser and rule stay as they are, because copies of them make the step. Dropout is
    off, so that a loss changes because of the step alone.

    batch: task -> (inputs, targets) or (inputs, targets, mask), in the model's type, with at least
    one label of every task. losses, optimizer, weights and weight_own: as for `fit`. (If weights is
    a function that holds a rule with memory, that memory does move.) progress: the fraction of the
    steps already made, which a learning rate that follows a schedule needs.

    For plain SGD and no penalty `taken` equals `predicted`, and `happened` differs from it by a
    term that shrinks with η². ValueError for a model that shares nothing, or tasks that do not fit.

    >>> import tinymtl as mtl
    >>> rng = np.random.default_rng(0)
    >>> data, _ = mtl.datasets.related_tasks(rng, relatedness=0.5)
    >>> heads = {"a": mtl.Dense(4, 1, rng), "b": mtl.Dense(4, 1, rng)}
    >>> model = mtl.HardSharing(mtl.Sequential(mtl.Dense(8, 4, rng), mtl.tanh), heads)
    >>> losses = {"a": mtl.mse, "b": mtl.mse}
    >>> report = step_report(model, data, losses, mtl.SGD(0.01))
    >>> np.allclose(report.taken, report.predicted)  # for plain descent
    True
    """
    checks.instance("step_report", "optimizer", optimizer, Optimizer)
    start = _opened("step_report", model, batch, losses)
    model = start.model
    optimizer = optimizer.copy_for(model)
    η = optimizer.rate(progress)
    G = gramian(start.jacobian)  # (T, T)
    weigh = weighing("step_report", deepcopy(weights), weight_own, model, model.tasks)
    w = np.array(list(weigh(list(start.losses), start.values, G).values()))  # (T,)

    θ = model.theta.copy()
    _set_gradient(start, w, weigh.weight_own)
    optimizer.step(model, progress)
    Δθ = model.theta - θ
    with_heads = _changes_since(start, batch, losses)
    # The tasks' own parameters go back to where they were; the shared ones stay moved.
    P = model.P
    model.theta[P:] = θ[P:]
    happened = _changes_since(start, batch, losses)

    with np.errstate(under="ignore"):
        taken = start.jacobian.astype(np.float64) @ Δθ[:P]
    return StepReport(
        tasks=list(start.losses),
        learning_rate=η,
        losses=start.values,
        norms=np.sqrt(np.diag(G)),
        cosines=cosines(G),
        weights=w,
        predicted=predicted_change(G, w, η),
        taken=taken,
        happened=happened,
        with_heads=with_heads,
    )


def lookahead_affinity(
    model: Sharing, batch: Mapping[str, tuple], losses: Mapping[str, Callable], learning_rate: float
) -> np.ndarray:
    """The relative fall of each task's loss after a step of the shared parameters for one task.

        Z_ij = 1 − L_j(θ − η ∇_sh L_i) / L_j(θ)            Z/η → g_i · g_j / L_j as η → 0

    The step is for task i alone, and the loss that falls is that of task j. Returns Z (T, T), where
    negative is harm. Dropout is off. ValueError for a model that shares nothing and for losses that
    are not positive. Source: Fifty et al. (2021).

    >>> import tinymtl as mtl
    >>> rng = np.random.default_rng(0)
    >>> data, _ = mtl.datasets.related_tasks(rng, relatedness=0.5)
    >>> heads = {"a": mtl.Dense(4, 1, rng), "b": mtl.Dense(4, 1, rng)}
    >>> model = mtl.HardSharing(mtl.Sequential(mtl.Dense(8, 4, rng), mtl.tanh), heads)
    >>> losses = {"a": mtl.mse, "b": mtl.mse}
    >>> lookahead_affinity(model, data, losses, 0.01).shape
    (2, 2)
    """
    checks.not_negative("lookahead_affinity", "learning_rate", learning_rate)
    start = _opened("lookahead_affinity", model, batch, losses)
    if not (start.values > 0).all():
        got = dict(zip(start.losses, start.values.tolist()))
        raise ValueError(
            f"lookahead_affinity: losses must be positive to have a relative fall, got {got}"
        )
    model = start.model
    θ_shared = model.theta[: model.P].copy()
    η = start.jacobian.dtype.type(learning_rate)
    Z = np.empty((len(start.losses), len(start.losses)))
    for i, g in enumerate(start.jacobian):
        model.theta[: model.P] = θ_shared - η * g
        Z[i] = 1 - _numbers(task_losses(model, batch, losses)) / start.values  # (T,)
    return Z


# Where tasks meet


def layer_gramians(
    model: Sharing, batch: Mapping[str, tuple], losses: Mapping[str, Callable]
) -> dict[str, np.ndarray]:
    """The Gramian (T, T) of each shared layer, by the layer's path, e.g. "trunk.parts.0".

    Their sum is the Gramian of all shared parameters, because G = J Jᵀ is a sum over the columns
    of J. Dropout is off. ValueError for a model that shares nothing.

    >>> import tinymtl as mtl
    >>> rng = np.random.default_rng(0)
    >>> data, _ = mtl.datasets.related_tasks(rng, relatedness=0.5)
    >>> heads = {"a": mtl.Dense(4, 1, rng), "b": mtl.Dense(4, 1, rng)}
    >>> model = mtl.HardSharing(mtl.Sequential(mtl.Dense(8, 4, rng), mtl.tanh), heads)
    >>> losses = {"a": mtl.mse, "b": mtl.mse}
    >>> {layer: G.shape for layer, G in layer_gramians(model, data, losses).items()}
    {'trunk.parts.0': (2, 2)}
    """
    start = _opened("layer_gramians", model, batch, losses)
    gramians = {}
    for path, _, block in _blocks(start):
        layer = path.rpartition(".")[0] or path
        gramians[layer] = gramians.get(layer, 0.0) + gramian(block)
    return gramians


def row_norms(
    model: Sharing, batch: Mapping[str, tuple], losses: Mapping[str, Callable]
) -> dict[str, np.ndarray]:
    """The length of every task's gradient on every row of each shared embedding table.

    Returns for each table, by its path, the lengths (T, V).

    Tasks meet in the rows that more than one of them touches, (norms > 0).sum(0) > 1. Elsewhere in
    the table they cannot help or harm each other. Dropout is off. ValueError for a model that
    shares nothing.

    >>> import tinymtl as mtl
    >>> rng = np.random.default_rng(0)
    >>> ids = np.array([0, 2])
    >>> data = {"a": (ids, np.ones((2, 1))), "b": (ids[1:], np.ones((1, 1)))}
    >>> heads = {"a": mtl.Dense(4, 1, rng), "b": mtl.Dense(4, 1, rng)}
    >>> model = mtl.HardSharing(mtl.Embedding(3, 4, rng), heads)
    >>> norms = row_norms(model, data, {"a": mtl.mse, "b": mtl.mse})
    >>> {table: (lengths > 0).sum(0) for table, lengths in norms.items()}  # tasks at each row
    {'trunk.table': array([1, 0, 2])}
    """
    start = _opened("row_norms", model, batch, losses)
    tables = {id(part.table) for part in start.model.modules() if isinstance(part, Embedding)}
    norms = {}
    for path, parameter, block in _blocks(start):
        if id(parameter) in tables:
            gradients = block.reshape(len(block), *parameter.shape)  # (T, V, E)
            norms[path] = np.linalg.norm(gradients, axis=2)  # (T, V)
    return norms


# Transfer: an effect of training together, on held-out data


def mean_and_error(
    values: np.ndarray,
) -> tuple[np.ndarray, np.ndarray] | tuple[float, float]:
    """The mean over seeds, and the standard error of this mean.

        mean = 1/n Σ_i v_i
        standard error = s / √n,     s² = 1/(n − 1) Σ_i (v_i − mean)²

    values: (n, ...), a row for each of the n seeds. Returns (mean, standard error), each (...), and
    two floats for values (n,). One seed does not show how far seeds lie apart, so its standard
    error is infinite. ValueError for no seed.

    >>> mean_and_error([1.0, 2.0, 3.0, 6.0])
    (3.0, 1.0801234497346435)
    """
    v = checks.numbers("mean_and_error", "values", values)
    if v.ndim == 0 or len(v) == 0:
        raise ValueError(
            f"mean_and_error: values must have shape (n, ...), a row for each seed; got {v.shape}"
        )
    n = len(v)
    # In units of about the largest value no square overflows. A power of 2 rounds nothing.
    largest = np.abs(v).max(0)  # (...)
    _, exponent = np.frexp(np.where(np.isfinite(largest), largest, 1.0))
    with np.errstate(under="ignore"):
        v = np.ldexp(v, -exponent)
        mean = np.ldexp(v.mean(0), exponent)  # (...)
        if n > 1:
            error = np.ldexp(v.std(0, ddof=1), exponent) / np.sqrt(n)  # (...)
        else:
            error = np.full(mean.shape, np.inf)
    if mean.ndim == 0:
        return float(mean), float(error)
    return mean, error


def transfer_gain(
    alone: np.ndarray, together: np.ndarray, *, higher_is_better: bool = False
) -> tuple[np.ndarray, np.ndarray] | tuple[float, float]:
    """What training together gains over training alone, and the standard error of this gain.

        gain = mean over the n seeds of  alone − together
        standard error = standard deviation of these n differences / √n

    So it is for losses; where higher is better, the difference is together − alone.

    alone, together: (n, ...). Returns (gain, standard error), each (...). Positive is better.
    Entry i of both must come from the same seed, i.e. from the same data and starts: the
    differences are paired. One seed has an infinite standard error. ValueError for other shapes.

    >>> transfer_gain(np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.0, 1.0, 3.0, 4.0]))[0]
    0.5
    """
    alone = checks.numbers("transfer_gain", "alone", alone)
    together = checks.numbers("transfer_gain", "together", together)
    checks.boolean("transfer_gain", "higher_is_better", higher_is_better)
    has_seeds = alone.ndim > 0 and len(alone) > 0
    if alone.shape != together.shape or not has_seeds:
        raise ValueError(
            "transfer_gain: alone and together must have one shape (n, ...), a row for each seed; "
            f"got {alone.shape} and {together.shape}"
        )

    differences = together - alone if higher_is_better else alone - together  # (n, ...)
    return mean_and_error(differences)


def delta_m(
    alone: np.ndarray, together: np.ndarray, higher_is_better: bool | np.ndarray = False
) -> float:
    """Δm: the mean over tasks of the relative gain over training alone.

        Δm = 1/T Σ_t (−1)^{l_t} (M_t − A_t) / |A_t|,     l_t = 1 where lower is better

    **Positive is better here**; some papers turn the sign.

    alone: A (T,), one measure of each task, never 0; together: M (T,), the same measures.
    higher_is_better: one bool or T of them. ValueError for other shapes, and where A_t = 0.
    Source: Maninis et al. (2019); sign and symbols as in Vandenhende et al. (2022).

    Half the loss, and a fifth more accuracy:

    >>> delta_m(np.array([2.0, 0.5]), np.array([1.0, 0.6]), [False, True])
    0.35
    """
    A = checks.floats("delta_m", "alone", alone, "T")
    M = checks.numbers("delta_m", "together", together)
    checks.same_shape("delta_m", "together", M, A.shape)
    up = np.asarray(higher_is_better)
    if up.shape not in ((), A.shape) or up.dtype != bool:
        raise ValueError(
            f"delta_m: higher_is_better must be a bool or {len(A)} of them, "
            f"got shape {up.shape} of {up.dtype}"
        )
    if not (A != 0).all():
        raise ValueError(
            f"delta_m: alone must not be 0, a relative gain has no meaning there; got {A}"
        )

    sign = np.where(up, 1, -1)  # (−1)^{l_t}, (T,)
    with np.errstate(over="ignore", under="ignore"):
        gains = sign * (M - A) / np.abs(A)  # (T,)
    return float(gains.mean())


# Findings: which gains are more than chance

# A gain is a finding if it misses 0 by more than so many standard errors. Of 20 comparisons over a
# few seeds each, one or two would pass 2 standard errors by chance.
SURE = 3
ENOUGH_SEEDS = 5  # seeds, before a standard error is trusted with a finding


def sure(gain: np.ndarray | float, error: np.ndarray | float) -> np.ndarray | bool:
    """Whether a gain misses 0 by more than the `SURE` = 3 standard errors that a finding needs.

        |gain| > 3 · standard error

    gain, error: numbers, or arrays of one shape. A gain of NaN is not sure. ValueError for a
    negative error.

    >>> bool(sure(0.31, 0.1)), bool(sure(-0.29, 0.1))
    (True, False)
    """
    gain = checks.numbers("sure", "gain", gain)
    error = checks.numbers("sure", "error", error)
    if (error < 0).any():
        raise ValueError(f"sure: error must not be negative, got {error}")
    return np.abs(gain) > SURE * error


def kind_of(gain: float, error: float) -> str:
    """A gain is "better" or "worse" if it is sure, else "neither". So is one not measured, NaN.

    >>> kind_of(0.31, 0.1), kind_of(-0.31, 0.1), kind_of(0.29, 0.1)
    ('better', 'worse', 'neither')
    """
    checks.number("kind_of", "gain", gain)
    if checks.number("kind_of", "error", error) < 0:
        raise ValueError(f"kind_of: error must not be negative, got {error}")
    if not sure(gain, error):
        return "neither"
    return "better" if gain > 0 else "worse"


def chance_of_mark(seeds: int) -> float:
    """How likely a gain that is really 0 misses 0 by more than the standard errors of a finding.

        P(|t| > 3),     t of Student's distribution with ν = seeds − 1 degrees of freedom

    The standard error is itself estimated, from few seeds badly. So this is more than the 0.3 %
    that the normal distribution has beyond 3. ValueError for fewer than 2 seeds.
    Source: Abramowitz and Stegun (1964), 26.7.3 and 26.7.4, with θ = arctan(3 / √ν).

    >>> [round(chance_of_mark(seeds), 4) for seeds in (5, 10, 1000)]
    [0.0399, 0.015, 0.0028]
    """
    ν = checks.whole_number("chance_of_mark", "seeds", seeds, 2) - 1
    θ = math.atan(SURE / math.sqrt(ν))
    is_odd = ν % 2 == 1
    term = math.cos(θ) if is_odd else 1.0
    series = 0.0
    for k in range(2 if is_odd else 1, ν, 2):  # up to the power ν − 2 of the cosine
        series += term
        term *= k / (k + 1) * math.cos(θ) ** 2
    inside = math.sin(θ) * series  # P(|t| < 3)
    if is_odd:
        inside = 2 / math.pi * (θ + inside)
    return 1 - inside


# Which points lie together


def neighbour_purity(vectors: np.ndarray, labels: Sequence) -> tuple[float, float]:
    """The share of points whose nearest neighbour has their label, and what chance would give.

        purity = mean_i [l_i = l_j(i)],     j(i) = argmin_{j ≠ i} ‖v_i − v_j‖
        chance = mean_i (n(l_i) − 1) / (n − 1),     where n(l) points have the label l

    Chance is the purity that we expect if every other point were equally near. If a point has
    several nearest neighbours, each of them counts alike.

    vectors: (n, E); labels: (n,), with n ≥ 2. Returns (purity, chance). ValueError for other
    shapes, NaN or infinity.

    >>> neighbour_purity([[0.0], [1.0], [5.0], [7.0]], ["tea", "tea", "tea", "jam"])
    (0.5, 0.5)
    """
    labels = np.asarray(labels)
    if labels.ndim != 1 or len(labels) < 2:
        raise ValueError(
            f"neighbour_purity: labels must be of at least 2 points, got shape {labels.shape}"
        )
    n = len(labels)
    V = checks.floats("neighbour_purity", "vectors", vectors, n, "E")
    checks.finite("neighbour_purity", "vectors", V)
    _, exponent = np.frexp(np.abs(V).max())
    V = np.ldexp(V, -exponent)  # exact, and no square leaves the range of numbers

    same_label = labels[:, None] == labels  # (n, n)
    shares = []  # for each point, the share of its nearest neighbours that have its label
    for i, v in enumerate(V):
        # v·v − 2 v·u + u·u would be faster, but its rounding moves equal points apart.
        with np.errstate(under="ignore"):
            distances = ((V - v) ** 2).sum(1)  # squared, (n,)
        distances[i] = np.inf
        nearest = distances == distances.min()  # (n,)
        shares.append(same_label[i, nearest].mean())
    purity = float(np.mean(shares))
    pairs_of_one_label = same_label.sum() - n
    chance = float(pairs_of_one_label / (n * (n - 1)))
    return purity, chance


# What the measures above have in common


@dataclass
class _Opened:
    """A copy of a model with dropout off, and what it makes of a batch."""

    model: Sharing
    losses: dict[str, Tensor]
    values: np.ndarray  # the losses as numbers (T,)
    jacobian: np.ndarray  # of the losses on the shared parameters (T, P)


def _opened(where, model, batch, losses) -> _Opened:
    checks.instance(where, "model", model, Sharing)
    checks.mapping(where, "batch", batch)
    checks.mapping(where, "losses", losses)
    for task, loss in losses.items():
        checks.function(where, f"losses[{task!r}]", loss)
    if not model.P:
        got = type(model).__name__
        raise ValueError(f"{where}: model must share parameters, got {got} with P = 0")
    if all(p.frozen for p in model.trunk_parameters(model.tasks[0])):
        raise ValueError(
            f"{where}: model must have shared parameters that are trained, got a frozen trunk"
        )
    _check_batch(where, model, batch, losses)
    model = deepcopy(model)
    model.train(False)
    L = task_losses(model, batch, losses)
    return _Opened(model, L, _numbers(L), model.trunk_jacobian(L))


def _check_batch(where, model, batch, losses):
    """The batch must be of the model's tasks, with a loss and a label for each."""
    if not batch:
        raise ValueError(
            f"{where}: batch must have at least one of the tasks {model.tasks}, got none"
        )
    checks.known_tasks(where, "batch", batch, model.tasks)
    without_loss = [task for task in batch if task not in losses]
    if without_loss:
        raise ValueError(
            f"{where}: losses must name the tasks of the batch {list(batch)}; "
            f"missing {without_loss}"
        )
    without_label = [task for task, data in batch.items() if not has_label(*data)]
    if without_label:
        raise ValueError(
            f"{where}: batch must have a label of every task, got none of {without_label}"
        )


def _numbers(losses) -> np.ndarray:
    """The losses of a dict as numbers (T,)."""
    return np.array([float(loss) for loss in losses.values()])


def _set_gradient(start, w, weight_own):
    """`model.grad` of the training step with the weights w."""
    model = start.model
    L = start.losses
    of_own = w if weight_own else np.ones(len(w))
    model.zero_grad()
    total = combine(L, dict(zip(L, of_own)))
    if total.needs_grad:  # not so if every weight is 0
        total.backward()
    model.grad[: model.P] = w @ start.jacobian.astype(np.float64)
    model.touch_all()
    penalty = model.penalty()
    if penalty.needs_grad:
        penalty.backward()


def _changes_since(start, batch, losses) -> np.ndarray:
    """L(θ now) − L(θ when opened) for each task (T,)."""
    return _numbers(task_losses(start.model, batch, losses)) - start.values


def _blocks(start) -> Iterator[tuple[str, Parameter, np.ndarray]]:
    """For each shared parameter: its path, itself, and its columns (T, size) of the Jacobian."""
    model = start.model
    paths = {id(parameter): path for path, parameter in model.named_parameters().items()}
    first = 0
    for parameter in model.trunk_parameters(model.tasks[0]):
        past = first + parameter.data.size
        yield paths[id(parameter)], parameter, start.jacobian[:, first:past]
        first = past


def _products(where, gramian) -> np.ndarray:
    """The Gramian (T, T). Where training has diverged its entries are not finite."""
    G = checks.square(where, "gramian", gramian)
    if np.isfinite(G).all():
        checks.inner_products(where, "gramian", G)
    return G


def _with_axes(where, name, value, axes) -> np.ndarray:
    """`value` as float64 with one axis for each letter. Any of them may be empty."""
    array = checks.numbers(where, name, value)
    if array.ndim != len(axes.split(", ")):
        raise ValueError(f"{where}: {name} must have shape ({axes}), got {array.shape}")
    return array


def _rate(happened, known) -> np.ndarray:
    """How often it happened, along the first axis, of the times when the value is known."""
    times = known.sum(0)
    return happened.sum(0) / np.where(times > 0, times, np.nan)
