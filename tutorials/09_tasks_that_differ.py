# %% [markdown]
# # 9 · Tasks that differ
#
# *40 minutes.* So far the tasks of a chapter looked alike. In practice one task reads
# words and another numbers, one has a thousand labels and another fifty, and half of
# the labels are missing. After this chapter you can say what such tasks may share,
# train them in one step, and know which of the many means your loss is. You will build
# networks that read sequences, and networks between hard and soft sharing.
#
# ![](figures/09_in_turn.svg)

# %% Import what the chapter needs tags=["hide-input"]
from copy import deepcopy

import matplotlib.pyplot as plt
import numpy as np
import tinymtl as mtl
from tinymtl.interaction import mean_and_error
from tinymtl.ops import softmax, sqrt, stack, where
from tinymtl.plots import TASK_COLOURS
from tinymtl.shop.lexicon import TERMS, stem
from tinymtl.shop.pieces import ACTS, LIMITS

from _show import show
from checks.ch09 import (
    check_gap,
    check_law,
    check_loss_and_gradient,
    check_multipliers,
    check_word_weights,
)

# %% [markdown]
# **What you need**: [chapter 2](02_dense_layer.md) (a dense layer, plain descent),
# [chapter 3](03_cross_entropy.md) (softmax, embeddings, weighted means),
# [chapter 4](04_hard_sharing.md) (trunk and heads), seeds and standard errors, and from
# mathematics the first Taylor term:
# $f(\theta + \delta) \approx f(\theta) + f'(\theta)\, \delta$.
#
# ## Notation
#
# | symbol | in code | shape | what it is |
# |---|---|---|---|
# | $x_t, L_t, w_t$ | `losses` | | inputs, own mean loss and weight of task $t$ |
# | $e_t, f, h_t$ | `encoders`, `trunk`, `heads` | functions | encoder of task $t$, trunk, head of task $t$ |
# | $x_l, z_l$ | `x` | $(D,)$, $(H,)$ | input and feature at place $l$ of a sequence |
# | $m_i, \ell_i$ | `present`, `each` | numbers | 1 if label $i$ is present, else 0; the loss of label $i$ |
# | $s_k$ | `s` | number | labels in line $k$ of a batch of $N$ lines |
# | $n_t, p_t, \tau$ | `n`, `p`, `tau` | numbers | examples of task $t$, its share of the steps, temperature |
# | $g_t, H_t$ | `g1`, `g2`, `H` | $(P,)$, $(P, P)$ | gradient of $L_t$, and its matrix of second derivatives |
# | $\eta$ | `rate` | number | learning rate |
# | $\alpha$ | `alphas` | $(T, T)$ | cross-stitch: how much each task takes of each |
# | $\pi_{tk}$ | `π` | number | gate: how much task $t$ takes of expert $k$ |
#
# ## Alike or not?
#
# Tasks are **homogeneous** if their inputs are of one *kind* and their outputs are of
# one *kind*. Otherwise they are **heterogeneous**. "Kind" means the same columns with
# the same meaning, not the same examples. A survey speaks of the two halves separately:
# tasks of one type, and tasks in one feature space (Zhang & Yang, 2022). People argue
# about cases like these:
#
# | tasks | inputs | outputs | so |
# |---|---|---|---|
# | spending of customers in ten cities | same kind, other people | a number | homogeneous |
# | forty yes-or-no traits of a face | the same picture | yes or no, forty meanings | homogeneous |
# | department (4 classes) and category (70) of a product | same | a class, other classes | homogeneous in kind; heads differ in size |
# | price and "was it bought" of a product | same | a number; yes or no | heterogeneous: two losses, two units |
# | the intent of a line and the role of each word | same | one class; a class for each word | heterogeneous |
# | sentiment of reviews in two languages | words of different tables | yes or no | heterogeneous in inputs |
#
# The name decides two practical things. Inputs of one kind can enter one trunk as they
# are. Outputs of one kind can be measured by one loss, in one unit. The name does *not*
# say whether the tasks help each other: homogeneous tasks may be unrelated, and
# heterogeneous ones may teach each other much.
#
# ## Inputs that differ: encoders
#
# A trunk needs inputs of one width. If a task's inputs are of another kind, put an
# *encoder* of its own in front of the trunk:
#
# $$
# \text{output}_t = h_t\big(f(e_t(x_t))\big) \tag{9.1}
# $$
#
# `mtl.HardSharing` takes encoders by task. The trunk's parameters receive
# $\sum_t w_t g_t$, as in chapter 4. An encoder belongs to one task and gets its
# gradient from that task alone, like a head.
#
# What does such a trunk share? Less than one might hope. Suppose the encoder of task b
# and the first layer of the trunk are linear, with matrices $E$ and $W$. Then task b
# sees only their product $E W$.
#
# **Predict**: replace $W$ by $M W$ and $E$ by $E M^{-1}$, with any invertible $M$. What
# happens to the outputs of task b, and to those of task a, which has no encoder?
#
# <details><summary>Answer</summary>
#
# Nothing happens to task b, because $E M^{-1} M W = E W$. The outputs of task a change.
# So the labels of task b cannot tell $W$ from $M W$, although for task a it makes all
# the difference.
#
# </details>

# %%
rng = np.random.default_rng(0)
trunk = mtl.Sequential(mtl.Dense(4, 8, rng), mtl.tanh, mtl.Dense(8, 8, rng), mtl.tanh)
heads = {"a": mtl.Dense(8, 1, rng), "b": mtl.Dense(8, 3, rng)}
encoders = {"b": mtl.Dense(7, 4, rng)}  # task b has 7 features, the trunk takes 4
model = mtl.HardSharing(trunk, heads, encoders)
inputs = {"a": rng.normal(size=(5, 4)), "b": rng.normal(size=(6, 7))}
before = model.predict(inputs)  # (9.1)

M = rng.normal(size=(4, 4))
first = model.trunk.parts[0]
encoder = model.encoders["b"]
first.W = M @ first.W.data
encoder.W = encoder.W.data @ np.linalg.inv(M)
after = model.predict(inputs)
for task in heads:
    print(f"outputs of {task} stay:", np.allclose(before[task], after[task]))

# %% [markdown]
# Sharing begins where an encoder can no longer undo it: in the layers that follow, or
# right at the first layer if the encoder is frozen. If two encoders read words, let
# them hold one and the same table of words. The package then counts the table as
# shared.
#
# ## Reading a sequence: who sees whom?
#
# A line of words is a sequence of $L$ vectors $x_l$. Three kinds of layers turn it into
# features $z_l$, one for each place:
#
# $$
# \begin{aligned}
# \text{recurrent:} \quad & z_l = \tanh(x_l W + z_{l-1} U + b) \\
# \text{convolution:} \quad & z_l = \textstyle\sum_k x_{l+k} W_k + b \\
# \text{attention:} \quad & z_l = \textstyle\sum_m a_{lm}\, v_m,
# \qquad a_{l \cdot} = \text{softmax}_m\big(q_l \cdot k_m / \sqrt{D}\big)
# \end{aligned} \tag{9.2}
# $$
#
# In a convolution of width 3, $k$ is $-1$, 0 and 1. The first two are `mtl.RNN` (Elman,
# 1990) and `mtl.Conv1D`. Both use the same matrices at every place, as a trunk uses the
# same matrices for every task. So the gradient of $U$ is a *sum* over the places that
# used it. The third needs three dense layers, which
# make a query $q_l$, a key $k_m$ and a value $v_m$ of each place (Vaswani et al.,
# 2017).


