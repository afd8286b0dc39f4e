"""A run in other processes: what travels, that it is sealed, and that it adds up."""

import pickle
from collections.abc import Callable, Generator, Sequence
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.compute_tasks import TEST_KEY, FramePlace, InProcess, Steps
from fakes.frame_source import FrameSource
from laennec.compute.executor import Item, Result
from laennec.core.errors import EngineError, IntegrityError
from laennec.core.progress import Quiet
from laennec.runs.local import run
from laennec.runs.partial_arrow import from_arrow, to_arrow
from laennec.runs.plan import plan_study
from laennec.runs.remote import TASKS_AT_MOST, BucketTask, RunKey, _evened, _shares, run_remotely
from laennec.study.partials import Partial
from spec import incidence_cases
from spec.spec_case import CONCEPTS

KEYS = st.lists(st.one_of(st.integers(-(2**40), 2**40), st.text(max_size=5)), max_size=5).map(tuple)
DAYS = st.dictionaries(KEYS, st.dates(), max_size=4)
PARTIALS = st.builds(
    Partial, st.dictionaries(KEYS, st.integers(1, 2**63 - 1), max_size=8), DAYS, DAYS
)
CASE = incidence_cases.CASES[0]
PLAN = plan_study(CASE.study, CONCEPTS)
PLACE = FramePlace(CASE.rows, 5)


@given(PARTIALS)
def test_a_partial_survives_arrow(partial: Partial) -> None:
    again = from_arrow(to_arrow(partial))
    assert again == partial
    assert list(again.counts) == list(partial.counts)


def test_numbers_and_names_in_keys_stay_apart() -> None:
    partial = Partial({("a", 1): 1, ("a", "1"): 2}, {("d",): date(2020, 2, 29)}, {})
    assert from_arrow(to_arrow(partial)) == partial


@pytest.mark.parametrize("body", [b"", b"not arrow", to_arrow(Partial())[:20]])
def test_what_is_no_partial_is_refused(body: bytes) -> None:
    with pytest.raises(EngineError, match="another form"):
        from_arrow(body)


def _remotely(executor: InProcess, steps: Steps | None = None, key: RunKey = TEST_KEY) -> Partial:
    progress = steps or Steps()
    return run_remotely(PLAN, range(5), executor=executor, place=PLACE, key=key, progress=progress)


def test_it_gives_what_a_local_run_gives() -> None:
    steps = Steps()
    with Quiet().task("buckets") as progress:
        here = run(PLAN, FrameSource(CASE.rows, count=5), workers=1, progress=progress)
    found = _remotely(InProcess(), steps)
    assert found == here
    assert list(found.counts) == list(here.counts)
    assert steps.done == 5


@given(st.integers(1, 5000))
def test_every_bucket_is_in_one_task(count: int) -> None:
    shares = _shares(range(count))
    assert [bucket for share in shares for bucket in share] == list(range(count))
    assert len(shares) == min(count, TASKS_AT_MOST)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_a_task_that_is_done_twice_is_refused() -> None:
    with pytest.raises(EngineError, match="twice"):
        _remotely(InProcess(lambda items: [*items, items[0]]))


def test_a_task_that_is_missing_fails_the_run() -> None:
    with pytest.raises(EngineError, match="not every bucket did"):
        _remotely(InProcess(lambda items: items[1:]))


class Swapping(InProcess):
    """Gives each answer in the name of the next task."""

    def map(
        self, task: Callable[[Item], Result], items: Sequence[Item]
    ) -> Generator[Result, None, None]:
        answers = list(super().map(task, items))
        for index, answer in enumerate(answers):
            other = answers[(index + 1) % len(answers)]
            yield (answer[0], other[1])  # type: ignore[index, misc]


def test_an_answer_in_anothers_place_is_refused() -> None:
    with pytest.raises(IntegrityError, match="answer of an executor"):
        _remotely(Swapping())


def test_an_answer_under_another_key_is_refused() -> None:
    with pytest.raises(IntegrityError, match="answer of an executor"):
        _remotely(InProcess(), key=RunKey(bytes(32), TEST_KEY.wrapped))


def test_an_answer_shows_no_count() -> None:
    task = BucketTask(FramePlace(CASE.rows), PLAN.to_json(), TEST_KEY.wrapped)
    buckets, sealed = task((0,))
    assert buckets == (0,)
    assert sealed.startswith(b"LNSB")
    assert b"incidence" not in sealed


def test_the_size_of_an_answer_does_not_tell_whether_anybody_is_counted() -> None:
    nobody = dict.fromkeys(CASE.rows, ())
    sizes = set()
    for rows in (CASE.rows, nobody):
        task = BucketTask(FramePlace(rows), PLAN.to_json(), TEST_KEY.wrapped)
        sizes.add(len(task((0,))[1]))
    assert len(sizes) == 1


@pytest.mark.parametrize("size", [1, 16_384, 16_385, 70_000])
def test_answers_have_few_sizes(size: int) -> None:
    filled = _evened(b"x" * size)
    assert filled.rstrip(b"\0") == b"x" * size
    assert len(filled) in {16_384, 32_768, 131_072}


def test_the_key_of_a_run_is_not_shown_and_does_not_travel() -> None:
    executor = InProcess()
    key = RunKey(TEST_KEY.key, TEST_KEY.wrapped)
    _remotely(executor, key=key)
    assert TEST_KEY.wrapped not in repr(key)
    assert all(TEST_KEY.key not in carried for carried in executor.carried)
    task, _ = pickle.loads(executor.carried[0])  # noqa: S301
    assert repr(task) == f"BucketTask(place={task.place!r})"
