"""The guesses without a network are what their names say, made from what is known."""

import numpy as np
import pytest

from tinymtl.shop.baselines import baselines
from tinymtl.shop.experiment import measure
from tinymtl.shop.purchases import load, words
from tinymtl.shop.replies import QUESTIONS
from tinymtl.shop.split import Condition, Split


@pytest.fixture(scope="module")
def shop():
    return load()


def product_texts(shop):
    """The set of words of each product."""
    return [set(words(f"{kind} {size}")) for kind, size in zip(shop.type, shop.size)]


def test_most_common_is_the_commonest_category_and_the_share_of_new_buyers(shop):
    split = Split(np.random.default_rng(1), Condition(fraction=0.3))
    guess = baselines(split)["most common"]
    of_known = list(shop.category[split.products["train"]])
    commonest = max(set(of_known), key=of_known.count)
    assert set(split.categories[guess["category"]]) == {commonest}
    train = split.bought[split.households["train"]]
    had_not = [household for household in range(280) if not train["early"][household, 5]]
    share = np.mean([train["late"][household, 5] for household in had_not])
    assert guess["late"][0, 5] == pytest.approx(share)


def test_nearest_words_is_the_product_with_the_largest_cosine_of_its_rare_words(shop):
    split = Split(np.random.default_rng(1), Condition(fraction=0.3))
    guess = baselines(split)["nearest words"]
    known = split.products["train"]
    texts = product_texts(shop)
    rarity = {}
    for word in set().union(*texts):
        rarity[word] = np.log(1000 / sum(word in text for text in texts))

    def product_of(a, b):
        return sum(rarity[word] ** 2 for word in a & b)

    def cosine(a, b):
        return product_of(a, b) / np.sqrt(product_of(a, a)) / np.sqrt(product_of(b, b))

    for i in (0, 17, 199):
        text = texts[split.products["test"][i]]
        alike = np.array([cosine(text, texts[k]) for k in known])
        best = known[alike >= alike.max() - 1e-9]
        share_of_own = np.mean(shop.brand[best] == "Private")
        assert guess["brand"][i] == pytest.approx(share_of_own)
        assert split.categories[guess["category"][i]] in shop.category[best]


# At seed 3 the test products would have chosen another strength.
@pytest.mark.parametrize("seed", [1, 3])
def test_ridge_regression_is_the_least_of_its_four_on_validation_products(shop, seed):
    split = Split(np.random.default_rng(seed), Condition(fraction=0.1))
    known = split.products["train"]
    validation = split.products["validation"]
    test = split.products["test"]
    texts = product_texts(shop)
    vocabulary = sorted(set().union(*texts))
    has = np.array([[w in text for w in vocabulary] for text in texts], float)
    has *= np.log(1000 / has.sum(0))
    train = split.bought[split.households["train"]]
    buys = (train["early"] | train["late"]).T.astype(float)
    buys -= buys.mean()
    has /= np.sqrt((has**2).sum(1, keepdims=True))
    buys /= np.sqrt((buys**2).sum(1, keepdims=True))
    X = np.hstack([has, buys])
    n = len(split.departments)
    m = len(split.categories)
    Y = np.hstack(
        [
            split.truth["price"][:, None],
            split.truth["brand"][:, None],
            np.eye(n)[split.truth["department"]],
            np.eye(m)[split.truth["category"]],
        ]
    )
    mean = Y[known].mean(0)
    guesses = {}
    for λ in (0.1, 0.3, 1.0, 3.0):
        # The primal form: W = (XᵀX + λI)⁻¹ Xᵀ(Y − mean).
        XX = X[known].T @ X[known]
        W = np.linalg.solve(XX + λ * np.eye(len(XX)), X[known].T @ (Y[known] - mean))
        error = ((X[validation] @ W + mean - Y[validation]) ** 2).sum()
        guesses[error] = X[test] @ W + mean
    best = guesses[min(guesses)]
    got = baselines(split)["ridge regression"]
    np.testing.assert_allclose(got["price"][:, 0], best[:, 0], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(got["brand"][:, 0], best[:, 1], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(got["category"], best[:, 2 + n :].argmax(1))


def test_a_model_that_only_memorises_what_training_shows_is_the_commonest_answer_on_test_products():
    split = Split(np.random.default_rng(0))
    products, truth = split.data("train")["answer"]
    (talked_of, _, _), _ = split.data("train")["dialogue"]
    memory = dict(zip(products, truth))
    most_common = baselines(split)["most common"]
    commonest = {question: most_common[question] for question in QUESTIONS}
    said = {question: guess.copy() for question, guess in commonest.items()}
    for i, product in enumerate(split.products["test"]):
        if product in memory:
            for question in QUESTIONS:
                said[question][i] = memory[product][question]
    assert measure(said, split) == pytest.approx(measure(commonest, split), nan_ok=True)
    assert measure(said, split)["own brand, AUC"] == 0.5
    assert not set(talked_of) & set(split.products["test"])
