# %% [markdown]
# # 8 · Soft sharing
#
# *40 minutes.* Between a model for each task and one for all lies a dial. Soft sharing
# gives every task its own network and pulls the networks together, a little or a lot.
# After this chapter you can tell apart two penalties that are both called "L2", solve
# soft sharing on paper, choose its strength from two variances, and find out whether it
# was the sharing that helped, or just any penalty.
#
# ![](figures/08_strength.svg)

# %%
import numpy as np
import tinymtl as mtl
from tinymtl.interaction import mean_and_error

from _show import show
from checks.ch08 import (
    check_best_strength,
    check_law,
    check_pairs_gradient,
    check_two_penalties,
)

# %% [markdown]
# **What you need**: [chapter 4](04_hard_sharing.md), where one model for all beat one
# for each as long as $\tau^2 < \sigma^2/n$.
#
# ## Notation
#
# | symbol | in code | shape | what it is |
# |---|---|---|---|
# | $T, n, D$ | `T`, `n`, `D` | numbers | tasks, labels of each, parameters of each |
# | $X_t$ | `X[t]` | $(n, D)$ | task $t$'s inputs |
# | $\theta_t$ | `Θ` | $(D,)$ | task $t$'s parameters; row $t$ of $\Theta$ |
# | $b_t$ | `b` | $(D,)$ | what task $t$ finds alone |
# | $\bar\theta, \bar b$ | `b.mean(0)` | $(D,)$ | means over tasks; equal to each other where all $X_t^\top X_t = n I$ |
# | $\lambda$ | `strength` | number | strength of the pull |
# | $\eta$ | `mtl.SGD` | number | learning rate |
# | $s$ | `s` | number | how much of its own a task keeps, between 0 and 1 |
# | $\beta_t$ | `beta[t]` | $(D,)$ | the true parameters of task $t$ |
# | $\sigma^2, \tau^2$ | `noise`, `spread` | numbers | variance of a label's noise; of a true parameter around the centre that all tasks are drawn from |
#
# Losses here are *means* over examples. With sums, $\lambda$ would have to be $n$ times
# as large for the same result: always ask which.
#
# ## Two penalties, one name
#
# A penalty is added to the total loss and says what parameters you find plausible
# before you see data. The first L2 says: *small ones*,
#
# $$
# R_\text{zero} = \sum_t \lambda_t \lVert \theta_t \rVert^2,
# \qquad \frac{\partial R_\text{zero}}{\partial \theta_t} = 2 \lambda_t\, \theta_t
# \tag{8.1}
# $$
#
# (`mtl.l2_penalty`, also called weight decay). No task occurs in the gradient of
# another: it couples nothing, although one can read that it "keeps tasks similar". The
# second says: *similar ones*, of any size,
#
# $$
# R_\text{together} = \lambda \sum_t \lVert \theta_t - \bar\theta \rVert^2,
# \qquad \frac{\partial R_\text{together}}{\partial \theta_t}
# = 2 \lambda\, (\theta_t - \bar\theta)
# \tag{8.2}
# $$
#
# (`mtl.l2_distance`). That $\bar\theta$ contains $\theta_t$ changes nothing: the part
# of the derivative through $\bar\theta$ is
# $-\tfrac{2\lambda}{T} \sum_u (\theta_u - \bar\theta)$, and deviations from a mean sum
# to 0. The pull between all *pairs*,
# $\lambda \sum_{u<t} \lVert \theta_u - \theta_t \rVert^2$, is $T$ times the same: not
# another method, another $\lambda$.
#
# **Predict**: two tasks with one parameter each, 1 and 3; all strengths 1. What are the
# three penalties, zero, mean and pairs, and where does each pull?
#
# <details><summary>Answer</summary>
#
# To zero: $1 + 9 = 10$, gradients 2 and 6: since steps go against the gradient, both
# are pulled down. To the mean 2: $1 + 1 = 2$, gradients $-2$ and $2$: the smaller is
# pulled *up*. By pairs: $(1 - 3)^2 = 4$, gradients $-4$ and $4$. Now add 100 to both
# parameters: the first becomes $101^2 + 103^2$, the other two do not notice.
#
# </details>

