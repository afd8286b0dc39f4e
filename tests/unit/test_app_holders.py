"""Key holders from settings: where the wrapped ledger key lies, and secrets that are read late."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fakes.vault_contracts import KEY
from fakes.vault_keys import MemoryKeys
from fakes.vault_store import FixedClock
from laennec.app.holders import create_holders, open_holders
from laennec.app.secrets import (
    create_signing_key,
    hand_signing_key,
    open_signing_key,
    signing_key_file,
)
from laennec.core.errors import (
    AlreadyExistsError,
    IntegrityError,
    KeyDestroyedError,
    KeyHolderError,
    SettingsError,
)
from laennec.core.settings import Settings, parse_settings
from laennec.vault.destroyed_keys import DestroyedKeys

BAO = {"address": "https://bao.test", "token_file": "token"}
HSM = {"module": "lib.so", "pin_file": "pin"}


def settings(folder: Path, holder: str, **section: Mapping[str, Any]) -> Settings:
    tree = {
        "hub": {"name": "x", "origin": "hub.test"},
        "keys": {"holder": holder, "passphrase_env": "ABSENT"},
        **section,
    }
    return parse_settings(tree, base=folder, name="test")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "keys").mkdir(mode=0o700)
    return tmp_path


def file_of(folder: Path, holder: str, **section: Mapping[str, Any]) -> str:
    made = settings(folder, holder, **section)
    return open_holders(made, clock=FixedClock()).signing_key.name


def test_each_holder_has_a_file_of_its_own_for_the_ledger_key(folder: Path) -> None:
    """A hub may be wrapped for another holder before its settings switch."""
    files = [
        file_of(folder, "openbao", openbao=BAO),
        file_of(folder, "openbao", openbao={**BAO, "address": "https://other.test"}),
        file_of(folder, "openbao", openbao={**BAO, "key": "other"}),
        file_of(folder, "openbao", openbao={**BAO, "mount": "other"}),
        file_of(folder, "openbao", openbao={**BAO, "namespace": "other"}),
        file_of(folder, "pkcs11", pkcs11=HSM),
        file_of(folder, "pkcs11", pkcs11={**HSM, "token": "other"}),
        file_of(folder, "pkcs11", pkcs11={**HSM, "key": "other"}),
        signing_key_file(folder, None).name,
    ]
    assert len(set(files)) == len(files)
    assert files[-1] == "ledger.key"


def test_the_file_does_not_depend_on_how_one_signs_in(folder: Path) -> None:
    role = {"address": "https://bao.test", "role_id": "r", "secret_id_env": "S"}
    assert file_of(folder, "openbao", openbao=BAO) == file_of(folder, "openbao", openbao=role)
    moved = {**HSM, "module": "elsewhere.so"}
    assert file_of(folder, "pkcs11", pkcs11=HSM) == file_of(folder, "pkcs11", pkcs11=moved)


def test_the_ledger_key_is_handed_over_and_the_old_file_stays(tmp_path: Path) -> None:
    one, two = MemoryKeys(), MemoryKeys()
    source, target = tmp_path / "ledger.key", tmp_path / "ledger.openbao-01234567.key"
    key = create_signing_key(source, one)
    for _ in range(2):
        hand_signing_key(source, one, target=target, to=two)
        for file, keys in ((source, one), (target, two)):
            assert raw(open_signing_key(file, keys)) == raw(key)
    with pytest.raises(IntegrityError):
        open_signing_key(target, one)
    assert target.stat().st_mode & 0o777 == 0o600
    with pytest.raises(AlreadyExistsError):
        create_signing_key(source, one)


def raw(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes_raw()


def test_a_server_needs_a_way_to_sign_in(folder: Path) -> None:
    for section in ({"address": "https://bao.test"}, {"role_id": "r"}):
        with pytest.raises(SettingsError, match=r"openbao\.(token|secret_id)_file"):
            file_of(folder, "openbao", openbao=section)
    with pytest.raises(SettingsError, match=r"pkcs11\.module"):
        file_of(folder, "pkcs11", pkcs11={})
    with pytest.raises(SettingsError, match="without TLS"):
        file_of(folder, "openbao", openbao={**BAO, "address": "http://bao.test"})


def test_a_token_that_is_none_is_refused_before_it_is_sent(folder: Path) -> None:
    token = folder / "token"
    token.touch(mode=0o600)
    holders = open_holders(settings(folder, "openbao", openbao=BAO), clock=FixedClock())
    for content, complaint in (("", "is empty"), ("two\nlines", "line break"), ("é", "ASCII")):
        token.write_text(content, encoding="utf-8")
        with pytest.raises(KeyHolderError, match=complaint) as refused:
            holders.hub.versions()
        assert not content or content not in str(refused.value)
    token.chmod(0o644)
    with pytest.raises(KeyHolderError, match="others"):
        holders.hub.versions()


def test_a_folder_of_keys_that_others_read_is_refused(folder: Path) -> None:
    (folder / "keys").chmod(0o755)
    for make in (create_holders, open_holders):
        with pytest.raises(KeyHolderError, match="Others than you"):
            make(settings(folder, "openbao", openbao=BAO), clock=FixedClock())


def test_a_hub_without_its_warehouse_still_opens(folder: Path) -> None:
    made = settings(folder, "passphrase")
    holders = create_holders(made, clock=FixedClock(), secret=b"several words")
    wrapped = holders.warehouse.wrap(KEY, purpose="a")
    kept = holders.hub.wrap(KEY, purpose="a")
    holders.warehouse.destroy()
    again = holders.again()
    assert (again.warehouse.versions(), again.hub.versions()) == ((), (1,))
    assert again.hub.unwrap(kept, purpose="a") == KEY
    with pytest.raises(KeyDestroyedError):
        again.warehouse.unwrap(wrapped, purpose="a")
    again.hub.destroy()
    with pytest.raises(KeyDestroyedError):
        holders.again()


def test_nothing_is_left_to_ask_of_destroyed_keys() -> None:
    keys = DestroyedKeys("the warehouse")
    asked = (
        lambda: keys.wrap(KEY, purpose="a"),
        lambda: keys.unwrap(os.urandom(60), purpose="a"),
        keys.rotate,
        keys.forget,
    )
    for ask in asked:
        with pytest.raises(KeyDestroyedError, match="the warehouse"):
            ask()
    keys.destroy()
    assert keys.versions() == ()
