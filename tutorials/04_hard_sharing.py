# %% [markdown]
# # 4 · One trunk, many heads: hard sharing
#
# *35 minutes.* Three branches of a shop each want to predict what a customer spends.
# One model for all, or one for each? After this chapter you can write down the gradient
# that a shared trunk receives, count what sharing saves, and say in advance, from two
# numbers, when it pays: up to how many labels, and for how different branches.
#
# ![](figures/04_crossing.svg)

# %%
import numpy as np
import tinymtl as mtl
from tinymtl.interaction import mean_and_error

from _show import show
from checks.ch04 import (
    check_counts,
    check_gain_of_pooling,
    check_law,
    check_trunk_gradient,
)

# %% [markdown]
# **What you need**: [chapter 1](01_chain_rule.md), where gradients of two losses were
# added at a shared value, and the matrix product. A *dense layer* computes
# $h = xW + b$. The *mean squared error* of $N$ predictions is the mean of their squared
# differences from the targets.
#
# ## Notation
#
# | symbol | in code | shape | what it is |
# |---|---|---|---|
# | $T$ | `T` | number | tasks |
# | $D$ | `D` | number | input features |
# | $n$ | `n` | number | labels of each task |
# | $\theta_\text{sh}$ | `hard.trunk` | $(P,)$ | shared parameters, $P$ of them |
# | $L_t, w_t$ | `L`, `w` | number each | loss of task $t$, a mean over its examples, and its weight |
# | $J$ | `J` | $(T, P)$ | row $t$ is task $t$'s gradient on the shared parameters |
# | $\beta_t$ | `beta[t]` | $(D,)$ | the true weights of branch $t$ |
# | $m, \delta_t$ | | $(D,)$ | what all branches have in common, and what is branch $t$'s own: $\beta_t = m + \delta_t$ |
# | $b_t$ | | $(D,)$ | what branch $t$ finds alone |
# | $\sigma^2$ | `noise` | number | variance of the noise in a label |
# | $\tau^2$ | `spread` | number | variance of a coordinate of $\delta_t$ |
#
# ## One trunk in every loss
#
# *Hard parameter sharing* (Caruana, 1993): one *trunk*, a network that all tasks pass
# through, and a small *head* for each task.
#
# $$
# h = \text{trunk}(x; \theta_\text{sh}), \qquad \hat y_t = \text{head}_t(h),
# \qquad L = \sum_t w_t L_t(\hat y_t, y_t) \tag{4.1}
# $$
#
# is `mtl.HardSharing` with `mtl.weighted_sum`. Here are a price (one number out,
# squared error) and a department (one of three, cross-entropy, the loss of chapter 1
# for more than two answers) for the same products. The numbers are random stand-ins;
# each task may also bring inputs of its own.

# %%
rng = np.random.default_rng(0)
trunk = mtl.Sequential(mtl.Dense(6, 16, rng), mtl.relu)
heads = {"price": mtl.Dense(16, 1, rng), "department": mtl.Dense(16, 3, rng)}
hard = mtl.HardSharing(trunk, heads)

x = rng.normal(size=(64, 6))
targets = {"price": rng.normal(size=(64, 1)), "department": rng.integers(3, size=64)}
loss_of = {"price": mtl.mse, "department": mtl.cross_entropy}
outputs = hard({t: x for t in heads})
L = {t: loss_of[t](outputs[t], targets[t]) for t in heads}
w = {"price": 0.3, "department": 1.0}
total = mtl.weighted_sum(L, w)  # (4.1)

# %% [markdown]
# Write the gradients of the two losses on the shared parameters as rows of one matrix
# $J$, the *Jacobian*. Chapter 1 said what the trunk receives: the sum of what comes
# along each path, times its weight.
#
# $$
# \frac{\partial L}{\partial \theta_\text{sh}}
# = \sum_t w_t \frac{\partial L_t}{\partial \theta_\text{sh}} = J^\top w,
# \qquad J_t = \frac{\partial L_t}{\partial \theta_\text{sh}} \tag{4.2}
# $$
#
# `mtl.jacobian` makes it. The first $P$ places of `hard.grad` are those of the trunk:

