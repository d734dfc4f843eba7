"""The laws of joint training: the step is six lines, the weights are the rule's, and what goes wrong changes nothing."""

import io
import math
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinymtl as mtl
import tinymtl.tensor
from tinymtl.ops import sqrt

laws = settings(max_examples=20)
seeds = st.integers(0, 2**32 - 1)
LOSSES = {"a": mtl.mse, "b": mtl.mse}
SHARINGS = {
    "alone": mtl.SingleTask,
    "soft": lambda *parts, **more: mtl.SoftSharing(*parts, strength=0.1, **more),
    "hard": mtl.HardSharing,
}
every_model = pytest.mark.parametrize("kind", SHARINGS)


def inverse_norm(losses, gramian):
    w = 1 / np.sqrt(np.diag(gramian))
    return w * len(w) / w.sum()


def inverse_loss(losses, gramian=None):
    return 1 / losses


models_and_rules = pytest.mark.parametrize(
    "kind, rule",
    [
        (k, r)
        for k in SHARINGS
        for r in (None, inverse_loss, inverse_norm)
        if k == "hard" or r is not inverse_norm
    ],
)


def network(kind="hard", seed=0, dtype=np.float64, **more):
    """Two tasks with two outputs each on a trunk of 3 inputs and 4 features."""
    rng = np.random.default_rng(seed)
    trunk = mtl.Sequential(mtl.Dense(3, 4, rng, dtype), mtl.tanh)
    return SHARINGS[kind](trunk, {t: mtl.Dense(4, 2, rng, dtype) for t in "ab"}, **more)


def examples(N=8, seed=1, N_b=None):
    """Inputs (N, 3) and targets (N, 2) for each task."""
    rng = np.random.default_rng(seed)
    return {
        t: (rng.standard_normal((n, 3)), rng.standard_normal((n, 2)))
        for t, n in (("a", N), ("b", N_b or N))
    }


