"""From codes to concepts: one standard concept, or the site's own, or 0; rows as they were."""

import pickle
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laennec.omop.concepts import MAPS_TO
from laennec.snds.code_lists import listed, packaged, vocabularies
from laennec.snds.codes import IS_A, Codes, standard_concepts

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
BLEEDING, ULCER, CELECOXIB, DICLOFENAC = 192671, 4027663, 1118084, 1124300


def concept_of(codes: Codes, vocabulary: str, code: str | int | None) -> tuple[int, int, str]:
    """Return concept, source concept and domain of a code."""
    rows = pl.DataFrame({"code": [code]})
    (found,) = codes.attach(rows, "code", vocabulary, "x").drop("code").rows()
    concept, source, domain = found
    return int(concept), int(source), str(domain)


def source_of(vocabulary: str, code: str) -> int:
    rows = listed().filter((pl.col("name") == vocabulary) & (pl.col("code") == code))
    return int(rows["source_concept_id"].item())


def reference(*rows: tuple[str | None, str | None, str | None, str | None]) -> pl.DataFrame:
    """Return a drug reference: CIP13, UCD, ATC, name."""
    names = ("PHA_CIP_C13", "PHA_CIP_UCD", "PHA_ATC_CLA", "PHA_MED_NOM")
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")


# ---- attach --------------------------------------------------------------------------------------


def test_a_mapped_code_has_its_standard_concept_and_its_own() -> None:
    source = source_of("CIM10", "K922")
    assert concept_of(Codes.site(), "CIM10", "K92.2") == (BLEEDING, source, "Condition")


def test_an_unmapped_code_has_its_site_concept() -> None:
    source = source_of("CIM10", "Z999")
    assert concept_of(Codes.site(), "CIM10", "Z999") == (source, source, "Observation")


@pytest.mark.parametrize("code", ["QQQ", "", None, "K9222222"])
def test_an_unknown_code_is_nothing(code: str | None) -> None:
    rows = pl.DataFrame({"code": [code]}, schema={"code": pl.String})
    (found,) = Codes.site().attach(rows, "code", "CIM10", "x").drop("code").rows()
    assert found == (0, 0, "Condition")


def test_an_unknown_vocabulary_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(KeyError):
        Codes.site().attach(pl.DataFrame({"code": ["A"]}), "code", "CIM11", "x")


def test_integers_are_codes_too() -> None:
    source = source_of("PRS_NAT", "1111")
    assert concept_of(Codes.site(), "PRS_NAT", 1111) == (source, source, "Observation")


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.one_of(st.none(), st.sampled_from(["K922", "k92.2", "K250", "K259", "Z999", "?"])),
        max_size=20,
    )
)
def test_rows_stay_as_many_and_in_order(given_codes: list[str | None]) -> None:
    rows = pl.DataFrame(
        {"code": given_codes, "place": range(len(given_codes))},
        schema={"code": pl.String, "place": pl.Int64},
    )
    found = Codes.site().attach(rows, "code", "CIM10", "x")
    assert found.select(rows.columns).equals(rows)
    assert found.null_count().select(pl.exclude("code")).row(0) == (0, 0, 0, 0)
    alone = [
        Codes.site().attach(rows[place : place + 1], "code", "CIM10", "x").row(0)
        for place in range(rows.height)
    ]
    assert found.rows() == alone


def test_codes_travel_to_other_processes() -> None:
    there = pickle.loads(pickle.dumps(Codes.site()))  # noqa: S301 -- our own bytes
    assert concept_of(there, "CIM10", "K922") == concept_of(Codes.site(), "CIM10", "K922")


# ---- the shipped maps ----------------------------------------------------------------------------


def test_a_code_narrower_than_two_concepts_stays_and_is_below_both() -> None:
    codes = Codes.site()
    for code in ("K250", "K264", "K276", "K282"):
        source = source_of("CIM10", code)
        assert concept_of(codes, "CIM10", code) == (source, source, "Condition")
        links = codes.all_links().filter(pl.col("source_concept_id") == source)
        assert set(links["concept_id"]) == {BLEEDING, ULCER}
        assert set(links["relationship_id"]) == {IS_A}


def test_the_longest_code_decides() -> None:
    codes = Codes.site()
    assert concept_of(codes, "CIM10", "K25")[0] == ULCER
    assert concept_of(codes, "CIM10", "K251")[0] == ULCER
    assert concept_of(codes, "CIM10", "D649")[0] == concept_of(codes, "CIM10", "D500")[0]
    assert concept_of(codes, "CIM10", "A410")[0] != concept_of(codes, "CIM10", "A411")[0]


