"""ClinicalTrials.gov records: what is imported, what is left, and what is refused."""

from __future__ import annotations

import copy
import json
import random
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from exchange_tables import CONDITION, DATA, cleaned, numbers_in, numbers_left, one, rows, whys

from trialpool.results import TrialpoolError
from trialpool.review.exchange import clinicaltrials
from trialpool.review.exchange.draft import is_number
from trialpool.review.exchange.formats import ImportOptions
from trialpool.review.exchange.imported import Imported

SOURCE = DATA / "made_up_nct.json"
MEASURED = {
    "value", "spread", "lowerLimit", "upperLimit", "paramValue", "dispersionValue", "pValue",
    "ciLowerLimit", "ciUpperLimit", "numSubjects", "numAffected", "numAtRisk", "numEvents",
    "deathsNumAffected", "deathsNumAtRisk", "seriousNumAffected", "seriousNumAtRisk",
    "otherNumAffected", "otherNumAtRisk",
}  # fmt: skip


@pytest.fixture(scope="module")
def record() -> Imported:
    return clinicaltrials.read(SOURCE, ImportOptions(condition=CONDITION))


def source() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(SOURCE.read_text(encoding="utf-8"))
    return copy.deepcopy(loaded)


def imported(folder: Path, value: Any) -> Imported:
    path = folder / "record.json"
    path.write_text(json.dumps(value), encoding="utf-8")
    return clinicaltrials.read(path, ImportOptions(condition=CONDITION))


