"""The laws of the loss formulas: run `pytest tests/test_losses.py -v` and read.

Squared error, cross-entropy, yes-or-no questions, missing labels, the total loss, the two penalties
that are called L2, bad input.
"""

import copy
import math

import numeric
import numpy as np
import pytest
import strategies as some
from hypothesis import assume, given
from hypothesis import strategies as st
from numeric import assert_close, complex_step
from test_tensor import assert_float32_stays_float32, assert_refused_in_words

from tinymtl import Parameter
from tinymtl.losses import (
    binary_cross_entropy,
    binary_cross_entropy_composed,
    cross_entropy,
    cross_entropy_composed,
    l2_distance,
    l2_penalty,
    mse,
    mse_composed,
    weighted_sum,
)
from tinymtl.ops import tanh
from tinymtl.tensor import Tensor, gradient

a_gradient_from_above = some.floats(-3, 3)


def assert_is_printed_formula(loss, formula, case, g):
    """In value and gradient. And the arrays that were handed in are as they were."""
    x, labels, mask = case
    kept = copy.deepcopy(case)
    leaf = Parameter(x)
    L = loss(leaf, labels, mask)
    assert_close(L.data, formula(x, labels, mask))
    (slope,) = complex_step(lambda x: formula(x, labels, mask), x, g=g)
    assert_close(gradient(L, leaf, g), slope)
    for now, before in zip(case, kept):
        assert np.array_equal(now, before)
    assert not L.data.flags.writeable


def assert_is_composed_definition(loss, composed, case, g):
    """The derivative worked out on paper is the one that the engine finds."""
    x, labels, mask = case
    leaf = Parameter(x)
    fused = loss(leaf, labels, mask)
    definition = composed(leaf, labels, mask)
    assert_close(fused.data, definition.data)
    assert_close(gradient(fused, leaf, g), gradient(definition, leaf, g))


def slope_of(loss, x, labels, mask=None):
    leaf = Parameter(x)
    return gradient(loss(leaf, labels, mask), leaf)


# Squared error.


@given(some.regressions(), a_gradient_from_above)
def test_mse_is_its_printed_formula_in_value_and_gradient(case, g):
    assert_is_printed_formula(mse, numeric.mse, case, g)


@pytest.mark.parametrize("n", [1000, 1_000_000])
@pytest.mark.parametrize("is_weighted", [False, True])
def test_a_mean_of_many_float32_squares_is_right(n, is_weighted):
    rng = np.random.default_rng(n)
    residual = rng.standard_normal(n).astype(np.float32)
    weights = np.ones(n) if not is_weighted else rng.random(n)
    weights = weights.astype(np.float32)
    squares = residual.astype(float) ** 2
    expected = math.fsum(weights * squares) / math.fsum(weights)
    mask = weights if is_weighted else None
    L = mse(Tensor(residual), np.zeros(n, np.float32), mask)
    np.testing.assert_allclose(L.data, expected, rtol=1e-6)


@given(some.regressions(), a_gradient_from_above)
def test_mse_is_its_composed_definition_in_value_and_gradient(case, g):
    assert_is_composed_definition(mse, mse_composed, case, g)


def test_mse_is_the_mean_over_all_entries_not_over_rows():
    assert float(mse(Tensor(np.full((2, 5), 3.0)), np.zeros((2, 5)))) == 9


@given(some.regressions())
def test_gradient_of_mse_is_twice_the_residual_over_the_number_of_entries(case):
    prediction, targets, _ = case
    assert_close(slope_of(mse, prediction, targets), 2 * (prediction - targets) / prediction.size)


@given(some.arrays())
def test_mse_is_0_without_gradient_exactly_at_the_targets(targets):
    assert float(mse(Tensor(targets), targets)) == 0
    assert not np.any(slope_of(mse, targets, targets))


@given(some.regressions(), some.floats(0.3, 5))
def test_mse_is_minus_the_log_likelihood_of_a_gaussian_up_to_constants(case, sigma):
    """−Σ log N(y; ŷ, σ²) = n/(2σ²) · L + n log(σ √(2π))

    The scale and the constant do not move the best ŷ.
    """
    prediction, targets, _ = case
    n = targets.size
    L = float(mse(Tensor(prediction), targets))
    constant = sigma * np.sqrt(2 * np.pi)
    density = np.exp(-((targets - prediction) ** 2) / (2 * sigma**2)) / constant
    assert_close(-np.log(density).sum(), n / (2 * sigma**2) * L + n * np.log(constant))


@given(some.regressions(), some.floats(-3, 3))
def test_mse_of_residuals_c_times_as_large_is_c_squared_times_as_large(case, c):
    prediction, targets, mask = case
    L = float(mse(Tensor(targets + c * (prediction - targets)), targets, mask))
    assert_close(L, c**2 * float(mse(Tensor(prediction), targets, mask)))


# Cross-entropy from logits.


@given(some.classifications(), a_gradient_from_above)
def test_cross_entropy_is_its_printed_formula_in_value_and_gradient(case, g):
    assert_is_printed_formula(cross_entropy, numeric.cross_entropy, case, g)


@given(some.classifications(), a_gradient_from_above)
def test_cross_entropy_is_its_composed_definition_in_value_and_gradient(case, g):
    assert_is_composed_definition(cross_entropy, cross_entropy_composed, case, g)


@given(some.classifications())
def test_gradient_of_cross_entropy_is_softmax_minus_one_hot_over_the_number_of_examples(case):
    logits, labels, _ = case
    softmax = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    expected = (softmax - numeric.one_hot(labels, logits.shape[1])) / len(labels)
    assert_close(slope_of(cross_entropy, logits, labels), expected)


@given(some.classifications())
def test_gradient_rows_of_cross_entropy_sum_to_zero(case):
    assert_close(slope_of(cross_entropy, *case).sum(1), np.zeros(len(case[1])))


@given(some.classifications())
def test_cross_entropy_is_minus_the_log_likelihood_of_a_categorical_distribution(case):
    logits, labels, _ = case
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    likelihood = np.prod([p[i, c] for i, c in enumerate(labels)])
    assert_close(len(labels) * float(cross_entropy(Tensor(logits), labels)), -np.log(likelihood))


@given(st.integers(1, 50), some.floats(-50, 50), st.data())
def test_cross_entropy_is_log_C_at_uniform_logits(C, z, data):
    labels = data.draw(some.ids(C, (3,)))
    assert_close(float(cross_entropy(Tensor(np.full((3, C), z)), labels)), np.log(C), 1e-14)


@given(some.classifications())
def test_cross_entropy_is_never_negative(case):
    assert float(cross_entropy(Tensor(case[0]), *case[1:])) >= 0


@given(some.classifications(), st.data())
def test_adding_a_constant_to_a_row_of_logits_changes_nothing(case, data):
    logits, labels, mask = case
    moved = logits + data.draw(some.arrays((len(labels), 1), some.floats(-100, 100)))
    for loss in (cross_entropy, cross_entropy_composed):
        assert_close(
            float(loss(Tensor(moved), labels, mask)), float(loss(Tensor(logits), labels, mask))
        )
        assert_close(slope_of(loss, moved, labels, mask), slope_of(loss, logits, labels, mask))


