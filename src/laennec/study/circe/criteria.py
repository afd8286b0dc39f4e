"""Criteria and groups of ATLAS, as queries and groups of the model; each may hold the other."""

from collections.abc import Mapping
from typing import Any

from laennec.study.circe.fields import COUNTED, DAYS, DEMOGRAPHICS, KINDS, Asked, Kind
from laennec.study.circe.filters import filter_of
from laennec.study.circe.reader import Part, made, refuse
from laennec.study.circe.sets import Sets
from laennec.study.complaints import nearest
from laennec.study.definition import (
    Adjustment,
    Correlated,
    Demographics,
    EventQuery,
    EventWindow,
    Filter,
    Group,
    TextFilter,
)

GROUP = frozenset({"Type", "Count", "CriteriaList", "DemographicCriteriaList", "Groups"})
ACCEPTS = {"ALL": "all", "ANY": "any", "AT_LEAST": "at_least", "AT_MOST": "at_most"}
SIDE = {"START_DATE": "start", "END_DATE": "end"}
OCCURRENCE = ("exactly", "at_most", "at_least")
PERIODS = frozenset({"ObservationPeriod", "PayerPlanPeriod"})
WINDOWED = frozenset(
    {
        "Criteria",
        "StartWindow",
        "EndWindow",
        "Occurrence",
        "RestrictVisit",
        "IgnoreObservationPeriod",
    }
)
NOT_IN_THE_CDM = {"LocationRegion": "CDM 5.4 has no history of places (location_history)"}


class Criteria:
    """Reads the criteria of one definition, whose concept sets are known."""

    def __init__(self, sets: Sets) -> None:
        self._sets = sets

    def queries(self, part: Part, field: str) -> tuple[EventQuery, ...]:
        """Return the queries of a list of criteria."""
        found = part.items(field)
        return tuple(self._query(one, place, depth=part.depth + 1) for one, place in found)

    def group(self, part: Part, field: str) -> Group | None:
        """Return the group of a field, or None without one."""
        found = part.part(field, GROUP, within=1)
        return None if found is None else self._group(found)

    def _query(self, value: Any, place: str, *, depth: int) -> EventQuery:
        name, kind, part = _opened(value, place, depth)
        # circe-be adds the gap after it has looked for eras: it joins nothing.
        part.whole("GapDays") if name == "CustomEra" else None
        own = part.part("UserDefinedPeriod", {"StartDate", "EndDate"})
        return made(
            EventQuery,
            part.place,
            table=kind.table,
            concepts=self._sets.named(part, "CodesetId"),
            source_concepts=None if kind.source is None else self._sets.named(part, kind.source),
            first=part.truth("First") or False,
            adjustment=_adjustment(part, is_death=name == "Death"),
            filters=self._filters(part, kind.filters, kind.excludes),
            abnormal=part.truth("Abnormal") or False,
            period_start=None if own is None else own.day("StartDate"),
            period_end=None if own is None else own.day("EndDate"),
            group=self.group(part, "CorrelatedCriteria"),
            eras=self.queries(part, "CriteriaList"),
        )

    def _filters(
        self, part: Part, known: Mapping[str, Asked], excludes: frozenset[str] = frozenset()
    ) -> tuple[Filter, ...]:
        """The filters of a part, in the order in which it has them."""
        found = []
        for field in part:
            if field in known:
                exclude = field in excludes and bool(part.truth(f"{field}Exclude"))
                one = filter_of(part, field, known[field], self._sets, exclude=exclude)
                found += [] if one is None else [one]
        return tuple(found)

    def _group(self, part: Part) -> Group:
        criteria = tuple(self._correlated(one) for one in part.parts("CriteriaList", WINDOWED))
        demographics = tuple(
            self._demographics(one) for one in part.parts("DemographicCriteriaList", DEMOGRAPHICS)
        )
        groups = tuple(self._group(one) for one in part.parts("Groups", GROUP, within=1))
        accepts = _accepts(part, is_empty=not (criteria or demographics or groups))
        return made(
            Group,
            part.place,
            accepts=accepts,
            count=part.needed("Count", least=0) if accepts.startswith("at_") else None,
            criteria=criteria,
            demographics=demographics,
            groups=groups,
        )

    def _demographics(self, part: Part) -> Demographics:
        filters = self._filters(part, DEMOGRAPHICS)
        plain = tuple(one for one in filters if not isinstance(one, TextFilter))
        return made(Demographics, part.place, filters=plain)

    def _correlated(self, part: Part) -> Correlated:
        query = self._query(part.raw("Criteria"), part.at("Criteria"), depth=part.depth + 1)
        window = _window(part, "StartWindow", event="start")
        if window is None:
            refuse(part.at("StartWindow"), "the window is missing", "Export it again.")
        occurrence = part.part("Occurrence", {"Type", "Count", "IsDistinct", "CountColumn"})
        if occurrence is None:
            refuse(part.at("Occurrence"), "the number of events is missing", "Export it again.")
        return made(
            Correlated,
            part.place,
            query=query,
            window=window,
            end_window=_window(part, "EndWindow", event="end"),
            occurrence=OCCURRENCE[occurrence.needed("Type", least=0, most=2)],
            count=occurrence.needed("Count", least=0),
            distinct=_distinct(occurrence, query),
            same_visit=part.truth("RestrictVisit") or False,
            ignore_observation=part.truth("IgnoreObservationPeriod") or False,
        )


