# %% [markdown]
# # 1 · The chain rule with two losses
#
# *30 minutes.* Multi-task learning trains one model on several questions, and what the
# questions share is pulled by all of them. How exactly? For each answer there is a
# *loss*, small when the answer is good, and a *gradient*, which says how the loss
# changes with each number in the model. From each loss a gradient comes back along its
# own path; where the paths meet, they are added. After this chapter you can
# differentiate two losses with respect to a value that both use, say why the gradients
# are added, and build an engine of fifty lines that does it for you.
#
# ![](figures/01_two_losses.svg)

# %%
import math

import numpy as np
import tinymtl as mtl
from tinymtl.interaction import mean_and_error

from _drawings import graph
from _show import show
from checks.ch01 import check_by_hand, check_gradient_repaired, check_law, check_tanh

# %% [markdown]
# **What you need**: the derivative of a function of one number, and a little Python. No
# earlier chapter. Written $\partial L / \partial h$, a derivative is that with respect
# to $h$ while everything else is held fixed.
#
# ## The example
#
# A shop knows how often a household bought a product, $x$. It turns that into one
# number of its own, $h = u x$, and answers two questions with it: what does the product
# cost, $\hat y = a h$, and will the household buy it again, with logit $z = b h$ (a
# positive logit says "rather yes": the chance is $\sigma(z) = 1/(1 + e^{-z})$). The
# true answers are $y$, a price, and $c$, 1 if it was bought and 0 if not. Each answer
# has a loss, small when the answer is good,
#
# $$
# L_1 = (\hat y - y)^2, \qquad L_2 = \log(1 + e^{z}) - c z,
# \qquad L = w_1 L_1 + w_2 L_2, \tag{1.1}
# $$
#
# and the *total* loss $L$ weighs them. Losses should be small: where a gradient is
# negative, raising the value lowers the loss; where it is positive, lowering it does.
# $L_2$ is minus the logarithm of the chance that was given to what happened: put in
# $c = 1$ and $c = 0$ to see it.
#
# ## Notation
#
# | symbol | in code | shape | what it is |
# |---|---|---|---|
# | $x$ | `x` | number | input: how often it was bought |
# | $u$ | `u` | number | shared weight, the *trunk*: both tasks use it |
# | $h$ | `h` | number | what the trunk computes |
# | $a, b$ | `a`, `b` | numbers | one weight for each task, the *heads* |
# | $\hat y, z$ | `ŷ`, `z` | numbers | the two answers: a price, and a logit |
# | $y, c$ | `y`, `c` | numbers | the true answers |
# | $L_1, L_2$ | `L1`, `L2` | numbers | the two losses, of one example: neither a mean nor a sum over examples yet |
# | $w_1, w_2$ | `w1`, `w2` | numbers | how much each task counts |
# | $g$ | `g` | number | gradient that arrives at a value from the side of the loss: $\partial L$ by this value |
# | $s$ | `s` | number | a small step, for trying |
# | $\epsilon$ | `1.1e-16` | number | relative error of a rounded number |
#
# ## By hand
#
# How does $L$ change when $u$ does? Along one path the chain rule multiplies: $u$ moves
# $h$, $h$ moves $\hat y$, $\hat y$ moves $L_1$. There are two paths, and a small change
# $dh$ changes $L$ by what it changes along the first *plus* what it changes along the
# second. To first order that is all there is:
#
# $$
# \frac{\partial L}{\partial h} = w_1 \underbrace{2(\hat y - y)\, a}_{\text{price}}
# + w_2 \underbrace{(\sigma(z) - c)\, b}_{\text{buys}},
# \qquad \frac{\partial L}{\partial u} = \frac{\partial L}{\partial h}\, x \tag{1.2}
# $$
#
# (The derivative of $\log(1 + e^z)$ is $e^z/(1+e^z) = \sigma(z)$.) Take $x = 2$,
# $u = 0.5$, so $h = 1$; $a = 3$ and $b = 1$; the product costs $y = 5$ and was not
# bought, $c = 0$.
#
# **Predict** before you read on: does the price task want $h$ to rise or to fall? And
# the other one? With $w_1 = w_2 = 1$, who wins?
#
# <details><summary>Answer</summary>
#
# The price was guessed too low, 3 instead of 5, so its gradient at $h$ is
# $2(3 - 5) \cdot 3 = -12$: raise $h$. The purchase was thought likely,
# $\sigma(1) = 0.73$, and did not happen: $+0.73$: lower $h$. The two *conflict*, and
# the price wins, $-12 + 0.73 < 0$, because its numbers are larger: an error of $-2$, a
# head of 3. In cents they would be $10^4$ times larger still, while the other gradient
# can never exceed $|b|$. Nobody decided that price matters more: [chapter
# 5](05_weighted_loss.md) is about this.
#
# </details>