def test_cross_entropy_is_finite_at_logits_of_1e4():
    logits = np.array([[1e4, -1e4], [1e4, -1e4]])
    labels = np.array([0, 1])  # the model is sure: once it is right, once it is wrong
    for loss in (cross_entropy, cross_entropy_composed):
        assert float(loss(Tensor(logits), labels)) == (0 + 2e4) / 2
        assert np.array_equal(slope_of(loss, logits, labels), [[0, 0], [0.5, -0.5]])


def test_a_large_logit_of_one_example_changes_nothing_for_another():
    logits = np.array([[1e4, 0], [0, 1]])
    labels = np.array([0, 1])
    for loss in (cross_entropy, cross_entropy_composed):
        expected = float(loss(Tensor(logits[1:]), labels[1:])) / 2
        assert_close(float(loss(Tensor(logits), labels)), expected)


# Soft labels.


@given(some.soft_classifications(), a_gradient_from_above)
def test_cross_entropy_of_soft_labels_is_its_printed_formula_in_value_and_gradient(case, g):
    assert_is_printed_formula(cross_entropy, numeric.soft_cross_entropy, case, g)


@given(some.soft_classifications(), a_gradient_from_above)
def test_cross_entropy_of_soft_labels_is_its_composed_definition_in_value_and_gradient(case, g):
    assert_is_composed_definition(cross_entropy, cross_entropy_composed, case, g)


@given(some.classifications())
def test_one_hot_labels_are_hard_labels(case):
    logits, labels, mask = case
    one_hot = numeric.one_hot(labels, logits.shape[1])
    soft = float(cross_entropy(Tensor(logits), one_hot, mask))
    assert_close(soft, float(cross_entropy(Tensor(logits), labels, mask)))
    slope = slope_of(cross_entropy, logits, one_hot, mask)
    assert_close(slope, slope_of(cross_entropy, logits, labels, mask))


@given(some.soft_classifications())
def test_loss_of_a_distribution_is_the_mean_loss_of_labels_drawn_from_it(case):
    logits, labels, _ = case
    N, C = labels.shape
    expected = 0.0
    for c in range(C):
        weights = np.ascontiguousarray(labels[:, c])
        of_class = float(cross_entropy(Tensor(logits), np.full(N, c), weights))
        expected += of_class * weights.sum() / N
    assert_close(float(cross_entropy(Tensor(logits), labels)), expected)


@given(some.soft_classifications())
def test_cross_entropy_is_least_where_softmax_is_the_label(case):
    """There its gradient is 0 and its value is the entropy of the labels."""
    _, labels, _ = case
    positive = (labels + 0.1) / (labels + 0.1).sum(1, keepdims=True)
    entropy = -(positive * np.log(positive)).sum(1).mean()
    assert_close(float(cross_entropy(Tensor(np.log(positive)), positive)), entropy)
    assert_close(slope_of(cross_entropy, np.log(positive), positive), np.zeros(labels.shape))


@given(some.soft_classifications())
def test_gradient_rows_of_soft_labels_sum_to_zero(case):
    assert_close(slope_of(cross_entropy, *case).sum(1), np.zeros(len(case[1])))


@given(some.yes_no_questions())
def test_probability_of_yes_is_a_soft_label_of_two_classes(case):
    z, yes, mask = (None if a is None else a.reshape(-1) for a in case)
    two = np.stack([np.zeros_like(z), z], 1)  # (N, 2)
    both = np.stack([1 - yes, yes], 1)  # (N, 2)
    L_binary = float(binary_cross_entropy(Tensor(z), yes, mask))
    assert_close(float(cross_entropy(Tensor(two), both, mask)), L_binary)


def test_cross_entropy_of_soft_labels_is_finite_at_logits_of_1e4():
    logits = np.array([[1e4, -1e4]])
    labels = np.array([[0.5, 0.5]])
    for loss in (cross_entropy, cross_entropy_composed):
        assert float(loss(Tensor(logits), labels)) == 1e4
        assert np.array_equal(slope_of(loss, logits, labels), [[0.5, -0.5]])


# Yes-or-no questions.


@given(some.yes_no_questions(), a_gradient_from_above)
def test_binary_cross_entropy_is_its_printed_formula_in_value_and_gradient(case, g):
    assert_is_printed_formula(binary_cross_entropy, numeric.binary_cross_entropy, case, g)


@given(some.yes_no_questions(), a_gradient_from_above)
def test_binary_cross_entropy_is_its_composed_definition_in_value_and_gradient(case, g):
    assert_is_composed_definition(binary_cross_entropy, binary_cross_entropy_composed, case, g)


@given(some.yes_no_questions())
def test_gradient_of_binary_cross_entropy_is_sigmoid_minus_label_over_the_number_of_entries(case):
    logits, labels, _ = case
    expected = (numeric.sigmoid(logits) - labels) / labels.size
    assert_close(slope_of(binary_cross_entropy, logits, labels), expected)


@given(some.arrays(some.shapes(1, 1)), st.data())
def test_binary_cross_entropy_is_two_class_cross_entropy_with_logits_0_z(z, data):
    labels = data.draw(some.ids(2, z.shape))
    mask = data.draw(some.masks(z.shape))
    two = np.stack([np.zeros_like(z), z], 1)  # (N, 2)
    L_binary = float(binary_cross_entropy(Tensor(z), labels, mask))
    L_two = float(cross_entropy(Tensor(two), labels, mask))
    assert_close(L_binary, L_two)
    slope_binary = slope_of(binary_cross_entropy, z, labels, mask)
    slope_two = slope_of(cross_entropy, two, labels, mask)
    assert_close(slope_binary, slope_two[:, 1])


@given(some.yes_no_questions())
def test_binary_cross_entropy_is_minus_the_log_likelihood_of_yes_and_no(case):
    logits, labels, _ = case
    p = numeric.sigmoid(logits)
    likelihood = np.prod(p**labels * (1 - p) ** (1 - labels))
    L = float(binary_cross_entropy(Tensor(logits), labels))
    assert_close(labels.size * L, -np.log(likelihood))


@given(some.yes_no_questions())
def test_asking_for_no_instead_of_yes_changes_nothing(case):
    logits, labels, mask = case
    asked_for_no = float(binary_cross_entropy(Tensor(-logits), np.asarray(1 - labels), mask))
    assert_close(asked_for_no, float(binary_cross_entropy(Tensor(logits), labels, mask)))


@pytest.mark.parametrize("mask", [None, np.array([True, False, True]), np.array([0.5, 2, 0])])
@pytest.mark.parametrize("dtype", [bool, int, np.uint8, float])
def test_labels_of_yes_no_questions_may_be_of_any_type(dtype, mask):
    z = np.array([0.5, -2.0, 1.0])
    labels = np.array([1, 0, 1], dtype)
    numbers = labels.astype(float)
    m = np.ones(3) if mask is None else mask.astype(float)
    each = [numeric.binary_cross_entropy(z[i : i + 1], numbers[i : i + 1]) for i in range(3)]
    assert_close(float(binary_cross_entropy(Tensor(z), labels, mask)), m @ each / m.sum())
    slope = m * (1 / (1 + np.exp(-z)) - numbers) / m.sum()
    assert_close(slope_of(binary_cross_entropy, z, labels, mask), slope)


