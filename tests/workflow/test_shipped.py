"""The published record: what stands in results/ and data/processed of this review."""

from __future__ import annotations

import re

import pandas as pd
import pytest
from small import ROOT

from trialpool import tables
from trialpool.cli import main
from trialpool.review.protocol.protocol import Review, read_protocol
from trialpool.review.schema import files
from trialpool.review.schema.results import SUMMARY

RESULTS = ROOT / "results"


@pytest.fixture(scope="module")
def review() -> Review:
    return read_protocol(ROOT / "config/review.yaml")


def test_the_summary_has_a_row_per_analysis(review: Review) -> None:
    """In the protocol's order, with the promised columns; each analysis has its files."""
    summary = files.read(RESULTS / "summary.csv")
    assert tuple(summary.columns) == SUMMARY.names
    named = list(zip(summary["condition"], summary["analysis"], strict=True))
    assert named == review.pairs()
    for condition, analysis in review.pairs():
        for file in ("model.json", "studies.csv", "forest.svg"):
            assert (RESULTS / condition / analysis / file).stat().st_size > 0


def test_every_raw_row_is_used_or_dropped_with_a_reason(review: Review) -> None:
    """Rows in = rows used + rows dropped, for each raw table as it stands in data/raw."""
    for condition in review.conditions:
        processed = ROOT / "data/processed" / condition
        account = files.read(processed / "rows.csv")
        dropped = files.read(processed / "dropped.csv")
        assert (account["rows_in"] == account["rows_used"] + account["rows_dropped"]).all()
        assert len(dropped) == account["rows_dropped"].sum()
        assert dropped["reason"].notna().all()
        for table, count in zip(account["table"], account["rows_in"], strict=True):
            raw = pd.read_csv(ROOT / "data/raw" / condition / f"{table}.csv", dtype=str)
            assert len(raw) == count, f"{condition}/{table}"


def test_every_usable_result_of_an_analysed_outcome_reaches_an_effect(review: Review) -> None:
    """Between records and effects nothing is lost either."""
    for condition in review.conditions:
        processed = ROOT / "data/processed" / condition
        records = files.read(processed / "records.csv", review.added)
        effects = files.read(processed / "effects.csv")
        named = set(";".join(effects["records"]).split(";"))
        wanted = records[
            records["outcome"].isin(review.measures(condition))
            & (records["outcome_type"] != "baseline")
        ]
        for table, row in zip(wanted["table"], wanted["row"], strict=True):
            assert f"{table}.csv:{row:.0f}" in named


def test_every_drawing_is_in_its_list_and_every_link_leads_to_a_file() -> None:
    """No drawing without a row, no row of a drawing without it, no link of a page into nothing."""
    folders = {path.parent for path in RESULTS.rglob("*.svg")}
    assert len(folders) > 23
    for folder in folders:
        listed = files.read(folder / "figures.csv")
        drawn = set(listed.loc[listed["drawn"] == "yes", "figure"])
        assert drawn == {path.stem for path in folder.glob("*.svg")}
        assert listed.loc[listed["drawn"] == "no", "reason"].notna().all()
    for page in RESULTS.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        for link in re.findall(r'(?:href|src)="([^"#:]+)(?:#[^"]*)?"', text):
            # Figures in binary formats are made, but not kept.
            assert (page.parent / link).exists() or link.endswith((".png", ".pdf")), link


def test_the_second_route_disagrees_nowhere(review: Review) -> None:
    """And it does cover the estimate and limits of every analysis that has any."""
    verification = files.read(RESULTS / "verification.csv")
    assert not (verification["verdict"] == "DISAGREE").any()
    agreed = verification[verification["verdict"] == "agree"]
    limits = agreed[agreed["quantity"] == "ci_low"]
    covered = set(zip(limits["condition"], limits["analysis"], strict=True))
    exact = verification[verification["note"].str.contains("exact likelihood", na=False)]
    beyond = set(zip(exact["condition"], exact["analysis"], strict=True))
    assert beyond == {
        ("ptsd", "response"),
        ("safety", "blood_pressure_increased"),
        ("safety", "sedation"),
        ("depression", "suicidal_remission"),
    }
    assert covered == set(review.pairs()) - beyond
    assert len(covered) == 27


def test_every_published_number_leads_back_to_its_raw_cells(
    review: Review, capsys: pytest.CaptureFixture[str]
) -> None:
    """Pooled from studies, effects from records, records from the cells: recomputed, all agree."""
    for condition, analysis in review.pairs():
        code = main(["trace", str(RESULTS / condition / analysis)])
        told = capsys.readouterr()
        assert code == 0, told.out + told.err
        assert told.out.count(": agrees\n") == 4


def test_the_result_says_what_is_missing_beside_its_headline() -> None:
    """The largest trial, its size, and the estimate had it found nothing."""
    model = tables.read_json(RESULTS / "ptsd/symptoms_1_2_weeks/model.json")
    largest = model["largest_missing"]
    assert (largest["study"], largest["n"]) == ("Abdallah 2022", 158)
    page = (RESULTS / "ptsd/symptoms_1_2_weeks/index.html").read_text(encoding="utf-8")
    told = page[page.index('class="verdict"') : page.index("How sure is this?")]
    text = " ".join(told.replace("\u00a0", " ").split())
    assert "Abdallah 2022 (n = 158), more people than all trials here together" in text
    estimate = f"{largest['estimate']:.2f}".replace("-", "\u2212")
    assert f"ad it found nothing, it would be {estimate}" in text


@pytest.mark.parametrize(
    ("condition", "analysis", "trials"),
    [
        ("anxiety", "symptoms", {"Domany2020", "Price2014"}),
        ("anxiety", "symptoms_ect", {"Anderson2017"}),
        ("anxiety", "symptoms_perioperative", {"Qi2024"}),
        ("depression", "symptoms", {"Zhong2016", "Zhang2018", "Kheirabadi2019"}),
        ("depression", "suicidal_remission", {"Abbar2022"}),
    ],
)
def test_the_suspect_trials_stand_in_an_analysis(
    condition: str, analysis: str, trials: set[str], review: Review
) -> None:
    """A trial whose numbers look wrong is shown where it counts (docs/data_notes.md)."""
    studies = files.read(RESULTS / condition / analysis / "studies.csv", review.added)
    assert trials <= set(studies["trial_id"])


def test_numbers_that_cannot_be_enter_no_analysis(review: Review) -> None:
    """A placebo SD the scale does not allow, and more people than were randomised."""
    studies = files.read(RESULTS / "depression/symptoms/studies.csv", review.added)
    assert not {"Domany2020", "Zarate2012"} & set(studies["trial_id"])
    dropped = files.read(ROOT / "data/processed/depression/dropped.csv")
    assert {"Domany2020", "Zarate2012"} <= set(dropped["trial_id"])


@pytest.mark.parametrize(
    ("condition", "studies"),
    [
        ("ptsd", {"Norbury 2021", "Danboeck 2024", "Pradhan 2017"}),
        ("safety", {"ASPIRE I and II (pooled)", "TRANSFORM-1/2 (pooled)"}),
    ],
)
def test_reports_of_the_same_people_are_excluded(
    review: Review, condition: str, studies: set[str]
) -> None:
    """Each is inside another report; counting both would count its people twice."""
    excluded = files.read(ROOT / "data/processed" / condition / "excluded.csv")
    same = excluded[excluded["reason_class"] == "overlapping_report"]
    assert studies <= set(same["study"])
    records = files.read(ROOT / "data/processed" / condition / "records.csv", review.added)
    assert "ASPIRE1_2" not in set(records["trial_id"])
