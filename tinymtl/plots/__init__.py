"""The pictures: what was learned, where gradients conflict, what steps did, what sharing gained.

Read in this order: look, training, gradients, transfer, theory, networks, graphs.
Each file answers one question with its pictures, and imports only from files before it.

Each picture is a function that returns a matplotlib figure. `plt.show()` shows it, and `save`
writes and closes it. `figure.suptitle("...")` puts your finding in place of the title.
With `figure=` a picture is drawn into a Figure or SubFigure of yours, whose size stays as it is:

    left, right = plt.figure(figsize=(12.8, 4)).subfigures(1, 2)
    mtl.plots.losses(history, figure=left)
    mtl.plots.cosines(history, figure=right)

Pictures are made for a width of 6.4 inches; a narrower figure may be too small for their words.

Names may be anything that `str` can write. Long ones lose their middle. A letter that no font
has is written by its number, such as U+4EF7; `plt.rcParams["font.family"] = [...]` names fonts. All
other settings of a style are without effect: pictures are black on white. In a notebook a picture
is shown once, also as the value of a cell.

A task has the same colour and marker in every picture, by its place among the tasks. A gain
within `SURE` = 3 standard errors of 0 is hollow or grey: it is not a finding. matplotlib is loaded
with the first picture, not before.
"""

from .gradients import cosines, direction_and_length, harm, layers, step
from .graphs import graph
from .look import ARM_COLOURS, TASK_COLOURS, save
from .networks import embedding, network
from .theory import curves, pareto, strength_curve, trajectories
from .training import losses, weights
from .transfer import SURE, gain_by_fraction, gains, transfer_matrix

__all__ = [
    "ARM_COLOURS",
    "SURE",
    "TASK_COLOURS",
    "cosines",
    "curves",
    "direction_and_length",
    "embedding",
    "gain_by_fraction",
    "gains",
    "graph",
    "harm",
    "layers",
    "losses",
    "network",
    "pareto",
    "save",
    "step",
    "strength_curve",
    "trajectories",
    "transfer_matrix",
    "weights",
]
