"""The reference page is what the docstrings say, and every public name is taught or shown on it."""

import builtins
import doctest
import importlib
import inspect

import _reference
import _render
import matplotlib.pyplot as plt
import numpy as np
import pytest

import tinymtl as mtl

ENTRIES = _reference.entries()
named = {"ids": lambda one: one.name}


def test_the_page_is_what_the_generator_writes():
    page = _reference.PAGE.read_text(encoding="utf-8")
    assert page == _reference.page(), "write it anew: python tutorials/_reference.py"


def test_every_public_name_has_its_entry_once():
    names = [one.name for one in ENTRIES]
    assert len(set(names)) == len(names)
    for name in mtl.__all__:
        thing = getattr(mtl, name)
        if inspect.ismodule(thing):
            assert any(one.startswith(f"mtl.{name}.") for one in names), name
            assert {f"mtl.{name}.{inner}" for inner in getattr(thing, "__all__", [])} <= set(names)
        else:
            assert f"mtl.{name}" in names


def test_every_name_is_in_a_file_on_a_floor():
    floors = _reference.floors()
    assert set(_reference.FLOORS.values()) == set(floors.values())
    for one in ENTRIES:
        assert floors[one.module]
        assert hasattr(importlib.import_module(one.module), one.name.rpartition(".")[2])


def test_every_public_name_is_taught_in_a_chapter_or_has_an_example():
    links = _reference.chapters_of(ENTRIES)
    neither = [
        one.name
        for one in ENTRIES
        if not links[one.name] and not _reference.example(_reference.documentation(one))
    ]
    assert not neither, f"in no chapter, and no example in the docstring: {neither}"


WITH_EXAMPLE = [one for one in ENTRIES if ">>> " in _reference.documentation(one)]


@pytest.mark.parametrize("one", WITH_EXAMPLE, **named)
def test_an_example_works_after_the_imports_that_the_page_names(one):
    _, code = _reference.example(_reference.documentation(one))
    names = {"np": np, "mtl": mtl}
    exec(_reference.imports(one.module), names)
    test = doctest.DocTestParser().get_doctest(code, names, one.name, None, 0)
    said = []
    doctest.DocTestRunner().run(test, out=said.append)
    plt.close("all")
    assert not said, "".join(said)


@pytest.mark.parametrize(
    ("code", "used"),
    [
        ("import tinymtl as mtl\nmtl.mse(1, 2)", {"mtl.mse"}),
        ("import tinymtl as mtl\nf = mtl.interaction.gramian", {"mtl.interaction.gramian"}),
        ("import tinymtl as mtl\nmtl.SGD(0.1).step(m)", {"mtl.SGD"}),
        ("from tinymtl.interaction import gramian as g", {"mtl.interaction.gramian"}),
        ("from tinymtl import closed_form\nclosed_form.risk(1)", {"mtl.closed_form.risk"}),
        ("from tinymtl import plots as p\np.save(f)", {"mtl.plots.save"}),
        ("import tinymtl.weighting as w\nw.mgda", {"mtl.weighting.mgda"}),
        ("from tinymtl.plots import SURE", {"mtl.plots.SURE"}),
        ("mse = 1\nx.mse", set()),
        ("import tinymtl as mtl\nmtl.no_such.thing", set()),
        ("# mtl.mse", set()),
    ],
)
def test_a_name_counts_as_used_however_it_is_imported(code, used, tmp_path):
    path = tmp_path / "99_made_up.py"
    path.write_text(f"# %% [markdown]\n# # Made up\n\n# %%\n{code}\n", encoding="utf-8")
    assert _reference.used_by(path, ENTRIES) == used


def test_a_name_in_prose_counts_as_used(tmp_path):
    path = tmp_path / "99_made_up.py"
    path.write_text("# %% [markdown]\n# # Made up\n#\n# See `mtl.HardSharing.counts`.\n")
    assert _reference.used_by(path, ENTRIES) == {"mtl.HardSharing"}


def test_a_docstring_is_taken_apart():
    doc = """A sentence
    in two lines, a < b.

        L = 1/n Σ x

    x: (N,). The mean of 1 and 3
    is 2:

    >>> 1 + 1
    2

    >>> 3
    3
    """
    doc = inspect.cleandoc(doc)
    assert _reference.sentence(doc) == "A sentence in two lines, a &lt; b."
    assert _reference.formulas(doc) == [("", "L = 1/n Σ x")]
    introduction, code = _reference.example(doc)
    assert introduction == "x: (N,). The mean of 1 and 3 is 2:"
    assert code == ">>> 1 + 1\n2"
    assert _reference.example("A sentence.") is None


def test_a_formula_keeps_the_words_that_define_its_letters():
    doc = inspect.cleandoc("""A sentence.

        a = 1

    With e = 2 and b < 3:

        b = e

        c = e

    x: (N,). steps: of them, where A is
        the least, and a < A:

        A = 1
    """)
    assert _reference.formulas(doc) == [
        ("", "a = 1"),
        ("With e = 2 and b &lt; 3:", "b = e"),
        ("", "c = e"),
        ("x: (N,). steps: of them, where A is the least, and a &lt; A:", "A = 1"),
    ]
    assert _reference.of_last_argument("x: (N,).\nsteps: of\n    them:") == "steps: of them:"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("mtl.sigmoid", "With e = e^(−|x|)"),
        ("mtl.node", "with g = ∂L/∂y"),
        ("mtl.check_gradient", "ε = 2.2e-16"),
        ("mtl.cross_entropy", "Soft labels q (N, C)"),
        ("mtl.compare", "alone, A_t:"),
        ("mtl.closed_form.risk", "noise of variance σ²"),
    ],
)
def test_the_letters_of_a_formula_are_defined_on_the_page(name, words):
    page = _reference.PAGE.read_text(encoding="utf-8")
    part = page.partition(f"#### `{name}`")[2].partition("#### ")[0]
    assert words in part


def test_every_operation_is_on_the_page():
    names = [one.name for one in ENTRIES]
    for name in _reference.public(mtl.ops):
        at_top = name in mtl.__all__ and getattr(mtl, name) is getattr(mtl.ops, name)
        assert (f"mtl.{name}" if at_top else f"mtl.ops.{name}") in names


@pytest.mark.parametrize("module", sorted({one.module for one in ENTRIES}))
def test_the_imports_of_an_example_replace_no_name_of_python(module):
    names = {}
    exec(_reference.imports(module), names)
    replaced = [name for name in names if hasattr(builtins, name) and name[0] != "_"]
    assert not replaced


def test_an_example_with_its_introduction_may_be_plain_code():
    doc = "A sentence.\n\nFrom a table:\n\n    x = np.ones(3)\n\n    mtl.mse(x, x)"
    assert _reference.example(doc) == ("From a table:", "x = np.ones(3)\n\nmtl.mse(x, x)")


def test_the_reference_is_linked_from_the_contents():
    contents = _render.HERE / "README.md"
    assert "(reference.md)" in contents.read_text(encoding="utf-8")
