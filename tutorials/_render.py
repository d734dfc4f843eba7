"""Turn chapters into pages: run their cells and write what these print and draw.

    python tutorials/_render.py              every chapter: its page NN_name.md, and
                                             its pictures in figures/
    python tutorials/_render.py 04 beyond    some of them
    python tutorials/_render.py --notebooks  an .ipynb beside each chapter; nothing runs

A chapter is a script of cells (see _cells.py). Each chapter runs in a fresh process.
The page differs from the script in five ways:

- mathematics between dollars is written as the code host reads it,
- a name of the package such as `mtl.mse` becomes a link to the file that defines it,
- code that only draws or checks is folded; what it prints and shows is not,
- the finding of a picture is its alternative text, and stands under it in italics,
- links to the neighbouring chapters are added at the end.

A notebook that exists is never overwritten, unless `--force` is given.
"""

import argparse
import ast
import contextlib
import html
import importlib
import inspect
import io
import json
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import _show
from _cells import cells

HERE = Path(__file__).parent
PATHS = [
    *sorted(HERE.glob("[0-9][0-9]_*.py")),
    *HERE.glob("shop_results.py"),
    *HERE.glob("own_formula.py"),
    *HERE.glob("beyond.py"),
]


# Running a chapter


def execute(path, folder):
    """Run a chapter's code cells in this process.

    The chapter's pictures go to `folder`. So does a JSON file that says what each cell
    printed and which pictures it showed.
    """
    path = Path(path)
    folder = Path(folder)
    _show.folder = folder
    names = {"__name__": "__main__", "__file__": str(path)}
    results = []
    for cell in cells(path):
        output = io.StringIO()
        shown_before = len(_show.shown)
        if cell.is_code:
            with contextlib.redirect_stdout(output):
                run_cell(cell, path, names)
        pictures = _show.shown[shown_before:]
        results.append({"output": output.getvalue(), "pictures": pictures})
    (folder / f"{path.stem}.json").write_text(json.dumps(results), encoding="utf-8")


def run_cell(cell, path, names):
    """Execute a cell. A notebook shows the value at its end, so that must be None."""
    # Blank lines in front give errors the line numbers of the file.
    tree = ast.parse("\n" * (cell.line - 1) + cell.text, str(path))
    last = tree.body[-1] if tree.body else None
    if not isinstance(last, ast.Expr):
        exec(compile(tree, path, "exec"), names)
        return
    tree.body.pop()
    exec(compile(tree, path, "exec"), names)
    value = eval(compile(ast.Expression(last.value), path, "eval"), names)
    if value is not None:
        raise RuntimeError(
            f"{path.name}, line {last.lineno}: a notebook would show the value of the "
            f"last line, {ast.unparse(last)}; give it a name, or print it"
        )


def run(path, folder):
    """Execute a chapter in a fresh process: (its page, the seconds it took).

    A warning is an error. RuntimeError if the chapter does not run to its end.
    """
    started = time.perf_counter()
    code = f"import _render; _render.execute({str(path)!r}, {str(folder)!r})"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=environment(),
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    written = Path(folder) / f"{path.stem}.json"
    if done.returncode or not written.exists():
        raise RuntimeError(f"{path.name} does not run to its end:\n{done.stderr}")
    results = json.loads(written.read_text(encoding="utf-8"))
    return page(path, results), time.perf_counter() - started


def environment():
    """The variables of the process that runs a chapter."""
    modules = [str(HERE)]
    if os.environ.get("PYTHONPATH"):
        modules.append(os.environ["PYTHONPATH"])
    return {
        **os.environ,
        "MPLBACKEND": "Agg",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join(modules),
        "PYTHONUTF8": "1",
    }


def run_all(paths, folder):
    """Every chapter's (page, seconds), two at a time."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda path: run(path, folder), paths))


# Writing a page


def page(path, results):
    """The Markdown of a chapter from its cells and what they printed and showed."""
    findings = {}
    for result in results:
        findings.update(result["pictures"])

    parts = [
        f"<!-- written by _render.py from {path.name}: change that, not this -->",
        f"[Contents](README.md) · run it: `python tutorials/{path.name}`, "
        "or step through its cells in an editor",
    ]
    for cell, result in zip(cells(path), results, strict=True):
        if cell.is_code:
            parts.append(shown_code(cell))
        else:
            parts.append(describe_pictures(prose(cell.text), findings, path.name))
        if result["output"]:
            parts.append(printed(result["output"]))
        for name, finding in result["pictures"]:
            parts.append(picture(name, finding))
    parts.append(ways(path))
    return "\n\n".join(parts) + "\n"


def shown_code(cell):
    """A cell's code as a block, folded if it has a title."""
    code = f"```python\n{cell.text}\n```"
    if not cell.title:
        return code
    title = html.escape(cell.title[0].lower() + cell.title[1:], quote=False)
    # The blank lines make the code host read the block as Markdown.
    return f"<details><summary>Code: {title}</summary>\n\n{code}\n\n</details>"


def picture(name, finding):
    """A picture, with its finding for those who cannot see it and for all others."""
    finding = " ".join(finding.split())
    described = as_text(finding).replace("$", "&#36;")
    in_italics = as_text(finding).replace("$", "<span>$</span>")
    return f"![{described}](figures/{name})\n\n*{in_italics}*"


def as_text(words):
    """Words in which no character means anything to Markdown but the dollar."""
    return re.sub(r"([\\`*_\[\]<>|~&])", r"\\\1", words)


def describe_pictures(text, findings, chapter):
    """Prose in which each picture without a description has its finding.

    The best picture of a chapter stands in its prose, before the cell that draws it.
    """

    def described(match):
        name = match[1]
        if name not in findings:
            raise RuntimeError(
                f"{chapter} has a picture that no cell shows: {name}; "
                f"there are {list(findings)}"
            )
        return picture(name, findings[name])

    return re.sub(r"!\[\]\(figures/([^)]*)\)", described, text)