def measured(value: Any, under: str = "") -> Iterator[str]:
    """All numbers of a record that are results, denominators apart."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in MEASURED and under != "counts":
                text = str(inner).lstrip("<>= ")
                yield from [text] if is_number(text) else []
            else:
                yield from measured(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from measured(inner, under)


def test_every_number_of_the_results_is_imported_or_left(record: Imported) -> None:
    """Numbers in = numbers in rows + numbers left, each counted as often as it stands there."""
    events = Counter(
        found[1]
        for row in rows(record, "results")
        if (found := re.search(r"number of events: (\d+)", row.get("notes", "")))
    )
    scores = ("mean", "sd", "se", "ci_low", "ci_high", "median", "q1", "q3", "minimum", "maximum")
    at_risk = Counter(row["totaln"] for row in rows(record, "results") if "event" in row["locator"])
    counted = (
        numbers_in(record, "results", *scores, "event", "percent")
        + numbers_in(record, "contrasts", "estimate", "se", "ci_low", "ci_high", "p_value")
        + numbers_in(record, "arms", "n_randomised")
        + numbers_in(record, "trials", "mean_age")
        + at_risk
        + events
    )
    denominators = Counter(["21", "63"])  # of the baseline, which are left by name
    left = numbers_left(record, "n", "ciPctValue") - denominators
    assert counted + left == Counter(measured(source()["resultsSection"]))


def test_every_denominator_goes_with_its_number(record: Imported) -> None:
    """The class's own denominator comes before the outcome's."""
    assert {row["n"] for row in rows(record, "results", timepoint="Week 2") if "n" in row} == {"18"}
    for row in rows(record, "results", locator="outcome 1, class 1, category 1"):
        assert (
            row["n"] == {"examplamine_10_mg": "20", "saline": "21", "otherine": "20"}[row["arm_id"]]
        )


def test_the_tables_pass_the_checks(record: Imported, tmp_path: Path) -> None:
    account = cleaned(record, tmp_path).rows.set_index("table")
    assert (account["rows_in"] == account["rows_used"] + account["rows_dropped"]).all()
    assert account.loc["results", "rows_in"] == len(rows(record, "results")) == 30


def test_numbers_stand_as_printed(record: Imported) -> None:
    row = one(record, "results", mean="5.50")
    assert (row["sd"], row["n"], row["time_days"]) == ("4.10", "20", "7")
    assert (row["confidence"], row["source"]) == ("primary", "registry")
    assert row["source_url"] == "https://clinicaltrials.gov/study/NCT00000001"
    assert one(record, "trials")["mean_age"] == "41.50"


def test_the_trial_and_its_arms(record: Imported) -> None:
    trial = one(record, "trials")
    assert (trial["study"], trial["registration"], trial["pmid"]) == (
        "MADE-UP", "NCT00000001", "22222222",
    )  # fmt: skip
    assert (trial["n_randomised"], trial["country"]) == ("63", "Nowhere, Elsewhere")
    assert (trial["setting"], trial["design"]) == ("psychiatric", "parallel")
    arms = {
        row["arm_id"]: (row["role"], row.get("comparator_class", ""), row.get("n_randomised", ""))
        for row in rows(record, "arms")
    }
    assert arms == {
        "examplamine_10_mg": ("experimental", "", "21"),
        "saline": ("control", "placebo", "22"),
        "otherine": ("control", "other", "20"),
    }
    assert (
        "NCT00000001: the results' group `Placebo (saline)` is taken to be the registered arm "
        "`Saline`, the only one with these words"
    ) in record.assumed


def groups_called(titles: dict[str, str]) -> dict[str, Any]:
    """The record with other titles of the groups of its first outcome measure."""
    value = source()
    measure = value["resultsSection"]["outcomeMeasuresModule"]["outcomeMeasures"][0]
    for group in measure["groups"]:
        group["title"] = titles.get(group["title"], group["title"])
    return value


@pytest.mark.parametrize(
    ("title", "arm", "participants"),
    [
        ("Saline (FAS)", "saline", "FAS"),
        ("Saline [Per Protocol Set]", "saline", "per protocol"),
        ("Saline - Safety Set", "saline", "safety set"),
        ("Saline (mITT)", "saline", "mITT"),
        ("Normal saline, intravenous", "saline", ""),
        ("Saline (day 1)", "saline", ""),
        ("Water (FAS)", "water", "FAS"),  # of no registered arm: one of its own
    ],
)
def test_a_group_is_the_registered_arm_whatever_set_of_people_its_title_names(
    tmp_path: Path, title: str, arm: str, participants: str
) -> None:
    found = imported(tmp_path, groups_called({"Saline": title}))
    first = [row for row in rows(found, "results") if row["locator"].startswith("outcome 1,")]
    (row,) = [row for row in first if row["arm_id"] not in ("examplamine_10_mg", "otherine")]
    assert (row["arm_id"], row.get("analysis_set", "")) == (arm, participants)
    known = {row["arm_id"] for row in rows(found, "arms")}
    assert known == {"examplamine_10_mg", "saline", "otherine"} | {arm}


def test_of_several_sets_that_of_everybody_is_the_main_one(tmp_path: Path) -> None:
    """Blank in analysis_set, with its name in the notes; the other is an alternative."""
    value = source()
    measures = value["resultsSection"]["outcomeMeasuresModule"]["outcomeMeasures"]
    again = copy.deepcopy(measures[0])
    for measure, name in ((measures[0], "PP"), (again, "FAS")):
        for group in measure["groups"]:
            group["title"] += f" ({name})"
    measures.append(again)
    found = imported(tmp_path, value)
    outcome = next(r for r in rows(found, "results") if r["locator"].startswith("outcome 1,"))
    sets = {
        (row.get("analysis_set", ""), row["notes"].split(";")[0])
        for row in rows(found, "results", outcome=outcome["outcome"])
        if row["outcome_type"] == outcome["outcome_type"]
    }
    assert {name for name, _ in sets} == {"", "per protocol"}
    assert {note for name, note in sets if not name} == {"analysis set: FAS"}


def of_outcome_1(found: Imported) -> list[tuple[str, str, str]]:
    """Arm, set and value of the results of the first outcome."""
    first = [r for r in rows(found, "results") if r["locator"].startswith("outcome 1,")]
    value = "mean" if "mean" in first[0] else "event"
    return [(row["arm_id"], row.get("analysis_set", ""), row[value]) for row in first]


def test_two_sets_in_one_outcome_are_both_read(tmp_path: Path) -> None:
    """Per protocol stands first in the record, and is not the result for that."""
    plain_values = of_outcome_1(imported(tmp_path, source()))
    value = source()
    measure = value["resultsSection"]["outcomeMeasuresModule"]["outcomeMeasures"][0]
    again = copy.deepcopy(measure["groups"])
    for groups, name in ((measure["groups"], "Per Protocol"), (again, "FAS")):
        for group in groups:
            group["title"] += f" ({name})"
    for group in again:
        group["id"] += "F"
    measure["groups"] += again
    for part in measure["classes"]:
        for category in part["categories"]:
            more = copy.deepcopy(category["measurements"])
            for measurement in more:
                measurement["groupId"] += "F"
            category["measurements"] += more
        for denominator in part.get("denoms", []):
            denominator["counts"] += [
                {**c, "groupId": c["groupId"] + "F"} for c in denominator["counts"]
            ]
    for denominator in measure["denoms"]:
        denominator["counts"] += [
            {**c, "groupId": c["groupId"] + "F"} for c in denominator["counts"]
        ]
    found = imported(tmp_path, value)
    both = of_outcome_1(found)
    assert sorted(row for row in both if not row[1]) == sorted(plain_values)
    assert {name for _, name, _ in both} == {"", "per protocol"}
    assert len(both) == 2 * len(plain_values)


def test_a_class_that_is_a_set_of_participants_is_no_part_of_the_outcome(tmp_path: Path) -> None:
    value = source()
    measure = value["resultsSection"]["outcomeMeasuresModule"]["outcomeMeasures"][0]
    (single,) = measure["classes"][:1]
    measure["classes"] = [{**single, "title": "Per Protocol"}, {**single, "title": "FAS"}]
    found = imported(tmp_path, value)
    assert {name for _, name, _ in of_outcome_1(found)} == {"", "per protocol"}
    first = [r for r in rows(found, "results") if r["locator"].startswith("outcome 1,")]
    assert len({(r["outcome"], r.get("instrument"), r.get("definition")) for r in first}) == 1


def test_the_full_analysis_set_of_one_arm_is_compared_with_the_itt_set_of_the_other(
    tmp_path: Path,
) -> None:
    """One set under two names; that of another name (per protocol) stays apart."""
    for second, sets in (("ITT", {""}), ("Per Protocol", {"", "per protocol"})):
        value = source()
        measure = value["resultsSection"]["outcomeMeasuresModule"]["outcomeMeasures"][0]
        for number, group in enumerate(measure["groups"]):
            group["title"] += f" ({'FAS' if number else second})"
        assert {name for _, name, _ in of_outcome_1(imported(tmp_path, value))} == sets


def test_harms_are_better_low(record: Imported) -> None:
    """Every term of the module of adverse events, and its totals."""
    harms = [r for r in rows(record, "results") if "event" in r["locator"]]
    assert len({row["outcome"] for row in harms}) > 3
    for row in harms:
        assert record.outcomes[row["outcome"]]["better"] == "lower"
    stated = " ".join(record.assumed)
    assert "`Number of Participants With Response`: higher is better, going by its title" in stated


@pytest.mark.parametrize(
    "value",
    [
        {"FullStudiesResponse": {"FullStudies": []}},
        {"StudyFieldsResponse": {}},
        {"Study": {"ProtocolSection": {}}},
    ],
)
def test_the_retired_interface_is_named_with_the_way_to_the_new_one(
    tmp_path: Path, value: dict[str, Any]
) -> None:
    with pytest.raises(TrialpoolError, match="retired in 2024; version 2 is read") as caught:
        imported(tmp_path, value)
    assert "https://clinicaltrials.gov/api/v2/studies/" in str(caught.value)


@pytest.mark.parametrize(
    ("place", "cells"),
    [
        ("outcome 2, class 1, category 1", {"se": "0.90", "outcome_type": "baseline"}),
        ("outcome 2, class 2, category 1", {"se": "1.10", "time_days": "14"}),
        ("outcome 2, class 3, category 1", {"timepoint": "Visit 3", "outcome_type": "change"}),
        ("outcome 3, class 1, category 1", {"median": "7.5", "q1": "6.0", "q3": "8.5"}),
        ("outcome 4, class 1, category 1", {"minimum": "2.0", "maximum": "11.0"}),
        ("outcome 5, class 1, category 1", {"event": "12", "totaln": "20", "time_days": ""}),
        ("outcome 6, class 1, category 1", {"percent": "40.0", "totaln": "20", "event": ""}),
        ("outcome 8, class 1, category 1", {"mean": "9.0", "ci_low": "", "time_days": "0.0277778"}),
        ("outcome 9, class 1, category 1", {"ci_low": "1.1", "ci_high": "2.9"}),
    ],
)
def test_each_kind_of_measurement_has_its_columns(
    record: Imported, place: str, cells: dict[str, str]
) -> None:
    row = rows(record, "results", locator=place, arm_id="examplamine_10_mg")[0]
    assert {name: row.get(name, "") for name in cells} == cells


def test_model_based_means_say_so(record: Imported) -> None:
    row = one(record, "results", mean="6.10")
    assert "least-squares means (model-based)" in row["notes"]


def test_a_second_outcome_of_one_title_is_told_apart_by_its_definition(
    record: Imported,
) -> None:
    found = rows(record, "results", outcome="hours_of_sleep", arm_id="examplamine_10_mg")
    assert [row.get("definition", "") for row in found] == ["", "outcome 4, class 1, category 1"]


def test_directions_are_read_or_stated(record: Imported) -> None:
    better = {row["instrument"]: row["better"] for row in rows(record, "instruments")}
    assert better["example_anxiety_scale"] == "lower"
    assert better["change_from_baseline_in_example_mood_scale"] == "higher"
    stated = " ".join(record.assumed)
    assert "`Hours of Sleep`: lower is better; the description does not say" in stated
    assert "`Example Anxiety Scale`: lower is better" not in stated


def test_analyses_become_contrasts_where_nothing_is_open(record: Imported) -> None:
    """Which way a difference was taken is read off the arms' own values, and stated."""
    first = one(record, "contrasts", estimate="-2.60")
    assert (first["contrast"], first["experimental_arm"], first["control_arm"]) == (
        "experimental-control", "examplamine_10_mg", "saline",
    )  # fmt: skip
    assert (first["se"], first["ci_low"], first["p_value"], first["p_bound"]) == (
        "1.25", "-5.10", "0.05", "yes",
    )  # fmt: skip
    other = one(record, "contrasts", estimate="2.7")
    assert (other["contrast"], other.get("ci_low", "")) == ("control-experimental", "")
    ratio = one(record, "contrasts", effect_measure="OR")
    assert (ratio["ci_low"], ratio["ci_high"], ratio.get("p_bound", "")) == ("1.02", "13.80", "")
    assert sum("because that way fits" in sentence for sentence in record.assumed) == 3


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("paramValue=1.2", "not a comparison of one experimental with one control arm"),
        ("paramValue=0.8", "no place for this measure"),
        ("paramValue=3.0", "does not say to which class"),
        ("ciLowerLimit=0.5; ciUpperLimit=4.9; paramType=Mean", "another level than 95 %"),
        ("spread=0", "a spread is a number above 0"),
        ("value=NA", "not a number; Nobody came"),
        ("Hours of Sleep; Total", "the sum over the arms"),
        ("lowerLimit=20.1", "a limit or spread of a percentage"),
        ("value=101.5; spread=33", "neither a mean, a median nor people with an event"),
        ("lowerLimit=8.0", "`90% Confidence Interval` of a mean has no column"),
        ("lowerLimit=3.5", "not a lower and an upper limit around the value"),
        ("numAffected=0; numAtRisk=0", "nobody at risk"),
        ("numAtRisk=22; numEvents=2", "no number of people affected and at risk"),
        ("COMPLETED", "no participant flow"),
        ("Withdrawal by Subject", "no participant flow"),
        ("Sex: Female, Male; Female", "a baseline characteristic"),
    ],
)
def test_what_is_left_has_its_reason(record: Imported, what: str, why: str) -> None:
    assert [reason for reason in whys(record, what) if why in reason]