# %%
class Attention(mtl.Module):
    """x (N, L, D) -> (N, L, D): a mean of the values, weighted by query and key."""

    def __init__(self, D, rng):
        self.query = mtl.Dense(D, D, rng)
        self.key = mtl.Dense(D, D, rng)
        self.value = mtl.Dense(D, D, rng)

    def __call__(self, x):
        q, k, v = self.query(x), self.key(x), self.value(x)
        scores = q @ k.transpose(0, 2, 1) / np.sqrt(x.shape[-1])  # (N, L, L)
        return softmax(scores) @ v  # (9.2), third line


# %% [markdown]
# Which input can a feature depend on? Differentiate the feature at place $l$ by the
# input at place $m$, and look where the derivative is not zero. The darker a square in
# the picture, the larger the derivative, compared with the largest of its row.


# %% Differentiate features by inputs tags=["hide-input"]
def sees(layer, L=9, D=4):
    """(L, L): size of the derivative of the feature at place l by the input at m."""
    x = mtl.Parameter(np.random.default_rng(1).normal(size=(1, L, D)))
    z = layer(x)
    size = np.zeros((L, L))
    for place in range(L):
        for h in range(z.shape[2]):
            slope = mtl.gradient(z[0, place, h], x)  # (1, L, D)
            size[place] += (slope[0] ** 2).sum(1)
    return np.sqrt(size)


two = mtl.Sequential(mtl.Conv1D(4, 4, 3, rng), mtl.Conv1D(4, 4, 3, rng))
layers = {
    "convolution": mtl.Conv1D(4, 4, 3, rng),
    "two convolutions": two,
    "recurrent": mtl.RNN(4, 4, rng),
    "attention": Attention(4, rng),
}
seen = {name: sees(layer) for name, layer in layers.items()}

# %% Draw who sees whom tags=["hide-input"]
figure, axes = plt.subplots(
    1, 4, figsize=(7.4, 2.5), sharey=True, layout="constrained", facecolor="white"
)
for ax, (name, size) in zip(axes, seen.items()):
    relative = size / size.max(1, keepdims=True)
    shade = np.where(size > 1e-12, 0.2 + 0.8 * relative, 0)
    ax.pcolormesh(shade, cmap="Purples", vmin=0, vmax=1, edgecolor="0.85", lw=0.5)
    ax.set_title(name, fontsize=11)
    ax.set_aspect("equal")
    ax.set_xticks([0.5, 8.5], ["first", "last"])
    ax.set_xlabel("input at place m")
axes[0].set_yticks([0.5, 8.5], ["first", "last"])
axes[0].set_ylabel("feature at place l")
axes[0].invert_yaxis()
show(
    figure,
    "09_who_sees_whom.svg",
    "White: the feature does not depend on this input. A convolution of width 3 sees "
    "its neighbours, two of them see two neighbours on each side. A recurrent layer "
    "sees the past, paler the longer ago. Attention sees every place.",
)

# %% Check who sees whom tags=["hide-input"]
place, m = np.indices((9, 9))
reach = {
    "convolution": abs(place - m) <= 1,
    "two convolutions": abs(place - m) <= 2,
    "recurrent": m <= place,
    "attention": place >= 0,
}
for name, expected in reach.items():
    assert ((seen[name] > 1e-12) == expected).all(), name
recurrent = seen["recurrent"]
assert recurrent[8, 0] < 0.5 * recurrent[8, 8], "the far past fades"

# %% [markdown]
# A recurrent layer forgets for a reason. On the way back by one place,
# the derivative is multiplied by $U^\top$ and by the slope of tanh, which is at most 1.
# With a small $U$ it shrinks by a factor at each place. With a large one it may grow
# instead.
#
# As a shared trunk, take what the most demanding task needs. For an answer about a word
# and its neighbours a convolution is enough. For one answer about the whole line, take
# the last state of a recurrent layer (given `lengths`, `mtl.RNN` keeps it for short
# lines), or a mean over places. In attention, give the filling of short lines the score
# $-\infty$. Then softmax gives it the weight 0.
#
# Attention has limits that are easy to check. With all queries 0 every score is 0, so
# every place gets the plain mean of the values. And if the words change places, the
# features move along: without information about places it does not know the order.
#
# Deep trunks also normalise. **LayerNorm** (Ba et al., 2016) gives the features of each
# place mean 0 and variance 1, then a gain $\gamma$ and a shift $\beta$ that are
# learned:
#
# $$
# \text{LayerNorm}(z) = \gamma\, \frac{z - \bar z}{\sqrt{\text{var}(z) + 10^{-5}}}
# + \beta \tag{9.3}
# $$
#
# We build it as a subclass of `mtl.Module`. Mean and variance are over the features of
# *one* example, and that suits tasks that differ. Batch normalisation takes them over
# the batch. Then the examples of one task change the outputs of another.


# %%
class LayerNorm(mtl.Module):
    """z (..., D) -> (..., D), normalised over the last axis."""

    def __init__(self, D):
        self.gain = mtl.Parameter(np.ones(D))
        self.shift = mtl.Parameter(np.zeros(D))

    def __call__(self, z):
        centred = z - z.mean(-1, keepdims=True)
        variance = (centred * centred).mean(-1, keepdims=True)
        return self.gain * centred / sqrt(variance + 1e-5) + self.shift  # (9.3)


# %% Check the limits of attention and LayerNorm tags=["hide-input"]
x = mtl.Tensor(rng.normal(size=(2, 6, 4)))
attention = Attention(4, rng)
order = rng.permutation(6)
moved = attention(x[:, order]).data
print(
    "words moved, features move along:", np.allclose(attention(x).data[:, order], moved)
)
attention.query.W = np.zeros((4, 4))
plain_mean = attention.value(x).data.mean(1, keepdims=True)
print("query 0 gives the plain mean:", np.allclose(attention(x).data, plain_mean))
norm = LayerNorm(4)
z = 3 + 5 * rng.normal(size=(4, 4))
z_others = np.vstack([z[:1], 100 * z[1:]])
same = np.allclose(norm(mtl.Tensor(z)).data[0], norm(mtl.Tensor(z_others)).data[0])
print("LayerNorm of an example does not see the others:", same)
assert same and np.allclose(attention(x).data, plain_mean)
assert np.allclose(norm(mtl.Tensor(z)).data.mean(1), 0)
assert np.allclose(norm(mtl.Tensor(z)).data.var(1), 1, atol=1e-4)
mtl.check_gradient(lambda z: (norm(z) ** 3).sum(), z)

# %% [markdown]
# ## Missing labels: choose first, then square
#
# Often an example has a label for one task and none for another. A table marks the gap
# by NaN, *not a number*. The loss of a task is then the mean over the labels present:
#
# $$
# L_t = \frac{\sum_i m_i\, \ell_i}{\sum_i m_i} \tag{9.4}
# $$
#
# All losses of the package, such as `mtl.mse`, take $m$ as a third argument. The
# formula has a trap. Zero times NaN is NaN, so one missing label makes the whole sum
# NaN.
#
# **Predict**: you compute all squares first, then choose those that are present
# and drop the others. Does this help?
#
# <details><summary>Answer</summary>
#
# It repairs the loss and not the gradient. Backwards, the square at a missing label
# receives the gradient 0 and multiplies it with its slope $2(p - y)$, which is NaN.
# A step then turns the parameters into NaN, though the loss that you printed was fine.
#
# </details>

# %%
p = mtl.Parameter([1.0, 2.0])  # predictions
y = np.array([0.0, np.nan])  # the second label is missing
present = ~np.isnan(y)

