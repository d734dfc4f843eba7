"""Slips of spelling are put right, but only toward words that the tables know."""

from __future__ import annotations

from .amounts import CENTS, DOLLARS, NUMBERS, UNITS
from .lexicon import FILLER, TERMS, plural, stem
from .pieces import ACTS, LABEL_WORDS, TABLES
from .purchases import read_table

INGREDIENTS = {row["word"] for row in read_table("ingredients")}


def known_words() -> set[str]:
    """All words that are no slip of spelling."""
    known = {*FILLER, *NUMBERS, *LABEL_WORDS, *INGREDIENTS, *DOLLARS, *CENTS}
    for table in (ACTS, *(table for _, table in TABLES), UNITS, TERMS):
        for phrase in table:
            known.update(phrase)
    known |= {plural(word) for word in known if (word,) in TERMS}
    return {word for word in known if word.isalpha()}


KNOWN_WORDS = known_words()
# Read as they are written: what a slip may have been is not guessed for short words.
SHORTEST_SLIP = 3


def distance(a: str, b: str) -> int:
    """How many letters to add, drop, replace or swap with the next, to make b of a.

    >>> distance("csot", "cost"), distance("chedar", "cheddar")
    (1, 1)
    """
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, letter in enumerate(a, start=1):
        last = row
        row = [i]
        for j, other in enumerate(b, start=1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (letter != other))
            swapped = i > 1 and j > 1 and a[i - 2] == other and b[j - 2] == letter
            row.append(min(cost, before[j - 2] + 1) if swapped else cost)
        before = last
    return row[-1]


def corrected(word: str) -> str:
    """The word, or the known word that it is a slip of.

    In short words only a letter that was forgotten, or two that were swapped, is a slip: many short
    words differ by one letter and have nothing to do with each other, such as wine and lime.

    >>> [corrected(word) for word in ("hony", "csot", "wine", "dont", "unicorn")]
    ['honey', 'cost', 'wine', 'dont', 'unicorn']
    """
    is_known = word in KNOWN_WORDS or stem(word) in KNOWN_WORDS
    if is_known or len(word) < SHORTEST_SLIP or not word.isalpha():
        return word
    near = []
    for other in KNOWN_WORDS:
        most = most_slips(word, other)
        if abs(len(other) - len(word)) > most or is_other_word(word, other):
            continue
        # A wrong first letter is rare: it counts as one more slip.
        cost = distance(word, other) + (other[0] != word[0])
        if cost <= most:
            near.append((cost, other not in LABEL_WORDS, other))  # lines are about products
    return min(near)[-1] if near else word


def most_slips(word: str, other: str) -> int:
    """How many slips are looked past: two in long words, and in products that sound alike."""
    sounds_alike = word[0] == other[0] and word[-1] == other[-1] and (other,) in TERMS
    return 2 if len(word) >= 8 or (len(word) >= 5 and sounds_alike) else 1


def is_other_word(word: str, other: str) -> bool:
    """Whether a word is too short to be a slip of the other one."""
    if len(word) > 4:
        return False
    if len(word) == 3 and other in LABEL_WORDS:
        return True
    is_longer = len(other) > len(word)
    return word[0] != other[0] or not (is_longer or sorted(word) == sorted(other))
