"""What no text file of the repository says: places of one machine, and hosts of packages."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_MADE = {"laennec-demo", "build", "dist", "__pycache__"}
_REGISTRIES = (
    ("pypi", "org"),
    ("pythonhosted", "org"),
    ("anaconda", "org"),
    ("npmjs", "org"),
    ("crates", "io"),
)
README_LINES = 120


def text_files() -> Iterator[tuple[Path, str]]:
    """Yield every file of the checkout that is text and not made by a tool."""
    tops = [one for one in ROOT.iterdir() if not one.name.startswith(".") or one.name == ".ci"]
    for top in tops:
        for path in [top] if top.is_file() else sorted(top.rglob("*")):
            if path.is_file() and not _MADE.intersection(path.relative_to(ROOT).parts):
                try:
                    yield path, path.read_text(encoding="utf-8")
                except UnicodeDecodeError:
                    continue


def test_no_place_of_a_machine_and_no_host_of_packages() -> None:
    here = re.escape(f"{ROOT.parent}/")
    hosts = "|".join(re.escape(".".join(parts)) for parts in _REGISTRIES)
    homes = r"/home/[a-z]|/Users/[A-Za-z]|/root/"
    unwanted = re.compile(f"(?<![\\w.-])(?:{here}|{homes})|(?:{hosts})")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path, text in text_files()
        for number, line in enumerate(text.splitlines(), start=1)
        if unwanted.search(line)
    ]
    assert [one for one in found if not one.startswith("tests/docs/test_docs_text.py")] == []


def test_the_readme_is_short() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= README_LINES
