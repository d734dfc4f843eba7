# %% [markdown]
# # 5 · The weighted loss
#
# *35 minutes.* One line of code, `total = w1 * L1 + w2 * L2`, decides what a shared
# network learns. After this chapter you can say what a weight buys and what it costs,
# read a Pareto front, and avoid the trap that lies in the units of a loss. You can also
# predict what happens when all weights are doubled: one optimiser takes steps twice as
# long, the other hardly notices.
#
# ![](figures/05_exchange.svg)

# %%
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import tinymtl as mtl
from tinymtl.interaction import mean_and_error

from _show import show
from checks.ch05 import (
    check_law,
    check_undo_units,
    check_weighted_minimum,
    check_weights_that_stay,
)

# %% [markdown]
# **What you need**: [chapter 1](01_chain_rule.md) (the gradients of two losses are
# added), [chapter 2](02_dense_layer.md) (dense layers, the squared error, gradient
# descent), [chapter 3](03_cross_entropy.md) (cross-entropy) and [chapter
# 4](04_hard_sharing.md) (trunk and heads, held-out data, standard errors). From
# calculus: a small step $dx$ changes a smooth loss by about $dL = g \cdot dx$, where
# $g$ is its gradient.
#
# ## Notation
#
# | symbol | in code | shape | what it is |
# |---|---|---|---|
# | $x$ | `x` | $(2,)$ | two shared parameters, a point in the plane |
# | $L_t$ | `L` | number | loss of task $t$; task 1 is the price, task 2 the purchase |
# | $w_t$ | `w` | number | weight of task $t$, not negative |
# | $g_t$ | `J` | $(2,)$ | gradient of $L_t$ on the shared parameters; in the exercises row $t$ of `J` |
# | $a_t, A_t$ | `a`, `A` | $(2,)$, $(2, 2)$ | where loss $t$ is least, and how steeply it grows around it |
# | $\hat y, y$ | `prediction`, `target` | $(N, 1)$ | predictions and targets of $N$ examples |
# | $h, V$ | `h`, `V` | $(N, H)$, $(H, 1)$ | output of the trunk, weights of a head: $\hat y = h V$ |
# | $c$ | `c` | number | a factor: of a unit, or of all weights |
# | $\eta$ | `rate` | number | learning rate |
#
# ## What a weight buys
#
# The total loss is the sum of the tasks' losses, each multiplied by its weight:
#
# $$
# L_\text{total}(x) = \sum_t w_t L_t(x) \tag{5.1}
# $$
#
# `mtl.weighted_sum` computes it. We take the smallest example that shows everything.
# Two numbers $x = (x_1, x_2)$ are shared, and each task wants them at a place of its
# own: $L_t(x) = \tfrac12 (x - a_t)^\top A_t (x - a_t)$. The loss of the price is least
# at $a_1$, the loss of the purchase is least at $a_2$.

# %%
a = {"price": np.array([-1.0, 0.0]), "buys": np.array([1.0, 0.6])}
A = {"price": np.diag([1.0, 4.0]), "buys": np.diag([2.5, 0.5])}


def bowls(x):
    """{task: ½ (x − a)ᵀ A (x − a)} of a Tensor x (2,)."""
    return {t: ((x - a[t]) @ A[t] * (x - a[t])).sum() * 0.5 for t in a}


def values(losses):
    """The numbers in {task: loss} as an array (T,)."""
    return np.array([float(loss) for loss in losses.values()])


# %% [markdown]
# The model has nothing but the shared parameters. Instead of fixed weights `descend`
# also takes a *rule*, a function that chooses the weights of each step from the losses.
# We need that in the next section.


# %%
class Point(mtl.Module):
    def __init__(self, x):
        self.x = mtl.Parameter(x)


def descend(losses_of, start, weights, rate=0.1, steps=300):
    """Where descent ends: x (2,), and both losses there (2,)."""
    point = Point(start)
    sgd = mtl.SGD(rate)
    for _ in range(steps):
        L = losses_of(point.x)
        w = weights(values(L)) if callable(weights) else weights
        point.zero_grad()
        mtl.weighted_sum(L, dict(zip(L, w))).backward()  # (5.1)
        sgd.step(point)
    return point.x.data.copy(), values(losses_of(point.x))


