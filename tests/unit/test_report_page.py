"""The page: each published figure once, hidden ones as a word, for any result, in any language."""

import itertools
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from fakes.report_example import masked, raw_result, report, short
from fakes.report_reader import PageReader
from laennec.omop.summarised_result import ResultRow, ResultSettings, SummarisedResult, bind
from laennec.report import LANGUAGES, Part, StudyReport, render
from laennec.report.charts import Point, axis, look, series
from laennec.report.words import load_words

RESULT = masked(raw_result())
TYPES = tuple(dict.fromkeys(one.result_type for one in RESULT.settings))


def _only(result: SummarisedResult, types: Iterable[str]) -> SummarisedResult:
    settings = tuple(one for one in result.settings if one.result_type in types)
    ids = {one.result_id for one in settings}
    return SummarisedResult(tuple(row for row in result.rows if row.result_id in ids), settings)


def _published(result: SummarisedResult) -> Counter[str]:
    """The figures that tables must show: all but hidden ones, and records as many as persons."""
    return Counter(
        row.estimate_value
        for row in result.rows
        if row.estimate_value != "-" and not row.variable_name.lower().endswith("records")
    )


def _of(result_type: str, *rows: ResultRow, **extra: str) -> SummarisedResult:
    return SummarisedResult(rows, (ResultSettings(1, result_type, "p", "1", extra),))


def _row(variable: str, estimate: str, value: str, **other: str | None) -> ResultRow:
    row = ResultRow(
        1, "db", "cohort_name", "users", "overall", "overall", variable, None, estimate, "integer",
        value,
    )  # fmt: skip
    return replace(row, **other)  # type: ignore[arg-type]


@pytest.fixture(scope="module", params=LANGUAGES)
def page(request: pytest.FixtureRequest) -> tuple[str, PageReader]:
    return request.param, PageReader(render(report(RESULT), language=request.param))


def test_each_published_figure_is_in_the_tables_once(page: tuple[str, PageReader]) -> None:
    assert _known(page[1].figures) == _known(_published(RESULT).elements())


def _known(figures: Iterable[str]) -> Counter[str]:
    """The figures without days that no curve reaches, whose lines are left out."""
    return Counter(one for one in figures if one != "NA")


def test_days_that_no_curve_reaches_are_left_out_in_words() -> None:
    only = _only(RESULT, ["survival_summary"])
    told = {"median_survival": "NA", "q25_survival": "360"}
    rows = tuple(
        replace(row, estimate_value=told.get(row.estimate_name.partition("_95CI_")[0], "1"))
        for row in only.rows
    )
    for language in LANGUAGES:
        reader = PageReader(
            render(report(SummarisedResult(rows, only.settings)), language=language)
        )
        words = load_words(language)
        texts = [text for _, text in reader.texts]
        assert "NA" not in reader.figures
        assert any(words.text("survival.unreached") in text for text in texts)
        assert words.term("median_survival") not in texts
        assert words.term("q25_survival") in texts


def test_hidden_figures_are_a_word(page: tuple[str, PageReader]) -> None:
    language, reader = page
    assert set(reader.words) == {load_words(language).text("hidden")}
    assert "-" not in reader.figures
    assert not [text for name, text in reader.texts if name in {"td", "data"} and text == "-"]


def test_no_table_cell_is_empty(page: tuple[str, PageReader]) -> None:
    html = render(report(RESULT), language=page[0])
    cells = re.findall(r"<td[^>]*>(.*?)</td>", html, re.DOTALL)
    assert cells
    assert not [cell for cell in cells if not re.sub(r"<[^>]*>", "", cell).strip()]


def test_hidden_values_are_no_points_in_pictures() -> None:
    """Nothing is drawn at a hidden day, and no solid line or band passes over it."""
    points = [Point(0, 0.1, 0.0, 0.2), None, Point(2, 0.3, None, 0.4), Point(3, 0.4, 0.3, 0.5)]
    place = axis("x"), axis("y")
    bridge, band, alone, line, dots = series(points, look(0), x=place[0], y=place[1], bridge=True)
    drawn = [[row["x"] for row in one["data"]["values"]] for one in (bridge, band, line, dots)]
    assert drawn == [[0, 2, 3], [0, 3], [0, 2, 3], [0, 2, 3]]
    assert [row["run"] for row in line["data"]["values"]] == [0, 1, 1]
    assert line["encoding"]["detail"] == {"field": "run", "type": "nominal"}
    assert band["encoding"]["detail"] == {"field": "band", "type": "nominal"}
    assert [row["x"] for row in alone["data"]["values"]] == [0, 3]
    assert bridge["mark"]["strokeDash"] == [1, 3]


