"""How much each task counts: rules for the weights in L_total = Σ_t w_t L_t.

Every rule here has one form,

    w (T,) = rule(losses (T,), gramian (T, T))        d = Jᵀ w,    ΔL ≈ −η G w

A paper may speak of projecting gradients, of bargaining, or of a quadratic programme. In the end
the step of the shared parameters is always a weighted sum of the tasks' gradients.

A rule that can do without the Gramian has `gramian=None` and costs one backward pass. Any other
rule costs T. A rule with memory or chance is a class. Its state is visible and kept by task name;
`fit` names the rows in its attribute `tasks`. `functools.partial(cagrad, c=0.2)` sets an option.

To add a rule, write one function (or class) that begins with `_losses` or `_gramian`, which refuse
bad input by name. `@_finite` above it refuses weights that are no numbers. Put its name in
`__all__`, and add its row to the table below. The tests then check every cell of the row.

The table says which law holds for which rule with its default options. It speaks of a rule with
memory once that has settled: its losses and gradients no longer change.

    rule           scale      passes  100 L₁  non-harm  units  order   T = 1  identical  stationary
    equal          Σw = T     1       100     no        no     yes     yes    yes        no
    Random         Σw = T     1       100     no        no     in law  yes    yes        no
    Uncertainty    ΣwL = T/2  1       1       no        yes    yes     yes    yes        no
    geometric      ΣwL = GM   1       1       no        yes    yes     yes    yes        no
    DWA            Σw = T     1       100     no        no     yes     yes    yes        no
    stch           Σw = 1     1       ≥ 100   no        no     yes     yes    yes        no
    GradNorm       Σw = T     T       1       no        no     yes     yes    yes        no
    PCGrad         none       T       100     no        no     in law  yes    yes        no
    mgda           Σw = 1     T       0.01    yes       no     indep   yes    yes        yes
    cagrad         none       T       ≤ 100   no        no     indep   yes    yes        no
    imtl_g         Σw = 1     T       1       no        no     yes     yes    yes        no
    conflict_free  none       T       1       indep     indep  yes     yes    yes        no
    nash_mtl       |d| = √T   T       1       yes       yes    yes     yes    yes        error
    fairgrad       none       T       0.215   yes       no     yes     yes    yes        error
    aligned_mtl    none       T       1       no        no     yes     yes    yes        no
    upgrad         none       T       100     yes       no     indep   yes    yes        yes

    scale       what the weights add up to, or how long d is (GM: the geometric mean of the losses;
                none: the length of d follows those of the gradients)
    passes      backward passes for one step
    100 L₁      loss 1 gets a unit a hundred times smaller, so it and its gradient become 100 × as
                large. By this factor the part of task 1 in d, w₁‖g₁‖, then grows beside the part of
                any other task. It is measured where the gradients are orthogonal and all tasks
                learn at one rate (with ≥ or ≤, or "varies": it depends on losses or gradients)
    non-harm    g_t · d ≥ 0 for every task: a small enough step of plain gradient descent raises no
                loss
    units       multiplying one task's loss, and so its gradient, by any c > 0 leaves the direction
                of d unchanged
    order       permuting the tasks permutes w (in law: the distribution of w)
    T = 1       with one task, d points along its gradient
    identical   if all gradients are equal, d points along them
    stationary  d = 0 where Σ_t v_t g_t = 0 for some v > 0: there no direction is good for all tasks
                (error: the rule refuses)

"indep" means that the law holds where the gradients are linearly independent. (Elsewhere w is not
unique, or C⁺1 ≠ C⁻¹1.) The tests have a counterexample for every "no". A comparison of rules has to
tune the learning rate for each, or to make all |d| equal.

The docstrings work one example by hand: g₁ = (3, 0), g₂ = (−1, 1), so G = [[9, −3], [−3, 2]] and
the cosine is −1/√2. The sum of the two, (2, 1), harms task 2: g₂ · d = −1.
"""

from __future__ import annotations

import math
import sys
from functools import wraps

import numpy as np

from . import checks
from .solvers import (
    cosines_and_norms,
    falling_root,
    in_middle_units,
    shortest_in_hull,
    solve_inverse_power,
    solve_nonnegative,
)

