"""A conversation with the trained guide, which says what it knows and what it estimates.

What it has seen the answer of is looked up. All else is estimated. What a line asks is learned too,
by a small classifier made of the same pieces. Products are found by the words they share with it.
"""

import os
import re
import sys
from dataclasses import dataclass, field
from difflib import get_close_matches

import numpy as np

from .. import Adam, Dense, HardSharing, Parameter, cross_entropy, fit
from ..ops import concatenate, exp, log_softmax
from . import experiment
from .guide import OPENINGS, QUESTIONS, generate
from .purchases import words

# What is asked -> ways to ask it. _ stands for a word of a product, ? for one that no product has,
# limit for a limit of price.
PHRASINGS = {
    "price": [
        "how much is _",
        "how much",
        "what does it cost",
        "price of _",
        "what do you charge for _",
        "is _ expensive",
        "is it cheap",
        "how expensive is that",
        "tell me the price of _",
        "how many dollars is _",
        "what will i pay for _",
        "whats the cost of ?",
    ],
    "department": [
        "where do i find _",
        "where is _",
        "what department",
        "where",
        "where are the _",
        "which department has _",
        "in what aisle is it",
        "what section is _ in",
        "which part of the store",
        "how do i get to _",
        "where do you keep ?",
        "which shelf",
    ],
    "category": [
        "what kind of thing is _",
        "what is _",
        "what is it",
        "what category is it",
        "what sort of product",
        "what type of thing is it",
        "how is _ classified",
        "what group does _ belong to",
        "which category is _ in",
        "what is a ?",
    ],
    "brand": [
        "is _ your own brand",
        "is it your brand",
        "is that a national brand",
        "what brand is _",
        "who makes _",
        "which brand",
        "is it one of yours",
        "do you make _ yourselves",
        "is _ made by you",
        "are _ private label",
        "is the ? a store brand",
    ],
    "about": [
        "tell me about _",
        "describe _",
        "what do you know about it",
        "say something about _",
        "talk about that",
        "tell me more",
        "what can you say about _",
        "tell me everything",
        "information on _",
        "details of _",
        "can you tell me about ?",
    ],
    "recommend": [
        "what would household like",
        "recommend something for household",
        "what should household buy",
        "suggestions for household",
        "household",
        "which _ will household want next",
        "which _ would household like limit",
        "what can you recommend",
        "any suggestions",
    ],
    "need": [
        "_",
        "_ limit",
        "a cheap _",
        "a _ that is not your own brand",
        "i need _",
        "something limit",
        "anything limit",
        "something cheaper",
        "not your own brand",
        "your own brand",
        "do you have _",
        "i want some _",
        "looking for _",
        "show me _",
        "less expensive",
        "limit",
        "cheaper",
        "the cheapest",
        "national brand only",
        "more expensive",
        "sell ?",
    ],
    "made": [
        "what is it made of",
        "what is in _",
        "is it vegan",
        "is _ healthy",
        "what is it good for",
        "ingredients of _",
        "is it ?",
        "how many calories does _ have",
        "does it contain _",
        "what do i use it for",
        "is it organic",
        "does it taste good",
        "is that fresh",
        "what can i cook with _",
    ],
    "bigger": [
        "something bigger",
        "a bigger one",
        "smaller",
        "larger",
        "is there a bigger _",
        "the biggest",
        "bigger",
    ],
    "bye": [
        "bye",
        "goodbye",
        "quit",
        "exit",
        "see you",
        "good bye",
        "thats all",
    ],
    "anew": [
        "start over",
        "something else",
        "forget that",
        "new search",
        "start again",
        "never mind",
        "reset",
    ],
    "hello": [
        "hello",
        "hi",
        "help",
        "what can you do",
        "who are you",
        "good morning",
        "hey there",
        "what can i ask",
        "how do you work",
        "thanks",
        "thank you",
    ],
}

