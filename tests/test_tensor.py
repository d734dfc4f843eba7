"""The laws of the engine: each operation against its formula, then the chain rule over graphs."""

import copy
import gc
import threading
import weakref
from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple

import numpy as np
import pytest
import strategies as some
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numeric import assert_close, central_differences, complex_step, one_hot

from tinymtl import Dense, Parameter
from tinymtl.losses import mse
from tinymtl.ops import concatenate, dense, embedding, log_softmax, sigmoid, tanh
from tinymtl.tensor import Scatter, Tensor, chain_rule, gradient, jacobian, no_grad, node

# What an operation has to obey. A case is drawn anew for every example. tests/test_ops.py uses the
# same laws.


class Case(NamedTuple):
    """An operation, the arrays that it is tried on, and what it should compute."""

    arrays: list
    operation: Callable  # of tensors
    formula: Callable  # of arrays, independent of the package
    derivative: Callable = complex_step  # of the formula


def assert_value_and_gradient_are_those_of_the_formula(case, data):
    leaves = [Parameter(a) for a in case.arrays]
    out = case.operation(*leaves)
    g = data.draw(some.upstream(out.shape), label="g")
    kept = g.copy()
    assert_close(out.data, case.formula(*case.arrays))
    slopes = case.derivative(case.formula, *case.arrays, g=g)
    tolerance = 1e-9 if case.derivative is complex_step else 1e-6
    for got, expected in zip(gradient(out, leaves, g), slopes):
        assert_close(got, expected, tolerance)
    for leaf, a in zip(leaves, case.arrays):
        assert np.array_equal(leaf.data, a), "an input was changed"
    assert np.array_equal(g, kept), "the gradient from above was changed"


def assert_result_stands_alone(case):
    """Read-only, apart from its parents' memory, and freed when nobody holds it."""
    leaves = [Parameter(a) for a in case.arrays]
    out = case.operation(*leaves)
    value = out.data.copy()
    assert not out.data.flags.writeable
    for leaf in leaves:
        leaf.data = leaf.data + 1
    assert np.array_equal(out.data, value)
    died = weakref.ref(out)
    gc.disable()
    try:
        del out
        assert died() is None
    finally:
        gc.enable()


def assert_refused_in_words(call, exception, words):
    """An error that holds each word: the argument, what was expected, what was got."""
    with pytest.raises(exception) as caught:
        call()
    assert [word for word in words if word not in str(caught.value)] == []


def assert_float32_stays_float32(operation, arrays):
    """In the value, and in every share of the gradient before the shares are added up.

    The sum itself would hide a float64 share, because it is added to a float32 array.
    """
    leaves = [Parameter(np.asarray(a, np.float32)) for a in arrays]
    out = operation(*leaves)
    assert out.dtype == np.float32
    for _, share in chain_rule(out, np.ones(out.shape, np.float32)):
        values = share.values if isinstance(share, Scatter) else share
        assert values.dtype == np.float32


def assert_layout_does_not_matter(case, data):
    """Rows first or columns first in memory, in a leaf or in a result: the gradient is the same."""
    plain = [Parameter(np.array(a, order="C")) for a in case.arrays]
    turned = [Parameter(np.array(a, order="F")) for a in case.arrays]
    inner = [leaf * 1.0 for leaf in turned]  # NumPy keeps the order of the operands
    out = case.operation(*plain)
    g = data.draw(some.upstream(out.shape), label="g")
    expected = gradient(out, plain, g)
    for operands in (turned, inner):
        slopes = gradient(case.operation(*operands), turned, g)
        for got, wanted in zip(slopes, expected):
            assert_close(got, wanted)


OPERATIONS = {}


def operation(case):
    """Register a function (draw) -> Case under its name."""
    OPERATIONS[case.__name__.replace("_", " ")] = st.composite(case)()


def same(arrays, expression, derivative=complex_step):
    """An expression that reads the same for arrays, where NumPy is the oracle, and for tensors."""
    return Case(list(arrays), expression, expression, derivative)


@operation
def add(draw):
    return same(draw(some.broadcastable_pairs()), lambda a, b: a + b)


@operation
def subtract(draw):
    return same(draw(some.broadcastable_pairs()), lambda a, b: a - b)


@operation
def multiply(draw):
    return same(draw(some.broadcastable_pairs()), lambda a, b: a * b)


@operation
def divide(draw):
    return same(draw(some.broadcastable_pairs(right=some.away_from_zero())), lambda a, b: a / b)


@operation
def negate(draw):
    return same([draw(some.arrays())], lambda a: -a)


