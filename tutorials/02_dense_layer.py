# %% [markdown]
# # 2 · A dense layer and the squared error
#
# *35 minutes.* A dense layer turns the inputs of many examples into predictions with
# one matrix product. It is the part from which almost every network is built. After
# this chapter you can derive its gradient, $X^\top$ times the residual, and check the
# derivation by its shapes. You can say why a bias receives a *sum* over examples. And
# you can compute, before training, the learning rate beyond which training explodes.
#
# ![](figures/02_divergence_map.svg)

# %% Import what the chapter needs tags=["hide-input"]
import matplotlib.pyplot as plt
import numpy as np
import tinymtl as mtl
from matplotlib.patches import Rectangle
from tinymtl.interaction import mean_and_error

from _show import show
from checks.ch02 import check_largest_rate, check_law, check_scale, check_step

# %% [markdown]
# **What you need**: [chapter 1](01_chain_rule.md) (a value hears from each of its
# children, and the shares are added), the matrix product, the density of a Gaussian
# for one section, and the eigenvalues of a symmetric matrix for the learning rate.
# Gradient descent is explained here.
#
# ## Notation
#
# | symbol | in code | shape | what it is |
# |---|---|---|---|
# | $N, D, C$ | `N`, `D`, `C` | numbers | examples, inputs of each, outputs of each |
# | $X$ | `X` | $(N, D)$ | inputs; one example a row |
# | $Y, \hat Y$ | `Y`, `Ŷ` | $(N, C)$ | targets, and what the layer predicts |
# | $W, b$ | `W`, `b` | $(D, C)$, $(C,)$ | weights and biases of the layer |
# | $L$ | `loss` | number | squared error, the *mean* over all $N C$ entries |
# | $G$ | `G` | $(N, C)$ | gradient that arrives at the prediction, $\partial L / \partial \hat Y$; from chapter 6 on $G$ is the Gramian |
# | $\eta$ | `rates` | number | learning rate; in code often several at once |
# | $H, \lambda_i$ | `H`, `eigenvalues` | $(D, D)$, number | curvature of the loss, and its eigenvalues; a bias adds a row and a column |
# | $\sigma^2$ | `variance` | number | variance of the noise in the targets |
#
# ## The layer and its loss
#
# The layer multiplies and adds. The loss squares what is missing and takes the mean:
#
# $$
# \hat Y = X W + b, \qquad \hat Y_{nc} = \sum_d X_{nd} W_{dc} + b_c \tag{2.1}
# $$
#
# $$
# L = \frac{1}{N C} \sum_n \sum_c (\hat Y_{nc} - Y_{nc})^2 \tag{2.2}
# $$
#
# Every row of $X$ is an example, so every row of $\hat Y$ is one too. The bias $b$ has
# only one row, and NumPy *broadcasts* it: it adds the same $b$ to each of the $N$ rows.
#
# ## The gradient, entry by entry
#
# We begin at the loss and walk back. In (2.2) each prediction stands in one square:
#
# $$
# G_{nc} = \frac{\partial L}{\partial \hat Y_{nc}}
# = \frac{2}{N C} (\hat Y_{nc} - Y_{nc}) \tag{2.3}
# $$
#
# The weight $W_{dc}$ is used once for *every* example $n$, to make $\hat Y_{nc}$. There
# it is multiplied by $X_{nd}$. Chapter 1 says: add the shares of all its children. So
#
# $$
# \frac{\partial L}{\partial W_{dc}}
# = \sum_n G_{nc}\, \frac{\partial \hat Y_{nc}}{\partial W_{dc}}
# = \sum_n X_{nd}\, G_{nc},
# \qquad\text{that is}\quad \frac{\partial L}{\partial W} = X^\top G \tag{2.4}
# $$
#
# The bias $b_c$ is used once for every example too, and is multiplied by 1. The input
# $X_{nd}$ is used once for every *output* $c$, and is multiplied by $W_{dc}$:
#
# $$
# \frac{\partial L}{\partial b_c} = \sum_n G_{nc},
# \qquad \frac{\partial L}{\partial X} = G\, W^\top \tag{2.5}
# $$
#
# You need not memorise where the transposes go. **A gradient has the shape of what it
# belongs to.** $X$ is $(N, D)$ and $G$ is $(N, C)$. There is one way to multiply them
# that gives $(D, C)$, the shape of $W$, and that is $X^\top G$.

# %% Define how matrices are drawn tags=["hide-input"]
GREY, PURPLE, GOLD = "#6C757D", "#7B3FA0", "#8A6D0B"


