"""The helpers of which checkers are made: what they accept, and what they say of a wrong answer."""

import importlib
import sys
from functools import partial

import numpy as np
import pytest
from checks import (
    Wrong,
    catches,
    ch06,
    close,
    exercise,
    expect,
    first_difference,
    in_digits,
    in_so_many_digits,
    numbers,
    slip_of,
    truths,
)
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import tinymtl as mtl

ordinary = st.floats(-1e6, 1e6, allow_subnormal=False)


# The verdict


@exercise("0.0")
def check_three(answer):
    expect(answer(), 3.0, "the answer")


def test_a_checker_prints_one_line_and_returns_nothing(capsys):
    assert check_three(lambda: 3) is None
    assert capsys.readouterr().out == "Exercise 0.0: right\n"


def test_a_verdict_is_returned_and_not_printed(capsys):
    assert check_three.verdict(lambda: 3) == "right"
    assert check_three.verdict(lambda: 4) == ("not right yet: the answer should be 3, got 4.")
    assert capsys.readouterr().out == ""
    assert check_three.number == "0.0"


def inner(x):
    return 1 / x


def fails_inside():
    return inner(0)


def fails_in_numpy():
    return np.ones((2, 3)) @ np.ones(2)


def test_a_failing_answer_is_told_the_last_line_of_its_own():
    said = check_three.verdict(fails_inside)
    assert said.startswith("your code raised ZeroDivisionError: division by zero, in line ")
    assert said.endswith(": return 1 / x")
    said = check_three.verdict(fails_in_numpy)
    assert said.endswith(": return np.ones((2, 3)) @ np.ones(2)")


def test_a_failure_in_a_function_of_the_package_is_told_by_the_line_that_called_it():
    def answer():
        mtl = importlib.import_module("tinymtl")
        return mtl.mse(1.0, "a")

    assert check_three.verdict(answer).endswith(': return mtl.mse(1.0, "a")')


def test_a_line_without_a_text_is_told_by_its_number():
    names = {}
    exec(compile("\n\ndef answer():\n    return 1 / 0", "<cell>", "exec"), names)
    assert check_three.verdict(names["answer"]).endswith("division by zero, in line 4")


def test_what_has_no_line_of_its_own_is_told_without_one():
    said = ch06.check_harmed.verdict(len)
    assert said == "your code raised TypeError: len() takes exactly one argument (2 given)"


def test_a_verdict_is_one_line():
    def answer():
        raise ValueError("first\n  second\nthird")

    assert "first second third" in check_three.verdict(answer)


def test_an_answer_cannot_change_what_it_is_compared_with():
    given = [1.0, 2.0]

    @exercise("0.0")
    def check_sum(answer):
        expect(answer(given), sum(given), "the sum")

    assert check_sum.verdict(lambda numbers: numbers.clear() or 0) != "right"
    assert given == [1.0, 2.0]
    assert check_sum.verdict(sum) == "right"


def test_code_that_ends_python_is_told_so():
    def answer():
        sys.exit("done")

    said = check_three.verdict(answer)
    assert said.startswith("your code ended Python, in line ")
    assert said.endswith(': sys.exit("done")')


def test_a_user_who_interrupts_a_checker_is_obeyed():
    def answer():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check_three.verdict(answer)


def test_what_code_cannot_do_yet_is_told_in_its_own_words():
    def answer():
        raise NotImplementedError("no negative numbers")

    said = check_three.verdict(answer)
    assert said.startswith("not done yet: no negative numbers, in line ")


# What is accepted


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        ([1, 2], np.array([1.0, 2.0])),
        ((1.0, 2.0), [1.0, 2.0]),
        (np.float32(2), 2.0),
        ([2.0], 2.0),
        (2.0, [2.0]),
        (np.array([[2.0]]), 2.0),
        ([True, False], np.array([True, False])),
        ([1, 0], np.array([True, False])),
        (np.nan, np.nan),
    ],
)
def test_anything_array_like_that_is_right_is_accepted(got, expected):
    expect(got, expected, "the answer")


@given(arrays(float, (2, 3), elements=ordinary))
def test_what_differs_by_rounding_is_accepted(right):
    expect(right * (1 + 1e-12), right, "the answer")
    assert first_difference(right * (1 + 1e-12), right) is None


