"""The experiment: the guide alone, with soft and with hard sharing, over paired seeds, under conditions that differ.

A seed draws which products' answers are known, which households are trained on, and where the parameters start. The
arms of one seed share all of this and differ in sharing (and in the strengths chosen for it), so their differences are paired.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
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
RATES = [f"conflict of {s} and {t}" for s, t in combinations(LOSSES, 2)] + [
    f"{steps} that harm {t}" for t in LOSSES for steps in ("steps", "plain steps")
]
ARMS = {  # how a model is made from the same parts; strengths chosen on validation data, from four settings for each arm
    "alone": lambda *parts: SingleTask(*parts, l2=pull_to_zero(1e-4, 3e-3)),
    "soft": lambda *parts: SoftSharing(*parts, strength=0.03, l2=pull_to_zero(1e-4, 3e-3)),
    "hard": lambda *parts: HardSharing(*parts, l2=pull_to_zero(3e-4, 1e-2)),
}
STRONGER = {
    "alone, decayed": lambda *parts: SingleTask(*parts, l2=pull_to_zero(3e-4, 1e-2))
}  # the decay of hard: how much of a difference it makes
SHARED, BASELINES = ("soft", "hard"), ("most common", "nearest words", "ridge regression")
RULES = {  # tried on hard sharing beside the plain sum, with strengths chosen from the same four settings
    "Uncertainty": lambda *parts: HardSharing(*parts, l2=pull_to_zero(1e-4, 3e-3)),
    "nash_mtl": lambda *parts: HardSharing(*parts, l2=pull_to_zero(1e-4, 3e-3)),
    "upgrad": lambda *parts: HardSharing(*parts, l2=pull_to_zero(3e-4, 1e-2)),
}


@dataclass(frozen=True)
class Condition:
    """What is known, and what is changed. Fractions are of 700 products and 280 households.

    control: "own ids" shuffles between the tasks which own vector is whose; "tables" the words as well, each by itself, so that nothing a task learns of
    a product reaches another task; "answers" deals answers and replies of the training products out at random.
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


@cache
def shop_and_texts():
    shop = load()
    return shop, Replies(shop), *word_ids(shop)


class Split:
    """What a seed makes of the shop: 700 products and 280 households to train on, or fractions of them; 100 and 40 for validation, 200 and
    80 for the test. Whoever is tested on a product has not seen its answers or replies; its purchases are always known."""

    def __init__(self, rng: np.random.Generator, condition: Condition = Condition()):
        shop, *_ = shop_and_texts()
        products, households = rng.permutation(len(shop.price)), rng.permutation(len(shop.early))
        known = products[: round(700 * condition.fraction)]
        self.products = {"train": known, "validation": products[700:800], "test": products[800:]}
        self.talked_of = self.products | {"train": known[: round(len(known) * condition.dialogue)]}
        self.households = {
            "train": households[: round(280 * condition.households)],
            "validation": households[280:320],
            "test": households[320:],
        }
        self.departments, department = np.unique(shop.department, return_inverse=True)
        self.categories, category = np.unique(shop.category, return_inverse=True)
        log_price = np.log(shop.price)
        self.truth = np.zeros(
            len(products),
            [("price", np.float32), ("department", int), ("category", int), ("brand", bool)],
        )
        self.truth["price"] = (log_price - log_price[known].mean()) / log_price[
            known
        ].std()  # standardised by what is known
        self.truth["department"], self.truth["category"], self.truth["brand"] = (
            department,
            category,
            shop.brand == "Private",
        )
        self.bought = np.zeros(
            len(households), [(when, bool, len(products)) for when in ("early", "late")]
        )
        self.bought["early"], self.bought["late"] = shop.early, shop.late
        self.answers_of = np.arange(len(products))
        if condition.control == "answers":
            self.answers_of[known] = rng.permutation(known)

    def data(self, part: str) -> dict:
        replies, products, households, talked_of = (
            shop_and_texts()[1],
            self.products[part],
            self.households[part],
            self.talked_of[part],
        )
        of, asked = (
            np.repeat(talked_of, len(QUESTIONS)),
            np.tile(np.arange(len(QUESTIONS)), len(talked_of)),
        )
        told = self.answers_of[of]
        return {
            "recommend": (self.bought["early"][households], self.bought[households]),
            "answer": (products, self.truth[self.answers_of[products]]),
            "dialogue": ((of, asked, replies.so_far[told, asked]), replies.said[told, asked]),
        }


