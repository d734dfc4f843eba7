"""What a customer needs, as far as it was said in the conversation."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .amounts import Amount
from .catalogue import Catalogue
from .lexicon import WORDS, stems
from .meaning import Meaning, Mention
from .sizes import LABEL_UNITS
from .wording import dollars, listed

TEST_WORDS = {
    "<": "under",
    "<=": "at most",
    ">": "over",
    ">=": "at least",
    "~": "about",
    "=": "exactly",
}
SIDES = {"<": "above", "<=": "above", ">": "below", ">=": "below", "~": "both", "=": "both"}


@dataclass
class Need:
    """What is looked for, and for whom.

    wanted      what kind of thing it is called; "" for anything
    products    (n,) those that it means, or None for all; answers to questions narrow them
    limits      (test, dollars)
    brand       OWN or NATIONAL; "" for any
    is_cheap    whether what costs least shall come first
    size        of the thing, or None
    excluded    what is left out: as it was said → its types
    left_out    products that are left out because they were shown and not liked
    household   its number, or None
    basket      (m,) what a customer without a number often buys
    parts       the products of each thing, if several are looked for at once
    order       the order in which the products stand already, in words; "" for none
    all_of_kind whether a kind was named, of which what was bought before is offered as well
    taken_back  what was left out and is asked for now, as long as the reply does not say so
    """

    wanted: str = ""
    products: np.ndarray | None = None
    limits: list[tuple[str, float]] = field(default_factory=list)
    brand: str = ""
    is_cheap: bool = False
    size: Amount | None = None
    excluded: dict[str, frozenset[str]] = field(default_factory=dict)
    left_out: list[int] = field(default_factory=list)
    household: int | None = None
    basket: np.ndarray | None = None
    parts: list[np.ndarray] = field(default_factory=list)
    order: str = ""
    all_of_kind: bool = False
    taken_back: list[str] = field(default_factory=list)

    @property
    def has_buyer(self) -> bool:
        """Whether it is known who the products are for."""
        return self.household is not None or self.basket is not None

    @property
    def buyer(self) -> str:
        """For whom something is recommended, or from what.

        >>> Need(household=12).buyer
        'for household 12'
        """
        if self.household is None:
            return "from what you often buy"
        return f"for household {self.household}"

    def says(self) -> str:
        """The need in a few words, to be said back.

        >>> Need("cheese", limits=[("<", 3.0)], brand="our own brand").says()
        'cheese under 3.00 dollars, our own brand'
        """
        text = self.wanted
        if self.limits:
            said = [f"{TEST_WORDS[test]} {dollars(amount)}" for test, amount in self.limits]
            comma = "," if self.order else ""
            text = f"{text or 'something'}{comma} {listed(said)}"
        parts = [text] if text else []
        if self.size is not None:
            parts.append(said_amount(self.size))
        if self.brand:
            parts.append(self.brand)
        parts += [f"no {said}" for said in self.excluded]
        return ", ".join(parts)

    def fitting(self, catalogue: Catalogue) -> np.ndarray:
        """The products that fit, the likeliest first: those a household buys, else the most bought.

        What a household or a basket has bought already is left out, unless all of a kind is asked
        for, or nothing else is left of it.
        """
        products = catalogue.every if self.products is None else self.products
        products = self.without_excluded(catalogue, products)
        products = products[~np.isin(products, self.left_out)]
        products = catalogue.fitting(products, self.limits, self.brand)
        if self.size is not None:
            products = catalogue.of_size(products, self.size)
        if self.is_cheap:
            return catalogue.by_price(products)
        if self.order:
            return products
        if not self.has_buyer:
            order = catalogue.early.sum(0)[products]
            return products[np.argsort(-order, kind="stable")]
        is_new = ~self.bought(catalogue)[products]
        if self.products is None or (is_new.any() and not self.all_of_kind):
            products = products[is_new]
        return products[np.argsort(-self.scores(catalogue)[products], kind="stable")]

    def without_excluded(self, catalogue: Catalogue, products: np.ndarray) -> np.ndarray:
        """Those of the products that are of no excluded type.

        Of cookies, "no chocolate" leaves out those with the word on their label: no chocolate is a
        cookie.
        """
        kinds = set(catalogue.kinds[products])
        types = set().union(*self.excluded.values())
        for said, excluded in self.excluded.items():
            if self.products is not None and not excluded & kinds:
                words = stems(said)
                types |= {kind for kind in kinds if WORDS[kind].issuperset(words)}
        return products[~np.isin(catalogue.kinds[products], list(types))]

    def bought(self, catalogue: Catalogue) -> np.ndarray:
        """The basket (1000,) of booleans that the recommend head reads."""
        if self.household is not None:
            return catalogue.early[self.household]
        basket = np.zeros(len(catalogue.every), dtype=bool)
        basket[self.basket] = True
        return basket

    def scores(self, catalogue: Catalogue) -> np.ndarray:
        """The recommend head's logits (1000,) for this customer."""
        if self.household is not None:
            return catalogue.scores[self.household]
        return catalogue.scores_of(self.bought(catalogue))

    def chances(self, catalogue: Catalogue, products: np.ndarray) -> np.ndarray:
        """p (n,): how likely each of the products is the one; equal if nobody knows for whom."""
        if not self.has_buyer:
            return np.full(len(products), 1 / len(products))
        logits = self.scores(catalogue)[products].astype(float)
        p = 1 / (1 + np.exp(-logits))
        return p / p.sum()

    # What a line changes

    def take_conditions(self, meaning: Meaning, replaces: bool = False):
        """Take over limits, brand, size, and what is left out or allowed again."""
        if replaces and meaning.limits:
            self.limits = []
        for test, amount in meaning.limits:
            self.add_limit(test, amount)
        if meaning.brands:
            self.brand = meaning.brands[-1]
        if meaning.size is not None:
            self.size = meaning.size
        if "cheap" in meaning.acts:
            self.is_cheap = True
        for mention in meaning.excluded:
            self.excluded[mention.said] = mention.types
        for mention in meaning.allowed:
            self.allow(mention)

    def add_limit(self, test: str, amount: float):
        """A new limit takes the place of one from the same side."""
        kept = []
        for old_test, old_amount in self.limits:
            same_side = SIDES[old_test] == SIDES[test] or "both" in (SIDES[test], SIDES[old_test])
            if not same_side:
                kept.append((old_test, old_amount))
        self.limits = [*kept, (test, amount)]
        if contradict(self.limits):
            self.limits = [(test, amount)]

    def allow(self, mention: Mention):
        """No longer leave out what has a type in common with the mention."""
        self.excluded = {
            said: types for said, types in self.excluded.items() if not types & mention.types
        }

    def forget_conditions(self):
        """Another kind of thing is looked for: limits, brand and size were about the last."""
        self.limits = []
        self.brand = ""
        self.is_cheap = False
        self.size = None

    def want(self, said: str, products: np.ndarray | None):
        """Look for these products from now on."""
        if said != self.wanted and said:
            self.left_out = []
        self.wanted = said
        self.products = products
        self.parts = []
        self.order = ""

    def take_in_again(self, catalogue: Catalogue, products: np.ndarray):
        """What is asked for is no longer left out."""
        kinds = set(catalogue.kinds[products])
        self.taken_back = [said for said, types in self.excluded.items() if types >= kinds]
        for said in self.taken_back:
            del self.excluded[said]

    def note_taken_back(self) -> str:
        """That something is no longer left out, once; "" if nothing is taken in again."""
        said, self.taken_back = self.taken_back, []
        if not said:
            return ""
        return (
            f"You said no {listed(said, 'or')}: as you ask for it now, I leave it out no longer. "
        )


