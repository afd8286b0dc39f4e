"""Cohort definitions and concept sets of ATLAS (circe-be), translated to the study model."""

from laennec.study.circe.expression import Translated, translate
from laennec.study.circe.sets import concept_set

__all__ = ["Translated", "concept_set", "translate"]
