"""PostgreSQL takes an export by the steps of the how-to, and holds every value."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from fakes.export_hub import export
from fakes.intake_hub import CONDITIONS, PERSONS, SmallHub, small_data_set
from laennec.reversibility.export_model import Form
from parts.postgres import Postgres, postgres

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "leave-laennec.md"
TEXTS = ['say "hi"', "a,b", "two\nlines", "\r", "\\N", "\\.", "", None, " ", "\U0001f600", "é"]


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres() as running:
        yield running


def steps(step: str) -> str:
    """Return a block of the how-to."""
    blocks = re.findall(r"```(?:sh|sql)\n(.*?)\n```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (found,) = (one for one in blocks if step in one)
    return str(found)


@pytest.fixture
def hub(tmp_path: Path) -> SmallHub:
    made = SmallHub(tmp_path)
    concepts = (
        "concept_id,concept_name,domain_id,vocabulary_id,concept_class_id,concept_code,"
        "valid_start_date,valid_end_date\n8507,M,G,V,C,M,1970-01-01,2099-12-31\n"
    )
    data = small_data_set(tmp_path / "data", concept=concepts)
    pl.DataFrame(
        {
            "note_id": [-(2**63) + number for number in range(len(TEXTS))],
            "person_id": 1,
            "note_date": "0001-01-01",
            "note_type_concept_id": 0,
            "note_class_concept_id": 0,
            "note_text": "x",
            "note_title": TEXTS,
            "encoding_concept_id": 0,
            "language_concept_id": 0,
        }
    ).with_columns(pl.col("note_date").str.to_date()).write_parquet(data / "note.parquet")
    assert made.load(data).quarantined == 0
    export(made, tmp_path / "omop", Form.CSV)
    return made


def test_the_steps_of_the_how_to(server: Postgres, hub: SmallHub, tmp_path: Path) -> None:
    done = subprocess.run(
        ["bash", "-eu", "-o", "pipefail", "-c", steps("\\copy")],
        cwd=tmp_path,
        env=server.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr

    def ask(question: str) -> str:
        asked = server.run(tmp_path, "-c", question)
        assert asked.returncode == 0, asked.stderr
        return asked.stdout.strip()

    for table, rows in hub.tables().items():
        assert ask(f"SELECT count(*) FROM {table}") == str(len(rows))  # noqa: S608
    assert ask("SELECT max(person_id), min(person_id) FROM person") == f"{2**63 - 1}|-3"
    assert ask("SELECT min(note_id), min(note_date) FROM note") == f"{-(2**63)}|0001-01-01"
    texts = ask(
        "SELECT note_title IS NULL, encode(convert_to(note_title, 'UTF8'), 'hex') "
        "FROM note ORDER BY note_id"
    )
    assert texts.splitlines() == [
        "t|" if text is None else f"f|{text.encode().hex()}" for text in TEXTS
    ]
    # What the vocabulary of four lines cannot hold, its script refuses.
    refused = server.run(tmp_path / "omop", "-f", "ddl/5-foreign-keys.sql")
    assert "violates foreign key constraint" in refused.stderr


def test_every_foreign_key_is_accepted_by_empty_tables(
    server: Postgres, hub: SmallHub, tmp_path: Path
) -> None:
    made = server.run(tmp_path, "-c", "CREATE DATABASE empty")
    assert made.returncode == 0, made.stderr
    for script in sorted((tmp_path / "omop" / "ddl").iterdir()):
        done = server.run(tmp_path, "-d", "empty", "-f", str(script))
        assert done.returncode == 0, done.stderr


def test_repeated_keys_are_refused_by_the_script_of_keys_only(
    server: Postgres, tmp_path: Path
) -> None:
    hub = SmallHub(tmp_path)
    hub.load(
        small_data_set(
            tmp_path / "data",
            person=PERSONS,
            condition_occurrence=CONDITIONS + "10,2,0,2021-01-05,32020\n",
        ),
        keep_repeated=True,
    )
    export(hub, tmp_path / "omop", Form.CSV, tables=["condition_occurrence"])
    assert server.run(tmp_path, "-c", "CREATE DATABASE repeated").returncode == 0
    folder = tmp_path / "omop"

    def script(name: str) -> subprocess.CompletedProcess[str]:
        return server.run(folder, "-d", "repeated", "-f", f"ddl/{name}")

    assert script("1-tables.sql").returncode == 0
    copy = "\\copy condition_occurrence FROM condition_occurrence.csv WITH (FORMAT csv, HEADER)"
    assert server.run(folder, "-d", "repeated", "-c", copy).returncode == 0
    assert "is duplicated" in script("3-primary-keys.sql").stderr
    assert script("4-indices.sql").returncode == 0
