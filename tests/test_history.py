"""The laws of what a run records, takes back and keeps: whole steps, and the best of them."""

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
import tinymtl.history
import tinymtl.training

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


def history_of(interrupted=False, **losses):
    """A history of these losses by task."""
    steps = max(len(values) for values in losses.values())
    return mtl.History(
        list(losses),
        interrupted=interrupted,
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
        (history_of(a=[], interrupted=True), "History(0 steps, interrupted)"),
        (
            history_of(a=[2.0, 0.5], interrupted=True),
            "History(2 steps, interrupted; a 0.5 at the end)",
        ),
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
    assert history.best_step == history.held_out_steps[least] == 2 * (least + 1)
    assert len(history.seconds) == history.held_out_steps[-1] < 1000
    assert after["a"] + after["b"] == totals[least]


def test_the_best_parameters_are_those_of_the_least_weighted_total():
    # Adam takes the same path whatever the weights: only what is called best differs.
    for_a, _ = stopped_early({"a": 1.0, "b": 0.01})
    for_both, _ = stopped_early(None)
    for_b, _ = stopped_early({"a": 0.01, "b": 1.0})
    assert for_a.best_step < for_both.best_step < for_b.best_step


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
    """Interrupts one line of what a step runs, counted over the whole training."""

    files = {
        tinymtl.training.__file__,
        tinymtl.history.__file__,
        tinymtl.batches.__file__,
        tinymtl.optim.__file__,
    }
    step = tinymtl.training._Step.__call__.__code__

    def __init__(self, at_line):
        self.at_line = at_line
        self.lines = 0
        self.in_step = False

    def __enter__(self):
        self.before = sys.gettrace()
        sys.settrace(self.trace)
        return self

    def __exit__(self, *error):
        sys.settrace(self.before)

    def trace(self, frame, event, argument):
        code = frame.f_code
        if code is self.step and event in ("call", "return"):
            self.in_step = event == "call"
        if event == "line" and self.in_step:
            self.lines += 1
            if self.lines == self.at_line:
                raise KeyboardInterrupt
        return self.trace if code.co_filename in self.files else None


def interrupted_at(line, kind):
    """A training of 3 steps, interrupted at this line: the model, the history, the lines run."""
    model = network(kind)
    with CtrlC(line) as ctrl_c:
        history = mtl.fit(
            model, examples(), LOSSES, optimizer=mtl.SGD(0.1), steps=3, cosines_every=1
        )
    return model, history, ctrl_c.lines


@every_model
def test_ctrl_c_in_any_line_of_a_step_leaves_whole_steps_and_their_records(kind):
    path = Path()
    plain = network(kind)
    mtl.fit(plain, examples(), LOSSES, optimizer=path, steps=3)
    thetas = [*path.thetas, plain.theta]  # after 0, 1, 2, 3 steps
    _, _, lines = interrupted_at(math.inf, kind)
    assert lines > 100
    all_made = []
    for line in range(1, lines + 1):
        model, history, _ = interrupted_at(line, kind)
        made = len(history.penalty)
        assert history.interrupted
        np.testing.assert_array_equal(model.theta, thetas[made])
        assert_steps_recorded(history, made)
        assert history.cosine_steps.tolist() == list(range(made))
        assert len(history.cosines) == len(history.norms) == made
        all_made.append(made)
    assert all_made == sorted(all_made)
    assert set(all_made) >= {0, 1, 2}


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
    ],
)
def test_options_of_the_record_that_do_not_fit_are_errors_and_change_nothing(options, match):
    model = network()
    before = model.theta.copy()
    with pytest.raises(ValueError, match=f"^fit: {match}"):
        mtl.fit(model, examples(), LOSSES, optimizer=mtl.SGD(0.1), steps=3, **options)
    np.testing.assert_array_equal(model.theta, before)
