"""Checkers for chapter 10, the shopping guide."""

import numpy as np

from . import Wrong, catches, exercise, expect, numbers


@exercise("10.1")
def check_parts(parts_of_score):
    rng = np.random.default_rng(0)
    for n, P, H, A in ((2, 5, 3, 2), (4, 9, 4, 3), (1, 6, 2, 4), (7, 12, 5, 3)):
        x = np.zeros(P)
        x[rng.choice(P, n, replace=False)] = 1
        s = rng.dirichlet(np.ones(P))
        Z = rng.normal(size=(P, H)) + 1
        W = rng.normal(size=(H, A))
        a = rng.normal(size=A)

        rows = [k for k in range(P) if x[k] == 1]
        z_bar = sum(s[k] * Z[k] for k in range(P))
        direction = W @ a  # (H,)

        def dealt(mean, divided, rows=rows, Z=Z, direction=direction):
            return np.array([(Z[j] - mean) @ direction for j in rows]) / divided

        known = {
            "The mean features z̄ are not subtracted.": dealt(0, np.sqrt(n)),
            "The mean is that of all products alike; weight it with s.": dealt(
                Z.mean(0), np.sqrt(n)
            ),
            "The mean is that of this basket; take that of all purchases.": dealt(
                Z[rows].mean(0), np.sqrt(n)
            ),
            "The division by √n is missing.": dealt(z_bar, 1),
            "It is divided by n, not by its root.": dealt(z_bar, n),
            "n counts the purchases, not all products.": dealt(z_bar, np.sqrt(P)),
            "n z̄ is dealt out to n purchases: each gets z̄ once.": dealt(
                n * z_bar, np.sqrt(n)
            ),
        }
        expect(
            parts_of_score(x, s, Z, W, a),
            dealt(z_bar, np.sqrt(n)),
            "the parts",
            given=f"for n = {n} purchases of {P} products",
            known=known,
            hint="c_j = (z_j − z̄) W a / √n, for each j with x_j = 1.",
        )


# Information


def _entropy(q):
    """In bits, term by term."""
    return -sum(v * np.log2(v) for v in np.ravel(q) if v > 0)


def _information(p, q):
    return _entropy(p @ q) - sum(p[i] * _entropy(q[i]) for i in range(len(p)))


def _cases(rng):
    """(p, questions) with certain and uncertain answers."""
    halves = np.repeat(np.eye(2), 2, 0)
    unsure = np.array([[0.5, 0.25, 0.25], [0.25, 0.5, 0.25]] * 2)
    yield np.full(4, 0.25), [unsure, halves[:, ::-1] * 0.2 + 0.4, halves]
    for N, number in ((5, 3), (6, 4), (3, 2), (8, 3)):
        p = rng.dirichlet(np.ones(N))
        questions = []
        for k in range(number):
            K = 2 + (k + N) % 3
            q = rng.dirichlet(np.full(K, 0.5), size=N)
            certain = rng.random(N) < 0.4
            q[certain] = np.eye(K)[rng.integers(K, size=certain.sum())]
            questions.append(q)
        yield p, questions


