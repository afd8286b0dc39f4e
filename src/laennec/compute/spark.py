"""Tasks on Spark: one job of many tasks, with Spark's scheduling and retries.

What Spark carries is the task: how to find what it works with, no key and no row. Answers come back
one by one, as each task ends, and a failure comes back as a value in our words (``failures``).
Nothing that a library writes by itself reaches the logs of an executor, since it may quote a row.
``pyspark`` is imported here only (``laennec[spark]``).
"""

import importlib.util
import os
import queue
import secrets
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from laennec.compute.executor import Item, Result
from laennec.compute.failures import Failure, Guarded
from laennec.compute.java import java_home
from laennec.compute.masters import check_answers, is_this_machine
from laennec.compute.worker import Answers, Work
from laennec.core.errors import EngineError, SettingsError

_UNLESS_SET = {
    "spark.ui.enabled": "false",
    "spark.eventLog.enabled": "false",
    "spark.log.level": "ERROR",
    # Spark copies the S3 credentials of the environment, those of the sealed store, into properties
    # that its pages and its event log show, unless it finds others.
    **{
        f"spark.hadoop.fs.{name}": ""
        for name in (
            *("s3a.access.key", "s3a.secret.key", "s3a.session.token"),
            *("s3.awsAccessKeyId", "s3.awsSecretAccessKey"),
            *("s3n.awsAccessKeyId", "s3n.awsSecretAccessKey"),
        )
    },
}
"""For whoever configures Spark to set otherwise, in ``spark-defaults.conf``."""

_ALWAYS = {
    # What Spark itself puts on a disk is enciphered, under a key that lives as long as the session.
    "spark.io.encryption.enabled": "true",
    # A task has one processor: one thread of the engine for each, not one for each of the machine.
    "spark.executorEnv.POLARS_MAX_THREADS": "1",
    # Python would run modules of the current folder in place of its own: a researcher's file
    # beside a study, such as polars.py, would then run where keys and rows are.
    "spark.executorEnv.PYTHONSAFEPATH": "1",
    "spark.ui.showConsoleProgress": "false",
}
_ON_THIS_MACHINE = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.authenticate": "true",
}
"""With a master ``local[...]``: nobody on the network reaches the ports that Spark opens, and on
the machine nobody without the secret that it makes up. A cluster has its own settings for this."""

_LOOK_EVERY_S = 0.5
_PATIENCE_S = 180.0
"""How long a cluster may be without any executor before a job is given up."""


@dataclass(frozen=True)
class _End:
    """The last of a job's answers: whether Spark finished it."""

    whole: bool


