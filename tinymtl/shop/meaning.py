"""What can be understood of a line: questions, mentions of products, and conditions."""

from __future__ import annotations

from dataclasses import dataclass, field

from .amounts import Amount
from .lexicon import TERMS, WORDS, stems
from .pieces import Piece

# What is asked of products; "what" is "what is ...", which asks for the category.
QUESTIONS_ASKED = ("price", "where", "category", "what", "kinds", "size", "pack", "brand", "about")
# What is asked only beside nothing clearer.
WEAK = ("what", "pack")
COMPARED = ("compare", "cheaper", "dearer", "bigger", "smaller")
ORDERS = ("cheapest", "dearest", "biggest", "smallest")
# After these, what follows is wanted rather than asked about.
OPENING = ("need", "often")
ASKED = (*QUESTIONS_ASKED, *COMPARED, *ORDERS, "total", "enough", "value", "with", "topic")


@dataclass
class Mention:
    """Products that a line speaks of.

    said       as it was written
    types      the types of the term that was found
    narrows    other words of labels, which may narrow the types down
    missing    words that stand on no label
    near       a term that is near to something that the shop does not sell
    size       an amount with a unit, such as 24 ounces
    count      how many of it; 0 if nothing was said
    place      of a list that was shown: 1 is the first, −1 the last; 0 for none
    refers     whether it is a pronoun, such as "it" or "them"
    is_quality whether it is made of words of labels alone, as in "red ones"
    """

    said: str = ""
    types: frozenset[str] = frozenset()
    narrows: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    near: str = ""
    size: Amount | None = None
    count: float = 0.0
    place: int = 0
    refers: bool = False
    is_quality: bool = False

    @property
    def is_named(self) -> bool:
        """Whether it names something, rather than pointing at it."""
        return not self.refers and not self.place

    @property
    def is_found(self) -> bool:
        """Whether all of its words are known."""
        return bool(self.types) and not self.missing

    def add(self, piece: Piece):
        """Add a piece that follows."""
        if piece.text != self.said:
            self.said = f"{self.said} {piece.text}".strip()
        if piece.kind == "term":
            # The last term is the thing itself; what stood before tells which one.
            if self.types:
                before = stems(self.said.removesuffix(piece.text))
                self.narrows += [word for word in before if word not in piece.value]
            self.types = TERMS[piece.value]
        elif piece.kind == "word":
            self.narrows.append(piece.value)
        elif piece.kind == "elsewhere":
            self.near = piece.value
            self.missing.append(piece.text)
        else:
            self.missing.append(piece.text)

    def finish(self):
        """Find the types of a mention without a term, by the words of labels."""
        if not self.types and self.narrows:
            self.types = narrowed(frozenset(WORDS), self.narrows)
            self.narrows = []
            self.is_quality = True


def narrowed(types: frozenset[str], words: list[str]) -> frozenset[str]:
    """Those of the types whose labels have all of the words."""
    return frozenset(kind for kind in types if WORDS[kind].issuperset(words))


NAMING = ("term", "word", "elsewhere", "unknown")


@dataclass
class Question:
    """Something that is asked, and the products that it is asked of."""

    act: str
    said: str = ""
    mentions: list[Mention] = field(default_factory=list)


@dataclass
class Meaning:
    """What was understood of a line."""

    questions: list[Question] = field(default_factory=list)
    wanted: list[Mention] = field(default_factory=list)  # mentions that no question is about
    excluded: list[Mention] = field(default_factory=list)
    allowed: list[Mention] = field(default_factory=list)  # no longer excluded
    ingredients: list[str] = field(default_factory=list)  # what a product shall not contain
    acts: set[str] = field(default_factory=set)
    limits: list[tuple[str, float]] = field(default_factory=list)  # (test, dollars)
    brands: list[str] = field(default_factory=list)  # OWN or NATIONAL
    size: Amount | None = None
    amounts: list[Amount] = field(default_factory=list)  # that belong to no mention and no limit
    household: float | None = None
    corrections: list[tuple[str, str]] = field(default_factory=list)  # (as written, as read)
    too_long: bool = False
    foreign: bool = False  # whether most of its words are of no table
    empty: bool = False

    @property
    def mentions(self) -> list[Mention]:
        """All mentions but the excluded ones."""
        asked = [mention for question in self.questions for mention in question.mentions]
        return [*self.wanted, *asked]

    @property
    def says_what(self) -> bool:
        """Whether it holds anything to look for."""
        mentions = [*self.wanted, *self.excluded, *self.allowed]
        conditions = [*self.limits, *self.brands]
        is_sized = self.size is not None
        return bool(mentions or conditions) or is_sized or "cheap" in self.acts
