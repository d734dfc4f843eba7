"""Calls that are refused. They stand in bad_calls.txt: a call, and below it how its error begins.

A message names the function, the argument, what is expected and what was got. Every parameter of
every public function has a row there, unless it is named here with a reason.
"""

import ast
import builtins
import functools
import inspect
import pickle
import re
import warnings
from pathlib import Path

import numpy as np
import pytest

import tinymtl as mtl
from tinymtl import closed_form, datasets, interaction, measures, ops, plots, rules, weighting

# The names that calls may use

NAMES = {
    "np": np,
    "mtl": mtl,
    "closed_form": closed_form,
    "datasets": datasets,
    "interaction": interaction,
    "measures": measures,
    "ops": ops,
    "plots": plots,
    "rules": rules,
    "weighting": weighting,
    "nan": float("nan"),
    "inf": float("inf"),
    "masked": np.ma.masked_array([1.0, 9.0], [False, True]),
    "ragged": [[1.0], [1.0, 2.0]],
    "two": np.ones(2),
    "G": np.array([[9.0, -3.0], [-3.0, 2.0]]),
    "no_gramian": np.array([[1.0, 9.0], [9.0, 1.0]]),
}


def parts(rng):
    return mtl.Dense(3, 2, rng), {"a": mtl.Dense(2, 1, rng), "b": mtl.Dense(2, 1, rng)}


def things():
    """New ones for every row: nothing that a call left behind helps the next one."""
    rng = np.random.default_rng(0)
    model = mtl.HardSharing(*parts(rng))
    layer = mtl.Dense(2, 1, rng)
    data = {task: (np.ones((4, 3)), np.ones((4, 1))) for task in "ab"}
    losses = {"a": mtl.mse, "b": mtl.mse}
    sgd = mtl.SGD(0.1)
    frozen = mtl.Parameter(np.ones(2))
    frozen.freeze()
    grown = mtl.Sequential(mtl.Dense(2, 1, rng))
    grown.theta  # from now on it is too late for another part
    grown.parts.append(mtl.Dense(1, 1, rng))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        matrix = np.matrix([[1.0, 2.0]])
    return {
        **NAMES,
        "rng": rng,
        "model": model,
        "data": data,
        "losses": losses,
        "layer": layer,
        "table": mtl.Embedding(3, 2, rng),
        "rnn": mtl.RNN(2, 2, rng),
        "conv": mtl.Conv1D(2, 2, 3, rng),
        "grown": grown,
        "matrix": matrix,
        "parameter": mtl.Parameter([1.0, 2.0]),
        "frozen": frozen,
        "tensor": mtl.Tensor([[1.0, 2.0]]),
        "z": mtl.Tensor([[1.0, 2.0], [0.0, 1.0]]),
        "sgd": sgd,
        "square": lambda x: x * x,
        "random": weighting.Random(rng),
        "pcgrad": weighting.PCGrad(rng),
        "uncertainty": weighting.Uncertainty(),
        "dwa": weighting.DWA(),
        "gradnorm": weighting.GradNorm(),
        **a_run(),
        **good_but_for(rng, model, data, losses, sgd),
    }


@functools.cache
def a_run():
    """What pictures show."""
    rng = np.random.default_rng(0)
    model = mtl.HardSharing(*parts(rng))
    data = {task: (rng.random((4, 3)), rng.random((4, 1))) for task in "ab"}
    losses = {"a": mtl.mse, "b": mtl.mse}
    history = mtl.fit(
        model, data, losses, optimizer=mtl.SGD(0.1), steps=3, cosines_every=1, quiet=True
    )
    report = interaction.step_report(model, data, losses, mtl.SGD(0.1))
    return {"history": history, "report": report}


