"""The laws of how tasks meet.

Angles in the Gramian, what a step does, what training together gains, and which points lie
together.
"""

import math
from copy import deepcopy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinymtl as mtl
from tinymtl.interaction import (
    conflict_rate,
    cosines,
    delta_m,
    gramian,
    harm_rate,
    kind_of,
    layer_gramians,
    lookahead_affinity,
    magnitude_similarity,
    mean_and_error,
    neighbour_purity,
    predicted_change,
    row_norms,
    step_report,
    sure,
    transfer_gain,
)

seeds = st.integers(0, 2**32 - 1)
laws = settings(max_examples=30)


@st.composite
def jacobians(draw):
    """J (T, P) with rows of very different lengths."""
    rng = np.random.default_rng(draw(seeds))
    T = draw(st.integers(1, 5))
    P = draw(st.integers(1, 6))
    return rng.standard_normal((T, P)) * 10 ** rng.uniform(-3, 3, (T, 1))


def lengths(J):
    """‖g_t‖ of each row, in a plain loop."""
    return [math.sqrt(sum(x * x for x in row)) for row in J]


# Gramian and cosines


@laws
@given(jacobians())
def test_gramian_holds_all_inner_products_of_the_rows(J):
    T, P = J.shape
    expected = np.empty((T, T))
    for s, t in np.ndindex(T, T):
        expected[s, t] = sum(J[s, p] * J[t, p] for p in range(P))
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
    ρ = cosines(gramian(J))
    norms = lengths(J)
    for s, t in np.ndindex(ρ.shape):
        expected = sum(J[s] * J[t]) / (norms[s] * norms[t])
        assert ρ[s, t] == pytest.approx(expected, rel=1e-9, abs=1e-12)


@laws
@given(jacobians(), seeds)
def test_cosines_do_not_change_when_gradients_are_made_longer(J, seed):
    factors = np.random.default_rng(seed).uniform(0.01, 100, (len(J), 1))
    np.testing.assert_allclose(cosines(gramian(factors * J)), cosines(gramian(J)), atol=1e-12)


def test_cosine_of_parallel_opposite_and_orthogonal_gradients():
    ρ = cosines(gramian(np.array([[3.0, 4.0], [6.0, 8.0], [-3.0, -4.0], [4.0, -3.0]])))
    expected = [[1, 1, -1, 0], [1, 1, -1, 0], [-1, -1, 1, 0], [0, 0, 0, 1]]
    np.testing.assert_allclose(ρ, expected, atol=1e-15)


def test_a_task_without_gradient_has_no_angle_to_any_other():
    ρ = cosines(gramian(np.array([[1.0, 0.0], [0.0, 0.0], [1.0, 1.0]])))
    assert np.isnan(ρ[1]).all()
    assert np.isnan(ρ[:, 1]).all()
    half = math.sqrt(0.5)
    np.testing.assert_allclose(ρ[np.ix_([0, 2], [0, 2])], [[1, half], [half, 1]])


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


# Lengths


@laws
@given(jacobians())
def test_magnitude_similarity_is_its_printed_formula(J):
    Φ = magnitude_similarity(gramian(J))
    norms = lengths(J)
    for s, t in np.ndindex(Φ.shape):
        expected = 2 * norms[s] * norms[t] / (norms[s] ** 2 + norms[t] ** 2)
        assert Φ[s, t] == pytest.approx(expected, rel=1e-9)


def test_magnitude_similarity_of_gradients_that_are_zero():
    Φ = magnitude_similarity(np.diag([0.0, 0.0, 4.0]))
    assert np.isnan(Φ[0, 0])
    assert np.isnan(Φ[0, 1])
    assert Φ[0, 2] == 0
    assert Φ[2, 2] == 1


# Rates

changes = st.sampled_from([-0.5, -1e-9, 0.0, 1e-9, 0.5, math.nan])
recorded = st.lists(st.lists(changes, min_size=4, max_size=4), min_size=1, max_size=6)


def share(happened, values):
    """How many of the values that are known make `happened` true."""
    known = [x for x in values if not math.isnan(x)]
    if not known:
        return math.nan
    return sum(happened(x) for x in known) / len(known)


