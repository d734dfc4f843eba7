"""The command line: train the shopping guide alone, with soft and with hard sharing, and report what sharing changed; or ask the guide."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from . import weighting
from .shop import experiment, report, talk
from .shop.guide import TRUNKS


def main(arguments: list[str] | None = None) -> int:
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["ask"]:
        return talk.main(_parse_ask(arguments[1:]))
    options = _parse(arguments)
    folder, given = (
        options.out,
        " ".join(["python -m tinymtl", *arguments]).replace(f" --out {options.out}", ""),
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        print(
            f"tinymtl: --out {folder} cannot be written: {error.strerror or error}", file=sys.stderr
        )
        return 2
    seeds, conditions = (
        range(options.first_seed, options.first_seed + options.seeds),
        _conditions(options),
    )
    jobs = [
        (seed, condition, seed == seeds[0] and condition == conditions[0])
        for condition in conditions
        for seed in seeds
    ]
    results, started = report.Results(), time.perf_counter()
    show = not options.quiet and sys.stderr.isatty()
    try:
        for done, ((seed, condition, _), found) in enumerate(
            zip(jobs, experiment.run(jobs)), start=1
        ):
            results.add(seed, condition, found)
            if show:
                print(
                    f"\r\x1b[Ktrained {done} of {len(jobs)} guides, {' / '.join(condition.arms)}",
                    end="",
                    file=sys.stderr,
                    flush=True,
                )
    except KeyboardInterrupt:
        print("\ntinymtl: stopped, nothing was written", file=sys.stderr)
        return 130
    if show:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
    if options.weights:
        print(report.who_follows(options.weights) + "\n")
    print(
        "\n\n".join(
            [
                *(report.table(results, condition) for condition in conditions),
                report.findings(results),
            ]
        )
    )
    seconds = time.perf_counter() - started
    try:
        written = report.write(results, folder, f"{given}: {seconds:.0f} seconds on two cores")
    except OSError as error:
        print(
            f"tinymtl: {error.filename or folder} cannot be written: {error.strerror or error}",
            file=sys.stderr,
        )
        return 2
    print(
        f"\n{seconds:.0f} seconds. Wrote\n"
        + "\n".join(f"  {path}: {seen}" for path, seen in written.items())
    )
    return 0


def _conditions(options):
    """The one with most answers known first: it is looked at most closely."""
    if options.full:
        return sorted(experiment.everything(), key=lambda c: c != experiment.Condition())
    arms = (*experiment.ARMS, *(experiment.RULES if options.rules else ()))
    one = experiment.Condition(
        trunk=options.trunk, steps=options.steps, weights=options.weights or "", arms=arms
    )
    return [replace(one, fraction=f) for f in sorted(set(options.fraction), reverse=True)]


def _parse(arguments):
    parser = argparse.ArgumentParser(
        prog="tinymtl",
        description=__doc__,
        epilog="tinymtl ask: a conversation with the trained guide (tinymtl ask --help)",
    )
    parser.add_argument(
        "--seeds",
        type=whole_number,
        metavar="N",
        help="how many paired seeds (default 5; with --quick 2, with --full 10)",
    )
    parser.add_argument(
        "--first-seed",
        type=seed_number,
        default=0,
        metavar="N",
        help="the first of the seeds (default 0)",
    )
    parser.add_argument(
        "--fraction",
        type=fraction,
        nargs="+",
        metavar="F",
        help="fractions of the 700 products whose answers and replies are known (default 0.1 1)",
    )
    parser.add_argument(
        "--trunk",
        choices=TRUNKS,
        default=TRUNKS[0],
        help="what reads the words of a product (default dense)",
    )
    parser.add_argument(
        "--weights",
        choices=weighting.__all__,
        metavar="RULE",
        help="a rule for the task weights, for the arms that can follow it: "
        + ", ".join(weighting.__all__),
    )
    parser.add_argument(
        "--rules",
        action="store_true",
        help=f"also train hard sharing with {', '.join(experiment.RULES)}",
    )
    parser.add_argument(
        "--steps",
        type=whole_number,
        metavar="N",
        help="training steps (default 300; with --quick 100)",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="a look in seconds: too few seeds and steps to conclude anything",
    )
    parser.add_argument(
        "--full",
        action="store_true",
        help="everything the README reports, controls included: some 16 minutes on two cores",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("tinymtl-results"),
        metavar="DIR",
        help="where pictures and numbers go (default tinymtl-results)",
    )
    parser.add_argument("--quiet", action="store_true", help="no progress line")
    options = parser.parse_args(arguments)
    if options.full and (
        options.fraction
        or options.weights
        or options.rules
        or options.steps
        or options.trunk != TRUNKS[0]
        or options.quick
    ):
        parser.error(
            "argument --full: goes with --seeds, --first-seed, --out and --quiet alone: it sets the others itself"
        )
    options.seeds = options.seeds or (2 if options.quick else 10 if options.full else 5)
    options.steps = options.steps or (100 if options.quick else 300)
    options.fraction = options.fraction or ([0.1] if options.quick else [0.1, 1.0])
    return options


def _parse_ask(arguments):
    parser = argparse.ArgumentParser(
        prog="tinymtl ask",
        description="A conversation with the shopping guide, trained in seconds. It answers lines, also from a pipe.",
    )
    parser.add_argument(
        "--seed",
        type=seed_number,
        default=0,
        metavar="N",
        help="which products and households it knows, and where it starts (default 0)",
    )
    parser.add_argument(
        "--guide",
        type=Path,
        metavar="FILE",
        help="load the trained guide from here; if there is none yet, save it here",
    )
    parser.add_argument(
        "--explain",
        action="store_true",
        help="say which task and which shared rows an answer came from, and the probabilities",
    )
    parser.add_argument(
        "--truth", action="store_true", help="the recorded answer beside the guide's"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress line")
    return parser.parse_args(arguments)


def seed_number(text):
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"expected at least 0, got {text}")
    return value


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
