"""Addresses of Spark clusters: what is refused before Java starts."""

import pytest

from laennec.compute.masters import check_answers, is_this_machine
from laennec.core.errors import SettingsError
from parts import free_port


@pytest.mark.parametrize(
    "master", ["spark://", "spark://host", "spark:host:7077", "spark://a:1/path", "spark://a:1,b"]
)
def test_another_form_is_refused(master: str) -> None:
    with pytest.raises(SettingsError, match="not the address of a Spark master"):
        check_answers(master)


def test_nobody_answers() -> None:
    port = free_port()
    with pytest.raises(SettingsError, match="No Spark master answers"):
        check_answers(f"spark://127.0.0.1:{port},127.0.0.1:99999")


@pytest.mark.parametrize("master", ["yarn", "local[2]", "k8s://https://host:443"])
def test_others_are_left_to_spark(master: str) -> None:
    check_answers(master)


def test_what_is_this_machine() -> None:
    assert is_this_machine("local[2]")
    assert not is_this_machine("spark://127.0.0.1:7077")
