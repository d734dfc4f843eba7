"""Why something is recommended: the exact parts of a score, one for each purchase.

The recommend head gives product i the logit

    logit_i = (b Z W + β) · a_i + popularity_i + w log(n / n̄),    b = (basket − n · share) / √n

for a basket of n products: Z (1000, H) are all features, W (H, 16) and β (16,) the layer `taste`,
a_i (16,) the appeal of product i, and share (1000,) that of each product in all purchases. The
expected basket, n · share, is dealt out to the n purchases in equal parts, so that

    logit_i = base_i + Σ_j c_ij
    base_i = β · a_i + popularity_i + w log(n / n̄)
    c_ij = (z_j − z̄) W · a_i / √n,    z̄ = Σ_k share_k z_k

z̄ are the mean features of what is bought anyway. A part is not what the score would lose without
that purchase: √n would change too.
"""

from __future__ import annotations

import numpy as np

from ..sharing import Sharing, evaluating


def features(model: Sharing) -> np.ndarray:
    """The features Z (1000, H) of all products, as the recommend head sees them."""
    n_products = len(model.heads["recommend"].shares())
    with evaluating(model):
        return model.trunk(model.encoders["answer"](np.arange(n_products))).data


def scores_of(model: Sharing, basket: np.ndarray) -> np.ndarray:
    """The logits (1000,) of all products for one basket (1000,) of booleans."""
    with evaluating(model):
        return model({"recommend": basket[None]})["recommend"]["late"].data[0]


def parts_of_scores(model: Sharing, basket: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What each purchase adds to each score: base_i (1000,) and c_ij (n, 1000).

    basket (1000,) of booleans holds n ≥ 1 products; row j of the parts belongs to the j-th of them.
    base + parts.sum(0) are the logits, up to rounding.
    """
    head = model.heads["recommend"]
    bought = np.flatnonzero(basket)
    n = len(bought)
    Z = features(model)  # (1000, H)
    z_bar = head.shares() @ Z  # (H,)
    with evaluating(model):
        appeal = head.appeal(Z).data  # (1000, 16)
    W = head.taste.W.data  # (H, 16)
    parts = (Z[bought] - z_bar) @ W @ appeal.T / np.sqrt(n)  # (n, 1000)
    of_size = head.of_size(basket[None], "late").data[0]  # (1,)
    base = appeal @ head.taste.b.data + head._popular["late"] + of_size  # (1000,)
    return base, parts


class AlsoBought:
    """What households buy that buy a product: its share among them, shrunk towards everybody's.

        share(i | j) = (households that buy i and j + s · m_i) / (households that buy j + s)

    m_i is the share of all households that buy i, and s = 20 imagined households buy like all.
    Purchases count within 40 weeks, not within one trip. Products that everybody buys anyway would
    lead every list, so they are put in order of share(i | j) − m_i.

    By households that were held out, the four products found in this way are bought more often by
    .094. Those that the recommend head finds with a basket of one are bought more often by .088.
    The difference is −.006 ± .001 over ten seeds (tests/benchmarks/goes_with.py).
    """

    SHRINKAGE = 20

    def __init__(self, early: np.ndarray):
        self.early = early
        self.share = early.mean(0)  # (1000,)

    def of(self, products: np.ndarray) -> np.ndarray:
        """The share (1000,) of those households that buy any of the products."""
        buy = self.early[:, products].any(1)
        together = self.early[buy].sum(0)
        return (together + self.SHRINKAGE * self.share) / (buy.sum() + self.SHRINKAGE)

    def more_often(self, products: np.ndarray) -> np.ndarray:
        """By how much (1000,) that share is above everybody's."""
        return self.of(products) - self.share
