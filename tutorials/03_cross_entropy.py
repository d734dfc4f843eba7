# %% [markdown]
# # 3 · Cross-entropy and embeddings
#
# *35 minutes.* Which product will a household buy next? The answer is one class of
# many, and the inputs are numbers that only name things: product 17, household 4. The
# first needs cross-entropy, the second an embedding. After this chapter you can derive
# the gradient of cross-entropy, $p - y$, and compute it when a logit is 10,000. And you
# can say which rows of an embedding table a training step moves. Products that nobody
# has looked at in this step may move too.
#
# ![](figures/03_touched_rows.svg)

# %% Import what the chapter needs tags=["hide-input"]
import matplotlib.pyplot as plt
import numpy as np
import tinymtl as mtl
from matplotlib.colors import LinearSegmentedColormap
from tinymtl.interaction import mean_and_error

from _show import show
from checks.ch03 import (
    check_class_weighted,
    check_law,
    check_rows_that_move,
    check_table_gradient,
)

# %% [markdown]
# **What you need**: [chapter 2](02_dense_layer.md) ($X^\top G$, gradient descent), the
# exponential and the logarithm, and what a probability is.
#
# ## Notation
#
# | symbol | in code | shape | what it is |
# |---|---|---|---|
# | $N, C$ | `C` | numbers | examples, classes |
# | $c^*$ | `labels` | number; all in $(N,)$ | the class that happened |
# | $z$ | `z` | $(N, C)$ | logits: scores, any numbers |
# | $p$ | `p` | $(N, C)$ | probabilities made of them; each row sums to 1 |
# | $y$ | `y` | $(N, C)$ | one-hot labels: 1 at the class that happened, else 0 |
# | $\ell_n, L$ | `each`, `loss` | $(N,)$, number | loss of one example; $L$ is their *mean* |
# | $m_n$ | `m` | $(N,)$ | weights of examples |
# | $V, E$ | `V`, `E` | numbers | rows of a table, and its width |
# | $W$ | `W` | $(V, E)$ | the table: one row for each product |
# | $O$ | `one_hot` | $(N, V)$ | one-hot rows of the products looked up |
# | $G$ | `G` | $(N, C)$, $(N, E)$ | gradient that arrives at the logits, or at the rows looked up; from chapter 6 on $G$ is the Gramian |
# | $g$ | `g` | $(V, E)$ | gradient of the table |
# | $\eta, \lambda$ | `η`, `λ` | numbers | learning rate, strength of weight decay |
# | $\mu, \beta_1, \beta_2$ | `μ`, `β1`, `β2` | numbers | how long momentum and Adam remember |
# | $v$ | `memory["v"]` | $(V, E)$ | what momentum remembers |
# | $a, s$ | `memory["a"]`, `memory["s"]` | $(V, E)$ | what Adam remembers: fading means of gradients and of their squares |
#
# ## From scores to a loss
#
# A layer gives a score for each class. To make probabilities of them, make them
# positive by the exponential and divide by the sum. This is the *softmax*:
#
# $$
# p_c = \frac{e^{z_c}}{\sum_k e^{z_k}} \tag{3.1}
# $$
#
# > **In short: cross-entropy.** The loss of an example is minus the logarithm of the
# > probability that was given to what happened. Certain and right costs $-\log 1 = 0$.
# > Guessing among $C$ classes evenly costs $\log C$; a fresh model should begin near
# > it. Certain and wrong costs without limit. The sum over examples is minus the
# > log-likelihood, as the squared error was for Gaussian noise: the same principle, for
# > classes.
#
# Put (3.1) into the logarithm. The fraction becomes a difference, and the logarithm
# undoes one of the exponentials. For an example with label $c^*$:
#
# $$
# \ell = -\log p_{c^*} = \log \sum_k e^{z_k} - z_{c^*} \tag{3.2}
# $$
#
# ## The gradient is p − y
#
# Differentiate both terms of (3.2) with respect to $z_c$. For the first, take the
# derivative of the logarithm, one over the sum, times that of the sum, in which only
# one term contains $z_c$:
#
# $$
# \frac{\partial}{\partial z_c} \log \sum_k e^{z_k}
# = \frac{1}{\sum_k e^{z_k}} \cdot e^{z_c} = p_c
# $$
#
# The derivative of $z_{c^*}$ by $z_c$ is 1 if $c = c^*$ and 0 otherwise. That is $y_c$,
# the one-hot label. So
#
# $$
# \frac{\partial \ell}{\partial z_c} = p_c - y_c \tag{3.3}
# $$
#
# This is what was predicted minus what happened: the residual of chapter 2 once more.
# In a mean over $N$ examples it is divided by $N$, so a layer $z = X W$ receives
# $X^\top (p - y)/N$.
#
# **Predict**: what is the sum of this gradient over the classes? Can you find a reason
# that needs no formula?
#
# <details><summary>Answer</summary>
#
# It is 0: the probabilities sum to 1, and so does a one-hot label. The reason: adding
# one number to all logits of a row changes no probability, since it multiplies the
# numerator and the denominator of (3.1) by the same factor. So the loss does not
# change in that direction, and the slope in that direction is the sum of the gradient.
#
# </details>

