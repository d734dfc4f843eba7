"""The guide's parts against their formulas, written as plain loops; and the files of a guide."""

import itertools
import json
import os
import stat
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tinymtl import HardSharing, SingleTask
from tinymtl.losses import mse
from tinymtl.measures import auc
from tinymtl.module import Module, Parameter
from tinymtl.shop.baselines import most_common
from tinymtl.shop.experiment import make_parts
from tinymtl.shop.guide import (
    TRUNKS,
    DialogueHead,
    ProductTrunk,
    RecommendHead,
    answer_loss,
    centred,
    check_can_save,
    dialogue_loss,
    generate,
    load_guide,
    recommend_loss,
    save_guide,
    weight_decay,
    word_ids,
)
from tinymtl.shop.purchases import Shop, load, words
from tinymtl.shop.replies import Replies
from tinymtl.shop.split import Condition, Split
from tinymtl.tensor import Tensor, no_grad

VOCABULARY = word_ids(load())[1]


@pytest.fixture(scope="module")
def shop():
    return load()


@pytest.fixture
def guide(shop):
    split = Split(np.random.default_rng(5), Condition(fraction=0.5))
    model = HardSharing(*make_parts(split, np.random.default_rng(6), dtype=np.float64))
    # The own vectors start at 0, which would hide them.
    model.trunk.own.table.data = np.random.default_rng(7).normal(size=(1000, 16))
    model.train(False)
    return model, split


def features(model, shop, product):
    """tanh([mean word vector, own vector] W + b) of one product."""
    text = words(f"{shop.type[product]} {shop.size[product]}")
    rows = [VOCABULARY.index(word) for word in text]
    mean = np.mean(model.trunk.words.table.data[rows], axis=0)
    x = np.concatenate([mean, model.trunk.own.table.data[product]])
    return np.tanh(x @ model.trunk.layer.W.data + model.trunk.layer.b.data)


def test_features_are_tanh_of_a_dense_layer_over_mean_word_vector_and_own_vector(guide, shop):
    model, _ = guide
    some = np.array([3, 500, 3, 999])
    expected = [features(model, shop, product) for product in some]
    ids, _ = word_ids(shop)
    np.testing.assert_allclose(model.trunk((ids[some], some)).data, expected, rtol=1e-12)


PADDING = 7


def trunk_of_seven_words(kind):
    return ProductTrunk(3, PADDING, np.random.default_rng(0), np.float64, kind)


def read(trunk, *ids):
    """What the trunk reads from the words of one product."""
    return trunk.read(np.array([ids])).data[0]


@pytest.mark.parametrize("kind", TRUNKS)
def test_padding_is_not_read(kind):
    trunk = trunk_of_seven_words(kind)
    padded = read(trunk, 2, 5, PADDING, PADDING)
    np.testing.assert_allclose(read(trunk, 2, 5), padded, rtol=1e-12)


@pytest.mark.parametrize("kind", TRUNKS)
def test_only_a_dense_trunk_does_not_mind_the_order_of_the_words(kind):
    trunk = trunk_of_seven_words(kind)
    assert (kind == "dense") == np.allclose(read(trunk, 2, 5, 1), read(trunk, 1, 5, 2))


def test_a_dense_trunk_reads_the_mean_of_the_word_vectors():
    trunk = trunk_of_seven_words("dense")
    vectors = trunk.words.table.data
    expected = (vectors[2] + vectors[5]) / 2
    np.testing.assert_allclose(read(trunk, 2, 5), expected, rtol=1e-12)


def test_a_recurrent_trunk_reads_the_last_state():
    trunk = trunk_of_seven_words("recurrent")
    vectors = trunk.words.table.data
    W = trunk.reader.W.data
    U = trunk.reader.U.data
    b = trunk.reader.b.data
    h = np.tanh(vectors[2] @ W + b)
    h = np.tanh(vectors[5] @ W + h @ U + b)
    np.testing.assert_allclose(read(trunk, 2, 5), h, rtol=1e-12)


