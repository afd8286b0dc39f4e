"""What was charged and who paid, in euros, from ER_PRS_F and ER_ARO_F.

One line per claim that belongs to a visit; signs are kept, so that a regularisation takes its money
back when the lines of a visit are added up. ``paid_by_payer`` is what passes through the compulsory
scheme: ``BSE_REM_MNT`` + ``CPL_REM_MNT`` of the claim and ``ARO_REM_MNT`` of the complementary
cover that it manages (among it the free cover of the poor). ``paid_by_patient`` is the rest: by the
person or by a private complementary insurer, which the SNDS does not see.

The amounts are signed in the files (CNAM dictionary: "montant (signé)"; HDH,
entraide.health-data-hub.fr/t/1113); where the column of the sign says negative (IR_SGN_V: 2), an
amount without its sign is given it.

Pure.
"""

import numpy as np
import polars as pl

from laennec.snds.claims_rows import CLAIM, joined
from laennec.snds.keys import CLAIM_JOIN
from laennec.snds.lines import as_lines

NEEDS = ("BSE_REM_MNT", "BSE_REM_SGN", "CPL_REM_MNT", "CPL_REM_SGN")
"""Columns of ER_PRS_F beside those of ``claims_rows``."""

NEEDS_ARO = ("ARO_REM_MNT", "ARO_REM_SGN")

EURO = 44818568
_NEGATIVE = 2


def costs(claimed: pl.DataFrame, other: pl.DataFrame | None) -> pl.DataFrame:
    """Return one cost line per claim with a visit.

    Args:
        claimed: As ``claims_rows.claims`` returns them, with ``NEEDS``.
        other: ER_ARO_F with ``NEEDS_ARO`` and ``CLAIM_JOIN``, if there is any.
    """
    charge = pl.col("PRS_PAI_MNT").fill_null(0)
    rows = claimed.filter(pl.col("visit_key").is_not_null()).select(
        *CLAIM_JOIN,
        "person_id",
        "visit_key",
        charge.alias("charge"),
        (_signed("BSE_REM") + _signed("CPL_REM")).alias("payer"),
    )
    if other is not None and not other.is_empty():
        rows = _with_other(rows, other)
    charge, payer = pl.col("charge"), pl.col("payer")
    return as_lines(
        "cost",
        rows.select(
            "person_id",
            pl.lit("Visit").alias("cost_domain_id"),
            pl.lit(CLAIM).alias("cost_type_concept_id"),
            pl.lit(EURO).alias("currency_concept_id"),
            charge.alias("total_charge"),
            charge.alias("total_paid"),
            payer.round(2).alias("paid_by_payer"),
            (charge - payer).round(2).alias("paid_by_patient"),
            "visit_key",
        ),
    )


def _with_other(rows: pl.DataFrame, other: pl.DataFrame) -> pl.DataFrame:
    """Add to ``payer`` what ER_ARO_F has for the claim; once, if ER_PRS_F repeats its key.

    Few claims have any, so that their places are found and the sums put there.
    """
    paid = other.group_by(CLAIM_JOIN).agg(_signed("ARO_REM").sum().alias("other"))
    places = joined(paid, rows.select(CLAIM_JOIN).with_row_index("place"))
    places = places.sort("place").unique(CLAIM_JOIN, keep="first")
    added = np.zeros(rows.height)
    added[places["place"].to_numpy()] = places["other"].to_numpy()
    return rows.with_columns(pl.col("payer") + pl.Series(added))


def _signed(amount: str) -> pl.Expr:
    """Return an amount with its sign, 0 where it is missing."""
    given = pl.col(f"{amount}_MNT").fill_null(0)
    return pl.when(pl.col(f"{amount}_SGN") == _NEGATIVE).then(-given.abs()).otherwise(given)
