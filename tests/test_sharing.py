"""The laws of sharing: who owns which parameters, where they lie in θ, and what the pull does."""

import contextlib
import copy
import pickle

import numeric
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinymtl as mtl
from tinymtl import closed_form
from tinymtl.sharing import Network

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
    expected = {"shared": 16, "tasks": {"a": 10, "b": 31, "c": 25}, "total": 82, "trainable": 82}
    assert counts == expected


@every_model_with_own_trunks
def test_counts_of_own_trunks_are_those_of_hand_arithmetic(make):
    counts = make(*parts_to_count()).counts()
    expected = {"shared": 0, "tasks": {"a": 26, "b": 47, "c": 41}, "total": 114, "trainable": 114}
    assert counts == expected


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
    expected = {"shared": 0, "tasks": {"a": 0, "b": 4}, "total": 4, "trainable": 4}
    assert model.counts() == expected
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


# Copies for each task hold what the task needs


def with_everything():
    """Tasks whose parts hold modules of two tasks, of all, and generators."""
    rng = np.random.default_rng(0)
    table = mtl.Embedding(6, 3, rng)
    last = mtl.Dense(4, 2, rng)
    dropout = mtl.Dropout(0.5, rng)
    trunk = mtl.Sequential(mtl.Dense(3, 4, rng), dropout)
    encoders = {t: mtl.Sequential(table, mtl.Dense(3, 3, rng), dropout) for t in "ab"}
    heads = {
        "a": mtl.Sequential(mtl.Dense(4, 4, rng), last),
        "b": mtl.Dense(4, 2, rng),
        "c": mtl.Sequential(mtl.tanh, last, mtl.Dropout(0.3, np.random.default_rng(5))),
    }
    return trunk, heads, encoders


def copies_of_the_whole(trunk, heads, encoders):
    """For each task a copy of all parts, whose Dropout layers draw from the same generators.

    This is the definition of what own trunks are. Its cost grows with the square of T.
    """
    parts = copy.deepcopy(Network(trunk, heads, encoders))
    generators = {id(m.rng): m.rng for m in parts.modules() if isinstance(m, mtl.Dropout)}
    return {task: copy.deepcopy(parts, dict(generators)) for task in heads}


def test_own_trunks_are_in_copies_of_the_whole():
    model = mtl.SingleTask(*with_everything())
    wholes = copies_of_the_whole(*with_everything())
    trunks = []
    owns = []
    for task, whole in wholes.items():
        shared, own = whole.shared_and_own()
        trunks += shared
        owns += own[task]
    expected = np.concatenate([p.data.reshape(-1) for p in trunks + owns])
    np.testing.assert_array_equal(model.theta, expected)
    inputs = {"a": np.array([1, 2]), "b": np.array([5, 0]), "c": np.ones((2, 3))}
    for _ in range(2):  # with dropout on: the generators go on from task to task
        outputs = model(inputs)
        for task, whole in wholes.items():
            encoder = whole.encoders.get(task, mtl.Tensor)
            of_whole = whole.heads[task](whole.trunk(encoder(inputs[task])))
            np.testing.assert_array_equal(outputs[task].data, of_whole.data)


@every_model_with_own_trunks
def test_a_module_that_parts_of_one_task_hold_stays_one_in_its_copy(make):
    trunk, heads, encoders = with_everything()
    heads["b"] = mtl.Sequential(trunk.parts[0], mtl.Dense(4, 2, np.random.default_rng(1)))
    heads["b"].parts[0] = encoders["b"].parts[1]
    model = make(trunk, heads, encoders)
    assert model.heads["b"].parts[0] is model.encoders["b"].parts[1]
    assert model.trunks["a"].parts[0] is not model.trunks["b"].parts[0]


class CountsItsCopies(mtl.Module):
    copies = 0

    def __deepcopy__(self, memo):
        type(self).copies += 1
        return type(self)()

    def __call__(self, h):
        return h


@every_model
@pytest.mark.parametrize("T", [1, 10, 40])
def test_a_head_is_copied_twice_at_most_for_any_number_of_tasks(make, T):
    class Head(CountsItsCopies):
        pass

    make(mtl.Dense(2, 2, np.random.default_rng(0)), {f"task {i}": Head() for i in range(T)})
    assert T <= Head.copies <= 2 * T


# Frozen parts

