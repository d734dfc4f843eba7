"""The laws of batches: every example once an epoch, the same examples for the same inputs."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from two_tasks import LOSSES, examples, half_labelled, network, numbered

import tinymtl as mtl
from tinymtl.batches import Batches

laws = settings(max_examples=20)
seeds = st.integers(0, 2**32 - 1)


def fit(model, data, losses, seed=0, **options):
    """Training in small steps on batches drawn with this seed."""
    return mtl.fit(
        model,
        data,
        losses,
        optimizer=mtl.SGD(0.01),
        rng=np.random.default_rng(seed),
        **options,
    )


# Minibatches


@laws
@given(st.integers(2, 9), st.integers(1, 9), seeds)
def test_every_epoch_visits_each_example_exactly_once(N, B, seed):
    data, losses, seen = numbered(examples(N))
    B = min(B, N)
    fit(network(), data, losses, seed, steps=N, batch_size=B)
    for t in "ab":
        assert all(len(batch) == B for batch in seen[t])
        epochs = np.concatenate(seen[t]).reshape(B, N)  # N steps of B examples are B epochs of N
        np.testing.assert_array_equal(np.sort(epochs), [np.arange(N)] * B)


@laws
@given(st.integers(2, 9), st.integers(1, 9), seeds)
def test_batches_are_cut_from_the_orders_that_the_generator_draws(N, B, seed):
    data, losses, seen = numbered({"a": examples(N)["a"]})
    B = min(B, N)
    fit(network(), data, losses, seed, steps=N, batch_size=B)
    rng = np.random.default_rng(seed)
    drawn = np.concatenate([rng.permutation(N) for _ in range(B)] if B < N else [np.arange(N)] * B)
    np.testing.assert_array_equal(np.concatenate(seen["a"]), drawn)


def test_each_epoch_has_an_order_of_its_own():
    data, losses, seen = numbered(examples(20))
    fit(network(), data, losses, steps=4, batch_size=10)
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
    fit(network(), data, losses, seed, steps=5, batch_size=B)
    for a, b in zip(seen["a"], seen["b"], strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("batch_size", [None, 4])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_tasks_with_the_very_same_inputs_pass_the_trunk_once(batch_size, dtype):
    calls = []

    def counted(h):
        calls.append(1)
        return h

    rng = np.random.default_rng(0)
    trunk = mtl.Sequential(mtl.Dense(3, 4, rng, dtype), counted)
    model = mtl.HardSharing(trunk, {t: mtl.Dense(4, 2, rng, dtype) for t in "ab"})
    data = examples()
    data["b"] = data["a"][0], data["b"][1]
    fit(model, data, LOSSES, steps=3, batch_size=batch_size)
    assert len(calls) == 3


def test_batch_size_may_differ_by_task_and_none_is_all():
    data, losses, seen = numbered(examples(6))
    history = fit(network(), data, losses, steps=3, batch_size={"a": 2, "b": None})
    assert [len(batch) for batch in seen["a"]] == [2, 2, 2]
    assert [list(batch) for batch in seen["b"]] == [list(range(6))] * 3
    assert history.epochs == {"a": 1.0, "b": 3.0}


def test_a_batch_size_of_all_or_more_needs_no_generator():
    mtl.fit(network(), examples(8), LOSSES, optimizer=mtl.SGD(0.1), steps=1, batch_size=8)
    mtl.fit(network(), examples(8), LOSSES, optimizer=mtl.SGD(0.1), steps=1, batch_size=100)


def test_inputs_of_several_arrays_are_sliced_together():
    numbers = np.arange(7.0)[:, None]
    seen_inputs = []
    seen_targets = []

    def encoder(x):
        seen_inputs.append(x)
        return mtl.Tensor(np.hstack([x[0], x[1], x[2][:, None].astype(float)]))

    def loss(output, y):
        seen_targets.append(y)
        return mtl.mse(output, y)

    inputs = (numbers, numbers + 100, np.arange(7))
    targets = np.hstack([numbers, numbers])
    trunk = mtl.Dense(3, 2, np.random.default_rng(0))
    model = mtl.HardSharing(trunk, {"a": lambda h: h}, {"a": encoder})
    fit(model, {"a": (inputs, targets)}, {"a": loss}, steps=4, batch_size=3)
    assert len(seen_inputs) == 4
    for (x, plus_100, integers), y in zip(seen_inputs, seen_targets, strict=True):
        np.testing.assert_array_equal(x[:, 0], plus_100[:, 0] - 100)
        np.testing.assert_array_equal(x[:, 0], integers)
        np.testing.assert_array_equal(x[:, 0], y[:, 0])


def test_training_does_not_change_the_data():
    data = half_labelled()
    arrays = [array for entry in data.values() for array in entry]
    before = [array.copy() for array in arrays]
    fit(network(), data, LOSSES, steps=3, batch_size=4)
    for now, then in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(now, then)


@pytest.mark.parametrize("present", [0, 1, 3, 4])
@pytest.mark.parametrize("kind", [bool, float])
def test_a_task_takes_part_in_a_step_if_one_of_its_labels_is_present(present, kind):
    mask = (np.arange(4) < present).astype(kind)
    data = {"a": (np.ones((4, 3)), np.ones((4, 2)))}
    data["b"] = (np.ones((4, 3)), np.ones((4, 2)), np.repeat(mask[:, None], 2, 1))
    batch = Batches(data, None, None).next()
    assert list(batch) == (["a", "b"] if present else ["a"])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_mask_of_ones_and_zeros_is_the_boolean_mask(dtype):
    thetas = []
    for kind in (bool, float):
        data = half_labelled()
        x, y, mask = data["b"]
        data["b"] = (x, y, mask.astype(kind))
        model = network(dtype=dtype)
        fit(model, data, LOSSES, steps=6, batch_size=2)
        thetas.append(model.theta)
    np.testing.assert_allclose(*thetas, rtol=1e-6 if dtype == np.float32 else 1e-13)


def test_a_label_that_is_a_distribution_has_one_entry_of_the_mask():
    soft = np.array([[0.25, 0.75], [0.5, 0.5], [1.0, 0.0]])
    X = examples(3)["a"][0]
    data = {t: (X, soft, np.array([True, False, True])) for t in "ab"}
    present = {t: (X[::2], soft[::2]) for t in "ab"}
    losses = dict.fromkeys("ab", mtl.cross_entropy)
    masked, chosen = network(), network()
    fit(masked, data, losses, steps=2)
    fit(chosen, present, losses, steps=2)
    np.testing.assert_allclose(masked.theta, chosen.theta, rtol=1e-12)


# Epochs


def test_a_short_data_set_is_gone_through_more_often():
    data, losses, seen = numbered(examples(20, N_b=4))
    history = fit(network(), data, losses, steps=10, batch_size=8)
    assert all(len(batch) == 8 for batch in seen["a"])
    assert all(sorted(batch) == [0, 1, 2, 3] for batch in seen["b"])
    assert history.epochs == {"a": 4.0, "b": 10.0}


def test_epochs_count_parts_of_an_epoch_too():
    history = fit(network(), examples(8, N_b=6), LOSSES, steps=3, batch_size=4)
    assert history.epochs == {"a": 1.5, "b": 2.0}


# Refusals


def with_entry(position, value):
    """The examples with one entry of task a's inputs (0) or targets (1) replaced."""
    data = examples()
    data["a"][position][2, 1] = value
    return data


