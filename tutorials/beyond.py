# %% [markdown]
# # Going on
#
# You have finished the course, or a shorter way through it. From here: the same model
# in PyTorch, libraries that take over, what a shop with a billion customers needs, and
# how several machines train one model. Every figure is computed here, and all PyTorch
# and MPI that is shown is cut from scripts that run.
#
# ![](figures/beyond_memory.svg)
#
# **What you need**: [chapter 4](04_hard_sharing.md) (one trunk, and a head for each
# task).

# %%
from pathlib import Path

import numpy as np
import tinymtl as mtl

import _show


def on_the_page(script):
    """What stands in a script between its two marks."""
    text = (Path(_show.__file__).parent / script).read_text(encoding="utf-8")
    _, _, after = text.partition("# on the page {\n")
    between, _, _ = after.partition("# on the page }")
    return between.rstrip()


# %% [markdown]
# ## The same model in PyTorch
#
# | tinymtl | PyTorch | what differs |
# |---|---|---|
# | `mtl.Tensor`, `mtl.Parameter` | `torch.tensor`, `nn.Parameter` | Python's numbers and new layers become float32, here float64 |
# | `mtl.Dense` | `nn.Linear` | its weight is transposed, (out, in); weight *and* bias start uniform in $\pm 1/\sqrt{D}$, here Glorot's range and a bias of 0 |
# | `mtl.Embedding` | `nn.Embedding` | entries start with variance 1, here $1/E$; `sparse=True` needs an optimiser that can do it, such as `SparseAdam` |
# | `mtl.HardSharing` | a `Module` of your own | parts are used, here copied |
# | `mtl.mse` | `nn.MSELoss` | the same mean over all entries; but (N,) against (N, 1) becomes (N, N), with no more than a warning |
# | `mtl.cross_entropy` | `nn.CrossEntropyLoss` | the same: logits in, mean out; a missing label is `ignore_index`, here a mask |
# | `l2=λ` | `weight_decay=λ` | adds $\lambda\theta$ to the gradient of everything, here $2\lambda W$ to that of matrices, once for each task |
# | `mtl.Adam`, `mtl.SGD` | `optim.Adam`, `optim.SGD` | the same formula and the same $\epsilon$ |
# | `total.backward()` | `total.backward()` | both add to the gradients that are there: first `zero_grad` |
# | `mtl.jacobian` | `torch.autograd.grad` for each loss, or `torch.func.jacrev` | a tuple or dict with a part for each parameter, not one matrix |
# | `model.theta` | `nn.utils.parameters_to_vector` | a copy, here the memory itself |
# | `mtl.check_gradient` | `torch.autograd.gradcheck` | |
# | `mtl.fit` | a loop of your own | batches, checks and records are yours |
#
# [hard_sharing_in_pytorch.py](hard_sharing_in_pytorch.py) trains one model in both,
# from the same numbers, and asserts that the losses of 100 steps agree to $10^{-9}$.
# This is its training:

# %%
print(on_the_page("hard_sharing_in_pytorch.py"))

# %% [markdown]
# ## Where the libraries take over
#
# - [LibMTL](https://github.com/median-research-group/LibMTL) has architectures that
#   share in other ways than one trunk, well over a dozen methods of weighting, and
#   benchmark data with one evaluation for all: for who compares methods.
# - [TorchJD](https://pypi.org/project/torchjd) replaces `backward` by one that takes
#   several losses and aggregates their gradients; its
#   [autogram](https://github.com/simplexlab/torchjd/releases/tag/v0.8.0) computes a
#   Gramian without ever holding the whole Jacobian: for who wants the Gramian's rules
#   on a large network of their own.
# - [torch.func](https://docs.pytorch.org/docs/stable/func.whirlwind_tour.html) turns a
#   function into that of its gradients, also for each example of a batch at once: for
#   who wants Jacobians in PyTorch without a loop.
# - [DeepCTR](https://github.com/shenweichen/DeepCTR) (TensorFlow) has `SharedBottom`,
#   which is hard sharing, and the experts with gates MMoE and PLE ready to fit: for who
#   predicts clicks and purchases from a table of features.
# - [EasyRec](https://github.com/alibaba/EasyRec) (TensorFlow) and
#   [TorchEasyRec](https://github.com/alibaba/TorchEasyRec) (PyTorch) lead from a
#   configuration file to a trained recommender on many machines: for who runs a
#   service.
# - [TorchRec](https://pytorch.org/torchrec/concepts.html) splits embedding tables over
#   machines, by rows, columns or tables, and plans where each part lies: for who has
#   the next section's problem.
#
# ## What one machine cannot hold
#
# A shop has $V$ customers and $V/100$ products. Each has a row of $E = 64$ numbers;
# both rows of a pair pass dense layers of 1024, 512 and 256 units, and three heads say
# whether the customer will look at the product, buy it, and return it.