# The shop's abbreviations and cut words, and some words of customers.
FULL = {
    "frzn": "frozen",
    "sft": "soft",
    "drnk": "drink",
    "drnks": "drink",
    "drnking": "drinking",
    "choc": "chocolate",
    "veg": "vegetable",
    "brkfst": "breakfast",
    "whl": "whole",
    "refrgratd": "refrigerated",
    "refrig": "refrigerated",
    "bkd": "baked",
    "sw": "sweet",
    "gds": "goods",
    "pnt": "peanut",
    "btr": "butter",
    "sald": "salad",
    "drsng": "dressing",
    "sndwch": "sandwich",
    "sprd": "spread",
    "dnr": "dinner",
    "dnrs": "dinner",
    "mx": "mix",
    "mxs": "mix",
    "pwdr": "powder",
    "crystl": "crystal",
    "fd": "food",
    "dsh": "dish",
    "bn": "bean",
    "trsh": "trash",
    "bg": "bag",
    "tiss": "tissue",
    "wtr": "water",
    "wate": "water",
    "flvrd": "flavored",
    "carb": "carbonated",
    "btl": "bottle",
    "sngl": "single",
    "sgl": "single",
    "srv": "serve",
    "mlt": "multi",
    "mult": "multi",
    "pk": "pack",
    "pkg": "pack",
    "mlk": "milk",
    "chix": "chicken",
    "frd": "fried",
    "prep": "prepared",
    "saus": "sausage",
    "grnd": "ground",
    "cke": "cake",
    "cnd": "canned",
    "plstc": "plastic",
    "tort": "tortilla",
    "may": "mayonnaise",
    "mayo": "mayonnaise",
    "br": "bread",
    "dan": "danish",
    "o": "orange",
    "saltice": "salt",
    "cilanto": "cilantro",
    "saucessalsapicantee": "salsa",
    "ketchup": "catsup",
    "cookies": "cookie",
    "pies": "pie",
    "bbq": "barbecue",
    "yoghurt": "yogurt",
    "ctlrytblclthstthpksst": "cutlery",
    "oz": "ounce",
    "ozs": "ounce",
    "lb": "pound",
    "lbs": "pound",
    "ct": "count",
    "dz": "dozen",
    "doz": "dozen",
    "l": "liter",
    "ga": "gallon",
    "gal": "gallon",
    "qt": "quart",
    "pt": "pint",
}

FILLER = set(
    words(
        "the a an of to some any and or do does please could would you with for me there all just "
        "really so even still very than they them buys"
    )
)
SUPERLATIVE = {  # which way prices are then sorted
    "cheapest": 1,
    "least expensive": 1,
    "most expensive": -1,
    "dearest": -1,
}
ONE_TO_TWELVE = "one two three four five six seven eight nine ten eleven twelve".split()
NUMBERS = {
    "zero": 0,
    **{word: n for n, word in enumerate(ONE_TO_TWELVE, start=1)},
    "twenty": 20,
    "fifty": 50,
    "a dollar": 1,
    "half a dollar": 0.5,
}
WITHIN = {  # how a limit is said -> the test of a price against it
    "under": np.less,
    "below": np.less,
    "less than": np.less,
    "cheaper than": np.less,
    "at most": np.less_equal,
    "up to": np.less_equal,
    "no more than": np.less_equal,
    "not more than": np.less_equal,
    "not over": np.less_equal,
    "over": np.greater,
    "above": np.greater,
    "more than": np.greater,
    "at least": np.greater_equal,
}
ANY_WAY = "|".join(WITHIN)
ANY_AMOUNT = rf"\d+\.?\d*|\.\d+|{'|'.join(NUMBERS)}"
LIMIT = rf"\b({ANY_WAY}) \$? ?({ANY_AMOUNT})\b(?: ?(cent|dollar)s?\b)?"

