"""Reference page of the settings, from their models and docstrings."""

from typing import Any

from pydantic import BaseModel
from tools.markdown import attributes, generated, prose, table

from laennec.core.settings import FILE_NAME, Settings

_HEAD = """\
A hub is a folder with a file `{file}`, in TOML. It is read once for each command. Relative paths
are taken from its folder. An unknown key is an error that names the nearest known one, and a wrong
value an error that names its key ([`SettingsError`](errors.md#settingserror)). Secrets are never in
the file, only where to find them. `laennec init` writes one with every section.

A setting that weakens the hub begins with `insecure_`.
"""

_BOOLEANS = ("True", "False")
_FORMS = {
    "string": "text",
    "boolean": "true or false",
    "integer": "whole number",
    "path": "path",
}


def settings_page() -> str:
    """Return the page of settings."""
    parts = [generated("Settings", "src/laennec/core/settings.py"), _HEAD.format(file=FILE_NAME)]
    rows = []
    for name, field in Settings.model_fields.items():
        model = field.annotation
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            raise TypeError(f"the section {name} is no model")
        rows += [(f"[`{name}.{key}`](#{name}{key})", _default(f)) for key, f in _fields(model)]
        parts.append(_section(name, model))
    parts.insert(2, table(("setting", "default"), rows))
    return "\n".join(parts)


def _section(name: str, model: type[BaseModel]) -> str:
    meanings = attributes(model)
    lines = [f"## `[{name}]`\n\n{_sentence(model)}\n"]
    for key, schema in _fields(model):
        lines.append(
            f"### `{name}.{key}`\n\n{meanings[key]}\n\n"
            f"{_form(schema)}. Default: {_default(schema)}.\n"
        )
    return "\n".join(lines)


def _fields(model: type[BaseModel]) -> list[tuple[str, dict[str, Any]]]:
    schema = model.model_json_schema()
    required = schema.get("required", [])
    return [
        (key, {**one, "required": key in required}) for key, one in schema["properties"].items()
    ]


def _sentence(model: type[BaseModel]) -> str:
    """Return what a section is for: its docstring's first sentence, without the section's name."""
    text = prose(model).partition("Attributes:\n")[0].strip().partition(": ")[2]
    return text[:1].upper() + text[1:]


def _default(schema: dict[str, Any]) -> str:
    if schema["required"]:
        return "none, it must be given"
    shown = str(schema["default"])
    return (
        "unset"
        if schema["default"] is None
        else f"`{shown.lower() if shown in _BOOLEANS else shown}`"
    )


def _form(schema: dict[str, Any]) -> str:
    kind = next((one for one in schema.get("anyOf", []) if one["type"] != "null"), schema)
    if "enum" in kind:
        return "One of " + ", ".join(f"`{choice}`" for choice in kind["enum"])
    text = _FORMS[kind.get("format", kind["type"])]
    limits = [
        ("minLength", "at least {} long"),
        ("maxLength", "at most {} long"),
        ("pattern", "matching `{}`"),
        ("minimum", "at least {}"),
        ("maximum", "at most {}"),
    ]
    said = [form.format(kind[name]) for name, form in limits if name in kind]
    return ", ".join([text.capitalize(), *said])
