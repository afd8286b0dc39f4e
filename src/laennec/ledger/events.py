"""The registry of events: which may be logged, and what each may say in public.

This table is the gate that keeps personal data out of a log that is never erased. A public fact has
a declared key and a form that leaves no room for free text; whatever could tell something about a
person, counts of people and hashes of unreleased files included, is a *private* fact, of which the
log keeps a salted hash only. Unknown events, keys, labels and forms are refused.

Pure; no I/O. What this module does not do: it cannot recognise an identifier that a caller puts
where a name of a hub or a run belongs. The keys are chosen so that nothing of a person has a place.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from laennec.core.errors import LedgerError

MAX_COUNT = 2**53 - 1
"""The largest integer that every JSON reader keeps exact."""

_TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@/+-]{0,127}")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+()-]*(?: [A-Za-z0-9._:/+()-]+)*")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MAX_VERSION_CHARACTERS = 64

PublicFact = str | int


@dataclass(frozen=True)
class Form:
    """What a public fact may look like.

    Attributes:
        description: For the reader of an error and of the reference page.
        pattern: What a text must match in full, or None where no text is allowed.
        count: Whether an integer from 0 to ``MAX_COUNT`` is allowed.
        max_characters: Longest text.
    """

    description: str
    pattern: re.Pattern[str] | None = None
    count: bool = False
    max_characters: int = 128

    def accepts(self, value: object) -> bool:
        """Say whether ``value`` has this form; a bool is not a count."""
        if isinstance(value, str):
            fits = self.pattern is not None and self.pattern.fullmatch(value) is not None
            return fits and len(value) <= self.max_characters
        # An exact type: True is an int to Python and no count to anybody.
        return type(value) is int and self.count and 0 <= value <= MAX_COUNT


COUNT = Form("an integer from 0 to 2**53 - 1", count=True)
SHA256 = Form("64 lowercase hexadecimal digits", pattern=_SHA256)
TOKEN = Form("up to 128 letters, digits and . _ : @ / + -, without spaces", pattern=_TOKEN)
IDENTIFIER = Form("a count or a token", pattern=_TOKEN, count=True)
VERSION = Form(
    "up to 64 characters of a version name",
    pattern=_VERSION,
    max_characters=_MAX_VERSION_CHARACTERS,
)

FACTS: Mapping[str, Form] = MappingProxyType(
    {
        "buckets": COUNT,
        "bytes": COUNT,
        "bytes_per_second": COUNT,
        "certificate_sha256": SHA256,
        "concepts": COUNT,
        "disclosure_profile": TOKEN,
        "file_sha256": SHA256,
        "files": COUNT,
        "finished_at": TOKEN,
        "generation": COUNT,
        "head_sha256": SHA256,
        "hub": TOKEN,
        "inventory_sha256": SHA256,
        "key_holder": TOKEN,
        "keys": COUNT,
        "load": IDENTIFIER,
        "manifest_sha256": SHA256,
        "objects": COUNT,
        "parent_sha256": SHA256,
        "program_version": VERSION,
        "release": IDENTIFIER,
        "result_type": TOKEN,
        "rows_apart": COUNT,
        "rows_dropped": COUNT,
        "rows_kept": COUNT,
        "rows_quarantined": COUNT,
        "rows_read": COUNT,
        "rows": COUNT,
        "run": IDENTIFIER,
        "scope": TOKEN,
        "seconds": COUNT,
        "setting": TOKEN,
        "snapshot": IDENTIFIER,
        "source_format": TOKEN,
        "source_store": TOKEN,
        "started_at": TOKEN,
        "study": TOKEN,
        "study_sha256": SHA256,
        "tables": COUNT,
        "target_format": TOKEN,
        "target_store": TOKEN,
        "vocabulary_sha256": SHA256,
        "vocabulary_version": VERSION,
        "warehouse_key": TOKEN,
    }
)
"""Every public key and the form of its value; a key means the same in every event."""


@dataclass(frozen=True)
class EventType:
    """One kind of event.

    Attributes:
        name: ``source:subject:action``.
        says: What happened, in a sentence for the reference page.
        public: Keys of ``FACTS`` it may carry.
        private: Labels of the commitments it may carry.
        retired: Whether it may still be read but no longer be written.
    """

    name: str
    says: str
    public: frozenset[str] = frozenset()
    private: frozenset[str] = frozenset()
    retired: bool = False


def _event(name: str, says: str, *, public: str, private: str = "") -> EventType:
    """Build one row of the table; keys are separated by spaces."""
    return EventType(name, says, frozenset(public.split()), frozenset(private.split()))


EVENTS: Mapping[str, EventType] = MappingProxyType(
    {
        one.name: one
        for one in (
            _event(
                "airlock:release:publish",
                "Results left the hub after disclosure control.",
                public="disclosure_profile file_sha256 files manifest_sha256 release result_type"
                " run snapshot study study_sha256",
                private="requester result reviewers",
            ),
            _event(
                "hub:hub:create",
                "A hub was created, and with it this log.",
                public="buckets disclosure_profile hub key_holder program_version",
                private="operator",
            ),
            _event(
                "intake:load:finish",
                "A data set was loaded; its rows were kept, put in quarantine or dropped.",
                public="files load rows_dropped rows_kept rows_quarantined rows_read snapshot"
                " source_format tables",
                private="persons report source",
            ),
            _event(
                "intake:snds:load",
                "A delivery of the SNDS was loaded; its rows were kept, put in quarantine, dropped "
                "or set apart as nobody's.",
                public="files rows_apart rows_dropped rows_kept rows_quarantined rows_read"
                " snapshot",
                private="report source",
            ),
            _event(
                "intake:vocabulary:load",
                "A vocabulary was loaded.",
                public="concepts files snapshot tables vocabulary_sha256 vocabulary_version",
                private="source",
            ),
            _event(
                "quality:results:write",
                "Results of data quality checks were written to files in clear, for a steward; they"
                " hold counts of single rows.",
                public="snapshot target_format",
                private="file operator results",
            ),
            _event(
                "quality:run:finish",
                "The data quality of a snapshot was assessed; its counts are kept sealed.",
                public="buckets program_version rows snapshot",
                private="operator",
            ),
            _event(
                "settings:insecure:enable",
                "A setting that weakens protection was switched on.",
                public="setting",
                private="operator reason value",
            ),
            _event(
                "study:run:finish",
                "A study was computed; nothing has left the hub yet.",
                public="buckets program_version run snapshot study study_sha256",
                private="requester result",
            ),
            _event(
                "vault:export:begin",
                "The tables of a snapshot are about to be written in clear; what comes of it is"
                " in vault:warehouse:export, unless it failed or was killed.",
                public="head_sha256 rows rows_quarantined snapshot tables target_format",
                private="folder operator reason",
            ),
            _event(
                "vault:key:destroy",
                "Root keys were destroyed; what they opened is unreadable for ever, everywhere.",
                public="head_sha256 key_holder keys scope snapshot",
                private="operator reason",
            ),
            _event(
                "vault:key:rotate",
                "Keys were wrapped anew under another key; no data was rewritten.",
                public="generation key_holder keys warehouse_key",
                private="operator reason",
            ),
            _event(
                "vault:passphrase:change",
                "The keyrings were sealed under another passphrase; no key changed.",
                public="key_holder",
                private="operator reason",
            ),
            _event(
                "vault:snapshot:commit",
                "A snapshot became the newest state of the warehouse.",
                public="bytes generation head_sha256 manifest_sha256 objects parent_sha256"
                " snapshot",
                private="operator reason",
            ),
            _event(
                "vault:snapshot:shred",
                "The keys of a snapshot were destroyed; nobody can read it again.",
                public="head_sha256 keys objects snapshot",
                private="operator reason",
            ),
            _event(
                "vault:store:erase",
                "A store that the hub has moved away from was emptied.",
                public="bytes certificate_sha256 objects source_store",
                private="operator reason",
            ),
            _event(
                "vault:store:move",
                "The hub's sealed objects were moved to another store.",
                public="bytes bytes_per_second certificate_sha256 finished_at head_sha256"
                " inventory_sha256 key_holder objects seconds snapshot source_store started_at"
                " target_store",
                private="operator reason",
            ),
            _event(
                "vault:store:sweep",
                "Objects that no snapshot names were removed.",
                public="bytes objects",
                private="operator",
            ),
            _event(
                "vault:warehouse:export",
                "The tables of a snapshot were written in clear, for an operator to take along.",
                public="bytes files head_sha256 rows rows_quarantined snapshot tables"
                " target_format",
                private="folder manifest operator reason",
            ),
        )
    }
)
"""Every event by name. A name that is no longer used stays here, marked as retired."""


def check_event(
    name: str,
    *,
    public: Mapping[str, object],
    private: Iterable[str],
    registry: Mapping[str, EventType] = EVENTS,
) -> None:
    """Check that an event may be written as it stands.

    Args:
        name: Event name.
        public: Public facts.
        private: Labels of the private facts.
        registry: The table of events.

    Raises:
        LedgerError: the name is unknown or retired, a key or label is not declared for this event,
        or
            a value has another form than its key asks. The message names keys, never values.
    """
    event = registry.get(name)
    if event is None or event.retired:
        raise _refused(
            name if event else "an unregistered name", "is not an event that may be logged"
        )
    for key, value in public.items():
        if key not in event.public:
            raise _refused(name, "has a public fact that is not declared for it")
        if not FACTS[key].accepts(value):
            raise _refused(name, f"has a fact `{key}` that is not {FACTS[key].description}")
    if not set(private) <= event.private:
        raise _refused(name, "has a private fact that is not declared for it")


def _refused(name: str, reason: str) -> LedgerError:
    return LedgerError(
        f"The event {name} is refused: it {reason}.",
        remedy="Nothing was logged. The ledger format lists the events and what they may say.",
    )
