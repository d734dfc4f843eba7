# %% [markdown]
# # 6 · Conflict
#
# *40 minutes.* "The gradients of the two tasks conflict, so they harm each other, so
# one should not train them together." Three things are mixed up in this sentence, and
# neither "so" follows. After this chapter you can tell them apart: **conflict** is an
# angle, **harm** is what one step does to a loss, **transfer** is what training
# together changes on data not seen. You can compute the first two on paper, and you
# will have seen two tasks that conflict most of the time, while one hardly ever harms
# the other and teaches it much of what it knows.
#
# ![](figures/06_three_measures.svg)

# %%
import matplotlib.pyplot as plt
import numpy as np
import tinymtl as mtl
from tinymtl.interaction import mean_and_error

from _show import show
from checks.ch06 import check_cosine, check_harmed, check_largest_weight, check_law

# %% [markdown]
# **What you need**: [chapter 4](04_hard_sharing.md) (the Jacobian $J$; the trunk
# receives $J^\top w$) and the inner product:
# $g \cdot h = \lVert g \rVert \lVert h \rVert \cos \phi$. [Chapter
# 5](05_weighted_loss.md) helps.
#
# ## Notation
#
# | symbol | in code | shape | what it is |
# |---|---|---|---|
# | $T, P$ | `model.P` | numbers | tasks, and parameters that they share |
# | $g_t, J$ | `g`, `J` | $(P,)$, $(T, P)$ | gradient of task $t$'s loss on the shared parameters; $J$ has them as rows |
# | $w$ | `w` | $(T,)$ | weights, not negative |
# | $G$ | `G` | $(T, T)$ | Gramian, $G_{st} = g_s \cdot g_t$ |
# | $d$ | `d` | $(P,)$ | direction $J^\top w$; the step is $-\eta d$ |
# | $\eta$ | `rate` | number | learning rate |
# | $\Delta L$ | `ΔL` | $(T,)$ | change of each loss by one step |
# | $\rho$ | `rho` | number | cosine of the angle between two gradients |
# | $r$ | `ratio`, `r` | number | $w_1 \lVert g_1 \rVert$ divided by $w_2 \lVert g_2 \rVert$ |
#
# ## What one step does to every task
#
# A loss that is smooth changes, over a small step, by the inner product of its gradient
# with the step. A *plain* step, that of gradient descent, moves the trunk by
# $-\eta \sum_s w_s g_s$, so task $t$ sees
#
# $$
# \Delta L_t \approx g_t \cdot \Big(-\eta \sum_s w_s g_s\Big)
# = -\eta \sum_s (g_t \cdot g_s)\, w_s,
# \qquad\text{together:}\quad \Delta L \approx -\eta\, G w, \quad G = J J^\top \tag{6.1}
# $$
#
# This is `mtl.interaction.predicted_change`, and if you keep one formula of this
# course, keep this one. However many parameters $P$ are shared, what tasks do to each
# other in a small step is in the $T \times T$ numbers of `mtl.interaction.gramian`. A
# cosine is an entry of it without the lengths:
#
# $$
# \rho_{st} = \frac{G_{st}}{\sqrt{G_{ss}\, G_{tt}}} \tag{6.2}
# $$
#
# in `mtl.interaction.cosines`. The two tasks *conflict* where $\rho < 0$. On paper:
# $g_1 = (3, 0)$, $g_2 = (-1, 1)$, weights 1.
#
# **Predict**: $\rho$ is the same for both tasks. Does the step harm both, one or
# neither?
#
# <details><summary>Answer</summary>
#
# $d = (2, 1)$, so $g_1 \cdot d = 6$ and $g_2 \cdot d = -1$: the first loss falls by
# $6 \eta$, the second *rises* by $\eta$. The angle is the same seen from both sides;
# who is harmed depends on the lengths. Never are all harmed:
# $w \cdot G w = \lVert d \rVert^2 > 0$ unless $d = 0$, so, to first order, the weighted
# total falls.
#
# </details>

# %%
J = np.array([[3.0, 0.0], [-1.0, 1.0]])
w = np.ones(2)
rate = 0.01
G = J @ J.T
ΔL = -rate * G @ w  # (6.1)
rho = G[0, 1] / np.sqrt(G[0, 0] * G[1, 1])  # (6.2)
print(f"cosine {rho:.3f}, changes of the two losses {ΔL}")

gramian = mtl.interaction.gramian(J)
assert np.allclose(ΔL, mtl.interaction.predicted_change(gramian, w, rate))
assert np.isclose(rho, mtl.interaction.cosines(G)[0, 1])

