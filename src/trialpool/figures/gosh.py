"""The GOSH plot: pooled effect and I² of all subsets of the trials, and what one trial does there.

Two clouds, one of the subsets with a trial and one of those without, say that the trial differs
from the rest; one cloud says that heterogeneity is not of one trial's making.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator
from numpy.typing import NDArray

from trialpool.diagnostics.influence import gosh
from trialpool.figures import chart, style
from trialpool.figures.chart import Withheld
from trialpool.figures.effect_axis import EffectAxis
from trialpool.figures.key import Entry, write_key
from trialpool.figures.marks import signs
from trialpool.pooling.policy import COUNT_METHODS, tau2_without_counts
from trialpool.results import NAN, Array
from trialpool.tables import records

if TYPE_CHECKING:
    from trialpool.analysis_result import UnjudgedResult

KEY_ROOM = 132.0  # beside the axes, in points
TOP = 52.0  # height of the histogram above them
GAP = 8.0
SINGLE = 300  # subsets up to which each has a dot of its own
DOT = 3.4
CELL = 8.0  # width of a hexagon, in points
SIZES = (0.4, 0.55, 0.7, 0.85, 1.0)  # of a hexagon, by the logarithm of its subsets
SHADES = 4  # steps from subsets without the trial to those with it
FEWEST_BINS, BINS = 12, 44
I2_LIMITS = (-4.0, 104.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class GoshTable:
    """The subsets of two or more studies: effect on the analysis scale and I² in percent, (n,).

    `inside` says which hold the most influential trial, `name`; blank if that is not known.
    `pooled` is the analysis' own result, and `whole` says what it is.
    """

    title: str
    subtitle: str
    axis: EffectAxis
    beta: Array
    i2: Array
    inside: NDArray[np.bool_]
    name: str
    pooled: float
    whole: str


def rows(
    studies: pd.DataFrame, result: UnjudgedResult, influence: pd.DataFrame
) -> GoshTable | Withheld:
    """What stands in the plot, or why there is none; fits the subsets.

    Parameters
    ----------
    studies : studies.csv of the analysis; a trial with several rows can be in a subset with some
    result : of the analysis
    influence : its influence.csv; the trial with the largest Cook's distance is marked

    References
    ----------
    Olkin, Dahabreh & Trikalinos 2012, Res Synth Methods 3:214
    """
    title = f"All subsets (GOSH): {result.title}"
    withheld = result.policy.withheld.get("leave-one-out")
    if withheld:
        return Withheld(reason=withheld)
    settings = result.specification["model"]
    counts = COUNT_METHODS.get(settings["method"], "")
    tau2 = tau2_without_counts(settings["method"], settings["tau2"])
    subsets = gosh(studies["yi"], studies["vi"], tau2=tau2)
    known = np.isfinite(subsets.i2)
    lost = int((~known & (subsets.k > 1)).sum())
    distance = influence["cook_d"].astype(float)
    inside, name = np.zeros(len(known), dtype=np.bool_), ""
    if distance.notna().any():
        most = records(influence)[int(np.nanargmax(distance.to_numpy()))]
        its_rows = studies["trial_id"].to_numpy() == most["trial_id"]
        inside, name = np.asarray(subsets.mask[:, its_rows].any(axis=1)), str(most["study"])
    by_inverse = "common effect" if tau2 == "EE" else f"random effects ({tau2})"
    how = f"{by_inverse} by inverse variance" if counts else result.model.partition(",")[0]
    return GoshTable(
        title=title,
        subtitle=_subtitle(len(studies), result, subsets.sampled, int(known.sum()), lost, how),
        axis=EffectAxis.of(result),
        beta=subsets.beta[known],
        i2=subsets.i2[known],
        inside=inside[known],
        name=name,
        pooled=result.pooled.beta if result.pooled else NAN,
        whole=f"all trials, by {counts}" if counts else "all trials",
    )


def _subtitle(k: int, result: UnjudgedResult, sampled: bool, n: int, lost: int, how: str) -> str:
    what = f"{k} effects of {result.k} trials" if k > result.k else f"{k} trials"
    count = f"{n:,}".replace(",", " ")
    which = f"All {count} subsets of two or more of {what}"
    if sampled:
        which = f"A random sample, {count} of the 2^{k} subsets of {what}"
    parts = [f"{which}; {how}."]
    if n > SINGLE:
        parts.append("Larger hexagons hold more subsets.")
    if lost:
        parts.append(f"{lost} subsets whose model did not converge are left out.")
    return " ".join(parts)


def draw(table: GoshTable) -> Figure:
    """Draw a GOSH plot: the subsets, and above them how their effects are spread.

    Returns
    -------
    the figure; write it with `style.save`. Artists carry a label: `without`, `with` (dots),
    `hexagons`, `histogram`, `pooled`, `null`
    """
    with style.context():
        fig, (ax,) = chart.sheet(table.title, table.subtitle, margins=(chart.LEFT, KEY_ROOM))
        box, tall = ax.get_position(), 72 * fig.get_figheight()
        cut = box.y1 - TOP / tall
        above = fig.add_axes((box.x0, cut, box.width, TOP / tall), sharex=ax)
        ax.set_position((box.x0, box.y0, box.width, cut - GAP / tall - box.y0))
        here = [] if np.isnan(table.pooled) else [table.pooled]
        limits = chart.effect_axis(ax, table.axis, [table.beta.min(), table.beta.max(), *here])
        ax.set_ylim(*I2_LIMITS)
        ax.yaxis.set_major_locator(FixedLocator([0, 25, 50, 75, 100]))
        ax.set_ylabel("I² (%)")
        if len(table.beta) <= SINGLE:
            _dots(ax, table)
        else:
            _hexagons(ax, table)
        _histogram(above, table, limits)
        for axes in (ax, above):
            chart.null_line(axes, table.axis)
            for at in here:
                line = axes.axvline(at, color=style.INK, ls=style.DASHES, label="pooled")
                line.set(linewidth=style.MEDIUM, zorder=5)
        write_key(fig, above, _key(table))
    return fig


def _dots(ax: Axes, table: GoshTable) -> None:
    for chosen, marker, colour, label in (
        (~table.inside, "o", style.EFFECT, "without"),
        (table.inside, "D", style.MARKED, "with"),
    ):
        places = table.beta[chosen], table.i2[chosen]
        signs(ax, *places, label, colour, DOT, marker, zorder=3)


def _hexagons(ax: Axes, table: GoshTable) -> None:
    page = 72 / ax.figure.dpi
    points = ax.transData.transform(np.column_stack([table.beta, table.i2])) * page
    for centres, size, share in _cells(points, table.inside):
        x, y = ax.transData.inverted().transform(centres / page).T
        side = size * CELL * 2 / np.sqrt(3)
        signs(ax, x, y, "hexagons", _blend(share), side, "h", zorder=3)


def _cells(points: Array, inside: NDArray[np.bool_]) -> Iterator[tuple[Array, float, float]]:
    """Centres of the hexagons by size and by share of subsets with the trial."""
    unit = np.array([CELL, CELL * np.sqrt(3)])
    even = np.round(points / unit)
    odd = np.floor(points / unit) + 0.5
    nearer = (((points / unit - odd) * unit) ** 2).sum(axis=1) < (
        ((points / unit - even) * unit) ** 2
    ).sum(axis=1)
    lattice = np.where(nearer[:, np.newaxis], odd, even)
    cells, which = np.unique(lattice, axis=0, return_inverse=True)
    which = which.reshape(-1)
    n = np.bincount(which)
    share = np.bincount(which, weights=inside) / n
    top = max(np.log(float(n.max())), 1e-9)
    size = np.round(np.log(n) / top * (len(SIZES) - 1)).astype(int)
    shade = np.round(share * SHADES).astype(int)
    for s in range(len(SIZES)):
        for c in range(SHADES + 1):
            chosen = (size == s) & (shade == c)
            if chosen.any():
                yield cells[chosen] * unit, SIZES[s], c / SHADES


def _blend(share: float) -> str:
    one, other = np.array(to_rgb(style.EFFECT)), np.array(to_rgb(style.MARKED))
    return to_hex(tuple((1 - share) * one + share * other))


def _histogram(ax: Axes, table: GoshTable, limits: tuple[float, float]) -> None:
    bins = min(BINS, max(FEWEST_BINS, int(2 * np.sqrt(len(table.beta)))))
    edges = np.linspace(*limits, bins + 1)
    without, among = (
        np.histogram(table.beta[chosen], edges)[0] for chosen in (~table.inside, table.inside)
    )
    ax.stairs(without, edges, fill=True, color=style.EFFECT, lw=0, zorder=2, label="histogram")
    filled = np.flatnonzero(among)
    if len(filled):
        first, last = filled[[0, -1]]
        ax.stairs(
            among[first : last + 1],
            edges[first : last + 2],
            color=style.MARKED,
            lw=style.MEDIUM,
            zorder=3,
            label="histogram",
        )
    ax.set_ylim(0, 1.08 * max(int(without.max()), int(among.max())))
    ax.set_xlim(*limits)
    ax.yaxis.set_major_locator(NullLocator())
    ax.tick_params(axis="x", labelbottom=False, length=0)
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.spines["bottom"].set(color=style.RULE, linewidth=style.THIN)


def _key(table: GoshTable) -> list[Entry]:
    if not table.name:
        out = [Entry("subset", "dot", style.EFFECT)]
    elif len(table.beta) > SINGLE:
        out = [
            Entry(f"without {table.name}", "hexagon", style.EFFECT),
            Entry("with and without alike", "hexagon", _blend(0.5)),
            Entry(f"with {table.name}", "hexagon", style.MARKED),
        ]
    else:
        out = [
            Entry(f"without {table.name}", "dot", style.EFFECT),
            Entry(f"with {table.name}", "diamond", style.MARKED),
        ]
    if not np.isnan(table.pooled):
        out.append(Entry(table.whole, "dashes", style.INK))
    return out