def test_adverse_events_by_term_and_in_all(record: Imported) -> None:
    """Serious and others apart; a term that stands twice is two outcomes."""
    found = {
        (row["outcome"], row["arm_id"]): (row["event"], row["totaln"])
        for row in rows(record, "results")
        if "event" in row["locator"]
    }
    drug, saline = "examplamine_10_mg", "saline"
    assert found == {
        ("serious_adverse_event", drug): ("1", "21"),
        ("serious_adverse_event", saline): ("0", "22"),
        ("other_adverse_event", drug): ("9", "21"),
        ("other_adverse_event", saline): ("4", "22"),
        ("death", drug): ("0", "21"),
        ("serious_headache", drug): ("1", "21"),
        ("serious_headache", saline): ("0", "22"),
        ("headache", drug): ("5", "21"),
        ("headache", saline): ("3", "22"),
        ("headache_2", drug): ("1", "21"),
        ("death_2", drug): ("0", "21"),
    }
    assert any("above a frequency of 5 %" in sentence for sentence in record.assumed)


def test_several_records_share_their_outcomes(tmp_path: Path) -> None:
    """A search answer or a list of records: one term is one outcome in all of them."""
    first, second = source(), source()
    second["protocolSection"]["identificationModule"]["nctId"] = "NCT00000002"
    for value in ({"studies": [first, second]}, [first, second]):
        found = imported(tmp_path, value)
        assert [row["trial_id"] for row in rows(found, "trials")] == ["NCT00000001", "NCT00000002"]
        headaches = rows(found, "results", outcome="headache")
        assert {row["trial_id"] for row in headaches} == {"NCT00000001", "NCT00000002"}
        cleaned(found, tmp_path)


