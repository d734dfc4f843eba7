"""Checkers of the exercises: each says in one line whether an answer is right, and if not, where it goes wrong."""

import functools
import traceback


class Wrong(Exception):
    """What is wrong with an answer: the input, what was expected, what was got, and the likely slip."""


def exercise(number):
    """Makes a checker of a function that raises `Wrong`: it prints the verdict, and returns whether the answer is right."""

    def decorate(check):
        @functools.wraps(check)
        def checker(*answer):
            try:
                check(*answer)
                verdict = "right"
            except NotImplementedError:
                verdict = "not done yet"
            except Wrong as why:
                verdict = f"not right yet: {why}"
            except Exception as error:  # the learner's own code may fail in any way
                verdict = f"your code raised {type(error).__name__}: {error}"
            print(f"Exercise {number}: {verdict}")
            return verdict == "right"

        return checker

    return decorate


def catches(law, right, wrong):
    """`Wrong` unless the learner's law, which asserts something of a function, accepts `right` and rejects all of `wrong` (name -> function)."""
    try:
        said = law(right)
    except AssertionError as error:
        line = traceback.extract_tb(error.__traceback__)[-1].line
        raise Wrong(f"the law rejects code that is right, at: {line}") from None
    if said is not None:
        raise Wrong(f"a law asserts, it returns nothing; yours returned {said}")
    for name, function in wrong.items():
        try:
            law(function)
        except AssertionError:
            continue
        raise Wrong(f"the law accepts code with a slip: {name}")
