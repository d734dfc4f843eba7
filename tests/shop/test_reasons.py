"""Reasons are exact: the parts of a score add up to it, and shares are counted."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinymtl.shop.reasons import AlsoBought, features, parts_of_scores, scores_of


def basket_of(products):
    basket = np.zeros(1000, dtype=bool)
    basket[products] = True
    return basket


@settings(max_examples=20)
@given(st.lists(st.integers(0, 999), min_size=1, max_size=30, unique=True))
def test_the_parts_of_the_purchases_and_the_base_add_up_to_the_score(trained, products):
    agent, _ = trained
    basket = basket_of(products)
    base, parts = parts_of_scores(agent.model, basket)
    assert parts.shape == (len(products), 1000)
    expected = scores_of(agent.model, basket)
    np.testing.assert_allclose(base + parts.sum(0), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("household", [0, 12, 399])
def test_the_parts_of_a_household_add_up_to_the_score_it_is_recommended_by(agent, household):
    basket = agent.catalogue.early[household]
    base, parts = parts_of_scores(agent.model, basket)
    expected = agent.catalogue.scores[household]
    np.testing.assert_allclose(base + parts.sum(0), expected, rtol=1e-4, atol=1e-4)


def test_a_part_is_its_formula(agent):
    basket = basket_of([3, 70, 500, 901])
    head = agent.model.heads["recommend"]
    Z = features(agent.model)
    n = basket.sum()
    bought = agent.split.bought[agent.split.households["train"]]["early"]
    share = bought.sum(0) / bought.sum()
    z_bar = share @ Z
    _, parts = parts_of_scores(agent.model, basket)
    for row, j in enumerate([3, 70, 500, 901]):
        for i in (0, 3, 777):
            a = Z[i] @ head.appeal.W.data + head.appeal.b.data
            c = (Z[j] - z_bar) @ head.taste.W.data @ a / np.sqrt(n)
            assert parts[row, i] == pytest.approx(c, rel=1e-3, abs=1e-4)


def test_why_names_the_purchases_with_the_greatest_parts(agent):
    agent.reply("recommend something for household 12")
    product = agent.talk.shown[0][0]
    basket = agent.catalogue.early[12]
    _, parts = parts_of_scores(agent.model, basket)
    best = np.flatnonzero(basket)[parts[:, product].argmax()]
    said = agent.reply("why?")
    assert str(agent.catalogue.names[best]) in said


def test_the_numbers_behind_a_reason_add_up_under_explain(trained):
    agent, _ = trained
    agent.begin()
    agent.explaining.explain = True
    try:
        agent.reply("recommend something for household 12")
        said = agent.reply("why?")
    finally:
        agent.explaining.explain = False
    assert "logit" in said
    words = said[said.index("logit") :].split()
    total, base, rest = float(words[1]), float(words[4]), float(words[5])
    assert total == pytest.approx(base + rest, abs=0.002)


# What goes with what


def test_shares_are_counted_among_the_households_that_buy_and_pulled_to_those_of_all():
    early = np.array([[1, 1, 0], [1, 0, 1], [0, 1, 1], [1, 1, 0]], dtype=bool)
    also = AlsoBought(early)
    s = AlsoBought.SHRINKAGE
    share = also.of(np.array([0]))
    assert share[1] == pytest.approx((2 + s * 3 / 4) / (3 + s))
    assert share[2] == pytest.approx((1 + s * 2 / 4) / (3 + s))


def test_what_is_said_to_be_bought_more_often_is(agent):
    said = agent.reply("what goes with pasta?")
    told = re.findall(r"\((\d+) % of them, (\d+) % of all\)", said)
    assert len(told) == 4
    assert all(int(those) > int(everybody) for those, everybody in told)
    pasta = agent.talk.subjects[0].products
    early = agent.catalogue.early
    buy = early[:, pasta].any(1)
    also = agent.answering.also_bought
    best = np.argsort(-also.more_often(pasta))[:20]
    assert (early[buy][:, best].mean(0) > early[:, best].mean(0)).all()
