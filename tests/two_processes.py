"""The whole suite runs in two processes, one for each of two cores.

The first runs its tests as always. The second runs those in SECOND, and writes a line for each
report of a test to a file. The first reads these lines and reports them as its own, so the output,
`-x` and the exit code are those of one pytest. Tests that are chosen by path, or looked at in a
debugger, run in one process.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

SECOND = ["test_comparison.py", "test_history.py", "plots", "shop", "test_main.py"]  # half the work
FOLDER = "TINYMTL_SECOND_PROCESS"  # environment variable: where the second process reads and writes
PATIENCE = 3  # seconds in which the second process may end by itself


def pytest_configure(config):
    if FOLDER in os.environ:
        config.pluginmanager.register(Second(config, Path(os.environ.pop(FOLDER))))
    elif is_whole_suite(config) and (os.cpu_count() or 1) > 1:
        config.pluginmanager.register(First(config))


def is_whole_suite(config):
    """Whether no path was chosen, nor an option that needs one process or has several already."""
    option = config.option
    needs_one = option.usepdb or option.collectonly or option.basetemp or option.setupshow
    has_several = getattr(option, "numprocesses", None) or hasattr(config, "workerinput")
    no_path = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    return no_path and not needs_one and not has_several


class First:
    """Leaves some tests to the second process and reports them as its own."""

    def __init__(self, config):
        self.config = config
        self.left = []  # names of the tests that the second process runs
        self.process = None
        self.lines = None  # what it has written
        self.output = None

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items):
        tests = self.config.rootpath / "tests"
        mine = []
        for one in items:
            if one.path.relative_to(tests).parts[0] in SECOND:
                self.left.append(one.nodeid)
            else:
                mine.append(one)
        items[:] = mine

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session):
        if session.testsfailed or not self.left:  # something could not be collected
            return (yield)
        session.testscollected += len(self.left)
        with TemporaryDirectory() as folder:
            try:
                self.start(Path(folder))
                result = yield
                while self.process.poll() is None:
                    time.sleep(0.1)
                    self.report(session)
                self.report(session)
                self.check_all_were_reported()
                return result
            finally:
                self.stop()

    def start(self, folder):
        (folder / "tests.json").write_text(json.dumps(self.left), encoding="utf-8")
        self.lines = (folder / "reports").open("a+", encoding="utf-8")
        self.output = (folder / "output").open("w+", encoding="utf-8")
        arguments = [*self.config.invocation_params.args]
        if self.config.pluginmanager.has_plugin("cacheprovider"):
            arguments += ["-o", f"cache_dir={folder / 'cache'}"]  # of which failed is kept once
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pytest", *arguments],
            cwd=self.config.invocation_params.dir,
            env={**os.environ, FOLDER: str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=subprocess.STDOUT,
        )

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item):
        result = yield
        if self.process:
            self.report(item.session)
        return result

    def report(self, session):
        """Report what the second process has written since the last time."""
        hook = self.config.hook
        while line := self.whole_line():
            data = json.loads(line)
            report = hook.pytest_report_from_serializable(config=self.config, data=data)
            test = {"nodeid": report.nodeid, "location": report.location}
            if report.when == "setup":
                hook.pytest_runtest_logstart(**test)
            hook.pytest_runtest_logreport(report=report)
            if report.when == "teardown":
                hook.pytest_runtest_logfinish(**test)
                self.left.remove(report.nodeid)
        if session.shouldfail:
            raise session.Failed(session.shouldfail)

    def whole_line(self):
        """The next line of the file, or "" as long as its end is not yet written."""
        at = self.lines.tell()
        line = self.lines.readline()
        if line.endswith("\n"):
            return line
        self.lines.seek(at)
        return ""

    def check_all_were_reported(self):
        if self.left:
            self.output.seek(0)
            pytest.exit(
                f"the second process ended before {self.left[0]}:\n{self.output.read()}",
                returncode=pytest.ExitCode.INTERNAL_ERROR,
            )

    def stop(self):
        """End the second process as Ctrl-C does, so that it can end its own; else by force.

        Where Ctrl-C is switched off, as in a job in the background, it does not hear the first.
        """
        if self.process.poll() is None:
            if os.name == "posix":
                self.process.send_signal(signal.SIGINT)
            else:
                self.process.terminate()
        try:
            self.process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.lines.close()
        self.output.close()


class Second:
    """Runs the tests that the first process leaves to it, and writes their reports."""

    def __init__(self, config, folder):
        self.config = config
        self.tests = set(json.loads((folder / "tests.json").read_text(encoding="utf-8")))
        self.files = {config.rootpath / name.partition("::")[0] for name in self.tests}
        self.lines = (folder / "reports").open("a", encoding="utf-8")

    def pytest_ignore_collect(self, collection_path):
        """A file without a test of the second process need not be read."""
        is_of_the_first = collection_path.is_file() and collection_path not in self.files
        return True if is_of_the_first else None

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items):
        items[:] = [one for one in items if one.nodeid in self.tests]

    def pytest_runtest_logreport(self, report):
        data = self.config.hook.pytest_report_to_serializable(config=self.config, report=report)
        self.lines.write(json.dumps(data) + "\n")
        self.lines.flush()

    def pytest_unconfigure(self):
        self.lines.close()
