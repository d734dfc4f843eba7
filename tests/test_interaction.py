"""The laws of conflict, harm and transfer: angles in the Gramian, what a step does, and what training together gains."""

import math
from copy import deepcopy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinymtl as mtl
from tinymtl import interaction
from tinymtl.interaction import (
    conflict_rate,
    cosines,
    delta_m,
    gramian,
    harm_rate,
    magnitude_similarity,
    predicted_change,
    transfer_gain,
)

seeds = st.integers(0, 2**32 - 1)
laws = settings(max_examples=30)


@st.composite
def jacobians(draw):
    """J (T, P) with rows of very different lengths."""
    rng = np.random.default_rng(draw(seeds))
    T, P = draw(st.integers(1, 5)), draw(st.integers(1, 6))
    return rng.standard_normal((T, P)) * 10 ** rng.uniform(-3, 3, (T, 1))


@laws
@given(jacobians())
def test_gramian_holds_all_inner_products_of_the_rows(J):
    T, P = J.shape
    expected = [[sum(J[s, p] * J[t, p] for p in range(P)) for t in range(T)] for s in range(T)]
    np.testing.assert_allclose(gramian(J), expected, rtol=1e-12, atol=1e-15 * abs(J).max() ** 2)


@laws
@given(jacobians())
def test_gramian_is_symmetric_and_never_negative_along_any_weights(J):
    G = gramian(J)
    np.testing.assert_array_equal(G, G.T)
    assert np.linalg.eigvalsh(G).min() >= -1e-12 * np.trace(G)


@laws
@given(jacobians())
def test_cosine_is_the_inner_product_over_both_norms(J):
    ρ, norms = cosines(gramian(J)), [math.sqrt(sum(x * x for x in row)) for row in J]
    for s, t in np.ndindex(ρ.shape):
        assert ρ[s, t] == pytest.approx(
            sum(J[s] * J[t]) / (norms[s] * norms[t]), rel=1e-9, abs=1e-12
        )


@laws
@given(jacobians(), seeds)
def test_cosines_do_not_change_when_gradients_are_made_longer(J, seed):
    lengths = np.random.default_rng(seed).uniform(0.01, 100, (len(J), 1))
    np.testing.assert_allclose(cosines(gramian(lengths * J)), cosines(gramian(J)), atol=1e-12)


def test_cosine_of_parallel_opposite_and_orthogonal_gradients():
    ρ = cosines(gramian(np.array([[3.0, 4.0], [6.0, 8.0], [-3.0, -4.0], [4.0, -3.0]])))
    np.testing.assert_allclose(
        ρ, [[1, 1, -1, 0], [1, 1, -1, 0], [-1, -1, 1, 0], [0, 0, 0, 1]], atol=1e-15
    )


def test_a_task_without_gradient_has_no_angle_to_any_other():
    ρ = cosines(gramian(np.array([[1.0, 0.0], [0.0, 0.0], [1.0, 1.0]])))
    assert np.isnan(ρ[1]).all()
    assert np.isnan(ρ[:, 1]).all()
    np.testing.assert_allclose(
        ρ[np.ix_([0, 2], [0, 2])], [[1, math.sqrt(0.5)], [math.sqrt(0.5), 1]]
    )


def test_gramian_and_cosines_are_float64_and_leave_their_arguments_alone():
    J = np.array([[3.0, 4.0], [1.0, 0.0]], np.float32)
    G = gramian(J)
    before = G.copy()
    assert G.dtype == cosines(G).dtype == np.float64
    np.testing.assert_array_equal(G, before)
    np.testing.assert_array_equal(J, [[3, 4], [1, 0]])


def test_a_gramian_of_no_tasks_or_no_shared_parameters_is_empty_or_zero():
    assert gramian(np.zeros((0, 3))).shape == cosines(np.zeros((0, 0))).shape == (0, 0)
    np.testing.assert_array_equal(gramian(np.zeros((2, 0))), np.zeros((2, 2)))