def test_binary_cross_entropy_is_log_2_when_undecided():
    L = float(binary_cross_entropy(Tensor([0.0, 0.0]), np.array([0, 1])))
    assert_close(L, np.log(2), 1e-15)


def test_binary_cross_entropy_is_finite_at_logits_of_1e4():
    logits = np.array([1e4, -1e4, 1e4, -1e4])
    labels = np.array([1, 0, 0, 1])
    for loss in (binary_cross_entropy, binary_cross_entropy_composed):
        assert float(loss(Tensor(logits), labels)) == (0 + 0 + 1e4 + 1e4) / 4
        assert np.array_equal(slope_of(loss, logits, labels), [0, 0, 0.25, -0.25])


@pytest.mark.parametrize("z, label", [(40.0, 1), (-40.0, 0)], ids=["yes", "no"])
def test_binary_cross_entropy_of_a_sure_and_right_answer_is_small_but_not_0(z, label):
    L = float(binary_cross_entropy(Tensor([z]), np.array([label])))
    assert L == pytest.approx(np.exp(-40.0), rel=1e-12, abs=0)  # log(1 + e⁻⁴⁰) in double would be 0


# All three: missing labels, and what a mean does.

LOSSES = {
    "mse": (mse, some.regressions()),
    "cross_entropy": (cross_entropy, some.classifications()),
    "cross_entropy of soft labels": (cross_entropy, some.soft_classifications()),
    "binary_cross_entropy": (binary_cross_entropy, some.yes_no_questions()),
}
every_loss = pytest.mark.parametrize("loss, cases", LOSSES.values(), ids=LOSSES)
every_real_loss = pytest.mark.parametrize(
    "loss",
    [mse, mse_composed, binary_cross_entropy, binary_cross_entropy_composed],
    ids=lambda loss: loss.__name__,
)
every_class_loss = pytest.mark.parametrize(
    "loss", [cross_entropy, cross_entropy_composed], ids=lambda loss: loss.__name__
)


def of_examples(labels, loss):
    """The shape of a mask: soft labels of classes have one axis more."""
    return labels.shape[:1] if loss in (cross_entropy, cross_entropy_composed) else labels.shape


def with_examples(case):
    """The case with at least one axis, so that its examples can be counted."""
    return [None if a is None else np.atleast_1d(a) for a in case]


@every_loss
@given(st.data())
def test_mean_is_over_labels_present(loss, cases, data):
    x, labels, _ = data.draw(cases)
    mask = data.draw(some.present(of_examples(labels, loss)))
    assume(mask.any())
    assert_close(float(loss(Tensor(x), labels, mask)), float(loss(Tensor(x[mask]), labels[mask])))
    slope = slope_of(loss, x, labels, mask)
    assert_close(slope[mask], slope_of(loss, x[mask], labels[mask]))
    assert not np.any(slope[~mask])


@every_loss
@given(st.data())
def test_weights_of_0_and_1_are_a_boolean_mask(loss, cases, data):
    x, labels, _ = data.draw(cases)
    mask = data.draw(some.present(of_examples(labels, loss)))
    weights = mask.astype(float)
    assert_close(float(loss(Tensor(x), labels, weights)), float(loss(Tensor(x), labels, mask)))
    slope = slope_of(loss, x, labels, weights)
    assert_close(slope, slope_of(loss, x, labels, mask))


@every_loss
@given(st.data())
def test_whole_weights_count_an_example_so_many_times(loss, cases, data):
    x, labels, _ = with_examples(data.draw(cases))
    times = data.draw(st.lists(st.integers(0, 3), min_size=len(x), max_size=len(x)))
    assume(any(times))
    shape = of_examples(labels, loss)
    weights = np.ones(shape) * np.reshape(times, (-1, *[1] * (len(shape) - 1)))
    repeated = float(loss(Tensor(x.repeat(times, 0)), labels.repeat(times, 0)))
    assert_close(float(loss(Tensor(x), labels, weights)), repeated)


@every_loss
@given(st.data(), some.floats(0.01, 100))
def test_only_the_ratios_of_weights_matter(loss, cases, data, c):
    x, labels, _ = data.draw(cases)
    weights = data.draw(some.example_weights(of_examples(labels, loss)))
    scaled = np.asarray(c * weights)
    assert_close(float(loss(Tensor(x), labels, scaled)), float(loss(Tensor(x), labels, weights)))
    assert_close(slope_of(loss, x, labels, scaled), slope_of(loss, x, labels, weights))


@given(some.classifications(), st.data())
def test_weights_of_the_labels_classes_are_class_weights(case, data):
    """Σ_n c(y_n) ℓ_n / Σ_n c(y_n)"""
    logits, labels, _ = case
    c = data.draw(some.arrays((logits.shape[1],), some.floats(0.01, 5)))
    each = [float(cross_entropy(Tensor(z[None]), np.array([y]))) for z, y in zip(logits, labels)]
    expected = sum(c[y] * loss for y, loss in zip(labels, each)) / sum(c[y] for y in labels)
    assert_close(float(cross_entropy(Tensor(logits), labels, c[labels])), expected)


@every_loss
@given(st.data())
def test_mask_of_all_labels_changes_nothing(loss, cases, data):
    x, labels, _ = data.draw(cases)
    everything = np.ones(of_examples(labels, loss), bool)
    assert_close(float(loss(Tensor(x), labels, everything)), float(loss(Tensor(x), labels)))


@every_loss
@given(st.data())
def test_no_label_is_a_loss_of_exactly_0_without_gradient(loss, cases, data):
    x, labels, _ = data.draw(cases)
    for dtype in (bool, float):
        nothing = np.zeros(of_examples(labels, loss), dtype)
        assert float(loss(Tensor(x), labels, nothing)) == 0
        assert np.array_equal(slope_of(loss, x, labels, nothing), np.zeros(x.shape))


@every_real_loss
@given(st.data())
def test_missing_targets_may_be_nan(loss, data):
    x, labels, _ = data.draw(some.yes_no_questions())
    mask = data.draw(some.present(labels.shape) | some.example_weights(labels.shape))
    holes = np.where(mask, labels, np.nan)
    assert float(loss(Tensor(x), holes, mask)) == float(loss(Tensor(x), labels, mask))
    assert np.array_equal(slope_of(loss, x, holes, mask), slope_of(loss, x, labels, mask))


@every_class_loss
@given(some.classifications(), st.sampled_from([-1, 10**9]), st.data())
def test_missing_labels_may_be_any_integer(loss, case, anything, data):
    logits, labels, _ = case
    mask = data.draw(some.present(labels.shape) | some.example_weights(labels.shape))
    holes = np.where(mask, labels, anything)
    assert float(loss(Tensor(logits), holes, mask)) == float(loss(Tensor(logits), labels, mask))
    assert np.array_equal(slope_of(loss, logits, holes, mask), slope_of(loss, logits, labels, mask))


