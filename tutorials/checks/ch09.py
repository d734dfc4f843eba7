"""Checkers for chapter 9, tasks that differ."""

import numpy as np

from . import Wrong, catches, exercise, expect


def powers(n, exponent):
    """n to a power, divided by the sum; n in units of its largest, against overflow."""
    n = np.asarray(n, float)
    raised = (n / n.max()) ** exponent
    return raised / raised.sum()


@exercise("9.1")
def check_multipliers(multipliers):
    cases = [
        ([900, 100], 1, [1.0, 2.0]),
        ([900, 100], 2, [1.0, 3.0]),
        ([8, 1, 27], 3, [0.5, 1.0, 2.0]),
        ([500, 20, 60, 7], 1e9, [1.0, 0.2, 3.0, 1.0]),
    ]
    for n, tau, w in cases:
        n = np.array(n)
        w = np.array(w)
        p = powers(n, 1 / tau)
        root = "n is raised to 1/τ: τ is in the denominator of the exponent."
        sizes = "the sizes of v matter, not only their ratios."
        known = {
            "That is p w, which counts the shares twice. Divide by p.": p * w,
            "That is p, the shares. By what must each be multiplied to become w?": p,
            "The weights w are missing.": 1 / p,
            "The order is turned round: that is p divided by w.": p / w,
            "p must sum to 1 before you divide by it.": w / n ** (1 / tau),
            f"Do not divide by the sum: {sizes}": w / p / (w / p).sum(),
            f"Do not divide by the mean: {sizes}": w / p / (w / p).mean(),
        }
        if 1 < tau < 100:
            known[root] = w / powers(n, tau)
            known["The temperature is not used."] = w / powers(n, 1)
        expect(
            multipliers(n, tau, w),
            w / p,
            "v",
            f"with n = {n}, τ = {tau:g}, w = {w}",
            known,
            "A drawn task adds p v g to the mean step: this has to be w g.",
        )


@exercise("9.2")
def check_word_weights(word_weights):
    rng = np.random.default_rng(0)
    first = np.array([[1, 1, 0, 0], [1, 1, 1, 1]], bool)
    with_empty = np.array([[1, 0, 0], [0, 0, 0], [1, 1, 1]], bool)
    scattered = rng.random((4, 6)) < 0.5
    scattered[:, 0] = [True, True, True, False]
    scattered[3] = False
    for present in (first, with_empty, scattered, rng.random((5, 3)) < 0.8):
        N, L = present.shape
        rows = [int(row.sum()) for row in present]
        counted = sum(1 for s in rows if s)
        expected = np.zeros((N, L))
        not_divided = np.zeros((N, L))
        for k, s in enumerate(rows):
            if s:
                expected[k, present[k]] = 1 / (counted * s)
                not_divided[k, present[k]] = 1 / s
        everywhere = np.zeros((N, L))
        for k, s in enumerate(rows):
            everywhere[k] = 1 / (counted * s) if s else 0
        answer = word_weights(present)
        given = f"with s = {rows} labels in the lines of length {L}"
        try:
            is_finite = np.isfinite(np.asarray(answer, float)).all()
        except (TypeError, ValueError):
            is_finite = True  # whatever it is, `expect` says it
        if answer is not None and not is_finite:
            raise Wrong(f"{given}: not finite. A line without a label divides by 0.")
        known = {
            "That is the token mean: each word the same.": present / present.sum(),
            "A line without any label does not count in N.": expected * counted / N,
            "Divide by the number of lines too: the weights should sum to 1.": (
                not_divided
            ),
            "Divide by the labels of a line, not by its length with the filling.": (
                present / (counted * L)
            ),
            "Divide by the labels of a line, not by the length of the rows.": (
                present / (N * L)
            ),
            "The filling has no label: its weight is 0.": everywhere,
        }
        if N != L:
            columns = present.sum(0)
            known["s is summed over the wrong axis: a row is a line."] = present / (
                max((columns > 0).sum(), 1) * np.maximum(columns, 1)
            )
        expect(
            answer,
            expected,
            "the weights",
            given,
            known,
            "A word of a line with s labels weighs 1/(N s), where it has a label.",
        )