def test_a_group_whose_rate_is_hidden_says_so_in_the_picture() -> None:
    rates = short(RESULT)
    hidden = min(one.result_id for one in rates.settings if one.result_type == "incidence")
    rows = tuple(
        replace(row, estimate_value="-") if row.result_id == hidden else row for row in rates.rows
    )
    only = _only(SummarisedResult(rows, rates.settings), ["incidence"])
    reader = PageReader(render(report(only), language="en"))
    texts = [text for name, text in reader.texts if name == "text"]
    assert texts.count("hidden") == 1
    assert texts.count("all hidden") == 1


@pytest.mark.parametrize("one", TYPES)
def test_any_single_type_makes_a_page(one: str) -> None:
    only = _only(RESULT, [one])
    reader = PageReader(render(report(only), language="fr"))
    assert _known(reader.figures) == _known(_published(only).elements())
    assert not reader.unclosed


def test_a_report_of_nothing_is_a_page() -> None:
    reader = PageReader(render(report(SummarisedResult((), ())), language="en"))
    assert not reader.unclosed
    assert ("p", "No figure had to be hidden. ") in reader.texts


@pytest.mark.parametrize("one", TYPES)
def test_a_type_whose_figures_are_all_hidden_makes_a_page(one: str) -> None:
    only = _only(RESULT, [one])
    blind = SummarisedResult(
        tuple(replace(row, estimate_value="-") for row in only.rows), only.settings
    )
    reader = PageReader(render(report(blind), language="en"))
    assert not reader.figures
    assert reader.words


def test_unknown_types_are_a_plain_table() -> None:
    result = _of("prevalence", _row("Outcome", "prevalence", "0.25"), _row("X", "y", "-"))
    reader = PageReader(render(report(result), language="en"))
    assert reader.figures == ["0.25"]
    assert reader.words == ["hidden"]
    assert ("h2", "Other results: prevalence") in reader.texts


@pytest.mark.parametrize("one", TYPES)
def test_what_a_section_does_not_know_is_shown_all_the_same(one: str) -> None:
    """A foreign variable, and a second row at the same place, lose nothing."""
    odd = _row("Blood group", "count", "4711", variable_level="AB")
    known = _row("Number subjects", "count", "22")
    result = _of(one, odd, known, replace(known, estimate_value="33"))
    reader = PageReader(render(report(result), language="en"))
    assert Counter(reader.figures) == Counter(["4711", "22", "33"])


def test_records_that_differ_from_persons_are_shown() -> None:
    rows = (_row("Number records", "count", "30"), _row("Number subjects", "count", "22"))
    for one in ("summarise_cohort_count", "summarise_characteristics"):
        reader = PageReader(render(report(_of(one, *rows)), language="en"))
        assert Counter(reader.figures) == Counter(["30", "22"])


def test_several_sources_and_settings_stay_apart() -> None:
    rows = tuple(
        replace(row, cdm_name=name, estimate_value=str(n))
        for n, (name, row) in enumerate(
            (name, row) for name in ("north", "south") for row in _only(RESULT, TYPES[:1]).rows
        )
    )
    reader = PageReader(
        render(report(SummarisedResult(rows, _only(RESULT, TYPES[:1]).settings)), language="en")
    )
    titles = [text for name, text in reader.texts if name == "h2"]
    assert {"Cohorts (north)", "Cohorts (south)"} <= set(titles)


def test_two_results_of_one_type_are_told_apart_by_their_names() -> None:
    one = _of("summarise_cohort_count", _row("Number subjects", "count", "22"), study_result="a_b")
    other = _of("summarise_cohort_count", _row("Number subjects", "count", "33"), study_result="c")
    reader = PageReader(render(report(bind([one, other])), language="en"))
    titles = [text for name, text in reader.texts if name == "h2"]
    assert {"Cohorts (a b)", "Cohorts (c)"} <= set(titles)


