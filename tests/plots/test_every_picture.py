"""Laws that hold for every picture: nothing is cut off, whatever figure it is drawn into."""

import inspect
from functools import cache, partial

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from pictures import (
    CURVES,
    ERRORS,
    GAIN,
    GAIN_CURVES,
    GAINS,
    LONG,
    TwoParts,
    a_history,
    a_model,
    a_report,
    clouds,
    gramians,
    pictures_of,
    texts,
    title,
    two_losses,
    words,
)

import tinymtl as mtl
from tinymtl import plots
from tinymtl.plots import look

SETTINGS = dict(plt.rcParams)  # before any picture
END = "which is a name of eighty letters or more, that never seems to come to its end."
EIGHT = [f"a task, number {i}" for i in range(8)]


def deep():
    """One trunk of more layers than there is to say of the heads, under names that do not fit."""
    rng = np.random.default_rng(0)
    loud = 4 * "CAPITAL Letters "
    long = 60 * "long "
    layers = mtl.Sequential(*(mtl.Dense(3, 3, rng) for _ in range(12)))
    trunk = TwoParts(layers, {t: mtl.Dense(99, 999, rng) for t in (long, loud)})
    heads = {t: mtl.Dense(3, 1, rng) for t in (loud, long)}
    return mtl.HardSharing(trunk, heads, {loud: mtl.Dense(2, 3, rng)})


def leaves_and_sums():
    """Numbers, vectors and matrices, some of which are used twice, under names that do not fit."""
    x = mtl.Parameter(-1e-300)
    W = mtl.Parameter(np.full((3, 4), 1e9))
    y = mtl.Parameter([1.0, -2.0, 3.0])
    z = (x * x * W).sum(1) * y
    return (z + y).sum() + x, {f"{letter} {END}": t for letter, t in zip("xWyz", (x, W, y, z))}


def with_long_names():
    tasks = [f"{t} {i * t}" for i, t in enumerate(EIGHT)]
    return a_model(mtl.SoftSharing, tasks, strength=1e-3)


