"""How a chapter shows a picture, and how it summarises results over seeds."""

import sys
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt

folder = Path("tinymtl-pictures")  # the renderer sets a folder of its own
shown = []  # (file name, finding) of every picture so far


def show(figure, name, finding):
    """Write `figure` to the file `name` (.svg or .png) and say where on standard error.

    A window opens as well where there is a display.
    `finding` says in one or two sentences what one sees, not what the axes are. The
    page prints it under the picture. It is also the alternative text, for readers who
    cannot see the picture. A script says it behind the name of the file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    metadata = {"Date": None} if name.endswith(".svg") else None
    # The salt makes the same picture the same file, to the byte.
    with matplotlib.rc_context({"svg.hashsalt": name}):
        figure.savefig(folder / name, dpi=120, metadata=metadata)
    shown.append((name, finding))
    print(f"{folder / name}: {finding}", file=sys.stderr)
    if matplotlib.get_backend().lower() != "agg":
        plt.show()
    plt.close(figure)
