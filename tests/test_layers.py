"""The laws of the layers: values against plain loops, gradients against central differences, parameters in one vector."""

import copy
import math
import pickle

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import tinymtl as mtl

sizes = st.integers(1, 4)
seeds = st.integers(0, 2**32 - 1)
laws = settings(max_examples=25)


def central_differences(value, x, h=1e-6):
    """∂value()/∂x, where `value` reads the array x, which is changed in place and put back."""
    slope = np.empty_like(x)
    for i in np.ndindex(x.shape):
        old = x[i]
        x[i] = old + h
        above = value()
        x[i] = old - h
        slope[i] = (above - value()) / (2 * h)
        x[i] = old
    return slope


def assert_gradients(layer, x, rng):
    """All gradients of Σ g · layer(x), on the parameters and on x, under a drawn gradient g from above."""
    x = mtl.Parameter(x)
    g = rng.standard_normal(layer(x).shape)
    value = lambda: float((g * layer(x).data).sum())
    leaves = [x, *layer.parameters()]
    for leaf, got in zip(leaves, mtl.gradient(layer(x), leaves, g)):
        np.testing.assert_allclose(got, central_differences(value, leaf.data), rtol=1e-5, atol=1e-7)


def randomised(layer, rng):
    """The layer with biases that are not 0."""
    layer.theta[:] = 0.5 * rng.standard_normal(layer.theta.shape)
    return layer


# Dense, Embedding, Sequential


@laws
@given(seeds, st.lists(sizes, max_size=2), sizes, sizes)
def test_dense_is_a_sum_over_inputs_plus_a_bias_for_any_leading_axes(seed, leading, D, H):
    rng = np.random.default_rng(seed)
    layer = randomised(mtl.Dense(D, H, rng), rng)
    x = rng.standard_normal((*leading, D))
    W, b = layer.W.data, layer.b.data
    expected = np.empty((*leading, H))
    for at in np.ndindex(expected.shape):
        expected[at] = sum(x[at[:-1]][d] * W[d, at[-1]] for d in range(D)) + b[at[-1]]
    np.testing.assert_allclose(layer(x).data, expected, atol=1e-12)
    assert_gradients(layer, x, rng)


@laws
@given(seeds, sizes, sizes, st.lists(st.integers(0, 3), min_size=1, max_size=6))
def test_embedding_is_the_product_of_one_hot_rows_with_the_table(seed, E, extra, ids):
    rng = np.random.default_rng(seed)
    layer = mtl.Embedding(3 + extra, E, rng)
    one_hot = np.zeros((len(ids), 3 + extra))
    for n, i in enumerate(ids):
        one_hot[n, i] = 1
    out, g = layer(np.array(ids)), rng.standard_normal((len(ids), E))
    np.testing.assert_array_equal(out.data, one_hot @ layer.table.data)
    np.testing.assert_allclose(mtl.gradient(out, layer.table, g), one_hot.T @ g, atol=1e-12)


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 0)])
def test_embedding_adds_its_width_to_any_shape_of_ids(shape):
    layer = mtl.Embedding(5, 4, np.random.default_rng(0))
    assert layer(np.zeros(shape, int)).shape == (*shape, 4)


def test_sequential_applies_its_parts_in_order():
    rng = np.random.default_rng(0)
    first, second, x = mtl.Dense(2, 3, rng), mtl.Dense(3, 1, rng), rng.standard_normal((4, 2))
    expected = np.tanh(x @ first.W.data) @ second.W.data
    np.testing.assert_allclose(
        mtl.Sequential(first, mtl.tanh, second)(x).data, expected, atol=1e-12
    )


# RNN


def rnn_by_loops(layer, x, lengths):
    """h_l = tanh(x_l W + h_{l−1} U + b), one number at a time; after its length a sequence keeps its state."""
    W, U, b = layer.W.data, layer.U.data, layer.b.data
    (N, L, D), H = x.shape, len(b)
    states = np.empty((N, L, H))
    for n in range(N):
        h = [0.0] * H
        for l in range(L):
            if l < lengths[n]:
                h = [
                    math.tanh(
                        sum(x[n, l, d] * W[d, j] for d in range(D))
                        + sum(h[i] * U[i, j] for i in range(H))
                        + b[j]
                    )
                    for j in range(H)
                ]
            states[n, l] = h
    return states


