"""The results as one self-contained HTML page, for the steward inside the hub.

Made like the report of a study (``laennec.report``): no script, nothing fetched, texts stay text,
one picture serves light, dark and paper, equal reports give equal bytes. Unlike that report it
shows counts of single rows and is no released output; the page says so at its head.
"""

import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files

from markupsafe import Markup

import laennec
from laennec.core.clock import timestamp
from laennec.quality.dashboard import CATEGORIES
from laennec.quality.service import QualityReport
from laennec.quality.statuses import Result, Status
from laennec.report.charts import INK, Spec, axis, data, draw
from laennec.report.templating import page_template
from laennec.report.words import Words, load_words

CONTEXTS = ("Verification", "Validation")
_COLOURS: Mapping[Status, str] = {
    Status.FAILED: "var(--c2)",
    Status.ERROR: "var(--c5)",
    Status.PASSED: "var(--bar)",
    Status.NOT_APPLICABLE: "var(--veil)",
}
_LABELLED = 0.04
"""Share of the longest bar from which a segment has room for its number."""

_LIGHT = frozenset({Status.PASSED, Status.NOT_APPLICABLE})
"""What is drawn so that a number can be read on it; the table has all of them."""


@dataclass(frozen=True)
class Line:
    """A result as a line of a table."""

    category: str
    title: str
    place: str
    violated: int
    denominator: int
    share: str
    width: float
    allowed: str
    why: str


@dataclass(frozen=True)
class Part:
    """Results of one status: its words, whether it is folded, and whether it says why."""

    key: str
    results: tuple[Line, ...]
    folded: bool
    why: bool

    @property
    def id(self) -> str:
        """Where the page links to."""
        return self.key.replace("_", "-")


@dataclass(frozen=True)
class Tally:
    """A line of the overview."""

    title: str
    numbers: tuple[int, ...]


@cache
def quality_words(language: str) -> Words:
    """Return the words of the page; numbers are written as in the report of a study.

    Raises:
        SettingsError: there is no such language.
    """
    written = load_words(language).format
    source = files("laennec.quality") / "data" / f"{language}.toml"
    return Words(language, written, tomllib.loads(source.read_text(encoding="utf-8")), {})


def render(report: QualityReport, *, language: str) -> str:
    """Return the page.

    Args:
        report: What to show; its texts may hold anything, and are shown as text.
        language: ``en`` or ``fr``.

    Raises:
        SettingsError: there is no such language.
    """
    words = quality_words(language)
    results = report.assessment.results
    status = Counter(one.status for one in results)
    return page_template("laennec.quality", "quality.html").render(
        report=report,
        words=words,
        what=_what(report, words),
        moment=words.moment(report.made_at),
        machine_moment=timestamp(report.made_at),
        total=len(results),
        statuses=[(one.value, status[one]) for one in Status],
        picture=_picture(results, words),
        overview=_overview(results, words),
        parts=_parts(results, words),
        provenance=_provenance(report, words),
        version=laennec.__version__,
    )


def _what(report: QualityReport, words: Words) -> str:
    return words.text(
        "what",
        n=words.digits(str(len(report.assessment.results))),
        version=report.version,
        snapshot=report.snapshot,
        hub=report.hub,
        persons=words.digits(str(report.persons)),
        rows=words.digits(str(report.rows)),
    )


def _parts(results: Iterable[Result], words: Words) -> list[Part]:
    by_status: dict[Status, list[Line]] = {}
    for one in sorted(results, key=lambda one: -one.share):
        by_status.setdefault(one.status, []).append(_line(one, words))
    parts = [
        Part("failed", tuple(by_status.get(Status.FAILED, ())), folded=False, why=False),
        Part("error", tuple(by_status.get(Status.ERROR, ())), folded=False, why=True),
        Part("passed", tuple(by_status.get(Status.PASSED, ())), folded=True, why=False),
        Part(
            "not_applicable",
            tuple(by_status.get(Status.NOT_APPLICABLE, ())),
            folded=True,
            why=True,
        ),
    ]
    return [one for one in parts if one.results or one.key == "failed"]


