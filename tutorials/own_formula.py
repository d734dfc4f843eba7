# %% [markdown]
# # Check a formula of your own
#
# *40 minutes.* You have a new loss or a new layer, worked out on paper. Is its gradient
# right? Is the formula right at all? On this page one loss goes all the way: from the
# question to code, to a check, and to six laws that a machine tries on inputs you did
# not think of. Afterwards you can do the same for a formula of your own.
#
# ![](figures/own_formula_complex_step.svg)
#
# **What you need**: [chapter 1](01_chain_rule.md), for the chain rule, the shares and
# the V. The section on rules needs the harm of a step from
# [chapter 6](06_conflict.md). For the last section you need the test packages; the
# [second command of the project's page](../README.md) installs them.
#
# ## The question
#
# The squared error of a single wrong price can be larger than that of all other prices
# together, because the error is squared. The loss of Huber (1964) grows like a square
# for small errors and like a straight line for large ones. With the residual
# $r_i = \hat y_i - y_i$ and a threshold $\delta > 0$:
#
# $$
# L = \frac{1}{n} \sum_i \ell(r_i), \qquad
# \ell(r) = \begin{cases}
# \frac12 r^2 & \text{if } |r| \le \delta \\
# \delta\,(|r| - \frac12 \delta) & \text{otherwise}
# \end{cases}
# $$
#
# Its derivative is $r$ in the first case. In the second case it is $\delta$ if $r$ is
# positive and $-\delta$ if it is negative. Both cases together say: cut $r$ off at
# $\pm\delta$.
#
# $$
# \frac{\partial L}{\partial \hat y_i}
# = \frac{1}{n} \min(\max(r_i, -\delta), \delta)
# $$
#
# ## Twice the same loss
#
# Write a loss twice. The *composed* version is its definition, made of operations of
# the package. You need no derivative for it, because the engine differentiates it. The
# *fused* version is one operation with the derivative that you worked out on paper. It
# is usually faster, but its derivative can be wrong.
#
# Both versions can be written without a case distinction. Let $m$ be $|r|$ cut off at
# $\delta$. Then $\ell = m\,(|r| - \frac12 m)$. If $|r| \le \delta$, then $m = |r|$ and
# this is $\frac12 r^2$. Otherwise $m = \delta$, and it is the straight line. The fused
# version keeps the sign: `small` is $r$ cut off at $\pm\delta$, which is also the
# derivative. The product `small * (residual - small / 2)` is the same number $\ell$.
#
# Both versions begin with a check of the shapes. Without it NumPy would broadcast
# arrays of two shapes, and a wrong loss would come out without an error.

# %%
import numpy as np
import tinymtl as mtl


def require_equal_shapes(prediction, targets):
    if targets.shape != prediction.shape:
        raise ValueError(
            f"targets must have shape {prediction.shape}, got {targets.shape}"
        )


def huber_composed(prediction, targets, δ=1.0):
    """The definition, from operations that the engine can differentiate."""
    require_equal_shapes(prediction, targets)
    size = mtl.ops.abs(prediction - targets)  # |r|
    small = mtl.ops.clip(size, 0.0, δ)
    return (small * (size - small * 0.5)).mean()


def huber(prediction, targets, δ=1.0):
    """The same as one operation, with its derivative from paper."""
    require_equal_shapes(prediction, targets)
    residual = prediction.data - targets
    small = np.clip(residual, -δ, δ)
    value = (small * (residual - small / 2)).mean()
    slope = small / residual.size  # ∂L/∂ŷ
    return mtl.node(value, (prediction, lambda g: g * slope))


# %% [markdown]
# `mtl.node` makes the result of an operation of your own. Its first argument is the
# value. Then comes one pair for each parent: the parent, and the function that turns
# $g$ into the parent's share, as in chapter 1. The pair must use arrays
# (`prediction.data`), not tensors. The package reports mistakes of this kind at once,
# or when you ask for a gradient:

# %%
prediction = np.array([0.5, -2.0, 3.0, 0.2])
targets = np.zeros(4)
p = mtl.Parameter(prediction)

try:
    mtl.node(p.data.sum(), (p.data, lambda g: g))
except TypeError as error:
    print(error)
try:
    mtl.gradient(mtl.node(p.data.sum(), (p, lambda g: g)), p)
except ValueError as error:
    print(error)