def test_a_map_that_holds_for_one_code_holds_for_no_longer_one() -> None:
    maps = packaged("maps.csv").filter((pl.col("name") == "CCAM") & (pl.col("below") == "0"))
    assert maps.height
    single = Codes.site().all_links()
    for code, target in maps.select("code", "concept_id").rows():
        links = single.filter(pl.col("source_concept_id") == source_of("CCAM", code))
        assert links["concept_id"].to_list() == [int(target)]


def test_every_map_names_a_shipped_code_and_a_standard_concept_by_its_name() -> None:
    maps = packaged("maps.csv")
    known = listed().select("name", "code")
    assert maps.join(known, on=["name", "code"], how="anti").is_empty()
    assert maps.select("name", "code", "concept_id").is_unique().all()
    standard = standard_concepts().filter(pl.col("standard_concept") == "S")
    named = standard.select(pl.col("concept_id").cast(pl.String), "concept_name", "source")
    assert maps.join(named, on=["concept_id", "concept_name", "source"], how="anti").is_empty()
    assert set(maps["match"]) == {"equal", "narrower"}
    assert maps["verified"].null_count() == 0


def test_every_shipped_concept_is_as_the_demo_data_has_it() -> None:
    with ZipFile(BytesIO((files("laennec.app") / "data" / "gibleed.zip").read_bytes())) as held:
        theirs = pl.read_parquet(BytesIO(held.read("concept.parquet")))
        pairs = pl.read_parquet(BytesIO(held.read("concept_ancestor.parquet")))
    ours = standard_concepts().filter(pl.col("source") == "GiBleed").drop("source")
    same = theirs.with_columns(pl.col("concept_id").cast(pl.Int64)).select(ours.columns)
    assert ours.height > 100
    assert ours.join(same, on=ours.columns, how="anti", nulls_equal=True).is_empty()
    own = (
        packaged("maps_ancestors.csv").cast(pl.Int64).filter(pl.col("max_levels_of_separation") > 0)
    )
    assert own.height
    assert own.join(pairs.cast(pl.Int64), on=own.columns, how="anti").is_empty()


def test_every_other_shipped_concept_is_as_synthea_has_it() -> None:
    path = SHARED / "omop-synthea27nj" / "Synthea27Nj_5.4.zip"
    if not path.exists():
        pytest.skip("shared/data/omop-synthea27nj is absent")
    with ZipFile(path) as held:
        theirs = pl.read_csv(held.read("CONCEPT.csv"), infer_schema=False)
    theirs = theirs.rename(str.lower)
    ours = standard_concepts().filter(pl.col("source") == "Synthea27Nj")
    key = ["concept_id", "concept_name", "domain_id", "vocabulary_id", "concept_code"]
    text = ours.select(pl.col(name).cast(pl.String) for name in key)
    assert ours.height + 135 == standard_concepts().height
    assert text.join(theirs, on=key, how="anti").is_empty()


# ---- a drug reference ----------------------------------------------------------------------------


def test_a_delivered_drug_is_its_ingredient() -> None:
    drugs = reference(("3400935437129", "9223463", "M01AH01", "CELEBREX 200MG GELULE 30"))
    codes = Codes.site().with_drugs(drugs)
    assert concept_of(codes, "CIP13", "3400935437129") == (CELECOXIB, 2_103_543_712, "Drug")
    assert concept_of(codes, "CIP13", "3543712") == (CELECOXIB, 2_103_543_712, "Drug")
    assert concept_of(codes, "UCD", "9223463") == (CELECOXIB, 2_129_223_463, "Drug")


@pytest.mark.parametrize("atc", ["M01AB55", "WHOMEO", None, "Q"])
def test_a_drug_of_several_or_unknown_ingredients_stays_its_own(atc: str | None) -> None:
    codes = Codes.site().with_drugs(reference(("3400930000016", None, atc, "SPECIALITE")))
    assert concept_of(codes, "CIP13", "3400930000016") == (2_103_000_001, 2_103_000_001, "Drug")


def test_a_drug_is_below_the_longest_atc_code_that_is_known() -> None:
    codes = Codes.site().with_drugs(
        reference(
            ("3400930000016", None, "M01AB99", "A"),
            ("3400930000023", None, "WHOMEO", "B"),
            ("3400930000030", None, "QQ", "C"),
        )
    )
    parents = dict(codes.listed.filter(pl.col("name") == "CIP13").select("code", "parent").rows())
    assert (parents["3000001"], parents["3000002"], parents["3000003"]) == ("M01AB", "W", None)