__all__ = [
    "equal",
    "Random",
    "Uncertainty",
    "geometric",
    "DWA",
    "stch",
    "GradNorm",
    "PCGrad",
    "mgda",
    "cagrad",
    "imtl_g",
    "conflict_free",
    "nash_mtl",
    "fairgrad",
    "aligned_mtl",
    "upgrad",
]


def _finite(rule):
    """The rule with weights that are finite or refused, however far apart its numbers lie.

    On the way to the weights, numbers that become 0 or infinite do no harm.
    """
    name = rule.__qualname__.partition(".")[0]

    @wraps(rule)
    def finite_rule(*arguments, **options):
        with np.errstate(all="ignore"):
            try:
                w = rule(*arguments, **options)
            except np.linalg.LinAlgError as error:
                w = error
        if isinstance(w, Exception) or not np.isfinite(w).all():
            raise ValueError(
                f"{name}: losses and gramian must not lie so far apart that no finite weights are "
                f"found, got {w}"
            )
        return w

    return finite_rule


# From the losses: one backward pass


@_finite
def equal(losses: np.ndarray, gramian: np.ndarray | None = None) -> np.ndarray:
    """The plain sum of the losses: the baseline that every other rule has to beat.

        w_t = 1

    Kurin et al. (2022) find that it is hard to beat once it is tuned.

    >>> equal(np.array([5.0, 0.1]))
    array([1., 1.])
    """
    L = _losses("equal", losses)
    return np.ones(len(L))


@_finite
def geometric(losses: np.ndarray, gramian: np.ndarray | None = None) -> np.ndarray:
    """Descends the geometric mean of the losses, so that relative improvements count.

        GM = (Π_t L_t)^{1/T}        w_t = ∂GM/∂L_t = GM / (T L_t)

    If one loss is multiplied by c, d keeps its direction and becomes c^{1/T} times as long. Losses
    must be positive.

    Source: geometric loss strategy, Chennupati et al. (2019).

    >>> geometric(np.array([4.0, 1.0]))  # GM = 2
    array([0.25, 1.  ])
    """
    L = _positive_losses("geometric", losses)
    GM = np.exp(np.log(L).mean())
    return GM / len(L) / L  # T · L might be too large for a number


@_finite
def stch(
    losses: np.ndarray,
    gramian: np.ndarray | None = None,
    *,
    mu: float = 1.0,
    preference=1.0,
    ideal=0.0,
) -> np.ndarray:
    """Smooth Tchebycheff: descends a soft maximum of the losses.

        S = μ log Σ_t exp(p_t (L_t − z_t) / μ)        w_t = ∂S/∂L_t = p_t softmax(p (L − z) / μ)_t

    It can reach the concave parts of a Pareto front, which a plain sum cannot. The preference
    p_t > 0 and the ideal z_t are one number for all tasks, or (T,). S lies between the maximum of
    the p_t (L_t − z_t) and μ log T above it. For μ → 0 the worst task counts alone, for μ → ∞ this
    is the mean. With preferences, Σ_t w_t/p_t = 1. A much larger loss gets practically all the
    weight.

    Source: Lin et al. (2024), "Smooth Tchebycheff scalarization".

    >>> stch(np.array([np.log(3.0), 0.0]))
    array([0.75, 0.25])
    """
    L = _losses("stch", losses)
    p = _one_or_each("stch", "preference", preference, len(L))
    if not (p > 0).all():
        raise ValueError(f"stch: preference must be positive, got {preference}")
    z = _one_or_each("stch", "ideal", ideal, len(L))
    checks.positive("stch", "mu", mu)
    x = p * (L - z)
    checks.finite("stch", "preference · (losses − ideal)", x)
    return p * _softmax((x - x.max()) / mu)  # −∞ has the weight 0


class Random:
    """Random loss weighting: a rule that does not beat it has learned nothing about the tasks.

        w = T · softmax(z),   z_t ~ N(0, 1)

    E[w_t] = 1, so on average the step is that of the plain sum.

    Source: Lin et al. (2022), algorithm 1, where the weights sum to 1.

    >>> Random(np.random.default_rng(0))(np.array([1.0, 1.0])).round(3)
    array([1.128, 0.872])
    """

    def __init__(self, rng: np.random.Generator):
        self.rng = checks.generator("Random", rng)

    @_finite
    def __call__(self, losses, gramian=None):
        T = len(_losses("Random", losses))
        z = self.rng.standard_normal(T)
        return T * _softmax(z)


