# %% [markdown]
# # 6 · Conflict
#
# *35 minutes.* "The gradients of the two tasks conflict. So the tasks harm each other.
# So one should not train them together." This argument mixes up three things, and
# neither "so" follows. **Conflict** is an angle between two gradients. **Harm** is what
# one step does to one loss. **Transfer** is what training together changes on data not
# seen in training. After this chapter you can compute the first two on paper. You will
# also have seen two tasks that conflict in most of their steps, although one hardly
# ever harms the other and teaches it much of what it knows.
#
# ![](figures/06_harm_diagram.png)

# %%
import matplotlib.pyplot as plt
import numpy as np
import tinymtl as mtl
from tinymtl.interaction import mean_and_error

from _show import show
from checks.ch06 import check_cosine, check_harmed, check_largest_weight, check_law

# %% [markdown]
# **What you need**: [chapter 4](04_hard_sharing.md) (the Jacobian $J$; the trunk
# receives $J^\top w$; standard errors) and the formula
# $g \cdot h = \lVert g \rVert\, \lVert h \rVert \cos \phi$ for the angle $\phi$ between
# two vectors. One section uses the Taylor series to second order. [Chapter
# 5](05_weighted_loss.md) helps, but is not needed.
#
# ## Notation
#
# | symbol | in code | shape | what it is |
# |---|---|---|---|
# | $T, P$ | `model.P` | numbers | tasks, and parameters that they share |
# | $g_t, J$ | `g`, `J` | $(P,)$, $(T, P)$ | gradient of task $t$'s loss on the shared parameters; $J$ has them as rows |
# | $w$ | `w` | $(T,)$ | weights, not negative |
# | $G$ | `G` | $(T, T)$ | Gramian, $G_{st} = g_s \cdot g_t$ |
# | $d$ | `d` | $(P,)$ | weighted sum of the gradients, $J^\top w$ |
# | $\Delta \theta$ | `step` | $(P,)$ | the step of the shared parameters |
# | $\eta$ | `rate` | number | learning rate |
# | $\Delta L$ | `ΔL` | $(T,)$ | change of each loss by one step |
# | $\rho$ | `rho` | number | cosine of the angle between two gradients |
# | $r$ | `ratio` | number | $w_1 \lVert g_1 \rVert$ divided by $w_2 \lVert g_2 \rVert$ |
#
# ## What one step does to every task
#
# A small step changes each loss by an amount that we can predict from the gradients
# alone. We call a step of gradient descent a *plain* step. It moves the shared
# parameters by $\Delta \theta = -\eta \sum_s w_s g_s$. So for task $t$
#
# $$
# \begin{aligned}
# \Delta L_t &\approx g_t \cdot \Delta \theta
# && \text{a small step, to first order} \\
# &= g_t \cdot \Big(-\eta \sum_s w_s g_s\Big) && \text{put in the plain step} \\
# &= -\eta \sum_s (g_t \cdot g_s)\, w_s && \text{inner products of all pairs} \\
# \Delta L &\approx -\eta\, G w, \qquad G = J J^\top && \text{all tasks together}
# \end{aligned}
# \tag{6.1}
# $$
#
# This is `mtl.interaction.predicted_change`. If you keep one formula of this course,
# keep this one. However large the number $P$ of shared parameters is, everything that
# the tasks do to each other in a small plain step is in the $T \times T$ numbers of
# $G$, which `mtl.interaction.gramian` computes. A cosine is an entry of $G$ without the
# lengths:
#
# $$
# \rho_{st} = \frac{g_s \cdot g_t}{\lVert g_s \rVert\, \lVert g_t \rVert}
# = \frac{G_{st}}{\sqrt{G_{ss}\, G_{tt}}} \tag{6.2}
# $$
#
# in `mtl.interaction.cosines`. Two tasks *conflict* where $\rho < 0$. A step *harms* a
# task where $\Delta L_t > 0$. Take $g_1 = (3, 0)$ and $g_2 = (-1, 1)$, with weights 1.
#
# **Predict**: the two tasks conflict. Does the step harm both, one, or neither?
#
# <details><summary>Answer</summary>
#
# It harms task 2 alone. The sum is $d = (2, 1)$, so $g_1 \cdot d = 6$ and
# $g_2 \cdot d = -1$. The first loss falls by $6 \eta$ and the second *rises* by $\eta$.
# The angle is the same for both tasks; who is harmed depends on the lengths.
#
# </details>