# %%
x = 2.0  # how often it was bought
u = 0.5  # the trunk
a, b = 3.0, 1.0  # the heads
y, c = 5.0, 0.0  # the truth
w1, w2 = 1.0, 1.0

h = u * x
ŷ = a * h
z = b * h
chance = 1 / (1 + math.exp(-z))  # σ(z)

at_h = {"price": 2 * (ŷ - y) * a, "buys": (chance - c) * b}
both = w1 * at_h["price"] + w2 * at_h["buys"]  # (1.2)
print({task: round(g, 3) for task, g in at_h.items()})
print(f"gradient of the total loss: at h {both:.3f}, at u {both * x:.3f}")

# %%
L1 = (ŷ - y) ** 2
L2 = math.log(1 + math.exp(z)) - c * z
L = w1 * L1 + w2 * L2  # (1.1)
places = {
    "u": (0, 1),
    "h": (1, 1),
    "ŷ": (2, 2),
    "z": (2, 0),
    "L1": (3, 2),
    "L2": (3, 0),
    "L": (4, 1),
}
values = {"u": u, "h": h, "ŷ": ŷ, "z": z, "L1": L1, "L2": L2, "L": L}
back = [
    ("L", "L1", 0, w1),
    ("L1", "ŷ", 0, w1 * 2 * (ŷ - y)),
    ("ŷ", "h", 0, w1 * at_h["price"]),
    ("L", "L2", 1, w2),
    ("L2", "z", 1, w2 * (chance - c)),
    ("z", "h", 1, w2 * at_h["buys"]),
    ("h", "u", None, f"{both:.3g} · x"),
]
title = "Gradients of price (blue) and purchase (orange) are added"
show(
    graph(places, values, back, title),
    "01_two_losses.svg",
    "Boxes hold values, arrows the gradient that arrives at their tip. At h the −12 of "
    "the price and the 0.73 of the purchase meet and are added; u receives their sum, "
    "−11.3, times x",
)

# %% [markdown]
# ## A machine that remembers
#
# By hand this took three lines; for a network it would take a notebook. But all of it
# was made of two kinds of step: compute a value from others, and pass a gradient from a
# value back to those it was made of, its *parents*. So let every value *remember* how
# it was made. For a product $v = p\, q$, whatever the loss,
#
# $$
# \frac{\partial L}{\partial p} = g\, q, \qquad \frac{\partial L}{\partial q} = g\, p,
# \qquad g = \frac{\partial L}{\partial v} \tag{1.3}
# $$
#
# so with the product we note two pairs: ($p$, the function that turns $g$ into $p$'s
# share), and the same for $q$. A sum passes $g$ on unchanged. That is the whole idea.
# (And to keep a loss from training a value, cut there: let it note no pair.)


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
        return self + value(other) * -1.0

    def __pow__(self, n):
        return Value(self.data**n, (self, lambda g: g * n * self.data ** (n - 1)))

    __radd__ = __add__
    __rmul__ = __mul__


def value(x):
    return x if isinstance(x, Value) else Value(x)


def exp(x):
    y = math.exp(x.data)
    return Value(y, (x, lambda g: g * y))


def log(x):
    return Value(math.log(x.data), (x, lambda g: g / x.data))


