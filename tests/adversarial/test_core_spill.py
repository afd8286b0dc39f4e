"""The engine is made to want to spill, by a budget of almost nothing: no row reaches the disk.

The spill folder is made by Polars when it spills and not before, so its presence tells. The first
test shows that this Polars does spill when nothing holds it back; should it fail, the second one
proves nothing any more.
"""

import os
import subprocess
import sys
from pathlib import Path

QUERIES = """
import polars as pl
rows = pl.DataFrame({"a": range(50_000)}).with_columns(b=pl.col("a").shuffle(1))
rows.lazy().sort("b").collect()
rows.lazy().group_by("b").agg(pl.col("a").sum()).collect(engine="in-memory")
rows.lazy().join(rows.lazy(), on="b").collect()
"""
GUARD = "from laennec.core.spill import forbid_spill; forbid_spill()\n"


def _spills(program: str, folder: Path) -> bool:
    spill = folder / "spill"
    tight = {
        "POLARS_OOC_SPILL_DIR": str(spill),
        "POLARS_OOC_MEMORY_BUDGET_FRACTION": "0.000000001",
        "POLARS_OOC_MEMORY_BUDGET_MB": "1",
        "POLARS_OOC_SPILL_MIN_BYTES": "1",
        "POLARS_OOC_DRIFT_THRESHOLD": "1",
    }
    subprocess.run([sys.executable, "-c", program], env=os.environ | tight, check=True, timeout=120)
    return spill.exists()


def test_polars_spills_unless_it_is_forbidden(tmp_path: Path) -> None:
    assert _spills(QUERIES, tmp_path)


def test_nothing_is_spilled_whatever_the_environment_says(tmp_path: Path) -> None:
    assert not _spills(GUARD + QUERIES, tmp_path)


CANARY = "1850212345678"
FAILING = f"""
import polars as pl
try:
    pl.DataFrame({{"a": ["{CANARY}x"]}}).lazy().select(pl.col("a").cast(pl.Int64)).collect()
except BaseException:
    pass
"""


def _printed(program: str) -> str:
    loud = {"POLARS_PANIC_ON_ERR": "1", "POLARS_VERBOSE": "1", "POLARS_VERBOSE_SENSITIVE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | loud,
        check=True,
        timeout=120,
        capture_output=True,
        text=True,
    )
    return done.stdout + done.stderr


def test_polars_writes_its_own_messages_unless_it_is_forbidden() -> None:
    assert "panicked" in _printed(FAILING)


def test_polars_writes_no_message_whatever_the_environment_says() -> None:
    printed = _printed(GUARD + FAILING)
    assert "panicked" not in printed
    assert CANARY not in printed
