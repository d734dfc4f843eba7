"""Numbers at the edge of their range: very large, very small, subnormal, and near cancellation.

The references are exact fractions, decimal numbers of 60 digits, and laws of scaling. pytest makes
every warning an error here. `strict()` is a user's `np.seterr(all="raise")`. It must harm nothing.
"""

import math
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from two_tasks import LOSSES, examples, network

import tinymtl as mtl
from tinymtl import closed_form, interaction, measures, ops, weighting
from tinymtl.solvers import cosines_and_norms

seeds = st.integers(0, 2**32 - 1)
exponents = st.integers(-480, 480)  # of 2: about 1e±144, so squares are about 1e±288

OF_GRAMIAN = {
    "mgda": weighting.mgda,
    "cagrad": weighting.cagrad,
    "imtl_g": weighting.imtl_g,
    "conflict_free": weighting.conflict_free,
    "nash_mtl": weighting.nash_mtl,
    "fairgrad": weighting.fairgrad,
    "aligned_mtl": weighting.aligned_mtl,
    "upgrad": weighting.upgrad,
    "PCGrad": weighting.PCGrad,
    "GradNorm": weighting.GradNorm,
}
OF_LOSSES = {
    "equal": weighting.equal,
    "geometric": weighting.geometric,
    "stch": weighting.stch,
    "Uncertainty": weighting.Uncertainty,
    "DWA": weighting.DWA,
    "Random": weighting.Random,
}


def strict():
    return np.errstate(all="raise")


def fresh(name):
    rule = (OF_GRAMIAN | OF_LOSSES)[name]
    if name in ("PCGrad", "Random"):
        return rule(np.random.default_rng(0))
    if name == "GradNorm":
        return rule(learning_rate=0.0)
    return rule() if isinstance(rule, type) else rule


def exact_dot(x, y):
    """Σ x_i y_i, rounded once."""
    return float(sum(Fraction(a) * Fraction(b) for a, b in zip(x.tolist(), y.tolist())))


def times_power(array, k):
    """array · 2^k, rounded only where it becomes subnormal."""
    return np.array([math.ldexp(x, k) for x in array.ravel().tolist()]).reshape(array.shape)


# Rules: the unit of the gradients


# How the weights change when all gradients become 2^k times as long: by the factor 2^(degree · k).
DEGREE = {"nash_mtl": -1, "fairgrad": -4 / 3}


@pytest.mark.parametrize("name", OF_GRAMIAN)
def test_the_unit_of_all_gradients_changes_the_weights_as_the_formula_says(name):
    @given(seeds, exponents)
    def property_(seed, k):
        J = np.random.default_rng(seed).standard_normal((3, 5))
        G = J @ J.T
        once = fresh(name)(np.ones(3), G)
        with strict():
            w = fresh(name)(np.ones(3), times_power(G, 2 * k))
        expected = once * 2.0 ** (DEGREE.get(name, 0) * k)
        np.testing.assert_allclose(w, expected, rtol=1e-6)

    property_()


@pytest.mark.parametrize("name", ["mgda", "upgrad", "cagrad", "aligned_mtl", "conflict_free"])
def test_gradients_whose_squares_are_subnormal_have_the_weights_of_longer_ones(name):
    G = np.array([[8.0, -2.0], [-2.0, 4.0]])
    once = fresh(name)(np.ones(2), G)
    with strict():
        w = fresh(name)(np.ones(2), times_power(G, -1074))  # the least number there is, times G
    np.testing.assert_allclose(w, once, rtol=1e-9)


def test_cosines_are_at_most_one_and_0_for_a_gradient_whose_square_has_vanished():
    with strict():
        C, n = cosines_and_norms(np.array([[0.0, 1e-160], [1e-160, 4.0]]))
        of_subnormal, _ = cosines_and_norms(5e-324 * np.array([[2.0, 1.0], [1.0, 1.0]]))
    np.testing.assert_array_equal(C, [[0, 0], [0, 1]])
    np.testing.assert_array_equal(n, [2, 2])
    assert np.abs(of_subnormal).max() <= 1


LENGTHS = [5e-324, 1e-300, 1e-150, 1e-30, 1.0, 1e30, 1e150, 1e300, 1.7e308]


