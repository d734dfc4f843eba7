"""How a chapter shows a picture, and how it summarises results over seeds."""

import os
import sys
from contextlib import contextmanager
from pathlib import Path

try:
    import matplotlib
    import matplotlib.pyplot as plt
except ValueError:  # what matplotlib says of a variable that it cannot use
    toolkit = os.environ.get("MPLBACKEND")
    if not toolkit:
        raise
    sys.exit(f"matplotlib knows no MPLBACKEND={toolkit}: unset this variable")

from _plain import show_all_that_can_be_shown

show_all_that_can_be_shown()  # what a chapter prints, in every terminal
folder = Path("tinymtl-pictures")  # the renderer sets a folder of its own
shown = []  # (file name, finding) of every picture so far


@contextmanager
def writing(path):
    """Make the folder of a picture. Say in one sentence if this cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        sys.exit(f"{error.filename or path} cannot be written: {error.strerror}")


def show(figure, name, finding):
    """Write `figure` to the file `name` (.svg or .png) and say where on standard error.

    A window opens as well where there is a display.
    `finding` says in one or two sentences what one sees, not what the axes are. The
    page prints it under the picture. It is also the alternative text, for readers who
    cannot see the picture. A script says it behind the name of the file.
    """
    metadata = {"Date": None} if name.endswith(".svg") else None
    # The salt makes the same picture the same file, to the byte.
    with writing(folder / name), matplotlib.rc_context({"svg.hashsalt": name}):
        figure.savefig(folder / name, dpi=120, metadata=metadata)
    shown.append((name, finding))
    print(f"{folder / name}: {finding}", file=sys.stderr)
    if matplotlib.get_backend().lower() != "agg":
        plt.show()
    plt.close(figure)
