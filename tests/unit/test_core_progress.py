"""Progress: silence for a second, then plain lines or a bar; nothing at all when quiet."""

import io

import pytest
from rich.console import Console

from laennec.core.progress import PATIENCE_S, PLAIN_EVERY_S, Live, Plain, Quiet, Reporter, reporter


class Watch:
    """A clock that only the test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def fail_after(seconds: float, progress: Reporter, watch: Watch) -> None:
    with progress.task("reading", total=3) as task:
        watch.now += seconds
        if isinstance(progress, Live):
            task.advance(1)
        raise KeyError


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_work_of_less_than_a_second_says_nothing() -> None:
    out, watch = io.StringIO(), Watch()
    with Plain(out, watch).task("reading person", total=10) as task:
        for _ in range(10):
            watch.now += 0.09
            task.advance(1)
    assert out.getvalue() == ""


def test_longer_work_speaks_at_intervals_and_at_its_end() -> None:
    out, watch = io.StringIO(), Watch()
    with Plain(out, watch).task("reading person", total=20_000) as task:
        for _ in range(20):
            watch.now += 1.0
            task.advance(1000)
    assert out.getvalue().splitlines() == [
        "reading person: 1,000 of 20,000",
        "reading person: 6,000 of 20,000",
        "reading person: 11,000 of 20,000",
        "reading person: 16,000 of 20,000",
        "reading person: 20,000 of 20,000 in 20.0 s",
    ]


def test_work_of_unknown_size_names_what_is_done() -> None:
    out, watch = io.StringIO(), Watch()
    with Plain(out, watch).task("checking") as task:
        watch.now += PATIENCE_S
        task.advance(5)
    assert out.getvalue().splitlines() == ["checking: 5", "checking: 5 in 1.0 s"]


def test_intervals_are_those_that_are_stated() -> None:
    assert (PATIENCE_S, PLAIN_EVERY_S) == (1.0, 5.0)


def test_failed_work_claims_no_end() -> None:
    out, watch = io.StringIO(), Watch()
    with pytest.raises(KeyError):
        fail_after(9, Plain(out, watch), watch)
    assert out.getvalue() == ""


def test_quiet_says_nothing() -> None:
    terminal = Terminal()
    with reporter(terminal, quiet=True).task("reading", total=1) as task:
        task.advance(1)
    assert terminal.getvalue() == ""


def live(out: io.StringIO, watch: Watch) -> Live:
    return Live(Console(file=out, force_terminal=True, width=100), watch)


def test_a_terminal_sees_nothing_within_a_second_no_cursor_moves_either() -> None:
    out, watch = Terminal(), Watch()
    with live(out, watch).task("reading person", total=3) as task:
        for _ in range(3):
            watch.now += 0.3
            task.advance(1)
    assert out.getvalue() == ""


def test_a_terminal_sees_a_bar_after_a_second_and_it_is_cleared() -> None:
    out, watch = Terminal(), Watch()
    with live(out, watch).task("reading person", total=3) as task:
        task.advance(1)
        watch.now += 1.0
        task.advance(1)
    assert "reading person" in out.getvalue()
    assert out.getvalue().endswith("\x1b[2K")


def test_a_bar_is_cleared_when_its_work_fails() -> None:
    out, watch = Terminal(), Watch()
    with pytest.raises(KeyError):
        fail_after(2, live(out, watch), watch)
    assert "\x1b[?25h" in out.getvalue()


@pytest.mark.parametrize(
    ("out", "quiet", "kind"),
    [
        (io.StringIO(), False, Plain),
        (Terminal(), False, Live),
        (io.StringIO(), True, Quiet),
        (Terminal(), True, Quiet),
    ],
)
def test_choice(out: io.StringIO, quiet: bool, kind: type) -> None:
    assert isinstance(reporter(out, quiet=quiet), kind)


def test_bytes_have_a_rate_and_a_time_left() -> None:
    out, watch = io.StringIO(), Watch()
    with Plain(out, watch).task("copying", total=10_000_000, in_bytes=True) as task:
        watch.now += 2.0
        task.advance(4_000_000)
        watch.now += 3.0
        task.advance(6_000_000)
    assert out.getvalue().splitlines() == [
        "copying: 4.0 MB of 10.0 MB, 2.0 MB/s, 0:00:03 left",
        "copying: 10.0 MB of 10.0 MB, 2.0 MB/s in 5.0 s",
    ]


def test_a_bar_of_bytes_shows_their_rate() -> None:
    watch, shown = Watch(), Terminal()
    with Live(Console(file=shown, width=120), watch).task(
        "copying", total=10**7, in_bytes=True
    ) as task:
        watch.now += PATIENCE_S
        task.advance(4_000_000)
    assert "MB" in shown.getvalue()