# %%
z = np.array([[2.0, 1.0, 0.0, -1.0]])
C = z.shape[1]  # one example, four classes
y = np.array([[0.0, 1.0, 0.0, 0.0]])  # class 1 happened
p = np.exp(z) / np.exp(z).sum(1, keepdims=True)  # (3.1)
loss = np.log(np.exp(z).sum()) - z[0, 1]  # (3.2)
print("p     ", p.round(2)[0])
print("p − y ", (p - y).round(2)[0], " sum:", abs((p - y).sum().round(9)))
print(f"loss {loss:.2f}; guessing evenly among {C} would cost {np.log(C):.2f}")

# %% Draw p − y tags=["hide-input"]
PURPLE = "#7B3FA0"
figure, axes = plt.subplots(
    1, 3, figsize=(6.8, 2.4), sharey=True, layout="constrained", facecolor="white"
)
panels = [
    ("p: predicted", p[0], "0.7"),
    ("y: happened", y[0], "0.35"),
    ("p − y: gradient", (p - y)[0], PURPLE),
]
for ax, (title, values, colour) in zip(axes, panels):
    ax.bar(range(4), values, color=colour)
    ax.axhline(0, color="black", linewidth=0.8)
    ax.set_title(title, fontsize=11)
    ax.set_xticks(range(4))
    ax.set_xlabel("class")
axes[2].annotate("raise\nthis logit", (1, -0.7), (2.4, -0.65), va="center", ha="center")
axes[2].text(2.2, 0.45, "lower\nthe others", ha="center")
axes[0].set_ylim(-0.95, 1.05)
show(
    figure,
    "03_p_minus_y.svg",
    "A step against p − y raises the logit of what happened and lowers the others, "
    "a likely class more than an unlikely one. The bars of the gradient sum to 0.",
)

# %% [markdown]
# ## Computing it: two traps
#
# **The first trap** is that $e^{z}$ is infinite for the computer from $z = 710$ on, and
# infinity divided by infinity is not a number. We may subtract the same number from all
# logits of a row, so subtract the largest, $z_{\max}$. Then the largest
# exponential is $e^0 = 1$, and nothing overflows.
#
# **The second trap** remains, and many programs fall into it: compute a stable softmax,
# then take its logarithm. A probability of $e^{-800}$ is *rounded to 0*, and its
# logarithm is $-\infty$. Adding a small number, $\log(p + 10^{-12})$, hides it: the
# loss can then never exceed 27.6, and the gradient becomes 0. So the examples that are
# most wrong teach nothing. The cure is to take the logarithm on paper, as in (3.2), and
# never to compute the logarithm of a probability:
#
# $$
# \log p_c = (z_c - z_{\max}) - \log \sum_k e^{z_k - z_{\max}} \tag{3.4}
# $$


# %%
def cross_entropy(z, labels):
    """The mean loss of logits (N, C) with labels (N,), and its gradient (N, C)."""
    rows = np.arange(len(z))
    shifted = z - z.max(1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))  # (3.4)
    loss = -log_p[rows, labels].mean()
    G = np.exp(log_p)
    G[rows, labels] -= 1  # p − y: (3.3)
    return loss, G / len(z)


z = np.array([[0.0, 10_000.0], [0.0, 10_000.0]])
loss, G = cross_entropy(z, np.array([0, 1]))
print("wrong by 10,000, and right by 10,000: mean loss", loss)
print("gradient", G.tolist())

# %% Draw the loss and its gradient by three programs tags=["hide-input"]
gap = np.linspace(0, 1000, 2001)
p_label = np.exp(-gap) / (1 + np.exp(-gap))  # stable, and 0 from 745 on
with np.errstate(divide="ignore"):
    log_of_p = -np.log(p_label)
