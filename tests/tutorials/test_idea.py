"""The moving picture of the front page is what its script draws, and small enough to load."""

from pathlib import Path

import _idea
import numpy as np
from PIL import Image  # comes with matplotlib, whose writer made the picture

KEPT = Path(__file__).parents[2] / "tutorials" / "figures" / "idea.gif"


def frames(path):
    with Image.open(path) as picture:
        for k in range(picture.n_frames):
            picture.seek(k)
            yield np.asarray(picture.convert("RGB"), float)


def test_the_moving_picture_is_under_400_kilobytes_and_lasts_five_to_eight_seconds():
    assert KEPT.stat().st_size < 400_000
    with Image.open(KEPT) as picture:
        milliseconds = []
        for k in range(picture.n_frames):
            picture.seek(k)
            milliseconds.append(picture.info["duration"])
    assert 5000 <= sum(milliseconds) <= 8000


def test_the_moving_picture_is_the_one_that_its_script_draws(tmp_path, monkeypatch):
    monkeypatch.setattr(_idea, "FILE", tmp_path / "idea.gif")
    _idea.main()
    drawn = list(frames(tmp_path / "idea.gif"))
    kept = list(frames(KEPT))
    assert len(drawn) == len(kept)
    for a, b in zip(drawn, kept):
        assert a.shape == b.shape
        assert np.abs(a - b).mean() < 5  # of 255; another matplotlib may set letters elsewhere


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
