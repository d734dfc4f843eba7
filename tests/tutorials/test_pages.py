"""The chapters: each is run once, in a fresh process with warnings as errors, and its page shows what it printed and drew."""

import ast
import io
import json
import os
import re
import subprocess
import sys
import tokenize
from pathlib import Path

import _render
import pytest

ROOT = Path(__file__).parents[2]
TUTORIALS = ROOT / "tutorials"
CHAPTERS = [path for path in _render.PATHS if path.stem != "beyond"]
PAGES = [path.with_suffix(".md") for path in _render.PATHS]
named = {"ids": lambda path: path.stem}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Chapter -> (its page, seconds, the folder with its pictures); a chapter that does not run, or whose claims fail, is an error here."""
    folder = tmp_path_factory.mktemp("figures")
    return {path: (*run, folder) for path, run in zip(_render.PATHS, _render.run_all(_render.PATHS, folder))}


# What is shown is what happens


@pytest.mark.parametrize("path", _render.PATHS, **named)
def test_the_page_shows_what_the_chapter_prints(runs, path):
    assert path.with_suffix(".md").read_text(encoding="utf-8") == runs[path][0], "write the page anew: python tutorials/_render.py"


def words_of(svg):
    """Every text in a picture of matplotlib's, which stands in a comment before the outlines of its letters, and what drew it."""
    text = svg.read_text(encoding="utf-8")
    return re.findall(r"<!-- (.*?) -->", text), re.search(r"<dc:title>(.*?)</dc:title>", text)[1]


@pytest.mark.parametrize("path", _render.PATHS, **named)
def test_the_pictures_are_those_that_the_chapter_draws(runs, path):
    page, _, folder = runs[path]
    shown = set(re.findall(r"\(figures/(.*?)\)", page))
    assert shown == {picture.name for picture in (TUTORIALS / "figures").glob(f"{path.stem[:2]}_*")} or path.stem == "beyond"
    for name in shown:
        if name.endswith(".svg"):
            (kept, drawn_by), (words, drawing) = words_of(TUTORIALS / "figures" / name), words_of(folder / name)
            assert kept and words
            if drawing == drawn_by:  # another matplotlib may choose other ticks
                assert kept == words, "draw it anew: python tutorials/_render.py"


@pytest.mark.parametrize("path", _render.PATHS, **named)
def test_nothing_of_the_machine_is_on_a_page(path):
    assert not re.search(r"/(home|root|tmp|work|Users)/|\d seconds", path.with_suffix(".md").read_text(encoding="utf-8"))


# Links


