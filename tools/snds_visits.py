"""Make the packaged tables of benefits and schemes from the nomenclatures of the SNDS.

    python tools/snds_visits.py FOLDER

``FOLDER`` holds ``snds-omop`` (HDH documentation, copy 129c7ac, MPL-2.0) and ``snds-nomenclatures``
(indsante/schema-snds fe17ef8, MPL-2.0). Writes ``src/laennec/snds/data/visits.csv``, one line per
``PRS_NAT_REF``, ``payers.csv``, one line per ``RGM_GRG_COD``, and ``specialties.csv``, one line per
medical specialty (``S`` and ``PSE_SPE_COD``) or profession (``A`` and ``PSE_ACT_NAT``). Running it
again on the same input writes the same bytes.

The HDH's correspondence calls every benefit it lists a visit: sick pay, pensions, taxis and travel
allowances too. ``ROLES`` corrects that by families of codes, the most specific first; the concept
of a visit stays the HDH's. A code that the HDH does not list takes the concept of its family.
"""

import csv
import sys
from collections.abc import Iterator
from pathlib import Path

PHARMACY, LABORATORY, OUTPATIENT = 581458, 32036, 9202
FAMILIES = ((33, PHARMACY), (32, LABORATORY))
"""First two digits of the codes whose visit is not an outpatient visit, as the HDH has them."""

ROLES = (
    (0, 0, "benefit", "no nature was given"),
    (9999, 9999, "benefit", "the nature is not known"),
    (1130, 1130, "benefit", "yearly fee for being somebody's doctor"),
    (1222, 1229, "accessory", "travel of the doctor"),
    (1500, 1599, "accessory", "surcharge for being on call"),
    (1600, 1799, "benefit", "contract of a professional or centre"),
    (1800, 1899, "accessory", "travel of the professional"),
    (1914, 1914, "accessory", "surcharge"),
    (1930, 1999, "accessory", "surcharge"),
    (2231, 2231, "accessory", "pharmacy fee of a stay"),
    (2100, 2299, "stay", "the stay is in the PMSI"),
    (2300, 2399, "accessory", "technical fee"),
    (2500, 2599, "benefit", "fund of an agency"),
    (3210, 3210, "benefit", "aid to the installation of a laboratory"),
    (3213, 3213, "accessory", "fee of a laboratory"),
    (3322, 3325, "accessory", "fee of a pharmacy"),
    (3361, 3363, "accessory", "surcharge of a pharmacy on call"),
    (3412, 3412, "accessory", "transport of a product"),
    (4200, 4299, "benefit", "transport of a patient"),
    (4300, 4380, "benefit", "expense repaid outside the lists of acts"),
    (4400, 4699, "benefit", "aid, expense or capital"),
    (6000, 6399, "benefit", "sick pay or maternity pay"),
    (7000, 7199, "benefit", "invalidity pension"),
    (8000, 8299, "benefit", "annuity after an accident at work"),
    (9100, 9199, "benefit", "extra aid of a fund"),
    (9600, 9999, "benefit", "social aid, or a code kept for a fund"),
)
"""First and last code, role, reason. Judgement of this project on the labels of IR_NAT_V."""

WORDS = (("MAJORATION", "accessory", "surcharge"), ("REMUNERATION", "benefit", "pay of a contract"))
"""Word of the label, role, reason; for codes of no family."""

SPECIALTIES = {
    "S1": (38004446, "General Practice"),
    "S2": (38004450, "Anesthesiology"),
    "S3": (38004451, "Cardiology"),
    "S4": (38004447, "General Surgery"),
    "S5": (38004452, "Dermatology"),
    "S6": (38004675, "Physician / Diagnostic Radiology"),
    "S7": (38004461, "Obstetrics / Gynecology"),
    "S8": (38004455, "Gastroenterology"),
    "S9": (38004456, "Internal Medicine"),
    "S10": (38004459, "Neurosurgery"),
    "S11": (38004449, "Otolaryngology"),
    "S12": (38004477, "Pediatric Medicine"),
    "S13": (38004472, "Pulmonary Disease"),
    "S14": (38004491, "Rheumatology"),
    "S15": (38004463, "Ophthalmology"),
    "S16": (38004474, "Urology"),
    "S20": (38004500, "Critical care (intensivist)"),
    "S22": (38004446, "General Practice"),
    "S23": (38004446, "General Practice"),
    "S31": (38004468, "Physical Medicine And Rehabilitation"),
    "S32": (38004458, "Neurology"),
    "S33": (38004469, "Psychiatry"),
    "S34": (38004478, "Geriatric Medicine"),
    "S35": (38004479, "Nephrology"),
    "S36": (38003682, "Orthodontics and Dentofacial Orthopedics"),
    "S37": (38004466, "Pathology"),
    "S38": (38004692, "Clinical Laboratory"),
    "S41": (38004465, "Orthopedic Surgery"),
    "S42": (38004485, "Endocrinology"),
    "S43": (45756819, "Pediatric Surgery"),
    "S44": (38003826, "Oral and Maxillofacial Surgery"),
    "S45": (38003826, "Oral and Maxillofacial Surgery"),
    "S46": (38004467, "Plastic And Reconstructive Surgery"),
    "S47": (38004473, "Thoracic Surgery"),
    "S48": (38004496, "Vascular Surgery"),
    "S69": (38004464, "Oral Surgery"),
    "S70": (38004461, "Obstetrics / Gynecology"),
    "S71": (38004501, "Hematology"),
    "S72": (38004476, "Nuclear Medicine"),
    "S73": (38004507, "Medical Oncology"),
    "S74": (38004509, "Radiation Oncology"),
    "S75": (38004469, "Psychiatry"),
    "S76": (38004509, "Radiation Oncology"),
    "S77": (38004461, "Obstetrics / Gynecology"),
    "S78": (45756760, "Clinical Genetics"),
    "S79": (38004461, "Obstetrics / Gynecology"),
    "S81": (38004484, "Infectious Disease"),
    "S83": (38004510, "Emergency Medicine"),
    "S85": (38004448, "Allergy / Immunology"),
    "A19": (38003675, "General Dentistry"),
    "A53": (38003675, "General Dentistry"),
    "A54": (38003675, "General Dentistry"),
    "A21": (38004482, "Certified Nurse Midwife"),
    "A24": (38003716, "Registered Nurse"),
    "A25": (38004488, "Psychology"),
    "A26": (38004490, "Physical Therapist"),
    "A27": (38004486, "Podiatry"),
    "A28": (38004460, "Speech Language Pathology"),
    "A30": (38004692, "Clinical Laboratory"),
    "A39": (38004692, "Clinical Laboratory"),
    "A40": (38004692, "Clinical Laboratory"),
}
"""Standard concepts of the vocabularies Medicare Specialty, NUCC and ABMS, by the French label; ids
as in HealthInformaticsUT/EstonianOMOPMappings 99fd6f3, healthcare_providers, and in the specialties
that TuftsCTSI/TRDW.jl lists. Others have none."""

