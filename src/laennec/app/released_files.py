"""Are the files in the folder of releases those that the ledger says left?

A file that nobody released, or that was changed since, is named. A logged release whose files are
gone is not: files may be moved on, and a crash may leave a logged release that never appeared.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from laennec.airlock.service import PUBLISHED
from laennec.core.errors import StoreError
from laennec.ledger.model import Entry
from laennec.ledger.proof import SUFFIX


@dataclass(frozen=True)
class ReleasesReport:
    """Outcome of a comparison.

    Attributes:
        files: Released files looked at; proofs are not counted.
        altered: Names of those, under the folder, that the ledger does not know as they are.
    """

    files: int
    altered: tuple[str, ...]


def compare_releases(folder: Path, entries: Iterable[Entry]) -> ReleasesReport:
    """Compare every file under ``folder`` with what the ledger says of its run.

    Raises:
        StoreError: the folder cannot be read.
    """
    logged = {
        (one.public.get("run"), one.public.get("file_sha256"))
        for one in entries
        if one.name == PUBLISHED
    }
    files, altered = 0, []
    try:
        for path in _released(folder):
            files += 1
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            if (path.parent.name, digest) not in logged:
                altered.append(str(path.relative_to(folder)))
    except OSError as error:
        raise StoreError(
            f"The folder of releases cannot be read: {error.strerror}.",
            remedy="Check disclosure.releases and its rights.",
        ) from None
    return ReleasesReport(files, tuple(altered))


def _released(folder: Path) -> Iterator[Path]:
    """Yield what lies in the folders of runs; a release in the making has a name with a dot."""
    runs = sorted(folder.iterdir()) if folder.exists() else []
    for run in runs:
        if not run.name.startswith("."):
            inside = sorted(run.rglob("*")) if run.is_dir() else [run]
            yield from (one for one in inside if one.is_file() and one.suffix != SUFFIX)