class SparkExecutor:
    """Runs tasks on a Spark cluster; a context that ends the session."""

    shares_memory = False

    def __init__(self, master: str, *, patience_s: float = _PATIENCE_S) -> None:
        """Start a session.

        Args:
            master: Such as ``spark://host:7077``, ``yarn`` or ``local[2]``. Executors need the
                same Laennec, and what the tasks look for, at the same paths.
            patience_s: How long the cluster may be without any executor.

        Raises:
            SettingsError: pyspark or Java is not installed, or the cluster does not answer.
        """
        spec = importlib.util.find_spec("pyspark")
        if spec is None or spec.origin is None:
            raise SettingsError(
                "Spark is not installed.", remedy="Install it with `pip install laennec[spark]`."
            )
        check_answers(master)
        self._local, self._patience_s = is_this_machine(master), patience_s
        # Without it, Spark would be looked for in the folder above the current one first.
        os.environ.setdefault("SPARK_HOME", _own_spark(spec.origin))
        # The one way to tell Spark which Python has Laennec; a cluster may have set another.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        with ExitStack() as held:
            home = held.enter_context(java_home())
            if home is not None:
                os.environ["JAVA_HOME"] = str(home)
                held.callback(os.environ.pop, "JAVA_HOME")
            try:
                self._context = _context(master)
            except Exception:  # noqa: BLE001 - py4j and pyspark raise many kinds, of many bases
                self._context = None
            if self._context is None:
                raise SettingsError(
                    "The Spark cluster cannot be used.",
                    remedy="Check the master's address, Java, and the log of Spark.",
                )
            self._held = held.pop_all()

    def __enter__(self) -> "SparkExecutor":
        """Use the session for the time of a ``with`` block."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the session."""
        with self._held:
            self._context.stop()

    def map(
        self, task: Callable[[Item], Result], items: Sequence[Item]
    ) -> Generator[Result, None, None]:
        """Yield results as they come; see ``Executor.map``.

        One job with a task for each item. Whoever stops reading, fails or is interrupted, cancels
        what is left of it. A task that is lost with its machine is done again elsewhere; an answer
        that comes twice is yielded once.

        Raises:
            EngineError: Spark gave a task up, or had no executor for too long.
        """
        if not items:
            return
        inbox: queue.SimpleQueue[tuple[int, Result | Failure] | _End] = queue.SimpleQueue()
        group = f"laennec-{secrets.token_hex(4)}"
        driving = self._begin(group, Guarded(task), items, inbox)
        missing = set(range(len(items)))
        try:
            while not isinstance(found := self._next(inbox), _End):
                number, answer = found
                if isinstance(answer, Failure):
                    raise answer.error()
                if number in missing:
                    missing.remove(number)
                    yield answer
            if missing or not found.whole:
                raise _gave_up()
        finally:
            self._cancel(group, driving)

    def _begin(
        self,
        group: str,
        task: Guarded[Item, Result],
        items: Sequence[Item],
        inbox: "queue.SimpleQueue[Any]",
    ) -> Any:
        """Start the job in a thread of its own; its answers and its end go to the inbox."""
        from pyspark import InheritableThread

        context = self._context
        work = Work(task, context.accumulator([], Answers(inbox.put)))
        numbered = context.parallelize(list(enumerate(items)), len(items))

        def drive() -> None:
            whole = False
            try:
                context.setJobGroup(group, "laennec", interruptOnCancel=True)
                numbered.foreach(work)
                whole = True
            except Exception:  # noqa: BLE001, S110 - py4j raises many kinds; their text is dropped
                pass
            finally:
                inbox.put(_End(whole))

        thread = InheritableThread(target=drive, name="laennec-spark", daemon=True)
        thread.start()
        return thread

    def _cancel(self, group: str, driving: Any) -> None:
        """Cancel what is left of a job, also one that is only about to begin, and see its end."""
        while driving.is_alive():
            with suppress(Exception):  # Java may be gone; then the thread ends by itself
                self._context.cancelJobGroup(group)
            driving.join(timeout=_LOOK_EVERY_S)

    def _next(self, inbox: "queue.SimpleQueue[Any]") -> Any:
        """Return the next answer; give up if the cluster has no executor for too long."""
        alone_since = time.monotonic()
        while True:
            try:
                return inbox.get(timeout=_LOOK_EVERY_S)
            except queue.Empty:
                if self._local or self._executors():
                    alone_since = time.monotonic()
                elif time.monotonic() - alone_since > self._patience_s:
                    raise EngineError(
                        f"The Spark cluster gave no executor within {self._patience_s:.0f} s.",
                        remedy="See the master's page: it is busy, or its workers are smaller than "
                        "an executor (spark.executor.memory).",
                    ) from None

    def _executors(self) -> int:
        """Return how many executors there are, the driver left out."""
        with suppress(Exception):  # Java may be gone; then the job's thread says so
            return len(self._context._jsc.sc().statusTracker().getExecutorInfos()) - 1
        return 0


def _own_spark(module: str) -> str:
    """Return where pyspark, or the distribution that was chosen at its installation, has Spark."""
    home = Path(module).parent
    chosen = home / "spark-distribution"
    return str(chosen if chosen.is_dir() else home)


def _context(master: str) -> Any:
    """Start Java and a session; what is configured for Spark on this machine is kept."""
    from pyspark import SparkConf, SparkContext

    # Java reads what is configured, and SparkConf asks it.
    SparkContext._ensure_initialized()
    conf = SparkConf().setMaster(master).setAppName("laennec")
    for name, value in _UNLESS_SET.items():
        conf.setIfMissing(name, value)
    for name, value in {
        **_ALWAYS,
        **(_ON_THIS_MACHINE if is_this_machine(master) else {}),
    }.items():
        conf.set(name, value)
    return SparkContext(conf=conf)


def _gave_up() -> EngineError:
    return EngineError(
        "Spark gave up a task.",
        remedy="See the log of Spark; give the same command again when its cause is gone.",
    )