def make_parts(
    split: Split, rng: np.random.Generator, condition: Condition = Condition(), dtype=np.float32
):
    """(trunk, heads, encoders) of the guide, for any way of sharing. To recommend, all products are looked at."""
    _, replies, ids, vocabulary = shop_and_texts()
    train, every = split.bought[split.households["train"]], np.arange(len(ids))
    trunk = ProductTrunk(len(ids), len(vocabulary), rng, dtype, condition.trunk)
    heads = {
        "recommend": RecommendHead(train["early"], train["late"], rng, dtype),
        "answer": AnswerHead(len(split.departments), len(split.categories), rng, dtype),
        "dialogue": DialogueHead(len(replies.vocabulary), rng, dtype),
    }
    encoders = {}
    for task in heads:
        own = rng.permutation(len(ids)) if condition.control in ("own ids", "tables") else every
        word = (
            np.append(rng.permutation(len(vocabulary)), len(vocabulary))[ids]
            if condition.control == "tables"
            else ids
        )
        looked_up = lambda products, word=word, own=own: (word[products], own[products])
        encoders[task] = {
            "recommend": lambda early, f=looked_up: (*f(every), early),
            "answer": looked_up,
            "dialogue": lambda x, f=looked_up: (*f(x[0]), *x[1:]),
        }[task]
    return trunk, {t: heads[t] for t in condition.tasks}, {t: encoders[t] for t in condition.tasks}


def train(seed: int, condition: Condition, arm: str):
    """The arm's model of this seed, trained (0 steps: as it starts); its split, its history and its optimiser."""
    split = Split(np.random.default_rng(seed), condition)
    model, optimizer = (
        (ARMS | RULES | STRONGER)[arm](
            *make_parts(split, np.random.default_rng([seed, 1]), condition)
        ),
        Adam(schedule),
    )
    rule = arm if arm in RULES else condition.weights
    weights = weights_for(model, rule, np.random.default_rng([seed, 3]))
    train, held_out = (
        {t: x for t, x in split.data(part).items() if t in condition.tasks}
        for part in ("train", "validation")
    )
    history = fit(
        model,
        train,
        LOSSES,
        weights=weights,
        optimizer=optimizer,
        steps=condition.steps,
        batch_size=64,
        rng=np.random.default_rng([seed, 2]),
        held_out=held_out,
        evaluate_every=20,
        cosines_every=10 if model.P else None,
        quiet=True,
    )
    if history.interrupted:
        raise KeyboardInterrupt
    return model, split, history, optimizer


def run_seed(seed: int, condition: Condition, look: bool = False) -> dict:
    """Train and measure the arms on what one seed drew: arm -> {"metrics", "parameters", "seconds", "rates"}, baselines too.

    look: keep the histories and the features of the test products too, and take the last step of hard sharing apart.
    """
    results = {}
    for arm in condition.arms:
        model, split, history, optimizer = train(seed, condition, arm)
        test = split.products["test"]
        held_out = sum(WEIGHTS[t] * history.held_out[t] for t in condition.tasks)
        seconds = history.seconds[history.held_out_steps[held_out.argmin()] - 1]
        results[arm] = {
            "metrics": measure(answers(model, split), split),
            "parameters": model.counts(),
            "seconds": seconds,
        }
        if model.P:
            results[arm]["rates"] = rates(history)
        if look:
            results[arm]["history"] = history
            inputs, trunks = (
                model.encoders["answer"](test),
                {"one trunk": model.trunk}
                if model.P
                else {f"{arm}, {t}": model.trunks[t] for t in LOSSES},
            )
            results[arm]["features"] = (
                {name: trunk(inputs).data for name, trunk in trunks.items()},
                split.departments[split.truth["department"][test]],
            )
        if look and arm == "hard":
            first = lambda x: tuple(a[:64] for a in x) if isinstance(x, tuple) else x[:64]
            batch, last = (
                {t: (first(x), y[:64]) for t, (x, y) in split.data("train").items()},
                {t: w[-1] for t, w in history.weights.items()},
            )
            results[arm]["step"] = step_report(
                model, batch, LOSSES, optimizer, last, progress=1 - 1 / condition.steps
            )
            results[arm]["layers"] = layer_gramians(model, batch, LOSSES)
    return {
        name: {"metrics": measure(guess, split)} for name, guess in baselines(split).items()
    } | results


