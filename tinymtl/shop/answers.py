"""Answers to questions about products: one function for each question, one sentence or two each.

A `Subject` is what a sentence is about: some products and what to call them. What is on record is
said as it is; what is estimated is called so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .catalogue import Catalogue
from .replies import NATIONAL, OWN
from .sizes import NO_SIZE
from .wording import (
    capital,
    dollars,
    in_category,
    in_department,
    is_plural,
    listed,
    named,
    said_price,
    said_sizes,
    verb,
)

MOST_TOLD = 4  # as many products are told apart; of more, the range is told


@dataclass
class Subject:
    """Products that are talked of, and what they are called."""

    name: str
    products: np.ndarray
    count: float = 0.0  # how many of it are asked about; 0 if nothing was said

    @property
    def first(self) -> int:
        """The product that stands for all: the one with most buyers comes first."""
        return int(self.products[0])


def title(catalogue: Catalogue, subject: Subject) -> str:
    """What a subject is called in a sentence: with its size if it is one product."""
    is_one = len(subject.products) == 1
    has_its_name = subject.name == catalogue.names[subject.first]
    return named(catalogue, subject.products) if is_one and has_its_name else subject.name


# Price


def price(catalogue: Catalogue, subject: Subject) -> str:
    """What the products cost."""
    if len(subject.products) == 1:
        return one_price(catalogue, subject.first)
    name = capital(subject.name)
    by_size = catalogue.of_one_size(subject.products)
    if len(by_size) <= MOST_TOLD:
        told = [f"{named(catalogue, g)} {said_price(catalogue, g)}" for g in by_size]
        if len(set(catalogue.kinds[subject.products])) == 1:
            told = [told_size(catalogue, g) for g in by_size]
        return f"{name}: {'; '.join(told)}."
    most_bought = subject.products[:1]
    return (
        f"{name}, {len(subject.products)} products: {said_price(catalogue, subject.products)}. "
        f"Bought most: {named(catalogue, most_bought)}, {said_price(catalogue, most_bought)}."
    )


def told_size(catalogue: Catalogue, products: np.ndarray) -> str:
    """The size that products have in common, and their prices."""
    size = catalogue.size(int(products[0])).words
    price_said = said_price(catalogue, products)
    return f"{size} at {price_said}" if size else price_said


def one_price(catalogue: Catalogue, product: int) -> str:
    """What one product costs; an estimate with what it usually lies between."""
    name = named(catalogue, np.array([product]))
    costs = verb(str(catalogue.names[product]), "costs", "cost")
    amount = catalogue.says["price"][product]
    by = " a pound or a piece" if catalogue.is_loose(product) else ""
    if catalogue.known[product]:
        return f"{capital(name)} {costs} {dollars(amount)}{by}."
    return (
        f"{capital(name)} {costs} about {dollars(amount)}{by}. That is an estimate: "
        f"the price usually lies {usually_between(catalogue, product)}."
    )


def usually_between(catalogue: Catalogue, product: int) -> str:
    """Between which prices the true one of an estimate usually lies."""
    low, high = catalogue.usual_range(product)
    return f"between {low:.2f} and {dollars(high)}"


def how_known(catalogue: Catalogue, subject: Subject) -> str:
    """Which prices of the products are on record, and which are estimates that may be off."""
    known = catalogue.known[subject.products]
    said = []
    if known.any():
        group = subject.products[known]
        name = named(catalogue, group) if len(group) == 1 else subject.name
        is_ = "is" if len(group) == 1 else "are"
        prices = "price" if len(group) == 1 else "prices"
        said.append(f"the {prices} of {name}, {said_price(catalogue, group)}, {is_} on record")
    for product in subject.products[~known]:
        about = f"about {dollars(catalogue.says['price'][product])}"
        said.append(
            f"the price of {named(catalogue, np.array([product]))}, {about}, is an estimate, "
            f"and usually lies {usually_between(catalogue, product)}"
        )
    return "; ".join(said)


def prices_and_estimates(catalogue: Catalogue, subject: Subject) -> str:
    """The prices of the products, those on record told from those that are estimated."""
    return f"{subject.name} at {said_price(catalogue, subject.products)}"


# Where, category, brand, size


def where(catalogue: Catalogue, subject: Subject) -> str:
    """In which department the products are."""
    return placed(catalogue, subject, "department", in_department, "you{} find {} in {}")


def category(catalogue: Catalogue, subject: Subject) -> str:
    """In which category the products are."""
    belongs = "belong" if is_plural(subject.name) else "belongs"
    form = "{1}{0} " + belongs + " to the category {2}"
    return placed(catalogue, subject, "category", in_category, form)


def placed(catalogue: Catalogue, subject: Subject, question: str, in_words, form: str) -> str:
    """Where the products are, as far as it is on record, else by an estimate for the first.

    The form has places for "probably", the name, and the answer.
    """
    name = title(catalogue, subject)
    recorded = subject.products[catalogue.known[subject.products]]
    if len(recorded):
        places = list(dict.fromkeys(in_words(catalogue, product) for product in recorded))
        return capital(form.format("", name, listed(places[:MOST_TOLD]))) + "."
    sentence = form.format(" probably", name, in_words(catalogue, subject.first))
    return f"{capital(sentence)}. {how_often_right(catalogue, question)}"


def how_often_right(catalogue: Catalogue, question: str) -> str:
    """How often an estimate is right, as measured on the validation products."""
    share = percent(catalogue.share_right(question))
    return f"That is an estimate; such estimates were right for {share} of the products tried."


def percent(part: float) -> str:
    """A part in percent.

    >>> percent(0.728)
    '73 %'
    """
    return f"{100 * part:.0f} %"


def brand(catalogue: Catalogue, subject: Subject) -> str:
    """Whether the products are the shop's own brand."""
    says = catalogue.says["brand"][subject.products]
    known = catalogue.known[subject.products]
    name = title(catalogue, subject)
    is_ = "are" if is_plural(subject.name) else "is"
    if not known.any():
        right = how_often_right(catalogue, "brand")
        return f"{capital(name)} {is_} probably {says[0]}. {right}"
    on_record = says[known]
    if known.all() and len(set(on_record)) == 1:
        not_own = "" if on_record[0] == OWN else ", not our own"
        return f"{capital(name)} {is_} {on_record[0]}{not_own}."
    own = int((on_record == OWN).sum())
    are = "is" if len(on_record) == 1 else "are"
    if own == 0:
        said = f"{len(on_record)} of {len(says)} {are} on record: {NATIONAL}, not our own"
    elif own == len(on_record):
        said = f"{own} of {len(says)} {are} on record: {OWN}"
    else:
        said = f"{own} of {len(on_record)} on record are {OWN}, the others national"
    return f"Of {name}, {said}{estimated_brands(says[~known])}."


