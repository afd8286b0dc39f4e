"""A load over a real S3 service whose answers get lost at each request of the commit, in turn."""

from pathlib import Path

import pytest

from fakes.intake_race import ledger_of, make, opened, race
from laennec.core.errors import LaennecError, StoreError
from laennec.core.settings import StoreSettings
from laennec.warehouse.anchor import anchors_in
from laennec.warehouse.service import Warehouse
from parts.faulty_proxy import Failure, Fault, FaultyLine, faulty_line
from parts.hosts import Host

PASSING = (Failure.BUSY, Failure.BUSY_AFTER, Failure.RESET_AFTER)


def places(line: FaultyLine, host: Host, folder: Path) -> tuple[StoreSettings, StoreSettings]:
    """Return the same place over the faulty line, and directly."""
    over = host.at(line.endpoint).settings(folder, prefix=folder.name)
    return over, over.model_copy(update={"endpoint": host.endpoint})


def check_loaded(hub: Path, settings: StoreSettings, persons: list[int]) -> None:
    """These persons are there, each once and each logged once, and all is what was sealed."""
    vault = opened(hub, settings)
    view = Warehouse(vault).view()
    found = [
        person
        for bucket in view.buckets()
        for person in view.read("person", bucket, columns=["person_id"], where=None)["person_id"]
    ]
    assert sorted(found) == persons
    assert vault.verify().ok
    logged = [one.number for one in anchors_in(ledger_of(hub).entries())]
    assert logged == list(range(1, len(persons) + 1))


@pytest.mark.parametrize("failure", PASSING)
@pytest.mark.parametrize("padding", [False, True])
def test_a_load_gets_through_whichever_write_loses_its_answer(
    failure: Failure, moto_host: Host, tmp_path: Path, *, padding: bool
) -> None:
    with faulty_line(moto_host.endpoint) as line:
        faulty, direct = places(line, moto_host, tmp_path)
        faulty = faulty.model_copy(update={"padding": padding})
        make(tmp_path, direct)
        persons: list[int] = []
        while True:
            line.faults[:] = [Fault(failure, "PUT", after=len(persons))]
            struck, person = line.struck, 1000 + len(persons)
            assert race(tmp_path, faulty, person, 1)["lost"] == 0
            persons.append(person)
            if line.struck == struck:
                break
        assert len(persons) > 4, "files, report, record and head are written apart"
        check_loaded(tmp_path, direct, persons)


@pytest.mark.parametrize("part", ["objects/", "heads/"])
def test_a_load_that_cannot_write_leaves_what_was_there(
    part: str, moto_host: Host, tmp_path: Path
) -> None:
    with faulty_line(moto_host.endpoint) as line:
        faulty, direct = places(line, moto_host, tmp_path)
        make(tmp_path, direct)
        race(tmp_path, faulty, 1000, 1)
        line.faults[:] = [Fault(Failure.FULL, "PUT", part, times=10**6)]
        with pytest.raises(LaennecError) as caught:
            race(tmp_path, faulty, 1001, 1)
        assert isinstance(caught.value, StoreError)
        check_loaded(tmp_path, direct, [1000])
        line.faults.clear()
        race(tmp_path, faulty, 1001, 1)
        check_loaded(tmp_path, direct, [1000, 1001])