class _Memory:
    """A rule with state by task name.

    `tasks` names the rows of the next call; None stands for 0, 1, ..., T − 1.
    """

    tasks: list | None = None

    def names(self, losses):
        """The name of the task of each loss."""
        T = len(losses)
        if self.tasks is None:
            return list(range(T))
        names = list(self.tasks)
        if len(names) != T:
            raise ValueError(
                f"{type(self).__name__}: losses must be those of the tasks {names}, got {T} losses"
            )
        return names


class Uncertainty(_Memory):
    """Learns the noise σ_t² of each task beside the model, and divides the loss by it.

        regression:        ½ e^{−s} L + ½ s        w = ½ e^{−s}        least at σ² = L
        classification:      e^{−s} L + ½ s        w =   e^{−s}        least at σ² = 2L

    The state is s_t = log σ_t², at first 0. After each call, s takes one step of gradient descent
    on its line, but not beyond the least value of the line. There w_t = 1/(2 L_t), so the unit of a
    loss does not matter once s has followed.

    `regression` holds the names of the tasks with the first line, which is the maximum likelihood
    of a Gaussian. The second line is an approximation. The total with its ½ s may be negative; that
    is no error. For a loss of 0 the line has no least value: s falls by ½ learning_rate in each
    call, and the weight grows. Losses must not be negative.

    Source: Kendall et al. (2018), eq. 7 and 10.

    >>> rule = Uncertainty(regression=[0])
    >>> rule(np.array([2.0, 2.0])), rule.log_variances  # the slopes of s were ½ − 1 and ½ − 2
    (array([0.5, 1. ]), {0: 0.005, 1: 0.015})
    """

    def __init__(self, regression=(), learning_rate: float = 0.01):
        if isinstance(regression, str):
            raise TypeError(
                f"Uncertainty: regression must be names of tasks, e.g. [{regression!r}], "
                f"got {regression!r}"
            )
        self.regression = frozenset(
            checks.distinct_names("Uncertainty", "regression", regression, 0)
        )
        self.learning_rate = checks.not_negative("Uncertainty", "learning_rate", learning_rate)
        self.log_variances = {}  # task -> s_t

    def check_tasks(self, tasks):
        """ValueError if `regression` names none of these. `fit` asks before the first step."""
        checks.known_tasks("Uncertainty", "regression", self.regression, tasks)

    @_finite
    def __call__(self, losses, gramian=None):
        L = _losses("Uncertainty", losses)
        if (L < 0).any():
            raise ValueError(f"Uncertainty: losses must not be negative, got {L}")
        names = self.names(L)
        s = np.array([self.log_variances.get(t, 0.0) for t in names])
        factor = np.where([t in self.regression for t in names], 0.5, 1.0)
        w = np.exp(-s) * factor
        least = np.log(2 * w * L) + s  # the s at which the slope, ½ − w L, is 0; −∞ for L = 0
        step = self.learning_rate * (w * L - 0.5)
        to_least = least - s
        step = np.where(step > 0, np.minimum(step, to_least), np.maximum(step, to_least))
        s = s + step
        self.log_variances |= dict(zip(names, s.tolist()))
        return w


