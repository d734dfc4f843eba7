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
import numpy as np
import pytest
from _show import mean_and_error
from matplotlib.image import imread

ROOT = Path(__file__).parents[2]
TUTORIALS = ROOT / "tutorials"
CHAPTERS = [path for path in _render.PATHS if path.stem != "beyond"]
PAGES = [path.with_suffix(".md") for path in _render.PATHS]
named = {"ids": lambda path: path.stem}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The folder with all pictures, and chapter -> its page; a chapter that does not run, or whose claims fail, is an error here."""
    folder = tmp_path_factory.mktemp("figures")
    return folder, {
        path: page for path, (page, _) in zip(_render.PATHS, _render.run_all(_render.PATHS, folder))
    }


# What is shown is what happens


@pytest.mark.parametrize("path", _render.PATHS, **named)
def test_the_page_shows_what_the_chapter_prints(runs, path):
    assert path.with_suffix(".md").read_text(encoding="utf-8") == runs[1][path], (
        "write the page anew: python tutorials/_render.py"
    )


def same_drawing(a, b):
    """Whether two SVG pictures say the same and have everything in the same place, to half a pixel (names of parts aside, which are made of their coordinates)."""
    number = r"-?\d+\.?\d*(?:e-?\d+)?"
    texts = [re.sub(r'(id|href|clip-path)="[^"]*"|#\w+\)', "", text) for text in (a, b)]
    if re.sub(number, "0", texts[0]) != re.sub(number, "0", texts[1]):
        return False
    places = [np.array(re.findall(number, text), float) for text in texts]
    return np.abs(places[0] - places[1]).max() < 0.5


def drawn_by(svg):
    return re.search(r"<dc:title>(.*?)</dc:title>", svg)[1]


@pytest.mark.parametrize("path", _render.PATHS, **named)
def test_the_pictures_are_those_that_the_chapter_draws(runs, path):
    folder, pages = runs
    shown = set(re.findall(r"\(figures/(.*?)\)", pages[path]))
    assert (
        shown == {picture.name for picture in (TUTORIALS / "figures").glob(f"{path.stem[:2]}_*")}
        or path.stem == "beyond"
    )
    for name in shown:
        kept, drawn = TUTORIALS / "figures" / name, folder / name
        if name.endswith(".png"):
            kept, drawn = imread(kept), imread(drawn)
            assert kept.shape == drawn.shape and np.abs(kept - drawn).mean() < 0.01, (
                "draw it anew: python tutorials/_render.py"
            )
        else:
            kept, drawn = (picture.read_text(encoding="utf-8") for picture in (kept, drawn))
            assert drawn_by(kept) != drawn_by(drawn) or same_drawing(kept, drawn), (
                "draw it anew: python tutorials/_render.py"
            )  # another matplotlib may choose other ticks


def test_a_drawing_that_differs_in_a_place_a_word_or_a_colour_is_another():
    svg = (TUTORIALS / "figures" / "04_crossing.svg").read_text(encoding="utf-8")
    assert same_drawing(svg, svg)
    for old, new in (
        ("n* = 40", "n* = 20"),
        ("#7b3fa0", "#0072b2"),
        (re.search(r"y=\"(\d+\.\d+)\"", svg)[1], "1.5"),
    ):
        assert old in svg and not same_drawing(svg, svg.replace(old, new))


@pytest.mark.parametrize("path", _render.PATHS, **named)
def test_nothing_of_the_machine_is_on_a_page(path):
    assert not re.search(
        r"/(home|root|tmp|work|Users)/|\d seconds",
        path.with_suffix(".md").read_text(encoding="utf-8"),
    )


# Links


def anchors(path):
    """What can stand behind # in a link to this file: headings of a page, lines of a source file."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".md":
        return {f"L{i + 1}" for i in range(text.count("\n"))}
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    }