def block(ax, x, y, rows, columns, text, colour, copies=1):
    """A matrix around the height y, repeated downwards; returns where it ends."""
    width, height = 0.45 * columns, 0.45 * rows
    top = y + height * copies / 2
    for copy in range(1, copies):
        at = (x, top - height * (copy + 1))
        ax.add_patch(Rectangle(at, width, height, fill=False, ls=":", ec=colour))
    at = (x, top - height)
    ax.add_patch(Rectangle(at, width, height, fc=colour, alpha=0.25))
    ax.add_patch(Rectangle(at, width, height, fill=False, ec=colour, lw=1.5))
    ax.text(x + width / 2, top - height / 2, text, ha="center", va="center")
    return x + width


def formula(ax, x, y, parts):
    """Blocks and signs in a row."""
    for part in parts:
        if isinstance(part, str):
            ax.text(x + 0.35, y, part, ha="center", va="center", fontsize=13)
            x += 0.7
        else:
            x = block(ax, x, y, *part)


# %% Draw the shapes tags=["hide-input"]
figure, ax = plt.subplots(figsize=(7, 3.9), layout="constrained", facecolor="white")
n, d, c = 5, 3, 2
layer = [
    (n, d, "X\n(N, D)", GREY),
    "@",
    (d, c, "W\n(D, C)", PURPLE),
    "+",
    (1, c, "b (C,)", GOLD, n),
    "=",
    (n, c, "Ŷ\n(N, C)", GREY),
]
of_weights = [
    (d, n, "Xᵀ  (D, N)", GREY),
    "@",
    (n, c, "G\n(N, C)", GREY),
    "=",
    (d, c, "∂L/∂W\n(D, C)", PURPLE),
]
of_bias = ["sum of rows of", (n, c, "G\n(N, C)", GREY), "=", (1, c, "∂L/∂b", GOLD)]
ax.text(0, 4.6, "forward: b is repeated for each of the N rows", va="center")
formula(ax, 0, 3.0, layer)
ax.text(0, 1.45, "backward: the shares of the N rows are added", va="center")
formula(ax, 0, -0.2, of_weights)
formula(ax, 6.7, -0.2, [of_bias[0]])
formula(ax, 8.4, -0.2, of_bias[1:])
ax.set(xlim=(-0.1, 11.2), ylim=(-1.5, 4.9), aspect="equal")
ax.axis("off")
show(
    figure,
    "02_shapes.svg",
    "Each gradient has the shape of its parameter. Forward the bias is repeated over "
    "the examples; backward the rows of G are added up again.",
)

# %% [markdown]
# Now with numbers: three households, two inputs, one output. The products cost 2, 1
# and 4; the layer starts with both weights 1 and bias 0.
#
# **Predict**: it says 1, 1 and 2. What is the gradient of the bias, by (2.3) and (2.5)?
# Which input's weight has the larger gradient?
#
# <details><summary>Answer</summary>
#
# The residuals are $-1, 0, -2$, so $G = \tfrac23 (-1, 0, -2)$. Their sum is $-2$: raise
# the bias. The first input is 1 in rows 1 and 3, so its weight receives
# $\tfrac23(-1 - 2) = -2$; the second is 1 in rows 2 and 3 and receives
# $\tfrac23(0 - 2) = -1.33$.
#
# </details>

# %%
X = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])  # (N, D)
Y = np.array([[2.0], [1.0], [4.0]])  # (N, C)
W = np.array([[1.0], [1.0]])  # (D, C)
b = np.array([0.0])  # (C,)

Ŷ = X @ W + b  # (2.1)
loss = ((Ŷ - Y) ** 2).mean()  # (2.2)
G = 2 / Y.size * (Ŷ - Y)  # (2.3)
print(f"loss {loss:.3f}")
print("∂L/∂W =", (X.T @ G).ravel().round(3))  # (2.4)
print("∂L/∂b =", G.sum(0), "  ∂L/∂X =", (G @ W.T).round(2).tolist())  # (2.5)

# %% [markdown]
# ## An engine for arrays: undo the broadcasting
#
# The `Value` of chapter 1 held one number. To hold an array it needs one new idea.
# Adding $b$ of shape $(C,)$ to $X W$ of shape $(N, C)$ passes back a $g$ of shape
# $(N, C)$, and $b$ needs $(C,)$. The way back is always the same: **where an array was
# repeated on the way forward, its shares are summed on the way back.** Each of the $N$
# copies of $b$ is a use of $b$, and uses are added.


# %%
def unbroadcast(share, shape):
    """Sum a share over the axes along which an array of `shape` was repeated."""
    while share.ndim > len(shape):  # axes that were added in front
        share = share.sum(0)
    for axis, size in enumerate(shape):
        if size == 1:  # an axis of size 1 that was stretched
            share = share.sum(axis, keepdims=True)
    return share