CONTACT = "contact"
TARGET = Path(__file__).resolve().parents[1] / "src" / "laennec" / "snds" / "data"
_LABEL = 80


def main() -> None:
    """Write the three files."""
    if len(sys.argv) != 2:
        sys.exit("usage: python tools/snds_visits.py FOLDER")
    source = Path(sys.argv[1])
    _write("visits.csv", visits(source))
    _write("payers.csv", payers(source))
    _write("specialties.csv", specialties(source))


def visits(source: Path) -> Iterator[tuple[object, ...]]:
    """Yield the header and one line per nature of benefit, by code."""
    listed = dict(_listed_by_the_hdh(source / "snds-omop" / "Freq_prs_nat_ref_er_prs_f.csv"))
    yield "prs_nat_ref", "label", "role", "visit_concept_id", "hdh_concept_id", "reason"
    natures = {int(row["PRS_NAT"]): row["PRS_NAT_LIB"] for row in _values(source, "IR_NAT_V")}
    for code in sorted(natures):
        role, reason = _role(code, natures[code])
        concept = listed.get(code) or dict(FAMILIES).get(code // 100, OUTPATIENT)
        visit = concept if role in {CONTACT, "accessory"} else 0
        label = " ".join(natures[code].split())[:_LABEL]
        yield code, label, role, visit, listed.get(code, ""), reason


def payers(source: Path) -> Iterator[tuple[object, ...]]:
    """Yield the header and one line per scheme; those that stand for nothing have ``known`` 0."""
    yield "rgm_grg_cod", "label", "known"
    for row in sorted(_values(source, "IR_GRG_V"), key=lambda row: int(row["GRG_COD"])):
        yield int(row["GRG_COD"]), " ".join(row["GRG_LIB"].split()), int(row["TEC_COL"] == "0")


def specialties(source: Path) -> Iterator[tuple[object, ...]]:
    """Yield the header and one line per known specialty, then per known profession, by code."""
    yield "code", "label", "concept_id", "concept_name"
    for letter, name, column, label in (
        ("S", "IR_SPE_V", "PFS_SPE_COD", "PFS_SPE_LIB"),
        ("A", "IR_ACT_V", "PFS_ACT_NAT", "ACT_NAT_LIB"),
    ):
        known = [row for row in _values(source, name) if row["TEC_COL"] == "0"]
        for row in sorted(known, key=lambda row: int(row[column])):
            code = f"{letter}{int(row[column])}"
            concept, meaning = SPECIALTIES.get(code, (0, ""))
            yield code, " ".join(row[label].split()), concept, meaning


def _role(code: int, label: str) -> tuple[str, str]:
    """Return what a benefit is: by the first family that holds it, by its label, or a contact."""
    for first, last, role, reason in ROLES:
        if first <= code <= last:
            return role, reason
    for word, role, reason in WORDS:
        if word in label:
            return role, reason
    return CONTACT, ""


def _listed_by_the_hdh(path: Path) -> Iterator[tuple[int, int]]:
    """Yield code and visit concept; a title stands above the header."""
    with path.open(encoding="utf-8-sig", newline="") as lines:
        for row in csv.reader(lines):
            if row and row[0].isdigit() and row[4].isdigit():
                yield int(row[0]), int(row[4])


def _values(source: Path, name: str) -> Iterator[dict[str, str]]:
    """Yield the lines of a nomenclature."""
    path = source / "snds-nomenclatures" / "ORAVAL" / f"{name}.csv"
    with path.open(encoding="utf-8-sig", newline="") as lines:
        yield from csv.DictReader(lines, delimiter=";")


def _write(name: str, lines: Iterator[tuple[object, ...]]) -> None:
    """Write one packaged table."""
    with (TARGET / name).open("w", encoding="utf-8", newline="") as out:
        csv.writer(out, lineterminator="\n").writerows(lines)


if __name__ == "__main__":
    main()
