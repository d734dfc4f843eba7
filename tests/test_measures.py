"""Measures: each is its printed formula, with and without masked labels."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymtl as mtl
from tinymtl.measures import accuracy, auc, r_squared

seeds = st.integers(0, 2**32 - 1)
few_scores = st.integers(0, 4)  # so few values that many scores are equal


def masked(mask, array, garbage):
    """The array with garbage where the mask is False."""
    return np.where(mask, array, garbage)


# Accuracy


@given(seeds, st.integers(1, 20), st.integers(1, 5))
def test_accuracy_of_classes_is_the_share_of_labels_with_the_largest_logit(seed, n, classes):
    rng = np.random.default_rng(seed)
    logits = rng.integers(0, 3, (n, classes)).astype(float)
    labels = rng.integers(0, classes, n)
    right = 0
    for z, y in zip(logits, labels):
        largest = max(z)
        first = next(k for k in range(classes) if z[k] == largest)
        right += first == y
    assert accuracy(logits, labels) == pytest.approx(right / n)


@given(seeds, st.integers(1, 20))
def test_accuracy_of_yes_or_no_is_the_share_of_logits_on_the_right_side_of_0(seed, n):
    rng = np.random.default_rng(seed)
    logits = rng.integers(-1, 2, (n, 1)).astype(float)  # a logit of 0 is no yes
    labels = rng.random((n, 1)) < 0.5
    right = sum((z[0] > 0) == y[0] for z, y in zip(logits, labels))
    assert accuracy(logits, labels) == pytest.approx(right / n)
    assert accuracy(logits, labels.astype(float)) == accuracy(logits, labels)


@given(seeds, st.integers(1, 20))
def test_accuracy_of_answers_is_the_share_of_equal_ones(seed, n):
    answers, labels = np.random.default_rng(seed).integers(0, 3, (2, n))
    right = sum(a == y for a, y in zip(answers, labels))
    assert accuracy(answers, labels) == pytest.approx(right / n)


def test_accuracy_of_sequences_counts_every_place():
    logits = np.eye(3)[[[0, 1], [2, 2]]]  # (2, 2, 3)
    assert accuracy(logits, np.array([[0, 1], [2, 0]])) == 0.75


# AUC


@given(st.lists(st.tuples(few_scores, st.booleans()), max_size=12))
def test_auc_is_the_share_of_pairs_in_the_right_order_ties_counting_half(pairs):
    scores = np.array([score for score, _ in pairs], float)
    positive = np.array([is_positive for _, is_positive in pairs], bool)
    wins = []
    for a in scores[positive]:
        for b in scores[~positive]:
            wins.append((a > b) + 0.5 * (a == b))
    np.testing.assert_allclose(auc(scores, positive), np.mean(wins) if wins else np.nan)


@given(st.lists(st.tuples(few_scores, st.booleans()), max_size=12))
def test_auc_depends_on_the_order_of_the_scores_alone_and_is_mirrored_by_minus(pairs):
    scores = np.array([score for score, _ in pairs], float)
    labels = np.array([is_positive for _, is_positive in pairs], bool)
    value = auc(scores, labels)
    np.testing.assert_allclose(auc(np.exp(scores) - 7, labels), value)
    np.testing.assert_allclose(auc(-scores, labels), 1 - value)
    np.testing.assert_allclose(auc(scores, ~labels), 1 - value)


def test_auc_of_one_kind_of_labels_is_nan():
    assert math.isnan(auc(np.array([1.0, 2.0]), np.array([1, 1])))
    assert math.isnan(auc(np.array([1.0, 2.0]), np.array([0, 0])))


def test_auc_takes_infinite_scores_as_the_ends_of_the_order():
    scores = np.array([np.inf, 0.0, -np.inf, -np.inf])
    assert auc(scores, np.array([1, 0, 1, 0])) == (2 + 0.5) / 4


# R²


@given(seeds, st.integers(2, 20))
def test_r_squared_is_one_minus_the_share_of_the_variance_that_is_left(seed, n):
    prediction, targets = np.random.default_rng(seed).standard_normal((2, n))
    mean = sum(targets) / n
    left = sum((y - z) ** 2 for y, z in zip(targets, prediction))
    whole = sum((y - mean) ** 2 for y in targets)
    assert r_squared(prediction, targets) == pytest.approx(1 - left / whole)


@given(seeds, st.integers(2, 20))
def test_r_squared_of_the_targets_is_1_and_of_their_mean_0(seed, n):
    targets = np.random.default_rng(seed).standard_normal(n)
    assert r_squared(targets, targets) == 1
    assert r_squared(np.full(n, targets.mean()), targets) == pytest.approx(0, abs=1e-12)


@given(seeds)
def test_r_squared_does_not_depend_on_the_unit(seed):
    prediction, targets = np.random.default_rng(seed).standard_normal((2, 9))
    value = r_squared(prediction, targets)
    assert r_squared(100 * prediction + 32, 100 * targets + 32) == pytest.approx(value)


def test_r_squared_of_equal_targets_is_nan():
    assert math.isnan(r_squared(np.array([1.0, 2.0]), np.array([0.1, 0.1])))
    assert math.isnan(r_squared(np.array([1.0]), np.array([3.0])))


# All of them


def examples(measure, rng, n):
    """Outputs and labels (n, 1) that this measure takes, and what may stand at a masked label."""
    outputs = rng.standard_normal((n, 1))
    if measure is r_squared:
        return outputs, rng.standard_normal((n, 1)), np.nan
    return outputs, (rng.random((n, 1)) < 0.5).astype(float), np.nan


every_measure = pytest.mark.parametrize("measure", [accuracy, auc, r_squared])


@every_measure
@given(seed=seeds, n=st.integers(0, 12))
def test_masked_labels_are_ignored_and_may_be_nan(measure, seed, n):
    rng = np.random.default_rng(seed)
    outputs, labels, garbage = examples(measure, rng, n)
    mask = rng.random((n, 1)) < 0.7
    got = measure(masked(mask, outputs, np.nan), masked(mask, labels, garbage), mask)
    alone = measure(outputs[mask], labels[mask])
    np.testing.assert_array_equal(got, alone)
    assert isinstance(got, float)


def test_masked_classes_may_lie_outside():
    logits = np.array([[0.0, 1.0], [0.0, 1.0]])
    assert accuracy(logits, np.array([1, -1]), np.array([True, False])) == 1


@every_measure
def test_without_a_label_a_measure_is_nan(measure):
    nothing = np.zeros((3, 1), dtype=bool)
    assert math.isnan(measure(np.zeros((3, 1)), np.zeros((3, 1)), nothing))


@every_measure
def test_a_tensor_is_measured_as_its_array_is_and_nothing_is_changed(measure):
    outputs, labels, _ = examples(measure, np.random.default_rng(0), 8)
    before = outputs.copy(), labels.copy()
    assert measure(mtl.Tensor(outputs), labels) == measure(outputs, labels)
    np.testing.assert_array_equal(outputs, before[0])
    np.testing.assert_array_equal(labels, before[1])


def test_evaluate_takes_measures_in_place_of_losses():
    rng = np.random.default_rng(0)
    heads = {
        "buys": mtl.Dense(4, 1, rng),
        "kind": mtl.Dense(4, 3, rng),
        "price": mtl.Dense(4, 1, rng),
    }
    model = mtl.HardSharing(mtl.Dense(2, 4, rng), heads)
    X = rng.standard_normal((20, 2))
    data = {
        "buys": (X, rng.random((20, 1)) < 0.5, rng.random((20, 1)) < 0.8),
        "kind": (X, rng.integers(0, 3, 20)),
        "price": (X, rng.standard_normal((20, 1))),
    }
    measures = {
        "buys": mtl.measures.auc,
        "kind": mtl.measures.accuracy,
        "price": mtl.measures.r_squared,
    }
    found = mtl.evaluate(model, data, measures)
    for task, (x, *labels) in data.items():
        assert found[task] == measures[task](model({task: x})[task], *labels)


# Refusals


@every_measure
@pytest.mark.parametrize(
    "outputs, labels, mask, kind, message",
    [
        (np.ones((2, 1)), np.ones((1, 2)), None, ValueError, r"shape \(2, 1\), got \(1, 2\)"),
        (np.ones(3), np.ones(3), np.ones(2, bool), ValueError, r"mask must have shape \(3,\)"),
        (np.ones(3), np.ones(3), np.ones(3), TypeError, "mask must be boolean, got float64"),
        (np.array([1, np.nan]), np.ones(2), None, ValueError, "outputs must not be NaN"),
        (np.array(["a"]), np.ones(1), None, TypeError, "outputs must be numbers, got <U1"),
        (np.ones(1), np.array(["a"]), None, TypeError, "must be numbers, got <U1"),
    ],
)
def test_what_does_not_fit_is_named(measure, outputs, labels, mask, kind, message):
    with pytest.raises(kind, match=f"{measure.__name__}: .*{message}"):
        measure(outputs, labels, mask)


@pytest.mark.parametrize("measure", [accuracy, auc])
@pytest.mark.parametrize("label, got", [(2.0, "2.0"), (np.nan, "nan"), (0.5, "0.5"), (-1, "-1")])
def test_labels_of_yes_or_no_are_0_or_1(measure, label, got):
    with pytest.raises(ValueError, match=f"{measure.__name__}: labels must be 0 or 1, got {got}"):
        measure(np.ones(2), np.array([0, label]))


def test_classes_are_numbers_of_logits():
    with pytest.raises(IndexError, match=r"accuracy: labels must be in \[0, 2\), got 2"):
        accuracy(np.ones((2, 2)), np.array([0, 2]))
    with pytest.raises(TypeError, match="accuracy: labels must be integers, got float64"):
        accuracy(np.ones((2, 2)), np.array([0.0, 1.0]))


def test_targets_that_are_present_are_numbers():
    with pytest.raises(ValueError, match="r_squared: targets must not be NaN where a label"):
        r_squared(np.ones(2), np.array([0.0, np.nan]))
