"""Cronbach's alpha of a scale, raw and transformed."""

from __future__ import annotations

import numpy as np

from trialpool.effects.registry import Estimate, Rule, measure
from trialpool.results import Array

COLUMNS = ("ai", "mi", "ni")


def _rules(ai: Array, mi: Array, ni: Array) -> list[Rule]:
    return [
        (ai > 1, "ai > 1"),
        (ai == 1, "ai is 1"),
        (mi < 2, "mi < 2"),
        (ni < 3, "ni < 3"),
    ]


@measure("ARAW", title="Cronbach's alpha", needs=COLUMNS)
def alpha(ai: Array, mi: Array, ni: Array) -> Estimate:
    """Cronbach's alpha.

    Parameters
    ----------
    ai : (k,) alpha, below 1
    mi, ni : (k,) number of items, at least 2, and of people, at least 3

    Returns
    -------
    Effects up to 1; variance 2 m (1 - alpha)^2/((m - 1)(n - 2))

    References
    ----------
    Bonett 2010, Psychol Methods 15:368
    """
    vi = 2 * mi * (1 - ai) ** 2 / ((mi - 1) * (ni - 2))
    return Estimate(ai, vi, "alpha", _rules(ai, mi, ni))


@measure("AHW", title="Cronbach's alpha", form="Hakstian & Whalen", needs=COLUMNS)
def alpha_hakstian_whalen(ai: Array, mi: Array, ni: Array) -> Estimate:
    """One minus the cube root of 1 - alpha (Hakstian & Whalen), which grows with alpha.

    Parameters as for ARAW.

    References
    ----------
    Hakstian & Whalen 1976, Psychometrika 41:219; Rodriguez & Maeda 2006, Psychol Methods 11:306
    """
    root = np.cbrt(1 - ai)
    vi = 18 * mi * (ni - 1) * root**2 / ((mi - 1) * (9 * ni - 11) ** 2)
    return Estimate(1 - root, vi, "alpha, cube root", _rules(ai, mi, ni))


@measure("ABT", title="Cronbach's alpha", form="Bonett", needs=COLUMNS)
def alpha_bonett(ai: Array, mi: Array, ni: Array) -> Estimate:
    """Minus the log of 1 - alpha (Bonett), which grows with alpha.

    Parameters as for ARAW.

    References
    ----------
    Bonett 2002, J Educ Behav Stat 27:335
    """
    vi = 2 * mi / ((mi - 1) * (ni - 2))
    return Estimate(-np.log(1 - ai), vi, "alpha, log", _rules(ai, mi, ni))
