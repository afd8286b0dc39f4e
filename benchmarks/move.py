"""A move against a bare copy of the same objects by obstore, in alternating runs; and ten kills.

    python benchmarks/move.py [--mb 256] [--rounds 3] [--parallel 8] [--route azure-s3|folder]
    python benchmarks/move.py --mb 2048 --kill 10

Builds a warehouse of that many sealed mebibytes at the first host, then times in turn, each into a
fresh place: bare (obstore alone: get and put, as many threads), copy (hash, create), and move
(hash, create, read back, hash, journal). With ``--kill``, moves it from Azure Blob to S3 in a
process that is killed that many times at random moments, while a study's reading goes on at the
source, and checks that destination and source are identical at the end.
"""

import argparse
import hashlib
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import numpy as np
import obstore
import polars as pl
from obstore.store import AzureStore, LocalStore, S3Store

from fakes.cli_shell import Cli, new_hub
from fakes.move_hub import opened, store_settings
from fakes.vault_keys import MemoryKeys
from laennec.app.stores import PARTS, WAREHOUSE, store_of
from laennec.core.settings import StoreSettings
from laennec.reversibility.move_model import Item, Limits, Part
from laennec.reversibility.move_transfer import transfer
from laennec.vault.inventory import read_inventory
from parts.azurite import azurite
from parts.ceph import ceph
from parts.hosts import BUCKET, Host

FILE_MB = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--mb", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--parallel", type=int, default=8)
    parser.add_argument("--kill", type=int, default=0)
    parser.add_argument("--route", choices=("azure-s3", "folder"), default="azure-s3")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as servers:
        hosts = _hosts(Path(folder), servers) if given.route == "azure-s3" else None
        hub = _hub(Path(folder), hosts, given.mb)
        if given.kill:
            _kills(hub, Path(folder), hosts, given.kill)
        else:
            _compare(hub, Path(folder), hosts, given)


def _hosts(folder: Path, servers: ExitStack) -> tuple[Host, Host]:
    for name in ("azurite", "ceph"):
        (folder / name).mkdir()
    return (
        servers.enter_context(azurite(folder / "azurite")),
        servers.enter_context(ceph(folder / "ceph")),
    )


def _options(host: Host, folder: Path, prefix: str) -> list[str]:
    account = ["--account", host.account] if host.account else []
    return [
        "--to",
        host.url(prefix),
        "--endpoint",
        host.endpoint,
        *account,
        "--insecure-http",
        "--credentials-file",
        str(host.credentials_file(folder)),
    ]


