"""How many examples the properties draw, whether a run can be repeated, and which tests run last.

`default` draws new examples each time and remembers the ones that failed. `ci` (chosen by the
environment variable CI) draws the same examples each time, remembers nothing, and prints what
repeats a failure.
"""

import os
from pathlib import Path

from hypothesis import settings

pytest_plugins = ["two_processes"]

settings.register_profile("default", deadline=None, max_examples=30)
settings.register_profile(
    "ci", deadline=None, max_examples=30, derandomize=True, database=None, print_blob=True
)
settings.load_profile("ci" if os.environ.get("CI") else "default")

TESTS = Path(__file__).parent
SLOWEST = "test_pages.py"  # runs all chapters, on both cores


def pytest_collection_modifyitems(items):
    """Run the slow ones last."""
    from two_processes import SECOND  # not before pytest has made it a plugin

    slow_ones = [*SECOND, "tutorials"]

    def place(item):
        first = item.path.relative_to(TESTS).parts[0]
        slow = 1 + slow_ones.index(first) if first in slow_ones else 0
        return slow, item.path.name == SLOWEST

    items.sort(key=place)