# %% [markdown]
# ## In which order?
#
# Look at `q = p + p; r = q + q`. It is the shape of every multi-task network: one
# trunk, several ways from it to the loss.
#
# ```text
#        ┌──►──┐       ┌──►──┐
#   p ───┤     ├── q ──┤     ├── r
#        └──►──┘       └──►──┘
# ```
#
# $q$ gets a share of $g$ through *each* of the two ways, and may pass its gradient on
# to $p$ only when *both* have come: else $p$ hears of one of them only. A value must
# wait for all its *children* on a way to the loss, the values computed from it. A child
# that has not spoken yet either waits itself or will be reached from one that waits,
# and both are younger. So it is enough to always take the **youngest** value that
# waits. And two shares for one value are **added**:
#
# $$
# \frac{\partial L}{\partial p}
# = \sum_{\text{children } v \text{ of } p}
# \frac{\partial L}{\partial v}\, \frac{\partial v}{\partial p}
# \tag{1.4}
# $$


# %%
def gradient(loss, wrt):
    """[∂loss/∂x for x in wrt]"""
    arrived = {loss.born: 1.0}  # ∂loss/∂loss = 1
    waiting = {loss.born: loss}
    while waiting:
        node = waiting.pop(max(waiting))  # the youngest: all its children have spoken
        g = arrived[node.born]
        for parent, share in node.pairs:
            arrived[parent.born] = arrived.get(parent.born, 0.0) + share(g)  # (1.4)
            waiting[parent.born] = parent
    return [arrived.get(x.born, 0.0) for x in wrt]


# %% [markdown]
# That was the engine, fifty lines. Gradients live in `arrived`, a dictionary of one
# walk, not on the values. So you may ask for the gradient of $L_1$, then of $L_2$, then
# of $L$, over the *same* trunk, and none disturbs the others. Engines that *store*
# gradients and add to what is there differ in where. Stored on the parameters alone, as
# in PyTorch, a second call gives the sum of both, and you must set them to zero in
# between: `zero_grad`, and forgetting it is a classic. Stored on inner values too, as
# in some small engines, it is worse: after $L_1$ there stands $-12$ at $h$; $L_2$ adds
# its $0.73$, and *all of it* is passed on to $u$ once more.


# %%
def losses(u, a, b, x=2.0, y=5.0, c=0.0, exp=exp, log=log):
    h = u * x  # one trunk ...
    z = b * h
    L1 = (a * h - y) ** 2
    L2 = log(1.0 + exp(z)) - c * z  # ... in both losses: (1.1)
    return L1, L2


parameters = [Value(0.5), Value(3.0), Value(1.0)]
L1, L2 = losses(*parameters)
for name, L in {"L1": L1, "L2": L2, "L1 + L2": L1 + L2}.items():
    gradients = [round(g, 3) for g in gradient(L, parameters)]
    print(f"{name:8} ∂/∂u, ∂/∂a, ∂/∂b =", gradients)
assert math.isclose(gradient(L1 + L2, parameters)[0], both * x)

# %% [markdown]
# The last line is the sum of the two above it. $a$ hears nothing of $L_2$, nor $b$ of
# $L_1$: a head belongs to one task. $u$ hears of both, $-24 + 1.46$: it is **shared**.
# With weights, each row is multiplied by its $w$ first: *the gradient of a weighted sum
# is the weighted sum of the gradients*.
#
# ## Is it right? The V
#
# Two ways to know a derivative that share no line of code can check each other. The
# other way is to try: change $u$ by a small step $s$ up and down,
#
# $$
# \frac{\partial L}{\partial u} \approx \frac{L(u + s) - L(u - s)}{2s},
# \qquad \text{error} \approx \underbrace{\frac{s^2}{6}\, |L'''|}_{\text{truncation}}
# + \underbrace{\frac{\epsilon\, |L|}{s}}_{\text{rounding}}
# \tag{1.5}
# $$
#
# The first part of the error is what the Taylor series leaves out; it falls with $s^2$.
# The second is that both $L$ are only known to a relative $\epsilon \approx 10^{-16}$,
# which the division by $s$ makes large; it *grows* as $s$ falls. So smaller is not
# better: the sum is least where its derivative by $s$ is 0, at
# $s = (3 \epsilon |L| / |L'''|)^{1/3}$, which is about $10^{-5}$ if $L$ and $L'''$ are
# of one size. The rounding part is a rough size; the truncation part is exact for small
# $s$. To draw both we need a third derivative that we know: $L = e^{u} + u^2$ has
# $L''' = e^u$.


