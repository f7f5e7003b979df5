"""Where everything of a forest plot goes, in points from the top left corner.

The columns come first; the size of the figure follows from them and from the wrapped text.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from trialpool.bias_tools import BIAS_DOMAINS
from trialpool.figures import style
from trialpool.figures.forest_columns import (
    DOT,
    Placed,
    anchor,
    group_lines,
    has_digits,
    labels,
    place,
    tokens,
    tone,
    weight,
)
from trialpool.figures.forest_table import ForestTable
from trialpool.figures.lettering import width, wrap

WIDTH_LEAST = 430.0
FAVOURS_MOST = 135.0
ROW = 15.0
SHRUNKEN = 5.0  # more, where a trial has a second mark
BLOCK_GAP = 9.0  # between blocks below the plot
HANG = 11.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One line of text: `x` is its left, right or centre by `align`, `y` its baseline."""

    text: str
    x: float
    y: float
    size: float = style.BODY
    align: str = "left"
    weight: str = "normal"
    slant: str = "normal"
    colour: str = style.INK


@dataclass(slots=True, kw_only=True)
class Plan:
    """The whole sheet: its size and everything on it except what has a value on the axis."""

    width: float = 0.0
    height: float = 0.0
    words: list[Word] = field(default_factory=list)
    rules: list[tuple[float, float, float, bool]] = field(default_factory=list)  # x0, x1, y, strong
    dots: list[tuple[float, float, str]] = field(default_factory=list)  # x, y, judgement
    plot: tuple[float, float, float, float] | None = None  # left, right, top, bottom
    middles: list[float] = field(default_factory=list)  # y of each row of the body

    def put(self, lines: Iterable[str], like: Word) -> float:
        """Set lines below each other from the top `like.y`; return the y below the last."""
        y = like.y
        step = like.size * style.LINE_HEIGHT
        for line in lines:
            self.words.append(replace(like, text=line, y=_baseline(y + step / 2, like.size)))
            y += step
        return y


def plan(table: ForestTable) -> Plan:
    """Lay the table out."""
    columns = place(table)
    sheet = Plan(width=max(WIDTH_LEAST, columns[-1].right + style.MARGIN))
    room = sheet.width - 2 * style.MARGIN
    title = Word(text="", x=style.MARGIN, y=style.MARGIN, size=style.TITLE, weight="bold")
    y = sheet.put(wrap(table.title, room, title.size, title.weight), title)
    below = Word(text="", x=style.MARGIN, y=y + 1, size=style.SUBTITLE, colour=style.MUTED)
    y = sheet.put(wrap(table.subtitle, room, below.size), below) + BLOCK_GAP
    y = _header(sheet, table, columns, y)
    top = y
    y = _body(sheet, table, columns, y)
    plot = next((c for c in columns if c.column.align == "plot"), None)
    if plot and table.axis:
        sheet.plot = (plot.left, plot.right, top, y)
        y = _below_axis(sheet, table, plot, y)
    y = _footer(sheet, table, room, y + BLOCK_GAP)
    sheet.height = y + style.MARGIN
    return sheet


def _baseline(middle: float, size: float) -> float:
    return middle + style.CAP_MIDDLE * size


# -- header and body -------------------------------------------------------------------------


def _header(sheet: Plan, table: ForestTable, columns: Sequence[Placed], y: float) -> float:
    sheet.rules.append((style.MARGIN, sheet.width - style.MARGIN, y, True))
    step = style.BODY * style.LINE_HEIGHT
    groups: dict[str, list[Placed]] = {}
    for placed in columns:
        if placed.column.group:
            groups.setdefault(placed.column.group, []).append(placed)
    spans = {name: (m[0].left, m[-1].right) for name, m in groups.items()}
    group_text = {name: group_lines(name, right - left) for name, (left, right) in spans.items()}
    headings = [_heading(table, placed) for placed in columns]
    # columns of an arm stand below its name; the others may use that height for themselves
    over = max((len(lines) * step + 3.0 for lines in group_text.values()), default=0.0)
    deep = max(
        len(lines) * step + (over if placed.column.group else 0.0)
        for placed, lines in zip(columns, headings, strict=True)
    )
    bottom = y + 3.0 + deep
    for name, (left, right) in spans.items():
        below = max(
            len(lines) for c, lines in zip(columns, headings, strict=True) if c.column.group == name
        )
        rule = bottom - below * step - 2.0
        top = rule - 1.0 - len(group_text[name]) * step
        look = Word(text="", x=(left + right) / 2, y=top, align="center", weight="bold")
        sheet.put(group_text[name], look)
        sheet.rules.append((left, right, rule, False))
    for placed, lines in zip(columns, headings, strict=True):
        left_set = placed.column.align == "left"
        dots = placed.column.align == "judgement"
        look = Word(
            text="",
            x=placed.left if left_set else (placed.left + placed.right) / 2,
            y=bottom - len(lines) * step,
            align="left" if left_set else "center",
            weight="normal" if dots else "bold",
            size=style.SMALL if dots else style.BODY,
        )
        sheet.put(lines, look)
    sheet.rules.append((style.MARGIN, sheet.width - style.MARGIN, bottom + 3.0, True))
    return bottom + 6.0


def _heading(table: ForestTable, placed: Placed) -> list[str]:
    if placed.column.align == "plot":
        return wrap(table.axis_title, placed.right - placed.left, style.BODY, "bold")
    return placed.column.heading.split("\n")


