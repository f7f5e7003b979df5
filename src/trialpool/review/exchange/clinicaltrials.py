"""Import of ClinicalTrials.gov records with results: JSON of the API, version 2.

One study (`protocolSection`, `resultsSection`), a list of them, or a search answer (`studies`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from trialpool.review.exchange import clinicaltrials_events as events
from trialpool.review.exchange import clinicaltrials_outcomes as outcomes
from trialpool.review.exchange import clinicaltrials_sets as analysis_sets
from trialpool.review.exchange import wording
from trialpool.review.exchange.clinicaltrials_record import Record, RecordNode, Shared, load
from trialpool.review.exchange.draft import (
    Draft,
    MalformedFileError,
    Row,
    plain,
    sentences,
    slug,
)
from trialpool.review.exchange.formats import ImportOptions
from trialpool.review.exchange.imported import Imported
from trialpool.review.schema.raw import CONTRASTS, RESULTS

_NCT = re.compile(r"NCT\d{8}")
_ROLES = {
    "EXPERIMENTAL": "experimental",
    "ACTIVE_COMPARATOR": "control",
    "PLACEBO_COMPARATOR": "control",
    "SHAM_COMPARATOR": "control",
    "NO_INTERVENTION": "control",
}
_RETIRED = ("FullStudiesResponse", "StudyFieldsResponse", "FullStudies")
_CLASSES = {"PLACEBO_COMPARATOR": "placebo", "NO_INTERVENTION": "no_treatment"}


def read(path: Path, options: ImportOptions) -> Imported:
    """Read the records of one or more studies.

    Parameters
    ----------
    path : the JSON file
    options : the condition the tables are for, which is also their diagnosis

    Returns
    -------
    Raw tables, what was assumed, and what was left

    Raises
    ------
    MalformedFileError
        if the file is not JSON, holds no study, or an element is not of the expected kind
    """
    draft = Draft("registry", "https://clinicaltrials.gov", "primary")
    shared = Shared()
    seen: set[str] = set()
    root = load(path)
    _refuse_retired(path, root)
    for study in _studies(root):
        protocol = study.node("protocolSection")
        nct = protocol.node("identificationModule").text("nctId")
        if not _NCT.fullmatch(nct):
            where = "protocolSection.identificationModule"
            rule = f"nctId = {nct or 'missing'}: not a ClinicalTrials.gov identifier"
            raise MalformedFileError(path, where, rule)
        if nct in seen:
            rule = f"{nct} stands twice"
            raise MalformedFileError(path, "", rule, "Remove one of the two records")
        seen.add(nct)
        draft.url = f"https://clinicaltrials.gov/study/{nct}"
        record = Record(draft=draft, shared=shared, nct=nct, crossover=_crossover(protocol))
        _arms(protocol, record)
        results = study.node("resultsSection")
        if not results:
            draft.assume(f"{nct} has no posted results; only the trial and its arms are imported")
        started = events.flow(results.node("participantFlowModule"), record)
        age = events.baseline(results.node("baselineCharacteristicsModule"), record)
        _trial(protocol, record, options.condition, started, age)
        for number, outcome in enumerate(
            results.node("outcomeMeasuresModule").nodes("outcomeMeasures"), start=1
        ):
            outcomes.measure(outcome, number, record)
        events.adverse(results.node("adverseEventsModule"), record)
        record.add_arms()
    if not seen:
        rule = "no study in the file"
        raise MalformedFileError(path, "", rule, "Download the record as JSON (API version 2)")
    _main_sets(draft)
    return draft.done()


def _refuse_retired(path: Path, root: RecordNode) -> None:
    """The interface before version 2 had other names for everything."""
    if root.is_list:
        return
    old = next((n for n in (*_RETIRED, "Study", "ProtocolSection") if root.has(n)), "")
    if old:
        rule = (
            f"an answer of the old interface of ClinicalTrials.gov ({old}), which was retired in "
            "2024; version 2 is read"
        )
        fix = (
            "Download the record again: on the study's page by `Download`, JSON, or from "
            "https://clinicaltrials.gov/api/v2/studies/ followed by its NCT number"
        )
        raise MalformedFileError(path, "", rule, fix)


def _main_sets(draft: Draft) -> None:
    """Of results that are reported for several sets of participants the main one is blank."""
    for table in (RESULTS, CONTRASTS):
        groups: dict[tuple[str, ...], dict[str, list[Row]]] = {}
        for row in draft.rows.get(table.name, ()):
            key = tuple(row.get(n, "") for n in table.key if n not in ("analysis_set", "arm_id"))
            groups.setdefault(key, {}).setdefault(row.get("analysis_set", ""), []).append(row)
        for sets in groups.values():
            if len(sets) > 1 and "" not in sets:
                for row in _main(sets):
                    row["notes"] = sentences(
                        f"analysis set: {row['analysis_set']}", row.get("notes", "")
                    )
                    row["analysis_set"] = ""


def _main(sets: Mapping[str, list[Row]]) -> list[Row]:
    """The rows of the set that comes first; those of an arm that has it by another name, too."""
    first = min(sets, key=analysis_sets.rank)
    rows = list(sets[first])
    for name in analysis_sets.alike(first):
        arms = {row.get("arm_id") for row in rows}
        rows += [row for row in sets.get(name, ()) if row.get("arm_id") not in arms]
    return rows


def _studies(root: RecordNode) -> list[RecordNode]:
    if root.is_list:
        return root.items()
    return root.nodes("studies") if root.has("studies") else [root]


def _model(protocol: RecordNode) -> RecordNode:
    return protocol.node("designModule").node("designInfo")


def _crossover(protocol: RecordNode) -> bool:
    return _model(protocol).text("interventionModel").upper() == "CROSSOVER"


def _arms(protocol: RecordNode, record: Record) -> None:
    """The arms as registered; groups of the results are matched to them by their title."""
    for number, group in enumerate(protocol.node("armsInterventionsModule").nodes("armGroups"), 1):
        label = group.text("label") or f"arm {number}"
        kind = group.text("type").upper()
        role = _ROLES.get(kind, "")
        if not role:
            role = record.role_by_title(label)
        names = [name.split(":", 1)[-1] for name in group.texts("interventionNames")]
        comparator = _CLASSES.get(kind) or wording.comparator_class(label)
        drug = slug(" and ".join(names) or label, "not_stated")
        arm = {"arm": label, "role": role, "drug": drug, "dose": group.text("description")}
        arm["comparator_class"] = comparator if role == "control" else ""
        arm["notes"] = f"registered as {kind.lower().replace('_', ' ')}" if kind else ""
        record.register(label, arm, names)


def _trial(protocol: RecordNode, record: Record, condition: str, started: str, age: str) -> None:
    identity, model = protocol.node("identificationModule"), _model(protocol)
    registered = protocol.node("conditionsModule").texts("conditions")
    kind = wording.setting(condition, *registered)
    enrolment = protocol.node("designModule").node("enrollmentInfo")
    healthy = protocol.node("eligibilityModule").text("healthyVolunteers") == "True"
    primary = protocol.node("outcomesModule").nodes("primaryOutcomes")
    papers = [
        reference
        for reference in protocol.node("referencesModule").nodes("references")
        if reference.text("type").upper() == "RESULT"
    ]
    allocation = model.text("allocation")
    if plain(allocation) != "randomized":
        record.draft.assume(
            f"{record.nct}: allocation is `{allocation or 'not stated'}`, not randomised; check "
            "whether the trial is eligible"
        )
    shape = model.text("interventionModel").upper()
    if shape not in ("PARALLEL", "CROSSOVER"):
        record.draft.assume(
            f"{record.nct}: design `{shape.lower() or 'not stated'}` is taken as parallel"
        )
    record.draft.assume(
        f"{record.nct}: diagnosis = {slug(condition, 'condition')} (the condition given), setting "
        f"= {kind} (from the names of the conditions), concomitant = unclear and enriched = no, "
        "because the record has no fields for them"
    )
    count = enrolment.text("count")
    record.draft.add("trials", {
        "trial_id": record.nct, "study": identity.text("acronym") or record.nct,
        "citation": sentences(identity.text("officialTitle") or identity.text("briefTitle"),
                              *(paper.text("citation") for paper in papers)),
        "pmid": papers[0].text("pmid") if len(papers) == 1 else "",
        "registration": record.nct,
        "country": ", ".join(dict.fromkeys(
            place.text("country")
            for place in protocol.node("contactsLocationsModule").nodes("locations")
            if place.text("country")
        )),
        "design": "crossover" if record.crossover else "parallel",
        "diagnosis": slug(condition, "condition"), "setting": kind, "concomitant": "unclear",
        "enriched": "no", "population": ", ".join(registered),
        "n_randomised": started,
        "mean_age": age,
        "primary_outcome": sentences(
            *(" at ".join(filter(None, (p.text("measure"), p.text("timeFrame")))) for p in primary)
        ),
        "funding": protocol.node("sponsorCollaboratorsModule").node("leadSponsor").text("name"),
        "notes": sentences(
            count and f"enrolment {count} ({enrolment.text('type').lower() or 'kind not stated'})",
            "accepts healthy volunteers" if healthy else "",
        ),
    })  # fmt: skip