class Table:
    """Like a DataFrame: no array, but it can be made one."""

    def __init__(self, array):
        self.array = array

    def to_numpy(self):
        return self.array


X, Y = examples()["a"]
GOOD = examples()["b"]
ALL = np.ones(Y.shape, bool)
NAN_TARGETS = with_entry(1, math.nan)["a"][1]

REFUSED_DATA = [
    (with_entry(0, math.nan), ValueError, r"data\['a'\]: inputs must be finite, got nan"),
    (with_entry(0, math.inf), ValueError, r"data\['a'\]: inputs must be finite, got inf"),
    (
        {"a": ((X, np.full(8, math.nan)), Y), "b": GOOD},
        ValueError,
        "inputs must be finite, got nan",
    ),
    (
        with_entry(1, math.nan),
        ValueError,
        "targets must be finite where no mask says they are missing, got nan",
    ),
    ({"a": (X, NAN_TARGETS, ALL), "b": GOOD}, ValueError, "targets must be finite"),
    (
        {"a": (X[:0], Y[:0]), "b": GOOD},
        ValueError,
        "same number of examples, at least 1; got 0 and 0",
    ),
    (
        {"a": (X[:3], Y), "b": GOOD},
        ValueError,
        "same number of examples, at least 1; got 3 and 8",
    ),
    ({"a": ((X, X[:3]), Y), "b": GOOD}, ValueError, "same number of examples"),
    ({"a": (X, Y, ALL[:3]), "b": GOOD}, ValueError, "same number of examples"),
    (
        {"a": (X, Y, ALL[:, :1]), "b": GOOD},
        ValueError,
        r"mask must be boolean.* of shape \(8, 2\)",
    ),
    ({"a": (X, Y, ALL.astype(int)), "b": GOOD}, ValueError, "mask must be boolean.*got int64"),
    ({"a": (X, Y, -1.0 * ALL), "b": GOOD}, ValueError, "mask must be.*at least one label present"),
    ({"a": (X, Y, with_entry(1, -2.0)["a"][1] ** 3), "b": GOOD}, ValueError, "negative, got -"),
    ({"a": (X, Y, NAN_TARGETS**2), "b": GOOD}, ValueError, "mask must be finite, got nan"),
    ({"a": (X, Y, ~ALL), "b": GOOD}, ValueError, "at least one label present"),
    (
        {"a": [X, Y], "b": GOOD},
        ValueError,
        r"must be \(inputs, targets\) or \(inputs, targets, mask\), got list",
    ),
    ({"a": (X,), "b": GOOD}, ValueError, r"must be \(inputs, targets\)"),
    (
        {"a": (X.tolist(), Y), "b": GOOD},
        TypeError,
        "must hold arrays with examples along the first axis, got list",
    ),
    ({"a": (X, np.float64(1.0)), "b": GOOD}, TypeError, "must hold arrays"),
    ({"a": (X,), "b": GOOD}, ValueError, "got a tuple of 1"),
    ({"a": (X, Table(Y)), "b": GOOD}, TypeError, r"got Table; use .to_numpy\(\)"),
    ({"a": ((X, Table(X)), Y), "b": GOOD}, TypeError, r"data\['a'\].*got Table; use .to_numpy"),
    ({"a": (X, Y, Table(ALL)), "b": GOOD}, TypeError, "got Table; use .to_numpy"),
    ({"a": (X, np.ma.masked_invalid(NAN_TARGETS)), "b": GOOD}, TypeError, "got MaskedArray; give"),
    ({"a": (X, Y.view(np.matrix)), "b": GOOD}, TypeError, "got matrix; use numpy.asarray"),
    ([GOOD, GOOD], TypeError, "data must be a dict by task, got list"),
    (
        {"a": GOOD, "b": GOOD, "z": GOOD},
        ValueError,
        r"data must be of the tasks \['a', 'b'\], got \['z'\]",
    ),
    ({}, ValueError, "data must have at least one task"),
]

