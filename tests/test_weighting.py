"""The weighting rules: the table of their laws, cell by cell, and each rule against an oracle.

The table is read from the docstring of the module, and the rules from its `__all__`: a new rule
with a row in the table is tested without an edit here. "yes" is a property over drawn gradients,
and holds at the counterexamples of all other rules too. "no" has a counterexample below, which is
small, and has independent gradients unless the law is about others. The oracles never see the
Gramian.
"""

import copy
import inspect
import itertools
import math
import pickle
import re
from dataclasses import dataclass, replace
from functools import partial

import numeric
import numpy as np
import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from tinymtl import weighting
from tinymtl.rules import needs_gramian

seeds = st.integers(0, 2**32 - 1)
laws = settings(max_examples=30)


# The table

COLUMNS = (
    "rule",
    "scale",
    "passes",
    "100 L₁",
    "non-harm",
    "units",
    "order",
    "T = 1",
    "identical",
    "stationary",
)


def table(text):
    """{rule: {column: cell}}"""
    lines = [re.split(r"\s{2,}", line.strip()) for line in text.splitlines()]
    start = next(i for i, line in enumerate(lines) if line[:2] == ["rule", "scale"])
    rows = list(itertools.takewhile(lambda line: line != [""], lines[start + 1 :]))
    assert len({row[0] for row in rows}) == len(rows)
    return {row[0]: dict(zip(lines[start][1:], row[1:], strict=True)) for row in rows}


TABLE = table(weighting.__doc__)


def test_the_table_has_one_row_for_each_rule_and_no_other():
    assert list(TABLE) == weighting.__all__
    for row in TABLE.values():
        assert tuple(row) == COLUMNS[1:]


# The rules, and what kind they are


def is_of_chance(name):
    rule = getattr(weighting, name)
    return inspect.isclass(rule) and "rng" in inspect.signature(rule).parameters


def has_memory(name):
    rule = getattr(weighting, name)
    return inspect.isclass(rule) and hasattr(rule, "tasks")


RULES = weighting.__all__
CHANCE = [name for name in RULES if is_of_chance(name)]
MEMORY = [name for name in RULES if has_memory(name)]
OF_LOSSES = [name for name in TABLE if TABLE[name]["passes"] == "1"]
OF_GRAMIAN = [name for name in TABLE if TABLE[name]["passes"] == "T"]
BARGAINS = [name for name in TABLE if TABLE[name]["stationary"] == "error"]

# How many examples the slow ones draw. Their counterexamples are not made smaller.
FEW = {"GradNorm": 5, "nash_mtl": 15, "fairgrad": 15}


def fresh(name, rng=None):
    """A rule by name, ready to be called; those with chance get a generator."""
    rule = getattr(weighting, name)
    if not inspect.isclass(rule):
        return rule
    if not is_of_chance(name):
        return rule()
    return rule(np.random.default_rng(0) if rng is None else rng)


@dataclass
class Case:
    """Gradients J (T, P), losses (T,), and the losses with which a rule with memory began."""

    J: np.ndarray
    L: np.ndarray = None
    first: np.ndarray = None

    def __post_init__(self):
        self.J = np.array(self.J, float)
        T = len(self.J)
        self.L = np.ones(T) if self.L is None else np.array(self.L, float)
        self.first = np.ones(T) if self.first is None else np.array(self.first, float)

    @property
    def G(self):
        return self.J @ self.J.T

    @property
    def norms(self):
        return np.linalg.norm(self.J, axis=1)

    @property
    def size(self):
        return np.abs(self.J).max()

    @property
    def independent(self):
        return np.linalg.matrix_rank(self.J) == len(self.J)

    def permuted(self, order):
        return Case(self.J[order], self.L[order], self.first[order])

    def rescaled(self, t, c):
        """With another unit of loss t."""
        factors = np.where(np.arange(len(self.J)) == t, c, 1.0)
        return Case(factors[:, None] * self.J, factors * self.L, factors * self.first)


def weights(name, case, rng=None):
    """What the rule gives; one with memory is asked again until its weights have settled."""
    rule = fresh(name, rng)
    if name == "GradNorm":
        return settled_gradnorm(rule, case.first, case.L, case.G)
    if name in MEMORY:
        return settled(name, rule, case)
    return rule(case.L, case.G)


def settled(name, rule, case):
    rule.learning_rate = 1.0
    w = rule(case.first, case.G)
    for call in range(5000):
        before = w
        w = rule(case.L, case.G)
        if call > 3 and (np.abs(w - before) <= 1e-9 * w).all():
            return w
    pytest.fail(f"{name} does not settle")


def settled_gradnorm(rule, first, losses, G):
    """It steps to and fro over its resting point: the steps are made shorter and shorter."""
    rule.learning_rate = 0.0
    rule(first, G)
    for size in 0.1 * 0.75 ** np.arange(40):
        for _ in range(15):
            w = rule(losses, G)
            rule.learning_rate = size * (w / np.sqrt(np.diag(G))).min()
    return w


def step(name, case, rng=None):
    """d = Jᵀ w"""
    return case.J.T @ weights(name, case, rng)


def direction(name, case, rng=None):
    """d / ‖d‖, or 0 where d is 0 but for rounding."""
    d = step(name, case, rng)
    length = np.linalg.norm(d)
    if length <= 1e-6 * case.size:
        return np.zeros_like(d)
    return d / length


# Drawn gradients


@st.composite
def cases(draw, min_tasks=1, max_tasks=5, independent=False, solvable=False):
    """Gaussian gradients of various lengths, or small integers.

    Among the small integers, parallel, opposite and orthogonal gradients are frequent.
    """
    T = draw(st.integers(min_tasks, max_tasks))
    rng = np.random.default_rng(draw(seeds))
    P = T + draw(st.integers(0, 2)) if independent else draw(st.integers(1, 6))
    J = rng.standard_normal((T, P)) * 10 ** rng.uniform(-0.5, 0.5, (T, 1))
    if not independent and draw(st.booleans()):
        J = rng.integers(-2, 3, (T, P)).astype(float)
        J[~J.any(1), 0] = 1.0
    assume(not independent or np.linalg.cond(J) < 100)
    assume(not solvable or common_gain(J) > 0.02)
    return Case(J, rng.uniform(0.3, 3, T), rng.uniform(0.3, 3, T))


@st.composite
def orthogonal_cases(draw, max_tasks=4):
    """Orthogonal gradients of various lengths, of tasks that have all learned at one rate."""
    T = draw(st.integers(2, max_tasks))
    rng = np.random.default_rng(draw(seeds))
    P = T + draw(st.integers(0, 2))
    directions = np.linalg.qr(rng.standard_normal((P, T)))[0].T
    lengths = 10 ** rng.uniform(-0.25, 0.25, (T, 1))
    L = rng.uniform(0.3, 3, T)
    return Case(lengths * directions, L, L)


def common_gain(J):
    """The best worst cosine of a direction to the gradients, or 0 where none is good for all."""
    units = J / np.linalg.norm(J, axis=1, keepdims=True)
    return np.linalg.norm(numeric.shortest_in_hull(units))


def has_a_sum(case):
    """Whether the weights of IMTL-G, before they are divided by their sum, have one."""
    units = case.J / case.norms[:, None]
    w = np.linalg.pinv(units @ units.T, 1e-10) @ np.ones(len(units)) / case.norms
    is_in_the_range = abs(case.norms * w).max() > 1e-6  # else 1 has no part in the range of C
    return is_in_the_range and abs(w.sum()) > 1e-3 * abs(w).sum()


def drawn(name, **options):
    """Cases at which the rule has an answer."""
    if name in MEMORY:
        options = {"max_tasks": 3, **options}
    all_cases = cases(solvable=name in BARGAINS, **options)
    return all_cases.filter(has_a_sum) if name == "imtl_g" else all_cases


def has_an_answer(name, case):
    """Bargains need a common gain, IMTL-G a sum to divide by."""
    if name in BARGAINS:
        return common_gain(case.J) > 0.02
    if name == "imtl_g":
        return has_a_sum(case)
    return True


def identical(case):
    """All gradients are the first one."""
    return Case(np.tile(case.J[0], (len(case.L), 1)), case.L, case.first)


def made_stationary(case):
    """A last gradient that undoes the others: −Σ v_t g_t with v > 0."""
    v = np.random.default_rng(len(case.J)).uniform(0.3, 3, len(case.J))
    return Case(np.vstack([case.J, -v @ case.J]), [*case.L, 1.0], [*case.first, 1.0])