def printed(output):
    """A cell's output as a block; its fence is longer than any in the output."""
    ticks = [len(fence) for fence in re.findall("`{3,}", output)]
    fence = "`" * (max(ticks, default=2) + 1)
    return f"{fence}text\n{output.rstrip()}\n{fence}"


def ways(path):
    """The links at the end of a page: contents, chapter before, chapter after."""
    i = PATHS.index(path)
    links = ["[Contents](README.md)"]
    if i > 0:
        links.append(f"before: {link(PATHS[i - 1])}")
    if i + 1 < len(PATHS):
        links.append(f"next: {link(PATHS[i + 1])}")
    return " · ".join(links)


def link(path):
    first_line = cells(path)[0].text.splitlines()[0]
    title = first_line.lstrip("# ")
    return f"[{title}]({path.stem}.md)"


def prose(text):
    """Markdown for the code host: its mathematics, and links to the source."""
    block = r"^\$\$\n(.*?)\n\$\$$"
    inline = r"\$(?!\s)((?:[^$\n]|\n(?!\n))+)(?<!\s)\$"  # not "$5 and $6"
    code = r"(^```.*?^```$|`[^`\n]*`)"
    several_lines = re.MULTILINE | re.DOTALL

    text = re.sub(block, r"```math\n\1\n```", text, flags=several_lines)
    # Every second piece is code.
    pieces = re.split(code, text, flags=several_lines)
    for i, piece in enumerate(pieces):
        if i % 2 == 0:
            pieces[i] = re.sub(inline, r"$`\1`$", piece)
        elif re.fullmatch(r"`mtl\.[\w.]+`", piece):
            pieces[i] = f"[{piece}]({definition(piece.strip('`'))})"
    return "".join(pieces)


def definition(name):
    """The file that defines a name of the package: "../tinymtl/losses.py" of "mtl.mse".

    The definition of a module is its file, that of a subpackage its `__init__.py`.
    """
    package = importlib.import_module("tinymtl")
    thing = package
    for part in name.split(".")[1:]:
        thing = getattr(thing, part, None)
    kinds = (inspect.ismodule, inspect.isclass, inspect.isfunction)
    if not any(is_kind(thing) for is_kind in kinds):
        raise RuntimeError(
            f"`{name}` is no module, class or function of the package, "
            "so there is nothing to link to"
        )
    file = Path(inspect.getsourcefile(inspect.unwrap(thing)))
    return f"../tinymtl/{file.relative_to(Path(package.__file__).parent).as_posix()}"


# Notebooks and the command line


HIDDEN = {"tags": ["hide-input"], "jupyter": {"source_hidden": True}}


def notebook(path):
    """A chapter as a notebook: plain JSON in the format 4.5, nothing runs."""
    found = []
    for i, cell in enumerate(cells(path)):
        entry = {"id": f"cell-{i}", "metadata": {}, "source": cell.text}
        if cell.is_code:
            entry |= {"cell_type": "code", "execution_count": None, "outputs": []}
        else:
            entry |= {"cell_type": "markdown"}
        if cell.title:
            # Of code that is hidden a notebook shows the first line.
            entry |= {"metadata": HIDDEN, "source": f"# {cell.title}\n{cell.text}"}
        found.append(entry)
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": kernel},
        "cells": found,
    }


def write_notebooks(paths, force=False):
    """A notebook beside each chapter; one that exists stays as it is without `force`.

    It may hold a reader's answers.
    """
    for path in paths:
        target = path.with_suffix(".ipynb")
        if target.exists() and not force:
            print(f"{target} exists and was not changed; --force writes it anew")
            continue
        text = json.dumps(notebook(path), ensure_ascii=False, indent=1)
        target.write_text(text + "\n", encoding="utf-8")
        print(target)


def write_pages(paths):
    with TemporaryDirectory() as folder:
        try:
            pages = run_all(paths, folder)
        except RuntimeError as error:
            sys.exit(f"{error}\nnothing was written")
        (HERE / "figures").mkdir(exist_ok=True)
        for path in paths:
            (Path(folder) / f"{path.stem}.json").unlink()  # only pictures are left
        for file in Path(folder).iterdir():
            shutil.copy(file, HERE / "figures")
    for path, (text, seconds) in zip(paths, pages):
        path.with_suffix(".md").write_text(text, encoding="utf-8")
        print(f"{path.with_suffix('.md')}  ({seconds:.1f} s)")


def chosen(start):
    """The chapter with this name, or else all chapters whose names begin so."""
    exact = [path for path in PATHS if path.stem == start]
    if exact or not start:
        return exact
    return [path for path in PATHS if path.name.startswith(start)]


def main(arguments):
    """Returns the exit code."""
    try:
        run_command(arguments)
    except OSError as error:
        print(f"{error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    return 0


def run_command(arguments):
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "chapters", nargs="*", help="how their file names begin; none: all"
    )
    parser.add_argument(
        "--notebooks", action="store_true", help="write an .ipynb beside each chapter"
    )
    parser.add_argument(
        "--force", action="store_true", help="overwrite notebooks that exist"
    )
    options = parser.parse_args(arguments)

    paths = []
    for start in options.chapters:
        found = chosen(start)
        if not found:
            names = [path.stem for path in PATHS]
            parser.error(f"no chapter begins with {start!r}; there are {names}")
        paths += found
    if not options.chapters:
        paths = PATHS

    if options.force and not options.notebooks:
        parser.error("--force is for --notebooks")
    if options.notebooks:
        write_notebooks(paths, options.force)
    else:
        write_pages(paths)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
