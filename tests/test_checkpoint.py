"""The laws of stopping and going on: a run that is resumed is the run that never stopped.

Two runs are the same if parameters, optimiser, generators and History are, to the last bit.
"""

import pickle
import shutil
import subprocess
import sys
from copy import deepcopy
from dataclasses import fields
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from two_tasks import LOSSES, SHARINGS, examples, half_labelled, network

import tinymtl as mtl
from tinymtl import weighting
from tinymtl.history import EarlyStop, Recorder

STEPS = 10


class Rig:
    """All objects of one run, made anew as a new process would make them."""

    def __init__(
        self,
        kind="hard",
        weights=None,
        optimizer="Adam",
        own_generators=False,
        tasks="ab",
        dtype=np.float64,
        frozen=False,
        data_seed=1,
        data_order="ab",
    ):
        rng = np.random.default_rng(0)
        data = half_labelled(8) if data_seed == 1 else examples(8, data_seed)
        self.data = {t: data[t] for t in data_order}
        self.rng = rng
        trunk = mtl.Sequential(mtl.Dense(3, 4, rng, dtype), mtl.tanh, mtl.Dropout(0.3, rng))
        heads = {t: mtl.Dense(4, 2, rng, dtype) for t in tasks}
        self.model = SHARINGS[kind](trunk, heads)  # with copies, of the generator too
        if frozen:
            self.model.trunk.freeze()
        if not own_generators:
            for dropout in dropouts(self.model):
                dropout.rng = rng
        self.optimizer = OPTIMIZERS[optimizer]()
        self.weights = weights and WEIGHTS[weights](rng)

    def fit(self, **more):
        return mtl.fit(
            self.model,
            self.data,
            LOSSES,
            optimizer=self.optimizer,
            weights=self.weights,
            rng=self.rng,
            **{
                "steps": STEPS,
                "batch_size": 3,
                "held_out": examples(5, seed=9),
                "evaluate_every": 2,
                "cosines_every": 3,
                **more,
            },
        )


def dropouts(model):
    return [module for module in model.modules() if isinstance(module, mtl.Dropout)]


def falling(progress):
    return 0.1 * (1 - progress)


OPTIMIZERS = {
    "SGD": lambda: mtl.SGD(falling),
    "momentum": lambda: mtl.SGD(falling, 0.9),
    "Adam": lambda: mtl.Adam(falling, decay=0.1),
}
WEIGHTS = {
    "numbers": lambda rng: {"a": 1.0, "b": 0.5},
    "a rule": lambda rng: weighting.mgda,
    "a rule with memory": lambda rng: weighting.DWA(),
    "a rule that learns": lambda rng: weighting.Uncertainty(),
    "a rule of norms": lambda rng: weighting.GradNorm(),
    "a rule that draws from the same generator": weighting.PCGrad,
    "a method": lambda rng: weighting.DWA().__call__,
}


def stop_after(n):
    return lambda history: len(history.penalty) >= n


def assert_same_history(got, expected):
    for field in fields(mtl.History):
        if field.name == "seconds":  # the time of a step is measured, not computed
            continue
        np.testing.assert_equal(getattr(got, field.name), getattr(expected, field.name))


def assert_same_run(rig, history, whole, expected):
    np.testing.assert_array_equal(rig.model.theta, whole.model.theta)
    assert rig.optimizer.t == whole.optimizer.t
    for name in rig.optimizer.memory:
        np.testing.assert_array_equal(getattr(rig.optimizer, name), getattr(whole.optimizer, name))
    assert rig.rng.bit_generator.state == whole.rng.bit_generator.state
    assert_same_history(history, expected)