# %%
J = mtl.jacobian(list(L.values()), hard.trunk.parameters())
total.backward()
received = hard.grad[: hard.P]
expected = J.T @ np.array(list(w.values()))  # (4.2)
agree = np.abs(received - expected).max() < 1e-12
print("J has shape", J.shape, "and the trunk receives Jᵀw:", agree)
assert agree

# %% [markdown]
# A head, in contrast, receives $w_t$ times the gradient of its own loss and nothing
# else. That is all there is to hard sharing: one array of numbers, $J^\top w$, in which
# every task has a say. It is the only place where tasks meet.
#
# ## What it saves
#
# With $P$ parameters in the trunk and $p_t$ in head $t$,
#
# $$
# \text{alone: } T P + \sum_t p_t \qquad\qquad \text{hard: } P + \sum_t p_t \tag{4.3}
# $$
#
# which `mtl.HardSharing.counts` counts. A dense layer from $D$ to $H$ has $DH$ weights
# and $H$ biases. (Soft sharing, chapter 8, has as many parameters as alone.)

# %%
alone = mtl.SingleTask(trunk, heads)
P = hard.P
p = [16 * 1 + 1, 16 * 3 + 3]
total_alone = alone.counts()["total"]
total_hard = hard.counts()["total"]
print("alone", total_alone, " hard", total_hard)
assert total_alone == 2 * P + sum(p)  # (4.3)
assert total_hard == P + sum(p)
show(
    mtl.plots.network(hard),
    "04_network.svg",
    "One trunk leads to both heads; its parameters, most of the small network, are "
    "there once and not once for each task",
)

# %% [markdown]
# ## When it pays
#
# Fewer parameters are fine, but is the prediction better? Take the simplest case in
# which everything can be worked out. Branch $t$ of the shop has true weights
# $\beta_t = m + \delta_t$: something all branches have in common, and something of its
# own, whose coordinates vary from branch to branch with variance $\tau^2$. It has $n$
# labels with noise of variance $\sigma^2$, and inputs of mean 0 and variance 1 that are
# uncorrelated, $X_t^\top X_t = n I$. How far are the weights that are found from the
# true ones? (The error of a prediction is $D$ times that of a weight, plus the noise
# that nobody can predict.)
#
# - **Alone**, least squares finds $b_t = \beta_t$ plus noise of variance $\sigma^2/n$
#   in each coordinate.
# - **One model for all**, with equal weights, minimises
#   $\sum_t \lVert \beta - b_t \rVert^2$ and so finds the *mean* of what the branches
#   find alone. Its noise is $T$ times smaller, $\sigma^2/(nT)$. But the mean is not
#   $\beta_t$: it misses by $\delta_t - \bar\delta$, a *bias* that stays however many
#   labels there are. A deviation from the mean of $T$ draws has the variance
#   $\tau^2 (T-1)/T$. (Why not $\tau^2$? The mean contains $\delta_t$ itself.)
#
# Noise and $\delta_t$ are independent, so the two parts add. Averaged over noise and
# over branches, the squared error of a coordinate is
#
# $$
# R_\text{alone} = \frac{\sigma^2}{n},
# \qquad R_\text{shared} = \frac{\sigma^2}{nT} + \frac{T-1}{T}\, \tau^2,
# \qquad R_\text{alone} - R_\text{shared}
# = \frac{T-1}{T} \left(\frac{\sigma^2}{n} - \tau^2\right)
# \tag{4.4}
# $$
#
# which is `mtl.closed_form.risk` (its first argument is 0 for alone, infinite for one
# model; what lies between is chapter 8). Sharing trades noise for bias. It pays as long
# as the bracket is positive: **while there are fewer labels than**
#
# $$
# n^* = \frac{\sigma^2}{\tau^2} \tag{4.5}
# $$
#
# as `mtl.closed_form.pooling_helps` says. Noisy labels, few of them, similar tasks:
# share. Clean labels, many of them, different tasks: don't. Tasks that are the same,
# $\tau^2 = 0$: always share; it is one regression on $nT$ labels.
#
# On data of your own, $\sigma^2$ is the sum of the squared residuals divided by the
# labels that are left when the parameters (weights and a bias) have had one each,
# $n - D - 1$; and the weights that the tasks find alone vary from task to task by
# $\tau^2 + \sigma^2/n$, from which $\tau^2$ follows. With three tasks expect no more
# than its order of magnitude.
#
# **Predict**: the shop opens thirty more branches like these, $T = 33$ instead of 3.
# Does the crossing $n^*$ move?
#
# <details><summary>Answer</summary>
#
# No: $T$ is not in $n^*$. More tasks make the gain larger before the crossing and the
# loss larger after it, by the factor $(T-1)/T$, which grows from 2/3 to 32/33, and that
# is all. With two tasks you already have half of all that tasks like these can ever
# give.
#
# </details>
#
# ## Measure it
#
# We train with the package, alone and shared, on three branches, for several numbers of
# labels and 60 seeds. A trunk of one dense layer with one output, heads that do
# nothing: the hardest sharing there is. Both arms get the same data, the same start and
# the same steps; 25 of them are enough for both (the shared one is there after the
# first; alone each step leaves two thirds of the way).