# %% [markdown]
# The second message says that $g$ is one number here, but the share of `p` needs four.
# The share of a sum is $g$ at every entry: `g * np.ones(4)`.
#
# ## Which inputs are refused?
#
# Three prices are predicted without any error. The predictions have the shape $(3, 1)$,
# as a dense layer makes them. The targets have the shape $(3,)$, as a file gives them.
#
# **Predict**: what is the loss if nobody checks the shapes?

# %%
prices = np.array([1.0, 2.0, 3.0])
perfect = mtl.Tensor(prices[:, None])  # (3, 1)

residual = perfect.data - prices
small = np.clip(residual, -1.0, 1.0)
unchecked = (small * (residual - small / 2)).mean()
print(f"without a check: residual {residual.shape}, loss {unchecked:.2f}")
try:
    huber(perfect, prices)
except ValueError as error:
    print("with it:", error)

# %% Check it against the right shape tags=["hide-input"]
assert unchecked > 0.5
assert float(huber(perfect, prices[:, None])) == 0

# %% [markdown]
# NumPy subtracts every target from every prediction, which makes $3 \times 3$
# residuals, six of them not 0. The loss is more than 0 although every prediction is
# right. Nothing would tell you: training lowers this loss too, by predicting one number
# for all. So say in your loss which inputs it refuses. `mtl.mse` refuses these as well.
#
# ## Is the gradient right?
#
# `mtl.check_gradient` moves every entry up and down by a small step, as in
# chapter 1, and compares the slopes with the chain rule. It is silent if they agree.

# %%
mtl.check_gradient(lambda p: huber_composed(p, targets), prediction)
mtl.check_gradient(lambda p: huber(p, targets), prediction)

same_value = np.isclose(float(huber(p, targets)), float(huber_composed(p, targets)))
of_fused = mtl.gradient(huber(p, targets), p)
of_composed = mtl.gradient(huber_composed(p, targets), p)
print("fused and composed: equal values", same_value)
print("fused and composed: equal gradients", np.allclose(of_fused, of_composed))
assert same_value and np.allclose(of_fused, of_composed)

# %% [markdown]
# Can this check fail at all? Always plant a slip and see. Here the $1/n$ is missing in
# the derivative:


# %%
def without_n(prediction, targets, δ=1.0):
    residual = prediction.data - targets
    small = np.clip(residual, -δ, δ)
    value = (small * (residual - small / 2)).mean()
    return mtl.node(value, (prediction, lambda g: g * small))


try:
    mtl.check_gradient(lambda p: without_n(p, targets), prediction)
except AssertionError as error:
    print(error)

# %% [markdown]
# The check has seen the slip. But note what it cannot see: it compares the derivative
# with the *value that you coded*. If the value is wrong and the derivative belongs to
# it, the check is silent. For this you need laws, below.
#
# ## Kinks
#
# **Predict**: `mtl.relu` is $\max(x, 0)$, with a kink at 0. Is the check silent at
# $x = 0.5$? At $x = 0$? And at $x = 10^{-7}$?

# %%
for x in (0.5, 0.0, 1e-7):
    try:
        mtl.check_gradient(mtl.relu, np.array([x]))
        print(f"x = {x:g}: agrees")
    except AssertionError as error:
        print(f"x = {x:g}: {error}")

# %% [markdown]
# The gradient of `relu` is right at all three points. At 0 there is no derivative. The
# package promises a slope of 0 there, and the trial gives the mean of both slopes,
# 0.5. At $10^{-7}$ the trial, whose step is $10^{-6}$, still reaches over the kink. So
# stay away from kinks by more than the step, and test the slope *at* the kink as a
# separate promise.
#
# Our loss has no kink: at $|r| = \delta$ both pieces have the same slope. A check at
# that point is fine. Its composed version has a kink inside, the $|r|$ at 0. There the
# slope $m$ multiplies it, and $m = 0$, so nothing is seen of it.
#
# ## Where the complex step is silently wrong
#
# There is a second way to get a slope by trying. Put a very small imaginary number into
# the function: $f(x + ih) = f(x) + i h f'(x) - \frac{h^2}{2} f''(x) - \dots$ The
# imaginary part divided by $h$ is $f'(x)$, up to terms of size $h^2$. Nothing is
# subtracted, so nothing is lost by rounding, and $h = 10^{-30}$ is not too small
# (Squire & Trapp, 1998). The tests of this project use this *complex step* for formulas
# that allow it.
#
# It needs a function that is *analytic*: made of sums, products, $e^x$, $\log$ and the
# like. `np.abs` is not. The absolute value of a complex number is its length, a real
# number. The imaginary part is thrown away, without an error and without a warning.


