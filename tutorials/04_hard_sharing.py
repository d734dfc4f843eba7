# %% [markdown]
# # 4 · One trunk, many heads: hard sharing
#
# *35 minutes.* Three branches of a shop each want to predict what a customer spends.
# Should they train one model together, or one model each? After this chapter you can
# write down the gradient that a shared trunk receives, count the parameters that
# sharing saves, and predict from two numbers up to how many labels it pays. You can
# also compare both ways on your own data, for each task and not only on average.
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
# **What you need**: gradients of two losses are added at a shared value
# ([chapter 1](01_chain_rule.md)); dense layers, the squared error and gradient descent
# ([chapter 2](02_dense_layer.md)); cross-entropy ([chapter 3](03_cross_entropy.md)).
# From statistics you need two rules. A factor $c$ multiplies a variance by $c^2$. The
# variance of a sum of independent numbers is the sum of their variances; so the mean of
# $T$ of them, each with variance $v$, has variance $v/T$.
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
# | $\beta_t$ | `beta` | $(D,)$ | the true weights of branch $t$ |
# | $m, \delta_t$ | | $(D,)$ | what all branches have in common, and what belongs to branch $t$ alone: $\beta_t = m + \delta_t$ |
# | $b_t$ | `b` | $(D,)$ | the weights that branch $t$ finds when it trains alone |
# | $\sigma^2$ | `noise` | number | variance of the noise in a label |
# | $\tau^2$ | `spread` | number | variance of each coordinate of $\delta_t$ |
#
# A bar is a mean over tasks: $\bar b = \frac1T \sum_t b_t$.
#
# ## One trunk in every loss
#
# *Hard parameter sharing* (Caruana, 1993) uses one *trunk*, a network that the inputs
# of all tasks pass through, and a small *head* for each task:
#
# $$
# h = \text{trunk}(x; \theta_\text{sh}), \qquad \hat y_t = \text{head}_t(h),
# \qquad L = \sum_t w_t L_t(\hat y_t, y_t) \tag{4.1}
# $$
#
# The model is `mtl.HardSharing`, and the total loss is `mtl.weighted_sum`. Here are two
# tasks: a price, with the squared error, and a department, one of three, with
# cross-entropy. The data are random stand-ins.

# %%
rng = np.random.default_rng(0)
trunk = mtl.Sequential(mtl.Dense(6, 16, rng), mtl.relu)
heads = {"price": mtl.Dense(16, 1, rng), "department": mtl.Dense(16, 3, rng)}
hard = mtl.HardSharing(trunk, heads)

x = rng.normal(size=(64, 6))
targets = {"price": rng.normal(size=(64, 1)), "department": rng.integers(3, size=64)}
loss_of = {"price": mtl.mse, "department": mtl.cross_entropy}
outputs = hard({"price": x, "department": x})
L = {t: loss_of[t](outputs[t], targets[t]) for t in heads}
w = {"price": 0.3, "department": 1.0}
total = mtl.weighted_sum(L, w)  # (4.1)

# %% [markdown]
# The trunk is a value that both losses use. So it receives the sum of their gradients,
# each multiplied by its weight. Write the gradients as the rows of one matrix $J$, the
# *Jacobian*. Then the sum is a matrix product:
#
# $$
# \frac{\partial L}{\partial \theta_\text{sh}}
# = \sum_t w_t \frac{\partial L_t}{\partial \theta_\text{sh}} = J^\top w,
# \qquad J_t = \frac{\partial L_t}{\partial \theta_\text{sh}} \tag{4.2}
# $$
#
# `mtl.jacobian` computes $J$. The first $P$ entries of `hard.grad` belong to the trunk.

# %%
J = mtl.jacobian(list(L.values()), hard.trunk.parameters())
total.backward()
received = hard.grad[: hard.P]
expected = J.T @ np.array(list(w.values()))  # (4.2)
agree = np.abs(received - expected).max() < 1e-12
print("J has shape", J.shape, "and the trunk receives Jᵀw:", agree)
assert agree

# %% [markdown]
# A head receives only the gradient of its own loss, times $w_t$. So tasks meet only in
# the vector $J^\top w$. A weight of 0 removes task $t$ from the trunk and leaves its
# head without a gradient.
#
# ## What it saves
#
# Let the trunk have $P$ parameters and head $t$ have $p_t$. Training alone needs a
# trunk for each task. Hard sharing needs one trunk:
#
# $$
# \text{alone: } T P + \sum_t p_t \qquad\qquad \text{hard: } P + \sum_t p_t \tag{4.3}
# $$
#
# `mtl.HardSharing.counts` counts them. If the heads are small, hard sharing needs about
# $1/T$ of the parameters.

