"""The words of the page: one data file per language, and how that language writes numbers.

``text`` is for the page's own words, which must exist; ``term`` is for the fixed vocabulary of
results, where an unknown one is shown as it is; ``readable`` is for names that people made up.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from importlib.resources import files

from laennec.core.errors import SettingsError
from laennec.omop.summarised_result import JOINT
from laennec.report.content import Value

LANGUAGES = ("en", "fr")
_ABSENT = frozenset({"NA", "NaN", "Inf", "-Inf"})
_DIGITS = re.compile(r"[0-9]+")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII)


@dataclass(frozen=True)
class Words:
    """One language.

    Attributes:
        language: Its code, such as ``fr``.
        format: How numbers and dates are written; keys ``decimal``, ``thousands``,
            ``minus``, ``percent``, ``months``.
        texts: The page's own words; some have ``{name}`` places.
        terms: The vocabulary of results; ``{0}``, ``{1}`` stand for the first number in it, or for
            each of its numbers.
    """

    language: str
    format: Mapping[str, str]
    texts: Mapping[str, str]
    terms: Mapping[str, str]

    def text(self, key: str, **places: object) -> str:
        """Return the text of a key with its places filled in; an unknown key is a KeyError."""
        return self.texts[key].format(**places)

    def count(self, key: str, n: int, **places: object) -> str:
        """Return the text ``key.one`` or ``key.many``, as the language says it of ``n``."""
        one = n <= 1 if self.language == "fr" else n == 1
        return self.text(f"{key}.{'one' if one else 'many'}", n=self.digits(str(n)), **places)

    def term(self, source: str) -> str:
        """Return a word of results in this language, or as a readable name when unknown."""
        if source in self.terms:
            return self.terms[source]
        for most in (1, 0):
            places = iter(range(len(source)))
            pattern = _DIGITS.sub(lambda _, n=places: f"{{{next(n)}}}", source, count=most)
            if pattern in self.terms:
                return self.terms[pattern].format(*_DIGITS.findall(source))
        return readable(source)

    def strata(self, names: str, levels: str) -> str:
        """Return the names and levels of a stratum, such as ``Sex: Women, Age group: 18 to 44``."""
        return ", ".join(
            self.text("shares.level", variable=self.term(name), level=self.term(level))
            for name, level in zip(names.split(JOINT), levels.split(JOINT), strict=False)
        )

    def value(self, value: Value) -> str:
        """Return a published estimate as this language writes it; text stays as it is."""
        if value.raw in _ABSENT:
            return self.text("absent")
        if not _NUMBER.fullmatch(value.raw):
            return value.raw
        if value.as_percent:
            return self.digits(format(Decimal(value.raw).scaleb(2), "f")) + self.format["percent"]
        return self.digits(value.raw)

    def digits(self, number: str) -> str:
        """Return plain decimal digits with this language's signs; no digit is lost."""
        whole, _, rest = number.removeprefix("-").partition(".")
        sign = self.format["minus"] if number.startswith("-") else ""
        groups = f"{int(whole):,}".replace(",", self.format["thousands"])
        return sign + groups + (self.format["decimal"] + rest if rest else "")

    def moment(self, moment: datetime) -> str:
        """Return a moment in UTC to the minute, such as ``23 November 2026, 17:53 UTC``."""
        there = moment.astimezone(UTC)
        month = self.format["months"].split()[there.month - 1]
        return f"{there.day} {month} {there.year}, {there:%H:%M} UTC"


def readable(name: str) -> str:
    """Return a made-up name such as ``new_users`` with spaces for underscores."""
    return name.replace("_", " ")


@cache
def load_words(language: str) -> Words:
    """Return the words of a language.

    Raises:
        SettingsError: there are none.
    """
    if language not in LANGUAGES:
        raise SettingsError(
            f"A report in the language {language!r} is not available.",
            remedy="Choose one of: " + ", ".join(LANGUAGES) + ".",
        )
    source = files("laennec.report") / "data" / f"{language}.toml"
    data = tomllib.loads(source.read_text(encoding="utf-8"))
    return Words(language, data["format"], data["texts"], data["terms"])
