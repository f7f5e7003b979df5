"""Missing results: the pooled effect as a function of what the missing trials found."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from trialpool import tables
from trialpool.bayes.many import PosteriorMany
from trialpool.conclusions import ABOVE, ACROSS, BELOW, side_of
from trialpool.diagnostics.missing import Tipping, nearest, tipping, with_missing
from trialpool.effects import Measure, measure_of
from trialpool.pooling.batch import PooledMany
from trialpool.results import Array
from trialpool.review.case import Case
from trialpool.review.choosing.people import size
from trialpool.review.fitting.fit import shown, without_counts, words
from trialpool.review.protocol.settings import Model
from trialpool.review.schema.trust import MISSING_EFFECT
from trialpool.review.trust.what_if import WhatIf
from trialpool.trust_facts import (
    AssumedEffect,
    MissingEffectFacts,
    TippingAnswer,
    TippingPoint,
    Unanswered,
)

NO_TRIAL = "no trial is in the analysis"
NO_ESTIMATE = "the analysis has no estimate"
NONE_MISSING = "no trial with this outcome is known to be missing"
NONE_CAN_ENTER = (
    "no missing trial can be added: each reported an effect, or its size or whether it measured"
    " the outcome is not known"
)
INCLUDES, BENEFIT, HARM = "includes no difference", "benefit", "harm"

_POINTS = 61
_SAME = 1e-9  # of the width: two places this near are one
_ASIDE = 0.15  # of the span that is of interest, shown beyond it on each side


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingEffect:
    """The curve, on the display scale, and what can be read from it.

    `facts` is the reason where there is nothing to add.
    """

    curve: pd.DataFrame
    facts: MissingEffectFacts | Unanswered


def missing_effect(case: Case, studies: pd.DataFrame, absent: WhatIf) -> MissingEffect:
    """Vary the effect that all missing trials which can be added are assumed to have found.

    Their sampling variances stay those of no effect (missing.csv), so that only what they found
    varies, not their weight.

    Parameters
    ----------
    studies : the chosen effects of the analysis
    absent : what `what_if` found to be missing
    """
    entering = absent.missing[absent.missing["what_if"] == "yes"]
    if not len(studies):
        return _nothing(NO_TRIAL)
    if not len(entering):
        return _nothing(NONE_CAN_ENTER if len(absent.missing) else NONE_MISSING)
    alone = analysis_scale(case, studies)
    if math.isnan(alone[0]):
        return _nothing(NO_ESTIMATE)
    measure, benefit = case.measure, benefit_of(case)
    k = int(studies["trial_id"].nunique()) + len(entering)
    settings = settings_of(case, k - len(entering))
    yi, vi, extra = (
        column.to_numpy(float) for column in (studies["yi"], studies["vi"], entering["vi"])
    )
    how = settings.how

    def refit(assumed: Array) -> PooledMany | PosteriorMany:
        return with_missing(yi, vi, extra, assumed, **how)

    # The threshold that matters is the one on the side of the estimate, be it benefit or harm.
    threshold = None if case.important is None else math.copysign(case.important, alone[0])
    limit = _furthest(measure_of(measure))
    changes = tipping(yi, vi, extra, threshold=threshold, limit=limit, **how)
    answers = _answers(changes, int(side_of(*alone[1:])), alone[0], benefit, threshold)
    places = [0.0, *alone, *(a.assumed for a in answers if a.assumed is not None)]
    assumed = _grid(places, [change.at for change in changes.sides])
    estimate, low, high = (shown(value, measure) for value in alone)
    facts = MissingEffectFacts(
        trials=tuple(entering["trial_id"]),
        studies=tuple(entering["study"]),
        n=int(sum(size(row) for row in tables.records(entering))),
        k=k,
        model=words(settings),
        conclusion=conclusion(int(side_of(*alone[1:])), benefit),
        estimate=estimate,
        ci_low=low,
        ci_high=high,
        important=_shown(threshold, measure),
        if_null=_point(refit, 0.0, measure, benefit),
        if_alike=_point(refit, alone[0], measure, benefit),
        answers=tuple(replace(a, assumed=_shown(a.assumed, measure)) for a in answers),
        flips=tuple(_turns(changes, measure, benefit)),
        searched=(shown(-changes.limit, measure), shown(changes.limit, measure)),
        not_searched=changes.reasons.get("sides", ""),
    )
    return MissingEffect(curve=_curve(refit(assumed), assumed, measure), facts=facts)


def _turns(changes: Tipping, measure: str, benefit: int) -> Iterator[TippingPoint]:
    """Every assumed effect at which the conclusion changes."""
    for change in changes.sides:
        yield TippingPoint(
            assumed=shown(change.at, measure),
            below=conclusion(change.before, benefit),
            above=conclusion(change.after, benefit),
        )


def _furthest(measure: Measure) -> float | None:
    """Effects beyond are not assumed of anybody: a ratio of 100, five SDs, all against none."""
    return math.log(100) if measure.is_ratio else {"SD": 5.0, "risk": 1.0}.get(measure.unit)


def _nothing(reason: str) -> MissingEffect:
    return MissingEffect(curve=MISSING_EFFECT.frame(), facts=Unanswered(reason=reason))


def settings_of(case: Case, k: int) -> Model:
    """The model that leads with the k trials of an analysis, for more of which some have no counts.

    With one trial, that of two.
    """
    return without_counts(case.leading.of(max(2, k)))


def benefit_of(case: Case) -> int:
    """The side of no difference on which an effect is a benefit."""
    return BELOW if case.outcome.better == "lower" else ABOVE


def analysis_scale(case: Case, studies: pd.DataFrame) -> tuple[float, float, float]:
    """Estimate and interval of the analysis as it stands, ratios as logs; NaN if it has none."""
    now = case.leading.fit(studies, case.measure)
    back = measure_of(case.measure).analysed
    return back(now.estimate), back(now.ci_low), back(now.ci_high)


def conclusion(side: int, benefit: int) -> str:
    """What an interval says, in a word."""
    return INCLUDES if side == ACROSS else BENEFIT if side == benefit else HARM


def _answers(
    changes: Tipping, side: int, estimate: float, benefit: int, threshold: float | None
) -> list[TippingAnswer]:
    """The questions that fit the analysis' conclusion, and the effect that answers each."""
    out: list[TippingAnswer] = []

    def ask(question: str, wanted: Callable[[int], bool], *, passing: bool = False) -> bool:
        places = (
            (changes.passes, changes.pass_at_null)
            if passing
            else (changes.sides, changes.side_at_null)
        )
        at_null, at = nearest(*places, wanted)
        out.append(
            TippingAnswer(question=question, reached=at is not None, at_null=at_null, assumed=at)
        )
        return at_null

    if changes.reasons:
        return []
    if side == ACROSS:
        ask("interval excludes no difference, benefit", lambda s: s == benefit)
        ask("interval excludes no difference, harm", lambda s: s == -benefit)
    elif ask("interval no longer excludes no difference", lambda s: s != side):
        ask("interval still excludes no difference", lambda s: s == side)
    if threshold is not None:
        reaching = int(math.copysign(1, threshold))
        if abs(estimate) < abs(threshold):
            ask("estimate reaches the important difference", lambda s: s == reaching, passing=True)
        elif ask(
            "estimate no longer reaches the important difference",
            lambda s: s == -reaching,
            passing=True,
        ):
            question = "estimate still reaches the important difference"
            ask(question, lambda s: s != -reaching, passing=True)
    return out


