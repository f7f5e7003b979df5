"""What the diagnostics mean for one result, in plain words: a paragraph per question, by rule.

A question that has no answer here is left out; what k does not allow is listed with its reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trialpool import tables
from trialpool.report import wording as w
from trialpool.report.caveats import Analysis, Caveat
from trialpool.report.verdict import HALF
from trialpool.review.next_trial import BEYOND, EXCLUDES

Facts = Mapping[str, Any]
_ALL = 0.9995  # a share that rounds to all
_KEPT = 0.94  # coverage of a 95 % interval that nobody would call too narrow


def trust_words(analysis: Analysis) -> list[Caveat]:
    """Every question about how far to trust a result that has an answer, in reading order."""
    found = [
        ("Does it hang on one trial?", _influence(analysis)),
        ("What does it rest on?", _weights(analysis)),
        ("Do small trials tell another story?", _small_studies(analysis)),
        ("What could missing trials change?", _missing(analysis)),
        ("How likely is a benefit?", _beliefs(analysis)),
        ("Does the interval keep its promise?", _coverage(analysis)),
        ("Would another analysis say the same?", _multiverse(analysis)),
        ("What would a next trial change?", _next_trial(analysis)),
        ("How few people could turn it?", _fragility(analysis)),
    ]
    return [Caveat(name=name, text=text) for name, text in found if text]


def _share(low: float, high: float) -> str:
    """Two shares as percentages: `94 to 96 %`, `95 %`."""
    first, last = (f"{100 * value:.0f}" for value in (low, high))
    return f"{first} %" if first == last else f"{first} to {last} %"


def _includes(model: Mapping[str, Any]) -> str:
    return "excludes" if w.excludes(model, model["display"]) else "includes"


def _influence(analysis: Analysis) -> str:
    model, found = analysis.model, analysis.model["trust"]["influence"]
    if found is None:
        return ""
    without: Mapping[str, Facts] = found["without"]
    ordered = sorted(without, key=lambda name: w.number(without[name]["estimate"]))
    low, high = ordered[0], ordered[-1]
    spread = (
        f"Leaving out one trial at a time moves the estimate between "
        f"{w.value(model, without[low]['estimate'])} (without {low}) and "
        f"{w.value(model, without[high]['estimate'])} (without {high})"
    )
    if found["turns"]:
        parts = [
            f"without {name} it is {w.effect(model, without[name])}" for name in found["turns"]
        ]
        text = f"Yes. {spread}, and {'; '.join(parts)}: another conclusion."
    else:
        text = f"No. {spread}; the interval {_includes(model)} no difference each time."
    pull = [name for name in found["influential"] if name not in found["turns"]]
    if pull:
        verb = "pulls" if len(pull) == 1 else "pull"
        text += f" {w.listed(pull)} {verb} the result by the usual measures of influence."
    return text


def _weights(analysis: Analysis) -> str:
    shares = analysis.model["trust"]["weights"]
    words = {
        "high risk of bias": "trials at high risk of bias",
        "risk of bias not judged": "trials whose risk of bias nobody has judged",
        "flagged": "numbers that a check marked",
        "imputed": "numbers that needed an assumption",
        "not from the trial's own report": "numbers known only from abstracts or other reviews",
    }
    grave = [(share, words[name]) for name, share in shares.items() if share > 0]
    if not grave:
        return ""
    grave.sort(key=lambda pair: -pair[0])
    parts = [f"{w.percent(share)} of the weight on {what}" for share, what in grave]
    lead = "Mostly on doubtful ground: " if grave[0][0] >= HALF else "In part on doubtful ground: "
    return f"{lead}{'; '.join(parts)}."


def _small_studies(analysis: Analysis) -> str:
    model, found = analysis.model, analysis.model["trust"]["small_studies"]
    if found is None:
        return ""
    tests = found["asymmetric"]
    if tests:
        asymmetry = f"The funnel is asymmetric by {w.listed(tests)}"
    else:
        asymmetry = f"None of {w.count(found['tests'], 'test')} sees an asymmetric funnel"
    between = (
        f"estimates that allow for small-study effects lie between "
        f"{w.value(model, found['lowest'])} and {w.value(model, found['highest'])}"
    )
    if not found["turns"]:
        return f"{asymmetry}; {between}, and none concludes otherwise."
    many = f"{len(found['turns'])} of {found['estimates']}"
    tail = "" if tests else " With this few trials the tests often miss an asymmetry."
    return (
        f"{asymmetry}; {between}, and {many} conclude otherwise: {w.listed(found['turns'])}.{tail}"
    )


# Questions of `missing_effect`: what would be so, in words.
_WOULD = {
    "interval excludes no difference, benefit": "the interval would show a benefit",
    "interval excludes no difference, harm": "it would show a harm",
    "interval no longer excludes no difference": "the interval would no longer exclude no "
    "difference",
    "interval still excludes no difference": "the interval would still exclude no difference",
    "estimate reaches the important difference": "the estimate would reach the difference that "
    "matters ({})",
    "estimate no longer reaches the important difference": "the estimate would fall short of the "
    "difference that matters ({})",
    "estimate still reaches the important difference": "the estimate would still reach the "
    "difference that matters ({})",
}


def _missing(analysis: Analysis) -> str:
    model, found = analysis.model, analysis.model["trust"]["missing_effect"]
    if found["reason"] or not found["answers"]:
        return ""
    who = f"{w.listed(found['studies'])} (n = {found['n']})"
    together = "a common effect of" if len(found["studies"]) > 1 else "an effect of"
    parts = []
    for answer in found["answers"]:
        would = _WOULD[answer["question"]].format(w.value(model, found["important"]))
        if answer["at_null"]:
            parts.append(f"{would} even had they found nothing")
        elif answer["reached"]:
            parts.append(f"{would} had they found {together} {w.value(model, answer['assumed'])}")
        else:
            parts.append(f"no effect of theirs is such that {would}")
    return f"If {who} were known: {'; '.join(parts)}."


def _coverage(analysis: Analysis) -> str:
    found = analysis.model["trust"]["coverage"]
    if found is None:
        return ""
    tau2 = [w.short(value) for value in found["tau2"]]
    at = f" (τ² from {tau2[0]} to {tau2[-1]})" if len(tau2) > 1 else ""
    parts = []
    if found["confidence"]:
        low, high = found["confidence"]
        keeps = "keeps its promise" if low >= _KEPT else "falls short of its promise"
        held = _share(low, high)
        parts.append(f"the shown 95 % interval held the true mean in {held}, so it {keeps}")
    if found["normal"] and found["normal"] != found["confidence"]:
        held = _share(*found["normal"])
        parts.append(f"one with normal quantiles would have held it in {held}")
    if found["prediction"]:
        held = _share(*found["prediction"])
        parts.append(f"the prediction interval held a new trial's true effect in {held}")
    if not parts:
        return ""
    trials = w.count(analysis.model["k"], "trial")
    lead = f"In {found['replicates']:,} simulated reviews of {trials} like these{at}"
    return f"{lead} {'; '.join(parts)}."


def _beliefs(analysis: Analysis) -> str:
    """P(benefit) and P(a difference that matters), over the priors."""
    model, found = analysis.model, analysis.model["trust"]["priors"]
    if found is None:
        return ""
    low, high = found["benefit"]
    drug = w.drug(model)
    better = "better" if not w.is_events(model) else (
        "less frequent" if model["better"] == "lower" else "more frequent")  # fmt: skip
    text = f"The probability that it is {better} with {drug} at all is {_share(low, high)}"
    if found["important"]:
        matters = w.value(model, found["threshold"])
        text += f", that the benefit is beyond {matters} is {_share(*found['important'])}"
    priors = w.count(found["priors"], "prior")
    return (
        f"{text} ({priors} of the heterogeneity, a flat one of the effect; no missing trial "
        "counted)."
    )


def _multiverse(analysis: Analysis) -> str:
    model, found = analysis.model, analysis.model["trust"]["multiverse"]
    if found is None or found["specifications"] < 2:
        return ""
    lead = (
        f"Of {found['specifications']:,} declared analyses of this question "
        f"({found['distinct']:,} of them different) "
    )
    same = found["share_same_conclusion"]
    does = "exclude" if w.excludes(model, model["display"]) else "include"
    if same > _ALL:
        said = f"all have an interval that {does}s no difference"
    else:
        said = (
            f"{w.percent(100 * same)} have an interval that {does}s no difference as this one does"
        )
    if found["share_same_sign"] is not None:
        said += f", and {w.percent(100 * found['share_same_sign'])} point the same way"
    spread = w.interval(model, found["lowest"], found["highest"])
    text = f"{lead}{said}; the estimates go from {spread}."
    if found["moved_most_by"]:
        text += f" What moves the estimate most is {found['moved_most_by']}."
    return text


def _next_trial(analysis: Analysis) -> str:
    model, found = analysis.model, analysis.model["trust"]["next_trial"]
    rows = [row for row in tables.records(analysis.trust["next_trial"]) if row["target"] != BEYOND]
    if found["reason"] or not rows:
        return ""
    does = "exclude" if rows[0]["target"] == EXCLUDES else "include"
    smallest, largest = found["searched"]
    parts, never = [], []
    for row in rows:
        if row["assumed"] not in ("the estimate", "no difference", "the important difference"):
            continue
        what = f"{row['assumed']} ({w.value(model, row['effect'])})"
        if row["reached"] in (True, "True", "yes"):
            parts.append(f"{w.whole(row['n_total'])} people if it finds {what}")
        elif row["assumed"] != "no difference" or does == "include":
            never.append(what)
    text = ""
    if parts:
        text = f"For the interval to {does} no difference the next trial needs {'; '.join(parts)}."
    if never:
        sizes = f"from {smallest} to {largest:,} people"
        text += f" No size {sizes} would do if it finds {w.listed(never)}."
    return text.strip()


def _fragility(analysis: Analysis) -> str:
    model, found = analysis.model, analysis.model["trust"]["fragility"]
    if found is None or found["index"] is None:
        return ""
    index = found["index"]
    does = "no longer exclude" if w.excludes(model, model["display"]) else "exclude"
    who = "one person" if index == 1 else f"{index} people"
    return (
        f"Another outcome in {who} of {model['n']} would make the interval {does} no difference "
        "(an upper bound of the fewest)."
    )
