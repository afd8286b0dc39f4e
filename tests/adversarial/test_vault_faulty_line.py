"""A line that fails between us and a real store: each failure is made good or named."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from laennec.app.stores import WAREHOUSE, store_of
from laennec.core.errors import ConflictError, NotFoundError, StoreError, StoreFullError
from laennec.vault.cloud_access import Patience
from laennec.vault.ports import ObjectStore
from parts.faulty_proxy import Failure, FaultyLine, faulty_line
from parts.hosts import Host

SOON = Patience(
    attempts=4, first_wait_s=0.01, longest_wait_s=0.02, connect_s=5, silence_s=1, request_s=10
)
PASSING = (Failure.BUSY, Failure.BUSY_AFTER, Failure.RESET, Failure.RESET_AFTER, Failure.SILENT)
NAME, BODY = "heads/00000000000000000001", b"sealed " * 1000
LARGE = bytes(range(256)) * (80 << 10)


@pytest.fixture(params=["moto_host", "azurite_host"])
def host(request: pytest.FixtureRequest) -> Host:
    found: Host = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def line(host: Host) -> Iterator[FaultyLine]:
    with faulty_line(host.endpoint) as line:
        yield line


@pytest.fixture
def stores(host: Host, line: FaultyLine, tmp_path: Path) -> tuple[ObjectStore, ObjectStore]:
    """The same place over the faulty line, and directly."""
    settings = host.at(line.endpoint).settings(tmp_path, prefix=tmp_path.name)
    direct = settings.model_copy(update={"endpoint": host.endpoint})
    return (
        store_of(settings, WAREHOUSE, cached=False, patience=SOON),
        store_of(direct, WAREHOUSE, cached=False),
    )


Stores = tuple[ObjectStore, ObjectStore]


@pytest.mark.parametrize("failure", PASSING)
@pytest.mark.parametrize("times", [1, 2])
def test_a_create_lands_once(
    failure: Failure, times: int, stores: Stores, line: FaultyLine
) -> None:
    faulty, direct = stores
    line.fails(failure, "PUT", times=times)
    faulty.create(NAME, BODY)
    assert line.struck == times
    assert direct.get(NAME) == BODY
    with pytest.raises(ConflictError):
        faulty.create(NAME, BODY)


@pytest.mark.parametrize("failure", PASSING)
def test_a_create_never_replaces_anothers(
    failure: Failure, stores: Stores, line: FaultyLine
) -> None:
    faulty, direct = stores
    direct.create(NAME, b"another's")
    line.fails(failure, "PUT", times=2)
    with pytest.raises(ConflictError):
        faulty.create(NAME, BODY)
    assert direct.get(NAME) == b"another's"


@pytest.mark.parametrize("failure", [Failure.BUSY_AFTER, Failure.RESET_AFTER])
def test_a_create_that_landed_at_the_last_attempt_stands(
    failure: Failure, stores: Stores, line: FaultyLine
) -> None:
    faulty, direct = stores
    line.fails(Failure.RESET, "PUT", times=SOON.attempts - 1)
    line.fails(failure, "PUT")
    faulty.create(NAME, BODY)
    assert direct.get(NAME) == BODY


def test_one_of_many_writers_on_a_bad_line_wins_and_knows_it(
    stores: Stores, line: FaultyLine
) -> None:
    faulty, direct = stores
    for failure in PASSING:
        line.fails(failure, "PUT", times=2)

    def attempt(number: int) -> bool:
        try:
            faulty.create(NAME, b"%d" % number)
        except ConflictError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(attempt, range(12)))
    assert won.count(True) == 1
    assert direct.get(NAME) == b"%d" % won.index(True)


@pytest.mark.parametrize("failure", [*PASSING, Failure.SHORT])
@pytest.mark.parametrize("body", [BODY, LARGE], ids=["small", "large"])
def test_a_read_is_right(failure: Failure, body: bytes, stores: Stores, line: FaultyLine) -> None:
    faulty, direct = stores
    direct.create("objects/a", body)
    line.fails(failure, "GET", times=2)
    assert faulty.get("objects/a") == body
    assert line.struck == 2


@pytest.mark.parametrize("failure", [*PASSING, Failure.SHORT])
def test_a_listing_is_whole(failure: Failure, stores: Stores, line: FaultyLine) -> None:
    faulty, direct = stores
    names = [f"objects/{number}" for number in range(5)]
    for name in names:
        direct.create(name, b"x")
    line.fails(failure, "GET")
    assert [one.name for one in faulty.list("objects/")] == names
    assert line.struck == 1


@pytest.mark.parametrize("failure", [Failure.BUSY, Failure.BUSY_AFTER, Failure.RESET_AFTER])
def test_an_upload_in_parts_is_whole(failure: Failure, stores: Stores, line: FaultyLine) -> None:
    faulty, direct = stores
    line.fails(failure, "PUT", times=2)
    faulty.create("objects/large", LARGE)
    assert direct.get("objects/large") == LARGE


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (Failure.BUSY, "overloaded"),
        (Failure.RESET_AFTER, "connection to .* broke"),
        (Failure.SILENT, "did not answer in time"),
        (Failure.SHORT, "broke|did not answer"),
    ],
)
def test_a_failure_that_lasts_is_named(
    failure: Failure, words: str, stores: Stores, line: FaultyLine
) -> None:
    faulty, direct = stores
    direct.create("objects/a", BODY)
    line.fails(failure, times=10_000)
    with pytest.raises(StoreError, match=words) as caught:
        faulty.get("objects/a")
    assert not isinstance(caught.value, NotFoundError | ConflictError)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    with pytest.raises(StoreError):
        list(faulty.list())


def test_a_full_store_is_named_and_shows_nothing(stores: Stores, line: FaultyLine) -> None:
    faulty, direct = stores
    line.fails(Failure.FULL, "PUT", times=10_000)
    with pytest.raises(StoreFullError):
        faulty.create(NAME, BODY)
    with pytest.raises(StoreFullError):
        faulty.create("objects/large", LARGE)
    assert list(direct.list()) == []
