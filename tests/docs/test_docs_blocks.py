"""Every command in the documentation runs, and prints what the page says it prints.

The blocks marked ``sh`` of a page run as one shell script, in order, in a temporary folder: the
tutorial in an empty one, each how-to in a copy of what the tutorial left. A block under a line
``<!-- not run: reason -->`` is left out. Of the output shown, in blocks marked ``text``, each line
is searched in the real one; ``…`` stands for anything, names of runs and times are equal to any.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
TUTORIAL = DOCS / "tutorials" / "first-hub.md"
HOW_TO = sorted((DOCS / "how-to").glob("*.md"))
ALL_PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
RUN_PAGES = {TUTORIAL, *HOW_TO}

_BLOCK = re.compile(
    r"(?P<marker><!-- not run: [^\n]+ -->\n)?```(?P<kind>\w*)\n(?P<body>.*?)\n```(?:\n|\Z)",
    re.DOTALL,
)
_DIFFERS_EACH_TIME = (
    (re.compile(r"run-[0-9a-f]{8}"), "run-*"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "<time>"),
    (re.compile(r"\s+"), " "),
)


def blocks(page: Path, kind: str, *, marked: bool = False) -> list[str]:
    """Return the fenced blocks of a kind that are, or are not, marked as not run."""
    found = _BLOCK.finditer(page.read_text(encoding="utf-8"))
    return [one["body"] for one in found if one["kind"] == kind and bool(one["marker"]) == marked]


def follow(page: Path, folder: Path) -> str:
    """Run the blocks of a page in a folder, and return all that they printed."""
    bin_folder = Path(sys.executable).parent
    environment = {
        "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder),
        "CHECKOUT": str(ROOT),
        "COLUMNS": "160",
        "LC_ALL": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        ["bash", "-eu", "-c", "\n".join(blocks(page, "sh"))],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{page.name} ends with {done.returncode}:\n{done.stdout}"
    return done.stdout


def plain(text: str) -> str:
    """Return text with what differs each time, and all white space, made equal."""
    for pattern, same in _DIFFERS_EACH_TIME:
        text = pattern.sub(same, text)
    return text.strip()


def not_printed(page: Path, output: str) -> list[str]:
    """Return the pieces of output that a page shows and that were not printed."""
    printed = plain(output)
    lines = [line for block in blocks(page, "text") for line in block.splitlines()]
    pieces = [plain(piece) for line in lines for piece in line.split("…")]
    return [piece for piece in pieces if piece not in printed]


@pytest.fixture(scope="module")
def tutorial(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder that the tutorial leaves, and what was printed on the way."""
    folder = tmp_path_factory.mktemp("tutorial")
    return folder, follow(TUTORIAL, folder)


def test_the_tutorial_runs_and_prints_what_it_shows(tutorial: tuple[Path, str]) -> None:
    assert not_printed(TUTORIAL, tutorial[1]) == []


@pytest.mark.parametrize("page", HOW_TO, ids=[page.stem for page in HOW_TO])
def test_a_how_to_runs_where_the_tutorial_ended(
    page: Path, tutorial: tuple[Path, str], tmp_path: Path
) -> None:
    folder = tmp_path / "hub"
    shutil.copytree(tutorial[0], folder)
    assert not_printed(page, follow(page, folder)) == []


@pytest.mark.parametrize("page", ALL_PAGES, ids=[page.stem for page in ALL_PAGES])
def test_commands_stand_on_pages_that_are_run_or_say_that_they_are_not(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text.count("\n```") % 2 == 0
    assert page in RUN_PAGES or blocks(page, "sh") == []


def test_a_line_that_was_not_printed_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "```sh\necho one run-0123abcd\n```\n<!-- not run: it would fail -->\n```sh\nfalse\n```\n"
        "```text\none … run-ffffffff\ntwo\n```\n"
    )
    assert not_printed(page, follow(page, tmp_path)) == ["two"]
    assert blocks(page, "sh", marked=True) == ["false"]
