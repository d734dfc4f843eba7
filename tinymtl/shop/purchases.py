"""Read the shop's tables: products, baskets, and words to talk with (see data/README.md)."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

DATA = Path(__file__).parent / "data"
TEXTS = ["department", "brand", "category", "type", "size"]
PRODUCTS = 1000
HOUSEHOLDS = 400


@dataclass(frozen=True, eq=False)  # comparing arrays field by field has no single truth value
class Shop:
    """1,000 products and what 400 households bought of them; a missing size is ""."""

    department: np.ndarray  # (1000,) str, and so the four below
    brand: np.ndarray  # "National", or "Private": the shop's own
    category: np.ndarray
    type: np.ndarray
    size: np.ndarray
    price: np.ndarray  # (1000,) float64, dollars a unit
    early: np.ndarray  # (400, 1000) bool, bought in weeks 1 to 40
    late: np.ndarray  # (400, 1000) bool, bought in weeks 41 to 53


def load(folder: Path | None = None) -> Shop:
    """Read the shop from a folder, by default the packaged one, into read-only arrays.

    Raises FileNotFoundError if a file is missing. Raises ValueError, which names the file and the
    line, if a file is damaged.
    """
    folder = DATA if folder is None else Path(folder)
    texts, price = read_products(folder / "products.csv")
    bought = read_baskets(folder / "baskets.csv")
    for array in [*texts, price, bought]:
        array.setflags(write=False)
    early, late = bought
    return Shop(*texts, price, early, late)


def words(text: str) -> list[str]:
    """The lower-case words and numbers of a product's type or size.

    >>> words("SOUP/STEW 14.5 OZ")
    ['soup', 'stew', '14.5', 'oz']
    """
    return re.findall(r"[a-z]+|[0-9.]+", text.lower())


def number_words(texts: list[list[str]]) -> tuple[np.ndarray, list[str]]:
    """Numbers (n, L) of the words of n texts, and the V different words in order.

    The number of a word is its place in that order. Shorter texts are padded with V.

    >>> number_words([["eggs"], ["brown", "eggs"]])
    (array([[1, 2],
           [0, 1]]), ['brown', 'eggs'])
    """
    vocabulary = sorted({word for text in texts for word in text})
    number = {word: i for i, word in enumerate(vocabulary)}
    longest = max(len(text) for text in texts)
    numbers = np.full((len(texts), longest), len(vocabulary))
    for row, text in zip(numbers, texts):
        row[: len(text)] = [number[word] for word in text]
    return numbers, vocabulary


def read_table(name: str) -> list[dict[str, str]]:
    """The rows of a packaged table of words, such as "numbers": column -> value."""
    with open(DATA / f"{name}.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def read_products(path: Path) -> tuple[list[np.ndarray], np.ndarray]:
    """The five columns of text, and the prices."""
    rows = read_rows(path, ["product", *TEXTS, "price"], PRODUCTS)
    for line, (_, department, brand, category, kind, _, price) in enumerate(rows, start=2):
        has_text = "" not in (department, category, kind)
        check(has_text, path, line, "text but for the size", "an empty value")
        is_brand = brand in ("National", "Private")
        check(is_brand, path, line, "brand National or Private", repr(brand))
        is_price = re.fullmatch(r"[0-9]{1,6}\.[0-9]{2}", price) is not None and float(price) > 0
        check(is_price, path, line, "a price above 0 like 1.99", repr(price))
    _, *texts, prices = zip(*rows)
    return [np.array(text) for text in texts], np.array(prices, dtype=np.float64)


def read_baskets(path: Path) -> np.ndarray:
    """Who bought what, early and late: (2, 400, 1000) bool."""
    rows = read_rows(path, ["household", "early", "late"], HOUSEHOLDS)
    bought = np.zeros((2, HOUSEHOLDS, PRODUCTS), dtype=bool)
    for household, (_, *baskets) in enumerate(rows):
        for period, basket in enumerate(baskets):
            bought[period, household, read_basket(basket, path, household + 2)] = True
    return bought


# Only these texts are numbers of products: not "007", not " 7", not "7.0".
PRODUCT_NUMBERS = {str(product): product for product in range(PRODUCTS)}


def read_basket(basket: str, path: Path, line: int) -> list[int]:
    """The numbers of the products in a basket, which are increasing and separated by a space."""
    numbers = []
    last = -1
    for word in basket.split(" "):
        number = PRODUCT_NUMBERS.get(word, -1)
        expected = f"increasing product numbers in [0, {PRODUCTS})"
        check(number > last, path, line, expected, [word])
        numbers.append(number)
        last = number
    return numbers


def read_rows(path: Path, columns: list[str], count: int) -> list[list[str]]:
    """The rows below the header of a CSV file that is whole and numbers its rows from 0."""
    try:
        text = path.read_bytes().decode("utf-8")
        lines = list(csv.reader(io.StringIO(text, newline=""), quoting=csv.QUOTE_NONE))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path}: expected comma-separated UTF-8, got {error}") from error
    header, *rows = lines or [[]]
    check(header == columns, path, 1, f"columns {columns}", header or "an empty file")
    check(text.endswith("\n"), path, len(lines), "a line end", f"a truncated line, {text[-9:]!r}")
    for number, row in enumerate(rows):
        check("\0" not in "".join(row), path, number + 2, "text", "a NUL byte")
        check(len(row) == len(columns), path, number + 2, f"{len(columns)} values", len(row))
        check(row[0] == str(number), path, number + 2, f"{columns[0]} {number}", repr(row[0]))
    check(len(rows) == count, path, len(lines), f"{count} rows", len(rows))
    return rows


def check(holds: bool, path: Path, line: int, expected: str, got: object) -> None:
    if not holds:
        raise ValueError(f"{path}: line {line}: expected {expected}, got {got}")
