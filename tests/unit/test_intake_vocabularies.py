"""Vocabularies as they are delivered, replaced by the next one, and added to by a site."""

import zipfile
from pathlib import Path

import polars as pl
import pytest

from fakes.intake_hub import SmallHub, small_data_set, write_csv
from laennec.core.errors import SourceError, VocabularyError
from laennec.omop.cdm import cdm

SITE = 2_000_000_000


def athena(table: str, *rows: str) -> str:
    """Return a file as Athena writes it: tabs, nothing quoted."""
    header = "\t".join(cdm("5.4").tables[table].field_names)
    return "\n".join((header, *(row.replace("|", "\t") for row in rows), ""))


CONCEPT = athena(
    "concept",
    '1|The "big" disease|Condition|SNOMED|Clinical Finding|S|11|19700101|20991231|',
    '2|5" needle, blunt|Device|SNOMED|Physical Object|S|22|19700101|20991231|',
    "3|A cause|Condition|SNOMED|Clinical Finding|S|33|19700101|20200229|U",
)
FILES = {
    "CONCEPT.csv": CONCEPT,
    "VOCABULARY.csv": athena("vocabulary", "None|OMOP Standardized Vocabularies||v5.0 29-FEB-24|1"),
    "CONCEPT_ANCESTOR.csv": athena("concept_ancestor", "1|1|0|0", "3|3|0|0", "1|3|1|1"),
    "CONCEPT_RELATIONSHIP.csv": athena("concept_relationship", "3|1|Is a|19700101|20991231|"),
    "CONCEPT_CPT4.csv": athena("concept", "9|incomplete"),
    "readme.txt": "Vocabularies",
}
SITE_FILES = {
    "concept": ",".join(cdm("5.4").tables["concept"].field_names)
    + f"\n{SITE},Asthme,Condition,CIM10,code,,J45,1970-01-01,2099-12-31,"
    + f"\n{SITE + 1},Asthme allergique,Condition,CIM10,code,,J450,1970-01-01,2099-12-31,\n",
    "concept_relationship": "concept_id_1,concept_id_2,relationship_id,valid_start_date,"
    f"valid_end_date,invalid_reason\n{SITE + 1},{SITE},Is a,1970-01-01,2099-12-31,\n"
    f"{SITE},1,Is a,1970-01-01,2099-12-31,\n",
}


def bundle(path: Path, files: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(f"vocabulary_download_v5/{name}", text)
    return path


@pytest.fixture
def hub(tmp_path: Path) -> SmallHub:
    hub = SmallHub(tmp_path / "hub")
    report = hub.intake().load_vocabulary(bundle(tmp_path / "athena.zip", FILES))
    assert (report.read, report.by_rule()) == (8, {})
    return hub


def test_an_athena_bundle(hub: SmallHub) -> None:
    names = hub.view().read_whole("concept", columns=["concept_name"])["concept_name"].to_list()
    assert names == ['The "big" disease', '5" needle, blunt', "A cause"]
    days = hub.view().read_whole("concept", columns=["valid_end_date"])["valid_end_date"]
    assert days.to_list()[2].isoformat() == "2020-02-29"
    assert hub.view().vocabulary_version == "v5.0 29-FEB-24"
    entry = hub.ledger.newest("intake:vocabulary:load")
    assert entry is not None
    assert entry.public["vocabulary_version"] == "v5.0 29-FEB-24"


def pairs(hub: SmallHub) -> set[tuple[int, ...]]:
    return set(hub.view().read_whole("concept_ancestor").rows())


def test_a_site_vocabulary_is_added_with_its_hierarchy(hub: SmallHub, tmp_path: Path) -> None:
    before = pairs(hub)
    report = hub.intake().load_vocabulary(write_csv(tmp_path / "site", SITE_FILES), add=True)
    assert (report.read, report.kept) == (4, 4)
    assert hub.view().rows()["concept"] == 5
    assert pairs(hub) == before | {
        (SITE, SITE, 0, 0),
        (SITE + 1, SITE + 1, 0, 0),
        (SITE, SITE + 1, 1, 1),
        (1, SITE, 1, 1),
        (1, SITE + 1, 2, 2),
    }
    again = {**SITE_FILES, "concept": SITE_FILES["concept"].replace("Asthme,", "Asthme (J45),")}
    report = hub.intake().load_vocabulary(write_csv(tmp_path / "again", again), add=True)
    assert report.already_loaded == {"concept_relationship.csv": 2}
    assert (report.quarantined, report.dropped) == (1, 1)


def test_a_cycle_in_the_site_hierarchy_is_refused(hub: SmallHub, tmp_path: Path) -> None:
    before = hub.vault.snapshot()
    cycle = SITE_FILES["concept_relationship"].replace(f"{SITE},1,", f"{SITE},{SITE + 1},")
    path = write_csv(tmp_path / "site", {**SITE_FILES, "concept_relationship": cycle})
    with pytest.raises(VocabularyError, match="cycle"):
        hub.intake().load_vocabulary(path, add=True)
    assert hub.vault.snapshot() == before


def test_the_next_vocabulary_replaces_its_tables_and_only_those(
    hub: SmallHub, tmp_path: Path
) -> None:
    new = athena("concept", "7|New|Condition|SNOMED|Clinical Finding|S|77|19700101|20991231|")
    hub.intake().load_vocabulary(bundle(tmp_path / "next.zip", {"CONCEPT.csv": new}))
    assert hub.view().read_whole("concept")["concept_id"].to_list() == [7]
    assert hub.view().rows()["concept_ancestor"] == 3
    assert hub.view(1).read_whole("concept").height == 3
    # The older file is not taken for loaded any more: its rows are not there.
    report = hub.intake().load_vocabulary(tmp_path / "athena.zip")
    assert [count.table for count in report.counts] == ["concept"]
    assert hub.view().read_whole("concept")["concept_id"].to_list() == [1, 2, 3]


def test_a_data_set_is_no_vocabulary(hub: SmallHub, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="holds no vocabulary table"):
        hub.intake().load_vocabulary(small_data_set(tmp_path / "data"))


def test_seeds_are_recognised_by_name(tmp_path: Path) -> None:
    hub = SmallHub(tmp_path / "hub")
    folder = tmp_path / "seeds"
    folder.mkdir()
    pl.DataFrame({"domain_id": ["D"], "domain_name": ["d"], "domain_concept_id": [1]}).write_csv(
        folder / "domain_seed.csv"
    )
    assert hub.intake().load_vocabulary(folder).counts[0].table == "domain"