def test_a_convolutional_trunk_reads_the_mean_over_windows_of_three():
    trunk = trunk_of_seven_words("convolutional")
    vectors = trunk.words.table.data
    before, at, after = trunk.reader.W.data.reshape(3, 24, 24)
    b = trunk.reader.b.data
    first = np.tanh(vectors[2] @ at + vectors[5] @ after + b)
    second = np.tanh(vectors[2] @ before + vectors[5] @ at + b)
    np.testing.assert_allclose(read(trunk, 2, 5), (first + second) / 2, rtol=1e-12)


def test_answers_are_linear_in_the_features(guide, shop):
    model, _ = guide
    outputs = model({"answer": np.array([8])})["answer"]
    for question, layer in model.heads["answer"].questions.items():
        expected = features(model, shop, 8) @ layer.W.data + layer.b.data
        np.testing.assert_allclose(outputs[question].data[0], expected, rtol=1e-12)


def test_a_recommendation_is_popularity_plus_how_well_a_product_fits_the_basket(guide, shop):
    model, split = guide
    train = split.bought[split.households["train"]]
    head = model.heads["recommend"]
    head.size.data[:] = 0.7  # it starts at 0, which would hide it
    early = shop.early[:2]
    Z = np.array([features(model, shop, product) for product in range(1000)])
    got = model({"recommend": early})["recommend"]["late"].data
    for household, product in [(0, 0), (1, 77), (1, 999)]:
        n = early[household].sum()
        m = train["early"].mean(0)
        b = (early[household] - n * m / m.sum()) / np.sqrt(n)
        taste = b @ Z @ head.taste.W.data + head.taste.b.data
        appeal = Z[product] @ head.appeal.W.data + head.appeal.b.data
        had_not = ~train["early"][:, product]
        new = train["late"][had_not, product]
        p = (new.sum() + 1) / (len(new) + 2)
        size = 0.7 * np.log(n / m.sum())
        logit = taste @ appeal + size + np.log(p / (1 - p))
        assert got[household, product] == pytest.approx(logit, rel=1e-9)


P = 8  # products in the small baskets below
mean_baskets = hnp.arrays(np.float64, P, elements=st.floats(0.01, 1))
baskets = hnp.arrays(bool, P)


def centred_one(basket, mean):
    return centred(basket[None], mean)[0]


@given(baskets, mean_baskets)
def test_a_centred_basket_is_compared_with_the_expected_basket_of_its_size(basket, mean):
    n = sum(1 for is_bought in basket if is_bought)
    got = centred_one(basket, mean)
    for product in range(P):
        if n == 0:
            expected = 0
        else:
            expected = (basket[product] - n * mean[product] / sum(mean)) / n**0.5
        assert got[product] == pytest.approx(expected, rel=1e-12, abs=1e-14)


@given(mean_baskets, st.floats(1, 1000))
def test_a_basket_with_the_shares_of_the_mean_is_centred_to_0_at_any_size(mean, size):
    basket = size * mean / mean.sum()
    np.testing.assert_allclose(centred_one(basket, mean), 0, atol=1e-12)


@given(baskets, mean_baskets, st.floats(0.01, 100))
def test_the_size_of_a_basket_and_of_the_mean_say_nothing(basket, mean, times):
    b = centred_one(basket, mean)
    assert b.sum() == pytest.approx(0, abs=1e-12)
    np.testing.assert_allclose(centred_one(basket, times * mean), b, atol=1e-12)


@given(mean_baskets)
def test_without_purchases_the_centred_basket_is_exactly_0(mean):
    nothing = np.zeros((2, P), bool)
    np.testing.assert_array_equal(centred(nothing, mean), np.zeros((2, P)))