REFUSED_ARGUMENTS = [
    (
        {"held_out": {"z": GOOD}},
        ValueError,
        r"held_out must be of the tasks \['a', 'b'\], got \['z'\]",
    ),
    (
        {"held_out": {"a": (X * math.nan, Y)}},
        ValueError,
        r"held_out\['a'\]: inputs must be finite",
    ),
    (
        {"losses": {"a": mtl.mse}},
        ValueError,
        r"losses must have a function for every task, missing \['b'\]",
    ),
    ({"losses": {"a": mtl.mse, "z": mtl.mse}}, ValueError, r"missing \['b'\]"),
    ({"losses": mtl.mse}, TypeError, "losses must be a dict of functions by task, got function"),
    (
        {"losses": {"a": mtl.mse, "b": "mse"}},
        TypeError,
        r"losses\['b'\] must be a function of \(output, targets\[, mask\]\).*got 'mse'",
    ),
    ({"held_out": [GOOD]}, TypeError, "held_out must be a dict by task, got list"),
    ({"held_out": {"a": (X, Table(Y))}}, TypeError, r"held_out\['a'\].*use .to_numpy\(\)"),
    ({"rng": 0}, TypeError, "rng must be a numpy.random.Generator, got int"),
    ({"rng": 0, "batch_size": 3}, TypeError, "rng must be a numpy.random.Generator, got int"),
    ({"batch_size": 0}, ValueError, "batch_size must be a whole number, at least 1; got 0"),
    ({"batch_size": 2.0}, ValueError, "batch_size must be a whole number"),
    (
        {"batch_size": {"a": 2}},
        ValueError,
        r"batch_size must name the tasks \['a', 'b'\]; missing \['b'\]",
    ),
    ({"batch_size": 3, "rng": None}, ValueError, "batch_size needs a rng"),
]


