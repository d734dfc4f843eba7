"""The agent says what it knows and what it estimates, and lets slip no answer it has not seen."""

import copy
import re
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from conversations import CONVERSATIONS, replies_in
from hypothesis import given, settings
from hypothesis import strategies as st

import tinymtl
from tinymtl.shop.agent import Agent
from tinymtl.shop.answers import Subject
from tinymtl.shop.lexicon import TERMS, stems
from tinymtl.shop.offering import SHOWN
from tinymtl.shop.pieces import ACTS, DIETS, ELSEWHERE, LIMITS, ORDINALS, TOPICS
from tinymtl.shop.purchases import Shop, load, words
from tinymtl.shop.replies import NATIONAL, OWN, QUESTIONS
from tinymtl.shop.split import Split
from tinymtl.shop.understanding import read
from tinymtl.shop.wording import DEPARTMENTS, FIXED, named

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def talk_of(agent, i):
    """Let the conversation be about one product."""
    product = np.array([i])
    agent.begin()
    agent.talk.subjects = [Subject(named(agent.catalogue, product, with_size=False), product)]


def test_the_agent_says_what_the_front_page_shows(agent):
    talk = re.search(r"```text\n(> .*?)```", README, re.DOTALL)[1]
    turns = re.findall(r"^> (.*)\n((?:[^>].*\n)+)", talk, re.MULTILINE)
    assert len(turns) >= 3
    for line, expected in turns:
        assert agent.reply(line) == expected.rstrip("\n")


# Known and estimated


def test_what_is_known_is_the_record_and_what_is_not_is_called_an_estimate(agent):
    shop = load()
    known = set(Split(np.random.default_rng(0)).products["train"])
    for i in range(0, 1000, 7):
        talk_of(agent, i)
        price = agent.reply("how much is it")
        brand = agent.reply("is it your own brand")
        if i in known:
            assert f"{shop.price[i]:.2f} dollars" in price
            assert "about" not in price and "estimate" not in price
            assert (OWN if shop.brand[i] == "Private" else NATIONAL) in brand
            assert "probably" not in brand
            continue
        assert " about " in price and "That is an estimate" in price
        assert " probably " in brand and "an estimate" in brand


def test_every_price_of_a_list_that_is_not_on_record_is_called_an_estimate(agent):
    shop = load()
    recorded = {f"{price:.2f}" for price in shop.price[agent.catalogue.known]}
    for said in ("cheese", "snacks", "soup", "something to drink", "fruit"):
        agent.begin()
        for line in agent.reply(said).splitlines()[1 : SHOWN + 1]:
            assert claimed_prices(line) <= recorded


def without_explanations(reply):
    """The reply without the lines that `explain` adds, each in brackets."""
    return re.sub(r"\n  \[.*\]", "", reply)


def test_recorded_answers_of_test_products_have_no_influence_on_what_is_said(
    trained, transcript, use_shop, monkeypatch
):
    # Those of validation products are known to how sure an estimate is said to be.
    _, path = trained
    hidden = Split(np.random.default_rng(0)).products["test"]
    changed = {name: array.copy() for name, array in vars(load()).items()}
    for name in QUESTIONS:
        changed[name][hidden] = np.roll(changed[name][hidden], 37)
    use_shop(Shop(**changed))
    other = Agent(0, path, explain=True)
    cheat = Agent(0, path, truth=True)
    monkeypatch.undo()
    same = Agent(0, path, explain=True)
    honest = Agent(0, path, truth=True)
    for name in CONVERSATIONS:
        replies = replies_in(other, name)
        assert list(map(without_explanations, replies)) == transcript(name)
        if any(row["kind"] == "why" for row in CONVERSATIONS[name]):
            assert replies == replies_in(same, name)
    for product in range(1000):
        assert other.explaining.explanation(product) == same.explaining.explanation(product)
    names = [f"tell me about the {name}" for name in np.unique(same.catalogue.names)[::6]]
    for said in names:
        assert other.reply(said) == same.reply(said)
    # There was something to let slip: where the record may be shown, the replies differ.
    slips = (said for said in names if cheat.reply(said) != honest.reply(said))
    assert len(list(islice(slips, 4))) == 4


