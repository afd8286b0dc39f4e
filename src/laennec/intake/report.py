"""What came of a load: rows read, kept, quarantined and dropped, by table and rule; sums that fit.

Counts of rows and names of files and tables only; no value of a row.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from laennec.intake.rules import Rule, TableCount


@dataclass(frozen=True)
class LoadReport:
    """One finished load.

    Attributes:
        snapshot: Number of the snapshot it made, or None when there was nothing new to load.
        cdm_version: Version the files are in.
        counts: One for each file that was read.
        unknown_columns: Per file: columns the CDM does not have; they are not kept.
        already_loaded: Files whose very bytes were loaded before, with the snapshot of that load.
    """

    snapshot: int | None
    cdm_version: str
    counts: tuple[TableCount, ...]
    unknown_columns: Mapping[str, tuple[str, ...]]
    already_loaded: Mapping[str, int]

    @property
    def read(self) -> int:
        """Rows read."""
        return sum(one.read for one in self.counts)

    @property
    def kept(self) -> int:
        """Rows kept."""
        return sum(one.kept for one in self.counts)

    @property
    def quarantined(self) -> int:
        """Rows in quarantine."""
        return sum(one.quarantined for one in self.counts)

    @property
    def dropped(self) -> int:
        """Rows dropped."""
        return sum(one.dropped for one in self.counts)

    def by_rule(self) -> Mapping[Rule, int]:
        """Return rows refused by each rule that refused any."""
        total = dict.fromkeys(Rule, 0)
        for one in self.counts:
            for rule, rows in one.refused.items():
                total[rule] += rows
        return {rule: rows for rule, rows in total.items() if rows}

    def to_json(self) -> bytes:
        """Return the report as JSON, as it is sealed with the snapshot."""
        return json.dumps(
            {
                "cdm_version": self.cdm_version,
                "files": [
                    {
                        "table": one.table,
                        "file": one.file,
                        "read": one.read,
                        "kept": one.kept,
                        "repeated_kept": one.repeated_kept,
                        "refused": {rule.value: rows for rule, rows in one.refused.items()},
                    }
                    for one in self.counts
                ],
                "unknown_columns": {
                    file: list(names) for file, names in self.unknown_columns.items()
                },
                "already_loaded": dict(self.already_loaded),
            },
            sort_keys=True,
        ).encode()