@given(baskets, baskets, mean_baskets)
def test_without_the_root_of_their_size_centred_baskets_add_up(one, other, mean):
    other = other & ~one
    both = one | other

    def unscaled(basket):
        return np.sqrt(basket.sum()) * centred_one(basket, mean)

    np.testing.assert_allclose(unscaled(both), unscaled(one) + unscaled(other), atol=1e-12)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_random_basket_is_centred_to_0_on_average_and_as_long_at_any_size(n):
    mean = np.array([0.9, 0.6, 0.3, 0.2])
    share = mean / mean.sum()
    average = np.zeros(4)
    square = 0
    for drawn in itertools.product(range(4), repeat=n):
        basket = np.bincount(drawn, minlength=4)  # a product may be drawn again
        probability = share[list(drawn)].prod()
        b = centred_one(basket, mean)
        average += probability * b
        square += probability * (b @ b)
    np.testing.assert_allclose(average, 0, atol=1e-15)
    assert square == pytest.approx(1 - share @ share)


def test_who_has_bought_nothing_is_recommended_the_same_as_anyone_without_a_taste(guide):
    model, _ = guide
    head = model.heads["recommend"]
    head.size.data[:] = 0.7
    Z = Tensor(np.random.default_rng(0).normal(size=(1000, 32)))
    nothing = np.zeros((1, 1000), bool)
    taste = head.taste.b.data
    appeal = Z.data @ head.appeal.W.data + head.appeal.b.data
    got = head((Z, nothing))["late"].data[0]
    np.testing.assert_allclose(got, appeal @ taste + head._popular["late"], rtol=1e-12)


def a_few(basket, n, rng):
    """n random products of a basket, as a basket."""
    few = np.zeros_like(basket)
    few[rng.choice(np.flatnonzero(basket), n, replace=False)] = True
    return few


@pytest.mark.parametrize("n", [1, 3, 10])
def test_a_new_customer_who_names_a_few_products_is_served_better_than_by_popularity(trained, n):
    agent, _ = trained
    split = Split(np.random.default_rng(0))  # the agent's
    bought = split.bought[split.households["test"]]
    others = bought["early"] | bought["late"]
    popular = most_common(split)["late"]  # (80, 1000)
    rng = np.random.default_rng(1)
    gains = np.zeros((5, len(bought)))
    for draw in range(5):
        named = np.array([a_few(basket, n, rng) for basket in bought["early"]])
        with no_grad():
            scores = agent.model({"recommend": named})["recommend"]["late"].data
        for i, candidates in enumerate(~named):
            gain = auc(scores[i], others[i], candidates) - auc(popular[i], others[i], candidates)
            gains[draw, i] = gain
    of_households = gains.mean(0)
    error = of_households.std(ddof=1) / np.sqrt(len(bought))
    assert of_households.mean() > 2 * error


def test_households_that_bought_nothing_expect_no_basket():
    nothing = np.zeros((3, 5), bool)
    with pytest.raises(ValueError, match="^RecommendHead: early must hold at least one purchase"):
        RecommendHead(nothing, ~nothing, np.random.default_rng(0), np.float32)


def test_in_training_about_half_of_each_basket_is_hidden_and_nothing_else(guide, shop):
    model, _ = guide
    model.train()
    visible = model({"recommend": shop.early})["recommend"]["visible"]
    assert not (visible & ~shop.early).any()
    kept = visible.sum() / shop.early.sum()
    assert 0.48 < kept < 0.52
    model.train(False)
    assert set(model({"recommend": shop.early[:1]})["recommend"]) == {"late"}


def test_the_recommendation_loss_counts_new_products_and_three_times_the_hidden_half():
    rng = np.random.default_rng(0)
    z, hidden = rng.normal(size=(2, 3, 5))
    early, late = rng.random((2, 3, 5)) < 0.5
    visible = early & (rng.random((3, 5)) < 0.5)
    bought = np.zeros(3, [("early", bool, 5), ("late", bool, 5)])
    bought["early"] = early
    bought["late"] = late

    def entropy(z, y):
        return np.log(1 + np.exp(z)) - y * z

    later = entropy(z, late)[~early].mean()
    found = entropy(hidden, early)[~visible].mean()
    outputs = {"late": Tensor(z), "hidden": Tensor(hidden), "visible": visible}
    assert float(recommend_loss(outputs, bought)) == pytest.approx(later + 3 * found)
    assert float(recommend_loss({"late": Tensor(z)}, bought)) == pytest.approx(later)