# %% [markdown]
# Training ends where the gradient of the total is zero. What does this say about the
# two losses? Here is the answer, one line at a time:
#
# $$
# \begin{aligned}
# 0 &= w_1\, g_1 + w_2\, g_2 && \text{the gradient of the total is zero} \\
# 0 &= w_1\, g_1 \cdot dx + w_2\, g_2 \cdot dx
# && \text{take the inner product with any small step } dx \\
# 0 &= w_1\, dL_1 + w_2\, dL_2 && \text{use } dL_t = g_t \cdot dx \\
# \frac{dL_2}{dL_1} &= -\frac{w_1}{w_2} && \text{divide by } w_2\, dL_1
# \end{aligned}
# \tag{5.2}
# $$
#
# **The ratio of two weights is an exchange rate.** With weights 0.8 and 0.2, training
# ends where lowering the price's loss by 0.01 would raise the purchase's loss by 0.04.
# (`mtl.weighting.stationarity_gap` is the shortest length that $w_1 g_1 + w_2 g_2$ can
# have, over all weights that are not negative and add up to 1. It is 0 where some
# weights make the two gradients cancel.)
#
# A point is *Pareto-optimal* if no other point makes one loss lower without making the
# other higher. If there is such a point, the first one is *dominated*: one task could
# do better at no cost for the other. All Pareto-optimal points together, drawn with the
# two losses as axes, are the *Pareto front*. The last line of (5.2) holds for small
# steps along the front too. So each pair of weights leads to the point where the front
# has the slope $-w_1/w_2$.
#
# Our bowls let us check this, because their end point can be computed. The gradient of
# $L_t$ is $A_t (x - a_t)$, and so
#
# $$
# \sum_t w_t A_t (x - a_t) = 0
# \;\Longrightarrow\; \Big(\sum_t w_t A_t\Big)\, x = \sum_t w_t A_t a_t
# \;\Longrightarrow\; x(w) = \Big(\sum_t w_t A_t\Big)^{-1} \sum_t w_t A_t a_t \tag{5.3}
# $$
#
# is where descent with `mtl.SGD` should end.
#
# **Predict**: take $w = (\tfrac12, \tfrac12)$. Does $x(w)$ lie half-way between $a_1$
# and $a_2$? Does it at least lie on the straight line between them?
#
# <details><summary>Answer</summary>
#
# Neither. Each coordinate is a mean of the two wishes, and each wish counts by how
# steeply its loss grows. In the second coordinate the price's loss is eight times as
# steep, 4 against 0.5, so $x_2 = (4 \cdot 0 + 0.5 \cdot 0.6) / 4.5 = 0.07$. Equal
# weights are not equal influence.
#
# </details>


# %%
def solved(w):
    """x(w), where the weighted gradients cancel."""
    curvature = sum(wt * A[t] for wt, t in zip(w, a))
    pull = sum(wt * A[t] @ a[t] for wt, t in zip(w, a))
    return np.linalg.solve(curvature, pull)  # (5.3)


def losses_at(w):
    return values(bowls(mtl.Tensor(solved(w))))


shares = np.linspace(0, 1, 21)  # the weight of the price; the purchase has the rest
ends = [descend(bowls, np.zeros(2), (s, 1 - s)) for s in shares]
found = np.array([x for x, _ in ends])
costs = np.array([L for _, L in ends])

dL = losses_at((0.799, 0.201)) - losses_at((0.801, 0.199))  # a step along the front
print(f"weights 0.8 and 0.2: slope of the front {dL[1] / dL[0]:.2f}")  # (5.2)

# %% Draw where each weight leads tags=["hide-input"]
names = ("price", "purchase")
fine = np.linspace(0, 1, 201)
front = np.array([losses_at((s, 1 - s)) for s in fine])
figure = mtl.plots.pareto(found, costs, shares, tasks=names, front=front)
figure.suptitle("Each weight leads to one point of the front")
show(
    figure,
    "05_front.svg",
    "Left: as weight moves from the purchase to the price, the end point moves along a "
    "bent path. Right: all end points of descent lie on the exact Pareto front. The "
    "weights are evenly spaced, but the points are not.",
)

