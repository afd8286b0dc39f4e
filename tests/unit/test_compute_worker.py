"""How answers of Spark's tasks add up, on an executor and on the driver."""

import pickle

from laennec.compute.worker import Answers


def test_an_executor_collects_and_the_driver_hands_on() -> None:
    seen: list[tuple[int, object]] = []
    driver = Answers(seen.append)
    executor = pickle.loads(pickle.dumps(driver))  # noqa: S301
    held = executor.addInPlace(executor.addInPlace(executor.zero([]), [(1, "a")]), [(0, "b")])
    assert held == [(1, "a"), (0, "b")]
    assert seen == []
    assert driver.addInPlace([], held) == []
    assert seen == held
