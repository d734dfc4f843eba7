"""The laws of files: whole or not at all, and nothing is unpacked that nobody asked for."""

import functools
import io
import os
import signal
import stat
import subprocess
import sys
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymtl as mtl
from tinymtl import files

OLD = b"old" * 1000
NEW = b"new" * 2000


def write_new(file):
    file.write(NEW)


def without_unnamed_files(monkeypatch):
    """As on systems that have no files without a name."""
    monkeypatch.delattr(os, "O_TMPFILE", raising=False)


@pytest.fixture(params=["without a name", "with a name"])
def unfinished(request, monkeypatch):
    """Both ways in which an unfinished file is kept."""
    if request.param == "with a name":
        without_unnamed_files(monkeypatch)
    return request.param


def arrays_file(path, arrays):
    with open(path, "wb") as file:
        files.write_arrays(file, arrays)


# Whole or not at all


def test_the_new_file_stands_in_the_place_of_the_old_one_and_nothing_beside_it(
    tmp_path, unfinished
):
    path = tmp_path / "file"
    path.write_bytes(OLD)
    files.write_whole("f", path, write_new)
    assert path.read_bytes() == NEW
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_writing_that_fails_leaves_the_old_file_alone(tmp_path, unfinished, error):
    path = tmp_path / "file"
    path.write_bytes(OLD)

    def write_half(file):
        file.write(NEW[:100])
        raise error

    with pytest.raises(error):
        files.write_whole("f", path, write_half)
    assert path.read_bytes() == OLD
    assert os.listdir(tmp_path) == ["file"]


# A process that is killed just before, or just after, the n-th call of one of these. One Python
# makes a process for each moment, because to start it takes much longer than to write a file.
KILLED = """
import os, signal, sys, warnings
from tinymtl import files

def deadly(call, when):
    def killed(*arguments, **options):
        if when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = call(*arguments, **options)
        os.kill(os.getpid(), signal.SIGKILL)
    return killed

def write_and_be_killed(path, moment, when, named):
    if named == "with a name" and hasattr(os, "O_TMPFILE"):
        del os.O_TMPFILE

    def write(file):
        file.write(b"new" * 1000)
        if moment == "write":
            os.kill(os.getpid(), signal.SIGKILL)
        file.write(b"new" * 1000)

    if moment != "write":
        setattr(os, moment, deadly(getattr(os, moment), when))
    files.write_whole("f", path, write)

for line in sys.stdin:
    process = os.fork()
    if process == 0:
        write_and_be_killed(*line.rstrip().split("|"))
        os._exit(0)
    _, status = os.waitpid(process, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
"""

MOMENTS = [("write", "before")] + [
    (moment, when)
    for moment in ("open", "fsync", "link", "chmod", "replace")
    for when in ("before", "after")
]


@pytest.fixture(scope="module")
def write_and_be_killed():
    """A function: write a file in a process that is killed, and return its exit code."""
    root = Path(files.__file__).parents[1]
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", KILLED],
        cwd=root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as mother:

        def write_and_be_killed(path, moment, when, named):
            print(path, moment, when, named, sep="|", file=mother.stdin, flush=True)
            return int(mother.stdout.readline())

        yield write_and_be_killed
        mother.stdin.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no processes that are killed here")
@pytest.mark.parametrize("moment, when", MOMENTS)
@pytest.mark.parametrize("named", ["without a name", "with a name"])
def test_a_process_killed_at_any_moment_leaves_the_old_or_the_new_file_whole(
    tmp_path, write_and_be_killed, moment, when, named
):
    path = tmp_path / "file"
    path.write_bytes(OLD)
    code = write_and_be_killed(path, moment, when, named)
    never_called = moment == "link" and named == "with a name"
    assert code == (0 if never_called else -signal.SIGKILL)
    is_new = never_called or (moment, when) == ("replace", "after")
    assert path.read_bytes() == (NEW if is_new else OLD)
    if named == "without a name" and moment in ("write", "open", "fsync"):
        assert os.listdir(tmp_path) == ["file"]
    files.write_whole("f", path, write_new)  # what a killed process left is in nobody's way
    assert path.read_bytes() == NEW


