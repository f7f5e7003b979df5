"""How large a file may be that an import reads: the same for every format."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

from trialpool.results import TrialpoolError
from trialpool.review.exchange.draft import MAX_BYTES, MalformedFileError, read_bytes

MAX_ROWS, MAX_COLUMNS = 100_000, 1_000
_FAR = "Delete what lies beyond the data, or import a part of it"


def of_table(path: Path, place: str, rows: int, columns: int) -> None:
    """Refuse a table of more rows or columns than any review has.

    Raises
    ------
    MalformedFileError
        naming the place and the limit
    """
    for count, most, what in ((rows, MAX_ROWS, "rows"), (columns, MAX_COLUMNS, "columns")):
        if count > most:
            raise MalformedFileError(path, place, f"{count:,} {what}, more than {most:,}", _FAR)


def of_lines(path: Path, lines: Sequence[Sequence[str]]) -> None:
    """The same of lines that were read."""
    of_table(path, "", len(lines), max(map(len, lines), default=0))


def workbook_bytes(path: Path) -> bytes:
    """The bytes of a workbook whose parts are of bearable size and declare no entities.

    Raises
    ------
    TrialpoolError
        if it is no zip file, unpacks to too much, is encrypted, or declares an entity
    """
    content = read_bytes(path)
    fix = "save it as .xlsx"
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            parts = package.infolist()
            if sum(part.file_size for part in parts) > MAX_BYTES:
                rule = f"unpacks to more than {MAX_BYTES:,} bytes"
                raise MalformedFileError(path, "", rule, _FAR)
            for part in parts:
                if part.filename.endswith((".xml", ".rels")) and not part.is_dir():
                    with package.open(part) as stream:
                        start = stream.read(4096)
                    if b"<!DOCTYPE" in start or b"<!ENTITY" in start:
                        rule = "declares an entity, which a workbook does not need"
                        raise MalformedFileError(path, part.filename, rule, "Remove it")
    except MalformedFileError:
        raise
    except Exception as error:  # whatever a damaged archive can make its reader raise
        what = "an older or encrypted workbook" if content[:4] == b"\xd0\xcf\x11\xe0" else error
        raise TrialpoolError(
            f"{path.name}: not a workbook that can be read ({what}); {fix}"
        ) from None
    return content