# %%
def complex_step(f, x):
    h = 1e-30
    return f(x + 1j * h).imag / h


def as_printed(r, δ=1.0):
    return np.where(np.abs(r) <= δ, r**2 / 2, δ * (np.abs(r) - δ / 2))


def without_abs(r, δ=1.0):
    size = np.where(r.real < 0, -r, r)  # |r| that keeps the imaginary part
    return np.where(size.real <= δ, r**2 / 2, δ * (size - δ / 2))


def by_trying(f, r, step=1e-5):
    return (f(r + step) - f(r - step)) / (2 * step)


r = np.linspace(-2.8, 2.8, 15)
truth = np.clip(r, -1, 1)
for name, slopes in {
    "by trying": by_trying(as_printed, r),
    "complex step, np.abs": complex_step(as_printed, r),
    "complex step, without np.abs": complex_step(without_abs, r),
}.items():
    print(f"{name:30} largest error {np.abs(slopes - truth).max():.1f}")

# %% Draw the complex step that is silently wrong tags=["hide-input"]
import matplotlib.pyplot as plt

from _show import show

figure, ax = plt.subplots(figsize=(6.4, 3.5), layout="constrained")
fine = np.linspace(-3, 3, 301)
ax.plot(fine, np.clip(fine, -1, 1), color="0.55", linewidth=3)
ax.plot(r, by_trying(as_printed, r), "o", color="#222222", markersize=7)
wrong = complex_step(as_printed, r)
is_wrong = np.abs(wrong - truth) > 0.5
ax.plot(r[is_wrong], wrong[is_wrong], "X", color="#A61C00", markersize=11)
ax.text(1.15, 1.12, "right: the slope is 1 here", fontsize=12, color="#222222")
ax.text(1.15, 0.17, "complex step says 0", fontsize=12, color="#A61C00", weight="bold")
ax.text(-2.85, 0.17, "and here too", fontsize=12, color="#A61C00", weight="bold")
ax.set(xlabel="residual r, with threshold δ = 1", ylabel="slope of the loss")
ax.set(ylim=(-1.3, 1.45), xlim=(-3.1, 3.4), yticks=(-1, 0, 1))
ax.spines[["top", "right"]].set_visible(False)
show(
    figure,
    "own_formula_complex_step.svg",
    "For large residuals the complex step says that the slope is 0, because np.abs "
    "throws the imaginary part away. Trying with real numbers (black points) agrees "
    "with the formula (grey line).",
)

# %% Check it tags=["hide-input"]
assert np.allclose(by_trying(as_printed, r), truth, atol=1e-8)
assert np.array_equal(is_wrong, np.abs(r) > 1) and (wrong[is_wrong] == 0).all()
assert np.allclose(complex_step(without_abs, r), truth, atol=1e-14)

# %% [markdown]
# `np.linalg.norm` and `.real` throw imaginary parts away too, and `np.conj` changes
# their sign. If you are not sure, use central differences.
#
# ## From the question to six laws
#
# A *law*, or property, is a sentence that is true for every input. To find laws of your
# formula, ask six questions:
#
# | question | the law of this loss |
# |---|---|
# | **value**: what does the printed formula say, written as a plain loop? | $L$ equals it |
# | **gradient**: what does trying say? | $\partial L / \partial \hat y$ equals it |
# | **limit**: what does it become at the ends of its parameters? | $L$ is half the squared error if $\delta$ is larger than every residual |
# | **scale**: what happens in another unit? | if prediction, targets and $\delta$ are $k$ times as large, $L$ is $k^2$ times as large |
# | **bound**: what can it never exceed? | $0 \le L \le \delta \cdot \frac1n \sum \lvert r_i \rvert$ and $\lvert \partial L/\partial \hat y_i \rvert \le \delta/n$ |
# | **inputs**: which ones are refused? | targets of another shape raise a `ValueError` |
#
# Do we need six? We plant nine slips, and give each law 200 random inputs:


