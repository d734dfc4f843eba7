"""Guesses that need no network: what the guide has to beat.

Each guess says the same things of the test products, in the same form, as a guide does.
"""

from __future__ import annotations

import numpy as np

from .split import Split, shop_and_texts

BASELINES = ("most common", "nearest words", "ridge regression")
RIDGES = (0.1, 0.3, 1.0, 3.0)  # the strengths that ridge regression chooses from


def baselines(split: Split) -> dict[str, dict]:
    """Baseline -> what it says: question -> an answer for each of the n test products.

    "late" holds scores of all products for the test households, (households, 1000).
    """
    has = rare_words()
    return {
        "most common": most_common(split),
        "nearest words": nearest_words(split, has),
        "ridge regression": ridge_regression(split, has),
    }


def rare_words() -> np.ndarray:
    """(1000, V): which words a product has, weighted by their rarity; each row has length 1."""
    _, _, ids, vocabulary = shop_and_texts()
    has = np.zeros((len(ids), len(vocabulary) + 1))
    has[np.arange(len(ids))[:, None], ids] = 1
    has = has[:, :-1]  # the last column was the padding
    has = has * np.log(len(has) / has.sum(0))
    has /= np.linalg.norm(has, axis=1, keepdims=True)
    return has


def most_common(split: Split) -> dict:
    """The commonest answer; the mean price; how many bought a product among those who had not."""
    truth = split.truth[split.products["train"]]
    n = len(split.products["test"])
    bought = split.bought[split.households["train"]]
    had_not = ~bought["early"]
    popular = (bought["late"] & had_not).sum(0) / np.maximum(had_not.sum(0), 1)  # (1000,)
    return {
        "price": np.zeros(n),
        "brand": np.zeros(n),
        "department": np.full(n, np.bincount(truth["department"]).argmax()),
        "category": np.full(n, np.bincount(truth["category"]).argmax()),
        "late": np.tile(popular, (len(split.households["test"]), 1)),
    }


def nearest_words(split: Split, has: np.ndarray) -> dict:
    """The answers of the known product whose words are most alike.

    Price and brand are the mean over the products that are equally alike.
    """
    _, replies, *_ = shop_and_texts()
    known = split.products["train"]
    truth = split.truth[known]
    alike = has[split.products["test"]] @ has[known].T  # (test, known)
    ties = alike >= alike.max(1, keepdims=True) - 1e-9
    nearest = alike.argmax(1)
    texts = []
    for product in known[nearest]:
        reply = replies.reply(replies.facts[product], 0)
        texts.append(" ".join(word for word, _ in reply[:-1]))
    return {
        "price": ties @ truth["price"] / ties.sum(1),
        "brand": ties @ truth["brand"] / ties.sum(1),
        "department": truth["department"][nearest],
        "category": truth["category"][nearest],
        "texts": texts,
    }


def ridge_regression(split: Split, has: np.ndarray) -> dict:
    """Ridge regression of all answers on words and purchases.

    With X the features of the known products and Y their answers, the dual form predicts

        x Xᵀ (X Xᵀ + λI)⁻¹ (Y − mean) + mean

    λ is the one of RIDGES that fits the validation products best.
    """
    known = split.products["train"]
    validation = split.products["validation"]
    features = np.hstack([has, buyers(split)])  # (1000, words + households)
    targets = answers_in_columns(split)  # (1000, 2 + departments + categories)

    mean = targets[known].mean(0)
    kernel = features @ features[known].T  # (1000, known)
    fitted = {}
    errors = {}
    for λ in RIDGES:
        regularised = kernel[known] + λ * np.eye(len(known))  # X Xᵀ + λI
        solved = np.linalg.solve(regularised, targets[known] - mean)  # (X Xᵀ + λI)⁻¹ (Y − mean)
        fitted[λ] = kernel @ solved + mean
        errors[λ] = ((fitted[λ][validation] - targets[validation]) ** 2).sum()
    best = fitted[min(errors, key=errors.get)][split.products["test"]]

    ends = [1, 2, 2 + len(split.departments)]
    price, brand, department, category = np.split(best, ends, axis=1)
    return {
        "price": price,
        "brand": brand,
        "department": department.argmax(1),
        "category": category.argmax(1),
    }


def buyers(split: Split) -> np.ndarray:
    """(1000, households): who of the training households buys a product; rows have length 1."""
    purchases = split.bought[split.households["train"]]
    bought = purchases["early"] | purchases["late"]
    buys = bought.T - bought.mean()
    return buys / np.linalg.norm(buys, axis=1, keepdims=True)


def answers_in_columns(split: Split) -> np.ndarray:
    """Price, brand, and departments and categories as one-hot rows."""
    price = split.truth["price"][:, None]
    brand = split.truth["brand"][:, None]
    department = np.eye(len(split.departments))[split.truth["department"]]
    category = np.eye(len(split.categories))[split.truth["category"]]
    return np.hstack([price, brand, department, category])
