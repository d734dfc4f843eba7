"""The experiment measures what it says, and nothing that is tested was trained on."""

import math
from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymtl import SGD, HardSharing, fit, weighting
from tinymtl.shop import experiment
from tinymtl.shop.experiment import (
    LOSSES,
    METRICS,
    Condition,
    Split,
    answers,
    auc,
    baselines,
    make_parts,
    measure,
    run,
    run_seed,
    schedule,
    train,
    weights_for,
)
from tinymtl.shop.guide import QUESTIONS, Replies, word_ids
from tinymtl.shop.purchases import Shop, load, words


@pytest.fixture(scope="module")
def shop():
    return load()


def test_training_validation_and_test_have_nothing_in_common():
    split = Split(np.random.default_rng(3))
    for parts, total in ((split.products, 1000), (split.households, 400)):
        everything = np.concatenate(list(parts.values()))
        assert len(set(everything)) == len(everything) == total


def test_a_smaller_fraction_knows_fewer_products_and_is_tested_on_the_same():
    few = Split(np.random.default_rng(3), Condition(fraction=0.1))
    many = Split(np.random.default_rng(3), Condition(fraction=1.0))
    assert set(few.products["train"]) < set(many.products["train"])
    assert len(few.products["train"]) == 70
    np.testing.assert_array_equal(few.products["test"], many.products["test"])


def test_replies_are_known_of_products_whose_answers_are_known_and_of_no_other():
    talked_of = {Condition(fraction=0.1): 70, Condition(dialogue=0.1): 70, Condition(): 700}
    for condition, n in talked_of.items():
        split = Split(np.random.default_rng(3), condition)
        (of, _, _), _ = split.data("train")["dialogue"]
        assert len(set(of)) == n
        assert set(of) <= set(split.products["train"])
    split = Split(np.random.default_rng(3), Condition(households=0.1))
    assert len(split.households["train"]) == 28


def with_shop(monkeypatch, shop):
    """Let the experiment use this shop in place of the real one."""

    def shop_and_texts():
        return shop, Replies(shop), *word_ids(shop)

    monkeypatch.setattr(experiment, "shop_and_texts", shop_and_texts)


def test_answers_and_purchases_of_the_test_have_no_influence_on_training(shop, monkeypatch):
    def trained(shop):
        with_shop(monkeypatch, shop)
        split = Split(np.random.default_rng(0), Condition(fraction=0.5))
        model = HardSharing(*make_parts(split, np.random.default_rng(1)))
        fit(
            model,
            split.data("train"),
            LOSSES,
            optimizer=SGD(0.1),
            steps=3,
            batch_size=16,
            rng=np.random.default_rng(2),
        )
        return model.theta

    split = Split(np.random.default_rng(0), Condition(fraction=0.5))
    changed = {name: array.copy() for name, array in vars(shop).items()}
    hidden = np.concatenate([split.products["validation"], split.products["test"]])
    changed["price"][hidden] = np.roll(changed["price"][hidden], 3)
    changed["brand"][hidden] = np.where(shop.brand[hidden] == "National", "Private", "National")
    for column in ("department", "category"):
        changed[column][hidden] = np.roll(changed[column][hidden], 5)
    for column in ("early", "late"):
        changed[column][split.households["test"]] ^= True
    np.testing.assert_array_equal(trained(shop), trained(Shop(**changed)))


def test_a_model_that_only_memorises_what_training_shows_is_the_commonest_answer_on_test_products():
    split = Split(np.random.default_rng(0))
    products, truth = split.data("train")["answer"]
    (talked_of, _, _), _ = split.data("train")["dialogue"]
    memory = dict(zip(products, truth))
    most_common = baselines(split)["most common"]
    commonest = {question: most_common[question] for question in QUESTIONS}
    said = {question: guess.copy() for question, guess in commonest.items()}
    for i, product in enumerate(split.products["test"]):
        if product in memory:
            for question in QUESTIONS:
                said[question][i] = memory[product][question]
    assert measure(said, split) == pytest.approx(measure(commonest, split), nan_ok=True)
    assert measure(said, split)["own brand, AUC"] == 0.5
    assert not set(talked_of) & set(split.products["test"])


