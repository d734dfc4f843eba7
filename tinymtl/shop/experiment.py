"""The experiment: the guide trained alone, with soft and with hard sharing, under many conditions.

A seed draws what is known (see `split`) and where the parameters start. The arms of one seed have
all of this in common. They differ in how they share, and in the strengths chosen for that way of
sharing. So their differences are paired.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from inspect import signature
from itertools import combinations
from multiprocessing import active_children, get_context, parent_process
from multiprocessing.connection import wait

import numpy as np

from .. import weighting
from ..interaction import conflict_rate, harm_rate, layer_gramians, step_report
from ..measures import accuracy, auc, r_squared
from ..optim import SGD, Adam
from ..rules import needs_gramian
from ..sharing import HardSharing, SingleTask, SoftSharing
from ..tensor import no_grad
from ..training import fit
from .baselines import baselines
from .guide import (
    TRUNKS,
    AnswerHead,
    DialogueHead,
    ProductTrunk,
    RecommendHead,
    answer_loss,
    dialogue_loss,
    generate,
    recommend_loss,
    weight_decay,
)
from .replies import QUESTIONS
from .split import Condition, Split, shop_and_texts

# What is trained, and what is measured

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

# Arms

# Each makes a model from the same parts. Its strengths were chosen on validation data, from four
# settings for each arm.
WEAK_DECAY = weight_decay(1e-4, 3e-3)
STRONG_DECAY = weight_decay(3e-4, 1e-2)


def make_alone(*parts) -> SingleTask:
    return SingleTask(*parts, l2=WEAK_DECAY)


def make_soft(*parts) -> SoftSharing:
    return SoftSharing(*parts, strength=0.03, l2=WEAK_DECAY)


def make_hard(*parts) -> HardSharing:
    return HardSharing(*parts, l2=STRONG_DECAY)


def make_alone_decayed(*parts) -> SingleTask:
    """Training alone with the decay of hard sharing: how much of the difference is the decay?"""
    return SingleTask(*parts, l2=STRONG_DECAY)


def make_hard_less_decayed(*parts) -> HardSharing:
    return HardSharing(*parts, l2=WEAK_DECAY)


ARMS = {"alone": make_alone, "soft": make_soft, "hard": make_hard}
SHARED = ("soft", "hard")
STRONGER = {"alone, decayed": make_alone_decayed}

# Rules that are tried on hard sharing beside the plain sum. Their strengths were chosen from the
# same four settings.
RULES = {
    "Uncertainty": make_hard_less_decayed,
    "nash_mtl": make_hard_less_decayed,
    "upgrad": make_hard,
}


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


# Training


def train(seed: int, condition: Condition, arm: str):
    """The arm's trained model of this seed, its split and its history.

    With 0 steps the model is returned as it starts.
    """
    split = Split(np.random.default_rng(seed), condition)
    parts = make_parts(split, np.random.default_rng([seed, 1]), condition)
    make_model = (ARMS | RULES | STRONGER)[arm]
    model = make_model(*parts)
    rule = arm if arm in RULES else condition.weights
    losses, weights = losses_and_weights(model, rule, np.random.default_rng([seed, 3]))
    history = fit(
        model,
        split.data("train", condition.tasks),
        losses,
        weights=weights,
        optimizer=Adam(schedule),
        steps=condition.steps,
        batch_size=64,
        rng=np.random.default_rng([seed, 2]),
        held_out=split.data("validation", condition.tasks),
        evaluate_every=20,
        cosines_every=10 if model.P else None,
        quiet=True,
    )
    if history.stopped == "interrupted":
        raise KeyboardInterrupt
    if history.stopped == "refused":  # half a training is no result
        raise ValueError(history.reason)
    if losses is not LOSSES:
        in_units_of_the_losses(history)
    return model, split, history


def schedule(progress: float) -> float:
    """Adam's learning rate: 1e-2, × 0.3 from 60 % of the steps on, × 0.1 from 85 % on."""
    if progress < 0.6:
        return 1e-2
    if progress < 0.85:
        return 1e-2 * 0.3
    return 1e-2 * 0.1