def estimated_brands(says: np.ndarray) -> str:
    """How many of the products whose brand is not on record are estimated to be the shop's own."""
    if not len(says):
        return ""
    own = int((says == OWN).sum())
    if own == 0:
        guessed = "probably national"
    elif own == len(says):
        guessed = f"probably {OWN}"
    else:
        guessed = f"{own} probably {OWN}, {len(says) - own} national"
    return f"; of {len(says)} more I only have estimates: {guessed}"


# Who bought it


def buyers(catalogue: Catalogue, subject: Subject) -> str:
    """How many households bought any of the products."""
    buy = catalogue.early[:, subject.products].any(1)
    many = len(subject.products)
    any_of = f" any of the {many} products of" if many > 1 else ""
    return (
        f"In weeks 1 to 40, {buy.sum()} of {len(buy)} households ({percent(buy.mean())}) "
        f"bought{any_of} {title(catalogue, subject)}."
    )


def bought_by(catalogue: Catalogue, subject: Subject, household: int) -> str:
    """Whether a household bought any of the products, and which of them."""
    is_bought = catalogue.early[household, subject.products]
    who = f"in weeks 1 to 40, household {household} bought"
    others = catalogue.of_types(frozenset(catalogue.kinds[subject.products]))
    if not is_bought.any() and catalogue.early[household, others].any():
        return f"No, {who} none of these, {title(catalogue, subject)}, but others of the kind."
    if not is_bought.any():
        return f"No, {who} no {title(catalogue, subject)} that I know."
    groups = catalogue.of_one_size(subject.products[is_bought])
    names = [f"{named(catalogue, group)} at {said_price(catalogue, group)}" for group in groups]
    many = len(subject.products)
    of = f"{is_bought.sum()} of {many} products of {subject.name}: " if many > 1 else ""
    rest = f" and {len(names) - MOST_TOLD} more" if len(names) > MOST_TOLD else ""
    told = ", ".join(names[:MOST_TOLD]) if rest else listed(names)
    return f"Yes, {who} {of}{told}{rest}."