@pytest.mark.parametrize("shape", [(3,), (2, 3, 4), ()])
def test_a_jacobian_of_another_shape_is_an_error(shape):
    with pytest.raises(ValueError, match=r"jacobian must have shape \(T, P\), got"):
        gramian(np.zeros(shape))


@pytest.mark.parametrize("shape", [(3,), (2, 3), (1, 2, 2)])
def test_a_gramian_that_is_not_square_is_an_error(shape):
    with pytest.raises(ValueError, match=r"gramian must have shape \(T, T\), got"):
        cosines(np.zeros(shape))


@laws
@given(jacobians())
def test_magnitude_similarity_is_its_printed_formula(J):
    norms = [math.sqrt(sum(x * x for x in row)) for row in J]
    Φ = magnitude_similarity(gramian(J))
    for s, t in np.ndindex(Φ.shape):
        assert Φ[s, t] == pytest.approx(
            2 * norms[s] * norms[t] / (norms[s] ** 2 + norms[t] ** 2), rel=1e-9
        )


def test_magnitude_similarity_of_gradients_that_are_zero():
    Φ = magnitude_similarity(np.diag([0.0, 0.0, 4.0]))
    assert np.isnan(Φ[0, 1]) and np.isnan(Φ[0, 0]) and Φ[0, 2] == 0 and Φ[2, 2] == 1


# Rates

values = st.lists(
    st.lists(st.sampled_from([-0.5, -1e-9, 0.0, 1e-9, 0.5, math.nan]), min_size=4, max_size=4),
    min_size=1,
    max_size=6,
)


@given(values)
def test_rates_count_the_recorded_steps_in_which_it_happened(rows):
    def share(column, happened):
        known = [x for x in column if not math.isnan(x)]
        return sum(happened(x) for x in known) / len(known) if known else math.nan

    rates = harm_rate(np.array(rows))
    np.testing.assert_array_equal(rates, [share(column, lambda x: x > 0) for column in zip(*rows)])
    np.testing.assert_array_equal(
        conflict_rate(np.array(rows).reshape(-1, 2, 2)).reshape(-1),
        [share(column, lambda x: x < 0) for column in zip(*rows)],
    )


# What a step does


@laws
@given(jacobians(), seeds, st.floats(0.001, 1))
def test_predicted_change_is_minus_the_learning_rate_times_the_inner_products_with_the_direction(
    J, seed, η
):
    w = np.random.default_rng(seed).uniform(-1, 2, len(J))
    d = sum(w_t * g for w_t, g in zip(w, J))
    expected, size = [-η * (g @ d) for g in J], [np.linalg.norm(g) for g in J]
    np.testing.assert_allclose(
        predicted_change(gramian(J), w, η),
        expected,
        rtol=1e-9,
        atol=1e-13 * max(size) ** 2 * len(J),
    )


LOSSES = {"a": mtl.mse, "b": mtl.cross_entropy}


def network(seed=0, **l2):
    rng = np.random.default_rng(seed)
    trunk = mtl.Sequential(
        mtl.Dense(3, 4, rng), mtl.tanh, mtl.Dropout(0.5, rng), mtl.Dense(4, 4, rng), mtl.tanh
    )
    return mtl.HardSharing(trunk, {"a": mtl.Dense(4, 2, rng), "b": mtl.Dense(4, 3, rng)}, **l2)


def batch(seed=0, n=6):
    rng = np.random.default_rng(seed)
    return {
        "a": (rng.standard_normal((n, 3)), rng.standard_normal((n, 2))),
        "b": (rng.standard_normal((n, 3)), rng.integers(0, 3, n)),
    }


def quiet(model):
    model = deepcopy(model)
    model.train(False)
    return model


def losses_of(model, data):
    outputs = model({t: x for t, (x, _) in data.items()})
    return {t: LOSSES[t](outputs[t], y) for t, (_, y) in data.items()}


def numbers(model, data):
    return np.array([float(loss) for loss in losses_of(model, data).values()])


def shared_jacobian(model, data):
    shared = model.trunk_parameters("a")
    return np.array(
        [
            np.concatenate([g.ravel() for g in mtl.gradient(loss, shared)])
            for loss in losses_of(model, data).values()
        ]
    )


