"""The graph of a network: which treatments were compared, in how many trials and people."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, fsum, isnan, pi, sin, sqrt
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Polygon

from trialpool.figures import chart, style
from trialpool.figures.chart import Withheld
from trialpool.figures.lettering import look, wrap
from trialpool.figures.marks import stroke
from trialpool.question_answer import NetworkAnswer

LEAST = 3  # nodes
AROUND = 10  # nodes up to which names stand around the circle; more stand in two columns
RADIUS, TALL, WIDE = 112.0, 356.0, chart.WIDTH
CROWDED, LOW = 98.0, 286.0  # radius and height with names in columns
SMALLEST, LARGEST = 4.0, 15.0  # radius of a node
THINNEST, THICKEST = 0.8, 7.0  # of an edge
GAP, ROOM, LEADER = 5.0, 220.0, 20.0
LINE = style.SMALL * style.LINE_HEIGHT
ALONG = (0.5, 0.4, 0.6, 0.32, 0.68, 0.45, 0.55, 0.25, 0.75)  # where a number can stand
CLEAR = 7.0  # of a number from other numbers and edges


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkGraph:
    """Nodes with `people` (n,), edges (i, j, trials), and designs of three arms or more."""

    title: str
    subtitle: str
    names: tuple[str, ...]
    people: tuple[float, ...]
    edges: tuple[tuple[int, int, int], ...]
    several: tuple[tuple[int, ...], ...]


def rows(
    contrasts: pd.DataFrame, nodes: pd.DataFrame, answer: NetworkAnswer
) -> NetworkGraph | Withheld:
    """What stands in the graph, or why there is none. A network in parts is drawn all the same.

    Parameters
    ----------
    contrasts, nodes : the network's contrasts.csv and nodes.csv
    """
    title = f"Network: {answer.title}"
    if len(nodes) < LEAST:
        why = f"{len(nodes)} treatments with results, and a network needs {LEAST}"
        return Withheld(reason=why)
    names = tuple(map(str, nodes["treatment"]))
    at = {name: i for i, name in enumerate(names)}
    trials: dict[str, set[int]] = {}
    count: dict[tuple[int, int], int] = {}
    columns = ["trial_id", "treatment_1", "treatment_2"]
    for trial, one, two in contrasts[columns].itertuples(index=False, name=None):
        i, j = sorted((at[one], at[two]))
        count[i, j] = count.get((i, j), 0) + 1
        trials.setdefault(str(trial), set()).update((i, j))
    several = sorted({tuple(sorted(arms)) for arms in trials.values() if len(arms) > 2})
    if len(names) <= AROUND:
        lines = "Lines and numbers: trials that compare the two."
    else:
        lines = f"Lines: trials that compare the two, from 1 to {max(count.values())} (thickest)."
    text = f"{len(trials)} trials. Circles: people. {lines}"
    if several:
        text += " Shaded: trials of three arms or more."
    if answer.facts.reason:
        text += f" Not pooled: {answer.facts.reason}."
    return NetworkGraph(
        title=title,
        subtitle=text,
        names=names,
        people=tuple(float(n) for n in nodes["people"]),
        edges=tuple((i, j, k) for (i, j), k in sorted(count.items())),
        several=tuple(several),
    )


def draw(table: NetworkGraph) -> Figure:
    """Draw the graph of a network.

    Returns
    -------
    the figure; write it with `style.save`. Artists carry a label: `edge`, `node`, `several`,
    `leader`
    """
    with style.context():
        fig, (ax,) = chart.sheet(
            table.title,
            table.subtitle,
            height=TALL if len(table.names) <= AROUND else LOW,
            margins=(0.0, 0.0),
        )
        box = ax.get_position()
        high = fig.get_figheight() * 72
        ax.set_position((0.0, style.MARGIN / high / 2, 1.0, box.y1 - style.MARGIN / high / 2))
        tall = 72 * fig.get_figheight() * ax.get_position().height
        ax.set(xlim=(-WIDE / 2, WIDE / 2), ylim=(-tall / 2, tall / 2))
        ax.axis("off")
        where = _places(len(table.names))
        for arms in table.several:
            _shade(ax, where[list(arms)])
        _edges(ax, table, where)
        radii = _radii(table.people)
        for (x, y), radius in zip(where, radii, strict=True):
            disc = {"fc": style.SUMMARY, "ec": style.PAPER, "lw": style.MEDIUM, "zorder": 4}
            ax.add_patch(Circle((x, y), radius, label="node", **disc))
        (_around if len(table.names) <= AROUND else _columns)(ax, table, where, radii)
    return fig


def _places(n: int) -> Any:
    """Nodes on a circle, clockwise from the top."""
    radius = RADIUS if n <= AROUND else CROWDED
    turns = [pi / 2 - 2 * pi * i / n for i in range(n)]
    return radius * np.array([(cos(t), sin(t)) for t in turns])


def _radii(people: tuple[float, ...]) -> list[float]:
    """Radii whose circles are as large as the numbers of people, with a least one."""
    most = max((p for p in people if not isnan(p)), default=1.0) or 1.0
    return [SMALLEST if isnan(p) else max(SMALLEST, LARGEST * sqrt(p / most)) for p in people]


def _shade(ax: Axes, corners: Any) -> None:
    middle = corners.mean(axis=0)
    turn = np.argsort(np.arctan2(*(corners - middle).T[::-1]))
    shade = Polygon(corners[turn], fc=style.BAND, ec="none", alpha=0.7, zorder=0, label="several")
    ax.add_patch(shade)


def _edges(ax: Axes, table: NetworkGraph, where: Any) -> None:
    most = max(k for _, _, k in table.edges)
    step = (THICKEST - THINNEST) / max(most - 1, 1)
    gap = np.full((1, 2), np.nan)
    # One line, with gaps, for all edges of a width: a large network stays a small file.
    for count in sorted({k for _, _, k in table.edges}):
        parts = [x for i, j, k in table.edges if k == count for x in (where[[i, j]], gap)]
        wide = THINNEST + step * (count - 1)
        x, y = np.vstack(parts).T
        stroke(ax, x, y, "edge", style.EFFECT, wide, zorder=2, solid_capstyle="butt")
    if len(table.names) > AROUND:
        return
    taken: list[Any] = []
    for i, j, k in table.edges:
        others = [where[[a, b]] for a, b, _ in table.edges if (a, b) != (i, j)]
        for share in ALONG:
            at = where[i] + share * (where[j] - where[i])
            free = all(np.hypot(*(at - other)) > 2 * CLEAR for other in taken)
            if free and all(_distance(at, other) > CLEAR for other in others):
                taken.append(at)
                x, y = map(float, at)
                word = ax.text(x, y, str(k), ha="center", va="center", zorder=3, **look())
                word.set_bbox({"boxstyle": "round,pad=0.15", "fc": style.PAPER, "ec": "none"})
                break


def _distance(at: Any, line: Any) -> float:
    """Of a point from a line between two points."""
    along = line[1] - line[0]
    share = float(np.clip((at - line[0]) @ along / (along @ along), 0.0, 1.0))
    return float(np.hypot(*(at - line[0] - share * along)))


def _words(name: str, people: float, room: float) -> list[str]:
    below = "" if isnan(people) else f"n = {people:.0f}"
    return [*wrap(name, room, style.SMALL, "bold"), below]


def _around(ax: Axes, table: NetworkGraph, where: Any, radii: list[float]) -> None:
    """Names beside their nodes, away from the middle."""
    for (x, y), radius, name, people in zip(where, radii, table.names, table.people, strict=True):
        side = 0 if abs(x) < 0.2 * RADIUS else 1 if x > 0 else -1
        room = ROOM if side == 0 else WIDE / 2 - abs(x) - radius - GAP - style.MARGIN
        lines = _words(name, people, min(room, ROOM))
        tall = LINE * len(lines)
        outer = y + radius + GAP + tall if y > 0 else y - radius - GAP
        top = y + tall / 2 if side else outer
        _write(ax, lines, x + side * (radius + GAP), top, side)


def _columns(ax: Axes, table: NetworkGraph, where: Any, radii: list[float]) -> None:
    """Names in a column at each side, pushed apart, with a line to each node."""
    for side in (1, -1):
        mine = [i for i, (x, _) in enumerate(where) if (x > -1e-9) == (side > 0)]
        mine.sort(key=lambda i: -where[i][1])
        edge = CROWDED + LEADER
        room = WIDE / 2 - edge - GAP - style.MARGIN
        names = [f"{table.names[i]} (n = {table.people[i]:.0f})" for i in mine]
        texts = [wrap(name, room, style.SMALL) for name in names]
        heights = [LINE * len(lines) for lines in texts]
        tops, free = [], float("inf")
        for i, tall in zip(mine, heights, strict=True):
            free = min(where[i][1] + tall / 2, free)
            tops.append(free)
            free -= tall
        middles = fsum(top - tall / 2 for top, tall in zip(tops, heights, strict=True))
        shift = (fsum(where[i][1] for i in mine) - middles) / max(len(mine), 1)
        for i, lines, top, tall in zip(mine, texts, tops, heights, strict=True):
            x, y = where[i]
            middle = top + shift - tall / 2
            stroke(ax, [x, side * edge], [y, middle], "leader", style.HAIRLINE, zorder=1)
            _write(ax, lines, side * (edge + GAP), top + shift, side, plain=True)


def _write(
    ax: Axes, lines: list[str], x: float, top: float, side: int, *, plain: bool = False
) -> None:
    align = {0: "center", 1: "left", -1: "right"}[side]
    for i, text in enumerate(lines):
        last = i == len(lines) - 1 and not plain
        weight = "normal" if last or plain else "bold"
        y = top - LINE * (i + 0.5) - style.CAP_MIDDLE * style.SMALL
        colour = style.MUTED if last else style.INK
        ax.text(x, y, text, ha=align, va="baseline", zorder=5, **look(colour, weight=weight))
