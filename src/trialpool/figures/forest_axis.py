"""The axis of a forest plot: ticks, and limits that one absurd interval cannot stretch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from trialpool.figures import style

# An interval counts up to this many typical half-widths from its estimate; beyond, it is an arrow.
REACH = 3.0
WIDEN = 1.0  # the prediction interval may reach this far, in widths of all else
NULL_SHARE = 0.14  # of the axis on either side of no effect, at least
PAD = 0.03
MOST_TICKS = 6

_MANTISSAS: tuple[tuple[float, ...], ...] = ((1,), (1, 2, 5), (1, 1.5, 2, 3, 5, 7))
NARROW = 2.5  # a ratio axis whose ends differ by less has evenly spaced numbers as ticks


@dataclass(frozen=True, slots=True, kw_only=True)
class ForestAxis:
    """Scale ("log" or "linear"), value of no effect, limits and ticks, all on the display scale."""

    scale: str
    null: float | None
    limits: tuple[float, float]
    ticks: tuple[float, ...]
    tick_labels: tuple[str, ...]


def build(
    intervals: Sequence[tuple[float, float, float]],
    whole: Sequence[float],
    prediction: Sequence[tuple[float, float, float]] = (),
    *,
    log: bool,
    null: float | None,
    bounds: tuple[float, float] = (-math.inf, math.inf),
) -> ForestAxis:
    """Choose limits and ticks.

    Parameters
    ----------
    intervals : (estimate, low, high) of each trial, display scale
    whole : values that must be on the axis, such as the pooled interval
    prediction : (estimate, low, high), none or one; whole unless wider than all else together
    log : whether the display scale is a ratio
    null : value of no effect, None if there is none
    bounds : least and greatest value that an effect can have
    """
    to = math.log if log else float
    middle = [] if null is None else [to(null)]
    points = _scaled(intervals, log=log)
    inside = [*middle, *(to(v) for v in whole if math.isfinite(v) and (v > 0 or not log))]
    if points:
        halves = sorted((high - low) / 2 for _, low, high in points)
        # of two, the narrower is the yardstick: a median would be half the absurd one
        typical = halves[0] if len(halves) == 2 else halves[len(halves) // 2]
        reach = REACH * typical
        for estimate, low, high in points:
            inside += [max(low, estimate - reach), min(high, estimate + reach)]
    low, high = min(inside, default=0.0), max(inside, default=0.0)
    for estimate, start, end in _scaled(prediction, log=log):
        reach = WIDEN * (high - low)
        low, high = min(low, max(start, estimate - reach)), max(high, min(end, estimate + reach))
    span = (high - low) or 1.0
    low = min([low, *(at - NULL_SHARE * span for at in middle)]) - PAD * span
    high = max([high, *(at + NULL_SHARE * span for at in middle)]) + PAD * span
    if not log:
        low, high = max(low, bounds[0]), min(high, bounds[1])
    ticks = _log_ticks(low, high) if log else _linear_ticks(low, high)
    back = math.exp if log else float
    return ForestAxis(
        scale="log" if log else "linear",
        null=null,
        limits=(float(f"{back(low):.6g}"), float(f"{back(high):.6g}")),
        ticks=ticks,
        tick_labels=tuple(_labels(ticks, log=log)),
    )


def _scaled(
    triples: Sequence[tuple[float, float, float]], *, log: bool
) -> list[tuple[float, float, float]]:
    """The complete triples on the scale of the axis."""
    if log:
        usable = [t for t in triples if min(t) > 0 and not any(map(math.isnan, t))]
        triples = [(math.log(e), math.log(low), math.log(high)) for e, low, high in usable]
    return [t for t in triples if all(map(math.isfinite, t))]


def _linear_ticks(low: float, high: float) -> tuple[float, ...]:
    power = math.floor(math.log10((high - low) / MOST_TICKS)) - 1
    while True:
        for mantissa in (1, 2, 5):
            step = mantissa * 10.0**power
            first, last = math.ceil(low / step), math.floor(high / step)
            if last - first + 1 <= MOST_TICKS:
                return tuple(float(f"{i * step:.6g}") for i in range(first, last + 1))
        power += 1


def _log_ticks(low: float, high: float) -> tuple[float, ...]:
    """The roundest grid with at least three ticks, thinned symmetrically about 1 when too dense."""
    if high - low < math.log(NARROW):
        return _linear_ticks(math.exp(low), math.exp(high))
    best: tuple[float, ...] = (1.0,)
    decades = range(math.floor(low / math.log(10)) - 1, math.ceil(high / math.log(10)) + 1)
    for mantissas in _MANTISSAS:
        grid = [float(f"{m * 10.0**d:.6g}") for d in decades for m in mantissas]
        ticks = [t for t in grid if low <= math.log(t) <= high]
        skip = 1
        while len(ticks[ticks.index(1.0) % skip :: skip]) > MOST_TICKS:
            skip += 1
        thinned = tuple(ticks[ticks.index(1.0) % skip :: skip])
        if skip > 1 and len(best) >= 3:
            break
        best = thinned
        if len(best) >= 4 or (len(best) == 3 and mantissas != (1,)):
            break
    return best


def _labels(ticks: Sequence[float], *, log: bool) -> list[str]:
    texts = [f"{t:.6f}".rstrip("0").rstrip(".") for t in ticks]
    if log and max(ticks) / min(ticks) >= NARROW:
        return texts
    decimals = max((len(t.partition(".")[2]) for t in texts), default=0)
    return ["0" if t == 0 else style.fixed(t, decimals) for t in ticks]
