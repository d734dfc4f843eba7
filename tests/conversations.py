"""The table of conversations with the shopping guide, for several files of tests.

`shop/conversations.csv` was written by somebody who had not seen the code. In `must`, all parts
between semicolons have to be in the reply; of alternatives between bars one is enough. Nothing of
`must_not` may be in it. Capital letters do not matter.
"""

import csv
from itertools import groupby
from pathlib import Path

TABLE = Path(__file__).parent / "shop" / "conversations.csv"

with open(TABLE, encoding="utf-8", newline="") as file:
    ROWS = list(csv.DictReader(file))
CONVERSATIONS = {name: list(rows) for name, rows in groupby(ROWS, lambda row: row["conversation"])}


def parts(cell):
    """The parts of a cell, each a list of alternatives."""
    return [part.lower().split("|") for part in cell.split(";") if part]


def replies_in(agent, name):
    """What an agent replies to the lines of a conversation."""
    agent.begin()
    return [agent.reply(row["said"]) for row in CONVERSATIONS[name]]