class DWA(_Memory):
    """Dynamic weight average: more weight for tasks whose loss falls more slowly.

        r_t = L_t(k−1) / L_t(k−2)        w = T · softmax(r / τ)

    L_t(k) is the mean loss over the k-th `every` calls, in the paper over an epoch. Before two of
    these are known, r_t = 1. For τ = `temperature` → ∞ the weights become equal. They do not depend
    on the units of the losses. Losses must be positive.

    Source: Liu, Johns & Davison (2019), eq. 7.

    >>> rule = DWA(temperature=1.0)
    >>> for L in ([4.0, 4.0], [2.0, 4.0], [1.0, 1.0]):
    ...     w = rule(np.array(L))  # at last r = (1/2, 1)
    >>> w.round(3)
    array([0.755, 1.245])
    """

    def __init__(self, temperature: float = 2.0, every: int = 1):
        if not checks.number("DWA", "temperature", temperature) > 0:
            raise ValueError(f"DWA: temperature must be positive, got {temperature}")
        self.temperature = temperature
        self.every = checks.whole_number("DWA", "every", every, least=1)
        self.under_way = {}  # task -> its losses since the last mean
        self.means = {}  # task -> its last two means, the older one first

    @_finite
    def __call__(self, losses, gramian=None):
        L = _positive_losses("DWA", losses)
        names = self.names(L)
        r = np.array([self._ratio(t) for t in names])
        for t, loss in zip(names, L.tolist()):
            self._remember(t, loss)
        return len(L) * _softmax(r / self.temperature)

    def _ratio(self, t):
        means = self.means.get(t, [])
        if len(means) < 2:
            return 1.0
        return min(means[1] / means[0], sys.float_info.max)

    def _remember(self, t, loss):
        means = self.means.setdefault(t, [])
        under_way = self.under_way.setdefault(t, [])
        under_way.append(loss)
        if len(under_way) == self.every:
            mean = math.fsum(loss / self.every for loss in under_way)
            self.means[t] = [*means[-1:], mean]
            self.under_way[t] = []


# From the Gramian: T backward passes


class GradNorm(_Memory):
    """Drives the weighted gradient norms to one size, which is larger for tasks that learn slowly.

        n_t = w_t ‖g_t‖      r_t = L_t/L_t(0), divided by its mean      target_t = n̄ r_t^α
        w_t ← w_t − η ∂/∂w_t Σ_s |n_s − target_s| = w_t − η ‖g_t‖ sign(n_t − target_t)
        then Σw = T

    The targets are held constant in the derivative. The weights are the state, and a call returns
    those before the update.

    For α = 1, or where all tasks learn at one rate, the weights come to rest at
    w_t ∝ r_t^α / ‖g_t‖, up to steps of η‖g_t‖. Then the unit of a loss does not matter for the
    direction. For other α the targets do not add up to the norms, and the weights rest elsewhere.

    Losses must be positive. ValueError if a weight would become negative: η is then too large for
    these norms.

    Source: Chen et al. (2018), eq. 1 and 2.

    >>> rule, G = GradNorm(learning_rate=0.1), np.diag([9.0, 1.0])
    >>> rule(np.ones(2), G)  # norms 3 and 1, mean 2: one sinks by 0.3, one rises by 0.1
    array([1., 1.])
    >>> rule(np.ones(2), G)
    array([0.77777778, 1.22222222])
    """

    def __init__(self, alpha: float = 1.5, learning_rate: float = 0.025):
        self.alpha = checks.not_negative("GradNorm", "alpha", alpha)
        self.learning_rate = checks.not_negative("GradNorm", "learning_rate", learning_rate)
        self.first = {}  # task -> L_t(0)
        self.weights = {}  # task -> w_t

    @_finite
    def __call__(self, losses, gramian):
        L = _positive_losses("GradNorm", losses)
        lengths = np.sqrt(np.diag(_gramian("GradNorm", gramian, losses)))  # ‖g_t‖
        names = self.names(L)
        first = [self.first.setdefault(t, loss) for t, loss in zip(names, L.tolist())]
        w = np.array([self.weights.get(t, 1.0) for t in names])
        kept = w.sum()  # tasks that are absent keep their part of the sum of all weights
        w *= len(L) / kept

        n = w * lengths
        r = L / first
        target = n.mean() * (r / r.mean()) ** self.alpha
        new = w - self.learning_rate * lengths * np.sign(n - target)
        if not (new > 0).all():
            raise ValueError(
                f"GradNorm: learning_rate must keep all weights positive, but {self.learning_rate} "
                f"with gradient norms {lengths} makes them {new}"
            )
        new = kept * new / new.sum()
        self.weights |= dict(zip(names, new.tolist()))
        return w