# %% [markdown]
# ## The boundary between conflict and harm
#
# When does the step raise $L_1$? When
# $(Gw)_1 = w_1 \lVert g_1 \rVert^2 + w_2 \lVert g_1 \rVert \lVert g_2 \rVert \rho$ is
# negative. Divide by $w_2 \lVert g_1 \rVert \lVert g_2 \rVert$:
#
# $$
# \text{harm to task 1} \iff \rho < -r,
# \qquad \text{harm to task 2} \iff \rho < -\frac{1}{r},
# \qquad r = \frac{w_1 \lVert g_1 \rVert}{w_2 \lVert g_2 \rVert} \tag{6.3}
# $$
#
# (`mtl.plots.harm` draws these regions for a training run.) So a conflict does harm
# only if the other gradient, weighted, is *longer*, and the harmed one is the task with
# the shorter. At equal lengths no angle does harm. Let us not believe it. Ten thousand
# pairs of random gradients, angles spread evenly and ratios evenly on a logarithmic
# scale, of curved losses $L_t(x) = g_t \cdot x + \tfrac12 \lVert x \rVert^2$, a real
# step for each, and whether each loss really rose:

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


def boundary(r):
    return -np.minimum(r, 1 / r)


rho = np.cos(angle)
rose = np.stack([rises(g1), rises(g2)], 1)
predicted = np.stack([rho < -ratio, rho < -1 / ratio], 1)  # (6.3)
wrong = (rose != predicted).any(1)
print(
    f"of 10,000 pairs {(rho < 0).sum():,} conflict and {rose.any(1).sum():,} do harm; "
    f"(6.3) is wrong about {wrong.sum()}"
)
assert wrong.mean() < 0.01
assert not rose.all(1).any(), "never are both harmed"
assert (predicted.any(1) == (rho < boundary(ratio))).all()

# %%
figure, ax = plt.subplots(figsize=(6.4, 3.8), layout="constrained", facecolor="white")
groups = [
    (~rose.any(1), "0.75", "no loss rose"),
    (rose[:, 0], "#0072B2", "loss 1 rose"),
    (rose[:, 1], "#D55E00", "loss 2 rose"),
]
for at, colour, label in groups:
    ax.scatter(ratio[at], rho[at], s=2, color=colour, label=label)
r = np.geomspace(0.2, 5, 201)
ax.plot(r, boundary(r), color="black", linewidth=2, label="theory (6.3)")
ax.axhline(0, color="0.4", linewidth=0.8)
ax.set(
    xscale="log",
    xlabel="r: weighted length of gradient 1 ÷ that of gradient 2",
    ylabel="cosine ρ",
    title="Below 0 there is conflict; harm begins only beyond the boundary",
)
ax.set_xticks([0.2, 0.5, 1, 2, 5], ["0.2", "0.5", "1", "2", "5"])
ax.minorticks_off()
figure.legend(loc="outside right center", frameon=False, markerscale=5)
show(
    figure,
    "06_harm_diagram.png",
    "Of these pairs of gradients half conflict, cosine below 0, but losses rise only "
    "in two corners where the cosine is below minus the ratio of lengths: exactly "
    "inside the boundary of theory",
)

# %% [markdown]
# ## How small is small?
#
# "$\approx$" in (6.1) hides the curvature. With $H_t$ the matrix of second derivatives
# of $L_t$, the next term of the Taylor series is
#
# $$
# \Delta L_t = -\eta\, (G w)_t + \tfrac12 \eta^2\, d^\top H_t\, d + O(\eta^3) \tag{6.4}
# $$
#
# so the error of the prediction must fall with the *square* of the step: ten times
# smaller, a hundred times better. `mtl.interaction.step_report` analyses one step: what
# was predicted, and what happened when the trunk alone was moved. $H d$ need not be
# written out: it is how the gradient changes along $d$, and we get it from two
# Jacobians.

# %%
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
    """J on the trunk, with the first P places of theta moved by `shift` (P,)."""
    model.theta[: model.P] += shift
    outputs = model({t: X for t, (X, _) in data.items()})
    L = [losses[t](outputs[t], y) for t, (_, y) in data.items()]
    J = mtl.jacobian(L, model.trunk.parameters())
    model.theta[: model.P] -= shift
    model.stepped()
    return J


