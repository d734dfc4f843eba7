# %% [markdown]
# # 1 · The chain rule with two losses
#
# *35 minutes.* A model that learns two tasks has a part that both tasks use. Each task
# sends a gradient to this shared part, and the two gradients are added. After this
# chapter you can differentiate two losses with respect to a value that both use, say
# why the gradients are added, and build an engine of fifty lines that does it for you.
#
# ![](figures/01_two_losses.svg)

# %% Import the tools tags=["hide-input"]
import math

import matplotlib.pyplot as plt
import numpy as np
import tinymtl as mtl
from tinymtl.interaction import mean_and_error

from _show import show
from checks.ch01 import check_by_hand, check_gradient_repaired, check_law, check_tanh

# %% [markdown]
# **What you need**: the derivatives of $x^2$, $e^x$ and $\log x$, the chain rule for
# $f(g(x))$, and a little Python. One section uses a Taylor series. No earlier chapter
# is needed.
#
# > **In short: loss and gradient.** A *loss* $L$ is a number that is small when an
# > answer is good. Its *gradient* with respect to a value $h$ is the derivative
# > $\partial L / \partial h$, while everything that does not depend on $h$ stays fixed.
# > If it is negative, a larger $h$ lowers the loss. If it is positive, a smaller $h$
# > does.
#
# ## The example
#
# A shop knows how often a household has bought a product. Call this number $x$. The
# model turns it into one number of its own, $h = u x$, and answers two questions:
#
# - What does the product cost? The answer is $\hat y = a h$.
# - Will the household buy it again? The answer is a *logit* $z = b h$. It stands for
#   the probability $\sigma(z) = 1/(1 + e^{-z})$, which is 50 % for $z = 0$.
#
# The true price is $y$. The other true answer, $c$, is 1 if the product was bought
# again and 0 if not. Each answer has a loss. The *total loss* is their weighted sum:
#
# $$
# L_1 = (\hat y - y)^2, \qquad L_2 = \log(1 + e^{z}) - c z,
# \qquad L = w_1 L_1 + w_2 L_2. \tag{1.1}
# $$
#
# $L_1$ is the squared error. $L_2$ is minus the logarithm of the probability that the
# model gave to what happened: $1/(1 + e^z)$ for $c = 0$, and $e^z/(1 + e^z)$ for
# $c = 1$.
#
# ## Notation
#
# Every symbol is one number.
#
# | symbol | in code | what it is |
# |---|---|---|
# | $x$ | `x` | how often it was bought |
# | $u$ | `u` | the shared weight, the *trunk* |
# | $h$ | `h` | the shared value |
# | $a, b$ | `a`, `b` | each task's own weight, its *head* |
# | $\hat y, z$ | `ŷ`, `z` | the answers: price and logit |
# | $y, c$ | `y`, `c` | the true answers |
# | $L_1, L_2$ | `L1`, `L2` | the losses |
# | $w_1, w_2$ | `w1`, `w2` | how much each task counts |
# | $g$ | `g` | gradient with respect to the value we look at |
#
# ## By hand
#
# There are two paths from $h$ to $L$: one through the price and one through the
# purchase. Along each path the chain rule multiplies the derivatives of the steps:
#
# $$
# \frac{\partial L_1}{\partial h}
# = \frac{\partial L_1}{\partial \hat y} \cdot \frac{\partial \hat y}{\partial h}
# = 2(\hat y - y) \cdot a,
# \qquad
# \frac{\partial L_2}{\partial h}
# = \frac{\partial L_2}{\partial z} \cdot \frac{\partial z}{\partial h}
# = (\sigma(z) - c) \cdot b .
# $$
#
# Here we used $\partial L_2 / \partial z = e^z/(1 + e^z) - c = \sigma(z) - c$. Now
# change $h$ by a small amount. To first order, each loss changes by its gradient times
# this amount. The total loss is the weighted sum of both losses, so its change is the
# weighted sum of both changes. *This is why the gradients of two losses are added.*
# Finally, $h = u x$ changes with $u$ at the rate $x$:
#
# $$
# \frac{\partial L}{\partial h} = w_1 \underbrace{2(\hat y - y)\, a}_{\text{price}}
# + w_2 \underbrace{(\sigma(z) - c)\, b}_{\text{purchase}},
# \qquad \frac{\partial L}{\partial u} = \frac{\partial L}{\partial h}\, x \tag{1.2}
# $$
#
# Take $x = 2$ and $u = 0.5$, so $h = 1$. The heads are $a = 3$ and $b = 1$. The price
# is $y = 5$, the product was not bought again ($c = 0$), and both weights are 1.
#
# **Predict**: does the price task want a larger or a smaller $h$? And the purchase
# task? Which one wins?
#
# <details><summary>Answer</summary>
#
# The predicted price is too low: 3 instead of 5. Its gradient at $h$ is
# $2(3 - 5) \cdot 3 = -12$, so the price task wants a larger $h$. The purchase got a
# probability of $\sigma(1) = 0.73$ but did not happen. Its gradient is $+0.73$, so this
# task wants a smaller $h$. The two tasks *conflict*, and the price wins.
#
# It wins because of its unit. In cents, $y$, $\hat y$ and $a$ are 100 times as large.
# Then $2(\hat y - y)$ is $10^2$ times as large, and the gradient at $h$, with its
# second factor $a$, is $10^4$ times as large. The other gradient never exceeds $|b|$.
# [Chapter 5](05_weighted_loss.md) is about this.
#
# </details>

