"""Which identifiers are one person: three kinds of evidence, each bounded.

1. Equal BEN_NIR_ANO, as far as those who carry it agree (``person_numbers``).
2. A number that an identifier had before joins it to those who still carry it.
3. Rank 0, which tells nobody apart, is the person of the same pseudonym if there is only one.

What 2 and 3 would join is judged as a whole; if it cannot be one person, none of it is joined: a
chain of strangers breaks everywhere, not at the place that the order of rows would choose.

Pure; the order of nodes changes nothing.
"""

from dataclasses import dataclass

import polars as pl

from laennec.snds.person_evidence import IDENTIFIER
from laennec.snds.person_graph import components
from laennec.snds.person_limits import failing, with_bounds
from laennec.snds.person_numbers import REFUSED, by_number
from laennec.snds.person_rules import PersonRules

_EDGES = {"node": pl.Int64(), "left": pl.Int64(), "right": pl.Int64()}


@dataclass(frozen=True)
class Merged:
    """Identifiers in groups.

    Attributes:
        nodes: The facts in their order with ``node`` (row number), ``group`` (smallest node of the
            same person), ``evidence``, ``ambiguous`` (who it is, is in doubt) and ``unplaced`` (one
            of several others, nobody knows which).
        refused: One row for each merge refused, columns ``person_numbers.REFUSED``.
    """

    nodes: pl.DataFrame
    refused: pl.DataFrame


def merge(facts: pl.DataFrame, former: pl.DataFrame, rules: PersonRules) -> Merged:
    """Group identifiers into persons.

    Args:
        facts: ``person_evidence.FACTS``, sorted, one row for each identifier.
        former: psa, rng, nir_ano: numbers that identifiers had before.
        rules: Facts and limits.

    Returns:
        Groups, none of which breaks a limit, and the merges refused.
    """
    nodes = with_bounds(facts.with_row_index("node").with_columns(pl.col("node").cast(pl.Int64)))
    numbered, in_dispute = by_number(nodes, rules.limits)
    unnumbered = pl.col("nir_ano").is_null()
    nodes = nodes.join(numbered, on="node", how="left", maintain_order="left").with_columns(
        pl.col("group").fill_null(pl.col("node")),
        pl.col("ambiguous").fill_null(value=False),
        evidence=pl.when(unnumbered).then(pl.lit("pseudonym")).otherwise(pl.lit("number")),
    )
    edges = _former_edges(nodes, former, rules)
    had_others = pl.col("node").is_in(edges["node"].implode())
    nodes, chains = _unite(nodes, edges, rules, evidence="former number", of=had_others)
    nodes, guesses = _unite(
        nodes,
        _rank_edges(nodes, rules),
        rules,
        evidence="rank without meaning",
        of=unnumbered,
        most_numbers=1,
    )
    unclear = _unclear(nodes, rules)
    lost = unclear.filter("unplaced")
    nodes = nodes.with_columns(
        ambiguous=pl.col("ambiguous") | pl.col("node").is_in(unclear["node"].implode()),
        unplaced=pl.col("node").is_in(lost["node"].implode()),
    )
    open_ranks = lost.select(reason=pl.lit("rank without meaning"), identifiers="identifiers")
    refused = pl.concat([in_dispute, chains, guesses, open_ranks.cast(REFUSED)])  # type: ignore[arg-type]
    return Merged(nodes.drop("lo", "hi"), refused.sort(*REFUSED))


def _former_edges(nodes: pl.DataFrame, former: pl.DataFrame, rules: PersonRules) -> pl.DataFrame:
    """Join identifiers to the one group that has their former number and does not dispute it.

    Rank 0 may have been two twins in turn, each with a number: it joins nobody.
    """
    carriers = (
        nodes.filter(~pl.col("ambiguous"))
        .group_by("nir_ano")
        .agg(pl.col("group").n_unique().alias("groups"), pl.col("group").min().alias("right"))
        .filter(pl.col("groups") == 1)
    )
    return (
        former.filter(~pl.col("rng").is_in(rules.meaningless_ranks))
        .join(nodes.select("node", *IDENTIFIER, left="group"), on=IDENTIFIER)
        .join(carriers, on="nir_ano")
        .filter(pl.col("left") != pl.col("right"))
        .select(*_EDGES)
    )


