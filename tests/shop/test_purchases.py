"""The shop's data are what their README says, and a damaged file is refused with its fault."""

from __future__ import annotations

import csv
import hashlib
import py_compile
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from tinymtl.shop import purchases

FOLDER = Path(purchases.__file__).parent / "data"
DEPARTMENTS = {
    "GROCERY": 625,
    "PRODUCE": 157,
    "MEAT": 73,
    "MEAT-PCKGD": 55,
    "DRUG GM": 48,
    "DELI": 28,
    "PASTRY": 14,
}
TEXTS = ["department", "brand", "category", "type", "size"]


@pytest.fixture(scope="module")
def shop():
    return purchases.load()


def test_every_product_has_all_its_values(shop):
    for name in TEXTS:
        values = getattr(shop, name)
        assert values.shape == (1000,)
        assert values.dtype.kind == "U"
        assert all(value == " ".join(value.split()) for value in values)
        assert name == "size" or "" not in values
    assert shop.price.shape == (1000,)
    assert shop.price.dtype == np.float64


def test_products_are_counted_as_documented(shop):
    names, counts = np.unique(shop.department, return_counts=True)
    assert dict(zip(names, counts)) == DEPARTMENTS
    assert len(set(shop.category)) == 126
    assert len(set(shop.type)) == 341
    assert (shop.size == "").sum() == 184
    assert (shop.brand == "National").sum() == 681
    assert (shop.brand == "Private").sum() == 319
    assert shop.price.min() == 0.17
    assert np.median(shop.price) == 1.99
    assert shop.price.max() == 35.47


def test_products_are_in_the_documented_order(shop):
    keys = list(zip(shop.department, shop.category, shop.type, shop.price, shop.size))
    assert keys == sorted(keys)


def test_a_category_lies_in_one_department_and_a_type_almost_always_in_one_category(shop):
    assert len(set(zip(shop.category, shop.department))) == len(set(shop.category))
    # The exception are donuts: baked or packaged.
    assert len(set(zip(shop.type, shop.category))) == len(set(shop.type)) + 1


def test_nothing_unfit_for_a_teaching_example_is_sold(shop):
    unfit = re.compile(
        "BEER|WINE|LIQUOR|VODKA|WHISK|ALCOHOL|TOBACCO|CIG|LOTT|COUPON|DEPOSIT|PREPAID|GIFT"
    )
    assert not [text for text in [*shop.category, *shop.type] if unfit.search(text)]


def test_every_household_bought_enough_to_learn_from_and_to_test_on(shop):
    assert shop.early.shape == shop.late.shape == (400, 1000)
    assert shop.early.dtype == shop.late.dtype == bool
    assert shop.early.sum(axis=1).min() >= 50
    assert shop.late.sum(axis=1).min() >= 20
    assert shop.early.sum() == 51680
    assert shop.late.sum() == 23401
    is_bought = (shop.early | shop.late).any(axis=0)
    assert is_bought.all(), "a product that none of the households bought"


def test_what_is_loaded_is_what_the_files_say(shop):
    with open(FOLDER / "products.csv", encoding="utf-8", newline="") as file:
        for product, row in enumerate(csv.DictReader(file)):
            assert [row[name] for name in TEXTS] == [getattr(shop, name)[product] for name in TEXTS]
            assert (int(row["product"]), float(row["price"])) == (product, shop.price[product])
    with open(FOLDER / "baskets.csv", encoding="utf-8", newline="") as file:
        for household, row in enumerate(csv.DictReader(file)):
            for period, bought in (("early", shop.early), ("late", shop.late)):
                numbers = [int(word) for word in row[period].split()]
                assert numbers == np.flatnonzero(bought[household]).tolist()


@pytest.mark.parametrize("name", [*TEXTS, "price", "early", "late"])
def test_arrays_are_read_only(shop, name):
    with pytest.raises(ValueError, match="read-only"):
        getattr(shop, name)[0] = getattr(shop, name)[1]


@pytest.mark.parametrize(
    "text, expected",
    [
        ("12 OZ", ["12", "oz"]),
        ("14.5 OZ", ["14.5", "oz"]),
        ("12 PK/12 OZ", ["12", "pk", "12", "oz"]),
        ("CHIX:FRD 8PC/CUT UP (HOT)", ["chix", "frd", "8", "pc", "cut", "up", "hot"]),
        ("", []),
    ],
)
def test_words_are_letters_or_numbers(text, expected):
    assert purchases.words(text) == expected


def test_types_and_sizes_have_674_distinct_words_and_every_product_has_one(shop):
    found = [purchases.words(f"{kind} {size}") for kind, size in zip(shop.type, shop.size)]
    assert len({word for row in found for word in row}) == 674
    assert all(found)


