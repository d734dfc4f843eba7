"""A conversation with the trained guide: what it has seen the answer of is looked up, all else is estimated, and it says which.

What a line asks is learned too, by a small classifier made of the same pieces; products are found by the words they share with it.
"""

import os
import re
import sys
from difflib import get_close_matches
from types import SimpleNamespace

import numpy as np

from .. import Adam, Dense, HardSharing, Parameter, cross_entropy, fit
from ..ops import concatenate, exp, log_softmax
from . import experiment
from .guide import OPENINGS, QUESTIONS, generate
from .purchases import words

PHRASINGS = {  # what is asked -> ways to ask it; _ stands for words of products, ? for one that no product has, limit for a limit of price
    "price": "how much is _/how much/what does it cost/price of _/what do you charge for _/is _ expensive/is it cheap/how expensive is that/tell me the price of _/how many dollars is _/what will i pay for _/whats the cost of ?",
    "department": "where do i find _/where is _/what department/where/where are the _/which department has _/in what aisle is it/what section is _ in/which part of the store/how do i get to _/where do you keep ?/which shelf",
    "category": "what kind of thing is _/what is _/what is it/what category is it/what sort of product/what type of thing is it/how is _ classified/what group does _ belong to/which category is _ in/what is a ?",
    "brand": "is _ your own brand/is it your brand/is that a national brand/what brand is _/who makes _/which brand/is it one of yours/do you make _ yourselves/is _ made by you/are _ private label/is the ? a store brand",
    "about": "tell me about _/describe _/what do you know about it/say something about _/talk about that/tell me more/what can you say about _/tell me everything/information on _/details of _/can you tell me about ?",
    "recommend": "what would household like/recommend something for household/what should household buy/suggestions for household/household/which _ will household want next/which _ would household like limit/what can you recommend/any suggestions",
    "need": "_/_ limit/a cheap _/a _ that is not your own brand/i need _/something limit/anything limit/something cheaper/not your own brand/your own brand/do you have _/i want some _/looking for _/show me _/less expensive/limit/cheaper/the cheapest/national brand only/more expensive/sell ?",
    "made": "what is it made of/what is in _/is it vegan/is _ healthy/what is it good for/ingredients of _/is it ?/how many calories does _ have/does it contain _/what do i use it for/is it organic/does it taste good/is that fresh/what can i cook with _",
    "bigger": "something bigger/a bigger one/smaller/larger/is there a bigger _/the biggest/bigger",
    "bye": "bye/goodbye/quit/exit/see you/good bye/thats all",
    "anew": "start over/something else/forget that/new search/start again/never mind/reset",
    "hello": "hello/hi/help/what can you do/who are you/good morning/hey there/what can i ask/how do you work/thanks/thank you",
}
FULL = dict(
    pair.split("=")
    for pair in (  # the shop's abbreviations and cut words, and some words of customers
        "frzn=frozen sft=soft drnk=drink drnks=drink drnking=drinking choc=chocolate veg=vegetable brkfst=breakfast whl=whole refrgratd=refrigerated refrig=refrigerated bkd=baked sw=sweet gds=goods pnt=peanut btr=butter"
        " sald=salad drsng=dressing sndwch=sandwich sprd=spread dnr=dinner dnrs=dinner mx=mix mxs=mix pwdr=powder crystl=crystal fd=food dsh=dish bn=bean trsh=trash bg=bag tiss=tissue wtr=water wate=water flvrd=flavored"
        " carb=carbonated btl=bottle sngl=single sgl=single srv=serve mlt=multi mult=multi pk=pack pkg=pack mlk=milk chix=chicken frd=fried prep=prepared saus=sausage grnd=ground cke=cake cnd=canned plstc=plastic tort=tortilla"
        " may=mayonnaise mayo=mayonnaise br=bread dan=danish o=orange saltice=salt cilanto=cilantro saucessalsapicantee=salsa ketchup=catsup cookies=cookie pies=pie bbq=barbecue yoghurt=yogurt ctlrytblclthstthpksst=cutlery oz=ounce ozs=ounce lb=pound"
        " lbs=pound ct=count dz=dozen doz=dozen l=liter ga=gallon gal=gallon qt=quart pt=pint"
    ).split()
)
FILLER = set(
    words(
        "the a an of to some any and or do does please could would you with for me there all just really so even still very than they them buys"
    )
)
SUPERLATIVE = {
    "cheapest": 1,
    "least expensive": 1,
    "most expensive": -1,
    "dearest": -1,
}  # which way prices are then sorted
NUMBERS = {
    word: n
    for n, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve".split()
    )
} | {"twenty": 20, "fifty": 50, "a dollar": 1, "half a dollar": 0.5}
WITHIN = {
    way: test
    for test, ways in {
        np.less: "under/below/less than/cheaper than",
        np.less_equal: "at most/up to/no more than/not more than/not over",
        np.greater: "over/above/more than",
        np.greater_equal: "at least",
    }.items()
    for way in ways.split("/")
}
LIMIT = (
    rf"\b({'|'.join(WITHIN)}) \$? ?(\d+\.?\d*|\.\d+|{'|'.join(NUMBERS)})\b(?: ?(cent|dollar)s?\b)?"
)
OWN, NATIONAL, FORMS = (
    "our own brand",
    "a national brand",
    {
        "price": "{:.2f} dollars",
        "department": "department {}",
        "category": "category {}",
        "brand": "{}",
    },
)
HINT = "Ask the price, department, category or brand of a product, what household 0 to 399 would like, or: cheese under three dollars, not your own brand."
FIXED = {
    "hello": HINT,
    "unclear": "I did not understand. " + HINT,
    "bye": "goodbye",
    "bigger": "I read sizes as words and cannot compare them: name one, such as 16 oz.",
    "made": "What it is made of, tastes like or is good for is not in my data: only type, size, price, department, category, brand, and who buys it.",
}
LISTED, ENOUGH, SURE, SHOWN, LONGEST = (
    ("need", "recommend", "anew"),
    0.4,
    0.5,
    5,
    500,
)  # least overlap, least probability of what is asked, products listed, letters read


