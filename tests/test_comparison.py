"""Does sharing help? Arms are paired and fair, nothing is chosen on test data, verdicts hold."""

import math
import re
from copy import deepcopy
from textwrap import dedent

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinymtl as mtl
from tinymtl.comparison import Comparison, compare, relative_loss
from tinymtl.interaction import SURE, chance_of_mark

LOSSES = {"a": mtl.mse, "b": mtl.mse}


def parts(rng, tasks="ab"):
    """A trunk of 3 inputs and 4 features."""
    trunk = mtl.Sequential(mtl.Dense(3, 4, rng), mtl.tanh)
    heads_in_one_order = {t: mtl.Dense(4, 1, rng) for t in sorted(tasks)}
    return trunk, {t: heads_in_one_order[t] for t in tasks}


def examples(N=30, N_b=None, seed=1):
    """Inputs (N, 3) and targets (N, 1), one table for both tasks unless their sizes differ."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((N, 3))
    w = rng.standard_normal((3, 2))
    x_b = x if N_b is None else rng.standard_normal((N_b, 3))
    y = {"a": x @ w[:, :1], "b": x_b @ w[:, 1:]}
    y = {t: np.sin(v) + 0.3 * rng.standard_normal(v.shape) for t, v in y.items()}
    return {"a": (x, y["a"]), "b": (x_b, y["b"])}


def run(data=None, make=parts, losses=LOSSES, rng=0, **more):
    """A short comparison."""
    how = {"optimizer": mtl.Adam(0.03), "steps": 20, "seeds": 2, "strengths": [0.1, 1.0]} | more
    data = examples() if data is None else data
    return compare(make, data, losses, rng=np.random.default_rng(rng), **how)


def assert_same(first, second):
    """To the bit."""
    for arm, by_task in first.test.items():
        for task, values in by_task.items():
            np.testing.assert_array_equal(values, second.test[arm][task])
    np.testing.assert_array_equal(first.strengths, second.strengths)


# How examples are split


def numbered(sizes):
    """Data whose targets are the numbers of the examples."""
    data = {}
    for task, N in sizes.items():
        data[task] = (np.zeros((N, 3)), np.arange(N, dtype=float)[:, None])
    return data


def noting(function, seen):
    """The function; it also notes which examples it was given."""

    def noting_function(output, y):
        seen.append(set(y[:, 0].astype(int).tolist()))
        return function(output, y)

    return noting_function


def parts_seen(sizes, **more):
    """task -> [training, validation, test] of two seeds one after the other, as sets of examples.

    Each run has one step. So the losses see validation, training, validation, and the validation
    examples once more at the end. The measures see the test.
    """
    seen = {t: [] for t in sizes}
    tested = {t: [] for t in sizes}
    compare(
        lambda rng: parts(rng, list(sizes)),
        numbered(sizes),
        {t: noting(mtl.mse, seen[t]) for t in sizes},
        measures={t: noting(mtl.mse, tested[t]) for t in sizes},
        higher_is_better=False,
        optimizer=mtl.SGD(0.0),
        strengths=[1.0],
        steps=1,
        seeds=2,
        rng=np.random.default_rng(0),
        **more,
    )
    split = {}
    for t in sizes:
        tried_out = seen[t].pop(0)
        assert tried_out == tested[t].pop(0)
        split[t] = []
        runs = 3  # alone, soft, hard
        for seed in range(2):
            calls = seen[t][seed * runs * 4 : (seed + 1) * runs * 4]
            validation, training = calls[:2]
            assert calls == [validation, training, validation, validation] * runs
            tests = tested[t][seed * runs : (seed + 1) * runs]
            assert tests == [tests[0]] * runs
            split[t].append((training, validation, tests[0]))
    return split


@given(st.integers(6, 60), st.integers(6, 60), st.integers(1, 5), st.integers(1, 5))
@settings(max_examples=15)
def test_the_parts_are_disjoint_cover_all_and_have_their_shares(N, N_b, validation, test):
    shares = (1 - (validation + test) / 20, validation / 20, test / 20)
    for task, seeds in parts_seen({"a": N, "b": N_b}, shares=shares).items():
        every = set(range(N if task == "a" else N_b))
        for split in seeds:
            assert set().union(*split) == every
            assert sum(map(len, split)) == len(every)
            assert all(split)
            for part, share in zip(split[1:], shares[1:]):
                assert len(part) == 1 or abs(len(part) - share * len(every)) <= 0.5


@pytest.mark.parametrize("shares", [(0.01, 0.98, 0.01), (0.01, 0.01, 0.98), (0.98, 0.01, 0.01)])
@pytest.mark.parametrize("fewest", [3, 4])
def test_no_part_is_empty_however_small_its_share(shares, fewest):
    for seeds in parts_seen({"a": fewest, "b": 30}, shares=shares).values():
        assert all(all(split) for split in seeds)


def test_tasks_with_equally_many_examples_are_split_alike_and_seeds_differ():
    split = parts_seen({"a": 40, "b": 41, "c": 40})
    assert split["a"] == split["c"]
    assert split["a"][0] != split["a"][1]
    assert split["a"][0][2] != {row for row in split["b"][0][2] if row < 40}


def test_tasks_on_one_table_get_the_same_minibatches_in_every_arm():
    x = np.zeros((40, 3))
    y = np.arange(40.0)[:, None]
    batches = {"a": [], "b": []}

    def noting_order(seen):
        def loss(output, y):
            if len(y) == 5:
                seen.append(y[:, 0].tolist())
            return mtl.mse(output, y)

        return loss

    losses = {t: noting_order(seen) for t, seen in batches.items()}
    run({t: (x, y) for t in "ab"}, losses=losses, batch_size=5, steps=7, optimizer=mtl.SGD(0.0))
    assert batches["a"] == batches["b"]
    runs_of_seed = 4  # alone, two strengths, hard
    assert len(batches["a"]) == 2 * runs_of_seed * 7
    for seed in (0, 1):
        steps = batches["a"][seed * runs_of_seed * 7 : (seed + 1) * runs_of_seed * 7]
        assert all(steps[i] == steps[i % 7] for i in range(len(steps)))


# Arms


def captured(made):
    """`parts` and a function `data`; they note what they made in `made`.

    Task b has the larger targets, so that a sum of losses would be another judge.
    """

    def make(rng):
        made.setdefault("parts", []).append(deepcopy(parts(rng)))
        return deepcopy(made["parts"][-1])

    def data(rng):
        split = tuple(examples(seed=int(rng.integers(1000))) for _ in range(3))
        split = tuple({"a": part["a"], "b": (part["b"][0], 5 * part["b"][1])} for part in split)
        made.setdefault("data", []).append(split)
        return split

    return make, data


def best_by_hand(model, split, optimizer, steps, judge, weights=None):
    """Full-batch training; the parameters, of all after 0, 10, 20, ... steps, with the least value.

    Returns the losses on test data.
    """
    training, validation, test = split
    tasks = model.tasks
    least = math.inf
    for k in range(steps + 1):
        if k % 10 == 0 or k == steps:
            value = judge(
                {
                    t: float(mtl.mse(model({t: validation[t][0]})[t], validation[t][1]))
                    for t in tasks
                }
            )
            if value < least:
                least = value
                best = model.theta.copy()
        outputs = model({t: training[t][0] for t in tasks})
        total = mtl.weighted_sum(
            {t: mtl.mse(outputs[t], training[t][1]) for t in tasks},
            {t: (weights or {}).get(t, 1.0) for t in tasks},
        )
        total = total + model.penalty()
        model.zero_grad()
        total.backward()
        optimizer.step(model, k / steps)
    model.theta[:] = best
    errors = {t: float(mtl.mse(model({t: test[t][0]})[t], test[t][1])) for t in tasks}
    return errors, least, best


@pytest.mark.parametrize(
    "steps, weights", [(1, None), (25, None), (60, None), (25, {"a": 3.0, "b": 0.2})]
)
def test_every_arm_is_the_recipe_written_out(steps, weights):
    made = {}
    make, data = captured(made)
    strengths = [0.03, 3.0]
    found = run(
        data, make, strengths=strengths, steps=steps, optimizer=mtl.Adam(0.1), weights=weights
    )
    for i, ((trunk, heads), split) in enumerate(zip(made["parts"], made["data"])):
        A = {}
        for t in "ab":
            single = mtl.SingleTask(trunk, {t: heads[t]})
            errors, _, _ = best_by_hand(
                single, split, mtl.Adam(0.1), steps, lambda L: next(iter(L.values())), weights
            )
            A |= mtl.evaluate(single, {t: split[1][t]}, LOSSES)
            assert found.test["alone"][t][i] == pytest.approx(errors[t], rel=1e-9)

        def relative(L):
            return ((L["a"] - A["a"]) / A["a"] + (L["b"] - A["b"]) / A["b"]) / 2

        candidates = {}
        for strength in strengths:
            soft = mtl.SoftSharing(trunk, heads, strength=strength)
            candidates[strength] = best_by_hand(
                soft, split, mtl.Adam(0.1), steps, relative, weights
            )
        strength = min(strengths, key=lambda s: candidates[s][1])
        hard = mtl.HardSharing(trunk, heads)
        errors_of_hard, _, _ = best_by_hand(hard, split, mtl.Adam(0.1), steps, relative, weights)
        assert found.strengths[i] == strength
        for t in "ab":
            assert found.test["soft"][t][i] == pytest.approx(candidates[strength][0][t], rel=1e-9)
            assert found.test["hard"][t][i] == pytest.approx(errors_of_hard[t], rel=1e-9)


def test_one_task_gains_exactly_nothing():
    data = {"a": examples()["a"]}
    found = run(data, lambda rng: parts(rng, "a"), batch_size=5, seeds=5)
    assert found.gains == {"soft": {"a": (0.0, 0.0)}, "hard": {"a": (0.0, 0.0)}}
    assert found.verdicts == {"soft": {"a": "cannot tell"}, "hard": {"a": "cannot tell"}}
    assert len(set(found.parameters.values())) == 1


@pytest.mark.parametrize("optimizer", [mtl.Adam(0.03), mtl.SGD(0.1, momentum=0.9)])
@pytest.mark.parametrize("weights", [None, {"a": 2.0, "b": 0.25}])
def test_soft_sharing_of_strength_0_is_alone(optimizer, weights):
    # Targets far from 0, so that the end is better than the start, and no step between the two is
    # evaluated: else the tasks alone may each keep another step.
    data = {t: (x, y + 10) for t, (x, y) in examples().items()}
    found = run(data, strengths=[0.0], evaluate_every=20, optimizer=optimizer, weights=weights)
    for t in "ab":
        np.testing.assert_array_equal(found.test["soft"][t], found.test["alone"][t])
    assert found.gains["soft"] == {"a": (0.0, 0.0), "b": (0.0, 0.0)}


@pytest.mark.parametrize(
    "data, batch_size", [(examples(), None), (examples(), 7), (examples(30, N_b=20), None)]
)
def test_the_order_of_tasks_has_no_effect(data, batch_size):
    first = run(data, batch_size=batch_size)
    turned = {t: data[t] for t in "ba"}
    second = run(turned, lambda rng: parts(rng, "ba"), batch_size=batch_size)
    assert second.tasks == ["b", "a"]
    for arm in ("alone", "soft", "hard"):
        for t in "ab":
            np.testing.assert_allclose(first.test[arm][t], second.test[arm][t], rtol=1e-9)
    assert first.parameters == second.parameters


def test_parameters_are_those_of_the_models():
    found = run()
    made = parts(np.random.default_rng(0))
    kinds = {"alone": mtl.SingleTask(*made), "hard": mtl.HardSharing(*made)}
    kinds["soft"] = mtl.SoftSharing(*made, strength=1.0)
    assert found.parameters == {arm: model.counts()["total"] for arm, model in kinds.items()}


def test_dropout_and_encoders_are_those_of_the_parts():
    def make(rng):
        trunk = mtl.Sequential(mtl.Dense(4, 4, rng), mtl.relu, mtl.Dropout(0.3, rng))
        heads = {t: mtl.Dense(4, 1, rng) for t in "ab"}
        return trunk, heads, {"a": mtl.Dense(3, 4, rng), "b": mtl.Dense(3, 4, rng)}

    assert_same(run(make=make), run(make=make))
    assert run(make=make).parameters["hard"] == 20 + 2 * 5 + 2 * 16


# Nothing is chosen on test data


def test_test_targets_have_no_influence_on_what_is_trained_and_chosen():
    def data_with(change):
        def data(rng):
            training, validation, test = (examples(seed=int(rng.integers(1000))) for _ in range(3))
            return training, validation, {t: (x, y + change) for t, (x, y) in test.items()}

        return data

    outputs = {0.0: [], 100.0: []}
    strengths = {}
    for change, seen in outputs.items():

        def measure(output, y):
            seen.append(output.data.copy())
            return float(y.mean())

        found = run(
            data_with(change),
            measures=dict.fromkeys("ab", measure),
            higher_is_better=True,
            strengths=[0.001, 0.1, 1.0],
            seeds=4,
        )
        strengths[change] = found.strengths
    np.testing.assert_array_equal(strengths[0.0], strengths[100.0])
    np.testing.assert_array_equal(outputs[0.0], outputs[100.0])


def test_validation_does_choose_the_strength():
    """A strong pull is best if the tasks are one, and none if they contradict each other."""
    x = np.random.default_rng(0).standard_normal((60, 3))
    y = x @ np.ones((3, 1)) + np.random.default_rng(1).standard_normal((60, 1))

    both = {"strengths": [0.0, 100.0], "steps": 100, "make": one_function}
    assert (run({"a": (x, y), "b": (x, -y)}, **both).strengths == 0.0).all()
    few = {"a": (x[:30], y[:30]), "b": (x[30:], y[30:])}
    assert (run(few, **both).strengths == 100.0).any()


# Repeats


def test_the_same_generator_gives_the_same_to_the_bit():
    assert_same(run(batch_size=7), run(batch_size=7))


def test_the_first_of_more_seeds_are_those_of_fewer():
    few = run(batch_size=7)
    more = run(batch_size=7, seeds=3)
    for arm in ("alone", "soft", "hard"):
        for t in "ab":
            np.testing.assert_array_equal(few.test[arm][t], more.test[arm][t][:2])
    assert len(set(more.test["hard"]["a"])) == 3


def test_data_parts_and_optimizer_stay_as_they_are():
    data = examples()
    before = deepcopy(data)
    made = parts(np.random.default_rng(0))
    copies = deepcopy(made)
    optimizer = mtl.Adam(0.03)
    run(data, lambda rng: made, optimizer=optimizer)
    for t in "ab":
        for array, old in zip(data[t], before[t]):
            np.testing.assert_array_equal(array, old)
    np.testing.assert_array_equal(made[0].parts[0].W.data, copies[0].parts[0].W.data)
    assert optimizer.t == 0


# Gains and verdicts


def made_up(alone, hard, overlap=0.0, higher=False):
    test = {"alone": {"a": np.array(alone)}, "soft": {"a": np.array(alone)}}
    test["hard"] = {"a": np.array(hard)}
    counts = {"alone": 10, "soft": 10, "hard": 5}
    strengths = np.full(len(alone), 0.1)
    return Comparison(["a"], test, {"a": higher}, strengths, counts, {"a": overlap})


finite = st.floats(-10, 10, allow_subnormal=False)


@given(st.lists(st.tuples(finite, finite), min_size=2, max_size=9), st.floats(0, 2), st.booleans())
def test_gain_and_standard_error_are_those_of_the_formula(pairs, overlap, higher):
    alone, hard = zip(*pairs)
    gain, error = made_up(alone, hard, overlap, higher).gains["hard"]["a"]
    n = len(pairs)
    differences = [(h - a if higher else a - h) for a, h in pairs]
    mean = sum(differences) / n
    variance = sum((d - mean) ** 2 for d in differences) / (n - 1)
    assert gain == pytest.approx(mean, abs=1e-12)
    assert error == pytest.approx(math.sqrt((1 / n + overlap) * variance), abs=1e-9)


def test_if_only_test_examples_differ_the_standard_error_is_that_over_new_data():
    """Differences are means over 20 random ones of 100 examples, for 1000 tables of examples."""
    rng = np.random.default_rng(0)
    gains = []
    squared_errors = []
    for _ in range(1000):
        table = rng.standard_normal(100)
        alone = [table[rng.permutation(100)[:20]].mean() for _ in range(5)]
        gain, error = made_up(alone, np.zeros(5), overlap=20 / 80).gains["hard"]["a"]
        gains.append(gain)
        squared_errors.append(error**2)
    assert np.mean(squared_errors) == pytest.approx(np.var(gains), rel=0.15)


def test_overlap_is_the_share_of_test_examples_unless_seeds_are_independent():
    found = run(examples(30, N_b=50), shares=(0.5, 0.1, 0.4))
    assert found.overlap == {"a": 12 / 18, "b": 20 / 30}

    def data(rng):
        return examples(20), examples(10), examples(15)

    assert run(data).overlap == {"a": 0.5, "b": 0.5}
    assert run(data, independent=True).overlap == {"a": 0.0, "b": 0.0}


def with_gain(gain, error, seeds=5):
    """A made-up comparison in which hard sharing has this gain and standard error."""
    spread = np.linspace(-1, 1, seeds)
    spread *= error * np.sqrt(seeds) / spread.std(ddof=1)
    return made_up(np.zeros(seeds), -(gain + spread))


@pytest.mark.parametrize("sign, word", [(1, "helps"), (-1, "hurts")])
def test_a_verdict_needs_three_standard_errors_and_five_seeds(sign, word):
    assert with_gain(sign * 0.31, 0.1).verdicts["hard"]["a"] == word
    assert with_gain(sign * 0.29, 0.1).verdicts["hard"]["a"] == "cannot tell"
    assert with_gain(sign * 0.31, 0.1, seeds=4).verdicts["hard"]["a"] == "cannot tell"
    assert with_gain(sign * 0.31, 0.1).verdicts["soft"]["a"] == "cannot tell"
    widened = with_gain(sign * 0.31, 0.1)
    widened.overlap["a"] = 0.25
    assert widened.verdicts["hard"]["a"] == "cannot tell"


def test_a_gain_that_is_not_known_is_no_verdict():
    found = made_up([1.0, 1.0, np.nan, 1.0, 1.0], [0.0] * 5)
    assert found.verdicts["hard"]["a"] == "cannot tell"
    assert "+nan" in str(found)


@pytest.mark.parametrize("seeds", [2, 3, 4, 5, 10, 31])
def test_chance_of_a_mark_is_the_area_under_students_density(seeds):
    ν = seeds - 1
    φ = (np.arange(200_000) + 0.5) / 200_000 * math.atan(SURE / math.sqrt(ν))
    # With t = √ν tan φ the density (1 + t²/ν)^(−(ν+1)/2) dt becomes √ν cos^(ν−1) φ dφ.
    area = math.sqrt(ν) * (np.cos(φ) ** (ν - 1)).mean() * math.atan(SURE / math.sqrt(ν))
    constant = math.gamma((ν + 1) / 2) / (math.sqrt(ν * math.pi) * math.gamma(ν / 2))
    assert chance_of_mark(seeds) == pytest.approx(1 - 2 * constant * area, abs=1e-8)


def test_the_verdict_is_that_of_the_picture():
    assert mtl.plots.SURE == SURE


def test_a_measure_that_is_the_negative_loss_gives_the_same_gains():
    def negative(output, y):
        return -float(mtl.mse(output, y))

    by_loss = run()
    by_measure = run(measures=dict.fromkeys("ab", negative), higher_is_better=True)
    mixed = run(measures={"a": mtl.mse, "b": negative}, higher_is_better={"a": False, "b": True})
    assert by_loss.gains == by_measure.gains == mixed.gains


@given(st.lists(st.tuples(finite, finite), min_size=1, max_size=4))
def test_relative_loss_is_the_mean_relative_increase(pairs):
    losses = {i: L for i, (L, _) in enumerate(pairs)}
    alone = {i: A for i, (_, A) in enumerate(pairs)}
    increases = [L if A == 0 else (L - A) / abs(A) for L, A in pairs]
    mean = sum(increases) / len(increases)
    assert relative_loss(losses, alone) == pytest.approx(mean, nan_ok=True)
    assert relative_loss(alone, alone) == sum(A == 0 and A for A in alone.values())


def test_seeds_that_are_one_run_tell_nothing():
    """A gain without any spread comes from runs that are all the same, and is one observation."""
    found = made_up(np.ones(5), np.full(5, 0.5))
    assert found.gains["hard"]["a"] == (0.5, 0.0)
    assert found.verdicts["hard"]["a"] == "cannot tell"


@pytest.mark.parametrize("is_fixed", [True, False])
def test_the_table_says_so_if_all_seeds_have_the_same_test_examples(is_fixed):
    def data(rng):
        seeds = (1, 2, 3) if is_fixed else rng.integers(1000, size=3)
        return tuple(examples(seed=int(seed)) for seed in seeds)

    found = run(data, seeds=5)
    assert found.same_split == is_fixed
    assert ("errors are those of the starts" in str(found)) == is_fixed
    assert ("allow for seeds that split" in str(found)) == (not is_fixed)


# Planted truth


def related(relatedness):
    """New tasks for each seed; task b has few examples."""

    def data(rng):
        train, rest = mtl.datasets.related_tasks(rng, relatedness, n_train=100, n_test=600)
        x, y = train["b"]
        validation = {t: (x[:100], y[:100]) for t, (x, y) in rest.items()}
        test = {t: (x[100:], y[100:]) for t, (x, y) in rest.items()}
        return train | {"b": (x[:20], y[:20])}, validation, test

    return data


@pytest.fixture(scope="module")
def verdicts_by_relatedness():
    def make(rng):
        trunk = mtl.Sequential(mtl.Dense(8, 16, rng), mtl.relu)
        return trunk, {t: mtl.Dense(16, 1, rng) for t in "ab"}

    more = {"steps": 100, "seeds": 20, "strengths": [0.3], "independent": True}
    return {p: run(related(p), make, **more).verdicts for p in (0.0, 1.0)}


def test_a_task_with_few_examples_is_helped_by_one_that_is_the_same(verdicts_by_relatedness):
    verdicts = verdicts_by_relatedness[1.0]
    assert verdicts["hard"]["b"] == "helps"
    assert verdicts["soft"]["b"] != "hurts"  # this weak pull gains less


@pytest.mark.parametrize("arm", ["soft", "hard"])
def test_unrelated_tasks_do_not_help(verdicts_by_relatedness, arm):
    assert "helps" not in verdicts_by_relatedness[0.0][arm].values()


def one_function(rng):
    """Both tasks have one linear function, as a trunk, and nothing else."""
    return mtl.Dense(3, 1, rng), dict.fromkeys("ab", lambda features: features)


def test_one_function_for_two_tasks_that_contradict_each_other_hurts():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 3))
    y = x @ np.ones((3, 1)) + 0.5 * rng.standard_normal((200, 1))
    found = run({"a": (x, y), "b": (x, -y)}, one_function, steps=100, seeds=5)
    assert found.verdicts["hard"] == {"a": "hurts", "b": "hurts"}
    assert "helps" not in found.verdicts["soft"].values()


# What is printed and drawn


def test_the_table_shows_means_gains_verdicts_parameters_and_strengths():
    found = with_gain(0.31, 0.1)
    found.test["alone"]["a"] += 2.0
    found.test["soft"]["a"] = found.test["alone"]["a"] + 0.0
    found.test["hard"]["a"] += 2.0
    table, reading = str(found).split("\n\n")
    heading, task, parameters = table.split("\n")
    assert heading.split() == ["alone", "soft", "gains", "hard", "gains"]
    assert task.split() == "a 2 +0.000 ± 0.000 cannot tell +0.31 ± 0.10 helps".split()
    assert parameters.split() == ["parameters", "10", "10", "5", "(-50%)"]
    assert f"more than {SURE} standard errors" in reading
    assert "Of 2 gains that are really 0, about 0.08\n" in reading
    assert "0.1 in 5 of 5 seeds" in reading
    assert "split the same examples" not in reading
    found.overlap["a"] = 0.25
    assert "split the same examples" in str(found)
    assert repr(found) == str(found)


@pytest.mark.parametrize(
    "gain, error, text",
    [
        (0.31, 0.1, "+0.31 ± 0.10"),
        (-310.0, 100.0, "-310 ± 100"),
        (3e-9, 1e-9, "+3.0e-09 ± 1.0e-09"),
    ],
)
def test_gains_are_printed_with_two_digits_of_their_error(gain, error, text):
    assert text in str(with_gain(gain, error))


def test_few_seeds_are_called_few():
    found = with_gain(0.31, 0.1, seeds=4)
    assert "no verdict from fewer than 5 seeds" in str(found)
    assert "too few to tell" in found.plot().get_suptitle()
    plt.close("all")


def test_the_picture_shows_every_gain_in_percent_of_alone():
    found = with_gain(0.31, 0.1)
    for arm in ("alone", "soft", "hard"):
        found.test[arm]["a"] = found.test[arm]["a"] + 2.0
    figure = found.plot()
    ax = figure.axes[0]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["a, % of 2"]
    assert "hard: better in 1 of 1, worse in 0" in ax.get_legend_handles_labels()[1]
    left, right = ax.get_xlim()
    assert left < 0.5 < 30.5 < right < 40
    assert "5 seeds" in figure.get_supxlabel()
    given = plt.figure()
    assert found.plot(figure=given) is given
    plt.close("all")


def test_a_measure_that_is_0_alone_has_no_percent():
    found = with_gain(0.31, 0.1)
    labels = found.plot().axes[0].get_legend_handles_labels()[1]
    assert "hard: better in 0 of 0, worse in 0" in labels
    plt.close("all")


def test_the_lines_in_the_docstring_compare_two_columns_of_a_file(tmp_path, monkeypatch, capsys):
    lines = re.search(r"\n\n(        table = .*?)\n\n    parts:", compare.__doc__, re.DOTALL)[1]
    assert len([line for line in lines.split("\n") if line]) <= 12
    assert "steps=300" in lines
    lines = lines.replace("steps=300", "steps=20")
    rng = np.random.default_rng(0)
    x = rng.standard_normal((120, 4))
    y = x @ rng.standard_normal((4, 2)) + 0.1 * rng.standard_normal((120, 2))
    rows = [[f"{value:.3f}" for value in row] for row in np.hstack([x, y])]
    for row in rows[::7]:
        row[-1] = ""
    text = "\n".join(["t,h,w,s,members,guests", *map(",".join, rows)])
    (tmp_path / "bikes.csv").write_text(text)
    monkeypatch.chdir(tmp_path)
    exec(dedent(lines), {"np": np, "mtl": mtl})
    printed = capsys.readouterr().out
    assert re.search(r"^members +\S+ +\S+ ± \S+", printed, re.MULTILINE)
    assert re.search(r"^guests +\S+ +\S+ ± \S+", printed, re.MULTILINE)
    assert "5 seeds" in printed


# Runs that end


def test_a_candidate_that_diverges_is_out():
    found = run(strengths=[1e6, 0.1], optimizer=mtl.SGD(0.1), steps=60)
    assert (found.strengths == 0.1).all()


def test_if_a_run_diverges_the_error_names_it():
    with pytest.raises(FloatingPointError) as error:
        run(strengths=[1e6], optimizer=mtl.SGD(0.1), steps=60)
    assert error.value.__notes__ == ["compare: this was in seed 0, soft, strength 1e+06"]
    with pytest.raises(FloatingPointError, match="the loss of task 'a'") as error:
        run(optimizer=mtl.SGD(1e6), steps=200)
    assert error.value.__notes__ == ["compare: this was in seed 0, a alone"]


def test_a_validation_loss_that_is_not_finite_is_an_error():
    def loss(output, y):
        of_validation = len(y) == 6
        return mtl.mse(output, y) * (math.inf if of_validation else 1.0)

    with pytest.raises(FloatingPointError, match="compare: the validation loss of task 'a' is inf"):
        run(losses=dict.fromkeys("ab", loss))


def test_ctrl_c_is_let_through():
    calls = []

    def loss(output, y):
        calls.append(1)
        if len(calls) == 100:
            raise KeyboardInterrupt
        return mtl.mse(output, y)

    with pytest.raises(KeyboardInterrupt):
        run(losses=dict.fromkeys("ab", loss))


class Terminal:
    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text

    def flush(self):
        pass

    def isatty(self):
        return True


def test_progress_is_one_line_on_a_terminal_that_is_wiped(monkeypatch):
    shown = Terminal()
    monkeypatch.setattr("sys.stderr", shown)
    run()
    lines = shown.text.split("\r\x1b[K")[1:]
    assert lines[0] == "compare: run 1 of 10: seed 0, a alone"
    assert lines[-2] == "compare: run 10 of 10: seed 1, hard"
    assert lines[-1] == ""
    assert len(lines) == 11
    shown.text = ""
    run(quiet=True)
    assert not shown.text


# Labels that are missing


def test_masked_labels_have_no_influence():
    data = examples()
    (x, y), mask = data["b"], np.arange(30)[:, None] % 3 > 0
    found = [run(data | {"b": (x, np.where(mask, y, hidden), mask)}) for hidden in (np.nan, 7.0)]
    assert_same(*found)


def test_a_part_without_a_label_is_an_error_before_anything_is_trained():
    x, y = examples()["a"]
    mask = np.zeros((30, 1), bool)
    mask[4] = True

    def loss(output, y, *mask):
        raise AssertionError

    with pytest.raises(ValueError, match=r"compare: data\['b'\] has no label in the .* of seed 0"):
        run({"a": (x, y), "b": (x, y, mask)}, losses=dict.fromkeys("ab", loss))


# What is refused


def no_measure(output, y):
    return 0.0


X, Y = examples()["a"]
REFUSED = {
    "parts that are made already": (
        {"make": parts(np.random.default_rng(0))},
        TypeError,
        r"parts must be a function rng -> \(trunk, heads\), which is called .* got tuple",
    ),
    "parts that return one thing": (
        {"make": lambda rng: parts(rng)[0]},
        TypeError,
        r"parts must return \(trunk, heads\) or \(trunk, heads, encoders\), got Sequential",
    ),
    "heads that have no names": (
        {"make": lambda rng: (parts(rng)[0], [])},
        TypeError,
        "parts must return heads as a dict by task, got list",
    ),
    "data of fewer tasks": (
        {"data": {"a": (X, Y)}},
        ValueError,
        r"data must name .*missing \['b'\]",
    ),
    "data of other tasks": ({"data": {"c": (X, Y)}}, ValueError, r"data must be of the tasks"),
    "data of another form": ({"data": {"a": X, "b": (X, Y)}}, ValueError, r"data\['a'\] must be"),
    "too few examples": (
        {"data": {"a": (X[:2], Y[:2]), "b": (X, Y)}},
        ValueError,
        r"data\['a'\] must have at least 3 examples to split, got 2",
    ),
    "a split in two": (
        {"data": lambda rng: (examples(), examples())},
        TypeError,
        r"data must return \(training, validation, test\), each by task; got a tuple of 2",
    ),
    "a part of other tasks": (
        {"data": lambda rng: (examples(), {"a": (X, Y)}, examples())},
        ValueError,
        r"the validation part of data must name the tasks \['a', 'b'\]; missing \['b'\]",
    ),
    "no loss": ({"losses": {"a": mtl.mse}}, ValueError, r"losses must .* missing \['b'\]"),
    "one seed": ({"seeds": 1}, ValueError, "seeds must be a whole number, at least 2; got 1"),
    "no steps": ({"steps": 0}, ValueError, "steps must be a whole number, at least 1; got 0"),
    "no evaluation": ({"evaluate_every": 0}, ValueError, "evaluate_every must be a whole number"),
    "no candidate": (
        {"strengths": []},
        ValueError,
        r"strengths must be a list of numbers, got \[\]",
    ),
    "one number": ({"strengths": 0.1}, ValueError, "strengths must be a list of numbers, got 0.1"),
    "negative": ({"strengths": [-1.0]}, ValueError, "each of strengths must be finite and not neg"),
    "two shares": (
        {"shares": (0.5, 0.5)},
        ValueError,
        "shares must be three numbers with the sum 1",
    ),
    "shares above 1": ({"shares": (0.9, 0.2, 0.2)}, ValueError, "shares must be three numbers"),
    "a share of 0": ({"shares": (0.8, 0.2, 0.0)}, ValueError, "each of shares must be .* positive"),
    "a class": ({"optimizer": mtl.Adam}, TypeError, r"optimizer must be one such as Adam\(1e-3\)"),
    "a rule": (
        {"weights": mtl.weighting.mgda},
        TypeError,
        "weights must be None or numbers by task",
    ),
    "a weight": ({"weights": {"a": 1.0}}, ValueError, r"weights must name .* missing \['b'\]"),
    "a negative weight": (
        {"weights": {"a": 1.0, "b": -1.0}},
        ValueError,
        r"weights\['b'\] must be .*positive, got -1.0",
    ),
    "a batch of 0": (
        {"batch_size": 0},
        ValueError,
        "batch_size must be a whole number, at least 1",
    ),
    "a batch of one task": (
        {"batch_size": {"a": 3}},
        ValueError,
        r"batch_size must .*missing \['b'\]",
    ),
    "direction without measures": (
        {"higher_is_better": True},
        ValueError,
        "higher_is_better needs measures",
    ),
    "measures without direction": (
        {"measures": dict.fromkeys("ab", no_measure)},
        TypeError,
        "higher_is_better must be True or False, or that by task, .* got None for 'a'",
    ),
    "a measure of one task": (
        {"measures": {"a": no_measure}, "higher_is_better": True},
        ValueError,
        r"measures must name the tasks \['a', 'b'\]; missing \['b'\]",
    ),
    "independent examples of a dict": (
        {"independent": True},
        ValueError,
        "independent needs data to be a function",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_arguments_that_do_not_fit_are_named(name):
    arguments, kind, message = REFUSED[name]
    with pytest.raises(kind, match=f"compare: {message}"):
        run(**arguments)


def test_a_used_optimizer_and_a_seed_in_place_of_a_generator_are_refused():
    optimizer = mtl.Adam(0.03)
    mtl.fit(
        mtl.HardSharing(*parts(np.random.default_rng(0))),
        examples(),
        LOSSES,
        optimizer=optimizer,
        steps=1,
    )
    with pytest.raises(
        ValueError, match="compare: optimizer must be unused, got Adam.* 1 steps made"
    ):
        run(optimizer=optimizer)
    with pytest.raises(TypeError, match="compare: rng must be a numpy.random.Generator, got int"):
        compare(parts, examples(), LOSSES, optimizer=mtl.Adam(), steps=1, rng=0)
