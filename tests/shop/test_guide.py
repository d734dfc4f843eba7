"""The guide's parts against their formulas, written as plain loops."""

import numpy as np
import pytest

from tinymtl import HardSharing, SingleTask
from tinymtl.losses import mse
from tinymtl.shop.experiment import Split, make_parts
from tinymtl.shop.guide import answer_loss, pull_to_zero, recommend_loss, word_ids
from tinymtl.shop.purchases import Shop, load, words
from tinymtl.tensor import Tensor, no_grad


VOCABULARY = word_ids(load())[1]


@pytest.fixture(scope="module")
def shop():
    return load()


@pytest.fixture
def guide(shop):
    split = Split(shop, np.random.default_rng(5), 0.5)
    model = HardSharing(*make_parts(shop, split, np.random.default_rng(6), np.float64))
    model.trunk.own.table.data = np.random.default_rng(7).normal(size=(1000, 16))  # starts at 0, which would hide it
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
    np.testing.assert_allclose(model.trunk(some).data, expected, rtol=1e-12)


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
        new = train["late"][~train["early"][:, product], product]  # of those who had not bought it early
        p = (new.sum() + 1) / (len(new) + 2)
        assert got[household, product] == pytest.approx(taste @ appeal + np.log(p / (1 - p)), rel=1e-9)


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
    outputs = {name: rng.normal(size=(4, n)) for name, n in (("price", 1), ("department", 3), ("category", 5), ("brand", 1))}
    truth = np.zeros(4, [("price", float), ("department", int), ("category", int), ("brand", bool)])
    truth["price"], truth["department"], truth["category"], truth["brand"] = [0.5, 1, -1, 0], [0, 2, 1, 0], [4, 0, 2, 2], [1, 0, 0, 1]
    softmax = lambda z: np.exp(z) / np.exp(z).sum(1, keepdims=True)
    expected = np.mean([(outputs["price"][i, 0] - truth["price"][i]) ** 2 for i in range(4)])
    expected += np.mean([-np.log(softmax(outputs["department"])[i, truth["department"][i]]) for i in range(4)])
    expected += 0.5 * np.mean([-np.log(softmax(outputs["category"])[i, truth["category"][i]]) for i in range(4)])
    p = 1 / (1 + np.exp(-outputs["brand"][:, 0]))
    expected += np.mean([-np.log(p[i] if truth["brand"][i] else 1 - p[i]) for i in range(4)])
    assert float(answer_loss({name: Tensor(z) for name, z in outputs.items()}, truth)) == pytest.approx(expected)


def test_the_pull_to_zero_counts_every_matrix_once_and_own_vectors_more(guide):
    model, _ = guide
    expected = 0.0
    for name, p in model.named_parameters().items():
        if p.ndim == 2:
            expected += (0.01 + (0.5 if name == "trunk.own.table" else 0)) * (p.data**2).sum()
    assert float(pull_to_zero(0.01, 0.5)(model)) == pytest.approx(expected)


def test_what_is_asked_is_never_an_input(shop):
    """Other departments, categories, brands and prices, and the same network says the same."""
    split = Split(shop, np.random.default_rng(0), 1.0)
    other = Shop(**{**vars(shop), **{name: getattr(shop, name)[::-1] for name in ("department", "category", "brand", "price")}})
    outputs = []
    for each in (shop, other):
        model = SingleTask(*make_parts(each, split, np.random.default_rng(1)))
        with no_grad():
            outputs.append(model({"answer": np.arange(1000)})["answer"]["price"].data)
    np.testing.assert_array_equal(*outputs)


def test_mse_of_the_price_is_in_standardised_units(shop):
    split = Split(shop, np.random.default_rng(0), 0.2)
    known = split.truth["price"][split.products["train"]]
    assert known.mean() == pytest.approx(0, abs=1e-5) and known.std() == pytest.approx(1, abs=1e-5)
    assert float(mse(Tensor(np.zeros_like(known)), known)) == pytest.approx(1, abs=1e-5)
