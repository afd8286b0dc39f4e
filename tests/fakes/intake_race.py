"""One of two loading processes that race for a warehouse.

Run as ``python -m fakes.intake_race HUB STORE FIRST ROUNDS`` with ``tests`` on the path; ``STORE``
is the JSON of store settings. Says ``ready``, waits for a line, then loads ``ROUNDS`` data sets of
one person each, whose ids begin at ``FIRST``; each is tried until it is committed. Ends with a JSON
line: the snapshot of each person, and how often it lost.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fakes.intake_hub import write_csv
from fakes.vault_keys import cheap_keyring, reopened
from laennec.app.stores import WAREHOUSE, store_of
from laennec.core.clock import system_clock
from laennec.core.errors import ConflictError
from laennec.core.progress import Quiet
from laennec.core.settings import StoreSettings
from laennec.intake.service import Intake, Options
from laennec.ledger.service import Ledger
from laennec.vault.ports import ObjectStore
from laennec.vault.service import Vault

SIGNING_KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
HEADER = "person_id,gender_concept_id,year_of_birth,race_concept_id,ethnicity_concept_id\n"


def raced_store(settings: StoreSettings) -> ObjectStore:
    """Return the store of the race, without copies on this machine."""
    return store_of(settings, WAREHOUSE, cached=False)


def make(hub: Path, settings: StoreSettings) -> None:
    """Make what the processes race for."""
    Vault.create(raced_store(settings), cheap_keyring(hub / "keyring.json"), clock=system_clock)
    Ledger.create(
        hub / "ledger", origin="hub.test/log", signing_key=SIGNING_KEY, clock=system_clock
    )


def opened(hub: Path, settings: StoreSettings) -> Vault:
    """Open the vault."""
    keys = reopened(hub / "keyring.json")
    return Vault.open(raced_store(settings), keys, clock=system_clock, padded=settings.padding)


def ledger_of(hub: Path) -> Ledger:
    """Open the ledger that both processes write."""
    return Ledger.open(hub / "ledger", signing_key=SIGNING_KEY, clock=system_clock)


def race(hub: Path, settings: StoreSettings, first: int, rounds: int) -> Mapping[str, object]:
    """Load one person after the other; return where each is, and how often another was first."""
    options = Options(hub / "scratch", memory_bytes=1 << 20, workers=1)
    vault, ledger = opened(hub, settings), ledger_of(hub)
    intake = Intake(vault, ledger, reporter=Quiet(), options=options)
    committed, lost = {}, 0
    for person in range(first, first + rounds):
        source = write_csv(
            hub / f"data-{first}" / str(person), {"person": f"{HEADER}{person},8507,1950,0,0\n"}
        )
        while person not in committed:
            try:
                committed[person] = intake.load_omop(source).snapshot
            except ConflictError:
                lost += 1
    return {"committed": committed, "lost": lost}


def main(hub: str, store: str, first: str, rounds: str) -> None:
    """Race."""
    settings = StoreSettings.model_validate_json(store)
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(race(Path(hub), settings, int(first), int(rounds))), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