multiplied = ((p - y) ** 2 * present.astype(float)).sum()
square_first = where(present, (p - y) ** 2, 0.0).sum()
each = (p[present] - y[present]) ** 2
ways = {
    "multiply by 0": multiplied,
    "square, then choose": square_first,
    "choose, then square": each.sum() / len(each.data),  # (9.4)
    "mtl.mse": mtl.mse(p, y, present),
}
for name, loss in ways.items():
    print(f"{name:20} loss {float(loss):3.0f}   gradient {mtl.gradient(loss, p)}")

# %% [markdown]
# In a small batch a task may have *no* label at all. Its loss is then 0 without any
# gradient, and the other tasks go on. (Adam or momentum may still move its head, by the
# memory of chapter 3.) `mtl.fit` leaves the task out *before* it asks a rule for the
# weights: a rule that computes $1/L_t$ would divide by zero. In the history such a step
# shows NaN: not measured.


# %% Train on batches without a label tags=["hide-input"]
def two_tasks():
    """A small model, its losses, and 1,000 and 50 examples."""
    rng = np.random.default_rng(0)
    heads = {t: mtl.Dense(2, 1, rng) for t in ("a", "b")}
    data = {}
    for task, size in (("a", 1000), ("b", 50)):
        data[task] = (rng.normal(size=(size, 2)), rng.normal(size=(size, 1)))
    return mtl.HardSharing(mtl.Dense(2, 2, rng), heads), data


losses = {"a": mtl.mse, "b": mtl.mse}
settings = {"steps": 100, "batch_size": 10, "quiet": True}
model, data = two_tasks()
labelled = np.arange(50)[:, None] < 5
data["b"] = (*data["b"], labelled)  # 5 of 50 labels are present
history = mtl.fit(
    model,
    data,
    losses,
    optimizer=mtl.SGD(0.01),
    weights=lambda L, G=None: 1 / L,
    rng=np.random.default_rng(0),
    **settings,
)
absent = np.isnan(history.losses["b"])
print(f"task b had no label in {absent.sum()} of 100 batches; the weights were 1/L")
assert 0 < absent.sum() < 100
assert (history.weights["b"][absent] == 0).all()
assert np.isfinite(model.theta).all()

# %% [markdown]
# ## Whose mean?
#
# "The mean loss" is not one thing. Take tags for words, in lines of different length.
# The **token mean** counts each word the same. The **sequence mean** first takes the
# mean of each line, and then counts each line the same. Both are sums over words $i$,
# with different weights:
#
# $$
# \text{token: } \frac{1}{\sum_k s_k}, \qquad
# \text{sequence: } \frac{1}{N s_k} \text{ for a word of line } k \tag{9.5}
# $$
#
# With these weights as the mask, `mtl.cross_entropy` computes either of the two.
# Neither is wrong. They answer different questions, so say which one you report. The
# filling of short lines must be in neither.
#
# The same arithmetic returns three times in multi-task learning, and each time *a mean
# of means is not the mean*:
#
# | parts | mean of all | mean of the parts' means |
# |---|---|---|
# | words in lines | token mean | sequence mean |
# | examples in tasks | joined mean $\sum_t \frac{n_t}{n} L_t$: large tasks rule | own means $\sum_t w_t L_t$: sizes do not matter |
# | examples in small batches | what one large batch gives | a short last batch counts too much |
#
# With 900 examples of one task and 100 of another, the joined mean is
# $0.9\, L_1 + 0.1\, L_2$: sizes have become weights that nobody chose. The package
# gives each task its own mean. So `batch_size={"a": 32, "b": 8}` makes task b noisier
# and not lighter.

# %%
s = np.array([2, 8])  # words in two lines
token = np.repeat(1 / s.sum(), 10)  # (9.5)
sequence = 1 / (len(s) * np.repeat(s, s))  # (9.5)
logits = mtl.Tensor(rng.normal(size=(10, 3)))
tags = rng.integers(3, size=10)
for name, mask in (("token mean", token), ("sequence mean", sequence)):
    loss = float(mtl.cross_entropy(logits, tags, mask))
    print(f"{name:14} long line has {mask[2:].sum():.0%}   loss {loss:.2f}")

# %% Draw what each word weighs tags=["hide-input"]
BLUE, ORANGE = TASK_COLOURS[:2]
PURPLE = "#7B3FA0"
figure, ax = plt.subplots(figsize=(6.4, 1.9), layout="constrained", facecolor="white")
for row, weights in enumerate((sequence, token)):
    left = 0.0
    for i, weight in enumerate(weights):
        colour = PURPLE if i < 2 else "0.75"
        ax.barh(
            row, weight, left=left, height=0.6, color=colour, edgecolor="white", lw=2
        )
        left += weight
ax.set_yticks([0, 1], ["sequence mean", "token mean"], fontsize=12)
ax.text(0.1, 1.42, "line 1, 2 words", color=PURPLE, ha="center", fontsize=11)
ax.text(0.6, 1.42, "line 2, 8 words", color="0.4", ha="center", fontsize=11)
ax.set(xlim=(0, 1), ylim=(-0.4, 1.75), xlabel="share of the loss")
ax.spines[["top", "right", "left"]].set_visible(False)
show(
    figure,
    "09_whose_mean.svg",
    "Each block is a word. In the token mean all words weigh the same, so the long "
    "line has most of the loss. In the sequence mean both lines have half of it, and a "
    "word of the short line weighs four times as much.",
)

# %% Check the means tags=["hide-input"]
of_lines = [
    float(mtl.cross_entropy(logits[:2], tags[:2])),
    float(mtl.cross_entropy(logits[2:], tags[2:])),
]
print(f"means of the two lines {of_lines[0]:.2f} and {of_lines[1]:.2f}")
print(f"mean of these two, the sequence mean: {np.mean(of_lines):.2f}")
assert np.isclose(loss, np.mean(of_lines))
own = np.array(of_lines) @ (s / s.sum())  # the joined mean of the parts' means
assert np.isclose(own, float(mtl.cross_entropy(logits, tags)))

# %% [markdown]
# ## A thousand labels here, fifty there
#
# When a task has few examples, its data run out first, and most programs start them
# again. If every step has a batch of every task, this *re-looping* is **oversampling**:
# the small set is seen more often, and the model learns it by heart sooner. Watch its
# held-out loss. `mtl.fit` does this and counts the rounds in `history.epochs`.
#
# Other programs draw one task for each step, with a probability that grows with the
# number of its examples:
#
# $$
# p_t = \frac{n_t^{1/\tau}}{\sum_s n_s^{1/\tau}} \tag{9.6}
# $$
#
# The *temperature* $\tau$ leads from one extreme to the other. At $\tau = 1$ the shares
# are **proportional** to the sizes: the joined mean. As $\tau \to \infty$ they become
# **equal**, as in `mtl.fit`. (It is often told the other way round.) Models for a
# hundred languages used $\tau = 5$, in between (Arivazhagan et al., 2019).
#
# Sampling is weighting. Task $t$ comes with probability $p_t$, so the mean step goes
# along $\sum_t p_t w_t g_t$. Under plain descent, shares act like weights, and using
# both at once counts a task twice.


# %%
def shares(n, tau):
    """The share of the steps of each task, by its number of examples n (T,)."""
    powers = np.asarray(n, float) ** (1 / tau)
    return powers / powers.sum()  # (9.6)


n = np.array([1000, 200, 50])
for tau in (1, 5, 1e9):
    p = shares(n, tau)
    rounds = 1000 * 10 * p / n  # 1,000 steps of 10 examples
    print(f"τ = {tau:<5g} shares {p.round(2)}   rounds {rounds.round(1)}")

