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

from . import __version__, weighting
from .shop import experiment, report, streams, terminal
from .shop.guide import TRUNKS
from .shop.purchases import HOUSEHOLDS
from .shop.results import Results
from .shop.split import Condition

CLEAR_LINE = "\r\x1b[K"


def main(arguments: list[str] | None = None) -> int:
    """Run a command line.

    Returns 0; 1 if a process of the experiment died; 2 if a file cannot be written; 130 after
    Ctrl-C.
    """
    if arguments is None:
        arguments = sys.argv[1:]
    if arguments[:1] == ["ask"]:
        return terminal.main(_parse_ask(arguments[1:]))
    streams.prepare()
    try:
        options = _parse(arguments)
    except SystemExit:
        _flush_help()
        raise
    return run_experiment(options, arguments)


def _flush_help():
    """Print what argparse left in the buffer; whoever reads it may have gone."""
    try:
        sys.stdout.flush()
    except OSError:
        streams.drop_output()


# The experiment


def run_experiment(options: argparse.Namespace, arguments: list[str]) -> int:
    """Train, write files, and then print. Nothing that was trained is lost by printing it."""
    try:
        _check_folder(options.out)
    except OSError as error:
        return _cannot_write(f"--out {options.out}", error)
    what_is_left = "nothing was written"
    try:
        started = time.perf_counter()
        jobs = _jobs(options)
        n = experiment.processes_for(jobs)
        with experiment.processes(n) as in_order:
            results = _train(jobs, in_order, show=not options.quiet and sys.stderr.isatty())
            seconds = time.perf_counter() - started

            what_is_left = f"the files in {options.out} may not be complete"
            command = _command(arguments, options.out)
            where = "one process" if n == 1 else f"{n} processes"
            comment = f"{command}: {seconds:.0f} seconds in {where}"
            written, problem = _write(results, options.out, comment, in_order)
        lines = [report.text(results)]
        if written:
            lines.append(f"\n{report.count(round(seconds), 'second')}. Wrote")
        lines += [f"  {path}: {seen}" for path, seen in written.items()]
        return _print("\n".join(lines)) or problem
    except KeyboardInterrupt:
        print(f"\ntinymtl: stopped, {what_is_left}", file=sys.stderr)
        return 130
    except ChildProcessError as error:
        print(f"\ntinymtl: {error}; {what_is_left}", file=sys.stderr)
        return 1


def _check_folder(folder):
    """Raise OSError if nothing can be written there, before anything is trained."""
    folder.mkdir(parents=True, exist_ok=True)
    tempfile.TemporaryFile(dir=folder).close()


def _write(results, folder, comment, in_order):
    """The files that were written, and 0; or {} and 2 where one could not be written."""
    try:
        return report.write(results, folder, comment, in_order), 0
    except OSError as error:
        return {}, _cannot_write(error.filename or folder, error)


def _print(text):
    """0, also if whoever read standard output has gone; 2 if it cannot be written."""
    try:
        streams.write(text)
    except BrokenPipeError:
        return 0
    except OSError as error:
        print(f"tinymtl: {error}", file=sys.stderr)
        return 2
    return 0


def _cannot_write(what, error):
    print(f"tinymtl: {what} cannot be written: {streams.reason(error)}", file=sys.stderr)
    return 2


def _command(arguments, folder):
    """The command that gives these numbers, wherever they are written."""
    return " ".join(["python -m tinymtl", *arguments]).replace(f" --out {folder}", "")


def _jobs(options):
    """Every seed under every condition, and whether it is looked at: only the very first is."""
    jobs = []
    for condition in _conditions(options):
        for seed in range(options.first_seed, options.first_seed + options.seeds):
            is_first = not jobs
            jobs.append((seed, condition, is_first))
    return jobs


def _train(jobs, in_order, show) -> Results:
    """The results of all jobs. show: whether a line says how many are done."""
    results = Results()
    found = zip(jobs, in_order(experiment.run_seed, jobs))
    for done, ((seed, condition, _), measured) in enumerate(found, start=1):
        results.add(seed, condition, measured)
        if show:
            arms = " / ".join(condition.arms)
            _show_progress(f"trained {done} of {len(jobs)} guides, {arms}")
    if show:
        _show_progress("")
    return results


def _conditions(options):
    """The one with most answers known first: it is looked at most closely."""
    if options.full:
        everything = experiment.everything()
        return sorted(everything, key=lambda condition: condition != Condition())
    arms = tuple(experiment.ARMS)
    if options.rules:
        arms += tuple(experiment.RULES)
    one = Condition(
        trunk=options.trunk, steps=options.steps, weights=options.weights or "", arms=arms
    )
    fractions = sorted(set(options.fraction), reverse=True)
    return [replace(one, fraction=fraction) for fraction in fractions]


def _show_progress(text):
    print(f"{CLEAR_LINE}{text}", end="", file=sys.stderr, flush=True)


# Options of the experiment

DESCRIPTION = """\
Train a shopping guide on real purchases: three tasks, learned by networks of their own (alone),
by networks whose trunks are pulled together (soft), and by networks with one trunk (hard).
Print what sharing changed, on products and households that were not trained on.
"""
EXAMPLES = """\
examples:
  python -m tinymtl              5 seeds, 10 % and all of the answers known:
                                 about a minute on two idle cores
  python -m tinymtl --quick      a look in seconds; too little to conclude anything
  python -m tinymtl --rules --seeds 3
                                 also with rules that choose the weights of the tasks
  python -m tinymtl ask          a conversation with the trained guide (ask --help tells more)

Files are written before anything is printed: results.csv (every number), report.txt (what is
printed) and pictures. Ctrl-C stops at once. The exit status is 0; 1 if a process died; 2 for
options or files that cannot be used; 130 after Ctrl-C.
"""


