"""The command line: train the shopping guide alone, with soft and with hard sharing, and report what sharing changed."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from . import weighting
from .shop import experiment, report


def main(arguments: list[str] | None = None) -> int:
    options = _parse(arguments)
    folder = options.out
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        print(f"tinymtl: --out {folder} cannot be written: {error.strerror or error}", file=sys.stderr)
        return 2
    seeds, fractions = range(options.first_seed, options.first_seed + options.seeds), sorted(set(options.fraction))
    results, started, total = report.Results(), time.perf_counter(), len(seeds) * len(fractions)
    show = not options.quiet and sys.stderr.isatty()
    try:
        for done, (seed, fraction, run) in enumerate(experiment.run(seeds, fractions, options.steps, options.weights, options.rules), start=1):
            results.add(seed, fraction, run)
            if show:
                print(f"\r\x1b[Ktrained {done} of {total} seeds", end="", file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        print("\ntinymtl: stopped, nothing was written", file=sys.stderr)
        return 130
    if show:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
    if options.weights:
        print(report.who_follows(options.weights) + "\n")
    print("\n\n".join([*(report.table(results, fraction) for fraction in fractions), report.findings(results)]))
    try:
        written = report.write(results, folder)
    except OSError as error:
        print(f"tinymtl: {error.filename or folder} cannot be written: {error.strerror or error}", file=sys.stderr)
        return 2
    print(f"\n{time.perf_counter() - started:.0f} seconds. Wrote\n" + "\n".join(f"  {path}: {seen}" for path, seen in written.items()))
    return 0


def _parse(arguments):
    parser = argparse.ArgumentParser(prog="tinymtl", description=__doc__)
    parser.add_argument("--seeds", type=whole_number, metavar="N", help="how many paired seeds (default 7; with --quick 2)")
    parser.add_argument("--first-seed", type=int, default=0, metavar="N", help="the first of the seeds (default 0)")
    parser.add_argument("--fraction", type=fraction, nargs="+", metavar="F", help="fractions of the 700 products whose answers are known (default 0.1 1)")
    parser.add_argument("--weights", choices=weighting.__all__, metavar="RULE", help="a rule for the task weights, for the arms that can follow it: " + ", ".join(weighting.__all__))
    parser.add_argument("--rules", action="store_true", help=f"also train hard sharing with {', '.join(experiment.RULES)}")
    parser.add_argument("--steps", type=whole_number, metavar="N", help="training steps (default 300; with --quick 100)")
    parser.add_argument("--quick", action="store_true", help="a look in seconds: too few seeds and steps to conclude anything")
    parser.add_argument("--out", type=Path, default=Path("tinymtl-results"), metavar="DIR", help="where pictures and numbers go (default tinymtl-results)")
    parser.add_argument("--quiet", action="store_true", help="no progress line")
    options = parser.parse_args(arguments)
    if options.first_seed < 0:
        parser.error(f"argument --first-seed: expected at least 0, got {options.first_seed}")
    options.seeds = options.seeds or (2 if options.quick else 7)
    options.steps = options.steps or (100 if options.quick else 300)
    options.fraction = options.fraction or ([0.1] if options.quick else [0.1, 1.0])
    return options


def whole_number(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, got {text}")
    return value


def fraction(text):
    value = float(text)
    if not 0.02 <= value <= 1:
        raise argparse.ArgumentTypeError(f"expected a number from 0.02 to 1, got {text}")
    return value


if __name__ == "__main__":
    sys.exit(main())