# %%
x = 2.0  # how often it was bought
u = 0.5  # the trunk
a, b = 3.0, 1.0  # the heads
y, c = 5.0, 0.0  # the true answers
w1, w2 = 1.0, 1.0

h = u * x
ŷ = a * h
z = b * h
chance = 1 / (1 + math.exp(-z))  # σ(z)

L1 = (ŷ - y) ** 2
L2 = math.log(1 + math.exp(z)) - c * z
L = w1 * L1 + w2 * L2  # (1.1)

price = 2 * (ŷ - y) * a
purchase = (chance - c) * b
at_h = w1 * price + w2 * purchase  # (1.2)
at_u = at_h * x
print(f"gradients at h: price {price:.2f}, purchase {purchase:.2f}")
print(f"total loss:     at h {at_h:.2f}, at u {at_u:.2f}")

# %% Draw how two gradients meet tags=["hide-input"]
BLUE, ORANGE = mtl.plots.TASK_COLOURS[:2]
figure, ax = plt.subplots(figsize=(6.4, 3.2), layout="constrained")
boxes = (
    (0.1, 0.0, "shared\nweight u", "black", "0.93"),
    (4.95, 1.1, "loss of\nthe price", BLUE, "white"),
    (4.95, -1.1, "loss of the\npurchase", ORANGE, "white"),
)
centred = {"ha": "center", "va": "center"}
for place_x, place_y, text, edge, face in boxes:
    box = {"boxstyle": "round,pad=0.4", "facecolor": face, "edgecolor": edge}
    box |= {"linewidth": 2}
    ax.text(place_x, place_y, text, fontsize=14, bbox=box, **centred)
