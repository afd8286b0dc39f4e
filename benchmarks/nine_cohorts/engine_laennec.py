"""Laennec: ``prepare CDM STORE`` makes a hub and loads it sealed, ``run STORE OUT`` finds cohorts.

The definitions are translated, their concept sets resolved in the hub's vocabulary, and all nine
are found in one pass: each table is read once in each person bucket, two buckets are in work at a
time, one of them in a process of its own that starts with the program. The rows leave by a way that
the product does not have: a hub answers with counts only.
"""

import json
import secrets
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from laennec import __version__
from laennec.app.create import create_hub
from laennec.app.hub import Hub, open_hub
from laennec.app.template import settings_text
from laennec.compute.processes import ProcessExecutor
from laennec.core.clock import system_clock
from laennec.core.progress import Quiet
from laennec.core.spill import forbid_spill
from laennec.omop.concepts import ConceptItem
from laennec.runs.definition_plan import DefinitionPlan, plan_definitions
from laennec.runs.processes import SnapshotInHand, ViewInHand
from laennec.study.circe import translate
from laennec.study.definition import Definition
from laennec.vault.passphrase import PassphraseFile
from laennec.warehouse.service import View
from nine_cohorts.circe_sql import definitions, write_rows
from nine_cohorts.cohort_rows import CohortTask

WORKERS = 2
MODULES = ("nine_cohorts.cohort_rows",)


def prepare(cdm: Path, store: Path) -> None:
    secret = store / "passphrase"
    secret.touch(mode=0o600)
    secret.write_text(secrets.token_hex(16) + "\n", encoding="utf-8")
    text = settings_text(
        name="nine", origin="benchmark/nine", passphrase_file=secret, passphrase_env=None
    )
    create_hub(store / "hub", text=text, passphrase=PassphraseFile(secret), clock=system_clock)
    with opened(store) as hub:
        report = hub.intake().load_omop(cdm)
    assert report.read == report.kept, "the rows of a synthetic CDM are all good"


@contextmanager
def opened(store: Path) -> Iterator[Hub]:
    with open_hub(store / "hub", clock=system_clock, reporter=Quiet()) as hub:
        yield hub


def run(store: Path, out: Path) -> None:
    forbid_spill()
    with opened(store) as hub, ProcessExecutor(WORKERS, modules=MODULES) as executor:
        view = hub.warehouse.loaded_view()
        began = time.perf_counter()
        place = SnapshotInHand(ViewInHand(view.reader(), view.snapshot), frozenset())
        found = list(executor.map(CohortTask(place, planned(view)), view.buckets()))
        seconds = time.perf_counter() - began
    each: dict[str, float] = {}
    for _, took in found:
        for name, spent in took.items():
            each[name] = each.get(name, 0.0) + spent
    write_rows(pl.concat([rows for rows, _ in found]), out)
    rounded = {name: round(spent, 3) for name, spent in each.items()}
    print(json.dumps({"seconds": seconds, "each": rounded, "version": __version__}))


def planned(view: View) -> DefinitionPlan:
    """Translate the definitions, and resolve the concept sets of each: names repeat."""
    named: dict[str, Sequence[ConceptItem]] = {}
    found: list[Definition] = []
    for number, text in definitions():
        translated = translate(json.loads(text), name=f"c{number}")
        own = {name: f"c{number}_{place}" for place, name in enumerate(translated.concept_sets)}
        found.append(renamed(translated.definition, own))
        named |= {own[name]: one.items for name, one in translated.concept_sets.items()}
    return plan_definitions(found, view.concepts(named))


def renamed(definition: Definition, names: Mapping[str, str]) -> Definition:
    """Return the definition with other names for its concept sets."""
    text = definition.model_dump_json()
    return Definition.model_validate(with_names(json.loads(text), names))


def with_names(value: object, names: Mapping[str, str]) -> object:
    if isinstance(value, dict):
        sets = ("concepts", "source_concepts", "concept_set")
        return {
            key: names[one] if key in sets and isinstance(one, str) else with_names(one, names)
            for key, one in value.items()
        }
    return [with_names(one, names) for one in value] if isinstance(value, list) else value


if __name__ == "__main__":
    {"prepare": prepare, "run": run}[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
