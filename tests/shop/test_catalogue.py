"""Products are found by what stands on labels, and what is not known is what the head says."""

import numpy as np
import pytest

from tinymtl.shop.amounts import Amount
from tinymtl.shop.catalogue import grouped
from tinymtl.shop.lexicon import WORDS
from tinymtl.shop.purchases import load
from tinymtl.shop.replies import NATIONAL, OWN
from tinymtl.shop.sizes import read_size, unit_amount
from tinymtl.shop.understanding import read
from tinymtl.shop.wording import off_by, said_price
from tinymtl.tensor import no_grad


def test_estimates_are_what_the_answer_head_says(agent, catalogue):
    shop = load()
    unknown = np.flatnonzero(~catalogue.known)
    said = {question: values[unknown] for question, values in catalogue.says.items()}
    with no_grad():
        out = agent.model({"answer": unknown})["answer"]
    log_price = np.log(shop.price[catalogue.known])
    price = np.exp(out["price"].data[:, 0] * log_price.std() + log_price.mean())
    brand = np.where(out["brand"].data[:, 0] > 0, OWN, NATIONAL)
    category = np.unique(shop.category)[out["category"].data.argmax(1)]
    np.testing.assert_allclose(said["price"], price, atol=0.006)
    np.testing.assert_array_equal(said["brand"], brand)
    np.testing.assert_array_equal(said["category"], category)


def test_what_is_known_is_said_as_it_is_recorded(catalogue):
    known = catalogue.known
    assert known.sum() == 700
    for question, says in catalogue.says.items():
        np.testing.assert_array_equal(says[known], catalogue.record[question][known])


# How sure an estimate is


def test_two_of_three_validation_prices_are_within_the_error_that_is_said(catalogue):
    shop = load()
    products = catalogue.validation
    assert len(products) == 100
    assert not catalogue.known[products].any()
    estimate = catalogue.estimates["price"][products]
    ratio = np.maximum(shop.price[products] / estimate, estimate / shop.price[products])
    within = (ratio <= 1 + catalogue.price_error() + 1e-9).mean()
    assert 0.66 <= within <= 0.68


def test_the_share_of_right_estimates_is_counted_on_validation_products(catalogue):
    products = catalogue.validation
    right = [catalogue.estimates["brand"][i] == catalogue.record["brand"][i] for i in products]
    assert catalogue.share_right("brand") == pytest.approx(np.mean(right))


def test_an_error_is_said_in_percent_or_as_a_factor():
    assert off_by(0.394) == "within 40 %"
    assert off_by(1.5) == "within a factor of 2.5"


# Finding


def mention_of(line):
    (mention,) = read(line).mentions
    return mention


@pytest.mark.parametrize("line", ["milk", "shredded cheese", "frozen pizza", "ritz crackers"])
def test_the_products_found_are_those_whose_type_is_meant(catalogue, line):
    found = catalogue.find(mention_of(line))
    mention = mention_of(line)
    for product in catalogue.every:
        kind = catalogue.kinds[product]
        is_meant = kind in mention.types and WORDS[kind].issuperset(mention.narrows)
        assert (product in found) == is_meant


@pytest.mark.parametrize(
    "some, others",
    [
        ("ketchup", "catsup"),
        ("soft drinks", "soda"),
        ("mayo", "mayonnaise"),
        ("donuts", "doughnuts"),
        ("frzn pizza", "frozen pizza"),
    ],
)
def test_two_words_for_one_thing_find_the_same_products(catalogue, some, others):
    np.testing.assert_array_equal(
        catalogue.find(mention_of(some)), catalogue.find(mention_of(others))
    )


def test_the_products_with_most_buyers_come_first(catalogue):
    buyers = load().early.sum(0)[catalogue.find(mention_of("cheese"))]
    assert (np.diff(buyers) <= 0).all()


def test_a_product_is_found_by_its_size_in_any_unit(catalogue):
    gallons = catalogue.find(mention_of("a gallon of white milk"))
    assert len(gallons)
    assert {catalogue.size(product).words for product in gallons} == {"1 gallon"}
    pounds = catalogue.of_size(catalogue.every, Amount(1, "pound"))
    ounces = catalogue.of_size(catalogue.every, Amount(16, "ounce"))
    np.testing.assert_array_equal(pounds, ounces)


