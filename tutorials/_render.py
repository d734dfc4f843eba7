"""Turns chapters into pages: runs the cells of each in a fresh process, and writes what they print and draw beside them.

    python tutorials/_render.py              every chapter: its page NN_name.md, and its pictures in figures/
    python tutorials/_render.py 04 beyond    some of them
    python tutorials/_render.py --notebooks  an .ipynb beside each chapter, without running anything

A chapter is a script whose cells begin with `# %%` (code) or `# %% [markdown]` (prose behind `# `). What changes on the way to the page:
mathematics between dollars is written as the code host reads it, a name of the package such as `mtl.mse` becomes a link to the
line that defines it, a picture without a description gets its finding, and ways to the other chapters are put at the end.
"""

import argparse
import contextlib
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

HERE = Path(__file__).parent
PATHS = [*sorted(HERE.glob("[0-9][0-9]_*.py")), *HERE.glob("beyond.py")]


def cells(path):
    """[(is code, text, line where the text begins)] of a chapter."""
    parts, start = [], 1
    for part in re.split(
        r"^(?=# %%)", path.read_text(encoding="utf-8"), flags=re.MULTILINE
    ):
        head, _, text = part.partition("\n")
        is_code = "[markdown]" not in head
        if not is_code:
            text = re.sub(r"^# ?", "", text, flags=re.MULTILINE)
        parts.append(
            (is_code, text.strip("\n"), start + 1 + len(text) - len(text.lstrip("\n")))
        )
        start += part.count("\n")
    if len(parts) < 2 or parts[0][1] or parts[1][0]:
        raise RuntimeError(
            f"{path.name} must begin with a cell of prose, whose first line is the title"
        )
    return parts[1:]


def execute(path, folder):
    """Run a chapter's code cells in this process; write to `folder` its pictures, and as JSON what each cell printed and showed."""
    path, results = Path(path), []
    _show.folder = Path(folder)
    names = {"__name__": "__main__", "__file__": str(path)}
    for is_code, text, line in cells(path):
        output, before = io.StringIO(), len(_show.shown)
        if is_code:
            with contextlib.redirect_stdout(output):
                exec(compile("\n" * (line - 1) + text, path, "exec"), names)
        results.append({"output": output.getvalue(), "pictures": _show.shown[before:]})
    (Path(folder) / f"{path.stem}.json").write_text(
        json.dumps(results), encoding="utf-8"
    )


def run(path, folder):
    """Execute a chapter in a fresh process, warnings as errors: (its page, the seconds it took)."""
    started = time.perf_counter()
    code, results = (
        f"import _render; _render.execute({str(path)!r}, {str(folder)!r})",
        Path(folder) / f"{path.stem}.json",
    )
    modules = os.pathsep.join(
        [str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])]
    )
    env = {
        **os.environ,
        "MPLBACKEND": "Agg",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONPATH": modules,
        "PYTHONUTF8": "1",
    }
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=env,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    if done.returncode or not results.exists():
        raise RuntimeError(f"{path.name} does not run to its end:\n{done.stderr}")
    return page(
        path, json.loads(results.read_text(encoding="utf-8"))
    ), time.perf_counter() - started