def losses_and_weights(model, rule: str, rng: np.random.Generator):
    """LOSSES and WEIGHTS, or, for the named rule if the model can follow it, c_t L_t and the rule.

    With c = WEIGHTS the tuned plain sum is the rule `equal`, and each task's own parameters take
    the gradient of c_t L_t under every rule. The rule's answer is scaled to Σ|w| = T, so that
    weight decay means the same under every rule.
    """
    weights = {task: WEIGHTS[task] for task in model.tasks}
    if not rule:
        return LOSSES, weights
    choose = make_rule(rule, rng)
    from_jacobian = needs_gramian(choose)
    if from_jacobian and not model.P:
        return LOSSES, weights

    def scaled(w):
        return w * len(w) / np.abs(w).sum()

    def from_gramian(losses, gramian):
        return scaled(choose(losses, gramian))

    def from_losses(losses, gramian=None):
        return scaled(choose(losses))

    weighted = {task: times(c, LOSSES[task]) for task, c in weights.items()}
    return weighted, from_gramian if from_jacobian else from_losses


def times(c: float, loss: Callable) -> Callable:
    """c · loss"""
    return lambda *arguments: loss(*arguments) * c


def in_units_of_the_losses(history):
    """What was recorded of c_t L_t, as it is of L_t; w_t c_t is the weight of L_t then."""
    for i, task in enumerate(history.tasks):
        c = WEIGHTS[task]
        history.weights[task] *= c
        history.losses[task] /= c
        history.held_out[task] /= c
        for of_tasks in (history.norms, history.predicted, history.effects):
            if len(of_tasks):
                of_tasks[:, i] /= c


def make_rule(name: str, rng: np.random.Generator):
    """The rule of that name in `weighting`, with its defaults."""
    rule = getattr(weighting, name)
    if not isinstance(rule, type):
        return rule
    return rule(rng) if "rng" in signature(rule).parameters else rule()


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
    (product, question, _), reply = dialogue
    facts = np.where(replies.fact[product, question], reply, -1)
    return {
        "texts": generate(model, products, questions, replies),
        "replies": perplexity(logits, reply),
        "facts": perplexity(logits, facts),
    }


def perplexity(logits, reply: np.ndarray) -> float:
    return float(np.exp(dialogue_loss(logits, reply).data))


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
        values["own brand, AUC"] = auc(said["brand"].reshape(-1), truth["brand"])
        values["log price, R²"] = r_squared(said["price"].reshape(-1), truth["price"])
        values["department, accuracy"] = accuracy(said["department"], truth["department"])
        values["category, accuracy"] = accuracy(said["category"], truth["category"])
    if "late" in said:
        by_household = zip(said["late"], bought["late"], ~bought["early"])
        values["new purchases, AUC"] = np.nanmean([auc(*one) for one in by_household])
    if "texts" in said:
        _, replies, *_ = shop_and_texts()
        true = [replies.true(product, text) for product, text in zip(products, said["texts"])]
        values["true facts in replies"] = np.mean(true)
    if "facts" in said:
        values["perplexity of replies"] = said["replies"]
        values["perplexity of facts"] = said["facts"]
    return {name: float(value) for name, value in values.items()}


# Runs


def run_seed(seed: int, condition: Condition, look: bool = False) -> dict:
    """Train and measure the arms, and measure the baselines, on what one seed drew.

    Returns arm -> {"metrics", "parameters", "seconds", "steps", "rates"}, and
    baseline -> {"metrics"}.
    look: also keep the histories and the features of the test products, and take the last step of
    hard sharing apart.
    """
    results = {}
    for arm in condition.arms:
        model, split, history = train(seed, condition, arm)
        steps = steps_to_least_loss(history, condition.tasks)
        results[arm] = {
            "metrics": measure(answers(model, split), split),
            "parameters": model.counts(),
            "seconds": history.seconds[steps - 1],  # until the held-out loss was least
            "steps": steps,
        }
        if model.P:
            results[arm]["rates"] = rates(history)
        if look:
            results[arm]["history"] = history
            results[arm]["features"] = features_of_test(model, split, arm)
        if look and arm == "hard":
            results[arm] |= last_step(model, split, history)
    guesses = baselines(split).items()
    of_baselines = {name: {"metrics": measure(guess, split)} for name, guess in guesses}
    return of_baselines | results


