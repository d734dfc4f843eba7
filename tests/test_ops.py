"""The laws of the functions of tensors: each against its formula, and what holds at the edges."""

import builtins
import math
from decimal import Decimal, localcontext

import numeric
import numpy as np
import pytest
import strategies as some
from hypothesis import given, settings
from hypothesis import strategies as st
from numeric import assert_close, central_differences, complex_step
from test_tensor import (
    Case,
    assert_float32_stays_float32,
    assert_layout_does_not_matter,
    assert_refused_in_words,
    assert_result_stands_alone,
    assert_value_and_gradient_are_those_of_the_formula,
)

from tinymtl import Parameter
from tinymtl.ops import (
    abs,
    clip,
    concatenate,
    dense,
    embedding,
    exp,
    log,
    log_softmax,
    logsumexp,
    relu,
    sigmoid,
    softmax,
    softplus,
    sqrt,
    stack,
    tanh,
    where,
)
from tinymtl.tensor import Tensor, gradient


@st.composite
def entry_by_entry(draw, operation, formula, elements, derivative=complex_step):
    a = draw(some.arrays(elements=elements))
    return Case([a], operation, formula, derivative)


@st.composite
def along_an_axis(draw, operation, formula):
    a = draw(some.arrays(some.shapes(min_dims=1)))
    axis = draw(st.integers(-a.ndim, a.ndim - 1))
    return Case([a], lambda x: operation(x, axis), lambda x: formula(x, axis))


@st.composite
def joined(draw, operation, formula):
    """Parts side by side. Along the axis that joins them each has a length of its own, even 0."""
    shape = draw(some.shapes(min_dims=1))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    parts = []
    for _ in range(draw(st.integers(1, 3))):
        part = list(shape)
        part[axis] = draw(st.integers(0, 3))
        parts.append(draw(some.arrays(tuple(part))))
    return Case(parts, lambda *xs: operation(xs, axis), lambda *xs: formula(xs, axis))


@st.composite
def stacked(draw, operation, formula):
    """Parts of one shape, side by side along a new axis."""
    shape = draw(some.shapes())
    ndim = len(shape) + 1  # of the result
    axis = draw(st.integers(-ndim, ndim - 1))
    parts = [draw(some.arrays(shape)) for _ in range(draw(st.integers(1, 3)))]
    return Case(parts, lambda *xs: operation(xs, axis), lambda *xs: formula(xs, axis))


@st.composite
def dense_layers(draw):
    *rows, D = draw(some.shapes(min_dims=1))
    H = draw(st.integers(1, 3))
    x = draw(some.arrays((*rows, D)))
    W = draw(some.arrays((D, H)))
    b = draw(some.arrays((H,)))
    return Case([x, W, b], dense, numeric.dense)


@st.composite
def look_ups(draw):
    table = draw(some.arrays(some.shapes(min_dims=2, max_dims=2)))
    ids = draw(some.ids(len(table)))
    one_hot = numeric.one_hot(ids, len(table))
    return Case([table], lambda table: embedding(table, ids), lambda table: one_hot @ table)


@st.composite
def clippings(draw):
    """The bounds lie at odd multiples of 1/8, the entries at even ones: none is at a kink."""
    low, high = sorted(draw(st.integers(-8, 7)) / 4 + 1 / 8 for _ in range(2))
    entries = st.integers(-12, 12).map(lambda i: i / 4)
    a = draw(some.arrays(elements=entries))
    return Case(
        [a], lambda x: clip(x, low, high), lambda x: np.clip(x, low, high), central_differences
    )


@st.composite
def choices(draw):
    """The condition and both operands broadcast."""
    a, b = draw(some.broadcastable_pairs())
    condition = draw(some.present(np.broadcast_shapes(a.shape, b.shape)))
    return Case(
        [a, b],
        lambda a, b: where(condition, a, b),
        lambda a, b: np.where(condition, a, b),
    )


def relu_by_numpy(x):
    return np.maximum(x, 0)


OPERATIONS = {
    "exp": entry_by_entry(exp, np.exp, some.floats()),
    "log": entry_by_entry(log, np.log, some.floats(0.3, 5)),
    "sqrt": entry_by_entry(sqrt, np.sqrt, some.floats(0.3, 5)),
    "relu": entry_by_entry(relu, relu_by_numpy, some.away_from_zero(), central_differences),
    "abs": entry_by_entry(abs, np.abs, some.away_from_zero(), central_differences),
    "clip": clippings(),
    "where": choices(),
    "tanh": entry_by_entry(tanh, np.tanh, some.floats()),
    "sigmoid": entry_by_entry(sigmoid, numeric.sigmoid, some.floats()),
    "softplus": entry_by_entry(softplus, numeric.softplus, some.floats()),
    "softmax": along_an_axis(softmax, numeric.softmax),
    "logsumexp": along_an_axis(logsumexp, numeric.logsumexp),
    "log_softmax": along_an_axis(log_softmax, numeric.log_softmax),
    "concatenate": joined(concatenate, np.concatenate),
    "stack": stacked(stack, np.stack),
    "dense": dense_layers(),
    "embedding": look_ups(),
}

