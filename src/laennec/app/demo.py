"""The whole journey on synthetic data, step by step, each step shown as it ends.

Nothing here is made for show: the hub, the load, the study, the release and every check are the
ones that the other commands run. The story ends with an attack: one bit of one stored object is
flipped, verification has to name that object, and the bit is put back.
"""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

from laennec.app.audit import verify_released_file
from laennec.app.create import create_hub
from laennec.app.demo_sources import DemoSource, StepMaker, Words
from laennec.app.hub import Hub, open_hub
from laennec.app.readability import Readability, look_for_plaintext
from laennec.app.releases import REPORT, release_run
from laennec.app.template import settings_text
from laennec.app.upkeep import verify
from laennec.core.clock import Clock
from laennec.core.errors import AlreadyExistsError, IntegrityError
from laennec.core.progress import Reporter
from laennec.core.settings import FILE_NAME
from laennec.omop.cdm import CURRENT, cdm
from laennec.report import Step
from laennec.runs.service import RunRecord
from laennec.study.files import read_study
from laennec.vault.passphrase import PassphraseFile

_PASSPHRASE = "passphrase"  # noqa: S105 - the name of a file
_MARK = ".laennec-demo"
_MOST_NAMES = 1_000
STUDY = "celecoxib.toml"


@dataclass(frozen=True)
class DemoEnd:
    """Where the demo left its things.

    Attributes:
        folder: The hub.
        report: The report to open in a browser.
    """

    folder: Path
    report: Path


