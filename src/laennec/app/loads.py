"""Loading into a hub, with a line for the operator's log."""

from pathlib import Path

from laennec.app.hub import Hub
from laennec.core.log import Message, say
from laennec.intake.report import LoadReport


def load_omop(hub: Hub, source: Path, *, encoding: str, keep_repeated: bool) -> LoadReport:
    """Load an OMOP data set; the contract is that of ``Intake.load_omop``."""
    intake = hub.intake(encoding=encoding, keep_repeated=keep_repeated)
    return _logged(intake.load_omop(source))


def load_vocabulary(hub: Hub, source: Path, *, encoding: str, add: bool) -> LoadReport:
    """Load a vocabulary; the contract is that of ``Intake.load_vocabulary``."""
    return _logged(hub.intake(encoding=encoding).load_vocabulary(source, add=add))


def _logged(report: LoadReport) -> LoadReport:
    snapshot = {} if report.snapshot is None else {"snapshot": report.snapshot}
    say(
        Message.LOADED,
        files=len(report.counts),
        rows_read=report.read,
        rows_kept=report.kept,
        rows_quarantined=report.quarantined,
        rows_dropped=report.dropped,
        **snapshot,
    )
    return report
