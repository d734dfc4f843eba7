"""The trained guide: trained, or loaded from a file, or kept in the user's cache folder."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

import numpy as np

from .experiment import in_processes, train
from .guide import check_can_save, load_guide, save_guide
from .purchases import DATA
from .split import Condition

PACKAGE = DATA.parents[1]
KEY = 20  # letters of the hash in the name of a file


def trained(seed: int, path: Path | None, apart: bool = False, renews: bool = False):
    """The trained model of this seed, and its split.

    The model is loaded from the file; if there is none yet, it is trained and saved there. With
    `renews`, a file that is no guide of this seed is written anew rather than refused.
    apart: whether it is trained in a process of its own.
    """
    if path is not None and os.path.exists(path):
        model, split, _ = train(seed, Condition(steps=0), "hard")
        try:
            check_seed(path, load_guide(path, model), seed)
            return model, split
        except ValueError:
            if not renews:
                raise
    if path is not None:
        check_can_save(path)  # before time is spent on training
    model, split = trained_now(seed, apart)
    if path is not None:
        save_guide(path, model, seed)
    return model, split


def check_seed(path: Path, saved_seed: int, seed: int):
    """Raise ValueError if a guide was trained with another seed: other products are known then."""
    if saved_seed != seed:
        raise ValueError(f"{path} was trained with seed {saved_seed}, got seed {seed}")


def trained_now(seed: int, apart: bool):
    """The model of this seed, trained here or in a process of its own, and its split."""
    if not apart:
        model, split, _ = train(seed, Condition(), "hard")
        return model, split
    model, split, _ = train(seed, Condition(steps=0), "hard")
    (arrays,) = in_processes(trained_parameters, [(seed,)])
    for name, p in model.named_parameters().items():
        p.data = arrays[name]
    return model, split


def trained_parameters(seed: int) -> dict[str, np.ndarray]:
    """The parameters of the trained guide, by name: a process can hand them to another."""
    model, _, _ = train(seed, Condition(), "hard")
    return {name: p.data for name, p in model.named_parameters().items()}


# The user's cache folder


def cache_file(seed: int) -> Path | None:
    """Where the guide of this seed is kept; None if there is no folder that can be written to.

    The name holds a hash of the package's sources, of the data and of the seed: whoever changes
    one of them gets a guide that is trained anew.
    """
    folder = cache_folder()
    if folder is None:
        return None
    path = folder / "tinymtl" / f"guide-{key_of(seed)}.npz"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        check_can_save(path)
    except OSError:
        return None
    return path


def cache_folder() -> Path | None:
    """The folder for files that can be made again, as the system names it."""
    variable = "LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME"
    named = os.environ.get(variable, "")
    if os.path.isabs(named):
        return Path(named)
    try:
        return Path.home() / ".cache"
    except RuntimeError:  # there is no home
        return None


def key_of(seed: int) -> str:
    """A hash of all that a trained guide depends on."""
    digest = hashlib.sha256(f"{seed} {np.__version__}".encode())
    for path in [*sorted(PACKAGE.rglob("*.py")), *sorted(DATA.glob("*.csv"))]:
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:KEY]