# %%
T = 3
D = 8
noise = 1.0
spread = 0.025


def branches(rng, n):
    """{branch: (X (n, D), y (n, 1))} with XᵀX = n I, and the truth beta (T, D)."""
    common = rng.normal(size=D)
    beta = common + np.sqrt(spread) * rng.normal(size=(T, D))
    data = {}
    for t in range(T):
        X = rng.normal(size=(n, D))
        X -= X.mean(0)  # centred: then the layer's bias has no part in it
        X = np.sqrt(n) * np.linalg.qr(X)[0]
        y = X @ beta[t][:, None] + np.sqrt(noise) * rng.normal(size=(n, 1))
        data[f"branch {t}"] = (X, y)
    return data, beta


# %%
def as_it_is(h):
    """A head that does nothing."""
    return h


def error(kind, data, beta):
    """Mean squared error of the trained weights, over tasks and coordinates."""
    trunk = mtl.Dense(D, 1, np.random.default_rng(0))
    model = kind(trunk, {t: as_it_is for t in data})
    losses = {t: mtl.mse for t in data}
    mtl.fit(model, data, losses, optimizer=mtl.SGD(1 / (2 * T)), steps=25)
    # The weights of the trunk that each task uses.
    found = np.array([model.task_parameters(t)[0].data[:, 0] for t in data])
    return ((found - beta) ** 2).mean()


labels = np.array([10, 16, 25, 40, 63, 100, 160])
errors = np.zeros((60, 2, len(labels)))  # (seeds, arms, numbers of labels)
for seed in range(60):
    for k, n in enumerate(labels):
        data, beta = branches(np.random.default_rng([seed, n]), n)
        errors[seed, 0, k] = error(mtl.SingleTask, data, beta)
        errors[seed, 1, k] = error(mtl.HardSharing, data, beta)


# %%
def risk_alone(n):
    return noise / n


def risk_shared(n):
    return noise / (n * T) + (T - 1) / T * spread  # (4.4)


