"""The laws of sharing: who owns which parameters, where they lie in θ, and what the pull does."""

import copy
import pickle

import numeric
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinymtl as mtl
from tinymtl import closed_form

seeds = st.integers(0, 2**32 - 1)
laws = settings(max_examples=20)
TASKS = ["a", "b", "c"]


def soft_sharing(*parts, **more):
    return mtl.SoftSharing(*parts, strength=0.1, **more)


MODELS = {"alone": mtl.SingleTask, "soft": soft_sharing, "hard": mtl.HardSharing}
every_model = pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
every_model_with_own_trunks = pytest.mark.parametrize(
    "make", [mtl.SingleTask, soft_sharing], ids=["alone", "soft"]
)
both_pulls = pytest.mark.parametrize("pull", ["mean", "pairs"])
a_pull = st.sampled_from(["mean", "pairs"])


def parts(seed=0, tasks=TASKS):
    """A trunk of 3 inputs and 4 features, and a head of 2 outputs for each task."""
    rng = np.random.default_rng(seed)
    trunk = mtl.Sequential(mtl.Dense(3, 4, rng), mtl.tanh)
    heads = {t: mtl.Dense(4, 2, rng) for t in tasks}
    return trunk, heads


def problem(seed=0, tasks=TASKS, N=5):
    """Inputs and targets by task."""
    rng = np.random.default_rng(seed + 1)
    inputs = {t: rng.standard_normal((N, 3)) for t in tasks}
    targets = {t: rng.standard_normal((N, 2)) for t in tasks}
    return inputs, targets


def total_loss(model, inputs, targets, weights=None):
    outputs = model(inputs)
    losses = {t: mtl.mse(outputs[t], targets[t]) for t in inputs}
    return mtl.weighted_sum(losses, weights) + model.penalty()


def step(model, optimizer, inputs, targets, weights=None):
    model.zero_grad()
    total_loss(model, inputs, targets, weights).backward()
    optimizer.step(model)


def descend(model, inputs, targets, η=0.1, steps=3, weights=None):
    optimizer = mtl.SGD(η)
    for _ in range(steps):
        step(model, optimizer, inputs, targets, weights)


def flat(*modules):
    """The parameters of these modules as one vector."""
    return np.concatenate([p.data.reshape(-1) for m in modules for p in m.parameters()])


def trunk_of(model, task):
    """The trunk that the task's outputs pass through."""
    return model.trunks[task] if hasattr(model, "trunks") else model.trunk


def randomise(model, seed):
    """Put a model's parameters at random places, so that the copies of a trunk differ."""
    model.theta[:] = np.random.default_rng(seed).standard_normal(model.theta.shape)


# Copies of the parts


def test_models_of_one_trunk_start_equal():
    trunk, heads = parts()
    inputs, _ = problem()
    for make in MODELS.values():
        for t, output in make(trunk, heads)(inputs).items():
            np.testing.assert_array_equal(output.data, heads[t](trunk(inputs[t])).data)


@every_model
def test_training_one_model_leaves_its_parts_and_the_others_as_they_were(make):
    trunk, heads = parts()
    others = [other(trunk, heads) for other in MODELS.values()]
    model = make(trunk, heads)
    start = model.theta.copy()
    parts_before = flat(trunk, *heads.values())
    others_before = [other.theta.copy() for other in others]
    descend(model, *problem())
    assert (model.theta != start).all()
    np.testing.assert_array_equal(flat(trunk, *heads.values()), parts_before)
    for other, before in zip(others, others_before):
        np.testing.assert_array_equal(other.theta, before)


def by_pickle(model):
    return pickle.loads(pickle.dumps(model))


@every_model
@pytest.mark.parametrize("copied", [copy.deepcopy, by_pickle])
def test_a_copied_model_has_a_theta_of_its_own_and_trains_the_same(make, copied):
    inputs, targets = problem()
    original = make(*parts(), l2=0.01)
    before = original.theta.copy()
    twin = copied(original)
    zeroed = copied(original)
    zeroed.theta[:] = 0
    assert not any(out.data.any() for out in zeroed(inputs).values())
    descend(twin, inputs, targets)
    np.testing.assert_array_equal(original.theta, before)
    descend(original, inputs, targets)
    np.testing.assert_array_equal(twin.theta, original.theta)
    np.testing.assert_array_equal(twin(inputs)["a"].data, original(inputs)["a"].data)