# %%
alone = mtl.SingleTask(trunk, heads)
print("alone", alone.counts()["total"], " hard", hard.counts()["total"])

# %% Check the counts tags=["hide-input"]
P = hard.P
p = [16 * 1 + 1, 16 * 3 + 3]
assert alone.counts()["total"] == 2 * P + sum(p)  # (4.3)
assert hard.counts()["total"] == P + sum(p)

# %% Draw the network tags=["hide-input"]
show(
    mtl.plots.network(hard),
    "04_network.svg",
    "One trunk leads to both heads. Most parameters of this small network are in the "
    "trunk, so most of them exist once and not once for each task.",
)

# %% [markdown]
# ## When it pays
#
# Fewer parameters are good, but are the predictions better? Take a simple case in which
# everything can be calculated. Branch $t$ has the true weights
# $\beta_t = m + \delta_t$. The part $m$ is common to all branches. The part $\delta_t$
# belongs to the branch, and its coordinates are drawn with variance $\tau^2$. The
# branch has $n$ labels $y_t = X_t \beta_t + \varepsilon_t$ with noise of variance
# $\sigma^2$. Its inputs have mean 0 and variance 1 and are uncorrelated:
# $X_t^\top X_t = n I$.

# %%
T = 3
D = 8
noise = 1.0


def branches(rng, sizes, spread):
    """{task: (X (n, D), y (n, 1))} with XᵀX = n I, and {task: true weights (D, 1)}.

    sizes: task -> n
    """
    common = rng.normal(size=(D, 1))
    data = {}
    beta = {}
    for task, n in sizes.items():
        beta[task] = common + np.sqrt(spread) * rng.normal(size=(D, 1))
        X = rng.normal(size=(n, D))
        X = np.sqrt(n) * np.linalg.qr(X - X.mean(0))[0]  # of mean 0: needs no bias
        y = X @ beta[task] + np.sqrt(noise) * rng.normal(size=(n, 1))
        data[task] = (X, y)
    return data, beta


# %% [markdown]
# **Alone**, a branch finds the least squares solution
#
# $$
# b_t = (X_t^\top X_t)^{-1} X_t^\top y_t = \frac1n X_t^\top y_t
# = \beta_t + \frac1n X_t^\top \varepsilon_t .
# $$
#
# The last term is the error. The variance of its coordinate $j$ is
# $\frac{1}{n^2} \sum_i X_{ij}^2\, \sigma^2 = \sigma^2/n$, since the squares in a column
# of $X_t$ sum to $n$.
#
# **One model for all** has the same weights $\beta$ for every branch. What does it
# find? First write the loss of one branch with the help of $b_t$. Insert
# $y_t - X_t \beta = (y_t - X_t b_t) + X_t (b_t - \beta)$ into the mean of squares:
#
# $$
# L_t(\beta) = \frac1n \lVert y_t - X_t b_t \rVert^2
# + \frac2n (b_t - \beta)^\top X_t^\top (y_t - X_t b_t)
# + \frac1n (b_t - \beta)^\top X_t^\top X_t (b_t - \beta)
# $$
#
# The first term is $L_t(b_t)$. The second is 0, because the residual of least squares
# is orthogonal to the inputs: $X_t^\top y_t - n b_t = 0$. In the third,
# $X_t^\top X_t = n I$. So the loss is a constant plus a squared distance:
#
# $$
# L_t(\beta) = L_t(b_t) + \lVert \beta - b_t \rVert^2 \tag{4.4}
# $$
#
# One can check this with `mtl.mse` and any weights $\beta$:

# %% Check the distance tags=["hide-input"]
rng = np.random.default_rng(0)
data, beta = branches(rng, {"one branch": 40}, spread=0.025)
X, y = data["one branch"]
b = X.T @ y / 40
other = rng.normal(size=(D, 1))  # any weights


def loss_at(weights):
    return float(mtl.mse(mtl.Tensor(X @ weights), y))


by_distance = loss_at(b) + ((other - b) ** 2).sum()  # (4.4)
print("a loss is a squared distance:", np.isclose(loss_at(other), by_distance))
assert np.isclose(loss_at(other), by_distance)

