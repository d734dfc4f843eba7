"""The laws of joint training: a step is the six lines, the weights are the rule's.

What goes wrong changes nothing.
"""

import functools
import inspect
import io
import math
import re
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from two_tasks import (
    LOSSES,
    SHARINGS,
    Path,
    examples,
    half_labelled,
    network,
    numbered,
    numeric_jacobian,
    word_examples,
    words,
)

import tinymtl as mtl
import tinymtl.progress
import tinymtl.step
import tinymtl.tensor
from tinymtl.ops import sqrt
from tinymtl.sharing import task_losses

laws = settings(max_examples=20)
seeds = st.integers(0, 2**32 - 1)
every_model = pytest.mark.parametrize("kind", SHARINGS)


def inverse_norm(losses, gramian):
    w = 1 / np.sqrt(np.diag(gramian))
    return w * len(w) / w.sum()


def inverse_loss(losses, gramian=None):
    return 1 / losses


# A rule of the Gramian needs shared parameters.
models_and_rules = pytest.mark.parametrize(
    "kind, rule",
    [
        ("alone", None),
        ("alone", inverse_loss),
        ("soft", None),
        ("soft", inverse_loss),
        ("hard", None),
        ("hard", inverse_loss),
        ("hard", inverse_norm),
    ],
)


# The step


def six_lines(model, batches, weights, optimizer):
    """What a reader writes in place of `fit`; returns the losses before each step, (steps, T)."""
    rows = []
    for k, batch in enumerate(batches):
        outputs = model({t: x for t, (x, *_) in batch.items()})
        L = {t: LOSSES[t](outputs[t], *y) for t, (_, *y) in batch.items()}
        total = mtl.weighted_sum(L, weights) + model.penalty()
        model.zero_grad()
        total.backward()
        optimizer.step(model, k / len(batches))
        rows.append([float(L["a"]), float(L["b"])])
    return np.array(rows)


def sgd_with_schedule():
    return mtl.SGD(lambda progress: 0.1 * (1 - progress))


@every_model
@pytest.mark.parametrize("weights", [None, {"a": 0.3, "b": 2.0}], ids=["equal", "weighted"])
@pytest.mark.parametrize("make", [sgd_with_schedule, mtl.Adam], ids=["SGD", "Adam"])
def test_fit_is_the_six_lines_to_the_bit(kind, weights, make):
    data = examples()
    fitted = network(kind, l2=0.01)
    written = network(kind, l2=0.01)
    history = mtl.fit(fitted, data, LOSSES, weights=weights, optimizer=make(), steps=5)
    rows = six_lines(written, [data] * 5, weights, make())
    np.testing.assert_array_equal(fitted.theta, written.theta)
    np.testing.assert_array_equal([history.losses["a"], history.losses["b"]], rows.T)


@every_model
def test_fit_on_minibatches_is_the_six_lines_on_the_batches_drawn(kind):
    data = examples(10, N_b=7)
    with_numbers, losses, seen = numbered(data)
    fitted = network(kind)
    written = network(kind)
    history = mtl.fit(
        fitted,
        with_numbers,
        losses,
        optimizer=mtl.Adam(),
        steps=9,
        batch_size=4,
        rng=np.random.default_rng(0),
    )
    batches = [{t: tuple(a[seen[t][k]] for a in data[t]) for t in data} for k in range(9)]
    rows = six_lines(written, batches, None, mtl.Adam())
    np.testing.assert_array_equal(fitted.theta, written.theta)
    np.testing.assert_array_equal([history.losses["a"], history.losses["b"]], rows.T)


def test_optimizer_is_told_the_fraction_of_steps_already_made():
    path = Path()
    mtl.fit(network(), examples(), LOSSES, optimizer=path, steps=4)
    assert path.progress == [0, 0.25, 0.5, 0.75]


def test_no_steps_change_nothing():
    model = network()
    before = model.theta.copy()
    mtl.fit(model, examples(), LOSSES, optimizer=mtl.SGD(0.1), steps=0, cosines_every=1)
    np.testing.assert_array_equal(model.theta, before)


@every_model
def test_one_seed_gives_one_theta_to_the_bit(kind):
    thetas = []
    for _ in range(2):
        model = network(kind)
        rng = np.random.default_rng(5)
        mtl.fit(model, examples(), LOSSES, optimizer=mtl.Adam(), steps=7, batch_size=3, rng=rng)
        thetas.append(model.theta)
    np.testing.assert_array_equal(*thetas)


# Missing labels


@every_model
def test_a_batch_without_labels_of_a_task_leaves_the_task_out(kind):
    data, losses, seen = numbered(half_labelled(8))
    path = Path()
    model = network(kind)
    history = mtl.fit(
        model, data, losses, optimizer=path, steps=24, batch_size=1, rng=np.random.default_rng(0)
    )
    absent = np.isnan(history.losses["b"])
    assert absent.sum() == 12  # three epochs of eight, half of them without a label
    numbers = [int(batch[0]) for batch in seen["b"]]
    assert len(numbers) == 12
    assert all(number < 4 for number in numbers)
    np.testing.assert_array_equal(history.weights["b"], np.where(absent, 0.0, 1.0))
    np.testing.assert_array_equal(history.weights["a"], 1.0)
    np.testing.assert_allclose(
        history.total, history.losses["a"] + np.where(absent, 0, history.losses["b"])
    )
    of_b = slice(model.theta.size - 10, None)  # the last head
    for k, (before, after) in enumerate(zip(path.thetas, [*path.thetas[1:], model.theta])):
        assert (before[of_b] == after[of_b]).all() == absent[k]
        assert (before != after).any()


class AskedRule:
    """A rule that notes what it is asked, and weighs its tasks 1, 2, ..."""

    tasks = None

    def __init__(self):
        self.asked = []

    def note(self, losses, gramian):
        shape = None if gramian is None else gramian.shape
        self.asked.append((list(self.tasks), losses.copy(), shape))
        return np.arange(1.0, 1 + len(losses))


class AskedWithGramian(AskedRule):
    def __call__(self, losses, gramian):
        return self.note(losses, gramian)


class AskedWithoutGramian(AskedRule):
    def __call__(self, losses, gramian=None):
        return self.note(losses, gramian)


@pytest.mark.parametrize("make", [AskedWithoutGramian, AskedWithGramian])
def test_a_rule_never_sees_a_task_without_labels(make):
    rule = make()
    history = mtl.fit(
        network(),
        half_labelled(8),
        LOSSES,
        weights=rule,
        optimizer=mtl.SGD(0.01),
        steps=16,
        batch_size=1,
        rng=np.random.default_rng(0),
    )
    absent = np.isnan(history.losses["b"])
    assert absent.any()
    assert not absent.all()
    assert len(rule.asked) == 16
    for k, (tasks, losses, shape) in enumerate(rule.asked):
        assert tasks == (["a"] if absent[k] else ["a", "b"])
        assert losses.tolist() == [history.losses[t][k] for t in tasks]
        assert shape == ((len(tasks), len(tasks)) if make is AskedWithGramian else None)
    np.testing.assert_array_equal(history.weights["b"], np.where(absent, 0, 2))