def half_labelled(N=8):
    """The same, but task b has labels for the first half only."""
    data = examples(N)
    x, y = data["b"]
    mask = np.repeat(np.arange(N) < N // 2, 2).reshape(N, 2)
    data["b"] = x, np.where(mask, y, np.nan), mask
    return data


class Path(mtl.SGD):
    """SGD that notes θ before every step, and the progress it was told."""

    def __init__(self, learning_rate=0.1):
        super().__init__(learning_rate)
        self.thetas, self.progress = [], []

    def step(self, model, progress=0.0):
        self.thetas.append(model.theta.copy())
        self.progress.append(progress)
        super().step(model, progress)


def numbered(data):
    """Data whose targets carry the example's number in front, losses that note it, and the notes (batches by task)."""
    seen = {t: [] for t in data}

    def noting(t):
        def loss(output, y, *mask):
            seen[t].append(y[:, 0].astype(int))
            return mtl.mse(output, y[:, 1:], *(m[:, 1:] for m in mask))

        return loss

    front = lambda y: np.hstack([np.arange(len(y))[:, None], y])
    with_numbers = {
        t: (x, front(y), *(np.hstack([m[:, :1], m]) for m in mask))
        for t, (x, y, *mask) in data.items()
    }
    return with_numbers, {t: noting(t) for t in data}, seen


def six_lines(model, batches, weights, optimizer):
    """What a reader writes in place of `fit`; the losses before each step."""
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


def numeric_jacobian(model, data, places, h=1e-6):
    """Row t: central differences of task t's loss in the places of θ given for it."""
    rows = []
    for t, (x, *y) in data.items():
        value, row, θ = (lambda: float(mtl.mse(model({t: x})[t], *y))), [], model.theta
        for i in np.arange(θ.size)[places[t]]:
            old = θ[i]
            θ[i] = old + h
            above = value()
            θ[i] = old - h
            row.append((above - value()) / (2 * h))
            θ[i] = old
        rows.append(row)
    return np.array(rows)


# The step


@every_model
@pytest.mark.parametrize("weights", [None, {"a": 0.3, "b": 2.0}], ids=["equal", "weighted"])
@pytest.mark.parametrize(
    "make", [lambda: mtl.SGD(lambda p: 0.1 * (1 - p)), mtl.Adam], ids=["SGD", "Adam"]
)
def test_fit_is_the_six_lines_to_the_bit(kind, weights, make):
    data = examples()
    fitted, written = network(kind, l2=0.01), network(kind, l2=0.01)
    history = mtl.fit(fitted, data, LOSSES, weights=weights, optimizer=make(), steps=5)
    rows = six_lines(written, [data] * 5, weights, make())
    np.testing.assert_array_equal(fitted.theta, written.theta)
    np.testing.assert_array_equal([history.losses["a"], history.losses["b"]], rows.T)


@every_model
def test_fit_on_minibatches_is_the_six_lines_on_the_batches_drawn(kind):
    data = examples(10, N_b=7)
    with_numbers, losses, seen = numbered(data)
    fitted, written = network(kind), network(kind)
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


def test_no_steps_change_nothing_and_leave_an_empty_history():
    model = network()
    before = model.theta.copy()
    history = mtl.fit(model, examples(), LOSSES, optimizer=mtl.SGD(0.1), steps=0, cosines_every=1)
    np.testing.assert_array_equal(model.theta, before)
    assert len(history.total) == len(history.seconds) == len(history.cosines) == 0
    assert history.epochs == {"a": 0, "b": 0}


@every_model
def test_one_seed_gives_one_theta_to_the_bit(kind):
    thetas = []
    for _ in range(2):
        model, rng = network(kind), np.random.default_rng(5)
        mtl.fit(model, examples(), LOSSES, optimizer=mtl.Adam(), steps=7, batch_size=3, rng=rng)
        thetas.append(model.theta)
    np.testing.assert_array_equal(*thetas)


def test_fit_does_not_change_the_data():
    data = half_labelled()
    before = [a.copy() for entry in data.values() for a in entry]
    mtl.fit(
        network(),
        data,
        LOSSES,
        optimizer=mtl.SGD(0.1),
        steps=3,
        batch_size=4,
        rng=np.random.default_rng(0),
    )
    for now, then in zip([a for entry in data.values() for a in entry], before):
        np.testing.assert_array_equal(now, then)


# History


@every_model
def test_history_has_a_row_for_each_step(kind):
    path, model, data = Path(), network(kind, l2=0.01), examples()
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


# Minibatches


@laws
@given(st.integers(2, 9), st.integers(1, 9), seeds)
def test_every_epoch_visits_each_example_exactly_once(N, B, seed):
    data, losses, seen = numbered(examples(N))
    B = min(B, N)
    mtl.fit(
        network(),
        data,
        losses,
        optimizer=mtl.SGD(0.01),
        steps=N,
        batch_size=B,
        rng=np.random.default_rng(seed),
    )
    for t in "ab":
        assert all(len(batch) == B for batch in seen[t])
        epochs = np.concatenate(seen[t]).reshape(B, N)  # N steps of B examples are B epochs of N
        np.testing.assert_array_equal(np.sort(epochs), [np.arange(N)] * B)


def test_each_epoch_has_an_order_of_its_own():
    data, losses, seen = numbered(examples(20))
    mtl.fit(
        network(),
        data,
        losses,
        optimizer=mtl.SGD(0.01),
        steps=4,
        batch_size=10,
        rng=np.random.default_rng(0),
    )
    first, second = np.concatenate(seen["a"]).reshape(2, 20)
    assert (first != second).any()
    assert (first != np.arange(20)).any()
    assert (first != np.concatenate(seen["b"])[:20]).any()


@laws
@given(st.integers(2, 9), st.integers(1, 9), seeds)
def test_tasks_with_the_very_same_inputs_get_the_same_examples(N, B, seed):
    data = examples(N)
    data["b"] = data["a"][0], data["b"][1]
    data, losses, seen = numbered(data)
    mtl.fit(
        network(),
        data,
        losses,
        optimizer=mtl.SGD(0.01),
        steps=5,
        batch_size=B,
        rng=np.random.default_rng(seed),
    )
    for a, b in zip(seen["a"], seen["b"], strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("batch_size", [None, 4])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_tasks_with_the_very_same_inputs_pass_the_trunk_once(batch_size, dtype):
    calls = []
    rng = np.random.default_rng(0)
    trunk = mtl.Sequential(mtl.Dense(3, 4, rng, dtype), lambda h: calls.append(1) or h)
    model = mtl.HardSharing(trunk, {t: mtl.Dense(4, 2, rng, dtype) for t in "ab"})
    data = examples()
    data["b"] = data["a"][0], data["b"][1]
    mtl.fit(model, data, LOSSES, optimizer=mtl.SGD(0.1), steps=3, batch_size=batch_size, rng=rng)
    assert len(calls) == 3


def test_a_short_data_set_is_gone_through_more_often():
    data, losses, seen = numbered(examples(20, N_b=4))
    history = mtl.fit(
        network(),
        data,
        losses,
        optimizer=mtl.SGD(0.01),
        steps=10,
        batch_size=8,
        rng=np.random.default_rng(0),
    )
    assert all(len(batch) == 8 for batch in seen["a"])
    assert all(sorted(batch) == [0, 1, 2, 3] for batch in seen["b"])
    assert history.epochs == {"a": 4.0, "b": 10.0}


def test_epochs_count_parts_of_an_epoch_too():
    rng = np.random.default_rng(0)
    history = mtl.fit(
        network(),
        examples(8, N_b=6),
        LOSSES,
        optimizer=mtl.SGD(0.01),
        steps=3,
        batch_size=4,
        rng=rng,
    )
    assert history.epochs == {"a": 1.5, "b": 2.0}


def test_batch_size_may_differ_by_task_and_none_is_all():
    data, losses, seen = numbered(examples(6))
    rng = np.random.default_rng(0)
    history = mtl.fit(
        network(),
        data,
        losses,
        optimizer=mtl.SGD(0.01),
        steps=3,
        batch_size={"a": 2, "b": None},
        rng=rng,
    )
    assert [len(batch) for batch in seen["a"]] == [2, 2, 2]
    assert [list(batch) for batch in seen["b"]] == [list(range(6))] * 3
    assert history.epochs == {"a": 1.0, "b": 3.0}


def test_inputs_of_several_arrays_are_sliced_together():
    numbers, seen = np.arange(7.0)[:, None], []

    def encoder(x):
        seen.append(x)
        return mtl.Tensor(np.hstack([x[0], x[1], x[2][:, None].astype(float)]))

    inputs, targets = (numbers, numbers + 100, np.arange(7)), np.hstack([numbers, numbers])
    model = mtl.HardSharing(
        mtl.Dense(3, 2, np.random.default_rng(0)), {"a": lambda h: h}, {"a": encoder}
    )
    loss = lambda out, y: seen.append(y) or mtl.mse(out, y)
    mtl.fit(
        model,
        {"a": (inputs, targets)},
        {"a": loss},
        optimizer=mtl.SGD(0.0),
        steps=4,
        batch_size=3,
        rng=np.random.default_rng(0),
    )
    for (x, plus_100, integers), y in zip(seen[::2], seen[1::2], strict=True):
        np.testing.assert_array_equal(x[:, 0], plus_100[:, 0] - 100)
        np.testing.assert_array_equal(x[:, 0], integers)
        np.testing.assert_array_equal(x[:, 0], y[:, 0])


# Missing labels


@every_model
def test_a_batch_without_labels_of_a_task_leaves_the_task_out(kind):
    data, losses, seen = numbered(half_labelled(8))
    path, model = Path(), network(kind)
    history = mtl.fit(
        model, data, losses, optimizer=path, steps=24, batch_size=1, rng=np.random.default_rng(0)
    )
    absent = np.isnan(history.losses["b"])
    assert absent.sum() == 12  # three epochs of eight, half of them without a label
    assert [int(batch[0]) for batch in seen["b"]] == [
        n for batch in seen["b"] for n in batch if n < 4
    ]
    np.testing.assert_array_equal(history.weights["b"], np.where(absent, 0.0, 1.0))
    np.testing.assert_array_equal(history.weights["a"], 1.0)
    np.testing.assert_allclose(
        history.total, history.losses["a"] + np.where(absent, 0, history.losses["b"])
    )
    of_b = slice(model.theta.size - 10, None)  # the last head
    for k, (before, after) in enumerate(zip(path.thetas, [*path.thetas[1:], model.theta])):
        assert (before[of_b] == after[of_b]).all() == absent[k]
        assert (before != after).any()


@pytest.mark.parametrize("needs_gramian", [False, True])
def test_a_rule_never_sees_a_task_without_labels(needs_gramian):
    asked = []

    class Rule:
        tasks = None

        def __call__(self, losses, gramian):
            asked.append(
                (list(self.tasks), losses.copy(), None if gramian is None else gramian.shape)
            )
            return np.arange(1.0, 1 + len(losses))

    rule = Rule()
    if not needs_gramian:
        Rule.__call__ = lambda self, losses, gramian=None, call=Rule.__call__: call(
            self, losses, gramian
        )
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
    for k, (tasks, losses, shape) in enumerate(asked):
        assert tasks == (["a"] if absent[k] else ["a", "b"])
        assert losses.tolist() == [history.losses[t][k] for t in tasks]
        assert shape == ((len(tasks),) * 2 if needs_gramian else None)
    np.testing.assert_array_equal(history.weights["b"], np.where(absent, 0, 2))


@models_and_rules
def test_a_batch_without_any_label_moves_the_parameters_by_the_penalty_alone(kind, rule):
    x, y = examples(2)["a"]
    first = np.array([[True, True], [False, False]])
    path, model = Path(0.1), network(kind, l2=0.01)
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
    for before, after in [
        pair
        for k, pair in enumerate(zip(path.thetas, [*path.thetas[1:], model.theta.copy()]))
        if absent[k]
    ]:
        model.theta[:] = before
        model.zero_grad()
        model.penalty().backward()
        np.testing.assert_array_equal(after, before - 0.1 * model.grad)
    assert np.isnan(history.cosines[absent]).all()
    assert (history.total[absent] == 0).all()


# Weights and rules


@laws
@given(seeds, st.floats(0, 3), st.floats(0, 3), st.booleans())
def test_a_step_under_a_rule_is_the_step_under_the_weights_it_gives(seed, w_a, w_b, needs_gramian):
    by_rule, by_dict = network(seed=seed, l2=0.01), network(seed=seed, l2=0.01)
    rule = (
        (lambda losses, gramian: [w_a, w_b])
        if needs_gramian
        else (lambda losses, gramian=None: [w_a, w_b])
    )
    for model, weights in ((by_rule, rule), (by_dict, {"a": w_a, "b": w_b})):
        history = mtl.fit(
            model, examples(), LOSSES, weights=weights, optimizer=mtl.SGD(0.1), steps=3
        )
        np.testing.assert_array_equal(
            [history.weights["a"], history.weights["b"]], [[w_a] * 3, [w_b] * 3]
        )
    np.testing.assert_allclose(by_rule.theta, by_dict.theta, rtol=1e-10, atol=1e-12)


def test_a_rule_may_give_negative_weights():
    model, data = network(), examples()
    before, J = model.theta.copy(), numeric_jacobian(model, data, dict.fromkeys("ab", slice(None)))
    mtl.fit(
        model,
        data,
        LOSSES,
        weights=lambda losses, gramian=None: [1.0, -0.5],
        optimizer=mtl.SGD(0.1),
        steps=1,
    )
    np.testing.assert_allclose(model.theta, before - 0.1 * (J[0] - 0.5 * J[1]), atol=1e-8)


@every_model
def test_a_rule_of_the_losses_is_asked_with_the_losses_of_every_step(kind):
    asked = []
    rule = lambda losses, gramian=None: asked.append(losses.copy()) or inverse_loss(losses)
    history = mtl.fit(
        network(kind), examples(), LOSSES, weights=rule, optimizer=mtl.SGD(0.1), steps=4
    )
    np.testing.assert_array_equal(np.array(asked).T, [history.losses["a"], history.losses["b"]])
    np.testing.assert_allclose(history.weighted["a"], 1)


@pytest.mark.parametrize("encoders", [False, True])
def test_the_gramian_is_that_of_the_shared_parameters_alone(encoders):
    rng, asked = np.random.default_rng(0), []
    more = {"encoders": {"b": mtl.Dense(3, 3, rng)}} if encoders else {}
    model, data = network(l2=0.3, **more), examples()
    J = numeric_jacobian(model, data, dict.fromkeys("ab", slice(0, 16)))
    rule = lambda losses, gramian: asked.append(gramian.copy()) or inverse_norm(losses, gramian)
    mtl.fit(model, data, LOSSES, weights=rule, optimizer=mtl.SGD(0.1), steps=1)
    np.testing.assert_allclose(asked[0], [[sum(s * t) for t in J] for s in J], atol=1e-8)


def test_what_a_rule_refuses_is_said_with_the_names_of_the_tasks():
    def rule(losses, gramian=None):
        raise ValueError("no solution")

    with pytest.raises(
        ValueError, match=r"fit: the rule for the weights of \['a', 'b'\] refused: no solution"
    ):
        mtl.fit(network(), examples(), LOSSES, weights=rule, optimizer=mtl.SGD(0.1), steps=1)


@pytest.mark.parametrize(
    "weights, words",
    [
        (mtl.weighting.DWA, r"or a rule, such as DWA\(...\); got"),
        ("mgda", "or a rule; got 'mgda'"),
        ([1, 2], r"got \[1, 2\]"),
    ],
)
def test_weights_that_are_no_weights_are_refused(weights, words):
    with pytest.raises(
        TypeError,
        match=f"fit: weights must be None, numbers by task, {words}"
        if words.startswith("or")
        else words,
    ):
        mtl.fit(network(), examples(), LOSSES, weights=weights, optimizer=mtl.SGD(0.1), steps=1)


OF_LOSSES = ("equal", "Random", "Uncertainty", "geometric", "DWA", "stch")


def rule_by_name(name):
    rule = getattr(mtl.weighting, name)
    return (
        rule(np.random.default_rng(0))
        if name in ("Random", "PCGrad")
        else rule()
        if isinstance(rule, type)
        else rule
    )


@pytest.mark.parametrize("name", mtl.weighting.__all__)
def test_every_rule_trains_and_its_step_is_that_of_the_weights_it_gave(name):
    model, twin, data = network(), network(), examples()
    history = mtl.fit(
        model, data, LOSSES, weights=rule_by_name(name), optimizer=mtl.SGD(0.05), steps=3
    )
    for k in range(3):
        mtl.fit(
            twin,
            data,
            LOSSES,
            weights={t: w[k] for t, w in history.weights.items()},
            optimizer=mtl.SGD(0.05),
            steps=1,
        )
    np.testing.assert_allclose(model.theta, twin.theta, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    "weights, passes",
    [(None, 1), ({"a": 1.0, "b": 2.0}, 1), (inverse_loss, 1), (inverse_norm, 2)]
    + [(rule_by_name(name), 1 if name in OF_LOSSES else 2) for name in mtl.weighting.__all__],
    ids=["none", "dict", "of the losses", "of the gramian", *mtl.weighting.__all__],
)
def test_a_rule_without_gramian_costs_one_backward_pass_and_any_other_one_for_each_task(
    monkeypatch, weights, passes
):
    walked, chain_rule = [], tinymtl.tensor.chain_rule

    def counting(loss, *rest):
        walked.extend([loss] if loss.pairs else [])  # a constant, like no penalty, is no pass
        return chain_rule(loss, *rest)

    monkeypatch.setattr(tinymtl.tensor, "chain_rule", counting)
    mtl.fit(network(), examples(), LOSSES, weights=weights, optimizer=mtl.SGD(0.1), steps=3)
    assert len(walked) == 3 * passes


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_losses_and_gramian_reach_a_rule_as_float64(dtype):
    def rule(losses, gramian):
        assert losses.dtype == gramian.dtype == np.float64
        return inverse_norm(losses, gramian)

    mtl.fit(network(dtype=dtype), examples(), LOSSES, weights=rule, optimizer=mtl.SGD(0.1), steps=2)


@pytest.mark.parametrize("kind", ["alone", "soft"])
def test_a_rule_that_needs_a_gramian_is_an_error_where_nothing_is_shared(kind):
    model = network(kind)
    before = model.theta.copy()
    with pytest.raises(
        ValueError, match=r"needs a Gramian, but \w+ shares no parameters \(P = 0\)"
    ):
        mtl.fit(model, examples(), LOSSES, weights=inverse_norm, optimizer=mtl.SGD(0.1), steps=1)
    np.testing.assert_array_equal(model.theta, before)


@pytest.mark.parametrize("rule", [inverse_loss, inverse_norm])
@pytest.mark.parametrize("l2", [None, 0.1])
def test_a_step_under_a_rule_moves_every_row_of_a_sparse_table_once(rule, l2):
    thetas = []
    for sparse in (True, False):
        rng = np.random.default_rng(0)
        trunk = mtl.Sequential(mtl.Embedding(5, 3, rng, sparse=sparse), mtl.Dense(3, 2, rng))
        model = mtl.HardSharing(trunk, {t: mtl.Dense(2, 2, rng) for t in "ab"}, l2=l2)
        data = {
            t: (np.array([0, i, i]), rng.standard_normal((3, 2))) for i, t in enumerate("ab", 1)
        }
        mtl.fit(model, data, LOSSES, weights=rule, optimizer=mtl.SGD(0.1), steps=3)
        thetas.append(model.theta)
    np.testing.assert_allclose(*thetas, rtol=1e-12)


# Cosines


@every_model
@pytest.mark.parametrize("every", [1, 3])
def test_cosines_and_norms_are_recorded_every_so_many_steps_from_the_first(kind, every):
    path, model, data = Path(), network(kind), examples()
    history = mtl.fit(model, data, LOSSES, optimizer=path, steps=7, cosines_every=every)
    assert history.cosine_steps.tolist() == list(range(0, 7, every))
    assert history.aligned_copies == (kind != "hard")
    own = {t: slice(16 * i, 16 * i + 16) for i, t in enumerate("ab")}  # the trunk of each task
    for step, ρ, norms in zip(history.cosine_steps, history.cosines, history.norms, strict=True):
        model.theta[:] = path.thetas[step]
        J = numeric_jacobian(
            model, data, dict.fromkeys("ab", slice(0, 16)) if kind == "hard" else own
        )
        lengths = np.sqrt((J**2).sum(1))
        np.testing.assert_allclose(norms, lengths, atol=1e-7)
        np.testing.assert_allclose(ρ, J @ J.T / np.outer(lengths, lengths), atol=1e-6)


def test_recording_cosines_does_not_change_training():
    plain, recorded = network(), network()
    mtl.fit(plain, examples(), LOSSES, optimizer=mtl.SGD(0.1), steps=4)
    mtl.fit(recorded, examples(), LOSSES, optimizer=mtl.SGD(0.1), steps=4, cosines_every=1)
    np.testing.assert_array_equal(plain.theta, recorded.theta)


@every_model
def test_cosines_are_nan_for_a_task_without_labels_in_the_batch(kind):
    rng = np.random.default_rng(0)
    history = mtl.fit(
        network(kind),
        half_labelled(8),
        LOSSES,
        optimizer=mtl.SGD(0.01),
        steps=8,
        batch_size=1,
        rng=rng,
        cosines_every=1,
    )
    absent = np.isnan(history.losses["b"])
    np.testing.assert_array_equal(np.isnan(history.cosines[:, 0, 1]), absent)
    np.testing.assert_array_equal(np.isnan(history.cosines[:, 1, 1]), absent)
    np.testing.assert_array_equal(np.isnan(history.norms), np.stack([absent & False, absent], 1))
    np.testing.assert_allclose(history.cosines[:, 0, 0], 1)


# Held-out data


def passing_by():
    """Training from 0 to w passes points where held-out targets fit best: at 0.3 w for task a, at 0.8 w for b."""
    rng = np.random.default_rng(0)
    X, w = rng.standard_normal((20, 3)), np.array([[1.0], [-2.0], [0.5]])
    head = mtl.Dense(3, 1, rng)
    head.W = np.zeros((3, 1))
    data, held_out = dict.fromkeys("ab", (X, X @ w)), {"a": (X, 0.3 * X @ w), "b": (X, 0.8 * X @ w)}
    return mtl.SingleTask(lambda x: x, dict.fromkeys("ab", head)), data, held_out


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


def stopped_early(weights=None, patience=3):
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
    steps = [
        stopped_early(weights)[0].best_step
        for weights in ({"a": 1.0, "b": 0.01}, None, {"a": 0.01, "b": 1.0})
    ]
    assert steps == sorted(set(steps))


def test_without_patience_the_last_parameters_stay():
    (model, data, held_out), (plain, _, _) = passing_by(), passing_by()
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


# Evaluation


@every_model
def test_evaluate_is_each_tasks_loss_on_all_of_its_data(kind):
    model, data = network(kind), half_labelled()
    for t, value in mtl.evaluate(model, data, LOSSES).items():
        x, y, *mask = data[t]
        squares = (model({t: x})[t].data - y) ** 2
        assert value == pytest.approx(squares[mask[0]].mean() if mask else squares.mean())
    assert list(mtl.evaluate(model, {"b": data["b"]}, LOSSES)) == ["b"]


def test_evaluate_takes_any_function_that_gives_a_number():
    accuracy = lambda output, y: np.mean((output.data > 0) == (y > 0))
    result = mtl.evaluate(network(), examples(), {"a": accuracy, "b": accuracy})
    assert all(type(value) is float and 0 <= value <= 1 for value in result.values())


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("fails", [True, False])
def test_evaluate_has_dropout_off_and_restores_the_mode(training, fails):
    rng = np.random.default_rng(0)
    trunk = mtl.Sequential(mtl.Dense(3, 4, rng), mtl.Dropout(0.5, rng))
    model, data = mtl.HardSharing(trunk, {"a": mtl.Dense(4, 2, rng)}), {"a": examples()["a"]}
    model.train(training)
    before = model.theta.copy()
    if fails:
        with pytest.raises(ZeroDivisionError):
            mtl.evaluate(model, data, {"a": lambda out, y: 1 / 0})
    else:
        x, y = data["a"]
        plain = ((x @ trunk.parts[0].W.data) @ model.heads["a"].W.data - y) ** 2
        assert mtl.evaluate(model, data, LOSSES)["a"] == pytest.approx(plain.mean())
    assert all(m.training == training for m in model.modules())
    np.testing.assert_array_equal(model.theta, before)


def test_evaluate_builds_no_graph():
    outputs = []
    mtl.evaluate(
        network(), examples(), dict.fromkeys("ab", lambda out, y: outputs.append(out) or 0.0)
    )
    assert not any(out.pairs for out in outputs)


# One type


@models_and_rules
def test_a_float32_model_fit_on_float64_data_stays_float32(kind, rule):
    seen, model = [], network(kind, dtype=np.float32, l2=0.01)
    losses = dict.fromkeys(
        "ab", lambda out, y: seen.extend([out.dtype, y.dtype]) or mtl.mse(out, y)
    )
    history = mtl.fit(
        model,
        examples(),
        losses,
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
    assert {a.dtype for a in arrays} == {np.dtype(np.float64)}
    assert np.isfinite(history.total).all()


# Many machines


class Workers:
    """A stand-in for a communicator: K threads, and an all_reduce that waits for all and gives each the mean."""

    def __init__(self, K):
        self.K, self.slots, self.barrier = K, [None] * K, threading.Barrier(K, timeout=30)

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


def words(sparse):
    """Two tasks on one table of words."""
    rng = np.random.default_rng(0)
    trunk = mtl.Sequential(mtl.Embedding(6, 3, rng, sparse=sparse), mtl.Dense(3, 2, rng), mtl.tanh)
    return mtl.HardSharing(trunk, {t: mtl.Dense(2, 2, rng) for t in "ab"}, l2=0.01)


def word_examples(N):
    rng = np.random.default_rng(1)
    return {t: (rng.integers(0, 6, N), rng.standard_normal((N, 2))) for t in "ab"}


def assert_workers_are_one(make, data, rule, K=3):
    options = {"weights": rule, "steps": 4, "cosines_every": 2}
    whole, models = make(), [make() for _ in range(K)]
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
def test_k_workers_are_one_worker_on_a_table_of_words_too(sparse, rule):
    assert_workers_are_one(lambda: words(sparse), word_examples(12), rule)


# Ctrl-C


def interrupting(at_call):
    """A loss that is interrupted in one of its calls."""
    calls = []

    def loss(output, y):
        calls.append(1)
        if len(calls) == at_call:
            raise KeyboardInterrupt
        return mtl.mse(output, y)

    return loss


class Interrupted(mtl.SGD):
    """Ctrl-C arrives when half of the numbers of one step are written."""

    def __init__(self, learning_rate, at_step):
        super().__init__(learning_rate)
        self.at_step = at_step

    def update(self, θ, g, at, η):
        super().update(θ, g, at, η)
        if self.t == self.at_step:
            θ[at] = np.where(np.arange(len(θ[at])) % 2, 77.0, θ[at])
            raise KeyboardInterrupt


@every_model
@pytest.mark.parametrize("steps_made", [0, 1, 3])
def test_ctrl_c_returns_what_was_learned_in_the_steps_made(kind, steps_made):
    plain = network(kind)
    mtl.fit(plain, examples(), LOSSES, optimizer=mtl.SGD(0.1), steps=steps_made)
    in_loss, in_step = network(kind), network(kind)
    losses = {"a": mtl.mse, "b": interrupting(steps_made + 1)}
    histories = [
        mtl.fit(in_loss, examples(), losses, optimizer=mtl.SGD(0.1), steps=9, cosines_every=1),
        mtl.fit(
            in_step,
            examples(),
            LOSSES,
            optimizer=Interrupted(0.1, steps_made + 1),
            steps=9,
            cosines_every=1,
        ),
    ]
    for model, history in zip((in_loss, in_step), histories):
        assert history.interrupted
        np.testing.assert_array_equal(model.theta, plain.theta)
        for t in "ab":
            assert len(history.losses[t]) == len(history.weights[t]) == steps_made
        assert len(history.penalty) == len(history.seconds) == len(history.total) == steps_made
        assert history.epochs == {"a": steps_made, "b": steps_made}


@every_model
def test_after_ctrl_c_no_cosines_are_kept_of_a_step_that_was_not_made(kind):
    history = mtl.fit(
        network(kind), examples(), LOSSES, optimizer=Interrupted(0.1, 3), steps=9, cosines_every=1
    )
    assert history.cosine_steps.tolist() == [0, 1]
    assert len(history.cosines) == len(history.norms) == 2


def test_ctrl_c_in_the_middle_of_a_step_on_a_sparse_table_undoes_the_step():
    interrupted, plain = words(sparse=True), words(sparse=True)
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
    assert history.interrupted
    assert history.best_step < 29
    assert sum(mtl.evaluate(model, held_out, LOSSES).values()) == min(
        history.held_out["a"] + history.held_out["b"]
    )


def test_training_goes_on_after_ctrl_c():
    model, plain = network(), network()
    mtl.fit(model, examples(), LOSSES, optimizer=Interrupted(0.1, 3), steps=9)
    mtl.fit(model, examples(), LOSSES, optimizer=mtl.SGD(0.1), steps=2)
    mtl.fit(plain, examples(), LOSSES, optimizer=mtl.SGD(0.1), steps=4)
    np.testing.assert_array_equal(model.theta, plain.theta)


# Numbers that are not finite


@every_model
@pytest.mark.parametrize("learning_rate", [1e3, 1e160])
def test_a_loss_that_explodes_is_an_error_that_puts_the_last_good_parameters_back(
    kind, learning_rate
):
    rng = np.random.default_rng(0)
    parts = (
        mtl.Dense(3, 2, rng),
        {t: mtl.Dense(2, 2, rng) for t in "ab"},
    )  # linear: tanh would keep the loss in bounds
    model, again = SHARINGS[kind](*parts), SHARINGS[kind](*parts)
    with pytest.raises(
        FloatingPointError, match=r"the loss of task '[ab]' became (inf|nan) at step \d+;"
    ) as caught:
        mtl.fit(model, examples(), LOSSES, optimizer=mtl.SGD(learning_rate), steps=1000)
    step = int(str(caught.value).split("at step ")[1].split(";")[0])
    assert np.isfinite(model.theta).all()
    mtl.fit(again, examples(), LOSSES, optimizer=mtl.SGD(learning_rate), steps=step - 1)
    np.testing.assert_array_equal(model.theta, again.theta)


@pytest.mark.parametrize("rule", [None, inverse_loss, inverse_norm])
def test_a_loss_that_becomes_nan_names_its_task_and_step(rule):
    calls, model, plain = [], network(), network()
    broken = lambda out, y: (
        mtl.mse(out, y) * (math.nan if calls.append(1) or len(calls) == 4 else 1.0)
    )
    with pytest.raises(
        FloatingPointError,
        match="the loss of task 'b' became nan at step 3; the last good parameters are put back",
    ):
        mtl.fit(
            model,
            examples(),
            {"a": mtl.mse, "b": broken},
            weights=rule,
            optimizer=mtl.SGD(0.1),
            steps=9,
        )
    mtl.fit(plain, examples(), LOSSES, weights=rule, optimizer=mtl.SGD(0.1), steps=2)
    np.testing.assert_array_equal(model.theta, plain.theta)


def test_a_last_step_to_parameters_that_are_not_finite_is_undone():
    model = network()
    before = model.theta.copy()
    with pytest.raises(FloatingPointError, match="not finite at step 0"):
        mtl.fit(
            model,
            examples(),
            dict.fromkeys("ab", lambda out, y: mtl.mse(out, y) * 1e10),
            optimizer=mtl.SGD(1e308),
            steps=1,
        )
    np.testing.assert_array_equal(model.theta, before)


@pytest.mark.parametrize("seed", range(2))
def test_parameters_of_a_task_without_labels_are_put_back_too(seed):
    # Task b breaks its own network in a step with a label; the steps that follow have none, so its loss does not tell.
    x, y = examples(4)["a"]
    only_first = np.repeat(np.arange(4) < 1, 2).reshape(4, 2)
    losses = {"a": mtl.mse, "b": lambda *out: mtl.mse(*out) * 1e300}
    model = network("alone")
    with pytest.raises(FloatingPointError):
        mtl.fit(
            model,
            {"a": (x, y), "b": (x, y, only_first)},
            losses,
            optimizer=mtl.SGD(1e9),
            steps=9,
            batch_size=1,
            rng=np.random.default_rng(seed),
        )
    assert np.isfinite(model.theta).all()


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


def test_fit_runs_where_there_is_no_standard_error(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    mtl.fit(network(), examples(), LOSSES, optimizer=mtl.SGD(0.1), steps=1)


# Bad inputs


def with_entry(position, value, dtype=float):
    """The examples with one entry of task a's inputs (0) or targets (1) replaced."""
    data = examples()
    data["a"][position][2, 1] = value
    return data


X, Y = examples()["a"]
GOOD = examples()["b"]
ALL = np.ones(Y.shape, bool)


@pytest.mark.parametrize(
    "change, error, match",
    [
        (
            {"data": with_entry(0, math.nan)},
            ValueError,
            r"data\['a'\]: inputs must be finite, got nan",
        ),
        (
            {"data": with_entry(0, math.inf)},
            ValueError,
            r"data\['a'\]: inputs must be finite, got inf",
        ),
        (
            {"data": {"a": ((X, np.full(8, math.nan)), Y), "b": GOOD}},
            ValueError,
            "inputs must be finite, got nan",
        ),
        (
            {"data": with_entry(1, math.nan)},
            ValueError,
            "targets must be finite where no mask says they are missing, got nan",
        ),
        (
            {"data": {"a": (X, with_entry(1, math.nan)["a"][1], ALL), "b": GOOD}},
            ValueError,
            "targets must be finite",
        ),
        (
            {"data": {"a": (X[:0], Y[:0]), "b": GOOD}},
            ValueError,
            "same number of examples, at least 1; got 0 and 0",
        ),
        (
            {"data": {"a": (X[:3], Y), "b": GOOD}},
            ValueError,
            "same number of examples, at least 1; got 3 and 8",
        ),
        ({"data": {"a": ((X, X[:3]), Y), "b": GOOD}}, ValueError, "same number of examples"),
        ({"data": {"a": (X, Y, ALL[:3]), "b": GOOD}}, ValueError, "same number of examples"),
        (
            {"data": {"a": (X, Y, ALL[:, :1]), "b": GOOD}},
            ValueError,
            r"mask must be boolean of shape \(8, 2\)",
        ),
        (
            {"data": {"a": (X, Y, ALL.astype(float)), "b": GOOD}},
            ValueError,
            "mask must be boolean.*got float64",
        ),
        ({"data": {"a": (X, Y, ~ALL), "b": GOOD}}, ValueError, "at least one label present"),
        (
            {"data": {"a": [X, Y], "b": GOOD}},
            ValueError,
            r"must be \(inputs, targets\) or \(inputs, targets, mask\), got list",
        ),
        ({"data": {"a": (X,), "b": GOOD}}, ValueError, r"must be \(inputs, targets\)"),
        (
            {"data": {"a": (X.tolist(), Y), "b": GOOD}},
            TypeError,
            "must hold arrays with examples along the first axis, got list",
        ),
        ({"data": {"a": (X, np.float64(1.0)), "b": GOOD}}, TypeError, "must hold arrays"),
        (
            {"data": {"a": GOOD}},
            ValueError,
            r"data must name the tasks \['a', 'b'\]; missing \['b'\]",
        ),
        (
            {"data": {"a": GOOD, "b": GOOD, "z": GOOD}},
            ValueError,
            r"data must be of the tasks \['a', 'b'\], got \['z'\]",
        ),
        ({"data": {}}, ValueError, "data must have at least one task"),
        (
            {"held_out": {"z": GOOD}},
            ValueError,
            r"data must be of the tasks \['a', 'b'\], got \['z'\]",
        ),
        ({"held_out": {"a": (X * math.nan, Y)}}, ValueError, "inputs must be finite"),
        (
            {"losses": {"a": mtl.mse}},
            ValueError,
            r"losses must have a function for every task, missing \['b'\]",
        ),
        ({"losses": {"a": mtl.mse, "z": mtl.mse}}, ValueError, r"missing \['b'\]"),
        (
            {"weights": {"a": 1.0}},
            ValueError,
            r"weights must name the tasks \['a', 'b'\]; missing \['b'\]",
        ),
        ({"weights": {"a": 1.0, "b": 1.0, "z": 1.0}}, ValueError, r"unknown \['z'\]"),
        (
            {"weights": {"a": 1.0, "b": -0.1}},
            ValueError,
            r"weights\['b'\] must be finite and not negative, got -0.1",
        ),
        (
            {"weights": {"a": math.nan, "b": 1.0}},
            ValueError,
            r"weights\['a'\] must be finite and not negative, got nan",
        ),
        ({"weights": {"a": math.inf, "b": 1.0}}, ValueError, r"weights\['a'\] must be finite"),
        (
            {"weights": lambda losses, gramian: np.ones(3)},
            ValueError,
            r"weights must be 2 finite numbers, one for each of \['a', 'b'\]",
        ),
        (
            {"weights": lambda losses, gramian=None: np.ones((2, 1))},
            ValueError,
            "weights must be 2 finite numbers",
        ),
        (
            {"weights": lambda losses, gramian=None: 1.0},
            ValueError,
            "weights must be 2 finite numbers",
        ),
        (
            {"weights": lambda losses, gramian: np.array([1.0, math.nan])},
            ValueError,
            "weights must be 2 finite numbers",
        ),
        (
            {"weights": lambda losses, gramian=None: np.array([1.0, math.inf])},
            ValueError,
            "weights must be 2 finite numbers",
        ),
        ({"steps": -1}, ValueError, "steps must be a whole number, at least 0; got -1"),
        ({"steps": 1.5}, ValueError, "steps must be a whole number, at least 0; got 1.5"),
        ({"steps": True}, ValueError, "steps must be a whole number"),
        ({"batch_size": 0}, ValueError, "batch_size must be a whole number, at least 1; got 0"),
        ({"batch_size": 2.0}, ValueError, "batch_size must be a whole number"),
        (
            {"batch_size": {"a": 2}},
            ValueError,
            r"batch_size must name the tasks \['a', 'b'\]; missing \['b'\]",
        ),
        ({"batch_size": 3, "rng": None}, ValueError, "batch_size needs a rng"),
        (
            {"cosines_every": 0},
            ValueError,
            "cosines_every must be a whole number, at least 1; got 0",
        ),
        (
            {"evaluate_every": 0},
            ValueError,
            "evaluate_every must be a whole number, at least 1; got 0",
        ),
        (
            {"patience": 0, "held_out": examples()},
            ValueError,
            "patience must be a whole number, at least 1; got 0",
        ),
        ({"patience": 2}, ValueError, "patience needs held_out data"),
        (
            {"losses": {"a": mtl.mse, "b": mtl.cross_entropy}},
            ValueError,
            r"cross_entropy: labels must have shape \(8,\)",
        ),
    ],
)
def test_bad_inputs_fail_with_argument_expected_and_got_and_change_nothing(change, error, match):
    model = network()
    before = model.theta.copy()
    arguments = {
        "data": examples(),
        "losses": LOSSES,
        "optimizer": mtl.SGD(0.1),
        "steps": 3,
        "rng": np.random.default_rng(0),
        **change,
    }
    with pytest.raises(error, match=match):
        mtl.fit(model, arguments.pop("data"), arguments.pop("losses"), **arguments)
    np.testing.assert_array_equal(model.theta, before)


@pytest.mark.parametrize(
    "data, losses, error, match",
    [
        (
            {"a": (X * math.nan, Y)},
            LOSSES,
            ValueError,
            r"evaluate: data\['a'\]: inputs must be finite",
        ),
        ({"z": GOOD}, LOSSES, ValueError, "evaluate: data must be of the tasks"),
        ({}, LOSSES, ValueError, "evaluate: data must have at least one task"),
        ({"a": GOOD}, {}, ValueError, "evaluate: losses must have a function for every task"),
    ],
)
def test_bad_inputs_of_evaluate_are_errors(data, losses, error, match):
    with pytest.raises(error, match=match):
        mtl.evaluate(network(), data, losses)


def test_a_batch_size_of_all_or_more_needs_no_generator():
    mtl.fit(network(), examples(8), LOSSES, optimizer=mtl.SGD(0.1), steps=1, batch_size=8)
    mtl.fit(network(), examples(8), LOSSES, optimizer=mtl.SGD(0.1), steps=1, batch_size=100)


# Parameters that training could not move


def test_a_parameter_that_the_model_does_not_hold_is_an_error_and_not_left_untrained():
    rng = np.random.default_rng(0)
    layer = mtl.Dense(3, 2, rng)
    hidden_in_a_function = mtl.HardSharing(
        lambda x: mtl.tanh(layer(x)), {t: mtl.Dense(2, 2, rng) for t in "ab"}
    )
    replaced_after_packing = network()
    assert replaced_after_packing.theta.size
    replaced_after_packing.heads["a"] = mtl.Dense(4, 2, rng)
    for model in (hidden_in_a_function, replaced_after_packing):
        with pytest.raises(
            ValueError,
            match="the loss of task 'a' uses a parameter that is not in the model's theta",
        ):
            mtl.fit(model, examples(), LOSSES, optimizer=mtl.SGD(0.1), steps=1)


def test_a_loss_without_parameters_or_that_is_no_scalar_tensor_is_an_error():
    constant = lambda out, y: mtl.mse(mtl.Tensor(out.data), y)
    for loss, error, words in (
        (constant, ValueError, "the loss of task 'a' depends on no parameter"),
        (
            lambda out, y: ((out - y) ** 2).mean(0),
            TypeError,
            r"the loss of task 'a' must be a scalar Tensor, got \(2,\)",
        ),
        (lambda out, y: 1.0, TypeError, "the loss of task 'a' must be a scalar Tensor, got float"),
    ):
        with pytest.raises(error, match=words):
            mtl.fit(
                network(), examples(), {"a": loss, "b": mtl.mse}, optimizer=mtl.SGD(0.1), steps=1
            )


def test_evaluation_puts_back_the_mode_of_every_module_and_fit_trains():
    model = network()
    model.trunk.train(False)
    mtl.evaluate(model, examples(), LOSSES)
    assert not model.trunk.training and model.training
    mtl.fit(model, examples(), LOSSES, optimizer=mtl.SGD(0.1), steps=1)
    assert model.trunk.training


def test_a_sparse_row_that_breaks_and_is_not_looked_up_again_is_an_error():
    rng = np.random.default_rng(0)
    model = mtl.HardSharing(mtl.Embedding(3, 2, rng, sparse=True, scale=0.0), {"a": lambda h: h})
    root = lambda out, y: sqrt((out * out).sum())  # infinite slope at 0
    ids = np.array([0, 1, 2])
    with pytest.raises(FloatingPointError):
        mtl.fit(
            model,
            {"a": (ids, np.zeros((3, 2)))},
            {"a": root},
            optimizer=mtl.SGD(0.1),
            steps=3,
            batch_size=1,
            rng=rng,
        )


@pytest.mark.parametrize("interrupted", ["penalty", "seconds", "cosine_steps"])
def test_after_ctrl_c_between_two_records_all_of_them_have_the_same_length(
    monkeypatch, interrupted
):
    class Breaks(list):
        def append(self, row):
            if len(self) == 2:
                raise KeyboardInterrupt
            super().append(row)

    made = mtl.training.History.__post_init__
    monkeypatch.setattr(
        mtl.training.History,
        "__post_init__",
        lambda self: (made(self), setattr(self, interrupted, Breaks())),
    )
    history = mtl.fit(
        network(), examples(), LOSSES, optimizer=mtl.SGD(0.1), steps=9, cosines_every=1
    )
    assert history.interrupted
    lengths = {
        len(history.penalty),
        len(history.seconds),
        *map(len, history.losses.values()),
        *map(len, history.weights.values()),
    }
    assert lengths == {len(history.cosine_steps)} == {3 if interrupted == "seconds" else 2}