def test_the_record_is_shown_beside_an_estimate_only_on_demand(trained):
    plain, path = trained
    open_book = Agent(0, path, truth=True)
    shop = load()
    for i in np.flatnonzero(~plain.catalogue.known)[::50]:
        for agent in (plain, open_book):
            talk_of(agent, i)
        hidden = plain.reply("how much is it")
        shown = open_book.reply("how much is it")
        assert shown.startswith(hidden)
        assert f"on record: {open_book.catalogue.labels[i]}: {shop.price[i]}, " in shown


def test_under_truth_a_recommendation_says_what_was_bought_later_and_who_was_trained_on(trained):
    _, path = trained
    agent = Agent(0, path, truth=True)
    late = load().late
    for household in (17, 18, 250):
        agent.begin()
        said = agent.reply(f"what would household {household} like")
        told = said[said.index("in weeks 41 to 53: ") :]
        answers = [answer == "yes" for answer in re.findall(r"\b(yes|no)\b", told)]
        assert answers == [late[household, group[0]] for group in agent.talk.shown]
        assert ("(trained on)" in said) == (household in agent.catalogue.taught)


def test_an_explanation_names_the_label_the_rows_and_probabilities(trained):
    _, path = trained
    agent = Agent(0, path, explain=True)
    unknown = np.flatnonzero(~agent.catalogue.known)[40]
    talk_of(agent, unknown)
    label = agent.catalogue.labels[unknown]
    category = agent.catalogue.says["category"][unknown]
    said = agent.reply("what kind of thing is it")
    rows = f"shared rows words: {', '.join(words(label))}; own: {unknown}"
    assert f"[{label}: answer head, {rows}; {category} 0." in said
    known = np.flatnonzero(agent.catalogue.known)[0]
    talk_of(agent, known)
    assert "from the record, no head was asked" in agent.reply("how much is it")


def test_the_dialogue_heads_own_words_are_used_only_where_they_are_true_or_called_a_guess(agent):
    products = [
        *np.flatnonzero(agent.catalogue.known)[:30:5],
        *np.flatnonzero(~agent.catalogue.known)[:10:5],
    ]
    used = 0
    for i in products:
        talk_of(agent, i)
        said = agent.reply("tell me about it")
        found = re.search('In the words of my dialogue head: "(.*)", (.*)\\.', said)
        if not agent.catalogue.known[i]:
            assert found[2] == "its own guess"
        elif found:
            used += 1
            assert found[2] == "which is all as on record"
            assert all(agent.answering.replies.true(i, found[1].replace(",", "")))
    assert used


# Lists


@pytest.mark.parametrize(
    "condition, keeps",
    [
        ("under 3 dollars", lambda price, brand: price < 3),
        ("at most two dollars", lambda price, brand: price <= 2),
        ("over 1.50", lambda price, brand: price > 1.5),
        ("less than 90 cents", lambda price, brand: price < 0.9),
        ("not your own brand", lambda price, brand: brand == NATIONAL),
        ("your own brand", lambda price, brand: brand == OWN),
        (
            "under 4 dollars, not your own brand",
            lambda price, brand: price < 4 and brand == NATIONAL,
        ),
    ],
)
def test_conditions_keep_exactly_what_fits_by_the_values_that_are_said(agent, condition, keeps):
    price = agent.catalogue.says["price"]
    brand = agent.catalogue.says["brand"]
    agent.reply("cheese")
    before = agent.talk.need.fitting(agent.catalogue)
    agent.reply(condition)
    after = agent.talk.need.fitting(agent.catalogue)
    assert list(after) == [i for i in before if keeps(price[i], brand[i])]


NARROWER = ["over 50 cents", "no cookies", "under 3 dollars", "your own brand", "no milk"]