# %% Draw the slope as an exchange rate tags=["hide-input"]
figure, ax = plt.subplots(figsize=(4.8, 3.8), layout="constrained", facecolor="white")
ax.plot(*front.T, color="0.6", linewidth=3)
edges = (
    (0.8, "#0072B2", "s", "price 4 : purchase 1", (0.5, 2.3)),
    (0.5, "black", "o", "price 1 : purchase 1", (0.95, 1.2)),
    (0.2, "#D55E00", "^", "price 1 : purchase 4", (1.2, 0.55)),
)
for share, colour, marker, text, place in edges:
    x, y = losses_at((share, 1 - share))
    slope = -share / (1 - share)
    reach = 0.75 / np.hypot(1, slope / 2)
    around = np.array([-reach, reach])
    ax.plot(x + around, y + slope * around, color=colour, linewidth=2)
    ax.plot(x, y, marker=marker, color=colour, markersize=10)
    ax.text(*place, text, color=colour, fontsize=13, weight="bold")
ax.text(0.5, 3.0, "weights", fontsize=13)
ax.set_xlabel("loss of the price", fontsize=14)
ax.set_ylabel("loss of the purchase", fontsize=14)
ax.set(xlim=(-0.1, 3.0), ylim=(-0.25, 5.2))
ax.spines[["top", "right"]].set_visible(False)
show(
    figure,
    "05_exchange.svg",
    "Training ends where a line whose slope is minus the ratio of the weights touches "
    "the front. More weight on the price lowers the loss of the price and raises the "
    "loss of the purchase.",
)

# %% Check the front tags=["hide-input"]
exact = np.array([solved((s, 1 - s)) for s in shares])
distance = np.abs(found - exact).max()
print("largest distance of an end point from x(w) below 1e-6:", distance < 1e-6)
assert distance < 1e-6, "the convex front is traced exactly"
assert np.isclose(dL[1] / dL[0], -0.8 / 0.2, rtol=1e-3)
for s in (0.2, 0.5, 0.7):
    dL = losses_at((s - 0.001, 1.001 - s)) - losses_at((s + 0.001, 0.999 - s))
    assert np.isclose(dL[1] / dL[0], -s / (1 - s), rtol=1e-2)
assert np.allclose(solved((0.5, 0.5)), (1.5 / 3.5, 0.3 / 4.5))

# %% [markdown]
# ## What no weight can buy
#
# All pairs of losses with the same total $k$ lie on a straight line,
# $w_1 L_1 + w_2 L_2 = k \iff L_2 = k / w_2 - (w_1/w_2)\, L_1$. A smaller total shifts
# the line down and to the left. So minimising the total means to push a straight edge
# down as far as possible while it still touches the front. If we change the weights,
# the edge turns, and it rolls along the front.
#
# ![A straight edge rolls along two fronts](figures/05_rolling.gif)
#
# *On the convex front the edge rolls through every point. On the concave front it rests
# on one end and then jumps to the other.*
#
# A front that bulges towards the origin is *convex*: every point is touched by some
# edge. A front that bulges away from the origin is *concave*, and its inner points are
# never touched. Why? An inner point $Q$ lies above the straight line through the two
# ends. So some point of this line has both losses lower than $Q$, and a smaller total.
# Along a straight line, totals lie between those of its two ends. So one of the ends
# has a smaller total than $Q$, whatever the weights are. (The gradients can cancel at
# $Q$, but then the total is *largest* along the front, not smallest.)
#
# Two tasks with such a front are due to Fonseca and Fleming (1995). Each loss is low
# only near a point of its own, and is flat far away from it:
# $L_{1,2} = 1 - \exp(-\lVert x \mp (1, 1)/\sqrt 2 \rVert^2)$. (The front is concave
# where both losses are above 0.08, and convex at its two ends.)
#
# A *maximum* can reach what a sum cannot. With preferences $s$ and $1 - s$, minimise
# the larger one of $s L_1$ and $(1 - s) L_2$. The pairs of losses where it has the same
# value lie on two sides of a rectangle, which meet in a corner. If we push this corner
# towards the origin, its tip can touch inner points of a concave front as well.
# `mtl.weighting.stch` (Lin et al., 2024) descends a smooth maximum, which a small `mu`
# makes nearly exact.


# %%
def craters(x):
    far = {"price": x - np.sqrt(0.5), "buys": x + np.sqrt(0.5)}
    return {t: 1.0 - mtl.ops.exp(-(d * d).sum()) for t, d in far.items()}


