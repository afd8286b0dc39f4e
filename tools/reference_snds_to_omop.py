"""The reference page of the conversion of the SNDS to OMOP, made from its mapping tables."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import polars as pl
from tools.markdown import code, generated, table

from laennec.omop.cdm import CURRENT, cdm
from laennec.snds.code_lists import Vocabulary, packaged, vocabularies
from laennec.snds.codes import HUB_VOCABULARIES, Codes
from laennec.snds.mapping import Mapped, mapped_fields, without_target

_HEAD = """\
What becomes of each column of the SNDS: every field of OMOP that is filled, from what, by which
rule, and what is lost on the way. How a person is made of identifiers is in `persons.toml`, which
rows are taken out in `rules.toml`; both lie with the tables below in `src/laennec/snds/data`.

A field of the CDM that is not named here is empty. Rows of claims are *lines* first: lines of one
person, code, day and provider are added up, so that a regularisation takes back what it corrects.
"""

_VOCABULARIES = """\
French codes become site concepts: ids from 2,000,000,000 on that never change. Where the number
*is* the code, a code of a later edition has its id before anybody lists it. Where numbers are given
by place, `tools/snds_codes.py` gives new codes the next ones and keeps the others. A delivered drug
reference (IR_PHA_R) adds its CIP and UCD codes.

*Mapped* counts the listed codes with a standard concept in a hub without Athena's vocabulary: few,
since only concepts of data sets that may be shipped can be named. With Athena's vocabulary in the
hub, `Maps to` of its concept with the same code comes first. The share of *rows* that are mapped,
in a warehouse, is what `laennec vocab coverage` prints.
"""

_LIMITS = """\
Money:

- A cost belongs to a visit. Amounts of claims that are no visit are left out: claims of stays,
  whose visit the PMSI tells, and benefits (sick pay, transport, yearly fees). Amounts of
  surcharges whose visit is not there wait for it. What a private hospital charges for a stay is a
  claim of a stay: on a synthetic base of 4,000 persons, claims of stays and benefits were 1.5 % of
  the claims and 10 % of the money. Do not add up `cost` to what the insurance spends.
- `payer_concept_id` is 0: no standard concept of a French scheme was found; the scheme is
  `payer_source_value`. A payer period is the months with a claim, not the time of being covered.

Codes:

- A code that is narrower than several standard concepts (an ulcer with haemorrhage) keeps its site
  concept, which is below each of them: concept sets with descendants find it.
- A drug is mapped to its ingredient by its ATC code, so strength, form and route are in the source
  concept only. Drugs of several ingredients keep their site concept, below their ATC code: a set of
  an ingredient does not find them, a set of the ATC code does.
- A substance with several ATC codes is below each: a set of `M02AA15` (diclofenac on the skin) and
  its descendants finds diclofenac by any route. Use source codes where the route matters.
- NABM has no shipped map: it does not tell units, LOINC does. A site's `source_to_concept_map` with
  `FR NABM` as source vocabulary is read, as for all vocabularies here.
- CSARR and CDARR, the acts of rehabilitation, have no list here: the code is the source value, the
  concept is 0. So have the letters of outpatient acts (CS, C, ATU).
- The hierarchy of CIM-10 has categories and chapters; it has no blocks (I20-I25) between them.
- CIM-10 can say neither that a sinusitis is viral nor that a concussion was without loss of
  consciousness: sets of such concepts find nothing in the SNDS.
- A diagnosis whose concept is of another domain is in that domain's table: of a newborn (Z38.0) or
  of palliative care (Z51.5) in `observation`. A stay without a row in `condition_occurrence`
  may have its diagnosis there.
- Yearly editions after those named above are not in the lists; their new codes have no concept.
- Rows keep the concepts they had when they were loaded. When a hub replaces its vocabulary, the
  site concepts of the SNDS stay; new maps and ancestors come with the next load of the SNDS.

Time:

- Drugs that hospitals give in a stay have no `days_supply`; those handed out by UCD last a day a
  unit, those of pharmacies as long as the rules of `days_supply.csv` guess.
- An event before the birth of its person (the month is known, the day is not) is kept, as is one
  after the death: neither is counted. The observation period begins and ends within both.
- Long-term diseases often begin before the base: they are outside the observation period, and a
  study that asks for events within it does not see them.
- The provisional transmissions of part of a year of the PMSI are not read.
- A stay tells of a death only if neither the certificate nor the insurers know of it.
"""

_CONCEPTS = """\
Ids that this conversion writes and that are of no map below were compared with what others publish:

