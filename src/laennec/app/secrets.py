"""The folder of keys: two keyrings under one passphrase, and the ledger's signing key.

``warehouse.json`` holds the root keys of the warehouse alone, so that shredding old snapshots,
which destroys old root keys, takes nothing else with it. ``hub.json`` holds the root keys of all
the rest: results that are not released yet, and the ledger's signing key. With another kind of
holder there are no keyrings, but the folder is the same: it has the wrapped signing key, and what
was seen of ledger and stores.
"""

import base64
import os
import stat
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from laennec.core.errors import (
    AlreadyExistsError,
    KeyDestroyedError,
    KeyHolderError,
    WrongPassphraseError,
)
from laennec.vault.destroyed_keys import DestroyedKeys
from laennec.vault.passphrase import PassphraseKeyring
from laennec.vault.ports import KeyHolder

WAREHOUSE_RING = "warehouse.json"
HUB_RING = "hub.json"
_PURPOSE = "laennec/ledger-signing-key/1"


def check_private(folder: Path) -> None:
    """Refuse a folder of keys that others may enter, read or change.

    The keys in it are sealed under the passphrase, but whoever reads them can try passphrases at
    leisure, and whoever writes there can make the hub forget what it saw of its ledger.

    Raises:
        KeyHolderError: it is another's, group or others have any right to it, or it cannot be
            looked at.
    """
    try:
        seen = folder.stat()
    except OSError as error:
        raise KeyHolderError(
            f"The folder of keys {folder} cannot be read: {error.strerror}.",
            remedy="Restore it from your copy of the keys, or correct keys.folder.",
        ) from None
    if seen.st_uid != os.geteuid() or seen.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyHolderError(
            f"Others than you may read or change the folder of keys {folder}.",
            remedy=f"Make it yours alone: chmod 700 {folder}",
        )


def make_private(folder: Path) -> None:
    """Make the folder of keys, for its owner alone; one that is there has to be so already.

    Raises:
        KeyHolderError: it cannot be made, or others may read it.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from None
    check_private(folder)


def create_keyrings(folder: Path, passphrase: bytes) -> tuple[KeyHolder, KeyHolder]:
    """Make both keyrings; returns the warehouse's and the hub's.

    Raises:
        AlreadyExistsError: there are some already.
        KeyHolderError: the folder cannot be written, or others may read it.
    """
    make_private(folder)
    rings = [
        PassphraseKeyring.create(folder / name, passphrase) for name in (WAREHOUSE_RING, HUB_RING)
    ]
    return rings[0], rings[1]


def open_keyrings(folder: Path, passphrase: bytes) -> tuple[KeyHolder, KeyHolder]:
    """Open both keyrings; returns the warehouse's and the hub's.

    A hub whose warehouse was destroyed still opens: its holder then holds nothing.

    Raises:
        WrongPassphraseError: the passphrase does not open them.
        KeyDestroyedError: the hub's own keyring was destroyed.
        KeyHolderError: a keyring is missing or unreadable.
    """
    hub = PassphraseKeyring.open(folder / HUB_RING, passphrase)
    try:
        return open_warehouse_keyring(folder, passphrase), hub
    except KeyDestroyedError:
        return DestroyedKeys("the warehouse"), hub


def open_warehouse_keyring(folder: Path, passphrase: bytes) -> KeyHolder:
    """Open the warehouse's keyring alone.

    Raises:
        WrongPassphraseError: the passphrase does not open it.
        KeyDestroyedError: it was destroyed.
        KeyHolderError: it is missing or unreadable.
    """
    return PassphraseKeyring.open(folder / WAREHOUSE_RING, passphrase)


def change_passphrase(folder: Path, old: bytes, new: bytes) -> None:
    """Seal both keyrings under another passphrase; the root keys stay the same.

    Killed between the two, call it again with the same passphrases: a keyring that is already
    under the new one is left as it is.

    Raises:
        WrongPassphraseError: neither passphrase opens a keyring; none is changed by this call if
            it is the first.
        KeyHolderError: a keyring is missing or cannot be written, or ``new`` is empty.
    """
    check_private(folder)
    pending = []
    for name in (WAREHOUSE_RING, HUB_RING):
        try:
            pending.append(PassphraseKeyring.open(folder / name, old))
        except WrongPassphraseError:
            PassphraseKeyring.open(folder / name, new)
        except KeyDestroyedError:
            continue  # a tombstone is under no passphrase
    for ring in pending:
        ring.change_passphrase(new)


def signing_key_file(folder: Path, holder: str | None) -> Path:
    """Return where the signing key lies that a holder wraps.

    Args:
        folder: The folder of keys.
        holder: What tells the holder from another, or None for the keyrings of the folder itself.
    """
    return folder / ("ledger.key" if holder is None else f"ledger.{holder}.key")


def create_signing_key(file: Path, keys: KeyHolder) -> Ed25519PrivateKey:
    """Make the ledger's signing key and keep it wrapped.

    Raises:
        AlreadyExistsError: there is one already.
        KeyHolderError: the file cannot be written.
    """
    if file.exists():
        raise AlreadyExistsError(
            f"{file.parent} holds a ledger key already.", remedy="Choose an empty folder."
        )
    key = Ed25519PrivateKey.generate()
    _write_signing_key(file, keys, key)
    return key


def open_signing_key(file: Path, keys: KeyHolder) -> Ed25519PrivateKey:
    """Return the ledger's signing key.

    Raises:
        KeyHolderError: it is missing or unreadable.
        IntegrityError: it does not open with these keys.
    """
    try:
        wrapped = base64.b64decode(file.read_bytes(), validate=True)
    except (OSError, ValueError):
        raise KeyHolderError(
            f"The ledger key in {file.parent} cannot be read.", remedy="Restore it from a copy."
        ) from None
    return Ed25519PrivateKey.from_private_bytes(keys.unwrap(wrapped, purpose=_PURPOSE))


def rewrap_signing_key(file: Path, keys: KeyHolder) -> None:
    """Wrap the ledger's signing key anew, under the newest root key."""
    hand_signing_key(file, keys, target=file, to=keys)


def hand_signing_key(file: Path, keys: KeyHolder, *, target: Path, to: KeyHolder) -> None:
    """Wrap the ledger's signing key for another holder too; the file of the first one stays.

    Done again it is the same: the new file is replaced whole.

    Args:
        file: Where it lies, wrapped by ``keys``.
        keys: The present holder.
        target: Where it goes; ``Holders.signing_key`` of the other one.
        to: The other holder.

    Raises:
        IntegrityError: it does not open with ``keys``.
        KeyHolderError: a holder does not answer, or a file cannot be read or written.
    """
    _write_signing_key(target, to, open_signing_key(file, keys))


def _write_signing_key(target: Path, keys: KeyHolder, key: Ed25519PrivateKey) -> None:
    wrapped = base64.b64encode(keys.wrap(key.private_bytes_raw(), purpose=_PURPOSE))
    fresh = target.with_name(target.name + ".new")
    try:
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(wrapped)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(target)
    except OSError as error:
        raise _unwritable(target.parent, error) from None


def _unwritable(folder: Path, error: OSError) -> KeyHolderError:
    return KeyHolderError(
        f"{folder} cannot be written: {error.strerror}.", remedy="Check its owner and rights."
    )
