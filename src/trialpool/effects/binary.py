"""Two independent arms, counts of events: odds ratio, risk ratio, risk difference and kin."""

from __future__ import annotations

import numpy as np

from trialpool.effects.registry import Estimate, measure
from trialpool.effects.scales import LOG
from trialpool.effects.zero_cells import (
    CHOICES,
    COLUMNS,
    SUMS,
    described,
    one_sided,
    two_by_two,
)
from trialpool.results import Array

__all__ = ["one_sided"]  # pooled counts ask it here which studies say nothing


@measure(
    "OR",
    title="odds ratio",
    scale=LOG,
    reported=("OR",),
    mantel_haenszel=True,
    needs=COLUMNS,
    sums=SUMS,
    choices=CHOICES,
)
def log_odds_ratio(
    ai: Array,
    n1i: Array,
    ci: Array,
    n2i: Array,
    *,
    add: float = 0.5,
    to: str = "only0",
    drop00: bool = True,
) -> Estimate:
    """Log odds ratio of arm 1 over arm 2.

    Parameters
    ----------
    ai, n1i, ci, n2i : (k,) events and totals of arm 1 and arm 2
    add : number added to all four cells of the studies that `to` names
    to
        "only0": studies that have a zero cell; "all": all studies; "if0all": all studies, if one
        of them has a zero cell; "none": no study
    drop00
        leave out studies in which neither arm has events, or both have nothing else; False
        computes them from the cells after the correction, as metafor does by default

    Returns
    -------
    Effects on the log scale

    References
    ----------
    Woolf 1955, Ann Hum Genet 19:251; Gart & Zweifel 1967, Biometrika 54:181 (the added half)
    """
    a, b, c, d, rules = two_by_two(ai, n1i, ci, n2i, add=add, to=to, drop00=drop00, positive="abcd")
    yi = np.log(a) + np.log(d) - np.log(b) - np.log(c)
    vi = 1 / a + 1 / b + 1 / c + 1 / d
    return Estimate(yi, vi, f"log OR, {described(add, to)}", rules)


@measure(
    "RR",
    title="risk ratio",
    scale=LOG,
    reported=("RR",),
    mantel_haenszel=True,
    needs=COLUMNS,
    sums=SUMS,
    choices=CHOICES,
)
def log_risk_ratio(
    ai: Array,
    n1i: Array,
    ci: Array,
    n2i: Array,
    *,
    add: float = 0.5,
    to: str = "only0",
    drop00: bool = True,
) -> Estimate:
    """Log risk ratio of arm 1 over arm 2.

    Parameters and missing values as for OR; effects on the log scale. `drop00` leaves out studies
    without events only: where everyone of both arms had one, two equal risks are known, so that the
    ratio is 1, and only its variance takes what is added. False computes both from the cells after
    the correction, as metafor does by default.

    References
    ----------
    Katz et al. 1978, Biometrics 34:469; Deeks & Higgins 2010, Statistical algorithms in Review
    Manager 5 (events in everyone)
    """
    a, b, c, d, rules = two_by_two(
        ai, n1i, ci, n2i, add=add, to=to, drop00=drop00, positive="ac", keep_everyone=True
    )
    _, everyone = one_sided(ai, n1i, ci, n2i)
    yi = np.log(a / (a + b)) - np.log(c / (c + d))
    yi = np.where(everyone & drop00, 0.0, yi)
    vi = 1 / a - 1 / (a + b) + 1 / c - 1 / (c + d)
    return Estimate(yi, vi, f"log RR, {described(add, to)}", rules)


@measure(
    "RD",
    title="risk difference",
    unit="risk",
    reported=("RD",),
    mantel_haenszel=True,
    needs=COLUMNS,
    sums=SUMS,
    choices={**CHOICES, "corrects": ("variance", "both")},
)
def risk_difference(
    ai: Array,
    n1i: Array,
    ci: Array,
    n2i: Array,
    *,
    add: float = 0.5,
    to: str = "only0",
    drop00: bool = False,
    corrects: str = "variance",
) -> Estimate:
    """Risk of arm 1 minus risk of arm 2.

    Parameters as for OR. Studies without events are kept by default: equal zero risks are
    information on a difference.

    Parameters
    ----------
    corrects
        what the corrected cells give: "variance", since one of 0 could not be weighted, while the
        difference is that of the risks as they are; "both", as metafor does, where a study without
        events has a difference unless its arms are of one size

    References
    ----------
    Cochrane Handbook 6.4, section 10.4.3; Deeks & Higgins 2010, Statistical algorithms in Review
    Manager 5
    """
    a, b, c, d, rules = two_by_two(ai, n1i, ci, n2i, add=add, to=to, drop00=drop00)
    vi = a * b / (a + b) ** 3 + c * d / (c + d) ** 3
    how = described(add, to)
    if corrects == "both":
        return Estimate(a / (a + b) - c / (c + d), vi, f"RD, {how}", rules)
    if add > 0 and to != "none":
        how += ", in the variance only"
    return Estimate(ai / n1i - ci / n2i, vi, f"RD, {how}", rules)


@measure(
    "AS",
    title="difference of arcsine square roots of risks",
    needs=COLUMNS,
    sums=SUMS,
    choices=CHOICES,
)
def arcsine_difference(
    ai: Array,
    n1i: Array,
    ci: Array,
    n2i: Array,
    *,
    add: float = 0.0,
    to: str = "only0",
    drop00: bool = False,
) -> Estimate:
    """Difference of the arcsine square roots of two risks.

    Parameters as for OR. The variance does not depend on the risks, so nothing has to be added
    to a zero and no study has to be left out.

    Returns
    -------
    Effects in radians; twice the effect is Cohen's h

    References
    ----------
    Rücker, Schwarzer, Carpenter & Olkin 2009, Stat Med 28:721
    """
    a, b, c, d, rules = two_by_two(ai, n1i, ci, n2i, add=add, to=to, drop00=drop00)
    n1, n2 = a + b, c + d
    yi = np.arcsin(np.sqrt(a / n1)) - np.arcsin(np.sqrt(c / n2))
    vi = 1 / (4 * n1) + 1 / (4 * n2)
    return Estimate(yi, vi, f"arcsine difference, {described(add, to)}", rules)


@measure(
    "PETO",
    title="odds ratio",
    form="Peto",
    short="OR",
    scale=LOG,
    needs=COLUMNS,
    sums=SUMS,
    choices=CHOICES,
)
def peto_log_odds_ratio(
    ai: Array,
    n1i: Array,
    ci: Array,
    n2i: Array,
    *,
    add: float = 0.0,
    to: str = "only0",
    drop00: bool = True,
) -> Estimate:
    """Peto's one-step log odds ratio of arm 1 over arm 2.

    Parameters as for OR. Events observed minus expected, over their hypergeometric variance. One
    zero cell is no obstacle, so nothing is added, and these are the numbers that Peto's pooled odds
    ratio is made of; add = 0.5 is what metafor's escalc does by default.

    Returns
    -------
    Effects on the log scale

    References
    ----------
    Yusuf, Peto, Lewis, Collins & Sleight 1985, Prog Cardiovasc Dis 27:335
    """
    a, b, c, d, rules = two_by_two(ai, n1i, ci, n2i, add=add, to=to, drop00=drop00)
    n1, n2, events, others = a + b, c + d, a + c, b + d
    n = n1 + n2
    variance = events * others * n1 * n2 / (n**2 * (n - 1))
    yi = (a - events * n1 / n) / variance
    return Estimate(yi, 1 / variance, f"Peto log OR, {described(add, to)}", rules)
