"""The contour-enhanced funnel plot: `rows` says what stands in it, `draw` draws it.

Contours are about no effect, not about the pooled effect: they show where single trials would be
significant, so that gaps can be told from chance (Peters et al. 2008, J Clin Epidemiol 61:991).
Where nothing is compared there are none.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon
from scipy.special import ndtri

from trialpool.diagnostics.trim_and_fill import trim_and_fill
from trialpool.effects import measure_of
from trialpool.figures import chart, labels, style
from trialpool.figures.chart import Withheld
from trialpool.figures.effect_axis import EffectAxis
from trialpool.figures.key import Entry, write_key
from trialpool.figures.marks import stroke
from trialpool.pooling.policy import random_effects_tau2
from trialpool.results import NAN, Array
from trialpool.words import count

if TYPE_CHECKING:
    from trialpool.analysis_result import UnjudgedResult

NAMED = 12  # trials up to which dots carry names
KEY_ROOM = 132.0  # beside the axes, in points
BELOW = 1.08  # the axis of standard errors reaches this far, in largest standard errors

# Two-sided p at the edge of each zone, from no effect outwards, and what lies within it.
ZONES = ((0.10, "p > 0.10"), (0.05, "p 0.05 to 0.10"), (0.01, "p 0.01 to 0.05"), (0.0, "p < 0.01"))


@dataclass(frozen=True, slots=True, kw_only=True)
class FunnelTable:
    """The dots, on the analysis scale: effects `yi` with standard errors `sei`, (n,).

    `names` are theirs, written where there is room; `filled_yi`, `filled_sei` are the mirror
    images of trim-and-fill, `pooled` is the result.
    """

    title: str
    subtitle: str
    axis: EffectAxis
    names: tuple[str, ...]
    yi: Array
    sei: Array
    filled_yi: Array
    filled_sei: Array
    pooled: float


def rows(studies: pd.DataFrame, result: UnjudgedResult) -> FunnelTable | Withheld:
    """What stands in the plot, or why there is none; fills it where the policy lets one ask.

    Parameters
    ----------
    studies : studies.csv of the analysis
    result : of the analysis
    """
    title = f"Funnel plot: {result.title}"
    withheld = result.policy.withheld.get("funnel plot")
    if withheld:
        return Withheld(reason=withheld)
    yi, vi = (studies[name].to_numpy(float) for name in ("yi", "vi"))
    filled_yi, filled_vi = _filled(yi, vi, result)
    pooled = result.pooled.beta if result.pooled else NAN
    many = len(studies) > studies["trial_id"].nunique()
    what = f"{len(studies)} effects of {result.k} trials" if many else f"{result.k} trials"
    text = f"{what}."
    if measure_of(result.measure).null is not None:
        text += " Shades: two-sided p of a single trial, about no effect."
    if not isnan(pooled):
        text += " Dashed: the pooled effect and where 95 % of trials would lie if all shared it."
    return FunnelTable(
        title=title,
        subtitle=text,
        axis=EffectAxis.of(result),
        names=tuple(map(str, studies["study"])),
        yi=yi,
        sei=np.sqrt(vi),
        filled_yi=filled_yi,
        filled_sei=np.sqrt(filled_vi),
        pooled=pooled,
    )


def _filled(yi: Array, vi: Array, result: UnjudgedResult) -> tuple[Array, Array]:
    """What trim-and-fill adds about the analysis' own random effects, as small_studies.csv tells.

    Nothing where the policy withholds what asks about asymmetry.
    """
    if "asymmetry tests" in result.policy.withheld:
        return np.empty(0), np.empty(0)
    model = result.specification["model"]
    tau2 = random_effects_tau2(model["method"], model["tau2"])
    filled = trim_and_fill(yi, vi, tau2=tau2)
    return filled.yi_filled, filled.vi_filled


def draw(table: FunnelTable) -> Figure:
    """Draw a funnel plot.

    Returns
    -------
    the figure; write it with `style.save`. Artists carry a label: `zone`, `null`, `pooled`,
    `limits`, `trials`, `filled`, `thread`
    """
    with style.context():
        fig, (ax,) = chart.sheet(table.title, table.subtitle, margins=(chart.LEFT, KEY_ROOM))
        deepest = BELOW * float(max(*table.sei, *table.filled_sei, 0.0))
        chart.from_zero(ax, deepest, along="y")
        ax.invert_yaxis()
        ax.set_ylabel("Standard error")
        z = float(ndtri(0.975))
        here = [] if isnan(table.pooled) else [table.pooled]
        ends = [value for at in here for value in (at - z * deepest, at + z * deepest)]
        chart.effect_axis(ax, table.axis, [*table.yi, *table.filled_yi, *ends, *here])
        paths = []
        if table.axis.null is not None:
            _zones(ax, deepest)
            chart.null_line(ax, table.axis)
            paths.append(np.array([(0.0, 0.0), (0.0, deepest)]))
        for at in here:
            middle = np.array([(at, 0.0), (at, deepest)])
            sides = np.array([(ends[0], deepest), (at, 0.0), (ends[1], deepest)])
            for path, label in ((middle, "pooled"), (sides, "limits")):
                x, y = path.T
                wide = style.THIN * 1.3
                stroke(ax, x, y, label, style.SUMMARY, wide, ls=style.DASHES, zorder=2)
                paths.append(path)
        _dots(ax, table)
        unnamed = 0
        if len(table.names) <= NAMED:
            x, y = np.append(table.yi, table.filled_yi), np.append(table.sei, table.filled_sei)
            wanted = range(len(table.names))
            unnamed = len(labels.write(ax, x, y, table.names, wanted=wanted, lines=paths))
        write_key(fig, ax, _key(table, unnamed))
    return fig


def _zones(ax: Axes, deepest: float) -> None:
    ax.set_facecolor(style.ZONES[-1])
    for (p, _), colour in reversed(list(zip(ZONES[:-1], style.ZONES[:-1], strict=True))):
        reach = float(ndtri(1 - p / 2)) * deepest
        corners = [(0, 0), (-reach, deepest), (reach, deepest)]
        ax.add_patch(Polygon(corners, fc=colour, ec="none", zorder=0, label="zone"))


def _dots(ax: Axes, table: FunnelTable) -> None:
    if len(table.filled_yi):
        chart.dots(ax, table.filled_yi, table.filled_sei, "filled", style.PAPER, style.MARKED)
    chart.dots(ax, table.yi, table.sei, "trials", style.SUMMARY)


def _key(table: FunnelTable, unnamed: int) -> list[Entry]:
    out = [Entry("trial", "dot", style.SUMMARY)]
    if len(table.filled_yi):
        out.append(Entry("added by trim-and-fill", "open", style.MARKED))
    if not isnan(table.pooled):
        out.append(Entry("pooled effect, 95 %", "dashes", style.SUMMARY))
    if table.axis.null is not None:
        zones = zip(ZONES, style.ZONES, strict=True)
        out += [Entry(text, "box", colour) for (_, text), colour in zones]
    if unnamed:
        out.append(Entry(f"{count(unnamed, 'name')} left out", "dot", style.SUMMARY))
    return out