class Demo:
    """One run of the demo; ``steps`` does the work and yields each step when it is done."""

    def __init__(
        self, folder: Path, *, source: DemoSource, words: Words, language: str, clock: Clock
    ) -> None:
        self._folder, self._words, self._language = folder, words, language
        self._source, self._clock, self._step = source, clock, StepMaker(words)
        self._told: list[Step] = []
        self.end: DemoEnd | None = None

    def steps(self, reporter: Reporter) -> Iterator[Step]:
        """Do everything, and yield each step.

        Raises:
            AlreadyExistsError: the folder holds something that is not an earlier demo.
            LaennecError: a step failed.
        """
        yield self._tell(self._create())
        prepared = self._source.prepare(self._folder, self._step, reporter)
        if prepared is not None:
            yield self._tell(prepared)
        with open_hub(self._folder, clock=self._clock, reporter=reporter) as hub:
            yield self._tell(self._source.load(hub, self._step))
            yield self._tell(self._look_as_host(hub))
            step, record = self._run(hub)
            yield self._tell(step)
            yield self._tell(self._prove_store(hub))
            yield self._tell(self._attack(hub))
            yield self._release(hub, record)
            yield self._prove_release(hub, record)

    def _tell(self, step: Step) -> Step:
        self._told.append(step)
        return step

    def _create(self) -> Step:
        clear_demo(self._folder)
        self._folder.mkdir(parents=True)
        (self._folder / _MARK).touch()
        secret = self._folder / _PASSPHRASE
        secret.touch(mode=0o600)
        secret.write_text(secrets.token_urlsafe(32), encoding="utf-8")
        text = settings_text(
            name=self._source.hub_name,
            origin="demo.laennec.invalid/log",
            passphrase_file=Path(_PASSPHRASE),
            passphrase_env=None,
        )
        create_hub(self._folder, text=text, passphrase=PassphraseFile(secret), clock=self._clock)
        return self._step(
            "A hub",
            self._words("Keys in one folder, sealed store in another, a public log beside them."),
        )

    def _look_as_host(self, hub: Hub) -> Step:
        found = look_as_host(hub)
        if found.found:
            raise IntegrityError(
                f"Readable text was found in {found.found[0][1]}.",
                remedy="This is a bug in Laennec; do not use this store.",
            )
        return self._step(
            "What the host sees",
            self._words(
                "{objects} objects under random names; none of {words} known words in them.",
                objects=found.objects,
                words=found.words,
            ),
            ("Bytes", found.bytes),
            ("Lowest entropy (bits a byte)", found.lowest_entropy or 0.0),
        )

    def _run(self, hub: Hub) -> tuple[Step, RunRecord]:
        with as_file(files("laennec.app") / "data" / STUDY) as path:
            study = read_study(path)
        shutil.copyfile(str(files("laennec.app") / "data" / STUDY), self._folder / STUDY)
        record = hub.runs().run(study)
        step = self._step(
            "Study",
            self._words(
                "{title}: {rows} estimates, kept sealed.",
                title=study.title,
                rows=record.rows,
            ),
            ("Person buckets", len(hub.warehouse.view().buckets())),
            ("Workers", hub.workers),
        )
        return step, record

    def _prove_store(self, hub: Hub) -> Step:
        found = verify(hub.custody)
        if not found.ok:
            raise IntegrityError("The new hub does not verify.", remedy="This is a bug in Laennec.")
        size = found.ledger.checkpoint.size if found.ledger.checkpoint else 0
        return self._step(
            "Verify",
            self._words("Every stored object and every log entry is what was sealed and signed."),
            ("Objects", found.objects),
            ("Log entries", size),
        )

    def _attack(self, hub: Hub) -> Step:
        victim = hub.warehouse.view().files("drug_exposure")[0].object
        path = hub.settings.store.folder / "warehouse" / victim
        with _one_bit_flipped(path):
            named = [one.object for one in verify(hub.custody).stored]
        if named != [victim]:
            raise IntegrityError(
                "A flipped bit was not noticed.", remedy="This is a bug in Laennec."
            )
        return self._step(
            "A hostile host",
            self._words("The host flips one bit of one object: verification names that object."),
        )

    def _release(self, hub: Hub, record: RunRecord) -> Step:
        told = tuple(self._told)
        release = release_run(hub, record.run, language=self._language, steps=told)
        self.end = DemoEnd(self._folder, release.folder / REPORT)
        counts = release.review.counts
        return self._step(
            "Release",
            self._words(
                "{hidden} of {estimates} estimates hidden and {left_out} left out by {profile}; "
                "the rest leaves, logged.",
                hidden=sum(one.hidden for one in counts),
                estimates=sum(one.estimates for one in counts),
                left_out=sum(one.left_out for one in counts),
                profile=release.review.profile,
            ),
            *[
                (one.path.name, self._words("log entry {n}", n=str(one.entry)))
                for one in release.files
            ],
        )

    def _prove_release(self, hub: Hub, record: RunRecord) -> Step:
        folder = hub.settings.disclosure.releases / record.run
        key = hub.ledger.verifier_key
        released = sorted(one for one in folder.iterdir() if one.suffix != ".tlog-proof")
        for one in released:
            verify_released_file(one, folder=self._folder, key=key, clock=self._clock)
        return self._step(
            "Prove",
            self._words(
                "{files} released files verified offline, from file, proof and public key alone.",
                files=len(released),
            ),
        )


def look_as_host(hub: Hub) -> Readability:
    """Search the store for words that the warehouse surely holds."""
    words = set(cdm(CURRENT).tables)
    for table in cdm(CURRENT).tables.values():
        words |= set(table.field_names)
    view = hub.warehouse.view()
    names = view.read_whole("concept", columns=["concept_name"]).to_series().drop_nulls()
    words |= set(names.gather_every(1 + len(names) // _MOST_NAMES))
    days = view.read("person", view.buckets()[0], columns=["birth_datetime"], where=None)
    words |= {str(day) for day in days.to_series().drop_nulls()[:50].dt.date()}
    return look_for_plaintext(hub.settings.store.folder, words)


def clear_demo(folder: Path) -> None:
    """Delete an earlier demo; anything else stays.

    Raises:
        AlreadyExistsError: the folder holds something that is not an earlier demo.
    """
    if not folder.exists() or not any(folder.iterdir()):
        shutil.rmtree(folder, ignore_errors=True)
        return
    if not ((folder / _MARK).exists() and (folder / FILE_NAME).exists()):
        raise AlreadyExistsError(
            f"{folder} is not empty and not an earlier demo.", remedy="Name another folder."
        )
    shutil.rmtree(folder)


@contextmanager
def _one_bit_flipped(path: Path) -> Iterator[None]:
    whole = path.read_bytes()
    middle = len(whole) // 2
    path.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
    try:
        yield
    finally:
        path.write_bytes(whole)
