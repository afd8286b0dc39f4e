"""Make a base: block after block, written behind, with the truth beside it."""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from laennec.core.errors import AlreadyExistsError
from laennec.core.progress import Reporter
from laennec.synthetic.snds.block import Block, block, blocks
from laennec.synthetic.snds.claim_files import write_claims
from laennec.synthetic.snds.order import Order
from laennec.synthetic.snds.products import write_products
from laennec.synthetic.snds.register import write_register
from laennec.synthetic.snds.stay_files import write_stays
from laennec.synthetic.snds.writer import Background, Files

TRUTH = "truth"


@dataclass(frozen=True)
class Made:
    """What was made.

    Attributes:
        folder: Where the files are; ``truth`` in it says who is who.
        files: How many files, without the truth.
        rows: Their rows.
        bytes: Their size.
        persons: True persons.
    """

    folder: Path
    files: int
    rows: int
    bytes: int
    persons: int


def make(order: Order, folder: Path, reporter: Reporter) -> Made:
    """Write a base into a folder that is made for it.

    Args:
        order: What to make.
        folder: A path that does not exist, or an empty folder.
        reporter: Is told of the persons done.

    Returns:
        What was made.

    Raises:
        AlreadyExistsError: the folder holds something.
    """
    if folder.exists() and any(folder.iterdir()):
        raise AlreadyExistsError(
            f"{folder} is not empty.",
            remedy="Name a new folder: a base is never mixed with another.",
        )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / TRUTH).mkdir()
    files = Files(folder, order.format)
    truth = _Truth(folder / TRUTH)
    with reporter.task("Synthetic SNDS", total=order.persons) as task, Background() as behind:
        write_products(files)
        for number in blocks(order):
            made = block(order, number)
            behind.submit(lambda made=made: _write(made, files, truth))  # type: ignore[misc]
            task.advance(len(made.people))
    files.finish()
    truth.finish(order, files)
    return Made(
        folder,
        files=len(files.rows),
        rows=files.rows.total(),
        bytes=sum(files.path(name).stat().st_size for name in files.rows),
        persons=order.persons,
    )


class _Truth:
    """The files of the truth, appended to block by block."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._traps: Counter[str] = Counter()
        self._begun: set[str] = set()

    def add(self, name: str, rows: pl.DataFrame) -> None:
        """Append rows with a column ``trap`` to a file of the truth."""
        with self._path(name).open("ab") as file:
            rows.write_csv(file, separator=";", include_header=name not in self._begun)
        self._begun.add(name)
        for trap, count in rows["trap"].value_counts().rows():
            self._traps[f"{name}: {trap or 'plain'}"] += count

    def finish(self, order: Order, files: Files) -> None:
        """Write the list of faults and the summary."""
        planted: Counter[str] = Counter()
        with self._path("faults").open("w") as file:
            file.write("fault;file;line\n")
            for fault, name, lines in files.faults:
                planted[fault] += len(lines)
                file.writelines(f"{fault};{name};{line}\n" for line in lines.tolist())
        summary = {
            "persons": order.persons,
            "seed": order.seed,
            "years": [order.first_year, order.last_year],
            "lines_per_year": order.lines_per_year,
            "traps": dict(sorted(self._traps.items())),
            "faults": dict(sorted(planted.items())),
            "files": {
                name: {"rows": files.rows[name], "bytes": files.path(name).stat().st_size}
                for name in sorted(files.rows)
            },
        }
        text = json.dumps(summary, indent=1, ensure_ascii=False)
        (self._folder / "summary.json").write_text(text + "\n", encoding="utf-8")

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.csv"


def _write(made: Block, files: Files, truth: _Truth) -> None:
    """Append everything of a block, in an order that never changes."""
    truth.add("identifiers", write_register(made, files))
    write_claims(made, files)
    truth.add("stays", write_stays(made, files))
