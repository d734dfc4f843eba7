"""The benchmark's training step in other frameworks, as their own users would write it.

A framework takes part where it is installed. An arm has

    prepare(ids, targets)   the batch in the framework's own type, made once and outside the clock
    step(batch)             one training step; returns the total loss as a number
    θ                       all parameters, in the order of the hand-written arms

All run in float64, on one thread, eagerly except JAX, whose whole step is one compiled function.
"""

from __future__ import annotations

import os

os.environ.setdefault(
    "XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
)

import numpy as np
from benchmarks.handwritten import Plain, Problem

try:
    import torch
except ImportError:
    torch = None
try:
    import jax
except ImportError:
    jax = None
try:
    import autograd
    import autograd.numpy as anp
    from autograd.tracer import getval
except ImportError:
    autograd = None
try:
    import mygrad
except ImportError:
    mygrad = None


class Torch:
    """Modules and `torch.optim.Adam`, the fused one, which is its fastest on a CPU."""

    def __init__(self, problem: Problem, θ: np.ndarray, N: int, η: float = 1e-3):
        torch.set_num_threads(1)
        tables, trunk, heads = problem.views(θ)
        V = problem.rows
        self.tables = [self.embedding(tables[:V]), self.embedding(tables[V:])]
        layers = []
        for W, b in trunk:
            layers += [self.dense(W, b), torch.nn.ReLU()]
        self.trunk = torch.nn.Sequential(*layers)
        self.heads = [self.dense(W, b) for W, b in heads]
        self.losses = [self.loss(C) for _, C in problem.heads]
        self.shared = [p for part in (*self.tables, self.trunk) for p in part.parameters()]
        self.parameters = self.shared + [p for head in self.heads for p in head.parameters()]
        self.optimizer = torch.optim.Adam(self.parameters, η, fused=True)

    @staticmethod
    def embedding(table):
        return torch.nn.Embedding.from_pretrained(torch.tensor(table), freeze=False)

    @staticmethod
    def loss(C):
        return torch.nn.MSELoss() if C == 1 else torch.nn.CrossEntropyLoss()

    @staticmethod
    def dense(W, b):
        layer = torch.nn.Linear(*W.shape, dtype=torch.float64)
        with torch.no_grad():
            layer.weight.copy_(torch.tensor(W.T))
            layer.bias.copy_(torch.tensor(b))
        return layer

    def prepare(self, ids, targets):
        return [torch.tensor(i) for i in ids], [torch.tensor(y) for y in targets.values()]

    def forward(self, ids, targets):
        features = torch.cat([table(i) for table, i in zip(self.tables, ids)], 1)
        h = self.trunk(features)
        self.L = [loss(head(h), y) for loss, head, y in zip(self.losses, self.heads, targets)]
        return self.L

    def step(self, batch):
        total = sum(self.forward(*batch))
        self.optimizer.zero_grad()
        total.backward()
        self.optimizer.step()
        return total.item()

    def jacobian(self):
        """(T, P) after `forward`.

        A layer's weight is (H, D) here, so the columns come in another order than ours.
        """
        rows = [torch.autograd.grad(loss, self.shared, retain_graph=True) for loss in self.L]
        return torch.stack([torch.cat([g.reshape(-1) for g in row]) for row in rows])

    @property
    def θ(self):
        users, items, *dense = [p.detach().numpy() for p in self.parameters]
        arrays = [users, items, *[a.T for a in dense]]
        return np.concatenate([a.reshape(-1) for a in arrays])


class Jax:
    """Loss, gradient and Adam in one function for `jax.jit`, which may overwrite its arguments."""

    def __init__(self, problem: Problem, θ: np.ndarray, N: int, η: float = 1e-3):
        jax.config.update("jax_enable_x64", True)
        jnp = jax.numpy
        V = problem.rows
        tables, trunk, heads = problem.views(θ)
        parameters = jax.tree.map(jnp.array, ([tables[:V], tables[V:]], trunk, heads))
        m = jax.tree.map(jnp.zeros_like, parameters)
        v = jax.tree.map(jnp.zeros_like, parameters)
        self.state = parameters, m, v, jnp.zeros(())

        def total_loss(parameters, ids, targets):
            tables, trunk, heads = parameters
            h = jnp.concatenate([table[i] for table, i in zip(tables, ids)], 1)
            for W, b in trunk:
                h = jax.nn.relu(h @ W + b)
            return sum(loss(h @ W + b, y) for (W, b), y in zip(heads, targets))

        def loss(z, y):
            if z.shape[1] == 1:
                return ((z - y) ** 2).mean()
            log_p = jax.nn.log_softmax(z)
            return -jnp.take_along_axis(log_p, y[:, None], 1).mean()

        def step(state, ids, targets, β1=0.9, β2=0.999, ε=1e-8):
            parameters, m, v, t = state
            total, g = jax.value_and_grad(total_loss)(parameters, ids, targets)
            t = t + 1
            m = jax.tree.map(lambda m, g: β1 * m + (1 - β1) * g, m, g)
            v = jax.tree.map(lambda v, g: β2 * v + (1 - β2) * g * g, v, g)

            def moved(p, m, v):
                return p - η * (m / (1 - β1**t)) / (jnp.sqrt(v / (1 - β2**t)) + ε)

            parameters = jax.tree.map(moved, parameters, m, v)
            return (parameters, m, v, t), total

        self.compiled = jax.jit(step, donate_argnums=0)

    def prepare(self, ids, targets):
        return jax.tree.map(jax.numpy.array, (list(ids), list(targets.values())))

    def step(self, batch):
        self.state, total = self.compiled(self.state, *batch)
        return float(total)

    @property
    def θ(self):
        return np.concatenate([np.asarray(a).reshape(-1) for a in jax.tree.leaves(self.state[0])])


