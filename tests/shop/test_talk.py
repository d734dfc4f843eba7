"""The guide says what it knows and what it estimates, and lets slip no answer it has not seen."""

import io
import math
import re
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinymtl.shop import experiment, talk
from tinymtl.shop.guide import QUESTIONS, Replies, word_ids
from tinymtl.shop.purchases import Shop, load, words
from tinymtl.shop.talk import FIXED, FULL, HINT, NATIONAL, OWN, Guide, learn_intents, stem
from tinymtl.tensor import no_grad


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A guide that was trained here, and the file it was saved to."""
    path = tmp_path_factory.mktemp("guide") / "guide.npz"
    return Guide(0, path), path


@pytest.fixture
def guide(trained):
    """The trained guide at the beginning of a conversation."""
    guide, _ = trained
    begin(guide)
    return guide


def begin(guide):
    guide.pool = np.arange(0)
    guide.shown = 0


def talk_of(guide, i):
    """Let the conversation be about one product."""
    guide.pool = np.array([i])
    guide.shown = 1


def brand_of(shop, i):
    """The recorded brand of a product, as the guide says it."""
    return OWN if shop.brand[i] == "Private" else NATIONAL


CONVERSATION = [  # what is said, and what the reply holds; "!" what it does not hold
    ("", [HINT, "!did not understand"]),
    ("hello", [HINT]),
    ("how much is it?", ["Which product?"]),
    ("How much is the peanut butter?", ["3 products match", "PEANUT BUTTER, 18 OZ: ", "dollars"]),
    ("Is it your own brand?", ["PEANUT BUTTER, 18 OZ", "brand"]),
    ("where do I find that", ["PEANUT BUTTER, 18 OZ", "GROCERY"]),
    ("what kind of thing is it", ["PEANUT BUTTER, 18 OZ", "category"]),
    (
        "tell me about it",
        ["PEANUT BUTTER, 18 OZ", "it costs about", "own words of my dialogue head"],
    ),
    ("is it vegan", [FIXED["made"]]),
    ("what is the salami made of", [FIXED["made"]]),
    ("what is it good for?", [FIXED["made"]]),
    ("how much is it", ["PEANUT BUTTER, 18 OZ"]),
    (
        "price of choclate milk",
        ['I read "choclate" as "chocolate"', "2 products match", "CHOCOLATE MILK"],
    ),
    (
        "how much are the bananna",
        ['I read "bananna" as "banana"', "BANANAS", "1.01 dollars, known"],
    ),
    ("how much is the unicorn", ['I know no product called "unicorn".']),
    (
        "how much is the cheddar cheese",
        ['I know no product called "cheddar cheese". The nearest I know: ', "CHEESE"],
    ),
    ("where is the frzn pizza", ["12 products match", "GROCERY"]),
    ("where is the frozen pizza", ["12 products match", "GROCERY"]),
    ("how much is a blue chicken breast", ['None is called "blue"', "CHICKEN BREAST"]),
    (
        "cheese under three dollars",
        ["products, under 3.00 dollars:", "CHEESE", "known", "estimated"],
    ),
    ("not your own brand", ["a national brand:", "!our own brand"]),
    ("something cheaper", [" under 0.69 dollars"]),
    ("something bigger", [FIXED["bigger"]]),
    ("how much is it", ["dollars"]),
    ("a cheap snack, not your own brand", ["at most ", "a national brand:", "!our own brand"]),
    ("something for less than 1.25", ["less than 1.25 dollars"]),
    ("less than 1 cent", ["None of ", "less than 0.01 dollars"]),
    ("start over", ["1000 of 1000 products"]),
    ("something for less than 2.50", ["of 1000 products, less than 2.50 dollars:"]),
    (
        "bread between 1 and two dollars, your own brand",
        ["at least 1.00 dollars, at most 2.00 dollars, our own brand:", "!a national brand"],
    ),
    ("snacks under fifty cents", ["under 0.50 dollars"]),
    (
        "what would household 17 like",
        ["household 17 had not bought in weeks 1 to 40, the likeliest after that first", "dollars"],
    ),
    ("something more expensive", ["over "]),
    ("what would household 400 like", ["Which household? I know 0 to 399."]),
    ("what would household -5 like", ["Which household?"]),
    ("what can you recommend", ["Which household?"]),
    (
        "which cheese would household 3 like, under 3 dollars",
        ["household 3 had not bought in weeks 1 to 40", "under 3.00 dollars:", "CHEESE"],
    ),
    ("xyzzy plugh", ["I did not understand"]),
    ("\u00bf\u0434\u0435 \u0445\u043b\u0456\u0431?", [HINT]),
    ("\x1b[31mhow \x00much is\tthe cof\x07fee\x7f", ["GROUND COFFEE"]),
    ("what\u2019s the price of jalape\u00f1o butter", ["BUTTER"]),
    ("how much is the butter " + "please " * 200, ["I read the first 500 letters", ": BUTTER"]),
    ("a" * 10**5, ["I read the first 500 letters", HINT]),
    ("bye", ["goodbye"]),
]


def test_a_conversation_of_forty_turns(guide):
    assert len(CONVERSATION) >= 40
    for said, holds in CONVERSATION:
        reply = guide.reply(said)
        for text in holds:
            if text.startswith("!"):
                assert text[1:] not in reply, (said, reply)
            else:
                assert text in reply, (said, reply)


def test_what_is_known_is_the_record_and_what_is_not_is_called_an_estimate(guide):
    shop = load()
    known = set(experiment.Split(np.random.default_rng(0)).products["train"])
    for i in range(0, 1000, 7):
        talk_of(guide, i)
        price = guide.reply("how much is it")
        brand = guide.reply("is it your own brand")
        if i in known:
            assert price.endswith(f": {shop.price[i]:.2f} dollars, known")
            assert brand.endswith(f": {brand_of(shop, i)}, known")
            continue
        assert ": about " in price
        assert ": probably " in brand
        for reply in (price, brand):
            assert "known" not in reply
            assert reply.endswith("estimated from its words and who buys it")


def test_estimates_are_what_the_answer_head_says(guide):
    shop = load()
    unknown = np.flatnonzero(~guide.known)
    said = {question: values[unknown] for question, values in guide.says.items()}
    with no_grad():
        out = guide.model({"answer": unknown})["answer"]
    log_price = np.log(shop.price[guide.known])
    price = np.exp(out["price"].data[:, 0] * log_price.std() + log_price.mean())
    brand = np.where(out["brand"].data[:, 0] > 0, OWN, NATIONAL)
    category = np.unique(shop.category)[out["category"].data.argmax(1)]
    np.testing.assert_allclose(said["price"], price, atol=0.006)
    np.testing.assert_array_equal(said["brand"], brand)
    np.testing.assert_array_equal(said["category"], category)


def test_recorded_answers_of_unknown_products_have_no_influence_on_what_is_said(
    trained, monkeypatch
):
    plain, path = trained
    hidden = np.flatnonzero(~plain.known)
    changed = {name: array.copy() for name, array in vars(load()).items()}
    for name in QUESTIONS:
        changed[name][hidden] = np.roll(changed[name][hidden], 37)
    shop = Shop(**changed)
    texts = (shop, Replies(shop), *word_ids(shop))
    monkeypatch.setattr(experiment, "shop_and_texts", lambda: texts)
    other = Guide(0, path, explain=True)
    cheat = Guide(0, path, truth=True)
    monkeypatch.undo()
    same = Guide(0, path, explain=True)
    more = [f"tell me about {' '.join(words(name))}" for name in plain.names[::40]]
    for said in [said for said, _ in CONVERSATION] + more:
        assert other.reply(said) == same.reply(said)
    # There was something to let slip: where the record may be shown, the replies differ.
    honest = Guide(0, path, truth=True)
    assert sum(cheat.reply(said) != honest.reply(said) for said in more) > 3


def literal_matches(guide, query):
    """The products that share the rarest words with the query, by plain loops."""

    def rarity(word):
        return math.log(1000 / sum(word in bag for bag in guide.bags))

    scores = [sum(rarity(word) for word in set(query) & bag) for bag in guide.bags]
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
def test_products_are_found_by_the_words_they_share_rare_ones_counting_more(guide, line):
    guide.reply(line)
    assert set(guide.pool) == literal_matches(guide, [stem(word) for word in words(line)])


def test_abbreviations_are_those_of_the_shop_and_written_out_words_find_them(guide):
    shop = load()
    of_shop = set(words(" ".join([*shop.type, *shop.category, *shop.size])))
    of_customers = {"mayo", "ketchup", "yoghurt", "lbs"}
    assert set(FULL) - of_shop == of_customers
    written_out = {
        "frzn potatoes": "frozen potato",
        "sft drnk": "soft drinks",
        "sw gds": "sweet goods",
        "catsup": "ketchup",
    }
    for short, long in written_out.items():
        guide.reply(short)
        found = guide.pool.copy()
        guide.reply(long)
        np.testing.assert_array_equal(found, guide.pool)


# A way to narrow, and which products it keeps, by what the guide says of their price and brand.
FILTERS = {
    "under 3 dollars": lambda price, brand: price < 3,
    "at most two dollars": lambda price, brand: price <= 2,
    "over 1.50": lambda price, brand: price > 1.5,
    "at least $2.5": lambda price, brand: price >= 2.5,
    "less than 90 cents": lambda price, brand: price < 0.9,
    "no more than a dollar": lambda price, brand: price <= 1,
    "not your own brand": lambda price, brand: brand == NATIONAL,
    "your own brand": lambda price, brand: brand == OWN,
    "under 4 dollars, not your own brand": lambda price, brand: price < 4 and brand == NATIONAL,
}


@pytest.mark.parametrize("condition", FILTERS)
def test_conditions_keep_exactly_what_fits_by_the_values_that_are_said(guide, condition):
    price = guide.says["price"]
    brand = guide.says["brand"]
    keeps = FILTERS[condition]
    guide.reply("milk")
    fits = [i for i in guide.pool if keeps(price[i], brand[i])]
    reply = guide.reply(condition)
    assert reply.startswith(f"{len(fits) or 'None'} of 45 products")
    assert not fits or list(guide.pool) == fits
    for i, line in zip(fits[:5], reply.splitlines()[1:], strict=True):
        source = "known" if guide.known[i] else "estimated"
        assert f"{price[i]:.2f} dollars, {brand[i]}, {source}" in line


@settings(max_examples=25)
@given(
    st.sampled_from(["cheese", "snacks", "bread", "soup", "anything under 5 dollars"]),
    st.lists(st.sampled_from([*FILTERS, "something cheaper", "more expensive"]), max_size=5),
)
def test_narrowing_never_widens(trained, first, conditions):
    guide, _ = trained
    begin(guide)
    guide.reply(first)
    for condition in conditions:
        before = list(guide.pool)
        named = guide.says["price"][guide.pool[: guide.shown]]
        guide.reply(condition)
        assert set(guide.pool) <= set(before)
        if len(guide.pool) == len(before):
            continue
        prices = guide.says["price"][guide.pool]
        if condition == "something cheaper":
            assert prices.max() < named.min()
        if condition == "more expensive":
            assert prices.min() > named.max()


def test_recommended_is_what_scores_highest_among_products_not_bought_early(guide):
    reply = guide.reply("what would household 250 like")
    early = load().early
    with no_grad():
        out = guide.model({"recommend": early[[250]]})["recommend"]
    scores = out["late"].data[0]
    new = [i for i in np.argsort(-scores, kind="stable") if not early[250, i]]
    assert list(guide.pool) == new
    names = [line.split(": ")[0].strip() for line in reply.splitlines()[1:]]
    assert names == [guide.names[i].split(": ")[0] for i in new[:5]]


PIECES = (
    "how much cheese under over 3 dollars household 17 -1 cheaper brand not about tell me it $ . "
    "1e9 between and"
).split()


@settings(max_examples=60)
@given(st.text(max_size=60) | st.lists(st.sampled_from(PIECES), max_size=9).map(" ".join))
def test_any_line_gets_a_printable_reply(trained, line):
    guide, _ = trained
    reply = guide.reply(line)
    assert reply
    for part in reply.split("\n"):
        assert part.isascii()
        assert part.isprintable()


HELD_OUT = {  # phrasings that are not in the table the classifier is trained on
    "price": [
        "how much do the bananas cost",
        "what is the cost of butter",
        "what's the price of this",
        "how much would I pay for bread",
        "is the bacon cheap",
        "how much money is the yogurt",
        "give me the price of sugar",
    ],
    "department": [
        "where can I find the eggs",
        "where would I get the bacon",
        "in which aisle is the bread",
        "where in the store are apples",
        "which section has the pizza",
        "where is it",
        "which department do I go to for soup",
    ],
    "category": [
        "what kind of product is the bacon",
        "what sort of thing is it",
        "which group is it in",
        "what is the category of the tuna",
        "what type of product is sauerkraut",
        "what would you call the corn dogs",
    ],
    "brand": [
        "is the milk a national brand",
        "who makes it",
        "what is the brand of the coffee",
        "is the bread from your own brand",
        "is this made by you",
        "are the cookies your brand",
        "do you make it yourselves",
    ],
    "about": [
        "tell me something about the salmon",
        "what do you know about eggs",
        "describe the sour cream please",
        "say more about it",
        "can you tell me more about the tuna",
        "I want information about bacon",
        "talk about the pretzels",
    ],
    "recommend": [
        "what would household 3 buy next",
        "what might household 250 like",
        "recommend a snack for household 12",
        "which products would household 9 want",
        "suggest something for household 40",
        "what do you recommend for household 7",
    ],
    "need": [
        "I'd like some cheese",
        "have you got crackers under two dollars",
        "I am looking for cheap coffee",
        "anything cheaper",
        "have cookies for me below 3 dollars",
        "show me your own brand",
        "something a bit less expensive",
        "soup other than your own brand",
        "do you sell tuna",
        "give me a cheaper one",
    ],
    "made": [
        "what are the ingredients of the salami",
        "what is bread made of",
        "does it contain gluten",
        "is the yogurt healthy",
        "how many calories are in it",
        "is the sausage vegan",
        "what is the flour good for",
        "how does it taste",
        "does the candy have sugar in it",
    ],
    "bigger": [
        "a bigger pack please",
        "do you have a larger one",
        "is there a smaller one",
        "something larger",
    ],
    "anew": ["let us start over", "forget it", "start a new search", "I want something else"],
    "hello": ["hello there", "thanks a lot", "what can I ask you", "who are you today"],
    "bye": ["goodbye then", "bye bye then", "see you later", "I want to quit"],
}


def test_what_is_asked_is_recognised_in_phrasings_that_were_not_trained_on(guide, monkeypatch):
    right = []
    for seed in range(3):
        _, intents = learn_intents(np.random.default_rng(seed))
        monkeypatch.setattr(guide, "intents", intents)
        for intent, phrases in HELD_OUT.items():
            for said in phrases:
                heard = guide.hear(said.lower().replace("'", ""))
                right.append(heard.intent == intent)
    assert len(right) == 3 * 75
    assert np.mean(right) >= 0.85


def test_the_record_is_shown_beside_the_answer_only_on_demand(trained):
    plain, path = trained
    open_book = Guide(0, path, truth=True)
    shop = load()
    asked = "how much is it"
    for i in np.flatnonzero(~plain.known)[::50]:
        for guide in (plain, open_book):
            talk_of(guide, i)
        recorded = f" [recorded: {shop.price[i]:.2f} dollars]"
        assert open_book.reply(asked) == plain.reply(asked) + recorded
        about = open_book.reply("tell me about it")
        assert about.endswith(f"category {shop.category[i]}, {brand_of(shop, i)}]")


def test_an_explanation_names_head_rows_and_probabilities(trained):
    plain, path = trained
    guide = Guide(0, path, explain=True)
    unknown = np.flatnonzero(~plain.known)[40]
    talk_of(guide, unknown)
    rows = f"shared rows words: {', '.join(words(guide.names[unknown]))}"
    category = guide.says["category"][unknown]
    _, explained, asked = guide.reply("what kind of thing is it").splitlines()
    assert explained.startswith(f"  [answer head, {rows}; own: {unknown}; {category} 0.")
    assert explained.count(";") == 4
    assert asked.startswith("  [asked: category, probability 0.9")
    assert f"dialogue head, {rows}" in guide.reply("tell me about it")
    talk_of(guide, np.flatnonzero(guide.known)[0])
    assert "from the record, no head was asked" in guide.reply("how much is it")
    assert guide.reply("what would household 3 like").count("recommend head") == 1


def test_a_saved_guide_has_the_same_conversation(guide, trained):
    _, path = trained
    loaded = Guide(0, path)
    for said, _ in CONVERSATION:
        assert loaded.reply(said) == guide.reply(said)


def run(monkeypatch, path, lines, seed=0):
    """What `main` returns when it reads these lines: a text, or a stream."""
    stream = io.StringIO(lines) if isinstance(lines, str) else lines
    monkeypatch.setattr("sys.stdin", stream)
    options = SimpleNamespace(seed=seed, guide=path, explain=False, truth=False, quiet=True)
    return talk.main(options)


def test_through_a_pipe_come_the_answers_and_nothing_else(trained, guide, monkeypatch, capsys):
    _, path = trained
    said = ["how much is catsup", "\ufffd", "", "bye"]
    expected = [guide.reply(line) for line in said]
    lines = "\n".join([*said, "how much is milk\n"])
    assert run(monkeypatch, path, lines) == 0
    assert capsys.readouterr() == ("\n".join(expected) + "\n", "")
    assert run(monkeypatch, path, "how much is catsup") == 0  # ends without a goodbye
    assert capsys.readouterr() == (expected[0] + "\n", "")


def test_control_c_ends_quietly(trained, monkeypatch, capsys):
    class Interrupted(io.StringIO):
        def readline(self, *_):
            raise KeyboardInterrupt

    _, path = trained
    assert run(monkeypatch, path, Interrupted()) == 130
    assert capsys.readouterr() == ("", "")


def test_a_file_of_another_seed_or_no_guide_at_all_is_refused(
    trained, tmp_path, monkeypatch, capsys
):
    _, saved = trained
    damaged = tmp_path / "damaged.npz"
    damaged.write_bytes(b"no guide")
    faults = [
        (saved, 1, "was trained with seed 0, got seed 1"),
        (damaged, 0, "not a readable checkpoint"),
        (None, -1, "non-negative"),
    ]
    for path, seed, fault in faults:
        assert run(monkeypatch, path, "", seed) == 2
        out, error = capsys.readouterr()
        assert out == ""
        assert error.startswith("tinymtl: ")
        assert fault in error
        assert error.count("\n") == 1


@pytest.mark.parametrize(
    "said, holds",
    [
        ("cheese under 99¢", ["under 0.99 dollars"]),
        ("cheese under 2,50", ["under 2.50 dollars"]),
        ("cheese under two dollars and fifty cents", ["under 2.50 dollars"]),
        ("milk for 3 dollars", ["at most 3.00 dollars", "MILK"]),
        ("milk under 1,000 dollars", ["under 1000.00 dollars"]),
        ("milk not cheese", ["(I cannot leave words out.)"]),
        (
            "what would household 12 like under 2 dollars not your own brand",
            ["that household 12 had not bought", "under 2.00 dollars, a national brand"],
        ),
        ("cheap cheese for household 12", ["that household 12 had not bought", "CHEESE"]),
        ("household 999999999999999999999", ["Which household? I know 0 to 399."]),
    ],
)
def test_money_exclusions_and_households_are_read_as_they_are_meant(guide, said, holds):
    reply = guide.reply(said)
    for text in holds:
        assert text in reply


@pytest.mark.parametrize(
    "said, way",
    [
        ("the cheapest cheese", 1),
        ("the most expensive cheese", -1),
        ("what is the least expensive cheese", 1),
    ],
)
def test_a_superlative_sorts_by_price(guide, said, way):
    prices = [float(price) for price in re.findall(r"([0-9.]+) dollars", guide.reply(said))]
    assert len(prices) == 5
    assert prices == sorted(prices, reverse=way < 0)
    all_of_them = guide.says["price"][guide.pool]
    first = all_of_them.min() if way > 0 else all_of_them.max()
    assert prices[0] == pytest.approx(first, abs=0.005)


def test_own_words_of_the_dialogue_head_are_checked_against_the_record_where_there_is_one(guide):
    for i in (*np.flatnonzero(guide.known)[:6], *np.flatnonzero(~guide.known)[:2]):
        talk_of(guide, i)
        said = guide.reply("tell me about it")
        text = re.search('"(.*)"', said)[1].replace(",", "")
        wrong = [q for q, true in zip(QUESTIONS, guide.replies.true(i, text)) if not true]
        if not guide.known[i]:
            assert said.endswith("estimated, not on record")
        elif wrong:
            assert said.endswith(f"otherwise on record: {', '.join(wrong)}")
        else:
            assert said.endswith("all of it as on record")


def test_under_truth_a_recommendation_says_what_was_bought_later_and_who_was_trained_on(guide):
    guide.truth = True
    try:
        said = guide.reply("what would household 17 like")
    finally:
        guide.truth = False
    told = re.findall(r"(not )?bought in weeks 41 to 53", said)
    bought_later = [not_bought == "" for not_bought in told]
    assert bought_later == list(load().late[17, guide.pool[:5]])
    assert ("(it was trained on)" in said) == (17 in guide.taught)