class Array:
    """`Value` of chapter 1 for arrays. pairs: (parent, g -> the parent's share)"""

    clock = 0

    def __init__(self, data, *pairs):
        self.data = np.array(data, float)
        self.pairs = pairs
        Array.clock += 1
        self.born = Array.clock

    def __add__(self, other):
        return Array(self.data + other.data, (self, lambda g: g), (other, lambda g: g))

    def __matmul__(self, other):
        return Array(
            self.data @ other.data,
            (self, lambda g: g @ other.data.T),  # G Wᵀ
            (other, lambda g: self.data.T @ g),  # Xᵀ G
        )


def squared_error(Ŷ, Y):
    if Ŷ.data.shape != Y.shape:
        raise ValueError(f"shapes differ: {Ŷ.data.shape} and {Y.shape}")
    residual = Ŷ.data - Y
    slope = 2 / residual.size * residual  # (2.3)
    return Array((residual**2).mean(), (Ŷ, lambda g: g * slope))


# %% [markdown]
# The walk is that of chapter 1: the youngest first, and shares are added. One call is
# new.


# %%
def gradient(loss, wrt):
    """[∂loss/∂x for x in wrt]"""
    arrived = {loss.born: np.array(1.0)}
    waiting = {loss.born: loss}
    while waiting:
        node = waiting.pop(max(waiting))
        g = arrived[node.born]
        for parent, share in node.pairs:
            part = unbroadcast(share(g), parent.data.shape)  # new
            arrived[parent.born] = arrived.get(parent.born, 0.0) + part
            waiting[parent.born] = parent
    return [arrived[x.born] for x in wrt]


of_W, of_b = Array(W), Array(b)
loss = squared_error(Array(X) @ of_W + of_b, Y)
print([g.ravel().round(3).tolist() for g in gradient(loss, [of_W, of_b])])

# %% Check an axis in front and a stretched axis tags=["hide-input"]
share = np.arange(24.0).reshape(2, 4, 3)
assert np.array_equal(unbroadcast(share, (4, 3)), share.sum(0))
assert np.array_equal(unbroadcast(share[0], (4, 1)), share[0].sum(1)[:, None])
assert np.array_equal(unbroadcast(share, (4, 1)), share.sum((0, 2))[:, None])

column = Array(np.ones((4, 1)))  # stretched to three columns by the sum
stretched = squared_error(column + Array(np.zeros(3)), np.zeros((4, 3)))
assert np.allclose(gradient(stretched, [column])[0], np.full((4, 1), 0.5))

# %% [markdown]
# The same numbers as by hand. Why does `squared_error` insist on equal shapes? Because
# broadcasting also strikes where nobody wants it. **$(N,)$ against $(N, 1)$ becomes
# $(N, N)$**: NumPy reads $(N,)$ as one row and repeats both. Each prediction is then
# compared with the targets of *all* examples. The guess with the smallest mean squared
# error against all of them is their mean. Nothing fails, and the loss falls. But the
# best that a model can do is to predict this mean for everybody.

# %%
flat = Y[:, 0]  # (N,), for example read from a file
print("wrong:", (Ŷ - flat).shape, " right:", (Ŷ - Y).shape)

every_guess = np.linspace(0, 5, 501)
wrong_loss = [((guess - flat) ** 2).mean() for guess in every_guess]
best = every_guess[np.argmin(wrong_loss)]
print(f"best guess for each example: {best:.2f}, mean of the targets {flat.mean():.2f}")

# %% Ask the package tags=["hide-input"]
try:
    mtl.mse(mtl.Tensor(Ŷ), flat)
except ValueError as error:
    print("the package:", error)

# %% [markdown]
# ## What the mean divides by
#
# The mean in (2.2) divides by $N C$. Without the division by $N$, twice as many
# examples would make the gradient twice as long. With it, one learning rate serves any
# number. Dividing by $C$ has a consequence that people overlook. Column $c$ of $W$
# makes output $c$ alone, so several outputs are several fits side by side, with one
# thing in common: the factor $1/C$. **If you double the outputs, the gradient of each
# old column halves.** Two tasks stacked as two columns of one loss are two tasks with
# weight ½ each. As two losses that are added, each has weight 1.

# %%
rng = np.random.default_rng(0)
N, D, C = 6, 3, 2
X = rng.normal(size=(N, D))
Y = rng.normal(size=(N, C))
W = rng.normal(size=(D, C))

first_alone = 2 / N * X.T @ (X @ W[:, :1] - Y[:, :1])
both = 2 / (N * C) * X.T @ (X @ W - Y)
print("column 1 with one output: ", first_alone[:, 0].round(2))
print("column 1 with two outputs:", both[:, 0].round(2))

