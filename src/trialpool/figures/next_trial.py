"""The extended funnel: what one more trial, of any effect and size, would make of the result."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from trialpool.diagnostics.next_trial import with_one_more
from trialpool.figures import chart, style
from trialpool.figures.effect_axis import EffectAxis
from trialpool.figures.lettering import font
from trialpool.figures.marks import signs
from trialpool.results import Array
from trialpool.trust_facts import Unanswered
from trialpool.words import written

if TYPE_CHECKING:
    from trialpool.analysis_result import ResultScale
    from trialpool.trust_facts import NextTrialFacts, ShownEstimate

TITLE = "What the next trial could change"
_ACROSS, _DOWN = 161, 81  # results of a next trial that are pooled
_FEWER = 2  # times fewer along each side where a fit takes long
_BELOW = 1.08  # the axis reaches this far beyond the largest standard error
_FINEST = 1e-3  # of the largest standard error: the best next trial that is pooled
_KEY_ROW = 11.5  # points above the panel for each row of the key
_PEOPLE = (5000, 2000, 1000, 500, 200, 100, 50, 30, 20, 10)
_APART = 10.0  # points between two of their labels
_HATCHES = "///", "\\\\\\"  # of intervals to the left and to the right


@dataclass(frozen=True, slots=True, kw_only=True)
class NextTrialTable:
    """What is drawn, on the analysis scale.

    `effects` (x,) and `errors` (y,) span the grid of next trials; `low` and `high` (y, x) are
    the limits of the pooled effect with each. `people` are (standard error,
    n) of a trial that finds no difference.
    """

    title: str
    subtitle: str
    axis: EffectAxis
    better: str
    trials: tuple[tuple[float, float], ...]
    estimate: float
    effects: Array
    errors: Array
    low: Array
    high: Array
    important: float | None
    people: tuple[tuple[float, int], ...]


def rows(
    studies: pd.DataFrame,
    facts: NextTrialFacts | Unanswered,
    now: ShownEstimate,
    scale: ResultScale,
) -> NextTrialTable | chart.Withheld:
    """Prepare the figure.

    Parameters
    ----------
    studies : studies.csv of the analysis
    facts : how a next trial is pooled with them, or why there is nothing to add it to
    now : the result without it, display scale
    scale : of the analysis
    """
    title = f"{TITLE}: {scale.title}"
    if isinstance(facts, Unanswered):
        return chart.Withheld(reason=facts.reason)
    axis = EffectAxis.of(scale)
    yi, vi = studies["yi"].to_numpy(float), studies["vi"].to_numpy(float)
    estimate = float(axis.scaled(now.estimate))
    important = None if facts.important is None else abs(float(axis.scaled(facts.important)))
    widest = _BELOW * float(np.sqrt(vi).max())
    reach = max(1.5 * abs(estimate), 1.5 * (important or 0.0), 1.96 * float(np.sqrt(vi).min()))
    low, high = min(float(yi.min()), -reach), max(float(yi.max()), reach)
    aside = 0.06 * (high - low)
    across, down = (n if facts.tau_scale is None else n // _FEWER for n in (_ACROSS, _DOWN))
    effects = np.linspace(low - aside, high + aside, across)
    errors = np.linspace(_FINEST * widest, widest, down)
    x, s = np.meshgrid(effects, errors)
    how: dict[str, Any] = {"tau2": facts.tau2, "test": facts.test, "tau_scale": facts.tau_scale}
    fits = with_one_more(yi, vi, x.ravel(), s.ravel() ** 2, **how)
    unit = facts.unit_variance
    people = [] if math.isnan(unit) else [(math.sqrt(2 * unit / n), n) for n in _PEOPLE]
    assumed = f", with a {facts.assumption}" if facts.assumption else ""
    count = f" People: of a trial that finds no difference{assumed}." if people else ""
    how_said = written(facts.model)
    return NextTrialTable(
        title=title,
        subtitle="Each place is the result of one next trial; its shade is what the pooled effect "
        f"of all k = {facts.k} would say ({how_said}). Dots: the trials there are.{count}",
        axis=axis,
        better=scale.better,
        trials=tuple(zip(yi.tolist(), np.sqrt(vi).tolist(), strict=True)),
        estimate=estimate,
        effects=effects,
        errors=errors,
        low=fits.ci_lb.reshape(x.shape),
        high=fits.ci_ub.reshape(x.shape),
        important=important,
        people=tuple((se, n) for se, n in people if se <= widest),
    )


def draw(table: NextTrialTable) -> Figure:
    """Draw the prepared table."""
    with style.context():
        fig, (ax,) = chart.sheet(table.title, table.subtitle, margins=(chart.LEFT, 52.0))
        chart.effect_axis(ax, table.axis, [table.effects[0], table.effects[-1]])
        ax.set_xlim(table.effects[0], table.effects[-1])
        ax.set_ylim(table.errors[-1], 0.0)
        ticks = MaxNLocator(5).tick_values(0.0, table.errors[-1])
        ax.yaxis.set_major_locator(FixedLocator([t for t in ticks if 0 <= t <= table.errors[-1]]))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
        ax.set_ylabel("Standard error")
        _regions(ax, table)
        chart.null_line(ax, table.axis)
        ax.axvline(table.estimate, color=style.SUMMARY, lw=1.2, zorder=3, label="estimate")
        x, s = zip(*table.trials, strict=True)
        dots = ax, x, s, "trials", style.INK, 4.2
        signs(*dots, edge=style.PAPER, mew=0.5, zorder=5, clip_on=False)
        _key(ax, table)
        _people(ax, table)
    return fig


def _sides(table: NextTrialTable) -> tuple[tuple[float, str, float, str, str], ...]:
    """Of both sides: the sign that turns it to the left, look, opacity, and words."""
    benefit, harm = (style.EFFECT, 0.45, "benefit"), (style.PREDICTION, 0.30, "harm")
    sides = (benefit, harm) if table.better == "lower" else (harm, benefit)
    return tuple(
        (sign, colour, alpha, hatch, words)
        for (colour, alpha, words), sign, hatch in zip(sides, (1.0, -1.0), _HATCHES, strict=True)
    )


def _field(table: NextTrialTable, sign: float, beyond: float) -> Array | None:
    """Below 0 where the interval lies to the left of -beyond; None where that is nowhere.

    In half-widths of the interval, which vary less than its limits do.
    """
    limit = table.high if sign > 0 else -table.low
    field = np.asarray(2 * (limit + beyond) / (table.high - table.low))
    return field if (field < 0).any() else None


def _regions(ax: Axes, table: NextTrialTable) -> None:
    """Shades where the updated interval excludes no difference, hatches where it lies beyond."""
    x, y = table.effects, table.errors
    for sign, colour, alpha, hatch, _ in _sides(table):
        field = _field(table, sign, 0.0)
        if field is not None:
            ax.contourf(
                x, y, field, levels=[field.min() - 1, 0.0], colors=[colour], alpha=alpha, zorder=0.5
            )
            ax.contour(
                x, y, field, levels=[0.0], colors=[colour], linewidths=style.MEDIUM, zorder=1
            )
        field = None if table.important is None else _field(table, sign, table.important)
        if field is not None:
            lines = ax.contourf(
                x,
                y,
                field,
                levels=[field.min() - 1, 0.0],
                colors=["none"],
                hatches=[hatch],
                zorder=0.7,
            )
            lines.set(edgecolor=style.MUTED, linewidth=0.0, hatch_linewidth=style.THIN)


def _people(ax: Axes, table: NextTrialTable) -> None:
    """The number of people at the right edge, as many as can be read."""
    if not table.people:
        return
    _, tall = chart.extent(ax)
    ticks: list[tuple[float, int]] = []
    for se, n in sorted(table.people, reverse=True):
        at = tall * se / table.errors[-1]
        # Not on the heading of this column, nor on each other.
        if at >= 6 and (not ticks or tall * ticks[-1][0] / table.errors[-1] - at >= _APART):
            ticks.append((se, n))
    other = ax.secondary_yaxis("right")
    other.yaxis.set_major_locator(FixedLocator([se for se, _ in ticks]))
    names = {se: f"{n:,}" for se, n in ticks}
    other.yaxis.set_major_formatter(FuncFormatter(lambda v, _: names.get(v, "")))
    other.tick_params(labelsize=style.SMALL, color=style.RULE, width=style.THIN, length=3)
    other.spines["right"].set(color=style.RULE, linewidth=style.THIN)
    other.set_ylabel("People in both arms", fontproperties=font(style.BODY))


def _key(ax: Axes, table: NextTrialTable) -> None:
    """What the shades mean, above the panel, which makes room for it."""
    handles: list[Patch | Line2D] = []
    for sign, colour, alpha, hatch, words in _sides(table):
        if _field(table, sign, 0.0) is not None:
            handles.append(Patch(fc=colour, alpha=alpha, label=f"excludes no difference: {words}"))
        if table.important is not None and _field(table, sign, table.important) is not None:
            handles.append(
                Patch(
                    fc=style.PAPER,
                    ec=style.MUTED,
                    lw=0,
                    hatch=hatch,
                    hatch_linewidth=style.THIN,
                    label=f"all beyond what matters: {words}",
                )
            )
    handles += [
        Patch(fc=style.PAPER, ec=style.HAIRLINE, lw=style.THIN, label="includes no difference"),
        Line2D([], [], color=style.SUMMARY, lw=1.2, label="pooled estimate now"),
    ]
    box, (_, tall) = ax.get_position(), chart.extent(ax)
    room = _KEY_ROW * math.ceil(len(handles) / 2) + 4
    ax.set_position((box.x0, box.y0, box.width, box.height * (1 - room / tall)))
    ax.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=2,
        frameon=False,
        prop=font(style.SMALL),
        handlelength=1.6,
        handleheight=0.9,
        borderaxespad=0.2,
        labelspacing=0.3,
        columnspacing=1.4,
        labelcolor=style.INK,
    )
