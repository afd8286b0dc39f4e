"""Credentials of a remote store: from a private file or named variables, from nowhere else."""

from pathlib import Path

import pytest

from laennec.app.credentials import azure_credentials, s3_credentials
from laennec.app.stores import RESULTS, WAREHOUSE, store_of
from laennec.core.errors import SettingsError
from laennec.core.settings import StoreSettings
from laennec.vault.cloud import CloudStore
from laennec.vault.cloud_access import (
    AzureApplication,
    AzureKey,
    AzureSignature,
    Line,
    S3Bucket,
    S3Keys,
)

SECRET = "s3cr3t-value"
S3 = f'access_key_id = "me"\nsecret_access_key = "{SECRET}"\n'
APPLICATION = f'tenant_id = "t"\nclient_id = "c"\nclient_secret = "{SECRET}"\n'


def file(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "credentials.toml"
    path.touch(mode=mode)
    path.chmod(mode)
    path.write_text(text)
    return path


def test_files_of_each_kind(tmp_path: Path) -> None:
    assert s3_credentials(file(tmp_path, S3)) == S3Keys("me", SECRET)
    with_token = S3 + 'session_token = "t"\n'
    assert s3_credentials(file(tmp_path, with_token)) == S3Keys("me", SECRET, "t")
    for text, expected in (
        (f'account_key = "{SECRET}"', AzureKey(SECRET)),
        (f'sas_token = "{SECRET}"', AzureSignature(SECRET)),
        (APPLICATION, AzureApplication("t", "c", SECRET)),
    ):
        assert azure_credentials(file(tmp_path, text)) == expected


def test_variables_of_each_kind() -> None:
    variables = {"AWS_ACCESS_KEY_ID": "me", "AWS_SECRET_ACCESS_KEY": SECRET}
    assert s3_credentials(None, environment=variables) == S3Keys("me", SECRET)
    variables["AWS_SESSION_TOKEN"] = "t"
    assert s3_credentials(None, environment=variables) == S3Keys("me", SECRET, "t")
    key = {"AZURE_STORAGE_ACCOUNT_KEY": SECRET}
    assert azure_credentials(None, environment=key) == AzureKey(SECRET)
    signature = {"AZURE_STORAGE_SAS_TOKEN": SECRET}
    assert azure_credentials(None, environment=signature) == AzureSignature(SECRET)
    application = {"AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c", "AZURE_CLIENT_SECRET": SECRET}
    assert azure_credentials(None, environment=application) == AzureApplication("t", "c", SECRET)


@pytest.mark.parametrize(
    "text",
    [
        "",
        'access_key_id = "me"',
        S3 + f'secret_acces_key = "{SECRET}"',
        S3 + f'account_key = "{SECRET}"',
        f'access_key_id = 3\nsecret_access_key = "{SECRET}"',
        f'access_key_id = ""\nsecret_access_key = "{SECRET}"',
        f"access_key_id = {SECRET}",
        f'"{SECRET}',
        APPLICATION,
    ],
)
def test_a_wrong_file_is_refused_without_quoting_it(text: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="credentials file") as caught:
        s3_credentials(file(tmp_path, text))
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o602, 0o660])
def test_a_file_that_others_may_use_is_refused(mode: int, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="chmod 600"):
        s3_credentials(file(tmp_path, S3, mode))


def test_links_folders_and_absent_files_are_refused(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(file(tmp_path, S3))
    for path in (link, tmp_path, tmp_path / "absent"):
        with pytest.raises(SettingsError, match="credentials file"):
            s3_credentials(path)


def test_half_of_the_variables_is_nothing() -> None:
    with pytest.raises(SettingsError, match="AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"):
        s3_credentials(None, environment={"AWS_ACCESS_KEY_ID": "me"})
    with pytest.raises(SettingsError, match="AZURE_STORAGE_SAS_TOKEN"):
        azure_credentials(None, environment={"AZURE_CLIENT_ID": "me"})


def test_nothing_shows_a_secret() -> None:
    line = Line("https://s3.example.org")
    bucket = S3Bucket("b", "p", "r", line, S3Keys("me", SECRET, SECRET))
    shown = (bucket, bucket.client(), AzureKey(SECRET), AzureSignature(SECRET))
    assert not any(
        SECRET in f"{one!r} {one}" for one in (*shown, AzureApplication("t", "c", SECRET))
    )
    assert SECRET not in str(bucket.client().config)


def settings(tmp_path: Path, **given: object) -> StoreSettings:
    values = {"url": "s3://bucket/hub", "endpoint": "https://s3.example.org"}
    return StoreSettings.model_validate(
        {**values, "credentials_file": file(tmp_path, S3), "cache": tmp_path / "cache", **given}
    )


def test_parts_lie_apart_under_the_prefix(tmp_path: Path) -> None:
    for part in (WAREHOUSE, RESULTS):
        store = store_of(settings(tmp_path), part, cached=False)
        assert isinstance(store, CloudStore)
        assert store.place == f"s3://bucket/hub/{part}"


def test_without_copies_there_is_no_folder_of_them(tmp_path: Path) -> None:
    assert isinstance(store_of(settings(tmp_path, cache_mb=0), WAREHOUSE), CloudStore)
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"endpoint": "http://s3.example.org"}, "insecure_http"),
        ({"endpoint": None}, "store.region"),
        ({"url": "az://container"}, "store.account"),
        ({"ca_file": Path("/absent/ca.pem")}, "store.ca_file"),
        ({"url": "az://container", "account": "a"}, "credentials file"),
    ],
)
def test_what_is_missing_or_weak_is_named(
    given: dict[str, object], words: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match=words):
        store_of(settings(tmp_path, **given), WAREHOUSE)


def test_a_certificate_file_that_has_none_is_refused(tmp_path: Path) -> None:
    wrong = tmp_path / "ca.pem"
    wrong.write_text("-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----\n")
    with pytest.raises(SettingsError, match=r"store\.ca_file"):
        store_of(settings(tmp_path, ca_file=wrong), WAREHOUSE)
