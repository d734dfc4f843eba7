"""Checkers of the exercises: each says in one line whether an answer is right, and if not, where it goes wrong."""

import copy
import functools
import traceback

import numpy as np


class Wrong(Exception):
    """What is wrong with an answer: the input, what was expected, what was got, and the likely slip."""


def exercise(number, copies=True):
    """Makes a checker of a function that raises `Wrong`: it prints the verdict, and returns whether the answer is right.

    copies: the answer works on copies of what it is given, so that what it changes in place does not change what it is compared with.
    """

    def decorate(check):
        @functools.wraps(check)
        def checker(answer, *rest):
            try:
                check(
                    (lambda *given: answer(*copy.deepcopy(given)))
                    if copies
                    else answer,
                    *rest,
                )
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


def numbers(got, shape, what):
    """`got` as an array of this shape, or `Wrong`."""
    try:
        array = np.asarray(got, float)
    except (TypeError, ValueError):
        raise Wrong(f"{what} should be numbers of shape {shape}, got {got}") from None
    if array.shape != shape or got is None:
        raise Wrong(
            f"{what} should have shape {shape}, got "
            + (
                "nothing: is the return missing?"
                if got is None
                else f"shape {array.shape}"
            )
        )
    return array


def catches(law, right, wrong):
    """`Wrong` unless the learner's law, which asserts something of a function, accepts `right` and rejects all of `wrong` (name -> function)."""
    try:
        said = law(right)
    except AssertionError as error:
        raise Wrong(
            f"the law rejects code that is right, at: {traceback.extract_tb(error.__traceback__)[-1].line}"
        ) from None
    if said is not None:
        raise Wrong(f"a law asserts, it returns nothing; yours returned {said}")
    for name, function in wrong.items():
        try:
            law(function)
        except AssertionError:
            continue
        raise Wrong(f"the law accepts code with a slip: {name}")
