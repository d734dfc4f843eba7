"""Comparing products: which is cheaper or bigger, and which is the cheapest or second cheapest."""

from __future__ import annotations

import numpy as np

from . import answers
from .answers import Subject
from .meaning import COMPARED, ORDERS, PRICE_ORDERS, Meaning, Question
from .needs import Need, shared
from .offering import Offering
from .pieces import NEXT
from .replies import OWN
from .sizes import unit_amount
from .talk import Talk, together
from .wording import FIXED, listed, named


class Comparing:
    """Answers "cheaper", "biggest" and the like."""

    def __init__(self, talk: Talk, offering: Offering):
        self.talk = talk
        self.catalogue = talk.catalogue
        self.offering = offering

    @property
    def need(self) -> Need:
        """What is looked for."""
        return self.talk.need

    def relate(self, question: Question, subjects: list[Subject], meaning: Meaning) -> str:
        """The answer to "cheaper", "biggest" and the like."""
        act = question.act
        if question.is_each and len(subjects or self.talk.subjects) > 1:
            return self.each_extreme(question, subjects or self.talk.subjects)
        named_ones = self.related(act, subjects)
        if not named_ones and act in ORDERS and self.need.products is None:
            named_ones = self.chosen_among(meaning)
        if compares_brands(meaning) and named_ones:
            return self.compare_own_and_national(named_ones[0])
        if len(named_ones) > 1:
            return self.compare(act, named_ones)
        money = [amount.number for amount in meaning.amounts if amount.unit == "dollar"]
        if act in ("cheaper", "dearer") and named_ones and money:
            self.talk.subjects = named_ones
            return answers.price(self.catalogue, named_ones[0])
        if act in ORDERS:
            return self.extreme(question, named_ones, meaning)
        if act == "compare" and named_ones:
            return answers.price(self.catalogue, named_ones[0])
        if act == "compare":
            return FIXED["which"]
        return self.relative(act, named_ones, meaning)

    def chosen_among(self, meaning: Meaning) -> list[Subject]:
        """What "and the dearest?" is chosen among, after the cheapest of some was told."""
        among = self.talk.among
        last = self.talk.subjects
        if meaning.acts & {"all", "whole shop"}:
            return []
        if among is not None and len(last) == 1 and np.isin(last[0].products, among.products).all():
            return [among]
        return together(last) if "what about" in meaning.acts else []

    def related(self, act: str, subjects: list[Subject]) -> list[Subject]:
        """What is compared: what the line names, and what was talked of if it names too little."""
        by_size = act in ("bigger", "smaller")
        if not subjects and act in COMPARED and (by_size or not self.talk.shown):
            return together(self.talk.subjects)
        if act == "compare" and len(subjects) == 1:
            (new,) = subjects
            old = [s for s in self.talk.subjects if not len(shared(s.products, new.products))]
            return [*old, new]
        return subjects

    def compare(self, act: str, subjects: list[Subject]) -> str:
        """Which of several is cheaper, or bigger."""
        self.talk.subjects = subjects
        self.talk.tell(*(subject.first for subject in subjects))
        in_order = answers.by_middle_price(self.catalogue, subjects)
        self.talk.put_in_row(in_order)
        if act in ("bigger", "smaller", "biggest", "smallest"):
            return self.compare_sizes(act, subjects)
        return answers.compare_prices(self.catalogue, subjects, act in ("dearer", "dearest"))

    def compare_sizes(self, act: str, subjects: list[Subject]) -> str:
        """Which of several is biggest or smallest; it is talked of from now on."""
        is_small = act in ("smaller", "smallest")
        said, best = answers.compare_sizes(self.catalogue, subjects, is_small)
        self.talk.subjects = [Subject(named(self.catalogue, best, with_size=False), best)]
        return said

    def compare_own_and_national(self, subject: Subject) -> str:
        """Which brand of one kind is cheaper."""
        brand = self.catalogue.says["brand"][subject.products]
        own = Subject(f"our own {subject.name}", subject.products[brand == OWN])
        national = Subject(f"the national {subject.name}", subject.products[brand != OWN])
        parts = [part for part in (own, national) if len(part.products)]
        self.talk.subjects = [subject]
        if len(parts) < 2:
            return answers.brand(self.catalogue, subject)
        return answers.compare_prices(self.catalogue, parts)

    def extreme(self, question: Question, subjects: list[Subject], meaning: Meaning) -> str:
        """The cheapest, dearest, biggest or smallest of something, of the need, or of all."""
        act = question.act
        subject = self.candidates(subjects, meaning)
        if not len(subject.products):
            return self.offering.none_fits()
        if act in ("biggest", "smallest"):
            return self.of_those() + self.compare_sizes(act, [subject])
        self.talk.among = subject
        many = [int(amount.number) for amount in meaning.amounts if not amount.unit]
        if many and many[0] > 1:
            return self.of_those() + self.several_extremes(act, subject, many[0])
        rank = question.rank
        if rank == NEXT:
            rank = 2 if subjects else self.talk.rank + 1
        self.talk.rank = rank
        said, best = answers.extreme(self.catalogue, subject, act == "dearest", rank)
        self.tell_best([best], subject.products)
        return self.of_those() + said + self.of_all(act, subject.name, best)

    def each_extreme(self, question: Question, subjects: list[Subject]) -> str:
        """The cheapest, dearest, biggest or smallest of each of several things."""
        kept = [self.need.without_excluded(self.catalogue, s.products) for s in subjects]
        subjects = [Subject(s.name, k) for s, k in zip(subjects, kept) if len(k)]
        if question.act not in PRICE_ORDERS:
            return " ".join(self.compare_sizes(question.act, [s]) for s in subjects)
        found = [
            answers.extreme(self.catalogue, s, question.act == "dearest", question.rank)
            for s in subjects
        ]
        self.tell_best([best for _, best in found], np.concatenate([s.products for s in subjects]))
        return " ".join(said for said, _ in found)

    def tell_best(self, found: list[np.ndarray], among: np.ndarray):
        """From now on these products, which are the best among some, are talked of.

        A sum has them in the place of others that were among these.
        """
        names = [named(self.catalogue, best, with_size=False) for best in found]
        self.talk.subjects = [Subject(name, best) for name, best in zip(names, found)]
        self.talk.note_priced(self.talk.subjects, among)
        self.talk.shown = found
        if len(found) > 1:
            self.talk.put_in_row(self.talk.subjects)
        self.talk.tell(*(int(best[0]) for best in found))

    def of_all(self, act: str, name: str, best: np.ndarray) -> str:
        """The cheapest without the limit, if that is "about" a price and so is no firm one."""
        is_loose = any(test == "~" for test, _ in self.need.limits)
        if not is_loose or self.need.products is None:
            return ""
        every = self.need.without_excluded(self.catalogue, self.need.products)
        said, of_all = answers.extreme(self.catalogue, Subject(name, every), act == "dearest")
        if of_all[0] == best[0]:
            return ""
        other = Subject(named(self.catalogue, of_all, with_size=False), of_all)
        self.talk.subjects = [*self.talk.subjects, other]  # "is that one safe" may mean either
        self.talk.put_in_row(self.talk.subjects)
        self.talk.tell(int(of_all[0]))
        return f" Without that limit: {said}"

    def of_those(self) -> str:
        """Which conditions hold for what is called the cheapest or the biggest; "" if none does."""
        need = self.need
        looked_for = self.catalogue.every if need.products is None else need.products
        kept = Need(products=looked_for, excluded=need.excluded).fitting(self.catalogue)
        said = Need(limits=need.limits).says().removeprefix("something ")
        parts = [said] if said else []
        if need.brand:
            parts.append(f"of {need.brand}")
        if len(kept) < len(looked_for):
            parts += [f"without {name}" for name in need.excluded]
        return f"Among those {listed(parts)}: " if parts else ""

    def candidates(self, subjects: list[Subject], meaning: Meaning) -> Subject:
        """What the cheapest is looked for among: what is named or pointed at, else what fits."""
        if meaning.wanted:
            self.offering.want(meaning)
        self.need.take_conditions(meaning)
        if not subjects or meaning.wanted:
            products = self.need.fitting(self.catalogue)
            name = self.need.wanted
        else:
            (subject,) = subjects
            name = subject.name
            if any(mention.is_named for mention in meaning.mentions):
                self.need.forget_conditions()
                self.need.take_conditions(meaning)
                self.need.want(name, subject.products)
            products = self.need.without_excluded(self.catalogue, subject.products)
            products = self.catalogue.fitting(products, self.need.limits, self.need.brand)
        if meaning.size is not None:
            sized = self.catalogue.of_size(products, meaning.size)
            products = sized if len(sized) else products
        return Subject(name or "product", products)

    def several_extremes(self, act: str, subject: Subject, many: int) -> str:
        """The so and so many cheapest or dearest."""
        products = self.catalogue.by_price(subject.products, act == "dearest")
        groups = self.catalogue.told_apart(products)
        word = "cheapest" if act == "cheapest" else "dearest"
        return f"The {word} of {subject.name}:{self.talk.show(groups, min(many, 10))}"

    def relative(self, act: str, subjects: list[Subject], meaning: Meaning) -> str:
        """Something cheaper, dearer, bigger or smaller than what was shown."""
        if meaning.size is not None and act in ("bigger", "smaller") and subjects:
            return self.beyond_size(act, subjects[0], meaning)
        if act in ("cheaper", "dearer") and self.talk.shown:
            prices = self.catalogue.says["price"][np.concatenate(self.talk.shown)]
            limit = ("<", prices.min()) if act == "cheaper" else (">", prices.max())
            if subjects and any(m.is_named for m in meaning.mentions):
                self.need.want(subjects[0].name, subjects[0].products)
            self.need.take_conditions(meaning)
            if not meaning.limits:
                self.need.add_limit(limit[0], float(limit[1]))
            return self.offering.offer()
        if act in ("cheaper", "dearer") and subjects:
            kind = self.catalogue.of_types(frozenset(self.catalogue.kinds[subjects[0].products]))
            self.need.want(subjects[0].name, kind)
            self.talk.shown = [subjects[0].products]
            return self.relative(act, [], meaning)
        if subjects:
            subject = subjects[0]
            same_kind = frozenset(self.catalogue.kinds[subject.products])
            subject = Subject(subject.name, self.catalogue.of_types(same_kind))
            return self.compare_sizes(act, [subject])
        return FIXED["which"]

    def beyond_size(self, act: str, subject: Subject, meaning: Meaning) -> str:
        """The products that are bigger, or smaller, than a size."""
        size = meaning.size
        base, amount = unit_amount(size.number, size.unit)
        if compares_sizes(meaning):
            return self.compare_sizes(act, [subject])

        def fits(other):
            return other > amount if act == "bigger" else other < amount

        products = self.catalogue.by_size(subject.products, base, fits)
        if not len(products):
            return f"I have no {subject.name} that is {act} than that."
        self.need.want(f"{subject.name} {act} than {size.number:g} {size.unit}s", products)
        return self.offering.offer()


def compares_brands(meaning: Meaning) -> bool:
    """Whether both brands are named."""
    return len(set(meaning.brands)) > 1


def compares_sizes(meaning: Meaning) -> bool:
    """Whether a second number is named beside a size, as in "39 or 33.9 oz"."""
    return any(not amount.unit for amount in meaning.amounts)
