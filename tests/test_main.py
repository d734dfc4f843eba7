"""The command line: what it prints and writes, and how it refuses."""

import csv
import os
import subprocess
import sys
from contextlib import nullcontext
from itertools import starmap
from pathlib import Path

import pytest
from made_up_results import results
from matplotlib.figure import Figure

import tinymtl
from tinymtl.__main__ import main
from tinymtl.shop import experiment, report
from tinymtl.shop.split import Condition

CLAIMS = [
    "Better generalisation?",
    "Fewer parameters?",
    "Better use of scarce data?",
    "Conflict in hard sharing",
    "Harm in hard sharing",
]
ARMS = {"most common", "nearest words", "ridge regression", "alone", "soft", "hard"}
PICTURES = {
    "gains-10.png",
    "gains-30.png",
    "gain-by-fraction.png",
    "losses.png",
    "cosines.png",
    "step.png",
    "layers.png",
    "network.png",
    "embedding.png",
}


def read_results(folder):
    """The first line of results.csv, which is a comment, and the rows."""
    comment, *lines = (folder / "results.csv").read_text(encoding="utf-8").splitlines()
    return comment, list(csv.DictReader(lines))


def interrupted(*_):
    """Somebody presses Ctrl-C at once."""
    raise KeyboardInterrupt


def working_as(in_order):
    """Stands in place of `experiment.processes`: a function of the test does the work."""
    return lambda n: nullcontext(in_order)


PROCESSES = experiment.processes


def training_the_first_seeds(function, jobs):
    """What the first seed of a condition gives, its others give too. Pictures are drawn here."""
    if function is not experiment.run_seed:
        return starmap(function, jobs)
    first = {}  # condition -> job
    for job in jobs:
        _, condition, _ = job
        first.setdefault(condition, job)
    with PROCESSES(2) as in_order:
        measured = dict(zip(first, in_order(function, list(first.values()))))
    return (measured[condition] for _, condition, _ in jobs)


@pytest.fixture
def blank(monkeypatch):
    """Pictures are drawn, and written as empty files: nobody looks at them here."""
    monkeypatch.setattr(Figure, "savefig", lambda figure, path, **_: Path(path).touch())


def test_a_short_run_prints_a_table_and_names_every_file_it_wrote(
    tmp_path, capsys, blank, monkeypatch
):
    numbers = []  # of processes

    def processes(n):
        numbers.append(n)
        return nullcontext(training_the_first_seeds)

    monkeypatch.setattr(experiment, "processes", processes)
    out = tmp_path / "new" / "folder"
    options = "--seeds 5 --steps 2 --fraction 0.1 0.3".split()
    assert main([*options, "--out", str(out), "--quiet"]) == 0
    printed, errors = capsys.readouterr()
    assert errors == ""
    assert printed.startswith("In short (5 seeds; answers known of 10 % and 30 % of the products):")
    assert "\n10 % of the answers, 2 steps (5 seeds)\n" in printed
    assert "\n30 % of the answers, 2 steps (5 seeds)\n" in printed
    assert "steps to least held-out loss" in printed
    for claim in CLAIMS:
        assert f"\n{claim}" in printed
    written = {path.name for path in out.iterdir()}
    assert written == PICTURES | {"results.csv", "report.txt"}
    assert printed.startswith((out / "report.txt").read_text(encoding="utf-8"))
    for name in written:
        assert f"  {out / name}: " in printed
    comment, rows = read_results(out)
    assert comment.startswith("# python -m tinymtl --seeds 5 --steps 2")
    assert comment.endswith("seconds in 2 processes")
    assert numbers == [2]
    assert len(rows) == 5 * 2 * 6
    assert {row["arm"] for row in rows} == ARMS


def test_a_chosen_rule_is_named_and_rules_have_rows_of_their_own(tmp_path, capsys):
    options = "--seeds 1 --steps 2 --fraction 0.1 --weights mgda --rules".split()
    options += ["--trunk", "convolutional"]
    assert main([*options, "--out", str(tmp_path), "--quiet"]) == 0
    printed = capsys.readouterr().out
    assert "\n\nWeights: mgda for hard sharing." in printed
    assert "Hard sharing with mgda, and what a rule for the weights gains over it" in printed
    for words in (["Uncertainty", "nash_mtl", "upgrad"], ["hard", *3 * ["over", "hard"]]):
        assert words in [line.split() for line in printed.splitlines()]
    assert "convolutional trunk" in printed
    assert (tmp_path / "weights.png").exists()
    _, rows = read_results(tmp_path)
    assert {"Uncertainty", "nash_mtl", "upgrad"} < {row["arm"] for row in rows}


