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
    # The own vectors start at 0, which would hide them.
    model.trunk.own.table.data = np.random.default_rng(7).normal(size=(1000, 16))
    model.train(False)
    return model, split


def features(model, shop, product):
    """tanh([mean word vector, own vector] W + b) of one product."""
    text = words(f"{shop.type[product]} {shop.size[product]}")
    rows = [VOCABULARY.index(word) for word in text]
    mean = np.mean(model.trunk.words.table.data[rows], axis=0)
    x = np.concatenate([mean, model.trunk.own.table.data[product]])
    return np.tanh(x @ model.trunk.layer.W.data + model.trunk.layer.b.data)


def test_features_are_tanh_of_a_dense_layer_over_mean_word_vector_and_own_vector(guide, shop):
    model, _ = guide
    some = np.array([3, 500, 3, 999])
    expected = [features(model, shop, product) for product in some]
    ids, _ = word_ids(shop)
    np.testing.assert_allclose(model.trunk((ids[some], some)).data, expected, rtol=1e-12)


PADDING = 7


def trunk_of_seven_words(kind):
    return ProductTrunk(3, PADDING, np.random.default_rng(0), np.float64, kind)


def read(trunk, *ids):
    """What the trunk reads from the words of one product."""
    return trunk.read(np.array([ids])).data[0]


@pytest.mark.parametrize("kind", TRUNKS)
def test_padding_is_not_read(kind):
    trunk = trunk_of_seven_words(kind)
    padded = read(trunk, 2, 5, PADDING, PADDING)
    np.testing.assert_allclose(read(trunk, 2, 5), padded, rtol=1e-12)


@pytest.mark.parametrize("kind", TRUNKS)
def test_only_a_dense_trunk_does_not_mind_the_order_of_the_words(kind):
    trunk = trunk_of_seven_words(kind)
    assert (kind == "dense") == np.allclose(read(trunk, 2, 5, 1), read(trunk, 1, 5, 2))


def test_a_dense_trunk_reads_the_mean_of_the_word_vectors():
    trunk = trunk_of_seven_words("dense")
    vectors = trunk.words.table.data
    expected = (vectors[2] + vectors[5]) / 2
    np.testing.assert_allclose(read(trunk, 2, 5), expected, rtol=1e-12)


def test_a_recurrent_trunk_reads_the_last_state():
    trunk = trunk_of_seven_words("recurrent")
    vectors = trunk.words.table.data
    W = trunk.reader.W.data
    U = trunk.reader.U.data
    b = trunk.reader.b.data
    h = np.tanh(vectors[2] @ W + b)
    h = np.tanh(vectors[5] @ W + h @ U + b)
    np.testing.assert_allclose(read(trunk, 2, 5), h, rtol=1e-12)


def test_a_convolutional_trunk_reads_the_mean_over_windows_of_three():
    trunk = trunk_of_seven_words("convolutional")
    vectors = trunk.words.table.data
    before, at, after = trunk.reader.W.data.reshape(3, 24, 24)
    b = trunk.reader.b.data
    first = np.tanh(vectors[2] @ at + vectors[5] @ after + b)
    second = np.tanh(vectors[2] @ before + vectors[5] @ at + b)
    np.testing.assert_allclose(read(trunk, 2, 5), (first + second) / 2, rtol=1e-12)


def test_answers_are_linear_in_the_features(guide, shop):
    model, _ = guide
    outputs = model({"answer": np.array([8])})["answer"]
    for question, layer in model.heads["answer"].questions.items():
        expected = features(model, shop, 8) @ layer.W.data + layer.b.data
        np.testing.assert_allclose(outputs[question].data[0], expected, rtol=1e-12)


def test_a_recommendation_is_popularity_plus_how_well_a_product_fits_the_basket(guide, shop):
    model, split = guide
    train = split.bought[split.households["train"]]
    head = model.heads["recommend"]
    early = shop.early[:2]
    Z = np.array([features(model, shop, product) for product in range(1000)])
    got = model({"recommend": early})["recommend"]["late"].data
    for household, product in [(0, 0), (1, 77), (1, 999)]:
        b = (early[household] - train["early"].mean(0)) / np.sqrt(early[household].sum())
        taste = b @ Z @ head.taste.W.data + head.taste.b.data
        appeal = Z[product] @ head.appeal.W.data + head.appeal.b.data
        had_not = ~train["early"][:, product]
        new = train["late"][had_not, product]
        p = (new.sum() + 1) / (len(new) + 2)
        logit = taste @ appeal + np.log(p / (1 - p))
        assert got[household, product] == pytest.approx(logit, rel=1e-9)