@exercise("10.2")
def check_information(best_of):
    for p, questions in _cases(np.random.default_rng(0)):
        told = [_information(p, q) for q in questions]
        best = int(np.argmax(told))
        widths = [q.shape[1] for q in questions]
        given = f"{len(p)} products, questions with {widths} answers"
        got = best_of(p.copy(), [q.copy() for q in questions])
        try:
            number, bits = got
        except (TypeError, ValueError):
            raise Wrong(
                f"{given}: expected two numbers, which question and its bits, got {got}"
            ) from None
        bits = numbers(bits, (), "the information")
        k = numbers(number, (), "the number of the question")
        is_first = np.isclose(k, told[best]) and not isinstance(
            number, (int, np.integer)
        )
        if k != np.round(k) or is_first:
            raise Wrong(f"{given}: the number of the question comes first, got {got}")
        k = int(k)
        if np.isnan(bits):
            raise Wrong(f"{given}: the information is nan. What should 0 log 0 be?")

        entropies = [_entropy(p @ q) for q in questions]
        alike = [_information(np.full(len(p), 1 / len(p)), q) for q in questions]
        noise = [sum(p[i] * _entropy(q[i]) for i in range(len(p))) for q in questions]
        unweighted = [
            _entropy(p @ q) - np.mean([_entropy(row) for row in q]) for q in questions
        ]
        most = [np.log2(q.shape[1]) - left for q, left in zip(questions, noise)]
        summed = [_entropy(p @ q) - sum(_entropy(row) for row in q) for q in questions]
        known = {
            "This is in nats. Divide by log 2.": told[best] * np.log(2),
            "This is the entropy of the answer. What stays uncertain although the "
            "product is given has to be subtracted.": max(entropies),
            "This is only what stays uncertain when the product is given.": noise[best],
            "log₂ K is the most that an answer can tell. Begin with the entropy of "
            "Σ p_i q_i.": max(most),
            "The products are not equally likely: use p.": max(alike),
            "The entropies of the rows need the weights p too.": max(unweighted),
            "The entropies of the rows are summed; take their mean, weighted "
            "with p.": max(summed),
        }
        if k != best:
            slip = "Compare the questions by their information (10.4)."
            if k == best + 1:
                slip = "Questions are counted from 0."
            elif k == int(np.argmin(told)):
                slip = "This one tells least. Is a sign turned round?"
            elif k == int(np.argmax(entropies)):
                slip = "It has the largest entropy, and tells less than another."
            elif k == int(np.argmax(alike)):
                slip = "The products are not equally likely: use p."
            raise Wrong(f"{given}: the best should be {best}, got {k}. {slip}")
        expect(
            bits,
            told[best],
            "the information",
            given=given,
            known=known,
            hint="I = H(Σ p_i q_i) − Σ p_i H(q_i), with log₂.",
        )


# The gain of an arm


@exercise("10.3")
def check_gain(gain):
    rng = np.random.default_rng(0)
    for S, E in ((5, 6), (10, 20), (3, 4), (8, 12)):
        of_seed = 3 * rng.random((S, 1))  # what is hard for one arm is for the other
        arms = []
        for lower in (0.0, 0.3):
            arm = {}
            for part in ("validation", "test"):
                arm[part] = 5 + of_seed - lower + 0.4 * rng.normal(size=(S, E))
            arms.append(arm)
        alone, shared = arms

        honest = [_at_best(arm, "validation") for arm in arms]
        peeking = [_at_best(arm, "test") for arm in arms]
        least = [arm["validation"].min(1) for arm in arms]
        last = [arm["test"][:, -1] for arm in arms]
        of_mean = [arm["test"][:, arm["validation"].mean(0).argmin()] for arm in arms]
        over_epochs = [arm["test"].mean(1) for arm in arms]
        epoch = alone["validation"].argmin(1)
        of_alone = [arm["test"][np.arange(S), epoch] for arm in arms]
        mean, error = _paired(*honest)
        got = gain(alone, shared)
        try:
            got_mean, got_error = got
        except (TypeError, ValueError):
            raise Wrong(
                f"expected two numbers, a gain and its standard error, got {got}"
            ) from None
        given = f"for {S} seeds and {E} epochs"
        expect(
            got_mean,
            mean,
            "the gain",
            given=given,
            known={
                "The epoch is still chosen on the test set.": _paired(*peeking)[0],
                "This is the least validation loss. It chooses the epoch; "
                "report the test loss of that epoch.": _paired(*least)[0],
                "This is the last epoch, not the best on validation data.": (
                    _paired(*last)[0]
                ),
                "Each seed and arm has a best epoch of its own.": _paired(*of_mean)[0],
                "Each arm has a best epoch of its own; this one is alone's.": (
                    _paired(*of_alone)[0]
                ),
                "This is the mean over epochs, not the loss at the best one.": (
                    _paired(*over_epochs)[0]
                ),
                "The gain comes first, then its standard error.": error,
                "The sign is wrong: a fall of the loss is a gain.": -mean,
            },
            hint="Choose the epoch on validation data, for each seed and arm; take the "
            "test loss there.",
        )
        difference = honest[0] - honest[1]
        apart = np.sqrt((honest[0].var(ddof=1) + honest[1].var(ddof=1)) / S)
        expect(
            got_error,
            error,
            "the standard error",
            given=given,
            known={
                "The arms are paired: take the difference of each seed first.": apart,
                "The differences are a sample: ddof=1.": difference.std() / np.sqrt(S),
                "This is the standard deviation; divide by √S.": difference.std(ddof=1),
                "This is a variance; take the root.": difference.var(ddof=1) / S,
                "Divide by the root of S.": difference.std(ddof=1) / S,
            },
            hint="Standard deviation of the S differences, divided by √S.",
        )