def cases_of(name, column, **options):
    """Cases that the law of this column speaks of."""
    if column == "T = 1":
        return cases(max_tasks=1)
    if column == "identical":
        return cases().map(identical)
    if column == "stationary":
        moving = cases(max_tasks=4).filter(lambda case: np.linalg.norm(case.J.sum(0)) > 0.1)
        return moving.map(made_stationary)
    return drawn(name, **options)


# The laws


def harms_no_task(name, case, rng=None):
    return (case.J @ direction(name, case, rng) >= -1e-6 * case.norms).all()


def ignores_units(name, case, rng=None):
    """Each loss in units a hundred times smaller and larger."""
    state = 0 if rng is None else rng
    d = direction(name, case, np.random.default_rng(state))
    for t in range(len(case.J)):
        for c in (0.01, 100.0):
            other = direction(name, case.rescaled(t, c), np.random.default_rng(state))
            if not np.linalg.norm(d - other) < 1e-4:
                return False
    return True


def follows_the_order(name, case, rng=None):
    """Where any two neighbours may change places, every order will do."""
    w = weights(name, case)
    for t in range(1, len(w)):
        order = list(range(len(w)))
        order[t - 1], order[t] = t, t - 1
        off = np.abs(weights(name, case.permuted(order)) - w[order]).max()
        if not off <= 1e-4 * np.abs(w).max() + 1e-9:
            return False
    return True


def is_along_the_first(name, case, rng=None):
    return np.linalg.norm(direction(name, case, rng) - case.J[0] / case.norms[0]) < 1e-6


def stands_still(name, case, rng=None):
    return np.linalg.norm(step(name, case, rng)) < 1e-6 * case.size


def refuses(name, case, rng=None):
    with pytest.raises(ValueError, match=f"^{name}: "):
        weights(name, case, rng)
    return True


LAWS = {
    "non-harm": harms_no_task,
    "units": ignores_units,
    "order": follows_the_order,
    "T = 1": is_along_the_first,
    "identical": is_along_the_first,
    "stationary": stands_still,
}


# Counterexamples

OPPOSED = Case([[3, 0], [-1, 1]], [2, 2], [2, 2])
CROSSED = Case([[1, 0], [0, 1]], [1, 1], [1, 1])
OBTUSE = Case([[2, 1], [-1, -1], [0, 1]], [1, 1, 1], [1, 1, 1])  # g₁ + 2 g₂ + g₃ = 0
TWINS = Case([[1, 0], [0, 1], [0, 1]])
TURNED = Case([[-3, -1, 0], [-1, 0, 0], [0, 1, 1]])  # the weights of IMTL-G have a negative sum
MAJORITY = Case([[0, 1], [0, -1], [0, -1]])  # C⁺1 is along the majority
UNEVEN = Case([[1, 0], [0, 1]], [1, 3], [2, 2])  # r^α for α = 1.5 has not the mean 1

# column -> rules -> the case at which the law does not hold for them
COUNTEREXAMPLES = {
    "non-harm": {
        ("equal", "Random", "geometric", "Uncertainty", "DWA", "stch"): OPPOSED,
        ("cagrad",): Case([[1, 0], [-2, 1]]),  # the mean, (−½, ½), may turn by 30° only
        ("aligned_mtl",): Case([[1, -3], [0, 1]]),
        ("PCGrad",): Case([[0, 1, 0], [1, -1, 0], [-2, 0, 1]]),  # in every order
        ("GradNorm",): Case([[1, 0, 0], [-2, 1, 0], [-2, 0, 1]]),  # two directions against one
        ("imtl_g",): TURNED,
        ("conflict_free",): MAJORITY,
    },
    "units": {
        ("equal", "Random", "DWA", "stch"): CROSSED,
        ("PCGrad", "mgda", "cagrad", "fairgrad", "upgrad"): CROSSED,
        ("GradNorm",): UNEVEN,  # so the lengths decide
        ("aligned_mtl",): Case([[1, 1], [0, 1]]),
        ("imtl_g",): TURNED,  # d turns around
        ("conflict_free",): MAJORITY,
    },
    "order": {
        ("Random",): CROSSED,
        ("PCGrad",): Case([[1, 0], [-1, 0], [1, 0]]),
        ("mgda", "cagrad"): TWINS,
        ("upgrad",): Case([[1], [1], [-1]]),
    },
    "T = 1": {},
    "identical": {},
    "stationary": {
        ("equal", "geometric", "Uncertainty", "DWA", "stch", "Random"): Case([[1], [-2]]),
        ("PCGrad", "GradNorm", "cagrad", "imtl_g", "conflict_free", "aligned_mtl"): OBTUSE,
        (): Case([[1], [-1]]),
    },
}


def gallery(column):
    """The counterexamples of all rules."""
    return list(COUNTEREXAMPLES[column].values())


def some_cases(column):
    """A hundred cases in which to look for a counterexample of a rule that has none above."""
    rng = np.random.default_rng(0)
    for _ in range(100):
        T = 1 if column == "T = 1" else rng.integers(2, 5)
        case = Case(rng.standard_normal((T, T + 1)), rng.uniform(0.3, 3, T), rng.uniform(0.3, 3, T))
        if column == "identical":
            case = identical(case)
        if column == "stationary":
            case = made_stationary(case)
        yield case


def counterexample(name, column):
    """The rule's own, from above; for a rule without one, the first case that breaks the law."""
    for names, case in COUNTEREXAMPLES[column].items():
        if name in names:
            return case
    want_dependent = TABLE[name][column] == "indep"
    for case in itertools.chain(gallery(column), some_cases(column)):
        if column in ("non-harm", "units", "order") and case.independent == want_dependent:
            continue
        if has_an_answer(name, case) and not LAWS[column](name, case):
            return case
    pytest.fail(f"no counterexample to {column} of {name}")


# Every cell


def examples(name, n):
    phases = [phase for phase in Phase if phase != Phase.shrink or name not in FEW]
    return settings(max_examples=n, phases=phases)


def check_always(name, column, law, max_examples=30, **options):
    """At every drawn case, and at everybody's counterexamples."""

    @examples(name, max_examples)
    @given(cases_of(name, column, **options))
    def property_(case):
        assert law(name, case)

    property_()
    for case in gallery(column):
        is_meant = case.independent or not options
        if is_meant and (column == "stationary" or has_an_answer(name, case)):
            assert law(name, case)


def check_law(name, column, cell):
    law = LAWS[column]
    few = FEW.get(name, 30)
    if cell == "yes":
        check_always(name, column, law, few)
    elif cell == "no":
        case = counterexample(name, column)
        assert case.independent or column in ("identical", "stationary")
        assert column != "order" or name not in CHANCE
        assert not law(name, case)
    elif cell == "indep":
        check_always(name, column, law, few, independent=True)
        case = counterexample(name, column)
        assert not case.independent
        assert not law(name, case)
    elif cell == "in law" and column == "order":
        assert name in CHANCE
        check_order_in_law(name)
        assert not law(name, counterexample(name, column))
    elif cell == "error" and column == "stationary":
        check_always(name, column, refuses, max_examples=3)
    else:
        pytest.fail(f"what would {cell} mean in {column}?")


def sum_is_T(w, case):
    return w.sum() - len(w)


def sum_is_1(w, case):
    return w.sum() - 1


def weighted_losses_are_their_geometric_mean(w, case):
    return sum(w * case.L) - math.prod(case.L) ** (1 / len(w))


def weighted_losses_are_half_a_task_each(w, case):
    return sum(w * case.L) - len(w) / 2


def length_is_root_T(w, case):
    return np.linalg.norm(w @ case.J) - math.sqrt(len(w))


SCALES = {
    "Σw = T": sum_is_T,
    "Σw = 1": sum_is_1,
    "ΣwL = GM": weighted_losses_are_their_geometric_mean,
    "ΣwL = T/2": weighted_losses_are_half_a_task_each,
    "|d| = √T": length_is_root_T,
}


def check_scale(name, cell):
    if cell == "none":
        return check_no_scale(name)

    @examples(name, min(15, FEW.get(name, 15)))
    @given(drawn(name))
    def property_(case):
        w = weights(name, case)
        assert abs(SCALES[cell](w, case)) < 1e-6 * max(1, np.abs(w).max())

    property_()