# Order and numbers of parameters


def test_theta_of_hard_sharing_is_the_shared_part_and_then_each_task():
    trunk, heads = parts()
    encoders = {"b": mtl.Dense(3, 3, np.random.default_rng(9))}
    model = mtl.HardSharing(trunk, heads, encoders)
    expected = flat(trunk, heads["a"], encoders["b"], heads["b"], heads["c"])
    np.testing.assert_array_equal(model.theta, expected)
    assert model.P == 3 * 4 + 4
    np.testing.assert_array_equal(model.theta[: model.P], flat(trunk))


@every_model_with_own_trunks
def test_theta_of_soft_sharing_is_every_trunk_and_then_every_head(make):
    trunk, heads = parts()
    encoders = {"b": mtl.Dense(3, 3, np.random.default_rng(9))}
    model = make(trunk, heads, encoders)
    trunks = flat(trunk, trunk, trunk)
    own = flat(heads["a"], encoders["b"], heads["b"], heads["c"])
    np.testing.assert_array_equal(model.theta, np.concatenate([trunks, own]))
    assert model.P == 0


def test_trunk_matrix_is_a_view_with_a_row_for_each_task():
    model = soft_sharing(*parts())
    Θ = model.trunk_matrix()
    assert Θ.shape == (3, 16)
    Θ[1] = 0
    assert not model.theta[16:32].any()
    assert not flat(model.trunks["b"]).any()
    assert flat(model.trunks["a"]).any()


def parts_to_count():
    trunk, heads = parts()  # trunk 3·4 + 4 = 16, head 4·2 + 2 = 10
    heads["c"] = mtl.Dense(4, 5, np.random.default_rng(0))  # 4·5 + 5 = 25
    encoders = {"b": mtl.Dense(6, 3, np.random.default_rng(0))}  # 6·3 + 3 = 21
    return trunk, heads, encoders


def test_counts_of_hard_sharing_are_those_of_hand_arithmetic():
    counts = mtl.HardSharing(*parts_to_count()).counts()
    assert counts == {"shared": 16, "tasks": {"a": 10, "b": 31, "c": 25}, "total": 82}


@every_model_with_own_trunks
def test_counts_of_own_trunks_are_those_of_hand_arithmetic(make):
    counts = make(*parts_to_count()).counts()
    assert counts == {"shared": 0, "tasks": {"a": 26, "b": 47, "c": 41}, "total": 114}


@every_model
def test_every_parameter_is_counted_once(make):
    model = make(*parts())
    n = sum(p.data.size for p in model.parameters())
    assert model.theta.size == n
    assert model.counts()["total"] == n
    assert {id(p) for p in model.ordered_parameters()} == {id(p) for p in model.parameters()}


# Encoders, and modules that several tasks hold


def with_one_table():
    """Two tasks whose encoders hold one table of words, each before a layer of its own."""
    rng = np.random.default_rng(0)
    table = mtl.Embedding(6, 3, rng)
    trunk, heads = parts(tasks=["a", "b"])
    encoders = {t: mtl.Sequential(table, mtl.Dense(3, 3, rng)) for t in "ab"}
    return table, (trunk, heads, encoders)


@every_model
def test_a_task_computes_its_head_of_the_trunk_of_its_encoder(make):
    _, (trunk, heads, encoders) = with_one_table()
    ids = np.array([0, 3, 3])
    x = np.random.default_rng(1).standard_normal((3, 3))
    out = make(trunk, heads, {"a": encoders["a"]})({"a": ids, "b": x})
    np.testing.assert_array_equal(out["a"].data, heads["a"](trunk(encoders["a"](ids))).data)
    np.testing.assert_array_equal(out["b"].data, heads["b"](trunk(x)).data)