def test_the_study_in_words_is_an_outline() -> None:
    inner = Part("All of:", ("one condition",))
    design = (Part("users", ("Entry: a drug.",), (inner,)), Part("sets", ("drug",), folded=True))
    page = render(replace(report(_only(RESULT, ())), design=design), language="en")
    reader = PageReader(page)
    assert not reader.unclosed
    assert ("h2", "The study in words") in reader.texts
    assert ("h3", "users") in reader.texts
    assert ("strong", "All of:") in reader.texts
    assert ("summary", "sets") in reader.texts
    shown = [text for name, text in reader.texts if name == "li" and text.strip()]
    assert shown == ["Entry: a drug.", "one condition", "drug"]
    assert "The study in words" not in render(report(_only(RESULT, ())), language="en")


def test_months_and_strange_dates_are_shown() -> None:
    """Intervals other than years, and dates that are none, come out as they are."""
    intervals = ("2020-02-01 &&& 2020-02-29 &&& months", "NA &&& NA &&& weeks")
    rows = tuple(
        _row(
            "Outcome",
            "incidence_100000_pys",
            value,
            additional_name="incidence_start_date &&& incidence_end_date &&& analysis_interval",
            additional_level=level,
        )
        for value, level in zip(("12.5", "13.5"), intervals, strict=True)
    )
    reader = PageReader(render(report(_of("incidence", *rows)), language="en"))
    assert Counter(reader.figures) == Counter(["12.5", "13.5"])
    assert ("th", "2020-02-01 to 2020-02-29") in reader.texts


def test_equal_reports_give_equal_pages() -> None:
    ours = report(short(RESULT))
    assert render(ours, language="en") == render(ours, language="en")


def test_the_legend_tells_how_many_and_the_threshold_when_known() -> None:
    known = report(_only(RESULT, TYPES[:2]))
    assert "counts of fewer than 11 persons" in render(known, language="en")
    unknown = render(replace(known, threshold=None), language="en")
    assert "counts of few persons" in unknown
    assert f"{known.hidden} figures are hidden." in unknown


def test_the_page_is_accessible(page: tuple[str, PageReader]) -> None:
    language, reader = page
    assert reader.named("html") == [{"lang": language}]
    assert len(reader.named("h1")) == len(reader.named("main")) == 1
    assert not reader.unclosed
    assert all(header.get("scope") for header in reader.named("th"))
    assert len(reader.named("caption")) == len(reader.named("table")) > 3
    pictures = [attrs for attrs in reader.named("svg") if attrs.get("role") == "img"]
    assert len(pictures) == len(reader.named("svg")) > 3
    titles = [text for name, text in reader.texts if name == "title"]
    assert len(titles) == 1 + len(pictures)
    levels = [int(tag[1]) for tag, _ in reader.elements if re.fullmatch(r"h[1-6]", tag)]
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    ids = [attrs["id"] for _, attrs in reader.elements if "id" in attrs]
    assert len(ids) == len(set(ids))


def test_colours_have_contrast_in_light_and_dark() -> None:
    """WCAG 2.2 asks 4.5 for texts; series have it too, as their labels have their colour."""
    style = re.search(
        r"<style>(.*?)</style>", render(report(_only(RESULT, ())), language="en"), re.DOTALL
    )
    assert style is not None
    themes = [
        dict(re.findall(r"--([a-z0-9]+): (#[0-9a-f]{3,6})", block))
        for block in re.findall(r":root \{(.*?)\}", style[1], re.DOTALL)
    ]
    assert len(themes) == 2
    for theme in themes:
        for text in ("ink", "soft", "key", "good", "bad"):
            assert _contrast(theme[text], theme["paper"]) >= 4.5
            assert _contrast(theme[text], theme["tint"]) >= 4.5
        for n in range(1, 7):
            assert _contrast(theme[f"c{n}"], theme["paper"]) >= 4.5
        assert _contrast(theme["ink"], theme["veil"]) >= 4.5


def _contrast(one: str, other: str) -> float:
    bright, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * one for one in colour[1:])
    parts = [int(digits[n : n + 2], 16) / 255 for n in (0, 2, 4)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize(
    "wrong",
    [{"hidden": 1}, {"threshold": 0}, {"made_at": datetime(2026, 1, 1)}],  # noqa: DTZ001
)
def test_impossible_reports_are_refused(wrong: dict[str, object]) -> None:
    fields: dict[str, object] = {
        "title": "t",
        "description": "",
        "hub": "h",
        "made_at": datetime(2026, 1, 1, tzinfo=UTC),
        "result": SummarisedResult((), ()),
        "hidden": 0,
        "steps": (),
        "provenance": (),
    }
    StudyReport(**fields)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"made_at|hidden|threshold"):
        StudyReport(**{**fields, **wrong})  # type: ignore[arg-type]
