"""What lies beside the tables of an export: manifest, sums, and the scripts that make the tables.

``manifest.json`` is written last, so a folder that has one is whole. It says where the tables come
from, what each file is, and which rules of the CDM the rows break. The format is described in
``docs/reference/export-format.md``; nothing in it is a value of a row, but counts of people can be
read from it, so it is for whoever may read the tables.
"""

import json
from collections.abc import Sequence
from typing import Any

from laennec import __version__
from laennec.omop.cdm import CURRENT
from laennec.omop.ddl import SQL_TYPES
from laennec.reversibility.export_model import Plan, WrittenFile, WrittenTable

FORMAT = "laennec-export/1"
NAME, SUMS, SCRIPTS = "manifest.json", "SHA256SUMS", "ddl/"


def sums(files: Sequence[WrittenFile]) -> str:
    """Return the list of hashes that ``sha256sum -c`` takes."""
    return "".join(f"{one.sha256}  {one.name}\n" for one in files)


def manifest(
    plan: Plan,
    tables: Sequence[WrittenTable],
    files: Sequence[WrittenFile],
    *,
    hub: str,
    warehouse: str,
    made_at: str,
) -> str:
    """Return the manifest as JSON text.

    Args:
        plan: What was to be written.
        tables: What was.
        files: Every file but the manifest and the sums.
        hub: Origin of the hub's ledger.
        warehouse: Id of the warehouse.
        made_at: RFC 3339, UTC.
    """
    snapshot = plan.view.snapshot
    value = {
        "format": FORMAT,
        "hub": hub,
        "warehouse": warehouse,
        "snapshot": snapshot.number,
        "snapshot_created_at": snapshot.created_at,
        "head_sha256": snapshot.digest,
        "cdm_version": CURRENT,
        "vocabulary_version": plan.view.vocabulary_version,
        "program_version": __version__,
        "made_at": made_at,
        "target_format": plan.form.value,
        "rows_quarantined": plan.rows_quarantined,
        "tables": [_table(one) for one in tables],
        "files": [{"name": one.name, "bytes": one.size, "sha256": one.sha256} for one in files],
    }
    return json.dumps(value, indent=1) + "\n"


def _table(written: WrittenTable) -> dict[str, Any]:
    sheet = written.sheet
    return {
        "table": sheet.name,
        "file": written.file,
        "rows": sheet.rows,
        "columns": [{"name": name, "type": SQL_TYPES[kind]} for name, kind in sheet.types.items()],
        "primary_key": sheet.key,
        "repeated_keys": written.repeated,
        "missing_required": dict(written.missing),
    }
