"""Keep the engine from writing rows to disk in clear.

Since 2.0 Polars spills: a sort, join, group or whole result that takes it over 80 % of the
machine's memory goes as plain Arrow files to ``/var/tmp``, with no word to the caller and whichever
engine was asked for. A person's rows would then lie readable on a disk, and outlive a killed
process. The budget is a setting of the process, so it is raised here beyond any machine's memory:
work that does not fit fails instead.

Attacker resisted: whoever reads the disk of the machine that computes, then or later, and whoever
sets the environment of the process to make it spill. Not resisted: swap, which is the operator's
(``docs/explanation/runs.md``).
"""

import json

import polars as pl

_NEVER = {
    # A share of the machine's memory; it is looked at first, and nothing reaches a billion times.
    "POLARS_OOC_MEMORY_BUDGET_FRACTION": "1e9",
    "POLARS_OOC_MEMORY_BUDGET_MB": None,
    # These have the engine write its own messages, which may quote values, to the error stream.
    "POLARS_PANIC_ON_ERR": None,
    "POLARS_VERBOSE": None,
    "POLARS_VERBOSE_SENSITIVE": None,
}


def forbid_spill() -> None:
    """Set, for the rest of the process, that Polars never writes to disk what it holds in memory.

    Nor may it print what it reads: variables that ask it to are taken back as well.

    Overrules the environment. Safe to call again, and from any thread that runs no query.
    """
    pl.Config.load(json.dumps({"environment": _NEVER, "direct": {}}))
