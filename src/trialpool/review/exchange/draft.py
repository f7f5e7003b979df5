"""Raw tables in the making: every number of a source ends in a row or on the list of leftovers."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

from trialpool.columns import Table
from trialpool.results import TrialpoolError
from trialpool.review.exchange.imported import Imported, Left
from trialpool.review.exchange.revman_parts import StoredResult
from trialpool.review.schema.raw import CONDITION_TABLES, INSTRUMENTS

Row = dict[str, str]

MAX_BYTES = 200_000_000
ID_LENGTH = 60
TABLES: Mapping[str, Table] = {table.name: table for table in (INSTRUMENTS, *CONDITION_TABLES)}
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


class MalformedFileError(TrialpoolError):
    """A file that cannot be imported: which one, where in it, and what is wrong."""

    def __init__(
        self, path: Path, where: str, rule: str, fix: str = "Export the file again"
    ) -> None:
        place = f" {where}" if where else ""
        super().__init__(f"{path.as_posix()}{place}: {rule}. {fix}.")


def read_bytes(path: Path) -> bytes:
    """The bytes of a file of bearable size.

    Raises
    ------
    MalformedFileError
        if the file is missing, empty, not readable or larger than MAX_BYTES
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise MalformedFileError(
                path, "", f"larger than {MAX_BYTES:,} bytes", "Export a part of it"
            )
        data = path.read_bytes()
    except OSError as error:
        raise MalformedFileError(
            path, "", f"cannot be read ({error.strerror})", "Check the path"
        ) from None
    if not data.strip():
        raise MalformedFileError(path, "", "the file is empty")
    return data


def one_line(text: str) -> str:
    """The text without line breaks and repeated spaces, which a cell may not hold."""
    return " ".join(text.split())


def is_number(text: str) -> bool:
    """Whether the raw tables can hold the text as a number."""
    return _NUMBER.fullmatch(text) is not None and isfinite(float(text))


def is_whole(text: str) -> bool:
    """Whether the text is a whole number; `12.0` is one."""
    return is_number(text) and float(text) == round(float(text))


def plain(text: str) -> str:
    """Lower-case letters and digits with single spaces: what two spellings have in common."""
    apart = unicodedata.normalize("NFKD", text)
    letters = "".join(sign for sign in apart if not unicodedata.combining(sign))
    return " ".join(re.findall(r"[a-z0-9]+", letters.lower()))


def slug(text: str, otherwise: str) -> str:
    """A short name as the id columns take it; `otherwise` if nothing of the text can stay."""
    words = plain(text).split()
    while len("_".join(words)) > ID_LENGTH and len(words) > 1:
        words.pop()
    return "_".join(words)[:ID_LENGTH] or otherwise


def named(cells: Mapping[str, str]) -> str:
    """`name=value; name=value` of the cells that hold something."""
    return "; ".join(f"{name}={one_line(text)}" for name, text in cells.items() if text.strip())


def sentences(*parts: str) -> str:
    """The parts that are not blank, separated by semicolons."""
    return "; ".join(one_line(part) for part in parts if part.strip())


@dataclass(slots=True)
class Draft:
    """Rows, assumptions and leftovers, collected while a file is read."""

    source: str
    url: str
    confidence: str
    rows: dict[str, list[Row]] = field(default_factory=dict)
    outcomes: dict[str, dict[str, str]] = field(default_factory=dict)
    analyses: dict[str, dict[str, Any]] = field(default_factory=dict)
    stored: list[StoredResult] = field(default_factory=list)
    effects_in: int = 0
    effects_taken: int = 0
    _assumed: dict[str, None] = field(default_factory=dict)
    _left: list[Left] = field(default_factory=list)
    _keys: set[tuple[str, ...]] = field(default_factory=set)

    def add(self, table: str, cells: Mapping[str, str]) -> None:
        """Add a row; the columns about its origin are filled in."""
        origin = {"confidence": self.confidence, "source": self.source, "source_url": self.url}
        full = {name: text for name, text in origin.items() if name in TABLES[table].names}
        full |= {name: one_line(text) for name, text in cells.items() if text.strip()}
        self.rows.setdefault(table, []).append(full)
        self._keys.add(self._key(table, full))

    def assume(self, sentence: str) -> None:
        """Say once what was taken to be so."""
        self._assumed.setdefault(sentence)

    def leave(self, where: str, what: str, value: str, why: str, *, effect: bool = False) -> None:
        """List something that has no place in the raw tables; `effect`: a result of a trial."""
        self._left.append(Left(where, one_line(what), one_line(value), one_line(why), effect))

    def comparison(self, table: str, rows: Sequence[Mapping[str, str]], mark: str) -> None:
        """Add the rows of one comparison.

        Where a row would repeat the key of another, all rows of the comparison get `mark` in their
        definition, so that both stay and arms keep their partners.
        """
        marked, count = list(rows), 1
        while any(self._key(table, row) in self._keys for row in marked):
            tag = mark if count == 1 else f"{mark} ({count})"
            marked = [
                {**row, "definition": sentences(row.get("definition", ""), tag)} for row in rows
            ]
            count += 1
        for row in marked:
            self.add(table, row)

    def done(self) -> Imported:
        """What was collected."""
        return Imported(
            tables=self.rows,
            assumed=tuple(self._assumed),
            left=tuple(self._left),
            outcomes=self.outcomes,
            analyses=self.analyses,
            stored=tuple(self.stored),
            effects_in=self.effects_in,
            effects_taken=self.effects_taken,
        )

    def _key(self, table: str, row: Mapping[str, str]) -> tuple[str, ...]:
        cells = {"source": self.source, **row}
        return (table, *(one_line(cells.get(name, "")) for name in TABLES[table].key))


def whole_numbers(texts: Iterable[str]) -> bool:
    """Whether all texts are whole numbers."""
    return all(is_whole(text) for text in texts)