# %% [markdown]
# With equal weights, one model for all minimises
# $\sum_t \lVert \beta - b_t \rVert^2$. The gradient is $2 \sum_t (\beta - b_t)$, and it
# is 0 at $\beta = \bar b$: **one model for all finds the mean of what the branches find
# alone.** Its distance from the truth of branch $t$ has two parts:
#
# $$
# \bar b - \beta_t = \underbrace{\bar b - \bar\beta}_\text{noise}
# + \underbrace{\bar\delta - \delta_t}_\text{bias}
# $$
#
# The noise is the mean of $T$ independent errors of variance $\sigma^2/n$, so its
# variance is $\sigma^2/(nT)$. The *bias* stays, however many labels there are. Its
# variance is a little less than $\tau^2$, because the mean contains $\delta_t$ itself.
# Separate $\delta_t$ from the other $T - 1$ terms:
#
# $$
# \delta_t - \bar\delta
# = \Big(1 - \frac1T\Big) \delta_t - \frac1T \sum_{u \ne t} \delta_u,
# \qquad \text{variance }
# \tau^2 \Big[ \frac{(T-1)^2}{T^2} + \frac{T-1}{T^2} \Big] = \frac{T-1}{T}\, \tau^2
# $$
#
# Noise and bias are independent, so their variances add. The expected squared error of
# a coordinate is
#
# $$
# R_\text{alone} = \frac{\sigma^2}{n},
# \qquad R_\text{shared} = \frac{\sigma^2}{nT} + \frac{T-1}{T}\, \tau^2,
# \qquad R_\text{alone} - R_\text{shared}
# = \frac{T-1}{T} \left(\frac{\sigma^2}{n} - \tau^2\right)
# \tag{4.5}
# $$
#
# `mtl.closed_form.risk` computes both: its first argument is 0 for alone and infinite
# for one model. Sharing reduces noise and adds bias. It pays while the bracket is
# positive, **while there are fewer labels than**
#
# $$
# n^* = \frac{\sigma^2}{\tau^2} \tag{4.6}
# $$
#
# `mtl.closed_form.pooling_helps` answers the same question. Share if labels are few and
# noisy and tasks are similar. Train alone if labels are many and clean and tasks are
# different.
#
# You can estimate both numbers from your own data. For $\sigma^2$, divide the sum of
# squared residuals of a branch by $n - D - 1$, because $D$ weights and a bias were
# fitted. The weights found alone vary from task to task with variance
# $\tau^2 + \sigma^2/n$; subtract $\sigma^2/n$. With three tasks expect only the order
# of magnitude.
#
# **Predict**: the shop opens thirty more branches like these, so $T = 33$ instead of 3.
# Does the crossing $n^*$ move?
#
# <details><summary>Answer</summary>
#
# No: $T$ does not appear in $n^*$. More tasks enlarge the gain before the crossing and
# the loss after it, by the factor $(T-1)/T$. Two tasks already give half of what any
# number of such tasks can give.
#
# </details>
#
# ## Measure it
#
# We train both models with the package for several numbers of labels. The trunk is one
# dense layer with one output, and the heads do nothing, so everything is shared. Both
# models get the same data, the same start and 25 steps, which are enough for both.
#
# > **In short: seed, standard error, held-out data.** A *seed* starts the random
# > numbers, which decide the data and the first parameters. One seed may be luck, so we
# > report the mean over $S$ seeds. The *standard error* says how far this mean may be
# > from that over all seeds. It is the standard deviation of the $S$ results, divided
# > by $\sqrt S$. A difference of more than three standard errors is seldom chance.
# > Comparisons are *paired*: both models of a seed see the same data, and we average
# > their differences, so that luck which both share cancels. *Held-out data* were not
# > used for training; only they show how well a model predicts something new.


# %%
def as_it_is(h):
    return h  # a head that does nothing


def error(kind, data, beta):
    """Mean squared error of the trained weights, over tasks and coordinates."""
    trunk = mtl.Dense(D, 1, np.random.default_rng(0))
    model = kind(trunk, {t: as_it_is for t in data})
    losses = {t: mtl.mse for t in data}
    mtl.fit(model, data, losses, optimizer=mtl.SGD(1 / (2 * T)), steps=25)
    missed = [model.task_parameters(t)[0].data - beta[t] for t in data]
    return np.mean(np.square(missed))


