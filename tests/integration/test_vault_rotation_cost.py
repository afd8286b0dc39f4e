"""Rotating the root key of a warehouse of 1,000 files: a handful of calls, no object rewritten."""

import uuid
from collections import Counter
from collections.abc import Callable, Mapping

import polars as pl
import pytest

from fakes.vault_keys import MemoryKeys
from fakes.vault_store import FixedClock, MemoryStore
from laennec.vault.manifest import Manifest
from laennec.vault.openbao import OpenBaoKeys
from laennec.vault.openbao_api import Api, Server, Token
from laennec.vault.ports import KeyHolder
from laennec.vault.service import Vault
from parts.openbao import OpenBao

FILES = 1_000
MOST_CALLS = 3


class CountedKeys:
    """Counts the calls to a key holder."""

    def __init__(self, holder: KeyHolder) -> None:
        self._holder = holder
        self.calls: Counter[str] = Counter()

    def wrap(self, key: bytes, *, purpose: str) -> bytes:
        self.calls["wrap"] += 1
        return self._holder.wrap(key, purpose=purpose)

    def unwrap(self, wrapped: bytes, *, purpose: str) -> bytes:
        self.calls["unwrap"] += 1
        return self._holder.unwrap(wrapped, purpose=purpose)

    def rotate(self) -> None:
        self.calls["rotate"] += 1
        self._holder.rotate()

    def forget(self) -> None:
        self.calls["forget"] += 1
        self._holder.forget()

    def destroy(self) -> None:
        self.calls["destroy"] += 1
        self._holder.destroy()

    def versions(self) -> tuple[int, ...]:
        self.calls["versions"] += 1
        return self._holder.versions()


@pytest.fixture
def openbao_keys(bao: OpenBao) -> OpenBaoKeys:
    api = Api(Server(bao.address, bao.ca_file), Token(lambda: bao.token), sleep=lambda _: None)
    return OpenBaoKeys.create(api, mount="transit", key=f"hub-{uuid.uuid4().hex[:12]}")


@pytest.fixture(params=["memory", "openbao"])
def keys(request: pytest.FixtureRequest) -> CountedKeys:
    if request.param == "memory":
        return CountedKeys(MemoryKeys())
    return CountedKeys(request.getfixturevalue("openbao_keys"))


def unchanged(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> bool:
    return all(after.get(name) == body for name, body in before.items())


@pytest.mark.parametrize(
    "change", [lambda vault: vault.rotate(), lambda vault: vault.shred(before=1)]
)
def test_a_thousand_files_cost_a_handful_of_calls(
    keys: CountedKeys, change: Callable[[Vault], object]
) -> None:
    store, clock = MemoryStore(), FixedClock()
    vault = Vault.create(store, keys, clock=clock)
    files = tuple(
        vault.seal_frame(pl.DataFrame({"n": [number]}), table="person", bucket=number)
        for number in range(FILES)
    )
    vault.commit(vault.snapshot(), Manifest(files))
    data = {file.object: store.get(file.object) for file in files}
    opened = Vault.open(store, keys, clock=clock)
    keys.calls.clear()
    change(opened)
    assert 2 <= keys.calls.total() <= MOST_CALLS, keys.calls
    assert unchanged(data, store.bodies)
    fresh = Vault.open(store, keys, clock=clock)
    manifest = fresh.snapshot().manifest
    assert [one.object for one in manifest.files] == list(data)
    assert not {one.wrapped_key for one in manifest.files} & {one.wrapped_key for one in files}
    for number in (0, FILES // 2, FILES - 1):
        assert fresh.read(manifest.files[number])["n"].to_list() == [number]
