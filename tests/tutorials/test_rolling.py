"""The moving picture of chapter 5 is what its script draws, and its edges touch the fronts."""

from pathlib import Path

import _rolling
import numpy as np
import pytest
from PIL import Image  # comes with matplotlib, whose writer made the picture

KEPT = Path(__file__).parents[2] / "tutorials" / "figures" / "05_rolling.gif"
fronts = pytest.mark.parametrize("front", [_rolling.convex_front(), _rolling.concave_front()])


def frames(path):
    with Image.open(path) as picture:
        for k in range(picture.n_frames):
            picture.seek(k)
            yield np.asarray(picture.convert("RGB"), float)


def test_the_moving_picture_is_under_400_kilobytes_and_lasts_five_to_ten_seconds():
    assert KEPT.stat().st_size < 400_000
    with Image.open(KEPT) as picture:
        milliseconds = []
        for k in range(picture.n_frames):
            picture.seek(k)
            milliseconds.append(picture.info["duration"])
    assert 5000 <= sum(milliseconds) <= 10_000


def test_the_moving_picture_is_the_one_that_its_script_draws(tmp_path, monkeypatch):
    monkeypatch.setattr(_rolling, "FILE", tmp_path / "05_rolling.gif")
    _rolling.main()
    drawn = list(frames(tmp_path / "05_rolling.gif"))
    kept = list(frames(KEPT))
    assert len(drawn) == len(kept)
    for a, b in zip(drawn, kept):
        assert a.shape == b.shape
        assert np.abs(a - b).mean() < 5  # of 255; another matplotlib may set letters elsewhere


@fronts
def test_no_point_of_a_front_lies_below_the_edge(front):
    for share in _rolling.weights_of_price():
        w = np.array([share, 1 - share])
        least = _rolling.touched(front, share) @ w
        assert (front @ w >= least - 1e-12).all()  # up to rounding


def test_the_edge_touches_the_convex_front_where_its_slope_is_the_ratio_of_the_weights():
    front = _rolling.convex_front()
    slopes = np.gradient(front[:, 1], front[:, 0])
    for share in (0.2, 0.5, 0.8):
        at = np.flatnonzero((front == _rolling.touched(front, share)).all(1))[0]
        assert slopes[at] == pytest.approx(-share / (1 - share), rel=0.02)


def test_the_edge_touches_the_concave_front_at_its_convex_ends_alone():
    front = _rolling.concave_front()
    for share in _rolling.weights_of_price():
        assert _rolling.touched(front, share).min() < 0.01


@fronts
def test_a_front_has_no_point_that_another_one_improves_on(front):
    assert (np.diff(front[:, 0]) * np.diff(front[:, 1]) < 0).all()
