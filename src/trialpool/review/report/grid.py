"""A table of a page before it is HTML: columns, cells, and footnotes for what is blank."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from trialpool.words import DASH, letters, text

Row = Mapping[str, Any]
Show = Callable[[Row], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column's heading; `kind` is text, number (right-aligned), prose or list (wide)."""

    heading: str
    kind: str = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Words that lead somewhere."""

    text: str
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell: lines of text, then links; `mark` is its footnote, `tone` a judgement's colour."""

    lines: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    mark: str = ""
    title: str = ""
    tone: str = ""
    anchor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A table: the first cell of a row names the row; a row of one cell heads those below it.

    `empty` is what stands in its place when there is no row.
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[tuple[str, str], ...] = ()
    empty: str = "None."


class Notes:
    """Footnotes of a table: a reason shared by cells has one letter."""

    def __init__(self) -> None:
        self._marks: dict[str, str] = {}

    def blank(self, reason: str, shown: str = DASH) -> Cell:
        """A cell without a value, and why."""
        return self.noted(shown, reason)

    def noted(self, shown: str, reason: str) -> Cell:
        """A cell with a footnote; without a reason it is a plain cell."""
        if not reason:
            return cell(shown)
        mark = self._marks.setdefault(reason, letters(len(self._marks)))
        return Cell(lines=(shown,), mark=mark, title=reason)

    def listed(self) -> tuple[tuple[str, str], ...]:
        """The letters with what they stand for, in order of use."""
        return tuple((mark, reason) for reason, mark in self._marks.items())


def cell(*lines: str) -> Cell:
    """A cell of text, one paragraph per line; without text it holds an en dash."""
    held = tuple(line for line in lines if line)
    return Cell(lines=held or (DASH,))


def by_columns(caption: str, rows: Sequence[Row], columns: Mapping[str, tuple[str, Show]]) -> Grid:
    """A table by its columns: heading to (kind, what a row shows); blanks say why in a footnote."""
    notes = Notes()

    def shown(row: Row, kind: str, show: Show) -> Cell:
        told = show(row)
        why = text(row.get("note"))
        if kind == "number" and told == DASH and why:
            return notes.blank(why)
        return cell(told)

    body = [tuple(shown(row, *column) for column in columns.values()) for row in rows]
    head = tuple(Column(heading=name, kind=kind) for name, (kind, _) in columns.items())
    return Grid(caption=caption, columns=head, rows=tuple(body), notes=notes.listed())


def linked(addresses: Iterable[str], *lines: str) -> Cell:
    """A cell with text and links, each link named by its site."""
    links = tuple(Link(text=site(href), href=href) for href in dict.fromkeys(addresses))
    held = tuple(line for line in lines if line)
    return Cell(lines=held or (() if links else (DASH,)), links=links)


def to(text: str, href: str) -> Cell:
    """A cell that is one link."""
    return Cell(links=(Link(text=text, href=href),))


def site(address: str) -> str:
    """The site of an address, without `www.`."""
    return urlsplit(address).netloc.removeprefix("www.") or address