def run_all(paths, folder):
    """Every chapter's (page, seconds), two at a time."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda path: run(path, folder), paths))


def page(path, results):
    """The Markdown of a chapter from its cells and what they printed and showed."""
    parts = [f"<!-- written by _render.py from {path.name}: change that, not this -->"]
    findings = {
        name: finding for result in results for name, finding in result["pictures"]
    }

    def described(picture):
        if picture[1] not in findings:
            raise RuntimeError(
                f"{path.name} has a picture that no cell shows: {picture[1]}; there are {list(findings)}"
            )
        return f"![{findings[picture[1]]}](figures/{picture[1]})"

    for (is_code, text, _), result in zip(cells(path), results, strict=True):
        if is_code:
            parts.append(f"```python\n{text}\n```")
        else:
            parts.append(
                re.sub(r"!\[\]\(figures/([^)]*)\)", described, prose(text))
            )  # the best picture stands before the cell that draws it
        if result["output"]:
            fence = "`" * max(
                [
                    3,
                    *(
                        len(ticks) + 1
                        for ticks in re.findall("`{3,}", result["output"])
                    ),
                ]
            )
            parts.append(f"{fence}text\n{result['output'].rstrip()}\n{fence}")
        parts += [
            f"![{finding}](figures/{name})" for name, finding in result["pictures"]
        ]
    parts.insert(
        1,
        f"[Contents](README.md) · run it: `python tutorials/{path.name}`, or step through its cells in an editor",
    )
    i = PATHS.index(path)
    ways = [
        f"{word}: [{title(near)}]({near.stem}.md)"
        for word, at in (("before", i - 1), ("next", i + 1))
        for near in PATHS[at : at + 1]
    ]
    return "\n\n".join([*parts, " · ".join(["[Contents](README.md)", *ways])]) + "\n"


def title(path):
    return cells(path)[0][1].splitlines()[0].lstrip("# ")


def prose(text):
    """Markdown for the code host: its way of writing mathematics, and links for names of the package."""
    text = re.sub(
        r"^\$\$\n(.*?)\n\$\$$",
        r"```math\n\1\n```",
        text,
        flags=re.MULTILINE | re.DOTALL,
    )
    pieces = re.split(r"(^```.*?^```$|`[^`\n]*`)", text, flags=re.MULTILINE | re.DOTALL)
    for i, piece in enumerate(pieces):
        if i % 2 == 0:
            pieces[i] = re.sub(
                r"\$(?!\s)((?:[^$\n]|\n(?!\n))+)(?<!\s)\$", r"$`\1`$", piece
            )  # "$5 and $6" is no mathematics
        elif re.fullmatch(r"`mtl\.[\w.]+`", piece):
            pieces[i] = f"[{piece}]({definition(piece.strip('`'))})"
    return "".join(pieces)


def definition(name):
    """Where the package defines a name: "../tinymtl/losses.py#L25" of "mtl.mse"; a module is its file."""
    thing = mtl = importlib.import_module("tinymtl")
    for part in name.split(".")[1:]:
        thing = getattr(thing, part, None)
    if not (
        inspect.ismodule(thing) or inspect.isclass(thing) or inspect.isfunction(thing)
    ):
        raise RuntimeError(
            f"`{name}` is no module, class or function of the package, so there is nothing to link to"
        )
    file = (
        Path(inspect.getsourcefile(thing))
        .relative_to(Path(mtl.__file__).parent)
        .as_posix()
    )
    line = "" if inspect.ismodule(thing) else f"#L{inspect.getsourcelines(thing)[1]}"
    return f"../tinymtl/{file}{line}"


def notebook(path):
    """A chapter as a notebook: plain JSON, nothing run."""
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {
            "kernelspec": {
                "name": "python3",
                "display_name": "Python 3",
                "language": "python",
            }
        },
        "cells": [
            {"id": f"cell-{i}", "metadata": {}, "source": text}
            | (
                {"cell_type": "code", "execution_count": None, "outputs": []}
                if is_code
                else {"cell_type": "markdown"}
            )
            for i, (is_code, text, _) in enumerate(cells(path))
        ],
    }


def main(arguments):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "chapters", nargs="*", help="how their file names begin; none: all"
    )
    parser.add_argument(
        "--notebooks", action="store_true", help="write an .ipynb beside each chapter"
    )
    options = parser.parse_args(arguments)
    paths = [] if options.chapters else PATHS
    for start in options.chapters:
        found = [path for path in PATHS if path.stem == start] or [
            path for path in PATHS if start and path.name.startswith(start)
        ]
        if not found:
            parser.error(
                f"no chapter begins with {start!r}; there are {[path.stem for path in PATHS]}"
            )
        paths += found
    if options.notebooks:
        for path in paths:
            path.with_suffix(".ipynb").write_text(
                json.dumps(notebook(path), ensure_ascii=False, indent=1),
                encoding="utf-8",
            )
            print(path.with_suffix(".ipynb"))
        return
    with TemporaryDirectory() as folder:
        try:
            pages = run_all(paths, folder)
        except RuntimeError as error:
            sys.exit(f"{error}\nnothing was written")
        (HERE / "figures").mkdir(exist_ok=True)
        for path in paths:
            (Path(folder) / f"{path.stem}.json").unlink()  # what is left are pictures
        shutil.copytree(folder, HERE / "figures", dirs_exist_ok=True)
    for path, (text, seconds) in zip(paths, pages):
        path.with_suffix(".md").write_text(text, encoding="utf-8")
        print(f"{path.with_suffix('.md')}  ({seconds:.1f} s)")


if __name__ == "__main__":
    main(sys.argv[1:])
