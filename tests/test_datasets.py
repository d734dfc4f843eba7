"""The laws of the made-up tasks: their relation is what the knob says."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinymtl.datasets import related_tasks

seeds = st.integers(0, 2**32 - 1)
laws = settings(max_examples=20)


def direction(X, y):
    """The linear part that least squares finds, made unit length."""
    with_ones = np.hstack([X, np.ones((len(X), 1))])
    w = np.linalg.lstsq(with_ones, y[:, 0], rcond=None)[0][:-1]
    return w / math.sqrt((w**2).sum())


# How the tasks are related


@laws
@given(seeds, st.floats(-1, 1), st.integers(2, 10))
def test_cosine_between_the_tasks_is_the_relatedness(seed, p, D):
    # Where c is small the waves are straight lines: y = (1 + Σ α cos β) wᵀx + constant, up to c².
    # So w can be read off.
    rng = np.random.default_rng(seed)
    train, _ = related_tasks(rng, p, n_train=100, n_features=D, noise=0.0, scale=1e-6)
    assert direction(*train["a"]) @ direction(*train["b"]) == pytest.approx(p, abs=1e-4)


@pytest.mark.parametrize("scale", [0.3, 1.0, 2.0])
@pytest.mark.parametrize("p", [-0.5, 0.0, 0.9])
def test_cosine_is_the_relatedness_whatever_the_scale(p, scale):
    # E[x y] = w E[f′(wᵀx)] for Gaussian x (Stein), so least squares on many examples finds the
    # direction of w.
    rng = np.random.default_rng(0)
    train, _ = related_tasks(rng, p, n_train=60_000, n_features=4, noise=0.0, scale=scale)
    assert direction(*train["a"]) @ direction(*train["b"]) == pytest.approx(p, abs=0.03)


@pytest.mark.parametrize("p", [1.0, -1.0])
def test_relatedness_one_is_one_line_and_minus_one_the_opposite(p):
    train, _ = related_tasks(np.random.default_rng(0), p, noise=0.0, scale=1e-6)
    np.testing.assert_allclose(direction(*train["a"]), p * direction(*train["b"]), atol=1e-5)


# What targets and inputs are


@laws
@given(seeds, st.floats(0.1, 3), st.floats(-1, 1))
def test_targets_are_a_line_and_two_waves_of_it(seed, c, p):
    def data(n_train, scale):
        rng = np.random.default_rng(seed)
        return related_tasks(rng, p, n_train, n_test=4, n_features=3, noise=0.0, scale=scale)

    train, test = data(n_train=5, scale=c)
    # The same generator draws the same directions. They are read off where waves are straight.
    small, _ = data(n_train=100, scale=1e-7)
    for task in ("a", "b"):
        w = c * direction(*small[task])
        for X, y in (train[task], test[task]):
            for x, target in zip(X, y[:, 0]):
                z = float(w @ x)
                expected = z + math.sin(z) + math.sin(0.5 * z + 1)
                assert target == pytest.approx(expected, abs=1e-4)


def test_noise_has_the_deviation_asked_for():
    noisy, _ = related_tasks(np.random.default_rng(0), 1.0, n_train=20_000, noise=0.5)
    clean, _ = related_tasks(np.random.default_rng(0), 1.0, n_train=20_000, noise=0.0)
    for task in ("a", "b"):
        np.testing.assert_array_equal(noisy[task][0], clean[task][0])
        noise = noisy[task][1] - clean[task][1]
        assert noise.std() == pytest.approx(0.5, rel=0.03)
        assert abs(noise.mean()) < 5 * 0.5 / math.sqrt(20_000)


def test_inputs_are_standard_normal():
    train, _ = related_tasks(np.random.default_rng(0), 0.5, n_train=20_000)
    X, _ = train["a"]
    assert abs(X.mean()) < 5 / math.sqrt(X.size)
    np.testing.assert_allclose(X.T @ X / len(X), np.eye(8), atol=0.05)


# Whose the examples are


@laws
@given(seeds, st.integers(1, 5), st.integers(1, 5), st.integers(2, 4))
def test_each_task_has_examples_of_its_own_and_a_column_of_targets(seed, n_train, n_test, D):
    train, test = related_tasks(np.random.default_rng(seed), 0.5, n_train, n_test, D)
    for data, n in ((train, n_train), (test, n_test)):
        assert list(data) == ["a", "b"]
        assert (data["a"][0] != data["b"][0]).all()
        for X, y in data.values():
            assert X.shape == (n, D)
            assert y.shape == (n, 1)
            assert X.dtype == y.dtype == np.float64


def test_one_seed_gives_one_data_set_and_another_seed_another():
    first = related_tasks(np.random.default_rng(1), 0.5)
    again = related_tasks(np.random.default_rng(1), 0.5)
    other = related_tasks(np.random.default_rng(2), 0.5)
    for split, same, new in zip(first, again, other):
        for task in split:
            for a, b, c in zip(split[task], same[task], new[task]):
                np.testing.assert_array_equal(a, b)
                assert (a != c).all()


def test_what_is_left_out_is_what_the_signature_says():
    short = related_tasks(np.random.default_rng(1), 0.5)
    long = related_tasks(np.random.default_rng(1), 0.5, 100, 1024, 8, 0.1, 1.0)
    for split, same in zip(short, long):
        for task in "ab":
            for a, b in zip(split[task], same[task]):
                np.testing.assert_array_equal(a, b)


def test_train_and_test_examples_are_different():
    train, test = related_tasks(np.random.default_rng(0), 0.5, n_train=10, n_test=10)
    assert (train["a"][0] != test["a"][0]).all()


# Refusals


@pytest.mark.parametrize(
    "change, message",
    [
        ({"relatedness": 1.1}, r"relatedness must be in \[-1, 1\], got 1.1"),
        ({"relatedness": -2}, r"relatedness must be in \[-1, 1\], got -2"),
        ({"relatedness": float("nan")}, r"relatedness must be in \[-1, 1\], got nan"),
        ({"n_train": 0}, "n_train must be a whole number, at least 1; got 0"),
        ({"n_test": 0}, "n_test must be a whole number, at least 1; got 0"),
        ({"n_features": 1}, "n_features must be a whole number, at least 2; got 1"),
    ],
)
def test_bad_settings_are_errors(change, message):
    settings_of_tasks = {"relatedness": 0.5, **change}
    with pytest.raises(ValueError, match=f"related_tasks: {message}"):
        related_tasks(np.random.default_rng(0), **settings_of_tasks)


def test_a_seed_in_place_of_a_generator_is_an_error():
    with pytest.raises(TypeError, match="related_tasks: rng must be a numpy.random.Generator"):
        related_tasks(0, relatedness=0.5)
