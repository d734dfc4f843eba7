"""Checkers for chapter 4, hard sharing."""

import numpy as np
import tinymtl as mtl

from . import catches, exercise, expect, numbers


@exercise("4.1")
def check_counts(counts):
    for D, H, outputs in ((6, 16, [1, 3]), (10, 4, [2]), (3, 5, [1, 1, 7])):
        alone, hard = _counted(D, H, outputs)
        answer = numbers(counts(D, H, outputs), (2,), "(alone, hard)")
        known = {
            "Alone has a trunk for each task; you counted one.": (hard, hard),
            "Hard sharing has one trunk; you counted several.": (alone, alone),
        }
        known |= _slips_of_counts(D, H, outputs, answer)
        expect(
            answer,
            (alone, hard),
            "(alone, hard)",
            given=f"for D = {D}, H = {H}, outputs = {outputs}",
            known=known,
            hint="The trunk has two layers. Every head counts once in both.",
        )


def _slips_of_counts(D, H, outputs, answer):
    """Sentence -> the counts with this slip."""
    layers = [D * H + H, H * H + H]
    heads = sum(H * C + C for C in outputs)
    weights_alone = D * H + H * H, sum(H * C for C in outputs)
    of_slips = {
        "The second layer of the trunk gets H numbers, not D.": (2 * layers[0], heads),
        "A dense layer has as many biases as outputs, also in the second layer.": (
            layers[0] + H * H,
            heads,
        ),
        "A dense layer has one bias for each of its outputs, not one in all.": (
            weights_alone[0] + 2,
            weights_alone[1] + len(outputs),
        ),
        "A head has one bias for each of its outputs, not one in all.": (
            sum(layers),
            weights_alone[1] + len(outputs),
        ),
        "Every task has a head of its own; you counted the first alone.": (
            sum(layers),
            H * outputs[0] + outputs[0],
        ),
        "The heads are missing.": (sum(layers), 0),
        "The second layer of the trunk is missing.": (layers[0], heads),
        "A head begins where the trunk ends, with H numbers and not with D.": (
            sum(layers),
            sum(D * C + C for C in outputs),
        ),
    }
    known = {}
    heads_of_all = heads
    for sentence, (trunk, heads) in of_slips.items():
        known[sentence] = len(outputs) * trunk + heads, trunk + heads
    T = len(outputs)
    known["Alone, each task has its own head, not all heads."] = (
        T * (sum(layers) + heads_of_all),
        sum(layers) + heads_of_all,
    )
    known["The heads are missing in hard sharing: each task has one there too."] = (
        T * sum(layers) + heads_of_all,
        sum(layers),
    )
    for of_trunk, of_heads in ((0, 0), (0, 1), (1, 0)):
        without_biases = _counts(D, H, outputs, of_trunk, of_heads)
        if np.allclose(answer, without_biases):
            sentence = "Every dense layer has biases too, one for each output."
            known[sentence] = without_biases
    return known


def _counted(D, H, outputs):
    """(alone, hard) by the package's own models."""
    rng = np.random.default_rng(0)
    layers = [mtl.Dense(D, H, rng), mtl.relu, mtl.Dense(H, H, rng), mtl.relu]
    trunk = mtl.Sequential(*layers)
    heads = {f"task {t}": mtl.Dense(H, C, rng) for t, C in enumerate(outputs)}
    alone = mtl.SingleTask(trunk, heads)
    hard = mtl.HardSharing(trunk, heads)
    return alone.counts()["total"], hard.counts()["total"]


def _counts(D, H, outputs, of_trunk, of_heads):
    """(alone, hard), with the biases of trunk and heads (1) or without them (0)."""
    trunk = D * H + H * H + of_trunk * 2 * H
    heads = sum(H * C + of_heads * C for C in outputs)
    return len(outputs) * trunk + heads, trunk + heads


