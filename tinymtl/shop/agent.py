"""A conversation with the trained guide, which says what it knows and what it estimates.

What it has seen the answer of is looked up. All else is estimated. Each line is first understood
(see understanding.py), then products are found (see catalogue.py). Here is the rest: what the
conversation is about, what to do next, and how to say it.

Read on in this order: `Agent` (what to do, lists, single products), the trained guide, and `main`,
the conversation in a terminal.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path

import numpy as np

from . import streams
from .catalogue import Catalogue
from .experiment import in_processes, train
from .guide import check_can_save, generate, load_guide, save_guide
from .purchases import read_table, words
from .replies import OPENINGS, QUESTIONS
from .split import Condition, shop_and_texts
from .understanding import LONGEST, Meaning, Understanding

FIXED = {row["intent"]: row["reply"] for row in read_table("fixed_replies")}
HINT = FIXED["hello"]
ANSWERS = {row["question"]: row["answer"] for row in read_table("questions")}
LISTED = ("need", "recommend", "anew")  # what is answered by a list of products
SHOWN = 5  # products in a list


class Agent:
    """What is known and learned of the shop, and one conversation.

    pool         the products talked of, the best first
    shown        how many of them were named
    household    the one that products were recommended to last; −1 for none
    ended        whether a goodbye was said

    With `path` the trained guide is loaded from there; if there is no file, it is saved there.
    `explain` adds to each reply how it was found, and `truth` what is on record. `apart` trains in
    a process of its own, with one thread, as the experiment does: on many cores that is faster.
    """

    def __init__(
        self,
        seed: int = 0,
        path: Path | None = None,
        explain: bool = False,
        truth: bool = False,
        apart: bool = False,
    ):
        self.explain = explain
        self.truth = truth
        self.model, split = trained(seed, path, apart)
        shop, self.replies, *_ = shop_and_texts()
        self.catalogue = Catalogue(self.model, split, shop)
        rng = np.random.default_rng([seed, 4])
        self.understanding = Understanding(rng, self.catalogue.stems, self.catalogue.names)
        self.begin()

    def begin(self):
        """Begin a conversation: nothing was talked of yet."""
        self.pool = np.arange(0)
        self.shown = 0
        self.household = -1
        self.ended = False

    def reply(self, line: str) -> str:
        """What the agent says to a line, whatever it holds."""
        meaning = self.understanding.read(line)
        self.ended = meaning.intent == "bye"
        says = notes_on_reading(meaning) + self.answer(meaning)
        if self.explain:
            says += f"\n  [asked: {meaning.intent}, probability {meaning.probability:.2f}]"
        return says

    def answer(self, meaning: Meaning) -> str:
        """The reply without the notes on what was read."""
        if meaning.intent in FIXED:
            return FIXED[meaning.intent]
        is_list = meaning.intent in LISTED
        note = ""
        if meaning.named:
            not_found = self.find(meaning)
            if not_found:
                return not_found
            note = self.note_on_words(meaning)
        elif not is_list and not self.shown:
            return "Which product?"
        if is_list:
            return note + self.offer(meaning)
        return note + self.about_one(meaning)

    def find(self, meaning: Meaning) -> str:
        """Talk of the products that the line names from now on.

        If there is none, return what to say of that, else "".
        """
        found, is_enough = self.catalogue.find(list(meaning.named))
        called = " ".join(meaning.named.values())
        no_product = f'I know no product called "{called}".'
        if not len(found):
            return no_product
        self.pool = found
        self.shown = 1
        if not is_enough:
            return f"{no_product} The nearest I know: {self.catalogue.names[found[0]]}."
        return ""

    def note_on_words(self, meaning: Meaning) -> str:
        """Which words of the line the best product does not have."""
        bag = self.catalogue.bags[self.pool[0]]
        missing = [f'"{word}"' for key, word in meaning.named.items() if key not in bag]
        if not missing:
            return ""
        return f"No product has all these words; I left out {', '.join(missing)}. "

    # Lists of products

    def offer(self, meaning: Meaning) -> str:
        """A list of products that fit the conditions.

        They are from those that the line names, else from those talked of, else from all. For a
        household they are what it is likely to buy.
        """
        is_recommended = meaning.intent == "recommend"
        n_households = len(self.catalogue.early)
        if is_recommended and not 0 <= meaning.household < n_households:
            return f"Which household? I know 0 to {n_households - 1}."

        narrows = not meaning.named and meaning.intent == "need" and self.shown > 0
        if narrows or meaning.named:
            products = self.pool
        else:
            products = self.catalogue.most_bought()
        to_whom = ""
        if is_recommended:
            self.household = meaning.household
            products = self.catalogue.likely(self.household, products)
            to_whom = self.to_whom()

        limits = meaning.limits + self.relative_limits(meaning, products, narrows)
        conditions = [f"{way} {dollars:.2f} dollars" for way, dollars in limits]
        if meaning.brand:
            conditions.append(meaning.brand)
        kept = self.catalogue.fitting(products, limits, meaning.brand)
        all_of_them = f"{len(products)} products{to_whom}"
        if not len(kept):
            wanted = f" is {', '.join(conditions)}" if conditions else ""
            return f"None of {all_of_them}{wanted}."

        if meaning.order:
            kept = self.catalogue.by_price(kept, meaning.order)
        self.pool = kept
        self.shown = min(SHOWN, len(kept))
        head = "recommend" if is_recommended else "answer"
        heading = heading_of_list(len(kept), len(products), to_whom, conditions)
        return f"{heading}:{self.shown_products(head)}"

    def to_whom(self) -> str:
        """What the products are that are recommended, said behind their number."""
        text = (
            f" that household {self.household} had not bought in weeks 1 to 40, "
            "the likeliest after that first"
        )
        if self.household in self.catalogue.taught:
            text += " (it was trained on)"
        return text

    def shown_products(self, head: str) -> str:
        """A line for each of the first products."""
        lines = [self.state(product, head, "price", "brand") for product in self.pool[:SHOWN]]
        return "".join(f"\n  {line}" for line in lines)

    def relative_limits(
        self, meaning: Meaning, products: np.ndarray, narrows: bool
    ) -> list[tuple[str, float]]:
        """The limit in "more expensive", "cheaper" or "cheap": [(way, dollars)] or [].

        It is relative to the products that were named last, else to the cheapest third.
        """
        named_last = self.catalogue.says["price"][products[: self.shown]]
        if narrows and meaning.dearer:
            return [("over", named_last.max())]
        if not meaning.cheaper:
            return []
        if narrows:
            return [("under", named_last.min())]
        return [("at most", self.catalogue.cheapest_third(products))]

    # Single products

    def about_one(self, meaning: Meaning) -> str:
        """The answer to one of QUESTIONS, or to "about".

        It is about the product that the line names or that was named first.
        """
        product = self.pool[0]
        self.shown = 1
        note = ""
        if meaning.named and len(self.pool) > 1:
            following = self.catalogue.names[self.pool[1]]
            note = f"{len(self.pool)} products match (the next: {following}); the nearest: "
        if meaning.intent in QUESTIONS:
            return note + self.state(product, "answer", meaning.intent)
        says = self.own_words(product)
        return note + self.state(product, "dialogue", *QUESTIONS, says=says)

    def own_words(self, product: int) -> str:
        """What the dialogue head says of a product, checked against the record if it is known."""
        asked = np.array([QUESTIONS.index("price")])
        text = generate(self.model, np.array([product]), asked, self.replies)[0]
        wrong = []
        for question, is_true in zip(QUESTIONS, self.replies.true(product, text)):
            if not is_true:
                wrong.append(question)
        if not self.catalogue.known[product]:
            check = "estimated, not on record"
        elif wrong:
            check = f"otherwise on record: {', '.join(wrong)}"
        else:
            check = "all of it as on record"
        openings = "|".join(OPENINGS.values())
        with_commas = re.sub(f" ({openings}) ", r", \1 ", text)
        return f'"{with_commas}", in the own words of my dialogue head; {check}'

    def state(self, product: int, head: str, *asked: str, says: str = "") -> str:
        """What is said of a product and where it is from.

        Under `truth` it adds what is on record, under `explain` what the head read. The latter is
        said of the first product of a list alone.
        """
        name = self.catalogue.names[product]
        told = f"{name}: {says or self.known_or_estimated(product, asked)}"
        if self.truth:
            later = ""
            if head == "recommend":
                bought = self.catalogue.late[self.household, product]
                later = ", bought in weeks 41 to 53" if bought else ", not bought in weeks 41 to 53"
            told += f" [recorded: {values_of(self.catalogue.record, product, asked)}{later}]"
        if self.explain and product == self.pool[0]:
            told += f"\n  [{self.explanation(product, head, asked[0])}]"
        return told

    def known_or_estimated(self, product: int, asked: tuple[str, ...]) -> str:
        said = values_of(self.catalogue.says, product, asked)
        if self.catalogue.known[product]:
            return f"{said}, known"
        about = "about" if "price" in asked else "probably"
        return f"{about} {said}, estimated from its words and who buys it"

    def explanation(self, product: int, head: str, question: str) -> str:
        """Which head answered, the shared rows that it read, and the likeliest answers."""
        if self.catalogue.known[product] and head == "answer":
            return "from the record, no head was asked"
        read = words(self.catalogue.names[product])
        text = f"{head} head, shared rows words: {', '.join(read)}; own: {product}"
        if question in self.catalogue.odds:
            names, probabilities = self.catalogue.odds[question]
            for k in np.argsort(-probabilities[product])[:3]:
                text += f"; {names[k]} {probabilities[product, k]:.2f}"
        return text


def heading_of_list(kept: int, products: int, to_whom: str, conditions: list[str]) -> str:
    """How many products fit, and how many of them follow.

    >>> heading_of_list(23, 23, "", [])
    '23 products match; the first 5'
    >>> heading_of_list(3, 23, "", ["under 2.00 dollars"])
    '3 of 23 products, under 2.00 dollars'
    """
    if kept == products and not to_whom and not conditions:
        heading = f"{products} products match"
    else:
        heading = ", ".join([f"{kept} of {products} products{to_whom}", *conditions])
    return f"{heading}; the first {SHOWN}" if kept > SHOWN else heading


def notes_on_reading(meaning: Meaning) -> str:
    """What is said first: how the line was read, where that may not be what was meant."""
    notes = ""
    if meaning.too_long:
        notes += f"(I read the first {LONGEST} letters.) "
    for written, read in meaning.corrections:
        notes += f'(I read "{written}" as "{read}".) '
    if meaning.leaves_out:
        notes += "(I cannot leave words out.) "
    return notes


def values_of(table: dict, product: int, asked: tuple[str, ...]) -> str:
    """What a table says of a product, in words."""
    return ", ".join(ANSWERS[question].format(table[question][product]) for question in asked)


# The trained guide


def trained(seed: int, path: Path | None, apart: bool = False):
    """The trained model of this seed, and its split.

    The model is loaded from the file; if there is none yet, it is trained and saved there.
    apart: whether it is trained in a process of its own.
    """
    is_saved = path is not None and os.path.exists(path)
    if path is not None and not is_saved:
        check_can_save(path)  # before time is spent on training
    trains_here = not is_saved and not apart
    condition = Condition() if trains_here else Condition(steps=0)
    model, split, _ = train(seed, condition, "hard")
    if apart and not is_saved:
        (arrays,) = in_processes(trained_parameters, [(seed,)])
        for name, p in model.named_parameters().items():
            p.data = arrays[name]
    if is_saved:
        saved_seed = load_guide(path, model)
        if saved_seed != seed:  # with another seed other products are known
            raise ValueError(f"{path} was trained with seed {saved_seed}, got seed {seed}")
    elif path is not None:
        save_guide(path, model, seed)
    return model, split


def trained_parameters(seed: int) -> dict[str, np.ndarray]:
    """The parameters of the trained guide, by name: a process can hand them to another."""
    model, _, _ = train(seed, Condition(), "hard")
    return {name: p.data for name, p in model.named_parameters().items()}


# The conversation in a terminal


def main(options: argparse.Namespace) -> int:
    """Reply to the lines of standard input until they end, or until a goodbye.

    Returns 0; 1 if the process that trains died; 2 if a file cannot be used; 130 after Ctrl-C.
    """
    streams.prepare()
    is_dialogue = sys.stdin.isatty() and sys.stdout.isatty()
    if sys.stderr.isatty() and not options.quiet:
        print(f"learning the shop ... {HINT}", file=sys.stderr)
    try:
        agent = Agent(options.seed, options.guide, options.explain, options.truth, apart=True)
        converse(agent, is_dialogue)
    except KeyboardInterrupt:
        leave_prompt(is_dialogue)
        return 130
    except BrokenPipeError:
        return 0  # whoever read the answers has gone
    except ChildProcessError as error:
        return stopped_by(error, 1)
    except (OSError, ValueError) as error:
        return stopped_by(error, 2)
    return 0


def stopped_by(error: Exception, status: int) -> int:
    """Say in words what went wrong, and return the exit status."""
    said = str(error)
    if isinstance(error, OSError):
        said = streams.reason(error)
        if error.filename:
            said = f"{error.filename}: {said}"
    print(f"tinymtl: {said}", file=sys.stderr)
    return status


def converse(agent: Agent, is_dialogue: bool):
    while not agent.ended:
        try:
            line = input("> ") if is_dialogue else input()
        except EOFError:
            leave_prompt(is_dialogue)
            return
        streams.write(agent.reply(line))


def leave_prompt(is_dialogue: bool):
    """Say goodbye on a line of its own, if somebody sits there."""
    if is_dialogue:
        print("\ngoodbye", file=sys.stderr)
