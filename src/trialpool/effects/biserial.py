"""Correlation of a dichotomous and a continuous variable, from the means of the two groups."""

from __future__ import annotations

import math

import numpy as np

from trialpool.effects import special
from trialpool.effects.continuous import COLUMNS, cohens_d
from trialpool.effects.registry import Estimate, Rule, measure
from trialpool.results import Array


def _point_biserial(
    m1i: Array, sd1i: Array, n1i: Array, m2i: Array, sd2i: Array, n2i: Array
) -> tuple[Array, Array, list[Rule]]:
    """Correlation from Cohen's d, its variance for groups of fixed size, and the rules."""
    d, df, rules = cohens_d(m1i, sd1i, n1i, m2i, sd2i, n2i)
    h = df / n1i + df / n2i
    var_d = 1 / n1i + 1 / n2i + d**2 / (2 * (n1i + n2i))
    return d / np.sqrt(d**2 + h), h**2 / (d**2 + h) ** 3 * var_d, rules


@measure("RPB", title="point-biserial correlation", needs=COLUMNS)
def point_biserial(
    m1i: Array, sd1i: Array, n1i: Array, m2i: Array, sd2i: Array, n2i: Array
) -> Estimate:
    """Point-biserial correlation of group and outcome.

    Parameters
    ----------
    m1i, sd1i, n1i, m2i, sd2i, n2i : (k,) mean, SD and number per group; the sizes of the groups
        are taken as fixed by the design

    Returns
    -------
    Effects from -1 to 1, positive where group 1 has the larger mean

    References
    ----------
    Tate 1954, Ann Math Stat 25:603; Jacobs & Viechtbauer 2017, Res Synth Methods 8:161
    """
    r, vi, rules = _point_biserial(m1i, sd1i, n1i, m2i, sd2i, n2i)
    return Estimate(r, vi, "point-biserial r, delta-method variance", rules)


@measure("RBIS", title="biserial correlation", needs=COLUMNS)
def biserial(m1i: Array, sd1i: Array, n1i: Array, m2i: Array, sd2i: Array, n2i: Array) -> Estimate:
    """Biserial correlation: of the outcome and a normal variable that was cut into two groups.

    Parameters
    ----------
    m1i, sd1i, n1i, m2i, sd2i, n2i : (k,) mean, SD and number per group

    Returns
    -------
    Effects, positive where group 1 has the larger mean. A sample can give more than 1 in absolute
    value; its variance is then that at 1

    References
    ----------
    Soper 1914, Biometrika 10:384; Jacobs & Viechtbauer 2017, Res Synth Methods 8:161
    """
    r, _, rules = _point_biserial(m1i, sd1i, n1i, m2i, sd2i, n2i)
    n = n1i + n2i
    p = n1i / n
    z, pq = special.ndtri(p), p * (1 - p)
    density = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    rb = np.sqrt(pq) / density * r
    # The formula is of the fourth degree and turns upward again outside -1 to 1.
    x = np.clip(rb, -1, 1)
    middle = pq * z**2 / density**2 - (2 * p - 1) * z / density - 5 / 2
    vi = (x**4 + x**2 * middle + pq / density**2) / (n - 1)
    return Estimate(rb, vi, "biserial r, Soper variance", rules)
