"""Slips of spelling are put right, but only toward words that the tables know."""

from __future__ import annotations

import re
from functools import cache
from unicodedata import normalize

from .amounts import CENTS, DOLLARS, NUMBERS, UNITS
from .lexicon import FILLER, TERMS, plural, stem, tells_nothing
from .pieces import ACTS, INGREDIENTS, LABEL_WORDS, TABLES


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


# How letters sound; the first rows go first.
SOUNDS = [
    ("ph", "f"),
    ("wh", "w"),
    ("ck", "k"),
    ("x", "ks"),
    ("qu", "kw"),
    ("c(?=[eiy])", "s"),
    ("c(?!h)", "k"),
    ("z", "s"),
    ("ee|ea|ie|ei|ey|y", "i"),
    ("oo|ou|ew", "u"),
    ("o[ae]|ow", "o"),
    ("a[iey]", "a"),
    (r"(.)\1+", r"\1"),
    ("(?<=..)e$", ""),
    ("(?<=..)es$", "s"),
]


@cache
def sound(word: str) -> str:
    """About how a word sounds: words that are spelled as they are heard have the same.

    >>> sound("egs") == sound("eggs"), sound("brokoly") == sound("broccoli")
    (True, True)
    """
    for letters, heard in SOUNDS:
        word = re.sub(letters, heard, word)
    return word


@cache
def consonants(word: str) -> str:
    """The sound of a word without the vowels behind its first letter."""
    heard = sound(word)
    return heard[:1] + re.sub("[aeiou]", "", heard[1:])


@cache
def corrected(word: str) -> str:
    """The word, or the known word that it is a slip of.

    In short words only a letter that was forgotten, or two that were swapped, is a slip: many short
    words differ by one letter and have nothing to do with each other, such as wine and lime.

    >>> [corrected(word) for word in ("hony", "csot", "wine", "dont", "unicorn")]
    ['honey', 'cost', 'wine', 'dont', 'unicorn']
    """
    if is_known(word) or len(word) < SHORTEST_SLIP or not is_plain(word):
        return word
    if word[-1] == word[-2] and is_known(word[:-1]):  # "heyy"
        return word[:-1]
    near = []
    for other in KNOWN_WORDS:
        most = most_slips(word, other)
        if abs(len(other) - len(word)) > most or is_other_word(word, other):
            continue
        if tells_less(word, other):
            continue
        if len(set(word) ^ set(other)) > 2 * most:  # one slip changes two letters at most
            continue
        # A wrong first letter is rare: it counts as one more slip, unless it sounds alike.
        cost = distance(word, other) + (sound(other)[0] != sound(word)[0])
        if sound(word) == sound(other):
            cost = 0.5
        if cost <= most:
            # Lines are about products.
            is_rare = other not in LABEL_WORDS
            near.append((cost, is_rare, consonants(other) != consonants(word), other))
    return min(near)[-1] if near else word


SHORTEST_LONG = 6  # letters: in so long a word a letter more is a slip
SHORTEST_FOLDED = 4  # "café" is cafe, but "à" is not the English "a"


def without_accents(word: str) -> str:
    """The word without its accents, if it is known without them.

    >>> [without_accents(word) for word in ("entrée", "à", "cuánto")]
    ['entree', 'à', 'cuánto']
    """
    plain = in_ascii(word)
    return plain if len(plain) >= SHORTEST_FOLDED and is_known(plain) else word


def in_ascii(word: str) -> str:
    """The word without accents, and without letters that are none in English."""
    return normalize("NFKD", word).encode("ascii", "ignore").decode()


def is_known(word: str) -> bool:
    """Whether a word is no slip of spelling."""
    return word in KNOWN_WORDS or stem(word) in KNOWN_WORDS or tells_nothing(word)


def is_plain(word: str) -> bool:
    """Whether a word has English letters alone: of others no slip is looked for."""
    return word.isalpha() and word.isascii()


def most_slips(word: str, other: str) -> int:
    """How many slips are looked past: two in long words, and in products that sound alike."""
    is_product = (stem(other),) in TERMS
    if is_product and len(word) >= 5 and consonants(word) == consonants(other):
        return 3
    ends_alike = word[0] == other[0] and word[-1] == other[-1] and is_product
    return 2 if len(word) >= 8 or (len(word) >= 5 and ends_alike) else 1


def tells_less(word: str, other: str) -> bool:
    """Whether a short word has a consonant more than one that tells nothing: decaf is not deaf."""
    is_shorter = len(other) < len(word) < SHORTEST_LONG and other in FILLER
    return is_shorter and consonants(word) != consonants(other)


def is_other_word(word: str, other: str) -> bool:
    """Whether a word is too short to be a slip of the other one."""
    if len(word) > 4 or (sound(word) == sound(other) and (stem(other),) in TERMS):
        return False
    if len(word) == 3 and other in LABEL_WORDS:
        return True
    is_longer = len(other) > len(word)
    return word[0] != other[0] or not (is_longer or sorted(word) == sorted(other))
