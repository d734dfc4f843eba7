"""How much each task counts: rules for the weights in L_total = Σ_t w_t L_t.

Every rule here has one form,

    w (T,) = rule(losses (T,), gramian (T, T))        d = Jᵀ w,    ΔL ≈ −η G w

whatever its paper says it does: projecting gradients, bargaining, or solving a quadratic programme, the step of the shared
parameters ends as a weighted sum of the tasks' gradients. A rule that can do without the Gramian has `gramian=None` and
costs one backward pass; any other costs T. A rule with memory or chance is a class, its state in plain sight
and kept by task name; `fit` names the rows in its attribute `tasks`. To add a rule, write one
function, its name in `__all__`, and its row in the table below, which the tests then check. Options are set by `functools.partial(cagrad, c=0.2)`.

Which law holds for which rule, for a rule with memory once it has settled (its losses and gradients no longer change):

    rule           scale      non-harm  rescaling  permutation  one task  identical  stationary
    equal          Σw = T     no        no         yes          yes       yes        no
    Random         Σw = T     no        no         in law       yes       yes        no
    Uncertainty    ΣwL = T/2  no        yes        yes          yes       yes        no
    geometric      ΣwL = GM   no        yes        yes          yes       yes        no
    DWA            Σw = T     no        no         yes          yes       yes        no
    stch           Σw = 1     no        no         yes          yes       yes        no
    GradNorm       Σw = T     no        no         yes          yes       yes        no
    PCGrad         none       no        no         in law       yes       yes        no
    mgda           Σw = 1     yes       no         indep        yes       yes        yes
    cagrad         none       no        no         indep        yes       yes        no
    imtl_g         Σw = 1     no        no         yes          yes       yes        no
    conflict_free  none       indep     indep      yes          yes       yes        no
    nash_mtl       |d| = √T   yes       yes        yes          yes       yes        error
    fairgrad       none       yes       no         yes          yes       yes        error
    aligned_mtl    none       no        no         yes          yes       yes        no
    upgrad         none       yes       no         indep        yes       yes        yes

    non-harm      g_t · d ≥ 0 for every task: a small enough step of plain gradient descent raises no loss
    rescaling     multiplying one task's loss, and so its gradient, by any c > 0 leaves the direction of d unchanged
    permutation   permuting the tasks permutes w (in law: the distribution of w)
    one task      T = 1: d points along g
    identical     all gradients equal: d points along them
    stationary    d = 0 where Σ_t v_t g_t = 0 for some v > 0: no direction is good for all tasks (error: the rule refuses)

"indep" holds where the gradients are linearly independent (else w is not unique, or C⁺1 ≠ C⁻¹1); every "no" has a counterexample in the tests. Scale none:
the length of d follows those of the gradients. A comparison of rules tunes the learning rate for each, or makes all |d| equal. GM is the geometric mean of the losses.

The docstrings work one example by hand: g₁ = (3, 0), g₂ = (−1, 1), so G = [[9, −3], [−3, 2]], cosine −1/√2. Their sum (2, 1)
harms task 2: g₂ · d = −1.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable

import numpy as np

from .losses import finite_not_negative

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


def needs_gramian(rule: Callable) -> bool:
    """Whether `fit` has to compute the Gramian for this rule: unless its second argument is optional, with default None.

    >>> needs_gramian(equal), needs_gramian(mgda)
    (False, True)
    """
    arguments = list(inspect.signature(rule).parameters.values())
    return len(arguments) < 2 or arguments[1].default is not None


# From the losses: one backward pass


def equal(losses: np.ndarray, gramian: np.ndarray | None = None) -> np.ndarray:
    """w_t = 1: the plain sum, the baseline that every other rule has to beat.

    Scale Σw = T, one pass. 100 × loss 1 counts 100 × as much. Kurin et al. (2022) find that, tuned, it is hard to beat.

    >>> equal(np.array([5.0, 0.1]))
    array([1., 1.])
    """
    return np.ones(len(_losses("equal", losses)))


def geometric(losses: np.ndarray, gramian: np.ndarray | None = None) -> np.ndarray:
    """Descends the geometric mean of the losses, so that relative improvements count.

        GM = (Π_t L_t)^{1/T}        w_t = ∂GM/∂L_t = GM / (T L_t)

    Scale Σ w_t L_t = GM, one pass. 100 × loss 1: the same direction, 100^{1/T} × as long. Losses must be positive.
    Source: geometric loss strategy, Chennupati et al. (2019).

    >>> geometric(np.array([4.0, 1.0]))  # GM = 2
    array([0.25, 1.  ])
    """
    L = _losses("geometric", losses, positive=True)
    return np.exp(np.log(L).mean()) / (len(L) * L)


def stch(
    losses: np.ndarray,
    gramian: np.ndarray | None = None,
    *,
    mu: float = 1.0,
    preference=1.0,
    ideal=0.0,
) -> np.ndarray:
    """Smooth Tchebycheff: descends a soft maximum of the losses, and so reaches concave parts of a Pareto front.

        S = μ log Σ_t exp(p_t (L_t − z_t) / μ)        w_t = ∂S/∂L_t = p_t softmax(p (L − z) / μ)_t

    preference p_t > 0 and ideal z_t: a number or (T,) each. max ≤ S ≤ max + μ log T of the p_t (L_t − z_t); μ → 0 is the
    worst task alone, μ → ∞ the mean. Scale Σ w_t/p_t = 1, one pass. 100 × loss 1: as good as all weight on it.
    Source: Lin et al. (2024), "Smooth Tchebycheff scalarization".

    >>> stch(np.array([np.log(3.0), 0.0]))
    array([0.75, 0.25])
    """
    L = _losses("stch", losses)
    p, z = np.asarray(preference, float), np.asarray(ideal, float)
    if (
        p.shape not in ((), L.shape)
        or z.shape not in ((), L.shape)
        or not (np.isfinite(z).all() and (p > 0).all() and np.isfinite(p).all())
    ):
        raise ValueError(
            f"stch: preference and ideal must be finite numbers or {L.shape} of them, preference positive; got {preference} and {ideal}"
        )
    if not 0 < mu < np.inf:
        raise ValueError(f"stch: mu must be positive and finite, got {mu}")
    x = p * (L - z)
    with np.errstate(over="ignore"):  # −∞ has the weight 0
        return p * _softmax((x - x.max()) / mu)


class Random:
    """Random loss weighting, the litmus test: a rule that does not beat it has learned nothing about the tasks.

        w = T · softmax(z),  z_t ~ N(0, 1)

    E[w_t] = 1: on average the step is that of the plain sum. Scale Σw = T, one pass. 100 × loss 1 counts 100 × as
    much. Source: Lin et al. (2022), algorithm 1, where weights sum to 1.

    >>> Random(np.random.default_rng(0))(np.array([1.0, 1.0])).round(3)
    array([1.128, 0.872])
    """

    def __init__(self, rng: np.random.Generator):
        self.rng = _generator("Random", rng, "standard_normal")

    def __call__(self, losses, gramian=None):
        T = len(_losses("Random", losses))
        return T * _softmax(self.rng.standard_normal(T))


class _Memory:
    """A rule with state by task name. `tasks` names the rows of the next call; None: 0, 1, ..., T − 1."""

    tasks: list | None = None

    def names(self, losses):
        names = list(range(len(losses))) if self.tasks is None else list(self.tasks)
        if len(names) != len(losses):
            raise ValueError(
                f"{type(self).__name__}: losses must be those of the tasks {names}, got {len(losses)} losses"
            )
        return names


class Uncertainty(_Memory):
    """Learns the noise σ_t² of each task beside the model and divides by it; s_t = log σ_t² is the state.

        regression:        ½ e^{−s} L + ½ s        w = ½ e^{−s}        least at σ² = L
        classification:      e^{−s} L + ½ s        w =   e^{−s}        least at σ² = 2L

    After the weights are given, s takes a step of gradient descent on its line, but not beyond its least. regression: the names of the tasks with the first
    line, the maximum likelihood of a Gaussian; the second is an approximation. Scale: w_t → 1/(2 L_t), one pass.
    100 × loss 1: the same once s has followed. The total with its ½ s may be negative, that is no error. Losses must be positive.
    Source: Kendall et al. (2018), eq. 7 and 10.

    >>> rule = Uncertainty(regression=[0])
    >>> rule(np.array([2.0, 2.0])), rule.log_variances  # the slopes of s were ½ − 1 and ½ − 2
    (array([0.5, 1. ]), {0: 0.005, 1: 0.015})
    """

    def __init__(self, regression=(), learning_rate: float = 0.01):
        if isinstance(regression, str):
            raise TypeError(
                f"Uncertainty: regression must be names of tasks, e.g. [{regression!r}], got {regression!r}"
            )
        self.regression, self.learning_rate = (
            frozenset(regression),
            finite_not_negative("Uncertainty", "learning_rate", learning_rate),
        )
        self.log_variances = {}

    def __call__(self, losses, gramian=None):
        L = _losses("Uncertainty", losses, positive=True)
        names = self.names(L)
        s = np.array([self.log_variances.get(t, 0.0) for t in names])
        w = np.exp(-s) * np.where([t in self.regression for t in names], 0.5, 1.0)
        least = np.log(2 * w * L) + s  # where the slope ½ − w L is 0
        step = self.learning_rate * (w * L - 0.5)
        s = s + np.where(step > 0, np.minimum(step, least - s), np.maximum(step, least - s))
        self.log_variances |= dict(zip(names, s.tolist()))
        return w


class DWA(_Memory):
    """Dynamic weight average: more weight for tasks whose loss falls more slowly.

        r_t = L_t(k−1) / L_t(k−2)        w = T · softmax(r / τ)

    L_t(k) is the mean loss over the k-th `every` calls, in the paper an epoch; before two of them are known r_t = 1.
    τ = `temperature` → ∞ is equal weights. Scale Σw = T, one pass. 100 × loss 1: the same weights, so it counts 100 × as much.
    Source: Liu, Johns & Davison (2019), eq. 7.

    >>> rule = DWA(temperature=1.0)
    >>> for L in ([4.0, 4.0], [2.0, 4.0], [1.0, 1.0]): w = rule(np.array(L))  # r = (1/2, 1)
    >>> w.round(3)
    array([0.755, 1.245])
    """

    def __init__(self, temperature: float = 2.0, every: int = 1):
        if (
            not 0 < temperature
            or isinstance(every, bool)
            or not isinstance(every, (int, np.integer))
            or every < 1
        ):
            raise ValueError(
                f"DWA: temperature must be positive and every a whole number of at least 1, got {temperature} and {every}"
            )
        self.temperature, self.every = temperature, every
        self.under_way, self.means = (
            {},
            {},
        )  # task -> its losses since the last mean; its last two means, the older first

    def __call__(self, losses, gramian=None):
        L = _losses("DWA", losses, positive=True)
        r = []
        for t, loss in zip(self.names(L), L.tolist()):
            means, under_way = self.means.setdefault(t, []), self.under_way.setdefault(t, [])
            r.append(means[1] / means[0] if len(means) == 2 else 1.0)
            under_way.append(loss)
            if len(under_way) == self.every:
                self.means[t], self.under_way[t] = [*means[-1:], float(np.mean(under_way))], []
        return len(L) * _softmax(np.array(r) / self.temperature)


# From the Gramian: T backward passes


class GradNorm(_Memory):
    """Drives the weighted gradient norms to a common size, larger for tasks that learn slowly.

        n_t = w_t ‖g_t‖      r_t = L_t/L_t(0) over its mean      target_t = n̄ r_t^α, held constant
        w_t ← w_t − η ∂/∂w_t Σ_s |n_s − target_s| = w_t − η ‖g_t‖ sign(n_t − target_t),      then Σw = T

    For α = 1, or where all tasks learn at one rate, it rests, up to steps of η‖g_t‖, at w_t ∝ r_t^α / ‖g_t‖; else the targets do not add up to the
    norms. The weights are the state, those before the update are given. Scale Σw = T, T passes. 100 × loss 1: at α = 1 in the end the same direction. Losses must be positive; a weight that would become
    negative is a ValueError: η is too large for these norms. Source: Chen et al. (2018), eq. 1 and 2.

    >>> rule, G = GradNorm(learning_rate=0.1), np.diag([9.0, 1.0])
    >>> rule(np.ones(2), G), rule(np.ones(2), G)  # norms 3 and 1, mean 2: one sinks by 0.3, one rises by 0.1
    (array([1., 1.]), array([0.77777778, 1.22222222]))
    """

    def __init__(self, alpha: float = 1.5, learning_rate: float = 0.025):
        self.alpha = finite_not_negative("GradNorm", "alpha", alpha)
        self.learning_rate = finite_not_negative("GradNorm", "learning_rate", learning_rate)
        self.first, self.weights = {}, {}  # task -> L_t(0); task -> w_t

    def __call__(self, losses, gramian):
        L, g = (
            _losses("GradNorm", losses, positive=True),
            np.sqrt(np.diag(_gramian("GradNorm", gramian, losses))),
        )
        names, T = self.names(L), len(L)
        w = np.array([self.weights.get(t, 1.0) for t in names])
        kept = w.sum()  # tasks that are not here keep their part
        w *= T / kept
        r = L / [self.first.setdefault(t, loss) for t, loss in zip(names, L.tolist())]
        n = w * g
        new = w - self.learning_rate * g * np.sign(n - n.mean() * (r / r.mean()) ** self.alpha)
        if not (new > 0).all():
            raise ValueError(
                f"GradNorm: learning_rate must keep all weights positive, but {self.learning_rate} with gradient norms {g} makes them {new}"
            )
        self.weights |= dict(zip(names, (kept * new / new.sum()).tolist()))
        return w


class PCGrad:
    """Gradient surgery: from each gradient, the part that conflicts with another one is cut away.

        for each t: p_t = g_t; for every other s in random order: if p_t · g_s < 0:  p_t ← p_t − (p_t · g_s / ‖g_s‖²) g_s
        d = Σ_t p_t

    Always the *original* g_s. Every p_t is a sum of gradients, so d is Jᵀw. With two tasks d harms neither and is
    2 × that of `upgrad`; with three it may, and it depends on the order. Scale none, T passes. 100 × loss 1: without conflict
    it counts 100 × as much. Source: Yu et al. (2020), algorithm 1.

    By hand: p₁ = (3, 0) + 3/2 (−1, 1) = g₁ + 3/2 g₂ and p₂ = (−1, 1) + 3/9 (3, 0) = g₂ + 1/3 g₁.

    >>> PCGrad(np.random.default_rng(0))(np.ones(2), np.array([[9.0, -3.0], [-3.0, 2.0]]))
    array([1.33333333, 2.5       ])
    """

    def __init__(self, rng: np.random.Generator):
        self.rng = _generator("PCGrad", rng, "permutation")

    def __call__(self, losses, gramian):
        G = _gramian("PCGrad", gramian, losses)
        p = np.eye(len(G))  # row t: p_t as a combination of the gradients
        for t, c in enumerate(p):
            for s in self.rng.permutation(len(G)):
                if s != t and c @ G[:, s] < 0:
                    c[s] -= c @ G[:, s] / G[s, s]
        return p.sum(0)


def mgda(losses: np.ndarray, gramian: np.ndarray) -> np.ndarray:
    """The shortest vector in the convex hull of the gradients: the steepest common descent.

        min ‖Jᵀw‖²,  w ≥ 0, Σw = 1        then g_t · d ≥ ‖d‖² for every task; d = 0 exactly if no direction lets all of them gain

    T = 2: w₁ = (G₂₂ − G₁₂) / (G₁₁ + G₂₂ − 2G₁₂), clipped to [0, 1]. Otherwise d is along the shortest x with
    J x ≥ 1: min ½ uᵀ(G + 11ᵀ)u − 1ᵀu, u ≥ 0, and w = u/Σu. Scale Σw = 1, T passes. 100 × loss 1: nearly all weight on the others,
    the shortest gradient rules. Source: Désidéri (2012); Sener & Koltun (2018), eq. 3 and 4.

    By hand: w₁ = (2 + 3) / (9 + 2 + 6) = 5/17.

    >>> mgda(np.ones(2), np.array([[9.0, -3.0], [-3.0, 2.0]]))
    array([0.29411765, 0.70588235])
    """
    return _shortest(_gramian("mgda", gramian, losses))


def stationarity_gap(gramian: np.ndarray) -> float:
    """‖d‖ of `mgda`: the length of the shortest convex combination of the gradients; 0 exactly at Pareto-stationary points.

    >>> round(stationarity_gap(np.array([[9.0, -3.0], [-3.0, 2.0]])), 4)  # |(3, 12)| / 17
    0.7276
    """
    G = _gramian("stationarity_gap", gramian, np.zeros(np.shape(gramian)[:1]))
    w = _shortest(G)
    return float(np.sqrt(max(w @ G @ w, 0.0)))


def cagrad(losses: np.ndarray, gramian: np.ndarray, *, c: float = 0.5) -> np.ndarray:
    """The direction near the mean gradient g₀ that is best for the task that gains least.

        max_d min_t g_t · d,   ‖d − g₀‖ ≤ c ‖g₀‖

    d = g₀ + c‖g₀‖ g_v/‖g_v‖, g_v = Jᵀv, v the minimiser of g_v · g₀ + c‖g₀‖‖g_v‖ over the simplex. That v is `mgda` of the
    shifted gradients g_t + a g₀, with the a at which ‖g_v‖ = a c‖g₀‖; ‖g_v‖/a falls with a, so a search finds it. w = 1/T + v/a.
    c = 0 is the mean, c → ∞ goes along mgda's direction. Where only g_v = 0 will do (Pareto-stationary points), d is shorter.
    Scale none, not rescaled by 1/(1 + c): one task gives (1 + c) g. T passes. 100 × loss 1: g₀ nearly along g₁, others kept from harm.
    Source: Liu et al. (2021), eq. 3 and algorithm 1.

    >>> cagrad(np.ones(2), np.array([[1.0, 0.0], [0.0, 1.0]]))  # v = w₀ = (½, ½), so d = 1½ g₀
    array([0.75, 0.75])
    """
    G = _gramian("cagrad", gramian, losses)
    T, b, k = (
        len(G),
        G.mean(1),
        finite_not_negative("cagrad", "c", c) * np.sqrt(max(G.mean(), 0.0)),
    )  # b_t = g_t · g₀
    if k == 0:
        return np.full(T, 1 / T)

    def shortest(
        x,
    ):  # v of the gradients shifted by a g₀, x = a², and ‖g_v‖² − (a k)², which is piecewise linear in x
        v = _shortest(G + np.sqrt(x) * (b[:, None] + b) + x * G.mean())
        return v, v @ G @ v - x * k**2

    low, high, last = (
        1e-12 * np.diag(G).max() / k**2,
        np.diag(G).max() / k**2,
        0,
    )  # ‖g_v‖ ≤ max ‖g_t‖; below 1e-6 of that G cannot tell it from 0
    (v, f_low), (_, f_high), x = shortest(low), shortest(high), low
    while f_low > 0:  # false position
        x = (low * f_high - high * f_low) / (f_high - f_low)
        v, f = shortest(x)
        if abs(f) <= 1e-12 * x * k**2 or not low < x < high:
            break
        if f > 0:
            low, f_low, f_high, last = (
                x,
                f,
                f_high / (2 if last > 0 else 1),
                1,
            )  # an end that stays twice counts half
        else:
            high, f_high, f_low, last = x, f, f_low / (2 if last < 0 else 1), -1
    return 1 / T + v / np.sqrt(x)


def imtl_g(losses: np.ndarray, gramian: np.ndarray) -> np.ndarray:
    """Impartial: d has the same projection on the direction of every task's gradient, if these are linearly independent.

        u_t · d equal for all t,   Σw = 1:      w ∝ v_t / ‖g_t‖,   v = C⁺ 1,   C the cosines

    The formula is taken literally. **Where Σ v_t/‖g_t‖ < 0, dividing by it turns d around and every task gets worse**
    (`conflict_free` is the same line with the sign kept); where it is 0 to rounding, a ValueError. The pseudo-inverse C⁺ also serves identical
    gradients, which all get 1/T. A task without a gradient gets 0. Scale Σw = 1, T passes. 100 × loss 1: the same direction, or
    the opposite one. Source: Liu et al. (2021), "Towards impartial multi-task learning", eq. 1 and 2.

    By hand: T = 2 has v₁ = v₂, so w ∝ 1/‖g_t‖ = (1/3, 1/√2).

    >>> imtl_g(np.ones(2), np.array([[9.0, -3.0], [-3.0, 2.0]])).round(4)
    array([0.3204, 0.6796])
    """
    G = _gramian("imtl_g", gramian, losses)
    v, n = _equal_projections(G)
    total = (v / n).sum()
    if not G.any():
        return np.zeros(len(G))
    if not abs(total) > 1e-12 * np.abs(v / n).sum():
        raise ValueError(
            f"imtl_g: gramian must not be that of gradients whose weights sum to 0, got cosines {_cosines(G)[0].tolist()}"
        )
    return v / n / total


def conflict_free(losses: np.ndarray, gramian: np.ndarray) -> np.ndarray:
    """ConFIG: the direction with the same cosine to every task's gradient, as long as all projections together.

        v = C⁺ 1,   x = Σ_t v_t u_t,   d = (Σ_t g_t · x/‖x‖) x/‖x‖      w_t = v_t/‖g_t‖ · Σ_s ‖g_s‖ (Cv)_s / vᵀCv

    with C the cosines and u_t = g_t/‖g_t‖. For linearly independent gradients C⁺1 = C⁻¹1 and d harms no task. A task
    without a gradient gets 0. Scale none, T passes. 100 × loss 1: the same direction. Source: Liu, Chu & Thuerey (2025).

    >>> w = conflict_free(np.ones(2), np.array([[9.0, -3.0], [-3.0, 2.0]]))
    >>> w.round(4)  # along u₁ + u₂: w₁ · 3 = w₂ · √2
    array([0.7357, 1.5607])
    """
    G = _gramian("conflict_free", gramian, losses)
    v, n = _equal_projections(G)
    C = _cosines(G)[0]
    square = v @ C @ v
    return v / n * (np.sqrt(np.diag(G)) @ C @ v / square if square > 0 else 0.0)


def nash_mtl(losses: np.ndarray, gramian: np.ndarray) -> np.ndarray:
    """The bargaining solution: the direction, of all of one length, with the greatest product of gains Π g_t · d.

        G w = 1/w:      every task gets w_t (g_t · d) = 1

    `fairgrad` with α = 1. T = 2: w_t = 1/(‖g_t‖ √(1 + cosine)). Scale ‖d‖ = √T whatever the gradients, T passes. 100 × loss 1:
    w₁ falls to a hundredth, d is the same. ValueError at Pareto-stationary points, where there is no solution.
    Source: Navon et al. (2022), claim 3.1 and algorithm 1.

    >>> nash_mtl(np.ones(2), np.diag([4.0, 1.0]))
    array([0.5, 1. ])
    """
    return _fair("nash_mtl", losses, gramian, 1.0)


def fairgrad(losses: np.ndarray, gramian: np.ndarray, *, alpha: float = 2.0) -> np.ndarray:
    """α-fair: shares the gains g_t · d out as fairly as α asks, from the sum to the worst task.

        max_d Σ_t (g_t · d)^{1−α}/(1 − α):       G w = w^{−1/α}

    α = 1 is `nash_mtl`, α → ∞ goes along mgda's direction, α → 0 is the shortest Jᵀw with all w_t ≥ 1: the plain sum if that
    harms no task. w also minimises the convex ½ wᵀGw − Σ_t φ(w_t), φ′(w) = w^{−1/α}. Scale none, T passes. 100 × loss 1: d turns to task 1 for α < 1, away from it for α > 1. ValueError at Pareto-stationary points.
    Source: Ban & Ji (2024).

    >>> fairgrad(np.ones(2), np.diag([8.0, 1.0]), alpha=2.0)  # one gradient: ‖g‖² w = w^{−1/2}
    array([0.25, 1.  ])
    """
    if isinstance(alpha, bool) or not 0.02 <= alpha <= 30:
        raise ValueError(f"fairgrad: alpha must be in [0.02, 30], got {alpha}")
    return _fair("fairgrad", losses, gramian, alpha)


def aligned_mtl(losses: np.ndarray, gramian: np.ndarray) -> np.ndarray:
    """Rotates and stretches the gradients until they are orthogonal and equally long, then takes their mean.

        G = V diag(σ²) Vᵀ,   σ_r the least σ_k above 0:      w = B 1/T,   B = V diag(σ_r/σ_k) Vᵀ

    σ_k are the singular values of J; those that rounding cannot tell from 0 are left out. Scale none, T passes. 100 × loss 1: all follow the
    shortest. Source: Senushkin et al. (2023), eq. 5 and algorithm 1.

    >>> aligned_mtl(np.ones(2), np.diag([9.0, 1.0]))  # gradient 1 is cut to a third, the length of gradient 2
    array([0.16666667, 0.5       ])
    """
    G = _gramian("aligned_mtl", gramian, losses)
    squares, V = np.linalg.eigh(G)
    known = squares > squares[-1] * len(G) * np.finfo(float).eps
    if not known.any():
        return np.full(len(G), 1 / len(G))
    σ, V = np.sqrt(squares[known]), V[:, known]
    return V / σ * σ[0] @ V.mean(0)


def upgrad(losses: np.ndarray, gramian: np.ndarray) -> np.ndarray:
    """The mean of the gradients, each first moved as little as will keep it from harming any task.

        d = 1/T Σ_t p_t,   p_t = the x nearest to g_t with J x ≥ 0:      p_t = Jᵀ(e_t + u),  min ½ uᵀGu + (G e_t)ᵀu, u ≥ 0

    d harms no task. With two tasks it is half that of `PCGrad`. Scale none (without conflict w = 1/T), T passes. 100 × loss 1:
    p₁ is 100 × as long, the other p_t are the same. Source: Quinton & Rey (2024), eq. 4 and 5.

    >>> upgrad(np.ones(2), np.array([[9.0, -3.0], [-3.0, 2.0]]))
    array([0.66666667, 1.25      ])
    """
    G = _gramian("upgrad", gramian, losses)
    C, n = _cosines(G)
    U = np.array([solve_nonnegative(C, -c) for c in C])  # row t: what is added to u_t
    return (np.eye(len(G)) + n[:, None] * U / n).mean(0)


# What the rules share


def solve_nonnegative(A: np.ndarray, b: np.ndarray) -> np.ndarray:
    """argmin_u ½ uᵀA u − bᵀu over u ≥ 0, for A (T, T) with no negative eigenvalue and b in its range.

    The active-set method of Lawson & Hanson (1974), chapter 23: u_t is freed where the objective falls fastest, the free ones
    are solved for, and where that would make one negative, the way there ends at 0 and it is fixed again. Exact after
    finitely many steps. Entries of A should be of order 1.

    >>> solve_nonnegative(np.eye(2), np.array([3.0, -1.0]))
    array([3., 0.])
    """
    u, free, tried, height = np.zeros(len(b)), np.zeros(len(b), bool), np.zeros(len(b), bool), 0.0
    while True:
        slope = b - A @ u
        slope[free | tried] = 0.0
        new = slope.argmax()
        if slope[new] <= 0:
            return u
        F = free.copy()
        F[new] = True
        z = _on_face(A, b, u, F)
        lower = (A @ z / 2 - b) @ z
        if lower < height - 1e-15 * abs(height):
            u, free, height = z, F, lower
            tried[:] = False
        else:
            tried[new] = True  # its slope was only rounding


def _on_face(A, b, u, free):
    """From u down to the least height where only `free` entries are not 0; an entry that reaches 0 on the way is fixed there."""
    while True:
        at = free.nonzero()[0]
        z = np.linalg.solve(
            A[at[:, None], at] + 1e-14 * np.eye(len(at)), b[at]
        )  # + rounding: equal gradients share
        if (z > 0).all():
            u = np.zeros(len(b))
            u[at] = z
            return u
        now = u[at]
        way = np.where(z <= 0, now / np.where(z <= 0, now - z, 1.0), np.inf)
        first = way.argmin()
        u = u.copy()
        u[at] += way[first] * (z - now)
        u[at[first]], free[at[first]] = 0.0, False


def _shortest(G):
    """w of the shortest Jᵀw with w ≥ 0, Σw = 1."""
    C, n = _cosines(G)
    one = 1 / n  # J x ≥ 1 in units of each gradient: u_t · x ≥ 1/‖g_t‖
    one /= np.linalg.norm(one)
    v = solve_nonnegative(C + np.outer(one, one), one) / n
    return v / v.sum()


def _fair(where, losses, gramian, alpha):
    """w > 0 with G w = r, the gains, and log r + p log w = 0, p = 1/α: Newton's method on both, which may meet on the way.

    In units s_t = ‖g_t‖^{−2/(1+p)} of w_t, in which w = 1 solves it if all gradients are orthogonal.
    """
    G, p = _gramian(where, gramian, losses), 1 / alpha
    squares = np.diag(G)
    with np.errstate(
        all="ignore"
    ):  # what has no solution leaves the range of numbers, and is named below
        s = squares ** (-1 / (1 + p))
        A, log_κ = s[:, None] * G * s, (1 - p) * np.log(s)
        w, r = np.ones(len(G)), np.exp(log_κ)
        for _ in range(500):
            off, log_off = A @ w - r, np.log(r) - log_κ + p * np.log(w)
            if (np.abs(off) <= 1e-12 * (np.abs(A) @ w)).all() and (np.abs(log_off) <= 1e-10).all():
                return s * w
            H = A + np.diag(p * r / w)  # positive definite
            if not np.isfinite(H).all() or not w.max() < 1e7:
                break
            Δw = np.linalg.solve(H + 1e-15 * np.eye(len(G)), -off - r * log_off)
            Δr = -r * (log_off + p * Δw / w)
            way = min(1.0, 0.99 / max((-Δw / w).max(), (-Δr / r).max(), 1e-9))  # both stay positive
            w, r = w + way * Δw, r + way * Δr
    C = _cosines(G)[0]
    v = _shortest(C)
    stationary = v @ C @ v < 1e-12 or not squares.all()
    why = (
        "are at a Pareto-stationary point, where no direction is good for all tasks"
        if stationary
        else f"differ so much that none was found for α = {alpha:g}"
    )
    raise ValueError(
        f"{where}: expected the gramian of gradients that have a solution, but these {why}: {G.tolist()}"
    )


def _equal_projections(G):
    """v = C⁺ 1, and the norms: Σ v_t u_t has the same projection on every u_t (on average, where C is singular)."""
    C, n = _cosines(G)
    v = np.linalg.pinv(C, rcond=1e-12, hermitian=True) @ (np.diag(G) > 0)
    return v * (np.abs(v).max() > 1e-9), n  # of order 1, or 0 but for rounding


def _cosines(G):
    """The cosines C = G/(n nᵀ) with rows and columns of 0 for tasks without a gradient, and the norms n (for those tasks the least norm)."""
    n = np.sqrt(np.maximum(np.diag(G), 0.0))
    n = np.where(n > 0, n, n[n > 0].min() if n.any() else 1.0)
    return G / n[:, None] / n, n


def _softmax(z):
    e = np.exp(z - z.max())
    return e / e.sum()


def _losses(where, losses, positive=False):
    L = np.asarray(losses, np.float64)
    if L.ndim != 1 or not len(L):
        raise ValueError(f"{where}: losses must have shape (T,), T at least 1, got {L.shape}")
    if not np.isfinite(L).all() or positive and not (L > 0).all():
        raise ValueError(
            f"{where}: losses must be finite{' and positive' if positive else ''}, got {L}"
        )
    return L


def _gramian(where, gramian, losses):
    G, T = np.asarray(gramian, np.float64), len(_losses(where, losses))
    if G.shape != (T, T):
        raise ValueError(
            f"{where}: gramian must have shape {T, T} like the {T} losses, got {G.shape}"
        )
    squares = np.diag(G)
    if (
        not np.isfinite(G).all()
        or not (squares >= 0).all()
        or (np.abs(G - G.T) > 1e-6 * np.abs(G)).any()
        or (G * G > 1.000001 * np.outer(squares, squares)).any()
    ):
        raise ValueError(
            f"{where}: gramian must hold finite inner products, G_st = G_ts and |G_st|² ≤ G_ss G_tt, got {G.tolist()}"
        )
    return G


def _generator(where, rng, method):
    if not hasattr(rng, method):
        raise TypeError(f"{where}: rng must be a numpy.random.Generator, got {type(rng).__name__}")
    return rng