def check_no_scale(name):
    """None of the scales holds, and the length of d changes with the gradients or the losses."""
    three = [
        OPPOSED,
        replace(OPPOSED, J=2 * OPPOSED.J),
        replace(OPPOSED, L=OPPOSED.L / 10, first=OPPOSED.first / 10),
    ]
    for scale in SCALES.values():
        assert max(abs(scale(weights(name, case), case)) for case in three) > 0.01
    lengths = [np.linalg.norm(step(name, case)) for case in three]
    assert max(lengths) > 1.2 * min(lengths)


def check_passes(name, cell):
    """One pass without the Gramian, and without asking for it; T passes with it."""
    assert cell in ("1", "T")
    assert needs_gramian(fresh(name)) == (cell == "T")


def growth_of_the_part_of_task_1(name, case):
    """By what factor w₁‖g₁‖ grows beside each w_t‖g_t‖, if loss 1 and its gradient do by 100."""
    growth = weights(name, case.rescaled(0, 100.0)) / weights(name, case)
    return 100 * growth[0] / growth[1:]


def check_factor(name, cell):
    """A number is the factor itself; with ≥, ≤ or "varies" it is not the same in all cases."""
    seen = []
    sign, _, number = cell.rpartition(" ")
    if cell == "varies":
        sign, number = "≥", "-inf"
    number = float(number)
    # Beside one a hundred times as long, the weights of two short gradients settle too slowly.
    max_tasks = 2 if name in MEMORY else 4

    @examples(name, FEW.get(name, 30))
    @given(orthogonal_cases(max_tasks))
    def property_(case):
        factors = growth_of_the_part_of_task_1(name, case)
        seen.extend(factors)
        if sign == "≥":
            assert (factors >= number * (1 - 1e-6)).all()
        elif sign == "≤":
            assert (factors <= number * (1 + 1e-6)).all()
        else:
            np.testing.assert_allclose(factors, number, rtol=0.005)

    property_()
    if sign:
        assert max(seen) > 1.05 * min(seen)


class Given(np.random.Generator):
    """A generator that hands out the orders it is given: of 0 ... n − 1, or of n fixed numbers."""

    NUMBERS = np.array([0.3, -1.2, 0.8, 1.9, -0.4])

    def __init__(self, *orders):
        super().__init__(np.random.PCG64(0))
        self.orders = iter(orders)
        self.asked = 0

    def permutation(self, n):
        self.asked += 1
        return np.array(next(self.orders, range(n)))

    def standard_normal(self, n):
        return self.NUMBERS[self.permutation(n)]


def every_outcome(name, case):
    """The weights at all equally likely turns of chance."""
    T = len(case.L)
    trial = Given()
    weights(name, case, trial)
    turns = itertools.product(itertools.permutations(range(T)), repeat=trial.asked)
    return np.array([weights(name, case, Given(*orders)) for orders in turns])


def check_order_in_law(name):
    @settings(max_examples=6)
    @given(cases(min_tasks=2, max_tasks=3), seeds)
    def property_(case, seed):
        order = np.random.default_rng(seed).permutation(len(case.L))
        one = every_outcome(name, case)[:, order].round(6) + 0.0  # + 0.0: no −0.0
        other = every_outcome(name, case.permuted(order)).round(6) + 0.0
        np.testing.assert_allclose(sorted(one.tolist()), sorted(other.tolist()), atol=1e-5)

    property_()


FACTS = {"scale": check_scale, "passes": check_passes, "100 L₁": check_factor}


@pytest.mark.parametrize("column", COLUMNS[1:])
@pytest.mark.parametrize("name", RULES)
def test_every_cell_of_the_table_is_true(name, column):
    cell = TABLE[name][column]
    if column in FACTS:
        FACTS[column](name, cell)
    else:
        check_law(name, column, cell)


# From the losses


positive_losses = st.lists(st.floats(0.05, 20.0), min_size=1, max_size=6).map(np.array)


@laws
@given(positive_losses)
def test_equal_weights_are_all_one(L):
    assert weighting.equal(L).tolist() == [1.0] * len(L)


@laws
@given(positive_losses)
def test_geometric_is_the_gradient_of_the_geometric_mean(L):
    def geometric_mean(L):
        return np.exp(np.log(L).sum() / len(L))

    (slopes,) = numeric.complex_step(geometric_mean, L, g=1.0)
    numeric.assert_close(weighting.geometric(L), slopes)


@laws
@given(positive_losses)
def test_weights_of_geometric_are_the_mean_over_T_times_the_loss(L):
    mean = math.prod(L) ** (1 / len(L))
    numeric.assert_close(weighting.geometric(L), [mean / (len(L) * loss) for loss in L])


@laws
@given(st.integers(1, 5), seeds, st.floats(0.2, 5.0))
def test_stch_is_the_gradient_of_the_soft_maximum(T, seed, mu):
    rng = np.random.default_rng(seed)
    L = rng.uniform(-2, 3, T)
    p = rng.uniform(0.2, 3, T)
    z = rng.uniform(-1, 1, T)

    def soft_maximum(L):
        return mu * np.log(sum(np.exp(p[t] * (L[t] - z[t]) / mu) for t in range(T)))

    (slopes,) = numeric.complex_step(soft_maximum, L, g=1.0)
    numeric.assert_close(weighting.stch(L, mu=mu, preference=p, ideal=z), slopes)


@laws
@given(positive_losses, st.floats(0.2, 5.0))
def test_stch_is_the_gradient_of_what_lies_between_the_maximum_and_mu_log_T_above_it(L, mu):
    def soft_maximum(L):
        return mu * np.log(np.exp((L - L.max()) / mu).sum()) + L.max()

    assert L.max() - 1e-12 <= soft_maximum(L) <= L.max() + mu * math.log(len(L)) + 1e-12
    (slopes,) = numeric.central_differences(soft_maximum, L, g=1.0)
    numeric.assert_close(weighting.stch(L, mu=mu), slopes, 1e-7)


def test_stch_goes_from_the_worst_task_alone_to_the_mean():
    L = np.array([1.0, 2.0, 0.0])
    np.testing.assert_allclose(weighting.stch(L, mu=1e-3), [0, 1, 0], atol=1e-12)
    np.testing.assert_allclose(weighting.stch(L, mu=1e9), 1 / 3, atol=1e-8)


@laws
@given(seeds, st.integers(1, 5))
def test_under_stch_the_weights_over_the_preferences_add_up_to_one(seed, T):
    rng = np.random.default_rng(seed)
    p = rng.uniform(0.2, 3, T)
    w = weighting.stch(rng.uniform(0, 3, T), preference=p)
    assert sum(w / p) == pytest.approx(1)


@laws
@given(seeds, st.integers(1, 6))
def test_random_weights_are_T_times_the_softmax_of_standard_normals(seed, T):
    z = np.random.default_rng(seed).standard_normal(T)
    expected = [T * math.exp(z[t]) / sum(math.exp(x) for x in z) for t in range(T)]
    numeric.assert_close(weighting.Random(np.random.default_rng(seed))(np.ones(T)), expected)


def test_random_weights_are_one_on_average():
    rule = weighting.Random(np.random.default_rng(1))
    w = np.array([rule(np.ones(3)) for _ in range(4000)])
    np.testing.assert_allclose(w.mean(0), 1, atol=4 * w.std() / math.sqrt(4000))


@laws
@given(seeds, st.floats(0.001, 0.5))
def test_uncertainty_descends_the_two_printed_lines_and_not_beyond_their_least(seed, η):
    """The losses are held constant."""
    rng = np.random.default_rng(seed)
    rule = weighting.Uncertainty(regression=[0, 2], learning_rate=η)

    def total(s, L):
        first = 0.5 * np.exp(-s[0]) * L[0] + 0.5 * s[0]
        second = np.exp(-s[1]) * L[1] + 0.5 * s[1]
        third = 0.5 * np.exp(-s[2]) * L[2] + 0.5 * s[2]
        return first + second + third

    s = np.zeros(3)
    for L in rng.uniform(0.1, 5, (5, 3)):
        expected = [0.5 * math.exp(-s[0]), math.exp(-s[1]), 0.5 * math.exp(-s[2])]
        numeric.assert_close(rule(L), expected)
        (slopes,) = numeric.complex_step(partial(total, L=L), s, g=1.0)
        new = s - η * slopes
        least = np.log([L[0], 2 * L[1], L[2]])
        went_beyond = (new - least) * (s - least) < 0
        s = np.where(went_beyond, least, new)
    numeric.assert_close([rule.log_variances[t] for t in range(3)], s)


