"""One hub with GiBleed for all journeys; each test works on a copy, since keyrings open slowly."""

from pathlib import Path

import pytest

from fakes.cli_shell import Cli, new_hub, packaged


@pytest.fixture(scope="session")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """A hub that holds the demo's data; not to be changed."""
    folder = tmp_path_factory.mktemp("loaded")
    cli = new_hub(folder)
    cli.ok("load", "omop", packaged("gibleed.zip", folder))
    return cli


@pytest.fixture(scope="session")
def studied(loaded: Cli, tmp_path_factory: pytest.TempPathFactory) -> tuple[Cli, str]:
    """A hub with one run that is not released, and the run; not to be changed."""
    folder = tmp_path_factory.mktemp("studied")
    cli = loaded.copy(folder / "hub")
    study = packaged("celecoxib.toml", folder)
    return cli, cli.ok("study", "run", study, quiet=True).strip()


@pytest.fixture
def hub(loaded: Cli, tmp_path: Path) -> Cli:
    """A copy of the loaded hub."""
    return loaded.copy(tmp_path / "hub")


@pytest.fixture
def run_of_hub(studied: tuple[Cli, str], tmp_path: Path) -> tuple[Cli, str]:
    """A copy of the hub with a run, and the run."""
    return studied[0].copy(tmp_path / "studied"), studied[1]
