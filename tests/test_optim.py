"""The laws of the optimisers: their formulas, sparse tables, and what task weights do to a step."""

import copy
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinymtl as mtl

seeds = st.integers(0, 2**32 - 1)
laws = settings(max_examples=25)


class Vector(mtl.Module):
    """A model that is nothing but n parameters."""

    def __init__(self, values):
        self.p = mtl.Parameter(values)


def follow(optimizer, model, gradients):
    """θ after each step along the gradients given."""
    path = []
    for k, g in enumerate(gradients):
        model.grad[:] = g
        optimizer.step(model, k / len(gradients))
        path.append(model.theta.copy())
    return path


@st.composite
def descents(draw):
    """A start θ (n,) and some gradients (steps, n)."""
    rng = np.random.default_rng(draw(seeds))
    n = draw(st.integers(1, 4))
    steps = draw(st.integers(1, 6))
    return rng.standard_normal(n), rng.standard_normal((steps, n))


def momentum(η, **options):
    """Gradient descent with momentum."""
    return mtl.SGD(η, momentum=0.9, **options)


every_optimizer = pytest.mark.parametrize("make", [mtl.SGD, momentum, mtl.Adam])


# Literal transcriptions in plain Python


@laws
@given(descents(), st.floats(0, 1), st.floats(0, 0.99))
def test_sgd_is_its_formula(descent, η, μ):
    start, gradients = descent
    plain = follow(mtl.SGD(η), Vector(start), gradients)
    heavy = follow(mtl.SGD(η, μ), Vector(start), gradients)
    for i in range(len(start)):
        x = start[i]  # without momentum
        y = start[i]  # with momentum
        v = 0.0
        for k, g in enumerate(gradients[:, i]):
            x = x - η * g
            v = μ * v + g
            y = y - η * v
            assert plain[k][i] == x
            assert heavy[k][i] == pytest.approx(y, rel=1e-12, abs=1e-12)


@laws
@given(
    descents(), st.floats(1e-4, 1), st.floats(0, 0.99), st.floats(0, 0.9999), st.floats(1e-10, 1)
)
def test_adam_is_its_algorithm(descent, η, β1, β2, ε):
    start, gradients = descent
    path = follow(mtl.Adam(η, β1, β2, ε), Vector(start), gradients)
    for i in range(len(start)):
        x = start[i]
        m = 0.0
        v = 0.0
        for k, g in enumerate(gradients[:, i]):
            m = β1 * m + (1 - β1) * g
            v = β2 * v + (1 - β2) * g**2
            m_hat = m / (1 - β1 ** (k + 1))
            v_hat = v / (1 - β2 ** (k + 1))
            x = x - η * m_hat / (math.sqrt(v_hat) + ε)
            assert path[k][i] == pytest.approx(x, rel=1e-9, abs=1e-9)


@laws
@given(descents(), st.floats(1e-4, 1), st.floats(0, 0.99), st.floats(0, 0.9999), st.floats(0, 2))
def test_adam_with_decay_is_adamw_as_printed(descent, η, β1, β2, decay):
    start, gradients = descent
    ε = 1e-8
    path = follow(mtl.Adam(η, β1, β2, ε, decay=decay), Vector(start), gradients)
    for i in range(len(start)):
        x = start[i]
        m = 0.0
        v = 0.0
        for k, g in enumerate(gradients[:, i]):
            m = β1 * m + (1 - β1) * g
            v = β2 * v + (1 - β2) * g**2
            m_hat = m / (1 - β1 ** (k + 1))
            v_hat = v / (1 - β2 ** (k + 1))
            x = x - (η * m_hat / (math.sqrt(v_hat) + ε) + η * decay * x)
            assert path[k][i] == pytest.approx(x, rel=1e-9, abs=1e-9)


def test_first_step_of_adam_has_the_size_of_the_learning_rate_whatever_the_gradient():
    gradient = np.array([1e-9, -3.0, 2e5, -1e-3])
    (end,) = follow(mtl.Adam(0.1, epsilon=0), Vector(np.zeros(4)), [gradient])
    np.testing.assert_allclose(end, [-0.1, 0.1, -0.1, 0.1], rtol=1e-12)


