"""What every object store and every key holder must do; an adapter's test class inherits these."""

import base64
from concurrent.futures import ThreadPoolExecutor

import pytest

from fakes.vault_store import seeded
from laennec.core.errors import (
    ConflictError,
    IntegrityError,
    KeyDestroyedError,
    NotFoundError,
    StoreFullError,
)
from laennec.vault.ports import KeyHolder, ObjectStore

KEY = bytes(range(32))


class ObjectStoreContract:
    """Inherit, and define a fixture ``store``, which is empty."""

    def test_returns_what_was_created(self, store: ObjectStore) -> None:
        store.create("objects/ab/cd", b"body")
        assert store.get("objects/ab/cd") == b"body"

    def test_keeps_empty_and_large_bodies(self, store: ObjectStore) -> None:
        large = bytes(range(256)) * 50_000
        store.create("objects/a", b"")
        store.create("objects/b", large)
        assert (store.get("objects/a"), store.get("objects/b")) == (b"", large)

    def test_refuses_to_create_twice_and_keeps_the_first(self, store: ObjectStore) -> None:
        store.create("heads/0", b"first")
        with pytest.raises(ConflictError):
            store.create("heads/0", b"second")
        assert store.get("heads/0") == b"first"

    def test_lets_one_of_many_writers_win(self, store: ObjectStore) -> None:
        def attempt(number: int) -> bool:
            try:
                store.create("heads/1", b"%d" % number)
            except ConflictError:
                return False
            return True

        with ThreadPoolExecutor(8) as pool:
            outcomes = list(pool.map(attempt, range(16)))
        assert outcomes.count(True) == 1
        assert store.get("heads/1") == b"%d" % outcomes.index(True)

    def test_names_absent_objects(self, store: ObjectStore) -> None:
        with pytest.raises(NotFoundError, match="objects/absent"):
            store.get("objects/absent")

    def test_lists_by_prefix_in_order_with_sizes(self, store: ObjectStore) -> None:
        for name in ("objects/b/2", "objects/a/1", "heads/0", "objects/a/10"):
            store.create(name, name.encode())
        assert [(item.name, item.size) for item in store.list("objects/")] == [
            ("objects/a/1", 11),
            ("objects/a/10", 12),
            ("objects/b/2", 11),
        ]
        assert len(list(store.list())) == 4
        assert list(store.list("nothing/")) == []
        assert all(item.modified.tzinfo is not None for item in store.list())

    def test_deletes_and_does_not_mind_absent_objects(self, store: ObjectStore) -> None:
        store.create("objects/a", b"a")
        store.create("objects/b", b"b")
        store.delete(["objects/a", "objects/absent"])
        assert [item.name for item in store.list()] == ["objects/b"]
        store.create("objects/a", b"again")
        assert store.get("objects/a") == b"again"

    def test_tells_names_apart_that_begin_alike(self, store: ObjectStore) -> None:
        for name in ("heads-2/1", "heads/1", "heads/10", "headscarf"):
            store.create(name, name.encode())
        assert [one.name for one in store.list("heads/1")] == ["heads/1", "heads/10"]
        assert [one.name for one in store.list("heads/")] == ["heads/1", "heads/10"]
        assert [one.name for one in store.list("heads")] == [
            *("heads-2/1", "heads/1", "heads/10", "headscarf")
        ]
        with pytest.raises(NotFoundError):
            store.get("heads")

    def test_lists_more_than_a_page(self, store: ObjectStore) -> None:
        names = [f"objects/{number % 7}/{number:04}" for number in range(1050)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda name: store.create(name, b"x"), names))
        assert [one.name for one in store.list("objects/")] == sorted(names)
        store.delete(names[:1040])
        assert [one.name for one in store.list()] == sorted(names[1040:])

    def test_keeps_a_body_of_several_parts(self, store: ObjectStore) -> None:
        body = seeded(1).randbytes((19 << 20) + 7)
        store.create("objects/large", body)
        assert store.get("objects/large") == body
        with pytest.raises(ConflictError):
            store.create("objects/large", body[:-1])
        assert [one.size for one in store.list()] == [len(body)]

    def test_serves_many_readers_and_writers_at_once(self, store: ObjectStore) -> None:
        store.create("objects/shared", bytes(100_000))

        def work(number: int) -> bool:
            store.create(f"objects/{number}", b"%d" % number)
            return store.get("objects/shared") == bytes(100_000) and (
                store.get(f"objects/{number}") == b"%d" % number
            )

        with ThreadPoolExecutor(16) as pool:
            assert all(pool.map(work, range(64)))

    def test_takes_hints_about_anything(self, store: ObjectStore) -> None:
        store.create("objects/a", b"a")
        store.prefetch(["objects/a", "objects/absent", "heads/0"])
        assert store.get("objects/a") == b"a"


class FullStoreContract:
    """Inherit, and define a fixture ``full_store`` that has no room for a megabyte."""

    def test_says_that_it_is_full_and_shows_nothing(self, full_store: ObjectStore) -> None:
        before = list(full_store.list())
        with pytest.raises(StoreFullError):
            full_store.create("objects/large", bytes(1_000_000))
        assert list(full_store.list()) == before
        with pytest.raises(NotFoundError):
            full_store.get("objects/large")