def _at_best(arm, part):
    """The test loss at the epoch that is best on a part: (S,)."""
    found = []
    for of_part, of_test in zip(arm[part], arm["test"]):
        found.append(of_test[int(np.argmin(of_part))])
    return np.array(found)


def _paired(alone, shared):
    difference = alone - shared
    error = np.sqrt(((difference - difference.mean()) ** 2).sum())
    S = len(difference)
    return difference.mean(), error / np.sqrt((S - 1) * S)


# Splits, right and wrong


def _cut(items, rng, shuffles=True):
    """Items in random order, cut into 60, 20 and 20 %."""
    order = rng.permutation(items) if shuffles else np.array(items)
    n_test = max(1, len(order) // 5)
    return np.split(order, [len(order) - 2 * n_test, len(order) - n_test])


def _rows_of(customers, groups):
    return [np.flatnonzero(np.isin(customers, group)) for group in groups]


def _right(customers, rng):
    customers = np.asarray(customers)
    return tuple(_rows_of(customers, _cut(np.unique(customers), rng)))


def _right_in_other_order(customers, rng):
    return [rng.permutation(part) for part in _right(customers, rng)]


def _right_as_lists(customers, rng):
    return [part.tolist() for part in _right(customers, rng)]


def _by_row(customers, rng):
    return _cut(np.arange(len(customers)), rng)


def _test_leaks(customers, rng):
    """Training and validation data are cut by row; only the test is right."""
    customers = np.asarray(customers)
    training, validation, test = _right(customers, rng)
    rest = rng.permutation(np.concatenate([training, validation]))
    return rest[len(validation) :], rest[: len(validation)], test


def _one_row_leaks(customers, rng):
    training, validation, test = _right(customers, rng)
    return np.append(training, test[-1]), validation, test[:-1]


def _loses_rows(customers, rng):
    training, validation, test = _right(customers, rng)
    return training[:-1], validation, test


def _first_of_each(customers, rng):
    """One row of each customer, so nothing leaks, and most rows are lost."""
    customers = np.asarray(customers)
    _, first = np.unique(customers, return_index=True)
    return _cut(first, rng)


def _tests_on_validation(customers, rng):
    training, validation, _ = _right(customers, rng)
    return training, validation, validation


def _all_twice(customers, rng):
    """The test is right, and training has its rows twice."""
    training, validation, test = _right(customers, rng)
    return np.concatenate([training, training]), validation, test


def _no_test(customers, rng):
    training, validation, test = _right(customers, rng)
    return np.concatenate([training, test]), validation, test[:0]


def _no_validation(customers, rng):
    training, validation, test = _right(customers, rng)
    return np.concatenate([training, validation]), validation[:0], test


def _always_the_same(customers, rng):
    return _right(customers, np.random.default_rng(0))


def _in_order(customers, rng):
    customers = np.asarray(customers)
    return _rows_of(customers, _cut(np.unique(customers), rng, shuffles=False))


def _gives_customers(customers, rng):
    """The numbers of customers in place of rows."""
    return _cut(np.unique(customers), rng)


@exercise("10.4")
def check_law(law):
    wrong = {
        "it cuts rows, so that a customer is in two parts": _by_row,
        "training and validation have customers in common": _test_leaks,
        "one row of the test was moved to training": _one_row_leaks,
        "a row is lost": _loses_rows,
        "only the first row of each customer is kept": _first_of_each,
        "validation and test are the same rows": _tests_on_validation,
        "training has each row twice": _all_twice,
        "the test is empty": _no_test,
        "validation is empty": _no_validation,
        "it is the same for every seed": _always_the_same,
        "the last customers are always the test": _in_order,
        "it returns numbers of customers, not of rows": _gives_customers,
    }
    catches(law, [_right, _right_in_other_order, _right_as_lists], wrong)
