"""Words of other tools: each rule answers where there is no doubt, and only there."""

from __future__ import annotations

import pytest

from trialpool.review.exchange import wording
from trialpool.review.exchange.draft import Draft, slug
from trialpool.review.exchange.ids import Names


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("Day 7", "7"),
        ("2 weeks", "14"),
        ("24 hours", "1"),
        ("24 hours post infusion", "1"),
        ("40 minutes after the first dose", "0.0277778"),
        ("at Week 4", "28"),
        ("4-week", "28"),
        ("0.5 h", "0.0208333"),
        ("End of Week 6", ""),
        ("at the end of week 6", "42"),
        # Two times, windows, or units without a fixed length.
        ("24 hours (Day 2)", ""),
        ("Day 1 and Day 7", ""),
        ("Up to 4 weeks", ""),
        ("within 24 hours", ""),
        ("Baseline, Week 4", ""),
        ("4 to 6 weeks", ""),
        ("3 months", ""),
        ("1 year", ""),
        ("24 hours after the last dose", ""),
        ("Visit 3", ""),
        ("7", ""),
        ("", ""),
    ],
)
def test_days_are_one_number_with_its_unit(text: str, days: str) -> None:
    assert wording.days(text) == days


def test_a_change_from_baseline_is_at_its_second_time() -> None:
    assert wording.days("Baseline to Week 4", change=True) == "28"
    assert wording.days("Baseline, Day 7, Week 4", change=True) == ""


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("Symptom of headache on day 3", ("3", "on day 3")),
        ("2 weeks", ("14", "2 weeks")),
        ("Example scale at 6 weeks", ("42", "at 6 weeks")),
        ("Rheumatic fever within 2 months", ("", "")),
        ("Mortality in trials of 2 weeks", ("", "")),
        ("Symptoms on day 3 to 5", ("", "")),
        ("Change at 4 weeks in trials with 2 weeks of treatment", ("", "")),
    ],
)
def test_a_time_in_a_name_needs_at_or_on(name: str, found: tuple[str, str]) -> None:
    assert wording.time_in_name(name) == found


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("Placebo", "placebo"),
        ("Matching placebo capsules", "placebo"),
        ("Active placebo (midazolam)", "active_placebo"),
        ("Placebo + psychotherapy", "other"),
        ("No treatment", "no_treatment"),
        ("Wait-list control", "waiting_list"),
        ("Treatment as usual", "usual_care"),
        ("Usual care plus leaflet", "other"),
        ("Midazolam", "other"),
        ("", "other"),
    ],
)
def test_comparators_are_named_only_when_certain(label: str, kind: str) -> None:
    assert wording.comparator_class(label) == kind


@pytest.mark.parametrize(
    ("text", "crossover"),
    [
        ("Randomised cross-over trial", True),
        ("Double-blind crossover", True),
        ("Parallel groups; crossover was allowed", False),
        ("Randomised, no cross-over", False),
        ("Randomised trial", False),
    ],
)
def test_a_crossover_is_said_without_a_but(text: str, crossover: bool) -> None:
    assert wording.is_crossover(text) is crossover


@pytest.mark.parametrize(
    ("text", "better"),
    [
        ("Higher scores indicate more severe anxiety.", "lower"),
        ("Higher scores indicate greater severity", "lower"),
        ("higher values mean better mood", "higher"),
        ("Lower scores indicate improvement", "lower"),
        ("Higher scores generally indicate greater improvement", "higher"),
        ("Higher scores indicate less severe symptoms", ""),
        ("Higher scores do not indicate better health", ""),
        ("Higher scores indicate worse; lower scores indicate worse", ""),
        ("0 to 40", ""),
    ],
)
def test_a_direction_is_read_only_when_plain(text: str, better: str) -> None:
    assert wording.better_from_description(text) == better


@pytest.mark.parametrize(
    ("left", "right", "better"),
    [
        ("Favours drug", "Favours pill", "lower"),
        ("Favors pill", "Favors drug", "higher"),
        ("Favours experimental", "Favours control", "lower"),
        ("Favours [control]", "Favours [experimental]", "higher"),
        ("Favours drug", "", "lower"),
        ("Favours drug", "Favours drug", ""),
        ("Decreased", "Increased", ""),
        ("", "", ""),
    ],
)
def test_the_plots_labels_tell_the_direction(left: str, right: str, better: str) -> None:
    assert wording.better_from_favours(left, right, ("Drug", "Pill")) == better


@pytest.mark.parametrize(
    ("name", "time"),
    [
        ("3 months", True),
        ("Week 4", True),
        ("At 12 months follow-up", True),
        ("Follow-up: 6 months", True),
        ("End of treatment", True),
        ("Post-treatment", True),
        ("Short-term (up to 12 weeks)", True),
        ("6 to 23 months", False),
        ("Over 65 years", False),
        ("65 years and older", False),
        ("Women", False),
        ("Treatment longer than 3 months", False),
        ("Treatment-resistant", False),
        ("", False),
    ],
)
def test_a_name_is_a_time_only_when_it_is_nothing_else(name: str, time: bool) -> None:
    assert wording.is_time(name) == time


def test_ids_are_short_unique_and_stay() -> None:
    names = Names()
    assert [names.of(key, "a") for key in (1, 2, 1, 3)] == ["a", "a_2", "a", "a_3"]
    assert names.of(4, "A") == "A_4"
    assert (
        slug("Ä very long title " * 10, "x")
        == "a_very_long_title_a_very_long_title_a_very_long_title_a_very"
    )
    assert len(slug("x" * 200, "y")) == 60
    assert slug("…", "none") == "none"


def test_rows_with_one_key_and_other_numbers_are_marked_together() -> None:
    """A control group reported twice with other numbers keeps the partner it came with."""
    draft = Draft("s", "https://example.org", "secondary")
    key = {"trial_id": "t", "outcome": "o", "period": "whole", "outcome_type": "event"}
    first = [key | {"arm_id": "a", "event": "1"}, key | {"arm_id": "b", "event": "2"}]
    second = [key | {"arm_id": "c", "event": "3"}, key | {"arm_id": "b", "event": "4"}]
    for rows, mark in ((first, "x"), (second, "y"), (second, "y")):
        draft.comparison("results", rows, mark)
    told = [row.get("definition", "") for row in draft.rows["results"]]
    assert told == ["", "", "y", "y", "y (2)", "y (2)"]