# %%
J = np.array([[3.0, 0.0], [-1.0, 1.0]])
w = np.ones(2)
rate = 0.01
G = J @ J.T
ΔL = -rate * G @ w  # (6.1)
rho = G[0, 1] / np.sqrt(G[0, 0] * G[1, 1])  # (6.2)
print(f"G = {G.tolist()}")
print(f"cosine {rho:.3f}, changes of the two losses {ΔL}")

# %% Check with the package tags=["hide-input"]
gramian = mtl.interaction.gramian(J)
assert np.allclose(ΔL, mtl.interaction.predicted_change(gramian, w, rate))
assert np.isclose(rho, mtl.interaction.cosines(G)[0, 1])

# %% [markdown]
# Here is the same step as a picture. All directions $d$ with $g_2 \cdot d < 0$ form a
# half-plane. If the weighted sum $d$ lies in it, a small step along $-d$ raises the
# loss of task 2. The angle between the two gradients is the same in both panels. Only
# the weight of task 1 differs.


# %% Draw the half-plane of harm tags=["hide-input"]
def arrow(ax, end, colour, text, place):
    style = {"arrowstyle": "-|>", "color": colour, "linewidth": 2.5}
    style |= {"shrinkA": 0, "shrinkB": 0, "mutation_scale": 18}
    ax.annotate("", end, (0, 0), arrowprops=style)
    ax.text(*place, text, color=colour, fontsize=12, weight="bold", ha="center")


figure, axes = plt.subplots(
    1, 2, figsize=(7, 2.4), layout="constrained", facecolor="white"
)
titles = ("weights 1 and 1: task 2 is harmed", "weights ½ and 1: nobody is harmed")
for ax, w1, title in zip(axes, (1.0, 0.5), titles):
    g1, g2 = w1 * J[0], J[1]
    d = g1 + g2
    ax.fill_between([-1.6, 3.6], [-1.6, 3.6], -1, color="#D55E00", alpha=0.15, lw=0)
    ax.plot(*np.transpose([g1, d, g2]), color="0.6", linestyle=":")
    arrow(ax, g1, "#0072B2", f"{'½ ' if w1 < 1 else ''}g₁", g1 + [-0.3, -0.42])
    arrow(ax, g2, "#D55E00", "g₂", g2 + [-0.2, 0.12])
    arrow(ax, d, "black", "d", d + [0.22, 0.1])
    ax.text(1.35, -0.75, "d here: loss 2 rises", color="#A04500", ha="center")
    ax.set_title(title, fontsize=11)
    ax.set(xlim=(-1.6, 3.6), ylim=(-1, 1.7), aspect="equal", xticks=[], yticks=[])
show(
    figure,
    "06_half_plane.svg",
    "With weights 1 and 1 the weighted sum d lies in the shaded half-plane, where it "
    "makes an obtuse angle with the gradient of task 2: a step along minus d raises "
    "that loss. Half the weight of task 1 brings d out of the half-plane.",
)

# %% [markdown]
# A step never harms all tasks, as long as $d \ne 0$. To first order the weighted total
# changes by $w \cdot \Delta L = -\eta\, w \cdot G w = -\eta \lVert d \rVert^2 < 0$. It
# falls, so at least one loss falls.
#
# **A task without labels has no angle.** Often only some examples have labels of a
# task. If a batch has no label of a task, its loss and its gradient are 0. It then has
# no direction, and the cosine is not 0 but undefined:

# %%
J = np.array([[3.0, 0.0], [0.0, 0.0]])  # no label of task 2 in this batch
print(mtl.interaction.cosines(J @ J.T))