PICTURES = {
    "losses, 1 task": partial(plots.losses, a_history(LONG[:1])),
    "losses, 6 tasks": partial(plots.losses, a_history(LONG)),
    "losses, 1 step": partial(plots.losses, a_history(LONG[:2], steps=1, held_out=False)),
    "cosines, 2 tasks": partial(plots.cosines, a_history(LONG[:2])),
    "cosines, 1 step": partial(plots.cosines, a_history(LONG[:3], steps=1)),
    "cosines and effects, 2 tasks": partial(plots.cosines, a_history(LONG[:2], effects=True)),
    "cosines and effects, 6 tasks": partial(plots.cosines, a_history(LONG, effects=True)),
    "cosines and effects, 1 step": partial(
        plots.cosines, a_history(LONG[:2], steps=1, effects=True)
    ),
    "harm, 2 tasks": partial(plots.harm, a_history(LONG[:2], effects=True)),
    "harm, 3 tasks": partial(plots.harm, a_history(LONG[:3], effects=True), (LONG[2], LONG[0])),
    "harm, 1 step": partial(plots.harm, a_history(LONG[:2], steps=1)),
    "weights, 1 rule": partial(plots.weights, {"equal": a_history(LONG)}),
    "weights, 5 rules": partial(
        plots.weights, {f"rule {i}": a_history(LONG[:2], steps=1 + i) for i in range(5)}
    ),
    "step, 1 task": partial(plots.step, a_report(1)),
    "step, 3 tasks": partial(plots.step, a_report(3)),
    "step, 8 tasks": partial(plots.step, a_report(8, tasks=EIGHT)),
    "pareto": partial(plots.pareto, np.eye(2), np.eye(2), [0, 1], tasks=LONG[:2], front=np.eye(2)),
    "pareto, 1 point": partial(plots.pareto, [[0, 1]], [[1, 2]], [0.5], tasks=LONG[:2]),
    "trajectories, 1 rule": partial(
        plots.trajectories, two_losses, {"sum": [[0, 0]]}, extent=(-2, 2, -2, 2)
    ),
    "trajectories, 5 rules": partial(
        plots.trajectories,
        two_losses,
        {f"rule {i}": np.eye(2) for i in range(5)},
        extent=(-2, 2, -2, 2),
        tasks=LONG[:2],
        minima=np.eye(2),
        pareto_set=np.eye(2),
    ),
    "curves": partial(plots.curves, **CURVES),
    "strength_curve": partial(
        plots.strength_curve,
        [0.1, 1],
        [3, 2],
        [0.1, 0.2],
        theory=lambda x: x,
        best=0.2,
        alone=3,
        together=3,
        seeds=9,
    ),
    "layers, 2 tasks": partial(plots.layers, gramians(2), LONG[:2]),
    "layers, 6 tasks": partial(plots.layers, gramians(6, layers=5), LONG),
    "direction_and_length": partial(
        plots.direction_and_length,
        np.eye(3),
        {"sum": [1, 1, 1], "minimum norm": [0, 0, 1]},
        LONG[:3],
    ),
    "direction_and_length, 8 tasks": partial(
        plots.direction_and_length, np.eye(8), {"none": np.zeros(8)}, EIGHT
    ),
    "gains": partial(plots.gains, GAINS, seeds=10),
    "gain_by_fraction": partial(plots.gain_by_fraction, GAIN_CURVES, measure="brand, AUC"),
    "transfer_matrix, 3 tasks": partial(plots.transfer_matrix, GAIN, ERRORS, LONG[:3]),
    "transfer_matrix, 6 tasks": partial(
        plots.transfer_matrix, np.tile(GAIN, (2, 2)), np.tile(ERRORS, (2, 2)), LONG
    ),
    "network, 1 task": partial(plots.network, a_model(tasks=LONG[:1])),
    "network, 6 tasks": partial(plots.network, a_model(tasks=LONG, encoders=LONG)),
    "network, 8 tasks": partial(plots.network, with_long_names()),
    "network, deep": partial(plots.network, deep()),
    "graph, 1 value": partial(plots.graph, mtl.Parameter(2.0)),
    "graph, arrays": partial(plots.graph, *leaves_and_sums()),
    "graph, 60 values": partial(plots.graph, sum(mtl.Parameter(float(i)) for i in range(30))),
    "embedding, 2 points": partial(plots.embedding, {"before": np.eye(2)}, ["tea", "jam"]),
    "embedding, 2 sets": partial(
        plots.embedding,
        {"before": np.eye(9), "after": np.ones((9, 1))},
        [f"{i} {LONG[2]}" for i in range(9)],
    ),
    "embedding, 5 sets": partial(plots.embedding, {t: np.eye(9) for t in LONG[:5]}, np.arange(9)),
}
EVERY = pytest.mark.parametrize("draw", PICTURES.values(), ids=PICTURES)
# One of each function, or one of each way in which it draws. The others have other sizes.
RICH = [
    "losses, 6 tasks",
    "cosines and effects, 2 tasks",
    "harm, 3 tasks",
    "weights, 5 rules",
    "step, 3 tasks",
    "pareto",
    "trajectories, 5 rules",
    "curves",
    "strength_curve",
    "layers, 2 tasks",
    "direction_and_length",
    "gains",
    "gain_by_fraction",
    "transfer_matrix, 3 tasks",
    "network, 6 tasks",
    "network, 8 tasks",
    "graph, arrays",
    "embedding, 2 sets",
]
EVERY_RICH = pytest.mark.parametrize("draw", [PICTURES[name] for name in RICH], ids=RICH)


def lay_out(figure):
    """Put everything where it stands in the rendered figure. To render it costs more."""
    figure.get_layout_engine().execute(figure)


@cache
def drawn(draw):
    """The picture in a figure of its own, laid out: once for all tests that look at it."""
    figure = draw()
    assert dict(plt.rcParams) == SETTINGS
    lay_out(figure)
    plt.close(figure)
    return figure


def pixels(figure):
    """Those of a figure that was laid out."""
    figure.set_layout_engine("none")
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.array(canvas.buffer_rgba())


def test_every_public_picture_is_among_those_that_are_tested():
    functions = {name for name in plots.__all__ if inspect.isfunction(getattr(plots, name))}
    for tested in (PICTURES, RICH):
        assert {PICTURES[name].func.__name__ for name in tested} == functions - {"save"}


# A figure of its own


@EVERY
def test_a_picture_is_white_640_wide_with_nothing_cut_off(draw):
    figure = drawn(draw)
    assert figure.get_figwidth() == 6.4
    assert figure.dpi == 100
    assert to_hex(figure.get_facecolor()) == "#ffffff"
    assert all(to_hex(ax.get_facecolor()) == "#ffffff" for ax in figure.axes)
    box = figure.get_tightbbox()  # inches
    assert 0 <= box.x0 <= box.x1 <= 6.4
    assert 0 <= box.y0 <= box.y1 <= figure.get_figheight()
    assert not overlapping_words(figure)
    assert title(figure)


