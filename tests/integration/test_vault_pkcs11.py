"""PKCS#11: the port's contract on SoftHSM, several processes, and what goes wrong."""

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pkcs11
import pkcs11 as vendor
import pytest
from pkcs11 import Attribute, KeyType, ObjectClass

from fakes.vault_contracts import KEY, KeyHolderContract
from laennec.core.errors import (
    AlreadyExistsError,
    IntegrityError,
    KeyDestroyedError,
    KeyHolderError,
    SettingsError,
)
from laennec.vault.pkcs11 import Pkcs11Keys
from laennec.vault.pkcs11_token import Token
from parts.softhsm import SoftHsm


def new_label() -> str:
    return f"hub-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def token(hsm: SoftHsm) -> Iterator[Token]:
    made = Token(hsm.module, label=hsm.label, read_pin=lambda: hsm.pin)
    yield made
    made.close()


@pytest.fixture
def label() -> str:
    return new_label()


@pytest.fixture
def keys(token: Token, label: str) -> Pkcs11Keys:
    return Pkcs11Keys.create(token, label=label)


class TestPkcs11Keys(KeyHolderContract):
    @pytest.fixture
    def keys(self, token: Token, label: str) -> Pkcs11Keys:
        return Pkcs11Keys.create(token, label=label)

    @pytest.fixture
    def other_keys(self, token: Token) -> Pkcs11Keys:
        return Pkcs11Keys.create(token, label=new_label())

    @pytest.fixture
    def again(self, hsm: SoftHsm, label: str, keys: Pkcs11Keys) -> Iterator[Pkcs11Keys]:
        another = Token(hsm.module, label=hsm.label, read_pin=lambda: hsm.pin)
        yield Pkcs11Keys(another, label=label)
        another.close()


def test_the_key_cannot_be_read_out_of_the_token(
    token: Token, label: str, keys: Pkcs11Keys
) -> None:
    with token.session() as session:
        (root,) = session.get_objects({Attribute.LABEL: label})
        with pytest.raises(pkcs11.AttributeSensitive):
            _ = root[Attribute.VALUE]
        assert root[Attribute.ALWAYS_SENSITIVE]
        assert root[Attribute.NEVER_EXTRACTABLE]
        assert not root[Attribute.WRAP]


def test_a_key_that_was_brought_in_is_refused(token: Token, label: str) -> None:
    with token.session() as session:
        session.create_object(
            {
                Attribute.CLASS: ObjectClass.SECRET_KEY,
                Attribute.KEY_TYPE: KeyType.AES,
                Attribute.VALUE: bytes(32),
                Attribute.LABEL: label,
                Attribute.ID: bytes(3) + b"\1",
                Attribute.TOKEN: True,
                Attribute.ENCRYPT: True,
                Attribute.DECRYPT: True,
            }
        )
    with pytest.raises(KeyHolderError, match="can be read out"):
        Pkcs11Keys(token, label=label).wrap(KEY, purpose="a")


def test_the_token_itself_has_no_object_after_destroy(
    token: Token, label: str, keys: Pkcs11Keys
) -> None:
    keys.rotate()
    keys.destroy()
    with token.session() as session:
        assert list(session.get_objects({Attribute.LABEL: label})) == []


def test_a_key_made_anew_opens_nothing_of_the_old(token: Token, label: str) -> None:
    keys = Pkcs11Keys.create(token, label=label)
    wrapped = keys.wrap(KEY, purpose="a")
    keys.destroy()
    with pytest.raises(IntegrityError):
        Pkcs11Keys.create(token, label=label).unwrap(wrapped, purpose="a")


def test_an_existing_key_is_never_taken(token: Token, label: str, keys: Pkcs11Keys) -> None:
    with pytest.raises(AlreadyExistsError, match=label):
        Pkcs11Keys.create(token, label=label)


def test_a_missing_key(token: Token, label: str) -> None:
    with pytest.raises(KeyDestroyedError, match="or never there"):
        Pkcs11Keys(token, label=label).wrap(KEY, purpose="a")


def test_a_missing_library(tmp_path: Path) -> None:
    absent = Token(tmp_path / "absent.so", label="test", read_pin=lambda: "1234")
    with pytest.raises(SettingsError, match="cannot be loaded"):
        Pkcs11Keys(absent, label="x").versions()


def test_a_missing_token(hsm: SoftHsm) -> None:
    absent = Token(hsm.module, label="absent", read_pin=lambda: hsm.pin)
    with pytest.raises(SettingsError, match="no token absent"):
        Pkcs11Keys(absent, label="x").versions()


def test_a_wrong_pin_is_tried_once(hsm: SoftHsm) -> None:
    tried: list[str] = []

    def read_pin() -> str:
        tried.append(hsm.wrong_pin())
        return tried[-1]

    # A sign-in is the whole process's: end what other tests left, or no PIN is asked for.
    vendor.lib(str(hsm.module)).reinitialize()
    closed = Token(hsm.module, label=hsm.label, read_pin=read_pin)
    with pytest.raises(KeyHolderError, match="PIN does not open") as refused:
        Pkcs11Keys(closed, label="x").versions()
    assert len(tried) == 1
    assert "locks" in refused.value.remedy
    assert tried[0] not in repr(refused.value.args)


def test_a_lost_session_is_opened_again(hsm: SoftHsm, token: Token, label: str) -> None:
    keys = Pkcs11Keys.create(token, label=label)
    wrapped = keys.wrap(KEY, purpose="a")
    with token.session() as session:
        session.close()
    assert keys.unwrap(wrapped, purpose="a") == KEY


_ANOTHER_PROCESS = """
import sys
from pathlib import Path
from laennec.vault.pkcs11 import Pkcs11Keys
from laennec.vault.pkcs11_token import Token
module, token, label = sys.argv[1:]
pin = sys.stdin.read()
keys = Pkcs11Keys(Token(Path(module), label=token, read_pin=lambda: pin), label=label)
for _ in range(5):
    keys.rotate()
    print(keys.wrap(bytes(32), purpose="a").hex())
"""


def test_rotations_of_several_processes(hsm: SoftHsm, label: str, keys: Pkcs11Keys) -> None:
    """Two of them may give one number to two roots; nothing that either wrapped is lost."""
    command = [sys.executable, "-c", _ANOTHER_PROCESS, str(hsm.module), hsm.label, label]
    running = [
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **hsm.environment},
        )
        for _ in range(3)
    ]
    outputs = [process.communicate(hsm.pin)[0] for process in running]
    wrapped = [bytes.fromhex(line) for output in outputs for line in output.split()]
    assert len(wrapped) == 15
    assert all(keys.unwrap(one, purpose="a") == bytes(32) for one in wrapped)
    keys.destroy()
    assert keys.versions() == ()
