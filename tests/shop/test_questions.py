"""The question back is the one that tells most, by the formula and by counting all answers."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymtl.shop.questions import (
    DISTRIBUTIONS,
    MOST_OPTIONS,
    OTHERS,
    best_question,
    entropy,
    information,
    merged,
)


def entropy_of(chances):
    """H of a list of chances, by a plain loop."""
    return -sum(chance * math.log(chance) for chance in chances if chance > 0)


def brute_force(p, answers):
    """By how much the answer lowers the entropy of the product, on average over all answers."""
    before = entropy_of(p)
    after = 0.0
    for k in range(len(answers[0])):
        chance = sum(p[i] * answers[i][k] for i in range(len(p)))
        if chance > 0:
            posterior = [p[i] * answers[i][k] / chance for i in range(len(p))]
            after += chance * entropy_of(posterior)
    return before - after


def distributions(n, k):
    """n distributions over k answers; some of them one-hot."""
    row = st.lists(st.integers(0, 5), min_size=k, max_size=k).filter(any)
    return st.lists(row, min_size=n, max_size=n).map(
        lambda rows: np.array([np.array(r) / sum(r) for r in rows])
    )


@st.composite
def problems(draw):
    """Chances of products, and the distributions of their answers."""
    n = draw(st.integers(1, 6))
    k = draw(st.integers(1, 6))
    weights = draw(st.lists(st.integers(1, 9), min_size=n, max_size=n))
    return np.array(weights) / sum(weights), draw(distributions(n, k))


@given(problems())
def test_information_is_by_how_much_the_answer_lowers_the_entropy_of_the_product(problem):
    p, answers = problem
    assert information(p, answers) == pytest.approx(brute_force(p, answers), abs=1e-9)


@given(problems())
def test_information_is_never_negative_nor_more_than_the_product_or_the_answer_holds(problem):
    p, answers = problem
    told = information(p, answers)
    assert -1e-9 <= told <= min(entropy(p), math.log(answers.shape[1])) + 1e-9


@given(problems())
def test_merging_answers_never_tells_more_and_leaves_at_most_four(problem):
    p, answers = problem
    labels = [f"answer {k}" for k in range(answers.shape[1])]
    new_labels, new_answers = merged(labels, answers, p)
    assert len(new_labels) == new_answers.shape[1] <= MOST_OPTIONS
    np.testing.assert_allclose(new_answers.sum(1), 1)
    assert information(p, new_answers) <= information(p, answers) + 1e-9
    if len(labels) > MOST_OPTIONS:
        assert new_labels[-1] == OTHERS


def test_an_answer_that_is_the_same_for_all_tells_nothing():
    p = np.full(5, 0.2)
    assert information(p, np.tile([0.3, 0.7], (5, 1))) == pytest.approx(0)
    assert information(p, np.eye(5)) == pytest.approx(math.log(5))


@pytest.mark.parametrize("said", ["cheese", "something to drink", "snacks", "fruit"])
def test_the_question_asked_has_the_greatest_information_of_all(agent, said):
    agent.reply(said)
    asked = agent.talk.asked
    products = agent.talk.need.fitting(agent.catalogue)
    p = np.full(len(products), 1 / len(products))
    candidates = []
    for about, function in DISTRIBUTIONS.items():
        if about == "size":
            continue  # these are of many kinds
        _, answers = merged(*function(agent.catalogue, products), p)
        candidates.append(brute_force(list(p), answers.tolist()))
    assert asked.information == pytest.approx(max(candidates), abs=1e-9)


def test_every_distribution_of_answers_sums_to_one(catalogue):
    products = catalogue.every[::17]
    for function in DISTRIBUTIONS.values():
        labels, answers = function(catalogue, products)
        assert answers.shape == (len(products), len(labels))
        np.testing.assert_allclose(answers.sum(1), 1, atol=1e-6)
        assert (answers >= 0).all()


def test_recorded_answers_are_certain_and_estimated_ones_are_not(catalogue):
    products = catalogue.every
    known = catalogue.known
    for about in ("price", "brand"):
        _, answers = DISTRIBUTIONS[about](catalogue, products)
        certain = np.isclose(answers.max(1), 1)
        assert certain[known].all()
        assert not certain[~known].all()


def test_no_question_is_asked_where_nothing_is_left_to_ask(catalogue):
    one = catalogue.every[:1]
    assert best_question(catalogue, one, np.ones(1)) is None


def test_each_option_of_a_question_leads_to_other_products_and_together_to_all(agent):
    agent.reply("cheese")
    asked = agent.talk.asked
    chosen = [set(asked.chosen(option)) for option in range(len(asked.options))]
    for some, others in itertools.combinations(chosen, 2):
        assert not some & others
    assert set().union(*chosen) == set(asked.products)