class PCGrad:
    """Gradient surgery: each gradient loses the parts that conflict with another gradient.

        for each t: p_t = g_t
            for every other s in random order:
                if p_t · g_s < 0:   p_t ← p_t − (p_t · g_s / ‖g_s‖²) g_s
        d = Σ_t p_t

    g_s is always the *original* gradient. Every p_t is a sum of gradients, so d is Jᵀw. With two
    tasks d harms neither, and is 2 × that of `upgrad`. With three or more it may harm one, and d
    depends on the order. Without conflict it is the plain sum.

    Source: Yu et al. (2020), algorithm 1.

    By hand: p₁ = (3, 0) + 3/2 (−1, 1) = g₁ + 3/2 g₂ and p₂ = (−1, 1) + 3/9 (3, 0) = g₂ + 1/3 g₁.

    >>> PCGrad(np.random.default_rng(0))(np.ones(2), np.array([[9.0, -3.0], [-3.0, 2.0]]))
    array([1.33333333, 2.5       ])
    """

    def __init__(self, rng: np.random.Generator):
        self.rng = checks.generator("PCGrad", rng)

    @_finite
    def __call__(self, losses, gramian):
        G, _ = in_middle_units(_gramian("PCGrad", gramian, losses))
        T = len(G)
        p = np.eye(T)  # row t: p_t as a combination of the gradients
        for t in range(T):
            for s in self.rng.permutation(T):
                overlap = p[t] @ G[:, s]  # p_t · g_s
                if s != t and overlap < 0 and G[s, s] > 0:
                    p[t, s] -= overlap / G[s, s]
        return p.sum(0)


@_finite
def mgda(losses: np.ndarray, gramian: np.ndarray) -> np.ndarray:
    """The shortest vector in the convex hull of the gradients: the steepest common descent.

        min ‖Jᵀw‖²,   w ≥ 0, Σw = 1

    Every task gains at least g_t · d ≥ ‖d‖², and d = 0 exactly if no direction lets all tasks gain.
    For T = 2, w₁ = (G₂₂ − G₁₂) / (G₁₁ + G₂₂ − 2G₁₂), clipped to [0, 1]. A much longer gradient gets
    hardly any weight, so the shortest gradient rules.

    Source: Désidéri (2012); Sener & Koltun (2018), eq. 3 and 4.

    By hand: w₁ = (2 + 3) / (9 + 2 + 6) = 5/17.

    >>> mgda(np.ones(2), np.array([[9.0, -3.0], [-3.0, 2.0]]))
    array([0.29411765, 0.70588235])
    """
    return shortest_in_hull(_gramian("mgda", gramian, losses))


def stationarity_gap(gramian: np.ndarray) -> float:
    """The length of the shortest convex combination of the gradients: ‖d‖ of `mgda`.

    It is 0 exactly at Pareto-stationary points.

    >>> round(stationarity_gap(np.array([[9.0, -3.0], [-3.0, 2.0]])), 4)  # |(3, 12)| / 17
    0.7276
    """
    G = checks.square("stationarity_gap", "gramian", gramian)
    G = _gramian("stationarity_gap", G, losses=np.zeros(len(G)))
    G, unit = in_middle_units(G)
    with np.errstate(all="ignore"):
        w = shortest_in_hull(G)
        return float(np.sqrt(max(w @ G @ w, 0.0)) * unit)