def _hub(folder: Path, hosts: tuple[Host, Host] | None, mb: int) -> Cli:
    """Make a hub whose warehouse has about so many sealed mebibytes, and bring it to a host."""
    hub = new_hub(folder)
    if hosts is not None:
        hub.ok("move", *_options(hosts[0], folder, "source"), quiet=True)
    noise = np.random.default_rng(7)
    with opened(hub.folder) as one:
        vault = one.warehouse.vault
        base = vault.snapshot()
        files = []
        for bucket in range(max(1, mb // FILE_MB)):
            rows = noise.integers(0, 2**63, FILE_MB << 17)
            frame = pl.DataFrame({"n": rows})
            files.append(vault.seal_frame(frame, table="measurement", bucket=bucket))
        vault.commit(base, base.manifest.replace(files=files))
    return hub


def _items(source: StoreSettings, hub: Cli) -> list[Item]:
    with opened(hub.folder) as one:
        keys = one.custody.warehouse_keys
        store = store_of(source, WAREHOUSE, cached=False)
        sizes = {item.name: item.size for item in store.list()}
        return [
            Item(WAREHOUSE, name, expected.sha256, sizes[name])
            for name, expected in read_inventory(store, keys).objects.items()
        ]


def _compare(
    hub: Cli, folder: Path, hosts: tuple[Host, Host] | None, given: argparse.Namespace
) -> None:
    source = store_settings(hub.folder)
    items = _items(source, hub)
    size = sum(item.size for item in items)
    print(f"{len(items)} objects, {size / 1e6:.0f} MB, {given.parallel} at once, {given.route}")
    rates: dict[str, list[float]] = {}
    for number in range(given.rounds):
        for name, run in (("bare", _bare), ("copy", _copy), ("move", _move)):
            target = _target(folder, hosts, f"{name}-{number}")
            began = time.perf_counter()
            run(source, target, items, given.parallel)
            rate = size / 1e6 / (time.perf_counter() - began)
            rates.setdefault(name, []).append(rate)
            print(f"  {name:5} {rate:7.1f} MB/s", flush=True)
            store_of(target, WAREHOUSE, cached=False).delete([item.name for item in items])
    bare = statistics.median(rates["bare"])
    for name, found in rates.items():
        print(f"{name:5} median {statistics.median(found):7.1f} MB/s, "
              f"{statistics.median(found) / bare:.2f} x bare")  # fmt: skip


def _target(folder: Path, hosts: tuple[Host, Host] | None, name: str) -> StoreSettings:
    if hosts is None:
        return StoreSettings(folder=folder / name)
    return hosts[1].settings(folder, prefix=name)


def _transfer(
    source: StoreSettings, target: StoreSettings, items: list[Item], parallel: int, *, back: bool
) -> None:
    part = Part(
        WAREHOUSE,
        store_of(source, WAREHOUSE, cached=False),
        store_of(target, WAREHOUSE, cached=False),
        keys=MemoryKeys(),  # a transfer opens nothing
    )
    transfer(
        {WAREHOUSE: part},
        items,
        limits=Limits(parallel, 512 << 20),
        done=lambda _: None,
        read_back=back,
    )


def _copy(source: StoreSettings, target: StoreSettings, items: list[Item], parallel: int) -> None:
    _transfer(source, target, items, parallel, back=False)


def _move(source: StoreSettings, target: StoreSettings, items: list[Item], parallel: int) -> None:
    _transfer(source, target, items, parallel, back=True)


def _bare(source: StoreSettings, target: StoreSettings, items: list[Item], parallel: int) -> None:
    """Copy by obstore alone: no hash, no condition, no flush."""
    one, other = _obstore(source), _obstore(target)

    def copy(item: Item) -> None:
        obstore.put(other, item.name, obstore.get(one, item.name).bytes())

    with ThreadPoolExecutor(parallel) as pool:
        list(pool.map(copy, items))


def _obstore(store: StoreSettings) -> AzureStore | LocalStore | S3Store:
    if store.url is None:
        return LocalStore(store.folder / WAREHOUSE, mkdir=True)
    prefix = f"{store.url.split('/', 3)[3]}/{WAREHOUSE}"
    lines = Path(str(store.credentials_file)).read_text().splitlines()
    keys = {key: one.strip('"') for key, one in (line.split(" = ") for line in lines)}
    if store.url.startswith("s3"):
        return S3Store(
            BUCKET,
            prefix=prefix,
            endpoint=store.endpoint,
            region="us-east-1",
            access_key_id=keys["access_key_id"],
            secret_access_key=keys["secret_access_key"],
            client_options={"allow_http": True},
        )
    return AzureStore(
        BUCKET,
        prefix=prefix,
        endpoint=store.endpoint,
        account_name=str(store.account),
        account_key=keys["account_key"],
        client_options={"allow_http": True},
    )


def _digests(store: StoreSettings) -> dict[str, str]:
    """Return the SHA-256 of every object of a store, one object in memory at a time."""
    found = {}
    for part in PARTS:
        opened_store = store_of(store, part, cached=False)
        for one in opened_store.list():
            found[f"{part}/{one.name}"] = hashlib.sha256(opened_store.get(one.name)).hexdigest()
    return found


def _kills(hub: Cli, folder: Path, hosts: tuple[Host, Host] | None, kills: int) -> None:
    source = store_settings(hub.folder)
    before = _digests(source)
    where = _options(hosts[1], folder, "target") if hosts else ["--to", str(folder / "target")]
    command = [sys.executable, "-c", "from laennec.cli.main import run; run()", "--hub",
               str(hub.folder), "move", *where]  # fmt: skip
    began, chance = time.perf_counter(), random.Random(7)  # noqa: S311 - the same kills each time
    with _reading(hub) as readings:
        for number in range(kills):
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
            wait = 2.0 + chance.random() * 2.0
            try:
                process.wait(wait)
                print(f"  run {number}: ended with {process.returncode} within {wait:.1f} s")
                break
            except subprocess.TimeoutExpired:
                os.kill(process.pid, signal.SIGKILL)
                process.wait()
            print(f"  killed after {wait:.1f} s: {hub.ok('move', '--status').strip()}", flush=True)
        subprocess.run(command, check=True)
    target = store_settings(hub.folder)
    moved = _digests(target)
    untouched = _digests(source) == before
    print(f"{len(moved)} objects in {time.perf_counter() - began:.0f} s, kills included")
    print(f"destination identical: {moved == before}; source untouched: {untouched}")
    print(f"{readings()} readings at the source meanwhile, all the same")
    assert moved == before
    assert untouched


@contextmanager
def _reading(hub: Cli) -> Iterator[Callable[[], int]]:
    """Read one table's bucket and compare, in a loop, until the context ends."""
    over, sums = threading.Event(), list[int]()

    def read() -> None:
        with opened(hub.folder) as one:
            view = one.warehouse.view()
            while not over.is_set():
                rows = view.read("measurement", 0, columns=["n"], where=None)
                sums.append(int(rows["n"].hash(seed=1).sum()))

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield lambda: len(sums)
    finally:
        over.set()
        thread.join()
    assert len(set(sums)) == 1, "a reading differed"


if __name__ == "__main__":
    main()