def size(catalogue: Catalogue, subject: Subject) -> str:
    """In which sizes the products come."""
    name = named(catalogue, subject.products, with_size=False)
    if len(set(catalogue.names[subject.products])) > 1:
        name = subject.name
    comes = "come" if is_plural(name) else "comes"
    sizes = said_sizes(catalogue, subject.products)
    some_loose = any(catalogue.is_loose(product) for product in subject.products)
    if sizes:
        n_sizes = len({catalogue.size(product) for product in subject.products} - {NO_SIZE})
        if n_sizes == 1 and is_part(catalogue, subject.products):
            return said_of_part(catalogue, subject.products, name, sizes)
        only = "one size: " if n_sizes == 1 else ""
        loose = "; or loose, by the pound or the piece" if some_loose else ""
        return f"{capital(name)} {comes} in {only}{sizes}{loose}."
    if some_loose:
        return (
            f"I do not know the size of {name}: on record is only the shipping case; "
            "the price is for a pound or a piece."
        )
    return f"The size of {name} is not on record."


def is_part(catalogue: Catalogue, products: np.ndarray) -> bool:
    """Whether there are more products of the same kinds."""
    return len(catalogue.of_types(frozenset(catalogue.kinds[products]))) > len(products)


def said_of_part(catalogue: Catalogue, products: np.ndarray, name: str, sizes: str) -> str:
    """The one size of products that were picked, and in which sizes the others come."""
    this, is_ = ("these", "are") if is_plural(name) else ("this", "is")
    every = catalogue.of_types(frozenset(catalogue.kinds[products]))
    others = said_sizes(catalogue, every[~np.isin(every, products)])
    rest = f" The other products of this kind come in {others}." if others else ""
    return f"{capital(this)} {name} {is_} {sizes}.{rest}"


def about(catalogue: Catalogue, subject: Subject) -> str:
    """What there is to say of a product."""
    one = Subject(subject.name, subject.products[:1])
    said = [price(catalogue, subject), where(catalogue, one), category(catalogue, one)]
    return " ".join([*said, brand(catalogue, subject), size(catalogue, subject)])


def kinds(catalogue: Catalogue, subject: Subject) -> str:
    """Which kinds there are."""
    groups = catalogue.alike_types(subject.products)
    if len(groups) == 1:
        return f"I have one kind of {subject.name}: {named(catalogue, groups[0])}."
    told = [f"{named(catalogue, g, with_size=False)} ({len(g)})" for g in groups[:10]]
    more = f", and {len(groups) - 10} more" if len(groups) > 10 else ""
    return f"I have {len(groups)} kinds of {subject.name}: {listed(told)}{more}."


# Comparisons


def compare_prices(catalogue: Catalogue, subjects: list[Subject], dearer: bool = False) -> str:
    """Which of several is cheaper: by the median price, if possible of the prices on record.

    dearer: whether to say which one is dearer instead.
    """
    middles = [middle_price(catalogue, subject) for subject in subjects]
    order = np.argsort(middles, kind="stable")
    told = [
        f"{title(catalogue, subjects[k])}: {said_price(catalogue, subjects[k].products)}"
        for k in order
    ]
    low, high = subjects[order[0]], subjects[order[-1]]
    first = high if dearer else low
    more, most = ("dearer", "the dearest") if dearer else ("cheaper", "the cheapest")
    if middles[order[0]] == middles[order[-1]]:
        verdict = f"{capital(listed([title(catalogue, s) for s in subjects]))} cost about the same"
    else:
        is_ = "are" if is_plural(first.name) else "is"
        sure = certainty(catalogue, low, high)
        word = most if len(subjects) > 2 else more
        verdict = f"{capital(title(catalogue, first))} {is_} {sure}{word}"
    return f"{verdict}. {capital('; '.join(told))}.{difference(catalogue, subjects)}"


def difference(catalogue: Catalogue, subjects: list[Subject]) -> str:
    """By how much the prices of two subjects differ, if each has one price that is on record."""
    prices = [np.unique(catalogue.says["price"][subject.products]) for subject in subjects]
    known = all(catalogue.known[subject.products].all() for subject in subjects)
    if len(subjects) != 2 or not known or any(len(p) > 1 for p in prices):
        return ""
    amount = abs(float(prices[0][0] - prices[1][0]))
    return f" The difference is {dollars(amount)}." if amount else ""


def by_middle_price(catalogue: Catalogue, subjects: list[Subject]) -> list[Subject]:
    """The subjects in the order in which they are compared: the cheapest first."""
    return sorted(subjects, key=lambda subject: middle_price(catalogue, subject))


def middle_price(catalogue: Catalogue, subject: Subject) -> float:
    """The median of the prices on record, or of the estimated ones if there are no others."""
    products = subject.products
    known = products[catalogue.known[products]]
    return float(np.median(catalogue.says["price"][known if len(known) else products]))


