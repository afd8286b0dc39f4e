"""Exporting the tables of a hub in clear, with a line for the operator's log."""

from collections.abc import Sequence
from pathlib import Path

from laennec.app.hub import Hub
from laennec.core.log import Message, say
from laennec.reversibility.export import Exporter, Options
from laennec.reversibility.export_model import ExportReport, Form, Plan


def plan_export(
    hub: Hub,
    folder: Path,
    *,
    form: Form,
    tables: Sequence[str] = (),
    snapshot: int | None = None,
    with_quarantine: bool = False,
) -> Plan:
    """Say what an export would write; the contract is that of ``Exporter.plan``."""
    return _exporter(hub).plan(
        folder, form=form, tables=tables, snapshot=snapshot, with_quarantine=with_quarantine
    )


def write_export(hub: Hub, plan: Plan) -> ExportReport:
    """Write an export; the contract is that of ``Exporter.write``."""
    report = _exporter(hub).write(plan)
    say(
        Message.EXPORTED,
        snapshot=plan.view.snapshot.number,
        tables=len(plan.sheets),
        rows=plan.rows,
        files=len(report.files),
        bytes=report.size,
    )
    return report


def _exporter(hub: Hub) -> Exporter:
    settings = hub.settings
    options = Options(
        hub=settings.hub.origin,
        scratch=settings.runs.scratch,
        memory_bytes=settings.runs.memory_mb << 20,
        workers=hub.workers,
        keep_out=(
            settings.store.folder,
            settings.store.cache,
            settings.keys.folder,
            settings.ledger.folder,
            settings.runs.scratch,
            settings.disclosure.releases,
        ),
    )
    return Exporter(
        hub.warehouse, hub.ledger, clock=hub.clock, reporter=hub.reporter, options=options
    )
