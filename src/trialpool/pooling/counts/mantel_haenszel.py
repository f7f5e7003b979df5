"""Pooled effects in closed form: Mantel-Haenszel for tables and rates, Peto's odds ratio, MH-DL."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from trialpool.effects import effect_size
from trialpool.results import NAN, Array


class Closed(NamedTuple):
    """Estimate, its variance, raw weights (k,), effects and variances that make up Q.

    Q is taken about `centre`, where that is not the estimate itself.
    """

    beta: float
    var: float
    weight: Array
    yi: Array
    vi: Array
    tau2: float = 0.0
    centre: float | None = None


# Events and totals of both arms (or person-time, of rates) -> the pooled effect.
Tables = Callable[..., Closed]


def odds_ratio(a: Array, n1: Array, c: Array, n2: Array) -> Closed:
    """Log odds ratio, variance of Robins, Breslow & Greenland 1986."""
    b, d, n = n1 - a, n2 - c, n1 + n2
    r, s = a * d / n, b * c / n
    p, q = (a + d) / n, (b + c) / n
    R, S = float(r.sum()), float(s.sum())
    var = NAN
    if R > 0 and S > 0:
        cross = float((p * s + q * r).sum()) / (R * S)
        var = (float((p * r).sum()) / R**2 + cross + float((q * s).sum()) / S**2) / 2
    return Closed(_log_ratio(R, S), var, s, *_study_effects("OR", a, n1, c, n2))


def risk_ratio(a: Array, n1: Array, c: Array, n2: Array) -> Closed:
    """Log risk ratio, variance of Greenland & Robins 1985."""
    n = n1 + n2
    r, s = a * n2 / n, c * n1 / n
    R, S = float(r.sum()), float(s.sum())
    spread = float((n1 * n2 * (a + c) / n**2 - a * c / n).sum())
    var = spread / (R * S) if R > 0 and S > 0 else NAN
    return Closed(_log_ratio(R, S), var, s, *_study_effects("RR", a, n1, c, n2))


def risk_difference(
    a: Array, n1: Array, c: Array, n2: Array, *, variance: str = "Sato", corrects: str = "variance"
) -> Closed:
    """Risk difference, variance of Sato, Greenland & Robins 1989 or of Greenland & Robins 1985.

    Where every arm has no events, or nothing else, both are 0: then that of 1985 with 0.5 added to
    the cells stands in, as in RevMan.
    """
    n = n1 + n2
    w = n1 * n2 / n
    W = float(w.sum())
    rd = float(((a * n2 - c * n1) / n).sum()) / W
    p = (n1**2 * c - n2**2 * a + n1 * n2 * (n2 - n1) / 2) / n**2
    q = (a * (n2 - c) + c * (n1 - a)) / (2 * n)
    var = (rd * float(p.sum()) + float(q.sum())) / W**2
    plain = _greenland_robins(a, n1, c, n2)
    if plain == 0:
        var = _greenland_robins(a + 0.5, n1 + 1, c + 0.5, n2 + 1)
    elif variance != "Sato":
        var = plain
    return Closed(rd, var, w, *_study_effects("RD", a, n1, c, n2, corrects=corrects))


def _greenland_robins(a: Array, n1: Array, c: Array, n2: Array) -> float:
    n = n1 + n2
    parts = (a * (n1 - a) * n2**3 + c * (n2 - c) * n1**3) / (n1 * n2 * n**2)
    return float(parts.sum()) / float((n1 * n2 / n).sum()) ** 2


def peto(a: Array, n1: Array, c: Array, n2: Array) -> Closed:
    """Peto's log odds ratio: observed less expected, over the hypergeometric variance."""
    n, events = n1 + n2, a + c
    excess = a - events * n1 / n
    # Variance of a under the central hypergeometric distribution; n >= 2 as no arm is empty.
    v = events * (n - events) * n1 * n2 / (n**2 * (n - 1))
    total = float(v.sum())
    with np.errstate(divide="ignore", invalid="ignore"):
        yi, vi = np.where(v > 0, excess / v, NAN), np.where(v > 0, 1 / v, NAN)
    if total <= 0:
        return Closed(NAN, NAN, v, yi, vi)
    return Closed(float(excess.sum()) / total, 1 / total, v, yi, vi)