@pytest.mark.parametrize("loss", [0.01, 0.3, 4.0])
def test_uncertainty_settles_at_the_loss_for_regression_and_twice_the_loss_for_classification(loss):
    rule = weighting.Uncertainty(regression=[0], learning_rate=0.5)
    for _ in range(300):
        w = rule(np.array([loss, loss]))
    variances = np.exp(list(rule.log_variances.values()))
    np.testing.assert_allclose(variances, [loss, 2 * loss], rtol=1e-6)
    np.testing.assert_allclose(w, 1 / (2 * loss), rtol=1e-6)


def test_uncertainty_goes_on_at_a_loss_of_zero_along_the_slope_of_the_line():
    rule = weighting.Uncertainty(regression=[0], learning_rate=0.1)
    for k in range(5):
        w = rule(np.array([0.0, 0.0]))
        np.testing.assert_allclose(w, np.exp(0.05 * k) * np.array([0.5, 1.0]))
    with pytest.raises(ValueError, match="Uncertainty: losses must not be negative, got"):
        rule(np.array([1.0, -1.0]))


def test_uncertainty_of_a_huge_loss_goes_to_its_least_and_not_beyond():
    rule = weighting.Uncertainty()
    for _ in range(2):
        w = rule(np.array([1e4, 1.0]))
    assert w[0] * 1e4 == pytest.approx(0.5)


def dwa_as_printed(history, temperature, every):
    """w after the calls of `history` (calls, T), from the means of every `every` of them."""
    T = len(history[0])
    epochs = len(history) // every

    def mean(k, t):
        return sum(history[k * every + i][t] for i in range(every)) / every

    r = [1.0] * T
    if epochs >= 2:
        r = [mean(epochs - 1, t) / mean(epochs - 2, t) for t in range(T)]
    total = sum(math.exp(x / temperature) for x in r)
    return [T * math.exp(x / temperature) / total for x in r]


@laws
@given(seeds, st.integers(1, 4), st.integers(1, 3), st.floats(0.3, 5.0))
def test_dwa_compares_the_last_two_mean_losses(seed, T, every, temperature):
    history = np.random.default_rng(seed).uniform(0.2, 3, (4 * every + 1, T))
    rule = weighting.DWA(temperature, every)
    numeric.assert_close(rule(history[0]), np.ones(T))
    for k in range(1, len(history)):
        expected = dwa_as_printed(history[:k], temperature, every)
        numeric.assert_close(rule(history[k]), expected)


@laws
@given(seeds)
def test_a_task_that_joins_dwa_late_counts_as_one_whose_loss_stays_as_it_is(seed):
    """r = 1 until two means of it are known."""
    before, now = np.random.default_rng(seed).uniform(0.2, 3, (2, 2))
    rule = weighting.DWA(temperature=1.0)
    rule.tasks = ["a", "b"]
    for L in (before, now):
        rule(L)
    rule.tasks = ["a", "b", "late"]
    w = rule(np.array([*now, 7.0]))
    r = np.array([*(now / before), 1.0])
    numeric.assert_close(w, 3 * numeric.softmax(r))


def test_dwa_at_a_high_temperature_is_equal_weights():
    rule = weighting.DWA(temperature=1e9)
    for L in ([1.0, 9.0], [5.0, 1.0], [1.0, 1.0]):
        w = rule(np.array(L))
    np.testing.assert_allclose(w, 1, atol=1e-7)


# MGDA


@laws
@given(cases(max_tasks=6))
def test_mgda_is_the_shortest_point_of_all_faces_of_the_hull(case):
    expected = numeric.shortest_in_hull(case.J)
    np.testing.assert_allclose(step("mgda", case), expected, atol=1e-6 * case.size)


@laws
@given(cases(max_tasks=10))
def test_under_mgda_every_task_gains_at_least_the_squared_length(case):
    w = weights("mgda", case)
    d = case.J.T @ w
    assert (w >= 0).all()
    assert (case.J @ d >= d @ d - 1e-7 * case.size**2).all()


@laws
@given(cases(max_tasks=3, min_tasks=3))
def test_no_point_of_a_grid_over_the_hull_is_shorter_than_mgda(case):
    lengths = np.linalg.norm(numeric.simplex_grid(3, 30) @ case.J, axis=1)
    assert np.linalg.norm(step("mgda", case)) <= lengths.min() + 1e-9


@laws
@given(cases(min_tasks=2, max_tasks=2))
def test_mgda_of_two_tasks_is_the_printed_fraction_clipped(case):
    a, b = case.J
    distance = np.linalg.norm(a - b)
    assume(distance > 1e-3)
    fraction = (b @ b - a @ b) / (a @ a + b @ b - 2 * a @ b)
    w = min(max(fraction, 0), 1)
    atol = 1e-7 * (1 + case.size**2 / distance**2)
    np.testing.assert_allclose(weights("mgda", case), [w, 1 - w], atol=atol)


@laws
@given(cases(max_tasks=6))
def test_stationarity_gap_is_the_length_of_the_shortest_convex_combination(case):
    expected = np.linalg.norm(numeric.shortest_in_hull(case.J))
    gap = weighting.stationarity_gap(case.G)
    assert gap == pytest.approx(expected, abs=1e-6 * case.size)


# CAGrad


def worst_gain_bound(v, J, c):
    """g_v · g₀ + c‖g₀‖‖g_v‖: no d within c‖g₀‖ of g₀ lets every task gain more, whatever v."""
    g_0 = J.mean(0)
    g_v = v @ J
    return g_v @ g_0 + c * np.linalg.norm(g_0) * np.linalg.norm(g_v, axis=-1)


@given(st.integers(0, 2**32 - 1), st.integers(2, 5), st.integers(1, 4), st.floats(0.1, 3.0))
def test_a_task_without_a_gradient_has_the_plain_weight_in_cagrad(seed, T, P, c):
    """v minimises g_v · g₀ + c‖g₀‖‖g_v‖: weight on a zero gradient could only bring this to 0."""
    rng = np.random.default_rng(seed)
    J = rng.standard_normal((T, P))
    J[rng.integers(T)] = 0.0
    w = weighting.cagrad(np.ones(T), J @ J.T, c=c)
    without = ~J.any(1)
    np.testing.assert_allclose(w[without], 1 / T, rtol=1e-6)


@laws
@given(seeds, st.integers(2, 6), st.sampled_from([1.0, 1.5, 10.0]))
def test_cagrad_with_room_enough_harms_nobody_where_no_task_can_gain_alone(seed, T, c):
    """At a Pareto-stationary point d = 0 harms nobody, and c ≥ 1 reaches it."""
    rng = np.random.default_rng(seed)
    J = rng.standard_normal((T, T + 2))
    J[-1] = -rng.uniform(0.1, 2.0, T - 1) @ J[:-1]  # 0 is in the hull
    G = J @ J.T
    w = weighting.cagrad(np.ones(T), G, c=c)
    d = J.T @ w
    mean = J.mean(0)
    assert (J @ d).min() == pytest.approx(0, abs=1e-6 * np.diag(G).max())
    assert np.linalg.norm(d - mean) <= (c + 1e-6) * np.linalg.norm(mean)


@laws
@given(cases(max_tasks=3), st.sampled_from([0.1, 0.5, 0.9, 3.0]))
def test_worst_gain_under_cagrad_is_the_least_bound_on_a_grid(case, c):
    J = case.J
    gains = case.G @ weighting.cagrad(case.L, case.G, c=c)
    least = worst_gain_bound(numeric.simplex_grid(len(J), 60), J, c).min()
    assert gains.min() <= least + 1e-7 * case.size**2
    assert gains.min() >= least - 0.03 * (1 + c) * case.size**2 * J.shape[1]


@laws
@given(cases(max_tasks=10, independent=True), st.sampled_from([0.1, 0.5, 0.9, 3.0]))
def test_cagrad_uses_all_its_room_and_its_own_weights_prove_that_no_worst_gain_is_greater(case, c):
    mean = case.J.mean(0)
    w = weighting.cagrad(case.L, case.G, c=c)
    v = w - 1 / len(w)
    assert (v > -1e-9).all()
    distance = np.linalg.norm(case.J.T @ w - mean)
    assert distance == pytest.approx(c * np.linalg.norm(mean), rel=1e-6)
    bound = worst_gain_bound(v / v.sum(), case.J, c)
    assert (case.G @ w).min() == pytest.approx(bound, abs=1e-6 * case.size**2)


