"""What a line means after another one: a limit, a sum, "the others", "the second cheapest"."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinymtl.shop import answers
from tinymtl.shop.answers import Subject
from tinymtl.shop.lexicon import TERMS, stems
from tinymtl.shop.understanding import read
from tinymtl.shop.wording import named

# Things of which there is one product with a price on record → its price.
SINGLE = {"honey": 2.49, "rye bread": 2.29, "oatmeal": 2.29, "salsa": 1.29, "apple juice": 1.89}


def products_of(agent, term):
    """The products that a term means."""
    return agent.catalogue.of_types(TERMS[stems(term)])


# A new thing

FIRST = [
    "cookies under 3 dollars",
    "your own brand butter",
    "the cheapest coffee",
    "what goes with salsa?",
    "cereal about 4 dollars",
    "ketchup, mustard, salsa: the cheapest of each",
    "total of honey and oatmeal",
    "which is cheaper, butter or margarine",
    "do you have your own brand of flour and what does it cost",
    "what other mustard do you have",
    "second cheapest peanut butter",
    "24 ounce ketchup",
]
THEN = [
    "the cheapest bread",
    "how much is vinegar and where is it",
    "which has more in it, honey or oatmeal?",
    "second cheapest canned tuna",
    "milk eggs flour, cheapest of each",
    "total of honey and two lemons",
    "show me toilet paper",
    "what goes with spaghetti?",
    "which is cheaper, apple juice or orange juice",
    "I need bleach",
    "the dearest sugar",
    "which sugar has the most in it?",
    "any paper napkins at all",
]


@pytest.fixture(scope="module")
def alone(trained):
    """Line of THEN -> the reply if it is the first of a conversation."""
    agent, _ = trained
    replies = {}
    for line in THEN:
        agent.begin()
        replies[line] = agent.reply(line)
    return replies


@pytest.mark.parametrize("first", FIRST)
def test_a_question_about_a_new_thing_is_answered_as_if_it_were_the_first(alone, agent, first):
    for line, expected in alone.items():
        agent.begin()
        agent.reply(first)
        assert agent.reply(line) == expected


# The list that was shown last


@pytest.mark.parametrize("thing", ["tortilla chips", "salsa", "pretzels", "cereal", "spaghetti"])
@pytest.mark.parametrize("limit", [1.5, 2.0, 3.0])
def test_a_limit_after_what_goes_with_a_thing_narrows_what_was_shown(agent, thing, limit):
    agent.reply(f"what goes with {thing}?")
    kinds = [str(agent.catalogue.names[group[0]]) for group in agent.talk.groups]
    agent.reply(f"under {limit} dollars")
    assert len(agent.talk.shown) > 1
    places = []
    for group in agent.talk.shown:
        assert (agent.catalogue.says["price"][group] < limit).all()
        places.append(kinds.index(str(agent.catalogue.names[group[0]])))
    assert places == sorted(places)


def test_the_first_two_and_the_last_two_are_those_of_the_list(agent):
    agent.reply("cookies")
    row = [subject.name for subject in agent.talk.in_row]
    for said, expected in (("the first two", row[:2]), ("the last two", row[-2:])):
        agent.reply(said)
        assert [subject.name for subject in agent.talk.subjects] == expected


def test_what_is_not_liked_is_not_shown_again(agent):
    agent.reply("cookies")
    left_out = set()
    for place in ("second", "first"):
        group = agent.talk.shown[1 if place == "second" else 0]
        left_out |= set(group)
        agent.reply(f"not the {place} one")
        rest = set(agent.talk.need.fitting(agent.catalogue))
        assert rest == set(products_of(agent, "cookie")) - left_out


@pytest.mark.parametrize("thing", ["coffee", "bleach", "peanut butter", "cookies", "sugar"])
def test_the_others_are_all_of_a_kind_but_what_was_told(agent, thing):
    agent.reply(f"the cheapest {thing}")
    (told,) = agent.talk.subjects
    reply = agent.reply(f"what other {thing} have you got?")
    rest = set(products_of(agent, thing)) - set(told.products)
    assert set(np.concatenate(agent.talk.shown)) == rest
    assert str(len(rest)) in reply or len(rest) == 1


# The so and so cheapest


@settings(max_examples=60)
@given(st.sampled_from(sorted(TERMS)), st.integers(1, 5), st.booleans())
def test_the_second_cheapest_has_the_second_price_of_all_different_ones(trained, term, rank, falls):
    catalogue = trained[0].catalogue
    products = catalogue.of_types(TERMS[term])
    prices = catalogue.says["price"][products]
    recorded = set(prices[catalogue.known[products]])
    different = sorted(recorded if rank <= len(recorded) else set(prices), reverse=falls)
    best = answers.ranked(catalogue, products, falls, rank)
    if rank > len(different):
        assert len(best) == 0
    else:
        assert catalogue.says["price"][best] == different[rank - 1]


def test_the_next_cheapest_comes_after_the_one_that_was_told(agent):
    agent.reply("the cheapest sugar")
    told = [agent.reply("the next cheapest") for _ in range(3)]
    for rank, said in zip(("second", "third", "fourth"), told):
        assert f"The {rank} cheapest sugar on record" in said


@pytest.mark.parametrize("things", ["milk eggs bread", "honey, salsa and rye bread"])
def test_the_cheapest_of_each_is_what_is_said_of_each_alone(agent, things):
    both = agent.reply(f"{things}, the cheapest of each")
    for mention in read(things).wanted:
        agent.begin()
        alone = agent.reply(f"the cheapest {mention.said}").split("\n")[0]
        assert alone in both


# Sums

ADDING = ["put {} on top", "and {}", "plus {}", "also add {}"]
ITEMS = st.tuples(st.sampled_from(list(SINGLE)), st.integers(1, 9))


@settings(max_examples=40)
@given(st.lists(ITEMS, min_size=2, max_size=5), st.sampled_from(ADDING))
def test_adding_one_after_the_other_is_adding_all_at_once(trained, items, form):
    agent, _ = trained
    agent.begin()
    counts = {}
    for thing, count in items:
        counts[thing] = counts.get(thing, 0) + count
    (first, count), *rest = counts.items()
    agent.reply(f"the total of {count} {first}, please")
    reply = ""
    for thing, count in rest:
        reply = agent.reply(form.format(f"{count} {thing}"))
    amount = sum(count * SINGLE[thing] for thing, count in counts.items())
    if rest:
        assert reply.endswith(f"together {amount:.2f} dollars.")
    change = agent.reply("do I get change from 500")
    assert f"{500 - amount:.2f} are left" in change


def test_a_number_that_is_put_right_replaces_the_old_one(agent):
    agent.reply("the total of 2 honey and 3 salsa")
    right = f"together {4 * 2.49 + 3 * 1.29:.2f} dollars"
    assert right in agent.reply("make that 4 honeys")
    assert right in agent.reply("what is the total")


# What was bought


@settings(max_examples=60)
@given(st.sampled_from(sorted(TERMS)), st.integers(0, 399))
def test_a_household_bought_a_kind_if_it_bought_any_of_it_in_the_first_forty_weeks(
    trained, term, household
):
    catalogue = trained[0].catalogue
    products = catalogue.of_types(TERMS[term])
    said = answers.bought_by(catalogue, Subject("it", products), household)
    assert said.startswith("Yes" if catalogue.early[household, products].any() else "No")
    assert "in weeks 1 to 40" in said


@settings(max_examples=60)
@given(st.sampled_from(sorted(TERMS)))
def test_a_kind_has_as_many_buyers_as_households_that_bought_any_of_it(trained, term):
    catalogue = trained[0].catalogue
    products = catalogue.of_types(TERMS[term])
    many = sum(catalogue.early[household, products].any() for household in range(400))
    assert f" {many} of 400 households" in answers.buyers(catalogue, Subject("it", products))


@pytest.mark.parametrize("household", [12, 77, 250])
@pytest.mark.parametrize("thing", ["milk", "bananas", "cheese", "honey"])
def test_a_kind_that_is_named_has_what_was_bought_before_and_a_recommendation_has_not(
    agent, household, thing
):
    bought = set(np.flatnonzero(agent.catalogue.early[household]))
    products = set(products_of(agent, thing))
    agent.begin(household)
    agent.reply(thing)
    assert set(agent.talk.need.fitting(agent.catalogue)) == products
    agent.reply(f"recommend {thing}")
    assert set(agent.talk.need.fitting(agent.catalogue)) == (products - bought or products)


# How sure


def test_an_estimate_has_one_price_and_one_range_however_it_is_asked_for(agent):
    for i in np.flatnonzero(~agent.catalogue.known)[::9]:
        product = np.array([i])
        agent.begin()
        agent.talk.subjects = [Subject(named(agent.catalogue, product, with_size=False), product)]
        replies = [agent.reply("how much is it?"), agent.reply("sure?")]
        replies += [agent.reply("how certain is that price"), agent.reply("u sure abt that price")]
        prices = {re.search(r"about (\d+\.\d\d) dollars", reply)[1] for reply in replies}
        ranges = {
            re.search(r"between (\S+) and (\S+) dollars", reply).groups() for reply in replies
        }
        assert prices == {f"{agent.catalogue.says['price'][i]:.2f}"}
        assert len(ranges) == 1
        ((low, high),) = ranges
        ratio = 1 + agent.catalogue.price_error()
        price = agent.catalogue.says["price"][i]
        assert float(low) == pytest.approx(price / ratio, abs=0.006)
        assert float(high) == pytest.approx(price * ratio, abs=0.006)


def test_the_range_of_an_estimate_holds_two_of_three_validation_prices(agent):
    catalogue = agent.catalogue
    inside = []
    for product in catalogue.validation:
        low, high = catalogue.usual_range(product)
        inside.append(low - 0.005 <= catalogue.record["price"][product] <= high + 0.005)
    assert np.mean(inside) == pytest.approx(2 / 3, abs=0.03)


# What a line means


@pytest.mark.parametrize(
    "line, things",
    [
        ("milk eggs bread", ["milk", "eggs", "bread"]),
        ("ketchup mustard sugar please", ["ketchup", "mustard", "sugar"]),
        ("cheese crackers", ["cheese crackers"]),
        ("milk eggs", ["milk eggs"]),
        ("chocolate chip cookies", ["chocolate chip cookies"]),
    ],
)
def test_three_things_in_a_row_are_a_list_and_what_tells_more_of_a_thing_is_none(line, things):
    assert [mention.said for mention in read(line).wanted] == things


@pytest.mark.parametrize(
    "line, rank",
    [
        ("the cheapest tuna", 1),
        ("second cheapest tuna?", 2),
        ("the 3rd most expensive tuna", 3),
        ("whats the next cheapest", 0),
    ],
)
def test_a_rank_stands_before_the_superlative(line, rank):
    (question,) = read(line).questions
    assert question.rank == rank


@pytest.mark.parametrize("line, asks", [("sure?", True), ("sure", False), ("is it? ok", False)])
def test_a_question_ends_with_its_mark(line, asks):
    assert read(line).asks == asks


def test_a_quality_behind_a_comma_tells_which_one_is_meant(agent):
    assert agent.reply("coffee, ground, price?") == agent.reply("price of ground coffee?")
