"""A person at the command line: runs commands in this process and keeps what they say."""

import contextlib
import io
import shutil
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

from laennec.cli.main import main

PASSPHRASE = "correct horse battery staple"


@dataclass(frozen=True)
class Said:
    """What came of a command."""

    status: int
    out: str
    err: str


@dataclass(frozen=True)
class Cli:
    """Runs ``laennec --hub FOLDER ...``."""

    folder: Path

    def __call__(self, *arguments: object, quiet: bool = False, lang: str = "en") -> Said:
        """Run a command, whatever comes of it."""
        before = ["--hub", str(self.folder), "--lang", lang, *(["--quiet"] if quiet else [])]
        return run(*before, *arguments)

    def ok(self, *arguments: object, quiet: bool = False, lang: str = "en") -> str:
        """Run a command that must succeed without a word on the error stream; return the answer."""
        said = self(*arguments, quiet=quiet, lang=lang)
        assert said.status == 0, said.err
        return said.out

    def copy(self, folder: Path) -> "Cli":
        """Copy the hub, rights included; its passphrase file stays where it is."""
        shutil.copytree(self.folder, folder)
        return Cli(folder)


def run(*arguments: object) -> Said:
    """Run ``laennec`` in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main([str(one) for one in arguments])
    return Said(status, out.getvalue(), err.getvalue())


def passphrase_file(folder: Path, text: str = PASSPHRASE) -> Path:
    """Write a passphrase file as it has to be."""
    path = folder / "passphrase"
    path.touch(mode=0o600)
    path.write_text(text + "\n", encoding="utf-8")
    return path


def new_hub(folder: Path, *options: str, name: str = "test") -> Cli:
    """Make a hub in ``folder/hub``, its passphrase file beside it, with more options of init."""
    folder.mkdir(parents=True, exist_ok=True)
    cli = Cli(folder / "hub")
    secret = passphrase_file(folder)
    given = ("--name", name, "--origin", "hub.test/log", "--passphrase-file", secret)
    cli.ok("init", *given, *options)
    return cli


def packaged(name: str, folder: Path) -> Path:
    """Copy a data file of the demo: ``gibleed.zip`` or ``celecoxib.toml``."""
    with as_file(files("laennec.app") / "data" / name) as source:
        return Path(shutil.copy(source, folder / name))


def gibleed(folder: Path) -> Path:
    """Return GiBleed: the shared copy when it is there, else the one that the demo ships."""
    shared = Path(__file__).resolve().parents[3] / "shared" / "data" / "omop-gibleed"
    return shared if shared.exists() else packaged("gibleed.zip", folder)


def tree(folder: Path) -> dict[str, bytes]:
    """Return every file under a folder with its bytes."""
    return {
        str(one.relative_to(folder)): one.read_bytes()
        for one in sorted(folder.rglob("*"))
        if one.is_file()
    }