@models_and_rules
def test_a_batch_without_any_label_moves_the_parameters_by_the_penalty_alone(kind, rule):
    x, y = examples(2)["a"]
    first = np.array([[True, True], [False, False]])
    path = Path(0.1)
    model = network(kind, l2=0.01)
    history = mtl.fit(
        model,
        dict.fromkeys("ab", (x, y, first)),
        LOSSES,
        weights=rule,
        optimizer=path,
        steps=6,
        batch_size=1,
        rng=np.random.default_rng(0),
        cosines_every=1,
    )
    absent = np.isnan(history.losses["a"])
    assert absent.sum() == 3
    thetas = [*path.thetas, model.theta.copy()]
    for k in np.flatnonzero(absent):
        model.theta[:] = thetas[k]
        model.zero_grad()
        model.penalty().backward()
        np.testing.assert_array_equal(thetas[k + 1], thetas[k] - 0.1 * model.grad)
    assert np.isnan(history.cosines[absent]).all()
    assert (history.total[absent] == 0).all()


# Tasks without data rest


def only_a():
    return {"a": examples()["a"]}


@every_model
@pytest.mark.parametrize("make", [lambda: mtl.SGD(0.1, momentum=0.9), lambda: mtl.Adam(0.1)])
def test_a_task_without_data_keeps_its_own_parameters_and_their_memory(kind, make):
    model = network(kind, l2=0.1)
    optimizer = make()
    mtl.fit(model, examples(), LOSSES, optimizer=optimizer, steps=3)
    before = {name: p.data.copy() for name, p in model.named_parameters().items()}
    of_a = {id(p) for p in model.task_parameters("a")}
    rests = np.concatenate(
        [np.full(p.data.size, id(p) not in of_a) for p in model.ordered_parameters()]
    )
    memory = {name: getattr(optimizer, name).copy() for name in optimizer.memory}
    history = mtl.fit(model, only_a(), LOSSES, optimizer=optimizer, steps=5, cosines_every=1)
    for name, p in model.named_parameters().items():
        assert np.array_equal(p.data, before[name]) == (id(p) not in of_a)
        assert not p.frozen
    for name, old in memory.items():
        np.testing.assert_array_equal(getattr(optimizer, name)[rests], old[rests])
    assert history.tasks == ["a"]
    assert history.cosines.shape == (5, 1, 1)
    assert list(history.losses) == list(history.weights) == list(history.epochs) == ["a"]


@every_model
def test_a_task_alone_in_the_data_is_trained_as_if_the_model_had_no_other(kind):
    rng = np.random.default_rng(0)
    trunk = mtl.Sequential(mtl.Dense(3, 4, rng), mtl.tanh)
    heads = {t: mtl.Dense(4, 2, rng) for t in "ab"}
    more = {"strength": 0.0} if kind == "soft" else {}
    build = mtl.SoftSharing if kind == "soft" else SHARINGS[kind]
    of_both = build(trunk, heads, **more)
    of_one = build(trunk, {"a": heads["a"]}, **more)
    for model in (of_both, of_one):
        mtl.fit(model, only_a(), LOSSES, optimizer=mtl.Adam(0.1), steps=5)
    for p, q in zip(of_both.task_parameters("a"), of_one.task_parameters("a"), strict=True):
        np.testing.assert_array_equal(p.data, q.data)


def test_a_resting_task_may_be_evaluated_and_is_trained_again_after():
    model = network()
    held_out = examples(seed=2)
    history = mtl.fit(
        model,
        only_a(),
        {"a": mtl.mse, "b": mtl.mse},
        weights={"a": 2.0},
        optimizer=mtl.Adam(0.01),
        steps=4,
        held_out=held_out,
        evaluate_every=2,
        patience=9,
    )
    assert len(history.held_out["a"]) == len(history.held_out["b"]) == 3
    assert history.best_step == history.held_out_steps[np.argmin(history.held_out["a"])]
    before = model.heads["b"].W.data.copy()
    mtl.fit(model, examples(), LOSSES, optimizer=mtl.Adam(0.01), steps=1)
    assert (model.heads["b"].W.data != before).all()


def test_a_parameter_that_was_frozen_before_stays_frozen():
    model = network()
    model.heads["b"].freeze()
    mtl.fit(model, only_a(), LOSSES, optimizer=mtl.Adam(0.01), steps=1)
    assert model.heads["b"].W.frozen
    assert not model.heads["a"].W.frozen


def test_a_rule_sees_only_the_tasks_with_data():
    asked = []

    def noting(losses, gramian=None):
        asked.append(len(losses))
        return np.ones(len(losses))

    def noting_with_gramian(losses, gramian):
        asked.append(gramian.shape)
        return np.ones(len(losses))

    for weights in (noting, noting_with_gramian):
        mtl.fit(network(), only_a(), LOSSES, weights=weights, optimizer=mtl.SGD(0.1), steps=1)
    assert asked == [1, (1, 1)]


# Weights and rules


def constant_rule(weights, needs_gramian):
    """A rule that always gives these weights."""

    def with_gramian(losses, gramian):
        return weights

    def without_gramian(losses, gramian=None):
        return weights

    return with_gramian if needs_gramian else without_gramian


@laws
@given(seeds, st.floats(0, 3), st.floats(0, 3), st.booleans())
def test_a_step_under_a_rule_is_the_step_under_the_weights_it_gives(seed, w_a, w_b, needs_gramian):
    by_rule = network(seed=seed, l2=0.01)
    by_dict = network(seed=seed, l2=0.01)
    rule = constant_rule([w_a, w_b], needs_gramian)
    for model, weights in ((by_rule, rule), (by_dict, {"a": w_a, "b": w_b})):
        history = mtl.fit(
            model,
            examples(),
            LOSSES,
            weights=weights,
            weight_own=True,
            optimizer=mtl.SGD(0.1),
            steps=3,
        )
        np.testing.assert_array_equal(
            [history.weights["a"], history.weights["b"]], [[w_a] * 3, [w_b] * 3]
        )
    np.testing.assert_allclose(by_rule.theta, by_dict.theta, rtol=1e-10, atol=1e-12)


def test_a_rule_may_give_negative_weights():
    model = network()
    data = examples()
    before = model.theta.copy()
    J = numeric_jacobian(model, data, dict.fromkeys("ab", slice(None)))
    rule = constant_rule([1.0, -0.5], needs_gramian=False)
    mtl.fit(model, data, LOSSES, weights=rule, optimizer=mtl.SGD(0.1), steps=1)
    np.testing.assert_allclose(model.theta, before - 0.1 * (J[0] - 0.5 * J[1]), atol=1e-8)


@every_model
def test_a_rule_of_the_losses_is_asked_with_the_losses_of_every_step(kind):
    asked = []

    def rule(losses, gramian=None):
        asked.append(losses.copy())
        return inverse_loss(losses)

    history = mtl.fit(
        network(kind), examples(), LOSSES, weights=rule, optimizer=mtl.SGD(0.1), steps=4
    )
    np.testing.assert_array_equal(np.array(asked).T, [history.losses["a"], history.losses["b"]])
    np.testing.assert_allclose(history.weighted["a"], 1)


@pytest.mark.parametrize("encoders", [False, True])
def test_the_gramian_is_that_of_the_shared_parameters_alone(encoders):
    asked = []

    def rule(losses, gramian):
        asked.append(gramian.copy())
        return inverse_norm(losses, gramian)

    more = {}
    if encoders:
        more["encoders"] = {"b": mtl.Dense(3, 3, np.random.default_rng(0))}
    model = network(l2=0.3, **more)
    data = examples()
    J = numeric_jacobian(model, data, dict.fromkeys("ab", slice(0, 16)))
    mtl.fit(model, data, LOSSES, weights=rule, optimizer=mtl.SGD(0.1), steps=1)
    np.testing.assert_allclose(asked[0], [[sum(s * t) for t in J] for s in J], atol=1e-8)


# Every rule of the package


