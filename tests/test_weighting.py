"""The weighting rules: the table of their laws, cell by cell, and each rule against an oracle that never sees the Gramian.

The table is read from the docstring of the module. "yes" is a property over drawn gradients, and holds at the counterexamples
of all other rules too; "no" needs a counterexample below: small, with independent gradients unless the law is about others.
"""

import copy
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

seeds = st.integers(0, 2**32 - 1)
laws = settings(max_examples=30)
RULES = weighting.__all__
CHANCE, MEMORY, OF_LOSSES = (
    ("Random", "PCGrad"),
    ("Uncertainty", "DWA", "GradNorm"),
    ("equal", "geometric", "stch", "Random", "Uncertainty", "DWA"),
)
BARGAINS = ("nash_mtl", "fairgrad")
SLOW = (*BARGAINS, "GradNorm")  # so slow that counterexamples are not made smaller


def fresh(name, rng=None):
    """A rule by name, ready to be called; those with chance get a generator."""
    rule = getattr(weighting, name)
    if name in CHANCE:
        return rule(np.random.default_rng(0) if rng is None else rng)
    return rule() if name in MEMORY else rule


@dataclass
class Case:
    """Gradients J (T, P), losses (T,), and the losses with which a rule with memory began."""

    J: np.ndarray
    L: np.ndarray = None
    first: np.ndarray = None

    def __post_init__(self):
        self.J = np.array(self.J, float)
        self.L, self.first = (
            np.ones(len(self.J)) if x is None else np.array(x, float) for x in (self.L, self.first)
        )

    @property
    def independent(self):
        return np.linalg.matrix_rank(self.J) == len(self.J)

    def permuted(self, order):
        return Case(self.J[order], self.L[order], self.first[order])

    def rescaled(self, t, c):
        factors = np.where(np.arange(len(self.J)) == t, c, 1.0)
        return Case(factors[:, None] * self.J, factors * self.L, factors * self.first)


def weights(name, case, rng=None):
    """What the rule gives; one with memory is asked again until its weights have settled."""
    rule, G = fresh(name, rng), case.J @ case.J.T
    if name == "GradNorm":
        return settled_gradnorm(rule, case.first, case.L, G)
    if name in MEMORY:
        rule.learning_rate = 1.0
        w = rule(case.first, G)
        for call in range(5000):
            before, w = w, rule(case.L, G)
            if call > 3 and (np.abs(w - before) <= 1e-9 * w).all():
                return w
        pytest.fail(f"{name} does not settle")
    return rule(case.L, G)


def settled_gradnorm(rule, first, losses, G):
    """It steps to and fro over its resting point: the steps are made shorter and shorter."""
    rule.learning_rate = 0.0
    rule(first, G)
    for step in 0.1 * 0.75 ** np.arange(40):
        for _ in range(15):
            w = rule(losses, G)
            rule.learning_rate = step * (w / np.sqrt(np.diag(G))).min()
    return w


def direction(name, case, rng=None):
    d = case.J.T @ weights(name, case, rng)
    return (
        d / np.linalg.norm(d)
        if np.linalg.norm(d) > 1e-6 * np.abs(case.J).max()
        else np.zeros_like(d)
    )


@st.composite
def cases(draw, min_tasks=1, max_tasks=5, independent=False, solvable=False):
    """Gaussian gradients of various lengths, or small integers: parallel, opposite and orthogonal ones are then frequent."""
    T, rng = draw(st.integers(min_tasks, max_tasks)), np.random.default_rng(draw(seeds))
    P = T + draw(st.integers(0, 2)) if independent else draw(st.integers(1, 6))
    J = rng.standard_normal((T, P)) * 10 ** rng.uniform(-0.5, 0.5, (T, 1))
    if not independent and draw(st.booleans()):
        J = rng.integers(-2, 3, (T, P)).astype(float)
        J[~J.any(1), 0] = 1.0
    assume(not independent or np.linalg.cond(J) < 100)
    assume(not solvable or common_gain(J) > 0.02)
    return Case(J, rng.uniform(0.3, 3, T), rng.uniform(0.3, 3, T))


def common_gain(J):
    """The best worst cosine of a direction to the gradients, or 0 where none is good for all."""
    return np.linalg.norm(numeric.shortest_in_hull(J / np.linalg.norm(J, axis=1, keepdims=True)))


def drawn(name, **options):
    """Cases at which the rule has an answer: bargains need a common gain, IMTL-G a sum to divide by."""
    cases_ = cases(solvable=name in BARGAINS, **options)
    return cases_.filter(has_a_sum) if name == "imtl_g" else cases_


def has_a_sum(case):
    n = np.linalg.norm(case.J, axis=1)
    v = np.linalg.pinv(case.J / n[:, None] @ (case.J / n[:, None]).T, 1e-10) @ np.ones(len(n)) / n
    return (
        abs(v.sum()) > 1e-3 * abs(v).sum() and abs(n * v).max() > 1e-6
    )  # v = 0 to rounding: 1 is not in the range


# The table

COLUMNS = (
    "rule",
    "scale",
    "non-harm",
    "rescaling",
    "permutation",
    "one task",
    "identical",
    "stationary",
)


def table(text=weighting.__doc__):
    """{rule: {column: cell}}"""
    lines = [re.split(r"\s{2,}", line.strip()) for line in text.splitlines()]
    start = next(i for i, line in enumerate(lines) if line[:2] == ["rule", "scale"])
    rows = list(itertools.takewhile(lambda line: line != [""], lines[start + 1 :]))
    assert len({row[0] for row in rows}) == len(rows)
    return {row[0]: dict(zip(lines[start][1:], row[1:], strict=True)) for row in rows}


OPPOSED = Case([[3, 0], [-1, 1]], [2, 2], [2, 2])
CROSSED = Case([[1, 0], [0, 1]], [1, 1], [1, 1])
OBTUSE = Case([[2, 1], [-1, -1], [0, 1]], [1, 1, 1], [1, 1, 1])  # g₁ + 2 g₂ + g₃ = 0
TWINS = Case([[1, 0], [0, 1], [0, 1]])
COUNTEREXAMPLES = {
    "non-harm": {
        ("equal", "Random", "geometric", "Uncertainty", "DWA", "stch"): OPPOSED,
        ("cagrad",): Case([[1, 0], [-2, 1]]),  # the mean, (−½, ½), may turn by 30° only
        ("aligned_mtl",): Case([[1, -3], [0, 1]]),
        ("PCGrad",): Case([[0, 1, 0], [1, -1, 0], [-2, 0, 1]]),  # in every order
        ("GradNorm",): Case([[1, 0, 0], [-2, 1, 0], [-2, 0, 1]]),  # two directions against one
        ("imtl_g",): Case([[-3, -1, 0], [-1, 0, 0], [0, 1, 1]]),
        ("conflict_free",): Case([[0, 1], [0, -1], [0, -1]]),  # C⁺1 is along the majority
    },
    "rescaling": {
        ("GradNorm",): Case(
            [[1, 0], [0, 1]], [1, 3], [2, 2]
        ),  # r^α for α = 1.5 has not the mean 1, so the lengths decide
        (
            "equal",
            "Random",
            "DWA",
            "stch",
            "PCGrad",
            "mgda",
            "cagrad",
            "fairgrad",
            "upgrad",
        ): CROSSED,
        ("aligned_mtl",): Case([[1, 1], [0, 1]]),
        ("imtl_g",): Case([[-3, -1, 0], [-1, 0, 0], [0, 1, 1]]),  # d turns around
        ("conflict_free",): Case([[0, 1], [0, -1], [0, -1]]),
    },
    "permutation": {
        ("Random",): CROSSED,
        ("PCGrad",): Case([[1, 0], [-1, 0], [1, 0]]),
        ("mgda", "cagrad"): TWINS,
        ("upgrad",): Case([[1], [-1], [1]]),
    },
    "one task": {},
    "identical": {},
    "stationary": {
        ("equal", "geometric", "Uncertainty", "DWA", "stch", "Random"): Case([[1], [-2]]),
        ("PCGrad", "GradNorm", "cagrad", "imtl_g", "conflict_free", "aligned_mtl"): OBTUSE,
        (): Case([[1], [-1]]),
    },
}


