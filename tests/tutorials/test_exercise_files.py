"""An exercise in a file of the reader's own: written, checked and hinted at without its chapter."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import exercise
import pytest
from _plain import plain
from checks import ch01
from tutorials.wrong_answers import EXERCISES

ROOT = Path(__file__).parents[2]
TUTORIALS = ROOT / "tutorials"

CHAPTER = r'''# %% [markdown]
# # 6 · Made up
#
# A chapter.

# %%
import math

raise SystemExit("the chapter must not run")

# %% [markdown]
# ## Exercises
#
# [Solutions](solutions/ch06.py).
#
# ### Exercise 6.1 · Whom does a step harm?
#
# *5 minutes, easy.*
#
# Here $\Delta L \approx -\eta\, G w$.
#
# ```python
# # a comment is no heading
# harmed(G, w)
# ```
#
# <details><summary>First hint</summary>
#
# The loss of task $t$ changes by $-\eta (G w)_t$.
#
# </details>
# <details><summary>Second hint</summary>Look at the sign.</details>


# %%
def harmed(G, w):
    """(T,) of True and False."""
    raise NotImplementedError


check_harmed(harmed)

# %% [markdown]
# ### Exercise 6.2 · How large may a weight be?
#
# *15 minutes, hard.*
#
# Find the bug.


# %%
def largest_weight(G):
    raise NotImplementedError
    return math.sqrt(-G[1, 1])


check_largest_weight(largest_weight)

# %% [markdown]
# ## What this does not show
#
# Much.
'''
RIGHT = "def harmed(G, w):\n    return G @ w < 0\n"


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course of one made-up chapter; the reader is in an empty folder."""
    folder = tmp_path / "tutorials"
    folder.mkdir()
    (folder / "06_made_up.py").write_text(CHAPTER, encoding="utf-8")
    monkeypatch.setattr(exercise, "HERE", folder)
    monkeypatch.setattr(sys, "argv", ["exercise.py"])
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    return folder


def run(capsys, *arguments):
    """(exit code, what was printed, what was said on standard error)"""
    code = exercise.main(list(arguments))
    return code, *capsys.readouterr()


def test_the_first_run_writes_a_file_with_the_task_and_the_stub(course, capsys):
    code, said, _ = run(capsys, "6.1")
    assert code == 0 and "Written: exercise_6_1.py" in said
    text = Path("exercise_6_1.py").read_text(encoding="utf-8")
    comment, _, code = text.partition("\n\nimport numpy as np\nimport tinymtl as mtl\n\n\n")
    assert all(line.startswith("#") for line in comment.splitlines())
    assert "# Exercise 6.1 · Whom does a step harm?\n# 5 minutes, easy\n" in comment
    assert "# Here ΔL ≈ -η G w.\n#\n# ```python\n# # a comment is no heading\n" in comment
    assert "hint</summary>" not in comment and "sign" not in comment
    assert "python exercise.py 6.1 --hint" in comment
    assert code.startswith("def harmed(G, w):") and "check_" not in code


def test_a_file_has_the_imports_of_the_chapter_that_its_code_needs(course, capsys):
    run(capsys, "6.2")
    text = Path("exercise_6_2.py").read_text(encoding="utf-8")
    assert "import math\nimport numpy as np\nimport tinymtl as mtl\n\n\ndef largest_weight" in text


def test_what_an_exercise_needs_of_its_chapter_comes_from_the_checkers(course, capsys, monkeypatch):
    _, solution, (Value, gradient), _ = EXERCISES["1.2"]
    monkeypatch.setattr(ch01, "Value", Value, raising=False)
    monkeypatch.setattr(ch01, "gradient", gradient, raising=False)
    script = CHAPTER.replace("# # 6 ·", "# # 1 ·").replace("6.1", "1.2")
    script = script.replace("harmed(G, w)", "tanh(x)").replace(
        "check_harmed(harmed)", "check_tanh(\n    tanh, Value, gradient\n)"
    )
    (course / "01_made_up.py").write_text(script, encoding="utf-8")
    run(capsys, "1.2")
    file = Path("exercise_1_2.py")
    text = file.read_text(encoding="utf-8")
    assert "from checks.ch01 import Value, gradient  # by exercise.py\n" in text
    answer = (
        "import math\n\ndef tanh(x):\n    y = math.tanh(x.data)\n"
        "    return Value(y, (x, lambda g: g * (1 - y * y)))\n"
    )
    file.write_text(text + answer, encoding="utf-8")
    code, said, _ = run(capsys, "1.2")
    assert (code, said.splitlines()[0]) == (0, "Exercise 1.2: right")