def moved(optimizer, start, gradients):
    """How far the optimiser gets from the start."""
    *_, end = follow(optimizer, Vector(start), gradients)
    return end - start


@laws
@given(descents(), st.floats(1e-3, 1e3))
def test_scaling_the_loss_scales_the_step_of_sgd(descent, c):
    start, gradients = descent
    once = moved(mtl.SGD(0.1), start, gradients)
    scaled = moved(mtl.SGD(0.1), start, c * gradients)
    np.testing.assert_allclose(scaled, c * once, rtol=1e-9, atol=1e-9)


@laws
@given(descents(), st.floats(1e-3, 1e3))
def test_scaling_the_loss_does_nothing_to_adam(descent, c):
    start, gradients = descent
    once = moved(mtl.Adam(0.1, epsilon=0), start, gradients)
    scaled = moved(mtl.Adam(0.1, epsilon=0), start, c * gradients)
    np.testing.assert_allclose(scaled, once, rtol=1e-9, atol=1e-9)


# The decay of Adam


@laws
@given(descents())
def test_decay_0_is_adam_to_the_bit(descent):
    start, gradients = descent
    plain = follow(mtl.Adam(0.1), Vector(start), gradients)
    without = follow(mtl.Adam(0.1, decay=0.0), Vector(start), gradients)
    np.testing.assert_array_equal(without, plain)


@laws
@given(descents(), st.floats(0, 5))
def test_without_gradient_decay_takes_the_same_fraction_from_every_parameter(descent, decay):
    start, gradients = descent
    *_, end = follow(mtl.Adam(0.1, decay=decay), Vector(start), np.zeros_like(gradients))
    np.testing.assert_allclose(end, (1 - 0.1 * decay) ** len(gradients) * start, atol=1e-12)


@laws
@given(descents(), st.floats(0, 5))
def test_moments_do_not_see_the_decay(descent, decay):
    start, gradients = descent
    plain = mtl.Adam(0.1)
    decaying = mtl.Adam(0.1, decay=decay)
    follow(plain, Vector(start), gradients)
    follow(decaying, Vector(start), gradients)
    np.testing.assert_array_equal(decaying.m, plain.m)
    np.testing.assert_array_equal(decaying.v, plain.v)


@laws
@given(descents(), st.floats(1e-3, 1e3))
def test_scaling_the_loss_does_nothing_to_adam_with_decay(descent, c):
    """With a penalty it would: c changes how the penalty's gradient compares with the loss's."""
    start, gradients = descent
    once = moved(mtl.Adam(0.1, epsilon=0, decay=0.5), start, gradients)
    scaled = moved(mtl.Adam(0.1, epsilon=0, decay=0.5), start, c * gradients)
    np.testing.assert_allclose(scaled, once, rtol=1e-9, atol=1e-9)


def test_under_adam_a_penalty_pulls_less_where_gradients_are_large_and_decay_does_not():
    start = np.array([1.0, 1.0])
    swinging = np.array([[0.01, 10.0], [-0.01, -10.0]] * 50)  # small and large, 0 on average

    def after_penalty():
        model = Vector(start)
        optimizer = mtl.Adam(0.01)
        for g in swinging:
            model.grad[:] = g + 2 * 0.05 * model.theta
            optimizer.step(model)
        return 1 - model.theta

    *_, by_decay = follow(mtl.Adam(0.01, decay=0.1), Vector(start), swinging)
    small, large = after_penalty()
    assert small > 10 * large
    small, large = 1 - by_decay
    assert small == pytest.approx(large, rel=1e-3)


@laws
@given(descents(), st.floats(0, 2))
def test_under_plain_sgd_the_penalty_is_a_decay_of_twice_its_strength(descent, λ):
    start, gradients = descent
    model = Vector(start)
    sgd = mtl.SGD(0.1)
    expected = start.copy()
    for g in gradients:
        model.grad[:] = g + 2 * λ * model.theta
        sgd.step(model)
        expected = expected - 0.1 * g - 0.1 * (2 * λ) * expected
    np.testing.assert_allclose(model.theta, expected, atol=1e-9)


