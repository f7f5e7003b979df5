"""How large the next trial would have to be to change a result of the review."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from trialpool.bayes.many import PosteriorMany
from trialpool.conclusions import ABOVE, ACROSS, BELOW, side_of
from trialpool.diagnostics.next_trial import (
    LARGEST,
    MEASURES,
    SMALLEST,
    smallest_next,
    unit_variance,
)
from trialpool.effects import measure_of
from trialpool.pooling.batch import PooledMany
from trialpool.results import NAN
from trialpool.review.case import Case
from trialpool.review.fitting.fit import shown, words
from trialpool.review.schema.trust import NEXT_TRIAL
from trialpool.review.trust.missing_effect import (
    NO_ESTIMATE,
    NO_TRIAL,
    analysis_scale,
    benefit_of,
    conclusion,
    settings_of,
)
from trialpool.terms import BEYOND, EXCLUDES, INCLUDES
from trialpool.trust_facts import NextTrialFacts, Unanswered

NO_RISK = "the control groups' risk is not known, or is 0 or 1"
NO_SD = "no standard deviation within the arms is known"
IMPOSSIBLE = "the effect would need a risk that is not between 0 and 1"
NO_SIZE = f"no size from {SMALLEST} to {LARGEST:,} people would"
ANY_SIZE = (
    "even the smallest size tried does it: what changes is the number of trials, hardly the"
    " evidence"
)

Reached = Callable[[PooledMany | PosteriorMany], NDArray[np.bool_]]


def next_trial(
    case: Case, studies: pd.DataFrame
) -> tuple[pd.DataFrame, NextTrialFacts | Unanswered]:
    """The smallest next trial that would change the conclusion, for a set of effects it may find.

    Parameters
    ----------
    studies : the chosen effects, with counts or standard deviations where the measure needs them

    Returns
    -------
    table
        next_trial.csv: `finds` says which effect, `effect` and the result after the
        trial are on the display scale, `n_total` counts both arms, equal in size; `note` says why
        none is given, or what a trial of a few people can change
    facts
        why there is no table, alone where there is no estimate either
    """
    if not len(studies):
        return _nothing(NO_TRIAL)
    estimate, low, high = analysis_scale(case, studies)
    if math.isnan(estimate):
        return _nothing(NO_ESTIMATE)
    measure, important, k = case.measure, case.important, int(studies["trial_id"].nunique()) + 1
    if measure not in MEASURES:
        what = measure_of(measure).a
        return _nothing(f"the variance that a further trial gives {what} is not known")
    risk, sd = _risk(studies, measure), _sd(studies, measure)
    settings = settings_of(case, k - 1)
    now = int(side_of(low, high))
    threshold = None if important is None else math.copysign(important, estimate)
    facts = NextTrialFacts(
        reason="",
        k=k,
        model=words(settings),
        tau2=settings.tau2,
        test=settings.test,
        tau_scale=settings.how.get("tau_scale"),
        conclusion=conclusion(now, benefit_of(case)),
        important=None if threshold is None else shown(threshold, measure),
        assumption=_assumption(measure, risk, sd),
        unit_variance=float(unit_variance(measure, 0.0, risk=risk, sd=sd)),
        searched=(SMALLEST, LARGEST),
    )
    if math.isnan(facts.unit_variance):
        why = NO_SD if measure_of(measure).unit == "points" else NO_RISK
        return NEXT_TRIAL.frame(), replace(facts, reason=why, assumption="")
    yi, vi = studies["yi"].to_numpy(float), studies["vi"].to_numpy(float)

    def smallest(effect: float, reached: Reached) -> dict[str, Any]:
        unit = float(unit_variance(measure, effect, risk=risk, sd=sd))
        if math.isnan(unit):
            return {"reached": False, "note": IMPOSSIBLE}
        n, after = smallest_next(yi, vi, effect, unit, reached, **settings.how)
        if after is None:
            return {"reached": False, "note": NO_SIZE}
        return {
            "reached": True,
            "n_total": n,
            "note": ANY_SIZE if n == SMALLEST else "",
            "estimate": shown(after.beta, measure),
            "ci_low": shown(after.ci_lb, measure),
            "ci_high": shown(after.ci_ub, measure),
        }

    lines = [
        {"finds": name, "effect": shown(effect, measure), "target": target}
        | smallest(effect, reached)
        for name, effect in _effects(estimate, threshold)
        for target, reached in _targets(now, (low, high), important)
    ]
    return NEXT_TRIAL.frame(lines), facts


def _nothing(reason: str) -> tuple[pd.DataFrame, Unanswered]:
    return NEXT_TRIAL.frame(), Unanswered(reason=reason)


def _effects(estimate: float, threshold: float | None) -> Iterator[tuple[str, float]]:
    """What the next trial may find, in words and on the analysis scale."""
    yield "no difference", 0.0
    yield "half the estimate", estimate / 2
    yield "the estimate", estimate
    yield "twice the estimate", 2 * estimate
    if threshold is not None:
        yield "the important difference", threshold
        yield "the important difference, other side", -threshold


def _targets(
    now: int, interval: tuple[float, float], important: float | None
) -> Iterator[tuple[str, Reached]]:
    """What could change, and how it is seen; not what holds already."""
    if now == ACROSS:
        yield EXCLUDES, lambda f: side_of(f.ci_lb, f.ci_ub) != ACROSS
    else:
        # A fit that did not converge has no interval, hence includes nothing.
        yield INCLUDES, lambda f: (side_of(f.ci_lb, f.ci_ub) == ACROSS) & np.isfinite(f.ci_lb)
    if important is not None and not _beyond(*interval, important):
        yield BEYOND, lambda f: _beyond(f.ci_lb, f.ci_ub, important)


def _beyond(low: ArrayLike, high: ArrayLike, important: float) -> NDArray[np.bool_]:
    """Whether intervals hold nothing but differences that matter, all in one direction."""
    below, above = side_of(low, high, -important), side_of(low, high, important)
    return np.asarray((below == BELOW) | (above == ABOVE))


def _risk(studies: pd.DataFrame, measure: str) -> float:
    """The control groups' overall risk, NaN where it is not needed or not known."""
    if measure_of(measure).data.name != "counts":
        return NAN
    counted = studies[studies["event_control"].notna() & studies["totaln_control"].notna()]
    people = float(counted["totaln_control"].sum())
    return float(counted["event_control"].sum()) / people if people else NAN


def _sd(studies: pd.DataFrame, measure: str) -> float:
    """The SD within the arms, pooled over arms and trials, NaN where not needed or not known."""
    if measure_of(measure).unit != "points":
        return NAN
    squares = freedom = 0.0
    for arm in ("experimental", "control"):
        sd, n = (studies[f"{name}_{arm}"].to_numpy(float) for name in ("sd", "n"))
        known = np.isfinite(sd) & (n > 1)
        squares += float(((n - 1) * sd**2)[known].sum())
        freedom += float((n - 1)[known].sum())
    return math.sqrt(squares / freedom) if freedom else NAN


def _assumption(measure: str, risk: float, sd: float) -> str:
    if not math.isnan(sd):
        return f"standard deviation of {sd:.3g} in both arms, pooled from the trials"
    if math.isnan(risk):
        return ""
    return f"risk of {100 * risk:.3g} % in the control arm, that of all control groups together"
