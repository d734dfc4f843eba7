"""The shopping guide as somebody to talk to: it learns what is needed, recommends, and answers.

    line → understanding.read → what is asked, named and limited
         → talk               → remembered: the need, and what "it" means
         → answering, offering or explaining → the reply, and perhaps one question back

What it has seen the answer of is looked up. All else is estimated, and is said to be.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from .. import checks
from . import answers
from .amounts import Amount
from .answering import Answering
from .catalogue import Catalogue
from .explaining import Explaining
from .meaning import (
    ADDS_UP,
    COMPARED,
    ORDERS,
    PRICE_ORDERS,
    RECORDED,
    WEAK,
    WISHES,
    Meaning,
    Mention,
    Question,
)
from .needs import TEST_WORDS, contradict
from .offering import Offering, only_places
from .pieces import NEXT
from .purchases import HOUSEHOLDS
from .questions import Question as Back
from .saved import trained
from .split import shop_and_texts
from .talk import Talk
from .understanding import LONGEST, read
from .wording import FIXED, dollars, listed

# What a line says to the guide rather than about products, the first that it holds.
SMALL_TALK = ("bye", "anew", "insult", "joke", "who", "help")
SMALL_TALK += ("shop", "how", "thanks", "praise", "hello")
# What may be asked back of a question about purchases: whose they are.
WHOSE = ("whose", "whose basket")


class Agent:
    """What is known and learned of the shop, and one conversation.

    With `path` the trained guide is loaded from there; if there is no file, it is saved there.
    Without, it is trained here and now: some seconds. `explain` adds to each reply the shop's own
    labels and how an answer was found, and `truth` what is on record of what was estimated.
    `apart` trains in a process of its own, with one thread, as the experiment does. `renews`
    writes a file anew that is no guide of this seed.

        agent = tinymtl.shop.Agent(seed=0)
        print(agent.reply("cheese under 3 dollars"))

    talk         what the conversation remembers
    ended        whether a goodbye was said
    """

    def __init__(
        self,
        seed: int = 0,
        path: Path | None = None,
        explain: bool = False,
        truth: bool = False,
        apart: bool = False,
        renews: bool = False,
    ):
        checks.whole_number("Agent", "seed", seed)
        if path is not None:
            checks.path("Agent", "path", path)
        checks.boolean("Agent", "explain", explain)
        checks.boolean("Agent", "truth", truth)
        checks.boolean("Agent", "apart", apart)
        checks.boolean("Agent", "renews", renews)
        self.model, self.split = trained(seed, path, apart, renews)
        shop, replies, *_ = shop_and_texts()
        self.catalogue = Catalogue(self.model, self.split, shop)
        self.talk = Talk(self.catalogue)
        self.offering = Offering(self.talk)
        self.answering = Answering(self.talk, self.offering, self.model, replies)
        self.explaining = Explaining(self.talk, self.model, explain, truth)
        self.ended = False

    def begin(self, household: int | None = None):
        """Begin a conversation: nothing was said yet. household: for whom, 0 to 399."""
        if household is not None:
            checks.whole_number("begin", "household", household)
            if household >= HOUSEHOLDS:
                raise ValueError(
                    f"begin: household must be from 0 to {HOUSEHOLDS - 1}, got {household}"
                )
        self.talk.begin(household)
        self.ended = False

    def reply(self, line: str) -> str:
        """What the guide says to a line, whatever it holds."""
        checks.instance("reply", "line", line, str)
        meaning = read(line)
        self.talk.told: list[int] = []  # the products that this reply tells of
        says = notes_on_reading(meaning)
        if "hello" in meaning.acts and (meaning.questions or meaning.says_what):
            says += "Hello! "
        says += self.answer(meaning)
        says = self.talk.need.note_taken_back() + says
        if self.says_what_is_left_out(says) and "read the label" not in says.lower():
            says += f"\n{FIXED['by_name']}"
        if "(estimated" in says or "estimated at" in says:
            says += f"\n{self.explaining.how_good()}"
        if isinstance(self.talk.asked, Back):
            says += f"\n{self.talk.asked.text()}"
        return says + self.explaining.labels()

    def says_what_is_left_out(self, says: str) -> bool:
        """Whether a reply says that it leaves something out, as in "no milk"."""
        forms = [f"{word} {said}" for said in self.talk.need.excluded for word in ("no", "without")]
        return any(form in says for form in forms)

    def answer(self, meaning: Meaning) -> str:
        """The reply without notes."""
        asked, self.talk.asked = self.talk.asked, None
        if meaning.empty:
            return FIXED["empty"]
        if meaning.foreign:
            return FIXED["english"]
        if meaning.claims and not (meaning.takes_off and self.answering.can_take_off(meaning)):
            return self.answering.answer_recorded(meaning)
        if meaning.miscounts:
            return FIXED["count"]
        if contradict(meaning.limits) and not meaning.acts & {"correct", "no"}:
            said = [f"{TEST_WORDS[test]} {dollars(amount)}" for test, amount in meaning.limits]
            return f"No price is {listed(said)} at the same time. What may it cost?"
        if len(meaning.households) > 1 and not meaning.acts & {"correct", "no"}:
            said = [f"{number:g}" for number in meaning.households]
            return f"I can recommend for one household at a time: {listed(said, 'or')}?"
        fixed = self.small_talk(meaning)
        if fixed:
            return fixed
        if "correct" in meaning.acts or ("no" in meaning.acts and meaning.says_what):
            return self.correct(meaning, asked)
        return self.turn(meaning, asked)

    def small_talk(self, meaning: Meaning) -> str:
        """The fixed reply to what is no question about products; "" if it is one."""
        is_new = "new" in meaning.acts or meaning.household is not None
        if meaning.questions or meaning.says_what or is_new:
            return ""
        for act in SMALL_TALK:
            if act in meaning.acts:
                if act == "anew":
                    self.talk.begin(self.talk.need.household)
                self.ended = act == "bye"
                return FIXED[act]
        return ""

    def turn(self, meaning: Meaning, asked: Back | str | None) -> str:
        """One turn of the conversation about products."""
        if "whole shop" in meaning.acts and asks_for_an_extreme(meaning):
            self.talk.need.want("", None)
        if meaning.acts & {"all", "whole shop"} and not (meaning.excluded or meaning.ingredients):
            self.talk.need.forget_conditions()  # "the cheapest of all", "any cookies at all"
        if asked in WHOSE and not meaning.questions and not meaning.says_what:
            self.take_whose(meaning, asked)
        if any(question.act == "bought" for question in meaning.questions):
            return self.look_back(meaning)
        noted = self.note_customer(meaning, asked)
        if noted:
            return noted
        if "why not" in meaning.acts:
            return self.explaining.why_not(meaning)
        if "why" in meaning.acts:
            return self.explaining.why(meaning)
        if asks_to_confirm(meaning):
            return self.confirm(meaning)
        if "sure" in meaning.acts and declines(meaning):
            return self.decline_and_confirm(meaning)
        if "remember" in meaning.acts:
            return self.explaining.what_is_remembered()
        if "did" in meaning.acts and not declines(meaning):
            return self.what_was_bought()
        if isinstance(asked, Back):
            answered = self.offering.take_answer(meaning, asked)
            if answered:
                return answered
        self.take_money(meaning)
        if self.asks_whether_enough(meaning):
            meaning.questions = [Question("enough")]
        if self.asks_for_the_next(meaning):
            meaning.questions = [replace(self.talk.last_questions[-1], mentions=[], rank=NEXT)]
        if self.answering.can_take_off(meaning):
            return self.answering.take_off(meaning)
        self.complete_addition(meaning)
        if meaning.questions and not only_limits(meaning):
            return self.answering.answer_questions(meaning)
        adds_both = only_refers(meaning) and len(self.talk.subjects) > 1  # "add both up"
        if self.adds(meaning) and adds_both:
            meaning.questions = [Question("total", "", meaning.wanted)]
            return self.answering.answer_questions(meaning)
        if self.adds(meaning):
            return self.answering.add_to_sum(meaning)
        if repeats_question(meaning, self.talk.last_questions):
            meaning.questions = [asked_again(q, meaning.wanted) for q in self.talk.last_questions]
            return self.answering.answer_questions(meaning)
        return self.serve(meaning)

    def confirm(self, meaning: Meaning) -> str:
        """How sure the last answer is, or the one about what the line names."""
        last = self.talk.last_questions
        if last and last[-1].act == "topic":
            return self.answering.promise_nothing(meaning)
        found = [self.talk.subject(m) for m in meaning.wanted if m.is_named and m.is_found]
        if found and any(not m.is_found for m in meaning.wanted):  # "are you sure it is cheese"
            return self.answering.promise_nothing(meaning)
        self.talk.subjects = found or self.talk.subjects
        self.talk.last_questions = meaning.questions or last  # "how sure is the size"
        said = [amount.number for amount in meaning.amounts]
        return self.explaining.how_sure(said)

    def decline_and_confirm(self, meaning: Meaning) -> str:
        """In "which is healthier? are those prices exact?" the second can be answered."""
        meaning.questions = [q for q in meaning.questions if q.act == "topic"]
        last = self.talk.last_questions
        declined = self.answering.answer_questions(meaning)
        self.talk.last_questions = last
        return f"{declined} {self.explaining.how_sure()}"

    def asks_whether_enough(self, meaning: Meaning) -> bool:
        """Whether a line such as "will ten dollars do?" names no more than money after a sum."""
        units = {amount.unit for amount in meaning.amounts}
        money = "dollar" in units or ("" in units and meaning.asks)  # "will a twenty do?"
        is_other = meaning.questions or meaning.says_what or meaning.household is not None
        return self.talk.is_after_a_sum() and money and not is_other

    def take_money(self, meaning: Meaning):
        """After a sum, "what if I have 6 dollars" and then "and 12?" ask whether that is enough."""
        asked = [question.act for question in self.talk.last_questions]
        if not asked or asked[-1] not in ADDS_UP:
            return
        spends = "spend" in meaning.acts and len(meaning.limits) == 1
        if spends and meaning.asks_nothing_else:
            amount = meaning.limits.pop()[1]
            meaning.amounts.append(Amount(amount, "dollar"))
        numbers = [m.count for q in meaning.questions for m in q.mentions if m.refers and m.count]
        if asked[-1] == "enough" and "and" in meaning.acts and numbers and not meaning.wanted:
            meaning.questions = []
            meaning.amounts = [Amount(numbers[0], "dollar")]

    def asks_for_the_next(self, meaning: Meaning) -> bool:
        """Whether a line such as "and the next?" asks for the next cheapest."""
        last = self.talk.last_questions
        is_other = meaning.questions or meaning.says_what or meaning.acts & {"beyond", "else"}
        is_more = "more" in meaning.acts and not is_other
        return is_more and bool(last) and last[-1].act in PRICE_ORDERS

    def complete_addition(self, meaning: Meaning):
        """Name what "and the cheapest flour" after a sum adds, and what "add that" points at."""
        only_picks = all(question.act in PRICE_ORDERS for question in meaning.questions)
        if "and" in meaning.acts and self.talk.is_after_a_sum() and only_picks:
            meaning.pick_instead_of_asking()
        if "add" in meaning.acts and not meaning.mentions and not meaning.questions:
            meaning.wanted = [Mention("that", refers=True)]

    def adds(self, meaning: Meaning) -> bool:
        """Whether a line such as "plus two eggs", or "and a milk" after a sum, adds something."""
        goes_on = "and" in meaning.acts and self.talk.is_after_a_sum()
        is_wish = "recommend" in meaning.acts or meaning.limits
        return bool(meaning.wanted) and not is_wish and ("add" in meaning.acts or goes_on)

    def note_customer(self, meaning: Meaning, asked) -> str:
        """Remember the household or the basket; a reply if that cannot be, else ""."""
        n_households = len(self.catalogue.early)
        household = meaning.household
        numbers = [amount.number for amount in meaning.amounts if not amount.unit]
        if asked == "basket" and household is None and numbers and not meaning.wanted:
            household = numbers[0]
        is_one = household is None or (household in range(n_households))
        if not is_one:
            return self.unknown_household(household)
        if household is not None:
            self.forget_the_last_household(meaning, int(household))
            self.talk.need.household = int(household)
            self.talk.need.basket = None
            meaning.household = household
        if "often" in meaning.acts or asked == "basket":
            return self.note_basket(meaning)
        if "new" in meaning.acts:
            self.talk.need.household = None
            self.talk.asked = "basket"
            return FIXED["basket"]
        return ""

    def take_whose(self, meaning: Meaning, asked: str):
        """In "did I buy it", "whose?", "12" the number is that of a household."""
        numbers = [amount.number for amount in meaning.amounts if not amount.unit]
        if meaning.household is None and numbers:
            meaning.household = numbers[0]
        if meaning.household is None:
            return
        if asked == "whose basket":
            meaning.acts.add("did")
        else:
            meaning.questions = self.talk.last_questions

    def look_back(self, meaning: Meaning) -> str:
        """Whether a household bought what the line asks about: one that it names, else its own."""
        household = self.talk.need.household if meaning.household is None else meaning.household
        if household not in range(len(self.catalogue.early)):
            self.talk.last_questions = meaning.questions
            self.talk.asked = "whose"
            return FIXED["whose"] if household is None else self.unknown_household(household)
        if self.talk.need.household is None:
            self.talk.need.household = int(household)
        self.answering.whose = int(household)
        return self.answering.answer_questions(meaning)

    def what_was_bought(self) -> str:
        """What the household bought, if it is known which."""
        if self.talk.need.household is None:
            self.talk.asked = "whose basket"
            return FIXED["whose"]
        return self.explaining.what_was_bought()

    def unknown_household(self, household: float) -> str:
        """That there is no household of this number."""
        last = len(self.catalogue.early) - 1
        return f"I know no household {household:g}, only 0 to {last}. Which is yours?"

    def forget_the_last_household(self, meaning: Meaning, household: int):
        """Who comes after another household begins anew, unless a number is put right."""
        before = self.talk.need.household
        is_same = before is None or before == household
        if is_same or meaning.acts & {"correct", "no"}:
            return
        if "what about" not in meaning.acts:
            self.talk.begin(household)
        self.talk.need.forget_conditions()
        self.talk.need.excluded = {}

    def note_basket(self, meaning: Meaning) -> str:
        """Make a basket of what the line names, and recommend from it at once."""
        wants_kind = len(meaning.wanted) > 1 and "need" in meaning.acts
        liked = meaning.wanted[1:] if wants_kind else meaning.wanted
        found = [mention for mention in liked if mention.is_found]
        if wants_kind or not (found or any(m.missing for m in liked)):
            return ""
        unknown = [mention.said for mention in liked if mention.missing]
        note = f"I know nothing called {listed(unknown, 'or')}. " if unknown else ""
        if not found:
            self.talk.asked = "basket"
            return note + FIXED["basket"].removeprefix("Welcome! ")
        firsts = [int(self.catalogue.find(mention)[0]) for mention in found]
        self.talk.need.household = None
        self.talk.need.basket = np.unique(firsts)
        self.talk.need.want("", None)
        self.talk.need.forget_conditions()
        self.talk.need.take_conditions(meaning)
        names = listed([str(name) for name in self.catalogue.names[firsts]])
        return note + f"You often buy {names}. " + self.offering.offer()

    def serve(self, meaning: Meaning) -> str:
        """Offer what fits the need after this line."""
        if asks_for_a_yes(meaning):
            return self.answering.promise_nothing(meaning)
        if only_places(meaning) and (meaning.excluded or meaning.left_out):
            meaning.wanted = []  # "not the chips, the other ones"
        if only_places(meaning):
            return self.pick(meaning.wanted)
        if "else" in meaning.acts and (self.talk.last_questions or meaning.wanted):
            others = self.offering.offer_others(meaning)
            if others:
                return others
        conditions = meaning.limits or meaning.brands or meaning.household is not None
        conditions = conditions or meaning.excluded or meaning.ingredients
        if only_refers(meaning) and (conditions or "recommend" in meaning.acts):
            meaning.wanted = []  # "which of them are your own brand"
        if only_refers(meaning):
            return self.about_subjects()
        found = [self.talk.subject(m) for m in meaning.wanted if m.is_found]
        counted = any(m.count for m in meaning.wanted) or any(s.count > 1 for s in found)
        counted = counted or weighed(meaning)
        if counted and not meaning.acts & {"need", "recommend"}:
            meaning.questions = [Question("total", "", meaning.wanted)]
            return self.answering.answer_questions(meaning)
        lost = [m for m in meaning.wanted if m.is_named and not m.is_found]
        if lost:
            return self.not_found_offer(lost, meaning)
        return self.offering.offer_need(meaning)

    def not_found_offer(self, lost: list[Mention], meaning: Meaning) -> str:
        """Some of what is wanted does not exist here; the rest is offered."""
        (said,) = self.talk.not_found(lost)
        kept = [m for m in meaning.wanted if m.is_found or m.types or not m.is_named]
        meaning.wanted = [m.known_part() if m.missing else m for m in kept]
        if not meaning.wanted:
            return said + " Shall I look for something else?"
        return f"{said} {self.offering.offer_need(meaning)}"

    def pick(self, mentions: list[Mention]) -> str:
        """Talk of some of the list."""
        subjects = [self.talk.at_place(mention.place) for mention in mentions]
        subjects = [subject for subject in subjects if subject is not None]
        if not subjects:
            return FIXED["no_place"]
        self.talk.subjects = subjects
        self.talk.tell(*(subject.first for subject in subjects))
        told = []
        for subject in subjects:
            told.append(answers.price(self.catalogue, subject))
            told.append(answers.brand(self.catalogue, subject))
        return " ".join(told)

    def about_subjects(self) -> str:
        """Somebody only points at what was talked of."""
        if not self.talk.subjects:
            return FIXED["which"]
        return " ".join(answers.price(self.catalogue, subject) for subject in self.talk.subjects)

    def correct(self, meaning: Meaning, asked) -> str:
        """Take the place of what was understood before by what is said now."""
        bare = [a for a in meaning.amounts if not a.unit]
        is_known = self.talk.need.household is not None or meaning.household is not None
        if is_known and bare and not meaning.wanted:
            meaning.household = bare[-1].number
        if meaning.household is not None or meaning.questions:
            return self.turn(meaning, asked)
        lost = [m for m in meaning.wanted if m.is_named and not m.is_found]
        says_else = meaning.excluded or meaning.limits or meaning.brands
        if lost and len(lost) == len(meaning.wanted) and not says_else:
            return self.not_found_offer(lost, meaning)
        if self.answering.can_change(meaning):
            return self.answering.change_sum(meaning)
        if meaning.wanted and self.talk.last_questions and not meaning.limits:
            found = meaning.wanted
            meaning.questions = [asked_again(q, found) for q in self.talk.last_questions]
            meaning.wanted = []
            return self.answering.answer_questions(meaning)
        if not meaning.says_what:
            return FIXED["lost"]
        if meaning.wanted:
            kept = self.talk.need.limits, self.talk.need.brand
            self.offering.want(meaning)
            self.talk.need.limits, self.talk.need.brand = kept
        self.talk.need.take_conditions(meaning, replaces=True)
        return self.offering.offer()


def asks_to_confirm(meaning: Meaning) -> bool:
    """Whether a line asks if something is sure; "I really need cookies" does not."""
    asks_else = any(q.act not in RECORDED or names_something(q) for q in meaning.questions)
    return "sure" in meaning.acts and not asks_else and not meaning.acts & WISHES


def declines(meaning: Meaning) -> bool:
    """Whether something is asked that is not in the data, and else only of what was told."""
    others = [q for q in meaning.questions if q.act != "topic"]
    is_new = any(q.act not in RECORDED or names_something(q) for q in others)
    return len(others) < len(meaning.questions) and not is_new


def names_something(question: Question) -> bool:
    """Whether a question names what it is about, rather than pointing at it."""
    return any(mention.is_named for mention in question.mentions)


def asks_for_an_extreme(meaning: Meaning) -> bool:
    """Whether "the cheapest" or the like is asked for, of nothing that is named."""
    asks = any(question.act in ORDERS for question in meaning.questions)
    return asks and not any(mention.is_named for mention in meaning.mentions)


def asks_for_a_yes(meaning: Meaning) -> bool:
    """Whether a question says "yes" and nothing that is understood: it may ask anything."""
    says_more = meaning.says_what or meaning.household is not None or meaning.ingredients
    answers_more = meaning.acts & {"more", "else", "any", "recommend"}
    return meaning.asks and "yes" in meaning.acts and not says_more and not answers_more


def only_refers(meaning: Meaning) -> bool:
    """Whether a line only holds pronouns."""
    return bool(meaning.wanted) and all(m.refers and not m.count for m in meaning.wanted)


def only_limits(meaning: Meaning) -> bool:
    """Whether a line asks no more than what there is, as in "what costs less than a dollar"."""
    asks_little = all(q.act in ("price", *WEAK) for q in meaning.questions)
    return bool(meaning.limits) and asks_little and not meaning.mentions


def weighed(meaning: Meaning) -> bool:
    """Whether a line is an amount of something, such as "two pounds of bananas"."""
    return any(m.size is not None and m.size.unit == "pound" for m in meaning.wanted)


def repeats_question(meaning: Meaning, last: list[Question]) -> bool:
    """Whether a line such as "and the asparagus?" asks the last question of something else."""
    named_ones = [mention for mention in meaning.wanted if mention.is_named]
    return bool(last) and bool(named_ones) and "what about" in meaning.acts


def asked_again(question: Question, mentions: list[Mention]) -> Question:
    """The question about something else; in place of a comparison, what it costs."""
    act = "price" if question.act in COMPARED else question.act
    is_each = act in ORDERS and len(mentions) > 1
    return Question(act, question.said, list(mentions), is_each=is_each)


def notes_on_reading(meaning: Meaning) -> str:
    """What is said first: how the line was read, where that may not be what was meant."""
    notes = ""
    if meaning.too_long:
        notes += f"(I read the first {LONGEST} letters.) "
    if meaning.corrections:
        said = listed([f'"{written}" as "{new}"' for written, new in meaning.corrections])
        notes += f"(I read {said}.) "
    return notes
