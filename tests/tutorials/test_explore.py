"""The pictures with sliders: what is drawn is what the formulas say, wherever sliders are put.

The formulas are written out again here, or the best of many values is searched for.
"""

import itertools
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import explore
import numpy as np
import pytest
from matplotlib.figure import Figure
from moving_pictures import frames, milliseconds

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "tutorials" / "explore.py"
everywhere = pytest.mark.parametrize("name", explore.SCENES)


def scene_of(name):
    """A scene without a window. Its sliders answer as they do in one."""
    return explore.SCENES[name](Figure(figsize=explore.SIZE))


def places(knob, n):
    return np.linspace(knob.least, knob.most, n)


# Weight


def bowls(x):
    """The losses (N, 2) of chapter 5 at the places x (N, 2)."""
    a = np.array([[-1.0, 0.0], [1.0, 0.6]])
    A = np.array([np.diag([1.0, 4.0]), np.diag([2.5, 0.5])])
    away = x[:, None] - a  # (N, T, 2)
    return 0.5 * np.einsum("ntp,tpq,ntq->nt", away, A, away)


def craters(s):
    """The losses (N, 2) of Fonseca and Fleming at x = s (1, 1)/√2, for s (N,)."""
    x = np.outer(s, [np.sqrt(0.5), np.sqrt(0.5)])
    first = 1 - np.exp(-((x - np.sqrt(0.5)) ** 2).sum(1))
    second = 1 - np.exp(-((x + np.sqrt(0.5)) ** 2).sum(1))
    return np.stack([first, second], 1)


@pytest.mark.parametrize("w", [0.05, 0.2, 0.49, 0.5, 0.51, 0.7, 0.95])
def test_each_weight_leads_to_the_least_weighted_sum_on_both_fronts(w):
    scene = scene_of("weight")
    scene.set(w)
    plane = np.stack(np.meshgrid(np.linspace(-1, 1, 401), np.linspace(0, 0.6, 401)), -1)
    everything = (bowls(plane.reshape(-1, 2)), craters(np.linspace(-1, 1, 200_001)))
    for losses, point in zip(everything, scene.points):
        least = (losses @ [w, 1 - w]).min()
        for drawn in point.get_xydata():
            assert drawn @ [w, 1 - w] == pytest.approx(least, rel=1e-3)
            assert np.abs(losses - drawn).max(1).min() < 0.02, "the point is on no front"


@pytest.mark.parametrize("w", [0.05, 0.3, 0.5, 0.95])
def test_the_edge_touches_the_front_with_nothing_below_it(w):
    scene = scene_of("weight")
    scene.set(w)
    fronts = (scene.figure.axes[0].lines[0], scene.figure.axes[1].lines[0])
    for edge, point, front in zip(scene.edges, scene.points, fronts):
        (x0, y0), (x1, y1) = edge.get_xydata()
        assert (y1 - y0) / (x1 - x0) == pytest.approx(-w / (1 - w))
        total = w * x0 + (1 - w) * y0
        assert point.get_xydata() @ [w, 1 - w] == pytest.approx(total)
        assert (front.get_xydata() @ [w, 1 - w]).min() > total - 1e-9


def test_no_weight_leads_to_the_middle_of_the_concave_front():
    scene = scene_of("weight")
    ends = []
    for w in places(scene.knobs[0], 91):
        scene.set(w)
        losses = scene.points[1].get_xydata()
        assert (losses.min(1) < 0.01).all()
        ends.append(losses)
    one, both = sorted({len(losses) for losses in ends})
    assert (one, both) == (1, 2)
    assert len(ends[45]) == 2, "with equal weights the edge rests on both ends"
    assert ends[44][0, 0] > 0.9 and ends[46][0, 1] > 0.9


@pytest.mark.parametrize(("w", "said"), [(0.7, "0.70 and 0.30"), (0.05, "0.05 and 0.95")])
def test_the_verdict_says_both_weights_that_of_task_1_first(w, said):
    scene = scene_of("weight")
    scene.set(w)
    assert scene.verdict.get_text().startswith(f"Weights {said}")


# Areas


def shaded(ax):
    """The lower and the upper edge of each shaded area of these axes: (P, 2) and (P, 2)."""
    found = []
    for area in ax.collections:
        corners = np.unique(area.get_paths()[0].vertices.round(9), axis=0)
        edges = []
        for pick in (np.min, np.max):
            edges.append([(x, pick(corners[corners[:, 0] == x, 1])) for x in corners[:, 0]])
        found.append(np.array(edges))
    return found


