"""The conversation in a terminal, or through a pipe."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from contextlib import suppress
from pathlib import Path

from . import streams
from .agent import Agent
from .saved import cache_file
from .wording import FIXED


def main(options: argparse.Namespace) -> int:
    """Reply to the lines of standard input until they end, or until a goodbye.

    Returns 0; 1 if the process that trains died; 2 if a file cannot be used; 130 after Ctrl-C.
    """
    streams.prepare()
    is_dialogue = sys.stdin.isatty() and sys.stdout.isatty()
    try:
        agent = make_agent(options)
        if is_dialogue:
            edit_lines()
            streams.write(FIXED["hello"])
        converse(agent, is_dialogue)
    except KeyboardInterrupt:
        leave_prompt(is_dialogue)
        return 130
    except BrokenPipeError:
        return 0  # whoever read the answers has gone
    except ChildProcessError as error:
        return stopped_by(error, 1)
    except (OSError, ValueError) as error:
        return stopped_by(error, 2)
    return 0


def make_agent(options: argparse.Namespace) -> Agent:
    """The agent with the guide of a file, or of the user's cache folder, or trained now."""
    path: Path | None = options.guide
    uses_cache = path is None
    if uses_cache:
        path = cache_file(options.seed)
    if options.fresh and path is not None:
        path.unlink(missing_ok=True)
    is_trained = path is not None and os.path.exists(path)
    if not is_trained and sys.stderr.isatty() and not options.quiet:
        print("learning the shop, some seconds ...", file=sys.stderr)
    agent = Agent(options.seed, path, options.explain, options.truth, apart=True, renews=uses_cache)
    if options.household is not None:
        agent.begin(options.household)
    return agent


def edit_lines():
    """Let lines be edited and called back, where the standard library can do that."""
    with suppress(ImportError):
        importlib.import_module("readline")  # `input` uses it once it is there


def stopped_by(error: Exception, status: int) -> int:
    """Say in words what went wrong, and return the exit status."""
    said = str(error)
    if isinstance(error, OSError):
        said = streams.reason(error)
        if error.filename:
            said = f"{error.filename}: {said}"
    print(f"tinymtl: {said}", file=sys.stderr)
    return status


def converse(agent: Agent, is_dialogue: bool):
    """Read a line and reply, again and again."""
    while not agent.ended:
        try:
            line = input("> ") if is_dialogue else input()
        except EOFError:
            leave_prompt(is_dialogue)
            return
        streams.write(agent.reply(line))


def leave_prompt(is_dialogue: bool):
    """Say goodbye on a line of its own, if somebody sits there."""
    if is_dialogue:
        print("\ngoodbye", file=sys.stderr)
