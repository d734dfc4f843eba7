"""The shopping guide: one network that learns to recommend products and to answer questions about them.

    product      words of its type and size, and a vector of its own -> 32 features            the trunk
    recommend    a household's early basket -> which new products it buys later                  a head
    answer       a product -> its price, department, category, and whether it is the shop's own brand    a head

Category, department and brand are what is asked, so their words are never an input. Every part is made of the package's own pieces and can be
trained alone, with soft or with hard sharing.
"""

from __future__ import annotations

import numpy as np

from ..layers import Dense, Dropout, Embedding, Module
from ..losses import binary_cross_entropy, cross_entropy, l2_penalty, mse
from ..ops import concatenate, tanh
from ..tensor import Tensor
from .purchases import Shop, words

WORD, OWN, FEATURES, TASTE = 24, 16, 32, 16  # widths
QUESTIONS = ("price", "department", "category", "brand")


class ProductTrunk(Module):
    """Product numbers (n,) -> features (n, H): tanh of a dense layer over [mean word vector, own vector].

    Products with the same words differ only in their own vectors, which start at 0 and are learned mostly
    from purchases. What comes with the numbers, (numbers, rest), is handed on: (features, rest).
    """

    def __init__(self, word_ids: np.ndarray, n_words: int, rng: np.random.Generator, dtype):
        self._word_ids, present = word_ids, word_ids < n_words  # (1000, L), padded with n_words
        self._share = (present / present.sum(1, keepdims=True)).astype(dtype)[:, :, None]  # 1/L for each word, so that the sum is the mean
        self.words = Embedding(n_words + 1, WORD, rng, dtype=dtype)
        self.own = Embedding(len(word_ids), OWN, rng, scale=0.0, dtype=dtype)
        self.layer = Dense(WORD + OWN, FEATURES, rng, dtype=dtype)
        self.dropout = Dropout(0.2, rng)

    def __call__(self, x):
        products, *rest = x if isinstance(x, tuple) else (x,)
        mean = (self.words(self._word_ids[products]) * self._share[products]).sum(1)  # (n, E)
        features = self.dropout(tanh(self.layer(concatenate([mean, self.own(products)], 1))))
        return (features, *rest) if rest else features


class RecommendHead(Module):
    """logit(household, product) = popularity + (b Z A) · (B z): what is bought anyway, and what fits this basket.

    Z (1000, H) are the features of all products, z those of one, b is the centred basket over √(its size). In training
    there is a second question: half of the basket is hidden, and has to be found again.
    """

    def __init__(self, early: np.ndarray, late: np.ndarray, rng: np.random.Generator, dtype):
        self._mean = early.mean(0).astype(dtype)
        self._popular = {
            "late": _log_odds((late & ~early).sum(0), (~early).sum(0)).astype(dtype),  # P(new | not bought early)
            "hidden": _log_odds(early.sum(0), len(early)).astype(dtype),
        }
        self.taste, self.appeal = Dense(FEATURES, TASTE, rng, dtype=dtype), Dense(FEATURES, TASTE, rng, dtype=dtype)
        self._rng = rng

    def __call__(self, features):
        Z, early = features  # (1000, H), (n, 1000)
        appeal = self.appeal(Z).T  # (16, 1000)
        outputs = {"late": self.scores(early, Z, appeal, "late")}
        if self.training:
            visible = early & (self._rng.random(early.shape) < 0.5)
            outputs |= {"hidden": self.scores(visible, Z, appeal, "hidden"), "visible": visible}
        return outputs

    def scores(self, basket, Z, appeal, popular):
        size = np.maximum(basket.sum(1, keepdims=True), 1)
        b = ((basket - self._mean) / np.sqrt(size)).astype(self._mean.dtype)  # (n, 1000)
        return self.taste(Tensor(b) @ Z) @ appeal + self._popular[popular]


class AnswerHead(Module):
    """A linear layer for each question: standardised log price, logits of department, category and own brand."""

    def __init__(self, n_departments: int, n_categories: int, rng: np.random.Generator, dtype):
        widths = dict(zip(QUESTIONS, (1, n_departments, n_categories, 1)))
        self.questions = {name: Dense(FEATURES, width, rng, dtype=dtype) for name, width in widths.items()}

    def __call__(self, features):
        return {name: layer(features) for name, layer in self.questions.items()}


def recommend_loss(outputs, bought, hidden_weight=3.0):
    """Binary cross-entropy over products not bought early, and, in training, 3 × that of finding the hidden half."""
    loss = binary_cross_entropy(outputs["late"], bought["late"], ~bought["early"])
    if "hidden" in outputs:
        loss = loss + hidden_weight * binary_cross_entropy(outputs["hidden"], bought["early"], ~outputs["visible"])
    return loss


def answer_loss(outputs, truth, category_weight=0.5):
    """Squared error of the standardised log price, and cross-entropies of the other three answers."""
    return (
        mse(outputs["price"], truth["price"][:, None])
        + cross_entropy(outputs["department"], truth["department"])
        + category_weight * cross_entropy(outputs["category"], truth["category"])
        + binary_cross_entropy(outputs["brand"], truth["brand"][:, None])
    )


def pull_to_zero(everywhere: float, own: float):
    """l2 = a function of the model: λ on all matrices, and an extra one on the own vectors, which else memorise."""

    def penalty(model):
        matrices = {name: p for name, p in model.named_parameters().items() if p.ndim > 1}
        own_vectors = [p for name, p in matrices.items() if name.endswith("own.table")]
        return l2_penalty({"all": list(matrices.values()), "own": own_vectors}, {"all": everywhere, "own": own})

    return penalty


def word_ids(shop: Shop) -> tuple[np.ndarray, list[str]]:
    """(1000, L) numbers of the words in each product's type and size, padded with V; and the V words."""
    texts = [words(f"{kind} {size}") for kind, size in zip(shop.type, shop.size)]
    vocabulary = sorted({word for text in texts for word in text})
    number = {word: i for i, word in enumerate(vocabulary)}
    ids = np.full((len(texts), max(map(len, texts))), len(vocabulary))
    for row, text in zip(ids, texts):
        row[: len(text)] = [number[word] for word in text]
    return ids, vocabulary


def _log_odds(yes, of):
    p = (yes + 1) / (of + 2)  # one imagined yes and no, so that no product is impossible
    return np.log(p / (1 - p))