# The length of the gradient


def clipped(g, c):
    """g · min(1, c/‖g‖), as printed"""
    length = math.sqrt(sum(x**2 for x in g))
    return g * min(1, c / length)


@every_optimizer
@laws
@given(descent=descents(), c=st.floats(0.01, 10))
def test_clip_norm_is_a_step_along_the_gradient_scaled_down_to_it(make, descent, c):
    start, gradients = descent
    path = follow(make(0.1, clip_norm=c), Vector(start), gradients)
    by_hand = follow(make(0.1), Vector(start), [clipped(g, c) for g in gradients])
    np.testing.assert_allclose(path, by_hand, rtol=1e-9, atol=1e-9)


@laws
@given(descents(), st.floats(0.01, 10))
def test_a_clipped_step_of_sgd_is_never_longer_than_rate_times_clip_norm(descent, c):
    start, gradients = descent
    path = [start, *follow(mtl.SGD(0.1, clip_norm=c), Vector(start), gradients)]
    steps = np.linalg.norm(np.diff(path, axis=0), axis=1)
    assert (steps <= 0.1 * c * (1 + 1e-9) + 1e-15).all()


@every_optimizer
@laws
@given(descent=descents())
def test_a_clip_norm_that_no_gradient_reaches_changes_no_bit(make, descent):
    start, gradients = descent
    free = follow(make(0.1), Vector(start), gradients)
    bound = follow(make(0.1, clip_norm=1e6), Vector(start), gradients)
    np.testing.assert_array_equal(bound, free)


def test_clipping_leaves_the_models_gradient_as_it_is():
    model = Vector(np.zeros(2))
    follow(mtl.SGD(1.0, clip_norm=1.0), model, [[3.0, 4.0]])
    np.testing.assert_array_equal(model.grad, [3, 4])
    np.testing.assert_allclose(model.theta, [-0.6, -0.8])


@pytest.mark.parametrize("size", [1e-200, 1e-320, 1e200])
def test_the_length_of_a_gradient_neither_overflows_nor_vanishes(size):
    (end,) = follow(mtl.SGD(1.0, clip_norm=size), Vector(np.zeros(2)), [[3 * size, 4 * size]])
    np.testing.assert_allclose(end, [-0.6 * size, -0.8 * size], rtol=0.2 if size < 1e-300 else 1e-9)


def test_float32_gradients_are_clipped_in_float32():
    model = Vector(np.zeros(2, np.float32))
    optimizer = mtl.Adam(0.1, decay=0.1, clip_norm=1e25)
    with np.errstate(over="ignore"):  # the squares of Adam's own v
        follow(optimizer, model, [[3e25, 4e25]])
    np.testing.assert_allclose(optimizer.m, [0.6e24, 0.8e24], rtol=1e-6)
    assert {model.theta.dtype, optimizer.m.dtype, optimizer.v.dtype} == {np.dtype(np.float32)}


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_clipping_does_not_hide_a_gradient_that_is_not_finite(bad):
    (end,) = follow(mtl.SGD(0.1, clip_norm=1.0), Vector(np.zeros(2)), [[bad, 4.0]])
    assert not np.isfinite(end[0])
    assert end[1] == pytest.approx(-0.4)


# The learning rate


@pytest.mark.parametrize("make", [mtl.SGD, mtl.Adam])
def test_learning_rate_is_a_number_or_a_function_of_progress(make):
    asked = []

    def decaying(progress):
        asked.append(progress)
        return 1 - progress

    path = follow(make(decaying), Vector(np.zeros(1)), np.ones((4, 1)))
    assert asked == [0, 0.25, 0.5, 0.75]
    np.testing.assert_allclose(np.diff([0, *np.ravel(path)]), [-1, -0.75, -0.5, -0.25], rtol=1e-6)


