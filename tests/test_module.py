"""The laws of modules: parameters, how they are found, the one vector, saving and loading."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinymtl as mtl
from tinymtl import module
from tinymtl.ops import embedding


def by_pickle(thing):
    return pickle.loads(pickle.dumps(thing))


both_copies = pytest.mark.parametrize("copied", [copy.deepcopy, by_pickle])


# A parameter


def test_assigning_data_copies_into_the_array_that_is_there():
    p = mtl.Parameter([1.0, 2.0])
    array = p.data
    values = np.array([3.0, 4.0])
    p.data = values
    values[0] = 9
    assert p.data is array
    assert np.array_equal(array, [3, 4])


def test_assigning_a_gradient_copies_into_the_array_that_is_there():
    model = small_model()
    assert model.grad.shape == model.theta.shape  # packed: the gradients are views of one vector
    for p in model.parameters():
        array = p.grad
        values = np.full(p.shape, 3.0)
        p.grad = values
        values[:] = 9
        assert p.grad is array
    assert (model.grad == 3).all()
    for p in model.parameters():
        p.grad = None
    assert not model.grad.any()


def test_gradients_are_set_to_zero_in_a_loop_and_training_goes_on():
    x = np.ones((4, 2))
    by_loop = small_model()
    by_method = small_model()
    for model in (by_loop, by_method):
        optimizer = mtl.Adam(0.01)
        for _ in range(3):
            if model is by_method:
                model.zero_grad()
            else:
                for p in model.parameters():
                    p.grad = np.zeros_like(p.data)
            mtl.mse(model(x), np.ones((4, 1))).backward()
            optimizer.step(model)
    np.testing.assert_array_equal(by_loop.theta, by_method.theta)
    assert not np.array_equal(by_loop.theta, small_model().theta)


def test_a_gradient_assigned_to_a_sparse_table_is_one_of_all_its_rows():
    table = mtl.Embedding(3, 2, np.random.default_rng(0), sparse=True)
    before = table.table.data.copy()
    table.table.grad = np.ones((3, 2))
    mtl.SGD(0.5).step(table)
    np.testing.assert_allclose(table.table.data, before - 0.5)


def test_a_frozen_parameter_takes_no_gradient_but_nothing():
    p = mtl.Parameter([1.0, 2.0], sparse=True)
    p.freeze()
    p.grad = None
    p.grad = np.zeros(2)
    with pytest.raises(ValueError, match="grad: a frozen parameter has no gradient"):
        p.grad = np.ones(2)
    assert p.touched == []
    assert np.array_equal(p.grad, [0, 0])


@both_copies
@pytest.mark.parametrize("sparse", [False, True])
def test_copies_of_a_frozen_parameter_are_frozen(copied, sparse):
    p = mtl.Parameter([1.0, 2.0], sparse)
    assert not copied(p).frozen
    p.freeze()
    assert copied(p).frozen
    p.unfreeze()
    assert not copied(p).frozen


@both_copies
def test_copies_of_a_parameter_own_their_arrays(copied):
    p = mtl.Parameter([1.0, 2.0], sparse=True)
    p.grad += 5
    other = copied(p)
    assert np.array_equal(other.data, p.data)
    assert np.array_equal(other.grad, [0, 0])
    assert other.touched == []
    assert not np.shares_memory(other.data, p.data)


def test_sparse_parameter_notes_the_places_that_were_looked_up():
    table = mtl.Parameter(np.zeros((4, 2)), sparse=True)
    embedding(table, np.array([1, 3, 1])).sum().backward()
    (at,) = table.touched
    assert sorted(set(at.tolist())) == [2, 3, 6, 7]
    assert np.array_equal(table.grad, [[0, 0], [2, 2], [0, 0], [1, 1]])


def test_sparse_parameter_used_otherwise_is_touched_everywhere():
    table = mtl.Parameter(np.zeros((4, 2)), sparse=True)
    (table * 2).sum().backward()
    table[[0, 1]].sum().backward()
    assert table.touched == [slice(0, 8), slice(0, 8)]


def test_ordinary_parameter_notes_nothing():
    table = mtl.Parameter(np.zeros((4, 2)))
    embedding(table, np.array([1])).sum().backward()
    assert table.touched is None


# Finding parameters


class Nested(mtl.Module):
    """Parts in attributes, lists, a tuple, dicts and a module in a module.

    One part is there twice, and one attribute is private.
    """

    def __init__(self, rng):
        self.single = mtl.Dense(1, 2, rng)
        self.listed = [mtl.Dense(2, 3, rng), self.single]
        self.tupled = (mtl.Dense(3, 1, rng), mtl.tanh, "not a part", None)
        self.named = {
            "x": mtl.Embedding(2, 2, rng),
            "deep": [{"y": mtl.Sequential(mtl.Dense(1, 1, rng), mtl.relu)}],
        }
        self.free = mtl.Parameter([1.0, 2.0])
        self._private = mtl.Dense(9, 9, rng)


def test_parameters_are_found_in_lists_dicts_and_modules_each_once():
    assert list(Nested(np.random.default_rng(0)).named_parameters()) == [
        "single.W",
        "single.b",
        "listed.0.W",
        "listed.0.b",
        "tupled.0.W",
        "tupled.0.b",
        "named.x.table",
        "named.deep.0.y.parts.0.W",
        "named.deep.0.y.parts.0.b",
        "free",
    ]


def test_modules_are_found_each_once_and_switched_together():
    model = Nested(np.random.default_rng(0))
    assert len(model.modules()) == 7
    assert all(m.training for m in model.modules())
    model.train(False)
    assert not any(m.training for m in model.modules())
    model.train()
    assert all(m.training for m in model.modules())


# How a module is shown


def test_a_layer_is_shown_in_one_line_with_its_sizes():
    rng = np.random.default_rng(0)
    assert repr(mtl.Dense(3, 2, rng)) == "Dense(3, 2)"
    assert repr(mtl.Embedding(7, 2, rng, sparse=True)) == "Embedding(7, 2, sparse)"
    assert repr(mtl.RNN(3, 4, rng)) == "RNN(3, 4)"
    assert repr(mtl.Conv1D(3, 4, 2, rng)) == "Conv1D(3, 4, width 2, same)"
    assert repr(mtl.Dropout(0.5, rng)) == "Dropout(0.5)"


def test_a_model_is_shown_as_a_tree_with_the_number_of_parameters_of_each_layer():
    rng = np.random.default_rng(0)
    trunk = mtl.Sequential(mtl.Dense(8, 32, rng), mtl.relu)
    model = mtl.HardSharing(trunk, {"price": mtl.Dense(32, 1, rng)})
    lines = [
        "HardSharing: 321 parameters, 288 of them shared",
        "  trunk: Sequential",
        "    parts",
        "      0: Dense(8, 32)   288",
        "      1: relu",
        "  heads",
        "    price: Dense(32, 1)  33",
    ]
    got = [line.split() for line in repr(model).splitlines()]
    assert got == [line.split() for line in lines]


# One vector


def test_theta_holds_all_parameters_side_by_side_and_grad_is_its_twin():
    model = Nested(np.random.default_rng(0))
    before = [p.data.copy() for p in model.parameters()]
    np.testing.assert_array_equal(model.theta, np.concatenate([a.reshape(-1) for a in before]))
    for p in model.parameters():
        assert np.shares_memory(p.data, model.theta)
        assert np.shares_memory(p.grad, model.grad)
    model.theta[:] = np.arange(model.theta.size)
    np.testing.assert_array_equal(model.single.W.data, [[0, 1]])


def test_gradients_from_before_theta_was_asked_for_are_kept():
    layer = mtl.Dense(2, 1, np.random.default_rng(0))
    layer(np.array([[3.0, 4.0]])).backward(np.ones((1, 1)))
    np.testing.assert_array_equal(layer.grad, [3, 4, 1])


def packed(module):
    """The module, after it has moved its parameters into one vector: asking for theta does that."""
    assert module.theta is not None
    return module


@pytest.mark.parametrize("prepare", [lambda layer: layer, packed], ids=["not packed", "packed"])
def test_assigning_an_array_copies_into_the_parameter(prepare):
    layer = prepare(mtl.Dense(2, 1, np.random.default_rng(0)))
    parameter = layer.W
    values = np.array([[5.0], [6.0]])
    layer.W = values
    assert layer.W is parameter
    np.testing.assert_array_equal(layer.theta[:2], [5, 6])
    values[:] = 0
    np.testing.assert_array_equal(layer.W.data, [[5], [6]])


def test_assigning_a_tensor_copies_its_values_into_the_parameter():
    layer = packed(mtl.Dense(2, 1, np.random.default_rng(0)))
    layer.W = mtl.Tensor([[7.0], [8.0]])
    np.testing.assert_array_equal(layer.theta[:2], [7, 8])


def test_a_module_without_parameters_has_an_empty_theta():
    module = mtl.Sequential(mtl.tanh)
    assert module.theta.shape == module.grad.shape == (0,)
    module.zero_grad()


@both_copies
def test_a_copy_owns_its_parameters(copied):
    original = Nested(np.random.default_rng(0))
    before = original.theta.copy()
    twin = copied(original)
    np.testing.assert_array_equal(twin.theta, before)
    assert twin.listed[1] is twin.single
    twin.theta[:] = 0
    assert not twin.single(np.ones((1, 1))).data.any()
    np.testing.assert_array_equal(original.theta, before)


# The places of the vector that received gradient


class Words(mtl.Module):
    """A sparse table (V, E) before a dense layer.

    In theta a dense layer of 2 numbers lies before the table, and one of 3 numbers after it.
    """

    V, E = 7, 2

    def __init__(self):
        rng = np.random.default_rng(3)
        self.before = mtl.Dense(1, 1, rng)
        self.table = mtl.Embedding(self.V, self.E, rng, sparse=True)
        self.layer = mtl.Dense(self.E, 1, rng)

    def loss(self, ids):
        return self.layer(self.table(np.array(ids))).sum()

    def rows(self, vector):
        """The table's part of a vector like theta, (V, E)."""
        return vector[2 : 2 + self.V * self.E].reshape(self.V, self.E)

    def touched_places(self):
        places = np.arange(self.theta.size)
        return np.concatenate([places[at] for at in self.touched()])