@laws
@given(cases(max_tasks=6), st.sampled_from([0.1, 0.5, 2.0]))
def test_the_worst_task_gains_under_cagrad_at_least_what_it_gains_under_the_mean(case, c):
    J = case.J
    mean = J.mean(0)
    d = J.T @ weighting.cagrad(case.L, case.G, c=c)
    assert (J @ d).min() >= (J @ mean).min() - 1e-7 * case.size**2
    assert np.linalg.norm(d - mean) <= c * np.linalg.norm(mean) + 1e-6 * case.size


@laws
@given(cases(independent=True))
def test_cagrad_goes_from_the_mean_to_the_direction_of_mgda(case):
    T = len(case.L)
    at_zero = weighting.cagrad(case.L, case.G, c=0.0)
    np.testing.assert_array_equal(at_zero, np.full(T, 1 / T))
    far = case.J.T @ weighting.cagrad(case.L, case.G, c=1e4)
    np.testing.assert_allclose(far / np.linalg.norm(far), direction("mgda", case), atol=0.01)


def test_cagrad_of_one_task_is_longer_by_the_factor_one_plus_c():
    np.testing.assert_allclose(weighting.cagrad(np.ones(1), np.array([[7.0]]), c=0.3), [1.3])


def test_cagrad_keeps_its_distance_from_the_mean_also_where_a_common_descent_is_tiny():
    J = np.array([[1.0, 1e-5], [-1.0, 1e-5]])  # the shortest vector of the hull is 1e-5 long
    mean = J.mean(0)
    d = J.T @ weighting.cagrad(np.ones(2), J @ J.T)
    assert np.linalg.norm(d - mean) == pytest.approx(0.5 * np.linalg.norm(mean), rel=1e-3)


# PCGrad and UPGrad


@laws
@given(cases(max_tasks=5), seeds)
def test_pcgrad_cuts_the_conflicting_parts_away_in_the_order_drawn(case, seed):
    rng = np.random.default_rng(seed)
    T = len(case.L)
    orders = [rng.permutation(T) for _ in range(T)]
    d = step("PCGrad", case, Given(*orders))
    expected = numeric.gradient_surgery(case.J, orders)
    np.testing.assert_allclose(d, expected, atol=1e-9 * case.size * T)


def test_pcgrad_meets_the_gradients_in_every_order_equally_often():
    outcomes = every_outcome("PCGrad", TURNED)
    rule = fresh("PCGrad", np.random.default_rng(3))
    draws = np.array([rule(TURNED.L, TURNED.G) for _ in range(1000)])
    assert distinct(draws) == distinct(outcomes)
    error = outcomes.std() / math.sqrt(1000)
    np.testing.assert_allclose(draws.mean(0), outcomes.mean(0), atol=4 * error)


def distinct(rows):
    return {tuple(row) for row in rows.round(9).tolist()}


@laws
@given(cases(min_tasks=2, max_tasks=2))
def test_pcgrad_of_two_tasks_is_twice_upgrad_and_harms_neither(case):
    d = step("PCGrad", case)
    np.testing.assert_allclose(d, 2 * step("upgrad", case), atol=1e-7 * case.size)
    assert (case.J @ d >= -1e-7 * case.size**2).all()


@laws
@given(cases(max_tasks=6))
def test_upgrad_is_the_mean_of_the_gradients_moved_to_the_nearest_point_without_harm(case):
    expected = np.mean([numeric.nearest_without_harm(case.J, g) for g in case.J], axis=0)
    np.testing.assert_allclose(step("upgrad", case), expected, atol=1e-6 * case.size)


@laws
@given(cases(max_tasks=4), seeds)
def test_upgrad_is_linear_in_the_lengths_of_the_gradients(case, seed):
    a, b = np.random.default_rng(seed).uniform(0.1, 10, (2, len(case.L), 1))

    def d(lengths):
        return step("upgrad", Case(lengths * case.J))

    np.testing.assert_allclose(d(a) + d(b), d(a + b), atol=1e-6 * 20 * case.size)


# IMTL-G, ConFIG and Aligned-MTL


@laws
@given(cases(min_tasks=2, independent=True).filter(has_a_sum))
def test_imtl_g_is_the_closed_form_of_the_paper(case):
    J = case.J
    u = J / case.norms[:, None]
    U = u[0] - u[1:]
    D = J[0] - J[1:]
    rest = J[0] @ U.T @ np.linalg.inv(D @ U.T)
    expected = np.array([1 - rest.sum(), *rest])
    atol = 1e-6 * np.abs(expected).max()
    np.testing.assert_allclose(weights("imtl_g", case), expected, atol=atol)


@laws
@given(cases(independent=True).filter(has_a_sum))
def test_under_imtl_g_the_projections_on_all_gradient_directions_are_equal(case):
    projections = case.G @ weights("imtl_g", case) / case.norms
    np.testing.assert_allclose(projections, projections[0], rtol=1e-6)


def test_imtl_g_makes_every_task_worse_where_its_sum_is_negative():
    assert (TURNED.G @ weighting.imtl_g(TURNED.L, TURNED.G) < 0).all()
    assert (TURNED.G @ weighting.conflict_free(TURNED.L, TURNED.G) > 0).all()


@laws
@given(cases(max_tasks=6))
def test_conflict_free_is_the_printed_direction_and_length(case):
    J = case.J
    u = J / case.norms[:, None]
    x = np.linalg.pinv(u, 1e-6) @ np.ones(len(u))  # the shortest x with u x = 1, or nearest to it
    length = np.linalg.norm(x)
    x = x / length if length > 1e-6 else 0 * x
    expected = (J @ x).sum() * x
    atol = 1e-5 * case.size * len(J)
    np.testing.assert_allclose(step("conflict_free", case), expected, atol=atol)


@laws
@given(cases(independent=True))
def test_conflict_free_has_the_same_cosine_to_every_gradient(case):
    ρ = case.J @ direction("conflict_free", case) / case.norms
    np.testing.assert_allclose(ρ, ρ[0], rtol=1e-6)
    assert ρ[0] > 0


@laws
@given(cases(max_tasks=6))
def test_aligned_mtl_is_the_mean_of_the_gradients_with_all_singular_values_made_the_least(case):
    U, σ, Vt = np.linalg.svd(case.J, full_matrices=False)
    rank = (σ > 1e-7 * σ[0]).sum()
    assume(σ[rank - 1] > 1e-3 * σ[0])
    aligned = σ[rank - 1] * U[:, :rank] @ Vt[:rank]
    expected = aligned.mean(0)
    np.testing.assert_allclose(step("aligned_mtl", case), expected, atol=1e-6 * case.size)


# Nash-MTL and FairGrad


@laws
@given(cases(max_tasks=10, solvable=True))
def test_under_nash_mtl_weight_times_gain_is_one(case):
    w = weights("nash_mtl", case)
    assert (w > 0).all()
    d = case.J.T @ w
    np.testing.assert_allclose(w * (case.J @ d), 1, rtol=1e-6)


@laws
@given(cases(solvable=True), seeds)
def test_no_direction_has_a_greater_product_of_gains_than_nash_mtl(case, seed):
    rng = np.random.default_rng(seed)
    d = direction("nash_mtl", case)
    others = d + 10 ** rng.uniform(-4, 1, (500, 1)) * rng.standard_normal((500, len(d)))
    others /= np.linalg.norm(others, axis=1, keepdims=True)
    gains = others @ case.J.T
    gains = gains[(gains > 0).all(1)]
    assert (np.log(gains).sum(1) <= np.log(case.J @ d).sum() + 1e-9).all()


@laws
@given(cases(min_tasks=2, max_tasks=2, solvable=True))
def test_nash_mtl_of_two_tasks_is_one_over_length_and_root_of_one_plus_cosine(case):
    a, b = case.norms
    ρ = case.J[0] @ case.J[1] / (a * b)
    expected = [1 / (n * math.sqrt(1 + ρ)) for n in (a, b)]
    np.testing.assert_allclose(weights("nash_mtl", case), expected, rtol=1e-6)


@laws
@given(cases(max_tasks=10, solvable=True), st.sampled_from([0.5, 1.0, 2.0, 5.0, 20.0]))
def test_under_fairgrad_every_gain_is_the_weight_to_minus_one_over_alpha(case, alpha):
    w = weighting.fairgrad(case.L, case.G, alpha=alpha)
    d = case.J.T @ w
    np.testing.assert_allclose(case.J @ d, [x ** (-1 / alpha) for x in w], rtol=1e-6)


