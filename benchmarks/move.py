"""A move against a bare copy of the same objects by obstore, in alternating runs; and ten kills.

    python benchmarks/move.py [--factor 60] [--rounds 3] [--parallel 8] [--route azure-s3|folder]
    python benchmarks/move.py --factor 520 --kill 10

Loads GiBleed so many times over at the first host, then times in turn, each into a fresh place:
bare (obstore alone: get and put, as many threads), copy (hash, create), and move (hash, create,
read back, hash). With ``--kill``, moves the hub from Azure Blob to S3 and back, each time in a
process that is killed that many times at random moments, while studies run on the hub without a
pause, and checks that their results are the same, that destination and source are identical, and
that nothing at the source changed. The servers share the machine's cores.
"""

import argparse
import hashlib
import os
import random
import secrets
import shutil
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

import obstore
from obstore.store import AzureStore, LocalStore, S3Store

from fakes.cli_shell import Cli, new_hub, packaged
from fakes.move_hub import opened, store_settings
from fakes.vault_keys import MemoryKeys
from laennec.app.stores import PARTS, WAREHOUSE, store_of
from laennec.core.errors import ConflictError
from laennec.core.settings import StoreSettings
from laennec.reversibility.move_model import Item, Limits, Part
from laennec.reversibility.move_transfer import transfer
from laennec.study.files import read_study
from laennec.vault.inventory import read_inventory
from parts.azurite import azurite
from parts.ceph import ceph
from parts.hosts import BUCKET, Host
from scaled import write_scaled_gibleed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--factor", type=int, default=60, help="times GiBleed")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--parallel", type=int, default=8)
    parser.add_argument("--kill", type=int, default=0)
    parser.add_argument("--route", choices=("azure-s3", "folder"), default="azure-s3")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as servers:
        hosts = _hosts(Path(folder), servers) if given.route == "azure-s3" else None
        hub = _hub(Path(folder), hosts, given.factor)
        if given.kill and hosts is not None:
            _kills(hub, Path(folder), hosts[1], given.kill)
            _kills(hub, Path(folder), hosts[0], given.kill)
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


def _hub(folder: Path, hosts: tuple[Host, Host] | None, factor: int) -> Cli:
    """Make a hub, bring it to a host, and load GiBleed so many times over."""
    hub = new_hub(folder)
    if hosts is not None:
        hub.ok("move", *_options(hosts[0], folder, "source"), quiet=True)
    write_scaled_gibleed(folder / "data", factor)
    hub.ok("load", "omop", str(folder / "data"), "--keep-repeated", quiet=True)
    shutil.rmtree(folder / "data")
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


def _kills(hub: Cli, folder: Path, host: Host, kills: int) -> None:
    """Move the hub to a host with so many kills on the way, and check what is at both ends."""
    source = store_settings(hub.folder)
    before = _digests(source)
    # A new prefix each time: the former place of the hub keeps its objects.
    options = _options(host, folder, secrets.token_hex(4))
    command = [sys.executable, "-c", _LAENNEC, "--hub", str(hub.folder), "move", *options]
    chance = random.Random(7)  # noqa: S311 - the same kills each time
    began = time.perf_counter()
    with _studying(hub, folder) as runs:
        for _ in range(kills):
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
            wait = 2.0 + chance.random() * 4.0
            try:
                process.wait(wait)
                break
            except subprocess.TimeoutExpired:
                os.kill(process.pid, signal.SIGKILL)
                process.wait()
            state = hub.ok("move", "--status").splitlines()[0]
            print(f"  killed after {wait:.1f} s: {state}", flush=True)
        subprocess.run(command, check=True)
    seconds = time.perf_counter() - began
    after, moved = _digests(source), _digests(store_settings(hub.folder))
    changed = [name for name in before if after.get(name) != before[name]]
    both = after.keys() & moved.keys()
    different = [name for name in both if after[name] != moved[name]]
    print(f"to {host.kind}: {len(moved)} objects in {seconds:.0f} s, kills and studies included")
    print(f"  {len(both)} objects at both ends, {len(different)} different; "
          f"{len(after.keys() - both)} only at the source (a study that lost to the switch), "
          f"{len(moved.keys() - both)} only at the destination (studies after it)")  # fmt: skip
    print(f"  {len(changed)} of {len(before)} objects of the source changed or gone")
    print(f"  {runs()} studies meanwhile, the same result each time", flush=True)
    assert not changed
    assert not different
    assert before.keys() <= moved.keys()


_LAENNEC = "from laennec.cli.main import run; run()"


@contextmanager
def _studying(hub: Cli, folder: Path) -> Iterator[Callable[[], int]]:
    """Run the study of the demo without a pause, in a thread, until the context ends."""
    study = read_study(packaged("celecoxib.toml", folder))
    over, found, failed = threading.Event(), list[int](), list[BaseException]()

    def work() -> None:
        while not over.is_set():
            try:
                with opened(hub.folder) as one:
                    runs = one.runs()
                    result = runs.result(runs.run(study).run)[2]
            except ConflictError:
                continue  # the hub moved under it: the next one runs at the new place
            except BaseException as error:  # noqa: BLE001 - told in the thread that waits
                failed.append(error)
                return
            found.append(hash(result.rows))

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield lambda: len(found)
    finally:
        over.set()
        thread.join()
    assert not failed, failed
    assert len(set(found)) == 1, "a result differed"


if __name__ == "__main__":
    main()