@every_class_loss
@given(some.soft_classifications(), st.data())
def test_missing_soft_labels_may_be_nan(loss, case, data):
    logits, labels, _ = case
    N = len(labels)
    mask = data.draw(some.present((N,)) | some.example_weights((N,)))
    holes = np.where(mask[:, None], labels, np.nan)
    assert float(loss(Tensor(logits), holes, mask)) == float(loss(Tensor(logits), labels, mask))
    slope = slope_of(loss, logits, holes, mask)
    assert np.array_equal(slope, slope_of(loss, logits, labels, mask))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("weight", [True, 0.5])
@pytest.mark.parametrize("loss", [mse, cross_entropy, binary_cross_entropy])
def test_prediction_that_is_not_finite_changes_nothing_where_the_label_is_missing(
    loss, weight, bad
):
    x = np.array([[0.5, -1.0], [2.0, 1.0], [-0.5, 0.3]])
    labels = np.array([1, 0, 1]) if loss is cross_entropy else np.array([[0.0, 1], [1, 0], [1, 1]])
    mask = np.full(labels.shape, weight)
    mask[1] = 0
    broken = x.copy()
    broken[1] = bad
    if loss is mse:
        labels[1] = bad  # no difference is taken of what has no label
    L = loss(Tensor(broken), labels, mask)
    slope = slope_of(loss, broken, labels, mask)
    assert float(L) == float(loss(Tensor(x), labels, mask))
    assert np.array_equal(slope, slope_of(loss, x, labels, mask))


@every_loss
@given(st.data())
def test_batch_that_is_there_twice_has_the_same_loss_and_each_example_half_the_gradient(
    loss, cases, data
):
    x, labels, mask = with_examples(data.draw(cases))
    twice = [None if a is None else np.concatenate([a, a]) for a in (x, labels, mask)]
    x_twice, labels_twice, mask_twice = twice
    L_twice = float(loss(Tensor(x_twice), labels_twice, mask_twice))
    assert_close(L_twice, float(loss(Tensor(x), labels, mask)))
    slope_twice = slope_of(loss, x_twice, labels_twice, mask_twice)
    assert_close(slope_twice[: len(x)], slope_of(loss, x, labels, mask) / 2)


@every_loss
@given(st.data())
def test_order_of_the_examples_does_not_matter(loss, cases, data):
    x, labels, mask = with_examples(data.draw(cases))
    order = data.draw(st.permutations(range(len(x))))
    mixed_mask = None if mask is None else mask[order]
    mixed = float(loss(Tensor(x[order]), labels[order], mixed_mask))
    assert_close(mixed, float(loss(Tensor(x), labels, mask)))
    mixed_slope = slope_of(loss, x[order], labels[order], mixed_mask)
    assert_close(mixed_slope, slope_of(loss, x, labels, mask)[order])


@every_loss
@given(st.data())
def test_arrays_may_be_used_again_once_the_loss_is_computed(loss, cases, data):
    x, labels, mask = data.draw(cases)
    expected = slope_of(loss, x, labels, mask)
    leaf = Parameter(x)
    L = loss(leaf, labels, mask)
    labels[...] = 0
    if mask is not None:
        mask[...] = mask == 0
    assert np.array_equal(gradient(L, leaf), expected)


@every_real_loss
@pytest.mark.parametrize("shape", [(), (1,), (3, 1)])  # NumPy 1 and 2 differ where there is no axis
@pytest.mark.parametrize("mask_type", [None, bool, np.float32])
def test_loss_of_float32_predictions_is_float32(loss, shape, mask_type):
    labels = np.ones(shape, np.float32)
    mask = None if mask_type is None else np.ones(shape, mask_type)
    assert_float32_stays_float32(lambda z: loss(z, labels, mask), [np.full(shape, 0.7)])


@every_class_loss
@pytest.mark.parametrize("labels", [np.array([0, 1]), np.eye(2, dtype=np.float32)])
@pytest.mark.parametrize(
    "mask",
    [None, np.array([True, False]), np.array([0.5, 0.0], np.float32)],
    ids=["no mask", "mask", "weights"],
)
def test_loss_of_float32_logits_is_float32(loss, mask, labels):
    assert_float32_stays_float32(lambda z: loss(z, labels, mask), [np.ones((2, 2))])


# The total loss.


@st.composite
def losses_and_weights(draw):
    """A loss and a weight for each task."""
    losses = draw(some.by_task(some.floats(0, 5)))
    weights = {t: draw(some.weights()) for t in losses}
    return losses, weights


def leaves(losses):
    return {t: Parameter(L) for t, L in losses.items()}


@given(losses_and_weights(), a_gradient_from_above)
def test_weighted_sum_is_its_printed_formula_in_value_and_gradient(both, g):
    losses, weights = both
    L = leaves(losses)
    total = weighted_sum(L, weights)
    assert_close(total.data, numeric.weighted_sum(losses, weights))
    for t, slope in zip(L, gradient(total, list(L.values()), g)):
        assert_close(slope, np.asarray(weights[t] * g))


def two_losses(trunk, head, x):
    """Two tasks over one trunk. Both losses depend on the trunk, and one of them on a head."""
    h = tanh(x @ trunk)
    return {
        "price": mse(h @ head, np.ones((len(x), 1))),
        "brand": cross_entropy(h, np.zeros(len(x), int)),
    }


networks = st.tuples(
    some.arrays((2, 3)).map(Parameter),  # trunk
    some.arrays((3, 1)).map(Parameter),  # head
    some.arrays((4, 2)),  # inputs
)
two_weights = st.fixed_dictionaries({"price": some.weights(), "brand": some.weights()})


@given(networks, two_weights)
def test_gradient_of_weighted_sum_is_weighted_sum_of_gradients(network, w):
    trunk, head, x = network
    L = two_losses(trunk, head, x)
    for p in (trunk, head):
        expected = w["price"] * gradient(L["price"], p) + w["brand"] * gradient(L["brand"], p)
        assert_close(gradient(weighted_sum(L, w), p), expected)


@given(networks, some.weights())
def test_task_weights_act_in_the_heads_too(network, w):
    trunk, head, x = network
    L = two_losses(trunk, head, x)
    total = weighted_sum(L, {"price": w, "brand": 1.0})
    assert_close(gradient(total, head), w * gradient(L["price"], head))


@given(some.by_task(some.floats(0, 5)))
def test_without_weights_all_weights_are_1(losses):
    L = leaves(losses)
    total = weighted_sum(L)
    assert_close(float(total), sum(losses.values()))
    assert all(slope == 1 for slope in gradient(total, list(L.values())))


@given(some.by_task(st.just(2.5)), some.weights())
def test_task_weights_have_no_denominator(losses, w):
    total = weighted_sum(leaves(losses), dict.fromkeys(losses, w))
    assert_close(float(total), len(losses) * w * 2.5)


@given(losses_and_weights(), st.data())
def test_permuting_the_tasks_changes_nothing(both, data):
    losses, weights = both
    L = leaves(losses)
    order = data.draw(st.permutations(list(L)))
    other = data.draw(st.permutations(list(L)))
    total = weighted_sum(L, weights)
    mixed = weighted_sum({t: L[t] for t in order}, {t: weights[t] for t in other})
    assert_close(mixed.data, total.data)
    assert gradient(mixed, list(L.values())) == gradient(total, list(L.values()))


