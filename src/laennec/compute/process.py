"""A process that does tasks for the one that started it: ``python -m laennec.compute.process``.

It is given modules to load at once, then, through the two-way pipe that is its standard input, a
task and items one by one, and answers by the same way. It ends when the pipe does, so that it does
not outlive who started it. Nothing it holds is in its arguments or its environment.
"""

import os
import pickle
import sys
from contextlib import suppress
from importlib import import_module
from multiprocessing.connection import Connection

from laennec.compute.worker import prepare

READY = b"ready"
"""The first answer: modules and task are loaded."""


def main() -> None:
    """Do tasks until there are no more."""
    pipe = Connection(os.dup(0))
    prepare()
    for module in sys.argv[1:]:
        import_module(module)
    with suppress(EOFError, BrokenPipeError):
        task = pickle.loads(pipe.recv_bytes())  # noqa: S301 - from the process that started this
        pipe.send_bytes(READY)
        while True:
            pipe.send(task(pipe.recv()))


if __name__ == "__main__":
    main()