FREEZINGS = {
    "the trunk": lambda model: [trunk_of(model, t) for t in TASKS],
    "one trunk": lambda model: [trunk_of(model, "a")],
    "a layer of every trunk": lambda model: [trunk_of(model, t).parts[0] for t in TASKS],
    "a head": lambda model: [model.heads["b"]],
    "trunk a's matrix and a head": lambda model: [
        trunk_of(model, "a").parts[0].W,
        model.heads["b"],
    ],
}
every_freezing = pytest.mark.parametrize("frozen_parts", FREEZINGS.values(), ids=FREEZINGS)


def deep_parts():
    rng = np.random.default_rng(0)
    trunk = mtl.Sequential(mtl.Dense(3, 4, rng), mtl.tanh, mtl.Dense(4, 4, rng), mtl.tanh)
    return trunk, {t: mtl.Dense(4, 2, rng) for t in TASKS}


def frozen_model(make, frozen_parts):
    """A model at a random place with frozen parts, and which places of its θ are frozen."""
    model = make(*deep_parts(), l2=0.05)
    randomise(model, 3)
    for part in frozen_parts(model):
        part.freeze()
    is_frozen = np.concatenate([np.full(p.data.size, p.frozen) for p in model.ordered_parameters()])
    return model, is_frozen


OPTIMIZERS = {
    "SGD": lambda: mtl.SGD(0.1),
    "momentum": lambda: mtl.SGD(0.1, momentum=0.9),
    "Adam": lambda: mtl.Adam(0.1),
}


@every_model
@every_freezing
@pytest.mark.parametrize("make_optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_training_with_frozen_parts_is_putting_them_back_after_every_step(
    make, frozen_parts, make_optimizer
):
    inputs, targets = problem()
    model, is_frozen = frozen_model(make, frozen_parts)
    literal = make(*deep_parts(), l2=0.05)
    literal.theta[:] = model.theta
    start = model.theta.copy()
    of_model = make_optimizer()
    of_literal = make_optimizer()
    for _ in range(3):
        step(model, of_model, inputs, targets)
        step(literal, of_literal, inputs, targets)
        literal.theta[is_frozen] = start[is_frozen]
        literal.stepped()
    np.testing.assert_array_equal(model.theta[is_frozen], start[is_frozen])
    np.testing.assert_allclose(model.theta, literal.theta, rtol=1e-10, atol=1e-12)
    assert (model.theta != start)[~is_frozen].all()


@every_freezing
def test_a_rule_of_the_gramian_leaves_frozen_parts_as_they_are(frozen_parts):
    inputs, targets = problem()
    data = {t: (inputs[t], targets[t]) for t in TASKS}
    model, is_frozen = frozen_model(mtl.HardSharing, frozen_parts)
    start = model.theta.copy()

    def train():
        mtl.fit(
            model,
            data,
            dict.fromkeys(TASKS, mtl.mse),
            optimizer=mtl.Adam(0.1),
            steps=3,
            weights=lambda losses, gramian: np.ones(len(losses)),
        )

    if is_frozen[: model.P].all():
        with pytest.raises(ValueError, match="all shared parameters are frozen"):
            train()
        return
    train()
    np.testing.assert_array_equal(model.theta[is_frozen], start[is_frozen])
    assert (model.theta != start)[~is_frozen].all()


@every_freezing
def test_the_gramian_is_that_of_the_trainable_shared_parameters(frozen_parts):
    inputs, targets = problem()
    free, _ = frozen_model(mtl.HardSharing, lambda model: [])
    model, is_frozen = frozen_model(mtl.HardSharing, frozen_parts)
    expected = all_losses_jacobian(free, inputs, targets)
    expected[:, is_frozen[: model.P]] = 0
    J = all_losses_jacobian(model, inputs, targets)
    np.testing.assert_allclose(J, expected, rtol=1e-12)
    trainable = J[:, ~is_frozen[: model.P]]
    np.testing.assert_allclose(J @ J.T, trainable @ trainable.T, rtol=1e-12)


@every_model
def test_the_trunk_jacobian_of_a_frozen_trunk_is_zero(make):
    model, _ = frozen_model(make, FREEZINGS["the trunk"])
    J = all_losses_jacobian(model, *problem())
    assert J.shape == (3, 36)
    assert not J.any()


def all_losses_jacobian(model, inputs, targets):
    outputs = model(inputs)
    return model.trunk_jacobian({t: mtl.mse(outputs[t], targets[t]) for t in TASKS})