# %% Draw the shares over the temperature tags=["hide-input"]
temperatures = np.geomspace(1, 100, 81)
curves = np.array([shares(n, tau) for tau in temperatures])
figure, ax = plt.subplots(figsize=(5.6, 3), layout="constrained", facecolor="white")
places = ((2.3, 0.66), (1, 0.35), (1.75, 0.03))
for t, (size, style) in enumerate(zip(n, ("-", "--", "-."))):
    ax.plot(temperatures, curves[:, t], style, color=TASK_COLOURS[t], linewidth=2.5)
    ax.text(*places[t], f"{size:,} examples", color=TASK_COLOURS[t], fontsize=11)
ax.set(xscale="log", xlabel="temperature τ (log scale)", ylabel="share of the steps")
ax.set_xticks([1, 5, 10, 100], ["1\nproportional", "5", "10", "100\nalmost equal"])
ax.minorticks_off()
ax.set_ylim(0, 0.85)
show(
    figure,
    "09_shares.svg",
    "At temperature 1 the shares are proportional to the data sets, and the small one "
    "is hardly seen. As the temperature grows they slowly approach one third each.",
)

# %% Check the rounds that fit counts tags=["hide-input"]
model, data = two_tasks()
rng = np.random.default_rng(0)
history = mtl.fit(model, data, losses, optimizer=mtl.SGD(0.01), rng=rng, **settings)
print("fit, 1,000 and 50 examples, 100 steps of 10: rounds", history.epochs)
assert history.epochs == {"a": 1, "b": 20}

# %% [markdown]
# ## Together or in turn?
#
# If tasks have different data, it is simplest to train them in turn: a step on task 1,
# then a step on task 2. A *joint* step takes both gradients at the same point instead.
# How do they differ? The joint step is
#
# $$
# \theta_{\text{joint}} = \theta - \eta\, g_1(\theta) - \eta\, g_2(\theta)
# $$
#
# In turn, the second gradient is taken where the first step has led:
#
# $$
# \theta_{\text{turn}} = \theta - \eta\, g_1(\theta)
# - \eta\, g_2\big(\theta - \eta\, g_1(\theta)\big)
# $$
#
# > **In short: second derivatives.** The matrix $H_2$ holds all second derivatives of
# > $L_2$. It says how the gradient changes along a small way $\delta$:
# > $g_2(\theta + \delta) \approx g_2(\theta) + H_2\, \delta$. For a quadratic loss this
# > is exact.
#
# Put $\delta = -\eta g_1$ into it: $g_2(\theta - \eta g_1) \approx g_2 - \eta H_2 g_1$.
# The rest cancels in the difference:
#
# $$
# \theta_{\text{turn}} - \theta_{\text{joint}} \approx \eta^2 H_2\, g_1 \tag{9.7}
# $$
#
# (`mtl.fit` makes joint steps. To train in turn, call it with the data of one task at a
# time; the other heads rest.)
#
# **Predict**: you halve the learning rate. How much smaller does the gap of one round
# become? What is the gap when task 2 goes first?
#
# <details><summary>Answer</summary>
#
# Four times smaller, so even in comparison with a step it is half as large. In the
# other order the gap is $\eta^2 H_1 g_2$: the order matters, at the same small scale.
#
# </details>


# %% Draw a joint step and steps in turn tags=["hide-input"]
H = np.array([[[1.0, 0.0], [0.0, 0.35]], [[0.5, -0.45], [-0.45, 1.3]]])
c = np.array([[3.0, 0.1], [1.6, 2.6]])  # where the two quadratic losses are least
start = np.zeros(2)
first = start - 0.55 * H[0] @ (start - c[0])
in_turn = first - 0.55 * H[1] @ (first - c[1])
joint = first - 0.55 * H[1] @ (start - c[1])
figure, ax = plt.subplots(figsize=(5.4, 3.7), layout="constrained", facecolor="white")
x, y = np.meshgrid(np.linspace(-0.3, 3, 200), np.linspace(-0.5, 2.4, 200))
away = np.stack([x, y], -1) - c[1]
level = np.einsum("...i,ij,...j", away, H[1], away) / 2
ax.contour(x, y, level, levels=np.linspace(0.1, 5, 9), colors=ORANGE, alpha=0.2)