def fields_of(name: str) -> frozenset[str]:
    """Return every field that circe-be knows of a kind of criterion."""
    kind = KINDS[name]
    own = {
        "CodesetId": kind.has_set,
        "First": kind.has_first,
        "Abnormal": name == "Measurement",
        "UserDefinedPeriod": name in PERIODS,
        "CriteriaList": name == "CustomEra",
        "GapDays": name == "CustomEra",
        str(kind.source): kind.source is not None,
    }
    return frozenset(
        {
            "CorrelatedCriteria",
            "DateAdjustment",
            *kind.filters,
            *kind.refused,
            *(f"{one}Exclude" for one in kind.excludes),
            *(field for field, has in own.items() if has),
        }
    )


FIELDS = {name: fields_of(name) for name in KINDS}


def _opened(value: Any, place: str, depth: int) -> tuple[str, Kind, Part]:
    """The kind of a criterion, and what is asked of it."""
    known = {*KINDS, *NOT_IN_THE_CDM}
    outer = Part(value, place, fields=known, depth=depth)
    names = list(outer)
    if len(names) != 1:
        refuse(place, "it is not of one kind of criterion", nearest("", known))
    name = names[0]
    if name in NOT_IN_THE_CDM:
        refuse(outer.at(name), NOT_IN_THE_CDM[name], "Take the criterion away.")
    part = Part(outer.raw(name), outer.at(name), fields=FIELDS[name], depth=depth)
    kind = KINDS[name]
    for field in part:
        if field in kind.refused:
            refuse(part.at(field), kind.refused[field], "Take this filter away in ATLAS.")
    return name, kind, part


def _accepts(group: Part, *, is_empty: bool) -> str:
    """How many parts of a group must accept; what an empty one says of it means nothing."""
    word = (group.text("Type") or "").upper()
    if is_empty and (word not in ACCEPTS or group.raw("Count") is None):
        return "any" if word == "ANY" else "all"
    if word not in ACCEPTS:
        refuse(group.at("Type"), "it does not say how many must be met", nearest("", ACCEPTS))
    return ACCEPTS[word]


def _adjustment(part: Part, *, is_death: bool) -> Adjustment | None:
    found = part.part("DateAdjustment", {"StartWith", "StartOffset", "EndWith", "EndOffset"})
    if found is None:
        return None
    sides = {
        side: found.one_of(f"{side}With", SIDE) if f"{side}With" in found else side.lower()
        for side in ("Start", "End")
    }
    # circe-be takes the day of death and the day after, whatever the adjustment begins with.
    start, end = ("start", "end") if is_death else (sides["Start"], sides["End"])
    return made(
        Adjustment,
        found.place,
        start=start,
        start_days=found.whole("StartOffset") or 0,
        end=end,
        end_days=found.whole("EndOffset") or 0,
    )


def _window(part: Part, field: str, *, event: str) -> EventWindow | None:
    found = part.part(field, {"Start", "End", "UseIndexEnd", "UseEventEnd"})
    if found is None:
        return None
    event_end = found.truth("UseEventEnd")
    return made(
        EventWindow,
        found.place,
        start=_bound(found, "Start"),
        end=_bound(found, "End"),
        index="end" if found.truth("UseIndexEnd") else "start",
        event=event if event_end is None else "end" if event_end else "start",
    )


def _bound(window: Part, field: str) -> int | str:
    found = window.part(field, {"Days", "Coeff"})
    if found is None:
        refuse(window.at(field), "the bound is missing", "Export the definition again.")
    days, side = found.whole("Days"), found.whole("Coeff")
    if side not in (-1, 1):
        refuse(found.at("Coeff"), "it is neither -1 (before) nor 1 (after)", "Write -1 or 1.")
    if days is None:
        return "observation_start" if side == -1 else "observation_end"
    return side * days


def _distinct(occurrence: Part, query: EventQuery) -> str | None:
    """The column of which different values are counted, if any; the concept by default."""
    if not occurrence.truth("IsDistinct"):
        return None
    column = occurrence.text("CountColumn") or "DOMAIN_CONCEPT"
    kind = next(one for one in KINDS.values() if one.table == query.table)
    known = {**DAYS, **kind.distinct}
    if column not in known:
        place = occurrence.at("CountColumn")
        told = (
            f"{query.table} has no such column"
            if column in COUNTED
            else "there is no such column in ATLAS"
        )
        refuse(place, told, nearest(column, known))
    return known[column]
