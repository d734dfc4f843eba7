"""Writes reference.md: every public name of the package, from its docstring.

    python tutorials/_reference.py

For each name: its sentence, its formula, one example, the file that defines it, and the
chapters that use it. All of it is read from the package and from the chapters.
"""

import ast
import builtins
import importlib
import inspect
import re
import textwrap
from pathlib import Path
from typing import NamedTuple

import tinymtl as mtl

import _render
from _cells import cells

PACKAGE = Path(mtl.__file__).parent
PAGE = Path(__file__).parent / "reference.md"
# Each floor begins with one of these files of the reading order.
FLOORS = {
    "checks": "The engine",
    "sharing": "Multi-task learning",
    "closed_form": "Referees and pictures",
}


class Entry(NamedTuple):
    """A public name."""

    name: str  # "mtl.interaction.gramian"
    thing: object
    module: str  # that defines it: "tinymtl.interaction"


# What is public


def entries():
    """Every public name, in the order of the files and then as it is listed."""
    found = []
    for name in mtl.__all__:
        thing = getattr(mtl, name)
        if inspect.ismodule(thing):
            found += [entry(f"{name}.{inner}", thing) for inner in public(thing)]
        else:
            found.append(entry(name, mtl))
    things = [one.thing for one in found]
    for name in public(mtl.ops):
        if not any(getattr(mtl.ops, name) is thing for thing in things):
            found.append(entry(f"ops.{name}", mtl.ops))
    order = {module: place for place, module in enumerate(reading_order())}
    return sorted(found, key=lambda one: order[one.module])


def public(module):
    """What a module says is public, or else the functions and classes it defines."""
    if hasattr(module, "__all__"):
        return module.__all__
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and getattr(value, "__module__", None) == module.__name__
    ]


def entry(path, holder):
    """The entry of `path`, such as "interaction.gramian", that `holder` names."""
    name = path.rpartition(".")[2]
    thing = getattr(holder, name)
    if hasattr(thing, "__module__"):
        module = inspect.unwrap(thing).__module__
    else:
        module = home_of_constant(name, holder)
    return Entry(f"mtl.{path}", thing, module)


def home_of_constant(name, module):
    """The name of the module that assigns a constant, found along the imports."""
    package = module.__package__
    for statement in ast.parse(inspect.getsource(module)).body:
        if isinstance(statement, ast.ImportFrom):
            if name in [alias.name for alias in statement.names]:
                dots = "." * statement.level
                origin = importlib.import_module(f"{dots}{statement.module}", package)
                return home_of_constant(name, origin)
    return module.__name__


def reading_order():
    """The package's modules in the order in which to read them; plots has its own."""
    order = []
    for name in order_in(mtl):
        module = importlib.import_module(f"tinymtl.{name}")
        if hasattr(module, "__path__"):
            order += [f"{module.__name__}.{inner}" for inner in order_in(module)]
        else:
            order.append(module.__name__)
    return order


def order_in(package):
    """What the docstring says: "Read in this order: tensor, ops, losses."."""
    words = " ".join(package.__doc__.split())
    return re.search(r"Read in this order: ([^.]*)\.", words)[1].split(", ")


# What a docstring says


def paragraphs(doc):
    """The paragraphs of a docstring, each with its lines as they are."""
    return [part for part in re.split(r"\n\s*\n", doc) if part.strip()]


def documentation(one):
    if hasattr(one.thing, "__module__"):
        return inspect.getdoc(one.thing)
    return comment_of_constant(one)


def comment_of_constant(one):
    """A constant has no docstring: its comment, and its value as an example."""
    name = one.name.rpartition(".")[2]
    source = inspect.getsource(importlib.import_module(one.module))
    above = re.search(
        rf"((?:^# .*\n)*)^{name} = .*?(?:  # (.*))?$", source, re.MULTILINE
    )
    lines = [line.removeprefix("# ") for line in above[1].splitlines()]
    words = " ".join([*lines, above[2] or ""]).strip()
    words = words[:1].upper() + words[1:]
    if not words.endswith("."):
        words += "."
    return f"{words}\n\n>>> {name}\n{one.thing!r}"


def sentence(doc):
    """The first paragraph in one line."""
    return in_one_line(paragraphs(doc)[0])


