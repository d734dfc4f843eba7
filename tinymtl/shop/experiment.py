"""The experiment: the guide alone, with soft and with hard sharing, over paired seeds, with scarce labels.

A seed draws which products' answers are known, which households are trained on, and where the parameters start. The
arms of one seed share all of this and differ in sharing (and in the strengths chosen for it), so their differences are paired.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from inspect import signature
from multiprocessing import get_context

import numpy as np

from .. import weighting
from ..interaction import layer_gramians, step_report
from ..optim import Adam
from ..sharing import HardSharing, SingleTask, SoftSharing
from ..tensor import no_grad
from ..training import fit
from .guide import AnswerHead, ProductTrunk, RecommendHead, answer_loss, pull_to_zero, recommend_loss, word_ids
from .purchases import Shop, load

LOSSES = {"recommend": recommend_loss, "answer": answer_loss}
WEIGHTS = {"recommend": 10.0, "answer": 1.0}
METRICS = ("own brand, AUC", "log price, R²", "department, accuracy", "category, accuracy", "new purchases, AUC")
ARMS = {  # how a model is made from the same parts; strengths chosen on validation data, from four settings for each arm
    "alone": lambda *parts: SingleTask(*parts, l2=pull_to_zero(3e-4, 1e-2)),
    "soft": lambda *parts: SoftSharing(*parts, strength=0.03, l2=pull_to_zero(1e-4, 3e-3)),
    "hard": lambda *parts: HardSharing(*parts, l2=pull_to_zero(3e-4, 1e-2)),
}
RULES = {  # tried on hard sharing beside the plain sum, with strengths chosen from the same four settings
    "Uncertainty": lambda *parts: HardSharing(*parts, l2=pull_to_zero(3e-5, 1e-3)),
    "nash_mtl": lambda *parts: HardSharing(*parts, l2=pull_to_zero(1e-4, 3e-3)),
    "upgrad": lambda *parts: HardSharing(*parts, l2=pull_to_zero(3e-4, 1e-2)),
}


class Split:
    """What a seed makes of the shop. A fraction of 700 products has known answers for training; 100 more are for
    validation, 200 for the test. Purchases are known of all products, from 280 households; 40 are for validation, 80 for the test."""

    def __init__(self, shop: Shop, rng: np.random.Generator, fraction: float):
        products, households = rng.permutation(len(shop.price)), rng.permutation(len(shop.early))
        self.products = {"train": products[: round(700 * fraction)], "validation": products[700:800], "test": products[800:]}
        self.households = {"train": households[:280], "validation": households[280:320], "test": households[320:]}
        self.departments, department = np.unique(shop.department, return_inverse=True)
        self.categories, category = np.unique(shop.category, return_inverse=True)
        log_price = np.log(shop.price)
        known = log_price[self.products["train"]]
        truth = [("price", np.float32), ("department", int), ("category", int), ("brand", bool)]
        self.truth = np.zeros(len(products), truth)
        self.truth["price"] = (log_price - known.mean()) / known.std()  # standardised by what is known
        self.truth["department"], self.truth["category"], self.truth["brand"] = department, category, shop.brand == "Private"
        self.bought = np.zeros(len(households), [(when, bool, len(products)) for when in ("early", "late")])
        self.bought["early"], self.bought["late"] = shop.early, shop.late

    def data(self, part: str) -> dict:
        products, households = self.products[part], self.households[part]
        return {
            "recommend": (self.bought["early"][households], self.bought[households]),
            "answer": (products, self.truth[products]),
        }


def make_parts(shop: Shop, split: Split, rng: np.random.Generator, dtype=np.float32):
    """(trunk, heads, encoders) of the guide, for any way of sharing. To recommend, all products are looked at."""
    ids, vocabulary = word_ids(shop)
    train, every_product = split.bought[split.households["train"]], np.arange(len(ids))
    trunk = ProductTrunk(ids, len(vocabulary), rng, dtype)
    recommend = RecommendHead(train["early"], train["late"], rng, dtype)
    answer = AnswerHead(len(split.departments), len(split.categories), rng, dtype)
    return trunk, {"recommend": recommend, "answer": answer}, {"recommend": lambda early: (every_product, early)}


def run_seed(seed: int, fraction: float, steps: int, weights: str | None = None, rules: bool = False) -> dict:
    """Train the arms on what one seed drew: arm -> {"metrics", "parameters", "seconds", "history"}, baselines too.

    weights: the name of a rule, for every arm that can follow it. rules: also hard sharing under each of RULES.
    """
    shop = load()
    split = Split(shop, np.random.default_rng(seed), fraction)
    parts = make_parts(shop, split, np.random.default_rng([seed, 1]))
    truth, bought = split.truth[split.products["test"]], split.bought[split.households["test"]]
    results = {name: {"metrics": measure(guess, truth, bought)} for name, guess in baselines(shop, split).items()}
    arms = {arm: (make, weights) for arm, make in ARMS.items()} | {rule: (make, rule) for rule, make in RULES.items() if rules}
    for arm, (make, rule) in arms.items():
        model, optimizer = make(*parts), Adam(schedule)
        history = fit(
            model, split.data("train"), LOSSES, weights=weights_for(model, rule, np.random.default_rng([seed, 3])), optimizer=optimizer, steps=steps,
            batch_size=64, rng=np.random.default_rng([seed, 2]), held_out=split.data("validation"), evaluate_every=20,
            cosines_every=10 if model.P else None, quiet=True,
        )  # fmt: skip
        if history.interrupted:
            raise KeyboardInterrupt
        held_out = sum(w * history.held_out[task] for task, w in WEIGHTS.items())
        results[arm] = {
            "metrics": measure(answers(model, split), truth, bought),
            "parameters": model.counts(),
            "seconds": history.seconds[history.held_out_steps[held_out.argmin()] - 1],
            "history": history,
        }
        if arm == "hard":
            batch = {task: (x[:64], y[:64]) for task, (x, y) in split.data("train").items()}
            last = {task: w[-1] for task, w in history.weights.items()}
            results[arm]["step"] = step_report(model, batch, LOSSES, optimizer, last, progress=1 - 1 / steps)
            results[arm]["layers"] = layer_gramians(model, batch, LOSSES)
    return results


def weights_for(model, rule: str | None, rng: np.random.Generator):
    """WEIGHTS, or the named rule if the model can follow it. The rule is shown w_t L_t in place of L_t, so that `equal` is the tuned plain
    sum, and its answer is scaled to Σ|w| = T, so that weight decay means the same under every rule."""
    made = make_rule(rule, rng) if rule else None
    if not made or weighting.needs_gramian(made) and not model.P:
        return WEIGHTS
    c = np.array(list(WEIGHTS.values()))
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


def run(seeds: range, fractions: list[float], steps: int, weights: str | None = None, rules: bool = False) -> Iterator[tuple[int, float, dict]]:
    """(seed, fraction, results) for all pairs, in order, from two processes with one thread of linear algebra each."""
    jobs = [(seed, fraction) for fraction in fractions for seed in seeds]
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the children read it when they load NumPy
    os.environ.setdefault("MKL_NUM_THREADS", "1")
    with ProcessPoolExecutor(min(2, len(jobs)), mp_context=get_context("spawn")) as pool:
        futures = [pool.submit(run_seed, seed, fraction, steps, weights, rules) for seed, fraction in jobs]
        try:
            for (seed, fraction), future in zip(jobs, futures):
                yield seed, fraction, future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def schedule(progress: float) -> float:
    """Adam's learning rate: 1e-2, × 0.3 from 60 % of the steps on, × 0.1 from 85 % on."""
    return 1e-2 * (1.0 if progress < 0.6 else 0.3 if progress < 0.85 else 0.1)