def test_a_crossover_is_of_both_periods_unless_it_says_first(tmp_path: Path) -> None:
    value = source()
    value["protocolSection"]["designModule"]["designInfo"]["interventionModel"] = "CROSSOVER"
    measures = value["resultsSection"]["outcomeMeasuresModule"]["outcomeMeasures"]
    measures[0]["title"] += " in the First Period"
    found = imported(tmp_path, value)
    assert one(found, "trials")["design"] == "crossover"
    first = rows(found, "results", locator="outcome 1, class 1, category 1")
    assert {row["period"] for row in first} == {"first"}
    assert {row["period"] for row in rows(found, "results")} == {"first", "both"}
    cleaned(found, tmp_path)


def test_other_designs_and_allocations_are_stated(tmp_path: Path) -> None:
    value = source()
    info = value["protocolSection"]["designModule"]["designInfo"]
    info |= {"interventionModel": "SINGLE_GROUP", "allocation": "NA"}
    stated = " ".join(imported(tmp_path, value).assumed)
    assert "design `single_group` is taken as parallel" in stated
    assert "allocation is `NA`, not randomised" in stated


def test_ages_and_counts_that_cannot_be_are_left(tmp_path: Path) -> None:
    value = source()
    results = value["resultsSection"]
    ages = results["baselineCharacteristicsModule"]["measures"][0]["classes"][0]["categories"][0]
    ages["measurements"][1]["value"] = "415"
    started = results["participantFlowModule"]["periods"][0]["milestones"][0]["achievements"]
    started[0]["numSubjects"] = "-21"
    found = imported(tmp_path, value)
    trial = one(found, "trials")
    assert (trial.get("mean_age", ""), trial.get("n_randomised", "")) == ("", "")
    assert whys(found, "Total value=415")
    assert whys(found, "Examplamine 10 mg=-21")


