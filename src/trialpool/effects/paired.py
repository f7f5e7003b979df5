"""The same people under both conditions: crossover trials and matched pairs."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from trialpool.effects.continuous import CORRECTIONS, small_sample_factor
from trialpool.effects.registry import Rule, choice, finish, measure, none_of, reasons_for
from trialpool.results import NAN, Array, EffectSizes

COLUMNS = ("m1i", "sd1i", "m2i", "sd2i", "ni", "ri")
VARIANCES = ("SMCRP", "Cochrane")


def sd_difference(sd1: ArrayLike, sd2: ArrayLike, r: ArrayLike) -> Array:
    """SD of the within-person difference, from the SDs under each condition.

    Parameters
    ----------
    sd1, sd2 : SDs under the two conditions, any shape that broadcasts
    r : correlation of a person's two values, from -1 to 1

    Returns
    -------
    sqrt(sd1^2 + sd2^2 - 2 r sd1 sd2), in the units of the SDs; NaN for impossible input

    References
    ----------
    Cochrane Handbook 6.4, section 23.2.7
    """
    s1, s2, rho = (np.asarray(x, dtype=np.float64) for x in (sd1, sd2, r))
    bad = (s1 < 0) | (s2 < 0) | ~(np.abs(rho) <= 1)
    square = s1**2 + s2**2 - 2 * rho * s1 * s2
    # Rounding can leave -1e-17 where r = 1 and the SDs agree.
    return np.where(bad, NAN, np.sqrt(np.maximum(square, 0)))


def recover_r(sd1: ArrayLike, sd2: ArrayLike, sd_diff: ArrayLike) -> Array:
    """Within-person correlation implied by a reported SD of the differences.

    Parameters
    ----------
    sd1, sd2, sd_diff : SDs under each condition and of the differences, > 0, same units

    Returns
    -------
    r in [-1, 1]; NaN where the three SDs contradict each other (no r could produce them), so a
    wrong extraction is not turned into a number

    References
    ----------
    Cochrane Handbook 6.4, section 6.5.2.8
    """
    s1, s2, sd = (np.asarray(x, dtype=np.float64) for x in (sd1, sd2, sd_diff))
    with np.errstate(divide="ignore", invalid="ignore"):
        r = (s1**2 + s2**2 - sd**2) / (2 * s1 * s2)
    valid = (s1 > 0) & (s2 > 0) & (sd >= 0) & (np.abs(r) <= 1 + 1e-12)
    return np.where(valid, np.clip(r, -1, 1), NAN)


def _rules(sd1i: Array, sd2i: Array, ni: Array, ri: Array) -> list[Rule]:
    return [
        (sd1i < 0, "sd1i < 0"),
        (sd2i < 0, "sd2i < 0"),
        (ni < 1, "ni < 1"),
        (np.abs(ri) > 1, "ri outside -1 to 1"),
    ]


@measure("MC", needs=COLUMNS)
def mean_change(
    m1i: Array, sd1i: Array, m2i: Array, sd2i: Array, ni: Array, ri: Array
) -> EffectSizes:
    """Mean under condition 1 minus mean under condition 2, with the paired variance.

    Parameters
    ----------
    m1i, sd1i, m2i, sd2i : (k,) mean and SD under each condition
    ni : (k,) number of persons with both values
    ri : (k,) within-person correlation

    Returns
    -------
    EffectSizes in the units of the scale; where only an SD, ni or ri is missing the difference
    is kept and its variance is NaN

    References
    ----------
    Cochrane Handbook 6.4, section 23.2.7
    """
    columns = dict(zip(COLUMNS, (m1i, sd1i, m2i, sd2i, ni, ri), strict=True))
    rules = _rules(sd1i, sd2i, ni, ri)
    with np.errstate(divide="ignore", invalid="ignore"):
        vi = sd_difference(sd1i, sd2i, ri) ** 2 / ni
    return finish(
        m1i - m2i,
        vi,
        measure="MC",
        formula="MC, paired SD",
        reason=reasons_for(columns, rules),
        known=none_of(rules) & np.isfinite(m1i - m2i),
    )


@measure("SMCRP", needs=COLUMNS)
def standardised_mean_change(
    m1i: Array,
    sd1i: Array,
    m2i: Array,
    sd2i: Array,
    ni: Array,
    ri: Array,
    *,
    variance: str = "SMCRP",
    correction: str | None = None,
) -> EffectSizes:
    """Paired mean difference over the SD of a single measurement, sqrt((sd1^2 + sd2^2)/2).

    The standardiser is that of a parallel trial, so the result can be pooled with SMDs of
    parallel trials; dividing by the SD of the differences would not allow that.

    Parameters
    ----------
    m1i, sd1i, m2i, sd2i, ni, ri : (k,) as for MC
    variance
        "SMCRP": 2 (1 - r)/n + g^2 (1 + r^2)/(4 n);
        "Cochrane": (1/n + SMD^2/(2 n)) 2 (1 - r), disputed as too small for large r and SMD
    correction
        "exact", "approx" or "none"; not given: exact for SMCRP, none for Cochrane, as the
        Handbook does

    Returns
    -------
    EffectSizes, yi and vi of shape (k,), in standard deviations and their square

    Raises
    ------
    TrialpoolError
        for an unknown variance or correction

    References
    ----------
    Cousineau 2020, Quant Methods Psychol 16:418 (df = 2 (n - 1)/(1 + r^2), and the variance);
    Elbourne et al. 2002, Int J Epidemiol 31:140 and Cochrane Handbook 6.4, section 23.2.7
    """
    choice("variance", variance, VARIANCES)
    if correction is None:
        correction = "exact" if variance == "SMCRP" else "none"
    choice("correction", correction, CORRECTIONS)
    with np.errstate(divide="ignore", invalid="ignore"):
        standardiser = np.sqrt((sd1i**2 + sd2i**2) / 2)
        # Two correlated variances carry less information than 2 (n - 1) free deviations.
        df = 2 * (ni - 1) / (1 + ri**2)
        g = small_sample_factor(df, correction) * (m1i - m2i) / standardiser
        vi = {
            "SMCRP": 2 * (1 - ri) / ni + g**2 * (1 + ri**2) / (4 * ni),
            "Cochrane": (1 / ni + g**2 / (2 * ni)) * 2 * (1 - ri),
        }[variance]
    columns = dict(zip(COLUMNS, (m1i, sd1i, m2i, sd2i, ni, ri), strict=True))
    rules = [
        *_rules(sd1i, sd2i, ni, ri),
        (standardiser == 0, "both SDs are 0"),
        (~(df > 1), "too few pairs: df <= 1"),
    ]
    formula = f"SMCRP, {correction} correction, {variance} variance"
    return finish(g, vi, measure="SMCRP", formula=formula, reason=reasons_for(columns, rules))