def test_concept_ids_do_not_depend_on_the_order_of_loads() -> None:
    rows = (
        ("3400930000016", "9000001", "M01AB05", "A"),
        ("3400930000023", "9000002", "M01AH01", "B"),
        ("3400930000016", "9000001", "M01AB05", "A"),
    )
    one = Codes.site().with_drugs(reference(*rows))
    two = Codes.site().with_drugs(reference(rows[1])).with_drugs(reference(rows[0]))
    for code in ("3000001", "3000002"):
        assert concept_of(one, "CIP13", code) == concept_of(two, "CIP13", code)
    order = ["name", "code"]
    assert one.listed.sort(order).equals(two.listed.sort(order))


def test_rows_without_a_code_are_left_out() -> None:
    before = Codes.site()
    nothing = reference((None, None, "M01AH01", "A"), ("12", "x", "M01AH01", "B"))
    assert before.with_drugs(nothing).listed.height == before.listed.height


def test_a_reference_may_lack_columns() -> None:
    drugs = pl.DataFrame({"PHA_PRS_IDE": ["3000001"], "PHA_ATC_C07": ["M01AB05"]})
    assert concept_of(Codes.site().with_drugs(drugs), "CIP13", "3000001")[0] == DICLOFENAC


def test_the_whole_drug_reference() -> None:
    path = SHARED / "pmsi-dcir-oracle-contents" / "IR_PHA_R_With_molecules.parquet"
    if not path.exists():
        pytest.skip("shared/data/pmsi-dcir-oracle-contents is absent")
    drugs = pl.read_parquet(path)
    found = Codes.site().with_drugs(drugs).attach(drugs, "PHA_CIP_C13", "CIP13", "drug")
    assert (found["drug_source_concept_id"] > 0).all()
    assert found["drug_source_concept_id"].n_unique() == drugs["PHA_CIP_C13"].n_unique()
    mapped = found.filter(pl.col("drug_concept_id") < 2_000_000_000)
    assert mapped.height > 3000
    celecoxib = set(found.filter(pl.col("PHA_ATC_C07") == "M01AH01")["drug_concept_id"])
    assert celecoxib == {CELECOXIB}


# ---- the hub's own vocabulary --------------------------------------------------------------------

CONCEPT = (
    (1, "Ulcer with haemorrhage", "Condition", "SNOMED", "Clinical Finding", "S", "s1", None),
    (2, "Bleeding", "Condition", "SNOMED", "Clinical Finding", "S", "s2", None),
    (3, "Withdrawn", "Condition", "SNOMED", "Clinical Finding", "S", "s3", "U"),
    (4, "Family history", "Observation", "SNOMED", "Context-dependent", "S", "s4", None),
    (11, "K25.0", "Condition", "ICD10", "ICD10 code", None, "K25.0", None),
    (12, "K25.0", "Condition", "CIM10", "CIM10 code", None, "K25.0", None),
    (13, "K92.2", "Condition", "CIM10", "CIM10 code", None, "K92.2", None),
    (14, "Z99.9", "Observation", "CIM10", "CIM10 code", None, "Z99.9", None),
    (21, "celecoxib", "Drug", "RxNorm", "Ingredient", "S", "r1", None),
    (22, "celecoxib 200 MG", "Drug", "RxNorm", "Clinical Drug", "S", "r2", None),
    (31, "celecoxib", "Drug", "ATC", "ATC 5th", "C", "M01AH01", None),
    (32, "CELEBREX", "Drug", "BDPM", "BDPM", None, "3543712", None),
    (33, "diclofenac", "Drug", "ATC", "ATC 5th", "C", "M01AB05", None),
    (41, "Creatinine", "Measurement", "LOINC", "Lab Test", "S", "2160-0", None),
)
LINKS = (
    (11, 2, None),
    (12, 1, None),
    (13, 3, None),
    (14, 2, None),
    (14, 4, None),
    (31, 21, None),
    (32, 22, None),
    (33, 22, None),
)


