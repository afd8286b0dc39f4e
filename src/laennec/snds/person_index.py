"""Whose a claim or a stay is: fast answers for hundreds of millions of rows.

Twenty-four bytes for each pseudonym that has one identifier, as nearly all have: its hash, and in
one word person and rank, in a table with room. What is not so simple (twins, several ranks, fictive
numbers) is a small table beside, which few rows ask. Hashes live for one load and are never stored;
two pseudonyms of one hash are noticed when the index is built, and another seed is taken. A
pseudonym that was never delivered is taken for another with a chance of one in 2^64 for each that
is known.
"""

import numpy as np
import numpy.typing as npt
import polars as pl

from laennec.core.errors import EngineError
from laennec.snds.person_evidence import IDENTIFIER, is_filler
from laennec.snds.person_rules import HIGHEST_RANK, PersonRules, person_rules

_RANK_SHIFT, _PERSON = 54, (1 << 54) - 1
_SEVERAL = -1
_SEEDS = 8
_ROOM = 1.5
"""Slots of the table for each entry: a third of them is free, so that searches are short."""

_PROBE = pl.Series(["laennec"])
_ANSWER = {"person_id": pl.Int64(), "reason": pl.String()}
_HARD = {
    "hash": pl.UInt64(),
    "rng": pl.Int64(),
    "person_id": pl.Int64(),
    "sex": pl.Int8(),
    "certain": pl.Boolean(),
    "reason": pl.String(),
}


