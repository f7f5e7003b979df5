"""Baujat's plot: which trials make the results differ, and which move the pooled effect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from trialpool.figures import chart, labels, style
from trialpool.figures.chart import Withheld
from trialpool.figures.marks import signs
from trialpool.results import Array

if TYPE_CHECKING:
    from trialpool.analysis_result import UnjudgedResult

NAMED = 12  # names at most: those of the dots farthest out
NEAR = 0.1  # of the axes: dots nearer to the origin than this have no name
PAD = 0.05  # of the axis beyond the farthest dot
DIAMOND = 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BaujatTable:
    """One dot per trial: contribution `x` to Cochran's Q, influence `y`, both (k,)."""

    title: str
    subtitle: str
    names: tuple[str, ...]
    x: Array
    y: Array
    influential: NDArray[np.bool_]


def rows(influence: pd.DataFrame, result: UnjudgedResult) -> BaujatTable | Withheld:
    """What stands in the plot, or why there is none.

    Parameters
    ----------
    influence : influence.csv of the analysis
    result : of the analysis

    References
    ----------
    Baujat et al. 2002, Stat Med 21:2641
    """
    title = f"Baujat plot: {result.title}"
    withheld = result.policy.withheld.get("leave-one-out")
    if withheld:
        return Withheld(reason=withheld)
    influential = (influence["influential"] == "yes").to_numpy()
    text = (
        "Common effect by inverse variance. Right: the trial adds to heterogeneity. Up: the pooled "
        "effect moves without it (squared, over its variance without the trial)."
    )
    if influential.any():
        text += " Orange diamonds: influential by the marks of Viechtbauer & Cheung."
    return BaujatTable(
        title=title,
        subtitle=text,
        names=tuple(map(str, influence["study"])),
        x=influence["baujat_x"].to_numpy(float),
        y=influence["baujat_y"].to_numpy(float),
        influential=influential,
    )


def draw(table: BaujatTable) -> Figure:
    """Draw a Baujat plot; up to 12 names, those of the dots farthest from the origin.

    Returns
    -------
    the figure; write it with `style.save`. Artists carry a label: `trials`, `influential`,
    `thread`
    """
    with style.context():
        fig, (ax,) = chart.sheet(table.title, table.subtitle)
        x, y = table.x, table.y
        top = [float(np.max(values, initial=0.0)) or 1.0 for values in (x, y)]
        for along, reach in zip("xy", top, strict=True):
            chart.from_zero(ax, reach, along=along, pad=PAD)
        ax.set_xlabel("Contribution to Cochran's Q")
        ax.set_ylabel("Influence on the pooled effect")
        for chosen, marker, size, colour, label in (
            (~table.influential, "o", chart.DOT, style.SUMMARY, "trials"),
            (table.influential, "D", DIAMOND, style.MARKED, "influential"),
        ):
            signs(
                ax,
                x[chosen],
                y[chosen],
                label,
                colour,
                size,
                marker,
                style.PAPER,
                zorder=4,
                clip_on=False,
            )
        away = np.hypot(x / top[0], y / top[1])
        far = [int(i) for i in np.argsort(-away, kind="stable") if away[i] > NEAR]
        labels.write(ax, x, y, table.names, wanted=far[:NAMED])
    return fig