@settings(max_examples=25)
@given(st.sampled_from(["cheese", "snacks", "bread", "soup", "drinks"]), st.permutations(NARROWER))
def test_narrowing_never_widens(trained, first, conditions):
    agent, _ = trained
    agent.begin()
    agent.reply(first)
    for condition in [*conditions, "cheaper", "something cheaper"]:
        before = set(agent.talk.need.fitting(agent.catalogue))
        agent.reply(condition)
        assert set(agent.talk.need.fitting(agent.catalogue)) <= before


def test_what_was_excluded_is_never_offered_again(agent):
    agent.reply("I'm household 12 and I don't eat meat")
    meat = agent.talk.need.excluded["meat"]
    for said in ("what do you recommend?", "what else?", "something for dinner", "cheaper", "any"):
        agent.reply(said)
        for group in agent.talk.shown:
            assert not set(agent.catalogue.kinds[group]) & meat


def test_what_else_shows_all_groups_once(agent):
    agent.reply("cheese")
    seen = list(agent.talk.shown)
    while "That was all" not in agent.reply("what else?"):
        seen += list(agent.talk.shown)
    everything = np.concatenate(seen)
    assert sorted(everything) == sorted(agent.talk.need.fitting(agent.catalogue))


def test_the_second_one_is_the_second_of_the_list(agent):
    for said, place in (("the first one", 0), ("the second one", 1), ("the last one", -1)):
        agent.begin()
        agent.reply("cheese")
        expected = list(agent.talk.shown[place])
        agent.reply(said)
        (subject,) = agent.talk.subjects
        assert list(subject.products) == expected
    agent.begin()
    agent.reply("the second one")
    assert agent.talk.subjects == []


def test_recommended_is_what_scores_highest_among_products_not_bought_early(agent):
    agent.reply("what would household 250 like")
    early = load().early
    scores = agent.catalogue.scores[250]
    new = [i for i in np.argsort(-scores, kind="stable") if not early[250, i]]
    assert list(agent.talk.need.fitting(agent.catalogue)) == new
    firsts = list(dict.fromkeys(agent.catalogue.kinds[new]))[:SHOWN]
    assert [agent.catalogue.kinds[group[0]] for group in agent.talk.shown] == firsts


def test_a_basket_on_the_spot_is_what_the_head_reads(agent):
    agent.reply("I often buy tortilla chips, salsa and shredded cheese")
    basket = agent.talk.need.basket
    assert len(basket) == 3
    names = set(agent.catalogue.names[basket])
    assert names == {"tortilla chips", "salsa", "shredded cheese"}
    bought = np.zeros(1000, dtype=bool)
    bought[basket] = True
    scores = agent.catalogue.scores_of(bought)
    first = agent.talk.shown[0][0]
    assert scores[first] == scores[~bought].max()


# Talk


def test_a_question_is_never_asked_without_showing_something(agent):
    for said in ("cheese", "fruit", "something to drink", "snacks", "dinner"):
        agent.begin()
        reply = agent.reply(said)
        for _ in range(3):
            if agent.talk.asked is None:
                break
            assert "\n  1. " in reply
            reply = agent.reply("the first one")


PIECES = (
    "how much cheese under over 3 dollars household 17 -1 cheaper brand not about tell me it $ . "
    "1e9 between and or the second one why compare total two milk eggs what about no yes any"
).split()
for table in (ACTS, TOPICS, LIMITS, ORDINALS, ELSEWHERE, DIETS, TERMS):
    PIECES += [" ".join(phrase) for phrase in table]


@settings(max_examples=300)
@given(st.text(max_size=60) | st.lists(st.sampled_from(PIECES), max_size=9).map(" ".join))
def test_any_line_gets_a_printable_reply(trained, line):
    agent, _ = trained
    reply = agent.reply(line)
    assert reply
    for part in reply.split("\n"):
        assert part.isascii()
        assert part.isprintable()