def test_touched_places_are_the_dense_parameters_and_the_rows_looked_up():
    model = Words()
    model.loss([4, 1, 4]).backward()
    two_before = {0, 1}
    row_1 = {4, 5}
    row_4 = {10, 11}
    three_after = {16, 17, 18}
    assert set(model.touched_places()) == two_before | row_1 | row_4 | three_after


def test_zero_grad_forgets_the_rows_looked_up():
    model = Words()
    model.loss([4, 1, 4]).backward()
    model.zero_grad()
    assert sorted(model.touched_places()) == [0, 1, 16, 17, 18]


def test_zero_grad_clears_all_gradient_and_writes_only_where_some_arrived():
    model = Words()
    model.loss([1, 1, 5]).backward()
    model.loss([2]).backward()
    rows = model.rows(model.grad)
    assert rows[[1, 2, 5]].all()
    rows[3] = 7  # behind the model's back: nobody looks there
    model.zero_grad()
    assert rows[3].all()
    rows[3] = 0
    assert not model.grad.any()


def test_after_touch_all_zero_grad_writes_everywhere():
    model = Words()
    model.grad[:] = 7
    model.touch_all()
    model.zero_grad()
    assert not model.grad.any()


# Frozen parameters


def trained(model, optimizer, batches, after_step):
    """θ after a step for each batch of ids; after_step(model) is called after each."""
    for ids in batches:
        model.zero_grad()
        y = model.before(np.ones((1, 1)))
        loss = model.loss(ids) + (y * y).sum()
        if loss.needs_grad:
            loss.backward()
        optimizer.step(model)
        after_step(model)
    return model.theta.copy()


