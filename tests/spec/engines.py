"""The engines that the spec runs on, by name. A new engine is one line here."""

from collections.abc import Callable, Mapping

from laennec.study.model import Study
from laennec.study.partials import Partial
from laennec.study.reference import evaluate
from laennec.study.reference_history import Concepts, Rows

Engine = Callable[[Study, Rows, Concepts], Partial]

ENGINES: Mapping[str, Engine] = {"reference": evaluate}