@st.composite
def sequences(draw):
    """An RNN, inputs (N, L, D) and a length for each sequence."""
    rng = np.random.default_rng(draw(seeds))
    N, L, D, H = (draw(sizes) for _ in range(4))
    lengths = np.array([draw(st.integers(1, L)) for _ in range(N)])
    return rng, randomised(mtl.RNN(D, H, rng), rng), rng.standard_normal((N, L, D)), lengths


@laws
@given(sequences())
def test_rnn_is_its_recurrence(drawn):
    _, layer, x, lengths = drawn
    np.testing.assert_allclose(layer(x, lengths).data, rnn_by_loops(layer, x, lengths), atol=1e-12)
    full = np.full(len(x), x.shape[1])
    np.testing.assert_allclose(layer(x).data, rnn_by_loops(layer, x, full), atol=1e-12)


@laws
@given(sequences())
def test_rnn_gradient_is_back_propagation_through_time(drawn):
    rng, layer, x, lengths = drawn
    assert_gradients(layer, x, rng)

    class WithLengths(mtl.Module):
        def __init__(self):
            self.rnn = layer

        def __call__(self, x):
            return self.rnn(x, lengths)

    assert_gradients(copy.deepcopy(WithLengths()), x, rng)


@laws
@given(sequences())
def test_last_state_of_an_rnn_is_the_state_at_the_last_valid_step(drawn):
    _, layer, x, lengths = drawn
    h = layer(x, lengths).data
    for n, length in enumerate(lengths):
        alone = layer(x[n : n + 1, :length]).data
        np.testing.assert_allclose(h[n, -1], alone[0, -1], atol=1e-12)


@laws
@given(sequences())
def test_padding_of_an_rnn_has_no_influence_and_no_gradient(drawn):
    rng, layer, x, lengths = drawn
    padding = np.arange(x.shape[1]) >= lengths[:, None]
    other = np.where(padding[:, :, None], rng.standard_normal(x.shape), x)
    leaf = mtl.Parameter(other)
    h = layer(leaf, lengths)
    np.testing.assert_array_equal(h.data, layer(x, lengths).data)
    assert not mtl.gradient(h, leaf, rng.standard_normal(h.shape))[padding].any()


# Conv1D


def conv_by_loops(layer, x):
    """y_l = Σ_k x_{l+k−before} W_k + b, where what lies outside the sequence is 0."""
    W, b, width, same = layer.W.data, layer.b.data, layer.width, layer.padding == "same"
    N, L, D = x.shape
    before = (width - 1) // 2 if same else 0
    y = np.empty((N, L if same else L - width + 1, len(b)))
    for n, l, h in np.ndindex(y.shape):
        y[n, l, h] = b[h]
        for k in range(width):
            if 0 <= l + k - before < L:
                y[n, l, h] += sum(x[n, l + k - before, d] * W[k * D + d, h] for d in range(D))
    return y


@laws
@given(
    seeds,
    st.sampled_from(["same", "valid"]),
    st.integers(1, 5),
    st.integers(0, 3),
    sizes,
    sizes,
    sizes,
)
@example(0, "same", 4, 0, 2, 2, 2).via("an even width: one more zero after than before")
def test_conv1d_is_a_dense_layer_over_every_window(seed, padding, width, extra, N, D, H):
    rng = np.random.default_rng(seed)
    layer = randomised(mtl.Conv1D(D, H, width, rng, padding), rng)
    x = rng.standard_normal((N, width + extra, D))
    np.testing.assert_allclose(layer(x).data, conv_by_loops(layer, x), atol=1e-12)
    assert_gradients(layer, x, rng)


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_conv1d_same_keeps_the_length_and_valid_keeps_the_whole_windows(width):
    rng, x = np.random.default_rng(0), np.random.default_rng(1).standard_normal((2, 6, 3))
    same, before = mtl.Conv1D(3, 2, width, rng), (width - 1) // 2
    valid = mtl.Conv1D(3, 2, width, rng, "valid")
    valid.theta[:] = same.theta
    assert same(x).shape == (2, 6, 2)
    assert valid(x).shape == (2, 7 - width, 2)
    np.testing.assert_allclose(
        valid(x).data, same(x).data[:, before : before + 7 - width], atol=1e-12
    )


