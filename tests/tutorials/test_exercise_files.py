"""An exercise in a file of the reader's own: written, checked and hinted at without its chapter."""

import builtins
import os
import shlex
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
    before, _, code = text.partition("\n\nimport numpy as np\nimport tinymtl as mtl\n\n\n")
    comment, _, where = before.partition("\n\nimport sys\n\n")
    assert where.startswith("sys.path += [") and "\n" not in where
    assert all(line.startswith("#") for line in comment.splitlines())
    assert "# Exercise 6.1 · Whom does a step harm?\n# 5 minutes, easy\n" in comment
    assert "# Here ΔL ≈ -η G w.\n#\n# ```python\n# # a comment is no heading\n" in comment
    assert "hint</summary>" not in comment and "sign" not in comment
    assert f"# The chapter:        {course / '06_made_up.md'}\n" in comment
    assert f"{shlex.quote(sys.executable)} exercise.py 6.1 --hint" in comment
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


@pytest.mark.parametrize(
    "content",
    [b"", b"[1]", b"nonsense", b"\xff", b'{"6.1": "one"}', b'{"6.1": -1}', b'{"6.1": true}'],
)
def test_a_broken_count_of_hints_is_told_and_not_overwritten(course, capsys, content):
    exercise.SEEN.write_bytes(content)
    code, said, error = run(capsys, "6.1", "--hint")
    assert (code, said) == (1, "") and "delete it, and the hints begin anew" in error
    assert len(error.splitlines()) == 1
    assert exercise.SEEN.read_bytes() == content


def test_a_hint_is_counted_before_it_is_printed(course, monkeypatch, capsys):
    def fail(*_):
        raise OSError("nothing can be printed")

    with monkeypatch.context() as patched:
        patched.setattr(builtins, "print", fail)
        with pytest.raises(OSError, match="nothing can be printed"):
            exercise.main(["6.1", "--hint"])
    assert run(capsys, "6.1", "--hint")[1].startswith("Hint 2 of 2")


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("exercise_6_1.py", ["6.1"]), (".exercise_hints.json", ["6.1", "--hint"])],
)
def test_a_folder_where_a_file_should_be_is_told(course, capsys, name, arguments):
    Path(name).mkdir()
    code, said, error = run(capsys, *arguments)
    assert (code, said) == (1, "")
    assert error.startswith(f"{name} cannot be read: ") and len(error.splitlines()) == 1


@pytest.mark.parametrize("arguments", [["6.1"], ["6.1", "--hint"]])
def test_a_place_that_cannot_be_written_is_told(course, capsys, monkeypatch, arguments):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "write_text", refuse)
    code, said, error = run(capsys, *arguments)
    assert (code, said) == (1, "")
    assert error.endswith(" cannot be written: Permission denied\n")
    assert len(error.splitlines()) == 1


def test_the_list_has_minutes_and_difficulty(course, capsys):
    assert run(capsys, "--list")[1] == (
        "6 · Made up\n"
        "  6.1     5 minutes  easy    Whom does a step harm?\n"
        "  6.2    15 minutes  hard    How large may a weight be?\n\n"
    )


def test_the_number_of_a_chapter_lists_its_exercises(course, capsys):
    (course / "07_other.py").write_text(CHAPTER.replace("6", "7"), encoding="utf-8")
    everything = run(capsys, "--list")[1]
    code, said, _ = run(capsys, "6")
    assert code == 0 and everything.startswith(said) and said != everything
    assert said.startswith("6 · Made up\n  6.1 ")
    assert run(capsys, " 06 ")[1] == said
    assert list(Path().iterdir()) == []


def test_spaces_around_a_number_do_not_matter(course, capsys):
    assert "Written: exercise_6_1.py" in run(capsys, " 6.1 ")[1]


@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("6.9", "there is no exercise 6.9; chapter 6 has 6.1, 6.2"),
        ("7.1", "there is no chapter 7"),
        ("7", "there is no chapter 7"),
        ("²", "a number such as 6.1, got '²'"),
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
        ("x = 1\nquit()\n", "exercise_6_1.py: your code ended Python, in line 2: quit()\n"),
        ("import sys\nsys.exit(0)\n", "ended Python, in line 2: sys.exit(0)\n"),
        ("x = 1\0\n", "exercise_6_1.py has NUL characters in it; save it as UTF-8 again\n"),
    ],
)
def test_a_file_that_cannot_be_checked_is_told_why(course, capsys, text, said):
    Path("exercise_6_1.py").write_text(text, encoding="utf-8")
    code, _, error = run(capsys, "6.1")
    assert code == 1 and said in error and "Traceback" not in error


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-16-be"])
def test_a_file_in_another_encoding_is_told_in_one_sentence(course, capsys, encoding):
    Path("exercise_6_1.py").write_bytes(f"# é\n{RIGHT}".encode(encoding))
    code, _, error = run(capsys, "6.1")
    assert code == 1 and error.endswith("; save it as UTF-8 again\n")
    assert len(error.splitlines()) == 1


def test_a_byte_order_mark_does_not_matter(course, capsys):
    Path("exercise_6_1.py").write_bytes(f"# é\n{RIGHT}".encode("utf-8-sig"))
    assert run(capsys, "6.1")[0] == 0


