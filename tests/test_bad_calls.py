"""Calls that are refused: each row is a call, the exception, and how the message begins.

The rows are of layers, optimisers, rules, measures, referees and checks of gradients. A message
names the function, the argument, what is expected and what was got.
"""

import re

import numpy as np
import pytest

import tinymtl as mtl
from tinymtl import closed_form, datasets, interaction, measures, rules, weighting

nan = float("nan")
inf = float("inf")
masked = np.ma.masked_array([1.0, 9.0], [False, True])
ragged = [[1.0], [1.0, 2.0]]
G = np.array([[9.0, -3.0], [-3.0, 2.0]])
two = np.ones(2)
no_gramian = np.array([[1.0, 9.0], [9.0, 1.0]])


def things():
    """New ones for every row: nothing that a call left behind helps the next one."""
    rng = np.random.default_rng(0)
    heads = {"a": mtl.Dense(2, 1, rng), "b": mtl.Dense(2, 1, rng)}
    model = mtl.HardSharing(mtl.Dense(3, 2, rng), heads)
    data = {task: (np.ones((4, 3)), np.ones((4, 1))) for task in "ab"}
    losses = {"a": mtl.mse, "b": mtl.mse}
    frozen = mtl.Parameter(np.ones(2))
    frozen.freeze()
    return {
        **globals(),
        "closed_form": closed_form,
        "datasets": datasets,
        "interaction": interaction,
        "rules": rules,
        "measures": measures,
        "weighting": weighting,
        "rng": rng,
        "model": model,
        "data": data,
        "losses": losses,
        "layer": mtl.Dense(2, 1, rng),
        "parameter": mtl.Parameter([1.0, 2.0]),
        "frozen": frozen,
        "sgd": mtl.SGD(0.1),
        "square": lambda x: x * x,
    }


A_NUMBER = "must be a number, got"
NUMBERS = "must be real numbers in an array, got"
NOT_NEGATIVE = "must be finite and not negative, got"
POSITIVE = "must be finite and positive, got"
WHOLE = "must be a whole number, at least 1; got"
A_FUNCTION = "must be a function or a module, got"
A_GENERATOR = "must be a numpy.random.Generator, got"
TRUTH = "must be True or False, got"
FLOATS = "must be float32 or float64, got"
PRODUCTS = "must hold inner products of gradients"

