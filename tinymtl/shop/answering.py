"""Answering the questions of a line: which products they are about, and which answer fits."""

from __future__ import annotations

import numpy as np

from . import answers
from .answers import Subject
from .guide import generate
from .meaning import COMPARED, ORDERS, Meaning, Mention, Question
from .needs import Need, shared
from .offering import Offering
from .reasons import AlsoBought
from .replies import OPENINGS, OWN, QUESTIONS, Replies
from .sizes import unit_amount
from .talk import Talk, together
from .wording import FIXED, dollars, listed, named

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
}

LABELLED = ("health", "safe")  # topics that the label of a product tells of


class Answering:
    """Answers questions about products."""

    def __init__(self, talk: Talk, offering: Offering, model, replies: Replies):
        self.talk = talk
        self.catalogue = talk.catalogue
        self.offering = offering
        self.model = model
        self.replies = replies
        self.also_bought = AlsoBought(talk.catalogue.early)
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
        self.add_up_extremes(meaning)
        offered = ""
        if meaning.limits and "need" in meaning.acts and meaning.mentions:
            offered = self.offer_first(meaning) + "\n"
        said += self.answers_to_wishes(meaning)
        for question in self.joined(meaning):
            answer = self.answer_question(question, meaning)
            is_new = answer not in said and not (said and answer == FIXED["which"])
            if is_new:
                said.append(answer)
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

    def add_up_extremes(self, meaning: Meaning):
        """In "the cheapest milk and the cheapest bread together", the sum is of these two."""
        orders = [q for q in meaning.questions if q.act in ORDERS]
        sums = [q for q in meaning.questions if q.act == "total"]
        if not (sums and len(orders) > 1):
            return
        found = []
        for question in orders:
            self.answer_question(question, meaning)
            found += self.talk.subjects
        self.talk.subjects = found
        meaning.questions = [Question("total")]

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
            return self.relate(question.act, subjects, meaning)
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
            subjects = self.with_what_was_priced(mentions, subjects, meaning)
        if not subjects:
            return " ".join(missing) or FIXED["which"]
        self.talk.subjects = subjects
        if question.act == "price":
            names = {subject.name for subject in subjects}
            before = [subject for subject in self.talk.priced if subject.name not in names]
            self.talk.priced = [*before, *subjects]
        if len(subjects) > 1:
            self.talk.put_in_row(subjects)
        return " ".join([*missing, self.simple(question, subjects, meaning)])

    def with_what_was_priced(
        self, mentions: list[Mention], subjects: list[Subject], meaning: Meaning
    ) -> list[Subject]:
        """What is added up: "both", or "and two avocados, all together", go on from the prices."""
        priced = self.talk.priced if self.goes_on_from else []
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
            said = [answers.goes_with(self.catalogue, self.also_bought, s) for s in subjects]
            return " ".join(said)
        if question.act == "about":
            return " ".join(self.tell_about(subject) for subject in subjects)
        if question.act == "value":
            subjects = merged(subjects)
        if question.act == "pack" and "need" in meaning.acts:
            question = Question("kinds")
        function = SIMPLE.get(question.act, answers.price)
        said = [function(self.catalogue, subject) for subject in subjects]
        if question.act == "brand" and "make" in question.said:
            said.append("Who makes a product is not in my data.")
        return " ".join(said)

    def add_up(self, act: str, subjects: list[Subject], meaning: Meaning) -> str:
        """What things cost together, and whether the money is enough."""
        said, amount, is_known = answers.total(self.catalogue, subjects)
        self.talk.summed = subjects
        self.talk.priced = subjects
        money = [a.number for a in meaning.amounts if a.unit == "dollar"]
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
        goes_on = len(meaning.wanted) == 1
        return " ".join([*missing, self.sum_of([*self.added_up(), *new] if goes_on else new)])

    def added_up(self) -> list[Subject]:
        """What was added up last, or what was asked about: that is what "plus" goes on from."""
        acts = {question.act for question in self.talk.last_questions}
        if acts & {"total", "enough"}:
            return self.talk.summed
        return (self.talk.priced or self.talk.subjects) if "price" in acts else []

    def can_take_off(self, meaning: Meaning) -> bool:
        """Whether a line takes something off the last sum, as in "and without the honey"."""
        types = {kind for mention in meaning.excluded for kind in mention.types}
        in_sum = [kind for s in self.added_up() for kind in self.catalogue.kinds[s.products]]
        is_more = any(mention.is_named for mention in meaning.mentions)
        return bool(types & set(in_sum)) and len(self.added_up()) > 1 and not is_more

    def take_off(self, meaning: Meaning) -> str:
        """The last sum without what the line excludes."""
        types = {kind for mention in meaning.excluded for kind in mention.types}
        kept = [s for s in self.added_up() if not types & set(self.catalogue.kinds[s.products])]
        if not kept:
            self.talk.last_questions = []
            return FIXED["no"]
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
        self.talk.subjects = [
            subject for subject in found if subject is not None
        ] or self.talk.subjects
        return FIXED[question.said] + (self.read_the_label() if question.said in LABELLED else "")

    def promise_nothing(self, meaning: Meaning) -> str:
        """That no more than what is on record can be confirmed."""
        named_ones = [mention for mention in meaning.mentions if mention.is_found]
        self.talk.last_questions = [Question("topic", "safe", named_ones)]
        return self.about_topic(self.talk.last_questions[0])

    def read_the_label(self) -> str:
        """Where it stands what a product contains."""
        names = list(dict.fromkeys(subject.name for subject in self.talk.subjects))
        of = f" of {listed(names)}" if 0 < len(names) <= 3 else ""
        return f" Please read the label{of}."

    def relate(self, act: str, subjects: list[Subject], meaning: Meaning) -> str:
        """The answer to "cheaper", "biggest" and the like."""
        named_ones = self.related(act, subjects)
        goes_on = "what about" in meaning.acts and act in ORDERS
        if not named_ones and goes_on and self.need.products is None:
            named_ones = together(self.talk.subjects)
        if compares_brands(meaning) and named_ones:
            return self.compare_own_and_national(named_ones[0])
        if len(named_ones) > 1:
            return self.compare(act, named_ones)
        money = [amount.number for amount in meaning.amounts if amount.unit == "dollar"]
        if act in ("cheaper", "dearer") and named_ones and money:
            self.talk.subjects = named_ones
            return answers.price(self.catalogue, named_ones[0])
        if act in ORDERS:
            return self.extreme(act, named_ones, meaning)
        if act == "compare" and named_ones:
            return self.simple(Question("price"), named_ones, meaning)
        if act == "compare":
            return FIXED["which"]
        return self.relative(act, named_ones, meaning)

    def related(self, act: str, subjects: list[Subject]) -> list[Subject]:
        """What is compared: what the line names, and what was talked of if it names too little."""
        by_size = act in ("bigger", "smaller")
        if not subjects and act in COMPARED and (by_size or not self.talk.shown):
            return together(self.talk.subjects)
        if act == "compare" and len(subjects) == 1:
            (new,) = subjects
            old = [s for s in self.talk.subjects if not len(shared(s.products, new.products))]
            return [*old, new]
        return subjects

    def compare(self, act: str, subjects: list[Subject]) -> str:
        """Which of several is cheaper, or bigger."""
        self.talk.subjects = subjects
        self.talk.tell(*(subject.first for subject in subjects))
        in_order = answers.by_middle_price(self.catalogue, subjects)
        self.talk.put_in_row(in_order)
        if act in ("bigger", "smaller", "biggest", "smallest"):
            return self.compare_sizes(act, subjects)
        return answers.compare_prices(self.catalogue, subjects, act in ("dearer", "dearest"))

    def compare_sizes(self, act: str, subjects: list[Subject]) -> str:
        """Which of several is biggest or smallest; it is talked of from now on."""
        is_small = act in ("smaller", "smallest")
        said, best = answers.compare_sizes(self.catalogue, subjects, is_small)
        self.talk.subjects = [Subject(named(self.catalogue, best, with_size=False), best)]
        return said

    def compare_own_and_national(self, subject: Subject) -> str:
        """Which brand of one kind is cheaper."""
        brand = self.catalogue.says["brand"][subject.products]
        own = Subject(f"our own {subject.name}", subject.products[brand == OWN])
        national = Subject(f"the national {subject.name}", subject.products[brand != OWN])
        parts = [part for part in (own, national) if len(part.products)]
        self.talk.subjects = [subject]
        if len(parts) < 2:
            return answers.brand(self.catalogue, subject)
        return answers.compare_prices(self.catalogue, parts)

    def extreme(self, act: str, subjects: list[Subject], meaning: Meaning) -> str:
        """The cheapest, dearest, biggest or smallest of something, of the need, or of all."""
        subject = self.candidates(subjects, meaning)
        if not len(subject.products):
            return self.offering.none_fits()
        if act in ("biggest", "smallest"):
            return self.of_those() + self.compare_sizes(act, [subject])
        many = [int(amount.number) for amount in meaning.amounts if not amount.unit]
        if many and many[0] > 1:
            return self.of_those() + self.several_extremes(act, subject, many[0])
        said, best = answers.extreme(self.catalogue, subject, act == "dearest")
        self.talk.subjects = [Subject(named(self.catalogue, best, with_size=False), best)]
        self.talk.shown = [best]
        self.talk.tell(int(best[0]))
        return self.of_those() + said

    def of_those(self) -> str:
        """Which conditions hold for what is called the cheapest or the biggest; "" if none does."""
        need = self.need
        looked_for = self.catalogue.every if need.products is None else need.products
        kept = Need(products=looked_for, excluded=need.excluded).fitting(self.catalogue)
        said = Need(limits=need.limits).says().removeprefix("something ")
        parts = [said] if said else []
        if need.brand:
            parts.append(f"of {need.brand}")
        if len(kept) < len(looked_for):
            parts += [f"without {name}" for name in need.excluded]
        return f"Among those {listed(parts)}: " if parts else ""

    def candidates(self, subjects: list[Subject], meaning: Meaning) -> Subject:
        """What the cheapest is looked for among: what is named or pointed at, else what fits."""
        if meaning.wanted:
            self.offering.want(meaning)
        self.need.take_conditions(meaning)
        if not subjects or meaning.wanted:
            products = self.need.fitting(self.catalogue)
            name = self.need.wanted
        else:
            (subject,) = subjects
            name = subject.name
            if any(mention.is_named for mention in meaning.mentions):
                self.need.forget_conditions()
                self.need.take_conditions(meaning)
                self.need.want(name, subject.products)
            products = self.need.without_excluded(self.catalogue, subject.products)
            products = self.catalogue.fitting(products, self.need.limits, self.need.brand)
        if meaning.size is not None:
            sized = self.catalogue.of_size(products, meaning.size)
            products = sized if len(sized) else products
        return Subject(name or "product", products)

    def several_extremes(self, act: str, subject: Subject, many: int) -> str:
        """The so and so many cheapest or dearest."""
        products = self.catalogue.by_price(subject.products, act == "dearest")
        groups = self.catalogue.told_apart(products)
        word = "cheapest" if act == "cheapest" else "dearest"
        return f"The {word} of {subject.name}:{self.talk.show(groups, min(many, 10))}"

    def relative(self, act: str, subjects: list[Subject], meaning: Meaning) -> str:
        """Something cheaper, dearer, bigger or smaller than what was shown."""
        if meaning.size is not None and act in ("bigger", "smaller") and subjects:
            return self.beyond_size(act, subjects[0], meaning)
        if act in ("cheaper", "dearer") and self.talk.shown:
            prices = self.catalogue.says["price"][np.concatenate(self.talk.shown)]
            limit = ("<", prices.min()) if act == "cheaper" else (">", prices.max())
            if subjects and any(m.is_named for m in meaning.mentions):
                self.need.want(subjects[0].name, subjects[0].products)
            self.need.take_conditions(meaning)
            if not meaning.limits:
                self.need.add_limit(limit[0], float(limit[1]))
            return self.offering.offer()
        if act in ("cheaper", "dearer") and subjects:
            kind = self.catalogue.of_types(frozenset(self.catalogue.kinds[subjects[0].products]))
            self.need.want(subjects[0].name, kind)
            self.talk.shown = [subjects[0].products]
            return self.relative(act, [], meaning)
        if subjects:
            subject = subjects[0]
            same_kind = frozenset(self.catalogue.kinds[subject.products])
            subject = Subject(subject.name, self.catalogue.of_types(same_kind))
            return self.compare_sizes(act, [subject])
        return FIXED["which"]

    def beyond_size(self, act: str, subject: Subject, meaning: Meaning) -> str:
        """The products that are bigger, or smaller, than a size."""
        size = meaning.size
        base, amount = unit_amount(size.number, size.unit)
        if compares_sizes(meaning):
            return self.compare_sizes(act, [subject])

        def fits(other):
            return other > amount if act == "bigger" else other < amount

        products = self.catalogue.by_size(subject.products, base, fits)
        if not len(products):
            return f"I have no {subject.name} that is {act} than that."
        self.need.want(f"{subject.name} {act} than {size.number:g} {size.unit}s", products)
        return self.offering.offer()


def merged(subjects: list[Subject]) -> list[Subject]:
    """All subjects as one."""
    name = listed([subject.name for subject in subjects])
    return [Subject(name, np.concatenate([subject.products for subject in subjects]))]


def mention_found(mention: Mention) -> bool:
    """Whether a mention points at something, or all of its words are known."""
    return not mention.is_named or mention.is_found


def unique(mentions: list[Mention]) -> list[Mention]:
    """The mentions, but only one pronoun."""
    kept: list[Mention] = []
    for mention in mentions:
        if not (mention.refers and any(other.refers for other in kept)):
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


def compares_brands(meaning: Meaning) -> bool:
    """Whether both brands are named."""
    return len(set(meaning.brands)) > 1


def compares_sizes(meaning: Meaning) -> bool:
    """Whether a second number is named beside a size, as in "39 or 33.9 oz"."""
    return any(not amount.unit for amount in meaning.amounts)
