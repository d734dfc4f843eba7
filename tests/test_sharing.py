"""The laws of sharing: who owns which parameters, where they lie in θ, and what the pull does."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinymtl as mtl
from tinymtl import closed_form

seeds = st.integers(0, 2**32 - 1)
laws = settings(max_examples=20)
TASKS = ["a", "b", "c"]
MODELS = {
    "alone": mtl.SingleTask,
    "soft": lambda *parts, **more: mtl.SoftSharing(*parts, strength=0.1, **more),
    "hard": mtl.HardSharing,
}
every_model = pytest.mark.parametrize("make", MODELS.values(), ids=MODELS.keys())


def parts(seed=0, tasks=TASKS):
    """A trunk of 3 inputs and 4 features, and a head of 2 outputs for each task."""
    rng = np.random.default_rng(seed)
    return mtl.Sequential(mtl.Dense(3, 4, rng), mtl.tanh), {t: mtl.Dense(4, 2, rng) for t in tasks}


def problem(seed=0, tasks=TASKS, N=5):
    """Inputs and targets by task."""
    rng = np.random.default_rng(seed + 1)
    return {t: rng.standard_normal((N, 3)) for t in tasks}, {
        t: rng.standard_normal((N, 2)) for t in tasks
    }


def total_loss(model, inputs, targets, weights=None):
    outputs = model(inputs)
    return (
        mtl.weighted_sum({t: mtl.mse(outputs[t], targets[t]) for t in inputs}, weights)
        + model.penalty()
    )


def descend(model, inputs, targets, η=0.1, steps=3, weights=None):
    optimizer = mtl.SGD(η)
    for _ in range(steps):
        model.zero_grad()
        total_loss(model, inputs, targets, weights).backward()
        optimizer.step(model)


def flat(*modules):
    return np.concatenate([p.data.reshape(-1) for m in modules for p in m.parameters()])


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
    others, model = [other(trunk, heads) for other in MODELS.values()], make(trunk, heads)
    vectors = lambda: [other.theta.copy() for other in others] + [flat(trunk, *heads.values())]
    before = vectors()
    descend(model, *problem())
    assert (model.theta != others[list(MODELS.values()).index(make)].theta).all()
    for now, then in zip(vectors(), before):
        np.testing.assert_array_equal(now, then)


@every_model
@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))], ids=["deepcopy", "pickle"]
)
def test_a_copied_model_has_a_theta_of_its_own_and_trains_the_same(make, copied):
    inputs, targets = problem()
    original = make(*parts(), l2=0.01)
    before = original.theta.copy()
    twin, zeroed = copied(original), copied(original)
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
    np.testing.assert_array_equal(
        model.theta, flat(trunk, heads["a"], encoders["b"], heads["b"], heads["c"])
    )
    assert model.P == 3 * 4 + 4
    np.testing.assert_array_equal(model.theta[: model.P], flat(trunk))


@pytest.mark.parametrize("make", [MODELS["alone"], MODELS["soft"]], ids=["alone", "soft"])
def test_theta_of_soft_sharing_is_every_trunk_and_then_every_head(make):
    trunk, heads = parts()
    encoders = {"b": mtl.Dense(3, 3, np.random.default_rng(9))}
    model = make(trunk, heads, encoders)
    np.testing.assert_array_equal(
        model.theta, flat(trunk, trunk, trunk, heads["a"], encoders["b"], heads["b"], heads["c"])
    )
    assert model.P == 0


def test_trunk_matrix_is_a_view_with_a_row_for_each_task():
    model = MODELS["soft"](*parts())
    Θ = model.trunk_matrix()
    assert Θ.shape == (3, 16)
    Θ[1] = 0
    assert not model.theta[16:32].any()
    assert not flat(model.trunks["b"]).any()
    assert flat(model.trunks["a"]).any()


def test_counts_are_those_of_hand_arithmetic():
    trunk, heads = parts()  # trunk 3·4 + 4 = 16, head 4·2 + 2 = 10
    heads["c"] = mtl.Dense(4, 5, np.random.default_rng(0))  # 4·5 + 5 = 25
    encoders = {"b": mtl.Dense(6, 3, np.random.default_rng(0))}  # 6·3 + 3 = 21
    assert mtl.HardSharing(trunk, heads, encoders).counts() == {
        "shared": 16,
        "tasks": {"a": 10, "b": 31, "c": 25},
        "total": 82,
    }
    for make in (MODELS["alone"], MODELS["soft"]):
        assert make(trunk, heads, encoders).counts() == {
            "shared": 0,
            "tasks": {"a": 26, "b": 47, "c": 41},
            "total": 114,
        }


@every_model
def test_every_parameter_is_counted_once(make):
    model = make(*parts())
    assert (
        model.counts()["total"] == model.theta.size == sum(p.data.size for p in model.parameters())
    )
    assert {id(p) for p in model.ordered_parameters()} == {id(p) for p in model.parameters()}


# Encoders, and modules that several tasks hold


def with_one_table():
    """Two tasks whose encoders hold one table of words, each before a layer of its own."""
    rng = np.random.default_rng(0)
    table, (trunk, heads) = mtl.Embedding(6, 3, rng), parts(tasks=["a", "b"])
    return table, (trunk, heads, {t: mtl.Sequential(table, mtl.Dense(3, 3, rng)) for t in "ab"})


@every_model
def test_a_task_computes_its_head_of_the_trunk_of_its_encoder(make):
    table, (trunk, heads, encoders) = with_one_table()
    ids, x = np.array([0, 3, 3]), np.random.default_rng(1).standard_normal((3, 3))
    out = make(trunk, heads, {"a": encoders["a"]})({"a": ids, "b": x})
    np.testing.assert_array_equal(out["a"].data, heads["a"](trunk(encoders["a"](ids))).data)
    np.testing.assert_array_equal(out["b"].data, heads["b"](trunk(x)).data)


def test_a_module_that_two_tasks_hold_is_shared_in_hard_sharing():
    table, built = with_one_table()
    model = mtl.HardSharing(*built)
    assert model.P == 16 + 18
    assert model.encoders["a"].parts[0] is model.encoders["b"].parts[0]
    np.testing.assert_array_equal(model.theta[:34], flat(built[0], table))
    J = model.trunk_jacobian({t: model({t: np.array([1])})[t].sum() for t in "ab"})
    assert J[:, 16:].any(axis=1).all()


def test_a_module_that_two_tasks_hold_is_copied_for_each_in_soft_sharing():
    table, built = with_one_table()
    model = MODELS["soft"](*built)
    assert model.trunk_matrix().shape == (2, 16 + 18)
    before = model.trunk_matrix().copy()
    np.testing.assert_array_equal(before, [flat(built[0], table)] * 2)
    model({"a": np.array([1])})["a"].sum().backward()
    mtl.SGD(0.1).step(model)
    assert (model.trunk_matrix()[0] != before[0]).any()
    np.testing.assert_array_equal(model.trunk_matrix()[1], before[1])


@pytest.mark.parametrize(
    "make, passes",
    [(MODELS["hard"], 1), (MODELS["alone"], 3), (MODELS["soft"], 3)],
    ids=["hard", "alone", "soft"],
)
def test_the_very_same_inputs_pass_a_shared_trunk_once(make, passes):
    calls = []
    trunk, heads = parts()
    model = make(mtl.Sequential(trunk, lambda h: calls.append(1) or h), heads)
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
    model = make(
        lambda x: x,
        {"a": lambda h: mtl.Tensor(h) * 2.0, "b": mtl.Dense(3, 1, np.random.default_rng(0))},
    )
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
    heads = {t: mtl.tanh for t in "ab"}
    model = mtl.SingleTask(
        mtl.Sequential(mtl.Tensor, mtl.Dropout(0.5, np.random.default_rng(0))), heads
    )
    out = model(dict.fromkeys("ab", np.ones((4, 20))))
    assert (out["a"].data != out["b"].data).any()


# The pull together


@laws
@given(seeds, st.integers(1, 4), st.floats(0, 5), st.sampled_from(["mean", "pairs"]))
def test_pull_is_its_printed_formula_and_so_is_its_gradient(seed, T, λ, pull):
    tasks = list("abcd")[:T]
    model = mtl.SoftSharing(*parts(seed, tasks), strength=λ, pull=pull)
    model.theta[:] = np.random.default_rng(seed).standard_normal(model.theta.shape)
    Θ = model.trunk_matrix()
    if pull == "mean":
        expected = λ * sum(((Θ[t] - sum(Θ) / T) ** 2).sum() for t in range(T))
    else:
        expected = λ * sum(((Θ[s] - Θ[t]) ** 2).sum() for t in range(T) for s in range(t))
    assert float(model.penalty()) == pytest.approx(expected, rel=1e-10, abs=1e-12)
    if λ:
        model.penalty().backward()
    slope = [2 * λ * (Θ[t] - sum(Θ) / T) * (T if pull == "pairs" else 1) for t in range(T)]
    np.testing.assert_allclose(model.grad[: Θ.size].reshape(Θ.shape), slope, atol=1e-11)
    assert not model.grad[Θ.size :].any()


@laws
@given(seeds, st.integers(1, 4), st.floats(0, 5))
def test_pull_by_pairs_is_t_times_the_pull_to_the_mean(seed, T, λ):
    mean, pairs = (
        mtl.SoftSharing(*parts(seed, list("abcd")[:T]), strength=λ, pull=p)
        for p in ("mean", "pairs")
    )
    mean.theta[:] = pairs.theta[:] = np.random.default_rng(seed).standard_normal(mean.theta.shape)
    assert float(pairs.penalty()) == pytest.approx(T * float(mean.penalty()), rel=1e-12)


@laws
@given(seeds, st.floats(0, 5), st.sampled_from(["mean", "pairs"]))
def test_pull_never_moves_the_mean_trunk_and_vanishes_at_equality(seed, λ, pull):
    model = mtl.SoftSharing(*parts(seed), strength=λ, pull=pull)
    assert float(model.penalty()) == pytest.approx(0, abs=1e-28)
    model.theta[:] = np.random.default_rng(seed).standard_normal(model.theta.shape)
    if λ:
        model.penalty().backward()
    np.testing.assert_allclose(model.grad[: 3 * 16].reshape(3, 16).sum(0), 0, atol=1e-12)


def test_strength_zero_is_single_task_training_to_the_bit():
    soft, alone = mtl.SoftSharing(*parts(), strength=0.0), mtl.SingleTask(*parts())
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
        np.testing.assert_allclose(flat(model.trunks[t], model.heads[t]), only.theta, rtol=1e-12)


@laws
@given(seeds, st.floats(0, 0.9), st.floats(0.1, 3))
def test_steps_of_soft_sharing_are_theta_minus_eta_times_own_gradient_and_pull(seed, λ, w):
    η, weights, (inputs, targets) = 0.2, {"a": w, "b": 1.0, "c": 0.5}, problem(seed)
    model, literal = (mtl.SoftSharing(*parts(seed), strength=λ) for _ in range(2))
    for _ in range(3):
        descend(model, inputs, targets, η, 1, weights)
        θ, Θ = literal.theta.copy(), literal.trunk_matrix()
        mean = Θ.mean(0)
        outputs = literal(inputs)
        for i, t in enumerate(TASKS):
            own = literal.trunks[t].parameters(), literal.heads[t].parameters()
            gradients = mtl.gradient(mtl.mse(outputs[t], targets[t]), [*own[0], *own[1]])
            g = weights[t] * np.concatenate([part.reshape(-1) for part in gradients])
            θ[16 * i : 16 * i + 16] -= η * (g[:16] + 2 * λ * (Θ[i] - mean))
            θ[48 + 10 * i : 58 + 10 * i] -= η * g[16:]
        literal.theta[:] = θ
        literal.stepped()
        np.testing.assert_allclose(model.theta, θ, rtol=1e-10, atol=1e-12)


@laws
@given(seeds, st.floats(0, 1e3), st.sampled_from(["mean", "pairs"]))
def test_from_equal_starts_one_step_moves_the_mean_trunk_like_hard_sharing_at_a_tth_of_the_learning_rate(
    seed, λ, pull
):
    weights, (inputs, targets) = {"a": 2.0, "b": 1.0, "c": 0.5}, problem(seed)
    soft, hard = mtl.SoftSharing(*parts(seed), strength=λ, pull=pull), mtl.HardSharing(*parts(seed))
    descend(soft, inputs, targets, 0.3, 1, weights)
    descend(hard, inputs, targets, 0.3 / 3, 1, weights)
    np.testing.assert_allclose(soft.trunk_matrix().mean(0), hard.theta[:16], rtol=1e-10, atol=1e-12)


def test_a_strong_pull_follows_the_path_of_hard_sharing_at_a_tth_of_the_learning_rate():
    # With 2ηλ = 1 each step undoes all distance from before it, so the trunks stay within η of their mean:
    # for a given time η · steps the two paths differ by an error that shrinks like η.
    inputs, targets = problem()
    trunk, _ = parts()
    heads = dict.fromkeys(
        TASKS, lambda h: h[:, :2]
    )  # no parameters: they would move at η, not at η/T
    gaps = []
    for η, steps in ((0.2, 50), (0.02, 500)):
        soft, hard = (
            mtl.SoftSharing(trunk, heads, strength=1 / (2 * η)),
            mtl.HardSharing(trunk, heads),
        )
        descend(soft, inputs, targets, η, steps)
        descend(hard, inputs, targets, η / 3, steps)
        gaps.append(abs(soft.trunk_matrix().mean(0) - hard.theta).max())
    assert abs(hard.theta - flat(trunk)).max() > 0.3
    assert gaps[0] < 0.1
    assert gaps[1] < gaps[0] / 5


@pytest.mark.parametrize("pull", ["mean", "pairs"])
@pytest.mark.parametrize("strength", [0.0, 0.3, 3.0])
def test_soft_sharing_of_linear_tasks_reaches_the_closed_form(strength, pull):
    # Mean squares and λ s Σ‖θ_t − θ̄‖² times n/2 are half sums and n s / 2: the referee's λ is n s ("pairs": n T s).
    # The bias is a column of ones.
    rng, n = np.random.default_rng(0), 20
    inputs = {t: rng.standard_normal((n, 3)) for t in TASKS}
    targets = {t: rng.standard_normal((n, 1)) for t in TASKS}
    model = mtl.SoftSharing(
        mtl.Dense(3, 1, rng), {t: lambda h: h for t in TASKS}, strength=strength, pull=pull
    )
    optimizer = mtl.SGD(0.2 / (1 + strength * (3 if pull == "pairs" else 1)), momentum=0.9)
    for _ in range(1000):
        model.zero_grad()
        total_loss(model, inputs, targets).backward()
        optimizer.step(model)
    λ = n * strength * (3 if pull == "pairs" else 1)
    X, y = (
        [np.hstack([inputs[t], np.ones((n, 1))]) for t in TASKS],
        [targets[t][:, 0] for t in TASKS],
    )
    np.testing.assert_allclose(model.trunk_matrix(), closed_form.soft_sharing(X, y, λ), atol=1e-6)


def test_hard_sharing_of_linear_tasks_reaches_the_pooled_closed_form():
    rng, n = np.random.default_rng(0), 20
    inputs = {t: rng.standard_normal((n, 3)) for t in TASKS}
    targets = {t: rng.standard_normal((n, 1)) for t in TASKS}
    model = mtl.HardSharing(mtl.Dense(3, 1, rng), {t: lambda h: h for t in TASKS})
    descend(model, inputs, targets, 0.1, 1000)
    X, y = (
        [np.hstack([inputs[t], np.ones((n, 1))]) for t in TASKS],
        [targets[t][:, 0] for t in TASKS],
    )
    np.testing.assert_allclose(model.theta, closed_form.pooled(X, y), atol=1e-6)


# The pull to zero


def decay_by_hand(model, strengths):
    """Σ_i λ_i Σ_j ‖W_ij‖² over the matrices of each task: trunk and head, biases left alone."""
    trunk_of = lambda t: model.trunks[t] if hasattr(model, "trunks") else model.trunk
    return sum(
        λ * ((trunk_of(t).parts[0].W.data ** 2).sum() + (model.heads[t].W.data ** 2).sum())
        for t, λ in strengths.items()
    )


@every_model
def test_l2_is_a_number_for_every_task_or_one_for_each(make):
    for l2, strengths in (
        (0.5, dict.fromkeys(TASKS, 0.5)),
        ({"a": 0.1, "b": 0.0, "c": 2.0},) * 2,
        (0, dict.fromkeys(TASKS, 0.0)),
        (None, {}),
    ):
        model = make(*parts(), l2=l2)
        model.theta[:] = 1  # equal trunks: no pull together
        assert float(model.penalty()) == pytest.approx(decay_by_hand(model, strengths))


@every_model
def test_l2_pulls_a_matrix_towards_zero_by_twice_its_strengths(make):
    model = make(*parts(), l2={"a": 0.1, "b": 0.0, "c": 2.0})
    model.penalty().backward()
    for t, λ in (("a", 0.1), ("b", 0.0), ("c", 2.0)):
        np.testing.assert_allclose(model.heads[t].W.grad, 2 * λ * model.heads[t].W.data)
        trunk, total = (model.trunks[t], λ) if hasattr(model, "trunks") else (model.trunk, 2.1)
        np.testing.assert_allclose(
            trunk.parts[0].W.grad, 2 * total * trunk.parts[0].W.data, atol=1e-12
        )
        assert not trunk.parts[0].b.grad.any()


@every_model
def test_l2_may_be_a_function_of_the_model(make):
    model = make(*parts(), l2=lambda m: 3.0 * (m.heads["a"].b * m.heads["a"].b).sum())
    model.heads["a"].b = np.array([1.0, 2.0])
    assert float(model.penalty()) == pytest.approx(15)
    model.penalty().backward()
    np.testing.assert_allclose(model.heads["a"].b.grad, [6, 12])


def test_soft_sharing_adds_both_pulls():
    model = mtl.SoftSharing(*parts(), strength=0.7, l2=0.2)
    model.theta[:] = np.random.default_rng(0).standard_normal(model.theta.shape)
    Θ = model.trunk_matrix()
    expected = 0.7 * ((Θ - Θ.mean(0)) ** 2).sum() + decay_by_hand(model, dict.fromkeys(TASKS, 0.2))
    assert float(model.penalty()) == pytest.approx(expected)


@pytest.mark.parametrize("make", [MODELS["alone"], MODELS["hard"]], ids=["alone", "hard"])
@pytest.mark.parametrize("l2", [None, 0, {"a": 0.0, "b": 0.0}], ids=["none", "zero", "zeros"])
def test_without_a_pull_to_zero_the_rows_of_a_sparse_table_rest(make, l2):
    table = mtl.Embedding(6, 3, np.random.default_rng(0), sparse=True)
    trunk, heads = parts(tasks=["a", "b"])
    model, optimizer = make(mtl.Sequential(table, trunk), heads, l2=l2), mtl.Adam(0.1)
    tables = lambda: np.array([p.data for p in model.parameters() if p.shape == (6, 3)])
    for row in (1, 2):  # row 1 has a memory that would move it in the second step
        before = tables()
        model.zero_grad()
        total_loss(model, {"a": np.array([row])}, {"a": np.ones((1, 2))}).backward()
        optimizer.step(model)
        assert {int(v) for _, v, _ in zip(*np.nonzero(tables() != before))} == {row}


# Jacobians


@every_model
def test_rows_of_the_trunk_jacobian_are_each_tasks_gradient_on_its_trunk(make):
    model, (inputs, targets) = make(*parts()), problem()
    outputs = model(inputs)
    losses = {t: mtl.mse(outputs[t], targets[t]) for t in TASKS}
    J = model.trunk_jacobian(losses)
    assert J.shape == (3, 16)
    for row, t in zip(J, TASKS):
        trunk = model.trunks[t] if hasattr(model, "trunks") else model.trunk
        np.testing.assert_allclose(
            row,
            np.concatenate([g.reshape(-1) for g in mtl.gradient(losses[t], trunk.parameters())]),
        )


@every_model
def test_permuting_the_tasks_permutes_their_outputs_and_nothing_else(make):
    trunk, heads = parts()
    inputs, targets = problem()
    model, turned = make(trunk, heads), make(trunk, {t: heads[t] for t in reversed(TASKS)})
    descend(model, inputs, targets)
    descend(turned, inputs, targets)
    for t in TASKS:
        np.testing.assert_allclose(
            model(inputs)[t].data, turned(inputs)[t].data, rtol=1e-10, atol=1e-12
        )


# Errors


@every_model
@pytest.mark.parametrize(
    "change, match",
    [
        ({"heads": {}}, "heads must name at least one task"),
        (
            {"encoders": {"z": mtl.tanh}},
            r"encoders must be of the tasks \['a', 'b', 'c'\], got \['z'\]",
        ),
        ({"l2": -1.0}, "l2 must be finite and not negative, got -1.0"),
        ({"l2": float("nan")}, "l2 must be finite"),
        ({"l2": {"a": 1.0, "b": 1.0, "c": float("inf")}}, "l2 must be finite"),
        (
            {"l2": {"a": 1.0, "z": 1.0}},
            r"l2 must name the tasks \['a', 'b', 'c'\]; missing \['b', 'c'\], unknown \['z'\]",
        ),
    ],
)
def test_bad_parts_are_errors(make, change, match):
    trunk, heads = parts()
    arguments = {"trunk": trunk, "heads": heads, "encoders": None, **change}
    with pytest.raises(ValueError, match=match):
        make(arguments.pop("trunk"), arguments.pop("heads"), arguments.pop("encoders"), **arguments)


@pytest.mark.parametrize("strength", [-0.1, float("inf"), float("nan")])
def test_a_bad_strength_is_an_error(strength):
    with pytest.raises(ValueError, match="strength must be finite and not negative"):
        mtl.SoftSharing(*parts(), strength=strength)


def test_an_unknown_pull_is_an_error():
    with pytest.raises(ValueError, match="pull must be 'mean' or 'pairs', got 'max'"):
        mtl.SoftSharing(*parts(), strength=1.0, pull="max")


@every_model
def test_inputs_of_an_unknown_task_are_an_error_and_a_task_may_be_left_out(make):
    model, x = make(*parts()), np.ones((1, 3))
    assert list(model({"b": x})) == ["b"]
    assert model({}) == {}
    with pytest.raises(
        ValueError, match=r"inputs must be of the tasks \['a', 'b', 'c'\], got \['z'\]"
    ):
        model({"z": x})