@laws
@given(orthogonal_cases(), st.sampled_from([0.5, 1.0, 2.0, 5.0]))
def test_a_smaller_unit_of_a_loss_turns_fairgrad_to_its_task_below_alpha_one_and_away_above(
    case, alpha
):
    """By the factor c^{(1−α)/(1+α)}, if the gradients are orthogonal."""
    after = case.rescaled(0, 100.0)
    w = weighting.fairgrad(case.L, case.G, alpha=alpha)
    growth = weighting.fairgrad(after.L, after.G, alpha=alpha) / w
    expected = 100 ** ((1 - alpha) / (1 + alpha))
    np.testing.assert_allclose(100 * growth[0] / growth[1:], expected, rtol=1e-6)


@laws
@given(cases(solvable=True))
def test_fairgrad_with_alpha_one_is_nash_mtl_and_with_a_large_one_goes_along_mgda(case):
    w = weighting.fairgrad(case.L, case.G, alpha=1.0)
    np.testing.assert_allclose(w, weights("nash_mtl", case), rtol=1e-9)
    d = case.J.T @ weighting.fairgrad(case.L, case.G, alpha=30.0)
    np.testing.assert_allclose(d / np.linalg.norm(d), direction("mgda", case), atol=0.2)


@laws
@given(cases(max_tasks=4, solvable=True).filter(lambda case: common_gain(case.J) > 0.3))
def test_fairgrad_with_a_small_alpha_is_the_sum_moved_to_the_nearest_point_without_harm(case):
    J = case.J / case.norms[:, None]
    d = J.T @ weighting.fairgrad(case.L, J @ J.T, alpha=0.05)
    expected = numeric.nearest_without_harm(J, J.sum(0))
    assert np.linalg.norm(d - expected) <= 0.1 * len(J)


@pytest.mark.parametrize("alpha", [0.02, 0.05, 0.1])
def test_fairgrad_with_a_small_alpha_gives_weight_one_to_who_gains_and_more_to_who_would_lose(
    alpha,
):
    J = np.array([[1.0, 0.0], [-2.0, 1.0]])  # along the sum of both, the gains are (−1, 3)
    w = weighting.fairgrad(np.ones(2), J @ J.T, alpha=alpha)
    np.testing.assert_allclose(w, [2, 1], atol=0.02)


def test_fairgrad_with_the_least_alpha_is_the_sum_where_the_sum_harms_no_task():
    J = np.array([[1.0, 0.2], [0.1, 0.9], [0.5, 0.5]])
    np.testing.assert_allclose(weighting.fairgrad(np.ones(3), J @ J.T, alpha=0.02), 1, atol=0.02)


# GradNorm


@laws
@given(seeds, st.integers(2, 4), st.floats(0.0, 2.0))
def test_gradnorm_descends_the_printed_objective_with_its_targets_held(seed, T, alpha):
    rng = np.random.default_rng(seed)
    norms = rng.uniform(0.5, 3, T)
    first = rng.uniform(0.5, 2, T)
    L = rng.uniform(0.5, 2, T)
    η = 0.01
    rule = weighting.GradNorm(alpha, η)
    w = rule(first, np.diag(norms**2))
    numeric.assert_close(w, np.ones(T))

    def distance(w, targets):
        return sum(abs(w[t] * norms[t] - targets[t]) for t in range(T))

    for losses in (first, L, L):
        r = [losses[t] / first[t] for t in range(T)]
        targets = np.mean(w * norms) * np.array([(x / np.mean(r)) ** alpha for x in r])
        assume((np.abs(w * norms - targets) > 1e-4).all())
        (slope,) = numeric.central_differences(partial(distance, targets=targets), w, g=1.0)
        expected = w - η * slope
        if losses is not first:
            rule(losses, np.diag(norms**2))
        # To ask for the weights is to update them again, so a copy is asked.
        w = copy.deepcopy(rule)(losses, np.diag(norms**2))
        numeric.assert_close(w, expected * T / expected.sum(), 1e-7)


@settings(max_examples=10)
@given(seeds, st.integers(1, 3), st.sampled_from([0.0, 1.0, 1.5]))
def test_gradnorm_rests_where_weighted_norms_follow_the_training_rates(seed, T, alpha):
    """If α is 0 or 1, or the rates are equal."""
    rng = np.random.default_rng(seed)
    norms = rng.uniform(0.7, 2, T)
    first = rng.uniform(0.8, 1.25, T)
    L = rng.uniform(0.8, 1.25, T)
    if alpha not in (0, 1):
        L = 0.7 * first
    w = settled_gradnorm(weighting.GradNorm(alpha), first, L, np.diag(norms**2))
    expected = (L / first) ** alpha / norms
    np.testing.assert_allclose(w, T * expected / expected.sum(), rtol=1e-3)


def test_gradnorm_with_another_alpha_rests_elsewhere_since_its_targets_do_not_sum_to_the_norms():
    """r = (½, 3/2), α = 1.5: both targets together are 2.19 n̄.

    So both weights rise, in the proportion of the norms, and not to (0.73, 1.27), in proportion to
    r^α / ‖g‖.
    """
    L = np.array([0.5, 1.5])
    w = settled_gradnorm(weighting.GradNorm(1.5), np.ones(2), L, np.diag([1.0, 9.0]))
    np.testing.assert_allclose(w, [0.5, 1.5], atol=0.05)


# What many draws show


def test_two_tasks_whatever_ignores_units_and_order_points_along_the_bisector():
    rng = np.random.default_rng(0)
    for _ in range(8):
        case = Case(rng.standard_normal((2, 4)) * 10 ** rng.uniform(-1, 1, (2, 1)))
        units = Case(case.J / case.norms[:, None])
        bisector = units.J.sum(0) / np.linalg.norm(units.J.sum(0))
        for name in ("nash_mtl", "imtl_g", "conflict_free", "GradNorm"):
            np.testing.assert_allclose(direction(name, case), bisector, atol=1e-4)
        for name in ("mgda", "PCGrad", "upgrad"):
            np.testing.assert_allclose(direction(name, units), bisector, atol=1e-4)


def share_harmed(name, gradients):
    """How often a rule raises the loss of some task, over many J (T, P)."""
    rule = fresh(name)
    harmed = 0
    for J in gradients:
        d = J.T @ rule(np.ones(len(J)), J @ J.T)
        harmed += (J @ d < -1e-9).any()
    return harmed / len(gradients)


@pytest.mark.parametrize(
    ("name", "share"),
    [("PCGrad", 0.13), ("aligned_mtl", 0.19), ("imtl_g", 0.036), ("mgda", 0), ("upgrad", 0)],
)
def test_share_of_three_gaussian_gradients_in_three_dimensions_that_a_rule_harms(name, share):
    n = 1500 if share else 500
    got = share_harmed(name, np.random.default_rng(0).standard_normal((n, 3, 3)))
    if share == 0:
        assert got == 0
    else:
        assert abs(got - share) <= 3.5 * math.sqrt(share * (1 - share) / n) + 0.005


def test_more_dimensions_leave_almost_no_harm_to_pcgrad():
    gradients = np.random.default_rng(0).standard_normal((1000, 3, 10))
    assert share_harmed("PCGrad", gradients) < 0.01


def test_in_more_than_half_of_all_draws_of_three_gaussian_gradients_the_order_changes_pcgrad():
    n = 800
    changed = 0
    for J in np.random.default_rng(0).standard_normal((n, 3, 3)):
        ahead = weights("PCGrad", Case(J), Given(*[(0, 1, 2)] * 3))
        back = weights("PCGrad", Case(J), Given(*[(2, 1, 0)] * 3))
        changed += np.abs(ahead - back).max() > 1e-9
    assert abs(changed / n - 0.59) < 3.5 * math.sqrt(0.59 * 0.41 / n) + 0.005


@laws
@given(cases())
def test_geometric_and_settled_uncertainty_are_one_family_that_adds_the_relative_gradients(case):
    relative = sum(g / loss for g, loss in zip(case.J, case.L, strict=True))
    length = np.linalg.norm(relative)
    assume(length > 1e-3)
    for name in ("geometric", "Uncertainty"):
        np.testing.assert_allclose(direction(name, case), relative / length, atol=1e-5)


# Hard gradients


@st.composite
def hard_jacobians(draw):
    """One to ten gradients, some of them 0, parallel, opposite, identical, or 1e8 times as long."""
    rng = np.random.default_rng(draw(seeds))
    T = draw(st.integers(1, 10))
    P = draw(st.integers(1, 8))
    if draw(st.booleans()):
        J = rng.standard_normal((T, P))
    else:
        J = rng.integers(-2, 3, (T, P)).astype(float)
    for _ in range(draw(st.integers(0, 3))):
        factor = draw(st.sampled_from([0.0, 1.0, -1.0, 3.7, -0.3]))
        J[rng.integers(T)] = J[rng.integers(T)] * factor
    powers = draw(st.sampled_from([[0.0], [-8.0, 8.0], [-8.0], [8.0], [0.0, -8.0, 8.0]]))
    return J * 10 ** rng.choice(powers, (T, 1))


