"""The shopping guide: one network that learns to recommend products, to answer questions about them, and to talk about them.

    product      words of its type and size, and a vector of its own -> 32 features               the trunk
    recommend    a household's early basket -> which new products it buys later                     a head
    answer       a product -> its price, department, category, and whether it is the shop's own brand      a head
    dialogue     a product and a question -> a reply, word by word, that answers it and goes on        a head

Category, department and brand are what is asked, so their words are never an input. Every part is made of the package's own pieces and can be
trained alone, with soft or with hard sharing.
"""

from __future__ import annotations

import numpy as np

from ..layers import RNN, Conv1D, Dense, Dropout, Embedding, Module
from ..losses import binary_cross_entropy, cross_entropy, l2_penalty, mse
from ..ops import concatenate, tanh
from ..tensor import Tensor, no_grad
from .purchases import Shop, words

WORD, OWN, FEATURES, TASTE, TALK = 24, 16, 32, 16, 32  # widths
TRUNKS = ("dense", "recurrent", "convolutional")
QUESTIONS = ("price", "department", "category", "brand")
PRICES = {
    0.75: "half a dollar",
    1.5: "a dollar",
    2.5: "two dollars",
    3.5: "three dollars",
    4.5: "four dollars",
    5.5: "five dollars",
    np.inf: "more than five dollars",
}
OPENINGS = {
    "price": "it costs about",
    "department": "you find it in",
    "category": "this is",
    "brand": "it is",
}


class ProductTrunk(Module):
    """(word numbers (n, L), own numbers (n,)) -> features (n, H): tanh of a dense layer over [words read, own vector].

    The words are read by `kind`: "dense", their mean; "recurrent", the last state of an RNN; "convolutional", the mean of a
    dense layer over windows of three. Products with the same words differ only in their own vectors, which start at 0 and are learned mostly
    from purchases. What else comes in is handed on: (words, own, *rest) -> (features, *rest).
    """

    def __init__(
        self, n_products: int, n_words: int, rng: np.random.Generator, dtype, kind: str = "dense"
    ):
        self._n_words = n_words  # this number and no word: padding
        self.words = Embedding(n_words + 1, WORD, rng, dtype=dtype)
        self.own = Embedding(n_products, OWN, rng, scale=0.0, dtype=dtype)
        if kind != "dense":
            self.reader = (
                RNN(WORD, WORD, rng, dtype=dtype)
                if kind == "recurrent"
                else Conv1D(WORD, WORD, 3, rng, dtype=dtype)
            )
        self.kind = kind
        self.layer = Dense(WORD + OWN, FEATURES, rng, dtype=dtype)
        self.dropout = Dropout(0.2, rng)

    def __call__(self, x):
        ids, own, *rest = x
        read = self.read(ids)
        features = self.dropout(tanh(self.layer(concatenate([read, self.own(own)], 1))))
        return (features, *rest) if rest else features

    def read(self, ids):
        present = (ids < self._n_words)[:, :, None].astype(self.words.table.dtype)  # (n, L, 1)
        vectors, lengths = self.words(ids) * present, present.sum(1, keepdims=True)
        if self.kind == "recurrent":
            return self.reader(vectors, lengths.astype(int).reshape(-1))[:, -1]
        if self.kind == "convolutional":
            vectors = tanh(self.reader(vectors)) * present
        return (vectors * (1 / lengths)).sum(1)  # (n, E)


class RecommendHead(Module):
    """logit(household, product) = popularity + (b Z A) · (B z): what is bought anyway, and what fits this basket.

    Z (1000, H) are the features of all products, z those of one, b is the centred basket over √(its size). In training
    there is a second question: half of the basket is hidden, and has to be found again.
    """

    def __init__(self, early: np.ndarray, late: np.ndarray, rng: np.random.Generator, dtype):
        self._mean = early.mean(0).astype(dtype)
        self._popular = {
            "late": _log_odds((late & ~early).sum(0), (~early).sum(0)).astype(
                dtype
            ),  # P(new | not bought early)
            "hidden": _log_odds(early.sum(0), len(early)).astype(dtype),
        }
        self.taste, self.appeal = (
            Dense(FEATURES, TASTE, rng, dtype=dtype),
            Dense(FEATURES, TASTE, rng, dtype=dtype),
        )
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
        self.questions = {
            name: Dense(FEATURES, width, rng, dtype=dtype) for name, width in widths.items()
        }

    def __call__(self, features):
        return {name: layer(features) for name, layer in self.questions.items()}


class DialogueHead(Module):
    """Logits (n, L, V) of every next word of a reply, from the words so far: a recurrent network that is told product and question at each step."""

    def __init__(self, n_words: int, rng: np.random.Generator, dtype):
        self.words, self.asked = (
            Embedding(n_words, TALK, rng, dtype=dtype),
            Embedding(len(QUESTIONS), TALK, rng, dtype=dtype),
        )
        self.product = Dense(FEATURES, TALK, rng, dtype=dtype)
        self.state, self.next = (
            RNN(TALK, TALK, rng, dtype=dtype),
            Dense(TALK, n_words, rng, dtype=dtype),
        )

    def __call__(self, features):
        z, asked, so_far = features  # (n, H), (n,), (n, L)
        told = (self.product(z) + self.asked(asked)).reshape(len(so_far), 1, TALK)
        return self.next(self.state(self.words(so_far) + told))