def is_positive(x):
    return x > 0


def is_negative(x):
    return x < 0


@given(recorded)
def test_rates_count_the_recorded_steps_in_which_it_happened(rows):
    columns = list(zip(*rows))
    harm = harm_rate(np.array(rows))
    np.testing.assert_array_equal(harm, [share(is_positive, column) for column in columns])
    conflict = conflict_rate(np.array(rows).reshape(-1, 2, 2))
    np.testing.assert_array_equal(
        conflict.reshape(-1), [share(is_negative, column) for column in columns]
    )


def test_an_overflow_is_harm_and_only_what_is_unknown_does_not_count():
    rates = harm_rate(np.array([[math.inf, math.nan], [1.0, -1.0]]))
    np.testing.assert_array_equal(rates, [1.0, 0.0])


# What a step does


@laws
@given(jacobians(), seeds, st.floats(0.001, 1))
def test_predicted_change_is_minus_the_learning_rate_times_the_inner_products_with_the_direction(
    J, seed, η
):
    w = np.random.default_rng(seed).uniform(-1, 2, len(J))
    d = sum(w_t * g for w_t, g in zip(w, J))
    expected = [-η * (g @ d) for g in J]
    rounding = 1e-13 * max(lengths(J)) ** 2 * len(J)
    np.testing.assert_allclose(
        predicted_change(gramian(J), w, η), expected, rtol=1e-9, atol=rounding
    )


LOSSES = {"a": mtl.mse, "b": mtl.cross_entropy}


def network(seed=0):
    rng = np.random.default_rng(seed)
    trunk = mtl.Sequential(
        mtl.Dense(3, 4, rng),
        mtl.tanh,
        mtl.Dropout(0.5, rng),
        mtl.Dense(4, 4, rng),
        mtl.tanh,
    )
    return mtl.HardSharing(trunk, {"a": mtl.Dense(4, 2, rng), "b": mtl.Dense(4, 3, rng)})


def batch(seed=0, n=6):
    rng = np.random.default_rng(seed)
    return {
        "a": (rng.standard_normal((n, 3)), rng.standard_normal((n, 2))),
        "b": (rng.standard_normal((n, 3)), rng.integers(0, 3, n)),
    }


def without_dropout(model):
    copy = deepcopy(model)
    copy.train(False)
    return copy


def losses_of(model, data):
    outputs = model({t: x for t, (x, _) in data.items()})
    return {t: LOSSES[t](outputs[t], y) for t, (_, y) in data.items()}


def numbers(model, data):
    return np.array([float(loss) for loss in losses_of(model, data).values()])


def jacobian_on(parameters, model, data):
    """J (T, size of the parameters), a gradient for each task's loss."""
    rows = []
    for loss in losses_of(model, data).values():
        gradients = mtl.gradient(loss, parameters)
        rows.append(np.concatenate([g.ravel() for g in gradients]))
    return np.array(rows)


def shared_jacobian(model, data):
    return jacobian_on(model.trunk_parameters("a"), model, data)


def trained(optimizer, steps=3):
    model = network()
    mtl.fit(model, batch(1), LOSSES, optimizer=optimizer, steps=steps, quiet=True)
    return model


def twice_a_and_half_b(losses, gramian):
    """A rule that always gives the same weights."""
    return np.array([2.0, 0.5])


def gradient_descent():
    return mtl.SGD(0.1)


def momentum():
    return mtl.SGD(0.1, 0.9)


def adam():
    return mtl.Adam(0.01)


