"""Answering the questions of a line: which products they are about, and which answer fits."""

from __future__ import annotations

import numpy as np

from . import answers
from .answers import Subject
from .comparing import Comparing, compares_brands
from .guide import generate
from .meaning import ADDS_UP, COMPARED, ORDERS, PRICE_ORDERS, Meaning, Mention, Question
from .needs import Need
from .offering import Offering
from .pieces import INGREDIENTS
from .reasons import AlsoBought
from .replies import OPENINGS, QUESTIONS, Replies
from .talk import Talk, together
from .wording import FIXED, dollars, listed

SIMPLE = {  # a question of one subject after the other → the function that answers it
    "price": answers.price,
    "where": answers.where,
    "category": answers.category,
    "what": answers.category,
    "kinds": answers.kinds,
    "pack": answers.size,
    "size": answers.size,
    "brand": answers.brand,
    "value": answers.value,
    "buyers": answers.buyers,
}

ON_RECORD = ("price", "where", "category", "size", "brand")
LABELLED = ("health", "safe")  # topics that the label of a product tells of


class Answering:
    """Answers questions about products."""

    def __init__(self, talk: Talk, offering: Offering, model, replies: Replies):
        self.talk = talk
        self.catalogue = talk.catalogue
        self.offering = offering
        self.comparing = Comparing(talk, offering)
        self.model = model
        self.replies = replies
        self.also_bought = AlsoBought(talk.catalogue.early)
        self.whose = 0  # the household whose purchases are asked about
        self.goes_on_from: list[Subject] = []  # what was added up, or asked about, before this line

    @property
    def need(self) -> Need:
        """What is looked for."""
        return self.talk.need

    def answer_questions(self, meaning: Meaning) -> str:
        """The answers to all questions of a line, one after the other."""
        said = []
        self.goes_on_from = self.added_up()
        self.talk.last_questions = meaning.questions
        if meaning.excluded or meaning.brands and not compares_brands(meaning):
            self.need.take_conditions(meaning)
        offered = ""
        if meaning.limits and "need" in meaning.acts and meaning.mentions:
            offered = self.offer_first(meaning) + "\n"
        said += self.answers_to_wishes(meaning)
        for question in self.joined(meaning):
            answer = self.answer_question(question, meaning)
            is_new = answer not in said and not (said and answer == FIXED["which"])
            if is_new:
                said.append(answer)
        if self.need.products is None and any(m.is_named for m in meaning.mentions):
            self.need.brand = ""  # it was asked of what the line names
        return offered + " ".join(said)

    def answers_to_wishes(self, meaning: Meaning) -> list[str]:
        """What is said of "do you sell shampoo" before another question of the line."""
        relates = any(q.act in (*COMPARED, *ORDERS) for q in meaning.questions)
        if "need" not in meaning.acts or relates or meaning.limits:
            return []
        named_ones = [mention for mention in meaning.wanted if mention.is_named]
        lost = [mention for mention in named_ones if not mention.is_found]
        found = [self.talk.subject(mention) for mention in named_ones if mention.is_found]
        self.talk.tell(*(subject.first for subject in found))
        told = [answers.price(self.catalogue, subject) for subject in found]
        return [*self.talk.not_found(lost), *told]

    def offer_first(self, meaning: Meaning) -> str:
        """Offer what is wanted and asked about: "tuna under a dollar, and where is it"."""
        wanted = [mention for mention in meaning.mentions if mention.is_found]
        for question in meaning.questions:
            question.mentions = [Mention("it", refers=True)]
        self.offering.want(Meaning(wanted=wanted))
        self.need.take_conditions(meaning)
        return self.offering.offer()

    def joined(self, meaning: Meaning) -> list[Question]:
        """The questions; a sum takes the place of the prices that it adds up."""
        sums = [q for q in meaning.questions if q.act in ("total", "enough")]
        prices = [q for q in meaning.questions if q.act == "price"]
        if sums:
            rest = [q for q in meaning.questions if q not in sums and q not in prices]
            return [sums[0], *rest]
        adds = bool(prices) and "add" in meaning.acts and len(prices[0].mentions) > 1
        if len(prices) == 1 and (adds or counts(prices[0])):
            prices[0].act = "total"
        return meaning.questions

    def answer_question(self, question: Question, meaning: Meaning) -> str:
        """The answer to one question."""
        if question.act == "topic":
            return self.about_topic(question)
        mentions = unique(question.mentions)
        if question.act not in (*COMPARED, *ORDERS):
            mentions = without_echoes(mentions)
        if question.act == "pack":
            mentions = [mention for mention in mentions if mention.refers] or mentions
        missing = self.talk.not_found([m for m in mentions if not mention_found(m)])
        subjects = [self.talk.subject(m) for m in mentions if mention_found(m)]
        subjects = [subject for subject in subjects if subject is not None]
        if question.act in (*COMPARED, *ORDERS) and not missing:
            return self.comparing.relate(question, subjects, meaning)
        if missing and not subjects:
            subjects = self.without_unknown_words(mentions)
        if not subjects and not missing:
            subjects = together(self.talk.subjects)
            if question.act == "total":
                subjects = self.talk.subjects
            if question.act == "total" and len(self.talk.wanted_last) > 1:
                subjects = [self.talk.subject(mention) for mention in self.talk.wanted_last]
            if question.act in ("total", "enough") and self.goes_on_from:
                subjects = self.goes_on_from
        if question.act in ("total", "enough"):
            subjects = self.with_what_was_priced(question, subjects, meaning)
        if not subjects:
            return " ".join(missing) or FIXED["which"]
        self.talk.subjects = subjects
        if question.act == "price":
            self.talk.note_priced(subjects)
        if len(subjects) > 1:
            self.talk.put_in_row(subjects)
        return " ".join([*missing, self.simple(question, subjects, meaning)])

    def with_what_was_priced(
        self, question: Question, subjects: list[Subject], meaning: Meaning
    ) -> list[Subject]:
        """What is added up: "both", or "and two avocados, all together", go on from the prices."""
        mentions = without_echoes(unique(question.mentions))
        priced = self.talk.priced if self.goes_on_from else []
        many = [int(a.number) for a in meaning.amounts if not a.unit and question.act == "total"]
        if many and 1 < many[-1] < len(priced) and not any(m.is_named for m in mentions):
            return priced[-many[-1] :]  # "those three together"
        points = [mention for mention in mentions if mention.refers and not mention.count]
        if len(priced) > 1 and points and len(points) == len(mentions):
            return priced[-2:] if any("both" in m.said.split() for m in points) else priced
        if "and" in meaning.acts and any(mention.is_named for mention in mentions):
            names = {subject.name for subject in subjects}
            return [*(old for old in priced if old.name not in names), *subjects]
        return subjects

    def without_unknown_words(self, mentions: list[Mention]) -> list[Subject]:
        """What is nearest to things that have an unknown word, as the steak to a unicorn steak."""
        parts = [mention.known_part() for mention in mentions if mention.types]
        return [self.talk.subject(part) for part in parts if part.said]

    def simple(self, question: Question, subjects: list[Subject], meaning: Meaning) -> str:
        """The answer to a question that no comparison is needed for."""
        self.talk.tell(*(subject.first for subject in subjects))
        is_counted = question.act == "price" and any(subject.count > 1 for subject in subjects)
        if question.act in ("total", "enough") or is_counted:
            return self.add_up(question.act, subjects, meaning)
        if question.act == "with":
            return " ".join(self.offer_with(subject) for subject in subjects)
        if question.act == "about":
            return " ".join(self.tell_about(subject) for subject in subjects)
        if question.act == "bought":
            told = [answers.bought_by(self.catalogue, s, self.whose) for s in subjects]
            return " ".join([*told, "How often, and when, is not in my data."])
        if question.act == "value":
            subjects = merged(subjects)
        if question.act == "pack" and "need" in meaning.acts:
            question = Question("kinds")
        function = SIMPLE.get(question.act, answers.price)
        said = [function(self.catalogue, subject) for subject in subjects]
        if question.act == "brand" and "make" in question.said:
            said.append("Who makes a product is not in my data.")
        return " ".join(said)

    def offer_with(self, subject: Subject) -> str:
        """What households also buy that buy this; a limit or "the first one" is of these kinds."""
        shares = answers.bought_with(self.catalogue, self.also_bought, subject)
        if not shares:
            return f"Households that buy {subject.name} buy nothing else more often than others do."
        products = [np.flatnonzero(self.catalogue.names == kind) for kind in shares]
        names = answers.whole_kind(self.catalogue, subject)
        self.offering.put_forward(
            f"what households that buy {names} also buy", products, "the clearest first"
        )
        return answers.goes_with(self.catalogue, subject, shares)

    def add_up(self, act: str, subjects: list[Subject], meaning: Meaning) -> str:
        """What things cost together, and whether the money is enough."""
        said, amount, is_known = answers.total(self.catalogue, subjects)
        self.talk.summed = subjects
        self.talk.priced = subjects
        money = [a.number for a in meaning.amounts if a.unit == "dollar"]
        money = money or [a.number for a in meaning.amounts if not a.unit]  # "change from a ten"
        if act != "enough" or not money:
            return said
        left = money[0] - amount
        about = "" if is_known else "about "
        if left >= 0:
            return f"{said} Yes, {dollars(money[0])} are enough, {about}{left:.2f} are left."
        return f"{said} No, {about}{dollars(-left)} are missing."

    def add_to_sum(self, meaning: Meaning) -> str:
        """A new sum with what the line names; one thing is added to what was talked of."""
        lost = [m for m in meaning.wanted if not mention_found(m)]
        missing = self.talk.not_found(lost) if lost else []
        new = [self.talk.subject(m) for m in meaning.wanted if mention_found(m)]
        new = [subject for subject in new if subject is not None]
        if not new:
            return " ".join(missing) or FIXED["which"]
        goes_on = len(new) == 1 or meaning.adds_on
        before = (self.added_up() or self.talk.summed) if goes_on else []
        if all(mention.refers for mention in meaning.wanted):  # what was priced is in it already
            before = [s for s in before if not any(is_same(s, subject) for subject in new)]
        return " ".join([*missing, self.sum_of([*before, *new])])

    def added_up(self) -> list[Subject]:
        """What was added up last, or what was asked about: that is what "plus" goes on from."""
        acts = {question.act for question in self.talk.last_questions}
        if acts & set(ADDS_UP):
            return self.talk.summed
        if acts & {"price", *PRICE_ORDERS}:
            return self.talk.priced or self.talk.subjects
        return []

    def can_take_off(self, meaning: Meaning) -> bool:
        """Whether a line takes something off the last sum, as in "and without the honey"."""
        types = {kind for mention in meaning.excluded for kind in mention.types}
        in_sum = [kind for s in self.added_up() for kind in self.catalogue.kinds[s.products]]
        is_more = any(mention.is_named for mention in meaning.mentions)
        many = sum(subject.count or 1 for subject in self.added_up())
        return bool(types & set(in_sum)) and many > 1 and not is_more

    def take_off(self, meaning: Meaning) -> str:
        """The last sum without what the line excludes: "one ketchup" is one of several."""
        kept = []
        for subject in self.added_up():
            kinds = set(self.catalogue.kinds[subject.products])
            less = [mention.count for mention in meaning.excluded if mention.types & kinds]
            left = (subject.count or 1) - sum(less)
            if not less:
                kept.append(subject)
            elif all(less) and left > 0:
                kept.append(Subject(subject.name, subject.products, left))
        if not kept:
            self.talk.last_questions = []
            return FIXED["no"]
        return self.sum_of(kept)

    def can_change(self, meaning: Meaning) -> bool:
        """Whether "make that four honeys" or "no, one honey" counts part of the last sum anew."""
        types = {kind for mention in meaning.wanted for kind in mention.types}
        in_sum = [kind for s in self.talk.summed for kind in self.catalogue.kinds[s.products]]
        return self.talk.is_after_a_sum() and bool(types & set(in_sum))

    def change_sum(self, meaning: Meaning) -> str:
        """The last sum with other numbers of what the line names."""
        kept = list(self.talk.summed)
        for mention in meaning.wanted:
            for k, subject in enumerate(kept):
                if mention.types.intersection(self.catalogue.kinds[subject.products]):
                    kept[k] = Subject(subject.name, subject.products, mention.count or 1.0)
        return self.sum_of(kept)

    def sum_of(self, subjects: list[Subject]) -> str:
        """What these cost together; the next line may add to it or take off it."""
        said, _, _ = answers.total(self.catalogue, subjects)
        self.talk.summed = subjects
        self.talk.priced = subjects
        self.talk.subjects = subjects
        self.talk.last_questions = [Question("total")]
        self.talk.tell(*(subject.first for subject in subjects))
        return said

    def tell_about(self, subject: Subject) -> str:
        """All that there is to say, and the dialogue head's own words."""
        said = answers.about(self.catalogue, subject)
        product = subject.first
        asked = np.array([QUESTIONS.index("price")])
        text = generate(self.model, np.array([product]), asked, self.replies)[0]
        for opening in OPENINGS.values():
            text = text.replace(f" {opening} ", f", {opening} ")
        is_true = all(self.replies.true(product, text.replace(",", "")))
        if not self.catalogue.known[product]:
            check = "its own guess"
        elif is_true:
            check = "which is all as on record"
        else:
            return said
        return f'{said} In the words of my dialogue head: "{text}", {check}.'

    def about_topic(self, question: Question) -> str:
        """That something is not in the data; what was named is talked of from now on."""
        found = [self.talk.subject(m) for m in question.mentions if m.is_found and not m.is_quality]
        others = [m for m in question.mentions if m.missing and not m.is_ingredient]
        if found or others:  # what is named, even if it is not sold here, is talked of
            self.talk.subjects = [subject for subject in found if subject is not None]
        return FIXED[question.said] + (self.read_the_label() if question.said in LABELLED else "")

    def promise_nothing(self, meaning: Meaning) -> str:
        """That no more than what is on record can be confirmed."""
        named_ones = [mention for mention in meaning.mentions if mention.is_found]
        if any(mention.refers for mention in meaning.mentions):  # "does it contain sugar"
            named_ones = [m for m in named_ones if not INGREDIENTS.intersection(m.said.split())]
        self.talk.last_questions = [Question("topic", "safe", named_ones)]
        return self.about_topic(self.talk.last_questions[0])

    def answer_recorded(self, meaning: Meaning) -> str:
        """What is on record of what a line asks, and that nothing else can be confirmed."""
        recorded = [q for q in meaning.questions if q.act in ON_RECORD]
        mentions = [mention for question in recorded for mention in question.mentions]
        names = any(mention.is_named and mention.is_found for mention in mentions)
        points = len(recorded) > 1 and bool(self.talk.subjects)  # "what is it, where is it"
        if "sure" in meaning.acts or not (names or points):
            return self.promise_nothing(meaning)
        meaning.questions = recorded
        told = self.answer_questions(meaning)
        return f"{told} {self.promise_nothing(meaning)}"

    def read_the_label(self) -> str:
        """Where it stands what a product contains."""
        names = list(dict.fromkeys(subject.name for subject in self.talk.subjects))
        of = f" of {listed(names)}" if 0 < len(names) <= 3 else ""
        return f" Please read the label{of}."


