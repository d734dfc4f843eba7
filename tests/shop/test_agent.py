"""The agent says what it knows and what it estimates, and lets slip no answer it has not seen."""

import io
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinymtl.shop import agent as agent_module
from tinymtl.shop.agent import FIXED, HINT, Agent, main
from tinymtl.shop.purchases import Shop, load, words
from tinymtl.shop.replies import NATIONAL, OWN, QUESTIONS
from tinymtl.shop.split import Split


def talk_of(agent, i):
    """Let the conversation be about one product."""
    agent.pool = np.array([i])
    agent.shown = 1


def brand_of(shop, i):
    """The recorded brand of a product, as the agent says it."""
    return OWN if shop.brand[i] == "Private" else NATIONAL


README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def test_the_agent_says_what_the_front_page_shows(agent):
    shown = re.search(r"```text\n(> .*?)```", README, re.DOTALL)[1].splitlines()
    assert len(shown) == 6
    for line, expected in zip(shown[::2], shown[1::2]):
        assert agent.reply(line.removeprefix("> ")) == expected


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
    (
        "how much is a blue chicken breast",
        ['No product has all these words; I left out "blue". ', "CHICKEN BREAST"],
    ),
    (
        "cheese under three dollars",
        ["products, under 3.00 dollars; the first 5:", "CHEESE", "known", "estimated"],
    ),
    ("not your own brand", ["a national brand; the first 5:", "!our own brand"]),
    ("something cheaper", [" under 0.69 dollars"]),
    ("something bigger", [FIXED["bigger"]]),
    ("how much is it", ["dollars"]),
    (
        "a cheap snack, not your own brand",
        ["at most ", "a national brand; the first 5:", "!our own brand"],
    ),
    ("something for less than 1.25", ["less than 1.25 dollars"]),
    ("less than 1 cent", ["None of ", "less than 0.01 dollars"]),
    ("start over", ["1000 products match; the first 5:"]),
    ("something for less than 2.50", ["of 1000 products, less than 2.50 dollars; the first 5:"]),
    (
        "bread between 1 and two dollars, your own brand",
        [
            "at least 1.00 dollars, at most 2.00 dollars, our own brand; the first 5:",
            "!a national brand",
        ],
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
        [
            "household 3 had not bought in weeks 1 to 40",
            "under 3.00 dollars; the first 5:",
            "CHEESE",
        ],
    ),
    ("xyzzy plugh", ["I did not understand"]),
    ("\u00bf\u0434\u0435 \u0445\u043b\u0456\u0431?", [HINT]),
    ("\x1b[31mhow \x00much is\tthe cof\x07fee\x7f", ["GROUND COFFEE"]),
    ("what\u2019s the price of jalape\u00f1o butter", ["BUTTER"]),
    ("how much is the butter " + "please " * 200, ["I read the first 500 letters", ": BUTTER"]),
    ("a" * 10**5, ["I read the first 500 letters", HINT]),
    ("bye", ["goodbye"]),
]


def test_a_conversation_of_forty_turns(agent):
    assert len(CONVERSATION) >= 40
    for said, holds in CONVERSATION:
        reply = agent.reply(said)
        for text in holds:
            if text.startswith("!"):
                assert text[1:] not in reply, (said, reply)
            else:
                assert text in reply, (said, reply)


def test_what_is_known_is_the_record_and_what_is_not_is_called_an_estimate(agent):
    shop = load()
    known = set(Split(np.random.default_rng(0)).products["train"])
    for i in range(0, 1000, 7):
        talk_of(agent, i)
        price = agent.reply("how much is it")
        brand = agent.reply("is it your own brand")
        if i in known:
            assert price.endswith(f": {shop.price[i]:.2f} dollars, known")
            assert brand.endswith(f": {brand_of(shop, i)}, known")
            continue
        assert ": about " in price
        assert ": probably " in brand
        for reply in (price, brand):
            assert "known" not in reply
            assert reply.endswith("estimated from its words and who buys it")


