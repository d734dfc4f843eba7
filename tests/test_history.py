"""The laws of what a run records, takes back and keeps: whole steps, and the best of them."""

import csv
import math
import sys

import numpy as np
import pytest
from two_tasks import (
    LOSSES,
    SHARINGS,
    Interrupted,
    Path,
    examples,
    half_labelled,
    network,
    numeric_jacobian,
    word_examples,
    words,
)

import tinymtl as mtl
import tinymtl.checkpoint
import tinymtl.history
import tinymtl.step
import tinymtl.training
from tinymtl.history import Recorder

every_model = pytest.mark.parametrize("kind", SHARINGS)


# A row for each step


@every_model
def test_history_has_a_row_for_each_step(kind):
    path = Path()
    model = network(kind, l2=0.01)
    data = examples()
    history = mtl.fit(model, data, LOSSES, weights={"a": 0.5, "b": 2.0}, optimizer=path, steps=6)
    assert history.tasks == ["a", "b"]
    assert not history.interrupted
    assert history.aligned_copies == (kind != "hard")
    for k, θ in enumerate(path.thetas):
        model.theta[:] = θ
        for t, (x, y) in data.items():
            assert history.losses[t][k] == float(mtl.mse(model({t: x})[t], y))  # before the step
        assert history.penalty[k] == float(model.penalty())
    assert len(history.losses["a"]) == len(history.penalty) == len(history.seconds) == 6
    np.testing.assert_array_equal(history.weights["a"], [0.5] * 6)
    np.testing.assert_array_equal(history.weights["b"], [2.0] * 6)
    np.testing.assert_array_equal(history.weighted["b"], 2 * history.losses["b"])
    np.testing.assert_allclose(history.total, 0.5 * history.losses["a"] + 2 * history.losses["b"])
    assert history.seconds[0] > 0
    assert (np.diff(history.seconds) > 0).all()


def test_no_steps_leave_an_empty_history():
    history = mtl.fit(
        network(), examples(), LOSSES, optimizer=mtl.SGD(0.1), steps=0, cosines_every=1
    )
    assert len(history.total) == len(history.seconds) == len(history.cosines) == 0
    assert history.epochs == {"a": 0, "b": 0}


def test_a_rule_cannot_spoil_the_losses_in_the_history():
    def in_place(losses, gramian=None):
        losses /= losses.sum()
        return 1 - losses

    spoiled = mtl.fit(
        network(), examples(), LOSSES, weights=in_place, optimizer=mtl.SGD(0.0), steps=1
    )
    plain = mtl.fit(network(), examples(), LOSSES, optimizer=mtl.SGD(0.0), steps=1)
    for t in "ab":
        np.testing.assert_array_equal(spoiled.losses[t], plain.losses[t])


# In one line


def history_of(stopped="finished", **losses):
    """A history of these losses by task."""
    steps = max(len(values) for values in losses.values())
    return mtl.History(
        list(losses),
        stopped=stopped,
        losses={t: np.array(values) for t, values in losses.items()},
        penalty=np.zeros(steps),
    )


@pytest.mark.parametrize(
    "history, line",
    [
        (
            history_of(a=[1.0] * 299 + [0.01234], b=[2.0] * 299 + [0.4561]),
            "History(300 steps; a 0.0123, b 0.456 at the end)",
        ),
        (history_of(a=[123456.0]), "History(1 step; a 1.23e+05 at the end)"),
        (history_of(a=[], b=[]), "History(0 steps)"),
        (mtl.History(["a", "b"]), "History(0 steps)"),
        (history_of(a=[], stopped="interrupted"), "History(0 steps, interrupted)"),
        (
            history_of(a=[2.0, 0.5], stopped="interrupted"),
            "History(2 steps, interrupted; a 0.5 at the end)",
        ),
        (history_of(a=[2.0], stopped="patience"), "History(1 step, stopped early; a 2 at the end)"),
        (
            history_of(a=[2.0], stopped="callback"),
            "History(1 step, stopped by the callback; a 2 at the end)",
        ),
        (history_of(a=[2.0], stopped="refused"), "History(1 step, refused; a 2 at the end)"),
        (
            history_of(a=[2.0, 0.5, math.nan], b=[1.0, 1.0, 0.25]),
            "History(3 steps; b 0.25 at the end; a 0.5 at step 1, its last with a label)",
        ),
        (
            history_of(a=[math.nan] * 2, b=[1.0, math.nan]),
            "History(2 steps; a never had a label; b 1 at step 0, its last with a label)",
        ),
    ],
)
def test_a_history_is_shown_in_one_line(history, line):
    assert repr(history) == line