def trained(optimizer, steps=3):
    model = network()
    mtl.fit(model, batch(1), LOSSES, optimizer=optimizer, steps=steps, quiet=True)
    return model


@pytest.mark.parametrize(
    "weights",
    [None, {"a": 2.0, "b": 0.5}, lambda losses, gramian: np.array([2.0, 0.5])],
    ids=["none", "dict", "rule"],
)
@pytest.mark.parametrize(
    "make",
    [lambda: mtl.SGD(0.1), lambda: mtl.SGD(0.1, 0.9), lambda: mtl.Adam(0.01)],
    ids=["sgd", "momentum", "adam"],
)
def test_step_report_is_what_the_step_does_when_it_is_taken(make, weights):
    optimizer, data = make(), batch(2)
    model = trained(optimizer)
    model.l2 = 0.01
    report = interaction.step_report(model, data, LOSSES, optimizer, weights)

    w, before = [1.0, 1.0] if weights is None else [2.0, 0.5], quiet(model)
    L, J = losses_of(before, data), shared_jacobian(before, data)
    total = w[0] * L["a"] + w[1] * L["b"] + before.penalty()
    before.zero_grad()
    total.backward()
    start, values, P = before.theta.copy(), numbers(before, data), before.P
    optimizer.copy_for(before).step(before)
    step = before.theta - start
    with_heads = numbers(before, data) - values
    before.theta[P:] = start[P:]
    np.testing.assert_allclose(report.losses, values)
    np.testing.assert_allclose(report.norms, np.linalg.norm(J, axis=1))
    np.testing.assert_allclose(report.weights, w)
    np.testing.assert_allclose(
        report.predicted, -optimizer.learning_rate * J @ (J.T @ w), atol=1e-14
    )
    np.testing.assert_allclose(report.taken, J @ step[:P], atol=1e-14)
    np.testing.assert_allclose(report.happened, numbers(before, data) - values, atol=1e-14)
    np.testing.assert_allclose(report.with_heads, with_heads, atol=1e-14)
    assert report.cosines[0, 1] == pytest.approx(
        J[0] @ J[1] / np.linalg.norm(J[0]) / np.linalg.norm(J[1])
    )


def test_plain_gradient_descent_does_what_is_predicted_up_to_the_square_of_the_learning_rate():
    errors = []
    for η in (0.02, 0.01, 0.005):
        report = interaction.step_report(network(), batch(), LOSSES, mtl.SGD(η))
        np.testing.assert_allclose(report.taken, report.predicted, atol=1e-14)
        errors.append(report.happened - report.predicted)
    for larger, smaller in zip(errors, errors[1:]):
        np.testing.assert_allclose(larger / smaller, 4, rtol=0.1)


def test_a_step_report_changes_nothing_and_training_goes_on_as_without_it():
    optimizer, other, rule = mtl.Adam(0.01), mtl.Adam(0.01), mtl.weighting.DWA()
    model, plain = trained(optimizer), trained(other)
    interaction.step_report(model, batch(2), LOSSES, optimizer, rule)
    assert rule.means == {} and model.training and optimizer.t == other.t
    for m, o in ((model, optimizer), (plain, other)):
        mtl.fit(m, batch(3), LOSSES, optimizer=o, steps=2, quiet=True)
    np.testing.assert_array_equal(model.theta, plain.theta)


def test_a_step_report_prints_a_row_for_each_task():
    report = interaction.step_report(network(), batch(), LOSSES, mtl.SGD(0.1))
    heading, *rows = str(report).splitlines()
    assert (
        [row.split()[0] for row in rows] == ["a", "b"]
        and "happened" in heading
        and "-lr G w" in heading
    )
    assert f"{report.happened[1]:.4g}" in rows[1] and f"{report.predicted[0]:.4g}" in rows[0]


def test_a_rule_with_memory_is_told_the_names_in_a_step_report():
    rule = mtl.weighting.Uncertainty(regression=["a"])
    np.testing.assert_array_equal(
        interaction.step_report(network(), batch(), LOSSES, mtl.SGD(0.1), rule).weights, [0.5, 1.0]
    )


