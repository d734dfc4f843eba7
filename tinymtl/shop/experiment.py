"""The experiment: the guide trained alone, with soft and with hard sharing, under many conditions.

A seed draws which products' answers are known, which households are trained on, and where the
parameters start. The arms of one seed have all of this in common. They differ in how they share,
and in the strengths chosen for that way of sharing. So their differences are paired.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from inspect import signature
from itertools import combinations
from multiprocessing import get_context

import numpy as np

from .. import weighting
from ..interaction import conflict_rate, harm_rate, layer_gramians, step_report
from ..optim import Adam
from ..sharing import HardSharing, SingleTask, SoftSharing
from ..tensor import no_grad
from ..training import fit
from .guide import (
    QUESTIONS,
    TRUNKS,
    AnswerHead,
    DialogueHead,
    ProductTrunk,
    RecommendHead,
    Replies,
    answer_loss,
    dialogue_loss,
    generate,
    pull_to_zero,
    recommend_loss,
    word_ids,
)
from .purchases import load

LOSSES = {"recommend": recommend_loss, "answer": answer_loss, "dialogue": dialogue_loss}
WEIGHTS = {"recommend": 10.0, "answer": 1.0, "dialogue": 3.0}

METRICS = {  # measure -> (task, whether higher is better)
    "own brand, AUC": ("answer", True),
    "log price, R²": ("answer", True),
    "department, accuracy": ("answer", True),
    "category, accuracy": ("answer", True),
    "new purchases, AUC": ("recommend", True),
    "true facts in replies": ("dialogue", True),
    "perplexity of replies": ("dialogue", False),
    "perplexity of facts": ("dialogue", False),
}
CONFLICTS = [f"conflict of {s} and {t}" for s, t in combinations(LOSSES, 2)]
HARMS = [f"{steps} that harm {task}" for task in LOSSES for steps in ("steps", "plain steps")]
RATES = CONFLICTS + HARMS

# The arms make a model from the same parts. Each strength was chosen on validation data, from four
# settings for each arm.
WEAK_PULL = pull_to_zero(1e-4, 3e-3)
STRONG_PULL = pull_to_zero(3e-4, 1e-2)


def make_alone(*parts) -> SingleTask:
    return SingleTask(*parts, l2=WEAK_PULL)


def make_soft(*parts) -> SoftSharing:
    return SoftSharing(*parts, strength=0.03, l2=WEAK_PULL)


def make_hard(*parts) -> HardSharing:
    return HardSharing(*parts, l2=STRONG_PULL)


def make_alone_decayed(*parts) -> SingleTask:
    """Training alone with the decay of hard sharing: how much of the difference is the decay?"""
    return SingleTask(*parts, l2=STRONG_PULL)


def make_hard_less_decayed(*parts) -> HardSharing:
    return HardSharing(*parts, l2=WEAK_PULL)


ARMS = {"alone": make_alone, "soft": make_soft, "hard": make_hard}
SHARED = ("soft", "hard")
STRONGER = {"alone, decayed": make_alone_decayed}
BASELINES = ("most common", "nearest words", "ridge regression")

# Rules that are tried on hard sharing beside the plain sum. Their strengths were chosen from the
# same four settings.
RULES = {
    "Uncertainty": make_hard_less_decayed,
    "nash_mtl": make_hard_less_decayed,
    "upgrad": make_hard,
}

RIDGES = (0.1, 0.3, 1.0, 3.0)  # the strengths that ridge regression chooses from


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
    tasks: tuple[str, ...] = tuple(LOSSES)
    trunk: str = "dense"
    control: str = ""
    steps: int = 300
    weights: str = ""  # the name of a rule, for every arm that can follow it
    arms: tuple[str, ...] = tuple(ARMS)


# Data


@cache
def shop_and_texts():
    """The shop, its replies, the words of every product as numbers, and the words themselves."""
    shop = load()
    return shop, Replies(shop), *word_ids(shop)


class Split:
    """What a seed makes of the shop: parts for training, validation and test.

    There are 700 products and 280 households to train on, or fractions of them; 100 and 40 for
    validation; 200 and 80 for the test. A product of the test has never shown its answers or
    replies in training. The purchases of every product are known, those of the test households
    are not.
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

        self.answers_of = np.arange(len(products))
        if condition.control == "answers":
            self.answers_of[known] = rng.permutation(known)

    def data(self, part: str) -> dict:
        """The part's data by task: task -> (inputs, targets)."""
        _, replies, *_ = shop_and_texts()
        households = self.households[part]
        products = self.products[part]
        talked_of = self.talked_of[part]
        # Every product is talked of once for each question.
        of = np.repeat(talked_of, len(QUESTIONS))
        asked = np.tile(np.arange(len(QUESTIONS)), len(talked_of))
        told = self.answers_of[of]
        return {
            "recommend": (self.bought["early"][households], self.bought[households]),
            "answer": (products, self.truth[self.answers_of[products]]),
            "dialogue": ((of, asked, replies.so_far[told, asked]), replies.said[told, asked]),
        }