# %%
Θ = [mtl.Parameter([1.0]), mtl.Parameter([3.0])]
trunks = {"a": [Θ[0]], "b": [Θ[1]]}
penalties = {
    "zero": mtl.l2_penalty(trunks, {"a": 1.0, "b": 1.0}),  # (8.1)
    "mean": mtl.l2_distance(list(trunks.values()), 1.0, "mean"),  # (8.2)
    "pairs": mtl.l2_distance(list(trunks.values()), 1.0, "pairs"),
}
for name, penalty in penalties.items():
    gradients = [float(g[0]) for g in mtl.gradient(penalty, Θ)]
    print(f"{name:6} penalty {float(penalty):4.0f}, gradients", gradients)
assert [float(penalty) for penalty in penalties.values()] == [10, 2, 4]

# %% [markdown]
# As probabilities: a penalty of squares is, up to a constant, minus the logarithm of a
# normal distribution. (8.1) believes that each $\theta_t$ was drawn around 0; (8.2)
# that all were drawn around *one unknown centre*, an idea that statistics knows as a
# hierarchical model or random effects. The first is wrong where parameters are large
# and alike, say prices of one product in ten shops; the second where tasks come in
# groups, or are each other's opposite.
#
# **What it costs**: nothing is saved. With $P$ parameters in a trunk and $p$ in a head,
# soft sharing has $T (P + p)$ parameters, as many as training alone; hard sharing has
# $P + T p$. Only trunks are pulled; a head belongs to its task.
#
# ## On paper
#
# Take chapter 4's branches, with true parameters $\beta_t$: inputs with
# $X_t^\top X_t = n I$, so that task $t$'s mean squared error is
# $\lVert \theta_t - b_t \rVert^2$ plus a constant, where $b_t$ is what it finds alone.
# Set the gradient of $\sum_t \lVert \theta_t - b_t \rVert^2 + R_\text{together}$ to
# zero:
#
# $$
# 2 (\theta_t - b_t) + 2 \lambda (\theta_t - \bar\theta) = 0
# \quad\Longrightarrow\quad \theta_t = \bar b + s\, (b_t - \bar b),
# \qquad s = \frac{1}{1 + \lambda} \tag{8.3}
# $$
#
# (Sum the left side over $t$: the pulls cancel, as they always do, and with these
# inputs $\bar\theta = \bar b$ is left.) Every task keeps the fraction $s$ of what is
# its own. $\lambda = 0$ is training alone, $\lambda \to \infty$ one model for all.
# `mtl.closed_form.soft_sharing` solves it for any inputs, in sums: its strength is
# $n \lambda$.

# %%
T = 4
D = 6
n = 20
noise = 1.0
spread = 0.05


def branches(rng):
    """X and y of T tasks, with XᵀX = n I, and the truth beta (T, D)."""
    common = rng.normal(size=D)
    beta = common + np.sqrt(spread) * rng.normal(size=(T, D))
    X = []
    for _ in range(T):
        drawn = rng.normal(size=(n, D))
        drawn -= drawn.mean(0)  # centred: then biases have no part
        X.append(np.sqrt(n) * np.linalg.qr(drawn)[0])
    y = [X[t] @ beta[t] + np.sqrt(noise) * rng.normal(size=n) for t in range(T)]
    return X, y, beta


X, y, _ = branches(np.random.default_rng(0))
b = mtl.closed_form.soft_sharing(X, y, 0.0)


# %%
def as_it_is(h):
    """A head that does nothing."""
    return h


def trained(strength, rate, steps=300):
    """Θ (T, D) of the package's soft sharing, by gradient descent."""
    data = {f"branch {t}": (X[t], y[t][:, None]) for t in range(T)}
    trunk = mtl.Dense(D, 1, np.random.default_rng(0))
    heads = {t: as_it_is for t in data}
    losses = {t: mtl.mse for t in data}
    model = mtl.SoftSharing(trunk, heads, strength=strength)
    mtl.fit(model, data, losses, optimizer=mtl.SGD(rate), steps=steps)
    return model.trunk_matrix()[:, :D]  # without the biases


