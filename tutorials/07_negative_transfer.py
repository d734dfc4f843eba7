# %% [markdown]
# # 7 · Negative transfer, and rules for the weights
#
# *40 minutes.* Sharing a trunk can make a task worse than training it alone: *negative
# transfer*. You will build it, predict from which angle between two tasks it sets in,
# and cure it. Then you take apart the rules that choose weights during training, and
# see why none of them replaces the cure.
#
# ![](figures/07_transfer.svg)

# %%
import matplotlib.pyplot as plt
import numpy as np
import tinymtl as mtl
from tinymtl.interaction import mean_and_error
from tinymtl.plots import TASK_COLOURS

import _landscape
import _rules_compared
from _show import show
from checks.ch07 import check_law, check_learned, check_settled, check_which_sum

# %% [markdown]
# **What you need**: [chapter 4](04_hard_sharing.md) (one trunk),
# [5](05_weighted_loss.md) (weights, the front) and [6](06_conflict.md)
# ($\Delta L\approx-\eta Gw$, harm); inner products, $\cos^2$, the logarithm.
#
# ## Notation
#
# | symbol | in code | shape | what it is |
# |---|---|---|---|
# | $T, n, D$ | `T`, `n`, `D` | numbers | tasks, examples, features |
# | $\varphi$ | `angle` | number | angle between the targets of two tasks |
# | $\alpha$ | `alpha` | number | angle from the target of task 1 to the shared feature $h$ |
# | $L_t, w_t$ | `L`, `w` | numbers | mean loss of task $t$, its weight |
# | $\sigma^2, s$ | `s` | number | variance of the noise, its logarithm |
# | $g_t, u_1$ | `g`, `u` | $(P,)$ | gradient on the shared parameters, $g_1 / \lVert g_1 \rVert$ |
# | $J, G$ | `J`, `G` | $(T, P)$, $(T, T)$ | the gradients as rows, $J J^\top$ |
# | $d$ | `d` | $(P,)$ | direction $J^\top w$; the step is $-\eta d$ |
#
# ## One feature for two tasks
#
# A trunk computes a single feature $h$, and each head multiplies it by a number. Two
# tasks have targets $y_1,y_2$ of mean square 1, with the angle $\varphi$ between them
# and no noise. Alone, each task reaches the loss 0 with $h=y_t$. What does it cost to
# share?
#
# Let $\alpha$ be the angle between $h$ and $y_1$. The best head projects $y_t$ on $h$;
# what is left is the squared sine of the angle between them. With weights of
# $\tfrac12$:
#
# $$
# \begin{aligned}
# L &= \tfrac12 \sin^2 \alpha + \tfrac12 \sin^2 (\varphi - \alpha) \\
# &= \tfrac12 - \tfrac14 \big(\cos 2\alpha + \cos (2\varphi - 2\alpha)\big)
# && \text{because } \sin^2 x = \tfrac12 (1 - \cos 2x) \\
# &= \tfrac12 - \tfrac12 \cos\varphi \, \cos (2\alpha - \varphi)
# && \text{the sum of two cosines} \\
# &\ge \tfrac12 \big(1 - |\cos\varphi|\big)
# && \text{reached at } \alpha = \varphi / 2 \text{, or } \varphi / 2 + 90°
# \text{ if } \cos\varphi < 0
# \end{aligned} \tag{7.1}
# $$
#
# This is `mtl.closed_form.one_unit_loss`. Two units have room for both targets, so the
# loss is 0 at every angle.
#
# **Predict**: which angle costs most? What does 180° cost, where one target is minus
# the other?
#
# <details><summary>Answer</summary>
#
# The right angle costs most: $\tfrac12$, as much as predicting nothing at all for one
# task. Opposite targets cost nothing: one head multiplies by 1, the other by −1. What
# matters is whether both tasks need the same *feature*.
#
# </details>

# %%
losses = {"a": mtl.mse, "b": mtl.mse}


def at_an_angle(rng, angle, n=12):
    """Two tasks without noise; their targets have mean square 1 and this angle."""
    X = rng.normal(size=(n, 2))
    X = np.sqrt(n) * np.linalg.qr(X - X.mean(0))[0]  # XᵀX = n I
    directions = {"a": [1.0, 0.0], "b": [np.cos(angle), np.sin(angle)]}
    return {t: (X, X @ np.array(u)[:, None]) for t, u in directions.items()}


def share(rng, angle, width, optimizer, weights=None, steps=300):
    """The two losses after training one linear trunk of this width."""
    heads = {t: mtl.Dense(width, 1, rng) for t in losses}
    model = mtl.HardSharing(mtl.Dense(2, width, rng), heads)
    data = at_an_angle(rng, angle)
    mtl.fit(model, data, losses, optimizer=optimizer, steps=steps, weights=weights)
    return list(mtl.evaluate(model, data, losses).values())


# %% Train at every angle, over seeds tags=["hide-input"]
degrees = np.arange(0, 181, 30)
seeds = 3
measured = {}
for width in (1, 2):
    table = []  # mean of the two losses, by seed and angle
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        of_seed = []
        for angle in np.radians(degrees):
            optimizer = mtl.SGD(0.1, momentum=0.8)
            of_seed.append(np.mean(share(rng, angle, width, optimizer, steps=200)))
        table.append(of_seed)
    measured[width] = np.array(table)  # (3, 7)


def one_unit(degrees):
    return 0.5 * (1 - np.abs(np.cos(np.radians(degrees))))  # (7.1)


# %% Draw the loss over the angle tags=["hide-input"]
figure, ax = plt.subplots(figsize=(6, 3.3), layout="constrained", facecolor="white")
fine = np.linspace(0, 180, 181)
ax.plot(fine, one_unit(fine), color="#222222", linewidth=2)
ax.axhline(0, color="#7B3FA0", linewidth=2)
looks = {1: ("o", "#222222", "#222222"), 2: ("s", "#7B3FA0", "white")}
for width, (marker, colour, inside) in looks.items():
    mean, se = mean_and_error(measured[width])
    style = {"fmt": marker, "color": colour, "markerfacecolor": inside}
    ax.errorbar(degrees, mean, se, markersize=8, linestyle="", **style)
ax.text(100, 0.47, "one unit: ½ (1 − |cos φ|)", fontsize=12, color="#222222")
ax.text(90, 0.03, "two units", fontsize=12, color="#7B3FA0", ha="center")
ax.set(xticks=degrees, ylim=(-0.03, 0.54), xlim=(-5, 185))
ax.set_xlabel("angle φ between the two tasks, in degrees")
ax.set_ylabel("loss, mean of both tasks")
show(
    figure,
    "07_angle.svg",
    "With one shared unit the loss rises from 0 to one half at the right angle and "
    "falls to 0 again, on the line of theory. With two units it is 0 at every angle. "
    f"(Points: mean of {seeds} seeds; their standard errors are too small to see.)",
)

# %% Check the claim tags=["hide-input"]
off = {
    k: np.abs(measured[k] - theory).max()
    for k, theory in ((1, one_unit(degrees)), (2, 0.0))
}
print(
    f"{seeds} seeds, {len(degrees)} angles: largest distance from theory below 0.001 "
    f"with one unit: {off[1] < 1e-3}, with two: {off[2] < 1e-3}"
)
assert off[1] < 1e-3 and off[2] < 1e-3, "the analytic curve; width cures it"
for x in degrees:
    exact = mtl.closed_form.one_unit_loss(np.radians(x))
    assert np.isclose(one_unit(x), exact)