def steps_to_least_loss(history, tasks: tuple[str, ...]) -> int:
    """How many steps it took until the weighted sum of held-out losses was least."""
    held_out = sum(WEIGHTS[task] * history.held_out[task] for task in tasks)
    return int(history.held_out_steps[held_out.argmin()])


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


RATE_OF_LAST_STEP = 0.3  # so large that curvature is seen


def last_step(model, split: Split, history) -> dict:
    """One more step of a trained model taken apart, and the Gramian of each of its layers.

    It is a step of plain gradient descent on the first 64 examples of each task, with the last
    weights of the training. Of Adam's step −η G w would say little.
    """
    batch = {}
    for task, (inputs, targets) in split.data("train").items():
        batch[task] = (first_examples(inputs, 64), targets[:64])
    weights = {task: over_time[-1] for task, over_time in history.weights.items()}
    step = step_report(model, batch, LOSSES, SGD(RATE_OF_LAST_STEP), weights)
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


# Processes


def processes_for(jobs: list[tuple]) -> int:
    """How many processes work at the jobs."""
    return min(2, len(jobs))


def in_processes(function: Callable, jobs: list[tuple]) -> Iterator:
    """What a function returns for each job, a tuple of its arguments, in order; see `processes`."""
    with processes(processes_for(jobs)) as in_order:
        yield from in_order(function, jobs)


@contextmanager
def processes(n: int) -> Iterator[Callable]:
    """n processes, and the function in_order(function, jobs) that lets them work.

    It gives what the function returns for each job, a tuple of its arguments, in order. So it does
    what `itertools.starmap` does in this process. What a process has imported for one function is
    there for the next.

    Each process has one thread of linear algebra: for matrices as small as here several threads
    wait for each other longer than they work. If this process is stopped, so are they; Ctrl-C ends
    all of them at once, whichever of them gets the signal. KeyboardInterrupt after Ctrl-C,
    ChildProcessError if a process ended for another reason.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the children read it when they load NumPy
    os.environ.setdefault("MKL_NUM_THREADS", "1")
    others = active_children()
    pool = ProcessPoolExecutor(n, mp_context=get_context("spawn"), initializer=_begin_worker)
    futures = []
    workers = []

    def in_order(function, jobs):
        with _ctrl_c_waits():
            new = [pool.submit(function, *job) for job in jobs]
            futures.extend(new)
            known = others + workers
            workers.extend(process for process in active_children() if process not in known)
        for future in new:
            yield future.result()

    try:
        yield in_order
    except BrokenProcessPool:
        pool.shutdown()  # waits for the end of the workers: only then are their exit codes known
        raise _reason_of_end([worker.exitcode for worker in workers]) from None
    finally:
        if not all(future.done() for future in futures):
            for worker in workers:
                worker.terminate()  # the pool alone would wait for the jobs that have begun
        pool.shutdown(cancel_futures=True)


@contextmanager
def _ctrl_c_waits():
    """A Ctrl-C that comes now is noticed after this.

    A process that is started now does not notice it either, until it says that it is ready. So it
    cannot die of it in the middle of its imports, with a traceback. Windows has no such mask.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin_worker():
    """From now on Ctrl-C ends this process without a word, and so does the end of its parent."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent():
    wait([parent_process().sentinel])
    os._exit(1)


def _reason_of_end(exit_codes):
    """The exception that says why a worker ended before its work was done."""
    if -signal.SIGINT in exit_codes:
        return KeyboardInterrupt()
    # The pool ends the workers that are left.
    first = [code for code in exit_codes if code != -signal.SIGTERM] or exit_codes
    return ChildProcessError(f"a process ended before its work was done, with exit code {first[0]}")
