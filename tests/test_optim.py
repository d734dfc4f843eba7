"""The laws of the optimisers: literal transcriptions in plain Python, sparse tables, and what task weights do to a step."""

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
    n, steps = draw(st.integers(1, 4)), draw(st.integers(1, 6))
    return rng.standard_normal(n), rng.standard_normal((steps, n))


# Literal transcriptions


@laws
@given(descents(), st.floats(0, 1), st.floats(0, 0.99))
def test_sgd_is_its_formula(descent, η, μ):
    start, gradients = descent
    plain, heavy = (
        follow(mtl.SGD(η), Vector(start), gradients),
        follow(mtl.SGD(η, μ), Vector(start), gradients),
    )
    for i in range(len(start)):
        x = y = start[i]
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
        x, m, v = start[i], 0.0, 0.0
        for k, g in enumerate(gradients[:, i]):
            m = β1 * m + (1 - β1) * g
            v = β2 * v + (1 - β2) * g**2
            m_hat = m / (1 - β1 ** (k + 1))
            v_hat = v / (1 - β2 ** (k + 1))
            x = x - η * m_hat / (math.sqrt(v_hat) + ε)
            assert path[k][i] == pytest.approx(x, rel=1e-9, abs=1e-9)


def test_first_step_of_adam_has_the_size_of_the_learning_rate_whatever_the_gradient():
    path = follow(
        mtl.Adam(0.1, epsilon=0), Vector(np.zeros(4)), [np.array([1e-9, -3.0, 2e5, -1e-3])]
    )
    np.testing.assert_allclose(path[0], [-0.1, 0.1, -0.1, 0.1], rtol=1e-12)


@laws
@given(descents(), st.sampled_from([mtl.SGD, mtl.Adam]), st.floats(1e-3, 1e3))
def test_scaling_the_loss_scales_the_step_of_sgd_and_does_nothing_to_adam(descent, kind, c):
    start, gradients = descent
    settings = {"epsilon": 0} if kind is mtl.Adam else {}
    moved = [
        follow(kind(0.1, **settings), Vector(start), s * gradients)[-1] - start for s in (1, c)
    ]
    np.testing.assert_allclose(
        moved[1], moved[0] * (1 if kind is mtl.Adam else c), rtol=1e-9, atol=1e-9
    )


# The learning rate


@pytest.mark.parametrize("make", [mtl.SGD, mtl.Adam])
def test_learning_rate_is_a_number_or_a_function_of_progress(make):
    asked, gradients = [], np.ones((4, 1))

    def decaying(progress):
        asked.append(progress)
        return 1 - progress

    path = follow(make(decaying), Vector(np.zeros(1)), gradients)
    assert asked == [0, 0.25, 0.5, 0.75]
    np.testing.assert_allclose(np.diff([0, *np.ravel(path)]), [-1, -0.75, -0.5, -0.25], rtol=1e-6)


@pytest.mark.parametrize("make", [mtl.SGD, lambda η: mtl.SGD(η, momentum=0.5), mtl.Adam])
def test_a_learning_rate_of_zero_moves_nothing(make):
    start = np.array([1.0, -2.0])
    for θ in follow(make(0.0), Vector(start), np.ones((3, 2))):
        np.testing.assert_array_equal(θ, start)


@pytest.mark.parametrize(
    "make, match",
    [
        (lambda: mtl.SGD(-0.1), "learning_rate must be finite and not negative, got -0.1"),
        (lambda: mtl.SGD(math.inf), "learning_rate"),
        (lambda: mtl.Adam(math.nan), "learning_rate"),
        (lambda: mtl.SGD(0.1, momentum=1.0), r"momentum must be in \[0, 1\), got 1.0"),
        (lambda: mtl.SGD(0.1, momentum=-0.1), "momentum"),
        (lambda: mtl.Adam(0.1, beta1=1.0), r"beta1 must be in \[0, 1\), got 1.0"),
        (lambda: mtl.Adam(0.1, beta2=-1.0), "beta2"),
        (lambda: mtl.Adam(0.1, epsilon=-1e-8), "epsilon must not be negative, got -1e-08"),
        (lambda: mtl.Adam(0.1, epsilon=math.nan), "epsilon"),
    ],
)
def test_bad_settings_are_errors(make, match):
    with pytest.raises(ValueError, match=match):
        make()