@pytest.mark.parametrize(
    "rig",
    [
        *[{"kind": kind} for kind in SHARINGS],
        *[{"optimizer": name} for name in OPTIMIZERS],
        *[{"weights": name} for name in WEIGHTS],
        {"own_generators": True},
    ],
    ids=str,
)
@pytest.mark.parametrize("n", [1, 5, 9])
def test_a_run_that_goes_on_is_the_run_that_never_stopped(rig, n, tmp_path):
    whole = Rig(**rig)
    expected = whole.fit()
    file = tmp_path / "run"
    Rig(**rig).fit(callback=stop_after(n), checkpoint=file)
    going_on = Rig(**rig)
    history = going_on.fit(resume=file)
    assert_same_run(going_on, history, whole, expected)


def test_a_run_with_data_of_some_of_the_tasks_goes_on(tmp_path):
    """The others rest while it lasts, and are no other tasks when it goes on."""
    file = tmp_path / "run"
    whole = Rig(data_order="a")
    expected = whole.fit(held_out=None)
    Rig(data_order="a").fit(held_out=None, callback=stop_after(5), checkpoint=file)
    rig = Rig(data_order="a")
    history = rig.fit(held_out=None, resume=file)
    assert_same_run(rig, history, whole, expected)
    assert not any(p.frozen for p in rig.model.parameters())


def test_a_run_on_all_examples_goes_on_without_a_generator(tmp_path):
    def fit(**more):
        model, optimizer = network(), mtl.Adam(0.1)
        history = mtl.fit(model, examples(), LOSSES, optimizer=optimizer, steps=STEPS, **more)
        return model.theta, history

    file = tmp_path / "run"
    expected = fit()
    fit(callback=stop_after(5), checkpoint=file)
    θ, history = fit(resume=file)
    np.testing.assert_array_equal(θ, expected[0])
    assert_same_history(history, expected[1])


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, STEPS - 1), min_size=1, max_size=4, unique=True).map(sorted))
def test_a_run_may_stop_as_often_as_it_likes(tmp_path_factory, stops):
    file = tmp_path_factory.mktemp("runs") / "run"
    whole = Rig()
    expected = whole.fit()
    resume = None
    for n in stops:
        Rig().fit(callback=stop_after(n), checkpoint=file, resume=resume)
        resume = file
    rig = Rig()
    assert_same_run(rig, rig.fit(resume=file), whole, expected)


class Interrupting(mtl.Adam):
    """Ctrl-C arrives in the middle of a step."""

    at = None

    def update(self, θ, g, at, η):
        super().update(θ, g, at, η)
        if self.t == self.at:
            raise KeyboardInterrupt


def test_a_run_that_was_stopped_in_its_first_step_goes_on_from_its_start(tmp_path):
    """The start was evaluated already, and counts once."""
    rig = Rig()
    rig.optimizer = Interrupting(falling)
    whole = deepcopy(rig)
    expected = whole.fit(patience=3)
    file = tmp_path / "run"
    stopped = deepcopy(rig)
    stopped.optimizer.at = 1
    assert stopped.fit(patience=3, checkpoint=file).stopped == "interrupted"
    going_on = deepcopy(rig)
    assert_same_run(going_on, going_on.fit(patience=3, resume=file), whole, expected)


def test_an_optimiser_that_was_used_before_goes_on_with_its_own_count(tmp_path):
    file = tmp_path / "run"
    thetas = []
    for stops in (False, True):
        rig = Rig()
        rig.fit()
        if stops:
            early = deepcopy(rig)
            early.fit(callback=stop_after(4), checkpoint=file)
            rig.fit(resume=file)
        else:
            rig.fit()
        assert rig.optimizer.t == 2 * STEPS
        thetas.append(rig.model.theta)
    np.testing.assert_array_equal(*thetas)


@pytest.mark.parametrize("at", [1, 2, 5, 10])
@pytest.mark.parametrize("weights", ["numbers", "a rule that draws from the same generator"])
def test_a_run_goes_on_from_before_the_step_that_was_interrupted(at, weights, tmp_path):
    """The batch, the dropout mask and the rule's choice of that step are drawn again."""
    rig = Rig(weights=weights)
    rig.optimizer = Interrupting(falling)
    whole = deepcopy(rig)
    expected = whole.fit()
    file = tmp_path / "run"
    stopped = deepcopy(rig)
    stopped.optimizer.at = at
    assert stopped.fit(checkpoint=file).stopped == "interrupted"
    going_on = deepcopy(rig)
    assert_same_run(going_on, going_on.fit(resume=file), whole, expected)