def test_an_answer_that_ends_python_is_not_right(course, capsys):
    text = "def harmed(G, w):\n    raise SystemExit(0)\n"
    Path("exercise_6_1.py").write_text(text, encoding="utf-8")
    code, said, _ = run(capsys, "6.1")
    assert code == 1
    assert "6.1: your code ended Python, in line 2: raise SystemExit(0)\n" in said


@pytest.mark.parametrize("where", ["", "def harmed(G, w):\n    "])
def test_a_user_who_interrupts_is_obeyed_in_one_line(course, capsys, where):
    text = f"{where}raise KeyboardInterrupt\n"
    Path("exercise_6_1.py").write_text(text, encoding="utf-8")
    assert run(capsys, "6.1") == (130, "", "Stopped.\n")


def test_a_file_may_have_dataclasses_and_import_its_neighbours(course, capsys, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    Path("neighbour_of_6_1.py").write_text("def less(x):\n    return x < 0\n", encoding="utf-8")
    text = (
        "from __future__ import annotations\n\nfrom dataclasses import dataclass\n"
        "from neighbour_of_6_1 import less\n\n\n@dataclass\nclass Step:\n    size: float\n\n\n"
        "def harmed(G, w):\n    return less(Step(1.0).size * (G @ w))\n"
    )
    Path("exercise_6_1.py").write_text(text, encoding="utf-8")
    code, said, error = run(capsys, "6.1")
    assert code == 0, said + error


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


def command(folder, *arguments, **variables):
    """exercise.py, or another script, as a command in this folder."""
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, "PYTHONUTF8": "0", **variables},
        capture_output=True,
    )


SCRIPT = TUTORIALS / "exercise.py"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_terminal_that_cannot_show_a_sign_is_shown_another(tmp_path, encoding):
    variables = {"PYTHONIOENCODING": encoding}
    listed = command(tmp_path, SCRIPT, "--list", **variables)
    assert listed.returncode == 0, listed.stderr
    for _ in range(3):
        done = command(tmp_path, SCRIPT, "6.1", "--hint", **variables)
        assert done.returncode == 0 and b"Hint 1" in done.stdout or b"Hint 2" in done.stdout
    assert command(tmp_path, SCRIPT, "6.1", **variables).returncode == 0
    assert b"6.1: not done yet" in command(tmp_path, SCRIPT, "6.1", **variables).stdout
    (tmp_path / "exercise_6_1.py").write_text("raise ValueError('ρ')", encoding="utf-8")
    done = command(tmp_path, SCRIPT, "6.1", **variables)
    assert done.returncode == 1 and b"Traceback" not in done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_what_a_chapter_prints_can_be_shown_in_every_terminal(tmp_path, encoding):
    code = "import _show; print('ρ₁ − θ̄ ≤ ½ ∞ ✓ é ∝ 30°')"
    path = os.pathsep.join([str(ROOT), str(TUTORIALS)])
    done = command(tmp_path, "-c", code, PYTHONIOENCODING=encoding, PYTHONPATH=path)
    half, accented, degrees = ("1/2", "e", " deg") if encoding == "ascii" else ("½", "é", "°")
    shown = f"rho1 - thetabar <= {half} inf ? {accented} prop. to 30{degrees}"
    assert done.stdout.decode(encoding).strip() == shown, done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="no such pipes there")
def test_a_reader_that_goes_as_head_does_is_no_error(tmp_path):
    reads, writes = os.pipe()
    os.close(reads)
    with open(writes, "w") as nowhere:
        done = subprocess.run(
            [sys.executable, SCRIPT, "--list"],
            cwd=tmp_path,
            stdout=nowhere,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
    assert (done.returncode, done.stderr) == (1, "")


def test_asserts_of_a_law_count_without_them_in_python_too(tmp_path):
    text = "assert 1 == 2, 'one is not two'\n"
    (tmp_path / "exercise_6_1.py").write_text(text, encoding="utf-8")
    done = command(tmp_path, "-O", SCRIPT, "6.1", PYTHONIOENCODING="utf-8")
    assert b"raised AssertionError: one is not two" in done.stderr


@pytest.mark.parametrize("number", ["1.2", "6.1"])
def test_the_file_can_be_run_by_itself_and_says_how_it_is_checked(tmp_path, number):
    """Where the package is on no path of Python's, too."""
    variables = {"PYTHONIOENCODING": "utf-8", "PYTHONPATH": ""}
    written = command(tmp_path, SCRIPT, number, **variables)
    assert written.returncode == 0, written.stderr
    file = f"exercise_{number.replace('.', '_')}.py"
    done = command(tmp_path, file, **variables)
    label, _, typed = done.stdout.decode().strip().partition(":  ")
    assert label == "Check your answer", done.stderr
    assert shlex.split(typed) == [sys.executable, str(SCRIPT), number]


@pytest.mark.parametrize(
    ("platform", "typed"), [("linux", "'a b/python' x"), ("win32", '"a b/python" x')]
)
def test_a_command_has_quotes_where_a_path_has_spaces(monkeypatch, platform, typed):
    monkeypatch.setattr(sys, "platform", platform)
    assert exercise.shell_command(["a b/python", "x"]) == typed


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