@pytest.mark.parametrize("make", [mtl.SGD, mtl.Adam])
def test_a_schedule_without_progress_is_an_error_that_moves_nothing(make):
    def decaying(progress):
        return 1 - progress

    model = Vector(np.zeros(1))
    optimizer = make(decaying)
    model.grad[:] = 1
    with pytest.raises(ValueError, match=rf"{make.__name__}: .*step\(model, k / steps\)"):
        optimizer.step(model)
    assert model.theta == 0
    assert optimizer.t == 0
    optimizer.step(model, 0.5)
    np.testing.assert_allclose(model.theta, [-0.5], rtol=1e-6)


@pytest.mark.parametrize("make", [mtl.SGD, mtl.Adam])
def test_a_rate_that_is_a_number_needs_no_progress(make):
    told = Vector(np.zeros(1))
    untold = Vector(np.zeros(1))
    follow(make(0.1), told, np.ones((1, 1)))
    untold.grad[:] = 1
    make(0.1).step(untold)
    np.testing.assert_array_equal(told.theta, untold.theta)


@every_optimizer
def test_a_learning_rate_of_zero_moves_nothing(make):
    start = np.array([1.0, -2.0])
    for θ in follow(make(0.0), Vector(start), np.ones((3, 2))):
        np.testing.assert_array_equal(θ, start)


# How an optimiser is shown


def test_an_optimizer_is_shown_with_its_settings_and_its_steps():
    model = Vector(np.zeros(2))
    sgd = mtl.SGD(0.1, momentum=0.9)
    assert repr(sgd) == "SGD(0.1, momentum=0.9), 0 steps made"
    follow(sgd, model, np.ones((3, 2)))
    assert repr(sgd) == "SGD(0.1, momentum=0.9), 3 steps made"


def test_decay_and_clip_norm_are_shown_if_they_are_set():
    assert repr(mtl.SGD(0.1, clip_norm=2)) == "SGD(0.1, clip_norm=2), 0 steps made"
    shown = "Adam(0.1, beta1=0.9, beta2=0.999, epsilon=1e-08"
    assert repr(mtl.Adam(0.1)) == f"{shown}), 0 steps made"
    assert repr(mtl.Adam(0.1, decay=0.01, clip_norm=1.0)) == (
        f"{shown}, decay=0.01, clip_norm=1), 0 steps made"
    )


def test_a_learning_rate_that_is_a_function_is_shown_as_a_schedule():
    assert repr(mtl.SGD(lambda progress: 0.1)).startswith("SGD(a schedule)")


# Sparse tables


class Words(mtl.Module):
    """A table of V rows, tanh, then a dense layer; and a pull of the table to zero, if asked.

    A bag is a list of ids. The loss is the sum of the outputs for all ids of all bags.
    """

    V, E = 7, 2

    def __init__(self, sparse, decay=0.0):
        rng = np.random.default_rng(3)
        self.before = mtl.Dense(1, 1, rng)
        self.table = mtl.Embedding(self.V, self.E, rng, sparse=sparse)
        self.layer = mtl.Dense(self.E, 1, rng)
        self.decay = decay

    def loss(self, *bags):
        loss = mtl.Tensor(0.0)
        for bag in bags:
            rows = self.table(np.array(bag, int))
            loss = loss + self.layer(mtl.tanh(rows)).sum()
        if self.decay:
            loss = loss + self.decay * (self.table.table**2).sum()
        return loss

    def rows(self, vector):
        """The table's part of a vector like θ, (V, E): it lies behind the two of `before`."""
        return vector[2 : 2 + self.V * self.E].reshape(self.V, self.E)


# Repeats are welcome, and so is an empty bag.
bags = st.lists(st.integers(0, Words.V - 1), max_size=5)
batches_of_one_bag = st.lists(bags.map(lambda bag: [bag]), min_size=1, max_size=5)
batches_of_several_bags = st.lists(st.lists(bags, max_size=3), min_size=1, max_size=4)


def train(model, optimizer, batches):
    """One step for each batch; θ at the end."""
    for bags in batches:
        model.zero_grad()
        loss = model.loss(*bags)
        if loss.needs_grad:  # not so if nothing was looked up
            loss.backward()
        optimizer.step(model)
    return model.theta