def test_what_was_recorded_of_a_step_that_was_interrupted_is_forgotten(tmp_path, monkeypatch):
    file = tmp_path / "run"
    whole = Rig()
    expected = whole.fit()
    made = Recorder.step

    def interrupted(recorder, *record):
        if recorder.steps_made == 3:  # its interaction is recorded already
            assert recorder.interactions[-1].step == 3
            raise KeyboardInterrupt
        made(recorder, *record)

    with monkeypatch.context() as patched:
        patched.setattr(Recorder, "step", interrupted)
        Rig().fit(checkpoint=file)
    rig = Rig()
    assert_same_run(rig, rig.fit(resume=file), whole, expected)


def test_an_evaluation_that_was_interrupted_is_made_when_the_run_goes_on(tmp_path):
    file = tmp_path / "run"
    whole = Rig()
    expected = whole.fit(judge=sum_of_losses)
    calls = []

    def interrupted_at_third(losses):
        calls.append(losses)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return sum_of_losses(losses)

    assert Rig().fit(judge=interrupted_at_third, checkpoint=file).stopped == "interrupted"
    rig = Rig()
    assert_same_run(rig, rig.fit(judge=sum_of_losses, resume=file), whole, expected)


def sum_of_losses(losses):
    return sum(losses.values())


class Diverging(mtl.SGD):
    """One step is far too long. (It leads to a loss that is not finite in the next.)"""

    def update(self, θ, g, at, η):
        super().update(θ, g, at, 1e200 if self.t == 6 else η)


def test_a_run_that_diverged_goes_on_from_before_the_step_that_did_it(tmp_path):
    file = tmp_path / "run"
    whole = Rig(optimizer="SGD")
    expected = whole.fit()
    rig = Rig()
    rig.optimizer = Diverging(falling)
    with pytest.raises(FloatingPointError, match="the last good parameters are put back") as error:
        rig.fit(checkpoint=file)
    assert len(error.value.history.penalty) == 5
    rig = Rig()
    rig.optimizer = Diverging(falling)
    rig.optimizer.update = mtl.SGD(falling).update  # a cure
    assert_same_run(rig, rig.fit(resume=file), whole, expected)


def test_early_stopping_forgets_a_step_that_was_taken_back(tmp_path):
    """The broken step was evaluated. Nothing of this counts when the run goes on without it."""
    for judge in (first_is_best, broken_is_best):
        file = tmp_path / "run"
        whole = Rig(optimizer="SGD")
        expected = whole.fit(judge=judge, patience=4)
        rig = Rig()
        rig.optimizer = Diverging(falling)
        with pytest.raises(FloatingPointError):
            rig.fit(checkpoint=file, judge=judge, patience=4)
        rig = Rig()
        rig.optimizer = Diverging(falling)
        rig.optimizer.update = mtl.SGD(falling).update
        history = rig.fit(resume=file, judge=judge, patience=4)
        assert_same_run(rig, history, whole, expected)


def first_is_best(losses):
    return 1.0


def broken_is_best(losses):
    return min(-losses["a"], 1e9) if losses["a"] < 1e9 else -1e9


@pytest.mark.parametrize("n", [1, 4, 7])
def test_early_stopping_goes_on_with_its_best_and_with_its_last_parameters(n, tmp_path):
    def judge(losses):  # the third evaluation is the best
        return abs(losses["a"] - third["a"])

    found = Rig().fit()
    third = {"a": found.held_out["a"][1]}
    whole = Rig()
    expected = whole.fit(judge=judge, patience=2)
    assert expected.stopped == "patience"
    assert expected.best_step == 4

    file = tmp_path / "run"
    Rig().fit(judge=judge, patience=2, callback=stop_after(n), checkpoint=file)
    rig = Rig()
    history = rig.fit(judge=judge, patience=2, resume=file)
    assert_same_run(rig, history, whole, expected)


