"""Counts behind printed percentages: taken only where one whole number of people fits."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from trialpool.results import NAN, Array
from trialpool.same_rows import same_rows

# Far below the last printed digit, far above the rounding error of a float.
_SLACK = 1e-9


@dataclass(frozen=True, slots=True)
class Events:
    """Numbers of people, shape (k,), and per study why there is none ("" where there is)."""

    count: Array
    reason: tuple[str, ...]


@same_rows
def events_from_percent(percent: ArrayLike, totaln: ArrayLike, decimals: ArrayLike) -> Events:
    """The one whole number of people whose percentage, rounded, is the printed one.

    Parameters
    ----------
    percent : (k,) printed percentage, 0 to 100
    totaln : (k,) number of people it is a share of, a whole number >= 1
    decimals : (k,) digits printed after the point: 0 for 32 %, 1 for 31.6 % and for 32.0 %

    Returns
    -------
    Events; NaN with a reason where no number fits or more than one does. A percentage exactly
    half-way between two printed ones counts as either, for both ways of rounding are in use
    """
    columns = np.broadcast_arrays(
        *(np.atleast_1d(np.asarray(x, dtype=np.float64)) for x in (percent, totaln, decimals))
    )
    events = [_events(*(float(x) for x in row)) for row in zip(*columns, strict=True)]
    return Events(np.array([count for count, _ in events]), tuple(why for _, why in events))


def _events(percent: float, totaln: float, decimals: float) -> tuple[float, str]:
    """Count and reason of one study."""
    if why := _impossible(percent, totaln, decimals):
        return NAN, why
    digits = int(decimals)
    low, high = _fitting(percent, int(totaln), digits)
    if low == high:
        return float(low), ""
    shown = f"{percent:.{digits}f} % of {totaln:.0f}"
    if low < high:
        return NAN, f"{shown} is any of {high - low + 1} counts, {low} to {high}"
    near = sorted({max(high, 0), min(low, int(totaln))})
    shares = " and ".join(f"{e} is {100 * e / totaln:.{digits + 1}f} %" for e in near)
    return NAN, f"{shown} is no whole number of people: {shares}"


def _impossible(percent: float, totaln: float, decimals: float) -> str:
    if math.isnan(percent) or math.isnan(totaln) or math.isnan(decimals):
        return "percentage, total or number of decimals is missing"
    if not 0 <= percent <= 100:
        return f"percent = {percent:g} is outside 0 to 100"
    if totaln < 1 or totaln % 1:
        return f"totaln = {totaln:g} is not a whole number >= 1"
    if decimals < 0 or decimals % 1:
        return f"decimals = {decimals:g} is not a whole number >= 0"
    if abs(percent - round(percent, int(decimals))) > _SLACK:
        return f"percent = {percent:g} has more than {decimals:g} decimals"
    return ""


def _fitting(percent: float, totaln: int, decimals: int) -> tuple[int, int]:
    """First and last count that rounds to the percentage; none where first > last."""
    half = 0.5 * 10.0**-decimals + _SLACK
    low = math.ceil(totaln * (percent - half) / 100)
    high = math.floor(totaln * (percent + half) / 100)
    return max(low, 0), min(high, totaln)


def possible_totals(event: int, percent: float, decimals: int, high: int) -> tuple[int, ...]:
    """Totals of which `event` people are the printed percentage.

    Parameters
    ----------
    event : number of people with the event
    percent, decimals : printed percentage and its digits after the point
    high : the largest total to consider, such as the number randomised

    Returns
    -------
    Totals in ascending order; () where none fits. For 25 people and 31.6 % it is (79,)
    """
    fits = []
    for totaln in range(max(event, 1), high + 1):
        low, top = _fitting(percent, totaln, decimals)
        if low <= event <= top:
            fits.append(totaln)
    return tuple(fits)