| ids | what they are | seen in |
| --- | --- | --- |
| 32810, 32813, 32815, 32880 | claim, enrolment, certificate, algorithm | LinkML model of OMOP |
| 32902, 32908 | primary, secondary diagnosis | TuftsCTSI/TRDW.jl; oxford-omop-data-mapper |
| 9201, 9202, 9203, 262, 581476, 581458, 32036 | kinds of visit | LinkML model of OMOP |
| 8920, 38004277, 8827 | rehabilitation, long-term care, custodial care | US discharge status |
| 8971, 8717 | psychiatry, inpatient hospital | the same; oxford-omop-data-mapper |
| 8870 | emergency room of a hospital | oxford-omop-data-mapper; PEDSnet conventions |
| 4216643 | patient died | MIT-LCP/mimic-omop |
| 0 | who comes from home or goes there | OHDSI/CommonDataModel, fields of CDM 5.4 |
| `specialties.csv` | specialties | HealthInformaticsUT/EstonianOMOPMappings; TuftsCTSI/TRDW.jl |

"LinkML model of OMOP" is a public data model whose lists give the number of each visit and type
concept; "US discharge status" a public specification of a conversion that maps
`DISC_STATUS`. oxford-omop-data-mapper is of answerdigital.
None was compared with Athena itself, which needs an account. A hub that loads Athena's vocabulary
checks them: `laennec vocab check`.
"""


def snds_to_omop_page() -> str:
    """Return the page."""
    parts = [generated("From the SNDS to OMOP", "src/laennec/snds/data/omop_mapping_*.csv"), _HEAD]
    parts += _target_sections()
    parts += ["## Vocabularies\n", _VOCABULARIES, _vocabulary_table(), _edition_table()]
    parts += ["## Maps to standard concepts\n", _maps_table()]
    parts += ["## Standard concepts written without a map\n", _CONCEPTS]
    parts += ["## Tables without a field in OMOP\n", _unmapped_table()]
    parts += ["## Limits\n", _LIMITS]
    return "\n".join(parts)


def _target_sections() -> Iterator[str]:
    """Yield a section per table of the CDM, fields in its order."""
    by_table: dict[str, list[Mapped]] = {}
    for one in mapped_fields():
        by_table.setdefault(one.target_table, []).append(one)
    heads = ("field", "from", "rule", "lost", "source")
    for name, cdm_table in cdm(CURRENT).tables.items():
        if name in by_table:
            place = cdm_table.field_names.index
            listed = sorted(by_table[name], key=lambda one: place(one.target_field))
            yield f"## {name}\n"
            yield table(heads, _field_rows(listed))


def _field_rows(listed: Sequence[Mapped]) -> Iterator[tuple[str, ...]]:
    """Yield a row for all lines that differ in their tables only."""
    alike: dict[Mapped, list[str]] = {}
    for one in listed:
        alike.setdefault(replace(one, source_tables=()), []).extend(one.source_tables)
    for one, names in alike.items():
        columns = code(one.source_fields)
        come_from = ", ".join(dict.fromkeys(names)) + (f": {columns}" if columns else "")
        yield (f"`{one.target_field}`", come_from, one.rule, one.lost, one.source)


def _vocabulary_table() -> str:
    codes = Codes.site()
    heads = ("vocabulary", "title", "ids", "numbers", "codes", "mapped", "domain", "Athena")
    return table(heads, (_vocabulary_cells(one, codes) for one in vocabularies().values()))


def _vocabulary_cells(one: Vocabulary, codes: Codes) -> tuple[object, ...]:
    rows = codes.table(one.name)
    is_mapped = pl.col("concept_id") != pl.col("source_concept_id")
    return (
        f"`{one.vocabulary_id}`",
        one.title,
        f"{one.first_id:,} to {one.last_id:,}",
        "the code" if one.numbering == "code" else "by place",
        f"{rows.height:,}",
        f"{rows.filter(is_mapped).height:,}",
        one.domain_id,
        ", ".join(HUB_VOCABULARIES.get(one.name, ())),
    )


def _edition_table() -> str:
    rows = ((f"`{one.vocabulary_id}`", one.edition, one.licence) for one in vocabularies().values())
    return table(("vocabulary", "made from", "licence"), rows)


def _maps_table() -> str:
    ids = {one.name: one.vocabulary_id for one in vocabularies().values()}
    rows = packaged("maps.csv").iter_rows(named=True)
    cells = (
        (
            f"`{ids[row['name']]}`",
            f"`{row['code']}`" + (" and below" if row["below"] == "1" else ""),
            row["concept_id"],
            row["concept_name"],
            row["match"],
            row["source"],
            row["verified"],
        )
        for row in rows
    )
    heads = ("vocabulary", "code", "concept", "name", "the code is", "concept seen in", "verified")
    return table(heads, cells)


def _unmapped_table() -> str:
    rows = ((code(one.source_tables), one.lost, one.source) for one in without_target())
    return table(("table", "what is lost", "source"), rows)