@pytest.mark.parametrize("name", OF_GRAMIAN)
@pytest.mark.parametrize("cosine", [-0.6, 0.0, 0.6])
def test_gradients_of_any_two_lengths_get_finite_weights_or_are_refused_by_name(name, cosine):
    for a in LENGTHS:
        for b in LENGTHS:
            product = cosine * math.sqrt(a) * math.sqrt(b)
            G = np.array([[a, product], [product, b]])
            with strict():
                try:
                    w = fresh(name)(np.ones(2), G)
                except ValueError as error:
                    assert str(error).startswith(f"{name}: ")
                    assert "must be finite" not in str(error)
                else:
                    assert np.isfinite(w).all()


@pytest.mark.parametrize("name", OF_LOSSES)
def test_losses_of_any_two_sizes_get_finite_weights_or_are_refused_by_name(name):
    for a in LENGTHS:
        for b in LENGTHS:
            rule = fresh(name)
            with strict():
                try:
                    ws = [rule(np.array(L)) for L in ([a, b], [b, a], [a, b], [b, b])]
                except ValueError as error:
                    assert name == "geometric"  # GM / L is out of range where b / a is
                    assert str(error).startswith("geometric: ")
                    assert not 1e-300 < b / a < 1e300
                else:
                    assert np.isfinite(ws).all()


# Rules: against decimal numbers


def decimals(values):
    return [Decimal(float(x)) for x in values]


sizes = st.integers(-150, 150).flatmap(
    lambda power: st.floats(1, 10).map(lambda x: x * 10.0**power)
)


@given(st.lists(sizes, min_size=1, max_size=4))
def test_geometric_is_right_for_losses_from_1e_minus_150_to_1e150(losses):
    with localcontext() as context:
        context.prec = 60
        L = decimals(losses)
        GM = (sum(x.ln() for x in L) / len(L)).exp()
        expected = [float(GM / (len(L) * x)) for x in L]
    with strict():
        w = weighting.geometric(np.array(losses))
    np.testing.assert_allclose(w, expected, rtol=1e-12)


@given(st.lists(st.tuples(sizes, sizes), min_size=2, max_size=3))
def test_dwa_is_right_for_losses_from_1e_minus_150_to_1e150(pairs):
    older, newer = np.array(pairs).T
    with localcontext() as context:
        context.prec = 60
        r = [b / a for a, b in zip(decimals(older), decimals(newer))]
        e = [((x - max(r)) / 2).exp() for x in r]
        expected = [float(len(e) * x / sum(e)) for x in e]
    rule = weighting.DWA()
    with strict():
        for L in (older, newer):
            rule(L)
        w = rule(newer)
    # A ratio is rounded: an exponent of size r is right to r · 1e-16, and so is e to that power.
    rtol = 1e-3 + 4e-16 * float(max(r))
    certain = np.array([float(max(r) - x) for x in r]) < 1e3
    np.testing.assert_allclose(w[certain], np.array(expected)[certain], rtol=rtol, atol=1e-12)


@given(st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=4), st.floats(0.1, 1e4))
def test_stch_is_right_for_losses_up_to_1e4(losses, mu):
    with localcontext() as context:
        context.prec = 60
        x = [L / Decimal(mu) for L in decimals(losses)]
        e = [(x_t - max(x)).exp() for x_t in x]
        expected = [float(x_t / sum(e)) for x_t in e]
    with strict():
        w = weighting.stch(np.array(losses), mu=mu)
    np.testing.assert_allclose(w, expected, rtol=1e-8, atol=1e-300)


@pytest.mark.parametrize("alpha", [0.02, 0.1, 0.5, 1.0, 2.0, 30.0])
@given(k=st.integers(-250, 250), cosine=st.floats(-0.9, 0.9))
def test_fairgrad_of_two_equal_lengths_is_its_closed_form_in_any_unit(alpha, k, cosine):
    square = 4.0**k
    with localcontext() as context:
        context.prec = 60
        p = 1 / Decimal(alpha)
        # ‖g‖² (1 + cosine) w = w^(−1/α)
        expected = float((Decimal(square) * (1 + Decimal(cosine))) ** (-1 / (1 + p)))
    G = square * np.array([[1.0, cosine], [cosine, 1.0]])
    with strict():
        w = weighting.fairgrad(np.ones(2), G, alpha=alpha)
    np.testing.assert_allclose(w, expected, rtol=1e-8)


