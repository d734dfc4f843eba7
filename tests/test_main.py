"""The command line: what it prints and writes, and how it refuses."""

import csv
import subprocess
import sys

import pytest

from tinymtl.__main__ import main
from tinymtl.shop import experiment


def test_a_short_run_prints_a_table_and_names_every_file_it_wrote(tmp_path, capsys):
    out = tmp_path / "new" / "folder"
    assert main(["--seeds", "5", "--steps", "2", "--fraction", "0.1", "0.3", "--out", str(out), "--quiet"]) == 0
    printed, errors = capsys.readouterr()
    assert errors == ""
    assert "Answers known for 10 % of 700 products, 5 paired seeds" in printed and "Answers known for 30 %" in printed
    written = {path.name for path in out.iterdir()}
    pictures = {"losses.png", "cosines.png", "harm.png", "step.png", "layers.png", "weights.png"}
    assert written == {"gains-10.png", "gains-30.png", "gain-by-fraction.png", *pictures, "results.csv"}
    assert all(f"  {out / name}: " in printed for name in written)
    assert all(f"\n{finding} in hard sharing" in printed for finding in ("Conflict", "Harm")) and "\nTransfer: " in printed
    rows = list(csv.DictReader((out / "results.csv").read_text(encoding="utf-8").splitlines()))
    assert len(rows) == 5 * 2 * 5 and {row["arm"] for row in rows} == {"most common", "nearest words", "alone", "soft", "hard"}


def test_a_chosen_rule_is_named_with_the_arms_that_follow_it_and_rules_have_rows_of_their_own(tmp_path, capsys):
    assert main(["--seeds", "1", "--steps", "2", "--fraction", "0.1", "--weights", "mgda", "--rules", "--out", str(tmp_path), "--quiet"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("Weights: mgda for hard sharing.") and "upgrad − hard" in printed
    rows = list(csv.DictReader((tmp_path / "results.csv").read_text(encoding="utf-8").splitlines()))
    assert {"Uncertainty", "nash_mtl", "upgrad"} < {row["arm"] for row in rows}


def test_a_place_that_cannot_be_written_is_said_before_anything_is_trained(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(experiment, "run", lambda *_: pytest.fail("trained"))
    file = tmp_path / "file"
    file.write_text("kept")
    assert main(["--out", str(file)]) == 2
    assert f"--out {file} cannot be written" in capsys.readouterr().err and file.read_text() == "kept"


@pytest.mark.parametrize("arguments, words", [
    (["--seeds", "0"], "--seeds: expected a whole number of at least 1, got 0"),
    (["--seeds", "many"], "--seeds: invalid"),
    (["--first-seed", "-1"], "--first-seed: expected at least 0, got -1"),
    (["--fraction", "0"], "--fraction: expected a number from 0.02 to 1, got 0"),
    (["--fraction", "nan"], "--fraction: expected a number from 0.02 to 1, got nan"),
    (["--weights", "best"], "--weights: invalid choice: 'best'"),
    (["--what"], "unrecognized arguments: --what"),
])  # fmt: skip
def test_bad_arguments_are_named(arguments, words, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2 and words in capsys.readouterr().err


def test_ctrl_c_stops_without_a_traceback(tmp_path, capsys, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(experiment, "run", interrupted)
    assert main(["--out", str(tmp_path)]) == 130
    assert "stopped" in capsys.readouterr().err and not list(tmp_path.iterdir())


def test_help_explains_every_option():
    text = subprocess.run([sys.executable, "-m", "tinymtl", "--help"], capture_output=True, text=True, check=True).stdout
    for option in ("--seeds", "--first-seed", "--fraction", "--weights", "--rules", "--steps", "--quick", "--out", "--quiet"):
        assert option in text
