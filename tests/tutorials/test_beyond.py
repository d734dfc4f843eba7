"""The scripts of "Going on": they say what is missing, and several workers end as one.

What the page counts, it asserts itself.
"""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
TUTORIALS = ROOT / "tutorials"


@pytest.mark.parametrize(
    "script, module", [("hard_sharing_in_pytorch.py", "torch"), ("several_machines.py", "mpi4py")]
)
def test_a_script_says_in_one_line_what_is_missing(script, module, tmp_path):
    (tmp_path / f"{module}.py").write_text("raise ImportError('not here')", encoding="utf-8")
    path = os.pathsep.join(
        [str(tmp_path), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    )
    env = {**os.environ, "PYTHONPATH": path, "PYTHONUTF8": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "error", TUTORIALS / script],
        env=env,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1
    assert "not installed" in done.stderr and f"pip install {module}" in done.stderr


class Communicator:
    """A stand-in for MPI's: size threads, each of which is a worker."""

    def __init__(self, size):
        self.size = size
        self.slots = [None] * size
        self.barrier = threading.Barrier(size, timeout=30)
        self.of_thread = threading.local()

    @property
    def rank(self):
        return self.of_thread.rank

    def allgather(self, thing):
        self.slots[self.rank] = thing.copy()
        self.barrier.wait()
        everything = list(self.slots)
        self.barrier.wait()
        return everything

    def Allreduce(self, _, array):
        array[...] = np.sum(self.allgather(array), axis=0)

    def run(self, work):
        def as_worker(rank):
            self.of_thread.rank = rank
            work()

        with ThreadPoolExecutor(self.size) as pool:
            list(pool.map(as_worker, range(self.size)))


def several_machines(workers, monkeypatch):
    """Run the script with so many workers; AssertionError if its own claims fail."""
    path = TUTORIALS / "several_machines.py"
    comm = Communicator(workers)
    mpi4py = SimpleNamespace(MPI=SimpleNamespace(COMM_WORLD=comm, IN_PLACE=None))
    monkeypatch.setitem(sys.modules, "mpi4py", mpi4py)
    code = compile(path.read_text(encoding="utf-8"), path, "exec")
    comm.run(lambda: exec(code, {"__name__": "__main__"}))


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_several_workers_end_as_one_and_the_first_says_so(workers, monkeypatch, capsys):
    several_machines(workers, monkeypatch)
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 3
    assert printed[-1].startswith(f"{workers} workers hold the same parameters to the bit")


def test_workers_that_do_not_agree_are_noticed(monkeypatch):
    as_it_is = Communicator.allgather

    def sum_as_it_is(self, _, array):
        array[...] = np.sum(as_it_is(self, array), axis=0)

    def spoilt(self, thing):
        everything = as_it_is(self, thing)
        everything[1] = everything[1] + 1e-12
        return everything

    monkeypatch.setattr(Communicator, "Allreduce", sum_as_it_is)
    monkeypatch.setattr(Communicator, "allgather", spoilt)
    with pytest.raises(AssertionError, match="different parameters"):
        several_machines(2, monkeypatch)


def test_what_is_not_the_mean_is_noticed(monkeypatch):
    def too_much(self, _, array):
        array[...] = 1.01 * np.sum(self.allgather(array), axis=0)

    monkeypatch.setattr(Communicator, "Allreduce", too_much)
    with pytest.raises(AssertionError, match="one worker's parameters differ"):
        several_machines(2, monkeypatch)


def test_unequal_shares_are_refused(monkeypatch):
    with pytest.raises(SystemExit, match="as many labels"):
        several_machines(7, monkeypatch)
