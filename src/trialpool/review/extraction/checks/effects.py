"""Effects beside other effects: which way a trial's results point, and how far from others'."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from math import log, sqrt
from statistics import median
from typing import NamedTuple

from trialpool.review.extraction.checks.index import COMPARISON, Index, grouped, having, number
from trialpool.review.extraction.checks.precision import contrast_sds
from trialpool.review.extraction.checks.registry import Finding, warning
from trialpool.review.extraction.checks.sds import Sds, doubted, sd_of
from trialpool.review.extraction.checks.sizes import MOST_SDS
from trialpool.review.extraction.read import Row, Sheet, Value

# A trial's results in SDs: apart by this much, and on the other side by this much.
TURNED, CLEAR = 0.8, 0.2
# Beside at least so many other trials: distance in standard errors of a new trial's effect.
ENOUGH_TRIALS, UNLIKE = 4, 3.5
# Two doses of one drug: distance of their log odds in standard errors.
DOSES_APART = 3.0
# What is given to both arms or to neither beside the drug; other comparators have other effects.
_ALIKE = ("placebo", "active_placebo", "same_ect")


class _Effect(NamedTuple):
    """An experimental arm against a control arm, in SDs or as a log odds ratio."""

    sheet: Sheet
    row: Row
    column: str
    arms: tuple[Value, Value]
    value: float
    variance: float
    others: tuple[Row, ...]


def _effects(index: Index) -> list[_Effect]:
    return [*_of_arms(index), *_of_contrasts(index)]


def _of_arms(index: Index) -> Iterator[_Effect]:
    odd = index.shared(doubted)
    for rows in grouped(index.used("results"), COMPARISON).values():
        for row in rows:
            for other in rows:
                arms = row["arm_id"], other["arm_id"]
                roles = [index.role(row["trial_id"], arm) for arm in arms]
                if roles != ["experimental", "control"] or row["outcome_type"] == "baseline":
                    continue
                if row["row"] in odd or other["row"] in odd:
                    continue
                counted = row["outcome_type"] == "event"
                size = _log_odds(row, other) if counted else _standardised(row, other)
                if size:
                    column = "event" if counted else "mean"
                    yield _Effect(index["results"], row, column, arms, *size, (other,))


def _log_odds(row: Row, other: Row) -> tuple[float, float] | None:
    cells = []
    for each in having((row, other), "event", "totaln"):
        event, total = number(each, "event"), number(each, "totaln")
        cells += [event + 0.5, max(0.0, total - event) + 0.5]
    if len(cells) < 4:
        return None
    a, b, c, d = cells
    return log(a * d / (b * c)), sum(1 / cell for cell in cells)


def _standardised(row: Row, other: Row) -> tuple[float, float] | None:
    sds = [sd_of(each) for each in having((row, other), "mean", "n") if number(each, "n") > 1]
    if len(sds) < 2 or sds[0] is None or sds[1] is None:
        return None
    n1, n2 = number(row, "n"), number(other, "n")
    sd = sqrt(((n1 - 1) * sds[0].value ** 2 + (n2 - 1) * sds[1].value ** 2) / (n1 + n2 - 2))
    d = (number(row, "mean") - number(other, "mean")) / sd
    return d, 1 / n1 + 1 / n2 + d * d / (2 * (n1 + n2))


def _of_contrasts(index: Index) -> Iterator[_Effect]:
    """Reported differences of means; in points divided by the SD of the trial, of others, or by
    what their own SE says of it.
    """
    sds = index.shared(Sds)
    behind = {row["row"]: sd for row, sd, *_ in index.shared(contrast_sds)}
    for row in having(index.used("contrasts"), "estimate", "n_experimental", "n_control"):
        value = number(row, "estimate")
        if row["contrast"] == "control-experimental":
            value = -value
        if row["effect_measure"] == "MD":
            mine = [sd.value for sd in sds.of_arms(row["trial_id"], row["instrument"])]
            usual = sds.usual({**row, "outcome_type": "msd"})
            sd = median(mine) if mine else usual or behind.get(row["row"])
            if not sd:
                continue
            value /= sd
        elif row["effect_measure"] not in ("D", "G"):
            continue
        n1, n2 = number(row, "n_experimental"), number(row, "n_control")
        variance = 1 / n1 + 1 / n2 + value * value / (2 * (n1 + n2))
        arms = row["experimental_arm"], row["control_arm"]
        yield _Effect(index["contrasts"], row, "estimate", arms, value, variance, ())


@warning(
    "Check which arm is which, the direction of the difference, and the means",
    flag="the result points the other way than the trial's others",
)
def effect_turned(index: Index) -> Iterator[Finding]:
    """A trial's effects on one outcome point the same way at all times and on all its scales, if
    they are far apart.
    """
    for group in _by_outcome(index.shared(_effects)).values():
        # Of two it cannot be said which is wrong: one of them is told.
        for effect in group[-1:] if len(group) == 2 else group:
            rest = [other.value for other in group if other.row is not effect.row]
            if not rest or effect.column == "event":
                continue
            usual = median(rest)
            far = abs(effect.value - usual) >= TURNED
            far = far and min(abs(effect.value), abs(usual)) >= CLEAR
            if far and effect.value * usual < 0:
                rule = (
                    f"experimental - control is {effect.value:.2g} SDs here, but {usual:.2g} in "
                    f"the trial's other results of {effect.row['outcome']}"
                )
                yield Finding(effect.sheet, effect.row, effect.column, rule, others=effect.others)


def _by_outcome(effects: Sequence[_Effect]) -> dict[tuple[Value, ...], list[_Effect]]:
    out: dict[tuple[Value, ...], list[_Effect]] = {}
    for effect in effects:
        key = (effect.row["trial_id"], effect.row["outcome"], *effect.arms)
        out.setdefault(key, []).append(effect)
    return out


@warning(
    "Check event and totaln of both arms in the source",
    flag="two arms of one drug have very different counts",
)
def doses_far_apart(index: Index) -> Iterator[Finding]:
    """Two arms of one drug in a trial do not differ in an event by more than doses explain."""
    rows = [row for row in index.used("results") if row["outcome_type"] == "event"]
    for arms in grouped(rows, COMPARISON).values():
        for one, other in combinations(arms, 2):
            drugs = {
                index.arms.get((row["trial_id"], row["arm_id"]), {}).get("drug")
                for row in (one, other)
            }
            size = _log_odds(one, other) if len(drugs) == 1 and None not in drugs else None
            if size and abs(size[0]) >= DOSES_APART * sqrt(size[1]):
                rule = (
                    f"{one['event']} of {one['totaln']} here, but {other['event']} of "
                    f"{other['totaln']} in the other arm of {drugs.pop()} (row {other['row']})"
                )
                yield Finding(index["results"], one, "event", rule, others=(other,))


@warning(
    "Check the numbers and the arms in the source",
    flag="the effect is far from those of all other trials",
)
def effect_unlike_other_trials(index: Index) -> Iterator[Finding]:
    """A trial's effect on an outcome is not far from where those of the other trials with such a
    comparator, and their spread, let it be expected.
    """
    of_outcome: dict[tuple[Value, bool], dict[Value, list[_Effect]]] = {}
    for effect in index.shared(_effects):
        control = index.arms.get((effect.row["trial_id"], effect.arms[1]), {})
        if control.get("comparator_class") in _ALIKE and _is_plain(effect):
            key = effect.row["outcome"], effect.column == "event"
            of_outcome.setdefault(key, {}).setdefault(effect.row["trial_id"], []).append(effect)
    for trials in of_outcome.values():
        if len(trials) <= ENOUGH_TRIALS:
            continue
        for effects, (mean, variance) in zip(trials.values(), _expected(trials), strict=True):
            for effect in effects:
                far = (effect.value - mean) / sqrt(effect.variance + variance)
                if abs(far) >= UNLIKE:
                    counted = effect.column == "event"
                    what, unit = ("a log odds ratio", "") if counted else ("a difference", " SDs")
                    rule = (
                        f"{what} of {effect.value:.2g}{unit}, {abs(far):.1f} standard errors from "
                        f"the {mean:.2g}{unit} of {len(trials) - 1} other trials"
                    )
                    at = effect.sheet, effect.row, effect.column
                    yield Finding(*at, rule, others=effect.others)


def _is_plain(effect: _Effect) -> bool:
    """Whether no other check tells that it is large."""
    return effect.column == "event" or abs(effect.value) <= MOST_SDS


def _expected(trials: Mapping[Value, Sequence[_Effect]]) -> list[tuple[float, float]]:
    """For each trial the mean of the others, and the variance of another true effect around it."""
    # numpy and scipy come with it; a review of few trials does without.
    import numpy as np

    from trialpool.pooling.batch import pool_many

    yi, vi = (
        np.array([median(getattr(effect, name) for effect in each) for each in trials.values()])
        for name in ("value", "variance")
    )
    others = pool_many(yi, vi, ~np.eye(len(yi), dtype=bool), tau2="DL")
    return list(zip(others.beta.tolist(), (others.se**2 + others.tau2).tolist(), strict=True))
