"""Participant flow, baseline and adverse events of a registry record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from trialpool.review.exchange.clinicaltrials_record import TOTALS, Record, RecordNode
from trialpool.review.exchange.clinicaltrials_sets import split
from trialpool.review.exchange.draft import (
    Row,
    is_number,
    named,
    plain,
    sentences,
    slug,
    whole_numbers,
)

MAX_AGE = 120.0
# Of a group and term: people, people at risk, and events, of which a person can have several.
_NUMBERS = ("numAffected", "numAtRisk", "numEvents")
# outcome id -> its name, and the fields of an event group that count it.
_TOTALS = {
    "serious_adverse_event": ("serious adverse event", "serious"),
    "other_adverse_event": ("other (not serious) adverse event", "other"),
    "death": ("death from any cause", "deaths"),
}


def titles(node: RecordNode, groups: str) -> dict[str, str]:
    """The titles of groups by their id."""
    return {group.text("id"): group.text("title") for group in node.nodes(groups)}


def flow(node: RecordNode, record: Record) -> str:
    """Participants who started, per arm and in all; the rest of the flow is left.

    Returns
    -------
    The sum over the groups of the first period; blank where a group has no number
    """
    names = titles(node, "groups")
    total: list[str] = []
    for number, period in enumerate(node.nodes("periods"), start=1):
        where = f"{record.nct}, participant flow, period {number}"
        for milestone in period.nodes("milestones"):
            kind = milestone.text("type")
            rest = {}
            for one in milestone.nodes("achievements"):
                title, count = names.get(one.text("groupId"), ""), one.text("numSubjects")
                arm = record.known(title)
                if number == 1 and kind.upper() == "STARTED":
                    total.append(count)
                    if arm and _people(count):
                        record.randomised(arm, count)
                        continue
                rest[title or one.text("groupId")] = count
            _leave(record, where, kind, rest, "the tables have no participant flow")
        for drop in period.nodes("dropWithdraws"):
            rest = {
                names.get(one.text("groupId"), one.text("groupId")): one.text("numSubjects")
                for one in drop.nodes("reasons")
            }
            why = "the tables have no participant flow; enter as an outcome if it is one"
            _leave(record, where, f"not completed: {drop.text('type')}", rest, why)
    started = sum(int(float(count)) for count in total if _people(count))
    return str(started) if started and all(_people(count) for count in total) else ""


def _people(count: str) -> bool:
    return whole_numbers([count]) and float(count) >= 0


def baseline(node: RecordNode, record: Record) -> str:
    """The mean age of all participants; every other baseline number is left."""
    names, age = titles(node, "groups"), ""
    for denoms in node.nodes("denoms"):
        rest = {names.get(c.text("groupId"), ""): c.text("value") for c in denoms.nodes("counts")}
        what = f"analysed at baseline: {denoms.text('units')}"
        _leave(record, f"{record.nct}, baseline", what, rest, "no column for it")
    for measure in node.nodes("measures"):
        title = measure.text("title")
        is_age = plain(title) == "age continuous" and plain(measure.text("paramType")) == "mean"
        is_age = is_age and plain(measure.text("unitOfMeasure")) == "years"
        for part in measure.nodes("classes"):
            for category in part.nodes("categories"):
                rest = {}
                for one in category.nodes("measurements"):
                    group = names.get(one.text("groupId"), one.text("groupId"))
                    for name in ("value", "spread", "lowerLimit", "upperLimit"):
                        text = one.text(name)
                        whole_trial = is_age and name == "value" and plain(group) in TOTALS
                        if whole_trial and is_number(text) and 0 <= float(text) <= MAX_AGE:
                            age = text
                        elif text:
                            rest[f"{group} {name}"] = text
                what = sentences(title, part.text("title"), category.text("title"))
                why = "a baseline characteristic; enter it as a baseline result if it is a scale"
                _leave(record, f"{record.nct}, baseline", what, rest, why)
    return age


def adverse(node: RecordNode, record: Record) -> None:
    """Totals, and one outcome per term; serious events and others apart."""
    names = titles(node, "eventGroups")
    frame, threshold = node.text("timeFrame"), node.text("frequencyThreshold")
    if node.nodes("otherEvents"):
        record.draft.assume(
            f"{record.nct}: other adverse events are posted above a frequency of "
            f"{threshold or 'unknown'} %; a term that is not there is not a zero"
        )
    for outcome, (name, prefix) in _TOTALS.items():
        stats = [
            (
                group.text("id"),
                *(group.text(f"{prefix}{n}") for n in ("NumAffected", "NumAtRisk")),
                "",
            )
            for group in node.nodes("eventGroups")
        ]
        about = {
            "outcome": record.shared.outcomes.of(("total", outcome), outcome),
            "definition": name,
            "timepoint": frame,
        }
        _events(record, f"adverse events, {prefix} in all", names, stats, about)
    for kind, prefix in (("serious", "serious_"), ("other", "")):
        seen: dict[str, int] = {}
        for number, event in enumerate(node.nodes(f"{kind}Events"), start=1):
            term = event.text("term")
            seen[plain(term)] = seen.get(plain(term), 0) + 1
            key = (kind, plain(term) or term, seen[plain(term)])
            about = {
                "outcome": record.shared.outcomes.of(key, prefix + slug(term, "adverse_event")),
                "definition": term,
                "timepoint": frame,
                "notes": sentences(
                    f"{kind} adverse event",
                    event.text("organSystem"),
                    event.text("assessmentType").lower().replace("_", " "),
                    event.text("notes"),
                ),
            }
            stats = [
                tuple(one.text(name) for name in ("groupId", *_NUMBERS))
                for one in event.nodes("stats")
            ]
            _events(record, f"{kind} event {number}", names, stats, about)


def _events(
    record: Record,
    where: str,
    names: Mapping[str, str],
    stats: Sequence[tuple[str, ...]],
    about: Row,
) -> None:
    """The rows of one term; of each group its `stats`, in the order of `_NUMBERS`."""
    rows: list[Row] = []
    for group, affected, at_risk, several in stats:
        title = names.get(group, group)
        numbers = dict(zip(_NUMBERS, (affected, at_risk, several), strict=True))
        why = ""
        if plain(title) in TOTALS:
            why = "the sum over the arms"
        elif not whole_numbers([affected, at_risk]):
            why = "no number of people affected and at risk"
        elif float(at_risk) < 1:
            why = "nobody at risk"
        elif not 0 <= float(affected) <= float(at_risk):
            why = "more people affected than at risk"
        elif record.arm(title) in {row["arm_id"] for row in rows}:
            why = "a second group with the same title"
        what = f"{about['definition']}: {title}"
        if why:
            lost = plain(title) not in TOTALS and any(map(is_number, numbers.values()))
            _leave(record, f"{record.nct}, {where}", what, numbers, why, effect=lost)
            record.draft.effects_in += lost
            continue
        record.draft.effects_in += 1
        record.draft.effects_taken += 1
        rows.append(about | {
            "analysis_set": split(title)[1],
            "trial_id": record.nct, "arm_id": record.arm(title), "period": record.period(""),
            "outcome_type": "event", "event": affected, "totaln": at_risk, "locator": where,
            "notes": sentences(about.get("notes", ""), several and f"number of events: {several}"),
        })  # fmt: skip
    if rows:
        # The module holds nothing but harms.
        harm = {"title": about["definition"], "kind": "binary", "better": "lower"}
        record.draft.outcomes.setdefault(about["outcome"], harm)
    record.draft.comparison("results", rows, where)


def _leave(
    record: Record,
    where: str,
    what: str,
    numbers: Mapping[str, str],
    why: str,
    *,
    effect: bool = False,
) -> None:
    if any(is_number(text) for text in numbers.values()):
        record.draft.leave(where, what, named(numbers), why, effect=effect)
