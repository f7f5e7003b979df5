"""What the diagnostics mean for one result, in plain words: a paragraph per question, by rule.

A question that has no answer here is left out; what k does not allow is listed with its reason.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from trialpool import phrases as say
from trialpool import tables
from trialpool import words as w
from trialpool.analysis_result import AnalysisResult
from trialpool.conclusions import concluded
from trialpool.effects import measure_of
from trialpool.review.choosing.sources import only, order_of
from trialpool.review.report.caveats import AnalysisTables, Caveat
from trialpool.review.trust.verdict import AGREE_LITTLE, HALF
from trialpool.terms import EXCLUDES, INCLUDES
from trialpool.trust_facts import FragilityFacts, MultiverseFacts, Unanswered

Row = Mapping[str, Any]
_BY_NUMBER = "since the number of trials, not of people, holds the interval back"
_HARDLY = 0.1  # of the width of the interval
# The lowest coverage of a 95 % interval, and what it says of it.
_KEEPS = (
    (0.97, "more often than it promises, so it is wider than these trials would need"),
    (0.94, "it keeps its promise"),
    (0.93, "it nearly keeps its promise"),
    (0.0, "less often than it promises where trials differ much"),
)


def trust_words(analysis: AnalysisTables) -> list[Caveat]:
    """Every question about how far to trust a result that has an answer, in reading order."""
    texts = [
        ("Does it hang on one trial?", _influence(analysis)),
        ("What does it rest on?", _weights(analysis)),
        ("Do small trials tell another story?", _small_studies(analysis)),
        ("What could missing trials change?", _missing(analysis)),
        (_question(analysis), _beliefs(analysis)),
        ("Does the interval keep its promise?", _coverage(analysis)),
        ("Would another analysis say the same?", _multiverse(analysis)),
        ("What would a next trial change?", _next_trial(analysis)),
        ("How few people could turn it?", _fragility(analysis)),
    ]
    return [Caveat(name=name, text=text) for name, text in texts if text]


def _question(analysis: AnalysisTables) -> str:
    return "How likely is a harm?" if _is_harm(analysis.result) else "How likely is a benefit?"


def _influence(analysis: AnalysisTables) -> str:
    result, influence = analysis.result, analysis.result.trust.influence
    if influence is None:
        return ""
    without = influence.without
    ordered = sorted(without, key=lambda name: without[name].estimate)
    low, high = ordered[0], ordered[-1]
    spread = (
        f"Leaving out one trial at a time moves the estimate between "
        f"{say.value(result, without[low].estimate)} (without {low}) and "
        f"{say.value(result, without[high].estimate)} (without {high})"
    )
    if influence.turns:
        parts = [
            f"without {name} it is {say.effect(result, without[name])}" for name in influence.turns
        ]
        text = f"Yes. {spread}, and {'; '.join(parts)}: another conclusion."
    else:
        text = f"No. {spread}"
        if not math.isnan(say.null(result)):
            text += f"; the interval {say.does(result)} no difference each time"
        text += "."
    pull = [name for name in influence.influential if name not in influence.turns]
    if pull:
        verb = "pulls" if len(pull) == 1 else "pull"
        text += f" {w.listed(pull)} {verb} the result by the usual measures of influence."
    return text


def _weights(analysis: AnalysisTables) -> str:
    shares = analysis.result.trust.weights
    known = f"known {only(order_of(analysis.result), 'abstract', 'secondary')}from"
    words = {
        "high risk of bias": "trials at high risk of bias",
        "risk of bias not assessed": "trials whose risk of bias nobody has assessed",
        "flagged": "numbers that a check marked",
        "imputed": "numbers that needed an assumption",
        "not from the trial's own report": f"numbers {known} abstracts or other reviews",
    }
    grave = [(share, words[name]) for name, share in shares.items() if share > 0]
    if not grave:
        return ""
    if analysis.result.k == 1:
        what = [
            text.replace("trials whose", "a trial whose").replace("trials at", "a trial at")
            for _, text in grave
        ]
        return f"On {w.listed(what)}."
    grave.sort(key=lambda pair: -pair[0])
    parts = [f"{w.part(share / 100)} of the weight on {what}" for share, what in grave]
    lead = "Mostly on doubtful ground" if grave[0][0] >= HALF else "In part on doubtful ground"
    return f"{lead}: {'; '.join(parts)}."


def _small_studies(analysis: AnalysisTables) -> str:
    result, small = analysis.result, analysis.result.trust.small_studies
    if small is None:
        return ""
    tests = small.asymmetric
    if tests:
        asymmetry = f"The funnel is asymmetric by {w.listed(tests)}"
    else:
        asymmetry = f"None of {w.count(small.tests, 'test')} sees an asymmetric funnel"
    between = (
        f"estimates that allow for small-study effects lie between "
        f"{say.value(result, small.lowest)} and {say.value(result, small.highest)}"
    )
    if not small.turns:
        return f"{asymmetry}; {between}, and none concludes otherwise."
    many = f"{len(small.turns)} of {small.estimates}"
    tail = "" if tests else " With this few trials the tests often miss an asymmetry."
    return f"{asymmetry}; {between}, and {many} conclude otherwise: {w.listed(small.turns)}.{tail}"


# What `missing_effect` asks, as what would then be so.
_WOULD = {
    "interval excludes no difference, benefit": ("the interval", "show a benefit"),
    "interval excludes no difference, harm": ("the interval", "show a harm"),
    "interval no longer excludes no difference": ("the interval", "cease to exclude no difference"),
    "interval still excludes no difference": ("the interval", "still exclude no difference"),
    "estimate reaches the important difference": (
        "the estimate", "reach the difference that matters ({})"),
    "estimate no longer reaches the important difference": (
        "the estimate", "fall short of the difference that matters ({})"),
    "estimate still reaches the important difference": (
        "the estimate", "still reach the difference that matters ({})"),
}  # fmt: skip


def _missing(analysis: AnalysisTables) -> str:
    result, gone = analysis.result, analysis.result.trust.missing_effect
    if isinstance(gone, Unanswered) or not gone.answers:
        return ""
    many = len(gone.studies) > 1
    who = f"{w.listed(gone.studies)} (n = {gone.n})"
    parts = []
    for answer in gone.answers:
        subject, verb = _WOULD[answer.question]
        does = verb.format(say.value(result, gone.important))
        if answer.at_null:
            parts.append(
                f"even had {'they' if many else 'it'} found nothing, {subject} would {does}"
            )
        elif answer.reached:
            parts.append(f"{subject} would {does} from {say.value(result, answer.assumed)} on")
        else:
            parts.append(f"{subject} would never {does}")
    same = "each with the same effect" if many else "with whatever effect"
    return f"Were {who} known, {same}: {'; '.join(parts)}."


def _beliefs(analysis: AnalysisTables) -> str:
    """P(benefit or harm) and P(of one that matters), over the priors."""
    result, beliefs = analysis.result, analysis.result.trust.priors
    if beliefs is None:
        return ""
    harm = _is_harm(result)
    drug, does = say.drug(result), "helps"
    at_all = f"that {drug} helps at all"
    if say.is_frequency(result):
        less = not harm and result.better == "lower"
        often = "less" if less else "more"
        at_all = f"that {result.outcome_title} is {often} frequent with {drug} at all"
        does = "is so"
    ratio = measure_of(result.measure).is_ratio
    size = "a ratio of more than {} to 1" if ratio else "more than {} standard deviations"
    by = f"that it {does} by {size}"
    asked = beliefs.harm if harm else beliefs.benefit
    text = f"The probability is {w.part(*asked.any)} {at_all}"
    if asked.matters:
        matters = by.format(say.value(result, beliefs.threshold))
        text += f", and {w.part(*asked.matters)} {matters}"
    priors = w.count(beliefs.priors, "prior")
    text += f" ({priors} of the heterogeneity, a flat one of the effect)."
    if (sides := beliefs.if_missing_null) is not None:
        least = sides.harm if harm else sides.benefit
        text += f" Had the missing trials that can be added found nothing: {w.part(*least.any)}"
        text += f" and {w.part(*least.matters)}." if least.matters else "."
    return text


def _is_harm(result: AnalysisResult) -> bool:
    """Whether an event nobody wants was seen more often, so that the question is of a harm."""
    more = result.display.estimate > say.null(result)
    return say.is_frequency(result) and result.better == "lower" and more


def _coverage(analysis: AnalysisTables) -> str:
    shares = analysis.result.trust.coverage
    if shares is None:
        return ""
    tau2 = [w.significant(value) for value in shares.tau2]
    at = f" (τ² from {tau2[0]} to {tau2[-1]})" if len(tau2) > 1 else ""
    parts = []
    if shares.confidence:
        low, high = shares.confidence
        says = next(words for least, words in _KEEPS if low >= least)
        parts.append(f"the shown 95 % interval held the true mean in {w.part(low, high)}: {says}")
    if shares.normal and shares.normal != shares.confidence:
        share = w.part(*shares.normal)
        subject = "one" if parts else "a random-effects interval"
        parts.append(f"{subject} with normal quantiles would have held it in {share}")
    if shares.prediction:
        share = w.part(*shares.prediction)
        parts.append(f"the prediction interval held a new trial’s true effect in {share}")
    if not parts:
        return ""
    trials = w.count(analysis.result.k, "trial")
    lead = f"In {shares.replicates:,} simulated reviews of {trials} like these{at}"
    return f"{lead} {'; '.join(parts)}."


def _multiverse(analysis: AnalysisTables) -> str:
    result, tried = analysis.result, analysis.result.trust.multiverse
    if tried is None:
        return ""
    does, same = say.does(result), tried.same_conclusion
    if same.of < 2:
        return ""
    low, high = (say.value(result, end) for end in (tried.lowest, tried.highest))
    many = f"different analyses out of {tried.specifications:,} combinations"
    if tried.distinct > same.of:
        more = tried.distinct - same.of
        many += f" ({more:,} more {'has' if more == 1 else 'have'} no estimate)"
    if same.count == same.of:
        text = f"Yes. In all of {same.of:,} {many} the interval {does} no difference"
    else:
        lead = "Mostly" if same.part >= AGREE_LITTLE else "Not reliably"
        text = f"{lead}. In {same} {many} the interval {does} no difference, as here"
    if low == high:
        return f"{text}; the estimate is {low} in each."
    hardly = _width(result, tried.lowest, tried.highest) < _HARDLY
    if hardly:
        text += f"; the estimate hardly moves ({low} to {high})."
    else:
        text += _spread(tried, low, high)
    turns, moves = map(w.inner, (tried.turned_most_by, tried.moved_most_by))
    hangs = "hangs most on the choice of"
    if turns:
        text += f" Whether it excludes no difference {hangs} “{turns}”"
        text += (
            f", the size of the estimate on “{moves}”."
            if moves not in ("", turns) and not hardly
            else "."
        )
    elif moves and not hardly:
        text += f" The size of the estimate {hangs} “{moves}”."
    return text


def _spread(tried: MultiverseFacts, low: str, high: str) -> str:
    text = f"; the estimates go from {low} to {high}"
    sign = tried.same_sign
    if sign and sign.count < sign.of:
        text += f", {w.part(sign.part)} of them on the side shown here"
    return f"{text}."


def _width(result: AnalysisResult, low: float, high: float) -> float:
    """A range of estimates as a share of the width of the interval, analysis scale."""
    to = measure_of(result.measure).analysed
    shown = result.display
    whole = to(shown.ci_high) - to(shown.ci_low)
    return (to(high) - to(low)) / whole


def _next_trial(analysis: AnalysisTables) -> str:
    result, facts = analysis.result, analysis.result.trust.next_trial
    if isinstance(facts, Unanswered) or facts.reason:
        return ""
    rows = {
        row["finds"]: row
        for row in tables.records(analysis.trust["next_trial"])
        if row["target"] in (EXCLUDES, INCLUDES)
    }
    if not rows:
        return ""
    includes = next(iter(rows.values()))["target"] == INCLUDES
    asked = ("no difference",) if includes else ("the estimate", "the important difference")
    smallest, largest = facts.searched
    parts = []
    for name in asked:
        row = rows.get(name)
        if row is None or (name != asked[0] and _alike(result, row, rows[asked[0]])):
            continue
        if not includes and say.value(result, row["effect"]) == say.value(result, say.null(result)):
            continue
        effect = f"finds {name} ({say.value(result, row['effect'])})"
        if math.isnan(row["n_total"]):
            parts.append(f"no size up to {largest:,} people would do if it {effect}")
        elif row["n_total"] == smallest:
            parts.append(f"one of any size would do if it {effect}, {_BY_NUMBER}")
        else:
            parts.append(f"it needs {w.whole(row['n_total'])} people if it {effect}")
    if not parts:
        return ""
    does = "include" if includes else "exclude"
    return f"For the interval to {does} no difference after one more trial: {'; '.join(parts)}."


def _alike(result: AnalysisResult, one: Row, other: Row) -> bool:
    return say.value(result, one["effect"]) == say.value(result, other["effect"])


def _fragility(analysis: AnalysisTables) -> str:
    result, few = analysis.result, analysis.result.trust.fragility
    if few is None or few.index is None:
        return ""
    index = few.index
    does = "no longer exclude" if concluded(result).excludes_null else "exclude"
    who = "one person" if index == 1 else f"{index} people"
    return (
        f"Another outcome in {who}{_counted(result, few)} would make the interval {does} no "
        "difference (an upper bound of the fewest)."
    )


def _counted(result: AnalysisResult, few: FragilityFacts) -> str:
    """What they are a share of: people, or outcomes where somebody was in both arms."""
    if few.n == result.n:
        return f" of {few.n:,}"
    return f", of {few.n:,} outcomes counted,"