def test_conv1d_same_takes_sequences_shorter_than_its_width():
    layer, x = mtl.Conv1D(2, 3, 5, np.random.default_rng(0)), np.ones((1, 2, 2))
    np.testing.assert_allclose(layer(x).data, conv_by_loops(layer, x), atol=1e-12)


# Dropout


def test_dropout_is_off_in_evaluation():
    layer, x = mtl.Dropout(0.5, np.random.default_rng(0)), mtl.Tensor(np.ones((3, 4)))
    layer.train(False)
    np.testing.assert_array_equal(layer(x).data, x.data)


def test_dropout_with_rate_zero_is_the_identity():
    x = mtl.Tensor(np.random.default_rng(0).standard_normal((3, 4)))
    np.testing.assert_array_equal(mtl.Dropout(0.0, np.random.default_rng(0))(x).data, x.data)


@laws
@given(seeds, st.floats(0, 0.9))
def test_dropout_gives_zero_or_x_over_one_minus_rate_and_sends_the_gradient_the_same_way(
    seed, rate
):
    rng = np.random.default_rng(seed)
    x, g = mtl.Parameter(rng.uniform(1, 2, (5, 6))), rng.uniform(1, 2, (5, 6))
    out = mtl.Dropout(rate, rng)(x)
    kept = out.data != 0
    np.testing.assert_allclose(out.data, np.where(kept, x.data / (1 - rate), 0), rtol=1e-12)
    np.testing.assert_allclose(
        mtl.gradient(out, x, g), np.where(kept, g / (1 - rate), 0), rtol=1e-12
    )


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.8])
def test_expected_value_of_dropout_is_its_input(rate):
    n = 100_000
    out = mtl.Dropout(rate, np.random.default_rng(0))(mtl.Tensor(np.full(n, 3.0))).data
    deviation = 3 * math.sqrt(rate / (1 - rate) / n)
    assert abs(out.mean() - 3) < 5 * deviation
    assert abs((out == 0).mean() - rate) < 5 * math.sqrt(rate * (1 - rate) / n)


# Initial values


