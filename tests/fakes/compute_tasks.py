"""Tasks, places and progress for the tests of runs in other processes; all can be pickled."""

import os
import pickle
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

from fakes.frame_source import FrameSource
from laennec.compute.executor import Item, Result
from laennec.runs.plan import plan_study
from laennec.runs.remote import BucketTask, RunKey
from laennec.study.model import Study
from laennec.study.reference_history import Concepts, Rows

TEST_KEY = RunKey(bytes(range(32)), bytes(range(32)).hex())
"""A run's key that is "wrapped" by writing it out."""

SECRET = "SECRET-4711"


@dataclass(frozen=True, eq=False)
class FramePlace:
    """Rows in memory, cut into ``count`` buckets, wherever they were carried to."""

    rows: Rows
    count: int = 1

    def source(self, *, tables: Sequence[str], buckets: Sequence[int]) -> FrameSource:
        return FrameSource(self.rows, count=self.count)

    def unwrap(self, wrapped: str) -> bytes:
        return bytes.fromhex(wrapped)


@dataclass(frozen=True)
class Question:
    """A study over rows in memory, to be evaluated in two tasks of several buckets."""

    study: Study
    rows: Rows
    concepts: Concepts


def ask(question: Question) -> list[tuple[tuple[int, ...], bytes]]:
    """Evaluate a question in three buckets, by two of the tasks that a run consists of."""
    plan = plan_study(question.study, question.concepts)
    task = BucketTask(FramePlace(question.rows, 3), plan.to_json(), TEST_KEY.wrapped)
    return [task((0, 1)), task((2,))]


def ask_all(
    part: tuple[int, list[Question]],
) -> tuple[int, list[list[tuple[tuple[int, ...], bytes]]]]:
    """Evaluate every question of a numbered part."""
    return part[0], [ask(one) for one in part[1]]


def leak(item: int) -> int:
    """Say a secret in every way that a library might, and fail on the second item."""
    os.write(1, SECRET.encode())
    os.write(2, SECRET.encode())
    if item == 1:
        raise KeyError(SECRET)
    return item


class InProcess:
    """An executor that carries tasks through pickle, one after the other, and may do one twice."""

    shares_memory = False

    def __init__(self, change: Callable[[list[Item]], list[Item]] = lambda items: items) -> None:
        self._change = change
        self.carried: list[bytes] = []

    def map(
        self, task: Callable[[Item], Result], items: Sequence[Item]
    ) -> Generator[Result, None, None]:
        self.carried.append(pickle.dumps((task, list(items))))
        there, given = pickle.loads(self.carried[-1])  # noqa: S301
        for item in self._change(given):
            yield there(item)


class Steps:
    """Progress that counts, and does something once, at the step that reaches ``after``."""

    def __init__(self, act: Callable[[], object] = lambda: None, *, after: int = 1) -> None:
        self._act, self._after = act, after
        self.done = 0

    def advance(self, amount: int) -> None:
        before, self.done = self.done, self.done + amount
        if before < self._after <= self.done:
            self._act()
