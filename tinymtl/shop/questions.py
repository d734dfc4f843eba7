"""The question that helps most: of several that could be asked, the one whose answer tells most.

Let p_i be the chance that product i is the one that is wanted, and q_i (K,) the distribution of the
answer if it is: one-hot where the answer is recorded, the answer head's where it is estimated. The
information that the answer holds about the product is

    I = H(Σ_i p_i q_i) − Σ_i p_i H(q_i),        H(q) = −Σ_k q_k log q_k

the entropy of the answer, less what stays uncertain although the product is given (Shannon 1948;
Lindley 1956). Where all answers are recorded the second term is 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import erf, sqrt

import numpy as np

from .catalogue import Catalogue
from .replies import OWN
from .wording import dollars, listed, sort_of

MOST_OPTIONS = 4
OTHERS = "something else"
UNKNOWN = "one without a stated size"
LEAST_INFORMATION = 0.3  # nats: a question that tells less is not worth asking


@dataclass(frozen=True)
class Question:
    """A question of up to four options.

    answers (N, K) are the distributions q_i of the N products' answers; information is I in nats.
    """

    about: str
    options: list[str]
    products: np.ndarray
    answers: np.ndarray
    information: float

    def text(self) -> str:
        """The question as it is asked.

        >>> q = Question("size", ["8 ounces", "12 ounces"], None, None, 0.0)
        >>> q.text()
        'Which size would you like: 8 ounces or 12 ounces?'
        """
        return f"{ASKED[self.about]}: {listed(self.options, 'or')}?"

    def chosen(self, option: int) -> np.ndarray:
        """The products for which this option is the likeliest answer."""
        return self.products[self.answers.argmax(1) == option]


ASKED = {
    "sort": "What would you like",
    "kind": "Which kind would you like",
    "price": "What may it cost",
    "brand": "Which brand would you like",
    "size": "Which size would you like",
}


def entropy(q: np.ndarray) -> np.ndarray:
    """H = −Σ_k q_k log q_k over the last axis, in nats, with 0 log 0 = 0.

    >>> float(entropy(np.array([0.5, 0.5])).round(4))
    0.6931
    """
    return -(q * np.log(np.where(q > 0, q, 1.0))).sum(-1)


def information(p: np.ndarray, answers: np.ndarray) -> float:
    """What an answer tells of the product: I = H(Σ_i p_i q_i) − Σ_i p_i H(q_i), in nats.

    p (N,) sums to 1; answers (N, K) holds q_i in row i. I ≥ 0, and I ≤ log K.

    >>> halves = np.array([[1.0, 0.0], [0.0, 1.0]])
    >>> round(information(np.array([0.5, 0.5]), halves), 4)
    0.6931
    """
    return float(entropy(p @ answers) - p @ entropy(answers))


def best_question(catalogue: Catalogue, products: np.ndarray, p: np.ndarray) -> Question | None:
    """The question of most information about which of the products is wanted.

    p (N,) are their chances. None, if no question tells enough.
    """
    one_kind = len(set(catalogue.kinds[products])) == 1
    candidates = [
        asked(about, distributions(catalogue, products), products, p)
        for about, distributions in DISTRIBUTIONS.items()
        if about != "size" or one_kind  # sizes of eggs and of juice do not compare
    ]
    best = max(candidates, key=lambda question: question.information)
    return best if best.information >= LEAST_INFORMATION else None


def asked(about: str, distributions, products: np.ndarray, p: np.ndarray) -> Question:
    """A question with at most four options, from labels and distributions (N, K) over them."""
    labels, answers = merged(*distributions, p)
    return Question(about, labels, products, answers, information(p, answers))


def merged(labels: list[str], answers: np.ndarray, p: np.ndarray) -> tuple[list[str], np.ndarray]:
    """The likeliest options as they are, and all others as one.

    Merging loses information (data processing), so the few likeliest stay apart.
    """
    if len(labels) <= MOST_OPTIONS:
        return labels, answers
    order = np.argsort(-(p @ answers), kind="stable")
    kept = order[: MOST_OPTIONS - 1]
    rest = answers[:, order[MOST_OPTIONS - 1 :]].sum(1, keepdims=True)
    names = [labels[k] for k in kept]
    return [*names, OTHERS], np.concatenate([answers[:, kept], rest], axis=1)


# The distributions of answers


def one_hot(answers: list[str]) -> tuple[list[str], np.ndarray]:
    """Recorded answers as distributions: the labels, and (N, K) rows with a single 1."""
    labels = list(dict.fromkeys(answers))
    rows = np.array([[label == answer for label in labels] for answer in answers], dtype=float)
    return labels, rows


def kinds(catalogue: Catalogue, products: np.ndarray) -> tuple[list[str], np.ndarray]:
    """A type stands on the label of each product."""
    return one_hot([str(name) for name in catalogue.names[products]])


def sorts(catalogue: Catalogue, products: np.ndarray) -> tuple[list[str], np.ndarray]:
    """The type also tells the wider sort, such as eggs."""
    return one_hot([sort_of(kind) for kind in catalogue.kinds[products]])


def sizes(catalogue: Catalogue, products: np.ndarray) -> tuple[list[str], np.ndarray]:
    """So does a size, or there is none."""
    return one_hot([catalogue.size(product).words or UNKNOWN for product in products])


def brands(catalogue: Catalogue, products: np.ndarray) -> tuple[list[str], np.ndarray]:
    """The brand is on record, or the answer head gives the odds."""
    names, odds = catalogue.odds["brand"]
    known = catalogue.known[products, None]
    recorded = catalogue.says["brand"][products, None] == names
    labels = ["our own" if name == OWN else "a national one" for name in names]
    return labels, np.where(known, recorded, odds[products])


def prices(catalogue: Catalogue, products: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Up to three bands of price with about a third of the products in each.

    The log of an estimated price is normal around the estimate; its standard deviation is that of
    the errors on the validation products.
    """
    price = catalogue.says["price"][products]
    bounds = np.unique(np.quantile(price, [1 / 3, 2 / 3]).round(1))
    spread = catalogue.log_errors().std()
    rows = []
    for product in products:
        below = [chance_below(catalogue, product, bound, spread) for bound in bounds]
        rows.append(np.diff([0.0, *below, 1.0]))
    between = [f"{low:.2f} to {dollars(high)}" for low, high in zip(bounds, bounds[1:])]
    labels = [f"under {dollars(bounds[0])}", *between, f"{dollars(bounds[-1])} or more"]
    return labels, np.array(rows)


def chance_below(catalogue: Catalogue, product: int, bound: float, spread: float) -> float:
    """The chance that a product costs less than a bound: 0 or 1 where the price is known."""
    price = catalogue.says["price"][product]
    if catalogue.known[product]:
        return float(price < bound)
    return 0.5 * (1 + erf(np.log(bound / price) / (spread * sqrt(2))))


DISTRIBUTIONS = {"sort": sorts, "kind": kinds, "price": prices, "brand": brands, "size": sizes}