def plain_money(line: str) -> str:
    """Money in the form that LIMIT reads.

    >>> [plain_money(line) for line in ("under 99¢", "under 2,50", "under two dollars and fifty cents", "milk for $3")]
    ['under 99 cents', 'under 2.50', 'under 2.50 dollars', 'milk at most $3']
    """
    line = re.sub(
        r"(\d),(\d\d)\b", r"\1.\2", re.sub(r"(\d),(\d{3})\b", r"\1\2", line.replace("¢", " cents"))
    )
    fifty = rf"\b({'|'.join(list(NUMBERS)[1:13])})( dollars?)?( and)? fifty( cents)?\b"
    return re.sub(
        r"\bfor (?=\$ ?\d|\S+ (?:dollar|cent))",
        "at most ",
        re.sub(fifty, lambda found: f"{NUMBERS[found[1]]}.50 dollars", line),
    )


def learn_intents(rng: np.random.Generator):
    """The words that tell what is asked, and the learned function from words to the probabilities (12,) of what PHRASINGS names."""
    said = [
        (intent, phrase.split())
        for intent, phrases in enumerate(PHRASINGS.values())
        for phrase in phrases.split("/")
    ]
    vocabulary = sorted({word for _, phrase in said for word in phrase})
    bags = lambda phrases: np.array(
        [np.isin(vocabulary, phrase) for phrase in phrases], float
    )  # (n, V)
    model = HardSharing(
        Dense(len(vocabulary), 24, rng), {"intent": Dense(24, len(PHRASINGS), rng)}, l2=1e-3
    )
    fit(
        model,
        {
            "intent": (
                bags([phrase for _, phrase in said]),
                np.array([intent for intent, _ in said]),
            )
        },
        {"intent": cross_entropy},
        optimizer=Adam(0.02),
        steps=150,
        quiet=True,
    )
    return vocabulary, lambda phrase: exp(
        log_softmax(model({"intent": bags([phrase])})["intent"])
    ).data[0]


def stem(word: str) -> str:
    """An abbreviation written out, a plural made singular: frzn -> frozen, peaches -> peach, berries -> berry."""
    return re.sub(
        r"(?<=[^su])s$",
        "",
        re.sub(r"(ch|sh|ss|x|o)es$", r"\1", re.sub(r"ies$", "y", FULL.get(word, word))),
    )