@pytest.mark.parametrize("goodbye", ["bye", "goodbyee", "see you", "bye " * 200])
def test_a_goodbye_ends_the_conversation(agent, goodbye):
    for said in ("how much is butter", "", "xyzzy"):
        agent.reply(said)
        assert not agent.ended
    assert FIXED["bye"] in agent.reply(goodbye)
    assert agent.ended


def test_a_copy_of_an_agent_talks_on_by_itself(agent):
    agent.reply("cheese under 3 dollars")
    other = copy.deepcopy(agent)
    assert other.reply("what else?") == agent.reply("what else?")
    other.reply("how much is the honey?")
    assert agent.reply("your own brand") != other.reply("your own brand")


def test_a_saved_guide_has_the_same_conversation(trained, transcript):
    _, path = trained
    loaded = Agent(0, path)
    for name in list(CONVERSATIONS)[::5]:
        assert replies_in(loaded, name) == transcript(name)


def test_the_agent_is_part_of_the_package():
    assert tinymtl.shop.Agent is Agent


def claimed_prices(reply):
    """The prices that a reply states without calling them an estimate."""
    certain = re.sub(r"about \d+\.\d\d( to \d+\.\d\d)? dollars", "", reply)
    certain = re.sub(r"lies between .* dollars", "", certain)
    claims = re.findall(r"((?:\d+\.\d\d(?:, | or | to ))*\d+\.\d\d) dollars", certain)
    return {price for claim in claims for price in re.findall(r"\d+\.\d\d", claim)}


@pytest.mark.parametrize("part", range(4))
def test_all_that_is_said_of_a_kind_as_known_is_on_record(agent, part):
    record = agent.catalogue.record
    known = agent.catalogue.known
    for name in np.unique(agent.catalogue.names)[part::4]:
        agent.begin()
        price = agent.reply(f"how much is the {name}")
        (subject,) = agent.talk.subjects
        of_kind = np.isin(agent.catalogue.every, subject.products)
        assert (agent.catalogue.names[of_kind] == name).any()
        prices = {f"{p:.2f}" for p in record["price"][of_kind & known]}
        assert claimed_prices(price) <= prices, price
        brand = agent.reply("is it your own brand?")
        if "probably" not in brand and " of " not in brand.removeprefix(name):
            (said,) = set(record["brand"][of_kind & known])
            assert said in brand
        where = agent.reply("where is it?")
        if "probably" not in where:
            for department in np.unique(record["department"][of_kind & known]):
                assert DEPARTMENTS[department] in where


# Sums and reasons that go on


def in_sum(reply):
    """The sum that a reply ends with."""
    return float(re.search(r"together (?:about )?([0-9.]+) dollars", reply)[1])


def test_a_sum_goes_on_with_what_is_added_and_taken_off(agent):
    prices = {}
    for name in ("honey", "oatmeal", "celery"):
        prices[name] = in_sum(agent.reply(f"{name} total"))
    both = prices["honey"] + prices["oatmeal"]
    assert in_sum(agent.reply("honey plus oatmeal")) == pytest.approx(both)
    assert in_sum(agent.reply("add a celery")) == pytest.approx(sum(prices.values()))
    left = prices["oatmeal"] + prices["celery"]
    assert in_sum(agent.reply("and without the honey")) == pytest.approx(left)
    assert "enough" in agent.reply("is 50 dollars enough")


def test_why_not_says_where_a_product_stands_by_its_score(agent):
    agent.reply("recommend something for household 12")
    need = agent.talk.need
    bought = need.bought(agent.catalogue)
    scores = need.scores(agent.catalogue)
    tried = 0
    for name in ("honey", "sauerkraut", "pretzels", "asparagus"):
        products = agent.catalogue.find(read(name).wanted[0])
        reply = agent.reply(f"why not {name}?")
        if bought[products].any():
            assert "already" in reply
            continue
        tried += 1
        best = scores[products].max()
        place = int((scores[~bought] > best).sum()) + 1
        assert f"place {place} of the {(~bought).sum()} products" in reply
    assert tried