# %%
rates = 10.0 ** np.arange(-4, -0.9, 0.5)
seeds = 20
errors = []
second = []  # the second-order term for a rate of 1
for seed in range(seeds):
    model, data = network(seed)
    d = jacobian_at(model, data, 0.0).sum(0)  # all weights 1
    ahead = jacobian_at(model, data, 1e-4 * d)
    behind = jacobian_at(model, data, -1e-4 * d)
    Hd = (ahead - behind) / 2e-4  # (T, P)
    second.append(np.abs(0.5 * Hd @ d).mean())  # (6.4)

    of_rates = []
    for rate in rates:
        report = mtl.interaction.step_report(model, data, losses, mtl.SGD(rate))
        of_rates.append(np.abs(report.happened - report.predicted).mean())
    errors.append(of_rates)
errors = np.array(errors)  # (20, 7)


# %%
def second_order(rate):
    return np.mean(second) * rate**2


figure = mtl.plots.curves(
    rates,
    {"measured": mean_and_error(errors)},
    {"½ η² dᵀHd": second_order},
    xlabel="learning rate η (log scale)",
    ylabel="|what happened − prediction|",
    seeds=seeds,
    title="The prediction −ηGw errs by the curvature, with the square of the step",
)
show(
    figure,
    "06_first_order.svg",
    "The error of the first-order prediction lies on the line of the second-order "
    "term: it falls by a hundred when the step is ten times smaller, and begins to "
    "leave the line at the largest steps",
)
slopes = np.diff(np.log(errors[:, 2:5]), axis=1) / np.diff(np.log(rates[2:5]))
print(
    f"slope of the error over {seeds} seeds: {slopes.mean():.2f}, "
    f"between {slopes.min():.2f} and {slopes.max():.2f}"
)
assert 1.9 < slopes.min() and slopes.max() < 2.1
assert np.allclose(errors[:, 2], np.array(second) * rates[2] ** 2, rtol=0.05)

# %% [markdown]
# ## Three measures of the same runs
#
# Now the sentence from the beginning. A *pupil* task has only 20 labels. We train it,
# alone and sharing a trunk, with one of three partners: a **twin** that has the very
# same 20 examples and labels; a **teacher** that has 500 examples of the same question;
# and a **stranger** with 500 examples of a question that has nothing to do with it. We
# record conflict and harm to the pupil over training, and the *transfer*: how much
# lower its held-out loss is than alone.


# %%
def pupil_and(partner, seed):
    """Training data of pupil "a" and partner "b", and test data of the pupil."""
    rng = np.random.default_rng(seed)
    u = np.linalg.qr(rng.normal(size=(10, 2)))[0].T  # two unrelated directions

    def sample(n, which):
        X = rng.normal(size=(n, 10))
        y = 1.5 * np.tanh(2 * X @ u[which]) + 0.3 * rng.normal(size=n)
        return X, y[:, None]

    pupil = sample(20, 0)
    if partner == "twin":
        other = pupil
    elif partner == "teacher":
        other = sample(500, 0)
    else:  # the stranger
        other = sample(500, 1)
    train = {"a": pupil, "b": other}
    test = {"a": sample(1000, 0)}
    return rng, train, test


# %%
def measures(partner, seed, optimizer=mtl.Adam, rate=0.01):
    """Four numbers of one seed, and the history of the shared run.

    The numbers: conflict rate, harm rate of the pupil, transfer gain of the pupil, and
    the pupil's held-out loss alone.
    """
    rng, train, test = pupil_and(partner, seed)
    trunk = mtl.Sequential(mtl.Dense(10, 4, rng), mtl.tanh)
    heads = {t: mtl.Dense(4, 1, rng) for t in train}
    held_out = []
    for kind in (mtl.SingleTask, mtl.HardSharing):
        model = kind(trunk, heads)
        history = mtl.fit(
            model, train, losses, optimizer=optimizer(rate), steps=150, cosines_every=5
        )
        held_out.append(mtl.evaluate(model, test, losses)["a"])
    alone, shared = held_out
    conflict = mtl.interaction.conflict_rate(history.cosines)[0, 1]
    harm = mtl.interaction.harm_rate(history.effects)[0]
    return (conflict, harm, alone - shared, alone), history


# %%
partners = ("twin", "teacher", "stranger")
seeds = 24
table = np.array(
    [[measures(partner, seed)[0] for seed in range(seeds)] for partner in partners]
)  # (3, 24, 4)
mean, se = mean_and_error(table.swapaxes(0, 1))

# %%
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
    ax.set_title(name, fontsize=10)
    ax.axhline(0, color="black", linewidth=0.8)
    ax.tick_params(axis="x", labelsize=9)
