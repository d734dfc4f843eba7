"""The contents page says what is in the chapters: their titles, minutes, pictures and order."""

import re
from pathlib import Path

import _render
import pytest

TUTORIALS = Path(__file__).parents[2] / "tutorials"
README = (TUTORIALS / "README.md").read_text(encoding="utf-8")
CHAPTERS = [path for path in _render.PATHS if path.stem[0].isdigit()]
# | picture with a link | title with a link | minutes | what you can do |
ROW = re.compile(
    r'^\| \[<img src="(?P<picture>[^"]+)" width="220" alt="(?P<alt>[^"]+)">\]'
    r"\((?P<page>\w+)\.md\) \| \[(?P<title>[^\]]+)\]\((?P=page)\.md\) \| (?P<minutes>\d+) \| "
    r"(?P<outcome>[^|]+) \|$",
    re.MULTILINE,
)
ROWS = {row["page"]: row for row in ROW.finditer(README)}
named = {"ids": lambda path: path.stem}


def prose_of(path):
    return "\n\n".join(cell.text for cell in _render.cells(path) if not cell.is_code)


def test_there_is_a_row_for_each_page_in_order():
    assert list(ROWS) == [path.stem for path in in_order_of_contents()]


def in_order_of_contents():
    """The chapters by their number, then the other pages."""
    return [*CHAPTERS, *[path for path in _render.PATHS if path not in CHAPTERS]]


@pytest.mark.parametrize("path", _render.PATHS, **named)
def test_a_row_has_the_title_and_the_minutes_of_its_page(path):
    title, *_ = prose_of(path).splitlines()
    row = ROWS[path.stem]
    assert row["title"] == title.removeprefix("# ")
    minutes = re.search(r"^\*(\d+) minutes\.\*", prose_of(path), re.MULTILINE)
    if path in CHAPTERS or minutes:
        assert row["minutes"] == minutes[1], "the contents and the page differ"


@pytest.mark.parametrize("path", CHAPTERS, **named)
def test_a_row_shows_the_best_picture_of_its_chapter(path):
    best = re.search(r"!\[[^\]]*\]\((figures/[^)]+)\)", prose_of(path))
    assert ROWS[path.stem]["picture"] == best[1]


@pytest.mark.parametrize("path", CHAPTERS, **named)
def test_minutes_are_estimated_as_the_contents_say(path):
    """120 words a minute and 8 lines of shown code a minute, rounded to 5, without exercises.

    No chapter takes longer than an hour.
    """
    words = 0
    lines = 0
    exercises = False
    for cell in _render.cells(path):
        if not cell.is_code:
            for section in re.split(r"^(?=## )", cell.text, flags=re.MULTILINE):
                if section.startswith("## "):
                    exercises = section.startswith("## Exercises")
                if not exercises:
                    words += len(section.split())
        elif not cell.title and not exercises:
            lines += sum(bool(line.strip()) for line in cell.text.splitlines())
    minutes = words / 120 + lines / 8
    said = int(ROWS[path.stem]["minutes"])
    assert said % 5 == 0
    assert abs(said - minutes) <= 4, f"{words} words and {lines} lines are {minutes:.0f} minutes"
    assert said <= 60


def test_the_hours_of_all_chapters_are_the_sum_of_their_minutes():
    hours = int(re.search(r"About (\d+) hours for the ten chapters", README)[1])
    minutes = [int(row["minutes"]) for page, row in ROWS.items() if page[0].isdigit()]
    assert len(minutes) == 10
    assert abs(sum(minutes) / 60 - hours) <= 0.5


# The map