spread = 0.025

# %% Train both models with 40 seeds tags=["hide-input"]
labels = np.array([10, 16, 25, 40, 63, 100, 160])
errors = np.zeros((40, 2, len(labels)))  # (seeds, alone or shared, numbers of labels)
for seed in range(40):
    for k, n in enumerate(labels):
        sizes = dict.fromkeys(["branch 1", "branch 2", "branch 3"], n)
        data, beta = branches(np.random.default_rng([seed, n]), sizes, spread)
        errors[seed, 0, k] = error(mtl.SingleTask, data, beta)
        errors[seed, 1, k] = error(mtl.HardSharing, data, beta)


# %%
def risk_alone(n):
    return noise / n


def risk_shared(n):
    return noise / (n * T) + (T - 1) / T * spread  # (4.5)


predicted = noise / spread  # (4.6)
mean, se = mean_and_error(errors)

# %% Draw the crossing tags=["hide-input"]
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
ax = figure.axes[0]
for line in ax.lines:
    line.set_linewidth(2.8)
between = np.geomspace(labels[0], labels[-1], 200)
ax.fill_between(
    between, risk_alone(between), risk_shared(between), color="0.92", zorder=0
)
large = {"ha": "center", "va": "center", "fontsize": 15, "weight": "bold"}
ax.text(26, 0.085, "share", color="#7B3FA0", **large)
ax.text(92, 0.06, "train alone", color="#222222", **large)
show(
    figure,
    "04_crossing.svg",
    "With few labels one model for all branches has the smaller error; with many "
    "labels, one model for each. The measured points lie on the lines of theory, which "
    "cross at the predicted 40 labels.",
)

# %% Check measurement against theory tags=["hide-input"]
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
# The error of the shared model stops falling because its bias stays. **The claim**:
# with fewer than $n^*/2$ labels sharing is better, and with more than $2 n^*$ it is
# worse, by more than three standard errors. The measured crossing lies within a quarter
# of the predicted one. `mtl.interaction.transfer_gain` pairs the seeds.

# %% Check the claim tags=["hide-input"]
gain = errors[:, 0] - errors[:, 1]  # positive: sharing is better (seeds, labels)
g, e = mtl.interaction.transfer_gain(errors[:, 0], errors[:, 1])
assert (g > 3 * e)[labels < predicted / 2].all(), "few labels: sharing is better"
assert (g < -3 * e)[labels > 2 * predicted].all(), "many labels: sharing is worse"


# %% Find the measured crossing tags=["hide-input"]
def crossing(gain):
    """Where the mean of gain (seeds, numbers of labels) passes 0.

    Between two numbers of labels the line is straight over the logarithm of n.
    """
    mean = gain.mean(0)
    k = np.flatnonzero(mean > 0)[-1]
    return np.exp(np.interp(0, -mean[k : k + 2], np.log(labels[k : k + 2])))


again = []  # the crossing of seeds drawn anew, with repeats
for k in range(500):
    drawn = np.random.default_rng(k).integers(len(gain), size=len(gain))
    again.append(crossing(gain[drawn]))
low, high = np.quantile(again, [0.025, 0.975])
print(f"crossing predicted at {predicted:.0f} labels, measured at {crossing(gain):.0f}")
print(f"95 % of 500 redraws of the seeds: {low:.0f} to {high:.0f}")
assert 0.75 < crossing(gain) / predicted < 1.25

# %% [markdown]
# ## An average can hide a loser
#
# Now a poor branch has 25 labels and a rich one 100, with $\sigma^2 = 1$ and
# $\tau^2 = 0.002$. With equal weights one model for both finds $(b_1 + b_2)/2$. By
# theory the error of a coordinate is
# $\frac14 (\frac1{25} + \frac1{100}) + \frac12\, 0.002 = 0.0135$. The poor branch has
# 0.04 alone, so it gains 66 %. The rich one has 0.01 alone, so it loses 35 %. Papers
# often report one number, the mean relative gain (Maninis et al., 2019):
#
# $$
# \Delta m = \frac1T \sum_t \frac{A_t - M_t}{A_t} \tag{4.7}
# $$
#
# Here $A_t$ is the loss of task $t$ alone, and $M_t$ is its loss after training with
# the others. `mtl.interaction.delta_m` computes it. Positive is better here; some
# papers use the other sign. By theory our branches have $\Delta m = 16\,\%$, which
# looks like a success.
#
# `mtl.compare` does the whole comparison: alone, soft sharing (chapter 8) and hard
# sharing, over paired seeds, with a verdict for each task. Here a function draws the
# data. If you have a table, give a dict instead, and it is split for you.


