"""Events per time at risk: rates of one group, and their ratio or difference in two arms."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from trialpool.effects.registry import Estimate, Rule, measure
from trialpool.effects.scales import LOG
from trialpool.effects.zero_cells import (
    CHOICES,
    NO_EVENTS,
    STILL_ZERO,
    TO,
    added,
    described,
)
from trialpool.results import Array

ARMS = ("x1i", "t1i", "x2i", "t2i")
GROUP = ("xi", "ti")


class _Events(NamedTuple):
    """Events of both arms after the correction, and where there is no effect."""

    x1: Array
    x2: Array
    rules: list[Rule]


def _events(
    x1i: Array, t1i: Array, x2i: Array, t2i: Array, *, add: float, to: str, drop00: bool
) -> _Events:
    rules: list[Rule] = [
        (x1i < 0, "x1i < 0"),
        (x2i < 0, "x2i < 0"),
        (t1i <= 0, "t1i <= 0"),
        (t2i <= 0, "t2i <= 0"),
    ]
    zero = (x1i == 0) | (x2i == 0)
    if drop00:
        none = (x1i == 0) & (x2i == 0)
        rules.append((none, NO_EVENTS))
        zero &= ~none
    extra = added(zero, add, to)
    return _Events(x1i + extra, x2i + extra, rules)


@measure(
    "IRR", title="incidence rate ratio", scale=LOG, reported=("IRR",), needs=ARMS, choices=CHOICES
)
def log_rate_ratio(
    x1i: Array,
    t1i: Array,
    x2i: Array,
    t2i: Array,
    *,
    add: float = 0.5,
    to: str = "only0",
    drop00: bool = True,
) -> Estimate:
    """Log of the event rate of arm 1 over that of arm 2.

    Parameters
    ----------
    x1i, t1i, x2i, t2i : (k,) events and time at risk of arm 1 and arm 2, times > 0
    add : number added to the events of both arms of the studies that `to` names
    to
        "only0": studies in which an arm has no events; "all": all studies; "if0all": all studies,
        if an arm of one of them has no events; "none": no study
    drop00
        leave out studies without events in either arm; False computes them from the events after
        the correction, as metafor does by default

    Returns
    -------
    Effects on the log scale

    References
    ----------
    Rothman, Greenland & Lash 2008, Modern Epidemiology, 3rd ed., chapter 14
    """
    x1, x2, rules = _events(x1i, t1i, x2i, t2i, add=add, to=to, drop00=drop00)
    rules = [*rules, ((x1 == 0) | (x2 == 0), STILL_ZERO)]
    yi = np.log(x1 / t1i) - np.log(x2 / t2i)
    return Estimate(yi, 1 / x1 + 1 / x2, f"log IRR, {described(add, to, 'counts')}", rules)


@measure("IRD", title="incidence rate difference", reported=("IRD",), needs=ARMS, choices=CHOICES)
def rate_difference(
    x1i: Array,
    t1i: Array,
    x2i: Array,
    t2i: Array,
    *,
    add: float = 0.5,
    to: str = "only0",
    drop00: bool = False,
) -> Estimate:
    """Event rate of arm 1 minus that of arm 2.

    Parameters as for IRR; studies without events are kept by default. Effects in events per unit
    of time.

    References
    ----------
    Rothman, Greenland & Lash 2008, Modern Epidemiology, 3rd ed., chapter 14
    """
    x1, x2, rules = _events(x1i, t1i, x2i, t2i, add=add, to=to, drop00=drop00)
    vi = x1 / t1i**2 + x2 / t2i**2
    return Estimate(x1 / t1i - x2 / t2i, vi, f"IRD, {described(add, to, 'counts')}", rules)


@measure("IRSD", title="difference of square roots of incidence rates", needs=ARMS, choices=CHOICES)
def root_rate_difference(
    x1i: Array,
    t1i: Array,
    x2i: Array,
    t2i: Array,
    *,
    add: float = 0.0,
    to: str = "only0",
    drop00: bool = False,
) -> Estimate:
    """Difference of the square roots of two event rates.

    Parameters as for IRR; nothing is added unless asked for, as the variance does not depend on
    the events. Effects in the root of events per unit of time.

    References
    ----------
    Bagos & Nikolopoulos 2009, Int J Biostat 5:21
    """
    x1, x2, rules = _events(x1i, t1i, x2i, t2i, add=add, to=to, drop00=drop00)
    yi = np.sqrt(x1 / t1i) - np.sqrt(x2 / t2i)
    vi = 1 / (4 * t1i) + 1 / (4 * t2i)
    return Estimate(yi, vi, f"IRSD, {described(add, to, 'counts')}", rules)


def _group(xi: Array, ti: Array, add: float, to: str) -> tuple[Array, list[Rule]]:
    """Events after the correction, and where there is no effect."""
    rules = [(xi < 0, "xi < 0"), (ti <= 0, "ti <= 0")]
    return xi + added(xi == 0, add, to), rules


@measure("IR", title="incidence rate", needs=GROUP, choices={"to": TO})
def rate(xi: Array, ti: Array, *, add: float = 0.5, to: str = "only0") -> Estimate:
    """Event rate of one group.

    Parameters
    ----------
    xi, ti : (k,) events and time at risk, or events observed and expected; ti > 0
    add, to : as for IRR

    Returns
    -------
    Effects in events per unit of time

    References
    ----------
    Rothman, Greenland & Lash 2008, Modern Epidemiology, 3rd ed., chapter 14
    """
    x, rules = _group(xi, ti, add, to)
    return Estimate(x / ti, x / ti**2, f"IR, {described(add, to, 'counts')}", rules)


@measure(
    "IRLN",
    title="incidence rate",
    form="pooled as a logarithm",
    short="IR",
    scale=LOG,
    needs=GROUP,
    choices={"to": TO},
)
def log_rate(xi: Array, ti: Array, *, add: float = 0.5, to: str = "only0") -> Estimate:
    """Log of the event rate of one group.

    Parameters as for IR; effects on the log scale.

    References
    ----------
    Rothman, Greenland & Lash 2008, Modern Epidemiology, 3rd ed., chapter 14
    """
    x, rules = _group(xi, ti, add, to)
    rules = [*rules, (x == 0, STILL_ZERO)]
    return Estimate(np.log(x / ti), 1 / x, f"log IR, {described(add, to, 'counts')}", rules)


@measure("IRS", title="square root of the incidence rate", needs=GROUP, choices={"to": TO})
def root_rate(xi: Array, ti: Array, *, add: float = 0.0, to: str = "only0") -> Estimate:
    """Square root of the event rate of one group.

    Parameters as for IR; nothing is added unless asked for. Effects in the root of events per
    unit of time.

    References
    ----------
    Rothman, Greenland & Lash 2008, Modern Epidemiology, 3rd ed.; Bartlett 1936, J R Stat Soc
    Suppl 3:68 (variance)
    """
    x, rules = _group(xi, ti, add, to)
    return Estimate(
        np.sqrt(x / ti), 1 / (4 * ti), f"root IR, {described(add, to, 'counts')}", rules
    )


@measure("IRFT", title="double square root of the incidence rate", needs=GROUP, choices={"to": TO})
def freeman_tukey_rate(xi: Array, ti: Array, *, add: float = 0.0, to: str = "only0") -> Estimate:
    """Freeman-Tukey double square root of the event rate of one group.

    Parameters as for IRS. Half the sum of the two roots, so that it is near the root of IRS.

    References
    ----------
    Freeman & Tukey 1950, Ann Math Stat 21:607
    """
    x, rules = _group(xi, ti, add, to)
    yi = (np.sqrt(x / ti) + np.sqrt((x + 1) / ti)) / 2
    vi = 1 / (4 * ti)
    return Estimate(yi, vi, f"Freeman-Tukey IR, {described(add, to, 'counts')}", rules)