def gallery(column):
    return list(COUNTEREXAMPLES[column].values())


def counterexample(name, column):
    found = [case for names, case in COUNTEREXAMPLES[column].items() if name in names]
    assert found, f"no counterexample to {column} of {name}"
    return found[0]


def harms_no_task(name, case, rng=None):
    return (case.J @ direction(name, case, rng) >= -1e-6 * np.linalg.norm(case.J, axis=1)).all()


def ignores_units(name, case, rng=None):
    """Each loss in units a hundred times smaller and larger."""
    state = 0 if rng is None else rng
    d = direction(name, case, np.random.default_rng(state))
    others = [
        direction(name, case.rescaled(t, c), np.random.default_rng(state))
        for t in range(len(case.J))
        for c in (0.01, 100.0)
    ]
    return all(np.linalg.norm(d - other) < 1e-4 for other in others)


def follows_the_order(name, case, rng=None):
    w = weights(name, case)
    orders = itertools.islice(itertools.permutations(range(len(w))), 1, 6)
    return all(
        np.abs(weights(name, case.permuted(list(p))) - w[list(p)]).max()
        <= 1e-4 * np.abs(w).max() + 1e-9
        for p in orders
    )


def is_along_the_first(name, case, rng=None):
    return np.linalg.norm(direction(name, case, rng) - case.J[0] / np.linalg.norm(case.J[0])) < 1e-6


def stands_still(name, case, rng=None):
    return np.linalg.norm(case.J.T @ weights(name, case, rng)) < 1e-6 * np.abs(case.J).max()


def refuses(name, case, rng=None):
    with pytest.raises(ValueError, match=f"^{name}: "):
        weights(name, case, rng)
    return True


def identical(case):
    return Case(np.tile(case.J[0], (len(case.L), 1)), case.L, case.first)


def made_stationary(case):
    """A last gradient that undoes the others: −Σ v_t g_t with v > 0."""
    v = np.random.default_rng(len(case.J)).uniform(0.3, 3, len(case.J))
    return Case(np.vstack([case.J, -v @ case.J]), [*case.L, 1.0], [*case.first, 1.0])


LAWS = {
    "non-harm": harms_no_task,
    "rescaling": ignores_units,
    "permutation": follows_the_order,
    "one task": is_along_the_first,
    "identical": is_along_the_first,
    "stationary": stands_still,
}


def cases_of(name, column, **options):
    if column == "one task":
        return cases(max_tasks=1)
    if column == "identical":
        return cases().map(identical)
    if column == "stationary":
        return (
            cases(max_tasks=4)
            .filter(lambda case: np.linalg.norm(case.J.sum(0)) > 0.1)
            .map(made_stationary)
        )
    return drawn(name, max_tasks=3 if name in MEMORY else 5, **options)


def answerable(name, column, case):
    return (
        column == "stationary"
        or (name not in BARGAINS or common_gain(case.J) > 0.02)
        and (name != "imtl_g" or has_a_sum(case))
    )


def examples(name, n):
    return settings(
        max_examples=n,
        phases=[phase for phase in Phase if phase != Phase.shrink or name not in SLOW],
    )


def check_always(name, column, law, max_examples=30, **options):
    """At every drawn case, and at everybody's counterexamples."""

    @examples(name, max_examples)
    @given(cases_of(name, column, **options))
    def property_(case):
        assert law(name, case)

    property_()
    for case in gallery(column):
        assert (
            options
            and not case.independent
            or not answerable(name, column, case)
            or law(name, case)
        )


def check_cell(name, column, cell):
    if column == "scale":
        return check_scale(name, cell)
    law, few = LAWS[column], {"GradNorm": 5, "nash_mtl": 15, "fairgrad": 15}.get(name, 30)
    if cell == "yes":
        check_always(name, column, law, few)
    elif cell == "no":
        case = counterexample(name, column)
        assert case.independent or column == "stationary"
        assert column != "permutation" or name not in CHANCE
        assert not law(name, case)
    elif cell == "indep":
        check_always(name, column, law, few, independent=True)
        assert not counterexample(name, column).independent
        assert not law(name, counterexample(name, column))
    elif cell == "in law" and column == "permutation":
        assert name in CHANCE
        check_permutation_in_law(name)
        assert not law(name, counterexample(name, column))
    elif cell == "error" and column == "stationary":
        check_always(name, column, refuses, max_examples=3)
    else:
        pytest.fail(f"what would {cell} mean in {column}?")


SCALES = {
    "Σw = T": lambda w, case: w.sum() - len(w),
    "Σw = 1": lambda w, case: w.sum() - 1,
    "ΣwL = GM": lambda w, case: sum(w * case.L) - math.prod(case.L) ** (1 / len(w)),
    "ΣwL = T/2": lambda w, case: sum(w * case.L) - len(w) / 2,
    "|d| = √T": lambda w, case: np.linalg.norm(w @ case.J) - math.sqrt(len(w)),
}


def check_scale(name, cell):
    if cell != "none":

        @examples(name, 15)
        @given(drawn(name, max_tasks=3 if name in MEMORY else 5))
        def property_(case):
            assert abs(SCALES[cell](weights(name, case), case)) < 1e-6 * max(
                1, np.abs(weights(name, case)).max()
            )

        return property_()
    three = [
        OPPOSED,
        replace(OPPOSED, J=2 * OPPOSED.J),
        replace(OPPOSED, L=OPPOSED.L / 10, first=OPPOSED.first / 10),
    ]
    for scale in SCALES.values():
        assert max(abs(scale(weights(name, case), case)) for case in three) > 0.01
    lengths = [np.linalg.norm(case.J.T @ weights(name, case)) for case in three]
    assert max(lengths) > 1.2 * min(lengths)


class Given:
    """A generator that hands out what it is given: orders for `permutation`, numbers for `standard_normal`."""

    def __init__(self, *answers):
        self.answers = iter(answers)

    def permutation(self, n):
        return np.array(next(self.answers))

    def standard_normal(self, n):
        return np.array(next(self.answers))


