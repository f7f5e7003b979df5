"""Other layouts of Metapsy files, made up: each imported, checked and analysed without an edit."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import yaml
from exchange_tables import rows
from metapsy_files import NO_SCORES, SOUND, imported
from small import cleaned_tables, tables_of

from trialpool import cli
from trialpool.review.case import Case
from trialpool.review.commands.check import look
from trialpool.review.extraction.checking import load
from trialpool.review.protocol.protocol import resolve
from trialpool.review.trust.main_result import MainResult, main_result

# An older file: semicolons, decimal commas (and a point that somebody typed), drugs and doses.
OLD_HEAD = (
    "study;condition_arm1;condition_arm2;multi_arm1;multi_arm2;outcome_type;Outc_measure;time;"
    "time_days;mean_arm1;sd_arm1;n_arm1;mean_arm2;sd_arm2;n_arm2;drug_arm1;drug_arm2;dose_arm1;"
    "bl_mean_arm1;bl_sd_arm1;bl_n_arm1;bl_mean_arm2;bl_sd_arm2;bl_n_arm2;rand_arm1;rand_arm2;"
    "registration_number;percent_women;rob;funder"
)
OLD_ROWS = (
    "Alder, 2019;mdma;placebo;NA;NA;msd;CAPS;post;21;31,5;10,2;20;45,1;11,0;19;MDMA;saline;80 mg;"
    "70,1;9,5;21;69,8;9,9;20;21;20;NCT00000011;0,62;3;Fund A",
    "Beech, 2020;mdma;placebo;80 mg;NA;msd;CAPS;post;21;30,0;9,8;15;44.0;10,5;16;MDMA;saline;80 mg;"
    "68,0;9,0;16;68,5;9,1;17;16;17;NCT00000012;0,40;2;Fund B",
    "Beech, 2020;mdma;placebo;125 mg;NA;msd;CAPS;post;21;27,0;9,1;14;44.0;10,5;16;MDMA;saline;"
    "125 mg;68,2;9,2;15;68,5;9,1;17;15;17;NCT00000012;0,40;2;Fund B",
    "Cedar, 2021;mdma;placebo;NA;NA;msd;CAPS;post;28;35,2;11,0;25;47,5;12,1;24;MDMA;saline;100 mg;"
    "71,0;10,0;26;70,2;10,4;25;26;25;NCT00000013;0,55;1;Fund C",
)
# A newer one: commas, several arms, domains of bias in words, no column for the scale.
NEW_HEAD = (
    "study,condition_arm1,condition_arm2,multi_arm1,multi_arm2,outcome_type,time,time_weeks,"
    "mean_arm1,sd_arm1,n_arm1,mean_arm2,sd_arm2,n_arm2,primary_instrument,primary_time,"
    "rob_domain1,rob_domain2,rob_domain3,rob_domain4,rob_domain5,rob,design,year,full_ref"
)
NEW_ROWS = (
    '"Doe, 2018",cbt,wl,NA,NA,msd,post,8,10.1,4.2,30,14.0,5.0,31,1,1,low,low,some concerns,low,'
    "low,some concerns,parallel,2018,Doe 2018",
    '"Doe, 2018",cbt,wl,NA,NA,msd,FU,26,11.0,4.4,25,13.5,5.1,26,1,0,low,low,some concerns,low,'
    "low,some concerns,parallel,2018,Doe 2018",
    '"Elm, 2019",cbt,wl,group,NA,msd,post,10,9.0,3.9,20,13.0,4.4,22,1,1,high,low,low,low,low,high,'
    "parallel,2019,Elm 2019",
    '"Elm, 2019",cbt,wl,single,NA,msd,post,10,8.5,4.1,21,13.0,4.4,22,1,1,high,low,low,low,low,'
    "high,parallel,2019,Elm 2019",
    '"Fir, 2020",cbt,wl,NA,NA,msd,post,12,10.0,4.0,40,12.5,4.6,41,1,1,low,low,low,low,low,low,'
    "parallel,2020,Fir 2020",
)


def run(folder: Path, head: str, lines: tuple[str, ...], *more: str) -> tuple[int, MainResult]:
    """Import, check, and analyse the scores: exit code of the import and the result."""
    file, raw, config = folder / "made.csv", folder / "raw", folder / "review.yaml"
    file.write_text("\n".join((head, *lines)) + "\n", encoding="utf-8")
    code = cli.main(["import", "metapsy", str(file), "--condition", "made", "--out", str(raw),
                     "--config", str(config), *more])  # fmt: skip
    assert look(config, raw).of("error") == []
    review = resolve(yaml.safe_load(config.read_text(encoding="utf-8")))
    data, warnings = load(
        raw, "made", review.outcome_rules(), review.confidence_order, review.added
    )
    clean = cleaned_tables(data, warnings, review.confidence_order)
    case = Case.of(review, "made", "symptoms", tables_of(review, "made", clean))
    return code, main_result(case)


def test_an_older_layout_with_drugs_doses_and_numbers_for_judgements(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    codes = "1=high,2=some_concerns,3=low"
    code, main = run(tmp_path, OLD_HEAD, OLD_ROWS, "--rob-codes", codes)
    out = capsys.readouterr().out
    assert code == 0
    assert out.splitlines()[-1] == "4 of 4 effects taken"
    assert "Outc_measure as instrument" in out  # headings differ in capital letters
    assert "percent_women is a share of 1 (never above 1)" in out
    assert "a decimal point in 2 of mean_arm2 is read as a decimal point too" in out
    assert main.studies["trial_id"].nunique() == 3
    # Both dose groups are in, beside the one control.
    beech = main.studies.set_index("trial_id").loc["Beech_2020"]
    assert beech["experimental_arms"] == "125_mg+80_mg"
    text = (tmp_path / "raw" / "made" / "arms.csv").read_text(encoding="utf-8")
    assert "MDMA" in text
    assert "125 mg" in text
    bias = (tmp_path / "raw" / "made" / "risk_of_bias.csv").read_text(encoding="utf-8")
    assert bias.count(",low,") == bias.count(",some_concerns,") == bias.count(",high,") == 1
    trials = (tmp_path / "raw" / "made" / "trials.csv").read_text(encoding="utf-8")
    assert all(f"NCT0000001{i}" in trials for i in (1, 2, 3))
    assert ",62," in trials


def test_numbers_for_judgements_without_a_key_are_left_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _ = run(tmp_path, OLD_HEAD, OLD_ROWS)
    assert code == 0
    assert "codes without a key" in capsys.readouterr().out
    bias = (tmp_path / "raw" / "made" / "risk_of_bias.csv").read_text(encoding="utf-8")
    assert len(bias.splitlines()) == 1


def test_a_wrong_key_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "made.csv"
    file.write_text("\n".join((OLD_HEAD, *OLD_ROWS)), encoding="utf-8")
    assert cli.main(["import", "metapsy", str(file), "--condition", "made", "--rob-codes",
                     "1=bad", "--out", str(tmp_path / "raw"),
                     "--config", str(tmp_path / "r.yaml")]) == 1  # fmt: skip
    assert "judgements are low, some_concerns, high" in capsys.readouterr().err


def test_a_newer_layout_without_a_scale(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, main = run(tmp_path, NEW_HEAD, NEW_ROWS)
    out = capsys.readouterr().out
    assert code == 0
    assert "5 of 5 effects taken" in out
    assert "the file names no instruments: each study has a scale of its own" in out
    assert main.studies["trial_id"].tolist() == ["Doe_2018", "Elm_2019", "Fir_2020"]
    results = (tmp_path / "raw" / "made" / "results.csv").read_text(encoding="utf-8")
    head, *lines = results.splitlines()
    at = head.split(",").index("primary")
    marks = [line.split(",")[at] for line in lines]
    assert sum(mark == "yes" for mark in marks) == 7
    bias = (tmp_path / "raw" / "made" / "risk_of_bias.csv").read_text(encoding="utf-8")
    assert len(bias.splitlines()) == 1 + 3 * 6


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"percent_women": "130"}, "percent_women"),
        ({"instrument": "BDI Ã¼ scale"}, "name"),
        ({"n_arm1": "19.5"}, "n_arm1"),
    ],
)
def test_a_broken_cell_loses_itself_and_not_the_effect(
    tmp_path: Path, change: dict[str, str], column: str
) -> None:
    """Without n of an arm the file's own effect of the row is taken."""
    sound = {"study": "Roe, 2019", ".g": "0.8571"}
    found = imported(tmp_path, {**SOUND, **change}, sound)
    assert (found.effects_in, found.effects_taken) == (2, 2)
    assert any(column in entry.where for entry in found.left)
    assert not any(entry.effect for entry in found.left)
    if column == "n_arm1":
        (row,) = rows(found, "contrasts")
        assert row["estimate"] == "0.8571"