@pytest.mark.parametrize("exists", [True, False])
def test_a_link_stays_a_link_and_its_file_is_replaced(tmp_path, unfinished, exists):
    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
    target = tmp_path / "there" / "file"
    if exists:
        target.write_bytes(OLD)
    link = tmp_path / "here" / "link"
    link.symlink_to("../there/file")
    files.write_whole("f", link, write_new)
    assert os.readlink(link) == "../there/file"
    assert target.read_bytes() == NEW
    assert os.listdir(tmp_path / "here") == ["link"]
    assert os.listdir(tmp_path / "there") == ["file"]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o666, 0o444])
def test_permissions_of_the_old_file_are_kept(tmp_path, unfinished, mode):
    path = tmp_path / "file"
    path.write_bytes(OLD)
    path.chmod(mode)

    def write(file):
        shown = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        assert shown & ~mode == 0  # nobody else can read it in the meantime either
        file.write(NEW)

    files.write_whole("f", path, write)
    assert stat.S_IMODE(path.stat().st_mode) == mode


@pytest.mark.parametrize("umask, left", [(0o027, 0o640), (0o000, 0o666)])
def test_a_new_file_has_the_permissions_that_the_umask_leaves(tmp_path, unfinished, umask, left):
    old = os.umask(umask)
    try:
        files.write_whole("f", tmp_path / "file", write_new)
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == left


def test_of_two_writers_at_once_each_writes_a_whole_file_and_the_last_one_wins(
    tmp_path, unfinished
):
    path = tmp_path / "file"

    def write_around_another(file):
        file.write(b"first" * 100)
        files.write_whole("f", path, write_new)
        assert path.read_bytes() == NEW
        file.write(b"first" * 100)

    files.write_whole("f", path, write_around_another)
    assert path.read_bytes() == b"first" * 200
    assert os.listdir(tmp_path) == ["file"]


# Only regular files


def a_folder(path):
    path.mkdir()


def a_pipe(path):
    os.mkfifo(path)


def a_device(path):
    """A terminal of our own: with a fault in `save`, root would lose /dev/null."""
    _, terminal = os.openpty()
    path.symlink_to(os.ttyname(terminal))


KINDS = [(a_folder, "a folder"), (a_pipe, "a pipe"), (a_device, "a device")]


@pytest.mark.parametrize("make, kind", KINDS)
def test_what_is_no_regular_file_is_refused_and_left_alone(tmp_path, make, kind):
    path = tmp_path / "thing"
    make(path)
    before = path.lstat()
    model = mtl.Dense(1, 1, np.random.default_rng(0))
    message = f"path must lead to a regular file, got {kind}: {path.resolve()}"
    with pytest.raises(ValueError) as caught:
        model.save(path)
    assert str(caught.value) == f"save: {message}"
    with pytest.raises(ValueError, match=f"^load: path must lead to a regular file, got {kind}"):
        model.load(path)
    after = path.lstat()
    assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode)
    assert os.listdir(tmp_path) == ["thing"]


@pytest.mark.parametrize("path", [3, None, io.BytesIO(), b"model", ["model"]])
def test_what_is_no_path_is_refused(path):
    model = mtl.Dense(1, 1, np.random.default_rng(0))
    for name, function in {"save": model.save, "load": model.load}.items():
        with pytest.raises(TypeError) as caught:
            function(path)
        got = type(path).__name__
        assert str(caught.value) == f"{name}: path must be a str or a Path, got {got}"


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="^f: path must be in a folder that exists, got "):
        files.write_whole("f", tmp_path / "nowhere" / "file", write_new)


def test_a_name_that_is_too_long_leaves_nothing_behind(tmp_path):
    with pytest.raises(OSError):
        files.write_whole("f", tmp_path / ("x" * 300), write_new)
    assert os.listdir(tmp_path) == []


# Names


class Holder(mtl.Module):
    def __init__(self, values):
        self.values = {name: mtl.Parameter(np.array([x])) for name, x in values.items()}


class Odd(mtl.Module):
    """Its parameters have the names of arguments of `np.savez`."""

    def __init__(self, x):
        self.file = mtl.Parameter(np.array([x, 1.0]))
        self.allow_pickle = mtl.Parameter(np.array(x))
        self.args = mtl.Parameter(np.zeros((0, 3)))


def test_parameters_may_have_the_names_of_arguments(tmp_path):
    Odd(3.0).save(tmp_path / "odd")
    other = Odd(0.0)
    assert other.load(tmp_path / "odd") == {}
    assert other.file.data.tolist() == [3, 1]
    assert other.allow_pickle.data == 3
    with np.load(tmp_path / "odd", allow_pickle=False) as opened:
        assert set(opened.files) == {"file", "allow_pickle", "args"}
        assert opened["file"].tolist() == [3, 1]