def test_products_that_fit_are_within_all_limits_and_of_the_brand(catalogue):
    price = catalogue.says["price"]
    brand = catalogue.says["brand"]
    limits = [(">=", 1.0), ("<", 2.0)]
    some = np.arange(999, 0, -3)
    expected = [i for i in some if 1 <= price[i] < 2]
    assert catalogue.fitting(some, limits).tolist() == expected
    expected = [i for i in expected if brand[i] == OWN]
    assert catalogue.fitting(some, limits, OWN).tolist() == expected
    assert catalogue.fitting(some, []).tolist() == some.tolist()


def test_about_a_price_is_near_it_on_both_sides(catalogue):
    price = catalogue.says["price"]
    found = catalogue.fitting(catalogue.every, [("~", 2.0)])
    assert found.tolist() == [i for i in range(1000) if abs(price[i] - 2) <= 0.3]


def test_products_by_price_keep_their_order_where_prices_are_equal(catalogue):
    price = catalogue.says["price"]
    some = np.arange(0, 1000, 3)
    rising = sorted(some, key=lambda i: price[i])
    falling = sorted(some, key=lambda i: -price[i])
    assert catalogue.by_price(some).tolist() == rising
    assert catalogue.by_price(some, falls=True).tolist() == falling


# Groups


def test_alike_products_are_put_together_and_none_is_lost(catalogue):
    cheese = catalogue.find(mention_of("cheese"))
    for groups in (catalogue.alike(cheese), catalogue.told_apart(cheese)):
        assert sorted(np.concatenate(groups)) == sorted(cheese)
        for group in groups:
            assert len(set(catalogue.kinds[group])) == 1
    butter = catalogue.find(mention_of("butter"))
    for group in catalogue.alike(butter):
        for question in ("price", "brand"):
            assert len(set(catalogue.says[question][group])) == 1


def test_groups_stay_in_the_order_in_which_they_come():
    groups = grouped(np.array([5, 3, 8, 1]), ["b", "a", "b", "c"])
    assert [group.tolist() for group in groups] == [[5, 8], [3], [1]]


def test_a_price_is_said_with_about_unless_it_is_on_record(catalogue):
    known = np.flatnonzero(catalogue.known)[:3]
    unknown = np.flatnonzero(~catalogue.known)[:3]
    assert "about" not in said_price(catalogue, known)
    assert said_price(catalogue, unknown).startswith("about ")
    both = said_price(catalogue, np.concatenate([known, unknown]))
    on_record, _, estimated = both.partition(" on record, ")
    assert "about" not in on_record
    assert estimated.startswith("3 more estimated at about ")


# Sizes


@pytest.mark.parametrize(
    "label, words, base, amount",
    [
        ("16 OZ", "16 ounces", "ounce", 16),
        ("1 LB", "1 pound", "ounce", 16),
        ("2 L", "2 liters", "ounce", 67.6),
        ("GAL", "1 gallon", "ounce", 128),
        ("12 PK/12 OZ", "12 x 12 ounces", "ounce", 144),
        ("14 1/4 OZ", "14.25 ounces", "ounce", 14.25),
        ("1 DZ", "1 dozen", "count", 12),
        ("48-54 CT", "48 pieces", "count", 48),
        ("83.5 SQ FT", "83.5 square feet", "square foot", 83.5),
        ("(600) 4 LB", "4 pounds", "ounce", 64),
        ("", "", "", 0),
        ("size", "size", "", 0),
    ],
)
def test_sizes_are_read_from_labels(label, words, base, amount):
    size = read_size(label)
    assert (size.words, size.base) == (words, base)
    assert size.amount == pytest.approx(amount)


def test_every_size_of_the_shop_is_read():
    unread = {size for size in load().size if size and not read_size(size).base}
    assert unread <= {"size"}


def test_the_size_of_a_shipping_case_is_not_what_one_buys():
    assert read_size("40 LB", "BANANAS").is_case
    assert not read_size("8 OZ", "BANANAS").is_case
    assert not read_size("10 LB", "POTATOES RUSSET (BULK&BAG)").is_case
    assert not read_size("40 LB", "SUGAR").is_case


def test_a_customers_amount_is_in_the_base_of_its_unit():
    assert unit_amount(2, "pound") == ("ounce", 32)
    assert unit_amount(0.5, "gallon") == ("ounce", 64)
    assert unit_amount(1, "dozen") == ("count", 12)