every_operation = pytest.mark.parametrize("cases", OPERATIONS.values(), ids=OPERATIONS)


@every_operation
@given(st.data())
def test_value_and_gradient_are_those_of_the_formula(cases, data):
    assert_value_and_gradient_are_those_of_the_formula(data.draw(cases), data)


@every_operation
@settings(max_examples=10)
@given(st.data())
def test_result_is_read_only_and_apart_from_its_parents_and_freed_at_once(cases, data):
    assert_result_stands_alone(data.draw(cases))


@every_operation
@settings(max_examples=10)
@given(st.data())
def test_float32_stays_float32(cases, data):
    case = data.draw(cases)
    assert_float32_stays_float32(case.operation, case.arrays)


@pytest.mark.parametrize(
    "function", [exp, log, sqrt, relu, abs, tanh, sigmoid, softplus], ids=lambda f: f.__name__
)
def test_float32_stays_float32_without_axes(function):
    assert_float32_stays_float32(function, [0.7])  # here NumPy 1 and NumPy 2 promote differently


def test_float32_stays_float32_for_a_result_without_axes():
    assert_float32_stays_float32(logsumexp, [[0.7, 0.1]])
    assert_float32_stays_float32(lambda x: clip(x, 0.1, 1), [0.7])
    assert_float32_stays_float32(lambda x: where(np.array(True), x, 0.1), [0.7])
    assert_float32_stays_float32(lambda x: where(np.array(False), 0.1, x), [0.7])
    assert_float32_stays_float32(lambda x: embedding(x, np.array(1))[0], [[[0.7], [0.1]]])


@every_operation
@settings(max_examples=10)
@given(st.data())
def test_order_in_memory_does_not_matter(cases, data):
    assert_layout_does_not_matter(data.draw(cases), data)


# At the edges.


def test_relu_has_slope_0_at_the_kink():
    x = Parameter([-1.0, 0.0, 2.0])
    assert np.array_equal(gradient(relu(x).sum(), x), [0, 0, 1])


def test_abs_has_slope_0_at_the_kink():
    x = Parameter([-2.0, 0.0, 3.0])
    assert np.array_equal(gradient(abs(x).sum(), x), [-1, 0, 1])


def test_clip_has_slope_0_at_both_kinks():
    x = Parameter([-2.0, -1.0, 0.0, 1.0, 2.0])
    assert np.array_equal(clip(x, -1, 1).data, [-1, -1, 0, 1, 1])
    assert np.array_equal(gradient(clip(x, -1, 1).sum(), x), [0, 0, 1, 0, 0])


@given(some.arrays())
def test_clip_from_0_without_a_bound_above_is_relu(a):
    x = Parameter(a)
    clipped = clip(x, 0, np.inf)
    assert np.array_equal(clipped.data, relu(x).data)
    assert np.array_equal(gradient(clipped.sum(), x), gradient(relu(x).sum(), x))


@given(some.arrays())
def test_abs_is_relu_of_both_signs(a):
    x = Parameter(a)
    both = relu(x) + relu(-x)
    assert np.array_equal(abs(x).data, both.data)
    assert np.array_equal(gradient(abs(x).sum(), x), gradient(both.sum(), x))


@given(some.arrays(), some.floats())
def test_where_takes_numbers_and_arrays_as_constants(a, c):
    x = Parameter(a)
    positive = a > 0
    chosen = where(positive, x, c)
    assert np.array_equal(chosen.data, np.where(positive, a, c))
    assert np.array_equal(gradient(chosen.sum(), x), positive)
    other = where(positive, np.full(a.shape, c), x)
    assert np.array_equal(other.data, np.where(positive, c, a))
    assert np.array_equal(gradient(other.sum(), x), ~positive)


def test_condition_changed_afterwards_does_not_move_the_gradient():
    x = Parameter([1.0, 2.0])
    condition = np.array([True, False])
    y = where(condition, x, 0.0).sum()
    condition[:] = ~condition
    assert np.array_equal(gradient(y, x), [1, 0])