def edges(arrow="-\\.?->"):
    """(from, to) of each such arrow of the map, by the numbers of the chapters or a name."""
    drawing = re.search(r"^```mermaid\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)[1]
    return re.findall(rf'^ +(\w+)(?:\["[^"]*"\])? {arrow} (\w+)', drawing, re.MULTILINE)


SOLID = edges("-->")
DOTTED = edges("-\\.->")
NAMES = {"shop_results": "results", "own_formula": "formula", "beyond": "beyond"}


def place(page):
    """The name of a page in the map."""
    return f"c{int(page[:2])}" if page[0].isdigit() else NAMES[page]


def before(end, arrows):
    """Everything from which arrows lead to `end`, over any number of steps."""
    found = set()
    for start, to in arrows:
        if to == end:
            found |= {start} | before(start, arrows)
    return found


def says_of_others(path):
    """(what a page needs, what helps), by their names in the map; None if it says nothing."""
    found = re.search(r"\*\*What you need\*\*.*?(?:\n\n|\Z)", prose_of(path), re.DOTALL)
    if not found:
        return None
    needs = set()
    helps = set()
    for sentence in re.split(r"(?<=[.:)])\s+(?=\[?[A-Z])", found[0]):
        links = {place(page) for page in re.findall(r"\]\((\d\d_\w+)\.md\)", sentence)}
        if re.search(r"\bhelps?\b", sentence):
            helps |= links
        else:
            needs |= links
    return needs, helps


SAYING = [path for path in _render.PATHS if says_of_others(path)]


def test_every_line_of_the_map_is_an_arrow():
    drawing = re.search(r"^```mermaid\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)[1]
    assert len(SOLID) + len(DOTTED) == len(edges()) == len(drawing.strip().splitlines()) - 1


def test_all_pages_but_the_report_say_what_they_need():
    assert [path.stem for path in _render.PATHS if path not in SAYING] == ["shop_results"]


@pytest.mark.parametrize("path", SAYING, **named)
def test_the_solid_arrows_are_what_the_pages_need(path):
    said = []
    for page in SAYING:
        said += [(start, place(page.stem)) for start in says_of_others(page)[0]]
    end = place(path.stem)
    assert before(end, SOLID) == before(end, said)


@pytest.mark.parametrize("path", SAYING, **named)
def test_the_dotted_arrows_are_what_helps(path):
    dotted = {start for start, to in DOTTED if to == place(path.stem)}
    assert dotted == says_of_others(path)[1]


def test_the_map_leads_forward_through_every_chapter():
    chapters = {f"c{int(path.stem[:2])}" for path in CHAPTERS}
    in_map = {end for edge in edges() for end in edge}
    assert chapters <= in_map
    for start, end in edges():
        if start[1:].isdigit() and end[1:].isdigit():
            assert int(start[1:]) < int(end[1:])


def shorter_way(way):
    """(its minutes as said, its pages in order, its words)."""
    said, words = re.search(
        rf"\*\*The {way}'s way\*\* \((\d+) minutes\)(.*?)(?:\n\n|\Z)", README, re.DOTALL
    ).groups()
    return int(said), re.findall(r"\]\((\w+)\.md\)", words), words


@pytest.mark.parametrize("way", ["engineer", "mathematician"])
def test_a_shorter_way_has_the_minutes_of_its_pages(way):
    said, pages, _ = shorter_way(way)
    assert len(pages) >= 4
    assert said == sum(int(ROWS[page]["minutes"]) for page in pages)


@pytest.mark.parametrize("way", ["engineer", "mathematician"])
def test_a_shorter_way_has_all_that_its_pages_need(way):
    _, pages, words = shorter_way(way)
    known = set()  # what the reader is said to know already
    skipped = re.search(r"skip\s+chapters\s+(\d+)\s+to\s+(\d+)", words)
    if skipped:
        first, last = map(int, skipped.groups())
        known = {f"c{number}" for number in range(first, last + 1)}
    for page in pages:
        lacks = before(place(page), SOLID) - known
        assert not lacks, f"{page} needs {lacks}"
        known.add(place(page))


def test_the_contents_show_how_to_do_one_exercise():
    for command in ("exercise.py --list", "exercise.py 6.1 ", "exercise.py 6.1 --hint"):
        assert f"python tutorials/{command}" in README