@operation
def power(draw):
    c = draw(st.sampled_from([-2, -1, 0, 1, 2, 3, -1.5, 0.5, 2.5]))
    return same([draw(some.arrays(elements=some.floats(0.3, 3)))], lambda a: a**c)


@operation
def number_on_either_side(draw):
    c = draw(some.away_from_zero())
    a = draw(some.arrays(elements=some.away_from_zero()))
    return same([a], lambda a: c - a * c + c / a + (c * a - c) / c + (c + a))


@operation
def array_on_either_side(draw):
    a, c = draw(some.broadcastable_pairs(right=some.away_from_zero()))

    def expression(a):
        array = np.asarray(c, a.dtype)
        return array - a * array + array * a / array + (array + a)

    return same([a], expression)


@operation
def array_divided_by_tensor(draw):
    b, a = draw(some.broadcastable_pairs(right=some.away_from_zero()))
    return same([a], lambda a: np.asarray(b, a.dtype) / a)


@operation
def matmul(draw):
    return same(draw(some.matmul_pairs()), lambda a, b: a @ b)


@operation
def array_times_matrix(draw):
    a, b = draw(some.matmul_pairs())
    return same([b], lambda b: np.asarray(a, b.dtype) @ b)


@operation
def sum_over_axes(draw):
    a = draw(some.arrays())
    axis = draw(some.axes(a.ndim))
    keepdims = draw(st.booleans())
    return same([a], lambda a: a.sum(axis, keepdims=keepdims))


@operation
def mean_over_axes(draw):
    a = draw(some.arrays())
    axis = draw(some.axes(a.ndim))
    keepdims = draw(st.booleans())
    return same([a], lambda a: a.mean(axis, keepdims=keepdims))


@operation
def max_over_axes(draw):
    # No two entries are equal: where two are, the maximum has a kink.
    apart = st.integers(-40, 40).map(lambda i: i / 8)
    a = draw(hnp.arrays(np.float64, some.shapes(), elements=apart, fill=st.nothing(), unique=True))
    axis = draw(some.axes(a.ndim))
    keepdims = draw(st.booleans())
    return same([a], lambda a: a.max(axis, keepdims=keepdims), central_differences)


@operation
def reshape(draw):
    a = draw(some.arrays())
    shape = draw(st.sampled_from([-1, (1, -1), (a.size,), a.shape[::-1], a.shape + (1,)]))
    return same([a], lambda a: a.reshape(shape))


@operation
def transpose(draw):
    # Orders of fewer than three axes are their own inverse, so three axes are drawn more often.
    a = draw(some.arrays(some.shapes() | some.shapes(min_dims=3)))
    axes = [draw(st.sampled_from([i, i - a.ndim])) for i in range(a.ndim)]  # from either end
    order = draw(st.permutations(axes))
    return same([a], lambda a: a.transpose(*order) if order else a.T)


@operation
def T(draw):
    return same([draw(some.arrays())], lambda a: a.T)


@operation
def basic_index(draw):
    a = draw(some.arrays())
    at = draw(hnp.basic_indices(a.shape, allow_newaxis=True))
    return same([a], lambda a: a[at])


@operation
def index_arrays_that_may_repeat(draw):
    a = draw(some.arrays(some.shapes(min_dims=1)))
    at = draw(hnp.integer_array_indices(a.shape))
    return same([a], lambda a: a[at])


@operation
def index_of_slices_and_lists(draw):
    a = draw(some.arrays(some.shapes(min_dims=2)))
    columns = draw(st.lists(st.integers(-a.shape[1], a.shape[1] - 1), min_size=1, max_size=4))
    rows = draw(st.slices(len(a)))
    return same([a], lambda a: a[rows, columns])


@operation
def boolean_mask(draw):
    a = draw(some.arrays(some.shapes(min_dims=1)))
    n_axes = draw(st.integers(1, a.ndim))
    mask = draw(some.present(a.shape[:n_axes]))
    return same([a], lambda a: a[mask])


@operation
def a_value_used_many_times(draw):
    return same([draw(some.arrays())], lambda a: a * a + a - (a + a) * a * a)


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


WITHOUT_AXES = {
    "x+1": lambda x: x + 1,
    "1-x": lambda x: 1 - x,
    "x*2": lambda x: x * 2,
    "2*x": lambda x: 2 * x,
    "x/2": lambda x: x / 2,
    "1/x": lambda x: 1 / x,
    "-x": lambda x: -x,
    "x**2": lambda x: x**2,
    "x**0.5": lambda x: x**0.5,
    "x**0": lambda x: x**0,
    "x*float64(2)": lambda x: x * np.float64(2),
    "float64(2)/x": lambda x: np.float64(2) / x,
    "sum": lambda x: x.sum(),
    "mean": lambda x: x.mean(),
    "max": lambda x: x.max(),
    "matmul": lambda x: x.reshape(1, 1) @ x.reshape(1),
    "index": lambda x: x[None],
    "T": lambda x: x.T,
}


