"""The whole workflow on the made-up review: what runs, what runs again, and what stops it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from packages import faults
from runs import Workflow
from small import ROOT

from trialpool import tables
from trialpool.review.schema import files
from trialpool.review.schema.raw import CERTAINTY

pytest.importorskip("snakemake", reason="the workflow needs Snakemake")


def test_a_cold_run_writes_every_result(finished: Workflow) -> None:
    """The files readers look for are there, and nothing is left of a failed job."""
    files = set(finished.digests())
    for analysis in ("blue/mood", "blue/harm", "green/harm_odds", "green/mood"):
        for name in ("model.json", "studies.csv", "sensitivity.csv", "missing.csv",
                     "selection.csv", "trace.csv", "forest.svg", "forest.png",
                     "forest.pdf"):  # fmt: skip
            assert f"results/{analysis}/{name}" in files
    for name in ("index.html", "summary.csv", "numbers.json", "verification.csv",
                 "blue/index.html", "green/summary.csv", "blue/agreement.csv",
                 "green/disagreements.csv"):  # fmt: skip
        assert f"results/{name}" in files
    for root in ("data", "results"):
        assert faults(finished.folder / root) == []


def test_a_second_run_does_nothing(finished: Workflow, tmp_path: Path) -> None:
    """Nothing changed, so nothing runs."""
    again = finished.copy(tmp_path / "again")
    assert again.planned() == []
    done = again.run()
    assert "Nothing to be done" in done.stdout + done.stderr
    assert again.digests() == finished.digests()


def test_two_cold_runs_give_identical_bytes(finished: Workflow, tmp_path: Path) -> None:
    """In another folder, with another hash seed: the same bytes in every result, PNG and PDF too.

    The run is killed half way first, so that this also shows a killed run to resume. It starts
    with a second extraction, and without it the review is what it was: one more cold run serves
    both questions.
    """
    second = Workflow.fresh(tmp_path / "second")
    extraction = extract_again(second)
    process = subprocess.Popen(
        second.command(),
        cwd=second.folder,
        env=second.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while not list(second.folder.glob("results/*/*/model.json")):
        assert process.poll() is None, "the run ended before it could be killed"
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (second.folder / "results" / "index.html").exists()

    done = second.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"The run of process {process.pid} was killed; its lock on" in done.stderr
    holds_a_second_extraction(second.folder / "results")

    shutil.rmtree(extraction)
    done = second.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert second.digests() == finished.digests()


def test_one_changed_number_re_runs_one_condition(finished: Workflow, tmp_path: Path) -> None:
    """A cell of blue/results.csv touches no job of green; only the shared summaries follow."""
    changed = finished.copy(tmp_path / "changed")
    changed.edit("data/raw/blue/results.csv", ",20,18.0,8.0,", ",20,18.5,8.0,")
    planned = changed.planned()
    assert not [job for job in planned if "green" in job]
    assert planned == [
        "agreement blue", "clean blue", "data_package", "downloads", "effects blue",
        "figures_blue", "methods", "page", "pages_blue", "pool_blue_1",
        "summary", "summary_condition blue", "trials", "verify",
    ]  # fmt: skip


def test_a_decision_on_certainty_fits_nothing_anew(finished: Workflow, tmp_path: Path) -> None:
    """An optional table of one condition: its summary and the pages follow."""
    changed = finished.copy(tmp_path / "changed")
    decisions = changed.folder / "data/raw/blue/certainty.csv"
    row = "mood,imprecision,-1,few people,A,2026-11,n = 1"
    decisions.write_text(f"{','.join(CERTAINTY.names)}\n{row}\n", encoding="utf-8")
    assert changed.planned() == [
        "data_package", "downloads", "methods", "page", "pages_blue", "summary",
        "summary_condition blue",
    ]  # fmt: skip


def test_a_deleted_drawing_is_drawn_again_and_then_nothing(
    finished: Workflow, tmp_path: Path
) -> None:
    """Which figures are drawn depends on the trials, so no rule declares them; lists name them."""
    changed = finished.copy(tmp_path / "changed")
    drawing = changed.folder / "results/blue/mood/specification_curve.svg"
    drawing.unlink()
    assert changed.planned() == ["figures_blue", "pages_blue"]
    done = changed.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert changed.digests() == finished.digests()
    assert changed.planned() == []


def test_pooling_follows_any_raw_table(finished: Workflow, tmp_path: Path) -> None:
    """So it costs no run that pooling also reads raw cells, for the trace."""
    changed = finished.copy(tmp_path / "changed")
    changed.edit("data/raw/blue/trials.csv", "Ash 2011", "Ash et al. 2011")
    pooled = {job for job in changed.planned() if job.startswith("pool")}
    assert pooled == {"pool_blue_1"}


def test_a_second_extraction_re_runs_its_own_condition(finished: Workflow, tmp_path: Path) -> None:
    """A file that was not there becomes an input."""
    changed = finished.copy(tmp_path / "changed")
    extract_again(changed)
    planned = changed.planned()
    assert not [job for job in planned if "green" in job]
    assert {"agreement blue", "flags blue", "pages_blue"} <= set(planned)


def extract_again(workflow: Workflow) -> Path:
    """A second extraction of blue with one other number; its folder."""
    raw = workflow.folder / "data/raw/blue"
    (raw / "second").mkdir()
    shutil.copy2(raw / "results.csv", raw / "second/results.csv")
    workflow.edit("data/raw/blue/second/results.csv", ",20,18.0,8.0,", ",20,18.5,8.0,")
    return raw / "second"


def holds_a_second_extraction(results: Path) -> None:
    """What a second extraction of blue says reaches the page and the trace."""
    listed = (results / "blue/disagreements.csv").read_text(encoding="utf-8")
    assert listed.splitlines()[1].endswith(",mean,18.0,18.5,,,,,open")
    page = (results / "blue/tables.html").read_text(encoding="utf-8")
    assert "One disagreement is open; the results concerned are flagged." in page
    result = (results / "blue/mood/index.html").read_text(encoding="utf-8")
    assert "Ash 2011 (extractors disagree)" in result
    trace = (results / "blue/mood/trace.csv").read_text(encoding="utf-8")
    assert ",effect,flags,extractors_disagree," in trace
    other = (results / "green/tables.html").read_text(encoding="utf-8")
    assert "Single extraction" in other


def test_the_trace_of_a_finished_run_agrees(finished: Workflow) -> None:
    """The command reads what the workflow wrote, and every link holds."""
    command = [sys.executable, "-m", "trialpool.cli", "trace", "results/blue/mood", "--json"]
    done = subprocess.run(command, cwd=finished.folder, env=finished.environment,
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    held = json.loads(done.stdout)
    assert {check["verdict"] for check in held["checks"]} == {"agrees"}
    table = files.read(finished.folder / "results/blue/mood/trace.csv")
    assert [line["value"] for line in held["chain"]] == [
        tables.cell(value) for value in table["value"]
    ]


# Of the pages beside the answers the tables are made in the same jobs.
DRAWN = {"figures", "page", "pages", "trials", "methods", "downloads", "data_package"}
PEOPLE = "review/extraction/checks/people.py"
WORDED = {"flags", "figures", "data_package", "pages", "trials", "downloads"}


@pytest.mark.parametrize(
    ("path", "old", "new", "rules"),
    [
        ("effects/tetrachoric.py", '"""', '"""Edited. ', set()),
        ("review/fitting/fit.py", "\n\n\n", "\n\n\n# edited\n", set()),
        ("../../workflow/scripts/pool.py", '"""', '"""Edited. ', set()),
        ("figures/style.py", "#1C1C1C", "#1C1C1D", DRAWN),
        # The words of a check: those of one that marks no row here are nowhere yet.
        (PEOPLE, "more people analysed than", "more analysed than", WORDED),
        (PEOPLE, "n grows over time", "n grows", set()),
    ],
)
def test_an_edit_of_code_re_runs_what_it_changes(
    finished: Workflow, tmp_path: Path, path: str, old: str, new: str, rules: set[str]
) -> None:
    """A comment or a docstring: nothing. A colour: figures and pages. Words of a check: no fit."""
    changed = finished.copy(tmp_path / "changed")
    changed.edit(f"src/trialpool/{path}", old, new)
    rule = re.compile(r"(_blue|_green)?(_\d+)?( .*)?$")
    assert {rule.sub("", job) for job in changed.planned()} == rules


def test_a_changed_setting_re_runs_its_own_process(finished: Workflow, tmp_path: Path) -> None:
    """The preferred time of one analysis is no business of the other conditions."""
    changed = finished.copy(tmp_path / "changed")
    changed.edit("config/review.yaml", "prefer_time: 7", "prefer_time: 6")
    pooled = [job for job in changed.planned() if job.startswith("pool")]
    assert pooled == ["pool_blue_1"]


def test_an_added_analysis_is_described(finished: Workflow, tmp_path: Path) -> None:
    """Its tables are listed in the data package without being asked for."""
    changed = finished.copy(tmp_path / "changed")
    changed.edit(
        "config/review.yaml",
        "      harm: {",
        "      more: {title: More, outcome: harm, measure: OR}\n      harm: {",
    )
    assert {"data_package", "pool_blue_1"} <= set(changed.planned())


@pytest.mark.parametrize(
    ("path", "old", "new", "message"),
    [
        (
            "data/raw/green/results.csv",
            ",20,18.0,8.0,",
            ",20,61,8.0,",
            "data/raw/green/results.csv row 2, mean = 61: outside the range of SCALE, 0 to 60.",
        ),
        (
            "config/review.yaml",
            "primary: true",
            "primay: true",
            "conditions.blue.analyses.mood.primay: unknown key",
        ),
    ],
)
def test_bad_input_stops_the_run_before_anything_is_written(
    tmp_path: Path, path: str, old: str, new: str, message: str
) -> None:
    """An error in one condition leaves no partial result of another."""
    workflow = Workflow.fresh(tmp_path / "bad")
    workflow.edit(path, old, new)
    done = workflow.run()
    assert done.returncode != 0
    assert message in done.stdout + done.stderr
    assert "nothing was written" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert workflow.digests() == {}


def test_lint_has_no_findings(finished: Workflow) -> None:
    """`snakemake --lint` exits 0 only without findings."""
    done = finished.run("--lint")
    assert done.returncode == 0, done.stdout + done.stderr


def test_scripts_and_modules_are_small() -> None:
    """A script reads, calls, writes; a module does one job."""
    limits = {"workflow/scripts/*.py": 30, "workflow/rules/*.smk": 150, "src/**/*.py": 400}
    for pattern, limit in limits.items():
        for path in ROOT.glob(pattern):
            count = len(path.read_text(encoding="utf-8").splitlines())
            assert count <= limit, f"{path.relative_to(ROOT)} has {count} lines"
    assert len((ROOT / "workflow/Snakefile").read_text(encoding="utf-8").splitlines()) < 80


@pytest.mark.parametrize(
    ("path", "job"),
    [
        ("results/blue/mood/weights.csv", "pool_blue_1"),
        ("results/blue/mood/model.json", "pool_blue_1"),
        ("results/blue/mood/figures.csv", "figures_blue"),
        ("results/blue/missing_evidence.csv", "summary_condition blue"),
        ("data/processed/blue/dropped.csv", "clean blue"),
        ("data/processed/blue/flags.csv", "flags blue"),
    ],
)
def test_a_deleted_table_is_made_again(
    finished: Workflow, tmp_path: Path, path: str, job: str
) -> None:
    """Whatever a page links to."""
    changed = finished.copy(tmp_path / "changed")
    (changed.folder / path).unlink()
    assert job in changed.planned()


def test_results_of_no_analysis_are_named(finished: Workflow, tmp_path: Path) -> None:
    """An analysis taken out of the protocol leaves its folder; that is said, and only of it."""
    changed = finished.copy(tmp_path / "changed")
    folder = changed.folder / "results/blue/old"
    folder.mkdir()
    (folder / "model.json").write_text("{}", encoding="utf-8")
    done = changed.run("--dry-run")
    said = [line for line in (done.stdout + done.stderr).splitlines() if "no analysis of" in line]
    assert len(said) == 1
    assert said[0].startswith("results/blue/old is of no analysis of the protocol")
