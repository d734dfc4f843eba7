"""The moving picture of chapter 1 is what its script draws, and its walks are true."""

import _walk
from checks import ch01
from moving_pictures import FIGURES, assert_drawn_by, frames

KEPT = FIGURES / "01_walk.gif"


def test_the_moving_picture_is_the_one_that_its_script_draws_and_is_small(tmp_path, monkeypatch):
    assert_drawn_by(_walk, KEPT, tmp_path, monkeypatch)
    assert KEPT.stat().st_size < 400_000
    assert len(frames(KEPT)) == 6


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
