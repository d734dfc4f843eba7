"""What can be understood of a line: questions, mentions of products, and conditions.

`Settling` tidies up what was collected from the pieces of a line: which mentions belong to which
question, and what a number or an amount of money is about.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from .amounts import Amount
from .lexicon import CUES, TERMS, WORDS, stems
from .pieces import INGREDIENTS, Piece

# What is asked of products; "what" is "what is ...", which asks for the category.
QUESTIONS_ASKED = ("price", "where", "category", "what", "kinds", "size", "pack", "brand", "about")
# What is asked only beside nothing clearer.
WEAK = ("what", "pack")
COMPARED = ("compare", "cheaper", "dearer", "bigger", "smaller")
PRICE_ORDERS = ("cheapest", "dearest")
ORDERS = (*PRICE_ORDERS, "biggest", "smallest")
# After these, what follows is wanted rather than asked about.
OPENING = ("need", "often")
# Acts of lines that are no question about products, and of wishes for any product.
TALKED = (
    "bye",
    "thanks",
    "hello",
    "insult",
    "praise",
    "joke",
    "who",
    "recommend",
    "why",
    "why not",
)
# Asked of what was bought: by a household, and by how many.
OF_PAST = ("bought", "buyers")
ASKED = (
    *QUESTIONS_ASKED,
    *OF_PAST,
    *COMPARED,
    *ORDERS,
    "total",
    "enough",
    "value",
    "with",
    "topic",
)


@dataclass
class Mention:
    """Products that a line speaks of.

    said       as it was written
    types      the types of the term that was found
    narrows    other words of labels, which may narrow the types down
    missing    words that stand on no label
    near       a term that is near to something that the shop does not sell
    size       an amount with a unit, such as 24 ounces
    count      how many of it; 0 if nothing was said
    place      of a list that was shown: 1 is the first, −1 the last; 0 for none
    refers     whether it is a pronoun, such as "it" or "them"
    is_quality whether it is made of words of labels alone, as in "red ones"
    is_thing   whether it stands where a thing is named, as in "price of caviar"
    terms      the pieces that are terms, one after the other
    pick       which of its products is meant: the "cheapest" or "dearest"; "" for any
    rank       2 for the second cheapest
    points     whether it means what was talked of, as in "this cheese"
    """

    said: str = ""
    types: frozenset[str] = frozenset()
    narrows: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    near: str = ""
    size: Amount | None = None
    count: float = 0.0
    place: int = 0
    refers: bool = False
    is_quality: bool = False
    is_thing: bool = False
    terms: list[Piece] = field(default_factory=list)
    pick: str = ""
    rank: int = 1
    points: bool = False

    @property
    def is_named(self) -> bool:
        """Whether it names something, rather than pointing at it."""
        return not self.refers and not self.place

    @property
    def is_stray(self) -> bool:
        """Whether it is made of unknown words alone."""
        return self.is_named and not self.types and not self.near

    @property
    def is_ingredient(self) -> bool:
        """Whether it names what a product may contain."""
        return bool(INGREDIENTS.intersection(self.said.split()))

    @property
    def is_found(self) -> bool:
        """Whether all of its words are known."""
        return bool(self.types) and not self.missing

    def add(self, piece: Piece):
        """Add a piece that follows."""
        if piece.text != self.said:
            self.said = f"{self.said} {piece.text}".strip()
        if piece.kind == "term":
            # The last term is the thing itself; what stood before tells which one.
            if self.types:
                before = stems(self.said.removesuffix(piece.text))
                self.narrows += [word for word in before if word not in piece.value]
            self.types = TERMS[piece.value]
            self.terms.append(piece)
        elif piece.kind == "word":
            self.narrows.append(piece.value)
        elif piece.kind == "elsewhere":
            self.near = piece.value
            self.missing.append(piece.text)
        else:
            self.missing.append(piece.text)

    def known_part(self) -> Mention:
        """The mention without its unknown words."""
        kept = [word for word in self.said.split() if word not in self.missing]
        return replace(self, said=" ".join(kept), missing=[], near="")

    def finish(self):
        """Find the types of a mention without a term, by the words of labels."""
        if not self.types and self.narrows:
            self.types = narrowed(frozenset(WORDS), self.narrows)
            self.narrows = []
            self.is_quality = True

    def is_a_list(self) -> bool:
        """Whether it is made of terms alone, none of which tells more of the last one.

        "milk eggs bread" is a list, "cheese crackers" is none.
        """
        all_terms = " ".join(piece.text for piece in self.terms) == self.said
        tells = any(narrowed(self.types, [word]) for word in self.narrows)
        return len(self.terms) > 1 and all_terms and not tells

    def as_things(self) -> list[Mention]:
        """The things of a list, each as a mention; a count or a size is that of the first."""
        things = []
        for piece in self.terms:
            things.append(Mention(piece.text, TERMS[piece.value], terms=[piece]))
        things[0].count = self.count
        things[0].size = self.size
        return things


def narrowed(types: frozenset[str], words: list[str]) -> frozenset[str]:
    """Those of the types whose labels have all of the words."""
    return frozenset(kind for kind in types if WORDS[kind].issuperset(words))


NAMING = ("term", "word", "elsewhere", "unknown")


@dataclass
class Question:
    """Something that is asked, and the products that it is asked of.

    act        what is asked
    said       in which words
    mentions   of which products
    rank       2 for the second cheapest
    is_each    whether it is asked of each of them, as in "the cheapest of each"
    """

    act: str
    said: str = ""
    mentions: list[Mention] = field(default_factory=list)
    rank: int = 1
    is_each: bool = False


@dataclass
class Meaning:
    """What was understood of a line."""

    questions: list[Question] = field(default_factory=list)
    wanted: list[Mention] = field(default_factory=list)  # mentions that no question is about
    excluded: list[Mention] = field(default_factory=list)
    left_out: list[Mention] = field(default_factory=list)  # excluded by "it" or "the second one"
    allowed: list[Mention] = field(default_factory=list)  # no longer excluded
    unheard: list[str] = field(default_factory=list)  # what to leave out that no label says
    ingredients: list[str] = field(default_factory=list)  # what a product shall not contain
    acts: set[str] = field(default_factory=set)
    limits: list[tuple[str, float]] = field(default_factory=list)  # (test, dollars)
    brands: list[str] = field(default_factory=list)  # OWN or NATIONAL
    size: Amount | None = None
    amounts: list[Amount] = field(default_factory=list)  # that belong to no mention and no limit
    household: float | None = None
    corrections: list[tuple[str, str]] = field(default_factory=list)  # (as written, as read)
    households: list[float] = field(default_factory=list)  # all that are named, each once
    miscounts: bool = False  # whether a count is no whole number from 1 to 999
    claims: bool = False  # whether it asks to confirm what is not in the data
    too_long: bool = False
    foreign: bool = False  # whether most of its words are of no table
    empty: bool = False
    asks: bool = False  # whether it ends with a question mark
    takes_off: bool = False  # whether it begins with "without" or the like
    adds_on: bool = False  # whether "add" or "on top" stands before or behind all that is named

    @property
    def mentions(self) -> list[Mention]:
        """All mentions but the excluded ones."""
        asked = [mention for question in self.questions for mention in question.mentions]
        return [*self.wanted, *asked]

    @property
    def says_what(self) -> bool:
        """Whether it holds anything to look for."""
        mentions = [*self.wanted, *self.excluded, *self.left_out, *self.allowed]
        conditions = [*self.limits, *self.brands]
        is_sized = self.size is not None
        return bool(mentions or conditions) or is_sized or "cheap" in self.acts

    @property
    def asks_nothing_else(self) -> bool:
        """Whether it holds no more than limits and numbers."""
        mentions = [*self.mentions, *self.excluded, *self.left_out, *self.allowed]
        return not (mentions or self.questions or self.brands or self.household is not None)

    def pick_instead_of_asking(self):
        """In "and the cheapest milk" nothing is asked: the cheapest of its kind is wanted."""
        for question in self.questions:
            if question.act in PRICE_ORDERS:
                self.wanted += picked(question)
        self.questions = [q for q in self.questions if q.act not in PRICE_ORDERS]


def picked(question: Question) -> list[Mention]:
    """The mentions of a question, each meaning the cheapest or dearest of its products."""
    return [replace(m, pick=question.act, rank=question.rank) for m in question.mentions]


# The whole line


WISHES = {"need", "recommend", "often", "correct"}
# Acts that claim nothing but price, size, brand, department or category.
RECORDED = {"sure", "price", "size", "brand", "where", "category", "kinds", "it", "about", "and"}
RECORDED |= {*COMPARED, *ORDERS, "yes", "or", "what", "thanks", "hello", "praise", "total", "how"}
ADDS_UP = ("total", "enough")


class Settling:
    """Tidies up the meaning of a line, once all of its pieces are read.

    meaning     what was collected
    before      mentions that stood before the first question
    pieces      all pieces of the line
    count       the last number, if it counted nothing
    """

    def __init__(self, meaning: Meaning, before: list[Mention], pieces: list[Piece], count: float):
        self.meaning = meaning
        self.before = before
        self.pieces = pieces
        self.count = count

    def settle(self) -> Meaning:
        """The meaning, when the mentions before the questions are dealt out and all is tidy."""
        meaning = self.meaning
        meaning.asks = self.ends_with_question_mark()
        meaning.adds_on = self.adds_on()
        meaning.takes_off = any(piece.text in CUES["takes off"] for piece in self.pieces[:2])
        if meaning.asks and any(piece.text in CUES["sure"] for piece in self.pieces):
            meaning.acts = meaning.acts - {"yes"} | {"sure"}  # "Sure?" is no "sure."
        if self.is_mostly_unknown():
            meaning.acts.discard("bye")  # a goodbye says little else
        meaning.claims = self.claims_more() or self.asks_for_contents()
        self.drop_strays()
        self.join_qualities()
        self.count_what_was_named()
        self.ask_which_brand()
        self.ask_of_the_past()
        self.look_beyond()
        self.before = counted_once(self.before)
        for question in meaning.questions:
            question.mentions = counted_once(question.mentions)
        self.add_up_what_is_picked()
        asked = [q for q in meaning.questions if q.act not in OPENING]
        for question in meaning.questions:
            if question not in asked:
                meaning.wanted += question.mentions
        meaning.questions = strongest(asked, len(self.before))
        if not self.deal_out():
            meaning.wanted = self.before + meaning.wanted
        self.ask_of_each()
        if "add" in meaning.acts:
            meaning.pick_instead_of_asking()
        self.limit_by_money()
        self.ask_whether_enough()
        self.name_household()
        if "allow" in meaning.acts and meaning.asks and not any(m.types for m in meaning.wanted):
            meaning.claims = True  # "so the second one is fine for her?"
        elif "allow" in meaning.acts:
            meaning.allowed = meaning.wanted
            meaning.wanted = []
        return meaning

    def adds_on(self) -> bool:
        """Whether a sum goes on with what is named, unlike in "honey plus oatmeal"."""
        order = [p.value == "add" for p in self.pieces if p.kind in NAMING or p.value == "add"]
        return bool(order) and (order[0] or order[-1])

    def ends_with_question_mark(self) -> bool:
        """Whether there is a question mark among the signs at the end."""
        last = ""
        for piece in reversed(self.pieces):
            if piece.kind != "sign":
                break
            last += piece.text
        return "?" in last

    def is_mostly_unknown(self) -> bool:
        """Whether more than half of the pieces are words of no table."""
        said = [piece.kind == "unknown" for piece in self.pieces if piece.kind != "sign"]
        return 2 * sum(said) > len(said)

    def claims_more(self) -> bool:
        """Whether a line with "are you sure" says anything else than what is on record."""
        asked = [p.text for p in self.pieces if p.kind == "act" and p.value == "sure"]
        if not asked or all(map(self.is_recorded, self.sentence_of_sure())):
            return False
        if self.loose_words() & INGREDIENTS and asked != ["really"]:
            return True
        names_thing = any(piece.kind == "term" for piece in self.pieces)
        is_wish = bool(self.meaning.acts & WISHES)  # "I really need cookies"
        return not is_wish or (not names_thing and asked != ["really"])

    def sentence_of_sure(self) -> list[Piece]:
        """What is to be confirmed: all pieces, or those behind a "?" if they name what they mean.

        "which is healthier? is that price exact?" asks of the price, but "is it safe? are you
        sure?" asks of the safety.
        """
        at = next(k for k, p in enumerate(self.pieces) if p.kind == "act" and p.value == "sure")
        ends = [k + 1 for k, piece in enumerate(self.pieces[:at]) if piece.text == "?"]
        sentence = self.pieces[max(ends, default=0) :]
        words = {word for piece in sentence for word in piece.text.split()}
        names = words & {"price", "prices", "size", "sizes", "brand", "brands"}
        return sentence if names else self.pieces

    def loose_words(self) -> set[str]:
        """The words of the line but those that tell which thing: the wheat of wheat bread."""
        words = set()
        for piece, following in zip(self.pieces, [*self.pieces[1:], None]):
            said = piece.text.split()
            is_name = piece.kind == "term" and len(said) > 1
            if following is not None and following.kind == "term" and piece.kind in NAMING:
                is_name |= bool(narrowed(TERMS[following.value], list(stems(piece.text))))
            if not is_name:
                words.update(said)
        return words

    def asks_for_contents(self) -> bool:
        """Whether a line is like "no nuts in it?" and "can my daughter eat it"."""
        if self.adds_up_things():
            return False
        points = any(piece.value == "it" and piece.kind == "act" for piece in self.pieces)
        words = self.loose_words()
        found = [p for p in self.pieces if p.kind == "act"]
        found = [p for p in found if p.text.split()[0] not in CUES["holds"]]
        if words & INGREDIENTS:  # "I am allergic to nuts, can I have it"
            found = [piece for piece in found if piece.text not in CUES["can i"]]
        acts = {piece.value for piece in found}
        is_wish = bool(acts & WISHES) or bool(self.meaning.limits)
        holds = bool(words & INGREDIENTS) or (words & CUES["may"] and words & CUES["swallowed"])
        holds = holds or (self.meaning.excluded and words & CUES["inside"])
        if any(mention.is_named and mention.types for mention in self.before):
            holds = bool(words & INGREDIENTS)
        if points and holds:
            return not is_wish
        asks = "?" in words and bool(words & CUES["so"])  # "so no nuts, correct?"
        names_part = self.meaning.excluded or words & INGREDIENTS
        return bool(asks and names_part) and not is_wish

    def adds_up_things(self) -> bool:
        """Whether a line is like "honey and sugar, what is that together?": sugar is bought."""
        denies = any(p.value in ("not", "free", "no", "minus") for p in self.pieces)
        is_inside = any(piece.text in CUES["inside"] for piece in self.pieces)
        things = [m for m in self.before if m.is_named and m.types]
        sums = self.meaning.acts.intersection(ADDS_UP)
        asks_sum = bool(sums) and (len(things) > 1 or self.meaning.acts & set(PRICE_ORDERS))
        return bool(asks_sum) and not denies and not is_inside

    def is_recorded(self, piece: Piece) -> bool:
        """Whether a piece may stand beside "are you sure": it claims nothing but what is known."""
        if piece.kind == "act":
            is_answer = piece.value == "not" and piece.text in ("no", "nope")
            return piece.value in RECORDED or (is_answer and "no" in self.meaning.acts)
        return piece.kind in ("sign", "amount", "term") or piece.text in CUES["small"]

    def limit_by_money(self):
        """In "cheese, 3 dollars" the money is what it may cost at most."""
        meaning = self.meaning
        money = [amount.number for amount in meaning.amounts if amount.unit == "dollar"]
        if money and meaning.wanted and not meaning.limits and not meaning.questions:
            meaning.limits.append(("<=", money[-1]))

    def drop_strays(self):
        """Unknown words name no product where others do, unless they stand where a thing does."""
        lists = [self.before, *(question.mentions for question in self.meaning.questions)]
        is_named = any(not m.is_stray for mentions in lists for m in mentions)
        for mentions in lists:
            for stray in [m for m in mentions if m.is_stray and not m.is_thing]:
                if is_named or self.meaning.acts.intersection(TALKED):
                    mentions.remove(stray)

    def join_qualities(self):
        """In "coffee, ground" the second word tells which coffee."""
        for mentions in (self.before, *(q.mentions for q in self.meaning.questions)):
            for thing, quality in zip(mentions[:-1], mentions[1:]):
                words = list(stems(quality.said))
                if quality.is_quality and thing.types and narrowed(thing.types, words):
                    thing.narrows += words
                    mentions.remove(quality)

    def look_beyond(self):
        """In "what else would we need" a recommendation is asked for, and no more of the list."""
        acts = self.meaning.acts
        goes_on = any(p.value == "more" and "else" in p.text.split() for p in self.pieces)
        is_buyer = any(CUES["buyer"].intersection(p.text.split()) for p in self.pieces)
        if goes_on and is_buyer and acts & {"need", "recommend"} and not self.before:
            acts -= {"more", "need"}
            acts |= {"recommend", "beyond"}

    def add_up_what_is_picked(self):
        """In "the total of two honeys and the cheapest milk" the milk is added up as well."""
        meaning = self.meaning
        sums = [q for q in meaning.questions if q.act in ADDS_UP]
        orders = [q for q in meaning.questions if q.act in PRICE_ORDERS]
        if any(mention.count for mention in self.before) and not sums:
            sums = [Question("total")]  # "two honeys and the cheapest milk"
        if not (sums and orders):
            return
        joined = [*sums, *orders, *(q for q in meaning.questions if q.act in ("price", *WEAK))]
        mentions = [] if any(self.points(q) for q in sums) else list(self.before)
        for question in meaning.questions:
            if question in orders:
                asked = question.mentions or self.before
                mentions = [m for m in mentions if m not in asked]
                mentions += picked(replace(question, mentions=asked))
            elif question in joined:
                mentions += [m for m in question.mentions if m.is_named]
        if not mentions:
            return
        self.before = []
        rest = [q for q in meaning.questions if q not in joined]
        meaning.questions = [replace(sums[0], mentions=mentions), *rest]

    def points(self, question: Question) -> bool:
        """Whether a question only points at what was talked of."""
        return bool(question.mentions) and all(m.refers for m in question.mentions)

    def ask_of_each(self):
        """In "cheapest milk, eggs and bread" it is not asked which of these is the cheapest."""
        chooses = any(CUES["chooses"].intersection(p.text.split()) for p in self.pieces)
        for question in self.meaning.questions:
            if question.act in ORDERS:
                named_ones = [m for m in question.mentions if m.is_named]
                is_list = len(named_ones) > 1 and not chooses
                question.is_each = "each" in self.meaning.acts or is_list
                if question.is_each:
                    question.mentions = named_ones

    def count_what_was_named(self):
        """In "how much for four", and "and if I take four", the number counts what was named."""
        meaning = self.meaning
        names_something = meaning.mentions or self.before or meaning.household is not None
        if self.count <= 1 or names_something:
            return
        if not meaning.questions and "what about" in meaning.acts:
            meaning.questions = [Question("price")]
        if [question.act for question in meaning.questions] == ["price"]:
            meaning.questions[0].mentions = [Mention("it", refers=True, count=self.count)]

    def ask_which_brand(self):
        """In "yours or a national one, the honey?" no brand is wished for: both are named."""
        meaning = self.meaning
        compares = any(question.act in COMPARED for question in meaning.questions)
        if len(set(meaning.brands)) == 2 and not compares:
            meaning.brands = []
            meaning.questions = [q for q in meaning.questions if q.act != "brand"]
            meaning.questions.append(Question("brand"))

    def ask_of_the_past(self):
        """In "does household 77 often buy bananas" nothing is wished for: "buy" asks no more."""
        meaning = self.meaning
        for question, following in zip(meaning.questions[:-1], meaning.questions[1:]):
            if question.act in OF_PAST and not question.mentions and following.act in OPENING:
                question.mentions = following.mentions
                following.mentions = []
                meaning.acts.discard(following.act)

    def deal_out(self) -> bool:
        """Give questions without products those that were named before; whether one took them."""
        said_before = self.before
        is_taken = False
        for question in self.meaning.questions:
            points = all(m.refers for m in question.mentions)
            compares_on = question.act in COMPARED and said_before is self.before
            if points and said_before:
                is_taken |= said_before is self.before
                numbers = [m for m in question.mentions if m.count]
                question.mentions = counted_once([*said_before, *numbers])
            elif compares_on and said_before:
                is_taken = True
                question.mentions = said_before + question.mentions
            said_before = question.mentions or said_before
        self.deal_back()
        return is_taken

    def deal_back(self):
        """Give questions that still have no products those of the next question."""
        following: list[Mention] = []
        for question in reversed(self.meaning.questions):
            question.mentions = question.mentions or following
            following = question.mentions
            if question.act == "topic":  # "what does it cost, and does it contain nuts"
                following = [m for m in following if not m.is_ingredient]

    def ask_whether_enough(self):
        """In "can I get honey and oatmeal with 5 dollars" the money is for all of it."""
        meaning = self.meaning
        is_several = len(meaning.wanted) > 1 or any(m.count > 1 for m in meaning.wanted)
        spent = [money for test, money in meaning.limits if test == "<="]
        can = any(p.kind == "act" and p.text in CUES["can i"] for p in self.pieces)
        if can and is_several and spent and "spend" in meaning.acts and not meaning.questions:
            meaning.questions = [Question("enough", "", meaning.wanted)]
            meaning.amounts.append(Amount(spent[-1], "dollar"))
            meaning.limits = []
            meaning.wanted = []

    def name_household(self):
        """In "for 12 please" the number is that of a household, if nothing is counted by it."""
        meaning = self.meaning
        asks_little = not meaning.mentions and not meaning.questions and not meaning.limits
        if meaning.household is not None or not (asks_little or "recommend" in meaning.acts):
            return
        cues = CUES["household"]
        if "recommend" in meaning.acts:
            cues = cues | {"are", "am", "im", "is"}
        for before, piece, behind in zip(self.pieces, self.pieces[1:], [*self.pieces[2:], None]):
            is_number = piece.kind == "amount" and not piece.value.unit
            counts = behind is not None and behind.kind in (*NAMING, "amount")
            counts = counts or (behind is not None and behind.text in CUES["counted"])
            if is_number and not counts and before.text in cues:
                meaning.household = piece.value.number
                meaning.acts.add("recommend")


ACTS_BEFORE_THINGS = ("need", "price", "where", "and", "or", "with", "often", "not", "for")


def stands_for_a_thing(found: list[Piece], i: int) -> bool:
    """Whether piece i stands where a thing is named: at the beginning, or behind "price of"."""
    if i == 0:
        return True
    before = found[i - 1]
    if before.kind == "act" and before.text.split()[-1] in CUES["costs"]:
        return False
    if before.kind == "act":
        return before.value in ACTS_BEFORE_THINGS
    if before.kind == "amount":
        return True
    is_behind = before.text in CUES["thing follows"] and i > 1
    if not is_behind or before.text in ("of", "and", "or"):
        return is_behind
    # "the damage" after "at" or "in" tells of the place or the time.
    return found[i - 2].kind in ("act", *NAMING) or found[i - 2].text in ("is", "are", "of", "and")


def counted_once(mentions: list[Mention]) -> list[Mention]:
    """The mentions; a number of a pronoun counts what was named before: "honey, 2 of them"."""
    kept: list[Mention] = []
    for mention in mentions:
        is_number = mention.refers and mention.count > 0
        if is_number and kept and kept[-1].is_named and not kept[-1].count:
            kept[-1].count = mention.count
        else:
            kept.append(mention)
    return kept


def strongest(asked: list[Question], n_before: int) -> list[Question]:
    """The questions, without those that another one makes clearer.

    "what is the price" asks no category, and "compare the prices" no prices but a comparison.
    n_before mentions stood before the first question.
    """
    asked = [q for q in asked if q.mentions or q.act != "what"]
    if n_before == 0 and any(q.act in PRICE_ORDERS for q in asked):
        # "what does the cheapest butter cost" asks no more than "the cheapest butter"
        asked = [q for q in asked if q.mentions or q.act != "price"]
    compared = [q for q in asked if q.act == "compare"]
    for question in compared[1:]:  # "celery vs asparagus vs broccoli"
        compared[0].mentions += [m for m in question.mentions if m not in compared[0].mentions]
    asked = [q for q in asked if q not in compared[1:]]
    weak = [q for q in asked if q.act in WEAK]
    strong = [q for q in asked if q not in weak] or asked
    if weak and strong and all(mention.refers for mention in strong[0].mentions):
        strong[0].mentions = weak[0].mentions or strong[0].mentions
    strong = asked_once(strong)
    topics = [q for q in strong if q.act == "topic"]
    others = [q for q in strong if q.act not in ("compare", "topic")]
    acts = {q.act for q in strong}
    mentions = [m for q in strong for m in q.mentions if q not in topics]
    if "value" in acts and acts & set(COMPARED):
        return [Question("value", "", mentions), *topics]
    if "compare" in acts and others:
        is_several = len(mentions) + n_before > 1
        return [Question("compare" if is_several else others[0].act, "", mentions), *topics]
    return strong


def asked_once(questions: list[Question]) -> list[Question]:
    """The questions, without those that ask the same again of nothing new."""
    kept: list[Question] = []
    for question in questions:
        is_same = any(question.act == other.act != "topic" for other in kept)
        names_new = any(mention.is_named for mention in question.mentions)
        if names_new or not is_same:
            kept.append(question)
    return kept
