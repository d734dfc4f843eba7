"""The shopping guide: one network that recommends products, answers questions, and talks of them.

    trunk        product: the words of its type and size, and its own vector → 32 features
    recommend    a head: a household's early basket → which new products it buys later
    answer       a head: a product → its price, department, category, and whether it is the
                 shop's own brand
    dialogue     a head: a product and a question → a reply, word by word, that answers the
                 question and goes on

Category, department and brand are what is asked, so their words are never an input. Every part is
made of the package's own pieces. It can be trained alone, with soft or with hard sharing.

Read on in this order: the trunk and the heads, their losses, `generate`, and the files of a trained
guide.
"""

from __future__ import annotations

import json
import os
import zipfile
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..files import write_arrays, write_whole
from ..layers import RNN, Conv1D, Dense, Dropout, Embedding
from ..losses import binary_cross_entropy, cross_entropy, l2_penalty, mse
from ..module import Module, Parameter
from ..ops import concatenate, tanh
from ..tensor import Tensor, no_grad
from .purchases import Shop, number_words, words
from .replies import QUESTIONS, Replies

# Widths
WORD = 24
OWN_VECTOR = 16
FEATURES = 32
TASTE = 16
TALK = 32

TRUNKS = ("dense", "recurrent", "convolutional")


# The trunk


def word_ids(shop: Shop) -> tuple[np.ndarray, list[str]]:
    """Numbers (1000, L) of the words in each product's type and size, and the V words themselves.

    The numbers are padded with V.
    """
    return number_words([words(f"{kind} {size}") for kind, size in zip(shop.type, shop.size)])


class ProductTrunk(Module):
    """Word numbers (n, L) and own numbers (n,) of products → their features (n, H).

        features = tanh(W [words read, own vector] + b)

    n products, L words of each (the longest name; shorter ones are padded), vectors of E = 24
    numbers for a word and 16 for a product, H = 32 features.
    The words are read by `kind`: "dense" takes their mean; "recurrent" the last state of an RNN;
    "convolutional" the mean of a dense layer over windows of three. Products with the same words
    differ only in their own vectors. These start at 0 and are learned mostly from purchases.
    Whatever else comes in is handed on: (words, own, *rest) → (features, *rest).
    """

    def __init__(
        self, n_products: int, n_words: int, rng: np.random.Generator, dtype, kind: str = "dense"
    ):
        self._n_words = n_words  # this number is no word: it stands for padding
        self.words = Embedding(n_words + 1, WORD, rng, dtype=dtype)
        self.own = Embedding(n_products, OWN_VECTOR, rng, scale=0.0, dtype=dtype)
        if kind == "recurrent":
            self.reader = RNN(WORD, WORD, rng, dtype=dtype)
        elif kind == "convolutional":
            self.reader = Conv1D(WORD, WORD, 3, rng, dtype=dtype)
        self.kind = kind
        self.layer = Dense(WORD + OWN_VECTOR, FEATURES, rng, dtype=dtype)
        self.dropout = Dropout(0.2, rng)

    def __call__(self, x):
        ids, own, *rest = x
        product = concatenate([self.read(ids), self.own(own)], axis=1)  # (n, WORD + OWN_VECTOR)
        features = self.dropout(tanh(self.layer(product)))  # (n, H)
        return (features, *rest) if rest else features

    def read(self, ids):
        """Word numbers (n, L) → one vector for each product (n, E)."""
        dtype = self.words.table.dtype
        present = ids < self._n_words  # (n, L)
        vectors = self.words(ids)  # (n, L, E)
        if self.kind == "recurrent":
            return self.reader(vectors, present.sum(1))[:, -1]
        if self.kind == "convolutional":
            vectors = tanh(self.reader(vectors * present[:, :, None].astype(dtype)))
        shares = (present / present.sum(1, keepdims=True)).astype(dtype)  # of each word in the mean
        return (Tensor(shares[:, None, :]) @ vectors)[:, 0]  # (n, 1, L) @ (n, L, E)


# The heads


