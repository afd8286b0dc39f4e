"""A small hub in memory to load data sets into, and what it holds."""

from collections.abc import Mapping
from pathlib import Path

import polars as pl
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fakes.vault_keys import MemoryKeys
from fakes.vault_store import FixedClock, MemoryStore
from laennec.core.progress import Quiet
from laennec.intake.report import LoadReport
from laennec.intake.service import Intake, Options
from laennec.ledger.service import Ledger
from laennec.omop.cdm import cdm
from laennec.vault.ports import KeyHolder, ObjectStore
from laennec.vault.service import Vault
from laennec.warehouse.service import View, Warehouse


class SmallHub:
    """A vault, a ledger and an intake; in memory unless a store is given."""

    def __init__(
        self, folder: Path, *, store: ObjectStore | None = None, keys: KeyHolder | None = None
    ) -> None:
        clock = FixedClock()
        self.folder, self.store = folder, store or MemoryStore(clock=clock)
        self.keys = keys or MemoryKeys()
        self.vault = Vault.create(self.store, self.keys, clock=clock)
        self.ledger = Ledger.create(
            folder / "ledger",
            origin="hub.example/ledger",
            signing_key=Ed25519PrivateKey.generate(),
            clock=clock,
        )

    def intake(
        self,
        *,
        memory_bytes: int = 64 << 20,
        encoding: str = "utf-8",
        keep_repeated: bool = False,
    ) -> Intake:
        """Return what loads."""
        options = Options(
            scratch=self.folder / "scratch",
            memory_bytes=memory_bytes,
            workers=2,
            encoding=encoding,
            keep_repeated=keep_repeated,
        )
        return Intake(self.vault, self.ledger, reporter=Quiet(), options=options)

    def load(
        self,
        path: Path,
        *,
        memory_bytes: int = 64 << 20,
        encoding: str = "utf-8",
        keep_repeated: bool = False,
    ) -> LoadReport:
        """Load a data set."""
        return self.intake(
            memory_bytes=memory_bytes, encoding=encoding, keep_repeated=keep_repeated
        ).load_omop(path)

    def view(self, number: int | None = None) -> View:
        """Return the warehouse at a snapshot."""
        return Warehouse(self.vault).view(number)

    def tables(self, number: int | None = None) -> dict[str, pl.DataFrame]:
        """Return the rows of every table that has any, in no particular order."""
        view = self.view(number)
        return {table: self.vault.read(view.files(table)) for table in view.rows()}

    def quarantine(self, number: int | None = None) -> pl.DataFrame:
        """Return every row in quarantine."""
        files = self.view(number).files("quarantine")
        return self.vault.read(files) if files else pl.DataFrame()


def write_csv(folder: Path, tables: Mapping[str, str]) -> Path:
    """Write files named after their tables; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for table, text in tables.items():
        (folder / f"{table}.csv").write_text(text, encoding="utf-8", newline="")
    return folder


PERSONS = """person_id,gender_concept_id,year_of_birth,race_concept_id,ethnicity_concept_id
1,8507,1950,0,0
2,8532,1960,0,0
-3,8507,1970,0,0
9223372036854775807,8532,1980,0,0
"""
CONDITIONS = """condition_occurrence_id,person_id,condition_concept_id,condition_start_date,\
condition_type_concept_id
10,1,201826,2020-01-05,32020
11,2,201826,2020-02-06,32020
12,-3,4329847,2021-03-07,32020
13,9223372036854775807,4329847,2022-04-08,32020
"""


def small_data_set(folder: Path, **tables: str) -> Path:
    """Write four persons and four conditions; arguments replace or add tables."""
    return write_csv(folder, {"person": PERSONS, "condition_occurrence": CONDITIONS, **tables})


def columns_of(table: str) -> list[str]:
    """Return the columns of a table of CDM 5.4."""
    return list(cdm("5.4").tables[table].field_names)