def test_while_a_run_lasts_the_last_losses_are_those_of_the_last_step():
    recorder = Recorder(network(), ["a", "b"])
    recorder.step({"a": 4.0, "b": 3.0}, {"a": 1.0, "b": 1.0}, 0.0, 0.1)
    recorder.step({"a": 2.0}, {"a": 1.0}, 0.0, 0.1)  # no label of b
    last = recorder.last_losses()
    assert last["a"] == 2.0
    assert math.isnan(last["b"])


def test_a_history_that_fit_returns_is_shown_with_the_last_losses():
    history = mtl.fit(network(), examples(), LOSSES, optimizer=mtl.SGD(0.1), steps=5)
    a = history.losses["a"][-1]
    b = history.losses["b"][-1]
    assert repr(history) == f"History(5 steps; a {a:.3g}, b {b:.3g} at the end)"


# Cosines


@every_model
@pytest.mark.parametrize("every", [1, 3])
def test_cosines_and_norms_are_recorded_every_so_many_steps_from_the_first(kind, every):
    path = Path()
    model = network(kind)
    data = examples()
    history = mtl.fit(model, data, LOSSES, optimizer=path, steps=7, cosines_every=every)
    assert history.cosine_steps.tolist() == list(range(0, 7, every))
    assert history.aligned_copies == (kind != "hard")
    if kind == "hard":
        trunks = dict.fromkeys("ab", slice(0, 16))
    else:
        trunks = {"a": slice(0, 16), "b": slice(16, 32)}
    for step, ρ, norms in zip(history.cosine_steps, history.cosines, history.norms, strict=True):
        model.theta[:] = path.thetas[step]
        J = numeric_jacobian(model, data, trunks)
        lengths = np.sqrt((J**2).sum(1))
        np.testing.assert_allclose(norms, lengths, atol=1e-7)
        np.testing.assert_allclose(ρ, J @ J.T / np.outer(lengths, lengths), atol=1e-6)


def test_recording_cosines_does_not_change_training():
    plain = network()
    recorded = network()
    mtl.fit(plain, examples(), LOSSES, optimizer=mtl.SGD(0.1), steps=4)
    mtl.fit(recorded, examples(), LOSSES, optimizer=mtl.SGD(0.1), steps=4, cosines_every=1)
    np.testing.assert_array_equal(plain.theta, recorded.theta)


@every_model
def test_cosines_are_nan_for_a_task_without_labels_in_the_batch(kind):
    history = mtl.fit(
        network(kind),
        half_labelled(8),
        LOSSES,
        optimizer=mtl.SGD(0.01),
        steps=8,
        batch_size=1,
        rng=np.random.default_rng(0),
        cosines_every=1,
    )
    absent = np.isnan(history.losses["b"])
    never = np.zeros(8, bool)
    np.testing.assert_array_equal(np.isnan(history.cosines[:, 0, 1]), absent)
    np.testing.assert_array_equal(np.isnan(history.cosines[:, 1, 1]), absent)
    np.testing.assert_array_equal(np.isnan(history.norms), np.stack([never, absent], 1))
    np.testing.assert_allclose(history.cosines[:, 0, 0], 1)


# Held-out data, and when to stop


def passing_by():
    """Training from 0 to w passes points where held-out targets fit best: 0.3 w for a, 0.8 w for b.

    Returns the model, the data and the held-out data.
    """
    rng = np.random.default_rng(0)
    X = rng.standard_normal((20, 3))
    w = np.array([[1.0], [-2.0], [0.5]])
    head = mtl.Dense(3, 1, rng)
    head.W = np.zeros((3, 1))
    model = mtl.SingleTask(lambda x: x, dict.fromkeys("ab", head))
    data = dict.fromkeys("ab", (X, X @ w))
    held_out = {"a": (X, 0.3 * X @ w), "b": (X, 0.8 * X @ w)}
    return model, data, held_out


def test_held_out_data_is_evaluated_every_so_many_steps_and_after_the_last():
    path = Path()
    model, data, held_out = passing_by()
    history = mtl.fit(
        model, data, LOSSES, optimizer=path, steps=11, held_out=held_out, evaluate_every=4
    )
    assert history.held_out_steps.tolist() == [4, 8, 11]
    path.thetas.append(model.theta.copy())
    for i, step in enumerate(history.held_out_steps):
        model.theta[:] = path.thetas[step]
        assert {t: history.held_out[t][i] for t in "ab"} == mtl.evaluate(model, held_out, LOSSES)


def test_tasks_without_held_out_data_have_an_empty_record():
    model, data, held_out = passing_by()
    only_b = {"b": held_out["b"]}
    history = mtl.fit(
        model, data, LOSSES, optimizer=mtl.SGD(0.1), steps=4, held_out=only_b, evaluate_every=2
    )
    assert len(history.held_out["a"]) == 0
    assert len(history.held_out["b"]) == 2


