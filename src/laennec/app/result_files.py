"""From a released result to files for a paper: a page, pictures, tables.

Needs no hub, key or network: only the CSV that was released. Equal results give equal files, on the
same versions of the libraries. Whether the CSV is the one that was released is not asked here; its
proof says that.
"""

import hashlib
import re
import shutil
import tempfile
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from pathlib import Path

from laennec.core.errors import AlreadyExistsError, SourceError, StoreError
from laennec.omop.summarised_result import SummarisedResult, from_csv
from laennec.report import Fact, StudyReport, render
from laennec.report.content import HIDDEN, Picture, Section, Table
from laennec.report.figure_files import to_png, to_svg, to_vega_lite
from laennec.report.page import sections
from laennec.report.table_files import check_great_tables, to_html, to_latex
from laennec.report.words import Words, load_words, readable

_SHA256 = {"en": "SHA-256 of {name}", "fr": "SHA-256 de {name}"}
_LONGEST_NAME = 60
_LONGEST_TEXT = 2_000
"""Characters of a text in a row of a result; a number of more is none that can be written."""


class Form(StrEnum):
    """What can be made of a result; the value names the format of the files."""

    PAGE = "page"
    SVG = "svg"
    PNG = "png"
    VEGA_LITE = "json"
    HTML = "html"
    LATEX = "latex"


_DRAWN: dict[Form, tuple[str, Callable[[Picture, Words], str | bytes]]] = {
    Form.SVG: ("svg", to_svg),
    Form.PNG: ("png", to_png),
    Form.VEGA_LITE: ("vl.json", to_vega_lite),
}
_SET: dict[Form, tuple[str, Callable[..., str]]] = {
    Form.HTML: ("html", to_html),
    Form.LATEX: ("tex", to_latex),
}


def write_result_files(
    file: Path, folder: Path, *, forms: Iterable[Form], language: str
) -> tuple[Path, ...]:
    """Write a result in other forms: ``report.html``, ``figures``, ``tables``.

    Args:
        file: A released ``summarised_result`` as CSV.
        folder: Where the files go; it does not exist yet, and appears when all are in it.
        forms: What is made.
        language: Of the texts: ``en`` or ``fr``.

    Returns:
        The files, in the order in which the page shows their contents.

    Raises:
        SourceError: the file cannot be read as a result.
        SettingsError: tables are asked for and great-tables is not installed.
        AlreadyExistsError: the folder exists.
        StoreError: the folder cannot be written.
    """
    asked = frozenset(forms)
    if asked & _SET.keys():
        check_great_tables()
    if folder.exists():
        raise AlreadyExistsError(f"{folder} exists.", remedy="Name another folder.")
    report = read_report(file, language=language)
    contents = dict(_contents(report, asked, load_words(language)))
    _write(folder, contents)
    return tuple(folder / name for name in contents)


def read_report(file: Path, *, language: str) -> StudyReport:
    """Return the report of a result alone: without title, story and time of its study.

    Raises:
        SourceError: the file cannot be read as a result.
    """
    try:
        body = file.read_bytes()
        text = body.decode("utf-8")
    except (OSError, UnicodeDecodeError):
        raise SourceError(
            f"{file} cannot be read as a CSV in UTF-8.", remedy="Name the CSV of a release."
        ) from None
    result = from_csv(text, name=file.name)
    if any(len(str(one)) > _LONGEST_TEXT for row in result.rows for one in vars(row).values()):
        raise SourceError(
            f"{file.name}: a text of a row has more than {_LONGEST_TEXT} characters.",
            remedy="Name the CSV of a release.",
        )
    label = _SHA256[language].format(name=file.name)
    return StudyReport(
        title=readable(_said(result, "study_name") or file.stem),
        description="",
        hub=", ".join(dict.fromkeys(row.cdm_name for row in result.rows)) or file.stem,
        made_at=None,
        result=result,
        hidden=sum(row.estimate_value == HIDDEN for row in result.rows),
        steps=(),
        provenance=(Fact(label, hashlib.sha256(body).hexdigest()),),
        threshold=_threshold(result),
    )


def _said(result: SummarisedResult, name: str) -> str:
    """Return a setting that all results share, or ``""``."""
    found = {one.extra.get(name, "") for one in result.settings}
    return found.pop() if len(found) == 1 else ""


def _threshold(result: SummarisedResult) -> int | None:
    said = _said(result, "min_cell_count")
    return int(said) if re.fullmatch(r"[1-9][0-9]{0,5}", said, re.ASCII) else None


def _contents(
    report: StudyReport, forms: frozenset[Form], words: Words
) -> Iterator[tuple[str, bytes]]:
    """Yield the name of each file and its bytes."""
    if Form.PAGE in forms:
        yield "report.html", render(report, language=words.language).encode()
    for number, section in enumerate(sections(report, words), start=1):
        name = f"{number:02d}-{_plain(section.title)}"
        yield from _files(section, section.title, name, forms, words)


def _files(
    section: Section, title: str, name: str, forms: frozenset[Form], words: Words
) -> Iterator[tuple[str, bytes]]:
    """Yield the pictures and tables of a section, and of each of its strata."""
    yield from _figures(section, name, forms, words)
    yield from _tables(section.tables, title, name, forms, words)
    for n, one in enumerate(section.divisions, start=1):
        yield from _files(one, title, f"{name}-s{n:02d}-{_plain(one.title)}", forms, words)


def _figures(
    section: Section, name: str, forms: frozenset[Form], words: Words
) -> Iterator[tuple[str, bytes]]:
    for n, figure in enumerate(section.figures, start=1):
        for form in sorted(forms & _DRAWN.keys()):
            suffix, made = _DRAWN[form]
            body = made(figure.picture, words)
            text = body if isinstance(body, bytes) else body.encode()
            yield f"figures/{name}-{n}.{suffix}", text


def _tables(
    tables: tuple[Table, ...], title: str, name: str, forms: frozenset[Form], words: Words
) -> Iterator[tuple[str, bytes]]:
    for n, table in enumerate(tables, start=1):
        for form in sorted(forms & _SET.keys()):
            suffix, made = _SET[form]
            yield f"tables/{name}-{n}.{suffix}", made(table, words, title=title).encode()


def _plain(title: str) -> str:
    """Return a title as part of a file's name: letters a to z, digits and hyphens alone."""
    bare = unicodedata.normalize("NFKD", title.replace("’", " ")).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", bare.lower()).strip("-")[:_LONGEST_NAME].strip("-") or "part"


def _write(folder: Path, contents: dict[str, bytes]) -> None:
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        try:
            for name, body in contents.items():
                (made / name).parent.mkdir(exist_ok=True)
                (made / name).write_bytes(body)
            made.chmod(0o755)
            made.rename(folder)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    except OSError as error:
        raise StoreError(
            f"{folder} cannot be written: {error.strerror}.", remedy="Make room, or name another."
        ) from None
