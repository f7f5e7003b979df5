"""The specification curve: all estimates of one question in order, and the choices behind each.

Above, each specification's estimate with its interval; below, a mark for each level it takes.
Other questions (levels of non-equivalent choices) stand as lines of numbers under the curve.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from trialpool.conclusions import ACROSS, side_of
from trialpool.figures import chart, style
from trialpool.figures.chart import Withheld, effect_axis
from trialpool.figures.effect_axis import EffectAxis
from trialpool.figures.lettering import look, width, wrap
from trialpool.figures.marks import signs, stroke
from trialpool.pooling.policy import FROM_HERE_ON
from trialpool.results import Array
from trialpool.words import HARDLY, is_bayesian, text

if TYPE_CHECKING:
    from trialpool.analysis_result import (
        MultiverseAnswer,
        MultiverseResult,
        ResultHeading,
        VariedChoice,
    )

MOST = 120  # specifications drawn; a finer curve would be as wide as its lines
CURVE, ROW, GAP, NOTE = 190.0, 9.6, 9.0, 11.0  # heights in points
LEFT, RIGHT, KEY = 138.0, 14.0, 16.0
_COLUMNS = (200.0, 265.0, 385.0)  # where the numbers of other questions stand
_FEW = f"With 2 to {FROM_HERE_ON - 1} trials a Bayesian model leads, whatever model and test."
_SHARE = 0.05  # of all intervals, those that may reach beyond the axis at either end


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A factor's title, and the places of the drawn specifications at each of its levels."""

    title: str
    levels: tuple[tuple[str, tuple[int, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecificationCurve:
    """What is drawn, on the analysis scale, in the order of the estimates.

    `protocol` is the place of the protocol's specification; None where it has no estimate.
    `others` has a row of words for each other question.
    """

    title: str
    subtitle: str
    axis: EffectAxis
    estimate: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    protocol: int | None
    groups: tuple[Group, ...]
    others: tuple[tuple[str, str, str, str], ...]


def rows(
    multiverse: pd.DataFrame, summary: MultiverseResult, heading: ResultHeading
) -> SpecificationCurve | Withheld:
    """Prepare the curve of the protocol's question.

    Parameters
    ----------
    multiverse : multiverse.csv of the analysis
    summary : what the specifications say together
    heading : what the analysis asks
    """
    axis = EffectAxis.of(heading)
    title = f"Specification curve: {heading.title}"
    factors, question = summary.factors, summary.questions[0]
    mine = multiverse
    for factor in factors:
        if factor.kind == "N":
            mine = mine[mine[factor.name] == factor.levels[0]]
    mine = mine[mine["estimate"].notna()].sort_values(
        ["estimate", "ci_low"], kind="stable", ignore_index=True
    )
    if mine.empty:
        reason = summary.withheld or "no specification of this question has an estimate"
        return Withheld(reason=reason)
    chosen = np.ones(len(mine), dtype=bool)
    for factor in factors:
        chosen &= (mine[factor.name] == factor.levels[0]).to_numpy()
    protocol = int(chosen.argmax()) if chosen.any() else None
    drawn = _thinned(len(mine), protocol)
    part = mine.iloc[drawn]
    with np.errstate(divide="ignore"):  # a limit of a ratio may be 0
        estimate, low, high = (
            tuple(axis.scaled(part[name]).tolist()) for name in ("estimate", "ci_low", "ci_high")
        )
    few = any(is_bayesian(text(note).partition(": ")[2]) for note in part["note"])
    said = _subtitle(question, len(drawn), len(mine), protocol, heading)
    return SpecificationCurve(
        title=title,
        subtitle=f"{said} {_FEW}" if few else said,
        axis=axis,
        estimate=estimate,
        low=low,
        high=high,
        protocol=None if protocol is None else drawn.index(protocol),
        groups=tuple(_groups(part, factors)),
        others=tuple(_other(each, axis) for each in summary.questions[1:]),
    )


def _thinned(n: int, protocol: int | None) -> list[int]:
    """Every place, or places at even steps from first to last, with the protocol's."""
    if n <= MOST:
        return list(range(n))
    steps = {int(i) for i in np.linspace(0, n - 1, MOST).round()}
    return sorted(steps | ({protocol} if protocol is not None else set()))


def _groups(part: pd.DataFrame, factors: Sequence[VariedChoice]) -> list[Group]:
    """Factors with more than one level among what is drawn, non-equivalent ones apart."""
    groups = []
    for factor in factors:
        values = part[factor.name].tolist()
        levels = [
            (level, tuple(i for i, value in enumerate(values) if value == level))
            for level in factor.levels
        ]
        levels = [each for each in levels if each[1]]
        if len(levels) > 1:
            groups.append(Group(title=factor.title, levels=tuple(levels)))
    return groups


def _subtitle(
    question: MultiverseAnswer, drawn: int, n: int, protocol: int | None, heading: ResultHeading
) -> str:
    count = question.specifications
    parts = [f"{count} specification{'s' if count != 1 else ''}"]
    if question.distinct < count:
        parts.append(f"{question.distinct} different")
    if question.with_estimate < question.distinct:
        parts.append(f"{question.with_estimate} with an estimate")
    if drawn < n:
        parts.append(f"{drawn} drawn at even steps")
    lines = [", ".join(parts) + "."]
    if question.distinct < count:
        lines.append("Equal fits stand under the first of their choices.")
    if protocol is None:
        lines.append("The protocol's own has no estimate.")
    elif not isnan(question.same_sign):
        lines.append(f"Same side as the protocol's: {_percent(question.same_sign)}.")
    sides = [
        f"{_percent(share)} favour {label.lower()}"
        for share, label in (
            (question.favours_experimental, heading.experimental_label),
            (question.favours_control, heading.control_label),
        )
        if not isnan(share)
    ]
    if not sides and not isnan(question.excludes_null):
        sides = [_percent(question.excludes_null)]
    if sides:
        lines.append(f"Intervals that exclude no difference: {', '.join(sides)}.")
    if question.most:
        share = _percent(question.factors[0].eta2)
        lines.append(f"Most moved by {question.most.lower()} ({share} of the variance).")
    return " ".join(lines)


def _percent(share: float) -> str:
    """A share that is not all or nothing never reads so."""
    if 0 < share <= HARDLY:
        return "<1 %"
    if 1 - HARDLY <= share < 1:
        return ">99 %"
    return f"{100 * share:.0f} %"


def _other(question: MultiverseAnswer, axis: EffectAxis) -> tuple[str, str, str, str]:
    form = style.ratio if axis.log else style.significant
    count = str(question.distinct)
    if not question.with_estimate:
        return question.question, count, "no estimate", "–"
    middle, low, high = (
        form(value) for value in (question.median, question.lowest, question.highest)
    )
    return (
        question.question,
        count,
        f"{middle} ({low} to {high})",
        "–" if isnan(question.excludes_null) else _percent(question.excludes_null),
    )


def draw(table: SpecificationCurve) -> Figure:
    """The figure, one page column wide."""
    with style.context():
        lines = sum(1 + len(group.levels) for group in table.groups)
        matrix = ROW * lines + GAP * len(table.groups)
        questions = [wrap(each[0], _COLUMNS[0] - 20, style.SMALL) for each in table.others]
        foot = NOTE * sum(map(len, questions)) + 3 * NOTE if questions else 0.0
        fig, _ = chart.sheet(
            table.title, table.subtitle, panels=0, height=KEY + CURVE + matrix + foot + style.MARGIN
        )
        tall = 72 * fig.get_figheight()

        def axes(bottom: float, height: float) -> Axes:
            wide = chart.WIDTH - LEFT - RIGHT
            box = (LEFT / chart.WIDTH, bottom / tall, wide / chart.WIDTH, height / tall)
            ax = fig.add_axes(box)
            chart.frame(ax, ["left"])
            ax.set_xlim(-0.5, len(table.estimate) - 0.5)
            ax.set_xticks([])
            return ax

        base = style.MARGIN + foot
        cut = _curve(axes(base + matrix, CURVE), table)
        _key(fig, base + matrix + CURVE + 4, table, cut)
        if table.groups:
            ax = axes(base, matrix)
            ax.set_ylim(0, matrix)
            ax.set_yticks([])
            ax.spines["left"].set_visible(False)
            _matrix(ax, table, matrix)
        if questions:
            _others(fig, table, questions, foot)
    return fig


def _curve(ax: Axes, table: SpecificationCurve) -> int:
    """Estimates with their intervals; how many of these reach beyond the axis."""
    estimate, low, high = (np.array(v) for v in (table.estimate, table.low, table.high))
    compares = table.axis.null is not None
    ends = [*([0.0] if compares else []), *estimate[[0, -1]]]
    if table.protocol is not None:
        ends += [low[table.protocol], high[table.protocol]]
    finite = np.isfinite(low) & np.isfinite(high)
    ends += [np.quantile(low[finite], _SHARE), np.quantile(high[finite], 1 - _SHARE)]
    axis = table.axis
    effect_axis(ax, axis, [float(v) for v in ends], along="y", sides=False)
    chart.null_line(ax, table.axis, along="y")
    step = chart.extent(ax)[0] / len(estimate)
    thin, thick = min(1.1, 0.75 * step), min(2.4, max(1.0, 0.8 * step))
    bottom, top = ax.get_ylim()
    butt = {"solid_capstyle": "butt"}
    beyond = (side_of(low, high) != ACROSS) & compares
    x = np.arange(len(estimate), dtype=float)
    for part, colour, name in (
        (~beyond, style.HAIRLINE, "includes"),
        (beyond, style.EFFECT, "excludes"),
    ):
        at = np.flatnonzero(part)
        cut = [np.clip(limit[at], bottom, top) for limit in (low, high)]
        stroke(ax, *_segments(x[at], *cut), name, colour, thin, **butt)
    for part, colour in ((~beyond, style.MUTED), (beyond, style.SUMMARY)):
        at = np.flatnonzero(part)
        half = float(thick / 2 / step)
        marks = _segments(estimate[at], x[at] - half, x[at] + half)[::-1]
        stroke(ax, *marks, "estimates", colour, thick, zorder=3, **butt)
    if table.protocol is not None:
        i = table.protocol
        ends = np.clip([low[i], high[i]], bottom, top)
        stroke(ax, [i, i], ends, "protocol interval", style.PREDICTION, 1.4, zorder=4, **butt)
        dot = ax, [i], [estimate[i]], "protocol", style.PREDICTION, 4.5, "D"
        signs(*dot, edge=style.PAPER, mew=0.5, zorder=5)
    return int(((low < bottom) | (high > top)).sum())


def _segments(x: Array, low: Array, high: Array) -> tuple[Array, Array]:
    """Lines from low to high as one line with gaps: far fewer bytes than a line each."""
    gap = np.full(len(x), np.nan)
    return np.column_stack([x, x, gap]).ravel(), np.column_stack([low, high, gap]).ravel()


def _key(fig: Figure, y: float, table: SpecificationCurve, cut: int) -> None:
    """What the colours mean, and how many intervals are cut, above the curve."""
    high = 72 * fig.get_figheight()
    ax = fig.add_axes((0, y / high, 1, KEY / high))
    ax.set(xlim=(0, chart.WIDTH), ylim=(0, KEY))
    ax.set_axis_off()
    x = style.MARGIN
    items = [("excludes no difference", style.SUMMARY, "s"), ("includes it", style.MUTED, "s")]
    if table.axis.null is None:
        items = []
    if table.protocol is not None:
        items.append(("the protocol's own", style.PREDICTION, "D"))
    for words, colour, marker in items:
        ax.plot([x + 3], [KEY / 2], marker, ms=4, color=colour, mew=0)
        ax.text(x + 10, KEY / 2, words, va="center", **look(style.MUTED))
        x += 10 + width(words, style.SMALL) + 16
    if cut:
        words = f"{cut} interval{'s' if cut > 1 else ''} cut at the edge"
        at = chart.WIDTH - RIGHT, KEY / 2
        ax.text(*at, words, ha="right", va="center", **look(style.MUTED))


def _matrix(ax: Axes, table: SpecificationCurve, height: float) -> None:
    """A line for each level, with a mark under each specification that has it."""
    n = len(table.estimate)
    step = (chart.WIDTH - LEFT - RIGHT) / n
    half = min(0.5, 2.4 / step)
    y = height
    if table.protocol is not None:
        ax.axvline(
            table.protocol, color=style.PREDICTION, lw=style.THIN, zorder=1, label="protocol"
        )
    for group in table.groups:
        y -= GAP
        _label(ax, y - ROW / 2, group.title, -LEFT + style.MARGIN, style.INK)
        for level, places in group.levels:
            y -= ROW
            middle = y - ROW / 2
            _label(ax, middle, level, -LEFT + style.MARGIN + 7, style.MUTED)
            ax.axhline(middle, color=style.HAIRLINE, lw=0.35, zorder=0)
            # Marks that touch are one line: far fewer bytes.
            start, end = _runs(places, 1.0 if half == 0.5 else 0.0)
            bars = _segments(np.full(len(start), middle), start - half, end + half)[::-1]
            stroke(ax, *bars, level, style.INK, 4.2, solid_capstyle="butt", zorder=2)
        y -= ROW


def _runs(places: Sequence[int], reach: float) -> tuple[Array, Array]:
    """First and last of each run of places that lie no further apart than `reach`."""
    at = np.array(places, dtype=float)
    breaks = np.flatnonzero(np.diff(at) > reach)
    return at[[0, *(breaks + 1)]], at[[*breaks, len(at) - 1]]


def _label(ax: Axes, y: float, words: str, x: float, colour: str) -> None:
    ax.annotate(
        words,
        (0, y),
        (x, 0),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        va="center",
        annotation_clip=False,
        **look(colour),
    )


def _others(
    fig: Figure, table: SpecificationCurve, questions: Sequence[Sequence[str]], foot: float
) -> None:
    """The other questions, a line of numbers each."""
    high = 72 * fig.get_figheight()
    y = style.MARGIN + foot - 1.6 * NOTE

    def write(words: str, x: float, colour: str = style.INK) -> None:
        fig.text(x / chart.WIDTH, y / high, words, va="baseline", **look(colour))

    last = "" if table.axis.null is None else "exclude null"
    heads = ("Other questions, kept apart", "different", "median (range)", last)
    columns = (style.MARGIN, *_COLUMNS)
    for head, x in zip(heads, columns, strict=True):
        write(head, x, style.MUTED)
    for words, each in zip(questions, table.others, strict=True):
        y -= NOTE
        for cell, x in zip(each[1:], _COLUMNS, strict=True):
            write(cell, x)
        for i, line in enumerate(words):
            y -= NOTE if i else 0.0
            write(line, style.MARGIN)
