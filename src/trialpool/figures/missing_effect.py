"""What the missing trials would have to have found: the pooled effect against what they found."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from trialpool.figures import chart, style
from trialpool.figures.effect_axis import EffectAxis
from trialpool.figures.lettering import look, width
from trialpool.figures.marks import signs
from trialpool.trust_facts import Unanswered
from trialpool.words import intervals, is_bayesian, written

if TYPE_CHECKING:
    from trialpool.analysis_result import ResultScale
    from trialpool.trust_facts import MissingEffectFacts

TITLE = "What the missing trials would have to have found"
_NAMES = 4  # studies named before the others are counted
_HEAD = 24.0  # points above the panel for the labels of its two upright lines

_BEGINS = {
    "interval excludes no difference, benefit": "the interval excludes no difference (benefit)",
    "interval excludes no difference, harm": "the interval excludes no difference (harm)",
    "interval no longer excludes no difference": "the interval includes no difference",
    "interval still excludes no difference": "the interval still excludes no difference",
    "estimate reaches the important difference": "the estimate reaches the smallest difference "
    "that matters",
    "estimate no longer reaches the important difference": "the estimate falls short of the "
    "smallest difference that matters",
    "estimate still reaches the important difference": "the estimate still reaches the smallest "
    "difference that matters",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingTable:
    """What is drawn, on the analysis scale: the curve, upright lines, flips, and a threshold.

    `lines` are (assumed, label), `flips` those of the conclusion with the effect as text;
    `interval` is what the band is called.
    """

    title: str
    subtitle: str
    axis: EffectAxis
    assumed: tuple[float, ...]
    estimate: tuple[float, ...]
    ci_low: tuple[float, ...]
    ci_high: tuple[float, ...]
    lines: tuple[tuple[float, str], ...]
    flips: tuple[tuple[float, str], ...]
    important: float | None
    important_label: str
    interval: str


def rows(
    curve: pd.DataFrame, facts: MissingEffectFacts | Unanswered, scale: ResultScale
) -> MissingTable | chart.Withheld:
    """Prepare the figure.

    Parameters
    ----------
    curve : missing_effect.csv of the analysis, display scale
    facts : what it says, or why there is none
    scale : of the analysis
    """
    title = f"{TITLE}: {scale.title}"
    if isinstance(facts, Unanswered):
        return chart.Withheld(reason=facts.reason)
    axis = EffectAxis.of(scale)

    def text(value: float | None) -> str:
        return style.ratio(value) if axis.log else style.fixed(value, 2)

    columns = {name: tuple(axis.scaled(curve[name]).tolist()) for name in curve.columns}
    low, high = columns["assumed"][0], columns["assumed"][-1]
    flips = [(float(axis.scaled(f.assumed)), text(f.assumed)) for f in facts.flips]
    important = facts.important
    return MissingTable(
        title=title,
        subtitle=_subtitle(facts, text),
        axis=axis,
        assumed=columns["assumed"],
        estimate=columns["estimate"],
        ci_low=columns["ci_low"],
        ci_high=columns["ci_high"],
        lines=(
            (0.0, "they found nothing"),
            (float(axis.scaled(facts.if_alike.assumed)), "they found what the others did"),
        ),
        flips=tuple(flip for flip in flips if low <= flip[0] <= high),
        important=None if important is None else float(axis.scaled(important)),
        important_label="" if important is None else f"matters: {text(important)}",
        interval=intervals([is_bayesian(facts.model)]),
    )


def draw(table: MissingTable) -> Figure:
    """Draw the prepared table."""
    with style.context():
        fig, (ax,) = chart.sheet(table.title, table.subtitle, margins=(chart.LEFT, 66.0))
        box = ax.get_position()
        ax.set_position(
            (box.x0, box.y0, box.width, box.height - _HEAD / (72 * fig.get_figheight()))
        )
        values = [*table.ci_low, *table.ci_high]
        chart.effect_axis(ax, table.axis, values, along="y")
        chart.effect_axis(ax, table.axis, [table.assumed[0], table.assumed[-1]])
        ax.set_xlim(table.assumed[0], table.assumed[-1])
        ax.set_xlabel("Effect assumed in the missing trials")
        ax.set_ylabel(f"Pooled {table.axis.label[0].lower()}{table.axis.label[1:]}")
        chart.null_line(ax, table.axis, along="y")
        chart.course(ax, table.assumed, table.estimate, table.ci_low, table.ci_high)
        _name_ends(ax, table)
        _upright(ax, table.lines)
        _flips(ax, table)
    return fig


def _upright(ax: Axes, lines: Sequence[tuple[float, str]]) -> None:
    """Dashed lines with a label above the panel, each in a row of its own, inside the panel."""
    (wide, tall), (low, high) = chart.extent(ax), ax.get_xlim()
    for i, (x, label) in enumerate(lines):
        ax.axvline(x, color=style.RULE, lw=style.MEDIUM, ls=(0, (4, 3)), zorder=3, label=label)
        half = width(label, style.SMALL) / 2
        at = wide * (x - low) / (high - low)
        at = min(max(at, half), wide - half)
        place = at / wide, 1 + (5 + 11 * i) / tall
        word = ax.text(*place, label, transform=ax.transAxes, **look(style.MUTED))
        word.set(ha="center", va="bottom")


def _flips(ax: Axes, table: MissingTable) -> None:
    """A ring where the interval's limit touches no difference, with what is assumed there."""
    (wide, _), (low, high) = chart.extent(ax), ax.get_xlim()
    taken, upright = -math.inf, [wide * (x - low) / (high - low) for x, _ in table.lines]
    for x, label in sorted(table.flips):
        at_null = ax, [x], [0.0], "flip", style.PAPER, 5.5
        signs(*at_null, edge=style.PREDICTION, mew=1.3, zorder=6, clip_on=False)
        size = width(label, style.SMALL, "bold")
        at = wide * (x - low) / (high - low)
        places = [s for s in (at + 6, at - 6 - size) if s >= 0 and s + size < wide]
        start = next((s for s in places if not _struck(s, s + size, upright)), places[0])
        # Two labels side by side: the second one goes below the line.
        below = start < taken
        taken = start + size
        place = low + start / wide * (high - low), 0.0
        letters = look(style.PREDICTION, weight="bold")
        word = ax.annotate(
            label, place, (0, -7 if below else 7), textcoords="offset points", **letters
        )
        word.set(va="top" if below else "bottom", zorder=7)


