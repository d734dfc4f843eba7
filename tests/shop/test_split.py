"""What a seed keeps for the test has no influence on what is trained."""

import numpy as np

from tinymtl import SGD, HardSharing, fit
from tinymtl.shop.experiment import LOSSES, make_parts
from tinymtl.shop.purchases import Shop, load
from tinymtl.shop.replies import Replies
from tinymtl.shop.split import Condition, Split


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


def test_answers_and_purchases_of_the_test_have_no_influence_on_training(use_shop):
    shop = load()

    def trained(shop):
        use_shop(shop)
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


def test_random_answers_are_those_of_other_training_products_for_questions_and_dialogue_alike():
    split = Split(np.random.default_rng(0), Condition(control="answers"))
    products, truth = split.data("train")["answer"]
    own_price = split.truth["price"][products]
    assert sorted(truth["price"]) == sorted(own_price)
    assert (truth["price"] != own_price).mean() > 0.8
    (product, question, _), reply = split.data("train")["dialogue"]
    source = split.answers_from[product]
    np.testing.assert_array_equal(reply, Replies(load()).said[source, question])
    _, test_truth = split.data("test")["answer"]
    np.testing.assert_array_equal(test_truth, split.truth[split.products["test"]])


def test_data_of_some_tasks_is_that_part_of_all():
    split = Split(np.random.default_rng(3), Condition(fraction=0.1))
    every = split.data("validation")
    assert list(every) == ["recommend", "answer", "dialogue"]
    some = split.data("validation", ("recommend", "dialogue"))
    assert list(some) == ["recommend", "dialogue"]
    for task, (_, targets) in some.items():
        np.testing.assert_array_equal(targets, every[task][1])