def test_harm_is_shaded_below_minus_r_for_task_1_and_below_minus_one_over_r_for_task_2():
    ax = scene_of("harm").figure.axes[1]
    (low_1, high_1), (low_2, high_2) = shaded(ax)
    assert np.allclose(low_1[:, 1], -1) and np.allclose(low_2[:, 1], -1)
    assert np.allclose(high_1[:, 1], -high_1[:, 0], atol=1e-6)
    assert np.allclose(high_2[:, 1], -1 / high_2[:, 0], atol=1e-6)
    assert (low_1[0, 0], low_2[-1, 0]) == (0.25, 4.0) == ax.get_xlim()
    assert low_1[-1, 0] == pytest.approx(1, abs=0.02) == low_2[0, 0]
    colours = [area.get_facecolor()[0, :3] for area in ax.collections]
    assert colours[0][2] > colours[0][0], "pale blue, as task 1"
    assert colours[1][0] > colours[1][2], "pale orange, as task 2"


def test_the_boundary_of_harm_is_minus_the_lesser_of_r_and_one_over_r():
    r, cosine = scene_of("harm").figure.axes[1].lines[0].get_xydata().T
    assert (r.min(), r.max()) == pytest.approx((0.25, 4.0))
    assert np.allclose(cosine, -np.minimum(r, 1 / r))


def test_pooling_wins_where_it_is_shaded_which_is_below_noise_over_labels():
    ax = scene_of("crossing").figure.axes[1]
    ((low, high),) = shaded(ax)
    assert np.allclose(low[:, 1], 0.001)
    assert np.allclose(high[:, 1], 1.0 / high[:, 0])
    border = ax.lines[0].get_xydata()
    assert np.allclose(border[:, 1], 1.0 / border[:, 0])
    names = {text.get_text(): text.get_position() for text in ax.texts}
    n, spread = names["pooling wins"]
    assert spread < 1.0 / n
    n, spread = names["alone wins"]
    assert spread > 1.0 / n


# Harm


def harm_places():
    lengths, _, angles = explore.Harm.knobs
    return itertools.product(places(lengths, 4), places(lengths, 4), places(angles, 7))


def test_losses_change_by_what_a_step_does_to_them():
    scene = scene_of("harm")
    for r1, r2, degrees in harm_places():
        scene.set(r1, r2, degrees)
        rho = np.cos(np.radians(degrees))
        inner = np.array([[r1 * r1, r1 * r2 * rho], [r1 * r2 * rho, r2 * r2]])  # g_s · g_t
        falls = explore.RATE * (0.5 * inner[:, 0] + 0.5 * inner[:, 1])
        squared_step = explore.RATE**2 * 0.25 * inner.sum()
        before = 0.5 * np.diag(inner)
        happened = (-falls + 0.5 * squared_step) / before  # exact for these losses
        bars = [bar.get_height() for bar in scene.bars]
        assert np.allclose(bars, 100 * happened)
        assert np.allclose(scene.marks.get_ydata(), 100 * -falls / before)


def test_arrows_have_the_lengths_and_the_angle_of_the_sliders():
    scene = scene_of("harm")
    for r1, r2, degrees in harm_places():
        scene.set(r1, r2, degrees)
        first, second, step = np.stack([scene.arrows.U, scene.arrows.V], 1)
        assert np.allclose([np.hypot(*first), np.hypot(*second)], [r1, r2])
        angle = (np.arctan2(first[1], first[0]) - np.arctan2(second[1], second[0])) % (2 * np.pi)
        assert np.degrees(angle) == pytest.approx(degrees, abs=1e-6)
        assert np.allclose(step, (first + second) / 2)


def test_the_name_of_an_arrow_stands_beyond_its_head():
    scene = scene_of("harm")
    assert [name.get_text() for name in scene.names] == ["1", "2", "step"]
    for r1, r2, degrees in harm_places():
        scene.set(r1, r2, degrees)
        heads = np.stack([scene.arrows.U, scene.arrows.V], 1)
        for name, head in zip(scene.names, heads):
            length = np.hypot(*head)
            if length > 1e-6:
                assert np.allclose(name.get_position(), head * (1 + 0.35 / length))


def test_arrow_1_points_to_the_left_and_arrow_2_to_the_right():
    scene = scene_of("harm")
    scene.set(1.0, 1.0, 90)
    assert np.allclose(scene.arrows.U, [-np.sqrt(0.5), np.sqrt(0.5), 0])
    assert np.allclose(scene.arrows.V, np.sqrt(0.5))