def test_what_where_leaves_out_may_be_nan_if_it_is_chosen_before_it_is_used():
    x = Parameter([0.0, 2.0])
    y = log(where(x.data > 0, x, 1.0))
    assert np.array_equal(gradient(y.sum(), x), [0, 0.5])


def test_norm_written_with_where_has_slope_0_at_0():
    def norm(x):
        square = (x * x).sum()
        is_positive = square.data > 0
        return where(is_positive, sqrt(where(is_positive, square, 1.0)), 0.0)

    for values, slope in (([0.0, 0.0], [0, 0]), ([3.0, -4.0], [0.6, -0.8])):
        x = Parameter(values)
        assert float(norm(x)) == np.linalg.norm(values)
        assert_close(gradient(norm(x), x), np.array(slope, float))


def test_softplus_and_its_slope_keep_all_digits_far_out():
    x = Parameter([-1e4, -40.0, 40.0, 1e4])
    y = softplus(x)
    tiny = np.exp(-40.0)
    np.testing.assert_allclose(y.data, [0, tiny, 40, 1e4], rtol=1e-15, atol=0)
    np.testing.assert_allclose(gradient(y.sum(), x), [0, tiny, 1, 1], rtol=1e-15, atol=0)


@given(some.arrays(elements=some.floats(-40, 40)))
def test_softplus_of_x_minus_that_of_minus_x_is_x(a):
    """log(1 + eˣ) − log(1 + e⁻ˣ) = x"""
    assert_close(softplus(Tensor(a)).data - softplus(Tensor(-a)).data, a)


OF_ONE_TENSOR = [
    exp,
    log,
    sqrt,
    relu,
    abs,
    tanh,
    sigmoid,
    softplus,
    logsumexp,
    softmax,
    log_softmax,
]


@pytest.mark.parametrize("function", OF_ONE_TENSOR)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_array_in_place_of_a_tensor_is_a_constant(function, dtype):
    a = np.array([[0.5, 2.0]], dtype)
    got = function(a)
    assert got.dtype == dtype
    assert not got.needs_grad
    assert np.array_equal(got.data, function(Tensor(a)).data)


@given(some.arrays(elements=some.away_from_zero()))
def test_python_s_abs_is_abs(a):
    x = Parameter(a)
    built_in = builtins.abs(x)
    assert np.array_equal(built_in.data, np.abs(a))
    assert np.array_equal(gradient(built_in.sum(), x), np.sign(a))


def sigmoid_in_decimals(x):
    """σ and its slope"""
    with localcontext() as context:
        context.prec = 60
        e = (-Decimal(float(x))).exp()
        return float(1 / (1 + e)), float(e / (1 + e) ** 2)


@pytest.mark.parametrize("dtype, far", [(np.float32, 80), (np.float64, 700)])
def test_sigmoid_and_its_slope_keep_all_digits_far_out(dtype, far):
    @given(st.floats(-far, far, width=32))
    def property_(x):
        leaf = Parameter(np.array([x], dtype))
        y = sigmoid(leaf)
        value, slope = sigmoid_in_decimals(x)
        rtol = 8 * np.finfo(dtype).eps
        np.testing.assert_allclose(y.data, [value], rtol=rtol)
        np.testing.assert_allclose(gradient(y.sum(), leaf), [slope], rtol=rtol)

    property_()


@given(some.arrays(some.shapes(2, 2)), st.data())
def test_logsumexp_leaves_out_what_is_minus_infinity(a, data):
    """log Σ exp over entries of which some are −∞ is that over the others, and −∞ over none."""
    is_there = data.draw(some.present(a.shape))
    x = Parameter(np.where(is_there, a, -np.inf))
    y = logsumexp(x)
    for value, row, there in zip(y.data, a, is_there):
        assert value == (logsumexp(Tensor(row[there])).data if there.any() else -np.inf)
    slopes = gradient(y.sum(), x)
    assert np.array_equal(slopes > 0, is_there)
    assert_close(slopes.sum(1), is_there.any(1).astype(float))


def test_logsumexp_of_infinity_is_infinity_and_of_nan_is_nan():
    with np.errstate(invalid="ignore"):
        for row in ([np.inf, 1.0], [-np.inf, np.inf], [np.inf, np.inf]):
            assert logsumexp(np.array(row)).data == np.inf
        assert np.isnan(logsumexp(np.array([np.nan, 1.0])).data)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [1000, 1_000_000])