clipped = -np.log(p_label + 1e-12)
of_clipped = -p_label * (1 - p_label) / (p_label + 1e-12)
right = np.logaddexp(0, gap)
figure, axes = plt.subplots(
    1, 2, figsize=(7, 2.9), layout="constrained", facecolor="white"
)
axes[0].plot(gap, right, color="0.75", linewidth=6)
axes[0].plot(gap, log_of_p, color="black", linewidth=1.5)
axes[0].plot(gap, clipped, color=PURPLE, linewidth=2, linestyle="--")
axes[0].plot(745, 745, "x", color="black", markersize=9, markeredgewidth=2)
axes[0].text(725, 790, "log(p): then ∞", ha="right")
axes[0].text(880, 960, "right", ha="right", color="0.45")
axes[0].text(990, 60, "log(p + 1e−12)", ha="right", color=PURPLE)
axes[0].set(xlabel="how wrong: other logit − label's", ylabel="loss")
axes[1].plot(gap, -1 / (1 + np.exp(-gap)), color="0.75", linewidth=6)
axes[1].plot(gap, of_clipped, color=PURPLE, linewidth=2, linestyle="--")
axes[1].text(98, -0.93, "right", ha="right", color="0.45")
axes[1].text(98, -0.12, "log(p + 1e−12): none", ha="right", color=PURPLE)
axes[1].set(
    xlabel="the same, closer",
    ylabel="gradient at label's logit",
    xlim=(-2, 100),
)
show(
    figure,
    "03_log_of_zero.svg",
    "The right loss grows with how wrong the model is. The logarithm of a stable "
    "softmax follows it and then jumps to infinity. With 1e-12 added the loss stays at "
    "27.6 and the gradient vanishes: the worst examples teach nothing.",
)

# %% [markdown]
# ## Yes or no
#
# With two classes only the difference of the logits matters, so fix the first at 0 and
# call the second $z$. Then (3.1) gives the *sigmoid*, and (3.3) becomes
#
# $$
# p_{\text{yes}} = \frac{e^z}{e^0 + e^z} = \frac{1}{1 + e^{-z}} = \sigma(z),
# \qquad \frac{\partial \ell}{\partial z} = \sigma(z) - y \tag{3.5}
# $$
#
# In the same way (3.2) becomes $\ell = \log(1 + e^z) - y z$. This is the second loss of
# chapter 1. Computed like this it overflows. `np.logaddexp(0, z) - y * z` is the same
# and does not, because it subtracts the larger of 0 and $z$ first, as in (3.4).
#
# One logit for each question also serves when several answers may be true at once. A
# basket holds many products, so each product is a yes-or-no question, and the
# probabilities need not sum to 1.

# %% Compare one logit with two tags=["hide-input"]
rng = np.random.default_rng(0)
z = rng.normal(size=5) * 3
labels = np.array([0, 1, 1, 0, 1])
_, G = cross_entropy(np.column_stack([np.zeros(5), z]), labels)
σ = 1 / (1 + np.exp(-z))
print("as two classes:", G[:, 1].round(3))
print("σ(z) − y      :", ((σ - labels) / 5).round(3))  # (3.5)

# %% [markdown]
# ## "Weighted": three uses, two denominators
#
# A rare class may count more, an unreliable example less, and one task more than
# another. All three are called weights. Weights of classes and of examples follow one
# formula, a weighted *mean*, which divides by the sum of the weights. They differ in
# where $m_n$ comes from: an example has a weight of its own, or it takes that of its
# class. Weights of tasks make a *sum*, and nothing is divided. So there are three uses
# and two denominators. The weighted mean is
#
# $$
# L = \frac{\sum_n m_n \ell_n}{\sum_n m_n},
# \qquad \frac{\partial L}{\partial z_{nc}} = \frac{m_n}{\sum_k m_k}\,(p_{nc} - y_{nc})
# \tag{3.6}
# $$
#
# | weights of | where the weight comes from | loss | divide by | doubling all weights |
# |---|---|---|---|---|
# | classes | $m_n$ is the weight of the label of example $n$ | $\sum_n m_n \ell_n / \sum_n m_n$ | $\sum_n m_n$ | changes nothing |
# | examples | $m_n$ is given for each example | $\sum_n m_n \ell_n / \sum_n m_n$ | $\sum_n m_n$ | changes nothing |
# | tasks | $w_t$ is given for each task | $\sum_t w_t L_t$ | nothing | doubles the gradient |
#
# A missing label is an example with weight 0. If all weights are 0, the package gives
# the loss 0 and no gradient. Dividing by $N$ instead of the sum is a
# common slip. Then a batch with many missing labels takes a shorter step, and one with
# many rare classes a longer one.

# %%
z = np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
labels = np.array([0, 0, 0, 1])  # class 1 is rare
each = np.array([cross_entropy(z[n : n + 1], labels[n : n + 1])[0] for n in range(4)])
of_class = np.array([1.0, 3.0])
m = of_class[labels]
loss = (m * each).sum() / m.sum()  # (3.6)
doubled = (2 * m * each).sum() / (2 * m).sum()
package = float(mtl.cross_entropy(mtl.Tensor(z), labels, mask=m))
print(f"plain {each.mean():.3f}, weighted {loss:.3f}, all doubled {doubled:.3f}")
print(f"package {package:.3f}, divided by N {(m * each).mean():.3f}")