@every_model
def test_penalty_leaves_out_what_is_frozen(make):
    model, _ = frozen_model(make, lambda model: [])
    for t in TASKS:
        trunk_of(model, t).parts[0].freeze()
    expected = 0.0
    for t in TASKS:
        expected += 0.05 * (trunk_of(model, t).parts[2].W.data ** 2).sum()
        expected += 0.05 * (model.heads[t].W.data ** 2).sum()
    if make is soft_sharing:
        Θ = np.array([flat(trunk_of(model, t).parts[2]) for t in TASKS])
        expected += numeric.pull_to_mean(Θ, 0.1)
    assert float(model.penalty()) == pytest.approx(expected, rel=1e-12)
    model.freeze()
    assert float(model.penalty()) == 0
    assert not model.penalty().needs_grad


def test_the_penalty_pulls_one_task_where_all_of_the_other_is_frozen():
    layer = mtl.Dense(2, 2, np.random.default_rng(0))
    model = mtl.SingleTask(layer, {"a": layer, "b": layer}, l2=0.1)
    model.trunks["a"].freeze()
    model.heads["a"].freeze()
    W = model.trunks["b"].W.data
    assert float(model.penalty()) == pytest.approx(0.1 * (W * W).sum())


def test_a_penalty_that_somebody_changes_is_no_penalty_of_another_model():
    layer = mtl.Dense(2, 2, np.random.default_rng(0))
    model = mtl.HardSharing(layer, {"a": mtl.Dense(2, 1, np.random.default_rng(0))})
    model.penalty().data = np.array(7.0)
    assert float(model.penalty()) == 0


@pytest.mark.parametrize("strength", [0.0, 0.5])
def test_the_penalty_of_a_frozen_model_has_the_type_of_the_model(strength):
    layer = mtl.Dense(2, 2, np.random.default_rng(0), np.float32)
    model = mtl.SoftSharing(layer, {"a": layer}, strength=strength, l2=0.1)
    model.freeze()
    assert model.penalty().dtype == np.float32
    assert float(model.penalty()) == 0


def test_a_frozen_trunk_pulls_the_others_and_rests_itself():
    model = mtl.SoftSharing(*parts(), strength=0.5)
    randomise(model, 0)
    Θ = model.trunk_matrix().copy()
    model.trunks["a"].freeze()
    penalty = model.penalty()
    assert float(penalty) == pytest.approx(numeric.pull_to_mean(Θ, 0.5), rel=1e-12)
    penalty.backward()
    slope = Θ - Θ.mean(0)  # 2 λ (θ_t − θ̄)
    slope[0] = 0
    np.testing.assert_allclose(model.grad[: Θ.size].reshape(Θ.shape), slope, atol=1e-12)


@every_model
def test_freezing_is_counted_and_shown(make):
    model = make(*parts())
    total = model.counts()["total"]
    assert model.counts()["trainable"] == total
    trunk_of(model, "a").freeze()
    assert model.counts()["trainable"] == total - 16
    assert model.counts()["total"] == total
    assert "16 of them frozen" in repr(model)
    assert repr(model).count("Dense(3, 4), frozen") == 1


@every_model
def test_a_part_that_is_frozen_stays_so_in_the_models_built_from_it(make):
    trunk, heads = parts()
    trunk.freeze()
    heads["b"].b.freeze()
    model = make(trunk, heads)
    for t in TASKS:
        assert all(p.frozen for p in trunk_of(model, t).parameters())
        assert model.heads[t].b.frozen == (t == "b")
        assert not model.heads[t].W.frozen
    model.unfreeze()
    assert all(p.frozen for p in trunk.parameters())


def test_a_new_head_on_a_frozen_trunk_is_trained_as_if_the_features_were_its_data():
    inputs, targets = problem()
    model = mtl.HardSharing(*parts())
    descend(model, inputs, targets)
    before = model.theta.copy()

    model.trunk.freeze()
    new = mtl.Dense(4, 2, np.random.default_rng(9))
    with_new = mtl.HardSharing(model.trunk, {"new": new})

    features = {"new": model.trunk(inputs["a"]).data}
    on_features = mtl.HardSharing(mtl.Tensor, {"new": new})
    descend(with_new, {"new": inputs["a"]}, {"new": targets["a"]})
    descend(on_features, features, {"new": targets["a"]})
    np.testing.assert_array_equal(with_new.theta[:16], before[:16])
    np.testing.assert_allclose(with_new.theta[16:], on_features.theta, rtol=1e-12)
    np.testing.assert_array_equal(model.theta, before)


# Predictions


