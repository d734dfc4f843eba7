"""Solutions of chapter 10, the shopping guide."""

import numpy as np


def parts_of_score(x, s, Z, W, a):
    bought = Z[x == 1]  # (n, H)
    z_bar = s @ Z
    return (bought - z_bar) @ W @ a / np.sqrt(len(bought))


def entropy(q):
    """In bits, over the last axis."""
    return -(q * np.log2(np.where(q > 0, q, 1))).sum(-1)


def best_of(p, questions):
    told = [entropy(p @ q) - p @ entropy(q) for q in questions]
    best = int(np.argmax(told))
    return best, told[best]


def gain(alone, shared):
    """The epoch was chosen on the test set, and the standard error was unpaired."""
    seeds = np.arange(len(alone["test"]))
    loss_alone = alone["test"][seeds, alone["validation"].argmin(1)]
    loss_shared = shared["test"][seeds, shared["validation"].argmin(1)]
    difference = loss_alone - loss_shared  # seed by seed
    return difference.mean(), difference.std(ddof=1) / np.sqrt(len(seeds))


def law(split):
    """Each row once, a customer in one part, no part empty, other seeds differ."""
    tests = []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        customers = rng.permutation(np.repeat(np.arange(50), 4))
        parts = [np.asarray(part) for part in split(customers, rng)]
        assert len(parts) == 3
        assert all(len(part) > 0 for part in parts)
        assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(200))
        of_parts = [set(customers[part].tolist()) for part in parts]
        assert sum(len(of_part) for of_part in of_parts) == 50
        tests.append(frozenset(of_parts[2]))
    assert len(set(tests)) > 1