def _line(result: Result, words: Words) -> Line:
    check, found = result.check, result.outcome
    place = ".".join(part.upper() for part in (check.table, check.field) if part)
    if check.concept_id:
        place += f" {check.concept_id} ({check.concept_name})"
    reason = "" if result.reason is None else words.text(f"reason.{result.reason}", **result.places)
    return Line(
        check.type.category,
        words.text(f"type.{check.name}"),
        place,
        found.violated,
        found.denominator,
        _percent(result.share, words),
        100 * result.share,
        _percent((check.threshold or 0) / 100, words),
        reason,
    )


def _percent(share: float, words: Words) -> str:
    """Return a share in percent to two places; what is not 0 is never written as 0."""
    hundred = Decimal(str(round(100 * share, 2))).normalize()
    if share and not hundred:
        return f"< {words.digits('0.01')}{words.format['percent']}"
    return words.digits(format(hundred, "f")) + words.format["percent"]


def _tallies(results: Sequence[Result], words: Words) -> list[tuple[str, Counter[Status]]]:
    """Return the statuses of each category in each context that has any check."""
    return [
        (
            f"{words.text(f'category.{category}')}, {words.text(f'context.{context}')}",
            Counter(
                one.status
                for one in results
                if (one.check.type.category, one.check.type.context) == (category, context)
            ),
        )
        for category in CATEGORIES
        for context in CONTEXTS
    ]


def _overview(results: Sequence[Result], words: Words) -> list[Tally]:
    return [
        Tally(title, tuple(counted[one] for one in Status))
        for title, counted in _tallies(results, words)
        if counted.total()
    ]


def _picture(results: Sequence[Result], words: Words) -> Markup:
    """Draw a bar for each line of the overview, its segments by status, with their numbers."""
    rows: list[dict[str, object]] = []
    counted = [one for one in _tallies(results, words) if one[1].total()]
    longest = max((found.total() for _, found in counted), default=1)
    for title, found in counted:
        start = 0
        for status in Status:
            n = found[status]
            readable = status in _LIGHT and n >= _LABELLED * longest
            shown = words.digits(str(n)) if readable else ""
            said = words.text(f"status.{status.value}")
            middle = start + n / 2
            row = {"title": title, "from": start, "to": start + n, "middle": middle}
            rows.append({**row, "status": said, "shown": shown})
            start += n
    names = [words.text(f"status.{status.value}") for status in Status]
    place: Spec = {"field": "title", "type": "nominal", "sort": None, "title": None}
    place["axis"] = {"labelLimit": 320}
    colour: Spec = {
        "field": "status",
        "type": "nominal",
        "title": None,
        "scale": {"domain": names, "range": [_COLOURS[one] for one in Status]},
        "legend": {"orient": "top", "labelColor": INK, "labelFontSize": 12},
    }
    across = axis("from", title=words.text("checks"))
    bars: Spec = {
        "data": data(rows),
        "mark": {"type": "bar", "height": 18},
        "encoding": {"y": place, "x": across, "x2": {"field": "to"}, "color": colour},
    }
    numbers: Spec = {
        "data": data(row for row in rows if row["shown"]),
        "mark": {"type": "text", "color": INK},
        "encoding": {
            "y": place,
            "x": axis("middle", title=words.text("checks")),
            "text": {"field": "shown"},
        },
    }
    caption = words.text("overview.caption")
    height = 40 * len(counted)
    return draw([bars, numbers], words=words, title=caption, width=520, height=height).svg


def _provenance(report: QualityReport, words: Words) -> list[tuple[str, str]]:
    found = report.assessment
    digits = words.digits
    return [
        (words.text("rules"), words.text("rules.value")),
        (words.text("snapshot"), str(report.snapshot)),
        (words.text("snapshot_sha256"), report.snapshot_sha256),
        (words.text("vocabulary"), report.vocabulary_version),
        (words.text("scanned"), f"{digits(str(found.scanned))} / {digits(str(found.scans))}"),
        (words.text("took"), digits(f"{report.took.total_seconds():.1f}")),
    ]
