"""How fast is tinymtl? One table of ratios; nothing is asserted but that all arms compute the same numbers.

    python tests/benchmarks/step.py [--quick]

The arms of a comparison run in one process with one BLAS thread. They take turns: in each round every arm makes a few
calls, in rotated order. "Ratio" is the median over rounds of (tinymtl's time / the other's time) within the round:
a machine that is busy for a while slows both, and the ratio of such a round stays true, where a ratio of medians would
compare times from different rounds. The columns of µs are those medians. Time is processor time, which stands still while
another program has the core. The garbage collector is off while the clock runs.
"""

from __future__ import annotations

import os

for name in (
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
):  # before NumPy is imported
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

precise = time.get_clock_info("process_time").resolution < 1e-6  # not on every system
clock = time.process_time if precise else time.perf_counter


class Trunk(mtl.Module):
    """Two looked-up rows side by side, then dense layers with relu."""

    def __init__(self, problem: Problem, rng: np.random.Generator, sparse: bool):
        self.users = mtl.Embedding(problem.rows, problem.width, rng, sparse=sparse)
        self.items = mtl.Embedding(problem.rows, problem.width, rng, sparse=sparse)
        sizes = zip(problem.trunk, problem.trunk[1:])
        self.layers = mtl.Sequential(
            *[part for D, H in sizes for part in (mtl.Dense(D, H, rng), mtl.relu)]
        )

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
    """Let all arms make the same steps; their largest relative differences from the first arm, in losses and θ."""
    rng, (first, *others), differs = np.random.default_rng(1), arms, {}
    batches = [problem.batch(N, rng) for _ in range(steps)]
    losses = {
        name: np.array([arm.step(prepared(arm, batch)) for batch in batches])
        for name, arm in arms.items()
    }
    for name in others:
        differs[name] = max(
            difference(losses[name], losses[first]), difference(arms[name].θ, arms[first].θ)
        )
        assert differs[name] <= tolerance, (
            f"{name} and {first} differ by {differs[name]:.1e} after {steps} steps"
        )
    return differs


def difference(a: np.ndarray, b: np.ndarray) -> float:
    return float(abs(a - b).max() / abs(b).max())


def prepared(arm, batch):
    return arm.prepare(*batch) if hasattr(arm, "prepare") else batch


def all_arms(problem: Problem, N: int) -> dict:
    """tinymtl first, and every other arm from the same start."""
    tiny = TinyMTL(problem)
    others = {
        "NumPy, plain": Plain,
        "NumPy, tuned": Tuned,
        "NumPy, preallocated": Preallocated,
        **frameworks.installed,
    }
    return {"tinymtl": tiny} | {
        name: arm(problem, tiny.θ.copy(), N) for name, arm in others.items()
    }


def race(arms: dict[str, Callable], draw: Callable, seconds: float) -> dict[str, np.ndarray]:
    """Seconds per call, one number a round: arms are functions of a batch, `draw(name, k)` gives k batches."""
    calls = {name: duration(arm, draw(name, 8)) for name, arm in arms.items()}
    calls = {name: int(np.clip(0.002 / each, 1, 40)) for name, each in calls.items()}
    names, times, end, turn = (
        list(arms),
        {name: [] for name in arms},
        time.perf_counter() + seconds,
        0,
    )
    gc.collect()
    gc.freeze()  # what is alive now need not be looked at again in every round
    gc.disable()
    while time.perf_counter() < end or turn < 5:
        gc.collect()
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            times[name].append(duration(arms[name], draw(name, calls[name] + 2)))
        turn += 1
    gc.unfreeze()
    gc.enable()
    return {name: np.array(each) for name, each in times.items()}


def duration(arm, batches):
    """Seconds per call, after two calls that only warm the caches."""
    arm(batches[0])
    arm(batches[1])
    start = clock()
    for batch in batches[2:]:
        arm(batch)
    return (clock() - start) / (len(batches) - 2)


def paired(times, a, b) -> float:
    return float(np.median(times[a] / times[b]))


def µs(times, name) -> float:
    return 1e6 * float(np.median(times[name]))


def row(what, mine, other, ratio, target=None):
    verdict = "" if target is None else f"≤ {target:<5g} {'ok' if ratio <= target else 'over'}"
    print(
        f"{what:<58} {mine:>10,.0f} {other:>10,.0f} {ratio:>7.2f}  {verdict}".rstrip(), flush=True
    )


def training_step(N, seconds, targets):
    problem = Problem()
    arms = all_arms(problem, N)
    same_numbers(problem, N, arms)
    rng = np.random.default_rng(2)
    batches = [problem.batch(N, rng) for _ in range(42)]
    ready = {name: [prepared(arm, batch) for batch in batches] for name, arm in arms.items()}
    times = race(
        {name: arm.step for name, arm in arms.items()}, lambda name, k: ready[name][:k], seconds
    )
    for name in list(arms)[1:]:
        row(
            f"training step, batch {N:,} / {name}",
            µs(times, "tinymtl"),
            µs(times, name),
            paired(times, "tinymtl", name),
            targets.get(name),
        )


