"""The catalogue: what it says of tables, years and columns, and which faults it mends."""

import csv
import io
import tomllib
from collections import Counter
from fnmatch import fnmatchcase
from importlib.resources import files

import pytest

from laennec.snds.catalogue import Column, Kind, Table, catalogue, family_of, required
from laennec.snds.catalogue_export import HEADER, as_csv, data_package, name_in, table_schema
from laennec.snds.keys import NINE_KEYS, stay_columns

TABLES = catalogue().tables
EVERY = [(table, column) for table in TABLES.values() for column in table.columns]


def column(family: str, name: str, year: int | None = None) -> Column:
    return TABLES[family].in_year(year)[name]


def test_the_catalogue_is_large_and_has_a_version() -> None:
    assert len(TABLES) == 241
    assert len(EVERY) > 5500
    assert catalogue().version
    assert catalogue() is catalogue()
    assert sum(bool(one.says) for _, one in EVERY) > 500


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.family)
def test_a_column_is_never_there_twice_in_a_year(table: Table) -> None:
    assert table.columns
    for year in range(2004, 2025):
        there = [one.name for one in table.columns if one.exists_in(year)]
        assert len(there) == len(set(there)) == len(table.in_year(year))


def test_columns_have_years_in_order_and_names_in_capitals() -> None:
    for table, one in EVERY:
        assert one.name == one.name.upper(), (table.family, one.name)
        assert (one.first_year or 0) <= (one.last_year or 9999), (table.family, one.name)
        assert one.decimals is None or one.kind is Kind.DECIMAL, (table.family, one.name)


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("T_MCO19B", ("T_MCOaaB", 2019)),
        ("t_mco05c", ("T_MCOaaC", 2005)),
        ("T_MCO19CSTC", ("T_MCOaaCSTC", 2019)),
        ("T_RIP16RSA", ("T_RIPaaRSA", 2016)),
        ("T_MCOaaB", ("T_MCOaaB", None)),
        ("ER_PRS_F", ("ER_PRS_F", None)),
        ("ER_PRS_F_2012", ("ER_PRS_F", 2012)),
        ("KI_CCI_R_2016", ("KI_CCI_R", 2016)),
        ("IR_BEN_R", ("IR_BEN_R", None)),
        ("CT_IND_2019_GN", ("CT_IND_AAAA_GN", 2019)),
        ("T_MCO13_02B", None),
        ("T_MCO19XYZ", None),
        ("T_MCO1B", None),
        ("ER_PRS_F_201902", None),
        ("ER_PRS_F_12", None),
        ("", None),
    ],
)
def test_family_and_year_of_a_name(name: str, known: tuple[str, int | None] | None) -> None:
    assert family_of(name) == known


def test_every_family_is_found_under_its_own_name_and_that_of_a_year() -> None:
    for table in TABLES.values():
        assert family_of(table.family) == (table.family, None)
        if name_in(table, 2016) != table.family:
            assert family_of(name_in(table, 2016)) == (table.family, 2016)


@pytest.mark.parametrize("family", [name for name in TABLES if name.startswith("ER_")])
def test_the_dcir_joins_on_nine_keys_and_its_claim_forms_on_seven(family: str) -> None:
    keys = {name for name, one in TABLES[family].in_year(2019).items() if one.key}
    above = {"PRS_ORD_NUM", "REM_TYP_AFF"} if family == "ER_DCT_F" else set()
    assert keys == set(NINE_KEYS) - above
    assert keys <= required(family, 2019)


@pytest.mark.parametrize(
    ("field", "families"),
    [
        ("MCO", "T_MCOaaB T_MCOaaC T_MCOaaA T_MCOaaD T_MCOaaUM T_MCOaaMED T_MCOaaFA"),
        ("SSR", "T_SSRaaB T_SSRaaC T_SSRaaD T_SSRaaCCAM T_SSRaaCSARR"),
        ("HAD", "T_HADaaB T_HADaaC T_HADaaD T_HADaaA T_HADaaGRP"),
        ("RIP", "T_RIPaaRSA T_RIPaaC T_RIPaaRSAD"),
    ],
)
def test_tables_of_the_pmsi_are_keyed_by_stay(field: str, families: str) -> None:
    for family in families.split():
        keys = {name for name, one in TABLES[family].in_year(2016).items() if one.key}
        assert keys == set(stay_columns(field)), family
        assert all(column(family, key).kind is Kind.TEXT for key in keys)


