"""Acts (CCAM), laboratory tests (NABM) and devices (LPP), from ER_CAM_F, ER_BIO_F and ER_TIP_F.

The SNDS says that a test was paid for, never its result: ``measurement`` lines have no value.

Pure.
"""

import polars as pl

from laennec.snds.claims_codes import Codebook
from laennec.snds.claims_rows import CLAIM, code, event_columns
from laennec.snds.lines import as_lines

NEEDS_CAM = ("CAM_PRS_IDE", "CAM_ACT_COD", "CAM_TRT_PHA", "CAM_MOD_COD")
NEEDS_BIO = ("BIO_PRS_IDE", "BIO_ACT_QSN")
NEEDS_TIP = ("TIP_PRS_IDE", "TIP_ACT_QSN", "TIP_ACL_DTD", "TIP_ACL_DTF")


def procedures(rows: pl.DataFrame, codes: Codebook) -> pl.DataFrame:
    """Return one procedure line per row of ER_CAM_F that has a code.

    One act done by a surgeon and an anaesthetist is two rows, of activity 1 and 4:
    ``modifier_source_value`` is activity, phase and modifiers, ``1/0/AZ``, so that acts can be
    counted once. The table has no quantity: a row is one act, taken back by a regularisation.
    """
    rows = rows.with_columns(code("CAM_PRS_IDE")).filter(pl.col("CAM_PRS_IDE").is_not_null())
    rows = codes.attach(rows, "CAM_PRS_IDE", "CCAM", "act")
    parts = (
        pl.col(name).cast(pl.String).fill_null("")
        for name in ("CAM_ACT_COD", "CAM_TRT_PHA", "CAM_MOD_COD")
    )
    return as_lines(
        "procedure_occurrence",
        rows.select(
            *event_columns(pl.col("counts")),
            pl.col("act_concept_id").alias("procedure_concept_id"),
            pl.col("day").alias("procedure_date"),
            pl.col("end").alias("procedure_end_date"),
            pl.lit(CLAIM).alias("procedure_type_concept_id"),
            pl.concat_str(parts, separator="/").alias("modifier_source_value"),
            pl.col("CAM_PRS_IDE").alias("procedure_source_value"),
            pl.col("act_source_concept_id").alias("procedure_source_concept_id"),
        ),
    )


def tests(rows: pl.DataFrame, codes: Codebook) -> pl.DataFrame:
    """Return one measurement line per row of ER_BIO_F that has a code."""
    rows = rows.with_columns(code("BIO_PRS_IDE")).filter(pl.col("BIO_PRS_IDE").is_not_null())
    rows = codes.attach(rows, "BIO_PRS_IDE", "NABM", "test")
    return as_lines(
        "measurement",
        rows.select(
            *event_columns(_signed("BIO_ACT_QSN")),
            pl.col("test_concept_id").alias("measurement_concept_id"),
            pl.col("day").alias("measurement_date"),
            pl.lit(CLAIM).alias("measurement_type_concept_id"),
            pl.col("BIO_PRS_IDE").alias("measurement_source_value"),
            pl.col("test_source_concept_id").alias("measurement_source_concept_id"),
        ),
    )


def devices(rows: pl.DataFrame, codes: Codebook) -> pl.DataFrame:
    """Return one device line per row of ER_TIP_F that has a code.

    A device that is hired runs from ``TIP_ACL_DTD`` to ``TIP_ACL_DTF``; others have the dates of
    the claim.
    """
    rows = rows.with_columns(code("TIP_PRS_IDE")).filter(pl.col("TIP_PRS_IDE").is_not_null())
    rows = codes.attach(rows, "TIP_PRS_IDE", "LPP", "device")
    start = pl.coalesce("TIP_ACL_DTD", "day")
    return as_lines(
        "device_exposure",
        rows.select(
            *event_columns(_signed("TIP_ACT_QSN")),
            pl.col("device_concept_id"),
            start.alias("device_exposure_start_date"),
            pl.max_horizontal(start, pl.coalesce("TIP_ACL_DTF", "end")).alias(
                "device_exposure_end_date"
            ),
            pl.lit(CLAIM).alias("device_type_concept_id"),
            pl.col("TIP_PRS_IDE").alias("device_source_value"),
            pl.col("device_source_concept_id"),
        ),
    )


def _signed(quantity: str) -> pl.Expr:
    """Return a signed quantity; one in the claim's direction if missing, none for a surcharge."""
    given = pl.coalesce(pl.col(quantity).cast(pl.Float64), pl.col("direction"))
    return pl.when(pl.col("counts") != 0).then(given).otherwise(0.0)