@pytest.mark.parametrize("right", [3.0, -2e5, [1.0, -4e-3]])
@pytest.mark.parametrize("relative", [1e-3, 1e-4, 1e-6])
def test_what_differs_by_more_than_rounding_is_refused(right, relative):
    right = np.array(right)
    got = right * (1 + relative)
    assert not close(got, right).any()
    assert first_difference(got, right) is not None
    assert slip_of(-got, right) == "", "it is near the negative, and not the negative"
    with pytest.raises(Wrong):
        expect(got, right, "the answer")


def test_next_to_zero_a_difference_of_a_billionth_is_rounding_and_ten_times_that_is_not():
    assert close(5e-10, 0.0)
    assert first_difference(5e-10, 0.0) is None
    expect(5e-10, 0.0, "the answer")
    for got in (1e-8, 1e-4, 1e-3):
        assert not close(got, 0.0)
        assert first_difference(got, 0.0) is not None
        with pytest.raises(Wrong):
            expect(got, 0.0, "the answer")


def test_a_checker_may_ask_for_less():
    expect(3.01, 3.0, "the answer", rtol=0.01)
    expect(0.01, 0.0, "the answer", atol=0.02)
    with pytest.raises(Wrong):
        expect(3.1, 3.0, "the answer", rtol=0.01)


@pytest.mark.parametrize(
    ("got", "said"),
    [
        (None, "x should have shape (2,), got nothing: is the return missing?"),
        ("ab", "x should have shape (2,), got text: 'ab'"),
        (["1", "2"], "x should have shape (2,), got text: ['1', '2']"),
        (np.array(["1", 2], object), "x should have shape (2,), got text: array("),
        ({1, 2}, "x should have shape (2,), got {1, 2}"),
        (np.ones(2) + 0j, "x should have shape (2,), got complex numbers: array("),
        (np.ma.masked_all(2), "x should have shape (2,), got an array with masked entries"),
        (np.ma.array([1, 2], mask=[0, 1]), "x should have shape (2,), got an array with masked"),
        (mtl.Tensor([1.0, 2.0]), "x should have shape (2,), got a Tensor: its numbers are in its"),
        ([mtl.Tensor(1.0)] * 2, "x should have shape (2,), got a Tensor: its numbers are in its"),
        ([1, 2, 3], "x should have shape (2,), got shape (3,)"),
        ([[1], [2, 3]], "x should have shape (2,), got [[1], [2, 3]]"),
        (2.0, "x should have shape (2,), got shape ()"),
        ([1j, 2], "x should have shape (2,), got complex numbers: [1j, 2]"),
    ],
)
def test_what_is_no_array_of_the_shape_is_refused_in_words(got, said):
    with pytest.raises(Wrong) as why:
        numbers(got, (2,), "x")
    assert str(why.value).startswith(said)


def test_a_shape_that_is_turned_is_told_so():
    with pytest.raises(Wrong, match=r"shape \(2, 3\), got shape \(3, 2\): is it transposed"):
        numbers(np.ones((3, 2)), (2, 3), "x")
    with pytest.raises(Wrong, match="should be one number, got shape"):
        numbers([1, 2], (), "x")


def test_what_is_neither_true_nor_false_is_refused():
    assert truths([1, 0], (2,), "x").tolist() == [True, False]
    with pytest.raises(Wrong, match=r"True or False, got \[0.5, 1\]"):
        truths([0.5, 1], (2,), "x")


# What is said


@given(ordinary, ordinary)
def test_two_numbers_that_differ_look_different(a, b):
    assume(a != b)
    x, y = in_digits(a, b)
    assert x != y
    assert abs(float(x) - a) <= 1e-3 * abs(a)


def test_numbers_have_four_digits_where_that_is_enough():
    assert in_digits(3.14159, 2.0) == ("3.142", "2")
    assert in_digits(3.6801, 3.6804) == ("3.6801", "3.6804")
    assert in_digits(12345.678, 12346.0) == ("12345.7", "12346")
    assert in_digits(np.True_, np.False_) == ("True", "False")
    assert in_digits(1.0, np.nan) == ("1", "nan")


@pytest.mark.parametrize(
    ("number", "digits", "text"),
    [
        (12345.678, 4, "12346"),
        (999999999.9, 4, "1000000000"),
        (-99999.6, 4, "-100000"),
        (9.9996, 4, "10"),
        (1200.0, 4, "1200"),
        (1200.0, 2, "1200"),
        (2.5, 4, "2.5"),
        (0.00012345, 3, "0.000123"),
        (1.5e12, 4, "1.5e+12"),
        (np.inf, 4, "inf"),
    ],
)
def test_a_number_has_all_digits_before_its_point(number, digits, text):
    assert in_so_many_digits(number, digits) == text


