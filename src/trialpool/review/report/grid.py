"""A table of a page before it is HTML: columns, cells, and footnotes for what is blank."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from trialpool.review.report.row_plot import RowPlot, RowScale
from trialpool.words import DASH, letters, whole
from trialpool.words import text as words

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Words that lead somewhere."""

    text: str
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell: lines of text, then links; `tone` is a judgement's colour.

    `note` is its footnote, to which the table gives a letter, its `mark`.
    """

    lines: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    note: str = ""
    mark: str = ""
    title: str = ""
    tone: str = ""
    anchor: str = ""
    plot: RowPlot | None = None


Show = Callable[[Any], Cell | str]


@dataclass(frozen=True, slots=True)
class GridColumn:
    """A column: its heading, what it shows of a row, and how.

    `kind` is text, number (right-aligned), prose or list (wide), sign, or plot.
    """

    heading: str
    show: Show
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A table: the first cell of a row names the row; a row of one cell heads those below it.

    `empty` is what stands in its place when there is no row; `scale` is that of its drawings.
    """

    caption: str
    columns: tuple[GridColumn, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[tuple[str, str], ...] = ()
    empty: str = "None."
    scale: RowScale | None = None


def table(
    caption: str,
    rows: Iterable[Any],
    columns: Sequence[GridColumn],
    *,
    under: Callable[[Any], Cell] | None = None,
    blank: str = "",
    remark: str = "",
    empty: str = "None.",
) -> Grid:
    """A table by its columns; cells that share a footnote share its letter.

    Parameters
    ----------
    rows : what the columns show
    under : the cell that stands over a group of rows, which follow each other
    blank : the row's cell that says why a number is blank, its footnote
    remark : a footnote to the whole table, where it has rows
    """
    marks: dict[str, str] = {}

    def shown(row: Any, column: GridColumn) -> Cell:
        made = column.show(row)
        made = cell(made) if isinstance(made, str) else made
        if blank and column.kind == "number" and made.lines == (DASH,):
            made = replace(made, note=words(row.get(blank)))
        if not made.note:
            return made
        mark = marks.setdefault(made.note, letters(len(marks)))
        return replace(made, mark=mark, title=made.note)

    body: list[tuple[Cell, ...]] = []
    last: Cell | None = None
    for row in rows:
        if under is not None and (head := under(row)) != last:
            last = head
            body.append((head,))
        body.append(tuple(shown(row, column) for column in columns))
    notes = [(mark, note) for note, mark in marks.items()]
    if remark and body:
        notes.append(("", remark))
    return Grid(
        caption=caption, columns=tuple(columns), rows=tuple(body), notes=tuple(notes), empty=empty
    )


def text(heading: str, show: str | Show, kind: str = "text") -> GridColumn:
    """A column of words: of a column by name, or what is shown of a row."""
    return GridColumn(heading, by(words, show) if isinstance(show, str) else show, kind)


def prose(heading: str, show: str | Show) -> GridColumn:
    """A wide column of words."""
    return text(heading, show, "prose")


def number(heading: str, show: str | Show) -> GridColumn:
    """A column of numbers, whole ones where a column is named."""
    return text(heading, by(whole, show) if isinstance(show, str) else show, "number")


def by(form: Callable[..., str], name: str, *options: Any) -> Show:
    """What shows a row's cell of that name in a form of `trialpool.words`."""
    return lambda row: form(row[name], *options)


def cell(*lines: str, note: str = "") -> Cell:
    """A cell of text, one paragraph per line; without text it has an en dash."""
    return Cell(lines=tuple(filter(None, lines)) or (DASH,), note=note)


def or_why(shown: str, reason: str) -> Cell:
    """A cell; where it is blank the reason is its footnote."""
    return cell(shown, note=reason if shown in ("", DASH) else "")


def linked(addresses: Iterable[str], *lines: str) -> Cell:
    """A cell with text and links, each link named by its site."""
    links = tuple(Link(text=site(href), href=href) for href in dict.fromkeys(addresses))
    said = tuple(filter(None, lines))
    return Cell(lines=said or (() if links else (DASH,)), links=links)


def to(text: str, href: str) -> Cell:
    """A cell that is one link."""
    return Cell(links=(Link(text=text, href=href),))


def site(address: str) -> str:
    """The site of an address, without `www.`."""
    return urlsplit(address).netloc.removeprefix("www.") or address
