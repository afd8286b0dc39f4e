"""The cache of unwrapped keys: the port's contract, and bounds in time and number."""

from datetime import timedelta

import pytest

from fakes.vault_contracts import KEY, KeyHolderContract
from fakes.vault_keys import MemoryKeys
from fakes.vault_store import FixedClock
from laennec.core.errors import IntegrityError, KeyDestroyedError
from laennec.vault.key_cache import CachedKeys


class Counted(MemoryKeys):
    """Counts how often it unwraps."""

    asked = 0

    def unwrap(self, wrapped: bytes, *, purpose: str) -> bytes:
        self.asked += 1
        return super().unwrap(wrapped, purpose=purpose)


class TestCachedKeys(KeyHolderContract):
    @pytest.fixture
    def keys(self) -> CachedKeys:
        return CachedKeys(MemoryKeys(), seconds=300, clock=FixedClock())

    @pytest.fixture
    def other_keys(self) -> CachedKeys:
        return CachedKeys(MemoryKeys(), seconds=300, clock=FixedClock())


def test_an_answer_is_kept_for_its_time_and_not_longer() -> None:
    holder, clock = Counted(), FixedClock()
    keys = CachedKeys(holder, seconds=300, clock=clock)
    wrapped = keys.wrap(KEY, purpose="a")
    for step, asked in ((0, 1), (299, 1), (1, 2), (299, 2), (-400, 3)):
        clock.now += timedelta(seconds=step)
        assert keys.unwrap(wrapped, purpose="a") == KEY
        assert holder.asked == asked


def test_no_time_keeps_nothing() -> None:
    holder = Counted()
    keys = CachedKeys(holder, seconds=0, clock=FixedClock())
    wrapped = keys.wrap(KEY, purpose="a")
    assert keys.unwrap(wrapped, purpose="a") == keys.unwrap(wrapped, purpose="a") == KEY
    assert holder.asked == 2


def test_the_number_is_bounded() -> None:
    holder = Counted()
    keys = CachedKeys(holder, seconds=300, clock=FixedClock(), max_keys=2)
    wrapped = [keys.wrap(KEY, purpose="a") for _ in range(3)]
    for one in (*wrapped, wrapped[2], wrapped[1]):
        keys.unwrap(one, purpose="a")
    assert holder.asked == 3
    keys.unwrap(wrapped[0], purpose="a")
    assert holder.asked == 4


def test_what_is_kept_for_one_purpose_is_not_given_for_another() -> None:
    keys = CachedKeys(MemoryKeys(), seconds=300, clock=FixedClock())
    wrapped = keys.wrap(KEY, purpose="a")
    keys.unwrap(wrapped, purpose="a")
    with pytest.raises(IntegrityError):
        keys.unwrap(wrapped, purpose="b")


def test_nothing_is_kept_after_a_change() -> None:
    holder = Counted()
    keys = CachedKeys(holder, seconds=300, clock=FixedClock())
    wrapped = keys.wrap(KEY, purpose="a")
    keys.unwrap(wrapped, purpose="a")
    keys.rotate()
    keys.unwrap(wrapped, purpose="a")
    assert holder.asked == 2
    keys.forget()
    with pytest.raises(IntegrityError):
        keys.unwrap(wrapped, purpose="a")
    keys.destroy()
    with pytest.raises(KeyDestroyedError):
        keys.unwrap(wrapped, purpose="a")


def test_an_answer_that_a_change_overtakes_is_not_kept() -> None:
    class Slow(MemoryKeys):
        """Another thread destroys the keys while this one is answered."""

        def unwrap(self, wrapped: bytes, *, purpose: str) -> bytes:
            answer = super().unwrap(wrapped, purpose=purpose)
            keys.destroy()
            return answer

    keys = CachedKeys(Slow(), seconds=300, clock=FixedClock())
    wrapped = keys.wrap(KEY, purpose="a")
    keys.unwrap(wrapped, purpose="a")
    with pytest.raises(KeyDestroyedError):
        keys.unwrap(wrapped, purpose="a")


def test_it_shows_no_key() -> None:
    keys = CachedKeys(MemoryKeys(), seconds=300, clock=FixedClock())
    keys.unwrap(keys.wrap(KEY, purpose="a"), purpose="a")
    assert KEY.hex() not in repr(keys)
