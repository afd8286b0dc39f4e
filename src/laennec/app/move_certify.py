"""The certificate: drafted before the switch; logged, signed and proved after it.

Every step looks whether it was taken before, so that a killed command can be repeated.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from laennec import __version__
from laennec.app.hub import Custody
from laennec.app.move_files import (
    CERTIFICATE,
    INVENTORY,
    NOTE,
    SOURCE,
    MoveFiles,
    reason_in,
    source_text,
)
from laennec.app.secrets import open_signing_key
from laennec.app.stores import WAREHOUSE
from laennec.app.switch import HOLDERS, replace_file
from laennec.core.clock import timestamp
from laennec.core.errors import StoreError
from laennec.core.log import Message, say
from laennec.core.settings import KeySettings, StoreSettings
from laennec.ledger import note
from laennec.ledger.events import TOKEN
from laennec.ledger.proof import SUFFIX
from laennec.reversibility.certificate import (
    Certificate,
    Place,
    certificate_text,
    inventory_text,
    note_text,
    read_certificate,
    sha256_of,
)
from laennec.reversibility.move_copy import Settled
from laennec.reversibility.move_model import Phase, Watch
from laennec.vault.manifest import Anchor
from laennec.warehouse.anchor import COMMIT, anchor_of

MOVED = "vault:store:move"

_SHORT_S = 1e-3
"""Least time that a rate is taken over, so that none is infinite."""


def address_of(store: StoreSettings) -> Place:
    """Return a store as an auditor should read it."""
    if store.url is None:
        return Place(str(store.folder))
    return Place(store.url.rstrip("/"), store.endpoint, store.account)


def public_name(place: Place) -> str:
    """Return what the public ledger calls a store; a folder of this machine only ``folder``."""
    remote = "://" in place.address
    return place.address if remote and TOKEN.accepts(place.address) else "folder"


@dataclass(frozen=True)
class Done:
    """What is known of a move when the destination is ready.

    Attributes:
        target: The destination.
        settled: What was copied.
        heads: The newest head of each vault there.
        holders: The sections of another key holder, or None.
        facts: What the journal says of the move.
        seconds: Time spent copying.
    """

    target: StoreSettings
    settled: Settled
    heads: Mapping[str, Anchor]
    holders: Mapping[str, Any] | None
    facts: Mapping[str, str]
    seconds: float


def draft(custody: Custody, files: MoveFiles, done: Done) -> None:
    """Write the certificate down, before the switch; it holds once the settings name the target.

    Raises:
        StoreError: it cannot be written.
    """
    settings, now = custody.settings, timestamp(custody.clock())
    items = done.settled.items
    size, inventory = sum(item.size for item in items), inventory_text(items)
    keys = settings.keys.model_dump() if done.holders is None else done.holders["keys"]
    certificate = Certificate(
        hub=settings.hub.origin,
        source=address_of(settings.store),
        target=address_of(done.target),
        copied=done.settled.newest,
        heads=done.heads,
        key_holder=keys.get("holder", KeySettings().holder),
        rewrapped=done.holders is not None,
        objects=len(items),
        bytes=size,
        inventory_sha256=sha256_of(inventory),
        left_objects=done.settled.left_objects,
        left_bytes=done.settled.left_bytes,
        started_at=done.facts["started_at"],
        finished_at=now,
        copying_seconds=round(done.seconds),
        bytes_per_second=round(size / max(done.seconds, _SHORT_S)),
        program_version=__version__,
    )
    former = settings.model_dump(mode="json", include=set(HOLDERS)) if done.holders else None
    files.draft(
        "move-" + now.replace(":", "").replace("-", ""),
        {
            CERTIFICATE: certificate_text(certificate),
            INVENTORY: inventory,
            SOURCE: source_text(settings.store, holder=former, reason=done.facts.get("reason")),
        },
    )


def certify(custody: Custody, files: MoveFiles, watch: Watch) -> str:
    """Log the move that has just taken place, and finish its certificate; return its name.

    Raises:
        LedgerError: the ledger cannot be extended.
        StoreError: the files cannot be written.
    """
    drafted = files.drafted()
    if drafted is None:
        raise StoreError(
            "The draft of the certificate is gone.",
            remedy="The hub has moved. Restore the hub's folder `move` from a copy, if there is "
            "one, and run the move again.",
        )
    text = drafted.read_text(encoding="utf-8")
    certificate = read_certificate(text)
    _log_new_head(custody, certificate)
    reason = reason_in(drafted.with_suffix(SOURCE).read_text(encoding="utf-8"))
    index = _log_move(custody, certificate, sha256_of(text), reason)
    watch(Phase.LOGGED)
    replace_file(drafted.with_name(drafted.name + SUFFIX), custody.ledger.prove(index))
    replace_file(drafted.with_name(drafted.name + NOTE), _signed(custody, note_text(text)))
    files.keep()
    say(
        Message.MOVED,
        objects=certificate.objects,
        bytes=certificate.bytes,
        snapshot=certificate.heads[WAREHOUSE].number,
    )
    return drafted.name


def _log_new_head(custody: Custody, certificate: Certificate) -> None:
    """Anchor the head that the new key holder's commit made, before anything stands on it."""
    head, anchor = certificate.heads[WAREHOUSE], anchor_of(custody.ledger)
    if not certificate.rewrapped or (anchor is not None and anchor.number >= head.number):
        return
    custody.ledger.append(
        COMMIT,
        public={
            "snapshot": head.number,
            "head_sha256": head.digest,
            "parent_sha256": certificate.copied[WAREHOUSE].digest,
        },
    )
    custody.ledger.append(
        "vault:key:rotate",
        public={"key_holder": certificate.key_holder, "generation": head.number},
    )


def _log_move(custody: Custody, certificate: Certificate, sha256: str, reason: str | None) -> int:
    """Log the move, unless a killed command did; return the entry's index."""
    logged = custody.ledger.newest(MOVED)
    if logged is not None and logged.public.get("certificate_sha256") == sha256:
        return logged.index
    head = certificate.heads[WAREHOUSE]
    receipt = custody.ledger.append(
        MOVED,
        public={
            "bytes": certificate.bytes,
            "bytes_per_second": certificate.bytes_per_second,
            "certificate_sha256": sha256,
            "finished_at": certificate.finished_at,
            "head_sha256": head.digest,
            "inventory_sha256": certificate.inventory_sha256,
            "key_holder": certificate.key_holder,
            "objects": certificate.objects,
            "seconds": certificate.copying_seconds,
            "snapshot": head.number,
            "source_store": public_name(certificate.source),
            "started_at": certificate.started_at,
            "target_store": public_name(certificate.target),
        },
        private={} if reason is None else {"reason": reason.encode()},
    )
    return receipt.index


def _signed(custody: Custody, text: str) -> str:
    key = open_signing_key(custody.holders.signing_key, custody.holders.hub)
    signature = note.sign(text, name=custody.settings.hub.origin, private=key)
    return str(note.Note(text, (signature,)))