start = np.array([0.1, -0.2])
summed = np.array([descend(craters, start, (s, 1 - s), 0.3)[1] for s in shares])

corner = []
for s in shares[3:-3]:  # the most one-sided preferences lead to the ends
    smooth_maximum = partial(mtl.weighting.stch, mu=0.02, preference=(s, 1 - s))
    corner.append(descend(craters, start, smooth_maximum, 0.3)[1])
corner = np.array(corner)

# %% Draw the concave front tags=["hide-input"]
between = np.linspace(-np.sqrt(0.5), np.sqrt(0.5), 101)
line = np.array([values(craters(mtl.Tensor(np.full(2, s)))) for s in between])
figure, ax = plt.subplots(figsize=(5, 3.8), layout="constrained", facecolor="white")
ax.plot(*line.T, color="0.6", linewidth=2)
ax.plot(*corner.T, "^", color="#7B3FA0", markerfacecolor="white", markersize=8)
ax.plot(*summed.T, "o", color="#222222", markersize=10, clip_on=False)
ax.text(0.66, 0.8, "smooth maximum:\n15 preferences,\n15 places", color="#7B3FA0")
ax.text(0.12, 0.35, "weighted sum:\n21 weights, two places,\nboth at the ends")
arrow = {"arrowstyle": "->", "color": "0.4"}
ax.annotate("", (0.02, 0.93), (0.15, 0.53), arrowprops=arrow)
ax.annotate("", (0.94, 0.02), (0.47, 0.33), arrowprops=arrow)
ax.set(xlabel="loss of the price", ylabel="loss of the purchase")
ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
ax.spines[["top", "right"]].set_visible(False)
show(
    figure,
    "05_concave.svg",
    "All 21 weighted sums end at one of the two ends of the concave front. The smooth "
    "maximum reaches points between them.",
)


# %% Check who reaches the middle tags=["hide-input"]
def in_the_middle(points):
    """How many points have both losses above 0.05."""
    return (points.min(1) > 0.05).sum()


print(
    f"both losses above 0.05: {in_the_middle(summed)} of {len(summed)} weighted sums, "
    f"{in_the_middle(corner)} of {len(corner)} smooth maxima"
)
assert in_the_middle(summed) == 0
assert in_the_middle(corner) == len(corner)
for point in corner:
    assert np.linalg.norm(line - point, axis=1).min() < 0.01, "it is on the front"

# %% [markdown]
# ## The units trap
#
# A loss has units, and the units act as a weight that nobody chose. Write prices in
# cents instead of dollars. All predictions and targets are multiplied by $c = 100$, and
# the squared error is multiplied by the *square* of 100:
#
# $$
# \text{mse}(c\, \hat y, c\, y) = \text{mean}\big((c\, \hat y - c\, y)^2\big)
# = c^2\, \text{mean}\big((\hat y - y)^2\big) = c^2\, \text{mse}(\hat y, y) \tag{5.4}
# $$
#
# So `mtl.mse` in cents is 10,000 times as large as in dollars. The cross-entropy of the
# purchases has no unit and stays as it is. What reaches the trunk? Let $\hat y = h V$
# with the output $h$ of the trunk and the weights $V$ of the head. To predict the same
# prices in cents, the head needs the weights $c V$. A prime marks what is in cents:
#
# $$
# \frac{\partial L'}{\partial \hat y'} = \frac2N (c\, \hat y - c\, y)
# = c\, \frac{\partial L}{\partial \hat y},
# \qquad \frac{\partial L'}{\partial h}
# = \frac{\partial L'}{\partial \hat y'}\, (c V)^\top
# = c^2\, \frac{\partial L}{\partial h} \tag{5.5}
# $$
#
# `mtl.gradient` confirms this below. At the predictions the gradient is 100 times as
# large, because the residuals are. On its way back to $h$ it is multiplied by the
# head's weights, which are 100 times as large too. So the trunk receives 10,000 times
# as much. (A new head is still small. The factor at $h$ is then about 100, and grows
# with it.)

# %%
rng = np.random.default_rng(0)
h = mtl.Parameter(rng.normal(size=(50, 2)))
V = rng.normal(size=(2, 1))
target = rng.normal(size=(50, 1))


