"""From the bytes of a raw table to its lines, each a list of cells."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from trialpool.review.extraction.forms import Fault

_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_ZIP = b"PK\x03\x04"


class FormError(Exception):
    """A file that cannot be read as a table: the fault, and the row where it shows."""

    def __init__(self, fault: Fault, row: int | None = None) -> None:
        super().__init__(fault.rule)
        self.fault = fault
        self.row = row


def read_lines(path: Path) -> list[list[str]]:
    """The lines of a CSV file; one that holds nothing is an empty list.

    Raises
    ------
    FormError
        when there is no file, or what it holds is not a comma-separated table
    """
    text = _text(_bytes(path))
    lines: list[list[str]] = []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        lines.extend(reader)
    except csv.Error as error:
        fault = Fault(
            f"from here on not readable as CSV ({error})",
            "Look for a quote that is opened and never closed",
            "csv",
        )
        raise FormError(fault, len(lines) + 1) from None
    if not any(map(any, lines)):
        raise FormError(Fault("the file is empty", "Add the header line", "file"))
    return lines


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        fault = Fault("the file is missing", "Add it; a header line alone is enough", "file")
    except IsADirectoryError:
        fault = Fault("a folder, not a file", "Put the table in its place", "file")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        fault = Fault(f"cannot be opened ({why})", "Check the file and who may read it", "file")
    raise FormError(fault)


def _text(content: bytes) -> str:
    if content.startswith(_ZIP):
        raise FormError(
            Fault("a workbook or archive, not text", "Save the sheet as CSV UTF-8", "encoding")
        )
    if content.startswith(_UTF16):
        raise FormError(Fault("UTF-16 text", "Save the file as CSV UTF-8", "encoding"))
    if b"\0" in content:
        row = _row(content, content.index(b"\0"))
        fix = "Save the file as CSV UTF-8; UTF-16 without its mark looks like this"
        raise FormError(Fault("holds zero bytes, which are not text", fix, "encoding"), row)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = _row(content, error.start)
        raise FormError(
            Fault("not UTF-8 text", "Save the file as CSV UTF-8", "encoding"), row
        ) from None


def _row(content: bytes, place: int) -> int:
    """The line a byte stands in, whatever ends lines."""
    return len(content[:place].replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"))