@pytest.mark.parametrize("expression", WITHOUT_AXES.values(), ids=WITHOUT_AXES)
def test_float32_stays_float32_without_axes(expression):
    assert_float32_stays_float32(expression, [0.7])  # here NumPy 1 and NumPy 2 promote differently


@every_operation
@settings(max_examples=10)
@given(st.data())
def test_order_in_memory_does_not_matter(cases, data):
    assert_layout_does_not_matter(data.draw(cases), data)


# Single operations: what no formula of smooth functions says.


def test_max_splits_its_gradient_equally_among_the_largest():
    x = Parameter([[3.0, 1.0, 3.0], [2.0, 2.0, 2.0]])
    assert_close(gradient(x.max(1), x, [1.0, 6.0]), [[0.5, 0, 0.5], [2, 2, 2]])


def test_power_0_has_slope_0_also_at_0():
    x = Parameter([0.0, 2.0])
    assert np.array_equal(gradient((x**0).sum(), x), [0, 0])


def test_square_has_slope_2x_for_negative_x_and_at_0():
    x = Parameter([-3.0, 0.0])
    assert np.array_equal(gradient((x**2).sum(), x), [-6, 0])


def test_index_that_repeats_adds_up():
    x = Parameter([1.0, 2.0, 3.0])
    assert np.array_equal(gradient(x[[0, 2, 2, 2]], x, [1.0, 10.0, 20.0, 30.0]), [1, 0, 60])


def test_slices_that_overlap_add_up():
    x = Parameter([1.0, 2.0, 3.0])
    for of in (x, x * 1.0):  # in a leaf and in a result
        y = of[:2] + 10.0 * of[1:] + 100.0 * of[1]
        assert np.array_equal(gradient(y.sum(), x), [1, 211, 10])


def test_index_array_changed_afterwards_does_not_move_the_gradient():
    x = Parameter([1.0, 2.0, 3.0])
    at = np.array([0, 0])
    y = x[at].sum()
    at[:] = 2
    assert np.array_equal(gradient(y, x), [2, 0, 0])


def test_array_operand_changed_afterwards_does_not_change_the_gradient():
    x = Parameter([1.0, 2.0])
    c = np.array([3.0, 4.0])
    y = (x * c).sum()
    c[:] = 0
    assert np.array_equal(gradient(y, x), [3, 4])


def test_builtin_sum_adds_tensors():
    a, b = Parameter(1.0), Parameter(2.0)
    assert np.array_equal(gradient(sum([a, b, b]), [a, b]), [1, 2])


def test_sum_over_nothing_is_0():
    x = Parameter(np.zeros((0, 2)))
    assert np.array_equal(x.sum(0).data, [0, 0])
    assert gradient(x.sum(), x).shape == (0, 2)


def test_axes_of_transpose_may_be_a_tuple():
    x = Parameter(np.arange(6.0).reshape(1, 2, 3))
    assert np.array_equal(x.transpose((2, 0, 1)).data, x.data.transpose(2, 0, 1))


def test_exponent_may_be_a_number_of_numpy():
    x = Parameter(np.arange(6.0))
    assert np.array_equal((x ** np.int64(2)).data, x.data**2)


# Tensors.


def test_numbers_and_lists_become_float64():
    assert Tensor(1).dtype == np.float64
    assert Tensor([1, 2]).dtype == np.float64
    assert Parameter([[True]]).dtype == np.float64


def test_floating_arrays_keep_their_type():
    assert Tensor(np.float32(1)).dtype == np.float32
    assert Parameter(np.zeros(2, np.float32)).dtype == np.float32


def test_tensor_and_parameter_copy_their_array():
    a = np.array([1.0, 2.0])
    made = [Tensor(a), Parameter(a), Tensor(Parameter(a))]
    a[0] = 9
    assert all(t.data[0] == 1 for t in made)


@pytest.mark.parametrize("data", [1.0, [1.0, 2.0], np.ones(2), np.ones((2, 2), np.float32)])
def test_the_values_of_a_constant_cannot_be_written(data):
    x = Tensor(data)
    with pytest.raises(ValueError, match="read-only"):
        x.data[...] = 3


def test_copies_of_a_constant_own_their_arrays():
    c = Tensor([1.0, 2.0])
    other = copy.deepcopy(c)
    assert np.array_equal(other.data, c.data)
    assert not np.shares_memory(other.data, c.data)


