"""The columns of a forest plot: how wide each is, and where the parts of its cells stand.

Nothing here is guessed: a column is as wide as its widest cell, measured. Numbers are set on
their decimal points, counts on their slashes, whatever the number of digits.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from trialpool.figures import style
from trialpool.figures.forest_table import ForestColumn, ForestTable
from trialpool.figures.lettering import shortened, widest, width, wrap

LABEL_LETTERS = 240  # of a label; studies.csv and the page have the whole
REPORTED = 250.0
DOT = 12.5
GAP = 9.0  # between columns of one arm
WIDE_GAP = 16.0
SIGN_GAP = 1.6  # before a percent sign
TOKEN_GAP = 3.4  # a little more than a space: bold totals stand in the same slots

_CUT = re.compile(r"[./]|(?<=\d)(?!.*\d)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A column with its edges; `slots` holds (decimal point, tail) of each token of its cells."""

    column: ForestColumn
    left: float
    right: float
    slots: tuple[tuple[float, float], ...] = ()


def weight(kind: str) -> str:
    """Weight of the letters of a row."""
    return "bold" if kind == "pooled" else "normal"


def tone(kind: str) -> tuple[str, str]:
    """Slant and colour of a row."""
    return ("italic", style.MUTED) if kind == "missing" else ("normal", style.INK)


def tokens(cell: str, count: int) -> list[str]:
    """The words of a cell in `count` slots; one that opens with a bracket ends at the last."""
    parts = cell.split(" ")
    blank = [""] * (count - len(parts))
    return [*blank, *parts] if cell.startswith("(") else [*parts, *blank]


def anchor(token: str) -> int:
    """Where a token is set against its neighbours: decimal point, slash, or last digit."""
    cut = _CUT.search(token)
    return cut.start() if cut else len(token)


def has_digits(cell: str) -> bool:
    """Whether a cell is set on its numbers; else it is centred."""
    return any(character.isdigit() for character in cell)


def place(table: ForestTable) -> list[Placed]:
    """Set the columns side by side from the left margin."""
    placed: list[Placed] = []
    x = style.MARGIN
    sized = _sized(table)
    for i, (column, wide, slots) in enumerate(sized):
        if i:
            before = sized[i - 1][0]
            same = bool(column.group) and column.group == before.group
            x += 0.0 if same and column.align == "judgement" else GAP if same else WIDE_GAP
        shift = x + max(0.0, (wide - _content(slots)) / 2)
        absolute = tuple((shift + point, tail) for point, tail in slots)
        placed.append(Placed(column=column, left=x, right=x + wide, slots=absolute))
        x += wide
    return placed


def _content(slots: Sequence[tuple[float, float]]) -> float:
    return slots[-1][0] + slots[-1][1] if slots else math.inf


def _sized(table: ForestTable) -> list[tuple[ForestColumn, float, tuple[tuple[float, float], ...]]]:
    """Each column with the width of its content, widened where the heading of its arm asks."""
    out = []
    for column in table.columns:
        wide, slots = _measure(table, column)
        out.append((column, wide, slots))
    for group in dict.fromkeys(c.group for c in table.columns if c.group):
        members = [i for i, (c, _, _) in enumerate(out) if c.group == group]
        gap = 0.0 if out[members[0]][0].align == "judgement" else GAP
        have = math.fsum(out[i][1] for i in members) + gap * (len(members) - 1)
        want = widest(group_lines(group, have), style.BODY, "bold")
        for i in members:
            column, wide, slots = out[i]
            out[i] = (column, wide + max(0.0, want - have) / len(members), slots)
    return out


def group_lines(group: str, room: float) -> list[str]:
    """The heading over the columns of one arm, in lines."""
    return wrap(group, max(room, 70.0), style.BODY, "bold")


def _measure(
    table: ForestTable, column: ForestColumn
) -> tuple[float, tuple[tuple[float, float], ...]]:
    head = widest(column.heading.split("\n"), style.BODY, "bold")
    if column.align == "plot":
        longest = max(table.axis_title.split(), key=len, default="")
        return max(table.plot_points, width(longest, style.BODY, "bold")), ()
    if column.align == "judgement":
        return max(DOT, width(column.heading, style.SMALL) + 3.0), ()
    body = list(zip(table.body["kind"], table.body[column.key], strict=True))
    if column.key == "label":
        return max(head, *(_label_width(*row) for row in labels(table)), 0.0), ()
    if column.align == "left":
        return max(
            head, min(REPORTED, widest((t for _, t in body), style.BODY, slant="italic"))
        ), ()
    numeric = [(kind, cell) for kind, cell in body if has_digits(cell)]
    count = max((len(cell.split(" ")) for _, cell in numeric), default=0)
    heads, tails, signs = [0.0] * count, [0.0] * count, [False] * count
    for kind, cell in numeric:
        look = (style.BODY, weight(kind), tone(kind)[0])
        for i, token in enumerate(tokens(cell, count)):
            cut = anchor(token)
            signs[i] |= token.startswith("%")
            heads[i] = max(heads[i], width(token[:cut], *look))
            tails[i] = max(tails[i], width(token, *look) - width(token[:cut], *look))
    slots, x = [], 0.0
    for i in range(count):
        x += 0.0 if i == 0 else SIGN_GAP if signs[i] else TOKEN_GAP
        slots.append((x + heads[i], tails[i]))
        x += heads[i] + tails[i]
    plain = [width(cell, style.BODY, weight(kind)) for kind, cell in body if not has_digits(cell)]
    return max(head, max(plain, default=0.0), x), tuple(slots)


def labels(table: ForestTable) -> list[tuple[list[str], str, str]]:
    """(lines, marks, kind) of each row's label."""
    out = []
    for kind, label, marks in zip(
        table.body["kind"], table.body["label"], table.body["marks"], strict=True
    ):
        shown = shortened(label, LABEL_LETTERS)
        lines = wrap(shown, table.label_points, style.BODY, weight(kind), tone(kind)[0])
        out.append((lines, str(marks), str(kind)))
    return out


def _label_width(lines: Sequence[str], marks: str, kind: str) -> float:
    look = (style.BODY, weight(kind), tone(kind)[0])
    last = width(lines[-1], *look) + (1.5 + width(marks, style.MARK) if marks else 0.0)
    return max(last, widest(lines, *look))
