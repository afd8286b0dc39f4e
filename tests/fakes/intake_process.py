"""A loading process of its own, to be killed or to run out of disk.

Run as ``python -m fakes.intake_process HUB SOURCE [MEMORY]`` with ``tests`` on the path: opens the
hub that ``process_hub`` made, says ``ready``, loads, and says how many rows it kept. Exits with the
status of the error, whose message it prints.
"""

import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fakes.vault_keys import cheap_keyring, reopened
from laennec.core.clock import system_clock
from laennec.core.errors import LaennecError
from laennec.core.progress import Quiet
from laennec.intake.service import Intake, Options
from laennec.ledger.service import Ledger
from laennec.vault.local import LocalStore
from laennec.vault.service import Vault

SIGNING_KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))


def process_hub(folder: Path, *, store: Path | None = None) -> Vault:
    """Create a hub in a folder; its store may lie elsewhere."""
    folder.mkdir(parents=True, exist_ok=True)
    keys = cheap_keyring(folder / "keyring.json")
    Ledger.create(
        folder / "ledger", origin="hub.example/log", signing_key=SIGNING_KEY, clock=system_clock
    )
    return Vault.create(LocalStore(store or folder / "store"), keys, clock=system_clock)


def open_vault(folder: Path, *, store: Path | None = None) -> Vault:
    """Open the vault of that hub."""
    keys = reopened(folder / "keyring.json")
    return Vault.open(LocalStore(store or folder / "store"), keys, clock=system_clock)


def intake_of(folder: Path, *, store: Path | None = None, memory_bytes: int = 1 << 20) -> Intake:
    """Return what loads into that hub."""
    ledger = Ledger.open(folder / "ledger", signing_key=SIGNING_KEY, clock=system_clock)
    options = Options(folder / "scratch", memory_bytes=memory_bytes, workers=2)
    return Intake(open_vault(folder, store=store), ledger, reporter=Quiet(), options=options)


def main(hub: str, source: str, store: str = "", memory: str = "1048576") -> int:
    """Load."""
    intake = intake_of(Path(hub), store=Path(store) if store else None, memory_bytes=int(memory))
    print("ready", flush=True)
    try:
        report = intake.load_omop(Path(source))
    except LaennecError as error:
        print(type(error).__name__, error, flush=True)
        return error.exit_status
    print(report.kept, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
