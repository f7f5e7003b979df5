"""The verdict of an analysis: what it concludes, whether that holds, and what threatens it most.

Every rule is one function below; docs/verdict.md says the same in words. The rules read the rest of
model.json alone, so each verdict can be traced to the numbers that stand there. It is made once,
when they are complete; summaries and pages read it from there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isnan
from typing import Any

from trialpool import phrases as say
from trialpool import words as w
from trialpool.conclusions import ABOVE, ACROSS, concluded, marks_of
from trialpool.trust_facts import Gravity, Threat, Verdict

Model = Mapping[str, Any]


# Thresholds of the rules, each with its reason in docs/verdict.md.
AGREE = 0.95  # share of specifications with the same conclusion
AGREE_LITTLE = 0.80
HALF = 50.0  # percent of the weight, or of the people
COVERAGE = 0.93  # of a 95 % interval
FEW_EVENTS = 5  # people whose outcome turns a result
FEW_TRIALS = 5
MUCH_SPREAD = 75.0  # I2, percent

UNDECIDED = "undecided"
NO_SIDE = "nothing is compared, so there is no side to be on"
NOT_JUDGED = "cannot be told"
_ROBUST = {
    "yes": "robust to all that was tried",
    "no": "not robust",
    NOT_JUDGED: "whether it is robust cannot be told",
}
SECOND_HAND = "not from the trial's own report"


def verdict(model: Model) -> Verdict:
    """The verdict of an analysis from all else that its model.json says."""
    says = conclusion(model)
    if model["k"] == 0:
        text = "No trial: the question stands open."
        return Verdict(conclusion=says, robust="", threats=(), text=text, line=text)
    threats = sorted(
        (threat for rule in RULES if (threat := rule(model)) is not None),
        key=lambda threat: -threat.gravity,
    )
    robust = "" if says == NO_SIDE else _robust(model, threats)
    if not robust:
        words = ""
    elif model["k"] == 1:
        words = "one trial, so nothing can be said of how robust it is"
    elif says == UNDECIDED and robust == "yes":
        words = "and so in all that was tried"
    else:
        words = _ROBUST[robust]
    parts = [says, words] if words else [says]
    if threats:
        parts.append(f"threatened most by {threats[0].name}: {threats[0].text}")
    text = "; ".join(parts) + "."
    return Verdict(
        conclusion=says,
        robust=robust,
        threats=tuple(threats),
        text=w.capital(text),
        line=f"{say.short_measure(model)} {say.effect(model, model['display'])}: {text}",
    )


def conclusion(model: Model) -> str:
    """What the interval says: a direction, no difference that matters, or undecided."""
    if model["k"] == 0:
        return "no trial"
    if isnan(say.null(model)):
        return NO_SIDE
    said = concluded(model)
    if said.excludes_null:
        return say.direction(model, above=said.side == ABOVE)
    return "no difference that matters" if said.excludes_important else UNDECIDED


def _robust(model: Model, threats: list[Threat]) -> str:
    gravest = max((threat.gravity for threat in threats), default=0)
    if gravest == Gravity.TURNS:
        return "no"
    return NOT_JUDGED if gravest == Gravity.COULD or model["k"] < 2 else "yes"


def missing_trials(model: Model) -> Threat | None:
    """Missing trials that would turn it at no effect, or that are larger than what is there."""
    joint, largest = model["what_if"], model["largest_missing"]
    if joint and concluded(model, joint).turns(concluded(model)):
        return Threat(
            name="missing trials",
            gravity=Gravity.TURNS,
            text=f"had the {w.count(len(joint['trials']), 'trial')} that can be added found "
            f"nothing, it would be {say.effect(model, joint)}",
        )
    if largest is None or not w.number(largest["n"]) >= HALF / 100 * model["n"]:
        return None
    size = (
        "more people than all trials here together"
        if largest["n"] > model["n"]
        else "at least half as many people as all trials here together"
    )
    then = ""
    if not isnan(w.number(largest["estimate"])):
        then = f"; had it found nothing, it would be {say.effect(model, largest)}"
    return Threat(
        name="missing trials",
        gravity=Gravity.COULD,
        text=f"{largest['study']} (n = {w.whole(largest['n'])}), {size}, has no usable numbers"
        f"{then}",
    )


def choices(model: Model) -> Threat | None:
    """Other defensible analyses of the same data that conclude otherwise."""
    tried = model["trust"]["multiverse"]
    if tried is None or tried["specifications"] < 2:
        return None
    agree = w.Share(**tried["same_conclusion"])
    if agree.part >= AGREE:
        return None
    most = tried["turned_most_by"]
    by = f", which hangs most on the choice of “{w.inner(most)}”" if most else ""
    return Threat(
        name="the choices of the analysis",
        gravity=Gravity.TURNS if agree.part < AGREE_LITTLE else Gravity.COULD,
        text=f"{agree.rest} declared analyses with an estimate conclude otherwise{by}",
    )


def one_trial(model: Model) -> Threat | None:
    """A single trial that decides the conclusion."""
    influence = model["trust"]["influence"]
    if influence is None or not influence["turns"]:
        return None
    names = influence["turns"]
    if len(names) == 1:
        first = influence["without"][names[0]]
        text = f"without {names[0]} it would be {say.effect(model, first)}"
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
    rests = "the trial" if model["k"] == 1 else f"{w.part(share / 100)} of the weight"
    return Threat(
        name="data that look wrong",
        gravity=Gravity.COULD if grave else Gravity.CAUTION,
        text=f"{rests} is marked by the checks ({w.listed(names)})",
    )


def small_studies(model: Model) -> Threat | None:
    """Small trials that tell another story, where ten or more allow to look."""
    small = model["trust"]["small_studies"]
    if small is None:
        return None
    turns = small["turns"]
    if turns:
        return Threat(
            name="small-study effects",
            gravity=Gravity.TURNS if 2 * len(turns) > small["estimates"] else Gravity.COULD,
            text=f"{len(turns)} of {small['estimates']} estimates that allow for them conclude "
            f"otherwise ({w.listed(turns)})",
        )
    if small["asymmetric"]:
        return Threat(
            name="small-study effects",
            gravity=Gravity.CAUTION,
            text=f"the funnel is asymmetric by {w.listed(small['asymmetric'])}",
        )
    return None


def people(model: Model) -> Threat | None:
    """Counts that a handful of people could turn."""
    n = (model["trust"]["fragility"] or {}).get("index")
    if n is None or n > FEW_EVENTS:
        return None
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
    new = marks_of(model).side(low, high)
    if not concluded(model).excludes_null or new != ACROSS:
        return None
    return Threat(
        name="differences between trials",
        gravity=Gravity.COULD,
        text=f"a new trial's true effect is predicted within {say.interval(model, low, high)}, "
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
        text=f"{w.part(high / 100)} of the weight is from trials at high risk of bias",
    )


def sources(model: Model) -> Threat | None:
    """Numbers that nobody here saw in the trial's own report."""
    second = model["trust"]["weights"].get(SECOND_HAND, 0.0)
    if second < HALF:
        return None
    return Threat(
        name="second-hand numbers",
        gravity=Gravity.COULD,
        text=f"{w.part(second / 100)} of the weight is known only from abstracts or other reviews",
    )


def coverage(model: Model) -> Threat | None:
    """An interval that holds the truth less often than it says."""
    shares = (model["trust"]["coverage"] or {}).get("confidence")
    if shares is None or shares[0] >= COVERAGE:
        return None
    return Threat(
        name="an interval that is too narrow",
        gravity=Gravity.COULD if concluded(model).excludes_null else Gravity.CAUTION,
        text=f"in simulated reviews of such trials the 95 % interval held the truth in only "
        f"{w.part(shares[0])} where trials differ most",
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
