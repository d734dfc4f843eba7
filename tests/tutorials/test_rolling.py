"""The moving picture of chapter 5 is what its script draws, and its edges touch the fronts."""

import _rolling
import numpy as np
import pytest
from moving_pictures import FIGURES, assert_drawn_by, milliseconds

KEPT = FIGURES / "05_rolling.gif"
fronts = pytest.mark.parametrize("front", [_rolling.convex_front(), _rolling.concave_front()])


def test_the_moving_picture_is_under_400_kilobytes_and_lasts_five_to_ten_seconds():
    assert KEPT.stat().st_size < 400_000
    assert 5000 <= sum(milliseconds(KEPT)) <= 10_000


def test_the_moving_picture_is_the_one_that_its_script_draws(tmp_path, monkeypatch):
    assert_drawn_by(_rolling, KEPT, tmp_path, monkeypatch)


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