@pytest.mark.parametrize(
    "control, moved", [("", ()), ("own ids", ("own",)), ("tables", ("word", "own"))]
)
def test_a_control_shuffles_between_tasks_what_it_names_and_nothing_else(control, moved):
    condition = Condition(control=control)
    split = Split(np.random.default_rng(0), condition)
    _, _, encoders = make_parts(split, np.random.default_rng(1), condition)
    some = np.arange(50)
    read = {
        "recommend": encoders["recommend"](split.bought["early"][:2])[:2],
        "answer": encoders["answer"](some),
        "dialogue": encoders["dialogue"]((some, some, some))[:2],
    }
    for s, t in combinations(read, 2):
        for name, a, b in zip(("word", "own"), read[s], read[t]):
            assert np.array_equal(a[:50], b[:50]) == (name not in moved)
    ids, vocabulary = word_ids(load())
    padding = len(vocabulary)
    for word, own in read.values():
        assert sorted(set(own)) == sorted(own)
        assert word.shape[1] == ids.shape[1]
        assert (word == padding).sum() == (ids[: len(word)] == padding).sum()


def test_random_answers_are_those_of_other_training_products_for_questions_and_dialogue_alike():
    split = Split(np.random.default_rng(0), Condition(control="answers"))
    products, truth = split.data("train")["answer"]
    own_price = split.truth["price"][products]
    assert sorted(truth["price"]) == sorted(own_price)
    assert (truth["price"] != own_price).mean() > 0.8
    (of, asked, _), reply = split.data("train")["dialogue"]
    answers_of = dict(zip(products, split.answers_of[products]))
    told = [answers_of[product] for product in of]
    np.testing.assert_array_equal(reply, Replies(load()).said[told, asked])
    _, test_truth = split.data("test")["answer"]
    np.testing.assert_array_equal(test_truth, split.truth[split.products["test"]])


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), max_size=12))
def test_auc_is_the_share_of_pairs_in_the_right_order_ties_counting_half(pairs):
    scores = np.array([score for score, _ in pairs], float)
    positive = np.array([is_positive for _, is_positive in pairs], bool)
    wins = []
    for a in scores[positive]:
        for b in scores[~positive]:
            wins.append((a > b) + 0.5 * (a == b))
    np.testing.assert_allclose(auc(scores, positive), np.mean(wins) if wins else np.nan)


def test_measures_are_the_textbook_ones():
    truth = np.zeros(4, [("price", float), ("department", int), ("category", int), ("brand", bool)])
    truth["price"] = [1, 2, 3, 6]
    truth["department"] = [0, 0, 1, 1]
    truth["category"] = [0, 1, 2, 3]
    truth["brand"] = [1, 0, 1, 0]
    bought = np.zeros(2, [("early", bool, 3), ("late", bool, 3)])
    bought["early"] = [[0, 0, 1], [0, 0, 0]]
    bought["late"] = [[1, 0, 1], [0, 1, 0]]
    said = {
        "price": np.array([[1.0], [2.0], [3.0], [3.0]]),  # residual sum 9, total sum 14
        "department": np.array([0, 1, 1, 1]),
        "category": np.array([0, 0, 0, 0]),
        "brand": np.array([[0.9], [0.8], [0.7], [0.1]]),  # 3 of 4 pairs in order
        # Household 0: what was bought early does not count; 0 of 1. Household 1: 2 of 2.
        "late": np.array([[0.4, 0.6, 9.0], [0.1, 0.3, 0.2]]),
    }
    split = SimpleNamespace(
        truth=truth,
        bought=bought,
        products={"test": np.arange(4)},
        households={"test": np.arange(2)},
    )
    expected = {
        "own brand, AUC": 0.75,
        "log price, R²": 1 - 9 / 14,
        "department, accuracy": 0.75,
        "category, accuracy": 0.25,
        "new purchases, AUC": 0.5,
        "true facts in replies": math.nan,
        "perplexity of replies": math.nan,
        "perplexity of facts": math.nan,
    }
    assert measure(said, split) == pytest.approx(expected, nan_ok=True)


