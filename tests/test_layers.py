"""The laws of the layers: values against plain loops, gradients against central differences."""

import math

import numeric
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import tinymtl as mtl

sizes = st.integers(1, 4)
seeds = st.integers(0, 2**32 - 1)
laws = settings(max_examples=25)


def assert_gradients(layer, x, rng, *more):
    """Σ g · layer(x, *more) has the right gradients on x and on all parameters.

    The gradient g from above is drawn.
    """
    leaf = mtl.Parameter(x)
    parameters = layer.parameters()
    out = layer(leaf, *more)
    g = rng.standard_normal(out.shape)
    slopes = mtl.gradient(out, [leaf, *parameters], g)

    def value(x, *arrays):
        for parameter, array in zip(parameters, arrays):
            parameter.data = array
        return layer(x, *more).data

    start = [parameter.data.copy() for parameter in parameters]
    expected_slopes = numeric.central_differences(value, x, *start, g=g)
    value(x, *start)  # puts the parameters back
    for got, expected in zip(slopes, expected_slopes):
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-7)


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
    expected = numeric.dense(x, layer.W.data, layer.b.data)
    np.testing.assert_allclose(layer(x).data, expected, atol=1e-12)
    assert_gradients(layer, x, rng)


@laws
@given(seeds, sizes, sizes, st.lists(st.integers(0, 3), min_size=1, max_size=6))
def test_embedding_is_the_product_of_one_hot_rows_with_the_table(seed, E, extra, ids):
    rng = np.random.default_rng(seed)
    V = 3 + extra
    layer = mtl.Embedding(V, E, rng)
    one_hot = numeric.one_hot(ids, V)
    out = layer(np.array(ids))
    g = rng.standard_normal((len(ids), E))
    np.testing.assert_array_equal(out.data, one_hot @ layer.table.data)
    np.testing.assert_allclose(mtl.gradient(out, layer.table, g), one_hot.T @ g, atol=1e-12)


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 0)])
def test_embedding_adds_its_width_to_any_shape_of_ids(shape):
    layer = mtl.Embedding(5, 4, np.random.default_rng(0))
    assert layer(np.zeros(shape, int)).shape == (*shape, 4)


def test_sequential_applies_its_parts_in_order():
    rng = np.random.default_rng(0)
    first = mtl.Dense(2, 3, rng)
    second = mtl.Dense(3, 1, rng)
    both = mtl.Sequential(first, mtl.tanh, second)
    x = rng.standard_normal((4, 2))
    expected = np.tanh(x @ first.W.data) @ second.W.data
    np.testing.assert_allclose(both(x).data, expected, atol=1e-12)


def test_a_shared_module_gets_the_gradient_of_every_use():
    rng = np.random.default_rng(0)
    layer = randomised(mtl.Dense(3, 3, rng), rng)
    twice = mtl.Sequential(layer, mtl.tanh, layer)
    assert len(twice.parameters()) == 2
    assert_gradients(twice, rng.standard_normal((4, 3)), rng)


# RNN


def rnn_by_loops(layer, x, lengths):
    """h_l = tanh(x_l W + h_{l−1} U + b), one number at a time.

    After its length a sequence keeps its state.
    """
    W, U, b = layer.W.data, layer.U.data, layer.b.data
    N, L, D = x.shape
    H = len(b)
    states = np.empty((N, L, H))
    for n in range(N):
        h = np.zeros(H)
        for step in range(L):
            if step < lengths[n]:
                new = np.empty(H)
                for j in range(H):
                    from_input = sum(x[n, step, d] * W[d, j] for d in range(D))
                    from_state = sum(h[i] * U[i, j] for i in range(H))
                    new[j] = math.tanh(from_input + from_state + b[j])
                h = new
            states[n, step] = h
    return states


@st.composite
def sequences(draw):
    """A random generator, an RNN, inputs (N, L, D) and a length for each sequence."""
    rng = np.random.default_rng(draw(seeds))
    N, L, D, H = [draw(sizes) for _ in range(4)]
    lengths = np.array([draw(st.integers(1, L)) for _ in range(N)])
    layer = randomised(mtl.RNN(D, H, rng), rng)
    x = rng.standard_normal((N, L, D))
    return rng, layer, x, lengths


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
    assert_gradients(layer, x, rng, lengths)


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
    """y_l = Σ_k x_{l+k−before} W_k + b, where x is 0 outside the sequence."""
    W, b = layer.W.data, layer.b.data
    width = layer.width
    N, L, D = x.shape
    if layer.padding == "same":
        before = (width - 1) // 2
        n_windows = L
    else:
        before = 0
        n_windows = L - width + 1
    y = np.empty((N, n_windows, len(b)))
    for n, window, h in np.ndindex(y.shape):
        y[n, window, h] = b[h]
        for k in range(width):
            step = window + k - before
            if 0 <= step < L:
                y[n, window, h] += sum(x[n, step, d] * W[k * D + d, h] for d in range(D))
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
    rng = np.random.default_rng(0)
    same = mtl.Conv1D(3, 2, width, rng)
    valid = mtl.Conv1D(3, 2, width, rng, "valid")
    valid.theta[:] = same.theta
    x = rng.standard_normal((2, 6, 3))
    assert same(x).shape == (2, 6, 2)
    assert valid(x).shape == (2, 7 - width, 2)
    before = (width - 1) // 2
    whole_windows = same(x).data[:, before : before + 7 - width]
    np.testing.assert_allclose(valid(x).data, whole_windows, atol=1e-12)