def rule_by_name(name):
    rule = getattr(mtl.weighting, name)
    if not isinstance(rule, type):
        return rule
    by_chance = "rng" in inspect.signature(rule).parameters
    return rule(np.random.default_rng(0)) if by_chance else rule()


def passes_in_the_table(name):
    """Of two tasks: 1, or T = 2, as the column `passes` says."""
    row = re.search(rf"^    {name} +.*$", mtl.weighting.__doc__, re.MULTILINE)[0]
    return {"1": 1, "T": 2}[re.split(r"  +", row.strip())[2]]


@pytest.mark.parametrize("name", mtl.weighting.__all__)
def test_every_rule_trains_and_its_step_is_that_of_the_weights_it_gave(name):
    model = network()
    twin = network()
    data = examples()
    history = mtl.fit(
        model,
        data,
        LOSSES,
        weights=rule_by_name(name),
        weight_own=True,
        optimizer=mtl.SGD(0.05),
        steps=3,
    )
    for k in range(3):
        weights = {t: w[k] for t, w in history.weights.items()}
        mtl.fit(twin, data, LOSSES, weights=weights, optimizer=mtl.SGD(0.05), steps=1)
    np.testing.assert_allclose(model.theta, twin.theta, rtol=1e-9, atol=1e-12)


PASSES = [
    pytest.param(None, 1, id="none"),
    pytest.param({"a": 1.0, "b": 2.0}, 1, id="dict"),
    pytest.param(inverse_loss, 1, id="of the losses"),
    pytest.param(inverse_norm, 2, id="of the gramian"),
]
PASSES += [
    pytest.param(rule_by_name(name), passes_in_the_table(name), id=name)
    for name in mtl.weighting.__all__
]


@pytest.mark.parametrize("weights, passes", PASSES)
def test_a_rule_without_gramian_costs_one_backward_pass_and_any_other_one_for_each_task(
    monkeypatch, weights, passes
):
    walked = []
    chain_rule = tinymtl.tensor.chain_rule

    def counting(loss, *rest):
        if loss.pairs:  # a constant, like no penalty, is no pass
            walked.append(loss)
        return chain_rule(loss, *rest)

    monkeypatch.setattr(tinymtl.tensor, "chain_rule", counting)
    mtl.fit(network(), examples(), LOSSES, weights=weights, optimizer=mtl.SGD(0.1), steps=3)
    assert len(walked) == 3 * passes


def test_a_rule_that_asks_is_told_all_tasks_before_the_first_step():
    """Also those that rest in this run."""

    class Rule:
        def check_tasks(self, tasks):
            self.told = list(tasks)

        def __call__(self, losses, gramian=None):
            assert self.told == ["a", "b"]
            return np.ones(len(losses))

    data = {"a": examples()["a"]}
    mtl.fit(network(), data, LOSSES, weights=Rule(), optimizer=mtl.SGD(0.1), steps=1)


def test_uncertainty_of_a_task_that_there_is_not_is_refused_and_of_one_that_rests_is_not():
    data = {"a": examples()["a"]}
    for regression in (["a"], ["b"], ["a", "b"], []):
        rule = mtl.weighting.Uncertainty(regression)
        mtl.fit(network(), data, LOSSES, weights=rule, optimizer=mtl.SGD(0.1), steps=1)
    model = network()
    before = model.theta.copy()
    with pytest.raises(ValueError, match=r"Uncertainty: regression must be .* got \['misspelt'\]"):
        rule = mtl.weighting.Uncertainty(["a", "misspelt"])
        mtl.fit(model, data, LOSSES, weights=rule, optimizer=mtl.SGD(0.1), steps=1)
    np.testing.assert_array_equal(model.theta, before)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_losses_and_gramian_reach_a_rule_as_float64(dtype):
    def rule(losses, gramian):
        assert losses.dtype == gramian.dtype == np.float64
        return inverse_norm(losses, gramian)

    mtl.fit(network(dtype=dtype), examples(), LOSSES, weights=rule, optimizer=mtl.SGD(0.1), steps=2)


@pytest.mark.parametrize("rule", [inverse_loss, inverse_norm])
@pytest.mark.parametrize("l2", [None, 0.1])
def test_a_step_under_a_rule_moves_every_row_of_a_sparse_table_once(rule, l2):
    thetas = []
    for sparse in (True, False):
        rng = np.random.default_rng(0)
        trunk = mtl.Sequential(mtl.Embedding(5, 3, rng, sparse=sparse), mtl.Dense(3, 2, rng))
        model = mtl.HardSharing(trunk, {t: mtl.Dense(2, 2, rng) for t in "ab"}, l2=l2)
        data = {
            "a": (np.array([0, 1, 1]), rng.standard_normal((3, 2))),
            "b": (np.array([0, 2, 2]), rng.standard_normal((3, 2))),
        }
        mtl.fit(model, data, LOSSES, weights=rule, optimizer=mtl.SGD(0.1), steps=3)
        thetas.append(model.theta)
    np.testing.assert_allclose(*thetas, rtol=1e-12)


def test_weights_above_all_float32_give_a_finite_step_in_float32():
    # A gradient of 1e-30 with a weight of 1e39 is a long way from the edge of float32.
    thetas = []
    for scale, w in ((1e-30, 1e39), (1.0, 1e9)):
        model = network(dtype=np.float32)
        before = model.theta.copy()
        mtl.fit(
            model,
            examples(),
            {t: mse_times(scale) for t in "ab"},
            weights=constant_rule([w, 0.0], needs_gramian=True),
            weight_own=True,
            optimizer=mtl.SGD(1e-12),
            steps=1,
        )
        assert (model.theta != before).any()
        thetas.append(model.theta)
    np.testing.assert_allclose(*thetas, rtol=1e-5)


# Own parameters under a rule of the Gramian

OF_GRAMIAN = [name for name in mtl.weighting.__all__ if mtl.rules.needs_gramian(rule_by_name(name))]


def trained_under(rule, steps=3, model=None, **more):
    model = model or network(l2=0.01)
    mtl.fit(
        model,
        examples(),
        LOSSES,
        **{"weights": rule, "optimizer": mtl.SGD(0.1), "steps": steps, **more},
    )
    return model


def test_with_weights_of_1_own_parameters_weighted_and_unweighted_are_one():
    rule = constant_rule([1.0, 1.0], needs_gramian=True)
    weighted = trained_under(rule, weight_own=True)
    unweighted = trained_under(rule, weight_own=False)
    plain = trained_under(None)
    np.testing.assert_array_equal(weighted.theta, unweighted.theta)
    np.testing.assert_allclose(unweighted.theta, plain.theta, rtol=1e-12)


@laws
@given(st.floats(-3, 3), st.floats(0, 3))
def test_unweighted_own_parameters_do_not_see_the_weights_in_a_step_of_gradient_descent(w_a, w_b):
    model = network(l2=0.01)
    model.encoders["a"] = mtl.Dense(3, 3, np.random.default_rng(5))
    model = mtl.HardSharing(model.trunk, model.heads, model.encoders, l2=0.01)
    P = model.P
    plain = mtl.HardSharing(model.trunk, model.heads, model.encoders, l2=0.01)
    trained_under(constant_rule([w_a, w_b], needs_gramian=True), steps=1, model=model)
    trained_under(None, steps=1, model=plain)
    np.testing.assert_allclose(model.theta[P:], plain.theta[P:], rtol=1e-12)