axes[0].set_ylim(0, 1)
axes[1].set_ylim(0, 1)
figure.suptitle(
    "Pupil and teacher conflict most of the time, and the teacher teaches", fontsize=11
)
figure.supxlabel(f"{seeds} seeds; bars: 3 standard errors either way", fontsize=9)
show(
    figure,
    "06_three_measures.svg",
    "Conflict is frequent with all three partners, harm to the pupil is rare with all "
    "three, and the teacher transfers: it lowers the pupil's held-out loss, twin and "
    "stranger do not measurably",
)
for partner, m, s in zip(partners, mean, se):
    print(
        f"{partner:9} conflict {m[0]:.2f} ± {s[0]:.2f}   harm {m[1]:.2f} ± {s[1]:.2f}"
        f"   transfer {m[2]:+.2f} ± {s[2]:.2f} of {m[3]:.2f} alone"
    )

# %% [markdown]
# (± one standard error in print, three in the picture.) **The claim**: pupil and
# teacher conflict in more than half of the steps, and the teacher transfers, more than
# either of the others does; what those transfer cannot be told from nothing. With plain
# descent in place of Adam the teacher, which helps, even conflicts *more* than the
# twin, which does not.

# %%
twin, teacher, stranger = range(3)
assert mean[teacher, 0] > 0.5
assert mean[teacher, 2] > 3 * se[teacher, 2]
for other in (twin, stranger):
    g, e = mtl.interaction.transfer_gain(
        table[other, :, 2], table[teacher, :, 2], higher_is_better=True
    )
    assert g > 3 * e
    assert abs(mean[other, 2]) < 3 * se[other, 2]
assert (mean[:, 1] < 0.1).all(), "harm to the pupil is rare with every partner"

# %%
plain = {}
for partner in ("twin", "teacher"):
    plain[partner] = np.array(
        [measures(partner, seed, mtl.SGD, 0.1)[0] for seed in range(seeds)]
    )  # (24, 4)
for i, what in ((0, "conflict rate"), (2, "transfer")):
    of_twin = plain["twin"][:, i]
    of_teacher = plain["teacher"][:, i]
    g, e = mtl.interaction.transfer_gain(of_twin, of_teacher, higher_is_better=True)
    print(
        f"plain descent: {what} of the twin {of_twin.mean():+.2f}, "
        f"of the teacher {of_teacher.mean():+.2f}, difference {g:+.2f} ± {e:.2f}"
    )
    assert g > 3 * e

# %% [markdown]
# Why so much conflict, even with a twin? Heads start differently, so even the same
# labels ask different things of the trunk. And look at where training goes. At a
# minimum of the total, $w_1 g_1 + w_2 g_2 = 0$: the two gradients are *exactly
# opposite*, $\rho = -1$, unless both vanish because the network can fit both tasks at
# once. So two tasks that have to compromise **end** in conflict on what they share. It
# is what a compromise looks like, and says nothing about whether the compromise is
# good. And a cosine says nothing of what either task *knows*: the teacher's labels
# carry news for the pupil, the twin's none, and the angle between gradients on the
# training batch is no measure of that.
#
# The diagram of the first of these runs with the teacher, by `mtl.plots.harm`: early
# steps light, late steps dark. (The regions are those of a plain step. The steps were
# Adam's, and whether they raised a loss, to first order, the marks tell: none did.)

# %%
history = measures("teacher", 0)[1]
figure = mtl.plots.harm(history)
show(
    figure,
    "06_teacher.svg",
    "In this run with the teacher all recorded steps are in conflict, and all lie "
    "inside the region where a plain step harms nobody; no step that was taken raised "
    "a loss",
)
assert (history.cosines[:, 0, 1] < 0).all()
assert (history.effects < 0).all()

# %% [markdown]
# ## What the optimiser makes of it
#
# (6.1) is about plain steps. Adam divides each coordinate by its own running size, so
# the step $\Delta\theta$ points elsewhere, and what counts is $J \Delta\theta$. The
# first step of Adam is $-\eta\, \text{sign}(d)$, since its two running means are then
# $d$ and $d^2$ themselves. Take a direction made to harm nobody, that of
# `mtl.weighting.upgrad` (for chapter 7, to come): $g_t \cdot d \ge 0$ for all $t$,
# always. Do Adam's steps along it keep the promise?

