"""The entry point: an interruption while it is still importing is told in one line."""

import subprocess
import sys

_INTERRUPTED_WHILE = """
import sys

class Interrupts:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupts())
from laennec.cli.start import run
run()
"""


def _run(interrupted: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    code = _INTERRUPTED_WHILE.format(name=interrupted)
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )


def test_an_interruption_while_importing_is_one_line() -> None:
    done = _run("laennec.cli.main")
    assert (done.returncode, done.stderr) == (130, "Interrupted; nothing was begun.\n")


def test_the_entry_point_runs_the_commands() -> None:
    done = _run("no.such.module", "--version")
    assert done.returncode == 0
    assert done.stdout.startswith("laennec")