def good_but_for(rng, model, data, losses, sgd):
    """Functions of many arguments, whose arguments are right unless a call names another one."""
    G = NAMES["G"]

    def ready(function, **good):
        return lambda **changes: function(**(good | changes))

    fit = ready(mtl.fit, model=model, data=data, losses=losses, optimizer=sgd, steps=2, quiet=True)
    compare = ready(
        mtl.compare, parts=parts, data=data, losses=losses, optimizer=sgd, steps=2, rng=rng
    )
    curves = ready(
        plots.curves, x=[1.0, 2.0], measured={"a": abs(G)}, xlabel="x", ylabel="y", title="t"
    )
    pareto = ready(
        plots.pareto, parameters=G, losses=G, weights=np.array([0.1, 0.9]), tasks=["a", "b"]
    )
    strength_curve = ready(
        plots.strength_curve,
        strengths=[0.1, 1.0],
        errors=[1.0, 2.0],
        standard_errors=[0.1, 0.1],
        theory=lambda strength: strength,
        best=0.5,
        alone=1.0,
        together=1.0,
    )
    trajectories = ready(
        plots.trajectories,
        landscape=lambda points: points**2,
        paths={"mgda": np.ones((1, 3, 2))},
        extent=(0, 1, 0, 1),
        tasks=["a", "b"],
        minima=[[0, 0], [1, 1]],
    )
    transfer_matrix = ready(plots.transfer_matrix, gain=G, errors=abs(G), tasks=["a", "b"])
    gain_by_fraction = ready(
        plots.gain_by_fraction, gains={"hard": ([0.1], [1.0], [0.1])}, measure="loss"
    )
    return {
        "fit": fit,
        "compare": compare,
        "curves": curves,
        "pareto": pareto,
        "strength_curve": strength_curve,
        "trajectories": trajectories,
        "transfer_matrix": transfer_matrix,
        "gain_by_fraction": gain_by_fraction,
    }


# The rows