# %% [markdown]
# ## When sharing starts to hurt
#
# Without noise there was nothing to win. With few noisy labels sharing also *helps*,
# because each estimated parameter adds about $\sigma^2/n$ to the held-out loss (for
# $X^\top X=nI$; [chapter 4](04_hard_sharing.md)). Alone, a linear task has $D$
# parameters. Together, the trunk has $D$ and the heads two, but one is not free:
# doubling the trunk and halving the heads changes nothing. So both tasks together have
# $D+1$ free parameters, which is $(D+1)/2$ for each task.
# The saving, minus the price of (7.1), is the gain:
#
# $$
# \text{gain} \approx \Big(D - \frac{D + 1}{2}\Big) \frac{\sigma^2}{n}
# - \tfrac12 \big(1 - |\cos \varphi|\big)
# = \frac{D - 1}{2}\, \frac{\sigma^2}{n} - \tfrac12 \big(1 - |\cos \varphi|\big)
# \tag{7.2}
# $$
#
# We check it without training: `mtl.closed_form.hard_sharing` is the exact minimum for
# a linear trunk of any width. The gain is 0 where $|\cos\varphi|=1-(D-1)\,\sigma^2/n$.
# Beyond it transfer is negative.

# %%
D, n, noise = 10, 40, 1.0  # noise is σ²
angles = np.arange(0, 91, 15)


def gains(rng, angle):
    """How much lower the held-out loss is than alone, with one unit and with two."""
    plane = np.linalg.qr(rng.normal(size=(D, 2)))[0]
    truth = plane @ np.array([[1.0, np.cos(angle)], [0.0, np.sin(angle)]])  # (D, T)
    X = np.sqrt(n) * np.linalg.qr(rng.normal(size=(n, D)))[0]  # XᵀX = n I
    Y = X @ truth + np.sqrt(noise) * rng.normal(size=(n, 2))
    alone = np.linalg.lstsq(X, Y, rcond=None)[0]
    # For new inputs with covariance I the excess loss of a task is ‖θ̂ − θ‖².
    loss_alone = ((alone - truth) ** 2).sum(0).mean()
    result = []
    for width in (1, 2):
        together = mtl.closed_form.hard_sharing(X, Y, width)
        result.append(loss_alone - ((together - truth) ** 2).sum(0).mean())
    return result


def predicted_gain(degrees):
    saved = (D - 1) / 2 * noise / n
    return saved - one_unit(degrees)  # (7.2)


# %% Compute the gain at every angle, over seeds tags=["hide-input"]
seeds = 100
table = np.array(
    [
        [gains(np.random.default_rng(seed), np.radians(x)) for x in angles]
        for seed in range(seeds)
    ]
)  # (100, 7, 2)

# %% Draw the gain over the angle tags=["hide-input"]
mean, se = mean_and_error(table)  # (7, 2) each
fine = np.linspace(0, 90, 91)
figure, ax = plt.subplots(figsize=(5.6, 3.9), layout="constrained", facecolor="white")
ax.axhspan(0, 0.2, color="#009E73", alpha=0.12, linewidth=0)
ax.axhspan(-0.5, 0, color="#D55E00", alpha=0.12, linewidth=0)
ax.plot(fine, predicted_gain(fine), color="#222222", linewidth=2.5)
bars = {"fmt": "o", "markersize": 9, "capsize": 3, "linestyle": ""}
ax.errorbar(angles, mean[:, 0], se[:, 0], color="#222222", **bars)
bars |= {"fmt": "s", "markerfacecolor": "white"}
ax.errorbar(angles, mean[:, 1], se[:, 1], color="#7B3FA0", **bars)
ax.axhline(0, color="#7B3FA0", linewidth=2)
big = {"fontsize": 16, "weight": "bold", "va": "center"}
ax.text(88, 0.14, "sharing helps", color="#00664b", ha="right", **big)
ax.text(3, -0.42, "sharing harms", color="#a34700", ha="left", **big)
ax.text(56, -0.3, "one unit", color="#222222", ha="right", **big)
ax.text(88, 0.045, "two units", color="#7B3FA0", ha="right", **big)
ax.set(xlim=(-3, 93), ylim=(-0.5, 0.2), xticks=(0, 30, 60, 90))
ax.set_xlabel("angle between the two tasks, in degrees", fontsize=14)
ax.set_ylabel("held-out loss: alone − together", fontsize=14)
show(
    figure,
    "07_transfer.svg",
    "One shared unit lowers the held-out loss of similar tasks and raises that of "
    "different ones: negative transfer. Two units do neither. (Line: theory; points: "
    f"mean of {seeds} seeds, with standard errors that are smaller than the points.)",
)

# %% Check the claim tags=["hide-input"]
crossing = np.degrees(np.arccos(1 - (D - 1) * noise / n))
at = np.flatnonzero(mean[:, 0] > 0)[-1]  # the last angle at which sharing helps
left, right = mean[at : at + 2, 0]
found = angles[at] + 15 * left / (left - right)
print(f"the gain is 0 at {crossing:.0f}° by (7.2), at {found:.0f}° measured")
for x, i in ((0, 0), (90, -1)):
    print(f"one unit, {x:2}°: gain {mean[i, 0]:+.2f} ± {se[i, 0]:.3f} ({seeds} seeds)")
assert abs(crossing - found) < 5
assert mean[0, 0] > 3 * se[0, 0] and mean[-1, 0] < -3 * se[-1, 0]
assert np.abs(table[:, :, 1]).max() < 1e-9, "two units are as good as alone"

# %% [markdown]
# The points lie a little below the line because (7.2) is exact only in the limit of
# little noise. With two units the harm is cured, and the help
# is gone as well. A linear trunk with at least $\min(D,T)$ units has room for every
# task's own solution. Nothing is really shared then, and weights have no effect either
# (Wu, Zhang & Ré, 2020). Nonlinear networks are less extreme, but the question stays:
# *how much room do the tasks have?*
#
# There are three cures: more room, a separate trunk for the task that does not fit, or
# a soft pull ([chapter 8](08_soft_sharing.md)). All of them change the *model*.
#
# ## No rule makes room
#
# Can weights cure it? Take one unit and $\varphi=60°$. Training ends at some $\alpha$,
# whatever the weights are, with the losses
#
# $$
# \big(L_1, L_2\big) = \big(\sin^2 \alpha,\ \sin^2 (\varphi - \alpha)\big) \tag{7.3}
# $$
#
# At 90° the total $w_1\sin^2\alpha+w_2\cos^2\alpha$ is linear in $\sin^2\alpha$. So the
# task with the larger weight gets the whole unit, and the other learns nothing. At 60°
# there are trade-offs. In the plane of the losses (7.3) is a closed loop. `mtl.fit`
# takes weights as numbers or as a *rule*, a function `(losses, gramian) -> weights`
# that is asked in each step. Five choices, six starts each:

# %%
choices = {
    "plain sum": None,
    "weights ½ and 1½": {"a": 0.5, "b": 1.5},
    "geometric": mtl.weighting.geometric,
    "MGDA": mtl.weighting.mgda,
    "Nash": mtl.weighting.nash_mtl,
}
angle = np.radians(60)
ends = {}  # name -> (6, 2), the two losses
for name, weights in choices.items():
    ends[name] = np.array(
        [
            share(np.random.default_rng(seed), angle, 1, mtl.SGD(0.05), weights)
            for seed in range(6)
        ]
    )
alpha = np.linspace(0, np.pi, 721)
loop = np.stack([np.sin(alpha) ** 2, np.sin(angle - alpha) ** 2], 1)  # (7.3)

# %% Draw where the rules end tags=["hide-input"]
figure, ax = plt.subplots(figsize=(5.6, 4.2), layout="constrained", facecolor="white")
ax.plot(*loop.T, color="0.8", linewidth=1.5)
front = alpha <= angle
ax.plot(*loop[front].T, color="0.5", linewidth=5, alpha=0.5, label="best trade-offs")
looks = (
    ("o", "#222222"),
    ("D", "#8A6D0B"),
    ("^", "#7B3FA0"),
    ("s", "#CC79A7"),
    ("v", "#009E73"),
)
for (name, points), (marker, colour) in zip(ends.items(), looks):
    ax.plot(*points.T, marker, color=colour, markersize=8, alpha=0.8, label=name)
