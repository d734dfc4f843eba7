"""How fast is tinymtl? One table of ratios.

No time is asserted. What is asserted is that all arms compute the same numbers.

    python tests/benchmarks/step.py [--quick]

The arms of a comparison run in one process with one BLAS thread. They take turns: in each round
every arm makes a few calls. A seeded generator shuffles the order of the arms in every round.
A fixed or a rotated order would give each arm the same predecessor in almost every round, and with
it the same state of the caches: identical code raced against itself then gave a ratio of 0.96.

"Ratio" is the median over rounds of (tinymtl's time / the other's time) within the round. A machine
that is busy for a while slows both arms, so the ratio of such a round stays true. A ratio of
medians would compare times from different rounds. The columns of µs are those medians. Time is
processor time, which stands still while another program has the core. The garbage collector is off
while the clock runs.
"""

from __future__ import annotations

import os

# NumPy reads these when it is imported.
for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import argparse
import gc
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

root = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(root), str(root / "tests")]

import numpy as np
from benchmarks import frameworks
from benchmarks.handwritten import Plain, Preallocated, Problem, Tuned

import tinymtl as mtl
from tinymtl.ops import concatenate

# Not every system counts processor time finely enough.
if time.get_clock_info("process_time").resolution < 1e-6:
    clock = time.process_time
else:
    clock = time.perf_counter


class Trunk(mtl.Module):
    """Two looked-up rows side by side, then dense layers with relu."""

    def __init__(self, problem: Problem, rng: np.random.Generator, sparse: bool):
        self.users = mtl.Embedding(problem.rows, problem.width, rng, sparse=sparse)
        self.items = mtl.Embedding(problem.rows, problem.width, rng, sparse=sparse)
        layers = []
        for D, H in zip(problem.trunk, problem.trunk[1:]):
            layers += [mtl.Dense(D, H, rng), mtl.relu]
        self.layers = mtl.Sequential(*layers)

    def __call__(self, ids):
        users, items = ids
        return self.layers(concatenate([self.users(users), self.items(items)], 1))


class TinyMTL:
    """The step that a learner writes."""

    def __init__(self, problem: Problem, sparse: bool = False):
        rng = np.random.default_rng(0)
        heads = {task: mtl.Dense(problem.trunk[-1], C, rng) for task, C in problem.heads}
        self.model = mtl.HardSharing(Trunk(problem, rng, sparse), heads)
        self.losses = {task: mtl.mse if C == 1 else mtl.cross_entropy for task, C in problem.heads}
        self.weights = dict.fromkeys(heads, 1.0)
        self.optimizer = mtl.Adam(1e-3)

    def step(self, batch) -> float:
        ids, targets = batch
        model = self.model
        outputs = model({t: ids for t in targets})
        L = {t: self.losses[t](outputs[t], y) for t, y in targets.items()}
        total = mtl.weighted_sum(L, self.weights) + model.penalty()
        model.zero_grad()
        total.backward()
        self.optimizer.step(model)
        return float(total)

    def forward(self, ids, targets):
        outputs = self.model({t: ids for t in targets})
        self.L = {t: self.losses[t](outputs[t], y) for t, y in targets.items()}

    def jacobian(self) -> np.ndarray:
        return self.model.trunk_jacobian(self.L)

    @property
    def θ(self) -> np.ndarray:
        return self.model.theta


def same_numbers(
    problem: Problem, N: int, arms: dict, steps: int = 5, tolerance: float = 1e-10
) -> dict[str, float]:
    """Let all arms make the same steps and return how far each differs from the first, at most."""
    rng = np.random.default_rng(1)
    batches = [problem.batch(N, rng) for _ in range(steps)]
    losses = {}
    for name, arm in arms.items():
        losses[name] = np.array([arm.step(prepared(arm, batch)) for batch in batches])
    first, *others = arms
    differences = {}
    for name in others:
        in_losses = difference(losses[name], losses[first])
        in_parameters = difference(arms[name].θ, arms[first].θ)
        largest = max(in_losses, in_parameters)
        assert largest <= tolerance, (
            f"{name} and {first} differ by {largest:.1e} after {steps} steps"
        )
        differences[name] = largest
    return differences


def difference(a: np.ndarray, b: np.ndarray) -> float:
    """The largest difference of two entries, relative to the largest entry of b."""
    return float(abs(a - b).max() / abs(b).max())


def prepared(arm, batch):
    """The batch in the type that the arm computes with."""
    if hasattr(arm, "prepare"):
        return arm.prepare(*batch)
    return batch


