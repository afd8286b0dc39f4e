"""The reference page and the model name the same fields, kinds and tables; the examples read."""

import re
from pathlib import Path

import pytest

from laennec.omop.events import EVENT_TABLES
from laennec.study import model
from laennec.study.files import read_study
from laennec.study.model import Frozen

ROOT = Path(__file__).resolve().parents[2]
DEMO_STUDY = ROOT / "src" / "laennec" / "app" / "data" / "celecoxib.toml"
PAGE = (ROOT / "docs" / "reference" / "study-language.md").read_text(encoding="utf-8")
CLASSES = [one for one in vars(model).values() if isinstance(one, type) and issubclass(one, Frozen)]
WORDS = {
    word for code in re.findall(r"`([^`\n]+)`", PAGE) for word in re.findall(r"[A-Za-z_]+", code)
}


@pytest.mark.parametrize("model_class", CLASSES, ids=[one.__name__ for one in CLASSES])
def test_every_field_and_kind_is_on_the_page(model_class: type[Frozen]) -> None:
    fields = model_class.model_fields
    assert set(fields) - WORDS == set()
    if "kind" in fields:
        assert fields["kind"].default in WORDS


def test_every_table_is_on_the_page() -> None:
    assert set(EVENT_TABLES) - WORDS == set()


def test_the_example_of_the_page_is_a_study(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE, flags=re.DOTALL)
    path = tmp_path / "example.toml"
    path.write_text(example, encoding="utf-8")
    assert read_study(path).name == "celecoxib"


def test_the_study_of_the_demo_has_every_kind_of_result() -> None:
    study = read_study(DEMO_STUDY)
    assert {result.kind for result in study.results} == {
        "counts",
        "characteristics",
        "incidence",
        "cumulative_incidence",
    }