ax.plot(*ends["plain sum"][0], "o", color="#222222", markersize=15, fillstyle="none")
ax.plot(0, 0, "*", color="black", markersize=16)
ax.annotate(
    "two units:\nboth losses 0",
    (0, 0),
    (14, 12),
    textcoords="offset points",
    fontsize=10,
)
ax.set(xlabel="loss of task a", ylabel="loss of task b", aspect="equal")
figure.legend(loc="outside right center", frameon=False)
show(
    figure,
    "07_who_pays.svg",
    "With one unit every choice of weights ends on the loop and none gets below its "
    "lower left edge. Some rules end at a corner, where one task pays everything, or "
    "on the upper right, where both losses are high.",
)

# %% Check the claim tags=["hide-input"]
everything = np.concatenate(list(ends.values()))
total = everything.sum(1)
print(
    f"least sum of the two losses: {total.min():.2f}; by (7.1): {2 * one_unit(60):.2f}"
)
upper = {name: int((L.sum(1) > 1).sum()) for name, L in ends.items()}
print("of 6 starts, ended with a sum above 1:", upper)
assert total.min() > 2 * one_unit(60) - 1e-3, "no weights get below the front"
assert upper["plain sum"] == 0
assert np.abs(ends["plain sum"] - 0.25).max() < 1e-3

# %% [markdown]
# Rules decide **who pays**. Only room lowers the bill. Two more lessons:
#
# - *Stationary is not optimal.* MGDA and Nash choose directions that harm nobody. On
#   the upper right no such direction exists, so they stop. Such a point is
#   *Pareto-stationary* (`mtl.weighting.stationarity_gap` is 0). The plain sum goes on,
#   and accepts a loss for one task that the other more than makes up for.
# - *The winner may take all.* The geometric mean weighs a task with $1/L_t$. The task
#   that is ahead gets more weight, so it gets further ahead. Its weight grows without
#   limit, until steps are too long (some ends are off the loop). Learned weights share
#   this habit.
#
# ## Learned weights
#
# *Uncertainty weighting* (Kendall et al., 2018) learns beside the model how noisy each
# task is. If a target is the prediction $f$ plus Gaussian noise of variance $\sigma^2$,
# its minus log-likelihood is
#
# $$
# \frac{(y - f)^2}{2 \sigma^2} + \tfrac12 \log \sigma^2 + \tfrac12 \log 2\pi
# $$
#
# Take the mean over examples, drop the constant, write $s=\log\sigma^2$, and set the
# derivative to 0:
#
# $$
# \ell(s) = \tfrac12 e^{-s} L + \tfrac12 s,
# \qquad \ell'(s) = -\tfrac12 e^{-s} L + \tfrac12 = 0
# \ \Longrightarrow\ \sigma^2 = e^{s} = L,
# \quad w = \tfrac12 e^{-s} = \frac{1}{2L} \tag{7.4}
# $$
#
# So `mtl.weighting.Uncertainty` settles at the weight $1/(2L_t)$. A *classification*
# has $e^{-s}L+\tfrac12s$, an approximation, with $\sigma^2=2L$ and, again, the
# weight $1/(2L)$. Put the best $s$ back, and you see what is really minimised:
#
# $$
# \min_s \ell(s) = \tfrac12 + \tfrac12 \log L,
# \qquad \sum_t \tfrac12 \log L_t = \tfrac12 \log \prod_t L_t,
# \qquad d = \sum_t \frac{g_t}{2 L_t} \tag{7.5}
# $$
#
# It is the product of the losses, and `mtl.weighting.geometric` has the same direction.
# Four facts follow:
#
# - **The total may be negative.** The part of a regression is negative as soon as
#   $L<1/e$. Plot the raw losses beside the total.
# - **Units drop out**: a factor of a loss adds a constant.
# - **As a loss goes to 0, its weight grows without limit.**
# - **Weights that never move are a bug.** The $s_t$ must be trained. In most libraries
#   they must be given to the optimiser; here one rule must live through the run.
#
# Here are two regressions with noise of variance 0.01 and 1. The rule `forgets` has the
# fault of the last line:

# %%
rng = np.random.default_rng(0)
X = rng.normal(size=(400, 5))
both = X @ rng.normal(size=(5, 2)) + np.array([0.1, 1.0]) * rng.normal(size=(400, 2))
data = {"a": (X, both[:, [0]]), "b": (X, both[:, [1]])}
start = mtl.Dense(5, 5, rng), {t: mtl.Dense(5, 1, rng) for t in data}


def forgets(losses, gramian=None):
    """The bug: a new rule in each step, which begins at s = 0 each time."""
    return mtl.weighting.Uncertainty(regression=[0, 1])(losses)


def learn(rule):
    model = mtl.HardSharing(*start)
    return mtl.fit(
        model, data, losses, optimizer=mtl.Adam(0.02), steps=600, weights=rule
    )


history = learn(mtl.weighting.Uncertainty(regression=["a", "b"], learning_rate=0.05))
stuck = learn(forgets)

# %%
L = np.array([history.losses[t] for t in data])  # (T, steps)
w = np.array([history.weights[t] for t in data])
s = -np.log(2 * w)
objective = (w * L + 0.5 * s).sum(0)  # (7.4)
settled = 0.5 / L  # (7.5): the weight in front of each gradient
print("the objective at the end:", round(objective[-1], 1))
for i, t in enumerate(data):
    print(
        f"task {t}: loss {L[i, -1]:.2g}, weight {w[i, -1]:.2g}, 1/(2L) "
        f"{settled[i, -1]:.2g}; stuck at {stuck.weights[t][-1]}"
    )

# %% Draw losses, weights and objective tags=["hide-input"]
steps = np.arange(0, 600, 12)
figure, axes = plt.subplots(
    1, 3, figsize=(7.6, 2.9), layout="constrained", facecolor="white"
)
for i, (task, line) in enumerate(zip("ab", ("-", "--"))):
    look = {"color": TASK_COLOURS[i], "linestyle": line, "linewidth": 2}
    axes[0].plot(steps, L[i, steps], **look)
    axes[1].plot(steps, w[i, steps], **look)
    axes[1].plot(
        steps, settled[i, steps], color=TASK_COLOURS[i], alpha=0.35, linewidth=5
    )
    words = {"color": TASK_COLOURS[i], "fontsize": 11, "va": "bottom", "ha": "right"}
    axes[0].text(600, 1.25 * L[i, -1], f"task {task}", **words)
    words["va"] = "top"
    axes[1].text(600, 0.7 * w[i, -1], f"task {task}", **words)
axes[2].plot(steps, objective[steps], color="black", linewidth=2)
axes[2].axhline(0, color="0.5", linewidth=0.8)
axes[0].set(yscale="log", title="raw losses fall")
axes[1].set(yscale="log", title="weights move to 1/(2L)\n(broad lines)")
axes[2].set(title="the objective\nbecomes negative")
for ax in axes:
    ax.set_xlabel("step")
show(
    figure,
    "07_learned.svg",
    "While both losses fall to their noise, the learned weights move to 1/(2L), and "
    "the objective goes below 0. Nothing is wrong with that.",
)

