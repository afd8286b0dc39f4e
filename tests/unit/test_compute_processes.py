"""Further processes of this machine: what they answer, how they fail, and that they end."""

import os
import pickle
import signal
from pathlib import Path
from typing import NoReturn

import pytest

from fakes.compute_tasks import SECRET
from fakes.process_tasks import Meeting, doubled, interrupted, variable
from laennec.compute.failures import Failure, Guarded
from laennec.compute.processes import ProcessExecutor, _Child, _Work
from laennec.core.errors import EngineError, IntegrityError

TESTS = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let processes find the tasks."""
    monkeypatch.setenv("PYTHONPATH", str(TESTS))


def _meet(tmp_path: Path, act: str = "answer") -> list[int]:
    os.mkfifo(tmp_path / "pipe")
    task = Meeting(tmp_path / "pipe", os.getpid(), act)
    with ProcessExecutor(2) as executor:
        return list(executor.map(task, [0, 1]))


def test_this_process_and_another_work_at_once(tmp_path: Path) -> None:
    pids = set(_meet(tmp_path))
    assert len(pids) == 2
    assert os.getpid() in pids


def test_every_item_is_answered_once() -> None:
    with ProcessExecutor(3) as executor:
        assert sorted(executor.map(doubled, range(500))) == list(range(0, 1000, 2))


def test_a_process_that_cannot_load_is_replaced(capfd: pytest.CaptureFixture[str]) -> None:
    with ProcessExecutor(2, modules=["no_such_module"]) as executor:
        assert sorted(executor.map(doubled, range(9))) == list(range(0, 18, 2))
    assert capfd.readouterr() == ("", "")


def test_a_machine_without_room_for_a_process_works_with_fewer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: object, **__: object) -> NoReturn:
        raise BlockingIOError

    monkeypatch.setattr("subprocess.Popen", full)
    with ProcessExecutor(3) as executor:
        assert sorted(executor.map(doubled, range(9))) == list(range(0, 18, 2))


def test_no_item_is_no_answer() -> None:
    with ProcessExecutor(2) as executor:
        assert list(executor.map(doubled, [])) == []


def test_a_process_that_is_killed_fails_the_work(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="ended before it had an answer"):
        _meet(tmp_path, "die")


def test_an_answer_that_cannot_be_taken_in_fails_the_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As for want of memory in this process."""

    def full(*_: object) -> NoReturn:
        raise MemoryError

    monkeypatch.setattr(_Child, "answer", full)
    work = _Work(Guarded(doubled), [4])
    child = _Child(())
    work.there(child)
    child.end()
    answer = work.answers.get_nowait()
    assert isinstance(answer, Failure)
    assert "MemoryError" in answer.happened


def test_a_task_that_cannot_be_given_is_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> NoReturn:
        raise MemoryError

    monkeypatch.setattr(_Child, "takes", full)
    with ProcessExecutor(2) as executor:
        assert sorted(executor.map(doubled, range(9))) == list(range(0, 18, 2))


def test_a_process_spills_nothing_whatever_its_environment_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("POLARS_OOC_MEMORY_BUDGET_MB", "1")
    child = _Child(())
    assert child.takes(pickle.dumps(variable))
    assert child.answer("POLARS_OOC_MEMORY_BUDGET_MB") is None
    assert child.answer("POLARS_OOC_MEMORY_BUDGET_FRACTION") == "1e9"
    child.end()


def test_an_interrupt_that_an_engine_raises_in_a_thread_ends_the_work() -> None:
    """Polars does so while it collects; the main thread may sleep on."""
    with ProcessExecutor(1) as executor, pytest.raises(KeyboardInterrupt):
        list(executor.map(interrupted, [0, 1]))


def test_an_expected_failure_comes_back_as_itself(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match="altered"):
        _meet(tmp_path, "refuse")


def test_what_a_library_says_stays_there(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(EngineError, match="KeyError") as caught:
        _meet(tmp_path, "quote a row")
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None
    assert capfd.readouterr() == ("", "")


def test_a_process_ends_when_its_pipe_does() -> None:
    child = _Child(())
    child._pipe.close()
    assert child._process.wait() == 0


def test_the_interrupt_of_a_terminal_does_not_reach_a_process() -> None:
    """Whoever started it is interrupted, and ends it; so it says nothing there, loading or not."""
    child = _Child(())
    assert os.getpgid(child._process.pid) != os.getpgrp()
    assert child.takes(pickle.dumps(doubled))
    assert child.answer(4) == 8
    child.end()
    assert child._process.returncode == -signal.SIGKILL