@given(losses_and_weights(), some.floats(0.01, 10))
def test_scaling_all_weights_scales_the_total_and_its_gradient(both, c):
    losses, weights = both
    L = leaves(losses)
    total = weighted_sum(L, weights)
    scaled = weighted_sum(L, {t: c * w for t, w in weights.items()})
    assert_close(scaled.data, c * total.data)
    slopes = np.array(gradient(total, list(L.values())))
    assert_close(gradient(scaled, list(L.values())), c * slopes)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_weight_0_removes_the_task_even_if_its_loss_is_not_finite(bad):
    shared = Parameter(2.0)
    L = {"broken": shared * bad, "whole": shared * 3.0}
    total = weighted_sum(L, {"broken": 0.0, "whole": 0.5})
    assert float(total) == 3
    assert gradient(total, shared) == 1.5


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_weights_that_are_all_0_leave_a_total_of_exactly_0_without_gradient(bad):
    shared = Parameter(2.0)
    total = weighted_sum({"broken": shared * bad}, {"broken": 0.0})
    assert float(total) == 0
    assert gradient(total, shared) == 0


@given(networks)
def test_weight_0_leaves_the_head_of_its_task_unmoved(network):
    trunk, head, x = network
    total = weighted_sum(two_losses(trunk, head, x), {"price": 0.0, "brand": 1.0})
    total.backward()
    assert not np.any(head.grad)


@given(networks, two_weights, some.floats(0.01, 0.99))
def test_choosing_one_task_at_random_follows_on_average_the_gradient_with_weight_times_probability(
    network, w, p
):
    """E[g] = p w₁ g₁ + (1 − p) w₂ g₂: sampling is weighting."""
    trunk, head, x = network
    L = two_losses(trunk, head, x)
    drawn = {t: gradient(weighted_sum({t: L[t]}, {t: w[t]}), trunk) for t in L}
    weighted = weighted_sum(L, {"price": p * w["price"], "brand": (1 - p) * w["brand"]})
    assert_close(gradient(weighted, trunk), p * drawn["price"] + (1 - p) * drawn["brand"])


def test_total_of_float32_losses_is_float32():
    def total(a, b):
        return weighted_sum({"a": a, "b": b}, {"a": 0.1, "b": 2})

    assert_float32_stays_float32(total, [1.5, 2.5])
    assert weighted_sum({"a": Parameter(np.float32(1))}, {"a": 0.0}).dtype == np.float32


# The pull to zero.

matrices_by_task = some.by_task(st.lists(some.arrays(some.shapes(max_dims=2)), max_size=2))


def tensors(matrices):
    return {t: [Parameter(W) for W in Ws] for t, Ws in matrices.items()}


def flat(matrices):
    """The matrices of all tasks, one after the other."""
    return [W for Ws in matrices.values() for W in Ws]


@given(matrices_by_task, a_gradient_from_above, st.data())
def test_l2_penalty_is_its_printed_double_sum_with_one_coefficient_for_each_task(matrices, g, data):
    strengths = {t: data.draw(some.weights()) for t in matrices}
    Ws = tensors(matrices)
    penalty = l2_penalty(Ws, strengths)
    assert_close(penalty.data, np.asarray(numeric.l2_penalty(matrices, strengths), float))

    def formula(*moved):
        moved = iter(moved)
        by_task = {t: [next(moved) for _ in matrices[t]] for t in matrices}
        return numeric.l2_penalty(by_task, strengths)

    slopes = complex_step(formula, *flat(matrices), g=g)
    for got, expected in zip(gradient(penalty, flat(Ws), g), slopes):
        assert_close(got, expected)


@given(matrices_by_task, st.data())
def test_gradient_of_l2_penalty_is_twice_the_coefficient_times_the_matrix(matrices, data):
    strengths = {t: data.draw(some.weights()) for t in matrices}
    Ws = tensors(matrices)
    for t in Ws:
        for W, slope in zip(matrices[t], gradient(l2_penalty(Ws, strengths), Ws[t])):
            assert_close(slope, 2 * strengths[t] * W)


@given(some.arrays((2, 2)), some.arrays((2, 2)), some.arrays((2, 2)))
def test_l2_penalty_couples_no_tasks(W, one, other):
    """Task a feels nothing of where task b is: this penalty makes weights small, not similar."""
    strengths = {"a": 0.5, "b": 2.0}
    a = Parameter(W)
    first = l2_penalty({"a": [a], "b": [Tensor(one)]}, strengths)
    second = l2_penalty({"a": [a], "b": [Tensor(other)]}, strengths)
    assert np.array_equal(gradient(first, a), gradient(second, a))


@given(some.arrays(), some.weights(), some.weights())
def test_matrix_that_several_tasks_share_is_pulled_once_for_each(W, λ1, λ2):
    shared = Parameter(W)
    penalty = l2_penalty({"a": [shared], "b": [shared]}, {"a": λ1, "b": λ2})
    assert_close(float(penalty), (λ1 + λ2) * (W**2).sum())
    assert_close(gradient(penalty, shared), 2 * (λ1 + λ2) * W)


@given(matrices_by_task)
def test_l2_penalty_is_0_exactly_at_zero_and_positive_elsewhere(matrices):
    strengths = dict.fromkeys(matrices, 0.5)
    penalty = float(l2_penalty(tensors(matrices), strengths))
    if any(np.any(W) for W in flat(matrices)):
        assert penalty > 0
    else:
        assert penalty == 0


@given(matrices_by_task, some.floats(-3, 3))
def test_l2_penalty_scales_with_the_square(matrices, c):
    strengths = {t: i + 0.5 for i, t in enumerate(matrices)}
    scaled = {t: [c * W for W in matrices[t]] for t in matrices}
    penalty = float(l2_penalty(tensors(matrices), strengths))
    assert_close(float(l2_penalty(tensors(scaled), strengths)), c**2 * penalty)


def test_l2_penalty_of_coefficient_0_is_none():
    W = Parameter([[1.0, 2.0]])
    penalty = l2_penalty({"a": [W]}, {"a": 0.0})
    assert float(penalty) == 0
    assert not np.any(gradient(penalty, W))


# The pull together.

both_pulls = pytest.mark.parametrize("pull", ["mean", "pairs"])
PRINTED = {"mean": numeric.pull_to_mean, "pairs": numeric.pull_by_pairs}


def rows(copies):
    """θ_t: all the parameters of task t's copy, side by side."""
    return [np.concatenate([np.reshape(x, -1) for x in arrays]) for arrays in copies]


def distance(copies, strength=1.0, pull="mean"):
    """The penalty as a number."""
    constants = [[Tensor(x) for x in arrays] for arrays in copies]
    return float(l2_distance(constants, strength, pull))


def slopes(copies, strength=1.0, pull="mean", g=None):
    """(T, P): row t is the gradient with respect to θ_t."""
    leaves = [[Parameter(x) for x in arrays] for arrays in copies]
    penalty = l2_distance(leaves, strength, pull)
    return np.array(rows([gradient(penalty, leaf, g) for leaf in leaves]))