def read_rows():
    """[(call, exception, how the message begins)]"""
    text = (Path(__file__).parent / "bad_calls.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    rows = []
    for call, error in zip(lines[::2], lines[1::2], strict=True):
        kind, beginning = error.strip().split(": ", 1)
        rows.append((call, getattr(builtins, kind), beginning))
    return rows


ROWS = read_rows()
WATCHED = ["model", "data", "layer", "table", "rnn", "parameter", "frozen", "tensor", "sgd"]
WATCHED += ["uncertainty", "dwa", "gradnorm", "history"]


def state(names):
    """All that a call might change."""
    θ = names["model"].theta.tobytes()
    gradients = names["model"].grad.tobytes(), names["parameter"].grad.tobytes()
    watched = [pickle.dumps(names[name]) for name in WATCHED]
    return watched, θ, gradients, names["rng"].bit_generator.state


@pytest.mark.parametrize("call, error, beginning", ROWS, ids=[row[0] for row in ROWS])
def test_a_bad_call_is_refused_by_name_and_changes_nothing(call, error, beginning):
    names = things()
    before = state(names)
    with pytest.raises(error) as caught:
        eval(call, names)
    assert type(caught.value) is error
    assert str(caught.value).startswith(beginning)
    assert state(names) == before


# Every parameter has a row

# Functions that other parts of the package call, with arguments that have been checked.
INNER = {
    "receive",
    "named_parameters",
    "ordered_parameters",
    "check_packed",
    "update",
    "go_on",
    "copy_for",
    "forward",
    "trunk_parameters",
    "own_range",
    "backward_by_task",
    "names",
    "check_tasks",
}
# What functions return. Users read them and do not make them.
RECORDS = {"History", "StepReport", "Comparison"}
# Rules of the losses alone take a Gramian, so that all rules have one form, and ignore it.
IGNORED = {
    (rule, "gramian") for rule in ("equal", "geometric", "stch", "Random", "Uncertainty", "DWA")
}
# Parameters that take whatever there is, or hand it on to what says the rest.
NO_BAD_VALUE = {
    ("node", "data"): "every operation makes one, so only NumPy looks at it",
    ("curves", "xlabel"): "it is written",
    ("curves", "ylabel"): "it is written",
    ("curves", "title"): "it is written",
    ("curves", "of_tasks"): "it counts as True or False",
    ("curves", "seeds"): "it is written",
    ("gain_by_fraction", "measure"): "it is written",
    ("gain_by_fraction", "seeds"): "it is written",
    ("gains", "seeds"): "it is written",
    ("strength_curve", "seeds"): "it is written",
    ("transfer_matrix", "seeds"): "it is written",
    ("Sequential", "x"): "it is the first part's",
    ("plot", "figure"): "it is that of plots.gains",
    ("curves", "mark"): "Python says that it is no pair",
    ("step", "report"): "Python says which part of a report it lacks",
    ("strength_curve", "theory"): "Python says that it cannot be called",
    ("strength_curve", "best"): "Python says that it is no number",
    ("strength_curve", "alone"): "Python says that it is no number",
    ("strength_curve", "together"): "Python says that it is no number",
}


CLASSES = {name: type(thing).__name__ for name, thing in things().items() if callable(thing)}
CLASSES |= {name: name for name in good_but_for(*[None] * 5)}


def public_functions():
    """(name, function) of all that `__all__` names, in modules too; methods are named alone."""
    for name in mtl.__all__:
        thing = getattr(mtl, name)
        for inner in members(thing) if inspect.ismodule(thing) else [thing]:
            if inspect.isclass(inner):
                yield from functions_of_class(inner)
            elif callable(inner):
                yield inner.__name__, inner


def members(module):
    """What a module offers: what its `__all__` names, or what is defined in it."""
    if hasattr(module, "__all__"):
        return [getattr(module, name) for name in module.__all__]
    named = {name: value for name, value in vars(module).items() if not name.startswith("_")}
    return [v for v in named.values() if getattr(v, "__module__", None) == module.__name__]


def functions_of_class(kind):
    """Its constructor and its `__call__` by its own name, methods by theirs."""
    if kind.__name__ in RECORDS:
        methods = []
    else:
        methods = [(kind.__name__, kind)]
    for name in dir(kind):
        method = inspect.getattr_static(kind, name)
        if not inspect.isfunction(method) or method.__module__.split(".")[0] != "tinymtl":
            continue
        if name == "__call__":
            methods.append((kind.__name__, method))
        elif not name.startswith("_") and name not in INNER:
            methods.append((name, method))
    return methods


def parameters():
    """(function, parameter) of all that is public."""
    found = set()
    for name, function in public_functions():
        found |= {(name, p) for p in inspect.signature(function).parameters if p != "self"}
    return found


def parameters_with_a_row():
    """(function, parameter) as messages name them, and as keywords of calls do."""
    found = set()
    for call, _, beginning in ROWS:
        function = name_of_function(call)
        if named := re.match(r"(?:\w+\.)?(\w+): (?:each of )?(\w+)", beginning):
            found |= {named.groups(), (function, named[2])}
        if named := re.match(r"(\w+): expected", beginning):
            found.add((function, named[1]))
        if isinstance(tree := ast.parse(call, mode="eval").body, ast.Call):
            found |= {(function, keyword.arg) for keyword in tree.keywords}
    return found


def name_of_function(call):
    """The name of the outermost function of a call."""
    tree = ast.parse(call, mode="eval").body
    function = getattr(tree, "func", tree)
    name = getattr(function, "attr", getattr(function, "id", ""))
    return CLASSES.get(name, name)  # a layer or a rule is called by the name of its class


def test_every_parameter_has_a_row_or_a_reason():
    excused = IGNORED | set(NO_BAD_VALUE)
    assert parameters() - parameters_with_a_row() == excused - parameters_with_a_row()
    assert excused <= parameters()


def test_a_new_parameter_is_noticed():
    found = parameters()
    assert ("fit", "patience") in found
    assert ("backward", "into") in found  # of a method
    assert ("RNN", "lengths") in found  # of a call of a layer
    assert ("nash_mtl", "gramian") in found  # of a function that a decorator made
    assert ("fit", "no such") not in parameters_with_a_row()