def nothing_more(model):
    """What is done after a step by default."""


def names_of(model):
    return list(model.named_parameters())


SOME_NAMES = st.sets(st.sampled_from(names_of(Words())), max_size=4)


@settings(max_examples=20)
@given(SOME_NAMES, st.sampled_from(["SGD", "momentum", "Adam"]))
def test_training_with_frozen_parameters_is_putting_them_back_after_every_step(frozen, optimizer):
    batches = [[4, 1, 4], [1, 2], [0]]
    make = OPTIMIZERS[optimizer]
    literal = Words()
    start = {name: literal.named_parameters()[name].data.copy() for name in frozen}

    def put_back(model):
        for name, values in start.items():
            model.named_parameters()[name].data = values

    expected = trained(literal, make(), batches, put_back)
    model = Words()
    for name in frozen:
        model.named_parameters()[name].freeze()
    np.testing.assert_array_equal(trained(model, make(), batches, nothing_more), expected)
    for name in frozen:
        assert not model.named_parameters()[name].grad.any()


@settings(max_examples=20)
@given(SOME_NAMES, st.booleans())
def test_touched_places_leave_out_frozen_ones_even_when_all_is_declared_touched(frozen, packed):
    model = Words()
    if packed:
        assert model.touched()
    parameters = model.named_parameters()
    for name in frozen:
        parameters[name].freeze()
    model.touch_all()
    expected = []
    start = 0
    for name, p in parameters.items():
        end = start + p.data.size
        if name not in frozen:
            expected.extend(range(start, end))
        start = end
    places = np.arange(model.theta.size)
    touched = [place for at in model.touched() for place in places[at]]
    assert sorted(touched) == expected