# %%
class Pairs(mtl.Module):
    """(customers (N,), products (N,)) -> (N, H).

    A row of each table, side by side, goes through dense layers with a ReLU.
    """

    def __init__(self, V, E, H, rng):
        float32 = np.float32
        self.customers = mtl.Embedding(V, E, rng, sparse=True, dtype=float32)
        self.products = mtl.Embedding(V // 100, E, rng, sparse=True, dtype=float32)
        sizes = [2 * E, *H]
        self.layers = [mtl.Dense(n, m, rng, float32) for n, m in zip(sizes, H)]

    def __call__(self, pair):
        customers, products = pair
        rows = [self.customers(customers), self.products(products)]
        x = mtl.ops.concatenate(rows, 1)
        for layer in self.layers:
            x = mtl.relu(layer(x))
        return x


# %% [markdown]
# Let $P$ be the parameters of the tables and the dense layers, $M$ the dense layers'
# weights without biases, and $H$ the width that the $T$ heads see. Training holds
# arrays as long as $\theta$: the weights, their gradient, and Adam's two moments. A
# rule that needs the Gramian adds the Jacobian, $T$ more. Soft sharing has $T$ copies
# of the trunk, *and of the tables*. One number takes 4 bytes:
#
# $$
# \text{hard: } 4 \cdot 4\,(P + T(H+1)),
# \qquad \text{with a Jacobian: } (4 + T) \cdot 4\,(P + T(H+1)),
# \qquad \text{soft: } 4 \cdot 4\,(T P + T(H+1))
# $$
#
# A product of $(N, n)$ and $(n, m)$ takes $N n m$ multiplications and as many
# additions. Forward there is one such product for each layer, backward two: one for the
# gradient of the weights and one for that of the inputs. So a step on $N$ pairs, all
# with labels for all tasks, takes
#
# $$
# \text{hard: } 6 N (M + T H),
# \qquad \text{with a Jacobian: } (2 + 4T) N M + 6 N T H + 2 T^2 P + 2 T (P + T(H+1)),
# \qquad \text{soft: } 6 N (T M + T H)
# $$
#
# operations: a Jacobian passes the trunk once forward and $T$ times backward, then come
# $G = J J^\top$ and $J^\top w$. Not counted is what is done entry by entry (biases,
# ReLU, Adam, the pull of soft sharing), nor what a step holds for a moment only, such
# as the layers' outputs, `fit`'s copy of what it changed, and the Jacobian once more in
# double precision.


# %%
def count(V, E=64, layers=(1024, 512, 256), T=3, N=65_536):
    """By model: parameters, bytes held in training, operations of a step.

    Numbers are float32, and the optimiser is Adam.
    """
    sizes = [2 * E, *layers]
    H = layers[-1]
    M = sum(n * m for n, m in zip(sizes, layers))
    P = (V + V // 100) * E + M + sum(layers)
    heads = T * (H + 1)
    hard = P + heads
    soft = T * P + heads
    with_jacobian = (2 + 4 * T) * N * M + 6 * N * T * H + 2 * T**2 * P + 2 * T * hard
    return {
        "hard": (hard, 4 * 4 * hard, 6 * N * (M + T * H)),
        "hard, Jacobian": (hard, (4 + T) * 4 * hard, with_jacobian),
        "soft": (soft, 4 * 4 * soft, 6 * N * (T * M + T * H)),
    }


# %% [markdown]
# Is the count right? Real models of 1,000 and 10,000 customers say: their parameters,
# and the bytes of the arrays that training holds.

# %%
rng = np.random.default_rng(0)


def bytes_of(model):
    """Bytes of θ, its gradient and Adam's moments."""
    adam = mtl.Adam()
    adam.step(model)  # makes the moments
    return sum(a.nbytes for a in (model.theta, model.grad, adam.m, adam.v))


def held(V):
    """By model: parameters, and the bytes of the arrays that training holds."""
    trunk = Pairs(V, 64, (1024, 512, 256), rng)
    tasks = ("look", "buy", "return")
    heads = {t: mtl.Dense(256, 1, rng, np.float32) for t in tasks}

    hard = mtl.HardSharing(trunk, heads)
    parameters = hard.counts()["total"]
    bytes_hard = bytes_of(hard)
    ids = (np.arange(4), np.arange(4))
    L = [y.sum() for y in hard({t: ids for t in tasks}).values()]
    J = mtl.jacobian(L, hard.ordered_parameters())

    soft = mtl.SoftSharing(trunk, heads, strength=0.1)
    return {
        "hard": (parameters, bytes_hard),
        "hard, Jacobian": (parameters, bytes_hard + J.nbytes),
        "soft": (soft.counts()["total"], bytes_of(soft)),
    }


# %%
measured = {V: held(V) for V in (1_000, 10_000)}
for V, models in measured.items():
    for name, found in models.items():
        assert found == count(V)[name][:2]
print("parameters and bytes of real models are those that were counted")

# %% [markdown]
# And the operations? Write the step of a small hard-sharing model by hand, with a
# product that counts. That it is the right step, its gradients tell:

# %%
done = 0


def product(A, B):
    """A B for A (n, k) and B (k, m): 2 n k m operations."""
    global done
    done += 2 * len(A) * A.shape[1] * B.shape[1]
    return A @ B


trunk = Pairs(200, 4, (8, 5), rng)
heads = [mtl.Dense(5, 1, rng, np.float32) for _ in range(3)]
pair = (rng.integers(200, size=32), rng.integers(2, size=32))


# %%
def forward():
    """The values of all layers, from the inputs on, and the gradients at the last one.

    One gradient for each head, whose loss is its mean squared output.
    """
    customers, products = pair
    rows = [trunk.customers.table.data[customers], trunk.products.table.data[products]]
    values = [np.concatenate(rows, 1)]
    for layer in trunk.layers:
        values.append(np.maximum(product(values[-1], layer.W.data) + layer.b.data, 0))
    at_h = []
    for head in heads:
        at_y = 2 / 32 * (product(values[-1], head.W.data) + head.b.data)
        product(values[-1].T, at_y)  # the gradient of head.W
        at_h.append(product(at_y, head.W.data.T))
    return values, at_h


# %%
def back(values, g):
    """The gradient of the first layer's W, for the gradient g at the last value.

    Those of all other layers are computed on the way.
    """
    for layer, x, h in zip(trunk.layers[::-1], values[-2::-1], values[:0:-1]):
        g = g * (h > 0)
        of_W = product(x.T, g)
        g = product(g, layer.W.data.T)
    return of_W


zeros = np.zeros((32, 1), np.float32)
L = [mtl.mse(head(trunk(pair)), zeros) for head in heads]
J = mtl.jacobian(L, [trunk.layers[0].W])  # (3, 64)
shared = trunk.parameters()
own = [p for head in heads for p in head.parameters()]

# %%
expected = count(200, 4, (8, 5), 3, 32)
values, at_h = forward()
of_forward = done
assert np.allclose(back(values, sum(at_h)).reshape(-1), J.sum(0), atol=1e-6)
assert done == expected["hard"][2]

done = of_forward
assert np.allclose([back(values, g).reshape(-1) for g in at_h], J, atol=1e-6)
J_shared = mtl.jacobian(L, shared)
product(J_shared, J_shared.T)  # G
product(np.ones((1, 3)), mtl.jacobian(L, shared + own))  # w J
assert done == expected["hard, Jacobian"][2]
print(
    f"operations as counted, {expected['hard'][2]:.3g} and {done:.3g}; "
    "the gradients are those of the package"
)

# %% [markdown]
# Now a billion customers, ten million products, and batches of 65,536 pairs. $K$
# workers with equal shares of the batch average their gradients: in a *ring*, each of
# them sends $2 (K-1)/K$ times the array, nearly twice. Of the tables a batch touches at
# most $N$ rows each, whoever the customers are; sending only those, with the dense
# layers whole, is the *sparse* exchange (numbers of rows not counted).

# %%
N = 65_536
E = 64
T = 3
print("                parameters      held  operations  sent, dense  sent, sparse")
for name, (parameters, bytes_, operations) in count(10**9).items():
    # The rows of a Jacobian are sent, and the gradient is made of them.
    arrays = T if name == "hard, Jacobian" else 1
    # Rows of both tables; in soft sharing those of each task's copy.
    rows = 2 * N if name == "hard" else 2 * N * T
    without_tables, _, _ = count(0)[name]
    dense = 2 * 4 * arrays * parameters
    sparse = 2 * 4 * (rows * E + arrays * without_tables)
    print(
        f"{name:16}{parameters:10.2g}{bytes_ / 1e12:7.2f} TB{operations:12.2g}"
        f"{dense / 1e12:10.2f} TB{sparse / 1e9:11.2f} GB"
    )
    assert round(dense / sparse, -3) == 7000 and dense == 8 * arrays * parameters

# Soft sharing is T networks of one task.
assert count(10**6)["soft"][2] == T * count(10**6, T=1)["hard"][2]

# %%
sizes = 10.0 ** np.arange(3, 11)
points = {}
lines = {}
for name in count(0):
    real = [measured[V][name][1] if V in measured else np.nan for V in sizes]
    points[name] = (real, 0 * sizes)
    lines[name] = [count(int(V))[name][1] for V in sizes]
figure = mtl.plots.curves(
    sizes,
    points,
    lines,
    xlabel="customers (log scale)",
    ylabel="bytes held in training (log scale)",
    title="A billion customers are more than a terabyte in any kind of sharing",
)
machines = {
    "laptop, 16 GiB": 16 * 2**30,
    "accelerator, 80 GB": 80e9,
    "server, 1 TB": 1e12,
}
ax = figure.axes[0]
for name, size in machines.items():
    ax.axhline(size, color="0.4", linestyle=":", linewidth=1)
    ax.text(1.1e3, size, name, fontsize=9, color="0.3", va="bottom")

# %%
figure.supxlabel(
    "points: the arrays of real models; lines: counted", fontsize=9, color="0.3"
)
_show.show(
    figure,
    "beyond_memory.svg",
    "Bytes held in training grow with the customers; soft sharing holds nearly three "
    "times as much as hard sharing, a Jacobian 1.75 times as much, and at a billion "
    "customers all are above a server's terabyte",
)
assert min(bytes_ for _, bytes_, _ in count(10**9).values()) > 1e12

# %% [markdown]
# Hard sharing's operations do not depend on the number of customers (with Adam's memory
# of the rows at rest, see below); those of a Gramian do, and so do soft sharing's pull
# and its optimiser, which pass over all tables. But memory and exchange are the greater
# problem, and nearly all of both is tables. What follows:
#
# - **Shard the tables by rows.** Worker $k$ holds rows $k, k+K, \ldots$ with their
#   moments; it sends rows to who asks for them and gets their gradients back. The dense
#   layers are everywhere.
# - **Exchange only the rows that a batch touches**: here some seven thousand times
#   fewer bytes. In tinymtl `mtl.Embedding` with `sparse=True` changes only those rows
#   (under a rule of the Gramian, `all_reduce` or a pull together, all are touched
#   again). With `mtl.SGD` without momentum that is exact; `mtl.Adam` becomes *lazy*
#   Adam, another algorithm. But `all_reduce` still sends the whole gradient, and every
#   worker holds all of $\theta$: tinymtl splits examples, not parameters.
# - **Compute the Gramian by blocks.** Cut the columns of $J$ into shards $J_k$. The
#   rows' inner products are sums over columns, so
#
# $$
# G_{st} = \sum_p J_{sp} J_{tp} = \sum_k \sum_{p \in k} J_{sp} J_{tp},
# \qquad \text{that is} \qquad G = \sum_k J_k J_k^\top
# $$
#
# and each shard needs to send only its $T \times T$ part: nine numbers for three tasks,
# however many customers. Then all know $w$, and each shard makes its part $J_k^\top w$
# of the step. But these are shards of *parameters*. Over shards of *examples* the
# Jacobians must be averaged first, for the Gramian of a mean is not the mean of
# Gramians:

# %%
J = rng.normal(size=(3, 1000))
G = mtl.interaction.gramian(J)
blocks = np.array_split(J, 7, axis=1)
by_blocks = sum(mtl.interaction.gramian(block) for block in blocks)
add_up = np.allclose(G, by_blocks, rtol=1e-12)
print("blocks of columns add up to the Gramian:", add_up)
assert add_up

other = rng.normal(size=(3, 1000))  # the Jacobian of another worker's examples
mean_of_both = (G + mtl.interaction.gramian(other)) / 2
of_the_mean = mtl.interaction.gramian((J + other) / 2)
equal = np.allclose(of_the_mean, mean_of_both)
print("the mean of Gramians is that of the mean:", equal)
assert not equal

# %% [markdown]
# - **Soft sharing is the hardest to place.** Its pull $2\lambda(\theta_t - \bar\theta)$
#   needs the mean of all $T$ copies, in *every* row in which they differ, looked up or
#   not: nothing about it is sparse. Give each shard its rows of *every* copy, and the
#   mean is at hand; put each task on a machine of its own, and a whole trunk has to be
#   exchanged in each step.
#
# ## Several machines in six lines
#
# `mtl.fit` takes one function more, `all_reduce`: it changes an array in place into its
# mean over the workers. `fit` hands it the losses and then the gradients (under a rule
# of the Gramian, the Jacobian). With MPI every worker runs the same program, and these
# are the lines that matter in [several_machines.py](several_machines.py):

# %%
print(on_the_page("several_machines.py"))

# %% [markdown]
# Run it with `mpiexec -n 4 python tutorials/several_machines.py`. It asserts that all
# workers hold the same parameters to the bit, and that one worker with all the data
# ends within $10^{-9}$ of them. The losses are means, and a mean of means is the mean
# of all only if **every worker has as many labels of a task as the others**. And all
# must start equal, and make the same number of steps.
#
# ## What to read
#
# - R. Caruana, *Multitask Learning*, Machine Learning, 1997: the long account of hard
#   sharing, and of why other tasks help.
# - S. Ruder, *An Overview of Multi-Task Learning in Deep Neural Networks*, 2017: hard
#   and soft sharing in one short survey.
# - S. Wu, H. R. Zhang and C. Ré, *Understanding and Improving Information Transfer in
#   Multi-Task Learning*, ICLR 2020: when tasks help and harm, in models simple enough
#   to prove it.
# - O. Sener and V. Koltun, *Multi-Task Learning as Multi-Objective Optimization*,
#   NeurIPS 2018: the weights of `mtl.weighting.mgda` on networks, from the Gramian.
# - V. Kurin and others, *In Defense of the Unitary Scalarization for Deep Multi-Task
#   Learning*, NeurIPS 2022: the plain sum, well regularised, against the rules.
# - S. Vandenhende and others, *Multi-Task Learning for Dense Prediction Tasks: A
#   Survey*, IEEE TPAMI, 2022: architectures and weightings compared under equal
#   conditions.