@laws
@given(batches_of_one_bag)
def test_sgd_on_a_sparse_table_is_sgd_on_a_dense_one(batches):
    sparse = train(Words(True), mtl.SGD(0.1), batches)
    dense = train(Words(False), mtl.SGD(0.1), batches)
    np.testing.assert_array_equal(sparse, dense)


@laws
@given(batches_of_several_bags)
def test_a_row_looked_up_in_several_places_of_one_step_moves_once(batches):
    sparse = train(Words(True), mtl.SGD(0.1), batches)
    dense = train(Words(False), mtl.SGD(0.1), batches)
    np.testing.assert_array_equal(sparse, dense)


@laws
@given(batches_of_one_bag)
def test_a_penalty_on_a_sparse_table_moves_every_row_once(batches):
    sparse = train(Words(True, decay=0.1), mtl.SGD(0.1), batches)
    dense = train(Words(False, decay=0.1), mtl.SGD(0.1), batches)
    np.testing.assert_array_equal(sparse, dense)


@laws
@given(batches_of_several_bags, st.floats(0.01, 3))
def test_clip_norm_counts_each_row_of_a_sparse_table_once(batches, c):
    sparse = train(Words(True), mtl.SGD(0.1, clip_norm=c), batches)
    dense = train(Words(False), mtl.SGD(0.1, clip_norm=c), batches)
    np.testing.assert_allclose(sparse, dense, rtol=1e-9, atol=1e-12)


@every_optimizer
def test_touching_all_of_a_sparse_table_and_a_penalty_after_it_is_one_step(make):
    after = []
    for sparse in (True, False):
        model = Words(sparse, decay=0.1)
        model.grad[:] = np.linspace(-1, 1, model.grad.size)
        model.touch_all()
        model.loss().backward()
        make(0.1).step(model)
        after.append(model.theta)
    np.testing.assert_array_equal(*after)


@pytest.mark.parametrize("make", [momentum, mtl.Adam])
@laws
@given(batches=batches_of_one_bag)
def test_rows_not_looked_up_do_not_move(make, batches):
    model = Words(True)
    optimizer = make(0.1)
    for [bag] in batches:
        before = model.rows(model.theta).copy()
        train(model, optimizer, [[bag]])
        unseen = [v for v in range(Words.V) if v not in bag]
        np.testing.assert_array_equal(model.rows(model.theta)[unseen], before[unseen])


def assert_lazy(update, make, batches):
    """Compare each row of the table with a loop that runs `update` only when the row is looked up.

    update(θ, memory, g, t) -> (θ, memory) is the formula of the optimiser for one row.
    """
    model = Words(True)
    optimizer = make(0.1)
    rows = model.rows(model.theta).copy()
    memory = np.zeros((2, Words.V, Words.E))
    for t, bags in enumerate(batches, 1):
        model.zero_grad()
        loss = model.loss(*bags)
        g = mtl.gradient(loss, model.table.table)
        if loss.needs_grad:
            loss.backward()
        optimizer.step(model)
        looked_up = {v for bag in bags for v in bag}
        for v in looked_up:
            rows[v], memory[:, v] = update(rows[v], memory[:, v], g[v], t)
        np.testing.assert_allclose(model.rows(model.theta), rows, rtol=1e-9, atol=1e-12)


def lazy_adam(θ, memory, g, t, η=0.1, β1=0.9, β2=0.999, ε=1e-8):
    m, v = memory
    m = β1 * m + (1 - β1) * g
    v = β2 * v + (1 - β2) * g**2
    m_hat = m / (1 - β1**t)
    v_hat = v / (1 - β2**t)
    return θ - η * m_hat / (np.sqrt(v_hat) + ε), (m, v)


def decaying_adam(η):
    """AdamW."""
    return mtl.Adam(η, decay=0.5)


def lazy_adamw(θ, memory, g, t, η=0.1, decay=0.5):
    moved, memory = lazy_adam(θ, memory, g, t, η)
    return moved - η * decay * θ, memory