@pytest.mark.parametrize(
    "texts, numbers, vocabulary",
    [
        ([["b", "a"], ["a"]], [[1, 0], [0, 2]], ["a", "b"]),
        ([["a"], []], [[0], [1]], ["a"]),
        ([["a", "a", "c"]], [[0, 0, 1]], ["a", "c"]),
    ],
)
def test_words_are_numbered_in_order_and_shorter_texts_padded(texts, numbers, vocabulary):
    got, of_words = purchases.number_words(texts)
    assert got.tolist() == numbers
    assert of_words == vocabulary


# The tables of words

TABLES = {
    "abbreviations": ["word", "full"],
    "cases": ["type", "from"],
    "cues": ["word", "cues"],
    "departments": ["department", "name"],
    "diets": ["phrase", "excluded"],
    "elsewhere": ["word", "near"],
    "filler": ["word"],
    "fixed_replies": ["key", "reply"],
    "groups": ["group", "members"],
    "ingredients": ["word"],
    "label_units": ["label", "one", "many", "base", "times"],
    "labels": ["word", "full"],
    "limits": ["words", "test"],
    "names": ["type", "name", "terms"],
    "numbers": ["words", "number"],
    "ordinals": ["words", "place"],
    "phrases": ["act", "phrase"],
    "price_words": ["below", "words"],
    "questions": ["question", "opening"],
    "ranks": ["words", "place"],
    "shorthand": ["words", "full"],
    "topics": ["topic", "phrase"],
    "units": ["word", "unit", "times"],
}


def test_every_table_is_known_here_and_described():
    files = {path.stem for path in FOLDER.glob("*.csv")}
    assert files == {"products", "baskets", *TABLES}
    described = (FOLDER / "README.md").read_text(encoding="utf-8")
    for name, columns in TABLES.items():
        rows = len(purchases.read_table(name))
        assert f"| `{name}.csv` | {rows} | {', '.join(columns)} |" in described


@pytest.mark.parametrize("name", TABLES)
def test_a_table_of_words_is_whole_and_has_each_row_once(name):
    content = (FOLDER / f"{name}.csv").read_bytes()
    assert b"\r" not in content
    assert content.endswith(b"\n")
    rows = purchases.read_table(name)
    assert rows
    for row in rows:
        assert list(row) == TABLES[name]
        for value in row.values():
            assert value and value == value.strip() and value.isascii()
    key = "phrase" if "phrase" in TABLES[name] else TABLES[name][0]
    keys = [row[key] for row in rows]
    assert len(set(keys)) == len(rows)