@both_pulls
@given(some.parameter_copies(), some.weights())
def test_l2_distance_is_its_printed_formula(pull, copies, λ):
    assert_close(distance(copies, λ, pull), float(PRINTED[pull](rows(copies), λ)))


@both_pulls
@given(some.parameter_copies(), some.weights(), a_gradient_from_above)
def test_gradient_of_l2_distance_is_exact_although_the_mean_depends_on_every_copy(
    pull, copies, λ, g
):
    expected = complex_step(lambda *θ: PRINTED[pull](θ, λ), *rows(copies), g=g)
    assert_close(slopes(copies, λ, pull, g), np.array(expected))


@given(some.parameter_copies(), some.weights())
def test_gradient_of_l2_distance_is_twice_the_strength_times_the_way_from_the_mean(copies, λ):
    Θ = np.array(rows(copies))
    assert_close(slopes(copies, λ), 2 * λ * (Θ - Θ.mean(0)))


@given(some.parameter_copies(), some.weights())
def test_pull_by_pairs_is_T_times_pull_to_the_mean(copies, λ):
    T = len(copies)
    assert_close(distance(copies, λ, "pairs"), T * distance(copies, λ, "mean"))
    assert_close(slopes(copies, λ, "pairs"), T * slopes(copies, λ, "mean"))


@given(some.parameter_copies(), some.weights())
def test_pull_by_pairs_is_the_laplacian_of_the_graph_in_which_all_tasks_are_related(copies, λ):
    """λ tr(Θᵀ Lap Θ), Lap = T I − 1 1ᵀ"""
    Θ = np.array(rows(copies))  # (T, P)
    T = len(Θ)
    laplacian = T * np.eye(T) - np.ones((T, T))
    assert_close(distance(copies, λ, "pairs"), λ * np.trace(Θ.T @ laplacian @ Θ))


def test_pull_to_the_mean_with_strength_1_is_the_default():
    copies = [[Tensor([1.0, 2.0])], [Tensor([3.0, 2.0])], [Tensor([5.0, 2.0])]]
    assert float(l2_distance(copies)) == 4 + 0 + 4


@both_pulls
@given(some.parameter_copies(min_tasks=2))
def test_pull_together_never_moves_the_mean(pull, copies):
    moved = slopes(copies, 1.5, pull).sum(0)
    assert_close(moved, np.zeros_like(moved))


@both_pulls
@given(some.parameter_copies(), st.data())
def test_adding_one_vector_to_every_copy_changes_nothing(pull, copies, data):
    v = [data.draw(some.arrays(x.shape)) for x in copies[0]]
    moved = [[x + d for x, d in zip(arrays, v)] for arrays in copies]
    assert_close(distance(moved, 1.5, pull), distance(copies, 1.5, pull))
    assert_close(slopes(moved, 1.5, pull), slopes(copies, 1.5, pull))


def test_adding_one_vector_to_every_copy_changes_the_pull_to_zero():
    θ = {"a": [Tensor([1.0])], "b": [Tensor([-1.0])]}
    moved = {"a": [Tensor([3.0])], "b": [Tensor([1.0])]}
    strengths = {"a": 1.0, "b": 1.0}
    assert float(l2_penalty(θ, strengths)) == 2
    assert float(l2_penalty(moved, strengths)) == 10


@both_pulls
@given(some.parameter_copies(), st.integers(1, 10))
def test_pull_together_is_0_without_gradient_exactly_at_equality(pull, copies, T):
    equal = [copies[0]] * T
    assert distance(equal, 1.5, pull) == 0
    assert not np.any(slopes(equal, 1.5, pull))


@both_pulls
@given(some.parameter_copies(min_tasks=2))
def test_pull_together_is_positive_where_copies_differ(pull, copies):
    Θ = np.array(rows(copies))
    assume(np.abs(Θ - Θ[0]).max() > 1e-3)
    assert distance(copies, 1.5, pull) > 0


@both_pulls
@given(some.parameter_copies(), st.data())
def test_pull_together_does_not_depend_on_the_order_of_tasks(pull, copies, data):
    order = data.draw(st.permutations(range(len(copies))))
    mixed = [copies[t] for t in order]
    assert_close(distance(mixed, 1.5, pull), distance(copies, 1.5, pull))
    assert_close(slopes(mixed, 1.5, pull), slopes(copies, 1.5, pull)[order])


@both_pulls
@given(some.parameter_copies(), some.floats(-3, 3))
def test_pull_together_scales_with_the_square(pull, copies, c):
    scaled = [[c * x for x in arrays] for arrays in copies]
    assert_close(distance(scaled, 1.5, pull), c**2 * distance(copies, 1.5, pull))


@both_pulls
@given(some.parameter_copies(), some.weights())
def test_pull_together_of_one_task_is_none(pull, copies, λ):
    assert distance(copies[:1], λ, pull) == 0


@given(some.parameter_copies(), some.floats(0.01, 5), some.floats(0.01, 5))
def test_pull_to_a_common_centre_that_is_itself_pulled_to_zero_is_a_mixture_of_both_penalties(
    copies, λ1, λ2
):
    """min over θ₀ of λ₁/T Σ‖θ_t − θ₀‖² + λ₂‖θ₀‖² = ρ₁ Σ‖θ_t‖² + ρ₂ Σ‖θ_t − θ̄‖²

    where ρ₁ = λ₁λ₂ / (T(λ₁ + λ₂)) and ρ₂ = λ₁² / (T(λ₁ + λ₂)) (Evgeniou & Pontil 2004).
    The least value on the left is found as a least-squares problem. Its rows ask θ₀ to be every
    θ_t, and 0.
    """
    Θ = np.array(rows(copies))  # (T, P)
    T = len(Θ)
    weight = np.sqrt([*[λ1 / T] * T, λ2])[:, None]  # (T + 1, 1)
    wanted = weight * np.vstack([Θ, np.zeros_like(Θ[:1])])  # (T + 1, P)
    centre = np.linalg.lstsq(weight, wanted, rcond=None)[0]
    least = ((weight @ centre - wanted) ** 2).sum()
    ρ1 = λ1 * λ2 / (T * (λ1 + λ2))
    ρ2 = λ1**2 / (T * (λ1 + λ2))
    by_task = {str(t): [Tensor(θ)] for t, θ in enumerate(Θ)}
    to_zero = float(l2_penalty(by_task, dict.fromkeys(by_task, ρ1)))
    assert_close(to_zero + distance(copies, ρ2), least)


with_and_without_axes = pytest.mark.parametrize("x", [1.5, [1.5, 2.5]])


@with_and_without_axes
def test_l2_penalty_of_float32_parameters_is_float32(x):
    def penalty(a, b):
        return l2_penalty({"a": [a], "b": [b]}, {"a": 0.5, "b": 2})

    assert_float32_stays_float32(penalty, [x, x])


@both_pulls
@with_and_without_axes
def test_l2_distance_of_float32_parameters_is_float32(pull, x):
    assert_float32_stays_float32(lambda a, b: l2_distance([[a], [b]], 0.1, pull), [x, x])


# Bad input: the call, the exception, and the words that its message has to hold.

