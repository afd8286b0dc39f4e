"""What a remote store is told by its host, and does not believe."""

from pathlib import Path

import pytest

from laennec.app.stores import WAREHOUSE, store_of
from laennec.core.errors import StoreError
from laennec.core.settings import StoreSettings
from laennec.vault.cloud import LARGEST_BYTES


def test_an_absurd_size_is_refused_before_anything_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    credentials = tmp_path / "credentials.toml"
    credentials.touch(mode=0o600)
    credentials.write_text('access_key_id = "a"\nsecret_access_key = "b"\n')
    settings = StoreSettings(
        url="s3://bucket",
        endpoint="http://127.0.0.1:9",
        insecure_http=True,
        credentials_file=credentials,
    )
    store = store_of(settings, WAREHOUSE, cached=False)
    monkeypatch.setattr(store, "_beginning", lambda name: (b"x", LARGEST_BYTES + 1))
    with pytest.raises(StoreError, match=r"says that objects/a has 1099511627777 bytes"):
        store.get("objects/a")
