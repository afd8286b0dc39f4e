"""What a snapshot says of the SNDS loads behind it: a property of the sealed manifest.

Which units were loaded, from which bytes; the numbers set aside so far; the secret from which
identifiers of persons are made, which is never changed, so that a person keeps his.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from laennec.core.errors import FormatError
from laennec.vault.manifest import JsonValue, Manifest

PROPERTY = "snds"
_FORMAT = 1


@dataclass(frozen=True)
class LoadedUnit:
    """A unit that was loaded.

    Attributes:
        digests: SHA-256 of each of its files, by name, in hexadecimal.
        snapshot: Number of the snapshot that brought it.
    """

    digests: Mapping[str, str]
    snapshot: int


@dataclass(frozen=True)
class SndsState:
    """What the SNDS loads of a hub came to.

    Attributes:
        units: By name; ``beneficiaries`` and ``drugs`` are the last files of these.
        next_ids: For each table of OMOP, the first number that was never set aside.
        person_key: Secret of the identifiers of persons, in hexadecimal.
    """

    units: Mapping[str, LoadedUnit]
    next_ids: Mapping[str, int]
    person_key: str = field(repr=False)

    def as_property(self) -> Mapping[str, JsonValue]:
        """Return the JSON form, kept in the sealed manifest."""
        return {
            "format": _FORMAT,
            "units": {
                name: {"digests": dict(one.digests), "snapshot": one.snapshot}
                for name, one in self.units.items()
            },
            "next_ids": dict(self.next_ids),
            "person_key": self.person_key,
        }


def state_of(manifest: Manifest) -> SndsState | None:
    """Return what a snapshot says, or None before the first load of the SNDS.

    Raises:
        FormatError: the property is not one that this program knows.
    """
    match manifest.properties.get(PROPERTY):
        case None:
            return None
        case {
            "format": 1,
            "units": Mapping() as units,
            "next_ids": Mapping() as next_ids,
            "person_key": str(person_key),
        }:
            known = {name: _unit(one) for name, one in units.items()}
            return SndsState(
                known, {name: _number(one) for name, one in next_ids.items()}, person_key
            )
    raise _unknown()


def _unit(value: JsonValue) -> LoadedUnit:
    match value:
        case {"digests": Mapping() as digests, "snapshot": int(snapshot)}:
            return LoadedUnit({name: str(one) for name, one in digests.items()}, snapshot)
    raise _unknown()


def _number(value: JsonValue) -> int:
    if isinstance(value, int):
        return value
    raise _unknown()


def _unknown() -> FormatError:
    return FormatError("The list of SNDS loads is not known.", remedy="Use a newer Laennec.")