def test_a_module_that_two_tasks_hold_is_shared_in_hard_sharing():
    table, (trunk, heads, encoders) = with_one_table()
    model = mtl.HardSharing(trunk, heads, encoders)
    assert model.P == 16 + 18
    assert model.encoders["a"].parts[0] is model.encoders["b"].parts[0]
    np.testing.assert_array_equal(model.theta[:34], flat(trunk, table))
    outputs = model(dict.fromkeys("ab", np.array([1])))
    J = model.trunk_jacobian({t: outputs[t].sum() for t in "ab"})
    assert J[:, 16:].any(axis=1).all()


def test_a_module_that_two_tasks_hold_is_copied_for_each_in_soft_sharing():
    table, (trunk, heads, encoders) = with_one_table()
    model = soft_sharing(trunk, heads, encoders)
    assert model.trunk_matrix().shape == (2, 16 + 18)
    before = model.trunk_matrix().copy()
    np.testing.assert_array_equal(before, [flat(trunk, table)] * 2)
    model({"a": np.array([1])})["a"].sum().backward()
    mtl.SGD(0.1).step(model)
    assert (model.trunk_matrix()[0] != before[0]).any()
    np.testing.assert_array_equal(model.trunk_matrix()[1], before[1])


@pytest.mark.parametrize(
    "make, passes",
    [(mtl.HardSharing, 1), (mtl.SingleTask, 3), (soft_sharing, 3)],
    ids=["hard", "alone", "soft"],
)
def test_the_very_same_inputs_pass_a_shared_trunk_once(make, passes):
    calls = []

    def count(h):
        calls.append(h)
        return h

    trunk, heads = parts()
    model = make(mtl.Sequential(trunk, count), heads)
    x = np.ones((2, 3))
    same = model(dict.fromkeys(TASKS, x))
    assert len(calls) == passes
    each = model({t: x.copy() for t in TASKS})
    assert len(calls) == passes + 3
    for t in TASKS:
        np.testing.assert_array_equal(same[t].data, each[t].data)


def test_the_very_same_inputs_through_other_encoders_pass_the_trunk_again():
    trunk, heads = parts(tasks=["a", "b"])
    encoders = {t: mtl.Dense(3, 3, np.random.default_rng(i)) for i, t in enumerate("ab")}
    x = np.ones((2, 3))
    out = mtl.HardSharing(trunk, heads, encoders)(dict.fromkeys("ab", x))
    for t in "ab":
        np.testing.assert_array_equal(out[t].data, heads[t](trunk(encoders[t](x))).data)


@every_model
def test_trunk_and_heads_may_be_functions(make):
    def unchanged(x):
        return x

    def doubled(h):
        return mtl.Tensor(h) * 2.0

    layer = mtl.Dense(3, 1, np.random.default_rng(0))
    model = make(unchanged, {"a": doubled, "b": layer})
    x = np.ones((2, 3))
    np.testing.assert_array_equal(model({"a": x})["a"].data, 2 * x)
    assert model.counts() == {"shared": 0, "tasks": {"a": 0, "b": 4}, "total": 4}
    assert float(model.penalty()) == 0


@every_model
def test_tasks_of_different_inputs_outputs_and_numbers_of_examples_live_together(make):
    rng = np.random.default_rng(0)
    heads = {"price": mtl.Dense(4, 1, rng), "word": mtl.Dense(4, 5, rng)}
    encoders = {"price": mtl.Dense(2, 3, rng), "word": mtl.Embedding(7, 3, rng)}
    model = make(mtl.Dense(3, 4, rng), heads, encoders)
    out = model({"price": np.ones((6, 2)), "word": np.array([1, 2])})
    assert {t: y.shape for t, y in out.items()} == {"price": (6, 1), "word": (2, 5)}


def test_copies_of_dropout_in_soft_sharing_draw_from_one_generator():
    trunk = mtl.Sequential(mtl.Tensor, mtl.Dropout(0.5, np.random.default_rng(0)))
    model = mtl.SingleTask(trunk, {"a": mtl.tanh, "b": mtl.tanh})
    out = model(dict.fromkeys("ab", np.ones((4, 20))))
    assert (out["a"].data != out["b"].data).any()


