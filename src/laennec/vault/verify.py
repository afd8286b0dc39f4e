"""Verification: every object that the newest snapshot stands on is read and proved, or named.

Judges the store against one trusted state: the one a ``Vault`` holds open, or else the newest head
that the key holder opens. Everything hangs on that head by hash: records, earlier heads, files and
documents. An anchor from elsewhere (the ledger) is what shows that the head itself is not an old
one.

Cannot tell a leftover of an interrupted write from an object that the host added under a random
name: both are *unreferenced*, nothing reads them, and a sweep removes them.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from laennec.core.errors import IntegrityError, NotFoundError, RollbackError
from laennec.core.progress import Quiet, Reporter
from laennec.vault.head import digest_of, head_name
from laennec.vault.inventory import Expected, expected_of
from laennec.vault.manifest import Anchor
from laennec.vault.ports import KeyHolder, ObjectStore
from laennec.vault.state import (
    OpenedHead,
    State,
    complete,
    head_numbers,
    load_head,
)
from laennec.vault.sweep import is_vault_name


class FindingKind(StrEnum):
    """What is wrong with an object."""

    ALTERED = "altered"
    TRUNCATED = "truncated"
    SWAPPED = "swapped"
    MISSING = "missing"
    UNREFERENCED = "unreferenced"
    FOREIGN = "foreign"
    ROLLED_BACK = "rolled back"
    FORKED = "forked"


@dataclass(frozen=True)
class Finding:
    """One thing wrong.

    Attributes:
        kind: What.
        object: The object's name.
        detail: A sentence for the operator.
    """

    kind: FindingKind
    object: str
    detail: str


@dataclass(frozen=True)
class VerifyReport:
    """What was checked and found.

    Attributes:
        snapshot: Number of the snapshot everything was judged from; None when no head opens.
        objects: Objects read and compared.
        bytes: Their size.
        findings: In order of object name.
    """

    snapshot: int | None
    objects: int
    bytes: int
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """True when nothing is wrong, save unreferenced objects, which a sweep removes."""
        return all(finding.kind is FindingKind.UNREFERENCED for finding in self.findings)


def verify_store(
    store: ObjectStore,
    keys: KeyHolder,
    *,
    state: State | None = None,
    anchor: Anchor | None = None,
    seen: Iterable[Anchor] = (),
    progress: Reporter | None = None,
) -> VerifyReport:
    """Read everything and name whatever is not what was sealed.

    Args:
        store: The store to judge.
        keys: Opens the heads.
        state: The newest state held open, if any: then an older head cannot pass for the newest.
        anchor: The newest head seen elsewhere.
        seen: Other heads seen elsewhere; two of one number show a fork.
        progress: Shows the objects read.

    Raises:
        NotFoundError: the store holds no warehouse at all, and no ``state`` says it should.
        StoreError: the store failed; nothing can be said.
        KeyHolderError: the key holder failed; likewise.
    """
    check = _Check(store, keys)
    trusted = check.trusted_state(state)
    if trusted is None:
        return check.report(None)
    check.compare_head(trusted)
    for known in filter(None, (anchor, state.anchor if state else None, *seen)):
        check.hold_to(trusted, known)
    check.expect_everything(trusted)
    check.read_everything(progress or Quiet())
    return check.report(trusted.number)


class _Check:
    """Collects what is expected and what is found, over one listing of the store."""

    def __init__(self, store: ObjectStore, keys: KeyHolder) -> None:
        self._store, self._keys = store, keys
        self._listed = {item.name: item for item in store.list()}
        self._expected: dict[str, Expected] = {}
        self._findings: dict[str, Finding] = {}
        self._objects = self._bytes = 0

    def trusted_state(self, held: State | None) -> State | None:
        """Return the newest state that opens, noting the newer heads that do not."""
        numbers = [*reversed(head_numbers(self._store))]
        if not numbers and held is None:
            raise NotFoundError(
                "The store holds no warehouse.", remedy="Check the store's address."
            )
        broken: list[Finding] = []
        for number in numbers:
            if held is not None and number <= held.number:
                break
            opened = self._opened(number)
            if isinstance(opened, State):
                self._note(*broken)
                return opened
            broken.append(opened)
        # Below a head that opens, every root key still exists, so what does not open is broken.
        # When none opens, older ones may have been shredded: only the newest is surely broken.
        self._note(*(broken if held is not None else broken[:1]))
        return held

    def compare_head(self, trusted: State) -> None:
        """Note a head that opens in the place of the trusted one: two writers won, or a fork."""
        name = head_name(trusted.number)
        try:
            served = load_head(self._store, self._keys, trusted.number)
        except IntegrityError:
            return  # the trusted head is expected by hash; what is there is named when it is read
        if served.digest != trusted.digest:
            detail = "The store serves another head of this number than the one seen before."
            self._note(Finding(FindingKind.FORKED, name, detail))

    def hold_to(self, trusted: State, anchor: Anchor) -> None:
        """Note a store whose history does not contain ``anchor``."""
        try:
            trusted.check_contains(anchor)
        except RollbackError as error:
            older = anchor.number > trusted.number
            kind = FindingKind.ROLLED_BACK if older else FindingKind.FORKED
            self._note(Finding(kind, head_name(anchor.number), error.happened))

    def expect_everything(self, trusted: State) -> None:
        """Note the hash of every head, record, file and document under ``trusted``."""
        for past in trusted.past():
            # A record that does not open is expected by hash already, and named when it is read.
            with suppress(IntegrityError):
                for name, expected in expected_of(self._store, trusted, past):
                    self._expected[name] = expected

    def read_everything(self, progress: Reporter) -> None:
        """Read each expected object and compare it; name each object that nothing expects."""
        by_hash = {expected.sha256: name for name, expected in self._expected.items()}
        with progress.task("verify", total=len(self._expected)) as task:
            for name, expected in sorted(self._expected.items()):
                self._compare(name, expected, by_hash)
                task.advance(1)
        for name in self._listed.keys() - self._expected.keys() - self._findings.keys():
            self._note(_not_expected(name))

    def report(self, snapshot: int | None) -> VerifyReport:
        """Return what was found so far."""
        findings = sorted(self._findings.values(), key=lambda finding: finding.object)
        return VerifyReport(snapshot, self._objects, self._bytes, tuple(findings))

    def _compare(self, name: str, expected: Expected, by_hash: Mapping[str, str]) -> None:
        try:
            body = self._store.get(name)
        except NotFoundError:
            self._note(Finding(FindingKind.MISSING, name, "It is not in the store."))
            return
        self._objects, self._bytes = self._objects + 1, self._bytes + len(body)
        digest = digest_of(body)
        if digest == expected.sha256:
            return
        if digest in by_hash:
            detail = f"It holds the bytes of {by_hash[digest]}."
            self._note(Finding(FindingKind.SWAPPED, name, detail))
        elif expected.size is not None and len(body) < expected.size:
            detail = f"It has {len(body)} of {expected.size} bytes."
            self._note(Finding(FindingKind.TRUNCATED, name, detail))
        else:
            self._note(Finding(FindingKind.ALTERED, name, "Its hash is not the one recorded."))

    def _opened(self, number: int) -> State | Finding:
        """Return the state at a head, or what is wrong with it or with its record."""
        opened: OpenedHead | None = None
        try:
            opened = load_head(self._store, self._keys, number)
            return complete(self._store, opened)
        except IntegrityError as error:
            name = head_name(number) if opened is None else opened.head.record.object
            absent = opened is not None and name not in self._listed
            kind = FindingKind.MISSING if absent else FindingKind.ALTERED
            return Finding(kind, name, error.happened)

    def _note(self, *findings: Finding) -> None:
        """Keep the first finding about each object."""
        for finding in findings:
            self._findings.setdefault(finding.object, finding)


def _not_expected(name: str) -> Finding:
    if is_vault_name(name):
        detail = "No snapshot names it: an interrupted write, one under way, or added by the host."
        return Finding(FindingKind.UNREFERENCED, name, detail)
    return Finding(FindingKind.FOREIGN, name, "The vault makes no object of this name.")