# %%
def poor_and_rich(rng):
    """(training, validation, test), each task -> (X, y); the last two without noise."""
    training, beta = branches(rng, {"poor": 25, "rich": 100}, spread=0.002)
    held_out = []
    for _ in ("validation", "test"):
        X = rng.normal(size=(100, D))
        held_out.append({task: (X, X @ beta[task]) for task in beta})
    return training, *held_out


def one_layer(rng):
    return mtl.Dense(D, 1, rng), {"poor": as_it_is, "rich": as_it_is}


def compared(weights):
    return mtl.compare(
        one_layer,
        poor_and_rich,
        {"poor": mtl.mse, "rich": mtl.mse},
        optimizer=mtl.SGD(0.25),
        steps=25,
        evaluate_every=25,
        rng=np.random.default_rng(0),
        seeds=100,
        strengths=[1.0],
        weights=weights,
        independent=True,  # each seed draws new data
    )


equal = compared({"poor": 1.0, "rich": 1.0})
print(equal)

# %% [markdown]
# The losses in the table are about nine times the errors above: a held-out loss is the
# sum of the squared errors of eight weights and a bias. Hard sharing helps the poor
# branch and hurts the rich one; $\Delta m$ alone would hide it. Soft sharing goes half
# of the way to the mean and helps both ([chapter 8](08_soft_sharing.md)). Weights are a
# cure, too: with $w_t$ proportional to the number of labels, both gain. Exercise 4.2
# asks you to prove it.

# %%
by_labels = compared({"poor": 0.4, "rich": 1.6})  # like 25 to 100

# %% Print relative gains tags=["hide-input"]
for name, comparison in {"equal": equal, "by labels": by_labels}.items():
    A = np.array([comparison.test["alone"][t].mean() for t in ("poor", "rich")])
    M = np.array([comparison.test["hard"][t].mean() for t in ("poor", "rich")])
    poor, rich = (A - M) / A
    delta_m = ((A - M) / A).mean()  # (4.7)
    print(f"weights {name}: poor {poor:+.0%}, rich {rich:+.0%}, Δm {delta_m:+.0%}")
    assert np.isclose(delta_m, mtl.interaction.delta_m(A, M))

# %% Check the verdicts tags=["hide-input"]
A = [equal.test["alone"][t].mean() for t in equal.tasks]
M = [equal.test["hard"][t].mean() for t in equal.tasks]
assert equal.verdicts["hard"] == {"poor": "helps", "rich": "hurts"}
assert mtl.interaction.delta_m(A, M) > 0, "the mean hides the loser"
assert by_labels.verdicts["hard"] == {"poor": "helps", "rich": "helps"}

# %% [markdown]
# ## Networks: how related, and how wide?
#
# A network shares *features*, and each head makes its own answer from them. The trunk
# must have room for what each task needs. `mtl.datasets.related_tasks` makes two tasks.
# The target of each is the same nonlinear function of $u_t \cdot x$, with a direction
# $u_t$ of its own. A knob sets the cosine between the directions, from 0, unrelated, to
# 1, the same. A trunk of one hidden unit can look in one direction, one of four in
# both.


# %%
def train_150(model, data):
    losses = {t: mtl.mse for t in data}
    mtl.fit(model, data, losses, optimizer=mtl.Adam(0.03), steps=150)


def held_out(width, relatedness, seed):
    """Held-out mean squared error (alone, shared); both start with equal parameters."""
    rng = np.random.default_rng(seed)
    train, test = mtl.datasets.related_tasks(rng, relatedness, n_train=40, noise=0.3)
    trunk = mtl.Sequential(mtl.Dense(8, width, rng), mtl.tanh)
    heads = {t: mtl.Dense(width, 1, rng) for t in train}
    results = []
    for kind in (mtl.SingleTask, mtl.HardSharing):
        model = kind(trunk, heads)
        train_150(model, train)
        found = mtl.evaluate(model, test, {t: mtl.mse for t in test})
        results.append(np.mean(list(found.values())))
    return results