@pytest.mark.parametrize("seed", range(3))
def test_lookahead_affinity_is_its_printed_formula(seed):
    η, data, model = 0.1, batch(seed), quiet(network(seed))
    Z = interaction.lookahead_affinity(network(seed), data, LOSSES, η)
    values, J, before = numbers(model, data), shared_jacobian(model, data), model.theta.copy()
    for i in range(2):
        model.theta[:] = before
        model.theta[: model.P] -= η * J[i]
        np.testing.assert_allclose(Z[i], 1 - numbers(model, data) / values, atol=1e-14)


def test_lookahead_affinity_of_a_tiny_step_is_the_gramian_over_the_loss():
    model, data, η = quiet(network()), batch(), 1e-6
    J = shared_jacobian(model, data)
    np.testing.assert_allclose(
        interaction.lookahead_affinity(model, data, LOSSES, η) / η,
        J @ J.T / numbers(model, data),
        rtol=1e-3,
        atol=1e-5,
    )


def test_what_an_optimiser_would_do_to_a_copy_is_what_it_does_to_its_model():
    for optimizer in (mtl.SGD(0.1, 0.9), mtl.Adam(0.01)):
        model = trained(optimizer)
        copy = deepcopy(model)
        there = optimizer.copy_for(copy)
        for m, o in ((copy, there), (model, optimizer)):
            mtl.fit(m, batch(3), LOSSES, optimizer=o, steps=2, quiet=True)
        np.testing.assert_array_equal(copy.theta, model.theta)


# Where they meet


def test_layers_have_the_gramian_of_their_own_parameters_and_together_that_of_the_trunk():
    data, model = batch(), quiet(network())
    layers = interaction.layer_gramians(network(), data, LOSSES)
    assert list(layers) == ["trunk.parts.0", "trunk.parts.3"]
    for name, place in (("trunk.parts.0", 0), ("trunk.parts.3", 3)):
        layer = model.trunk.parts[place]
        J = np.array(
            [
                np.concatenate([g.ravel() for g in mtl.gradient(loss, [layer.W, layer.b])])
                for loss in losses_of(model, data).values()
            ]
        )
        np.testing.assert_allclose(layers[name], J @ J.T, rtol=1e-9)
    np.testing.assert_allclose(
        sum(layers.values()), gramian(shared_jacobian(model, data)), rtol=1e-9
    )


@pytest.mark.parametrize("sparse", [False, True])
def test_tasks_meet_in_the_rows_that_both_look_up(sparse):
    rng = np.random.default_rng(0)
    model = mtl.HardSharing(
        mtl.Embedding(6, 3, rng, sparse=sparse), {t: mtl.Dense(3, 2, rng) for t in "ab"}
    )
    ids = {"a": np.array([0, 2, 2]), "b": np.array([2, 5])}
    data = {t: (i, rng.standard_normal((len(i), 2))) for t, i in ids.items()}
    (norms,) = interaction.row_norms(model, data, dict.fromkeys("ab", mtl.mse)).values()
    assert [np.flatnonzero(row).tolist() for row in norms] == [[0, 2], [2, 5]]
    outputs = model({t: x for t, (x, _) in data.items()})
    (slope,) = mtl.gradient(mtl.mse(outputs["a"], data["a"][1]), [model.trunk.table])
    np.testing.assert_allclose(norms[0], [math.sqrt(sum(x * x for x in row)) for row in slope])


def test_a_model_without_shared_tables_has_no_rows():
    assert interaction.row_norms(network(), batch(), LOSSES) == {}


# What training records