@given(st.dictionaries(st.text(max_size=5), st.floats(-1, 1), min_size=1, max_size=4))
def test_a_model_with_any_names_is_read_back_or_refused_before_anything_is_written(
    tmp_path_factory, values
):
    path = tmp_path_factory.mktemp("names") / "model"
    model = Holder(values)
    try:
        model.save(path)
    except ValueError as error:
        assert "save: names of parameters must be" in str(error)
        assert any("\0" in name for name in values)
        assert not path.exists()
        return
    other = Holder(dict.fromkeys(values, 7.0))
    assert other.load(path) == {}
    np.testing.assert_array_equal(other.theta, model.theta)


@pytest.mark.parametrize("name", ["a\0b", "\0", "\ud800", "x" * 70_000])
def test_a_name_that_no_archive_holds_is_refused_and_the_old_file_stays(tmp_path, name):
    path = tmp_path / "model"
    path.write_bytes(OLD)
    with pytest.raises(ValueError, match="^save: names of parameters must be .* got 'values."):
        Holder({name: 1.0}).save(path)
    assert path.read_bytes() == OLD


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_np_load_opens_what_save_wrote(tmp_path, dtype):
    model = mtl.Dense(2, 3, np.random.default_rng(0), dtype)
    model.save(tmp_path / "model")
    with np.load(tmp_path / "model", allow_pickle=False) as opened:
        assert list(opened.files) == ["W", "b"]
        np.testing.assert_array_equal(opened["W"], model.W.data, strict=True)
        np.testing.assert_array_equal(opened["b"], model.b.data, strict=True)


