"""The rules of proposal, one for each domain of GRADE; docs/certainty.md says them in words.

A proposal, never a judgement. Every rule reads finished results: nothing is fitted here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import inf, isnan, sqrt

import numpy as np
from scipy.special import ndtri

from trialpool import phrases as say
from trialpool import tables
from trialpool import words as w
from trialpool.conclusions import ABOVE, ACROSS, BELOW, marks_of, side_of
from trialpool.effects import measure_of
from trialpool.review.certainty.body import (
    MOST,
    PART,
    BodyOfEvidence,
    Proposal,
    estimate_of,
    listed,
    reached,
    typed,
    zone_names,
)
from trialpool.review.certainty.indirectness import indirectness
from trialpool.review.certainty.information_size import information_size
from trialpool.review.choosing.people import size
from trialpool.terms import (
    IMPRECISION,
    INCONSISTENCY,
    INDIRECTNESS,
    MISSING_RESULTS,
    RISK_OF_BIAS,
)

# Below so many trials the predicted range rests on the prior of tau as well.
FEW = 5
# Upper over lower limit of a ratio, from which on an interval is too wide for any conclusion.
WIDE: Mapping[str, float] = {"RR": 3.0, "OR": 2.5, "PETO": 2.5}
# Share of the people known to be missing, in percent.
MISSING_SHARE = 10.0

_QUANTILE = float(ndtri(0.975))


def propose(body: BodyOfEvidence) -> dict[str, Proposal]:
    """What the rules propose, by domain, in the order of GRADE."""
    if not body.result.k:
        return dict.fromkeys(RULES, Proposal(change=None, reason="no trial is in the analysis"))
    return {domain: rule(body) for domain, rule in RULES.items()}


def risk_of_bias(body: BodyOfEvidence) -> Proposal:
    """By the share of the weight at high risk, and of that not at low risk.

    Where the interval reaches the same zones without the trials at high risk, only the others
    are judged.
    """
    high, rest, low = bias_shares(body)
    said = (
        f"{w.percent(high)} of the weight is at high risk of bias and {w.percent(rest)} has some "
        "concerns or was not judged"
    )
    numbers = f"high {w.percent(high)}; some concerns or not judged {w.percent(rest)}"
    if high and rest + low and _keeps_zones_without_high(body):
        said += "; without the trials at high risk the interval reaches the same zones, so that "
        said += "only the others are judged"
        numbers += "; same zones without high"
        high, rest = 0.0, 100 * rest / (rest + low)
    change = -2 if high >= MOST else -1 if high >= PART or high + rest >= MOST else 0
    return Proposal(change=change, reason=said, numbers=typed(numbers))


def bias_shares(body: BodyOfEvidence) -> tuple[float, float, float]:
    """The weight at high risk of bias, with some concerns or not judged, and at low, in percent.

    A single trial, which has no weight since nothing is pooled, carries all of it.
    """
    shares = {"high": 0.0, "rest": 0.0, "low": 0.0}
    for row in tables.records(body.weights[body.weights["by"] == "risk of bias"]):
        level = row["level"] if row["level"] in ("high", "low") else "rest"
        shares[level] += 100.0 if isnan(row["weight"]) else row["weight"]
    return shares["high"], shares["rest"], shares["low"]


def _keeps_zones_without_high(body: BodyOfEvidence) -> bool:
    """Whether the analysis with and without trials at high risk reaches the same zones.

    Both are rows of the multiverse, with the protocol's level of every other choice.
    """
    levels = {each.name: each.levels for each in body.result.multiverse.factors}
    if "risk_of_bias" not in levels:
        return False
    protocol = {name: first for name, (first, *_) in levels.items()}
    without = protocol | {"risk_of_bias": levels["risk_of_bias"][-1]}
    zones = _zones_under(body, protocol)
    return bool(zones) and zones == _zones_under(body, without)


def _zones_under(body: BodyOfEvidence, choices: Mapping[str, str]) -> frozenset[int]:
    """The zones that the interval reaches under choices of the multiverse; none if it has none."""
    rows = body.multiverse
    for name, level in choices.items():
        rows = rows[rows[name] == level]
    limits = [(row["ci_low"], row["ci_high"]) for row in tables.records(rows)]
    return reached(body.result, *limits[0]) if limits else frozenset()


def inconsistency(body: BodyOfEvidence) -> Proposal:
    """By the zones that the predicted range of true effects reaches and the interval does not."""
    result, shown = body.result, body.result.display
    if not body.compares:
        return _not_compared()
    if result.k == 1:
        said = "one trial: whether trials differ cannot be told"
        return Proposal(change=0, reason=said, numbers="k = 1")
    low, high, how = predicted_range(body)
    predicted, limits = reached(result, low, high), say.interval(result, low, high)
    numbers = typed(f"k = {result.k}; {estimate_of(result)}; predicted {limits}")
    if not predicted:
        return Proposal(change=None, reason=f"not judged: {how}", numbers=numbers)
    zones = reached(result, shown.ci_low, shown.ci_high)
    further, both = predicted - zones, {BELOW, ABOVE}
    # Without a threshold, sides of no effect are no important benefit or harm.
    opposed = result.important is not None and both <= predicted and not both <= zones
    change = -2 if opposed else -1 if further else 0
    said = f"true effects are predicted from {limits} ({how}), "
    if further:
        said += f"which reaches {listed(result, further)} besides what the interval reaches"
    else:
        said += "within what the interval reaches"
    return Proposal(change=change, reason=f"{said}: {listed(result, zones)}", numbers=numbers)


def predicted_range(body: BodyOfEvidence) -> tuple[float, float, str]:
    """Between which limits 95 % of true effects are predicted, display scale, and from what.

    The prediction interval; with fewer than five trials, or without one, the range at the
    posterior median of tau: the estimate at that tau with the errors of both (NaN without it).
    """
    result, posterior = body.result, body.result.posterior
    shown = result.display
    if result.k >= FEW and not isnan(shown.pi_low):
        return shown.pi_low, shown.pi_high, "prediction interval"
    if posterior is None:
        return float("nan"), float("nan"), "there is no prediction interval and no Bayesian model"
    yi, vi = (body.studies[name].to_numpy(float) for name in ("yi", "vi"))
    used = ~np.isnan(yi) & ~np.isnan(vi)
    weights = 1 / (vi[used] + posterior.tau**2)
    mean = float(weights @ yi[used] / weights.sum())
    reach = _QUANTILE * sqrt(posterior.tau**2 + 1 / float(weights.sum()))
    measure = measure_of(result.measure)
    limits = sorted((measure.shown(mean - reach), measure.shown(mean + reach)))
    return limits[0], limits[1], f"at the posterior median of tau, {posterior.tau:.2f}"


def imprecision(body: BodyOfEvidence) -> Proposal:
    """By the thresholds that the interval crosses, its width, and the optimal information size."""
    result, shown = body.result, body.result.display
    if not body.compares:
        return _not_compared()
    crossed, width = _crossed(body), _width(body)
    wide = width > WIDE.get(result.measure, inf)
    needed = information_size(result, body.studies)
    said = f"the interval, {say.interval(result, shown.ci_low, shown.ci_high)}, crosses "
    thresholds = "the thresholds of" if len(crossed) > 1 else "the threshold of"
    said += f"{thresholds} {w.listed(crossed)}" if crossed else "no threshold"
    if wide:
        said += f"; its limits are {w.ratio(width)} times apart"
    if isnan(needed.people):
        said += f"; how many people are needed is not known: {needed.basis}"
    else:
        said += f"; {body.people} people where {needed.people:.0f} are needed ({needed.basis})"
    if len(crossed) == 3:
        change = -3
    elif wide or len(crossed) == 2:
        change = -2
    else:
        # Where the number needed is not known (NaN), it is not met.
        change = 0 if not crossed and body.people >= needed.people else -1
    numbers = f"n = {body.people}; needed {w.whole(needed.people)}; {estimate_of(result)}"
    return Proposal(change=change, reason=said, numbers=typed(numbers))


def _crossed(body: BodyOfEvidence) -> list[str]:
    """The thresholds inside the interval, in words; a limit on one crosses it."""
    marks, shown, names = marks_of(body.result), body.result.display, zone_names(body.result)
    at = {names[BELOW]: marks.lower, "no effect": marks.null, names[ABOVE]: marks.upper}
    return [
        name
        for name, value in at.items()
        if value is not None and side_of(shown.ci_low, shown.ci_high, value) == ACROSS
    ]


def _width(body: BodyOfEvidence) -> float:
    """Upper over lower limit of a ratio; NaN of anything else."""
    shown = body.result.display
    if not measure_of(body.result.measure).is_ratio:
        return float("nan")
    return shown.ci_high / shown.ci_low if shown.ci_low > 0 else inf


def missing_results(body: BodyOfEvidence) -> Proposal:
    """By the people known to be missing, what they could change, and asymmetry."""
    result = body.result
    sizes = [size(r) for r in tables.records(body.missing) if r["status"] != "ongoing"]
    people = int(sum(n for n in sizes if not isnan(n)))
    unknown = sum(map(isnan, sizes))
    total = people + body.people
    share = 100 * people / total if total else 0.0
    reasons = [
        f"{people} of {total} people ({w.beside(share / 100, MISSING_SHARE / 100)}) are known "
        "to be missing"
    ]
    numbers = [f"missing {people} of {total}"]
    if unknown:
        reasons[0] += f", besides {w.count(unknown, 'trial')} of unknown size"
        numbers.append(f"of unknown size {unknown}")
    turned = _what_if_turns(body)
    if turned is not None and result.what_if is not None:
        does = "reaches other zones" if turned else "reaches the same zones"
        said = say.effect(result, result.what_if)
        reasons.append(f"had those that can be added found nothing, the result, {said}, {does}")
        numbers.append(f"if null {said}")
    tests = result.trust.small_studies
    asymmetric: Sequence[str] = tests.asymmetric if tests else ()
    if asymmetric:
        reasons.append(f"small trials differ from large ones ({w.listed(asymmetric)})")
        numbers.append("asymmetry")
    elif tests:
        reasons.append("no test sees that small trials differ from large ones")
    lowered = share >= MISSING_SHARE or turned or asymmetric
    numbers.append(estimate_of(result))
    return Proposal(
        change=-1 if lowered else 0, reason="; ".join(reasons), numbers=typed("; ".join(numbers))
    )


def _what_if_turns(body: BodyOfEvidence) -> bool | None:
    """Whether the zones are others with the missing trials at no effect; None if none is added."""
    result, added = body.result, body.result.what_if
    if added is None or not body.compares:
        return None
    shown = result.display
    return reached(result, added.ci_low, added.ci_high) != reached(
        result, shown.ci_low, shown.ci_high
    )


def _not_compared() -> Proposal:
    reason = "not judged: there is no interval of a comparison"
    return Proposal(change=None, reason=reason, numbers="no interval")


RULES: Mapping[str, Callable[[BodyOfEvidence], Proposal]] = {
    RISK_OF_BIAS: risk_of_bias,
    INCONSISTENCY: inconsistency,
    INDIRECTNESS: indirectness,
    IMPRECISION: imprecision,
    MISSING_RESULTS: missing_results,
}
