"""Numbers for persons that last: the same from load to load, and never split.

A later delivery may show that two persons are one: they get the number of the one known first, and
the caller is told which numbers changed. It may also show that one person was two: rows already
loaded cannot be told apart, so the person stays whole, and nothing new is joined through it.

Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import polars as pl

from laennec.snds.person_evidence import FACTS, IDENTIFIER, Evidence, gather
from laennec.snds.person_keys import person_numbers
from laennec.snds.person_merge import Merged, merge
from laennec.snds.person_numbers import REFUSED
from laennec.snds.person_rules import PersonRules, person_rules
from laennec.snds.persons import Resolution, described

IDENTIFIERS: Mapping[str, pl.DataType] = {
    "psa": FACTS["psa"],
    "rng": FACTS["rng"],
    "person_id": pl.Int64(),
    "since": pl.Int32(),
    **{name: kind for name, kind in FACTS.items() if name not in IDENTIFIER},
    "former_number": pl.String(),
    "evidence": pl.String(),
    "confidence": pl.String(),
}
"""Columns of ``Assigned.identifiers``, which the next load takes as ``earlier``. ``since`` is the
number of the load, from 1, that first delivered the identifier; ``former_number`` is a BEN_NIR_ANO
that it had before (of several the first by spelling)."""


@dataclass(frozen=True)
class Assigned:
    """Persons with numbers.

    Attributes:
        identifiers: Columns ``IDENTIFIERS``, sorted by psa and rng; earlier ones included.
        persons: As ``Resolution.persons``, with ``person_id`` in place of ``person``, sorted by it;
            earlier ones included, with what is known of them now.
        resolution: Of today's rows together with the earlier identifiers: ``apart``, ``nobody``,
            ``refusals`` and ``counts`` hold.
        merged: ``old_person_id``, ``person_id``: numbers that are no more, and what they became.
        split_refused: Earlier persons whom today's evidence alone would split.
    """

    identifiers: pl.DataFrame
    persons: pl.DataFrame
    resolution: Resolution
    merged: pl.DataFrame
    split_refused: int


def assign_person_ids(
    resolution: Resolution,
    earlier: pl.DataFrame | None,
    *,
    key: bytes,
    rules: PersonRules | None = None,
) -> Assigned:
    """Number the persons of a delivery, knowing those of earlier loads.

    Args:
        resolution: Of the rows delivered now.
        earlier: ``Assigned.identifiers`` of the load before; ``None`` at the first.
        key: The hub's secret, at least 16 bytes, the same at every load.
        rules: Facts and limits; those of the package unless given.

    Returns:
        All persons, earlier and new. An identifier known earlier is never set apart.
    """
    rules = rules or person_rules()
    split_refused = 0
    known = pl.DataFrame(
        schema={name: IDENTIFIERS[name] for name in (*IDENTIFIER, "person_id", "since")}
    )
    if earlier is not None and earlier.height:
        known = earlier.select(known.columns)
        found = _with_earlier(resolution.found, earlier)
        merged, split_refused = _kept_whole(merge(found.facts, found.former, rules), known)
        resolution = described(merged, found, rules=rules)
    load = 1 + int(known.select(pl.col("since").max().fill_null(0)).item() or 0)
    rows = resolution.identifiers.join(known, on=IDENTIFIER, how="left", maintain_order="left")
    rows = rows.rename({"person_id": "known"}).with_columns(pl.col("since").fill_null(load))
    numbers = _numbers(rows, known["person_id"], key)
    former = resolution.found.former.group_by(IDENTIFIER).agg(
        pl.col("nir_ano").min().alias("former_number")
    )
    rows = rows.join(numbers, on="person", maintain_order="left").join(
        former, on=IDENTIFIER, how="left", maintain_order="left"
    )
    gone = rows.filter(pl.col("known") != pl.col("person_id"))
    return Assigned(
        identifiers=rows.select(pl.col(name).cast(kind) for name, kind in IDENTIFIERS.items()),
        persons=resolution.persons.join(numbers, on="person")
        .select("person_id", pl.exclude("person", "person_id"))
        .sort("person_id"),
        resolution=resolution,
        merged=gone.select("person_id", old_person_id="known").unique().sort("old_person_id"),
        split_refused=split_refused,
    )


def _with_earlier(found: Evidence, earlier: pl.DataFrame) -> Evidence:
    """Add what earlier loads knew to what is delivered now."""
    facts, former = gather(pl.concat([found.facts, earlier.select(*FACTS)]))
    before = earlier.select(*IDENTIFIER, nir_ano="former_number").drop_nulls()
    now = facts.select(before.columns)
    return replace(
        found,
        facts=facts,
        former=pl.concat([found.former, former, before])
        .unique()
        .join(now, on=now.columns, how="anti")
        .sort(now.columns),
        nobody=found.nobody.join(earlier, on=IDENTIFIER, how="anti"),
    )


def _kept_whole(merged: Merged, known: pl.DataFrame) -> tuple[Merged, int]:
    """Undo what would split an earlier person, and what would be joined through one in dispute.

    A group that holds part of such a person falls apart: into the earlier persons in it, each whole
    again, and what is new in it.
    """
    nodes = merged.nodes.join(
        known.select(*IDENTIFIER, "person_id"), on=IDENTIFIER, how="left", maintain_order="left"
    )
    old = pl.col("person_id").is_not_null()
    parts = nodes.filter(old).group_by("person_id").agg(pl.col("group").n_unique().alias("parts"))
    spread = parts.filter(pl.col("parts") > 1)["person_id"]
    is_spread = pl.col("person_id").is_in(spread.implode()).fill_null(value=False)
    nodes = nodes.with_columns(disputed=is_spread.any().over("group"))
    in_dispute = nodes.filter("disputed")
    refused = (
        in_dispute.filter(pl.col("person_id").n_unique().over("group") > 1)
        .group_by("group")
        .agg(pl.len().alias("identifiers"))
        .select(reason=pl.lit("earlier persons disagree"), identifiers="identifiers")
    )
    apart = in_dispute.select(
        "node",
        whole=pl.when(old)
        .then(pl.col("node").min().over("person_id"))
        .otherwise(pl.col("node").min().over("group", old)),
    )
    nodes = nodes.join(apart, on="node", how="left", maintain_order="left").with_columns(
        group=pl.coalesce("whole", "group"),
        evidence=pl.when(is_spread).then(pl.lit("earlier load")).otherwise("evidence"),
        unplaced=pl.col("unplaced") & ~old,
    )
    kept = Merged(
        nodes.drop("person_id", "disputed", "whole"),
        pl.concat([merged.refused, refused.cast(REFUSED)]),  # type: ignore[arg-type]
    )
    return kept, len(spread)


def _numbers(rows: pl.DataFrame, taken: pl.Series, key: bytes) -> pl.DataFrame:
    """Give each person the number known first, or a new one: ``person``, ``person_id``."""
    first = rows.sort("since", *IDENTIFIER).unique("person", keep="first", maintain_order=True)
    old = (
        rows.filter(pl.col("known").is_not_null())
        .sort("since", *IDENTIFIER)
        .unique("person", keep="first")
        .select("person", person_id="known")
    )
    left = first.join(old, on="person", how="anti").sort(IDENTIFIER)
    done, attempt = [old], 0
    while left.height:
        ids = person_numbers(left["psa"], left["rng"], attempt=attempt, key=key)
        left = left.with_columns(pl.Series("person_id", ids))
        free = pl.col("person_id").is_first_distinct() & ~pl.col("person_id").is_in(taken.implode())
        done.append(left.filter(free).select("person", "person_id"))
        taken = pl.concat([taken, done[-1]["person_id"]])
        left = left.filter(~free)
        attempt += 1
    return pl.concat(done)