def _parse(arguments):
    parser = argparse.ArgumentParser(
        prog="python -m tinymtl",
        usage="%(prog)s [options]\n       %(prog)s ask [options]",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        add_help=False,
    )
    _add_options_of_size(parser.add_argument_group("how much is run"))
    _add_options_of_training(parser.add_argument_group("what is trained"))
    _add_options_of_output(parser.add_argument_group("what is shown"))
    options = parser.parse_args(arguments)
    if options.full and _sets_what_full_sets(options):
        parser.error(
            "argument --full: goes with --seeds, --first-seed, --out and --quiet alone: "
            "it sets the others itself"
        )
    _fill_defaults(options)
    return options


def _add_options_of_size(group):
    group.add_argument(
        "--quick",
        action="store_true",
        help="2 seeds of 40 steps, 10 %% of the answers: a look in seconds",
    )
    group.add_argument(
        "--full",
        action="store_true",
        help="10 seeds of every fraction, control, pair of tasks, trunk and rule: "
        "some 15 minutes on two idle cores",
    )
    group.add_argument(
        "--seeds",
        type=whole_number,
        metavar="N",
        help="how many seeds; a seed draws what is known and where the parameters start, "
        "the same for all ways of sharing (default 5)",
    )
    group.add_argument(
        "--first-seed",
        type=seed_number,
        default=0,
        metavar="N",
        help="the first of the seeds (default 0)",
    )
    group.add_argument(
        "--steps", type=whole_number, metavar="N", help="training steps (default 300)"
    )


def _add_options_of_training(group):
    group.add_argument(
        "--fraction",
        type=fraction,
        nargs="+",
        metavar="F",
        help="of how many of the 700 products the answers and replies are known, "
        "from 0.02 to 1 (default 0.1 1; the larger is reported first)",
    )
    group.add_argument(
        "--trunk",
        choices=TRUNKS,
        default=TRUNKS[0],
        help="what reads the words of a product: the mean of their vectors (dense, the default), "
        "a recurrent or a convolutional network",
    )
    group.add_argument(
        "--weights",
        choices=weighting.__all__,
        metavar="RULE",
        help="a rule that chooses the weights of the tasks, in place of fixed ones, for the arms "
        f"that can follow it: {', '.join(weighting.__all__)}",
    )
    group.add_argument(
        "--rules",
        action="store_true",
        help=f"also train hard sharing with each of {', '.join(experiment.RULES)}",
    )


def _add_options_of_output(group):
    group.add_argument(
        "--out",
        type=path,
        default=Path("tinymtl-results"),
        metavar="DIR",
        help="where the numbers, the report and the pictures go (default tinymtl-results)",
    )
    group.add_argument("--quiet", action="store_true", help="no progress line")
    _add_version(group)
    group.add_argument("-h", "--help", action="help", help="show this page")


def _add_version(group):
    group.add_argument(
        "--version",
        action="version",
        version=f"tinymtl {__version__}",
        help="show which version this is",
    )


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
    seeds = 5
    steps = 300
    fractions = [0.1, 1.0]
    if options.quick:
        seeds = 2
        steps = 40
        fractions = [0.1]
    elif options.full:
        seeds = 10
    options.seeds = options.seeds or seeds
    options.steps = options.steps or steps
    options.fraction = options.fraction or fractions


# Options of the conversation


def _parse_ask(arguments):
    parser = argparse.ArgumentParser(
        prog="python -m tinymtl ask",
        description=(
            "A conversation with the shopping guide: it asks what you need, recommends, answers, "
            "and says why. It answers lines, also from a pipe. The first time it trains for some "
            "seconds; then the trained guide is kept in the user's cache folder."
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
        "--household",
        type=household_number,
        metavar="N",
        help=f"for whom it recommends, 0 to {HOUSEHOLDS - 1}",
    )
    parser.add_argument(
        "--guide",
        type=path,
        metavar="FILE",
        help="load the trained guide from here, not from the cache folder; if there is none yet, "
        "save it here",
    )
    parser.add_argument("--fresh", action="store_true", help="train anew, and save that")
    parser.add_argument(
        "--explain",
        action="store_true",
        help="show the shop's own labels, which task and which shared rows an answer came from, "
        "and the numbers behind a reason",
    )
    parser.add_argument(
        "--truth", action="store_true", help="show what is on record of what was estimated"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress line")
    _add_version(parser)
    return parser.parse_args(arguments)


def seed_number(text):
    return _number(text, int, lambda n: n >= 0, "a whole number of at least 0")


def household_number(text):
    expected = f"a household from 0 to {HOUSEHOLDS - 1}"
    return _number(text, int, lambda n: 0 <= n < HOUSEHOLDS, expected)


def whole_number(text):
    return _number(text, int, lambda n: n >= 1, "a whole number of at least 1")


def fraction(text):
    return _number(text, float, lambda part: 0.02 <= part <= 1, "a number from 0.02 to 1")


def _number(text, kind, is_fine, expected):
    """The number in a text, or an error that says what was expected in place of it."""
    try:
        number = kind(text)
    except ValueError:
        number = None
    if number is None or not is_fine(number):
        raise argparse.ArgumentTypeError(f"expected {expected}, got {text}")
    return number


def path(text):
    if not text:
        raise argparse.ArgumentTypeError("expected a name, got nothing")
    return Path(text)


if __name__ == "__main__":
    sys.exit(main())