# One damage a row: the file, what is replaced (once), by what, and what the message must say beside
# the file.
DAMAGES = {
    "empty file": (
        "products.csv",
        rb"(?s).*",
        b"",
        "line 1: expected columns .* got an empty file",
    ),
    "missing column": (
        "products.csv",
        rb",price\n",
        b"\n",
        r"line 1: expected columns .*'price'\], got .*'size'\]",
    ),
    "renamed column": (
        "products.csv",
        rb"brand",
        b"label",
        "line 1: expected columns .*'brand'.* got .*'label'",
    ),
    "swapped columns": ("baskets.csv", rb"early,late", b"late,early", "line 1: expected columns"),
    "byte order mark": ("baskets.csv", rb"^", b"\xef\xbb\xbf", "line 1: expected columns"),
    "truncated line": (
        "products.csv",
        rb"\n\Z",
        b"",
        "line 1001: expected a line end, got a truncated line",
    ),
    "truncated number": (
        "baskets.csv",
        rb"\d\n\Z",
        b"",
        "line 401: expected a line end, got a truncated line",
    ),
    "missing last row": (
        "products.csv",
        rb"\n[^\n]*\n\Z",
        b"\n",
        "line 1000: expected 1000 rows, got 999",
    ),
    "missing household": (
        "baskets.csv",
        rb"\n[^\n]*\n\Z",
        b"\n",
        "line 400: expected 400 rows, got 399",
    ),
    "one row too many": (
        "baskets.csv",
        rb"\Z",
        b"400,1,2\n",
        "line 402: expected 400 rows, got 401",
    ),
    "blank line": ("products.csv", rb"\n5,", b"\n\n5,", "line 7: expected 7 values, got 0"),
    "missing value": ("products.csv", rb"\n5,", b"\n5", "line 7: expected 7 values, got 6"),
    "comma in a value": (
        "products.csv",
        rb"CHEESE: ",
        b"CHEESE, ",
        "line 2: expected 7 values, got 8",
    ),
    "not UTF-8": (
        "products.csv",
        rb"CHEESE",
        b"CH\xc8SE",
        "expected comma-separated UTF-8, got .* byte 0xc8",
    ),
    "endless value": (
        "products.csv",
        rb"CHEESE",
        b"E" * 200_000,
        "expected comma-separated UTF-8, got field larger",
    ),
    "NUL byte": ("products.csv", rb"CHEESE", b"CHE\0SE", "line 2: expected text, got a NUL byte"),
    "skipped product": ("products.csv", rb"\n7,", b"\n8,", "line 9: expected product 7, got '8'"),
    "product not a number": (
        "products.csv",
        rb"\n7,",
        b"\nx,",
        "line 9: expected product 7, got 'x'",
    ),
    "empty category": (
        "products.csv",
        rb"CHEESES",
        b"",
        "line 2: expected text but for the size, got an empty value",
    ),
    "unknown brand": (
        "products.csv",
        rb"National",
        b"national",
        "line 2: expected brand National or Private, got 'nat",
    ),
    "price no number": (
        "products.csv",
        rb"2\.85",
        b"cheap",
        "line 2: expected a price above 0 .* got 'cheap'",
    ),
    "price not given": (
        "products.csv",
        rb"2\.85",
        b"",
        "line 2: expected a price above 0 .* got ''",
    ),
    "price zero": (
        "products.csv",
        rb"2\.85",
        b"0.00",
        "line 2: expected a price above 0 .* got '0.00'",
    ),
    "price negative": (
        "products.csv",
        rb"2\.85",
        b"-2.85",
        "line 2: expected a price above 0 .* got '-2.85'",
    ),
    "price not finite": (
        "products.csv",
        rb"2\.85",
        b"inf",
        "line 2: expected a price above 0 .* got 'inf'",
    ),
    "price not a number": (
        "products.csv",
        rb"2\.85",
        b"nan",
        "line 2: expected a price above 0 .* got 'nan'",
    ),
    "duplicated household": (
        "baskets.csv",
        rb"\n3,",
        b"\n2,",
        "line 5: expected household 3, got '2'",
    ),
    "product too large": (
        "baskets.csv",
        rb"\d+\n",
        b"1000\n",
        r"line 2: expected .* in \[0, 1000\), got \['1000'\]",
    ),
    "product below 0": (
        "baskets.csv",
        rb"\n0,\d+",
        b"\n0,-1",
        r"line 2: expected .* in \[0, 1000\), got \['-1'\]",
    ),
    "product repeated": (
        "baskets.csv",
        rb"\n0,3 27",
        b"\n0,3 3",
        r"line 2: expected increasing .* got \['3'\]",
    ),
    "products unordered": (
        "baskets.csv",
        rb"\n0,3 27",
        b"\n0,27 3",
        r"line 2: expected increasing .* got \['3'\]",
    ),
    "two spaces": (
        "baskets.csv",
        rb"\n0,3 27",
        b"\n0,3  27",
        r"line 2: expected increasing .* got \[''\]",
    ),
    "empty basket": (
        "baskets.csv",
        rb"\n0,[^,]*,",
        b"\n0,,",
        r"line 2: expected increasing .* got \[''\]",
    ),
}


@pytest.fixture
def copy(tmp_path):
    for name in ["products.csv", "baskets.csv"]:
        shutil.copy(FOLDER / name, tmp_path)
    return tmp_path


@pytest.mark.parametrize("name, pattern, replacement, fault", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_refused_with_its_name_and_fault(copy, name, pattern, replacement, fault):
    content = (copy / name).read_bytes()
    damaged = re.sub(pattern, lambda match: replacement, content, count=1)
    assert damaged != content
    (copy / name).write_bytes(damaged)
    with pytest.raises(ValueError, match=f"{name}: {fault}"):
        purchases.load(copy)


@pytest.mark.parametrize("name", ["products.csv", "baskets.csv"])
def test_a_missing_file_is_named(copy, name):
    (copy / name).unlink()
    with pytest.raises(FileNotFoundError, match=name):
        purchases.load(copy)


def test_line_ends_of_another_system_make_no_difference(copy, shop):
    for name in ["products.csv", "baskets.csv"]:
        (copy / name).write_bytes((copy / name).read_bytes().replace(b"\n", b"\r\n"))
    again = purchases.load(copy)
    assert (again.price == shop.price).all()
    assert (again.late == shop.late).all()


def test_the_script_that_made_the_data_compiles(tmp_path):
    script = str(FOLDER / "make_extract.py")
    py_compile.compile(script, cfile=str(tmp_path / "made.pyc"), doraise=True)


@pytest.mark.parametrize("name", ["products.csv", "baskets.csv"])
def test_the_checksum_in_the_readme_is_the_files(name):
    checksum = hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()
    assert f"{checksum}  {name}\n" in (FOLDER / "README.md").read_text(encoding="utf-8")