def test_rows_that_give_no_effect_are_counted_as_lost(tmp_path: Path) -> None:
    empty = {**NO_SCORES, ".g": "NA", ".g_se": "NA", "study": "Nobody, 2020"}
    found = imported(tmp_path, {}, empty)
    assert (found.effects_in, found.effects_taken) == (2, 1)
    (lost,) = [entry for entry in found.left if entry.effect]
    assert lost.where == "row 3, Nobody, 2020"


def test_rows_that_differ_in_nothing_the_file_names_are_both_effects(tmp_path: Path) -> None:
    """Told apart by their rows; neither is an alternative set of participants."""
    found = imported(tmp_path, {}, {"mean_arm1": "11", ".g": "0.6"})
    assert {row["definition"] for row in rows(found, "results")} == {"row 2", "row 3"}
    assert not any(row["analysis_set"] for row in rows(found, "results"))
    assert found.effects_taken == 2


def doses(*texts: str) -> tuple[str, ...]:
    """The older file's trial of two doses, without names of its arms, with these doses."""
    lines = (line.replace(";80 mg;NA;msd", ";NA;NA;msd") for line in OLD_ROWS[1:3])
    bare = (line.replace(";125 mg;NA;msd", ";NA;NA;msd") for line in lines)
    return tuple(
        line.replace(f"saline;{old}", f"saline;{new}")
        for line, old, new in zip(bare, ("80 mg", "125 mg"), texts, strict=True)
    )


def test_doses_without_names_of_arms_are_arms_of_their_own(tmp_path: Path) -> None:
    """They were one arm with two sets of numbers, its dose left blank."""
    code, main = run(tmp_path, OLD_HEAD, doses("80 mg", "125 mg"))
    assert code == 0
    assert list(main.studies["experimental_arms"]) == ["MDMA_125_mg+MDMA_80_mg"]
    with (tmp_path / "raw" / "made" / "results.csv").open(encoding="utf-8") as stream:
        found = [row for row in csv.DictReader(stream) if row["outcome_type"] == "msd"]
    # The control is one group of people with one row, and no row needs a mark.
    assert sorted(row["arm_id"] for row in found) == ["MDMA_125_mg", "MDMA_80_mg", "placebo"]
    assert not any(row["definition"] or row["analysis_set"] for row in found)


def test_a_dose_that_one_row_leaves_out_makes_no_second_arm(tmp_path: Path) -> None:
    run(tmp_path, OLD_HEAD, doses("80 mg", "NA"))
    text = (tmp_path / "raw" / "made" / "arms.csv").read_text(encoding="utf-8")
    assert len(text.splitlines()) == 3  # the header, one arm of each side