def every_outcome(name, case):
    """The weights at all equally likely turns of chance: every order for every task, every permutation of the same normals."""
    T = len(case.L)
    turns = itertools.product(itertools.permutations(range(T)), repeat=T)
    if name == "Random":
        turns = [(z,) for z in itertools.permutations([0.3, -1.2, 0.8][:T])]
    return np.array([weights(name, case, Given(*turn)) for turn in turns])


def check_permutation_in_law(name):
    @settings(max_examples=10)
    @given(cases(min_tasks=2, max_tasks=3), seeds)
    def property_(case, seed):
        p = np.random.default_rng(seed).permutation(len(case.L))
        one, other = (
            every_outcome(name, case)[:, p].round(6) + 0.0,
            every_outcome(name, case.permuted(p)).round(6) + 0.0,
        )
        np.testing.assert_allclose(sorted(one.tolist()), sorted(other.tolist()), atol=1e-5)

    property_()


def test_the_table_has_one_row_for_each_rule_and_no_other():
    assert list(table()) == RULES
    assert all(tuple(row) == COLUMNS[1:] for row in table().values())


@pytest.mark.parametrize("column", COLUMNS[1:])
@pytest.mark.parametrize("name", RULES)
def test_every_cell_of_the_table_is_true(name, column):
    check_cell(name, column, table()[name][column])


# From the losses


positive_losses = st.lists(st.floats(0.05, 20.0), min_size=1, max_size=6).map(np.array)


@laws
@given(positive_losses)
def test_equal_weights_are_all_one(L):
    assert weighting.equal(L).tolist() == [1.0] * len(L)


@laws
@given(positive_losses)
def test_geometric_is_the_gradient_of_the_geometric_mean(L):
    (slopes,) = numeric.complex_step(lambda L: np.exp(np.log(L).sum() / len(L)), L, g=1.0)
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
    L, p, z = rng.uniform(-2, 3, T), rng.uniform(0.2, 3, T), rng.uniform(-1, 1, T)
    (slopes,) = numeric.complex_step(
        lambda L: mu * np.log(sum(np.exp(p[t] * (L[t] - z[t]) / mu) for t in range(T))), L, g=1.0
    )
    numeric.assert_close(weighting.stch(L, mu=mu, preference=p, ideal=z), slopes)


@laws
@given(positive_losses, st.floats(0.2, 5.0))
def test_stch_is_the_gradient_of_what_lies_between_the_maximum_and_mu_log_T_above_it(L, mu):
    soft = lambda L: mu * np.log(np.exp((L - L.max()) / mu).sum()) + L.max()
    assert L.max() - 1e-12 <= soft(L) <= L.max() + mu * math.log(len(L)) + 1e-12
    numeric.assert_close(
        weighting.stch(L, mu=mu), numeric.central_differences(soft, L, g=1.0)[0], 1e-7
    )


def test_stch_goes_from_the_worst_task_alone_to_the_mean():
    np.testing.assert_allclose(
        weighting.stch(np.array([1.0, 2.0, 0.0]), mu=1e-3), [0, 1, 0], atol=1e-12
    )
    np.testing.assert_allclose(weighting.stch(np.array([1.0, 2.0, 0.0]), mu=1e9), 1 / 3, atol=1e-8)


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
def test_uncertainty_descends_the_two_printed_lines_with_the_losses_held_and_not_beyond_their_least(
    seed, η
):
    rng = np.random.default_rng(seed)
    rule, s = weighting.Uncertainty(regression=[0, 2], learning_rate=η), np.zeros(3)
    line = lambda s, L: (
        0.5 * np.exp(-s[0]) * L[0]
        + np.exp(-s[1]) * L[1]
        + 0.5 * np.exp(-s[2]) * L[2]
        + 0.5 * (s[0] + s[1] + s[2])
    )
    for L in rng.uniform(0.1, 5, (5, 3)):
        numeric.assert_close(
            rule(L), [0.5 * math.exp(-s[0]), math.exp(-s[1]), 0.5 * math.exp(-s[2])]
        )
        new, least = (
            s - η * numeric.complex_step(partial(line, L=L), s, g=1.0)[0],
            np.log([L[0], 2 * L[1], L[2]]),
        )
        s = np.where((new - least) * (s - least) < 0, least, new)
    numeric.assert_close([rule.log_variances[t] for t in range(3)], s)


@pytest.mark.parametrize("loss", [0.01, 0.3, 4.0])
def test_uncertainty_settles_at_the_loss_for_regression_and_twice_the_loss_for_classification(loss):
    rule = weighting.Uncertainty(regression=[0], learning_rate=0.5)
    for _ in range(300):
        w = rule(np.array([loss, loss]))
    np.testing.assert_allclose(
        np.exp(list(rule.log_variances.values())), [loss, 2 * loss], rtol=1e-6
    )
    np.testing.assert_allclose(w, 1 / (2 * loss), rtol=1e-6)


def dwa_as_printed(history, temperature, every):
    """w after the calls of `history` (calls, T), from the means of every `every` of them."""
    T, epochs = len(history[0]), len(history) // every
    mean = lambda k, t: sum(history[k * every + i][t] for i in range(every)) / every
    r = [mean(epochs - 1, t) / mean(epochs - 2, t) if epochs >= 2 else 1.0 for t in range(T)]
    return [
        T * math.exp(r[t] / temperature) / sum(math.exp(x / temperature) for x in r)
        for t in range(T)
    ]


@laws
@given(seeds, st.integers(1, 4), st.integers(1, 3), st.floats(0.3, 5.0))
def test_dwa_compares_the_last_two_mean_losses(seed, T, every, temperature):
    history = np.random.default_rng(seed).uniform(0.2, 3, (4 * every + 1, T))
    rule = weighting.DWA(temperature, every)
    for k, L in enumerate(history):
        numeric.assert_close(
            rule(L), dwa_as_printed(history[:k], temperature, every) if k else np.ones(T)
        )


def test_dwa_at_a_high_temperature_is_equal_weights():
    rule = weighting.DWA(temperature=1e9)
    for L in ([1.0, 9.0], [5.0, 1.0], [1.0, 1.0]):
        w = rule(np.array(L))
    np.testing.assert_allclose(w, 1, atol=1e-7)


# From the Gramian: the solver that three rules share


@st.composite
def quadratics(draw, max_tasks):
    """A = J Jᵀ with rows of J near length 1, and b in its range."""
    case = draw(cases(max_tasks=max_tasks))
    J = case.J / np.linalg.norm(case.J, axis=1, keepdims=True)
    return J @ J.T + 1.0, J @ np.random.default_rng(draw(seeds)).standard_normal(J.shape[1]) + draw(
        st.floats(-1, 1)
    )


@laws
@given(quadratics(6))
def test_no_face_holds_a_lower_point_than_solve_nonnegative(problem):
    A, b = problem
    u = weighting.solve_nonnegative(A, b)
    assert (u >= 0).all()
    assert u @ A @ u / 2 - b @ u == pytest.approx(numeric.nonnegative_minimum(A, b), abs=1e-8)


