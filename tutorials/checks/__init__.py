"""Checkers of the exercises.

Each says in one line whether an answer is right, and if not, where it goes wrong.
"""

import copy
import functools
import os
import re
import reprlib
import sysconfig
import traceback
from pathlib import Path

import numpy as np
import tinymtl as mtl


class Wrong(Exception):
    """What is wrong with an answer.

    It says the input, what was expected, what was got, and the likely slip.
    """


# The verdict


def exercise(number, copies=True):
    """Turn a function that raises `Wrong` into a checker.

    The checker prints the verdict and returns nothing, so that a notebook shows one
    line. `checker.verdict(answer, ...)` returns the verdict and prints nothing; it is
    "right", "not done yet", or says what is wrong. `checker.number` is the number.

    copies: the answer works on copies of what it is given. An answer that changes its
        arguments then does not change what it is compared with.
    """

    def decorate(check):
        def verdict(answer, *rest):
            tested = on_copies(answer) if copies else answer
            return verdict_of(check, tested, *rest)

        @functools.wraps(check)
        def checker(answer, *rest):
            print(f"Exercise {number}: {verdict(answer, *rest)}")

        checker.verdict = verdict
        checker.number = number
        return checker

    return decorate


def on_copies(answer):
    def tested(*given):
        return answer(*copy.deepcopy(given))

    return tested


def verdict_of(check, tested, *rest):
    """The verdict in one line, also where an array in it was printed in several."""
    return re.sub(r"\s*\n\s*", " ", text_of_verdict(check, tested, *rest))


def text_of_verdict(check, tested, *rest):
    try:
        check(tested, *rest)
    except NotImplementedError as error:
        # The stub has no message. Other code says with one what it cannot do.
        return (
            f"not done yet: {error}{line_of(error)}" if str(error) else "not done yet"
        )
    except SystemExit as error:  # sys.exit() and quit()
        return f"your code ended Python{line_of(error)}"
    except Wrong as why:
        return f"not right yet: {why}"
    except Exception as error:  # the learner's own code may fail in any way
        raised = f"your code raised {type(error).__name__}: {error}"
        return raised + line_of(error)
    return "right"


def line_of(error):
    """Where the learner's own code raised: ", in line 12: return 1 / 0".

    The empty string if no line of the learner's is on the way to the error.
    """
    own = learners_lines(error)
    if not own:
        return ""
    last = own[-1]
    text = f": {last.line}" if last.line else ""  # some shells keep no text
    return f", in line {last.lineno}{text}"


def learners_lines(error):
    """The lines on the way to an error that are neither ours nor a library's."""
    frames = traceback.extract_tb(error.__traceback__)
    return [frame for frame in frames if not frame.filename.startswith(NOT_LEARNERS)]


NOT_LEARNERS = (
    str(Path(__file__).parent) + os.sep,
    str(Path(np.__file__).parent) + os.sep,
    str(Path(mtl.__file__).parent) + os.sep,
    sysconfig.get_path("stdlib") + os.sep,
    "<frozen",
    "<__array_function__",
)


# What an answer should be


def numbers(got, shape, what):
    """`got` as an array of this shape, or `Wrong`.

    Anything array-like will do. One number may come as a scalar or as an array.
    """
    expected = f"{what} should have shape {shape}"
    if shape == ():
        expected = f"{what} should be one number"
    if got is None:
        raise Wrong(f"{expected}, got nothing: is the return missing?")
    if isinstance(got, mtl.Tensor) or holds(got, mtl.Tensor):
        raise Wrong(f"{expected}, got a Tensor: its numbers are in its .data")
    if np.ma.is_masked(got):
        raise Wrong(f"{expected}, got an array with masked entries")
    try:
        as_it_is = np.asarray(got)
    except (TypeError, ValueError):
        raise Wrong(f"{expected}, got {reprlib.repr(got)}") from None
    if as_it_is.dtype.kind == "c" or holds(as_it_is, complex):
        raise Wrong(f"{expected}, got complex numbers: {reprlib.repr(got)}")
    if as_it_is.dtype.kind in "US" or holds(as_it_is, (str, bytes)):
        raise Wrong(f"{expected}, got text: {reprlib.repr(got)}")
    try:
        array = np.asarray(got, float)
    except (TypeError, ValueError):
        raise Wrong(f"{expected}, got {reprlib.repr(got)}") from None
    if array.size == 1 == np.prod(shape, dtype=int):
        return array.reshape(shape)
    if array.shape != shape:
        turned = array.shape == shape[::-1]
        hint = ": is it transposed?" if turned else ""
        raise Wrong(f"{expected}, got shape {array.shape}{hint}")
    return array


def holds(got, kind):
    """Whether a list, a tuple or an array of objects has an entry of this kind."""
    if isinstance(got, np.ndarray):
        got = got.ravel().tolist() if got.dtype == object else []
    if not isinstance(got, (list, tuple)):
        return False
    return any(isinstance(entry, kind) or holds(entry, kind) for entry in got)


def truths(got, shape, what):
    """`got` as an array of True and False of this shape, or `Wrong`."""
    array = numbers(got, shape, what)
    if not np.isin(array, (0, 1)).all():
        raise Wrong(f"{what} should be True or False, got {reprlib.repr(got)}")
    return array.astype(bool)