def loss_and_gradients(c):
    """With prices in 1/c dollars: the loss, and its gradients at ŷ and at h."""
    prediction = h @ (c * V)
    loss = mtl.mse(prediction, c * target)
    return [loss.data, *mtl.gradient(loss, [prediction, h])]


in_dollars = loss_and_gradients(1.0)
in_cents = loss_and_gradients(100.0)
for name, dollars, cents in zip(("loss", "at ŷ", "at h"), in_dollars, in_cents):
    factor = np.abs(cents).mean() / np.abs(dollars).mean()  # (5.4), (5.5)
    print(f"{name}: {factor:,.0f} times as large in cents")

# %% Check the factors tags=["hide-input"]
for factor, dollars, cents in zip((1e4, 1e2, 1e4), in_dollars, in_cents):
    assert np.allclose(cents, factor * dollars)

# %% [markdown]
# What does such a weight do to the predictions? We let two tasks with sixty labels each
# compete for a trunk of only two units. Prices are in a unit in which their variance is
# 1. The weight of the price goes from 1/10,000 to 10,000.


# %% Make the data tags=["hide-input"]
def products(rng, n, U):
    """Ten features of n products, their price (variance 1) and purchase.

    U (10, 3): the three directions that both depend on
    """
    X = rng.normal(size=(n, 10))
    common, costly, liked = (X @ U).T
    price = (np.tanh(common) + costly + 0.3 * rng.normal(size=n)) / 1.22
    bought = np.tanh(2 * common) + liked + 0.5 * rng.normal(size=n) > 0
    return {"price": (X, price[:, None]), "buys": (X, bought[:, None].astype(int))}


def in_units(data, unit):
    """The same products with prices multiplied by `unit`."""
    X, price = data["price"]
    return {"price": (X, price * unit), "buys": data["buys"]}


# %%
losses = {"price": mtl.mse, "buys": mtl.binary_cross_entropy}


def held_out(weight, seed, unit=1.0, steps=200):
    """Held-out losses (price, buys), the price's in the unit of variance 1."""
    rng = np.random.default_rng(seed)
    U = np.linalg.qr(rng.normal(size=(10, 3)))[0]
    train = in_units(products(rng, 60, U), unit)
    test = in_units(products(rng, 1000, U), unit)
    trunk = mtl.Sequential(mtl.Dense(10, 2, rng), mtl.tanh)
    heads = {t: mtl.Dense(2, 1, rng) for t in train}
    model = mtl.HardSharing(trunk, heads)
    w = {"price": weight, "buys": 1.0}
    mtl.fit(model, train, losses, weights=w, optimizer=mtl.Adam(0.02), steps=steps)
    found = mtl.evaluate(model, test, losses)
    return found["price"] / unit**2, found["buys"]


weights = [1e-4, 1e-2, 1.0, 1e2, 1e4]
fair = weights.index(1.0)
seeds = 12
results = np.array(
    [[held_out(w, seed) for w in weights] for seed in range(seeds)]
)  # (seeds, weights, tasks)

# %% [markdown]
# For comparison, two guesses that use no feature: always predicting 50 % gives the
# purchase a loss of $\log 2 = 0.69$, and always predicting the mean price gives the
# price a loss equal to its variance, 1.

# %% Draw both losses over the weight tags=["hide-input"]
mean, se = mean_and_error(results)
log_2 = float(np.log(2))
figure = mtl.plots.curves(
    weights,
    {"price": (mean[:, 0], se[:, 0]), "purchase": (mean[:, 1], se[:, 1])},
    {
        "always the mean price": np.full(len(weights), 1.0),
        "always 50 %": np.full(len(weights), log_2),
    },
    of_tasks=True,
    log="x",
    xlabel="weight of the price (log scale); that of the purchase is 1",
    ylabel="held-out loss",
    seeds=seeds,
    title="Far from weight 1, a task is hardly better than a guess",
)
show(
    figure,
    "05_units.svg",
    "With far too little weight the price is predicted hardly better than by its mean. "
    "With far too much weight the purchases are predicted hardly better than by 50 %. "
    "At weight 1 both are predicted well.",
)

