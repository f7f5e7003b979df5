"""What is empty or alike is told: tables, filters, analyses; titles; numbers that are none."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from small import ROOT, SmallReview

from trialpool.review.commands.check import look
from trialpool.review.protocol.base import Spec
from trialpool.review.protocol.problems import ProtocolError
from trialpool.review.protocol.protocol import read_protocol

EMPTY = ("empty_table", "filter_without_match", "empty_analysis", "titles_alike")


def emptiness(small: SmallReview) -> list[str]:
    """What is empty: the check, the key or the table, and the rule."""
    problems = look(small.folder / "config/review.yaml", small.folder / "data/raw").problems
    return [
        f"{p.check}: {p.column or Path(p.file).name}: {p.rule}"
        for p in problems
        if p.check in EMPTY
    ]


def test_nothing_of_the_reviews_is_empty(small: SmallReview) -> None:
    """Neither of the made-up one nor of the one that is shipped."""
    assert emptiness(small) == []
    problems = look(ROOT / "config/review.yaml", ROOT / "data/raw").problems
    assert [p for p in problems if p.check in EMPTY] == []


def test_tables_with_a_header_only_are_told(small: SmallReview) -> None:
    """Contrasts alone are enough; nothing of either is not, nor are no trials and no arms."""
    small.write("results", small.rows("results")[:1])
    assert not any(line.startswith("empty_table") for line in emptiness(small))
    for table in ("contrasts", "risk_of_bias", "missing_results", "arms", "trials"):
        small.write(table, small.rows(table)[:1])
    expected = [f"empty_table: {table}.csv: has a header only" for table in
                ("trials", "arms", "results")]  # fmt: skip
    assert [line for line in emptiness(small) if line.startswith("empty_table")] == expected


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("time_days: [5, 10]", "time_days: [500, 1000]",
         "time_days = 500 to 1000: none of the 9 usable results is left"),
        ("instruments: [SCALE, OTHER]", "instruments: [OTHER]",
         "instruments = OTHER: none of the 9 usable results is left"),
        ("primary: true", "include: {setting: [medical]}",
         "include.setting = medical: none of the 9 usable results is left"),
        ("primary: true", "exclude: {setting: [psychiatric]}",
         "exclude.setting = psychiatric: none of the 9 usable results is left"),
        ("primary: true", "comparators: [waiting_list]",
         "comparators = waiting_list: none of the 8 usable results is left"),
    ],
)  # fmt: skip
def test_a_filter_that_leaves_nothing_is_named(
    small: SmallReview, old: str, new: str, said: str
) -> None:
    """Of mood, the small review has eight scores and one contrast, on day 7 and 14."""
    small.rewrite(old, new)
    key = "conditions.blue.analyses.mood."
    assert any(line.startswith(f"empty_analysis: {key}{said}") for line in emptiness(small))


def test_an_analysis_that_had_trials_says_how_many(small: SmallReview) -> None:
    """The results on record are asked."""
    small.rewrite("time_days: [5, 10]", "time_days: [500, 1000]")
    results = small.folder / "results"
    results.mkdir()
    with (results / "summary.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([("condition", "analysis", "k"), ("blue", "mood", "4")])
    assert any("the results on record have 4 trials" in line for line in emptiness(small))


def test_a_value_that_no_trial_has_is_told(small: SmallReview) -> None:
    """All trials are psychiatric."""
    small.rewrite("primary: true", "exclude: {setting: [medical]}")
    key = "filter_without_match: conditions.blue.analyses.mood"
    assert f"{key}.exclude.setting: no trial has medical" in emptiness(small)


@pytest.mark.parametrize("number", [".nan", ".inf", "-.inf", "nan", "Infinity"])
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("prefer_time: 7", "prefer_time: NUMBER"),
        ("time_days: [5, 10]", "time_days: [5, NUMBER]"),
        ("primary: true", "important: NUMBER"),
        ("primary: true", "rho: NUMBER"),
        ("outcomes:", "defaults: {crossover: {correlation: NUMBER}}\noutcomes:"),
        ("outcomes:", "defaults: {crossover: {correlation_grid: [0.3, NUMBER]}}\noutcomes:"),
        ("outcomes:", "defaults: {bayes: {tau_scale: NUMBER}}\noutcomes:"),
        ("primary: true", "baseline_risk: {risk: NUMBER, source: made up}"),
    ],
)
def test_no_key_of_the_protocol_is_nan_or_infinite(
    small: SmallReview, number: str, old: str, new: str
) -> None:
    """Whether YAML or a person writes it."""
    small.rewrite(old, new.replace("NUMBER", number))
    with pytest.raises(ProtocolError, match=r"finite|nan|inf"):
        read_protocol(small.folder / "config/review.yaml")


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("title: any harm", "title: ' Mood'", "outcomes.harm.title"),
        ("title: Green", "title: BLUE", "conditions.green.title"),
        ("title: Any harm,", "title: mood at  one week,", "conditions.blue.analyses.harm.title"),
        ("primary: true",
         "moderators: {kind: {title: Comparator, kind: group, column: setting}}",
         "conditions.blue.analyses.mood.moderators."),
    ],
)  # fmt: skip
def test_two_titles_that_read_alike_are_told(
    small: SmallReview, old: str, new: str, key: str
) -> None:
    """But for capital letters and spaces."""
    small.rewrite(old, new)
    assert any(line.startswith(f"titles_alike: {key}") for line in emptiness(small))


def test_every_part_of_the_protocol_refuses_what_is_no_number() -> None:
    """The rule stands once, and no part has settings of its own."""
    parts = [Spec]
    for part in parts:
        parts += part.__subclasses__()
    assert len(parts) > 20
    assert all(part.model_config["allow_inf_nan"] is False for part in parts)