# %%
def slope_of(loss, p, y, δ):
    leaf = mtl.Parameter(p)
    return mtl.gradient(loss(leaf, y, δ), leaf)


def value_of(loss, p, y, δ):
    return float(loss(mtl.Parameter(p), y, δ))


def printed(p, y, δ):
    total = 0.0
    for r in p - y:
        total += r * r / 2 if abs(r) <= δ else δ * (abs(r) - δ / 2)
    return total / len(p)


def value_law(loss, p, y, δ):
    return np.isclose(value_of(loss, p, y, δ), printed(p, y, δ))


def gradient_law(loss, p, y, δ):
    slope = slope_of(loss, p, y, δ)
    trial = np.zeros_like(p)
    for i, step in enumerate(1e-6 * np.eye(len(p))):
        above = value_of(loss, p + step, y, δ)
        below = value_of(loss, p - step, y, δ)
        trial[i] = (above - below) / 2e-6
    return np.allclose(slope, trial, atol=1e-5)


def limit_law(loss, p, y, δ):
    half_mse = float(mtl.mse(mtl.Tensor(p), y)) / 2
    return np.isclose(value_of(loss, p, y, 1e3), half_mse)


def scale_law(loss, p, y, δ):
    larger = value_of(loss, 3 * p, 3 * y, 3 * δ)
    return np.isclose(larger, 9 * value_of(loss, p, y, δ))


def bound_law(loss, p, y, δ):
    most = δ * np.abs(p - y).mean()
    slope = np.abs(slope_of(loss, p, y, δ))
    return 0 <= value_of(loss, p, y, δ) <= most and (slope <= δ / len(p) + 1e-12).all()


def inputs_law(loss, p, y, δ):
    try:
        value_of(loss, p[:, None], y, δ)
    except ValueError:
        return True
    return False


# %% Plant nine slips and print which law sees which tags=["hide-input"]
LAWS = {
    "value": value_law,
    "gradient": gradient_law,
    "limit": limit_law,
    "scale": scale_law,
    "bound": bound_law,
    "inputs": inputs_law,
}


def with_slip(value, slope, checked=True):
    """A loss from r and δ. value: of every entry. slope: of L, from r, δ and n."""

    def loss(prediction, targets, δ):
        if checked:
            require_equal_shapes(prediction, targets)
        r = prediction.data - targets
        each = slope(r, δ, r.size)
        total = value(r, δ).mean()
        return mtl.node(total, (prediction, lambda g: g * each))

    return loss


def right_value(r, δ):
    small = np.clip(r, -δ, δ)
    return small * (r - small / 2)


def right_slope(r, δ, n):
    return np.clip(r, -δ, δ) / n


SLIPS = {
    "none": (right_value, right_slope),
    "slope: 1/n is missing": (right_value, lambda r, δ, n: right_slope(r, δ, 1)),
    "slope: wrong sign": (right_value, lambda r, δ, n: -right_slope(r, δ, n)),
    "slope: not cut off": (right_value, lambda r, δ, n: r / n),
    "both: the ½ is missing": (
        lambda r, δ: 2 * right_value(r, δ),
        lambda r, δ, n: 2 * right_slope(r, δ, n),
    ),
    "both: δ is always 1": (
        lambda r, δ: right_value(r, 1.0),
        lambda r, δ, n: right_slope(r, 1.0, n),
    ),
    "both: the threshold is 2δ": (
        lambda r, δ: right_value(r, 2 * δ),
        lambda r, δ, n: right_slope(r, 2 * δ, n),
    ),
    "both: the threshold is ½δ": (
        lambda r, δ: right_value(r, δ / 2),
        lambda r, δ, n: right_slope(r, δ / 2, n),
    ),
    "both: half a squared error": (lambda r, δ: r * r / 2, lambda r, δ, n: r / n),
    "no check of the shapes": (right_value, right_slope, False),
}
rng = np.random.default_rng(0)
inputs = []
for _ in range(200):
    p, y = rng.normal(size=(2, 4))
    inputs.append((p, y, rng.uniform(0.2, 1.5)))
print(f"{'slip':28}", *(f"{name:9}" for name in LAWS))
sees = {}
for slip, parts in SLIPS.items():
    loss = with_slip(*parts)
    sees[slip] = [not all(law(loss, *one) for one in inputs) for law in LAWS.values()]
    print(f"{slip:28}", *(f"{'sees it' if seen else '-':9}" for seen in sees[slip]))