def test_the_verdict_is_the_boundary_of_harm():
    """Harm to task 1 where ρ < −r, to task 2 where ρ < −1/r; both cannot be."""
    scene = scene_of("harm")
    seen = set()
    for r1, r2, degrees in harm_places():
        scene.set(r1, r2, degrees)
        rho = np.cos(np.radians(degrees))
        r = r1 / r2
        assert np.allclose(scene.point.get_xydata(), [[r, rho]])
        if min(abs(rho + r), abs(rho + 1 / r)) < 1e-9:
            expected = "just on the boundary of harm"
        elif rho < -r:
            expected = "harms task 1"
        elif rho < -1 / r:
            expected = "harms task 2"
        elif rho < -1e-9:
            expected = "conflict, and yet a small step helps both tasks"
        else:
            expected = "no conflict"
        assert expected in scene.verdict.get_text()
        seen.add(expected)
    assert len(seen) == 5


# Strength


@pytest.mark.parametrize("pull", [0.0, 0.25, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("spread", [0.005, 0.05, 0.1])
def test_each_task_goes_from_what_it_finds_alone_to_the_mean(pull, spread):
    """θ_t = b̄ + s (b_t − b̄) with s = 1/(1 + λ), and b_t the mean of task t's labels."""
    scene = scene_of("strength")
    scene.set(pull, spread)
    truth = scene.truth.get_offsets()[:, 0]
    b = truth + explore.LABEL_NOISE.mean(1)
    assert np.allclose(truth, np.sqrt(spread) * explore.OWN)
    assert np.allclose(scene.alone.get_offsets()[:, 0], b)
    keeps = 0.0 if pull == 1 else 1 / (1 + explore.strength_of(pull))
    assert np.allclose(scene.pulled.get_offsets()[:, 0], b.mean() + keeps * (b - b.mean()))
    assert np.allclose(scene.mean.get_xdata(), b.mean())


@pytest.mark.parametrize("spread", [0.005, 0.02, 0.05, 0.1])
def test_the_valley_is_noise_and_bias_and_its_bottom_is_marked(spread):
    scene = scene_of("strength")
    scene.set(0.3, spread)
    n, T = 20, 5
    pulls, errors = scene.valley.get_xydata().T
    keeps = 1 - pulls
    own = keeps**2 * 1.0 / n + (1 - keeps) ** 2 * spread
    assert np.allclose(errors, 1.0 / (n * T) + (T - 1) / T * own)
    assert scene.best.get_xdata()[0] == pytest.approx(pulls[errors.argmin()], abs=0.006)
    assert np.allclose(scene.point.get_xydata(), [[0.3, errors[30]]])
    assert errors.min() < min(errors[0], errors[-1]), "the title says so"
    assert f"{errors[30]:.3f} here, {errors.min():.3f} at best" in scene.verdict.get_text()


def test_the_valley_describes_tasks_that_are_drawn_at_random():
    """The error of the closed form over 2000 draws of truths and labels, at three strengths."""
    rng = np.random.default_rng(0)
    draws, n, T, spread = 2000, 20, 5, 0.05
    truth = np.sqrt(spread) * rng.normal(size=(draws, T))
    b = truth + rng.normal(size=(draws, T, n)).mean(2)
    for pull in (0.0, 0.5, 1.0):
        mean = b.mean(1, keepdims=True)
        errors = ((mean + (1 - pull) * (b - mean) - truth) ** 2).mean(1)
        standard_error = errors.std() / np.sqrt(draws)
        assert abs(errors.mean() - explore.expected_error(pull, spread)) < 4 * standard_error


# Crossing


def test_errors_and_winner_are_those_of_the_formula():
    scene = scene_of("crossing")
    seen = set()
    for labels, difference in itertools.product(*(places(knob, 7) for knob in scene.knobs)):
        scene.set(labels, difference)
        n = round(10**labels)
        spread = 10**difference
        alone = 1 / n
        pooled = 1 / (3 * n) + 2 / 3 * spread
        assert np.allclose(scene.dots.get_offsets(), [[n, alone], [n, pooled]])
        many, errors = scene.pooled.get_xydata().T
        assert np.allclose(errors, 1 / (3 * many) + 2 / 3 * spread)
        assert np.allclose(scene.crossing.get_xdata(), 1 / spread)
        assert np.allclose(scene.point.get_xydata(), [[n, spread]])
        if np.isclose(pooled, alone):
            expected = "both are equal"
        elif pooled < alone:
            expected = "pooling wins"
        else:
            expected = "alone wins"
        assert f"At {n} labels {expected}:" in scene.verdict.get_text()
        seen.add(expected)
    assert len(seen) == 3


@pytest.mark.parametrize(
    ("labels", "difference", "said"),
    [
        (1.3, 0.0, "At 20 labels alone wins: error 0.68 pooled, 0.050 alone. Crossing: 1 label."),
        (2.0, -2.0, "At 100 labels both are equal: error 0.010. Crossing: 100 labels."),
        (2.6, -2.6, "pooling wins: error 0.002512 pooled, 0.002513 alone. Crossing: 398 labels."),
    ],
)
def test_one_label_and_equal_errors_are_worded_right(labels, difference, said):
    scene = scene_of("crossing")
    scene.set(labels, difference)
    assert scene.verdict.get_text().endswith(said)


def test_errors_that_differ_look_different():
    assert explore.errors_in_words(0.02501, 0.025) == "error 0.02501 pooled, 0.02500 alone."
    assert explore.errors_in_words(0.1, 0.05) == "error 0.10 pooled, 0.050 alone."


def test_the_lines_meet_where_the_crossing_is_drawn():
    scene = scene_of("crossing")
    alone = scene.figure.axes[0].lines[0]
    for difference in (-2.5, -1.6, -1.0):
        scene.set(1.3, difference)
        n, errors = scene.pooled.get_xydata().T
        gain = alone.get_ydata() - errors
        assert (gain[n < 0.99 * scene.crossing.get_xdata()[0]] > 0).all()
        assert (gain[n > 1.01 * scene.crossing.get_xdata()[0]] < 0).all()


# What sliders say, and what they do in a window


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("weight", (0.7,), ["0.70"]),
        ("harm", (1.5, 0.5, 90), ["1.50", "0.50", "90°"]),
        ("strength", (0.0, 0.05), ["λ = 0: alone", "0.050"]),
        ("strength", (0.75, 0.05), ["λ = 3.00", "0.050"]),
        ("strength", (1.0, 0.05), ["λ = ∞: pooled", "0.050"]),
        ("crossing", (2.0, -1.0), ["n = 100", "0.100 (correlation 0.909)"]),
    ],
)
def test_a_slider_says_its_value_in_the_units_of_the_chapter(name, values, words):
    scene = scene_of(name)
    scene.set(*values)
    assert [slider.valtext.get_text() for slider in scene.sliders] == words