def test_a_name_that_is_only_in_the_chapter_is_an_error_of_its_author(course, capsys):
    script = CHAPTER.replace("return math.sqrt", "return only_here")
    (course / "06_made_up.py").write_text(script, encoding="utf-8")
    with pytest.raises(RuntimeError, match="exercise 6.2 uses only_here"):
        run(capsys, "6.2")


def test_later_runs_check_the_file_and_never_overwrite_it(course, capsys):
    run(capsys, "6.1")
    file = Path("exercise_6_1.py")
    stub = file.read_text(encoding="utf-8")
    code, said, _ = run(capsys, "6.1")
    assert code == 1 and said.startswith("Exercise 6.1: not done yet\n")
    assert file.read_text(encoding="utf-8") == stub

    file.write_text("def harmed(G, w):\n    return G @ w > 0\n", encoding="utf-8")
    code, said, _ = run(capsys, "6.1")
    assert code == 1 and said.startswith("Exercise 6.1: not right yet: ")

    file.write_text(RIGHT, encoding="utf-8")
    code, said, _ = run(capsys, "6.1")
    assert code == 0 and said.startswith("Exercise 6.1: right\n") and "ch06.py" in said
    assert file.read_text(encoding="utf-8") == RIGHT


def test_each_hint_is_shown_in_turn_and_then_all_of_them(course, capsys):
    first = "Hint 1 of 2\n\nThe loss of task t changes by -η (G w)_t.\n"
    second = "Hint 2 of 2\n\nLook at the sign.\n"
    assert run(capsys, "6.1", "--hint") == (0, first, "")
    assert run(capsys, "6.1", "--hint") == (0, second, "")
    _, said, _ = run(capsys, "6.1", "--hint")
    assert first in said and second in said and "ch06.py" in said
    assert not Path("exercise_6_1.py").exists()


def test_an_unreadable_count_of_hints_begins_anew(course, capsys):
    for text in ("", "[1]", "nonsense"):
        exercise.SEEN.write_text(text, encoding="utf-8")
        assert run(capsys, "6.1", "--hint")[1].startswith("Hint 1 of 2")


def test_the_list_has_minutes_and_difficulty(course, capsys):
    assert run(capsys, "--list")[1] == (
        "6 · Made up\n"
        "  6.1     5 minutes  easy    Whom does a step harm?\n"
        "  6.2    15 minutes  hard    How large may a weight be?\n\n"
    )


@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("6.9", "there is no exercise 6.9; chapter 6 has 6.1, 6.2"),
        ("7.1", "there is no chapter 7"),
        ("harm", "a number such as 6.1, got 'harm'"),
    ],
)
def test_an_unknown_number_is_told_which_there_are(course, capsys, number, said):
    code, _, error = run(capsys, number)
    assert code == 1 and said in error
    assert list(Path().iterdir()) == []


def test_a_missing_number_is_told_how_to_list_them(course, capsys):
    with pytest.raises(SystemExit, match="2"):
        exercise.main([])
    assert "--list" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1\ndef harmed(G w):\n", "exercise_6_1.py, line 2: "),
        ("def harmed(G, w):\nreturn 1\n", "exercise_6_1.py, line 2: "),
        ("x = 1\nx / 0\n", "raised ZeroDivisionError: division by zero, in line 2: x / 0"),
        ("def harm(G, w):\n    pass\n", "has no function harmed"),
        ("harmed = 3\n", "should be a function, got int"),
    ],
)
def test_a_file_that_cannot_be_checked_is_told_why(course, capsys, text, said):
    Path("exercise_6_1.py").write_text(text, encoding="utf-8")
    code, _, error = run(capsys, "6.1")
    assert code == 1 and said in error and "Traceback" not in error