OWN = "our own brand"
NATIONAL = "a national brand"
FORMS = {
    "price": "{:.2f} dollars",
    "department": "department {}",
    "category": "category {}",
    "brand": "{}",
}
HINT = (
    "Ask the price, department, category or brand of a product, what household 0 to 399 would "
    "like, or: cheese under three dollars, not your own brand."
)
FIXED = {
    "hello": HINT,
    "unclear": "I did not understand. " + HINT,
    "bye": "goodbye",
    "bigger": "I read sizes as words and cannot compare them: name one, such as 16 oz.",
    "made": (
        "What it is made of, tastes like or is good for is not in my data: only type, size, "
        "price, department, category, brand, and who buys it."
    ),
}
LISTED = ("need", "recommend", "anew")  # what is answered by a list of products
ENOUGH = 0.4  # least overlap of a product with the words of a line
SURE = 0.5  # least probability of what is asked
SHOWN = 5  # products in a list
LONGEST = 500  # letters of a line that are read


# Reading a line


def plain_money(line: str) -> str:
    """Money in the form that LIMIT reads.

    >>> plain_money("under 99¢"), plain_money("under 2,50")
    ('under 99 cents', 'under 2.50')
    >>> plain_money("under two dollars and fifty cents"), plain_money("milk for $3")
    ('under 2.50 dollars', 'milk at most $3')
    """
    line = line.replace("¢", " cents")
    line = re.sub(r"(\d),(\d{3})\b", r"\1\2", line)
    line = re.sub(r"(\d),(\d\d)\b", r"\1.\2", line)

    def and_a_half(found):
        return f"{NUMBERS[found[1]]}.50 dollars"

    number = "|".join(ONE_TO_TWELVE)
    line = re.sub(rf"\b({number})( dollars?)?( and)? fifty( cents)?\b", and_a_half, line)
    return re.sub(r"\bfor (?=\$ ?\d|\S+ (?:dollar|cent))", "at most ", line)


def learn_intents(rng: np.random.Generator):
    """Learn to tell what is asked: the words that tell it, and a function of a phrase's words.

    The function returns the probabilities (12,) of what PHRASINGS names.
    """
    phrases = []
    intents = []
    for intent, ways in enumerate(PHRASINGS.values()):
        for way in ways:
            phrases.append(way.split())
            intents.append(intent)
    vocabulary = sorted({word for phrase in phrases for word in phrase})

    def bags(phrases):
        """Which words of the vocabulary each phrase has: (n, V)."""
        return np.array([np.isin(vocabulary, phrase) for phrase in phrases], float)

    trunk = Dense(len(vocabulary), 24, rng)
    head = Dense(24, len(PHRASINGS), rng)
    model = HardSharing(trunk, {"intent": head}, l2=1e-3)
    fit(
        model,
        {"intent": (bags(phrases), np.array(intents))},
        {"intent": cross_entropy},
        optimizer=Adam(0.02),
        steps=150,
        quiet=True,
    )

    def probabilities(phrase):
        logits = model({"intent": bags([phrase])})["intent"]
        return exp(log_softmax(logits)).data[0]

    return vocabulary, probabilities


def stem(word: str) -> str:
    """Write out an abbreviation and make a plural singular.

    >>> [stem(word) for word in ("frzn", "peaches", "berries")]
    ['frozen', 'peach', 'berry']
    """
    word = FULL.get(word, word)
    word = re.sub(r"ies$", "y", word)
    word = re.sub(r"(ch|sh|ss|x|o)es$", r"\1", word)
    return re.sub(r"(?<=[^su])s$", "", word)


@dataclass
class Heard:
    """What was understood of a line."""

    line: str = ""  # as it is read: a limit of price is "limit", a household "household"
    note: str = ""  # what is said before the reply
    intent: str = "unclear"
    sure: float = 0.0  # the probability of the intent
    named: dict = field(default_factory=dict)  # stem -> word: the words that name products
    limits: list = field(default_factory=list)  # (way, dollars)
    sort: int = 0  # 1: by rising prices, −1: by falling prices
    household: int = -1  # −1: none
    brand: str = ""  # OWN, NATIONAL or neither


# The conversation