def contradict(limits: list[tuple[str, float]]) -> bool:
    """Whether no price is within all limits."""
    highest = [amount for test, amount in limits if test in ("<", "<=")]
    lowest = [amount for test, amount in limits if test in (">", ">=")]
    return bool(highest and lowest) and min(highest) < max(lowest)


def said_amount(size: Amount) -> str:
    """A customer's amount in words.

    >>> said_amount(Amount(24.0, "ounce")), said_amount(Amount(1.0, "gallon"))
    ('24 ounces', '1 gallon')
    """
    for one, many, *_ in LABEL_UNITS.values():
        if one == size.unit:
            return f"{size.number:g} {one if size.number == 1 else many}"
    return f"{size.number:g} {size.unit}"


def shared(new: np.ndarray, old: np.ndarray | None) -> np.ndarray:
    """Those of the new products that belong to the old ones as well."""
    return new[:0] if old is None else new[np.isin(new, old)]


def combined(catalogue: Catalogue, mentions: list[Mention]) -> list[np.ndarray]:
    """The products that several mentions mean: one part, or one for each different thing.

    What overlaps narrows down, as in "a snack for someone who likes crackers"; other things are put
    side by side, as in "milk and eggs".
    """
    parts = [catalogue.find(mentions[0])]
    for mention in mentions[1:]:
        more = catalogue.find(mention)
        in_common = [shared(part, more) for part in parts]
        places = [k for k, common in enumerate(in_common) if len(common)]
        if places:
            parts[places[0]] = in_common[places[0]]
        else:
            parts.append(more)
    return parts