def finite_or_refused(name, J, rule=None):
    rule = rule or fresh(name)
    try:
        w = rule(np.ones(len(J)), J @ J.T)
    except ValueError as error:
        assert str(error).startswith(f"{name}: ")
    else:
        assert w.shape == (len(J),)
        assert w.dtype == np.float64
        assert np.isfinite(w).all()


@pytest.mark.parametrize("name", OF_GRAMIAN)
def test_hard_gradients_get_finite_weights_or_are_refused_by_name(name):
    @settings(max_examples=6 if name in BARGAINS else 60)
    @given(hard_jacobians())
    def property_(J):
        finite_or_refused(name, J)

    property_()


SMALL_HARD = {
    "zero": [[0, 0], [0, 0]],
    "one zero": [[0, 0], [1, 2]],
    "opposite": [[1, 0], [-1, 0]],
    "opposite and unequal": [[1, 0], [-2, 0]],
    "opposite beside a third": [[1, 0], [-1, 0], [0, 1]],
    "identical": [[1, 2], [1, 2]],
    "parallel": [[1, 2], [2, 4]],
    "long beside short": [[1, 1], [0, 1e8]],
    "parallel and long": [[1, 0], [1e8, 0]],
    "short": [[1e-8, 0], [-1e-8, 1e-8]],
    "opposite to rounding": [[0.3, 0.7, 0.11], [-0.9, -2.1, -0.33]],
    "one zero task": [[0]],
}


@pytest.mark.parametrize("kind", SMALL_HARD)
@pytest.mark.parametrize("name", OF_GRAMIAN)
def test_the_smallest_hard_gradients_get_finite_weights_or_are_refused_by_name(name, kind):
    finite_or_refused(name, np.array(SMALL_HARD[kind], float))


@pytest.mark.parametrize("kind", SMALL_HARD)
@pytest.mark.parametrize(
    "options", [{"alpha": 0.02}, {"alpha": 0.1}, {"alpha": 30.0}, {"c": 1e-3}, {"c": 10.0}]
)
def test_the_ends_of_an_option_get_finite_weights_or_are_refused_by_name(options, kind):
    name = "cagrad" if "c" in options else "fairgrad"
    rule = partial(getattr(weighting, name), **options)
    finite_or_refused(name, np.array(SMALL_HARD[kind], float), rule)


def test_gradients_that_a_small_alpha_makes_singular_are_refused_by_name():
    J = np.outer([2.7, -2.6, -0.1, 11.2, -1.8, 0.1, -2.5], [0.6, 0.8])
    for alpha in (0.02, 0.05, 0.1, 0.2):
        rule = partial(weighting.fairgrad, alpha=alpha)
        finite_or_refused("fairgrad", J, rule)


OPPOSITE_LENGTHS = [(1.0, 1.0), (1.0, 3.0), (3.0, 7.0), (0.1, 0.3), (math.pi, math.e)]


def test_opposite_gradients_have_no_impartial_weights_however_long_they_are():
    g = np.array([0.3, 0.7, 0.11])
    for a, b in OPPOSITE_LENGTHS:
        J = np.array([a * g, -b * g])
        with pytest.raises(ValueError, match="^imtl_g: "):
            weighting.imtl_g(np.ones(2), J @ J.T)


@pytest.mark.parametrize("name", ["mgda", "upgrad", "conflict_free"])
def test_opposite_gradients_stand_still(name):
    g = np.array([0.3, 0.7, 0.11])
    for a, b in OPPOSITE_LENGTHS:
        assert np.linalg.norm(step(name, Case([a * g, -b * g]))) < 1e-6


def test_a_gain_without_loss_to_others_does_not_move_mgda_and_no_bargain_is_struck():
    case = Case([[1, 0], [-1, 0], [0, 1]])  # along (0, 1) the third gains, the others lose nothing
    np.testing.assert_allclose(step("mgda", case), 0, atol=1e-9)
    np.testing.assert_allclose(step("upgrad", case), [0, 1 / 3], atol=1e-9)
    for name in ("nash_mtl", "fairgrad"):
        refuses(name, case)


@pytest.mark.parametrize("name", ["imtl_g", "conflict_free"])
def test_a_task_without_a_gradient_gets_no_weight_and_changes_none(name):
    w = weights(name, Case([[3, 0], [-1, 1], [0, 0]]))
    np.testing.assert_allclose(w, [*weights(name, OPPOSED), 0], atol=1e-12)


@pytest.mark.parametrize("name", RULES)
def test_losses_far_apart_get_finite_weights(name):
    rule = fresh(name)
    for L in ([1e-8, 1e8], [1e8, 1e-8], [1.0, 1.0]):
        assert np.isfinite(rule(np.array(L), np.eye(2))).all()


# Memory and chance


def remembering(name):
    return weighting.Uncertainty(["a"], 0.1) if name == "Uncertainty" else fresh(name)


def ask(rule, names, losses, norms):
    """One call about some tasks, by name."""
    rule.tasks = list(names)
    w = rule(np.array([losses[t] for t in names]), np.diag([norms[t] ** 2 for t in names]))
    return dict(zip(names, w.tolist(), strict=True))


def story(seed, n=8):
    """The losses by task in each of n calls, and the lengths of the gradients, which stay."""
    rng = np.random.default_rng(seed)
    losses = [dict(zip("abc", L.tolist(), strict=True)) for L in rng.uniform(0.5, 2, (n, 3))]
    norms = dict(zip("abc", rng.uniform(0.5, 3, 3), strict=True))
    return losses, norms


@pytest.mark.parametrize("name", MEMORY)
@laws
@given(seed=seeds)
def test_the_order_of_the_rows_is_of_no_account_when_they_have_names(name, seed):
    losses, norms = story(seed)
    rng = np.random.default_rng(seed)
    one = remembering(name)
    other = remembering(name)
    for L in losses:
        expected = ask(one, "abc", L, norms)
        order = rng.permutation(list("abc")).tolist()
        assert ask(other, order, L, norms) == pytest.approx(expected)


@pytest.mark.parametrize("name", MEMORY)
@laws
@given(seed=seeds)
def test_calls_without_a_task_leave_what_is_known_of_it(name, seed):
    losses, norms = story(seed)
    rule = remembering(name)
    for L in losses:
        ask(rule, "abc", L, norms)
    before = state_of(rule, "b")
    for L in losses:
        ask(rule, "ac", L, norms)
    assert state_of(rule, "b") == before


def state_of(rule, task):
    """All that is remembered of it, one number after the other."""
    return np.hstack([np.ravel(known[task]) for known in memories(rule)]).tolist()


def memories(rule):
    """The dicts by task of a rule."""
    return [known for known in vars(rule).values() if isinstance(known, dict)]


@laws
@given(seeds)
def test_uncertainty_and_dwa_learn_of_each_task_from_its_own_calls_alone(seed):
    losses, norms = story(seed)
    rng = np.random.default_rng(seed)
    for name in ("Uncertainty", "DWA"):
        all_ = remembering(name)
        alone = remembering(name)
        for L in losses:
            present = [t for t in "abc" if rng.random() < 0.6] or ["b"]
            ask(all_, present, L, norms)
            if "a" in present:
                ask(alone, "a", L, norms)
        ask(all_, "ab", losses[0], norms)
        ask(alone, "a", losses[0], norms)
        assert state_of(all_, "a") == pytest.approx(state_of(alone, "a"))


def test_a_call_with_one_task_alone_does_not_change_its_weight_beside_the_others_in_gradnorm():
    rule = weighting.GradNorm()
    norms = {"a": 5.0, "b": 1.0}
    L = {"a": 1.0, "b": 1.0}
    for _ in range(4):
        ask(rule, "ab", L, norms)
    expected = ask(copy.deepcopy(rule), "ab", L, norms)
    ask(rule, "a", L, norms)
    assert ask(rule, "ab", L, norms) == pytest.approx(expected)