@pytest.mark.parametrize("alpha", [0.02, 0.1, 0.5, 1.0, 2.0, 30.0])
@settings(max_examples=15)
@given(seed=seeds, ratio=st.floats(0.01, 100.0))
def test_fairgrad_refuses_opposite_gradients_for_every_alpha(alpha, seed, ratio):
    g = np.random.default_rng(seed).standard_normal(3)
    J = np.array([g, -ratio * g])
    with pytest.raises(ValueError, match="^fairgrad: .* at a Pareto-stationary point"):
        weighting.fairgrad(np.ones(2), J @ J.T, alpha=alpha)


def test_fairgrad_refuses_opposite_gradients_whose_weights_rounding_would_make():
    J = np.array([[0.2, 1.9], [-3.2, -30.4]])
    for alpha in (0.1, 0.3, 0.5, 0.7, 0.9):
        with pytest.raises(ValueError, match="^fairgrad: .* at a Pareto-stationary point"):
            weighting.fairgrad(np.ones(2), J @ J.T, alpha=alpha)


def test_the_largest_losses_there_are_have_means():
    largest = np.full(2, 1.7e308)
    with strict():
        np.testing.assert_allclose(weighting.geometric(largest), 0.5)
        rule = weighting.DWA(every=2)
        for _ in range(5):
            w = rule(largest)
    np.testing.assert_allclose(w, 1.0)


@pytest.mark.parametrize("c", [0.0, 5e-324, 1e-200, 1e-110, 1e-90, 1e-12])
def test_cagrad_with_next_to_no_room_is_the_mean(c):
    G = np.array([[9.0, -3.0, 1.0], [-3.0, 2.0, 0.5], [1.0, 0.5, 4.0]])
    with strict():
        w = weighting.cagrad(np.ones(3), G, c=c)
    np.testing.assert_allclose(w, 1 / 3, rtol=1e-9)


@pytest.mark.parametrize("c", [1e9, 1e50, 1e100])
def test_cagrad_with_very_much_room_goes_along_mgda(c):
    G = np.array([[9.0, -3.0, 1.0], [-3.0, 2.0, 0.5], [1.0, 0.5, 4.0]])
    with strict():
        w = weighting.cagrad(np.ones(3), G, c=c)
    np.testing.assert_allclose(w / w.sum(), weighting.mgda(np.ones(3), G), atol=1e-6)


def test_a_solved_task_takes_no_part_in_cagrad_whatever_is_left_of_its_gradient():
    for square in (0.0, 1e-300, 1e-40):
        w = weighting.cagrad(np.ones(2), np.diag([1.0, square]))
        d = np.array([w[0], w[1] * math.sqrt(square)])
        assert np.linalg.norm(d) <= 0.5 * 1.5 + 1e-9  # (1 + c) ‖g₀‖ at most


# How tasks meet


