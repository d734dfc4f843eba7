"""Offering products: what fits the need, what to ask back, and what to choose."""

from __future__ import annotations

import numpy as np

from . import answers
from .answers import MOST_TOLD, Subject
from .lexicon import TERMS, WORDS, stems
from .meaning import COMPARED, ORDERS, Meaning
from .needs import Need, combined, shared
from .questions import OTHERS, best_question
from .questions import Question as Back
from .talk import Talk, plain
from .wording import FIXED, capital, listed, named, said_price

SHOWN = 4  # groups in a list
MOST_LISTED = 10  # groups in a list of all others


class Offering:
    """Takes over what a line says of the need, and offers what fits."""

    def __init__(self, talk: Talk):
        self.talk = talk
        self.catalogue = talk.catalogue

    @property
    def need(self) -> Need:
        """What is looked for."""
        return self.talk.need

    def offer_need(self, meaning: Meaning) -> str:
        """Take over what the line says of the need, and offer."""
        notes = self.notes_on_wishes(meaning)
        unheard = self.unheard_quality(meaning)
        if unheard:
            meaning.wanted = []
            return notes + unheard + self.offer()
        if meaning.wanted:
            self.want(meaning)
        elif meaning.limits or meaning.brands or meaning.size is not None:
            self.want_what_was_asked()
        elif self.leaves_out_some(meaning):
            self.want_what_was_asked()
        if "beyond" in meaning.acts and self.talk.recommended and self.need.products is None:
            return notes + self.show_more()
        self.look_beyond(meaning)
        self.leave_out(meaning)
        self.talk.last_questions = []
        self.need.take_conditions(meaning)
        if "drink" in meaning.acts and meaning.acts & {"more", "else", "need"}:
            self.want_another_drink(meaning)
        if not meaning.says_what and meaning.household is None and not notes:
            reply = self.answer_short(meaning)
            if reply:
                return reply
            self.take_bare_amount(meaning)
        wishes = meaning.says_what or meaning.household is not None
        if "recommend" in meaning.acts or wishes:
            return notes + self.recommend_or_offer(meaning)
        if (notes or "need" in meaning.acts) and (self.need.wanted or self.need.says()):
            return notes + self.offer()
        return notes + (FIXED["empty"] if meaning.acts else FIXED["unclear"])

    def put_forward(self, name: str, kinds: list[np.ndarray], order: str):
        """Offer kinds of products that another sentence tells of, and that stand in this order."""
        self.need.want(name, np.concatenate(kinds))
        self.need.order = order
        self.need.forget_conditions()
        self.talk.show(kinds, SHOWN)
        self.talk.recommended = False

    def look_beyond(self, meaning: Meaning):
        """What is recommended beyond what was talked of is no more of the same kind.

        So is what is recommended to a customer who is known, after a question was answered.
        """
        is_asked = bool(self.talk.last_questions) and self.need.has_buyer
        beyond = "beyond" in meaning.acts
        if beyond or (is_asked and "recommend" in meaning.acts and not meaning.says_what):
            self.need.want("", None)
            self.need.forget_conditions()

    def unheard_quality(self, meaning: Meaning) -> str:
        """That no label of what is looked for has the word; "" if one has, or it is a new thing."""
        looked_at = self.talk.looked_at()
        is_quality = len(meaning.wanted) == 1 and meaning.wanted[0].is_quality
        if looked_at is None or not is_quality:
            return ""
        if len(shared(self.catalogue.find(meaning.wanted[0]), looked_at)):
            return ""
        name = self.need.wanted or "of these"
        return f"Which {name} is {plain(meaning.wanted[0])}, no label says. "

    def want_what_was_asked(self):
        """Who asked about one thing, and then names a condition, looks for this thing.

        What was asked to be the cheapest, or compared, was chosen among others: look for these.
        """
        acts = {question.act for question in self.talk.last_questions}
        if acts & set(ORDERS) and self.need.products is not None:
            return
        if acts & set(COMPARED) and len(self.talk.in_row) > 1:
            self.want_what_was_compared()
        elif self.talk.last_questions and len(self.talk.subjects) == 1:
            (subject,) = self.talk.subjects
            self.need.want(subject.name, subject.products)
        elif acts & {*COMPARED, *ORDERS} and self.talk.in_row:
            self.want_what_was_compared()

    def want_what_was_compared(self):
        """Look for all that was put side by side."""
        compared = self.talk.in_row
        parts = [subject.products for subject in compared]
        self.need.want(listed([subject.name for subject in compared]), np.concatenate(parts))
        self.need.parts = parts

    def leaves_out_some(self, meaning: Meaning) -> bool:
        """Whether a line leaves out some, but not all, of what was talked of last."""
        types = set().union(*(mention.types for mention in meaning.excluded))
        left_out = [
            bool(types.intersection(self.catalogue.kinds[subject.products]))
            for subject in self.talk.subjects
        ]
        return any(left_out) and not all(left_out)

    def leave_out(self, meaning: Meaning):
        """Leave out what was shown and is not liked, as in "not the second one" and "not that".

        A pronoun beside a name is only an echo of it: "no cheese, he hates it".
        """
        pointed_at = [m for m in meaning.left_out if m.place or not meaning.excluded]
        subjects = [self.talk.subject(mention) for mention in pointed_at]
        products = [int(p) for s in subjects if s is not None for p in s.products]
        row = [int(p) for subject in self.talk.in_row for p in subject.products]
        if products and self.need.products is None and not self.need.has_buyer:
            self.need.want("", np.array(row, dtype=int))
        self.need.left_out += products
        if products and not len(self.need.fitting(self.catalogue)):
            self.need.want("", None)

    def want_another_drink(self, meaning: Meaning):
        """Who does not drink one thing, and asks what else there is, wants something to drink."""
        if self.need.products is None and not meaning.wanted and not self.need.has_buyer:
            said = "something to drink"
            self.need.want(said, self.catalogue.of_types(TERMS[stems(said)]))

    def answer_short(self, meaning: Meaning) -> str:
        """The reply to a line that says no more than "more", "any", "yes" or "no"; else ""."""
        if meaning.acts & {"more", "else"}:
            return self.show_more()
        if "any" in meaning.acts:
            return self.choose()
        if "yes" in meaning.acts:
            return FIXED["yes"]
        if "no" in meaning.acts:
            return FIXED["no"]
        return self.offer() if "popular" in meaning.acts else ""

    def take_bare_amount(self, meaning: Meaning):
        """An amount of money alone is what it may cost at most."""
        money = [amount.number for amount in meaning.amounts if amount.unit == "dollar"]
        if money and self.need.products is not None:
            meaning.limits.append(("<=", money[0]))
            self.need.take_conditions(meaning)

    def recommend_or_offer(self, meaning: Meaning) -> str:
        """Offer; who wants a recommendation without a kind has to say for whom."""
        need = self.need
        nothing_said = need.products is None and not need.limits and not need.brand
        if "recommend" in meaning.acts or meaning.wanted:
            need.all_of_kind = "recommend" not in meaning.acts
        if "recommend" in meaning.acts and nothing_said and not need.has_buyer:
            self.talk.asked = "basket"
            return FIXED["household"]
        only_excluded = nothing_said and need.excluded and not need.has_buyer
        if only_excluded:
            return f"Good, {need.says()}: I leave that out. What do you need?"
        looked_for = self.catalogue.every if need.products is None else need.products
        rest = need.without_excluded(self.catalogue, looked_for)
        if meaning.excluded and not meaning.wanted and not len(rest):
            need.want("", None)  # it was all that was looked for
            if not need.has_buyer:
                return f"Good, {need.says()}. What do you need?"
        if meaning.allowed and nothing_said and not need.has_buyer:
            return "Good, I take that in again. What do you need?"
        return self.offer()

    def want(self, meaning: Meaning):
        """Look for what the line names; conditions of the last thing are forgotten."""
        named_ones = [mention for mention in meaning.wanted if mention.is_named]
        if not named_ones:
            return
        self.talk.wanted_last = named_ones
        parts = combined(self.catalogue, named_ones)
        products = np.concatenate(parts)
        said = listed([self.talk.called(mention) for mention in named_ones])
        inside = shared(products, self.talk.looked_at())
        if 2 * len(inside) >= len(products) or (len(inside) and named_ones[0].is_quality):
            products = inside  # it says more of the same need
            if named_ones[0].is_quality:
                said = f"{self.need.wanted}, {said}".removeprefix(", ")
        elif "what about" not in meaning.acts and self.need.products is not None:
            self.need.forget_conditions()
        self.need.want(said, products)
        self.need.parts = parts if len(parts) > 1 else []
        self.need.take_in_again(self.catalogue, products)
        if not len(self.need.fitting(self.catalogue)):
            self.need.forget_conditions()
        sizes = [mention.size for mention in named_ones if mention.size is not None]
        if sizes and len(self.catalogue.of_size(products, sizes[0])):
            self.need.size = sizes[0]

    def notes_on_wishes(self, meaning: Meaning) -> str:
        """What cannot be promised: what is in a product, and words that no label has."""
        notes = ""
        if meaning.ingredients:
            said = listed(meaning.ingredients)
            notes += f"What a product contains is not in my data: as to {said}, I go by names, "
            notes += "so please read the label. "
        if meaning.unheard:
            notes += f"No label says {listed(meaning.unheard, 'or')}, so I cannot leave it out. "
        for mention in meaning.wanted:
            left_out = self.catalogue.words_left_out(mention) if mention.is_found else []
            if left_out:
                notes += f"Which {self.talk.called(mention)} is {listed(left_out)}, no label says. "
        return notes

    def offer(self) -> str:
        """A list of what fits, and the question that helps most if that is too much."""
        self.talk.priced = []
        self.talk.last_questions = []
        products = self.need.fitting(self.catalogue)
        if not len(products):
            return self.none_fits()
        groups = self.catalogue.alike(products)
        if len(products) == 1:
            self.talk.show(groups, 1)
            return self.one_offer(products)
        if self.need.parts:
            groups = each_first(groups, self.need.parts)
        shown = self.talk.show(groups, max(SHOWN, len(self.need.parts)))
        text = f"{self.heading(products, groups)}:{shown}"
        self.ask_back(products, groups)
        return text

    def one_offer(self, products: np.ndarray) -> str:
        """The only product that fits."""
        subject = Subject(named(self.catalogue, products, with_size=False), products)
        self.talk.subjects = [subject]
        self.talk.recommended = self.need.has_buyer
        for_what = f"For {self.need.says()}, " if self.need.says() else ""
        says = f"{for_what}I have one. {answers.price(self.catalogue, subject)}"
        if self.need.brand:
            says += f" {answers.brand(self.catalogue, subject)}"
        return says

    def heading(self, products: np.ndarray, groups: list[np.ndarray]) -> str:
        """What was understood, how much fits, and what is shown of it."""
        says = self.need.says()
        self.talk.recommended = self.need.has_buyer and not self.need.order
        if self.talk.recommended:
            what = f" ({says})" if says else ""
            drops = self.need.products is None or not self.need.all_of_kind
            is_new = drops and not self.need.bought(self.catalogue)[products].any()
            new = "not bought before, " if is_new else ""
            order = "the cheapest" if self.need.is_cheap else "the likeliest"
            return f"I recommend {self.need.buyer}{what}, {new}{order} first"
        if self.need.order:
            return f"{capital(says)}, {self.need.order}"
        for_what = f"For {says}, " if says else ""
        many = f"{for_what}I have {len(products)} products"
        order = "the cheapest first" if self.need.is_cheap else "the most bought first"
        return f"{many}, {order}" if len(groups) > 1 else many

    def ask_back(self, products: np.ndarray, groups: list[np.ndarray]):
        """Ask the question that helps most, if there is more than can be looked through."""
        is_much = len(groups) > SHOWN or len(products) > 2 * SHOWN
        if is_much and not self.need.order:
            chances = self.need.chances(self.catalogue, products)
            self.talk.asked = best_question(self.catalogue, products, chances)

    def take_answer(self, meaning: Meaning, back: Back) -> str:
        """The reply to an answer to a question of the guide's; "" if the line is no answer."""
        if "any" in meaning.acts and not meaning.says_what:
            return self.choose()
        option = chosen_option(meaning, back)
        if option is None:
            return self.take_other_answer(meaning, back)
        chosen = back.chosen(option)
        label = back.options[option]
        if back.about not in ("sort", "kind") or label == OTHERS:
            label = f"{self.need.wanted or 'something'}, {label}"
        self.need.want(label, chosen)
        return self.offer()

    def take_other_answer(self, meaning: Meaning, back: Back) -> str:
        """The reply to an answer that is no option, but on labels of what was asked about."""
        if len(meaning.wanted) != 1:
            return ""
        pool = back.products if self.need.products is None else self.need.products
        if len(shared(self.catalogue.find(meaning.wanted[0]), pool)):
            return ""  # it says more of the need in words of its own
        words = stems(plain(meaning.wanted[0]))
        fits = [
            bool(words) and WORDS[kind].issuperset(words)
            for kind in self.catalogue.kinds[back.products]
        ]
        products = back.products[np.array(fits)]
        if not 0 < len(products) < len(back.products):
            return ""
        said = listed(list(dict.fromkeys(str(name) for name in self.catalogue.names[products])))
        self.need.want(said, products)
        self.need.take_conditions(meaning)
        return self.offer()

    def choose(self) -> str:
        """Take the first of what fits."""
        products = self.need.fitting(self.catalogue)
        if not len(products) or not self.need.says():
            return FIXED["empty"]
        product = products[:1]
        self.talk.subjects = [Subject(named(self.catalogue, product, with_size=False), product)]
        self.talk.shown = [product]
        self.talk.tell(int(product[0]))
        kind = f"For {self.need.wanted}, then, " if self.need.wanted else "Then "
        reason = "of all that fits, it is bought most"
        if self.need.has_buyer:
            reason = "it is the likeliest for you"
        return (
            f"{kind}I would take {named(self.catalogue, product)}: {reason}. "
            f"{answers.price(self.catalogue, self.talk.subjects[0])}"
        )

    def show_more(self) -> str:
        """The next groups of the list."""
        if not self.talk.shown:
            return FIXED["empty"]
        if self.talk.seen >= len(self.talk.groups):
            return FIXED["no_more"]
        also = f"I also recommend {self.need.buyer}" if self.talk.recommended else "Also"
        return f"{also}:{self.talk.show(self.talk.groups, SHOWN, self.talk.seen)}"

    def offer_others(self, meaning: Meaning) -> str:
        """What else there is of a kind, besides what was told last; "" if nothing was."""
        last = [subject.products for subject in self.talk.subjects]
        if not last:
            return ""
        name, products = self.kind_of_others(meaning, np.concatenate(last))
        told = shared(np.concatenate(last), products)
        if len(told) == len(products) > MOST_TOLD and self.talk.last_questions:
            told = told[:1]  # of so many the range was told, and one of them
        if not len(told):
            return ""
        notes = self.notes_on_wishes(meaning)
        self.need.forget_conditions()
        self.need.take_conditions(meaning)
        self.need.want(f"other {name}", products[~np.isin(products, told)])
        others = self.need.fitting(self.catalogue)
        if not len(others):
            return f"{notes}I have no other {name}."
        told_name = named(self.catalogue, told) if len(told) == 1 else "those"
        groups = self.catalogue.alike(others)
        shown = self.talk.show(groups, MOST_LISTED)
        self.talk.recommended = False
        self.talk.last_questions = []
        if len(others) == 1:
            price = answers.price(self.catalogue, Subject(name, others))
            return f"{notes}Besides {told_name}, I have one more. {price}"
        return (
            f"{notes}Besides {told_name}, I have {len(others)} more, the most bought first:{shown}"
        )

    def kind_of_others(self, meaning: Meaning, last: np.ndarray) -> tuple[str, np.ndarray]:
        """The kind that a line asks for others of: what it names, else what was looked for."""
        wanted = [mention for mention in meaning.wanted if mention.is_named]
        if wanted:
            said = listed([self.talk.called(mention) for mention in wanted])
            return said, np.concatenate(combined(self.catalogue, wanted))
        need = self.need
        if need.products is not None and len(shared(last, need.products)) < len(need.products):
            return need.wanted, need.products
        kinds = list(dict.fromkeys(str(name) for name in self.catalogue.names[last]))
        return listed(kinds), self.catalogue.of_types(frozenset(self.catalogue.kinds[last]))

    def none_fits(self) -> str:
        """That nothing fits, and what is nearest in price."""
        says = self.need.says() or "that"
        text = f"I have nothing that fits: {says}."
        without = Need(self.need.wanted, self.need.products, excluded=self.need.excluded)
        products = without.fitting(self.catalogue)
        if not len(products) or not self.need.limits:
            return f"{text} What may I change?"
        wants_less = self.need.limits[-1][0] in ("<", "<=", "~")
        nearest = self.catalogue.by_price(products, falls=not wants_less)[:1]
        self.talk.subjects = [Subject(named(self.catalogue, nearest, with_size=False), nearest)]
        word = "cheapest" if wants_less else "dearest"
        price_said = said_price(self.catalogue, nearest)
        if self.catalogue.known[nearest[0]]:
            word += " on record"
        return f"{text} The {word} is {named(self.catalogue, nearest)}: {price_said}."


def each_first(groups: list[np.ndarray], parts: list[np.ndarray]) -> list[np.ndarray]:
    """The groups, in front of them the first of each thing that is looked for."""
    first = []
    for part in parts:
        of_part = [k for k, group in enumerate(groups) if np.isin(group, part).any()]
        first += of_part[:1]
    rest = [k for k in range(len(groups)) if k not in first]
    return [groups[k] for k in [*dict.fromkeys(first), *rest]]


def only_places(meaning: Meaning) -> bool:
    """Whether a line only points at places of the list."""
    return bool(meaning.wanted) and all(mention.place != 0 for mention in meaning.wanted)


def chosen_option(meaning: Meaning, back: Back) -> int | None:
    """Which option of a question a line chooses; None if it is something else."""
    said = [set(stems(plain(mention))) for mention in meaning.wanted]
    fits = []
    for option, label in enumerate(back.options):
        if any(words and words <= set(stems(label)) for words in said):
            fits.append(option)
    if len(fits) == 1:  # "cheese" chooses none of several kinds of cheese
        return fits[0]
    if "else" in meaning.acts and back.options[-1] == OTHERS:
        return len(back.options) - 1
    return None