class KeyHolderContract:
    """Inherit, and define the fixtures ``keys`` and ``other_keys``, which share nothing.

    Where a holder can be opened twice, define ``again`` as well: another instance of ``keys``, as
    another process would have it. By default it is the same one.
    """

    @pytest.fixture
    def again(self, keys: KeyHolder) -> KeyHolder:
        return keys

    def test_unwraps_what_it_wrapped(self, keys: KeyHolder) -> None:
        assert keys.unwrap(keys.wrap(KEY, purpose="a"), purpose="a") == KEY

    def test_never_wraps_the_same_twice_and_hides_the_key(self, keys: KeyHolder) -> None:
        one, two = keys.wrap(KEY, purpose="a"), keys.wrap(KEY, purpose="a")
        assert one != two
        assert KEY not in one

    def test_refuses_another_purpose(self, keys: KeyHolder) -> None:
        with pytest.raises(IntegrityError):
            keys.unwrap(keys.wrap(KEY, purpose="a"), purpose="b")

    def test_refuses_another_holders_key(self, keys: KeyHolder, other_keys: KeyHolder) -> None:
        with pytest.raises(IntegrityError):
            other_keys.unwrap(keys.wrap(KEY, purpose="a"), purpose="a")

    def test_refuses_every_altered_byte_and_length(self, keys: KeyHolder) -> None:
        wrapped = keys.wrap(KEY, purpose="a")
        for offset in range(len(wrapped)):
            altered = bytearray(wrapped)
            altered[offset] ^= 1
            with pytest.raises(IntegrityError):
                keys.unwrap(bytes(altered), purpose="a")
        for size in range(len(wrapped)):
            with pytest.raises(IntegrityError):
                keys.unwrap(wrapped[:size], purpose="a")

    def test_still_unwraps_after_rotation(self, keys: KeyHolder) -> None:
        before = keys.wrap(KEY, purpose="a")
        keys.rotate()
        after = keys.wrap(KEY, purpose="a")
        assert keys.unwrap(before, purpose="a") == keys.unwrap(after, purpose="a") == KEY

    def test_forgets_older_roots_for_ever(self, keys: KeyHolder) -> None:
        before = keys.wrap(KEY, purpose="a")
        keys.rotate()
        after = keys.wrap(KEY, purpose="a")
        keys.forget()
        with pytest.raises(IntegrityError):
            keys.unwrap(before, purpose="a")
        assert keys.unwrap(after, purpose="a") == KEY
        keys.rotate()
        assert keys.unwrap(after, purpose="a") == KEY

    def test_numbers_its_roots_and_forgets_all_but_the_newest(self, keys: KeyHolder) -> None:
        assert keys.versions() == (1,)
        keys.rotate()
        keys.rotate()
        assert keys.versions() == (1, 2, 3)
        keys.forget()
        assert keys.versions() == (3,)

    def test_opens_nothing_once_it_is_destroyed(self, keys: KeyHolder) -> None:
        before = keys.wrap(KEY, purpose="a")
        keys.rotate()
        after = keys.wrap(KEY, purpose="a")
        keys.destroy()
        assert keys.versions() == ()
        for wrapped in (before, after):
            with pytest.raises(KeyDestroyedError, match="destroyed"):
                keys.unwrap(wrapped, purpose="a")
        for change in (lambda: keys.wrap(KEY, purpose="a"), keys.rotate, keys.forget):
            with pytest.raises(KeyDestroyedError, match="destroyed"):
                change()
        assert keys.versions() == ()
        keys.destroy()

    def test_another_instance_follows(self, keys: KeyHolder, again: KeyHolder) -> None:
        first = again.wrap(KEY, purpose="a")
        keys.rotate()
        second = keys.wrap(KEY, purpose="a")
        assert again.unwrap(second, purpose="a") == keys.unwrap(first, purpose="a") == KEY
        again.rotate()
        third = again.wrap(KEY, purpose="a")
        keys.forget()
        for holder in (keys, again):
            assert holder.unwrap(third, purpose="a") == KEY
            for forgotten in (first, second):
                with pytest.raises(IntegrityError):
                    holder.unwrap(forgotten, purpose="a")
        keys.destroy()
        with pytest.raises(KeyDestroyedError):
            again.unwrap(third, purpose="a")
        with pytest.raises(KeyDestroyedError):
            again.wrap(KEY, purpose="a")
        assert again.versions() == ()

    def test_serves_several_threads_at_once(self, keys: KeyHolder) -> None:
        def around(number: int) -> bool:
            key, purpose = bytes([number]) * 32, f"purpose {number}"
            if number % 8 == 0:
                keys.rotate()
            return keys.unwrap(keys.wrap(key, purpose=purpose), purpose=purpose) == key

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(around, range(32)))

    def test_shows_no_key_in_texts_and_errors(self, keys: KeyHolder) -> None:
        wrapped = keys.wrap(KEY, purpose="a")
        with pytest.raises(IntegrityError) as refused:
            keys.unwrap(wrapped, purpose="b")
        keys.destroy()
        with pytest.raises(KeyDestroyedError) as gone:
            keys.unwrap(wrapped, purpose="a")
        texts = [repr(keys), str(keys), *(repr(one.value.args) for one in (refused, gone))]
        for shown in (KEY.hex(), repr(KEY)[2:-1], base64.b64encode(KEY).decode()):
            assert not any(shown in text for text in texts)
