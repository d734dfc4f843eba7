"""The guide's parts against their formulas, written as plain loops."""

import numpy as np
import pytest

from tinymtl import HardSharing, SingleTask
from tinymtl.losses import mse
from tinymtl.shop import experiment
from tinymtl.shop.experiment import Condition, Split, make_parts
from tinymtl.shop.guide import (
    OPENINGS,
    PRICES,
    QUESTIONS,
    TRUNKS,
    DialogueHead,
    ProductTrunk,
    Replies,
    answer_loss,
    dialogue_loss,
    generate,
    pull_to_zero,
    recommend_loss,
    word_ids,
)
from tinymtl.shop.purchases import Shop, load, words
from tinymtl.tensor import Tensor, no_grad

VOCABULARY = word_ids(load())[1]


@pytest.fixture(scope="module")
def shop():
    return load()


@pytest.fixture
def guide(shop):
    split = Split(np.random.default_rng(5), Condition(fraction=0.5))
    model = HardSharing(*make_parts(split, np.random.default_rng(6), dtype=np.float64))
    model.trunk.own.table.data = np.random.default_rng(7).normal(
        size=(1000, 16)
    )  # starts at 0, which would hide it
    model.train(False)
    return model, split


def features(model, shop, product):
    """tanh([mean word vector, own vector] W + b) of one product."""
    text = words(f"{shop.type[product]} {shop.size[product]}")
    mean = np.mean([model.trunk.words.table.data[VOCABULARY.index(word)] for word in text], axis=0)
    x = np.concatenate([mean, model.trunk.own.table.data[product]])
    return np.tanh(x @ model.trunk.layer.W.data + model.trunk.layer.b.data)


def test_features_are_tanh_of_a_dense_layer_over_mean_word_vector_and_own_vector(guide, shop):
    model, _ = guide
    some = np.array([3, 500, 3, 999])
    expected = [features(model, shop, product) for product in some]
    np.testing.assert_allclose(
        model.trunk((word_ids(shop)[0][some], some)).data, expected, rtol=1e-12
    )


@pytest.mark.parametrize("kind", TRUNKS)
def test_the_words_are_read_in_their_order_by_a_recurrent_or_convolutional_trunk_and_padding_is_not_read(
    kind,
):
    trunk = ProductTrunk(3, 7, np.random.default_rng(0), np.float64, kind)
    read = lambda *ids: trunk.read(np.array([ids])).data[0]
    vectors = trunk.words.table.data
    np.testing.assert_allclose(read(2, 5), read(2, 5, 7, 7), rtol=1e-12)  # 7 is padding
    assert (kind == "dense") == np.allclose(read(2, 5, 1), read(1, 5, 2))
    if kind == "dense":
        expected = (vectors[2] + vectors[5]) / 2
    elif kind == "recurrent":
        h = np.tanh(vectors[2] @ trunk.reader.W.data + trunk.reader.b.data)
        expected = np.tanh(
            vectors[5] @ trunk.reader.W.data + h @ trunk.reader.U.data + trunk.reader.b.data
        )
    else:
        W, zero = trunk.reader.W.data.reshape(3, 24, 24), np.zeros(24)
        windows = [(zero, vectors[2], vectors[5]), (vectors[2], vectors[5], zero)]
        expected = np.mean(
            [
                np.tanh(sum(x @ w for x, w in zip(window, W)) + trunk.reader.b.data)
                for window in windows
            ],
            0,
        )
    np.testing.assert_allclose(read(2, 5), expected, rtol=1e-12)


def test_answers_are_linear_in_the_features(guide, shop):
    model, _ = guide
    outputs = model({"answer": np.array([8])})["answer"]
    for question, layer in model.heads["answer"].questions.items():
        expected = features(model, shop, 8) @ layer.W.data + layer.b.data
        np.testing.assert_allclose(outputs[question].data[0], expected, rtol=1e-12)


def test_a_recommendation_is_popularity_plus_how_well_a_product_fits_the_basket(guide, shop):
    model, split = guide
    train = split.bought[split.households["train"]]
    head, early = model.heads["recommend"], shop.early[:2]
    Z = np.array([features(model, shop, product) for product in range(1000)])
    got = model({"recommend": early})["recommend"]["late"].data
    for household, product in [(0, 0), (1, 77), (1, 999)]:
        b = (early[household] - train["early"].mean(0)) / np.sqrt(early[household].sum())
        taste = b @ Z @ head.taste.W.data + head.taste.b.data
        appeal = Z[product] @ head.appeal.W.data + head.appeal.b.data
        new = train["late"][
            ~train["early"][:, product], product
        ]  # of those who had not bought it early
        p = (new.sum() + 1) / (len(new) + 2)
        assert got[household, product] == pytest.approx(
            taste @ appeal + np.log(p / (1 - p)), rel=1e-9
        )


