"""Effect against days since the first dose: a line per trial, and a model's band."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from trialpool.figures import chart, style
from trialpool.figures.chart import Withheld
from trialpool.figures.effect_axis import EffectAxis
from trialpool.figures.lettering import look, width
from trialpool.figures.marks import stroke
from trialpool.question_answer import FittedCourse, TimeAnswer
from trialpool.results import Array

RIGHT = 36.0  # for what the sides mean, in points
NAMED = 12  # trials up to which lines carry names
NAME_GAP = 6.0  # between a line's last dot and its name
NAME_STEP = 9.0  # between two names
TICK_GAP = 26.0  # between two ticks
APART, SPREAD = 5.0, 24.0  # points between effects of one day, and from the first to the last
# Days that a reader knows by name, the best known first; an axis shows those it has room for.
DAYS = (
    (1.0, "1 d"), (7.0, "1 wk"), (30.0, "1 mo"), (1 / 24, "1 h"), (365.0, "1 y"), (182.0, "6 mo"),
    (14.0, "2 wk"), (91.0, "3 mo"), (3.0, "3 d"), (4 / 24, "4 h"), (60.0, "2 mo"), (730.0, "2 y"),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialCourse:
    """One trial: days and, on the analysis scale, its effects with their intervals, (m,)."""

    name: str
    day: Array
    estimate: Array
    low: Array
    high: Array


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeTable:
    """What is drawn; `curve` (n, 4) is day, estimate and 95 % band, empty without a model."""

    title: str
    subtitle: str
    axis: EffectAxis
    trials: tuple[TrialCourse, ...]
    curve: Array


def rows(points: pd.DataFrame, curve: pd.DataFrame, answer: TimeAnswer) -> TimeTable | Withheld:
    """What stands in the figure, or why there is none.

    Parameters
    ----------
    points, curve : the question's time_points.csv and time_curve.csv
    """
    facts = answer.facts
    title = f"Course over time: {answer.question.outcome_title}"
    if not len(points):
        return Withheld(reason=facts.reason)
    axis = EffectAxis.of(answer.question)
    trials = []
    for _, part in points.groupby("trial_id", sort=False):
        in_order = part.sort_values("day")
        estimate, low, high = (
            axis.scaled(in_order[name]) for name in ("estimate", "ci_low", "ci_high")
        )
        trials.append(
            TrialCourse(
                name=str(in_order["study"].iloc[0]),
                day=in_order["day"].to_numpy(float),
                estimate=estimate,
                low=low,
                high=high,
            )
        )
    k, n = facts.k, facts.points
    text = f"{k} trial{'s' if k > 1 else ''}, {n} effect{'s' if n > 1 else ''}; vertical lines: "
    text += "their 95 % intervals; those of one day stand side by side. "
    if isinstance(facts, FittedCourse):
        text += f"Shaded: 95 % interval of the mean ({facts.words})."
    else:
        text += f"No model of the course: {facts.reason.removeprefix('not estimable: ')}."
    band = [axis.scaled(curve[name]) for name in ("estimate", "ci_low", "ci_high")]
    return TimeTable(
        title=title,
        subtitle=text,
        axis=axis,
        trials=tuple(trials),
        curve=np.column_stack([curve["day"].to_numpy(float), *band]),
    )


def draw(table: TimeTable) -> Figure:
    """Draw the prepared table."""
    with style.context():
        right, named = RIGHT, len(table.trials) <= NAMED
        if named:
            right += NAME_GAP + max(width(trial.name, style.SMALL) for trial in table.trials)
        fig, (ax,) = chart.sheet(table.title, table.subtitle, margins=(chart.LEFT, right))
        _days(ax, table)
        intervals = [
            (float(a), float(b), float(c))
            for trial in table.trials
            for a, b, c in zip(trial.estimate, trial.low, trial.high, strict=True)
        ]
        band = table.curve[:, 2:].ravel().tolist()
        low, high = chart.effect_axis(ax, table.axis, band, intervals=intervals, along="y")
        chart.null_line(ax, table.axis, along="y")
        chart.write_sides_upright(ax, table.axis, beyond=right - RIGHT + 6)
        if len(table.curve):
            day, estimate, lower, upper = table.curve.T
            ax.fill_between(day, lower, upper, color=style.BAND, lw=0, zorder=0.5, label="band")
            stroke(ax, day, estimate, "curve", style.SUMMARY, 2.0, zorder=4)
        places = _abreast(ax, table.trials)
        for trial, day in zip(table.trials, places, strict=True):
            _draw_course(ax, trial, day, (low, high))
        if named:
            _names(ax, table, places)
    return fig


def _days(ax: Axes, table: TimeTable) -> None:
    """Days on a log axis, with ticks at times that have a name."""
    every = np.concatenate([trial.day for trial in table.trials])
    first, last = np.log(every.min()), np.log(every.max())
    wide = chart.WIDTH * ax.get_position().width
    pad = max(SPREAD * (last - first) / (wide - 2 * SPREAD), 0.3)
    ax.set_xscale("log")
    ax.set_xlim(float(np.exp(first - pad)), float(np.exp(last + pad)))
    room = TICK_GAP * (last - first + 2 * pad) / wide
    ticks: dict[float, str] = {}
    for day, words in DAYS:
        inside = first - pad <= np.log(day) <= last + pad
        if inside and all(abs(np.log(day / other)) >= room for other in ticks):
            ticks[day] = words
    ax.xaxis.set_major_locator(FixedLocator(list(ticks)))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: ticks.get(v, "")))
    ax.set_xlabel("Time since the first dose (log scale)")


def _abreast(ax: Axes, trials: tuple[TrialCourse, ...]) -> list[Array]:
    """Where each trial's effects stand: at their days, those of one day side by side."""
    first, last = np.log(ax.get_xlim())
    point = (last - first) / (chart.WIDTH * ax.get_position().width)
    days = sorted({float(day) for trial in trials for day in trial.day})
    out = [trial.day.copy() for trial in trials]
    for day in days:
        here = [(i, j) for i, trial in enumerate(trials) for j in np.flatnonzero(trial.day == day)]
        gaps = [abs(np.log(day / other)) for other in days if other != day]
        apart = min(
            [APART * point, SPREAD * point / len(here), *(gap / (len(here) + 1) for gap in gaps)]
        )
        for place, (i, j) in enumerate(here):
            out[i][j] = day * np.exp((place - (len(here) - 1) / 2) * apart)
    return out


