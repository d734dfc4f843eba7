"""Does sharing help on my data? One call trains alone, soft and hard over seeds, and compares.

What the arms of one seed have in common: the examples that they are trained, validated and tested
on, the parameters with which they start, and the number of steps. So their differences are paired.

Nothing is chosen on test data. The validation data chooses the step whose parameters are kept, and
the strength of soft sharing.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from operator import itemgetter

import numpy as np

from . import checks, plots
from .batches import checked_data
from .interaction import ENOUGH_SEEDS, SURE, chance_of_mark, kind_of, transfer_gain
from .optim import Optimizer, checked_optimizer
from .progress import Line
from .sharing import HardSharing, Sharing, SingleTask, SoftSharing, take
from .step import Diverged
from .training import evaluate, fit, losses_on

ARMS = ("alone", "soft", "hard")
SHARED = ("soft", "hard")
PARTS = ("training", "validation", "test")
VERDICTS = {"better": "helps", "worse": "hurts", "neither": "cannot tell"}


def compare(
    parts: Callable[[np.random.Generator], tuple],
    data: Mapping[str, tuple] | Callable[[np.random.Generator], tuple],
    losses: Mapping[str, Callable],
    *,
    optimizer: Optimizer,
    steps: int,
    rng: np.random.Generator,
    seeds: int = 5,
    strengths: Sequence[float] = (0.01, 0.1, 1.0),
    weights: Mapping[str, float] | None = None,
    batch_size: int | Mapping[str, int] | None = None,
    evaluate_every: int = 10,
    shares: Sequence[float] = (0.6, 0.2, 0.2),
    independent: bool = False,
    measures: Mapping[str, Callable] | None = None,
    higher_is_better: bool | Mapping[str, bool] | None = None,
    quiet: bool = False,
) -> Comparison:
    """Train every task alone, all with soft and all with hard sharing; compare them on test data.

    From a table whose last two columns are to be predicted, with blanks where they are not known:

        table = np.genfromtxt("bikes.csv", delimiter=",", skip_header=1)
        X = table[:, :-2]
        data = {}
        for task, y in {"members": table[:, -2:-1], "guests": table[:, -1:]}.items():
            data[task] = (X, y, ~np.isnan(y))

        def parts(rng):
            trunk = mtl.Sequential(mtl.Dense(X.shape[1], 16, rng), mtl.relu)
            return trunk, {task: mtl.Dense(16, 1, rng) for task in data}

        losses = dict.fromkeys(data, mtl.mse)
        rng = np.random.default_rng(0)
        print(mtl.compare(parts, data, losses, optimizer=mtl.Adam(1e-2), steps=300, rng=rng))

    parts: a function rng -> (trunk, heads) or (trunk, heads, encoders). It is called once for each
        seed, and its parts are copied into all models of this seed.
    data: *all* your examples, task -> (inputs, targets) or (inputs, targets, mask) as in `fit`.
        They are split at random, anew for each seed. Tasks with the same number of examples are
        split alike, because these are most likely the rows of one table: else a row that trains one
        task would test another. So do not drop rows where one task has no label, but mask them.
        Or a function rng -> (training, validation, test), each task -> data, that splits in your
        own way: by customer, or by time. (If it splits in the same way for every seed, the standard
        errors are those of the starts alone.) It may also standardise; what that needs, such as a
        mean and a standard deviation, must come from the training examples only. (`compare` never
        standardises. Inputs and targets of size about 1 learn best.)
    losses: task -> function (output, targets[, mask]) -> scalar tensor.

    optimizer: an unused one, as for `fit`; every run gets its own copy.
    steps: of every run. There is no early stop, but each run is evaluated on validation data at its
        start and every `evaluate_every` steps, and its best parameters are the ones that are
        tested. For a task alone, best is its least loss. For a shared model it is the least mean
        over tasks of the loss relative to that alone, A_t:

            1/T Σ_t (L_t − A_t) / |A_t|        (A_t = 0: without the division)

    rng: gives each seed its generators (`Generator.spawn`), so that with 10 seeds the first 5 are
        the same as with 5. An equal generator gives the same result to the bit.
    seeds: how often all is repeated, at least 2. With fewer than 5 there is no verdict.
    strengths: the candidates for soft sharing. In each seed all are trained, and the least value on
        validation data, as above, chooses one. A candidate that diverges is out.
    weights: None (all 1) or task -> number above 0, also of the tasks alone.
    batch_size: as in `fit`. The order is drawn anew for each seed, and is the same for all arms if
        the tasks have the very same inputs.
    shares: of the examples of a dict, for training, validation and test.
    independent: whether the examples of different seeds have nothing in common, because a function
        `data` draws them anew, e.g. from a simulator. Otherwise the standard errors are widened
        (see `Comparison`).
    measures: task -> function (output, targets[, mask]) -> number, for the test; None means the
        losses. Training and validation go by the losses in any case.
    higher_is_better: a bool, or task -> bool; needed with measures, and only with them.
    quiet: show no progress, which otherwise is one line on standard error where that is a terminal
        or a notebook.

    The arms have equal steps, but soft sharing is trained once for each candidate. A task alone
    keeps its own best step, where a shared model has one step for all tasks. Ctrl-C is a
    KeyboardInterrupt. ValueError or TypeError for arguments that do not fit, and for a part of the
    data in which a task has no label. FloatingPointError if a run diverges.
    """
    _check_numbers(seeds, steps, evaluate_every, strengths, shares)
    checks.generator("compare", rng)
    if checked_optimizer("compare", optimizer).t > 0:
        raise ValueError(f"compare: optimizer must be unused, got {optimizer!r}")
    checks.boolean("compare", "quiet", quiet)
    checks.boolean("compare", "independent", independent)
    _check_functions(parts, data, independent)
    if measures is None and higher_is_better is not None:
        raise ValueError("compare: higher_is_better needs measures; of losses lower is better")

    prepared = []  # all of them first: data that do not fit are found before anything is trained
    for i, rng_of_seed in enumerate(rng.spawn(seeds)):
        prepared.append(_prepare(f"seed {i}", parts, data, losses, shares, rng_of_seed))
    _try_out(prepared[0], losses, measures)
    tasks = prepared[0].hard.tasks
    weights = _checked_weights(weights, tasks)
    batch_sizes = _batch_sizes(batch_size, tasks)
    higher = _checked_directions(measures, higher_is_better, tasks)

    progress = _Progress(seeds * (len(tasks) + len(strengths) + 1), quiet)
    how = _How(losses, optimizer, steps, evaluate_every, weights, batch_sizes, progress)
    try:
        found = [_run_seed(seed, how, strengths, measures or losses) for seed in prepared]
    finally:
        progress.close()
    return Comparison(
        tasks=tasks,
        test=_by_arm_and_task([one.test for one in found], tasks),
        higher_is_better=higher,
        strengths=np.array([one.strength for one in found]),
        parameters=found[0].parameters,
        overlap={t: 0.0 if independent else _overlap(prepared, t) for t in tasks},
        same_split=callable(data) and _have_same_split(prepared),
    )


@dataclass(repr=False, eq=False)
class Comparison:
    """What `compare` found. `print` shows it as a table, `plot` draws it.

        tasks               their names
        test                arm -> task -> what was measured on test data (seeds,); the arms are
                            "alone", "soft" and "hard"
        higher_is_better    task -> whether that is so of its measure; of a loss it is not
        strengths           the strength of soft sharing that was chosen in each seed (seeds,)
        parameters          arm -> how many numbers it learns, in all its networks
        overlap             task -> test examples for each other example; 0 if seeds have no
                            examples in common
        same_split          whether all seeds have the same test examples

    A gain is paired: the mean over seeds of alone − together, or together − alone where higher is
    better. Positive is better. Its standard error says how far gains would lie apart on new data of
    the same kind. The seeds split the same examples, so they agree more than new data would, and
    the standard error is wider than that of independent seeds:

        standard error² = (1/n + n_test / n_other) s²

    for n seeds whose differences have the variance s²; n_other are the training and validation
    examples. More seeds help only up to a point: beyond it only more data do. This is exact if the
    choice of test examples makes all of the difference between seeds. The more the starts make of
    it, the more is this on the safe side. If all seeds have the same test examples, their choice
    makes none of the difference, and the standard error says nothing about others.
    Source: Nadeau & Bengio (2003), the corrected resampled t-test.

    A verdict is "helps" or "hurts" if the gain is more than 3 standard errors from 0, there are at
    least 5 seeds, and these are not all the same run. Else it is "cannot tell".

    >>> test = {"alone": {"a": np.array([1.0, 1.1, 0.9, 1.0, 1.2])}}
    >>> test["soft"] = {"a": test["alone"]["a"] - [0.2, 0.3, 0.2, 0.2, 0.3]}
    >>> test["hard"] = {"a": test["alone"]["a"] - [0.2, -0.3, 0.3, 0.2, -0.3]}
    >>> parameters = {"alone": 98, "soft": 98, "hard": 56}
    >>> print(Comparison(["a"], test, {"a": False}, np.full(5, 0.1), parameters, {"a": 0.25}))
                alone  soft gains             hard gains
    a            1.04  +0.240 ± 0.037  helps  +0.02 ± 0.20  cannot tell
    parameters     98  98                     56 (-43%)
    <BLANKLINE>
    alone: mean of what was measured on test data over 5 seeds.
    gains: how much better sharing is than alone, ± standard error.
    helps, hurts: more than 3 standard errors from 0. Of 2 gains that are really 0, about 0.08
        get such a verdict by chance (Student's t with 4 degrees of freedom), or fewer:
        standard errors allow for seeds that split the same examples (Nadeau & Bengio 2003).
    strength of soft, chosen on validation data: 0.1 in 5 of 5 seeds
    """

    tasks: list[str]
    test: dict[str, dict[str, np.ndarray]]
    higher_is_better: dict[str, bool]
    strengths: np.ndarray
    parameters: dict[str, int]
    overlap: dict[str, float]
    same_split: bool = False

    @property
    def seeds(self) -> int:
        """How many there were."""
        return len(self.strengths)

    @property
    def gains(self) -> dict[str, dict[str, tuple[float, float]]]:
        """arm -> task -> (gain over alone, its standard error), for "soft" and "hard"."""
        return {arm: {task: self._gain(arm, task) for task in self.tasks} for arm in SHARED}

    @property
    def verdicts(self) -> dict[str, dict[str, str]]:
        """arm -> task -> "helps", "hurts" or "cannot tell", for "soft" and "hard"."""
        return {
            arm: {task: self._verdict(*gain) for task, gain in by_task.items()}
            for arm, by_task in self.gains.items()
        }

    def _gain(self, arm, task):
        gain, error = transfer_gain(
            self.test["alone"][task],
            self.test[arm][task],
            higher_is_better=self.higher_is_better[task],
        )
        # (1/n + overlap) s² = (1 + n overlap) s²/n
        return gain, error * math.sqrt(1 + self.seeds * self.overlap[task])

    def _verdict(self, gain, error):
        if self.seeds < ENOUGH_SEEDS or error == 0:  # 0: every seed is the same run
            return VERDICTS["neither"]
        return VERDICTS[kind_of(gain, error)]

    def plot(self, figure=None):
        """Draw the gains (`plots.gains`), in % of the mean alone, since tasks differ in units.

        figure: where to draw, a matplotlib Figure or SubFigure; None makes a new one. Returns it.
        """
        bars = {arm: {} for arm in SHARED}
        for task in self.tasks:
            alone = self.test["alone"][task].mean()
            percent = 100 / abs(alone) if alone else math.nan
            for arm in SHARED:
                gain, error = self._gain(arm, task)
                bars[arm][f"{task}, % of {alone:.3g}"] = (percent * gain, percent * error)
        figure = plots.gains(bars, seeds=self.seeds, figure=figure)
        if self.seeds < ENOUGH_SEEDS:
            figure.suptitle(f"{self.seeds} seeds are too few to tell whether sharing helps")
        return figure

    def __repr__(self):
        return "\n".join([*self._table(), "", *self._how_to_read()])

    def _table(self):
        """Rows of cells: what was measured alone, and what each shared arm gains."""
        rows = [["", "alone", *(f"{arm} gains" for arm in SHARED)]]
        for task in self.tasks:
            cells = [task, f"{self.test['alone'][task].mean():.3g}"]
            for arm in SHARED:
                gain, error = self._gain(arm, task)
                cells.append(f"{_with_error(gain, error)}  {self._verdict(gain, error)}")
            rows.append(cells)
        counts = ["parameters", f"{self.parameters['alone']:,}"]
        rows.append(counts + [self._count(arm) for arm in SHARED])

        names, alone, soft, _ = (max(map(len, column)) for column in zip(*rows))
        lines = []
        for name, mean, of_soft, of_hard in rows:
            line = f"{name:{names}}  {mean:>{alone}}  {of_soft:{soft}}  {of_hard}"
            lines.append(line.rstrip())
        return lines

    def _count(self, arm):
        n = self.parameters[arm]
        of_alone = self.parameters["alone"]
        return f"{n:,}" if n == of_alone else f"{n:,} ({n / of_alone - 1:+.0%})"

    def _how_to_read(self):
        verdicts = len(SHARED) * len(self.tasks)
        by_chance = verdicts * chance_of_mark(self.seeds)
        lines = [
            f"alone: mean of what was measured on test data over {self.seeds} seeds.",
            "gains: how much better sharing is than alone, ± standard error.",
        ]
        if self.seeds < ENOUGH_SEEDS:
            lines.append(f"There is no verdict from fewer than {ENOUGH_SEEDS} seeds.")
        else:
            is_widened = any(self.overlap.values()) and not self.same_split
            ending = ", or fewer:" if is_widened else "."
            lines += [
                f"helps, hurts: more than {SURE} standard errors from 0. "
                f"Of {verdicts} gains that are really 0, about {by_chance:.2g}",
                "    get such a verdict by chance "
                f"(Student's t with {self.seeds - 1} degrees of freedom){ending}",
            ]
            if self.same_split:
                lines.append(
                    "All seeds have the same test examples: the errors are those of the starts "
                    "alone."
                )
            elif is_widened:
                lines.append(
                    "    standard errors allow for seeds that split the same examples "
                    "(Nadeau & Bengio 2003)."
                )
        times = sorted(Counter(self.strengths.tolist()).items())
        chosen = ", ".join(f"{strength:g} in {n}" for strength, n in times)
        lines.append(f"strength of soft, chosen on validation data: {chosen} of {self.seeds} seeds")
        return lines


def _with_error(gain, error):
    """Both with as many decimals as show two digits of the error."""
    if 0 < error < 1e-5:
        return f"{gain:+.1e} ± {error:.1e}"
    decimals = 3
    if 0 < error < math.inf:
        decimals = max(0, 1 - math.floor(math.log10(error)))
    return f"{gain:+.{decimals}f} ± {error:.{decimals}f}"


# A seed: the data and the start that its arms have in common


@dataclass
class _Seed:
    """What the arms of one seed have in common."""

    name: str
    parts: tuple  # trunk, heads, encoders
    hard: HardSharing  # made of them, not yet trained
    training: dict  # task -> (inputs, targets[, mask])
    validation: dict
    test: dict
    rng: np.random.Generator  # of the batches; every run gets a copy

    def alone(self, task) -> SingleTask:
        """A model of this task only."""
        trunk, heads, encoders = self.parts
        own = {task: encoders[task]} if task in encoders else {}
        return SingleTask(trunk, {task: heads[task]}, own)

    def soft(self, strength) -> SoftSharing:
        return SoftSharing(*self.parts, strength=strength)


def _prepare(name, parts, data, losses, shares, rng) -> _Seed:
    rng_of_start, rng_of_split, rng_of_batches = rng.spawn(3)
    made = _checked_parts(parts(rng_of_start))
    hard = HardSharing(*made)
    if callable(data):
        split = _split_of_user(data(rng_of_split), hard, losses)
    else:
        checked = _checked_all("data", data, hard, losses)
        split = _split(name, checked, shares, rng_of_split)
    return _Seed(name, made, hard, *split, rng_of_batches)


def _checked_parts(made) -> tuple:
    if not isinstance(made, tuple) or len(made) not in (2, 3):
        got = f"a tuple of {len(made)}" if isinstance(made, tuple) else type(made).__name__
        raise TypeError(
            f"compare: parts must return (trunk, heads) or (trunk, heads, encoders), got {got}"
        )
    trunk, heads, *encoders = made
    if not isinstance(heads, Mapping):
        got = type(heads).__name__
        raise TypeError(f"compare: parts must return heads as a dict by task, got {got}")
    return trunk, heads, (encoders[0] or {}) if encoders else {}


def _checked_all(name, data, model, losses):
    """Data of every task of the model, in its type."""
    checked = checked_data("compare", name, data, model, losses)
    checks.same_tasks("compare", name, checked, model.tasks)
    return checked


def _split_of_user(split, model, losses):
    if not isinstance(split, tuple) or len(split) != 3:
        got = f"a tuple of {len(split)}" if isinstance(split, tuple) else type(split).__name__
        raise TypeError(
            f"compare: data must return (training, validation, test), each by task; got {got}"
        )
    return [
        _checked_all(f"the {name} part of data", part, model, losses)
        for name, part in zip(PARTS, split)
    ]


def _split(seed, data, shares, rng) -> list[dict]:
    """Training, validation and test data; tasks with equally many examples are split alike."""
    lengths = {task: len(y) for task, (_, y, *_) in data.items()}
    for task, N in lengths.items():
        if N < len(PARTS):
            raise ValueError(
                f"compare: data[{task!r}] must have at least {len(PARTS)} examples to split, "
                f"got {N}"
            )
    # Sorted: the order of the tasks has no effect.
    parts_by_length = {N: _split_rows(N, shares, rng) for N in sorted(set(lengths.values()))}
    split = []
    for i, name in enumerate(PARTS):
        part = _rows(data, {N: parts[i] for N, parts in parts_by_length.items()})
        _check_labels(seed, name, part)
        split.append(part)
    return split


def _split_rows(N, shares, rng) -> list[np.ndarray]:
    """The numbers 0 to N − 1 in random order, cut in three; none is empty."""
    _, of_validation, of_test = shares
    n_test = min(max(1, round(of_test * N)), N - 2)
    n_validation = min(max(1, round(of_validation * N)), N - 1 - n_test)
    n_training = N - n_validation - n_test
    return np.split(rng.permutation(N), [n_training, n_training + n_validation])


def _rows(data, rows_by_length) -> dict:
    """Some examples of every task. rows_by_length: number of examples -> which.

    Inputs that are one object for two tasks stay one object, so that these get the same batches.
    """
    taken = {}  # id of the inputs -> the examples taken
    part = {}
    for task, (x, *labels) in data.items():
        rows = rows_by_length[len(labels[0])]
        if id(x) not in taken:
            taken[id(x)] = take(x, rows)
        part[task] = (taken[id(x)], *[array[rows] for array in labels])
    return part


def _check_labels(seed, name, part):
    for task, (_, _, *mask) in part.items():
        if mask and not (mask[0] > 0).any():
            raise ValueError(
                f"compare: data[{task!r}] has no label in the {name} part of {seed}; give more "
                "labels, other shares, or a function that splits in its own way"
            )


def _overlap(seeds, task) -> float:
    """Test examples for each training or validation example, over all seeds."""
    n_test = sum(_n_examples(seed.test, task) for seed in seeds)
    n_other = sum(
        _n_examples(part, task) for seed in seeds for part in (seed.training, seed.validation)
    )
    return n_test / n_other


def _have_same_split(seeds) -> bool:
    """Whether the test examples are the same for all seeds."""
    first = seeds[0].test
    return all(
        np.array_equal(first[task][1], seed.test[task][1]) for seed in seeds for task in first
    )


def _n_examples(part, task):
    _, y, *_ = part[task]
    return len(y)


# Training: every arm in the same way


@dataclass
class _How:
    """How every run is trained."""

    losses: Mapping[str, Callable]
    optimizer: Optimizer
    steps: int
    evaluate_every: int
    weights: dict
    batch_sizes: dict
    progress: _Progress

    def train(self, model: Sharing, seed: _Seed, arm: str, judge: Callable | None = None) -> dict:
        """Make all steps, and put the parameters back that were best on the validation data.

        Returns their losses on the validation data: task -> number.
        """
        validation = _of_tasks(seed.validation, model.tasks)
        with self.progress.run(f"{seed.name}, {arm}"):
            history = fit(
                model,
                _of_tasks(seed.training, model.tasks),
                self.losses,
                optimizer=deepcopy(self.optimizer),
                steps=self.steps,
                weights=_of_tasks(self.weights, model.tasks),
                batch_size=_of_tasks(self.batch_sizes, model.tasks),
                rng=deepcopy(seed.rng),
                held_out=validation,
                evaluate_every=self.evaluate_every,
                patience=self.steps + 1,  # more evaluations than there are: it only keeps the best
                judge=judge,
                quiet=True,
            )
            if history.interrupted:
                raise KeyboardInterrupt
            losses = evaluate(model, validation, self.losses)
            for task, loss in losses.items():
                if not math.isfinite(loss):
                    raise Diverged(f"compare: the validation loss of task {task!r} is {loss}")
        return losses


def _of_tasks(by_task, tasks):
    return {task: by_task[task] for task in tasks}


@dataclass
class _Found:
    """What one seed found."""

    test: dict  # arm -> task -> number
    strength: float
    parameters: dict  # arm -> number


def _run_seed(seed, how, strengths, measures) -> _Found:
    singles = {task: seed.alone(task) for task in seed.hard.tasks}
    best_alone = {}  # task -> its loss on validation data
    for task, model in singles.items():
        best_alone |= how.train(model, seed, f"{task} alone")

    def judge(losses):
        return relative_loss(losses, best_alone)

    soft, strength = _best_soft(seed, how, strengths, judge)
    how.train(seed.hard, seed, "hard", judge)

    alone = {}
    for task, model in singles.items():
        alone |= evaluate(model, {task: seed.test[task]}, measures)
    return _Found(
        test={
            "alone": alone,
            "soft": evaluate(soft, seed.test, measures),
            "hard": evaluate(seed.hard, seed.test, measures),
        },
        strength=strength,
        parameters={
            "alone": sum(model.counts()["total"] for model in singles.values()),
            "soft": soft.counts()["total"],
            "hard": seed.hard.counts()["total"],
        },
    )


def relative_loss(losses: Mapping[str, float], alone: Mapping[str, float]) -> float:
    """How much greater the losses are than those alone: the mean over tasks of (L − A) / |A|.

    Where A = 0 it is L itself, without a division.

    >>> relative_loss({"a": 0.5, "b": 30.0}, alone={"a": 1.0, "b": 20.0})
    0.0
    """
    relative = [(losses[t] - A) / (abs(A) or 1.0) for t, A in alone.items()]
    return sum(relative) / len(relative)


def _best_soft(seed, how, strengths, judge) -> tuple[SoftSharing, float]:
    """The trained model, and its strength, with the least value on the validation data."""
    trained = []  # (value, model, strength)
    for strength in strengths:
        model = seed.soft(strength)
        try:
            losses = how.train(model, seed, f"soft, strength {strength:g}", judge)
        except Diverged as error:
            last_error = error
        else:
            trained.append((judge(losses), model, strength))
    if not trained:
        raise last_error
    _, model, strength = min(trained, key=itemgetter(0))
    return model, strength


def _by_arm_and_task(runs, tasks):
    """[arm -> task -> number] of each seed → arm -> task -> array (seeds,)."""
    arrays = {}
    for arm in ARMS:
        arrays[arm] = {task: np.array([run[arm][task] for run in runs]) for task in tasks}
    return arrays


class _Progress:
    """Says which run it is, of how many."""

    def __init__(self, runs, quiet):
        self.runs = runs
        self.begun = 0
        self.line = Line(quiet)

    @contextmanager
    def run(self, name):
        """An error inside says in which run it came."""
        self.begun += 1
        self.line.write(f"compare: run {self.begun} of {self.runs}: {name}")
        try:
            yield
        except Exception as error:
            error.add_note(f"compare: this was in {name}")
            raise

    def close(self):
        self.line.close()


# Checks of the arguments


def _check_numbers(seeds, steps, evaluate_every, strengths, shares):
    checks.whole_number("compare", "seeds", seeds, 2)
    checks.whole_number("compare", "steps", steps, 1)
    checks.whole_number("compare", "evaluate_every", evaluate_every, 1)
    if np.ndim(strengths) != 1 or len(strengths) == 0:
        raise ValueError(f"compare: strengths must be a list of numbers, got {strengths!r}")
    for strength in strengths:
        checks.not_negative("compare", "each of strengths", strength)
    if np.shape(shares) != (len(PARTS),) or not math.isclose(sum(shares), 1):
        raise ValueError(
            "compare: shares must be three numbers with the sum 1, for training, validation and "
            f"test; got {shares!r}"
        )
    for share in shares:
        checks.positive("compare", "each of shares", share)


def _check_functions(parts, data, independent):
    if not callable(parts):
        got = type(parts).__name__
        raise TypeError(
            "compare: parts must be a function rng -> (trunk, heads), which is called once for "
            f"each seed; got {got}"
        )
    if independent and not callable(data):
        raise ValueError(
            "compare: independent needs data to be a function that draws new examples; "
            "the seeds split the examples of a dict"
        )


def _checked_weights(weights, tasks) -> dict:
    if weights is None:
        return dict.fromkeys(tasks, 1.0)
    if not isinstance(weights, Mapping):
        raise TypeError(f"compare: weights must be None or numbers by task, got {weights!r}")
    checks.same_tasks("compare", "weights", weights, tasks)
    return {t: checks.positive("compare", f"weights[{t!r}]", w) for t, w in weights.items()}


def _try_out(seed, losses, measures):
    """All functions once on the model as it starts: what does not fit is found before training."""
    losses_on("compare: data", seed.hard, seed.test, losses)
    if measures is None:
        return
    checks.same_tasks("compare", "measures", measures, seed.hard.tasks)
    for task, measure in measures.items():
        if not callable(measure):
            raise TypeError(
                f"compare: measures[{task!r}] must be a function of (output, targets[, mask]), "
                f"got {measure!r}"
            )
    losses_on("compare: measures on data", seed.hard, seed.test, measures)


def _batch_sizes(batch_size, tasks) -> dict:
    if not isinstance(batch_size, Mapping):
        batch_size = dict.fromkeys(tasks, batch_size)
    checks.same_tasks("compare", "batch_size", batch_size, tasks)
    for size in batch_size.values():
        if size is not None:
            checks.whole_number("compare", "batch_size", size, 1)
    return dict(batch_size)


def _checked_directions(measures, higher_is_better, tasks) -> dict[str, bool]:
    """task -> whether higher is better."""
    if measures is None:
        return dict.fromkeys(tasks, False)
    checks.same_tasks("compare", "measures", measures, tasks)
    if not isinstance(higher_is_better, Mapping):
        higher_is_better = dict.fromkeys(tasks, higher_is_better)
    checks.same_tasks("compare", "higher_is_better", higher_is_better, tasks)
    for task, is_higher in higher_is_better.items():
        if not isinstance(is_higher, (bool, np.bool_)):
            raise TypeError(
                "compare: higher_is_better must be True or False, or that by task, if there are "
                f"measures; got {is_higher!r} for {task!r}"
            )
    return dict(higher_is_better)