def test_in_training_about_half_of_each_basket_is_hidden_and_nothing_else(guide, shop):
    model, _ = guide
    model.train()
    visible = model({"recommend": shop.early})["recommend"]["visible"]
    assert not (visible & ~shop.early).any()
    kept = visible.sum() / shop.early.sum()
    assert 0.48 < kept < 0.52
    model.train(False)
    assert set(model({"recommend": shop.early[:1]})["recommend"]) == {"late"}


def test_the_recommendation_loss_leaves_out_what_was_bought_early_and_counts_the_hidden_half_three_times():
    rng = np.random.default_rng(0)
    z, hidden = rng.normal(size=(2, 3, 5))
    early, late = rng.random((2, 3, 5)) < 0.5
    visible = early & (rng.random((3, 5)) < 0.5)
    bought = np.zeros(3, [("early", bool, 5), ("late", bool, 5)])
    bought["early"], bought["late"] = early, late

    def entropy(z, y):
        return np.log(1 + np.exp(z)) - y * z

    later = entropy(z, late)[~early].mean()
    found = entropy(hidden, early)[~visible].mean()
    outputs = {"late": Tensor(z), "hidden": Tensor(hidden), "visible": visible}
    assert float(recommend_loss(outputs, bought)) == pytest.approx(later + 3 * found)
    assert float(recommend_loss({"late": Tensor(z)}, bought)) == pytest.approx(later)


def test_the_answer_loss_is_the_sum_of_its_questions_with_half_of_category():
    rng = np.random.default_rng(0)
    outputs = {
        name: rng.normal(size=(4, n))
        for name, n in (("price", 1), ("department", 3), ("category", 5), ("brand", 1))
    }
    truth = np.zeros(4, [("price", float), ("department", int), ("category", int), ("brand", bool)])
    truth["price"], truth["department"], truth["category"], truth["brand"] = (
        [0.5, 1, -1, 0],
        [0, 2, 1, 0],
        [4, 0, 2, 2],
        [1, 0, 0, 1],
    )
    softmax = lambda z: np.exp(z) / np.exp(z).sum(1, keepdims=True)
    expected = np.mean([(outputs["price"][i, 0] - truth["price"][i]) ** 2 for i in range(4)])
    expected += np.mean(
        [-np.log(softmax(outputs["department"])[i, truth["department"][i]]) for i in range(4)]
    )
    expected += 0.5 * np.mean(
        [-np.log(softmax(outputs["category"])[i, truth["category"][i]]) for i in range(4)]
    )
    p = 1 / (1 + np.exp(-outputs["brand"][:, 0]))
    expected += np.mean([-np.log(p[i] if truth["brand"][i] else 1 - p[i]) for i in range(4)])
    assert float(
        answer_loss({name: Tensor(z) for name, z in outputs.items()}, truth)
    ) == pytest.approx(expected)


def test_the_pull_to_zero_counts_every_matrix_once_and_own_vectors_more(guide):
    model, _ = guide
    expected = 0.0
    for name, p in model.named_parameters().items():
        if p.ndim == 2:
            expected += (0.01 + (0.5 if name == "trunk.own.table" else 0)) * (p.data**2).sum()
    assert float(pull_to_zero(0.01, 0.5)(model)) == pytest.approx(expected)


def other_answers(shop):
    return Shop(
        **{
            **vars(shop),
            **{
                name: getattr(shop, name)[::-1]
                for name in ("department", "category", "brand", "price")
            },
        }
    )


def test_what_is_asked_is_never_an_input(shop, monkeypatch):
    """Other departments, categories, brands and prices, and the same network says the same."""
    outputs = []
    for each in (shop, other_answers(shop)):
        monkeypatch.setattr(
            experiment, "shop_and_texts", lambda each=each: (each, Replies(each), *word_ids(each))
        )
        split = Split(np.random.default_rng(0))
        model = SingleTask(*make_parts(split, np.random.default_rng(1)))
        with no_grad():
            outputs.append(model({"answer": np.arange(1000)})["answer"]["price"].data)
    np.testing.assert_array_equal(*outputs)


def test_mse_of_the_price_is_in_standardised_units():
    split = Split(np.random.default_rng(0), Condition(fraction=0.2))
    known = split.truth["price"][split.products["train"]]
    assert known.mean() == pytest.approx(0, abs=1e-5) and known.std() == pytest.approx(1, abs=1e-5)
    assert float(mse(Tensor(np.zeros_like(known)), known)) == pytest.approx(1, abs=1e-5)


# Dialogue


@pytest.fixture(scope="module")
def replies(shop):
    return Replies(shop)


