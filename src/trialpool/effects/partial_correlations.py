"""Partial and semi-partial correlations, from the t statistic of a regression coefficient."""

from __future__ import annotations

import numpy as np

from trialpool.effects.registry import Estimate, Rule, measure
from trialpool.effects.scales import FISHER_Z
from trialpool.results import Array

PARTIAL = ("ri", "ni", "mi")
SEMI = ("ri", "ni", "r2i")


def partial_from_t(ti: Array, ni: Array, mi: Array) -> Array:
    """Partial correlation behind the t of one of mi predictors; (k,)."""
    return np.asarray(ti / np.sqrt(ti**2 + ni - mi - 1))


def semi_partial_from_t(ti: Array, ni: Array, mi: Array, r2i: Array) -> Array:
    """Semi-partial correlation behind the t of one of mi predictors of a model's R^2; (k,)."""
    return np.asarray(ti * np.sqrt((1 - r2i) / (ni - mi - 1)))


FROM_T = {"ri": (("ti", "ni", "mi"), partial_from_t)}
SEMI_FROM_T = {"ri": (("ti", "ni", "mi", "r2i"), semi_partial_from_t)}


def _outside(ri: Array) -> Rule:
    return np.abs(ri) > 1, "ri outside -1 to 1"


def _partial_rules(ri: Array, ni: Array, mi: Array) -> list[Rule]:
    return [_outside(ri), (mi < 1, "mi < 1"), (ni - mi <= 1, "ni <= mi + 1")]


@measure("PCOR", title="partial correlation", needs=PARTIAL, derived=FROM_T, ignores=("r2i",))
def partial_correlation(ri: Array, ni: Array, mi: Array) -> Estimate:
    """Partial correlation of the outcome and one predictor, given the others.

    Parameters
    ----------
    ri : (k,) partial correlation, or in its place ti, the t statistic of the coefficient
    ni, mi : (k,) number of people, and of predictors with the one of interest; ni > mi + 1

    Returns
    -------
    Effects from -1 to 1; variance (1 - r^2)^2/(n - m)

    References
    ----------
    Aloe & Thompson 2013, J Soc Social Work Res 4:390; Aloe 2014, J Gen Psychol 141:47
    """
    vi = (1 - ri**2) ** 2 / (ni - mi)
    return Estimate(ri, vi, "partial r", _partial_rules(ri, ni, mi))


@measure(
    "ZPCOR",
    title="partial correlation",
    form="pooled as Fisher's z",
    scale=FISHER_Z,
    needs=PARTIAL,
    derived=FROM_T,
    ignores=("r2i",),
)
def partial_fisher_z(ri: Array, ni: Array, mi: Array) -> Estimate:
    """Fisher's z of the partial correlation.

    Parameters as for PCOR, |ri| < 1.

    Returns
    -------
    Effects on the scale of z = atanh(r); the variance 1/(n - m - 2) needs ni > mi + 2

    References
    ----------
    Fisher 1924, Metron 3:329; Aloe & Thompson 2013, J Soc Social Work Res 4:390
    """
    rules = [*_partial_rules(ri, ni, mi), (np.abs(ri) == 1, "ri is -1 or 1")]
    few = [(ni - mi <= 2, "ni <= mi + 2")]
    return Estimate(np.arctanh(ri), 1 / (ni - mi - 2), "Fisher's z of partial r", rules, few)


def _semi_partial(ri: Array, ni: Array, r2i: Array) -> tuple[Array, list[Rule]]:
    """Sampling variance of the semi-partial correlation, and where there is none."""
    rest = r2i - ri**2
    vi = (r2i**2 - 2 * r2i + rest + 1 - rest**2) / ni
    rules = [
        _outside(ri),
        ((r2i < 0) | (r2i > 1), "r2i outside 0 to 1"),
        (ri**2 > r2i * (1 + 1e-12), "ri^2 > r2i"),
        (ni < 1, "ni < 1"),
    ]
    return vi, rules


@measure(
    "SPCOR", title="semi-partial correlation", needs=SEMI, derived=SEMI_FROM_T, ignores=("mi",)
)
def semi_partial_correlation(ri: Array, ni: Array, r2i: Array) -> Estimate:
    """Semi-partial correlation of the outcome and the part of a predictor the others leave over.

    Parameters
    ----------
    ri : (k,) semi-partial correlation, or in its place ti, the t statistic of the coefficient,
        with mi, the number of predictors with the one of interest
    ni, r2i : (k,) number of people, and R^2 of the whole model, 0 to 1, at least ri^2

    Returns
    -------
    Effects from -1 to 1

    References
    ----------
    Aloe & Becker 2012, J Educ Behav Stat 37:278
    """
    vi, rules = _semi_partial(ri, ni, r2i)
    return Estimate(ri, vi, "semi-partial r", rules)


@measure(
    "ZSPCOR",
    title="semi-partial correlation",
    form="pooled as Fisher's z",
    scale=FISHER_Z,
    needs=SEMI,
    derived=SEMI_FROM_T,
    ignores=("mi",),
)
def semi_partial_fisher_z(ri: Array, ni: Array, r2i: Array) -> Estimate:
    """Fisher's z of the semi-partial correlation; it does not stabilise this variance.

    Parameters as for SPCOR, |ri| < 1.

    Returns
    -------
    Effects on the scale of z = atanh(r)

    References
    ----------
    Aloe & Becker 2012, J Educ Behav Stat 37:278; variance by the delta method
    """
    vi, rules = _semi_partial(ri, ni, r2i)
    rules = [*rules, (np.abs(ri) == 1, "ri is -1 or 1")]
    return Estimate(np.arctanh(ri), vi / (1 - ri**2) ** 2, "Fisher's z of semi-partial r", rules)