def about_mantel_haenszel(common: Closed) -> Closed:
    """Random effects as RevMan has them: tau2 by DerSimonian-Laird, Q about the MH mean.

    The effects are weighted by their inverse variances. Without a second study, or a mean to
    measure Q from, tau2 is 0.
    """
    known = np.isfinite(common.yi) & np.isfinite(common.vi)
    w = np.where(known, 1 / np.where(known, common.vi, 1.0), 0.0)
    y, total, k = np.where(known, common.yi, 0.0), float(w.sum()), int(known.sum())
    tau2 = 0.0
    if k > 1 and math.isfinite(common.beta):
        q = float((w * (y - common.beta) ** 2).sum())
        tau2 = max(0.0, (q - (k - 1)) / (total - float((w**2).sum()) / total))
    w = w / (1 + tau2 * w)
    total = float(w.sum())
    if total <= 0 or not math.isfinite(common.beta):
        return common._replace(beta=NAN, var=NAN, weight=w)
    beta = float((w * y).sum()) / total
    return Closed(beta, 1 / total, w, common.yi, common.vi, tau2, common.beta)


def _random(common: Tables) -> Tables:
    """Where the mean is 0 or infinite, Q is about that of the cells that the effects are of."""

    def pooled(a: Array, n1: Array, c: Array, n2: Array) -> Closed:
        closed = common(a, n1, c, n2)
        if not math.isfinite(closed.beta):
            zero = (a == 0) | (c == 0) | (a == n1) | (c == n2)
            half = np.where(zero & np.isfinite(closed.yi), 0.5, 0.0)
            corrected = common(a + half, n1 + 2 * half, c + half, n2 + 2 * half)
            closed = closed._replace(beta=corrected.beta)
        return about_mantel_haenszel(closed)

    return pooled


def rate_ratio(x1: Array, t1: Array, x2: Array, t2: Array) -> Closed:
    """Log rate ratio, variance of Greenland & Robins 1985."""
    t = t1 + t2
    r, s = x1 * t2 / t, x2 * t1 / t
    R, S = float(r.sum()), float(s.sum())
    spread = float((t1 * t2 * (x1 + x2) / t**2).sum())
    var = spread / (R * S) if R > 0 and S > 0 else NAN
    a, c = _with_half(x1, x2)
    effect = np.log(a / t1) - np.log(c / t2)
    return Closed(_log_ratio(R, S), var, s, _where_events(x1, x2, effect), 1 / a + 1 / c)


def rate_difference(x1: Array, t1: Array, x2: Array, t2: Array) -> Closed:
    """Rate difference, variance of Greenland & Robins 1985."""
    t = t1 + t2
    w = t1 * t2 / t
    W = float(w.sum())
    rd = float(((x1 * t2 - x2 * t1) / t).sum()) / W
    var = float(((x1 * t2**2 + x2 * t1**2) / t**2).sum()) / W**2
    a, c = _with_half(x1, x2)
    effect = a / t1 - c / t2
    return Closed(rd, var, w, _where_events(x1, x2, effect), a / t1**2 + c / t2**2)


TABLES: dict[tuple[str, str], Tables] = {
    ("MH", "OR"): odds_ratio,
    ("MH", "RR"): risk_ratio,
    ("MH", "RD"): risk_difference,
    ("MH-DL", "OR"): _random(odds_ratio),
    ("MH-DL", "RR"): _random(risk_ratio),
    ("MH-DL", "RD"): _random(risk_difference),
    ("Peto", "OR"): peto,
}
RATES: dict[tuple[str, str], Tables] = {
    ("MH", "IRR"): rate_ratio,
    ("MH", "IRD"): rate_difference,
}


def _log_ratio(top: float, bottom: float) -> float:
    return math.log(top / bottom) if top > 0 and bottom > 0 else NAN


def _study_effects(
    measure: str, a: Array, n1: Array, c: Array, n2: Array, **options: Any
) -> tuple[Array, Array]:
    effects = effect_size(measure, ai=a, n1i=n1, ci=c, n2i=n2, **options)
    return effects.yi, effects.vi


def _with_half(x1: Array, x2: Array) -> tuple[Array, Array]:
    add = np.where((x1 == 0) | (x2 == 0), 0.5, 0.0)
    return x1 + add, x2 + add


def _where_events(x1: Array, x2: Array, effect: Array) -> Array:
    return np.asarray(np.where((x1 == 0) & (x2 == 0), NAN, effect))