@pytest.mark.parametrize("name", MEMORY)
def test_without_names_the_tasks_are_numbered(name):
    one = fresh(name)
    other = fresh(name)
    other.tasks = [0, 1, 2]
    losses, norms = story(0)
    G = np.diag(np.array(list(norms.values())) ** 2)
    for by_task in losses:
        L = np.array(list(by_task.values()))
        np.testing.assert_array_equal(one(L, G), other(L, G))
    for known in memories(one):
        assert list(known) == [0, 1, 2]


MIXED = np.array([[2.0, -1.0, -0.5], [-1.0, 2.0, 0.3], [-0.5, 0.3, 1.0]])  # a Gramian


def pickled(rule):
    return pickle.loads(pickle.dumps(rule))


@pytest.mark.parametrize("copied", [copy.deepcopy, pickled])
@pytest.mark.parametrize("name", [*MEMORY, *CHANCE])
def test_a_copy_goes_on_alike_and_alone(name, copied):
    losses = np.random.default_rng(0).uniform(0.5, 2, (6, 3))
    rule = fresh(name)
    for L in losses[:3]:
        rule(L, MIXED)
    one = copied(rule)
    other = copied(rule)
    for L in losses:
        one(L[::-1], MIXED)
    for L in losses[3:]:
        np.testing.assert_array_equal(rule(L, MIXED), other(L, MIXED))


@pytest.mark.parametrize("name", [*MEMORY, *CHANCE])
def test_two_rules_share_no_memory(name):
    G = np.array([[2.0, -1.0], [-1.0, 3.0]])
    L = np.array([1.0, 2.0])
    expected = fresh(name)(L, G)
    other = fresh(name)
    for _ in range(3):
        other(np.array([3.0, 1.0]), G)
    np.testing.assert_array_equal(fresh(name)(L, G), expected)


@pytest.mark.parametrize("name", CHANCE)
def test_the_same_seed_gives_the_same_weights_to_the_last_bit(name):
    J = np.random.default_rng(0).standard_normal((4, 3))
    one = fresh(name, np.random.default_rng(7))
    other = fresh(name, np.random.default_rng(7))
    for _ in range(5):
        assert one(np.ones(4), J @ J.T).tobytes() == other(np.ones(4), J @ J.T).tobytes()


@pytest.mark.parametrize("name", RULES)
def test_arguments_are_left_alone_and_weights_are_new_float64(name):
    rule = fresh(name)
    L = np.array([1.0, 2.0, 0.5])
    G = MIXED.copy()
    L.flags.writeable = False
    G.flags.writeable = False
    w = rule(L, G)
    before = w.copy()
    assert w.dtype == np.float64
    assert w.flags.writeable
    rule(2 * L[::-1], 3 * G)
    np.testing.assert_array_equal(w, before)
    w[:] = np.nan
    assert np.isfinite(rule(L, G)).all()


@pytest.mark.parametrize("name", RULES)
def test_integers_and_lists_and_single_precision_are_taken(name):
    L = np.array([2.0, 1.0])
    expected = fresh(name)(L, OPPOSED.G)
    for kind in (int, np.float32):
        w = fresh(name)(L.astype(kind), OPPOSED.G.astype(kind))
        assert w.dtype == np.float64
        np.testing.assert_allclose(w, expected)
    w = fresh(name)([2, 1], [[9, -3], [-3, 2]])
    assert w.dtype == np.float64
    np.testing.assert_allclose(w, expected)


@pytest.mark.parametrize("name", OF_LOSSES)
def test_a_rule_of_the_losses_does_without_the_gramian(name):
    L = np.array([1.0, 2.0])
    np.testing.assert_array_equal(fresh(name)(L), fresh(name)(L, np.eye(2)))


# Bad input


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("losses", [1.0, [], [[1.0, 2.0]], [1.0, math.nan], [math.inf, 1.0]])
def test_losses_must_be_finite_numbers_one_for_each_task(name, losses):
    with pytest.raises(ValueError, match=f"^{name}: losses must .*, got "):
        fresh(name)(np.array(losses), np.eye(2))


@pytest.mark.parametrize("name", ["geometric", "DWA", "GradNorm"])
@pytest.mark.parametrize("loss", [0.0, -1.0])
def test_rules_that_divide_by_the_losses_want_them_positive(name, loss):
    with pytest.raises(ValueError, match=f"^{name}: losses must be finite and positive, got "):
        fresh(name)(np.array([1.0, loss]), np.eye(2))


@pytest.mark.parametrize("name", OF_GRAMIAN)
@pytest.mark.parametrize(
    "G",
    [
        np.eye(3),
        np.ones(2),
        np.ones((2, 3)),
        np.array([[1, math.nan], [0, 1]]),
        np.diag([1.0, -1.0]),
        np.diag([np.inf, 1]),
    ],
)
def test_gramian_must_be_finite_and_have_a_row_for_each_task(name, G):
    with pytest.raises(ValueError, match=f"^{name}: gramian must .*, got "):
        fresh(name)(np.ones(2), G)


@pytest.mark.parametrize("name", OF_GRAMIAN)
def test_a_gramian_holds_inner_products(name):
    not_symmetric = np.array([[1.0, 0.5], [0.4, 1.0]])
    cosine_of_two = np.array([[1.0, 2.0], [2.0, 1.0]])
    for G in (not_symmetric, cosine_of_two):
        with pytest.raises(ValueError, match=f"^{name}: gramian must hold inner products .*, got "):
            fresh(name)(np.ones(2), G)


def test_the_gramian_of_the_stationarity_gap_is_square():
    with pytest.raises(ValueError, match="^stationarity_gap: gramian must have shape .*got"):
        weighting.stationarity_gap(np.ones((2, 3)))


@pytest.mark.parametrize(
    ("name", "option", "value", "message"),
    [
        ("stch", "mu", 0.0, "mu must be finite and positive, got 0.0"),
        ("stch", "mu", math.nan, "mu .*got nan"),
        ("stch", "preference", [1.0, -1.0], "preference must be positive, got"),
        ("stch", "preference", np.ones(3), "preference must be a finite number or 2 of them, got"),
        ("stch", "ideal", math.inf, "ideal must be a finite number or 2 of them, got inf"),
        ("Uncertainty", "learning_rate", -1.0, "learning_rate must be .*got -1.0"),
        ("Uncertainty", "learning_rate", math.nan, "learning_rate must be .*got nan"),
        ("DWA", "temperature", 0.0, "temperature must be positive, got 0.0"),
        ("DWA", "temperature", math.nan, "temperature must be positive, got nan"),
        ("DWA", "every", 0, "every must be a whole number, at least 1; got 0"),
        ("DWA", "every", 1.5, "every must be a whole number, at least 1; got 1.5"),
        ("GradNorm", "alpha", -1.0, "alpha must be .*got -1.0"),
        ("GradNorm", "learning_rate", math.inf, "learning_rate must be .*got inf"),
        ("cagrad", "c", -0.1, "c must be .*got -0.1"),
        ("cagrad", "c", math.nan, "c must be .*got nan"),
        ("fairgrad", "alpha", 0.0, "alpha must be in .*got 0.0"),
        ("fairgrad", "alpha", math.nan, "alpha must be in .*got nan"),
    ],
)
def test_a_bad_option_is_refused_with_what_was_expected_and_got(name, option, value, message):
    rule = getattr(weighting, name)
    with pytest.raises(ValueError, match=f"^{name}: {message}"):
        if inspect.isclass(rule):
            rule(**{option: value})
        else:
            rule(np.ones(2), np.eye(2), **{option: value})


@pytest.mark.parametrize("name", CHANCE)
def test_chance_comes_from_a_generator(name):
    with pytest.raises(TypeError, match=f"^{name}: rng must be a numpy.random.Generator, got int"):
        getattr(weighting, name)(0)


def test_the_regressions_of_uncertainty_are_names_and_not_one_string():
    with pytest.raises(TypeError, match=r"^Uncertainty: regression must be names .*\['price'\]"):
        weighting.Uncertainty("price")


def test_a_weight_of_gradnorm_must_not_become_negative():
    rule = weighting.GradNorm(learning_rate=10.0)
    with pytest.raises(ValueError, match="^GradNorm: learning_rate must keep all weights positive"):
        rule(np.ones(2), np.diag([9.0, 1.0]))


@pytest.mark.parametrize("name", MEMORY)
def test_as_many_losses_as_names_are_asked_for(name):
    rule = fresh(name)
    rule.tasks = ["a", "b"]
    message = rf"^{name}: losses must be those of the tasks \['a', 'b'\], got 3"
    with pytest.raises(ValueError, match=message):
        rule(np.ones(3), np.eye(3))