class PersonIndex:
    """Identifiers to persons, in memory; may be pickled to processes of the same Polars."""

    def __init__(
        self,
        identifiers: pl.DataFrame,
        nobody: pl.DataFrame | None = None,
        *,
        rules: PersonRules | None = None,
    ) -> None:
        """Index identifiers.

        Args:
            identifiers: ``psa``, ``rng`` (0 to 255), ``person_id`` (1 to 2^53), ``sex`` and
                ``confidence``, each psa and rng once: ``Assigned.identifiers``.
            nobody: ``psa``, ``rng`` and ``reason`` of identifiers that are nobody's.
            rules: Facts; those of the package unless given.

        Raises:
            EngineError: no seed tells all pseudonyms apart; the hash function is broken.
        """
        rules = rules or person_rules()
        self._mute_ranks, self._filler_run = rules.meaningless_ranks, rules.filler_run
        entries = _entries(identifiers, nobody)
        self._seed = _seed_for(entries["psa"])
        entries = entries.with_columns(hash=entries["psa"].hash(self._seed))
        several = pl.col("hash").is_duplicated() | pl.col("person_id").is_null()
        hard = entries.filter(several)
        easy = entries.filter(~several)
        word = easy["person_id"].to_numpy() | (easy["rng"].to_numpy() << _RANK_SHIFT)
        hashes = hard["hash"].unique()
        self._hard = hard.select(pl.col(name).cast(kind) for name, kind in _HARD.items())
        self._keys, self._words = _table(
            np.concatenate([easy["hash"].to_numpy(), hashes.to_numpy()]),
            np.concatenate([word, np.full(len(hashes), _SEVERAL)]),
        )
        self._entries = len(easy) + len(hashes)
        self._proof = self._hash(_PROBE).item()

    def __setstate__(self, state: dict[str, object]) -> None:
        """Take the index over from another process.

        Raises:
            EngineError: this process hashes text otherwise.
        """
        self.__dict__ |= state
        if self._hash(_PROBE).item() != self._proof:
            raise EngineError(
                "The workers of this load hash text in different ways.",
                remedy="Install the same version of Polars on every worker.",
            )

    def __len__(self) -> int:
        """Return the number of pseudonyms."""
        return self._entries

    @property
    def nbytes(self) -> int:
        """Bytes that the index takes."""
        return self._keys.nbytes + self._words.nbytes + int(self._hard.estimated_size())

    def of_claims(self, psa: pl.Series, rng: pl.Series) -> pl.DataFrame:
        """Find whose claims are.

        Args:
            psa: BEN_NIR_PSA of each row; null where missing.
            rng: BEN_RNG_GEM of each row, integers; null where missing.

        Returns:
            As many rows, in order: ``person_id``, or null with a ``reason`` of ``persons.toml``.
            The rank must be known, unless it says nothing (0 or missing) and the pseudonym has one
            person only.
        """
        found = self._look_up(psa)
        ranks = rng.cast(pl.Int64).fill_null(-1).to_numpy()
        says_nothing = np.isin(ranks, (-1, *self._mute_ranks))
        fits = (found >> _RANK_SHIFT == ranks) | says_nothing
        person = np.where((found > 0) & fits, found & _PERSON, 0)
        open_rows = np.flatnonzero(person == 0)
        return self._answer(person, open_rows, found, psa, self._claims(psa, rng, open_rows))

    def of_stays(self, psa: pl.Series, rng: pl.Series, sex: pl.Series) -> pl.DataFrame:
        """Find whose stays are.

        Args:
            psa: NIR_ANO_17 of each row; null where missing.
            rng: The rank that the hospital gives, integers; it is believed only where several
                persons share the pseudonym, sex does not decide, and the rank is a certified one.
            sex: 1 or 2; anything else decides nothing.

        Returns:
            As ``of_claims``.
        """
        found = self._look_up(psa)
        person = np.where(found > 0, found & _PERSON, 0)
        open_rows = np.flatnonzero(person == 0)
        return self._answer(person, open_rows, found, psa, self._stays(psa, rng, sex, open_rows))

    def _hash(self, psa: pl.Series) -> pl.Series:
        return psa.hash(self._seed)

    def _look_up(self, psa: pl.Series) -> npt.NDArray[np.int64]:
        """Return the word of each pseudonym: 0 unknown or missing, -1 in the table beside."""
        hashes = self._hash(psa).to_numpy()
        slot = _slots(hashes, len(self._keys))
        words = self._words[slot]
        other = self._keys[slot] != hashes
        left = np.flatnonzero(other & (words != 0))
        words[other] = 0
        places = slot[left]
        while len(left):
            places = (places + 1) % len(self._keys)
            met = self._words[places]
            hit = self._keys[places] == hashes[left]
            words[left[hit]] = met[hit]
            on = ~hit & (met != 0)
            left, places = left[on], places[on]
        if psa.null_count():
            words[psa.is_null().to_numpy()] = 0
        return words

    def _hard_rows(
        self, psa: pl.Series, rows: npt.NDArray[np.int64], **told: pl.Series
    ) -> pl.DataFrame:
        """Return rows of the table beside that share a pseudonym with the given rows."""
        asked = {name: values.cast(pl.Int64).gather(rows) for name, values in told.items()}
        hashes = self._hash(psa.gather(rows))
        return pl.DataFrame({"row": rows, "hash": hashes, **asked}).join(self._hard, on="hash")

    def _claims(self, psa: pl.Series, rng: pl.Series, rows: npt.NDArray[np.int64]) -> pl.DataFrame:
        """Answer for claims of pseudonyms that several identifiers have, or nobody."""
        known = self._hard_rows(psa, rows, told=rng)
        told = pl.col("told")
        mute = told.is_null() | told.is_in(self._mute_ranks)
        same = pl.col("rng") == told
        persons = pl.col("person_id").drop_nulls()
        answers = known.group_by("row").agg(
            only=pl.when(persons.n_unique() == 1).then(persons.first()),
            several=persons.n_unique() > 1,
            ranked=pl.col("person_id").filter(same).first(),
            why=pl.col("reason").filter(same).first(),
            mute=mute.first(),
        )
        return answers.select(
            "row",
            person_id=pl.when("mute").then("only").otherwise("ranked"),
            reason=pl.when(pl.col("mute") & pl.col("several"))
            .then(pl.lit("ambiguous twin"))
            .otherwise(pl.coalesce("why", pl.lit("unknown rank"))),
        )

    def _stays(
        self, psa: pl.Series, rng: pl.Series, sex: pl.Series, rows: npt.NDArray[np.int64]
    ) -> pl.DataFrame:
        """Answer for stays of pseudonyms that several identifiers have, or nobody."""
        known = self._hard_rows(psa, rows, told_rank=rng, told_sex=sex)
        mine = pl.col("person_id")
        alike = pl.col("sex") == pl.col("told_sex")
        ranked = (pl.col("rng") == pl.col("told_rank")) & pl.col("certain")
        some = (mine.drop_nulls(), *(mine.filter(of).drop_nulls() for of in (alike, ranked)))
        nobodys = mine.is_null().all()
        return known.group_by("row").agg(
            person_id=pl.coalesce(pl.when(one.n_unique() == 1).then(one.first()) for one in some),
            reason=pl.when(nobodys)
            .then(pl.col("reason").first())
            .otherwise(pl.lit("ambiguous twin")),
        )

    def _answer(
        self,
        person: npt.NDArray[np.int64],
        rows: npt.NDArray[np.int64],
        found: npt.NDArray[np.int64],
        psa: pl.Series,
        hard: pl.DataFrame,
    ) -> pl.DataFrame:
        """Put the answers for the hard rows among the others, and say why the rest is nobody's."""
        answer = pl.DataFrame({"person_id": person}).select(
            pl.when(pl.col("person_id") > 0).then("person_id"),
            pl.lit(None, pl.String).alias("reason"),
        )
        if not len(rows):
            return answer
        missing = pl.DataFrame({"row": rows, "word": found[rows], "psa": psa.gather(rows)})
        reasons = (
            missing.join(hard, on="row", how="left", maintain_order="left")
            .select(
                "row",
                "person_id",
                reason=pl.when(pl.col("person_id").is_null()).then(
                    pl.coalesce(
                        "reason",
                        pl.when(pl.col("psa").is_null()).then(pl.lit("no pseudonym")),
                        pl.when(is_filler(pl.col("psa"), self._filler_run)).then(
                            pl.lit("filler pseudonym")
                        ),
                        pl.when(pl.col("word") > 0).then(pl.lit("unknown rank")),
                        pl.lit("unknown identifier"),
                    )
                ),
            )
            .sort("row")
        )
        places = reasons["row"]
        return pl.DataFrame(
            [answer[name].scatter(places, reasons[name]) for name in _ANSWER], schema=_ANSWER
        )


