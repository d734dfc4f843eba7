"""The products as the guide knows them: what is on record, what is estimated, and how to find them.

Products are numbers, 0 to 999. The answers of those that the guide was trained on are looked up.
All others are estimated by the trained network. They are found by the words of their names and of
their category, and are chosen by price and brand as these are *said*: known or estimated.
"""

from __future__ import annotations

import numpy as np

from ..ops import concatenate, exp, log_softmax
from .purchases import Shop, words
from .replies import NATIONAL, OWN, QUESTIONS
from .understanding import ASKING_WORDS, LIMITS, stem

LEAST_OVERLAP = 0.4  # least overlap of a product with the words that name it
TESTS = {"<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal}


class Catalogue:
    """The 1,000 products of a shop, as a trained model and its split know them.

    names     (1000,): their type and size
    known     (1000,): whether their answers are on record
    record    question → (1000,): the true answers
    says      question → (1000,): the record where it is known, else the estimate
    odds      question → (names of the C answers, their probabilities (1000, C))
    scores    (400, 1000): how likely a household buys a product
    """

    def __init__(self, model, split, shop: Shop):
        self.early = split.bought["early"]
        self.late = split.bought["late"]
        self.taught = split.households["train"]  # the households that the model was trained on
        self.every = np.arange(len(shop.price))
        self.known = np.isin(self.every, split.products["train"])
        self.names = [f"{kind}, {size}".strip(", ") for kind, size in zip(shop.type, shop.size)]
        self.record = {question: getattr(shop, question) for question in QUESTIONS}
        self.record["brand"] = np.where(shop.brand == "Private", OWN, NATIONAL)
        self._estimate(model)
        self._index_words()

    def _estimate(self, model):
        """What the model says of all products: `scores`, `odds` and `says`."""
        model.train(False)
        outputs = model({"answer": self.every, "recommend": self.early})
        self.scores = outputs["recommend"]["late"].data
        logits = dict(outputs["answer"])
        # A sigmoid is the softmax of 0 and the logit.
        logits["brand"] = concatenate([0 * logits["brand"], logits["brand"]], axis=1)

        estimates = {"price": self._price_from(logits["price"])}
        self.odds = {}
        for question in ("department", "category", "brand"):
            names = np.unique(self.record[question])
            probabilities = exp(log_softmax(logits[question])).data  # (1000, C)
            self.odds[question] = (names, probabilities)
            estimates[question] = names[probabilities.argmax(1)]
        self.says = {}
        for question in QUESTIONS:
            record = self.record[question]
            self.says[question] = np.where(self.known, record, estimates[question])

    def _price_from(self, standardised):
        """Dollars from the standardised log price (1000, 1)."""
        log_price = np.log(self.record["price"][self.known])
        z = standardised.data[:, 0].astype(float)
        return np.exp(z * log_price.std() + log_price.mean()).round(2)

    def _index_words(self):
        """The words by which products are found, and how rare they are.

        bags: the stems of each product's words. stems: all V of them. has (1000, V). rarity (V,).
        """
        self.bags = []
        # What is said of the category, not what is recorded: the record may not be known.
        for name, category in zip(self.names, self.says["category"]):
            found = words(f"{name} {category}")
            self.bags.append({stem(word) for word in found if word not in ASKING_WORDS})
        self.stems = sorted(set().union(*self.bags))
        self.has = np.array([np.isin(self.stems, list(bag)) for bag in self.bags])
        self.rarity = np.log(len(self.has) / self.has.sum(0))

    def find(self, named: list[str]) -> tuple[np.ndarray, bool]:
        """The products that share the rarest words with these stems, the best first.

        Also whether they share enough to be what was meant. Without any shared word there are no
        products. Of equally good ones, the first has few other words and many buyers.
        """
        weight = self.rarity * np.isin(self.stems, named)  # (V,)
        shared = self.has @ weight  # (1000,)
        if not shared.any():
            return self.every[:0], False
        best = np.flatnonzero(shared > shared.max() - 1e-9)
        order = (self.has @ self.rarity / self.early.sum(0))[best]
        best = best[np.argsort(order, kind="stable")]

        unknown = sum(word not in self.stems for word in named)
        most_possible = weight.sum() + unknown * np.log(len(self.has))
        return best, shared.max() >= LEAST_OVERLAP * most_possible

    def most_bought(self) -> np.ndarray:
        """All products, those with most buyers first."""
        return np.argsort(-self.early.sum(0), kind="stable")

    def likely(self, household: int, products: np.ndarray) -> np.ndarray:
        """Those of the products that a household had not bought early, the likeliest first."""
        order = np.argsort(-self.scores[household], kind="stable")
        is_new = ~self.early[household, order]
        return order[is_new & np.isin(order, products)]

    def fitting(
        self, products: np.ndarray, limits: list[tuple[str, float]], brand: str
    ) -> np.ndarray:
        """Those of the products that are within all limits of price, and of the brand if any."""
        price = self.says["price"][products]
        fits = np.full(len(products), True)
        for way, dollars in limits:
            is_within = TESTS[LIMITS[way]]
            fits &= is_within(price, dollars)
        if brand:
            fits &= self.says["brand"][products] == brand
        return products[fits]

    def by_price(self, products: np.ndarray, order: str) -> np.ndarray:
        """The products by "rising" or "falling" price."""
        price = self.says["price"][products]
        return products[np.argsort(price if order == "rising" else -price, kind="stable")]

    def cheapest_third(self, products: np.ndarray) -> float:
        """The highest price among the cheapest third of the products; 0 without products."""
        price = np.sort(self.says["price"][products])
        return price[: len(price) // 3 + 1].max(initial=0)