@laws
@given(quadratics(10))
def test_where_solve_nonnegative_ends_no_slope_leads_down(problem):
    A, b = problem
    u = weighting.solve_nonnegative(A, b)
    slope = A @ u - b
    assert (u >= 0).all()
    assert slope.min() > -1e-7
    assert np.abs(slope[u > 1e-9]).max(initial=0) < 1e-7


# MGDA


@laws
@given(cases(max_tasks=6))
def test_mgda_is_the_shortest_point_of_all_faces_of_the_hull(case):
    np.testing.assert_allclose(
        direction_and_length("mgda", case),
        numeric.shortest_in_hull(case.J),
        atol=1e-6 * np.abs(case.J).max(),
    )


@laws
@given(cases(max_tasks=10))
def test_under_mgda_every_task_gains_at_least_the_squared_length(case):
    w = weights("mgda", case)
    d = case.J.T @ w
    assert (w >= 0).all()
    assert (case.J @ d >= d @ d - 1e-7 * np.abs(case.J).max() ** 2).all()


@laws
@given(cases(max_tasks=3, min_tasks=3))
def test_no_point_of_a_grid_over_the_hull_is_shorter_than_mgda(case):
    lengths = np.linalg.norm(numeric.simplex_grid(3, 30) @ case.J, axis=1)
    assert np.linalg.norm(direction_and_length("mgda", case)) <= lengths.min() + 1e-9


@laws
@given(cases(min_tasks=2, max_tasks=2))
def test_mgda_of_two_tasks_is_the_printed_fraction_clipped(case):
    (a, b), J = case.J, case.J
    assume(np.linalg.norm(a - b) > 1e-3)
    w = min(max((b @ b - a @ b) / (a @ a + b @ b - 2 * a @ b), 0), 1)
    np.testing.assert_allclose(
        weights("mgda", case),
        [w, 1 - w],
        atol=1e-7 * (1 + np.abs(J).max() ** 2 / np.linalg.norm(a - b) ** 2),
    )


@laws
@given(cases(max_tasks=6))
def test_stationarity_gap_is_the_length_of_the_shortest_convex_combination(case):
    expected = np.linalg.norm(numeric.shortest_in_hull(case.J))
    assert weighting.stationarity_gap(case.J @ case.J.T) == pytest.approx(
        expected, abs=1e-6 * np.abs(case.J).max()
    )


def direction_and_length(name, case):
    return case.J.T @ weights(name, case)


# CAGrad


def worst_gain_bound(v, J, c):
    """g_v · g₀ + c‖g₀‖‖g_v‖: no d within c‖g₀‖ of g₀ lets every task gain more, whatever v."""
    mean, x = J.mean(0), v @ J
    return x @ mean + c * np.linalg.norm(mean) * np.linalg.norm(x, axis=-1)


@laws
@given(cases(max_tasks=3), st.sampled_from([0.1, 0.5, 0.9, 3.0]))
def test_worst_gain_under_cagrad_is_the_least_bound_on_a_grid(case, c):
    J, size = case.J, np.abs(case.J).max() ** 2
    d = J.T @ weighting.cagrad(case.L, J @ J.T, c=c)
    least = worst_gain_bound(numeric.simplex_grid(len(J), 60), J, c).min()
    assert (J @ d).min() <= least + 1e-7 * size
    assert (J @ d).min() >= least - 0.03 * (1 + c) * size * J.shape[1]


@laws
@given(cases(max_tasks=10, independent=True), st.sampled_from([0.1, 0.5, 0.9, 3.0]))
def test_cagrad_uses_all_its_room_and_its_own_weights_prove_that_no_worst_gain_is_greater(case, c):
    J, mean, size = case.J, case.J.mean(0), np.abs(case.J).max() ** 2
    w = weighting.cagrad(case.L, J @ J.T, c=c)
    v = w - 1 / len(w)
    assert (v > -1e-9).all()
    assert np.linalg.norm(J.T @ w - mean) == pytest.approx(c * np.linalg.norm(mean), rel=1e-6)
    assert (J @ J.T @ w).min() == pytest.approx(
        worst_gain_bound(v / v.sum(), J, c), abs=1e-6 * size
    )


@laws
@given(cases(max_tasks=6), st.sampled_from([0.1, 0.5, 2.0]))
def test_the_worst_task_gains_under_cagrad_at_least_what_it_gains_under_the_mean(case, c):
    J = case.J
    d = J.T @ weighting.cagrad(case.L, J @ J.T, c=c)
    assert (J @ d).min() >= (J @ J.mean(0)).min() - 1e-7 * np.abs(J).max() ** 2
    assert np.linalg.norm(d - J.mean(0)) <= c * np.linalg.norm(J.mean(0)) + 1e-6 * np.abs(J).max()


@laws
@given(cases(independent=True))
def test_cagrad_goes_from_the_mean_to_the_direction_of_mgda(case):
    G = case.J @ case.J.T
    np.testing.assert_array_equal(weighting.cagrad(case.L, G, c=0.0), np.full(len(G), 1 / len(G)))
    far = case.J.T @ weighting.cagrad(case.L, G, c=1e4)
    np.testing.assert_allclose(far / np.linalg.norm(far), direction("mgda", case), atol=0.01)


def test_cagrad_of_one_task_is_longer_by_the_factor_one_plus_c():
    np.testing.assert_allclose(weighting.cagrad(np.ones(1), np.array([[7.0]]), c=0.3), [1.3])


# PCGrad and UPGrad


@laws
@given(cases(max_tasks=5), seeds)
def test_pcgrad_cuts_the_conflicting_parts_away_in_the_order_drawn(case, seed):
    rng, T = np.random.default_rng(seed), len(case.L)
    orders = [rng.permutation(T) for _ in range(T)]
    d = case.J.T @ weights("PCGrad", case, Given(*orders))
    np.testing.assert_allclose(
        d, numeric.gradient_surgery(case.J, orders), atol=1e-9 * np.abs(case.J).max() * T
    )


def test_pcgrad_meets_the_gradients_in_every_order_equally_often():
    case = Case([[-3, -1, 0], [-1, 0, 0], [0, 1, 1]])
    outcomes = every_outcome("PCGrad", case)
    rule, G = fresh("PCGrad", np.random.default_rng(3)), case.J @ case.J.T
    draws = np.array([rule(case.L, G) for _ in range(1000)])
    assert {*map(tuple, draws.round(9).tolist())} == {*map(tuple, outcomes.round(9).tolist())}
    np.testing.assert_allclose(
        draws.mean(0), outcomes.mean(0), atol=4 * outcomes.std() / math.sqrt(1000)
    )


@laws
@given(cases(min_tasks=2, max_tasks=2))
def test_pcgrad_of_two_tasks_is_twice_upgrad_and_harms_neither(case):
    d = case.J.T @ weights("PCGrad", case)
    np.testing.assert_allclose(
        d, 2 * case.J.T @ weights("upgrad", case), atol=1e-7 * np.abs(case.J).max()
    )
    assert (case.J @ d >= -1e-7 * np.abs(case.J).max() ** 2).all()