def test_gradient_of_a_bias_is_right_for_many_rows(dtype, n):
    g = (np.random.default_rng(n).random((n, 1)) + 0.5).astype(dtype)
    b = Parameter(np.zeros(1, dtype))
    y = dense(np.zeros((n, 1), dtype), np.zeros((1, 1), dtype), b)
    expected = math.fsum(g[:, 0].tolist())
    np.testing.assert_allclose(gradient(y, b, g), [expected], rtol=8 * np.finfo(dtype).eps)


def test_softmax_is_finite_at_1e4():
    x = Parameter([[1e4, -1e4, 1e4]])
    p = softmax(x)
    assert np.array_equal(p.data, [[0.5, 0, 0.5]])
    assert np.array_equal(gradient(p[0, 0], x), [[0.25, 0, -0.25]])


@given(some.arrays(some.shapes(2, 2)), some.floats(-50, 50))
def test_softmax_is_a_distribution_that_a_constant_does_not_change(a, c):
    p = softmax(Tensor(a)).data
    assert np.all(p > 0)
    assert_close(p.sum(-1), np.ones(len(a)))
    assert_close(softmax(Tensor(a + c)).data, p)


@given(some.arrays(some.shapes(2, 2)))
def test_gradient_of_softmax_sums_to_0_along_its_axis(a):
    x = Parameter(a)
    assert_close(gradient(softmax(x)[:, 0].sum(), x).sum(-1), np.zeros(len(a)))


@given(some.arrays(some.shapes(2, 2)))
def test_logarithm_of_softmax_is_log_softmax(a):
    x = Parameter(a)
    y = log(softmax(x))
    assert_close(y.data, log_softmax(x).data)
    assert_close(gradient((y * y).sum(), x), gradient((log_softmax(x) ** 2).sum(), x))


@pytest.mark.parametrize(
    "function, low, high", [(sigmoid, 0, 1), (tanh, -1, 1)], ids=["sigmoid", "tanh"]
)
def test_squashing_reaches_its_limits_without_overflow(function, low, high):
    x = Parameter([-1e4, 1e4])
    y = function(x)
    assert np.array_equal(y.data, [low, high])
    assert np.array_equal(gradient(y.sum(), x), [0, 0])


def test_logsumexp_and_log_softmax_are_finite_at_1e4():
    x = Parameter([[1e4, -1e4, 1e4]])
    assert_close(logsumexp(x).data, [1e4 + np.log(2)])
    assert_close(log_softmax(x).data, [[-np.log(2), -2e4 - np.log(2), -np.log(2)]])
    assert_close(gradient(logsumexp(x).sum(), x), [[0.5, 0, 0.5]])
    assert_close(gradient(log_softmax(x)[0, 0], x), [[0.5, 0, -0.5]])


@given(some.arrays(some.shapes(2, 2)), some.floats(-50, 50))
def test_logsumexp_moves_with_its_input(a, c):
    assert_close(logsumexp(Tensor(a + c)).data, logsumexp(Tensor(a)).data + c)


@given(some.arrays(some.shapes(2, 2)))
def test_logsumexp_lies_between_max_and_max_plus_log_of_the_count(a):
    above_max = logsumexp(Tensor(a)).data - a.max(-1)
    assert np.all(above_max >= -1e-12)
    assert np.all(above_max <= np.log(a.shape[-1]) + 1e-12)


@given(some.arrays(some.shapes(2, 2)))
def test_exp_of_log_softmax_sums_to_1(a):
    assert_close(np.exp(log_softmax(Tensor(a)).data).sum(-1), np.ones(len(a)))


@given(some.arrays(some.shapes(2, 2)))
def test_gradient_of_log_softmax_sums_to_0_along_its_axis(a):
    x = Parameter(a)
    assert_close(gradient(log_softmax(x)[:, 0].sum(), x).sum(-1), np.zeros(len(a)))


@given(some.arrays(some.shapes(1)))
def test_dense_is_matmul_plus_bias_in_value_and_gradient(a):
    rng = np.random.default_rng(0)
    x = Parameter(a)
    W = Parameter(rng.normal(size=(a.shape[-1], 2)))
    b = Parameter(rng.normal(size=2))
    fused = dense(x, W, b)
    composed = x @ W + b
    assert_close(fused.data, composed.data)
    of_fused = gradient((fused * fused).sum(), [x, W, b])
    of_composed = gradient((composed * composed).sum(), [x, W, b])
    for got, expected in zip(of_fused, of_composed):
        assert_close(got, expected)