# The pull together


@laws
@given(seeds, st.integers(1, 4), st.floats(0, 5), a_pull)
def test_pull_is_its_printed_formula_and_so_is_its_gradient(seed, T, λ, pull):
    model = mtl.SoftSharing(*parts(seed, list("abcd")[:T]), strength=λ, pull=pull)
    randomise(model, seed)
    Θ = model.trunk_matrix()
    if pull == "mean":
        expected = numeric.pull_to_mean(Θ, λ)
        slope = 2 * λ * (Θ - Θ.mean(0))
    else:
        expected = numeric.pull_by_pairs(Θ, λ)
        slope = 2 * λ * T * (Θ - Θ.mean(0))
    assert float(model.penalty()) == pytest.approx(expected, rel=1e-10, abs=1e-12)
    if λ:
        model.penalty().backward()
    np.testing.assert_allclose(model.grad[: Θ.size].reshape(Θ.shape), slope, atol=1e-11)
    assert not model.grad[Θ.size :].any()


@laws
@given(seeds, st.integers(1, 4), st.floats(0, 5))
def test_pull_by_pairs_is_t_times_the_pull_to_the_mean(seed, T, λ):
    built = parts(seed, list("abcd")[:T])
    mean = mtl.SoftSharing(*built, strength=λ, pull="mean")
    pairs = mtl.SoftSharing(*built, strength=λ, pull="pairs")
    randomise(mean, seed)
    randomise(pairs, seed)
    assert float(pairs.penalty()) == pytest.approx(T * float(mean.penalty()), rel=1e-12)


@laws
@given(seeds, st.floats(0, 5), a_pull)
def test_pull_never_moves_the_mean_trunk_and_vanishes_at_equality(seed, λ, pull):
    model = mtl.SoftSharing(*parts(seed), strength=λ, pull=pull)
    assert float(model.penalty()) == pytest.approx(0, abs=1e-28)
    randomise(model, seed)
    if λ:
        model.penalty().backward()
    slopes = model.grad[: 3 * 16].reshape(3, 16)  # (T, P)
    np.testing.assert_allclose(slopes.sum(0), 0, atol=1e-12)


def test_strength_zero_is_single_task_training_to_the_bit():
    soft = mtl.SoftSharing(*parts(), strength=0.0)
    alone = mtl.SingleTask(*parts())
    for _ in range(5):
        descend(soft, *problem(), steps=1)
        descend(alone, *problem(), steps=1)
        np.testing.assert_array_equal(soft.theta, alone.theta)


def test_each_network_of_single_task_training_trains_as_if_it_were_the_only_one():
    trunk, heads = parts()
    inputs, targets = problem()
    model = mtl.SingleTask(trunk, heads, l2=0.01)
    descend(model, inputs, targets)
    for t in TASKS:
        only = mtl.HardSharing(trunk, {t: heads[t]}, l2=0.01)
        descend(only, {t: inputs[t]}, {t: targets[t]})
        together = flat(model.trunks[t], model.heads[t])
        np.testing.assert_allclose(together, only.theta, rtol=1e-12)


def flat_gradient(loss, module):
    """The gradient of a loss on the parameters of a module, as one vector."""
    return np.concatenate([g.reshape(-1) for g in mtl.gradient(loss, module.parameters())])


@laws
@given(seeds, st.floats(0, 0.9), st.floats(0.1, 3))
def test_steps_of_soft_sharing_are_theta_minus_eta_times_own_gradient_and_pull(seed, λ, w):
    η = 0.2
    weights = {"a": w, "b": 1.0, "c": 0.5}
    inputs, targets = problem(seed)
    model = mtl.SoftSharing(*parts(seed), strength=λ)
    literal = mtl.SoftSharing(*parts(seed), strength=λ)
    for _ in range(3):
        descend(model, inputs, targets, η, 1, weights)
        θ = literal.theta.copy()
        trunks = θ[: 3 * 16].reshape(3, 16)
        heads = θ[3 * 16 :].reshape(3, 10)
        pull = 2 * λ * (trunks - trunks.mean(0))
        outputs = literal(inputs)
        for i, t in enumerate(TASKS):
            loss = weights[t] * mtl.mse(outputs[t], targets[t])
            trunks[i] -= η * (flat_gradient(loss, literal.trunks[t]) + pull[i])
            heads[i] -= η * flat_gradient(loss, literal.heads[t])
        literal.theta[:] = θ
        literal.stepped()
        np.testing.assert_allclose(model.theta, θ, rtol=1e-10, atol=1e-12)


