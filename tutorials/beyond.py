# %% [markdown]
# # Going on
#
# You have finished the course. This page leads out of it: the same model in PyTorch, the libraries that take over, what a shop with a billion customers needs, and how several machines train one model.
# Every figure is computed here, and every piece of PyTorch or MPI that is shown is a script that you can run.
#
# ![](figures/beyond_memory.svg)

# %%
from pathlib import Path

import _show
import numpy as np

import tinymtl as mtl


def on_the_page(script):
    """What stands in a script between its two marks."""
    text = (Path(_show.__file__).parent / script).read_text(encoding="utf-8")
    return text.partition("# on the page {\n")[2].partition("# on the page }")[0].rstrip()

# %% [markdown]
# ## The same model in PyTorch
#
# | tinymtl | PyTorch | what differs |
# |---|---|---|
# | `mtl.Tensor`, `mtl.Parameter` | `torch.tensor`, `nn.Parameter` | new tensors are float32 there, float64 here |
# | `mtl.Dense` | `nn.Linear` | its weight is transposed, (out, in); weight *and* bias start uniform in $\pm 1/\sqrt{D}$, here Glorot's range and a bias of 0 |
# | `mtl.Embedding` | `nn.Embedding` | entries start with variance 1, here $1/E$; `sparse=True` needs an optimiser that can do it, such as `SparseAdam` |
# | `mtl.Sequential`, `mtl.relu` | `nn.Sequential`, `nn.ReLU()` | functions must be wrapped in modules |
# | `mtl.HardSharing` | a `Module` of your own | parts are used, here copied |
# | `mtl.mse` | `nn.MSELoss` | the same mean over all entries; but (N,) against (N, 1) becomes (N, N), with no more than a warning |
# | `mtl.cross_entropy` | `nn.CrossEntropyLoss` | the same: logits in, mean out; a missing label is `ignore_index`, here a mask |
# | `l2=λ` | `weight_decay=λ` | adds $\lambda\theta$ to the gradient of everything, here $2\lambda W$ to that of matrices, once for each task |
# | `mtl.Adam`, `mtl.SGD` | `optim.Adam`, `optim.SGD` | the same formula and the same $\epsilon$ |
# | `total.backward()` | `total.backward()` | both add to the gradients that are there: first `zero_grad` |
# | `mtl.jacobian` | `torch.autograd.grad` for each loss, or `torch.func.jacrev` | a tuple or dict with a part for each parameter, not one matrix |
# | `model.theta` | `nn.utils.parameters_to_vector` | a copy, here the memory itself |
# | `mtl.check_gradient` | `torch.autograd.gradcheck` | both want float64 |
# | `mtl.fit` | a loop of your own | batches, checks and records are yours |
#
# [hard_sharing_in_pytorch.py](hard_sharing_in_pytorch.py) trains one hard-sharing model in both, from the same numbers, and asserts that their losses agree to $10^{-9}$ for 100 steps. This is all of the training in it:

# %%
print(on_the_page("hard_sharing_in_pytorch.py"))

# %% [markdown]
# ## Where the libraries take over
#
# - [LibMTL](https://github.com/median-research-group/LibMTL) has architectures that share in other ways than one trunk, some two dozen weighting methods, and benchmark data with one evaluation for all: for who compares methods, or needs a baseline that others know.
# - [TorchJD](https://pypi.org/project/torchjd) replaces `backward` by one that takes several losses and aggregates their gradients; its [autogram](https://github.com/simplexlab/torchjd/releases/tag/v0.8.0) computes a Gramian without ever holding the whole Jacobian: for who wants the Gramian's rules on a large network of their own.
# - [torch.func](https://docs.pytorch.org/docs/stable/func.whirlwind_tour.html) turns a function into that of its gradients, also for each example of a batch at once: for who wants Jacobians in PyTorch without a loop, or a task for each example.
# - [DeepCTR](https://github.com/shenweichen/DeepCTR) (TensorFlow) has `SharedBottom`, which is hard sharing, and the experts with gates MMoE and PLE ready to fit: for who predicts clicks and purchases from a table of features.
# - [EasyRec](https://github.com/alibaba/EasyRec) (TensorFlow) and [TorchEasyRec](https://github.com/alibaba/TorchEasyRec) (PyTorch) lead from a configuration file to a trained recommender on many machines: for who runs a service.
# - [TorchRec](https://pytorch.org/torchrec/concepts.html) splits embedding tables over machines, by rows, columns or tables, and plans where each part lies: for who has the next section's problem.
#
# ## What one machine cannot hold
#
# A shop has $V$ customers and $V/100$ products. Each has a row of $E = 64$ numbers; both rows of a pair pass dense layers of 1024, 512 and 256 units, and three heads say whether the customer will look at the product, buy it, and return it.

