"""Every exercise three ways.

Its solution is right, its stub is not done yet, and a plausible wrong answer is told what is wrong.
"""

import importlib
import inspect

import pytest
from checks import Wrong, catches, exercise
from tutorials.wrong_answers import EXERCISES, HINTS

named = {"ids": lambda value: str(value)}


def check(number, answer, capsys):
    """(whether the checker is content, what it said)"""
    checker, _, rest, _ = EXERCISES[number]
    right = checker(answer, *rest)
    said = capsys.readouterr().out
    assert said.startswith(f"Exercise {number}: ") and said.count("\n") == 1
    return right, said


@pytest.mark.parametrize("number", EXERCISES, **named)
def test_the_solution_is_right(number, capsys):
    checker, solution, *_ = EXERCISES[number]
    chapter = importlib.import_module(f"solutions.ch{int(number.partition('.')[0]):02}")
    answer = getattr(chapter, solution)
    assert check(number, answer, capsys) == (True, f"Exercise {number}: right\n")


@pytest.mark.parametrize("number", EXERCISES, **named)
def test_the_stub_is_not_done_yet(number, capsys):
    def stub(*args, **kwargs):
        raise NotImplementedError

    assert check(number, stub, capsys) == (False, f"Exercise {number}: not done yet\n")


@pytest.mark.parametrize(
    ("number", "slip"),
    [(number, slip) for number, (*_, wrong) in EXERCISES.items() for slip in wrong],
    **named,
)
def test_a_wrong_answer_is_told_what_is_wrong(number, slip, capsys):
    right, said = check(number, EXERCISES[number][3][slip], capsys)
    assert not right and "not right yet: " in said
    assert HINTS[number].get(slip, "") in said


@pytest.mark.parametrize("number", EXERCISES, **named)
def test_there_are_two_wrong_answers_at_least(number):
    assert len(EXERCISES[number][3]) >= 2
    assert HINTS[number].keys() <= EXERCISES[number][3].keys()


def test_every_checker_and_every_solution_belongs_to_an_exercise():
    for chapter in sorted({number.partition(".")[0] for number in EXERCISES}, key=int):
        rows = [row for number, row in EXERCISES.items() if number.startswith(f"{chapter}.")]
        checks = importlib.import_module(f"checks.ch{int(chapter):02}")
        checkers = {name for name in vars(checks) if name.startswith("check_")}
        assert {checker.__name__ for checker, *_ in rows} == checkers
        solutions = importlib.import_module(f"solutions.ch{int(chapter):02}")
        functions = {name for name, _ in inspect.getmembers(solutions, inspect.isfunction)}
        assert {solution for _, solution, *_ in rows} <= functions


def test_a_checker_says_what_a_failing_answer_raised(capsys):
    @exercise("0.0")
    def check_nothing(answer):
        answer()

    assert not check_nothing(lambda: 1 / 0)
    said = capsys.readouterr().out
    assert said == "Exercise 0.0: your code raised ZeroDivisionError: division by zero\n"


def test_a_law_has_to_accept_what_is_right_and_reject_each_slip():
    def is_double(f):
        assert f(1) == 2

    catches(is_double, lambda x: 2 * x, {"a square": lambda x: x * x})
    with pytest.raises(Wrong, match="accepts code with a slip: one more"):
        catches(is_double, lambda x: 2 * x, {"one more": lambda x: x + 1})
    with pytest.raises(Wrong, match=r"rejects code that is right, at: assert f\(1\) == 2"):
        catches(is_double, lambda x: 3 * x, {})
    with pytest.raises(Wrong, match="a law asserts and returns nothing; yours returned True"):
        catches(lambda f: f(1) == 2, lambda x: 2 * x, {})


def test_an_answer_cannot_change_what_it_is_compared_with(capsys):
    given = [1.0, 2.0]

    @exercise("0.0")
    def check_sum(answer):
        if answer(given) != sum(given):
            raise Wrong("a sum")

    assert not check_sum(lambda numbers: numbers.clear() or 0)
    assert given == [1.0, 2.0] and check_sum(sum)
