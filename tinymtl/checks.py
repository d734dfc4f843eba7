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
from collections.abc import Callable, Collection, Iterable, Mapping
from numbers import Real
from os import PathLike, fspath

import numpy as np

# Numbers


def number(where: str, name: str, value: float) -> float:
    """A Python or NumPy number; True and False are refused."""
    # A float is a Real too. It is named because Python finds that out several times faster.
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (float, Real)):
        raise TypeError(f"{where}: {name} must be a number, got {value!r}")
    try:
        return float(value)
    except OverflowError:  # a whole number of more than 308 digits
        raise ValueError(f"{where}: {name} must be at most 1.8e308 in size") from None


def finite_number(where: str, name: str, value: float) -> float:
    """A number in (−∞, ∞)."""
    x = number(where, name, value)
    if not math.isfinite(x):
        raise ValueError(f"{where}: {name} must be finite, got {value}")
    return x


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
    if not _is_whole(value) or value < least:
        raise ValueError(f"{where}: {name} must be a whole number, at least {least}; got {value!r}")
    return int(value)


def _is_whole(value):
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


# Names and kinds


def boolean(where: str, name: str, value: bool) -> bool:
    """True or False, of Python or NumPy; words and numbers are refused, "no" would count as yes."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{where}: {name} must be True or False, got {value!r}")
    return bool(value)


def instance(where: str, name: str, value: object, kind: type):
    """An object of this class."""
    if not isinstance(value, kind):
        article = "an" if kind.__name__[0] in "AEIOU" else "a"
        raise TypeError(f"{where}: {name} must be {article} {kind.__name__}, got {_kind(value)}")
    return value


def function(where: str, name: str, value: Callable) -> Callable:
    """Something to call: a function or a module. A class is refused, it still has to be made."""
    if not callable(value) or isinstance(value, type):
        raise TypeError(f"{where}: {name} must be a function or a module, got {_kind(value)}")
    return value


def mapping(where: str, name: str, value: Mapping) -> Mapping:
    """A dict, or what can be used like one."""
    # A dict is a Mapping too. It is named because Python finds that out several times faster.
    if not isinstance(value, (dict, Mapping)):
        raise TypeError(f"{where}: {name} must be a dict by task, got {_kind(value)}")
    return value


def path(where: str, name: str, value: str | PathLike) -> str:
    """Where a file is: a text or a Path. An open file is refused, and so is its number."""
    if not isinstance(value, (str, PathLike)):
        raise TypeError(f"{where}: {name} must be a str or a Path, got {_kind(value)}")
    if "\0" in str(value):
        raise ValueError(f"{where}: {name} must not contain NUL, got {str(value)!r}")
    return fspath(value)


def generator(where: str, rng: np.random.Generator) -> np.random.Generator:
    """A source of random numbers."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"{where}: rng must be a numpy.random.Generator, got {_kind(rng)}")
    return rng


def choice(where: str, name: str, value: str, options: Collection[str]) -> str:
    """One of a few words."""
    if not isinstance(value, str) or value not in options:
        expected = " or ".join(repr(option) for option in options)
        raise ValueError(f"{where}: {name} must be {expected}, got {value!r}")
    return value


def same_tasks(where: str, name: str, got: Mapping, tasks: Collection[str]):
    """A mapping with exactly these tasks as its keys."""
    mapping(where, name, got)
    if got.keys() != set(tasks):
        tasks = list(tasks)
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
    if not isinstance(names, Iterable):
        raise TypeError(f"{where}: {name} must be names, got {names!r}")
    names = [names] if isinstance(names, str) else list(names)
    if len(names) < least or len(set(names)) < len(names):
        raise ValueError(f"{where}: {name} must be {least} or more names, each once; got {names}")
    return names


# Arrays


def float_type(where: str, name: str, value: object) -> np.dtype:
    """float32 or float64."""
    try:
        dtype = np.dtype(value)
    except TypeError:
        dtype = None
    if value is None or dtype not in (np.float32, np.float64):
        raise TypeError(f"{where}: {name} must be float32 or float64, got {value!r}")
    return dtype