@pytest.mark.parametrize(
    "weights, w",
    [(None, [1.0, 1.0]), ({"a": 2.0, "b": 0.5}, [2.0, 0.5]), (twice_a_and_half_b, [2.0, 0.5])],
    ids=["none", "dict", "rule"],
)
@pytest.mark.parametrize("make_optimizer", [gradient_descent, momentum, adam])
def test_step_report_is_what_the_step_does_when_it_is_taken(make_optimizer, weights, w):
    optimizer = make_optimizer()
    data = batch(2)
    model = trained(optimizer)
    model.l2 = 0.01
    report = step_report(model, data, LOSSES, optimizer, weights)

    twin = without_dropout(model)
    P = twin.P
    L = losses_of(twin, data)
    J = shared_jacobian(twin, data)
    values = numbers(twin, data)
    θ = twin.theta.copy()
    np.testing.assert_allclose(report.losses, values)
    np.testing.assert_allclose(report.norms, np.linalg.norm(J, axis=1))
    np.testing.assert_allclose(report.weights, w)
    cosine = J[0] @ J[1] / np.linalg.norm(J[0]) / np.linalg.norm(J[1])
    assert report.cosines[0, 1] == pytest.approx(cosine)
    predicted = -optimizer.learning_rate * J @ (J.T @ w)
    np.testing.assert_allclose(report.predicted, predicted, atol=1e-14)

    total = w[0] * L["a"] + w[1] * L["b"] + twin.penalty()
    twin.zero_grad()
    total.backward()
    if weights is twice_a_and_half_b:  # a rule of the Gramian leaves the heads unweighted
        unweighted = deepcopy(twin)
        unweighted.zero_grad()
        (sum(losses_of(unweighted, data).values()) + unweighted.penalty()).backward()
        twin.grad[P:] = unweighted.grad[P:]
    optimizer.copy_for(twin).step(twin)
    Δθ = twin.theta - θ
    np.testing.assert_allclose(report.taken, J @ Δθ[:P], atol=1e-14)
    np.testing.assert_allclose(report.with_heads, numbers(twin, data) - values, atol=1e-14)
    twin.theta[P:] = θ[P:]
    np.testing.assert_allclose(report.happened, numbers(twin, data) - values, atol=1e-14)


@pytest.mark.parametrize(
    "weights, match",
    [
        ([1.0, 2.0], "weights must be None, numbers by task, or a rule; got"),
        (mtl.weighting.GradNorm, r"a rule, such as GradNorm\(...\); got"),
        ({"a": -1.0, "b": 1.0}, r"weights\['a'\] must be finite and not negative, got -1.0"),
        (lambda losses: losses, r"a rule of two arguments, \(losses, gramian\)"),
        (lambda losses, gramian: "no", "weights must be 2 finite numbers"),
    ],
)
def test_step_report_refuses_the_weights_that_training_refuses(weights, match):
    with pytest.raises((ValueError, TypeError), match=f"step_report: .*{match}"):
        step_report(network(), batch(), LOSSES, mtl.SGD(0.1), weights)


def test_step_report_asks_a_rule_once_more_as_training_does():
    model = network()
    model.heads["b"].W = np.zeros(model.heads["b"].W.shape)
    report = step_report(model, batch(), LOSSES, mtl.SGD(0.1), mtl.weighting.nash_mtl)
    assert report.weights[1] == 1


def test_plain_gradient_descent_does_what_is_predicted_up_to_the_square_of_the_learning_rate():
    errors = []
    for η in (0.02, 0.01, 0.005):
        report = step_report(network(), batch(), LOSSES, mtl.SGD(η))
        np.testing.assert_allclose(report.taken, report.predicted, atol=1e-14)
        errors.append(report.happened - report.predicted)
    for larger, smaller in zip(errors, errors[1:]):
        np.testing.assert_allclose(larger / smaller, 4, rtol=0.1)


def test_a_step_report_changes_nothing_and_training_goes_on_as_without_it():
    optimizer = mtl.Adam(0.01)
    other = mtl.Adam(0.01)
    model = trained(optimizer)
    plain = trained(other)
    rule = mtl.weighting.DWA()
    model.train()
    step_report(model, batch(2), LOSSES, optimizer, rule)
    assert rule.means == {}
    assert model.training
    assert optimizer.t == other.t
    mtl.fit(model, batch(3), LOSSES, optimizer=optimizer, steps=2, quiet=True)
    mtl.fit(plain, batch(3), LOSSES, optimizer=other, steps=2, quiet=True)
    np.testing.assert_array_equal(model.theta, plain.theta)


