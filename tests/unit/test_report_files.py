"""Pictures and tables as files: drawn as the page draws them, and from nothing else."""

import importlib.util
import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import vl_convert

from fakes.report_example import masked, raw_result, report, short
from fakes.report_reader import PageReader
from laennec.app.result_files import Form, read_report, write_result_files
from laennec.core.errors import AlreadyExistsError, SettingsError, SourceError, StoreError
from laennec.omop.summarised_result import SummarisedResult, to_csv
from laennec.report import render
from laennec.report.charts import VEGA_LITE, signs
from laennec.report.content import Picture
from laennec.report.figure_files import paper_colours, to_png, to_svg, to_vega_lite
from laennec.report.page import sections
from laennec.report.svg import as_file
from laennec.report.table_files import to_html, to_latex
from laennec.report.words import Words, load_words

RAW = raw_result()
RESULT = short(masked(RAW))
WORDS = load_words("en")
SECTIONS = sections(report(RESULT), WORDS)
FIGURES = [figure.picture for section in SECTIONS for figure in section.figures]
TABLES = [table for section in SECTIONS for table in section.tables]


def test_every_section_has_a_table_and_a_picture() -> None:
    assert all(section.tables for section in SECTIONS)
    assert [one.title for one in SECTIONS if not one.figures] == []


def test_the_steps_of_a_rate_stand_with_the_rate_and_alone_without_it() -> None:
    caption = WORDS.text("rate_attrition.caption")
    rates = [one for one in SECTIONS if one.title.startswith("Incidence of")]
    assert [[table.caption for table in one.tables].count(caption) for one in rates] == [1]
    steps = [n for n, one in enumerate(RESULT.settings) if one.result_type == "incidence_attrition"]
    numbers = {RESULT.settings[n].result_id for n in steps}
    alone = SummarisedResult(
        tuple(one for one in RESULT.rows if one.result_id in numbers),
        tuple(RESULT.settings[n] for n in steps),
    )
    (section,) = sections(report(alone), WORDS)
    assert section.title.startswith("Who is at risk")
    assert [table.caption for table in section.tables] == [caption]


@pytest.mark.parametrize("picture", FIGURES, ids=[one.title for one in FIGURES])
def test_a_specification_draws_the_picture_alone(picture: Picture) -> None:
    """What a researcher gets is complete: another tool needs nothing but the JSON."""
    text = to_vega_lite(picture, WORDS)
    assert "var(--" not in text
    again = vl_convert.vegalite_to_svg(json.loads(text), vl_version=VEGA_LITE, allowed_base_urls=[])
    assert as_file(again, json.loads(text)["description"]) == to_svg(picture, WORDS)


def test_a_picture_as_svg_is_a_file_of_known_elements_with_a_title() -> None:
    for picture in FIGURES:
        svg = to_svg(picture, WORDS)
        assert svg.startswith("<svg ")
        assert 'xmlns="http://www.w3.org/2000/svg"' in svg
        assert f"<title>{picture.title}</title>" in svg
        assert set(re.findall(r"<(\w+)", svg)) <= {
            "svg",
            "title",
            "g",
            "path",
            "line",
            "rect",
            "text",
        }
        assert "var(--" not in svg


def test_a_picture_as_png_is_twice_the_size_of_the_svg() -> None:
    picture = FIGURES[0]
    png = to_png(picture, WORDS)
    size = [int.from_bytes(png[at : at + 4], "big") for at in (16, 20)]
    root = re.match(
        r'<svg [^>]*?width="(\d+)"[^>]*?height="(\d+)"', _sorted(to_svg(picture, WORDS))
    )
    assert png.startswith(b"\x89PNG")
    assert root is not None
    assert size == [2 * int(side) for side in root.groups()]


@pytest.mark.parametrize("draw", [to_png, to_svg])
def test_a_picture_of_too_many_parts_is_refused_with_what_to_do(
    draw: Callable[[Picture, Words], object],
) -> None:
    """The library writes the order of an axis as one expression: too deep for 3,000 names."""
    names = [f"c{n}" for n in range(3_000)]
    axes = {
        "x": {"field": "x", "type": "quantitative"},
        "y": {"field": "who", "type": "nominal", "sort": names},
    }
    values = {"values": [{"who": name, "x": 1} for name in names]}
    bars = {"data": values, "mark": "bar", "encoding": axes}
    crowded = replace(FIGURES[0], spec={**FIGURES[0].spec, "layer": [bars]})
    with pytest.raises(SourceError, match=r"more parts than can be drawn\. .*--format html"):
        draw(crowded, WORDS)


def _sorted(svg: str) -> str:
    """The root with its width before its height."""
    root = svg.partition(">")[0]
    sides = [re.search(f' {side}="[0-9]+"', root) for side in ("width", "height")]
    return "<svg" + "".join(one[0] for one in sides if one) + ">"


