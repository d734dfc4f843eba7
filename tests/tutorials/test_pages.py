"""The chapters and their pages.

Each chapter runs once, in a fresh process with warnings as errors, and its page shows what it
printed and drew.
"""

import io
import json
import os
import re
import subprocess
import sys
import tokenize
from pathlib import Path

import _render
import numpy as np
import pytest
from matplotlib.image import imread

ROOT = Path(__file__).parents[2]
TUTORIALS = ROOT / "tutorials"
CHAPTERS = [path for path in _render.PATHS if path.stem[0].isdigit()]  # the others are no lessons
PAGES = [path.with_suffix(".md") for path in _render.PATHS]
named = {"ids": lambda path: path.stem}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The folder with all pictures, and chapter -> its page.

    A chapter that does not run, or whose claims fail, is an error here.
    """
    folder = tmp_path_factory.mktemp("figures")
    results = _render.run_all(_render.PATHS, folder)
    return folder, {path: page for path, (page, _) in zip(_render.PATHS, results)}


def read(path):
    return path.read_text(encoding="utf-8")


def page_of(path):
    """The page of a chapter as it is kept."""
    return read(path.with_suffix(".md"))


# What is shown is what happens


@pytest.mark.parametrize("path", _render.PATHS, **named)
def test_the_page_shows_what_the_chapter_prints(runs, path):
    _, pages = runs
    assert page_of(path) == pages[path], "write the page anew: python tutorials/_render.py"


def without_names(svg):
    """An SVG picture without the names of its parts, which are made of their coordinates."""
    return re.sub(r'(id|href|clip-path)="[^"]*"|#\w+\)', "", svg)


def same_drawing(a, b):
    """Whether two SVG pictures say the same, with everything in its place to half a pixel."""
    number = r"-?\d+\.?\d*(?:e-?\d+)?"
    a = without_names(a)
    b = without_names(b)
    if re.sub(number, "0", a) != re.sub(number, "0", b):
        return False
    places_a = np.array(re.findall(number, a), float)
    places_b = np.array(re.findall(number, b), float)
    return np.abs(places_a - places_b).max() < 0.5


def same_image(a, b):
    """Whether two PNG pictures differ by less than one part in a hundred."""
    a = imread(a)
    b = imread(b)
    return a.shape == b.shape and np.abs(a - b).mean() < 0.01


def drawn_by(svg):
    return re.search(r"<dc:title>(.*?)</dc:title>", svg)[1]


@pytest.mark.parametrize("path", _render.PATHS, **named)
def test_the_pictures_are_those_that_the_chapter_draws(runs, path):
    folder, pages = runs
    shown = set(re.findall(r"\(figures/(.*?)\)", pages[path]))
    start = path.stem[:2] if path in CHAPTERS else path.stem
    assert shown == {picture.name for picture in (TUTORIALS / "figures").glob(f"{start}_*")}
    for name in shown:
        kept = TUTORIALS / "figures" / name
        drawn = folder / name
        if name.endswith(".gif"):
            continue  # drawn by a script of its own
        if name.endswith(".png"):
            same = same_image(kept, drawn)
        elif drawn_by(read(kept)) != drawn_by(read(drawn)):
            continue  # another matplotlib may choose other ticks
        else:
            same = same_drawing(read(kept), read(drawn))
        assert same, f"draw {name} anew: python tutorials/_render.py"


@pytest.mark.parametrize("path", sorted((TUTORIALS / "figures").glob("*.gif")), **named)
def test_a_moving_picture_has_a_script_and_loads_quickly(path):
    scripts = [script for script in TUTORIALS.glob("_*.py") if path.name in read(script)]
    assert scripts, f"no script such as _name.py draws {path.name}"
    assert path.stat().st_size < 400_000


def test_a_drawing_that_differs_in_a_place_a_word_or_a_colour_is_another():
    svg = read(TUTORIALS / "figures" / "04_crossing.svg")
    a_place = re.search(r"y=\"(\d+\.\d+)\"", svg)[1]
    assert same_drawing(svg, svg)
    for old, new in (("n* = 40", "n* = 20"), ("#7b3fa0", "#0072b2"), (a_place, "1.5")):
        assert old in svg
        assert not same_drawing(svg, svg.replace(old, new))


@pytest.mark.parametrize("path", _render.PATHS, **named)
def test_nothing_of_the_machine_is_on_a_page(path):
    assert not re.search(r"/(home|root|tmp|work|Users)/|\d seconds", page_of(path))


# Links


def anchors(path):
    """What can stand behind # in a link to this file: the headings of a page.

    Lines of a source file are none: an edit of the source would change the page.
    """
    if path.suffix != ".md":
        return set()
    headings = re.findall(r"^#+ (.*)$", read(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(
    "page",
    [ROOT / "README.md", TUTORIALS / "README.md", *PAGES],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_every_link_leads_somewhere(page):
    text = re.sub(r"^```.*?^```$", "", read(page), flags=re.MULTILINE | re.DOTALL)
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    targets += re.findall(r'(?:src|href)="([^"]+)"', text)
    assert targets
    for target in targets:
        if not target.startswith("https://"):
            file, _, anchor = target.partition("#")
            at = page.parent / file if file else page
            assert at.exists(), f"{target} does not exist"
            assert not anchor or anchor in anchors(at), f"{target}: no such place"


@pytest.mark.parametrize("path", _render.PATHS, **named)
def test_the_contents_list_every_chapter(path):
    assert f"({path.stem}.md)" in read(TUTORIALS / "README.md")


# Form


def code_of(path):
    return "\n".join(cell.text for cell in _render.cells(path) if cell.is_code)


def shown_code_of(path):
    """The code that is not folded."""
    shown = [cell.text for cell in _render.cells(path) if cell.is_code and not cell.title]
    return "\n".join(shown)


def prose_of(path):
    return "\n\n".join(cell.text for cell in _render.cells(path) if not cell.is_code)


def test_names_of_the_package_become_links_to_the_files_that_define_them():
    assert _render.prose("see `mtl.mse`") == "see [`mtl.mse`](../tinymtl/losses.py)"
    for name, line in (
        ("mtl.mse", "def mse("),  # a function
        ("mtl.SoftSharing", "class SoftSharing("),  # a class
        ("mtl.HardSharing.counts", "    def counts("),  # a method, wherever it is inherited from
        ("mtl.weighting.mgda", "def mgda("),  # of a module
        ("mtl.plots.harm", "def harm("),
    ):
        file = TUTORIALS / _render.definition(name)
        assert f"\n{line}" in read(file)
    assert _render.definition("mtl.weighting") == "../tinymtl/weighting.py"
    assert _render.definition("mtl.plots") == "../tinymtl/plots/__init__.py"


def test_a_name_that_the_package_does_not_define_is_an_error():
    for name in ("mtl.no_such_name", "mtl.mse.no_such_name", "mtl.__version__"):
        with pytest.raises(RuntimeError, match=f"`{name}` is no module"):
            _render.prose(f"see `{name}`")


def test_mathematics_is_written_for_the_code_host():
    page = _render.prose("a $x_1$ and `$5`\n\n$$\ny = 1\n$$")
    assert page == "a $`x_1`$ and `$5`\n\n```math\ny = 1\n```"
    assert _render.prose("it costs $5 and $6 a piece") == "it costs $5 and $6 a piece"


def chapter(folder, *cells, prose="# Made up"):
    """A script of these code cells, after a cell of prose.

    A cell that begins with a blank says what stands on the line of its mark.
    """
    script = "# %% [markdown]\n"
    script += "".join(f"# {line}\n" for line in prose.splitlines())
    for cell in cells:
        rest_of_line = "" if cell.startswith(" ") else "\n"
        script += f"# %%{rest_of_line}{cell}\n"
    path = folder / "99_made_up.py"
    path.write_text(script, encoding="utf-8")
    return path


DRAW = """
import matplotlib.pyplot as plt
from _show import show

