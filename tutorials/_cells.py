"""The cells of a chapter.

A chapter is a script. Each cell begins with one of these lines:

    # %%                                           code that is shown on the page
    # %% Draw the crossing tags=["hide-input"]     code that is folded, with a title
    # %% [markdown]                                prose, each line behind `# `

Code that only draws, only checks or only prepares is folded.
"""

import re
from typing import NamedTuple


class Cell(NamedTuple):
    """A cell of a chapter."""

    is_code: bool
    text: str
    line: int  # where the text begins in the file
    title: str = ""  # of code that is folded; of no other cell


TITLE = re.compile(r'# %% (?P<title>.*)tags=\["hide-input"\]')


def cells(path):
    """The cells of a chapter."""
    script = path.read_text(encoding="utf-8")
    before, *parts = re.split(r"^(?=# %%)", script, flags=re.MULTILINE)
    found = []
    line = 1  # where the next part begins
    for part in parts:
        head, _, text = part.partition("\n")
        is_code = head.strip() != "# %% [markdown]"
        if is_code:
            title = title_of(head, f"{path.name}, line {line}")
        else:
            title = ""
            text = re.sub(r"^# ?", "", text, flags=re.MULTILINE)
        blank_lines = len(text) - len(text.lstrip("\n"))
        found.append(Cell(is_code, text.strip("\n"), line + 1 + blank_lines, title))
        line += part.count("\n")
    begins_with_prose = found and not found[0].is_code
    if before or not begins_with_prose:
        raise RuntimeError(
            f"{path.name} must begin with a cell of prose whose first line is the title"
        )
    return found


def title_of(head, where):
    """The title of a folded cell from its first line; "" for code that is shown."""
    if head.strip() == "# %%":
        return ""
    folded = TITLE.fullmatch(head.strip())
    if folded is None:
        raise RuntimeError(
            f"{where}: a cell begins with `# %%`, `# %% [markdown]` or "
            f'`# %% Draw the lines tags=["hide-input"]`, got `{head}`'
        )
    title = folded["title"].strip()
    if not title:
        raise RuntimeError(
            f"{where}: a folded cell needs a title, as in "
            '`# %% Draw the lines tags=["hide-input"]`'
        )
    return title