@pytest.mark.parametrize("make", [mtl.SGD, lambda η: mtl.SGD(η, momentum=0.5), mtl.Adam])
def test_one_optimizer_for_two_models_is_an_error_that_moves_nothing(make):
    optimizer, first, second = make(0.1), Vector(np.zeros(2)), Vector(np.zeros(2))
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
    with pytest.raises(RuntimeError, match="changed after this loss was computed"):
        loss.backward()


# Sparse tables


class Words(mtl.Module):
    """Σ over bags of tanh(mean row) · layer: a table of V rows before a dense layer, with a pull to zero if asked."""

    V, E = 7, 2

    def __init__(self, sparse, decay=0.0):
        rng = np.random.default_rng(3)
        self.before = mtl.Dense(1, 1, rng)
        self.table = mtl.Embedding(self.V, self.E, rng, sparse=sparse)
        self.layer = mtl.Dense(self.E, 1, rng)
        self.decay = decay

    def loss(self, *bags):
        out = mtl.Tensor(0.0)
        for bag in bags:
            out = out + self.layer(mtl.tanh(self.table(np.array(bag, int)))).sum()
        return out + self.decay * (self.table.table**2).sum() if self.decay else out

    def rows(self, vector):
        """The part of a vector like θ that is the table's, (V, E): it lies behind the two numbers of `before`."""
        return vector[2 : 2 + self.V * self.E].reshape(self.V, self.E)


ids = st.lists(
    st.integers(0, Words.V - 1), max_size=5
)  # repeats are welcome, and so is an empty bag
batches_of_ids = st.lists(ids, min_size=1, max_size=5)


def train(model, optimizer, batches):
    for bags in batches:
        model.zero_grad()
        loss = model.loss(*bags)
        if loss.needs_grad:  # not so if nothing was looked up
            loss.backward()
        optimizer.step(model)
    return model.theta


@laws
@given(batches_of_ids)
def test_sgd_on_a_sparse_table_is_sgd_on_a_dense_one(batches):
    sparse, dense = (train(Words(s), mtl.SGD(0.1), [[b] for b in batches]) for s in (True, False))
    np.testing.assert_array_equal(sparse, dense)


@laws
@given(st.lists(st.lists(ids, max_size=3), min_size=1, max_size=4))
def test_a_row_looked_up_in_several_places_of_one_step_moves_once(batches):
    sparse, dense = (train(Words(s), mtl.SGD(0.1), batches) for s in (True, False))
    np.testing.assert_array_equal(sparse, dense)


@laws
@given(batches_of_ids)
def test_a_penalty_on_a_sparse_table_moves_every_row_once(batches):
    sparse, dense = (
        train(Words(s, decay=0.1), mtl.SGD(0.1), [[b] for b in batches]) for s in (True, False)
    )
    np.testing.assert_array_equal(sparse, dense)


@pytest.mark.parametrize("make", [mtl.SGD, lambda η: mtl.SGD(η, momentum=0.9), mtl.Adam])
def test_touching_all_of_a_sparse_table_and_a_penalty_after_it_is_one_step(make):
    after = []
    for sparse in (True, False):
        model, optimizer = Words(sparse, decay=0.1), make(0.1)
        model.grad[:] = np.linspace(-1, 1, model.grad.size)
        model.touch_all()
        model.loss().backward()
        optimizer.step(model)
        after.append(model.theta)
    np.testing.assert_array_equal(*after)


@laws
@given(batches_of_ids, st.booleans())
def test_rows_not_looked_up_do_not_move(batches, adam):
    model, optimizer = Words(True), mtl.Adam(0.1) if adam else mtl.SGD(0.1, momentum=0.9)
    for bag in batches:
        before = model.rows(model.theta).copy()
        train(model, optimizer, [[bag]])
        unseen = [v for v in range(Words.V) if v not in bag]
        np.testing.assert_array_equal(model.rows(model.theta)[unseen], before[unseen])