figure = plt.figure()
figure.add_subplot().plot([1, 3, 2])
show(figure, '99_a.svg', 'up and down')
"""


NOTHING = {"output": "", "pictures": []}  # what a cell printed and showed


def test_a_page_shows_what_each_cell_prints_and_draws(tmp_path, monkeypatch):
    path = chapter(tmp_path, "print('```')", DRAW, "# nothing", "[].append(1)")
    monkeypatch.setattr(_render, "PATHS", [path])
    page, _ = _render.run(path, tmp_path)
    assert "````text\n```\n````" in page
    assert page.count("![up and down](figures/99_a.svg)\n\n*up and down*\n") == 1


def test_a_cell_with_a_title_is_folded_and_what_it_prints_and_draws_is_not(tmp_path, monkeypatch):
    path = chapter(tmp_path, f' Draw a < b tags=["hide-input"]\nprint("here"){DRAW}', "x = 1")
    monkeypatch.setattr(_render, "PATHS", [path])
    page, _ = _render.run(path, tmp_path)
    folded, outside = page.split("\n</details>\n")
    assert "<details><summary>Code: draw a &lt; b</summary>\n\n```python\nprint(" in folded
    assert folded.endswith("'up and down')\n```\n")
    assert outside.startswith("\n```text\nhere\n```\n\n![up and down](figures/99_a.svg)\n\n*up")
    assert "\n```python\nx = 1\n```\n" in outside, "the next cell is shown"


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (' tags=["hide-input"]', "99_made_up.py, line 3: a folded cell needs a title"),
        (" Draw the lines", "line 3: a cell begins with"),
        (' Draw tags=["hide"]', "line 3: a cell begins with"),
        (' [markdown] tags=["hide-input"]x', "line 3: a cell begins with"),
    ],
)
def test_a_cell_that_begins_otherwise_is_an_error(head, said, tmp_path):
    path = chapter(tmp_path, f"{head}\nx = 1")
    with pytest.raises(RuntimeError, match=said):
        _render.cells(path)


def test_the_best_picture_has_its_finding_under_it_too(tmp_path, monkeypatch):
    path = chapter(tmp_path, "draw()", prose="# Made up\n\n![](figures/99_a.svg)\n\nMore.")
    monkeypatch.setattr(_render, "PATHS", [path])
    drawn = {"output": "", "pictures": [["99_a.svg", "up and down"]]}
    page = _render.page(path, [NOTHING, drawn])
    picture = "![up and down](figures/99_a.svg)\n\n*up and down*\n\n"
    assert page.count(picture) == 2
    assert f"# Made up\n\n{picture}More." in page


def test_no_letter_of_a_finding_means_anything_to_markdown():
    finding = r"a*b* _c_ $5 |d| [e](f) `g` <h> \\i ~~j~~ &amp; end*"
    picture = _render.picture("99_a.svg", finding)
    described, _, in_italics = picture.partition("](figures/99_a.svg)\n\n")
    assert in_italics[0] == in_italics[-1] == "*"
    for text, dollar in ((described[2:], "&#36;"), (in_italics[1:-1], "<span>$</span>")):
        assert not re.search(r"(?<!\\)(?:\\\\)*[*_|\[\]`~]", text), "a mark without its backslash"
        plain = re.sub(r"\\([\\`*_\[\]<>|~&])", r"\1", text.replace(dollar, "$"))
        assert plain == finding


def test_a_finding_in_several_lines_is_one_paragraph():
    assert _render.picture("a.svg", "one\n\n  two ") == "![one two](figures/a.svg)\n\n*one two*"


def test_the_same_run_makes_the_same_bytes(tmp_path, monkeypatch):
    path = chapter(tmp_path, DRAW)
    monkeypatch.setattr(_render, "PATHS", [path])
    page, _ = _render.run(path, tmp_path)
    picture = (tmp_path / "99_a.svg").read_bytes()
    assert _render.run(path, tmp_path)[0] == page
    assert (tmp_path / "99_a.svg").read_bytes() == picture


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("x = 1\n1 / 0", "line 5, in <module>\n    1 / 0"),
        ("import warnings\nwarnings.warn('careful')", "careful"),
        ("raise SystemExit(0)", "does not run to its end"),
        ("x = (\n", "line 4"),
        ("x = [1]\nx.pop()", "line 5: a notebook would show the value of the last line, x.pop()"),
    ],
)
def test_a_chapter_that_fails_is_told_with_its_line_and_nothing_is_written(
    cell, said, tmp_path, monkeypatch
):
    path = chapter(tmp_path, cell)
    monkeypatch.setattr(_render, "PATHS", [path])
    monkeypatch.setattr(_render, "HERE", tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(TUTORIALS), str(ROOT)]))
    with pytest.raises(SystemExit, match="nothing was written") as error:
        _render.main(["99"])
    assert "99_made_up.py does not run" in str(error.value)
    assert said in str(error.value)
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_the_renderer_writes_a_page_and_its_pictures(tmp_path, monkeypatch, capsys):
    path = chapter(tmp_path, DRAW)
    monkeypatch.setattr(_render, "PATHS", [path])
    monkeypatch.setattr(_render, "HERE", tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(TUTORIALS), str(ROOT)]))
    _render.main([])
    files = [one for one in tmp_path.rglob("*") if one.is_file()]
    written = {file.relative_to(tmp_path).as_posix() for file in files}
    assert written == {"99_made_up.py", "99_made_up.md", "figures/99_a.svg"}
    assert capsys.readouterr().out.startswith(str(tmp_path / "99_made_up.md"))


def test_a_picture_that_no_cell_shows_is_an_error(tmp_path, monkeypatch):
    path = chapter(tmp_path, "x = 1", prose="# Made up\n\n![](figures/99_b.svg)")
    monkeypatch.setattr(_render, "PATHS", [path])
    with pytest.raises(RuntimeError, match="a picture that no cell shows: 99_b.svg"):
        _render.page(path, [NOTHING, NOTHING])


def test_a_chapter_is_chosen_by_how_its_name_begins(capsys):
    with pytest.raises(SystemExit, match="2"):
        _render.main(["no such chapter"])
    said = capsys.readouterr().err
    assert "no chapter begins with 'no such chapter'; there are ['01_chain_rule'," in said


EQUATION = re.compile(r"\\tag\{(\d+\.\d+)\}")


@pytest.mark.parametrize("path", CHAPTERS, **named)
def test_every_equation_is_a_line_of_code(path):
    numbers = EQUATION.findall(prose_of(path))
    assert numbers == [f"{int(path.stem[:2])}.{i + 1}" for i in range(len(numbers))] != []
    for number in numbers:
        assert re.search(rf"#.*\({re.escape(number)}\)", code_of(path)), (
            f"no line of code is marked as ({number})"
        )


@pytest.mark.parametrize("path", [path for path in CHAPTERS if path.stem[:2] > "03"], **named)
def test_every_equation_names_the_function_that_it_is(path):
    equation_and_paragraph = r"^\$\$\n.*?\\tag.*?^\$\$\n\n?(.*?)(?:\n\n|\Z)"
    below = re.findall(equation_and_paragraph, prose_of(path), re.MULTILINE | re.DOTALL)
    assert len(below) == len(EQUATION.findall(prose_of(path)))
    for paragraph in below:
        assert "`mtl." in paragraph, (
            "the paragraph below an equation should name the function of the package, "
            f"got: {paragraph[:80]}"
        )


@pytest.mark.parametrize("path", CHAPTERS, **named)
def test_every_symbol_of_the_notation_is_used(path):
    code = code_of(path)
    names = {token.string for token in tokenize.generate_tokens(io.StringIO(code).readline)}
    prose = prose_of(path)
    table = re.search(r"^\| symbol \|.*?\n\n", prose + "\n\n", re.MULTILINE | re.DOTALL)[0]
    elsewhere = prose.replace(table, "")
    rows = table.strip().splitlines()[2:]
    assert len(rows) > 3
    for row in rows:
        symbols, variables, *_ = row.strip("| ").split(" | ")
        for symbol in symbols.strip("$ ").split(", "):
            used = rf"(?<![A-Za-z\\]){re.escape(symbol)}(?![A-Za-z])"
            assert re.search(used, elsewhere), f"{symbol} is in the table only"
        for variable in re.findall(r"`(.*?)`", variables):
            is_used = variable in (names if variable.isidentifier() else code)
            assert is_used, f"no cell uses {variable}"


@pytest.mark.parametrize("path", CHAPTERS, **named)
def test_a_chapter_has_its_parts(path):
    page = page_of(path)
    prose = prose_of(path)
    assert re.match(rf"# {int(path.stem[:2])} · .*\n\n\*\d+ minutes\.\*", prose)
    for part in (
        " minutes.*",
        "![](figures/",
        "**What you need**",
        "## Notation",
        "**Predict**",
        "## Exercises",
        "## What this does not show",
        "## To recall",
    ):
        assert part in prose, f"no {part!r}"
    assert page.count("<details>") == page.count("</details>") >= 6
    _, _, questions = prose.partition("## To recall")
    assert len(re.findall(r"^\d\. ", questions, re.MULTILINE)) == 5
    assert "assert " in code_of(path)
    assert page.count(": not done yet") >= 3, "every exercise is a stub on the page"


def count_lines(code):
    return sum(bool(line.strip()) for line in code.splitlines())


@pytest.mark.parametrize("path", CHAPTERS, **named)
def test_a_chapter_has_its_size(path):
    words = re.sub(r"\$\$.*?\$\$|</?\w+>", " ", prose_of(path), flags=re.DOTALL).split()
    assert len(words) >= 1200
    assert 80 <= count_lines(shown_code_of(path)) <= 160


@pytest.mark.parametrize("path", CHAPTERS, **named)
def test_a_cell_fits_a_screen(path):
    for cell in _render.cells(path):
        if cell.is_code and not cell.title:
            n = count_lines(cell.text)
            assert n <= 45, f"the cell at line {cell.line} has {n} lines"


@pytest.mark.parametrize("path", _render.PATHS, **named)
def test_no_code_on_a_page_has_to_be_scrolled_sideways(path):
    blocks = re.findall(r"^```python\n(.*?)^```$", page_of(path), re.MULTILINE | re.DOTALL)
    assert blocks
    for line in "".join(blocks).splitlines():
        assert len(line) <= 88, f"{len(line)} columns: {line}"


@pytest.mark.parametrize("path", CHAPTERS, **named)
def test_what_only_draws_is_folded(path):
    for cell in _render.cells(path):
        if cell.is_code and not cell.title:
            draws = re.search(r"^(?:.*\bplt\.(?:subplots|figure)\(|ax\.)", cell.text, re.MULTILINE)
            assert not draws, f"the cell at line {cell.line} draws: fold it"


@pytest.mark.parametrize("path", [*_render.PATHS, TUTORIALS / "README.md"], **named)
def test_no_line_is_wider_than_88_columns_but_rows_of_tables(path):
    for number, line in enumerate(read(path).splitlines(), 1):
        is_row = line.removeprefix("# ").startswith("|")
        assert is_row or len(line) <= 88, f"line {number} has {len(line)} columns"


def notebook_of(path):
    return json.loads(json.dumps(_render.notebook(path)))  # it can be written as JSON


@pytest.mark.parametrize("path", _render.PATHS, **named)
def test_a_notebook_holds_the_cells(path):
    entries = notebook_of(path)["cells"]
    for entry, cell in zip(entries, _render.cells(path), strict=True):
        assert entry["cell_type"] == ("code" if cell.is_code else "markdown")
        title = f"# {cell.title}\n" if cell.title else ""
        assert entry["source"] == title + cell.text


def test_a_folded_cell_is_hidden_in_a_notebook_too(tmp_path):
    path = chapter(tmp_path, ' Draw it tags=["hide-input"]\nx = 1', "y = 2")
    _, folded, shown = notebook_of(path)["cells"]
    assert folded["metadata"] == {
        "tags": ["hide-input"],
        "jupyter": {"source_hidden": True},
    }
    assert folded["source"] == "# Draw it\nx = 1"
    assert shown["metadata"] == {}


@pytest.mark.parametrize("path", _render.PATHS, **named)
def test_a_notebook_is_in_the_format_4_5(path):
    """The schema of nbformat 4.5, as far as it speaks of what we write."""
    notebook = notebook_of(path)
    assert notebook.keys() == {"metadata", "nbformat_minor", "nbformat", "cells"}
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    kernel = notebook["metadata"]["kernelspec"]
    assert isinstance(kernel["name"], str) and isinstance(kernel["display_name"], str)
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    for cell in notebook["cells"]:
        assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", cell["id"])
        assert isinstance(cell["metadata"], dict) and isinstance(cell["source"], str)
        keys = {"id", "cell_type", "metadata", "source"}
        if cell["cell_type"] == "code":
            keys |= {"execution_count", "outputs"}
            assert cell["execution_count"] is None and cell["outputs"] == []
        assert cell.keys() == keys


def test_a_notebook_that_exists_is_never_overwritten_unless_forced(tmp_path, monkeypatch, capsys):
    path = chapter(tmp_path, "x = 1")
    monkeypatch.setattr(_render, "PATHS", [path])
    target = tmp_path / "99_made_up.ipynb"
    _render.main(["--notebooks"])
    written = read(target)
    assert capsys.readouterr().out == f"{target}\n"
    assert json.loads(written) == _render.notebook(path)

    target.write_text("my answers", encoding="utf-8")
    _render.main(["--notebooks"])
    assert read(target) == "my answers"
    assert "exists and was not changed; --force" in capsys.readouterr().out

    _render.main(["--notebooks", "--force"])
    assert read(target) == written


def test_a_user_who_interrupts_is_obeyed_in_one_line(monkeypatch, capsys):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(_render, "run_all", interrupt)
    assert _render.main(["01"]) == 130
    assert capsys.readouterr().err == "Stopped.\n"


@pytest.mark.parametrize("arguments", [[], ["--notebooks"]])
def test_a_folder_that_cannot_be_written_is_told(tmp_path, monkeypatch, capsys, arguments):
    def refuse(path, *_, **__):
        raise PermissionError(13, "Permission denied", str(path))

    path = chapter(tmp_path, "x = 1")
    monkeypatch.setattr(_render, "HERE", tmp_path)
    monkeypatch.setattr(_render, "PATHS", [path])
    monkeypatch.setattr(_render, "run_all", lambda paths, folder: [("a page", 1.0)])
    (tmp_path / "figures").write_text("not a folder", encoding="utf-8")
    monkeypatch.setattr(Path, "write_text", refuse)
    assert _render.main(arguments) == 1
    said = capsys.readouterr().err
    if arguments:
        assert said == f"{path.with_suffix('.ipynb')}: Permission denied\n"
    else:
        assert said == f"{tmp_path / 'figures'}: File exists\n"


def test_force_is_for_notebooks_alone(capsys):
    with pytest.raises(SystemExit, match="2"):
        _render.main(["--force"])
    assert "--force is for --notebooks" in capsys.readouterr().err


def test_line_numbers_of_a_failing_cell_are_those_of_the_file():
    for path in _render.PATHS:
        lines = read(path).splitlines()
        for cell in _render.cells(path):
            first = cell.text.splitlines()[0]
            assert lines[cell.line - 1] == (first if cell.is_code else f"# {first}")


def test_run_as_a_script_a_chapter_prints_and_saves_its_pictures_where_it_is_run(tmp_path):
    path = CHAPTERS[0]
    modules = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    env = {**os.environ, "MPLBACKEND": "Agg", "PYTHONPATH": modules, "PYTHONUTF8": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "error", path],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    blocks = re.findall(r"^```text\n(.*?)^```$", page_of(path), re.MULTILINE | re.DOTALL)
    printed = [text for text in blocks if "──►──" not in text]  # that one is a drawing in the prose
    assert done.stdout.split() == " ".join(printed).split()
    saved = re.findall(r"^(tinymtl-pictures\S+): \S", done.stderr, re.MULTILINE)
    assert len(saved) == len(done.stderr.splitlines()) >= 2, "each picture, with its finding"
    for name in saved:
        assert (tmp_path / name).stat().st_size > 1000
