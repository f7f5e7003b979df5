"""One group, counts of events: proportions and their transformations."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from trialpool.effects import special
from trialpool.effects.dichotomised import probit_variance
from trialpool.effects.registry import Estimate, Rule, measure
from trialpool.effects.scales import LOG, LOGIT
from trialpool.effects.zero_cells import STILL_ZERO, TO, added, described
from trialpool.results import Array

COLUMNS = ("xi", "ni")
SUMS = {"ni": ("xi", "mi")}
CHOICES = {"to": TO}


class _Counts(NamedTuple):
    """Events and total after the correction, and where there is no effect."""

    x: Array
    n: Array
    rules: list[Rule]


def _counts(xi: Array, ni: Array, add: float, to: str) -> _Counts:
    zero = (xi == 0) | (xi == ni)
    extra = added(zero, add, to)
    rules = [(xi < 0, "xi < 0"), (xi > ni, "xi > ni"), (ni <= 0, "ni is 0")]
    return _Counts(xi + extra, ni + 2 * extra, rules)


def _not_zero(counts: _Counts) -> list[Rule]:
    return [*counts.rules, ((counts.x == 0) | (counts.x == counts.n), STILL_ZERO)]


@measure(
    "PR",
    title="proportion",
    needs=COLUMNS,
    sums=SUMS,
    choices={"variance": ("LS", "UB"), **CHOICES},
)
def proportion(
    xi: Array, ni: Array, *, variance: str = "LS", add: float = 0.5, to: str = "only0"
) -> Estimate:
    """Proportion with events.

    Parameters
    ----------
    xi, ni : (k,) people with events, and all people
    variance : "LS": p (1 - p)/n; "UB": p (1 - p)/(n - 1), the unbiased form
    add : number added to the events and to the non-events of the studies that `to` names
    to
        "only0": studies without events or without non-events; "all": all studies; "if0all": all
        studies, if one of them has a zero; "none": no study

    Returns
    -------
    Effects from 0 to 1

    References
    ----------
    Newcombe 1998, Stat Med 17:857 (LS, method 1); Cochran 1977, Sampling Techniques, 3rd ed.,
    section 3.2 (UB)
    """
    x, n, rules = _counts(xi, ni, add, to)
    p = x / n
    vi = p * (1 - p) / (n if variance == "LS" else n - 1)
    return Estimate(p, vi, f"proportion, {variance} variance, {described(add, to)}", rules)


@measure(
    "PLN",
    title="proportion",
    form="pooled as a logarithm",
    short="PR",
    scale=LOG,
    needs=COLUMNS,
    sums=SUMS,
    choices=CHOICES,
)
def log_proportion(xi: Array, ni: Array, *, add: float = 0.5, to: str = "only0") -> Estimate:
    """Log of the proportion with events.

    Parameters as for PR; effects on the log scale.

    References
    ----------
    Katz et al. 1978, Biometrics 34:469
    """
    x, n, rules = _counts(xi, ni, add, to)
    rules = [*rules, (x == 0, STILL_ZERO)]
    return Estimate(np.log(x / n), 1 / x - 1 / n, f"log proportion, {described(add, to)}", rules)


@measure(
    "PLO",
    title="proportion",
    form="pooled as a logit",
    short="PR",
    scale=LOGIT,
    needs=COLUMNS,
    sums=SUMS,
    choices=CHOICES,
)
def log_odds(xi: Array, ni: Array, *, add: float = 0.5, to: str = "only0") -> Estimate:
    """Log odds (logit) of the proportion with events.

    Parameters as for PR; effects on the log scale.

    References
    ----------
    Gart & Zweifel 1967, Biometrika 54:181
    """
    counts = _counts(xi, ni, add, to)
    x, others = counts.x, counts.n - counts.x
    vi = 1 / x + 1 / others
    return Estimate(np.log(x / others), vi, f"log odds, {described(add, to)}", _not_zero(counts))


@measure("PRZ", title="probit of the proportion", needs=COLUMNS, sums=SUMS, choices=CHOICES)
def probit_proportion(xi: Array, ni: Array, *, add: float = 0.5, to: str = "only0") -> Estimate:
    """Probit of the proportion with events: the normal quantile below which it lies.

    Parameters as for PR; effects in standard deviations of the normal distribution.

    References
    ----------
    Finney 1971, Probit Analysis, 3rd ed.; variance by the delta method
    """
    counts = _counts(xi, ni, add, to)
    p = counts.x / counts.n
    vi = probit_variance(p, counts.n)
    return Estimate(special.ndtri(p), vi, f"probit, {described(add, to)}", _not_zero(counts))


@measure(
    "PAS", title="arcsine square root of the proportion", needs=COLUMNS, sums=SUMS, choices=CHOICES
)
def arcsine_proportion(xi: Array, ni: Array, *, add: float = 0.0, to: str = "only0") -> Estimate:
    """Arcsine square root of the proportion with events.

    Parameters as for PR; nothing is added unless asked for, as the variance does not depend on
    the proportion. Effects in radians.

    References
    ----------
    Freeman & Tukey 1950, Ann Math Stat 21:607
    """
    x, n, rules = _counts(xi, ni, add, to)
    return Estimate(np.arcsin(np.sqrt(x / n)), 1 / (4 * n), f"arcsine, {described(add, to)}", rules)


@measure("PFT", title="double arcsine of the proportion", needs=COLUMNS, sums=SUMS, choices=CHOICES)
def double_arcsine_proportion(
    xi: Array, ni: Array, *, add: float = 0.0, to: str = "only0"
) -> Estimate:
    """Freeman-Tukey double arcsine of the proportion with events.

    Parameters as for PAS. Half the sum of the two arcsines, so that it is near the angle of PAS.
    Turning a pooled value back into a proportion depends on which n is chosen for it
    (Schwarzer et al. 2019, Res Synth Methods 10:476); PLO has no such trouble.

    References
    ----------
    Freeman & Tukey 1950, Ann Math Stat 21:607; Miller 1978, Am Stat 32:138
    """
    x, n, rules = _counts(xi, ni, add, to)
    yi = (np.arcsin(np.sqrt(x / (n + 1))) + np.arcsin(np.sqrt((x + 1) / (n + 1)))) / 2
    return Estimate(yi, 1 / (4 * n + 2), f"double arcsine, {described(add, to)}", rules)