@laws
@given(cases(max_tasks=6))
def test_upgrad_is_the_mean_of_the_gradients_moved_to_the_nearest_point_without_harm(case):
    expected = np.mean([numeric.nearest_without_harm(case.J, g) for g in case.J], axis=0)
    np.testing.assert_allclose(
        case.J.T @ weights("upgrad", case), expected, atol=1e-6 * np.abs(case.J).max()
    )


@laws
@given(cases(max_tasks=4), seeds)
def test_upgrad_is_linear_in_the_lengths_of_the_gradients(case, seed):
    a, b = np.random.default_rng(seed).uniform(0.1, 10, (2, len(case.L), 1))
    d = lambda lengths: direction_and_length("upgrad", Case(lengths * case.J))
    np.testing.assert_allclose(d(a) + d(b), d(a + b), atol=1e-6 * np.abs(20 * case.J).max())


# IMTL-G, ConFIG and Aligned-MTL


@laws
@given(cases(min_tasks=2, independent=True).filter(has_a_sum))
def test_imtl_g_is_the_closed_form_of_the_paper(case):
    J, u = case.J, case.J / np.linalg.norm(case.J, axis=1, keepdims=True)
    U, D = u[0] - u[1:], J[0] - J[1:]
    rest = J[0] @ U.T @ np.linalg.inv(D @ U.T)
    expected = np.array([1 - rest.sum(), *rest])
    np.testing.assert_allclose(
        weights("imtl_g", case), expected, atol=1e-6 * np.abs(expected).max()
    )


@laws
@given(cases(independent=True).filter(has_a_sum))
def test_under_imtl_g_the_projections_on_all_gradient_directions_are_equal(case):
    projections = case.J @ case.J.T @ weights("imtl_g", case) / np.linalg.norm(case.J, axis=1)
    np.testing.assert_allclose(projections, projections[0], rtol=1e-6)


def test_imtl_g_makes_every_task_worse_where_its_sum_is_negative():
    J = np.array([[-3.0, -1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 1.0, 1.0]])
    assert (J @ J.T @ weighting.imtl_g(np.ones(3), J @ J.T) < 0).all()
    assert (J @ J.T @ weighting.conflict_free(np.ones(3), J @ J.T) > 0).all()


@laws
@given(cases(max_tasks=6))
def test_conflict_free_is_the_printed_direction_and_length(case):
    J, u = case.J, case.J / np.linalg.norm(case.J, axis=1, keepdims=True)
    x = np.linalg.pinv(u, 1e-6) @ np.ones(len(u))  # the shortest x with u x = 1, or nearest to it
    x = x / np.linalg.norm(x) if np.linalg.norm(x) > 1e-6 else 0 * x
    np.testing.assert_allclose(
        J.T @ weights("conflict_free", case),
        (J @ x).sum() * x,
        atol=1e-5 * np.abs(J).max() * len(J),
    )


@laws
@given(cases(independent=True))
def test_conflict_free_has_the_same_cosine_to_every_gradient(case):
    ρ = case.J @ direction("conflict_free", case) / np.linalg.norm(case.J, axis=1)
    np.testing.assert_allclose(ρ, ρ[0], rtol=1e-6)
    assert ρ[0] > 0


@laws
@given(cases(max_tasks=6))
def test_aligned_mtl_is_the_mean_of_the_gradients_with_all_singular_values_made_the_least(case):
    U, σ, Vt = np.linalg.svd(case.J, full_matrices=False)
    rank = (σ > 1e-7 * σ[0]).sum()
    assume(σ[rank - 1] > 1e-3 * σ[0])
    expected = (σ[rank - 1] * U[:, :rank] @ Vt[:rank]).mean(0)
    np.testing.assert_allclose(
        case.J.T @ weights("aligned_mtl", case), expected, atol=1e-6 * np.abs(case.J).max()
    )


# Nash-MTL and FairGrad


@laws
@given(cases(max_tasks=10, solvable=True))
def test_under_nash_mtl_weight_times_gain_is_one(case):
    w = weights("nash_mtl", case)
    assert (w > 0).all()
    np.testing.assert_allclose(w * (case.J @ (case.J.T @ w)), 1, rtol=1e-6)


@laws
@given(cases(solvable=True), seeds)
def test_no_direction_has_a_greater_product_of_gains_than_nash_mtl(case, seed):
    d, rng = direction("nash_mtl", case), np.random.default_rng(seed)
    others = d + 10 ** rng.uniform(-4, 1, (500, 1)) * rng.standard_normal((500, len(d)))
    gains = others / np.linalg.norm(others, axis=1, keepdims=True) @ case.J.T
    gains = gains[(gains > 0).all(1)]
    assert (np.log(gains).sum(1) <= np.log(case.J @ d).sum() + 1e-9).all()


@laws
@given(cases(min_tasks=2, max_tasks=2, solvable=True))
def test_nash_mtl_of_two_tasks_is_one_over_length_and_root_of_one_plus_cosine(case):
    a, b = np.linalg.norm(case.J, axis=1)
    ρ = case.J[0] @ case.J[1] / (a * b)
    np.testing.assert_allclose(
        weights("nash_mtl", case), [1 / (n * math.sqrt(1 + ρ)) for n in (a, b)], rtol=1e-6
    )


@laws
@given(cases(max_tasks=10, solvable=True), st.sampled_from([0.5, 1.0, 2.0, 5.0, 20.0]))
def test_under_fairgrad_every_gain_is_the_weight_to_minus_one_over_alpha(case, alpha):
    w = weighting.fairgrad(case.L, case.J @ case.J.T, alpha=alpha)
    np.testing.assert_allclose(case.J @ (case.J.T @ w), [x ** (-1 / alpha) for x in w], rtol=1e-6)


@laws
@given(cases(solvable=True))
def test_fairgrad_with_alpha_one_is_nash_mtl_and_with_a_large_one_goes_along_mgda(case):
    G = case.J @ case.J.T
    np.testing.assert_allclose(
        weighting.fairgrad(case.L, G, alpha=1.0), weights("nash_mtl", case), rtol=1e-9
    )
    d = case.J.T @ weighting.fairgrad(case.L, G, alpha=30.0)
    np.testing.assert_allclose(d / np.linalg.norm(d), direction("mgda", case), atol=0.2)


@laws
@given(cases(max_tasks=4, solvable=True).filter(lambda case: common_gain(case.J) > 0.3))
def test_fairgrad_with_a_small_alpha_is_the_sum_moved_to_the_nearest_point_without_harm(case):
    J = case.J / np.linalg.norm(case.J, axis=1, keepdims=True)
    d = J.T @ weighting.fairgrad(case.L, J @ J.T, alpha=0.05)
    assert np.linalg.norm(d - numeric.nearest_without_harm(J, J.sum(0))) <= 0.1 * len(J)


