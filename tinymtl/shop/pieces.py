"""A line as pieces: at each token the longest entry of the tables of words.

A phrase such as "how much", a product term, an amount of money: each is looked up as it stands in a
table. Nothing here knows what a sentence is.
"""

from __future__ import annotations

from dataclasses import dataclass

from .amounts import SIGNS, Amount, read_amount, read_number
from .lexicon import CUES, FILLER, LONGEST_TERM, TERMS, WORDS, stem, tells_nothing
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
SHORTHAND = phrases("shorthand", "words", "full")
INGREDIENTS = {row["word"] for row in read_table("ingredients")}
RANKS = phrases("ranks", "words", "place")
NEXT = 0  # the rank of "the next cheapest"
ALL_LABEL_WORDS = set().union(*WORDS.values()) - CUES["no quality"]  # nobody chooses by "etc"
LABEL_WORDS = {word for word in ALL_LABEL_WORDS if len(word) > 2}


def written_out(words: list[str]) -> list[str]:
    """The tokens with short messages, slang and British words in the words of the other tables.

    >>> written_out(["how", "much", "r", "courgettes"])
    ['how', 'much', 'are', 'zucchini']
    """
    written = []
    i = 0
    while i < len(words):
        for length in range(LONGEST_SHORTHAND, 0, -1):
            full = SHORTHAND.get(tuple(words[i : i + length]))
            if full is not None:
                break
        written += [words[i]] if full is None else full.split()
        i += 1 if full is None else min(length, len(words) - i)
    return written


LONGEST_SHORTHAND = max(map(len, SHORTHAND))


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
    if is_one_of_two_numbers(words, i):
        return Piece("amount", Amount(1.0), words[i], i + 1)
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
    if tells_nothing(words[i]):
        return Piece("filler", words[i], words[i], i + 1)
    return Piece("unknown", words[i], words[i], i + 1)


def is_one_of_two_numbers(words: list[str], i: int) -> bool:
    """Whether token i is the "one" of "one and two", not that of "the red one"."""
    if words[i] != "one" or words[i + 1 : i + 2] not in (["and"], ["to"], ["or"]):
        return False
    return i + 2 < len(words) and read_number(words, i + 2) not in (None, 1.0)


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


# Limits


OPPOSITES = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "~": "~", "=": "="}


def is_denied(found: list[Piece], i: int) -> bool:
    """Whether the limit at piece i is denied: "not more expensive than", "doesnt cost over"."""
    return i > 0 and bool(CUES["denial"].intersection(found[i - 1].text.split()))


def is_limit(found: list[Piece], i: int) -> bool:
    """Whether piece i is a limit that stands behind its amount, as in "2 dollars or more"."""
    is_there = i < len(found) and found[i].kind == "limit"
    return is_there and not amount_behind(found, i)


def amount_behind(found: list[Piece], i: int) -> list[Piece]:
    """The amount behind piece i, perhaps after one word that tells nothing."""
    for piece in found[i + 1 : i + 3]:
        if piece.kind == "amount":
            return [piece]
        if piece.kind != "filler":
            break
    return []


def price_range(found: list[Piece], i: int) -> list[tuple[str, float]]:
    """The limits in "2 to 3 dollars" and "60 to 70 cents" from piece i on; [] if there are none."""
    parts = found[i : i + 3]
    if len(parts) < 3 or parts[1].text not in ("to", "until", "till", "up to"):
        return []
    low, high = parts[0], parts[2]
    if low.kind != "amount" or high.kind != "amount":
        return []
    if {low.value.unit, high.value.unit} - {"", "dollar"}:
        return []
    return bounds(low.value, high.value)


def bounds(first: Amount, second: Amount) -> list[tuple[str, float]]:
    """The limits between two amounts; "40 and 60 cents" means cents twice."""
    is_in_cents = not first.unit and first.number > 1 > second.number
    numbers = [first.number / 100 if is_in_cents else first.number, second.number]
    return [(">=", min(numbers)), ("<=", max(numbers))]
