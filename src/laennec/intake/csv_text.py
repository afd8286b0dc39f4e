"""The bytes of a CSV file as UTF-8, whatever encoding they are in.

Nothing is guessed: a file is UTF-8 unless the caller names another codec. A byte that the codec
does not know stops the load with the line it is in; no character is replaced or left out.
"""

import codecs
from typing import BinaryIO

from laennec.core.errors import SourceError

_LONGEST_HEADER = 1 << 20
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class Utf8Stream:
    """Reads a binary stream and gives UTF-8; not yet checked when the stream is UTF-8 already."""

    def __init__(self, stream: BinaryIO, *, file: str, encoding: str) -> None:
        """Wrap a stream.

        Args:
            stream: At the beginning of the file.
            file: Name of the file, for messages.
            encoding: Name of a Python text codec.

        Raises:
            SourceError: there is no such codec.
        """
        try:
            "".encode(encoding)
            codec = codecs.lookup(encoding)
        except LookupError:
            raise SourceError(
                f"The encoding {encoding} is not known.",
                remedy="Name one such as utf-8, latin-1, cp1252 or utf-16.",
            ) from None
        self.encoding, self._file, self._stream = codec.name, file, stream
        self._decoder = None if codec.name == "utf-8" else codec.incrementaldecoder()
        self._waiting = b""
        self._breaks = 0

    def header(self) -> bytes:
        """Return the first line, with its line break if it has one.

        Raises:
            SourceError: the file is UTF-16 and was not said to be, a byte is not of the codec, or
                the line does not end within 1 MiB.
        """
        line = b""
        while b"\n" not in line and len(line) < _LONGEST_HEADER and (piece := self.read(1 << 16)):
            line += piece
        if self._decoder is None and line.startswith(_UTF16_MARKS):
            raise SourceError(
                f"{self._file}, line 1: the file is UTF-16, not UTF-8.",
                remedy="Load it with --encoding utf-16, or save it as UTF-8; nothing was loaded.",
            )
        if b"\n" not in line and len(line) >= _LONGEST_HEADER:
            raise SourceError(
                f"{self._file}, line 1: the first line does not end within 1 MiB; no header is "
                "that long.",
                remedy="Check that the file is text, begins with a header line and ends its "
                "lines with LF or CR LF; nothing was loaded.",
            )
        end = line.find(b"\n") + 1 or len(line)
        self._waiting = line[end:]
        return line[:end]

    def read(self, size: int) -> bytes:
        """Return about ``size`` bytes of UTF-8; none at the end of the file.

        Raises:
            SourceError: a byte is not of the codec; the message names the line.
        """
        if self._waiting:
            waiting, self._waiting = self._waiting, b""
            return waiting
        if self._decoder is None:
            # To the end of a line, so that a block of plain text leaves nothing to carry over.
            return self._stream.read(size) + self._stream.readline(size)
        while True:
            raw = self._stream.read(size)
            try:
                text = self._decoder.decode(raw, final=not raw)
                self._breaks += text.count("\n")
                if text or not raw:
                    return text.encode()
            except UnicodeDecodeError as error:
                before = error.object[: error.start].decode(self.encoding, errors="ignore")
                line = self._breaks + before.count("\n") + 1
                raise not_encoded(self._file, line, None, self.encoding) from None
            except UnicodeEncodeError:
                raise not_encoded(self._file, self._breaks, None, self.encoding) from None


def not_encoded(file: str, line: int, column: str | None, encoding: str) -> SourceError:
    """Return the error for a byte that is not of the encoding; its value is not told."""
    place = f"{file}, line {line}" + ("" if column is None else f", column {column}")
    remedy = (
        "If the file is Latin-1, load it with --encoding latin-1"
        if encoding == "utf-8"
        else "Name the encoding that the file is in with --encoding"
    )
    return SourceError(
        f"{place}: a byte is not {encoding}.", remedy=f"{remedy}; nothing was loaded."
    )
