"""Do one exercise of the course in a file of your own, without running its chapter.

    python tutorials/exercise.py --list         all exercises
    python tutorials/exercise.py 6              those of chapter 6
    python tutorials/exercise.py 6.1            the first time: writes exercise_6_1.py
                                                from then on: checks what you wrote
    python tutorials/exercise.py 6.1 --hint     the next hint

The file is written into the folder that you are in. It holds the task and a function
for you to fill in. A file that exists is never overwritten.
"""

import argparse
import ast
import builtins
import importlib
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from _cells import cells
from _plain import plain, show_all_that_can_be_shown

HERE = Path(__file__).resolve().parent
SEEN = Path(".exercise_hints.json")  # how many hints of each exercise were shown

sys.path.append(str(HERE.parent))  # the package, where it is not installed


class Problem(Exception):
    """Why an exercise cannot be written or checked, in words for the reader."""


# Reading the exercises of a chapter


class Exercise(NamedTuple):
    """An exercise as its chapter has it."""

    number: str  # "6.1"
    title: str
    minutes: int
    difficulty: str
    task: str  # Markdown
    hints: list[str]  # Markdown
    code: str  # the stub, and what else the reader is given
    function: str  # the name of the function that the reader writes
    checker: str  # the name of the function that checks it
    further: list[str]  # what else the checker is given, as code
    path: Path  # the chapter

    @property
    def file(self):
        return Path(f"exercise_{self.number.replace('.', '_')}.py")


HEADING = re.compile(r"### Exercise (\d+\.\d+) · (.+)")
EFFORT = re.compile(r"^\*(\d+) minutes, (easy|medium|hard)\.\*$", re.MULTILINE)
HINT = re.compile(
    r"<details><summary>(?:First|Second|Third) hint</summary>(.*?)</details>", re.DOTALL
)


def chapters():
    return sorted(HERE.glob("[0-9][0-9]_*.py"))


def exercises(path):
    """The exercises of a chapter. RuntimeError for one that is not in the form."""
    return [read(path, *part) for part in parts(cells(path))]


def parts(found):
    """(number, title, prose, code) of each exercise among these cells.

    An exercise reaches from its heading to the next heading of its rank or a higher.
    """
    result = []
    inside = False
    for cell in found:
        if cell.is_code:
            if inside:
                result[-1][3] += f"{cell.text}\n\n\n"
            continue
        for section in re.split(r"^(?=#{2,3} )", cell.text, flags=re.MULTILINE):
            heading = HEADING.match(section)
            if heading:
                inside = True
                result.append([*heading.groups(), section[heading.end() :], ""])
            elif re.match("#{2,3} ", section):
                inside = False
            elif inside:
                result[-1][2] += f"\n\n{section}"
    return result


def read(path, number, title, prose, code):
    """An exercise from its heading, its prose and its code."""
    effort = EFFORT.search(prose)
    if effort is None:
        raise RuntimeError(
            f"exercise {number}: below the heading a line such as `*5 minutes, easy.*` "
            "is expected"
        )
    hints = [hint.strip() for hint in HINT.findall(prose)]
    task = HINT.sub("", EFFORT.sub("", prose))
    given, checker, function, further = split_code(number, code)
    return Exercise(
        number=number,
        title=title.strip(),
        minutes=int(effort[1]),
        difficulty=effort[2],
        task=re.sub(r"\n{3,}", "\n\n", task).strip(),
        hints=hints,
        code=given,
        function=function,
        checker=checker,
        further=further,
        path=path,
    )


def split_code(number, code):
    """(what the reader is given, checker, the reader's function, further arguments)."""
    lines = code.splitlines()
    calls = []
    for statement in ast.parse(code).body:
        if is_call_of_checker(statement):
            calls.append(statement.value)
            for i in range(statement.lineno - 1, statement.end_lineno):
                lines[i] = ""
    if len(calls) != 1 or not calls[0].args:
        raise RuntimeError(
            f"exercise {number}: one call such as `check_harmed(harmed)` is expected, "
            f"got {len(calls)}"
        )
    call = calls[0]
    function, *further = [ast.unparse(argument) for argument in call.args]
    given = re.sub(r"\n{4,}", "\n\n\n", "\n".join(lines)).strip()
    return given, call.func.id, function, further


def is_call_of_checker(statement):
    if not isinstance(statement, ast.Expr) or not isinstance(statement.value, ast.Call):
        return False
    called = statement.value.func
    return isinstance(called, ast.Name) and called.id.startswith("check_")


def find_chapter(number):
    """The chapter with this number, or `Problem`."""
    for path in chapters():
        if int(path.name[:2]) == int(number):
            return path
    raise Problem(f"there is no chapter {number}; --list shows all exercises")