def test_numbers_of_axes_are_written_in_the_language_of_the_report() -> None:
    french = load_words("fr")
    picture = next(one for one in FIGURES if "person-years" in to_svg(one, WORDS))
    assert json.loads(to_vega_lite(picture, french))["config"]["locale"]["number"] == signs(french)


def test_colours_of_files_are_those_of_the_page_on_paper() -> None:
    assert paper_colours()["paper"] == "#fff"
    assert {f"c{n}" for n in range(1, 7)} <= paper_colours().keys()


def test_tables_say_what_the_page_says() -> None:
    for section in SECTIONS:
        for table in section.tables:
            reader = PageReader(to_html(table, WORDS, title=section.title))
            assert not reader.unclosed
            cells = [text for name, text in reader.texts if name == "td"]
            expected = [
                "".join(
                    part if isinstance(part, str) else WORDS.text("hidden") if part.hidden
                    else WORDS.value(part)
                    for part in cell.parts
                )
                for group in table.groups for row in group.rows for cell in row.cells
                if cell.parts and not cell.hidden
            ]  # fmt: skip
            assert expected
            assert not Counter(expected) - Counter(cells)


def test_a_hidden_value_is_in_no_file() -> None:
    shown = {row.estimate_value for row in RESULT.rows}
    hidden = {row.estimate_value for row in short(RAW).rows} - shown
    telling = {one for one in hidden if len(one) >= 6}
    assert telling
    everything = "".join(
        [*(to_svg(one, WORDS) + to_vega_lite(one, WORDS) for one in FIGURES)]
        + [to_html(one, WORDS, title="t") + to_latex(one, WORDS, title="t") for one in TABLES]
    )
    numbers = set(re.findall(r"[0-9.]+", everything.replace(",", "")))
    assert not telling & numbers


def test_equal_results_give_equal_files(tmp_path: Path) -> None:
    made = []
    file = tmp_path / "s.csv"
    file.write_text(to_csv(RESULT), encoding="utf-8")
    for name in ("a", "b"):
        paths = write_result_files(file, tmp_path / name, forms=Form, language="fr")
        made.append({one.relative_to(tmp_path / name): one.read_bytes() for one in paths})
    assert made[0] == made[1]
    assert {one.parts[0] for one in made[0]} == {"report.html", "figures", "tables"}
    assert {one.suffix for one in made[0]} == {".html", ".svg", ".png", ".json", ".tex"}
    assert all(re.fullmatch(r"[a-z0-9./-]+", str(one)) for one in made[0])


def test_a_report_of_a_file_says_what_the_file_says(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text(to_csv(RESULT), encoding="utf-8")
    made = read_report(file, language="en")
    assert made.title == "celecoxib bleeding"
    assert made.result == RESULT
    assert made.threshold is None
    paths = write_result_files(file, tmp_path / "out", forms=[Form.PAGE], language="en")
    reader = PageReader(paths[0].read_text(encoding="utf-8"))
    assert not reader.unclosed
    assert "Results of" not in [text for name, text in reader.texts if name == "dt"]
    assert reader.figures == PageReader(render(report(RESULT), language="en")).figures


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a,b\n1,2\n"])
def test_what_is_no_result_makes_nothing(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_bytes(content)
    with pytest.raises(SourceError, match=r"x\.csv"):
        write_result_files(file, tmp_path / "out", forms=[Form.PAGE], language="en")
    with pytest.raises(SourceError, match="none"):
        write_result_files(tmp_path / "none", tmp_path / "out", forms=[Form.PAGE], language="en")
    assert not (tmp_path / "out").exists()


def test_a_number_too_long_to_write_is_refused(tmp_path: Path) -> None:
    first, *others = RESULT.rows
    long = replace(RESULT, rows=(replace(first, estimate_value="9" * 5_000), *others))
    (tmp_path / "s.csv").write_text(to_csv(long), encoding="utf-8")
    with pytest.raises(SourceError, match="2000 characters"):
        write_result_files(tmp_path / "s.csv", tmp_path / "out", forms=Form, language="en")


def test_a_folder_that_exists_or_cannot_be_made_is_left(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text(to_csv(RESULT), encoding="utf-8")
    with pytest.raises(AlreadyExistsError):
        write_result_files(file, tmp_path, forms=[Form.PAGE], language="en")
    with pytest.raises(StoreError):
        write_result_files(file, file / "out", forms=[Form.PAGE], language="en")
    assert list(tmp_path.iterdir()) == [file]


def test_without_great_tables_only_tables_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "x.csv"
    file.write_text(to_csv(RESULT), encoding="utf-8")
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "great_tables" else found(name)
    )
    with pytest.raises(SettingsError, match="great-tables"):
        write_result_files(file, tmp_path / "out", forms=[Form.HTML], language="en")
    assert write_result_files(file, tmp_path / "out", forms=[Form.PAGE], language="en")