def test_ctrl_c_after_the_best_parameters_are_back_leaves_the_last_ones_in_the_file(
    tmp_path, monkeypatch
):
    file = tmp_path / "run"
    whole = Rig()
    expected = whole.fit(judge=first_is_best, patience=9)
    put_back = EarlyStop.put_back_best
    times = []

    def interrupted(early_stop):
        put_back(early_stop)
        times.append(1)
        if len(times) == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(EarlyStop, "put_back_best", interrupted)
        Rig().fit(judge=first_is_best, patience=9, callback=stop_after(5), checkpoint=file)
    assert len(times) == 2
    rig = Rig()
    history = rig.fit(judge=first_is_best, patience=9, resume=file)
    assert_same_run(rig, history, whole, expected)


def test_a_run_that_ended_can_be_resumed_and_made_longer(tmp_path):
    file = tmp_path / "run"
    rig = Rig()
    rig.optimizer = mtl.Adam(0.1)
    history = deepcopy(rig).fit(checkpoint=file)
    again = deepcopy(rig).fit(resume=file)
    assert_same_history(again, history)
    assert again.stopped == "finished"
    longer = deepcopy(rig).fit(resume=file, steps=STEPS + 2)
    assert_same_history(longer, deepcopy(rig).fit(steps=STEPS + 2))


def test_writing_a_file_changes_nothing_in_the_run(tmp_path):
    whole = Rig(weights="a rule that draws from the same generator")
    expected = whole.fit()
    rig = deepcopy_of_start = Rig(weights="a rule that draws from the same generator")
    history = rig.fit(checkpoint=tmp_path / "run", checkpoint_every=1)
    assert_same_run(deepcopy_of_start, history, whole, expected)


IN_ANOTHER_PROCESS = """
import sys
sys.path[:0] = {paths}
from test_checkpoint import Rig, stop_after
rig = Rig(weights="a rule that draws from the same generator")
rig.fit(callback=stop_after(5), checkpoint={file!r}, checkpoint_every=2)
"""


def test_a_run_goes_on_in_another_process(tmp_path):
    file = str(tmp_path / "run")
    code = IN_ANOTHER_PROCESS.format(paths=[p for p in sys.path if p], file=file)
    subprocess.run([sys.executable, "-c", code], check=True)
    whole = Rig(weights="a rule that draws from the same generator")
    expected = whole.fit()
    rig = Rig(weights="a rule that draws from the same generator")
    assert_same_run(rig, rig.fit(resume=file), whole, expected)


def test_a_process_that_is_killed_leaves_the_last_file_it_wrote(tmp_path):
    file = tmp_path / "run"
    steps_in_file = []

    def look(history):
        with open(file, "rb") as stream:
            steps_in_file.append(len(pickle.load(stream)["steps"]))

    Rig().fit(checkpoint=file, checkpoint_every=4, callback=look)
    assert steps_in_file == [0, 0, 0, 4, 4, 4, 4, 8, 8, 8]


# Model and optimiser together


@pytest.mark.parametrize("copied", [deepcopy, lambda pair: pickle.loads(pickle.dumps(pair))])
def test_model_and_optimiser_that_are_copied_together_go_on_together(copied):
    data = examples()
    rig = Rig(optimizer="Adam")
    mtl.fit(rig.model, data, LOSSES, optimizer=rig.optimizer, steps=4)
    model, optimizer = copied((rig.model, rig.optimizer))
    mtl.fit(rig.model, data, LOSSES, optimizer=rig.optimizer, steps=4)
    mtl.fit(model, data, LOSSES, optimizer=optimizer, steps=4)
    np.testing.assert_array_equal(model.theta, rig.model.theta)
    assert optimizer.t == 8


# Refused