@given(seeds, exponents, exponents)
def test_cosines_and_similarities_are_right_for_gradients_of_any_length(seed, k, m):
    assume(abs(k - m) < 480)
    x, y = np.random.default_rng(seed).standard_normal((2, 4))
    J = np.array([times_power(x, k), times_power(y, m)])
    product, xx, yy = exact_dot(x, y), exact_dot(x, x), exact_dot(y, y)
    with strict():
        G = interaction.gramian(J)
        ρ = interaction.cosines(G)
        Φ = interaction.magnitude_similarity(G)
    np.testing.assert_allclose(ρ[0, 1], product / math.sqrt(xx * yy), rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(np.diag(ρ), 1.0, rtol=1e-12)
    ratio = Fraction(2) ** (k - m) * Fraction(math.sqrt(xx / yy))
    np.testing.assert_allclose(Φ[0, 1], float(2 * ratio / (1 + ratio**2)), rtol=1e-9)


@given(seeds, st.integers(-500, 500))
def test_mean_and_error_have_the_unit_of_their_values(seed, k):
    v = np.random.default_rng(seed).standard_normal((5, 2)) + 1
    mean, error = interaction.mean_and_error(v)
    with strict():
        scaled = interaction.mean_and_error(times_power(v, 2 * k))
    np.testing.assert_array_equal(scaled[0], times_power(mean, 2 * k))
    np.testing.assert_allclose(scaled[1], times_power(error, 2 * k), rtol=1e-14)


@given(seeds, st.integers(-1000, 1000))
def test_neighbours_do_not_depend_on_the_unit_of_the_vectors(seed, k):
    rng = np.random.default_rng(seed)
    V = rng.integers(-2, 3, (8, 2)).astype(float)
    labels = rng.integers(0, 3, 8)
    with strict():
        scaled = interaction.neighbour_purity(times_power(V, k), labels)
    assert scaled == interaction.neighbour_purity(V, labels)


# Measures


@given(seeds, st.integers(-1000, 1000), st.sampled_from([np.float32, np.float64]))
def test_r_squared_is_right_in_every_unit(seed, k, dtype):
    rng = np.random.default_rng(seed)
    y = rng.standard_normal(5).astype(dtype)
    answers = rng.standard_normal(5).astype(dtype)
    exact_y = [Fraction(x) for x in y.tolist()]
    middle = sum(exact_y) / 5
    total = sum((x - middle) ** 2 for x in exact_y)
    unexplained = sum((x - Fraction(a)) ** 2 for x, a in zip(exact_y, answers.tolist()))
    expected = float(1 - unexplained / total)
    if dtype == np.float32:
        k = k // 10
    with strict():
        got = measures.r_squared(
            times_power(answers, k).astype(dtype), times_power(y, k).astype(dtype)
        )
    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-12)


def test_answers_far_out_have_r_squared_minus_infinity():
    with strict():
        assert measures.r_squared(np.array([1e300, 0.0]), np.array([1.0, 2.0])) == -math.inf


# Referees


@given(st.floats(-8, 0), st.floats(0.01, 1), st.floats(0.01, 1), st.integers(-400, 400))
def test_one_unit_loss_is_right_at_small_angles_and_in_every_unit(power, w1, w2, k):
    angle = 10**power
    weights = [math.ldexp(w, k) for w in (w1, w2)]
    with localcontext() as context:
        context.prec = 60
        a, b = decimals(weights)
        x = Decimal(angle)
        sine = sum((-1) ** i * x ** (2 * i + 1) / math.factorial(2 * i + 1) for i in range(25))
        root = ((a + b) ** 2 - 4 * a * b * sine**2).sqrt()
        expected = float((a + b - root) / 2)
    with strict():
        got = closed_form.one_unit_loss(angle, weights)
    np.testing.assert_allclose(got, expected, rtol=1e-12)


@given(seeds, st.integers(-480, 480))
def test_the_solutions_of_the_referees_have_the_unit_of_the_targets(seed, k):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((2, 6, 3))
    y = rng.standard_normal((2, 6))
    Y = rng.standard_normal((6, 2))
    once = closed_form.soft_sharing(X, y, 0.7)
    alone = closed_form.hard_sharing(X[0], Y, 1)
    with strict():
        Θ = closed_form.soft_sharing(X, times_power(y, k), 0.7)
        B = closed_form.hard_sharing(X[0], times_power(Y, k), 1)
    np.testing.assert_allclose(Θ, times_power(once, k), rtol=1e-8)
    np.testing.assert_allclose(B, times_power(alone, k), rtol=1e-6)


# Optimisers


def one_vector(values, sparse=False):
    class Vector(mtl.Module):
        def __init__(self):
            self.θ = mtl.Parameter(values, sparse)

    return Vector()


def adam_in_decimals(gradients, η, epsilon, dtype):
    """θ after steps from 0, one number at a time."""
    with localcontext() as context:
        context.prec = 60
        context.Emin, context.Emax = -9999, 9999
        β1, β2 = Decimal(0.9), Decimal(0.999)
        m = v = θ = Decimal(0)
        for t, g in enumerate(decimals(gradients), start=1):
            m = β1 * m + (1 - β1) * g
            v = β2 * v + (1 - β2) * g * g
            denominator = (v / (1 - β2**t)).sqrt() + Decimal(epsilon)
            if denominator:
                θ -= Decimal(η) * m / (1 - β1**t) / denominator
        return float(θ)


EDGES = {np.float64: (-145, 145), np.float32: (-15, 18)}


