"""Words: every language says the same things; numbers lose no digit."""

import re
import string
from datetime import UTC, datetime, timedelta, timezone
from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laennec.core.errors import SettingsError
from laennec.report.content import Value
from laennec.report.words import LANGUAGES, Words, load_words

ENGLISH, FRENCH = load_words("en"), load_words("fr")


def _places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("part", ["format", "texts", "terms"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_same_keys_and_places(language: str, part: str) -> None:
    ours, theirs = getattr(ENGLISH, part), getattr(load_words(language), part)
    assert ours.keys() == theirs.keys()
    for key, text in ours.items():
        assert theirs[key]
        assert part == "format" or _places(theirs[key]) == _places(text), key


def test_french_differs_from_english() -> None:
    same = {key for key, text in ENGLISH.texts.items() if FRENCH.texts[key] == text}
    assert not same


def test_every_text_is_used_and_every_used_text_exists() -> None:
    package = files("laennec.report")
    sources = [one for one in package.iterdir() if one.name.endswith(".py")]
    sources.append(package / "templates" / "page.html")
    code = "\n".join(one.read_text(encoding="utf-8") for one in sources)
    asked = set(re.findall(r"words\.text\(\s*[\"']([a-z_.]+)[\"']", code))
    asked |= set(re.findall(r"\"((?:story|hidden)\.[a-z]+)\"", code))
    asked |= {f"spread.{name}" for name in ("median", "mean", "min")}
    rates = ("title", "note", "overall", "dated", "rate", "axis", "persons")
    asked |= {f"{rate}.{name}" for rate in ("incidence", "prevalence") for name in rates}
    asked |= {"prevalence.point"}
    for counted in re.findall(r"words\.count\(\"([a-z.]+)\"", code):
        asked |= {f"{counted}.one", f"{counted}.many"}
    asked -= {"hidden.count"}
    assert asked | {"absent"} == set(ENGLISH.texts)


@pytest.mark.parametrize(
    ("raw", "english", "french"),
    [
        ("0", "0", "0"),
        ("1234567", "1,234,567", "1\u202f234\u202f567"),
        ("-1234.50", "−1,234.50", "−1\u202f234,50"),
        ("0.0070", "0.0070", "0,0070"),
        ("2020-01-31", "2020-01-31", "2020-01-31"),
        ("TRUE", "TRUE", "TRUE"),
        ("NA", "not available", "non disponible"),
        ("١٢", "١٢", "١٢"),
    ],
)
def test_estimates_as_each_language_writes_them(raw: str, english: str, french: str) -> None:
    assert ENGLISH.value(Value(0, raw)) == english
    assert FRENCH.value(Value(0, raw)) == french


def test_proportions_become_percentages_without_rounding() -> None:
    assert ENGLISH.value(Value(0, "0.012345", as_percent=True)) == "1.2345%"
    assert FRENCH.value(Value(0, "1", as_percent=True)) == "100\u202f%"


@settings(max_examples=100, deadline=None)
@given(st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**12)))
def test_no_digit_is_lost(number: object) -> None:
    raw = format(number, "f")
    for words in (ENGLISH, FRENCH):
        shown = words.value(Value(0, raw))
        back = shown.replace(words.format["thousands"], "").replace(words.format["decimal"], ".")
        assert back.replace(words.format["minus"], "-") == raw


@pytest.mark.parametrize(
    ("source", "english", "french"),
    [
        ("Female", "Women", "Femmes"),
        ("0 to 150", "all ages", "tous âges"),
        ("18 to 64", "18 to 64 years", "18 à 64 ans"),
        ("65 to 150", "65 years and over", "65 ans et plus"),
        (
            "At least 365 days observed before entry",
            "At least 365 days observed before entry",
            "Au moins 365 jours observés avant l’entrée",
        ),
        ("no_prior_bleed", "no prior bleed", "no prior bleed"),
        ("{0} of {x}", "{0} of {x}", "{0} of {x}"),
    ],
)
def test_terms(source: str, english: str, french: str) -> None:
    assert (ENGLISH.term(source), FRENCH.term(source)) == (english, french)


def test_counting_words_follow_the_language() -> None:
    def said(words: Words) -> list[str]:
        return [words.count("hidden.count", n) for n in (0, 1, 2)]

    assert said(ENGLISH) == [
        "0 figures are hidden.",
        "1 figure is hidden.",
        "2 figures are hidden.",
    ]
    assert said(FRENCH) == [
        "0 chiffre est masqué.",
        "1 chiffre est masqué.",
        "2 chiffres sont masqués.",
    ]


def test_moments_are_in_utc() -> None:
    paris = datetime(2026, 8, 1, 1, 5, tzinfo=timezone(timedelta(hours=2)))
    assert ENGLISH.moment(paris) == "31 July 2026, 23:05 UTC"
    assert FRENCH.moment(datetime(2026, 2, 1, tzinfo=UTC)) == "1 février 2026, 00:00 UTC"


def test_an_unknown_language_is_refused_by_name() -> None:
    with pytest.raises(SettingsError, match=r"'de'.*en, fr"):
        load_words("de")
