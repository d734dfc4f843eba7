# %% [markdown]
# # 5 · The weighted loss
#
# *40 minutes.* One line of code, `total = w1 * L1 + w2 * L2`, decides what a shared
# network is for. After this chapter you can say what a weight buys and at what price,
# read a Pareto front, keep out of the units trap, and predict what happens when all
# weights are doubled: with one optimiser the learning rate doubles, the other hardly
# notices.
#
# ![](figures/05_front.svg)

# %%
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import tinymtl as mtl
from tinymtl.interaction import mean_and_error

from _show import show
from checks.ch05 import (
    check_law,
    check_sampling,
    check_undo_units,
    check_weighted_minimum,
)

# %% [markdown]
# **What you need**: [chapter 1](01_chain_rule.md) (gradients of two losses are added),
# [chapter 4](04_hard_sharing.md) (one trunk, the Jacobian).
#
# ## Notation
#
# | symbol | in code | shape | what it is |
# |---|---|---|---|
# | $\theta, x$ | `theta`, `x` | $(P,)$, here $(2,)$ | parameters; called $x$ where they are just a point in the plane |
# | $L_t$ | `L` | number | loss of task $t$, in its own units; task 1 is the price, task 2 the purchase |
# | $w_t$ | `weights` | number | weight of task $t$, not negative |
# | $g_t$ | `g` | $(P,)$ | gradient of $L_t$ on the shared parameters |
# | $a_t, A_t$ | `a`, `A` | $(2,)$, $(2, 2)$ | where task $t$ would like $x$ to be, and how much it minds other places |
# | $\eta$ | `rate` | number | learning rate |
# | $c$ | `c` | number | a factor: of all weights, or of a unit |
# | $m, v$ | | $(P,)$ | Adam's running means of the gradient and of its square |
# | $n_t, p_t$ | `n` | numbers | examples of task $t$, and the share of the steps that it gets |
#
# ## What a weight buys
#
# $$
# L_\text{total}(\theta) = \sum_t w_t L_t(\theta) \tag{5.1}
# $$
#
# is `mtl.weighted_sum`. To see all of it, let the shared parameters be two numbers $x$,
# and let two tasks each want them somewhere else:
# $L_t(x) = \tfrac12 (x - a_t)^\top A_t (x - a_t)$, least at $a_t$. Predicting the price
# is best at $a_1$, predicting the purchase at $a_2$.

# %%
a = {"price": np.array([-1.0, 0.0]), "buys": np.array([1.0, 0.6])}
A = {"price": np.diag([1.0, 4.0]), "buys": np.diag([2.5, 0.5])}


def bowls(x):
    """{task: ½ (x − a)ᵀ A (x − a)} of a Tensor x (2,)."""
    return {t: ((x - a[t]) @ A[t] * (x - a[t])).sum() * 0.5 for t in a}


class Point(mtl.Module):
    """A model with nothing but the shared parameters."""

    def __init__(self, x):
        self.x = mtl.Parameter(x)


# %%
def values(losses):
    """The numbers in {task: loss} as an array (T,)."""
    return np.array([float(loss) for loss in losses.values()])


def descend(losses_of, start, weights, rate=0.1, steps=300):
    """Where descent ends: x (2,) and both losses there.

    weights: numbers, or a rule losses -> weights
    """
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
# Where it ends, nothing is left to gain from the total: the weighted gradients cancel,
#
# $$
# \sum_t w_t\, g_t = 0
# \quad\Longrightarrow\quad w_1\, dL_1 + w_2\, dL_2 = 0
# \text{ to first order, for every small step},
# \quad\text{so}\quad \frac{dL_2}{dL_1} = -\frac{w_1}{w_2} \tag{5.2}
# $$
#
# (`mtl.weighting.stationarity_gap` measures how far the gradients are from being able
# to cancel.) A point is called *Pareto-optimal* if no other point has one loss lower
# and none higher; all of them together, drawn with the losses as axes, are the *Pareto
# front*. Each pair of weights leads to one point of it, and (5.2) says which: the one
# where the front, walked along, has the slope $-w_1/w_2$. **A ratio of weights is an
# exchange rate**: there, one unit of $L_1$ costs $w_1/w_2$ units of $L_2$. With weights
# 4 and 1 you stop where lowering the price's loss by 1 would raise the purchase's by 4.
#
# For our bowls the cancelling point can be solved for:
# $x(w) = (\sum_t w_t A_t)^{-1} \sum_t w_t A_t a_t$. The picture (the one at the top)
# shows where descent ended as dots, on the left $x$ and on the right the two losses;
# the line on the right are the losses at $x(w)$.
#
# **Predict**: $x$ with $w = (\tfrac12, \tfrac12)$: does it lie half-way between $a_1$
# and $a_2$? On a straight line between them?
#
# <details><summary>Answer</summary>
#
# Neither. Each coordinate is a mean of the two wishes weighted by how much each task
# *minds*: in the second one the price minds eight times as much, so $x_2 = 0.6/9$. The
# path from $a_1$ to $a_2$ is bent. Equal weights are not equal influence.
#
# </details>