def stopped_early(weights=None, patience=3):
    """The history of a run with early stopping, and the held-out losses after it."""
    model, data, held_out = passing_by()
    history = mtl.fit(
        model,
        data,
        LOSSES,
        weights=weights,
        optimizer=mtl.Adam(0.02),
        steps=1000,
        held_out=held_out,
        evaluate_every=2,
        patience=patience,
    )
    return history, mtl.evaluate(model, held_out, LOSSES)


@pytest.mark.parametrize("patience", [1, 3])
def test_patience_stops_after_so_many_evaluations_without_a_new_least_and_puts_the_best_back(
    patience,
):
    history, after = stopped_early(patience=patience)
    totals = history.held_out["a"] + history.held_out["b"]
    least = int(np.argmin(totals))
    assert 0 < least
    assert len(totals) == least + 1 + patience
    assert history.best_step == history.held_out_steps[least] == 2 * least
    assert len(history.seconds) == history.held_out_steps[-1] < 1000
    assert history.stopped == "patience"
    assert history.reason == (
        f"The last {patience} evaluations of the held-out data brought no new best; "
        f"the parameters are those after {2 * least} steps."
    )
    assert after["a"] + after["b"] == totals[least]


def test_the_best_parameters_are_those_of_the_least_weighted_total():
    # Adam takes the same path whatever the weights: only what is called best differs.
    for_a, _ = stopped_early({"a": 1.0, "b": 0.01})
    for_both, _ = stopped_early(None)
    for_b, _ = stopped_early({"a": 0.01, "b": 1.0})
    assert for_a.best_step < for_both.best_step < for_b.best_step


def test_under_a_rule_the_best_parameters_are_those_of_the_least_sum_of_losses():
    history, after = stopped_early(mtl.weighting.stch)
    totals = history.held_out["a"] + history.held_out["b"]
    assert 0 < np.argmin(totals) < len(totals) - 1
    assert history.best_step == history.held_out_steps[np.argmin(totals)]
    assert after["a"] + after["b"] == totals.min()


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_judge_that_cannot_tell_leaves_the_start(value):
    model, data, held_out = passing_by()
    before = model.theta.copy()
    history = mtl.fit(
        model,
        data,
        LOSSES,
        optimizer=mtl.SGD(0.1),
        steps=9,
        held_out=held_out,
        evaluate_every=1,
        patience=2,
        judge=lambda losses: value,
    )
    assert history.best_step == 0
    np.testing.assert_array_equal(model.theta, before)


def test_the_start_is_a_candidate_where_training_may_stop_early():
    model, _, held_out = passing_by()
    mtl.fit(model, held_out, LOSSES, optimizer=mtl.Adam(0.02), steps=400)
    before = model.theta.copy()
    history = mtl.fit(
        model,
        held_out,
        LOSSES,
        optimizer=mtl.Adam(0.5),
        steps=20,
        held_out=held_out,
        evaluate_every=1,
        patience=2,
    )
    assert history.held_out_steps[0] == history.best_step == 0
    np.testing.assert_array_equal(model.theta, before)


def test_the_best_parameters_are_those_of_the_least_value_of_judge():
    model, data, held_out = passing_by()
    asked = []

    def worst(losses):
        asked.append(losses)
        return max(losses.values())

    history = mtl.fit(
        model,
        data,
        LOSSES,
        optimizer=mtl.Adam(0.02),
        steps=1000,
        held_out=held_out,
        evaluate_every=2,
        patience=3,
        judge=worst,
    )
    values = np.maximum(history.held_out["a"], history.held_out["b"])
    assert history.best_step == history.held_out_steps[np.argmin(values)]
    assert max(mtl.evaluate(model, held_out, LOSSES).values()) == min(values)
    np.testing.assert_array_equal([losses["a"] for losses in asked], history.held_out["a"])


def test_judge_may_compute_any_measure_of_the_held_out_data():
    model, data, held_out = passing_by()
    only_a = {"a": held_out["a"]}

    def mean_error(output, y):
        return np.mean(np.abs(output.data - y))

    def judge(losses):
        return mtl.evaluate(model, only_a, {"a": mean_error})["a"]

    history = mtl.fit(
        model,
        data,
        LOSSES,
        optimizer=mtl.Adam(0.02),
        steps=1000,
        held_out=only_a,
        patience=3,
        judge=judge,
    )
    assert history.stopped == "patience"
    assert 0 < history.best_step < 1000