# %% Train with 16 seeds tags=["hide-input"]
knob = (0.0, 0.5, 1.0)
seeds = 16
results = {1: [], 4: []}  # width -> (seeds, places of the knob, alone or shared)
for H, of_width in results.items():
    for seed in range(seeds):
        of_width.append([held_out(H, p, seed) for p in knob])
    results[H] = np.array(of_width)

# %% Draw two directions tags=["hide-input"]
import matplotlib.pyplot as plt


def draw_directions(ax, at, cosine):
    """Two arrows of one length with this cosine, in the colours of two tasks."""
    half = np.arccos(cosine) / 2
    aside = 0.06 if cosine == 1 else 0  # equal ones lie side by side
    for colour, side in (("#0072B2", 1), ("#D55E00", -1)):
        ax.quiver(
            at + side * aside,
            4.5,
            np.sin(side * half),
            np.cos(side * half),
            color=colour,
            scale=3,
            scale_units="inches",
            width=0.014,
        )


# %% Draw one unit and four tags=["hide-input"]
figure, axes = plt.subplots(
    1, 2, figsize=(6.4, 3.6), sharey=True, layout="constrained", facecolor="white"
)
styles = {
    "alone": {"color": "#222222", "marker": "o"},
    "shared": {"color": "#7B3FA0", "marker": "s", "linestyle": "--"},
}
for ax, (H, E) in zip(axes, results.items()):
    mean, se = mean_and_error(E)  # (places of the knob, arms)
    for i, style in enumerate(styles.values()):
        bars = {"linewidth": 2.4, "capsize": 3, "markersize": 7}
        ax.errorbar(range(3), mean[:, i], se[:, i], **style, **bars)
    for at, cosine in enumerate(knob):
        draw_directions(ax, at, cosine)
    ax.set_title("trunk of 1 unit" if H == 1 else "trunk of 4 units", fontsize=11)
    ax.set(yscale="log", ylim=(0.17, 9), xlim=(-0.45, 2.45))
    ax.set_yticks([0.2, 0.5, 1, 2], ["0.2", "0.5", "1", "2"])
    ax.set_yticks([], minor=True)
    ax.set_xticks(range(3), ["unrelated", "half related", "the same"])
    ax.spines[["top", "right"]].set_visible(False)
axes[0].text(0.1, 1.35, "shared", color="#7B3FA0", fontsize=11)
axes[0].text(0.1, 0.36, "alone", color="#222222", fontsize=11)
axes[1].text(0.0, 0.23, "shared", color="#7B3FA0", fontsize=11)
axes[1].text(0.0, 0.42, "alone", color="#222222", fontsize=11)
axes[0].set_ylabel("held-out squared error (log scale)")
figure.suptitle("One unit cannot serve two directions; four can", fontsize=12)
below = f"directions of the two tasks: arrows; {seeds} seeds, ± standard error"
figure.supxlabel(below, fontsize=9)
show(
    figure,
    "04_width.svg",
    "With one hidden unit, sharing multiplies the error unless the two tasks look in "
    "the same direction. With four units sharing does no harm, and it helps if the "
    "tasks are the same.",
)


# %% Print the paired gains tags=["hide-input"]
def over_the_knob(gain, error):
    columns = zip(knob, gain, error)
    return ", ".join(f"{p:g}: {g:+.2f} ± {e:.2f}" for p, g, e in columns)


print(f"gains over alone at each place of the knob, {seeds} paired seeds")
gains = {}
for H, E in results.items():
    gains[H] = mtl.interaction.transfer_gain(E[:, :, 0], E[:, :, 1])
    print(f"width {H}, over alone with width {H}:", over_the_knob(*gains[H]))
narrow, narrow_se = gains[1]
wide, wide_se = gains[4]
assert narrow[0] < -3 * narrow_se[0], "one unit, unrelated tasks: harm"
assert wide[-1] > 3 * wide_se[-1], "four units, the same task twice: gain"
assert abs(wide[0]) < -narrow[0] / 5, "width takes most of the harm away"

over_best, over_best_se = mtl.interaction.transfer_gain(
    results[1][:, :, 0], results[4][:, :, 1]
)
print("width 4, over alone with width 1:", over_the_knob(over_best, over_best_se))
assert (over_best < 3 * over_best_se).all(), "over the best alone it gains nothing"