def test_unfreezing_gives_back_all_places():
    model = Words()
    before = model.touched()
    model.freeze()
    assert model.touched() == []
    model.unfreeze()
    assert model.touched() == before


def test_freezing_forgets_the_gradient_received_so_far():
    model = Words()
    model.loss([1, 4]).backward()
    model.before.W.grad[:] = 5
    model.freeze()
    assert not model.grad.any()
    model.unfreeze()
    assert sorted(model.touched_places()) == [0, 1, 16, 17, 18]


def test_what_is_made_of_frozen_parameters_alone_is_a_constant():
    model = Words()
    model.freeze()
    assert not model.loss([1]).needs_grad


def test_gradient_passes_through_a_frozen_layer_to_what_is_below_it():
    model = Words()
    model.loss([1]).backward()
    expected = model.table.table.grad.copy()
    model.zero_grad()
    model.layer.freeze()
    model.loss([1]).backward()
    np.testing.assert_array_equal(model.table.table.grad, expected)
    assert expected.any()


@both_copies
def test_copies_of_a_module_keep_what_is_frozen(copied):
    model = packed(Words())
    model.table.freeze()
    twin = copied(model)
    assert [p.frozen for p in twin.parameters()] == [False, False, True, False, False]
    twin.table.unfreeze()
    assert model.table.table.frozen


def test_frozen_layers_say_so_when_they_are_printed():
    model = Words()
    model.layer.b.freeze()
    model.table.freeze()
    got = [line.split() for line in repr(model).splitlines()]
    lines = [
        "Words: 19 parameters, 15 of them frozen",
        "before: Dense(1, 1)  2",
        "table: Embedding(7, 2, sparse), frozen  14",
        "layer: Dense(2, 1), partly frozen  3",
    ]
    assert got == [line.split() for line in lines]
    nested = Nested(np.random.default_rng(0))
    nested.free.freeze()
    assert "free: Parameter (2,), frozen" in repr(nested)


def test_a_graph_that_is_older_than_the_freezing_is_refused():
    model = Words()
    loss = model.loss([1])
    model.layer.freeze()
    with pytest.raises(RuntimeError, match="compute the loss again"):
        loss.backward()


# One type