# %%
def solved(w):
    """x(w), where the weighted gradients cancel."""
    curvature = sum(wt * A[t] for wt, t in zip(w, a))
    pull = sum(wt * A[t] @ a[t] for wt, t in zip(w, a))
    return np.linalg.solve(curvature, pull)


shares = np.linspace(0, 1, 21)
ends = [descend(bowls, np.zeros(2), (s, 1 - s)) for s in shares]
found = np.array([x for x, _ in ends])
costs = np.array([L for _, L in ends])
fine = [solved((s, 1 - s)) for s in np.linspace(0, 1, 201)]
front = np.array([values(bowls(mtl.Tensor(x))) for x in fine])

figure = mtl.plots.pareto(found, costs, shares, tasks=("price", "buys"), front=front)
figure.suptitle(
    "Each weight leads to one point of the front; the end points form a bent path"
)
show(
    figure,
    "05_front.svg",
    "Left: as weight moves from buys to price the end point moves along a bent path. "
    "Right: all end points lie on the exact Pareto front",
)

# %%
exact = np.array([solved((s, 1 - s)) for s in shares])
distance = np.abs(found - exact).max()
print("largest distance from the exact minimum below 1e-6:", distance < 1e-6)
assert distance < 1e-6, "the convex front is traced exactly"