ROWS = [
    # Layers
    ("mtl.Dense(0, 2, rng)", ValueError, f"Dense: n_in {WHOLE} 0"),
    ("mtl.Dense(2, 1.5, rng)", ValueError, f"Dense: n_out {WHOLE} 1.5"),
    ("mtl.Dense('2', 1, rng)", ValueError, f"Dense: n_in {WHOLE} '2'"),
    ("mtl.Dense(2, 1, 0)", TypeError, f"Dense: rng {A_GENERATOR} int"),
    ("mtl.Dense(2, 1, rng, int)", TypeError, f"Dense: dtype {FLOATS} <class 'int'>"),
    ("mtl.Dense(2, 1, rng, 'float16')", TypeError, f"Dense: dtype {FLOATS} 'float16'"),
    ("mtl.Dense(2, 1, rng, None)", TypeError, f"Dense: dtype {FLOATS} None"),
    ("mtl.Dense(2, 1, rng, complex)", TypeError, f"Dense: dtype {FLOATS} <class 'complex'>"),
    ("layer(np.ma.ones((3, 2)))", TypeError, "Dense: x must be an array without a mask, got"),
    ("layer([['a', 'b']])", TypeError, "Dense: x must be floating numbers in an array"),
    ("layer(np.ones((3, 2), int))", TypeError, "Dense: x must be floating numbers in an array"),
    ("layer(np.ones((3, 2)) * 1j)", TypeError, "Dense: x must be floating numbers in an array"),
    ("layer(ragged)", TypeError, "Dense: x must be floating numbers in an array"),
    ("layer(np.ones(3))", ValueError, "Dense: x must have shape (..., 2), got (3,)"),
    ("mtl.Embedding(0, 2, rng)", ValueError, f"Embedding: n_rows {WHOLE} 0"),
    ("mtl.Embedding(2, 0, rng)", ValueError, f"Embedding: width {WHOLE} 0"),
    ("mtl.Embedding(2, 2, None)", TypeError, f"Embedding: rng {A_GENERATOR} NoneType"),
    ("mtl.Embedding(2, 2, rng, nan)", ValueError, f"Embedding: scale {NOT_NEGATIVE} nan"),
    ("mtl.Embedding(2, 2, rng, -1.0)", ValueError, f"Embedding: scale {NOT_NEGATIVE} -1.0"),
    ("mtl.Embedding(2, 2, rng, '1')", TypeError, f"Embedding: scale {A_NUMBER} '1'"),
    ("mtl.Embedding(2, 2, rng, sparse='no')", TypeError, f"Embedding: sparse {TRUTH} 'no'"),
    ("mtl.Embedding(2, 2, rng, dtype=int)", TypeError, f"Embedding: dtype {FLOATS} <class"),
    ("mtl.Sequential([layer])", TypeError, f"Sequential: part 0 {A_FUNCTION} list"),
    ("mtl.Sequential(layer, None)", TypeError, f"Sequential: part 1 {A_FUNCTION} NoneType"),
    ("mtl.Sequential(mtl.Dense)", TypeError, f"Sequential: part 0 {A_FUNCTION} the class Dense"),
    ("mtl.Dropout(0.5, None)", TypeError, f"Dropout: rng {A_GENERATOR} NoneType"),
    ("mtl.Dropout('0.5', rng)", TypeError, f"Dropout: rate {A_NUMBER} '0.5'"),
    ("mtl.Dropout(0.5, rng)(masked)", TypeError, "Dropout: x must be an array without a mask"),
    ("mtl.Dropout(0.5, rng)('x')", TypeError, "Dropout: x must be floating numbers in an array"),
    ("mtl.RNN(0, 2, rng)", ValueError, f"RNN: n_in {WHOLE} 0"),
    ("mtl.RNN(2, -1, rng)", ValueError, f"RNN: n_hidden {WHOLE} -1"),
    ("mtl.RNN(2, 2, np.random)", TypeError, f"RNN: rng {A_GENERATOR} module"),
    ("mtl.RNN(2, 2, rng, object)", TypeError, f"RNN: dtype {FLOATS} <class 'object'>"),
    ("mtl.Conv1D(0, 2, 3, rng)", ValueError, f"Conv1D: n_in {WHOLE} 0"),
    ("mtl.Conv1D(2, 0, 3, rng)", ValueError, f"Conv1D: n_out {WHOLE} 0"),
    ("mtl.Conv1D(2, 2, '3', rng)", ValueError, f"Conv1D: width {WHOLE} '3'"),
    ("mtl.Conv1D(2, 2, 3, rng, [])", ValueError, "Conv1D: padding must be 'same' or 'valid', got"),
    # Parameters
    ("mtl.Parameter(masked)", TypeError, "data: expected an array without a mask, got"),
    ("mtl.Parameter([1.0], sparse='no')", TypeError, f"Parameter: sparse {TRUTH} 'no'"),
    ("setattr(parameter, 'data', masked)", TypeError, "data: expected an array without a mask"),
    ("setattr(parameter, 'grad', masked)", TypeError, "grad: expected an array without a mask"),
    ("setattr(parameter, 'grad', np.ones(3))", ValueError, "grad: expected shape (2,), got (3,)"),
    ("setattr(parameter, 'grad', [1, 2])", TypeError, "grad: expected float64, got int64"),
    ("setattr(frozen, 'grad', two)", ValueError, "grad: a frozen parameter has no gradient"),
    # Files
    ("layer.load('x', strict='no')", TypeError, f"load: strict {TRUTH} 'no'"),
    ("layer.save('a' + chr(0))", ValueError, "save: path must not contain NUL, got 'a"),
    # Optimisers
    ("mtl.SGD('0.1')", TypeError, f"SGD: learning_rate {A_NUMBER} '0.1'"),
    ("mtl.SGD(0.1, '0.9')", TypeError, f"SGD: momentum {A_NUMBER} '0.9'"),
    ("mtl.SGD(10**400)", ValueError, "SGD: learning_rate must be at most 1.8e308 in size"),
    ("mtl.Adam(0.1, epsilon=None)", TypeError, f"Adam: epsilon {A_NUMBER} None"),
    ("mtl.Adam(0.1, clip_norm=[1])", TypeError, f"Adam: clip_norm {A_NUMBER} [1]"),
    ("sgd.step(np.ones(2))", TypeError, "SGD.step: model must be a Module, got ndarray"),
    ("mtl.SGD(float).step(layer, '0.5')", TypeError, f"SGD: progress {A_NUMBER} '0.5'"),
    ("mtl.SGD(float).step(layer, 3)", ValueError, "SGD: progress must be in [0, 1], got 3"),
    ("mtl.SGD(str).step(layer, 0.5)", TypeError, f"SGD: learning_rate(0.5) {A_NUMBER} '0.5'"),
    # Rules
    ("weighting.equal(None)", TypeError, f"equal: losses {NUMBERS} object"),
    ("weighting.equal(['a'])", TypeError, f"equal: losses {NUMBERS} <U1"),
    ("weighting.equal(ragged)", TypeError, f"equal: losses {NUMBERS} list"),
    ("weighting.equal(two * 1j)", TypeError, f"equal: losses {NUMBERS} complex128"),
    ("weighting.equal(two > 0)", TypeError, f"equal: losses {NUMBERS} bool"),
    ("weighting.equal(masked)", TypeError, "equal: losses must be an array without a mask, got"),
    ("weighting.mgda(two, G * 1j)", TypeError, f"mgda: gramian {NUMBERS} complex128"),
    ("weighting.mgda(two, no_gramian)", ValueError, f"mgda: gramian {PRODUCTS}"),
    ("weighting.cagrad(two, G, c='1')", TypeError, f"cagrad: c {A_NUMBER} '1'"),
    ("weighting.cagrad(two, G, c=1e308)", ValueError, "cagrad: c must be in [0, 1e+100], got"),
    ("weighting.stch(two, preference='x')", TypeError, f"stch: preference {NUMBERS} <U1"),
    ("weighting.stch(two, ideal=None)", TypeError, f"stch: ideal {NUMBERS} object"),
    ("weighting.fairgrad(two, G, alpha='1')", TypeError, f"fairgrad: alpha {A_NUMBER} '1'"),
    ("weighting.Uncertainty(3)", TypeError, "Uncertainty: regression must be names, got 3"),
    ("weighting.Uncertainty((), '1')", TypeError, f"Uncertainty: learning_rate {A_NUMBER} '1'"),
    ("weighting.GradNorm('1')", TypeError, f"GradNorm: alpha {A_NUMBER} '1'"),
    ("weighting.DWA([2])", TypeError, f"DWA: temperature {A_NUMBER} [2]"),
    ("weighting.stationarity_gap(no_gramian)", ValueError, f"stationarity_gap: gramian {PRODUCTS}"),
    # How tasks meet
    ("interaction.gramian(masked)", TypeError, "gramian: jacobian must be an array without a mask"),
    ("interaction.gramian([['a']])", TypeError, f"gramian: jacobian {NUMBERS} <U1"),
    ("rules.needs_gramian(3)", TypeError, f"needs_gramian: rule {A_FUNCTION} int"),
    ("interaction.cosines(no_gramian)", ValueError, f"cosines: gramian {PRODUCTS}"),
    ("interaction.cosines(-G)", ValueError, f"cosines: gramian {PRODUCTS}"),
    ("interaction.cosines(G * 1j)", TypeError, f"cosines: gramian {NUMBERS} complex128"),
    (
        "interaction.magnitude_similarity(-G)",
        ValueError,
        f"magnitude_similarity: gramian {PRODUCTS}",
    ),
    (
        "interaction.conflict_rate(9 * np.ones((1, 2, 2)))",
        ValueError,
        "conflict_rate: cosines must be in [-1, 1], got 9.0",
    ),
    ("interaction.conflict_rate('x')", TypeError, f"conflict_rate: cosines {NUMBERS} <U1"),
    (
        "interaction.predicted_change(G, 'x', 0.1)",
        TypeError,
        f"predicted_change: weights {NUMBERS} <U1",
    ),
    (
        "interaction.predicted_change(G, two, '0.1')",
        TypeError,
        f"predicted_change: learning_rate {A_NUMBER} '0.1'",
    ),
    (
        "interaction.predicted_change(G, two, nan)",
        ValueError,
        f"predicted_change: learning_rate {NOT_NEGATIVE} nan",
    ),
    ("interaction.harm_rate([['x']])", TypeError, f"harm_rate: changes {NUMBERS} <U1"),
    ("interaction.mean_and_error(ragged)", TypeError, f"mean_and_error: values {NUMBERS} list"),
    ("interaction.mean_and_error(None)", TypeError, f"mean_and_error: values {NUMBERS} object"),
    (
        "interaction.transfer_gain(two, two, higher_is_better='no')",
        TypeError,
        f"transfer_gain: higher_is_better {TRUTH} 'no'",
    ),
    (
        "interaction.transfer_gain(two * 1j, two)",
        TypeError,
        f"transfer_gain: alone {NUMBERS} complex128",
    ),
    ("interaction.delta_m(two, 'x')", TypeError, f"delta_m: together {NUMBERS} <U1"),
    ("interaction.sure(1.0, -0.1)", ValueError, "sure: error must not be negative, got -0.1"),
    ("interaction.sure('1', 0.1)", TypeError, f"sure: gain {NUMBERS} <U1"),
    ("interaction.kind_of('1', 0.1)", TypeError, f"kind_of: gain {A_NUMBER} '1'"),
    ("interaction.kind_of(1.0, -0.1)", ValueError, "kind_of: error must not be negative, got -0.1"),
    (
        "interaction.neighbour_purity([['x'], ['y']], [0, 1])",
        TypeError,
        f"neighbour_purity: vectors {NUMBERS} <U1",
    ),
    (
        "interaction.step_report(layer, data, losses, sgd)",
        TypeError,
        "step_report: model must be a Sharing, got Dense",
    ),
    (
        "interaction.step_report(model, [1], losses, sgd)",
        TypeError,
        "step_report: batch must be a dict by task, got list",
    ),
    (
        "interaction.step_report(model, data, mtl.mse, sgd)",
        TypeError,
        "step_report: losses must be a dict by task, got function",
    ),
    (
        "interaction.step_report(model, data, {'a': 'mse', 'b': mtl.mse}, sgd)",
        TypeError,
        f"step_report: losses['a'] {A_FUNCTION} str",
    ),
    (
        "interaction.step_report(model, data, losses, mtl.Adam)",
        TypeError,
        "step_report: optimizer must be an Optimizer, got the class Adam",
    ),
    (
        "interaction.step_report(model, data, losses, sgd, [1.0, 1.0])",
        TypeError,
        "step_report: weights must be None, numbers by task, or a rule; got [1.0, 1.0]",
    ),
    (
        "interaction.lookahead_affinity(model, data, losses, '0.1')",
        TypeError,
        f"lookahead_affinity: learning_rate {A_NUMBER} '0.1'",
    ),
    (
        "interaction.layer_gramians(3, data, losses)",
        TypeError,
        "layer_gramians: model must be a Sharing, got int",
    ),
    ("interaction.row_norms(model, 3, losses)", TypeError, "row_norms: batch must be a dict"),
    # Measures
    ("measures.accuracy(masked, two)", TypeError, "accuracy: outputs must be an array without a"),
    ("measures.auc(ragged, two)", TypeError, "auc: outputs must be numbers in an array"),
    ("measures.r_squared(two, masked)", TypeError, "r_squared: targets must be an array without a"),
    ("measures.r_squared([1.0, inf], G[0])", ValueError, "r_squared: outputs must be finite, got"),
    ("measures.r_squared(G[0], [1.0, inf])", ValueError, "r_squared: targets must be finite, got"),
    # Referees
    ("closed_form.pooled(3, [two])", TypeError, "pooled: X must be a list of arrays, one for each"),
    ("closed_form.pooled([['x']], [two])", TypeError, f"pooled: X[0] {NUMBERS} <U1"),
    ("closed_form.pooled([G], [masked])", TypeError, "pooled: y[0] must be an array without a"),
    (
        "closed_form.soft_sharing([G], [[nan, 1.0]], 1.0)",
        ValueError,
        "soft_sharing: y[0] must be finite, got nan",
    ),
    (
        "closed_form.soft_sharing([G * inf], [two], 1.0)",
        ValueError,
        "soft_sharing: X[0] must be finite, got inf",
    ),
    (
        "closed_form.soft_sharing([G], [two], '1')",
        TypeError,
        f"soft_sharing: strength {A_NUMBER} '1'",
    ),
    ("closed_form.risk('1', 4, 2, 1.0, 1.0)", TypeError, f"risk: strength {NUMBERS} <U1"),
    ("closed_form.risk(nan, 4, 2, 1.0, 1.0)", ValueError, "risk: strength must not be negative"),
    ("closed_form.risk(1.0, 4, 2, nan, 1.0)", ValueError, f"risk: noise {NOT_NEGATIVE} nan"),
    ("closed_form.risk(1.0, 4, 2, 1.0, '1')", TypeError, f"risk: spread {A_NUMBER} '1'"),
    ("closed_form.best_strength('1', 1.0)", TypeError, f"best_strength: noise {A_NUMBER} '1'"),
    ("closed_form.best_strength(1.0, inf)", ValueError, f"best_strength: spread {NOT_NEGATIVE}"),
    ("closed_form.pooling_helps(4, None, 1)", TypeError, f"pooling_helps: noise {A_NUMBER} None"),
    ("closed_form.hard_sharing(G * nan, G, 1)", ValueError, "hard_sharing: X must be finite, got"),
    ("closed_form.hard_sharing(G, G * inf, 1)", ValueError, "hard_sharing: Y must be finite, got"),
    ("closed_form.hard_sharing(G, G, 1, 'x')", TypeError, f"hard_sharing: weights {NUMBERS} <U1"),
    ("closed_form.weight_decay(G * nan, 1)", ValueError, "weight_decay: B_ols must be finite, got"),
    ("closed_form.one_unit_loss('1')", TypeError, f"one_unit_loss: angle {A_NUMBER} '1'"),
    ("closed_form.one_unit_loss(1.0, 'x')", TypeError, f"one_unit_loss: weights {NUMBERS} <U1"),
    # Made-up tasks
    (
        "datasets.related_tasks(rng, 0.5, noise=-1)",
        ValueError,
        f"related_tasks: noise {NOT_NEGATIVE}",
    ),
    ("datasets.related_tasks(rng, 0.5, noise=nan)", ValueError, "related_tasks: noise must be"),
    (
        "datasets.related_tasks(rng, 0.5, scale=inf)",
        ValueError,
        "related_tasks: scale must be finite",
    ),
    ("datasets.related_tasks(rng, '0.5')", TypeError, f"related_tasks: relatedness {A_NUMBER}"),
    # Checks of gradients
    ("mtl.check_gradient(square)", ValueError, "check_gradient: arrays must be one or more, got"),
    ("mtl.check_gradient(3, two)", TypeError, f"check_gradient: function {A_FUNCTION} int"),
    ("mtl.check_gradient(square, 'x')", TypeError, f"check_gradient: array 0 {NUMBERS} <U1"),
    ("mtl.check_gradient(square, two, masked)", TypeError, "check_gradient: array 1 must be an"),
    ("mtl.check_gradient(square, [nan])", ValueError, "check_gradient: array 0 must be finite"),
    ("mtl.check_gradient(square, two, step=0)", ValueError, f"check_gradient: step {POSITIVE} 0"),
    (
        "mtl.check_gradient(square, two, tolerance=nan)",
        ValueError,
        f"check_gradient: tolerance {POSITIVE} nan",
    ),
    (
        "mtl.check_gradient(float, two[:1])",
        TypeError,
        f"check_gradient: function {A_FUNCTION} the class float",
    ),
    (
        "mtl.check_gradient(lambda x: 3.0, two)",
        TypeError,
        "check_gradient: the result of function must be a Tensor, got float",
    ),
]


@pytest.mark.parametrize("call, error, beginning", ROWS, ids=[row[0] for row in ROWS])
def test_a_bad_call_is_refused_by_name_and_changes_nothing(call, error, beginning):
    names = things()
    theta = names["model"].theta.copy()
    state = names["rng"].bit_generator.state
    with pytest.raises(error) as caught:
        eval(call, names)
    assert type(caught.value) is error
    assert re.match(re.escape(beginning), str(caught.value)), str(caught.value)
    np.testing.assert_array_equal(names["model"].theta, theta)
    assert names["rng"].bit_generator.state == state
    assert np.array_equal(names["parameter"].grad, [0, 0])
    assert names["sgd"].t == 0
