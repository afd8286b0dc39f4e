"""Reference page of the data quality checks: types, where they are asked, thresholds."""

from collections.abc import Iterator

from tools.markdown import code, generated, table

from laennec.quality.checks import VERSIONS, Check, Level, check_types, checks
from laennec.quality.page import quality_words

_INTRODUCTION = """\
The checks of the OHDSI Data Quality Dashboard that [`laennec quality`](commands.md#laennec-quality)
asks; [data quality](../explanation/data-quality.md) says when a row breaks each. They are packaged
from OHDSI/DataQualityDashboard 2f81ca9 (Apache-2.0) as they are. Categories are those of Kahn and
others (2016). A threshold is the percentage of rows that may break a check; 0 and none allow none.
"""


def quality_checks_page() -> str:
    """Return the page."""
    return "\n".join(
        [
            generated("Data quality checks", "src/laennec/quality/data"),
            _INTRODUCTION,
            "## Types\n",
            table(
                ("type", "asks", "category", "context", "severity", *VERSIONS),
                (
                    (
                        f"[`{name}`](#{name.lower()})",
                        quality_words("en").text(f"type.{name}"),
                        f"{kind.category}, {kind.subcategory}".removesuffix(", "),
                        kind.context,
                        kind.severity,
                        *(len(_of(name, version)) for version in VERSIONS),
                    )
                    for name, kind in check_types().items()
                ),
            ),
            *_sections(),
        ]
    )


def _of(name: str, version: str) -> list[Check]:
    return [check for check in checks(version) if check.name == name]


def _sections() -> Iterator[str]:
    for name, kind in check_types().items():
        yield f"## {name}\n"
        concepts = kind.level is Level.CONCEPT
        yield table(
            ("table", "CDM", "concepts" if concepts else "fields", "thresholds (%)"),
            _rows(name, concepts=concepts),
        )


def _rows(name: str, *, concepts: bool) -> Iterator[tuple[str, str, str, str]]:
    """Yield a line for each table, one for both versions where they are the same."""
    lines: dict[str, dict[tuple[str, str], list[str]]] = {}
    for version in VERSIONS:
        by_table: dict[str, list[Check]] = {}
        for check in _of(name, version):
            by_table.setdefault(check.table, []).append(check)
        for owner, found in by_table.items():
            said = (
                str(len(found)) if concepts else code(sorted({o.field for o in found if o.field}))
            )
            limits = sorted({one.threshold or 0.0 for one in found})
            line = (said or "the table", ", ".join(f"{limit:g}" for limit in limits))
            lines.setdefault(owner, {}).setdefault(line, []).append(version)
    for owner, said_by in sorted(lines.items()):
        for (what, allowed), versions in said_by.items():
            yield f"`{owner}`", ", ".join(versions), what, allowed