shared = plt.Rectangle((1.5, -0.78), 1.75, 1.56, facecolor="0.93", edgecolor="black")
shared.set_linewidth(2)
ax.add_patch(shared)
arrows = (
    ((4.3, 1.1), (3.28, 0.45), BLUE, "-", 5),
    ((4.2, -1.1), (3.28, -0.45), ORANGE, "--", 2.5),
    ((1.5, 0.0), (0.75, 0.0), "black", "-", 5),
)
for start, end, colour, line, width in arrows:
    style = {"arrowstyle": "-|>", "color": colour, "linewidth": width}
    style |= {"linestyle": line, "mutation_scale": 22, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", end, start, arrowprops=style)
words = (
    (3.55, 1.18, f"{price:.0f}", BLUE, 21),
    (3.55, -1.25, f"+{purchase:.2f}", ORANGE, 21),
    (2.37, 0.55, "shared value h", "black", 11),
    (1.87, 0.13, f"{price:.0f}", BLUE, 16),
    (2.62, 0.13, f"+ {purchase:.2f}", ORANGE, 16),
    (2.37, -0.42, f"= {at_h:.2f}", "black", 20),
    (1.12, 0.28, "times x", "black", 12),
)
for place_x, place_y, text, colour, size in words:
    style = centred | {"fontsize": size, "color": colour}
    style |= {"weight": "bold" if size > 14 else "normal"}
    ax.text(place_x, place_y, text.replace("-", "−"), **style)
ax.set(xlim=(-0.55, 5.7), ylim=(-1.6, 1.6))
ax.axis("off")
show(
    figure,
    "01_two_losses.svg",
    "Two gradients come back to the shared value h: −12 from the price and +0.73 from "
    "the purchase. They are added, and the sum, −11.27, goes on to the weight u.",
)

# %% [markdown]
# ## A machine that remembers
#
# There are only two kinds of step: compute a value from others, and later pass a
# gradient from a value back to those it was made of, its *parents*. A value is a
# *child* of each of its parents. So let every value remember how it was made. For a
# product $v = p\, q$ and any loss,
#
# $$
# \frac{\partial L}{\partial p} = g\, q, \qquad \frac{\partial L}{\partial q} = g\, p,
# \qquad g = \frac{\partial L}{\partial v}. \tag{1.3}
# $$
#
# With $v$ we store two pairs: $p$ with the function that turns $g$ into $g\,q$, and $q$
# with the function that turns $g$ into $g\,p$. The result of such a function is the
# parent's *share*. A sum passes $g$ on unchanged. Each value also notes when it was
# made: a child is younger than its parents.


# %%
class Value:
    """A number that remembers how it was made.

    pairs: (parent, function from g to the parent's share of it)
    """

    clock = 0

    def __init__(self, data, *pairs):
        self.data = float(data)
        self.pairs = pairs
        Value.clock += 1
        self.born = Value.clock  # its place in time: younger than its parents

    def __add__(self, other):
        other = value(other)
        return Value(self.data + other.data, (self, lambda g: g), (other, lambda g: g))

    def __mul__(self, other):
        other = value(other)
        return Value(
            self.data * other.data,
            (self, lambda g: g * other.data),  # (1.3)
            (other, lambda g: g * self.data),
        )

    def __sub__(self, other):
        other = value(other)
        return Value(self.data - other.data, (self, lambda g: g), (other, lambda g: -g))

    def __pow__(self, n):
        return Value(self.data**n, (self, lambda g: g * n * self.data ** (n - 1)))

    __radd__ = __add__
    __rmul__ = __mul__


def value(x):
    return x if isinstance(x, Value) else Value(x)


# %%
def exp(x):
    y = math.exp(x.data)
    return Value(y, (x, lambda g: g * y))


def log(x):
    return Value(math.log(x.data), (x, lambda g: g / x.data))


# %% [markdown]
# ## In which order?
#
# Look at `q = p + p; r = q * q; L = q + r`, with $p = 3$. Both $r$ and $L$ use $q$, as
# all tasks use the trunk of a network. A value gets one share for each use, and shares
# are **added**, for the same reason as in (1.2):
#
# $$
# \frac{\partial L}{\partial p}
# = \sum_{\text{children } v \text{ of } p}
# \frac{\partial L}{\partial v}\, \frac{\partial v}{\partial p}
# \tag{1.4}
# $$
#
# So $q$ may pass its gradient on only when *all* its shares have come. How can the walk
# know this? A missing share comes from a child of $q$. Either this child is waiting, or
# the walk will reach it from a value that is waiting. In both cases something younger
# than $q$ is waiting. So it is enough to take the **youngest** waiting value first.
# Then every child comes before its parents. Such an order is called *topological*.
#
# ![Two walks over one computation. Youngest first: q waits for 1 and 12, and p gets 26.
# First found: q passes on 1 before 12 has come, and p gets 2.](figures/01_walk.gif)
#
# *Violet: the gradients that have arrived. Dashed values wait; grey ones have passed
# their gradient on. In the right half q does so too early, and p gets 2, not 26.*


# %%
def gradient(loss, wrt):
    """[∂loss/∂x for x in wrt]"""
    arrived = {loss.born: 1.0}  # ∂loss/∂loss = 1
    waiting = {loss.born: loss}
    while waiting:
        node = waiting.pop(max(waiting))  # the youngest: all its shares have come
        g = arrived[node.born]
        for parent, share in node.pairs:
            arrived[parent.born] = arrived.get(parent.born, 0.0) + share(g)  # (1.4)
            waiting[parent.born] = parent
    return [arrived.get(x.born, 0.0) for x in wrt]


# %% [markdown]
# Is there a way without an order? Yes: insert (1.4) into itself until the loss is
# reached. This gives one product for each *path* from $p$ to the
# loss, and a recursive function can add them all. It is right, but `q = q + q`, done 40
# times, has 41 values and $2^{40} \approx 10^{12}$ paths. The order saves this work:
# each value passes its gradient on once. So one walk gives the gradients of *all*
# parameters, for about the work of computing the loss a few times. The argument `wrt`,
# *with respect to*, lists the values whose gradients you want.


# %%
def losses(u, a, b, x=2.0, y=5.0, c=0.0, exp=exp, log=log):
    h = u * x  # one trunk ...
    z = b * h
    L1 = (a * h - y) ** 2
    L2 = log(1.0 + exp(z)) - c * z  # ... in both losses: (1.1)
    return L1, L2


parameters = [Value(0.5), Value(3.0), Value(1.0)]
L1, L2 = losses(*parameters)
for name, loss in {"L1": L1, "L2": L2, "L1 + L2": L1 + L2}.items():
    of_u, of_a, of_b = gradient(loss, parameters)
    print(f"{name:8} ∂/∂u {of_u:7.2f}   ∂/∂a {of_a:6.2f}   ∂/∂b {of_b:5.2f}")

# %% [markdown]
# The head $a$ gets nothing from $L_2$, and $b$ gets nothing from $L_1$: a head belongs
# to one task. The trunk $u$ gets $-24$ from one and $1.46$ from the other, and the last
# row is the sum: $u$ is **shared**. *The gradient of a weighted sum is the weighted sum
# of the gradients.*
#
# `mtl.plots.graph` draws all of it in one call, also for the package's tensors.

# %%
x, y = Value(2.0), Value(5.0)
u, a, b = parameters
h = u * x
ŷ = a * h
z = b * h
L1 = (ŷ - y) ** 2
L2 = log(exp(z) + 1.0)  # c = 0
L = L1 + L2
names = {"x": x, "y": y, "u": u, "a": a, "b": b, "h": h, "ŷ": ŷ, "z": z}
figure = mtl.plots.graph(L, names | {"L₁": L1, "L₂": L2, "L": L})
show(
    figure,
    "01_graph.svg",
    "Every value of the example, with its gradient in violet. Read the values from the "
    "top down and the gradients from the bottom up. At h the shares −12 and 0.731 "
    "meet, one from each loss.",
)

# %% [markdown]
# **Predict**: suppose that a new share *replaces* the old one: `=` in place of `+=`.
# What is then $\partial L/\partial u$?
#
# <details><summary>Answer</summary>
#
# At $h$ the share that comes last wins. Here $z$ is younger than $\hat y$, so $z$
# passes on first. Then the price's $-12$ replaces the $0.73$ that came through $z$. The
# purchase is lost: $u$ gets $-24$. Had $z$ been computed before $\hat y$, the price
# would be lost: $u$ would get $1.46$, with the wrong sign. Both heads are right each
# time, so they do not show the slip.
#
# </details>

# %% Run the walk with = in place of += tags=["hide-input"]


def overwriting(loss, wrt):
    arrived = {loss.born: 1.0}
    waiting = {loss.born: loss}
    while waiting:
        node = waiting.pop(max(waiting))
        for parent, share in node.pairs:
            arrived[parent.born] = share(arrived[node.born])  # the slip: = for +=
            waiting[parent.born] = parent
    return [arrived.get(x.born, 0.0) for x in wrt]


L1, L2 = losses(*parameters)  # here z is older than ŷ
wrong_losses = {"ŷ older than z": L, "z older than ŷ": L1 + L2}
print(f"{'+=':17} ∂/∂u {gradient(L, parameters)[0]:7.2f}")
for name, loss in wrong_losses.items():
    of_u, *of_heads = overwriting(loss, parameters)
    print(f"=, {name} ∂/∂u {of_u:7.2f}")
    assert of_heads == gradient(L, parameters)[1:]
assert math.isclose(gradient(L, parameters)[0], at_u)
assert math.isclose(overwriting(L, parameters)[0], 2 * price)
assert math.isclose(overwriting(L1 + L2, parameters)[0], 2 * purchase)

# %% [markdown]
# ## Where gradients are kept
#
# Our gradients live in `arrived`, which belongs to one walk. So you may ask for the
# gradient of $L_1$, then of $L_2$, over the *same* trunk, and no call disturbs another.
#
# PyTorch stores gradients on the parameters and adds to what is there. After a call for
# $L_1$ and one for $L_2$, the sum stands at $u$. Before the next step `zero_grad` must
# set it to zero; forgetting this is a classic mistake. Storing them on inner values too
# is worse. After $L_1$, $-12$ stands at $h$ and $-24$ at $u$. Then $L_2$ adds $0.73$ at
# $h$, and *all* of $-11.27$ goes on to $u$: the price counts twice.
#
# ## Is it right? The V
#
# Two ways to compute a derivative that share no code can check each other. The other
# way is to try a small step $s$: the slope is about
# $(L(u + s) - L(u - s)) / 2s$. How wrong is this? The Taylor series is
#
# $$
# L(u \pm s) = L \pm s L' + \frac{s^2}{2} L'' \pm \frac{s^3}{6} L''' + \dots
# $$
#
# In $L(u + s) - L(u - s)$ the terms with $L$ and $L''$ cancel, and
# $2 s L' + \frac{s^3}{3} L'''$ remains. Divided by $2s$, this is $L'$ plus the
# *truncation* error $\frac{s^2}{6} L'''$. There is also a *rounding* error: the
# computer knows both losses only up to a relative error $\epsilon \approx 10^{-16}$,
# and the division by $s$ makes it larger.
#
# $$
# \frac{\partial L}{\partial u} \approx \frac{L(u + s) - L(u - s)}{2s},
# \qquad \text{error} \approx \underbrace{\frac{s^2}{6}\, |L'''|}_{\text{truncation}}
# + \underbrace{\frac{\epsilon\, |L|}{s}}_{\text{rounding}}
# \tag{1.5}
# $$
#
# Truncation falls with $s^2$; rounding *grows* as $s$ falls. The sum is least where its
# derivative with respect to $s$ is zero: $\frac{s}{3} |L'''| = \epsilon |L| / s^2$, so
# $s = (3 \epsilon |L| / |L'''|)^{1/3}$. If $L$ and $L'''$ have similar sizes, this is
# about $10^{-5}$.
#
# Why two evaluations around $u$? With one side alone, $(L(u + s) - L(u)) / s$, the term
# $\frac{s}{2} L''$ does not cancel. The best step is then about
# $\sqrt\epsilon = 10^{-8}$, and the error there is about $10^{-8}$, hundreds of times
# as large as with both sides.
#
# We measure this on $L = e^{u} + u^2$, because we know its third derivative, $e^u$.


# %%
def by_trying(f, u, s):
    return (f(u + s) - f(u - s)) / (2 * s)  # (1.5)


def f(u):
    return math.exp(u) + u * u


rng = np.random.default_rng(0)
steps = 10.0 ** np.arange(-12, 0)
points = rng.uniform(-2, 2, 200)
errors = []
for point in points:
    p = Value(point)
    engine = gradient(exp(p) + p * p, [p])[0]
    errors.append([abs(by_trying(f, point, s) - engine) for s in steps])
errors = np.array(errors)  # (200, 12)

truncation = np.exp(points).mean() * steps**2 / 6
rounding = 1.1e-16 * np.mean([f(point) for point in points]) / steps

# %% Draw the V tags=["hide-input"]


def in_sight(line):
    """The part of a line that is not far below the points."""
    return np.where(line > 1e-13, line, np.nan)


figure = mtl.plots.curves(
    steps,
    {"found by trying": mean_and_error(errors)},
    {
        "truncation: s² |L‴| / 6": in_sight(truncation),
        "rounding: ε |L| / s": in_sight(rounding),
    },
    xlabel="step s",
    ylabel="|trying − engine|, mean of 200 points",
    title="Too large a step leaves terms out, too small a one drowns in rounding",
)
show(
    figure,
    "01_v.svg",
    "The difference between engine and trial follows the two lines of theory. It falls "
    "with the square of the step down to about 1e-5, and then rounding makes it grow.",
)

# %% [markdown]
# **The claim.** At the best step, engine and trial differ by less than $10^{-6}$ at
# each of 200 random points. At both ends of the V they differ by more on average.

# %%
mean = errors.mean(0)
best = steps[mean.argmin()]
largest = errors[:, steps == best].max()
print(f"best step {best:.0e}; there all differences are below 1e-6:", largest < 1e-6)
assert largest < 1e-6 < min(mean[0], mean[-1])

# %% Check that theory and measurement agree tags=["hide-input"]
assert 1e-7 < best < 1e-3
right_arm = (steps > 1e-4) & (steps < 1)
assert np.allclose(mean[right_arm], truncation[right_arm], rtol=0.05)
ratio = mean[:7] / rounding[:7]  # of the left arm; rounding is a rough size
assert (0.2 < ratio).all() and (ratio < 2).all()

# %% [markdown]
# With a step of $10^{-12}$ a right gradient looks wrong. With a step of $0.1$ the error
# of the trial, $4 \cdot 10^{-3}$, can hide a slip. Three more things mislead:
#
# - *Numbers of 32 bits*, where $\epsilon \approx 10^{-7}$: the best step is about
#   $10^{-2}$, and the error there is still a few times $10^{-5}$.
# - *A kink between $u - s$ and $u + s$*, as in $\max(h, 0)$: the trial mixes both
#   slopes.
# - *A slip in $L$ itself*: both ways differentiate the same wrong loss.
#
# And why not always try, and build no engine? Trying computes the loss twice for *each*
# parameter: two million times for a million of them. The engine needs one walk.
#
# ## The package computes the same
#
# `mtl.Tensor` is our `Value` for whole arrays, and `mtl.tensor.chain_rule` is our
# `gradient`; it skips values that need no gradient. `mtl.gradient` returns the
# gradients of one loss, `mtl.jacobian` those of $T$ losses, one row each, and
# `mtl.Tensor.backward` adds them to the parameters, for training.

# %%
largest = 0.0
for _ in range(50):
    drawn = rng.normal(size=3)
    bought = float(rng.integers(2))
    ours = [Value(number) for number in drawn]
    theirs = [mtl.Parameter(number) for number in drawn]
    our_losses = losses(*ours, c=bought)
    their_losses = losses(*theirs, c=bought, exp=mtl.ops.exp, log=mtl.ops.log)
    for our_loss, their_loss in zip(our_losses, their_losses):
        expected = np.array(gradient(our_loss, ours))
        difference = np.abs(expected - mtl.gradient(their_loss, theirs)).max()
        largest = max(largest, difference / np.abs(expected).max())
print("largest relative difference below 1e-12:", largest < 1e-12)
assert largest < 1e-12

# %% [markdown]
# `mtl.check_gradient` is the check by trying, entry by entry.
# [Check a formula of your own](own_formula.md) shows how to use it.
#
# ## Exercises
#
# Write your answer in place of `raise NotImplementedError`. The solutions are
# [here](solutions/ch01.py).
#
# ### Exercise 1.1 · The gradients on paper
#
# *10 minutes, easy.*
#
# Work out the gradients of $L = w_1 (\hat y - y)^2 + w_2 (\log(1 + e^z) - c z)$ with
# respect to $u$, $a$ and $b$, where $\hat y = a h$, $z = b h$ and $h = u x$.
#
# <details><summary>First hint</summary>
#
# Begin with $\partial L/\partial \hat y$ and $\partial L/\partial z$. Each contains the
# weight of its task.
#
# </details>
# <details><summary>Second hint</summary>
#
# Only one path leads from $a$ to $L$. It begins with $\partial \hat y/\partial a = h$.
#
# </details>
# <details><summary>Third hint</summary>
#
# Two paths lead from $u$ to $L$. Add the gradients where they meet, at $h$, and
# multiply by $x$.
#
# </details>


# %%
def by_hand(u, a, b, x, y, c, w1, w2):
    """(∂L/∂u, ∂L/∂a, ∂L/∂b), three numbers. All arguments are numbers."""
    raise NotImplementedError


check_by_hand(by_hand)

# %% [markdown]
# ### Exercise 1.2 · One more operation
#
# *5 minutes, easy.*
#
# Give the engine the hyperbolic tangent. `np.tanh` computes its value, and its
# derivative is $1 - \tanh^2 x$.
#
# <details><summary>First hint</summary>
#
# Look at `exp` in the chapter: it returns a `Value` with one pair. The number that `x`
# holds is `x.data`.
#
# </details>
# <details><summary>Second hint</summary>
#
# Its pair is (`x`, a function that multiplies $g$ by the derivative).
#
# </details>


# %%
def tanh(x):
    """A Value made from the Value x: Value(number, (parent, function of g))."""
    raise NotImplementedError


check_tanh(tanh, Value, gradient)

# %% [markdown]
# ### Exercise 1.3 · Find the bug
#
# *15 minutes, medium.*
#
# This walk is right for every chain, and for `q = p + p; r = q + q` too. For which
# computation is it wrong, and why? Mend it. `node.pairs` holds (parent, function from
# $g$ to its share), and `node.born` is larger for younger values. Visit each value only
# once: a walk along every path is right, but for 40 doublings it never ends. (Delete
# the `raise` to run it.)
#
# <details><summary>First hint</summary>
#
# Follow the walk on paper for `q = p + p; r = q * q; L = q + r`.
#
# </details>
# <details><summary>Second hint</summary>
#
# The walk visits `q` before `r`, so the share that `r` sends to `q` comes too late.
#
# </details>
# <details><summary>Third hint</summary>
#
# In each round take the value with the largest `born` out of `waiting`.
#
# </details>


# %%
def gradient_to_repair(loss, wrt):
    """[∂loss/∂x for x in wrt], a list of numbers; loss and wrt are Values."""
    raise NotImplementedError
    arrived = {loss.born: 1.0}
    waiting = [loss]
    for node in waiting:  # goes on while the list grows
        g = arrived[node.born]
        for parent, share in node.pairs:
            arrived[parent.born] = arrived.get(parent.born, 0.0) + share(g)
            if parent not in waiting:
                waiting.append(parent)
    return [arrived.get(x.born, 0.0) for x in wrt]


check_gradient_repaired(gradient_to_repair, Value)

# %% [markdown]
# ### Exercise 1.4 · Write the property that catches it
#
# *15 minutes, hard.*
#
# A law takes *any* function `gradient(loss, wrt)` and asserts something that is true of
# every right one. Yours is run on right engines and on wrong ones: the walk of exercise
# 1.3 and other wrong orders, an engine that overwrites shares, one that forgets to
# multiply by $g$, and one that passes shares on twice. `Value` has `+` and `*`.
#
# <details><summary>First hint</summary>
#
# Compute a loss from `x = Value(2.0)`, work out its derivative on paper, and assert
# that `gradient(loss, [x])` gives this number.
#
# </details>
# <details><summary>Second hint</summary>
#
# A wrong order does no harm if the shared value has no parent: it passes nothing on.
# So make the shared value from `x`, for example `q = x * x`.
#
# </details>
# <details><summary>Third hint</summary>
#
# Let a short and a long way lead from it to the loss. Assert this twice: with the
# short way left of the `+`, and right of it. Multiply the losses by a number.
#
# </details>


# %%
def law(gradient, Value):
    """Raises AssertionError if `gradient(loss, [x, ...])` is wrong."""
    raise NotImplementedError


check_law(law, Value)

# %% [markdown]
# ## What this does not show
#
# - *Whether the sum is good for either task.* At $h$ the two pulled in opposite
#   directions.
# - *Whether a step lowers the loss.* Only a short one does; see [chapter
#   6](06_conflict.md).
# - *Whether the loss is the right one.* The gradient belongs to the loss that you
#   wrote. You may have meant another one.
#
# ## To recall
#
# 1. Why are the gradients of two losses added at a shared value?
#    <details><summary>Answer</summary>To first order, a small change of the value
#    changes each loss by its gradient times the change, and the total loss is their
#    weighted sum.</details>
# 2. Why does the walk take the youngest waiting value first?
#    <details><summary>Answer</summary>Shares come from children, and children are
#    younger. So all shares of the youngest waiting value have come, and each value
#    passes its gradient on once.</details>
# 3. An engine stores gradients on the parameters and adds to them. You call it for
#    $L_1$ and then for $L_2$. What stands at $u$? And if it also stores them on $h$?
#    <details><summary>Answer</summary>The sum, −22.5 in the example. If it stores them
#    on h too, what L₁ left there is passed on again: −24 − 22.5 = −46.5.</details>
# 4. Your check by trying differs from the engine by $10^{-4}$ at a step of $10^{-12}$.
#    Is the engine wrong?
#    <details><summary>Answer</summary>You cannot tell. Rounding alone makes an error of
#    1e-4 times the loss. Try a step of 1e-5.</details>
# 5. $w_1$ is doubled. What happens to the gradients at $u$, $a$ and $b$?
#    <details><summary>Answer</summary>The one at a doubles; the one at b stays. At u
#    the part from L₁ doubles: −24 + 1.46 becomes −48 + 1.46.</details>
