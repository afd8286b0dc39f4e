"""Unwrapped keys kept in memory for a bounded time, so that a key server is not asked twice.

In memory only, never on disk; at most so many and so long; dropped at every change of the root
keys made through this object. A change by another process is felt when the time is over. Under
which key something is kept is a hash, so that the table itself holds no wrapped key. Python cannot
wipe memory: a dropped key may stay in it until the memory is used for something else.
"""

import hashlib
import threading
from collections import OrderedDict
from datetime import datetime, timedelta

from laennec.core.clock import Clock
from laennec.vault.labels import encode_parts
from laennec.vault.ports import KeyHolder

MAX_KEYS = 1024
"""Most keys kept at once; the one that was kept first goes first."""


class CachedKeys:
    """A ``KeyHolder`` before another one, which answers the same question once in a while only."""

    def __init__(
        self, holder: KeyHolder, *, seconds: int, clock: Clock, max_keys: int = MAX_KEYS
    ) -> None:
        """Take the holder that is asked.

        Args:
            holder: Whom to ask.
            seconds: How long an answer is kept; 0 keeps none.
            clock: Tells the time; if it goes back, what was kept is dropped.
            max_keys: Most answers kept at once.
        """
        self._holder, self._clock, self._max_keys = holder, clock, max_keys
        self._lifetime = timedelta(seconds=seconds)
        self._guard = threading.Lock()
        self._kept: OrderedDict[bytes, tuple[datetime, bytes]] = OrderedDict()
        self._generation = 0

    def __repr__(self) -> str:
        return f"CachedKeys({self._holder!r})"

    def wrap(self, key: bytes, *, purpose: str) -> bytes:
        """Return ``key`` wrapped by the newest root; see ``KeyHolder.wrap``."""
        return self._holder.wrap(key, purpose=purpose)

    def unwrap(self, wrapped: bytes, *, purpose: str) -> bytes:
        """Return the key in ``wrapped``; see ``KeyHolder.unwrap``."""
        name = hashlib.sha256(encode_parts(wrapped, purpose)).digest()
        with self._guard:
            self._drop_old()
            kept = self._kept.get(name)
            if kept is not None:
                return kept[1]
            asked_in = self._generation
        key = self._holder.unwrap(wrapped, purpose=purpose)
        with self._guard:
            # An answer from before a change must not be kept after it.
            if self._lifetime and asked_in == self._generation:
                self._kept[name] = (self._clock(), key)
                while len(self._kept) > self._max_keys:
                    self._kept.popitem(last=False)
        return key

    def rotate(self) -> None:
        """Make a new root key; see ``KeyHolder.rotate``."""
        self._drop_all()
        self._holder.rotate()

    def forget(self) -> None:
        """Destroy all roots but the newest; see ``KeyHolder.forget``."""
        try:
            self._holder.forget()
        finally:
            self._drop_all()

    def destroy(self) -> None:
        """Destroy every root key; see ``KeyHolder.destroy``."""
        try:
            self._holder.destroy()
        finally:
            self._drop_all()

    def versions(self) -> tuple[int, ...]:
        """Return the versions that the holder has; see ``KeyHolder.versions``."""
        return self._holder.versions()

    def _drop_all(self) -> None:
        with self._guard:
            self._kept.clear()
            self._generation += 1

    def _drop_old(self) -> None:
        """Drop what is too old, or from a time that has not come yet."""
        now = self._clock()
        for name, (since, _) in list(self._kept.items()):
            if not timedelta(0) <= now - since < self._lifetime:
                del self._kept[name]
