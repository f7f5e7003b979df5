"""The answer of an analysis in one sentence, made by rule from its numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from math import isnan
from typing import Any

import pandas as pd

from trialpool import phrases as say
from trialpool import tables
from trialpool import words as w
from trialpool.conclusions import ABOVE, BELOW, Conclusion, concluded
from trialpool.effects import measure_of
from trialpool.review.choosing.missing import size
from trialpool.review.report import codes


def answer(model: Mapping[str, Any], studies: pd.DataFrame, missing: pd.DataFrame) -> str:
    """What the trials say, how sure that is, and no more.

    Parameters
    ----------
    model : model.json of the analysis
    studies, missing : its studies.csv and missing.csv

    Returns
    -------
    One to three sentences
    """
    if model["k"] == 0:
        return _nothing(model, missing)
    shown = model["display"]
    what = f"{measure_of(model['measure']).lead} {model['outcome_title']}"
    size = say.value(model, shown["estimate"]) + _unit(model, studies)
    limits = say.interval(model, shown["ci_low"], shown["ci_high"])
    says = f": {interval_says(model)}" if not isnan(say.null(model)) else ""
    told = f"{size} ({w.level(model)} % CI {limits}){says}."
    if model["k"] == 1:
        study = w.text(studies["study"].iloc[0])
        return f"One trial ({study}, {people(model, studies)}) found a {what} of {told} " \
               "One trial cannot be pooled."  # fmt: skip
    trials = w.capital(_trials(model))
    common = model["policy"]["common_effect_only"]
    how = ", taken to share one true effect," if common else _handled(model)
    return f"{trials} ({people(model, studies)}){how} put the {what} at {told}"


_HANDLED = {
    "all": ", all taken as independent,",
    "lowest": ", each by the lowest of its effects,",
    "highest": ", each by the highest of its effects,",
    "combined": ", the effects of one {within} combined,",
    "che": ", their correlation within trials assumed,",
}


def _trials(model: Mapping[str, Any]) -> str:
    """`64 trials`, or `88 effects of 64 trials`."""
    trials, several = w.count(model["k"], "trial"), model.get("several")
    if several is None or several["effects"] == several["trials"]:
        return trials
    return f"{w.count(several['effects'], 'effect')} of {trials}"


def _handled(model: Mapping[str, Any]) -> str:
    """What was done with several effects of a trial; blank where each gives one."""
    several = model.get("several")
    return "" if several is None else _HANDLED[several["handling"]].format(**several)


def interval_says(model: Mapping[str, Any]) -> str:
    """Direction of the estimate, and whether its interval excludes no difference."""
    towards, said = direction(model, model["display"]["estimate"]), concluded(model)
    if said.side is None:
        return f"{towards}, with no interval"
    if said.excludes_null:
        return f"{towards}, and the interval excludes no difference"
    lead = f"{towards}, but the interval" if towards != _SAME else f"{towards}; the interval"
    return f"{lead} includes no difference{_reach(model, said)}"


_SAME = "no difference in the estimate"


def direction(model: Mapping[str, Any], estimate: object) -> str:
    """Which way an estimate points: `lower with the drug`, `more frequent with the drug`."""
    null = say.null(model)
    if say.value(model, estimate) == say.value(model, null):
        return _SAME
    return say.direction(model, above=w.number(estimate) > null)


def people(model: Mapping[str, Any], studies: pd.DataFrame) -> str:
    """How many people stand behind an analysis: `n = 90`."""
    unknown = int(studies["n"].isna().sum())
    if unknown == len(studies):
        return "n not known"
    return f"n = {model['n']}" + (f", not known for {w.count(unknown, 'trial')}" if unknown else "")


def counts(model: Mapping[str, Any], studies: pd.DataFrame) -> str:
    """The events behind a ratio, summed over the trials; blank for scores."""
    columns = ["event_experimental", "totaln_experimental", "event_control", "totaln_control"]
    if not say.is_events(model) or not len(studies) or studies[columns].isna().any(axis=None):
        return ""
    a, n1, c, n2 = (f"{studies[name].sum():.0f}" for name in columns)
    trials = "this trial" if model["k"] == 1 else "these trials together"
    return f"In {trials} it was seen in {a} of {n1} people with {say.drug(model)} and in {c} of " \
           f"{n2} with {say.control(model)}."  # fmt: skip


def largest_missing(model: Mapping[str, Any], missing: pd.DataFrame) -> str:
    """The largest missing trial, and the estimate had it found nothing; blank without one."""
    held = model["largest_missing"]
    if held is None:
        return ""
    rows = {row["trial_id"]: row for row in tables.records(missing)}
    row = rows.get(held["trial_id"], {})
    rank = _rank(held, rows.values())
    name = f"{rank}, {held['study']} (n = {w.whole(held['n'])})"
    gone = "has no usable numbers" if rank.endswith("missing trial") else "is missing"
    if held["estimate"] is None:
        then = f"It enters no what-if: {w.text(row['what_if_reason']).rstrip('.')}."
    else:
        # From two trials to three the model changes too, and most of the widening is that.
        three = " (three trials, so random effects)" if model["k"] == 2 else ""
        then = f"If it had found nothing, the estimate would be {_changed(model, held)}{three}."
    return f"{name}, {gone}: {_told(row, held)}. {then}"


def joint_missing(model: Mapping[str, Any], missing: pd.DataFrame) -> str:
    """The estimate had all missing trials found nothing; blank for fewer than two."""
    held = model["what_if"]
    if held is None or len(held["trials"]) < 2:
        return ""
    rows = [row for row in tables.records(missing) if row["trial_id"] in held["trials"]]
    n = w.whole(sum(size(row) for row in rows))
    which = f"{w.count(len(rows), 'missing trial')} that can be added"
    named = w.listed(w.text(row["study"]) for row in rows)
    return (
        f"If the {which} ({named}; n = {n}) had found nothing, the estimate would be "
        f"{_changed(model, held)}."
    )


def left_out(model: Mapping[str, Any], missing: pd.DataFrame) -> str:
    """The missing trials besides the largest that the what-if cannot add, and why; or blank."""
    reasons: dict[str, list[str]] = {}
    largest = (model["largest_missing"] or {}).get("trial_id")
    for row in tables.records(missing):
        if row["what_if"] != "yes" and row["trial_id"] != largest:
            why = w.text(row["what_if_reason"]).rstrip(".") or "not stated"
            reasons.setdefault(why, []).append(_named(row))
    parts = [f"{w.listed(names)}, {why}" for why, names in reasons.items()]
    added = (missing["what_if"] == "yes").any()
    lead = (
        "Missing too, and not part of this what-if"
        if added
        else "Missing, and not put into a what-if"
    )
    return f"{lead}: {'; '.join(parts)}." if parts else ""


def also_missing(model: Mapping[str, Any], missing: pd.DataFrame) -> str:
    """The missing trials besides the largest, by name only; blank without any."""
    if model["k"] == 0:
        return ""
    largest = (model["largest_missing"] or {}).get("trial_id")
    names = [_named(row) for row in tables.records(missing) if row["trial_id"] != largest]
    return f"Missing{' too' if largest else ''}: {w.listed(names)}." if names else ""


def _nothing(model: Mapping[str, Any], missing: pd.DataFrame) -> str:
    held = [f"{row['study']}, {row['reason']}" for row in model.get("left_out", [])]
    if held:
        many = w.count(len(held), "trial")
        measured = f"{many} measured the outcome and {w.be(len(held))} not used"
        return f"No trial fits this analysis; {measured}: {'; '.join(held)}."
    lead = "No trial has usable numbers"
    if not len(missing):
        return f"{lead}, and none is known to have measured this."
    names = w.listed(_named(row) for row in tables.records(missing))
    few = w.count(len(missing), "eligible trial")
    verb = "is" if len(missing) == 1 else "are"
    return f"{lead}; {few} without them {verb} known: {names}."


def _rank(held: Mapping[str, Any], rows: Iterable[Mapping[str, Any]]) -> str:
    # A still larger one may be known that cannot be added, such as a planned trial.
    largest = not any(size(row) > held["n"] for row in rows)
    if held["larger_than_any_included"]:
        return "The largest trial" if largest else "A trial larger than any included"
    return "The largest missing trial" if largest else "A missing trial"


def _named(row: Mapping[str, Any]) -> str:
    n = size(row)
    return w.text(row["study"]) + ("" if math.isnan(n) else f" (n = {n:.0f})")


def _told(row: Mapping[str, Any], held: Mapping[str, Any]) -> str:
    """What is known of a missing trial: its source's words, else why there is no number."""
    reported = w.text(held.get("reported")).strip("“”\"'. ")
    status = codes.STATUS.get(w.text(row.get("status")), "")
    if reported:
        return f"{status}, reported as “{reported}”" if status else f"reported as “{reported}”"
    return w.text(row.get("reason")).rstrip(".") or status or "no usable numbers"


