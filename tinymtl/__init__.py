"""tinymtl: multi-task learning from first principles, in NumPy.

    L_total = Σ_t w_t · L_t          T tasks, weight w_t, loss L_t
    ΔL ≈ −η · G w                    what one small step of the shared parameters does to
                                     every task's loss; G = J Jᵀ

Letters, here and in every file: N examples, D input features, H hidden units, C classes, V rows of
an embedding table, E its width, L steps of a sequence, T tasks, P shared parameters; L_t loss, w_t
weight, λ strength of a penalty, η learning rate, J Jacobian (T, P), G Gramian (T, T), θ all
parameters, g the gradient from above.

Read in this order: checks, tensor, ops, gradcheck, losses, files, module, layers, optim, sharing,
rules, interaction, solvers, weighting, batches, history, checkpoint, step, progress, training,
measures, closed_form, datasets, plots, comparison. Each file imports only from files before it.
"""

from . import closed_form, datasets, interaction, measures, weighting
from .gradcheck import check_gradient
from .history import History
from .layers import RNN, Conv1D, Dense, Dropout, Embedding, Sequential
from .losses import (
    binary_cross_entropy,
    cross_entropy,
    l2_distance,
    l2_penalty,
    mse,
    weighted_sum,
)
from .module import Module, Parameter
from .ops import relu, sigmoid, tanh
from .optim import SGD, Adam
from .sharing import HardSharing, SingleTask, SoftSharing
from .tensor import Tensor, gradient, jacobian, no_grad, node
from .training import evaluate, fit

__version__ = "0.1.0"
__all__ = [
    # The engine
    "Tensor",
    "Parameter",
    "no_grad",
    "gradient",
    "jacobian",
    "node",
    "check_gradient",
    "relu",
    "tanh",
    "sigmoid",
    "mse",
    "cross_entropy",
    "binary_cross_entropy",
    "weighted_sum",
    "l2_penalty",
    "l2_distance",
    "Module",
    "Dense",
    "Embedding",
    "Sequential",
    "Dropout",
    "RNN",
    "Conv1D",
    "SGD",
    "Adam",
    # Multi-task learning
    "SingleTask",
    "HardSharing",
    "SoftSharing",
    "interaction",
    "weighting",
    "fit",
    "evaluate",
    "History",
    "measures",
    "compare",
    "Comparison",
    # Referees and pictures
    "closed_form",
    "datasets",
    "plots",
]

# Loaded when they are first asked for, so that `import tinymtl` stays quick.
_LATER = {"plots": None, "compare": "comparison", "Comparison": "comparison"}


def __getattr__(name):
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    holder = _LATER[name]
    if holder is None:
        return import_module(f"{__name__}.{name}")
    return getattr(import_module(f"{__name__}.{holder}"), name)


def __dir__():
    return sorted(set(globals()) | set(__all__))
