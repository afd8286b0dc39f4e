"""What the hub remembers of its ledger never goes back, whatever order two commands end in."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from laennec.app.secrets import check_private
from laennec.app.seen import FILE_NAME, recall, remember
from laennec.core.clock import system_clock
from laennec.core.errors import KeyHolderError
from laennec.ledger.service import Ledger


def _ledger(folder: Path, entries: int) -> Ledger:
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    ledger = Ledger.create(folder, origin="hub.example/log", signing_key=key, clock=system_clock)
    for _ in range(entries):
        ledger.append("vault:store:sweep", public={"objects": 0, "bytes": 0})
    return ledger


def test_a_command_that_saw_less_and_ends_last_changes_nothing(tmp_path: Path) -> None:
    late, early = _ledger(tmp_path / "more", 3), _ledger(tmp_path / "less", 2)
    remember(tmp_path, late)
    remember(tmp_path, early)
    assert recall(tmp_path).checkpoint.size == 3


def test_what_is_remembered_is_for_its_owner_alone(tmp_path: Path) -> None:
    remember(tmp_path, _ledger(tmp_path / "log", 1))
    assert (tmp_path / FILE_NAME).stat().st_mode & 0o077 == 0


def test_keys_of_another_user_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o700)
    check_private(tmp_path)
    monkeypatch.setattr("os.geteuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(KeyHolderError):
        check_private(tmp_path)
