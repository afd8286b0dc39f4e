"""Sealed files of a hub are damaged, cut or exchanged: data quality and studies name them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from fakes.cli_shell import Cli, packaged
from laennec.app.hub import open_hub
from laennec.core.clock import system_clock
from laennec.core.errors import IntegrityError
from laennec.core.progress import Quiet
from laennec.quality.engines import MachineEngine
from laennec.vault.manifest import SealedFile

Damage = Callable[[bytes, bytes], bytes]

DAMAGES: dict[str, Damage] = {
    "altered": lambda body, _: body[:-60] + bytes([body[-60] ^ 1]) + body[-59:],
    "cut": lambda body, _: body[:-100],
    "swapped": lambda _, other: other,
    "emptied": lambda _, __: b"",
}


def stored(hub: Cli, table: str) -> list[tuple[SealedFile, Path]]:
    with open_hub(hub.folder, clock=system_clock, reporter=Quiet()) as opened:
        files = opened.warehouse.vault.snapshot().manifest.files
    paths = {path.name: path for path in hub.folder.rglob("*") if path.is_file()}
    return [(one, paths[Path(one.object).name]) for one in files if one.table == table]


def damage(hub: Cli, how: Damage) -> list[str]:
    (_, other), *_ = stored(hub, "visit_occurrence")
    held = stored(hub, "person")
    for _, path in held:
        path.chmod(0o600)
        path.write_bytes(how(path.read_bytes(), other.read_bytes()))
    return [file.object for file, _ in held]


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_file_is_named_and_nothing_else_is_said(
    hub: Cli, tmp_path: Path, how: str
) -> None:
    names = damage(hub, DAMAGES[how])
    study = packaged("celecoxib.toml", tmp_path)
    for command in (("quality",), ("study", "run", study)):
        said = hub(*command)
        assert said.status == IntegrityError.exit_status
        assert said.out == ""
        told = [line for line in said.err.splitlines() if line.startswith("Error: ")]
        allowed = [f"Error: {name} does not authenticate" for name in names]
        assert any(told[0].startswith(one) for one in allowed), said.err
        assert "Traceback" not in said.err


def test_further_processes_name_the_damaged_file_too(hub: Cli) -> None:
    names = damage(hub, DAMAGES["altered"])
    with open_hub(hub.folder, clock=system_clock, reporter=Quiet()) as opened:
        quality = opened.quality()
        with pytest.raises(IntegrityError) as told:
            quality.assess("5.4", engine=lambda view: MachineEngine(2, view, 0))
    assert any(name in str(told.value) for name in names)