def test_a_tensor_is_shown_with_its_values_and_a_type_that_is_not_the_usual_one():
    assert repr(Tensor([1.0, 2.5])) == "Tensor([1. , 2.5])"
    assert repr(Parameter(np.float32(1))) == "Parameter(1., float32)"


def test_a_large_tensor_is_shown_in_part_with_its_shape():
    shown = repr(Tensor(np.zeros((30, 40))))
    assert "..." in shown
    assert shown.endswith("shape (30, 40))")
    assert len(shown) < 300


def test_scalar_turns_into_a_float():
    assert float(Tensor(2.5)) == 2.5


@given(st.floats(-1e6, 1e6), st.sampled_from(["", ".3f", "+.2e", ">12.4g"]))
def test_a_scalar_is_written_like_its_number(x, how):
    scalar = Tensor(x)
    assert scalar.item() == x
    assert type(scalar.item()) is float
    assert format(scalar, how) == (format(x, how) if how else repr(scalar))


def test_what_is_no_scalar_is_written_as_it_is_shown():
    assert f"{Tensor([1.0, 2.0])}" == "Tensor([1., 2.])"


NUMBERS_OF_NUMPY = [np.int8, np.int64, np.uint16, np.float32, np.float64]
ARITHMETIC = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
}


@pytest.mark.parametrize("combine", ARITHMETIC.values(), ids=ARITHMETIC)
@pytest.mark.parametrize("kind", NUMBERS_OF_NUMPY)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numbers_of_numpy_are_numbers(combine, kind, dtype):
    x = Parameter(np.array([1.0, -2.0], dtype))
    number = kind(3)
    for got, expected in (
        (combine(x, number), combine(x, 3)),
        (combine(number, x), combine(3, x)),
    ):
        assert got.dtype == dtype
        assert np.array_equal(got.data, expected.data)
        assert np.array_equal(gradient(got.sum(), x), gradient(expected.sum(), x))


@given(some.arrays(some.shapes(1)))
def test_a_tensor_is_the_sequence_of_its_parts(a):
    x = Parameter(a)
    parts = list(x)
    assert len(x) == len(parts) == len(a)
    for part, expected in zip(parts, a):
        assert np.array_equal(part.data, expected)
    assert np.array_equal(gradient(sum(part.sum() for part in parts), x), np.ones_like(a))


def test_a_scalar_has_no_parts_to_sum():
    for ask in (iter, len, list, sum):
        with pytest.raises(TypeError, match="has no length and no parts; use float"):
            ask(Tensor(3.0))


COMPARISONS = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    ">=": lambda a, b: a >= b,
}


@pytest.mark.parametrize("compare", COMPARISONS.values(), ids=COMPARISONS)
@pytest.mark.parametrize("other", [3.0, np.float64(3.0), np.ones(2), Tensor(3.0), None])
def test_a_tensor_is_not_compared_but_says_what_to_write(compare, other):
    x = Parameter([3.0, 1.0])
    for pair in ((x, x), (x, other), (other, x)):
        with pytest.raises(TypeError, match="compare its numbers: use .data"):
            compare(*pair)


def test_as_a_key_a_tensor_stands_for_itself():
    x = Tensor(1.0)
    twin = Tensor(1.0)
    assert {x: "x", twin: "twin"}[x] == "x"
    assert len({x, twin, x}) == 2
    assert twin not in {x}


# The chain rule over graphs.


def test_value_used_twice_gets_both_shares():
    a = Parameter(3.0)
    c = a + a
    d = c * c
    assert gradient(d, a) == 24  # d = 4a², 8a


def test_diamond_waits_for_all_children_before_it_passes_on():
    x = Parameter(2.0)
    a = x * x
    b = a * 3  # younger than c's other parent
    c = a * b + a  # 3x⁴ + x²
    assert gradient(c, x) == 12 * 2**3 + 2 * 2


def test_node_passes_its_gradient_on_once_when_all_its_children_have_spoken():
    x = Parameter([1.0, 2.0])
    passed = []

    def share(g):
        passed.append(g)
        return g

    y = node(x.data.copy(), (x, share))
    z = ((y * 2) * y + y).sum()  # y has children of three ages
    assert np.array_equal(gradient(z, x), 4 * x.data + 1)
    assert len(passed) == 1


def test_gradient_that_two_parents_receive_is_changed_by_neither():
    p = Parameter([1.0, 2.0])
    q = Parameter([3.0, 4.0])
    b = q * 1.0
    a = p * 1.0
    also = a * 5.0
    y = (a + b) * 3.0 + also  # a + b hands one array to a and to b, and a adds another share to it
    of_p, of_q = gradient(y.sum(), [p, q])
    assert np.array_equal(of_p, [8, 8])
    assert np.array_equal(of_q, [3, 3])