def test_in_training_about_half_of_each_basket_is_hidden_and_nothing_else(guide, shop):
    model, _ = guide
    model.train()
    visible = model({"recommend": shop.early})["recommend"]["visible"]
    assert not (visible & ~shop.early).any()
    kept = visible.sum() / shop.early.sum()
    assert 0.48 < kept < 0.52
    model.train(False)
    assert set(model({"recommend": shop.early[:1]})["recommend"]) == {"late"}


def test_the_recommendation_loss_counts_new_products_and_three_times_the_hidden_half():
    rng = np.random.default_rng(0)
    z, hidden = rng.normal(size=(2, 3, 5))
    early, late = rng.random((2, 3, 5)) < 0.5
    visible = early & (rng.random((3, 5)) < 0.5)
    bought = np.zeros(3, [("early", bool, 5), ("late", bool, 5)])
    bought["early"] = early
    bought["late"] = late

    def entropy(z, y):
        return np.log(1 + np.exp(z)) - y * z

    later = entropy(z, late)[~early].mean()
    found = entropy(hidden, early)[~visible].mean()
    outputs = {"late": Tensor(z), "hidden": Tensor(hidden), "visible": visible}
    assert float(recommend_loss(outputs, bought)) == pytest.approx(later + 3 * found)
    assert float(recommend_loss({"late": Tensor(z)}, bought)) == pytest.approx(later)


def test_the_answer_loss_is_the_sum_of_its_questions_with_half_of_category():
    rng = np.random.default_rng(0)
    widths = {"price": 1, "department": 3, "category": 5, "brand": 1}
    outputs = {name: rng.normal(size=(4, width)) for name, width in widths.items()}
    truth = np.zeros(4, [("price", float), ("department", int), ("category", int), ("brand", bool)])
    truth["price"] = [0.5, 1, -1, 0]
    truth["department"] = [0, 2, 1, 0]
    truth["category"] = [4, 0, 2, 2]
    truth["brand"] = [1, 0, 0, 1]

    def softmax(z):
        return np.exp(z) / np.exp(z).sum(1, keepdims=True)

    department = softmax(outputs["department"])
    category = softmax(outputs["category"])
    brand = 1 / (1 + np.exp(-outputs["brand"][:, 0]))
    expected = 0.0
    for i in range(4):
        p_brand = brand[i] if truth["brand"][i] else 1 - brand[i]
        expected += (outputs["price"][i, 0] - truth["price"][i]) ** 2 / 4
        expected += -np.log(department[i, truth["department"][i]]) / 4
        expected += 0.5 * -np.log(category[i, truth["category"][i]]) / 4
        expected += -np.log(p_brand) / 4
    tensors = {name: Tensor(z) for name, z in outputs.items()}
    assert float(answer_loss(tensors, truth)) == pytest.approx(expected)


def test_the_pull_to_zero_counts_every_matrix_once_and_own_vectors_more(guide):
    model, _ = guide
    expected = 0.0
    for name, p in model.named_parameters().items():
        if p.ndim == 2:
            λ = 0.01 + 0.5 if name == "trunk.own.table" else 0.01
            expected += λ * (p.data**2).sum()
    assert float(pull_to_zero(0.01, 0.5)(model)) == pytest.approx(expected)


def other_answers(shop):
    """The shop in which every product has the answers of another."""
    columns = dict(vars(shop))
    for name in ("department", "category", "brand", "price"):
        columns[name] = columns[name][::-1]
    return Shop(**columns)


def test_what_is_asked_is_never_an_input(shop, monkeypatch):
    """Other departments, categories, brands and prices, and the same network says the same."""
    outputs = []
    for each in (shop, other_answers(shop)):
        texts = (each, Replies(each), *word_ids(each))
        monkeypatch.setattr(experiment, "shop_and_texts", lambda texts=texts: texts)
        split = Split(np.random.default_rng(0))
        model = SingleTask(*make_parts(split, np.random.default_rng(1)))
        with no_grad():
            outputs.append(model({"answer": np.arange(1000)})["answer"]["price"].data)
    np.testing.assert_array_equal(*outputs)


def test_mse_of_the_price_is_in_standardised_units():
    split = Split(np.random.default_rng(0), Condition(fraction=0.2))
    known = split.truth["price"][split.products["train"]]
    assert known.mean() == pytest.approx(0, abs=1e-5)
    assert known.std() == pytest.approx(1, abs=1e-5)
    assert float(mse(Tensor(np.zeros_like(known)), known)) == pytest.approx(1, abs=1e-5)


# Dialogue


@pytest.fixture(scope="module")
def replies(shop):
    return Replies(shop)