# %% [markdown]
# ## Why squares? A likelihood
#
# Suppose each target is the prediction plus Gaussian noise of variance $\sigma^2$,
# independent for each entry. For one output, the density of all targets is a product of
# $N$ bells. Take minus its logarithm. The product becomes a sum, and one bell becomes
# $(y_n - \hat y_n)^2 / (2\sigma^2) + \tfrac12 \log(2\pi\sigma^2)$. In the sum over $n$
# the squares add up to $N L$:
#
# $$
# -\log \prod_n \frac{1}{\sqrt{2\pi\sigma^2}}\,
# e^{-(y_n - \hat y_n)^2 / (2\sigma^2)}
# = \frac{N}{2\sigma^2}\, L + \frac{N}{2} \log(2 \pi \sigma^2) \tag{2.6}
# $$
#
# The last term does not depend on the weights. So the weights of the least mean squared
# error are those under which the data are most likely. Two things follow. Squares are
# the right choice when errors are bell-shaped, and a poor one when a few are enormous.
# And the factor in front of $L$ says how a loss *should* be weighted: more if it has
# more examples, less if its targets are noisy. Chapter 7 makes a rule of this. The best
# $\sigma^2$ follows too: the derivative $-N L / (2 \sigma^4) + N / (2 \sigma^2)$ is 0
# at $\sigma^2 = L$. The mean squared error *estimates* the variance of the noise.