def test_a_step_report_follows_the_schedule_of_the_learning_rate():
    def falling(progress):
        return 0.1 - 0.1 * progress

    report = step_report(network(), batch(), LOSSES, mtl.SGD(falling), progress=0.5)
    assert report.learning_rate == pytest.approx(0.05)
    np.testing.assert_allclose(report.taken, report.predicted, atol=1e-14)


def test_a_step_report_on_some_tasks_takes_the_weights_of_all():
    data = {"a": batch()["a"]}
    report = step_report(network(), data, LOSSES, mtl.SGD(0.1), {"a": 3.0, "b": 1.0})
    assert report.weights.tolist() == [3.0]


def test_a_rule_with_memory_is_told_the_names_in_a_step_report():
    rule = mtl.weighting.Uncertainty(regression=["a"])
    report = step_report(network(), batch(), LOSSES, mtl.SGD(0.1), rule)
    np.testing.assert_array_equal(report.weights, [0.5, 1.0])


def test_a_step_report_prints_a_row_for_each_task():
    report = step_report(network(), batch(), LOSSES, mtl.SGD(0.1))
    heading, *rows = str(report).splitlines()
    assert [row.split()[0] for row in rows] == ["a", "b"]
    assert "happened" in heading
    assert "-lr G w" in heading
    assert f"{report.happened[1]:.4g}" in rows[1]
    assert f"{report.predicted[0]:.4g}" in rows[0]


def test_what_an_optimiser_would_do_to_a_copy_is_what_it_does_to_its_model():
    for optimizer in (mtl.SGD(0.1, 0.9), mtl.Adam(0.01)):
        model = trained(optimizer)
        copy = deepcopy(model)
        optimizer_of_copy = optimizer.copy_for(copy)
        mtl.fit(copy, batch(3), LOSSES, optimizer=optimizer_of_copy, steps=2, quiet=True)
        mtl.fit(model, batch(3), LOSSES, optimizer=optimizer, steps=2, quiet=True)
        np.testing.assert_array_equal(copy.theta, model.theta)


@pytest.mark.parametrize("seed", range(3))
def test_lookahead_affinity_is_its_printed_formula(seed):
    # Z_ij = 1 − L_j(θ − η ∇_sh L_i) / L_j(θ)
    η = 0.1
    data = batch(seed)
    Z = lookahead_affinity(network(seed), data, LOSSES, η)
    model = without_dropout(network(seed))
    values = numbers(model, data)
    J = shared_jacobian(model, data)
    θ = model.theta.copy()
    for i in range(2):
        model.theta[:] = θ
        model.theta[: model.P] -= η * J[i]
        np.testing.assert_allclose(Z[i], 1 - numbers(model, data) / values, atol=1e-14)


def test_lookahead_affinity_of_a_tiny_step_is_the_gramian_over_the_loss():
    η = 1e-6
    data = batch()
    model = without_dropout(network())
    J = shared_jacobian(model, data)
    slope = lookahead_affinity(model, data, LOSSES, η) / η
    np.testing.assert_allclose(slope, J @ J.T / numbers(model, data), rtol=1e-3, atol=1e-5)


# Where tasks meet


def test_layers_have_the_gramian_of_their_own_parameters_and_together_that_of_the_trunk():
    data = batch()
    model = without_dropout(network())
    gramians = layer_gramians(network(), data, LOSSES)
    assert list(gramians) == ["trunk.parts.0", "trunk.parts.3"]
    for name, place in (("trunk.parts.0", 0), ("trunk.parts.3", 3)):
        layer = model.trunk.parts[place]
        J = jacobian_on([layer.W, layer.b], model, data)
        np.testing.assert_allclose(gramians[name], J @ J.T, rtol=1e-9)
    of_trunk = gramian(shared_jacobian(model, data))
    np.testing.assert_allclose(sum(gramians.values()), of_trunk, rtol=1e-9)


