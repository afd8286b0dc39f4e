"""The operator's log holds constant messages and declared fields, and nothing else."""

import json
import logging
import stat
from pathlib import Path

import pytest

from fakes.vault_store import FixedClock
from laennec.core.errors import SourceError, StoreError
from laennec.core.log import FIELDS, Message, recording, say

CANARY = "1850212345678-canary"


def lines(file: Path) -> list[dict[str, object]]:
    return [json.loads(one) for one in file.read_text(encoding="utf-8").splitlines()]


def test_a_line_is_json_with_its_fields(tmp_path: Path) -> None:
    file = tmp_path / "log"
    with recording(file, clock=FixedClock()):
        say(Message.OPENED, snapshot=3)
    assert [set(one) for one in lines(file)] == [{"time", "level", "message", "snapshot"}]
    assert lines(file)[0]["message"] == "hub opened"
    assert str(lines(file)[0]["time"]).endswith("Z")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_files_are_appended_to_and_nested_ones_each_get_the_line(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for _ in range(2):
        with recording(one, clock=FixedClock()), recording(two, clock=FixedClock()):
            say(Message.SWEPT, objects=1, bytes=2)
    assert len(lines(one)) == len(lines(two)) == 2


def test_nothing_is_written_outside_of_the_context(tmp_path: Path) -> None:
    with recording(tmp_path / "log", clock=FixedClock()):
        pass
    say(Message.OPENED, snapshot=1)
    assert lines(tmp_path / "log") == []


def test_of_a_failure_the_class_alone_is_written(tmp_path: Path) -> None:
    with pytest.raises(SourceError), recording(tmp_path / "log", clock=FixedClock()):
        raise SourceError(CANARY, remedy=CANARY)
    with pytest.raises(KeyError), recording(tmp_path / "log", clock=FixedClock()):
        raise KeyError(CANARY)
    assert CANARY not in (tmp_path / "log").read_text(encoding="utf-8")
    first, second = lines(tmp_path / "log")
    assert (first["level"], first["error"], first["exit_status"]) == ("ERROR", "SourceError", 11)
    assert (second["error"], "exit_status" in second) == ("KeyError", False)


def test_a_failure_is_written_once_in_each_file(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    with (
        pytest.raises(KeyError),
        recording(one, clock=FixedClock()),
        recording(two, clock=FixedClock()),
    ):
        raise KeyError
    assert len(lines(one)) == len(lines(two)) == 1


def test_what_only_ends_the_context_is_no_failure(tmp_path: Path) -> None:
    with (
        pytest.raises(KeyError),
        recording(tmp_path / "log", clock=FixedClock(), no_failure=(KeyError,)),
    ):
        raise KeyError
    assert lines(tmp_path / "log") == []


def test_arguments_and_tracebacks_of_others_are_left_out(tmp_path: Path) -> None:
    with recording(tmp_path / "log", clock=FixedClock()):
        logging.getLogger("laennec.adapter").warning("answered %s", CANARY)
        logging.getLogger("elsewhere").error("%s", CANARY)
        logging.getLogger("laennec.adapter").error("failed", exc_info=ValueError(CANARY))
    assert CANARY not in (tmp_path / "log").read_text(encoding="utf-8")
    assert [one["message"] for one in lines(tmp_path / "log")] == ["answered %s", "failed"]


@pytest.mark.parametrize(
    "fields",
    [
        {"person_id": 1},
        {"snapshot": "1"},
        {"snapshot": True},
        {"snapshot": 1.0},
        {"run": "two words"},
        {"run": ""},
        {"run": "x" * 65},
        {"run": "a\nb"},
        {"error": 3},
    ],
)
def test_undeclared_fields_are_refused(fields: dict[str, int | str]) -> None:
    with pytest.raises(ValueError, match=r"of the log|the log has"):
        say(Message.RAN, **fields)


def test_every_field_is_a_number_or_a_name() -> None:
    assert set(FIELDS.values()) == {int, str}
    assert {name for name, kind in FIELDS.items() if kind is str} == {"error", "profile", "run"}


def test_without_a_file_nothing_is_recorded() -> None:
    with recording(None, clock=FixedClock()):
        say(Message.OPENED, snapshot=1)


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(StoreError), recording(tmp_path / "no" / "log", clock=FixedClock()):
        pytest.fail("the context began")


def test_a_full_disk_is_told_at_the_end_and_stops_nothing() -> None:
    reached = []

    def work() -> None:
        with recording(Path("/dev/full"), clock=FixedClock()):
            say(Message.OPENED, snapshot=1)
            reached.append("the end")

    with pytest.raises(StoreError):
        work()
    assert reached
