"""How a chapter shows a picture, in a window where there is a display and as a file in any case; and how it sums up seeds."""

import sys
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np

folder = Path("tinymtl-pictures")  # the renderer puts its own in place
shown = []  # (file, finding) of every picture so far


def show(figure, name, finding):
    """Write `figure` to the file `name` (.svg or .png), say where on standard error, and open it where there is a display.

    `finding` says in one sentence what is to be seen: for those who cannot see it, it stands in the picture's place.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context(
        {"svg.hashsalt": name}
    ):  # the same picture is the same file, to the byte
        figure.savefig(
            folder / name,
            dpi=120,
            metadata={"Date": None} if name.endswith(".svg") else None,
        )
    shown.append((name, finding))
    print(folder / name, file=sys.stderr)
    if matplotlib.get_backend().lower() != "agg":
        plt.show()
    plt.close(figure)


def mean_and_error(results):
    """(n, ...) of n seeds -> their mean (...) and its standard error (...): the standard deviation over seeds / √n."""
    results = np.asarray(results, float)
    return results.mean(0), results.std(0, ddof=1) / np.sqrt(len(results))