def _struck(start: float, end: float, upright: Sequence[float]) -> bool:
    """Whether an upright line runs through a label, or so near that it reads as a sign of it."""
    return any(start - 2 < x < end + 2 for x in upright)


def _name_ends(ax: Axes, table: MissingTable) -> None:
    """Names of the lines at the right edge of the panel, and the line of what matters."""
    low, high = ax.get_ylim()
    names = [(0.0, "no difference")]
    names += [(table.estimate[-1], "estimate"), (table.ci_low[-1], table.interval)]
    if table.important is not None and low < table.important < high:
        line = ax.axhline(table.important, color=style.PREDICTION, ls=(0, (1, 2)))
        line.set(linewidth=style.MEDIUM, zorder=3, label="important")
        names.append((table.important, table.important_label))
    chart.name_lines(ax, names, at=1.01)


def _subtitle(facts: MissingEffectFacts, text: Callable[[float | None], str]) -> str:
    named = facts.studies
    more = len(named) - _NAMES
    who = ", ".join(named[:_NAMES]) + (f" and {more} more" if more > 0 else "")
    model = written(facts.model)
    out = [f"Added: {who} (n = {facts.n}), k = {facts.k} with them; {model}."]
    between = " and ".join(text(value) for value in facts.searched)
    for answer in facts.answers:
        what = _BEGINS[answer.question]
        if answer.at_null:
            out.append(f"Even if they found nothing, {what}.")
        elif answer.reached:
            out.append(f"From {text(answer.assumed)} on, {what}.")
        else:
            out.append(f"No common effect between {between} is found from which {what}.")
    if facts.not_searched:
        out.append(f"Where the conclusion flips is not known: {facts.not_searched}.")
    return " ".join(out)