class Guide:
    """What is known and learned of the shop, and one conversation: `pool` are the products talked of, the best first, of which `shown` were named."""

    def __init__(self, seed: int = 0, path=None, explain: bool = False, truth: bool = False):
        if path is not None and not path.parent.is_dir():
            raise FileNotFoundError(f"--guide {path}: there is no folder {path.parent}")
        model, split, *_ = experiment.train(
            seed, experiment.Condition(steps=0 if path and path.exists() else 300), "hard"
        )
        model.seed = Parameter(
            np.full(1, float(seed))
        )  # is saved too: with another seed other products are known
        if path is not None:
            (model.load if path.exists() else model.save)(path)
        if model.seed.data[0] != seed:
            raise ValueError(
                f"{path} was trained with seed {model.seed.data[0]:.0f}, got seed {seed}"
            )
        self.explain, self.truth, self.model, (shop, self.replies, self.ids, self.vocabulary) = (
            explain,
            truth,
            model,
            experiment.shop_and_texts(),
        )
        self.early, self.late, self.taught = (
            split.bought["early"],
            split.bought["late"],
            split.households["train"],
        )
        self.every, self.pool, self.shown, self.household = (
            np.arange(len(self.ids)),
            np.arange(0),
            0,
            -1,
        )
        self.known, self.names = (
            np.isin(self.every, split.products["train"]),
            [f"{kind}, {size}".strip(", ") for kind, size in zip(shop.type, shop.size)],
        )
        self.record = {q: getattr(shop, q) for q in QUESTIONS} | {
            "brand": np.where(shop.brand == "Private", OWN, NATIONAL)
        }
        model.train(False)
        out = model({"answer": self.every, "recommend": self.early})
        answers, self.scores, log_price = (
            out["answer"],
            out["recommend"]["late"].data,
            np.log(shop.price[self.known]),
        )
        answers["brand"] = concatenate(
            [0 * answers["brand"], answers["brand"]], 1
        )  # a sigmoid is the softmax of 0 and the logit
        self.odds = {
            q: (np.unique(self.record[q]), exp(log_softmax(answers[q])).data) for q in QUESTIONS[1:]
        }
        price = np.exp(
            answers["price"].data[:, 0].astype(float) * log_price.std() + log_price.mean()
        ).round(2)
        guess = {"price": price} | {q: names[p.argmax(1)] for q, (names, p) in self.odds.items()}
        self.says = {q: np.where(self.known, self.record[q], guess[q]) for q in QUESTIONS}
        self.asks, self.intents = learn_intents(np.random.default_rng([seed, 4]))
        texts = map(
            " ".join, zip(self.names, self.says["category"])
        )  # not the recorded category: it may not be known
        self.bags = [
            {stem(word) for word in words(text) if word not in self.asks} for text in texts
        ]
        self.words = sorted(set().union(*self.bags))
        self.has = np.array([np.isin(self.words, list(bag)) for bag in self.bags])  # (1000, V)
        self.rarity = np.log(len(self.has) / self.has.sum(0))

    def reply(self, line: str) -> str:
        """What the guide says to a line, whatever it holds."""
        read = re.sub(
            "[^ -&(-~]", "", plain_money(" ".join(line.lower().split()))
        )  # no control characters, no letters beyond a to z, no apostrophes
        heard = self.hear(
            re.match(rf"(.{{,{LONGEST}}}\b)?", read)[0],
            f"(I read the first {LONGEST} letters.) " * (len(read) > LONGEST),
        )
        says = (
            FIXED.get(heard.intent)
            or self.find(heard)
            or (self.offer if heard.intent in LISTED else self.question)(heard)
        )
        return (
            heard.note
            + says
            + f"\n  [asked: {heard.intent}, probability {heard.sure:.2f}]" * self.explain
        )

    def hear(self, line: str, note: str = "") -> SimpleNamespace:
        """What is asked and how sure that is, the words that name products, limits of price, a household, and slips of spelling put right."""
        line, heard = (
            re.sub(r"between (\S+) and", r"at least \1 at most", line),
            SimpleNamespace(named={}, note=note),
        )
        heard.sort = next((way for words, way in SUPERLATIVE.items() if words in line), 0)
        line = re.sub("|".join(SUPERLATIVE), "cheapest", line)
        heard.limits = [
            (way, float(NUMBERS.get(n, n)) / (100 if unit == "cent" else 1))
            for way, n, unit in re.findall(LIMIT, line)
        ]
        heard.household = int(re.search(r"household\D{0,9}?(-?\d+)|$", line)[1] or -1)
        heard.line = re.sub(r"household\D{0,9}\d+", "household", re.sub(LIMIT, " limit ", line))
        heard.brand = re.search("brand|label", line) and (
            NATIONAL if re.search(r"\b(not|no|isnt|other|without|national)\b", heard.line) else OWN
        )
        bag, mine, spelled = (
            [],
            FILLER.union(self.asks),
            {*self.asks, *self.words, *words(" ".join(self.names))},
        )
        for word in re.findall(r"[a-z]+|\d*\.?\d+", heard.line):
            if (
                len(word) > 3
                and word not in mine
                and stem(word) not in self.words
                and (near := get_close_matches(word, spelled, 1, 0.84))
            ):
                heard.note += f'(I read "{word}" as "{near[0]}".) '
                word = near[0]
            bag.append(word if word in mine else "_" if stem(word) in self.words else "?")
            heard.named |= {stem(word): word} if bag[-1] in "_?" else {}
        heard.sure, likeliest = max(
            zip(self.intents(bag) * bool(set(bag) - FILLER - {"?"}), PHRASINGS)
        )
        heard.intent = likeliest if heard.sure >= SURE else "unclear" if bag else "hello"
        if heard.intent not in ("hello", "bye", "made", "anew") and (
            heard.household >= 0 or heard.sort
        ):
            heard.intent = "recommend" if heard.household >= 0 else "need"
        if (
            not heard.brand
            and heard.named
            and re.search(r"\b(not|no|without|except)\b", heard.line)
        ):
            heard.note += "(I cannot leave words out.) "
        return heard

    def find(self, heard) -> str:
        """Make the products that the line names the pool; without words it stays. If there is none, what to say of that."""
        if not heard.named:
            return "" if heard.intent in LISTED or self.shown else "Which product?"
        weight, unknown = (
            self.rarity * np.isin(self.words, list(heard.named)),
            sum(word not in self.words for word in heard.named),
        )
        shared, called = self.has @ weight, f'"{" ".join(heard.named.values())}"'
        if not shared.any():
            return f"I know no product called {called}."
        best = np.flatnonzero(shared > shared.max() - 1e-9)
        self.pool, self.shown = (
            best[np.argsort((self.has @ self.rarity / self.early.sum(0))[best], kind="stable")],
            1,
        )  # few other words, many buyers
        if shared.max() < ENOUGH * (weight.sum() + unknown * np.log(len(self.has))):
            return f"I know no product called {called}. The nearest I know: {self.names[self.pool[0]]}."
        heard.note += "".join(
            f'None is called "{word}". '
            for key, word in heard.named.items()
            if key not in self.bags[self.pool[0]]
        )
        return ""

    def question(self, heard) -> str:
        """The answer to one of QUESTIONS, or to "about", for the product that the line names or that was named first."""
        i, self.shown = self.pool[0], 1
        heard.note += (
            f"{len(self.pool)} products match (the next: {self.names[self.pool[1 % len(self.pool)]]}); the nearest: "
            * bool(heard.named and len(self.pool) > 1)
        )
        if heard.intent in QUESTIONS:
            return self.state(i, "answer", heard.intent)
        text = re.sub(
            f" ({'|'.join(OPENINGS.values())}) ",
            r", \1 ",
            generate(self.model, self.every[[i]], np.array([0]), self.replies)[0],
        )
        wrong = ", ".join(
            q for q, true in zip(QUESTIONS, self.replies.true(i, text.replace(",", ""))) if not true
        )
        check = (
            (f"otherwise on record: {wrong}" if wrong else "all of it as on record")
            if self.known[i]
            else "estimated, not on record"
        )
        return self.state(
            i,
            "dialogue",
            *QUESTIONS,
            says=f'"{text}", in the own words of my dialogue head; {check}',
        )

    def offer(self, heard) -> str:
        """Products that the line names, else those talked of, else all, or what a household is likely to buy; of these what fits the conditions."""
        talked, head, who, limits = (
            not heard.named and heard.intent == "need" and self.shown,
            "answer",
            "",
            list(heard.limits),
        )
        pool = self.pool if talked or heard.named else np.argsort(-self.early.sum(0), kind="stable")
        if heard.intent == "recommend":
            if not 0 <= heard.household < len(self.early):
                return f"Which household? I know 0 to {len(self.early) - 1}."
            self.household, head, order = (
                heard.household,
                "recommend",
                np.argsort(-self.scores[heard.household], kind="stable"),
            )
            pool = order[~self.early[heard.household, order] & np.isin(order, pool)]
            who = (
                f" that household {heard.household} had not bought in weeks 1 to 40, the likeliest after that first"
                + " (it was trained on)" * (heard.household in self.taught)
            )
        price = self.says["price"][pool]
        if talked and "more expensive" in heard.line:
            limits.append(("over", price[: self.shown].max()))
        elif not heard.sort and re.search("cheap|less expensive", heard.line):
            limits.append(
                ("under", price[: self.shown].min())
                if talked
                else ("at most", np.sort(price)[: len(price) // 3 + 1].max(initial=0))
            )
        conditions = [
            (f", {way} {amount:.2f} dollars", WITHIN[way](price, amount)) for way, amount in limits
        ]
        conditions += [
            (f", {heard.brand}", self.says["brand"][pool] == heard.brand)
            if heard.brand
            else ("", price > 0)
        ]
        kept, wanted = (
            pool[np.all([fits for _, fits in conditions], 0)],
            "".join(text for text, _ in conditions),
        )
        if not len(kept):
            return f"None of {len(pool)} products{who}{wanted.replace(',', ' is', 1)}."
        if heard.sort:
            kept = kept[np.argsort(heard.sort * self.says["price"][kept], kind="stable")]
        self.pool, self.shown = kept, min(SHOWN, len(kept))
        return f"{len(kept)} of {len(pool)} products{who}{wanted}:" + "".join(
            f"\n  {self.state(i, head, 'price', 'brand')}" for i in kept[:SHOWN]
        )

    def state(self, i, head, *asked, says="") -> str:
        """What is said of a product and where it is from; under `truth` what is on record, under `explain` what the head read (of the first in a list)."""
        values = lambda of: ", ".join(FORMS[q].format(of[q][i]) for q in asked)
        told = (
            f"{values(self.says)}, known"
            if self.known[i]
            else f"{'about' if 'price' in asked else 'probably'} {values(self.says)}, estimated from its words and who buys it"
        )
        later = f", {'' if self.late[self.household, i] else 'not '}bought in weeks 41 to 53" * (
            head == "recommend"
        )
        told = (
            f"{self.names[i]}: {says or told}"
            + f" [recorded: {values(self.record)}{later}]" * self.truth
        )
        if self.explain and i == self.pool[0]:
            read = ", ".join(
                self.vocabulary[word] for word in self.ids[i] if word < len(self.vocabulary)
            )
            likely = "".join(
                f"; {names[k]} {p[i, k]:.2f}"
                for names, p in [self.odds[q] for q in asked[:1] if q in self.odds]
                for k in np.argsort(-p[i])[:3]
            )
            told += (
                "\n  [from the record, no head was asked]"
                if self.known[i] and head == "answer"
                else f"\n  [{head} head, shared rows words: {read}; own: {i}{likely}]"
            )
        return told


def main(options) -> int:
    """Reply to the lines of standard input until it ends: 0; 130 after Ctrl-C, 2 if a file cannot be used."""
    getattr(sys.stdin, "reconfigure", dict)(
        errors="replace"
    )  # a line that is no UTF-8 is no reason to stop
    prompt, says = "> " * (sys.stdin.isatty() and sys.stdout.isatty()), ""
    if sys.stderr.isatty() and not options.quiet:
        print(f"learning the shop ... {HINT}", file=sys.stderr)
    try:
        guide = Guide(options.seed, options.guide, options.explain, options.truth)
        while says != FIXED["bye"]:
            print(says := guide.reply(input(prompt)), flush=True)
    except (EOFError, KeyboardInterrupt) as end:
        print("\ngoodbye\n" * bool(prompt), end="", file=sys.stderr)
        return 130 if isinstance(end, KeyboardInterrupt) else 0
    except BrokenPipeError:  # whoever read the answers has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (OSError, ValueError) as error:
        print(f"tinymtl: {error}", file=sys.stderr)
        return 2
    return 0
