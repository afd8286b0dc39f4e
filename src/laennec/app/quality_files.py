"""Writing data quality results to files in clear, each logged before it appears.

The files hold counts of single rows and are for the steward. They are the owner's alone, appear
whole or not at all, and are no released output.
"""

import os
import secrets
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from laennec.app.hub import Hub
from laennec.core.errors import StoreError
from laennec.core.log import Message, say
from laennec.quality.dashboard import to_csv, to_json
from laennec.quality.page import render
from laennec.quality.service import QualityReport

RESULTS_WRITTEN = "quality:results:write"

FORMS: Mapping[str, Callable[..., str]] = {
    "html": render,
    "json": lambda report, language: to_json(report),  # noqa: ARG005
    "csv": lambda report, language: to_csv(report),  # noqa: ARG005
}
"""How results are written, by the name of the form."""


def write_quality(
    hub: Hub, report: QualityReport, files: Mapping[str, Path], *, language: str
) -> None:
    """Write results to files, in place of what is there.

    Args:
        hub: Whose ledger tells of it.
        report: What to write.
        files: Where, by form: ``html``, ``json``, ``csv``.
        language: Of the page.

    Raises:
        StoreError: a file cannot be written; those before it are there.
    """
    for form, path in files.items():
        body = FORMS[form](report, language=language).encode()
        hub.ledger.append(
            RESULTS_WRITTEN,
            public={"snapshot": report.snapshot, "target_format": form},
            # A bare hash would let a reader of the ledger find the counts by trying.
            private={"file": str(path).encode(), "results": body},
        )
        _write(path, body)
        say(Message.WRITTEN, snapshot=report.snapshot)


def _write(path: Path, body: bytes) -> None:
    """Write a file that is its owner's alone, whole or not at all."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        own = partial(os.open, mode=0o600)
        with open(beside, "xb", opener=own) as file:
            file.write(body)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise StoreError(
            f"{path} cannot be written ({error.strerror}).",
            remedy="Name a file in a folder that exists and that you may write to.",
        ) from None