class Autograd:
    """HIPS autograd differentiates the loss; Adam is the hand-written one, on one vector."""

    def __init__(self, problem: Problem, θ: np.ndarray, N: int, η: float = 1e-3):
        self.hand = Plain(problem, θ, N, η)
        V = problem.rows
        tables, trunk, heads = problem.views(self.hand.θ)
        self.parameters = [tables[:V], tables[V:]] + [a for layer in trunk + heads for a in layer]
        examples = np.arange(N)

        def total_loss(parameters, ids, targets):
            users, items, *dense = parameters
            layers = list(zip(dense[::2], dense[1::2]))
            h = anp.concatenate([users[ids[0]], items[ids[1]]], 1)
            for W, b in layers[: len(trunk)]:
                h = anp.maximum(anp.dot(h, W) + b, 0)
            outputs = [anp.dot(h, W) + b for W, b in layers[len(trunk) :]]
            return sum(loss(z, y) for z, y in zip(outputs, targets.values()))

        def loss(z, y):
            if z.shape[1] == 1:
                return anp.mean((z - y) ** 2)
            # A shift of a row changes nothing, so it needs no derivative.
            z = z - getval(z).max(1, keepdims=True)
            return anp.mean(anp.log(anp.sum(anp.exp(z), 1)) - z[examples, y])

        self.gradient = autograd.value_and_grad(total_loss)

    def prepare(self, ids, targets):
        return ids, targets

    def step(self, batch):
        total, gradients = self.gradient(self.parameters, *batch)
        np.concatenate([g.reshape(-1) for g in gradients], out=self.hand.grad)
        self.hand.adam()
        return float(total)

    @property
    def θ(self):
        return self.hand.θ


class MyGrad:
    """MyGrad's tensors and fused losses; Adam is the hand-written one, on one vector."""

    def __init__(self, problem: Problem, θ: np.ndarray, N: int, η: float = 1e-3):
        mygrad.turn_memory_guarding_off()  # as its documentation advises for speed
        self.hand = Plain(problem, θ, N, η)
        V = problem.rows
        tables, trunk, heads = problem.views(self.hand.θ)
        self.tables = self.tensors(tables[:V], tables[V:])
        self.trunk = [self.tensors(W, b) for W, b in trunk]
        self.heads = [self.tensors(W, b) for W, b in heads]
        self.parameters = [p for layer in [self.tables, *self.trunk, *self.heads] for p in layer]

    @staticmethod
    def tensors(*arrays):
        return [mygrad.tensor(a, copy=False) for a in arrays]

    def prepare(self, ids, targets):
        return ids, targets

    def step(self, batch):
        ids, targets = batch
        h = mygrad.concatenate([table[i] for table, i in zip(self.tables, ids)], 1)
        for W, b in self.trunk:
            h = mygrad.nnet.relu(h @ W + b)
        outputs = [h @ W + b for W, b in self.heads]
        total = sum(self.loss(z, y) for z, y in zip(outputs, targets.values()))
        total.backward()
        np.concatenate([p.grad.reshape(-1) for p in self.parameters], out=self.hand.grad)
        self.hand.adam()
        return float(total)

    @staticmethod
    def loss(z, y):
        if z.shape[1] == 1:
            return ((z - y) ** 2).mean()
        return mygrad.nnet.softmax_crossentropy(z, y)

    @property
    def θ(self):
        return self.hand.θ


installed = {}
if torch is not None:
    installed["PyTorch"] = Torch
if jax is not None:
    installed["JAX, compiled"] = Jax
if autograd is not None:
    installed["HIPS autograd"] = Autograd
if mygrad is not None:
    installed["MyGrad"] = MyGrad