for strength in (0.0, 0.5, 4.0):
    s = 1 / (1 + strength)
    by_hand = b.mean(0) + s * (b - b.mean(0))  # (8.3)
    solved = mtl.closed_form.soft_sharing(X, y, n * strength)
    assert np.abs(by_hand - solved).max() < 1e-12
    assert np.abs(by_hand - trained(strength, rate=0.5 / (1 + strength))).max() < 1e-9
print("trained, solved and by hand agree")

# %% [markdown]
# The learning rate, $0.5/(1 + \lambda)$, is no detail. The loss has the second
# derivative 2, the pull adds $2\lambda$ in every direction in which tasks differ, and
# gradient descent converges only while $\eta$ times the second derivative stays below
# 2: here while $\eta\, (1 + \lambda) < 1$. (We took half of the largest.) Beyond it
# every step overshoots more than the last:

# %%
try:
    trained(30.0, rate=0.1, steps=1000)
except FloatingPointError as error:
    print(error)

# %% [markdown]
# ## The best strength
#
# How far is (8.3) from the truth? The mean of the tasks has the noise $\sigma^2/(nT)$.
# What a task keeps of its own deviation brings noise, $s^2 \sigma^2/n$, what it gives
# up is bias, $(1 - s)^2 \tau^2$; both for deviations from a mean of $T$, which vary
# $(T-1)/T$ times as much. So the expected squared error $R$ of a coordinate is
#
# $$
# R(s) = \frac{\sigma^2}{nT}
# + \frac{T-1}{T} \Big[ s^2\, \frac{\sigma^2}{n} + (1 - s)^2\, \tau^2 \Big]
# \tag{8.4}
# $$
#
# which is `mtl.closed_form.risk`. This is a parabola in $s$. Its slope,
# $2 s\, \sigma^2/n - 2 (1 - s)\, \tau^2$ times a constant, is 0 at
#
# $$
# s^* = \frac{\tau^2}{\tau^2 + \sigma^2/n},
# \qquad \lambda^* = \frac{1}{s^*} - 1 = \frac{\sigma^2}{n\, \tau^2} \tag{8.5}
# $$
#
# as `mtl.closed_form.best_strength` says (in sums, so without the $n$). Keep of your
# own the part that is truth and not noise. The ends were $s = 1$ and $s = 0$; unless
# $\tau^2$ or $\sigma^2$ is zero, **the best is strictly between them**, whichever of
# the two ends is the better one.
#
# In our branches $\sigma^2/n = \tau^2 = 0.05$: the ends are equally good, and
# $\lambda^* = 1$. 200 seeds, nine strengths, every seed's data the same for all:

# %%
strengths = 2.0 ** np.arange(-4, 5)
seeds = 200
errors = []
for seed in range(seeds):
    X, y, beta = branches(np.random.default_rng(seed))
    alone = mtl.closed_form.soft_sharing(X, y, 0.0)
    one_for_all = np.tile(mtl.closed_form.pooled(X, y), (T, 1))
    found = [alone, one_for_all]
    for strength in strengths:
        found.append(mtl.closed_form.soft_sharing(X, y, n * strength))
    errors.append([((one - beta) ** 2).mean() for one in found])
errors = np.array(errors)  # (200, 2 + 9)
mean, se = mean_and_error(errors)


# %%
def risk(strength):
    s = 1 / (1 + strength)
    own = s**2 * noise / n + (1 - s) ** 2 * spread
    return noise / (n * T) + (T - 1) / T * own  # (8.4)


