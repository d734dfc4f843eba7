"""Products are found by their words, and what is not known is what the answer head says."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymtl.shop.purchases import load, words
from tinymtl.shop.replies import NATIONAL, OWN
from tinymtl.shop.understanding import stem
from tinymtl.tensor import no_grad


def test_estimates_are_what_the_answer_head_says(agent):
    shop = load()
    unknown = np.flatnonzero(~agent.catalogue.known)
    said = {question: values[unknown] for question, values in agent.catalogue.says.items()}
    with no_grad():
        out = agent.model({"answer": unknown})["answer"]
    log_price = np.log(shop.price[agent.catalogue.known])
    price = np.exp(out["price"].data[:, 0] * log_price.std() + log_price.mean())
    brand = np.where(out["brand"].data[:, 0] > 0, OWN, NATIONAL)
    category = np.unique(shop.category)[out["category"].data.argmax(1)]
    np.testing.assert_allclose(said["price"], price, atol=0.006)
    np.testing.assert_array_equal(said["brand"], brand)
    np.testing.assert_array_equal(said["category"], category)


def literal_matches(agent, query):
    """The products that share the rarest words with the query, by plain loops."""

    def rarity(word):
        return math.log(1000 / sum(word in bag for bag in agent.catalogue.bags))

    scores = [sum(rarity(word) for word in set(query) & bag) for bag in agent.catalogue.bags]
    return {i for i, score in enumerate(scores) if score > max(scores) - 1e-9}


@pytest.mark.parametrize(
    "line",
    [
        "cheese",
        "shredded cheese",
        "hot dog buns",
        "red delicious pears",
        "frozen french fries",
        "16 oz bread",
    ],
)
def test_products_are_found_by_the_words_they_share_rare_ones_counting_more(agent, line):
    agent.reply(line)
    assert set(agent.pool) == literal_matches(agent, [stem(word) for word in words(line)])


@pytest.mark.parametrize(
    "short, long",
    [
        ("frzn potatoes", "frozen potato"),
        ("sft drnk", "soft drinks"),
        ("sw gds", "sweet goods"),
        ("catsup", "ketchup"),
    ],
)
def test_written_out_words_find_what_abbreviations_find(agent, short, long):
    agent.reply(short)
    found = agent.pool.copy()
    agent.reply(long)
    np.testing.assert_array_equal(found, agent.pool)


@given(data=st.data())
def test_the_products_found_are_the_literal_matches_and_none_without_a_shared_word(trained, data):
    agent, _ = trained
    stems = st.sampled_from([*agent.catalogue.stems, "unicorn"])
    named = data.draw(st.lists(stems, min_size=1, max_size=4))
    found, is_enough = agent.catalogue.find(named)
    if set(named) == {"unicorn"}:
        assert len(found) == 0
        assert not is_enough
        return
    assert set(found) == literal_matches(agent, named)
    assert is_enough or len(set(named)) > 1


def test_a_word_that_no_product_has_counts_as_the_rarest(agent):
    _, is_enough = agent.catalogue.find(["cheese"])
    assert is_enough
    _, is_enough = agent.catalogue.find(["cheese", "cheddar"])
    rarity = dict(zip(agent.catalogue.stems, agent.catalogue.rarity))["cheese"]
    assert is_enough == (rarity >= 0.4 * (rarity + math.log(1000)))


def test_products_that_fit_are_within_all_limits_and_of_the_brand(agent):
    price = agent.catalogue.says["price"]
    brand = agent.catalogue.says["brand"]
    limits = [("at least", 1.0), ("under", 2.0)]
    some = np.arange(999, 0, -3)
    expected = [i for i in some if 1 <= price[i] < 2]
    assert agent.catalogue.fitting(some, limits, "").tolist() == expected
    expected = [i for i in expected if brand[i] == OWN]
    assert agent.catalogue.fitting(some, limits, OWN).tolist() == expected
    assert agent.catalogue.fitting(some, [], "").tolist() == some.tolist()


def test_products_by_price_keep_their_order_where_prices_are_equal(agent):
    price = agent.catalogue.says["price"]
    some = np.arange(0, 1000, 3)
    rising = sorted(some, key=lambda i: price[i])
    falling = sorted(some, key=lambda i: -price[i])
    assert agent.catalogue.by_price(some, "rising").tolist() == rising
    assert agent.catalogue.by_price(some, "falling").tolist() == falling


def test_a_third_of_the_products_are_at_most_as_dear_as_the_cheapest_third(agent):
    price = agent.catalogue.says["price"]
    bound = agent.catalogue.cheapest_third(np.arange(90))
    assert (price[:90] < bound).sum() <= 30 < (price[:90] <= bound).sum() + 1
    assert agent.catalogue.cheapest_third(np.arange(0)) == 0


def test_the_products_with_most_buyers_come_first(agent):
    buyers = load().early.sum(0)[agent.catalogue.most_bought()]
    assert (np.diff(buyers) <= 0).all()


def test_recommended_is_what_scores_highest_among_products_not_bought_early(agent):
    reply = agent.reply("what would household 250 like")
    early = load().early
    with no_grad():
        out = agent.model({"recommend": early})["recommend"]
    scores = out["late"].data[250]  # of all households at once: alone it is rounded otherwise
    new = [i for i in np.argsort(-scores, kind="stable") if not early[250, i]]
    assert list(agent.pool) == new
    names = [line.split(": ")[0].strip() for line in reply.splitlines()[1:]]
    assert names == [agent.catalogue.names[i].split(": ")[0] for i in new[:5]]