mean, se = mean_and_error(errors)
predicted = noise / spread  # (4.5)
figure = mtl.plots.curves(
    labels,
    {"alone": (mean[0], se[0]), "one for all": (mean[1], se[1])},
    {"alone": risk_alone, "one for all": risk_shared},
    xlabel="labels of each branch (log scale)",
    ylabel="squared error of a weight (log scale)",
    seeds=len(errors),
    title="Sharing wins while labels are few, and the crossing can be predicted",
    mark=(predicted, f"predicted: n* = {predicted:.0f}"),
)
show(
    figure,
    "04_crossing.svg",
    "With few labels one model for all branches has the smaller error, with many "
    "labels one for each; the measured points lie close to the lines of theory, which "
    "cross at the predicted 40 labels",
)

# %%
strengths = (0.0, np.inf)  # alone, one for all
for arm, risk in enumerate((risk_alone, risk_shared)):
    package = [
        mtl.closed_form.risk(strengths[arm], n, T, noise, spread) for n in labels
    ]
    assert np.allclose(package, risk(labels))
    assert (np.abs(mean[arm] - risk(labels)) < 4 * se[arm]).all(), (
        "measured is what theory says, within its standard error"
    )

# %% [markdown]
# The shared model's error stops falling: it sits on its bias. **The claim**, of paired
# differences: at less than half of $n^*$ sharing is better, at more than twice worse,
# by more than three standard errors; and the crossing that was measured lies within a
# quarter of the predicted one.


# %%
def crossing(gain):
    """Where the mean of gain (seeds, numbers of labels) passes 0.

    Between two numbers of labels the line is straight over the logarithm of n.
    """
    mean = gain.mean(0)
    k = np.flatnonzero(mean > 0)[-1]
    return np.exp(np.interp(0, -mean[k : k + 2], np.log(labels[k : k + 2])))


gain = errors[:, 0] - errors[:, 1]  # (seeds, numbers of labels)
again = []
for k in range(500):
    drawn = np.random.default_rng(k).integers(len(gain), size=len(gain))
    again.append(crossing(gain[drawn]))  # of seeds drawn anew
low, high = np.quantile(again, [0.025, 0.975])
print(
    f"crossing predicted at {predicted:.0f} labels, "
    f"measured at {crossing(gain):.0f} (95 %: {low:.0f} to {high:.0f})"
)

g, e = mtl.interaction.transfer_gain(errors[:, 0], errors[:, 1])
assert (g > 3 * e)[labels < 20].all(), "few labels: sharing is better"
assert (g < -3 * e)[labels > 80].all(), "many labels: sharing is worse"
assert 0.75 < crossing(gain) / predicted < 1.25

# %% [markdown]
# `mtl.interaction.transfer_gain` takes the difference seed by seed. Both arms of a seed
# see the same data, so what a lucky draw does to both is taken out.
#
# ## Networks: how related, and how wide?
#
# Real trunks are not linear, and heads have parameters, so a network need not share
# *answers*: it shares features, and each head makes its own of them.
# `mtl.datasets.related_tasks` makes two tasks whose targets are the same bent function
# of $u_t \cdot x$, each with a direction $u_t$ of its own; a knob sets the cosine
# between the two directions, from 1, the same, to 0, unrelated. (There `noise` is a
# standard deviation.) We turn the knob, with a trunk of one hidden unit and with one of
# four. One unit can look in one direction; four can look in both.


# %%
def held_out(width, relatedness, seed):
    """Held-out mean squared error (alone, shared).

    Both arms copy the same parts, so they start equal.
    """
    rng = np.random.default_rng(seed)
    train, test = mtl.datasets.related_tasks(rng, relatedness, n_train=40, noise=0.3)
    trunk = mtl.Sequential(mtl.Dense(8, width, rng), mtl.tanh)
    heads = {t: mtl.Dense(width, 1, rng) for t in train}
    losses = {t: mtl.mse for t in train}
    results = []
    for kind in (mtl.SingleTask, mtl.HardSharing):
        model = kind(trunk, heads)
        mtl.fit(model, train, losses, optimizer=mtl.Adam(0.03), steps=150)
        found = mtl.evaluate(model, test, losses)
        results.append(np.mean(list(found.values())))
    return results