# %% Check it tags=["hide-input"]
assert objective[-1] < -1
assert np.allclose(w[:, -1], settled[:, -1], rtol=0.05)
assert (stuck.weights["a"] == 0.5).all() and (stuck.weights["b"] == 0.5).all()
never = mtl.weighting.Uncertainty(regression=[0])
weights_at_0 = [never(np.array([0.0]))[0] for _ in range(1001)]
print(f"a loss of 0: after 1,000 steps its weight is {weights_at_0[-1]:.0f} and grows")
assert np.isclose(weights_at_0[-1], 0.5 * np.exp(0.005 * 1000))

# %% [markdown]
# ## Equal losses are not equal gradients
#
# Such rules look at the *values* of the losses. Three losses of one number, all 1 at
# $x=0$:

# %%
x = mtl.Parameter(0.0)
three = [(x - 1.0) ** 2, 1.0 + 0.01 * x, 1.0 + 100.0 * x]
J = mtl.jacobian(three, [x])
print("losses", [float(one) for one in three], "gradients", J[:, 0].tolist())
assert np.allclose(J[:, 0], [-2, 0.01, 100])

# %% [markdown]
# They would get equal weights, although one pulls ten thousand times as hard as
# another. The common case is a task that has reached its noise: its loss is large, its
# gradient nearly 0. So say *what* is to be balanced: the values of losses, their rates
# of fall, the norms of gradients, or their directions. Here is every rule of
# `mtl.weighting` on one example, with what you need to work it out by hand:
# $g_1=(3,0)$, $g_2=(-1,1)$, losses 4 and 1, so $G_{11}=9$, $G_{12}=-3$, $G_{22}=2$ and
# the cosine is $\rho=-1/\sqrt2$.

# %% Ask every rule tags=["hide-input"]
J = np.array([[3.0, 0.0], [-1.0, 1.0]])
G = J @ J.T
L = np.array([4.0, 1.0])
rng = np.random.default_rng(0)


def after(rule, calls, *given):
    """What a rule with memory says in the last of so many calls."""
    return [rule(*given) for _ in range(calls)][-1]


dwa = mtl.weighting.DWA()
for earlier in ((8.0, 1.0), (4.0, 1.0)):
    dwa(np.array(earlier))
uncertainty = mtl.weighting.Uncertainty(regression=[0, 1])
grad_norm = mtl.weighting.GradNorm(learning_rate=0.001)
dice = mtl.weighting.Random(rng)

table = [  # rule, what it balances, weights, how to get them by hand
    ("equal", "nothing", mtl.weighting.equal(L), "1"),
    ("Random", "nothing", dice(L), "T softmax(normal), once; 1 on average"),
    ("geometric", "losses", mtl.weighting.geometric(L), "√(4·1) / (2 L)"),
    ("Uncertainty", "losses", after(uncertainty, 3000, L), "settles at 1/(2 L)"),
    ("stch", "worst loss", mtl.weighting.stch(L), "softmax(4, 1)"),
    ("DWA", "rates", dwa(L), "L was (8, 1): 2 softmax(½/2, 1/2)"),
    (
        "GradNorm",
        "norms, rates",
        after(grad_norm, 3000, L, G),
        "equal rates: ∝ 1/‖g‖, sum 2",
    ),
    ("imtl_g", "projections", mtl.weighting.imtl_g(L, G), "T = 2: ∝ 1/‖g‖, sum 1"),
    (
        "conflict_free",
        "angles",
        mtl.weighting.conflict_free(L, G),
        "as imtl_g; ‖d‖ = Σ projections",
    ),
    ("nash_mtl", "gains", mtl.weighting.nash_mtl(L, G), "1/(‖g‖ √(1 + ρ))"),
    ("fairgrad", "gains", mtl.weighting.fairgrad(L, G), "G w = 1/√w"),
    ("mgda", "least gain", mtl.weighting.mgda(L, G), "w₁ = (2+3)/(9+2+6) = 5/17"),
    ("cagrad", "least gain", mtl.weighting.cagrad(L, G), "within ½‖g₀‖ of the mean g₀"),
    ("PCGrad", "conflicts", mtl.weighting.PCGrad(rng)(L, G), "next section: 4/3, 5/2"),
    ("upgrad", "conflicts", mtl.weighting.upgrad(L, G), "half of PCGrad"),
    (
        "aligned_mtl",
        "axes of J",
        mtl.weighting.aligned_mtl(L, G),
        "both axes as the short one, √0.89",
    ),
]
print("rule           balances       w₁     w₂     by hand")
for rule, balances, w, by_hand in table:
    print(f"{rule:14} {balances:13} {w[0]:5.3f}  {w[1]:5.3f}  {by_hand}")

# %% Check the table tags=["hide-input"]
answers = {rule: w for rule, _, w, _ in table}
e = np.exp
n = np.sqrt(np.diag(G))  # ‖g‖
rho = G[0, 1] / n.prod()
by_hand = {
    "geometric": 2 / (2 * L),
    "Uncertainty": 1 / (2 * L),
    "stch": e(L) / e(L).sum(),
    "DWA": 2 * np.array([e(0.25), e(0.5)]) / (e(0.25) + e(0.5)),
    "GradNorm": 2 / n / (1 / n).sum(),
    "imtl_g": 1 / n / (1 / n).sum(),
    "nash_mtl": 1 / (n * np.sqrt(1 + rho)),
    "fairgrad": 1 / (G @ answers["fairgrad"]) ** 2,
    "mgda": (5 / 17, 12 / 17),
    "PCGrad": (4 / 3, 5 / 2),
    "upgrad": (2 / 3, 5 / 4),
}
for rule, w in by_hand.items():
    assert np.allclose(answers[rule], w, atol=0.006), rule
assert np.allclose(np.mean([dice(L) for _ in range(2000)], 0), 1, atol=0.05)
d = answers["conflict_free"] @ J
assert np.isclose(np.linalg.norm(d), (J @ d).sum() / np.linalg.norm(d))
other = answers["imtl_g"] @ J
assert np.isclose(d[0] * other[1], d[1] * other[0])

# %% [markdown]
# **What it costs**: rules of losses and rates need one backward pass. All others need
# the gradients one by one: $T$ passes through the trunk, and $TP$ numbers for $J$.
#
# **What goes wrong**: rules of the losses do not see how hard a task pulls, and `stch`
# depends on units. DWA follows the noise of minibatches. Rules that make norms equal
# let a finished task pull as hard as any other. Rules that look for a direction without
# harm may stop early. With three tasks or more, the weights of IMTL-G may sum to a
# negative number before they are normalised. The division then turns $d$ around, and
# every task gets worse.
#
# ## PCGrad by hand
#
# *Gradient surgery* (Yu et al., 2020) starts with $p_t=g_t$. For every other task $s$
# with $p_t\cdot g_s<0$ it removes the conflict:
#
# $$
# p_t \leftarrow p_t - \frac{p_t \cdot g_s}{\lVert g_s \rVert^2}\, g_s,
# \qquad d = \sum_t p_t \tag{7.6}
# $$
#
# `mtl.weighting.PCGrad` visits the others in random order, and projects on the
# *original* $g_s$. Our two tasks:
#
# $$
# p_1 = g_1 - \tfrac{-3}{2} g_2 = (\tfrac32, \tfrac32),
# \quad p_2 = g_2 - \tfrac{-3}{9} g_1 = (0, 1),
# \quad d = (\tfrac32, \tfrac52),
# \quad g_1 \cdot d = \tfrac92, \quad g_2 \cdot d = 1
# $$
#
# Nobody is harmed. With two tasks this is always so: $p_1$ is at a right angle to
# $g_2$, and $p_2$ is a projection of $g_2$, so $g_2\cdot d=\lVert p_2\rVert^2$. With
# three tasks it is *not*. Visit the others in the order 1, 2, 3:
#
# $$
# \begin{aligned}
# g_1 &= (0, 1, 0), \quad g_2 = (1, -1, 0), \quad g_3 = (-2, 0, -1) \\
# p_1 &= g_1 + \tfrac12 g_2 = (0.5, 0.5, 0),
# && \text{then } + \tfrac15 g_3 = (0.1, 0.5, -0.2) \\
# p_2 &= g_2 + g_1 = (1, 0, 0), && \text{then } + \tfrac25 g_3 = (0.2, 0, -0.4) \\
# p_3 &= g_3 + g_2 = (-1, -1, -1), && \text{which conflicts with } g_1
# \end{aligned}
# $$
#
# In the end $p_1$ conflicts with $g_2$ again: the last projection undid the one before.


