"""From a pooled number to the raw cells: every link is there, and a broken one is named."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pandas as pd
import pytest
from small import ROOT, SmallReview, through_csv

from trialpool import tables, typed_json
from trialpool.analysis_result import AnalysisResult
from trialpool.cli import main
from trialpool.review.accounts.trace import chain, raw_tables
from trialpool.review.schema import files
from trialpool.review.schema.results import SUMMARY, TRACE

PAIRS = [("blue", "mood"), ("blue", "harm"), ("green", "harm_odds"), ("green", "mood")]
Out = pytest.CaptureFixture[str]


def finish(small: SmallReview) -> Path:
    """Write what the workflow writes; the folder of the review."""
    for condition in ("blue", "green"):
        processed = small.folder / "data/processed" / condition
        for name, table in small.cleaned_tables(condition).items():
            files.write(processed / f"{name}.csv", table, {})
        files.write(processed / "effects.csv", small.effects(condition))
    rows = []
    for condition, analysis in PAIRS:
        result = small.result(condition, analysis)
        folder = small.folder / "results" / condition / analysis
        typed_json.write(folder / "model.json", result.result)
        files.write(folder / "studies.csv", result.studies, {})
        made = result.result
        shown = {"condition": condition, "analysis": analysis, "measure": made.measure, "k": made.k}
        rows.append(shown | asdict(made.display))
    files.write(small.folder / "results/summary.csv", SUMMARY.frame(rows))
    return small.folder


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The made-up review with its results."""
    return finish(SmallReview(tmp_path_factory.mktemp("trace") / "review"))


@pytest.fixture
def review(small: SmallReview, made: Path, monkeypatch: pytest.MonkeyPatch) -> SmallReview:
    """A copy of it that a test may spoil, as the current folder."""
    shutil.copytree(made, small.folder, dirs_exist_ok=True)
    monkeypatch.chdir(small.folder)
    return small


def traced(capsys: Out, *arguments: str) -> tuple[int, str, str]:
    """Exit code, output and errors of `trialpool trace`."""
    code = main(["trace", *arguments])
    out, err = capsys.readouterr()
    return code, out, err


def stored(review: SmallReview, condition: str, analysis: str) -> pd.DataFrame:
    """The chain of an analysis from its files, as written and read again."""
    folder = review.folder / "results" / condition / analysis
    return through_csv(
        chain(
            typed_json.read(folder / "model.json", AnalysisResult),
            files.read(folder / "studies.csv", {}),
            files.read(review.folder / "data/processed" / condition / "records.csv", {}),
            raw_tables(review.folder / "data/raw" / condition, {}),
        )
    )


@pytest.mark.parametrize(("condition", "analysis"), PAIRS)
def test_every_number_stands_where_the_chain_says(
    review: SmallReview, condition: str, analysis: str
) -> None:
    """File, row and column of each line lead to the value in it, raw cells as typed."""
    found = stored(review, condition, analysis)
    assert tuple(found.columns) == TRACE.names
    for line in tables.records(found):
        path = review.folder / line["file"]
        if path.suffix == ".json":
            value = tables.read_json(path)
            for key in line["column"].split("."):
                value = value[key]
            assert tables.cell(value) == tables.cell(line["value"])
        else:
            held = pd.read_csv(path, dtype=str, keep_default_na=False, skip_blank_lines=False)
            assert held[line["column"]][int(line["row"]) - 2] == line["value"]
            assert (
                line["level"] != "raw cell" or line["source_url"] == "https://example.org/made-up"
            )


@pytest.mark.parametrize(("condition", "analysis"), PAIRS)
def test_the_chain_is_the_same_from_memory_and_from_files(
    review: SmallReview, condition: str, analysis: str, tmp_path: Path
) -> None:
    """What the workflow writes is what the command prints, byte for byte."""
    result = review.result(condition, analysis)
    records = review.folder / "data/processed" / condition / "records.csv"
    raw = raw_tables(review.folder / "data/raw" / condition, {})
    made = chain(result.result, result.studies, files.read(records, {}), raw)
    tables.write_table(tmp_path / "memory.csv", made, TRACE)
    tables.write_table(tmp_path / "files.csv", stored(review, condition, analysis), TRACE)
    assert (tmp_path / "memory.csv").read_bytes() == (tmp_path / "files.csv").read_bytes()


