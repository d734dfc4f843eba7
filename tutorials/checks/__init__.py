"""Checkers of the exercises.

Each says in one line whether an answer is right, and if not, where it goes wrong.
"""

import copy
import functools
import traceback

import numpy as np


class Wrong(Exception):
    """What is wrong with an answer.

    It says the input, what was expected, what was got, and the likely slip.
    """


def exercise(number, copies=True):
    """Turn a function that raises `Wrong` into a checker.

    The checker prints the verdict and returns whether the answer is right.

    copies: the answer works on copies of what it is given. An answer that changes its
        arguments then does not change what it is compared with.
    """

    def decorate(check):
        @functools.wraps(check)
        def checker(answer, *rest):
            tested = on_copies(answer) if copies else answer
            verdict = verdict_of(check, tested, *rest)
            print(f"Exercise {number}: {verdict}")
            return verdict == "right"

        return checker

    return decorate


def on_copies(answer):
    def tested(*given):
        return answer(*copy.deepcopy(given))

    return tested


def verdict_of(check, *arguments):
    try:
        check(*arguments)
    except NotImplementedError:
        return "not done yet"
    except Wrong as why:
        return f"not right yet: {why}"
    except Exception as error:  # the learner's own code may fail in any way
        return f"your code raised {type(error).__name__}: {error}"
    return "right"


def numbers(got, shape, what):
    """`got` as an array of this shape, or `Wrong`."""
    expected = f"{what} should have shape {shape}"
    if got is None:
        raise Wrong(f"{expected}, got nothing: is the return missing?")
    try:
        array = np.asarray(got, float)
    except (TypeError, ValueError):
        raise Wrong(f"{what} should be numbers of shape {shape}, got {got}") from None
    if array.shape != shape:
        raise Wrong(f"{expected}, got shape {array.shape}")
    return array


def catches(law, right, wrong):
    """`Wrong` unless the law accepts `right` and rejects every function of `wrong`.

    law: the learner's function, which asserts something of the function it is given
    wrong: name of the slip -> function
    """
    try:
        said = law(right)
    except AssertionError as error:
        line = traceback.extract_tb(error.__traceback__)[-1].line
        raise Wrong(f"the law rejects code that is right, at: {line}") from None
    if said is not None:
        raise Wrong(f"a law asserts and returns nothing; yours returned {said}")
    for name, function in wrong.items():
        try:
            law(function)
        except AssertionError:
            continue
        raise Wrong(f"the law accepts code with a slip: {name}")
