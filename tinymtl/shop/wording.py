"""Saying it in English: lists, prices, sizes, and whether something is known or estimated."""

from __future__ import annotations

import re

import numpy as np

from .catalogue import Catalogue
from .lexicon import NAMES, SORTS, plural, readable
from .purchases import read_table

FIXED = {row["key"]: row["reply"] for row in read_table("fixed_replies")}
DEPARTMENTS = {row["department"]: row["name"] for row in read_table("departments")}
# Words that end like a plural and are none.
SINGULAR = {"asparagus", "bologna"}


def listed(parts: list[str], last: str = "and") -> str:
    """Parts of a sentence in a row.

    >>> listed(["milk", "eggs", "bread"]), listed(["milk", "eggs"], "or")
    ('milk, eggs and bread', 'milk or eggs')
    """
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} {last} {parts[-1]}"


def capital(text: str) -> str:
    """The text with a capital letter in front."""
    return text[:1].upper() + text[1:]


def is_plural(name: str) -> bool:
    """Whether a name takes "are" and "cost".

    >>> is_plural("potato chips"), is_plural("bag of ice"), is_plural("ham, tea and rice")
    (True, False, True)
    """
    if ", " in name:  # several things
        return True
    head = re.split(" (?:of|from|in|for|with|on|or|and) ", name)[0].split()[-1]
    return head.endswith("s") and not head.endswith("ss") and head not in SINGULAR


def sort_of(kind: str) -> str:
    """The sort that a type belongs to, in the form in which its name stands.

    >>> sort_of("EGGS - LARGE"), sort_of("GROUND COFFEE")
    ('eggs', 'coffee')
    """
    sort = SORTS[kind]
    is_one = is_plural(NAMES[kind]) and not is_plural(sort)
    return plural(sort) if is_one else sort


def verb(name: str, one: str, many: str) -> str:
    """The form of a verb that goes with a name."""
    return many if is_plural(name) else one


def dollars(price: float) -> str:
    """A price in words.

    >>> dollars(1.5), dollars(0.4)
    ('1.50 dollars', '0.40 dollars')
    """
    return f"{price:.2f} dollars"


def price_range(low: float, high: float) -> str:
    """One price, or the least and the greatest."""
    return dollars(low) if low == high else f"{low:.2f} to {dollars(high)}"


def said_sizes(catalogue: Catalogue, products: np.ndarray) -> str:
    """The sizes of products in words, each once, the small ones first; "" if none has any."""
    sizes = {catalogue.size(product) for product in products if catalogue.size(product).words}
    in_order = [s.words for s in sorted(sizes, key=lambda size: (size.base, size.amount))]
    if len(in_order) > 5 and len({size.base for size in sizes}) == 1:
        return f"{len(in_order)} sizes, from {in_order[0]} to {in_order[-1]}"
    return listed(in_order)


def named(catalogue: Catalogue, products: np.ndarray, with_size: bool = True) -> str:
    """What products of one type are called, with their size if they have one in common.

    Products of several types are called by the names of these.
    """
    names = list(dict.fromkeys(catalogue.names[products]))
    if len(names) > 1:
        return listed([str(name) for name in names])
    sizes = {catalogue.size(product).words for product in products}
    (size, *others) = sizes
    if with_size and size and not others:
        return f"{names[0]} ({size})"
    return str(names[0])


def off_by(part: float) -> str:
    """How far a price may be off, in words.

    >>> off_by(0.37), off_by(1.2)
    ('within 40 %', 'within a factor of 2.2')
    """
    if part > 1:
        return f"within a factor of {1 + part:.1f}"
    return f"within {round(part, 1):.0%}".replace("%", " %")


def said_price(catalogue: Catalogue, products: np.ndarray) -> str:
    """The prices of products: those on record, and those that are estimated as "about ...".

    Up to three prices on record are told apart, of more the least and the greatest are told.
    """
    prices = catalogue.says["price"][products]
    known = prices[catalogue.known[products]]
    estimated = prices[~catalogue.known[products]]
    if not len(known):
        return f"about {price_range(estimated.min(), estimated.max())} (estimated)"
    different = np.unique(known)
    if len(different) <= 3:
        said = f"{listed([f'{p:.2f}' for p in different], 'or')} dollars"
    else:
        said = price_range(different[0], different[-1])
    if not len(estimated):
        return said
    others = f"about {price_range(estimated.min(), estimated.max())}"
    return f"{said} on record, {len(estimated)} more estimated at {others}"


def in_department(catalogue: Catalogue, product: int) -> str:
    """The department of a product, in words."""
    department = catalogue.says["department"][product]
    return DEPARTMENTS[department]


def in_category(catalogue: Catalogue, product: int) -> str:
    """The category of a product, in words."""
    return readable(str(catalogue.says["category"][product]))