def test_repeated_rows_of_an_embedding_add_up():
    table = Parameter(np.zeros((3, 2)))
    rows = embedding(table, np.array([2, 0, 2]))
    g = np.array([[1.0, 2.0], [10.0, 20.0], [100.0, 200.0]])
    assert np.array_equal(gradient(rows, table, g), [[10, 20], [0, 0], [101, 202]])


@given(st.data())
def test_look_up_is_one_hot_matmul_in_value_and_gradient(data):
    table = Parameter(data.draw(some.arrays(some.shapes(2, 2))))
    ids = data.draw(some.ids(len(table.data)))
    g = data.draw(some.upstream((*ids.shape, table.shape[1])))
    looked_up = embedding(table, ids)
    multiplied = one_hot(ids, len(table.data)) @ table
    assert_close(looked_up.data, multiplied.data)
    assert_close(gradient(looked_up, table, g), gradient(multiplied, table, g))


def trunk_and_two_losses():
    """A trunk that both losses use, and a head for each.

    Every call makes a fresh graph of the same numbers.
    """
    rng = np.random.default_rng(7)
    x = rng.normal(size=(5, 4))
    ids = np.array([0, 2, 2, 1, 0])
    W = Parameter(rng.normal(size=(6, 3)))
    b = Parameter(rng.normal(size=3))
    table = Parameter(rng.normal(size=(3, 2)))
    heads = [Parameter(rng.normal(size=(3, 1))) for _ in range(2)]
    h = tanh(dense(concatenate([Tensor(x), embedding(table, ids)], 1), W, b))
    losses = [mse(h @ head, rng.normal(size=(5, 1))) for head in heads]
    return losses, [W, b, table], heads


def test_two_losses_over_one_trunk_have_exact_separate_gradients():
    losses, trunk, _ = trunk_and_two_losses()
    for t in (0, 1, 0, 1):  # in any order, any number of times
        fresh_losses, fresh_trunk, _ = trunk_and_two_losses()
        again = gradient(losses[t], trunk)
        fresh = gradient(fresh_losses[t], fresh_trunk)
        for got, expected in zip(again, fresh):
            assert np.array_equal(got, expected)


def test_head_of_the_other_task_gets_gradient_0():
    losses, _, heads = trunk_and_two_losses()
    assert np.any(gradient(losses[0], heads[0]))
    assert not np.any(gradient(losses[0], heads[1]))


def test_gradient_of_the_sum_is_the_sum_of_the_gradients():
    losses, trunk, _ = trunk_and_two_losses()
    of_sum = gradient(losses[0] + losses[1], trunk)
    of_first = gradient(losses[0], trunk)
    of_second = gradient(losses[1], trunk)
    for both, one, two in zip(of_sum, of_first, of_second):
        assert_close(both, one + two)


def test_rows_of_the_jacobian_are_the_gradients():
    losses, trunk, heads = trunk_and_two_losses()
    wrt = [*trunk, *heads]
    J = jacobian(losses, wrt)
    assert J.shape == (2, sum(p.data.size for p in wrt))
    for row, loss in zip(J, losses):
        assert np.array_equal(row, np.concatenate([x.reshape(-1) for x in gradient(loss, wrt)]))


def test_jacobian_has_a_column_for_a_parameter_that_is_one_number():
    x = Parameter(3.0)
    y = Parameter([1.0, 2.0])
    J = jacobian([x * x, (x * y).sum()], [x, y])
    assert np.array_equal(J, [[6, 0, 0], [3, 3, 3]])


def test_jacobian_leaves_no_gradient_behind():
    losses, trunk, _ = trunk_and_two_losses()
    first = jacobian(losses, trunk)
    assert np.array_equal(first, jacobian(losses, trunk))
    assert not any(np.any(p.grad) for p in trunk)


def test_jacobian_without_columns_or_rows():
    x = Parameter([1.0, 2.0])
    assert jacobian([x.sum()], []).shape == (1, 0)
    assert jacobian([], [x]).shape == (0, 2)


def test_jacobian_keeps_float32():
    x = Parameter(np.ones(2, np.float32))
    assert jacobian([x.sum()], [x]).dtype == np.float32


def test_backward_adds_to_what_is_there():
    losses, trunk, _ = trunk_and_two_losses()
    expected = [3.0 + g for g in gradient(losses[0], trunk)]
    for p in trunk:
        p.grad += 3.0
    losses[0].backward()
    for p, e in zip(trunk, expected):
        assert_close(p.grad, e, 1e-15)