def _rank_edges(nodes: pl.DataFrame, rules: PersonRules) -> pl.DataFrame:
    """Join rank 0 to the only person who has its pseudonym under another rank."""
    zero = pl.col("rng").is_in(rules.meaningless_ranks)
    ours = nodes.filter(pl.col("psa").is_duplicated()).select("psa", "node", "group", zero=zero)
    beside = (
        ours.filter(~pl.col("zero"))
        .group_by("psa")
        .agg(pl.col("group").min().alias("right"), pl.col("group").n_unique().alias("persons"))
        .filter(pl.col("persons") == 1)
    )
    pairs = ours.filter("zero").rename({"group": "left"}).join(beside, on="psa")
    return pairs.filter(pl.col("left") != pl.col("right")).select(*_EDGES)


def _unclear(nodes: pl.DataFrame, rules: PersonRules) -> pl.DataFrame:
    """Name the identifiers of rank 0 whose pseudonym several persons share.

    Returns ``node``; ``identifiers`` of the pseudonym; and ``unplaced``, where there are several
    persons besides it and no number says which of them it is, or that it is another.
    """
    zero = pl.col("rng").is_in(rules.meaningless_ranks)
    others = pl.col("group").filter(~zero).n_unique()
    return (
        nodes.filter(pl.col("psa").is_duplicated())
        .with_columns(
            persons=pl.col("group").n_unique().over("psa"),
            others=others.over("psa"),
            identifiers=pl.len().over("psa"),
        )
        .filter(zero & (pl.col("persons") > 1))
        .select(
            "node",
            "identifiers",
            unplaced=pl.col("nir_ano").is_null() & (pl.col("others") > 1),
        )
    )


def _unite(
    nodes: pl.DataFrame,
    edges: pl.DataFrame,
    rules: PersonRules,
    *,
    evidence: str,
    of: pl.Expr,
    most_numbers: int | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Join whole groups along edges where all that would hang together can be one person.

    Those of the joined that ``of`` names get the evidence. At most ``most_numbers`` of the groups
    may have a BEN_NIR_ANO; ``None`` sets no bound.
    """
    if not edges.height:
        return nodes, pl.DataFrame(schema=REFUSED)
    union = components(nodes.height, edges["left"].to_numpy(), edges["right"].to_numpy())
    nodes = nodes.with_columns(pl.Series("union", union[nodes["group"].to_numpy()]))
    ends = union[edges["left"].unique().to_numpy()]
    touched = nodes.filter(pl.col("union").is_in(pl.Series(ends).unique().implode()))
    judged = _judge(touched, rules, most_numbers or touched.height)
    good = judged.filter(pl.col("reason").is_null())["union"].implode()
    joined = pl.col("union").is_in(good)
    nodes = nodes.with_columns(
        group=pl.when(joined).then("union").otherwise("group"),
        evidence=pl.when(joined & of).then(pl.lit(evidence)).otherwise("evidence"),
    ).drop("union")
    bad = judged.filter(pl.col("reason").is_not_null())
    return nodes, bad.select("reason", identifiers="size").cast(REFUSED)  # type: ignore[arg-type]


def _judge(touched: pl.DataFrame, rules: PersonRules, most_numbers: int) -> pl.DataFrame:
    """Give every union of groups its size, and the reason why it is no person or null."""
    aggregates, reason = failing(rules.limits)
    ranked = ~pl.col("rng").is_in(rules.meaningless_ranks)
    twins = (
        touched.filter(ranked)
        .group_by("union", "psa")
        .agg(pl.col("group").n_unique() > 1)
        .group_by("union")
        .agg(pl.col("group").any().alias("twins"))
    )
    numbers = pl.col("group").filter(pl.col("nir_ano").is_not_null()).n_unique().alias("numbers")
    return (
        touched.group_by("union")
        .agg(*aggregates, numbers)
        .join(twins, on="union", how="left")
        .select(
            "union",
            "size",
            pl.coalesce(
                reason,
                pl.when("twins").then(pl.lit("ranks of twins")),
                pl.when(pl.col("numbers") > most_numbers).then(pl.lit("two numbers")),
            ),
        )
    )