def predictor(make=mtl.HardSharing, dtype=np.float64):
    """Dropout, a table of words and a pair of arrays as the inputs of task c."""
    rng = np.random.default_rng(0)
    trunk = mtl.Sequential(mtl.Dense(3, 4, rng, dtype), mtl.tanh, mtl.Dropout(0.5, rng))
    heads = {t: mtl.Dense(4, 2, rng, dtype) for t in TASKS}
    table = mtl.Embedding(6, 3, rng, dtype=dtype)

    class Both(mtl.Module):
        def __init__(self):
            self.layer = mtl.Dense(2, 3, rng, dtype)

        def __call__(self, pair):
            x, numbers = pair
            assert x.dtype == dtype
            assert numbers.dtype == np.int64
            return self.layer(x) * numbers.astype(dtype)

    return make(trunk, heads, {"b": table, "c": Both()})


def to_predict(N, rng):
    pair = (rng.standard_normal((N, 2)), rng.integers(0, 5, (N, 1)))
    return {"a": rng.standard_normal((N, 3)), "b": rng.integers(0, 6, N), "c": pair}


@every_model
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_predictions_are_the_outputs_in_evaluation_mode_as_arrays(make, dtype):
    model = predictor(make, dtype)
    inputs = to_predict(5, np.random.default_rng(1))
    got = model.predict(inputs)
    model.train(False)
    x, numbers = inputs["c"]
    expected = model(
        {"a": inputs["a"].astype(dtype), "b": inputs["b"], "c": (x.astype(dtype), numbers)}
    )
    assert list(got) == TASKS
    for task, output in expected.items():
        np.testing.assert_array_equal(got[task], output.data)
        assert got[task].dtype == dtype
        assert type(got[task]) is np.ndarray
        got[task][:] = 0  # the caller's own
    assert inputs["a"].dtype == np.float64