@exercise("4.2")
def check_gain_of_pooling(gain_of_pooling):
    cases = [
        (10, 100, 1.0, 0.05),
        (10, 10, 1.0, 0.05),
        (50, 20, 2.0, 0.1),
        (5, 1000, 1.0, 0.2),
    ]
    for n1, n2, noise, spread in cases:
        gain = _gain(n1, n2, noise, spread)
        known = {
            "β₁ − β₂ is the difference of two independent parts, so its variance "
            "is larger than τ².": _gain(n1, n2, noise, spread / 2),
            "The bias is missing: even without noise the model for both misses the "
            "truth of each.": _gain(n1, n2, noise, 0.0),
            "That is what equal weights gain; here all labels count alike.": _gain(
                n1, n2, noise, spread, a1=0.5
            ),
            "That is the error of pooling; the gain is the error alone minus it.": (
                np.array([noise / n1, noise / n2]) - gain
            ),
            "The factors of the two biases are exchanged: who pulls whom?": _gain(
                n1, n2, noise, spread, exchanged=True
            ),
        }
        known |= _slips_of_gain(n1, n2, noise, spread)
        expect(
            gain_of_pooling(n1, n2, noise, spread),
            gain,
            "(gain of branch 1, gain of branch 2)",
            given=f"n₁ = {n1}, n₂ = {n2}, σ² = {noise}, τ² = {spread}",
            known=known,
            hint="Test the parts by themselves: with τ² = 0 only noise is left, and "
            "with σ² = 0 only bias.",
        )


def _gain(n1, n2, noise, spread, a1=None, exchanged=False):
    """The gains from the variances of b₁, b₂ and β₁ − β₂.

    a1: the weight that pooling gives to b₁; None is that of its labels
    exchanged: whether the factors of the two biases are
    """
    if a1 is None:
        a1 = n1 / (n1 + n2)
    a2 = 1 - a1
    pooled_noise = a1**2 * noise / n1 + a2**2 * noise / n2
    biases = np.array([a2**2, a1**2]) * 2 * spread
    if exchanged:
        biases = biases[::-1]
    return np.array([noise / n1, noise / n2]) - pooled_noise - biases


def _slips_of_gain(n1, n2, noise, spread):
    """Sentence -> the gains with this slip in one of the two parts."""
    N = n1 + n2
    alone = np.array([noise / n1, noise / n2])
    share_of_other = np.array([n2, n1]) / N
    bias = 2 * spread * share_of_other**2
    of_noise = noise / N
    not_squared = "A factor c multiplies a variance by c², and here a_t counts once"
    return {
        "That is the gain relative to the error alone; the difference is asked for.": (
            (alone - of_noise - bias) / alone
        ),
        "The noise of the pooled weights is a mean by a_t, not a sum: a_t² is "
        "missing.": alone - alone.sum() - bias,
        f"{not_squared}, in the noise.": alone - 2 * of_noise - bias,
        f"{not_squared}, in the bias.": (
            alone - of_noise - 2 * spread * share_of_other
        ),
        f"{not_squared}.": alone - 2 * of_noise - 2 * spread * share_of_other,
        "The bias is the share of the other branch times β₂ − β₁; the share is "
        "missing.": alone - of_noise - 2 * spread,
        "That is the bias of (4.5), where both have as many labels.": (
            alone - of_noise - spread / 2
        ),
        "The bias makes pooling worse, so it lowers the gain.": alone - of_noise + bias,
    }


def problem(seed, T=3):
    """Random (A, heads, X, targets, w) of T tasks."""
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(4, 2))
    X = rng.normal(size=(7, 4))
    names = [f"task {t}" for t in range(T)]
    heads = {t: rng.normal(size=2) for t in names}
    targets = {t: rng.normal(size=7) for t in names}
    w = dict(zip(names, rng.uniform(0.5, 2, T)))
    return A, heads, X, targets, w


def as_given(w, t):
    return w[t]


def squared(w, t):
    return w[t] ** 2


def of_the_last(w, t):
    return list(w.values())[-1]


def over_tasks(w, t):
    return w[t] / len(w)


def all_one(w, t):
    return 1.0


def of_sum_one(w, t):
    return w[t] / sum(w.values())


