"""Files: written whole or not at all, and looked at before they are unpacked.

The file of a model is an .npz as `np.savez` writes it, a zip archive with one member "name.npy" for
each array. `np.load` opens it. It is read here in two passes, because an archive may hold far more
than its size on disk shows: first the heads of the members, which say each array's type and shape,
then the numbers of those arrays that somebody wants.
"""

from __future__ import annotations

import io
import math
import os
import stat
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from os import PathLike
from typing import BinaryIO

import numpy as np

from . import checks

# Writing whole files


def write_whole(where: str, path: str | PathLike, write: Callable[[BinaryIO], object]):
    """Let `write` fill a new file, and put it in the place of `path` when it is whole.

    The old file stays until then, and also if writing fails or the process is killed. A link stays
    a link, and the file that it leads to is replaced. The new file has the permissions of the old
    one. Each of two writers has a file of its own, so the last one to end wins. ValueError if
    `path` is a folder, a pipe or a device.
    """
    target = os.path.realpath(checks.path(where, "path", path))
    folder = os.path.dirname(target)
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"{where}: path must be in a folder that exists, got {path}")
    mode = None
    if os.path.exists(target):
        mode = stat.S_IMODE(_regular(where, "path", target).st_mode)
    name = os.path.join(folder, f".{os.urandom(8).hex()}.tmp")
    try:
        with _new_file(name, 0o666 if mode is None else mode) as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())  # else the name may reach the disk before the numbers do
            if not os.path.exists(name):
                _give_name(file, name)
        if mode is not None:
            os.chmod(name, mode)  # what the umask has taken away
        os.replace(name, target)
    finally:
        if os.path.exists(name):
            os.unlink(name)


def _new_file(name, mode):
    """A new file for writing, without a name where the system can do that.

    Whatever kills the process, nothing is left of a file without a name.
    """
    if hasattr(os, "O_TMPFILE") and os.path.isdir("/proc/self/fd"):
        try:
            return open(os.open(os.path.dirname(name), os.O_TMPFILE | os.O_WRONLY, mode), "wb")
        except OSError:
            pass  # not every file system has such files
    return open(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode), "wb")


def _give_name(file, name):
    folder = os.open(os.path.dirname(name), os.O_RDONLY)
    try:
        # Only with the folder given as a number does Python follow the link below /proc.
        os.link(f"/proc/self/fd/{file.fileno()}", os.path.basename(name), dst_dir_fd=folder)
    finally:
        os.close(folder)


# Reading


def open_regular(where: str, name: str, path: str | PathLike) -> BinaryIO:
    """The file at `path`, opened for reading; ValueError for a folder, a pipe or a device."""
    path = checks.path(where, name, path)
    _regular(where, name, path)
    return open(path, "rb")


def _regular(where, name, path):
    """The status of a regular file. Opening a pipe would wait, a device may never end."""
    status = os.stat(path)
    if stat.S_ISREG(status.st_mode):
        return status
    kinds = {
        stat.S_IFDIR: "a folder",
        stat.S_IFIFO: "a pipe",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
    }
    got = kinds.get(stat.S_IFMT(status.st_mode), "something else")
    raise ValueError(f"{where}: {name} must lead to a regular file, got {got}: {path}")


# Arrays with names


def open_archive(file: BinaryIO, mode: str = "r"):
    """A zip archive, whose members are written as they are, not packed.

    zipfile is imported here, because to load it takes longer than to load all of this package.
    """
    import zipfile

    return zipfile.ZipFile(file, mode, zipfile.ZIP_STORED)


def write_arrays(file: BinaryIO, arrays: Mapping[str, np.ndarray]):
    """Write an .npz archive. `np.savez` would take some names for arguments of its own."""
    with open_archive(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def check_names(where: str, names: Iterable[str]):
    """An archive can hold arrays of these names, and gives them back under the same names."""
    from zipfile import ZipInfo

    for name in names:
        member = f"{name}.npy"
        n_bytes = len(member.encode(errors="replace"))
        is_text = member == member.encode(errors="replace").decode()
        if not is_text or n_bytes > 65535 or ZipInfo(member).filename != member:
            raise ValueError(
                f"{where}: names of parameters must be at most 65,531 bytes of Unicode without NUL "
                f"to be kept in a file, got {name[:100]!r}"
            )


# A head is 128 bytes long or a little more. NumPy believes none that is longer than this.
_HEAD = 10_000
_PACKED = (0, 8)  # as it is, or deflated: ZIP_STORED and ZIP_DEFLATED


@dataclass
class SavedArray:
    """What the head of a member says of its array, before any of the numbers is unpacked."""

    member: object  # a zipfile.ZipInfo
    dtype: np.dtype
    shape: tuple
    order: str  # "C" or "F"
    start: int  # of the numbers, in bytes


def read_heads(archive) -> dict[str, SavedArray]:
    """name -> what the archive has under it. ValueError for members that are no plain arrays."""
    heads = {}
    for member in archive.infolist():
        name = member.filename.removesuffix(".npy")
        if name == member.filename:
            raise ValueError(f"its member {name!r} is not an array, a name.npy")
        if name in heads:
            raise ValueError(f"two of its members are named {member.filename!r}")
        heads[name] = _read_head(archive, member)
    return heads


def _read_head(archive, member):
    if member.compress_type not in _PACKED:
        raise ValueError(f"{member.filename!r} is packed in another way than np.savez packs")
    with archive.open(member) as packed:
        head = io.BytesIO(packed.read(_HEAD + 12))
    major, _ = np.lib.format.read_magic(head)
    if major not in (1, 2):
        raise ValueError(f"{member.filename!r} has a head of version {major}, expected 1 or 2")
    read = np.lib.format.read_array_header_1_0
    if major == 2:
        read = np.lib.format.read_array_header_2_0
    shape, is_fortran, dtype = read(head, max_header_size=_HEAD)
    start = head.tell()
    if dtype.hasobject:
        raise ValueError(f"{member.filename!r} holds objects of Python, expected numbers")
    expected = start + math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or member.file_size != expected:
        raise ValueError(
            f"{member.filename!r} should have {expected} bytes for {dtype} {shape}, "
            f"got {member.file_size}"
        )
    return SavedArray(member, dtype, shape, "F" if is_fortran else "C", start)


def read_array(archive, saved: SavedArray) -> np.ndarray:
    """The array behind a head, read-only. What is unpacked is never more than the head says."""
    n = saved.member.file_size
    with archive.open(saved.member) as packed:
        data = packed.read(n)  # without n, all that the member unpacks to would be made first
    if len(data) != n:
        raise ValueError(f"{saved.member.filename!r} should have {n} bytes, got {len(data)}")
    return np.frombuffer(data, saved.dtype, offset=saved.start).reshape(
        saved.shape, order=saved.order
    )