@pytest.mark.parametrize("alpha", [0.02, 0.05, 0.1])
def test_fairgrad_with_a_small_alpha_gives_weight_one_to_who_gains_and_more_to_who_would_lose(
    alpha,
):
    J = np.array([[1.0, 0.0], [-2.0, 1.0]])  # J 1 over all: (−1, 3)
    np.testing.assert_allclose(
        weighting.fairgrad(np.ones(2), J @ J.T, alpha=alpha), [2, 1], atol=0.02
    )


def test_fairgrad_with_the_least_alpha_is_the_sum_where_the_sum_harms_no_task():
    J = np.array([[1.0, 0.2], [0.1, 0.9], [0.5, 0.5]])
    np.testing.assert_allclose(weighting.fairgrad(np.ones(3), J @ J.T, alpha=0.02), 1, atol=0.02)


# GradNorm


@laws
@given(seeds, st.integers(2, 4), st.floats(0.0, 2.0))
def test_gradnorm_descends_the_printed_objective_with_its_targets_held(seed, T, alpha):
    rng = np.random.default_rng(seed)
    g, first, L, η = rng.uniform(0.5, 3, T), rng.uniform(0.5, 2, T), rng.uniform(0.5, 2, T), 0.01
    rule = weighting.GradNorm(alpha, η)
    w = rule(first, np.diag(g**2))
    numeric.assert_close(w, np.ones(T))
    for losses in (first, L, L):
        r = [losses[t] / first[t] for t in range(T)]
        targets = np.mean(w * g) * np.array([(x / np.mean(r)) ** alpha for x in r])
        assume((np.abs(w * g - targets) > 1e-4).all())
        (slope,) = numeric.central_differences(
            lambda w: sum(abs(w[t] * g[t] - targets[t]) for t in range(T)), w, g=1.0
        )
        expected = w - η * slope
        w = step_of(rule, first, losses, g)
        numeric.assert_close(w, expected * T / expected.sum(), 1e-7)


def step_of(rule, first, losses, g):
    """The weights after the update at these losses; asking for them would update again, so a copy is asked."""
    if losses is not first:
        rule(losses, np.diag(g**2))
    return copy.deepcopy(rule)(losses, np.diag(g**2))


@settings(max_examples=10)
@given(seeds, st.integers(1, 3), st.sampled_from([0.0, 1.0, 1.5]))
def test_gradnorm_rests_where_weighted_norms_follow_the_training_rates_if_alpha_is_one_or_the_rates_are_equal(
    seed, T, alpha
):
    rng = np.random.default_rng(seed)
    g, first, L = rng.uniform(0.7, 2, T), rng.uniform(0.8, 1.25, T), rng.uniform(0.8, 1.25, T)
    L = L if alpha in (0, 1) else 0.7 * first
    w = settled_gradnorm(weighting.GradNorm(alpha), first, L, np.diag(g**2))
    expected = (L / first) ** alpha / g
    np.testing.assert_allclose(w, T * expected / expected.sum(), rtol=1e-3)


def test_gradnorm_with_another_alpha_rests_elsewhere_since_its_targets_do_not_sum_to_the_norms():
    """r = (½, 3/2), α = 1.5: both targets together are 2.19 n̄, so both weights rise, in the proportion of the norms."""
    w = settled_gradnorm(
        weighting.GradNorm(1.5), np.ones(2), np.array([0.5, 1.5]), np.diag([1.0, 9.0])
    )
    np.testing.assert_allclose(
        w, [0.5, 1.5], atol=0.05
    )  # and not (0.73, 1.27), in proportion to r^α / ‖g‖


# What many draws show


def test_two_tasks_whatever_ignores_units_and_order_points_along_the_bisector():
    rng = np.random.default_rng(0)
    for _ in range(20):
        J = rng.standard_normal((2, 4)) * 10 ** rng.uniform(-1, 1, (2, 1))
        u = J / np.linalg.norm(J, axis=1, keepdims=True)
        bisector = u.sum(0) / np.linalg.norm(u.sum(0))
        for name, gradients in [
            ("nash_mtl", J),
            ("imtl_g", J),
            ("conflict_free", J),
            ("GradNorm", J),
            ("mgda", u),
            ("PCGrad", u),
            ("upgrad", u),
        ]:
            np.testing.assert_allclose(direction(name, Case(gradients)), bisector, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "share"),
    [("PCGrad", 0.13), ("aligned_mtl", 0.19), ("imtl_g", 0.036), ("mgda", 0), ("upgrad", 0)],
)
def test_share_of_three_gaussian_gradients_in_three_dimensions_that_a_rule_harms(name, share):
    rng, n = np.random.default_rng(0), 1500
    J = rng.standard_normal((n, 3, 3))
    rule = fresh(name, rng)
    harmed = sum((j @ (j.T @ rule(np.ones(3), j @ j.T)) < -1e-9).any() for j in J)
    assert abs(harmed / n - share) <= 3.5 * math.sqrt(share * (1 - share) / n) + 0.005 * (share > 0)


def test_more_dimensions_leave_almost_no_harm_to_pcgrad():
    rng = np.random.default_rng(0)
    rule = fresh("PCGrad", rng)
    assert (
        sum(
            (j @ (j.T @ rule(np.ones(3), j @ j.T)) < 0).any()
            for j in rng.standard_normal((1000, 3, 10))
        )
        / 1000
        < 0.01
    )


def test_in_more_than_half_of_all_draws_of_three_gaussian_gradients_the_order_changes_pcgrad():
    J, ahead, back = (
        np.random.default_rng(0).standard_normal((800, 3, 3)),
        [(0, 1, 2)] * 3,
        [(2, 1, 0)] * 3,
    )
    differ = np.mean(
        [
            np.abs(
                weights("PCGrad", Case(j), Given(*ahead)) - weights("PCGrad", Case(j), Given(*back))
            ).max()
            > 1e-9
            for j in J
        ]
    )
    assert abs(differ - 0.59) < 3.5 * math.sqrt(0.59 * 0.41 / 800) + 0.005


@laws
@given(cases())
def test_geometric_and_settled_uncertainty_are_one_family_that_adds_the_relative_gradients(case):
    relative = sum(g / loss for g, loss in zip(case.J, case.L, strict=True))
    assume(np.linalg.norm(relative) > 1e-3)
    for name in ("geometric", "Uncertainty"):
        np.testing.assert_allclose(
            direction(name, case), relative / np.linalg.norm(relative), atol=1e-5
        )


# Hard gradients


@st.composite
def hard_jacobians(draw):
    """Gradients among which some are 0, parallel, opposite or identical, or longer and shorter by 1e8, one to ten tasks."""
    rng = np.random.default_rng(draw(seeds))
    T, P = draw(st.integers(1, 10)), draw(st.integers(1, 8))
    J = (
        rng.standard_normal((T, P))
        if draw(st.booleans())
        else rng.integers(-2, 3, (T, P)).astype(float)
    )
    for _ in range(draw(st.integers(0, 3))):
        J[rng.integers(T)] = J[rng.integers(T)] * draw(st.sampled_from([0.0, 1.0, -1.0, 3.7, -0.3]))
    return J * 10 ** rng.choice(
        draw(st.sampled_from([[0.0], [-8.0, 8.0], [-8.0], [8.0], [0.0, -8.0, 8.0]])), (T, 1)
    )


