"""What public functions ask of their arguments: one check, and one wording, for each kind of fault.

Every check has the same first two arguments, the name of the public function that was called and
the name of the argument. It says what was expected and what was got:

    not_negative("SGD", "learning_rate", -1)     →  SGD: learning_rate must be finite and not
                                                     negative, got -1

A check returns the checked value, so that it can stand where the value is used. A wrong type is a
TypeError, a wrong value a ValueError, an index out of range an IndexError. (A number that is not
whole is a wrong value.)
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from numbers import Real

import numpy as np

# Numbers


def number(where: str, name: str, value: float) -> float:
    """A Python or NumPy number; True and False are refused."""
    # A float is a Real too. It is named because Python finds that out several times faster.
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (float, Real)):
        raise TypeError(f"{where}: {name} must be a number, got {value!r}")
    return float(value)


def not_negative(where: str, name: str, value: float) -> float:
    """A number in [0, ∞)."""
    x = number(where, name, value)
    if not 0 <= x < math.inf:
        raise ValueError(f"{where}: {name} must be finite and not negative, got {value}")
    return x


def positive(where: str, name: str, value: float) -> float:
    """A number in (0, ∞)."""
    x = number(where, name, value)
    if not 0 < x < math.inf:
        raise ValueError(f"{where}: {name} must be finite and positive, got {value}")
    return x


def between(where: str, name: str, value: float, low: float, high: float) -> float:
    """A number in [low, high]."""
    x = number(where, name, value)
    if not low <= x <= high:
        raise ValueError(f"{where}: {name} must be in [{low:g}, {high:g}], got {value}")
    return x


def below_one(where: str, name: str, value: float) -> float:
    """A number in [0, 1)."""
    x = number(where, name, value)
    if not 0 <= x < 1:
        raise ValueError(f"{where}: {name} must be in [0, 1), got {value}")
    return x


def whole_number(where: str, name: str, value: int, least: int = 0) -> int:
    """A whole number of at least `least`."""
    is_whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not is_whole or value < least:
        raise ValueError(f"{where}: {name} must be a whole number, at least {least}; got {value!r}")
    return int(value)


# Names and kinds


def instance(where: str, name: str, value: object, kind: type):
    """An object of this class."""
    if not isinstance(value, kind):
        got = type(value).__name__
        raise TypeError(f"{where}: {name} must be a {kind.__name__}, got {got}")
    return value


def generator(where: str, rng: np.random.Generator) -> np.random.Generator:
    """A source of random numbers."""
    if not isinstance(rng, np.random.Generator):
        got = type(rng).__name__
        raise TypeError(f"{where}: rng must be a numpy.random.Generator, got {got}")
    return rng


def choice(where: str, name: str, value: str, options: Collection[str]) -> str:
    """One of a few words."""
    if value not in options:
        expected = " or ".join(repr(option) for option in options)
        raise ValueError(f"{where}: {name} must be {expected}, got {value!r}")
    return value


def same_tasks(where: str, name: str, got: Mapping, tasks: Iterable[str]):
    """A mapping with exactly these tasks as its keys."""
    tasks = list(tasks)
    if got.keys() != set(tasks):
        missing = [task for task in tasks if task not in got]
        unknown = [task for task in got if task not in tasks]
        raise ValueError(
            f"{where}: {name} must name the tasks {tasks}; missing {missing}, unknown {unknown}"
        )


def known_tasks(where: str, name: str, got: Iterable[str], tasks: Collection[str]):
    """Every name is one of these tasks."""
    unknown = [task for task in got if task not in tasks]
    if unknown:
        raise ValueError(f"{where}: {name} must be of the tasks {list(tasks)}, got {unknown}")


def distinct_names(where: str, name: str, names: str | Iterable[str], least: int = 1) -> list:
    """At least `least` names, each once; one string counts as one name."""
    names = [names] if isinstance(names, str) else list(names)
    if len(names) < least or len(set(names)) < len(names):
        raise ValueError(f"{where}: {name} must be {least} or more names, each once; got {names}")
    return names


# Arrays


def same_shape(where: str, name: str, array: np.ndarray, shape: tuple) -> np.ndarray:
    """A NumPy array of exactly this shape."""
    if not isinstance(array, np.ndarray):
        raise TypeError(f"{where}: {name} must be an array, got {type(array).__name__}")
    if array.shape != shape:
        raise ValueError(f"{where}: {name} must have shape {shape}, got {array.shape}")
    return array


def floats(where: str, name: str, value: object, *shape: int | str) -> np.ndarray:
    """`value` as float64 numbers of this shape; a letter stands for any size of at least 1."""
    array = np.asarray(value, np.float64)
    fits = array.ndim == len(shape) and all(
        got >= 1 if isinstance(size, str) else got == size for got, size in zip(array.shape, shape)
    )
    if not fits:
        expected = ", ".join(str(size) for size in shape)
        raise ValueError(f"{where}: {name} must have shape ({expected}), got {array.shape}")
    return array


def square(where: str, name: str, value: object) -> np.ndarray:
    """`value` as a float64 matrix (T, T)."""
    array = np.asarray(value, np.float64)
    if array.ndim != 2 or array.shape[0] != array.shape[1]:
        raise ValueError(f"{where}: {name} must have shape (T, T), got {array.shape}")
    return array


def finite(where: str, name: str, array: np.ndarray) -> np.ndarray:
    """An array without NaN and infinity."""
    is_finite = np.isfinite(array)
    if not is_finite.all():
        raise ValueError(f"{where}: {name} must be finite, got {array[~is_finite][0]}")
    return array


def indices(where: str, name: str, ids: np.ndarray, stop: int) -> np.ndarray:
    """A copy of an array of integers in [0, stop), as indices."""
    if ids.dtype.kind not in "iu":
        raise TypeError(f"{where}: {name} must be integers, got {ids.dtype}")
    at = ids.astype(np.intp)
    # Read as unsigned, a negative number is a huge one, so one test finds both kinds of fault.
    if at.size and np.maximum.reduce(at.view(np.uintp), axis=None) >= stop:
        position = int(np.flatnonzero((ids < 0) | (ids >= stop))[0])
        got = ids.flat[position]
        raise IndexError(
            f"{where}: {name} must be in [0, {stop}), got {got} at position {position}"
        )
    return at