def test_conv1d_same_takes_sequences_shorter_than_its_width():
    layer = mtl.Conv1D(2, 3, 5, np.random.default_rng(0))
    x = np.ones((1, 2, 2))
    np.testing.assert_allclose(layer(x).data, conv_by_loops(layer, x), atol=1e-12)


# Dropout


def test_dropout_is_off_in_evaluation():
    layer = mtl.Dropout(0.5, np.random.default_rng(0))
    x = mtl.Tensor(np.ones((3, 4)))
    layer.train(False)
    np.testing.assert_array_equal(layer(x).data, x.data)


def test_dropout_with_rate_zero_is_the_identity():
    rng = np.random.default_rng(0)
    x = mtl.Tensor(rng.standard_normal((3, 4)))
    np.testing.assert_array_equal(mtl.Dropout(0.0, rng)(x).data, x.data)


@laws
@given(seeds, st.floats(0, 0.9))
def test_dropout_gives_zero_or_x_over_one_minus_rate_and_sends_the_gradient_the_same_way(
    seed, rate
):
    rng = np.random.default_rng(seed)
    x = mtl.Parameter(rng.uniform(1, 2, (5, 6)))
    g = rng.uniform(1, 2, (5, 6))
    out = mtl.Dropout(rate, rng)(x)
    kept = out.data != 0
    expected = np.where(kept, x.data / (1 - rate), 0)
    expected_slope = np.where(kept, g / (1 - rate), 0)
    np.testing.assert_allclose(out.data, expected, rtol=1e-12)
    np.testing.assert_allclose(mtl.gradient(out, x, g), expected_slope, rtol=1e-12)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.8])
def test_expected_value_of_dropout_is_its_input(rate):
    n = 100_000
    layer = mtl.Dropout(rate, np.random.default_rng(0))
    out = layer(mtl.Tensor(np.full(n, 3.0))).data
    error_of_mean = 3 * math.sqrt(rate / (1 - rate) / n)  # one standard error
    error_of_rate = math.sqrt(rate * (1 - rate) / n)
    assert abs(out.mean() - 3) < 5 * error_of_mean
    assert abs((out == 0).mean() - rate) < 5 * error_of_rate


# Initial values


