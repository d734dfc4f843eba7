"""The moving picture of chapter 1 is what its script draws, and its walks are true."""

from pathlib import Path

import _walk
import numpy as np
from checks import ch01
from PIL import Image  # comes with matplotlib, whose writer made the picture

KEPT = Path(__file__).parents[2] / "tutorials" / "figures" / "01_walk.gif"


def frames(path):
    with Image.open(path) as picture:
        for k in range(picture.n_frames):
            picture.seek(k)
            yield np.asarray(picture.convert("RGB"), float)


def test_the_moving_picture_is_the_one_that_its_script_draws_and_is_small(tmp_path, monkeypatch):
    monkeypatch.setattr(_walk, "FILE", tmp_path / "walk.gif")
    _walk.main()
    drawn = list(frames(tmp_path / "walk.gif"))
    kept = list(frames(KEPT))
    assert KEPT.stat().st_size < 400_000
    assert len(drawn) == len(kept) == 6
    for a, b in zip(drawn, kept):
        assert a.shape == b.shape
        assert np.abs(a - b).mean() < 5  # of 255; another matplotlib may set letters elsewhere


def test_both_walks_are_those_of_the_chapter_and_of_its_exercise():
    values = _walk.computation()
    right = _walk.walk("right")[-1].arrived
    wrong = _walk.walk("wrong")[-1].arrived
    names = list(values)
    wrt = [values[name] for name in names]
    assert [right[name] for name in names] == ch01.gradient(values["L"], wrt) == [26, 13, 1, 1]
    assert [wrong[name] for name in names] == ch01.as_printed(values["L"], wrt) == [2, 13, 1, 1]


def test_the_right_walk_takes_the_youngest_and_the_wrong_one_the_first_found():
    assert [state.taken for state in _walk.walk("right")[1:]] == list("Lrqp")
    assert [state.taken for state in _walk.walk("wrong")[1:]] == list("Lqrp")