class RecommendHead(Module):
    """How likely a household buys each product.

        logit(household, product) = popularity + w log(n / n̄) + taste(b Z) · appeal(z)

    The first term is what is bought anyway, the second how much this household buys, the third what
    fits its basket. The second is the same for all products. Z (1000, H) are the features of all
    products, z (H,) those of one, b (1000,) is the centred basket (see `centred`), n its size, n̄
    the mean size, and w a learned number. Without purchases (n = 0) the second term is 0.
    `taste` and `appeal` are linear layers with a bias; each gives 16 numbers. In training there is
    a second question: half of the basket is hidden, and has to be found again.

    early, late (households, 1000): what the training households bought. ValueError if they bought
    nothing early: then no basket can be expected.
    """

    def __init__(self, early: np.ndarray, late: np.ndarray, rng: np.random.Generator, dtype):
        if not early.any():
            raise ValueError("RecommendHead: early must hold at least one purchase, got none")
        self._mean = early.mean(0).astype(dtype)
        mean_size = self._mean.sum()
        self._mean_size = {"late": mean_size, "hidden": mean_size / 2}
        new = late & ~early
        self._popular = {
            "late": _log_odds(new.sum(0), (~early).sum(0)).astype(dtype),  # given: not bought early
            "hidden": _log_odds(early.sum(0), len(early)).astype(dtype),
        }
        self.size = Parameter(np.zeros((1, 1), dtype))
        self.taste = Dense(FEATURES, TASTE, rng, dtype=dtype)
        self.appeal = Dense(FEATURES, TASTE, rng, dtype=dtype)
        self._rng = rng

    def __call__(self, features):
        Z, early = features  # (1000, H), (n, 1000)
        appeal = self.appeal(Z).T  # (16, 1000)
        outputs = {"late": self.scores(early, Z, appeal, "late")}
        if self.training:
            visible = early & (self._rng.random(early.shape) < 0.5)
            outputs["hidden"] = self.scores(visible, Z, appeal, "hidden")
            outputs["visible"] = visible
        return outputs

    def scores(self, basket, Z, appeal, popular):
        """The logits (n, 1000) of all products for baskets (households, 1000)."""
        b = centred(basket, self._mean)  # (households, 1000)
        of_size = self.of_size(basket, popular)
        return self.taste(Tensor(b) @ Z) @ appeal + of_size + self._popular[popular]

    def of_size(self, basket, popular):
        """w log(n / n̄), (households, 1)."""
        n = basket.sum(1, keepdims=True)
        ratio = np.log(np.maximum(n, 1) / self._mean_size[popular]) * (n > 0)
        return Tensor(ratio.astype(self._mean.dtype)) @ self.size

    def shares(self):
        """The share of each product in all purchases (1000,)."""
        return self._mean / self._mean.sum()


