"""The streams of a command: what to do if one is closed, cannot show a sign, or is read no more."""

from __future__ import annotations

import codecs
import os
import sys

PLAIN = {"±": "+-", "²": "2", "−": "-", "×": "x"}


def prepare():
    """From now on a closed stream leads nowhere, and no sign is a reason to stop.

    A sign that the console cannot show becomes the plain one that is like it, or else a question
    mark. A byte that is no letter is read as a sign that stands for nothing.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))
    codecs.register_error("tinymtl.plain", _plain)
    if hasattr(sys.stdin, "reconfigure"):
        sys.stdin.reconfigure(errors="replace")
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="tinymtl.plain")


def _plain(error):
    """Handle an encoding error: what stands in place of the signs, and where to go on."""
    signs = error.object[error.start : error.end]
    return "".join(PLAIN.get(sign, "?") for sign in signs), error.end


def write(text: str):
    """Print a text at once. Raises OSError, which says what went wrong, if that cannot be done.

    Whoever read standard output may have gone, as `head` does: BrokenPipeError. After an error the
    rest of standard output leads nowhere, so that Python does not fail again when it ends.
    """
    try:
        print(text, flush=True)
    except BrokenPipeError:
        drop_output()
        raise
    except OSError as error:
        drop_output()
        raise OSError(f"standard output cannot be written: {reason(error)}") from error


def drop_output():
    """Let the rest of standard output lead nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())


def reason(error: OSError) -> str:
    """Why something could not be read or written, in words and without a number."""
    return error.strerror or str(error)