@pytest.mark.parametrize(
    ("family", "year", "names"),
    [
        ("ER_PRS_F", 2018, {*NINE_KEYS, "BEN_NIR_PSA", "BEN_RNG_GEM"}),
        ("IR_BEN_R", None, {"BEN_NIR_PSA", "BEN_RNG_GEM"}),
        ("IR_IMB_R", None, {"BEN_NIR_PSA", "BEN_RNG_GEM"}),
        ("T_MCOaaC", 2018, {"ETA_NUM", "RSA_NUM", "NIR_ANO_17"}),
        ("T_MCOaaCSTC", 2018, {"ETA_NUM", "SEQ_NUM", "NIR_ANO_17"}),
        ("T_SSRaaC", 2018, {"ETA_NUM", "RHA_NUM", "NIR_ANO_17"}),
        ("T_HADaaC", 2018, {"ETA_NUM_EPMSI", "RHAD_NUM", "NIR_ANO_17"}),
        ("T_RIPaaC", 2018, {"ETA_NUM_EPMSI", "RIP_NUM", "NIR_ANO_17"}),
        ("T_RIPaaR3A", 2018, {"ETA_NUM_EPMSI", "SEJ_IDT", "ORD_NUM"}),
        ("KI_CCI_R", 2018, {"DCD_IDT_ENC", "BEN_IDT_ANO"}),
        ("KI_ECD_R", 2018, {"DCD_IDT_ENC"}),
        ("T_MCOaaCSTC", 2006, set()),
    ],
)
def test_what_a_table_cannot_be_used_without(
    family: str, year: int | None, names: set[str]
) -> None:
    assert required(family, year) == names


def test_a_family_nobody_knows_is_refused() -> None:
    with pytest.raises(KeyError):
        required("T_XYZaaB", 2018)


@pytest.mark.parametrize("family", [name for name in TABLES if name.startswith("T_")])
def test_return_codes_are_text(family: str) -> None:
    for one in TABLES[family].columns:
        if one.name.endswith("_RET"):
            assert one.kind is Kind.TEXT, one.name


@pytest.mark.parametrize(
    ("family", "name", "kind", "length"),
    [
        ("T_MCOaaC", "RSA_NUM", Kind.TEXT, 10),
        ("T_MCOaaB", "ETA_NUM", Kind.TEXT, 9),
        ("IR_BEN_R", "BEN_IDT_ANO", Kind.TEXT, 18),
        ("IR_BEN_R", "BEN_NIR_PSA", Kind.TEXT, 17),
        ("IR_BEN_R", "BEN_RNG_GEM", Kind.INTEGER, 2),
        ("IR_BEN_R", "BEN_SEX_COD", Kind.INTEGER, 2),
        ("IR_BEN_R", "BEN_NAI_ANN", Kind.TEXT, 4),
        ("IR_BEN_R", "BEN_NAI_MOI", Kind.TEXT, 2),
        ("IR_BEN_R", "BEN_DCD_AME", Kind.TEXT, 6),
        ("IR_BEN_R", "BEN_DCD_DTE", Kind.DATE, None),
        ("IR_BEN_R", "BEN_DTE_INS", Kind.DATE, None),
        ("ER_PRS_F", "PRS_NAT_REF", Kind.INTEGER, 5),
        ("ER_PRS_F", "BEN_SEX_COD", Kind.INTEGER, 2),
        ("ER_PRS_F", "PRS_PAI_MNT", Kind.DECIMAL, 11),
        ("ER_PRS_F", "EXE_SOI_DTD", Kind.DATE, None),
        ("ER_PRS_F", "FLX_DIS_DTD", Kind.DATE, None),
        ("ER_PHA_F", "PHA_PRS_C13", Kind.TEXT, 13),
        ("ER_PHA_F", "PHA_ACT_QSN", Kind.INTEGER, 4),
        ("ER_BIO_F", "BIO_PRS_IDE", Kind.TEXT, 4),
        ("ER_TIP_F", "TIP_PRS_IDE", Kind.TEXT, 13),
        ("ER_UCD_F", "UCD_UCD_COD", Kind.TEXT, 13),
        ("ER_CAM_F", "CAM_PRS_IDE", Kind.TEXT, 13),
        ("T_MCOaaB", "AGE_ANN", Kind.INTEGER, 4),
        ("T_MCOaaB", "COD_SEX", Kind.TEXT, 1),
        ("T_MCOaaC", "ENT_DAT", Kind.DATE, 8),
        ("T_MCOaaC", "EXE_SOI_DTD", Kind.DATE, None),
        ("T_MCOaaC", "SOR_ANN", Kind.TEXT, 4),
        ("T_MCOaaA", "ENT_DAT_DEL", Kind.INTEGER, 4),
        ("T_MCOaaFB", "FAC_MNT", Kind.DECIMAL, 10),
        ("T_SSRaaFPSTC", "FAC_MNT", Kind.DECIMAL, 7),
        ("T_SSRaaB", "JP_HWE", Kind.TEXT, 5),
        ("T_SSRaaB", "MOI_ANN", Kind.TEXT, 6),
        ("T_SSRaaC", "SOR_DAT", Kind.DATE, 8),
        ("NS_PRS_F", "EXE_SOI_DTD", Kind.DATE, 8),
    ],
)
def test_kind_and_length(family: str, name: str, kind: Kind, length: int | None) -> None:
    found = column(family, name)
    assert (found.kind, found.length) == (kind, length)


