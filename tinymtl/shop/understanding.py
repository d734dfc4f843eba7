"""What a line means: what is asked, and which of its words are what.

    "how much are two jars of honey"  →  question "price", a mention of honey, two of them

A line is read in three steps. It is cut into tokens (amounts.py), and slips of spelling are put
right (spelling.py). Then the longest entry of a table that begins at a token becomes a piece
(pieces.py). Last, `Reader` goes through the pieces from left to right and collects a `Meaning`
(meaning.py).
"""

from __future__ import annotations

from .amounts import Amount, tokens
from .lexicon import CUES, TERMS, stem, stems
from .meaning import (
    ASKED,
    COMPARED,
    NAMING,
    OPENING,
    ORDERS,
    PRICE_ORDERS,
    Meaning,
    Mention,
    Question,
    Settling,
    stands_for_a_thing,
)
from .pieces import (
    INGREDIENTS,
    OPPOSITES,
    RANKS,
    Piece,
    amount_behind,
    bounds,
    is_denied,
    is_limit,
    pieces,
    price_range,
    written_out,
)
from .replies import NATIONAL, OWN
from .spelling import KNOWN_WORDS, corrected, in_ascii, without_accents

LONGEST = 500  # letters of a line that are read


class Reader:
    """Turns the pieces of one line into its meaning, from left to right."""

    def __init__(self, found: list[Piece]):
        self.pieces = found
        self.meaning = Meaning()
        self.open: Mention | None = None  # a mention that may go on
        self.count = 0.0
        self.size: Amount | None = None
        self.excludes = False
        self.before: list[Mention] = []  # mentions before the first question
        self.begins = False  # whether a sentence ended after the last question
        self.pending: list[Mention] = []  # mentions of the sentence that began then
        self.rank = 1  # 2 before "cheapest" in "the second cheapest"
        self.pick = ""  # "cheapest" after "two of the cheapest"
        self.points = False  # whether "this" or "those" stands before a name

    def read(self) -> Meaning:
        """The meaning of the pieces."""
        i = 0
        while i < len(self.pieces):
            i = self.take(i)
        self.close()
        if self.pending:
            self.meaning.questions[-1].mentions += self.pending
        self.settle()
        return self.meaning

    def take(self, i: int) -> int:
        """Take the piece i, and return the number of the next."""
        piece = self.pieces[i]
        if self.ranks_next(i):
            self.rank = int(RANKS[tuple(piece.text.split())])
            return i + 1
        if piece.kind in NAMING:
            self.name(piece, i)
            return i + 1
        handlers = {
            "amount": self.measure,
            "limit": self.limit,
            "act": self.act,
            "topic": self.topic,
            "diet": self.diet,
            "ordinal": self.ordinal,
            "sign": self.sign,
            "filler": self.filler,
        }
        following = handlers[piece.kind](piece, i)
        return i + 1 if following is None else following

    def ranks_next(self, i: int) -> bool:
        """Whether piece i is the "second" of "second cheapest"."""
        following = self.pieces[i + 1 : i + 2]
        is_rank = tuple(self.pieces[i].text.split()) in RANKS
        return is_rank and bool(following) and following[0].value in ORDERS

    # Signs and words that tell nothing

    def sign(self, piece: Piece, i: int):
        self.close()
        self.begins = bool(self.meaning.questions) and piece.value in ".?!;"
        is_list = piece.value == "," and self.names_next(i) and not self.is_corrected(i)
        self.excludes = self.excludes and is_list

    def filler(self, piece: Piece, i: int):
        """A word that tells nothing ends a mention, and then what is excluded."""
        if piece.text in ("of", "the", "any"):
            return
        ends = self.open is not None and self.excludes
        self.close()
        if piece.text == "one" and self.excludes and self.names_next(i):
            self.count = 1.0  # "take away one ketchup"
        self.excludes = self.excludes and not ends

    def is_corrected(self, i: int) -> bool:
        """Whether the line is "not honey, oatmeal": what follows the comma is meant instead."""
        is_short = len([p for p in self.pieces if p.kind == "sign" and p.value == ","]) == 1
        lists = any(p.value in ("and", "or") for p in self.pieces)
        asks = "?" in [p.text for p in self.pieces[i + 2 : i + 3]]  # "I hate onions, veggies?"
        return (self.pieces[0].text == "not" or asks) and is_short and not lists

    def names_next(self, i: int) -> bool:
        """Whether the piece after piece i names a product."""
        return i + 1 < len(self.pieces) and self.pieces[i + 1].kind in NAMING

    # Parts of mentions

    def name(self, piece: Piece, i: int):
        is_behind = piece.kind == "unknown" and self.open is not None and self.open.types
        if is_behind:  # what tells of a thing stands before it
            self.close()
        if self.open is None:
            self.open = Mention(is_thing=stands_for_a_thing(self.pieces, i))
            self.open.pick = self.pick
            self.open.points = self.points
            self.pick = ""
            self.points = False
        self.open.add(piece)

    def measure(self, piece: Piece, i: int):
        """An amount belongs to the mention that is open, or to the next one."""
        amount = piece.value
        limits = price_range(self.pieces, i)
        if limits and self.count == 0:
            self.close()
            self.meaning.limits += limits
            return i + 3
        if i > 0 and self.pieces[i - 1].text == "times":
            self.multiply(amount)
            return i + 1
        if amount.unit == "dollar":
            self.close()
            self.meaning.amounts.append(amount)
            if i > 0 and self.pieces[i - 1].text == "with":
                self.meaning.acts.add("spend")
        elif amount.unit and self.open is not None:
            self.open.size = amount
        elif amount.unit:
            self.size = amount
        elif self.open is None:
            self.take_number(amount, i)
        else:
            self.close()
            self.take_number(amount, i)
        return i + 1

    def multiply(self, amount: Amount):
        """In "honey twice" and "honey x2" the number counts what stands before it."""
        self.close()
        lists = [self.before, *(question.mentions for question in self.meaning.questions)]
        said = [mention for mentions in lists for mention in mentions]
        if said:
            said[-1].count = amount.number
            self.meaning.miscounts |= not is_count(amount.number)

    def take_number(self, amount: Amount, i: int):
        """A whole number counts what follows."""
        self.meaning.amounts.append(amount)
        self.meaning.miscounts |= self.names_next(i) and not is_count(amount.number)
        self.count = amount.number if amount.number.is_integer() else 0.0

    def close(self):
        """The mention that is open ends here."""
        mention = self.open
        self.open = None
        if mention is None:
            return
        mention.finish()
        mention.count = mention.count or self.count
        mention.size = mention.size or self.size
        self.count = 0.0
        self.size = None
        for thing in self.things(mention):
            self.keep(thing)

    def things(self, mention: Mention) -> list[Mention]:
        """The things of a mention: several for "milk eggs bread", and for two with "each"."""
        asks_each = any(p.kind == "act" and p.value == "each" for p in self.pieces)
        is_list = mention.is_a_list() and (asks_each or len(mention.terms) > 2)
        return mention.as_things() if is_list else [mention]

    def keep(self, mention: Mention):
        """Note a mention where it belongs."""
        self.meaning.miscounts |= mention.count != 0 and not is_count(mention.count)
        self.meaning.miscounts |= mention.size is not None and not 0 < mention.size.number < 1000
        if self.excludes:
            self.exclude(mention)
        elif self.begins:
            self.pending.append(mention)
        elif self.meaning.questions and self.meaning.questions[-1].act not in OPENING:
            self.meaning.questions[-1].mentions.append(mention)
        else:
            self.before.append(mention)

    def ordinal(self, piece: Piece, i: int) -> int:
        """A place of a list, or several of them in "the first two" and "the last three"."""
        self.close()
        place = int(piece.value)
        many = self.number_after(i) if place in (1, -1) else 1
        first = place if place > 0 else place - many + 1
        for k in range(first, first + many):
            self.open = Mention(said=piece.text, place=k)
            self.close()
        return i + (1 if many == 1 else 2)

    def number_after(self, i: int) -> int:
        """The whole number from 2 to 10 that the piece after piece i is, else 1."""
        following = self.pieces[i + 1 : i + 2]
        if not following or following[0].kind != "amount":
            return 1
        amount = following[0].value
        is_many = not amount.unit and amount.number in range(2, 11)
        return int(amount.number) if is_many else 1

    def diet(self, piece: Piece, i: int):
        """Who follows a diet leaves out what it names."""
        self.close()
        self.meaning.ingredients.append(piece.text.split()[-1])
        for said in piece.value.split(";"):
            self.meaning.excluded.append(Mention(said, TERMS[stems(said)]))

    def free(self, piece: Piece, i: int):
        """In "dairy free snacks", what stands before is left out."""
        if self.open is not None:
            mention = self.open
            self.open = None
            mention.finish()
            if not self.asks_whether_free(i):
                self.exclude(mention)
                return
            without = {"dairy", *INGREDIENTS}.intersection(mention.said.split())
            question = Question("topic", "made") if without else Question("price")
            self.ask(question)
            question.mentions.append(mention)

    def asks_whether_free(self, i: int) -> bool:
        """Whether a line is "is bread free?", with nothing behind piece i."""
        asks = self.pieces[0].text in ("is", "are", "isnt", "arent")
        return asks and all(p.kind == "sign" for p in self.pieces[i + 1 :])

    def exclude(self, mention: Mention):
        if not mention.is_named:
            self.meaning.left_out.append(mention)
            return
        if INGREDIENTS.intersection(mention.said.split()):
            self.meaning.ingredients.append(mention.said)
        elif not mention.types:
            self.meaning.unheard.append(mention.said)
        if mention.types:
            self.meaning.excluded.append(mention)

    # Conditions

    def limit(self, piece: Piece, i: int) -> int:
        """A limit of price or size, if an amount follows."""
        test = piece.value
        if piece.text == "from" and any(q.act == "enough" for q in self.meaning.questions):
            return i + 1  # "what do I get back from a ten"
        self.take_back_price(i)
        if is_denied(self.pieces, i):
            test = OPPOSITES[test]
            self.excludes = False
        self.close()
        following = amount_behind(self.pieces, i)
        if not following and i > 0 and self.pieces[i - 1].kind == "amount":
            self.meaning.limits.append((test, self.pieces[i - 1].value.number))  # "5 dollars max"
            return i + 1
        if not following:
            if piece.text.endswith("than"):
                self.ask(Question("cheaper" if test == "<" else "dearer"))
            return i + 1
        amount = following[0].value
        at = self.pieces.index(following[0], i)
        limits = price_range(self.pieces, at)
        if limits and test == ">=":
            self.meaning.limits += limits
            return at + 3
        if piece.text.startswith("and "):  # "5 and under" is at most 5, "and under 4" is not
            test = test.removesuffix("=")
        if amount.unit in ("", "dollar"):
            cents = self.cents_after(at)
            self.meaning.limits.append((test, amount.number + cents))
            return at + 1 + (cents > 0)
        self.meaning.size = amount
        return at + 1

    def cents_after(self, i: int) -> float:
        """The cents in "three fifty", if two bare numbers follow each other from piece i on."""
        pair = [p.value for p in self.pieces[i : i + 2] if p.kind == "amount" and not p.value.unit]
        is_price = len(pair) == 2 and pair[0].number < 20 and 10 <= pair[1].number < 100
        return pair[1].number / 100 if is_price else 0.0

    def take_back_price(self, i: int):
        """In "cookies costing no more than 3 dollars" no price is asked."""
        before = [p for p in self.pieces[max(i - 2, 0) : i] if p.value != "not"]
        questions = self.meaning.questions
        is_price = bool(before) and before[-1].kind == "act" and before[-1].value == "price"
        if is_price and questions and not questions[-1].mentions and self.before:
            questions.pop()

    def range(self, piece: Piece, i: int) -> int:
        """The limits in "between 40 and 60 cents", "for 50 cents" and "I have 2 dollars"."""
        self.close()
        amounts = [p.value for p in self.pieces[i + 1 : i + 4] if p.kind == "amount"]
        is_money = [amount for amount in amounts if amount.unit == "dollar"]
        if piece.value == "for":
            self.excludes = False
        if piece.value in ("for", "have"):
            following = self.pieces[i + 1 : i + 2]
            is_spent = following and following[0].value in is_money
            if not is_spent or any(p.value == "enough" for p in self.pieces):
                return i + 1
            if price_range(self.pieces, i + 1) or is_limit(self.pieces, i + 2):
                return i + 1
            self.meaning.limits.append(("<=", is_money[0].number))
            self.meaning.acts.add("spend")
            return i + 2
        if len(amounts) < 2:
            return i + 1
        self.meaning.limits += bounds(*amounts[:2])
        return i + 4

    def household(self, piece: Piece, i: int) -> int:
        """A household, if a number follows."""
        self.close()
        asks = i > 0 and self.pieces[i - 1].text in CUES["asks of the past"]
        for k, following in enumerate(self.pieces[i + 1 : i + 4], start=i + 1):
            if following.kind == "amount" and not following.value.unit:
                is_negative = any(p.text == "minus" for p in self.pieces[i + 1 : k])
                number = following.value.number
                self.meaning.household = -number if is_negative else number
                if self.meaning.household not in self.meaning.households:
                    self.meaning.households.append(self.meaning.household)
                if asks:  # "does household 77 buy bananas"
                    self.ask(Question("bought"))
                return k + 1
        self.meaning.acts.add("recommend")
        return i + 1

    # What is asked

    def act(self, piece: Piece, i: int):
        handlers = {
            "not": self.negate,
            "it": self.point,
            "household": self.household,
            "and": self.join,
            "or": self.join,
            "minus": self.negate,
            "dislike": self.dislike,
            "people": self.pass_by,
            "leave": self.leave,
            "between": self.range,
            "for": self.range,
            "have": self.range,
            "free": self.free,
        }
        if piece.value in handlers:
            return handlers[piece.value](piece, i)
        if piece.value == "brand" and self.is_brand_wish(piece, i):
            return self.wish_brand(piece)
        if piece.value in PRICE_ORDERS and self.counts_some_of(i):
            return self.take_some_of(piece, i)
        return self.note(piece)

    def counts_some_of(self, i: int) -> bool:
        """Whether piece i is the "cheapest" of "two of the cheapest"."""
        before = [p for p in self.pieces[max(i - 3, 0) : i] if p.text != "the"]
        return self.count > 0 and bool(before) and before[-1].text == "of"

    def take_some_of(self, piece: Piece, i: int):
        """So many of the cheapest of what follows, or of what was talked of."""
        self.pick = piece.value
        if not self.names_next(i):
            self.open = Mention(said=piece.text, refers=True, pick=self.pick)
            self.pick = ""
            self.close()

    def note(self, piece: Piece):
        """Something is asked or done."""
        act = piece.value
        self.close()
        if act == "need" and self.told_of_the_past():
            self.pass_over_the_past()
        self.excludes = False
        self.count = 0.0
        self.meaning.acts.add(act)
        if act in ASKED or (act in OPENING and self.meaning.questions):
            self.ask(Question(act, piece.text, rank=self.rank))
            self.rank = 1

    def told_of_the_past(self) -> bool:
        """Whether a line begins like "I bought milk yesterday", or "... bought milk, now"."""
        asked = [q for q in self.meaning.questions if q.act not in OPENING]
        words = {word for piece in self.pieces for word in piece.text.split()}
        is_told = bool(words & CUES["buyer"]) and self.pieces[-1].text != "?"
        when = [question.said for question in asked]
        is_over = when == ["sold"] or (not when and "bought" in words and words & CUES["now"])
        return is_told and bool(is_over)

    def pass_over_the_past(self):
        """In "I bought milk yesterday, now I need bread" the milk is no longer wanted."""
        self.meaning.questions = []
        self.meaning.acts.discard("often")
        self.before = []

    def pass_by(self, piece: Piece, i: int):
        """Words for people are no wish: "my kids" asks for no cereal for kids."""
        self.close()

    def leave(self, piece: Piece, i: int):
        """In "leave the chips out", what stands between is excluded."""
        self.close()
        self.excludes = any(p.text.startswith("out") for p in self.pieces[i + 1 : i + 6])

    def topic(self, piece: Piece, i: int):
        self.close()
        self.ask(Question("topic", piece.value))

    def join(self, piece: Piece, i: int):
        """A line that begins with "and" goes on with what was asked."""
        self.close()
        if i == 0:
            self.meaning.acts |= {"what about", "and"}

    def ask(self, question: Question):
        self.excludes = False
        question.mentions = self.pending
        self.pending = []
        self.begins = False
        self.meaning.questions.append(question)

    def point(self, piece: Piece, i: int):
        self.close()
        if piece.text in CUES["points"] and self.names_next(i):
            self.points = True  # "this cheese"
            return
        self.open = Mention(said=piece.text, refers=True)
        self.close()

    def negate(self, piece: Piece, i: int):
        """What follows is excluded, unless a comma follows or something that is asked."""
        self.close()
        if self.asks_whether_without(i):
            return self.ask(Question("topic", "made"))
        following = self.pieces[i + 1] if i + 1 < len(self.pieces) else None
        is_answer = following is None or following.kind == "sign"
        if is_answer:
            self.meaning.acts.add("no")
        else:
            self.excludes = True
            if "drink" in piece.text.split():
                self.meaning.acts.add("drink")

    def asks_whether_without(self, i: int) -> bool:
        """Whether a line is "are both free of milk?", without a product before piece i."""
        is_part = self.pieces[i].text in ("free of", "free from", "without")
        asks = self.pieces[0].text.split()[0] in ("is", "are", "isnt", "arent")
        names = any(p.kind in NAMING or p.text == "there" for p in self.pieces[:i])
        return is_part and asks and not names

    def dislike(self, piece: Piece, i: int):
        """In "not that one", what was talked of last is left out."""
        self.close()
        self.meaning.left_out.append(Mention(said=piece.text, refers=True))

    def is_brand_wish(self, piece: Piece, i: int) -> bool:
        """Whether words of brands are a condition rather than a question."""
        names_one = brand_of(piece.text) != ""
        start = clause_start(self.pieces, i)
        clause = self.pieces[start : i + 1]
        asks = {"is", "are", "isnt", "who", "which", "what", "whats", "do", "does"}
        is_asked = any(asks.intersection(p.text.split()) for p in clause if p.kind != "unknown")
        is_wanted = any(p.kind == "act" and p.value in ("need", *COMPARED) for p in self.pieces)
        is_about = any(
            before.text not in ("that", "which") and piece.text in ("is", "are")
            for before, piece in zip(self.pieces[start:i], self.pieces[start + 1 : i])
        )
        points = self.pieces[i - 1].value == "it" if i > 0 else False
        if is_about and points:  # "... and are they yours"
            return False
        chooses = clause[0].text in ("which", "what") and piece.text not in ("from you", "by you")
        return names_one and (is_wanted or chooses or not is_asked)

    def wish_brand(self, piece: Piece):
        self.close()
        brand = brand_of(piece.text)
        if self.excludes:
            brand = NATIONAL if brand == OWN else OWN
        self.excludes = False
        self.meaning.brands.append(brand)

    # The whole line

    def settle(self):
        """Deal out the mentions that stood before the questions, and tidy up."""
        if self.size is not None and self.meaning.size is None:
            self.meaning.size = self.size
        self.meaning = Settling(self.meaning, self.before, self.pieces, self.count).settle()