@everywhere
def test_a_scene_begins_where_its_tour_does_and_the_tour_stays_on_the_sliders(name):
    scene = scene_of(name)
    assert [slider.val for slider in scene.sliders] == pytest.approx(scene.tour[0])
    assert scene.tour[0] == scene.tour[-1], "so that the moving picture goes round"
    for knob, values in zip(scene.knobs, np.transpose(scene.tour)):
        assert knob.least <= values.min() and values.max() <= knob.most
    frames = explore.tour_of(scene)
    assert np.allclose(frames[0], frames[explore.FRAMES_AT_START - 1])
    assert np.allclose(frames[-1], frames[0])
    ways = len(scene.tour) - 1
    assert len(frames) == 7 + 6 * ways
    for k, stop in enumerate(scene.tour):
        assert np.allclose(frames[6 + 6 * k], stop)


@everywhere
def test_nothing_is_drawn_outside_its_axes_wherever_sliders_are(name):
    """The points can be seen at every end of every slider."""
    scene = scene_of(name)
    points = getattr(scene, "points", None) or [scene.point]
    for values in itertools.product(*([knob.least, knob.most] for knob in scene.knobs)):
        scene.set(*values)
        for point in points:
            (x0, x1), (y0, y1) = point.axes.get_xlim(), point.axes.get_ylim()
            for x, y in point.get_xydata():
                assert x0 <= x <= x1 and y0 <= y <= y1


@everywhere
def test_words_end_before_the_edge_of_the_picture(name):
    scene = scene_of(name)
    width = scene.figure.bbox.width
    assert scene.figure.texts[0].get_window_extent().x1 < width
    for values in itertools.product(*(places(knob, 5) for knob in scene.knobs)):
        scene.set(*values)
        for text in (scene.verdict, *(slider.valtext for slider in scene.sliders)):
            assert text.get_window_extent().x1 < width, text.get_text()


