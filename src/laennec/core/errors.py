"""Every failure a user can meet, in one hierarchy.

A message says what happened and what to do about it, and names settings, files, lines, tables and
states, never a value from a row. Each class has its own exit status for the command line and an
HTTP status for the web; ``docs/reference/errors.md`` is generated from this module. A traceback of
anything else is a bug in Laennec.
"""

from collections.abc import Iterator
from typing import ClassVar


class LaennecError(Exception):
    """Base of every expected failure."""

    exit_status: ClassVar[int] = 1
    http_status: ClassVar[int] = 500

    def __init__(self, happened: str, *, remedy: str) -> None:
        super().__init__(f"{happened} {remedy}")
        self.happened, self.remedy = happened, remedy


class SettingsError(LaennecError):
    """The configuration file is missing, malformed or has an unknown key."""

    exit_status, http_status = 10, 500


class SourceError(LaennecError):
    """An input file cannot be read as what it claims to be; nothing of it was loaded."""

    exit_status, http_status = 11, 422


class VocabularyError(LaennecError):
    """A vocabulary is missing, incomplete or contradicts itself."""

    exit_status, http_status = 12, 422


class StudyError(LaennecError):
    """A study is not well formed, or asks for something the warehouse does not have."""

    exit_status, http_status = 13, 422


class NotFoundError(LaennecError):
    """The named hub, snapshot, run or release does not exist."""

    exit_status, http_status = 14, 404


class AlreadyExistsError(LaennecError):
    """What was to be created exists already."""

    exit_status, http_status = 15, 409


class StoreError(LaennecError):
    """The object store or a local folder failed to read or write."""

    exit_status, http_status = 20, 503


class StoreFullError(StoreError):
    """No space is left where the sealed objects or scratch files go."""

    exit_status, http_status = 21, 507


class ConflictError(StoreError):
    """Another writer committed first; nothing of this change is visible."""

    exit_status, http_status = 22, 409


class KeyHolderError(LaennecError):
    """The key holder is absent or does not answer; without it nothing opens."""

    exit_status, http_status = 30, 503


class WrongPassphraseError(KeyHolderError):
    """The passphrase does not open the keyring."""

    exit_status, http_status = 31, 403


class KeyDestroyedError(KeyHolderError):
    """The root keys are gone from their holder: destroyed, or never made there."""

    exit_status, http_status = 32, 410


class IntegrityError(LaennecError):
    """Stored bytes are not the bytes that were sealed: altered, swapped, truncated or missing."""

    exit_status, http_status = 40, 500


class RollbackError(IntegrityError):
    """The host serves an older state than one already seen."""

    exit_status, http_status = 41, 500


class FormatError(IntegrityError):
    """A sealed format has a name or version that this program does not know."""

    exit_status, http_status = 42, 500


class LedgerError(LaennecError):
    """The ledger cannot be read or extended."""

    exit_status, http_status = 50, 500


class ProofError(LedgerError):
    """A checkpoint, signature, inclusion or consistency proof does not hold."""

    exit_status, http_status = 51, 422


class PolicyError(LaennecError):
    """The disclosure profile refuses this output, or does not know its kind."""

    exit_status, http_status = 60, 403


class EngineError(LaennecError):
    """A computation failed: out of its memory limit, or interrupted."""

    exit_status, http_status = 70, 500


def all_errors(base: type[LaennecError] = LaennecError) -> Iterator[type[LaennecError]]:
    """Yield ``base`` and every subclass, parents before children, in order of definition."""
    yield base
    for child in base.__subclasses__():
        yield from all_errors(child)