def merged(subjects: list[Subject]) -> list[Subject]:
    """All subjects as one."""
    name = listed([subject.name for subject in subjects])
    return [Subject(name, np.concatenate([subject.products for subject in subjects]))]


def is_same(first: Subject, second: Subject) -> bool:
    """Whether two subjects are the same products."""
    return set(first.products) == set(second.products)


def mention_found(mention: Mention) -> bool:
    """Whether a mention points at something, or all of its words are known."""
    return not mention.is_named or mention.is_found


def unique(mentions: list[Mention]) -> list[Mention]:
    """The mentions, but only one pronoun."""
    kept: list[Mention] = []
    for mention in mentions:
        is_pronoun = mention.refers and not mention.pick
        if not (is_pronoun and any(other.refers for other in kept)):
            kept.append(mention)
    return kept


def without_echoes(mentions: list[Mention]) -> list[Mention]:
    """The mentions without pronouns that stand for what was named before them."""
    kept: list[Mention] = []
    for mention in mentions:
        is_echo = mention.refers and not mention.count and any(m.is_named for m in kept)
        if not is_echo:
            kept.append(mention)
    return kept


def counts(question: Question) -> bool:
    """Whether amounts are asked about: two jars of honey, or a dozen eggs and a gallon of milk."""
    is_counted = any(mention.count for mention in question.mentions)
    sizes = [mention.size.number for mention in question.mentions if mention.size is not None]
    return is_counted or (bool(sizes) and (len(question.mentions) > 1 or is_many(sizes[0])))


def is_many(number: float) -> bool:
    """Whether a number is a whole one above 1: two pounds, rather than 33.9 ounces.

    >>> is_many(2.0), is_many(33.9)
    (True, False)
    """
    return 1 < number <= 12 and number.is_integer()