# %%
harm_by_d = 0
harm_by_adam = 0
for _ in range(1000):
    J = rng.normal(size=(3, 10))
    d = mtl.weighting.upgrad(np.ones(3), J @ J.T) @ J
    harm_by_d += (J @ d < -1e-9).any()
    harm_by_adam += (J @ np.sign(d) < -1e-9).any()
print(
    f"of 1,000 random steps of three tasks, harm by d: {harm_by_d}, "
    f"by Adam's first step along d: {harm_by_adam}"
)
assert harm_by_d == 0
assert harm_by_adam > 10

# %% [markdown]
# So measure harm on the step really taken: `mtl.fit` with `cosines_every` records
# $J \Delta\theta$ as `effects`, to first order and for the shared parameters; the
# heads' own steps, which serve their own tasks, come on top. Nor can a conflict be
# *resolved* after the gradients were summed: in the sum no task can be told from
# another. Whatever resolves conflicts must see the rows of $J$, or at least $G$.
#
# ## Exercises
#
# [Solutions](solutions/ch06.py).
#
# **6.1** Which tasks does a small plain step harm?


# %%
def harmed(G, w):
    """(T,) of True and False, from the Gramian (T, T) and the weights (T,)."""
    raise NotImplementedError


check_harmed(harmed)

# %% [markdown]
# **6.2** Two tasks conflict, $\rho < 0$, and task 2 has weight 1. How large may the
# weight of task 1 be before a small step harms task 2?


# %%
def largest_weight(G):
    """The largest w₁ for which w = (w₁, 1) does task 2 no harm.

    G is (2, 2) with G₁₂ < 0.
    """
    raise NotImplementedError


check_largest_weight(largest_weight)

# %% [markdown]
# **6.3 Find the bug.** The cosine between the gradients of two tasks *on the trunk*,
# for a model whose gradients come as one vector, `[trunk | head 1 | head 2]`. It comes
# out too near to 0. One of its two lines is wrong, the other only looks so. Why?
# (Delete the `raise` to run it.)


# %%
def cosine(g1, g2, P):
    """ρ of the first P entries of g1 and g2."""
    raise NotImplementedError
    inner = g1 @ g2
    return inner / (np.linalg.norm(g1) * np.linalg.norm(g2))


check_cosine(cosine)

# %% [markdown]
# **6.4 Write the property that catches it.** A law for functions `cosines(G)`
# $(T, T) \to (T, T)$. The wrong ones forget a root, divide by one length only, give the
# absolute value, square it but keep the sign, or are centred like a correlation. What
# happens to a cosine when one loss is multiplied by 100? When its sign is changed?


# %%
def law(cosines):
    """Raises AssertionError if these are not the cosines of G."""
    raise NotImplementedError


check_law(law)

# %% [markdown]
# ## What this does not show
#
# That conflict is harmless. With long gradients of one task, or large weights, the
# corners of the diagram are entered, and chapter 7, still to come, builds such a case.
# Three partners of one pupil on made-up data prove that conflict *need not* tell of
# transfer; how often it does in other networks is an open, measured question (Mueller
# et al., 2024, *Can Optimization Trajectories Explain Multi-Task Transfer?*, find that
# conflict goes with worse optimisation and does not predict generalisation). Also, harm
# was measured on the batch of the step itself: for unseen data even the sign may
# differ.
#
# ## To recall
#
# 1. Two gradients of equal weighted length have a cosine of −0.9. Whom does a small
#    plain step harm?
#    <details><summary>Answer</summary>Nobody: r = 1, and harm needs ρ below
#    −1.</details>
# 2. $G = \begin{pmatrix} 9 & -3 \\ -3 & 2 \end{pmatrix}$, $w = (1, 1)$, $\eta = 0.1$.
#    What happens to the two losses?
#    <details><summary>Answer</summary>−0.1 · (6, −1): the first falls by 0.6, the
#    second rises by 0.1.</details>
# 3. Why is the cosine of two tasks −1 at a minimum of the total loss?
#    <details><summary>Answer</summary>There w₁ g₁ + w₂ g₂ = 0, so one gradient is a
#    negative multiple of the other (unless both are 0).</details>
# 4. Your prediction −ηGw is off by 1 % of the loss. You halve the learning rate. How
#    far off now?
#    <details><summary>Answer</summary>By about a quarter of it: the error goes with the
#    square of the step.</details>
# 5. A paper shows that its method halves the conflict rate. What has it shown about its
#    tasks' held-out losses?
#    <details><summary>Answer</summary>Nothing yet: conflict is an angle on training
#    batches. Ask for the transfer, over paired seeds, and for harm by the steps really
#    taken.</details>
