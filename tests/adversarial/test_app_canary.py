"""Marked rows go through every command, and no mark is anywhere but in the sealed store.

Every text and identifier of the data set is a mark. It is loaded, refused, studied, released,
verified, rewrapped and rebucketed, quietly and not, in both languages, with too little memory and
with debug logging on. Then every file of the hub, of the temporary folder and of the scratch
folder, both output streams and every log record are searched for marks, as text and as 64 bits.
"""

import logging
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pytest

import laennec.app.hub as hub_module
from fakes.app_marks import Marks, marked_data_set, unreadable_sources
from fakes.app_small import study_file
from fakes.cli_shell import Cli, Said, new_hub, run, tree
from laennec.core.settings import Settings, read_settings
from laennec.reversibility.export_model import Form
from laennec.vault.manifest import SealedFile
from laennec.vault.service import Vault

_LOOKS = 200
"""Scratch files looked at, at most."""


@dataclass
class Story:
    """Everything that could be seen by somebody who has no key."""

    cli: Cli
    data: Path
    temporary: Path
    log: Path
    marks: Marks = field(default_factory=Marks)
    said: list[tuple[tuple[object, ...], Said]] = field(default_factory=list)
    records: list[str] = field(default_factory=list)
    scratch: list[bytes] = field(default_factory=list)
    released: dict[str, bytes] = field(default_factory=dict)
    exported: dict[str, bytes] = field(default_factory=dict)

    def do(self, *arguments: object, quiet: bool = False, lang: str = "en") -> Said:
        words = ["--hub", self.cli.folder, "--lang", lang, "--log", self.log]
        said = run(*words, *(["--quiet"] if quiet else []), *arguments)
        self.said.append((arguments, said))
        return said

    def ok(self, *arguments: object, quiet: bool = False) -> str:
        said = self.do(*arguments, quiet=quiet)
        assert said.status == 0, said.err
        return said.out


