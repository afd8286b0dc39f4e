"""What the converters of claims ask of the vocabularies; ``snds.codes`` answers."""

from typing import Protocol

import polars as pl


class Codebook(Protocol):
    """Finds the concepts of codes."""

    def attach(self, rows: pl.DataFrame, column: str, vocabulary: str, prefix: str) -> pl.DataFrame:
        """Add ``{prefix}_concept_id`` and ``{prefix}_source_concept_id``; 0 where there is none.

        Rows stay as many and in order.
        """