def assert_lazy(update, make, batches):
    """Each row of the table against a loop that runs `update` only in the steps that look the row up."""
    model, optimizer = Words(True), make()
    rows, memory = model.rows(model.theta).copy(), np.zeros((2, Words.V, Words.E))
    for t, bags in enumerate(batches, 1):
        model.zero_grad()
        loss = model.loss(*bags)
        g = mtl.gradient(loss, model.table.table)
        if loss.needs_grad:
            loss.backward()
        optimizer.step(model)
        for v in {v for bag in bags for v in bag}:
            rows[v], memory[:, v] = update(rows[v], memory[:, v], g[v], t)
        np.testing.assert_allclose(model.rows(model.theta), rows, rtol=1e-9, atol=1e-12)


def lazy_adam(θ, memory, g, t, η=0.1, β1=0.9, β2=0.999, ε=1e-8):
    m, v = β1 * memory[0] + (1 - β1) * g, β2 * memory[1] + (1 - β2) * g**2
    return θ - η * (m / (1 - β1**t)) / (np.sqrt(v / (1 - β2**t)) + ε), (m, v)


def lazy_momentum(θ, memory, g, t, η=0.1, μ=0.9):
    v = μ * memory[0] + g
    return θ - η * v, (v, memory[1])


@laws
@given(batches_of_ids)
def test_memory_of_a_row_rests_while_nobody_looks_it_up(batches):
    assert_lazy(lazy_adam, lambda: mtl.Adam(0.1), [[b] for b in batches])
    assert_lazy(lazy_momentum, lambda: mtl.SGD(0.1, momentum=0.9), [[b] for b in batches])


@laws
@given(st.lists(st.lists(ids, max_size=3), min_size=1, max_size=4))
def test_memory_of_a_row_moves_once_in_a_step_that_looks_it_up_twice(batches):
    assert_lazy(lazy_adam, lambda: mtl.Adam(0.1), batches)
    assert_lazy(lazy_momentum, lambda: mtl.SGD(0.1, momentum=0.9), batches)


def test_dense_adam_moves_a_row_that_nobody_looks_up_any_more():
    batches, moved = [[[1]], [[2]]], []
    for sparse in (True, False):
        model, optimizer = Words(sparse), mtl.Adam(0.1)
        before = model.rows(train(model, optimizer, batches[:1])).copy()
        moved.append(abs(model.rows(train(model, optimizer, batches[1:])) - before)[1].max())
    assert moved[0] == 0
    assert moved[1] > 0.01


def test_zero_grad_clears_all_gradient_and_writes_only_where_some_arrived():
    model = Words(True)
    model.loss([1, 1, 5], [2]).backward()
    assert model.rows(model.grad)[[1, 2, 5]].all()
    model.rows(model.grad)[3] = 7  # behind the model's back: nobody looks there
    model.zero_grad()
    np.testing.assert_array_equal(np.flatnonzero(model.grad), 2 + 3 * Words.E + np.arange(Words.E))
    model.touch_all()
    model.zero_grad()
    assert not model.grad.any()


def test_touched_places_are_the_dense_parameters_and_the_rows_looked_up():
    model = Words(True)
    model.loss([4, 1, 4]).backward()
    places = np.concatenate([np.arange(model.theta.size)[at] for at in model.touched()])
    assert set(places) == {0, 1, 4, 5, 10, 11, 16, 17, 18}  # two dense, rows 1 and 4, three dense
    model.zero_grad()
    assert sum(np.arange(model.theta.size)[at].size for at in model.touched()) == 5


# What task weights do to a step