@pytest.mark.parametrize(
    ("family", "name", "years"),
    [
        ("ER_PRS_F", "BEN_NIR_PSA", (2006, None)),
        ("ER_PRS_F", "BEN_C2S_TYP", (2013, None)),
        ("ER_DCT_F", "DCT_EMT_IDT", (2006, 2012)),
        ("T_MCOaaC", "DAT_RET", (2006, None)),
        ("T_MCOaaC", "COH_NAI_RET", (2013, None)),
        ("T_MCOaaC", "SOR_ANN", (2005, 2018)),
        ("T_MCOaaCSTC", "ENT_DAT_RET", (2009, None)),
        ("T_SSRaaB", "TYP_GEN_RHA", (2015, None)),
        ("T_HADaaB", "ETA_NUM_EPMSI", (2007, None)),
        ("KI_CCI_R", "DCD_CIM_COD", (2006, None)),
        ("IR_BEN_R", "BEN_NIR_PSA", (None, None)),
    ],
)
def test_years(family: str, name: str, years: tuple[int | None, int | None]) -> None:
    found = column(family, name)
    assert (found.first_year, found.last_year) == years


def test_a_gap_in_the_years_is_no_year_of_the_column() -> None:
    gaps = Counter((table.family, one.name) for table, one in EVERY)
    family, name = next(
        (table.family, one.name)
        for table, one in EVERY
        if gaps[table.family, one.name] == 2
        and one.last_year
        and not any(
            other.name == one.name and other.first_year == one.last_year + 1
            for other in table.columns
        )
    )
    runs = [one for one in TABLES[family].columns if one.name == name]
    gone = (runs[0].last_year or 0) + 1
    assert name not in TABLES[family].in_year(gone)
    assert name in TABLES[family].in_year(gone - 1)


def test_a_table_outside_its_years_has_no_columns() -> None:
    assert not TABLES["T_MCOaaB"].in_year(2004)
    assert not TABLES["T_MCOaaCSTC"].in_year(2007)
    assert not TABLES["ER_PRS_F"].in_year(2005)
    assert not TABLES["T_SSRaaGHJ"].in_year(2013)
    assert TABLES["T_SSRaaGHJ"].years == (2005, 2012)
    assert TABLES["IR_BEN_R"].years == (None, None)


def test_potential_identifiers_are_flagged_in_every_table() -> None:
    flagged = {one.name for _, one in EVERY if one.quasi_identifier}
    assert flagged >= {"BEN_RES_COM", "BDI_COD", "EXE_SOI_DTD", "BEN_DCD_DTE", "BEN_NAI_MOI"}
    for name in flagged & {"BEN_RES_COM", "EXE_SOI_DTD", "BEN_DCD_DTE", "BEN_NAI_MOI"}:
        assert {one.quasi_identifier for _, one in EVERY if one.name == name} == {True}
    assert not column("ER_PRS_F", "BEN_NAI_ANN").quasi_identifier