# %% [markdown]
# `mtl.interaction.conflict_rate` does not count such steps. If you write 0 in their
# place, they count as steps without conflict, and rarely labelled tasks look peaceful.
# An angle also says less if each task has labels of different examples. The gradients
# then come from different data, and a part of the angle is chance.
#
# ## The boundary between conflict and harm
#
# When does a plain step raise $L_1$? By (6.1), when $(Gw)_1$ is negative. With
# $G_{11} = \lVert g_1 \rVert^2$ and
# $G_{12} = \lVert g_1 \rVert\, \lVert g_2 \rVert\, \rho$ this is
#
# $$
# \begin{aligned}
# \text{harm to task 1} &\iff w_1 \lVert g_1 \rVert^2
# + w_2 \lVert g_1 \rVert\, \lVert g_2 \rVert\, \rho < 0 \\
# &\iff \frac{w_1 \lVert g_1 \rVert}{w_2 \lVert g_2 \rVert} + \rho < 0
# && \text{divide by } w_2 \lVert g_1 \rVert\, \lVert g_2 \rVert \\
# &\iff \rho < -r && \text{call the ratio } r \\
# \text{harm to task 2} &\iff \rho < -1/r && \text{exchange the tasks}
# \end{aligned}
# \tag{6.3}
# $$
#
# and `mtl.plots.harm` draws these regions for a training run. No cosine is below $-1$.
# So **a conflict of two tasks harms at most one of them: the one whose weighted
# gradient is shorter, and only if the conflict is strong enough.** If both weighted
# gradients are equally long, no conflict of two tasks does harm.
#
# **With more tasks, small conflicts add up.** Take $g_1 = (1, 0)$, $g_2 = (-0.6, 0.8)$
# and $g_3 = (-0.6, -0.8)$, all of length 1, with weights 1. Together with either of the
# other two, task 1 is safe: $g_1 \cdot (g_1 + g_2) = 1 - 0.6 = 0.4$. With both it is
# harmed: $(G w)_1 = 1 - 0.6 - 0.6 = -0.2$. So with more than two tasks look at $G w$,
# and not at pairs.
#
# Let us test this on ten thousand pairs of random gradients. Angles are spread evenly,
# and ratios evenly on a logarithmic scale. The losses are curved, with the term
# $\tfrac12 \lVert x \rVert^2$ added to $g_t \cdot x$. For each pair we make a real step
# from $x = 0$ and see whether each loss really rises.

# %%
rng = np.random.default_rng(0)
angle = rng.uniform(0, np.pi, 10_000)
ratio = np.exp(rng.uniform(-np.log(5), np.log(5), 10_000))
g1 = np.stack([ratio, np.zeros_like(ratio)], 1)
g2 = np.stack([np.cos(angle), np.sin(angle)], 1)
step = -1e-3 * (g1 + g2)


def rises(g):
    """Whether the loss g · x + ½ ‖x‖² is larger after the step from x = 0."""
    return (g * step).sum(1) + 0.5 * (step * step).sum(1) > 0


rho = np.cos(angle)
rose = np.stack([rises(g1), rises(g2)], 1)
predicted = np.stack([rho < -ratio, rho < -1 / ratio], 1)  # (6.3)
wrong = (rose != predicted).any(1)
print(
    f"of 10,000 pairs {(rho < 0).sum():,} conflict and {rose.any(1).sum():,} do harm; "
    f"(6.3) is wrong about {wrong.sum()}"
)


# %% Draw the harm diagram tags=["hide-input"]
def boundary(r):
    return -np.minimum(r, 1 / r)


figure, ax = plt.subplots(figsize=(5.6, 3.8), layout="constrained", facecolor="white")
groups = (
    (~rose.any(1), "0.8"),
    (rose[:, 0], "#0072B2"),
    (rose[:, 1], "#D55E00"),
)
for at, colour in groups:
    ax.scatter(ratio[at], rho[at], s=2, color=colour)
r = np.geomspace(0.2, 5, 201)
ax.plot(r, boundary(r), color="black", linewidth=2.5)
ax.axhline(0, color="black", linewidth=1, linestyle="--")
box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 2}
words = (
    (1.0, 0.5, "no conflict", "black"),
    (1.0, -0.3, "conflict, no harm", "black"),
    (0.36, -0.85, "loss 1 rose", "#0072B2"),
    (2.8, -0.85, "loss 2 rose", "#D55E00"),
)
for x, y, text, colour in words:
    style = {"ha": "center", "va": "center", "weight": "bold", "fontsize": 13}
    ax.text(x, y, text, color=colour, bbox=box, **style)
ax.set_xscale("log")
ax.set(xlim=(0.2, 5), ylim=(-1.02, 1.02))
ax.set_xlabel("r: weighted gradient 1 ÷ weighted gradient 2", fontsize=12)
ax.set_ylabel("cosine ρ", fontsize=12)
ax.set_xticks([0.2, 0.5, 1, 2, 5], ["0.2", "0.5", "1", "2", "5"])
ax.minorticks_off()
show(
    figure,
    "06_harm_diagram.png",
    "Half of these 10,000 pairs of gradients conflict: they lie below the dashed line. "
    "A loss rose only in two corners, below the black boundary of theory.",
)

