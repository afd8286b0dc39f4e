"""A study's author, or a data set's name, tries to make the page run, fetch or leak something."""

import re
from dataclasses import asdict, replace

import pytest

from fakes.report_example import masked, raw_result, report, short
from fakes.report_reader import PageReader
from laennec.omop.summarised_result import ResultRow, ResultSettings, SummarisedResult
from laennec.report import Fact, Part, Step, StudyReport, charts, render
from laennec.report.charts import drawable
from laennec.report.figure_files import to_png, to_svg
from laennec.report.page import sections
from laennec.report.table_files import to_html, to_latex
from laennec.report.words import load_words

ATTACKS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'); background:url(//evil.example/x) ('",
    "{{ 7*7 }}{% raw %}",
    "</style></svg></title><script>",
    "]]><!--",
    "&lt;b&gt;",
    "a\nb",
    "{0} {title}",
    "datum.x ? signal : 1",
    "\x1b[2J\x07 \uffff of a terminal",
    "line\u2028separator",
    "\\input{/etc/passwd} $x$ a_b% & # ^ ~",
)
LATEX = ("\\input{/etc/passwd}", "$x$", "a_b%")
SVG = frozenset({"svg", "title", "g", "path", "line", "rect", "text", "tspan"})
TABLE = frozenset(
    {
        *("html", "head", "meta", "title", "style", "body", "div", "table", "thead", "tbody"),
        *("tfoot", "tr", "th", "td", "span"),
    }
)
ACTIVE = frozenset(
    {"script", "img", "iframe", "object", "embed", "link", "base", "form", "use", "image", "a"}
)


def _hostile(attack: str) -> StudyReport:
    """Plant the attack in every text of a report that is not a number or a fixed name."""
    result = short(masked(raw_result()))
    rows = tuple(
        replace(
            row,
            cdm_name=attack,
            group_level=row.group_level.replace("celecoxib_new_users", attack),
            variable_level=(
                attack if row.variable_level == "osteoarthritis" else row.variable_level
            ),
            strata_level=attack if row.strata_level == "adult" else row.strata_level,
        )
        for row in result.rows
    )
    strange = ResultRow(**{**asdict(rows[0]), "result_id": 99, "variable_name": attack})
    settings = (
        *(
            replace(one, extra={**one.extra, attack: attack, "denominator_sex": attack})
            if one.result_id % 2
            else one
            for one in result.settings
        ),
        ResultSettings(99, attack, attack, attack, {}),
    )
    return replace(
        report(SummarisedResult((*rows, strange), settings), title=attack),
        description=attack,
        hub=attack,
        design=(Part(attack, (attack,), (Part(attack, (attack,)),), folded=True), Part(attack)),
        steps=(Step(attack, attack, (Fact(attack, attack),), good=False),),
        provenance=(Fact(attack, attack),),
    )


@pytest.mark.parametrize("attack", ATTACKS)
def test_hostile_texts_stay_texts(attack: str) -> None:
    page = render(_hostile(attack), language="en")
    reader = PageReader(page)
    assert not reader.unclosed
    active = [(tag, attrs) for tag, attrs in reader.elements if tag in ACTIVE]
    assert {tag for tag, _ in active} <= {"a"}
    assert all((attrs["href"] or "").startswith("#") for _, attrs in active)
    assert not [name for _, attrs in reader.elements for name in attrs if name.startswith("on")]
    assert ("h1", attack) in reader.texts
    drawn = drawable(attack)[:4]
    assert [text for name, text in reader.texts if name == "text" and text.startswith(drawn)]


@pytest.mark.parametrize("attack", ATTACKS)
def test_hostile_texts_stay_texts_in_files(attack: str) -> None:
    """A picture or a table that somebody opens in a browser, or typesets."""
    words = load_words("en")
    found = sections(_hostile(attack), words)
    # One picture and one table of each section: the others are drawn in the same way.
    pictures = [one.figures[0].picture for one in found if one.figures]
    tables = [(one.tables[0], one.title) for one in found]
    for picture in pictures:
        reader = PageReader(to_svg(picture, words))
        assert {tag for tag, _ in reader.elements} <= SVG
        assert not reader.unclosed
        assert to_png(picture, words)
    for table, title in tables:
        reader = PageReader(to_html(table, words, title=title))
        assert not reader.unclosed
        assert {tag for tag, _ in reader.elements} <= TABLE
        assert not [name for _, attrs in reader.elements for name in attrs if name.startswith("on")]
        assert not [one for one in to_latex(table, words, title=title).split() if one in LATEX]


def test_what_xml_cannot_hold_is_written_out_for_the_drawing_library() -> None:
    """The library would end the process, hub and all, over a name that a vocabulary has."""
    texts = {"a": ["\x00\x1b\u2028\uffff", ("é\n\t", 1)]}
    assert drawable(texts) == {"a": ["\\x00\\x1b\\u2028\\uffff", ["é\n\t", 1]]}


def test_a_table_as_file_asks_for_nothing() -> None:
    words = load_words("en")
    for section in sections(report(short(masked(raw_result()))), words):
        page = to_html(section.tables[0], words, title=section.title)
        assert not re.search(r"https?:|//|url\(|@import|data:image|javascript:", page)
        policy = next(
            one["content"] for one in PageReader(page).named("meta") if one.get("http-equiv")
        )
        assert (policy or "").startswith("default-src 'none'; style-src 'unsafe-inline';")


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_page_holds_no_address_and_asks_for_nothing(language: str) -> None:
    page = render(report(), language=language)
    reader = PageReader(page)
    assert not re.search(r"https?:|//|url\(|@import|data:|javascript:", page)
    names = {name for _, attrs in reader.elements for name in attrs}
    assert not names & {"src", "srcset", "action", "formaction", "background", "ping", "xlink:href"}
    styles = [attrs["style"] or "" for _, attrs in reader.elements if "style" in attrs]
    assert all(re.fullmatch(r"(max-)?width:[0-9.]+(%|px)", style) for style in styles)


def test_the_policy_forbids_what_the_page_does_not_need() -> None:
    metas = PageReader(render(report(), language="en")).named("meta")
    policy = next(one["content"] for one in metas if one.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline';")


def test_a_picture_that_asks_for_an_address_is_not_drawn() -> None:
    layer = {
        "data": {"url": "https://evil.example/x.json"},
        "mark": "point",
        "encoding": {"x": {"field": "x", "type": "quantitative"}},
    }
    with pytest.raises(ValueError, match="not allowed"):
        str(charts.draw([layer], words=load_words("en"), title="t", width=10, height=10).svg)


def test_a_picture_with_an_unheard_of_element_stops_the_page() -> None:
    layer = {
        "data": {"values": [{"x": 1, "image": ""}]},
        "mark": {"type": "image", "width": 1, "height": 1},
        "encoding": {"x": {"field": "x", "type": "quantitative"}, "url": {"field": "image"}},
    }
    with pytest.raises(RuntimeError, match="does not allow"):
        str(charts.draw([layer], words=load_words("en"), title="t", width=10, height=10).svg)