class Guide:
    """What is known and learned of the shop, and one conversation.

    `pool` are the products talked of, the best first. The first `shown` of them were named.
    """

    def __init__(self, seed: int = 0, path=None, explain: bool = False, truth: bool = False):
        self.explain = explain
        self.truth = truth
        self.model, split = trained(seed, path)
        self.early = split.bought["early"]
        self.late = split.bought["late"]
        self.taught = split.households["train"]

        shop, self.replies, self.ids, self.vocabulary = experiment.shop_and_texts()
        self.every = np.arange(len(self.ids))
        self.known = np.isin(self.every, split.products["train"])
        self.names = [f"{kind}, {size}".strip(", ") for kind, size in zip(shop.type, shop.size)]
        self.record = {question: getattr(shop, question) for question in QUESTIONS}
        self.record["brand"] = np.where(shop.brand == "Private", OWN, NATIONAL)

        self.pool = np.arange(0)
        self.shown = 0
        self.household = -1
        self.estimate()
        self.asks, self.intents = learn_intents(np.random.default_rng([seed, 4]))
        self.index_words()

    def estimate(self):
        """What the model says of all products: `scores`, `odds`, and `says`, records where known.

        scores (400, 1000): of households and products. odds: question -> (names, probabilities).
        """
        self.model.train(False)
        out = self.model({"answer": self.every, "recommend": self.early})
        self.scores = out["recommend"]["late"].data
        logits = dict(out["answer"])
        # A sigmoid is the softmax of 0 and the logit.
        logits["brand"] = concatenate([0 * logits["brand"], logits["brand"]], axis=1)
        self.odds = {}
        guess = {"price": self.price_from(logits["price"])}
        for question in ("department", "category", "brand"):
            names = np.unique(self.record[question])
            probabilities = exp(log_softmax(logits[question])).data  # (1000, C)
            self.odds[question] = (names, probabilities)
            guess[question] = names[probabilities.argmax(1)]
        self.says = {}
        for question in QUESTIONS:
            record = self.record[question]
            self.says[question] = np.where(self.known, record, guess[question])

    def price_from(self, standardised):
        """Dollars from the standardised log price (1000, 1)."""
        log_price = np.log(self.record["price"][self.known])
        z = standardised.data[:, 0].astype(float)
        return np.exp(z * log_price.std() + log_price.mean()).round(2)

    def index_words(self):
        """The words by which products are found, and how rare they are.

        bags: the stems of each product's words. words: all V stems. has (1000, V). rarity (V,).
        """
        self.bags = []
        # What is said of the category, not what is recorded: the record may not be known.
        for name, category in zip(self.names, self.says["category"]):
            found = words(f"{name} {category}")
            self.bags.append({stem(word) for word in found if word not in self.asks})
        self.words = sorted(set().union(*self.bags))
        self.has = np.array([np.isin(self.words, list(bag)) for bag in self.bags])
        self.rarity = np.log(len(self.has) / self.has.sum(0))

    def reply(self, line: str) -> str:
        """What the guide says to a line, whatever it holds."""
        line = plain_money(" ".join(line.lower().split()))
        # No control characters, no letters beyond a to z, no apostrophes.
        line = re.sub("[^ -&(-~]", "", line)
        note = ""
        if len(line) > LONGEST:
            note = f"(I read the first {LONGEST} letters.) "
        # Up to the end of the last word in these letters.
        line = re.match(rf"(.{{,{LONGEST}}}\b)?", line)[0]
        heard = self.hear(line, note)
        says = self.answer(heard)
        says = heard.note + says
        if self.explain:
            says += f"\n  [asked: {heard.intent}, probability {heard.sure:.2f}]"
        return says

    def answer(self, heard: Heard) -> str:
        """The reply without the notes that stand before it."""
        if heard.intent in FIXED:
            return FIXED[heard.intent]
        not_found = self.find(heard)
        if not_found:
            return not_found
        if heard.intent in LISTED:
            return self.offer(heard)
        return self.question(heard)

    def hear(self, line: str, note: str = "") -> Heard:
        """What is asked and how sure that is, and all else that a line says."""
        heard = Heard(note=note)
        line = re.sub(r"between (\S+) and", r"at least \1 at most", line)
        for superlative, way in SUPERLATIVE.items():
            if superlative in line:
                heard.sort = way
                break
        line = re.sub("|".join(SUPERLATIVE), "cheapest", line)
        heard.limits = limits_of(line)
        number = re.search(r"household\D{0,9}?(-?\d+)", line)
        if number:
            heard.household = int(number[1])
        heard.line = re.sub(r"household\D{0,9}\d+", "household", re.sub(LIMIT, " limit ", line))
        if re.search("brand|label", line):
            says_not = re.search(r"\b(not|no|isnt|other|without|national)\b", heard.line)
            heard.brand = NATIONAL if says_not else OWN

        bag = self.read_words(heard)
        self.recognise(heard, bag)
        leaves_out = re.search(r"\b(not|no|without|except)\b", heard.line)
        if leaves_out and heard.named and not heard.brand:
            heard.note += "(I cannot leave words out.) "
        return heard

    def read_words(self, heard: Heard) -> list[str]:
        """The words of a line as the classifier reads them; those that name products are noted.

        A word of a product is _, and one that no product has ?. Slips of spelling are put right.
        """
        mine = FILLER.union(self.asks)
        spelled = {*self.asks, *self.words, *words(" ".join(self.names))}
        bag = []
        for word in re.findall(r"[a-z]+|\d*\.?\d+", heard.line):
            if len(word) > 3 and word not in mine and stem(word) not in self.words:
                near = get_close_matches(word, spelled, n=1, cutoff=0.84)
                if near:
                    heard.note += f'(I read "{word}" as "{near[0]}".) '
                    word = near[0]
            if word in mine:
                bag.append(word)
                continue
            bag.append("_" if stem(word) in self.words else "?")
            heard.named[stem(word)] = word
        return bag

    def recognise(self, heard: Heard, bag: list[str]):
        """What is asked, from the words, and from a household or a superlative."""
        likeliest = "unclear"
        if set(bag) - FILLER - {"?"}:
            probabilities = self.intents(bag)
            heard.sure = probabilities.max()
            likeliest = list(PHRASINGS)[probabilities.argmax()]
        if heard.sure >= SURE:
            heard.intent = likeliest
        else:
            heard.intent = "unclear" if bag else "hello"
        if heard.intent in ("hello", "bye", "made", "anew"):
            return
        if heard.household >= 0:
            heard.intent = "recommend"
        elif heard.sort:
            heard.intent = "need"

    def find(self, heard: Heard) -> str:
        """Make the products that the line names the pool; without words it stays.

        If there is none, return what to say of that.
        """
        if not heard.named:
            return "" if heard.intent in LISTED or self.shown else "Which product?"
        called = f'"{" ".join(heard.named.values())}"'
        weight = self.rarity * np.isin(self.words, list(heard.named))  # (V,)
        shared = self.has @ weight  # (1000,)
        if not shared.any():
            return f"I know no product called {called}."

        best = np.flatnonzero(shared > shared.max() - 1e-9)
        # The first has few other words and many buyers.
        order = (self.has @ self.rarity / self.early.sum(0))[best]
        self.pool = best[np.argsort(order, kind="stable")]
        self.shown = 1
        first = self.pool[0]
        unknown = sum(word not in self.words for word in heard.named)
        most_possible = weight.sum() + unknown * np.log(len(self.has))
        if shared.max() < ENOUGH * most_possible:
            return f"I know no product called {called}. The nearest I know: {self.names[first]}."
        for key, word in heard.named.items():
            if key not in self.bags[first]:
                heard.note += f'None is called "{word}". '
        return ""

    def question(self, heard: Heard) -> str:
        """The answer to one of QUESTIONS, or to "about".

        It is about the product that the line names or that was named first.
        """
        product = self.pool[0]
        self.shown = 1
        if heard.named and len(self.pool) > 1:
            following = self.names[self.pool[1]]
            heard.note += f"{len(self.pool)} products match (the next: {following}); the nearest: "
        if heard.intent in QUESTIONS:
            return self.state(product, "answer", heard.intent)
        return self.state(product, "dialogue", *QUESTIONS, says=self.own_words(product))

    def own_words(self, product: int) -> str:
        """What the dialogue head says of a product, checked against the record if it is known."""
        asked = np.array([QUESTIONS.index("price")])
        text = generate(self.model, self.every[[product]], asked, self.replies)[0]
        wrong = []
        for question, true in zip(QUESTIONS, self.replies.true(product, text)):
            if not true:
                wrong.append(question)
        if not self.known[product]:
            check = "estimated, not on record"
        elif wrong:
            check = f"otherwise on record: {', '.join(wrong)}"
        else:
            check = "all of it as on record"
        openings = "|".join(OPENINGS.values())
        with_commas = re.sub(f" ({openings}) ", r", \1 ", text)
        return f'"{with_commas}", in the own words of my dialogue head; {check}'

    def offer(self, heard: Heard) -> str:
        """A list of products that fit the conditions.

        They are from those that the line names, else from those talked of, else from all. For a
        household they are what it is likely to buy.
        """
        talked = not heard.named and heard.intent == "need" and self.shown > 0
        if talked or heard.named:
            pool = self.pool
        else:
            pool = np.argsort(-self.early.sum(0), kind="stable")  # most buyers first
        head = "answer"
        who = ""
        if heard.intent == "recommend":
            if not 0 <= heard.household < len(self.early):
                return f"Which household? I know 0 to {len(self.early) - 1}."
            self.household = heard.household
            head = "recommend"
            pool = self.likely(pool)
            who = (
                f" that household {heard.household} had not bought in weeks 1 to 40, "
                "the likeliest after that first"
            )
            if heard.household in self.taught:
                who += " (it was trained on)"

        price = self.says["price"][pool]
        kept = np.full(len(pool), True)
        wanted = ""
        for way, dollars in heard.limits + self.relative_limits(heard, price, talked):
            kept &= WITHIN[way](price, dollars)
            wanted += f", {way} {dollars:.2f} dollars"
        if heard.brand:
            kept &= self.says["brand"][pool] == heard.brand
            wanted += f", {heard.brand}"
        if not kept.any():
            return f"None of {len(pool)} products{who}{wanted.replace(',', ' is', 1)}."

        self.pool = pool[kept]
        if heard.sort:
            order = np.argsort(heard.sort * price[kept], kind="stable")
            self.pool = self.pool[order]
        self.shown = min(SHOWN, len(self.pool))
        lines = [f"{len(self.pool)} of {len(pool)} products{who}{wanted}:"]
        for product in self.pool[:SHOWN]:
            lines.append(f"  {self.state(product, head, 'price', 'brand')}")
        return "\n".join(lines)

    def likely(self, pool):
        """The products of the pool that the household had not bought, the likeliest first."""
        order = np.argsort(-self.scores[self.household], kind="stable")
        is_new = ~self.early[self.household, order]
        return order[is_new & np.isin(order, pool)]

    def relative_limits(self, heard: Heard, price, talked: bool) -> list:
        """The limit in "more expensive", "cheaper" or "cheap": [(way, dollars)] or [].

        It is relative to the products that were named last, else to the cheapest third.
        """
        if talked and "more expensive" in heard.line:
            return [("over", price[: self.shown].max())]
        if heard.sort or not re.search("cheap|less expensive", heard.line):
            return []
        if talked:
            return [("under", price[: self.shown].min())]
        cheapest_third = np.sort(price)[: len(price) // 3 + 1]
        return [("at most", cheapest_third.max(initial=0))]

    def state(self, product: int, head: str, *asked: str, says: str = "") -> str:
        """What is said of a product and where it is from.

        Under `truth` it adds what is on record, under `explain` what the head read. The latter is
        said of the first product of a list alone.
        """
        told = f"{self.names[product]}: {says or self.known_or_estimated(product, asked)}"
        if self.truth:
            later = ""
            if head == "recommend":
                bought = self.late[self.household, product]
                later = f", {'' if bought else 'not '}bought in weeks 41 to 53"
            told += f" [recorded: {values_of(self.record, product, asked)}{later}]"
        if self.explain and product == self.pool[0]:
            told += f"\n  [{self.explanation(product, head, asked[0])}]"
        return told

    def known_or_estimated(self, product: int, asked: tuple[str, ...]) -> str:
        said = values_of(self.says, product, asked)
        if self.known[product]:
            return f"{said}, known"
        about = "about" if "price" in asked else "probably"
        return f"{about} {said}, estimated from its words and who buys it"

    def explanation(self, product: int, head: str, question: str) -> str:
        """Which head answered, the shared rows that it read, and the likeliest answers."""
        if self.known[product] and head == "answer":
            return "from the record, no head was asked"
        numbers = self.ids[product]
        read = [self.vocabulary[word] for word in numbers if word < len(self.vocabulary)]
        text = f"{head} head, shared rows words: {', '.join(read)}; own: {product}"
        if question in self.odds:
            names, probabilities = self.odds[question]
            for k in np.argsort(-probabilities[product])[:3]:
                text += f"; {names[k]} {probabilities[product, k]:.2f}"
        return text


def trained(seed: int, path):
    """The trained model of this seed, and its split.

    The model is loaded from the file; if there is none yet, it is trained and saved there.
    """
    if path is not None and not path.parent.is_dir():
        raise FileNotFoundError(f"--guide {path}: there is no folder {path.parent}")
    is_saved = path is not None and path.exists()
    condition = experiment.Condition(steps=0 if is_saved else 300)
    model, split, *_ = experiment.train(seed, condition, "hard")
    # The seed is saved too: with another seed other products are known.
    model.seed = Parameter(np.full(1, float(seed)))
    if is_saved:
        model.load(path)
    elif path is not None:
        model.save(path)
    saved_seed = model.seed.data[0]
    if saved_seed != seed:
        raise ValueError(f"{path} was trained with seed {saved_seed:.0f}, got seed {seed}")
    return model, split


def limits_of(line: str) -> list[tuple[str, float]]:
    """The limits of price in a line: (way, dollars).

    >>> limits_of("over a dollar and under 250 cents")
    [('over', 1.0), ('under', 2.5)]
    """
    limits = []
    for way, amount, unit in re.findall(LIMIT, line):
        number = float(NUMBERS.get(amount, amount))
        limits.append((way, number / 100 if unit == "cent" else number))
    return limits


def values_of(table: dict, product: int, asked: tuple[str, ...]) -> str:
    """What a table says of a product, in words."""
    return ", ".join(FORMS[question].format(table[question][product]) for question in asked)


def main(options) -> int:
    """Reply to the lines of standard input until it ends.

    Returns 0; 130 after Ctrl-C; 2 if a file cannot be used.
    """
    if hasattr(sys.stdin, "reconfigure"):
        # A line that is no UTF-8 is no reason to stop.
        sys.stdin.reconfigure(errors="replace")
    is_dialogue = sys.stdin.isatty() and sys.stdout.isatty()
    prompt = "> " if is_dialogue else ""
    if sys.stderr.isatty() and not options.quiet:
        print(f"learning the shop ... {HINT}", file=sys.stderr)
    says = ""
    try:
        guide = Guide(options.seed, options.guide, options.explain, options.truth)
        while says != FIXED["bye"]:
            says = guide.reply(input(prompt))
            print(says, flush=True)
    except (EOFError, KeyboardInterrupt) as end:
        if is_dialogue:
            print("\ngoodbye\n", end="", file=sys.stderr)
        return 130 if isinstance(end, KeyboardInterrupt) else 0
    except BrokenPipeError:  # whoever read the answers has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (OSError, ValueError) as error:
        print(f"tinymtl: {error}", file=sys.stderr)
        return 2
    return 0
