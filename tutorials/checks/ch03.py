"""Checkers for chapter 3, cross-entropy and embeddings."""

import numpy as np

from . import Wrong, catches, exercise, expect

RULES = ("plain", "momentum", "decay", "Adam", "lazy Adam")


@exercise("3.1")
def check_rows_that_move(rows_that_move):
    rng = np.random.default_rng(0)
    for _ in range(4):
        now = rng.random(6) < 0.4
        before = rng.random(6) < 0.5
        now[:4] = [True, True, False, False]
        before[:4] = [True, False, True, False]
        for rule in RULES:
            known = {}
            if rule in ("momentum", "Adam"):
                expected = np.logical_or(now, before)
                known["It remembers: rows looked up before go on."] = now
                known["Rows that are looked up for the first time move too."] = before
                known["Either of the two is enough."] = np.logical_and(now, before)
                known["A row that never had a gradient has nothing to remember."] = (
                    np.ones(6, bool)
                )
            elif rule == "decay":
                expected = np.ones(6, bool)
                known["It also shrinks rows that were never looked up."] = (
                    np.logical_or(now, before)
                )
                known["It does not ask for a gradient."] = now
            else:
                expected = now.copy()
                known["Rows that are not looked up now rest."] = np.logical_or(
                    now, before
                )
            expect(
                rows_that_move(rule, now, before),
                expected,
                "the answer",
                f"{rule}, now = {now.astype(int)}, before = {before.astype(int)}",
                known,
                "Does this rule need a gradient now, does it remember one, or neither?",
            )


def log_softmax(z):
    return z - np.logaddexp.reduce(z, axis=1)[:, None]


def one_hot(labels, C):
    return (np.asarray(labels)[:, None] == np.arange(C)).astype(float)


@exercise("3.2")
def check_class_weighted(class_weighted):
    for N, C, size in ((4, 3, 1.0), (7, 2, 2.0), (5, 4, 1.0), (6, 3, 10_000.0)):
        rng = np.random.default_rng(N)
        z = size * rng.normal(size=(N, C))
        labels = rng.integers(C, size=N)
        class_weights = rng.uniform(0.3, 4, C)
        y = one_hot(labels, C)
        log_p = log_softmax(z)
        each = -(y * log_p).sum(1)
        slope = np.exp(log_p) - y
        m = y @ class_weights
        given = f"with N = {N}, C = {C}, logits of size {size:g}"

        answer = class_weighted(z, labels, class_weights)
        if not isinstance(answer, (tuple, list)) or len(answer) != 2:
            raise Wrong("(loss, gradient) expected, two things in this order")
        for part, name in zip(answer, ("loss", "gradient")):
            if part is not None and not np.isfinite(np.asarray(part, float)).all():
                raise Wrong(
                    f"{given}: the {name} is not finite. Is the largest logit of each "
                    "row subtracted, and the logarithm taken as in (3.4)?"
                )

        total = (m * each).sum()
        by_N = "Divided by N: a weighted mean divides by the sum of the weights."
        by_classes = "Divided by the sum over classes: sum over the examples instead."
        undivided = "A mean is asked for: divide by the sum of the examples' weights."
        plain = "The class weights are missing."
        of_large = (
            "For small logits the loss is right. Is a probability, rounded to 0, kept "
            "from 0 by a small number or a limit? Take the logarithm as in (3.4)."
        )
        known = {
            by_N: total / N,
            by_classes: total / class_weights.sum(),
            undivided: total,
            plain: each.mean(),
            "A small number was added to the probabilities, which hides that they "
            "are rounded to 0: take the logarithm as in (3.4).": (
                -(m * np.log((y * np.exp(log_p)).sum(1) + 1e-12)).sum() / m.sum()
            ),
        }
        expect(
            answer[0],
            total / m.sum(),
            "the loss",
            given,
            known,
            of_large
            if size > 100
            else "It is Σ m ℓ / Σ m, where m is the weight of each example's label.",
        )
        rows = m[:, None] * slope
        columns = class_weights * slope
        known = {
            by_N: rows / N,
            by_classes: rows / class_weights.sum(),
            undivided: rows,
            plain: slope / N,
            "Weights multiply all of p − y, not y alone.": (
                (np.exp(log_p) - m[:, None] * y) / m.sum()
            ),
            "Weights multiply all of p − y, not p alone.": (
                (m[:, None] * np.exp(log_p) - y) / m.sum()
            ),
            "Weights multiply rows, by the label, and not columns.": columns / m.sum(),
            "Weights multiply rows, by the label, and the mean divides by their sum.": (
                columns / N
            ),
        }
        expect(
            answer[1],
            rows / m.sum(),
            "the gradient",
            given,
            known,
            "Row n is m_n / Σ m times row n of p − y.",
        )