def test_every_study_reaches_its_raw_rows(review: SmallReview) -> None:
    """Two arms each, the numbers as they were typed (18.0, not 18)."""
    found = stored(review, "blue", "mood")
    cells = found[(found["level"] == "raw cell") & (found["study"] == "Ash 2011")]
    told = [f"{r.row:.0f} {r.quantity} = {r.value}" for r in cells.itertuples()]
    assert told == [
        "2 arm_id = experimental", "2 time_days = 7", "2 n = 20", "2 mean = 18.0", "2 sd = 8.0",
        "3 arm_id = control", "3 time_days = 7", "3 n = 19", "3 mean = 24.0", "3 sd = 9.0",
    ]  # fmt: skip
    reached = found[found["level"] == "raw cell"]["study"].unique().tolist()
    assert reached == ["Ash 2011", "Birch 2013", "Cedar 2016", "Elm 2019"]


def test_a_missing_pooled_number_says_why(review: SmallReview) -> None:
    """A posterior has no p value: blank, and the reason beside it; tau2 is of the other model."""
    found = stored(review, "green", "harm_odds").set_index("quantity")
    assert tables.cell(found.loc["p_value", "value"]) == ""
    assert str(found.loc["p_value", "how"]).startswith("a posterior has no p value")
    estimate = str(found.loc["estimate", "how"])
    led = "Bayesian random effects, half-normal(0.5) prior of tau, exact likelihood of counts"
    assert estimate == f"{led}; back-transformed from the log scale"
    assert found.loc["tau2", "how"] == "Mantel-Haenszel, common effect"


