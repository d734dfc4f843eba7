"""How tests look at moving pictures (GIF), and that one is what its script draws."""

from pathlib import Path

import numpy as np
from PIL import Image  # comes with matplotlib, whose writer made the pictures

FIGURES = Path(__file__).parents[1] / "tutorials" / "figures"


def frames(path):
    """All frames (height, width, 3), from 0 to 255."""
    with Image.open(path) as picture:
        found = []
        for k in range(picture.n_frames):
            picture.seek(k)
            found.append(np.asarray(picture.convert("RGB"), float))
    return found


def milliseconds(path):
    """How long each frame stays."""
    with Image.open(path) as picture:
        found = []
        for k in range(picture.n_frames):
            picture.seek(k)
            found.append(picture.info["duration"])
    return found


def assert_drawn_by(script, kept, tmp_path, monkeypatch):
    """The module `script` draws the picture that is kept."""
    monkeypatch.setattr(script, "FILE", tmp_path / kept.name)
    script.main()
    assert milliseconds(tmp_path / kept.name) == milliseconds(kept)
    drawn = frames(tmp_path / kept.name)
    in_figures = frames(kept)
    assert len(drawn) == len(in_figures)
    for a, b in zip(drawn, in_figures):
        assert a.shape == b.shape
        assert np.abs(a - b).mean() < 5  # of 255; another matplotlib may set letters elsewhere
