"""Funnel plot of a network: every trial about the mean of its own comparison."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.special import ndtri

from trialpool.figures import chart, style
from trialpool.figures.chart import Withheld
from trialpool.figures.effect_axis import EffectAxis
from trialpool.figures.key import Entry, write_key
from trialpool.figures.marks import stroke
from trialpool.question_answer import NetworkAnswer
from trialpool.results import Array

LEAST = 10  # contrasts, as for a funnel plot of one comparison
KEY_ROOM = 132.0
BELOW = 1.08


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustedFunnel:
    """Dots: `away` (c,) from the mean of their comparison, analysis scale, and `sei` (c,)."""

    title: str
    subtitle: str
    axis: EffectAxis
    away: Array
    sei: Array
    comparisons: tuple[str, ...]


def rows(contrasts: pd.DataFrame, answer: NetworkAnswer) -> AdjustedFunnel | Withheld:
    """What stands in the plot, or why there is none.

    Comparisons with one trial are left out: their trial is the mean. The treatment that comes
    first in the protocol is taken first, the reference last, so that one side of the plot means
    the same in every comparison. The mean of a comparison is its common-effect one.

    Parameters
    ----------
    contrasts : the network's contrasts.csv

    References
    ----------
    Chaimani & Salanti 2012, Res Synth Methods 3:161; Chaimani et al. 2013, PLoS ONE 8:e76654
    """
    facts = answer.facts
    title = f"Comparison-adjusted funnel plot: {answer.title}"
    if facts.reason:
        return Withheld(reason=facts.reason)
    order = [name for name in facts.nodes if name != facts.reference]
    place = {name: i for i, name in enumerate([*order, facts.reference])}
    groups: dict[tuple[str, str], list[tuple[float, float]]] = {}
    columns = ["treatment_1", "treatment_2", "yi", "vi"]
    for one, two, y, v in contrasts[columns].itertuples(index=False, name=None):
        turned = place[one] > place[two]
        pair = (two, one) if turned else (one, two)
        groups.setdefault(pair, []).append((-float(y) if turned else float(y), float(v)))
    groups = {pair: results for pair, results in groups.items() if len(results) > 1}
    count = sum(map(len, groups.values()))
    if count < LEAST:
        why = f"{count} trials in comparisons of two trials or more, and {LEAST} are needed"
        return Withheld(reason=why)
    away, sei = [], []
    for results in groups.values():
        y, v = np.array(results).T
        away.append(y - float((y / v).sum() / (1 / v).sum()))
        sei.append(np.sqrt(v))
    axis = EffectAxis.of(facts)
    against = "over" if axis.log else "minus"
    return AdjustedFunnel(
        title=title,
        subtitle=(
            f"{count} results of {len(groups)} comparisons with two trials or more. Dashed: where"
            " 95 % of trials would lie if all of a comparison shared its effect. Small trials on"
            " one side only suggest results that are missing."
        ),
        axis=EffectAxis(
            label=f"{axis.label}, {against} the mean of its comparison",
            scale=axis.scale,
            null=axis.null,
            favours_left="less than its comparison",
            favours_right="more",
        ),
        away=np.concatenate(away),
        sei=np.concatenate(sei),
        comparisons=tuple(f"{one} v {two}" for one, two in groups),
    )


def draw(table: AdjustedFunnel) -> Figure:
    """Draw a comparison-adjusted funnel plot.

    Returns
    -------
    the figure; write it with `style.save`. Artists carry a label: `null`, `limits`, `trials`
    """
    with style.context():
        fig, (ax,) = chart.sheet(table.title, table.subtitle, margins=(chart.LEFT, KEY_ROOM))
        deepest = BELOW * float(table.sei.max())
        chart.from_zero(ax, deepest, along="y")
        ax.invert_yaxis()
        ax.set_ylabel("Standard error")
        reach = float(ndtri(0.975)) * deepest
        chart.effect_axis(ax, table.axis, [*table.away, -reach, reach])
        chart.null_line(ax, table.axis)
        sides = [-reach, 0.0, reach], [deepest, 0.0, deepest]
        stroke(ax, *sides, "limits", style.SUMMARY, style.THIN * 1.3, ls=style.DASHES, zorder=2)
        chart.dots(ax, table.away, table.sei, "trials", style.SUMMARY)
        key = [Entry("trial", "dot", style.SUMMARY), Entry("95 % limits", "dashes", style.SUMMARY)]
        write_key(fig, ax, key)
    return fig
