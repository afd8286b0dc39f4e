"""Units and buckets on Spark: each is a job of its own, with Spark's scheduling and retries.

What Spark carries is the task: where the load's folder is and how to open the hub, no key and no
row. A failure comes back as a value, in our words: Spark would print the message of a library,
which may quote a row, into its logs. ``pyspark`` is imported here only (``laennec[spark]``).
"""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any, Generic

from polars.exceptions import PanicException

from laennec.core.errors import EngineError, LaennecError, SettingsError
from laennec.intake.snds.executor import Item, Result

_SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.eventLog.enabled": "false",
    "spark.log.level": "ERROR",
}
_ON_THIS_MACHINE = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.authenticate": "true",
}
"""With a master ``local[...]``: nobody on the network reaches the ports that Spark opens, and on
the machine nobody without the secret that it makes up. A cluster has its own settings for this."""


@dataclass(frozen=True)
class _Failure:
    """An expected failure, on its way back from an executor."""

    kind: type[LaennecError]
    happened: str
    remedy: str

    def error(self) -> LaennecError:
        return self.kind(self.happened, remedy=self.remedy)


@dataclass(frozen=True)
class _Guarded(Generic[Item, Result]):
    """A task whose failures are values."""

    task: Callable[[Item], Result]

    def __call__(self, item: Item) -> Result | _Failure:
        try:
            return self.task(item)
        except LaennecError as error:
            return _Failure(type(error), error.happened, error.remedy)
        # The top of a worker: the text of an error, or of an engine's panic, may quote a row.
        except (Exception, PanicException) as error:  # noqa: BLE001
            return _Failure(
                EngineError,
                f"A task of the load failed on an executor ({type(error).__name__}).",
                "This may be a bug in Laennec; nothing was loaded.",
            )


class SparkExecutor:
    """Runs tasks on a Spark cluster; a context that ends the session."""

    shares_memory = False

    def __init__(self, master: str) -> None:
        """Start a session.

        Args:
            master: Such as ``spark://host:7077``, ``yarn`` or ``local[2]``. Executors need the
                same Laennec, the scratch folder, the source files and the hub's settings at the
                same paths.

        Raises:
            SettingsError: pyspark is not installed, or the cluster does not answer.
        """
        try:
            from pyspark.sql import SparkSession
        except ImportError:
            raise SettingsError(
                "Spark is not installed.", remedy="Install it with `pip install laennec[spark]`."
            ) from None
        builder = SparkSession.builder.master(master).appName("laennec")
        # The one way to tell Spark which Python has Laennec; a cluster may have set another.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        own = _ON_THIS_MACHINE if master.startswith("local") else {}
        for name, value in {**_SETTINGS, **own}.items():
            builder = builder.config(name, value)
        try:
            self._session: Any = builder.getOrCreate()
        except Exception:  # noqa: BLE001 - py4j and pyspark raise many kinds, of many bases
            failed = True
        else:
            failed = False
        if failed:
            raise SettingsError(
                "The Spark cluster cannot be used.",
                remedy="Check the master's address, Java, and the log of Spark.",
            )

    def __enter__(self) -> "SparkExecutor":
        """Use the session for the time of a ``with`` block."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the session."""
        self._session.stop()

    def map(self, task: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """Yield results as they come; see ``Executor.map``.

        Raises:
            EngineError: Spark gave a task up.
        """
        context = self._session.sparkContext
        guarded = _Guarded(task)

        def run(item: Item) -> Result | _Failure:
            try:
                found: list[Result | _Failure] = (
                    context.parallelize([item], 1).map(guarded).collect()
                )
            except Exception:  # noqa: BLE001 - as above
                return _Failure(
                    EngineError,
                    "Spark gave up a task of the load.",
                    "See the log of Spark; load again to go on with what is finished.",
                )
            return found[0]

        pool = ThreadPoolExecutor(max_workers=max(1, context.defaultParallelism))
        try:
            for done in as_completed([pool.submit(run, one) for one in items]):
                answer = done.result()
                if isinstance(answer, _Failure):
                    raise answer.error()
                yield answer
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