def test_a_record_without_results_is_a_trial_with_arms(tmp_path: Path) -> None:
    value = source()
    del value["resultsSection"]
    found = imported(tmp_path, value)
    assert len(rows(found, "arms")) == 3
    assert not rows(found, "results")
    assert any("has no posted results" in sentence for sentence in found.assumed)
    cleaned(found, tmp_path)


def test_eyes_are_not_people(tmp_path: Path) -> None:
    value = source()
    measures = value["resultsSection"]["outcomeMeasuresModule"]["outcomeMeasures"]
    measures[0]["typeUnitsAnalyzed"] = "Eyes"
    found = imported(tmp_path, value)
    assert not rows(found, "results", locator="outcome 1, class 1, category 1")
    assert "counted in Eyes, not in people" in whys(found, "value=5.50")


def test_an_estimate_near_zero_or_against_the_arms_is_left(tmp_path: Path) -> None:
    """-0.2 against arms that differ by -2.75 fits neither way."""
    value = source()
    measures = value["resultsSection"]["outcomeMeasuresModule"]["outcomeMeasures"]
    measures[0]["analyses"][0]["paramValue"] = "-0.2"
    found = imported(tmp_path, value)
    assert "which way it subtracts" in whys(found, "paramValue=-0.2")[0]


def test_a_one_sided_p_value_is_left(tmp_path: Path) -> None:
    value = source()
    measures = value["resultsSection"]["outcomeMeasuresModule"]["outcomeMeasures"]
    measures[0]["analyses"][0]["pValueComment"] = "One-sided test"
    found = imported(tmp_path, value)
    assert "p_value" not in one(found, "contrasts", estimate="-2.60")
    assert whys(found, "pValue=<0.05")