def test_facts_are_counted_and_perplexities_handed_on(shop):
    split = SimpleNamespace(
        truth=np.zeros(4),
        bought=np.zeros(2),
        products={"test": np.arange(4)},
        households={"test": np.arange(2)},
    )
    replies = Replies(shop)
    all_four = " ".join(word for word, _ in replies.reply(replies.facts[0], 0)[:-1])
    texts = [all_four, "", "it is our own brand", "it is a national brand"]
    true = 4 + int(shop.brand[2] == "Private") + int(shop.brand[3] == "National")
    spoken = {"texts": texts, "replies": 1.5, "facts": 2.5}
    measured = measure(spoken, split)
    assert measured["true facts in replies"] == true / 16
    assert measured["perplexity of replies"] == 1.5
    assert measured["perplexity of facts"] == 2.5


def test_perplexity_is_the_exponential_of_the_mean_surprise_over_all_words_and_over_facts():
    model, split, *_ = train(0, Condition(steps=3), "hard")
    said = answers(model, split)
    is_fact = Replies(load()).fact
    (of, asked, so_far), reply = split.data("test")["dialogue"]
    z = model({"dialogue": (of, asked, so_far)})["dialogue"].data.astype(float)
    z_of_word = np.take_along_axis(z, np.maximum(reply, 0)[:, :, None], axis=2)[:, :, 0]
    surprise = np.log(np.exp(z).sum(2)) - z_of_word
    of_all_words = np.exp(surprise[reply >= 0].mean())
    of_facts = np.exp(surprise[is_fact[of, asked]].mean())
    assert said["replies"] == pytest.approx(of_all_words, rel=1e-4)
    assert said["facts"] == pytest.approx(of_facts, rel=1e-4)


def product_texts(shop):
    """The set of words of each product."""
    return [set(words(f"{kind} {size}")) for kind, size in zip(shop.type, shop.size)]


def test_most_common_is_the_commonest_category_and_the_share_of_new_buyers(shop):
    split = Split(np.random.default_rng(1), Condition(fraction=0.3))
    guess = baselines(split)["most common"]
    of_known = list(shop.category[split.products["train"]])
    commonest = max(set(of_known), key=of_known.count)
    assert set(split.categories[guess["category"]]) == {commonest}
    train = split.bought[split.households["train"]]
    had_not = [household for household in range(280) if not train["early"][household, 5]]
    share = np.mean([train["late"][household, 5] for household in had_not])
    assert guess["late"][0, 5] == pytest.approx(share)


def test_nearest_words_is_the_product_with_the_largest_cosine_of_its_rare_words(shop):
    split = Split(np.random.default_rng(1), Condition(fraction=0.3))
    guess = baselines(split)["nearest words"]
    known = split.products["train"]
    texts = product_texts(shop)
    rarity = {}
    for word in set().union(*texts):
        rarity[word] = np.log(1000 / sum(word in text for text in texts))

    def product_of(a, b):
        return sum(rarity[word] ** 2 for word in a & b)

    def cosine(a, b):
        return product_of(a, b) / np.sqrt(product_of(a, a)) / np.sqrt(product_of(b, b))

    for i in (0, 17, 199):
        text = texts[split.products["test"][i]]
        alike = np.array([cosine(text, texts[k]) for k in known])
        best = known[alike >= alike.max() - 1e-9]
        share_of_own = np.mean(shop.brand[best] == "Private")
        assert guess["brand"][i] == pytest.approx(share_of_own)
        assert split.categories[guess["category"][i]] in shop.category[best]