best = noise / (n * spread)  # (8.5)
figure = mtl.plots.strength_curve(
    strengths,
    mean[2:],
    se[2:],
    theory=risk,
    best=best,
    alone=mtl.closed_form.risk(0.0, n, T, noise, spread),
    together=mtl.closed_form.risk(np.inf, n, T, noise, spread),
    seeds=seeds,
)
figure.suptitle(
    "The best strength lies between alone and one for all, where theory says"
)
figure.axes[0].set_ylabel("squared error of a parameter")
figure.supxlabel(
    "200 seeds, the same for all points; points: measured, ± standard error; "
    "all lines: theory",
    fontsize=9,
)
show(
    figure,
    "08_strength.svg",
    "The squared error of a parameter over the strength of the pull is a valley: "
    "measured points lie along the curve of theory, lowest at the predicted strength "
    "1, well below both training alone and one model for all",
)
assert (np.abs(mean[2:] - risk(strengths)) < 4 * se[2:]).all(), (
    "measured is what theory says, within its standard error"
)
package = mtl.closed_form.risk(n * strengths, n, T, noise, spread)
assert np.allclose(risk(strengths), package)
assert np.isclose(n * best, mtl.closed_form.best_strength(noise, spread))

# %% [markdown]
# **The claim**: the lowest of the nine points lies within a factor of two of the
# predicted strength; and *at the predicted strength*, which was not chosen by looking,
# the error is smaller than at both ends by more than three standard errors of the
# paired differences.

# %%
lowest = strengths[mean[2:].argmin()]
print(f"predicted best strength {best:.2g}, measured {lowest:.2g}")
assert 0.5 <= lowest / best <= 2

predicted = 2 + list(strengths).index(best)
for end, name in enumerate(("alone", "one for all")):
    g, e = mtl.interaction.transfer_gain(errors[:, end], errors[:, predicted])
    print(f"gain over {name}: {g:.4f} ± {e:.4f}")
    assert g > 3 * e

# %% [markdown]
# You rarely know $\sigma^2$ and $\tau^2$. Then try strengths, a factor of three or so
# apart, on *validation* data: the valley is wide. (Not on the test data: the lowest of
# many noisy points looks better than it is.)
#
# ## In a network: which L2 was it?
#
# Two tasks with 30 noisy labels each, from chapter 4's knob for relatedness, a trunk of
# four units for each, pulled together with rising strength. Once with nothing else,
# once with a pull to zero, *decay*, on the same matrices that are pulled together. Is
# it the *together* that helps, or would the other L2 have done as well? The decay is
# chosen first, for training alone, on seeds that are not used again.


# %%
def held_out(strength, relatedness, decay, seed):
    """Held-out mean squared error of two tasks under both penalties."""
    rng = np.random.default_rng(seed)
    train, test = mtl.datasets.related_tasks(rng, relatedness, n_train=30, noise=0.5)
    trunk = mtl.Sequential(mtl.Dense(8, 4, rng), mtl.tanh)
    heads = {t: mtl.Dense(4, 1, rng) for t in train}
    losses = {t: mtl.mse for t in train}

    def to_zero(model):
        matrices = {t: [trunk.parts[0].W] for t, trunk in model.trunks.items()}
        return mtl.l2_penalty(matrices, dict.fromkeys(train, decay))

    model = mtl.SoftSharing(trunk, heads, strength=strength, l2=to_zero)
    mtl.fit(model, train, losses, optimizer=mtl.Adam(0.03), steps=150)
    return np.mean(list(mtl.evaluate(model, test, losses).values()))


decays = (0.1, 0.2, 0.4, 0.8)
tried = []
for decay in decays:
    tried.append(sum(held_out(0.0, 0.5, decay, seed) for seed in range(100, 108)))
chosen = decays[np.argmin(tried)]
print("decay chosen for training alone:", chosen)
assert chosen not in (decays[0], decays[-1]), "not at an end of what was tried"

# %%
pulls = np.array([0.0, 0.01, 0.1, 1.0, 10.0])
seeds = 12
kinds = {
    "half related": (0.5, 0.0),
    "half related, decay": (0.5, chosen),
    "the same": (1.0, 0.0),
    "the same, decay": (1.0, chosen),
}
table = {}
for name, (relatedness, decay) in kinds.items():
    table[name] = np.array(
        [
            [held_out(pull, relatedness, decay, seed) for pull in pulls]
            for seed in range(seeds)
        ]
    )  # (12, 5)

