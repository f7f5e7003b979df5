"""The verdict of an analysis: what it concludes, whether that holds, and what threatens it most.

Every rule is one function below; docs/verdict.md says the same in words. The rules read the rest of
model.json alone, so each verdict can be traced to the numbers that stand there. It is made once,
when they are complete; summaries and pages read it from there.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isnan, nan

from trialpool import phrases as say
from trialpool import words as w
from trialpool.analysis_result import UnjudgedResult
from trialpool.conclusions import ABOVE, ACROSS, concluded, marks_of, probable_side
from trialpool.review.choosing.sources import only, order_of
from trialpool.trust_facts import Gravity, Threat, Verdict

# Thresholds of the rules, each with its reason in docs/verdict.md.
AGREE = 0.95  # share of specifications with the same conclusion
AGREE_LITTLE = 0.80
HALF = 50.0  # percent of the weight, or of the people
COVERAGE = 0.93  # of a 95 % interval
FEW_EVENTS = 5  # people whose outcome turns a result
FEW_TRIALS = 5
MUCH_SPREAD = 75.0  # I2, percent

UNDECIDED = "undecided"
ONE_TRIAL = "one trial"
NO_SIDE = "nothing is compared, so there is no side to be on"
NOT_ASSESSED = "cannot be told"
_NOT_ROBUST = {
    "no": "not robust",
    NOT_ASSESSED: "whether it is robust cannot be told",
}
SECOND_HAND = "not from the trial's own report"


def verdict(result: UnjudgedResult) -> Verdict:
    """The verdict of an analysis from all else that its model.json says."""
    says = conclusion(result)
    if result.k == 0:
        text = "No trial: the question stands open."
        return Verdict(conclusion=says, robust="", threats=(), text=text, line=text)
    threats = sorted(
        (threat for rule in RULES if (threat := rule(result)) is not None),
        key=lambda threat: -threat.gravity,
    )
    robust = "" if says == NO_SIDE else _robust(result, threats)
    if not robust:
        words = ""
    elif result.k == 1:
        lead = "" if says.startswith(ONE_TRIAL) else f"{ONE_TRIAL}, so "
        words = f"{lead}nothing can be said of how robust it is"
    elif robust == "yes":
        most = "all" if _all_agree(result) else "nearly all"
        words = f"{'and so in' if says == UNDECIDED else 'robust to'} {most} that was tried"
    else:
        words = _NOT_ROBUST[robust]
    text = f"{says}; {words}." if words else f"{says}."
    if threats:
        text += f" Greatest threat: {threats[0].name}. {w.sentence(threats[0].text)}"
    return Verdict(
        conclusion=says,
        robust=robust,
        threats=tuple(threats),
        text=w.capital(text),
        line=f"{say.short_measure(result)} {say.effect(result, result.display)}: {text}",
    )


def conclusion(result: UnjudgedResult) -> str:
    """What the interval says: a direction, no difference that matters, or undecided."""
    if result.k == 0:
        return "no trial"
    if isnan(say.null(result)):
        return NO_SIDE
    said = concluded(result)
    if said.excludes_null:
        direction = say.direction(result, above=said.side == ABOVE)
        # What one trial found is its own: a second one tells how far trials differ.
        return f"{ONE_TRIAL}: {direction}" if result.k == 1 else direction
    if said.excludes_important:
        return "no difference that matters"
    side = probable_side(result)
    return UNDECIDED if side is None else f"probably {say.direction(result, above=side == ABOVE)}"


def _robust(result: UnjudgedResult, threats: list[Threat]) -> str:
    gravest = max((threat.gravity for threat in threats), default=0)
    if result.k < 2:
        return NOT_ASSESSED
    if gravest == Gravity.TURNS:
        return "no"
    return NOT_ASSESSED if gravest == Gravity.COULD else "yes"


def _all_agree(result: UnjudgedResult) -> bool:
    """Whether not one declared analysis concludes otherwise; a few may where it is robust."""
    tried = result.trust.multiverse
    return tried is None or tried.same_conclusion.part == 1


def missing_trials(result: UnjudgedResult) -> Threat | None:
    """Missing trials that would turn it at no effect, or that are larger than what is there."""
    joint, largest = result.what_if, result.largest_missing
    if joint and concluded(result, joint).turns(concluded(result)):
        return Threat(
            name="missing trials",
            gravity=Gravity.TURNS,
            text=f"had the {w.count(len(joint.trials), 'trial')} that can be added found "
            f"nothing, it would be {say.effect(result, joint)}",
        )
    if largest is None or result.n is None or largest.n < HALF / 100 * result.n:
        return None
    size = (
        "more people than all trials here together"
        if largest.n > result.n
        else "at least half as many people as all trials here together"
    )
    then = ""
    if not isnan(largest.estimate):
        then = f"; had it found nothing, it would be {say.effect(result, largest)}"
    return Threat(
        name="missing trials",
        gravity=Gravity.COULD,
        text=f"{largest.study} (n = {w.whole(largest.n)}), {size}, has no usable numbers{then}",
    )


def choices(result: UnjudgedResult) -> Threat | None:
    """Other defensible analyses of the same data that conclude otherwise."""
    tried = result.trust.multiverse
    if tried is None or tried.specifications < 2:
        return None
    agree = tried.same_conclusion
    if agree.part >= AGREE:
        return None
    most = tried.turned_most_by
    by = f", which hangs most on the choice of “{w.inner(most)}”" if most else ""
    return Threat(
        name="the choices of the analysis",
        gravity=Gravity.TURNS if agree.part < AGREE_LITTLE else Gravity.COULD,
        text=f"{agree.rest} declared analyses with an estimate conclude otherwise{by}",
    )


def other_choices(result: UnjudgedResult) -> Threat | None:
    """Rows of the sensitivity table that conclude otherwise; not all are equally defensible."""
    turned = say.turned(result)
    if not turned:
        return None
    labels = "; ".join(result.trust.other_choices.turned)
    return Threat(name="other choices", gravity=Gravity.COULD, text=f"{turned} ({labels})")


def one_trial(result: UnjudgedResult) -> Threat | None:
    """A single trial that decides the conclusion."""
    influence = result.trust.influence
    if influence is None or not influence.turns:
        return None
    names = influence.turns
    if len(names) == 1:
        first = influence.without[names[0]]
        text = f"without {names[0]} it would be {say.effect(result, first)}"
    else:
        which = "either of" if len(names) == 2 else "any one of"
        text = f"without {which} {w.listed(names)} it would conclude otherwise"
    return Threat(name="a single trial", gravity=Gravity.TURNS, text=text)


def flagged(result: UnjudgedResult) -> Threat | None:
    """Data that a check marked as unlikely, where much of the result rests on them."""
    share = result.trust.weights["flagged"]
    names = result.trust.flagged
    if not names:
        return None
    grave = share >= HALF or result.k == 1
    rests = "the trial" if result.k == 1 else f"{w.part(share / 100)} of the weight"
    return Threat(
        name="data that look wrong",
        gravity=Gravity.COULD if grave else Gravity.CAUTION,
        text=f"{rests} is marked by the checks ({w.listed(names)})",
    )


def small_studies(result: UnjudgedResult) -> Threat | None:
    """Small trials that tell another story, where ten or more allow to look."""
    small = result.trust.small_studies
    if small is None:
        return None
    turns = small.turns
    if turns:
        return Threat(
            name="small-study effects",
            gravity=Gravity.TURNS if 2 * len(turns) > small.estimates else Gravity.COULD,
            text=f"{len(turns)} of {small.estimates} estimates that allow for them conclude "
            f"otherwise ({w.listed(turns)})",
        )
    if small.asymmetric:
        return Threat(
            name="small-study effects",
            gravity=Gravity.CAUTION,
            text=f"the funnel is asymmetric by {w.listed(small.asymmetric)}",
        )
    return None


def people(result: UnjudgedResult) -> Threat | None:
    """Counts that a handful of people could turn."""
    fragility = result.trust.fragility
    if fragility is None or fragility.index is None or fragility.index > FEW_EVENTS:
        return None
    n = fragility.index
    return Threat(
        name="a few people",
        gravity=Gravity.COULD,
        text=f"another outcome in {w.count(n, 'person').replace('persons', 'people')} would turn "
        "the conclusion",
    )


def prediction(result: UnjudgedResult) -> Threat | None:
    """An effect on average that a new setting may not see."""
    shown = result.display
    low, high = shown.pi_low, shown.pi_high
    new = marks_of(result).side(low, high)
    if not concluded(result).excludes_null or new != ACROSS:
        return None
    return Threat(
        name="differences between trials",
        gravity=Gravity.COULD,
        text=f"a new trial's true effect is predicted within {say.interval(result, low, high)}, "
        "which includes no difference",
    )


def risk_of_bias(result: UnjudgedResult) -> Threat | None:
    """Trials at high risk of bias that carry the result."""
    high = result.trust.weights["high risk of bias"]
    if high <= 0:
        return None
    return Threat(
        name="risk of bias",
        gravity=Gravity.COULD if high >= HALF else Gravity.CAUTION,
        text=f"{w.part(high / 100)} of the weight is from trials at high risk of bias",
    )


def sources(result: UnjudgedResult) -> Threat | None:
    """Numbers that nobody here saw in the trial's own report."""
    second = result.trust.weights[SECOND_HAND]
    if second < HALF:
        return None
    known = f"known {only(order_of(result), 'abstract', 'secondary')}from"
    return Threat(
        name="second-hand numbers",
        gravity=Gravity.COULD,
        text=f"{w.part(second / 100)} of the weight is {known} abstracts or other reviews",
    )


def coverage(result: UnjudgedResult) -> Threat | None:
    """An interval that holds the truth less often than it says."""
    simulated = result.trust.coverage
    shares = simulated.confidence if simulated else None
    if shares is None or shares[0] >= COVERAGE:
        return None
    return Threat(
        name="an interval that is too narrow",
        gravity=Gravity.COULD if concluded(result).excludes_null else Gravity.CAUTION,
        text=f"in simulated reviews of such trials the 95 % interval held the truth in only "
        f"{w.part(shares[0])} where trials differ most",
    )


def few(result: UnjudgedResult) -> Threat | None:
    """Too few trials to learn how far they differ."""
    k = result.k
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


def spread(result: UnjudgedResult) -> Threat | None:
    """Trials that differ more than chance explains."""
    i2 = result.pooled.i2 if result.pooled else nan
    if not i2 > MUCH_SPREAD:
        return None
    return Threat(
        name="differences between trials",
        gravity=Gravity.CAUTION,
        text=f"trials differ far beyond chance (I² {w.percent(i2)})",
    )


# In the order in which ties are broken.
RULES: tuple[Callable[[UnjudgedResult], Threat | None], ...] = (
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
    other_choices,
    few,
    spread,
)
