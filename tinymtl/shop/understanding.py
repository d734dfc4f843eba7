"""What a line means: from its words to what is asked, the products it names, its limits.

What is asked is learned: a small network reads which words of the table of phrasings a line has.
All else is found by tables of words and by patterns.

    "how much is the choclate milk"  →  intent "price", named chocolate and milk, and a correction

Read on in this order: money and limits, words, the intent, `Meaning`, and `Understanding`, which
puts them together.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from difflib import get_close_matches

import numpy as np

from ..layers import Dense
from ..losses import cross_entropy
from ..ops import exp, log_softmax
from ..optim import Adam
from ..sharing import HardSharing
from ..training import fit
from .purchases import read_table, words
from .replies import NATIONAL, OWN

LONGEST = 500  # letters of a line that are read
LEAST_PROBABILITY = 0.5  # least probability of what is asked
ALIKE = 0.84  # least similarity of a misspelt word to the word that is meant

# Money and limits

NUMBERS = {row["words"]: float(row["number"]) for row in read_table("numbers")}
LIMITS = {row["words"]: row["test"] for row in read_table("limits")}
SUPERLATIVES = {row["words"]: row["order"] for row in read_table("superlatives")}

ONE_TO_TWELVE = [word for word, n in NUMBERS.items() if 1 <= n <= 12 and word.isalpha()]
ANY_NUMBER = "|".join(ONE_TO_TWELVE)
ANY_AMOUNT = rf"\d+\.?\d*|\.\d+|{'|'.join(NUMBERS)}"
ANY_LIMIT = "|".join(LIMITS)
LIMIT = rf"\b({ANY_LIMIT}) \$? ?({ANY_AMOUNT})\b(?: ?(cent|dollar)s?\b)?"


def plain_money(line: str) -> str:
    """Money in the form that LIMIT reads.

    >>> plain_money("under 99¢"), plain_money("under 2,50")
    ('under 99 cents', 'under 2.50')
    >>> plain_money("under two dollars and fifty cents"), plain_money("milk for $3")
    ('under 2.50 dollars', 'milk at most $3')
    """
    line = line.replace("¢", " cents")
    line = re.sub(r"(\d),(\d{3})\b", r"\1\2", line)
    line = re.sub(r"(\d),(\d\d)\b", r"\1.\2", line)

    def and_a_half(found):
        return f"{NUMBERS[found[1]] + 0.5:.2f} dollars"

    line = re.sub(rf"\b({ANY_NUMBER})( dollars?)?( and)? fifty( cents)?\b", and_a_half, line)
    return re.sub(r"\bfor (?=\$ ?\d|\S+ (?:dollar|cent))", "at most ", line)


def limits_of(line: str) -> list[tuple[str, float]]:
    """The limits of price in a line: (way, dollars).

    >>> limits_of("over a dollar and under 250 cents")
    [('over', 1.0), ('under', 2.5)]
    """
    limits = []
    for way, amount, unit in re.findall(LIMIT, line):
        number = float(NUMBERS.get(amount, amount))
        limits.append((way, number / 100 if unit == "cent" else number))
    return limits


def order_of_prices(line: str) -> str:
    """The order of prices that a superlative asks for: "rising", "falling", or "" without one."""
    for superlative, order in SUPERLATIVES.items():
        if superlative in line:
            return order
    return ""


# Words

FULL = {row["word"]: row["full"] for row in read_table("abbreviations")}
FILLER = {row["word"] for row in read_table("filler")}


def stem(word: str) -> str:
    """Write out an abbreviation and make a plural singular.

    >>> [stem(word) for word in ("frzn", "peaches", "berries")]
    ['frozen', 'peach', 'berry']
    """
    word = FULL.get(word, word)
    word = re.sub(r"ies$", "y", word)
    word = re.sub(r"(ch|sh|ss|x|o)es$", r"\1", word)
    return re.sub(r"(?<=[^su])s$", "", word)


def read_letters(line: str) -> tuple[str, bool]:
    """The letters of a line that are read, all lower case, and whether it was too long."""
    line = plain_money(" ".join(line.lower().split()))
    # No control characters, no letters beyond a to z, no apostrophes.
    line = re.sub("[^ -&(-~]", "", line)
    # Up to the end of the last word in these letters.
    read = re.match(rf"(.{{,{LONGEST}}}\b)?", line)[0]
    return read, len(line) > LONGEST


# What is asked

# data/README.md says what each intent means, and what the signs _ and ? stand for.
PHRASINGS: list[tuple[str, list[str]]] = [
    (row["intent"], row["phrasing"].split()) for row in read_table("phrasings")
]
INTENTS = list(dict.fromkeys(intent for intent, _ in PHRASINGS))
# The words that tell what is asked. They never name a product.
ASKING_WORDS = sorted({word for _, phrasing in PHRASINGS for word in phrasing})


def learn_intents(rng: np.random.Generator) -> Callable[[list[str]], np.ndarray]:
    """Learn to tell what is asked: a function of a phrase's words.

    The function returns the probabilities of INTENTS.
    """

    def bags(phrases):
        """Which of the asking words each phrase has: (n, V)."""
        return np.array([np.isin(ASKING_WORDS, phrase) for phrase in phrases], float)

    X = bags([phrasing for _, phrasing in PHRASINGS])
    labels = np.array([INTENTS.index(intent) for intent, _ in PHRASINGS])
    trunk = Dense(len(ASKING_WORDS), 24, rng)
    head = Dense(24, len(INTENTS), rng)
    model = HardSharing(trunk, {"intent": head}, l2=1e-3)
    fit(
        model,
        {"intent": (X, labels)},
        {"intent": cross_entropy},
        optimizer=Adam(0.02),
        steps=150,
        quiet=True,
    )

    def probabilities(phrase):
        logits = model({"intent": bags([phrase])})["intent"]
        return exp(log_softmax(logits)).data[0]

    return probabilities


# All together


@dataclass
class Meaning:
    """What was understood of a line."""

    intent: str = "unclear"  # or one of INTENTS
    probability: float = 0.0  # of the likeliest intent
    named: dict[str, str] = field(default_factory=dict)  # stem → word: what names products
    limits: list[tuple[str, float]] = field(default_factory=list)  # (way, dollars)
    order: str = ""  # of prices: "rising" or "falling"; "" if none is asked for
    cheaper: bool = False  # less expensive than what was named last
    dearer: bool = False  # more expensive than what was named last
    household: int = -1  # −1: none
    brand: str = ""  # OWN or NATIONAL; "" if any will do
    leaves_out: bool = False  # whether it asks to leave words out
    too_long: bool = False  # whether only the first LONGEST letters were read
    corrections: list[tuple[str, str]] = field(default_factory=list)  # (as written, as read)


class Understanding:
    """Reads lines. It knows the stems and the names of the products that a line may speak of."""

    def __init__(self, rng: np.random.Generator, stems: list[str], names: list[str]):
        self.intents = learn_intents(rng)
        self.stems = set(stems)
        self.spellings = {*ASKING_WORDS, *stems, *words(" ".join(names))}

    def read(self, line: str) -> Meaning:
        """What a line means, whatever it holds."""
        line, too_long = read_letters(line)
        line = re.sub(r"between (\S+) and", r"at least \1 at most", line)
        order = order_of_prices(line)
        line = re.sub("|".join(SUPERLATIVES), "cheapest", line)
        household = re.search(r"household\D{0,9}?(-?\d+)", line)
        # The line as its words are read: a limit is "limit", a household "household".
        rest = re.sub(LIMIT, " limit ", line)
        rest = re.sub(r"household\D{0,9}\d+", "household", rest)

        meaning = Meaning(too_long=too_long, order=order, limits=limits_of(line))
        if household:
            meaning.household = int(household[1])
        if re.search("brand|label", line):
            is_other = re.search(r"\b(not|no|isnt|other|without|national)\b", rest)
            meaning.brand = NATIONAL if is_other else OWN
        meaning.dearer = "more expensive" in rest
        meaning.cheaper = not order and re.search("cheap|less expensive", rest) is not None

        bag = self.read_words(rest, meaning)
        self.recognise(bag, meaning)
        has_not = re.search(r"\b(not|no|without|except)\b", rest) is not None
        meaning.leaves_out = has_not and bool(meaning.named) and not meaning.brand
        return meaning

    def read_words(self, rest: str, meaning: Meaning) -> list[str]:
        """The words as the network reads them; those that name products are noted.

        A word of a product is _, and one that no product has ?. Slips of spelling are put right.
        """
        not_names = FILLER.union(ASKING_WORDS)
        bag = []
        for word in re.findall(r"[a-z]+|\d*\.?\d+", rest):
            word = self.corrected(word, not_names, meaning)
            if word in not_names:
                bag.append(word)
                continue
            bag.append("_" if stem(word) in self.stems else "?")
            meaning.named[stem(word)] = word
        return bag

    def corrected(self, word: str, not_names: set[str], meaning: Meaning) -> str:
        """The word, or the one that was meant; a correction is noted."""
        is_right = word in not_names or stem(word) in self.stems
        if is_right or len(word) <= 3:
            return word
        near = get_close_matches(word, self.spellings, n=1, cutoff=ALIKE)
        if not near:
            return word
        meaning.corrections.append((word, near[0]))
        return near[0]

    def recognise(self, bag: list[str], meaning: Meaning):
        """What is asked, from the words, and from a household or a superlative."""
        if not bag:
            meaning.intent = "hello"
            return
        if set(bag) - FILLER - {"?"}:
            probabilities = self.intents(bag)
            meaning.probability = probabilities.max()
            if meaning.probability >= LEAST_PROBABILITY:
                meaning.intent = INTENTS[probabilities.argmax()]
        if meaning.intent in ("hello", "bye", "made", "anew"):
            return
        if meaning.household >= 0:
            meaning.intent = "recommend"
        elif meaning.order:
            meaning.intent = "need"