# %%
class Pairs(mtl.Module):
    """(customers (N,), products (N,)) -> (N, H): a row of each table, side by side, through dense layers with a ReLU."""

    def __init__(self, V, E, H, rng):
        sizes = [2 * E, *H]
        self.customers, self.products = (mtl.Embedding(n, E, rng, sparse=True, dtype=np.float32) for n in (V, V // 100))
        self.layers = [mtl.Dense(n, m, rng, np.float32) for n, m in zip(sizes, H)]

    def __call__(self, pair):
        x = mtl.ops.concatenate([table(ids) for table, ids in zip((self.customers, self.products), pair)], 1)
        for layer in self.layers:
            x = mtl.relu(layer(x))
        return x

# %% [markdown]
# Let $P$ be the parameters of the tables and the dense layers, $M$ the dense layers' weights without biases, and $H$ the width that the $T$ heads see. Training holds arrays as long as $\theta$: the weights, their gradient, and
# Adam's two moments. A rule that needs the Gramian adds the Jacobian, $T$ more. Soft sharing has $T$ copies of the trunk, *and of the tables*. One number takes 4 bytes:
#
# $$
# \text{hard: } 4 \cdot 4\,(P + T(H+1)), \qquad \text{with a Jacobian: } (4 + T) \cdot 4\,(P + T(H+1)), \qquad \text{soft: } 4 \cdot 4\,(T P + T(H+1))
# $$
#
# A product of $(N, n)$ and $(n, m)$ takes $N n m$ multiplications and as many additions. Forward there is one such product for each layer, backward two: one for the gradient of the weights and one for that of the inputs. So a step on $N$ examples takes
#
# $$
# \text{hard: } 6 N (M + T H), \qquad \text{with a Jacobian: } (2 + 4T) N M + 6 N T H, \qquad \text{soft: } 6 N (T M + T H)
# $$
#
# operations: a Jacobian passes the trunk once forward and $T$ times backward. What is done entry by entry (biases, ReLU, Adam) is not counted.

# %%
def count(V, E=64, layers=(1024, 512, 256), T=3, N=65_536):
    """By model: parameters, bytes held in training (float32, Adam), operations of a step."""
    sizes, H = [2 * E, *layers], layers[-1]
    M, heads = sum(n * m for n, m in zip(sizes, layers)), T * (H + 1)
    P = (V + V // 100) * E + M + sum(layers)
    hard, soft = P + heads, T * P + heads
    return {"hard": (hard, 4 * 4 * hard, 6 * N * (M + T * H)),
            "hard, Jacobian": (hard, (4 + T) * 4 * hard, (2 + 4 * T) * N * M + 6 * N * T * H),
            "soft": (soft, 4 * 4 * soft, 6 * N * (T * M + T * H))}  # fmt: skip

# %% [markdown]
# Is the count right? Real models of 1,000 and 10,000 customers say: their parameters, and the bytes of the arrays that training holds.

# %%
def held(V):
    """By model: parameters, and the bytes of θ, its gradient, Adam's moments and, where there is one, the Jacobian."""
    rng = np.random.default_rng(0)
    parts = Pairs(V, 64, (1024, 512, 256), rng), {t: mtl.Dense(256, 1, rng, np.float32) for t in ("look", "buy", "return")}
    ids, found = (np.arange(4), np.arange(4)), {}
    for name, model in {"hard": mtl.HardSharing(*parts), "soft": mtl.SoftSharing(*parts, strength=0.1)}.items():
        adam = mtl.Adam()
        adam.step(model)
        found[name] = model.counts()["total"], sum(a.nbytes for a in (model.theta, model.grad, adam.m, adam.v))
        if name == "hard":
            L = [y.sum() for y in model({t: ids for t in model.tasks}).values()]
            found["hard, Jacobian"] = found["hard"][0], found["hard"][1] + mtl.jacobian(L, model.ordered_parameters()).nbytes
    return found

# %%
measured = {V: held(V) for V in (1_000, 10_000)}
for V, models in measured.items():
    for name, found in models.items():
        assert found == count(V)[name][:2]
print("parameters and bytes of real models are those that were counted")

# %% [markdown]
# And the operations? Write the step of a small hard-sharing model by hand, with a product that counts. That it is the right step, its gradient tells:

# %%
done = 0


def product(A, B):
    """A B for A (n, k) and B (k, m): 2 n k m operations."""
    global done
    done += 2 * len(A) * A.shape[1] * B.shape[1]
    return A @ B


rng = np.random.default_rng(0)
trunk, heads = Pairs(200, 4, (8, 5), rng), {t: mtl.Dense(5, 1, rng, np.float32) for t in ("look", "buy", "return")}
pair = rng.integers(200, size=32), rng.integers(2, size=32)

# %%
values = [np.concatenate([trunk.customers.table.data[pair[0]], trunk.products.table.data[pair[1]]], 1)]
for layer in trunk.layers:
    values.append(np.maximum(product(values[-1], layer.W.data) + layer.b.data, 0))
g = 0
for head in heads.values():  # each head's loss is the mean of its squared outputs
    at_y = 2 / 32 * (product(values[-1], head.W.data) + head.b.data)
    of_head = product(values[-1].T, at_y)
    g = g + product(at_y, head.W.data.T)
for layer, x, h in zip(trunk.layers[::-1], values[-2::-1], values[:0:-1]):
    g = g * (h > 0)
    of_layer, g = product(x.T, g), product(g, layer.W.data.T)

# %%
h = trunk(pair)
total = sum(mtl.mse(head(h), np.zeros((32, 1), np.float32)) for head in heads.values())
assert np.allclose(of_layer, mtl.gradient(total, [trunk.layers[0].W])[0], atol=1e-6)
assert np.allclose(of_head, mtl.gradient(total, [head.W])[0], atol=1e-6)
assert done == count(200, 4, (8, 5), 3, 32)["hard"][2]
print(f"{done:,} operations, as counted, and the gradient is the package's")

# %% [markdown]
# Now a billion customers, ten million products, and batches of 65,536 pairs. $K$ workers with equal shares of the batch average their gradients: in a *ring*, each of them sends $2 (K-1)/K$ times the array, nearly twice. Of the tables a batch touches
# at most $N$ rows each, whoever the customers are; sending only those, with the dense layers whole, is the *sparse* exchange.

# %%
V, E, N, T = 10**9, 64, 65_536, 3
rest = count(0)["hard"][0]  # dense layers and heads
print("                 parameters   held  operations   sent, dense   sent, sparse")
for name, (parameters, held_, operations) in count(V).items():
    arrays = T if name == "hard, Jacobian" else 1  # the Jacobian's rows are sent, and the gradient is made of them
    dense = 2 * 4 * parameters * arrays
    sparse = 2 * 4 * (2 * N * E * (1 if name == "hard" else T) + (count(0)[name][0]) * arrays)
    print(f"{name:16}{parameters:11.2g}{held_ / 1e12:5.1f} TB{operations:11.2g}{dense / 1e12:11.2g} TB{sparse / 1e9:11.2g} GB")

# %%
sizes = 10.0 ** np.arange(3, 11)
known = lambda name: [measured[V][name][1] if V in measured else np.nan for V in sizes]
figure = mtl.plots.curves(
    sizes, {name: (known(name), 0 * sizes) for name in count(0)}, {name: [count(int(V))[name][1] for V in sizes] for name in count(0)},
    xlabel="customers (log scale)", ylabel="bytes held in training (log scale)",
    title="A billion customers fit no single machine, in any kind of sharing",
)  # fmt: skip
for name, size in {"laptop, 16 GiB": 16 * 2**30, "accelerator, 80 GB": 80e9, "server, 1 TB": 1e12}.items():
    figure.axes[0].axhline(size, color="0.4", linestyle=":", linewidth=1)
    figure.axes[0].text(1.1e3, 1.1 * size, name, fontsize=9, color="0.3")

# %%
figure.supxlabel("points: the arrays of real models; lines: counted", fontsize=9, color="0.3")
finding = "Bytes held in training grow with the customers; soft sharing holds nearly three times as much as hard sharing, a Jacobian nearly twice, and at a billion customers all are above a server's terabyte"
_show.show(figure, "beyond_memory.svg", finding)
assert min(bytes_ for _, bytes_, _ in count(10**9).values()) > 1e12