@pytest.mark.parametrize(
    "make",
    [mtl.Dense, mtl.RNN, lambda D, H, rng: mtl.Conv1D(D // 2, H, 2, rng)],
    ids=["Dense", "RNN", "Conv1D"],
)
def test_weights_start_uniform_with_variance_two_over_fan_in_plus_fan_out(make):
    D, H = 300, 200
    layer = make(D, H, np.random.default_rng(0))
    W, limit = layer.W.data, math.sqrt(6 / (D + H))
    assert W.shape == (D, H)
    assert 0.99 * limit < abs(W).max() <= limit
    assert abs(W.mean()) < 5 * limit / math.sqrt(3 * W.size)
    assert W.var() == pytest.approx(
        2 / (D + H), rel=0.02
    )  # 5 standard errors of the variance of 60,000 draws
    assert not layer.b.data.any()


@pytest.mark.parametrize("scale", [1.0, 0.1, 0.0])
def test_rows_of_an_embedding_start_with_squared_length_scale_squared_on_average(scale):
    table = mtl.Embedding(1000, 60, np.random.default_rng(0), scale).table.data
    assert (table**2).sum(1).mean() == pytest.approx(scale**2, rel=0.03)
    assert abs(table.mean()) <= 5 * scale / math.sqrt(60 * table.size)


def test_recurrent_weights_start_orthogonal():
    U = mtl.RNN(3, 20, np.random.default_rng(0)).U.data
    np.testing.assert_allclose(U @ U.T, np.eye(20), atol=1e-12)


@pytest.mark.parametrize(
    "make", [mtl.Dense, mtl.Embedding, mtl.RNN, lambda D, H, rng: mtl.Conv1D(D, H, 3, rng)]
)
def test_one_seed_gives_one_start(make):
    first, second = (make(3, 4, np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(first.theta, second.theta)


# Finding parameters


class Nested(mtl.Module):
    """Parts in an attribute, a list, a tuple, a dict and a module of modules; one of them twice."""

    def __init__(self, rng):
        self.single = mtl.Dense(1, 2, rng)
        self.listed = [mtl.Dense(2, 3, rng), self.single]
        self.tupled = (mtl.Dense(3, 1, rng), mtl.tanh, "not a part", None)
        self.named = {
            "x": mtl.Embedding(2, 2, rng),
            "deep": [{"y": mtl.Sequential(mtl.Dense(1, 1, rng), mtl.relu)}],
        }
        self.free = mtl.Parameter([1.0, 2.0])
        self._private = mtl.Dense(9, 9, rng)


def test_parameters_are_found_in_lists_dicts_and_modules_each_once():
    assert list(Nested(np.random.default_rng(0)).named_parameters()) == [
        "single.W",
        "single.b",
        "listed.0.W",
        "listed.0.b",
        "tupled.0.W",
        "tupled.0.b",
        "named.x.table",
        "named.deep.0.y.parts.0.W",
        "named.deep.0.y.parts.0.b",
        "free",
    ]


def test_a_shared_module_gets_the_gradient_of_every_use():
    rng = np.random.default_rng(0)
    layer = randomised(mtl.Dense(3, 3, rng), rng)
    twice = mtl.Sequential(layer, mtl.tanh, layer)
    assert len(twice.parameters()) == 2
    assert_gradients(twice, rng.standard_normal((4, 3)), rng)


def test_modules_are_found_each_once_and_switched_together():
    model = Nested(np.random.default_rng(0))
    assert len(model.modules()) == 7
    assert all(m.training for m in model.modules())
    model.train(False)
    assert not any(m.training for m in model.modules())
    model.train()
    assert all(m.training for m in model.modules())


# One vector


def test_theta_holds_all_parameters_side_by_side_and_grad_is_its_twin():
    model = Nested(np.random.default_rng(0))
    before = [p.data.copy() for p in model.parameters()]
    np.testing.assert_array_equal(model.theta, np.concatenate([a.reshape(-1) for a in before]))
    for p in model.parameters():
        assert np.shares_memory(p.data, model.theta)
        assert np.shares_memory(p.grad, model.grad)
    model.theta[:] = np.arange(model.theta.size)
    np.testing.assert_array_equal(model.single.W.data, [[0, 1]])


def test_gradients_from_before_theta_was_asked_for_are_kept():
    layer = mtl.Dense(2, 1, np.random.default_rng(0))
    layer(np.array([[3.0, 4.0]])).backward(np.ones((1, 1)))
    np.testing.assert_array_equal(layer.grad, [3, 4, 1])


@pytest.mark.parametrize("packed", [False, True])
def test_assigning_an_array_copies_into_the_parameter(packed):
    layer, values = mtl.Dense(2, 1, np.random.default_rng(0)), np.array([[5.0], [6.0]])
    parameter = layer.W
    if packed:
        layer.theta  # noqa: B018 - asking for it packs
    layer.W = values
    assert layer.W is parameter
    np.testing.assert_array_equal(layer.theta[:2], [5, 6])
    values[:] = 0
    np.testing.assert_array_equal(layer.W.data, [[5], [6]])
    layer.W = mtl.Tensor([[7.0], [8.0]])
    np.testing.assert_array_equal(layer.theta[:2], [7, 8])


def test_assigning_what_does_not_fit_is_an_error_that_changes_nothing():
    layer = mtl.Dense(2, 1, np.random.default_rng(0))
    before = layer.theta.copy()
    with pytest.raises(ValueError, match=r"expected shape \(2, 1\), got \(1, 2\)"):
        layer.W = np.zeros((1, 2))
    with pytest.raises(TypeError, match="expected float64, got float32"):
        layer.W = np.zeros((2, 1), np.float32)
    with pytest.raises(ValueError, match="W lies in a model's theta and cannot be replaced"):
        layer.W = mtl.Parameter(np.zeros((2, 1)))
    np.testing.assert_array_equal(layer.theta, before)


def test_a_parameter_lies_in_one_theta_only():
    layer = mtl.Dense(2, 2, np.random.default_rng(0))
    layer.theta  # noqa: B018 - asking for it packs
    with pytest.raises(ValueError, match="lies in another model's theta"):
        mtl.Sequential(layer).theta  # noqa: B018


def test_parameters_of_two_types_are_an_error():
    rng = np.random.default_rng(0)
    with pytest.raises(TypeError, match="must have one type, got .*float32.*float64"):
        mtl.Sequential(mtl.Dense(1, 1, rng), mtl.Dense(1, 1, rng, np.float32)).theta  # noqa: B018


def test_a_module_without_parameters_has_an_empty_theta():
    module = mtl.Sequential(mtl.tanh)
    assert module.theta.shape == module.grad.shape == (0,)
    module.zero_grad()


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))], ids=["deepcopy", "pickle"]
)
def test_a_copy_owns_its_parameters(copied):
    original = Nested(np.random.default_rng(0))
    before = original.theta.copy()
    twin = copied(original)
    np.testing.assert_array_equal(twin.theta, before)
    assert twin.listed[1] is twin.single
    twin.theta[:] = 0
    assert not twin.single(np.ones((1, 1))).data.any()
    np.testing.assert_array_equal(original.theta, before)