def anchors(path):
    """What can stand behind # in a link to this file: headings of a page, lines of a source file."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".md":
        return {f"L{i + 1}" for i in range(text.count("\n"))}
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}


@pytest.mark.parametrize("page", [ROOT / "README.md", TUTORIALS / "README.md", *PAGES], ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page):
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    targets = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:src|href)="([^"]+)"', text)
    assert targets
    for target in targets:
        if not target.startswith("https://"):
            file, _, anchor = target.partition("#")
            at = page.parent / file if file else page
            assert at.exists(), f"{target} does not exist"
            assert not anchor or anchor in anchors(at), f"{target}: no such place"


@pytest.mark.parametrize("path", CHAPTERS, **named)
def test_the_contents_list_every_chapter(path):
    assert f"({path.stem}.md)" in (TUTORIALS / "README.md").read_text(encoding="utf-8")


# Form


def code_of(path):
    return "\n".join(text for is_code, text, _ in _render.cells(path) if is_code)


def prose_of(path):
    return "\n\n".join(text for is_code, text, _ in _render.cells(path) if not is_code)


def test_names_of_the_package_become_links_to_their_definitions():
    assert re.fullmatch(r"see \[`mtl\.mse`\]\(\.\./tinymtl/losses\.py#L\d+\)", _render.prose("see `mtl.mse`"))
    line = int(_render.definition("mtl.mse").rpartition("#L")[2])
    assert (ROOT / "tinymtl" / "losses.py").read_text(encoding="utf-8").splitlines()[line - 1].startswith("def mse(")
    with pytest.raises(AttributeError):
        _render.prose("see `mtl.no_such_name`")


def test_mathematics_is_written_for_the_code_host():
    assert _render.prose("a $x_1$ and `$5`\n\n$$\ny = 1\n$$") == "a $`x_1`$ and `$5`\n\n```math\ny = 1\n```"


EQUATION = re.compile(r"\\tag\{(\d+\.\d+)\}")


@pytest.mark.parametrize("path", CHAPTERS, **named)
def test_every_equation_is_a_line_of_code(path):
    numbers = EQUATION.findall(prose_of(path))
    assert numbers == [f"{int(path.stem[:2])}.{i + 1}" for i in range(len(numbers))] != []
    for number in numbers:
        assert re.search(rf"#.*\({re.escape(number)}\)", code_of(path)), f"no line of code is marked as ({number})"


@pytest.mark.parametrize("path", [path for path in CHAPTERS if path.stem[:2] > "03"], **named)
def test_every_equation_names_the_function_that_it_is(path):
    for block in re.findall(r"^\$\$\n.*?\\tag.*?^\$\$\n\n?(.*?)$", prose_of(path), re.MULTILINE | re.DOTALL):
        assert "`mtl." in block, f"the line below an equation should name the function of the package, got: {block[:80]}"


@pytest.mark.parametrize("path", CHAPTERS, **named)
def test_every_symbol_of_the_notation_is_used(path):
    code, prose = code_of(path), prose_of(path)
    table = re.search(r"^\| symbol \|.*?\n\n", prose + "\n\n", re.MULTILINE | re.DOTALL)[0]
    elsewhere, names = prose.replace(table, ""), {token.string for token in tokenize.generate_tokens(io.StringIO(code).readline)}
    rows = [[cell.strip() for cell in row.strip("| ").split(" | ")] for row in table.strip().splitlines()[2:]]
    assert len(rows) > 3
    for symbols, variables, *_ in rows:
        for symbol in symbols.strip("$").split(", "):
            assert re.search(rf"(?<![A-Za-z\\]){re.escape(symbol)}(?![A-Za-z])", elsewhere), f"{symbol} is in the table only"
        for variable in re.findall(r"`(.*?)`", variables):
            assert variable in names or variable in code, f"no cell uses {variable}"


@pytest.mark.parametrize("path", CHAPTERS, **named)
def test_a_chapter_has_its_parts_and_its_size(path):
    page, prose = path.with_suffix(".md").read_text(encoding="utf-8"), prose_of(path)
    for part in (" minutes.*", "![](figures/", "**What you need**", "## Notation", "**Predict**", "## Exercises", "Find the bug", "Write the property that catches it", "## What this does not show", "## To recall"):  # fmt: skip
        assert part in prose, f"no {part!r}"
    assert page.count("<details>") == page.count("</details>") >= 6
    assert len(re.findall(r"^\d\. ", prose.partition("## To recall")[2], re.MULTILINE)) == 5
    assert "assert " in code_of(path)
    assert page.count(": not done yet") >= 3, "every exercise is a stub on the page"
    assert 1200 <= len(re.sub(r"\$\$.*?\$\$|</?\w+>", " ", prose, flags=re.DOTALL).split()) <= 2200
    assert 80 <= sum(bool(line.strip()) for line in code_of(path).splitlines()) <= 160


@pytest.mark.parametrize("path", CHAPTERS, **named)
def test_cells_are_short(path):
    for is_code, text, line in _render.cells(path):
        if is_code:
            has_class = any(isinstance(part, ast.ClassDef) for part in ast.parse(text).body)
            n = sum(bool(line.strip()) for line in text.splitlines())
            assert n <= (45 if has_class else 12), f"the cell at line {line} has {n} lines"


def test_a_notebook_holds_the_cells(tmp_path):
    path = CHAPTERS[0]
    cells = json.loads(json.dumps(_render.notebook(path)))["cells"]
    assert [(cell["cell_type"] == "code", cell["source"]) for cell in cells] == [(is_code, text) for is_code, text, _ in _render.cells(path)]
    assert len({cell["id"] for cell in cells}) == len(cells)


def test_line_numbers_of_a_failing_cell_are_those_of_the_file():
    for path in _render.PATHS:
        lines = path.read_text(encoding="utf-8").splitlines()
        for is_code, text, line in _render.cells(path):
            assert lines[line - 1].removeprefix("" if is_code else "# ") == text.splitlines()[0]


def test_run_as_a_script_a_chapter_prints_and_saves_its_pictures_where_it_is_run(tmp_path):
    path = CHAPTERS[0]
    modules = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    env = {**os.environ, "MPLBACKEND": "Agg", "PYTHONPATH": modules, "PYTHONUTF8": "1"}
    done = subprocess.run([sys.executable, "-W", "error", path], cwd=tmp_path, env=env, capture_output=True, text=True, encoding="utf-8", check=True)
    printed = re.findall(r"^```text\n(.*?)^```$", path.with_suffix(".md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert done.stdout.split() == " ".join(text for text in printed if "──►──" not in text).split()
    saved = done.stderr.splitlines()
    assert len(saved) == 2 and all((tmp_path / name).stat().st_size > 1000 for name in saved)