def _changed(model: Mapping[str, Any], row: Mapping[str, Any]) -> str:
    limits = say.interval(model, row["ci_low"], row["ci_high"])
    return f"{say.value(model, row['estimate'])} ({w.level(model)} % CI {limits})"


def _unit(model: Mapping[str, Any], studies: pd.DataFrame) -> str:
    scales = sorted({w.text(scale) for scale in studies["instrument"]} - {""})
    return (
        f" points on the {scales[0]}"
        if measure_of(model["measure"]).unit == "points" and len(scales) == 1
        else ""
    )


def _reach(model: Mapping[str, Any], said: Conclusion) -> str:
    """What an interval includes besides no difference: differences that matter (`important`)."""
    less, more = BELOW in said.zones, ABOVE in said.zones
    if not (less or more):
        return ""
    # A drug does not help with a harm, and one that cannot be ruled out must be named.
    measure = measure_of(model["measure"])
    if not (measure.data.above == "more frequent" and model["better"] == "lower"):
        return f"; too imprecise to tell whether {say.drug(model)} helps"
    if less and more:
        return f"; too imprecise to tell whether it is more or less frequent with {say.drug(model)}"
    limit = say.value(model, model["display"]["ci_high" if more else "ci_low"])
    if not measure.is_ratio:
        return f", and also a difference of {limit}"
    return f", and also {limit} times the {measure.title.removesuffix(' ratio')}"
