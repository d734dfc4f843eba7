"""What a rule for the weights costs.

    .venv/bin/python tests/benchmarks/rules.py

Two numbers for each rule: its own microseconds, and its training step as a multiple of the plain
sum's. A rule of the losses costs one backward pass, a rule of the Gramian T. The step is that of
hard sharing with T regression tasks, 64 examples each, a trunk of 32 and 64 units. The numbers are
medians over rounds in which every rule takes its turn.
"""

import inspect
import time

import numpy as np

import tinymtl as mtl

ROUNDS = 7
STEPS = 30
SIZES = (3, 8)  # numbers of tasks


def made(name):
    """A rule by name; those with chance get a generator."""
    rule = getattr(mtl.weighting, name)
    if not inspect.isclass(rule):
        return rule
    if "rng" in inspect.signature(rule).parameters:
        return rule(np.random.default_rng(0))
    return rule()


def microseconds_alone(rule, T, calls=100):
    rng = np.random.default_rng(0)
    J = rng.standard_normal((T, 50)) * 0.1
    losses = rng.uniform(0.5, 2, T)
    G = J @ J.T
    started = time.perf_counter()
    for _ in range(calls):
        rule(losses, G)
    return (time.perf_counter() - started) / calls * 1e6


def step_seconds(rule, T):
    rng = np.random.default_rng(0)
    data = {}
    for t in range(T):
        data[f"task {t}"] = (rng.standard_normal((64, 16)), rng.standard_normal((64, 1)))
    trunk = mtl.Sequential(mtl.Dense(16, 32, rng), mtl.relu, mtl.Dense(32, 64, rng), mtl.relu)
    model = mtl.HardSharing(trunk, {t: mtl.Dense(64, 1, rng) for t in data})
    history = mtl.fit(
        model,
        data,
        dict.fromkeys(data, mtl.mse),
        weights=rule,
        optimizer=mtl.SGD(1e-3),
        steps=STEPS,
        quiet=True,
    )
    return history.seconds[-1] / STEPS


def measured():
    """Two dicts (rule, T) -> a number for each round: microseconds alone, and seconds a step."""
    alone = {(name, T): [] for name in mtl.weighting.__all__ for T in SIZES}
    step = {(name, T): [] for name in mtl.weighting.__all__ for T in SIZES}
    for _ in range(ROUNDS):
        for name, T in alone:
            alone[name, T].append(microseconds_alone(made(name), T))
            step[name, T].append(step_seconds(made(name), T))
    return alone, step


def main():
    alone, step = measured()
    print(" " * 15 + "".join(f"{f'T = {T}: µs':>12}{'step / equal':>14}" for T in SIZES))
    for name in mtl.weighting.__all__:
        line = f"{name:15}"
        for T in SIZES:
            ratio = np.median(np.array(step[name, T]) / np.array(step["equal", T]))
            line += f"{np.median(alone[name, T]):12.0f}{ratio:14.2f}"
        print(line)


if __name__ == "__main__":
    main()