def lazy_momentum(θ, memory, g, t, η=0.1, μ=0.9):
    v, unused = memory
    v = μ * v + g
    return θ - η * v, (v, unused)


with_memory = pytest.mark.parametrize(
    "update, make",
    [(lazy_adam, mtl.Adam), (lazy_adamw, decaying_adam), (lazy_momentum, momentum)],
    ids=["Adam", "AdamW", "momentum"],
)


@with_memory
@laws
@given(batches=batches_of_one_bag)
def test_memory_of_a_row_rests_while_nobody_looks_it_up(update, make, batches):
    assert_lazy(update, make, batches)


@with_memory
@laws
@given(batches=batches_of_several_bags)
def test_memory_of_a_row_moves_once_in_a_step_that_looks_it_up_twice(update, make, batches):
    assert_lazy(update, make, batches)


@pytest.mark.parametrize("sparse", [True, False], ids=["sparse", "dense"])
def test_only_dense_adam_moves_a_row_that_nobody_looks_up_any_more(sparse):
    model = Words(sparse)
    optimizer = mtl.Adam(0.1)
    row_1 = model.rows(model.theta)[1]
    train(model, optimizer, [[[1]]])
    before = row_1.copy()
    train(model, optimizer, [[[2]]])
    moved = abs(row_1 - before).max()
    if sparse:
        assert moved == 0
    else:
        assert moved > 0.01


# What task weights do to a step


def two_tasks(seed, trunk=None):
    """A model of two tasks with three outputs each, its inputs and its targets.

    A trunk that is handed in is a function that keeps the three inputs.
    """
    rng = np.random.default_rng(seed)
    if trunk is None:
        trunk = mtl.Sequential(mtl.Dense(3, 4, rng), mtl.tanh)
        width = 4
    else:
        width = 3
    model = mtl.HardSharing(trunk, {t: mtl.Dense(width, 3, rng) for t in "ab"})
    X = rng.standard_normal((6, 3))
    targets = {t: rng.standard_normal((6, 3)) for t in "ab"}
    return model, X, targets


def step(model, optimizer, X, targets, weights):
    """One step of training; both tasks have the same inputs."""
    outputs = model(dict.fromkeys(targets, X))
    L = {t: mtl.mse(outputs[t], y) for t, y in targets.items()}
    model.zero_grad()
    total = mtl.weighted_sum(L, weights)
    if total.needs_grad:  # not so if every weight is 0
        total.backward()
    optimizer.step(model)


def head(model, t):
    """The parameters of a task's head, as one vector."""
    return np.concatenate([p.data.reshape(-1) for p in model.heads[t].parameters()])


@laws
@given(seeds, st.floats(0.1, 10), st.floats(0, 3), st.floats(0, 3))
def test_under_sgd_scaling_all_weights_is_scaling_the_learning_rate(seed, c, w_a, w_b):
    by_rate, X, y = two_tasks(seed)
    by_weights, _, _ = two_tasks(seed)
    scaled_rate = mtl.SGD(0.01 * c)
    rate = mtl.SGD(0.01)
    for _ in range(4):
        step(by_rate, scaled_rate, X, y, {"a": w_a, "b": w_b})
        step(by_weights, rate, X, y, {"a": c * w_a, "b": c * w_b})
    np.testing.assert_allclose(by_rate.theta, by_weights.theta, rtol=1e-9, atol=1e-11)


@laws
@given(seeds, st.floats(0.01, 100))
def test_under_adam_a_constant_weight_acts_in_the_trunk_and_not_in_its_own_head(seed, w):
    plain, X, y = two_tasks(seed)
    weighted, _, _ = two_tasks(seed)
    step(plain, mtl.Adam(0.1, epsilon=0), X, y, {"a": 1.0, "b": 1.0})
    step(weighted, mtl.Adam(0.1, epsilon=0), X, y, {"a": w, "b": 1.0})
    for t in "ab":
        np.testing.assert_allclose(head(weighted, t), head(plain, t), rtol=1e-7, atol=1e-9)