def test_a_failing_answer_is_told_its_line(course, capsys):
    text = "def help(G):\n    return G[7, 7]\n\n\ndef harmed(G, w):\n    return help(G)\n"
    Path("exercise_6_1.py").write_text(text, encoding="utf-8")
    _, said, _ = run(capsys, "6.1")
    assert "IndexError" in said and "in line 2: return G[7, 7]\n" in said


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("# *5 minutes, easy.*", "# *5 minutes.*", "6.1: below the heading"),
        ("check_harmed(harmed)", "", "6.1: one call such as"),
        ("check_harmed(harmed)", "check_harmed()", "6.1: one call such as"),
    ],
)
def test_an_exercise_that_is_not_in_the_form_is_an_error_of_its_author(course, old, new, said):
    path = course / "06_made_up.py"
    path.write_text(CHAPTER.replace(old, new), encoding="utf-8")
    with pytest.raises(RuntimeError, match=said):
        exercise.exercises(path)


def test_it_works_as_a_command_from_any_folder_and_in_seconds(tmp_path):
    course = tmp_path / "course" / "tutorials"
    course.mkdir(parents=True)
    (course / "06_made_up.py").write_text(CHAPTER, encoding="utf-8")
    for file in ("exercise.py", "_cells.py", "_plain.py"):
        shutil.copy(TUTORIALS / file, course / file)
    shutil.copytree(TUTORIALS / "checks", course / "checks")
    here = tmp_path / "a folder"
    here.mkdir()
    (here / "exercise_6_1.py").write_text(RIGHT, encoding="utf-8")
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-W", "error", course / "exercise.py", "6.1"],
        cwd=here,
        env={**os.environ, "PYTHONPATH": path, "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.stdout.startswith("Exercise 6.1: right\n"), done.stderr
    assert time.perf_counter() - started < 10


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        (r"$\rho_{st} < 0$", "ρ_st < 0"),
        (r"a $w$, `$5` and [here](x.md)", "a w, `$5` and here"),
        (r"$\frac{G_{st}}{\sqrt{G_{ss}\, G_{tt}}}$", "G_st/√(G_ss G_tt)"),
        (r"$\tfrac12 \lVert x \rVert^2$", "1/2 ‖ x ‖²"),
        (r"$J^\top w \ge 0$", "Jᵀ w ≥ 0"),
        (r"$\bar\theta + \bar{x}$", "θ̄ + x̄"),
        ("$$\nL = \\sum_t w_t L_t \\tag{5.1}\n$$", "L = Σ_t w_t L_t  (5.1)"),
        ("**Find the bug**, *now*: 2 * 3 * 4", "Find the bug, now: 2 * 3 * 4"),
        (r"$G = \begin{pmatrix} 9 & -3 \\ -3 & 2 \end{pmatrix}$", "G = (9, -3; -3, 2)"),
    ],
)
def test_mathematics_is_readable_in_a_terminal(markdown, text):
    assert plain(markdown) == text


# The real chapters


@pytest.mark.parametrize("path", exercise.chapters(), ids=lambda path: path.stem)
def test_every_exercise_of_a_chapter_is_in_the_form(path, tmp_path, monkeypatch):
    found = exercise.exercises(path)
    chapter = int(path.name[:2])
    numbers = [one.number for one in found]
    assert numbers == [f"{chapter}.{i + 1}" for i in range(len(found))]
    assert set(numbers) == {number for number in EXERCISES if number.startswith(f"{chapter}.")}
    assert len(found) >= 3
    words = " ".join(f"{one.title} {one.task}" for one in found).lower()
    assert "find the bug" in words and "the property that catches" in words
    monkeypatch.chdir(tmp_path)
    for one in found:
        assert 2 <= len(one.hints) <= 3, f"exercise {one.number} has {len(one.hints)} hints"
        checker, solution, *_ = EXERCISES[one.number]
        assert one.checker == checker.__name__
        text = exercise.text_of_file(one, "python exercise.py")
        assert "details>" not in text and "$" not in text.partition("\n\nimport")[0]
        one.file.write_text(text, encoding="utf-8")
        assert exercise.verdict(one) == "not done yet"
        solve(one, solution)
        assert exercise.verdict(one) == "right", one.number


def solve(one, solution):
    """Put the chapter's solution into the reader's file, in place of the stub."""
    path = exercise.solution(one)
    own = one.file.read_text(encoding="utf-8")
    solved = path.read_text(encoding="utf-8")
    if solution != one.function:
        solved += f"\n\n{one.function} = {solution}\n"
    one.file.write_text(f"{own}\n\n{solved}", encoding="utf-8")
