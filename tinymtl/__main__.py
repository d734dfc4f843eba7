"""The command line: train the shopping guide alone, with soft and with hard sharing, and report
what sharing changed; or ask the guide.
"""

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

CLEAR_LINE = "\r\x1b[K"


def main(arguments: list[str] | None = None) -> int:
    """Run a command line: 0; 2 if a file cannot be written; 130 after Ctrl-C."""
    if arguments is None:
        arguments = sys.argv[1:]
    if arguments[:1] == ["ask"]:
        return talk.main(_parse_ask(arguments[1:]))
    options = _parse(arguments)
    try:
        _check_folder(options.out)
    except OSError as error:
        return _cannot_write(f"--out {options.out}", error)
    conditions = _conditions(options)
    started = time.perf_counter()
    try:
        results = _train(options, conditions)
    except KeyboardInterrupt:
        print("\ntinymtl: stopped, nothing was written", file=sys.stderr)
        return 130
    _print_findings(options, conditions, results)
    seconds = time.perf_counter() - started
    comment = f"{_command(arguments, options.out)}: {seconds:.0f} seconds on two cores"
    try:
        written = report.write(results, options.out, comment)
    except OSError as error:
        return _cannot_write(error.filename or options.out, error)
    print(f"\n{seconds:.0f} seconds. Wrote")
    for path, seen in written.items():
        print(f"  {path}: {seen}")
    return 0


def _check_folder(folder):
    """Raise OSError if nothing can be written there, before anything is trained."""
    folder.mkdir(parents=True, exist_ok=True)
    tempfile.TemporaryFile(dir=folder).close()


def _cannot_write(what, error):
    reason = error.strerror or error
    print(f"tinymtl: {what} cannot be written: {reason}", file=sys.stderr)
    return 2


def _command(arguments, folder):
    """The command that gives these numbers, wherever they are written."""
    return " ".join(["python -m tinymtl", *arguments]).replace(f" --out {folder}", "")


def _conditions(options):
    """The one with most answers known first: it is looked at most closely."""
    if options.full:
        everything = experiment.everything()
        return sorted(everything, key=lambda condition: condition != experiment.Condition())
    arms = tuple(experiment.ARMS)
    if options.rules:
        arms += tuple(experiment.RULES)
    one = experiment.Condition(
        trunk=options.trunk, steps=options.steps, weights=options.weights or "", arms=arms
    )
    fractions = sorted(set(options.fraction), reverse=True)
    return [replace(one, fraction=fraction) for fraction in fractions]


def _train(options, conditions):
    """The results of all seeds under all conditions. Only the very first run is looked at."""
    jobs = []
    for condition in conditions:
        for seed in range(options.first_seed, options.first_seed + options.seeds):
            is_first = not jobs
            jobs.append((seed, condition, is_first))
    results = report.Results()
    show = not options.quiet and sys.stderr.isatty()
    found = zip(jobs, experiment.run(jobs))
    for done, ((seed, condition, _), measured) in enumerate(found, start=1):
        results.add(seed, condition, measured)
        if show:
            arms = " / ".join(condition.arms)
            _show_progress(f"trained {done} of {len(jobs)} guides, {arms}")
    if show:
        _show_progress("")
    return results


def _show_progress(text):
    print(f"{CLEAR_LINE}{text}", end="", file=sys.stderr, flush=True)


def _print_findings(options, conditions, results):
    if options.weights:
        print(report.who_follows(options.weights) + "\n")
    texts = [report.table(results, condition) for condition in conditions]
    texts.append(report.findings(results))
    print("\n\n".join(texts))


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
    if options.full and _sets_what_full_sets(options):
        parser.error(
            "argument --full: goes with --seeds, --first-seed, --out and --quiet alone: "
            "it sets the others itself"
        )
    _fill_defaults(options)
    return options


def _sets_what_full_sets(options):
    return (
        options.fraction
        or options.weights
        or options.rules
        or options.steps
        or options.trunk != TRUNKS[0]
        or options.quick
    )


def _fill_defaults(options):
    """The seeds, steps and fractions that depend on --quick and --full."""
    if options.quick:
        seeds, steps, fractions = 2, 100, [0.1]
    elif options.full:
        seeds, steps, fractions = 10, 300, [0.1, 1.0]
    else:
        seeds, steps, fractions = 5, 300, [0.1, 1.0]
    options.seeds = options.seeds or seeds
    options.steps = options.steps or steps
    options.fraction = options.fraction or fractions


def _parse_ask(arguments):
    parser = argparse.ArgumentParser(
        prog="tinymtl ask",
        description=(
            "A conversation with the shopping guide, trained in seconds. "
            "It answers lines, also from a pipe."
        ),
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