def test_a_number_that_cleaning_computed_is_shown_with_how(
    small: SmallReview, monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    """The SD of a row that has only an SE: the record's value, the formula, then the typed SE."""
    small.set("results", 2, "sd", "")
    small.set("results", 2, "se", "1.50")
    monkeypatch.chdir(finish(small))
    code, out, _ = traced(capsys, "results/blue/mood", "--study", "Ash")
    assert code == 0
    assert "  computed for the row below: sd = 6.7082; SD = SE x sqrt(n)\n" in out
    assert "row 2: arm_id = experimental, time_days = 7, n = 20, mean = 18.0, se = 1.50\n" in out
    assert "    used: n, mean, se\n" in out


def test_a_correlation_leads_to_the_row_it_came_from(
    small: SmallReview, monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    """The SD of the difference stands in contrasts.csv, beside the two arms' rows."""
    rows = small.rows("contrasts")
    row = dict(zip(rows[0], rows[1], strict=True))
    row |= {"trial_id": "Cedar", "period": "both", "time_days": "7", "sd_difference": "5.0",
            "n_experimental": "16", "n_control": "16"}  # fmt: skip
    small.write("contrasts", [*rows, list(row.values())])
    monkeypatch.chdir(finish(small))
    code, out, _ = traced(capsys, "results/blue/mood", "--study", "Cedar 2016")
    assert code == 0
    assert "from the SD of the difference (contrasts.csv row 3)" in out
    assert "data/raw/blue/contrasts.csv row 3: " in out
    assert "sd_difference = 5.0" in out


def test_a_row_that_a_note_mentions_is_no_source(
    small: SmallReview, monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    """Words of the extractor stay words: only what the effect was computed from is its source."""
    small.set("results", 2, "derived", "digitised, as was results.csv row 8")
    monkeypatch.chdir(finish(small))
    code, out, _ = traced(capsys, "results/blue/mood", "--study", "Ash")
    assert code == 0
    assert "digitised, as was results.csv row 8" in out
    rows = [line.split(" row ")[1].split(":")[0] for line in out.splitlines()
            if line.startswith("  data/raw/")]  # fmt: skip
    assert rows == ["2", "3"]


def test_the_command_prints_the_chain_and_that_it_holds(review: SmallReview, capsys: Out) -> None:
    """The pooled number, four checks, each study with its rows and sources."""
    code, out, err = traced(capsys, "results/blue/mood")
    model = tables.read_json("results/blue/mood/model.json")
    assert (code, err) == (0, "")
    assert out.startswith(
        "blue/mood: Mood at one week (SMD)\n"
        "  pooled estimate from studies.csv: agrees\n"
        "  inputs_sha256 of model.json: agrees\n"
        "  effects from records.csv: agrees\n"
        "  records.csv from the raw cells: agrees\n\n"
        f"{tables.cell(model['display']['estimate'])} (95 % CrI "
    )
    assert model["policy"]["bayesian"]
    assert (
        "  data/raw/blue/results.csv row 2: arm_id = experimental, time_days = 7, n = 20, "
        "mean = 18.0, sd = 8.0\n    used: n, mean, sd\n    source: https://example.org/made-up\n"
        "    primary; extracted by: not recorded; on: not recorded\n"
    ) in out
    assert "imputed: correlation between the two conditions assumed 0.5" in out


@pytest.mark.parametrize("path", ["model.json", "studies.csv"])
def test_a_file_of_an_analysis_stands_for_the_analysis(
    review: SmallReview, capsys: Out, path: str
) -> None:
    """Whatever file a reader has at hand leads to the same chain, from any folder."""
    whole = traced(capsys, "results/green/harm_odds")
    assert traced(capsys, f"results/green/harm_odds/{path}") == whole
    assert traced(capsys, str(review.folder / "results/green/harm_odds" / path)) == whole


def test_what_can_be_traced_is_listed(review: SmallReview, capsys: Out) -> None:
    """The summary names the analyses, effects.csv its effects; each is an argument as it stands."""
    code, out, _ = traced(capsys, "results/summary.csv")
    assert code == 0
    assert [line.split(":")[0] for line in out.splitlines()[1:]] == [
        f"results/{condition}/{analysis}" for condition, analysis in PAIRS
    ]
    code, out, _ = traced(capsys, "data/processed/blue/effects.csv")
    effect = out.splitlines()[1]
    code, out, _ = traced(capsys, "data/processed/blue/effects.csv", "--effect", effect)
    assert code == 0
    assert out.startswith(f"{effect}\n  effects from records.csv: agrees\n")
    assert "data/raw/blue/" in out


def test_an_effect_is_traced_in_all_its_variants(review: SmallReview, capsys: Out) -> None:
    """A crossover's alternatives share the effect's name and its raw rows."""
    effects = files.read("data/processed/blue/effects.csv")
    cedar = effects[(effects["trial_id"] == "Cedar") & (effects["outcome"] == "mood")]
    path = "data/processed/blue/effects.csv"
    code, out, _ = traced(capsys, path, "--effect", cedar["effect_id"].iloc[0])
    assert code == 0
    assert out.count("\nCedar 2016: ") == len(cedar) > 1
    assert "  variant: crossover: as parallel\n" in out


def test_json_holds_the_same_chain(review: SmallReview, capsys: Out) -> None:
    """For machines: checks with their verdict, and the lines of trace.csv."""
    _, out, _ = traced(capsys, "results/blue/mood", "--json")
    held = json.loads(out)
    assert [check["verdict"] for check in held["checks"]] == ["agrees"] * 4
    table = stored(review, "blue", "mood")
    assert len(held["chain"]) == len(table)
    cell = next(line for line in held["chain"] if line["level"] == "raw cell")
    assert (cell["row"], cell["column"], cell["value"]) == (2, "arm_id", "experimental")
    assert held["chain"][0]["row"] is None


def test_a_changed_raw_cell_is_named(review: SmallReview, capsys: Out) -> None:
    """What it was, what it is, and what to do."""
    review.set("results", 2, "n", "21")
    review.set("results", 3, "notes", "seen again")
    code, out, _ = traced(capsys, "results/blue/mood")
    assert code == 1
    assert (
        "  records.csv from the raw cells: differs\n"
        "    data/raw/blue/results.csv row 2: the raw row has changed since: n was 20, is 21; run "
        "the review again\n"
        "    data/raw/blue/results.csv row 3: the raw row has changed since: notes was blank, is "
        "seen again; run the review again\n"
    ) in out
    assert "  effects from records.csv: agrees\n" in out


def test_a_deleted_cell_and_a_deleted_row_are_named(review: SmallReview, capsys: Out) -> None:
    """A blank where the record says `reported` is a change, not a computed number."""
    rows = review.rows("results")
    review.write("results", rows[:8])  # ends before Elm's control arm, row 9
    review.set("results", 2, "sd", "")
    code, out, _ = traced(capsys, "results/blue/mood")
    assert code == 1
    assert "row 2: the raw row has changed since: sd was 8, is blank; run" in out
    assert "data/raw/blue/results.csv row 9: the raw row is gone; run the review again" in out
    assert "data/raw/blue/results.csv row 9: no such row any more" in out


def test_records_newer_than_the_results_are_seen(review: SmallReview, capsys: Out) -> None:
    """Cleaned again but not pooled again: the effects no longer follow from the records."""
    review.set("results", 2, "mean", "17.0")
    records = review.cleaned_tables("blue")["records"]
    files.write("data/processed/blue/records.csv", records, {})
    code, out, _ = traced(capsys, "results/blue/mood")
    assert code == 1
    assert "  records.csv from the raw cells: agrees\n" in out
    assert "  effects from records.csv: differs\n" in out
    ash = tables.records(files.read("results/blue/mood/studies.csv", {}))[0]
    now = {row["effect_id"]: row["yi"] for row in tables.records(review.effects("blue"))}
    held, found = tables.cell(ash["yi"]), tables.cell(now[ash["effect_id"]])
    assert f"{ash['effect_id']}: yi is {held}, {found} from records.csv; run the review" in out


def test_an_effect_that_is_no_longer_made(review: SmallReview, capsys: Out) -> None:
    """A result dropped from the records takes its effect along."""
    records = files.read("data/processed/blue/records.csv", {})
    files.write("data/processed/blue/records.csv", records[records["row"] != 2], {})
    code, out, _ = traced(capsys, "results/blue/mood")
    assert code == 1
    assert "records.csv no longer gives this effect; run the review again" in out
    assert "data/raw/blue/results.csv row 2: not in records.csv; run the review again" in out


@pytest.mark.parametrize("field", ["estimate", "ci_low", "pi_low", "pi_high"])
def test_a_pooled_number_that_is_off_is_named(review: SmallReview, capsys: Out, field: str) -> None:
    """The pooled result is computed anew from yi and vi with the model's own settings."""
    model = tables.read_json("results/blue/mood/model.json")
    model["display"][field] *= 1.001
    tables.write_json("results/blue/mood/model.json", model)
    code, out, _ = traced(capsys, "results/blue/mood")
    assert code == 1
    assert f"    {field} is {tables.cell(model['display'][field])} in model.json, " in out


def test_an_edited_studies_table_is_found_by_its_hash(review: SmallReview, capsys: Out) -> None:
    """A table with one character changed is not the table the model was fitted to."""
    path = Path("results/blue/mood/studies.csv")
    path.write_text(path.read_text(encoding="utf-8").replace("Ash 2011", "Ash 2012"), "utf-8")
    code, out, _ = traced(capsys, "results/blue/mood")
    assert code == 1
    assert "inputs_sha256 of model.json: differs\n    studies.csv is not the table" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["results/nowhere"], "results/nowhere: no such file or folder. Give a folder such as "),
        (["config"], "config: nothing to trace here. Give a folder such as "),
        (["results/blue/mood", "--study", "Oak"],
         "results/blue/mood: no study Oak. Its studies are: Ash, Birch, Cedar, Elm."),
        (["results/blue/mood", "--effect", "x"], "--effect goes with effects.csv; use --study"),
        (["data/processed/blue/effects.csv", "--study", "Ash"], "--study goes with an analysis;"),
        (["data/processed/blue/effects.csv", "--effect", "x"],
         "data/processed/blue/effects.csv: no effect x. Without --effect all are listed."),
    ],
)  # fmt: skip
def test_what_cannot_be_traced_is_said_in_one_line(
    review: SmallReview, capsys: Out, arguments: list[str], message: str
) -> None:
    """Exit code 1, nothing on the output, no traceback."""
    code, out, err = traced(capsys, *arguments)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert err.startswith(message)


