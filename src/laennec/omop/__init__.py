"""OMOP as data: CDM tables and fields, vocabularies, concept sets, the summarised result."""