@pytest.mark.parametrize("write", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("order", ["C", "F"])
def test_load_reads_what_numpy_writes(tmp_path, write, order):
    W = np.asarray(np.arange(6.0).reshape(2, 3), order=order)
    write(tmp_path / "model.npz", W=W, b=np.ones(3))
    model = mtl.Dense(2, 3, np.random.default_rng(0))
    model.load(tmp_path / "model.npz")
    np.testing.assert_array_equal(model.W.data, W)
    np.testing.assert_array_equal(model.b.data, 1)


# Hostile files: refused with a reason, nothing loaded, little memory


def head(shape, descr="<f8", fortran=False):
    """The head of an .npy file, whatever it promises."""
    text = str({"descr": descr, "fortran_order": fortran, "shape": shape}).encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


def array_bytes(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


GOOD = array_bytes(np.ones(3))
MANY = 2**26  # bytes of zeros: 0.07 MB when deflated


def archive_of(*members, compression=zipfile.ZIP_DEFLATED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return file.getvalue()


@functools.cache
def bomb(start):
    """An archive with a member "W.npy" that unpacks to 64 MB."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("b.npy", GOOD)
        with archive.open("W.npy", "w") as member:
            member.write(start)
            block = bytes(2**20)
            for _ in range(MANY // len(block)):
                member.write(block)
    return file.getvalue()


def bomb_that_tells_a_small_size():
    """The directory says that W.npy is as small as the model's W, and it is not."""
    start = head((2, 3))
    data = bytearray(bomb(start))
    at = data.rindex(b"PK\x01\x02")
    data[at + 24 : at + 28] = (len(start) + 48).to_bytes(4, "little")
    return bytes(data)


HOSTILE = {
    "a bomb that says what it is": (lambda: bomb(head((MANY // 8,))), "of another model: W should"),
    "a bomb behind a small head": (lambda: bomb(head((2, 3))), "'W.npy' should have"),
    "a bomb of small size": (bomb_that_tells_a_small_size, "not a readable checkpoint"),
    "a head of 64 MB": (
        lambda: bomb(b"\x93NUMPY\x02\x00" + MANY.to_bytes(4, "little")),
        "EOF: reading array header",
    ),
    "a shape that no memory holds": (
        lambda: archive_of(("W.npy", head((10**9, 10**9))), ("b.npy", GOOD)),
        "'W.npy' should have",
    ),
    "a negative shape": (
        lambda: archive_of(("W.npy", head((-2, -3)) + bytes(48)), ("b.npy", GOOD)),
        "'W.npy' should have",
    ),
    "a negative shape, and one that is not": (
        lambda: archive_of(("W.npy", head((-2, -3, 1)) + bytes(48)), ("b.npy", GOOD)),
        "'W.npy' should have",
    ),
    "a member that is no array": (
        lambda: archive_of(("W.npy", head((2, 3)) + bytes(48)), ("b", GOOD)),
        "its member 'b' is not an array",
    ),
    "a member twice": (
        lambda: twice("b.npy", head((2, 3)) + bytes(48)),
        "two of its members are named 'b.npy'",
    ),
    "text instead of an array": (
        lambda: archive_of(("W.npy", b"hello"), ("b.npy", GOOD)),
        "is not a readable checkpoint",
    ),
    "objects of Python": (
        lambda: archive_of(("W.npy", head((2, 3), "|O") + b"pickle"), ("b.npy", GOOD)),
        "holds objects of Python, expected numbers",
    ),
    "another packing": (
        lambda: archive_of(
            ("W.npy", head((2, 3)) + bytes(48)), ("b.npy", GOOD), compression=zipfile.ZIP_LZMA
        ),
        "is packed in another way than np.savez packs",
    ),
    "a head that is a deep nest": (
        lambda: archive_of(
            ("W.npy", b"\x93NUMPY\x01\x00" + (3000).to_bytes(2, "little") + b"(" * 3000),
            ("b.npy", GOOD),
        ),
        "is not a readable checkpoint",
    ),
    "fewer numbers than the head says": (
        lambda: archive_of(("W.npy", head((2, 3)) + bytes(40)), ("b.npy", GOOD)),
        "'W.npy' should have",
    ),
}


def twice(name, W):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("W.npy", W)
        archive.writestr("b.npy", GOOD)
        archive.writestr("c.npy", GOOD)
    return file.getvalue().replace(b"c.npy", b"b.npy")


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_file_is_refused_with_a_reason_in_little_memory(tmp_path, kind, strict):
    make, reason = HOSTILE[kind]
    path = tmp_path / "hostile"
    path.write_bytes(make())
    model = mtl.Dense(2, 3, np.random.default_rng(0))
    before = model.theta.copy()
    tracemalloc.start()
    try:
        if not strict and "another model" in reason:
            assert "W" in model.load(path, strict=False)
            before[6:] = 1.0  # b fits, and W does not
        else:
            with pytest.raises(ValueError, match=f"^load: .*{reason}"):
                model.load(path, strict)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    np.testing.assert_array_equal(model.theta, before)
    assert peak < MANY / 10


def test_a_bomb_whose_directory_lies_well_is_unpacked_no_further_than_it_says(tmp_path):
    """Size and checksum are those of the first numbers, so these are read, and no more."""
    start = head((2, 3))
    data = bytearray(bomb(start))
    entry = data.rindex(b"PK\x01\x02")
    data[entry + 16 : entry + 20] = zlib.crc32(start + bytes(48)).to_bytes(4, "little")
    data[entry + 24 : entry + 28] = (len(start) + 48).to_bytes(4, "little")
    (tmp_path / "model").write_bytes(data)
    model = mtl.Dense(2, 3, np.random.default_rng(0))
    tracemalloc.start()
    try:
        model.load(tmp_path / "model")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert not model.W.data.any()
    assert peak < MANY / 10


def damaged(model, path):
    """Save the model, and turn one bit of its b."""
    model.save(path)
    data = bytearray(path.read_bytes())
    data[data.rindex(model.b.data.tobytes())] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("n_out", [3, 5000])  # b is read with its head, and after it
def test_a_damaged_member_is_found_before_anything_is_loaded(tmp_path, n_out):
    damaged(mtl.Dense(2, n_out, np.random.default_rng(0)), tmp_path / "model")
    other = mtl.Dense(2, n_out, np.random.default_rng(1))
    other.b = np.ones(n_out)
    before = other.theta.copy()
    with pytest.raises(ValueError, match="^load: .* is not a readable checkpoint: Bad CRC-32"):
        other.load(tmp_path / "model", strict=False)
    np.testing.assert_array_equal(other.theta, before)


def test_nothing_is_unpacked_of_a_file_of_another_model(tmp_path):
    damaged(mtl.Dense(2, 5000, np.random.default_rng(0)), tmp_path / "model")
    other = mtl.Dense(3, 5000, np.random.default_rng(1))
    with pytest.raises(ValueError, match="^load: .* is of another model: W should be"):
        other.load(tmp_path / "model")