@pytest.mark.parametrize("optimizer", [mtl.SGD(0.1, 0.9), mtl.Adam(0.01)], ids=["SGD", "Adam"])
def test_a_step_under_a_rule_of_the_gramian_is_the_loop_written_out(optimizer):
    model = network(l2=0.01)
    by_hand = network(l2=0.01)
    data = half_labelled()
    mtl.fit(
        model,
        data,
        LOSSES,
        weights=inverse_norm,
        optimizer=optimizer.copy_for(model),
        steps=4,
    )

    optimizer = optimizer.copy_for(by_hand)
    for k in range(4):
        L = task_losses(by_hand, data, LOSSES)
        J = by_hand.trunk_jacobian(L)
        w = inverse_norm(np.array([float(loss) for loss in L.values()]), mtl.interaction.gramian(J))
        by_hand.zero_grad()
        mtl.weighted_sum(L, dict.fromkeys(L, 1.0)).backward()
        by_hand.grad[: by_hand.P] = w @ J
        by_hand.penalty().backward()
        optimizer.step(by_hand, k / 4)
    np.testing.assert_allclose(model.theta, by_hand.theta, rtol=1e-9, atol=1e-12)


@functools.cache
def losses_from_a_head_at_zero(name=None):
    """Before and after training under a rule, or under the plain sum."""
    model = network()
    model.heads["b"].W = np.zeros((4, 2))
    start = mtl.evaluate(model, examples(), LOSSES)
    weights = None if name is None else rule_by_name(name)
    mtl.fit(model, examples(), LOSSES, weights=weights, optimizer=mtl.SGD(0.02), steps=300)
    return start, mtl.evaluate(model, examples(), LOSSES)


@pytest.mark.parametrize("name", OF_GRAMIAN)
def test_no_rule_leaves_a_task_behind_whose_head_starts_at_zero(name):
    start, end = losses_from_a_head_at_zero(name)
    _, end_of_sum = losses_from_a_head_at_zero()
    assert start["b"] - end["b"] > 0.2 * (start["b"] - end_of_sum["b"])
    assert end["a"] < start["a"]


@pytest.mark.parametrize("weight_own", [False, True])
@pytest.mark.parametrize("rests", ["a", "b"])
def test_a_task_without_gradient_is_left_out_of_the_question_if_a_rule_refuses(rests, weight_own):
    model = network()
    model.heads[rests].W = np.zeros((4, 2))
    history = mtl.fit(
        model,
        examples(),
        LOSSES,
        weights=mtl.weighting.nash_mtl,
        weight_own=weight_own,
        optimizer=mtl.SGD(0.02),
        steps=2,
    )
    assert history.weights[rests][0] == 1  # so that its head can leave 0 in either way
    assert history.weights[rests][1] != 1
    assert model.heads[rests].W.data.any()


@pytest.mark.parametrize("rest", ["a", "b", "c", "ab", "ac", "bc"])
def test_tasks_without_gradient_are_left_out_wherever_they_stand_in_the_order(rest):
    rng = np.random.default_rng(0)
    heads = {t: mtl.Dense(4, 2, rng) for t in "abc"}
    for t in rest:
        heads[t].W = np.zeros((4, 2))
    model = mtl.HardSharing(mtl.Sequential(mtl.Dense(3, 4, rng), mtl.tanh), heads)
    data = {t: (rng.standard_normal((8, 3)), rng.standard_normal((8, 2))) for t in "abc"}
    losses = dict.fromkeys("abc", mtl.mse)
    moving = [t for t in "abc" if t not in rest]
    of_moving = task_losses(model, {t: data[t] for t in moving}, losses)
    G = mtl.interaction.gramian(model.trunk_jacobian(of_moving))
    L = np.array([float(loss) for loss in of_moving.values()])
    expected = dict.fromkeys(rest, 1.0) | dict(zip(moving, mtl.weighting.nash_mtl(L, G)))

    optimizer = mtl.SGD(0.02)
    rule = mtl.weighting.nash_mtl
    history = mtl.fit(model, data, losses, weights=rule, optimizer=optimizer, steps=1)
    assert {t: w[0] for t, w in history.weights.items()} == pytest.approx(expected, rel=1e-6)


def test_a_rule_of_the_gramian_may_train_a_single_task():
    rng = np.random.default_rng(0)
    trunk = mtl.Sequential(mtl.Dense(3, 4, rng), mtl.tanh)
    under_the_rule = mtl.HardSharing(trunk, {"a": mtl.Dense(4, 2, rng)})
    plain = deepcopy(under_the_rule)
    data = {"a": examples()["a"]}
    for model, rule in ((under_the_rule, mtl.weighting.mgda), (plain, None)):  # its weight is 1
        mtl.fit(model, data, {"a": mtl.mse}, weights=rule, optimizer=mtl.SGD(0.1), steps=3)
    np.testing.assert_allclose(under_the_rule.theta, plain.theta, rtol=1e-12)


def test_a_rule_that_fails_has_not_refused():
    def faulty(losses, gramian):
        return np.linalg.inv(np.zeros((2, 2)))

    assert_refused(np.linalg.LinAlgError, "Singular", weights=faulty)


def test_own_parameters_can_be_unweighted_only_under_a_rule_of_the_gramian():
    match = "weight_own=False needs weights by a rule of the Gramian, got"
    for weights in (None, {"a": 1.0, "b": 2.0}, inverse_loss, mtl.weighting.DWA()):
        assert_refused(ValueError, match, weights=weights, weight_own=False)
        trained_under(weights, weight_own=True)  # this is how they are anyway
    match = "weight_own must be True, False or None, got 'no'"
    assert_refused(TypeError, match, weights=inverse_norm, weight_own="no")


def test_a_rule_of_the_gramian_needs_a_trunk_that_is_trained():
    model = network()
    model.trunk.freeze()
    with pytest.raises(ValueError, match="all shared parameters are frozen"):
        trained_under(inverse_norm, model=model)
    model.trunk.parts[0].parameters()[0].unfreeze()
    trained_under(inverse_norm, model=model)


@pytest.mark.parametrize("weight_own", [False, True])
@pytest.mark.parametrize("place", ["trunk", "encoder"])
def test_under_a_rule_of_the_gramian_only_rows_that_were_looked_up_move(place, weight_own):
    rng = np.random.default_rng(0)
    table = mtl.Embedding(50, 3, rng, sparse=True)
    layer = mtl.Dense(3, 2, rng)
    heads = {t: mtl.Dense(2, 2, rng) for t in "ab"}
    words = rng.integers(0, 50, 6)
    if place == "trunk":
        model = mtl.HardSharing(mtl.Sequential(table, layer), heads)
        inputs = {"a": words[:3], "b": words[3:]}
        table = model.trunk.parts[0].table
    else:
        model = mtl.HardSharing(layer, heads, {"b": table})
        inputs = {"a": rng.standard_normal((3, 3)), "b": words[3:]}
        table = model.encoders["b"].table
    before = table.data.copy()
    data = {t: (x, rng.standard_normal((3, 2))) for t, x in inputs.items()}
    optimizer = mtl.Adam(0.01)
    for looked_up in (data, {"a": data["a"], "b": (np.array([0, 0, 1]), data["b"][1])}):
        mtl.fit(
            model,
            looked_up,
            LOSSES,
            weights=inverse_norm,
            weight_own=weight_own,
            optimizer=optimizer,
            steps=2,
        )
        rows = set(np.concatenate([x for x, _ in looked_up.values() if x.dtype.kind == "i"]))
        moved = np.flatnonzero((table.data != before).any(1))
        assert set(moved) == rows
        before = table.data.copy()


