"""Copying objects between stores: each is hashed before it is sent and read back after it.

The source may serve altered bytes: they are compared with the hash that the history records, and
nothing wrong is sent. The destination may lie about having stored them: they are read back from it
and compared. Reading back goes on beside the copying of other objects, not after it.

Does not retry (the stores' adapters do) and does not open anything.
"""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace

from laennec.core.errors import ConflictError, IntegrityError, NotFoundError
from laennec.reversibility.move_model import Item, Limits, Part
from laennec.vault.head import digest_of
from laennec.vault.ports import ObjectStore

_COPIES = 2
"""Times an object is in memory: as sent, and as read back."""


@dataclass(frozen=True)
class Outcome:
    """What became of one object.

    Attributes:
        item: With its true size once it is there.
        there: Whether it is at the destination; else the source has it no more.
    """

    item: Item
    there: bool


def transfer(
    parts: Mapping[str, Part],
    items: Iterable[Item],
    *,
    limits: Limits,
    done: Callable[[list[Outcome]], None],
    read_back: bool = True,
) -> None:
    """Copy objects, several at once, in about the order given.

    Args:
        parts: The vaults by name.
        items: What to copy.
        limits: How much at once.
        done: Told of finished objects in this thread, a few at a time; also before an error is
            raised, so that what is there is known.
        read_back: Whether the destination has to serve each object; only a measurement goes
            without.

    Raises:
        IntegrityError: an object at the source or at the destination is not the one recorded.
        StoreFullError, StoreError: a store failed.
    """
    under_way: dict[Future[Outcome], int] = {}
    pool = ThreadPoolExecutor(limits.parallel, thread_name_prefix="move")
    try:
        for item in items:
            weight = item.size * _COPIES
            while under_way and (
                len(under_way) >= limits.parallel
                or sum(under_way.values()) + weight > limits.memory_bytes
            ):
                _collect(under_way, done)
            part = parts[item.part]
            under_way[pool.submit(_copy, part, item, read_back=read_back)] = weight
        while under_way:
            _collect(under_way, done)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _collect(under_way: dict[Future[Outcome], int], done: Callable[[list[Outcome]], None]) -> None:
    """Wait for one object at least; on a failure, for all of them."""
    ended = wait(under_way, return_when=FIRST_COMPLETED).done
    if any(one.exception() for one in ended):
        ended = wait(under_way).done
    for one in ended:
        del under_way[one]
    done([one.result() for one in ended if one.exception() is None])
    for one in ended:
        one.result()


def _copy(part: Part, item: Item, *, read_back: bool) -> Outcome:
    try:
        body = part.source.get(item.name)
    except NotFoundError:
        return Outcome(item, there=False)
    if digest_of(body) != item.sha256:
        raise IntegrityError(
            f"{part.name}: {item.name} at the source is not the object that was sealed.",
            remedy="Run `laennec verify`, restore it from a copy, and run the move again; nothing "
            "wrong was copied.",
        )
    try:
        part.target.create(item.name, body)
    except ConflictError:
        check_there(part.name, part.target, item)
    else:
        if read_back:
            _check_served(part, item, body)
    return Outcome(replace(item, size=len(body)), there=True)


def _check_served(part: Part, item: Item, body: bytes) -> None:
    """Raise unless the destination serves what it has just taken; compared, which beats hashing.

    Raises:
        IntegrityError: it serves another object, or none.
    """
    try:
        held = part.target.get(item.name)
    except NotFoundError:
        raise _not_served(part.name, item, "took and does not serve") from None
    if held != body:
        raise _not_served(part.name, item, "serves other bytes as")


def check_there(part: str, target: ObjectStore, item: Item) -> None:
    """Raise unless the destination serves an object as it is recorded.

    Raises:
        IntegrityError: it serves another one, or none.
    """
    try:
        held = digest_of(target.get(item.name))
    except NotFoundError:
        raise _not_served(part, item, "took and does not serve") from None
    if held != item.sha256:
        raise _not_served(part, item, "serves other bytes as")


def _not_served(part: str, item: Item, state: str) -> IntegrityError:
    return IntegrityError(
        f"The destination {state} {item.name} of {part}.",
        remedy="The hub stays where it is. Choose a destination that is empty and keeps what it is "
        "given, or delete this object there, and run the move again.",
    )