def test_every_correction_is_explained_and_named_by_a_column() -> None:
    reasons = {one.id: one.reason for one in catalogue().corrections}
    named = {name for _, one in EVERY for name in one.corrections}
    told = tomllib.loads(
        (files("laennec.snds") / "data" / "catalogue.toml").read_text(encoding="utf-8")
    )
    removing = {one["id"] for one in told["correction"] if one.get("absent")}
    assert named == reasons.keys() - removing
    assert all(reason.endswith(".") for reason in reasons.values())
    for rule in told["correction"]:
        for family in rule.get("families", []) if rule.get("absent") else []:
            found = [name for name in TABLES if fnmatchcase(name, family)]
            assert found
            assert not set(rule["columns"]) & set(TABLES[found[0]].in_year(None))


def test_what_the_sources_say_stands_beside_what_was_chosen() -> None:
    found = column("IR_BEN_R", "BEN_IDT_ANO")
    assert found.says == "portal text(18); kwikly text(18); schema text(17)"
    assert "length-of-ben-idt-ano" in found.corrections


def test_a_variant_names_columns_that_exist() -> None:
    names = {one.name for _, one in EVERY}
    for stands_for in catalogue().variants.values():
        assert {name for of in stands_for.values() for name in of} <= names
        assert not stands_for.keys() & names


def test_references_lead_to_columns_that_exist() -> None:
    for table in TABLES.values():
        for reference in table.references:
            assert set(reference.columns) <= set(table.in_year(None))
            other = TABLES[reference.of_family].in_year(None)
            assert set(reference.of_columns) <= set(other)
            assert len(reference.columns) == len(reference.of_columns)


def test_csv_has_a_row_for_each_column_and_run_of_years() -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(TABLES.values(), None))))
    assert len(rows) == len(EVERY)
    assert tuple(rows[0]) == HEADER
    of_2019 = list(csv.DictReader(io.StringIO(as_csv([TABLES["T_MCOaaC"]], 2019))))
    assert {row["column"] for row in of_2019} == set(TABLES["T_MCOaaC"].in_year(2019))
    assert {row["key"] for row in of_2019} == {"yes", ""}


TYPES = {"string", "integer", "number", "date"}
"""Of those that Table Schema knows, the ones used here."""


@pytest.mark.parametrize("year", [None, 2012, 2019])
def test_table_schemas_are_valid(year: int | None) -> None:
    package = data_package(catalogue(), year)
    names = [one["name"] for one in package["resources"]]
    assert len(names) == len(set(names))
    by_name = {one["name"]: one["schema"] for one in package["resources"]}
    for resource in package["resources"]:
        schema = resource["schema"]
        fields = [one["name"] for one in schema["fields"]]
        assert fields
        assert len(fields) == len(set(fields))
        assert {one["type"] for one in schema["fields"]} <= TYPES
        assert set(schema.get("primaryKey", [])) <= set(fields)
        assert resource["path"].endswith(".csv")
        for one in schema["fields"]:
            assert set(one.get("constraints", {})) <= {"required", "maxLength"}
            assert one["type"] == "string" or "maxLength" not in one.get("constraints", {})
        for reference in schema.get("foreignKeys", []):
            target = by_name[reference["reference"]["resource"]]
            assert set(reference["fields"]) <= set(fields)
            assert set(reference["reference"]["fields"]) <= {f["name"] for f in target["fields"]}


def test_a_table_schema_tells_keys_references_and_names_of_the_year() -> None:
    schema = table_schema(catalogue(), "T_MCOaaC", 2019)
    assert sorted(schema["primaryKey"]) == ["ETA_NUM", "RSA_NUM"]
    assert {
        "fields": ["ETA_NUM", "RSA_NUM"],
        "reference": {"resource": "t_mco19b", "fields": ["ETA_NUM", "RSA_NUM"]},
    } in schema["foreignKeys"]
    details = table_schema(catalogue(), "ER_PHA_F", 2019)
    assert "primaryKey" not in details
    fields = {one["name"]: one for one in schema["fields"]}
    assert fields["NIR_ANO_17"]["constraints"] == {"maxLength": 17}
    assert fields["ENT_DAT"]["type"] == "date"
    assert fields["ENT_DAT"]["quasiIdentifier"] is True


def test_the_pseudonym_alone_is_a_reference_to_nobody() -> None:
    for table in TABLES.values():
        for reference in table.references:
            assert (reference.of_family, reference.of_columns) != ("IR_BEN_R", ("BEN_NIR_PSA",))