@exercise("9.3")
def check_loss_and_gradient(loss_and_gradient):
    for N, gaps in ((4, 0), (5, 2), (6, 5), (3, 3)):
        rng = np.random.default_rng(10 * N + gaps)
        p = rng.normal(size=N).round(2)
        y = rng.normal(size=N).round(2)
        present = rng.permutation(N) >= gaps
        y[~present] = np.nan
        count = N - gaps
        expected = 0.0
        slope = np.zeros(N)
        for n in range(N):
            if present[n]:
                expected += (p[n] - y[n]) ** 2 / count
                slope[n] = 2 * (p[n] - y[n]) / count
        given = f"with {count} of {N} labels present"
        answer = loss_and_gradient(p, y, present)
        if not isinstance(answer, (tuple, list)) or len(answer) != 2:
            raise Wrong("(loss, gradient) expected, two things in this order")
        for part, name in zip(answer, ("loss", "gradient")):
            if part is not None and not np.isfinite(np.asarray(part, float)).all():
                why = "False * NaN is NaN: choose first, then square."
                if count == 0:
                    why = "Without a label there is nothing to divide by."
                raise Wrong(f"{given}: the {name} is not finite. {why}")
        as_zero = np.where(present, p - np.nan_to_num(y), p)
        all_labels = "Divided by all examples: divide by the labels present."
        total = "A mean over the labels present is asked for, not a sum."
        zeros = "A missing label is not a label of 0."
        known = {
            all_labels: expected * count / N,
            total: expected * count,
            zeros: (as_zero**2).mean(),
        }
        hint = "Put 0 for the residual of a missing label, and divide as in (9.4)."
        expect(answer[0], expected, "the loss", given, known, hint)
        if count:
            only = slope[present]
            if np.size(answer[1]) == count < N and np.allclose(answer[1], only):
                raise Wrong(
                    f"{given}: the gradient should have shape ({N},), with 0 where a "
                    f"label is missing, got shape {np.shape(answer[1])}"
                )
        known = {
            all_labels: slope * count / N,
            total: slope * count,
            zeros: 2 * as_zero / N,
        }
        expect(answer[1], slope, "the gradient", given, known, hint)


@exercise("9.4")
def check_gap(gap_of_many):
    for T, P, rate in ((2, 2, 0.1), (3, 2, 0.5), (4, 3, 0.2), (1, 3, 0.1)):
        rng = np.random.default_rng(T)
        A = rng.integers(-2, 3, (T, P, P)).astype(float)
        H = A + A.transpose(0, 2, 1)  # symmetric
        g = rng.integers(-3, 4, (T, P)).astype(float) + 0.5
        pairs = np.einsum("tij,sj->tsi", H, g)  # H_t g_s
        before = np.tril(np.ones((T, T)), -1)[:, :, None]
        expected = rate**2 * (pairs * before).sum((0, 1))
        neighbours = rate**2 * (pairs * np.eye(T, k=-1)[:, :, None]).sum((0, 1))
        all_pairs = rate**2 * (pairs * (1 - np.eye(T))[:, :, None]).sum((0, 1))
        own_too = rate**2 * (pairs * np.tril(np.ones((T, T)))[:, :, None]).sum((0, 1))
        after = rate**2 * (pairs * np.triu(np.ones((T, T)), 1)[:, :, None]).sum((0, 1))
        known = {}
        if T > 1:
            known = {
                "The learning rate comes squared.": expected / rate,
                "The factor η² is missing.": expected / rate**2,
                "That is the other order: the tasks before t move the point at which "
                "t takes its gradient.": after,
                "A task's own step does not move the point at which it took its "
                "gradient: s < t, not s ≤ t.": own_too,
                "Of a pair only the later task takes its gradient elsewhere: s < t.": (
                    all_pairs
                ),
            }
        if T > 1:
            both_ends = np.zeros(P)  # all steps in turn, with every power of η
            for H_t, g_t in zip(H, g):
                both_ends = both_ends - rate * (g_t + H_t @ both_ends)
            known["That is the whole gap; asked is the part with η² alone."] = (
                both_ends + rate * g.sum(0)
            )
            known["That is each task's own gradient; the earlier tasks moved it."] = (
                rate** 2 * np.einsum("tij,tj->i", H, g)
            )
        if T > 2:
            known[
                "Only the task just before is counted: all earlier tasks have moved."
            ] = neighbours
            last = rate**2 * H[-1] @ g[:-1].sum(0)
            known["Only the last task is counted: each task but the first adds."] = last
            first = rate**2 * H[1] @ g[0]
            known["That is the gap of the first two tasks alone."] = first
        expect(
            gap_of_many(H, g, rate),
            expected,
            "the gap",
            f"with T = {T}, P = {P}, η = {rate}",
            known,
            "Each task takes its gradient where the tasks before it have led. "
            "How far has its gradient changed by then?",
        )


