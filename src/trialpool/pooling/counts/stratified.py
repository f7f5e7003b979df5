"""Tests on k two-by-two tables, or k pairs of rates: is there an effect, and is it the same one?"""

from __future__ import annotations

import math

import numpy as np

from trialpool.pooling.inference import chi_squared
from trialpool.results import Array, ChiSquared

_NO_CONTRAST = "no study has events and non-events on which the arms could differ"
_NO_RATIO = "there is no common odds ratio"


def association_tests(a: Array, n1: Array, c: Array, n2: Array) -> dict[str, ChiSquared]:
    """Tests of no effect in any table: Cochran-Mantel-Haenszel and Cochran, one df each.

    Parameters
    ----------
    a, n1, c, n2 : (k,) events and totals of arm 1 and arm 2

    Returns
    -------
    "cmh" and "cochran", continuity-corrected, and "cmh_uncorrected", "cochran_uncorrected".
    They differ in the variance of a table, n - 1 against n in its denominator. The correction
    never takes the statistic below 0

    References
    ----------
    Cochran 1954, Biometrics 10:417; Mantel & Haenszel 1959, J Natl Cancer Inst 22:719
    """
    n, events = n1 + n2, a + c
    excess = float((a - events * n1 / n).sum())
    spread = events * (n - events) * n1 * n2 / n**2
    return {
        **_corrected("cmh", excess, float((spread / (n - 1)).sum())),
        **_corrected("cochran", excess, float((spread / n).sum())),
    }


def rate_tests(x1: Array, t1: Array, x2: Array, t2: Array) -> dict[str, ChiSquared]:
    """Tests of equal rates in every study, given its events; one df.

    Parameters
    ----------
    x1, t1, x2, t2 : (k,) events and person-time of arm 1 and arm 2

    Returns
    -------
    "mh", continuity-corrected, and "mh_uncorrected"

    References
    ----------
    Rothman, Greenland & Lash 2008, Modern Epidemiology, 3rd ed., ch. 15
    """
    events, share = x1 + x2, t1 / (t1 + t2)
    excess = float((x1 - events * share).sum())
    return _corrected("mh", excess, float((events * share * (1 - share)).sum()))


def homogeneity_tests(
    a: Array, n1: Array, c: Array, n2: Array, log_or: float
) -> dict[str, ChiSquared]:
    """Tests of one odds ratio in all tables: Breslow and Day's, and with Tarone's correction.

    Parameters
    ----------
    a, n1, c, n2 : (k,) events and totals of arm 1 and arm 2
    log_or : the common log odds ratio, by Mantel-Haenszel

    Returns
    -------
    "breslow_day" and "tarone", with one degree of freedom fewer than there are tables with events
    and non-events. Tarone's takes off what the inefficient common estimate leaves

    References
    ----------
    Breslow & Day 1980, Statistical methods in cancer research 1, sec. 4.4; Tarone 1985,
    Biometrika 72:91
    """
    events = a + c
    informs = (events > 0) & (events < n1 + n2)
    df = max(0, int(informs.sum()) - 1)
    if not math.isfinite(log_or):
        none = chi_squared(math.nan, df, _NO_RATIO)
        return {"breslow_day": none, "tarone": none}
    a, n1, n2, events = (x[informs] for x in (a, n1, n2, events))
    fitted = _expected(n1, n2, events, math.exp(log_or))
    cells = np.array([fitted, n1 - fitted, events - fitted, n2 - events + fitted])
    if (cells <= 0).any():
        # So far out the estimate leaves a cell nothing in floats, to compare a study with.
        none = chi_squared(math.nan, df, _NO_RATIO)
        return {"breslow_day": none, "tarone": none}
    var = 1 / np.sum(1 / cells, axis=0)
    stat = float(((a - fitted) ** 2 / var).sum())
    correction = float((a - fitted).sum()) ** 2 / float(var.sum())
    return {
        "breslow_day": chi_squared(stat, df),
        "tarone": chi_squared(stat - correction, df),
    }


def _corrected(name: str, excess: float, var: float) -> dict[str, ChiSquared]:
    if var <= 0:
        none = chi_squared(math.nan, 1, _NO_CONTRAST)
        return {name: none, f"{name}_uncorrected": none}
    corrected = max(0.0, abs(excess) - 0.5) ** 2 / var
    return {
        name: chi_squared(corrected, 1),
        f"{name}_uncorrected": chi_squared(excess**2 / var, 1),
    }


def _expected(n1: Array, n2: Array, events: Array, ratio: float) -> Array:
    """Events of arm 1 at which a table with these margins has this odds ratio."""
    # a (n2 - m + a) = ratio (n1 - a)(m - a): the root between 0 and m, without cancellation.
    linear = n2 - events + ratio * (n1 + events)
    root = np.sqrt(linear**2 + 4 * (1 - ratio) * ratio * n1 * events)
    with np.errstate(divide="ignore", invalid="ignore"):
        plain = (root - linear) / (2 * (1 - ratio))
    return np.asarray(np.where(linear > 0, 2 * ratio * n1 * events / (linear + root), plain))