def recommend_loss(outputs, bought, hidden_weight=3.0):
    """Binary cross-entropy over products not bought early, and, in training, 3 × that of finding the hidden half."""
    loss = binary_cross_entropy(outputs["late"], bought["late"], ~bought["early"])
    if "hidden" in outputs:
        loss = loss + hidden_weight * binary_cross_entropy(
            outputs["hidden"], bought["early"], ~outputs["visible"]
        )
    return loss


def answer_loss(outputs, truth, category_weight=0.5):
    """Squared error of the standardised log price, and cross-entropies of the other three answers."""
    return (
        mse(outputs["price"], truth["price"][:, None])
        + cross_entropy(outputs["department"], truth["department"])
        + category_weight * cross_entropy(outputs["category"], truth["category"])
        + binary_cross_entropy(outputs["brand"], truth["brand"][:, None])
    )


def dialogue_loss(logits, reply):
    """Cross-entropy of the next word: the mean over the words of all replies; reply (n, L) is −1 after its end."""
    words = reply.reshape(-1)
    return cross_entropy(logits.reshape(len(words), -1), words, words >= 0)


def pull_to_zero(everywhere: float, own: float):
    """l2 = a function of the model: λ on all matrices, and an extra one on the own vectors, which else memorise."""

    def penalty(model):
        matrices = {name: p for name, p in model.named_parameters().items() if p.ndim > 1}
        own_vectors = [p for name, p in matrices.items() if name.endswith("own.table")]
        return l2_penalty(
            {"all": list(matrices.values()), "own": own_vectors}, {"all": everywhere, "own": own}
        )

    return penalty


def word_ids(shop: Shop) -> tuple[np.ndarray, list[str]]:
    """(1000, L) numbers of the words in each product's type and size, padded with V; and the V words."""
    return _numbered([words(f"{kind} {size}") for kind, size in zip(shop.type, shop.size)])


class Replies:
    """What there is to say of every product: `said` (1000, 4, L), the numbers of the words of the reply to each question, −1 after its end;
    `fact`, which of them are the answers themselves; `so_far`, what was said before each. A reply begins with what was asked
    and goes round: price, department, category, brand."""

    def __init__(self, shop: Shop):
        self.facts = [
            self.clauses(shop, i) for i in range(len(shop.price))
        ]  # question -> the words that state it
        marked = [
            self.reply(facts, first) for facts in self.facts for first in range(len(QUESTIONS))
        ]
        ids, self.vocabulary = _numbered([[word for word, _ in reply] for reply in marked])
        shape = len(self.facts), len(QUESTIONS), ids.shape[1]
        self.said = np.where(ids < len(self.vocabulary), ids, -1).reshape(shape)
        self.fact = np.array(
            [
                [fact for _, fact in reply] + [False] * (ids.shape[1] - len(reply))
                for reply in marked
            ]
        ).reshape(shape)
        self.start = self.vocabulary.index(
            "."
        )  # what stands before the first word is the end of the last reply
        self.so_far = np.concatenate(
            [np.full((*shape[:2], 1), self.start), np.maximum(self.said[:, :, :-1], 0)], 2
        )

    @staticmethod
    def clauses(shop, i):
        price = next(words for bound, words in PRICES.items() if shop.price[i] < bound)
        brand = "our own brand" if shop.brand[i] == "Private" else "a national brand"
        return {
            "price": price.split(),
            "department": [shop.department[i].lower()],
            "category": [shop.category[i].lower()],
            "brand": brand.split(),
        }

    @staticmethod
    def reply(facts, first):
        """[(word, whether it states a fact), ...]"""
        order = QUESTIONS[first:] + QUESTIONS[:first]
        return [
            pair
            for q in order
            for pair in [(w, False) for w in OPENINGS[q].split()] + [(w, True) for w in facts[q]]
        ] + [(".", False)]

    def true(self, product: int, text: str) -> list[bool]:
        """Which of the four facts a reply states as they are, and only once."""
        return [
            f" {OPENINGS[q]} {' '.join(fact)} " in f" {text} . " and text.count(OPENINGS[q]) == 1
            for q, fact in self.facts[product].items()
        ]


def generate(model, products: np.ndarray, asked: np.ndarray, replies: Replies) -> list[str]:
    """The most likely next word, again and again, until the reply ends or is as long as the longest that was learned.

    products and asked (n,) are numbers of products and of QUESTIONS. Returns n texts, without the final point.
    """
    so_far = np.full((len(asked), 1), replies.start)
    with no_grad():
        for _ in range(replies.said.shape[2]):
            logits = model({"dialogue": (products, asked, so_far)})["dialogue"].data
            so_far = np.concatenate([so_far, logits[:, -1:].argmax(2)], 1)
    texts = [[replies.vocabulary[word] for word in reply] for reply in so_far[:, 1:]]
    return [" ".join(text[: text.index(".")] if "." in text else text) for text in texts]


def _numbered(texts):
    """(n, L) numbers of words, padded with V; and the V words."""
    vocabulary = sorted({word for text in texts for word in text})
    number = {word: i for i, word in enumerate(vocabulary)}
    ids = np.full((len(texts), max(map(len, texts))), len(vocabulary))
    for row, text in zip(ids, texts):
        row[: len(text)] = [number[word] for word in text]
    return ids, vocabulary


def _log_odds(yes, of):
    p = (yes + 1) / (of + 2)  # one imagined yes and no, so that no product is impossible
    return np.log(p / (1 - p))