column = Tensor([[1.0], [2.0], [3.0]])
row = Tensor([1.0, 2.0, 3.0])
two = Tensor([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])
ones = np.ones(3)
zeros = np.zeros(3, int)
f32 = np.ones(3, np.float32)
present = np.array([True, True, False])
L = {"price": Tensor(2.0), "buys": Tensor(0.5)}
W = {"price": [two], "buys": [column]}

BAD_INPUT = {
    "mse: targets (3,) for (3, 1)": (
        lambda: mse(column, ones),
        ValueError,
        ["mse", "targets", "(3, 1)", "(3,)"],
    ),
    "mse: targets (3, 1) for (3,)": (
        lambda: mse(row, ones[:, None]),
        ValueError,
        ["mse", "targets", "(3,)", "(3, 1)"],
    ),
    "mse: targets a number": (
        lambda: mse(row, 1.0),
        TypeError,
        ["mse", "targets", "array", "float"],
    ),
    "mse: targets a list": (
        lambda: mse(row, [1.0, 2.0, 3.0]),
        TypeError,
        ["mse", "targets", "array", "list"],
    ),
    "mse: targets a tensor": (
        lambda: mse(row, row),
        TypeError,
        ["mse", "targets", "array", "Tensor"],
    ),
    "mse: targets float32": (
        lambda: mse(row, f32),
        TypeError,
        ["mse", "targets", "float64", "float32"],
    ),
    "mse: targets integers": (
        lambda: mse(row, zeros),
        TypeError,
        ["mse", "targets", "float64", "int64"],
    ),
    "mse: prediction an array": (
        lambda: mse(ones, ones),
        TypeError,
        ["mse", "Tensor", "ndarray"],
    ),
    "mse: no example": (
        lambda: mse(Tensor(np.ones((0, 1))), np.ones((0, 1))),
        ValueError,
        ["mse", "at least one", "(0, 1)"],
    ),
    "mse: mask (3,) for (3, 1)": (
        lambda: mse(column, ones[:, None], present),
        ValueError,
        ["mse", "mask", "(3, 1)", "(3,)"],
    ),
    "mse: mask of integers": (
        lambda: mse(row, ones, zeros),
        TypeError,
        ["mse", "mask", "boolean", "float64", "int64"],
    ),
    "mse: weights of another type": (
        lambda: mse(row, ones, f32),
        TypeError,
        ["mse", "mask", "float64", "float32"],
    ),
    "mse: weight negative": (
        lambda: mse(row, ones, np.array([1.0, 0.0, -0.5])),
        ValueError,
        ["mse", "mask", "not negative", "-0.5", "position 2"],
    ),
    "mse: weight nan": (
        lambda: mse(row, ones, np.array([1.0, np.nan, 1.0])),
        ValueError,
        ["mse", "mask", "finite", "nan", "position 1"],
    ),
    "mse: weight infinite": (
        lambda: mse(row, ones, ones * np.inf),
        ValueError,
        ["mse", "mask", "finite", "inf", "position 0"],
    ),
    "mse: mask a list": (
        lambda: mse(row, ones, [True, True, False]),
        TypeError,
        ["mse", "mask", "array", "list"],
    ),
    "cross_entropy: label too large": (
        lambda: cross_entropy(two, np.array([0, 2, 1])),
        IndexError,
        ["cross_entropy", "labels", "[0, 2)", "got 2 at position 1"],
    ),
    "cross_entropy: label negative": (
        lambda: cross_entropy(two, np.array([0, 1, -1])),
        IndexError,
        ["cross_entropy", "labels", "[0, 2)", "got -1 at position 2"],
    ),
    "cross_entropy: label out of range where present": (
        lambda: cross_entropy(two, np.array([0, 9, 9]), present),
        IndexError,
        ["labels", "got 9 at position 1"],
    ),
    "cross_entropy: labels of floating type": (
        lambda: cross_entropy(two, ones),
        TypeError,
        ["cross_entropy", "labels", "integers", "float64"],
    ),
    "cross_entropy: soft labels of other classes": (
        lambda: cross_entropy(two, np.full((3, 3), 1 / 3)),
        ValueError,
        ["cross_entropy", "labels", "(3, 2)", "(3, 3)"],
    ),
    "cross_entropy: soft labels of another type": (
        lambda: cross_entropy(two, np.full((3, 2), 0.5, np.float32)),
        TypeError,
        ["cross_entropy", "labels", "float64", "float32"],
    ),
    "cross_entropy: soft labels that do not sum to 1": (
        lambda: cross_entropy(two, np.array([[0.5, 0.5], [0.5, 0.4], [1.0, 0.0]])),
        ValueError,
        ["cross_entropy", "labels", "sum to 1", "0.9", "row 1"],
    ),
    "cross_entropy: soft labels that are negative": (
        lambda: cross_entropy(two, np.array([[0.5, 0.5], [1.0, 0.0], [1.5, -0.5]])),
        ValueError,
        ["cross_entropy", "labels", "[0, 1]", "-0.5", "row 2"],
    ),
    "cross_entropy: soft labels nan where present": (
        lambda: cross_entropy(two, np.full((3, 2), np.nan), present),
        ValueError,
        ["cross_entropy", "labels", "nan", "row 0"],
    ),
    "cross_entropy: weights (3, 2)": (
        lambda: cross_entropy(two, zeros, np.ones((3, 2))),
        ValueError,
        ["cross_entropy", "mask", "(3,)", "(3, 2)"],
    ),
    "cross_entropy: weight negative": (
        lambda: cross_entropy(two, zeros, -ones),
        ValueError,
        ["cross_entropy", "mask", "not negative", "-1.0", "position 0"],
    ),
    "cross_entropy: labels (3, 1)": (
        lambda: cross_entropy(two, zeros[:, None]),
        ValueError,
        ["cross_entropy", "labels", "(3,)", "(3, 1)"],
    ),
    "cross_entropy: labels one-hot": (
        lambda: cross_entropy(two, np.eye(2, dtype=int)[[0, 1, 1]]),
        ValueError,
        ["cross_entropy", "labels", "(3,)", "(3, 2)"],
    ),
    "cross_entropy: labels a list": (
        lambda: cross_entropy(two, [0, 1, 1]),
        TypeError,
        ["cross_entropy", "labels", "array", "list"],
    ),
    "cross_entropy: logits (3,)": (
        lambda: cross_entropy(row, zeros),
        ValueError,
        ["cross_entropy", "logits", "(N, C)", "(3,)"],
    ),
    "cross_entropy: logits an array": (
        lambda: cross_entropy(two.data, zeros),
        TypeError,
        ["cross_entropy", "Tensor", "ndarray"],
    ),
    "cross_entropy: no example": (
        lambda: cross_entropy(Tensor(np.ones((0, 2))), zeros[:0]),
        ValueError,
        ["cross_entropy", "at least one", "(0,"],
    ),
    "cross_entropy: mask (3, 2)": (
        lambda: cross_entropy(two, zeros, two.data > 0),
        ValueError,
        ["cross_entropy", "mask", "(3,)", "(3, 2)"],
    ),
    "cross_entropy: mask of integers": (
        lambda: cross_entropy(two, zeros, zeros),
        TypeError,
        ["cross_entropy", "mask", "boolean", "int64"],
    ),
    "binary_cross_entropy: labels (3,) for (3, 1)": (
        lambda: binary_cross_entropy(column, zeros),
        ValueError,
        ["binary_cross_entropy", "labels", "(3, 1)", "(3,)"],
    ),
    "binary_cross_entropy: label 2": (
        lambda: binary_cross_entropy(row, np.array([0, 1, 2])),
        ValueError,
        ["binary_cross_entropy", "labels", "[0, 1]", "got 2", "position 2"],
    ),
    "binary_cross_entropy: label 2 of a type without a sign": (
        lambda: binary_cross_entropy(row, np.array([0, 1, 2], np.uint8)),
        ValueError,
        ["labels", "[0, 1]", "got 2", "position 2"],
    ),
    "cross_entropy: no class": (
        lambda: cross_entropy(Tensor(np.zeros((2, 0))), np.zeros((2, 0)), np.zeros(2, bool)),
        ValueError,
        ["cross_entropy", "logits", "(N, C), C ≥ 1", "(2, 0)"],
    ),
    "binary_cross_entropy: label -1 for no": (
        lambda: binary_cross_entropy(row, np.array([1, -1, 1])),
        ValueError,
        ["labels", "[0, 1]", "got -1", "position 1"],
    ),
    "binary_cross_entropy: label nan where present": (
        lambda: binary_cross_entropy(row, ones * np.nan, present),
        ValueError,
        ["labels", "[0, 1]", "got nan", "position 0"],
    ),
    "binary_cross_entropy: labels float32": (
        lambda: binary_cross_entropy(row, f32),
        TypeError,
        ["binary_cross_entropy", "labels", "float64", "float32"],
    ),
    "binary_cross_entropy: labels a list": (
        lambda: binary_cross_entropy(row, [0, 1, 1]),
        TypeError,
        ["binary_cross_entropy", "labels", "array", "list"],
    ),
    "binary_cross_entropy: logits an array": (
        lambda: binary_cross_entropy(ones, ones),
        TypeError,
        ["binary_cross_entropy", "Tensor", "ndarray"],
    ),
    "binary_cross_entropy: no example": (
        lambda: binary_cross_entropy(Tensor(ones[:0]), zeros[:0]),
        ValueError,
        ["binary_cross_entropy", "at least one", "(0,)"],
    ),
    "binary_cross_entropy: mask of integers": (
        lambda: binary_cross_entropy(row, zeros, zeros),
        TypeError,
        ["binary_cross_entropy", "mask", "boolean", "int64"],
    ),
    "binary_cross_entropy: weight negative": (
        lambda: binary_cross_entropy(row, zeros, -ones),
        ValueError,
        ["binary_cross_entropy", "mask", "not negative", "-1.0", "position 0"],
    ),
    "weighted_sum: weight negative": (
        lambda: weighted_sum(L, {"price": -1.0, "buys": 1.0}),
        ValueError,
        ["weighted_sum", "weights['price']", "not negative", "-1.0"],
    ),
    "weighted_sum: weight nan": (
        lambda: weighted_sum(L, {"price": 1.0, "buys": np.nan}),
        ValueError,
        ["weighted_sum", "weights['buys']", "finite", "nan"],
    ),
    "weighted_sum: weight infinite": (
        lambda: weighted_sum(L, {"price": 1.0, "buys": np.inf}),
        ValueError,
        ["weighted_sum", "weights['buys']", "finite", "inf"],
    ),
    "weighted_sum: weight missing": (
        lambda: weighted_sum(L, {"price": 1.0}),
        ValueError,
        ["weighted_sum", "weights", "price", "missing ['buys']", "unknown []"],
    ),
    "weighted_sum: task unknown": (
        lambda: weighted_sum(L, {"price": 1, "buys": 1, "buy": 1}),
        ValueError,
        ["weighted_sum", "missing []", "unknown ['buy']"],
    ),
    "weighted_sum: loss not a scalar": (
        lambda: weighted_sum({"price": row}),
        ValueError,
        ["weighted_sum", "losses['price']", "scalar", "(3,)"],
    ),
    "weighted_sum: loss (1, 1)": (
        lambda: weighted_sum({"price": Tensor([[1.0]])}),
        ValueError,
        ["weighted_sum", "losses['price']", "scalar", "(1, 1)"],
    ),
    "weighted_sum: loss a number": (
        lambda: weighted_sum({"price": 1.0}),
        TypeError,
        ["weighted_sum", "losses['price']", "Tensor", "float"],
    ),
    "weighted_sum: no loss": (
        lambda: weighted_sum({}),
        ValueError,
        ["weighted_sum", "losses", "at least one"],
    ),
    "l2_penalty: strength negative": (
        lambda: l2_penalty(W, {"price": -0.1, "buys": 1}),
        ValueError,
        ["l2_penalty", "strengths['price']", "not negative", "-0.1"],
    ),
    "l2_penalty: strength nan": (
        lambda: l2_penalty(W, {"price": np.nan, "buys": 1}),
        ValueError,
        ["l2_penalty", "strengths['price']", "finite", "nan"],
    ),
    "l2_penalty: strength missing": (
        lambda: l2_penalty(W, {"buys": 1}),
        ValueError,
        ["l2_penalty", "strengths", "missing ['price']"],
    ),
    "l2_distance: strength negative": (
        lambda: l2_distance([[row], [row]], -1.0),
        ValueError,
        ["l2_distance", "strength", "not negative", "-1.0"],
    ),
    "l2_distance: strength infinite": (
        lambda: l2_distance([[row], [row]], np.inf),
        ValueError,
        ["l2_distance", "strength", "finite", "inf"],
    ),
    "l2_distance: copies of other shapes": (
        lambda: l2_distance([[row], [column]]),
        ValueError,
        ["l2_distance", "copies", "aligned", "(3,)", "(3, 1)"],
    ),
    "l2_distance: copies of other lengths": (
        lambda: l2_distance([[row], [row, row]]),
        ValueError,
        ["l2_distance", "copies", "aligned"],
    ),
    "l2_distance: no copies": (
        lambda: l2_distance([]),
        ValueError,
        ["l2_distance", "copies"],
    ),
    "l2_distance: pull unknown": (
        lambda: l2_distance([[row], [row]], pull="median"),
        ValueError,
        ["l2_distance", "pull", "'mean' or 'pairs'", "'median'"],
    ),
}


@pytest.mark.parametrize("call, exception, words", BAD_INPUT.values(), ids=BAD_INPUT)
def test_bad_input_is_refused_in_words(call, exception, words):
    assert_refused_in_words(call, exception, words)


@pytest.mark.parametrize("error", [1e-5, -1e-5, 1e-2])
def test_soft_labels_that_do_not_sum_to_1_are_refused(error):
    q = np.array([[0.25, 0.75], [0.5, 0.5 + error]])
    with pytest.raises(ValueError, match="^cross_entropy: "):
        cross_entropy(Tensor(np.zeros((2, 2))), q)


def test_soft_labels_may_be_rounded():
    q = np.array([[0.25, 0.75 + 5e-7]])
    assert float(cross_entropy(Tensor(np.zeros((1, 2))), q)) == pytest.approx(np.log(2), abs=1e-6)