# One type


def everything_in_float32(rng):
    f = np.float32
    table, rnn, conv = (
        mtl.Embedding(5, 3, rng, dtype=f),
        mtl.RNN(3, 4, rng, f),
        mtl.Conv1D(4, 2, 2, rng, dtype=f),
    )
    rest = mtl.Sequential(
        mtl.Dropout(0.3, rng), mtl.Dense(2, 2, rng, f), mtl.tanh, mtl.Dense(2, 2, rng, f), mtl.relu
    )

    class All(mtl.Module):
        def __init__(self):
            self.parts = [table, rnn, conv, rest]

        def __call__(self, ids, lengths):
            return rest(conv(rnn(table(ids), lengths)))

    return All()


@pytest.mark.parametrize(
    "optimizer",
    [mtl.SGD(0.1), mtl.SGD(0.1, momentum=0.9), mtl.Adam()],
    ids=["SGD", "momentum", "Adam"],
)
def test_float32_stays_float32_throughout(optimizer):
    model = everything_in_float32(np.random.default_rng(0))
    for _ in range(2):
        out = model(np.array([[0, 1, 2], [3, 4, 4]]), np.array([2, 3]))
        loss = mtl.mse(out, np.zeros(out.shape, np.float32))
        gradients = mtl.gradient(loss, model.parameters())
        loss.backward()
        optimizer.step(model)
        arrays = [
            out.data,
            loss.data,
            model.theta,
            model.grad,
            *gradients,
            *(getattr(optimizer, name) for name in optimizer.memory),
        ]
        assert {a.dtype for a in arrays} == {np.dtype(np.float32)}


# Saving and loading