def rates(history) -> dict[str, float]:
    """RATES of one training: conflict is a negative cosine, harm a loss raised, to first order, by the step taken or by one of plain gradient descent."""
    ρ, taken, plain = (
        conflict_rate(history.cosines),
        harm_rate(history.effects),
        harm_rate(history.predicted),
    )
    at = {t: i for i, t in enumerate(history.tasks)}
    conflict = [
        ρ[at[s], at[t]] if s in at and t in at else np.nan for s, t in combinations(LOSSES, 2)
    ]
    harm = [rate[at[t]] if t in at else np.nan for t in LOSSES for rate in (taken, plain)]
    return dict(zip(RATES, map(float, conflict + harm)))


def run(jobs: list[tuple]) -> Iterator[dict]:
    """`run_seed` of all jobs (seed, condition, look), in order, from two processes with one thread of linear algebra each."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the children read it when they load NumPy
    os.environ.setdefault("MKL_NUM_THREADS", "1")
    with ProcessPoolExecutor(min(2, len(jobs)), mp_context=get_context("spawn")) as pool:
        futures = [pool.submit(run_seed, *job) for job in jobs]
        try:
            for future in futures:
                yield future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def everything() -> list[Condition]:
    """What `--full` runs: fractions, scarcity of one task alone, longer training, other trunks, controls, pairs of tasks, rules, decay."""
    return [
        *(Condition(fraction=f) for f in (0.05, 0.1, 0.3, 1.0)),
        Condition(dialogue=0.1),
        Condition(households=0.1),
        *(Condition(fraction=f, steps=600) for f in (0.1, 1.0)),
        *(Condition(trunk=kind) for kind in TRUNKS[1:]),
        *(Condition(control=control, arms=SHARED) for control in ("own ids", "tables")),
        Condition(control="answers"),
        *(Condition(tasks=pair, arms=("hard",)) for pair in combinations(LOSSES, 2)),
        *(Condition(fraction=f, arms=tuple(RULES)) for f in (0.1, 1.0)),
        *(Condition(fraction=f, arms=tuple(STRONGER)) for f in (0.1, 1.0)),
        Condition(households=0.1, arms=tuple(STRONGER)),
    ]


def schedule(progress: float) -> float:
    """Adam's learning rate: 1e-2, × 0.3 from 60 % of the steps on, × 0.1 from 85 % on."""
    return 1e-2 * (1.0 if progress < 0.6 else 0.3 if progress < 0.85 else 0.1)


def weights_for(model, rule: str, rng: np.random.Generator):
    """WEIGHTS, or the named rule if the model can follow it. The rule is shown w_t L_t in place of L_t, so that `equal` is the tuned plain
    sum, and its answer is scaled to Σ|w| = T, so that weight decay means the same under every rule."""
    weights = {t: WEIGHTS[t] for t in model.tasks}
    made, c = make_rule(rule, rng) if rule else None, np.array(list(weights.values()))
    if not made or weighting.needs_gramian(made) and not model.P:
        return weights
    scaled = lambda w: c * w * len(w) / np.abs(w).sum()
    if weighting.needs_gramian(made):
        return lambda losses, gramian: scaled(made(c * losses, c[:, None] * gramian * c))
    return lambda losses, gramian=None: scaled(made(c * losses))


def make_rule(name: str, rng: np.random.Generator):
    """The rule of that name in `weighting`, with its defaults."""
    rule = getattr(weighting, name)
    if isinstance(rule, type):
        return rule(rng) if "rng" in signature(rule).parameters else rule()
    return rule


def answers(model, split: Split) -> dict:
    """What the model says of the test products, and its scores of all products for the test households."""
    test, (_, replies, *_), said = split.data("test"), shop_and_texts(), {}
    model.train(False)
    with no_grad():
        outputs = model({task: x for task, (x, _) in test.items() if task in model.tasks})
    if "answer" in outputs:
        said = {question: output.data for question, output in outputs["answer"].items()}
        said |= {question: said[question].argmax(1) for question in ("department", "category")}
    if "recommend" in outputs:
        said["late"] = outputs["recommend"]["late"].data
    if "dialogue" in outputs:
        products = split.products["test"]
        said["texts"] = generate(
            model, products, np.arange(len(products)) % len(QUESTIONS), replies
        )
        (of, asked, _), reply = test["dialogue"]
        for name, words in (
            ("replies", reply),
            ("facts", np.where(replies.fact[of, asked], reply, -1)),
        ):
            said[name] = float(np.exp(dialogue_loss(outputs["dialogue"], words).data))
    return said


