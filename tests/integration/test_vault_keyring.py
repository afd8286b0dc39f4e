"""The passphrase keyring: the port's contract, its file, and several processes at once."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from fakes.vault_contracts import KEY, KeyHolderContract
from fakes.vault_keys import CHEAP, cheap_keyring, reopened
from laennec.core.errors import (
    AlreadyExistsError,
    FormatError,
    IntegrityError,
    KeyDestroyedError,
    KeyHolderError,
    LaennecError,
    WrongPassphraseError,
)
from laennec.vault.labels import derive_key, encode_parts
from laennec.vault.passphrase import Argon2Cost, PassphraseKeyring


class TestPassphraseKeyring(KeyHolderContract):
    @pytest.fixture
    def keys(self, tmp_path: Path) -> PassphraseKeyring:
        return cheap_keyring(tmp_path / "keys")

    @pytest.fixture
    def other_keys(self, tmp_path: Path) -> PassphraseKeyring:
        return cheap_keyring(tmp_path / "others")

    @pytest.fixture
    def again(self, keys: PassphraseKeyring) -> PassphraseKeyring:
        return reopened(keys.path)


def test_default_cost_is_at_the_floor_and_opens(tmp_path: Path) -> None:
    wrapped = PassphraseKeyring.create(tmp_path / "keys", "été").wrap(KEY, purpose="a")
    again = PassphraseKeyring.open(tmp_path / "keys", "été".encode())
    assert again.unwrap(wrapped, purpose="a") == KEY


def test_cheap_cost_is_refused_unless_called_insecure(tmp_path: Path) -> None:
    with pytest.raises(KeyHolderError, match="below"):
        PassphraseKeyring.create(tmp_path / "keys", "x", cost=CHEAP)
    assert not (tmp_path / "keys").exists()
    cheap_keyring(tmp_path / "keys")
    with pytest.raises(KeyHolderError, match="below"):
        PassphraseKeyring.open(tmp_path / "keys", "a passphrase")
    with pytest.raises(KeyHolderError, match="below"):
        PassphraseKeyring.open(
            tmp_path / "keys", "a passphrase", insecure_cost=Argon2Cost(1, 128, 1)
        )


def test_wrong_passphrase_is_told_apart(tmp_path: Path) -> None:
    cheap_keyring(tmp_path / "keys")
    with pytest.raises(WrongPassphraseError):
        reopened(tmp_path / "keys", "another")


def test_empty_passphrase_and_existing_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyHolderError, match="empty"):
        cheap_keyring(tmp_path / "keys", "")
    cheap_keyring(tmp_path / "keys")
    before = (tmp_path / "keys").read_bytes()
    with pytest.raises(AlreadyExistsError):
        cheap_keyring(tmp_path / "keys", "another")
    assert (tmp_path / "keys").read_bytes() == before


def test_absent_file_and_folder_say_so(tmp_path: Path) -> None:
    with pytest.raises(KeyHolderError, match="no keyring"):
        reopened(tmp_path / "keys")
    with pytest.raises(KeyHolderError):
        cheap_keyring(tmp_path / "absent" / "keys")


def test_file_is_private_alone_and_holds_no_key(tmp_path: Path) -> None:
    keyring = cheap_keyring(tmp_path / "keys")
    keyring.rotate()
    keyring.change_passphrase("new")
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o600
    assert {path.name for path in tmp_path.iterdir()} == {"keys", ".keys.lock"}
    assert "new" not in (tmp_path / "keys").read_text()


def test_changed_passphrase_opens_the_same_roots(tmp_path: Path) -> None:
    keyring = cheap_keyring(tmp_path / "keys")
    wrapped = keyring.wrap(KEY, purpose="a")
    keyring.change_passphrase(b"new")
    assert reopened(tmp_path / "keys", "new").unwrap(wrapped, purpose="a") == KEY
    with pytest.raises(WrongPassphraseError):
        reopened(tmp_path / "keys")


def test_every_altered_character_of_the_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    cheap_keyring(path)
    body = path.read_bytes()
    values = {"time", "memory_kib", "lanes", "salt", "sealed", "format"}
    for name in values:
        parsed = json.loads(body)
        part = parsed["argon2id"] if name in parsed["argon2id"] else parsed
        part[name] = part[name] + 1 if isinstance(part[name], int) else "AAAA" + part[name][4:]
        path.write_text(json.dumps(parsed))
        with pytest.raises(LaennecError):
            reopened(path)
    for size in range(0, len(body), 7):
        path.write_bytes(body[:size])
        with pytest.raises(FormatError):
            reopened(path)
    path.write_bytes(b"\xff\xfe" + body)
    with pytest.raises(FormatError):
        reopened(path)


def test_failed_change_leaves_the_keyring_as_it_was(tmp_path: Path) -> None:
    keyring = cheap_keyring(tmp_path / "keys")
    wrapped = keyring.wrap(KEY, purpose="a")
    (tmp_path / "keys").rename(tmp_path / "moved")
    with pytest.raises(KeyHolderError):
        keyring.rotate()
    with pytest.raises(KeyHolderError):
        keyring.forget()
    assert keyring.unwrap(wrapped, purpose="a") == KEY
    assert reopened(tmp_path / "moved").unwrap(wrapped, purpose="a") == KEY


def test_two_holders_of_one_file_see_each_others_roots(tmp_path: Path) -> None:
    one, two = cheap_keyring(tmp_path / "keys"), reopened(tmp_path / "keys")
    one.rotate()
    by_one = one.wrap(KEY, purpose="a")
    assert two.unwrap(by_one, purpose="a") == KEY
    two.rotate()
    one.rotate()
    for wrapped in (by_one, two.wrap(KEY, purpose="a"), one.wrap(KEY, purpose="a")):
        assert reopened(tmp_path / "keys").unwrap(wrapped, purpose="a") == KEY


def test_a_destroyed_keyring_is_told_from_a_lost_one(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    keys = cheap_keyring(path)
    keys.rotate()
    keys.destroy()
    assert json.loads(path.read_text()) == {
        "format": "laennec/destroyed-keyring/1",
        "destroyed_versions": [1, 2],
    }
    assert path.stat().st_mode & 0o777 == 0o600
    for passphrase in ("a passphrase", "another"):
        with pytest.raises(KeyDestroyedError, match="were destroyed"):
            reopened(path, passphrase)
    with pytest.raises(KeyDestroyedError):
        keys.change_passphrase("new")
    with pytest.raises(AlreadyExistsError):
        cheap_keyring(path)


def test_a_copy_of_the_file_is_what_destruction_does_not_reach(tmp_path: Path) -> None:
    """The documented limit, so that nobody promises more."""
    keys = cheap_keyring(tmp_path / "keys")
    wrapped = keys.wrap(KEY, purpose="a")
    (tmp_path / "copy").write_bytes((tmp_path / "keys").read_bytes())
    keys.destroy()
    assert reopened(tmp_path / "copy").unwrap(wrapped, purpose="a") == KEY


def test_a_destruction_that_cannot_be_written_destroys_nothing(tmp_path: Path) -> None:
    keys = cheap_keyring(tmp_path / "keys")
    wrapped = keys.wrap(KEY, purpose="a")
    (tmp_path / "keys").rename(tmp_path / "moved")
    with pytest.raises(KeyHolderError):
        keys.destroy()
    assert reopened(tmp_path / "moved").unwrap(wrapped, purpose="a") == KEY


def test_rotations_of_several_processes_lose_no_root(tmp_path: Path) -> None:
    cheap_keyring(tmp_path / "keys")
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from laennec.vault.passphrase import Argon2Cost, PassphraseKeyring\n"
        "cost = Argon2Cost(1, 64, 1)\n"
        "keys = PassphraseKeyring.open(Path(sys.argv[1]), 'a passphrase', insecure_cost=cost)\n"
        "for _ in range(5):\n"
        "    keys.rotate()\n"
        "    print(keys.wrap(bytes(32), purpose='a').hex())\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "keys")]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    outputs = [process.communicate()[0] for process in running]
    assert [process.returncode for process in running] == [0, 0, 0]
    keys = reopened(tmp_path / "keys")
    wrapped = [bytes.fromhex(line) for output in outputs for line in output.split()]
    assert len(wrapped) == 15
    assert all(keys.unwrap(one, purpose="a") == bytes(32) for one in wrapped)


@pytest.mark.parametrize("guess", [b"", bytes(32)])
def test_a_key_forged_under_a_root_that_does_not_exist_is_refused(
    tmp_path: Path, guess: bytes
) -> None:
    """A host may know what an absent root would stand for in careless code: nothing, or zeros."""
    version, nonce = (99).to_bytes(4, "big"), bytes(12)
    cipher = AESGCM(derive_key(guess, "laennec/root-wrap/1", "a"))
    bound = encode_parts("laennec/root-wrap/1", "a", version)
    forged = version + nonce + cipher.encrypt(nonce, KEY, bound)
    with pytest.raises(IntegrityError):
        cheap_keyring(tmp_path / "keys").unwrap(forged, purpose="a")
