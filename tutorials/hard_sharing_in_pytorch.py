"""Hard sharing in tinymtl and in PyTorch: the losses of 100 steps agree.

    python tutorials/hard_sharing_in_pytorch.py

Both begin with the same numbers. What stands between the two marks "on the page" is
shown in "Going on".
"""

import sys

import numpy as np
import tinymtl as mtl

try:
    import torch
except ImportError:
    sys.exit(
        "this script needs PyTorch, which is not installed here; "
        "to get it: python -m pip install torch"
    )

rng = np.random.default_rng(0)
x = rng.normal(size=(64, 6))  # 64 products with 6 features
y = {"price": rng.normal(size=(64, 1)), "department": rng.integers(3, size=64)}
w = {"price": 0.3, "department": 1.0}

# on the page {
# tinymtl
trunk = mtl.Sequential(mtl.Dense(6, 16, rng), mtl.relu)
heads = {"price": mtl.Dense(16, 1, rng), "department": mtl.Dense(16, 3, rng)}
losses = {"price": mtl.mse, "department": mtl.cross_entropy}
model = mtl.HardSharing(trunk, heads)
history = mtl.fit(
    model,
    {t: (x, y[t]) for t in y},
    losses,
    weights=w,
    optimizer=mtl.Adam(0.01),
    steps=100,
)

# PyTorch
torch.set_default_dtype(torch.float64)
trunk_ = torch.nn.Sequential(torch.nn.Linear(6, 16), torch.nn.ReLU())
heads_ = torch.nn.ModuleDict(
    {"price": torch.nn.Linear(16, 1), "department": torch.nn.Linear(16, 3)}
)
losses_ = {"price": torch.nn.MSELoss(), "department": torch.nn.CrossEntropyLoss()}

# The same start: the model above is a copy, and trunk and heads are as they were made.
layers = [(trunk_[0], trunk.parts[0])] + [(heads_[t], heads[t]) for t in heads]
with torch.no_grad():
    for theirs, ours in layers:
        theirs.weight.copy_(torch.tensor(ours.W.data.T))
        theirs.bias.copy_(torch.tensor(ours.b.data))

x_ = torch.tensor(x)
y_ = {t: torch.tensor(y[t]) for t in y}
optimizer = torch.optim.Adam([*trunk_.parameters(), *heads_.parameters()], lr=0.01)
recorded = {t: [] for t in heads}
for _ in range(100):
    features = trunk_(x_)
    L = {t: losses_[t](heads_[t](features), y_[t]) for t in heads}
    total = sum(w[t] * L[t] for t in heads)
    optimizer.zero_grad()
    total.backward()
    optimizer.step()
    for t in heads:
        recorded[t].append(L[t].item())
# on the page }

for t in heads:
    ours = history.losses[t]
    difference = np.abs(ours - recorded[t]).max()
    assert difference < 1e-9, f"{t}: the losses differ by {difference:.1e}"
    print(
        f"{t}: loss {ours[0]:.3g} to {ours[-1]:.3g} in 100 steps; "
        "tinymtl and PyTorch differ by less than 1e-9"
    )
