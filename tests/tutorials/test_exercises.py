"""Every exercise three ways.

Its solution is right, its stub is not done yet, and a plausible wrong answer is told what is wrong.
"""

import importlib
import inspect

import pytest
from tutorials.wrong_answers import EXERCISES, HINTS

named = {"ids": lambda value: str(value)}


def check(number, answer, capsys):
    """The verdict, which is also what the checker prints, in one line."""
    checker, _, rest, _ = EXERCISES[number]
    assert checker.number == number
    assert checker(answer, *rest) is None, "a notebook would show what a checker returns"
    said = capsys.readouterr().out
    verdict = checker.verdict(answer, *rest)
    assert capsys.readouterr().out == ""
    assert said == f"Exercise {number}: {verdict}\n" and "\n" not in verdict
    return verdict


@pytest.mark.parametrize("number", EXERCISES, **named)
def test_the_solution_is_right(number, capsys):
    checker, solution, *_ = EXERCISES[number]
    chapter = importlib.import_module(f"solutions.ch{int(number.partition('.')[0]):02}")
    answer = getattr(chapter, solution)
    assert check(number, answer, capsys) == "right"


@pytest.mark.parametrize("number", EXERCISES, **named)
def test_the_stub_is_not_done_yet(number, capsys):
    def stub(*args, **kwargs):
        raise NotImplementedError

    assert check(number, stub, capsys) == "not done yet"


@pytest.mark.parametrize(
    ("number", "slip"),
    [(number, slip) for number, (*_, wrong) in EXERCISES.items() for slip in wrong],
    **named,
)
def test_a_wrong_answer_is_told_what_is_wrong(number, slip, capsys):
    verdict = check(number, EXERCISES[number][3][slip], capsys)
    assert verdict.startswith("not right yet: ")
    assert HINTS[number].get(slip, "") in verdict


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
