"""What a network looks like: every parameter counted in its box, every point in its place."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex
from pictures import (
    FIRST_COLOURS,
    LONG,
    NAN,
    ONES,
    TwoParts,
    a_model,
    clouds,
    dots,
    refuses,
    texts,
    title,
    words,
)

import tinymtl as mtl
from tinymtl import plots

# The network as boxes

SHARED = to_hex("0.3")
SHARINGS = {
    "hard": (mtl.HardSharing, {}),
    "soft": (mtl.SoftSharing, {"strength": 0.25}),
    "alone": (mtl.SingleTask, {}),
}


def boxes(figure):
    """(left, colour) -> its lines, {words at the left: number at the right}, from the top down."""
    ax = figure.axes[0]
    found = {}
    for patch in ax.patches:
        left = round(min(patch.get_bbox().intervalx), 2)
        colour = to_hex(patch.get_edgecolor())
        found[left, colour] = lines_in(ax, patch.get_bbox())
    return found


def lines_in(ax, box):
    """{words at the left: number at the right} of the texts in a box, from the top down."""
    inside = []
    for one in ax.texts:
        x, y = one.get_position()
        if not isinstance(one, plt.Annotation) and box.contains(x, y):
            inside.append((round(y, 6), one.get_ha() == "right", one.get_text()))
    lines = {}
    for y, _, text in sorted(inside):
        lines.setdefault(y, []).append(text)
    return dict(lines.values())


def arrows(figure):
    """(colour, from, to), with ends (x, y)."""
    pointing = [one for one in figure.axes[0].texts if isinstance(one, plt.Annotation)]
    return [(to_hex(one.arrow_patch.get_edgecolor()), one.xyann, one.xy) for one in pointing]


def number(text):
    return int(text.replace(",", ""))


@pytest.mark.parametrize("arm", SHARINGS)
@pytest.mark.parametrize("tasks, encoders", [("a", ""), ("ab", "b"), (LONG, LONG[::2])])
def test_numbers_in_the_boxes_are_those_of_the_model_and_add_up(arm, tasks, encoders):
    sharing, options = SHARINGS[arm]
    model = a_model(sharing, tasks, encoders, **options)
    counts = model.counts()
    by_colour = dict.fromkeys([*FIRST_COLOURS, "#e69f00", "#56b4e9"], 0)
    for (_, colour), lines in boxes(plots.network(model)).items():
        (_, beside_title), (percent, whole), *modules = lines.items()
        n = number(whole)
        share = float(percent.removesuffix(" % of all"))
        assert beside_title == ""
        assert n == sum(number(k) for _, k in modules)
        assert abs(share - 100 * n / counts["total"]) <= 0.05 + 1e-9
        by_colour[colour] = by_colour.get(colour, 0) + n
    assert sum(by_colour.values()) == counts["total"]
    assert by_colour.pop(SHARED, 0) == counts["shared"]
    assert list(by_colour.values())[: len(tasks)] == list(counts["tasks"].values())


def test_a_box_has_a_line_for_each_module_with_its_name_kind_and_number():
    drawn = boxes(plots.network(a_model(encoders="b")))
    assert len(drawn) == 4
    assert drawn[2.3, SHARED] == {
        "shared trunk": "",
        "97.2 % of all": "4,045",
        "first: Embedding": "4,000",
        "second: Dense": "45",
    }
    assert drawn[0.1, FIRST_COLOURS[1]] == {"encoder": "", "1.9 % of all": "80", "Dense": "80"}
    assert drawn[4.5, FIRST_COLOURS[0]] == {
        "a": "",
        "0.4 % of all": "15",
        "first: Dense": "12",
        "second: Dense": "3",
    }
    head_of_b = list(drawn[4.5, FIRST_COLOURS[1]])
    assert head_of_b == ["b", "0.5 % of all", "first: Dense", "second: Dense"]


def test_from_one_trunk_an_arrow_leads_to_every_head_in_the_colour_of_its_task():
    figure = plots.network(a_model(tasks=LONG, encoders=LONG[:1]))
    first, *to_heads = arrows(figure)
    assert [colour for colour, *_ in to_heads] == [*FIRST_COLOURS, "#e69f00", "#56b4e9"]
    assert len({start for _, start, _ in to_heads}) == 1
    assert len({end for *_, end in to_heads}) == 6
    heads = [one for one in figure.axes[0].patches if one.get_x() > 4]
    edges = {to_hex(one.get_edgecolor()): one.get_bbox() for one in heads}
    for colour, _, (x, y) in to_heads:
        box = edges[colour]
        np.testing.assert_allclose([x, y], [box.x0, np.mean([box.y0, box.y1])])
    colour, (start, _), (end, _) = first
    assert colour == FIRST_COLOURS[0]
    assert start < end < to_heads[0][1][0]


@pytest.mark.parametrize("arm", ["soft", "alone"])
def test_copies_of_the_trunk_lead_to_their_own_head_and_only_a_pull_joins_them(arm):
    sharing, options = SHARINGS[arm]
    figure = plots.network(a_model(sharing, "abc", **options))
    assert [colour for colour, *_ in arrows(figure)] == FIRST_COLOURS[:3]
    assert all(start[1] == end[1] for _, start, end in arrows(figure))

    pulls = figure.axes[0].lines
    assert len(pulls) == (2 if arm == "soft" else 0)
    assert texts(figure).count("pull λ = 0.25") == len(pulls)
    assert all(one.get_linestyle() == "--" for one in pulls)
    assert ("λ" in "".join(texts(figure))) == bool(pulls)
    trunks = [one.get_bbox() for one in figure.axes[0].patches if one.get_x() < 1]
    for one, above, below in zip(pulls, trunks, trunks[1:]):
        np.testing.assert_allclose(one.get_ydata(), [above.y1, below.y0])


@pytest.mark.parametrize(
    "sharing, tasks, said",
    [
        (mtl.HardSharing, "ab", "4,082 parameters, 99 % of them shared by both tasks"),
        (mtl.HardSharing, "abc", "4,111 parameters, 98 % of them shared by the 3 tasks"),
        (mtl.HardSharing, "a", "4,060 parameters, all of one task"),
        (
            mtl.SingleTask,
            "ab",
            "8,127 parameters, none shared: one trunk for all would save 50 %",
        ),
    ],
)
def test_the_title_says_what_is_shared_or_what_one_trunk_would_save(sharing, tasks, said):
    assert title(plots.network(a_model(sharing, tasks))) == said


def test_the_trunk_of_one_task_is_not_called_shared():
    assert "shared trunk" not in texts(plots.network(a_model(tasks="a")))


def test_a_module_that_heads_share_is_in_the_trunk_and_functions_have_no_parameters():
    rng = np.random.default_rng(0)
    common = mtl.Dense(3, 3, rng)
    heads = {t: TwoParts(common, mtl.Dense(3, 1, rng)) for t in "ab"} | {"c": mtl.tanh}
    shared = boxes(plots.network(mtl.HardSharing(mtl.tanh, heads)))
    assert shared[0.1, SHARED] == {
        "shared trunk": "",
        "60.0 % of all": "12",
        "heads.a.first: Dense": "12",
    }
    assert shared[3.7, FIRST_COLOURS[2]] == {"c": "", "0.0 % of all": "0"}
    alone = boxes(plots.network(mtl.SingleTask(mtl.tanh, heads)))
    assert "heads.b.first: Dense" in alone[0.1, FIRST_COLOURS[1]]
    assert "unused copy" in alone[0.1, FIRST_COLOURS[2]]
    without = mtl.HardSharing(mtl.tanh, {"a": mtl.tanh, "b": mtl.tanh})
    assert title(plots.network(without)).startswith("0 parameters, 0 %")


# Points


def purity_by_hand(vectors, labels):
    """Point by point: the nearest others, of which each has an equal part of the vote."""
    n = len(vectors)
    purity = 0.0
    chance = 0.0
    for i in range(n):
        others = [j for j in range(n) if j != i]
        far = {j: sum((a - b) ** 2 for a, b in zip(vectors[i], vectors[j])) for j in others}
        nearest = [j for j in others if far[j] == min(far.values())]
        purity += sum(labels[j] == labels[i] for j in nearest) / len(nearest) / n
        chance += sum(labels[j] == labels[i] for j in others) / (n - 1) / n
    return purity, chance


def in_plane(vectors):
    """Coordinates along the two main directions of the covariance, and their part of it.

    Coordinates are in root mean squares of the distance from the mean.
    """
    centred = vectors - vectors.mean(0)
    values, directions = np.linalg.eigh(centred.T @ centred / len(centred))  # the least first
    first_two = directions[:, [-1, -2]]
    part = values[[-1, -2]].sum() / values.sum()
    return centred @ first_two / np.sqrt(values.sum()), part


def test_embedding_draws_the_two_principal_components_with_purity_and_chance():
    rng = np.random.default_rng(0)
    sets = {
        "before": rng.standard_normal((30, 4)) * [3, 2, 1, 0.1] + 5,
        "after": rng.standard_normal((30, 7)) * np.arange(1, 8),
    }
    labels = np.repeat(["tea", "jam", "soap"], 10)
    figure = plots.embedding(sets, labels)
    for ax, (name, vectors) in zip(figure.axes, sets.items()):
        places, part = in_plane(vectors)
        jam, soap, tea = dots(ax)  # equally frequent labels are in the order of the alphabet
        drawn = np.concatenate([tea, jam, soap])
        np.testing.assert_allclose(np.abs(drawn), np.abs(places), atol=1e-12)
        purity, chance = purity_by_hand(vectors, labels)
        assert ax.get_title() == (
            f"{name}\npurity {100 * purity:.1f} %\n(chance {100 * chance:.1f} %)"
        )
        assert ax.get_xlabel() == f"{100 * part:.0f} % of the variance"
        assert ax.get_aspect() == 1


def test_the_seven_most_frequent_labels_have_colours_and_the_others_are_grey():
    labels = np.repeat(np.arange(9), [2, 9, 3, 8, 4, 7, 5, 6, 1])
    figure = plots.embedding({"one": np.random.default_rng(0).standard_normal((45, 3))}, labels)
    drawn = clouds(figure.axes[0])
    wanted = {"2 others (3)": 3}
    for label, n in zip([1, 3, 5, 7, 6, 4, 2], range(9, 2, -1)):
        wanted[f"{label} ({n})"] = n
    assert [(one.get_label(), len(one.get_offsets())) for one in drawn] == list(wanted.items())
    assert [to_hex(one.get_facecolor()[0]) for one in drawn] == [
        "#cccccc",
        *(to_hex(colour) for colour in plots.TASK_COLOURS),
    ]
    assert words(figure.legends[0].get_texts()) == list(wanted)


def test_if_all_labels_have_a_colour_nothing_speaks_of_others():
    figure = plots.embedding({"one": np.eye(7)}, np.arange(7))
    assert not any("others" in text for text in texts(figure))


@pytest.mark.parametrize("place", [0.0, 0.1, 1e6 / 3])
def test_identical_points_are_drawn_at_one_place(place):
    figure = plots.embedding({"one": np.full((6, 3), place)}, list("aaabbc"))
    np.testing.assert_allclose(np.concatenate(dots(figure.axes[0])), 0, atol=1e-6)


def test_vectors_of_one_number_are_drawn_on_a_line():
    ax = plots.embedding({"one": [[1.0], [2.0], [6.0]]}, list("aab")).axes[0]
    np.testing.assert_allclose(np.concatenate(dots(ax))[:, 1], 0, atol=1e-12)
    assert ax.get_xlabel().startswith("100 %")


# Refusals

REFUSED = [
    (
        lambda: plots.network("model"),
        TypeError,
        r"network: model must be HardSharing, SoftSharing or SingleTask, got str",
    ),
    (
        lambda: plots.network(mtl.Dense(2, 1, np.random.default_rng(0))),
        TypeError,
        r"network: model must be .*got Dense",
    ),
    (
        lambda: plots.embedding({}, list("ab")),
        ValueError,
        r"embedding: vectors must have at least one name, got \{\}",
    ),
    (
        lambda: plots.embedding({"one": ONES, "two": [[1]]}, list("ab")),
        ValueError,
        r"embedding: vectors\['two'\] must have shape \(2, E\), got \(1, 1\)",
    ),
    (
        lambda: plots.embedding({"one": [1, 2]}, list("ab")),
        ValueError,
        r"vectors\['one'\] must have shape \(2, E\), got \(2,\)",
    ),
    (
        lambda: plots.embedding({"one": [[], []]}, list("ab")),
        ValueError,
        r"must have shape \(2, E\), got \(2, 0\)",
    ),
    (
        lambda: plots.embedding({"one": [[1]]}, ["a"]),
        ValueError,
        r"embedding: labels must be of at least 2 points, got shape \(1,\)",
    ),
    (
        lambda: plots.embedding({"one": ONES}, "ab"),
        ValueError,
        r"embedding: labels must be of at least 2 points, got shape \(\)",
    ),
    (
        lambda: plots.embedding({"one": [[1], [NAN]]}, list("ab")),
        ValueError,
        r"embedding: vectors\['one'\] must be finite, got nan",
    ),
]


@pytest.mark.parametrize("call, kind, message", REFUSED)
def test_wrong_arguments_are_named_before_anything_is_drawn(call, kind, message):
    refuses(call, kind, message)
