"""The line that shows how far training is."""

from __future__ import annotations

import sys
import time


class Progress:
    """One line on standard error, where that is a terminal or a notebook: the step and the losses.

    Each line is written over the one before. Elsewhere, in a file of a log, nothing is shown.
    """

    def __init__(self, steps, quiet):
        self.steps = steps
        self.is_terminal = sys.stderr is not None and sys.stderr.isatty()
        is_seen = self.is_terminal or (sys.stderr is not None and _is_notebook())
        self.is_on = is_seen and not quiet
        self.shown_at = None  # seconds
        self.width = 0  # letters of the line that is shown

    def show(self, recorder):
        if not self.is_on:
            return
        now = time.perf_counter()
        is_last = recorder.steps_made == self.steps and not self.is_terminal
        if self.shown_at is not None and now - self.shown_at < 0.2 and not is_last:
            return
        self.shown_at = now
        losses = "  ".join(f"{t} {loss:.4g}" for t, loss in recorder.last_losses().items())
        self.write(f"step {recorder.steps_made}/{self.steps}  {losses}"[:150])

    def close(self):
        """A terminal's line is wiped; a notebook keeps the last one."""
        if self.shown_at is None:
            return
        self.shown_at = None
        if self.is_terminal:
            self.write("")
        else:
            print(file=sys.stderr, flush=True)

    def write(self, line):
        """In place of the line before: back to its start, and wipe it."""
        if self.is_terminal:
            text = f"\r\x1b[K{line}"
        else:  # a notebook knows no such code, so blanks cover what is longer
            text = f"\r{line:<{self.width}}"
        self.width = len(line)
        print(text, end="", file=sys.stderr, flush=True)


def _is_notebook():
    """Whether IPython runs this, found out without loading it."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and ipython.get_ipython() is not None