# %% Check that every slip is seen and no law sees all tags=["hide-input"]
assert not any(sees.pop("none"))
assert all(any(row) for row in sees.values())
assert not any(all(column) for column in zip(*sees.values()))
names = list(LAWS)
copied = [slip for slip in sees if slip.startswith("both")]
for law, seen in {"limit": 2, "scale": 1, "bound": 4}.items():
    assert sum(sees[slip][names.index(law)] for slip in copied) == seen
assert sees["both: the threshold is ½δ"] == [name == "value" for name in names]
assert sees["no check of the shapes"] == [name == "inputs" for name in names]

# %% [markdown]
# No law sees every slip. The law of the gradient is blind to the slips in which value
# and slope are wrong together, and the law of the value is blind to the slope. Only the
# law of the inputs sees that nobody checks the shapes.
#
# You may say: these three laws see every slip. That is true *here*, where the printed
# formula is right. Suppose that it was copied wrongly from a paper, as in the five rows
# that begin with "both". Then `printed` has the same fault, and the laws of the value
# and of the gradient hold. Limit, scale and bound do not ask the formula, but what you
# understand of the loss. The table shows what is left: the bound sees four of the five
# wrong copies, the limit two, and the scale one. None of them sees the threshold ½δ,
# because such a loss has the same limit and the same scale, and it keeps the bound. So
# these laws help against a wrong copy, and they do not replace a second look at the
# paper.
#
# ## The same for a rule of the weights
#
# A rule that chooses the weights of the tasks is a formula too. In this package it is a
# function `rule(losses, gramian)`. Each row of $J$ is the gradient $g_t$ of one task,
# on the *shared* parameters alone. The Gramian is $G = J J^\top$, so
# $G_{tt} = \lVert g_t \rVert^2$. The rule returns the weights $w$, and the step goes
# along $-d$ with $d = J^\top w$ ([chapter 6](06_conflict.md)). In chapters 2 and 3 the
# letter $G$ was the gradient that arrives at a result; here it is the Gramian. Suppose
# that your rule should make all gradients equally long, $w_t = 1 / \lVert g_t \rVert$:


# %%
def by_length(losses, gramian):
    return 1 / np.sqrt(np.diag(gramian))


def without_root(losses, gramian):
    """The slip: G_tt is the square of a length."""
    return 1 / np.diag(gramian)


# %% [markdown]
# Ask the same questions. Here are three laws. They test the rule on the gradients
# alone, so no training is needed. The question of the inputs matters here too: a task
# without gradient has $\lVert g_t \rVert = 0$, and this rule divides by 0. So
# let your rule give such a task the weight 0, or raise an error that says so.
#
# - **order**: if two tasks change places, so do their weights.
# - **unit**: in another unit, one task's gradient is 100 times as long. The direction
#   of $d$ stays.
# - **harm**: a small step along $-d$ raises no loss. To first order the losses change
#   by $-\eta\, G w$, so no entry of $G w$ may be negative.


# %%
def direction(rule, J):
    d = J.T @ rule(np.ones(len(J)), J @ J.T)
    return d / np.linalg.norm(d)


def order_law(rule, J):
    w = rule(np.ones(3), J @ J.T)
    turned = J[::-1]
    return np.allclose(rule(np.ones(3), turned @ turned.T), w[::-1])


def unit_law(rule, J):
    other = J * np.array([[100.0], [1.0], [1.0]])
    return np.allclose(direction(rule, other), direction(rule, J))


def harm_law(rule, J):
    G = J @ J.T
    return (G @ rule(np.ones(3), G) >= -1e-9).all()


rng = np.random.default_rng(0)
drawn = [rng.normal(size=(3, 5)) for _ in range(200)]  # three tasks, five parameters
rules = {
    "by length": by_length,
    "without the root": without_root,
    "upgrad": mtl.weighting.upgrad,
}
kept = {}
print(f"{'rule':17} order  unit   harm")
for name, rule in rules.items():
    laws = (order_law, unit_law, harm_law)
    kept[name] = [all(law(rule, J) for J in drawn) for law in laws]
    print(f"{name:17}", *(f"{'holds' if holds else 'fails':6}" for holds in kept[name]))

