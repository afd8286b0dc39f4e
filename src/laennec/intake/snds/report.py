"""What came of a load of the SNDS: the fate of every row, by file; rules, persons, months; sums.

Counts, and names of files, tables, rules and months only; no value of a row.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from laennec.core.errors import EngineError
from laennec.intake.snds.fates import FileFates
from laennec.snds.finish import LineCount


@dataclass(frozen=True)
class SndsReport:
    """One finished load.

    Attributes:
        snapshot: Number of the snapshot it made, or None when there was nothing new to load.
        files: The fates of the rows of each file that was read.
        touched: Rows that each cleaning rule names, by rule; a rule that named none is there too.
        persons: Counts of the resolution of persons.
        refusals: Merges of persons that were refused, by reason.
        lines: What became of the lines made, by table of OMOP.
        months: Months of flux that the hub has now, in order.
        missing_months: Months between the first and the last that it has not.
        already_loaded: Units whose very bytes were loaded before, with the snapshot of that load.
        unread: Files of tables that nothing is made of.
        ignored: Files that are of no table of the SNDS.
        resumed: Units that an interrupted load had finished.
    """

    snapshot: int | None
    files: tuple[FileFates, ...]
    touched: Mapping[str, int]
    persons: Mapping[str, int]
    refusals: Mapping[str, int]
    lines: Mapping[str, LineCount]
    months: tuple[str, ...]
    missing_months: tuple[str, ...]
    already_loaded: Mapping[str, int]
    unread: tuple[str, ...]
    ignored: tuple[str, ...]
    resumed: int

    @property
    def read(self) -> int:
        """Rows read."""
        return sum(one.read for one in self.files)

    @property
    def kept(self) -> int:
        """Rows kept."""
        return sum(one.kept for one in self.files)

    @property
    def quarantined(self) -> int:
        """Rows in quarantine."""
        return sum(sum(one.quarantined.values()) for one in self.files)

    @property
    def dropped(self) -> int:
        """Rows dropped by a named rule."""
        return sum(sum(one.dropped.values()) for one in self.files)

    @property
    def apart(self) -> int:
        """Rows that belong to nobody."""
        return sum(sum(one.apart.values()) for one in self.files)

    def check(self) -> None:
        """Raise unless every row and every line has one fate.

        Raises:
            EngineError: they have not; a bug, and nothing may be committed.
        """
        wrong = [one.file for one in self.files if not one.reconciles]
        wrong += [table for table, count in self.lines.items() if not count.reconciles]
        if wrong:
            raise EngineError(
                f"The rows read are not those kept and refused: {', '.join(wrong)}.",
                remedy="This is a bug in Laennec; nothing was loaded.",
            )

    def to_json(self) -> bytes:
        """Return the report as JSON, as it is sealed with the snapshot."""
        form = {
            **vars(self),
            "files": [one.to_json() for one in self.files],
            "lines": {table: vars(count) for table, count in self.lines.items()},
        }
        return json.dumps(form, sort_keys=True).encode()
