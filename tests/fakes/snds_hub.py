"""A hub in a folder to load deliveries of the SNDS into, and small synthetic deliveries."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import polars as pl

from fakes.intake_process import SIGNING_KEY, open_vault, process_hub
from laennec.compute.executor import Executor, Item, LocalExecutor, Result
from laennec.core.clock import system_clock
from laennec.core.progress import Quiet
from laennec.intake.snds.model import Variant
from laennec.intake.snds.report import SndsReport
from laennec.intake.snds.service import SndsIntake, SndsOptions
from laennec.ledger.service import Ledger
from laennec.synthetic.snds.order import Order
from laennec.synthetic.snds.service import make
from laennec.vault.service import Vault
from laennec.warehouse.service import View, Warehouse

NUMBERS = frozenset(
    {
        *(f"{table}_id" for table in ("visit_occurrence", "visit_detail", "provider", "care_site")),
        *(f"{table}_id" for table in ("drug_exposure", "condition_occurrence", "measurement")),
        *(f"{table}_id" for table in ("procedure_occurrence", "device_exposure", "observation")),
        *("payer_plan_period_id", "cost_id", "cost_event_id", "person_id"),
        "observation_period_id",
    }
)
"""Keys that are given in the order of loads."""


@dataclass(frozen=True)
class FolderVault:
    """Opens the vault of a hub that ``process_hub`` made, in any process."""

    folder: Path

    def vault(self) -> Vault:
        """Return the vault, opened once for each process."""
        return _opened(self.folder)


@cache
def _opened(folder: Path) -> Vault:
    return open_vault(folder)


class SndsHub:
    """A hub in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not folder.exists():
            process_hub(folder)
        self.vault = open_vault(folder)
        self.ledger = Ledger.open(folder / "ledger", signing_key=SIGNING_KEY, clock=system_clock)

    def load(
        self,
        delivery: Path,
        *,
        executor: Executor | None = None,
        memory_bytes: int = 64 << 20,
        variant: Variant = Variant.STANDARD,
    ) -> SndsReport:
        """Load a delivery."""
        return SndsIntake(
            self.vault,
            self.ledger,
            source=FolderVault(self.folder),
            executor=executor or LocalExecutor(2),
            reporter=Quiet(),
            options=SndsOptions(self.folder / "scratch", memory_bytes, 2, variant),
        ).load(delivery)

    def view(self) -> View:
        """Return the newest snapshot."""
        return Warehouse(self.vault).view()

    def tables(self) -> dict[str, pl.DataFrame]:
        """Return the rows of every OMOP table that has any."""
        view = self.view()
        return {table: self.vault.read(view.files(table)) for table in view.rows()}

    def sealed(self, table: str) -> pl.DataFrame:
        """Return the rows of a sealed table beside OMOP."""
        files = self.view().files(table)
        return self.vault.read(files) if files else pl.DataFrame()


class Stopping:
    """An executor that fails after so many results, as a killed process would."""

    shares_memory = True

    def __init__(self, after: int) -> None:
        self._left = after

    def map(
        self, task: Callable[[Item], Result], items: Sequence[Item]
    ) -> Generator[Result, None, None]:
        for item in items:
            if not self._left:
                raise KeyboardInterrupt
            self._left -= 1
            yield task(item)


def delivery(folder: Path, *, persons: int = 600, seed: int = 1, years: int = 2) -> Path:
    """Make a synthetic delivery of care until 2019."""
    make(Order(persons, seed, 2020 - years, 2019), folder, Quiet())
    return folder


def part_of(whole: Path, folder: Path, keep: Callable[[str], bool]) -> Path:
    """Return a folder with links to some files of a delivery."""
    folder.mkdir()
    for file in whole.iterdir():
        if file.is_file() and keep(file.name):
            (folder / file.name).symlink_to(file)
    return folder


def content(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows without the numbers that loads give, in an order of their own."""
    bare = rows.drop(*(NUMBERS & {*rows.columns}))
    return bare.sort(bare.columns)
