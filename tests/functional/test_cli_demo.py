"""``make demo``: the whole journey, twice in one folder, in two languages."""

from pathlib import Path

from fakes.cli_shell import Cli, run
from laennec.core import errors

STEPS = 8


def test_the_demo_twice(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    first = run("demo", folder)
    assert first.status == 0, first.err
    lines = first.out.splitlines()
    assert sum(one[:1].isdigit() for one in lines) == STEPS
    assert len(lines) < 30
    assert "247,312 rows of 2,694 synthetic persons" in first.out
    report = Path(next(one for one in lines if one.startswith("Report: ")).partition(": ")[2])
    assert "</html>" in report.read_text(encoding="utf-8")
    second = run("--lang", "fr", "demo", folder)
    assert second.status == 0, second.err
    assert "247\u202f312 lignes de 2\u202f694 personnes" in second.out
    assert "Rapport\u202f: " in second.out
    assert not report.exists()
    assert len(list((folder / "releases").glob("run-*"))) == 1
    assert Cli(folder).ok("verify").endswith("Everything is what was sealed and logged.\n")


def test_the_demo_quietly(tmp_path: Path) -> None:
    said = run("--quiet", "demo", tmp_path / "demo")
    assert Path(said.out.strip()).name == "report.html"
    assert said.err == ""


def test_the_demo_deletes_nothing_of_others(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine", encoding="utf-8")
    said = run("demo", tmp_path)
    assert said.status == errors.AlreadyExistsError.exit_status
    assert [one.name for one in tmp_path.iterdir()] == ["mine"]