def _grid(places: list[float], others: list[float]) -> Array:
    """Assumed effects that show what is of interest, those of interest among them."""
    low, high = min(places), max(places)
    aside = _ASIDE * (high - low)
    low, high = low - aside, high + aside
    marks = [x for x in (*places, *others) if low <= x <= high]
    points = np.sort(np.concatenate([np.linspace(low, high, _POINTS), marks]))
    # A mark may equal a point of the grid but for its last bit, which differs between machines.
    apart = np.diff(points, prepend=-np.inf) > _SAME * (high - low)
    return np.asarray(points[apart])


def _curve(fits: PooledMany | PosteriorMany, assumed: Array, measure: str) -> pd.DataFrame:
    # At a place where the conclusion changes a limit is 0 but for rounding.
    width = fits.ci_ub - fits.ci_lb
    limits = (np.where(abs(x) < _SAME * width, 0.0, x) for x in (fits.ci_lb, fits.ci_ub))
    columns = (assumed, fits.beta, *limits)
    values = [[shown(float(x), measure) for x in column] for column in columns]
    return pd.DataFrame(dict(zip(MISSING_EFFECT.names, values, strict=True)))


def _point(
    refit: Callable[[Array], PooledMany | PosteriorMany], assumed: float, measure: str, benefit: int
) -> AssumedEffect:
    fits = refit(np.array([assumed]))
    side = int(side_of(fits.ci_lb, fits.ci_ub)[0])
    row = tables.records(_curve(fits, np.array([assumed]), measure))[0]
    return AssumedEffect(**row, conclusion=conclusion(side, benefit))


def _shown(value: float | None, measure: str) -> float | None:
    return None if value is None else shown(value, measure)