# %% Print the cost of a weight, paired over seeds tags=["hide-input"]
for task, i, end in (("price", 0, 0), ("purchase", 1, -1), ("purchase", 1, 0)):
    gain, error = mtl.interaction.transfer_gain(results[:, end, i], results[:, fair, i])
    print(
        f"{task}: held-out loss at weight 1 is lower by {gain:.2f} ± {error:.2f} "
        f"than at weight {weights[end]:g}"
    )
    assert gain > 3 * error
print(f"(mean ± standard error over {seeds} seeds)")
assert 0 < log_2 - mean[-1, 1] < 0.1, "purchases are hardly better than a guess"
assert 0 < 1 - mean[0, 0] < 0.2, "prices are hardly better than a guess"

short = np.array([held_out(weights[0], seed, steps=50)[1] for seed in range(seeds)])
print(
    f"loss of the purchase at weight {weights[0]:g}: "
    f"{short.mean():.2f} after 50 steps, {mean[0, 1]:.2f} after 200"
)
print(f"loss of the purchase at weight 1: {mean[fair, 1]:.2f} after 200")
assert (results[:, 0, 1] - short).mean() > 0.1

# %% [markdown]
# At the left end the price has hardly any weight, and yet the purchases are predicted
# *worse* than at weight 1. Most of this is overfitting: alone in the trunk, they learn
# their sixty labels by heart. After 50 steps they are predicted nearly as well as at
# weight 1. A fair comparison gives each weight its own best number of steps.
#
# **Predict**: now write the prices in real cents. Is a weight of 1/10,000 the cure?

# %%
runs = {
    "variance 1, weight 1": results[:, fair],
    "variance 1, weight 10,000": results[:, -1],
    "cents, weight 1": [held_out(1.0, seed, unit=100.0) for seed in range(seeds)],
    "cents, weight 1/10,000": [held_out(1e-4, seed, 100.0) for seed in range(seeds)],
}
for name, L in runs.items():
    price, buys = np.mean(L, 0)
    print(f"{name:26} price {price:.2f}, purchase {buys:.2f}")

# %% Check that no weight repairs cents tags=["hide-input"]
best = runs["variance 1, weight 1"]
for name in ("cents, weight 1", "cents, weight 1/10,000"):
    gain, error = mtl.interaction.transfer_gain(np.array(runs[name]), best)
    assert (gain > 3 * error).all(), "in cents both tasks are worse"

# %% [markdown]
# <details><summary>Answer</summary>
#
# No. The weight restores the old total, but the head must still learn to put out
# numbers that are a hundred times as large. Adam lets each parameter grow by about the
# learning rate in a step, so 200 steps do not suffice.
#
# </details>
#
# So standardise the targets before you train: subtract their mean and divide by their
# standard deviation. Check this first when one task "dominates".
#
# The *number of examples* does not act as a weight here, because each loss is a mean
# over its own batch. If task 1 has 64 examples in a step and task 2 has 8, the second
# loss is noisier, not smaller. If losses were sums, task 1 would count eight times.
#
# ## Doubling everything
#
# Now multiply all weights by the same $c$. For plain gradient descent this is a larger
# learning rate. Adam divides a running mean of the gradients, $m$, by the root of a
# running mean of their squares, $v$. So $m$ is multiplied by $c$ and $v$ by $c^2$, and
# the factor cancels:
#
# $$
# \begin{aligned}
# \text{SGD:} &\quad \eta \sum_t (c\, w_t)\, g_t = (c\, \eta) \sum_t w_t\, g_t \\
# \text{Adam:} &\quad \eta\, \frac{c\, m}{\sqrt{c^2 v} + \epsilon}
# = \eta\, \frac{m}{\sqrt v + \epsilon / c} \approx \eta\, \frac{m}{\sqrt v}
# \end{aligned}
# \tag{5.6}
# $$
#
# in `mtl.SGD` and `mtl.Adam`; $\epsilon$ is tiny. So under SGD the sum of all weights
# is a part of the learning rate, and a sum that is too large makes training diverge. If
# you compare weightings under SGD, tune the learning rate for each of them. Otherwise
# you compare learning rates.


