"""The command line: what it prints and writes, and how it refuses."""

import csv
import os
import subprocess
import sys

import pytest

from tinymtl.__main__ import main
from tinymtl.shop import experiment

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
    "harm.png",
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
    """Stands in place of `experiment.run`: somebody presses Ctrl-C at once."""
    raise KeyboardInterrupt
    yield


def test_a_short_run_prints_a_table_and_names_every_file_it_wrote(tmp_path, capsys):
    out = tmp_path / "new" / "folder"
    options = "--seeds 5 --steps 2 --fraction 0.1 0.3".split()
    assert main([*options, "--out", str(out), "--quiet"]) == 0
    printed, errors = capsys.readouterr()
    assert errors == ""
    assert "With 10 % of the answers, 2 steps, 5 paired seeds" in printed
    assert "With 30 % of the answers" in printed
    for claim in CLAIMS:
        assert f"\n{claim}" in printed
    written = {path.name for path in out.iterdir()}
    assert written == PICTURES | {"results.csv"}
    for name in written:
        assert f"  {out / name}: " in printed
    comment, rows = read_results(out)
    assert comment.startswith("# python -m tinymtl --seeds 5 --steps 2")
    assert comment.endswith("seconds on two cores")
    assert len(rows) == 5 * 2 * 6
    assert {row["arm"] for row in rows} == ARMS


def test_a_chosen_rule_is_named_and_rules_have_rows_of_their_own(tmp_path, capsys):
    options = "--seeds 1 --steps 2 --fraction 0.1 --weights mgda --rules".split()
    options += ["--trunk", "convolutional"]
    assert main([*options, "--out", str(tmp_path), "--quiet"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("Weights: mgda for hard sharing.")
    assert "upgrad − hard" in printed
    assert "convolutional trunk" in printed
    assert (tmp_path / "weights.png").exists()
    _, rows = read_results(tmp_path)
    assert {"Uncertainty", "nash_mtl", "upgrad"} < {row["arm"] for row in rows}


def test_full_runs_every_condition_with_ten_seeds_and_looks_closely_at_the_first_alone(
    tmp_path, monkeypatch, capsys
):
    asked = []

    def recorded(jobs):
        asked.extend(jobs)
        return interrupted()

    monkeypatch.setattr(experiment, "run", recorded)
    assert main(["--full", "--out", str(tmp_path)]) == 130
    everything = experiment.everything()
    assert {condition for _, condition, _ in asked} == set(everything)
    assert len(asked) == 10 * len(everything)
    looked_at = [(seed, condition) for seed, condition, look in asked if look]
    assert looked_at == [(0, experiment.Condition())]


def test_a_place_that_cannot_be_written_is_said_before_anything_is_trained(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(experiment, "run", lambda *_: pytest.fail("trained"))
    file = tmp_path / "file"
    file.write_text("kept")
    assert main(["--out", str(file)]) == 2
    assert f"--out {file} cannot be written" in capsys.readouterr().err
    assert file.read_text() == "kept"


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--seeds", "0"], "--seeds: expected a whole number of at least 1, got 0"),
        (["--seeds", "many"], "--seeds: invalid"),
        (["--first-seed", "-1"], "--first-seed: expected at least 0, got -1"),
        (["--fraction", "0"], "--fraction: expected a number from 0.02 to 1, got 0"),
        (["--fraction", "nan"], "--fraction: expected a number from 0.02 to 1, got nan"),
        (["--trunk", "elm"], "--trunk: invalid choice: 'elm'"),
        (["ask", "--seed", "one"], "--seed: invalid seed_number value: 'one'"),
        (["ask", "--seed", "-1"], "--seed: expected at least 0, got -1"),
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
    monkeypatch.setattr(experiment, "run", interrupted)
    assert main(["--out", str(tmp_path)]) == 130
    assert "stopped" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


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
    "ask",
]


def test_help_explains_every_option():
    command = [sys.executable, "-m", "tinymtl", "--help"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for option in OPTIONS:
        assert option in text


def test_ask_answers_lines_from_a_pipe():
    run = subprocess.run(
        [sys.executable, "-m", "tinymtl", "ask"],
        input="how much is catsup\nbye\n",
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )
    assert "dollars" in run.stdout
    assert "goodbye" in run.stdout
    assert run.stderr == ""
