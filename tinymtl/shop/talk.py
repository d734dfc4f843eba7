"""What was said so far in a conversation, and what "it" and "the second one" mean."""

from __future__ import annotations

import numpy as np

from .amounts import Amount
from .answers import Subject, ranked
from .catalogue import Catalogue
from .lexicon import stem
from .meaning import ADDS_UP, Mention, Question
from .needs import Need
from .questions import Question as Back
from .wording import capital, listed, named, said_price

NOTHING = "nothing"  # what is near to things that are like nothing in the shop
OTHER = -99  # the place of "the other one"


class Talk:
    """What a conversation remembers.

    need             what is looked for
    subjects         what was talked of last: what "it" and "them" mean
    groups           all groups of products of the last list
    shown            those of them that were shown last
    in_row           what was put side by side last: what "the second one" means
    pointed_at       the place in the row that was picked last, 0 for the first
    summed           what was added up last
    priced           what was priced one after the other, in the last replies
    seen             how many of them were shown
    asked            what was asked back last: a question, the name of a fixed one, or None
    last_questions   what the customer asked last
    wanted_last      the things that the customer looked for last
    recommended      whether the last list was a recommendation
    rank             2 if the second cheapest was told last
    among            what it was chosen among
    told             the products that the last reply tells of
    """

    def __init__(self, catalogue: Catalogue):
        self.catalogue = catalogue
        self.begin()

    def begin(self, household: int | None = None):
        """Nothing was said yet."""
        self.need = Need(household=household, all_of_kind=True)
        self.subjects: list[Subject] = []
        self.groups: list[np.ndarray] = []
        self.shown: list[np.ndarray] = []
        self.in_row: list[Subject] = []
        self.pointed_at = 0
        self.summed: list[Subject] = []
        self.priced: list[Subject] = []
        self.seen = 0
        self.asked: Back | str | None = None
        self.last_questions: list[Question] = []
        self.wanted_last: list[Mention] = []
        self.recommended = False
        self.rank = 1
        self.among: Subject | None = None
        self.told: list[int] = []

    def subject(self, mention: Mention) -> Subject | None:
        """What a mention speaks of; None if it points at nothing."""
        if mention.place:
            return self.at_place(mention.place)
        if mention.refers and not mention.pick:
            return self.pointed_at_last(mention)
        subject = self.looked_for() if mention.refers else self.named_subject(mention)
        if subject is None:
            return None
        subject.count = mention.count or subject.count
        if mention.pick:
            falls = mention.pick == "dearest"
            best = ranked(self.catalogue, subject.products, falls, mention.rank)
            subject.products = best if len(best) else subject.products[:1]
        return subject

    def pointed_at_last(self, mention: Mention) -> Subject | None:
        """What "it" or "them" means: all that was talked of last."""
        if not self.subjects:
            return None
        products = np.concatenate([subject.products for subject in self.subjects])
        name = listed(list(dict.fromkeys(subject.name for subject in self.subjects)))
        return Subject(name, products, mention.count)

    def looked_for(self) -> Subject | None:
        """What the customer looks for, else what was talked of last."""
        if self.need.products is None:
            return self.pointed_at_last(Mention())
        products = self.need.fitting(self.catalogue)
        return Subject(self.need.wanted, products) if len(products) else None

    def named_subject(self, mention: Mention) -> Subject:
        """What a mention names."""
        products = self.catalogue.find(mention)
        if mention.points:
            talked_of = [subject.products for subject in self.subjects]
            inside = [int(p) for p in products if any(p in part for part in talked_of)]
            products = np.array(inside) if inside else products
        mention = mention.known_part()
        kinds = set(self.catalogue.names[products])
        name = str(self.catalogue.names[products[0]]) if len(kinds) == 1 else self.called(mention)
        if mention.size is None or mention.count:
            return Subject(name, products, mention.count)
        return Subject(name, *self.measured(products, mention.size))

    def measured(self, products: np.ndarray, size: Amount) -> tuple[np.ndarray, float]:
        """Which products, and how many of them, are so much: "two gallons" are 2 of 1 gallon."""
        if len(self.catalogue.of_size(products, size)):
            return products, 0.0
        of_one = self.catalogue.of_size(products, Amount(1.0, size.unit))
        if len(of_one):
            return of_one, size.number
        if size.unit == "dozen":
            return products, 12 * size.number
        is_loose = self.catalogue.is_loose(self.catalogue.representative(products))
        return products, size.number if size.unit == "pound" and is_loose else 0.0

    def looked_at(self) -> np.ndarray | None:
        """The products that a line may say more of: what was asked about, or what is needed."""
        if self.last_questions and self.subjects:
            return np.concatenate([subject.products for subject in self.subjects])
        return self.need.products

    def called(self, mention: Mention) -> str:
        """What a mention is called, without words that no label of it has."""
        left_out = self.catalogue.words_left_out(mention)
        said = [word for word in plain(mention).split() if stem(word) not in left_out]
        return " ".join(said) or plain(mention)

    def shown_first(self, subject: Subject) -> int:
        """The first product of a subject that was shown, else its first."""
        shown = [product for group in self.shown for product in group]
        return next((int(p) for p in shown if p in subject.products), subject.first)

    def at_place(self, place: int) -> Subject | None:
        """What stands at a place of the row that was shown or compared last."""
        many = len(self.in_row)
        if place == OTHER:
            k = 1 - self.pointed_at if many == 2 else many
        else:
            k = place - 1 if place > 0 else many + place
        if not 0 <= k < many:
            return None
        self.pointed_at = k
        return self.in_row[k]

    def put_in_row(self, subjects: list[Subject], pointed_at: int = 0):
        """Remember what stands side by side, and which of it was talked of."""
        self.in_row = subjects
        self.pointed_at = pointed_at

    def is_after_a_sum(self) -> bool:
        """Whether the last reply told a sum, or whether some money is enough for it."""
        return any(question.act in ADDS_UP for question in self.last_questions)

    def note_priced(self, subjects: list[Subject], instead_of: np.ndarray | None = None):
        """What was priced one after the other may be added up later.

        It takes the place of what has the same name, or is one of the products `instead_of`.
        """
        names = {subject.name for subject in subjects}
        among = [] if instead_of is None else instead_of
        before = [
            subject
            for subject in self.priced
            if subject.name not in names and not np.isin(subject.products, among).all()
        ]
        self.priced = [*before, *subjects]

    def not_found(self, mentions: list[Mention]) -> list[str]:
        """What is said of mentions that are no products here; what is near is talked of."""
        if not mentions:
            return []
        self.subjects = []
        nearest = []
        for mention in mentions:
            near = self.catalogue.near(mention)
            known = [word for word in plain(mention).split() if word not in mention.missing]
            name = mention.near or " ".join(known)
            if len(near) and name not in nearest:
                self.subjects.append(Subject(name, near))
                nearest.append(name)
        if all(m.near == NOTHING and not m.types for m in mentions):
            return [f"I have no {listed([plain(m) for m in mentions], 'or')}."]
        said = f"I have nothing called {listed([plain(m) for m in mentions], 'or')}"
        if nearest:
            said += f"; the nearest I have is {listed(nearest)}"
        return [f"{said}."]

    def show(self, groups: list[np.ndarray], most: int, start: int = 0) -> str:
        """Lines for some of the groups, which are numbered so that one can be picked."""
        self.groups = groups
        self.seen = start + most
        self.shown = groups[start : start + most]
        names = [named(self.catalogue, group, with_size=False) for group in self.shown]
        self.subjects = [Subject(name, group) for name, group in zip(names, self.shown)]
        self.put_in_row(self.subjects)
        lines = []
        for number, group in enumerate(self.shown, start=1):
            lines.append(f"\n  {number}. {self.line(group)}")
            self.tell(int(group[0]))
        return "".join(lines)

    def tell(self, *products: int):
        """Note which products a reply tells of."""
        self.told += [int(product) for product in products]

    def line(self, group: np.ndarray) -> str:
        """One group of a list: its name, how many products, their prices and brand."""
        many = f", {len(group)} products" if len(group) > 1 else ""
        brands = set(self.catalogue.says["brand"][group])
        brand = ""
        if len(brands) == 1 and self.catalogue.known[group].all():
            brand = f", {brands.pop()}"
        elif self.need.brand:
            brand = f", probably {self.need.brand}"
        return (
            f"{capital(named(self.catalogue, group))}{many}: "
            f"{said_price(self.catalogue, group)}{brand}"
        )


def plain(mention: Mention) -> str:
    """A mention without articles, as it is said back."""
    return " ".join(word for word in mention.said.split() if word not in ("a", "the", "some"))


def together(subjects: list[Subject]) -> list[Subject]:
    """The subjects, those of one name as one."""
    groups: dict[str, list[np.ndarray]] = {}
    for subject in subjects:
        groups.setdefault(subject.name, []).append(subject.products)
    return [Subject(name, np.concatenate(parts)) for name, parts in groups.items()]