@laws
@given(
    seeds,
    st.integers(1, 8),
    st.dictionaries(st.sampled_from(TASKS), st.integers(0, 7), min_size=1),
)
def test_predictions_in_batches_are_those_of_one_pass_in_the_order_of_rows(seed, size, examples):
    rng = np.random.default_rng(seed)
    model = predictor()
    inputs = {t: to_predict(n, rng)[t] for t, n in examples.items()}
    whole = model.predict(inputs)
    batches = model.predict(inputs, size)
    assert list(batches) == list(whole) == list(examples)
    for t, n in examples.items():
        assert whole[t].shape == batches[t].shape == (n, 2)
        np.testing.assert_allclose(batches[t], whole[t], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("error", [None, RuntimeError, KeyboardInterrupt])
def test_modes_are_put_back_after_predictions(error):
    during = []

    def head(h):
        during.extend(module.training for module in model.modules())
        assert not (model.trunk(np.ones((1, 3))) * 1.0).needs_grad
        if error is not None:
            raise error("inside")
        return h

    rng = np.random.default_rng(0)
    trunk = mtl.Sequential(mtl.Dense(3, 4, rng), mtl.Dropout(0.5, rng), mtl.Dropout(0.1, rng))
    model = mtl.HardSharing(trunk, {"a": head})
    model.trunk.parts[2].training = False
    before = [module.training for module in model.modules()]
    raises = contextlib.nullcontext() if error is None else pytest.raises(error, match="inside")
    with raises:
        model.predict({"a": np.ones((2, 3))})
    assert during
    assert not any(during)
    assert [module.training for module in model.modules()] == before
    assert model.trunk(np.ones((1, 3))).needs_grad


@pytest.mark.parametrize("batch_size, passes", [(None, 1), (2, 3)])
def test_the_very_same_inputs_pass_the_trunk_once_in_every_batch(batch_size, passes):
    seen = []

    def trunk(x):
        seen.append(len(x))
        return mtl.Tensor(x)

    model = mtl.HardSharing(trunk, dict.fromkeys("ab", mtl.tanh))
    x = np.ones((5, 3), np.float32)  # cast once too
    model.predict({"a": x, "b": x}, batch_size)
    assert len(seen) == passes
    assert sum(seen) == 5


def test_a_task_with_fewer_examples_is_left_out_when_it_is_at_its_end():
    seen = []

    def head(h):
        seen.append(len(h.data))
        return h

    model = mtl.HardSharing(mtl.Tensor, {"a": head, "b": unchanged})
    model.predict({"a": np.ones((3, 2)), "b": np.ones((8, 2))}, 2)
    assert seen == [2, 1]


def test_predictions_of_functions_do_not_alias_the_inputs():
    x = np.ones((2, 3))
    model = mtl.HardSharing(unchanged, {"a": unchanged})
    got = model.predict({"a": x})["a"]
    np.testing.assert_array_equal(got, x)
    assert not np.shares_memory(got, x)
    assert model.predict({}) == {}


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
    for _ in range(500):
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


@pytest.mark.parametrize("batch_size", [None, 2])
@pytest.mark.parametrize(
    "x, error", [(np.zeros((5, 7)), ValueError), (np.zeros((5, 3), int), TypeError)]
)
def test_predict_names_the_task_whose_inputs_do_not_fit(batch_size, x, error):
    inputs, _ = problem()
    model, _ = frozen_model(mtl.HardSharing, lambda model: [])
    good = {t: inputs[t] for t in TASKS}
    with pytest.raises(error, match=r"^predict: inputs\['b'\]: "):
        model.predict(good | {"b": x}, batch_size)


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
    model = make(*parts())
    for call in (model, model.predict):
        with pytest.raises(ValueError, match=words):
            call({"z": np.ones((1, 3))})


@every_model
def test_inputs_that_are_not_by_task_are_an_error_that_shows_how_to_give_them(make):
    model = make(*parts())
    words = r"inputs must be given by task, such as \{'a': inputs\}; got "
    with pytest.raises(TypeError, match=f"{type(model).__name__}: {words}ndarray"):
        model(np.ones((2, 3)))
    with pytest.raises(TypeError, match=f"predict: {words}list"):
        model.predict([np.ones((2, 3))])


class Frame:
    """A table of another package, which knows how to become an array."""

    def to_numpy(self):
        return np.ones((2, 3))


BAD_INPUTS = {
    "a list": ([[1.0, 2.0, 3.0]], TypeError, r"inputs\['a'\] must hold arrays .*, got list$"),
    "a frame": (Frame(), TypeError, r"inputs\['a'\] .* got Frame; use its .to_numpy\(\)"),
    "a masked array": (np.ma.ones((2, 3)), TypeError, r"inputs\['a'\] .* got MaskedArray"),
    "no axis": (np.array(1.0), TypeError, r"inputs\['a'\] must hold arrays with examples"),
    "nan": (np.array([[1.0, np.nan, 0.0]]), ValueError, r"inputs\['a'\] must be finite, got nan"),
    "other lengths": (
        (np.ones((2, 3)), np.ones((1, 3))),
        ValueError,
        r"inputs\['a'\] must hold arrays of the same number of examples, got \[2, 1\]",
    ),
    "an empty tuple": ((), ValueError, r"inputs\['a'\] must hold arrays"),
}


@pytest.mark.parametrize("x, error, match", BAD_INPUTS.values(), ids=BAD_INPUTS)
def test_bad_inputs_of_predict_are_errors_that_name_the_task(x, error, match):
    with pytest.raises(error, match="predict: " + match):
        mtl.HardSharing(*parts()).predict({"a": x})


def test_a_matrix_is_an_error_of_predict():
    with pytest.warns(PendingDeprecationWarning):
        x = np.matrix([[1.0, 2.0, 3.0]])
    with pytest.raises(TypeError, match=r"predict: inputs\['a'\] .* got matrix"):
        mtl.HardSharing(*parts()).predict({"a": x})


@pytest.mark.parametrize("batch_size", [0, -1, 2.5, True])
def test_a_bad_batch_size_of_predict_is_an_error(batch_size):
    with pytest.raises(ValueError, match="predict: batch_size must be a whole number, at least 1"):
        mtl.HardSharing(*parts()).predict({"a": np.ones((2, 3))}, batch_size)


@pytest.mark.parametrize("axis, shape", [(None, r"\(\)"), (0, r"\(3,\)")])
def test_an_output_without_a_row_for_each_example_is_an_error_of_predict(axis, shape):
    model = mtl.HardSharing(mtl.Tensor, {"a": lambda h: h.sum(axis)})
    words = f"the output of task 'a' must have a row for each of 2 examples, got shape {shape}"
    with pytest.raises(ValueError, match=words):
        model.predict({"a": np.ones((2, 3))})


def test_trunks_without_parameters_have_a_jacobian_without_columns():
    rng = np.random.default_rng(0)
    heads = {"a": mtl.Dense(2, 1, rng), "b": mtl.Dense(2, 1, rng)}
    x = np.ones((3, 2))
    for model in (mtl.HardSharing(mtl.Tensor, heads), mtl.SingleTask(mtl.Tensor, heads)):
        losses = {task: y.sum() for task, y in model({"a": x, "b": x}).items()}
        assert model.trunk_jacobian(losses).shape == (2, 0)
