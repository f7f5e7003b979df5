"""The tetrachoric correlation of a 2 x 2 table, and the bivariate normal distribution under it."""

from __future__ import annotations

import math

import numpy as np

from trialpool.effects import special
from trialpool.results import Array

# Halving the range of the angle, pi, this often brings it below its rounding error.
_HALVINGS = 56


def bivariate_normal_cdf(h: Array, k: Array, rho: Array) -> Array:
    """P(X < h, Y < k) for standard normal X, Y with correlation rho.

    Parameters
    ----------
    h, k, rho : (n,) bounds, finite; correlation, -1 < rho < 1

    Returns
    -------
    Probabilities, shape (n,), to an absolute 1e-15

    References
    ----------
    Owen 1956, Ann Math Stat 27:1075, eq. 2.1
    """
    s = np.sqrt((1 - rho) * (1 + rho))
    with np.errstate(divide="ignore", invalid="ignore"):
        # A bound of exactly 0 gives the slope plus or minus infinity, which owens_t knows.
        t_h = special.owens_t(h, (k - rho * h) / (h * s))
        t_k = special.owens_t(k, (h - rho * k) / (k * s))
    opposite = (h * k < 0) | ((h * k == 0) & (h + k < 0))
    inside = (special.ndtr(h) + special.ndtr(k)) / 2 - t_h - t_k - opposite / 2
    both_zero = 1 / 4 + np.arcsin(rho) / (2 * math.pi)
    return np.where((h == 0) & (k == 0), both_zero, inside)


def tetrachoric(a: Array, b: Array, c: Array, d: Array) -> tuple[Array, Array]:
    """Tetrachoric correlation and its sampling variance.

    Parameters
    ----------
    a, b, c, d : (k,) cells by rows, all > 0; elsewhere the result is NaN

    Returns
    -------
    (correlation, variance), shapes (k,)

    References
    ----------
    Divgi 1979, Psychometrika 44:169; Brown & Benedetti 1977, Psychometrika 42:347
    """
    n = a + b + c + d
    h, k = special.ndtri((a + b) / n), special.ndtri((a + c) / n)
    # The probability grows with the correlation, so halving cannot miss; in the angle, because
    # the correlation itself has no digits left near -1 and 1.
    low, high = np.full(n.shape, -math.pi / 2), np.full(n.shape, math.pi / 2)
    for _ in range(_HALVINGS):
        angle = (low + high) / 2
        below = bivariate_normal_cdf(h, k, np.sin(angle)) < a / n
        low, high = np.where(below, angle, low), np.where(below, high, angle)
    rho, s = np.sin((low + high) / 2), np.cos((low + high) / 2)
    density = np.exp(-(h**2 - 2 * rho * h * k + k**2) / (2 * s**2)) / (2 * math.pi * s)
    # How the estimate moves with the share in each cell (delta method); only differences between
    # cells count, and d moves nothing.
    row, column = special.ndtr((k - rho * h) / s), special.ndtr((h - rho * k) / s)
    slopes = ((1 - row - column, a / n), (-row, b / n), (-column, c / n))
    mean = sum(slope * share for slope, share in slopes)
    square = sum(slope**2 * share for slope, share in slopes)
    valid = (a > 0) & (b > 0) & (c > 0) & (d > 0)
    rho = np.where(valid, rho, np.nan)
    return rho, np.where(valid, (square - mean**2) / (n * density**2), np.nan)