def test_recorded_effects_are_those_of_the_steps_taken_and_predictions_those_of_the_rule():
    rng, data = np.random.default_rng(0), batch()
    model = mtl.HardSharing(
        mtl.Sequential(mtl.Dense(3, 4, rng), mtl.tanh),
        {"a": mtl.Dense(4, 2, rng), "b": mtl.Dense(4, 3, rng)},
    )
    twin, rule = deepcopy(model), lambda losses, gramian: np.array([0.3, 2.0])
    rate = lambda progress: 0.1 - 0.05 * progress
    history = mtl.fit(
        model,
        data,
        LOSSES,
        optimizer=mtl.Adam(rate),
        weights=rule,
        steps=4,
        cosines_every=2,
        quiet=True,
    )
    optimizer = mtl.Adam(rate)
    for k in range(4):
        J, before = shared_jacobian(twin, data), twin.theta[: twin.P].copy()
        L = losses_of(twin, data)
        twin.zero_grad()
        (0.3 * L["a"] + 2.0 * L["b"]).backward()
        optimizer.step(twin, k / 4)
        if k % 2 == 0:
            np.testing.assert_allclose(
                history.effects[k // 2], J @ (twin.theta[: twin.P] - before), rtol=1e-6
            )
            np.testing.assert_allclose(
                history.predicted[k // 2], -rate(k / 4) * J @ J.T @ [0.3, 2.0], rtol=1e-6
            )
    assert history.effects.shape == history.predicted.shape == (2, 2)


def test_a_task_without_labels_has_no_effect_recorded_and_nothing_shared_records_none():
    data = batch()
    x, y = data["a"]
    mask = np.zeros(y.shape, bool)
    mask[0] = True
    history = mtl.fit(
        network(),
        {**data, "a": (x, y, mask)},
        LOSSES,
        optimizer=mtl.SGD(0.1),
        steps=6,
        batch_size=1,
        cosines_every=1,
        rng=np.random.default_rng(0),
        quiet=True,
    )
    np.testing.assert_array_equal(np.isnan(history.effects[:, 0]), np.isnan(history.losses["a"]))
    assert np.isnan(history.effects[:, 0]).sum() == 5 and np.isfinite(history.effects[:, 1]).all()
    parts = network()
    alone = mtl.fit(
        mtl.SingleTask(parts.trunk, parts.heads),
        data,
        LOSSES,
        optimizer=mtl.SGD(0.1),
        steps=2,
        cosines_every=1,
        quiet=True,
    )
    assert len(alone.cosines) == 2 and len(alone.effects) == len(alone.predicted) == 0


# Transfer


@laws
@given(seeds, st.integers(2, 8), st.booleans())
def test_transfer_gain_is_the_mean_of_paired_differences_with_its_standard_error(seed, n, up):
    alone, together = np.random.default_rng(seed).standard_normal((2, n, 3))
    gain, error = transfer_gain(alone, together, higher_is_better=up)
    for measure in range(3):
        d = [(t - a if up else a - t) for a, t in zip(alone[:, measure], together[:, measure])]
        mean = sum(d) / n
        assert gain[measure] == pytest.approx(mean, abs=1e-12)
        assert error[measure] == pytest.approx(
            math.sqrt(sum((x - mean) ** 2 for x in d) / (n - 1) / n)
        )


def test_what_all_seeds_have_in_common_adds_nothing_to_the_standard_error():
    noise = np.array([1.0, 5.0, -3.0, 2.0])
    gain, error = transfer_gain(noise + 1, noise)
    assert (
        gain == 1
        and error == pytest.approx(0, abs=1e-15)
        and isinstance(gain, float)
        and isinstance(error, float)
    )


def test_one_seed_has_an_infinite_standard_error():
    assert transfer_gain([1.0], [0.5]) == (0.5, math.inf)


@laws
@given(seeds, st.integers(1, 5))
def test_delta_m_is_its_printed_formula(seed, T):
    rng = np.random.default_rng(seed)
    A, M, up = rng.uniform(0.1, 2, T), rng.uniform(0.1, 2, T), rng.random(T) < 0.5
    expected = sum((-1) ** (0 if u else 1) * (m - a) / a for a, m, u in zip(A, M, up)) / T
    assert delta_m(A, M, up) == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_delta_m_is_positive_where_training_together_is_better():
    assert delta_m([1.0, 2.0], [0.5, 1.0]) == 0.5
    assert delta_m([1.0, 2.0], [1.5, 3.0], True) == 0.5
    assert delta_m([-0.2], [0.1], True) > 0  # an R² below 0 that rises


# Errors


@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda: magnitude_similarity(np.ones((2, 3))),
            r"magnitude_similarity: gramian must have shape \(T, T\), got \(2, 3\)",
        ),
        (
            lambda: predicted_change(np.eye(2), np.ones(3), 0.1),
            r"predicted_change: weights must have shape \(2,\), got \(3,\)",
        ),
        (
            lambda: conflict_rate(np.eye(2)),
            r"conflict_rate: cosines must have shape \(K, T, T\), got \(2, 2\)",
        ),
        (lambda: harm_rate(np.ones(3)), r"harm_rate: changes must have shape \(K, T\), got \(3,\)"),
        (lambda: transfer_gain([1.0, 2.0], [1.0]), r"a row for each seed; got \(2,\) and \(1,\)"),
        (lambda: transfer_gain([], []), r"a row for each seed"),
        (lambda: delta_m([0.0], [1.0]), r"alone must not be 0"),
        (lambda: delta_m([1.0], [1.0, 2.0]), r"expected alone and together \(T,\)"),
        (lambda: delta_m([1.0], [1.0], [1]), r"a bool or T of them"),
        (
            lambda: interaction.lookahead_affinity(
                network(), batch(), dict.fromkeys("ab", lambda out, y: out.sum() * 0.0 - 1.0), 0.1
            ),
            r"losses must be positive",
        ),
        (
            lambda: interaction.step_report(network(), batch(), LOSSES, mtl.SGD(0.1), {"a": 1.0}),
            r"weights must name the tasks \['a', 'b'\]; missing \['b'\]",
        ),
        (
            lambda: interaction.step_report(
                network(), batch(), LOSSES, mtl.SGD(0.1), lambda losses, gramian: np.full(2, np.nan)
            ),
            r"weights must be 2 finite numbers",
        ),
        (
            lambda: interaction.layer_gramians(network(), {}, LOSSES),
            r"batch must be of the tasks \['a', 'b'\].*got \[\]",
        ),
        (
            lambda: interaction.layer_gramians(network(), batch(), {"a": mtl.mse}),
            r"with losses for \['a'\], got \['a', 'b'\]",
        ),
        (
            lambda: interaction.step_report(
                network(), {"a": (*batch()["a"], np.zeros((6, 2), bool))}, LOSSES, mtl.SGD(0.1)
            ),
            r"a label of every task, got none of \['a'\]",
        ),
    ],
)
def test_bad_arguments_are_named_with_what_was_expected_and_got(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_an_overflow_is_harm_and_only_what_is_unknown_does_not_count():
    np.testing.assert_array_equal(
        harm_rate(np.array([[math.inf, math.nan], [1.0, -1.0]])), [1.0, 0.0]
    )


def test_a_step_report_follows_the_schedule_of_the_learning_rate():
    report = interaction.step_report(
        network(), batch(), LOSSES, mtl.SGD(lambda progress: 0.1 - 0.1 * progress), progress=0.5
    )
    assert report.learning_rate == pytest.approx(0.05)
    np.testing.assert_allclose(report.taken, report.predicted, atol=1e-14)


def test_a_step_report_on_some_tasks_takes_the_weights_of_all():
    data = {"a": batch()["a"]}
    assert interaction.step_report(
        network(), data, LOSSES, mtl.SGD(0.1), {"a": 3.0, "b": 1.0}
    ).weights.tolist() == [3.0]


@pytest.mark.parametrize(
    "measure",
    [
        lambda m: interaction.step_report(m, batch(), LOSSES, mtl.SGD(0.1)),
        lambda m: interaction.lookahead_affinity(m, batch(), LOSSES, 0.1),
        lambda m: interaction.layer_gramians(m, batch(), LOSSES),
        lambda m: interaction.row_norms(m, batch(), LOSSES),
    ],
)
def test_what_needs_shared_parameters_says_so(measure):
    parts = network()
    with pytest.raises(ValueError, match="model must share parameters, got SoftSharing with P = 0"):
        measure(mtl.SoftSharing(parts.trunk, parts.heads, strength=1.0))