def test_classes_that_are_no_times_are_scales_of_their_own(tmp_path: Path) -> None:
    value = source()
    measures = value["resultsSection"]["outcomeMeasuresModule"]["outcomeMeasures"]
    measures[0]["classes"][0]["title"] = "Somatic"
    found = imported(tmp_path, value)
    assert one(found, "instruments", instrument="example_anxiety_scale_somatic")["name"] == (
        "Example Anxiety Scale: Somatic"
    )
    cleaned(found, tmp_path)


def test_numbers_that_are_json_numbers_keep_their_digits(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    text = SOURCE.read_text(encoding="utf-8").replace('"5.50"', "5.50")
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert one(
        clinicaltrials.read(path, ImportOptions(condition=CONDITION)), "results", mean="5.50"
    )


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every place in a record."""
    inner = value.items() if isinstance(value, dict) else ()
    for name, item in inner or (enumerate(value) if isinstance(value, list) else ()):
        yield (*path, name)
        yield from places(item, (*path, name))


JUNK: tuple[Any, ...] = (
    None,
    "",
    "-3",
    "1e400",
    0,
    "abc",
    [],
    {},
    [1],
    True,
    " a\n b ",
    "9" * 400,
    "Total",
)


@pytest.mark.parametrize("seed", range(5))
def test_any_broken_cell_is_imported_left_or_refused(tmp_path: Path, seed: int) -> None:
    """Whatever stands in one place, the tables pass the checks or the file is refused in a line."""
    chance = random.Random(seed)
    everywhere = list(places(source()))
    refusals = []
    for k in range(12):
        value = changed(*chance.choice(everywhere), to=chance.choice(JUNK))
        try:
            found = imported(tmp_path, value)
        except TrialpoolError as error:
            refusals.append(str(error))
        else:
            cleaned(found, tmp_path / str(k))
    assert 0 < len(refusals) < 12
    assert not [message for message in refusals if "\n" in message]


def changed(*path: str | int, to: Any) -> Any:
    value = source()
    place: Any = value
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = to
    return value


RESULTS = ("resultsSection", "outcomeMeasuresModule", "outcomeMeasures")
BAD: list[tuple[Any, str]] = [
    ("", "the file is empty"),
    ("{", "line 1, column 2: not JSON"),
    ("[1, 2", "not JSON"),
    ("[" * 100_000, "nested too deep"),
    ('"text"', "not a registry record"),
    ("17", "not a registry record"),
    (b"\xff\xfe{}", "not UTF-8 text"),
    ("{}", "protocolSection.identificationModule: nctId = missing"),
    ("[]", "no study in the file"),
    ('{"studies": []}', "no study in the file"),
    ('{"studies": {}}', "studies: an object where a list is expected"),
    ("[1]", "[0]: text or a number where an object is expected"),
    (changed("protocolSection", to=[]), "protocolSection: a list where an object is expected"),
    (changed("protocolSection", "identificationModule", "nctId", to="X1"), "nctId = X1: not a"),
    (changed("protocolSection", "identificationModule", "nctId", to={}), "text is expected"),
    (changed("protocolSection", "conditionsModule", "conditions", to="x"), "a list of texts"),
    (changed(*RESULTS, to="none"), "outcomeMeasures: text or a number where a list is expected"),
    (changed(*RESULTS, 0, "classes", 0, "categories", 0, "measurements", to={}), "a list is"),
    (
        changed(*RESULTS, 0, "classes", 0, "categories", 0, "measurements", 1, "groupId", to="X"),
        "outcomeMeasures[0].classes[0].categories[0].measurements[1]: groupId = X: no such group",
    ),
    (changed(*RESULTS, 0, "groups", to=True), "true or false where a list is expected"),
    ([source(), source()], "NCT00000001 stands twice"),
]


@pytest.mark.parametrize(("value", "rule"), BAD)
def test_a_malformed_file_gives_one_clear_error(tmp_path: Path, value: Any, rule: str) -> None:
    path = tmp_path / "record.json"
    text = value if isinstance(value, (str, bytes)) else json.dumps(value)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(TrialpoolError) as caught:
        clinicaltrials.read(path, ImportOptions(condition=CONDITION))
    message = str(caught.value)
    assert "record.json" in message
    assert rule in message
    assert "\n" not in message