inside = slice(2, -2)
slope = -shares[inside] / (1 - shares[inside])  # (5.2)
measured = np.gradient(front[:, 1], front[:, 0])[::10][inside]
middle = float(measured[len(measured) // 2])
print("slope of the front at w = (½, ½):", round(middle, 2))
assert np.allclose(measured, slope, rtol=0.05), (
    "the slope of the front is the exchange rate"
)
assert float(bowls(mtl.Tensor(np.zeros(2)))["price"]) == 0.5  # ½ · 1 · (−1)²

# %% [markdown]
# ## What no weight can buy
#
# Minimising $w_1 L_1 + w_2 L_2$ is laying a straight edge with slope $-w_1/w_2$ against
# the front from below, and seeing where it touches. If the front bulges towards the
# origin, *convex*, every point is touched by some edge. Where it bulges away,
# *concave*, an edge rests on two ends and touches nothing between. Two tasks with such
# a front (Fonseca and Fleming, 1995):
# $L_{1,2} = 1 - \exp(-\lVert x \mp (1, 1)/\sqrt 2 \rVert^2)$. Each is happy near its
# own point and, further away, gives up caring. (Close to its two ends, where one loss
# is below 0.08, this front is convex again; that is where the sums will end.)
#
# The smooth maximum `mtl.weighting.stch` descends something else: nearly the *larger*
# of the two losses times their *preferences* ($\mu$ says how nearly). The points at
# which this larger one is constant form an L, and its corner can touch the front where
# a straight edge cannot. So, with $s$ and $1 - s$ as preferences, it ends near
# $s L_1 = (1 - s) L_2$. We leave out the most one-sided preferences: 0 and 1 are not
# allowed, and those next to them lead to the ends.


# %%
def craters(x):
    far = {"price": x - np.sqrt(0.5), "buys": x + np.sqrt(0.5)}
    return {t: 1.0 - mtl.ops.exp(-(d * d).sum()) for t, d in far.items()}


start = np.array([0.1, -0.2])
summed = np.array([descend(craters, start, (s, 1 - s), 0.3)[1] for s in shares])
corner = []
for s in shares[3:-3]:
    smooth_maximum = partial(mtl.weighting.stch, mu=0.02, preference=(s, 1 - s))
    corner.append(descend(craters, start, smooth_maximum, 0.3)[1])
corner = np.array(corner)

between = np.linspace(-np.sqrt(0.5), np.sqrt(0.5), 101)
line = np.array([values(craters(mtl.Tensor(np.full(2, s)))) for s in between])

# %%
figure, ax = plt.subplots(figsize=(5, 4), layout="constrained", facecolor="white")
ax.plot(*line.T, color="0.6", label="exact front (theory)")
ax.plot(*summed.T, "o", color="#222222", label="weighted sums: 21 weights, two places")
ax.plot(
    *corner.T,
    "^",
    color="#7B3FA0",
    markerfacecolor="white",
    label="smooth maximum, 15 preferences",
)
ax.set(xlabel="loss of price", ylabel="loss of buys")
ax.legend(frameon=False)
figure.suptitle("A concave front: sums reach its ends, nothing between", fontsize=11)
show(
    figure,
    "05_concave.svg",
    "All 21 weighted sums end at one of the two ends of the concave front; the smooth "
    "maximum reaches points between them",
)


# %%
def in_the_middle(points):
    """How many points have both losses above 0.05."""
    return (points.min(1) > 0.05).sum()


print(
    f"both losses above 0.05: {in_the_middle(summed)} of {len(summed)} weighted sums, "
    f"{in_the_middle(corner)} of {len(corner)} smooth maxima"
)
assert in_the_middle(summed) == 0
assert in_the_middle(corner) == len(corner)
assert np.allclose([line[0, 1], line[-1, 0]], 0), (
    "the front ends where one task is content"
)
for point in corner:
    assert np.linalg.norm(line - point, axis=1).min() < 0.01, (
        "the smooth maximum ends on the front"
    )

# %% [markdown]
# ## The units trap
#
# A loss has units. Write prices in cents instead of dollars: predictions and targets
# are multiplied by $c = 100$, and the squared error by
#
# $$
# \text{mse}(c\, \hat y, c\, y) = c^2\, \text{mse}(\hat y, y) \tag{5.3}
# $$
#
# so `mtl.mse` now counts ten thousand times as much beside the cross-entropy of the
# purchases, which has no unit. Nobody chose this weight. What does it do? A trunk of
# only two units, so that the tasks have to compete for it, sixty labels of each, prices
# in a unit in which their variance is 1, and the weight of the price from a
# ten-thousandth to ten thousand:

# %%
prediction, target = np.random.default_rng(0).normal(size=(2, 50, 1))
dollars = float(mtl.mse(mtl.Tensor(prediction), target))
cents = float(mtl.mse(mtl.Tensor(100 * prediction), 100 * target))
assert np.isclose(cents, 100**2 * dollars)  # (5.3)


def products(rng, n, U):
    """Ten features of n products, price (variance 1) and purchase.

    U (10, 3): what both depend on
    """
    X = rng.normal(size=(n, 10))
    common, costly, liked = (X @ U).T
    price = (np.tanh(common) + costly + 0.3 * rng.normal(size=n)) / 1.22
    bought = np.tanh(2 * common) + liked + 0.5 * rng.normal(size=n) > 0
    return {"price": (X, price[:, None]), "buys": (X, bought[:, None].astype(int))}


# %%
losses = {"price": mtl.mse, "buys": mtl.binary_cross_entropy}


def in_units(data, unit):
    X, price = data["price"]
    return {"price": (X, price * unit), "buys": data["buys"]}


def held_out(weight, seed, unit=1.0, steps=200):
    """Held-out losses (price, buys) for this weight of the price.

    unit: what prices are multiplied by; it is divided out of the loss again
    """
    rng = np.random.default_rng(seed)
    U = np.linalg.qr(rng.normal(size=(10, 3)))[0]
    train = in_units(products(rng, 60, U), unit)
    test = in_units(products(rng, 1000, U), unit)
    trunk = mtl.Sequential(mtl.Dense(10, 2, rng), mtl.tanh)
    heads = {t: mtl.Dense(2, 1, rng) for t in train}
    model = mtl.HardSharing(trunk, heads)
    mtl.fit(
        model,
        train,
        losses,
        weights={"price": weight, "buys": 1.0},
        optimizer=mtl.Adam(0.02),
        steps=steps,
    )
    found = mtl.evaluate(model, test, losses)
    return found["price"] / unit**2, found["buys"]


# %%
weights = 10.0 ** np.array([-4, -2, -1, 0, 1, 2, 4])
seeds = 16
results = np.array(
    [[held_out(w, seed) for w in weights] for seed in range(seeds)]
)  # (16, 7, 2)

# %%
mean, se = mean_and_error(results)
undecided = float(mtl.binary_cross_entropy(mtl.Tensor([0.0]), np.array([1])))  # log 2


def variance(w):
    return np.full_like(w, 1.0)


def log_2(w):
    return np.full_like(w, undecided)


figure = mtl.plots.curves(
    weights,
    {"price": (mean[:, 0], se[:, 0]), "buys": (mean[:, 1], se[:, 1])},
    {"price, knowing nothing": variance, "buys, knowing nothing": log_2},
    of_tasks=True,
    log="x",
    xlabel="weight of price, whose variance is 1 (log scale)",
    ylabel="held-out loss",
    seeds=seeds,
    title="A weight far from 1 costs one task its trunk",
)
show(
    figure,
    "05_units.svg",
    "With the weight of price far below 1 the price is badly predicted; far above 1 "
    "the purchases are, almost as badly as by knowing nothing; at weight 1 both are "
    "good",
)
for task, i, end in (("price", 0, 0), ("buys", 1, -1), ("buys", 1, 0)):
    g, e = mtl.interaction.transfer_gain(results[:, end, i], results[:, 3, i])
    print(
        f"{task}: held-out loss at weight 1 is lower by {g:.2f} ± {e:.2f} "
        f"than at weight {weights[end]:g}"
    )
    assert g > 3 * e

# %%
assert 0 < undecided - mean[-1, 1] < 0.1, (
    "at the right end purchases are predicted hardly better than by knowing nothing"
)
short = np.array([held_out(weights[0], seed, steps=50)[1] for seed in range(seeds)])
print(
    f"purchases at weight {weights[0]:g}: {short.mean():.2f} after 50 steps, "
    f"{mean[0, 1]:.2f} after 200; at weight 1: {mean[3, 1]:.2f}"
)
assert (results[:, 0, 1] - short).mean() > 0.1

# %% [markdown]
# Who predicts half and half for every purchase has a loss of $\log 2$; who always
# predicts the mean price, its variance. Look at the left end too: with hardly any
# weight on the price, purchases are predicted *worse* than at weight 1. Is this
# transfer from the price? Not much of it: 200 steps are too many for purchases alone,
# whose sixty labels are then learned by heart; stopped after 50 they are predicted
# nearly as well as at weight 1. Training longer on another task kept them from it.
# Equal steps are not equal opportunity: ask of every arm how it does at *its* best
# number of steps.
#
# And real cents, with the predictions in cents too? They are a second trap. The loss is
# as with weight $10^4$; but the head must also learn to put out numbers a hundred times
# larger, which takes many steps. A weight of $10^{-4}$ undoes the first and not the
# second:

# %%
runs = {
    "variance 1, weight 1": (1.0, 1.0),
    "variance 1, weight 10,000": (1e4, 1.0),
    "cents, weight 1": (1.0, 100.0),
    "cents, weight 1/10,000": (1e-4, 100.0),
}
table = {}
for name, (weight, unit) in runs.items():
    E = np.array([held_out(weight, seed, unit) for seed in range(seeds)])
    table[name] = E  # (16, 2)
    print(f"{name:26} price {E[:, 0].mean():.2f}, buys {E[:, 1].mean():.2f}")

best = table["variance 1, weight 1"]
for name in ("cents, weight 1", "cents, weight 1/10,000"):
    for i in (0, 1):
        g, e = mtl.interaction.transfer_gain(table[name][:, i], best[:, i])
        assert g > 3 * e, "in cents, both tasks are worse, whatever the weight"

# %% [markdown]
# So standardise targets before you train: subtract their mean, divide by their standard
# deviation, and write down what to multiply predictions with. It is the first thing to
# check when "one task dominates".
#
# The *number of examples* is a unit as well. Losses here are means over a batch, so
# weights need not change with its size: a batch of twice the examples has the same
# expected gradient, with half the variance. If losses are sums, a task with twice the
# examples in a batch counts twice.
#
# ## Doubling everything
#
# With plain gradient descent, $\theta \leftarrow \theta - \eta \sum_t w_t g_t$, all
# weights times $c$ are the learning rate times $c$, to the last bit if $c$ is a power
# of two. Adam divides the gradient by the root of its own running mean square, and the
# factor cancels:
#
# $$
# \text{SGD: } \eta \sum_t (c\, w_t)\, g_t = (c\, \eta) \sum_t w_t\, g_t,
# \qquad \text{Adam: } \frac{c\, m}{\sqrt{c^2 v} + \epsilon} \approx \frac{m}{\sqrt v}
# \tag{5.4}
# $$
#
# in `mtl.SGD` and `mtl.Adam`. (At the first step $m = g$, $v = g^2$; $\epsilon$ is
# tiny. All this holds while the total is (5.1) alone: a penalty, as in [chapter
# 8](08_soft_sharing.md), is not multiplied by $c$, and beside larger weights it counts
# for less under both.) So the sum of all weights is part of SGD's learning rate, too
# large a sum makes it diverge, and Adam does not see it; the *plotted* total is $c$
# times as large under both. A comparison of weightings under SGD that does not tune the
# rate for each compares rates.


# %%
def trained(optimizer, c, rate):
    """The parameters after 50 steps with both weights times c."""
    rng = np.random.default_rng(0)
    data, _ = mtl.datasets.related_tasks(rng, relatedness=0.5)
    trunk = mtl.Sequential(mtl.Dense(8, 8, rng), mtl.tanh)
    heads = {t: mtl.Dense(8, 1, rng) for t in data}
    model = mtl.HardSharing(trunk, heads)
    mtl.fit(
        model,
        data,
        {t: mtl.mse for t in data},
        weights={"a": 0.3 * c, "b": 0.7 * c},
        optimizer=optimizer(rate),
        steps=50,
    )
    return model.theta


same = trained(mtl.SGD, 4.0, 0.05 / 4) == trained(mtl.SGD, 1.0, 0.05)  # (5.4)
print("SGD, 4 w and a quarter of the rate: the same to the bit:", same.all())
assert same.all()

moved = {}
for optimizer in (mtl.SGD, mtl.Adam):
    change = trained(optimizer, 4.0, 0.02) - trained(optimizer, 1.0, 0.02)
    much = np.abs(change).max() > 0.01
    assert much or np.abs(change).max() < 1e-5
    moved[optimizer.__name__] = "more than 0.01" if much else "less than 1e-5"
print("4 w at the same rate moves parameters by", moved)
assert moved == {"SGD": "more than 0.01", "Adam": "less than 1e-5"}

# %% [markdown]
# **Are heads weighted too?** Literally, yes: the step is the gradient of (5.1), and
# head $t$ receives $w_t$ times its own gradient. Under SGD a task with a small weight
# therefore has a slowly learning head. Under Adam it does not: a head hears of one task
# only, its weight is a constant factor of its gradient, and the factor cancels. There,
# constant weights act in the trunk alone. (Make *one* step of Adam along the weighted
# sum. One step for each task is something else: with a memory for each task every
# weight cancels, with a common one their gradients are mixed up.)
#
# It is another matter where a rule chooses the weights from the angles between the
# gradients on the trunk, as in the next chapter. Such weights say in which direction
# the *trunk* should go. They know nothing of the heads. If one head starts at zero, its
# task has no gradient on the trunk yet, and a rule may give it the weight 0. That
# weight would keep the head at zero for ever. So `mtl.fit` leaves heads unweighted
# under such a rule, and weights them only if you ask for it (`weight_own=True`). Papers
# and their programs disagree here, so look it up before you compare with one.
#
# **Sampling is weighting.** Training on task $t$ in a share $p_t$ of the steps gives,
# on average, the gradient $\sum_t p_t w_t g_t$: under SGD, shares act like weights. A
# common choice is $p_t \propto n_t^{1/\tau}$ for $n_t$ examples: $\tau = 1$ is
# *proportional*, and only as $\tau \to \infty$ do all tasks get the same. (One also
# reads that $\tau = 1$ makes them equal. It does not.)
#
# **Learned weights.** `mtl.weighting.Uncertainty` learns a variance $\sigma_t^2$ for
# each task beside the model: a regression adds
# $L_t / (2 \sigma_t^2) + \tfrac12 \log \sigma_t^2$ to the total, a classification
# $L_t / \sigma_t^2 + \tfrac12 \log \sigma_t^2$. Each is least where the first part is
# $\tfrac12$, so the weight, what stands before $L_t$, settles at $1/(2 L_t)$, and a
# unit no longer acts as a weight. (The second trap, large outputs, stays.) The
# logarithm may make the total negative; that is no error. Weights that never move from
# where they began, however, are.

# %%
losses_in = {"dollars": np.array([4.0, 0.8]), "cents": np.array([40_000.0, 0.8])}
for unit, L in losses_in.items():
    rule = mtl.weighting.Uncertainty(regression=[0])  # the other is a classification
    first = rule(L)
    for _ in range(5000):
        w = rule(L)
    print(
        f"price in {unit:8} first w·L {np.round(first * L, 2)}, "
        f"settled w·L {np.round(w * L, 2)}"
    )
    assert np.allclose(w * L, 0.5)

# %% [markdown]
# ## Exercises
#
# [Solutions](solutions/ch05.py).
#
# **5.1** One shared number $x$, losses $k_t (x - a_t)^2$ and weights $w_t$ of any
# number of tasks: where is the minimum of the total?


# %%
def weighted_minimum(k, a, w):
    """x where Σ w_t k_t (x − a_t)² is least; k, a, w are arrays (T,)."""
    raise NotImplementedError


check_weighted_minimum(weighted_minimum)

# %% [markdown]
# **5.2** The shares of the steps that each task gets when sampled with
# $p_t \propto n_t^{1/\tau}$.


# %%
def sampling(n, tau):
    """p (T,) for n (T,) examples."""
    raise NotImplementedError


check_sampling(sampling)

# %% [markdown]
# **5.3 Find the bug.** This should make the total loss independent of the units in
# which predictions and targets are given: a squared error gets a weight by its unit (1
# dollar is a unit of 1, written in cents it is 100), a cross-entropy has none. (Delete
# the `raise` to run it.)


# %%
def undo_units(units):
    """task -> weight.

    units: task -> size of its unit in the targets' numbers, None for classification
    """
    raise NotImplementedError
    weights = {}
    for task, unit in units.items():
        weights[task] = 1.0 if unit is None else 1.0 / unit
    return weights


check_undo_units(undo_units)

# %% [markdown]
# **5.4 Write the property that catches it.** A law for `step(theta, J, w, rate)`, one
# step of gradient descent on the weighted loss: $J$ is $(T, P)$, the result $(P,)$. The
# wrong ones normalise the weights in secret, square them, give them to the wrong tasks,
# average over tasks, or go uphill. Two kinds of law find all, without writing the
# answer down: one on scale, one on single tasks.


# %%
def law(step):
    """Raises AssertionError if this step is not θ − η Jᵀw."""
    raise NotImplementedError


check_law(law)

# %% [markdown]
# ## What this does not show
#
# Which weights are *right*: no formula knows what a good price is worth to you in bad
# recommendations. Real fronts are of held-out losses, noisy, and the points you reach
# on them depend on the optimiser and on when you stop. The trunk here had two units;
# with more room, tasks compete less. And the experiment with weights and cents used one
# kind of made-up data: it shows that a unit *can* ruin a task, not how often it does.
#
# ## To recall
#
# 1. What does the ratio of two weights say about the point that training reaches?
#    <details><summary>Answer</summary>It is minus the slope of the Pareto front there:
#    the exchange rate between the two losses.</details>
# 2. Why can a weighted sum not reach a concave part of a front?
#    <details><summary>Answer</summary>It minimises along straight edges. Points on a
#    concave part lie above the edge through the ends, so one of the ends has a smaller
#    sum. Where the gradients cancel there, the sum is a maximum along the
#    front.</details>
# 3. Predictions and prices are changed from dollars to cents. Which weight restores the
#    old total, and why is training in cents still harder?
#    <details><summary>Answer</summary>The old weight divided by 10,000: a squared error
#    grows with the square of the unit. But the head has to learn to put out numbers a
#    hundred times larger.</details>
# 4. All weights are multiplied by 10. What changes under SGD, and what under Adam?
#    <details><summary>Answer</summary>Under SGD the effective learning rate is ten
#    times as large. Under Adam almost nothing (only the effect of ε).</details>
# 5. Under Adam, does a constant weight of 0.01 slow down a task's own head?
#    <details><summary>Answer</summary>No: the head's gradients all carry the same
#    factor, which cancels. The weight acts in the trunk, where other tasks' gradients
#    are added.</details>