# %% Check the boundary tags=["hide-input"]
assert wrong.mean() < 0.01
assert not rose.all(1).any(), "never are both harmed"
assert (predicted.any(1) == (rho < boundary(ratio))).all()

# %% [markdown]
# ## How small is a small step?
#
# The "$\approx$" in (6.1) leaves out the curvature of the losses. With $H_t$, the
# matrix of second derivatives of $L_t$, the Taylor series at $\Delta \theta = -\eta d$
# continues as
#
# $$
# \Delta L_t = -\eta\, (G w)_t + \tfrac12 \eta^2\, d^\top H_t\, d + O(\eta^3) \tag{6.4}
# $$
#
# So the error of the prediction should fall with the *square* of the learning rate: a
# step ten times as small is predicted a hundred times as well.
# `mtl.interaction.step_report` takes a step apart: what was predicted, and what
# happened when the shared parameters alone were moved. We do not need to write out
# $H_t$. The product $H_t d$ is how the gradient changes along $d$, so two Jacobians
# give it, one a little ahead and one a little behind.

# %% Make a model with data tags=["hide-input"]
losses = {"a": mtl.mse, "b": mtl.mse}


def network(seed):
    """A model with hard sharing, and its data."""
    rng = np.random.default_rng(seed)
    data, _ = mtl.datasets.related_tasks(rng, relatedness=0.5)
    trunk = mtl.Sequential(mtl.Dense(8, 8, rng), mtl.tanh)
    heads = {t: mtl.Dense(8, 1, rng) for t in data}
    return mtl.HardSharing(trunk, heads), data


# %%
def jacobian_at(model, data, shift):
    """J on the trunk, with the shared parameters moved by `shift` (P,)."""
    model.theta[: model.P] += shift
    outputs = model({t: X for t, (X, _) in data.items()})
    L = [losses[t](outputs[t], y) for t, (_, y) in data.items()]
    J = mtl.jacobian(L, model.trunk.parameters())
    model.theta[: model.P] -= shift
    model.stepped()
    return J


rates = 10.0 ** np.arange(-4, -0.9, 0.5)
seeds = 12
errors = []  # of the prediction, for each seed and rate
second = []  # the second-order term for a rate of 1
for seed in range(seeds):
    model, data = network(seed)
    d = jacobian_at(model, data, 0.0).sum(0)  # all weights are 1
    ahead = jacobian_at(model, data, 1e-4 * d)
    behind = jacobian_at(model, data, -1e-4 * d)
    Hd = (ahead - behind) / 2e-4  # (T, P)
    second.append(np.abs(0.5 * Hd @ d).mean())  # (6.4)

    reports = [
        mtl.interaction.step_report(model, data, losses, mtl.SGD(rate))
        for rate in rates
    ]
    errors.append([np.abs(one.happened - one.predicted).mean() for one in reports])
errors = np.array(errors)  # (seeds, rates)


# %% Draw the error of the prediction tags=["hide-input"]
def second_order(rate):
    return np.mean(second) * rate**2


figure = mtl.plots.curves(
    rates,
    {"measured": mean_and_error(errors)},
    {"½ η² dᵀHd": second_order},
    xlabel="learning rate η (log scale)",
    ylabel="|what happened − prediction|",
    seeds=seeds,
    title="A step ten times as small is predicted a hundred times as well",
)
show(
    figure,
    "06_first_order.svg",
    "The error of the first-order prediction lies on the line of the second-order "
    "term. Only the largest steps begin to leave the line.",
)

# %% Check the slope tags=["hide-input"]
slopes = np.diff(np.log(errors[:, 2:5]), axis=1) / np.diff(np.log(rates[2:5]))
print(
    f"the error goes with the power {slopes.mean():.2f} of the rate "
    f"({seeds} seeds: between {slopes.min():.2f} and {slopes.max():.2f})"
)
assert 1.9 < slopes.min() and slopes.max() < 2.1
assert np.allclose(errors[:, 2], np.array(second) * rates[2] ** 2, rtol=0.05)

# %% [markdown]
# What does *one* task do to another? The *look-ahead affinity* (Fifty et al., 2021)
# makes a plain step for task $i$ alone. It asks by which fraction the loss of task $j$
# falls:
#
# $$
# Z_{ij} = 1 - \frac{L_j(\theta - \eta\, g_i)}{L_j(\theta)}
# \approx \eta\, \frac{g_i \cdot g_j}{L_j}
# $$
#
# The right side is (6.1) with a weight for task $i$ alone, divided by $-L_j$. So for a
# small step $Z$ has the signs of the cosines. It also depends on the lengths, and
# `mtl.interaction.lookahead_affinity` measures it. Like harm, it speaks of one step.