@pytest.mark.parametrize("sparse", [False, True])
def test_tasks_meet_in_the_rows_that_both_look_up(sparse):
    rng = np.random.default_rng(0)
    table = mtl.Embedding(6, 3, rng, sparse=sparse)
    model = mtl.HardSharing(table, {t: mtl.Dense(3, 2, rng) for t in "ab"})
    data = {
        "a": (np.array([0, 2, 2]), rng.standard_normal((3, 2))),
        "b": (np.array([2, 5]), rng.standard_normal((2, 2))),
    }
    (norms,) = row_norms(model, data, dict.fromkeys("ab", mtl.mse)).values()
    assert [np.flatnonzero(row).tolist() for row in norms] == [[0, 2], [2, 5]]
    ids, targets = data["a"]
    loss = mtl.mse(model({"a": ids})["a"], targets)
    (gradient,) = mtl.gradient(loss, [model.trunk.table])
    np.testing.assert_allclose(norms[0], lengths(gradient))


def test_a_model_without_shared_tables_has_no_rows():
    assert row_norms(network(), batch(), LOSSES) == {}


# What training records


def test_recorded_effects_are_those_of_the_steps_taken_and_predictions_those_of_the_rule():
    w = np.array([0.3, 2.0])

    def rule(losses, gramian):
        return w

    def rate(progress):
        return 0.1 - 0.05 * progress

    rng = np.random.default_rng(0)
    trunk = mtl.Sequential(mtl.Dense(3, 4, rng), mtl.tanh)
    model = mtl.HardSharing(trunk, {"a": mtl.Dense(4, 2, rng), "b": mtl.Dense(4, 3, rng)})
    twin = deepcopy(model)
    data = batch()
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
    assert history.effects.shape == history.predicted.shape == (2, 2)

    optimizer = mtl.Adam(rate)
    for k in range(4):
        J = shared_jacobian(twin, data)
        before = twin.theta[: twin.P].copy()
        L = losses_of(twin, data)
        twin.zero_grad()
        (L["a"] + L["b"]).backward()
        twin.grad[: twin.P] = w @ J
        optimizer.step(twin, k / 4)
        if k % 2 == 0:
            effect = J @ (twin.theta[: twin.P] - before)
            np.testing.assert_allclose(history.effects[k // 2], effect, rtol=1e-6)
            predicted = -rate(k / 4) * J @ J.T @ w
            np.testing.assert_allclose(history.predicted[k // 2], predicted, rtol=1e-6)


def test_a_task_without_labels_has_no_effect_recorded():
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
    unknown = np.isnan(history.effects)
    np.testing.assert_array_equal(unknown[:, 0], np.isnan(history.losses["a"]))
    assert unknown[:, 0].sum() == 5
    assert np.isfinite(history.effects[:, 1]).all()


def test_a_model_that_shares_nothing_records_cosines_and_no_effects():
    parts = network()
    history = mtl.fit(
        mtl.SingleTask(parts.trunk, parts.heads),
        batch(),
        LOSSES,
        optimizer=mtl.SGD(0.1),
        steps=2,
        cosines_every=1,
        quiet=True,
    )
    assert len(history.cosines) == 2
    assert len(history.effects) == len(history.predicted) == 0


# Transfer


@laws
@given(seeds, st.integers(2, 8))
def test_the_standard_error_is_the_deviation_over_the_seeds_by_the_root_of_their_number(seed, n):
    values = np.random.default_rng(seed).standard_normal((n, 2, 3))
    mean, error = mean_and_error(values)
    assert mean.shape == error.shape == (2, 3)
    for place in np.ndindex(2, 3):
        of_seeds = [value[place] for value in values]
        average = sum(of_seeds) / n
        variance = sum((v - average) ** 2 for v in of_seeds) / (n - 1)
        assert mean[place] == pytest.approx(average, abs=1e-12)
        assert error[place] == pytest.approx(math.sqrt(variance / n))


def test_the_standard_error_shrinks_with_the_root_of_the_number_of_seeds():
    _, few = mean_and_error(np.tile([-1.0, 1.0], 50))
    _, many = mean_and_error(np.tile([-1.0, 1.0], 200))
    assert few / many == pytest.approx(2, rel=0.01)


def test_one_seed_has_a_mean_and_an_infinite_standard_error():
    assert mean_and_error([0.5]) == (0.5, math.inf)
    mean, error = mean_and_error([[1.0, 2.0]])
    np.testing.assert_array_equal(mean, [1.0, 2.0])
    np.testing.assert_array_equal(error, [math.inf, math.inf])


@laws
@given(seeds, st.integers(2, 8), st.booleans())
def test_transfer_gain_is_the_mean_of_paired_differences_with_its_standard_error(seed, n, up):
    alone, together = np.random.default_rng(seed).standard_normal((2, n, 3))
    gain, error = transfer_gain(alone, together, higher_is_better=up)
    for measure in range(3):
        pairs = zip(alone[:, measure], together[:, measure])
        differences = [(t - a if up else a - t) for a, t in pairs]
        mean = sum(differences) / n
        variance = sum((d - mean) ** 2 for d in differences) / (n - 1)
        assert gain[measure] == pytest.approx(mean, abs=1e-12)
        assert error[measure] == pytest.approx(math.sqrt(variance / n))


def test_what_all_seeds_have_in_common_adds_nothing_to_the_standard_error():
    noise = np.array([1.0, 5.0, -3.0, 2.0])
    gain, error = transfer_gain(noise + 1, noise)
    assert gain == 1
    assert error == pytest.approx(0, abs=1e-15)
    assert isinstance(gain, float)
    assert isinstance(error, float)


def test_one_seed_has_an_infinite_standard_error():
    assert transfer_gain([1.0], [0.5]) == (0.5, math.inf)


@laws
@given(seeds, st.integers(1, 5))
def test_delta_m_is_its_printed_formula(seed, T):
    rng = np.random.default_rng(seed)
    A = rng.uniform(0.1, 2, T)
    M = rng.uniform(0.1, 2, T)
    up = rng.random(T) < 0.5
    total = 0.0
    for t in range(T):
        l_t = 0 if up[t] else 1
        total += (-1) ** l_t * (M[t] - A[t]) / A[t]
    assert delta_m(A, M, up) == pytest.approx(total / T, rel=1e-9, abs=1e-12)


def test_delta_m_is_positive_where_training_together_is_better():
    assert delta_m([1.0, 2.0], [0.5, 1.0]) == 0.5
    assert delta_m([1.0, 2.0], [1.5, 3.0], True) == 0.5
    assert delta_m([-0.2], [0.1], True) > 0  # an R² below 0 that rises


# Findings


@given(st.floats(-10, 10), st.floats(0, 3))
def test_a_gain_is_a_finding_beyond_three_standard_errors_on_either_side(gain, error):
    is_sure = gain > 3 * error or gain < -3 * error
    assert sure(gain, error) == is_sure
    sign = "better" if gain > 0 else "worse"
    assert kind_of(gain, error) == (sign if is_sure else "neither")


@pytest.mark.parametrize("gain", [3.0, -3.0, 0.0, math.nan])
def test_a_gain_of_just_three_errors_and_one_not_measured_are_no_findings(gain):
    assert not sure(gain, 1.0)
    assert kind_of(gain, 1.0) == "neither"


# Which points lie together


def purity_by_hand(vectors, labels):
    """Point by point: each of the nearest others has an equal part of the point's vote."""
    n = len(vectors)
    purity = 0.0
    chance = 0.0
    for i in range(n):
        others = [j for j in range(n) if j != i]
        squares = {
            j: sum((a - b) ** 2 for a, b in zip(vectors[i], vectors[j], strict=True))
            for j in others
        }
        least = min(squares.values())
        nearest = [j for j in others if squares[j] == least]
        purity += sum(labels[j] == labels[i] for j in nearest) / len(nearest) / n
        chance += sum(labels[j] == labels[i] for j in others) / (n - 1) / n
    return purity, chance


points = st.tuples(st.integers(-3, 3), st.integers(-3, 3))
labelled_points = st.tuples(points, st.sampled_from(["tea", "jam", "soap"]))


@settings(max_examples=50, deadline=None)
@given(st.lists(labelled_points, min_size=2, max_size=12))
def test_purity_is_that_of_a_double_loop_over_all_pairs(rows):
    vectors = [vector for vector, _ in rows]
    labels = [label for _, label in rows]
    np.testing.assert_allclose(neighbour_purity(vectors, labels), purity_by_hand(vectors, labels))


def test_purity_of_labels_without_meaning_is_near_chance_and_of_clusters_1():
    rng = np.random.default_rng(0)
    labels = rng.choice(4, 800, p=[0.6, 0.2, 0.1, 0.1])
    purity, chance = neighbour_purity(rng.standard_normal((800, 5)), labels)
    assert abs(purity - chance) < 4 * np.sqrt(chance * (1 - chance) / 800)
    assert abs(chance - 0.42) < 0.05  # Σ p² of the four labels
    clusters = np.eye(4)[labels] + 0.01 * rng.standard_normal((800, 4))
    assert neighbour_purity(clusters, labels)[0] == 1


@pytest.mark.parametrize("place", [0.0, 0.1, 1e6 / 3])
def test_of_identical_points_purity_is_exactly_chance(place):
    purity, chance = neighbour_purity(np.full((6, 3), place), list("aaabbc"))
    np.testing.assert_allclose([purity, chance], 8 / 30)


def test_purity_counts_equal_points_as_near_whatever_they_are_far_from():
    vectors = np.array([[1 / 3, 1e8], [1 / 3, 1e8], [1 / 3, 1e8 + 1], [0, 0]])
    assert neighbour_purity(vectors, list("aabb")) == (0.5, 1 / 3)


# Refusals


@pytest.mark.parametrize("shape", [(3,), (2, 3, 4), ()])
def test_a_jacobian_of_another_shape_is_an_error(shape):
    with pytest.raises(ValueError, match=r"gramian: jacobian must have shape \(T, P\), got"):
        gramian(np.zeros(shape))


@pytest.mark.parametrize("shape", [(3,), (2, 3), (1, 2, 2)])
def test_a_gramian_that_is_not_square_is_an_error(shape):
    message = r"gramian must have shape \(T, T\), got"
    with pytest.raises(ValueError, match=f"^cosines: {message}"):
        cosines(np.zeros(shape))
    with pytest.raises(ValueError, match=f"^magnitude_similarity: {message}"):
        magnitude_similarity(np.zeros(shape))
    with pytest.raises(ValueError, match=f"^predicted_change: {message}"):
        predicted_change(np.zeros(shape), np.zeros(3), 0.1)


def test_weights_of_another_shape_than_the_gramian_are_an_error():
    message = r"predicted_change: weights must have shape \(2,\), got \(3,\)"
    with pytest.raises(ValueError, match=message):
        predicted_change(np.eye(2), np.ones(3), 0.1)


def test_rates_of_another_shape_are_an_error():
    message = r"conflict_rate: cosines must have shape \(K, T, T\), got \(2, 2\)"
    with pytest.raises(ValueError, match=message):
        conflict_rate(np.eye(2))
    with pytest.raises(
        ValueError, match=r"harm_rate: changes must have shape \(K, T\), got \(3,\)"
    ):
        harm_rate(np.ones(3))


@pytest.mark.parametrize("values, got", [([], r"\(0,\)"), (1.0, r"\(\)")])
def test_a_mean_of_no_seed_is_an_error(values, got):
    with pytest.raises(ValueError, match=f"mean_and_error: .*a row for each seed; got {got}"):
        mean_and_error(values)


@pytest.mark.parametrize(
    "alone, together, got",
    [([1.0, 2.0], [1.0], r"\(2,\) and \(1,\)"), ([], [], r"\(0,\) and \(0,\)")],
)
def test_seeds_that_are_not_paired_are_an_error(alone, together, got):
    with pytest.raises(ValueError, match=f"transfer_gain: .*a row for each seed; got {got}"):
        transfer_gain(alone, together)


@pytest.mark.parametrize(
    "alone, together, up, message",
    [
        ([0.0], [1.0], False, "alone must not be 0, a relative gain has no meaning there; got"),
        ([1.0], [1.0, 2.0], False, r"together must have shape \(1,\), got \(2,\)"),
        ([[1.0]], [[1.0]], False, r"alone must have shape \(T.*\), got \(1, 1\)"),
        ([], [], False, r"alone must have shape \(T.*\), got \(0,\)"),
        ([1.0], [1.0], [1], r"higher_is_better must be a bool or 1 of them, got shape \(1,\)"),
        ([1.0], [1.0], [True, False], r"higher_is_better must be .*, got shape \(2,\) of bool"),
    ],
)
def test_measures_that_do_not_fit_are_an_error(alone, together, up, message):
    with pytest.raises(ValueError, match=f"delta_m: {message}"):
        delta_m(alone, together, up)


@pytest.mark.parametrize(
    "vectors, labels, message",
    [
        ([[1]], ["a"], r"labels must be of at least 2 points, got shape \(1,\)"),
        (np.ones((2, 2)), [["a", "b"]], r"labels must be .*got shape \(1, 2\)"),
        (np.ones((2, 2)), list("abc"), r"vectors must have shape \(3, E\), got \(2, 2\)"),
        ([[1], [np.inf]], list("ab"), "vectors must be finite, got inf"),
    ],
)
def test_points_and_labels_that_do_not_fit_are_an_error(vectors, labels, message):
    with pytest.raises(ValueError, match=f"neighbour_purity: {message}"):
        neighbour_purity(vectors, labels)


def report_of(model, data, losses):
    return step_report(model, data, losses, mtl.SGD(0.1))


def affinity_of(model, data, losses):
    return lookahead_affinity(model, data, losses, 0.1)


MEASURES = {
    "step_report": report_of,
    "lookahead_affinity": affinity_of,
    "layer_gramians": layer_gramians,
    "row_norms": row_norms,
}


@pytest.mark.parametrize("name", MEASURES)
def test_what_needs_shared_parameters_says_so(name):
    parts = network()
    model = mtl.SoftSharing(parts.trunk, parts.heads, strength=1.0)
    message = f"{name}: model must share parameters, got SoftSharing with P = 0"
    with pytest.raises(ValueError, match=message):
        MEASURES[name](model, batch(), LOSSES)


@pytest.mark.parametrize("name", MEASURES)
def test_a_batch_that_does_not_fit_the_model_is_an_error(name):
    measure = MEASURES[name]
    data = batch()
    with pytest.raises(
        ValueError, match=rf"{name}: batch must have .*tasks \['a', 'b'\], got none"
    ):
        measure(network(), {}, LOSSES)
    message = rf"{name}: batch must be of the tasks \['a', 'b'\], got \['c'\]"
    with pytest.raises(ValueError, match=message):
        measure(network(), {**data, "c": data["a"]}, LOSSES)
    message = rf"{name}: losses must name .*batch \['a', 'b'\]; missing \['b'\]"
    with pytest.raises(ValueError, match=message):
        measure(network(), data, {"a": mtl.mse})
    nothing_known = np.zeros((6, 2), bool)
    message = rf"{name}: batch must have a label of every task, got none of \['a'\]"
    with pytest.raises(ValueError, match=message):
        measure(network(), {"a": (*data["a"], nothing_known)}, LOSSES)


def test_a_relative_fall_of_losses_that_are_not_positive_is_an_error():
    def minus_one(outputs, targets):
        return outputs.sum() * 0.0 - 1.0

    losses = dict.fromkeys("ab", minus_one)
    with pytest.raises(ValueError, match="lookahead_affinity: losses must be positive"):
        lookahead_affinity(network(), batch(), losses, 0.1)


def test_weights_of_a_step_that_do_not_fit_are_an_error():
    def unknown(losses, gramian):
        return np.full(2, np.nan)

    def report(weights):
        return step_report(network(), batch(), LOSSES, mtl.SGD(0.1), weights)

    message = r"step_report: weights must name the tasks \['a', 'b'\]; missing \['b'\]"
    with pytest.raises(ValueError, match=message):
        report({"a": 1.0})
    with pytest.raises(ValueError, match=r"step_report: weights must name .*missing \['a', 'b'\]"):
        report({})
    with pytest.raises(ValueError, match="step_report: weights must be 2 finite numbers"):
        report(unknown)