def test_join_of_constants_and_parameters_sends_gradient_to_the_parameters():
    x = Parameter([1.0, 2.0])
    c = Tensor([3.0])
    joined = concatenate([c, x, c])
    assert np.array_equal(gradient(joined, x, [9.0, 1.0, 2.0, 9.0]), [1, 2])
    stacked = stack([c, x[:1]])
    assert np.array_equal(gradient(stacked, x, [[9.0], [4.0]]), [4, 0])


def test_tensor_joined_with_itself_gets_both_shares():
    x = Parameter([1.0, 2.0])
    assert np.array_equal(gradient(concatenate([x, x]), x, [1.0, 2.0, 10.0, 20.0]), [11, 22])
    assert np.array_equal(gradient(stack([x, x], 1), x, [[1.0, 10.0], [2.0, 20.0]]), [11, 22])


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "int32", "int64", "uint64"])
def test_ids_of_any_integer_type_look_up_the_same_rows(dtype):
    """This also holds where the place of a row, id × E, does not fit into the type of the ids."""
    table = Parameter(np.arange(101.0 * 400).reshape(101, 400))
    ids = np.array([3, 100, 3], dtype)
    rows = embedding(table, ids)
    assert np.array_equal(rows.data, table.data[[3, 100, 3]])
    by_row = gradient(rows.sum(), table)[:, 0]
    assert np.flatnonzero(by_row).tolist() == [3, 100]
    assert by_row[3] == 2


def test_ids_changed_afterwards_do_not_move_the_gradient():
    table = Parameter(np.zeros((3, 1)))
    ids = np.array([0, 0])
    y = embedding(table, ids).sum()
    ids[:] = 2
    assert np.array_equal(gradient(y, table), [[2], [0], [0]])


def test_no_ids_look_up_no_rows():
    table = Parameter(np.ones((3, 2)))
    rows = embedding(table, np.zeros((0,), int))
    assert rows.shape == (0, 2)
    assert not np.any(gradient(rows.sum(), table))


# Bad input: the call, the exception, and the words that its message has to hold.

table = Parameter(np.ones((3, 2)))
double = Tensor(np.ones((2, 2)))
single = Tensor(np.ones((2, 2), np.float32))

BAD_INPUT = {
    "ids too large": (
        lambda: embedding(table, np.array([[0, 1], [2, 3]])),
        IndexError,
        ["embedding", "ids", "[0, 3)", "got 3 at position 3"],
    ),
    "ids negative": (
        lambda: embedding(table, np.array([1, -1])),
        IndexError,
        ["embedding", "ids", "[0, 3)", "got -1 at position 1"],
    ),
    "ids small and negative": (
        lambda: embedding(table, np.array([-128], np.int8)),
        IndexError,
        ["embedding", "ids", "got -128 at position 0"],
    ),
    "ids of floating type": (
        lambda: embedding(table, np.array([0.0])),
        TypeError,
        ["embedding", "ids", "integers", "float64"],
    ),
    "ids as a mask": (
        lambda: embedding(table, np.array([True])),
        TypeError,
        ["embedding", "ids", "integers", "bool"],
    ),
    "clip with bounds in the wrong order": (
        lambda: clip(double, 1, -1),
        ValueError,
        ["clip", "low", "high", "got 1 and -1"],
    ),
    "clip with a bound nan": (
        lambda: clip(double, np.nan, 1),
        ValueError,
        ["clip", "low", "nan"],
    ),
    "clip with a bound that is no number": (
        lambda: clip(double, None, 1),
        TypeError,
        ["clip", "low", "number", "None"],
    ),
    "where with numbers as condition": (
        lambda: where(np.ones((2, 2)), double, 0.0),
        TypeError,
        ["where", "condition", "boolean", "float64"],
    ),
    "where with two constants": (
        lambda: where(np.array(True), 1.0, np.ones(2)),
        TypeError,
        ["where", "a or b", "Tensor", "float and ndarray"],
    ),
    "where with two types": (
        lambda: where(np.array(True), double, single),
        TypeError,
        ["where", "b", "float64", "float32"],
    ),
    "where with an array of another type": (
        lambda: where(np.array(True), single.data, double),
        TypeError,
        ["where", "a", "float64", "float32"],
    ),
    "concatenate of two types": (
        lambda: concatenate([double, single]),
        TypeError,
        ["concatenate", "float64", "float32"],
    ),
    "stack of two types": (
        lambda: stack([double, single]),
        TypeError,
        ["stack", "float64", "float32"],
    ),
}


@pytest.mark.parametrize("call, exception, words", BAD_INPUT.values(), ids=BAD_INPUT)
def test_bad_input_is_refused_in_words(call, exception, words):
    assert_refused_in_words(call, exception, words)