def assert_fit_refuses(error, match, data=None, losses=LOSSES, **options):
    model = network()
    before = model.theta.copy()
    options = {"rng": np.random.default_rng(0), **options}
    data = examples() if data is None else data
    with pytest.raises(error, match=f"^fit: .*{match}"):
        mtl.fit(model, data, losses, optimizer=mtl.SGD(0.1), steps=3, **options)
    np.testing.assert_array_equal(model.theta, before)


def never_asked(output, *targets):
    raise AssertionError("a loss was asked about data that does not fit")


@pytest.mark.parametrize("data, error, match", REFUSED_DATA)
def test_data_that_does_not_fit_is_an_error_before_any_loss_is_asked(data, error, match):
    assert_fit_refuses(error, match, data=data, losses=dict.fromkeys("abz", never_asked))


@pytest.mark.parametrize("arguments, error, match", REFUSED_ARGUMENTS)
def test_arguments_about_data_that_do_not_fit_are_errors_and_change_nothing(
    arguments, error, match
):
    assert_fit_refuses(error, match, **arguments)


@pytest.mark.parametrize(
    "data, losses, match",
    [
        ({"a": (X * math.nan, Y)}, LOSSES, r"evaluate: data\['a'\]: inputs must be finite"),
        ({"z": GOOD}, LOSSES, "evaluate: data must be of the tasks"),
        ({}, LOSSES, "evaluate: data must have at least one task"),
        ({"a": GOOD}, {}, "evaluate: losses must have a function for every task"),
    ],
)
def test_errors_about_data_of_evaluate_name_evaluate(data, losses, match):
    with pytest.raises(ValueError, match=match):
        mtl.evaluate(network(), data, losses)


@pytest.mark.parametrize("weight", [1e-60, 1e-46])
def test_a_weight_of_an_example_that_float32_cannot_tell_from_0_is_refused(weight):
    rng = np.random.default_rng(0)
    trunk = mtl.Dense(3, 2, rng, dtype=np.float32)
    model = mtl.HardSharing(trunk, {"a": mtl.Dense(2, 1, rng, dtype=np.float32)})
    data = {"a": (np.ones((4, 3)), np.ones((4, 1)), np.full((4, 1), weight))}
    message = r"data\['a'\]: mask must hold weights that float32 can tell from 0, got 1e-"
    with pytest.raises(ValueError, match=message):
        mtl.evaluate(model, data, {"a": mtl.mse})


def test_numbers_too_small_for_float32_are_0_also_where_underflow_is_an_error():
    rng = np.random.default_rng(0)
    trunk = mtl.Dense(3, 2, rng, dtype=np.float32)
    model = mtl.HardSharing(trunk, {"a": mtl.Dense(2, 1, rng, dtype=np.float32)})
    tiny = {"a": (np.full((4, 3), 1e-60), np.full((4, 1), 1e-60))}
    zeros = {"a": (np.zeros((4, 3)), np.zeros((4, 1)))}
    with np.errstate(all="raise"):
        assert mtl.evaluate(model, tiny, {"a": mtl.mse}) == mtl.evaluate(
            model, zeros, {"a": mtl.mse}
        )