def test_recorded_answers_of_unknown_products_have_no_influence_on_what_is_said(
    trained, use_shop, monkeypatch
):
    plain, path = trained
    hidden = np.flatnonzero(~plain.catalogue.known)
    changed = {name: array.copy() for name, array in vars(load()).items()}
    for name in QUESTIONS:
        changed[name][hidden] = np.roll(changed[name][hidden], 37)
    shop = Shop(**changed)
    use_shop(shop)
    other = Agent(0, path, explain=True)
    cheat = Agent(0, path, truth=True)
    monkeypatch.undo()
    same = Agent(0, path, explain=True)
    more = [f"tell me about {' '.join(words(name))}" for name in plain.catalogue.names[::40]]
    for said in [said for said, _ in CONVERSATION] + more:
        assert other.reply(said) == same.reply(said)
    # There was something to let slip: where the record may be shown, the replies differ.
    honest = Agent(0, path, truth=True)
    assert sum(cheat.reply(said) != honest.reply(said) for said in more) > 3


# A way to narrow, and which products it keeps, by what the agent says of their price and brand.
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


def number_of_products_with(word, agent):
    """In their names, or in the categories that they are said to have."""
    return sum(word in bag for bag in agent.catalogue.bags)


def test_a_list_says_how_many_products_match_and_how_many_of_them_follow(agent):
    heading, *products = agent.reply("milk").splitlines()
    n_milk = number_of_products_with("milk", agent)
    assert heading == f"{n_milk} products match; the first 5:"
    assert len(products) == 5
    price = agent.catalogue.says["price"][agent.pool]
    fourth = np.sort(price)[3]
    n = (price <= fourth).sum()
    heading, *products = agent.reply(f"at most {fourth:.2f} dollars").splitlines()
    assert heading == f"{n} of {n_milk} products, at most {fourth:.2f} dollars:"
    assert len(products) == n <= 5


@pytest.mark.parametrize("condition", FILTERS)
def test_conditions_keep_exactly_what_fits_by_the_values_that_are_said(agent, condition):
    price = agent.catalogue.says["price"]
    brand = agent.catalogue.says["brand"]
    keeps = FILTERS[condition]
    agent.reply("milk")
    n_milk = number_of_products_with("milk", agent)
    fits = [i for i in agent.pool if keeps(price[i], brand[i])]
    reply = agent.reply(condition)
    assert reply.startswith(f"{len(fits) or 'None'} of {n_milk} products")
    assert not fits or list(agent.pool) == fits
    for i, line in zip(fits[:5], reply.splitlines()[1:], strict=True):
        source = "known" if agent.catalogue.known[i] else "estimated"
        assert f"{price[i]:.2f} dollars, {brand[i]}, {source}" in line


@settings(max_examples=25)
@given(
    st.sampled_from(["cheese", "snacks", "bread", "soup", "anything under 5 dollars"]),
    st.lists(st.sampled_from([*FILTERS, "something cheaper", "more expensive"]), max_size=5),
)
def test_narrowing_never_widens(trained, first, conditions):
    agent, _ = trained
    agent.begin()
    agent.reply(first)
    for condition in conditions:
        before = list(agent.pool)
        named = agent.catalogue.says["price"][agent.pool[: agent.shown]]
        agent.reply(condition)
        assert set(agent.pool) <= set(before)
        if len(agent.pool) == len(before):
            continue
        prices = agent.catalogue.says["price"][agent.pool]
        if condition == "something cheaper":
            assert prices.max() < named.min()
        if condition == "more expensive":
            assert prices.min() > named.max()


PIECES = (
    "how much cheese under over 3 dollars household 17 -1 cheaper brand not about tell me it $ . "
    "1e9 between and"
).split()


@settings(max_examples=60)
@given(st.text(max_size=60) | st.lists(st.sampled_from(PIECES), max_size=9).map(" ".join))
def test_any_line_gets_a_printable_reply(trained, line):
    agent, _ = trained
    reply = agent.reply(line)
    assert reply
    for part in reply.split("\n"):
        assert part.isascii()
        assert part.isprintable()


def test_the_record_is_shown_beside_the_answer_only_on_demand(trained):
    plain, path = trained
    open_book = Agent(0, path, truth=True)
    shop = load()
    asked = "how much is it"
    for i in np.flatnonzero(~plain.catalogue.known)[::50]:
        for agent in (plain, open_book):
            talk_of(agent, i)
        recorded = f" [recorded: {shop.price[i]:.2f} dollars]"
        assert open_book.reply(asked) == plain.reply(asked) + recorded
        about = open_book.reply("tell me about it")
        assert about.endswith(f"category {shop.category[i]}, {brand_of(shop, i)}]")