def test_full_runs_every_condition_with_ten_seeds_and_looks_closely_at_the_first_alone(
    tmp_path, monkeypatch, capsys
):
    asked = []

    def recorded(_, jobs):
        asked.extend(jobs)
        return interrupted()

    monkeypatch.setattr(experiment, "processes", working_as(recorded))
    assert main(["--full", "--out", str(tmp_path)]) == 130
    everything = experiment.everything()
    assert {condition for _, condition, _ in asked} == set(everything)
    assert len(asked) == 10 * len(everything)
    looked_at = [(seed, condition) for seed, condition, look in asked if look]
    assert looked_at == [(0, Condition())]


def test_a_place_that_cannot_be_written_is_said_before_anything_is_trained(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(experiment, "processes", lambda _: pytest.fail("trained"))
    file = tmp_path / "file"
    file.write_text("kept")
    assert main(["--out", str(file)]) == 2
    assert f"--out {file} cannot be written" in capsys.readouterr().err
    assert file.read_text() == "kept"


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--seeds", "0"], "--seeds: expected a whole number of at least 1, got 0"),
        (["--seeds", "many"], "--seeds: expected a whole number of at least 1, got many"),
        (["--first-seed", "-1"], "--first-seed: expected a whole number of at least 0, got -1"),
        (["--fraction", "0"], "--fraction: expected a number from 0.02 to 1, got 0"),
        (["--fraction", "nan"], "--fraction: expected a number from 0.02 to 1, got nan"),
        (["--trunk", "elm"], "--trunk: invalid choice: 'elm'"),
        (["--fraction", "few"], "--fraction: expected a number from 0.02 to 1, got few"),
        (["--out", ""], "--out: expected a name, got nothing"),
        (["ask", "--seed", "one"], "--seed: expected a whole number of at least 0, got one"),
        (["ask", "--seed", "-1"], "--seed: expected a whole number of at least 0, got -1"),
        (["ask", "--guide", ""], "--guide: expected a name, got nothing"),
        (["ask", "--household", "400"], "--household: expected a household from 0 to 399, got 400"),
        (["--full", "--steps", "5"], "--full: goes with --seeds"),
        (["--full", "--weights", "mgda"], "--full: goes with --seeds"),
        (["--weights", "best"], "--weights: invalid choice: 'best'"),
        (["--what"], "unrecognized arguments: --what"),
    ],
)
def test_bad_arguments_are_named(arguments, words, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert words in capsys.readouterr().err


def test_ctrl_c_stops_without_a_traceback(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(experiment, "processes", working_as(interrupted))
    assert main(["--out", str(tmp_path)]) == 130
    printed, errors = capsys.readouterr()
    assert printed == ""
    assert errors == "\ntinymtl: stopped, nothing was written\n"
    assert not list(tmp_path.iterdir())


def without_training(function, jobs):
    """Results are made up, and pictures are drawn in this process."""
    if function is not experiment.run_seed:
        return starmap(function, jobs)
    made = results(0.2, seeds=len(jobs))
    (by_seed,) = made.runs.values()
    return iter(by_seed.values())


def test_ctrl_c_while_files_are_written_says_that_they_may_not_be_complete(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(experiment, "processes", working_as(without_training))
    monkeypatch.setattr(report, "write", interrupted)
    assert main(["--quick", "--out", str(tmp_path)]) == 130
    assert f"stopped, the files in {tmp_path} may not be complete" in capsys.readouterr().err


def test_what_cannot_be_written_is_printed_all_the_same(tmp_path, capsys, monkeypatch):
    def fails(results, folder, comment, in_order):
        raise OSError(28, "No space left on device", str(folder / "gains-10.png"))

    monkeypatch.setattr(experiment, "processes", working_as(without_training))
    monkeypatch.setattr(report, "write", fails)
    assert main(["--fraction", "0.1", "--out", str(tmp_path)]) == 2
    printed, errors = capsys.readouterr()
    assert printed.startswith("In short (5 seeds")
    assert errors == (
        f"tinymtl: {tmp_path / 'gains-10.png'} cannot be written: No space left on device\n"
    )


# The console


def a_short_run(folder, trains=False):
    """The command line without pictures, which take longest. Unless it trains, runs are made up."""
    parts = [WITHOUT_PICTURES, BEGIN] if trains else [WITHOUT_PICTURES, WITHOUT_TRAINING, BEGIN]
    return [sys.executable, "-c", "".join(parts), *SHORT, "--out", str(folder)]


WITHOUT_PICTURES = """
import sys
from pathlib import Path
from tinymtl import __main__ as command

def pictures(results):
    Path(sys.argv[-1], "network.png").touch()
    return {}

command.report.pictures = pictures
"""
WITHOUT_TRAINING = f"""
sys.path.insert(0, {str(Path(__file__).parent)!r})
from contextlib import nullcontext
from made_up_results import results

def made_up(function, jobs):
    (by_seed,) = results(0.2, seeds=1).runs.values()
    return iter(by_seed.values())

command.experiment.processes = lambda n: nullcontext(made_up)
"""
BEGIN = "if __name__ == '__main__':\n    sys.exit(command.main())"
SHORT = "--seeds 1 --steps 1 --fraction 0.1".split()
FILES = {"results.csv", "report.txt", "network.png"}
POSIX = pytest.mark.skipif(os.name != "posix", reason="needs a shell")


def written(folder):
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("encoding, r_squared", [("cp1252", "R²"), ("ascii", "R2")])
def test_a_console_that_cannot_show_a_sign_loses_nothing(tmp_path, encoding, r_squared):
    run = subprocess.run(
        a_short_run(tmp_path),
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"},
    )
    printed = run.stdout.decode(encoding)
    assert run.stderr == b""
    assert f"\nlog price, {r_squared} " in printed
    assert "report.txt: the text above" in printed
    assert "?" not in printed
    assert "log price, R²" in (tmp_path / "report.txt").read_text(encoding="utf-8")
    assert FILES <= written(tmp_path)


def test_a_reader_that_goes_away_is_no_error(tmp_path):
    command = a_short_run(tmp_path, trains=True)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdout.close()  # as `head` does, long before anything is printed
    errors = process.stderr.read()
    process.stderr.close()
    assert process.wait() == 0
    assert errors == ""
    assert FILES <= written(tmp_path)


@POSIX
def test_closed_streams_are_no_error(tmp_path):
    command = ["sh", "-c", '"$0" "$@" <&- >&- 2>&-', *a_short_run(tmp_path)]
    subprocess.run(command, check=True)
    assert FILES <= written(tmp_path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_said_in_one_line(tmp_path):
    with open("/dev/full", "w") as full:
        run = subprocess.run(a_short_run(tmp_path), stdout=full, stderr=subprocess.PIPE, text=True)
    assert run.returncode == 2
    assert run.stderr == "tinymtl: standard output cannot be written: No space left on device\n"
    assert FILES <= written(tmp_path)


# Help


OPTIONS = [
    "--seeds",
    "--first-seed",
    "--fraction",
    "--trunk",
    "--weights",
    "--rules",
    "--steps",
    "--quick",
    "--full",
    "--out",
    "--quiet",
    "--version",
    "ask",
]


def test_help_explains_every_option_in_plain_ascii_and_lines_that_fit():
    command = [sys.executable, "-m", "tinymtl", "--help"]
    env = {**os.environ, "COLUMNS": "80"}
    text = subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout
    for option in OPTIONS:
        assert option in text
    assert text.isascii()
    assert "%%" not in text
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize("command", [[], ["ask"]])
def test_version_is_that_of_the_package(command, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([*command, "--version"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out == f"tinymtl {tinymtl.__version__}\n"


# The conversation


def test_ask_answers_lines_from_a_pipe(tmp_path):
    run = subprocess.run(
        [sys.executable, "-m", "tinymtl", "ask"],
        input="how much is catsup\nbye\n",
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "XDG_CACHE_HOME": str(tmp_path)},
    )
    assert "dollars" in run.stdout
    assert "goodbye" in run.stdout
    assert run.stderr == ""
