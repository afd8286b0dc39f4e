"""What a load works with, and what comes of one file."""

from dataclasses import dataclass
from pathlib import Path

from laennec.core.progress import Reporter
from laennec.intake.quarantine import Quarantine
from laennec.intake.rules import TableCount
from laennec.vault.manifest import SealedFile
from laennec.vault.service import Vault


@dataclass(frozen=True)
class Means:
    """What a load works with.

    Attributes:
        vault: Where rows are sealed.
        quarantine: Where refused rows go.
        scratch: Folder for sealed scratch files.
        memory_bytes: Memory for rows in hand.
        workers: Buckets finished at once.
        reporter: Shows progress.
        encoding: Codec of CSV files.
        keep_repeated: Keep rows that repeat a primary key, as they are.
    """

    vault: Vault
    quarantine: Quarantine
    scratch: Path
    memory_bytes: int
    workers: int
    reporter: Reporter
    encoding: str
    keep_repeated: bool


@dataclass(frozen=True)
class Loaded:
    """What came of one file.

    Attributes:
        count: How its rows were judged.
        files: The table's sealed files after it, old ones that stay included.
        unknown: Columns of the file that the CDM does not have.
    """

    count: TableCount
    files: tuple[SealedFile, ...]
    unknown: tuple[str, ...]