def test_an_explanation_names_head_rows_and_probabilities(trained):
    plain, path = trained
    agent = Agent(0, path, explain=True)
    unknown = np.flatnonzero(~plain.catalogue.known)[40]
    talk_of(agent, unknown)
    rows = f"shared rows words: {', '.join(words(agent.catalogue.names[unknown]))}"
    category = agent.catalogue.says["category"][unknown]
    _, explained, asked = agent.reply("what kind of thing is it").splitlines()
    assert explained.startswith(f"  [answer head, {rows}; own: {unknown}; {category} 0.")
    assert explained.count(";") == 4
    assert asked.startswith("  [asked: category, probability 0.9")
    assert f"dialogue head, {rows}" in agent.reply("tell me about it")
    talk_of(agent, np.flatnonzero(agent.catalogue.known)[0])
    assert "from the record, no head was asked" in agent.reply("how much is it")
    assert agent.reply("what would household 3 like").count("recommend head") == 1


def test_a_saved_guide_has_the_same_conversation(agent, trained):
    _, path = trained
    loaded = Agent(0, path)
    for said, _ in CONVERSATION:
        assert loaded.reply(said) == agent.reply(said)


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
def test_money_exclusions_and_households_are_read_as_they_are_meant(agent, said, holds):
    reply = agent.reply(said)
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
def test_a_superlative_sorts_by_price(agent, said, way):
    prices = [float(price) for price in re.findall(r"([0-9.]+) dollars", agent.reply(said))]
    assert len(prices) == 5
    assert prices == sorted(prices, reverse=way < 0)
    all_of_them = agent.catalogue.says["price"][agent.pool]
    first = all_of_them.min() if way > 0 else all_of_them.max()
    assert prices[0] == pytest.approx(first, abs=0.005)


def test_own_words_of_the_dialogue_head_are_checked_against_the_record_where_there_is_one(agent):
    for i in (
        *np.flatnonzero(agent.catalogue.known)[:6],
        *np.flatnonzero(~agent.catalogue.known)[:2],
    ):
        talk_of(agent, i)
        said = agent.reply("tell me about it")
        text = re.search('"(.*)"', said)[1].replace(",", "")
        wrong = [q for q, true in zip(QUESTIONS, agent.replies.true(i, text)) if not true]
        if not agent.catalogue.known[i]:
            assert said.endswith("estimated, not on record")
        elif wrong:
            assert said.endswith(f"otherwise on record: {', '.join(wrong)}")
        else:
            assert said.endswith("all of it as on record")


def test_under_truth_a_recommendation_says_what_was_bought_later_and_who_was_trained_on(agent):
    agent.truth = True
    try:
        said = agent.reply("what would household 17 like")
    finally:
        agent.truth = False
    told = re.findall(r"(not )?bought in weeks 41 to 53", said)
    bought_later = [not_bought == "" for not_bought in told]
    assert bought_later == list(load().late[17, agent.pool[:5]])
    assert ("(it was trained on)" in said) == (17 in agent.catalogue.taught)


@pytest.mark.parametrize("explain", [False, True])
@pytest.mark.parametrize("goodbye", ["bye", "goodbyee", "see you", "bye " * 200])
def test_a_goodbye_ends_the_conversation_whatever_else_is_said(agent, explain, goodbye):
    agent.explain = explain
    try:
        for said in ("how much is butter", "", "xyzzy"):
            agent.reply(said)
            assert not agent.ended
        assert FIXED["bye"] in agent.reply(goodbye)
    finally:
        agent.explain = False
    assert agent.ended


def test_the_hint_is_in_the_reply_to_what_is_not_understood():
    assert FIXED["unclear"].endswith(HINT)


# In a terminal


def run(monkeypatch, path, lines, seed=0, explain=False):
    """What `main` returns when it reads these lines: a text, or a stream."""
    stream = io.StringIO(lines) if isinstance(lines, str) else lines
    monkeypatch.setattr("sys.stdin", stream)
    options = SimpleNamespace(seed=seed, guide=path, explain=explain, truth=False, quiet=True)
    return main(options)


def test_through_a_pipe_come_the_answers_and_nothing_else(trained, agent, monkeypatch, capsys):
    _, path = trained
    said = ["how much is catsup", "\ufffd", "", "bye"]
    expected = [agent.reply(line) for line in said]
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


@pytest.mark.parametrize("explain", [False, True])
def test_nothing_is_answered_after_a_goodbye(trained, monkeypatch, capsys, explain):
    _, path = trained
    assert run(monkeypatch, path, "bye\nhow much is milk\n", explain=explain) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("goodbye\n")
    assert "MILK" not in printed