# %%
def surgery(J, orders):
    """d (P,) of gradients J (T, P); orders[t] are the tasks that p_t meets, in turn."""
    p = J.copy()
    for t in range(len(J)):
        for s in orders[t]:
            overlap = p[t] @ J[s]
            if s != t and overlap < 0:
                p[t] -= overlap / (J[s] @ J[s]) * J[s]  # (7.6)
    return p.sum(0)


def random_orders(rng, T):
    return [rng.permutation(T) for _ in range(T)]


J_two = np.array([[3.0, 0.0], [-1.0, 1.0]])
J_three = np.array([[0.0, 1.0, 0.0], [1.0, -1.0, 0.0], [-2.0, 0.0, -1.0]])
for J in (J_two, J_three):
    d = surgery(J, [range(len(J))] * len(J))
    print(f"d = {d.round(2)}, gains J d = {(J @ d).round(2)}")

# %% Draw random gradients tags=["hide-input"]
rng = np.random.default_rng(0)
draws = 1000
for P in (3, 10):
    harmed = 0
    moved = 0
    for _ in range(draws):
        J = rng.normal(size=(3, P))
        d = surgery(J, random_orders(rng, 3))
        harmed += (J @ d < -1e-9).any()
        moved += not np.allclose(d, surgery(J, random_orders(rng, 3)))
        assert (J @ (mtl.weighting.upgrad(np.ones(3), J @ J.T) @ J) > -1e-9).all()
    harmed *= 100 / draws
    moved *= 100 / draws
    print(
        f"three tasks, P = {P:2}: PCGrad harms a task in {harmed:.1f} % of {draws:,} "
        f"draws; another order gives another d in {moved:.0f} %"
    )

# %% Check it tags=["hide-input"]
for _ in range(200):
    J = rng.normal(size=(2, 3))
    d = surgery(J, random_orders(rng, 2))
    w = mtl.weighting.PCGrad(rng)(np.ones(2), J @ J.T)
    assert np.allclose(d, w @ J)
    assert np.allclose(w, 2 * mtl.weighting.upgrad(np.ones(2), J @ J.T))
    assert (J @ d > -1e-9).all()
for _ in range(100):
    d = surgery(J_three, random_orders(rng, 3))
    assert (J_three @ d).min() < -0.4, "in every order a task is harmed"

# %% [markdown]
# Random gradients in many dimensions are nearly at right angles, so harm
# is rare there. `mtl.weighting.upgrad` (Quinton & Rey, 2024) repairs the fault: it
# projects each $g_t$ once, on the directions that harm *nobody*. This is a promise
# about $d$ and a small step $-\eta d$. Adam turns $d$ into another step
# ([chapter 6](06_conflict.md)), and that step may harm a task. So measure harm on the
# step that was really taken.
#
# ## Four directions from two gradients
#
# All rules return $d=J^\top w$. They differ in where the arrow points and how long it
# is.
#
# - **MGDA** (Désidéri, 2012; Sener & Koltun, 2018): the shortest vector between the two
#   tips. For $d=w_1g_1+(1-w_1)g_2$ the derivative of $\lVert d\rVert^2$ by $w_1$ is
#   $2\,d\cdot(g_1-g_2)$. Where it is 0, both tasks gain the same, and
#   $w_1=(G_{22}-G_{12})/(G_{11}+G_{22}-2G_{12})$. Below 0 take 0 and above 1 take 1:
#   then one gradient itself is the shortest.
# - **CAGrad** (Liu et al., 2021): the mean $g_0$, moved by at most
#   $c\,\lVert g_0\rVert$ to where the least gain is largest. Here $c=\tfrac12$.
# - **Nash-MTL** (Navon et al., 2022): of all $d$ of one length, the largest product
#   $\prod_tg_t\cdot d$. The derivative of $\sum_t\log(g_t\cdot d)$ is
#   $\sum_tg_t/(g_t\cdot d)$, and at the best $d$ it points along $d$. Choose the
#   length so that it *is* $d$: then $w_t=1/(g_t\cdot d)$, and entry by entry
#
# $$
# G w = 1 / w \tag{7.7}
# $$
#
# This is `mtl.weighting.nash_mtl`. Multiply by $w$ and add up: $\lVert d\rVert^2=T$. So
# the step *always* has the same length, near the goal too, and the learning rate must
# fall.

# %%
w = mtl.weighting.nash_mtl(np.ones(2), G)
print("Nash: G w =", (G @ w).round(3), " 1/w =", (1 / w).round(3))
assert np.allclose(G @ w, 1 / w)  # (7.7)

# %% Draw the directions tags=["hide-input"]
names = {
    "plain sum": mtl.weighting.equal,
    "CAGrad": mtl.weighting.cagrad,
    "PCGrad": mtl.weighting.PCGrad(np.random.default_rng(0)),
    "UPGrad": mtl.weighting.upgrad,
    "Nash": mtl.weighting.nash_mtl,
    "MGDA": mtl.weighting.mgda,
}
chosen = {name: rule(np.ones(2), G) for name, rule in names.items()}

figure, (ax, lengths) = plt.subplots(
    1,
    2,
    figsize=(7.6, 4),
    width_ratios=(2.2, 1),
    layout="constrained",
    facecolor="white",
)
ax.fill([-3, 0, 0, -3], [-3, -3, 4, 4], color=TASK_COLOURS[0], alpha=0.12, linewidth=0)
ax.fill([-3, 4, 4], [-3, -3, 4], color=TASK_COLOURS[1], alpha=0.14, linewidth=0)
arrow = {"arrowstyle": "-|>", "shrinkA": 0, "shrinkB": 0, "mutation_scale": 16}
for g, colour, name, place in zip(
    J_two, TASK_COLOURS, ("g₁", "g₂"), ((2.9, -0.3), (-1.2, 1.12))
):
    ax.annotate("", g, (0, 0), arrowprops={**arrow, "color": colour, "linewidth": 3})
    ax.text(*place, name, color=colour, fontsize=13, weight="bold", ha="center")
looks = {
    "plain sum": "#222222",
    "CAGrad": "#8A6D0B",
    "PCGrad": "#CC79A7",
    "UPGrad": "#CC79A7",
    "Nash": "#009E73",
    "MGDA": "#7B3FA0",
}
words = {
    "plain sum": "plain sum",
    "CAGrad": "CAGrad",
    "PCGrad": "PCGrad, UPGrad",
    "Nash": "Nash",
    "MGDA": "MGDA",
}
nudge = {
    "plain sum": (0.06, 0.03),
    "CAGrad": (0.06, -0.1),
    "PCGrad": (0.03, 0.08),
    "Nash": (0.0, 0.12),
    "MGDA": (-0.25, 0.2),
}
for row, (name, w) in enumerate(chosen.items()):
    d = w @ J_two
    length = np.linalg.norm(d)
    lengths.barh(row, length, color=looks[name], height=0.6)
    lengths.text(length + 0.06, row, f"{length:.2f}", va="center", fontsize=10)
    if name in words:
        tip = 2.4 * d / length
        style = {**arrow, "color": looks[name], "linewidth": 2}
        ax.annotate("", tip, (0, 0), arrowprops=style)
        ax.text(*(tip + nudge[name]), words[name], color=looks[name], fontsize=11)