def saved(tmp_path, **rig):
    file = tmp_path / "run"
    Rig(**rig).fit(callback=stop_after(5), checkpoint=file)
    return file


@pytest.mark.parametrize(
    "rig, what",
    [
        ({"kind": "soft"}, "for model the file has HardSharing, and this call SoftSharing"),
        ({"optimizer": "SGD"}, "for optimizer the file has Adam, and this call SGD"),
        ({"weights": "a rule with memory"}, "for weights the file has None, and this call DWA"),
        ({"weights": "numbers"}, "for weights the file has None, and this call .*'b', 0.5"),
        ({"own_generators": True}, "for generators the file has .*, and this call .*PCG64"),
        ({"tasks": "ba"}, "for parameter 2 the file has .*heads.a.*, and this call .*heads.b"),
        ({"dtype": np.float32}, "for parameter 0 the file has .*float64.*, and this .*float32"),
        ({"frozen": True}, "for parameter 0 the file has .*''.*, and this call .*frozen"),
        ({"data_seed": 5}, "for training data the file has .*, and this call .*checksum"),
        ({"data_order": "ba"}, "for training data the file has"),
    ],
    ids=str,
)
def test_a_file_of_another_run_is_an_error_and_changes_nothing(rig, what, tmp_path):
    file = saved(tmp_path)
    other = Rig(**rig)
    before = other.model.theta.copy()
    with pytest.raises(ValueError, match=what):
        other.fit(resume=file)
    np.testing.assert_array_equal(other.model.theta, before)
    assert other.optimizer.t == 0


@pytest.mark.parametrize(
    "options, what",
    [
        ({"batch_size": 4}, "batch_size"),
        ({"held_out": {"a": examples(5, seed=9)["a"]}}, "held-out data"),
        ({"held_out": None}, "held-out data"),
        ({"patience": 2}, "early stopping"),
    ],
    ids=str,
)
def test_other_arguments_are_another_run(options, what, tmp_path):
    file = saved(tmp_path)
    with pytest.raises(ValueError, match=f"for {what} the file has .*, and this call"):
        Rig().fit(resume=file, **options)


def test_rules_that_are_functions_are_told_apart(tmp_path):
    file = tmp_path / "run"
    for rule in (weighting.mgda, partial(weighting.cagrad, c=0.2)):
        rig = Rig()
        rig.weights = rule
        rig.fit(callback=stop_after(5), checkpoint=file)
        for other in (weighting.cagrad, partial(weighting.cagrad, c=0.3)):
            rig = Rig()
            rig.weights = other
            with pytest.raises(
                ValueError, match="for weights the file has .*, and this call .*cagrad"
            ):
                rig.fit(resume=file)


def test_fewer_steps_than_were_made_are_an_error(tmp_path):
    file = saved(tmp_path)
    match = "steps must be at least the 5 steps that the run to resume has made, got 4"
    assert_refused_unchanged(match, file, steps=4)


def assert_refused_unchanged(match, file, rig=None, **options):
    rig = rig or Rig()
    before = rig.model.theta.copy()
    steps_before = rig.optimizer.t
    with pytest.raises(ValueError, match=match):
        rig.fit(resume=file, **options)
    np.testing.assert_array_equal(rig.model.theta, before)
    assert rig.optimizer.t == steps_before


def test_an_optimiser_of_another_model_is_an_error_and_changes_nothing(tmp_path):
    file = saved(tmp_path)
    rig = Rig()
    Rig.fit(rig)
    other = Rig()
    other.optimizer = rig.optimizer
    assert_refused_unchanged("memory of another model", file, other)


def test_another_kind_of_generator_is_an_error_and_changes_nothing(tmp_path):
    file = saved(tmp_path)
    rig = Rig()
    rig.rng = np.random.Generator(np.random.MT19937(0))
    assert_refused_unchanged("for rng the file has PCG64, and this call MT19937", file, rig)