# %%
# 0 has no place on a logarithmic axis: it is drawn at the left end.
at = np.array([0.001, *pulls[1:]])
figure = mtl.plots.curves(
    at,
    {name: mean_and_error(E) for name, E in table.items()},
    log="x",
    xlabel="strength of the pull together (log scale)",
    ylabel="held-out loss",
    seeds=seeds,
    title="Decay gains more than the pull together; beside decay only equal tasks gain",
)
figure.axes[0].set_xticks(at, ["alone", "0.01", "0.1", "1", "10"])
show(
    figure,
    "08_which_l2.svg",
    "Without decay a moderate pull together lowers the loss of half-related tasks. "
    "With decay the loss is lower everywhere, and only for tasks that are the same "
    "does a strong pull lower it further",
)


# %%
def gain(name, strength, over=None, over_strength=0.0):
    """Gain divided by its standard error, seed by seed."""
    if over is None:
        over = name
    baseline = table[over][:, list(pulls).index(over_strength)]
    arm = table[name][:, list(pulls).index(strength)]
    g, e = mtl.interaction.transfer_gain(baseline, arm)
    print(
        f"{name}, strength {strength:g}: gains {g:+.3f} ± {e:.3f} "
        f"over {over}, strength {over_strength:g}"
    )
    return g / e


assert gain("half related", 0.1) > 3, "alone, without decay, is beaten"
assert gain("half related, decay", 0.0, "half related", 0.1) > 3, (
    "but decay alone beats that"
)
beside_decay = [gain("half related, decay", pull) for pull in pulls[1:]]
assert max(beside_decay) < 3, "and beside decay no pull gains"
assert gain("the same, decay", 10.0) > 3, "unless the tasks are the same"

# %% [markdown]
# Read the lines again: **without the second penalty as a control we would have
# published the first line.** The pull together did help, but a pull to zero helps more,
# and beside it no pull together gains anything for these half-related tasks; the strong
# ones do harm. (Bars in the picture are of each arm by itself; the differences, seed by
# seed, are much surer.) What *sharing* gives is what is left beside a decay that was
# given the same chance: here something for tasks that are the same, nothing for
# half-related ones. (The decay was tuned for training alone. Beside a lighter one a
# pull gains something again; whether any pair of the two beats the best decay alone is
# for you to try.) To compare with an arm that is not regularised at all is an easy way
# to flatter sharing.
#
# ## Distance of weights, distance of functions
#
# (8.2) compares weights entry by entry. But the hidden units of a network have no
# order: exchange two of them, with all their weights, and the function is the same.

# %%
rng = np.random.default_rng(0)
first = mtl.Dense(8, 16, rng)
last = mtl.Dense(16, 1, rng)
x = rng.normal(size=(100, 8))
W = first.W.data


def function(order):
    """The network's outputs with its hidden units in this order."""
    h = np.tanh(x @ W[:, order] + first.b.data[order])
    return h @ last.W.data[order]


def distance(order):
    """The pull together between the trunk and the trunk in this order."""
    trunks = [[mtl.Tensor(W)], [mtl.Tensor(W[:, order])]]
    return float(mtl.l2_distance(trunks))


orders = [rng.permutation(16) for _ in range(200)]
as_it_was = function(np.arange(16))
largest = max(np.abs(function(order) - as_it_was).max() for order in orders)
penalty = np.mean([distance(order) for order in orders])
print(
    f"200 orders of the units: functions differ by less than 1e-12: {largest < 1e-12}; "
    f"penalty between the trunks {penalty:.0f}, where ‖W‖² = {(W**2).sum():.0f}"
)
assert largest < 1e-12