def test_a_reply_begins_with_what_was_asked_goes_round_and_states_four_facts(shop, replies):
    for product, (q, first) in zip((3, 400, 870, 999), enumerate(QUESTIONS)):
        words = [replies.vocabulary[w] for w in replies.said[product, q] if w >= 0]
        assert words[-1] == "." and " ".join(words).startswith(OPENINGS[first])
        text, order = " ".join(words), QUESTIONS[q:] + QUESTIONS[:q]
        assert sorted(order, key=lambda question: text.index(OPENINGS[question] + " ")) == list(
            order
        )
        assert shop.category[product].lower() in text and shop.department[product].lower() in text
        assert ("our own brand" in text) == (shop.brand[product] == "Private")
        assert replies.true(product, text) == [True] * 4


def test_the_price_in_words_is_the_nearest(shop, replies):
    dollars = {
        "half a dollar": 0.5,
        "a dollar": 1,
        "two dollars": 2,
        "three dollars": 3,
        "four dollars": 4,
        "five dollars": 5,
    }
    assert list(PRICES.values())[:-1] == list(dollars)
    for product in range(0, 1000, 7):
        said, price = " ".join(replies.facts[product]["price"]), shop.price[product]
        if said in dollars:
            assert abs(price - dollars[said]) == pytest.approx(
                min(abs(price - d) for d in dollars.values())
            )
        else:
            assert price >= 5.5 and said == "more than five dollars"


def test_facts_are_marked_and_every_word_is_predicted_from_those_before(replies):
    said, fact, so_far = replies.said[5, 2], replies.fact[5, 2], replies.so_far[5, 2]
    assert [replies.vocabulary[w] for w in said[fact]] == [
        w for q in ("category", "brand", "price", "department") for w in replies.facts[5][q]
    ]
    n = (said >= 0).sum()
    assert (
        replies.vocabulary[so_far[0]] == "."
        and (so_far[1:n] == said[: n - 1]).all()
        and not fact[n:].any()
    )


@pytest.mark.parametrize(
    "change, true",
    [
        (lambda text: text, [True] * 4),
        (lambda text: text.replace("it costs about", "it costs around"), [False, True, True, True]),
        (
            lambda text: text + " this is butter",
            [True, True, False, True],
        ),  # two kinds, of which one is right
        (lambda text: text + " this is", [True, True, False, True]),
        (
            lambda text: text.replace("national", "own").replace("it is a", "it is our"),
            [True, True, True, False],
        ),
        (lambda text: "", [False] * 4),
    ],
)
def test_a_fact_is_true_if_it_is_stated_once_and_as_it_is(shop, replies, change, true):
    product = int(np.flatnonzero(shop.brand == "National")[3])
    text = " ".join(w for w, _ in replies.reply(replies.facts[product], 0)[:-1])
    assert replies.true(product, change(text)) == true


def test_logits_of_the_next_word_are_an_rnn_told_product_and_question_at_every_step():
    head, rng = DialogueHead(6, np.random.default_rng(0), np.float64), np.random.default_rng(1)
    z, asked, so_far = rng.standard_normal((1, 32)), np.array([2]), np.array([[0, 4, 4]])
    told = z[0] @ head.product.W.data + head.product.b.data + head.asked.table.data[2]
    h, expected = np.zeros(32), []
    for word in so_far[0]:
        h = np.tanh(
            (head.words.table.data[word] + told) @ head.state.W.data
            + h @ head.state.U.data
            + head.state.b.data
        )
        expected.append(h @ head.next.W.data + head.next.b.data)
    np.testing.assert_allclose(head((Tensor(z), asked, so_far)).data[0], expected, rtol=1e-10)


def test_the_dialogue_loss_is_the_mean_over_the_words_that_are_there():
    z, reply = (
        np.random.default_rng(0).standard_normal((2, 3, 4)),
        np.array([[1, 0, 3], [2, -1, -1]]),
    )
    p = np.exp(z) / np.exp(z).sum(2, keepdims=True)
    expected = -np.mean(
        [np.log(p[0, 0, 1]), np.log(p[0, 1, 0]), np.log(p[0, 2, 3]), np.log(p[1, 0, 2])]
    )
    assert float(dialogue_loss(Tensor(z), reply)) == pytest.approx(expected)


class Says:
    """A model whose next word depends on how much was said."""

    def __init__(self, replies, words):
        self.n, self.words = len(replies.vocabulary), [replies.vocabulary.index(w) for w in words]

    def __call__(self, inputs):
        _, asked, so_far = inputs["dialogue"]
        logits = np.zeros((len(asked), so_far.shape[1], self.n))
        logits[:, -1, self.words[min(so_far.shape[1] - 1, len(self.words) - 1)]] = 1
        return {"dialogue": Tensor(logits)}


def test_generation_takes_the_likeliest_word_until_the_end_and_ends_if_the_model_never_does(
    replies,
):
    two = np.array([0, 1])
    assert (
        generate(Says(replies, ["this", "is", "eggs", "."]), two, two, replies)
        == ["this is eggs"] * 2
    )
    endless = generate(Says(replies, ["is"]), two, two, replies)
    assert endless == [" ".join(["is"] * replies.said.shape[2])] * 2