def small_model(seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return mtl.Sequential(mtl.Dense(2, 3, rng, dtype), mtl.tanh, mtl.Dense(3, 1, rng, dtype))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("as_text", [False, True])
def test_load_reads_back_what_save_wrote(tmp_path, dtype, as_text):
    path = tmp_path / "checkpoint"  # the name is kept as it is: no .npz is added
    path = str(path) if as_text else path
    saved, other = small_model(0, dtype), small_model(1, dtype)
    saved.save(path)
    other.load(path)
    np.testing.assert_array_equal(other.theta, saved.theta)
    np.testing.assert_array_equal(other.parts[0].W.data, saved.parts[0].W.data)
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint"]


def test_any_task_name_can_be_saved(tmp_path):
    heads = {
        name: mtl.Dense(2, 1, np.random.default_rng(0))
        for name in ("a/b", "../c", "größe", "file", "W.npy", " ")
    }
    model = mtl.HardSharing(mtl.tanh, heads)
    saved = model.theta.copy()
    model.save(tmp_path / "model.npz")
    model.theta[:] = 0
    model.load(tmp_path / "model.npz")
    np.testing.assert_array_equal(model.theta, saved)


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_a_save_that_fails_leaves_the_old_file_and_no_other(tmp_path, monkeypatch, error):
    path = tmp_path / "model.npz"
    small_model(0).save(path)
    old = path.read_bytes()

    def half_written(file, **arrays):
        file.write(b"half")
        raise error("disk full")

    monkeypatch.setattr(np, "savez", half_written)
    with pytest.raises(error):
        small_model(1).save(path)
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]


def assert_refused(model, path, error=ValueError, match=None):
    before = model.theta.copy()
    with pytest.raises(error, match=match):
        model.load(path)
    np.testing.assert_array_equal(model.theta, before)


@pytest.mark.parametrize(
    "other, match",
    [
        (lambda rng: mtl.Sequential(mtl.Dense(2, 3, rng)), "parts.2.W should be .*got None"),
        (
            lambda rng: mtl.Sequential(
                mtl.Dense(2, 3, rng), mtl.tanh, mtl.Dense(3, 1, rng), mtl.Dense(1, 1, rng)
            ),
            "parts.3.W should be None",
        ),
        (
            lambda rng: mtl.Sequential(mtl.Dense(2, 3, rng), mtl.tanh, mtl.Dense(3, 2, rng)),
            r"parts.2.W should be .*\(3, 1\).*got .*\(3, 2\)",
        ),
        (lambda rng: small_model(0, np.float32), "parts.0.W should be .*float64.*got .*float32"),
    ],
    ids=["a name less", "a name more", "another shape", "another type"],
)
def test_loading_another_model_is_an_error_that_names_what_differs(tmp_path, other, match):
    other(np.random.default_rng(0)).save(tmp_path / "other.npz")
    assert_refused(small_model(), tmp_path / "other.npz", match="another model: " + match)


def write_pickled_array(path, model):
    arrays = {name: p.data for name, p in model.named_parameters().items()}
    with open(path, "wb") as file:
        np.savez(file, **{**arrays, "parts.0.W": np.array([{}], dtype=object)})


def write_single_array(path, model):
    with open(path, "wb") as file:
        np.save(file, model.theta)


@pytest.mark.parametrize(
    "write",
    [
        lambda path, model: path.write_bytes(b""),
        lambda path, model: path.write_text("weights: 1, 2, 3\n"),
        lambda path, model: path.write_bytes(pickle.dumps({"theta": model.theta})),
        write_pickled_array,
        write_single_array,
    ],
    ids=["an empty file", "not a zip", "a pickle", "an array of pickled objects", "one array"],
)
def test_loading_what_is_no_checkpoint_is_an_error(tmp_path, write):
    model = small_model()
    write(tmp_path / "file", model)
    assert_refused(model, tmp_path / "file", match="is not a readable checkpoint")


def test_loading_a_file_that_is_not_there_says_so(tmp_path):
    assert_refused(small_model(), tmp_path / "nowhere.npz", FileNotFoundError, "nowhere.npz")


def test_a_checkpoint_cut_short_anywhere_is_refused(tmp_path):
    model, path = mtl.Dense(1, 1, np.random.default_rng(0)), tmp_path / "model.npz"
    model.save(path)
    whole = path.read_bytes()
    for n in range(0, len(whole), 7):
        path.write_bytes(whole[:n])
        assert_refused(model, path)


