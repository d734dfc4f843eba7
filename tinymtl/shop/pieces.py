"""A line as pieces: at each token the longest entry of the tables of words.

A phrase such as "how much", a product term, an amount of money: each is looked up as it stands in a
table. Nothing here knows what a sentence is.
"""

from __future__ import annotations

from dataclasses import dataclass

from .amounts import SIGNS, read_amount
from .lexicon import FILLER, LONGEST_TERM, TERMS, WORDS, stem
from .purchases import read_table


def phrases(table: str, words: str, value: str) -> dict[tuple[str, ...], str]:
    """A table as a dictionary from phrases, which are tuples of tokens, to what they stand for."""
    return {tuple(row[words].split()): row[value] for row in read_table(table)}


ACTS = phrases("phrases", "phrase", "act")
TOPICS = phrases("topics", "phrase", "topic")
LIMITS = phrases("limits", "words", "test")
ORDINALS = phrases("ordinals", "words", "place")
ELSEWHERE = phrases("elsewhere", "word", "near")
DIETS = phrases("diets", "phrase", "excluded")
# Words of labels by which nobody chooses.
NO_QUALITY = {"exact", "including", "etc", "only", "not", "all", "other"}
LABEL_WORDS = {
    word for words in WORDS.values() for word in words if len(word) > 2 and word not in NO_QUALITY
}


@dataclass(frozen=True)
class Piece:
    """Some tokens of a line that belong together, and what they stand for."""

    kind: str
    value: object
    text: str
    end: int  # the token after its last


def pieces(words: list[str]) -> list[Piece]:
    """The line as pieces: at each token the longest entry of the tables."""
    found = []
    i = 0
    while i < len(words):
        piece = piece_at(words, i)
        found.append(piece)
        i = piece.end
    return found


def piece_at(words: list[str], i: int) -> Piece:
    """The piece that begins at token i. Of equally long ones, the first of `TABLES`."""
    amount = read_amount(words, i)
    if words[i] in SIGNS and amount is None:
        return Piece("sign", words[i], words[i], i + 1)
    if amount is not None and amount[0].unit:
        return Piece("amount", amount[0], " ".join(words[i : amount[1]]), amount[1])
    for length in range(min(LONGEST_PHRASE, len(words) - i), 0, -1):
        phrase = tuple(words[i : i + length])
        piece = look_up(phrase, i + length)
        if piece is not None:
            return piece
    if amount is not None:
        return Piece("amount", amount[0], words[i], amount[1])
    if stem(words[i]) in LABEL_WORDS:
        return Piece("word", stem(words[i]), words[i], i + 1)
    return Piece("unknown", words[i], words[i], i + 1)


TABLES = [
    ("topic", TOPICS),
    ("diet", DIETS),
    ("limit", LIMITS),
    ("ordinal", ORDINALS),
    ("elsewhere", ELSEWHERE),
]
LONGEST_PHRASE = max(LONGEST_TERM, *(len(p) for _, table in TABLES for p in table))
LONGEST_PHRASE = max(LONGEST_PHRASE, *map(len, ACTS))


def look_up(phrase: tuple[str, ...], end: int) -> Piece | None:
    """The piece that a phrase is, if it stands in one of the tables."""
    text = " ".join(phrase)
    for kind, table in TABLES:
        if phrase in table:
            return Piece(kind, table[phrase], text, end)
    if phrase in ACTS:
        return Piece("act", ACTS[phrase], text, end)
    is_function_word = len(phrase) == 1 and text in FILLER
    term = tuple(stem(word) for word in phrase)
    if term in TERMS and not is_function_word:
        return Piece("term", term, text, end)
    if is_function_word:
        return Piece("filler", text, text, end)
    return None
