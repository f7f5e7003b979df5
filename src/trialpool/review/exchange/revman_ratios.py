"""Ratios that RevMan holds on the log scale, or as observed minus expected events."""

from __future__ import annotations

from collections.abc import Mapping
from math import exp, isclose, log, sqrt

from trialpool.review.exchange.draft import Row, is_number
from trialpool.review.exchange.revman_parts import Fields, RevManAnalysis

# Tolerance between the ratio RevMan shows and the exponential of the estimate it holds.
_SHOWN = 0.01
# Beyond this the exponential of a logged ratio has no use, and soon no floating-point number.
MAX_LOG = 100.0
_NORMAL_975 = 1.959963984540054
_LIMITS = (("estimate", 0.0), ("ci_low", -_NORMAL_975), ("ci_high", _NORMAL_975))


def ratio(
    fields: Fields,
    analysis: RevManAnalysis,
    printed: Mapping[str, str],
    estimate: float,
    se: float,
) -> tuple[Row, list[str]]:
    """A ratio, not logged: as shown, or computed where the display does not fit.

    Returns
    -------
    The cells of contrasts.csv, and the names of the numbers that were taken as shown
    """
    shown = [printed.get(name, "") for name in fields.shown]
    if (
        all(is_number(text) and float(text) > 0 for text in shown)
        and is_number(analysis.ci_level)
        and float(analysis.ci_level) == 95
        and isclose(log(float(shown[0])), estimate, abs_tol=_SHOWN)
        and float(shown[1]) < float(shown[0]) < float(shown[2])
    ):
        names = [name for name, _ in _LIMITS]
        return dict(zip(names, shown, strict=True)), list(fields.shown)
    derived = "exponential of the logged estimate, and of it -/+ 1.96 SE"
    return _exponentials(estimate, se) | {"derived": derived}, []


def is_logrank(printed: Mapping[str, str], fields: Fields) -> bool:
    """Whether a line holds observed minus expected events with their variance."""
    texts = [printed.get(name, "") for name in fields.logrank]
    return all(is_number(text) for text in texts) and float(texts[1]) > 0


def of_logrank(fields: Fields, printed: Mapping[str, str]) -> Row:
    """The ratio of observed minus expected events: log ratio (O - E) / V with SE 1 / sqrt(V).

    Nothing where it is no ratio that could be one.
    """
    shift, variance = (float(printed[name]) for name in fields.logrank)
    middle, se = shift / variance, 1 / sqrt(variance)
    if abs(middle) + 2 * se > MAX_LOG:
        return {}
    derived = "exponential of (O - E) / V, and of it -/+ 1.96 / sqrt(V)"
    return _exponentials(middle, se) | {"derived": derived}


def follows_from_counts(fields: Fields, printed: Mapping[str, str]) -> bool:
    """Whether observed minus expected events are those of the counts beside them, as for Peto."""
    cells = [printed.get(name, "") for name in (*fields.events, *fields.totals, fields.logrank[0])]
    if not all(map(is_number, cells)):
        return False
    a, c, n1, n2, shift = map(float, cells)
    return n1 + n2 > 0 and isclose(shift, a - (a + c) * n1 / (n1 + n2), abs_tol=_SHOWN)


def _exponentials(middle: float, se: float) -> Row:
    return {name: f"{exp(middle + factor * se):.10g}" for name, factor in _LIMITS}