def test_the_answer_loss_is_the_sum_of_its_questions_with_half_of_category():
    rng = np.random.default_rng(0)
    widths = {"price": 1, "department": 3, "category": 5, "brand": 1}
    outputs = {name: rng.normal(size=(4, width)) for name, width in widths.items()}
    truth = np.zeros(4, [("price", float), ("department", int), ("category", int), ("brand", bool)])
    truth["price"] = [0.5, 1, -1, 0]
    truth["department"] = [0, 2, 1, 0]
    truth["category"] = [4, 0, 2, 2]
    truth["brand"] = [1, 0, 0, 1]

    def softmax(z):
        return np.exp(z) / np.exp(z).sum(1, keepdims=True)

    department = softmax(outputs["department"])
    category = softmax(outputs["category"])
    brand = 1 / (1 + np.exp(-outputs["brand"][:, 0]))
    expected = 0.0
    for i in range(4):
        p_brand = brand[i] if truth["brand"][i] else 1 - brand[i]
        expected += (outputs["price"][i, 0] - truth["price"][i]) ** 2 / 4
        expected += -np.log(department[i, truth["department"][i]]) / 4
        expected += 0.5 * -np.log(category[i, truth["category"][i]]) / 4
        expected += -np.log(p_brand) / 4
    tensors = {name: Tensor(z) for name, z in outputs.items()}
    assert float(answer_loss(tensors, truth)) == pytest.approx(expected)


def test_weight_decay_counts_every_matrix_once_and_own_vectors_more(guide):
    model, _ = guide
    expected = 0.0
    for name, p in model.named_parameters().items():
        if p.ndim == 2:
            λ = 0.01 + 0.5 if name == "trunk.own.table" else 0.01
            expected += λ * (p.data**2).sum()
    assert float(weight_decay(0.01, 0.5)(model)) == pytest.approx(expected)


def other_answers(shop):
    """The shop in which every product has the answers of another."""
    columns = dict(vars(shop))
    for name in ("department", "category", "brand", "price"):
        columns[name] = columns[name][::-1]
    return Shop(**columns)


def test_what_is_asked_is_never_an_input(shop, use_shop):
    """Other departments, categories, brands and prices, and the same network says the same."""
    outputs = []
    for each in (shop, other_answers(shop)):
        use_shop(each)
        split = Split(np.random.default_rng(0))
        model = SingleTask(*make_parts(split, np.random.default_rng(1)))
        with no_grad():
            outputs.append(model({"answer": np.arange(1000)})["answer"]["price"].data)
    np.testing.assert_array_equal(*outputs)


def test_mse_of_the_price_is_in_standardised_units():
    split = Split(np.random.default_rng(0), Condition(fraction=0.2))
    known = split.truth["price"][split.products["train"]]
    assert known.mean() == pytest.approx(0, abs=1e-5)
    assert known.std() == pytest.approx(1, abs=1e-5)
    assert float(mse(Tensor(np.zeros_like(known)), known)) == pytest.approx(1, abs=1e-5)


# Dialogue


@pytest.fixture(scope="module")
def replies(shop):
    return Replies(shop)


def test_logits_of_the_next_word_are_an_rnn_told_product_and_question_at_every_step():
    head = DialogueHead(6, np.random.default_rng(0), np.float64)
    z = np.random.default_rng(1).standard_normal((1, 32))
    asked = np.array([2])
    so_far = np.array([[0, 4, 4]])
    told = z[0] @ head.product.W.data + head.product.b.data + head.asked.table.data[2]
    W = head.state.W.data
    U = head.state.U.data
    b = head.state.b.data
    h = np.zeros(32)
    expected = []
    for word in so_far[0]:
        h = np.tanh((head.words.table.data[word] + told) @ W + h @ U + b)
        expected.append(h @ head.next.W.data + head.next.b.data)
    np.testing.assert_allclose(head((Tensor(z), asked, so_far)).data[0], expected, rtol=1e-10)