# %% [markdown]
# Two trunks drawn independently have, on average,
# $\tfrac12 \lVert W - W' \rVert^2 = \lVert W \rVert^2$: in another order, the same
# network is almost as far away as an unrelated one. Networks that were *trained apart*
# have their units in different orders, and a pull on their weights afterwards would
# match units that have nothing to do with each other. Pulled from the first step on
# they can fall into one order; one common start avoids the question, and
# `mtl.SoftSharing` copies the one trunk that it is given. And a small distance at the
# end says only that the pull was strong: the heads, which are not pulled, may still
# make different functions of equal features.
#
# ## Exercises
#
# [Solutions](solutions/ch08.py).
#
# **8.1** Both penalties, $\lambda = 1$, and their gradients, in NumPy.


# %%
def two_penalties(Θ):
    """((R_zero, its gradient), (R_together, its gradient)).

    Θ and both gradients are (T, D).
    """
    raise NotImplementedError


check_two_penalties(two_penalties)

# %% [markdown]
# **8.2** The best strength in each convention. `data` says whether losses are a "mean"
# or a "sum" over the $n$ examples, `pull` whether the penalty is (8.2), "mean", or over
# "pairs".


# %%
def best_strength(noise, spread, n, T, data, pull):
    raise NotImplementedError


check_best_strength(best_strength)

# %% [markdown]
# **8.3 Find the bug.** The gradient of the pull by pairs, by hand. Training with it,
# the networks do come together, and yet it is wrong. (Delete the `raise` to run it.)


# %%
def pairs_gradient(Θ, strength):
    """∂/∂Θ of λ Σ_{s<t} ‖θ_s − θ_t‖²: (T, D) -> (T, D)"""
    raise NotImplementedError
    gradient = np.zeros_like(Θ)
    for t in range(len(Θ)):
        for s in range(t):
            gradient[t] += 2 * strength * (Θ[t] - Θ[s])
    return gradient


check_pairs_gradient(pairs_gradient)

# %% [markdown]
# **8.4 Write the property that catches it.** A law for a function `gradient(Θ)`
# $(T, D) \to (T, D)$ that should be that of the pull by pairs with $\lambda = 1$. Wrong
# ones are the one above, a pull to zero, to the first task, to the mean, and one
# without the 2. What do the rows of a right one sum to? What is it for two tasks that
# you can do in your head, and for three?


# %%
def law(gradient):
    """Raises AssertionError if this is not the gradient of Σ_{s<t} ‖θ_s − θ_t‖²."""
    raise NotImplementedError


check_law(law)

# %% [markdown]
# ## What this does not show
#
# (8.5) needs uncorrelated inputs and tasks that differ equally in every coordinate; for
# tasks in groups a pull along a graph of related tasks would be the better belief. The
# network experiment has one architecture, one kind of data, and stops after 150 steps;
# strengths were compared on test data, to show the curve. It shows that a control can
# take a finding away, not that soft sharing is of no use in networks.
#
# ## To recall
#
# 1. Which of the two penalties called L2 couples the tasks, and how can you see it in
#    the gradient?
#    <details><summary>Answer</summary>The pull together: in the gradient of task t,
#    2λ(θ_t − θ̄), the other tasks occur in the mean. In that of the pull to zero, 2λ_t
#    θ_t, they do not.</details>
# 2. Add the same vector to the parameters of all tasks. What happens to each penalty?
#    <details><summary>Answer</summary>The pull together does not change; the pull to
#    zero does.</details>
# 3. Two tasks found b = 1 and 3 alone, λ = 1, mean squared errors, pull to the mean.
#    What does soft sharing find?
#    <details><summary>Answer</summary>s = 1/2, mean 2: 1.5 and 2.5.</details>
# 4. You have four times as many labels per task. How should the best strength change,
#    with mean losses?
#    <details><summary>Answer</summary>λ* = σ²/(nτ²): a quarter.</details>
# 5. "Soft sharing improved both tasks by 15 %." Which control do you ask for?
#    <details><summary>Answer</summary>Training alone with a tuned pull to zero (and the
#    usual: equal budgets, paired seeds, strength chosen on validation data).</details>