# %%
knob = np.array([0.0, 0.4, 0.7, 1.0])
seeds = 16
results = {}  # width -> (seeds, places of the knob, arms)
for H in (1, 4):
    results[H] = np.array(
        [[held_out(H, p, seed) for p in knob] for seed in range(seeds)]
    )

measured = {}
for H in (4, 1):
    for i, arm in enumerate(("alone", "shared")):
        measured[f"{arm}, width {H}"] = mean_and_error(results[H][:, :, i])
figure = mtl.plots.curves(
    knob,
    measured,
    log="y",
    seeds=seeds,
    xlabel="relatedness of the two tasks",
    ylabel="held-out squared error (log scale)",
    title="One unit cannot serve two directions; four can",
)
show(
    figure,
    "04_width.svg",
    "Shared with one hidden unit the error is many times that of training alone unless "
    "the tasks are the same; shared with four units it is that of training four units "
    "alone, and lower if the tasks are the same; but one unit alone is as good as that",
)


# %%
def over_the_knob(gain, error):
    columns = zip(knob, gain, error)
    return ", ".join(f"{p:g}: {g:+.2f} ± {e:.2f}" for p, g, e in columns)


gains = {}
for H, E in results.items():
    gains[H] = mtl.interaction.transfer_gain(E[:, :, 0], E[:, :, 1])
    print(f"width {H}: gain over alone", over_the_knob(*gains[H]))
narrow, narrow_se = gains[1]
wide, wide_se = gains[4]
median = np.median(results[1][:, -1, 0] - results[1][:, -1, 1])
print(f"width 1, the same task: median gain {median:+.2f}")
assert narrow[0] < -3 * narrow_se[0], "one unit, unrelated tasks: harm"
assert wide[-1] > 3 * wide_se[-1], (
    "four units, the same task twice: gain over four units alone"
)
assert abs(wide[0]) < -narrow[0] / 5, "width takes most of the harm away"

over_best, over_best_se = mtl.interaction.transfer_gain(
    results[1][:, :, 0], results[4][:, :, 1]
)
print("shared, width 4, over alone, width 1", over_the_knob(over_best, over_best_se))
assert (over_best < 3 * over_best_se).all(), (
    "over the best model alone it gains nothing"
)

# %% [markdown]
# Both experiments show the same bias: a shared model that cannot express what is each
# task's own. In the first nothing was left to the tasks, here one unit is; with four
# there is room, and most of the harm is gone. Room has its price: what tasks need not
# share saves no noise, and between half-related and unrelated tasks four units gained
# nothing. How width, weights and transfer hang together is the subject of chapter 7, to
# come.
#
# And look at the last line: the *best* model alone has one unit for each task, as such
# simple tasks ask for, and over it four shared units gain nothing, not even when the
# tasks are the same. The gain over "the same network alone" was a gain over a network
# that was too large for its labels. Which baseline a gain is over matters as much as
# its size. (With one unit and the same task twice the mean is below 0 and the median is
# not: a run got stuck. One seed can show anything.)
#
# **"My multi-task model is worse than single-task."** Before you believe it, or the
# opposite, ask:
#
# - Did both have the same budget of steps and tuning, and is each at its best? A width
#   or a learning rate tuned for one arm is not the other's.
# - Over how many seeds, and were they paired? And for each task, or only on average?
# - Does one loss dominate because of its units? (Chapter 5.)
# - Are there so many labels that there is nothing to gain? Estimate $n^*$, or draw
#   learning curves.
# - Is the trunk too narrow for what the tasks need together?
#
# ## Exercises
#
# [Solutions](solutions/ch04.py).
#
# **4.1** Count. A trunk of dense layers with sizes $D \to H \to H$, heads from $H$ to
# the numbers in `outputs`.


