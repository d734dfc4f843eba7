"""The line that shows how far long work is."""

from __future__ import annotations

import sys
import time


class Line:
    """One line on standard error, where that is a terminal or a notebook.

    Each text is written over the one before. Elsewhere, in a file of a log, nothing is shown.
    """

    def __init__(self, quiet: bool):
        self.is_terminal = sys.stderr is not None and sys.stderr.isatty()
        is_seen = self.is_terminal or (sys.stderr is not None and _is_notebook())
        self.is_on = is_seen and not quiet
        self.is_written = False
        self.width = 0  # letters of the text that is shown

    def write(self, text: str):
        """In place of the text before: back to its start, and wipe it."""
        if not self.is_on:
            return
        self.is_written = True
        if self.is_terminal:
            whole = f"\r\x1b[K{text}"
        else:  # a notebook knows no such code, so blanks cover what is longer
            whole = f"\r{text:<{self.width}}"
        self.width = len(text)
        print(whole, end="", file=sys.stderr, flush=True)

    def close(self):
        """A terminal's line is wiped; a notebook keeps the last one."""
        if not self.is_written:
            return
        if self.is_terminal:
            self.write("")
        else:
            print(file=sys.stderr, flush=True)
        self.is_written = False


class Progress:
    """The line of a training: the step, and the losses in it."""

    def __init__(self, steps: int, quiet: bool):
        self.steps = steps
        self.line = Line(quiet)
        self.shown_at = None  # seconds

    def show(self, recorder):
        """Five times a second at most; a notebook shows the last step in any case."""
        if not self.line.is_on:
            return
        now = time.perf_counter()
        must_show = recorder.steps_made == self.steps and not self.line.is_terminal
        if self.shown_at is not None and now - self.shown_at < 0.2 and not must_show:
            return
        self.shown_at = now
        losses = "  ".join(f"{t} {loss:.4g}" for t, loss in recorder.last_losses().items())
        self.line.write(f"step {recorder.steps_made}/{self.steps}  {losses}"[:150])

    def close(self):
        self.line.close()


def _is_notebook():
    """Whether IPython runs this, found out without loading it."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and ipython.get_ipython() is not None
