"""The moving picture of the front page is what its script draws, and small enough to load."""

import _idea
import numpy as np
from moving_pictures import FIGURES, assert_drawn_by, milliseconds

KEPT = FIGURES / "idea.gif"


def test_the_moving_picture_is_under_400_kilobytes_and_lasts_five_to_eight_seconds():
    assert KEPT.stat().st_size < 400_000
    assert 5000 <= sum(milliseconds(KEPT)) <= 8000


def test_the_moving_picture_is_the_one_that_its_script_draws(tmp_path, monkeypatch):
    assert_drawn_by(_idea, KEPT, tmp_path, monkeypatch)


def test_the_prediction_and_the_harm_that_it_shows_are_true():
    """ΔL ≈ −η G w: each step changes each loss by about what was predicted, and some do harm."""
    states = _idea.descend()
    happened = np.diff([state.L for state in states], axis=0)  # (steps, T)
    predicted = np.array([state.predicted for state in states])[:-1]
    curvature = 0.5 * np.max(_idea.CURVATURES) * np.array([[s.step @ s.step] for s in states[:-1]])
    assert (np.abs(happened - predicted) <= curvature + 1e-12).all()
    assert (happened[:, 0] < 0).all()
    assert (happened[:3, 1] < 0).all()
    assert (happened[5:, 1] > 0).all()