def finite_or_refused(name, J, rule=None):
    try:
        w = (rule or fresh(name))(np.ones(len(J)), J @ J.T)
    except ValueError as error:
        assert str(error).startswith(f"{name}: ")
    else:
        assert w.shape == (len(J),)
        assert w.dtype == np.float64
        assert np.isfinite(w).all()


@pytest.mark.parametrize("name", [name for name in RULES if name not in OF_LOSSES])
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
@pytest.mark.parametrize("name", [name for name in RULES if name not in OF_LOSSES])
def test_the_smallest_hard_gradients_get_finite_weights_or_are_refused_by_name(name, kind):
    finite_or_refused(name, np.array(SMALL_HARD[kind], float))


@pytest.mark.parametrize("kind", SMALL_HARD)
@pytest.mark.parametrize(
    "options", [{"alpha": 0.02}, {"alpha": 0.1}, {"alpha": 30.0}, {"c": 1e-3}, {"c": 10.0}]
)
def test_the_ends_of_an_option_get_finite_weights_or_are_refused_by_name(options, kind):
    name = "cagrad" if "c" in options else "fairgrad"
    finite_or_refused(
        name, np.array(SMALL_HARD[kind], float), partial(getattr(weighting, name), **options)
    )


def test_opposite_gradients_have_no_impartial_weights_however_long_they_are():
    g = np.array([0.3, 0.7, 0.11])
    for a, b in [(1.0, 1.0), (1.0, 3.0), (3.0, 7.0), (0.1, 0.3), (math.pi, math.e)]:
        J = np.array([a * g, -b * g])
        with pytest.raises(ValueError, match="^imtl_g: "):
            weighting.imtl_g(np.ones(2), J @ J.T)


@pytest.mark.parametrize("name", ["mgda", "upgrad", "conflict_free"])
def test_opposite_gradients_stand_still(name):
    g = np.array([0.3, 0.7, 0.11])
    for a, b in [(1.0, 1.0), (1.0, 3.0), (3.0, 7.0), (0.1, 0.3), (math.pi, math.e)]:
        assert np.linalg.norm(direction_and_length(name, Case([a * g, -b * g]))) < 1e-6


def test_a_gain_without_loss_to_others_does_not_move_mgda_and_no_bargain_is_struck():
    J = np.array(
        [[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]]
    )  # along (0, 1) the third gains, the others lose nothing
    np.testing.assert_allclose(J.T @ weighting.mgda(np.ones(3), J @ J.T), 0, atol=1e-9)
    np.testing.assert_allclose(J.T @ weighting.upgrad(np.ones(3), J @ J.T), [0, 1 / 3], atol=1e-9)
    for name in BARGAINS:
        refuses(name, Case(J))


@pytest.mark.parametrize("name", ["imtl_g", "conflict_free"])
def test_a_task_without_a_gradient_gets_no_weight_and_changes_none(name):
    J = np.array([[3.0, 0.0], [-1.0, 1.0], [0.0, 0.0]])
    np.testing.assert_allclose(weights(name, Case(J)), [*weights(name, Case(J[:2])), 0], atol=1e-12)


@pytest.mark.parametrize("name", RULES)
def test_losses_far_apart_get_finite_weights(name):
    rule = fresh(name)
    for L in ([1e-8, 1e8], [1e8, 1e-8], [1.0, 1.0]):
        assert np.isfinite(rule(np.array(L), np.eye(2))).all()


# Bad input


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("losses", [1.0, [], [[1.0, 2.0]], [1.0, math.nan], [math.inf, 1.0]])
def test_losses_must_be_finite_numbers_one_for_each_task(name, losses):
    with pytest.raises(ValueError, match=f"^{name}: losses must .*, got "):
        fresh(name)(np.array(losses), np.eye(2))


@pytest.mark.parametrize("name", ["geometric", "Uncertainty", "DWA", "GradNorm"])
@pytest.mark.parametrize("loss", [0.0, -1.0])
def test_rules_that_divide_by_the_losses_want_them_positive(name, loss):
    with pytest.raises(ValueError, match=f"^{name}: losses must be finite and positive, got "):
        fresh(name)(np.array([1.0, loss]), np.eye(2))