def is_count(number: float) -> bool:
    """Whether somebody can buy so many: a whole number from 1 to 999.

    >>> [is_count(number) for number in (3, -3, 2.5, 1e9)]
    [True, False, False, False]
    """
    return 1 <= number <= 999 and float(number).is_integer()


# What a product contains


def contents(found: list[Piece]) -> list[Piece]:
    """The pieces; "how much sugar is in the ketchup" asks what the ketchup is made of.

    An ingredient before "in" or "have" and a product becomes a topic, and what asks for it goes.
    """
    for i, piece in enumerate(found):
        behind = found[i + 1 : i + 6]
        joins = [
            k for k, p in enumerate(behind) if p.text in ("in", "inside", "have", "has", "got")
        ]
        if not joins or piece.kind not in NAMING:
            continue
        is_of_product = any(p.kind in NAMING or p.value == "it" for p in behind)
        asked = found[:i]
        asks = any(
            p.text.startswith(("how much", "how many", "is there", "are there")) for p in asked
        )
        is_part = bool(INGREDIENTS.intersection(piece.text.split())) or "there" in asked_last(asked)
        if is_of_product and asks and is_part:
            kept = [p for p in asked if p.kind != "act"]
            topic = Piece("topic", "made", piece.text, piece.end)
            return [*kept, topic, *(p for p in found[i + 1 :] if p.value != "need")]
    return found