# %% Check the affinity tags=["hide-input"]
model, data = network(0)
Z = mtl.interaction.lookahead_affinity(model, data, losses, 1e-6)
J = jacobian_at(model, data, 0.0)
L = np.array(list(mtl.evaluate(model, data, losses).values()))
assert np.allclose(Z, 1e-6 * J @ J.T / L, rtol=1e-3)

# %% [markdown]
# ## Three measures of the same runs
#
# Now back to the argument at the beginning. A task called *pupil* has only 20 labels.
# We train it alone, and with one of three partners with which it shares a trunk:
#
# - a **twin** has the very same 20 examples and labels,
# - a **teacher** has 500 examples of the same question,
# - a **stranger** has 500 examples of a question that has nothing to do with the
#   pupil's.
#
# In every tenth step of training we record whether the two conflict and whether the
# step harms the pupil. Afterwards we measure the *transfer*: how much lower the pupil's
# held-out loss is than alone.
#
# **Predict**: which partner conflicts least with the pupil? The one that helps most?
#
# <details><summary>Answer</summary>
#
# No. The twin conflicts least and does not help. The teacher helps and conflicts more.
# And even the twin, with the very same labels, conflicts in more than half of the steps
# recorded here.
#
# </details>


# %%
def sample(rng, n, direction):
    """n examples of the question that depends on this direction (10,)."""
    X = rng.normal(size=(n, 10))
    y = 1.5 * np.tanh(2 * X @ direction) + 0.3 * rng.normal(size=n)
    return X, y[:, None]


def held_out_loss(partner, seed, optimizer):
    """The pupil's held-out loss, and the history of the run.

    partner: its name, or None for the pupil alone; the pupil's data and the start of
        its network depend on the seed alone
    """
    rng = np.random.default_rng(seed)
    question, unrelated = np.linalg.qr(rng.normal(size=(10, 2)))[0].T
    train = {"pupil": sample(rng, 20, question)}
    test = {"pupil": sample(rng, 1000, question)}
    trunk = mtl.Sequential(mtl.Dense(10, 4, rng), mtl.tanh)
    heads = {"pupil": mtl.Dense(4, 1, rng)}

    if partner is not None:
        heads[partner] = mtl.Dense(4, 1, rng)
    if partner == "twin":
        train[partner] = train["pupil"]
    elif partner == "teacher":
        train[partner] = sample(rng, 500, question)
    elif partner == "stranger":
        train[partner] = sample(rng, 500, unrelated)

    model = mtl.HardSharing(trunk, heads)
    loss_of = dict.fromkeys(train, mtl.mse)
    history = mtl.fit(
        model, train, loss_of, optimizer=optimizer, steps=150, cosines_every=10
    )
    return mtl.evaluate(model, test, {"pupil": mtl.mse})["pupil"], history


# %%
def measures(partner, seed, alone, optimizer):
    """Conflict rate, harm rate of the pupil, and transfer to the pupil."""
    shared, history = held_out_loss(partner, seed, optimizer)
    conflict = mtl.interaction.conflict_rate(history.cosines)[0, 1]
    harm = mtl.interaction.harm_rate(history.effects)[0]
    return conflict, harm, alone - shared


partners = ("twin", "teacher", "stranger")
seeds = 48
alone = [held_out_loss(None, seed, mtl.Adam(0.01))[0] for seed in range(seeds)]
table = []
for partner in partners:
    rows = [measures(partner, i, alone[i], mtl.Adam(0.01)) for i in range(seeds)]
    table.append(rows)
table = np.array(table)  # (partners, seeds, measures)

# %% Draw the three measures tags=["hide-input"]
mean, se = mean_and_error(table.swapaxes(0, 1))
names = (
    "conflict\n(share of steps)",
    "harm to the pupil\n(share of steps)",
    "transfer to the pupil\n(fall of its held-out loss)",
)
figure, axes = plt.subplots(
    1, 3, figsize=(7, 3), layout="constrained", facecolor="white"
)
for j, (ax, name) in enumerate(zip(axes, names)):
    colours = ["0.85", "#7B3FA0", "0.6"]
    ax.bar(partners, mean[:, j], yerr=3 * se[:, j], color=colours, capsize=3)
    ax.set_title(name, fontsize=11)
    ax.axhline(0, color="black", linewidth=0.8)
    ax.tick_params(axis="x", labelsize=10)
    ax.spines[["top", "right"]].set_visible(False)
