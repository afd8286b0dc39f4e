"""Reference pages of errors, events and intake rules: tables of the code, laid out."""

from collections.abc import Iterable

from tools.markdown import attributes, code, generated, prose, table

from laennec.core.errors import LaennecError, all_errors
from laennec.disclosure.profiles import PROFILES, Profile, load_profile
from laennec.intake.rules import DROPPED, QUARANTINED
from laennec.ledger.events import EVENTS, FACTS, EventType

_ERRORS = """\
Every failure that a user can meet has a class, an exit status for scripts and an HTTP status for
the web interface to come. The message on the error stream has two parts: what happened, and what
to do. It names settings, files, lines, tables and states, never a value from a row.

Other exit statuses: 0, the command did what it says; 2, the command line is wrong (the message says
how); 130, interrupted, and nothing half-done is visible. A Python traceback is a bug in Laennec:
please report it.

A class that stands under another is a special case of it.
"""

_EVENTS = """\
What the [ledger](../explanation/ledger.md) may hold: these events, each with these facts and no
others. A *public* fact is readable by everyone for ever, so its form leaves no room for text about
a person. A *private* fact is not in the log; a salted hash of it is
([commitment](ledger-format.md#commitment)). An event need not carry every fact that it may carry.

Names that are no longer used stay listed as retired: they are read, never written.
"""

_RULES = """\
Each row that a load reads is kept, put in quarantine or dropped, by exactly one rule, so that
`read = kept + quarantined + dropped` for every table. The counts are printed and stored with the
load; the rows in quarantine are sealed like all others, each with its table, file, line, column and
rule. Values of a row are in no message and no log.
"""

_PROFILES = """\
Every number on which [disclosure control](../explanation/disclosure.md) rests. The setting
[`disclosure.profile`](settings.md#disclosureprofile) names one of these profiles; its name and
version stand in every release. What is judged by them is in
[disclosure profiles and output kinds](profiles.md).
"""


def errors_page() -> str:
    """Return the page of errors and exit statuses."""
    rows = [
        (f"[`{one.__name__}`](#{one.__name__.lower()})", one.exit_status, one.http_status)
        for one in all_errors()
    ]
    parts = [generated("Errors and exit statuses", "src/laennec/core/errors.py"), _ERRORS]
    parts.append(table(("error", "exit status", "HTTP status"), rows))
    parts += [_error_section(one) for one in all_errors()]
    return "\n".join(parts)


def _error_section(error: type[LaennecError]) -> str:
    parent = error.__bases__[0].__name__
    above = "" if error is LaennecError else f", under [`{parent}`](#{parent.lower()})"
    return (
        f"## {error.__name__}\n\n{prose(error)}\n\n"
        f"Exit status {error.exit_status}, HTTP status {error.http_status}{above}.\n"
    )


def events_page() -> str:
    """Return the page of events and facts of the ledger."""
    parts = [generated("Events of the ledger", "src/laennec/ledger/events.py"), _EVENTS]
    parts += ["## Events\n", *(_event_section(one) for one in EVENTS.values())]
    parts.append("## Public facts\n\nA fact means the same in every event.\n")
    parts.append(
        table(("fact", "form"), [(f"`{k}`", form.description) for k, form in FACTS.items()])
    )
    return "\n".join(parts)


def _event_section(event: EventType) -> str:
    retired = " Retired: it is read, no longer written." if event.retired else ""
    return (
        f"### `{event.name}`\n\n{event.says}{retired}\n\n"
        f"- Public: {_names(event.public)}.\n- Private: {_names(event.private)}.\n"
    )


def _names(names: Iterable[str]) -> str:
    return code(sorted(names)) or "nothing"


def intake_rules_page() -> str:
    """Return the page of rules that keep a row out."""
    parts = [generated("Intake rules", "src/laennec/intake/rules.py"), _RULES]
    parts.append(
        "## Quarantined\n\nThe row may be wrong, or something to learn from: it is kept, sealed.\n"
    )
    parts.append(table(("rule", "meaning"), [(f"`{k}`", text) for k, text in QUARANTINED.items()]))
    parts.append("## Dropped\n\nThe row carries nothing that is not kept elsewhere.\n")
    parts.append(table(("rule", "meaning"), [(f"`{k}`", text) for k, text in DROPPED.items()]))
    return "\n".join(parts)


def profiles_page() -> str:
    """Return the page of disclosure profiles."""
    parts = [
        generated("Values of the disclosure profiles", "src/laennec/disclosure/data"),
        _PROFILES,
    ]
    for name in PROFILES:
        profile = load_profile(name)
        parts.append(f"## {name}\n\n{profile.title}. Version {profile.version}.\n")
        rows = [
            (f"`{key}`", _value(getattr(profile, key)), meaning)
            for key, meaning in attributes(Profile).items()
        ]
        parts.append(table(("setting", "value", "meaning"), rows))
        parts.append(f"Source: {profile.source}.\n")
    return "\n".join(parts)


def _value(value: object) -> str:
    return ", ".join(str(one) for one in value) if isinstance(value, tuple) else str(value)