def test_under_adam_a_constant_weight_moves_the_trunk_elsewhere():
    plain, X, y = two_tasks(0)
    weighted, _, _ = two_tasks(0)
    step(plain, mtl.Adam(0.1, epsilon=0), X, y, {"a": 1.0, "b": 1.0})
    step(weighted, mtl.Adam(0.1, epsilon=0), X, y, {"a": 0.01, "b": 1.0})
    apart = abs(weighted.theta - plain.theta)[: plain.P]
    assert apart.max() > 0.19  # a sign turned: +0.1 against −0.1


@laws
@given(seeds, st.floats(0.01, 100))
def test_under_adam_a_head_on_fixed_features_never_feels_its_weight(seed, w):
    def features(x):
        return x

    plain, X, y = two_tasks(seed, features)
    weighted, _, _ = two_tasks(seed, features)
    of_plain = mtl.Adam(0.1, epsilon=0)
    of_weighted = mtl.Adam(0.1, epsilon=0)
    for _ in range(5):
        step(plain, of_plain, X, y, {"a": 1.0, "b": 1.0})
        step(weighted, of_weighted, X, y, {"a": w, "b": 1.0})
    np.testing.assert_allclose(weighted.theta, plain.theta, rtol=1e-6, atol=1e-7)


@laws
@given(seeds)
def test_under_sgd_a_weight_of_zero_leaves_the_head_unmoved_and_the_task_out(seed):
    model, X, y = two_tasks(seed)
    alone, _, _ = two_tasks(seed)
    before = head(model, "b")
    for _ in range(3):
        step(model, mtl.SGD(0.1), X, y, {"a": 1.0, "b": 0.0})
        step(alone, mtl.SGD(0.1), X, {"a": y["a"]}, {"a": 1.0})
    np.testing.assert_array_equal(head(model, "b"), before)
    np.testing.assert_array_equal(model.theta, alone.theta)


# Errors

BAD_SETTINGS = {
    "SGD: a negative learning rate": (
        lambda: mtl.SGD(-0.1),
        "SGD: learning_rate must be finite and not negative, got -0.1",
    ),
    "SGD: an infinite learning rate": (lambda: mtl.SGD(math.inf), "learning_rate"),
    "Adam: a learning rate nan": (lambda: mtl.Adam(math.nan), "Adam: learning_rate"),
    "SGD: momentum 1": (
        lambda: mtl.SGD(0.1, momentum=1.0),
        r"SGD: momentum must be in \[0, 1\), got 1.0",
    ),
    "SGD: a negative momentum": (lambda: mtl.SGD(0.1, momentum=-0.1), "momentum"),
    "Adam: beta1 1": (
        lambda: mtl.Adam(0.1, beta1=1.0),
        r"Adam: beta1 must be in \[0, 1\), got 1.0",
    ),
    "Adam: a negative beta2": (lambda: mtl.Adam(0.1, beta2=-1.0), "beta2"),
    "Adam: a negative epsilon": (
        lambda: mtl.Adam(0.1, epsilon=-1e-8),
        "Adam: epsilon must be finite and not negative, got -1e-08",
    ),
    "Adam: a negative decay": (
        lambda: mtl.Adam(0.1, decay=-0.1),
        "Adam: decay must be finite and not negative, got -0.1",
    ),
    "SGD: clip_norm 0": (
        lambda: mtl.SGD(0.1, clip_norm=0),
        "SGD: clip_norm must be finite and positive, got 0",
    ),
    "Adam: clip_norm infinite": (lambda: mtl.Adam(0.1, clip_norm=math.inf), "Adam: clip_norm"),
    "Adam: epsilon nan": (lambda: mtl.Adam(0.1, epsilon=math.nan), "epsilon"),
}


@pytest.mark.parametrize("make, match", BAD_SETTINGS.values(), ids=BAD_SETTINGS)
def test_bad_settings_are_errors(make, match):
    with pytest.raises(ValueError, match=match):
        make()


