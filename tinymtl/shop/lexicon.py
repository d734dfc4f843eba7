"""Everyday words for the shop's types, and the types in everyday words.

The shop writes its types in its own way: FLUID MILK WHITE ONLY, SFT DRNK 2 LITER BTL CARB INCL. Two
tables translate. `names.csv` gives each type a readable name and the terms that customers use for
it; `groups.csv` puts terms together under a wider one, such as snack. A type is on every label, so
these tables tell nothing of a product that the guide has to estimate.

    TERMS        stems of a term → the types that it means
    NAMES        type → its readable name
    SORTS        type → the first of its terms, which is wider
    CASE_FROM    type → the amount from which a size is a shipping case
    WORDS        type → the stems that may narrow a term down to it
    CUES         what a small word is a sign of → all words that are
"""

from __future__ import annotations

import re

from .purchases import read_table, words

FULL = {row["word"]: row["full"] for row in read_table("abbreviations")}
# On the shop's labels alone: no customer means mayonnaise by "may".
LABELS = {row["word"]: row["full"] for row in read_table("labels")}
FILLER = {row["word"] for row in read_table("filler")}


def read_cues() -> dict[str, set[str]]:
    """What words are a sign of → the words; one word may be a sign of several things."""
    found: dict[str, set[str]] = {}
    for row in read_table("cues"):
        for cue in row["cues"].split(";"):
            found.setdefault(cue, set()).add(row["word"])
    return found


CUES = read_cues()


def stem(word: str) -> str:
    """Write out an abbreviation and make a plural singular.

    >>> [stem(word) for word in ("frzn", "peaches", "berries")]
    ['frozen', 'peach', 'berry']
    """
    if word in FULL:
        return FULL[word]
    word = re.sub(r"ies$", "y", word)
    word = re.sub(r"(ch|sh|ss|x|o)es$", r"\1", word)
    return re.sub(r"(?<=[^su])s$", "", word)


def tells_nothing(word: str) -> bool:
    """Whether a word names no product: an adverb, or a form of a word that tells nothing.

    >>> [tells_nothing(word) for word in ("kindly", "charging", "unicorn")]
    [True, True, False]
    """
    if word in FILLER or (word.endswith("ly") and len(word) > 4):
        return True
    found = re.fullmatch(r"(\w{4,}?)(?:s|es|ed|ing)", word)
    if found is None:
        return False
    base = found[1]
    is_doubled = base[-1] == base[-2] and base[:-1] in FILLER  # "getting"
    return base in FILLER or f"{base}e" in FILLER or is_doubled


def plural(word: str) -> str:
    """The form for many of a word for one.

    >>> plural("cherry"), plural("peach"), plural("egg")
    ('cherries', 'peaches', 'eggs')
    """
    if word.endswith("y"):
        return f"{word[:-1]}ies"
    if word.endswith(("ch", "sh", "x", "o")):
        return f"{word}es"
    return f"{word}s"


def stems(text: str) -> tuple[str, ...]:
    """The stems of the words of a text.

    >>> stems("Chocolate chip COOKIES")
    ('chocolate', 'chip', 'cookie')
    """
    return tuple(stem(word) for word in words(text))


def readable(text: str) -> str:
    """A text of the shop in lower case and with its abbreviations written out.

    >>> readable("FRZN PIE/DESSERTS")
    'frozen pie/desserts'
    """

    def in_full(found):
        word = found[0]
        return LABELS.get(word, word)

    return re.sub(r"[a-z]+", in_full, text.lower())


NAMES = {row["type"]: row["name"] for row in read_table("names")}
SORTS = {row["type"]: row["terms"].split(";")[0] for row in read_table("names")}
CASE_FROM = {row["type"]: float(row["from"]) for row in read_table("cases")}


def words_of(kind: str) -> frozenset[str]:
    """The stems of a type and of its readable name, without words that tell nothing."""
    found = words(f"{readable(kind)} {NAMES[kind]}")
    return frozenset(stem(word) for word in found if word not in FILLER)


WORDS = {kind: words_of(kind) for kind in NAMES}


def read_terms() -> dict[tuple[str, ...], frozenset[str]]:
    """stems of a term → the types that it means.

    The members of a group may be groups that stand above it in the table.
    """
    types: dict[tuple[str, ...], set[str]] = {}
    for row in read_table("names"):
        for term in [row["name"], *row["terms"].split(";")]:
            types.setdefault(stems(term), set()).add(row["type"])
    for row in read_table("groups"):
        group = types.setdefault(stems(row["group"]), set())
        for member in row["members"].split(";"):
            group |= types.get(stems(member), set())
    return {term: frozenset(kinds) for term, kinds in types.items() if kinds}


TERMS = read_terms()
LONGEST_TERM = max(map(len, TERMS))