def test_a_file_whose_parameters_are_not_finite_is_an_error_and_changes_nothing(tmp_path):
    file = saved(tmp_path)
    state = pickle.loads(file.read_bytes())
    state["theta"][1] = np.nan
    file.write_bytes(pickle.dumps(state))
    assert_refused_unchanged("must be finite, got nan", file)


def test_the_file_of_a_model_is_told_from_that_of_a_run(tmp_path):
    rig = Rig()
    rig.model.save(tmp_path / "model")
    assert_refused_unchanged("model.load reads", tmp_path / "model", rig)


@pytest.mark.parametrize("path", [5, True, None.__class__, b"run"])
def test_a_path_must_be_one(path):
    with pytest.raises(TypeError, match="fit: checkpoint must be a str or a Path, got"):
        Rig().fit(checkpoint=path)


@pytest.mark.parametrize("path", [0, True, b"run"])
def test_a_file_to_resume_must_be_a_path(path):
    with pytest.raises(TypeError, match="fit: resume must be a str or a Path, got"):
        Rig().fit(resume=path)


def test_a_rule_that_remembers_in_slots_is_an_error(tmp_path):
    class Slotted:
        __slots__ = ("seen",)

        def __call__(self, losses, gramian=None):
            return np.ones(len(losses))

    rig = Rig()
    rig.weights = Slotted()
    with pytest.raises(TypeError, match="Slotted has __slots__"):
        rig.fit(checkpoint=tmp_path / "run")


def test_how_often_to_write_needs_a_file_to_write(tmp_path):
    with pytest.raises(ValueError, match="checkpoint_every needs a checkpoint"):
        Rig().fit(checkpoint_every=2)


# Files that cannot be written


def test_an_error_is_told_with_its_history_also_if_the_file_cannot_be_written(tmp_path):
    folder = tmp_path / "runs"
    folder.mkdir()

    def failing(history):
        if len(history.penalty) == 3:
            shutil.rmtree(folder)
            raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine") as error:
        Rig().fit(checkpoint=folder / "run", callback=failing)
    assert len(error.value.history.penalty) == 3
    assert "the checkpoint could not be written" in error.value.__notes__[0]


def test_a_run_whose_last_file_cannot_be_written_has_its_history(tmp_path):
    folder = tmp_path / "runs"
    folder.mkdir()

    def removing(history):
        if len(history.penalty) == STEPS:
            shutil.rmtree(folder)

    with pytest.raises(FileNotFoundError) as error:
        Rig().fit(checkpoint=folder / "run", callback=removing)
    assert len(error.value.history.penalty) == STEPS


@pytest.mark.parametrize("content", [b"", b"text", pickle.dumps([1]), pickle.dumps({"kind": "x"})])
def test_a_file_that_is_no_run_is_an_error(content, tmp_path):
    file = tmp_path / "run"
    file.write_bytes(content)
    with pytest.raises(ValueError, match="fit: resume: .*run"):
        Rig().fit(resume=file)


def test_a_folder_that_does_not_exist_is_an_error_before_the_first_step(tmp_path):
    rig = Rig()
    before = rig.model.theta.copy()
    with pytest.raises(FileNotFoundError):
        rig.fit(checkpoint=tmp_path / "nowhere" / "run")
    np.testing.assert_array_equal(rig.model.theta, before)


def test_a_rule_that_cannot_be_written_is_an_error_before_the_first_step(tmp_path):
    rule = weighting.DWA()
    rule.note = lambda: None
    rig = Rig()
    rig.weights = rule
    with pytest.raises(TypeError, match="fit: checkpoint: .* rule"):
        rig.fit(checkpoint=tmp_path / "run")
    assert rig.optimizer.t == 0


@pytest.mark.parametrize("every", [0, 1.5, "2"])
def test_a_bad_number_of_steps_between_files_is_an_error(every, tmp_path):
    with pytest.raises((ValueError, TypeError), match="checkpoint_every"):
        Rig().fit(checkpoint=tmp_path / "run", checkpoint_every=every)