def _entries(identifiers: pl.DataFrame, nobody: pl.DataFrame | None) -> pl.DataFrame:
    """Bring identifiers of persons and of nobody under one another."""
    mine = identifiers.select(
        "psa",
        pl.col("rng").cast(pl.Int64),
        pl.col("person_id").cast(pl.Int64),
        pl.col("sex").cast(pl.Int8),
        certain=pl.col("confidence") == "certified",
        reason=pl.lit(None, pl.String),
    )
    if mine.height and not mine["rng"].is_between(0, HIGHEST_RANK).all():
        raise ValueError("a rank is not in its range")
    if nobody is None:
        return mine
    others = (
        nobody.with_columns(pl.col("rng").cast(pl.Int64))
        .join(mine, on=IDENTIFIER, how="anti")
        .select(
            *IDENTIFIER,
            pl.lit(None, pl.Int64).alias("person_id"),
            pl.lit(None, pl.Int8).alias("sex"),
            pl.lit(value=False).alias("certain"),
            "reason",
        )
    )
    return pl.concat([mine, others])


def _seed_for(psa: pl.Series) -> int:
    """Return the first seed under which different pseudonyms have different hashes, none 0."""
    different = psa.n_unique()
    for seed in range(_SEEDS):
        if psa.hash(seed).n_unique() == different:
            return seed
    raise EngineError(
        "Pseudonyms cannot be told apart by their hashes.",
        remedy="Report this version of Polars; load with another.",
    )


def _slots(hashes: npt.NDArray[np.uint64], slots: int) -> npt.NDArray[np.int64]:
    """Return where the search for each hash begins: its upper half, scaled to the table."""
    return ((hashes >> np.uint64(32)) * np.uint64(slots) >> np.uint64(32)).astype(np.int64)


def _table(
    keys: npt.NDArray[np.uint64], words: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    """Lay keys out in a table by linear probing; a word of 0 is a free slot."""
    slots = 1 + int(_ROOM * len(keys))
    owner = np.full(slots, -1)
    left, slot = np.arange(len(keys)), _slots(keys, slots)
    while len(left):
        free = left[owner[slot[left]] < 0]
        owner[slot[free]] = free
        left = left[owner[slot[left]] != left]
        slot[left] = (slot[left] + 1) % slots
    held = owner >= 0
    return (
        np.where(held, keys[owner], 0) if len(keys) else np.zeros(slots, np.uint64),
        np.where(held, words[owner], 0) if len(keys) else np.zeros(slots, np.int64),
    )