# %% [markdown]
# This is bias again: one shared unit cannot express what each task needs. With four
# units there is room. But features that tasks do not share save no noise, so unrelated
# tasks gain nothing.
#
# Look at the last line. These simple tasks need only one unit each, and the *best*
# model alone has one. Compared with it, four shared units gain nothing, not even for
# equal tasks. So always ask which baseline a gain is measured against.
#
# A trunk can also be so wide that nothing is shared. Take a *linear* trunk $A$ with at
# least $T$ units, and let head $t$ read unit $t$ alone. Then column $t$ of $A$ can be
# $b_t$ itself. Every task has its solution alone, and the trunk saves no noise
# ([chapter 7](07_negative_transfer.md) measures this).
#
# ## A new task on a trained trunk
#
# A new task comes with ten labels, and you have a trunk that was trained on an old task
# with 200. Freeze the trunk, train only the new head, and ask for answers with
# `mtl.HardSharing.predict`:


# %%
def new_task(relatedness, seed):
    """Held-out squared error of the new task "b": (alone, on the trunk of "a")."""
    rng = np.random.default_rng(seed)
    train, test = mtl.datasets.related_tasks(rng, relatedness, n_train=200, noise=0.3)
    X, y = train["b"]
    few = {"b": (X[:10], y[:10])}
    trunk = mtl.Sequential(mtl.Dense(8, 4, rng), mtl.tanh)
    heads = {t: mtl.Dense(4, 1, rng) for t in train}
    alone = mtl.SingleTask(trunk, heads)
    train_150(alone, few)
    model = mtl.HardSharing(trunk, heads)
    train_150(model, {"a": train["a"]})
    model.trunk.freeze()  # no optimiser moves it from here on
    train_150(model, few)

    X, y = test["b"]
    answers = [one.predict({"b": X})["b"] for one in (alone, model)]
    return [((answer - y) ** 2).mean() for answer in answers]


# %% Compare with 12 seeds tags=["hide-input"]
print("12 paired seeds")
sure = {}  # relatedness -> gain in standard errors
for relatedness in (1.0, 0.7, 0.0):
    E = np.array([new_task(relatedness, seed) for seed in range(12)])
    g, e = mtl.interaction.transfer_gain(E[:, 0], E[:, 1])
    alone = E[:, 0].mean()
    print(f"relatedness {relatedness:g}: alone {alone:.1f}, gain {g:+.1f} ± {e:.1f}")
    sure[relatedness] = g / e
assert sure[1.0] > 3, "the same features: a gain"
assert sure[0.0] < -3, "other features: harm"

# %% [markdown]
# A frozen trunk helps if the new task needs the old features. At 0.7 harm is likely but
# below three standard errors; at 0 it is clear.
#
# **"My multi-task model is worse than single-task."** Before you believe this, or the
# opposite, ask:
#
# - Did both have equal steps, and was each tuned for itself?
# - Over how many paired seeds, and what is the gain of each task?
# - Does one loss dominate because of its units? ([Chapter 5](05_weighted_loss.md).)
# - Are there so many labels that nothing is left to gain? Estimate $n^*$.
# - Is the trunk too narrow?
#
# ## Exercises
#
# [Solutions](solutions/ch04.py).
#
# ### Exercise 4.1 · Count parameters
# *5 minutes, easy.*
#
# The trunk has two dense layers, from $D$ to $H$ and from $H$ to $H$. Task $t$'s head
# is a dense layer from $H$ to `outputs[t]`. How many parameters are there in all?
#
# <details><summary>First hint</summary>
#
# A dense layer from $a$ to $b$ has $ab$ weights and $b$ biases.
#
# </details>
#
# <details><summary>Second hint</summary>
#
# Count one trunk, and all heads together. Then use (4.3).
#
# </details>


# %%
def counts(D, H, outputs):
    """(parameters alone, parameters with hard sharing).

    D and H are whole numbers; outputs is a list, one number for each task.
    """
    raise NotImplementedError


check_counts(counts)

# %% [markdown]
# ### Exercise 4.2 · Who gains, the poor or the rich?
# *20 minutes, medium.*
#
# Two branches have $n_1$ and $n_2$ labels. One model is fitted to all labels alike,
# which is (4.1) with $w_t$ proportional to $n_t$. It finds
# $(n_1 b_1 + n_2 b_2)/(n_1 + n_2)$. By how much does the expected squared error of a
# coordinate fall, for each branch? Work on paper first. For whom does pooling pay?
#
# <details><summary>First hint</summary>
#
# Write the difference from $\beta_1$ as noise plus bias. With
# $a_t = n_t/(n_1 + n_2)$, the noise is $a_1$ times the error of $b_1$ plus $a_2$ times
# that of $b_2$. The bias is $a_2 (\beta_2 - \beta_1)$.
#
# </details>
#
# <details><summary>Second hint</summary>
#
# The variance of $\beta_2 - \beta_1$ is that of a difference of two independent
# numbers. When you have both gains, compare their signs.
#
# </details>


