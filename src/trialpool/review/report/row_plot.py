"""An interval as a small drawing in a row of a table: every row of a table on one scale.

What a drawing shows stands as words in the same row, so it is hidden from those who listen.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from math import isnan

from trialpool.analysis_result import AnalysisResult
from trialpool.conclusions import ABOVE, ACROSS, marks_of
from trialpool.effects import measure_of
from trialpool.figures import forest_axis
from trialpool.figures.forest_axis import ForestAxis

WIDTH, HEIGHT = 220, 22  # of a drawing, in its own units
_MIDDLE = HEIGHT / 2
_EDGE = 6  # from the axis' end to the sheet's: room for the tip of an arrow
_LEAST, _MOST = 4.0, 11.0  # side of the square of a trial without, and with all the weight
_DIAMOND = 6.5  # half the height of a pooled result
_ARROW = 4.0

Triple = tuple[float, float, float]

BENEFIT, HARM, NEITHER = "good", "bad", "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class RowPlot:
    """The path of one drawing, the interval's line and what is filled; `tone` is its meaning."""

    path: str
    tone: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A tick of the axis: its label, where it stands in percent of the width, and how it is set."""

    at: str
    label: str
    anchor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RowScale:
    """The axis that the rows of a table share."""

    axis: ForestAxis

    @classmethod
    def of(cls, result: AnalysisResult, rows: Iterable[Triple], whole: Iterable[float]) -> RowScale:
        """An axis for rows of one result, in which all of `whole` is seen.

        An interval far wider than the others ends in an arrow.
        """
        measure = measure_of(result.measure)
        return cls(
            axis=forest_axis.build(
                list(rows),
                list(whole),
                log=measure.is_ratio,
                null=measure.null,
                bounds=measure.scale.bounds,
            )
        )

    def at(self, value: float) -> float:
        """Where a value stands, in units of the drawing; beyond the axis where it lies beyond."""
        to = math.log if self.axis.scale == "log" else float
        low, high = map(to, self.axis.limits)
        if self.axis.scale == "log" and value <= 0:
            return -math.inf
        share = (to(value) - low) / (high - low)
        return _EDGE + share * (WIDTH - 2 * _EDGE)

    @property
    def null(self) -> str:
        """Where no effect stands, in percent of the width; blank without one."""
        null = self.axis.null
        return "" if null is None else f"{100 * self.at(null) / WIDTH:.2f}%"

    @property
    def ticks(self) -> list[Tick]:
        """The ticks of the axis; those at its ends are set inwards."""
        out = []
        for value, label in zip(self.axis.ticks, self.axis.tick_labels, strict=True):
            x = self.at(value)
            room = 3.2 * len(label)  # half of a label's width
            anchor = "start" if x < room else "end" if x > WIDTH - room else "middle"
            out.append(Tick(at=f"{100 * x / WIDTH:.2f}%", label=label, anchor=anchor))
        return out

    def trial(self, shown: Triple, share: float, tone: str) -> RowPlot | None:
        """A trial: its interval, and a square as large as its weight; None without an effect."""
        if any(map(isnan, shown)):
            return None
        x, start, end = map(self.at, shown)
        part = 0.25 if isnan(share) else min(max(share / 100, 0.0), 1.0)
        half = (_LEAST + (_MOST - _LEAST) * math.sqrt(part)) / 2
        filled = _arrows(start, end)
        if _EDGE <= x <= WIDTH - _EDGE:
            corner, side = f"{_short(x - half)} {_short(_MIDDLE - half)}", _short(2 * half)
            filled = f"M{corner}h{side}v{side}h-{side}z{filled}"
        return RowPlot(path=_line(start, end) + filled, tone=tone, kind="trial")

    def pooled(self, shown: Triple, tone: str) -> RowPlot | None:
        """A pooled result: a diamond from limit to limit; None without an interval."""
        if any(map(isnan, shown)):
            return None
        x, start, end = map(_within, map(self.at, shown))
        top, bottom = _short(_MIDDLE - _DIAMOND), _short(_MIDDLE + _DIAMOND)
        filled = f"M{_short(start)} {_short(_MIDDLE)}L{_short(x)} {top}"
        filled += f"L{_short(end)} {_short(_MIDDLE)}L{_short(x)} {bottom}z"
        filled += _arrows(*map(self.at, shown[1:]))
        return RowPlot(path=filled, tone=tone, kind="pooled")

    def prediction(self, shown: Triple) -> RowPlot | None:
        """Where a new trial's effect is expected: a bar."""
        if any(map(isnan, shown[1:])):
            return None
        start, end = map(self.at, shown[1:])
        path = _line(start, end) + _arrows(start, end)
        return RowPlot(path=path, tone=NEITHER, kind="new")


def tone(result: AnalysisResult, low: float, high: float) -> str:
    """What an interval means: a benefit, a harm, or neither where it holds no effect."""
    side = marks_of(result).side(low, high)
    if side is None or side == ACROSS:
        return NEITHER
    return BENEFIT if (side == ABOVE) == (result.better == "higher") else HARM


def _line(start: float, end: float) -> str:
    return f"M{_short(_within(start))} {_short(_MIDDLE)}H{_short(_within(end))}"


def _within(x: float) -> float:
    return min(max(x, _EDGE), WIDTH - _EDGE)


def _arrows(start: float, end: float) -> str:
    """Tips where an interval goes on beyond the axis."""
    tips = ""
    up, down = _short(_MIDDLE - _ARROW), _short(_MIDDLE + _ARROW)
    if start < _EDGE - 0.05:
        tips += f"M0 {_short(_MIDDLE)}L{_EDGE + 1} {up}V{down}z"
    if end > WIDTH - _EDGE + 0.05:
        tips += f"M{WIDTH} {_short(_MIDDLE)}L{WIDTH - _EDGE - 1} {up}V{down}z"
    return tips


def _short(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