def two_tasks(seed, trunk=None):
    """A model of two tasks with three outputs each, its inputs and targets."""
    rng = np.random.default_rng(seed)
    trunk = trunk or mtl.Sequential(mtl.Dense(3, 4, rng), mtl.tanh)
    width = 4 if isinstance(trunk, mtl.Module) else 3
    model = mtl.HardSharing(trunk, {t: mtl.Dense(width, 3, rng) for t in "ab"})
    return model, rng.standard_normal((6, 3)), {t: rng.standard_normal((6, 3)) for t in "ab"}


def step(model, optimizer, X, targets, weights):
    outputs = model(dict.fromkeys(targets, X))
    L = {t: mtl.mse(outputs[t], y) for t, y in targets.items()}
    model.zero_grad()
    total = mtl.weighted_sum(L, weights)
    if total.needs_grad:  # not so if every weight is 0
        total.backward()
    optimizer.step(model)


def head(model, t):
    return np.concatenate([p.data.reshape(-1) for p in model.heads[t].parameters()])


@laws
@given(seeds, st.floats(0.1, 10), st.floats(0, 3), st.floats(0, 3))
def test_under_sgd_scaling_all_weights_is_scaling_the_learning_rate(seed, c, w_a, w_b):
    (one, X, y), (other, _, _) = two_tasks(seed), two_tasks(seed)
    many, few = mtl.SGD(0.01 * c), mtl.SGD(0.01)
    for _ in range(4):
        step(one, many, X, y, {"a": w_a, "b": w_b})
        step(other, few, X, y, {"a": c * w_a, "b": c * w_b})
    np.testing.assert_allclose(one.theta, other.theta, rtol=1e-9, atol=1e-11)


@laws
@given(seeds, st.floats(0.01, 100))
def test_under_adam_a_constant_weight_acts_in_the_trunk_and_not_in_its_own_head(seed, w):
    (plain, X, y), (weighted, _, _) = two_tasks(seed), two_tasks(seed)
    step(plain, mtl.Adam(0.1, epsilon=0), X, y, {"a": 1.0, "b": 1.0})
    step(weighted, mtl.Adam(0.1, epsilon=0), X, y, {"a": w, "b": 1.0})
    for t in "ab":
        np.testing.assert_allclose(head(weighted, t), head(plain, t), rtol=1e-7, atol=1e-9)


def test_under_adam_a_constant_weight_moves_the_trunk_elsewhere():
    (plain, X, y), (weighted, _, _) = two_tasks(0), two_tasks(0)
    step(plain, mtl.Adam(0.1, epsilon=0), X, y, {"a": 1.0, "b": 1.0})
    step(weighted, mtl.Adam(0.1, epsilon=0), X, y, {"a": 0.01, "b": 1.0})
    assert (
        abs(weighted.theta - plain.theta)[: plain.P].max() > 0.19
    )  # a sign turned: +0.1 against −0.1


@laws
@given(seeds, st.floats(0.01, 100))
def test_under_adam_a_head_on_fixed_features_never_feels_its_weight(seed, w):
    same = lambda x: x
    (plain, X, y), (weighted, _, _) = two_tasks(seed, same), two_tasks(seed, same)
    one, other = mtl.Adam(0.1, epsilon=0), mtl.Adam(0.1, epsilon=0)
    for _ in range(5):
        step(plain, one, X, y, {"a": 1.0, "b": 1.0})
        step(weighted, other, X, y, {"a": w, "b": 1.0})
    np.testing.assert_allclose(weighted.theta, plain.theta, rtol=1e-6, atol=1e-7)


@laws
@given(seeds)
def test_under_sgd_a_weight_of_zero_leaves_the_head_unmoved_and_the_task_out(seed):
    (model, X, y), (alone, _, _) = two_tasks(seed), two_tasks(seed)
    before = head(model, "b")
    for _ in range(3):
        step(model, mtl.SGD(0.1), X, y, {"a": 1.0, "b": 0.0})
        step(alone, mtl.SGD(0.1), X, {"a": y["a"]}, {"a": 1.0})
    np.testing.assert_array_equal(head(model, "b"), before)
    np.testing.assert_array_equal(model.theta, alone.theta)