# Models


def make_parts(
    split: Split, rng: np.random.Generator, condition: Condition = Condition(), dtype=np.float32
):
    """(trunk, heads, encoders) of the guide, for any way of sharing."""
    _, replies, ids, vocabulary = shop_and_texts()
    bought = split.bought[split.households["train"]]
    trunk = ProductTrunk(len(ids), len(vocabulary), rng, dtype, condition.trunk)
    heads = {
        "recommend": RecommendHead(bought["early"], bought["late"], rng, dtype),
        "answer": AnswerHead(len(split.departments), len(split.categories), rng, dtype),
        "dialogue": DialogueHead(len(replies.vocabulary), rng, dtype),
    }
    encoders = {}
    for task in heads:
        own = np.arange(len(ids))
        if condition.control in ("own ids", "tables"):
            own = rng.permutation(len(ids))
        read = ids
        if condition.control == "tables":
            shuffled = rng.permutation(len(vocabulary))
            read = np.append(shuffled, len(vocabulary))[ids]  # padding stays padding
        encoders[task] = make_encoder(task, read, own)
    wanted_heads = {task: heads[task] for task in condition.tasks}
    wanted_encoders = {task: encoders[task] for task in condition.tasks}
    return trunk, wanted_heads, wanted_encoders


def make_encoder(task: str, word: np.ndarray, own: np.ndarray) -> Callable:
    """The function from a task's inputs to the trunk's: the words and the own number of products.

    word (1000, L) and own (1000,) are by product.
    """

    def of_products(products):
        return word[products], own[products]

    def of_baskets(early):
        every = np.arange(len(own))  # to recommend, all products are looked at
        return (*of_products(every), early)

    def of_replies(inputs):
        products, *rest = inputs
        return (*of_products(products), *rest)

    encoders = {"recommend": of_baskets, "answer": of_products, "dialogue": of_replies}
    return encoders[task]


def train(seed: int, condition: Condition, arm: str):
    """The arm's trained model of this seed, its split, its history and its optimiser.

    With 0 steps the model is returned as it starts.
    """
    split = Split(np.random.default_rng(seed), condition)
    parts = make_parts(split, np.random.default_rng([seed, 1]), condition)
    make_model = (ARMS | RULES | STRONGER)[arm]
    model = make_model(*parts)
    optimizer = Adam(schedule)
    rule = arm if arm in RULES else condition.weights
    history = fit(
        model,
        data_of_tasks(split, "train", condition.tasks),
        LOSSES,
        weights=weights_for(model, rule, np.random.default_rng([seed, 3])),
        optimizer=optimizer,
        steps=condition.steps,
        batch_size=64,
        rng=np.random.default_rng([seed, 2]),
        held_out=data_of_tasks(split, "validation", condition.tasks),
        evaluate_every=20,
        cosines_every=10 if model.P else None,
        quiet=True,
    )
    if history.interrupted:
        raise KeyboardInterrupt
    return model, split, history, optimizer


def data_of_tasks(split: Split, part: str, tasks: tuple[str, ...]) -> dict:
    return {task: data for task, data in split.data(part).items() if task in tasks}


def schedule(progress: float) -> float:
    """Adam's learning rate: 1e-2, × 0.3 from 60 % of the steps on, × 0.1 from 85 % on."""
    if progress < 0.6:
        return 1e-2
    if progress < 0.85:
        return 1e-2 * 0.3
    return 1e-2 * 0.1


def weights_for(model, rule: str, rng: np.random.Generator):
    """WEIGHTS, or the named rule if the model can follow it.

    The rule is shown c_t L_t in place of L_t, with c = WEIGHTS, so that `equal` is the tuned plain
    sum. Its answer is scaled to Σ|w| = T, so that weight decay means the same under every rule.
    """
    weights = {task: WEIGHTS[task] for task in model.tasks}
    if not rule:
        return weights
    choose = make_rule(rule, rng)
    needs_gramian = weighting.needs_gramian(choose)
    if needs_gramian and not model.P:
        return weights
    c = np.array(list(weights.values()))  # (T,)

    def scaled(w):
        return c * w * len(w) / np.abs(w).sum()

    def from_gramian(losses, gramian):
        return scaled(choose(c * losses, c[:, None] * gramian * c))

    def from_losses(losses, gramian=None):
        return scaled(choose(c * losses))

    return from_gramian if needs_gramian else from_losses


