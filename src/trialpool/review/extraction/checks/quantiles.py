"""Quantiles and tail areas that checks need, with scipy loaded on first use."""

from __future__ import annotations

from functools import cache

NORMAL_975 = 1.959963984540054


@cache
def t_975(df: float) -> float:
    """The 97.5 % quantile of Student's t."""
    return t_of_p(0.05, df)


def t_of_p(p: float, df: float) -> float:
    """The |t| that has a two-sided p; df infinite gives the normal distribution's z."""
    from scipy.special import ndtri, stdtrit

    return float(-ndtri(p / 2)) if df == float("inf") else float(-stdtrit(df, p / 2))


def p_of_t(t: float, df: float) -> float:
    """The two-sided p of a t."""
    from scipy.special import ndtr, stdtr

    return float(2 * (ndtr(-abs(t)) if df == float("inf") else stdtr(df, -abs(t))))