axes[0].set_ylim(0, 1)
axes[1].set_ylim(0, 1)
for place, rate in enumerate(mean[:, 1]):
    axes[1].text(place, 0.08, f"{rate:.2f}", ha="center", fontsize=11)
figure.supxlabel(f"{seeds} seeds; bars: 3 standard errors either way", fontsize=9)
show(
    figure,
    "06_three_measures.svg",
    "The pupil conflicts in most steps with all three partners, and hardly any step "
    "harms it. Only the teacher transfers: it lowers the pupil's held-out loss.",
)

# %% Check the claim tags=["hide-input"]
for partner, m, s in zip(partners, mean, se):
    print(
        f"{partner:9} conflict {m[0]:.2f} ± {s[0]:.2f}   harm {m[1]:.2f} ± {s[1]:.2f}"
        f"   transfer {m[2]:+.2f} ± {s[2]:.2f}"
    )
print(f"held-out loss alone {np.mean(alone):.2f}; mean ± standard error, {seeds} seeds")
twin, teacher, stranger = range(3)
better = (table[teacher, :, 2] > 0).sum()
print(f"better with the teacher than alone: {better} of {seeds} runs")

gain, error = mtl.interaction.transfer_gain(
    table[twin, :, 0], table[teacher, :, 0], higher_is_better=True
)
print(f"conflict with the teacher minus that with the twin: {gain:+.2f} ± {error:.2f}")
assert gain > 3 * error
assert mean[twin, 0] > 0.5
assert mean[teacher, 0] - 3 * se[teacher, 0] > 0.5
assert mean[teacher, 2] > 3 * se[teacher, 2]
for other in (twin, stranger):
    gain, error = mtl.interaction.transfer_gain(
        table[other, :, 2], table[teacher, :, 2], higher_is_better=True
    )
    assert gain > 3 * error
assert abs(mean[twin, 2]) < 3 * se[twin, 2]
assert mean[stranger, 2] < 3 * se[stranger, 2]
assert (mean[:, 1] < 0.1).all(), "harm to the pupil is rare with every partner"

# %% [markdown]
# **The claim**: pupil and teacher conflict in more than half of the steps, and still
# the teacher transfers, more than the twin and more than the stranger. The transfer
# from the twin cannot be told from zero. That from the stranger is negative, but within
# three standard errors of zero. All this is about means: in some runs the pupil did
# worse with its teacher than alone. With plain descent in place of Adam, the teacher,
# which helps, even conflicts *more* often than the twin, which does not:

# %% Repeat it with plain descent tags=["hide-input"]
seeds = 24
alone = [held_out_loss(None, seed, mtl.SGD(0.1))[0] for seed in range(seeds)]
plain = {}
for partner in ("twin", "teacher"):
    rows = [measures(partner, i, alone[i], mtl.SGD(0.1)) for i in range(seeds)]
    plain[partner] = np.array(rows)  # (seeds, measures)
for j, what in ((0, "conflict rate"), (2, "transfer")):
    of_twin = plain["twin"][:, j]
    of_teacher = plain["teacher"][:, j]
    gain, error = mtl.interaction.transfer_gain(
        of_twin, of_teacher, higher_is_better=True
    )
    print(
        f"plain descent, {what}: twin {of_twin.mean():+.2f}, "
        f"teacher {of_teacher.mean():+.2f}, difference {gain:+.2f} ± {error:.2f}"
    )
    assert gain > 3 * error
print(f"(mean ± standard error over {seeds} seeds)")

# %% [markdown]
# **Why is there so much conflict, even with a twin?** There are two reasons. First, the
# two heads start at different numbers. So even the same labels ask different things of
# the trunk. Second, look at where training goes. At a minimum of the total,
# $w_1 g_1 + w_2 g_2 = 0$, so $g_1 = -(w_2 / w_1)\, g_2$ and $\rho = -1$: the gradients
# are *exactly opposite*. (The only exception is a network that fits both tasks at once,
# so that both gradients vanish.) Two tasks that have to compromise always **end** in
# conflict. The cosine shows that there is a compromise. It does not show whether the
# compromise is good.
#
# Nor does a cosine show what a task *knows*. The teacher's labels tell the pupil
# something new, the twin's tell it nothing new. The angle between gradients on the
# training data does not measure that.
#
# `mtl.plots.harm` draws the harm diagram of a run, here of the first run with the
# teacher. Early steps are light, late steps are dark.

