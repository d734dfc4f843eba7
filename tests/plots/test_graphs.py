"""The graph of a loss: every value and every gradient is the true one, and parents stand above."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.patches import Rectangle
from numeric import assert_close, central_differences
from pictures import refuses, texts

import tinymtl as mtl
from tinymtl import plots
from tinymtl.ops import exp, log


def edges(figure):
    """Where each box of the picture stands."""
    (ax,) = figure.axes
    return [one.get_bbox() for one in ax.patches if isinstance(one, Rectangle)]


def boxes(figure):
    """The box and its lines, for each box of the picture."""
    (ax,) = figure.axes
    found = []
    for box in edges(figure):
        inside = [one for one in ax.texts if one.get_text() and box.contains(*one.get_position())]
        inside.sort(key=lambda one: one.get_position()[1])
        found.append((box, [one.get_text() for one in inside]))
    return found


def lines(figure):
    """The first line of each box -> the other two."""
    found = {}
    for _, (title, value, gradient) in boxes(figure):
        found[title] = (value, gradient)
    return found


def arrows(figure):
    """(x, y) of both ends of each arrow."""
    return [(one.get_xydata()[0], one.get_xydata()[-1]) for one in figure.axes[0].lines]


def number(text):
    return float(text.rpartition("= ")[2].replace("−", "-"))


def two_losses(u, a, b):
    h = u * 2.0
    z = b * h
    price = (a * h - 5.0) ** 2
    buys = log(exp(z) + 1.0)
    return h, z, price, buys, price + buys


def with_numpy(u, a, b):
    """The same total loss with NumPy alone."""
    return (a * u * 2 - 5) ** 2 + np.log(1 + np.exp(b * u * 2))


@given(*(st.floats(-2, 2).map(lambda x: round(x, 2)) for _ in range(3)))
def test_a_box_has_the_value_and_the_gradient(u, a, b):
    leaves = [mtl.Parameter(x) for x in (u, a, b)]
    *_, total = two_losses(*leaves)
    drawn = lines(plots.graph(total, {"u": leaves[0], "a": leaves[1], "b": leaves[2], "L": total}))
    plt.close("all")
    slopes = central_differences(with_numpy, np.array(u), np.array(a), np.array(b), g=1.0)
    for name, value, slope in zip("uab", (u, a, b), slopes):
        assert_close(number(drawn[name][0]), value, 0.006)  # three digits
        assert_close(number(drawn[name][1]), slope, 0.006)
    assert_close(number(drawn["L: +"][0]), with_numpy(u, a, b), 0.006)
    assert drawn["L: +"][1] == "1"


def test_the_shares_of_a_number_that_is_used_twice_are_written_as_a_sum():
    u, a, b = (mtl.Parameter(x) for x in (0.5, 3.0, 1.0))
    h, z, price, buys, total = two_losses(u, a, b)
    drawn = lines(plots.graph(total, {"h": h, "z": z, "price": price, "buys": buys}))
    assert drawn["h: ×"] == ("1", "0.731 − 12 = −11.3")
    assert drawn["z: ×"] == ("1", "0.731")
    assert drawn["price: power"] == ("4", "1")
    assert drawn["buys: log"] == ("1.31", "1")
    assert drawn["parameter"]  # those without a name


def test_a_value_that_is_used_twice_by_one_other_has_two_arrows_to_it():
    p = mtl.Parameter(1.0)
    q = p + p
    figure = plots.graph(q + q, {"p": p, "q": q})
    assert lines(figure) == {"p": ("1", "2 + 2 = 4"), "q: +": ("2", "1 + 1 = 2"), "+": ("4", "1")}
    assert len(arrows(figure)) == 4


def test_arrays_are_shown_by_their_entries_or_by_shape_and_norm():
    x = mtl.Parameter([3.0, 4.0])
    W = mtl.Parameter([[1.0, 2.0], [2.0, 4.0]])
    drawn = lines(plots.graph((W @ x).sum(), {"x": x, "W": W}))
    assert drawn["x"] == ("[3, 4]", "[3, 6]")
    assert drawn["W"] == ("(2, 2), norm 5", "(2, 2), norm 7.07")
    assert "sum" in drawn


class Number:
    """A number of another engine: a product, and nothing else."""

    def __init__(self, data, born, *pairs):
        self.data = data
        self.born = born
        self.pairs = pairs

    def times(self, other, born):
        pairs = [(self, lambda g: g * other.data), (other, lambda g: g * self.data)]
        return Number(self.data * other.data, born, *pairs)


def test_the_numbers_of_another_engine_have_the_same_picture():
    x = Number(3.0, 1)
    square = x.times(x, 2)
    cube = square.times(x, 3)
    theirs = plots.graph(cube, {"x": x, "square": square, "cube": cube})
    assert lines(theirs) == {
        "x": ("3", "9 + 9 + 9 = 27"),
        "square: times": ("9", "3"),
        "cube: times": ("27", "1"),
    }
    x = mtl.Parameter(3.0)
    square = x * x
    cube = square * x
    ours = plots.graph(cube, {"x": x, "square": square, "cube": cube})
    assert list(lines(ours).values()) == list(lines(theirs).values())


def test_an_operation_is_named_by_the_function_that_made_it():
    def cube(x):
        return mtl.tensor.node(x.data**3, (x, lambda g: g * 3 * x.data**2))

    x = mtl.Parameter(2.0)
    assert lines(plots.graph(cube(x)))["cube"] == ("8", "1")
    unnamed = mtl.tensor.node(x.data, (x, np.negative))
    assert lines(plots.graph(unnamed))["a function"] == ("2", "1")


@st.composite
def losses(draw):
    """The sum of all values of a drawn computation that nothing else was made of."""
    values = [mtl.Parameter(float(i)) for i in range(draw(st.integers(1, 8)))]
    for _ in range(draw(st.integers(0, 12))):
        a = draw(st.sampled_from(values))
        b = draw(st.sampled_from(values))
        values.append(a + b)
    return sum(values[1:], values[0])


@given(losses())
def test_parents_stand_above_their_children_in_rows_from_the_top_and_no_box_covers_another(loss):
    figure = plots.graph(loss)
    drawn = edges(figure)
    for i, box in enumerate(drawn):
        assert 0 <= min(box.intervalx) and max(box.intervalx) <= 6.4 + 1e-9
        assert not any(box.overlaps(other) for other in drawn[:i])
    for (_, start), (_, end) in arrows(figure):
        assert start < end  # y grows downwards

    bottom, top = figure.axes[0].get_ylim()
    height = abs(drawn[0].height)
    tops = np.unique([round(min(box.intervaly), 6) for box in drawn])
    assert tops[0] - top < height / 2
    assert ((np.diff(tops) > height) & (np.diff(tops) < 2 * height)).all()
    assert 0 <= bottom - (tops[-1] + height) < height / 2  # the picture ends below the last row
    plt.close(figure)


def test_a_graph_has_the_same_picture_each_time():
    values = [mtl.Parameter(float(i)) for i in range(12)]
    values += [values[i] + values[5 * i % 12] for i in range(12)]
    loss = sum(values[1:], values[0])
    once, again = (boxes(plots.graph(loss)) for _ in range(2))
    assert [(str(box), words) for box, words in once] == [(str(box), words) for box, words in again]


def test_a_loss_that_diverged_has_a_picture_without_a_warning():
    x = mtl.Parameter([np.inf, 0.0])
    drawn = lines(plots.graph((x * x).sum(), {"x": x}))
    assert drawn["x"] == ("[inf, 0]", "[inf, 0]")


def test_graph_asks_for_its_gradients_and_leaves_those_of_training_alone():
    x = mtl.Parameter(3.0)
    plots.graph(x * x)
    assert x.grad == 0
    assert any("∂loss/∂value" in text for text in texts(plots.graph(x * x)))


# Refusals


def a_chain(n):
    x = mtl.Parameter(1.0)
    for _ in range(n - 1):
        x = -x
    return x


def made_without_memory():
    with mtl.no_grad():
        return mtl.Parameter(1.0) * 2.0


REFUSED = [
    (lambda: plots.graph(3.0), TypeError, "graph: loss must be a Tensor, or a .*, got float"),
    (lambda: plots.graph(mtl.Tensor(3.0)), ValueError, "graph: loss must depend on a Parameter"),
    (lambda: plots.graph(made_without_memory()), ValueError, "made inside no_grad"),
    (
        lambda: plots.graph(mtl.Parameter([1.0, 2.0])),
        ValueError,
        r"graph: loss must be a scalar, got shape \(2,\)",
    ),
    (
        lambda: plots.graph(a_chain(61)),
        ValueError,
        "graph: at most 60 values can be drawn, but this loss was computed from 61; draw a smaller",
    ),
    # More than Python would let a function call itself:
    (lambda: plots.graph(a_chain(5000)), ValueError, "was computed from 5000; draw a smaller"),
    (
        lambda: plots.graph(mtl.Parameter(1.0), {"x": mtl.Tensor(1.0)}),
        ValueError,
        r"graph: names\['x'\] is not in the graph of the loss; it is a constant, or",
    ),
]


@pytest.mark.parametrize("call, kind, message", REFUSED)
def test_wrong_arguments_are_named_before_anything_is_drawn(call, kind, message):
    refuses(call, kind, message)


def test_an_arrow_begins_and_ends_at_a_box():
    u, a, b = (mtl.Parameter(x) for x in (0.5, 3.0, 1.0))
    *_, loss = two_losses(u, a, b)
    figure = plots.graph(loss)

    def touches(point):
        x, y = point
        return any(
            box.x0 <= x <= box.x1 and min(abs(y - box.y0), abs(y - box.y1)) < 0.1
            for box in edges(figure)
        )

    ends = [end for arrow in arrows(figure) for end in arrow]
    assert ends and all(touches(end) for end in ends)


@pytest.mark.parametrize("size, shown", [(3, "[1, 1, 1]"), (4, "(4,), norm 2")])
def test_up_to_three_entries_are_written_out(size, shown):
    x = mtl.Parameter(np.ones(size))
    assert shown in [line for _, lines in boxes(plots.graph(x.sum())) for line in lines]


def test_operations_are_named_as_users_call_them():
    x = mtl.Parameter(-2.0)
    assert "abs" in lines(plots.graph(abs(x) * 1.0, {"x": x}))
    layer = mtl.Dense(2, 1, np.random.default_rng(0))
    assert any("dense" in title for title in lines(plots.graph(layer(np.ones((1, 2))).sum())))
