"""The verdict of an analysis: what it concludes, whether that holds, and what threatens it most.

Every rule is one function below; docs/verdict.md says the same in words. The rules read model.json
alone, so each verdict can be traced to the numbers that stand there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from trialpool.review.report import wording as w

Model = Mapping[str, Any]


class Gravity(IntEnum):
    """How much a threat matters: it turns the conclusion, it could, or it is a caution."""

    CAUTION = 1
    COULD = 2
    TURNS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Threat:
    """What threatens a result: a name, how much, and the numbers behind it in words."""

    name: str
    gravity: Gravity
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is said of one analysis; `threats` are all that were found, the gravest first.

    `line` is `told` with the estimate before it.
    """

    conclusion: str
    robust: str
    threats: tuple[Threat, ...]
    told: str
    line: str


# Thresholds of the rules, each with its reason in docs/verdict.md.
AGREE = 0.95  # share of specifications with the same conclusion
AGREE_LITTLE = 0.80
HALF = 50.0  # percent of the weight, or of the people
COVERAGE = 0.93  # of a 95 % interval
FEW_EVENTS = 5  # people whose outcome turns a result
FEW_TRIALS = 5
MUCH_SPREAD = 75.0  # I2, percent

UNDECIDED = "undecided"
NOT_JUDGED = "cannot be told"
_ROBUST = {
    "yes": "robust to all that was tried",
    "no": "not robust",
    NOT_JUDGED: "whether it is robust cannot be told",
}
SECOND_HAND = "not from the trial's own report"


def verdict(model: Model) -> Verdict:
    """The verdict of an analysis from its model.json."""
    found = conclusion(model)
    if model["k"] == 0:
        told = "No trial: the question stands open."
        return Verdict(conclusion=found, robust="", threats=(), told=told, line=told)
    threats = sorted(
        (threat for rule in RULES if (threat := rule(model)) is not None),
        key=lambda threat: -threat.gravity,
    )
    robust = _robust(model, threats)
    if model["k"] == 1:
        words = "one trial, so nothing can be said of how robust it is"
    elif found == UNDECIDED and robust == "yes":
        words = "and so in all that was tried"
    else:
        words = _ROBUST[robust]
    parts = [found, words]
    if threats:
        parts.append(f"threatened most by {threats[0].name}: {threats[0].text}")
    told = "; ".join(parts) + "."
    return Verdict(
        conclusion=found,
        robust=robust,
        threats=tuple(threats),
        told=w.capital(told),
        line=f"{w.short_measure(model)} {w.effect(model, model['display'])}: {told}",
    )


def conclusion(model: Model) -> str:
    """What the interval says: a direction, no difference that matters, or undecided."""
    if model["k"] == 0:
        return "no trial"
    shown = model["display"]
    if w.excludes(model, shown):
        above = w.number(shown["estimate"]) > w.null(model)
        if w.is_events(model):
            return f"{'more' if above else 'less'} frequent with {w.drug(model)}"
        return f"{'higher' if above else 'lower'} with {w.drug(model)}"
    matters = model["important"]
    if matters is not None:
        low, high = (_scaled(model, shown[name]) for name in ("ci_low", "ci_high"))
        if -matters < low and high < matters:
            return "no difference that matters"
    return UNDECIDED


def _robust(model: Model, threats: list[Threat]) -> str:
    gravest = max((threat.gravity for threat in threats), default=0)
    if gravest == Gravity.TURNS:
        return "no"
    return NOT_JUDGED if gravest == Gravity.COULD or model["k"] < 2 else "yes"


def side(model: Model, row: Mapping[str, Any]) -> int:
    """On which side of no difference an interval lies: -1, 0 where it includes it, or 1."""
    if not w.excludes(model, row):
        return 0
    return 1 if w.number(row["ci_low"]) >= w.null(model) else -1


def _turns(model: Model, row: Mapping[str, Any] | None) -> bool:
    """Whether another result draws another conclusion than the one shown."""
    if row is None or math.isnan(w.number(row["ci_low"])):
        return False
    return side(model, row) != side(model, model["display"])


def _scaled(model: Model, held: object) -> float:
    value = w.number(held)
    return math.log(value) if w.is_ratio(model) and value > 0 else value


def missing_trials(model: Model) -> Threat | None:
    """Missing trials that would turn it at no effect, or that are larger than what is there."""
    joint, largest = model["what_if"], model["largest_missing"]
    if joint and _turns(model, joint):
        return Threat(
            name="missing trials",
            gravity=Gravity.TURNS,
            text=f"had the {w.count(len(joint['trials']), 'trial')} that can be added found "
            f"nothing, it would be {w.effect(model, joint)}",
        )
    if largest is None or not w.number(largest["n"]) >= HALF / 100 * model["n"]:
        return None
    size = (
        "more people than all trials here together"
        if largest["n"] > model["n"]
        else "at least half as many people as all trials here together"
    )
    then = ""
    if largest["estimate"] is not None:
        then = f"; had it found nothing, it would be {w.effect(model, largest)}"
    return Threat(
        name="missing trials",
        gravity=Gravity.COULD,
        text=f"{largest['study']} (n = {w.whole(largest['n'])}), {size}, has no usable numbers"
        f"{then}",
    )


def choices(model: Model) -> Threat | None:
    """Other defensible analyses of the same data that conclude otherwise."""
    found = model["trust"]["multiverse"]
    if found is None or found["specifications"] < 2:
        return None
    agree = found["share_same_conclusion"]
    if agree >= AGREE:
        return None
    most = found["turned_most_by"]
    by = f", which hangs most on the choice of “{w.inner(most)}”" if most else ""
    return Threat(
        name="the choices of the analysis",
        gravity=Gravity.TURNS if agree < AGREE_LITTLE else Gravity.COULD,
        text=f"{w.percent(100 * (1 - agree))} of {found['distinct']:,} declared analyses conclude "
        f"otherwise{by}",
    )


