"""What was gained: every gain with its uncertainty, and what is a finding."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import (
    ERRORS,
    GAIN,
    GAIN_CURVES,
    GAINS,
    NAN,
    ONES,
    line,
    points,
    refuses,
    texts,
    title,
    words,
)

from tinymtl import plots

# By measure


def test_gains_draws_each_pair_in_the_row_of_its_measure_with_three_standard_errors():
    figure = plots.gains(GAINS, seeds=10)
    ax = figure.axes[0]
    rows = words(ax.get_yticklabels())
    assert rows == ["brand, AUC", "price, R²", "facts"]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first on top
    for arm, (places, _, bars) in zip(GAINS.values(), points(ax), strict=True):
        for row, measure in enumerate(rows):
            gain, error = arm[measure]
            x, y = places[row]
            np.testing.assert_equal(x, gain)
            np.testing.assert_allclose(bars[row, :, 0], [gain - 3 * error, gain + 3 * error])
            if not np.isnan(gain):
                assert abs(y - row) < 0.5
                assert set(bars[row, :, 1]) == {y}
    hard, soft = (list(filled) for _, filled, _ in points(ax))
    assert hard == [True, True, False]
    assert soft == [True, False, False]


def test_gains_says_what_is_seen():
    figure = plots.gains(GAINS, seeds=10)
    ax = figure.axes[0]
    assert words(ax.get_legend().get_texts()) == [
        "hard: better in 1 of 3, worse in 1",
        "soft: better in 1 of 2, worse in 0",
    ]
    assert "positive is better" in ax.get_xlabel()
    assert set(ax.lines[0].get_xdata()) == {0}
    assert ax.texts[0].get_text() == " alone"
    assert "3 standard errors" in figure.get_supxlabel()
    assert "10 seeds" in figure.get_supxlabel()
    assert "seeds" not in plots.gains(GAINS).get_supxlabel()


def draw_gains(pairs):
    return plots.gains({"hard": {f"measure {i}": pair for i, pair in enumerate(pairs)}})


def draw_gain_by_fraction(pairs):
    fractions = np.arange(1, len(pairs) + 1) / len(pairs)
    gain, error = zip(*pairs)
    return plots.gain_by_fraction({"hard": (fractions, gain, error)}, measure="R²")


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.floats(-1, 1), st.floats(0, 1)), min_size=1, max_size=5),
    st.sampled_from([(draw_gains, 0), (draw_gain_by_fraction, 1)]),
)
def test_a_point_is_hollow_exactly_if_its_bar_reaches_zero(pairs, picture):
    draw, axis = picture
    figure = draw(pairs)
    ((_, filled, bars),) = points(figure.axes[0])
    reaches = (bars[..., axis].min(1) <= 0) & (bars[..., axis].max(1) >= 0)
    np.testing.assert_array_equal(filled, ~reaches)
    plt.close(figure)


# By the share of labels


def test_gain_by_fraction_draws_one_arm_at_its_percents():
    fractions = [0.05, 0.1, 1]
    gain = np.array([0.5, 0.1, -0.4])
    error = [0.1, 0.1, 0.1]
    curves = {"hard": (fractions, gain, error)}
    figure = plots.gain_by_fraction(curves, measure="brand, AUC", seeds=5)
    ax = figure.axes[0]
    ((places, filled, bars),) = points(ax)
    np.testing.assert_allclose(places, np.transpose([[5, 10, 100], gain]))
    np.testing.assert_allclose(line(ax, "hard").get_xydata(), places)
    np.testing.assert_allclose(bars[:, :, 1], np.transpose([gain - 0.3, gain + 0.3]), atol=1e-12)
    assert list(filled) == [True, False, True]
    assert ax.get_xscale() == "log"
    assert "%" in ax.get_xlabel()
    assert words(ax.get_xticklabels()) == ["5", "10", "100"]
    assert "positive is better" in ax.get_ylabel()
    assert set(ax.lines[0].get_ydata()) == {0}
    assert " alone" in texts(figure)
    assert "brand, AUC" in title(figure)
    assert "5 seeds" in figure.get_supxlabel()
    assert "hard" in texts(figure)


def test_bars_of_several_arms_stand_side_by_side_near_their_percents():
    figure = plots.gain_by_fraction(GAIN_CURVES, measure="AUC")
    (hard, _, bars), (soft, _, _) = points(figure.axes[0])
    np.testing.assert_array_equal(hard[:, 1], GAIN_CURVES["hard"][1])
    np.testing.assert_array_equal(soft[:, 1], GAIN_CURVES["soft"][1])
    assert hard[1, 0] < 10 < soft[0, 0]
    np.testing.assert_allclose(hard[:, 0], [5, 10, NAN], rtol=0.05)
    np.testing.assert_allclose(soft[:, 0], [10, 100], rtol=0.05)
    np.testing.assert_allclose(bars[:2, :, 0], hard[:2, :1] * [1, 1])


# By pair of tasks


def test_transfer_matrix_writes_gain_and_error_with_the_task_that_helps_in_rows():
    figure = plots.transfer_matrix(GAIN, ERRORS, list("abc"), seeds=7)
    ax = figure.axes[0]
    cells = {one.get_position(): one for one in ax.texts}  # (column, row)
    assert {at: one.get_text() for at, one in cells.items()} == {
        (1, 0): "+0.100\n± 0.020",
        (2, 0): "−0.200\n± 0.010",
        (0, 1): "+0.003\n± 0.010",
        (2, 1): "+0.040\n± 0.020",
        (0, 2): "−0.050\n± 0.010",
    }
    assert {at for at, one in cells.items() if one.get_color() != "black"} == {(0, 1), (2, 1)}
    assert words(ax.get_xticklabels()) == list("abc")
    assert words(ax.get_yticklabels()) == list("abc")
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first row on top
    assert "helps" in ax.get_ylabel()
    assert "is helped" in ax.get_xlabel()
    for said in ("positive is better", "blue better", "standard error", "7 seeds"):
        assert said in figure.get_supxlabel()


def test_transfer_matrix_colours_better_blue_worse_red_and_findings_strongly():
    image = plots.transfer_matrix(GAIN, ERRORS, list("abc")).axes[0].images[0]
    shown = image.get_array()
    is_diagonal = np.eye(3, dtype=bool)
    assert np.ma.getmaskarray(shown)[is_diagonal | np.isnan(GAIN)].all()
    np.testing.assert_array_equal(np.ma.filled(shown, NAN)[~is_diagonal], GAIN[~is_diagonal])
    assert image.norm.vmin == -image.norm.vmax
    assert image.norm.vmax >= 0.2
    better, worse = image.to_rgba(np.array([0.2, -0.2]))[:, :3]
    red, blue = 0, 2
    assert better[blue] > better[red]
    assert worse[red] > worse[blue]
    strength = image.get_alpha()
    assert strength[0, 1] == strength[0, 2] == 1
    assert strength[1, 0] < 0.5


@pytest.mark.parametrize(
    "scale, text",
    [(1e-8, "+1e-08"), (1e3, "+1000"), (1e8, "+1e+08"), (1.0, "+1.00"), (0.0, "+0.00")],
)
def test_transfer_matrix_writes_tiny_and_large_numbers(scale, text):
    numbers = scale * np.ones((2, 2))
    figure = plots.transfer_matrix(numbers, numbers, ["a", "b"])
    gain, _ = figure.axes[0].texts[0].get_text().split("\n")
    assert gain.replace("−", "-") == text


# Arguments


def test_arguments_are_left_as_they_are():
    gain = GAIN.copy()
    errors = ERRORS.copy()
    fractions = np.array([0.1, 1.0])
    curve = (fractions, fractions, fractions)
    plots.transfer_matrix(gain, errors, list("abc"))
    plots.gain_by_fraction({"hard": curve, "soft": curve}, measure="AUC")
    np.testing.assert_array_equal(gain, GAIN)
    np.testing.assert_array_equal(errors, ERRORS)
    np.testing.assert_array_equal(fractions, [0.1, 1.0])


def test_a_matrix_of_many_tasks_has_colours_without_numbers_and_a_scale():
    for T, has_numbers in ((10, True), (11, False)):
        gain = np.random.default_rng(0).normal(size=(T, T))
        figure = plots.transfer_matrix(gain, np.ones((T, T)), [f"task {i}" for i in range(T)])
        ax = figure.axes[0]
        assert bool(ax.texts) == has_numbers
        assert (len(figure.axes) == 1) == has_numbers
        assert ("standard error\n" in figure.get_supxlabel()) == has_numbers


# Refusals


def by_fraction(*curve):
    return plots.gain_by_fraction({"hard": curve}, measure="R²")


REFUSED = [
    (lambda: plots.gains({}), ValueError, r"gains: gains must have at least one arm.*got \{\}"),
    (lambda: plots.gains({"hard": {}}), ValueError, r"with one measure, got \{'hard': \{\}\}"),
    (
        lambda: plots.gains({"hard": {"R²": (1, 1)}, "soft": {"R2": (1, 1)}}),
        ValueError,
        r"gains\['soft'\] must have .*\['R²'\], got \{'R2'",
    ),
    (
        lambda: plots.gains({"hard": {"R²": 0.1}}),
        ValueError,
        r"must have a pair \(gain, standard error\).*got \{'R²': 0.1\}",
    ),
    (lambda: plots.gains({"hard": {"R²": (0.1, 0.2, 0.3)}}), ValueError, r"must have a pair"),
    (
        lambda: plots.gains({"hard": {"R²": (0.1, -0.2)}}),
        ValueError,
        r"gains: gains\['hard'\] must be finite.*standard errors of at least 0, got 0.1 ± -0.2",
    ),
    (lambda: plots.gains({"hard": {"R²": (0.1, NAN)}}), ValueError, r"got 0.1 ± nan"),
    (
        lambda: plots.gains({"hard": {"R²": (float("inf"), 1)}}),
        ValueError,
        r"gains\['hard'\] must be finite.*got inf ± 1.0",
    ),
    (lambda: plots.gain_by_fraction({}, measure="R²"), ValueError, r"at least one arm, got \{\}"),
    (
        lambda: by_fraction([0.1], [1]),
        ValueError,
        r"gains\['hard'\] must be \(fractions, gains, standard errors\)",
    ),
    (
        lambda: by_fraction([0.1, 1], [1], [1]),
        ValueError,
        r"of one length.*\[\(2,\), \(1,\), \(1,\)\]",
    ),
    (lambda: by_fraction([], [], []), ValueError, r"at least 1; got shapes"),
    (lambda: by_fraction(0.1, 1, 1), ValueError, r"got shapes \[\(\), \(\), \(\)\]"),
    (
        lambda: by_fraction([5, 10], [1, 1], [1, 1]),
        ValueError,
        r"increasing fractions in \(0, 1\], got \[5, 10\]",
    ),
    (lambda: by_fraction([0, 1], [1, 1], [1, 1]), ValueError, r"fractions in \(0, 1\]"),
    (lambda: by_fraction([0.5, 0.5], [1, 1], [1, 1]), ValueError, r"increasing"),
    (lambda: by_fraction([0.1, NAN, 1], [1] * 3, [1] * 3), ValueError, r"increasing"),
    (
        lambda: by_fraction([0.5], [1], [-1]),
        ValueError,
        r"gain_by_fraction: gains\['hard'\] must be finite.*got 1.0 ± -1.0",
    ),
    (
        lambda: plots.transfer_matrix([[1]], [[1]], ["a"]),
        ValueError,
        r"2 or more names, each once; got \['a'\]",
    ),
    (
        lambda: plots.transfer_matrix(ONES, ONES, "ab"),
        ValueError,
        r"2 or more names, each once; got \['ab'\]",
    ),
    (
        lambda: plots.transfer_matrix(ONES, ONES, ["a", "a"]),
        ValueError,
        r"each once; got \['a', 'a'\]",
    ),
    (
        lambda: plots.transfer_matrix(ONES, ONES, ["a", "b", "c"]),
        ValueError,
        r"shape \(3, 3\) for tasks \['a', 'b', 'c'\], got \(2, 2\), \(2, 2\)",
    ),
    (lambda: plots.transfer_matrix(ONES, [1, 1], ["a", "b"]), ValueError, r"got \(2, 2\), \(2,\)"),
    (
        lambda: plots.transfer_matrix(ONES, [[1, -1], [1, 1]], ["a", "b"]),
        ValueError,
        r"transfer_matrix: gain .*at least 0, got 1.0 ± -1.0",
    ),
]


@pytest.mark.parametrize("call, kind, message", REFUSED)
def test_wrong_arguments_are_named_before_anything_is_drawn(call, kind, message):
    refuses(call, kind, message)
