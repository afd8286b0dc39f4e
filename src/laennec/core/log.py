"""The operator's log: one JSON object a line, a constant message and declared fields.

Nothing of a row can get in: a message is one of ``Message``, a field is one of ``FIELDS``, a number
or a short name without spaces, and of a failure only its class is written, never its text or its
traceback. What other libraries log does not come here. The ledger, not this log, is the record for
auditors.
"""

import json
import logging
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any

from laennec.core.clock import Clock, timestamp
from laennec.core.errors import LaennecError, StoreError

_LOGGER = logging.getLogger("laennec")
_LOGGER.addHandler(logging.NullHandler())
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")


class Message(StrEnum):
    """Everything the log can say."""

    OPENED = "hub opened"
    LOADED = "data loaded"
    RAN = "run finished"
    RELEASED = "run released"
    ASSESSED = "data quality assessed"
    WRITTEN = "data quality written"
    VERIFIED = "hub verified"
    SWEPT = "store swept"
    ROTATED = "keys rotated"
    DESTROYED = "keys destroyed"
    SHREDDED = "snapshots shredded"
    REBUCKETED = "buckets changed"
    EXPORTED = "warehouse exported"
    MOVED = "store moved"
    ERASED = "former store erased"
    FAILED = "command failed"


FIELDS: Mapping[str, type] = MappingProxyType(
    {
        "buckets": int,
        "bytes": int,
        "error": str,
        "estimates": int,
        "exit_status": int,
        "files": int,
        "findings": int,
        "hidden": int,
        "keys": int,
        "log_entries": int,
        "objects": int,
        "profile": str,
        "rows": int,
        "rows_dropped": int,
        "rows_kept": int,
        "rows_quarantined": int,
        "rows_read": int,
        "run": str,
        "snapshot": int,
        "tables": int,
    }
)
"""Every field and whether it is a number or a name."""


def say(message: Message, **fields: int | str) -> None:
    """Write a line at level INFO, or ERROR for a failure, to whatever file is being recorded to.

    Args:
        message: What happened.
        fields: Values of ``FIELDS``.

    Raises:
        ValueError: a field is not declared, has the wrong type, or is a text that is no name.
    """
    level = logging.ERROR if message is Message.FAILED else logging.INFO
    _LOGGER.log(level, message.value, extra={"laennec_fields": _checked(fields)})


@contextmanager
def recording(
    file: Path | None, *, clock: Clock, no_failure: tuple[type[BaseException], ...] = ()
) -> Iterator[None]:
    """Write the log to a file for the time of the context, and the failure that ends it, if any.

    Args:
        file: Appended to; made with mode 0600. None records nothing.
        clock: Dates the lines.
        no_failure: Exceptions that only end the context, such as that of a help page.

    Raises:
        StoreError: the file cannot be opened, or a line could not be written.
    """
    if file is None:
        yield
        return
    handler = _JsonFile(file, clock)
    before = _LOGGER.level
    _LOGGER.addHandler(handler)
    _LOGGER.setLevel(logging.INFO)
    try:
        yield
    except no_failure:
        raise
    except BaseException as error:
        handler.handle(_failure(error))
        raise
    finally:
        _LOGGER.removeHandler(handler)
        _LOGGER.setLevel(before)
        handler.close()
    if handler.failed:
        raise StoreError(
            f"The log file {file} could not be written in full.",
            remedy="Make room for it; the command itself has finished.",
        )


class _JsonFile(logging.Handler):
    """Appends JSON lines; remembers a failure to write instead of printing a traceback."""

    def __init__(self, file: Path, clock: Clock) -> None:
        super().__init__(logging.INFO)
        self._clock, self.failed = clock, False
        try:
            descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        except OSError as error:
            raise StoreError(
                f"The log file {file} cannot be opened: {error.strerror}.",
                remedy="Name a file in a folder that exists and that you may write to.",
            ) from None
        self._out = os.fdopen(descriptor, "a", encoding="utf-8")

    def emit(self, record: logging.LogRecord) -> None:
        fields: Mapping[str, Any] = getattr(record, "laennec_fields", {})
        line = {
            "time": timestamp(self._clock()),
            "level": record.levelname,
            # The message as it stands in the code: arguments are never filled in.
            "message": str(record.msg),
            **fields,
        }
        try:
            self._out.write(json.dumps(line) + "\n")
            self._out.flush()
        except OSError:
            self.failed = True

    def close(self) -> None:
        try:
            self._out.close()
        except OSError:
            self.failed = True
        super().close()


def _failure(error: BaseException) -> logging.LogRecord:
    """Of a failure, its class and exit status; its text stays on the terminal."""
    fields: dict[str, int | str] = {"error": type(error).__name__}
    if isinstance(error, LaennecError):
        fields["exit_status"] = error.exit_status
    made = logging.LogRecord(
        _LOGGER.name, logging.ERROR, __file__, 0, Message.FAILED.value, None, None
    )
    made.laennec_fields = _checked(fields)
    return made


def _checked(fields: Mapping[str, int | str]) -> Mapping[str, int | str]:
    for key, value in fields.items():
        if key not in FIELDS:
            raise ValueError(f"the log has no field {key}")
        if type(value) is not FIELDS[key]:
            raise ValueError(f"the field {key} of the log has another type")
        if isinstance(value, str) and not _NAME.fullmatch(value):
            raise ValueError(f"the field {key} of the log is not a name")
    return fields