def by_rows(A, heads, X, targets, w, *, factor=2.0, tasks=slice(None), weigh=as_given):
    """The gradient, one example and one task at a time, with places to go wrong.

    factor: what the derivative of the square begins with
    tasks: which tasks count
    weigh: (weights, task) -> its factor
    """
    total = np.zeros_like(A)
    for t in list(heads)[tasks]:
        for x, y in zip(X, targets[t]):
            residual = x @ A @ heads[t] - y
            of_example = factor * residual * np.outer(x, heads[t])
            total += weigh(w, t) * of_example / len(X)
    return total


last_alone = slice(-1, None)
first_alone = slice(1)
first_two = slice(2)


def slip(**changed):
    """`by_rows` with a slip."""

    def wrong(*given):
        return by_rows(*given, **changed)

    return wrong


def sum_over_examples(A, heads, X, targets, w):
    return len(X) * by_rows(A, heads, X, targets, w)


def no_targets(A, heads, X, targets, w):
    nothing = {t: np.zeros(len(X)) for t in targets}
    return by_rows(A, heads, X, nothing, w)


def heads_in_another_order(A, heads, X, targets, w):
    """Task t's residual meets the head of the task before."""
    total = np.zeros_like(A)
    before = list(heads.values())[-1]
    for t, c in heads.items():
        residual = X @ A @ c - targets[t]
        total += w[t] * 2 * X.T @ np.outer(residual, before) / len(X)
        before = c
    return total


def one_column(A, heads, X, targets, w):
    gradient = by_rows(A, heads, X, targets, w)
    gradient[:, 1:] = 0
    return gradient


def in_one_product(A, heads, X, targets, w):
    """Right: all tasks at once, as one matrix of weighted residuals."""
    C = np.stack(list(heads.values()), 1)  # (H, T)
    Y = np.stack([targets[t] for t in heads], 1)  # (N, T)
    weights = np.array([w[t] for t in heads])
    return 2 / len(X) * X.T @ ((X @ A @ C - Y) * weights) @ C.T


@exercise("4.3")
def check_trunk_gradient(trunk_gradient):
    for T in (3, 1, 2):
        given = problem(T, T)
        expect(
            trunk_gradient(*given),
            by_rows(*given),
            "the gradient",
            given="with one task" if T == 1 else f"with {T} tasks",
            known=_slips(given),
            hint="Begin with one task, where the code as it was given is right. Then "
            "ask what a second one should add.",
        )


def _slips(given):
    """Sentence -> the gradient with this slip."""
    return {
        "That is the gradient of the last task alone: the others were "
        "overwritten.": by_rows(*given, tasks=last_alone),
        "That is the gradient of the first task alone: does the loop end too "
        "early?": by_rows(*given, tasks=first_alone),
        "The tasks are to be summed, not averaged.": slip(weigh=over_tasks)(*given),
        "The weights are missing.": slip(weigh=all_one)(*given),
        "Each weight counts once, and here twice.": slip(weigh=squared)(*given),
        "All tasks have the weight of the last: multiply by w[t] inside the loop.": (
            slip(weigh=of_the_last)(*given)
        ),
        "The sum has to start at 0, not at A.": given[0] + by_rows(*given),
        "The loss is a mean over the N examples, and this is a sum.": sum_over_examples(
            *given
        ),
        "The weights are used as they are: they need not sum to 1.": slip(
            weigh=of_sum_one
        )(*given),
    }


@exercise("4.4")
def check_law(law):
    right = [by_rows, in_one_product]
    wrong = {
        "uphill for downhill": slip(factor=-2.0),
        "the 2 of the square is forgotten": slip(factor=1.0),
        "only the last task counts": slip(tasks=last_alone),
        "the mean over tasks instead of the sum": slip(weigh=over_tasks),
        "the weights are forgotten": slip(weigh=all_one),
        "the weights are divided by their sum": slip(weigh=of_sum_one),
        "a sum over the examples instead of their mean": sum_over_examples,
        "the targets are forgotten": no_targets,
        "a task's residual meets the head of another task": heads_in_another_order,
        "only the first column of A gets a gradient (look at all entries)": one_column,
        "from the third task on tasks are left out (try three tasks)": slip(
            tasks=first_two
        ),
    }
    catches(law, right, wrong)