def test_two_backwards_double():
    losses, trunk, _ = trunk_and_two_losses()
    losses[0].backward()
    once = [p.grad.copy() for p in trunk]
    losses[0].backward()
    for p, one in zip(trunk, once):
        assert_close(p.grad, 2 * one, 1e-14)  # shares are added in another order


def test_backward_of_both_losses_is_backward_of_their_sum():
    losses, trunk, _ = trunk_and_two_losses()
    for loss in losses:
        loss.backward()
    for p, expected in zip(trunk, gradient(losses[0] + losses[1], trunk)):
        assert_close(p.grad, expected)


def test_backward_with_a_seed_is_the_gradient_of_the_contraction():
    x = Parameter([1.0, 2.0, 3.0])
    g = np.array([0.5, -1.0, 2.0])
    (x * x).backward(g)
    assert np.array_equal(x.grad, 2 * x.data * g)


def test_gradient_touches_no_grad():
    losses, trunk, heads = trunk_and_two_losses()
    for p in [*trunk, *heads]:
        p.grad += 7
    gradient(losses[0], trunk)
    assert all(np.all(p.grad == 7) for p in [*trunk, *heads])


def test_gradients_are_new_arrays():
    x = Parameter([1.0, 2.0])
    y = x + 0.0
    seed = np.array([1.0, 1.0])
    got = gradient(y, x, seed)
    got += 5
    assert np.array_equal(seed, [1, 1])
    assert np.array_equal(x.grad, [0, 0])
    assert np.array_equal(gradient(y, x, seed), [1, 1])


def test_tensor_that_the_loss_does_not_depend_on_has_gradient_0():
    x = Parameter([1.0, 2.0])
    y = Parameter([[3.0]])
    inner = y * 2
    of_y, of_inner = gradient(x.sum(), [y, inner])
    assert np.array_equal(of_y, np.zeros(y.shape))
    assert np.array_equal(of_inner, np.zeros(inner.shape))


def test_gradient_with_respect_to_an_inner_node():
    x = Parameter(3.0)
    h = x * x
    y = h * h + x  # the second use of x does not go through h
    assert gradient(y, h) == 2 * 9
    assert gradient(y, [x, h]) == [4 * 27 + 1, 18]


def test_gradient_of_a_tensor_with_respect_to_itself_is_1():
    x = Parameter(3.0)
    h = x * x
    assert gradient(x, x) == gradient(h, h) == 1


def test_gradient_of_one_tensor_is_an_array_and_of_a_list_a_list():
    x = Parameter([1.0, 2.0])
    assert isinstance(gradient(x.sum(), x), np.ndarray)
    assert isinstance(gradient(x.sum(), [x]), list)


def test_constants_get_no_gradient_and_keep_no_graph():
    c = Tensor([1.0, 2.0])
    assert not (c * 2 + c).pairs
    assert c not in {parent for parent, _ in (Parameter([1.0, 1.0]) * c).pairs}


@settings(max_examples=25)
@given(st.data())
def test_directional_derivative_is_the_same_forwards_and_backwards(data):
    """⟨v, Jᵀu⟩ = ⟨Jv, u⟩ for any u and v, on a network of many operations."""
    x = data.draw(some.arrays((2, 3)))
    theta = [data.draw(some.arrays(shape)) for shape in [(3, 2), (5, 3), (3,), (3, 2)]]
    ids = np.array([1, 1])

    def network(table, W, b, A):
        h = tanh(dense(concatenate([Tensor(x), embedding(table, ids)], 1), W, b))
        return log_softmax(h @ A * sigmoid(h.mean(1, keepdims=True)) + table[0])

    def formula(table, W, b, A):
        h = np.tanh(np.concatenate([x, table[ids]], 1) @ W + b)
        z = h @ A / (1 + np.exp(-h.mean(1, keepdims=True))) + table[0]
        return z - np.log(np.exp(z).sum(1, keepdims=True))

    v = [data.draw(some.upstream(p.shape), label="v") for p in theta]
    u = data.draw(some.upstream((2, 2)), label="u")
    h = 1e-30
    Jv = formula(*[p + 1j * h * d for p, d in zip(theta, v)]).imag / h
    leaves = [Parameter(p) for p in theta]
    Jtu = gradient(network(*leaves), leaves, u)
    assert_close(sum((d * s).sum() for d, s in zip(v, Jtu)), (Jv * u).sum())


# Time and memory.