# %% Compare the density with the loss tags=["hide-input"]
y, ŷ = Y[:, 0], (X @ W)[:, 0]
variance = 0.7
bell = np.exp(-((y - ŷ) ** 2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)
L = ((ŷ - y) ** 2).mean()
by_loss = N / (2 * variance) * L + N / 2 * np.log(2 * np.pi * variance)  # (2.6)
of_density = -np.log(bell).sum()
print(f"minus log of the density {of_density:.1f}, from the loss {by_loss:.1f}")

# %% [markdown]
# ## Gradient descent on a bowl
#
# > **In short: gradient descent.** The gradient points to where the loss rises fastest.
# > So take a step the other way: $W \leftarrow W - \eta\, \partial L / \partial W$, for
# > all parameters at once, and repeat. The learning rate $\eta$ is the length of the
# > step per unit of gradient. In the package a step is `mtl.SGD`. The S is for
# > *stochastic*: usually each step looks at a random part of the data, a batch. Here
# > each looks at all.
#
# How large may $\eta$ be? Write all parameters of one output as a vector $\theta$, with
# the bias as the weight of an input that is always 1. By (2.3) and (2.4) the gradient
# is $\tfrac2N X^\top (X \theta - y)$. At the best $\theta^*$ it is 0, so
# $X^\top X \theta^* = X^\top y$: these are the *normal equations* of least squares.
# Subtract the gradient at $\theta^*$ from the gradient at $\theta$. The targets cancel,
# and $H (\theta - \theta^*)$ remains, with the constant matrix $H = \tfrac2N X^\top X$.
# The loss that has this gradient is a bowl with lowest value $L^*$ and curvature $H$,
# $L = L^* + \tfrac12 (\theta - \theta^*)^\top H (\theta - \theta^*)$. A step does this
# to the distance from the goal:
#
# $$
# \theta_{k+1} - \theta^* = \theta_k - \theta^* - \eta H (\theta_k - \theta^*)
# = (I - \eta H)(\theta_k - \theta^*) \tag{2.7}
# $$
#
# $H$ is symmetric, so look along its eigenvectors. The part of the distance along
# eigenvector $i$ is multiplied by $1 - \eta \lambda_i$ in *every* step. It shrinks when
# this factor lies between $-1$ and $1$, that is, when $0 < \eta < 2/\lambda_i$. The
# direction with the largest eigenvalue, the steepest, is the first to fail:
#
# $$
# \text{descent settles} \iff 0 < \eta < \frac{2}{\lambda_{\max}},
# \qquad \lambda_{\max}: \text{largest eigenvalue of } H = \tfrac2N X^\top X \tag{2.8}
# $$
#
# At the border itself, that part jumps from side to side for ever. If two inputs are
# equal, one direction has $\lambda_i = 0$. It is flat: nothing moves there, and the
# loss does not depend on it.
#
# Let $\lambda_{\min}$ be the smallest eigenvalue that is not 0. The fastest rate is
# $2/(\lambda_{\max} + \lambda_{\min})$, because there the steepest and the flattest
# direction shrink by the same factor. With $\kappa = \lambda_{\max}/\lambda_{\min}$,
# the *condition number*, this factor is $(\kappa - 1)/(\kappa + 1)$. If $\kappa$ is
# large, it is close to 1, and descent is slow at every rate.

# %% Make two inputs, one of which varies more tags=["hide-input"]
X = rng.normal(size=(40, 2)) * [2.0, 0.9]
y = X @ np.array([1.0, -2.0]) + 0.3 * rng.normal(size=40)

# %%
H = 2 / len(X) * X.T @ X
eigenvalues = np.linalg.eigvalsh(H)
goal = np.linalg.lstsq(X, y, rcond=None)[0]
border = 2 / eigenvalues.max()  # (2.8)


def path(rate, steps=25):
    """The points that descent visits, (steps + 1, 2)."""
    θ = goal + [1.0, 2.5]
    points = [θ]
    for _ in range(steps):
        θ = θ - rate * 2 / len(X) * X.T @ (X @ θ - y)  # (2.7)
        points.append(θ)
    return np.array(points)


print("eigenvalues of H:", eigenvalues.round(2), f" border: {border:.3f}")

# %% Check (2.7) along a path tags=["hide-input"]
factor = np.eye(2) - 0.9 * border * H
distances = path(0.9 * border) - goal
assert np.allclose(distances[1:], distances[:-1] @ factor)

# %% Draw the bowl tags=["hide-input"]
figure, axes = plt.subplots(
    1, 3, figsize=(7.2, 2.9), sharey=True, layout="constrained", facecolor="white"
)
across, along = np.meshgrid(np.linspace(-2.6, 2.6, 81), np.linspace(-1.2, 3.2, 81))
offsets = np.stack([across, along], -1)
height = 0.5 * np.einsum("...i,ij,...j->...", offsets, H, offsets)
cases = ((0.1, "creeps"), (0.95, "zigzags in"), (1.05, "flies out"))
for ax, (part, words) in zip(axes, cases):
    ax.contour(across, along, height, levels=12, colors="0.82", linewidths=0.8)
    points = path(part * border) - goal
    colour = PURPLE if part > 1 else "black"
    ax.plot(*points.T, "o-", color=colour, markersize=3, linewidth=1.2)
    ax.plot(0, 0, "*", color="#E69F00", markersize=13)
    ax.set(xlim=(-2.6, 2.6), ylim=(-1.2, 3.2), xlabel="steep direction")
    ax.set_title(rf"{part} of 2/λ$_\mathrm{{max}}$: {words}", fontsize=10)
axes[0].set_ylabel("flat direction")
show(
    figure,
    "02_bowl.svg",
    "The same bowl, three learning rates, 25 steps from the same point; the star is "
    "the goal. A small rate creeps. A rate just below the border jumps from wall to "
    "wall and still arrives. Just beyond it, each jump is wider than the last.",
)

# %% [markdown]
# **Predict**: an input is recorded in grams instead of kilograms. What happens to the
# largest safe learning rate?
#
# <details><summary>Answer</summary>
#
# One column of $X$ is 1,000 times larger, so its entry on the diagonal of $X^\top X$ is
# a million times larger. If the inputs were of similar size before, $\lambda_{\max}$ is
# about a million times larger too, and the largest safe rate a million times smaller.
# All other directions then creep. This is why inputs are standardised: each column is
# shifted to mean 0 and divided by its standard deviation.
#
# </details>
#
# ## Measured: the divergence map
#
# > **In short: seed and standard error.** A *seed* is the number that random draws
# > start from: the same seed gives the same data. One seed may be lucky, so we repeat
# > with many and report the mean. Its *standard error* is the standard deviation over
# > seeds divided by the root of their number: how far the mean may be off by chance.
#
# Forty data sets, one for each seed, with inputs of different size. Several outputs are
# several fits side by side, so we train all learning rates at once: each column of $W$
# takes steps with a rate of its own. After 500 steps, is the loss lower than at the
# start? (A loss that explodes soon exceeds the largest number and becomes `inf`, then
# `nan`: `not a number`.)


# %% Make the data of a seed tags=["hide-input"]
def data(seed):
    """Inputs (30, 3), the last of them 1 for the bias, and targets (30, 1)."""
    rng = np.random.default_rng(seed)
    size = np.exp(rng.uniform(0, 1.5))
    X = size * rng.normal(size=(30, 2))
    y = X @ rng.normal(size=2) + 1 + 0.3 * rng.normal(size=30)
    return np.column_stack([X, np.ones(30)]), y[:, None]


# %%
def explodes(X, y, rates, steps=500):
    """For each learning rate, whether training ends above where it began."""
    W = np.zeros((X.shape[1], len(rates)))  # each column is a fit of its own
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(steps):
            G = 2 / len(X) * (X @ W - y)
            W = W - rates * (X.T @ G)
        at_end = ((X @ W - y) ** 2).mean(0)
    return ~(at_end < (y**2).mean())  # nan is not below anything


rates = np.geomspace(0.02, 2, 461)  # one per cent from each to the next
borders, exploded = [], []
for seed in range(40):
    X, y = data(seed)
    H = 2 / len(X) * X.T @ X
    borders.append(2 / np.linalg.eigvalsh(H).max())
    exploded.append(explodes(X, y, rates))
borders, exploded = np.array(borders), np.array(exploded)  # (40,), (40, 461)

settled = (~exploded).sum(1)  # for each data set, how many rates settle
measured = np.sqrt(rates[settled - 1] * rates[settled])  # where that changes

# %% Draw the divergence map tags=["hide-input"]
figure, ax = plt.subplots(figsize=(6.4, 3.8), layout="constrained", facecolor="white")
assert (np.diff(exploded.astype(int), axis=1) >= 0).all(), "one border in each row"
order = np.argsort(borders)
rows = np.arange(len(order) + 1)
ax.barh(rows[:-1] + 0.5, measured[order], 1.02, color="#DDE3EA")
ax.barh(rows[:-1] + 0.5, 2 - measured[order], 1.02, measured[order], color=PURPLE)
ax.stairs(borders[order], rows, orientation="horizontal", color="black", lw=2.5)
ax.text(0.03, 27, "settles", fontsize=19)
ax.text(0.62, 8, "explodes", fontsize=19, color="white", ha="center")
ax.text(0.33, 35, r"theory: 2/λ$_\mathrm{max}$", fontsize=14, ha="right")
ax.set(xscale="log", xlim=(0.02, 2), ylim=(0, len(order)))
ax.set_xticks([0.02, 0.05, 0.1, 0.2, 0.5, 1, 2], "0.02 0.05 0.1 0.2 0.5 1 2".split())
ax.minorticks_off()
ax.set_xlabel("learning rate η (log scale)")
ax.set_ylabel("40 data sets, a row each")
show(
    figure,
    "02_divergence_map.svg",
    "In all forty data sets training settles to the left of the black line and "
    "explodes to the right of it. The line, 2/λ_max, was computed from the inputs "
    "before any training.",
)

# %% [markdown]
# **The claim.** Training settles 1 % below $2/\lambda_{\max}$ and explodes 1 % above
# it, for each of 40 seeds; and where the map changes colour is where theory says.

# %% Try the claim tags=["hide-input"]
just_below, just_above = 0.99, 1.01
around = np.array([just_below, just_above])
below, above = 0, 0
for seed, border in enumerate(borders):
    near = explodes(*data(seed), border * around)
    below += near[0]
    above += near[1]
print(
    f"explode at {just_below} of the border: {below} of 40; "
    f"at {just_above} of it: {above} of 40"
)

ratio, error = mean_and_error(measured / borders)
print(f"measured ÷ predicted border: {ratio:.3f} ± {error:.3f}, 40 seeds")

# %%
X0, X1 = data(0)[0], data(1)[0]  # two tasks with the same parameters
H0, H1 = 2 / 30 * X0.T @ X0, 2 / 30 * X1.T @ X1
together = 2 / np.linalg.eigvalsh(H0 + H1).max()
print(f"border: task 0 {borders[0]:.3f}, task 1 {borders[1]:.3f}, both {together:.3f}")

# %% Check the claim tags=["hide-input"]
assert below == 0 and above == 40
assert abs(ratio - 1) < 0.01

y0, y1 = data(0)[1], data(1)[1]
both_X = np.sqrt(2) * np.vstack([X0, X1])  # its mean of squares is the sum of two means
both_y = np.sqrt(2) * np.vstack([y0, y1])
near = explodes(both_X, both_y, together * around)
assert near.tolist() == [False, True]
assert together < min(borders[:2])

# %% [markdown]
# The last line matters for multi-task learning. The curvature of a weighted sum of
# losses is $\sum_t w_t H_t$: **weights multiply curvature, and tasks add theirs.** A
# rate that is safe for each task alone can be too large for their sum.
#
# ## Bends: ReLU and tanh
#
# Two dense layers in a row are no more than one: $(X W_1) W_2 = X (W_1 W_2)$. Something
# that is not linear must stand between. It acts on each entry alone, so its share is
# $g$ times its own slope, entry by entry:
#
# $$
# \frac{d \max(x, 0)}{dx} = \begin{cases} 1 & x > 0 \\ 0 & \text{else} \end{cases}
# \qquad\qquad \frac{d \tanh(x)}{dx} = 1 - \tanh^2(x) \tag{2.9}
# $$


# %%
def relu(x):
    is_on = x.data > 0
    return Array(np.maximum(x.data, 0), (x, lambda g: g * is_on))  # (2.9)


def tanh(x):
    y = np.tanh(x.data)
    return Array(y, (x, lambda g: g * (1 - y**2)))  # (2.9)


# %% Draw the bends tags=["hide-input"]
figure, axes = plt.subplots(
    1, 2, figsize=(6.4, 2.5), sharey=True, layout="constrained", facecolor="white"
)
xs = np.linspace(-3, 3, 301)
bends = {
    "relu": (np.maximum(xs, 0), np.where(xs > 0, 1.0, 0.0)),
    "tanh": (np.tanh(xs), 1 - np.tanh(xs) ** 2),
}
for ax, (name, (values, slope)) in zip(axes, bends.items()):
    ax.axhline(0, color="0.85", linewidth=0.8)
    ax.plot(xs, values, color="black", linewidth=2.5)
    ax.plot(xs, slope, color=PURPLE, linewidth=2, linestyle="--")
    ax.set(title=name, ylim=(-1.2, 2.2), xlabel="x")
axes[0].text(0.6, 1.75, "value")
axes[0].text(1.9, 0.65, "slope 1", color=PURPLE)
axes[0].text(-2.9, 0.15, "slope 0", color=PURPLE)
axes[1].text(1.6, 1.1, "value")
axes[1].text(-2.9, 0.35, "slope", color=PURPLE)
show(
    figure,
    "02_bends.svg",
    "The slope of relu is 0 or 1, so it passes a gradient whole or not at all. The "
    "slope of tanh is 1 in the middle and fades on both sides.",
)

# %% [markdown]
# A ReLU unit that is off for *all* examples receives no gradient and stays off: it is
# *dead*, which a step that was too large can cause. A tanh far from 0 hardly passes
# anything either; it is *saturated*.
#
# ## The package computes the same
#
# `mtl.Dense` is our layer in one operation, `mtl.mse` our loss, `mtl.relu` and
# `mtl.tanh` our bends. `mtl.Sequential` puts parts one after the other, and `mtl.SGD`
# takes the step.

# %%
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(7, 3)), rng.normal(size=(7, 2))
model = mtl.Sequential(mtl.Dense(3, 4, rng), mtl.relu, mtl.Dense(4, 2, rng))
loss = mtl.mse(model(X), Y)
loss.backward()  # adds the gradient of each parameter p into p.grad
expected = model.theta - 0.1 * model.grad  # all parameters in a row: θ − η g