@pytest.mark.parametrize("batch_size", [None, 3])
def test_data_that_do_not_fit_are_named_by_their_task_also_in_batches(batch_size):
    model = network()
    data = examples()
    data["b"] = (data["b"][0][:, :2], data["b"][1])
    with pytest.raises(ValueError, match=r"evaluate: data\['b'\]: Dense: x must"):
        mtl.evaluate(model, data, LOSSES, batch_size=batch_size)


# Evaluation


@every_model
def test_evaluate_is_each_tasks_loss_on_all_of_its_data(kind):
    model = network(kind)
    data = half_labelled()
    for t, value in mtl.evaluate(model, data, LOSSES).items():
        x, y, *mask = data[t]
        squares = (model({t: x})[t].data - y) ** 2
        assert value == pytest.approx(squares[mask[0]].mean() if mask else squares.mean())
    assert list(mtl.evaluate(model, {"b": data["b"]}, LOSSES)) == ["b"]


def test_evaluate_takes_any_function_that_gives_a_number():
    def accuracy(output, y):
        return np.mean((output.data > 0) == (y > 0))

    result = mtl.evaluate(network(), examples(), {"a": accuracy, "b": accuracy})
    assert all(type(value) is float and 0 <= value <= 1 for value in result.values())


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("fails", [True, False])
def test_evaluate_has_dropout_off_and_restores_the_mode(training, fails):
    rng = np.random.default_rng(0)
    trunk = mtl.Sequential(mtl.Dense(3, 4, rng), mtl.Dropout(0.5, rng))
    model = mtl.HardSharing(trunk, {"a": mtl.Dense(4, 2, rng)})
    x, y = examples()["a"]
    data = {"a": (x, y)}
    model.train(training)
    before = model.theta.copy()
    if fails:
        with pytest.raises(ZeroDivisionError):
            mtl.evaluate(model, data, {"a": lambda out, y: 1 / 0})
    else:
        plain = ((x @ trunk.parts[0].W.data) @ model.heads["a"].W.data - y) ** 2
        assert mtl.evaluate(model, data, LOSSES)["a"] == pytest.approx(plain.mean())
    assert all(m.training == training for m in model.modules())
    np.testing.assert_array_equal(model.theta, before)


def test_evaluation_puts_back_the_mode_of_every_module():
    model = network()
    model.trunk.train(False)
    mtl.evaluate(model, examples(), LOSSES)
    assert not model.trunk.training
    assert model.training


def test_fit_trains_in_training_mode_and_leaves_evaluation_mode():
    rng = np.random.default_rng(0)
    trunk = mtl.Sequential(mtl.Dense(3, 4, rng), mtl.Dropout(0.5, rng))
    model = mtl.HardSharing(trunk, {t: mtl.Dense(4, 2, rng) for t in "ab"})
    model.trunk.train(False)
    modes = []

    def noting(output, y):
        modes.append(model.trunk.training)
        return mtl.mse(output, y)

    losses = {"a": noting, "b": mtl.mse}
    mtl.fit(model, examples(), losses, optimizer=mtl.SGD(0.1), steps=2)
    assert modes == [True, True]
    assert not any(module.training for module in model.modules())
    x = examples()["a"][0]
    np.testing.assert_array_equal(model({"a": x})["a"].data, model({"a": x})["a"].data)


@every_model
@pytest.mark.parametrize("batch_size", [1, 3, 8, 100])
def test_evaluation_in_batches_is_evaluation_at_once(kind, batch_size):
    model = network(kind)
    data = half_labelled(11)
    at_once = mtl.evaluate(model, data, LOSSES)
    in_batches = mtl.evaluate(model, data, LOSSES, batch_size=batch_size)
    assert in_batches == pytest.approx(at_once, rel=1e-13)


def test_evaluation_in_batches_calls_a_measure_once_on_all_and_the_model_on_a_few():
    seen = []
    sizes = []

    def median(output, y):
        seen.append((output.shape, y.shape))
        return np.median(output.data - y)

    def counted(h):
        sizes.append(len(h.data))
        return h

    rng = np.random.default_rng(0)
    trunk = mtl.Sequential(mtl.Dense(3, 4, rng), counted)
    model = mtl.HardSharing(trunk, {t: mtl.Dense(4, 2, rng) for t in "ab"})
    data = examples(7)
    data["b"] = data["a"][0], data["b"][1]
    at_once = mtl.evaluate(model, data, dict.fromkeys("ab", median))
    sizes.clear()
    in_batches = mtl.evaluate(model, data, dict.fromkeys("ab", median), batch_size=3)
    assert in_batches == pytest.approx(at_once)
    assert seen == [((7, 2), (7, 2))] * 4
    assert sizes == [3, 3, 1]  # the very same inputs pass the trunk once


def test_evaluation_in_batches_takes_inputs_of_several_arrays_and_tasks_of_other_lengths():
    def encoder(x):
        return mtl.Tensor(np.hstack(x))

    rng = np.random.default_rng(0)
    heads = {t: mtl.Dense(4, 2, rng) for t in "ab"}
    model = mtl.HardSharing(mtl.Dense(3, 4, rng), heads, {"a": encoder})
    data = examples(5, N_b=9)
    x, y = data["a"]
    data["a"] = ((x[:, :1], x[:, 1:]), y)
    in_batches = mtl.evaluate(model, data, LOSSES, batch_size=4)
    assert in_batches == pytest.approx(mtl.evaluate(model, data, LOSSES))


def test_evaluate_builds_no_graph():
    outputs = []

    def noting(output, y):
        outputs.append(output)
        return 0.0

    mtl.evaluate(network(), examples(), dict.fromkeys("ab", noting))
    assert len(outputs) == 2
    assert not any(output.pairs for output in outputs)


# One type


@models_and_rules
def test_a_float32_model_fit_on_float64_data_stays_float32(kind, rule):
    seen = []

    def noting(output, y):
        seen.extend([output.dtype, y.dtype])
        return mtl.mse(output, y)

    model = network(kind, dtype=np.float32, l2=0.01)
    history = mtl.fit(
        model,
        examples(),
        dict.fromkeys("ab", noting),
        weights=rule,
        optimizer=mtl.Adam(),
        steps=3,
        cosines_every=1,
        held_out=examples(seed=2),
    )
    assert {*seen, model.theta.dtype, model.grad.dtype} == {np.dtype(np.float32)}
    arrays = [
        history.losses["a"],
        history.weights["b"],
        history.penalty,
        history.cosines,
        history.norms,
        history.total,
        history.held_out["a"],
    ]
    assert {array.dtype for array in arrays} == {np.dtype(np.float64)}
    assert np.isfinite(history.total).all()


# Many machines


class Workers:
    """A stand-in for a communicator: K threads, and an all_reduce to the mean of all."""

    def __init__(self, K):
        self.K = K
        self.slots = [None] * K
        self.barrier = threading.Barrier(K, timeout=30)

    def all_reduce(self, k):
        def to_mean(array):
            self.slots[k] = array.copy()
            self.barrier.wait()
            mean = sum(self.slots) / self.K
            self.barrier.wait()
            array[...] = mean

        return to_mean

    def run(self, work):
        def guarded(k):
            try:
                return work(k, self.all_reduce(k))
            except BaseException:
                self.barrier.abort()  # or the others would wait
                raise

        with ThreadPoolExecutor(self.K) as pool:
            return list(pool.map(guarded, range(self.K)))


