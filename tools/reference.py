"""Write the reference pages that follow from the code, or say which of them are out of date.

    python tools/reference.py           write docs/reference/*.md
    python tools/reference.py --check   write nothing; fail and name what differs

Pages depend on the code alone: no clock, no machine, no order of a set. What is worth reading on
them stands in docstrings and tables of the code; this program only lays it out.
"""

import difflib
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "reference"
_SHOWN_LINES = 12


def makers() -> Mapping[str, Callable[[], str]]:
    """Return what makes each page, by file name."""
    # The cases of the spec are tests, and this file runs as a script: neither is on the path yet.
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    from tools.reference_atlas import atlas_page
    from tools.reference_cases import cases_page
    from tools.reference_commands import commands_page
    from tools.reference_quality import quality_checks_page
    from tools.reference_settings import settings_page
    from tools.reference_snds import snds_catalogue_page, snds_rules_page
    from tools.reference_snds_to_omop import snds_to_omop_page
    from tools.reference_tables import errors_page, events_page, intake_rules_page, profiles_page

    from laennec.omop.reference import coverage_page

    return {
        "atlas-fields.md": atlas_page,
        "commands.md": commands_page,
        "data-quality-checks.md": quality_checks_page,
        "errors.md": errors_page,
        "events.md": events_page,
        "intake-rules.md": intake_rules_page,
        "omop-coverage.md": coverage_page,
        "profile-values.md": profiles_page,
        "settings.md": settings_page,
        "snds-to-omop.md": snds_to_omop_page,
        "snds-catalogue.md": snds_catalogue_page,
        "snds-rules.md": snds_rules_page,
        "study-cases.md": cases_page,
    }


def outdated(pages: Mapping[str, str]) -> dict[str, str]:
    """Return the pages whose file differs, each with the beginning of the difference."""
    found = {}
    for name, text in pages.items():
        path = REFERENCE / name
        there = path.read_text(encoding="utf-8") if path.exists() else ""
        if there != text:
            lines = difflib.unified_diff(
                there.splitlines(), text.splitlines(), "as it is", "as the code says", lineterm=""
            )
            found[name] = "\n".join(list(lines)[:_SHOWN_LINES])
    return found


def main(arguments: list[str]) -> int:
    """Write or check; returns the exit status."""
    if arguments not in ([], ["--check"]):
        sys.stderr.write(f"{__doc__}\n")
        return 2
    pages = {name: make() for name, make in makers().items()}
    changed = outdated(pages)
    if arguments:
        for name, difference in changed.items():
            sys.stderr.write(f"docs/reference/{name} is out of date: make docs\n{difference}\n")
        return 1 if changed else 0
    for name in changed:
        (REFERENCE / name).write_text(pages[name], encoding="utf-8")
        sys.stdout.write(f"docs/reference/{name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