def asked_last(asked: list[Piece]) -> list[str]:
    """The words of the last act."""
    acts = [piece.text for piece in asked if piece.kind == "act"]
    return acts[-1].split() if acts else []


# Brands


def clause_start(found: list[Piece], i: int) -> int:
    """Where the clause of piece i begins."""
    start = i
    while start > 0 and found[start - 1].kind != "sign":
        start -= 1
    return start


def brand_of(text: str) -> str:
    """The brand that a phrase names: OWN, NATIONAL, or "" for neither."""
    if CUES["national"].intersection(text.split()):
        return NATIONAL
    if CUES["own"].intersection(text.split()):
        return OWN
    return ""


# Whole lines


def read(line: str) -> Meaning:
    """What a line means, whatever it holds."""
    # Up to the end of the last word in these letters.
    words = tokens(line if len(line) <= LONGEST else line[:LONGEST].rpartition(" ")[0])
    words = written_out([without_accents(word) for word in words])
    right = [corrected(word) for word in words]
    if len(words) > 2 and not is_english(words, right):
        right = words
    plain = [in_ascii(word) if word.isalpha() else word for word in right]
    meaning = Reader(contents(pieces(written_out([word for word in plain if word])))).read()
    meaning.corrections = [(word, new) for word, new in zip(words, right) if word != new]
    meaning.too_long = len(line) > LONGEST
    meaning.empty = not line.strip()
    meaning.foreign = not meaning.empty and is_foreign(line, words, right)
    return meaning


def is_foreign(line: str, words: list[str], right: list[str]) -> bool:
    """Whether a line has no words, or words of another language."""
    has_letters = any(word.isalpha() for word in words)
    has_other_letters = any(letter.isalpha() and not letter.isascii() for letter in line)
    is_one_name = has_letters and len(words) <= 2 and not has_other_letters
    return not is_one_name and not is_english(words, right)


LONG = 6  # letters: what can be put right in so long a word is no other language


def is_english(words: list[str], right: list[str]) -> bool:
    """Whether there are words, and at least a third are known, as written or put right."""
    is_plain = all(word.isascii() for word in words)
    spelt = [(word, new) for word, new in zip(words, right) if word.isalpha()]
    known = [
        word
        for word, new in spelt
        if word in KNOWN_WORDS
        or stem(word) in KNOWN_WORDS
        or (is_plain and len(word) >= LONG and word != new)
    ]
    return len(words) > 0 and 3 * len(known) >= len(spelt)