def certainty(catalogue: Catalogue, low: Subject, high: Subject) -> str:
    """How sure it is that one subject is cheaper than another: "", "mostly " or "probably "."""
    known = catalogue.known
    if not (known[low.products].any() and known[high.products].any()):
        return "probably "
    prices = catalogue.says["price"]
    if not (known[low.products].all() and known[high.products].all()):
        return "mostly "
    return "" if prices[low.products].max() <= prices[high.products].min() else "mostly "


def compare_sizes(
    catalogue: Catalogue, subjects: list[Subject], smallest: bool = False
) -> tuple[str, np.ndarray]:
    """Which products are the biggest, in words and as numbers; sizes stand on labels."""
    products = np.concatenate([subject.products for subject in subjects])
    base = catalogue.commonest_base(products)
    if not base:
        names = listed([subject.name for subject in subjects])
        return f"I know no sizes of {names} that can be compared.", products
    sized = catalogue.by_size(products, base, lambda amount: True)
    amounts = np.array([catalogue.size(product).amount for product in sized])
    best = sized[np.flatnonzero(amounts == (amounts.min() if smallest else amounts.max()))]
    word = "smallest" if smallest else "biggest"
    sizes = said_sizes(catalogue, sized)
    size_of_best = catalogue.size(best[0]).words
    if len(subjects) > 1 and len(best) == len(products):
        names = listed([subject.name for subject in subjects])
        return f"{capital(names)} have the same size: {size_of_best}.", best
    if len(best) == len(sized):
        name = named(catalogue, best, with_size=False)
        if is_part(catalogue, products):
            return said_of_part(catalogue, products, name, size_of_best), best
        return f"I have one size of {name}: {size_of_best}.", best
    best_name = named(catalogue, best, with_size=False)
    return f"The {word} is {best_name} with {size_of_best}; there are {sizes}.", best


def value(catalogue: Catalogue, subject: Subject) -> str:
    """What costs least for its size, of the products whose price is on record."""
    known = subject.products[catalogue.known[subject.products]]
    base = catalogue.commonest_base(known)
    if not base:
        return f"For {subject.name} I cannot compare prices by size: they are not on record."
    sized = catalogue.by_size(known, base, lambda amount: amount > 0)
    prices = catalogue.says["price"][sized]
    each = prices / np.array([catalogue.size(product).amount for product in sized])
    best = int(each.argmin())
    name = named(catalogue, sized[best : best + 1])
    return (
        f"For its size, {name} at {dollars(prices[best])} costs least of what is on record: "
        f"{100 * each[best]:.1f} cents for each {base}."
    )


# Sums


def total(catalogue: Catalogue, subjects: list[Subject]) -> tuple[str, float, bool]:
    """What several things cost together: in words, in dollars, and whether all of it is known.

    Of each the product with most buyers is taken, if possible one with a price on record.
    """
    told = []
    amount = 0.0
    all_known = True
    for subject in subjects:
        product = catalogue.representative(subject.products)
        count = subject.count or 1.0
        each = float(catalogue.says["price"][product])
        amount += count * each
        known = bool(catalogue.known[product])
        all_known &= known
        about = "" if known else "about "
        name = named(catalogue, np.array([product]))
        times = "" if count == 1 else f"{count:g} x "
        told.append(f"{times}{name} at {about}{each:.2f}")
    about = "" if all_known else "about "
    said = f"{listed(told)}: together {about}{dollars(amount)}"
    if not all_known:
        said += ' (what is "about" is estimated)'
    return f"{capital(said)}.", amount, all_known


# The cheapest and the dearest


RANKED = {1: "", 2: "second ", 3: "third ", 4: "fourth ", 5: "fifth "}


def ranked(catalogue: Catalogue, products: np.ndarray, falls: bool, rank: int = 1) -> np.ndarray:
    """The product (1,) that is so and so cheap: rank 2 is the second cheapest; (0,) if none is.

    Those whose price is on record are put in order, if there are as many prices, else all of them.
    Equal prices have one rank.
    """
    on_record = products[catalogue.known[products]]
    if rank <= n_prices(catalogue, on_record):
        products = on_record
    in_order = catalogue.by_price(products, falls)
    prices = catalogue.says["price"][in_order]
    different = list(dict.fromkeys(prices))
    return in_order[prices == different[rank - 1]][:1] if rank <= len(different) else products[:0]


def n_prices(catalogue: Catalogue, products: np.ndarray) -> int:
    """How many different prices the products have."""
    return len(np.unique(catalogue.says["price"][products]))


