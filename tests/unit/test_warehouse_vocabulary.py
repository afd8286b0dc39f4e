"""Questions about the vocabulary of a warehouse, on the demo's data and on a crafted one."""

from importlib.resources import as_file, files
from pathlib import Path

import pytest

from fakes.intake_hub import SmallHub
from laennec.omop.checks import Rule
from laennec.warehouse.service import View
from laennec.warehouse.vocabulary import vocabulary_coverage, vocabulary_findings


def demo_hub(folder: Path) -> SmallHub:
    hub = SmallHub(folder)
    with as_file(files("laennec.app") / "data" / "gibleed.zip") as source:
        hub.load(source)
    return hub


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> View:
    return demo_hub(tmp_path_factory.mktemp("hub")).view()


def test_coverage_counts_every_row_once(demo: View) -> None:
    found = vocabulary_coverage(demo)
    coded = ("condition_occurrence", "drug_exposure", "observation", "procedure_occurrence")
    rows = demo.rows()
    assert found["rows"].sum() == sum(rows[one] for one in coded) + rows["visit_occurrence"]
    assert (found["rows_mapped"] <= found["rows"]).all()
    assert found["rows_mapped"].sum() > 0


def test_findings_name_what_the_demo_vocabulary_lacks(demo: View) -> None:
    rules = {one.rule for one in vocabulary_findings(demo)}
    assert Rule.STANDARD_WITHOUT_ANCESTOR in rules


def test_a_site_concept_of_an_unknown_domain_is_found(tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "concept.csv").write_text(
        "concept_id,concept_name,domain_id,vocabulary_id,concept_class_id,standard_concept,"
        "concept_code,valid_start_date,valid_end_date,invalid_reason\n"
        "2000000001,Acte local,Nowhere,LOCAL,Acte,,A1,1970-01-01,2099-12-31,\n"
    )
    hub = demo_hub(tmp_path)
    hub.intake().load_vocabulary(site, add=True)
    (found,) = [
        one for one in vocabulary_findings(hub.view()) if one.rule is Rule.SITE_DOMAIN_UNKNOWN
    ]
    assert found.examples == (2_000_000_001,)