@pytest.mark.parametrize(
    "page",
    [ROOT / "README.md", TUTORIALS / "README.md", *PAGES],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_every_link_leads_somewhere(page):
    text = re.sub(
        r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )
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
    assert re.fullmatch(
        r"see \[`mtl\.mse`\]\(\.\./tinymtl/losses\.py#L\d+\)", _render.prose("see `mtl.mse`")
    )
    line = int(_render.definition("mtl.mse").rpartition("#L")[2])
    assert (
        (ROOT / "tinymtl" / "losses.py")
        .read_text(encoding="utf-8")
        .splitlines()[line - 1]
        .startswith("def mse(")
    )
    for name in ("mtl.no_such_name", "mtl.mse.no_such_name", "mtl.__version__"):
        with pytest.raises(RuntimeError, match=f"`{name}` is no module"):
            _render.prose(f"see `{name}`")


def test_mathematics_is_written_for_the_code_host():
    assert (
        _render.prose("a $x_1$ and `$5`\n\n$$\ny = 1\n$$")
        == "a $`x_1`$ and `$5`\n\n```math\ny = 1\n```"
    )
    assert _render.prose("it costs $5 and $6 a piece") == "it costs $5 and $6 a piece"


def chapter(folder, *cells):
    path = folder / "99_made_up.py"
    path.write_text(
        "# %% [markdown]\n# # Made up\n" + "".join(f"# %%\n{cell}\n" for cell in cells),
        encoding="utf-8",
    )
    return path


DRAW = "import matplotlib.pyplot as plt\nfrom _show import show\nfigure = plt.figure()\nfigure.add_subplot().plot([1, 3, 2])\nshow(figure, '99_a.svg', 'up and down')"


def test_a_page_shows_what_each_cell_prints_and_draws(tmp_path, monkeypatch):
    path = chapter(tmp_path, "print('```')", DRAW)
    monkeypatch.setattr(_render, "PATHS", [path])
    page, _ = _render.run(path, tmp_path)
    assert "````text\n```\n````" in page and page.count("![up and down](figures/99_a.svg)") == 1
    first = (tmp_path / "99_a.svg").read_bytes()
    assert (
        _render.run(path, tmp_path)[0] == page and (tmp_path / "99_a.svg").read_bytes() == first
    ), "the same run makes the same bytes"


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("x = 1\n1 / 0", "line 5, in <module>\n    1 / 0"),
        ("import warnings\nwarnings.warn('careful')", "careful"),
        ("raise SystemExit(0)", "does not run to its end"),
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
    assert "99_made_up.py does not run" in str(error.value) and said in str(error.value)
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_the_renderer_writes_a_page_and_its_pictures(tmp_path, monkeypatch, capsys):
    path = chapter(tmp_path, DRAW)
    monkeypatch.setattr(_render, "PATHS", [path])
    monkeypatch.setattr(_render, "HERE", tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(TUTORIALS), str(ROOT)]))
    _render.main([])
    written = {one.relative_to(tmp_path).as_posix() for one in tmp_path.rglob("*") if one.is_file()}
    assert written == {"99_made_up.py", "99_made_up.md", "figures/99_a.svg"}
    assert capsys.readouterr().out.startswith(str(tmp_path / "99_made_up.md"))


def test_a_picture_that_no_cell_shows_is_an_error(tmp_path, monkeypatch):
    path = chapter(tmp_path, "x = 1")
    path.write_text(
        path.read_text(encoding="utf-8").replace(
            "# # Made up", "# # Made up\n#\n# ![](figures/99_b.svg)"
        ),
        encoding="utf-8",
    )
    monkeypatch.setattr(_render, "PATHS", [path])
    with pytest.raises(RuntimeError, match="a picture that no cell shows: 99_b.svg"):
        _render.run(path, tmp_path)


def test_a_chapter_is_chosen_by_how_its_name_begins(capsys):
    with pytest.raises(SystemExit, match="2"):
        _render.main(["no such chapter"])
    assert (
        "no chapter begins with 'no such chapter'; there are ['01_chain_rule',"
        in capsys.readouterr().err
    )