def test_a_checkpoint_with_a_damaged_byte_is_refused_or_read_right(tmp_path):
    model, path = mtl.Dense(1, 1, np.random.default_rng(0)), tmp_path / "model.npz"
    model.save(path)
    whole, before = path.read_bytes(), model.theta.copy()
    for i in range(len(whole)):
        path.write_bytes(whole[:i] + bytes([whole[i] ^ 255]) + whole[i + 1 :])
        try:
            model.load(path)
        except ValueError:
            pass
        np.testing.assert_array_equal(model.theta, before)


# Bad inputs


RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    "call, error, match",
    [
        (
            lambda: mtl.Dense(3, 2, RNG)(np.zeros((4, 2))),
            ValueError,
            r"Dense: x must have shape \(\.\.\., 3\), got \(4, 2\)",
        ),
        (lambda: mtl.Dense(3, 2, RNG)(np.zeros(())), ValueError, r"Dense: x must have shape"),
        (
            lambda: mtl.Dense(3, 2, RNG)(np.zeros((4, 3), np.float32)),
            TypeError,
            "Dense: x must be float64 like the layer, got float32",
        ),
        (
            lambda: mtl.Dense(3, 2, RNG)(np.zeros((4, 3), int)),
            TypeError,
            "expected a floating type, got int64",
        ),
        (
            lambda: mtl.Embedding(3, 2, RNG)(np.array([0.0])),
            TypeError,
            "ids must be integers, got float64",
        ),
        (
            lambda: mtl.Embedding(3, 2, RNG)(np.array([0, -1])),
            IndexError,
            r"ids must be in \[0, 3\), got -1 at position 1",
        ),
        (
            lambda: mtl.Embedding(3, 2, RNG)(np.array([3])),
            IndexError,
            r"ids must be in \[0, 3\), got 3 at position 0",
        ),
        (
            lambda: mtl.RNN(3, 2, RNG)(np.zeros((4, 3))),
            ValueError,
            r"RNN: x must have shape \(N, L, 3\)",
        ),
        (lambda: mtl.RNN(3, 2, RNG)(np.zeros((4, 0, 3))), ValueError, "L ≥ 1"),
        (lambda: mtl.RNN(3, 2, RNG)(np.zeros((2, 4, 2))), ValueError, "RNN: x must have shape"),
        (
            lambda: mtl.RNN(3, 2, RNG)(np.zeros((2, 4, 3)), np.array([0, 4])),
            ValueError,
            r"lengths must be 2 integers in \[1, 4\]",
        ),
        (
            lambda: mtl.RNN(3, 2, RNG)(np.zeros((2, 4, 3)), np.array([1, 5])),
            ValueError,
            r"lengths must be 2 integers in \[1, 4\]",
        ),
        (
            lambda: mtl.RNN(3, 2, RNG)(np.zeros((2, 4, 3)), np.array([1])),
            ValueError,
            "lengths must be 2 integers",
        ),
        (
            lambda: mtl.RNN(3, 2, RNG)(np.zeros((2, 4, 3)), np.array([1.0, 2.0])),
            ValueError,
            "lengths must be 2 integers",
        ),
        (
            lambda: mtl.Conv1D(3, 2, 3, RNG, padding="full"),
            ValueError,
            "padding must be 'same' or 'valid', got 'full'",
        ),
        (
            lambda: mtl.Conv1D(3, 2, 3, RNG, "valid")(np.zeros((1, 2, 3))),
            ValueError,
            "at least 3 steps, got 2",
        ),
        (
            lambda: mtl.Conv1D(3, 2, 3, RNG)(np.zeros((1, 2, 4))),
            ValueError,
            r"Conv1D: x must have shape \(\.\.\., 3\), got",
        ),
        (lambda: mtl.Dropout(1.0, RNG), ValueError, r"rate must be in \[0, 1\), got 1.0"),
        (lambda: mtl.Dropout(-0.1, RNG), ValueError, "rate must be in"),
        (lambda: mtl.Dropout(float("nan"), RNG), ValueError, "rate must be in"),
    ],
)
def test_bad_inputs_fail_with_argument_expected_and_got(call, error, match):
    with pytest.raises(error, match=match):
        call()