def baselines(split: Split) -> dict[str, dict]:
    """Guesses that need no network: what is most common; the known product whose words are most alike; ridge regression on words and purchases."""
    shop, replies, ids, vocabulary = shop_and_texts()
    known, validation, test = (split.products[part] for part in ("train", "validation", "test"))
    truth, n, train = split.truth[known], len(test), split.bought[split.households["train"]]
    popular = (train["late"] & ~train["early"]).sum(0) / np.maximum((~train["early"]).sum(0), 1)
    late = np.tile(popular, (len(split.households["test"]), 1))
    most = {
        question: np.full(n, np.bincount(truth[question]).argmax())
        for question in ("department", "category")
    }
    common = {"price": np.zeros(n), "brand": np.zeros(n), **most, "late": late}

    has = np.zeros((len(ids), len(vocabulary) + 1))
    has[np.arange(len(ids))[:, None], ids] = 1  # (1000, V + 1): which words a product has
    has = has[:, :-1] * np.log(len(has) / has[:, :-1].sum(0))  # by rarity
    has /= np.linalg.norm(has, axis=1, keepdims=True)
    alike = has[test] @ has[known].T
    ties = alike >= alike.max(1, keepdims=True) - 1e-9
    nearest = {question: ties @ truth[question] / ties.sum(1) for question in ("price", "brand")}
    nearest |= {
        question: truth[question][alike.argmax(1)] for question in ("department", "category")
    }
    nearest["texts"] = [
        " ".join(w for w, _ in replies.reply(replies.facts[known[i]], 0)[:-1])
        for i in alike.argmax(1)
    ]

    buys = (train["early"] | train["late"]).T - (train["early"] | train["late"]).mean()
    features = np.hstack([has, buys / np.linalg.norm(buys, axis=1, keepdims=True)])
    hot = lambda question, of: np.eye(
        len(getattr(split, {"department": "departments", "category": "categories"}[question]))
    )[split.truth[question][of]]
    target = lambda of: np.hstack(
        [
            split.truth["price"][of, None],
            split.truth["brand"][of, None],
            hot("department", of),
            hot("category", of),
        ]
    )
    mean, kernel = target(known).mean(0), features @ features[known].T
    fitted = {
        λ: kernel @ np.linalg.solve(kernel[known] + λ * np.eye(len(known)), target(known) - mean)
        + mean
        for λ in (0.1, 0.3, 1.0, 3.0)
    }
    least = min(fitted, key=lambda λ: ((fitted[λ][validation] - target(validation)) ** 2).sum())
    price, brand, department, category = np.split(
        fitted[least][test], [1, 2, 2 + len(split.departments)], 1
    )
    ridge = {
        "price": price,
        "brand": brand,
        "department": department.argmax(1),
        "category": category.argmax(1),
    }
    return {"most common": common, "nearest words": nearest, "ridge regression": ridge}


def measure(said: dict, split: Split) -> dict[str, float]:
    """The metrics of what was said of test products, and scored of what test households had not bought early; NaN where nothing was said."""
    truth, bought, values = (
        split.truth[split.products["test"]],
        split.bought[split.households["test"]],
        dict.fromkeys(METRICS, np.nan),
    )
    if "price" in said:
        error = said["price"].reshape(-1) - truth["price"]
        values["own brand, AUC"] = auc(said["brand"].reshape(-1), truth["brand"])
        values["log price, R²"] = 1 - (error**2).mean() / truth["price"].var()
        values["department, accuracy"] = (said["department"] == truth["department"]).mean()
        values["category, accuracy"] = (said["category"] == truth["category"]).mean()
    if "late" in said:
        new = ~bought["early"]
        values["new purchases, AUC"] = np.nanmean(
            [auc(scores[n], late[n]) for scores, n, late in zip(said["late"], new, bought["late"])]
        )
    if "texts" in said:
        true = shop_and_texts()[1].true
        values["true facts in replies"] = np.mean(
            [true(i, text) for i, text in zip(split.products["test"], said["texts"])]
        )
    if "facts" in said:
        values["perplexity of replies"], values["perplexity of facts"] = (
            said["replies"],
            said["facts"],
        )
    return {name: float(value) for name, value in values.items()}


def auc(scores: np.ndarray, positive: np.ndarray) -> float:
    """P(a random positive scores higher than a random negative), ties counting half; NaN without both kinds."""
    values, position, counts = np.unique(scores, return_inverse=True, return_counts=True)
    rank = (counts.cumsum() - (counts - 1) / 2)[
        position
    ]  # 1, 2, ..., equal scores share their mean rank
    p, n = positive.sum(), (~positive).sum()
    return (rank[positive].sum() - p * (p + 1) / 2) / (p * n) if p and n else np.nan
