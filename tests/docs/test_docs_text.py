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
    places = {f"{one}/" for one in (ROOT, ROOT.parent, Path.home()) if one.parent != one}
    here = "|".join(re.escape(place) for place in sorted(places))
    hosts = "|".join(re.escape(".".join(parts)) for parts in _REGISTRIES)
    unwanted = re.compile(f"(?<![\\w.-])(?:{here})|(?:{hosts})")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path, text in text_files()
        for number, line in enumerate(text.splitlines(), start=1)
        if unwanted.search(line)
    ]
    assert found == []


def test_the_readme_is_short() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= README_LINES


def test_modules_and_tests_that_pages_name_are_there() -> None:
    folders = {one.name for one in (ROOT / "src" / "laennec").iterdir() if one.is_dir()}
    missing = []
    for page in (ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs" / "explanation").glob("*.md"))):
        for name in re.findall(r"`([a-z]+/[a-z_0-9/]+\.py)`", page.read_text(encoding="utf-8")):
            base = ROOT / "src" / "laennec" if name.partition("/")[0] in folders else ROOT / "tests"
            if not ((base / name).exists() or (ROOT / name).exists()):
                missing.append(f"{page.name}: {name}")
    assert missing == []


def test_tests_that_pages_name_are_there() -> None:
    tests = {one.name for one in (ROOT / "tests").rglob("test_*.py")}
    text = "".join(one.read_text(encoding="utf-8") for one in (ROOT / "docs").rglob("*.md"))
    assert set(re.findall(r"`(test_\w+\.py)`", text)) - tests == set()