def _body(sheet: Plan, table: ForestTable, columns: Sequence[Placed], y: float) -> float:
    step = style.BODY * style.LINE_HEIGHT
    by_key = {placed.column.key: placed for placed in columns}
    if table.axis is None:
        y = sheet.put([table.heterogeneity], Word(text="", x=style.MARGIN, y=y + 2)) + 4.0
    before = ""
    for row, (lines, marks, kind) in zip(table.body.to_dict("records"), labels(table), strict=True):
        if kind == "missing" and before != "missing":
            heading = Word(text="", x=style.MARGIN, y=y + 4.0, weight="bold", size=style.SMALL)
            y = sheet.put([table.missing_heading], heading) + 2.0
        if kind == "pooled":
            sheet.rules.append((style.MARGIN, columns[-1].right, y + 2.0, False))
            y += 4.0
        reported, start = _reported(row["reported"], by_key)
        high = ROW + (max(len(lines), len(reported)) - 1) * step
        middle = y + high / 2
        high += SHRUNKEN if kind == "study" and table.shrunken else 0.0
        sheet.middles.append(middle)
        slant, colour = tone(kind)
        look = Word(text="", x=style.MARGIN, y=0.0, slant=slant, colour=colour, weight=weight(kind))
        last = sheet.put(lines, replace(look, y=middle - len(lines) * step / 2)) - step
        if marks:
            end = style.MARGIN + width(lines[-1], style.BODY, look.weight, slant) + 1.5
            raised = _baseline(last + step / 2, style.BODY) - 0.42 * style.BODY
            sheet.words.append(Word(text=marks, x=end, y=raised, size=style.MARK))
        if reported:
            sheet.put(reported, replace(look, x=start, y=middle - len(reported) * step / 2))
        for placed in columns:
            cell = str(row.get(placed.column.key, ""))
            if placed.column.align == "judgement" and cell:
                sheet.dots.append(((placed.left + placed.right) / 2, middle, cell))
            elif placed.column.align == "numeric" and cell:
                _cell(sheet, placed, cell, replace(look, y=_baseline(middle, style.BODY)))
            elif placed.column.key == "scale" and cell:
                at = replace(look, x=placed.left, y=_baseline(middle, style.BODY))
                sheet.words.append(replace(at, text=cell))
        y += high
        before = kind
    return y + 4.0


def _reported(text: str, by_key: dict[str, Placed]) -> tuple[list[str], float]:
    """What a missing trial reported, in the columns where its effect would stand."""
    if not text:
        return [], 0.0
    first = by_key.get("reported") or by_key["effect"]
    last = by_key.get("reported") or by_key.get("weight") or first
    return wrap(text, last.right - first.left, style.BODY, slant="italic"), first.left


def _cell(sheet: Plan, placed: Placed, cell: str, look: Word) -> None:
    if not has_digits(cell):
        middle = (placed.left + placed.right) / 2
        sheet.words.append(replace(look, text=cell, x=middle, align="center"))
        return
    for token, (point, _) in zip(tokens(cell, len(placed.slots)), placed.slots, strict=True):
        if token:
            before = width(token[: anchor(token)], style.BODY, look.weight, look.slant)
            sheet.words.append(replace(look, text=token, x=point - before))


# -- below the plot --------------------------------------------------------------------------


def _below_axis(sheet: Plan, table: ForestTable, plot: Placed, y: float) -> float:
    assert table.axis is not None
    y += 6.0 + 1.5 * style.SMALL  # ticks and their labels
    if table.axis.null is None:
        return y
    to = math.log if table.axis.scale == "log" else float
    low, high = (to(limit) for limit in table.axis.limits)
    null = plot.left + (plot.right - plot.left) * (to(table.axis.null) - low) / (high - low)
    ends = [y]
    for words, side, align in zip(table.favours, (-5.0, 5.0), ("right", "left"), strict=True):
        if words:
            look = Word(text="", x=null + side, y=y, size=style.SMALL, align=align)
            ends.append(sheet.put(wrap(words, FAVOURS_MOST, style.SMALL), look))
    return max(ends)


def _footer(sheet: Plan, table: ForestTable, room: float, y: float) -> float:
    left = style.MARGIN
    if table.axis is not None:
        look = Word(text="", x=left, y=y, size=style.BODY)
        y = sheet.put(wrap(table.heterogeneity, room, look.size), look) + BLOCK_GAP / 2
    if table.domains:
        y = _legend(sheet, table, room, y)
    small = Word(text="", x=left, y=y, size=style.SMALL, colour=style.MUTED)
    for mark, note in table.footnotes:
        indent = HANG if mark else 0.0
        if mark:
            raised = _baseline(y + style.SMALL * style.LINE_HEIGHT / 2, style.SMALL) - 2.2
            sheet.words.append(replace(small, text=mark, size=style.MARK, y=raised))
        lines = wrap(note, room - indent, style.SMALL)
        y = sheet.put(lines, replace(small, x=left + indent, y=y))
    return y


def _legend(sheet: Plan, table: ForestTable, room: float, y: float) -> float:
    """What the dots and their domains mean."""
    step = DOT + 1.0
    x = style.MARGIN
    look = Word(text="", x=x, y=_baseline(y + step / 2, style.SMALL), size=style.SMALL)
    lead = "Risk of bias"
    sheet.words.append(replace(look, text=lead))
    x += width(lead, style.SMALL) + 10.0
    for judgement, (_, _, _, words) in style.JUDGEMENTS.items():
        sheet.dots.append((x + DOT / 2, y + step / 2, judgement))
        sheet.words.append(replace(look, text=words, x=x + DOT + 2.5))
        x += DOT + 2.5 + width(words, style.SMALL) + 10.0
    named = [f"{d} {BIAS_DOMAINS[d]}" for d in table.domains if d in BIAS_DOMAINS]
    if named:
        lines = wrap("; ".join(named) + ".", room, style.SMALL)
        return sheet.put(lines, replace(look, y=y + step, colour=style.MUTED)) + BLOCK_GAP / 2
    return y + step + BLOCK_GAP / 2
