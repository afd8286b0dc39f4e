"""``make demo``: the whole journey; the small one twice in one folder, in two languages."""

import csv
import re
from pathlib import Path

from fakes.cli_shell import Cli, run
from laennec.core import errors

STEPS = 8


def test_the_demo_twice(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    first = run("demo", "--small", folder)
    assert first.status == 0, first.err
    lines = first.out.splitlines()
    assert sum(one[:1].isdigit() for one in lines) == STEPS
    assert len(lines) < 30
    assert "247,312 rows of 2,694 synthetic persons" in first.out
    (computed,) = re.findall(r"([\d,]+) estimates, kept sealed", first.out)
    ((judged, left_out),) = re.findall(
        r"of ([\d,]+) estimates hidden and ([\d,]+) left out", first.out
    )
    assert judged == computed
    (result,) = (folder / "releases").glob("*/*.csv")
    with result.open(encoding="utf-8", newline="") as text:
        rows = [row for row in csv.DictReader(text) if row["variable_name"] != "settings"]
    assert len(rows) == int(judged.replace(",", "")) - int(left_out.replace(",", ""))
    report = Path(next(one for one in lines if one.startswith("Report: ")).partition(": ")[2])
    assert "</html>" in report.read_text(encoding="utf-8")
    second = run("--lang", "fr", "demo", "--small", folder)
    assert second.status == 0, second.err
    assert "247\u202f312 lignes de 2\u202f694 personnes" in second.out
    assert "Rapport\u202f: " in second.out
    assert not report.exists()
    assert len(list((folder / "releases").glob("run-*"))) == 1
    assert Cli(folder).ok("verify").endswith("Everything is what was sealed and logged.\n")


def test_the_national_demo(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    told = run("demo", "--persons", 5_000, folder)
    assert told.status == 0, told.err
    lines = told.out.splitlines()
    assert sum(one[:1].isdigit() for one in lines) == STEPS + 1
    (loaded,) = (one for one in lines if one.startswith("3. Load: "))
    numbers = [int(one.replace(",", "")) for one in re.findall(r"\d[\d,]*(?= )", loaded[9:])]
    read, kept, quarantined, dropped, apart, persons = numbers
    assert read == kept + quarantined + dropped + apart
    assert min(quarantined, dropped, apart) > 0
    assert 4_900 < persons <= 5_000
    assert "files verified offline" in told.out


def test_the_demo_quietly(tmp_path: Path) -> None:
    said = run("--quiet", "demo", "--small", tmp_path / "demo")
    assert Path(said.out.strip()).name == "report.html"
    assert said.err == ""


def test_the_demo_deletes_nothing_of_others(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine", encoding="utf-8")
    said = run("demo", tmp_path)
    assert said.status == errors.AlreadyExistsError.exit_status
    assert [one.name for one in tmp_path.iterdir()] == ["mine"]
