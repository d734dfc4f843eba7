"""A trained guide is kept whole or not at all, and only for what it was trained on."""

import os
import pickle
import sys
from functools import partial

import numpy as np
import pytest

from tinymtl.shop import saved
from tinymtl.shop.guide import save_guide
from tinymtl.shop.saved import cache_file, cache_folder, key_of
from tinymtl.shop.split import Condition

WINDOWS = sys.platform == "win32"
VARIABLE = "LOCALAPPDATA" if WINDOWS else "XDG_CACHE_HOME"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The user's cache folder, which is not there yet."""
    folder = tmp_path / "cache"
    monkeypatch.setenv(VARIABLE, str(folder))
    return folder


def trains_no_guide(monkeypatch):
    monkeypatch.setattr(saved, "trained_now", lambda *_: pytest.fail("trained"))


def test_the_file_is_in_the_users_cache_folder(cache):
    path = cache_file(0)
    assert path.parent == cache / "tinymtl"
    assert list(path.parent.iterdir()) == []


def test_the_folder_is_that_of_the_system(monkeypatch, tmp_path):
    monkeypatch.setenv(VARIABLE, "not absolute")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache"


def test_the_key_depends_on_seed_sources_and_data(monkeypatch, tmp_path):
    assert key_of(0) == key_of(0)
    assert key_of(0) != key_of(1)
    for folder, name in (("PACKAGE", "new.py"), ("DATA", "new.csv")):
        before = key_of(0)
        (tmp_path / name).write_text("x")
        monkeypatch.setattr(saved, folder, tmp_path)
        assert key_of(0) != before
        changed = key_of(0)
        (tmp_path / name).write_text("y")
        assert key_of(0) != changed
        monkeypatch.undo()


@pytest.mark.skipif(os.name != "posix", reason="needs a folder that is a file")
def test_no_folder_to_write_to_is_no_fault(cache):
    cache.write_text("a file")
    assert cache_file(0) is None


def test_a_guide_is_loaded_rather_than_trained(trained, monkeypatch):
    agent, path = trained
    trains_no_guide(monkeypatch)
    model, _ = saved.trained(0, path)
    expected = agent.model.named_parameters()
    for name, p in model.named_parameters().items():
        np.testing.assert_array_equal(p.data, expected[name].data)


def test_a_guide_of_another_seed_is_refused(trained):
    _, path = trained
    with pytest.raises(ValueError, match="was trained with seed 0, got seed 1"):
        saved.trained(1, path)


def test_a_damaged_file_of_the_cache_is_written_anew(trained, tmp_path, monkeypatch):
    agent, _ = trained
    path = tmp_path / "guide.npz"
    path.write_bytes(b"damaged")
    with pytest.raises(ValueError, match="is not a saved guide"):
        saved.trained(0, path)
    assert path.read_bytes() == b"damaged"
    monkeypatch.setattr(saved, "trained_now", lambda *_: (agent.model, None))
    saved.trained(0, path, renews=True)
    trains_no_guide(monkeypatch)
    saved.trained(0, path)


def as_in_processes(function, jobs):
    """What goes to a process, and what comes back, is pickled."""
    function, jobs = pickle.loads(pickle.dumps((function, jobs)))
    return pickle.loads(pickle.dumps([function(*job) for job in jobs]))


def test_a_guide_trained_in_a_process_of_its_own_is_the_same(monkeypatch):
    monkeypatch.setattr(saved, "Condition", partial(Condition, steps=3))
    here, split = saved.trained(0, None)
    monkeypatch.setattr(saved, "in_processes", as_in_processes)
    apart, split_apart = saved.trained(0, None, apart=True)
    for part, products in split.products.items():
        np.testing.assert_array_equal(split_apart.products[part], products)
    expected = here.named_parameters()
    assert list(apart.named_parameters()) == list(expected)
    for name, p in apart.named_parameters().items():
        np.testing.assert_array_equal(p.data, expected[name].data)


def test_an_unfinished_file_is_never_left(trained, tmp_path, monkeypatch):
    agent, _ = trained
    path = tmp_path / "guide.npz"

    def fails(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np.lib.format, "write_array", fails)
    with pytest.raises(OSError, match="cannot be written"):
        save_guide(path, agent.model, 0)
    assert list(tmp_path.iterdir()) == []
