"""A process of its own that loads a delivery of the SNDS, to be killed.

Run as ``python -m fakes.snds_process HUB DELIVERY`` with ``tests`` on the path: says ``ready``, and
in the end the number of units that were finished before it began.
"""

import sys
from pathlib import Path

from fakes.snds_hub import SndsHub
from laennec.core.errors import LaennecError


def main(hub: str, delivery: str) -> int:
    """Load."""
    opened = SndsHub(Path(hub))
    print("ready", flush=True)
    try:
        report = opened.load(Path(delivery))
    except LaennecError as error:
        print(error, flush=True)
        return error.exit_status
    print(report.resumed, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