# %%
def gain_of_pooling(n1, n2, noise, spread):
    """(R_alone − R_pooled of branch 1, the same of branch 2); noise σ², spread τ².

    b_t = β_t + noise of variance σ²/n_t; β_t = m + δ_t, each δ_t of variance τ².
    """
    raise NotImplementedError


check_gain_of_pooling(gain_of_pooling)

# %% [markdown]
# ### Exercise 4.3 · Find the bug
# *10 minutes, medium.*
#
# A gradient written by hand, for a linear trunk $A$ and predictions
# $\hat y_t = X A c_t$. Training with it runs, and the loss of one task falls nicely.
# Delete the `raise`, then repair the function.
#
# <details><summary>First hint</summary>
#
# Compare it with (4.2). With one task it is right.
#
# </details>
#
# <details><summary>Second hint</summary>
#
# Follow `total` by hand through two turns of the loop.
#
# </details>


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
# ### Exercise 4.4 · Write the property that catches it
# *20 minutes, hard.*
#
# Your law gets a function `trunk_gradient`, as in the exercise before, and asserts
# something that is true of every right one. It will be run on right functions and on
# many with a slip.
#
# <details><summary>First hint</summary>
#
# You need no second formula for the gradient. A gradient says how the loss changes
# after a small step of $A$, and the loss is easy to write.
#
# </details>
#
# <details><summary>Second hint</summary>
#
# For a random step $S$ of $A$, about 0.001 in size, half of loss$(A + S)$ −
# loss$(A - S)$ is `(gradient * S).sum()`. Compare with `np.isclose(..., atol=0)`:
# both are small numbers.
#
# </details>
#
# <details><summary>Third hint</summary>
#
# One example is not enough: some slips do not show with one or two tasks, or with equal
# weights. Try several sizes.
#
# </details>


# %%
def law(trunk_gradient):
    """Raises AssertionError if this gradient is wrong.

    trunk_gradient(A, heads, X, targets, w) should be ∂L/∂A (D, H) of
        L = Σ_t w[t] · mean((X A heads[t] − targets[t])²)
    A (D, H), X (N, D); heads, targets and w are dicts by task name:
    heads[t] (H,), targets[t] (N,), w[t] a number
    """
    raise NotImplementedError


check_law(law)

# %% [markdown]
# ## What this does not show
#
# The rule $n^* = \sigma^2/\tau^2$ is exact for linear tasks with equally many labels,
# uncorrelated inputs of variance 1, and differences that are alike in all coordinates.
# Real tasks are not equally far from each other. The hidden loser illustrates the
# theory: we chose its numbers so that theory predicts a clear effect. For networks we
# measured no $n^*$; we saw only that width and relatedness matter. [Chapter
# 7](07_negative_transfer.md) and [chapter 8](08_soft_sharing.md) go on from there.
#
# ## To recall
#
# 1. What gradient does the trunk receive, and what a head?
#    <details><summary>Answer</summary>The trunk receives Jᵀw, the weighted sum of all
#    tasks' gradients. Head t receives w_t times the gradient of its own
#    loss.</details>
# 2. Three tasks, a trunk of 10,000 parameters, heads of 100 each. How many parameters
#    alone, and with hard sharing?
#    <details><summary>Answer</summary>30,300 and 10,300.</details>
# 3. Labels have noise of variance 4, and the weights of tasks vary with variance 0.1.
#    Up to how many labels does one model for all pay?
#    <details><summary>Answer</summary>Up to 4 / 0.1 = 40 labels of each task, however
#    many tasks there are.</details>
# 4. Why does the error of the shared model stop falling as labels are added?
#    <details><summary>Answer</summary>Its noise goes to 0, but it finds the mean of the
#    tasks. How far a task is from that mean, its bias, stays.</details>
# 5. A paper reports Δm = +12 % with one seed. What do you ask for?
#    <details><summary>Answer</summary>For the gain of each task, since a mean can hide
#    a loser; for several paired seeds with the standard error of the difference; and
#    whether the baseline had the same tuning.</details>