@pytest.mark.parametrize("batch_size", [1, 7, 100])
def test_held_out_data_in_batches_gives_the_same_losses(batch_size):
    histories = []
    for size in (None, batch_size):
        model, data, held_out = passing_by()
        histories.append(
            mtl.fit(
                model,
                data,
                LOSSES,
                optimizer=mtl.SGD(0.1),
                steps=5,
                held_out=held_out,
                evaluation_batch_size=size,
            )
        )
    for t in "ab":
        np.testing.assert_allclose(histories[0].held_out[t], histories[1].held_out[t])


def test_without_patience_the_last_parameters_stay():
    model, data, held_out = passing_by()
    plain, _, _ = passing_by()
    history = mtl.fit(
        model, data, LOSSES, optimizer=mtl.SGD(0.1), steps=40, held_out=held_out, evaluate_every=1
    )
    mtl.fit(plain, data, LOSSES, optimizer=mtl.SGD(0.1), steps=40)
    np.testing.assert_array_equal(model.theta, plain.theta)
    assert 0 < history.best_step < 40


def test_patience_without_a_worse_evaluation_makes_all_steps():
    model, data, _ = passing_by()
    history = mtl.fit(
        model,
        data,
        LOSSES,
        optimizer=mtl.SGD(0.1),
        steps=10,
        held_out=data,
        evaluate_every=1,
        patience=1,
    )
    assert len(history.seconds) == history.best_step == 10


# However a run ends: whole steps, and an optimiser in step with them

OPTIMIZERS = {
    "SGD": lambda: mtl.SGD(0.1),
    "momentum": lambda: mtl.SGD(0.1, momentum=0.5),
    "Adam": lambda: mtl.Adam(0.02),
}
every_optimizer = pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)


def state(optimizer):
    """Its count of steps and its memory."""
    return optimizer.t, {name: getattr(optimizer, name).copy() for name in optimizer.memory}


def assert_whole_steps(model, optimizer, history, make_model, make_optimizer, data):
    """Parameters and memory are those of a run of as many steps as the History has rows.

    They are so too after some steps more.
    """
    steps = len(history.penalty)
    assert_steps_recorded(history, steps)
    plain = make_model()
    plain_optimizer = make_optimizer()
    mtl.fit(plain, data, LOSSES, optimizer=plain_optimizer, steps=steps)
    np.testing.assert_array_equal(model.theta, plain.theta)
    assert optimizer.t == plain_optimizer.t == steps
    if steps:
        np.testing.assert_equal(state(optimizer), state(plain_optimizer))
    assert not model.training
    mtl.fit(model, data, LOSSES, optimizer=optimizer, steps=2)
    mtl.fit(plain, data, LOSSES, optimizer=plain_optimizer, steps=2)
    np.testing.assert_array_equal(model.theta, plain.theta)
    np.testing.assert_equal(state(optimizer), state(plain_optimizer))


def in_call(number, error, function):
    """The function, but one of its calls raises this error."""
    calls = []

    def f(*args):
        calls.append(1)
        if len(calls) == number:
            raise error
        return function(*args)

    return f


def equal_rule(losses, gramian=None):
    return np.ones(len(losses))


def equal_rule_of_gramian(losses, gramian):
    return np.ones(len(losses))


# What raises in which call, as arguments of `fit`.
PLACES = {
    "loss": lambda n, error: {"losses": {"a": mtl.mse, "b": in_call(n, error, mtl.mse)}},
    "rule": lambda n, error: {"weights": in_call(n, error, equal_rule_of_gramian)},
    "rule of the losses": lambda n, error: {"weights": OneArgument(n, error)},
    "callback": lambda n, error: {"callback": in_call(n, error, lambda history: None)},
    "judge": lambda n, error: {
        "judge": in_call(n, error, lambda losses: losses["a"]),
        "held_out": examples(seed=2),
        "evaluate_every": 1,
    },
    "all_reduce": lambda n, error: {"all_reduce": in_call(n, error, lambda array: None)},
}


class OneArgument:
    """A rule of the losses that raises in one call."""

    def __init__(self, number, error):
        self.rule = in_call(number, error, equal_rule)

    def __call__(self, losses, gramian=None):
        return self.rule(losses)


def run_that_fails(place, number, error, make, **more):
    """The model, its optimiser and what is raised or returned."""
    model = network()
    optimizer = make()
    options = {"losses": LOSSES, "steps": 9, **PLACES[place](number, error), **more}
    losses = options.pop("losses")
    try:
        outcome = mtl.fit(model, examples(), losses, optimizer=optimizer, **options)
    except Exception as raised:
        outcome = raised
    return model, optimizer, outcome