@_finite
def cagrad(losses: np.ndarray, gramian: np.ndarray, *, c: float = 0.5) -> np.ndarray:
    """The direction near the mean gradient g₀ that is best for the task that gains least.

        max_d min_t g_t · d,   ‖d − g₀‖ ≤ c ‖g₀‖

    The solution is d = g₀ + c‖g₀‖ g_v/‖g_v‖ with g_v = Jᵀv, where v minimises g_v · g₀ + c‖g₀‖‖g_v‖
    over the simplex. Its slope is that of ½‖g_v + a g₀‖², times 1/a, for the number a > 0 at which
    ‖g_v‖ = a c‖g₀‖. So v is that of `mgda` for the shifted gradients g_t + a g₀. As ‖g_v‖/a falls
    with a, a root search finds a, and w = 1/T + v/a.

    c = 0 is the mean; for c → ∞, d goes along that of `mgda`. Where the best g_v is 0, v has no
    direction and drops out. That is so at Pareto-stationary points, and if one task has no gradient
    while the others do not conflict. The greatest worst gain is 0 then, and of all d that reach it
    the one nearest to g₀ is taken, which is g₀ itself if that harms nobody:

        w = 1/T + λ,     λ = argmin ‖g₀ + Jᵀλ‖² over λ ≥ 0

    The result is not divided by 1 + c: one task gives (1 + c) g. If one gradient is much longer
    than the others, g₀ is nearly along it, and d bends away from it so that the others are harmed
    less.

    Source: Liu et al. (2021), "Conflict-averse gradient descent", eq. 3 and algorithm 1.

    >>> cagrad(np.ones(2), np.array([[1.0, 0.0], [0.0, 1.0]]))  # v = w₀ = (½, ½), so d = 1½ g₀
    array([0.75, 0.75])
    """
    checks.between("cagrad", "c", c, 0, 1e100)
    G = _gramian("cagrad", gramian, losses)
    T = len(G)
    _, exponent = np.frexp(np.diag(G).max())
    G = np.ldexp(G, -exponent)  # the unit of the gradients is of no account
    b = G.mean(1)  # b_t = g_t · g₀
    mean_square = G.mean()  # ‖g₀‖²
    k = c * np.sqrt(max(mean_square, 0.0))  # c ‖g₀‖
    if k < 1e-100:  # such a step aside is lost in the rounding of g₀
        return np.full(T, 1 / T)

    def shortest(x):
        """v for the gradients shifted by a g₀, with a = √x."""
        shifted = G + np.sqrt(x) * (b[:, None] + b) + x * mean_square  # (T, T)
        return shortest_in_hull(shifted)

    def excess(x):
        """‖g_v‖² − (a k)², which is piecewise linear in x = a²."""
        v = shortest(x)
        return v @ G @ v - x * k**2

    longest = np.diag(G).max()
    high = longest / k**2  # there a k = max ‖g_t‖, and no g_v is longer
    low = 1e-12 * longest / k**2  # there a k is too short for G to tell it from 0
    x = falling_root(excess, low, high, tolerance=1e-12 * k**2)
    if x == low:  # g_v is 0 to rounding
        return 1 / T + solve_nonnegative(G / longest, -b / longest)
    return 1 / T + shortest(x) / np.sqrt(x)


@_finite
def imtl_g(losses: np.ndarray, gramian: np.ndarray) -> np.ndarray:
    """Impartial: d has the same projection on the direction of every task's gradient.

        u_t · d equal for all t,   Σw = 1:      w ∝ v_t / ‖g_t‖,   v = C⁺ 1

    with u_t = g_t/‖g_t‖ and C the cosines. The projections are equal if the gradients are linearly
    independent. The pseudo-inverse C⁺ also serves identical gradients, which all get 1/T. A task
    without a gradient gets 0.

    The formula is taken literally. **Where Σ v_t/‖g_t‖ < 0, dividing by it turns d around and every
    task gets worse.** So a new unit of one loss may turn d into its opposite. (`conflict_free` is
    the same line with the sign kept.) ValueError where the sum is 0 to rounding.

    Source: Liu et al. (2021), "Towards impartial multi-task learning", eq. 1 and 2.

    By hand: T = 2 has v₁ = v₂, so w ∝ 1/‖g_t‖ = (1/3, 1/√2).

    >>> imtl_g(np.ones(2), np.array([[9.0, -3.0], [-3.0, 2.0]])).round(4)
    array([0.3204, 0.6796])
    """
    G = _gramian("imtl_g", gramian, losses)
    if not G.any():
        return np.zeros(len(G))
    C, n = cosines_and_norms(G)
    w = _equal_projections(C) / n
    total = w.sum()
    if not abs(total) > 1e-12 * np.abs(w).sum():
        raise ValueError(
            "imtl_g: gramian must not be that of gradients whose weights sum to 0, "
            f"got cosines {C.tolist()}"
        )
    return w / total