def test_a_reply_begins_with_what_was_asked_goes_round_and_states_four_facts(shop, replies):
    for q, product in enumerate((3, 400, 870, 999)):
        words = [replies.vocabulary[w] for w in replies.said[product, q] if w >= 0]
        text = " ".join(words)
        assert words[-1] == "."
        order = QUESTIONS[q:] + QUESTIONS[:q]
        assert text.startswith(OPENINGS[order[0]])
        places = [text.index(OPENINGS[question] + " ") for question in order]
        assert places == sorted(places)
        assert shop.category[product].lower() in text
        assert shop.department[product].lower() in text
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
        said = " ".join(replies.facts[product]["price"])
        price = shop.price[product]
        if said in dollars:
            nearest = min(abs(price - d) for d in dollars.values())
            assert abs(price - dollars[said]) == pytest.approx(nearest)
        else:
            assert said == "more than five dollars"
            assert price >= 5.5


def test_facts_are_marked_and_every_word_is_predicted_from_those_before(replies):
    said = replies.said[5, 2]
    fact = replies.fact[5, 2]
    so_far = replies.so_far[5, 2]
    expected = []
    for question in ("category", "brand", "price", "department"):
        expected += replies.facts[5][question]
    assert [replies.vocabulary[word] for word in said[fact]] == expected
    n = (said >= 0).sum()
    assert not fact[n:].any()
    assert replies.vocabulary[so_far[0]] == "."
    assert (so_far[1:n] == said[: n - 1]).all()


def test_a_fact_is_true_if_it_is_stated_once_and_as_it_is(shop, replies):
    product = int(np.flatnonzero(shop.brand == "National")[3])
    text = " ".join(word for word, _ in replies.reply(replies.facts[product], 0)[:-1])
    other_words = text.replace("it costs about", "it costs around")
    other_brand = text.replace("a national brand", "our own brand")
    assert len({text, other_words, other_brand}) == 3
    assert replies.true(product, text) == [True] * 4
    assert replies.true(product, other_words) == [False, True, True, True]
    assert replies.true(product, text + " this is butter") == [True, True, False, True]  # two kinds
    assert replies.true(product, text + " this is") == [True, True, False, True]
    assert replies.true(product, other_brand) == [True, True, True, False]
    assert replies.true(product, "") == [False] * 4


def test_logits_of_the_next_word_are_an_rnn_told_product_and_question_at_every_step():
    head = DialogueHead(6, np.random.default_rng(0), np.float64)
    z = np.random.default_rng(1).standard_normal((1, 32))
    asked = np.array([2])
    so_far = np.array([[0, 4, 4]])
    told = z[0] @ head.product.W.data + head.product.b.data + head.asked.table.data[2]
    W = head.state.W.data
    U = head.state.U.data
    b = head.state.b.data
    h = np.zeros(32)
    expected = []
    for word in so_far[0]:
        h = np.tanh((head.words.table.data[word] + told) @ W + h @ U + b)
        expected.append(h @ head.next.W.data + head.next.b.data)
    np.testing.assert_allclose(head((Tensor(z), asked, so_far)).data[0], expected, rtol=1e-10)


def test_the_dialogue_loss_is_the_mean_over_the_words_that_are_there():
    z = np.random.default_rng(0).standard_normal((2, 3, 4))
    reply = np.array([[1, 0, 3], [2, -1, -1]])
    p = np.exp(z) / np.exp(z).sum(2, keepdims=True)
    of_words = [p[0, 0, 1], p[0, 1, 0], p[0, 2, 3], p[1, 0, 2]]
    expected = -np.mean(np.log(of_words))
    assert float(dialogue_loss(Tensor(z), reply)) == pytest.approx(expected)


class Says:
    """A model whose next word depends on how much was said."""

    def __init__(self, replies, words):
        self.n = len(replies.vocabulary)
        self.words = [replies.vocabulary.index(word) for word in words]

    def __call__(self, inputs):
        _, asked, so_far = inputs["dialogue"]
        length = so_far.shape[1]
        next_word = self.words[min(length, len(self.words)) - 1]
        logits = np.zeros((len(asked), length, self.n))
        logits[:, -1, next_word] = 1
        return {"dialogue": Tensor(logits)}


def test_generation_takes_the_likeliest_word_until_the_end_and_ends_if_the_model_never_does(
    replies,
):
    two = np.array([0, 1])
    ending = Says(replies, ["this", "is", "eggs", "."])
    assert generate(ending, two, two, replies) == ["this is eggs"] * 2
    endless = Says(replies, ["is"])
    longest = " ".join(["is"] * replies.said.shape[2])
    assert generate(endless, two, two, replies) == [longest] * 2
