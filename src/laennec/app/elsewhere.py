"""Opening a hub's warehouse in another process, such as a Spark executor.

What is carried there says where the hub's folder is and what was seen of its store; never a key, a
passphrase or a row. The process reads the hub's settings in that folder and opens the warehouse's
keys itself, by its own access to their holder. It opens neither results nor ledger, and needs
nothing in the folder of keys for them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from laennec.app.holders import open_warehouse_holder
from laennec.app.stores import WAREHOUSE, store_of
from laennec.core.clock import system_clock
from laennec.core.errors import KeyHolderError, RollbackError, SettingsError
from laennec.core.settings import Settings, read_settings
from laennec.vault.manifest import Anchor
from laennec.vault.service import Vault
from laennec.warehouse.service import View, Warehouse


@dataclass(frozen=True)
class HubVault:
    """Opens a hub's warehouse in another process; holds no secret.

    Attributes:
        folder: The hub's folder, the same on every machine.
        seen: The newest head when the work began: no older state passes for the newest there.
    """

    folder: Path
    seen: Anchor

    def vault(self) -> Vault:
        """Return the vault, by the hub's own settings; opened once for each process.

        Raises:
            SettingsError: the hub is not there.
            KeyHolderError: its keys do not open there.
            RollbackError: the store serves an older state there.
        """
        return _opened(self)


@dataclass(frozen=True)
class HubSnapshot:
    """Opens one snapshot of a hub's warehouse in another process; holds no secret.

    Attributes:
        hub: Opens the warehouse.
        number: Of the snapshot.
        digest: Of its head: another history is refused.
    """

    hub: HubVault
    number: int
    digest: str

    def source(self, *, tables: Sequence[str], buckets: Sequence[int]) -> View:
        """Return the snapshot, opened once for each process; see ``runs.remote``.

        Raises:
            SettingsError, KeyHolderError: as ``HubVault.vault``.
            NotFoundError: the snapshot is not readable any more.
            RollbackError: the store has another history there.
        """
        view = _viewed(self)
        view.prefetch(tables, buckets=buckets)
        return view

    def unwrap(self, wrapped: str) -> bytes:
        """Return a key that the warehouse's key wrapped.

        Raises:
            IntegrityError: it does not authenticate.
        """
        return self.hub.vault().unwrap_scratch_key(wrapped)


def check_unattended(settings: Settings) -> None:
    """Refuse Spark where each executor would have to ask for a secret.

    Raises:
        SettingsError: the passphrase or PIN is asked for.
    """
    keys, hsm = settings.keys, settings.pkcs11
    places = {
        "passphrase": (keys.passphrase_file, keys.passphrase_env),
        "pkcs11": (hsm.pin_file, hsm.pin_env),
    }.get(keys.holder)
    if places is not None and not any(places):
        raise SettingsError(
            "Executors of Spark cannot ask for the passphrase or PIN of this hub.",
            remedy="Set keys.passphrase_file (or pkcs11.pin_file) to a file that they can read, or "
            "let OpenBao hold the keys.",
        )


@cache
def _opened(hub: HubVault) -> Vault:
    settings = read_settings(hub.folder)
    keys = open_warehouse_holder(settings, clock=system_clock, ask=_nobody_to_ask)
    return Vault.open(
        store_of(settings.store, WAREHOUSE),
        keys,
        clock=system_clock,
        anchor=hub.seen,
        padded=settings.store.padding,
    )


@cache
def _viewed(one: HubSnapshot) -> View:
    view = Warehouse(one.hub.vault()).view(one.number)
    if view.snapshot.digest != one.digest:
        raise RollbackError(
            f"Snapshot {one.number} is another one on an executor than where the run began.",
            remedy="The host shows its readers different histories; run `laennec verify`.",
        )
    return view


def _nobody_to_ask(_: str) -> str:
    raise KeyHolderError(
        "An executor has nobody to ask for a passphrase.",
        remedy="Set keys.passphrase_file to a file that every executor can read.",
    )
