"""A line as tokens, and the amounts among them: money, sizes, and bare numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .purchases import read_table

NUMBERS = {row["words"]: float(row["number"]) for row in read_table("numbers")}
UNITS = {
    tuple(row["word"].split()): (row["unit"], float(row["times"])) for row in read_table("units")
}

# Tokens

SPOKEN = {"<": "under", ">": "over", "&": "and", "+": "plus", "@": "at"}
SPOKEN |= {"w/o": "without", "w/": "with", "#": "number"}

WORD = "[a-zß-öø-ɏ]+"  # letters with accents belong to a word


def tokens(line: str) -> list[str]:
    """The words, numbers and signs of a line, in lower case and without apostrophes.

    >>> tokens("What's 2,50 for, €3?")
    ['whats', '2.50', 'for', ',', '3', '?']
    >>> tokens("¿Cuánto?")
    ['cuánto', '?']
    """
    line = line.lower().replace("’", "'")
    line = re.sub(r"(\d),(\d{3})\b", r"\1\2", line)
    line = re.sub(r"(\d),(\d\d)\b", r"\1.\2", line)
    line = line.replace("'", "")
    line = re.sub(r"(\d) ?[-–] ?(\d)", r"\1 to \2", line)  # "2-3 dollars"
    line = re.sub(r"\b(\d+) ?x\b", r"\1", line)  # "2x honey"
    line = re.sub(r"\bx ?(\d+)", r"times \1", line)
    for sign, word in SPOKEN.items():
        line = line.replace(sign, f" {word} ")
    line = re.sub(r"[\d.]+ ?%", " percent ", line)  # "2 % milk" is no number of milks
    line = re.sub(r"([a-z])\1{2,}", r"\1\1", line)  # "pleeease"
    return re.findall(rf"{WORD}|(?<!\S)-?\d*\.?\d+|\d*\.?\d+|[$¢%,.?!;:]", line)


SIGNS = set(",.?!;:%$¢")


# Amounts


@dataclass(frozen=True)
class Amount:
    """A number and its unit: "dollar", a unit of `units.csv`, or "" for a bare number."""

    number: float
    unit: str = ""


def read_number(words: list[str], i: int) -> float | None:
    """The number that token i is, if it is one."""
    if i >= len(words):
        return None
    if re.fullmatch(r"-?\d*\.?\d+", words[i]):
        return float(words[i])
    if words[i] in ("a", "an"):
        return 1.0
    return NUMBERS.get(words[i])


def read_amount(words: list[str], i: int) -> tuple[Amount, int] | None:
    """The amount that begins at token i, and where it ends.

    >>> read_amount(["$", "3"], 0), read_amount(["two", "dollars", "and", "fifty", "cents"], 0)
    ((Amount(number=3.0, unit='dollar'), 2), (Amount(number=2.5, unit='dollar'), 5))
    >>> read_amount(["half", "a", "gallon"], 0)
    (Amount(number=0.5, unit='gallon'), 3)
    """
    if words[i] == "$":
        number = read_number(words, i + 1)
        return None if number is None else (Amount(number, "dollar"), i + 2)
    if words[i] == "half":
        return read_half(words, i + 2 if words[i + 1 : i + 2] == ["a"] else i + 1)
    number = read_number(words, i)
    start = i if number is None else i + 1
    unit = read_unit(words, start)
    if unit is not None:
        name, times, end = unit
        return Amount((1.0 if number is None else number) * times, name), end
    if number is None:
        return None
    return read_money(words, start, number)


def read_half(words: list[str], i: int) -> tuple[Amount, int] | None:
    """Half of the unit at token i."""
    unit = read_unit(words, i)
    if unit is not None:
        return Amount(0.5 * unit[1], unit[0]), unit[2]
    is_money = words[i : i + 1] in (["dollar"], ["buck"])
    return (Amount(0.5, "dollar"), i + 1) if is_money else None


def read_unit(words: list[str], i: int) -> tuple[str, float, int] | None:
    """The unit of size at token i: its name, how many of it, and where it ends."""
    for length in (2, 1):
        found = UNITS.get(tuple(words[i : i + length]))
        if found is not None and i + length <= len(words):
            return (*found, i + length)
    return None


DOLLARS = ("dollar", "dollars", "buck", "bucks", "quid", "$")
CENTS = ("cent", "cents", "¢")


def read_money(words: list[str], i: int, number: float) -> tuple[Amount, int] | None:
    """The amount of this number, whose unit may stand at token i."""
    unit = words[i] if i < len(words) else ""
    if unit in CENTS:
        return Amount(number / 100, "dollar"), i + 1
    if unit in DOLLARS:
        after = i + 2 if words[i + 1 : i + 2] == ["and"] else i + 1
        cents = read_number(words, after)
        if cents is None or cents < 10 or words[after] in ("a", "an"):
            return Amount(number, "dollar"), i + 1
        end = after + 2 if words[after + 1 : after + 2] in (["cent"], ["cents"]) else after + 1
        return Amount(number + cents / 100, "dollar"), end
    is_article = words[i - 1] in ("a", "an")
    return None if is_article else (Amount(number), i)