def test_the_first_entry_that_differs_is_named_with_its_place():
    right = np.array([[1.0, 2.0], [3.0, 4.0]])
    wrong = np.array([[1.0, 2.0], [3.5, 5.0]])
    assert first_difference(wrong, right, "G") == "entry [1, 0] of G should be 3, got 3.5"
    assert first_difference(2.0, 3.0, "ρ") == "ρ should be 3, got 2"


def said_of(*arguments, **named):
    with pytest.raises(Wrong) as why:
        expect(*arguments, **named)
    return str(why.value)


def test_an_answer_is_told_its_input_its_difference_and_its_slip():
    said = said_of(2.0, 4.0, "ρ", given="with P = 3")
    assert said == "with P = 3: ρ should be 4, got 2. It is half of what it should be."
    said = said_of(None, 4.0, "ρ", given="with P = 3")
    assert said.startswith("with P = 3: ρ should be one number, got nothing")


def test_a_slip_that_the_checker_knows_goes_first_and_its_general_hint_last():
    known = {"A mean, not a sum.": 2.0}
    assert said_of(2.0, 4.0, "x", known=known, hint="Add.").endswith("got 2. A mean, not a sum.")
    assert said_of(2.1, 4.0, "x", known=known, hint="Add.").endswith("got 2.1. Add.")


SLIPS = {
    "negative": lambda x: -x,
    "half of": lambda x: x / 2,
    "twice what": lambda x: 2 * x,
    "half in size": lambda x: -x / 2,
    "twice in size": lambda x: -2 * x,
    "upside down": lambda x: 1 / x,
    "swapped": lambda x: x[::-1],
    "transposed": lambda x: x.T,
}


@pytest.mark.parametrize("slip", SLIPS)
@given(seed=st.integers(0, 1000))
def test_the_usual_slips_are_recognised(slip, seed):
    right = np.random.default_rng(seed).normal(size=(2, 2))
    assert slip in slip_of(SLIPS[slip](right), right)


def test_other_slips_are_recognised():
    right = np.array([1.0, 2.0, 4.0])
    assert slip_of(right[::-1], right) == "The order is reversed."
    assert slip_of(right[[1, 0, 2]], right) == "These are the right numbers in another order."
    assert "other way round" in slip_of([False, True, True], np.array([True, False, False]))
    assert slip_of(right + 1, right) == ""
    assert slip_of(3.0, 3.0) == "", "one number has no order"
    assert slip_of(right, right + 1e-3) == "", "it is in no other order either"
    assert slip_of(0.0, 1e12) == "", "zero is close to everything small, which is no slip"


# Laws


def is_double(f):
    assert f(1) == 2


def double(x):
    return 2 * x


def test_a_law_has_to_accept_what_is_right_and_reject_each_slip():
    catches(is_double, double, {"a square": lambda x: x * x})
    catches(is_double, [double, lambda x: x + x], {"a square": lambda x: x * x})
    with pytest.raises(Wrong, match="accepts code with a slip: one more"):
        catches(is_double, double, {"one more": lambda x: x + 1})
    with pytest.raises(Wrong, match=r"rejects code that is right, at: assert f\(1\) == 2"):
        catches(is_double, lambda x: 3 * x, {})
    with pytest.raises(Wrong, match="a law asserts and returns nothing; yours returned True"):
        catches(lambda f: f(1) == 2, double, {})


def test_a_law_that_fails_inside_numpy_is_told_by_its_own_line():
    def law(f):
        np.testing.assert_allclose(f(1), 2)

    with pytest.raises(Wrong, match=r"at: np.testing.assert_allclose\(f\(1\), 2\)"):
        catches(law, lambda x: 3 * x, {})


def test_a_law_without_a_line_of_its_own_is_told_without_one():
    with pytest.raises(Wrong, match=r"rejects code that is right$"):
        catches(law_of_numpy(), double, {})


def law_of_numpy():
    return partial(np.testing.assert_equal, 3)


def test_a_law_given_through_a_checker_is_told_by_its_own_line():
    @exercise("0.0")
    def check_law(law):
        catches(lambda f: law(f), lambda x: 3 * x, {})

    assert check_law.verdict(is_double).endswith("at: assert f(1) == 2")