@pytest.fixture
def no_collector():
    """Reference counting alone frees memory; what it leaves, gc.collect() counts."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def test_chain_of_100_000_operations_differentiates_and_is_freed(no_collector):
    x = Parameter(1.0)
    y = first = x + 0.0
    for _ in range(50_000):
        y = -y * 1.0
    assert gradient(y, x) == 1
    died = weakref.ref(first)
    del y, first
    assert died() is None
    assert gc.collect() == 0


def test_training_step_leaves_nothing_to_the_cycle_collector(no_collector):
    losses, trunk, heads = trunk_and_two_losses()
    total = losses[0] + losses[1]
    total.backward()
    jacobian(losses, trunk)
    gradient(total, [*trunk, *heads])
    died = weakref.ref(total)
    del losses, total
    assert died() is None
    assert gc.collect() == 0


# Without a graph.


def test_no_grad_remembers_nothing_and_gives_the_same_value():
    x = Parameter([1.0, 2.0])
    with no_grad():
        y = (x * x).sum()
    assert not y.pairs
    assert float(y) == 5
    assert (x * x).pairs


def test_no_grad_nests():
    x = Parameter(1.0)
    with no_grad():
        with no_grad():
            pass
        assert not (x * x).pairs
    assert (x * x).pairs


def test_no_grad_ends_with_an_exception():
    x = Parameter(1.0)
    with pytest.raises(KeyError), no_grad():
        raise KeyError
    assert (x * x).pairs


def test_no_grad_is_of_its_own_thread():
    x = Parameter(1.0)
    seen = []

    def compute():
        seen.append((x * x).pairs)

    with no_grad():
        thread = threading.Thread(target=compute)
        thread.start()
        thread.join()
    (pairs,) = seen
    assert pairs


# A graph that is out of date.

WALKS = {
    "backward": lambda loss, p: loss.backward(),
    "gradient": lambda loss, p: gradient(loss, p),
    "jacobian": lambda loss, p: jacobian([loss], [p]),
}
every_walk = pytest.mark.parametrize("walk", WALKS.values(), ids=WALKS)


@every_walk
def test_graph_made_after_the_change_is_accepted(walk):
    p = Parameter([1.0, 2.0])
    p.data -= 0.1
    walk((p * p).sum(), p)


@every_walk
def test_graph_older_than_a_change_of_a_parameter_is_refused_and_no_grad_changes(walk):
    p = Parameter([1.0, 2.0])
    q = Parameter([3.0, 4.0])
    loss = (tanh(p) * p).sum() + (q * q).sum()
    p.data = p.data - 0.1
    with pytest.raises(RuntimeError, match="changed after it was used"):
        walk(loss, q)
    assert not np.any(p.grad)
    assert not np.any(q.grad)


@every_walk
def test_a_change_between_an_inner_result_and_the_loss_is_refused(walk):
    p = Parameter([1.0, 2.0])
    inner = p * p
    p.data = p.data * 10
    with pytest.raises(RuntimeError, match="changed after it was used"):
        walk(inner.sum(), p)


# Bad input: the call, the exception, and the words that its message has to hold.

x = Parameter([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
row32 = np.ones(3, np.float32)
column32 = Tensor(np.ones((3, 1), np.float32))

BAD_INPUT = {
    "integer array": (
        lambda: Tensor(np.array([1, 2])),
        TypeError,
        ["data", "floating", "int64"],
    ),
    "boolean array": (
        lambda: Parameter(np.array([True])),
        TypeError,
        ["data", "floating", "bool"],
    ),
    "complex number": (
        lambda: Tensor(1j),
        TypeError,
        ["data", "floating", "complex128"],
    ),
    "text": (
        lambda: Tensor("1.0"),
        TypeError,
        ["data", "floating"],
    ),
    "tensor as array": (
        lambda: np.asarray(x),
        TypeError,
        [".data"],
    ),
    "copy of a result": (
        lambda: copy.deepcopy(x * 2.0),
        TypeError,
        ["cannot be copied", "Tensor(result.data)"],
    ),
    "integer operand": (
        lambda: x + np.array([1, 2, 3]),
        TypeError,
        ["floating", "int64"],
    ),
    "float32 operand": (
        lambda: x * row32,
        TypeError,
        ["float64", "float32"],
    ),
    "float32 operand on the left": (
        lambda: row32 - x,
        TypeError,
        ["float64", "float32"],
    ),
    "float32 matrix": (
        lambda: x @ column32,
        TypeError,
        ["float64", "float32"],
    ),
    "shapes that do not broadcast": (
        lambda: x + Tensor([1.0, 2.0]),
        ValueError,
        ["(2,3)", "(2,)"],
    ),
    "inner sizes": (
        lambda: x @ x,
        ValueError,
        ["matmul", "inner", "(2, 3) and (2, 3)"],
    ),
    "matmul with a scalar": (
        lambda: x @ Tensor(1.0),
        ValueError,
        ["matmul", "(2, 3) and ()"],
    ),
    "exponent a tensor": (
        lambda: x**x,
        TypeError,
        ["exponent", "number", "Parameter"],
    ),
    "exponent a truth value": (
        lambda: x**True,
        TypeError,
        ["exponent", "number", "bool"],
    ),
    "mean of nothing": (
        lambda: Tensor(np.zeros((0, 3))).mean(),
        ValueError,
        ["mean", "at least one", "(0, 3)"],
    ),
    "index out of range": (
        lambda: x[2],
        IndexError,
        ["2", "out of bounds"],
    ),
    "backward of an array without a seed": (
        lambda: (x * 2).backward(),
        ValueError,
        ["backward", "(2, 3)", "seed", "shape"],
    ),
    "gradient of an array without a seed": (
        lambda: gradient(x * 2, x),
        ValueError,
        ["gradient", "(2, 3)", "seed", "shape"],
    ),
    "jacobian of an array": (
        lambda: jacobian([x * 2], [x]),
        ValueError,
        ["jacobian", "(2, 3)", "shape"],
    ),
    "seed of another shape": (
        lambda: x.sum(0).backward(np.ones(2)),
        ValueError,
        ["backward", "g must have the shape", "(3,)", "(2,)"],
    ),
    "seed that would broadcast": (
        lambda: x.backward(1.0),
        ValueError,
        ["backward", "g must have the shape", "(2, 3)", "()"],
    ),
    "gradient of a constant": (
        lambda: gradient(x.sum(), [x, Tensor(1.0)]),
        ValueError,
        ["gradient", "wrt[1]", "constant", "Parameter"],
    ),
    "jacobian of a tensor named twice": (
        lambda: jacobian([(x * x).sum()], [x, x]),
        ValueError,
        ["jacobian", "wrt names a tensor twice"],
    ),
    "a parent that is no tensor": (
        lambda: node(x.data, (x.data, lambda g: g)),
        TypeError,
        ["node", "pairs must begin with a Tensor each", "got ndarray"],
    ),
    "a share that is a tensor": (
        lambda: gradient(node(x.data, (x, lambda g: g * x)).sum(), x),
        TypeError,
        ["node", "share", "must be an array", "got Tensor", "x.data"],
    ),
    "a share that is a number": (
        lambda: gradient(node(x.data.sum(), (x, lambda g: 1.0)), x),
        TypeError,
        ["node", "share", "must be an array", "got float"],
    ),
    "a share that is too small": (
        lambda: gradient(node(x.data.sum(), (x, lambda g: g)), x),
        ValueError,
        ["node", "share", "(2, 3)", "broadcasts to", "()"],
    ),
    "a share of another shape": (
        lambda: gradient(node(x.data, (x, lambda g: g.T)).sum(), x),
        ValueError,
        ["node", "share", "(2, 3)", "(3, 2)"],
    ),
}


@pytest.mark.parametrize("call, exception, words", BAD_INPUT.values(), ids=BAD_INPUT)
def test_bad_input_is_refused_in_words(call, exception, words):
    assert_refused_in_words(call, exception, words)


# The extreme and the careless


@pytest.mark.parametrize("a, b", [(1e-170, 1e-170), (1e200, 1e200), (0.0, 1e-170), (1e160, 1e160)])
def test_the_gradient_of_a_quotient_neither_overflows_nor_vanishes_before_it_must(a, b):
    denominator = Parameter(b)
    expected = float(-Decimal(a) / Decimal(b) ** 2)
    assert gradient(Tensor(a) / denominator, denominator) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("part", [lambda a: a, lambda a: a[::-1], lambda a: a.reshape(1, 2)])
def test_a_node_of_a_parameters_own_array_leaves_it_writable_and_does_not_move_with_it(part):
    for p in (Parameter([1.0, 2.0]), Dense(1, 2, np.random.default_rng(0)).b):
        before = p.data.copy()
        reversed_gradient = node(part(p.data), (p, lambda g: -g))
        p.data = p.data + 1
        np.testing.assert_array_equal(reversed_gradient.data, part(before))


def test_backward_into_arrays_that_do_not_fit_changes_nothing():
    a = Parameter(2.0)
    b = Parameter(3.0)
    for array in (np.zeros((), int), np.zeros(3)):
        with pytest.raises((TypeError, ValueError), match="^backward: into must "):
            (a * b).backward(into={b: array})
        assert a.grad == b.grad == 0