# %%
_, history = held_out_loss("teacher", 0, mtl.Adam(0.01))
figure = mtl.plots.harm(history)

# %% Show the diagram of this run tags=["hide-input"]
in_conflict = (history.cosines[:, 0, 1] < 0).sum()
recorded = len(history.cosines)
raised = (history.effects > 0).any(1).sum()
show(
    figure,
    "06_teacher.svg",
    f"In this run {in_conflict} of {recorded} recorded steps are in conflict, but all "
    "lie outside the two coloured corners, where a plain step does harm. Adam makes "
    f"other steps: of those really taken, {raised} raised a loss (cross).",
)
assert in_conflict > 0.5 * recorded
assert raised < 0.2 * recorded

# %% [markdown]
# ## What the optimiser makes of it
#
# (6.1) is about plain steps. Adam divides each coordinate by its own running size, so
# its step points elsewhere. For any step, what counts is
# $\Delta L \approx J \Delta \theta$, the first line of (6.1). In the very first step
# Adam's two running means, corrected for their start at 0, are $d$ and $d^2$
# themselves, coordinate by coordinate, and so
#
# $$
# \Delta \theta = -\eta\, \frac{d}{\sqrt{d^2} + \epsilon}
# \approx -\eta\, \text{sign}(d),
# \qquad \Delta L \approx -\eta\, J\, \text{sign}(d) \tag{6.5}
# $$
#
# is the first step of `mtl.Adam`. It keeps the signs of $d$ and drops the sizes. Now
# take a $d$ that is made to harm nobody: the direction of `mtl.weighting.upgrad` (see
# chapter 7) always has $g_t \cdot d \ge 0$ for every task. Does Adam's step along it
# keep this promise?

# %%
harm_by_d = 0
harm_by_adam = 0
for _ in range(1000):
    J = rng.normal(size=(3, 10))
    d = mtl.weighting.upgrad(np.ones(3), J @ J.T) @ J
    harm_by_d += (J @ d < -1e-9).any()
    harm_by_adam += (J @ np.sign(d) < -1e-9).any()  # (6.5)
print(
    f"of 1,000 random steps of three tasks, harm by d: {harm_by_d}, "
    f"by Adam's first step along d: {harm_by_adam}"
)

# %% Check that Adam breaks the promise tags=["hide-input"]
assert harm_by_d == 0
assert harm_by_adam > 10

# %% [markdown]
# It does not. So measure harm on the step really taken. `mtl.fit` with `cosines_every`
# records $J \Delta \theta$ as `effects`, to first order and for the shared parameters
# alone. The heads' own steps come on top, and each of them serves its own task.
#
# One more consequence: nobody can *resolve* a conflict after the gradients were added
# up. In the sum no task can be told from another. A method against conflict must see
# the rows of $J$, or at least $G$.
#
# ## Exercises
#
# [Solutions](solutions/ch06.py).
#
# ### Exercise 6.1 · Whom does a step harm?
#
# *5 minutes, easy.*
#
# Which of any number of tasks does a small plain step harm, to first order? A loss
# whose predicted change is exactly 0 is not harmed.
#
# <details><summary>First hint</summary>
#
# What is the predicted change of each loss? A task is harmed where it is positive.
#
# </details>
#
# <details><summary>Second hint</summary>
#
# $\Delta L \approx -\eta\, G w$. The learning rate is positive, so you do not need it.
#
# </details>


# %%
def harmed(G, w):
    """Which tasks are harmed: an array (T,) of True and False.

    G: Gramian (T, T); w: weights (T,)
    """
    raise NotImplementedError


check_harmed(harmed)

# %% [markdown]
# ### Exercise 6.2 · How much weight is too much?
#
# *8 minutes, medium.*
#
# Two tasks conflict, $\rho < 0$, and task 2 has the weight 1. How large may the weight
# of task 1 be before a small plain step harms task 2?
#
# <details><summary>First hint</summary>
#
# Task 2 is harmed when $(G w)_2 < 0$. At the largest weight it is exactly 0.
#
# </details>
#
# <details><summary>Second hint</summary>
#
# $(G w)_2 = G_{21} w_1 + G_{22} w_2$, with $w_2 = 1$.
#
# </details>


# %%
def largest_weight(G):
    """The largest w₁ for which w = (w₁, 1) does task 2 no harm: one number.

    G: Gramian (2, 2) with G[0, 1] < 0
    """
    raise NotImplementedError


