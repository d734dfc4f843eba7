"""Every check: the values that it accepts, and how it refuses the others.

The tables call a check as `f` would, a public function whose argument `x` is checked.
"""

from pathlib import Path

import numpy as np
import pytest

from tinymtl import checks

# A check, the value, and what the check returns.

ACCEPTED = [
    (checks.number, 3, 3.0),
    (checks.number, -0.5, -0.5),
    (checks.number, np.float32(0.5), 0.5),
    (checks.number, np.int8(-2), -2.0),
    (checks.number, float("inf"), float("inf")),
    (checks.finite_number, -1e300, -1e300),
    (checks.not_negative, 0, 0.0),
    (checks.not_negative, -0.0, 0.0),
    (checks.not_negative, 1e300, 1e300),
    (checks.positive, 5e-324, 5e-324),
    (checks.positive, np.int64(2), 2.0),
    (checks.below_one, 0, 0.0),
    (checks.below_one, 0.999, 0.999),
    (checks.whole_number, 0, 0),
    (checks.whole_number, np.int16(7), 7),
]

BETWEEN = [(0.0, 0, 1), (1, 0, 1), (0.25, 0.25, 0.5), (-2, -3, -1)]


@pytest.mark.parametrize("check, value, expected", ACCEPTED)
def test_numbers_that_fit_come_back_as_numbers_of_python(check, value, expected):
    got = check("f", "x", value)
    assert got == expected
    assert type(got) is type(expected)


@pytest.mark.parametrize("value, low, high", BETWEEN)
def test_both_ends_lie_between(value, low, high):
    got = checks.between("f", "x", value, low, high)
    assert got == value
    assert type(got) is float


def test_least_whole_number_is_whole_enough():
    assert checks.whole_number("f", "x", 3, least=3) == 3


def test_object_of_the_class_or_of_one_below_it_comes_back():
    assert checks.instance("f", "x", "text", str) == "text"
    assert checks.instance("f", "x", True, int) is True


@pytest.mark.parametrize("value", [True, np.True_, False, np.False_])
def test_truth_comes_back_as_that_of_python(value):
    got = checks.boolean("f", "x", value)
    assert got is bool(value)


def test_function_or_module_comes_back():
    for function in (abs, np.sum, lambda x: x):
        assert checks.function("f", "x", function) is function


def test_mapping_comes_back():
    losses = {"a": 1}
    assert checks.mapping("f", "x", losses) is losses


def test_path_comes_back_as_text():
    assert checks.path("f", "x", "a/b") == "a/b"
    assert checks.path("f", "x", Path("a/b")) == "a/b"


@pytest.mark.parametrize("value", [np.float32, "float64", np.dtype(np.float64), float])
def test_float_types_come_back_as_a_dtype(value):
    assert checks.float_type("f", "x", value) == np.dtype(value)


@pytest.mark.parametrize("value", [3, [1.0, 2.0], np.ones((2, 0), np.float32), np.array([True, 2])])
def test_numbers_of_any_shape_are_float64(value):
    got = checks.numbers("f", "x", value)
    assert got.dtype == np.float64
    assert np.array_equal(got, value)


@pytest.mark.parametrize("scale", [1e-320, 1e-200, 1.0, 1e300])
def test_inner_products_of_gradients_come_back_themselves(scale):
    J = np.array([[3.0, 0.0], [-1.0, 1.0], [0.0, 0.0]])
    G = np.array([[x * scale for x in row] for row in (J @ J.T).tolist()])
    with np.errstate(all="raise"):
        assert checks.inner_products("f", "x", G) is G


def test_squares_that_have_vanished_are_those_of_short_gradients():
    J = np.array([[1e-170, 0.0], [1e10, 1e10]])
    G = J @ J.T
    assert G[0, 0] == 0 and G[0, 1] > 0
    assert checks.inner_products("f", "x", G) is G


def test_generator_comes_back():
    rng = np.random.default_rng(0)
    assert checks.generator("f", rng) is rng


def test_one_of_the_options_comes_back():
    assert checks.choice("f", "x", "pairs", ("mean", "pairs")) == "pairs"


def test_same_tasks_may_come_in_another_order():
    checks.same_tasks("f", "x", {"b": 1, "a": 2}, ["a", "b"])
    checks.same_tasks("f", "x", {}, [])


def test_known_tasks_may_leave_some_out():
    checks.known_tasks("f", "x", ["b"], ["a", "b"])
    checks.known_tasks("f", "x", {"a": 1, "b": 2}, ["a", "b"])
    checks.known_tasks("f", "x", [], ["a", "b"])