@pytest.mark.parametrize("name", [name for name in RULES if name not in OF_LOSSES])
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


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: weighting.stch(np.ones(2), mu=0.0),
            "stch: mu must be positive and finite, got 0.0",
        ),
        (lambda: weighting.stch(np.ones(2), mu=math.nan), "stch: mu .*got nan"),
        (
            lambda: weighting.stch(np.ones(2), preference=[1.0, -1.0]),
            "stch: .*preference positive; got",
        ),
        (lambda: weighting.stch(np.ones(2), preference=np.ones(3)), "stch: preference .*got"),
        (lambda: weighting.stch(np.ones(2), ideal=math.inf), "stch: .*ideal must be finite.*got"),
        (
            lambda: weighting.Uncertainty(learning_rate=-1.0),
            "Uncertainty: learning_rate must be .*got -1.0",
        ),
        (
            lambda: weighting.Uncertainty(learning_rate=math.nan),
            "Uncertainty: learning_rate must be .*got nan",
        ),
        (lambda: weighting.DWA(temperature=0.0), "DWA: temperature must be positive .*got 0.0"),
        (
            lambda: weighting.DWA(temperature=math.nan),
            "DWA: temperature must be positive .*got nan",
        ),
        (lambda: weighting.DWA(every=0), "DWA: .*every a whole number of at least 1, got .*0"),
        (lambda: weighting.DWA(every=1.5), "DWA: .*every .*got .*1.5"),
        (lambda: weighting.GradNorm(alpha=-1.0), "GradNorm: alpha must be .*got -1.0"),
        (
            lambda: weighting.GradNorm(learning_rate=math.inf),
            "GradNorm: learning_rate must be .*got inf",
        ),
        (
            lambda: weighting.GradNorm(learning_rate=10.0)(np.ones(2), np.diag([9.0, 1.0])),
            "GradNorm: learning_rate must keep all weights positive",
        ),
        (lambda: weighting.cagrad(np.ones(2), np.eye(2), c=-0.1), "cagrad: c must be .*got -0.1"),
        (
            lambda: weighting.cagrad(np.ones(2), np.eye(2), c=math.nan),
            "cagrad: c must be .*got nan",
        ),
        (
            lambda: weighting.fairgrad(np.ones(2), np.eye(2), alpha=0.0),
            "fairgrad: alpha must be in .*got 0.0",
        ),
        (
            lambda: weighting.fairgrad(np.ones(2), np.eye(2), alpha=math.nan),
            "fairgrad: alpha must be in .*got nan",
        ),
        (
            lambda: weighting.stationarity_gap(np.ones((2, 3))),
            "stationarity_gap: gramian must have shape .*got",
        ),
    ],
)
def test_a_bad_option_is_refused_with_what_was_expected_and_got(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# Memory and chance


def remembering(name):
    return weighting.Uncertainty(["a"], 0.1) if name == "Uncertainty" else fresh(name)


def ask(rule, names, losses, norms):
    """One call about some tasks, by name."""
    rule.tasks = list(names)
    w = rule(np.array([losses[t] for t in names]), np.diag([norms[t] ** 2 for t in names]))
    return dict(zip(names, w.tolist(), strict=True))


def story(seed, n=8):
    """n calls: losses by task; the lengths of the gradients stay."""
    rng = np.random.default_rng(seed)
    return [dict(zip("abc", L.tolist(), strict=True)) for L in rng.uniform(0.5, 2, (n, 3))], dict(
        zip("abc", rng.uniform(0.5, 3, 3), strict=True)
    )


@pytest.mark.parametrize("name", MEMORY)
@laws
@given(seed=seeds)
def test_the_order_of_the_rows_is_of_no_account_when_they_have_names(name, seed):
    (losses, norms), rng = story(seed), np.random.default_rng(seed)
    one, other = remembering(name), remembering(name)
    for L in losses:
        expected = ask(one, "abc", L, norms)
        assert ask(other, rng.permutation(list("abc")).tolist(), L, norms) == pytest.approx(
            expected
        )


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
    return np.hstack(
        [np.ravel(known[task]) for known in vars(rule).values() if isinstance(known, dict)]
    ).tolist()


@laws
@given(seeds)
def test_uncertainty_and_dwa_learn_of_each_task_from_its_own_calls_alone(seed):
    (losses, norms), rng = story(seed), np.random.default_rng(seed)
    for name in ("Uncertainty", "DWA"):
        all_, alone = remembering(name), remembering(name)
        for L in losses:
            present = [t for t in "abc" if rng.random() < 0.6] or ["b"]
            ask(all_, present, L, norms)
            if "a" in present:
                ask(alone, "a", L, norms)
        ask(all_, "ab", losses[0], norms)
        ask(alone, "a", losses[0], norms)
        assert state_of(all_, "a") == pytest.approx(state_of(alone, "a"))


def test_a_call_with_one_task_alone_does_not_change_its_weight_beside_the_others_in_gradnorm():
    rule, norms, L = weighting.GradNorm(), {"a": 5.0, "b": 1.0}, {"a": 1.0, "b": 1.0}
    for _ in range(4):
        ask(rule, "ab", L, norms)
    expected = ask(copy.deepcopy(rule), "ab", L, norms)
    ask(rule, "a", L, norms)
    assert ask(rule, "ab", L, norms) == pytest.approx(expected)


@pytest.mark.parametrize("name", MEMORY)
def test_without_names_the_tasks_are_numbered(name):
    one, other, (losses, norms) = fresh(name), fresh(name), story(0)
    other.tasks = [0, 1, 2]
    for L in losses:
        L, G = np.array(list(L.values())), np.diag(np.array(list(norms.values())) ** 2)
        np.testing.assert_array_equal(one(L, G), other(L, G))
    assert all(list(known) == [0, 1, 2] for known in vars(one).values() if isinstance(known, dict))


@pytest.mark.parametrize("name", MEMORY)
def test_as_many_losses_as_names_are_asked_for(name):
    rule = fresh(name)
    rule.tasks = ["a", "b"]
    with pytest.raises(
        ValueError, match=rf"^{name}: losses must be those of the tasks \['a', 'b'\], got 3"
    ):
        rule(np.ones(3), np.eye(3))


@pytest.mark.parametrize(
    "copied",
    [copy.deepcopy, lambda rule: pickle.loads(pickle.dumps(rule))],
    ids=["deepcopy", "pickle"],
)
@pytest.mark.parametrize("name", [*MEMORY, *CHANCE])
def test_a_copy_goes_on_alike_and_alone(name, copied):
    rng = np.random.default_rng(0)
    rule, losses, G = (
        fresh(name),
        rng.uniform(0.5, 2, (6, 3)),
        np.array([[2.0, -1, -0.5], [-1, 2, 0.3], [-0.5, 0.3, 1]]),
    )
    for L in losses[:3]:
        rule(L, G)
    one, other = copied(rule), copied(rule)
    for L in losses:
        one(L[::-1], G)
    for L in losses[3:]:
        np.testing.assert_array_equal(rule(L, G), other(L, G))


@pytest.mark.parametrize("name", [*MEMORY, *CHANCE])
def test_two_rules_share_no_memory(name):
    rule, G = fresh(name), np.array([[2.0, -1.0], [-1.0, 3.0]])
    expected = [fresh(name)(np.array([1.0, 2.0]), G)]
    for _ in range(3):
        rule(np.array([3.0, 1.0]), G)
    np.testing.assert_array_equal(fresh(name)(np.array([1.0, 2.0]), G), expected[0])


@pytest.mark.parametrize("name", CHANCE)
def test_the_same_seed_gives_the_same_weights_to_the_last_bit(name):
    J = np.random.default_rng(0).standard_normal((4, 3))
    one, other = fresh(name, np.random.default_rng(7)), fresh(name, np.random.default_rng(7))
    for _ in range(5):
        assert one(np.ones(4), J @ J.T).tobytes() == other(np.ones(4), J @ J.T).tobytes()


@pytest.mark.parametrize("name", RULES)
def test_arguments_are_left_alone_and_weights_are_new_float64(name):
    rule, L, G = (
        fresh(name),
        np.array([1.0, 2.0, 0.5]),
        np.array([[2.0, -1, -0.5], [-1, 2, 0.3], [-0.5, 0.3, 1]]),
    )
    L.flags.writeable = G.flags.writeable = False
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
    for kind in (list, partial(np.array, dtype=int), partial(np.array, dtype=np.float32)):
        w = fresh(name)(kind([2, 1]), kind([[9, -3], [-3, 2]]))
        assert w.dtype == np.float64
        np.testing.assert_allclose(
            w, fresh(name)(np.array([2.0, 1.0]), np.array([[9.0, -3.0], [-3.0, 2.0]]))
        )


@pytest.mark.parametrize("name", OF_LOSSES)
def test_a_rule_of_the_losses_does_without_the_gramian(name):
    np.testing.assert_array_equal(
        fresh(name)(np.array([1.0, 2.0])), fresh(name)(np.array([1.0, 2.0]), np.eye(2))
    )


def test_uncertainty_of_a_huge_loss_goes_to_its_least_and_not_beyond():
    rule = weighting.Uncertainty()
    for _ in range(2):
        w = rule(np.array([1e4, 1.0]))
    assert w[0] * 1e4 == pytest.approx(0.5)


def test_cagrad_keeps_its_distance_from_the_mean_also_where_a_common_descent_is_tiny():
    J = np.array([[1.0, 1e-5], [-1.0, 1e-5]])  # the shortest vector of the hull is 1e-5 long
    d, mean = J.T @ weighting.cagrad(np.ones(2), J @ J.T), J.mean(0)
    assert np.linalg.norm(d - mean) == pytest.approx(0.5 * np.linalg.norm(mean), rel=1e-3)