class EveryLayer(mtl.Module):
    """Words to numbers through one layer of each kind, all of one type."""

    def __init__(self, rng, dtype):
        self.table = mtl.Embedding(5, 3, rng, dtype=dtype)
        self.rnn = mtl.RNN(3, 4, rng, dtype)
        self.conv = mtl.Conv1D(4, 2, 2, rng, dtype=dtype)
        self.rest = mtl.Sequential(
            mtl.Dropout(0.3, rng),
            mtl.Dense(2, 2, rng, dtype),
            mtl.tanh,
            mtl.Dense(2, 2, rng, dtype),
            mtl.relu,
        )

    def __call__(self, ids, lengths):
        h = self.rnn(self.table(ids), lengths)
        return self.rest(self.conv(h))


OPTIMIZERS = {
    "SGD": lambda: mtl.SGD(0.1),
    "momentum": lambda: mtl.SGD(0.1, momentum=0.9),
    "Adam": lambda: mtl.Adam(),
}


@pytest.mark.parametrize("make_optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_float32_stays_float32_throughout(make_optimizer):
    model = EveryLayer(np.random.default_rng(0), np.float32)
    optimizer = make_optimizer()
    ids = np.array([[0, 1, 2], [3, 4, 4]])
    lengths = np.array([2, 3])
    for _ in range(2):
        out = model(ids, lengths)
        loss = mtl.mse(out, np.zeros(out.shape, np.float32))
        gradients = mtl.gradient(loss, model.parameters())
        loss.backward()
        optimizer.step(model)
        memory = [getattr(optimizer, name) for name in optimizer.memory]
        arrays = [out.data, loss.data, model.theta, model.grad, *gradients, *memory]
        assert {array.dtype for array in arrays} == {np.dtype(np.float32)}


# Saving and loading


def small_model(seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return mtl.Sequential(mtl.Dense(2, 3, rng, dtype), mtl.tanh, mtl.Dense(3, 1, rng, dtype))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("as_text", [False, True])
def test_load_reads_back_what_save_wrote(tmp_path, dtype, as_text):
    path = tmp_path / "checkpoint"  # the name is kept as it is: no .npz is added
    if as_text:
        path = str(path)
    saved = small_model(0, dtype)
    other = small_model(1, dtype)
    saved.save(path)
    other.load(path)
    np.testing.assert_array_equal(other.theta, saved.theta)
    np.testing.assert_array_equal(other.parts[0].W.data, saved.parts[0].W.data)
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint"]


def test_any_task_name_can_be_saved(tmp_path):
    rng = np.random.default_rng(0)
    tasks = ["a/b", "../c", "größe", "file", "W.npy", " "]
    model = mtl.HardSharing(mtl.tanh, {task: mtl.Dense(2, 1, rng) for task in tasks})
    saved = model.theta.copy()
    model.save(tmp_path / "model.npz")
    model.theta[:] = 0
    model.load(tmp_path / "model.npz")
    np.testing.assert_array_equal(model.theta, saved)


@pytest.mark.parametrize("frozen", [False, True])
def test_files_hold_frozen_parameters_and_loading_leaves_them_frozen(tmp_path, frozen):
    saved = small_model(0)
    saved.parts[0].freeze()
    saved.save(tmp_path / "model.npz")
    other = small_model(1)
    if frozen:
        other.freeze()
    other.load(tmp_path / "model.npz")
    np.testing.assert_array_equal(other.theta, saved.theta)
    assert {p.frozen for p in other.parameters()} == {frozen}


def one_head_more_one_less_one_other():
    """A file's model, another one, and what the two have in common, which is the trunk."""
    rng = np.random.default_rng(0)
    trunk = mtl.Dense(3, 4, rng)
    old = mtl.HardSharing(trunk, {"both": mtl.Dense(4, 1, rng), "old": mtl.Dense(4, 1, rng)})
    new = mtl.HardSharing(trunk, {"both": mtl.Dense(4, 2, rng), "new": mtl.Dense(4, 1, rng)})
    new.theta[:] = rng.standard_normal(new.theta.shape)
    return old, new


def test_loading_what_fits_tells_everything_that_did_not(tmp_path):
    old, new = one_head_more_one_less_one_other()
    old.save(tmp_path / "old.npz")
    heads_before = new.theta[new.P :].copy()
    assert new.load(tmp_path / "old.npz", strict=False) == {
        "heads.both.W": "should be float64 (4, 2), got float64 (4, 1)",
        "heads.both.b": "should be float64 (2,), got float64 (1,)",
        "heads.new.W": "should be float64 (4, 1), got nothing",
        "heads.new.b": "should be float64 (1,), got nothing",
        "heads.old.W": "should be nothing, got float64 (4, 1)",
        "heads.old.b": "should be nothing, got float64 (1,)",
    }
    np.testing.assert_array_equal(new.theta[: new.P], old.theta[: old.P])
    np.testing.assert_array_equal(new.theta[new.P :], heads_before)


@pytest.mark.parametrize("strict", [False, True])
def test_loading_a_file_that_fits_tells_nothing(tmp_path, strict):
    saved = small_model(0)
    saved.save(tmp_path / "model.npz")
    other = small_model(1)
    assert other.load(tmp_path / "model.npz", strict) == {}
    np.testing.assert_array_equal(other.theta, saved.theta)


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_a_save_that_fails_leaves_the_old_file_and_no_other(tmp_path, monkeypatch, error):
    path = tmp_path / "model.npz"
    small_model(0).save(path)
    old = path.read_bytes()

    def half_written(file, arrays):
        file.write(b"half")
        raise error("disk full")

    monkeypatch.setattr(module, "write_arrays", half_written)
    with pytest.raises(error):
        small_model(1).save(path)
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]


# What is refused: values that do not fit


def test_values_of_another_shape_or_type_are_refused_by_a_parameter():
    p = mtl.Parameter([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    with pytest.raises(ValueError, match=r"data: expected shape \(2, 3\), got \(3,\)"):
        p.data = np.ones(3)
    with pytest.raises(TypeError, match="data: expected float64, got float32"):
        p.data = np.ones((2, 3), np.float32)
    assert np.array_equal(p.data, [[1, 2, 3], [4, 5, 6]])


def test_assigning_what_does_not_fit_is_an_error_that_changes_nothing():
    layer = mtl.Dense(2, 1, np.random.default_rng(0))
    before = layer.theta.copy()
    with pytest.raises(ValueError, match=r"expected shape \(2, 1\), got \(1, 2\)"):
        layer.W = np.zeros((1, 2))
    with pytest.raises(TypeError, match="expected float64, got float32"):
        layer.W = np.zeros((2, 1), np.float32)
    with pytest.raises(ValueError, match="W lies in a model's theta and cannot be replaced"):
        layer.W = mtl.Parameter(np.zeros((2, 1)))
    np.testing.assert_array_equal(layer.theta, before)


def test_a_parameter_lies_in_one_theta_only():
    layer = packed(mtl.Dense(2, 2, np.random.default_rng(0)))
    with pytest.raises(ValueError, match="lies in another model's theta"):
        packed(mtl.Sequential(layer))


def test_parameters_of_two_types_are_an_error():
    rng = np.random.default_rng(0)
    model = mtl.Sequential(mtl.Dense(1, 1, rng), mtl.Dense(1, 1, rng, np.float32))
    with pytest.raises(TypeError, match="must have one type, got .*float32.*float64"):
        packed(model)


def test_two_parameters_with_one_path_are_an_error():
    rng = np.random.default_rng(0)
    heads = {1: mtl.Dense(2, 1, rng), "1": mtl.Dense(2, 1, rng)}
    with pytest.raises(ValueError, match="two parameters have one path"):
        mtl.HardSharing(mtl.tanh, heads).named_parameters()


# What is refused: files


def assert_refused(model, path, error=ValueError, match=None):
    """Loading is an error, and the model is as it was."""
    before = model.theta.copy()
    with pytest.raises(error, match=match):
        model.load(path)
    np.testing.assert_array_equal(model.theta, before)


def a_name_less(rng):
    return mtl.Sequential(mtl.Dense(2, 3, rng))


def a_name_more(rng):
    return mtl.Sequential(
        mtl.Dense(2, 3, rng), mtl.tanh, mtl.Dense(3, 1, rng), mtl.Dense(1, 1, rng)
    )


def another_shape(rng):
    return mtl.Sequential(mtl.Dense(2, 3, rng), mtl.tanh, mtl.Dense(3, 2, rng))


def another_type(rng):
    return small_model(0, np.float32)


OTHER_MODELS = [
    (a_name_less, r"parts.2.W should be float64 \(3, 1\), got nothing"),
    (a_name_more, r"parts.3.W should be nothing, got float64 \(1, 1\)"),
    (another_shape, r"parts.2.W should be float64 \(3, 1\), got float64 \(3, 2\)"),
    (another_type, r"parts.0.W should be float64 \(2, 3\), got float32 \(2, 3\)"),
]


@pytest.mark.parametrize("other, match", OTHER_MODELS)
def test_loading_another_model_is_an_error_that_names_what_differs(tmp_path, other, match):
    path = tmp_path / "other.npz"
    other(np.random.default_rng(0)).save(path)
    assert_refused(small_model(), path, match="another model: " + match)


def write_nothing(path, model):
    path.write_bytes(b"")


def write_text(path, model):
    path.write_text("weights: 1, 2, 3\n")


def write_pickle(path, model):
    path.write_bytes(pickle.dumps({"theta": model.theta}))


def write_pickled_array(path, model):
    arrays = {name: p.data for name, p in model.named_parameters().items()}
    arrays["parts.0.W"] = np.array([{}], dtype=object)
    with open(path, "wb") as file:
        np.savez(file, **arrays)


def write_single_array(path, model):
    with open(path, "wb") as file:
        np.save(file, model.theta)


@pytest.mark.parametrize(
    "write", [write_nothing, write_text, write_pickle, write_pickled_array, write_single_array]
)
def test_loading_what_is_no_checkpoint_is_an_error(tmp_path, write):
    model = small_model()
    path = tmp_path / "file"
    write(path, model)
    assert_refused(model, path, match="is not a readable checkpoint")


def test_loading_a_file_that_is_not_there_says_so(tmp_path):
    assert_refused(small_model(), tmp_path / "nowhere.npz", FileNotFoundError, "nowhere.npz")


def test_a_checkpoint_cut_short_anywhere_is_refused(tmp_path):
    model = mtl.Dense(1, 1, np.random.default_rng(0))
    path = tmp_path / "model.npz"
    model.save(path)
    whole = path.read_bytes()
    for n in range(0, len(whole), 7):
        path.write_bytes(whole[:n])
        assert_refused(model, path)


def test_a_checkpoint_with_a_damaged_byte_is_refused_or_read_right(tmp_path):
    model = mtl.Dense(1, 1, np.random.default_rng(0))
    before = model.theta.copy()
    path = tmp_path / "model.npz"
    model.save(path)
    whole = path.read_bytes()
    for i in range(len(whole)):
        damaged = bytes([whole[i] ^ 255])
        path.write_bytes(whole[:i] + damaged + whole[i + 1 :])
        try:
            model.load(path)
        except ValueError:
            pass
        np.testing.assert_array_equal(model.theta, before)


def test_a_layer_that_is_held_twice_is_printed_and_counted_once():
    layer = mtl.Dense(3, 3, np.random.default_rng(0))
    lines = repr(mtl.Sequential(layer, layer)).splitlines()
    assert lines[0] == "Sequential: 12 parameters"
    assert lines[2].split() == ["0:", "Dense(3,", "3)", "12"]
    assert lines[3].strip() == "1: Dense, the same as above"


def test_a_module_that_holds_its_parent_can_be_printed():
    parent = mtl.Sequential(mtl.Dense(1, 1, np.random.default_rng(0)))
    parent.parts[0].parent = parent
    assert repr(parent).splitlines()[0] == "Sequential: 2 parameters"