def test_the_dialogue_loss_is_the_mean_over_the_words_that_are_there():
    z = np.random.default_rng(0).standard_normal((2, 3, 4))
    reply = np.array([[1, 0, 3], [2, -1, -1]])
    p = np.exp(z) / np.exp(z).sum(2, keepdims=True)
    of_words = [p[0, 0, 1], p[0, 1, 0], p[0, 2, 3], p[1, 0, 2]]
    expected = -np.mean(np.log(of_words))
    assert float(dialogue_loss(Tensor(z), reply)) == pytest.approx(expected)


class Says:
    """A model whose next word depends on how much was said."""

    def __init__(self, replies, words):
        self.n = len(replies.vocabulary)
        self.words = [replies.vocabulary.index(word) for word in words]

    def __call__(self, inputs):
        _, asked, so_far = inputs["dialogue"]
        length = so_far.shape[1]
        next_word = self.words[min(length, len(self.words)) - 1]
        logits = np.zeros((len(asked), length, self.n))
        logits[:, -1, next_word] = 1
        return {"dialogue": Tensor(logits)}


def test_generation_takes_the_likeliest_word_until_the_end_and_ends_if_the_model_never_does(
    replies,
):
    two = np.array([0, 1])
    ending = Says(replies, ["this", "is", "eggs", "."])
    assert generate(ending, two, two, replies) == ["this is eggs"] * 2
    endless = Says(replies, ["is"])
    longest = " ".join(["is"] * replies.said.shape[2])
    assert generate(endless, two, two, replies) == [longest] * 2


# Files


class Small(Module):
    """A model in place of the guide; the values of its parameters are all `value`."""

    def __init__(self, value, width=3, dtype=np.float32):
        self.parts = {
            "trunk": Parameter(np.full((5, width), value, dtype)),
            "head": Parameter(np.full(2, value, dtype)),
        }


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "guide.npz"
    save_guide(path, Small(1.5), 7)
    return path


@pytest.mark.parametrize("seed", [0, 7, 2**64 + 1])
def test_a_loaded_guide_is_the_saved_one_and_its_seed_is_no_parameter(tmp_path, guide, seed):
    model, split = guide
    path = tmp_path / "guide.npz"
    save_guide(path, model, seed)
    other = HardSharing(*make_parts(split, np.random.default_rng(9), dtype=np.float64))
    assert not np.array_equal(other.theta, model.theta)
    n = len(other.theta)
    assert load_guide(path, other) == seed
    np.testing.assert_array_equal(other.theta, model.theta)
    assert len(other.theta) == n
    assert [file.name for file in tmp_path.iterdir()] == ["guide.npz"]


def test_other_programs_can_read_the_parameters_by_name(saved):
    with np.load(saved) as file:
        assert set(file.files) == {"parts.trunk", "parts.head", "about"}
        np.testing.assert_array_equal(file["parts.head"], [1.5, 1.5])


def test_a_guide_that_cannot_be_written_whole_is_not_written(saved, monkeypatch):
    before = saved.read_bytes()

    def full(file, *_, **__):
        file.write(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(np.lib.format, "write_array", full)
    with pytest.raises(OSError, match="no space left"):
        save_guide(saved, Small(2.0), 8)
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


@pytest.mark.skipif(os.name != "posix", reason="needs modes and links")
def test_a_saved_guide_has_the_mode_of_any_new_file_and_a_link_stays_a_link(saved):
    new = saved.with_name("new")
    new.touch()
    assert stat.S_IMODE(saved.stat().st_mode) == stat.S_IMODE(new.stat().st_mode)
    link = saved.with_name("link")
    link.symlink_to(saved)
    save_guide(link, Small(2.5), 9)
    assert link.is_symlink()
    assert load_guide(saved, Small(0.0)) == 9


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write_members(path, contents):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)


def an_object(path):
    """A member that only a pickle can hold."""
    np.savez(path, **{"parts.trunk": np.array([{}]), "parts.head": 1, "about": "no"})


def a_text(path):
    path.write_text("no guide")


def an_empty_file(path):
    path.write_bytes(b"")


def cut_short(path):
    path.write_bytes(path.read_bytes()[:-50])


