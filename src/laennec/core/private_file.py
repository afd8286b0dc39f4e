"""Files that hold a secret: regular, this user's own, with no right for anyone else.

What is judged is the very file that is read, not one swapped in after a check. The content is in no
error.
"""

import os
import stat
from pathlib import Path

from laennec.core.errors import LaennecError

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def read_private_file(path: Path, *, what: str, error: type[LaennecError]) -> bytes:
    """Return the content of a file that only its owner, this user, may read or change.

    Args:
        path: The file; a symbolic link is refused.
        what: What to call it in an error, such as ``passphrase file``.
        error: The error to raise.

    Raises:
        LaennecError: an ``error``: it cannot be read, is no regular file, belongs to somebody else,
            or others have rights to it.
    """
    try:
        # Not blocking: a pipe under this name must not hold the program up.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            seen = os.fstat(file.fileno())
            private = seen.st_uid == os.geteuid() and not seen.st_mode & _OTHERS
            if not stat.S_ISREG(seen.st_mode) or not private:
                raise error(
                    f"The {what} {path} may be read or changed by others.",
                    remedy=f"Make it a regular file that is yours alone: chmod 600 {path}",
                )
            return file.read()
    except OSError as cause:
        raise error(
            f"The {what} {path} cannot be read ({cause.strerror}).",
            remedy="Name an existing regular file, not a link, of mode 0600.",
        ) from None
