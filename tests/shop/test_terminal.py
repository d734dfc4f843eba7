"""The conversation in a terminal and through pipes: what is printed, and how it ends."""

import io
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tinymtl.shop import saved, terminal
from tinymtl.shop.terminal import main
from tinymtl.shop.wording import FIXED


def run(monkeypatch, path, lines, seed=0, explain=False, household=None, fresh=False):
    """What `main` returns when it reads these lines: a text, or a stream."""
    stream = io.StringIO(lines) if isinstance(lines, str) else lines
    monkeypatch.setattr("sys.stdin", stream)
    options = SimpleNamespace(
        seed=seed,
        guide=path,
        explain=explain,
        truth=False,
        quiet=True,
        household=household,
        fresh=fresh,
    )
    return main(options)


def test_through_a_pipe_come_the_answers_and_nothing_else(trained, agent, monkeypatch, capsys):
    _, path = trained
    said = ["how much is catsup", "\ufffd", "", "bye"]
    expected = [agent.reply(line) for line in said]
    lines = "\n".join([*said, "how much is milk\n"])
    assert run(monkeypatch, path, lines) == 0
    assert capsys.readouterr() == ("\n".join(expected) + "\n", "")
    assert run(monkeypatch, path, "how much is catsup") == 0  # ends without a goodbye
    assert capsys.readouterr() == (expected[0] + "\n", "")


def test_control_c_ends_quietly(trained, monkeypatch, capsys):
    class Interrupted(io.StringIO):
        def readline(self, *_):
            raise KeyboardInterrupt

    _, path = trained
    assert run(monkeypatch, path, Interrupted()) == 130
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("explain", [False, True])
def test_nothing_is_answered_after_a_goodbye(trained, monkeypatch, capsys, explain):
    _, path = trained
    assert run(monkeypatch, path, "bye\nhow much is milk\n", explain=explain) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(FIXED["bye"] + "\n")
    assert "milk" not in printed


# The file of the guide


def trains_no_guide(monkeypatch):
    monkeypatch.setattr(saved, "trained_now", lambda *_: pytest.fail("trained"))


def test_a_guide_of_another_seed_is_refused(trained, monkeypatch, capsys):
    _, path = trained
    assert run(monkeypatch, path, "", seed=1) == 2
    assert "was trained with seed 0, got seed 1" in the_complaint(capsys)


def test_a_file_that_is_no_guide_is_refused_and_stays(tmp_path, monkeypatch, capsys):
    file = tmp_path / "damaged.npz"
    file.write_bytes(b"no guide")
    assert run(monkeypatch, file, "") == 2
    complaint = the_complaint(capsys)
    assert f"{file} is not a saved guide" in complaint
    assert "pickle" not in complaint
    assert file.read_bytes() == b"no guide"


def test_a_place_that_cannot_be_written_is_said_before_anything_is_trained(
    tmp_path, monkeypatch, capsys
):
    trains_no_guide(monkeypatch)
    for path in (tmp_path / "nowhere" / "guide.npz", tmp_path / ("long" * 100)):
        assert run(monkeypatch, path, "") == 2
        assert f"cannot be written to {path}: " in the_complaint(capsys)
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_dies_while_it_trains_is_said_in_one_line(monkeypatch, capsys):
    def dies(function, jobs):
        raise ChildProcessError("a process ended before its work was done, with exit code -9")

    monkeypatch.setattr(saved, "in_processes", dies)
    monkeypatch.setattr(terminal, "cache_file", lambda _: None)
    assert run(monkeypatch, None, "") == 1
    assert "a process ended before its work was done" in the_complaint(capsys)


def test_a_negative_seed_is_refused(monkeypatch, capsys):
    monkeypatch.setattr(terminal, "cache_file", lambda _: None)
    assert run(monkeypatch, None, "", seed=-1) == 2
    assert "seed must be a whole number, at least 0; got -1" in the_complaint(capsys)


def the_complaint(capsys):
    """The one line on standard error; nothing is on standard output."""
    out, error = capsys.readouterr()
    assert out == ""
    assert error.startswith("tinymtl: ")
    assert error.count("\n") == 1
    return error


def test_a_guide_is_kept_in_the_cache_and_trained_anew_only_when_fresh(
    trained, tmp_path, monkeypatch, capsys
):
    agent, _ = trained
    path = tmp_path / "guide.npz"
    times = []

    def train_once(*_):
        times.append(1)
        return agent.model, agent.split

    monkeypatch.setattr(saved, "trained_now", train_once)
    monkeypatch.setattr(terminal, "cache_file", lambda _: path)
    for fresh, expected in ((False, 1), (False, 1), (True, 2)):
        assert run(monkeypatch, None, "how much is the honey", fresh=fresh) == 0
        assert len(times) == expected
        assert path.exists()
        assert "2.49" in capsys.readouterr().out


def test_a_household_can_be_named_beforehand(trained, monkeypatch, capsys):
    _, path = trained
    assert run(monkeypatch, path, "what would I like?", household=12) == 0
    assert "for household 12" in capsys.readouterr().out


# With the streams of a real process


def ask(path, redirections="", lines="", **environment):
    """Run `python -m tinymtl ask` in a shell."""
    command = f'"{sys.executable}" -m tinymtl ask --guide "{path}" {redirections}'
    package = Path(terminal.__file__).parents[2]
    env = {**os.environ, "PYTHONPATH": str(package), **environment}
    return subprocess.run(["sh", "-c", command], input=lines, capture_output=True, env=env)


needs_a_shell = pytest.mark.skipif(os.name != "posix", reason="needs sh")


@needs_a_shell
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_stream_that_is_closed_is_no_reason_for_a_traceback(trained, closed):
    _, path = trained
    done = ask(path, closed, b"how much is catsup\nbye\n")
    assert done.returncode == 0
    assert done.stderr == b""
    assert (b"Ketchup" in done.stdout) == (closed == "2>&-")


@needs_a_shell
def test_a_pipe_that_nobody_reads_is_quiet(trained):
    _, path = trained
    done = ask(path, "| head -n 1", b"how much is catsup\n" * 5000)
    assert done.stdout.count(b"\n") == 1
    assert done.stderr == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_said_in_one_line(trained):
    _, path = trained
    done = ask(path, ">/dev/full", b"how much is catsup\nbye\n")
    assert done.returncode == 2
    assert done.stderr == (b"tinymtl: standard output cannot be written: No space left on device\n")


@needs_a_shell
def test_letters_that_a_console_does_not_have_are_no_reason_to_stop(trained):
    _, path = trained
    lines = "caf\u00e9 butter\n".encode("latin-1") + b"\xff\nhow much is catsup\n"
    done = ask(path, lines=lines, PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert b"Ketchup" in done.stdout
    assert done.stderr == b""