class Everything(logging.Handler):
    """Keeps every record of every library, filled in, with its traceback."""

    def __init__(self, kept: list[str]) -> None:
        super().__init__(logging.NOTSET)
        self._kept = kept
        self.setFormatter(logging.Formatter("%(name)s %(message)s %(args)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self._kept.append(self.format(record))


def nameless_files() -> Iterator[bytes]:
    """Yield the content of files that this process has open and that have no name any more."""
    for one in Path("/proc/self/fd").iterdir():
        try:
            if str(one.readlink()).endswith("(deleted)"):
                yield one.read_bytes()
        except OSError:
            continue


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("canary")
    temporary = folder / "tmp"
    temporary.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("TMPDIR", "TEMP", "TMP", "POLARS_TEMP_DIR"):
            patch.setenv(name, str(temporary))
        patch.setattr(tempfile, "tempdir", None)
        told = Story(new_hub(folder), folder / "data", temporary, folder / "log.jsonl")
        patch.setattr(hub_module, "read_settings", without_memory)
        patch.setattr(Vault, "seal_frame", looked_at(Vault.seal_frame, told.scratch))
        root, handler = logging.getLogger(), Everything(told.records)
        level = root.level
        root.addHandler(handler)
        root.setLevel(logging.DEBUG)
        try:
            live_through(told, folder)
        finally:
            root.removeHandler(handler)
            root.setLevel(level)
        yield told


def without_memory(folder: Path) -> Settings:
    """Return settings with which every row goes to scratch."""
    settings = read_settings(folder)
    return settings.model_copy(update={"runs": settings.runs.model_copy(update={"memory_mb": 0})})


def looked_at(seal: Callable[..., SealedFile], seen: list[bytes]) -> Callable[..., SealedFile]:
    """Return what seals, but looks at the scratch files first, which have no name."""

    def look_and_seal(*arguments: object, **values: object) -> SealedFile:
        if len(seen) < _LOOKS:
            seen.extend(nameless_files())
        return seal(*arguments, **values)

    return look_and_seal


def live_through(story: Story, folder: Path) -> None:
    """Use every command, first on what is refused."""
    sources = unreadable_sources(folder / "unreadable", story.marks)
    for number, source in enumerate(sources.values()):
        said = story.do("load", "omop", source, lang=("en", "fr")[number % 2])
        assert said.status not in (0, 1, 2), (source.name, said)
    marked_data_set(story.data, story.marks)
    study = study_file(folder)
    story.ok("load", "omop", story.data)
    story.ok("load", "omop", story.data)
    story.ok("quality")
    story.ok("quality", "--cdm", "5.3", "--html", folder / "q.html", "--csv", folder / "q.csv")
    story.ok("study", "check", study)
    quietly = story.ok("study", "run", study, quiet=True).strip()
    loudly = story.ok("study", "run", study).split()[-1]
    story.ok("release", quietly, quiet=True)
    story.ok("release", loudly)
    assert story.do("release", loudly).status == 15
    story.released = tree(story.cli.folder / "releases")
    for form in Form:
        out = folder / f"export-{form.value}"
        story.ok("export", out, "--format", form.value, "--quarantine", "--yes")
        story.exported |= tree(out)
        assert story.do("export", out, "--format", form.value, "--yes").status == 15
    for command in (
        ["status", "--history"],
        ["verify"],
        ["vocab", "check"],
        ["vocab", "coverage"],
        ["keys", "rotate"],
        ["rebucket", "8"],
        ["sweep", "--keep", "1"],
        ["shred", "--before", "2", "--yes"],
        ["log", "verify"],
        ["log", "prove", "0"],
        ["status"],
    ):
        story.ok(*command)
    story.do("study", "run", story.data / "person.csv")
    story.do("vocab", "load", story.data / "person.csv")
    story.do("log", "verify", "--file", story.data / "person.csv")
    story.ok("keys", "destroy", "results", "--yes")


def test_marks_are_found_where_they_are(story: Story, tmp_path: Path) -> None:
    """The search itself: in text, in Parquet and in columns of 64 bits."""
    marks = story.marks
    person = (story.data / "person.csv").read_bytes()
    assert marks.found(person)
    assert not marks.found(person.replace(b"ZQMARK", b"").replace(b"7190530", b""))
    number = marks.number()
    for body in (
        number.to_bytes(8, "little"),
        b"odd" + number.to_bytes(8, "big"),
        f"{number:,}".encode(),
        f"{number:,}".replace(",", "\u202f").encode(),
        str(number).encode("utf-16-le"),
    ):
        assert marks.found(body)
        assert not marks.found(body[1:-1])
    pl.DataFrame({"id": [marks.number(), 1]}).write_parquet(
        tmp_path / "plain.parquet", compression="uncompressed"
    )
    assert marks.found((tmp_path / "plain.parquet").read_bytes())


def test_the_rows_were_there(story: Story) -> None:
    """Everything was kept or refused, so that the search has something to find."""
    loaded = next(said.out for arguments, said in story.said if "Snapshot 1" in said.out)
    for rule in ("not_a_date", "not_an_integer", "unknown_person", "required_missing",
                 "repeated_key", "wrong_field_count"):  # fmt: skip
        assert rule in loaded
    csv = next(body for name, body in story.released.items() if name.endswith("diabetes.csv"))
    assert b",30," in csv or b'"30"' in csv
    assert len(story.scratch) > 3
    assert sum(map(len, story.scratch)) > 100_000


def test_rows_are_exported_and_what_describes_them_holds_none(story: Story) -> None:
    marked = {name for name, body in story.exported.items() if story.marks.found(body)}
    assert {"person.csv", "omop.duckdb", "quarantine/quarantine.csv"} <= marked
    described = {name for name in story.exported if name.endswith((".json", ".sql", "SUMS"))}
    assert len(described) == 7
    assert marked & described == set()


def test_no_mark_in_any_file_of_the_hub(story: Story) -> None:
    files = tree(story.cli.folder)
    assert {name.split("/")[0] for name in files} >= {"keys", "ledger", "releases", "store"}
    assert [name for name, body in files.items() if story.marks.found(name.encode() + body)] == []


def test_no_mark_in_scratch_or_temporary_files(story: Story) -> None:
    assert not any(story.marks.found(body) for body in story.scratch)
    left = tree(story.temporary)
    assert [name for name, body in left.items() if story.marks.found(name.encode() + body)] == []


def test_no_mark_in_what_was_said(story: Story) -> None:
    told = [
        arguments
        for arguments, said in story.said
        if story.marks.found((said.out + said.err).encode())
    ]
    assert told == []
    assert not any("Traceback" in said.err or said.status == 1 for _, said in story.said)


def test_no_mark_in_any_log(story: Story) -> None:
    assert story.records
    assert not any(story.marks.found(one.encode()) for one in story.records)
    lines = story.log.read_bytes()
    assert lines.count(b"command failed") > 10
    assert not story.marks.found(lines)


KILLED = """
import os, signal, sys
from laennec.cli.main import main
from laennec.vault.service import Vault

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

setattr(Vault, sys.argv[1], die)
main(["--hub", sys.argv[2], "load", "omop", sys.argv[3]])
"""


@pytest.mark.parametrize("moment", ["seal_frame", "seal_document", "commit"])
def test_no_mark_after_a_kill_in_the_middle_of_a_load(moment: str, tmp_path: Path) -> None:
    marks, cli = Marks(), new_hub(tmp_path)
    data = marked_data_set(tmp_path / "data", marks)
    (tmp_path / "tmp").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", KILLED, moment, cli.folder, data],
        env={**os.environ, "TMPDIR": str(tmp_path / "tmp")},
        capture_output=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    left = {**tree(cli.folder), **tree(tmp_path / "tmp"), "said": done.stdout + done.stderr}
    assert [name for name, body in left.items() if marks.found(name.encode() + body)] == []
    assert "Rows                0" in cli.ok("status")
    assert cli("verify").status == 0
