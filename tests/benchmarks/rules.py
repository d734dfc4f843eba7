"""What a rule for the weights costs: its own microseconds, and its training step as a multiple of the plain sum's.

    .venv/bin/python tests/benchmarks/rules.py

A rule of the losses costs one backward pass, a rule of the Gramian T. The step is that of hard sharing with T
regression tasks, 64 examples each, a trunk of 32 and 64 units. Medians over rounds in which every rule takes its turn.
"""

import time

import numpy as np

import tinymtl as mtl

ROUNDS, STEPS = 7, 30


def made(name):
    rule = getattr(mtl.weighting, name)
    if not isinstance(rule, type):
        return rule
    return rule(np.random.default_rng(0)) if name in ("Random", "PCGrad") else rule()


def microseconds_alone(rule, T, calls=100):
    rng = np.random.default_rng(0)
    J, losses = rng.standard_normal((T, 50)) * 0.1, rng.uniform(0.5, 2, T)
    G = J @ J.T
    started = time.perf_counter()
    for _ in range(calls):
        rule(losses, G)
    return (time.perf_counter() - started) / calls * 1e6


def step_seconds(rule, T):
    rng = np.random.default_rng(0)
    data = {
        f"task {t}": (rng.standard_normal((64, 16)), rng.standard_normal((64, 1))) for t in range(T)
    }
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


def main():
    print(f"{'':15}{'T = 3: µs':>12}{'step / equal':>14}{'T = 8: µs':>12}{'step / equal':>14}")
    times = {(name, T): [] for name in mtl.weighting.__all__ for T in (3, 8)}
    for _ in range(ROUNDS):
        for name, T in times:
            times[name, T].append((microseconds_alone(made(name), T), step_seconds(made(name), T)))
    for name in mtl.weighting.__all__:
        cells = []
        for T in (3, 8):
            alone = np.median([µs for µs, _ in times[name, T]])
            ratio = np.median(
                [step / plain for (_, step), (_, plain) in zip(times[name, T], times["equal", T])]
            )
            cells.append(f"{alone:12.0f}{ratio:14.2f}")
        print(f"{name:15}{''.join(cells)}")


if __name__ == "__main__":
    main()