def answers(model, split: Split) -> dict:
    """What the model says of the test products, and its scores of all products for the test households."""
    test = split.data("test")
    model.train(False)
    with no_grad():
        outputs = model({task: x for task, (x, _) in test.items()})
    said = {question: output.data for question, output in outputs["answer"].items()}
    for question in ("department", "category"):
        said[question] = said[question].argmax(1)
    return {**said, "late": outputs["recommend"]["late"].data}


def baselines(shop: Shop, split: Split) -> dict[str, dict]:
    """Two guesses that need no learning: what is most common, and the known product whose words are most alike."""
    known = split.truth[split.products["train"]]
    n = len(split.products["test"])
    train = split.bought[split.households["train"]]
    popular = (train["late"] & ~train["early"]).sum(0) / np.maximum((~train["early"]).sum(0), 1)
    late = np.tile(popular, (len(split.households["test"]), 1))
    most = {question: np.full(n, np.bincount(known[question]).argmax()) for question in ("department", "category")}
    common = {"price": np.zeros(n), "brand": np.zeros(n), **most, "late": late}
    ids, vocabulary = word_ids(shop)
    has = np.zeros((len(ids), len(vocabulary) + 1))
    has[np.arange(len(ids))[:, None], ids] = 1  # (1000, V + 1): which words a product has
    has = has[:, :-1] * np.log(len(has) / has[:, :-1].sum(0))  # by rarity
    has /= np.linalg.norm(has, axis=1, keepdims=True)
    alike = has[split.products["test"]] @ has[split.products["train"]].T
    ties = alike >= alike.max(1, keepdims=True) - 1e-9
    nearest = {question: ties @ known[question] / ties.sum(1) for question in ("price", "brand")}
    nearest |= {question: known[question][alike.argmax(1)] for question in ("department", "category")}
    return {"most common": common, "nearest words": {**nearest, "late": late}}


def measure(said: dict, truth: np.ndarray, bought: np.ndarray) -> dict[str, float]:
    """The metrics of answers (of test products) and scores (of what test households had not bought early)."""
    error = said["price"].reshape(-1) - truth["price"]
    new = ~bought["early"]
    aucs = [auc(scores[n], late[n]) for scores, n, late in zip(said["late"], new, bought["late"])]
    values = (
        auc(said["brand"].reshape(-1), truth["brand"]),
        1 - (error**2).mean() / truth["price"].var(),
        (said["department"] == truth["department"]).mean(),
        (said["category"] == truth["category"]).mean(),
        np.nanmean(aucs),
    )
    return dict(zip(METRICS, map(float, values)))


def auc(scores: np.ndarray, positive: np.ndarray) -> float:
    """P(a random positive scores higher than a random negative), ties counting half; NaN without both kinds."""
    values, position, counts = np.unique(scores, return_inverse=True, return_counts=True)
    rank = (counts.cumsum() - (counts - 1) / 2)[position]  # 1, 2, ..., equal scores share their mean rank
    p, n = positive.sum(), (~positive).sum()
    return (rank[positive].sum() - p * (p + 1) / 2) / (p * n) if p and n else np.nan