def a_changed_byte(path):
    content = bytearray(path.read_bytes())
    at = content.find(np.float32(1.5).tobytes() * 4)
    content[at] ^= 1
    path.write_bytes(content)


def an_array_alone(path):
    with open(path, "wb") as file:
        np.save(file, np.ones(3))


def a_checkpoint(path):
    Small(1.5).save(path)


def another_kind(path):
    contents = members(path)
    contents["about.npy"] = contents["about.npy"].replace(b"g", b"G")
    write_members(path, contents)


def rewrite_about(path, **changes):
    """Change what a file says that it is; None takes an entry away."""
    with np.load(path) as file:
        arrays = dict(file)
    about = json.loads(str(arrays["about"])) | changes
    kept = {name: value for name, value in about.items() if value is not None}
    arrays["about"] = np.array(json.dumps(kept))
    np.savez(path, **arrays)


def of_the_first_form(path):
    """As guides were saved when a basket was compared with the mean household."""
    rewrite_about(path, form=None)


def of_a_later_form(path):
    rewrite_about(path, form=3)


def a_missing_parameter(path):
    contents = members(path)
    del contents["parts.head.npy"]
    write_members(path, contents)


def a_parameter_too_many(path):
    write_members(path, members(path) | {"parts.tail.npy": members(path)["parts.head.npy"]})


def a_bomb(path):
    write_members(path, members(path) | {"parts.head.npy": bytes(10**6)})


def other_widths(path):
    save_guide(path, Small(1.5, width=4), 7)


def another_type(path):
    save_guide(path, Small(1.5, dtype=np.float64), 7)


def a_seed_that_is_no_number(path):
    save_guide(path, Small(1.5), "7")


def a_folder(path):
    path.unlink()
    path.mkdir()


FAULTS = {
    a_text: "is not a saved guide",
    an_empty_file: "is not a saved guide",
    cut_short: "is not a saved guide, or was cut short",
    an_array_alone: "is not a saved guide",
    a_checkpoint: "is not a saved guide",
    another_kind: "is not a saved guide",
    a_seed_that_is_no_number: "is not a saved guide",
    an_object: "is a damaged guide",
    a_changed_byte: "is a damaged guide",
    of_the_first_form: "is a guide of another form, .* baskets .*: expected form 2, got 1; train",
    of_a_later_form: "is a guide of another form, .* baskets .*: expected form 2, got 3; train",
    a_missing_parameter: "is a guide of another form: .* for parts.head.npy, got None",
    a_parameter_too_many: "is a guide of another form: expected at most None bytes for parts.tail",
    a_bomb: "is a guide of another form: .* for parts.head.npy, got 1000000",
    other_widths: r"is a guide of another form: expected parts.trunk of shape \(5, 3\)",
    another_type: "is a guide of another form: expected parts.trunk of .* float32, got .* float64",
    a_folder: "is not a file",
}


@pytest.mark.parametrize("damage", FAULTS, ids=lambda damage: damage.__name__)
def test_a_foreign_or_damaged_file_is_refused_and_changes_nothing(saved, damage):
    damage(saved)
    model = Small(0.25)
    with pytest.raises(ValueError, match=FAULTS[damage]) as refused:
        load_guide(saved, model)
    assert str(refused.value).startswith(str(saved))
    assert "pickle" not in str(refused.value)
    assert (model.theta == 0.25).all()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("special", ["pipe", "/dev/null"])
def test_what_is_no_file_is_refused_at_once(tmp_path, special):
    path = tmp_path / special
    if special == "pipe":
        os.mkfifo(path)
    with pytest.raises(ValueError, match="is not a file"):
        load_guide(path, Small(0.0))


def test_a_place_to_save_is_tried_without_a_trace(tmp_path):
    check_can_save(tmp_path / "guide.npz")
    assert list(tmp_path.iterdir()) == []
    nowhere = tmp_path / "nowhere" / "guide.npz"
    with pytest.raises(OSError, match=f"cannot be written to {nowhere}: No such file"):
        check_can_save(nowhere)