# %% [markdown]
# ## Embeddings: a look-up is a matrix product
#
# A product number is a name, not a quantity: product 4 is not twice product 2. So give
# each of $V$ products a row of $E$ numbers, all rows in a table $W$, and let training
# find them. Looking up the products `ids` takes rows, `W[ids]`. That is the same as
# multiplying with one-hot rows, since a one-hot row times $W$ picks one row of $W$. And
# then we know the gradient already: it is (2.4).
#
# $$
# W[\text{ids}] = O\, W, \qquad \frac{\partial L}{\partial W} = O^\top G \tag{3.7}
# $$
#
# Nobody forms $O$: with 50,000 products it would be zeros almost everywhere. Row $r$ of
# $O^\top G$ is the sum of those rows of $G$ whose product is $r$. So take zeros and add
# each row of $G$ where it belongs: *scatter-add*. A product that was looked up twice
# gets both.

# %% Draw a look-up and its gradient tags=["hide-input"]
figure, ax = plt.subplots(figsize=(6.6, 3), layout="constrained", facecolor="white")


def cell(x, y, text, colour):
    box = {"boxstyle": "round,pad=0.35", "facecolor": colour, "edgecolor": "0.4"}
    ax.text(x, y, text, ha="center", va="center", bbox=box, fontsize=11)


places = {0: 2.3, 1: 1.15, 2: 0.0}  # of the three rows looked up
colours = {1: "#E4D7EE", 4: "#F3E9CF"}
for v in range(5):
    height = 2.3 - v * 0.575
    cell(0, height, f"row {v}", colours.get(v, "white"))
    cell(7.6, height, f"row {v}", colours.get(v, "white"))
for n, v in enumerate([1, 4, 1]):
    cell(3.0, places[n], f"W[{v}]", colours[v])
    cell(4.7, places[n], f"G[{n}]", colours[v])
    height = 2.3 - v * 0.575
    arrow = {"arrowstyle": "-|>", "color": "0.35", "lw": 1.6}
    ax.annotate("", (2.5, places[n]), (0.5, height), arrowprops=arrow)
    back = {"arrowstyle": "-|>", "color": PURPLE, "lw": 2}
    ax.annotate("", (7.1, height), (5.2, places[n]), arrowprops=back)
ax.text(0, 2.95, "table W", ha="center")
ax.text(3.0, 2.95, "looked up:\nids 1, 4, 1", ha="center", va="center")
ax.text(4.7, 2.95, "gradient", ha="center")
ax.text(7.6, 2.95, "gradient of W", ha="center")
ax.text(8.2, 2.3 - 0.575, "G[0] + G[2]", va="center", color=PURPLE)
ax.text(8.2, 0.0, "G[1]", va="center", color=PURPLE)
for height in (2.3, 1.15, 0.575):
    ax.text(8.2, height, "0", va="center", color="0.5")
ax.set(xlim=(-0.6, 9.6), ylim=(-0.35, 3.3))
ax.axis("off")
show(
    figure,
    "03_scatter.svg",
    "Forward, rows are copied. Backward, their gradients are added into the row that "
    "they came from. Row 1 was looked up twice and receives both gradients.",
)

# %%
V, E = 5, 2
W = rng.normal(size=(V, E))
ids = np.array([1, 4, 1])
one_hot = np.eye(V)[ids]  # (N, V)
# (3.7)
print("look-up = product with one-hot rows:", np.array_equal(W[ids], one_hot @ W))

G = np.array([[1.0, 0.0], [2.0, 2.0], [3.0, -1.0]])  # (N, E)
added = np.zeros((V, E))
np.add.at(added, ids, G)  # scatter-add
overwritten = np.zeros((V, E))
overwritten[ids] += G  # looks the same, and is wrong
print("row 1 of OᵀG:", (one_hot.T @ G)[1])
print("of add.at:", added[1], " of +=:", overwritten[1])

# %% [markdown]
# `overwritten[ids] += G` reads all rows, adds, and writes all rows back. Row 1 is
# written twice, and the last one wins: $G_2$ alone, and $G_0$ is lost. No error tells
# you.
#
# ## What a table learns
#
# Twelve products form three groups of four. The next purchase of a household is always
# from the group of its last one, and each of the four has chance ¼. The model does not
# know the groups. It sees pairs of numbers: what was bought first, and what next. A
# table of width 2 and a dense layer make the logits. The steps are Adam's, which the
# next section explains.
#
# **Predict**: what is the loss of a model that guesses evenly among all twelve? What is
# the lowest loss that any model can reach?
#
# <details><summary>Answer</summary>
#
# $\log 12 = 2.48$. And $\log 4 = 1.39$: a model that knows the group still has to guess
# among four. So a loss far above 0 need not mean a bad model.
#
# </details>


