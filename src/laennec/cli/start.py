"""The program's entry point: ready to be interrupted before anything else is imported.

Importing takes about a second; Ctrl-C in that time would end in a traceback.
"""

import sys

_INTERRUPTED = 130


def run() -> None:
    """Run the command line and leave with its exit status."""
    try:
        from laennec.cli.main import run as run_commands
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted; nothing was begun.\n")
        sys.exit(_INTERRUPTED)
    run_commands()
