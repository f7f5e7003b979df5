"""The pages of trials, from the made-up review."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from small import SmallReview, through_csv

from trialpool.review.report.caveats import AnalysisTables
from trialpool.review.report.characteristics import characteristics
from trialpool.review.report.trial_pages import trial_pages
from trialpool.review.schema.results import CHARACTERISTICS

READ = ("trials", "arms", "records", "risk_of_bias", "missing_results", "dropped", "flags")
HOSTILE = "<b>Ash</b>\u202e 2011"


@pytest.fixture
def small(tmp_path: Path) -> SmallReview:
    return SmallReview(tmp_path)


def made(small: SmallReview, *conditions: str) -> tuple[pd.DataFrame, dict[str, str]]:
    """The table of characteristics, and the pages; analyses are those of the first condition."""
    by_condition = {
        name: {key: through_csv(small.cleaned_tables(name)[key]) for key in READ}
        for name in conditions
    }
    review = small.review
    analyses = []
    for name in review.names()[conditions[0]]:
        whole = small.result(conditions[0], name)
        parts = ("studies", "missing", "sensitivity", "selection")
        own: dict[str, Any] = {part: through_csv(getattr(whole, part)) for part in parts}
        trust = {"weights": through_csv(whole.trust["weights"])}
        analyses.append(AnalysisTables(result=whole.result, trust=trust, **own))
    table = through_csv(characteristics(by_condition))
    return table, trial_pages(review.model_dump(mode="json"), by_condition, analyses, table)


def test_each_trial_has_a_row_and_a_page(small: SmallReview) -> None:
    """The list leads to each; the page says what it is and where it enters."""
    table, pages = made(small, "blue")
    trials = list(table["trial_id"])
    assert sorted(pages) == sorted(["index.html", *(f"{name}.html" for name in trials)])
    for name in trials:
        assert f'href="{name}.html"' in pages["index.html"]
    ash = pages["Ash.html"]
    assert 'href="../blue/mood/index.html"' in ash
    assert "Where it enters" in ash
    assert "results.csv:" in ash
    assert list(table.columns) == list(CHARACTERISTICS.names)


def test_a_trial_of_two_conditions_has_one_row(small: SmallReview) -> None:
    """What one leaves blank the other fills; what differs stands with both."""
    rows = small.rows("trials", "blue")
    first = dict(zip(rows[0], rows[1], strict=True))
    of_blue = {"trials": pd.DataFrame([first]).assign(country="", funding="X; Y")}
    of_green = {"trials": pd.DataFrame([first]).assign(country="Chile", funding="Y", study="Other")}
    for tables in (of_blue, of_green):
        tables["arms"] = pd.DataFrame(columns=["trial_id"])
        tables["records"] = pd.DataFrame(columns=["trial_id"])
    table = characteristics({"blue": of_blue, "green": of_green})
    assert len(table) == 1
    row = table.iloc[0]
    assert (row["conditions"], row["country"]) == ("blue; green", "Chile")
    assert (row["funding"], row["study"]) == ("X; Y", f"{first['study']}; Other")


def test_a_hostile_name_is_text(small: SmallReview) -> None:
    small.set("trials", 2, "study", HOSTILE)
    _, pages = made(small, "blue")
    for page in pages.values():
        assert "<b>Ash" not in page
        assert "\u202e" not in page
    assert "&lt;b&gt;Ash&lt;/b&gt;" in pages["index.html"]


def test_a_long_list_shows_its_first_rows(
    small: SmallReview, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trialpool.review.report.trial_pages.MOST", 1)
    table, pages = made(small, "blue")
    body = re.findall(r"<tbody>(.*?)</tbody>", pages["index.html"], re.S)[0]
    assert body.count("<tr>") == 1
    assert f"The first 1 of {len(table)} rows" in pages["index.html"]


def test_results_left_out_of_an_analysis_are_said_once(small: SmallReview) -> None:
    """However many effects a rule leaves out, a trial has one line for it in each analysis."""
    _, pages = made(small, "blue")
    for page in pages.values():
        lines = re.findall(r"<tr>\s*<th.*?</tr>", page, re.S)
        left = [
            re.findall(r'href="(.*?)"', line)[0] for line in lines if "results not used" in line
        ]
        assert len(left) == len(set(left))
    assert any("results not used" in page for page in pages.values())


def test_the_list_shows_risk_of_bias_by_weight(small: SmallReview) -> None:
    """Each bar says its shares in words and leads to its result."""
    _, pages = made(small, "blue")
    (bars,) = re.findall(r'<table class="bias-bars">.*?</table>', pages["index.html"], re.S)
    assert 'href="../blue/mood/index.html"' in bars
    assert re.search(r"\d+&nbsp;% \(\d+\)", bars)


def test_judgements_stand_on_the_trial_as_signs_and_with_reasons(small: SmallReview) -> None:
    _, pages = made(small, "blue")
    assert 'class="sign sign-' in pages["Ash.html"]
    assert "Reasons for each judgement" in pages["Ash.html"]
