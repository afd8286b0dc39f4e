"""Releasing a run together with a report that people can read."""

from datetime import datetime

from laennec.airlock.service import Release
from laennec.app.design import concept_names, describe_study
from laennec.app.hub import Hub
from laennec.disclosure.check import Review
from laennec.disclosure.profiles import load_profile
from laennec.report import Fact, Step, StudyReport, render
from laennec.runs.service import RunRecord
from laennec.study.model import Study

REPORT = "report.html"

_FACTS = {
    "en": ("Run", "Snapshot", "Study SHA-256", "Disclosure profile", "Log"),
    "fr": (
        "Exécution",
        "Instantané",
        "SHA-256 de l’étude",
        "Profil",
        "Registre",
    ),
}
_UNKNOWN_SET = {
    "en": "Concept set without a concept in the vocabulary",
    "fr": "Ensemble de concepts absent du vocabulaire",
}


def release_run(hub: Hub, run: str, *, language: str, steps: tuple[Step, ...] = ()) -> Release:
    """Release a run: the result as CSV and Parquet, a report, and a proof beside each.

    Args:
        hub: Where the run is.
        run: Its name.
        language: Of the report: ``"en"`` or ``"fr"``.
        steps: A story to tell in the report, if any; texts in that language.

    Raises:
        NotFoundError: there is no such run.
        AlreadyExistsError: it was released before.
        PolicyError: the profile does not know this kind of output.
    """
    record, study, result = hub.runs().result(run)

    def report(review: Review) -> dict[str, bytes]:
        page = render(_report(hub, record, study, review, language, steps), language=language)
        return {REPORT: page.encode()}

    return hub.airlock().release(record, result, companion=report)


def _report(
    hub: Hub,
    record: RunRecord,
    study: Study,
    review: Review,
    language: str,
    steps: tuple[Step, ...],
) -> StudyReport:
    values = (
        record.run,
        str(record.snapshot),
        record.study_sha256,
        review.profile,
        hub.ledger.verifier_key,
    )
    return StudyReport(
        title=study.title,
        description=study.description,
        hub=hub.settings.hub.name,
        made_at=datetime.fromisoformat(record.made_at),
        result=review.published,
        hidden=len(review.findings),
        steps=steps,
        provenance=(
            *(Fact(label, value) for label, value in zip(_FACTS[language], values, strict=True)),
            *(Fact(_UNKNOWN_SET[language], name) for name in record.unknown_sets),
        ),
        threshold=load_profile(hub.settings.disclosure.profile).threshold,
        design=describe_study(
            study,
            names=concept_names(study, hub.warehouse, snapshot=record.snapshot),
            language=language,
        ),
    )