@_finite
def conflict_free(losses: np.ndarray, gramian: np.ndarray) -> np.ndarray:
    """ConFIG: the direction with the same cosine to every task's gradient.

        v = C⁺ 1,   x = Σ_t v_t u_t,   d = (Σ_t g_t · x/‖x‖) x/‖x‖
        w_t = v_t/‖g_t‖ · Σ_s ‖g_s‖ (Cv)_s / vᵀCv

    with u_t = g_t/‖g_t‖ and C the cosines. d is as long as all projections on it together. If the
    gradients are linearly independent, C⁺1 = C⁻¹1 and d harms no task. A task without a gradient
    gets 0.

    Source: Liu, Chu & Thuerey (2025).

    >>> w = conflict_free(np.ones(2), np.array([[9.0, -3.0], [-3.0, 2.0]]))
    >>> w.round(4)  # along u₁ + u₂: w₁ · 3 = w₂ · √2
    array([0.7357, 1.5607])
    """
    G = _gramian("conflict_free", gramian, losses)
    C, n = cosines_and_norms(G)
    v = _equal_projections(C)
    square = v @ C @ v  # ‖x‖²
    length = 0.0  # of d, as a multiple of ‖x‖
    if square > 0:
        length = np.sqrt(np.diag(G)) @ C @ v / square
    return v / n * length


@_finite
def nash_mtl(losses: np.ndarray, gramian: np.ndarray) -> np.ndarray:
    """The bargaining solution: of all directions of one length, that with the greatest Π_t g_t · d.

        G w = 1/w

    So every task gets w_t (g_t · d) = 1, and ‖d‖ = √T whatever the gradients are. If one loss is
    multiplied by c, its weight is divided by c and d stays the same. For T = 2,
    w_t = 1/(‖g_t‖ √(1 + cosine)). The rule is `fairgrad` with α = 1. ValueError at
    Pareto-stationary points, where there is no solution.

    Source: Navon et al. (2022), claim 3.1 and algorithm 1.

    >>> nash_mtl(np.ones(2), np.diag([4.0, 1.0]))
    array([0.5, 1. ])
    """
    G = _gramian("nash_mtl", gramian, losses)
    return _fair("nash_mtl", G, alpha=1.0)


@_finite
def fairgrad(losses: np.ndarray, gramian: np.ndarray, *, alpha: float = 2.0) -> np.ndarray:
    """α-fair: shares the gains g_t · d out as fairly as α asks, from the sum to the worst task.

        max_d Σ_t (g_t · d)^{1−α}/(1 − α):       G w = w^{−1/α}

    α = 1 is `nash_mtl`, and α → ∞ goes along d of `mgda`. α → 0 is the shortest Jᵀw with all
    w_t ≥ 1, which is the plain sum if that harms no task. If a loss gets a smaller unit, d turns to
    its task for α < 1 and away from it for α > 1. (In the table's column 100 L₁, the factor is
    100^{(1−α)/(1+α)}.) α must be in [0.02, 30]. ValueError at Pareto-stationary points.

    The weights also minimise the convex ½ wᵀGw − Σ_t φ(w_t), φ′(w) = w^{−1/α}.

    Source: Ban & Ji (2024).

    >>> fairgrad(np.ones(2), np.diag([8.0, 1.0]), alpha=2.0)  # one gradient: ‖g‖² w = w^{−1/2}
    array([0.25, 1.  ])
    """
    checks.between("fairgrad", "alpha", alpha, 0.02, 30)
    G = _gramian("fairgrad", gramian, losses)
    return _fair("fairgrad", G, alpha)


@_finite
def aligned_mtl(losses: np.ndarray, gramian: np.ndarray) -> np.ndarray:
    """The mean of the gradients, after they are made orthogonal and equally long.

        G = V diag(σ²) Vᵀ,   σ_r the least σ_k above 0:      w = B 1/T,   B = V diag(σ_r/σ_k) Vᵀ

    The gradients are rotated and stretched for this. The σ_k are the singular values of J. Those
    that rounding cannot tell from 0 are left out. Making one gradient much longer hardly changes d:
    all follow the shortest.

    Source: Senushkin et al. (2023), eq. 5 and algorithm 1.

    >>> aligned_mtl(np.ones(2), np.diag([9.0, 1.0]))  # g₁ is cut to a third, the length of g₂
    array([0.16666667, 0.5       ])
    """
    G, _ = in_middle_units(_gramian("aligned_mtl", gramian, losses))
    squares, V = np.linalg.eigh(G)  # σ², smallest first
    known = squares > squares[-1] * len(G) * np.finfo(float).eps
    if not known.any():
        return np.full(len(G), 1 / len(G))
    σ = np.sqrt(squares[known])
    V = V[:, known]  # (T, rank)
    return V / σ * σ[0] @ V.mean(0)  # V.mean(0) is Vᵀ 1/T