@pytest.mark.parametrize("make", [mtl.SGD, mtl.Adam])
@pytest.mark.parametrize("bad", [-0.5, math.nan, math.inf])
def test_a_function_that_gives_a_bad_learning_rate_is_an_error_that_moves_nothing(make, bad):
    model = Vector(np.zeros(2))
    model.grad[:] = 1
    words = r"learning_rate\(0.25\) must be finite and not negative"
    with pytest.raises(ValueError, match=f"{make.__name__}: {words}"):
        make(lambda progress: bad).step(model, 0.25)
    assert not model.theta.any()


@every_optimizer
def test_one_optimizer_for_two_models_is_an_error_that_moves_nothing(make):
    optimizer = make(0.1)
    first = Vector(np.zeros(2))
    second = Vector(np.zeros(2))
    follow(optimizer, first, np.ones((2, 2)))
    second.grad[:] = 1
    with pytest.raises(ValueError, match="memory of another model"):
        optimizer.step(second)
    assert not second.theta.any()


def test_a_loss_from_before_a_step_cannot_be_differentiated_after_it():
    layer = mtl.Dense(2, 1, np.random.default_rng(0))
    loss = layer(np.ones((1, 2))).sum()
    loss.backward()
    mtl.SGD(0.1).step(layer)
    with pytest.raises(RuntimeError, match="changed after it was used"):
        loss.backward()


@every_optimizer
def test_the_copy_for_a_copied_model_goes_on_as_the_original_would(make):
    optimizer = make(0.1)
    model = Vector(np.array([1.0, -2.0]))
    follow(optimizer, model, np.ones((3, 2)))
    twin = copy.deepcopy(model)
    its_optimizer = optimizer.copy_for(twin)
    for _ in range(2):
        for one, its in ((model, optimizer), (twin, its_optimizer)):
            one.grad[:] = [0.5, -1.0]
            its.step(one)
    np.testing.assert_array_equal(twin.theta, model.theta)


# A part that came too late


class Parts(mtl.Module):
    def __init__(self, rng):
        self.rng = rng
        self.parts = [mtl.Dense(2, 2, rng)]
        self.by_name = {}

    def add(self, how):
        part = mtl.Dense(2, 2, self.rng)
        if how == "list":
            self.parts.append(part)
        elif how == "dict":
            self.by_name["more"] = part
        elif how == "attribute":
            self.more = part
        else:
            self.parts[0].more = part


@pytest.mark.parametrize("how", ["list", "dict", "attribute", "part of a part"])
@pytest.mark.parametrize("steps_before", [0, 1, 3, 10])
def test_a_part_that_came_after_theta_is_noticed_before_as_many_steps_again(how, steps_before):
    model = Parts(np.random.default_rng(0))
    optimizer = mtl.Adam(0.1)
    assert model.theta.size == 6
    for _ in range(steps_before):
        optimizer.step(model)
    model.add(how)
    with pytest.raises(ValueError, match="^Adam.step: model must have all its parts before theta"):
        for _ in range(steps_before + 1):
            optimizer.step(model)


@pytest.mark.parametrize("how", ["list", "dict", "attribute", "part of a part"])
def test_a_part_that_came_before_theta_is_trained(how):
    model = Parts(np.random.default_rng(0))
    model.add(how)
    assert model.theta.size == 12
    before = model.theta.copy()
    model.grad[:] = 1
    mtl.SGD(0.1).step(model)
    np.testing.assert_allclose(model.theta, before - 0.1)


@every_optimizer
def test_a_part_that_came_late_is_found_in_the_steps_1_2_4_8(make):
    model = Vector([1.0, 2.0])
    optimizer = make(0.1)
    found = []
    for k in range(1, 17):
        with_late_part = copy.deepcopy(model)
        assert with_late_part.theta.size == 2  # now θ is made
        with_late_part.late = mtl.Parameter([3.0])
        try:
            optimizer.copy_for(with_late_part).step(with_late_part)
        except ValueError as error:
            assert "late came later and would not move" in str(error)
            found.append(k)
        optimizer.step(model)
    assert found == [1, 2, 4, 8, 16]