# %% Compare the gradients tags=["hide-input"]
W1, b1, W2, b2 = ours = [Array(p.data) for p in model.parameters()]
our_loss = squared_error(relu(Array(X) @ W1 + b1) @ W2 + b2, Y)
for p, g in zip(model.parameters(), gradient(our_loss, ours)):
    print(p.shape, "the same gradient:", np.allclose(p.grad, g, rtol=0, atol=1e-12))

# %%
mtl.SGD(0.1).step(model)
print("the same step:", np.array_equal(model.theta, expected))

# %% Check many networks, with both bends tags=["hide-input"]
for seed in range(20):
    rng = np.random.default_rng(seed)
    X, Y = rng.normal(size=(7, 3)), rng.normal(size=(7, 2))
    first, last = mtl.Dense(3, 4, rng), mtl.Dense(4, 2, rng)
    for bend, package_bend in ((relu, mtl.relu), (tanh, mtl.tanh)):
        model = mtl.Sequential(first, package_bend, last)
        W1, b1, W2, b2 = ours = [Array(p.data) for p in model.parameters()]
        our_loss = squared_error(bend(Array(X) @ W1 + b1) @ W2 + b2, Y)
        theirs = mtl.gradient(mtl.mse(model(X), Y), model.parameters())
        for a, b in zip(gradient(our_loss, ours), theirs):
            assert np.allclose(a, b, rtol=0, atol=1e-12)