@pytest.mark.parametrize("epsilon", [0.0, 1e-8])
@pytest.mark.parametrize("dtype", EDGES)
def test_adam_is_its_formula_for_gradients_of_any_size(dtype, epsilon):
    @given(st.integers(*EDGES[dtype]), st.lists(st.floats(0.5, 2), min_size=1, max_size=4))
    def property_(power, parts):
        gradients = [dtype(part * 10.0**power) for part in parts]
        model = one_vector(np.zeros(2, dtype))
        optimizer = mtl.Adam(0.1, epsilon=epsilon)
        for g in gradients:
            model.grad[:] = [g, 0.0]  # and one that never gets a gradient
            with strict():
                optimizer.step(model)
        expected = adam_in_decimals(gradients, 0.1, epsilon, dtype)
        rtol = 1e-10 if dtype == np.float64 else 1e-4
        np.testing.assert_allclose(model.theta[0], expected, rtol=rtol, atol=1e-30)
        assert model.theta[1] == 0

    property_()


@pytest.mark.parametrize("epsilon", [0.0, 5e-324, 1e-50])
@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("dtype", EDGES)
def test_an_epsilon_that_is_nothing_makes_no_step_without_a_gradient(dtype, sparse, epsilon):
    model = one_vector(np.ones((3, 2), dtype), sparse)
    optimizer = mtl.Adam(0.1, epsilon=epsilon)
    model.touch_all()
    with strict():
        optimizer.step(model)
    assert (model.theta == 1).all()


@pytest.mark.parametrize("make", [mtl.SGD, mtl.Adam])
@pytest.mark.parametrize("dtype", EDGES)
def test_memory_fades_through_subnormal_numbers_without_a_word(make, dtype):
    optimizer = mtl.SGD(0.1, 0.5) if make is mtl.SGD else mtl.Adam(0.1, beta1=0.1, beta2=0.2)
    model = one_vector(np.zeros(2, dtype))
    model.grad[:] = dtype(1e-3)
    with strict():
        for _ in range(1200):
            optimizer.step(model)
            model.zero_grad()
    assert np.isfinite(model.theta).all()
    assert not any(getattr(optimizer, name).any() for name in optimizer.memory)


# The check of gradients


@given(st.integers(0, 8), seeds)
def test_check_gradient_accepts_a_right_gradient_of_a_large_value(power, seed):
    rng = np.random.default_rng(seed)
    x, targets = rng.standard_normal((2, 3))
    targets = targets * 10.0**power
    mtl.check_gradient(lambda x: mtl.mse(x, targets), x)


@given(st.floats(-1e12, 1e12))
def test_check_gradient_moves_a_large_argument(x):
    mtl.check_gradient(lambda x: 3.0 * x, np.array([x]))


@given(seeds, st.sampled_from([0.99, 1.01, -1.0, 0.0, 2.0]))
def test_check_gradient_still_sees_one_percent(seed, factor):
    x = np.random.default_rng(seed).uniform(0.5, 2, 3)

    def wrong(x):
        return mtl.tensor.node(x.data**2, (x, lambda g: g * 2 * x.data * factor))

    with pytest.raises(AssertionError, match="argument 0 at index"):
        mtl.check_gradient(wrong, x)


@pytest.mark.parametrize("value", [math.inf, math.nan])
def test_check_gradient_refuses_a_function_without_a_value(value):
    def broken(x):
        return mtl.tensor.node(x.data * 0 + value, (x, lambda g: g * 0))

    with np.errstate(invalid="ignore"), pytest.raises(AssertionError):
        mtl.check_gradient(broken, np.array([1.0]))


# A user's np.seterr(all="raise")

TINY = st.sampled_from([0.0, 1e-300, -1e-200, 1e-160, -1e-40, 1e-30, 1e-20])
USUAL = st.floats(-3, 3, allow_subnormal=False)
FAR = st.sampled_from([-1e4, -800.0, -100.0, 100.0, 600.0])


def of_any_size(shape, *kinds):
    kinds = kinds or (TINY, USUAL, FAR)
    return hnp.arrays(np.float64, shape, elements=st.one_of(*kinds), fill=st.nothing())


def of_one(function):
    return lambda x, a: function(x)