def all_arms(problem: Problem, N: int) -> dict:
    """tinymtl first, and every other arm from the same start."""
    kinds = {
        "NumPy, plain": Plain,
        "NumPy, tuned": Tuned,
        "NumPy, preallocated": Preallocated,
        **frameworks.installed,
    }
    arms = {"tinymtl": TinyMTL(problem)}
    start = arms["tinymtl"].θ.copy()
    for name, kind in kinds.items():
        arms[name] = kind(problem, start, N)
    return arms


def race(
    arms: dict[str, Callable], draw: Callable, seconds: float, seed: int = 0
) -> dict[str, np.ndarray]:
    """Seconds per call, one number a round.

    `arms` are functions of a batch. `draw(name, k)` gives k batches. `seed` chooses the order in
    which the arms run: another one in every round.
    """
    calls = {name: calls_per_turn(arm, draw(name, 8)) for name, arm in arms.items()}
    times = {name: [] for name in arms}
    names = list(arms)
    rng = np.random.default_rng(seed)
    rounds = 0
    gc.collect()
    gc.freeze()  # what is alive now need not be looked at again in every round
    gc.disable()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or rounds < 5:
        gc.collect()
        for i in rng.permutation(len(names)):
            name = names[i]
            times[name].append(duration(arms[name], draw(name, calls[name] + 2)))
        rounds += 1
    gc.unfreeze()
    gc.enable()
    return {name: np.array(each) for name, each in times.items()}


def calls_per_turn(arm, batches) -> int:
    """As many calls as take about 2 ms, but at least 1 and at most 40."""
    return int(np.clip(0.002 / duration(arm, batches), 1, 40))


def duration(arm, batches) -> float:
    """Seconds per call, after two calls that only warm the caches."""
    arm(batches[0])
    arm(batches[1])
    start = clock()
    for batch in batches[2:]:
        arm(batch)
    return (clock() - start) / (len(batches) - 2)


def paired(times, a, b) -> float:
    """The median over rounds of (time of a / time of b)."""
    return float(np.median(times[a] / times[b]))


def µs(times, name) -> float:
    """The median time of an arm in microseconds."""
    return 1e6 * float(np.median(times[name]))


def print_row(what, times, mine, other, target=None):
    ratio = paired(times, mine, other)
    line = f"{what:<58} {µs(times, mine):>10,.0f} {µs(times, other):>10,.0f} {ratio:>7.2f}"
    if target is not None:
        verdict = "ok" if ratio <= target else "over"
        line += f"  ≤ {target:<5g} {verdict}"
    print(line, flush=True)


def training_step(N, seconds, targets):
    """One step of training: forward pass, backward pass, Adam."""
    problem = Problem()
    arms = all_arms(problem, N)
    same_numbers(problem, N, arms)
    rng = np.random.default_rng(2)
    batches = [problem.batch(N, rng) for _ in range(42)]
    ready = {name: [prepared(arm, batch) for batch in batches] for name, arm in arms.items()}

    def draw(name, k):
        return ready[name][:k]

    times = race({name: arm.step for name, arm in arms.items()}, draw, seconds)
    tiny, *others = arms
    for name in others:
        what = f"training step, batch {N:,} / {name}"
        print_row(what, times, tiny, name, targets.get(name))


def jacobians(T, N, seconds, targets):
    """The T passes alone; the forward pass was made before."""
    problem = with_tasks(T)
    arms = {name: arm for name, arm in all_arms(problem, N).items() if hasattr(arm, "jacobian")}
    batch = problem.batch(N, np.random.default_rng(2))
    for arm in arms.values():
        arm.forward(*prepared(arm, batch))
    J = arms["tinymtl"].jacobian()
    for name in ("NumPy, plain", "NumPy, tuned", "NumPy, preallocated"):
        assert difference(arms[name].jacobian(), J) <= 1e-10
    times = race(
        {name: without_batch(arm.jacobian) for name, arm in arms.items()}, numbers, seconds
    )
    tiny, *others = arms
    for name in others:
        what = f"Jacobian, {T} tasks, batch {N:,} / {name}"
        print_row(what, times, tiny, name, targets.get(name))


def with_tasks(T) -> Problem:
    """The benchmark's problem with T tasks, whose kinds are those of its three tasks in turn."""
    kinds = [C for _, C in Problem().heads]
    return Problem(heads=tuple((f"task {t}", kinds[t % len(kinds)]) for t in range(T)))


def without_batch(function) -> Callable:
    """The function as an arm of a race: it takes a batch and ignores it."""

    def arm(batch):
        return function()

    return arm