@laws
@given(seeds, st.floats(0, 1e3), a_pull)
def test_one_step_from_equal_starts_moves_the_mean_trunk_like_hard_sharing_at_a_tth_of_the_rate(
    seed, λ, pull
):
    weights = {"a": 2.0, "b": 1.0, "c": 0.5}
    inputs, targets = problem(seed)
    soft = mtl.SoftSharing(*parts(seed), strength=λ, pull=pull)
    hard = mtl.HardSharing(*parts(seed))
    descend(soft, inputs, targets, 0.3, 1, weights)
    descend(hard, inputs, targets, 0.3 / 3, 1, weights)
    np.testing.assert_allclose(soft.trunk_matrix().mean(0), hard.theta[:16], rtol=1e-10, atol=1e-12)


def test_a_strong_pull_follows_the_path_of_hard_sharing_at_a_tth_of_the_learning_rate():
    """For a given time η · steps the two paths differ by an error that shrinks like η.

    With 2ηλ = 1 each step undoes all distance from before it, so the trunks stay within η of their
    mean.
    """
    inputs, targets = problem()
    trunk, _ = parts()
    # Heads without parameters. Those of others would move at η, not at η/T.
    heads = dict.fromkeys(TASKS, lambda h: h[:, :2])
    gaps = []
    for η, steps in ((0.2, 50), (0.02, 500)):
        soft = mtl.SoftSharing(trunk, heads, strength=1 / (2 * η))
        hard = mtl.HardSharing(trunk, heads)
        descend(soft, inputs, targets, η, steps)
        descend(hard, inputs, targets, η / 3, steps)
        gaps.append(abs(soft.trunk_matrix().mean(0) - hard.theta).max())
    assert abs(hard.theta - flat(trunk)).max() > 0.3
    assert gaps[0] < 0.1
    assert gaps[1] < gaps[0] / 5


def linear_tasks():
    """Inputs and targets of three linear tasks, and the same as the referee takes them.

    The referee's bias is a column of ones.
    """
    rng = np.random.default_rng(0)
    n = 20
    inputs = {t: rng.standard_normal((n, 3)) for t in TASKS}
    targets = {t: rng.standard_normal((n, 1)) for t in TASKS}
    X = [np.hstack([inputs[t], np.ones((n, 1))]) for t in TASKS]
    y = [targets[t][:, 0] for t in TASKS]
    return inputs, targets, X, y


def unchanged(h):
    """A head without parameters."""
    return h


@both_pulls
@pytest.mark.parametrize("strength", [0.0, 0.3, 3.0])
def test_soft_sharing_of_linear_tasks_reaches_the_closed_form(strength, pull):
    """Our total times n/2 is the referee's: half sums of squares and λ/2 Σ‖θ_t − θ̄‖², λ = n s.

    s is the strength of the pull to the mean. A pull by pairs is T times as strong.
    """
    inputs, targets, X, y = linear_tasks()
    trunk = mtl.Dense(3, 1, np.random.default_rng(1))
    heads = dict.fromkeys(TASKS, unchanged)
    model = mtl.SoftSharing(trunk, heads, strength=strength, pull=pull)
    s = strength * len(TASKS) if pull == "pairs" else strength
    optimizer = mtl.SGD(0.2 / (1 + s), momentum=0.9)
    for _ in range(1000):
        step(model, optimizer, inputs, targets)
    λ = len(X[0]) * s
    np.testing.assert_allclose(model.trunk_matrix(), closed_form.soft_sharing(X, y, λ), atol=1e-6)


