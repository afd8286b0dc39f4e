"""Random histories of a vault against a model that only remembers which snapshot holds what."""

from datetime import timedelta

import polars as pl
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from fakes.vault_keys import MemoryKeys
from fakes.vault_store import FixedClock, HostileStore, MemoryStore
from laennec.vault.commit import GRACE
from laennec.vault.manifest import Anchor, SealedFile
from laennec.vault.service import Vault


class Histories(RuleBasedStateMachine):
    """Commits, rotations, sweeps, shreds and reopenings, in any order."""

    @initialize()
    def create(self) -> None:
        self.clock, self.keys = FixedClock(), MemoryKeys()
        self.store = HostileStore(MemoryStore(clock=self.clock))
        self.vault = Vault.create(self.store, self.keys, clock=self.clock)
        self.readable: dict[int, list[int]] = {0: []}
        self.sealed: list[tuple[SealedFile, int]] = []

    @property
    def newest(self) -> int:
        return max(self.readable)

    @rule(value=st.integers(0, 9))
    def seal(self, value: int) -> None:
        frame = pl.DataFrame({"value": [value]})
        self.sealed.append((self.vault.seal_frame(frame, table="t", bucket=None), value))

    @rule(keep_old=st.booleans())
    def commit(self, *, keep_old: bool) -> None:
        base = self.vault.snapshot()
        old = base.manifest.files if keep_old else ()
        values = self.readable[self.newest] if keep_old else []
        files = [*old, *(file for file, _ in self.sealed)]
        self.vault.commit(base, base.manifest.replace(files=files))
        self.readable[base.number + 1] = [*values, *(value for _, value in self.sealed)]
        self.sealed = []

    @rule()
    def rotate(self) -> None:
        self.vault.rotate()
        self.readable[self.newest + 1] = self.readable[self.newest]

    @precondition(lambda self: not self.sealed)
    @rule(back=st.integers(0, 3))
    def shred(self, back: int) -> None:
        before = max(1, self.newest + 1 - back)
        values = self.readable[self.newest]
        self.vault.shred(before=before)
        new = self.newest + 1
        self.readable = {n: held for n, held in self.readable.items() if n >= before}
        self.readable[new] = values

    @rule(keep=st.none() | st.integers(1, 4))
    def sweep(self, keep: int | None) -> None:
        report = self.vault.sweep(keep=keep)
        if keep is not None and len(self.readable) > keep:
            self.readable[self.newest + 1] = self.readable[self.newest]
            forgotten = sorted(self.readable)[:-keep]
            assert report.forgotten == tuple(forgotten)
            self.readable = {n: v for n, v in self.readable.items() if n not in forgotten}

    @precondition(lambda self: not self.sealed)
    @rule()
    def sweep_everything_loose(self) -> None:
        self.clock.now += GRACE + timedelta(seconds=1)
        self.vault.sweep()
        assert self.vault.verify().findings == ()

    @rule(padded=st.booleans())
    def reopen(self, *, padded: bool) -> None:
        head = self.vault.snapshot()
        anchor = Anchor(head.number, head.digest)
        self.vault = Vault.open(
            self.store, self.keys, clock=self.clock, anchor=anchor, padded=padded
        )

    @invariant()
    def every_readable_snapshot_reads(self) -> None:
        history = self.vault.history()
        assert [head.number for head in history if head.readable] == sorted(self.readable)
        for number, values in self.readable.items():
            files = self.vault.snapshot(number).manifest.files
            assert len(files) == len(values)
            if files:
                assert self.vault.read(files)["value"].to_list() == values
        assert self.vault.verify().ok


Histories.TestCase.settings = settings(max_examples=25, stateful_step_count=15, deadline=None)
TestHistories = Histories.TestCase