# %% [markdown]
# ## Exercises
#
# Write your answer in place of `raise NotImplementedError`, and run the cell.
# [Solutions](solutions/ch02.py).
#
# ### Exercise 2.1 · A gain and a bias for each feature
#
# *5 minutes, easy.*
#
# The layer $y_{nd} = x_{nd}\, s_d + b_d$ has a gain and a bias for each feature. Both
# are repeated over the $N$ examples. Given the gradient $g$ that arrives at $y$, write
# down the gradients of $s$, $b$ and $x$.
#
# <details><summary>First hint</summary>
#
# Write down the shapes of the three gradients before anything else.
#
# </details>
#
# <details><summary>Second hint</summary>
#
# $s_d$ is used once for every example $n$, and is multiplied by $x_{nd}$ there.
#
# </details>


# %%
def scale(x, s, g):
    """(∂L/∂s, ∂L/∂b, ∂L/∂x) of shapes (D,), (D,), (N, D).

    x (N, D), s (D,), and g = ∂L/∂y (N, D)
    """
    raise NotImplementedError


check_scale(scale)

# %% [markdown]
# ### Exercise 2.2 · The largest learning rate
#
# *10 minutes, medium.*
#
# A dense layer *with a bias* and one output is trained on inputs $X$ with the loss
# $w \cdot$ mean squared error. Beyond which learning rate does descent explode?
#
# <details><summary>First hint</summary>
#
# The bias is the weight of an input that is 1 in every row.
#
# </details>
#
# <details><summary>Second hint</summary>
#
# Multiplying a loss by $w$ multiplies its gradient, and with it $H$, by $w$.
#
# </details>
#
# <details><summary>Third hint</summary>
#
# `np.linalg.eigvalsh` gives the eigenvalues of a symmetric matrix.
#
# </details>