def test_hard_sharing_of_linear_tasks_reaches_the_pooled_closed_form():
    inputs, targets, X, y = linear_tasks()
    trunk = mtl.Dense(3, 1, np.random.default_rng(1))
    model = mtl.HardSharing(trunk, dict.fromkeys(TASKS, unchanged))
    descend(model, inputs, targets, 0.1, 1000)
    np.testing.assert_allclose(model.theta, closed_form.pooled(X, y), atol=1e-6)


# The pull to zero


def decay_by_hand(model, strengths):
    """Σ_i λ_i Σ_j ‖W_ij‖² over the matrices of each task: trunk and head, biases left alone."""
    total = 0.0
    for t, λ in strengths.items():
        trunk = trunk_of(model, t)
        total += λ * (trunk.parts[0].W.data ** 2).sum()
        total += λ * (model.heads[t].W.data ** 2).sum()
    return total


EACH_ITS_OWN = {"a": 0.1, "b": 0.0, "c": 2.0}


@every_model
@pytest.mark.parametrize(
    "l2, strengths",
    [
        (0.5, {"a": 0.5, "b": 0.5, "c": 0.5}),
        (EACH_ITS_OWN, EACH_ITS_OWN),
        (0, {}),
        (None, {}),
    ],
    ids=["a number", "a dict", "zero", "None"],
)
def test_l2_is_a_number_for_every_task_or_one_for_each(make, l2, strengths):
    model = make(*parts(), l2=l2)
    model.theta[:] = 1  # equal trunks: no pull together
    assert float(model.penalty()) == pytest.approx(decay_by_hand(model, strengths))


@every_model
def test_l2_pulls_a_matrix_towards_zero_by_twice_its_strengths(make):
    model = make(*parts(), l2=EACH_ITS_OWN)
    model.penalty().backward()
    for t, λ in EACH_ITS_OWN.items():
        W = model.heads[t].W
        np.testing.assert_allclose(W.grad, 2 * λ * W.data)
        if make is mtl.HardSharing:
            λ = 0.1 + 0.0 + 2.0  # the one trunk is pulled for every task
        layer = trunk_of(model, t).parts[0]
        np.testing.assert_allclose(layer.W.grad, 2 * λ * layer.W.data, atol=1e-12)
        assert not layer.b.grad.any()


@every_model
def test_l2_may_be_a_function_of_the_model(make):
    def penalty(model):
        b = model.heads["a"].b
        return 3.0 * (b * b).sum()

    model = make(*parts(), l2=penalty)
    model.heads["a"].b = np.array([1.0, 2.0])
    assert float(model.penalty()) == pytest.approx(15)
    model.penalty().backward()
    np.testing.assert_allclose(model.heads["a"].b.grad, [6, 12])


def test_soft_sharing_adds_both_pulls():
    model = mtl.SoftSharing(*parts(), strength=0.7, l2=0.2)
    randomise(model, 0)
    together = numeric.pull_to_mean(model.trunk_matrix(), 0.7)
    to_zero = decay_by_hand(model, dict.fromkeys(TASKS, 0.2))
    assert float(model.penalty()) == pytest.approx(together + to_zero)


@pytest.mark.parametrize("make", [mtl.SingleTask, mtl.HardSharing], ids=["alone", "hard"])
@pytest.mark.parametrize("l2", [None, 0, {"a": 0.0, "b": 0.0}], ids=["none", "zero", "zeros"])
def test_without_a_pull_to_zero_the_rows_of_a_sparse_table_rest(make, l2):
    table = mtl.Embedding(6, 3, np.random.default_rng(0), sparse=True)
    trunk, heads = parts(tasks=["a", "b"])
    model = make(mtl.Sequential(table, trunk), heads, l2=l2)
    optimizer = mtl.Adam(0.1)
    tables = [p for p in model.parameters() if p.shape == (6, 3)]
    for row in (1, 2):  # row 1 has a memory that would move it in the second step
        before = np.array([p.data for p in tables])
        step(model, optimizer, {"a": np.array([row])}, {"a": np.ones((1, 2))})
        after = np.array([p.data for p in tables])
        _, moved_rows, _ = np.nonzero(after != before)
        assert set(moved_rows) == {row}