def jacobians(T, N, seconds, targets):
    """The T passes alone; the forward pass was made before."""
    kinds = [C for _, C in Problem().heads]
    problem = Problem(heads=tuple((f"task {t}", kinds[t % len(kinds)]) for t in range(T)))
    arms = {name: arm for name, arm in all_arms(problem, N).items() if hasattr(arm, "jacobian")}
    batch = problem.batch(N, np.random.default_rng(2))
    for arm in arms.values():
        arm.forward(*prepared(arm, batch))
    J = arms["tinymtl"].jacobian()
    for name in ("NumPy, plain", "NumPy, tuned", "NumPy, preallocated"):
        assert difference(arms[name].jacobian(), J) <= 1e-10
    times = race(
        {name: lambda _, arm=arm: arm.jacobian() for name, arm in arms.items()},
        lambda name, k: range(k),
        seconds,
    )
    for name in list(arms)[1:]:
        row(
            f"Jacobian, {T} tasks, batch {N:,} / {name}",
            µs(times, "tinymtl"),
            µs(times, name),
            paired(times, "tinymtl", name),
            targets.get(name),
        )


def large_tables(sizes, sparse, seconds, targets):
    """Step time over the step with the smallest tables; every step looks up new random rows."""
    rng = np.random.default_rng(2)
    problems = {str(V): Problem(rows=V) for V in sizes}
    arms = {name: TinyMTL(problem, sparse) for name, problem in problems.items()}
    times = race(
        {name: arm.step for name, arm in arms.items()},
        lambda name, k: [problems[name].batch(64, rng) for _ in range(k)],
        seconds,
    )
    first, *larger = map(str, sizes)
    for name in larger:
        what = f"{'sparse' if sparse else 'dense'} tables of {int(name):,} rows / of {int(first):,} rows"
        row(what, µs(times, name), µs(times, first), paired(times, name, first), targets.get(name))


def growth(what, problems: dict[int, Problem], seconds):
    """A small table of its own: how the step grows with something, here and written by hand."""
    print(
        f"\n{what:<16} {'tinymtl µs':>12} {'× first':>8} {'plain µs':>12} {'× first':>8} {'tinymtl / plain':>17}"
    )
    arms, ready, rng = {}, {}, np.random.default_rng(2)
    for n, problem in problems.items():
        tiny = TinyMTL(problem)
        plain = Plain(problem, tiny.θ.copy(), 64)
        same_numbers(problem, 64, {"tinymtl": tiny, "plain": plain})
        arms["tinymtl", n], arms["plain", n] = tiny.step, plain.step
        ready[n] = [problem.batch(64, rng) for _ in range(42)]
    times = race(arms, lambda name, k: ready[name[1]][:k], seconds)
    first = next(iter(problems))
    for n in problems:
        mine, plain = ("tinymtl", n), ("plain", n)
        print(
            f"{n:<16} {µs(times, mine):>12,.0f} {paired(times, mine, ('tinymtl', first)):>8.2f}"
            f" {µs(times, plain):>12,.0f} {paired(times, plain, ('plain', first)):>8.2f} {paired(times, mine, plain):>17.2f}",
            flush=True,
        )


def imports(rounds):
    """`import tinymtl` over `import numpy`, each in a new interpreter, without the interpreter's own start."""
    program = f"from time import {clock.__name__} as clock; start = clock(); import PACKAGE; print(clock() - start)"
    times = {"tinymtl": [], "numpy": []}
    with (
        tempfile.TemporaryDirectory() as cache
    ):  # compiled files of both are kept there, whatever the user's settings
        env = {
            name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"
        } | {"PYTHONPYCACHEPREFIX": cache}
        run = lambda package: subprocess.check_output(
            [sys.executable, "-c", program.replace("PACKAGE", package)], cwd=root, env=env
        )
        run("tinymtl")  # compiles
        for _ in range(rounds):
            for package in times:
                times[package].append(float(run(package)))
    times = {package: np.array(each) for package, each in times.items()}
    row(
        "import tinymtl / import numpy",
        µs(times, "tinymtl"),
        µs(times, "numpy"),
        paired(times, "tinymtl", "numpy"),
        1.2,
    )


def main():
    parser = argparse.ArgumentParser(description="tinymtl's speed, as ratios within one run")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="20 seconds instead of two minutes: fewer rounds, no tables of 500,000 rows",
    )
    quick = parser.parse_args().quick
    unit = 0.4 if quick else 5.0  # seconds for one comparison
    np.empty(
        1 << 21
    )  # freed at once; raises the size up to which Linux's allocator keeps memory, in all arms alike (see fit)
    print(f"{'what':<58} {'tinymtl µs':>10} {'other µs':>10} {'ratio':>7}  target")
    training_step(64, 2 * unit, {"NumPy, plain": 1.25, "NumPy, preallocated": 1.4})
    training_step(1024, 2 * unit, {"NumPy, plain": 1.1})
    for T in (3, 8):
        jacobians(T, 64, unit, {"NumPy, plain": 1.45})
        jacobians(T, 1024, unit, {"NumPy, plain": 1.15})
    sizes = (500, 5_000, 50_000, 500_000)
    large_tables(sizes[: 3 if quick else 4], True, unit, {"50000": 1.25})
    large_tables(sizes[:3], False, unit, {})
    imports(5 if quick else 31)
    kind = Problem().heads
    growth(
        "tasks",
        {
            T: Problem(heads=tuple((f"task {t}", kind[t % 3][1]) for t in range(T)))
            for T in (1, 2, 4, 8, 16)
        },
        unit,
    )
    growth(
        "trunk layers",
        {n: Problem(trunk=(32, *[64] * (n - 1), 32)) for n in (1, 2, 4, 8, 16)},
        unit,
    )


if __name__ == "__main__":
    main()
