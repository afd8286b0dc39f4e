"""Values of a study written as TOML, the way a researcher would write them."""

import json
from collections.abc import Sequence
from datetime import date
from enum import Enum

from laennec.study.model import Frozen

_BLOCKS = ("criteria", "covariates")
"""Lists that read better as a table each than in one line."""


def block(name: str, value: Frozen) -> str:
    """Return ``[[name]]`` and the fields that differ from their defaults; no line end."""
    lines, below = [f"[[{name}]]"], []
    for field, one in _given(value):
        if field in _BLOCKS and isinstance(one, tuple):
            below += [block(f"{name}.{field}", item) for item in one]
        else:
            lines.append(f"{field} = {_inline(one)}")
    return "\n\n".join(["\n".join(lines), *below])


def _given(value: Frozen) -> list[tuple[str, object]]:
    fields = type(value).model_fields
    found = [(name, getattr(value, name)) for name in fields]
    return [
        (name, one)
        for name, one in found
        if name == "kind" or fields[name].is_required() or one != fields[name].get_default()
    ]


def _inline(value: object) -> str:
    match value:
        case Frozen():
            given = ", ".join(f"{name} = {_inline(one)}" for name, one in _given(value))
            return f"{{ {given} }}"
        case Enum():
            return _inline(value.value)
        case bool() | int() | float() | str():
            return json.dumps(value, ensure_ascii=False)
        case date():
            return value.isoformat()
        case Sequence():
            return f"[{', '.join(_inline(one) for one in value)}]"
    raise TypeError(f"a study has no value of type {type(value).__name__}")