def test_the_other_one_of_two_is_the_one_that_was_not_picked(agent):
    agent.reply("show me honey and oatmeal")
    agent.reply("the second one")
    assert agent.reply("the other one").startswith("Honey")
    assert agent.reply("the other one").startswith("Oatmeal")


# What may not be confirmed


CANNOT_BE_KNOWN = [
    "are you sure it has no nuts?",
    "are you sure they are safe for her?",
    "are you sure she can eat that?",
    "is that true, no nuts?",
    "really no nuts in it?",
    "are you sure it's made by bees in France?",
    "isn't it on offer, are you sure?",
    "are you sure she won't get sick?",
    "are you 100% sure it is vegan?",
    "is that one safe?",
    "is that one safe for her?",
    "so that is safe then?",
    "is this one ok for a nut allergy?",
    "no nuts in it?",
    "has it got any nuts?",
    "so no nuts, correct?",
    "so no milk in it, right?",
    "can my daughter eat it?",
]


@pytest.mark.parametrize("line", CANNOT_BE_KNOWN)
def test_contents_safety_origin_and_offers_are_never_confirmed(agent, line):
    agent.reply("price of honey")
    said = agent.reply(line)
    assert said.startswith(FIXED["safe"]) and "label of honey" in said
    assert not agent.reply("are you sure?").startswith("Yes")


@given(st.lists(st.sampled_from(words("it has no she can eat safe for bees glass of lead"))))
@settings(max_examples=50)
def test_are_you_sure_confirms_the_price_and_nothing_else(trained, said):
    agent, _ = trained
    agent.begin()
    agent.reply("price of honey")
    reply = agent.reply(" ".join(["are you sure", *said]))
    if reply.startswith("Yes"):
        assert reply == "Yes: the price of honey (12 ounces), 2.49 dollars, is on record."
        assert set(said) <= {"it", "for", "of", "no"}


def test_are_you_sure_names_what_it_confirms(agent):
    agent.reply("price of honey")
    assert "price of honey (12 ounces), 2.49 dollars" in agent.reply("are you sure?")
    assert not agent.reply("are you sure it is 3 dollars?").startswith("Yes")
    agent.reply("where is it")
    assert "grocery department" in agent.reply("are you sure about that?")
    agent.reply("is it your own brand")
    assert "our own brand" in agent.reply("really?")


# Claims about all of a kind


def test_the_cheapest_under_a_filter_says_the_filter(agent):
    agent.reply("cookies about 3 dollars")
    assert agent.reply("just the cheapest").startswith("Among those about 3.00 dollars")
    assert "2.49" in agent.reply("the cheapest cookies")


def test_one_size_is_said_of_a_kind_only_if_all_its_products_have_it(agent):
    for name in ("ground coffee", "tortilla chips"):
        agent.reply(name)
        agent.reply("the first one")
        said = agent.reply("what size does it come in?")
        assert "one size" not in said and "The other products of this kind" in said
        agent.begin()


def test_counts_are_whole_numbers_from_1_to_999(agent):
    assert in_sum(agent.reply("3 dozen large eggs")) == pytest.approx(3.24)
    for line in ("-3 honeys", "0 honeys", "2.5 honeys", "1000000000 avocados", "honey x 1000"):
        assert agent.reply(line) == FIXED["count"]
    assert in_sum(agent.reply("999 honeys")) == pytest.approx(999 * 2.49)


def test_shares_of_what_goes_with_a_kind_count_households_that_buy_any_of_it(agent):
    catalogue = agent.catalogue
    for thing in ("honey", "tortilla chips"):
        said = agent.reply(f"what goes with {thing}?")
        kinds = list(TERMS[stems(thing)])
        buy = catalogue.early[:, np.isin(catalogue.kinds, kinds)].any(1)
        told = re.findall(r"(?:: |, | and )([^(,:]+?) \((\d+) % of them, (\d+) % of all\)", said)
        assert len(told) == 4
        for name, those, everybody in told:
            buy_it = catalogue.early[:, catalogue.names == name].any(1)
            assert those == f"{100 * buy_it[buy].mean():.0f}"
            assert everybody == f"{100 * buy_it.mean():.0f}"
    whole = agent.reply("what goes with tortilla chips?")
    agent.reply("tortilla chips under 2.60 dollars")
    agent.reply("the first one")
    assert agent.reply("what goes with it?") == whole