def find(number):
    """The exercise with this number, or `Problem`."""
    named = re.fullmatch(r"0?(\d+)\.(\d+)", number)
    if not named:
        raise Problem(f"an exercise has a number such as 6.1, got {number!r}")
    number = f"{int(named[1])}.{int(named[2])}"
    of_chapter = exercises(find_chapter(named[1]))
    found = {exercise.number: exercise for exercise in of_chapter}
    if number not in found:
        raise Problem(
            f"there is no exercise {number}; "
            f"chapter {named[1]} has {', '.join(found) or 'none'}"
        )
    return found[number]


# The reader's file


def checkers_of(exercise):
    """The module with the chapter's checkers."""
    return importlib.import_module(f"checks.ch{exercise.path.name[:2]}")


def text_of_file(exercise, command):
    """What the file of an exercise holds before the reader writes into it."""
    comment = [
        f"Exercise {exercise.number} · {exercise.title}",
        f"{exercise.minutes} minutes, {exercise.difficulty}",
        "",
        *plain(exercise.task).splitlines(),
        "",
        f"The chapter:        {exercise.path.with_suffix('.md')}",
        f"Check your answer:  {command} {exercise.number}",
        f"Ask for a hint:     {command} {exercise.number} --hint",
    ]
    lines = [f"# {line}".rstrip() for line in comment]
    # The file can be run by itself as well, where the package is not installed too.
    course = in_quotes([str(HERE), str(HERE.parent)])
    before = ["import sys", "", f"sys.path += {course}  # where the course is"]
    how = in_quotes(f"Check your answer:  {command} {exercise.number}")
    after = ['if __name__ == "__main__":', f"    print({how})"]
    blocks = [
        "\n".join([*lines, "", *before, "", *imports_of(exercise)]),
        exercise.code,
        "\n".join(after),
    ]
    return "\n\n\n".join(blocks) + "\n"


def in_quotes(texts):
    """A text, or a list of texts, as code."""
    return json.dumps(texts, ensure_ascii=False)


def imports_of(exercise):
    """The lines that give the names in an exercise's code their meaning.

    A name comes from the module of the checkers or from an import of the chapter.
    """
    checkers = checkers_of(exercise)
    chapter = [cell.text for cell in cells(exercise.path) if cell.is_code]
    of_chapter = imported_names("\n".join(chapter))
    before = []
    of_checkers = []
    for name in free_names("\n".join([exercise.code, *exercise.further])):
        if name in ("np", "mtl", exercise.function):
            continue
        if name in of_chapter and not of_chapter[name].startswith("from checks"):
            before.append(of_chapter[name])
        elif name in vars(checkers):
            of_checkers.append(name)
        else:
            raise RuntimeError(
                f"exercise {exercise.number} uses {name}, which is neither an import "
                f"of the chapter nor in {checkers.__name__}"
            )
    lines = [*before, "import numpy as np", "import tinymtl as mtl"]
    if of_checkers:
        names = ", ".join(of_checkers)
        lines.append(f"from {checkers.__name__} import {names}  # by exercise.py")
    return lines


def imported_names(code):
    """Name -> the line that imports it."""
    lines = {}
    for statement in ast.parse(code).body:
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                name = alias.asname or alias.name.partition(".")[0]
                lines[name] = f"import {ast.unparse(alias)}"
        elif isinstance(statement, ast.ImportFrom):
            for alias in statement.names:
                line = f"from {statement.module} import {ast.unparse(alias)}"
                lines[alias.asname or alias.name] = line
    return lines


def free_names(code):
    """The names that a piece of code uses and does not bind, without Python's own."""
    used = set()
    bound = set(dir(builtins))
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            used.add(node.id)
        elif isinstance(node, ast.Name):
            bound.add(node.id)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.alias):
            bound.add(node.asname or node.name.partition(".")[0])
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            bound.add(node.name)
    return sorted(used - bound)


def read_file(file):
    """The text of the reader's file, or `Problem`."""
    try:
        text = file.read_text(encoding="utf-8-sig")  # a byte order mark is left out
    except UnicodeDecodeError:
        raise Problem(f"{file} is not in UTF-8; save it as UTF-8 again") from None
    except OSError as error:
        raise Problem(f"{file} cannot be read: {error.strerror}") from None
    if "\0" in text:
        raise Problem(f"{file} has NUL characters in it; save it as UTF-8 again")
    return text


