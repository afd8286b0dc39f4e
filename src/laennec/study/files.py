"""A study as a file: TOML or JSON in, canonical JSON out.

A file is data: nothing in it is run, included or fetched. What is not understood is refused with
the file, the place in it, and what to do; the message quotes names of the file, never its values.

TOML is written for people, JSON for programs; both hold the same tree of tables, so the study and
its digest do not depend on the form.
"""

import json
import re
import tomllib
from collections.abc import Mapping
from datetime import date, time
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import to_jsonable_python

from laennec.core.errors import StudyError
from laennec.study.complaints import complaint
from laennec.study.model import Study
from laennec.study.positions import place_of

MAX_BYTES = 4_000_000
"""Largest study file; the largest phenotype definitions published are about 4 MB."""

MAX_DOTS = 100
"""Dots between two signs of a TOML file: the parser's work grows with the square of a key's."""

_SIGNS = re.compile(r"[\n=\[\]{},]")


def read_study(path: Path) -> Study:
    """Return the study in a file; the suffix says whether it is ``.toml`` or ``.json``.

    Raises:
        StudyError: there is no such file, it is not readable text of its form (the message names
            the line), or it is not a study (the message names the place, such as
            ``cohorts[0].entry.concepts``, with its line and column); or it is Python, which is
            never run here.
    """
    if path.suffix.lower() == ".py":
        raise StudyError(
            f"{path}: this is a program, and a hub runs no program of a researcher's.",
            remedy=f"On your own machine, `laennec study build {path} --out study.json` makes a "
            "study of it.",
        )
    text = read_text(path)
    tree = _tree(text, path)
    if isinstance(tree, dict) and "PrimaryCriteria" in tree:
        raise StudyError(
            f"{path}: this is a cohort definition of ATLAS, not a study.",
            remedy=f"`laennec study from-atlas {path} --out study.json` makes a study of it.",
        )
    try:
        # Strict and as JSON: "yes" is no truth value and "5" no number, in either form of file.
        return Study.model_validate_json(json.dumps(tree, default=_day), strict=True)
    except RecursionError:
        raise _too_deep(path) from None
    except ValidationError as error:
        if error.errors()[0]["type"] == "json_invalid":
            # Pydantic reads fewer levels than the parsers, and no half of a surrogate pair.
            raise _too_deep(path) from None
        told = complaint(error, tree)
        line, column = place_of(text, told.path, toml=path.suffix.lower() == ".toml")
        raise StudyError(
            f"{path}, line {line}, column {column}: {told.happened}", remedy=told.remedy
        ) from None


def write_study(study: Study, path: Path) -> None:
    """Write a study as canonical JSON: equal studies, equal bytes.

    Raises:
        StudyError: the file cannot be written.
    """
    try:
        path.write_bytes(study.canonical() + b"\n")
    except OSError as error:
        raise StudyError(
            f"{path}: the study cannot be written ({error.strerror}).",
            remedy="Choose a folder that exists and that you may write to.",
        ) from None


def write_new(values: Mapping[str, Any], path: Path) -> None:
    """Write a study, or a part of one, as JSON for people to read and change.

    Args:
        values: Fields of a study; those within that say nothing are left out.
        path: A file that is not there yet.

    Raises:
        StudyError: the file is there, cannot be written, or does not end in ``.json``.
    """
    if path.suffix.lower() != ".json":
        raise StudyError(f"{path}: the study is written as JSON.", remedy="End the name in .json.")
    text = json.dumps(to_jsonable_python(values, exclude_none=True), indent=1)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text + "\n")
    except OSError as error:
        raise StudyError(
            f"{path}: the study cannot be written ({error.strerror}).",
            remedy="Name a new file in a folder that you may write to.",
        ) from None


def _day(value: date | time) -> str:
    """TOML's dates as JSON has them; a moment or a time of day is refused later, as no date."""
    return value.isoformat()


def read_json(path: Path, *, max_bytes: int = MAX_BYTES) -> Any:
    """Return what a JSON file holds, not yet understood.

    Raises:
        StudyError: as ``read_study``; the file's name does not matter.
    """
    return _json(read_text(path, max_bytes=max_bytes), path)


def read_text(path: Path, *, max_bytes: int = MAX_BYTES) -> str:
    """Return a file's text.

    Raises:
        StudyError: there is no such file, it is larger than ``max_bytes``, or it is not UTF-8.
    """
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except OSError as error:
        raise StudyError(
            f"{path}: the study cannot be read ({error.strerror}).",
            remedy="Give the path of a study file, ending in .toml or .json.",
        ) from None
    if len(data) > max_bytes:
        raise StudyError(
            f"{path}: the file is larger than {max_bytes} bytes, so it is no study.",
            remedy="Give the path of a study file, ending in .toml or .json.",
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise StudyError(
            f"{path}, line {line}: the text is not UTF-8.",
            remedy="Save the file again with the encoding UTF-8.",
        ) from None


def _tree(text: str, path: Path) -> Any:
    """The file's tables and lists, not yet understood."""
    match path.suffix.lower():
        case ".toml":
            return read_toml(text, path)
        case ".json":
            return _json(text, path)
    raise StudyError(
        f"{path}: a study file ends in .toml or .json.",
        remedy="Rename the file after its form.",
    )


def read_toml(text: str, path: Path) -> Any:
    """Return what a TOML text holds, not yet understood; ``path`` is for messages.

    Raises:
        StudyError: it is not TOML, or more than a file of a study ever needs.
    """
    if any(one.count(".") > MAX_DOTS for one in _SIGNS.split(text)):
        raise StudyError(
            f"{path}: a key or a text has more than {MAX_DOTS} dots in a row of words.",
            remedy="Write tables by their names; break a long text into lines.",
        )
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        # The parser ends its message with "(at line 3, column 7)" or "(at end of document)".
        raise StudyError(
            f"{path}: this is not TOML: {error}.",
            remedy="Correct that line; docs/reference/study-language.md shows the form.",
        ) from None
    except RecursionError:
        raise _too_deep(path) from None
    except ValueError:
        raise _too_long(path) from None


def _json(text: str, path: Path) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_once_each)
    except json.JSONDecodeError as error:
        raise StudyError(
            f"{path}, line {error.lineno}, column {error.colno}: this is not JSON: {error.msg}.",
            remedy="Correct that line; docs/reference/study-language.md shows the form.",
        ) from None
    except RecursionError:
        raise _too_deep(path) from None
    except ValueError:
        raise _too_long(path) from None
    except _RepeatedNameError as error:
        raise StudyError(
            f"{path}: the name {error.args[0]!r} is given twice in one object.",
            remedy="Keep one of them.",
        ) from None


def _too_deep(path: Path) -> StudyError:
    return StudyError(
        f"{path}: the file is nested too deeply to be a study, or has half of a surrogate pair.",
        remedy="Write it as docs/reference/study-language.md shows.",
    )


def _too_long(path: Path) -> StudyError:
    """The parsers refuse a number of thousands of digits."""
    return StudyError(
        f"{path}: the file has a number of thousands of digits.", remedy="Write a shorter one."
    )


class _RepeatedNameError(Exception):
    """JSON would silently keep the last of two fields with one name."""


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise _RepeatedNameError(name)
        found[name] = value
    return found