# %%
def trained(optimizer, c, rate):
    """All parameters after 50 steps with both weights times c."""
    rng = np.random.default_rng(0)
    data, _ = mtl.datasets.related_tasks(rng, relatedness=0.5)
    trunk = mtl.Sequential(mtl.Dense(8, 8, rng), mtl.tanh)
    heads = {t: mtl.Dense(8, 1, rng) for t in data}
    model = mtl.HardSharing(trunk, heads)
    w = {"a": 0.3 * c, "b": 0.7 * c}
    loss_of = dict.fromkeys(data, mtl.mse)
    mtl.fit(model, data, loss_of, weights=w, optimizer=optimizer(rate), steps=50)
    return model.theta


same = trained(mtl.SGD, 4.0, 0.05 / 4) == trained(mtl.SGD, 1.0, 0.05)  # (5.6)
print("SGD, 4 w and a quarter of the rate: the same to the bit:", same.all())
for optimizer in (mtl.SGD, mtl.Adam):
    change = trained(optimizer, 4.0, 0.02) - trained(optimizer, 1.0, 0.02)
    is_moved = np.abs(change).max() > 0.01
    print(f"{optimizer.__name__}, 4 w, same rate: moved by over 0.01: {is_moved}")

# %% Check both optimisers tags=["hide-input"]
assert same.all()
for optimizer, is_moved in ((mtl.SGD, True), (mtl.Adam, False)):
    change = trained(optimizer, 4.0, 0.02) - trained(optimizer, 1.0, 0.02)
    assert np.abs(change).max() > 0.01 if is_moved else np.abs(change).max() < 1e-5

# %% [markdown]
# A penalty, as in [chapter 8](08_soft_sharing.md), is not multiplied by $c$. Beside
# larger weights it counts for less, under both optimisers.
#
# ## Do weights reach the heads?
#
# Yes, if the weights are fixed: head $t$ receives $w_t$ times its own gradient. Under
# SGD, the head of a task with a small weight therefore learns slowly. Under Adam it
# does not: the weight is a constant factor of all gradients of this head, and by (5.6)
# such a factor cancels. **Under Adam, constant weights act in the trunk alone**, where
# the gradients of several tasks are added. If weights *change* from step to step, there
# is no common factor, and then they reach the heads under Adam too: after a drop of its
# weight from 1 to 0.01, a head moves little until Adam's running mean of squares has
# forgotten the large gradients.
#
# With a weight of 0 from the first step, a head has no gradient and rests, unless
# weight decay shrinks it. If its weight becomes 0 later, the running mean of momentum
# or Adam carries it on for a while.
#
# Some rules choose the weights from the angles between the tasks' gradients on the
# trunk. Their weights say where the *trunk* should go and know nothing of the heads. If
# a head starts at zero, its task has no gradient on the trunk yet, and such a rule may
# give it the weight 0. If this weight reached the head, the head would stay at zero for
# ever. So `mtl.fit` does not apply the weights of such a rule to the heads, unless you
# ask for it with `weight_own=True`. Published programs disagree on this point.
# [Chapter 7](07_negative_transfer.md) measures the difference, and it also *learns*
# weights. [Chapter 9](09_tasks_that_differ.md) chooses batches of one task more often,
# which acts like a larger weight.
#
# ## Exercises
#
# [Solutions](solutions/ch05.py).
#
# ### Exercise 5.1 · Where does the sum settle?
#
# *8 minutes, easy.*
#
# Any number of tasks share one number $x$. Task $t$ has the loss $k_t (x - a_t)^2$ and
# the weight $w_t$. Where is the minimum of the total loss?
#
# <details><summary>First hint</summary>
#
# What is the derivative of one term?
#
# </details>
#
# <details><summary>Second hint</summary>
#
# $\sum_t 2\, w_t k_t (x - a_t) = 0$. Bring $x$ to one side.
#
# </details>


# %%
def weighted_minimum(k, a, w):
    """The x, one number, where Σ_t w_t k_t (x − a_t)² is least.

    k, a, w: arrays (T,); k and w are positive
    """
    raise NotImplementedError


check_weighted_minimum(weighted_minimum)

# %% [markdown]
# ### Exercise 5.2 · Which weights lead here?
#
# *8 minutes, medium.*
#
# You like one point of the front. With which weights does training end there? At this
# point the two gradients on the shared parameters point in exactly opposite directions.
# The weights should add up to 1.
#
# <details><summary>First hint</summary>
#
# The first line of (5.2) is $w_1 g_1 = -w_2 g_2$. Take the length of both sides.
#
# </details>
#
# <details><summary>Second hint</summary>
#
# The ratio $w_1/w_2$ is $\lVert g_2 \rVert / \lVert g_1 \rVert$.
#
# </details>