# %%
def counts(D, H, outputs):
    """(parameters alone, parameters with hard sharing)"""
    raise NotImplementedError


check_counts(counts)

# %% [markdown]
# **4.2** On paper, then as code. Two branches have $n_1$ and $n_2$ labels, and one
# model is fitted to all labels alike (in (4.1) that is $w_t \propto n_t$): it finds
# $(n_1 b_1 + n_2 b_2)/(n_1 + n_2)$, where $b_t$ is what branch $t$ finds alone. How
# much less is the expected squared error of a coordinate, for each branch? For whom
# does pooling pay, the poor or the rich? (The answer surprises most people.)


# %%
def gain_of_pooling(n1, n2, noise, spread):
    """(R_alone − R_pooled of branch 1, the same of branch 2)"""
    raise NotImplementedError


check_gain_of_pooling(gain_of_pooling)

# %% [markdown]
# **4.3 Find the bug.** A hand-written gradient for a linear trunk $A$,
# $\hat y_t = X A c_t$. It trains, the loss of one task even falls nicely. (Delete the
# `raise` to run it.)


# %%
def trunk_gradient(A, heads, X, targets, w):
    """∂/∂A of Σ_t w_t · mean((X A c_t − y_t)²) (D, H).

    A (D, H), X (N, D), and by task name heads[t] (H,), targets[t] (N,), w[t]
    """
    raise NotImplementedError
    for t, c in heads.items():
        residual = X @ A @ c - targets[t]  # (N,)
        total = w[t] * X.T @ np.outer(residual, c) * 2 / len(X)
    return total


check_trunk_gradient(trunk_gradient)

# %% [markdown]
# **4.4 Write the property that catches it.** Your law gets a function like the one
# above (heads, targets and weights are dicts by task name) and asserts something true.
# It is run on a right one and on several with a slip; linearity in $w$ alone will not
# do.


# %%
def law(trunk_gradient):
    """Raises AssertionError if this gradient is wrong."""
    raise NotImplementedError


check_law(law)

# %% [markdown]
# ## What this does not show
#
# The rule $n^* = \sigma^2/\tau^2$ is exact for linear tasks with as many labels each,
# inputs that are uncorrelated and of variance 1, and differences that are all alike.
# (Inputs with twice the standard deviation count as four times the labels.) Tasks of
# real shops are not equally far from each other, and for networks nothing like $n^*$
# was measured here, only that the same two forces are at work: noise, which falls with
# the number of labels, against bias, which does not. Nor was *which* tasks to share a
# question here, nor what to do between alone and one for all: chapter 8 finds that the
# best is in between.
#
# ## To recall
#
# 1. What gradient does the trunk receive, and what a head?
#    <details><summary>Answer</summary>The trunk Jᵀw, the weighted sum of all tasks'
#    gradients on it; head t only w_t times the gradient of its own loss.</details>
# 2. Three tasks, a trunk of 10,000 parameters, heads of 100 each. How many parameters
#    alone, and with hard sharing?
#    <details><summary>Answer</summary>30,300 and 10,300.</details>
# 3. Labels have noise of variance 4, the tasks' weights a spread of variance 0.1. Up to
#    how many labels does one model for all pay?
#    <details><summary>Answer</summary>Up to 4 / 0.1 = 40 labels of each task, however
#    many tasks there are. (For two tasks with different numbers of labels it is their
#    harmonic mean that must stay below n*: exercise 4.2.)</details>
# 4. Why does the error of the shared model stop falling as labels are added?
#    <details><summary>Answer</summary>Its noise goes to 0, but it estimates the mean of
#    the tasks; how far a task is from that mean, its bias, does not depend on the
#    number of labels.</details>
# 5. A paper reports that sharing helped, with one seed for each arm. What would you
#    ask?
#    <details><summary>Answer</summary>For several paired seeds with the standard error
#    of the difference, the same budget and tuning for both arms, and the number of
#    labels at which it was measured.</details>