# Conditions that exclude each other, and what a new customer forgets


def test_what_cannot_be_at_once_is_said(agent):
    assert "at the same time" in agent.reply("cheese over 5 and under 4")
    assert "12 or 13" in agent.reply("household 12 and household 13")
    assert "household 13" in agent.reply("household 12, sorry, household 13")


def test_another_household_begins_without_the_filters_of_the_last(agent):
    agent.reply("cheese under 3 for household 12")
    assert agent.reply("household 13").startswith("I recommend for household 13, not bought before")
    assert not agent.talk.need.limits
    agent.reply("cheese under 3")
    agent.reply("what about household 14?")
    assert agent.talk.need.wanted == "cheese" and not agent.talk.need.limits


def test_no_dairy_though_is_an_exclusion_and_is_bread_free_is_none(agent):
    agent.reply("snacks")
    assert "no dairy" in agent.reply("no dairy though, we are full of that")
    agent.begin()
    assert "dollars" in agent.reply("is bread free?")
    assert not agent.talk.need.excluded


# What goes on from the last replies


def test_ok_but_no_nuts_is_not_only_answered_with_good(agent):
    agent.reply("snacks")
    assert agent.reply("ok but no nuts").startswith("What a product contains is not in my data")


def test_all_that_was_priced_is_added_up(agent):
    agent.reply("price of honey")
    agent.reply("and oatmeal?")
    both = in_sum(agent.reply("add both up"))
    assert both == pytest.approx(2.49 + 2.29)
    agent.begin()
    agent.reply("price of honey")
    agent.reply("and oatmeal?")
    assert in_sum(agent.reply("and two avocados, all together?")) == pytest.approx(both + 2.58)
    assert "2.64 are left" in agent.reply("are ten dollars enough?")


def test_own_brand_after_a_comparison_is_looked_for_among_what_was_compared(agent):
    agent.reply("is honey cheaper than oatmeal")
    agent.reply("which of these is your own brand?")
    assert agent.talk.need.wanted == "oatmeal and honey"


def test_a_limit_that_is_named_takes_the_place_of_cheaper(agent):
    agent.reply("price of eggs")
    assert agent.reply("cheaper, under 2 dollar").startswith("For eggs under 2.00 dollars")


def test_half_a_gallon_is_64_ounces(agent):
    assert "64 ounces" in agent.reply("orange juice, half gallon")


def test_litter_is_no_liter_and_a_letter_said_longer_is_no_other_word(agent):
    assert agent.reply("cat litter").startswith("I have no cat litter")
    assert "Hello" in agent.reply("heyy")


# Refusals


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda agent: Agent("x"), "^Agent: seed must be a whole number, at least 0; got 'x'"),
        (lambda agent: Agent(0, 3), "^Agent: path must be "),
        (lambda agent: Agent(0, None, "no"), "^Agent: explain must be True or False, got 'no'"),
        (lambda agent: Agent(0, truth="no"), "^Agent: truth must be True or False, got 'no'"),
        (lambda agent: Agent(0, apart=1), "^Agent: apart must be True or False, got 1"),
        (lambda agent: Agent(0, renews=1), "^Agent: renews must be True or False, got 1"),
        (lambda agent: agent.begin("x"), "^begin: household must be a whole number"),
        (lambda agent: agent.begin(400), "^begin: household must be from 0 to 399, got 400"),
        (lambda agent: agent.reply(3), "^reply: line must be a str, got int"),
    ],
)
def test_a_bad_argument_is_named_before_anything_is_trained_or_forgotten(agent, call, message):
    agent.reply("how much is the honey")
    before = agent.talk.subjects
    with pytest.raises((TypeError, ValueError), match=message):
        call(agent)
    assert agent.talk.subjects is before
