"""How many examples the properties draw, and whether a run can be repeated to the letter.

`default` draws new examples each time and remembers the ones that failed. `ci` (chosen by the
environment variable CI) draws the same examples each time, remembers nothing, and prints what
repeats a failure.
"""

import os

from hypothesis import settings

settings.register_profile("default", deadline=None, max_examples=30)
settings.register_profile(
    "ci", deadline=None, max_examples=30, derandomize=True, database=None, print_blob=True
)
settings.load_profile("ci" if os.environ.get("CI") else "default")