# %% Check which law sees the slip tags=["hide-input"]
assert kept["by length"] == [True, True, False]
assert kept["without the root"] == [True, False, False]
assert kept["upgrad"] == [True, False, True]

# %% [markdown]
# The law of the unit sees the slip. The law of harm fails for the right rule too. This
# is no slip but a fact about the rule: it does not promise to spare every task.
# `mtl.weighting.upgrad` promises it, and depends on the unit instead. So a law that
# fails has two possible causes: the code is wrong, or the formula never promised this.
# Say in the rule's docstring which laws hold.
#
# `mtl.fit(..., weights=by_length)` trains with your rule. Because it asks for the
# Gramian, its weights act on the shared parameters only, and each head takes its own
# gradient unweighted. Write `gramian=None` if a rule needs the losses alone. Then its
# weights reach the heads too. Before you believe in a rule, compare it with equal
# weights over several seeds, each rule with a tuned learning rate ([chapter
# 7](07_negative_transfer.md)).
#
# ## Let a machine draw the inputs
#
# [Hypothesis](https://hypothesis.readthedocs.io) draws inputs for a law. It looks for
# cases that people forget: zeros, equal entries, arrays with one entry. When a law
# fails, it searches for a small input on which it still fails. Put two files into a
# folder of your own. The first one is `huber.py`, with the cell that defines both
# losses, as it stands above. The second one is `test_huber.py`:
#
# ```python
# import numpy as np
# import pytest
# import strategies as some
# from hypothesis import assume, given
# from hypothesis import strategies as st
# from huber import huber, huber_composed
# from numeric import assert_close, central_differences
#
# import tinymtl as mtl
#
#
# def printed(prediction, targets, δ):
#     """1/n Σ ½ r² where |r| ≤ δ, and δ (|r| − ½ δ) elsewhere"""
#     total = 0.0
#     for at in np.ndindex(prediction.shape):
#         r = prediction[at] - targets[at]
#         total += r * r / 2 if abs(r) <= δ else δ * (abs(r) - δ / 2)
#     return total / prediction.size
#
#
# @st.composite
# def problems(draw):
#     """(prediction, targets, δ): two arrays of one shape, and a threshold"""
#     shape = draw(some.shapes(max_dims=2))
#     δ = draw(some.floats(0.1, 3.0))
#     return draw(some.arrays(shape)), draw(some.arrays(shape)), δ
#
#
# def value(prediction, targets, δ):
#     return float(huber(mtl.Tensor(prediction), targets, δ))
#
#
# def slope(loss, prediction, targets, δ, g):
#     p = mtl.Parameter(prediction)
#     return mtl.gradient(loss(p, targets, δ), p, g)
#
#
# @given(problems())
# def test_value_is_that_of_the_printed_formula(problem):
#     assert_close(value(*problem), printed(*problem))
#
#
# @given(problems(), some.floats(-2, 2))
# def test_gradient_is_that_of_trying_and_of_the_definition(problem, g):
#     prediction, targets, δ = problem
#     got = slope(huber, *problem, g)
#     (trial,) = central_differences(lambda p: printed(p, targets, δ), prediction, g=g)
#     assert_close(got, trial, 1e-5)
#     assert_close(got, slope(huber_composed, *problem, g))
#
#
# @given(problems())
# def test_limit_is_half_the_squared_error(problem):
#     prediction, targets, _ = problem
#     half = float(mtl.mse(mtl.Tensor(prediction), targets)) / 2
#     assert_close(value(prediction, targets, 100.0), half)
#
#
# @given(problems(), some.floats(0.5, 3.0))
# def test_scale_of_the_loss_is_the_square_of_the_unit(problem, k):
#     prediction, targets, δ = problem
#     scaled = value(k * prediction, k * targets, k * δ)
#     assert_close(scaled, k * k * value(*problem))
#
#
# @given(problems())
# def test_bound_of_the_value_and_of_the_slope(problem):
#     prediction, targets, δ = problem
#     assert 0 <= value(*problem) <= δ * np.abs(prediction - targets).mean() + 1e-12
#     steepest = np.abs(slope(huber, *problem, 1.0)).max()
#     assert steepest <= δ / prediction.size + 1e-12
#
#
# @pytest.mark.parametrize("loss", [huber, huber_composed])
# @given(some.shapes(max_dims=2), some.shapes(max_dims=2))
# def test_inputs_of_two_shapes_are_refused(loss, shape, other):
#     assume(shape != other)
#     with pytest.raises(ValueError, match="targets must have shape"):
#         loss(mtl.Tensor(np.ones(shape)), np.ones(other))
# ```
#
# The modules `strategies` and `numeric` are in the project's folder `tests`. Tell
# Python where this folder is, and run pytest in the folder with your two files. If the
# project is in `~/tinymtl`:
#
# ```bash
# PYTHONPATH=~/tinymtl/tests ~/tinymtl/.venv/bin/python -m pytest test_huber.py
# ```
#
# It prints `7 passed`: six laws, of which the last one is tried on both losses. Now
# plant a slip in `huber.py`, such as `slope = small`, and run it again: the laws of the
# gradient and of the bound fail, and the report names a small input for each. A law
# should hold for every draw, so try a few seeds: add `--hypothesis-seed=1` to the
# command, then 2 and 3.
#
# In the Windows PowerShell the same is two lines:
#
# ```text
# $env:PYTHONPATH = "$HOME\tinymtl\tests"
# & "$HOME\tinymtl\.venv\Scripts\python" -m pytest test_huber.py
# ```
#
# These are the parts that such a file most often needs:
#
# | strategy | what it draws |
# |---|---|
# | `some.floats(low, high)` | finite numbers that are 0 or at least $10^{-6}$ in size |
# | `some.away_from_zero(low, high)` | numbers of either sign that keep a distance from 0: for kinks |
# | `some.shapes(min_dims, max_dims)` | shapes without an axis of size 0 |
# | `some.arrays(shape, elements)` | arrays of 64-bit numbers; each entry is drawn on its own |
# | `some.upstream(shape)` | a gradient that arrives from above |
# | `some.masks(shape)` | no mask, or which entries are present, or their weights |
# | `some.regressions()` | prediction, targets and mask of one shape |
# | `some.classifications()` | logits (N, C), labels (N,) and mask (N,) |
# | `some.by_task(values)` | a dict by task name, in a drawn order |
#
# | oracle | what it computes |
# |---|---|
# | `numeric.central_differences(f, x, g=g)` | the slopes of $\sum g \cdot f(x)$, also of functions that are not analytic |
# | `numeric.complex_step(f, x, g=g)` | the same, exact to rounding, for analytic functions alone |
# | `numeric.assert_close(got, expected, tolerance)` | equal shapes, and equal entries up to the tolerance |
# | `numeric.softmax`, `numeric.mse`, `numeric.cross_entropy` and others | formulas as they are printed, written as plain loops |
#
# ## What this does not show
#
# - *That the loss is useful.* A law says that the formula is coded right. Whether
#   Huber's loss suits your prices is a question for held-out data.
# - *That it is right everywhere.* Laws are tried on drawn inputs. Numbers such as
#   $10^{300}$ are not among them unless you draw them.
# - *That the laws are enough.* Plant slips, as we did. If a slip is not seen, a law is
#   missing.
#
# ## To recall
#
# 1. What can `check_gradient` not see?
#    <details><summary>Answer</summary>A wrong value with the derivative that belongs to
#    it.</details>
# 2. What are the arguments of `mtl.node`, and what must a share look like?
#    <details><summary>Answer</summary>The value, and for each parent a pair: the
#    parent, and a function from g to its share. A share is an array with the shape of
#    the parent, or with a shape that the parent broadcasts to.</details>
# 3. The check of `relu` fails at $10^{-7}$. Is `relu` wrong?
#    <details><summary>Answer</summary>No. The step of the trial, 1e-6, reaches over the
#    kink at 0, so the trial mixes both slopes.</details>
# 4. The complex step says that a slope is exactly 0. What do you look for in the code?
#    <details><summary>Answer</summary>A function that is not analytic, such as np.abs
#    or np.linalg.norm. It throws the imaginary part away.</details>
# 5. The formula was copied wrongly. Which laws may still see it, and is one sure to?
#    <details><summary>Answer</summary>Limit, scale and bound, which come from what the
#    loss should do. None is sure to: a threshold of ½δ keeps all three.</details>
# 6. Predictions have the shape (3, 1) and targets (3,). What does a loss do that does
#    not check its inputs?
#    <details><summary>Answer</summary>It compares every prediction with every target,
#    without an error, and is not 0 even if all predictions are right.</details>