# Jacobians


@every_model
def test_rows_of_the_trunk_jacobian_are_each_tasks_gradient_on_its_trunk(make):
    model = make(*parts())
    inputs, targets = problem()
    outputs = model(inputs)
    losses = {t: mtl.mse(outputs[t], targets[t]) for t in TASKS}
    J = model.trunk_jacobian(losses)
    assert J.shape == (3, 16)
    for row, t in zip(J, TASKS):
        np.testing.assert_allclose(row, flat_gradient(losses[t], trunk_of(model, t)))


@every_model
def test_permuting_the_tasks_permutes_their_outputs_and_nothing_else(make):
    trunk, heads = parts()
    inputs, targets = problem()
    model = make(trunk, heads)
    turned = make(trunk, {t: heads[t] for t in reversed(TASKS)})
    descend(model, inputs, targets)
    descend(turned, inputs, targets)
    out = model(inputs)
    of_turned = turned(inputs)
    for t in TASKS:
        np.testing.assert_allclose(out[t].data, of_turned[t].data, rtol=1e-10, atol=1e-12)


@every_model
def test_a_task_may_be_left_out(make):
    model = make(*parts())
    assert list(model({"b": np.ones((1, 3))})) == ["b"]
    assert model({}) == {}


# Errors

BAD_PARTS = {
    "no heads": (
        {"heads": {}},
        "heads must name at least one task",
    ),
    "an encoder of an unknown task": (
        {"encoders": {"z": mtl.tanh}},
        r"encoders must be of the tasks \['a', 'b', 'c'\], got \['z'\]",
    ),
    "a negative l2": (
        {"l2": -1.0},
        "l2 must be finite and not negative, got -1.0",
    ),
    "l2 nan": (
        {"l2": float("nan")},
        "l2 must be finite",
    ),
    "an infinite l2 of one task": (
        {"l2": {"a": 1.0, "b": 1.0, "c": float("inf")}},
        r"l2\['c'\] must be finite",
    ),
    "l2 of other tasks": (
        {"l2": {"a": 1.0, "z": 1.0}},
        r"l2 must name the tasks \['a', 'b', 'c'\]; missing \['b', 'c'\], unknown \['z'\]",
    ),
}


@every_model
@pytest.mark.parametrize("change, match", BAD_PARTS.values(), ids=BAD_PARTS)
def test_bad_parts_are_errors(make, change, match):
    trunk, heads = parts()
    heads = change.get("heads", heads)
    encoders = change.get("encoders")
    l2 = change.get("l2")
    with pytest.raises(ValueError, match=match):
        make(trunk, heads, encoders, l2=l2)


@pytest.mark.parametrize("strength", [-0.1, float("inf"), float("nan")])
def test_a_bad_strength_is_an_error(strength):
    with pytest.raises(ValueError, match="strength must be finite and not negative"):
        mtl.SoftSharing(*parts(), strength=strength)


def test_an_unknown_pull_is_an_error():
    with pytest.raises(ValueError, match="pull must be 'mean' or 'pairs', got 'max'"):
        mtl.SoftSharing(*parts(), strength=1.0, pull="max")


@every_model
def test_inputs_of_an_unknown_task_are_an_error(make):
    words = r"inputs must be of the tasks \['a', 'b', 'c'\], got \['z'\]"
    with pytest.raises(ValueError, match=words):
        make(*parts())({"z": np.ones((1, 3))})


def test_trunks_without_parameters_have_a_jacobian_without_columns():
    rng = np.random.default_rng(0)
    heads = {"a": mtl.Dense(2, 1, rng), "b": mtl.Dense(2, 1, rng)}
    x = np.ones((3, 2))
    for model in (mtl.HardSharing(mtl.Tensor, heads), mtl.SingleTask(mtl.Tensor, heads)):
        losses = {task: y.sum() for task, y in model({"a": x, "b": x}).items()}
        assert model.trunk_jacobian(losses).shape == (2, 0)