def centred(basket: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """How baskets (households, P) differ from the expected basket of the same size.

        b = (basket − n · mean / Σ mean) / √n

    n is the number of products in the basket. mean (P,) is the mean basket of the training
    households, so mean / Σ mean is each product's share of all purchases. Both baskets have n
    products, so Σ b = 0. Where no purchase is known (n = 0), b = 0.
    If n products are drawn one by one with these shares, E[b] = 0 and E[‖b‖²] does not depend on n:
    this is why √n is in the formula.

    >>> centred(np.array([[0, 1, 0], [0, 0, 0]]), np.array([1.0, 0.5, 0.5]))
    array([[-0.5 ,  0.75, -0.25],
           [ 0.  ,  0.  ,  0.  ]])
    """
    n = basket.sum(1, keepdims=True).astype(mean.dtype)
    # The mean basket itself is no choice here: it holds more than a hundred products, and would
    # hide the few of a small basket.
    expected = n * (mean / mean.sum())  # (households, P)
    return (basket - expected) / np.sqrt(np.maximum(n, 1))


def _log_odds(yes, of):
    p = (yes + 1) / (of + 2)  # one imagined yes and no, so that no product is impossible
    return np.log(p / (1 - p))


class AnswerHead(Module):
    """A linear layer for each question.

    They give the standardised log price, and the logits of department, category and own brand.
    """

    def __init__(self, n_departments: int, n_categories: int, rng: np.random.Generator, dtype):
        widths = {"price": 1, "department": n_departments, "category": n_categories, "brand": 1}
        self.questions = {
            name: Dense(FEATURES, widths[name], rng, dtype=dtype) for name in QUESTIONS
        }

    def __call__(self, features):
        return {name: layer(features) for name, layer in self.questions.items()}


class DialogueHead(Module):
    """Logits (n, L, V) of every next word of a reply, from the words so far.

    n replies of up to L words; the next word is one of V. All vectors in here have E = 32 numbers.
    It is a recurrent network that is told the product and the question at each step.
    """

    def __init__(self, n_words: int, rng: np.random.Generator, dtype):
        self.words = Embedding(n_words, TALK, rng, dtype=dtype)
        self.asked = Embedding(len(QUESTIONS), TALK, rng, dtype=dtype)
        self.product = Dense(FEATURES, TALK, rng, dtype=dtype)
        self.state = RNN(TALK, TALK, rng, dtype=dtype)
        self.next = Dense(TALK, n_words, rng, dtype=dtype)

    def __call__(self, features):
        z, asked, so_far = features  # (n, H), (n,), (n, L)
        told = self.product(z) + self.asked(asked)  # (n, E)
        told = told.reshape(len(so_far), 1, TALK)  # the same at each step
        return self.next(self.state(self.words(so_far) + told))


# The losses


def recommend_loss(outputs, bought, hidden_weight=3.0):
    """Binary cross-entropy over the products that were not bought early.

    In training, 3 × that of finding the hidden half is added.
    """
    loss = binary_cross_entropy(outputs["late"], bought["late"], ~bought["early"])
    if "hidden" in outputs:
        not_visible = ~outputs["visible"]
        hidden = binary_cross_entropy(outputs["hidden"], bought["early"], not_visible)
        loss = loss + hidden_weight * hidden
    return loss


def answer_loss(outputs, truth, category_weight=0.5):
    """Squared error of the standardised log price, and cross-entropies of the other answers."""
    return (
        mse(outputs["price"], truth["price"][:, None])
        + cross_entropy(outputs["department"], truth["department"])
        + category_weight * cross_entropy(outputs["category"], truth["category"])
        + binary_cross_entropy(outputs["brand"], truth["brand"][:, None])
    )


def dialogue_loss(logits, reply):
    """Cross-entropy of the next word: the mean over the words of all replies.

    logits (n, L, V); reply (n, L) is −1 after its end.
    """
    next_words = reply.reshape(-1)  # (n L,)
    rows = logits.reshape(len(next_words), -1)  # (n L, V)
    return cross_entropy(rows, next_words, next_words >= 0)


def weight_decay(everywhere: float, own: float):
    """Weight decay as an `l2` for the models: a function of the model that returns the penalty.

    `everywhere` is the λ of all matrices. `own` is added to it for the own vectors, which would
    memorise otherwise.
    """

    @lru_cache(1)  # every step asks for the same model
    def parameters_of(model):
        matrices = {name: p for name, p in model.named_parameters().items() if p.ndim > 1}
        own_vectors = [p for name, p in matrices.items() if name.endswith("own.table")]
        return {"all": list(matrices.values()), "own": own_vectors}

    def penalty(model):
        return l2_penalty(parameters_of(model), {"all": everywhere, "own": own})

    return penalty


# A reply, word by word


def generate(model, products: np.ndarray, asked: np.ndarray, replies: Replies) -> list[str]:
    """The most likely next word, again and again.

    A reply goes on until it ends, or is as long as the longest that was learned. products (n,) and
    asked (n,) are numbers of products and of QUESTIONS. Returns n texts, without the final point.
    """
    so_far = np.full((len(asked), 1), replies.start)  # (n, words so far)
    with no_grad():
        for _ in range(replies.said.shape[2]):
            logits = model({"dialogue": (products, asked, so_far)})["dialogue"].data
            next_word = logits[:, -1:].argmax(2)  # (n, 1)
            so_far = np.concatenate([so_far, next_word], axis=1)
    texts = []
    for reply in so_far[:, 1:]:
        text = [replies.vocabulary[word] for word in reply]
        if "." in text:
            text = text[: text.index(".")]
        texts.append(" ".join(text))
    return texts


# Files

ABOUT = "about"  # the member of a file that says what it is; the names of parameters have a dot
KIND = "tinymtl shopping guide"
FORM = 2  # goes up when trained parameters come to mean something else; not written in form 1
MOST_HEADER = 1000  # bytes before the numbers of a member


def save_guide(path: Path, model: Module, seed: int):
    """Write a trained guide and its seed to an .npz file, whole or not at all."""
    arrays = {name: p.data for name, p in model.named_parameters().items()}
    arrays[ABOUT] = np.array(json.dumps({"kind": KIND, "form": FORM, "seed": seed}))
    try:
        write_whole("save_guide", path, lambda file: write_arrays(file, arrays))
    except OSError as error:
        raise _cannot_save(path, error) from error


def check_can_save(path: Path):
    """Raise OSError, which says why, if `save_guide` cannot write there."""
    target = Path(os.path.realpath(path))
    trial = target.with_name(f"{target.name}.{os.getpid()}.tmp")
    try:
        open(trial, "xb").close()
        trial.unlink()
    except OSError as error:
        raise _cannot_save(path, error) from error


def _cannot_save(path, error):
    return OSError(f"the guide cannot be written to {path}: {error.strerror or error}")


def load_guide(path: Path, model: Module) -> int:
    """Read what `save_guide` wrote into a model of the same form, and return the seed.

    Raises ValueError, and nothing is changed, if the file is not a whole guide of that form.
    """
    if not os.path.isfile(path):  # to open a pipe would wait for ever
        raise ValueError(f"{path} is not a file")
    parameters = model.named_parameters()
    arrays = _read_arrays(path, {name: p.data.nbytes for name, p in parameters.items()})
    seed = _seed_of(path, arrays)
    for name, p in parameters.items():
        array = arrays[name]
        if (array.shape, array.dtype) != (p.shape, p.dtype):
            raise ValueError(
                f"{path} is a guide of another form: expected {name} of shape {p.shape} and type "
                f"{p.dtype}, got {array.shape} and {array.dtype}"
            )
    for name, p in parameters.items():
        p.data = arrays[name]
    return seed


def _read_arrays(path, parameter_bytes):
    """The arrays of a guide's file by name.

    A member that claims more bytes than its parameter is refused before it is unpacked.
    """
    most_bytes = {f"{name}.npy": MOST_HEADER + size for name, size in parameter_bytes.items()}
    most_bytes[f"{ABOUT}.npy"] = MOST_HEADER
    with open(path, "rb") as stream:
        sizes = _member_sizes(path, stream)
        if f"{ABOUT}.npy" not in sizes:
            raise ValueError(f"{path} is not a saved guide")
        for member in most_bytes | sizes:
            most = most_bytes.get(member)
            size = sizes.get(member)
            if most is None or size is None or size > most:
                raise ValueError(
                    f"{path} is a guide of another form: expected at most {most} bytes for "
                    f"{member}, got {size}"
                )
        stream.seek(0)
        try:
            with np.load(stream, allow_pickle=False) as file:
                return {name: file[name] for name in [*parameter_bytes, ABOUT]}
        except Exception as error:  # a damaged archive fails in a dozen ways
            raise ValueError(f"{path} is a damaged guide") from error


def _member_sizes(path, stream):
    """How many bytes each member of an archive takes when it is unpacked."""
    try:
        with zipfile.ZipFile(stream) as archive:
            return {member.filename: member.file_size for member in archive.infolist()}
    except Exception as error:
        raise ValueError(f"{path} is not a saved guide, or was cut short") from error


def _seed_of(path, arrays):
    try:
        about = json.loads(str(arrays[ABOUT]))
        is_guide = about["kind"] == KIND and type(about["seed"]) is int
    except (ValueError, LookupError, TypeError):
        is_guide = False
    if not is_guide:
        raise ValueError(f"{path} is not a saved guide")
    form = about.get("form", 1)
    if form != FORM:
        raise ValueError(
            f"{path} is a guide of another form, which reads baskets in another way: expected form "
            f"{FORM}, got {form!r}; train a new one under another name"
        )
    return about["seed"]
