"""The package as a whole: its examples run, reading order is import order, imports are light."""

import ast
import doctest
import functools
import importlib
import inspect
import os
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

import tinymtl as mtl
import tinymtl.shop

FOLDER = Path(mtl.__file__).parent


def reading_order(package):
    """The names in "Read in this order: ..." in a package's docstring."""
    words = " ".join(package.__doc__.split())
    return re.search(r"Read in this order: ([^.]*)\.", words)[1].split(", ")


MODULES = [
    name
    for _, name, _ in pkgutil.walk_packages(mtl.__path__, "tinymtl.")
    if not name.endswith("__main__")
]


# The examples


@pytest.mark.parametrize("name", ["tinymtl", *MODULES])
def test_examples_in_docstrings_are_true(name):
    failed = doctest.testmod(importlib.import_module(name)).failed
    plt.close("all")  # what the examples of pictures drew
    assert failed == 0


# Names


def test_every_public_name_exists_once():
    assert len(mtl.__all__) == len(set(mtl.__all__))
    for name in mtl.__all__:
        assert getattr(mtl, name) is not None


def public_things():
    """What `__all__` names, and what the modules among them define."""
    for name in mtl.__all__:
        thing = getattr(mtl, name)
        yield name, thing
        if inspect.ismodule(thing):
            for inner, value in vars(thing).items():
                made_in = f"{getattr(value, '__module__', None)}."
                if not inner.startswith("_") and made_in.startswith(f"{thing.__name__}."):
                    yield f"{name}.{inner}", value


@pytest.mark.parametrize("thing", [pytest.param(thing, id=name) for name, thing in public_things()])
def test_every_public_thing_says_what_it_is(thing):
    assert thing.__doc__


@pytest.mark.parametrize("name", MODULES)
def test_every_file_says_what_it_is_about(name):
    assert importlib.import_module(name).__doc__


# Order


SUBPACKAGES = ["plots", "shop"]


@functools.cache
def every_file():
    """Full module names in reading order; a package stands after its files, which it imports."""
    order = []
    for name in [*reading_order(mtl), "shop"]:  # the application stands on all of it
        if name in SUBPACKAGES:
            inside = reading_order(getattr(mtl, name))
            order += [f"tinymtl.{name}.{file}" for file in inside]
        order.append(f"tinymtl.{name}")
    return order


def path_of(module):
    path = FOLDER.parent / module.replace(".", "/")
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@functools.cache
def tree_of(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path):
    """Full names of the project's own modules in an `import` anywhere in the file."""
    inside = path.relative_to(FOLDER.parent).with_suffix("").parts
    for found in ast.walk(tree_of(path)):
        if isinstance(found, ast.ImportFrom) and found.level:
            start = ".".join(inside[: -found.level])
            if found.module:
                yield f"{start}.{found.module}"
            else:
                yield from (f"{start}.{alias.name}" for alias in found.names)


def test_the_reading_order_names_every_file():
    folders = [FOLDER, *(FOLDER / name for name in SUBPACKAGES)]
    files = [path for folder in folders for path in folder.glob("*.py")]
    others = {FOLDER / "__init__.py", FOLDER / "__main__.py"}
    assert sorted(map(path_of, every_file())) == sorted(set(files) - others)


@pytest.mark.parametrize("module", every_file())
def test_each_file_imports_only_from_files_before_it(module):
    order = every_file()
    before = order[: order.index(module)]
    assert set(imported(path_of(module))) <= set(before)


@pytest.mark.parametrize(
    "path", sorted(FOLDER.rglob("*.py")), ids=lambda path: path.relative_to(FOLDER).as_posix()
)
def test_no_function_imports_anything_but_what_takes_long_to_load(path):
    for function in ast.walk(tree_of(path)):
        if isinstance(function, (ast.FunctionDef, ast.Lambda)):
            for found in ast.walk(function):
                if isinstance(found, (ast.Import, ast.ImportFrom)):
                    imported = ast.unparse(found).split()[1].split(".")[0]
                    assert imported in ("matplotlib", "zipfile", "importlib")


# Weight


@functools.cache
def loaded_by(statement):
    """Names of the modules that are there after a statement in a fresh interpreter."""
    code = f"import sys\n{statement}\nprint(*sys.modules)"
    env = {**os.environ, "PYTHONPATH": str(FOLDER.parent)}
    return set(
        subprocess.run(
            [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
        ).stdout.split()
    )


def test_importing_the_package_loads_numpy_and_nothing_else_that_is_heavy():
    roots = {name.split(".")[0] for name in loaded_by("import tinymtl") - loaded_by("import numpy")}
    assert roots <= {"tinymtl"} | set(sys.stdlib_module_names)
    assert not roots & {"matplotlib", "unittest", "multiprocessing", "asyncio"}


def test_importing_the_package_does_not_load_what_numpy_loads_on_demand():
    numpys = {name for name in loaded_by("import tinymtl") if name.startswith("numpy.")}
    assert numpys <= loaded_by("import numpy")