@every_optimizer
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("number", [1, 2, 5])
def test_an_error_anywhere_leaves_whole_steps_and_carries_the_history(make, place, number):
    error = ZeroDivisionError("once")
    model, optimizer, raised = run_that_fails(place, number, error, make)
    assert raised is error
    history = raised.history
    assert history.stopped == "failed"
    assert history.reason == "ZeroDivisionError: once"
    assert_whole_steps(model, optimizer, history, network, make, examples())


@every_optimizer
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("number", [1, 2, 5])
def test_ctrl_c_anywhere_leaves_whole_steps_and_returns_the_history(make, place, number):
    model, optimizer, history = run_that_fails(place, number, KeyboardInterrupt, make)
    assert history.stopped == "interrupted"
    assert history.interrupted
    assert history.reason == f"Ctrl-C came after {len(history.penalty)} steps."
    assert_whole_steps(model, optimizer, history, network, make, examples())


@every_optimizer
@pytest.mark.parametrize("place", ["rule", "rule of the losses"])
@pytest.mark.parametrize("number", [2, 5])
def test_a_rule_that_refuses_ends_the_run_without_an_exception(make, place, number):
    model, optimizer, history = run_that_fails(place, number, ValueError("no direction"), make)
    assert history.stopped == "refused"
    assert history.reason == (
        f"fit: the rule for the weights of ['a', 'b'] refused: no direction (at step {number - 1})"
    )
    assert len(history.penalty) == number - 1
    assert_whole_steps(model, optimizer, history, network, make, examples())


@pytest.mark.parametrize("place", ["rule", "rule of the losses"])
def test_a_rule_that_refuses_before_anything_was_learned_is_an_error(place):
    _, _, raised = run_that_fails(place, 1, ValueError("no direction"), mtl.Adam)
    assert isinstance(raised, ValueError)
    assert str(raised).endswith("no direction")
    assert raised.history.stopped == "refused"
    assert_steps_recorded(raised.history, 0)


def test_a_rule_ends_where_no_direction_is_good_for_both_tasks():
    # The two losses pull to 1 and to -1: every point between is Pareto-stationary.
    head = mtl.Dense(1, 1, np.random.default_rng(0), np.float64)
    head.W = np.array([[5.0]])
    model = mtl.HardSharing(head, {t: lambda h: h for t in "ab"})
    x = np.ones((1, 1))
    history = mtl.fit(
        model,
        {"a": (x, x), "b": (x, -x)},
        LOSSES,
        weights=mtl.weighting.nash_mtl,
        optimizer=mtl.SGD(0.1),
        steps=1000,
    )
    assert history.stopped == "refused"
    assert 0 < len(history.penalty) < 1000
    assert -1 <= float(model({"a": x})["a"].data[0, 0]) <= 1


def test_a_loss_that_becomes_0_ends_a_rule_that_needs_positive_losses():
    losses = {"a": mtl.mse, "b": zero_in_call(4)}
    history = mtl.fit(
        network(),
        examples(),
        losses,
        weights=mtl.weighting.geometric,
        optimizer=mtl.SGD(0.1),
        steps=9,
    )
    assert history.stopped == "refused"
    assert "at step 3" in history.reason
    assert_steps_recorded(history, 3)


def zero_in_call(number):
    calls = []

    def loss(output, y):
        calls.append(1)
        return mtl.mse(output, y) * (0.0 if len(calls) == number else 1.0)

    return loss


@every_optimizer
@pytest.mark.parametrize("number", [2, 5])
def test_a_step_that_diverged_is_taken_back_with_its_row(make, number):
    calls = []

    def nan_in_one_call(output, y):
        calls.append(1)
        return mtl.mse(output, y) * (math.nan if len(calls) == number else 1.0)

    model = network()
    optimizer = make()
    losses = {"a": mtl.mse, "b": nan_in_one_call}
    with pytest.raises(FloatingPointError) as caught:
        mtl.fit(model, examples(), losses, optimizer=optimizer, steps=9, cosines_every=1)
    history = caught.value.history
    assert history.stopped == "diverged"
    assert str(caught.value) in history.reason
    assert len(history.cosines) == len(history.penalty) == number - 2
    assert_whole_steps(model, optimizer, history, network, make, examples())


def test_an_evaluation_of_a_step_that_is_taken_back_is_no_candidate():
    calls = []

    def nan_in_call_4(output, y):
        calls.append(1)
        return mtl.mse(output, y) * (math.nan if len(calls) == 4 else 1.0)

    model, data, _ = passing_by()
    only_a = {"a": data["a"]}
    with pytest.raises(FloatingPointError) as caught:
        mtl.fit(
            model,
            data,
            {"a": mtl.mse, "b": nan_in_call_4},
            optimizer=mtl.SGD(0.1),
            steps=9,
            held_out=only_a,
            evaluate_every=1,
            patience=3,
        )
    history = caught.value.history
    assert history.held_out_steps.tolist() == [0, 1, 2]
    assert history.best_step == len(history.penalty) == 2
    assert mtl.evaluate(model, only_a, LOSSES)["a"] == history.held_out["a"][-1]