def expect(got, expected, what, given="", known=None, hint="", rtol=1e-7, atol=1e-9):
    """`Wrong` unless `got` is `expected`: the helper that most checkers need.

        expect(cosine(g1, g2, P), right, "ρ", given=f"with P = {P}",
               known={"The heads are still in the lengths.": of_whole_vectors},
               hint="Inner product and both lengths are of the first P entries.")

    It says: given, the first entry that differs, and then the likely slip.

    expected: number, truth value or array
    what: the name of the answer
    given: the input, in words
    known: sentence that names a slip -> the answer that this slip gives
    hint: what is said where no slip is recognised
    """
    expected = np.asarray(expected)
    read = truths if expected.dtype == bool else numbers
    place = f"{given}: " if given else ""
    try:
        array = read(got, expected.shape, what)
    except Wrong as why:
        raise Wrong(f"{place}{why}") from None
    difference = first_difference(array, expected, what, rtol, atol)
    if difference is None:
        return
    slip = slip_of(array, expected, known, rtol, atol) or hint
    raise Wrong(f"{place}{difference}. {slip}".rstrip())


def first_difference(got, expected, what="the answer", rtol=1e-7, atol=1e-9):
    """The first entry that differs, in words; None if all are close.

    "entry [0, 1] of the gradient should be 3.684, got 3.681": with as many digits as
    the two need to look different. Entries are counted from 0, as in Python.
    """
    got = np.asarray(got)
    expected = np.asarray(expected)
    differs = ~close(got, expected, rtol, atol)
    if not differs.any():
        return None
    at = tuple(int(i) for i in np.argwhere(differs)[0])
    should_be, is_now = in_digits(expected[at], got[at])
    name = f"entry {list(at)} of {what}" if at else what
    return f"{name} should be {should_be}, got {is_now}"


def close(got, expected, rtol=1e-7, atol=1e-9):
    """Entry by entry, whether two arrays of one shape agree up to rounding."""
    got = np.asarray(got, float)
    expected = np.asarray(expected, float)
    return np.isclose(got, expected, rtol=rtol, atol=atol, equal_nan=True)


def in_digits(a, b):
    """Two numbers as texts that differ, with four digits or as many as it takes."""
    if isinstance(a, (bool, np.bool_)):
        return str(bool(a)), str(bool(b))
    for digits in range(4, 18):
        texts = in_so_many_digits(a, digits), in_so_many_digits(b, digits)
        if texts[0] != texts[1]:
            return texts
    return repr(float(a)), repr(float(b))


def in_so_many_digits(number, digits):
    """12345.678 in 4 digits is 12346, not 1.235e+04."""
    if 1 <= abs(number) < 1e9:
        before_the_point = len(str(int(abs(number))))
        text = f"{number:.{max(digits - before_the_point, 0)}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return f"{number:.{digits}g}"


def slip_of(got, expected, known=None, rtol=1e-7, atol=1e-9):
    """A sentence that names the slip, or the empty string if none is recognised.

    known: sentence -> the answer that this slip gives. These are tried first. Then
        come the slips of every chapter: the sign, a factor of 2, an order, a
        transpose, a reciprocal.
    """
    got = np.asarray(got)
    expected = np.asarray(expected)
    candidates = list((known or {}).items())
    if not close(got, 0, rtol, atol).all():  # all zeros are close to many things
        candidates += usual_slips(expected)
    for sentence, answer in candidates:
        answer = np.asarray(answer)
        if answer.shape == got.shape and close(got, answer, rtol, atol).all():
            return sentence
    by_size_got = np.sort(got, axis=None)
    by_size_expected = np.sort(expected, axis=None)
    if got.shape == expected.shape and got.size > 1:
        if close(by_size_got, by_size_expected, rtol, atol).all():
            return "These are the right numbers in another order."
    return ""


def usual_slips(expected):
    """(sentence, wrong answer) of the slips that every chapter knows."""
    if expected.dtype == bool:
        yield "It is exactly the other way round.", ~expected
        return
    yield "It is the negative of what it should be.", -expected
    yield "It is half of what it should be.", expected / 2
    yield "It is twice what it should be.", expected * 2
    yield "The sign is wrong, and it is half in size.", -expected / 2
    yield "The sign is wrong, and it is twice in size.", -expected * 2
    if expected.ndim >= 1 and len(expected) == 2:
        yield "The two are swapped.", expected[::-1]
    elif expected.ndim >= 1:
        yield "The order is reversed.", expected[::-1]
    if expected.ndim == 2:
        yield "It is transposed.", expected.T
    if (expected != 0).all():
        yield "It is upside down: one divided by what it should be.", 1 / expected


# Laws


def catches(law, right, wrong):
    """`Wrong` unless the law accepts what is right and rejects every slip.

    law: the learner's function, which asserts something of the function it is given
    right: a function that is right, or a list of such functions
    wrong: name of the slip -> function
    """
    for function in right if isinstance(right, (list, tuple)) else [right]:
        try:
            said = law(function)
        except AssertionError as error:
            own = learners_lines(error)
            where = f", at: {own[-1].line}" if own else ""
            raise Wrong(f"the law rejects code that is right{where}") from None
        if said is not None:
            raise Wrong(
                "a law asserts and returns nothing; "
                f"yours returned {reprlib.repr(said)}"
            )
    for name, function in wrong.items():
        try:
            law(function)
        except AssertionError:
            continue
        raise Wrong(f"the law accepts code with a slip: {name}")