# At seed 3 the test products would have chosen another strength.
@pytest.mark.parametrize("seed", [1, 3])
def test_ridge_regression_is_the_least_of_its_four_on_validation_products(shop, seed):
    split = Split(np.random.default_rng(seed), Condition(fraction=0.1))
    known = split.products["train"]
    validation = split.products["validation"]
    test = split.products["test"]
    texts = product_texts(shop)
    vocabulary = sorted(set().union(*texts))
    has = np.array([[w in text for w in vocabulary] for text in texts], float)
    has *= np.log(1000 / has.sum(0))
    train = split.bought[split.households["train"]]
    buys = (train["early"] | train["late"]).T.astype(float)
    buys -= buys.mean()
    has /= np.sqrt((has**2).sum(1, keepdims=True))
    buys /= np.sqrt((buys**2).sum(1, keepdims=True))
    X = np.hstack([has, buys])
    n = len(split.departments)
    m = len(split.categories)
    Y = np.hstack(
        [
            split.truth["price"][:, None],
            split.truth["brand"][:, None],
            np.eye(n)[split.truth["department"]],
            np.eye(m)[split.truth["category"]],
        ]
    )
    mean = Y[known].mean(0)
    guesses = {}
    for λ in (0.1, 0.3, 1.0, 3.0):
        # The primal form: W = (XᵀX + λI)⁻¹ Xᵀ(Y − mean).
        XX = X[known].T @ X[known]
        W = np.linalg.solve(XX + λ * np.eye(len(XX)), X[known].T @ (Y[known] - mean))
        error = ((X[validation] @ W + mean - Y[validation]) ** 2).sum()
        guesses[error] = X[test] @ W + mean
    best = guesses[min(guesses)]
    got = baselines(split)["ridge regression"]
    np.testing.assert_allclose(got["price"][:, 0], best[:, 0], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(got["brand"][:, 0], best[:, 1], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(got["category"], best[:, 2 + n :].argmax(1))


def test_the_learning_rate_falls_at_60_and_85_percent_of_the_steps():
    expected = {0: 1e-2, 0.59: 1e-2, 0.61: 3e-3, 0.84: 3e-3, 0.86: 1e-3, 0.999: 1e-3}
    for progress, rate in expected.items():
        assert schedule(progress) == pytest.approx(rate)


def test_one_seed_gives_the_same_numbers_twice_and_from_another_process():
    (there,) = run([(4, Condition(fraction=0.1, steps=3), False)])
    here = run_seed(4, Condition(fraction=0.1, steps=3))
    assert list(here) == list(there)
    for arm in here:
        exactly = pytest.approx(there[arm]["metrics"], abs=0, rel=0, nan_ok=True)
        assert here[arm]["metrics"] == exactly


def test_on_real_purchases_the_claims_hold_with_a_margin_and_so_do_their_limits():
    """Three paired seeds and two thirds of the steps.

    The margins are less than half of what ten seeds measured.
    """

    def runs(condition):
        return list(run([(seed, condition, False) for seed in range(500, 503)]))

    def values(runs, arm, metric):
        return np.array([results[arm]["metrics"][metric] for results in runs])

    plain = runs(Condition(steps=200))
    control = runs(Condition(steps=200, control="own ids", arms=("hard",)))
    gain = {}
    for metric in METRICS:
        gain[metric] = (values(plain, "hard", metric) - values(plain, "alone", metric)).mean()
    assert gain["own brand, AUC"] > 0.03
    assert gain["log price, R²"] > 0.02
    assert gain["true facts in replies"] > 0.02
    assert gain["category, accuracy"] < 0.0  # negative transfer
    assert abs(gain["new purchases, AUC"]) < 0.01
    # Without a common vector for each product the gain is gone.
    metric = "own brand, AUC"
    lost = (values(plain, "hard", metric) - values(control, "hard", metric)).mean()
    assert lost > 0.03
    totals = {arm: plain[0][arm]["parameters"]["total"] for arm in experiment.ARMS}
    assert totals["hard"] < 0.6 * totals["alone"]
    assert totals["soft"] == totals["alone"]


# Rules for the weights


class Records:
    """A model of two tasks that shares something, or nothing."""

    tasks = ["recommend", "answer"]

    def __init__(self, P):
        self.P = P


def test_a_rule_is_shown_the_weighted_losses_and_its_answer_keeps_the_sum_of_weights():
    c = np.array([10.0, 1.0])
    L = np.array([0.1, 2.0])
    rng = np.random.default_rng(0)
    J = rng.standard_normal((2, 5))
    weighted_J = c[:, None] * J
    for name in ("mgda", "upgrad", "nash_mtl"):
        w = getattr(weighting, name)(c * L, weighted_J @ weighted_J.T)
        got = weights_for(Records(5), name, rng)(L, J @ J.T)
        np.testing.assert_allclose(got, c * w * 2 / w.sum())
    got = weights_for(Records(0), "stch", rng)(L)
    np.testing.assert_allclose(got, c * weighting.stch(c * L) * 2)


def test_the_equal_rule_is_the_tuned_plain_sum():
    weights = weights_for(Records(5), "equal", None)
    np.testing.assert_array_equal(weights(np.ones(2)), [10.0, 1.0])


@pytest.mark.parametrize("rule", weighting.__all__)
def test_every_rule_has_its_name_and_one_of_the_gramian_needs_something_shared(rule):
    made = weights_for(Records(5), rule, np.random.default_rng(0))
    needs_gramian = weighting.needs_gramian(made)
    G = np.array([[1.0, -0.1], [-0.1, 2.0]])
    w = made(np.ones(2), G) if needs_gramian else made(np.ones(2))
    assert w.shape == (2,)
    assert (w > 0).all()
    without = weights_for(Records(0), rule, np.random.default_rng(0))
    assert (without == {"recommend": 10.0, "answer": 1.0}) == needs_gramian


def test_rules_are_arms_and_a_chosen_rule_moves_the_weights_of_the_arm_that_can_follow_it():
    arms = (*experiment.ARMS, *experiment.RULES)
    condition = Condition(fraction=0.1, steps=3, weights="upgrad", arms=arms)
    results = run_seed(0, condition, look=True)
    assert list(results)[3:] == ["alone", "soft", "hard", *experiment.RULES]
    for arm in ("alone", "soft"):
        weights = results[arm]["history"].weights
        assert list(weights) == list(experiment.WEIGHTS)
        for task, over_time in weights.items():
            assert set(over_time) == {experiment.WEIGHTS[task]}
    weights = results["hard"]["history"].weights
    assert len(set(weights["recommend"])) > 1
    step = results["hard"]["step"]
    np.testing.assert_allclose(step.weights, [over_time[-1] for over_time in weights.values()])
    assert step.learning_rate == schedule(2 / 3)


def test_a_pair_of_tasks_leaves_the_third_out_and_starts_as_all_three_do():
    condition = Condition(steps=2, tasks=("recommend", "answer"), arms=("hard",))
    hard = run_seed(0, condition)["hard"]
    assert math.isnan(hard["metrics"]["true facts in replies"])
    assert math.isnan(hard["rates"]["steps that harm dialogue"])
    split = Split(np.random.default_rng(0))
    _, all_heads, _ = make_parts(split, np.random.default_rng(1))
    _, heads, _ = make_parts(split, np.random.default_rng(1), condition)
    assert list(heads) == ["recommend", "answer"]
    np.testing.assert_array_equal(
        all_heads["answer"].questions["price"].W.data, heads["answer"].questions["price"].W.data
    )


def test_rates_are_counted_over_the_recorded_steps_of_hard_sharing():
    condition = Condition(fraction=0.1, steps=21, arms=("alone", "hard"))
    results = run_seed(0, condition, look=True)
    assert "rates" not in results["alone"]
    history = results["hard"]["history"]
    found = results["hard"]["rates"]
    assert len(history.cosine_steps) == 3
    conflicts = sum(ρ[0, 2] < 0 for ρ in history.cosines)
    harms = sum(row[1] > 0 for row in history.effects)
    plain_harms = sum(row[2] > 0 for row in history.predicted)
    assert found["conflict of recommend and dialogue"] == pytest.approx(conflicts / 3)
    assert found["steps that harm answer"] == pytest.approx(harms / 3)
    assert found["plain steps that harm dialogue"] == pytest.approx(plain_harms / 3)


def test_everything_has_each_condition_once_and_compares_each_with_one_that_has_all_arms():
    conditions = experiment.everything()
    assert len(set(conditions)) == len(conditions)
    assert {c.control for c in conditions} == {"", "own ids", "tables", "answers"}
    assert {c.trunk for c in conditions} == set(experiment.TRUNKS)
    fractions = {c.fraction for c in conditions if c == Condition(fraction=c.fraction)}
    assert fractions == {0.05, 0.1, 0.3, 1.0}