WITH_WEIGHTS = {
    "Dense": mtl.Dense,
    "RNN": mtl.RNN,
    "Conv1D": lambda D, H, rng: mtl.Conv1D(D // 2, H, 2, rng),
}


@pytest.mark.parametrize("make", WITH_WEIGHTS.values(), ids=WITH_WEIGHTS)
def test_weights_start_uniform_with_variance_two_over_fan_in_plus_fan_out(make):
    D, H = 300, 200
    layer = make(D, H, np.random.default_rng(0))
    W = layer.W.data
    limit = math.sqrt(6 / (D + H))
    assert W.shape == (D, H)
    assert 0.99 * limit < abs(W).max() <= limit
    assert abs(W.mean()) < 5 * limit / math.sqrt(3 * W.size)
    # 2 % are 5 standard errors of the variance of 60,000 draws.
    assert W.var() == pytest.approx(2 / (D + H), rel=0.02)
    assert not layer.b.data.any()


@pytest.mark.parametrize("scale", [1.0, 0.1, 0.0])
def test_rows_of_an_embedding_start_with_squared_length_scale_squared_on_average(scale):
    table = mtl.Embedding(1000, 60, np.random.default_rng(0), scale).table.data
    assert (table**2).sum(1).mean() == pytest.approx(scale**2, rel=0.03)
    assert abs(table.mean()) <= 5 * scale / math.sqrt(60 * table.size)


def test_recurrent_weights_start_orthogonal():
    U = mtl.RNN(3, 20, np.random.default_rng(0)).U.data
    np.testing.assert_allclose(U @ U.T, np.eye(20), atol=1e-12)


@pytest.mark.parametrize("make", [*WITH_WEIGHTS.values(), mtl.Embedding])
def test_one_seed_gives_one_start(make):
    first = make(4, 3, np.random.default_rng(7))
    second = make(4, 3, np.random.default_rng(7))
    np.testing.assert_array_equal(first.theta, second.theta)


# How they are printed


def test_a_layer_is_printed_with_its_sizes():
    rng = np.random.default_rng(0)
    assert repr(mtl.Dense(3, 2, rng)) == "Dense(3, 2)"
    assert repr(mtl.Embedding(5, 2, rng)) == "Embedding(5, 2)"
    assert repr(mtl.Dropout(0.25, rng)) == "Dropout(0.25)"
    assert repr(mtl.RNN(3, 4, rng)) == "RNN(3, 4)"
    assert repr(mtl.Conv1D(3, 4, 5, rng)) == "Conv1D(3, 4, width 5, same)"


# Bad input: the call, the exception, and what its message has to say.

rng = np.random.default_rng(0)
dense = mtl.Dense(3, 2, rng)
table = mtl.Embedding(3, 2, rng)
rnn = mtl.RNN(3, 2, rng)
conv = mtl.Conv1D(3, 2, 3, rng)
valid_conv = mtl.Conv1D(3, 2, 3, rng, "valid")
sequences_of_4 = np.zeros((2, 4, 3))

BAD_INPUT = {
    "Dense: another width": (
        lambda: dense(np.zeros((4, 2))),
        ValueError,
        r"Dense: x must have shape \(\.\.\., 3\), got \(4, 2\)",
    ),
    "Dense: a number": (
        lambda: dense(np.zeros(())),
        ValueError,
        "Dense: x must have shape",
    ),
    "Dense: float32": (
        lambda: dense(np.zeros((4, 3), np.float32)),
        TypeError,
        "Dense: x must be float64 like the layer, got float32",
    ),
    "Dense: integers": (
        lambda: dense(np.zeros((4, 3), int)),
        TypeError,
        "expected a floating type, got int64",
    ),
    "Embedding: floats": (
        lambda: table(np.array([0.0])),
        TypeError,
        "ids must be integers, got float64",
    ),
    "Embedding: a negative id": (
        lambda: table(np.array([0, -1])),
        IndexError,
        r"ids must be in \[0, 3\), got -1 at position 1",
    ),
    "Embedding: an id too large": (
        lambda: table(np.array([3])),
        IndexError,
        r"ids must be in \[0, 3\), got 3 at position 0",
    ),
    "RNN: two axes": (
        lambda: rnn(np.zeros((4, 3))),
        ValueError,
        r"RNN: x must have shape \(N, L, 3\)",
    ),
    "RNN: no steps": (
        lambda: rnn(np.zeros((4, 0, 3))),
        ValueError,
        "L ≥ 1",
    ),
    "RNN: another width": (
        lambda: rnn(np.zeros((2, 4, 2))),
        ValueError,
        "RNN: x must have shape",
    ),
    "RNN: length 0": (
        lambda: rnn(sequences_of_4, np.array([0, 4])),
        ValueError,
        r"RNN: lengths must be 2 integers in \[1, 4\]",
    ),
    "RNN: length too large": (
        lambda: rnn(sequences_of_4, np.array([1, 5])),
        ValueError,
        r"RNN: lengths must be 2 integers in \[1, 4\]",
    ),
    "RNN: too few lengths": (
        lambda: rnn(sequences_of_4, np.array([1])),
        ValueError,
        "RNN: lengths must be 2 integers",
    ),
    "RNN: lengths of floating type": (
        lambda: rnn(sequences_of_4, np.array([1.0, 2.0])),
        ValueError,
        "RNN: lengths must be 2 integers",
    ),
    "Conv1D: an unknown padding": (
        lambda: mtl.Conv1D(3, 2, 3, rng, padding="full"),
        ValueError,
        "Conv1D: padding must be 'same' or 'valid', got 'full'",
    ),
    "Conv1D: width 0": (
        lambda: mtl.Conv1D(3, 2, 0, rng),
        ValueError,
        "Conv1D: width must be a whole number, at least 1; got 0",
    ),
    "Conv1D: sequences too short": (
        lambda: valid_conv(np.zeros((1, 2, 3))),
        ValueError,
        "at least 3 steps, got 2",
    ),
    "Conv1D: another width": (
        lambda: conv(np.zeros((1, 2, 4))),
        ValueError,
        r"Conv1D: x must have shape \(\.\.\., 3\), got",
    ),
    "Dropout: rate 1": (
        lambda: mtl.Dropout(1.0, rng),
        ValueError,
        r"Dropout: rate must be in \[0, 1\), got 1.0",
    ),
    "Dropout: a negative rate": (
        lambda: mtl.Dropout(-0.1, rng),
        ValueError,
        "rate must be in",
    ),
    "Dropout: rate nan": (
        lambda: mtl.Dropout(float("nan"), rng),
        ValueError,
        "rate must be in",
    ),
}


@pytest.mark.parametrize("call, error, match", BAD_INPUT.values(), ids=BAD_INPUT)
def test_bad_input_is_refused_with_argument_expected_and_got(call, error, match):
    with pytest.raises(error, match=match):
        call()


WITHOUT_GENERATOR = {
    "Dense": lambda: mtl.Dense(3, 2, 0),
    "Embedding": lambda: mtl.Embedding(3, 2, 0),
    "RNN": lambda: mtl.RNN(3, 2, 0),
    "Conv1D": lambda: mtl.Conv1D(3, 2, 3, 0),
}


@pytest.mark.parametrize("name", WITHOUT_GENERATOR)
def test_a_seed_in_place_of_a_generator_is_refused_by_the_layer_that_was_called(name):
    words = f"{name}: rng must be a numpy.random.Generator, got int"
    with pytest.raises(TypeError, match=words):
        WITHOUT_GENERATOR[name]()