def in_one_line(paragraph):
    words = " ".join(paragraph.split())
    # Outside code a "<" would begin a tag of HTML.
    pieces = re.split(r"(`[^`]*`)", words)
    pieces[::2] = [piece.replace("<", "&lt;") for piece in pieces[::2]]
    return "".join(pieces)


def formulas(doc):
    """(what is said before it, formula) of each block that is set in and is no code."""
    parts = paragraphs(doc)
    found = []
    for i, part in enumerate(parts):
        if part.startswith("    ") and not is_code(part):
            before = parts[i - 1]
            # The first paragraph stands on the page already.
            is_new = i > 1 and not before.startswith("    ") and ">>> " not in before
            introduction = of_last_argument(before) if is_new else ""
            found.append((introduction, textwrap.dedent(part)))
    return found


def is_code(block):
    return re.search(r"\b(?:mtl|np)\.", block) is not None


def of_last_argument(paragraph):
    """A paragraph in one line; of a list of arguments ("steps: ...") the last alone."""
    begins = [
        found.start() for found in re.finditer(r"^\w+: ", paragraph, re.MULTILINE)
    ]
    return in_one_line(paragraph[begins[-1] if begins else 0 :])


def example(doc):
    """(what is said before it, code) of the first example; None if there is none."""
    parts = paragraphs(doc)
    for i, part in enumerate(parts):
        start = part.find(">>> ")
        if start >= 0:
            before = part[:start].strip() or (parts[i - 1] if i else "")
            introduction = " ".join(before.split())
            if not introduction.endswith(":") or introduction.startswith(">>>"):
                introduction = ""
            return introduction, textwrap.dedent(part[start:])
    places = [i for i, part in enumerate(parts) if part.startswith("    ")]
    places = [i for i in places if is_code(parts[i])]
    if places:
        introduction = in_one_line(parts[places[0] - 1]) if places[0] > 1 else ""
        return introduction, textwrap.dedent("\n\n".join(parts[i] for i in places))
    return None


def signature(one):
    """How it is called, without types: "mse(prediction, targets, mask=None)"."""
    name = one.name.rpartition(".")[2]
    if not callable(one.thing):
        return name
    call = inspect.signature(one.thing)
    parameters = []
    for parameter in call.parameters.values():
        parameter = parameter.replace(annotation=parameter.empty)
        if parameter.default is not parameter.empty:
            parameter = parameter.replace(default=default_in_words(parameter.default))
        parameters.append(parameter)
    call = call.replace(parameters=parameters, return_annotation=call.empty)
    return f"{name}{call}"


def default_in_words(default):
    """A default that is a function or a class is shown by its name."""
    if inspect.isfunction(default) or inspect.isclass(default):
        return Word(default.__name__)
    if "<factory>" in repr(default):
        return Word("...")
    return default


class Word:
    """Is printed as a word without quotes."""

    def __init__(self, text):
        self.text = text

    def __repr__(self):
        return self.text


# Which chapters use a name


def used_by(path, found):
    """The public names that a chapter uses, in its code or in its prose."""
    parts = cells(path)
    code = "\n".join(cell.text for cell in parts if cell.is_code)
    prose = "\n".join(cell.text for cell in parts if not cell.is_code)
    things = things_in(code)
    for dotted in re.findall(r"\bmtl((?:\.\w+)+)", prose):
        things += chain(mtl, dotted.split(".")[1:])
    return {one.name for one in found if any(one.thing is thing for thing in things)}


def things_in(code):
    """What a piece of code names of the package: `mtl.mse`, or `mse` once imported."""
    tree = ast.parse(code)
    things = []
    modules = {}  # name in the code -> module of the package
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.partition(".")[0] == "tinymtl":
                    of_package = alias.name if alias.asname else "tinymtl"
                    module = importlib.import_module(of_package)
                    modules[alias.asname or "tinymtl"] = module
        elif isinstance(node, ast.ImportFrom) and of_the_package(node):
            holder = importlib.import_module(node.module)
            for alias in node.names:
                thing = getattr(holder, alias.name)
                if inspect.ismodule(thing):
                    modules[alias.asname or alias.name] = thing
                things.append(thing)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            root, *names = ast.unparse(node).split(".")
            if root in modules:
                things += chain(modules[root], names)
    return things


def of_the_package(node):
    return node.level == 0 and node.module.partition(".")[0] == "tinymtl"


def chain(thing, names):
    """What a.b.c passes through: b of a, then c of that, as far as there is such."""
    passed = []
    for name in names:
        if not hasattr(thing, name):
            break
        thing = getattr(thing, name)
        passed.append(thing)
    return passed