@pytest.mark.parametrize(
    ("path", "text", "message"),
    [
        ("results/blue/mood/studies.csv", None, ": the file is missing; run the review again"),
        (
            "results/blue/mood/studies.csv",
            "study\n",
            ": not readable (studies: missing effect_id, ",
        ),
        ("results/blue/mood/model.json", "{", ": not readable (Expecting property name"),
        ("results/blue/mood/model.json", "{}", ", title: the field is missing; run the review"),
        ("data/processed/blue/records.csv", None, ": the file is missing; run the review again"),
        ("data/processed/blue/trials.csv", "", ": not readable (it has no header"),
        ("data/raw/blue/contrasts.csv", None, ": the file is missing. Add it; a header line alone"),
    ],
)
def test_a_broken_file_is_said_in_one_line(
    review: SmallReview, capsys: Out, path: str, text: str | None, message: str
) -> None:
    """Which file, what is wrong with it, and what to do."""
    if text is None:
        Path(path).unlink()
    else:
        Path(path).write_text(text, encoding="utf-8")
    code, out, err = traced(capsys, "results/blue/mood")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert err.startswith(f"{path}{message}")


def test_settings_of_another_version_are_said_in_one_line(review: SmallReview, capsys: Out) -> None:
    """A model.json whose settings this version does not know."""
    model = tables.read_json("results/blue/mood/model.json")
    model["specification"]["model"]["tau2"] = "XX"
    tables.write_json("results/blue/mood/model.json", model)
    assert traced(capsys, "results/blue/mood") == (
        1, "", "results/blue/mood: made by another version; run the review again\n",
    )  # fmt: skip


def test_a_reader_who_closes_early_sees_no_traceback(review: SmallReview) -> None:
    """`trialpool trace ... | head -1`."""
    command = f"{sys.executable} -m trialpool.cli trace results/blue/mood | head -1"
    done = subprocess.run(command, shell=True, cwd=review.folder, capture_output=True, text=True,
                          env={"PYTHONPATH": str(ROOT / "src")}, check=False)  # fmt: skip
    assert done.stdout == "blue/mood: Mood at one week (SMD)\n"
    assert done.stderr == ""