# %%
def by_trying(f, u, s):
    return (f(u + s) - f(u - s)) / (2 * s)  # (1.5)


def f(u):
    return math.exp(u) + u * u


rng = np.random.default_rng(0)
steps = 10.0 ** np.arange(-12, 0)
points = rng.uniform(-2, 2, 200)
errors = []
for u in points:
    p = Value(u)
    engine = gradient(exp(p) + p * p, [p])[0]
    errors.append([abs(by_trying(f, u, s) - engine) for s in steps])
errors = np.array(errors)  # (200, 12)

# %%
truncation = np.exp(points).mean() * steps**2 / 6
rounding = 1.1e-16 * np.mean([f(u) for u in points]) / steps


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
    "The difference between engine and trial falls with the square of the step down to "
    "about 1e-5, then grows again as rounding takes over: a V, along the two lines of "
    "theory",
)

# %% [markdown]
# Without this picture people conclude from a step of $10^{-12}$ that their gradient is
# wrong, or from one of $0.1$ that a wrong one is right, since the error of the trial,
# $4 \cdot 10^{-3}$, hides the slip. Three more ways to fool yourself: numbers of 32
# bits ($\epsilon \approx 10^{-7}$: the best step is then about $10^{-2}$, its error
# $10^{-5}$); a kink, such as that of $\max(h, 0)$, between $u - s$ and $u + s$; and a
# slip in $L$ itself, of which both ways take the derivative.
#
# **The claim.** At the best step engine and trial differ by less than $10^{-6}$ at each
# of 200 random points; at both ends of the V the mean difference is larger. And the
# right arm is the line of theory.

# %%
mean = errors.mean(0)
best = steps[mean.argmin()]
largest = errors[:, steps == best].max()
print(
    f"best step {best:.0e}; there the largest of {len(points)} differences "
    f"is below 1e-6: {largest < 1e-6}"
)
assert largest < 1e-6
assert 1e-7 < best < 1e-3
assert mean[0] > 1e-6 and mean[-1] > 1e-6

right_arm = (steps > 1e-4) & (steps < 1)
assert np.allclose(mean[right_arm], truncation[right_arm], rtol=0.05)
ratio = mean[:7] / rounding[:7]  # of the left arm; rounding is a rough size
assert (0.2 < ratio).all() and (ratio < 2).all()

# %% [markdown]
# ## The package computes the same
#
# `mtl.Tensor` is `Value` for whole arrays. Its operations stand in the same pairs, and
# `mtl.tensor.chain_rule` is our `gradient`: the youngest first, shares added. What it
# has more: it handles arrays whose shapes differ, and it skips values that need no
# gradient. `mtl.gradient` asks it for some gradients, `mtl.jacobian` for those of T
# losses, one row each, and `mtl.Tensor.backward` adds them into the parameters, for
# training.

# %%
largest = 0.0
for _ in range(50):
    numbers = rng.normal(size=3)
    bought = float(rng.integers(2))
    ours = [Value(n) for n in numbers]
    theirs = [mtl.Parameter(n) for n in numbers]
    our_losses = losses(*ours, c=bought)
    their_losses = losses(*theirs, c=bought, exp=mtl.ops.exp, log=mtl.ops.log)
    for our_loss, their_loss in zip(our_losses, their_losses):
        expected = np.array(gradient(our_loss, ours))
        difference = np.abs(expected - mtl.gradient(their_loss, theirs)).max()
        largest = max(largest, difference / np.abs(expected).max())

    # ∂L₂/∂b on paper
    h = numbers[0] * 2
    z = numbers[2] * h
    assert math.isclose(expected[2], (1 / (1 + math.exp(-z)) - bought) * h)
