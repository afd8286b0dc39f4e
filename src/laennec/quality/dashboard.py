"""Results in the Dashboard's own shapes, so that its viewer and other tools open them.

JSON as ``executeDqChecks`` 2.8 writes it (``CheckResults``, ``Metadata``, ``Overview``, times;
the threshold is in each result), and the same rows as CSV. What this program does not have (an SQL
text, a time for each check) is left out. Holds counts of single rows: for the steward in the hub.
"""

import csv
import io
import json
from collections import Counter
from collections.abc import Mapping

from laennec import __version__
from laennec.core.clock import timestamp
from laennec.quality.service import QualityReport
from laennec.quality.statuses import Result, Status

CATEGORIES = ("Completeness", "Conformance", "Plausibility")
COLUMNS = (
    "checkId",
    "checkName",
    "checkLevel",
    "checkDescription",
    "context",
    "category",
    "subcategory",
    "severity",
    "cdmTableName",
    "cdmFieldName",
    "conceptId",
    "numViolatedRows",
    "pctViolatedRows",
    "numDenominatorRows",
    "thresholdValue",
    "failed",
    "passed",
    "isError",
    "notApplicable",
    "notApplicableReason",
    "error",
    "sqlFile",
)

Cell = str | int | float


def to_json(report: QualityReport) -> str:
    """Return the results as the Dashboard's JSON."""
    results = [check_result(one) for one in report.assessment.results]
    ended = report.made_at + report.took
    seconds = round(report.took.total_seconds())
    return json.dumps(
        {
            # A single value stands in a list there, since R has no other; so it does here.
            "startTimestamp": [timestamp(report.made_at)],
            "endTimestamp": [timestamp(ended)],
            "executionTime": [f"{seconds} secs"],
            "executionTimeSeconds": [seconds],
            "CheckResults": results,
            "Metadata": [_metadata(report)],
            "Overview": {
                name: [value] for name, value in overview(report.assessment.results).items()
            },
        },
        ensure_ascii=False,
        indent=1,
    )


def to_csv(report: QualityReport) -> str:
    """Return a line for each check; what a check does not have is empty."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(check_result(one) for one in report.assessment.results)
    return out.getvalue()


def check_result(result: Result) -> dict[str, Cell]:
    """Return one entry of ``CheckResults``; what is not known is left out, as R does."""
    check, found = result.check, result.outcome
    kind = check.type
    asked = found.absent is None
    entry: dict[str, Cell | None] = {
        "numViolatedRows": found.violated if asked else None,
        "pctViolatedRows": result.share if asked else None,
        "numDenominatorRows": found.denominator if asked else None,
        "checkName": check.name,
        "checkLevel": kind.level.value,
        "checkDescription": check.description,
        "cdmTableName": check.table.upper(),
        "cdmFieldName": check.field.upper() or None,
        "conceptId": check.concept_id or None,
        "sqlFile": kind.sql_file,
        "category": kind.category,
        "subcategory": kind.subcategory or None,
        "context": kind.context,
        "severity": kind.severity,
        "error": None if asked or check.name in {"cdmTable", "cdmField"} else _absent(result),
        "checkId": check.check_id,
        "failed": int(result.status is Status.FAILED),
        "passed": int(result.status is Status.PASSED),
        "isError": int(result.status is Status.ERROR),
        "notApplicable": int(result.status is Status.NOT_APPLICABLE),
        "notApplicableReason": (
            result.sentence if result.status is Status.NOT_APPLICABLE else None
        ),
        "thresholdValue": check.threshold,
    }
    return {name: value for name, value in entry.items() if value is not None}


def _absent(result: Result) -> str:
    """Name what a check needs and is not there."""
    table, field = result.outcome.absent or ("", "")
    return f"{table.upper()}.{field.upper()} is absent" if field else f"{table.upper()} is absent"


def _metadata(report: QualityReport) -> Mapping[str, str]:
    """Return ``cdm_source`` with the Dashboard's names, and what made the results."""
    described = {_camel(name): value for name, value in report.source.items()}
    return {
        "cdmSourceName": report.hub,
        "cdmSourceAbbreviation": report.hub,
        "vocabularyVersion": report.vocabulary_version,
        "cdmVersion": report.version,
        **described,
        "dqdVersion": f"Laennec {__version__}, rules of 2.8",
        "snapshot": str(report.snapshot),
        "snapshotSha256": report.snapshot_sha256,
    }


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def overview(results: tuple[Result, ...]) -> Mapping[str, Cell]:
    """Return the Dashboard's totals. There, what did not fail counts as passed in the whole."""
    status = Counter(one.status for one in results)
    by_category = Counter((one.check.type.category, one.status) for one in results)
    total, failed = len(results), status[Status.FAILED]
    passed = total - failed
    counts: dict[str, Cell] = {
        "countTotal": total,
        "countPassed": passed,
        "countErrorFailed": sum(
            one.outcome.absent is not None and one.check.name not in {"cdmTable", "cdmField"}
            for one in results
        ),
        "countThresholdFailed": failed,
        "countOverallFailed": failed,
        "percentPassed": round(100 * passed / total, 2) if total else 0,
        "percentFailed": round(100 * failed / total, 2) if total else 0,
    }
    for category in CATEGORIES:
        of_category = sum(n for (name, _), n in by_category.items() if name == category)
        counts[f"countTotal{category}"] = of_category
        counts[f"countFailed{category}"] = by_category[category, Status.FAILED]
        counts[f"countPassed{category}"] = by_category[category, Status.PASSED]
    return counts
