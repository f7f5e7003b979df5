"""Covariance of a study's log ratios against a common reference, from its counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from trialpool.results import Array, TrialpoolError, check_choice

KINDS = ("cc", "ir", "ci")  # case-control, incidence rate, cumulative incidence
METHODS = ("GL", "Hamling", "independent")
_STEPS = 200
_CLOSE = 1e-13  # relative size of the last step


class DoseLevels(NamedTuple):
    """One study: log ratios and their standard errors (m,), cases and size of all m + 1 levels.

    `size` is the number of people, cases included, or the person-time where `kind` is "ir". The
    reference comes first in `cases` and `size`.
    """

    yi: Array
    sei: Array
    cases: Array
    size: Array
    kind: str


class PseudoCounts(NamedTuple):
    """Cases and the other count of each level (non-cases, people or person-time), (m + 1,)."""

    cases: Array
    others: Array


def ratio_covariance(study: DoseLevels, method: str = "GL") -> Array:
    """Covariance (m, m) of adjusted log ratios that share their reference.

    Parameters
    ----------
    method
        "GL": the correlation that the counts fitted to the adjusted ratios would have, with the
        reported variances (Greenland & Longnecker); "Hamling": counts that have the reported
        variances as well; "independent": no covariance, for comparison only

    Raises
    ------
    TrialpoolError
        for an unknown method or kind, or where no counts fit the ratios

    References
    ----------
    Greenland & Longnecker 1992, Am J Epidemiol 135:1301; Hamling et al. 2008, Stat Med 27:954;
    Orsini, Bellocco & Greenland 2006, Stata J 6:40
    """
    check_choice("covariance", method, METHODS)
    check_choice("kind", study.kind, KINDS)
    if method == "independent":
        return np.diag(study.sei**2)
    counts = greenland_longnecker(study) if method == "GL" else hamling(study)
    terms = _terms(counts, study.kind)
    implied = np.diag(terms[1:]) + terms[0]
    spread = study.sei / np.sqrt(np.diag(implied))
    return np.asarray(implied * np.outer(spread, spread))


def greenland_longnecker(study: DoseLevels) -> PseudoCounts:
    """Counts with the study's margins whose crude log ratios are the adjusted ones.

    The margins are the number of cases and the size of each level. The solution is unique;
    Newton's steps are shortened where they would leave the range of a count.
    """
    total, size = float(study.cases.sum()), study.size
    odds = study.kind == "cc"

    def others(cases: Array) -> Array:
        return size - cases if odds else size

    def gap(cases: Array) -> Array:
        log_odds = np.log(cases / others(cases))
        return np.asarray(study.yi - log_odds[1:] + log_odds[0])

    def inside(cases: Array) -> bool:
        return bool((cases > 0).all() and (others(cases) > 0).all())

    cases = study.cases.copy()
    for _ in range(_STEPS):
        slope = 1 / cases + (1 / others(cases) if odds else 0.0)
        step = np.linalg.solve(np.diag(slope[1:]) + slope[0], gap(cases))
        step = np.append(-step.sum(), step)
        share, before = 1.0, float(np.abs(gap(cases)).max())
        while share > _CLOSE and (
            not inside(cases + share * step)
            or np.abs(gap(cases + share * step)).max() > before * (1 + _CLOSE)
        ):
            share /= 2
        cases = cases + share * step
        cases[0] = total - cases[1:].sum()
        if np.abs(step / cases).max() < _CLOSE or before == 0.0:
            break
    if not np.abs(gap(cases)).max() < 1e-10:
        raise TrialpoolError("covariance = GL: no counts with these margins have these ratios")
    return PseudoCounts(cases, others(cases))


def hamling(study: DoseLevels) -> PseudoCounts:
    """Counts that have the reported ratios and variances and two margins of the study.

    The margins are the reference's share of the non-cases (people, person-time) and their number
    for each case.
    """
    observed = study.size - study.cases if study.kind == "cc" else study.size
    share, per_case = observed[0] / observed.sum(), observed.sum() / study.cases.sum()
    sign = {"cc": 1.0, "ir": 0.0, "ci": -1.0}[study.kind]

    def counts(logs: Array) -> PseudoCounts:
        a, b = np.exp(logs)
        ratio = np.exp(study.yi) * a / b
        cases = (1 + sign * ratio) / (study.sei**2 - 1 / a - sign / b)
        return PseudoCounts(np.append(a, cases), np.append(b, cases / ratio))

    def gap(logs: Array) -> Array:
        cases, others = counts(logs)
        return np.array(
            [others[0] / others.sum() / share - 1, others.sum() / cases.sum() / per_case - 1]
        )

    # So large a reference that it has half of the smallest variance: all counts are positive.
    start = np.array([study.cases[0], observed[0]])
    start = start * 2 * float(1 / start[0] + max(sign, 0.0) / start[1]) / (study.sei**2).min()
    fitted = counts(_root(gap, np.log(start)))
    if not (fitted.cases > 0).all() or not np.isfinite(fitted.others).all():
        raise TrialpoolError("covariance = Hamling: no counts have these ratios and variances")
    return fitted


def _root(gap: Callable[[Array], Array], start: Array) -> Array:
    from scipy.optimize import root  # slow to import

    with np.errstate(all="ignore"):
        for method in ("hybr", "lm"):
            fitted = root(gap, start, method=method, tol=1e-14)
            if np.abs(gap(fitted.x)).max() < 1e-9:
                return np.asarray(fitted.x, dtype=np.float64)
    raise TrialpoolError("covariance = Hamling: no counts have these ratios and variances")


def _terms(counts: PseudoCounts, kind: str) -> Array:
    """What each level adds to the variance of a log ratio."""
    others = {"cc": 1.0, "ir": 0.0, "ci": -1.0}[kind] / counts.others
    return np.asarray(1 / counts.cases + others)