def test_a_run_that_makes_all_its_steps_is_finished():
    history = mtl.fit(network(), examples(), LOSSES, optimizer=mtl.SGD(0.1), steps=3)
    assert history.stopped == "finished"
    assert history.reason == "All 3 steps were made."


# The callback


def test_a_callback_sees_the_history_after_each_step():
    seen = []

    def look(history):
        assert history.stopped == "running"
        assert len(history.penalty) == len(history.cosines) == len(seen) + 1
        seen.append([history.losses["a"][-1], history.weights["b"][-1], history.norms[-1, 0]])
        assert len(history.held_out["a"]) == len(seen) // 2
        assert f"{len(seen)} step" in repr(history)

    history = mtl.fit(
        network(),
        examples(),
        LOSSES,
        optimizer=mtl.Adam(),
        steps=4,
        cosines_every=1,
        held_out=examples(seed=2),
        evaluate_every=2,
        callback=look,
    )
    columns = [history.losses["a"], history.weights["b"], history.norms[:, 0]]
    np.testing.assert_array_equal(seen, np.transpose(columns))


def test_a_callback_does_not_change_training_or_its_record():
    def spoil(history):
        history.losses["a"][:] = 0.0
        history.tasks.clear()

    plain = network()
    watched = network()
    histories = [
        mtl.fit(m, examples(), LOSSES, optimizer=mtl.Adam(), steps=4, callback=callback)
        for m, callback in ((plain, None), (watched, spoil))
    ]
    np.testing.assert_array_equal(plain.theta, watched.theta)
    np.testing.assert_array_equal(histories[0].losses["a"], histories[1].losses["a"])


@pytest.mark.parametrize("true", [True, np.bool_(True)])
def test_a_callback_that_returns_true_ends_the_run(true):
    model = network()
    history = mtl.fit(
        model,
        examples(),
        LOSSES,
        optimizer=mtl.Adam(0.02),
        steps=9,
        callback=lambda history: true if len(history.penalty) == 4 else None,
    )
    plain = network()
    mtl.fit(plain, examples(), LOSSES, optimizer=mtl.Adam(0.02), steps=4)
    assert history.stopped == "callback"
    assert history.reason == "The callback returned True after 4 steps."
    assert_steps_recorded(history, 4)
    np.testing.assert_array_equal(model.theta, plain.theta)


def test_a_callback_must_answer_true_false_or_none():
    with pytest.raises(TypeError, match="fit: callback must return True, False or None, got 5"):
        mtl.fit(
            network(), examples(), LOSSES, optimizer=mtl.SGD(0.1), steps=2, callback=lambda h: 5
        )


# A table for a spreadsheet


