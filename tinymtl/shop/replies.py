"""What there is to say of every product, in the words that the dialogue head learns to say.

A reply answers the question that was asked and goes on to the others:

    it is our own brand it costs about a dollar you find it in grocery this is cheeses .
"""

from __future__ import annotations

import numpy as np

from .purchases import Shop, number_words, read_table

QUESTIONS = ("price", "department", "category", "brand")
OPENINGS = {row["question"]: row["opening"] for row in read_table("questions")}
OWN = "our own brand"
NATIONAL = "a national brand"
# What is said of a price below a bound.
PRICES = {float(row["below"]): row["words"] for row in read_table("price_words")}


class Replies:
    """What there is to say of every product.

    A reply begins with what was asked and goes round: price, department, category, brand.

        said     (1000, 4, L): the words of the reply to each question, as numbers; −1 after its end
        fact     (1000, 4, L): which of these words are the answers themselves
        so_far   (1000, 4, L): the word that was said before each
        facts    for each product: question → the words that state the answer
    """

    def __init__(self, shop: Shop):
        self.facts = [self.clauses(shop, product) for product in range(len(shop.price))]
        marked = []  # the replies: lists of (word, whether it states a fact)
        for facts in self.facts:
            for first in range(len(QUESTIONS)):
                marked.append(self.reply(facts, first))

        ids, self.vocabulary = number_words([[word for word, _ in reply] for reply in marked])
        length = ids.shape[1]
        is_fact = np.zeros(ids.shape, dtype=bool)
        for row, reply in zip(is_fact, marked):
            row[: len(reply)] = [fact for _, fact in reply]

        shape = (len(self.facts), len(QUESTIONS), length)
        self.said = np.where(ids < len(self.vocabulary), ids, -1).reshape(shape)
        self.fact = is_fact.reshape(shape)
        # The end of the last reply stands before the first word.
        self.start = self.vocabulary.index(".")
        before_first = np.full((*shape[:2], 1), self.start)
        before_others = np.maximum(self.said[:, :, :-1], 0)
        self.so_far = np.concatenate([before_first, before_others], axis=2)

    @staticmethod
    def clauses(shop, product):
        """question → the words that state the answer."""
        brand = OWN if shop.brand[product] == "Private" else NATIONAL
        return {
            "price": price_in_words(shop.price[product]).split(),
            "department": [shop.department[product].lower()],
            "category": [shop.category[product].lower()],
            "brand": brand.split(),
        }

    @staticmethod
    def reply(facts, first):
        """The reply that begins with question `first`: [(word, whether it states a fact), ...]."""
        reply = []
        for question in QUESTIONS[first:] + QUESTIONS[:first]:
            reply += [(word, False) for word in OPENINGS[question].split()]
            reply += [(word, True) for word in facts[question]]
        return [*reply, (".", False)]

    def true(self, product: int, text: str) -> list[bool]:
        """Which of the four facts a reply states as they are, and only once."""
        found = []
        for question, fact in self.facts[product].items():
            opening = OPENINGS[question]
            is_stated = f" {opening} {' '.join(fact)} " in f" {text} . "
            found.append(is_stated and text.count(opening) == 1)
        return found


def price_in_words(price: float) -> str:
    """The whole dollars that are nearest.

    >>> price_in_words(1.89), price_in_words(35.47)
    ('two dollars', 'more than five dollars')
    """
    for bound, text in PRICES.items():
        if price < bound:
            return text