def test_windows_open_one_after_the_other_where_they_can(monkeypatch, capsys):
    shown = []
    monkeypatch.setattr(explore, "can_open_windows", lambda: True)
    monkeypatch.setattr(explore.plt, "figure", lambda name, figsize: Figure(figsize))
    monkeypatch.setattr(explore.plt, "close", lambda figure: shown.append(figure.texts[0]))
    monkeypatch.setattr(explore.plt, "show", lambda block: None)
    explore.main([])
    explore.main(["harm"])
    titles = [text.get_text() for text in shown]
    assert titles == [scene.title for scene in (*explore.SCENES.values(), explore.Harm)]
    assert capsys.readouterr().out == "", "no picture is written"


@pytest.mark.parametrize(("toolkit", "opens"), [("qt", True), ("tk", True), (None, False)])
def test_a_window_opens_where_the_canvas_belongs_to_a_toolkit(toolkit, opens, monkeypatch):
    """A closed figure has the canvas that only writes files, so it is asked before."""
    figure = Figure()
    only_files = figure.canvas

    def close(figure):
        figure.canvas = only_files

    monkeypatch.setattr(explore.plt, "figure", lambda: figure)
    monkeypatch.setattr(explore.plt, "close", close)
    figure.canvas = SimpleNamespace(required_interactive_framework=toolkit)
    assert explore.can_open_windows() == opens


@pytest.mark.parametrize("kind", [ImportError, RuntimeError])
def test_a_toolkit_that_does_not_work_is_as_no_window(kind, monkeypatch):
    def figure():
        raise kind("Cannot load backend 'TkAgg'")

    monkeypatch.setattr(explore.plt, "figure", figure)
    assert not explore.can_open_windows()


def test_a_scene_that_is_not_there_is_told_with_those_that_are(capsys):
    with pytest.raises(SystemExit, match="2"):
        explore.main(["front"])
    said = capsys.readouterr().err
    assert all(name in said for name in ("front", *explore.SCENES))


def test_a_user_who_interrupts_is_obeyed_in_one_line(monkeypatch, capsys):
    def interrupt(name):
        raise KeyboardInterrupt

    monkeypatch.setattr(explore, "can_open_windows", lambda: True)
    monkeypatch.setattr(explore, "open_window", interrupt)
    assert explore.main(["harm"]) == 130
    assert capsys.readouterr().err == "Stopped.\n"


def test_a_folder_that_cannot_be_written_is_told_in_one_sentence(tmp_path, monkeypatch):
    file = tmp_path / "pictures"
    file.write_text("not a folder", encoding="utf-8")
    monkeypatch.setattr(explore._show, "folder", file)
    monkeypatch.setattr(explore, "can_open_windows", lambda: False)
    with pytest.raises(SystemExit) as end:
        explore.main(["weight"])
    assert str(end.value) == f"{file} cannot be written: File exists"
    figure = Figure()
    with pytest.raises(SystemExit, match="cannot be written: File exists"):
        explore._show.show(figure, "a.svg", "A finding.")


@pytest.mark.parametrize("script", ["explore.py", "_render.py"])
def test_a_toolkit_that_matplotlib_does_not_know_is_told_in_one_sentence(script, tmp_path):
    done = subprocess.run(
        [sys.executable, SCRIPT.parent / script],
        cwd=tmp_path,
        env={**os.environ, "MPLBACKEND": "nonsense", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 1
    assert done.stderr == "matplotlib knows no MPLBACKEND=nonsense: unset this variable\n"


# Without a screen

ONE = "harm"  # the largest of the moving pictures; to make each takes some seconds


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """What the script prints, and the folder in which it is run, without a window."""
    folder = tmp_path_factory.mktemp("explore")
    modules = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    env = {**os.environ, "MPLBACKEND": "Agg", "PYTHONPATH": modules, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [sys.executable, "-W", "error", SCRIPT, ONE],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    return done.stdout, folder


def test_without_a_screen_it_says_what_it_needs_and_where_the_moving_pictures_are(written):
    said, folder = written
    assert said.startswith("No window can open here. Sliders need a screen")
    assert "pip install PyQt6" in said
    path = Path("tinymtl-pictures") / f"explore_{ONE}.gif"
    assert str(path) in said
    assert (folder / path).exists()


def test_a_moving_picture_is_small_goes_round_and_rests_on_its_first_frame(written):
    path = written[1] / "tinymtl-pictures" / f"explore_{ONE}.gif"
    assert path.stat().st_size < 400_000
    durations = milliseconds(path)
    assert durations[0] >= 1000
    assert 4000 <= sum(durations) <= 8000
    pictures = frames(path)
    assert np.abs(pictures[0] - pictures[-1]).mean() < 1
    assert all(np.abs(a - b).max() > 50 for a, b in zip(pictures, pictures[1:]))
