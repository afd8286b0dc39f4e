"""Which files were loaded before, told by their SHA-256: a property of the snapshot.

A file is forgotten when its table is replaced, so that an older vocabulary can be loaded again.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from laennec.core.errors import FormatError
from laennec.vault.manifest import JsonValue, Manifest

PROPERTY = "sources"


@dataclass(frozen=True)
class LoadedFile:
    """A file that was loaded: into which table, by which snapshot."""

    table: str
    snapshot: int


def of(manifest: Manifest) -> Mapping[str, LoadedFile]:
    """Return the files whose rows a snapshot holds, by SHA-256 in hexadecimal.

    Raises:
        FormatError: the property is not one that this program knows.
    """
    known = manifest.properties.get(PROPERTY, {})
    if not isinstance(known, Mapping):
        raise _unknown()
    return {digest: _loaded(one) for digest, one in known.items()}


def _loaded(value: JsonValue) -> LoadedFile:
    match value:
        case {"table": str(table), "snapshot": int(snapshot)}:
            return LoadedFile(table, snapshot)
    raise _unknown()


def _unknown() -> FormatError:
    return FormatError("The list of loaded files is not known.", remedy="Use a newer Laennec.")


def as_property(files: Mapping[str, LoadedFile]) -> Mapping[str, JsonValue]:
    """Return the JSON form, kept in the sealed manifest."""
    return {digest: asdict(one) for digest, one in files.items()}