# %%
def weights_that_stay(J):
    """w (2,) with w_1 + w_2 = 1, for which the gradient of the total is zero.

    J: array (2, P), the two gradients as rows, J[0] = −(a positive number) · J[1]
    """
    raise NotImplementedError


check_weights_that_stay(weights_that_stay)

# %% [markdown]
# ### Exercise 5.3 · Find the bug: weights that undo the units
#
# *5 minutes, easy.*
#
# These weights should make the total loss independent of the units in which predictions
# and targets are written. A squared error gets a weight by its unit: 1 for dollars, and
# 100 for cents, because all numbers are 100 times as large. A cross-entropy has no
# unit. Delete the `raise`, run it, and mend it.
#
# <details><summary>First hint</summary>
#
# How much does a squared error grow when all numbers become 100 times as large?
#
# </details>
#
# <details><summary>Second hint</summary>
#
# (5.4) has the answer: the weight times $c^2$ should be 1.
#
# </details>


# %%
def undo_units(units):
    """{task: weight}.

    units: {task: the factor by which its unit makes all numbers larger}; the factor is
        None for a task with cross-entropy, which has no unit
    """
    raise NotImplementedError
    weights = {}
    for task, unit in units.items():
        weights[task] = 1.0 if unit is None else 1.0 / unit
    return weights


check_undo_units(undo_units)

# %% [markdown]
# ### Exercise 5.4 · Write the property that catches it
#
# *15 minutes, hard.*
#
# `step(theta, J, w, rate)` should be one step of gradient descent on the weighted loss:
# from parameters $(P,)$, Jacobian $(T, P)$, weights $(T,)$ and learning rate to the new
# parameters $(P,)$. Write a law: a function that raises an AssertionError for a wrong
# `step` and is silent for a right one. It is tried on wrong steps that you cannot see.
# They normalise the weights in secret, square them, give them to the wrong tasks, give
# all tasks the weight of one, average over the tasks, go uphill, and worse.
#
# <details><summary>First hint</summary>
#
# What should the step be if only one task has a weight, 1, and all others have 0? Test
# every task, in a problem with at least three.
#
# </details>
#
# <details><summary>Second hint</summary>
#
# That is not enough. Compare a step with tripled weights and one with a tripled rate.
#
# </details>
#
# <details><summary>Third hint</summary>
#
# A step that gives all active tasks the weight of the first one passes both tests. Take
# weights $u$ for some tasks and $v$ for others. What is the *change* of the parameters
# for $u + v$, if you know the changes for $u$ and for $v$?
#
# </details>


# %%
def law(step):
    """Raises an AssertionError if step(theta, J, w, rate) is not θ − η Jᵀ w."""
    raise NotImplementedError


check_law(law)

# %% [markdown]
# ## What this does not show
#
# No formula says which weights are *right*: how much worse may recommendations become
# for a better price? Real fronts are made of held-out losses and are noisy. The trunk
# of our experiment had two units; in a wider trunk tasks compete less. And made-up data
# show that a unit *can* ruin a task, not how often it does.
#
# ## To recall
#
# 1. What does the ratio of two weights say about the point where training ends?
#    <details><summary>Answer</summary>The slope of the Pareto front there is minus this
#    ratio. It is the exchange rate between the two losses.</details>
# 2. Why can a weighted sum not reach the inner points of a concave front?
#    <details><summary>Answer</summary>They lie above the straight line through the two
#    ends. So one of the ends always has a smaller total.</details>
# 3. Prices are changed from dollars to cents. Which weight restores the old total, and
#    why is training in cents still harder?
#    <details><summary>Answer</summary>The old weight divided by 10,000. But the head
#    has to learn to put out numbers that are a hundred times as large.</details>
# 4. All weights are multiplied by 10. What changes under SGD, and what under Adam?
#    <details><summary>Answer</summary>Under SGD the learning rate is in effect ten
#    times as large. Under Adam almost nothing changes.</details>
# 5. Under Adam, does a constant weight of 0.01 slow down a task's own head?
#    <details><summary>Answer</summary>No. All gradients of the head carry the same
#    factor, which cancels. The weight acts in the trunk alone.</details>