def arrow(a, b, colour, style="-"):
    look = {"arrowstyle": "-|>", "color": colour, "lw": 3.5, "mutation_scale": 24}
    look |= {"linestyle": style, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", b, a, arrowprops=look)


arrow(start, first, BLUE)
arrow(first, in_turn, ORANGE)
arrow(start, joint, PURPLE)
ax.plot(*zip(in_turn, joint), ":", color="black", linewidth=3)
ax.plot(*start, "o", color="black", markersize=11)
ax.text(0.75, -0.25, "step on task 1", color=BLUE, fontsize=15, ha="center")
ax.text(1.62, 0.65, "then on task 2", color=ORANGE, fontsize=15)
ax.text(0.62, 0.8, "joint step", color=PURPLE, fontsize=15, ha="center", rotation=38)
ax.text(1.3, 1.85, "the gap:  η² H₂ g₁", fontsize=15)
ax.set(xlim=(-0.3, 3), ylim=(-0.5, 2.4))
ax.axis("off")
show(
    figure,
    "09_in_turn.svg",
    "A step on task 1 and then one on task 2 end beside one joint step of both. The "
    "gap arises because task 2 takes its gradient at another point. Pale: lines along "
    "which the loss of task 2 is equal.",
)


# %% Take gradients at a given point tags=["hide-input"]
def gradient_at(model, θ, task, data):
    """∇L_t at θ, for all parameters. Those of the model are put back."""
    before = model.theta.copy()
    model.theta[:] = θ
    model.stepped()
    X, y = data[task]
    model.zero_grad()
    losses[task](model({task: X})[task], y).backward()
    gradient = model.grad.copy()
    model.theta[:] = before
    model.stepped()
    return gradient


def second_times(model, θ, task, g, data):
    """H_t g at θ, by central differences of the gradient."""
    ahead = gradient_at(model, θ + 1e-4 * g, task, data)
    behind = gradient_at(model, θ - 1e-4 * g, task, data)
    return (ahead - behind) / 2e-4


# %% [markdown]
# In the next lines `gradient_at` is $\nabla L_t$ at any point, and `second_times` is
# $H_t\, g$, from two gradients close by.


# %%
def gap(model, data, rate):
    """How far a step in turn ends from a joint step: measured, and by (9.7)."""
    θ = model.theta.copy()
    g1 = gradient_at(model, θ, "a", data)
    g2 = gradient_at(model, θ, "b", data)
    joint = θ - rate * (g1 + g2)
    after_a = θ - rate * g1
    in_turn = after_a - rate * gradient_at(model, after_a, "b", data)
    predicted = rate**2 * second_times(model, θ, "b", g1, data)  # (9.7)
    return np.linalg.norm(in_turn - joint), np.linalg.norm(predicted)


# %% Measure the gap over learning rates tags=["hide-input"]
rates = 10.0 ** np.arange(-4, -0.9, 0.5)
seeds = 20
measured = np.zeros((seeds, len(rates)))
theory = np.zeros((seeds, len(rates)))
for seed in range(seeds):
    rng = np.random.default_rng(seed)
    data, _ = mtl.datasets.related_tasks(rng, relatedness=0.5)
    trunk = mtl.Sequential(mtl.Dense(8, 8, rng), mtl.tanh)
    model = mtl.HardSharing(trunk, {t: mtl.Dense(8, 1, rng) for t in data})
    for i, rate in enumerate(rates):
        measured[seed, i], theory[seed, i] = gap(model, data, rate)
slopes = np.diff(np.log(measured[:, :5]), axis=1) / np.diff(np.log(rates[:5]))
mean, error = mean_and_error(slopes.mean(1))
print(f"slope {mean:.3f} ± {error:.3f}, {seeds} seeds; (9.7) says 2")

# %% Draw the gap tags=["hide-input"]
figure, ax = plt.subplots(figsize=(5.6, 3.2), layout="constrained", facecolor="white")
ax.plot(rates, theory.mean(0), color="0.5", linewidth=2)
centre, error = mean_and_error(measured)
ax.errorbar(
    rates, centre, yerr=3 * error, fmt="o", color="#7B3FA0", markersize=7, capsize=3
)
ax.set(xscale="log", yscale="log", xlabel="learning rate η (log scale)")
ax.set_ylabel("distance between the two ends")
ax.text(1.4e-3, 1.2e-7, "theory: η² ‖H₂ g₁‖", color="0.4")
ax.text(
    1.2e-4, 1e-3, f"measured, {seeds} seeds\n(bars: 3 standard errors)", color="#7B3FA0"
)
show(
    figure,
    "09_gap.svg",
    "A step on each task in turn ends close to one joint step. The distance falls with "
    "the square of the learning rate, on the line that theory draws.",
)

# %% Check the claim tags=["hide-input"]
assert 1.95 < slopes.min() and slopes.max() < 2.05
assert np.allclose(measured[:, :3], theory[:, :3], rtol=0.02)

A = rng.normal(size=(2, 5, 5))
H = A @ A.swapaxes(1, 2)  # two quadratics ½ (θ − c)ᵀ H (θ − c)
c = rng.normal(size=(2, 5))
θ = rng.normal(size=5)
g = np.einsum("tij,tj->ti", H, θ - c)
turned = θ - 0.05 * g[0]
turned = turned - 0.05 * H[1] @ (turned - c[1])
joint = θ - 0.05 * g.sum(0)
assert np.allclose(turned - joint, 0.05**2 * H[1] @ g[0], atol=1e-14)
print("for quadratic losses (9.7) is exact")

# %% [markdown]
# You can have the joint step without all tasks in memory at once. Compute the gradients
# one after the other, let them **accumulate**, and step once at the end. No parameter
# moves in between, so this *is* the joint step. If a task comes in parts, multiply each
# part's mean by its share of the examples, or you take a mean of means.

# %%
model.zero_grad()
for task, (X, y) in data.items():
    for part in (slice(0, 70), slice(70, 100)):  # two parts, 70 and 30 of 100
        loss = mtl.mse(model({task: X[part]})[task], y[part])
        (loss * (len(y[part]) / len(y))).backward()  # adds to model.grad

# %% Compare with the joint step tags=["hide-input"]
accumulated = model.grad.copy()
joint = gradient_at(model, model.theta, "a", data)
joint = joint + gradient_at(model, model.theta, "b", data)
agree = np.allclose(accumulated, joint, rtol=0, atol=1e-12)
print("accumulated = joint:", agree)
assert agree

# %% [markdown]
# All this is about plain descent. Adam divides by the size of recent gradients, so each
# of its steps moves a parameter by about $\eta$, however long the gradient is. Two
# steps in turn go up to twice as far as a joint one, and Adam's memory mixes both
# tasks.


# %% Measure Adam's first steps tags=["hide-input"]
def adam_moves(rounds):
    """How far each parameter moves, when each round sums these tasks' gradients."""
    start = model.theta.copy()
    adam = mtl.Adam(0.01)
    for tasks in rounds:
        model.zero_grad()
        for task in tasks:
            X, y = data[task]
            losses[task](model({task: X})[task], y).backward()
        adam.step(model)
    moves = np.abs(model.theta - start)
    model.theta[:] = start
    model.stepped()
    return moves[: model.P]


for name, rounds in (("joint", [("a", "b")]), ("in turn", [("a",), ("b",)])):
    print(f"Adam, {name:8} farthest move {adam_moves(rounds).max() / 0.01:.1f} η")

# %% [markdown]
# ## Intent and slots: two tasks read one line
#
# The shop's agent must know of each line what is asked, the *intent*, and which words
# are what, the *slots*: product, product not wanted, limit, amount, or none. The agent
# reads by rules, from tables of phrases and products. Here a network learns from lines
# made of the same tables. Of 300 training lines all have slots and 60 have an intent; a
# mask says which. A third of the phrases and of the products is kept for the test.
#
# The trunk makes a feature of each word. The head of the intents adds up the features
# of a line, and one dense layer turns the sum into one answer. The head of the slots is
# a dense layer too, but it answers for each word. Its loss is the token mean (9.5).
#
# **Predict**: does one trunk help the intents, which have few labels? And the slots,
# which have many?
#
# <details><summary>Answer</summary>
#
# The slots lose: about three points of a hundred after 100 steps, and one after 200.
# For the intents no difference can be told from chance.
#
# </details>

# %% Make the lines tags=["hide-input"]
INTENTS = ["price", "where", "size", "with", "recommend"]
SLOTS = ["none", "product", "not wanted", "limit", "amount"]
LENGTH = 14  # words; a shorter line is filled with a word of its own
PHRASES = {
    intent: [words for words, act in ACTS.items() if act == intent and len(words) <= 4]
    for intent in INTENTS
}
PRODUCTS = [words for words in TERMS if len(words) <= 2]
BOUNDS = [words for words in LIMITS if len(words) <= 2]
ARTICLES = [("the",), ("your",), ("any",), ()]
WITHOUT = [("but", "no"), ("not",), ("without",), ("nothing", "with")]


def pick(rng, table):
    return table[rng.integers(len(table))]


def write(rng, phrases, products):
    """A line: the number of its intent, its words, and the number of each slot."""
    intent = rng.integers(len(INTENTS))
    parts = [(pick(rng, phrases[INTENTS[intent]]), 0), (pick(rng, ARTICLES), 0)]
    parts.append((pick(rng, products), 1))
    if rng.random() < 0.5:
        number = str(rng.integers(1, 20))
        parts += [(pick(rng, BOUNDS), 3), ((number, "dollars"), 4)]
    if rng.random() < 0.5:
        parts += [(pick(rng, WITHOUT), 0), (pick(rng, products), 2)]
    words = [word for part, _ in parts for word in part]
    slots = [slot for part, slot in parts for _ in part]
    return intent, words[:LENGTH], slots[:LENGTH]


def split(rng, table):
    """Two thirds for training, and the rest for the test."""
    order = rng.permutation(len(table))
    first = len(table) * 2 // 3
    return [table[i] for i in order[:first]], [table[i] for i in order[first:]]


# %% Turn lines into numbers tags=["hide-input"]
def key(word):
    return "7" if word.isdigit() else stem(word)  # one entry for all numbers


def arrays(lines, number):
    """Word numbers (N, LENGTH), intents (N,), slots and mask (N, LENGTH)."""
    ids = np.full((len(lines), LENGTH), len(number) + 1)  # the filling
    slots = np.zeros(ids.shape, int)
    mask = np.zeros(ids.shape, bool)
    for n, (_, words, of_words) in enumerate(lines):
        ids[n, : len(words)] = [number.get(key(word), len(number)) for word in words]
        slots[n, : len(words)] = of_words
        mask[n, : len(words)] = True
    return ids, np.array([intent for intent, *_ in lines]), slots, mask


def lines_of(seed):
    """Training data, test data, the size of the vocabulary, and the test lines."""
    rng = np.random.default_rng(seed)
    halves = {intent: split(rng, PHRASES[intent]) for intent in INTENTS}
    products, new_products = split(rng, PRODUCTS)
    phrases = {intent: half[0] for intent, half in halves.items()}
    new_phrases = {intent: half[1] for intent, half in halves.items()}
    lines = [write(rng, phrases, products) for _ in range(300)]
    new_lines = [write(rng, new_phrases, new_products) for _ in range(300)]
    known = sorted({key(word) for _, words, _ in lines for word in words})
    number = {word: i for i, word in enumerate(known)}
    ids, intents, slots, mask = arrays(lines, number)
    # One word in ten becomes unknown, so that the network learns what to do then.
    hidden = mask & (rng.random(ids.shape) < 0.1)
    ids[hidden] = len(number)
    train = {"intent": (ids, intents, np.arange(300) < 60), "slots": (ids, slots, mask)}
    ids, intents, slots, mask = arrays(new_lines, number)
    test = {"intent": (ids, intents), "slots": (ids, slots, mask)}
    return train, test, len(number) + 2, new_lines


# %%
class Reader(mtl.Module):
    """The trunk: word numbers (N, L) -> a feature of each word and its neighbours."""

    def __init__(self, V, rng):
        self.filling = V - 1
        self.words = mtl.Embedding(V, 12, rng)
        self.window = mtl.Conv1D(12, 24, 3, rng)  # or mtl.RNN(12, 24, rng)

    def __call__(self, ids):
        present = (ids != self.filling)[:, :, None].astype(float)
        return mtl.relu(self.window(self.words(ids) * present)) * present


# %% Write the head of the intents and the loss of the slots tags=["hide-input"]
class IntentHead(mtl.Module):
    """One answer for a line: from the sum of its features, scaled."""

    def __init__(self, rng):
        self.layer = mtl.Dense(24, len(INTENTS), rng)

    def __call__(self, features):
        return self.layer(features.sum(1) / 6)


def slot_loss(logits, slots, mask):
    """The token mean of the cross-entropy of each word's slot."""
    rows = slots.size
    return mtl.cross_entropy(
        logits.reshape(rows, -1), slots.reshape(rows), mask.reshape(rows)
    )


# %% Train both tasks, alone and together tags=["hide-input"]
def read_lines(seed):
    """Shares right on new lines (2 budgets, 2 arms, 2 tasks), and the joint model."""
    train, test, V, _ = lines_of(seed)
    rng = np.random.default_rng([seed, 1])
    reader = Reader(V, rng)
    heads = {"intent": IntentHead(rng), "slots": mtl.Dense(24, len(SLOTS), rng)}
    right = np.zeros((2, 2, 2))
    for arm, kind in enumerate((mtl.SingleTask, mtl.HardSharing)):
        model = kind(reader, heads)
        settings = {
            "losses": {"intent": mtl.cross_entropy, "slots": slot_loss},
            "optimizer": mtl.Adam(0.01),
            "rng": np.random.default_rng([seed, 2]),
        }
        for budget in range(2):  # 100 steps, and 100 more
            mtl.fit(model, train, steps=100, batch_size=16, quiet=True, **settings)
            measures = dict.fromkeys(test, mtl.measures.accuracy)
            right[budget, arm] = list(mtl.evaluate(model, test, measures).values())
    return right, model


# %% Train over seeds tags=["hide-input"]
seeds = 12
results = [read_lines(seed) for seed in range(seeds)]
right = np.array([table for table, _ in results])  # (seeds, budgets, arms, tasks)
percent = 100 * right
print(f"% right on new lines, {seeds} seeds     intents         slots")
for budget, steps in enumerate((100, 200)):
    rows = {
        "alone": percent[:, budget, 0],
        "together": percent[:, budget, 1],
        "together − alone": percent[:, budget, 1] - percent[:, budget, 0],
    }
    for name, values in rows.items():
        m, e = mean_and_error(values)
        sign = "+" if "−" in name else ""
        print(
            f"{steps} steps, {name:16}    "
            f"{m[0]:{sign}6.1f} ± {e[0]:.1f}    {m[1]:{sign}6.1f} ± {e[1]:.1f}"
        )

# %% Draw a line that is read tags=["hide-input"]
_, test, _, new_lines = lines_of(0)
said = results[0][1].predict({task: entry[0] for task, entry in test.items()})
full = [i for i, (*_, slots) in enumerate(new_lines) if {1, 2, 3} <= set(slots)]
figure, ax = plt.subplots(figsize=(7.6, 3), layout="constrained", facecolor="white")


def runs(values):
    """(start, end) of neighbours that are equal."""
    edges = [i for i in range(1, len(values)) if values[i] != values[i - 1]]
    return zip([0, *edges], [*edges, len(values)])


widest = 0
for row, i in enumerate(full[:3]):  # the first three lines that have every slot
    intent, words, slots = new_lines[i]
    answer = said["intent"][i].argmax()
    answers = said["slots"][i].argmax(1)[: len(words)]
    height = -row
    mark = "" if answer == intent else f" ✗\n({INTENTS[intent]})"
    ax.text(-0.15, height, INTENTS[answer] + mark, color=BLUE, ha="right", va="center")
    widths = np.array([0.115 * len(word) + 0.2 for word in words])
    places = np.cumsum(widths) - widths / 2
    for place, word in zip(places, words):
        ax.text(place, height, word, ha="center", va="center")
    for a, b in runs(list(zip(answers, slots))):
        if answers[a] or slots[a]:
            left = places[a] - widths[a] / 2 + 0.03
            right_end = places[b - 1] + widths[b - 1] / 2 - 0.03
            size = (right_end - left, 0.34)
            box = plt.Rectangle((left, height - 0.17), *size, facecolor="#F6D5BD")
            ax.add_patch(box)
            mark = "" if answers[a] == slots[a] else " ✗"
            centre = (left + right_end) / 2
            name = SLOTS[answers[a]] + mark
            below = 0.46 if mark else 0.3  # neighbours' names must not meet
            ax.text(centre, height - below, name, ha="center", color=ORANGE, size=9)
    widest = max(widest, widths.sum())
ax.text(-0.15, 0.5, "intent", color=BLUE, ha="right", weight="bold")
ax.text(0.1, 0.5, "slots, below the words", color=ORANGE, weight="bold")
ax.set(xlim=(-1.6, widest + 0.3), ylim=(-2.55, 0.75))
ax.axis("off")
show(
    figure,
    "09_line.svg",
    "Answers of the joint network of the first seed to the first three test lines that "
    "have every slot. Blue: one intent for a line. Orange: a slot for each word. A "
    "cross marks a wrong answer. These phrases and products are new to the network.",
)

# %% [markdown]
# (Guessing gets 20 % of the intents right.) Here one trunk saves a network, but fewer
# slots are right. Part of the cost is speed, since it shrinks with more
# steps: one table of words has to serve both tasks. On other data, with another trunk,
# joint training gained a little (Liu & Lane, 2016). To claim that two such tasks help
# each other, one needs this comparison: against training alone, with equal steps, over
# seeds.

# %% Check what was said tags=["hide-input"]
gain, error = mean_and_error(right[:, :, 1] - right[:, :, 0])  # (budgets, tasks)
assert (gain[:, 1] < -3 * error[:, 1]).all(), "slots lose"
assert gain[1, 1] > gain[0, 1] + 0.005, "and less with more steps"
assert (np.abs(gain[:, 0]) < 3 * error[:, 0]).all(), "of intents one cannot say"

# %% [markdown]
# ## Between hard and soft: cross-stitch
#
# Hard sharing decides beforehand what is shared. Two designs let the data decide.
# **Cross-stitch** (Misra et al., 2016) gives each task a column of layers. After each
# layer the features $z_s$ of the columns are mixed:
#
# $$
# \tilde z_t = \sum_s \alpha_{ts}\, z_s \tag{9.8}
# $$
#
# If $\alpha$ is the identity, each task sees its own column: training alone, as in
# `mtl.SingleTask`. One starts at or near it, and lets the optimiser move $\alpha$.


# %%
class CrossStitch(mtl.Module):
    """A trunk: inputs -> a list with the features of each task's column."""

    def __init__(self, layers, T):
        self.columns = [[deepcopy(layer) for _ in range(T)] for layer in layers]
        self.alphas = [mtl.Parameter(np.eye(T)) for _ in layers]

    def __call__(self, x):
        T = len(self.columns[0])
        z = [x] * T
        for column, alpha in zip(self.columns, self.alphas):
            outputs = stack([layer(h) for layer, h in zip(column, z)])  # (T, N, H)
            mixed = alpha @ outputs.reshape(T, -1)  # (9.8)
            z = [mixed[t].reshape(*outputs.shape[1:]) for t in range(T)]
        return z


# %% Give a head the column of its task tags=["hide-input"]
class Pick(mtl.Module):
    """A head that takes the features of its task."""

    def __init__(self, t, head):
        self.t = t
        self.head = head

    def __call__(self, z):
        return self.head(z[self.t])


# %% [markdown]
# ## Mixtures of experts
#
# The other design has $K$ small trunks, the *experts*, and for each task a *gate*: a
# dense layer and a softmax, which says for each example how much of each expert the
# task takes.
#
# $$
# z_t = \sum_k \pi_{tk}(x)\, \text{expert}_k(x), \qquad
# \pi_t(x) = \text{softmax}(x\, V_t + c_t) \tag{9.9}
# $$
#
# $V_t$ and $c_t$ are the weights and biases of the gate of task $t$.
# If all experts are shared this is the multi-gate mixture of experts (Ma et al., 2018).
# **CGC** adds private experts, which only one task may use (Tang et al., 2020). In
# `mtl.HardSharing` the experts are the trunk, which also hands on $x$, and the gate
# belongs to the head.
#
# **Predict**: to what does this reduce with one expert? And with no shared expert and
# one private expert for each task?
#
# <details><summary>Answer</summary>
#
# The softmax of a single number is 1, whatever the gate says. So one shared expert is
# hard sharing, and one private expert for each task is training alone.
#
# </details>


# %%
class Experts(mtl.Module):
    """A trunk: x -> (x, the outputs of the shared experts)."""

    def __init__(self, experts):
        self.experts = list(experts)

    def __call__(self, x):
        return x, [expert(x) for expert in self.experts]


class GatedHead(mtl.Module):
    """A task's gate, its private experts if it has any, and its head."""

    def __init__(self, gate, head, private=()):
        self.gate = gate
        self.head = head
        self.private = list(private)

    def __call__(self, features):
        x, shared = features
        own = [expert(x) for expert in self.private]
        outputs = stack(shared + own, 1)  # (N, K, H)
        π = softmax(self.gate(x))  # (N, K)
        z = (outputs * π.reshape(*π.shape, 1)).sum(1)  # (9.9)
        return self.head(z)


# %% Compare the limits with hard sharing and training alone tags=["hide-input"]
rng = np.random.default_rng(0)
data, _ = mtl.datasets.related_tasks(rng, relatedness=0.5)
layer = mtl.Sequential(mtl.Dense(8, 6, rng), mtl.tanh)
heads = {t: mtl.Dense(6, 1, rng) for t in data}


def gate(K):
    return mtl.Dense(8, K, rng)


def trained(model):
    """The outputs after 50 steps of Adam, both tasks on the inputs of a."""
    mtl.fit(model, data, losses, optimizer=mtl.Adam(0.02), steps=50, quiet=True)
    return np.stack(list(model.predict(dict.fromkeys(data, data["a"][0])).values()))


stitched = {t: Pick(i, heads[t]) for i, t in enumerate(data)}
identity = mtl.HardSharing(CrossStitch([layer], 2), stitched)
for alpha in identity.trunk.alphas:
    alpha.freeze()
free = mtl.HardSharing(CrossStitch([layer], 2), stitched)
one_shared = {t: GatedHead(gate(1), heads[t]) for t in data}
one_private = {t: GatedHead(gate(1), heads[t], [deepcopy(layer)]) for t in data}
hard = trained(mtl.HardSharing(layer, heads))
alone = trained(mtl.SingleTask(layer, heads))
of_identity = trained(identity)
of_shared = trained(mtl.HardSharing(Experts([layer]), one_shared))
of_private = trained(mtl.HardSharing(Experts([]), one_private))
of_free = trained(free)


def equal(a, b):
    return np.allclose(a, b, rtol=0, atol=1e-12)


print("after 50 steps the outputs are equal:")
print("cross-stitch, α fixed at the identity = alone:", equal(of_identity, alone))
print("cross-stitch, α free                  = alone:", equal(of_free, alone))
print("one shared expert                     = hard: ", equal(of_shared, hard))
print("one private expert for each task      = alone:", equal(of_private, alone))
assert equal(of_identity, alone) and equal(of_shared, hard)
assert equal(of_private, alone) and not equal(of_free, alone)
assert not equal(hard, alone)

# %% [markdown]
# Such limits are the best tests of new layers: a design with a known special case must
# agree with it to the last digit. They do not say that the design is good. Here are
# four experts on two unrelated tasks with 60 examples each.

# %% Train a mixture over seeds tags=["hide-input"]
seeds = 10
training, held_out = np.zeros((2, seeds, 3))
use = np.zeros((seeds, 2, 4))
for seed in range(seeds):
    rng = np.random.default_rng(seed)
    data, test = mtl.datasets.related_tasks(rng, relatedness=0.0, n_train=60)
    experts = [mtl.Sequential(mtl.Dense(8, 6, rng), mtl.tanh) for _ in range(4)]
    heads = {t: mtl.Dense(6, 1, rng) for t in data}
    gated = {t: GatedHead(gate(4), heads[t]) for t in data}
    models = (
        mtl.SingleTask(experts[0], heads),
        mtl.HardSharing(experts[0], heads),
        mtl.HardSharing(Experts(experts), gated),
    )
    for arm, model in enumerate(models):
        mtl.fit(model, data, losses, optimizer=mtl.Adam(0.02), steps=200, quiet=True)
        for table, examples in ((training, data), (held_out, test)):
            found = mtl.evaluate(model, examples, losses)
            table[seed, arm] = (found["a"] + found["b"]) / 2
    for i, (t, head) in enumerate(model.heads.items()):
        X, _ = test[t]
        use[seed, i] = softmax(head.gate(X)).data.mean(0)
for arm, name in enumerate(("alone", "hard sharing", "four experts")):
    m, e = mean_and_error(held_out[:, arm])
    print(
        f"{name:13} training loss {training[:, arm].mean():.3f}   "
        f"held-out loss {m:.2f} ± {e:.2f}, {seeds} seeds"
    )

# %% Draw the use of the experts tags=["hide-input"]
figure, axes = plt.subplots(
    1, 5, figsize=(7.2, 2.3), sharey=True, layout="constrained", facecolor="white"
)
for seed, ax in enumerate(axes):
    for i, (hatch, shift) in enumerate((("", -0.2), ("//", 0.2))):
        ax.bar(
            np.arange(4) + shift,
            use[seed, i],
            width=0.38,
            color=TASK_COLOURS[i],
            hatch=hatch,
            edgecolor="white",
            label=f"task {'ab'[i]}",
        )
    ax.set_title(f"seed {seed}", fontsize=10)
    ax.set_xticks(range(4), ["1", "2", "3", "4"])
figure.supxlabel("expert", fontsize=10)
axes[0].set_ylabel("mean gate")
figure.legend(
    *axes[0].get_legend_handles_labels(), loc="outside right center", frameon=False
)
show(
    figure,
    "09_gates.svg",
    "The mean gate of each task for each expert, in five of the ten runs. The tasks "
    "lean to different experts, but no expert is left to one task alone.",
)

# %% Check what was said of the experts tags=["hide-input"]
worse, error = mean_and_error(held_out[:, 2] - held_out[:, 1])
assert worse > 3 * error, "more than hard sharing"
assert (training[:, 2] < training[:, 1]).all(), "and less in training"
favourites = use[:5].argmax(2)  # (seeds, tasks)
assert (favourites[:, 0] != favourites[:, 1]).all(), "they lean to different ones"
assert use.min() > 0.02, "no expert is left out"

# %% [markdown]
# The mixture has the lowest loss in training and by far the highest on held-out data.
# It has more than four times the parameters, and 60 examples do not determine them. A
# design that *can* be hard sharing need not learn to be. Always look at the gates: an
# expert that nobody uses is wasted.
#
# ## Exercises
#
# Write in place of `raise NotImplementedError`, and run the cell.
# [Solutions](solutions/ch09.py).
#
# ### Exercise 9.1 · Undo the sampling
#
# *5 minutes, easy.*
#
# You draw one task for each step with the shares (9.6), but you want the mean step of
# joint training, along $\sum_t w_t g_t$. By what must you multiply the loss of each
# task when it is drawn?
#
# <details><summary>First hint</summary>
#
# A task that is drawn with probability $p_t$ and multiplied by $v_t$ adds $p_t v_t g_t$
# to the mean step.
#
# </details>
#
# <details><summary>Second hint</summary>
#
# Solve $p_t v_t = w_t$.
#
# </details>


# %%
def multipliers(n, tau, w):
    """v (T,), from numbers of examples n (T,), a temperature and weights w (T,)."""
    raise NotImplementedError


check_multipliers(multipliers)

# %% [markdown]
# ### Exercise 9.2 · Every line the same
#
# *10 minutes, medium.*
#
# Give the mask with which `mtl.cross_entropy` computes the sequence mean: the weight of
# each word in it. Lines are filled up to one length, and the filling has no label. A
# line without any label does not count as a line.
#
# <details><summary>First hint</summary>
#
# `present.sum(1)` is $s_k$. All words of a line with a label weigh the same.
#
# </details>
#
# <details><summary>Second hint</summary>
#
# $N$ is the number of lines with $s_k > 0$. Guard against dividing by 0.
#
# </details>


# %%
def word_weights(present):
    """Weights (N, L), which sum to 1, from True and False (N, L)."""
    raise NotImplementedError


check_word_weights(word_weights)

# %% [markdown]
# ### Exercise 9.3 · Find the bug: missing labels
#
# *10 minutes, medium.*
#
# This passed all tests on data without gaps. There are two slips. Mend both. A batch
# without any label has the loss 0 and the gradient 0. (Delete the `raise` to run it.)
#
# <details><summary>First hint</summary>
#
# What is `False * np.nan`?
#
# </details>
#
# <details><summary>Second hint</summary>
#
# By how many labels does (9.4) divide?
#
# </details>


# %%
def loss_and_gradient(p, y, present):
    """The mean squared error of the labels present, and its gradient by p (N,).

    p and y (N,); y may be NaN where present (N,) is False
    """
    raise NotImplementedError
    residual = present * (p - y)
    loss = (residual**2).mean()
    return loss, 2 * residual / len(y)


check_loss_and_gradient(loss_and_gradient)

# %% [markdown]
# ### Exercise 9.4 · Three tasks in turn
#
# *15 minutes, hard.*
#
# Now $T$ tasks take a step each in turn, in the order 1 to $T$. By how much does the
# end differ from that of one joint step? Give the part with $\eta^2$, as in (9.7).
#
# <details><summary>First hint</summary>
#
# Before task $t$ takes its step, the tasks before it have moved the parameters. To
# first order, by how much?
#
# </details>
#
# <details><summary>Second hint</summary>
#
# By $\delta = -\eta \sum_{s<t} g_s$. So its gradient has changed by $H_t\, \delta$.
#
# </details>
#
# <details><summary>Third hint</summary>
#
# Multiply by $-\eta$ and add over $t$. For $T = 2$ one term remains: (9.7).
#
# </details>


# %%
def gap_of_many(H, g, rate):
    """In turn minus joint (P,), from H (T, P, P), g (T, P) and the learning rate."""
    raise NotImplementedError


check_gap(gap_of_many)

# %% [markdown]
# ### Exercise 9.5 · Write the property that catches it
#
# *15 minutes, hard.*
#
# Your law gets a function `mix` that computes (9.9) from the experts' outputs and the
# gate's scores before the softmax. The wrong versions normalise over the wrong axis or
# not at all, take one gate for the whole batch, mix up experts, keep only the best
# expert, or do not use the gate.
#
# <details><summary>First hint</summary>
#
# Which answers do you know exactly: with one expert, with equal scores, and with one
# score that is larger by 50?
#
# </details>
#
# <details><summary>Second hint</summary>
#
# Scores of 0 and $\log 3$ give gates of ¼ and ¾.
#
# </details>
#
# <details><summary>Third hint</summary>
#
# Let each example prefer another expert. What happens to one example must not change
# another.
#
# </details>


# %%
def law(mix):
    """Raises AssertionError if this function is wrong.

    mix: function of outputs (N, K, H) and scores (N, K); returns (N, H)
    """
    raise NotImplementedError


check_law(law)

# %% [markdown]
# ## What this does not show
#
# The tasks are small and made up. Lines from a program are easier than what people
# write: a third of the phrases was new, but no structure of a sentence was. With more
# data, wider trunks or tuned weights, gains may become losses and losses gains.
# Equation (9.7) is about one round. Over many rounds the gaps add up, and nothing here
# says which way ends better on held-out data. The exact limits show that the layers are
# right, not that they are useful.
#
# ## To recall
#
# 1. When are tasks homogeneous, and does it follow that they help each other?
#    <details><summary>Answer</summary>When their inputs are of one kind and their
#    outputs are of one kind. It does not follow.</details>
# 2. Why does setting the squares of missing labels to 0 not suffice?
#    <details><summary>Answer</summary>The gradient multiplies 0 with a slope that is
#    NaN. Choose the labels present first, then square.</details>
# 3. Which share of the steps has a task at τ = 1, and as τ grows without limit? What
#    does re-looping the small set amount to?
#    <details><summary>Answer</summary>The share proportional to its examples; then all
#    tasks get the same. Re-looping is that second case: the small set is
#    oversampled.</details>
# 4. How far apart are a joint step and steps in turn, and how does accumulation differ?
#    <details><summary>Answer</summary>About η² H₂ g₁. Accumulation takes all gradients
#    at one point, so it is the joint step exactly.</details>
# 5. When are cross-stitch and a mixture of experts equal to designs you know?
#    <details><summary>Answer</summary>Cross-stitch fixed at the identity is training
#    alone. One shared expert is hard sharing; one private expert each is training
#    alone.</details>