def assert_workers_are_one(make, data, rule, K=3):
    options = {"weights": rule, "steps": 4, "cosines_every": 2}
    whole = make()
    models = [make() for _ in range(K)]
    expected = mtl.fit(whole, data, LOSSES, optimizer=mtl.SGD(0.1), **options)

    def work(k, all_reduce):
        part = {t: tuple(a[k::K] for a in entry) for t, entry in data.items()}
        return mtl.fit(
            models[k], part, LOSSES, optimizer=mtl.SGD(0.1), all_reduce=all_reduce, **options
        )

    for model, history in zip(models, Workers(K).run(work), strict=True):
        np.testing.assert_allclose(model.theta, whole.theta, rtol=1e-9, atol=1e-11)
        for t in "ab":
            np.testing.assert_allclose(history.losses[t], expected.losses[t], rtol=1e-9)
            np.testing.assert_allclose(history.weights[t], expected.weights[t], rtol=1e-9)
        np.testing.assert_allclose(history.cosines, expected.cosines, atol=1e-9)


@models_and_rules
def test_k_workers_are_one_worker_with_the_whole_batch(kind, rule):
    assert_workers_are_one(lambda: network(kind, l2=0.01), examples(12), rule)


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("rule", [None, inverse_loss, inverse_norm])
@pytest.mark.parametrize("l2", [None, 0.01])  # a penalty touches all rows, even those of no worker
def test_k_workers_are_one_worker_on_a_table_of_words_too(sparse, rule, l2):
    assert_workers_are_one(lambda: words(sparse, l2), word_examples(6), rule)
    assert_workers_are_one(lambda: words(sparse, l2), word_examples(12), rule)


# Numbers that are not finite


@every_model
@pytest.mark.parametrize("learning_rate", [1e3, 1e160])
def test_a_loss_that_explodes_is_an_error_that_puts_the_last_good_parameters_back(
    kind, learning_rate
):
    rng = np.random.default_rng(0)
    trunk = mtl.Dense(3, 2, rng)  # linear: tanh would keep the loss in bounds
    heads = {t: mtl.Dense(2, 2, rng) for t in "ab"}
    model = SHARINGS[kind](trunk, heads)
    again = SHARINGS[kind](trunk, heads)
    message = r"the loss of task '[ab]' became (inf|nan) at step \d+;"
    with pytest.raises(FloatingPointError, match=message) as caught:
        mtl.fit(model, examples(), LOSSES, optimizer=mtl.SGD(learning_rate), steps=1000)
    step = int(str(caught.value).split("at step ")[1].split(";")[0])
    assert np.isfinite(model.theta).all()
    mtl.fit(again, examples(), LOSSES, optimizer=mtl.SGD(learning_rate), steps=step - 1)
    np.testing.assert_array_equal(model.theta, again.theta)


@pytest.mark.parametrize("rule", [None, inverse_loss, inverse_norm])
def test_a_loss_that_becomes_nan_names_its_task_and_step(rule):
    calls = []

    def nan_in_call_4(output, y):
        calls.append(1)
        return mtl.mse(output, y) * (math.nan if len(calls) == 4 else 1.0)

    model = network()
    plain = network()
    losses = {"a": mtl.mse, "b": nan_in_call_4}
    message = "the loss of task 'b' became nan at step 3; the last good parameters are put back"
    with pytest.raises(FloatingPointError, match=message):
        mtl.fit(model, examples(), losses, weights=rule, optimizer=mtl.SGD(0.1), steps=9)
    mtl.fit(plain, examples(), LOSSES, weights=rule, optimizer=mtl.SGD(0.1), steps=2)
    np.testing.assert_array_equal(model.theta, plain.theta)


def mse_times(factor):
    def loss(output, *targets):
        return mtl.mse(output, *targets) * factor

    return loss


def test_a_last_step_to_parameters_that_are_not_finite_is_undone():
    model = network()
    before = model.theta.copy()
    losses = dict.fromkeys("ab", mse_times(1e10))
    with pytest.raises(FloatingPointError, match="not finite at step 0"):
        mtl.fit(model, examples(), losses, optimizer=mtl.SGD(1e308), steps=1)
    np.testing.assert_array_equal(model.theta, before)


@pytest.mark.parametrize("seed", range(2))
def test_parameters_of_a_task_without_labels_are_put_back_too(seed):
    # Task b breaks its own network in a step with a label. The steps that follow have none, so its
    # loss does not tell.
    x, y = examples(4)["a"]
    only_first = np.repeat(np.arange(4) < 1, 2).reshape(4, 2)
    model = network("alone")
    with pytest.raises(FloatingPointError):
        mtl.fit(
            model,
            {"a": (x, y), "b": (x, y, only_first)},
            {"a": mtl.mse, "b": mse_times(1e300)},
            optimizer=mtl.SGD(1e9),
            steps=9,
            batch_size=1,
            rng=np.random.default_rng(seed),
        )
    assert np.isfinite(model.theta).all()


def test_a_sparse_row_that_breaks_and_is_not_looked_up_again_is_an_error():
    def root(output, y):
        return sqrt((output * output).sum())  # its slope at 0 is infinite

    rng = np.random.default_rng(0)
    model = mtl.HardSharing(mtl.Embedding(3, 2, rng, sparse=True, scale=0.0), {"a": lambda h: h})
    data = {"a": (np.array([0, 1, 2]), np.zeros((3, 2)))}
    with pytest.raises(FloatingPointError):
        mtl.fit(model, data, {"a": root}, optimizer=mtl.SGD(0.1), steps=3, batch_size=1, rng=rng)


def test_a_sparse_row_that_breaks_in_an_earlier_step_is_an_error_too():
    def root(output, y):
        return sqrt((output * output).sum())  # its slope at 0 is infinite

    messages = []
    for seed in range(9):
        rng = np.random.default_rng(seed)
        model = mtl.HardSharing(mtl.Embedding(3, 2, rng, sparse=True), {"a": lambda h: h})
        model.theta[:2] = 0.0  # the first of three rows breaks, the others do not
        data = {"a": (np.array([0, 1, 2]), np.zeros((3, 2)))}
        optimizer = mtl.SGD(0.1)
        with pytest.raises(FloatingPointError) as caught:
            mtl.fit(model, data, {"a": root}, optimizer=optimizer, steps=3, batch_size=1, rng=rng)
        messages.append(str(caught.value))
    of_last_step = "a parameter became not finite at step 2"
    of_earlier_step = "in rows of a sparse table that later steps did not look up"
    assert any(of_last_step in message for message in messages)
    assert any(of_earlier_step in message for message in messages)


# The progress line


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    "stream, quiet, shown",
    [(Terminal, False, True), (Terminal, True, False), (io.StringIO, False, False)],
)
def test_progress_is_shown_on_a_terminal_only_and_quiet_silences_it(
    monkeypatch, capsys, stream, quiet, shown
):
    err = stream()
    monkeypatch.setattr(sys, "stderr", err)
    mtl.fit(network(), examples(), LOSSES, optimizer=mtl.SGD(0.1), steps=3, quiet=quiet)
    text = err.getvalue()
    assert bool(text) == shown
    if shown:
        assert "step 1/3  a " in text
        assert text.endswith("\r\x1b[K")  # the line is wiped in the end
        assert "\n" not in text
    assert capsys.readouterr().out == ""


class IPython:
    """Stands for the module: whether a shell runs is what `get_ipython` returns."""

    def __init__(self, shell):
        self.shell = shell

    def get_ipython(self):
        return self.shell