def overlapping_words(figure):
    """Pairs of texts in the axes, titles of panels among them, of which one covers the other."""
    written = [one for ax in figure.axes for one in (*ax.texts, ax.title) if one.get_text()]
    boxes = [plt.Text.get_window_extent(one) for one in written]
    overlapping = []
    for i, box in enumerate(boxes):
        for j in range(i):
            if box.overlaps(boxes[j]):
                overlapping.append((written[i].get_text(), written[j].get_text()))
    return overlapping


# Any tasks

# Hidden, read as mathematics, to be filled in, or no words; a picture may show only the first.
STRANGE = ["_buys", "$ {} %s $", "\x00", np.int64(1), "a\nb\tc", "价", "", "🛒"]
NAMES = {
    "strange": STRANGE,
    "few and strange": STRANGE[:5],
    "30 to 80 letters": [f"task {i}, {END[: 25 + 11 * i]}" for i in range(5)],
    "forty": [f"{i}, {END}" for i in range(40)],
}
# Of few tasks these have a panel for each pair, of many a matrix.
OF_PAIRS = ("cosines", "layers")
# Of forty tasks these show no more names than of five.
OF_THE_FIRST = ("embedding", "harm", "pareto", "trajectories")


def is_like_another(kind, name):
    """Whether other names show all that can go wrong with this picture."""
    if kind == "few and strange":
        return name not in OF_PAIRS
    return kind == "forty" and name in OF_THE_FIRST


OF_TASKS = [
    pytest.param(draw, tasks, id=f"{kind}: {name}")
    for kind, tasks in NAMES.items()
    for name, draw in pictures_of(tasks).items()
    if not is_like_another(kind, name)
]
LARGE = 0.75  # inches


def is_cut_off(figure):
    box = figure.get_tightbbox()  # inches
    width, height = figure.get_size_inches()
    return box.x0 < 0 or box.y0 < 0 or box.x1 > width or box.y1 > height


def small_panels(figure):
    """Sizes of panels that are too small to read, in inches, without the scales of colours."""
    panels = [ax for ax in figure.axes if ax.get_label() != "<colorbar>"]
    sizes = [ax.get_window_extent().size / figure.dpi for ax in panels]
    return [size for size in sizes if min(size) < LARGE]


@pytest.mark.parametrize("draw, tasks", OF_TASKS)
def test_any_names_are_seen_and_none_hides_a_picture_or_is_cut_off(draw, tasks):
    figure = draw()
    lay_out(figure)
    assert not is_cut_off(figure)
    assert not small_panels(figure)
    assert len(figure.axes) <= 17  # also of forty tasks
    assert not names_not_seen(figure, draw, tasks)
    plt.close(figure)


def names_not_seen(figure, draw, tasks):
    """Those that are short enough to be written whole."""
    if draw.func in (plots.pareto, plots.trajectories):
        tasks = tasks[:2]
    names = look.names(tasks)
    if draw.func is plots.harm:
        names = names[:2]
    names = names[:5]  # as many sets of points are drawn
    if max(len(name) for name in names) > 12:
        return []
    seen = "\n".join(seen_texts(figure))
    return [name for name in names if name not in seen]


def seen_texts(figure):
    """What is written, where it is visible."""
    return [one.get_text() for one in figure.findobj(plt.Text) if one.get_visible()]


@pytest.mark.parametrize("T, fill", [(1, np.nan), (2, 0.0), (2, np.nan)])
def test_a_picture_of_nothing_but_zeros_or_nan_is_drawn(T, fill):
    for draw in pictures_of(EIGHT[:T], fill).values():
        figure = draw()
        figure.draw_without_rendering()
        assert not is_cut_off(figure)
        plt.close(figure)


@pytest.mark.parametrize("T", [1, 2])
def test_infinite_values_of_a_run_that_diverged_are_left_out(T):
    refuse = ("gains", "gain_by_fraction", "transfer_matrix")  # these say so
    for name, draw in pictures_of(EIGHT[:T], np.inf).items():
        if name in refuse:
            with pytest.raises(ValueError, match="must be finite"):
                draw()
        else:
            draw().draw_without_rendering()