check_largest_weight(largest_weight)

# %% [markdown]
# ### Exercise 6.3 · Find the bug: a cosine too near to 0
#
# *8 minutes, medium.*
#
# This should be the cosine between the gradients of two tasks *on the trunk*. The
# gradients come as one vector each, `[trunk | head 1 | head 2]`, and each task has no
# gradient on the other's head. The result is too near to 0. One of the two lines is
# wrong; the other only looks wrong. Why? Delete the `raise`, run it, and mend it.
#
# <details><summary>First hint</summary>
#
# Write out the inner product in three parts: trunk, head 1, head 2. Which parts are 0?
# Do the same with a squared length.
#
# </details>
#
# <details><summary>Second hint</summary>
#
# The inner product is that of the trunk alone already. The lengths are not.
#
# </details>


# %%
def cosine(g1, g2, P):
    """ρ of the first P entries of g1 and g2: one number.

    g1, g2: gradients as arrays, P entries of the trunk and then those of both heads
    """
    raise NotImplementedError
    inner = g1 @ g2
    return inner / (np.linalg.norm(g1) * np.linalg.norm(g2))


check_cosine(cosine)

# %% [markdown]
# ### Exercise 6.4 · Write the property that catches it
#
# *15 minutes, hard.*
#
# `cosines(G)` should turn a Gramian $(T, T)$ into the matrix of cosines $(T, T)$. Write
# a law: a function that raises an AssertionError for a wrong `cosines` and is silent
# for a right one. It is tried on wrong ones that you cannot see. They forget a root,
# divide by one length only, give absolute values, square the cosine and keep its sign,
# are centred like a correlation, or are right for two tasks only.
#
# <details><summary>First hint</summary>
#
# Make random gradients $J$ of three tasks, and take `J @ J.T`. What is on the diagonal
# of the cosines? What happens to them when one loss is multiplied by 100? When the sign
# of one gradient is changed?
#
# </details>
#
# <details><summary>Second hint</summary>
#
# The square of a cosine, with its sign, passes all of these. You need one angle that
# you know: that of $(3, 0)$ and $(-1, 1)$, for example.
#
# </details>
#
# <details><summary>Third hint</summary>
#
# What happens to the matrix when two tasks change places? Try all three pairs.
#
# </details>


# %%
def law(cosines):
    """Raises an AssertionError if cosines(G) are not the cosines of G (T, T)."""
    raise NotImplementedError


check_law(law)

# %% [markdown]
# ## What this does not show
#
# It does not show that conflict is harmless. With long gradients or large weights of
# one task, training enters the corners of the diagram, and chapter 7 builds such a
# case. Three partners of one pupil on made-up data show that conflict *need not* tell
# us about transfer. How often it does in other networks is a question for measurement:
# Mueller et al. (2024, *Can Optimization Trajectories Explain Multi-Task Transfer?*)
# find that conflict goes with worse optimisation and does not predict generalisation.
# Also, we measured harm on the batch of the step itself. For unseen data even the sign
# may differ.
#
# ## To recall
#
# 1. Two gradients of equal weighted length have a cosine of −0.9. Whom does a small
#    plain step harm?
#    <details><summary>Answer</summary>Nobody. Here r = 1, and harm needs a cosine below
#    −1.</details>
# 2. $G = \begin{pmatrix} 9 & -3 \\ -3 & 2 \end{pmatrix}$, $w = (1, 1)$, $\eta = 0.1$.
#    What happens to the two losses?
#    <details><summary>Answer</summary>They change by −0.1 · (6, −1): the first falls by
#    0.6, the second rises by 0.1.</details>
# 3. Why is the cosine of two tasks −1 at a minimum of the total loss?
#    <details><summary>Answer</summary>There w₁ g₁ + w₂ g₂ = 0, so one gradient is a
#    negative multiple of the other (unless both are 0).</details>
# 4. Your prediction −ηGw is off by 1 % of the loss. You halve the learning rate. How
#    far off is it now?
#    <details><summary>Answer</summary>By about 0.25 %: the error goes with the square
#    of the step.</details>
# 5. A paper shows that its method halves the conflict rate. What has it shown about its
#    tasks' held-out losses?
#    <details><summary>Answer</summary>Nothing yet: conflict is an angle on training
#    batches. Ask for the transfer, over paired seeds, and for the harm by the steps
#    really taken.</details>