def hub(links: tuple[tuple[int, int, str | None], ...] = LINKS) -> Codes:
    names = (
        "concept_id",
        "concept_name",
        "domain_id",
        "vocabulary_id",
        "concept_class_id",
        "standard_concept",
        "concept_code",
        "invalid_reason",
    )
    concept = pl.DataFrame(CONCEPT, schema=names, orient="row", infer_schema_length=None)
    rows = [(*one[:2], MAPS_TO, one[2]) for one in links]
    kinds = {
        "concept_id_1": pl.Int64,
        "concept_id_2": pl.Int64,
        "relationship_id": pl.String,
        "invalid_reason": pl.String,
    }
    relationship = pl.DataFrame(rows, schema=kinds, orient="row")
    own = pl.DataFrame(
        {
            "source_code": ["0592", "0593"],
            "source_vocabulary_id": ["FR NABM", "FR NABM"],
            "target_concept_id": [41, 99],
            "invalid_reason": [None, None],
        },
        schema_overrides={"invalid_reason": pl.String},
    )
    drugs = reference(
        ("3400935437129", "9223463", "M01AH01", "CELEBREX"),
        ("3400930000016", None, "M01AH01", "GENERIQUE"),
        ("3400930000023", None, "M01AB05", "AUTRE"),
    )
    return Codes.site().with_vocabulary(concept, relationship, own).with_drugs(drugs)


def test_the_hubs_map_wins_over_the_shipped_one_and_cim10_over_icd10() -> None:
    assert concept_of(hub(), "CIM10", "K250")[0] == 1
    assert concept_of(hub(LINKS[:1]), "CIM10", "K250")[0] == 2


def test_a_target_that_is_not_standard_or_not_there_is_none() -> None:
    source = source_of("CIM10", "K922")
    assert concept_of(hub(), "CIM10", "K922") == (source, source, "Condition")
    measured = source_of("NABM", "593")
    assert concept_of(hub(), "NABM", "0593") == (measured, measured, "Measurement")


def test_a_withdrawn_map_is_none() -> None:
    source = source_of("CIM10", "K250")
    assert concept_of(hub(((12, 1, "D"),)), "CIM10", "K250")[0] == source


def test_several_targets_are_above_the_site_concept() -> None:
    source = source_of("CIM10", "Z999")
    assert concept_of(hub(), "CIM10", "Z999") == (source, source, "Observation")
    links = hub().all_links().filter(pl.col("source_concept_id") == source)
    assert sorted(links.select("concept_id", "relationship_id").rows()) == [(2, IS_A), (4, IS_A)]


def test_the_sites_own_map_comes_first() -> None:
    assert concept_of(hub(), "NABM", "592") == (41, source_of("NABM", "592"), "Measurement")


def test_a_drug_is_its_own_concept_else_its_ingredient() -> None:
    assert concept_of(hub(), "CIP13", "3543712")[0] == 22
    assert concept_of(hub(), "CIP13", "3000001")[0] == 21
    assert concept_of(hub(), "CIP13", "3000002")[0] == 2_103_000_002


def test_the_public_pairs_of_nabm_and_loinc_can_be_a_sites_map() -> None:
    path = SHARED / "nabm-loinc" / "nabm2loinc_2020.csv.gz"
    if not path.exists():
        pytest.skip("shared/data/nabm-loinc is absent")
    pairs = pl.read_csv(path, infer_schema=False)
    loinc = pairs.select("loinc_concept_code", "loinc_concept_name").unique("loinc_concept_code")
    concept = loinc.with_row_index("concept_id", offset=3_000_000).select(
        pl.col("concept_id").cast(pl.Int64),
        pl.col("loinc_concept_name").alias("concept_name"),
        pl.lit("Measurement").alias("domain_id"),
        pl.lit("LOINC").alias("vocabulary_id"),
        pl.lit("Lab Test").alias("concept_class_id"),
        pl.lit("S").alias("standard_concept"),
        pl.col("loinc_concept_code").alias("concept_code"),
        pl.lit(None, pl.String).alias("invalid_reason"),
    )
    own = pairs.join(concept, left_on="loinc_concept_code", right_on="concept_code").select(
        pl.col("nabm_concept_code").alias("source_code"),
        pl.lit("FR NABM").alias("source_vocabulary_id"),
        pl.col("concept_id").alias("target_concept_id"),
        "invalid_reason",
    )
    names = ("concept_id_1", "concept_id_2", "relationship_id", "invalid_reason")
    nothing = pl.DataFrame(schema=dict.fromkeys(names, pl.String))
    codes = Codes.site().with_vocabulary(concept, nothing, own)
    table = codes.table("NABM")
    # Most acts are several LOINC codes: they stay, below each of them.
    single = table.filter(pl.col("concept_id") < 2_000_000_000)
    linked = codes.all_links()["source_concept_id"].unique()
    assert 0 < single.height < len(linked) <= table.height


def test_every_vocabulary_can_be_asked() -> None:
    for name in vocabularies():
        table = Codes.site().table(name)
        assert table["code"].is_unique().all()
        assert table.null_count().sum_horizontal().item() == 0