# Any style

LOUD = {
    **plt.style.library["dark_background"],
    "axes.grid": True,
    "axes.linewidth": 4,
    "axes.labelsize": 30,
    "axes.titlesize": 30,
    "axes.titlecolor": "red",
    "axes.xmargin": 0.4,
    "errorbar.capsize": 12,
    "figure.autolayout": True,
    "font.size": 24,
    "grid.color": "red",
    "hatch.color": "red",
    "image.origin": "lower",
    "image.interpolation": "bicubic",
    "legend.facecolor": "black",
    "legend.frameon": True,
    "lines.linewidth": 9,
    "lines.marker": "o",
    "text.color": "red",
    "xtick.color": "red",
    "xtick.direction": "in",
    "xtick.labelsize": 30,
    "xtick.major.size": 20,
    "xtick.minor.visible": True,
    "ytick.labelsize": 30,
    "ytick.right": True,
}


@EVERY_RICH
def test_a_picture_is_for_pyplot_to_show_and_the_same_to_the_pixel_whatever_style_is_set(
    draw, monkeypatch
):
    def never(*args, **options):
        raise AssertionError("a picture must not show or save itself")

    plain = pixels(drawn(draw))
    monkeypatch.setattr(plt, "show", never)
    monkeypatch.setattr(plt.Figure, "savefig", never)
    with plt.rc_context(LOUD):
        settings = dict(plt.rcParams)
        figure = draw()
        assert dict(plt.rcParams) == settings
        assert plt.get_fignums() == [figure.number]
        lay_out(figure)
        same = np.array_equal(pixels(figure), plain)
    assert same


def test_fonts_of_the_user_are_kept_because_names_may_need_them():
    with plt.rc_context({"font.family": "DejaVu Serif"}):
        figure = PICTURES["gains"]()
    families = {tuple(one.get_fontfamily()) for one in figure.findobj(plt.Text)}
    assert ("DejaVu Serif",) in families


# A given figure


def two_halves(draw):
    """A black figure of the height that the picture has alone, and of twice its width."""
    alone = drawn(draw)
    width, height = alone.get_size_inches()
    whole = Figure(figsize=(2 * width, height), facecolor="black", layout="constrained")
    return whole, *whole.subfigures(1, 2)


def content(figure):
    """What there is to see, without the places that depend on the figure's size."""
    common = [figure.get_suptitle(), figure.get_supxlabel(), figure.get_supylabel()]
    legends = [words(legend.get_texts()) for legend in figure.legends]
    return common, legends, [content_of_axes(ax) for ax in figure.axes]


def content_of_axes(ax):
    names = [ax.get_title(), ax.get_xlabel(), ax.get_ylabel(), *words(ax.texts)]
    lines = [(one.get_label(), one.get_color(), one.get_xydata().tolist()) for one in ax.lines]
    points = [np.ma.filled(one.get_offsets(), np.inf).tolist() for one in clouds(ax)]
    bars = [one.get_path().vertices.tolist() for one in ax.patches]
    images = [np.ma.filled(one.get_array(), np.inf).tolist() for one in ax.images]
    view = (ax.get_xscale(), ax.get_xlim(), ax.get_yscale(), ax.get_ylim())
    return repr((names, lines, points, bars, images, view))  # NaN is equal to itself there


def write_ticks(figure):
    """Let the axes say what stands at their ticks, which they else say when they are rendered."""
    for ax in figure.axes:
        ax.get_xticklabels(which="both")
        ax.get_yticklabels(which="both")


def white_words(figure):
    write_ticks(figure)
    written = [one for one in figure.findobj(plt.Text) if one.get_text()]
    return words(one for one in written if to_hex(one.get_color()) == "#ffffff")


@EVERY_RICH
def test_half_of_a_figure_holds_what_a_figure_of_its_own_does_and_the_other_half_is_empty(draw):
    whole, left, right = two_halves(draw)
    size = whole.get_size_inches().tolist()
    layout = whole.get_layout_engine()
    before = whole.get_children()
    with plt.style.context("dark_background"):
        assert draw(figure=left) is left
        assert not white_words(left)
    alone = drawn(draw)
    assert content(left) == content(alone)
    assert not plt.get_fignums()  # the figure need not be one of pyplot
    assert whole.get_children() == before
    assert whole.axes == left.axes
    assert right.get_children() == [right.patch]
    faces = {to_hex(one.get_facecolor()) for one in (left, *left.axes)}
    assert faces == {"#ffffff"}

    lay_out(whole)
    assert whole.get_size_inches().tolist() == size
    assert whole.get_layout_engine() is layout
    box = left.get_tightbbox()  # pixels
    assert left.bbox.x0 <= box.x0 <= box.x1 <= left.bbox.x1
    assert left.bbox.y0 <= box.y0 <= box.y1 <= left.bbox.y1


