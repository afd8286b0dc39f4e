"""Addresses of Spark clusters: whether one is this machine, and whether it answers at all.

Spark itself waits a minute for a standalone master that is not there, after it has started Java.
"""

import re
import socket

from laennec.core.errors import SettingsError

_STANDALONE = re.compile(r"spark://(?P<hosts>[^/\s,]+:\d{1,5}(,[^/\s,]+:\d{1,5})*)")
_CONNECT_S = 5.0


def is_this_machine(master: str) -> bool:
    """Return whether the master is Spark inside this very process' machine: ``local...``."""
    return master.startswith("local")


def check_answers(master: str) -> None:
    """Refuse a standalone cluster none of whose masters takes a connection.

    Args:
        master: ``spark://host:port``, with several masters ``spark://one:port,two:port``. What
            others take, such as ``yarn``, is left to Spark.

    Raises:
        SettingsError: the address is not of that form, or nobody answers there within seconds.
    """
    if not master.startswith("spark:"):
        return
    match = _STANDALONE.fullmatch(master)
    if match is None:
        raise SettingsError(
            f"{master} is not the address of a Spark master.",
            remedy="Write it as spark://host:7077; the master's page shows it.",
        )
    if not any(_answers(*one.rsplit(":", 1)) for one in match["hosts"].split(",")):
        raise SettingsError(
            f"No Spark master answers at {master}.",
            remedy="Check the address and that the master runs; its page shows the address.",
        )


def _answers(host: str, port: str) -> bool:
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_S):
            return True
    except (OSError, OverflowError):
        return False
