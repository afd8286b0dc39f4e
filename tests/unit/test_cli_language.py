"""French says all that English says: every text has its translation, and none is left over."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import click
import pytest

import laennec
from laennec.cli.language import (
    Words,
    choose_language,
    french,
    shown_texts,
    speaking,
    unwrapped,
)
from laennec.cli.main import laennec as root
from laennec.cli.main import main
from laennec.intake.rules import DROPPED, QUARANTINED
from laennec.omop.checks import MEANING
from laennec.snds.rules import rules
from laennec.snds.rules_model import MEANING as EFFECTS

PACKAGE = Path(laennec.__file__).parent
SPOKEN = {"say", "remark", "words", "_words", "ask", "_step", "step"}
TABLES = {"table", "_show"}


def calls(paths: Iterator[Path]) -> Iterator[tuple[str, ast.Call]]:
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                called = node.func
                name = called.attr if isinstance(called, ast.Attribute) else ""
                name = called.id if isinstance(called, ast.Name) else name
                yield name, node


def literals(nodes: list[ast.expr]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
            yield node.value


def said_in_code() -> Iterator[str]:
    """Literals given to what speaks, in the command line and in the demo."""
    paths = [*sorted((PACKAGE / "cli").glob("*.py")), *sorted((PACKAGE / "app").glob("demo*.py"))]
    for name, call in calls(iter(paths)):
        if name in SPOKEN:
            yield from literals(call.args[:1])
        if name in {"_step", "step"}:
            pairs = [one for one in call.args if isinstance(one, ast.Tuple)]
            yield from literals([one.elts[0] for one in pairs])
        if name in TABLES:
            heads = [one for one in call.args[:2] if isinstance(one, ast.Tuple)]
            yield from literals([one for head in heads for one in head.elts])
        if name == "_complain" or name == "Prompt":
            yield from literals(call.args[:1])


def labels_of_work() -> Iterator[str]:
    """Labels given to reporters anywhere: ``reading {name}``."""
    for path in sorted(PACKAGE.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        for found in re.finditer(r"""(?:\.task\(|label = )(f?)"([^"]+)\"""", text):
            yield re.sub(r"\{[^}]*\}", "{name}", found[2]) if found[1] else found[2]


def said_of_rules() -> Iterator[str]:
    """Why the cleaning rules of the SNDS are, and are read as they are."""
    for rule in rules():
        readings = (rule.reading, *rule.alternatives)
        yield from (text for text in (rule.reason, *(one.why for one in readings)) if text)


def ours() -> set[str]:
    return {
        *(unwrapped(text) for _, _, text in shown_texts(root)),
        *said_in_code(),
        *labels_of_work(),
        *QUARANTINED.values(),
        *DROPPED.values(),
        *MEANING.values(),
        *EFFECTS.values(),
        *said_of_rules(),
        "Passphrase: ",
        "PIN of the token: ",
        "Once more: ",
        "{option} goes before the command: laennec {option} ... COMMAND",
    }


def of_click() -> set[str]:
    """Literals that click itself gives to gettext."""
    found = set()
    for name in ("core", "exceptions", "decorators", "types", "formatting", "parser", "termui"):
        path = Path(str(importlib.import_module(f"click.{name}").__file__))
        for called, call in calls(iter([path])):
            if called in {"_", "ngettext"}:
                found |= set(literals(call.args))
    return found | {"required"}


def places(text: str) -> set[str]:
    return {field for _, field, _, _ in Formatter().parse(text) if field is not None}


def test_every_text_has_a_french_one() -> None:
    assert ours() - french().keys() == set()


def test_no_french_text_is_left_over() -> None:
    assert french().keys() - ours() - of_click() == set()


def test_french_texts_have_the_places_of_the_english_ones() -> None:
    mine = ours()
    for english, text in french().items():
        if english in mine:
            assert places(text) == places(english), english
        else:  # of click, which also names the kind of a path, in English
            assert places(text) <= places(english), english


def test_french_typography() -> None:
    for text in french().values():
        for wrong in (r" [;:?!»]", r"« ", r"\w[;?!]", r"\w'\w", r"\.\.\.[^ ]* \w+'"):
            assert not re.search(wrong, re.sub(r"\{[^}]*\}", "x", text)), text


def test_words_that_must_be_translated_are_found_in_code() -> None:
    """The collector sees each way of speaking; without this it could pass by finding nothing."""
    mine = ours()
    assert {"Persons", "Quarantined", "Meaning", "A hub", "Workers", "warehouse"} <= mine
    assert {"Next: laennec release {run}", "reading {name}", "sealing {name}"} <= mine


@pytest.mark.parametrize(
    ("asked", "environment", "chosen"),
    [
        (None, {}, "en"),
        (None, {"LANG": "fr_FR.UTF-8"}, "fr"),
        (None, {"LANG": "de_DE.UTF-8"}, "en"),
        (None, {"LANG": "fr_FR", "LC_ALL": "C"}, "en"),
        (None, {"LAENNEC_LANG": "fr", "LC_ALL": "C"}, "fr"),
        (None, {"LC_ALL": "", "LANG": "fr_CA.UTF-8"}, "fr"),
        ("en", {"LANG": "fr_FR.UTF-8"}, "en"),
        ("fr", {}, "fr"),
        ("xx", {}, "en"),
    ],
)
def test_choice_of_language(asked: str | None, environment: dict[str, str], chosen: str) -> None:
    assert choose_language(asked, environment) == chosen


@pytest.mark.parametrize(
    ("value", "english", "text"),
    [
        (1234567, "1,234,567", "1\u202f234\u202f567"),
        (999, "999", "999"),
        (-1234, "-1,234", "-1\u202f234"),
        (1234.56, "1,234.6", "1\u202f234,6"),
        (True, "True", "True"),
        ("1234", "1234", "1234"),
    ],
)
def test_numbers(value: object, english: str, text: str) -> None:
    assert (Words("en").written(value), Words("fr").written(value)) == (english, text)


def test_language_ends_with_its_context() -> None:
    before = {(id(holder), name): text for holder, name, text in shown_texts(root)}
    usage = vars(click.formatting)["_"]
    with speaking(Words("fr"), root):
        inside = {(id(holder), name): text for holder, name, text in shown_texts(root)}
        assert vars(click.formatting)["_"] is not usage
    assert inside != before
    assert {(id(holder), name): text for holder, name, text in shown_texts(root)} == before
    assert vars(click.formatting)["_"] is usage


def test_language_ends_although_the_command_fails() -> None:
    before = [text for _, _, text in shown_texts(root)]
    with pytest.raises(KeyError), speaking(Words("fr"), root):
        raise KeyError
    assert [text for _, _, text in shown_texts(root)] == before


@pytest.mark.parametrize("way", [["--lang", "fr"], ["--lang=fr"]])
def test_help_in_french(way: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*way, "study", "run", "--help"]) == 0
    shown = capsys.readouterr().out
    assert "Usage\u202f: laennec study run" in shown
    assert "Exécute une étude" in shown
    assert "-h, --help" in shown
    assert "Affiche cette aide." in shown
    assert main(["study", "run", "--help"]) == 0
    assert "Run a study" in capsys.readouterr().out


def test_help_in_the_language_of_the_locale(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("LAENNEC_LANG", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "fr_FR.UTF-8")
    assert main(["--help"]) == 0
    assert "personne ne lit les dossiers" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["foo"], "Il n’y a pas de commande 'foo'."),
        (["init"], "Il manque l’option '--name'."),
        (["sweep", "--keep", "0"], "0 n’est pas dans l’intervalle"),
        (["load", "omop", "absent"], "'absent' n’existe pas."),
        (["log", "verify", "a", "b"], "Arguments en trop (a b)"),
        (["status", "--hub", "x"], "--hub se place avant la commande"),
    ],
)
def test_wrong_commands_are_explained_in_french(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["--lang", "fr", *arguments]) == 2
    assert said in capsys.readouterr().err