def chapters_of(found):
    """Name -> links to the chapters that use it."""
    links = {one.name: [] for one in found}
    for path in _render.PATHS:
        title = cells(path)[0].text.splitlines()[0].lstrip("# ")
        number = re.match(r"(\d+) · ", title)
        label = f"chapter {number[1]}" if number else title
        for name in used_by(path, found):
            links[name].append(f"[{label}]({path.stem}.md)")
    return links


# The page


def page():
    found = entries()
    links = chapters_of(found)
    parts = [
        "<!-- written by _reference.py from the docstrings: change those, not this -->",
        "[Contents](README.md)",
        "# Reference",
        "Every public name of the package: what it does, its formula, an example, and "
        "the chapters that use it. The files stand in the order in which to read them; "
        "the letters that all of them share are explained in "
        "[`tinymtl/__init__.py`](../tinymtl/__init__.py). `help(mtl.mse)` shows the "
        "whole text, with shapes, errors and sources.",
        "An example works in Python after `import numpy as np`, `import tinymtl as "
        "mtl` and the line of imports below the heading of its file.",
        index(found),
    ]
    floor_of = floors()
    floor = None
    for module in reading_order():
        of_module = [one for one in found if one.module == module]
        if not of_module:
            continue
        if floor_of[module] != floor:
            floor = floor_of[module]
            parts.append(f"## {floor}")
        parts += section(module, of_module, links)
    parts.append("[Contents](README.md)")
    return "\n\n".join(parts) + "\n"


def floors():
    """Module -> the floor it stands on."""
    result = {}
    floor = None
    for module in reading_order():
        floor = FLOORS.get(module.split(".")[1], floor)
        result[module] = floor
    return result


def index(found):
    """A table of the files and their names."""
    rows = ["| file | names |", "|---|---|"]
    for module in reading_order():
        names = [one.name for one in found if one.module == module]
        if names:
            links = [
                f"[{name.removeprefix('mtl.')}](#{anchor(name)})" for name in names
            ]
            rows.append(
                f"| [{short(module)}](#{anchor(short(module))}) | {', '.join(links)} |"
            )
    return "\n".join(rows)


def anchor(heading):
    """The place of a heading on the code host."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def short(module):
    """The heading of a file: "losses.py" of "tinymtl.losses"."""
    return f"{module.removeprefix('tinymtl.').replace('.', '/')}.py"


def section(module, of_module, links):
    """The part of the page for one file."""
    file = importlib.import_module(module).__file__
    target = f"../tinymtl/{Path(file).relative_to(PACKAGE).as_posix()}"
    doc = inspect.getdoc(importlib.import_module(module))
    parts = [f"### {short(module)}", f"{sentence(doc)} [Read the file]({target})"]
    parts.append(f"```python\n{imports(module)}\n```")
    for one in of_module:
        parts += lines_of(one, links[one.name])
    return parts


def imports(module):
    """What an example needs. It must not replace a name of Python, such as `abs`."""
    holder = importlib.import_module(module)
    if not any(hasattr(builtins, name) for name in public(holder)):
        return f"from {module} import *"
    names = [name for name in public(holder) if not hasattr(builtins, name)]
    indent = 4 * " "
    listed = textwrap.fill(
        f"{', '.join(names)},", 84, initial_indent=indent, subsequent_indent=indent
    )
    return f"from tinymtl import Tensor, ops\nfrom {module} import (\n{listed}\n)"


def lines_of(one, chapters):
    """The part of the page for one name."""
    doc = documentation(one)
    parts = [f"#### `{one.name}`", sentence(doc)]
    for introduction, formula in formulas(doc):
        parts += [introduction] if introduction else []
        parts.append(f"```text\n{formula}\n```")
    if callable(one.thing):
        parts.append(f"`{signature(one)}`")
    shown = example(doc)
    if shown:
        introduction, code = shown
        parts += [introduction] if introduction else []
        parts.append(f"```python\n{without_marks(code)}\n```")
    if chapters:
        parts.append(f"Used in {', '.join(chapters)}.")
    return parts


def without_marks(code):
    """An example without what only the program that tests it reads."""
    code = re.sub(r" *# doctest: .*$", "", code, flags=re.MULTILINE)
    return code.replace("<BLANKLINE>", "")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(PAGE)