def make_rule(name: str, rng: np.random.Generator):
    """The rule of that name in `weighting`, with its defaults."""
    rule = getattr(weighting, name)
    if not isinstance(rule, type):
        return rule
    return rule(rng) if "rng" in signature(rule).parameters else rule()


# Runs


def run(jobs: list[tuple]) -> Iterator[dict]:
    """`run_seed` of all jobs (seed, condition, look), in order.

    Two processes work at them, each with one thread of linear algebra.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the children read it when they load NumPy
    os.environ.setdefault("MKL_NUM_THREADS", "1")
    with ProcessPoolExecutor(min(2, len(jobs)), mp_context=get_context("spawn")) as pool:
        futures = [pool.submit(run_seed, *job) for job in jobs]
        try:
            for future in futures:
                yield future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def run_seed(seed: int, condition: Condition, look: bool = False) -> dict:
    """Train and measure the arms, and measure the baselines, on what one seed drew.

    Returns arm -> {"metrics", "parameters", "seconds", "rates"}, and baseline -> {"metrics"}.
    look: also keep the histories and the features of the test products, and take the last step of
    hard sharing apart.
    """
    results = {}
    for arm in condition.arms:
        model, split, history, optimizer = train(seed, condition, arm)
        results[arm] = {
            "metrics": measure(answers(model, split), split),
            "parameters": model.counts(),
            "seconds": seconds_to_least_loss(history, condition.tasks),
        }
        if model.P:
            results[arm]["rates"] = rates(history)
        if look:
            results[arm]["history"] = history
            results[arm]["features"] = features_of_test(model, split, arm)
        if look and arm == "hard":
            results[arm] |= last_step(model, split, history, optimizer, condition.steps)
    guesses = baselines(split).items()
    of_baselines = {name: {"metrics": measure(guess, split)} for name, guess in guesses}
    return of_baselines | results


def seconds_to_least_loss(history, tasks: tuple[str, ...]) -> float:
    """How long the training took until the weighted sum of held-out losses was least."""
    held_out = sum(WEIGHTS[task] * history.held_out[task] for task in tasks)
    step = history.held_out_steps[held_out.argmin()]
    return history.seconds[step - 1]


def features_of_test(model, split: Split, arm: str) -> tuple[dict, np.ndarray]:
    """trunk -> its features of the test products (n, H); and their departments (n,)."""
    test = split.products["test"]
    inputs = model.encoders["answer"](test)
    if model.P:
        trunks = {"one trunk": model.trunk}
    else:
        trunks = {f"{arm}, {task}": model.trunks[task] for task in LOSSES}
    features = {name: trunk(inputs).data for name, trunk in trunks.items()}
    return features, split.departments[split.truth["department"][test]]


def last_step(model, split: Split, history, optimizer, steps: int) -> dict:
    """One more step of a trained model taken apart, and the Gramian of each of its layers.

    The step is taken on the first 64 examples of each task, with the last weights of the training.
    """
    batch = {}
    for task, (inputs, targets) in split.data("train").items():
        batch[task] = (first_examples(inputs, 64), targets[:64])
    weights = {task: over_time[-1] for task, over_time in history.weights.items()}
    step = step_report(model, batch, LOSSES, optimizer, weights, progress=1 - 1 / steps)
    return {"step": step, "layers": layer_gramians(model, batch, LOSSES)}


def first_examples(inputs, n: int):
    """The first n examples of an array, or of each array of a tuple."""
    if isinstance(inputs, tuple):
        return tuple(array[:n] for array in inputs)
    return inputs[:n]


def rates(history) -> dict[str, float]:
    """RATES of one training; NaN for tasks that it did not have.

    Conflict is a negative cosine. Harm is a loss raised, to first order, by the step taken or by a
    step of plain gradient descent.
    """
    conflict = conflict_rate(history.cosines)  # (T, T)
    harm_taken = harm_rate(history.effects)  # (T,)
    harm_plain = harm_rate(history.predicted)  # (T,)
    row = {task: i for i, task in enumerate(history.tasks)}
    found = dict.fromkeys(RATES, np.nan)
    for s, t in combinations(LOSSES, 2):
        if s in row and t in row:
            found[f"conflict of {s} and {t}"] = float(conflict[row[s], row[t]])
    for task, i in row.items():
        found[f"steps that harm {task}"] = float(harm_taken[i])
        found[f"plain steps that harm {task}"] = float(harm_plain[i])
    return found


def everything() -> list[Condition]:
    """What `--full` runs."""
    fractions = [Condition(fraction=fraction) for fraction in (0.05, 0.1, 0.3, 1.0)]
    one_task_scarce = [Condition(dialogue=0.1), Condition(households=0.1)]
    longer = [Condition(fraction=fraction, steps=600) for fraction in (0.1, 1.0)]
    other_trunks = [Condition(trunk=kind) for kind in TRUNKS[1:]]
    controls = [
        Condition(control="own ids", arms=SHARED),
        Condition(control="tables", arms=SHARED),
        Condition(control="answers"),
    ]
    pairs = [Condition(tasks=pair, arms=("hard",)) for pair in combinations(LOSSES, 2)]
    rules = [Condition(fraction=fraction, arms=tuple(RULES)) for fraction in (0.1, 1.0)]
    decayed = [Condition(fraction=fraction, arms=tuple(STRONGER)) for fraction in (0.1, 1.0)]
    decayed.append(Condition(households=0.1, arms=tuple(STRONGER)))
    return [
        *fractions,
        *one_task_scarce,
        *longer,
        *other_trunks,
        *controls,
        *pairs,
        *rules,
        *decayed,
    ]


# What a model says


def answers(model, split: Split) -> dict:
    """What the model says of the test products, and its scores of all for the test households."""
    test = split.data("test")
    model.train(False)
    with no_grad():
        outputs = model({task: x for task, (x, _) in test.items() if task in model.tasks})
    said = {}
    if "answer" in outputs:
        said |= {question: output.data for question, output in outputs["answer"].items()}
        said["department"] = said["department"].argmax(1)
        said["category"] = said["category"].argmax(1)
    if "recommend" in outputs:
        said["late"] = outputs["recommend"]["late"].data
    if "dialogue" in outputs:
        said |= replies_of(model, split.products["test"], test["dialogue"], outputs["dialogue"])
    return said


def replies_of(model, products: np.ndarray, dialogue: tuple, logits) -> dict:
    """A generated text for each product, and perplexities of the true replies and facts.

    dialogue: inputs and targets; logits: what the model makes of the inputs.
    """
    _, replies, *_ = shop_and_texts()
    questions = np.arange(len(products)) % len(QUESTIONS)
    (of, asked, _), reply = dialogue
    facts = np.where(replies.fact[of, asked], reply, -1)
    return {
        "texts": generate(model, products, questions, replies),
        "replies": perplexity(logits, reply),
        "facts": perplexity(logits, facts),
    }


def perplexity(logits, reply: np.ndarray) -> float:
    return float(np.exp(dialogue_loss(logits, reply).data))


# Guesses that need no network


def baselines(split: Split) -> dict[str, dict]:
    """Guesses that need no network, of the same form as `answers`."""
    has = rare_words()
    return {
        "most common": most_common(split),
        "nearest words": nearest_words(split, has),
        "ridge regression": ridge_regression(split, has),
    }


def rare_words() -> np.ndarray:
    """(1000, V): which words a product has, weighted by their rarity; each row has length 1."""
    _, _, ids, vocabulary = shop_and_texts()
    has = np.zeros((len(ids), len(vocabulary) + 1))
    has[np.arange(len(ids))[:, None], ids] = 1
    has = has[:, :-1]  # the last column was the padding
    has = has * np.log(len(has) / has.sum(0))
    has /= np.linalg.norm(has, axis=1, keepdims=True)
    return has


def most_common(split: Split) -> dict:
    """The commonest answer; the mean price; how many bought a product among those who had not."""
    truth = split.truth[split.products["train"]]
    n = len(split.products["test"])
    bought = split.bought[split.households["train"]]
    had_not = ~bought["early"]
    popular = (bought["late"] & had_not).sum(0) / np.maximum(had_not.sum(0), 1)  # (1000,)
    return {
        "price": np.zeros(n),
        "brand": np.zeros(n),
        "department": np.full(n, np.bincount(truth["department"]).argmax()),
        "category": np.full(n, np.bincount(truth["category"]).argmax()),
        "late": np.tile(popular, (len(split.households["test"]), 1)),
    }


def nearest_words(split: Split, has: np.ndarray) -> dict:
    """The answers of the known product whose words are most alike.

    Price and brand are the mean over the products that are equally alike.
    """
    _, replies, *_ = shop_and_texts()
    known = split.products["train"]
    truth = split.truth[known]
    alike = has[split.products["test"]] @ has[known].T  # (test, known)
    ties = alike >= alike.max(1, keepdims=True) - 1e-9
    nearest = alike.argmax(1)
    texts = []
    for product in known[nearest]:
        reply = replies.reply(replies.facts[product], 0)
        texts.append(" ".join(word for word, _ in reply[:-1]))
    return {
        "price": ties @ truth["price"] / ties.sum(1),
        "brand": ties @ truth["brand"] / ties.sum(1),
        "department": truth["department"][nearest],
        "category": truth["category"][nearest],
        "texts": texts,
    }


def ridge_regression(split: Split, has: np.ndarray) -> dict:
    """Ridge regression of all answers on words and purchases.

    With X the features of the known products and Y their answers, the dual form predicts
    x Xᵀ (X Xᵀ + λI)⁻¹ (Y − mean) + mean. λ is the one of RIDGES that fits the validation products.
    """
    known = split.products["train"]
    validation = split.products["validation"]
    purchases = split.bought[split.households["train"]]
    bought = purchases["early"] | purchases["late"]
    buys = bought.T - bought.mean()  # (1000, households)
    buys = buys / np.linalg.norm(buys, axis=1, keepdims=True)
    features = np.hstack([has, buys])

    one_hot_department = np.eye(len(split.departments))[split.truth["department"]]
    one_hot_category = np.eye(len(split.categories))[split.truth["category"]]
    price = split.truth["price"][:, None]
    brand = split.truth["brand"][:, None]
    targets = np.hstack([price, brand, one_hot_department, one_hot_category])

    mean = targets[known].mean(0)
    kernel = features @ features[known].T  # (1000, known)
    fitted = {}
    errors = {}
    for λ in RIDGES:
        dual = np.linalg.solve(kernel[known] + λ * np.eye(len(known)), targets[known] - mean)
        fitted[λ] = kernel @ dual + mean
        errors[λ] = ((fitted[λ][validation] - targets[validation]) ** 2).sum()
    best = fitted[min(errors, key=errors.get)][split.products["test"]]

    ends = [1, 2, 2 + len(split.departments)]
    price, brand, department, category = np.split(best, ends, axis=1)
    return {
        "price": price,
        "brand": brand,
        "department": department.argmax(1),
        "category": category.argmax(1),
    }


# Measures


def measure(said: dict, split: Split) -> dict[str, float]:
    """The metrics of what was said of the test products, and scored for the test households.

    Only products that a household had not bought early count. NaN where nothing was said.
    """
    products = split.products["test"]
    truth = split.truth[products]
    bought = split.bought[split.households["test"]]
    values = dict.fromkeys(METRICS, np.nan)
    if "price" in said:
        error = said["price"].reshape(-1) - truth["price"]
        values["own brand, AUC"] = auc(said["brand"].reshape(-1), truth["brand"])
        values["log price, R²"] = 1 - (error**2).mean() / truth["price"].var()
        values["department, accuracy"] = (said["department"] == truth["department"]).mean()
        values["category, accuracy"] = (said["category"] == truth["category"]).mean()
    if "late" in said:
        new = ~bought["early"]
        by_household = zip(said["late"], new, bought["late"])
        aucs = [auc(scores[n], late[n]) for scores, n, late in by_household]
        values["new purchases, AUC"] = np.nanmean(aucs)
    if "texts" in said:
        _, replies, *_ = shop_and_texts()
        true = [replies.true(product, text) for product, text in zip(products, said["texts"])]
        values["true facts in replies"] = np.mean(true)
    if "facts" in said:
        values["perplexity of replies"] = said["replies"]
        values["perplexity of facts"] = said["facts"]
    return {name: float(value) for name, value in values.items()}


def auc(scores: np.ndarray, positive: np.ndarray) -> float:
    """P(a random positive scores higher than a random negative); ties count half.

    NaN without both kinds.
    """
    p = positive.sum()
    n = (~positive).sum()
    if not (p and n):
        return np.nan
    _, position, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = counts.cumsum() - (counts - 1) / 2  # from 1 on; equal scores share their mean rank
    rank = ranks[position]
    return (rank[positive].sum() - p * (p + 1) / 2) / (p * n)