def numbers(name, k):
    """Batches for arms that ignore them."""
    return range(k)


def large_tables(sizes, sparse, seconds, targets):
    """Step time over the step with the smallest tables; every step looks up new random rows."""
    rng = np.random.default_rng(2)
    problems = {V: Problem(rows=V) for V in sizes}
    arms = {V: TinyMTL(problem, sparse).step for V, problem in problems.items()}

    def draw(V, k):
        return [problems[V].batch(64, rng) for _ in range(k)]

    times = race(arms, draw, seconds)
    kind = "sparse" if sparse else "dense"
    first, *larger = sizes
    for V in larger:
        what = f"{kind} tables of {V:,} rows / of {first:,} rows"
        print_row(what, times, V, first, targets.get(V))


def growth(what, problems: dict[int, Problem], seconds):
    """A small table of its own: how the step grows with something, here and written by hand."""
    rng = np.random.default_rng(2)
    arms = {}
    ready = {}
    for n, problem in problems.items():
        tiny = TinyMTL(problem)
        plain = Plain(problem, tiny.θ.copy(), 64)
        same_numbers(problem, 64, {"tinymtl": tiny, "plain": plain})
        arms["tinymtl", n] = tiny.step
        arms["plain", n] = plain.step
        ready[n] = [problem.batch(64, rng) for _ in range(42)]

    def draw(name, k):
        _, n = name
        return ready[n][:k]

    times = race(arms, draw, seconds)
    columns = f"{'tinymtl µs':>12} {'× first':>8} {'plain µs':>12} {'× first':>8}"
    print(f"\n{what:<16} {columns} {'tinymtl / plain':>17}")
    first = next(iter(problems))
    for n in problems:
        line = f"{n:<16}"
        for name in ("tinymtl", "plain"):
            line += f" {µs(times, (name, n)):>12,.0f}"
            line += f" {paired(times, (name, n), (name, first)):>8.2f}"
        line += f" {paired(times, ('tinymtl', n), ('plain', n)):>17.2f}"
        print(line, flush=True)


def imports(rounds):
    """`import tinymtl` over `import numpy`, each in a new interpreter, its start not counted."""
    times = {"tinymtl": [], "numpy": []}
    # Both packages are compiled into a directory of our own, whatever the user's settings are.
    with tempfile.TemporaryDirectory() as cache:
        seconds_to_import("tinymtl", cache)  # compiles
        for _ in range(rounds):
            for package in times:
                times[package].append(seconds_to_import(package, cache))
    times = {package: np.array(each) for package, each in times.items()}
    print_row("import tinymtl / import numpy", times, "tinymtl", "numpy", 1.2)


def seconds_to_import(package, cache) -> float:
    """Import a package in a new interpreter, with its compiled files in the directory `cache`."""
    program = f"""
from time import {clock.__name__} as clock
start = clock()
import {package}
print(clock() - start)
"""
    environment = dict(os.environ, PYTHONPYCACHEPREFIX=cache)
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-c", program]
    return float(subprocess.check_output(command, cwd=root, env=environment))


def main():
    parser = argparse.ArgumentParser(description="tinymtl's speed, as ratios within one run")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="20 seconds instead of two minutes: fewer rounds, no tables of 500,000 rows",
    )
    quick = parser.parse_args().quick
    unit = 0.4 if quick else 5.0  # seconds for one comparison
    # Freed at once. On Linux it raises the size up to which the allocator keeps memory (see `fit`),
    # for all arms alike.
    np.empty(1 << 21)
    print(f"{'what':<58} {'tinymtl µs':>10} {'other µs':>10} {'ratio':>7}  target")
    training_step(64, 2 * unit, {"NumPy, plain": 1.25, "NumPy, preallocated": 1.4})
    training_step(1024, 2 * unit, {"NumPy, plain": 1.1})
    for T in (3, 8):
        jacobians(T, 64, unit, {"NumPy, plain": 1.45})
        jacobians(T, 1024, unit, {"NumPy, plain": 1.15})
    sizes = (500, 5_000, 50_000, 500_000)
    large_tables(sizes[: 3 if quick else 4], True, unit, {50_000: 1.25})
    large_tables(sizes[:3], False, unit, {})
    imports(5 if quick else 31)
    growth("tasks", {T: with_tasks(T) for T in (1, 4, 16, 100, 1000)}, unit)
    depths = {n: Problem(trunk=(32, *[64] * (n - 1), 32)) for n in (1, 2, 4, 8, 16)}
    growth("trunk layers", depths, unit)


if __name__ == "__main__":
    main()