ax.text(-0.9, -0.9, "harms task 1", color="#004d7a", ha="right", fontsize=11)
ax.text(2.9, -0.9, "harms task 2", color="#a34700", ha="right", fontsize=11)
ax.text(0.08, 3.0, "harms nobody", color="0.3", fontsize=11)
ax.set(xlim=(-2.6, 3.3), ylim=(-1.2, 3.3), aspect="equal", xticks=[], yticks=[])
ax.set_title("direction: all drawn equally long", fontsize=11)
lengths.set_yticks(range(len(chosen)), list(chosen))
lengths.invert_yaxis()
lengths.set(xlim=(0, 3.9), xlabel="length ‖d‖", title="length")
lengths.title.set_fontsize(11)
lengths.spines[["top", "right"]].set_visible(False)
show(
    figure,
    "07_directions.svg",
    "The plain sum follows the long gradient and harms task 2. The rules turn it into "
    "the white wedge, where nobody is harmed: PCGrad and UPGrad a little, Nash "
    "halfway, MGDA furthest, towards the short gradient. The lengths differ by a "
    "factor of four.",
)

# %% [markdown]
# (`mtl.plots.direction_and_length` draws this for any number of tasks.)
# Lengths matter: if you compare rules at one learning rate, you compare learning rates.
# Papers and programs disagree about lengths too: PCGrad adds up, UPGrad averages, and
# some programs divide CAGrad's $d$ by $1+c$.
#
# ## With two tasks, all unit-free rules agree
#
# Let the *direction* of $d$ stay the same when a loss, and so its gradient, is
# multiplied by any $c>0$, and when the two tasks change places.
#
# **Theorem.** For $T=2$ every rule of the Gramian with these two properties has $d$ on
# the line of $u_1+u_2$ (or $d=0$).
#
# *Proof.* Measure each loss in the unit in which its gradient has length 1. The rows
# are $u_1,u_2$, not parallel, and the rule sees only
#
# $$
# G = \begin{pmatrix} 1 & \rho \\ \rho & 1 \end{pmatrix},
# \qquad d = a\, u_1 + b\, u_2 \tag{7.8}
# $$
#
# (`mtl.interaction.cosines`). Exchange the tasks. The rule sees the *same* $G$ and
# returns the same weights, now as $a\,u_2+b\,u_1$. The direction must not change, so
# $(b,a)$ is a positive multiple of $(a,b)$: $b=\kappa a$ and $a=\kappa b$. So
# $\kappa^2=1$ with $\kappa>0$, and $a=b$. ∎
#
# So Nash-MTL, IMTL-G and ConFIG, three papers with three arguments, take one direction
# for two tasks. MGDA and PCGrad join them on gradients of length 1. Now loss 1 gets
# another unit:

# %% Turn the unit of loss 1 tags=["hide-input"]
tested = {
    "plain sum": mtl.weighting.equal,
    "PCGrad, UPGrad": mtl.weighting.upgrad,
    "Nash, IMTL-G, ConFIG": mtl.weighting.nash_mtl,
    "MGDA": mtl.weighting.mgda,
}
factors = np.geomspace(0.01, 100, 81)


def angle_from_first(J, w):
    d = w @ J
    cosine = J[0] @ d / np.linalg.norm(J[0]) / np.linalg.norm(d)
    return np.degrees(np.arccos(cosine))


turned = {name: [] for name in tested}
for c in factors:
    J = np.array([[c], [1.0]]) * J_two
    for name, rule in tested.items():
        turned[name].append(angle_from_first(J, rule(np.ones(2), J @ J.T)))

# %% Draw the angle over the unit tags=["hide-input"]
figure, ax = plt.subplots(figsize=(6.4, 3.7), layout="constrained", facecolor="white")
looks = {
    "plain sum": ("#222222", "-"),
    "PCGrad, UPGrad": ("#CC79A7", "--"),
    "Nash, IMTL-G, ConFIG": ("#009E73", "-"),
    "MGDA": ("#7B3FA0", "-."),
}
places = {
    "plain sum": (0.011, 123, "left"),
    "PCGrad, UPGrad": (0.011, 94, "left"),
    "Nash, IMTL-G, ConFIG": (95, 71, "right"),
    "MGDA": (95, 95, "right"),
}
for name, (colour, line) in looks.items():
    ax.plot(factors, turned[name], color=colour, linestyle=line, linewidth=2.4)
    x, y, side = places[name]
    ax.text(x, y, name, color=colour, fontsize=11, ha=side)
ax.axhline(0, color="0.8", linewidth=0.8)
ax.axhline(135, color="0.8", linewidth=0.8)
ax.set(xscale="log", ylim=(-8, 143), yticks=(0, 67.5, 135))
ax.set_yticklabels(["along g₁", "halfway", "along g₂"])
ax.set_xlabel("c: loss 1 is multiplied by this (log scale)")
show(
    figure,
    "07_units.svg",
    "When loss 1 gets a smaller unit, the plain sum turns to task 1 and MGDA away from "
    "it. The unit-free rules stay exactly halfway between the two gradients.",
)

# %% Check the theorem tags=["hide-input"]
rng = np.random.default_rng(0)
free = ("nash_mtl", "imtl_g", "conflict_free")
pairs = 500
for _ in range(pairs):
    J = rng.normal(size=(2, 4)) * np.exp(rng.normal(size=(2, 1)))
    rho = mtl.interaction.cosines(J @ J.T)
    u = J / np.linalg.norm(J, axis=1, keepdims=True)
    assert np.allclose(u @ u.T, rho)  # (7.8)
    bisector = u.sum(0) / np.linalg.norm(u.sum(0))
    for name in free:
        d = getattr(mtl.weighting, name)(np.ones(2), J @ J.T) @ J
        assert np.isclose(d @ bisector / np.linalg.norm(d), 1)
    for name in ("mgda", "upgrad"):
        d = getattr(mtl.weighting, name)(np.ones(2), rho) @ u
        assert np.isclose(d @ bisector / np.linalg.norm(d), 1)
print(f"{pairs} random pairs: the unit-free rules all point along the bisector")

# %% [markdown]
# ## The two-task landscape
#
# Where do rules lead in the long run? A landscape of two parameters (Liu et al., 2021;
# Navon et al., 2022; formula in [_landscape.py](_landscape.py)) has a bowl for each
# task below $x_2=0$, with the Pareto set between their minima, and two steep valleys
# above. Starts and optimiser are the published ones, Adam with $\eta=0.001$. Walks of
# 100,000 steps take too long for a page: `python tutorials/_landscape.py --walk` made
# [landscape.csv](landscape.csv).

# %% Read the walks, and find the Pareto set tags=["hide-input"]
paths = _landscape.read()  # rule -> (3 starts, K, 2)
optimal = []  # the Pareto set
x2 = np.linspace(-8.6, -8.2, 4001)
for share_of_1 in np.linspace(0, 1, 41):
    x1 = 7 * (2 * share_of_1 - 1)
    L = _landscape.surface(np.stack([np.full_like(x2, x1), x2], -1))
    best = (L @ [share_of_1, 1 - share_of_1]).argmin()
    optimal.append((x1, x2[best]))

# %% Draw the walks tags=["hide-input"]
figure = mtl.plots.trajectories(
    _landscape.surface,
    paths,
    extent=(-10.5, 10.5, -10.5, 10.5),
    minima=_landscape.MINIMA,
    pareto_set=np.array(optimal),
)
figure.set_size_inches(6.6, 4.3)
figure.suptitle("Each walk leads from a circle to a star", fontsize=12)
show(
    figure,
    "07_landscape.svg",
    "From two of the three starts the plain sum never leaves a steep valley. MGDA, "
    "PCGrad and Nash-MTL stop where they first meet the Pareto set, each somewhere "
    "else. CAGrad goes on to the middle from every start.",
)

