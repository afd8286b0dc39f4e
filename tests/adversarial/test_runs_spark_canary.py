"""Nothing secret in what Spark shows and writes: marked rows, keys and passphrase are searched for.

The attacker reads every page and REST answer of the driver while a study runs, the event log, the
logs of master, workers and executors, their work folders and the blocks on their disks.
"""

import base64
import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

import pytest

from fakes.app_small import CONCEPTS, study_file
from fakes.cli_shell import PASSPHRASE, Cli, new_hub
from fakes.compute_tasks import Steps
from fakes.intake_hub import write_csv
from laennec.app.elsewhere import HubSnapshot, HubVault
from laennec.app.hub import open_hub
from laennec.app.study_runs import remote_engine
from laennec.compute.executor import Item, Result
from laennec.compute.spark import SparkExecutor
from laennec.core.clock import system_clock
from laennec.core.progress import Quiet
from laennec.quality import engines as quality_engines
from laennec.runs.engines import RemoteEngine
from laennec.study.files import read_study
from laennec.warehouse.service import View
from parts import free_port
from parts.spark import Cluster, cluster, fresh_driver

# py4j leaves its sockets to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

FIRST = 7_310_448_215_906_337
PERSONS = range(FIRST, FIRST + 40)
BORN = 1907
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIA7310448215",
    "AWS_SECRET_ACCESS_KEY": "a secret of the store",
    "AWS_SESSION_TOKEN": "a token of the store",
}
"""As the driver of a hub has them whose store is on S3; Spark looks for these variables itself."""
PAGES = ("jobs", "stages", "storage", "environment", "executors", "SQL")
_DETAILS = re.compile(rb"/(?:jobs/job|stages/stage)/\?id=\d+(?:&(?:amp;)?attempt=\d+)?")
REST = (
    "jobs",
    "stages",
    "stages?details=true&withSummaries=true",
    "executors",
    "allexecutors",
    "storage/rdd",
    "environment",
    "sql?details=true",
)


def marked_hub(folder: Path) -> Cli:
    """Make a hub whose persons can be told from everything else by their numbers."""
    cli = new_hub(folder)
    day = "2021-03-04"
    rows = {
        "person": "\n".join(f"{one},8507,{BORN},0,0" for one in PERSONS),
        "observation_period": "\n".join(
            f"{number},{one},2000-01-01,2023-01-01,0" for number, one in enumerate(PERSONS)
        ),
        "condition_occurrence": "\n".join(
            f"{number},{one},201826,{day},0" for number, one in enumerate(PERSONS)
        ),
    }
    heads = {
        "person": "person_id,gender_concept_id,year_of_birth,race_concept_id,ethnicity_concept_id",
        "observation_period": "observation_period_id,person_id,observation_period_start_date,"
        "observation_period_end_date,period_type_concept_id",
        "condition_occurrence": "condition_occurrence_id,person_id,condition_concept_id,"
        "condition_start_date,condition_type_concept_id",
    }
    written = {table: f"{heads[table]}\n{body}\n" for table, body in rows.items()}
    cli.ok("load", "omop", write_csv(folder / "data", {**written, "concept": CONCEPTS}))
    return cli


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """A hub of marked persons."""
    return marked_hub(tmp_path_factory.mktemp("marked"))


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cluster, int]]:
    """A cluster that writes and shows all it can, and the port of its drivers' pages."""
    folder, port = tmp_path_factory.mktemp("watched"), free_port()
    events = folder / "events"
    events.mkdir()
    settings = {
        "spark.ui.enabled": "true",
        "spark.ui.port": str(port),
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": str(events),
        "spark.eventLog.compress": "false",
        "spark.eventLog.logBlockUpdates.enabled": "true",
        "spark.eventLog.logStageExecutorMetrics": "true",
        "spark.log.level": "DEBUG",
        "spark.redaction.regex": "(?!)",
    }
    with cluster(folder, settings=settings) as started:
        yield started, port


def secrets_of(cli: Cli) -> dict[str, bytes]:
    """Return every secret of a hub, each with a name to tell it by."""
    with open_hub(cli.folder, clock=system_clock, reporter=Quiet()) as hub:
        vault = hub.warehouse.vault
        keychain = vault._state.keychain
        keys = {f"warehouse key {key_id}": key for key_id, key in keychain.keys.items()}
        for file in hub.warehouse.view().snapshot.manifest.files:
            keys[f"file key of {file.object}"] = keychain.unwrap(file.wrapped_key)
    people = {f"person {one}": str(one).encode() for one in PERSONS}
    rows = {f"row of {one}": one.to_bytes(8, "little") for one in PERSONS}
    given = {name: one.encode() for name, one in CREDENTIALS.items()}
    return {"passphrase": PASSPHRASE.encode(), **given, **keys, **people, **rows}


def found_in(text: bytes, secrets: dict[str, bytes]) -> list[str]:
    """Return the names of the secrets that a text holds, in bytes, hexadecimal or base64."""
    lowered = text.lower()
    return [
        name
        for name, one in secrets.items()
        if one in text or one.hex().encode() in lowered or base64.b64encode(one) in text
    ]