# %% Draw pairs of purchases tags=["hide-input"]
def pairs(rng, n=2000):
    """What n households bought first, and what they bought next."""
    bought = rng.integers(12, size=n)
    following = 4 * (bought // 4) + rng.integers(4, size=n)  # of the same group
    return bought, following


# %%
def next_product(seed):
    """The loss on 2,000 new pairs after training, and the table."""
    rng = np.random.default_rng(seed)
    model = mtl.Sequential(mtl.Embedding(12, 2, rng), mtl.Dense(2, 12, rng))
    optimizer = mtl.Adam(0.05)
    bought, following = pairs(rng)
    for _ in range(200):
        model.zero_grad()
        mtl.cross_entropy(model(bought), following).backward()
        optimizer.step(model)
    bought, following = pairs(rng)
    return float(mtl.cross_entropy(model(bought), following)), model.parts[0].table.data


results = [next_product(seed) for seed in range(10)]
mean, error = mean_and_error(np.array([loss for loss, _ in results]))
print(f"loss on new pairs {mean:.2f} ± {error:.3f}, 10 seeds; log 4 = {np.log(4):.2f}")

# %% Draw what the table has learned tags=["hide-input"]
figure, ax = plt.subplots(figsize=(4.6, 3.4), layout="constrained", facecolor="white")
looks = (("#222222", "o"), (PURPLE, "s"), ("#8A6D0B", "^"))
table = results[0][1]
for group, (colour, marker) in enumerate(looks):
    members = table[4 * group : 4 * group + 4]
    ax.scatter(*members.T, color=colour, marker=marker, s=70)
    x, height = members.mean(0) * 0.45
    ax.text(x, height, f"group {group + 1}", color=colour, ha="center", fontsize=12)
ax.set(xlabel="first number of a row", ylabel="second number", aspect="equal")
show(
    figure,
    "03_groups.svg",
    "The twelve rows of the table after training, for the first seed. Products of one "
    "group have come to lie together, though the model was never told the groups.",
)
assert abs(mean - np.log(4)) < 0.05

# %% [markdown]
# ## Which rows move?
#
# Only rows that were looked up have a gradient. One might expect that only they move.
#
# > **In short: momentum and Adam.** Plain descent uses the gradient of this step alone.
# > *Momentum* keeps a sum of past gradients that fades by $\mu$ in each step, and moves
# > along it. *Adam* divides a fading mean of gradients by the root of a fading mean of
# > their squares, so that each entry moves by about $\eta$ in a step, whatever the unit
# > of the loss. *Weight decay* takes a small fraction, $\eta \lambda$, off every
# > parameter in every step.
#
# $$
# \text{momentum:}\quad v \leftarrow \mu v + g, \qquad W \leftarrow W - \eta v \tag{3.8}
# $$
#
# $$
# \text{Adam:}\quad a \leftarrow \beta_1 a + (1 - \beta_1) g,\quad
# s \leftarrow \beta_2 s + (1 - \beta_2) g^2,\quad
# W \leftarrow W - \eta\, \frac{a / (1 - \beta_1^t)}{\sqrt{s / (1 - \beta_2^t)}}
# \tag{3.9}
# $$
#
# The divisions by $1 - \beta^t$, in step $t$, make up for the start at 0. Kingma and Ba
# (2015), who proposed Adam, call $a$ and $s$ by the letters $m$ and $v$, which mean
# something else in this chapter.
#
# **Predict**: a product was looked up in step 1 and never again. In which of these does
# its row move in step 2: plain descent, momentum, decay, Adam?
#
# <details><summary>Answer</summary>
#
# In all but plain descent. The gradient in step 2 is 0. But momentum's $v$ becomes
# $\mu v$ and Adam's $a$ becomes $\beta_1 a$. Neither is 0, so the row goes on in the
# direction of its old gradient. Decay does not ask for a gradient at all: it shrinks
# even rows that were never looked up.
#
# </details>

# %%
η, μ, λ, β1, β2 = 0.1, 0.9, 0.1, 0.9, 0.999


def sgd(W, g, now, memory, t):
    return W - η * g


def momentum(W, g, now, memory, t):
    memory["v"] = μ * memory["v"] + g
    return W - η * memory["v"]  # (3.8)


def decay(W, g, now, memory, t):
    return W - η * g - η * λ * W


# %%
def adam(W, g, now, memory, t):
    memory["a"] = β1 * memory["a"] + (1 - β1) * g
    memory["s"] = β2 * memory["s"] + (1 - β2) * g**2
    a = memory["a"] / (1 - β1**t)
    s = memory["s"] / (1 - β2**t)
    return W - η * a / (np.sqrt(s) + 1e-8)  # (3.9); 1e-8 against 0/0


def lazy_adam(W, g, now, memory, t):
    """Adam for the rows looked up now; all others rest, their memory too."""
    before = dict(memory)
    new = adam(W, g, now, memory, t)
    for name in memory:
        memory[name] = np.where(now, memory[name], before[name])
    return np.where(now, new, W)


# %% [markdown]
# Now twelve steps over a table of six rows. Row 0 is popular, row 5 is never looked up.


# %%
def run(rule, lookups, seed):
    """How far each row moves in each step (steps, V), and the table at the end."""
    rng = np.random.default_rng(seed)
    W = rng.normal(size=(6, 3))
    memory = {name: np.zeros((6, 3)) for name in ("v", "a", "s")}
    moved = []
    for t, ids in enumerate(lookups, 1):
        g = np.zeros((6, 3))
        np.add.at(g, ids, rng.normal(size=(len(ids), 3)))
        now = np.isin(np.arange(6), ids)[:, None]  # (V, 1)
        old, W = W, rule(W, g, now, memory, t)
        moved.append(np.linalg.norm(W - old, axis=1))
    return np.array(moved), W


lookups = [[0, 1], [0], [0, 2], [2], [0], [3], [0, 2], [0], [4], [2, 0], [0, 0], [0]]
rules = {
    "plain": sgd,
    "momentum": momentum,
    "decay": decay,
    "Adam": adam,
    "lazy Adam": lazy_adam,
}
moved = {name: run(rule, lookups, seed=0)[0] for name, rule in rules.items()}

# %% Draw the touched rows tags=["hide-input"]
figure, axes = plt.subplots(
    1, 5, figsize=(5.4, 2.6), sharey=True, layout="constrained", facecolor="white"
)
colours = LinearSegmentedColormap.from_list("", ["white", "#C9B3D9", PURPLE])
for ax, (name, distance) in zip(axes, moved.items()):
    shade = np.where(distance > 0, 0.3 + 0.7 * (distance / distance.max()) ** 0.5, 0)
    edges = np.arange(len(lookups) + 1), np.arange(7)
    ax.pcolormesh(*edges, shade.T, cmap=colours, vmin=0, vmax=1)
    for step, ids in enumerate(lookups):
        for row in set(ids):
            ax.plot(step + 0.5, row + 0.5, "o", color="black", markersize=3.5)
    ax.set_title(name, fontsize=13)
    ax.set_xticks([0.5, 11.5], ["1", "12"])
    ax.hlines(range(1, 6), 0, 12, color="0.8", linewidth=0.6)
axes[0].set_yticks(np.arange(6) + 0.5, [str(v) for v in range(6)])
axes[0].set_ylabel("row of the table", fontsize=13)
axes[2].set_xlabel("step", fontsize=13)
axes[0].invert_yaxis()
show(
    figure,
    "03_touched_rows.svg",
    "A dot: the row was looked up in this step. Purple: the row moved, darker for "
    "farther. Plain descent and lazy Adam move only what is looked up. Momentum and "
    "Adam keep moving rows that were looked up before. Decay moves every row.",
)

# %% [markdown]
# | rule | rows that move | why |
# |---|---|---|
# | plain descent | looked up now | no gradient, no step |
# | momentum | looked up now or before | $v$ fades and is not 0 |
# | decay | all | each row loses the same fraction |
# | Adam | looked up now or before | $a$ fades; divided by $\sqrt s$, which fades more slowly |
# | lazy Adam | looked up now | the memory of other rows rests |
#
# How much of its way does a row go while nobody looks it up? Here it is looked up in
# the first step, and then come 200 steps without.

# %% Measure the way after the look-up tags=["hide-input"]
once = [[0]] + [[]] * 200
for name, rule in rules.items():
    if name != "decay":
        way = run(rule, once, seed=0)[0][:, 0]
        print(f"{name:9} {100 * way[1:].sum() / way.sum():3.0f} % after the look-up")

# %% [markdown]
# For multi-task learning this matters twice. Two tasks may share a table: a step with a
# batch of task 1 alone still moves, by momentum or Adam, rows that only task 2 has
# looked up. And a weight of 0 stops a task's gradient, but not the memory of it: a head
# that was trained before goes on for a while. Dense Adam also touches the whole table
# in every step, which is slow if it has a million rows. In the package
# `mtl.Embedding(..., sparse=True)` makes steps lazy, with momentum too. Dense and lazy
# are two different algorithms: state which one you used.
#
# **The claims.** Rows of the gradient sum to 0; a look-up is a product with one-hot
# rows, forward and backward; and the rule for each optimiser says exactly which rows
# move. Tried on 30 seeds each.

# %% Try the first two claims on 30 seeds tags=["hide-input"]
row_sums, products = [], []
for seed in range(30):
    rng = np.random.default_rng(seed)
    z = 100 * rng.normal(size=(8, 5))
    _, G = cross_entropy(z, rng.integers(5, size=8))
    row_sums.append(np.abs(G.sum(1)).max())

    ids = rng.integers(6, size=10)  # ten look-ups in six rows: some repeat
    W, G = rng.normal(size=(6, 3)), rng.normal(size=(10, 3))
    g = np.zeros((6, 3))
    np.add.at(g, ids, G)
    one_hot = np.eye(6)[ids]
    same_rows = np.array_equal(W[ids], one_hot @ W)
    products.append(same_rows and np.allclose(g, one_hot.T @ G))
print("rows sum to 0 within 1e-14:", max(row_sums) < 1e-14)
print("look-up = one-hot product:", sum(products), "of 30")


# %% Say which rows should move tags=["hide-input"]
def expected_rows(name, lookups):
    """(steps, 6): whether each row should move."""
    now = np.array([np.isin(np.arange(6), ids) for ids in lookups])
    if name == "decay":
        return np.ones_like(now)
    if name in ("momentum", "Adam"):
        return np.logical_or.accumulate(now)  # now or before
    return now


# %%
agreed = {name: [] for name in rules}
for name, rule in rules.items():
    for seed in range(30):
        rng = np.random.default_rng(100 + seed)
        random_lookups = [rng.integers(6, size=rng.integers(3)) for _ in range(12)]
        distance, _ = run(rule, random_lookups, seed)
        as_said = (distance > 0) == expected_rows(name, random_lookups)
        agreed[name].append(as_said.all())
    print(f"{name:9} exactly the rows of the table above: {sum(agreed[name])} of 30")

# %% Check the claims tags=["hide-input"]
assert max(row_sums) < 1e-14
assert all(products)
assert all(all(right) for right in agreed.values())

# %% [markdown]
# ## The package computes the same
#
# `mtl.cross_entropy` is our function, `mtl.binary_cross_entropy` the case of one logit,
# `mtl.Embedding` the table, `mtl.SGD` and `mtl.Adam` the steps. (Decay under plain
# descent is the penalty `mtl.l2_penalty`, whose gradient is $2 \lambda W$.)

# %% Compare the losses tags=["hide-input"]
rng = np.random.default_rng(0)
z = mtl.Parameter(1000 * rng.normal(size=(6, 4)))
labels = rng.integers(4, size=6)
their_loss = mtl.cross_entropy(z, labels)
loss, G = cross_entropy(z.data, labels)
print("the same loss:", np.isclose(float(their_loss), loss, rtol=1e-12))
print(
    "the same gradient:",
    np.allclose(mtl.gradient(their_loss, z), G, rtol=0, atol=1e-12),
)


# %% Train a table with the package tags=["hide-input"]
def package_run(optimizer, sparse=False, λ=0.0):
    """The table at the end, from the start and the gradients of `run`."""
    table = mtl.Embedding(6, 3, np.random.default_rng(0), sparse=sparse)
    rng = np.random.default_rng(0)
    table.table = rng.normal(size=(6, 3))
    for ids in lookups:
        G = rng.normal(size=(len(ids), 3))
        loss = (table(np.array(ids)) * G).sum()  # its gradient at the rows is G
        if λ:
            loss = loss + mtl.l2_penalty({"all": [table.table]}, {"all": λ / 2})
        table.zero_grad()
        loss.backward()
        optimizer.step(table)
    return table.table.data


# %%
theirs = {
    "plain": package_run(mtl.SGD(η)),
    "momentum": package_run(mtl.SGD(η, momentum=μ)),
    "decay": package_run(mtl.SGD(η), λ=λ),
    "Adam": package_run(mtl.Adam(η)),
    "lazy Adam": package_run(mtl.Adam(η), sparse=True),
}
for name, table in theirs.items():
    ours = run(rules[name], lookups, seed=0)[1]
    print(f"{name:9} the same table:", np.allclose(table, ours, rtol=0, atol=1e-12))

# %% [markdown]
# ## Exercises
#
# Write in place of `raise NotImplementedError`, and run the cell.
# [Solutions](solutions/ch03.py).
#
# ### Exercise 3.1 · Which rows move?
#
# *5 minutes, easy.*
#
# `now` and `before` say for each row whether it was looked up in this step, and
# whether it was in an earlier one. Which rows move in this step?
#
# <details><summary>First hint</summary>
#
# Sort the five rules into three groups: those that need a gradient now, those that
# remember, and the one that needs neither.
#
# </details>
#
# <details><summary>Second hint</summary>
#
# "Or", entry by entry, is `now | before` for arrays of True and False.
#
# </details>


# %%
def rows_that_move(rule, now, before):
    """(V,) of True and False, from two such arrays (V,).

    rule: "plain", "momentum", "decay", "Adam" or "lazy Adam"
    """
    raise NotImplementedError


check_rows_that_move(rows_that_move)

# %% [markdown]
# ### Exercise 3.2 · Class weights
#
# *10 minutes, medium.*
#
# Each class $c$ has a weight, and an example weighs what its label weighs. Compute the
# loss (3.6) and its gradient. Logits may be as large as 10,000.
#
# <details><summary>First hint</summary>
#
# `class_weights[labels]` is the weight of each example, $(N,)$.
#
# </details>
#
# <details><summary>Second hint</summary>
#
# A weight belongs to an example. So it multiplies a whole row of $p - y$, and not a
# column.
#
# </details>
#
# <details><summary>Third hint</summary>
#
# Begin with $\log p$ by (3.4). The denominator is the sum of the weights of the
# *examples*.
#
# </details>


# %%
def class_weighted(z, labels, class_weights):
    """(loss, gradient (N, C)), from logits (N, C), labels (N,) and weights (C,)."""
    raise NotImplementedError


check_class_weighted(class_weighted)

# %% [markdown]
# ### Exercise 3.3 · Find the bug
#
# *5 minutes, medium.*
#
# The gradient of a table when each example looks up a basket of several products. It
# passed a test in which every basket held different products. Mend it. (Delete the
# `raise` to run it.)
#
# <details><summary>First hint</summary>
#
# The loop goes over baskets. What happens if a basket holds the same product twice?
#
# </details>
#
# <details><summary>Second hint</summary>
#
# `np.add.at` takes indices of any shape.
#
# </details>


# %%
def table_gradient(ids, G, V):
    """∂L/∂W (V, E) for look-ups W[ids], with ids (N, B) and G (N, B, E)."""
    raise NotImplementedError
    g = np.zeros((V, G.shape[2]))
    for basket, of_basket in zip(ids, G):
        g[basket] += of_basket
    return g


check_table_gradient(table_gradient)

# %% [markdown]
# ### Exercise 3.4 · Write the property that catches it
#
# *15 minutes, hard.*
#
# Your law gets a function like `cross_entropy` of this chapter, which takes logits and
# labels and returns the mean loss and its gradient. The wrong versions overflow, hide a
# rounded 0, take a sum for a mean, give a gradient that is not that of the loss, or
# subtract the largest logit of the wrong set.
#
# <details><summary>First hint</summary>
#
# Two things you know exactly: at equal logits the loss is $\log C$; if the label's
# logit is 10,000 below all others, it is about 10,000.
#
# </details>
#
# <details><summary>Second hint</summary>
#
# Move the logits a little in a random direction. The loss must change by the inner
# product of that move with the gradient.
#
# </details>
#
# <details><summary>Third hint</summary>
#
# Adding 10,000 to the logits of *one row* and subtracting it from another must change
# neither the loss nor the gradient.
#
# </details>


# %%
def law(cross_entropy):
    """Raises AssertionError if this function is wrong.

    cross_entropy: function of z (N, C) and labels (N,); returns (loss, gradient)
    """
    raise NotImplementedError


check_law(law)

# %% [markdown]
# ## What this does not show
#
# It does not show that the probabilities can be trusted. Cross-entropy rewards honest
# ones on training data; large networks are often too sure on new data. Nor does it show
# whether lazy Adam is better than Adam: rare products learn differently under the two,
# and only a measurement on held-out data decides.
#
# ## To recall
#
# 1. What is the gradient of cross-entropy at the logits, and why do its rows sum to 0?
#    <details><summary>Answer</summary>p − y, divided by N for a mean. Both p and y sum
#    to 1; adding one number to all logits changes nothing.</details>
# 2. A softmax is computed stably. Why is its logarithm still wrong?
#    <details><summary>Answer</summary>A probability below about 2e-324 is rounded to 0,
#    and its logarithm is −∞. Take the logarithm on paper first.</details>
# 3. All class weights are doubled. What happens to the loss? And if a task's weight is
#    doubled?
#    <details><summary>Answer</summary>Nothing: they stand in the denominator too. The
#    sum over tasks has no denominator. The task's part of the total loss, and of the
#    gradient, doubles.</details>
# 4. A batch looks up product 7 three times. What is the gradient of row 7, and what
#    does `g[ids] += G` make of it?
#    <details><summary>Answer</summary>The sum of the three rows of G. With += only the
#    last of them is kept.</details>
# 5. A row was last looked up 20 steps ago. Which optimisers still move it, and why?
#    <details><summary>Answer</summary>Momentum and Adam, whose memory of the old
#    gradient fades but is not 0; and decay, which needs no gradient. Plain descent and
#    lazy Adam do not.</details>