@pytest.mark.parametrize(
    "shell, quiet, shown", [(object(), False, True), (object(), True, False), (None, False, False)]
)
def test_progress_in_a_notebook_is_a_line_that_rewrites_itself(monkeypatch, shell, quiet, shown):
    err = io.StringIO()
    monkeypatch.setattr(sys, "stderr", err)
    monkeypatch.setitem(sys.modules, "IPython", IPython(shell))
    mtl.fit(network(), examples(), LOSSES, optimizer=mtl.SGD(0.1), steps=3, quiet=quiet)
    text = err.getvalue()
    assert bool(text) == shown
    if shown:
        assert text.startswith("\rstep 1/3  a ")
        assert text.split("\r")[-1].startswith("step 3/3  a ")  # the end is seen
        assert text.count("\n") == 1
        assert text.endswith("\n")
        assert "\x1b" not in text


def test_a_shorter_line_in_a_notebook_covers_a_longer_one(monkeypatch):
    err = io.StringIO()
    monkeypatch.setattr(sys, "stderr", err)
    monkeypatch.setitem(sys.modules, "IPython", IPython(object()))
    line = tinymtl.progress.Line(quiet=False)
    line.write("a long line")
    line.write("short")
    assert err.getvalue() == "\ra long line\rshort      "


def test_fit_runs_where_there_is_no_standard_error(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    mtl.fit(network(), examples(), LOSSES, optimizer=mtl.SGD(0.1), steps=1)


# Refusals


def assert_refused(error, match, losses=LOSSES, **options):
    """`fit` raises this error and leaves the parameters as they were."""
    model = network()
    before = model.theta.copy()
    options = {"steps": 3, **options}
    with pytest.raises(error, match=match):
        mtl.fit(model, examples(), losses, optimizer=mtl.SGD(0.1), **options)
    np.testing.assert_array_equal(model.theta, before)


@pytest.mark.parametrize("steps, got", [(-1, "-1"), (1.5, "1.5"), (True, "True")])
def test_steps_must_be_a_whole_number(steps, got):
    match = f"fit: steps must be a whole number, at least 0; got {got}"
    assert_refused(ValueError, match, steps=steps)


@pytest.mark.parametrize(
    "weights, match",
    [
        ({"a": 1.0}, r"weights must name the tasks \['a', 'b'\]; missing \['b'\]"),
        ({"a": 1.0, "b": 1.0, "z": 1.0}, r"unknown \['z'\]"),
        ({"a": 1.0, "b": -0.1}, r"weights\['b'\] must be finite and not negative, got -0.1"),
        ({"a": math.nan, "b": 1.0}, r"weights\['a'\] must be finite and not negative, got nan"),
        ({"a": math.inf, "b": 1.0}, r"weights\['a'\] must be finite"),
    ],
)
def test_weights_by_task_that_do_not_fit_are_refused(weights, match):
    assert_refused(ValueError, f"fit: .*{match}", weights=weights)


@pytest.mark.parametrize(
    "weights, words",
    [
        (mtl.weighting.DWA, r"or a rule, such as DWA\(...\); got"),
        ("mgda", "or a rule; got 'mgda'"),
        ([1, 2], r"or a rule; got \[1, 2\]"),
    ],
)
def test_weights_that_are_no_weights_are_refused(weights, words):
    match = f"fit: weights must be None, numbers by task, {words}"
    assert_refused(TypeError, match, weights=weights)


@pytest.mark.parametrize("needs_gramian", [False, True])
@pytest.mark.parametrize(
    "weights",
    [np.ones(3), np.ones((2, 1)), 1.0, np.array([1.0, math.nan]), np.array([1.0, math.inf])],
)
def test_a_rule_must_give_a_finite_number_for_each_task(weights, needs_gramian):
    match = r"fit: weights must be 2 finite numbers, one for each of \['a', 'b'\]"
    assert_refused(ValueError, match, weights=constant_rule(weights, needs_gramian))


def test_what_a_rule_refuses_is_said_with_the_names_of_the_tasks():
    def rule(losses, gramian=None):
        raise ValueError("no solution")

    match = r"fit: the rule for the weights of \['a', 'b'\] refused: no solution"
    assert_refused(ValueError, match, weights=rule)


@pytest.mark.parametrize(
    "weights, got",
    [
        ({"a": 1.0, "b": 1.0}, r"\{'a': 1.0, 'b': 1.0\}"),
        (None, "None"),
        ("ab", "'ab'"),
        (["1", "2"], r"\['1', '2'\]"),
        ([True, False], r"\[True, False\]"),
        (np.ma.masked_array([1.0, 5.0], [0, 1]), "masked_array"),
        (np.array([1j, 1.0]), "array"),
    ],
)
@pytest.mark.parametrize("needs_gramian", [False, True])
def test_a_rule_that_gives_no_numbers_is_an_error(weights, got, needs_gramian):
    match = f"fit: weights must be 2 finite numbers, one for each of .*; the rule gave {got}"
    assert_refused(TypeError, match, weights=constant_rule(weights, needs_gramian))


def of_one_argument(losses):
    return np.ones(len(losses))


def of_three_arguments(losses, gramian, more):
    return np.ones(len(losses))


@pytest.mark.parametrize("rule", [of_one_argument, of_three_arguments])
def test_a_rule_must_take_two_arguments(rule):
    match = rf"\(losses, gramian=None\); got {rule.__name__}\(losses"
    assert_refused(TypeError, match, weights=rule)


@pytest.mark.parametrize(
    "name, value",
    [("judge", 3), ("callback", "stop"), ("all_reduce", np.ones(2))],
)
def test_what_fit_calls_must_be_a_function(name, value):
    assert_refused(TypeError, f"fit: {name} must be a function or None, got", **{name: value})


@pytest.mark.parametrize(
    "optimizer, got", [(None, "None"), (mtl.Adam, "<class 'tinymtl.optim.Adam'>"), (0.1, "0.1")]
)
def test_an_optimizer_must_be_one(optimizer, got):
    match = rf"fit: optimizer must be one such as Adam\(1e-3\), got {got}"
    with pytest.raises(TypeError, match=match):
        mtl.fit(network(), examples(), LOSSES, optimizer=optimizer, steps=1)


def test_a_model_must_be_of_several_tasks():
    layer = mtl.Dense(3, 2, np.random.default_rng(0))
    with pytest.raises(TypeError, match="fit: model must be a Sharing, got Dense"):
        mtl.fit(layer, examples(), LOSSES, optimizer=mtl.SGD(0.1), steps=1)
    with pytest.raises(TypeError, match="evaluate: model must be a Sharing, got Dense"):
        mtl.evaluate(layer, examples(), LOSSES)


def test_parameters_that_are_not_finite_at_the_start_are_refused():
    model = network()
    model.heads["b"].W.data[0, 1] = math.nan
    with pytest.raises(ValueError, match="fit: the model's heads.b.W must be finite, got nan"):
        mtl.fit(model, examples(), LOSSES, optimizer=mtl.SGD(0.1), steps=1)


def test_a_loss_that_is_not_finite_at_the_start_is_said_to_be_so():
    match = "the loss of task 'b' is nan at step 0, before this run changed the parameters"
    losses = {"a": mtl.mse, "b": mse_times(math.nan)}
    assert_refused(FloatingPointError, match, losses=losses)


# A fault in the data names argument and task


def integers_of_b(N=8):
    data = examples(N)
    x, y = data["b"]
    data["b"] = (x.astype(int), y)
    return data


def label_out_of_range(t):
    """Labels for a head of two classes; the last label of task t is 2."""
    data = {s: (x, np.zeros(len(x), int)) for s, (x, _) in examples().items()}
    data[t][1][-1] = 2
    return data


CLASSES = dict.fromkeys("ab", mtl.cross_entropy)


@pytest.mark.parametrize("kind", SHARINGS)
def test_inputs_that_the_model_refuses_are_named_by_task(kind):
    model = network(kind)
    with pytest.raises(TypeError, match=r"^fit: data\['b'\]: .*floating"):
        mtl.fit(model, integers_of_b(), LOSSES, optimizer=mtl.SGD(0.1), steps=1)
    with pytest.raises(TypeError, match=r"^fit: held_out\['b'\]: .*floating"):
        mtl.fit(
            model,
            examples(),
            LOSSES,
            optimizer=mtl.SGD(0.1),
            steps=1,
            held_out=integers_of_b(),
        )
    for batch_size in (None, 3):
        with pytest.raises(TypeError, match=r"^evaluate: data\['b'\]: .*floating"):
            mtl.evaluate(model, integers_of_b(), LOSSES, batch_size=batch_size)


@pytest.mark.parametrize("t", ["a", "b"])
def test_targets_that_a_loss_refuses_are_named_by_task(t):
    good = {s: (x, np.zeros(len(x), int)) for s, (x, _) in examples().items()}
    options = {"optimizer": mtl.SGD(0.1), "steps": 9}
    with pytest.raises(IndexError, match=rf"^fit: data\['{t}'\]: cross_entropy: labels"):
        mtl.fit(network(), label_out_of_range(t), CLASSES, **options)
    with pytest.raises(IndexError, match=rf"^fit: held_out\['{t}'\]: cross_entropy: labels"):
        mtl.fit(network(), good, CLASSES, held_out=label_out_of_range(t), **options)
    with pytest.raises(IndexError, match=rf"^evaluate: data\['{t}'\]: cross_entropy: labels"):
        mtl.evaluate(network(), label_out_of_range(t), CLASSES)


def test_a_measure_must_give_a_number():
    losses = {"a": mtl.mse, "b": lambda output, y: output.data}
    with pytest.raises(TypeError, match=r"evaluate: data\['b'\]: the loss must be a number"):
        mtl.evaluate(network(), examples(), losses)


# The penalty is checked like a loss


def foreign(model):
    return (mtl.Parameter(np.ones(2)) ** 2).sum()


@pytest.mark.parametrize(
    "l2, error, match",
    [
        (lambda m: float((m.theta**2).sum()), TypeError, "must be a scalar Tensor, got float"),
        (lambda m: None, TypeError, "must be a scalar Tensor, got NoneType"),
        (lambda m: m.heads["a"].W ** 2, TypeError, r"must be a scalar Tensor, got \(4, 2\)"),
        (lambda m: mtl.Tensor(1.0), ValueError, "depends on no parameter"),
        (foreign, ValueError, "uses a parameter that is not in the model's theta"),
    ],
)
@every_model
def test_a_penalty_that_would_have_no_effect_is_an_error(kind, l2, error, match):
    model = network(kind, l2=l2)
    before = model.theta.copy()
    with pytest.raises(error, match=f"^fit: the penalty l2 {match}"):
        mtl.fit(model, examples(), LOSSES, optimizer=mtl.SGD(0.1), steps=1)
    np.testing.assert_array_equal(model.theta, before)


def test_a_penalty_that_becomes_nan_is_an_error_that_puts_the_last_good_parameters_back():
    calls = []

    def nan_in_call_5(model):
        calls.append(1)
        return (model.heads["a"].W ** 2).sum() * (math.nan if len(calls) == 5 else 1.0)

    model = network(l2=nan_in_call_5)
    with pytest.raises(FloatingPointError, match="fit: the penalty became nan at step 3; the last"):
        mtl.fit(model, examples(), LOSSES, optimizer=mtl.SGD(0.1), steps=9)
    plain = network(l2=lambda model: (model.heads["a"].W ** 2).sum())
    mtl.fit(plain, examples(), LOSSES, optimizer=mtl.SGD(0.1), steps=2)
    np.testing.assert_array_equal(model.theta, plain.theta)


def test_a_penalty_may_be_0():
    model = network(l2=lambda model: mtl.Tensor(0.0))
    mtl.fit(model, examples(), LOSSES, optimizer=mtl.SGD(0.1), steps=1)


@pytest.mark.parametrize("kind", ["alone", "soft"])
def test_a_rule_that_needs_a_gramian_is_an_error_where_nothing_is_shared(kind):
    model = network(kind)
    before = model.theta.copy()
    match = r"needs a Gramian, but \w+ shares no parameters \(P = 0\)"
    with pytest.raises(ValueError, match=match):
        mtl.fit(model, examples(), LOSSES, weights=inverse_norm, optimizer=mtl.SGD(0.1), steps=1)
    np.testing.assert_array_equal(model.theta, before)


def test_what_a_loss_refuses_is_an_error_that_changes_nothing():
    match = r"fit: data\['b'\]: cross_entropy: labels must"
    assert_refused(ValueError, match, losses={"a": mtl.mse, "b": mtl.cross_entropy})


def constant_mse(output, y):
    return mtl.mse(mtl.Tensor(output.data), y)


def mse_of_columns(output, y):
    return ((output - y) ** 2).mean(0)


def one(output, y):
    return 1.0


@pytest.mark.parametrize(
    "loss, error, words",
    [
        (constant_mse, ValueError, "depends on no parameter"),
        (mse_of_columns, TypeError, r"must be a scalar Tensor, got \(2,\)"),
        (one, TypeError, "must be a scalar Tensor, got float"),
    ],
)
def test_a_loss_without_parameters_or_that_is_no_scalar_tensor_is_an_error(loss, error, words):
    assert_refused(error, f"the loss of task 'a' {words}", losses={"a": loss, "b": mtl.mse})


def test_a_loss_is_checked_when_its_task_first_has_a_label():
    data = half_labelled(8)
    for seed in range(4):  # in some of these orders the first batch has no label of b
        with pytest.raises(ValueError, match="the loss of task 'b' depends on no parameter"):
            mtl.fit(
                network(),
                data,
                {"a": mtl.mse, "b": constant_masked_mse},
                optimizer=mtl.SGD(0.1),
                steps=8,
                batch_size=1,
                rng=np.random.default_rng(seed),
            )


def test_what_a_loss_depends_on_is_checked_once_and_costs_no_later_step(monkeypatch):
    checked = []
    check = tinymtl.step._check_losses

    def noting(L, model):
        checked.append(list(L))
        check(L, model)

    monkeypatch.setattr(tinymtl.step, "_check_losses", noting)
    mtl.fit(network(), examples(), LOSSES, optimizer=mtl.SGD(0.1), steps=3)
    assert checked == [["a", "b"]]


def constant_masked_mse(output, y, mask):
    return mtl.mse(mtl.Tensor(output.data), y, mask)


def test_a_parameter_that_the_model_does_not_hold_is_an_error_and_not_left_untrained():
    rng = np.random.default_rng(0)
    layer = mtl.Dense(3, 2, rng)
    hidden_in_a_function = mtl.HardSharing(
        lambda x: mtl.tanh(layer(x)), {t: mtl.Dense(2, 2, rng) for t in "ab"}
    )
    replaced_after_packing = network()
    assert replaced_after_packing.theta.size
    replaced_after_packing.heads["a"] = mtl.Dense(4, 2, rng)
    match = "the loss of task 'a' uses a parameter that is not in the model's theta"
    for model in (hidden_in_a_function, replaced_after_packing):
        with pytest.raises(ValueError, match=match):
            mtl.fit(model, examples(), LOSSES, optimizer=mtl.SGD(0.1), steps=1)