CALM = {
    "product": lambda x, a: x * a,
    "quotient": lambda x, a: x / (1.0 + abs(a)),
    "power": lambda x, a: x**3,
    "matrix product": lambda x, a: x @ a.T,
    "exp": lambda x, a: ops.exp(-abs(x)),
    "tanh": of_one(ops.tanh),
    "sigmoid": of_one(ops.sigmoid),
    "softplus": of_one(ops.softplus),
    "logsumexp": of_one(ops.logsumexp),
    "softmax": of_one(ops.softmax),
    "log_softmax": of_one(ops.log_softmax),
    "relu": of_one(ops.relu),
    "dense": lambda x, a: ops.dense(x, a.T, a[:, 0]),
    "mse": mtl.mse,
    "weighted mse": lambda x, a: mtl.mse(x, a, abs(a) + a.dtype.type(1)),
    "cross_entropy": lambda x, a: mtl.cross_entropy(x, np.arange(len(a)) % a.shape[1]),
    "soft cross_entropy": lambda x, a: mtl.cross_entropy(x, _distributions(a)),
    "binary_cross_entropy": lambda x, a: mtl.binary_cross_entropy(x, (a > 0).astype(a.dtype)),
    "weighted_sum": lambda x, a: mtl.weighted_sum({"a": x.sum()}, {"a": 1e-200}),
    "l2_penalty": lambda x, a: mtl.l2_penalty({"a": [x]}, {"a": 1e-5}),
    "l2_distance": lambda x, a: mtl.l2_distance([[x], [mtl.Tensor(a)]], 1e-5),
}


def _distributions(a):
    """Rows that sum to 1, one entry of each is nearly 1."""
    q = np.full_like(a, 1e-30)
    q[:, 0] = 1
    return q


@pytest.mark.parametrize("name", CALM)
def test_what_can_be_written_is_computed_for_a_user_who_has_numpy_raise(name):
    """The same numbers to the bit as for all others, wherever these are finite."""

    def value_and_gradients(arrays, g):
        x = mtl.Parameter(arrays[0])
        y = CALM[name](x, arrays[1])
        slope = mtl.gradient(y, x, np.full(y.shape, g))
        y.backward(np.full(y.shape, g))
        return y.data, slope, x.grad

    @given(of_any_size((2, 2, 3)), st.sampled_from([1.0, 1e-3, 1e-20, 1e-200]))
    def property_(drawn, g):
        known = []
        for dtype in (np.float32, np.float64):
            with np.errstate(all="ignore"):
                arrays = drawn.astype(dtype)
                expected = value_and_gradients(arrays, g)
            if all(np.isfinite(part).all() for part in expected):
                known.append((arrays, expected))
        assume(known)
        for arrays, expected in known:
            with strict():
                got = value_and_gradients(arrays, g)
            for part, wanted in zip(got, expected):
                np.testing.assert_array_equal(part, wanted)

    property_()


@given(of_any_size((2, 3)))
def test_a_jacobian_is_computed_for_a_user_who_has_numpy_raise(a):
    p = mtl.Parameter(a)
    with np.errstate(all="ignore"):
        expected = mtl.jacobian([(p * 1e-200).sum() * 1e-200, (p * p * 1e-3).sum()], [p])
    with strict():
        got = mtl.jacobian([(p * 1e-200).sum() * 1e-200, (p * p * 1e-3).sum()], [p])
    np.testing.assert_array_equal(got, expected)


def test_what_is_too_large_is_still_an_error_for_a_user_who_has_numpy_raise():
    x = mtl.Parameter([800.0])
    with strict(), pytest.raises(FloatingPointError, match="overflow"):
        ops.exp(x)


def next_to_nothing(losses, gramian):
    return np.full(len(losses), 1e-305)


@pytest.mark.parametrize("weights", [None, weighting.mgda, weighting.geometric, next_to_nothing])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_training_is_the_same_for_a_user_who_has_numpy_raise(weights, dtype):
    def parameters_after_training():
        model = network(dtype=dtype)
        for head in model.heads.values():
            head.W = (head.W.data * 1e-30).astype(dtype)  # products of these underflow
        mtl.fit(
            model,
            examples(),
            LOSSES,
            optimizer=mtl.Adam(0.1),
            steps=20,
            weights=weights,
            quiet=True,
        )
        return model.theta

    expected = parameters_after_training()
    with strict():
        got = parameters_after_training()
    np.testing.assert_array_equal(got, expected)
