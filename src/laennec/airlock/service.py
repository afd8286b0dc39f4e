"""Releasing a run: what disclosure control lets through becomes files, each with an offline proof.

Order matters. The result is judged; the bytes to be released are made once, hashed and logged; only
then do they appear, all at once, in the folder of releases. So whatever lies there is in the
ledger, and a crash leaves at most a logged release that never appeared, which can be made again.

Does not yet ask two reviewers, and does not compare with earlier releases: the limits of this
version, stated in the documentation.
"""

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from laennec.core.errors import AlreadyExistsError, StoreError
from laennec.core.log import Message, say
from laennec.disclosure.check import Review, check
from laennec.disclosure.profiles import Profile
from laennec.ledger.proof import SUFFIX
from laennec.ledger.service import Ledger
from laennec.omop.summarised_parquet import rows_to_parquet, settings_to_parquet
from laennec.omop.summarised_result import SummarisedResult, to_csv
from laennec.runs.service import RunRecord

PUBLISHED = "airlock:release:publish"
"""Event of one released file."""

Companion = Callable[[Review], Mapping[str, bytes]]
"""Makes further files to release from the reviewed result, by name, such as a report."""


@dataclass(frozen=True)
class ReleasedFile:
    """One file that left.

    Attributes:
        path: Where it lies.
        sha256: Of its bytes.
        proof: Its ``.tlog-proof``.
        entry: Index of its entry in the ledger.
    """

    path: Path
    sha256: str
    proof: Path
    entry: int


@dataclass(frozen=True)
class Release:
    """What a release made.

    Attributes:
        folder: Where its files lie.
        files: The files; the result first.
        review: What was published and what was hidden, and why. The reasons stay in the hub.
    """

    folder: Path
    files: tuple[ReleasedFile, ...]
    review: Review


class Airlock:
    """Releases results by one disclosure profile."""

    def __init__(self, ledger: Ledger, *, profile: Profile, releases: Path) -> None:
        self._ledger, self._profile, self._releases = ledger, profile, releases

    def review(self, result: SummarisedResult) -> Review:
        """Judge a result without releasing it.

        Raises:
            PolicyError: the profile does not know this kind of output.
        """
        return check(result, self._profile)

    def release(
        self, record: RunRecord, result: SummarisedResult, *, companion: Companion | None = None
    ) -> Release:
        """Release what disclosure control lets through of a run.

        Raises:
            AlreadyExistsError: the run was released before.
            PolicyError: the profile does not know this kind of output; nothing is released.
            LedgerError: the release cannot be logged; nothing is released.
            StoreError: the folder of releases cannot be written.
        """
        with self._alone():
            folder = self._releases / record.run
            if folder.exists():
                raise AlreadyExistsError(
                    f"{record.run} was released before.", remedy=f"Its files are in {folder}."
                )
            release = self._release(folder, record, result, companion)
        say(
            Message.RELEASED,
            run=record.run,
            profile=self._profile.name,
            files=len(release.files),
            estimates=len(result.rows),
            hidden=len(release.review.findings),
        )
        return release

    def _release(
        self,
        folder: Path,
        record: RunRecord,
        result: SummarisedResult,
        companion: Companion | None,
    ) -> Release:
        review = self.review(result)
        contents = _result_files(record.study, review.published)
        contents |= dict(companion(review)) if companion else {}
        contents["release.json"] = self._manifest(record, contents)
        logged = {name: self._log(record, body) for name, body in contents.items()}
        self._write(folder, contents, {name: self._ledger.prove(n) for name, n in logged.items()})
        files = tuple(
            ReleasedFile(folder / name, _sha256(body), folder / (name + SUFFIX), logged[name])
            for name, body in contents.items()
        )
        return Release(folder, files, review)

    def _manifest(self, record: RunRecord, contents: Mapping[str, bytes]) -> bytes:
        facts = {
            "run": record.run,
            "study": record.study,
            "study_sha256": record.study_sha256,
            "snapshot": record.snapshot,
            "disclosure_profile": self._profile.name,
            "disclosure_profile_version": self._profile.version,
            "files": {name: _sha256(body) for name, body in contents.items()},
            "verifier_key": self._ledger.verifier_key,
        }
        return (json.dumps(facts, indent=2, sort_keys=True) + "\n").encode()

    def _log(self, record: RunRecord, body: bytes) -> int:
        receipt = self._ledger.append(
            PUBLISHED,
            public={
                "run": record.run,
                "study": record.study,
                "study_sha256": record.study_sha256,
                "snapshot": record.snapshot,
                "disclosure_profile": self._profile.name,
                "file_sha256": _sha256(body),
            },
        )
        return receipt.index

    def _write(
        self, folder: Path, contents: Mapping[str, bytes], proofs: Mapping[str, str]
    ) -> None:
        try:
            made = Path(tempfile.mkdtemp(prefix=".making-", dir=self._releases))
            try:
                for name, body in contents.items():
                    (made / name).write_bytes(body)
                    (made / (name + SUFFIX)).write_text(proofs[name], encoding="utf-8")
                made.chmod(0o755)
                made.rename(folder)
            finally:
                shutil.rmtree(made, ignore_errors=True)
        except OSError as error:
            raise _unwritable(error) from None

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the folder of releases, so that two releases of one run are not both logged."""
        try:
            self._releases.mkdir(parents=True, exist_ok=True)
            guard = os.open(self._releases / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise _unwritable(error) from None
        try:
            fcntl.flock(guard, fcntl.LOCK_EX)
            yield
        finally:
            os.close(guard)


def _result_files(study: str, published: SummarisedResult) -> dict[str, bytes]:
    """Return the result in each of its forms, by file name; all hold the same rows."""
    return {
        f"{study}.csv": to_csv(published).encode(),
        f"{study}.parquet": rows_to_parquet(published),
        f"{study}_settings.parquet": settings_to_parquet(published),
    }


def _unwritable(error: OSError) -> StoreError:
    return StoreError(
        f"The release cannot be written: {error.strerror}.",
        remedy="Check disclosure.releases and its rights, then release again.",
    )


def _sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