print("largest relative difference below 1e-12:", largest < 1e-12)
assert largest < 1e-12

# %% [markdown]
# Read on in the source: first `mtl.Tensor`, whose `+`, `*` and `@` you will recognise,
# then `mtl.tensor.chain_rule` and `mtl.check_gradient`, which is the check by trying,
# entry by entry.
#
# ## Exercises
#
# Write in place of `raise NotImplementedError`, and run the cell.
# [Solutions](solutions/ch01.py).
#
# **1.1** On paper: the gradients of the total loss $w_1 L_1 + w_2 L_2$ of (1.1) with
# respect to $u$, $a$ and $b$. Then write them down.


# %%
def by_hand(u, a, b, x, y, c, w1, w2):
    """(∂L/∂u, ∂L/∂a, ∂L/∂b)"""
    raise NotImplementedError


check_by_hand(by_hand)

# %% [markdown]
# **1.2** Give the engine one more operation. The derivative of $\tanh$ is
# $1 - \tanh^2$.


# %%
def tanh(x):
    """A Value made from the Value x."""
    raise NotImplementedError


check_tanh(tanh, Value, gradient)

# %% [markdown]
# **1.3 Find the bug.** This walk is right for every chain, and for
# `q = p + p; r = q + q` too. For which computation is it wrong, and why? Mend it: put
# your version in place of the body.


# %%
def gradient_to_repair(loss, wrt):
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
# **1.4 Write the property that catches it.** A law takes *any* function
# `gradient(loss, wrt)` and asserts something that is true of the right ones. Yours will
# be run on right and wrong engines: one that goes through the values in the wrong
# order, one that overwrites shares instead of adding them, one that forgets to
# multiply. One expression can be enough, if the shared value in it has a parent itself
# and two ways of unequal length to the loss, the shorter of which is written first.


# %%
def law(gradient, Value):
    """Raises AssertionError if this gradient is wrong."""
    raise NotImplementedError


check_law(law, Value)

# %% [markdown]
# ## What this does not show
#
# That adding the two gradients is *good* for either task. The chain rule says what the
# sum does, not whether one should want it: at $h$ the two pulled in opposite
# directions. Nor that one step against the gradient lowers the loss: that is a matter
# of its length (chapter 6). And a gradient that is right to twelve digits is the
# gradient of the loss you *wrote*, not of the one you meant.
#
# ## To recall
#
# 1. Why are the gradients of two losses added at a shared value, and not averaged or
#    multiplied?
#    <details><summary>Answer</summary>To first order a small change of the value
#    changes each loss by its own gradient times the change, and the total loss is their
#    (weighted) sum.</details>
# 2. Why must the walk take the youngest value first?
#    <details><summary>Answer</summary>A value may pass its gradient on only when the
#    shares of all its children (on a way to the loss) have come. Children are younger
#    than parents, so the youngest waiting value waits for nobody.</details>
# 3. An engine stores gradients on the parameters and adds. You call it for $L_1$ and
#    then for $L_2$. What stands at $u$? And if it stores them on $h$ too?
#    <details><summary>Answer</summary>The sum of both, as one call for L₁ + L₂ would
#    give: −22.5 in the example. Stored on h too, what L₁ left there is passed on a
#    second time: −24 − 22.5.</details>
# 4. Your check by trying differs from the engine by $10^{-4}$ at a step of $10^{-12}$.
#    Is the engine wrong?
#    <details><summary>Answer</summary>You cannot tell. At that step rounding alone
#    makes errors of 1e-16 / 1e-12 = 1e-4 times the size of the loss. Try
#    1e-5.</details>
# 5. $w_1$ is doubled. What happens to the gradients at $u$, $a$ and $b$?
#    <details><summary>Answer</summary>That of a doubles, that of b stays, and at u the
#    part that comes from L₁ doubles: in the example from −24 + 1.46 to −48 +
#    1.46.</details>