# %% Check it tags=["hide-input"]
for rule, ends in paths.items():
    x1, x2 = ends[:, -1].T
    print(f"{rule:9} ends at x₁ = {x1.round(1) + 0.0}, x₂ = {x2.round(1)}")
again = _landscape.walk(mtl.weighting.equal, _landscape.EVERY)[-1]
assert np.allclose(again, paths["plain sum"][:, 1], atol=1e-3), "walk anew: see above"
assert np.allclose(paths["plain sum"][1, -1], (0, -8.3551), atol=0.01)

# %% [markdown]
# At the bottom of a valley one loss is the logarithm of nearly 0. Its gradient is huge
# and changes its sign from step to step, so in the plain sum the other gradient, which
# knows the way out, is not heard. The other rules hear it, and differ at the end. On
# the Pareto set MGDA and PCGrad have $d=0$, and Nash-MTL refuses to answer. CAGrad
# stays near $g_0$, so it rests only where $g_0=0$, at the minimum of the mean. All
# points of the Pareto set are optimal trade-offs. But *MGDA, PCGrad and Nash-MTL leave
# the choice among them to the start*.
#
# ## Do weights reach the heads?
#
# Rules of the Gramian choose a direction for the *shared* parameters. And the heads?
# Papers and programs disagree. MGDA has unweighted heads in its paper and weighted ones
# in its program; CAGrad does not weight them, Nash-MTL does. `mtl.fit` does not, unless
# `weight_own=True`. (Rules of the losses mean the objective $\sum_tw_tL_t$, heads
# included.)
#
# **Predict**: a head starts at 0. What does MGDA do?
#
# <details><summary>Answer</summary>
#
# Its task sends no gradient into the trunk, and the shortest vector between 0 and
# anything is 0. So it gets all the weight and the others none. The trunk rests, and if
# weights reach the heads, so do the other heads.
#
# </details>


# %% Train with weighted and unweighted heads tags=["hide-input"]
def held_out(rule, weight_own, optimizer, seed):
    """The mean held-out loss of two tasks; the head of task a starts at 0."""
    rng = np.random.default_rng(seed)
    train, test = mtl.datasets.related_tasks(rng, relatedness=0.5)
    trunk = mtl.Sequential(mtl.Dense(8, 8, rng), mtl.tanh)
    heads = {t: mtl.Dense(8, 1, rng) for t in train}
    for parameter in heads["a"].parameters():
        parameter.data[...] = 0
    model = mtl.HardSharing(trunk, heads)
    options = {"weights": rule, "weight_own": weight_own}
    mtl.fit(model, train, losses, optimizer=optimizer, steps=150, **options)
    return np.mean(list(mtl.evaluate(model, test, losses).values()))


seeds = 8
arms = {
    "MGDA, SGD": (mtl.weighting.mgda, mtl.SGD, 0.1),
    "MGDA, Adam": (mtl.weighting.mgda, mtl.Adam, 0.02),
    "Nash, Adam": (mtl.weighting.nash_mtl, mtl.Adam, 0.02),
}
ratios = {}  # arm -> log of the loss with weighted heads ÷ that with unweighted ones
for name, (rule, optimizer, rate) in arms.items():
    ratios[name] = []
    for seed in range(seeds):
        unweighted = held_out(rule, False, optimizer(rate), seed)
        weighted = held_out(rule, True, optimizer(rate), seed)
        ratios[name].append(np.log(weighted / unweighted))
    mean, error = mean_and_error(ratios[name])
    low, high = np.exp([mean - error, mean + error])
    print(
        f"{name:10} weighted heads multiply the loss by {np.exp(mean):.1f} "
        f"(± one standard error: {low:.1f} to {high:.1f}, {seeds} seeds)"
    )

# %% Check the claim tags=["hide-input"]
mean, error = mean_and_error(ratios["MGDA, SGD"])
assert mean > 4 * error, "weights on the heads do harm here"
mean, error = mean_and_error(ratios["Nash, Adam"])
assert mean < 0, "and here they do not"

# %% [markdown]
# Under MGDA with SGD the other head hardly learns. Adam takes a constant factor out of
# a head's gradient ([chapter 5](05_weighted_loss.md)), so there it matters less. Nash
# refuses a task without a gradient, and `mtl.fit` then asks again without it; with Adam
# weighted heads were even better. So look up what a paper's program does. And build $G$
# from the shared parameters alone: head gradients would enlarge its diagonal.
#
# ## A tuned plain sum is hard to beat
#
# Kurin et al. (2022) and Xin et al. (2022) tuned the baseline as carefully as the
# rules, and found hardly any rule better. One reason: where a rule with $w\ge0$ comes
# to rest, $\sum_tw_tg_t=0$. That is a stationary point of a plain sum with *fixed*
# weights, and its minimum if the losses are convex. Fixed weights find the place too.
#
# The other side: concave parts of a front are out of reach for fixed weights ([chapter
# 5](05_weighted_loss.md)), and Hu et al. (2023) prove it for some balanced trade-offs
# of narrow linear networks. And tuning searches $T-1$ ratios, too many for ten tasks.
#
# Our own data: two related regressions, a narrow trunk, and loss a 100 times as large
# by its unit. The rate of each arm, one of four, and the weight of the tuned sum, one
# of six, are chosen on validation data. `python tutorials/_rules_compared.py --compare`
# made [rules_compared.csv](rules_compared.csv):

# %% Compare with the tuned sum tags=["hide-input"]
results = _rules_compared.read()  # (arm, weight) -> validation, test: (rates, seeds)
sums = [runs for (arm, _), runs in results.items() if arm == "plain sum"]
tuned = _rules_compared.chosen(sums)  # test losses (seeds,)
by_arm = {"tuned sum": tuned}
for (arm, weight), runs in results.items():
    if weight == 1.0:
        by_arm[arm] = _rules_compared.chosen([runs])
print(f"Held-out loss, mean of {len(tuned)} seeds:")
for arm, test in by_arm.items():
    more, error = mtl.interaction.transfer_gain(test, tuned)
    print(f"   {arm:12} {test.mean():.4f}, more than tuned: {more:+.4f} ± {error:.4f}")

print("Nash minus the best of the sums, if only one rate had been tried:")
for i, rate in enumerate(_rules_compared.RATES):
    at_rate = [(validation[i : i + 1], test[i : i + 1]) for validation, test in sums]
    nash = results["nash_mtl", 1.0][1][i]
    best = _rules_compared.chosen(at_rate)
    more, error = mtl.interaction.transfer_gain(nash, best)
    print(f"   rate {rate:4}: {more:+.4f} ± {error:.4f}")

# %% Draw the comparison tags=["hide-input"]
order = sorted(by_arm, key=lambda arm: by_arm[arm].mean())
figure, ax = plt.subplots(figsize=(6.4, 3.6), layout="constrained", facecolor="white")
for row, arm in enumerate(order):
    mean, se = mean_and_error(by_arm[arm])
    colour = "#D55E00" if arm == "tuned sum" else "#222222"
    ax.errorbar(mean, row, xerr=se, fmt="o", color=colour, markersize=7, capsize=3)
ax.axvline(by_arm["tuned sum"].mean(), color="#D55E00", linestyle=":")
ax.set_yticks(range(len(order)), order)
ax.get_yticklabels()[order.index("tuned sum")].set_color("#D55E00")
ax.invert_yaxis()
ax.set(xscale="log", xlabel="held-out loss, mean of both tasks (log scale)")
ax.set_xticks([0.02, 0.05, 0.1, 0.2], ["0.02", "0.05", "0.1", "0.2"])
ax.minorticks_off()
ax.spines[["top", "right"]].set_visible(False)
show(
    figure,
    "07_compared.svg",
    "No rule is below the tuned sum. Rules that do not care for units (geometric, "
    "imtl_g, and nearly Uncertainty and nash_mtl) come close to it without a weight to "
    f"tune; the others, and the untuned sum, are far off. ({_rules_compared.SEEDS} "
    "seeds, ± standard error.)",
)