def test_distinct_names_come_back_as_a_list_and_one_string_is_one_name():
    assert checks.distinct_names("f", "x", ("b", "a")) == ["b", "a"]
    assert checks.distinct_names("f", "x", "price") == ["price"]
    assert checks.distinct_names("f", "x", [], least=0) == []


def test_array_of_the_shape_comes_back_itself():
    array = np.zeros((2, 3), np.float32)
    assert checks.same_shape("f", "x", array, (2, 3)) is array


@pytest.mark.parametrize("sizes", [(2, 3), ("N", 3), ("N", "D")])
def test_floats_are_float64_and_a_letter_stands_for_any_size(sizes):
    got = checks.floats("f", "x", [[1, 2, 3], [4, 5, 6]], *sizes)
    assert got.dtype == np.float64
    assert np.array_equal(got, [[1, 2, 3], [4, 5, 6]])


def test_floats_without_a_size_are_one_number():
    assert checks.floats("f", "x", 7) == 7


def test_square_matrix_is_float64():
    got = checks.square("f", "x", [[1, 2], [3, 4]])
    assert got.dtype == np.float64
    assert np.array_equal(got, [[1, 2], [3, 4]])


def test_finite_array_comes_back_itself():
    array = np.array([[0.0, -1e300]])
    assert checks.finite("f", "x", array) is array


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "int64", "uint64"])
def test_indices_of_any_integer_type_come_back_as_a_copy(dtype):
    ids = np.array([[0, 2], [1, 0]], dtype)
    got = checks.indices("f", "x", ids, 3)
    assert got.dtype == np.intp
    assert np.array_equal(got, [[0, 2], [1, 0]])
    assert not np.shares_memory(got, ids)


def test_no_indices_fit_everywhere():
    assert checks.indices("f", "x", np.zeros((0, 2), int), 0).shape == (0, 2)


@pytest.mark.parametrize("value, place", [(0, 0), (2, 2), (-1, 2), (-3, 0), (np.int8(-2), 1)])
def test_axes_are_counted_from_0_whichever_end_they_were_counted_from(value, place):
    assert checks.axis("f", "x", value, 3) == place


# What is refused: a check, its arguments after the names "f" and "x", the exception, the message.

nan = float("nan")
inf = float("inf")
pulls = ("mean", "pairs")
tasks = ["a", "b"]