@exercise("3.3")
def check_table_gradient(table_gradient):
    cases = [
        (np.array([[1, 1], [1, 3], [0, 2]]), 4),
        (np.array([[2, 0, 2], [2, 1, 1]]), 3),
        (np.array([[0], [0], [4]]), 6),
        (np.array([[3, 3, 3, 3]]), 5),
    ]
    for ids, V in cases:
        G = np.random.default_rng(V).integers(1, 9, (*ids.shape, 2)).astype(float)
        expected = np.zeros((V, 2))
        of_baskets = np.zeros((V, 2))
        first = np.zeros((V, 2))
        last = np.zeros((V, 2))
        for basket, of_basket in zip(ids, G):
            kept = {}
            for v, g in zip(basket, of_basket):
                expected[v] += g
                if int(v) not in kept:
                    first[v] += g
                kept[int(v)] = g
                last[v] = g
            for v, g in kept.items():
                of_baskets[v] += g
        count = np.bincount(ids.ravel(), minlength=V)[:, None]
        known = {
            "A product that is twice in one basket still counts only once: += "
            "writes each place once.": of_baskets,
            "Only the last look-up of each product was kept.": last,
            "That is the mean over the look-ups of a product, not their sum.": (
                expected / np.maximum(count, 1)
            ),
            "That is the mean over baskets, not the sum.": expected / len(ids),
            "Each product of a basket counts whole: a sum, not the mean over the "
            "basket.": expected / ids.shape[1],
            "Of a product that is twice in one basket only the first was kept.": first,
        }
        expect(
            table_gradient(ids, G, V),
            expected,
            "the gradient",
            f"with ids = {ids.tolist()}, V = {V}",
            known,
            "Row v is the sum of all rows of G whose product is v.",
        )


def right(z, labels):
    y = one_hot(labels, z.shape[1])
    log_p = log_softmax(z)
    return -(y * log_p).sum() / len(z), (np.exp(log_p) - y) / len(z)


def right_by_rows(z, labels):
    loss = 0.0
    G = np.zeros(z.shape)
    for n, label in enumerate(labels):
        shifted = z[n] - z[n].max()
        exponentials = np.exp(shifted)
        loss += np.log(exponentials.sum()) - shifted[label]
        G[n] = exponentials / exponentials.sum()
        G[n, label] -= 1
    return loss / len(z), G / len(z)


def _from_softmax(subtract, add=0.0):
    """The logarithm of a softmax, which subtracts something first and adds a little."""

    def cross_entropy(z, labels):
        y = one_hot(labels, z.shape[1])
        with np.errstate(all="ignore"):
            exponentials = np.exp(z - subtract(z))
            p = exponentials / exponentials.sum(1, keepdims=True)
            loss = -np.log((p * y).sum(1) + add).mean()
        return loss, (p - y) / len(z)

    return cross_entropy


def _nothing(z):
    return 0.0


def _largest_of_row(z):
    return z.max(1, keepdims=True)


def _log_softmax_of_all(z, labels):
    """Stable for one row, but the largest logit is that of the whole batch."""
    y = one_hot(labels, z.shape[1])
    with np.errstate(all="ignore"):
        shifted = z - z.max()
        log_p = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
        return -(y * log_p).sum() / len(z), (np.exp(log_p) - y) / len(z)


def _changed(of_loss=1.0, of_gradient=1.0):
    """Factors, or functions of N, before the right loss and the right gradient."""

    def cross_entropy(z, labels):
        loss, G = right(z, labels)
        N = len(z)
        a = of_loss(N) if callable(of_loss) else of_loss
        b = of_gradient(N) if callable(of_gradient) else of_gradient
        return a * loss, b * G

    return cross_entropy


def _divided_by_classes(z, labels):
    loss, G = right(z, labels)
    N, C = z.shape
    return loss * N / C, G * N / C


def _label_alone(z, labels):
    loss, G = right(z, labels)
    return loss, G * one_hot(labels, z.shape[1])


@exercise("3.4")
def check_law(law):
    wrong = {
        "large logits overflow": _from_softmax(_nothing),
        "the logarithm of a probability that was rounded to 0": _from_softmax(
            _largest_of_row
        ),
        "1e-12 is added to the probability": _from_softmax(_largest_of_row, 1e-12),
        "the largest logit of the whole batch is subtracted": _log_softmax_of_all,
        "a sum over examples, not a mean": _changed(lambda N: N, lambda N: N),
        "the gradient is that of the sum, the loss the mean": _changed(
            1.0, lambda N: N
        ),
        "y − p instead of p − y": _changed(1.0, -1.0),
        "only the label's logit has a gradient": _label_alone,
        "logarithms to the base 2": _changed(1 / np.log(2), 1 / np.log(2)),
        "half of the gradient": _changed(1.0, 0.5),
        "divided by the number of classes, not of examples": _divided_by_classes,
    }
    catches(law, [right, right_by_rows], wrong)