def _draw_course(ax: Axes, trial: TrialCourse, day: Array, limits: tuple[float, float]) -> None:
    """A trial's effects, joined in the order of their days; an interval ends at the axis."""
    low, high = (np.clip(v, *limits) for v in (trial.low, trial.high))
    ax.vlines(day, low, high, color=style.HAIRLINE, lw=style.MEDIUM, zorder=2, label="interval")
    dots: dict[str, Any] = {
        "marker": "o",
        "ms": chart.DOT,
        "mec": style.SUMMARY,
        "mew": style.THIN,
        "zorder": 3,
    }
    stroke(ax, day, trial.estimate, "trial", style.EFFECT, style.MEDIUM, **dots)


def _names(ax: Axes, table: TimeTable, places: list[Array]) -> None:
    """Names in a column at the right, each as near to the height of its last dot as they go."""
    wide, (_, tall) = chart.WIDTH * ax.get_position().width, chart.extent(ax)
    low, high = ax.get_ylim()
    wanted = [tall * (float(trial.estimate[-1]) - low) / (high - low) for trial in table.trials]
    heights = _spread(wanted, tall)
    for trial, day, y in zip(table.trials, places, heights, strict=True):
        at = (1 + NAME_GAP / wide, y / tall)
        ends = float(day[-1]), float(trial.estimate[-1])
        thread = {"arrowstyle": "-", "color": style.HAIRLINE, "lw": style.THIN}
        thread |= {"shrinkA": 0.0, "shrinkB": 4.0}
        ax.annotate(
            "", ends, at, textcoords="axes fraction", annotation_clip=False, arrowprops=thread
        )
        beside = 1 + 1.3 * NAME_GAP / wide
        ax.text(beside, y / tall, trial.name, transform=ax.transAxes, va="center", **look())


def _spread(wanted: list[float], tall: float) -> list[float]:
    """Heights at least NAME_STEP apart and within the panel, in the order wanted."""
    order = np.argsort(wanted, kind="stable")
    placed = np.clip(np.array(wanted)[order], NAME_STEP / 2, tall - NAME_STEP / 2)
    for i in range(1, len(placed)):
        placed[i] = max(placed[i], placed[i - 1] + NAME_STEP)
    over = max(0.0, float(placed[-1]) - (tall - NAME_STEP / 2))
    placed[-1] -= over
    for i in range(len(placed) - 2, -1, -1):
        placed[i] = min(placed[i], placed[i + 1] - NAME_STEP)
    out = np.empty(len(placed))
    out[order] = placed
    return [float(v) for v in out]