REFUSED = [
    # A truth value, text and nothing are no numbers.
    (checks.number, (True,), TypeError, "f: x must be a number, got True"),
    (checks.number, ("1",), TypeError, "f: x must be a number, got '1'"),
    (checks.number, (None,), TypeError, "f: x must be a number, got None"),
    (checks.number, (1j,), TypeError, "f: x must be a number, got 1j"),
    (checks.number, (10**309,), ValueError, "f: x must be at most 1.8e308 in size"),
    (checks.number, (np.ones(1),), TypeError, "f: x must be a number, got array([1.])"),
    (checks.finite_number, ("1",), TypeError, "f: x must be a number, got '1'"),
    (checks.finite_number, (-inf,), ValueError, "f: x must be finite, got -inf"),
    (checks.finite_number, (nan,), ValueError, "f: x must be finite, got nan"),
    (checks.not_negative, (True,), TypeError, "f: x must be a number, got True"),
    (checks.positive, ("1",), TypeError, "f: x must be a number, got '1'"),
    (checks.between, (None, 0, 1), TypeError, "f: x must be a number, got None"),
    (checks.below_one, (False,), TypeError, "f: x must be a number, got False"),
    # Numbers out of range.
    (checks.not_negative, (-0.1,), ValueError, "f: x must be finite and not negative, got -0.1"),
    (checks.not_negative, (inf,), ValueError, "f: x must be finite and not negative, got inf"),
    (checks.not_negative, (nan,), ValueError, "f: x must be finite and not negative, got nan"),
    (checks.positive, (0,), ValueError, "f: x must be finite and positive, got 0"),
    (checks.positive, (-1,), ValueError, "f: x must be finite and positive, got -1"),
    (checks.positive, (inf,), ValueError, "f: x must be finite and positive, got inf"),
    (checks.positive, (nan,), ValueError, "f: x must be finite and positive, got nan"),
    (checks.between, (1.5, 0, 1), ValueError, "f: x must be in [0, 1], got 1.5"),
    (checks.between, (-1, 0, 0.5), ValueError, "f: x must be in [0, 0.5], got -1"),
    (checks.between, (nan, 0, 1), ValueError, "f: x must be in [0, 1], got nan"),
    (checks.below_one, (1.0,), ValueError, "f: x must be in [0, 1), got 1.0"),
    (checks.below_one, (-0.1,), ValueError, "f: x must be in [0, 1), got -0.1"),
    (checks.below_one, (nan,), ValueError, "f: x must be in [0, 1), got nan"),
    # Whole numbers.
    (checks.whole_number, (-1,), ValueError, "f: x must be a whole number, at least 0; got -1"),
    (checks.whole_number, (2, 3), ValueError, "f: x must be a whole number, at least 3; got 2"),
    (checks.whole_number, (2.0,), ValueError, "f: x must be a whole number, at least 0; got 2.0"),
    (checks.whole_number, (True,), ValueError, "f: x must be a whole number, at least 0; got True"),
    (checks.whole_number, ("2",), ValueError, "f: x must be a whole number, at least 0; got '2'"),
    (checks.whole_number, (None,), ValueError, "f: x must be a whole number, at least 0; got None"),
    # Kinds and options.
    (checks.instance, (3, str), TypeError, "f: x must be a str, got int"),
    (checks.instance, (str, str), TypeError, "f: x must be a str, got the class str"),
    (checks.instance, (3, OSError), TypeError, "f: x must be an OSError, got int"),
    (checks.boolean, ("no",), TypeError, "f: x must be True or False, got 'no'"),
    (checks.boolean, (1,), TypeError, "f: x must be True or False, got 1"),
    (checks.boolean, (None,), TypeError, "f: x must be True or False, got None"),
    (checks.function, (3,), TypeError, "f: x must be a function or a module, got int"),
    (checks.function, (str,), TypeError, "f: x must be a function or a module, got the class str"),
    (checks.mapping, ([1],), TypeError, "f: x must be a dict by task, got list"),
    (checks.mapping, (None,), TypeError, "f: x must be a dict by task, got NoneType"),
    (checks.path, (3,), TypeError, "f: x must be a str or a Path, got int"),
    (checks.path, ("a\0b",), ValueError, "f: x must not contain NUL, got 'a\\x00b'"),
    (checks.choice, ([], pulls), ValueError, "f: x must be 'mean' or 'pairs', got []"),
    (checks.choice, ("max", pulls), ValueError, "f: x must be 'mean' or 'pairs', got 'max'"),
    # Tasks and names.
    (checks.same_tasks, ([1], tasks), TypeError, "f: x must be a dict by task, got list"),
    (checks.distinct_names, (3,), TypeError, "f: x must be names, got 3"),
    (
        checks.same_tasks,
        ({"a": 1}, tasks),
        ValueError,
        "f: x must name the tasks ['a', 'b']; missing ['b'], unknown []",
    ),
    (
        checks.same_tasks,
        ({"b": 1, "a": 1, "c": 1}, tasks),
        ValueError,
        "f: x must name the tasks ['a', 'b']; missing [], unknown ['c']",
    ),
    (
        checks.known_tasks,
        (["c", "a"], tasks),
        ValueError,
        "f: x must be of the tasks ['a', 'b'], got ['c']",
    ),
    (
        checks.distinct_names,
        ([],),
        ValueError,
        "f: x must be 1 or more names, each once; got []",
    ),
    (
        checks.distinct_names,
        ("price", 2),
        ValueError,
        "f: x must be 2 or more names, each once; got ['price']",
    ),
    (
        checks.distinct_names,
        (["a", "a"],),
        ValueError,
        "f: x must be 1 or more names, each once; got ['a', 'a']",
    ),
    # Arrays.
    (checks.same_shape, ([1.0], (1,)), TypeError, "f: x must be an array, got list"),
    (
        checks.no_mask,
        (np.ma.masked_array([1.0], [True]),),
        TypeError,
        "f: x must be an array without a mask, got MaskedArray",
    ),
    (
        checks.same_shape,
        (np.zeros((3, 1)), (3,)),
        ValueError,
        "f: x must have shape (3,), got (3, 1)",
    ),
    (checks.floats, ([1.0, 2.0], "T", "T"), ValueError, "f: x must have shape (T, T), got (2,)"),
    (checks.floats, ([[1.0, 2.0]], "N", 3), ValueError, "f: x must have shape (N, 3), got (1, 2)"),
    (
        checks.floats,
        (np.zeros((0, 3)), "N", 3),
        ValueError,
        "f: x must have shape (N, 3), got (0, 3)",
    ),
    (checks.floats, ([None], "T"), TypeError, "f: x must be real numbers in an array, got object"),
    (checks.square, ("x",), TypeError, "f: x must be real numbers in an array, got <U1"),
    (checks.numbers, ([1j],), TypeError, "f: x must be real numbers in an array, got complex128"),
    (checks.numbers, ([True],), TypeError, "f: x must be real numbers in an array, got bool"),
    (
        checks.numbers,
        ([[1], [1, 2]],),
        TypeError,
        "f: x must be real numbers in an array, got list",
    ),
    (
        checks.numbers,
        (np.ma.ones(2),),
        TypeError,
        "f: x must be an array without a mask, got MaskedArray",
    ),
    (checks.float_type, (int,), TypeError, "f: x must be float32 or float64, got <class 'int'>"),
    (checks.float_type, (None,), TypeError, "f: x must be float32 or float64, got None"),
    (checks.float_type, ("no",), TypeError, "f: x must be float32 or float64, got 'no'"),
    (checks.inner_products, (np.array([[nan]]),), ValueError, "f: x must be finite, got nan"),
    (
        checks.inner_products,
        (np.array([[1.0, 9.0], [9.0, 1.0]]),),
        ValueError,
        "f: x must hold inner products of gradients, G_tt ≥ 0, G_st = G_ts and G_st² ≤ G_ss G_tt, "
        "got G_ss = 1, G_tt = 1, G_st = 9 and G_ts = 9 for s = 0 and t = 1",
    ),
    (
        checks.inner_products,
        (np.array([[4.0, 0.0], [0.1, 1.0]]),),
        ValueError,
        "f: x must hold inner products of gradients, G_tt ≥ 0, G_st = G_ts and G_st² ≤ G_ss G_tt, "
        "got G_ss = 4, G_tt = 1, G_st = 0 and G_ts = 0.1 for s = 0 and t = 1",
    ),
    (
        checks.inner_products,
        (np.array([[-2.0]]),),
        ValueError,
        "f: x must hold inner products of gradients, G_tt ≥ 0, G_st = G_ts and G_st² ≤ G_ss G_tt, "
        "got G_ss = -2, G_tt = -2, G_st = -2 and G_ts = -2 for s = 0 and t = 0",
    ),
    (checks.square, (np.zeros((2, 3)),), ValueError, "f: x must have shape (T, T), got (2, 3)"),
    (checks.square, (np.zeros(4),), ValueError, "f: x must have shape (T, T), got (4,)"),
    (checks.finite, (np.array([1.0, nan, inf]),), ValueError, "f: x must be finite, got nan"),
    (checks.finite, (np.array([[1.0], [-inf]]),), ValueError, "f: x must be finite, got -inf"),
    # Indices.
    (checks.axis, (2, 2), ValueError, "f: x must be a whole number in [-2, 2) for 2 axes, got 2"),
    (checks.indices, (np.array([0.0]), 3), TypeError, "f: x must be integers, got float64"),
    (checks.indices, (np.array([True]), 3), TypeError, "f: x must be integers, got bool"),
    (
        checks.indices,
        (np.array([[0, 2], [3, 9]]), 3),
        IndexError,
        "f: x must be in [0, 3), got 3 at position 2",
    ),
    (
        checks.indices,
        (np.array([2, -128], np.int8), 3),
        IndexError,
        "f: x must be in [0, 3), got -128 at position 1",
    ),
    (
        checks.indices,
        (np.array([2**64 - 1], np.uint64), 3),
        IndexError,
        "f: x must be in [0, 3), got 18446744073709551615 at position 0",
    ),
]


@pytest.mark.parametrize("check, arguments, error, message", REFUSED)
def test_message_names_the_function_the_argument_what_is_expected_and_what_was_got(
    check, arguments, error, message
):
    with pytest.raises(error) as caught:
        check("f", "x", *arguments)
    assert type(caught.value) is error
    assert str(caught.value) == message


@pytest.mark.parametrize("rng", [None, 0, np.random])
def test_what_is_no_generator_is_refused(rng):
    got = type(rng).__name__
    with pytest.raises(TypeError) as caught:
        checks.generator("f", rng)
    assert str(caught.value) == f"f: rng must be a numpy.random.Generator, got {got}"


def test_every_check_is_in_these_tables():
    tested = {row[0] for row in ACCEPTED} | {row[0] for row in REFUSED} | {checks.generator}
    public = {
        thing
        for name, thing in vars(checks).items()
        if getattr(thing, "__module__", None) == checks.__name__ and not name.startswith("_")
    }
    assert tested == public
