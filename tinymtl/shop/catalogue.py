"""The products as the guide knows them: what is on record, what is estimated, and how to find them.

Products are numbers, 0 to 999. The answers of those that the guide was trained on are looked up.
All others are estimated by the trained network. Type and size stand on every label, so a product is
found by these; it is chosen by price and brand as they are *said*: known or estimated.

How far an estimate may be off is measured on the validation products, which nothing was trained on:
see `price_error` and `share_right`.
"""

from __future__ import annotations

import numpy as np

from ..ops import concatenate, exp, log_softmax
from ..tensor import no_grad
from .amounts import Amount
from .lexicon import NAMES, TERMS, stems
from .meaning import Mention, narrowed
from .purchases import Shop
from .reasons import scores_of
from .replies import NATIONAL, OWN, QUESTIONS
from .sizes import NO_SIZE, Size, read_size, unit_amount

CLOSE = 0.03  # sizes that differ by this part are the same
ABOUT = 0.15  # "about 2 dollars" is within this part of it, or 10 cents
TESTS = {
    "=": np.isclose,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}


class Catalogue:
    """The 1,000 products of a shop, as a trained model and its split know them.

    kinds     (1000,): their types
    names     (1000,): their types in everyday words
    sizes     (1000 of them): the sizes on their labels
    known     (1000,): whether their answers are on record
    record    question → (1000,): the true answers
    says      question → (1000,): the record where it is known, else the estimate
    odds      question → (names of the C answers, their probabilities (1000, C))
    scores    (400, 1000): the logit that a household buys a product
    """

    def __init__(self, model, split, shop: Shop):
        self.model = model
        self.early = split.bought["early"]
        self.late = split.bought["late"]
        self.taught = split.households["train"]  # the households that the model was trained on
        self.every = np.arange(len(shop.price))
        self.known = np.isin(self.every, split.products["train"])
        self.validation = split.products["validation"]
        self.kinds = shop.type
        self.labels = [f"{kind}, {size}".strip(", ") for kind, size in zip(shop.type, shop.size)]
        self.names = np.array([NAMES[kind] for kind in shop.type])
        self.sizes = [read_size(size, kind) for size, kind in zip(shop.size, shop.type)]
        self.record = {question: getattr(shop, question) for question in QUESTIONS}
        self.record["brand"] = np.where(shop.brand == "Private", OWN, NATIONAL)
        self._estimate()

    def _estimate(self):
        """What the model says of all products: `scores`, `odds` and `says`."""
        self.model.train(False)
        with no_grad():
            outputs = self.model({"answer": self.every, "recommend": self.early})
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
        self.estimates = estimates
        self.says = {}
        for question in QUESTIONS:
            record = self.record[question]
            self.says[question] = np.where(self.known, record, estimates[question])

    def _price_from(self, standardised):
        """Dollars from the standardised log price (1000, 1)."""
        log_price = np.log(self.record["price"][self.known])
        z = standardised.data[:, 0].astype(float)
        return np.exp(z * log_price.std() + log_price.mean()).round(2)

    # How sure an estimate is

    def log_errors(self) -> np.ndarray:
        """log(true price / estimate) of the validation products (100,)."""
        true = self.record["price"][self.validation]
        return np.log(true / self.estimates["price"][self.validation])

    def price_error(self) -> float:
        """By which part an estimated price is off at most, for two of three validation products.

        max(true / estimate, estimate / true) − 1, its quantile at 2/3.
        """
        return float(np.exp(np.quantile(np.abs(self.log_errors()), 2 / 3)) - 1)

    def usual_range(self, product: int) -> tuple[float, float]:
        """Between which prices the true one of an estimate lies, for two of three products.

        price / (1 + e) and price · (1 + e), where e is `price_error`.
        """
        price = float(self.says["price"][product])
        factor = 1 + self.price_error()
        return round(price / factor, 2), round(price * factor, 2)

    def share_right(self, question: str) -> float:
        """For which share of the validation products the estimated answer is right."""
        is_right = self.estimates[question] == self.record[question]
        return float(is_right[self.validation].mean())

    # Finding products

    def of_types(self, types: frozenset[str]) -> np.ndarray:
        """The products of these types, those with most buyers first."""
        order = np.argsort(-self.early.sum(0), kind="stable")
        return order[np.isin(self.kinds[order], list(types))]

    def find(self, mention: Mention) -> np.ndarray:
        """The products that a mention means, as far as its words are known."""
        types = mention.types
        if mention.narrows:
            types = narrowed(types, mention.narrows) or types
        products = self.of_types(types)
        if mention.size is not None:
            sized = self.of_size(products, mention.size)
            products = sized if len(sized) else products
        return products

    def near(self, mention: Mention) -> np.ndarray:
        """The products that are nearest to something that the shop does not have."""
        if mention.near:
            return self.of_types(TERMS.get(stems(mention.near), frozenset()))
        return self.of_types(mention.types)

    def words_left_out(self, mention: Mention) -> list[str]:
        """Words of a mention that none of its products has on its label."""
        if narrowed(mention.types, mention.narrows):
            return []
        return mention.narrows

    def of_size(self, products: np.ndarray, size: Amount) -> np.ndarray:
        """Those of the products that have this size."""
        base, amount = unit_amount(size.number, size.unit)
        return self.by_size(products, base, lambda a: abs(a / amount - 1) < CLOSE)

    def by_size(self, products: np.ndarray, base: str, fits) -> np.ndarray:
        """Those of the products whose amount of this base fits; cases are no sizes."""
        is_fit = []
        for product in products:
            size = self.size(product)
            is_fit.append(size.base == base and fits(size.amount))
        return products[np.array(is_fit, dtype=bool)]

    def size(self, product: int) -> Size:
        """The size that one buys: that of a shipping case is none."""
        size = self.sizes[product]
        return NO_SIZE if size.is_case else size

    def fitting(
        self, products: np.ndarray, limits: list[tuple[str, float]], brand: str = ""
    ) -> np.ndarray:
        """Those of the products that are within all limits of price, and of the brand if any."""
        price = self.says["price"][products]
        fits = np.full(len(products), True)
        for test, dollars in limits:
            if test == "~":
                fits &= np.abs(price - dollars) <= max(ABOUT * dollars, 0.1)
            else:
                fits &= TESTS[test](price, dollars)
        if brand:
            fits &= self.says["brand"][products] == brand
        return products[fits]

    def by_price(self, products: np.ndarray, falls: bool = False) -> np.ndarray:
        """The products by rising or falling price."""
        price = self.says["price"][products]
        return products[np.argsort(-price if falls else price, kind="stable")]

    def is_loose(self, product: int) -> bool:
        """Whether a product is sold by the pound or the piece: its size is that of a case."""
        return self.sizes[product].is_case

    def representative(self, products: np.ndarray) -> int:
        """The one product that stands for all: with most buyers, if possible of a known price."""
        known = products[self.known[products]]
        return int(known[0] if len(known) else products[0])

    def commonest_base(self, products: np.ndarray) -> str:
        """In what most sizes of the products are stated, such as "ounce"; "" without sizes."""
        bases = [self.size(product).base for product in products]
        bases = [base for base in bases if base]
        return max(bases, key=bases.count) if bases else ""

    def scores_of(self, basket: np.ndarray) -> np.ndarray:
        """The logits (1000,) that a customer with this basket (1000,) buys each product."""
        return scores_of(self.model, basket)

    # Putting alike products together

    def alike(self, products: np.ndarray) -> list[np.ndarray]:
        """The products in groups of one type; those of a single type are told apart further.

        Groups and products stay in the order in which they come.
        """
        groups = self.alike_types(products)
        return self.told_apart(products) if len(groups) <= 1 else groups

    def alike_types(self, products: np.ndarray) -> list[np.ndarray]:
        """The products in groups of one type."""
        return grouped(products, [self.kinds[product] for product in products])

    def of_one_size(self, products: np.ndarray) -> list[np.ndarray]:
        """The products in groups of one type and one size."""
        return grouped(products, [(self.kinds[p], self.size(p).words) for p in products])

    def told_apart(self, products: np.ndarray) -> list[np.ndarray]:
        """The products in groups that differ in nothing that is said of them."""
        keys = []
        for product in products:
            said = [self.says[question][product] for question in ("price", "brand")]
            keys.append(
                (self.kinds[product], self.sizes[product].words, self.known[product], *said)
            )
        return grouped(products, keys)


def grouped(products: np.ndarray, keys: list) -> list[np.ndarray]:
    """The products in groups of one key, in the order in which they come."""
    groups: dict = {}
    for product, key in zip(products, keys):
        groups.setdefault(key, []).append(product)
    return [np.array(group) for group in groups.values()]
