"""What a seed makes of the shop: what is trained on, and what is kept for the test.

A seed draws which products' answers are known and which households are trained on. A condition says
how many of them these are.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from .guide import TRUNKS, word_ids
from .purchases import load
from .replies import QUESTIONS, Replies

TASKS = ("recommend", "answer", "dialogue")


@dataclass(frozen=True)
class Condition:
    """What is known, and what is changed. Fractions are of 700 products and 280 households.

    control: "own ids" shuffles, separately for each task, which own vector belongs to which
    product. "tables" also shuffles the words in this way, so that nothing that one task learns
    of a product reaches another task. "answers" deals the answers and replies of the training
    products out at random.
    """

    fraction: float = 1.0  # of the products whose answers and replies are known
    dialogue: float = 1.0  # of these, those whose replies are known
    households: float = 1.0
    tasks: tuple[str, ...] = TASKS
    trunk: str = TRUNKS[0]
    control: str = ""
    steps: int = 300
    weights: str = ""  # the name of a rule, for every arm that can follow it
    arms: tuple[str, ...] = ("alone", "soft", "hard")


@cache
def shop_and_texts():
    """The shop, its replies, the words of every product as numbers, and the words themselves."""
    shop = load()
    return shop, Replies(shop), *word_ids(shop)


class Split:
    """Parts of the shop for training, validation and test.

    There are 700 products and 280 households to train on, or fractions of them; 100 and 40 for
    validation; 200 and 80 for the test. Training never sees the answers or replies of a test
    product. The purchases of every product are known, those of the test households are not.
    """

    def __init__(self, rng: np.random.Generator, condition: Condition = Condition()):
        shop, *_ = shop_and_texts()
        products = rng.permutation(len(shop.price))
        households = rng.permutation(len(shop.early))

        known = products[: round(700 * condition.fraction)]
        self.products = {"train": known, "validation": products[700:800], "test": products[800:]}
        with_replies = known[: round(len(known) * condition.dialogue)]
        self.talked_of = self.products | {"train": with_replies}
        self.households = {
            "train": households[: round(280 * condition.households)],
            "validation": households[280:320],
            "test": households[320:],
        }

        self.departments, department = np.unique(shop.department, return_inverse=True)
        self.categories, category = np.unique(shop.category, return_inverse=True)
        log_price = np.log(shop.price)
        columns = [("price", np.float32), ("department", int), ("category", int), ("brand", bool)]
        self.truth = np.zeros(len(products), columns)
        # The price is standardised by the prices that are known.
        self.truth["price"] = (log_price - log_price[known].mean()) / log_price[known].std()
        self.truth["department"] = department
        self.truth["category"] = category
        self.truth["brand"] = shop.brand == "Private"

        periods = [("early", bool, len(products)), ("late", bool, len(products))]
        self.bought = np.zeros(len(households), periods)
        self.bought["early"] = shop.early
        self.bought["late"] = shop.late

        # Whose answers a product is trained on: its own, unless answers are dealt out at random.
        self.answers_from = np.arange(len(products))
        if condition.control == "answers":
            self.answers_from[known] = rng.permutation(known)

    def data(self, part: str, tasks: tuple[str, ...] = TASKS) -> dict:
        """The data of "train", "validation" or "test" by task: task -> (inputs, targets)."""
        _, replies, *_ = shop_and_texts()
        households = self.households[part]
        products = self.products[part]
        talked_of = self.talked_of[part]
        # Every product is talked of once for each question.
        product = np.repeat(talked_of, len(QUESTIONS))
        question = np.tile(np.arange(len(QUESTIONS)), len(talked_of))
        source = self.answers_from[product]  # the product itself, unless answers are dealt out
        so_far = replies.so_far[source, question]
        reply = replies.said[source, question]
        every_task = {
            "recommend": (self.bought["early"][households], self.bought[households]),
            "answer": (products, self.truth[self.answers_from[products]]),
            "dialogue": ((product, question, so_far), reply),
        }
        return {task: every_task[task] for task in tasks}
