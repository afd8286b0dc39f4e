"""A small hub with four persons and a vocabulary of one concept, and a study of it."""

import json
from pathlib import Path

from fakes.cli_shell import Cli, new_hub
from fakes.intake_hub import small_data_set, write_csv

CONCEPTS = """concept_id,concept_name,domain_id,vocabulary_id,concept_class_id,standard_concept,\
concept_code,valid_start_date,valid_end_date,invalid_reason
201826,Type 2 diabetes,Condition,SNOMED,Disorder,S,44054006,1970-01-01,2099-12-31,
"""
PERIODS = """observation_period_id,person_id,observation_period_start_date,\
observation_period_end_date,period_type_concept_id
1,1,2000-01-01,2023-01-01,0
2,2,2000-01-01,2023-01-01,0
"""
ANOTHER_PERSON = """person_id,gender_concept_id,year_of_birth,race_concept_id,ethnicity_concept_id
77,8507,1950,0,0
"""
STUDY = {
    "name": "diabetes",
    "title": "Diabetes",
    "concept_sets": {"diabetes": {"items": [{"concept_id": 201826}]}},
    "cohorts": [
        {
            "name": "diabetics",
            "entry": {"table": "condition_occurrence", "concepts": "diabetes"},
            "exit": {"kind": "end_of_observation"},
        }
    ],
    "results": [
        {"kind": "counts", "name": "n", "cohorts": ["diabetics"]},
        {"kind": "characteristics", "name": "who", "cohorts": ["diabetics"]},
    ],
}


def small_hub(folder: Path) -> Cli:
    """Make a hub and load four persons."""
    cli = new_hub(folder)
    data = small_data_set(folder / "one", concept=CONCEPTS, observation_period=PERIODS)
    cli.ok("load", "omop", data)
    return cli


def another_person(folder: Path) -> Path:
    """Write a data set of one more person."""
    return write_csv(folder, {"person": ANOTHER_PERSON})


def study_file(folder: Path) -> Path:
    """Write the study."""
    path = folder / "diabetes.json"
    path.write_text(json.dumps(STUDY), encoding="utf-8")
    return path