def one_trial(model: Model) -> Threat | None:
    """A single trial that decides the conclusion."""
    found = model["trust"]["influence"]
    if found is None or not found["turns"]:
        return None
    names = found["turns"]
    if len(names) == 1:
        first = found["without"][names[0]]
        text = f"without {names[0]} it would be {w.effect(model, first)}"
    else:
        text = f"without any one of {w.listed(names)} it would conclude otherwise"
    return Threat(name="a single trial", gravity=Gravity.TURNS, text=text)


def flagged(model: Model) -> Threat | None:
    """Data that a check marked as unlikely, where much of the result rests on them."""
    share = model["trust"]["weights"].get("flagged", 0.0)
    names = model["trust"]["flagged"]
    if not names:
        return None
    grave = share >= HALF or model["k"] == 1
    rests = "the trial" if model["k"] == 1 else f"{w.percent(share)} of the weight"
    return Threat(
        name="data that look wrong",
        gravity=Gravity.COULD if grave else Gravity.CAUTION,
        text=f"{rests} is marked by the checks ({w.listed(names)})",
    )


def small_studies(model: Model) -> Threat | None:
    """Small trials that tell another story, where ten or more allow to look."""
    found = model["trust"]["small_studies"]
    if found is None:
        return None
    if found["turns"]:
        return Threat(
            name="small-study effects",
            gravity=Gravity.TURNS
            if 2 * len(found["turns"]) > found["estimates"]
            else Gravity.COULD,
            text=f"{len(found['turns'])} of {found['estimates']} estimates that allow for them "
            f"conclude otherwise ({w.listed(found['turns'])})",
        )
    if found["asymmetric"]:
        return Threat(
            name="small-study effects",
            gravity=Gravity.CAUTION,
            text=f"the funnel is asymmetric by {w.listed(found['asymmetric'])}",
        )
    return None


def people(model: Model) -> Threat | None:
    """Counts that a handful of people could turn."""
    found = model["trust"]["fragility"]
    if found is None or found["index"] is None or found["index"] > FEW_EVENTS:
        return None
    n = found["index"]
    return Threat(
        name="a few people",
        gravity=Gravity.COULD,
        text=f"another outcome in {w.count(n, 'person').replace('persons', 'people')} would turn "
        "the conclusion",
    )


def prediction(model: Model) -> Threat | None:
    """An effect on average that a new setting may not see."""
    shown = model["display"]
    low, high = w.number(shown["pi_low"]), w.number(shown["pi_high"])
    if not w.excludes(model, shown) or math.isnan(low) or not low <= w.null(model) <= high:
        return None
    return Threat(
        name="differences between trials",
        gravity=Gravity.COULD,
        text=f"a new trial's true effect is predicted within {w.interval(model, low, high)}, "
        "which includes no difference",
    )


def risk_of_bias(model: Model) -> Threat | None:
    """Trials at high risk of bias that carry the result."""
    high = model["trust"]["weights"].get("high risk of bias", 0.0)
    if high <= 0:
        return None
    return Threat(
        name="risk of bias",
        gravity=Gravity.COULD if high >= HALF else Gravity.CAUTION,
        text=f"{w.percent(high)} of the weight is from trials at high risk of bias",
    )


def sources(model: Model) -> Threat | None:
    """Numbers that nobody here saw in the trial's own report."""
    second = model["trust"]["weights"].get(SECOND_HAND, 0.0)
    if second < HALF:
        return None
    return Threat(
        name="second-hand numbers",
        gravity=Gravity.COULD,
        text=f"{w.percent(second)} of the weight is known only from abstracts or other reviews",
    )


def coverage(model: Model) -> Threat | None:
    """An interval that holds the truth less often than it says."""
    found = model["trust"]["coverage"]
    if found is None or found["confidence"] is None or found["confidence"][0] >= COVERAGE:
        return None
    lowest = w.percent(100 * found["confidence"][0])
    return Threat(
        name="an interval that is too narrow",
        gravity=Gravity.COULD if w.excludes(model, model["display"]) else Gravity.CAUTION,
        text=f"in simulated reviews of such trials the 95 % interval held the truth in only "
        f"{lowest} where trials differ most",
    )


def few(model: Model) -> Threat | None:
    """Too few trials to learn how far they differ."""
    k = model["k"]
    if k >= FEW_TRIALS:
        return None
    if k == 1:
        return Threat(
            name="a single trial", gravity=Gravity.COULD, text="no other trial has tested this"
        )
    return Threat(
        name="few trials",
        gravity=Gravity.CAUTION,
        text=f"{w.count(k, 'trial')} cannot show how far trials differ",
    )


def spread(model: Model) -> Threat | None:
    """Trials that differ more than chance explains."""
    i2 = w.number((model["pooled"] or {}).get("i2"))
    if not i2 > MUCH_SPREAD:
        return None
    return Threat(
        name="differences between trials",
        gravity=Gravity.CAUTION,
        text=f"trials differ far beyond chance (I² {w.percent(i2)})",
    )


# In the order in which ties are broken.
RULES: tuple[Callable[[Model], Threat | None], ...] = (
    missing_trials,
    one_trial,
    choices,
    small_studies,
    flagged,
    prediction,
    people,
    risk_of_bias,
    sources,
    coverage,
    few,
    spread,
)
