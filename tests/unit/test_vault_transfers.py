"""The allowance of transfers: bounded bytes and requests, in order, without a deadlock."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laennec.vault.transfers import Transfers


@given(
    sizes=st.lists(st.integers(0, 30), max_size=40),
    parallel=st.integers(1, 4),
    max_bytes=st.integers(1, 20),
)
@settings(max_examples=50, deadline=None)
def test_never_more_than_allowed_save_one_alone(
    sizes: list[int], parallel: int, max_bytes: int
) -> None:
    transfers, lock = Transfers(parallel=parallel, max_bytes=max_bytes), threading.Lock()
    held: list[int] = []
    requests = most_requests = 0
    wrong: list[list[int]] = []

    def transfer(size: int) -> None:
        nonlocal requests, most_requests
        with transfers.holding(size):
            with lock:
                held.append(size)
                if sum(held) > max_bytes and len([one for one in held if one]) > 1:
                    wrong.append(list(held))
            with transfers.request():
                with lock:
                    requests += 1
                    most_requests = max(most_requests, requests)
                with lock:
                    requests -= 1
            with lock:
                held.remove(size)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(transfer, sizes))
    assert wrong == []
    assert most_requests <= parallel


def test_a_large_object_is_not_passed_over() -> None:
    """While it waits, a small one that would fit waits behind it."""
    transfers, order = Transfers(parallel=4, max_bytes=10), list[str]()
    large_waits, release = threading.Event(), threading.Event()

    def first() -> None:
        with transfers.holding(5):
            assert release.wait(30)

    def late(name: str, size: int) -> None:
        large_waits.set()
        with transfers.holding(size):
            order.append(name)

    one = threading.Thread(target=first)
    one.start()
    large = threading.Thread(target=late, args=("large", 10))
    large.start()
    assert large_waits.wait(30)
    while len(transfers._turns) < 1:
        threading.Event().wait(0.001)
    small = threading.Thread(target=late, args=("small", 1))
    small.start()
    release.set()
    for thread in (one, large, small):
        thread.join(30)
    assert order == ["large", "small"]


def test_a_failure_gives_back_what_was_held() -> None:
    transfers = Transfers(parallel=1, max_bytes=1)
    for _ in range(3):
        with pytest.raises(OSError, match="broken"), transfers.holding(1), transfers.request():
            raise OSError("broken")
    with transfers.holding(5), transfers.request():
        pass


@pytest.mark.parametrize("allowed", [(0, 1), (1, 0)])
def test_nothing_allowed_is_a_mistake(allowed: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="allowed"):
        Transfers(parallel=allowed[0], max_bytes=allowed[1])