def read_csv(path):
    """The names of the columns, and column -> cells as text."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {name: [row[name] for row in rows] for name in rows[0]}


def test_a_csv_holds_every_number_of_the_history_to_the_bit(tmp_path):
    history = mtl.fit(
        network(l2=0.01),
        half_labelled(8),
        LOSSES,
        optimizer=mtl.SGD(0.01),
        steps=7,
        batch_size=1,
        rng=np.random.default_rng(0),
        held_out={"b": examples(seed=2)["b"]},
        evaluate_every=3,
    )
    history.to_csv(tmp_path / "run.csv")
    columns = read_csv(tmp_path / "run.csv")
    assert list(columns) == [
        "step",
        "loss a",
        "loss b",
        "weight a",
        "weight b",
        "penalty",
        "seconds",
        "held-out b",
    ]
    assert columns["step"] == [str(k) for k in range(8)]
    for t in "ab":
        expected = ["" if math.isnan(loss) else repr(float(loss)) for loss in history.losses[t]]
        assert columns[f"loss {t}"] == [*expected, ""]
        assert [float(w) for w in columns[f"weight {t}"][:7]] == history.weights[t].tolist()
    assert [float(x) for x in columns["penalty"][:7]] == history.penalty.tolist()
    assert [float(x) for x in columns["seconds"][:7]] == history.seconds.tolist()
    evaluated = {k: float(x) for k, x in enumerate(columns["held-out b"]) if x}
    assert evaluated == dict(zip([3, 6, 7], history.held_out["b"].tolist()))


def test_a_csv_of_no_steps_has_names_of_columns_only(tmp_path):
    mtl.History(["a, b"]).to_csv(tmp_path / "run.csv")
    text = (tmp_path / "run.csv").read_text()
    assert text.splitlines() == ['step,"loss a, b","weight a, b",penalty,seconds']


# Ctrl-C takes back what is half done


def interrupting(at_call):
    """A loss that is interrupted in one of its calls."""
    calls = []

    def loss(output, y):
        calls.append(1)
        if len(calls) == at_call:
            raise KeyboardInterrupt
        return mtl.mse(output, y)

    return loss


def assert_steps_recorded(history, steps):
    """Every record of every step has this many rows."""
    for t in "ab":
        assert len(history.losses[t]) == len(history.weights[t]) == steps
    assert len(history.penalty) == len(history.seconds) == len(history.total) == steps
    assert history.epochs == {"a": steps, "b": steps}


@every_model
@pytest.mark.parametrize("steps_made", [0, 1, 3])
def test_ctrl_c_returns_what_was_learned_in_the_steps_made(kind, steps_made):
    plain = network(kind)
    mtl.fit(plain, examples(), LOSSES, optimizer=mtl.SGD(0.1), steps=steps_made)

    in_loss = network(kind)
    losses = {"a": mtl.mse, "b": interrupting(steps_made + 1)}
    history_in_loss = mtl.fit(
        in_loss, examples(), losses, optimizer=mtl.SGD(0.1), steps=9, cosines_every=1
    )
    in_step = network(kind)
    optimizer = Interrupted(0.1, steps_made + 1)
    history_in_step = mtl.fit(
        in_step, examples(), LOSSES, optimizer=optimizer, steps=9, cosines_every=1
    )
    for model, history in ((in_loss, history_in_loss), (in_step, history_in_step)):
        assert history.interrupted
        np.testing.assert_array_equal(model.theta, plain.theta)
        assert_steps_recorded(history, steps_made)


class CtrlC:
    """Interrupts one line of what a run executes, from its opening to its end, counted in all."""

    files = {
        tinymtl.training.__file__,
        tinymtl.step.__file__,
        tinymtl.checkpoint.__file__,
        tinymtl.history.__file__,
        tinymtl.batches.__file__,
        tinymtl.optim.__file__,
    }
    opening = tinymtl.training._Run.open.__code__
    closing = tinymtl.training._Run.close.__code__

    def __init__(self, at_line):
        self.at_line = at_line
        self.lines = 0
        self.is_running = False

    def __enter__(self):
        self.before = sys.gettrace()
        sys.settrace(self.trace)
        return self

    def __exit__(self, *error):
        sys.settrace(self.before)

    def trace(self, frame, event, argument):
        """Called for every function that is called."""
        code = frame.f_code
        if code is self.opening:
            self.is_running = True
        return self.trace_line if code.co_filename in self.files else None

    def trace_line(self, frame, event, argument):
        """Called for every line of a function in `files`, and when it returns."""
        if event == "line" and self.is_running:
            self.lines += 1
            if self.lines == self.at_line:
                raise KeyboardInterrupt
        elif event == "return" and frame.f_code is self.closing:
            self.is_running = False
        return self.trace_line


def interrupted_at(line, kind, steps):
    """A training, interrupted at this line: model, optimiser, history, lines run."""
    model = network(kind)
    optimizer = mtl.Adam(0.02)
    with CtrlC(line) as ctrl_c:
        history = mtl.fit(
            model,
            examples(),
            LOSSES,
            optimizer=optimizer,
            steps=steps,
            cosines_every=1,
            held_out=examples(seed=2),
            evaluate_every=1,
        )
    return model, optimizer, history, ctrl_c.lines


# Training alone runs the same lines as soft sharing, one by one. The third step is the first whose
# undo uses all its room again; it has the same lines for both kinds, and is made by one of them.
@pytest.mark.parametrize("kind, steps", [("hard", 3), ("soft", 2)])
def test_ctrl_c_in_any_line_of_a_run_leaves_whole_steps_and_their_records(kind, steps):
    after = []  # θ and the optimiser's state after 0, 1, 2, ... steps
    for made in range(steps + 1):
        plain = network(kind)
        optimizer = mtl.Adam(0.02)
        mtl.fit(plain, examples(), LOSSES, optimizer=optimizer, steps=made)
        after.append((plain.theta, state(optimizer) if made else (0, None)))
    *_, lines = interrupted_at(math.inf, kind, steps)
    assert lines > 100
    all_made = []
    for line in range(1, lines + 1):
        model, optimizer, history, _ = interrupted_at(line, kind, steps)
        made = len(history.penalty)
        θ, memory = after[made]
        assert history.interrupted
        np.testing.assert_array_equal(model.theta, θ)
        if made:
            np.testing.assert_equal(state(optimizer), memory)
        else:
            assert optimizer.t == 0
        assert_steps_recorded(history, made)
        assert history.cosine_steps.tolist() == list(range(made))
        assert len(history.cosines) == len(history.norms) == made
        assert len(history.held_out["a"]) == len(history.held_out["b"])
        assert len(history.held_out["a"]) == len(history.held_out_steps) <= made
        assert not any(module.training for module in model.modules())
        all_made.append(made)
    assert all_made == sorted(all_made)
    assert set(all_made) == set(range(steps + 1))


@every_model
def test_after_ctrl_c_no_cosines_are_kept_of_a_step_that_was_not_made(kind):
    history = mtl.fit(
        network(kind), examples(), LOSSES, optimizer=Interrupted(0.1, 3), steps=9, cosines_every=1
    )
    assert history.cosine_steps.tolist() == [0, 1]
    assert len(history.cosines) == len(history.norms) == 2


def test_ctrl_c_in_the_middle_of_a_step_on_a_sparse_table_undoes_the_step():
    interrupted = words(sparse=True)
    plain = words(sparse=True)
    mtl.fit(interrupted, word_examples(3), LOSSES, optimizer=Interrupted(0.1, 3), steps=9)
    mtl.fit(plain, word_examples(3), LOSSES, optimizer=mtl.SGD(0.1), steps=2)
    np.testing.assert_array_equal(interrupted.theta, plain.theta)


class InterruptedAdam(mtl.Adam):
    """Ctrl-C arrives in the middle of a step: the first of its places are written."""

    def __init__(self, at_step):
        super().__init__(0.02)
        self.at_step = at_step

    def update(self, θ, g, at, η):
        super().update(θ, g, at, η)
        if self.t == self.at_step:
            raise KeyboardInterrupt


@pytest.mark.parametrize("at_step", [1, 2, 4])
@pytest.mark.parametrize("sparse", [False, True])
def test_ctrl_c_in_the_middle_of_a_step_of_adam_undoes_its_memory_too(sparse, at_step):
    model = words(sparse)
    plain = words(sparse)
    optimizer = InterruptedAdam(at_step)
    other = mtl.Adam(0.02)
    history = mtl.fit(model, word_examples(3), LOSSES, optimizer=optimizer, steps=9)
    mtl.fit(plain, word_examples(3), LOSSES, optimizer=other, steps=at_step - 1)
    assert len(history.penalty) == optimizer.t == at_step - 1
    optimizer.at_step = None
    for m, o in ((model, optimizer), (plain, other)):
        mtl.fit(m, word_examples(3), LOSSES, optimizer=o, steps=3)
    np.testing.assert_array_equal(model.theta, plain.theta)
    np.testing.assert_equal(state(optimizer), state(other))


def test_ctrl_c_puts_the_best_parameters_back_where_training_may_stop_early():
    model, data, held_out = passing_by()
    history = mtl.fit(
        model,
        data,
        LOSSES,
        optimizer=Interrupted(0.1, 30),
        steps=100,
        held_out=held_out,
        evaluate_every=1,
        patience=50,
    )
    totals = history.held_out["a"] + history.held_out["b"]
    assert history.interrupted
    assert history.best_step < 29
    assert sum(mtl.evaluate(model, held_out, LOSSES).values()) == min(totals)


def test_training_goes_on_after_ctrl_c():
    model = network()
    plain = network()
    mtl.fit(model, examples(), LOSSES, optimizer=Interrupted(0.1, 3), steps=9)
    mtl.fit(model, examples(), LOSSES, optimizer=mtl.SGD(0.1), steps=2)
    mtl.fit(plain, examples(), LOSSES, optimizer=mtl.SGD(0.1), steps=4)
    np.testing.assert_array_equal(model.theta, plain.theta)


# Refusals


@pytest.mark.parametrize(
    "options, match",
    [
        ({"cosines_every": 0}, "cosines_every must be a whole number, at least 1; got 0"),
        ({"evaluate_every": 0}, "evaluate_every must be a whole number, at least 1; got 0"),
        (
            {"patience": 0, "held_out": examples()},
            "patience must be a whole number, at least 1; got 0",
        ),
        ({"patience": 2}, "patience needs held_out data"),
        ({"judge": max}, "judge needs held_out data"),
        (
            {"evaluation_batch_size": 0},
            "evaluation_batch_size must be a whole number, at least 1; got 0",
        ),
    ],
)
def test_options_of_the_record_that_do_not_fit_are_errors_and_change_nothing(options, match):
    model = network()
    before = model.theta.copy()
    with pytest.raises(ValueError, match=f"^fit: {match}"):
        mtl.fit(model, examples(), LOSSES, optimizer=mtl.SGD(0.1), steps=3, **options)
    np.testing.assert_array_equal(model.theta, before)
