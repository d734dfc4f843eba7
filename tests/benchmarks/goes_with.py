"""What goes with a product: plain co-purchase against the recommend head with a basket of one.

    python tests/benchmarks/goes_with.py [--seeds 10]

For every product j that at least eight test households buy, each way names the four products that
go with it best, none of them of j's own type. The measure is by how much more often the test
households that buy j buy these four than all test households do:

    uplift = mean over j and the four i of  share(i | j) − share(i)

Neither way has seen the test households. All of it is within 40 weeks, not within one trip.
"""

import argparse

import numpy as np

from tinymtl.sharing import evaluating
from tinymtl.shop.experiment import train
from tinymtl.shop.purchases import load
from tinymtl.shop.reasons import AlsoBought
from tinymtl.shop.split import Condition

NAMED = 4
FEWEST = 8  # test households that buy a product


def head_chances(model):
    """For a basket of each single product, how likely every product is in it as well."""
    head = model.heads["recommend"]
    with evaluating(model):
        Z = model.trunk(model.encoders["answer"](np.arange(1000)))
        single = np.eye(1000, dtype=bool)
        logits = head.scores(single, Z, head.appeal(Z).T, "hidden").data
    return 1 / (1 + np.exp(-logits))


def uplift(order, early, kinds):
    """The uplift of the four products that stand first in each row of `order` (1000, 1000)."""
    share = early.mean(0)
    gains = []
    for j in np.flatnonzero(early.sum(0) >= FEWEST):
        of_other_kinds = np.where(kinds == kinds[j], -np.inf, order[j])
        best = np.argsort(-of_other_kinds)[:NAMED]
        gains.append((early[early[:, j]][:, best].mean(0) - share[best]).mean())
    return np.mean(gains)


def run(seed):
    """The uplift of co-purchase, and that of the head's chances less their mean over baskets."""
    model, split, _ = train(seed, Condition(), "hard")
    early = split.bought["early"]
    test = early[split.households["test"]]
    kinds = load().type
    also = AlsoBought(early[split.households["train"]])
    together = np.stack([also.more_often(np.array([j])) for j in range(1000)])
    chances = head_chances(model)
    orders = {
        "co-purchase": together,
        "head": chances - chances.mean(0),
        "head, not centred": chances,
    }
    return [uplift(order, test, kinds) for order in orders.values()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    n_seeds = parser.parse_args().seeds
    results = np.array([run(seed) for seed in range(n_seeds)])
    for name, values in zip(("co-purchase", "head", "head, not centred"), results.T):
        error = values.std(ddof=1) / np.sqrt(n_seeds)
        print(f"{name:20} uplift {values.mean():.3f} ± {error:.3f}")
    for name, column in (("head", 1), ("head, not centred", 2)):
        gain = results[:, column] - results[:, 0]
        error = gain.std(ddof=1) / np.sqrt(n_seeds)
        print(f"{name} over co-purchase, paired: {gain.mean():+.3f} ± {error:.3f}")


if __name__ == "__main__":
    main()
