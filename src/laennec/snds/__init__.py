"""The French national health database (SNDS): what its tables are, and how they become OMOP."""