# The law of 9.5, and what it has to tell apart


def softmax(scores, axis=1):
    e = np.exp(scores - scores.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def on_arrays(mix):
    """The same function of anything array-like, as a law may give it lists."""

    def mixed(outputs, scores):
        return mix(np.asarray(outputs, float), np.asarray(scores, float))

    return mixed


def right(outputs, scores):
    return (softmax(scores)[:, :, None] * outputs).sum(1)


def right_by_rows(outputs, scores):
    return np.array([gates @ of for gates, of in zip(softmax(scores), outputs)])


def over_examples(outputs, scores):
    return (softmax(scores, 0)[:, :, None] * outputs).sum(1)


def sigmoid_gates(outputs, scores):
    gates = 1 / (1 + np.exp(-scores))
    return (gates[:, :, None] * outputs).sum(1)


def scores_as_gates(outputs, scores):
    return (scores[:, :, None] * outputs).sum(1)


def exponentials(outputs, scores):
    return (np.exp(np.minimum(scores, 50))[:, :, None] * outputs).sum(1)


def divided_by_sum(outputs, scores):
    with np.errstate(all="ignore"):
        gates = scores / scores.sum(1, keepdims=True)
    return (gates[:, :, None] * outputs).sum(1)


def one_gate_for_all(outputs, scores):
    gates = softmax(scores.mean(0, keepdims=True))
    return (gates[:, :, None] * outputs).sum(1)


def reversed_experts(outputs, scores):
    return right(outputs, scores[:, ::-1])


def best_alone(outputs, scores):
    """The best expert alone, and the mean of several that are equally good."""
    is_best = (scores == scores.max(1, keepdims=True)).astype(float)
    gates = is_best / is_best.sum(1, keepdims=True)
    return (gates[:, :, None] * outputs).sum(1)


def gate_not_used(outputs, scores):
    return outputs.mean(1)


def mean_of_mixed(outputs, scores):
    return (softmax(scores)[:, :, None] * outputs).mean(1)


def sharpened(outputs, scores):
    return right(outputs, 2 * scores)


def low_scores_win(outputs, scores):
    return right(outputs, -scores)


def shifted_examples(outputs, scores):
    return right(outputs, np.roll(scores, 1, axis=0))


@exercise("9.5")
def check_law(law):
    wrong = {
        "the softmax is over examples, not over experts": over_examples,
        "each gate is a sigmoid, and they do not sum to 1": sigmoid_gates,
        "the scores are used as gates, without a softmax": scores_as_gates,
        "exponentials that are not divided by their sum": exponentials,
        "scores divided by their sum, without exponentials": divided_by_sum,
        "one gate for the whole batch": one_gate_for_all,
        "the gates belong to other experts": reversed_experts,
        "the gates belong to other examples": shifted_examples,
        "only the best expert is used": best_alone,
        "the gate is not used": gate_not_used,
        "a mean over experts instead of a sum": mean_of_mixed,
        "the scores are doubled first": sharpened,
        "low scores win": low_scores_win,
    }
    wrong = {name: on_arrays(mix) for name, mix in wrong.items()}
    catches(law, [on_arrays(right), on_arrays(right_by_rows)], wrong)