@_finite
def upgrad(losses: np.ndarray, gramian: np.ndarray) -> np.ndarray:
    """The mean of the gradients, each first moved as little as will keep it from harming any task.

        d = 1/T Σ_t p_t,   p_t = the x nearest to g_t with J x ≥ 0
        p_t = Jᵀ(e_t + u):   min ½ uᵀGu + (G e_t)ᵀu,   u ≥ 0

    So d harms no task. Without conflict w = 1/T. With two tasks d is half that of `PCGrad`. If g_t
    becomes c times as long, so does p_t, and the other p_s stay the same.

    Source: Quinton & Rey (2024), eq. 4 and 5.

    >>> upgrad(np.ones(2), np.array([[9.0, -3.0], [-3.0, 2.0]]))
    array([0.66666667, 1.25      ])
    """
    G = _gramian("upgrad", gramian, losses)
    C, n = cosines_and_norms(G)
    U = np.array([solve_nonnegative(C, -c) for c in C])  # row t: what is added to g_t/‖g_t‖
    P = np.eye(len(G)) + n[:, None] * U / n  # row t: p_t as a combination of the gradients
    return P.mean(0)


# What the rules share


def _fair(where, G, alpha):
    """w > 0 with G w = w^(−1/α), or an error that says why there is none."""
    w = solve_inverse_power(G, alpha)
    if w is not None and (G @ w > 1e-4 * (np.abs(G) @ w)).all():
        return w
    # Where a gain is what is left of terms that nearly cancel, rounding alone may have made it.
    C = cosines_and_norms(G)[0]
    v = shortest_in_hull(C)
    has_no_gradient = not np.diag(G).all()
    if has_no_gradient or v @ C @ v < 1e-12:
        why = "are at a Pareto-stationary point, where no direction is good for all tasks"
    elif w is not None:
        return w
    else:
        why = f"differ so much that none was found for α = {alpha:g}"
    raise ValueError(
        f"{where}: gramian must be that of gradients that have a solution, but these {why}, "
        f"got {G.tolist()}"
    )


def _equal_projections(C):
    """v = C⁺ 1, with 0 in place of 1 for a task without a gradient.

    Σ_t v_t u_t has the same projection on every u_t (on average, where C is singular).
    """
    has_gradient = np.diag(C) > 0
    v = np.linalg.pinv(C, rcond=1e-12, hermitian=True) @ has_gradient
    is_more_than_rounding = np.abs(v).max() > 1e-9  # v is of order 1, or 0
    return v * is_more_than_rounding


def _softmax(z):
    """exp(z) / Σ exp(z)"""
    e = np.exp(z - z.max())
    return e / e.sum()


def _losses(where, losses):
    """The losses as finite float64 numbers (T,), T at least 1."""
    L = checks.floats(where, "losses", losses, "T")
    return checks.finite(where, "losses", L)


def _positive_losses(where, losses):
    """The losses as finite and positive float64 numbers (T,), T at least 1."""
    L = checks.floats(where, "losses", losses, "T")
    if not (np.isfinite(L).all() and (L > 0).all()):
        raise ValueError(f"{where}: losses must be finite and positive, got {L}")
    return L


def _gramian(where, gramian, losses):
    """The Gramian in float64: (T, T) for T losses, and possible as inner products of gradients."""
    T = len(_losses(where, losses))
    G = checks.floats(where, "gramian", gramian, T, T)
    checks.inner_products(where, "gramian", G)
    return G


def _one_or_each(where, name, value, T):
    """One finite number for all tasks, or one for each: () or (T,)."""
    array = checks.numbers(where, name, value)
    if array.shape not in ((), (T,)) or not np.isfinite(array).all():
        raise ValueError(f"{where}: {name} must be a finite number or {T} of them, got {value}")
    return array
