"""What the second process finds out, the first says, and nothing is left of it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ENVIRONMENT = {
    "PYTHONPATH": str(HERE),
    "PYTEST_ADDOPTS": "",
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # to load Hypothesis takes longer than all the rest
}
SAY_WHO_READS_IT = "print('read', file=open('readers', 'a'))"


def hear_ctrl_c():
    """A job in the background is started deaf to it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def start(tmp_path):
    """A function: start pytest on a suite of two tests, of which the second process has `slow`."""
    (tmp_path / "pyproject.toml").write_text('[tool.pytest.ini_options]\ntestpaths = ["tests"]\n')
    (tmp_path / "tests" / "plots").mkdir(parents=True)
    (tmp_path / "tests" / "conftest.py").write_text("pytest_plugins = ['two_processes']\n")

    def start(slow, fast="pass", *options):
        fast = f"{SAY_WHO_READS_IT}\ndef test_fast():\n    {fast}\n"
        (tmp_path / "tests" / "test_a.py").write_text(fast)
        slow = f"import os, signal, time\ndef test_slow():\n    {slow}\n"
        (tmp_path / "tests" / "plots" / "test_b.py").write_text(slow)
        return subprocess.Popen(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options],
            cwd=tmp_path,
            env={**os.environ, **ENVIRONMENT},
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=hear_ctrl_c if os.name == "posix" else None,
        )

    return start


needs_two = pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core, so one process")


FAIL_ONCE_IT_IS_DEAF = """
    import os, time
    while not os.path.exists("deaf"):
        time.sleep(0.02)
    assert False
"""


def said(process):
    output, _ = process.communicate(timeout=300)
    return process.returncode, output


@needs_two
def test_a_test_of_the_second_process_runs_there_and_counts(start, tmp_path):
    other = f"assert os.getppid() != {os.getpid()}"
    code, output = said(start(other))
    assert code == 0
    assert "2 passed" in output
    readers = (tmp_path / "readers").read_text().split()
    assert len(readers) == 1, "the second process read a file of the first"


def test_a_failure_in_the_second_process_has_its_traceback(start):
    code, output = said(start("number = 3; assert number == 4"))
    assert code == 1
    assert "plots/test_b.py:3: AssertionError" in output.replace(os.sep, "/")
    assert "E       assert 3 == 4" in output
    assert "1 failed, 1 passed" in output


@needs_two
def test_the_first_failure_ends_both_if_asked_to(start):
    began = time.monotonic()
    code, output = said(start("time.sleep(600)", "assert False", "-x"))
    assert code == 1
    assert "1 failed" in output and "stopping after 1 failures" in output
    assert time.monotonic() - began < 300


@needs_two
def test_a_second_process_that_does_not_hear_ctrl_c_is_ended_by_force(start, tmp_path):
    with open(tmp_path / "tests" / "conftest.py", "a") as conftest:
        conftest.write("import two_processes\ntwo_processes.PATIENCE = 0.2\n")
    deaf = "signal.signal(signal.SIGINT, signal.SIG_IGN); open('deaf', 'w'); time.sleep(600)"
    code, output = said(start(deaf, FAIL_ONCE_IT_IS_DEAF, "-x"))
    assert code == 1
    assert "stopping after 1 failures" in output
    assert (tmp_path / "deaf").exists()


@needs_two
def test_a_second_process_that_ends_too_early_is_no_success(start):
    code, output = said(start("print('so far', flush=True); os._exit(0)", "pass", "-s"))
    assert code == pytest.ExitCode.INTERNAL_ERROR
    assert "the second process ended before tests/plots/test_b.py::test_slow" in output
    assert "so far" in output


@needs_two
@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_ctrl_c_leaves_no_process_behind(start, tmp_path):
    number = tmp_path / "number"
    process = start(f"open({str(number)!r}, 'w').write(str(os.getpid())); time.sleep(600)")
    while not (number.exists() and number.read_text()):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    code, output = said(process)
    assert code == pytest.ExitCode.INTERRUPTED
    with pytest.raises(ProcessLookupError):
        os.kill(int(number.read_text()), 0)