def same_shape(where: str, name: str, array: np.ndarray, shape: tuple) -> np.ndarray:
    """A NumPy array of exactly this shape."""
    if type(array) is not np.ndarray:
        _check_no_own_rules(where, name, array)
    if array.shape != shape:
        raise ValueError(f"{where}: {name} must have shape {shape}, got {array.shape}")
    return array


def _check_no_own_rules(where, name, array):
    """An array, and none of the kinds that compute by rules of their own."""
    if not isinstance(array, np.ndarray):
        raise TypeError(f"{where}: {name} must be an array, got {_kind(array)}")
    no_mask(where, name, array)
    if isinstance(array, np.matrix):
        raise TypeError(f"{where}: {name} must be an array, got matrix; use numpy.asarray")


def no_mask(where: str, name: str, value: object):
    """Anything but a masked array: its mask would be lost."""
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{where}: {name} must be an array without a mask, got {_kind(value)}")


def numbers(where: str, name: str, value: object) -> np.ndarray:
    """`value` as float64 numbers of any shape: integers or floating numbers, nothing left out."""
    no_mask(where, name, value)
    try:
        array = np.asarray(value)
    except (TypeError, ValueError):  # rows of different lengths, a Tensor
        array = None
    if array is None or array.dtype.kind not in "iuf":
        got = _kind(value) if array is None else f"{array.dtype}"
        raise TypeError(f"{where}: {name} must be real numbers in an array, got {got}")
    return np.asarray(array, np.float64)


def floats(where: str, name: str, value: object, *shape: int | str) -> np.ndarray:
    """`value` as float64 numbers of this shape; a letter stands for any size of at least 1."""
    array = numbers(where, name, value)
    fits = array.ndim == len(shape) and all(
        got >= 1 if isinstance(size, str) else got == size for got, size in zip(array.shape, shape)
    )
    if not fits:
        expected = ", ".join(str(size) for size in shape)
        raise ValueError(f"{where}: {name} must have shape ({expected}), got {array.shape}")
    return array


def square(where: str, name: str, value: object) -> np.ndarray:
    """`value` as a float64 matrix (T, T)."""
    array = numbers(where, name, value)
    if array.ndim != 2 or array.shape[0] != array.shape[1]:
        raise ValueError(f"{where}: {name} must have shape (T, T), got {array.shape}")
    return array


def inner_products(where: str, name: str, G: np.ndarray) -> np.ndarray:
    """A finite matrix (T, T) that can hold the inner products of T gradients."""
    finite(where, name, G)
    squares = np.diag(G)  # ‖g_t‖²
    # Squares below 1e-300 may have lost digits, or all of them, while a product has not.
    norms = np.sqrt(np.maximum(squares, 0) + 1e-300)
    with np.errstate(under="ignore"):
        too_long = np.abs(G) / norms[:, None] > 1.000001 * norms
        asymmetric = np.abs(G - G.T) > 1e-6 * np.abs(G) + 1e-300
    wrong = too_long | asymmetric | np.diag(squares < 0)
    if wrong.any():
        s, t = (int(i) for i in np.argwhere(wrong)[0])
        raise ValueError(
            f"{where}: {name} must hold inner products of gradients, G_tt ≥ 0, G_st = G_ts and "
            f"G_st² ≤ G_ss G_tt, got G_ss = {G[s, s]:g}, G_tt = {G[t, t]:g}, G_st = {G[s, t]:g} "
            f"and G_ts = {G[t, s]:g} for s = {s} and t = {t}"
        )
    return G


def finite(where: str, name: str, array: np.ndarray) -> np.ndarray:
    """An array without NaN and infinity."""
    is_finite = np.isfinite(array)
    if not is_finite.all():
        raise ValueError(f"{where}: {name} must be finite, got {array[~is_finite][0]}")
    return array


def axis(where: str, name: str, value: int, ndim: int) -> int:
    """The place, counted from 0, of one axis of an array with `ndim` axes."""
    if not _is_whole(value) or not -ndim <= value < ndim:
        raise ValueError(
            f"{where}: {name} must be a whole number in [{-ndim}, {ndim}) for {ndim} axes, "
            f"got {value!r}"
        )
    return int(value) % ndim


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


# Words of the messages


def _kind(value):
    """What a value is, in the message of an error."""
    if isinstance(value, type):
        return f"the class {value.__name__}"
    return type(value).__name__
