"""Running a file of the study language, where its writer is: a hub never does.

The file is a program with all the rights of whoever runs it. What comes of it is one ``Study``, a
value; nothing else of the program is kept.
"""

import runpy
import sys
import traceback
from pathlib import Path
from typing import Any

from laennec.core.errors import StudyError
from laennec.study.language.places import Place
from laennec.study.model import Study


def build_study(path: Path) -> Study:
    """Run a file and return the study that one of its variables holds.

    Raises:
        StudyError: the file cannot be run, told at the line where it stopped; or it has no study,
            or several.
    """
    found = {name: one for name, one in run_file(path).items() if isinstance(one, Study)}
    studies = list({one.digest(): one for one in found.values()}.values())
    if len(studies) != 1:
        names = f": {', '.join(sorted(found))}" if found else ""
        raise StudyError(
            f"{path}: the file makes {len(studies)} studies{names}.",
            remedy="Assign one to a variable, as in: asked = study(...).",
        )
    return studies[0]


def run_file(path: Path) -> dict[str, Any]:
    """Run a file and return its variables by name; its folder is searched for its own modules.

    Raises:
        StudyError: the file cannot be read, or stops; told at the line of the file.
    """
    if not path.is_file():
        raise StudyError(
            f"{path}: there is no such file.", remedy="Give the path of a file ending in .py."
        )
    folder = str(path.resolve().parent)
    sys.path.insert(0, folder)
    try:
        return runpy.run_path(str(path))
    except StudyError:
        raise
    except SyntaxError as error:
        place = Place(error.filename or str(path), error.lineno or 1)
        raise _stopped(place, f"this is not Python: {error.msg}") from None
    except Exception as error:  # noqa: BLE001 - whatever a researcher's program raises
        told = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise _stopped(last_line(error, path), told) from None
    finally:
        sys.path.remove(folder)


def last_line(error: BaseException, path: Path) -> Place:
    """Return the last line of a file's folder that was being run when an error was raised."""
    folder = path.resolve().parent
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [one for one in frames if Path(one.filename).resolve().parent == folder]
    return Place(theirs[-1].filename, theirs[-1].lineno or 1) if theirs else Place(str(path), 1)


def _stopped(place: Place, happened: str) -> StudyError:
    return StudyError(f"{place}{happened}.", remedy="Correct that line.")
