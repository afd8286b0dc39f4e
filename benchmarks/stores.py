"""A whole study on one warehouse in three places: a local folder, and a remote store cold and warm.

The remote hub is the local one with its sealed objects copied to a real S3 or Azure Blob server on
this machine. *Cold* begins without any sealed copy on the hub's disk, *warm* with all of them, and
*no cache* reads everything from the server each time. A run is what `laennec study run` does, from
opening the keys to the committed result; kinds alternate, medians are compared. The server shares
the cores, and there is no network between: cold figures are those of a very near host.

    .venv/bin/python benchmarks/stores.py [--server ceph|moto|azurite] [--factor 100] [--repeats 5]

Exit status 1 when a warm run takes more than 1.2 x a local one.
"""

import argparse
import os
import platform
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from importlib.resources import as_file, files
from pathlib import Path

import obstore
import polars as pl

from laennec.app.create import create_hub
from laennec.app.hub import open_hub
from laennec.app.loads import load_omop
from laennec.app.stores import PARTS, store_of
from laennec.app.template import settings_text
from laennec.core.clock import system_clock
from laennec.core.progress import Quiet
from laennec.core.settings import FILE_NAME, read_settings
from laennec.omop.summarised_result import ResultRow
from laennec.study.files import read_study
from laennec.vault.passphrase import PassphraseFile
from scaled import write_scaled_gibleed

# The servers are those of the tests.
sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))

from parts.azurite import azurite
from parts.ceph import ceph
from parts.hosts import Host
from parts.moto import moto

GOAL = 1.2
LOCAL, WARM = "local folder", "warm"
SERVERS: dict[str, Callable[[Path], AbstractContextManager[Host]]] = {
    "azurite": azurite,
    "ceph": ceph,
    "moto": moto,
}


def make_local(folder: Path, factor: int) -> Path:
    """Make a hub in a folder with GiBleed ``factor`` times over."""
    hub, data, secret = folder / "local", folder / "data", folder / "passphrase"
    secret.touch(mode=0o600)
    secret.write_text("of a benchmark")
    write_scaled_gibleed(data, factor)
    text = settings_text(
        name="benchmark",
        origin="benchmark.invalid/log",
        passphrase_file=secret,
        passphrase_env=None,
    )
    create_hub(hub, text=text, passphrase=PassphraseFile(secret), clock=system_clock)
    with open_hub(hub, clock=system_clock, reporter=Quiet()) as opened:
        load_omop(opened, data, encoding="utf-8", keep_repeated=True)
    shutil.rmtree(data)
    return hub


def make_remote(folder: Path, local: Path, host: Host) -> Path:
    """Copy the hub, and its objects to the host."""
    remote = folder / "remote"
    shutil.copytree(local, remote, ignore=shutil.ignore_patterns("store"))
    place = host.settings(folder)
    lines = [f'{key} = "{getattr(place, key)}"' for key in _TEXTS if getattr(place, key)]
    text = (local / FILE_NAME).read_text()
    changed = text.replace('folder = "store"', "\n".join([*lines, "insecure_http = true"]))
    (remote / FILE_NAME).write_text(changed)
    for part in PARTS:
        source = store_of(read_settings(local).store, part)
        target = store_of(read_settings(remote).store, part, cached=False)
        for item in source.list():
            target.create(item.name, source.get(item.name))
    return remote


_TEXTS = ("url", "endpoint", "account", "credentials_file")


def run_study(hub: Path) -> tuple[float, tuple[ResultRow, ...]]:
    """Run the study of the demo; return seconds and the result's rows."""
    with as_file(files("laennec.app") / "data" / "celecoxib.toml") as file:
        study = read_study(file)
    began = time.perf_counter()
    with open_hub(hub, clock=system_clock, reporter=Quiet()) as opened:
        record = opened.runs().run(study)
        seconds = time.perf_counter() - began
        return seconds, opened.runs().result(record.run)[2].rows


def kinds(
    local: Path, remote: Path
) -> dict[str, Callable[[], tuple[float, tuple[ResultRow, ...]]]]:
    """Return what to measure, by name."""
    cache = read_settings(remote).store.cache
    uncached = remote.with_name("uncached")
    shutil.copytree(remote, uncached)
    file = uncached / FILE_NAME
    file.write_text(file.read_text().replace("insecure_http", "cache_mb = 0\ninsecure_http"))

    def cold() -> tuple[float, tuple[ResultRow, ...]]:
        shutil.rmtree(cache, ignore_errors=True)
        return run_study(remote)

    # Each warm run follows a cold one, which fills the cache.
    return {
        LOCAL: lambda: run_study(local),
        "cold": cold,
        WARM: lambda: run_study(remote),
        "no cache": lambda: run_study(uncached),
    }


def report(
    works: Mapping[str, Callable[[], tuple[float, tuple[ResultRow, ...]]]], repeats: int
) -> int:
    """Run everything in turn, print medians and ratios; return the exit status."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    truth = works[LOCAL]()[1]
    for _ in range(repeats):
        for name, work in works.items():
            took, rows = work()
            assert rows == truth, name
            seconds[name].append(took)
    median = {name: statistics.median(taken) for name, taken in seconds.items()}
    print(f"{'a whole study':16}{'median s':>10}{'min':>8}{'max':>8}{'ratio':>8}")
    for name, taken in seconds.items():
        ratio = median[name] / median[LOCAL]
        print(f"{name:16}{median[name]:10.2f}{min(taken):8.2f}{max(taken):8.2f}{ratio:8.2f}")
    return 0 if median[WARM] <= GOAL * median[LOCAL] else 1


def main() -> int:
    """Measure and print; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--server", choices=sorted(SERVERS), default="ceph")
    parser.add_argument("--factor", type=int, default=100, help="times GiBleed (2,694 persons)")
    parser.add_argument("--repeats", type=int, default=5)
    asked = parser.parse_args()
    print(
        f"Python {platform.python_version()}, obstore {obstore.__version__}, "
        f"polars {pl.__version__}, {os.cpu_count()} cores, {asked.server}, GiBleed x {asked.factor}"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "server").mkdir()
        local = make_local(folder, asked.factor)
        size = sum(one.stat().st_size for one in (local / "store").rglob("*") if one.is_file())
        print(f"{size / 1e6:.0f} MB sealed")
        with SERVERS[asked.server](folder / "server") as host:
            remote = make_remote(folder, local, host)
            return report(kinds(local, remote), asked.repeats)


if __name__ == "__main__":
    sys.exit(main())
