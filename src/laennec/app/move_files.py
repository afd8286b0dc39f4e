"""The files of a hub's moves: the journal of the one under way, and the certificates of the past.

``move/journal.sqlite`` and ``move/pending/`` are those of the move under way. ``move/certificates``
keeps, for each finished one, ``<name>.json`` with its ``.note`` and ``.tlog-proof``, its
``<name>.inventory``, and ``<name>.source`` for as long as the former store is not erased.
"""

import fcntl
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from laennec.app.gate import locked
from laennec.app.switch import replace_file
from laennec.core.errors import StoreError
from laennec.core.settings import StoreSettings
from laennec.reversibility.certificate import Certificate, read_certificate
from laennec.reversibility.move_journal import Journal

CERTIFICATE, INVENTORY, SOURCE, NOTE = ".json", ".inventory", ".source", ".note"


@dataclass(frozen=True)
class PastMove:
    """A finished move.

    Attributes:
        file: Its certificate.
        text: The certificate's text.
        source: The former store; None once it was erased.
        holder: The former key holder's sections of the settings, if another took over and the
            former still has its keys.
    """

    file: Path
    text: str
    source: StoreSettings | None
    holder: Mapping[str, Any] | None

    @property
    def certificate(self) -> Certificate:
        """What the certificate says."""
        return read_certificate(self.text)

    @property
    def inventory(self) -> str:
        """The text of the inventory."""
        return self.file.with_suffix(INVENTORY).read_text(encoding="utf-8")


class MoveFiles:
    """The folder ``move`` of a hub."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "move"
        self.pending = self.root / "pending"
        self.certificates = self.root / "certificates"
        self._journal = self.root / "journal.sqlite"

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other commands from moving this hub meanwhile.

        Raises:
            ConflictError: another command does.
        """
        with _told(self.root):
            self.certificates.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.root.chmod(0o700)
        with locked(self.root / "lock", fcntl.LOCK_EX | fcntl.LOCK_NB):
            yield

    @property
    def under_way(self) -> bool:
        """Whether there is a journal."""
        return self._journal.exists()

    @contextmanager
    def journal(self) -> Iterator[Journal]:
        """Open the journal of the move under way, or begin one."""
        journal = Journal(self._journal)
        try:
            yield journal
        finally:
            journal.close()

    def forget(self) -> None:
        """Remove journal and drafts."""
        with _told(self.root):
            shutil.rmtree(self.pending, ignore_errors=True)
            for file in self.root.glob(self._journal.name + "*"):
                file.unlink(missing_ok=True)

    def draft(self, name: str, files: Mapping[str, str]) -> None:
        """Write the files of a certificate to be, all anew.

        Args:
            name: Of the certificate; a suffix is added if a finished move has it.
            files: Texts by ending.
        """
        while (self.certificates / (name + CERTIFICATE)).exists():
            name += "-next"  # two moves within a second
        with _told(self.pending):
            shutil.rmtree(self.pending, ignore_errors=True)
            self.pending.mkdir(mode=0o700)
        for ending, text in files.items():
            replace_file(self.pending / (name + ending), text)

    def drafted(self) -> Path | None:
        """Return the certificate that is ready, if any."""
        return next(iter(self.pending.glob("*" + CERTIFICATE)), None)

    def keep(self) -> None:
        """Put the drafts among the certificates, the certificate itself last."""
        with _told(self.certificates):
            for file in sorted(self.pending.iterdir(), key=lambda one: one.suffix == CERTIFICATE):
                replace_file(self.certificates / file.name, file.read_text(encoding="utf-8"))

    def past(self) -> list[PastMove]:
        """Return the finished moves, oldest first."""
        with _told(self.certificates):
            found = self.certificates.glob("*" + CERTIFICATE)
            return [_past(one) for one in sorted(found, key=lambda file: file.stem)]

    def erased(self, move: PastMove) -> None:
        """Note that a former store is empty; a former key holder may still have its keys."""
        if move.holder is None:
            self._done_with(move)
        else:
            text = _kept_text(None, holder=move.holder, reason=None)
            replace_file(move.file.with_suffix(SOURCE), text)

    def keys_destroyed(self, move: PastMove) -> None:
        """Note that a former key holder has no keys any more."""
        self._done_with(move)

    def _done_with(self, move: PastMove) -> None:
        with _told(self.certificates):
            move.file.with_suffix(SOURCE).unlink(missing_ok=True)


def source_text(
    store: StoreSettings, *, holder: Mapping[str, Any] | None, reason: str | None
) -> str:
    """Return what is kept until a former store is erased; never a secret.

    Args:
        store: Where it is.
        holder: The former key holder's sections of the settings, if another takes over.
        reason: Why the hub moved.
    """
    shown = json.loads(store.model_dump_json(exclude_unset=True))
    return _kept_text(shown, holder=holder, reason=reason)


def _kept_text(
    store: Mapping[str, Any] | None, *, holder: Mapping[str, Any] | None, reason: str | None
) -> str:
    return json.dumps({"store": store, "holder": holder, "reason": reason}, indent=1) + "\n"


def reason_in(text: str) -> str | None:
    """Return why the hub moved, as ``source_text`` kept it."""
    reason = json.loads(text)["reason"]
    return None if reason is None else str(reason)


def _past(file: Path) -> PastMove:
    text, kept = file.read_text(encoding="utf-8"), file.with_suffix(SOURCE)
    if not kept.exists():
        return PastMove(file, text, None, None)
    value = json.loads(kept.read_text(encoding="utf-8"))
    store = value["store"] and StoreSettings(**value["store"])
    return PastMove(file, text, store, value["holder"])


@contextmanager
def _told(where: Path) -> Iterator[None]:
    """Turn the system's errors into ours."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"{where} cannot be used: {error.strerror}.",
            remedy="Make room and check its rights; then run `laennec move` again.",
        ) from None
