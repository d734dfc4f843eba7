"""A reply states four facts in order, and a fact is told from what only looks like it."""

import numpy as np
import pytest

from tinymtl.shop.purchases import load
from tinymtl.shop.replies import (
    NATIONAL,
    OPENINGS,
    OWN,
    PRICES,
    QUESTIONS,
    Replies,
    price_in_words,
)


@pytest.fixture(scope="module")
def shop():
    return load()


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


def test_every_question_has_an_opening_and_every_price_its_words():
    assert tuple(OPENINGS) == QUESTIONS
    assert list(PRICES) == sorted(PRICES)
    assert price_in_words(0.01) == "half a dollar"
    assert price_in_words(0.75) == "a dollar"
    assert price_in_words(1e9) == "more than five dollars"


def test_no_opening_is_part_of_an_answer(replies):
    """Otherwise a fact could be counted where it is not stated."""
    answers = {" ".join(fact) for facts in replies.facts for fact in facts.values()}
    assert {OWN, NATIONAL} < answers
    for opening in OPENINGS.values():
        assert not [answer for answer in answers if f" {opening} " in f" {answer} "]
