"""A line is understood: what is asked, of which products, and under which conditions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymtl.shop.amounts import Amount, read_amount, tokens
from tinymtl.shop.lexicon import NAMES, TERMS, stems
from tinymtl.shop.meaning import Mention
from tinymtl.shop.pieces import ACTS, LIMITS, pieces, written_out
from tinymtl.shop.purchases import load, words
from tinymtl.shop.replies import NATIONAL, OWN
from tinymtl.shop.spelling import KNOWN_WORDS, corrected, distance
from tinymtl.shop.understanding import LONGEST, read

# Laws


@given(st.lists(st.sampled_from(sorted(KNOWN_WORDS)) | st.text(max_size=6), max_size=12))
def test_pieces_cover_all_tokens_once_and_in_order(parts):
    cut = tokens(" ".join(parts))
    ends = [piece.end for piece in pieces(cut)]
    assert ends == sorted(set(ends))
    assert (ends[-1] if ends else 0) == len(cut)


@given(st.text(max_size=80))
def test_any_line_has_a_meaning(line):
    meaning = read(line)
    assert meaning.empty == (not line.strip())


@given(st.text("abcdef", max_size=7), st.text("abcdef", max_size=7))
def test_distance_is_symmetric_and_zero_for_equal_words_alone(a, b):
    assert distance(a, b) == distance(b, a)
    assert (distance(a, b) == 0) == (a == b)
    assert distance(a, b) <= max(len(a), len(b))


@given(
    st.text("abcdef", min_size=2, max_size=7),
    st.integers(0, 99),
    st.sampled_from(["drop", "double", "swap", "replace"]),
)
def test_one_slip_is_one_step(word, place, slip):
    i = place % (len(word) - 1)
    slipped = {
        "drop": word[:i] + word[i + 1 :],
        "double": word[: i + 1] + word[i] + word[i + 1 :],
        "swap": word[:i] + word[i + 1] + word[i] + word[i + 2 :],
        "replace": word[:i] + "z" + word[i + 1 :],
    }[slip]
    assert distance(word, slipped) == (slipped != word)


@pytest.mark.parametrize("word", sorted(KNOWN_WORDS)[::7])
def test_a_known_word_is_never_corrected(word):
    assert corrected(word) == word


@given(
    st.sampled_from(sorted(" ".join(phrase) for phrase in LIMITS)),
    st.integers(1, 9999),
    st.sampled_from(["{:.2f}", "${:.2f}", "{:.2f} dollars", "$ {:.2f}"]),
)
def test_a_limit_is_read_as_it_is_written(way, cents, form):
    test = LIMITS[tuple(way.split())]
    if way.startswith("and "):  # "5 and under" is at most 5, "and under 5" is under 5
        test = test.removesuffix("=")
    assert read(f"cheese {way} {form.format(cents / 100)}, please").limits == [(test, cents / 100)]
    assert read(f"cheese {way} {cents} cents").limits == [(test, cents / 100)]


@pytest.mark.parametrize("kind", sorted(NAMES)[::5])
def test_the_readable_name_of_a_type_means_this_type(kind):
    meaning = read(f"how much is the {NAMES[kind]}")
    found = set().union(*(mention.types for mention in meaning.mentions))
    assert kind in found


def test_every_type_of_the_shop_has_a_name_and_no_other():
    assert set(NAMES) == set(load().type)


def test_every_member_of_a_group_is_a_term():
    assert all(kinds <= set(NAMES) for kinds in TERMS.values())


# Questions

ASKED = {  # a question, and lines that ask it in words that are not all in the table
    "price": [
        "how much do the bananas cost",
        "what is the cost of butter",
        "what's the price of this",
        "how much would I pay for bread",
        "how much money is the yogurt",
        "give me the price of sugar",
    ],
    "where": [
        "where can I find the eggs",
        "in which aisle is the bread",
        "which section has the pizza",
        "which department do I go to for soup",
    ],
    "category": ["what kind of product is the bacon", "what is the category of the tuna"],
    "brand": [
        "is the milk a national brand",
        "who makes it",
        "is the bread from your own brand",
        "are the cookies your brand",
        "do you make it yourselves",
    ],
    "about": [
        "tell me something about the salmon",
        "what do you know about eggs",
        "describe the sour cream please",
        "can you tell me more about the tuna",
    ],
    "topic": [
        "what are the ingredients of the salami",
        "does it contain gluten",
        "is the yogurt healthy",
        "how many calories are in it",
        "is the sausage vegan",
        "how does it taste",
    ],
    "bigger": ["a bigger pack please", "do you have a larger one", "something larger"],
    "with": ["what goes with pasta", "what do people buy who buy hot dog buns"],
    "total": ["total for bananas, butter and eggs", "what do honey and eggs cost altogether"],
}


@pytest.mark.parametrize("act, line", [(act, line) for act in ASKED for line in ASKED[act]])
def test_what_is_asked_is_understood(act, line):
    assert act in [question.act for question in read(line).questions]


def said(mentions):
    return [mention.said for mention in mentions]


def test_each_question_of_a_line_has_its_own_products():
    meaning = read("how much is milk, and where are the eggs? is the honey your own brand?")
    asked = [(question.act, said(question.mentions)) for question in meaning.questions]
    assert asked == [("price", ["milk"]), ("where", ["eggs"]), ("brand", ["honey"])]


def test_a_question_without_products_is_about_those_named_before():
    meaning = read("price of milk, where is it, is it your brand?")
    assert [said(question.mentions) for question in meaning.questions] == 3 * [["milk"]]
    meaning = read("tuna or salmon, what costs less?")
    assert [said(question.mentions) for question in meaning.questions] == [["tuna", "salmon"]]


# Mentions


def test_the_last_term_is_the_thing_and_what_stands_before_narrows_it_down():
    (mention,) = read("frozen garlic bread").wanted
    assert mention.types == {"FRZN GARLIC BREAD/TOAST/STICKS"}
    (mention,) = read("chocolate chip cookies").wanted
    assert mention.types == {"TRAY PACK/CHOC CHIP COOKIES"}
    (mention,) = read("price of unicorn steak").mentions
    assert mention.missing == ["unicorn"]
    assert not mention.is_found


@pytest.mark.parametrize(
    "line, count, size",
    [
        ("two jars of honey", 2, None),
        ("3 apples", 3, None),
        ("a gallon of white milk", 0, Amount(1, "gallon")),
        ("half a gallon of milk", 0, Amount(0.5, "gallon")),
        ("coffee 33.9 oz", 0, Amount(33.9, "ounce")),
        ("a dozen eggs", 0, Amount(1, "dozen")),
    ],
)
def test_numbers_count_and_units_measure(line, count, size):
    (mention,) = read(line).wanted
    assert (mention.count, mention.size) == (count, size)


@pytest.mark.parametrize(
    "line, excluded, wanted",
    [
        ("no meat please", ["meat"], []),
        ("I'm household 12 and I don't eat meat", ["meat"], []),
        ("cheese but no shredded cheese", ["shredded cheese"], ["cheese"]),
        ("i dont want donuts, show me cookies", ["donuts"], ["cookies"]),
        ("no meat, fish or dairy", ["meat", "fish", "dairy"], []),
        ("I don't want meat, what can I cook for dinner", ["meat"], ["dinner"]),
        ("snacks, but leave the chips out", ["chips"], ["snacks"]),
        ("anything but pork for dinner", ["pork"], ["dinner"]),
        ("my kids wont eat eggs, what for dinner", ["eggs"], ["dinner"]),
        ("I want a drink but we don't drink soda", ["soda"], ["drink"]),
    ],
)
def test_what_is_left_out_is_told_from_what_is_wanted(line, excluded, wanted):
    meaning = read(line)
    assert said(meaning.excluded) == excluded
    assert said(meaning.wanted) == wanted


def test_pronouns_and_places_in_a_list_point_at_something():
    (mention,) = read("how much is two of them").mentions
    assert mention.refers and mention.count == 2
    (mention,) = read("the second one").wanted
    assert mention.place == 2


# Conditions


@pytest.mark.parametrize(
    "line, limits",
    [
        ("anything between 40 and 60 cents", [(">=", 0.4), ("<=", 0.6)]),
        ("bread between 1 and two dollars", [(">=", 1), ("<=", 2)]),
        ("between 5 and 3 dollars", [(">=", 3), ("<=", 5)]),
        ("cheese under 99¢", [("<", 0.99)]),
        ("cheese under 2,50", [("<", 2.5)]),
        ("cheese under two dollars and fifty cents", [("<", 2.5)]),
        ("sorry, make that under 1 dollar 50", [("<", 1.5)]),
        ("milk for 3 dollars", [("<=", 3)]),
        ("I have 10 dollars, what snacks can I get?", [("<=", 10)]),
        ("milk under 1,000 dollars", [("<", 1000)]),
        ("pizza for about 1 dollar", [("~", 1)]),
        ("under half a dollar", [("<", 0.5)]),
        ("cookies from 2 to 2,50", [(">=", 2), ("<=", 2.5)]),
        ("cheese, 2-3 dollars", [(">=", 2), ("<=", 3)]),
        ("soup for 60 to 70 cents", [(">=", 0.6), ("<=", 0.7)]),
        ("chips between one and two bucks", [(">=", 1), ("<=", 2)]),
        ("cheese for 2 dollars or more", [(">=", 2)]),
        ("yogurt, 50 cents or less", [("<=", 0.5)]),
        ("not more expensive than 4 dollars", [("<=", 4)]),
        ("butter that doesn't cost more than 3.20", [("<=", 3.2)]),
        ("nothing over 2 dollars please", [("<=", 2)]),
        ("cookies costing no more than three dollars", [("<=", 3)]),
        ("i'm from household 100, ideas for snacks", []),
    ],
)
def test_money_is_read_as_it_is_meant(line, limits):
    assert read(line).limits == limits


@pytest.mark.parametrize(
    "line, brands",
    [
        ("cheese, your own brand", [OWN]),
        ("not your own brand", [NATIONAL]),
        ("own brand butter please", [OWN]),
        ("do you have a national brand", [NATIONAL]),
        ("is the honey your own brand?", []),
        ("which flour is cheaper, your own brand or the national one?", [OWN, NATIONAL]),
        ("which butter is own brand?", [OWN]),
        ("yours or a national brand, the honey?", []),
        ("where are the corn dogs and are they yours?", []),
    ],
)
def test_a_wish_for_a_brand_is_told_from_a_question_for_it(line, brands):
    assert read(line).brands == brands


@pytest.mark.parametrize(
    "line, household",
    [
        ("I'm household 7", 7),
        ("recommend something for household number 12", 12),
        ("household minus five", -5),
        ("household -1", -1),
        ("household twelve", 12),
        ("which household?", None),
        ("what's good for household 12", 12),
        ("for 12 please", 12),
        ("number 12 here, recommend me something", 12),
        ("recommend 3 apples", None),
        ("dinner for 4", None),
    ],
)
def test_a_household_is_a_number_behind_its_name(line, household):
    assert read(line).household == household


def test_what_a_product_contains_is_no_kind_of_product():
    assert read("crackers without nuts").ingredients == ["nuts"]


# Spelling


@pytest.mark.parametrize(
    "written, meant",
    [
        ("hony", "honey"),
        ("csot", "cost"),
        ("yoghurt", "yoghurt"),
        ("wht", "what"),
        ("avacado", "avocado"),
        ("brocolli", "broccoli"),
        ("chaeper", "cheaper"),
        ("hunny", "honey"),
        ("mch", "much"),
        ("egs", "eggs"),
        ("lettis", "lettuce"),
        ("karrots", "carrots"),
        ("yogert", "yogurt"),
    ],
)
def test_slips_are_put_right(written, meant):
    assert corrected(written) == meant


@pytest.mark.parametrize("word", ["dont", "wine", "beer", "soap", "lamb", "unicorn", "are", "than"])
def test_words_that_mean_something_else_stay(word):
    assert corrected(word) == word


# Short messages, slang, and words that name no product


@pytest.mark.parametrize(
    "short, long",
    [
        ("how much r the bananas", "how much are the bananas"),
        ("price 4 celery n asparagus", "price for celery and asparagus"),
        ("need sth 2 drink pls", "need something to drink please"),
        ("2x honey & 1x oatmeal", "2 honey and 1 oatmeal"),
        ("loo roll w/o perfume", "toilet paper without perfume"),
        ("4 honeys and 2 eggs", "4 honeys and 2 eggs"),
    ],
)
def test_shorthand_is_read_as_what_it_stands_for(short, long):
    assert written_out(tokens(short)) == tokens(long)
    assert read(short).mentions == read(long).mentions


@pytest.mark.parametrize(
    "line",
    [
        "honey, how much does that set me back",
        "could you kindly say what the honey costs",
        "what is the honey going for these days",
        "hey buddy, how much for honey fam",
    ],
)
def test_unknown_words_beside_a_product_are_passed_by(line):
    assert {m.said for m in read(line).mentions if m.is_named} == {"honey"}


def test_an_unknown_word_is_a_product_where_a_product_is_named():
    assert said(read("price of caviar and of honey").mentions) == ["caviar", "honey"]
    assert said(read("do you sell caviar, and where is the honey").wanted) == ["caviar"]


@pytest.mark.parametrize(
    "line", ["is there sugar in the honey?", "how much salt is in it", "how much fat does it have"]
)
def test_who_asks_for_a_part_of_a_product_names_no_product_by_it(line):
    meaning = read(line)
    assert [(q.act, q.said) for q in meaning.questions] == [("topic", "made")]
    assert all(m.refers or m.said == "honey" for m in meaning.mentions)


def test_a_number_of_a_pronoun_counts_what_was_named_before_it():
    (question,) = read("honey please, how much are 2 of them").questions
    assert [(m.said, m.count) for m in question.mentions] == [("honey", 2)]
    (question,) = read("how much for honey twice").questions
    assert [(m.said, m.count) for m in question.mentions] == [("honey", 2)]


@pytest.mark.parametrize(
    "line", ["can I get honey and eggs with 5 dollars", "5 dollars do for honey"]
)
def test_money_for_several_things_is_asked_to_be_enough(line):
    meaning = read(line)
    assert [question.act for question in meaning.questions] == ["enough"]
    assert meaning.limits == []
    assert Amount(5.0, "dollar") in meaning.amounts


# Whatever else is said


def test_a_very_long_line_is_read_up_to_a_word():
    meaning = read("milk " * 1000)
    assert meaning.too_long
    assert all(mention.is_found for mention in meaning.mentions)
    assert not read("milk " * (LONGEST // 5)).too_long


@pytest.mark.parametrize(
    "line", ["wo finde ich die Milch", "牛奶多少钱", "🍌🍌🍌", "qwertz asdf uiop"]
)
def test_what_is_not_english_is_noticed(line):
    assert read(line).foreign


def test_no_phrase_of_the_table_is_hidden_by_a_product():
    hidden = [phrase for phrase in ACTS if stems(" ".join(phrase)) in TERMS]
    assert hidden == []


def test_labels_are_made_of_words_that_somebody_can_say():
    for kind in NAMES:
        assert words(NAMES[kind])


def test_a_mention_says_what_was_said():
    assert Mention(said="white milk").said == "white milk"
    assert read_amount(["3"], 0) == (Amount(3.0), 1)