def test_mean_and_error_are_those_of_the_textbook():
    results = np.array([[1.0, 4.0], [3.0, 4.0], [8.0, 4.0]])
    mean, error = mean_and_error(results)
    np.testing.assert_allclose(mean, [4, 4])
    np.testing.assert_allclose(error, [(((9 + 1 + 16) / 2) / 3) ** 0.5, 0])


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
    below = re.findall(
        r"^\$\$\n.*?\\tag.*?^\$\$\n\n?(.*?)$", prose_of(path), re.MULTILINE | re.DOTALL
    )
    assert len(below) == len(EQUATION.findall(prose_of(path)))
    for block in below:
        assert "`mtl." in block, (
            f"the line below an equation should name the function of the package, got: {block[:80]}"
        )


@pytest.mark.parametrize("path", CHAPTERS, **named)
def test_every_symbol_of_the_notation_is_used(path):
    code, prose = code_of(path), prose_of(path)
    table = re.search(r"^\| symbol \|.*?\n\n", prose + "\n\n", re.MULTILINE | re.DOTALL)[0]
    elsewhere, names = (
        prose.replace(table, ""),
        {token.string for token in tokenize.generate_tokens(io.StringIO(code).readline)},
    )
    rows = [
        [cell.strip() for cell in row.strip("| ").split(" | ")]
        for row in table.strip().splitlines()[2:]
    ]
    assert len(rows) > 3
    for symbols, variables, *_ in rows:
        for symbol in symbols.strip("$").split(", "):
            assert re.search(rf"(?<![A-Za-z\\]){re.escape(symbol)}(?![A-Za-z])", elsewhere), (
                f"{symbol} is in the table only"
            )
        for variable in re.findall(r"`(.*?)`", variables):
            assert variable in (names if variable.isidentifier() else code), (
                f"no cell uses {variable}"
            )


@pytest.mark.parametrize("path", CHAPTERS, **named)
def test_a_chapter_has_its_parts_and_its_size(path):
    page, prose = path.with_suffix(".md").read_text(encoding="utf-8"), prose_of(path)
    for part in (
        " minutes.*",
        "![](figures/",
        "**What you need**",
        "## Notation",
        "**Predict**",
        "## Exercises",
        "Find the bug",
        "Write the property that catches it",
        "## What this does not show",
        "## To recall",
    ):
        assert part in prose, f"no {part!r}"
    assert page.count("<details>") == page.count("</details>") >= 6
    assert len(re.findall(r"^\d\. ", prose.partition("## To recall")[2], re.MULTILINE)) == 5
    assert "assert " in code_of(path)
    assert page.count(": not done yet") >= 3, "every exercise is a stub on the page"
    assert 1200 <= len(re.sub(r"\$\$.*?\$\$|</?\w+>", " ", prose, flags=re.DOTALL).split()) <= 2200
    assert sum(bool(line.strip()) for line in code_of(path).splitlines()) >= 80


@pytest.mark.parametrize("path", CHAPTERS, **named)
def test_a_cell_fits_a_screen(path):
    for is_code, text, line in _render.cells(path):
        if is_code:
            n = sum(bool(line.strip()) for line in text.splitlines())
            assert n <= 45, f"the cell at line {line} has {n} lines"


def test_a_notebook_holds_the_cells():
    path = CHAPTERS[0]
    cells = json.loads(json.dumps(_render.notebook(path)))["cells"]  # it can be written as JSON
    assert [(cell["cell_type"] == "code", cell["source"]) for cell in cells] == [
        (is_code, text) for is_code, text, _ in _render.cells(path)
    ]
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
    done = subprocess.run(
        [sys.executable, "-W", "error", path],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    printed = re.findall(
        r"^```text\n(.*?)^```$",
        path.with_suffix(".md").read_text(encoding="utf-8"),
        re.MULTILINE | re.DOTALL,
    )
    assert done.stdout.split() == " ".join(text for text in printed if "──►──" not in text).split()
    saved = done.stderr.splitlines()
    assert len(saved) == 2 and all((tmp_path / name).stat().st_size > 1000 for name in saved)