# %% Check the claim tags=["hide-input"]
for arm, test in by_arm.items():
    more, error = mtl.interaction.transfer_gain(test, tuned)
    assert more >= -2 * error, "no rule beats the tuned sum"
    close = arm in ("tuned sum", "geometric", "imtl_g", "Uncertainty", "nash_mtl")
    assert close == (test.mean() < 1.3 * tuned.mean())
first = _rules_compared.run(0, _rules_compared.RATES[0], {"a": 0.1, "b": 1.0})
kept = [runs[0, 0] for runs in results["plain sum", 0.1]]
assert np.allclose(first, kept, rtol=0.01), "compare anew: see above"

# %% [markdown]
# Both sides have a point. No rule is better than the tuned sum. But the geometric mean,
# with one backward pass and no weight to search for, is as good within the error. (This
# trunk has room; on the loop above the same rule gave everything to one task.) The last
# four lines are a warning: with the one rate 0.01 you would report that Nash-MTL beats
# every plain sum, with 0.1 the opposite. *Tune the rate of every arm.* And a rule that
# is not better than *Random* has learned nothing about the tasks.
#
# Other rules that fit `rule(losses, gramian)`: FAMO (2023; memory, one pass), UW-SO
# (2024; softmax of $1/L$), GO4Align (2024; groups tasks by losses), DualProj (2017;
# $g_0$ projected once), DB-MTL (2023; equal norms of $\nabla\log L_t$, without its
# average). Rules that do not: MoCo (2023) averages $J$; SDMGrad and MoDo (2023) take
# $J_1J_2^\top$ of two batches; GradDrop (2020), ExcessMTL (2024) and TIES (2023) treat
# each coordinate apart. Task arithmetic (2023) after one full-batch step *is* a
# weighted step.
#
# **What should one do?** Give the model room and standardise targets. Tune a plain sum.
# If units cannot be compared, try one unit-free rule. Compare each task's held-out loss
# with training it alone. A task that is worse together than alone gets a trunk of its
# own.
#
# ## Exercises
#
# [Solutions](solutions/ch07.py).
#
# ### Exercise 7.1 · Where learned weights settle
#
# *5 minutes, easy.*
#
# Losses stay at $L_t>0$. Where do the weights of uncertainty weighting settle, and what
# is the objective there, the sum of all $\ell_t$? Regressions have the line of (7.4),
# classifications $e^{-s}L+\tfrac12s$.
#
# <details><summary>First hint</summary>
#
# Set the derivative by $s$ to 0 for each line. What is $e^s$?
#
# </details>
#
# <details><summary>Second hint</summary>
#
# The weight is what stands before $L$. It comes out the same for both kinds; the
# objective does not.
#
# </details>


# %%
def settled_weights(L, regression):
    """The weights (T,) and the objective, a number.

    L: (T,), positive; regression: (T,) of True and False
    """
    raise NotImplementedError


check_settled(settled_weights)

# %% [markdown]
# ### Exercise 7.2 · Which plain sum ends here?
#
# *10 minutes, medium.*
#
# A rule has come to rest where two gradients are exactly opposite. Which fixed weights,
# with $w_1+w_2=1$, rest at the same point?
#
# <details><summary>First hint</summary>
#
# $w_1g_1+w_2g_2=0$. What does this say about the lengths of the two terms?
#
# </details>
#
# <details><summary>Second hint</summary>
#
# They are equal. So the task with the longer gradient has the smaller weight.
#
# </details>


# %%
def which_sum(J):
    """The weights (2,) from J (2, P), whose rows are opposite (one may be 0)."""
    raise NotImplementedError


check_which_sum(which_sum)

# %% [markdown]
# ### Exercise 7.3 · Find the bug
#
# *10 minutes, easy.*
#
# This should learn the weights of regressions whose losses stay at $L$. For losses
# above 1 it works. A task with the loss 0.01 keeps the weight ½ for ever. Delete the
# `raise`, try it, and mend it.
#
# <details><summary>First hint</summary>
#
# Where should $s$ settle for $L=0.01$? Can it get there?
#
# </details>
#
# <details><summary>Second hint</summary>
#
# Somebody was afraid of a negative number. Is that number an error?
#
# </details>


# %%
def learned_weights(L):
    """The weights (T,) after 2,000 steps of descent on s."""
    raise NotImplementedError
    s = np.zeros(len(L))
    for _ in range(2000):
        slope = 0.5 - 0.5 * np.exp(-s) * np.asarray(L)
        s = s - 0.1 * slope
        s = np.maximum(s, 0.0)  # keeps the objective from becoming negative
    return 0.5 * np.exp(-s)


check_learned(learned_weights)

# %% [markdown]
# ### Exercise 7.4 · Write the property that catches it
#
# *15 minutes, hard.*
#
# A law for *unit-free* rules: multiply one loss by any $c>0$, and the direction of $d$
# stays the same. The wrong rules are free of units for one task only, normalise too
# much or too little, or not at all. A right rule may use the losses, $G$, or both.
#
# <details><summary>First hint</summary>
#
# Make a $J$ yourself. If loss $t$ is multiplied by $c$, what happens to $L_t$ and to
# row $t$ of $J$? Do it for every task in turn.
#
# </details>
#
# <details><summary>Second hint</summary>
#
# The weights *must* change. Compare $d/\lVert d\rVert$ with $d=J^\top w$, each time
# with the $J$ that belongs to the weights. Try factors above 1 and below.
#
# </details>


# %%
def law(rule):
    """Raises AssertionError if rule(losses, gramian) depends on units."""
    raise NotImplementedError


check_law(law)

# %% [markdown]
# ## What this does not show
#
# The exact curves are for linear trunks and tasks that need one feature each. In a deep
# network nobody knows angle and room: train alone and together. The landscape was built
# to show a weakness of some rules. Our comparison is one made-up problem with one bad
# unit: units *can* decide, but it does not say how often. (MGDA's best rate was the
# largest that we tried.) For the heads we tried twelve settings; in the nine not shown
# weighting multiplied the loss by 1.0 to 4.5. All gradients were exact; from
# minibatches $G$ is an estimate, and rules that take its inverse make its errors
# larger.
#
# ## To recall
#
# 1. Two linear tasks at 60° share one unit. What is the least mean loss, and with two
#    units?
#    <details><summary>Answer</summary>½ (1 − ½) = ¼; with two units 0.</details>
# 2. Why can no weighting rule cure a trunk without room?
#    <details><summary>Answer</summary>It chooses among points that the model can reach,
#    and so who pays. Better points need another model.</details>
# 3. The total of uncertainty weighting is −3 and falling. Is this a bug? And if all
#    weights are still ½ after an epoch?
#    <details><summary>Answer</summary>Negative is normal: each task adds ½ + ½ log L.
#    Weights that do not move are a bug: the s are not trained.</details>
# 4. What do Nash-MTL, IMTL-G and ConFIG have in common for two tasks?
#    <details><summary>Answer</summary>The direction of u₁ + u₂, as every rule of the
#    Gramian that depends neither on units nor on the order of tasks.</details>
# 5. A paper's rule beats "equal weights". What do you ask?
#    <details><summary>Answer</summary>Were weights and rate of the plain sum tuned as
#    long? How many seeds? Are heads weighted? Do units make equal weights a bad
#    choice?</details>
