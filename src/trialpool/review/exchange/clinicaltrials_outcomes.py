"""Outcome measures of a registry record: arm data to results, statistical analyses to contrasts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from trialpool.review.exchange import wording
from trialpool.review.exchange.clinicaltrials_contrasts import AnalysisBlock, analysis
from trialpool.review.exchange.clinicaltrials_events import titles
from trialpool.review.exchange.clinicaltrials_record import TOTALS, Record, RecordNode
from trialpool.review.exchange.clinicaltrials_sets import named as named_set
from trialpool.review.exchange.clinicaltrials_sets import split
from trialpool.review.exchange.draft import (
    MalformedFileError,
    Row,
    is_number,
    named,
    plain,
    sentences,
    slug,
    whole_numbers,
)

PRINTED = ("value", "spread", "lowerLimit", "upperLimit")
_PEOPLE = {"participants", "participant", "subjects", "patients", "people", "persons",
           "number of participants", "count of participants"}  # fmt: skip
_PERCENT = re.compile(
    r"(?:percentage|percent|%) ?(?:of )?(?:participants|subjects|patients|people)"
)
_SOME_TIME = re.compile(r"\b(?:day|week|month|year|hour|hr|minute|min|visit)s?\b", re.IGNORECASE)
_CENTRES = {"mean": "mean", "least squares mean": "mean", "median": "median"}
_SPREADS = {"standard deviation": "sd", "standard error": "se"}
_RANGES = {
    "95 confidence interval": ("ci_low", "ci_high"),
    "inter quartile range": ("q1", "q3"),
    "interquartile range": ("q1", "q3"),
    "full range": ("minimum", "maximum"),
}


@dataclass(slots=True, kw_only=True)
class _Measure:
    """One outcome measure, its settings in plain words."""

    node: RecordNode
    record: Record
    where: str
    title: str
    param: str
    dispersion: str
    unit: str
    groups: Mapping[str, str]
    blocks: list[AnalysisBlock] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """`score`, `event`, `percent`, or blank where the raw tables have no place for it."""
        unit = self.unit.lower()
        if self.param == "count of participants" or (self.param == "number" and unit in _PEOPLE):
            return "event"
        if _PERCENT.fullmatch(unit):
            return "percent" if self.param == "number" else ""
        return "score" if self.param in _CENTRES else ""


def measure(node: RecordNode, number: int, record: Record) -> None:
    """One outcome measure: a row per class, category and group; then its analyses."""
    one = _Measure(
        node=node,
        record=record,
        where=f"outcome {number}",
        title=node.text("title") or f"outcome {number} of {record.nct}",
        param=plain(node.text("paramType")),
        dispersion=_dispersion(node.text("dispersionType")),
        unit=node.text("unitOfMeasure"),
        groups=titles(node, "groups"),
    )
    people = plain(node.text("typeUnitsAnalyzed") or "participants") in _PEOPLE
    for c, part in enumerate(node.nodes("classes"), start=1):
        counts = _people(part) or _people(node)
        for k, category in enumerate(part.nodes("categories"), start=1):
            place = f"{one.where}, class {c}, category {k}"
            _block(one, place, part.text("title"), category, counts if people else None)
    for k, comparison in enumerate(node.nodes("analyses"), start=1):
        analysis(record, f"{one.where}, analysis {k}", comparison, one.groups, one.blocks)


def _dispersion(text: str) -> str:
    """`STANDARD_DEVIATION`, `Standard Deviation` and `CONFIDENCE_95` in one spelling."""
    words = plain(text)
    level = re.fullmatch(r"confidence (\d+)", words)
    return f"{level[1]} confidence interval" if level else words


def _people(node: RecordNode) -> dict[str, str]:
    """Participants per group, where the denominators count people."""
    return {
        count.text("groupId"): count.text("value")
        for denoms in node.nodes("denoms")
        if plain(denoms.text("units") or "participants") in _PEOPLE
        for count in denoms.nodes("counts")
    }


def _block(
    one: _Measure, place: str, title: str, category: RecordNode, counts: Mapping[str, str] | None
) -> None:
    """The measurements of one class and category: arms that are compared with each other."""
    record = one.record
    # A class may be a set of participants instead of a part of the outcome.
    of_class = named_set(title)
    part = "" if of_class else title
    common = _about(one, place, part, category.text("title")) if one.kind else {}
    rows: list[Row] = []
    values: dict[str, dict[str, tuple[str, str]]] = {}
    for measurement in category.nodes("measurements"):
        group = measurement.text("groupId")
        if group not in one.groups:
            rule = f"groupId = {group or 'missing'}: no such group in this outcome measure"
            raise MalformedFileError(measurement.path, measurement.where, rule)
        printed = {name: measurement.text(name) for name in PRINTED if measurement.text(name)}
        name = one.groups[group]
        what = sentences(one.title, title, category.text("title"), name)
        participants = split(name)[1] or of_class
        of_set = values.setdefault(participants, {})
        why, n = "", (counts or {}).get(group, "")
        if counts is None:
            why = f"counted in {one.node.text('typeUnitsAnalyzed')}, not in people"
        elif not one.kind:
            shown = sentences(one.node.text("paramType"), one.unit)
            why = f"neither a mean, a median nor people with an event ({shown})"
        elif plain(name) in TOTALS:
            why = "the sum over the arms"
        elif not is_number(printed.get("value", "")):
            why = sentences("not a number", measurement.text("comment"))
        elif n and not (whole_numbers([n]) and float(n) >= 1):
            why = "nobody was analysed"
        elif record.arm(name) in of_set:
            why = "a second group with the same title"
        else:
            why = _refused(one.kind, printed["value"], n)
        if why:
            if printed:
                left = named(printed | {"n": n})
                lost = plain(name) not in TOTALS and any(map(is_number, printed.values()))
                record.draft.effects_in += lost
                record.draft.leave(f"{record.nct}, {place}", what, left, why, effect=lost)
            continue
        record.draft.effects_in += 1
        cells, rest, reason = _cells(one, printed, n)
        if rest:
            record.draft.leave(f"{record.nct}, {place}", what, named(rest), reason)
        of_set[record.arm(name)] = (printed["value"], n)
        record.draft.effects_taken += 1
        about_arm = {"arm_id": record.arm(name), "analysis_set": participants}
        rows.append(common | cells | about_arm)
    if rows:
        record.draft.comparison("results", rows, place)
        definition = record.draft.rows["results"][-1].get("definition", "")
        one.blocks += _blocks(one.kind, common | {"definition": definition}, values)


def _blocks(
    kind: str, common: Row, values: Mapping[str, Mapping[str, tuple[str, str]]]
) -> Iterator[AnalysisBlock]:
    """What the analyses of the outcome may be of: the arms of each set of participants."""
    cells = {n: t for n, t in common.items() if n not in ("locator", "outcome_type", "notes")}
    for participants, arms in values.items():
        if arms:
            yield AnalysisBlock(
                kind=kind,
                baseline=common["outcome_type"] == "baseline",
                common=cells | {"analysis_set": participants},
                values=arms,
            )


def _refused(kind: str, value: str, n: str) -> str:
    """Why an event or a percentage cannot be a row; blank when it can."""
    if kind == "event":
        if not n:
            return "no number of people at risk"
        if not whole_numbers([value]) or not 0 <= float(value) <= float(n):
            return "not a number of people from 0 to those analysed"
    if kind == "percent" and not 0 <= float(value) <= 100:
        return "not a percentage from 0 to 100"
    return ""


def _about(one: _Measure, place: str, title: str, category: str) -> Row:
    """What all rows of a block share: outcome, instrument or definition, and time."""
    record, change = one.record, wording.is_change(one.title)
    frame = one.node.text("timeFrame")
    at_baseline = plain(title).startswith("baseline") and one.kind == "score"
    timed = at_baseline or bool(wording.days(title, change=change) or _SOME_TIME.search(title))
    time = "" if at_baseline else wording.days(title if timed else frame, change=change)
    if time:
        record.draft.assume(
            "time_days is the number in the time frame's own words (day 7 = 7, one week = 7), "
            "taken as time since the first dose"
        )
    parts = [part for part in ((title if not timed else ""), category) if part]
    words = f"{one.title} {one.node.text('description')} {frame} {title}"
    about = {
        "trial_id": record.nct,
        "period": record.period(words),
        "time_days": time,
        "timepoint": title if timed else frame,
        "locator": place,
        "notes": sentences(
            f"{one.node.text('type').lower().replace('_', ' ')} outcome",
            "least-squares means (model-based)" if one.param == "least squares mean" else "",
            f"unit: {one.unit}" if one.unit and one.kind == "score" else "",
            one.node.text("populationDescription"),
        ),
    }
    if one.kind != "score":
        outcome = record.shared.outcomes.of((plain(one.title), "event"), slug(one.title, "outcome"))
        if outcome not in record.draft.outcomes:
            better = wording.better_from_name(one.title)
            why = "going by its title" if better else "which nothing says"
            better = better or "lower"
            record.draft.assume(
                f"{record.nct}, {one.where} `{one.title}`: {better} is better, {why}"
            )
            record.draft.outcomes[outcome] = {
                "title": one.title, "kind": "binary", "better": better
            }  # fmt: skip
        definition = ": ".join(parts) or one.title
        return about | {"outcome": outcome, "definition": definition, "outcome_type": "event"}
    kind = "baseline" if at_baseline else "change" if change else "msd"
    return about | _scale(one, ": ".join((one.title, *parts))) | {"outcome_type": kind}


def _scale(one: _Measure, name: str) -> Row:
    """Outcome and instrument of scores; the title names both, for want of anything else."""
    record = one.record
    description = one.node.text("description")
    better = wording.better_from_description(description)
    if not better:
        better = "lower"
        record.draft.assume(
            f"{record.nct}, {one.where} `{one.title}`: lower is better; "
            "the description does not say"
        )
    identity = (plain(name), plain(one.unit), better)
    outcome = record.shared.outcomes.of(identity, slug(name, "outcome"))
    if outcome not in record.shared.instruments:
        record.shared.instruments.add(outcome)
        record.draft.assume(
            "instruments: every outcome title (with a class title that is no time) is a scale of "
            "its own; the registry does not name the scale"
        )
        record.draft.add("instruments", {
            "instrument": outcome, "name": name, "outcome": outcome, "better": better,
            "notes": sentences("range not entered", one.unit and f"unit: {one.unit}", description),
        })  # fmt: skip
    return {"outcome": outcome, "instrument": outcome}


def _cells(one: _Measure, printed: Mapping[str, str], n: str) -> tuple[Row, Row, str]:
    """The numbers of a measurement by column; those without a column, and why."""
    value = printed["value"]
    rest = {name: text for name, text in printed.items() if name != "value"}
    if one.kind == "event":
        return {"event": value, "totaln": n}, rest, "a limit or spread of a count"
    if one.kind == "percent":
        return {"percent": value, "totaln": n}, rest, "a limit or spread of a percentage"
    centre = _CENTRES[one.param]
    cells = {centre: value, "n": n}
    reason = f"`{one.node.text('dispersionType') or 'not named'}` of a {centre} has no column"
    spread = _SPREADS.get(one.dispersion, "")
    if "spread" in rest and spread and (centre, spread) != ("median", "se"):
        if is_number(rest["spread"]) and float(rest["spread"]) > 0:
            cells[spread] = rest.pop("spread")
        else:
            reason = "a spread is a number above 0"
    limits = [rest.get("lowerLimit", ""), rest.get("upperLimit", "")]
    columns = _RANGES.get(one.dispersion)
    if columns and any(limits) and (centre, columns[0]) != ("median", "ci_low"):
        if _in_order(columns[0], value, limits):
            cells |= dict(zip(columns, limits, strict=True))
            del rest["lowerLimit"], rest["upperLimit"]
        else:
            reason = "not a lower and an upper limit around the value"
    return cells, rest, reason


def _in_order(column: str, value: str, limits: list[str]) -> bool:
    if not all(is_number(limit) for limit in limits):
        return False
    low, high = float(limits[0]), float(limits[1])
    if column == "ci_low":
        return low < high and low <= float(value) <= high
    # Quartiles and extremes of few people can coincide with each other and the centre.
    return low <= high
