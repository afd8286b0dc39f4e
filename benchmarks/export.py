"""Export a warehouse in each form, at one size and at four times as many rows.

Each export is a process of its own, so that its peak memory is its own. What is asked is that the
peak stays flat: memory is bounded by one file of the warehouse, whatever the number of rows. DuckDB
also keeps what it wrote in memory, up to its limit, which is allowed on top.

    python benchmarks/export.py [--rows 10000000]
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from laennec.core.clock import system_clock
from laennec.core.progress import Quiet
from laennec.intake import service as intake
from laennec.ledger.service import Ledger
from laennec.reversibility.export import Exporter, Options
from laennec.reversibility.export_model import Form
from laennec.vault.local import LocalStore
from laennec.vault.passphrase import PassphraseKeyring
from laennec.vault.service import Vault
from laennec.warehouse.service import Warehouse
from load import join_pieces, make_data

GROWTH = 1.25
_FILL = "fill"
_LOADING, _EXPORTING = 1 << 30, 256 << 20
_PASSPHRASE = b"the benchmark holds nobody's data"


def fill(folder: Path, rows: int) -> None:
    """Make a warehouse with this many conditions."""
    data = folder / "data"
    data.mkdir()
    make_data(data, rows, form="parquet", ascending=False)
    join_pieces(data)
    keys = PassphraseKeyring.create(folder / "keys.json", _PASSPHRASE)
    vault = Vault.create(LocalStore(folder / "store"), keys, clock=system_clock)
    ledger = new_ledger(folder / "ledger")
    options = intake.Options(folder / "scratch", memory_bytes=_LOADING, workers=os.cpu_count() or 1)
    intake.Intake(vault, ledger, reporter=Quiet(), options=options).load_omop(data)


def new_ledger(folder: Path) -> Ledger:
    """Make a ledger."""
    key = Ed25519PrivateKey.generate()
    return Ledger.create(folder, origin="benchmark/export", signing_key=key, clock=system_clock)


def export(folder: Path, form: Form) -> None:
    """Export, and print wall seconds, bytes and peak MB."""
    keys = PassphraseKeyring.open(folder / "keys.json", _PASSPHRASE)
    vault = Vault.open(LocalStore(folder / "store"), keys, clock=system_clock)
    with tempfile.TemporaryDirectory(prefix="laennec-bench-ledger-") as other:
        options = Options(
            "benchmark/export", folder / "scratch", _EXPORTING, os.cpu_count() or 1, ()
        )
        exporter = Exporter(
            Warehouse(vault),
            new_ledger(Path(other) / "ledger"),
            clock=system_clock,
            reporter=Quiet(),
            options=options,
        )
        began = time.perf_counter()
        report = exporter.write(exporter.plan(folder / form.value, form=form))
        took = time.perf_counter() - began
    print(took, report.size, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def itself(*arguments: object) -> str:
    """Run this file with other arguments; return what it prints."""
    command = [sys.executable, __file__, *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def measure(rows: int) -> dict[Form, float]:
    """Print one line for each form; return the peaks in MB."""
    peaks = {}
    with tempfile.TemporaryDirectory(prefix="laennec-bench-export-") as name:
        # A process begins with the peak of the one that made it: this one has to stay small.
        itself("--side", _FILL, "--rows", rows, "--folder", name)
        for form in Form:
            said = itself("--side", form.value, "--folder", name)
            seconds, size, peaks[form] = map(float, said.split())
            print(
                f"{form.value:>8}{rows:>13,}{size / 1e6:>9,.0f}{seconds:>8.1f}"
                f"{rows / seconds:>12,.0f}{peaks[form]:>9,.0f}",
                flush=True,
            )
    return peaks


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000_000, help="of the larger size")
    parser.add_argument("--side", choices=[_FILL, *Form], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.side == _FILL:
        fill(asked.folder, asked.rows)
        return 0
    if asked.side:
        export(asked.folder, Form(asked.side))
        return 0
    print(f"{'form':>8}{'rows':>13}{'MB out':>9}{'s':>8}{'rows/s':>12}{'peak MB':>9}")
    small, large = measure(asked.rows // 4), measure(asked.rows)
    extra = {Form.DUCKDB: _EXPORTING / 1e6}
    flat = all(large[one] <= GROWTH * small[Form.PARQUET] + extra.get(one, 0) for one in Form)
    print(
        f"goal: peak at 4 x the rows at most {GROWTH} x, and DuckDB's limit of "
        f"{extra[Form.DUCKDB]:.0f} MB: {'reached' if flat else 'NOT reached'}"
    )
    return 0 if flat else 1


if __name__ == "__main__":
    sys.exit(main())
