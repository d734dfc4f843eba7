"""The sizes on labels: in words, and as numbers that can be compared.

The shop writes 24/16.9 OZ, 1 DZ, GAL, 83.5 SQ FT or nothing. Sizes of one base, such as ounces, can
be compared. Fruit and vegetables that are sold loose often have the size of the case in which they
came to the shop, such as 40 LB of bananas: that is not what one buys, so it is no size.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .lexicon import CASE_FROM
from .purchases import read_table

# unit on labels → (one, many, base, how many of the base)
LABEL_UNITS = {
    row["label"]: (row["one"], row["many"], row["base"], float(row["times"]))
    for row in read_table("label_units")
}
# A size in the form of the labels: [packs /] number [fraction] unit.
FORM = re.compile(
    r"(?:(\d+)(?: PK)?/)?([0-9.]*)(?: (\d)/(\d))?(?:-\d+)? ?([A-Z][A-Z ]*?)(?: BAG| CAN)?"
)


@dataclass(frozen=True)
class Size:
    """A size in words, and `amount` times its `base`; the base is "" if it cannot be compared."""

    words: str
    base: str = ""
    amount: float = 0.0
    is_case: bool = False


NO_SIZE = Size("")


def read_size(text: str, kind: str = "") -> Size:
    """The size that a label states; `kind` is the type of the product.

    >>> read_size("24/16.9 OZ")
    Size(words='24 x 16.9 ounces', base='ounce', amount=405.6, is_case=False)
    >>> read_size("GAL").words, read_size("8 1/2 OZ").words, read_size("1 DZ").amount
    ('1 gallon', '8.5 ounces', 12.0)
    >>> read_size("40 LB", "BANANAS").is_case
    True
    """
    text = re.sub(r"\(\d+\) ", "", text)
    found = FORM.fullmatch(text)
    if found is None or found[5] not in LABEL_UNITS:
        return Size(text.lower())
    packs, number, up, down, unit = found.groups()
    one, many, base, times = LABEL_UNITS[unit]
    each = float(number or 1) + (int(up) / int(down) if up else 0)
    words = f"{each:g} {one if each == 1 else many}"
    if packs:
        words = f"{packs} x {words}"
    amount = round(int(packs or 1) * each * times, 3)
    is_case = unit in ("LB", "CT") and each >= CASE_FROM.get(kind, float("inf"))
    return Size(words, base, amount, is_case)


def unit_amount(number: float, unit: str) -> tuple[str, float]:
    """What a customer's amount is in the base of its unit.

    >>> unit_amount(1, "gallon"), unit_amount(2, "dozen")
    (('ounce', 128.0), ('count', 24.0))
    """
    for one, _, base, times in LABEL_UNITS.values():
        if one == unit:
            return base, number * times
    return unit, number
