"""Why something is recommended, how sure an answer is, and what was understood so far."""

from __future__ import annotations

import numpy as np

from . import answers
from .meaning import Meaning
from .purchases import words
from .reasons import parts_of_scores
from .replies import QUESTIONS
from .talk import Talk, together
from .wording import FIXED, listed, named, off_by, said_price

RECORDED = {  # a question whose answer can be on record → the function that says it again
    "price": answers.price,
    "size": answers.size,
    "pack": answers.size,
    "brand": answers.brand,
    "where": answers.where,
    "category": answers.category,
    "what": answers.category,
}


MOST_ESTIMATES = 2  # of so many the range of each is told


class Explaining:
    """Says why, and how sure it is.

    `explain` adds the shop's own labels, how they were read, and the numbers behind a reason;
    `truth` what is on record of what was estimated.
    """

    def __init__(self, talk: Talk, model, explain: bool, truth: bool):
        self.talk = talk
        self.catalogue = talk.catalogue
        self.model = model
        self.explain = explain
        self.truth = truth

    def why(self, meaning: Meaning) -> str:
        """Which purchases raised the score of what was recommended most."""
        asked = [mention for mention in meaning.mentions if mention.is_found]
        if asked and not self.talk.recommended:
            return FIXED["why_price"]
        if not self.talk.shown:
            return FIXED["no_reason"]
        if not self.talk.recommended and self.talk.need.order:
            return f"Because that is {self.talk.need.wanted}, more often than others do."
        if not self.talk.recommended:
            return FIXED["list_reason"]
        places = [mention.place for mention in meaning.wanted if mention.place]
        places += [int(a.number) for a in meaning.amounts if not a.unit]  # "why 2?"
        subject = self.talk.at_place(places[0] if places else 1)
        if asked:
            subject = self.talk.subject(asked[0])
        if subject is None:
            return FIXED["which"]
        if asked or places:
            self.talk.subjects = [subject]
        product = self.talk.shown_first(subject)
        basket = self.talk.need.bought(self.catalogue)
        base, parts = parts_of_scores(self.model, basket)
        bought = np.flatnonzero(basket)
        return self.reason(product, bought, parts[:, product], base[product])

    def why_not(self, meaning: Meaning) -> str:
        """Where something stands that was not recommended."""
        asked = [mention for mention in [*meaning.excluded, *meaning.mentions] if mention.types]
        unknown = [mention.said for mention in meaning.mentions if mention.missing]
        if not asked and unknown:
            return f"I have nothing called {listed(unknown, 'or')}, so I cannot offer it."
        if not asked:
            return FIXED["which"]
        subject = self.talk.subject(asked[0])
        self.talk.subjects = [subject]
        self.talk.tell(subject.first)
        need = self.talk.need
        price = answers.price(self.catalogue, subject)
        if not need.has_buyer:
            return f"I have nothing against {subject.name}, and I do sell it. {price}"
        bought = need.bought(self.catalogue)
        who = f"Household {need.household}" if need.household is not None else "You"
        if bought[subject.products].any():
            verb = "buys" if need.household is not None else "buy"
            return f"{who} already {verb} {subject.name}, and I recommend what is new. {price}"
        return f"{self.standing(subject, bought)} {price}"

    def standing(self, subject: answers.Subject, bought: np.ndarray) -> str:
        """At which place of all that was not bought before the best of a subject stands."""
        scores = self.talk.need.scores(self.catalogue)
        new = np.flatnonzero(~bought)
        in_order = new[np.argsort(-scores[new], kind="stable")]
        places = np.flatnonzero(np.isin(in_order, subject.products))
        best = in_order[places[:1]]
        return (
            f"The likeliest of {subject.name}, {named(self.catalogue, best)}, comes at place "
            f"{places[0] + 1} of the {len(new)} products not bought before: others have a higher "
            f"score. {self.how_many_buy(best[0])}"
        )

    def reason(self, product: int, bought: np.ndarray, parts: np.ndarray, base: float) -> str:
        """The two or three purchases with the greatest parts, in words."""
        order = [k for k in np.argsort(-parts) if parts[k] > 0]
        told: dict[str, float] = {}
        for k in order:
            told.setdefault(str(self.catalogue.names[bought[k]]), float(parts[k]))
            if len(told) == 3:
                break
        name = named(self.catalogue, np.array([product]))
        if not told:
            names = list(dict.fromkeys(str(n) for n in self.catalogue.names[bought[:3]]))
            return (
                f"I recommend {name} because many households buy it; "
                f"that somebody buys {listed(names)} did not raise its score."
            )
        who = "the household buys" if self.talk.need.household is not None else "you buy"
        text = f"I recommend {name} because {who} {listed(list(told))}: these raised its score most"
        text += f". {self.how_many_buy(product)}"
        if self.explain:
            said = [f"{name} {part:+.3f}" for name, part in told.items()]
            text += (
                f"\n  [logit {base + parts.sum():.3f} = base {base:.3f} {parts.sum():+.3f} "
                f"from {len(bought)} purchases; among them {', '.join(said)}]"
            )
        return text

    def how_many_buy(self, product: int) -> str:
        """How many households bought a product."""
        popular = int(self.catalogue.early[:, product].sum())
        return f"{popular} of {len(self.catalogue.early)} households bought it in weeks 1 to 40."

    def what_was_bought(self) -> str:
        """What the household bought, in the kinds that it bought most products of."""
        basket = np.flatnonzero(self.talk.need.bought(self.catalogue))
        groups = sorted(self.catalogue.alike_types(basket), key=len, reverse=True)
        names = [named(self.catalogue, group, with_size=False) for group in groups[:6]]
        return (
            f"In weeks 1 to 40, household {self.talk.need.household} bought {len(basket)} of the "
            f"products that I know, among them {listed(names)}."
        )

    def how_sure(self, said: list[float] | None = None) -> str:
        """How far what was said last can be trusted; `said` are numbers that the customer named."""
        subjects = self.talk.subjects
        if not subjects:
            return f"What I do not have on record I estimate from who buys it. {self.how_good()}"
        acts = [question.act for question in self.talk.last_questions]
        asked = [act for act in acts if act in RECORDED]
        products = np.concatenate([subject.products for subject in subjects])
        if self.catalogue.known[products].all() or set(asked) & {"size", "pack"}:
            return self.on_record(subjects, said or [])
        if asked and asked[-1] != "price":
            function = RECORDED[asked[-1]]
            told = " ".join(function(self.catalogue, subject) for subject in subjects)
            return f"Not quite. {told}"
        says = answers.how_known
        if (~self.catalogue.known[products]).sum() > MOST_ESTIMATES:
            says = answers.prices_and_estimates
        told = [says(self.catalogue, subject) for subject in together(subjects)]
        return f"Not quite: {'; '.join(told)}. {self.how_good()}"

    def on_record(self, subjects: list[answers.Subject], said: list[float]) -> str:
        """What exactly is on record: what was asked last, else the price."""
        acts = [question.act for question in self.talk.last_questions]
        recorded = [act for act in acts if act in RECORDED]
        if recorded and recorded[-1] != "price":
            function = RECORDED[recorded[-1]]
            told = " ".join(function(self.catalogue, subject) for subject in subjects)
            return f"Yes, that is on record. {told}"
        products = np.concatenate([subject.products for subject in subjects])
        prices = self.catalogue.says["price"][products]
        is_right = all(np.isclose(prices, number).any() for number in said)
        told = [
            f"the price of {answers.title(self.catalogue, subject)}, "
            f"{said_price(self.catalogue, subject.products)}"
            for subject in together(subjects)
        ]
        is_ = "is" if len(told) == 1 else "are"
        yes = "Yes" if is_right else "On record is another price"
        return f"{yes}: {listed(told)}, {is_} on record."

    def how_good(self) -> str:
        """How far estimates are off, as measured on products that nothing was trained on."""
        error = off_by(self.catalogue.price_error())
        return f"Estimated prices are usually {error} of the true ones (two of three are)."

    def what_is_remembered(self) -> str:
        """What was understood so far."""
        parts = [self.talk.need.says()] if self.talk.need.says() else []
        if self.talk.need.household is not None:
            parts.append(f"for household {self.talk.need.household}")
        if self.talk.need.basket is not None:
            names = [str(name) for name in self.catalogue.names[self.talk.need.basket]]
            parts.append(f"you often buy {listed(names)}")
        return f"So far I know: {'; '.join(parts) or 'nothing'}. What do you need?"

    def labels(self) -> str:
        """Under `explain` the labels and how they were read, under `truth` the record."""
        text = ""
        for product in dict.fromkeys(self.talk.told):
            if self.explain:
                text += f"\n  [{self.explanation(product)}]"
            if self.truth and not self.catalogue.known[product]:
                record = self.catalogue.record
                said = ", ".join(str(record[question][product]) for question in QUESTIONS)
                text += f"\n  [on record: {self.catalogue.labels[product]}: {said}]"
        return text + self.what_came_of_it()

    def what_came_of_it(self) -> str:
        """Under `truth`, which of the recommended products the household bought later."""
        household = self.talk.need.household
        if not (self.truth and self.talk.recommended and household is not None):
            return ""
        products = list(dict.fromkeys(self.talk.told))
        late = self.catalogue.late[household]
        said = [f"{self.catalogue.labels[p]} {'yes' if late[p] else 'no'}" for p in products]
        trained_on = " (trained on)" if household in self.catalogue.taught else ""
        bought = f"bought by household {household}{trained_on} in weeks 41 to 53"
        return f"\n  [{bought}: {'; '.join(said)}]"

    def explanation(self, product: int) -> str:
        """The label of a product, and which head answers from which shared rows."""
        label = self.catalogue.labels[product]
        if self.catalogue.known[product]:
            return f"{label}: from the record, no head was asked"
        text = f"{label}: answer head, shared rows words: {', '.join(words(label))}; own: {product}"
        names, probabilities = self.catalogue.odds["category"]
        for k in np.argsort(-probabilities[product])[:3]:
            text += f"; {names[k]} {probabilities[product, k]:.2f}"
        return text