# The file of the guide


def trains_no_guide(monkeypatch):
    monkeypatch.setattr(agent_module, "train", lambda *_: pytest.fail("trained"))


def test_a_guide_of_another_seed_is_refused(trained, monkeypatch, capsys):
    _, path = trained
    assert run(monkeypatch, path, "", seed=1) == 2
    assert "was trained with seed 0, got seed 1" in the_complaint(capsys)


def test_a_file_that_is_no_guide_is_refused_and_stays(tmp_path, monkeypatch, capsys):
    file = tmp_path / "damaged.npz"
    file.write_bytes(b"no guide")
    assert run(monkeypatch, file, "") == 2
    complaint = the_complaint(capsys)
    assert f"{file} is not a saved guide" in complaint
    assert "pickle" not in complaint
    assert file.read_bytes() == b"no guide"


def test_a_place_that_cannot_be_written_is_said_before_anything_is_trained(
    tmp_path, monkeypatch, capsys
):
    trains_no_guide(monkeypatch)
    for path in (tmp_path / "nowhere" / "guide.npz", tmp_path / ("long" * 100)):
        assert run(monkeypatch, path, "") == 2
        assert f"cannot be written to {path}: " in the_complaint(capsys)
    assert list(tmp_path.iterdir()) == []


def test_a_guide_trained_in_a_process_of_its_own_is_the_same():
    here, split_here = agent_module.trained(3, None)
    apart, split_apart = agent_module.trained(3, None, apart=True)
    np.testing.assert_array_equal(split_here.products["train"], split_apart.products["train"])
    expected = here.named_parameters()
    assert list(apart.named_parameters()) == list(expected)
    for name, p in apart.named_parameters().items():
        # One thread of linear algebra adds in another order than several do.
        np.testing.assert_allclose(p.data, expected[name].data, atol=0.05)


def test_a_process_that_dies_while_it_trains_is_said_in_one_line(monkeypatch, capsys):
    def dies(function, jobs):
        raise ChildProcessError("a process ended before its work was done, with exit code -9")

    monkeypatch.setattr(agent_module, "in_processes", dies)
    assert run(monkeypatch, None, "") == 1
    assert "a process ended before its work was done" in the_complaint(capsys)


def test_a_negative_seed_is_refused(monkeypatch, capsys):
    assert run(monkeypatch, None, "", seed=-1) == 2
    assert "non-negative" in the_complaint(capsys)


def the_complaint(capsys):
    """The one line on standard error; nothing is on standard output."""
    out, error = capsys.readouterr()
    assert out == ""
    assert error.startswith("tinymtl: ")
    assert error.count("\n") == 1
    return error


# With the streams of a real process


def ask(path, redirections="", lines="", **environment):
    """Run `python -m tinymtl ask` in a shell."""
    command = f'"{sys.executable}" -m tinymtl ask --guide "{path}" {redirections}'
    package = Path(agent_module.__file__).parents[2]
    env = {**os.environ, "PYTHONPATH": str(package), **environment}
    return subprocess.run(["sh", "-c", command], input=lines, capture_output=True, env=env)


needs_a_shell = pytest.mark.skipif(os.name != "posix", reason="needs sh")


@needs_a_shell
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_stream_that_is_closed_is_no_reason_for_a_traceback(trained, closed):
    _, path = trained
    done = ask(path, closed, b"how much is catsup\nbye\n")
    assert done.returncode == 0
    assert done.stderr == b""
    assert (b"CATSUP" in done.stdout) == (closed == "2>&-")


@needs_a_shell
def test_a_pipe_that_nobody_reads_is_quiet(trained):
    _, path = trained
    done = ask(path, "| head -n 1", b"how much is catsup\n" * 5000)
    assert done.stdout.count(b"\n") == 1
    assert done.stderr == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_said_in_one_line(trained):
    _, path = trained
    done = ask(path, ">/dev/full", b"how much is catsup\nbye\n")
    assert done.returncode == 2
    assert done.stderr == (b"tinymtl: standard output cannot be written: No space left on device\n")


@needs_a_shell
def test_letters_that_a_console_does_not_have_are_no_reason_to_stop(trained):
    _, path = trained
    lines = "caf\u00e9 butter\n".encode("latin-1") + b"\xff\nhow much is catsup\n"
    done = ask(path, lines=lines, PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert b"CATSUP" in done.stdout
    assert done.stderr == b""