# %%
def largest_rate(X, w):
    """The learning rate beyond which descent explodes; X (N, D), w a number."""
    raise NotImplementedError


check_largest_rate(largest_rate)

# %% [markdown]
# ### Exercise 2.3 · Find the bug
#
# *10 minutes, medium.*
#
# One step of descent for two layers with a ReLU between them. At small learning rates
# it trains almost as well as the right one. Mend it. (Delete the `raise` to run it.)
#
# <details><summary>First hint</summary>
#
# All gradients of one step belong to the *same* point. Go through the lines and ask of
# each variable whether it is still what the forward pass used.
#
# </details>
#
# <details><summary>Second hint</summary>
#
# Which $W_2$ made the prediction, and which one passes the gradient back?
#
# </details>


# %%
def step(X, Y, W1, b1, W2, b2, rate):
    """(W1, b1, W2, b2) after one step of descent on mean((Ŷ - Y)²)."""
    raise NotImplementedError
    hidden = np.maximum(X @ W1 + b1, 0)  # (N, units)
    G = 2 / Y.size * (hidden @ W2 + b2 - Y)  # (N, C)
    W2 = W2 - rate * hidden.T @ G
    b2 = b2 - rate * G.sum(0)
    at_hidden = (G @ W2.T) * (hidden > 0)  # (N, units)
    W1 = W1 - rate * X.T @ at_hidden
    b1 = b1 - rate * at_hidden.sum(0)
    return W1, b1, W2, b2


check_step(step)

# %% [markdown]
# ### Exercise 2.4 · Write the property that catches it
#
# *15 minutes, hard.*
#
# Your law gets a function `gradients(X, Y, W, b)` that returns the gradients of the
# mean squared error of a dense layer, $(\partial L/\partial W, \partial L/\partial b)$.
# It asserts something that is true of right ones. It is run on right and wrong
# versions: some divide by the wrong number, some treat the bias wrongly.
#
# <details><summary>First hint</summary>
#
# You can compute the loss yourself. How does it change when $W$ and $b$ move a little?
#
# </details>
#
# <details><summary>Second hint</summary>
#
# $L(W + S) - L(W - S) \approx 2 \sum_{dc} S_{dc}\, \partial L/\partial W_{dc}$ for a
# small random $S$. Use random numbers, several examples *and several outputs*.
#
# </details>
#
# <details><summary>Third hint</summary>
#
# Move $W$ alone, then $b$ alone. Start at a bias that is not 0.
#
# </details>


# %%
def law(gradients):
    """Raises AssertionError if these gradients are wrong.

    gradients: function of X (N, D), Y (N, C), W (D, C), b (C,)
    """
    raise NotImplementedError


check_law(law)

# %% [markdown]
# ## What this does not show
#
# The border $2/\lambda_{\max}$ is exact for one layer, the squared error, all examples
# in each step, and plain descent. With a bend in between, the curvature differs from
# place to place, so it is a guide and no law. Random batches make steps noisy; they do
# not settle at a point. Adam divides by the size of the gradients, and its border is
# another. And the map says when training settles, not whether what was learned holds
# for new data.
#
# ## To recall
#
# 1. $X$ is $(100, 7)$, and the layer has 3 outputs. Which shapes have $G$ and
#    $X^\top G$?
#    <details><summary>Answer</summary>(100, 3), as the prediction has; and (7, 3), as W
#    has.</details>
# 2. Why is the bias's gradient a sum over examples, though the loss is a mean?
#    <details><summary>Answer</summary>Each example uses the bias once, and shares of
#    uses are added. The 1/N of the mean is in G already.</details>
# 3. Predictions have shape (50, 1) and targets (50,). What does NumPy make of the
#    difference, and what does a model learn from it?
#    <details><summary>Answer</summary>An array (50, 50): each prediction against all
#    targets. The model learns to predict the mean for everyone.</details>
# 4. The largest eigenvalue of $H$ is 8. What do the learning rates 0.2 and 0.3 do?
#    <details><summary>Answer</summary>The border is 2/8 = 0.25. At 0.2 the steepest
#    part of the distance is multiplied by 1 − 1.6 = −0.6 in each step: it settles. At
#    0.3 the factor is −1.4: it explodes.</details>
# 5. Under which assumption does the mean squared error give the most likely weights?
#    <details><summary>Answer</summary>The targets are the predictions plus independent
#    Gaussian noise of one variance.</details>