def extreme(
    catalogue: Catalogue, subject: Subject, falls: bool, rank: int = 1
) -> tuple[str, np.ndarray]:
    """The cheapest or dearest: on record first, then what may be more so by an estimate."""
    word = RANKED.get(rank, f"{rank}th ") + ("dearest" if falls else "cheapest")
    best = ranked(catalogue, subject.products, falls, rank)
    if not len(best):
        prices = said_price(catalogue, subject.products)
        many = "only this price" if n_prices(catalogue, subject.products) == 1 else "only these"
        return f"I have no {word} {subject.name}, {many}: {prices}.", subject.products[:1]
    on_record = subject.products[catalogue.known[subject.products]]
    if rank > n_prices(catalogue, on_record):
        said = f"By my estimate, this is the {word}: {one_price(catalogue, int(best[0]))}"
        return said + (runner_up(catalogue, subject, falls, best) if rank == 1 else ""), best
    price_of_best = catalogue.says["price"][best[0]]
    said = f"The {word} {subject.name} on record: {named(catalogue, best)}, "
    said += f"{dollars(price_of_best)}, {catalogue.says['brand'][best[0]]}."
    said += as_cheap(catalogue, on_record, best, "dear" if falls else "cheap")
    guess = catalogue.by_price(subject.products[~catalogue.known[subject.products]], falls)[:1]
    prices = catalogue.says["price"][guess]
    if (prices > price_of_best if falls else prices < price_of_best).any():
        more = "more" if falls else "less"
        said += (
            f" {capital(named(catalogue, guess))} may cost {more}: {said_price(catalogue, guess)}."
        )
    return said, best


def as_cheap(catalogue: Catalogue, products: np.ndarray, best: np.ndarray, word: str) -> str:
    """The other products of the same price as the best, in words; "" if there are none."""
    prices = catalogue.says["price"]
    same = products[(prices[products] == prices[best[0]]) & (products != best[0])]
    if not len(same):
        return ""
    groups = catalogue.of_one_size(same)
    told = []
    for group in groups[:MOST_TOLD]:
        again = "another " if named(catalogue, group) == named(catalogue, best) else ""
        count = f" x {len(group)}" if len(group) > 1 else ""
        told.append(f"{again}{named(catalogue, group)}{count}")
    rest = [f"{len(groups) - MOST_TOLD} more"] if len(groups) > MOST_TOLD else []
    return f" And as {word}: {listed([*told, *rest])}."


def runner_up(catalogue: Catalogue, subject: Subject, falls: bool, best: np.ndarray) -> str:
    """What comes next to an estimated cheapest, which it may in truth be; "" for nothing."""
    others = subject.products[subject.products != best[0]]
    following = catalogue.by_price(others, falls)[:1]
    if not len(following):
        return ""
    return (
        f" Next comes {named(catalogue, following)}: {said_price(catalogue, following)}; "
        "it may be the other way round."
    )


# Goes with


MOST_KINDS = 12


def bought_with(catalogue: Catalogue, also_bought, subject: Subject) -> dict[str, tuple[str, str]]:
    """Kinds that households buy more often if they buy any product of a kind, the first first.

    The kinds are found product by product. What is said of them counts households that buy any of
    their products: name → which share of those households, and which of all.
    """
    own_kinds = frozenset(catalogue.kinds[subject.products])
    products = catalogue.of_types(own_kinds)
    buy = catalogue.early[:, products].any(1)
    shares: dict[str, tuple[str, str]] = {}
    for product in np.argsort(-also_bought.more_often(products), kind="stable"):
        kind = str(catalogue.names[product])
        if catalogue.kinds[product] in own_kinds or kind in shares:
            continue
        buy_kind = catalogue.early[:, catalogue.names == kind].any(1)
        those, everybody = percent(buy_kind[buy].mean()), percent(buy_kind.mean())
        if buy_kind[buy].mean() > buy_kind.mean() and those != everybody:
            shares[kind] = (those, everybody)
        if len(shares) == MOST_KINDS:
            break
    return shares


def whole_kind(catalogue: Catalogue, subject: Subject) -> str:
    """What the kinds of a subject are called, of which only some products were picked."""
    products = catalogue.of_types(frozenset(catalogue.kinds[subject.products]))
    if len(products) == len(subject.products):
        return subject.name
    return listed(list(dict.fromkeys(str(name) for name in catalogue.names[products])))


def goes_with(catalogue: Catalogue, subject: Subject, shares: dict[str, tuple[str, str]]) -> str:
    """The first of the kinds that `bought_with` found, in words."""
    told = [
        f"{kind} ({those} of them, {everybody} of all)"
        for kind, (those, everybody) in list(shares.items())[:MOST_TOLD]
    ]
    return (
        f"Within 40 weeks, households that buy {whole_kind(catalogue, subject)} also buy, "
        f"more often than others do: {listed(told)}."
    )