def test_two_pictures_stand_side_by_side():
    history = a_history(LONG[:2])
    left, right = plt.figure(figsize=(12.8, 4)).subfigures(1, 2)
    plots.losses(history, figure=left)
    plots.cosines(history, figure=right)
    left.figure.draw_without_rendering()
    for half in (left, right):
        box = half.get_tightbbox()  # pixels
        assert half.bbox.x0 <= box.x0 <= box.x1 <= half.bbox.x1
        assert half.bbox.y0 <= box.y0 <= box.y1 <= half.bbox.y1


@EVERY_RICH
def test_a_given_figure_keeps_its_size_and_layout_and_becomes_black_on_white(draw):
    figure = Figure(figsize=(9, 11), layout="compressed")
    layout = figure.get_layout_engine()
    with plt.style.context("dark_background"):
        assert draw(figure=figure) is figure
        faces = {to_hex(one.get_facecolor()) for one in (figure, *figure.axes)}
        assert faces == {"#ffffff"}
        assert not white_words(figure)
    assert figure.get_size_inches().tolist() == [9, 11]
    assert figure.get_layout_engine() is layout
    assert title(figure)
    assert not plt.get_fignums()  # the figure need not be one of pyplot


@pytest.mark.parametrize("name", ["losses, 1 task", "gains", "strength_curve", "network, deep"])
def test_long_titles_and_captions_are_wrapped_in_a_narrow_figure(name):
    figure = plt.figure(figsize=(3.5, 8))
    PICTURES[name](figure=figure)
    figure.suptitle("a finding that needs many words and so does not fit in one line")
    figure.draw_without_rendering()
    box = figure.get_tightbbox()  # inches
    assert 0 <= box.x0 <= box.x1 <= 3.5


def test_your_finding_takes_the_place_of_the_title():
    _, left, _ = two_halves(PICTURES["gains"])
    PICTURES["gains"](figure=left)
    left.suptitle("sharing helps")
    assert title(left) == "sharing helps"
    assert not any("beat training alone" in text for text in texts(left))


# Files


def test_save_writes_a_figure_and_closes_it(tmp_path):
    plots.save(PICTURES["gains"](), tmp_path / "gains.png")
    height, width, _ = plt.imread(tmp_path / "gains.png").shape
    assert width == 6.4 * 120
    assert height > 0
    assert not plt.get_fignums()


@pytest.mark.parametrize("style", [{"savefig.facecolor": "red"}, {"savefig.transparent": True}])
def test_a_file_is_white_whatever_style_is_set(tmp_path, style):
    with plt.style.context(style):
        plots.save(PICTURES["gains"](), tmp_path / "gains.png")
    corner = plt.imread(tmp_path / "gains.png")[0, 0]
    assert corner.tolist() == [1, 1, 1, 1]


# Refusals


def test_part_of_a_figure_cannot_be_saved_and_both_parts_stay(tmp_path):
    whole = plt.figure()
    left, _ = whole.subfigures(1, 2)
    PICTURES["gains"](figure=left)
    message = r"^save: figure must be a matplotlib Figure, got SubFigure; save\(subfigure\.figure"
    with pytest.raises(TypeError, match=message):
        plots.save(left, tmp_path / "left.png")
    assert plt.get_fignums() == [whole.number]
    assert not list(tmp_path.iterdir())
    plots.save(left.figure, tmp_path / "whole.png")
    assert not plt.get_fignums()


def test_only_a_figure_can_be_saved(tmp_path):
    with pytest.raises(TypeError, match="^save: figure must be a Figure, got list$"):
        plots.save([], tmp_path / "list.png")


@EVERY_RICH
def test_what_is_no_figure_is_named(draw):
    name = draw.func.__name__
    message = f"^{name}: figure must be a matplotlib Figure or SubFigure, got int$"
    with pytest.raises(TypeError, match=message):
        draw(figure=3)
    assert not plt.get_fignums()