def run_file(file):
    """The names that the reader's file defines, or `Problem`."""
    path = file.resolve()
    text = read_file(file)
    try:
        # The reader's asserts count, under `python -O` too.
        code = compile(text, path, "exec", dont_inherit=True, optimize=0)
    except SyntaxError as error:
        raise Problem(
            f"{file}, line {error.lineno}: {error.msg}\n"
            f"    {(error.text or '').strip()}"
        ) from None
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))  # the reader may import files from there
    module = ModuleType(path.stem)
    module.__file__ = str(path)
    sys.modules[path.stem] = module  # dataclasses look for their module there
    checks = importlib.import_module("checks")
    try:
        exec(code, vars(module))
    except SystemExit as error:
        where = checks.line_of(error)
        raise Problem(f"{file}: your code ended Python{where}") from None
    except Exception as error:  # the reader's own code may fail in any way
        where = checks.line_of(error)
        raise Problem(f"{file} raised {type(error).__name__}: {error}{where}") from None
    return vars(module)


def verdict(exercise):
    """What the checker says about the reader's file."""
    names = run_file(exercise.file)
    if exercise.function not in names:
        raise Problem(
            f"{exercise.file} has no function {exercise.function}: "
            "the checker calls it by this name"
        )
    answer = names[exercise.function]
    if not callable(answer):
        raise Problem(
            f"{exercise.function} in {exercise.file} should be a function, "
            f"got {type(answer).__name__}"
        )
    checkers = checkers_of(exercise)
    further = [eval(code, vars(checkers)) for code in exercise.further]
    return getattr(checkers, exercise.checker).verdict(answer, *further)


# The command line


def show_list(paths):
    for path in paths:
        title = cells(path)[0].text.splitlines()[0].lstrip("# ")
        print(title)
        for exercise in exercises(path):
            effort = f"{exercise.minutes:3} minutes  {exercise.difficulty:6}"
            print(f"  {exercise.number:5} {effort}  {exercise.title}")
        print()


def show_hint(exercise):
    """Show the hint after the last that was shown; after the last one, all again."""
    seen = hints_seen()
    n = seen.get(exercise.number, 0)
    total = len(exercise.hints)
    if n < total:
        seen[exercise.number] = n + 1
        write(SEEN, json.dumps(seen))
        print(f"Hint {n + 1} of {total}\n\n{plain(exercise.hints[n])}")
        return
    for i, hint in enumerate(exercise.hints):
        print(f"Hint {i + 1} of {total}\n\n{plain(hint)}\n")
    print(f"There are no more hints. The solution is in {solution(exercise)}")


def hints_seen():
    """Number of an exercise -> how many of its hints were shown in this folder."""
    try:
        text = SEEN.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise Problem(f"{SEEN} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        text = ""
    try:
        seen = json.loads(text)
    except (ValueError, RecursionError):
        seen = None
    if not isinstance(seen, dict) or not all(map(is_count, seen.values())):
        raise Problem(
            f"{SEEN} should count the hints that were shown, and is something else; "
            "delete it, and the hints begin anew"
        )
    return seen


def is_count(value):
    return type(value) is int and value >= 0


def solution(exercise):
    return HERE / "solutions" / f"ch{exercise.path.name[:2]}.py"


def write(file, text):
    """Write a file into the reader's folder, or `Problem`."""
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Problem(f"{file} cannot be written: {error.strerror}") from None


def write_file(exercise, command):
    write(exercise.file, text_of_file(exercise, command))
    print(f"Exercise {exercise.number} · {exercise.title}")
    print(
        f"Written: {exercise.file}. Fill in {exercise.function}, then run this again."
    )


def check_file(exercise, command):
    said = verdict(exercise)
    print(f"Exercise {exercise.number}: {said}")
    if said == "right":
        print(f"Compare your answer with {solution(exercise)}")
    else:
        print(f"A hint: {command} {exercise.number} --hint")
    return said == "right"


def shell_command(words):
    """A command as it is typed, with quotes where a word has spaces."""
    if sys.platform == "win32":
        return subprocess.list2cmdline(words)
    return shlex.join(words)


def main(arguments):
    """Returns the exit code: 0 if all went well and what was checked is right."""
    show_all_that_can_be_shown()
    try:
        code = run(arguments)
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # whoever read the output has gone, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Problem as problem:
        print(problem, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130


def run(arguments):
    """Do what the command line asks for: the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "number", nargs="?", help="of an exercise, such as 6.1, or of a chapter"
    )
    parser.add_argument("--hint", action="store_true", help="show the next hint")
    parser.add_argument("--list", action="store_true", help="list all exercises")
    options = parser.parse_args(arguments)
    command = shell_command([sys.executable, sys.argv[0]])

    if options.list:
        show_list(chapters())
        return 0
    if options.number is None:
        parser.error("the number of an exercise is missing, such as 6.1; see --list")
    number = options.number.strip()
    if number.isdecimal() and not options.hint:
        show_list([find_chapter(number)])
        return 0
    exercise = find(number)
    if options.hint:
        show_hint(exercise)
    elif exercise.file.exists():
        return 0 if check_file(exercise, command) else 1
    else:
        write_file(exercise, command)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
