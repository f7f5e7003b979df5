"""The test-based interval of I2, by that of H (Higgins & Thompson)."""

from __future__ import annotations

from math import exp, isfinite, log, sqrt
from typing import NamedTuple

from trialpool.pooling.inference import check_level, half_width
from trialpool.results import NAN, TrialpoolError


class I2Interval(NamedTuple):
    """I2 by Q with its limits, in percent; NaN where they cannot be had."""

    i2: float
    ci_lb: float
    ci_ub: float


def i2_interval(q: float, k: int, *, level: float = 0.95) -> I2Interval:
    """I2 = 100 (1 - df / Q), at least 0; its interval by that of ln H, H^2 = Q / df, at least 1.

    The standard error of ln H is (ln Q - ln df) / (2 (sqrt(2 Q) - sqrt(2 k - 3))) where Q > k, else
    sqrt((1 - 1 / (3 (k - 2)^2)) / (2 (k - 2))). It needs k >= 3 and Q > 0.

    Parameters
    ----------
    q : Cochran's Q, >= 0
    k : number of studies
    level : between 0 and 1

    Raises
    ------
    TrialpoolError
        for a negative Q, k < 2 or another level

    References
    ----------
    Higgins & Thompson 2002, Stat Med 21:1539, section 3
    """
    check_level(level)
    if not q >= 0 or k < 2:
        raise TrialpoolError(f"q = {q}, k = {k}: Q is not negative, and of at least two studies")
    df = k - 1
    i2 = max(0.0, 100 * (1 - df / q)) if q > 0 else 0.0
    if k < 3 or not q > 0 or not isfinite(q):
        return I2Interval(i2, NAN, NAN)
    if q > k:
        se = 0.5 * (log(q) - log(df)) / (sqrt(2 * q) - sqrt(2 * k - 3))
    else:
        se = sqrt((1 - 1 / (3 * (k - 2) ** 2)) / (2 * (k - 2)))
    reach = float(half_width(level, NAN)) * se
    squared = max(1.0, q / df)
    ends = (squared * exp(2 * sign * reach) for sign in (-1, 1))  # of H squared
    low, high = (max(0.0, 100 * (1 - 1 / end)) for end in ends)
    return I2Interval(i2, low, high)