def scraped(port: int) -> bytes:
    """Return every page and every REST answer of a driver."""
    root = f"http://127.0.0.1:{port}/"
    applications = json.loads(_get(urljoin(root, "api/v1/applications")))
    base = urljoin(root, f"api/v1/applications/{applications[0]['id']}/")
    pages = [_get(urljoin(root, f"{page}/")) for page in PAGES]
    answers = [_get(urljoin(base, path)) for path in REST]
    links = {
        one
        for page in pages
        for one in re.findall(
            rb"/(?:jobs/job|stages/stage)/\?id=\d+(?:&(?:amp;)?attempt=\d+)?", page
        )
    }
    details = [_get(urljoin(root, one.decode().replace("&amp;", "&"))) for one in sorted(links)]
    assert details
    return b"".join([*pages, *answers, *details])


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url) as answer:  # noqa: S310 - an address of this machine
        body: bytes = answer.read()
    return body


def test_pages_logs_and_blocks_hold_no_secret(marked: Cli, watched: tuple[Cluster, int]) -> None:
    started, port = watched
    study = read_study(study_file(marked.folder.parent))
    seen, keys = list[bytes](), list[bytes]()
    steps = Steps(lambda: seen.append(scraped(port)))
    with (
        fresh_driver({**started.environment, **CREDENTIALS}),
        SparkExecutor(started.master) as executor,
        open_hub(marked.folder, clock=system_clock, reporter=Quiet()) as hub,
    ):
        plan, view = hub.runs().check(study).plan, hub.warehouse.loaded_view()
        own = remote_engine(hub, marked.folder, executor)

        def wrap(key: bytes) -> str:
            keys.append(key)
            return own.wrap(key)

        engine = RemoteEngine(executor, own.place, wrap)
        partial = engine.evaluate(plan, view, progress=steps)
    assert partial.counts["attrition", "diabetics", 0] == len(PERSONS)
    secrets = {**secrets_of(marked), "key of the run": keys[0]}
    assert b"PythonRDD" in seen[0]
    assert found_in(seen[0], secrets) == []
    said = started.said()
    assert b"SparkListenerTaskEnd" in said
    assert b"Running task" in said
    assert found_in(said, secrets) == []


def test_the_command_leaves_no_secret_either(
    marked: Cli, watched: tuple[Cluster, int], tmp_path: Path
) -> None:
    """As a process of its own, as a user gives it; what it says is searched as well."""
    started, _ = watched
    study = study_file(tmp_path)
    program = Path(sys.executable).with_name("laennec")
    said = subprocess.run(
        [program, "--hub", marked.folder, "--quiet", "study", "run", study, "--on", started.master],
        env={**os.environ, **started.environment, **CREDENTIALS},
        capture_output=True,
        check=False,
    )
    assert said.returncode == 0, said.stderr
    here = marked.ok("study", "run", study, quiet=True).strip()
    with open_hub(marked.folder, clock=system_clock, reporter=Quiet()) as hub:
        there = said.stdout.decode().strip()
        assert hub.runs().result(here)[2].rows == hub.runs().result(there)[2].rows
    assert found_in(said.stdout + said.stderr + started.said(), secrets_of(marked)) == []


@dataclass(frozen=True)
class Watching:
    """An executor that looks around after the first answer."""

    executor: SparkExecutor
    look: Callable[[], None]
    shares_memory = False

    def map(
        self, task: Callable[[Item], Result], items: Sequence[Item]
    ) -> Generator[Result, None, None]:
        for number, answer in enumerate(self.executor.map(task, items)):
            if number == 0:
                self.look()
            yield answer


def test_data_quality_leaves_no_secret(marked: Cli, watched: tuple[Cluster, int]) -> None:
    started, port = watched
    seen, keys = list[bytes](), list[bytes]()
    with (
        fresh_driver(started.environment),
        SparkExecutor(started.master) as executor,
        open_hub(marked.folder, clock=system_clock, reporter=Quiet()) as hub,
    ):
        vault, watching = (
            hub.warehouse.vault,
            Watching(executor, lambda: seen.append(scraped(port))),
        )

        def wrap(key: bytes) -> str:
            keys.append(key)
            return vault.wrap_scratch_key(key)

        def engine(view: View) -> quality_engines.RemoteEngine:
            one = view.snapshot
            there = HubSnapshot(HubVault(marked.folder, vault.seen), one.number, one.digest)
            return quality_engines.RemoteEngine(watching, there, wrap)

        found = hub.quality().assess("5.4", engine=engine, everything=True).assessment
    assert found.scanned == found.scans
    secrets = {**secrets_of(marked), "key of the run": keys[0]}
    assert b"PythonRDD" in seen[0]
    assert found_in(seen[0], secrets) == []
    assert found_in(started.said(), secrets) == []


def test_the_quality_command_leaves_no_secret_either(
    marked: Cli, watched: tuple[Cluster, int]
) -> None:
    started, _ = watched
    program = Path(sys.executable).with_name("laennec")
    said = subprocess.run(
        [program, "--hub", marked.folder, "quality", "--all", "--on", started.master],
        env={**os.environ, **started.environment},
        capture_output=True,
        check=False,
    )
    assert said.returncode == 0, said.stderr
    assert found_in(said.stdout + said.stderr + started.said(), secrets_of(marked)) == []
    assert marked.ok("quality", "--all") == said.stdout.decode()


def test_the_search_finds_what_is_there(marked: Cli) -> None:
    secrets = secrets_of(marked)
    key = next(one for name, one in secrets.items() if name.startswith("file key"))
    text = b"x" + base64.b64encode(key) + str(FIRST).encode() + PASSPHRASE.encode()
    assert len(found_in(text, secrets)) == 3
    assert found_in(key.hex().upper().encode(), secrets)
